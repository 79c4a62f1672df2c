//! One JSON object a line, for collectors.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use super::{Reporter, Style, Verbosity};
use crate::check::{Reason, Verdict};
use crate::cli::exit::Exit;
use crate::engine::{End, Event, Outcome, Progress, State};
use crate::explain::hints::hint;

/// The version of the form of the objects; it grows when a reader would have to change.
const VERSION: u32 = 1;

/// The reporter for machines.
pub(super) struct Json<W> {
    style: Style,
    to: W,
}

/// One line. Fields that do not apply are left out.
#[derive(Serialize, Default)]
struct Line<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    ts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Vec<Line<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditions: Option<Vec<Line<'a>>>,
}

impl<W: Write> Json<W> {
    pub(super) fn new(style: Style, to: W) -> Self {
        Self { style, to }
    }

    fn line<'a>(&self, at: Duration, event: &Event, progress: &'a Progress<'_>) -> Line<'a> {
        let mut line =
            Line { elapsed_ms: Some(millis(at)), ts: jiff::Timestamp::now().to_string(), ..Line::default() };
        match event {
            Event::Start => {
                line.event = "start";
                line.v = Some(VERSION);
                line.version = Some(env!("CARGO_PKG_VERSION"));
                line.targets =
                    Some(progress.plan().preconditions.iter().map(|one| one.name.as_str()).collect());
                line.timeout_ms = progress.plan().settings.timeout.duration().map(millis);
                line.message = (!self.style.notes.is_empty()).then(|| self.style.notes.join("; "));
            }
            Event::Begin(id) => self.one(&mut line, "begin", *id, at, progress),
            Event::Attempt { id, took, verdict } => {
                self.one(&mut line, "attempt", *id, at, progress);
                line.took_ms = Some(millis(*took));
                match verdict {
                    Verdict::Ready(evidence) => {
                        (line.class, line.message, line.hint) = (None, Some(evidence.text.clone()), None);
                    }
                    Verdict::NotYet(reason) | Verdict::Never(reason) => {
                        (line.class, line.message) = (Some(reason.class.code), Some(reason.text.clone()));
                    }
                }
            }
            Event::Reason(id) => self.one(&mut line, "reason", *id, at, progress),
            Event::Lost(id) => self.one(&mut line, "lost", *id, at, progress),
            Event::Ready(id) => self.one(&mut line, "ready", *id, at, progress),
            Event::Passed(id, _) => self.one(&mut line, "passed", *id, at, progress),
            Event::Failed(id, _) => self.one(&mut line, "failed", *id, at, progress),
            Event::Confirm => line.event = "confirm",
            Event::Tick => line.event = "tick",
            Event::Warning(text) => (line.event, line.message) = ("warning", Some(text.clone())),
            Event::Heartbeat => {
                line.event = "heartbeat";
                line.pending = Some(self.all(at, progress, |state| state == State::Pending));
            }
            Event::End(outcome) => {
                line.event = "end";
                line.outcome = Some(outcome_name(*outcome));
                line.exit = Some(Exit::from(*outcome) as u8);
                line.preconditions = Some(self.all(at, progress, |_| true));
            }
        }
        line
    }

    fn all<'a>(
        &self,
        at: Duration,
        progress: &'a Progress<'_>,
        which: impl Fn(State) -> bool,
    ) -> Vec<Line<'a>> {
        (0..progress.leaves().len())
            .filter(|id| which(progress.leaf(*id).state))
            .map(|id| {
                let mut line = Line::default();
                self.one(&mut line, "", id, at, progress);
                line
            })
            .collect()
    }

    fn one<'a>(
        &self,
        line: &mut Line<'a>,
        event: &'static str,
        id: usize,
        at: Duration,
        progress: &'a Progress<'_>,
    ) {
        let precondition = &progress.plan().preconditions[id];
        let leaf = progress.leaf(id);
        line.event = event;
        line.id = Some(id);
        line.target = Some(&precondition.name);
        line.state = Some(state_name(leaf.state));
        line.attempts = Some(leaf.attempts);
        line.waited_ms = Some(millis(leaf.waited(at)));
        if leaf.state == State::Ready {
            line.message = leaf.evidence.as_ref().map(|evidence| evidence.text.clone());
        } else if let Some(Reason { class, text, .. }) = &leaf.reason {
            line.class = Some(class.code);
            line.message = Some(text.clone());
            line.hint =
                leaf.reason.as_ref().and_then(|reason| hint(precondition, reason, self.style.surroundings));
        }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn on(&mut self, at: Duration, event: &Event, progress: &Progress<'_>) {
        let wanted = match self.style.verbosity {
            Verbosity::Quiet => matches!(event, Event::End(_) | Event::Warning(_)),
            Verbosity::Normal => !matches!(event, Event::Attempt { .. } | Event::Begin(_) | Event::Tick),
            Verbosity::Verbose => *event != Event::Tick,
        };
        if !wanted {
            return;
        }
        if let Ok(mut text) = serde_json::to_string(&self.line(at, event, progress)) {
            text.push('\n');
            // Output that cannot be written does not change what is waited for.
            let _ = self.to.write_all(text.as_bytes());
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Pending => "pending",
        State::Ready => "ready",
        State::Passed(_) => "passed",
        State::Failed(_) => "failed",
        State::Unneeded => "unneeded",
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Satisfied => "satisfied",
        Outcome::Unsatisfied(End::TimedOut) => "timed-out",
        Outcome::Unsatisfied(End::Attempts) => "unsatisfied",
        Outcome::Unsatisfied(End::Never) => "never",
        Outcome::Interrupted(_) => "interrupted",
    }
}
