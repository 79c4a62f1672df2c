//! One JSON object a line, for collectors. The form is that of `events.schema.json`.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::object::{Object, VERSION, millis, outcome_name, put, standing, timestamp, told};
use super::summary::shared_hint;
use super::{Reporter, Style, Verbosity, is_missing};
use crate::check::Verdict;
use crate::cli::exit::Exit;
use crate::engine::{Event, Outcome, Progress, State};

/// At most so many preconditions are listed in one line, which collectors would cut.
const LISTED: usize = 100;

/// The reporter for machines.
pub(super) struct Json<W> {
    style: Style,
    to: W,
}

impl<W: Write> Json<W> {
    pub(super) fn new(style: Style, to: W) -> Self {
        Self { style, to }
    }

    fn line(&self, at: Duration, event: &Event, progress: &Progress<'_>) -> Object {
        let mut line = Object::new();
        put(&mut line, "v", VERSION);
        put(&mut line, "ts", timestamp(jiff::Timestamp::now()));
        put(&mut line, "elapsed_ms", millis(at));
        let (level, name) = level_and_name(event);
        put(&mut line, "level", level);
        put(&mut line, "event", name);
        match event {
            Event::Start => self.start(&mut line, progress),
            Event::Attempt { id, took, verdict, stages } => {
                self.standing(&mut line, *id, at, progress);
                attempt(&mut line, *took, verdict);
                if !stages.is_empty() {
                    put(&mut line, "stages", stages.iter().map(stage).collect::<Vec<_>>());
                }
            }
            Event::Begin(id)
            | Event::Reason(id)
            | Event::Lost(id)
            | Event::Ready(id)
            | Event::Passed(id, _)
            | Event::Failed(id, _) => self.standing(&mut line, *id, at, progress),
            Event::Tick => {}
            Event::Confirm => put(&mut line, "total", progress.leaves().len()),
            Event::Warning(text) => put(&mut line, "message", text.as_str()),
            Event::Heartbeat => {
                counts(&mut line, progress);
                let pending = (0..progress.leaves().len())
                    .filter(|id| progress.leaf(*id).state == State::Pending)
                    .collect();
                self.list(&mut line, "pending", pending, at, progress);
            }
            Event::End(outcome) => {
                put(&mut line, "outcome", outcome_name(*outcome));
                put(&mut line, "exit", Exit::from(*outcome) as u8);
                counts(&mut line, progress);
                let mut all: Vec<usize> = (0..progress.leaves().len()).collect();
                if all.len() > LISTED {
                    all.sort_by_key(|id| !is_missing(progress.leaf(*id)));
                }
                self.list(&mut line, "preconditions", all, at, progress);
                if *outcome != Outcome::Satisfied {
                    put(&mut line, "hint", shared_hint(progress, self.style.surroundings));
                }
            }
        }
        line
    }

    fn start(&self, line: &mut Object, progress: &Progress<'_>) {
        let plan = progress.plan();
        put(line, "version", env!("CARGO_PKG_VERSION"));
        put(line, "timeout_ms", plan.settings.timeout.duration().map(millis));
        put(line, "total", plan.preconditions.len());
        let names: Vec<&str> = plan.preconditions.iter().take(LISTED).map(|one| one.name.as_str()).collect();
        put(line, "targets", names);
        put(line, "more", plan.preconditions.len().checked_sub(LISTED).filter(|more| *more > 0));
        if !self.style.notes.is_empty() {
            put(line, "notes", self.style.notes.clone());
        }
    }

    /// Lists preconditions, as far as they fit.
    fn list(&self, line: &mut Object, name: &str, ids: Vec<usize>, at: Duration, progress: &Progress<'_>) {
        let more = ids.len().checked_sub(LISTED).filter(|more| *more > 0);
        let entry = |id: usize| {
            let mut entry = Object::new();
            self.standing(&mut entry, id, at, progress);
            Value::from(entry)
        };
        put(line, name, ids.into_iter().take(LISTED).map(entry).collect::<Vec<_>>());
        put(line, "more", more);
    }

    fn standing(&self, line: &mut Object, id: usize, at: Duration, progress: &Progress<'_>) {
        standing(line, id, at, progress, self.style.surroundings);
    }
}

impl<W: Write> Reporter for Json<W> {
    fn on(&mut self, at: Duration, event: &Event, progress: &Progress<'_>) {
        let wanted = match self.style.verbosity {
            Verbosity::Quiet => matches!(event, Event::End(_) | Event::Warning(_)),
            Verbosity::Normal => !matches!(event, Event::Attempt { .. } | Event::Begin(_) | Event::Tick),
            Verbosity::Verbose | Verbosity::Stages => *event != Event::Tick,
        };
        if !wanted {
            return;
        }
        let text = format!("{}\n", Value::from(self.line(at, event, progress)));
        // Output that cannot be written does not change what is waited for.
        let _ = self.to.write_all(text.as_bytes());
    }
}

/// How much a line matters, and what it tells of.
fn level_and_name(event: &Event) -> (&'static str, &'static str) {
    match event {
        Event::Start => ("info", "start"),
        Event::Begin(_) => ("debug", "begin"),
        Event::Attempt { .. } => ("debug", "attempt"),
        Event::Reason(_) => ("info", "reason"),
        Event::Lost(_) => ("warn", "lost"),
        Event::Ready(_) => ("info", "ready"),
        Event::Passed(..) => ("warn", "passed"),
        Event::Failed(..) => ("error", "failed"),
        Event::Tick => ("debug", "tick"),
        Event::Confirm => ("info", "confirm"),
        Event::Heartbeat => ("info", "heartbeat"),
        Event::Warning(_) => ("warn", "warning"),
        Event::End(Outcome::Satisfied) => ("info", "end"),
        Event::End(_) => ("error", "end"),
    }
}

/// What one attempt found, which may be more than what is announced.
fn attempt(line: &mut Object, took: Duration, verdict: &Verdict) {
    for name in ["class", "message", "facts", "since_ms", "hint"] {
        line.shift_remove(name);
    }
    put(line, "took_ms", millis(took));
    match verdict {
        Verdict::Ready(evidence) => {
            put(line, "verdict", "ready");
            put(line, "message", evidence.text.as_str());
        }
        Verdict::NotYet(reason) => {
            put(line, "verdict", "not-yet");
            told(line, reason);
        }
        Verdict::Never(reason) => {
            put(line, "verdict", "never");
            told(line, reason);
        }
    }
}

/// A stage of an attempt; times in milliseconds, to three places.
fn stage(stage: &crate::net::trace::Stage) -> Value {
    let millis = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    serde_json::json!({
        "name": stage.name,
        "from_ms": millis(stage.from),
        "took_ms": millis(stage.took),
        "detail": stage.detail,
    })
}

fn counts(line: &mut Object, progress: &Progress<'_>) {
    put(line, "ready", progress.leaves().iter().filter(|leaf| leaf.state == State::Ready).count());
    put(line, "total", progress.leaves().len());
}
