//! Lines for people.

use std::io::Write;
use std::time::Duration;

use super::palette::{Palette, Tone};
use super::summary::{reason, state, summary};
use super::{Reporter, Style, Verbosity, and_more, counted};
use crate::check::Verdict;
use crate::engine::{End, Event, Outcome, Progress, State};
use crate::plan::duration::{Limit, human};

/// At most so many preconditions are listed at the start and in a heartbeat.
const LISTED: usize = 10;

/// The reporter for people.
pub(super) struct Text<W> {
    style: Style,
    pub(super) to: W,
}

impl<W: Write> Text<W> {
    pub(super) fn new(style: Style, to: W) -> Self {
        Self { style, to }
    }

    /// Writes whole lines in one go, so that they are not mixed with another program's.
    fn lines(&mut self, lines: &[String]) {
        let mut text = lines.join("\n");
        text.push('\n');
        // Output that cannot be written does not change what is waited for.
        let _ = self.to.write_all(text.as_bytes());
    }

    fn timed(&mut self, at: Duration, text: &str) {
        let line = format!("{}  {text}", self.time(at));
        self.lines(&[line]);
    }

    fn time(&self, at: Duration) -> String {
        self.style.palette.paint(Tone::Dim, format_args!("{:>7}", human(at)))
    }

    fn start(&mut self, progress: &Progress<'_>) {
        let plan = progress.plan();
        let names: Vec<&str> = plan.preconditions.iter().map(|one| one.name.as_str()).collect();
        let limit = match plan.settings.timeout {
            Limit::Never => "without a time-out".to_owned(),
            Limit::After(timeout) => format!("for {} at most", crate::plan::duration::exact(timeout)),
        };
        let what = match names.as_slice() {
            [name] => (*name).to_owned(),
            names => counted(u32::try_from(names.len()).unwrap_or(u32::MAX), "precondition"),
        };
        let mut lines = vec![format!("prereq {}: waiting for {what}, {limit}", env!("CARGO_PKG_VERSION"))];
        if names.len() > 1 {
            lines.extend(names.iter().take(LISTED).map(|name| format!("  {name}")));
            if names.len() > LISTED {
                lines.push(format!("  {}", and_more(names.len() - LISTED)));
            }
        }
        lines.extend(self.style.notes.iter().map(|note| format!("  note: {note}")));
        self.lines(&lines);
    }

    fn heartbeat(&mut self, at: Duration, progress: &Progress<'_>) {
        let palette = self.style.palette;
        let total = progress.leaves().len();
        let pending = progress.leaves().iter().enumerate().filter(|(_, leaf)| leaf.state == State::Pending);
        let shown: Vec<String> = pending
            .take(LISTED)
            .map(|(id, leaf)| {
                format!("{}: {}", progress.plan().preconditions[id].name, state(leaf, at, palette))
            })
            .collect();
        if let [one] = shown.as_slice() {
            self.timed(at, &format!("waiting for {one}"));
            return;
        }
        let mut lines = vec![format!("{}  waiting for {} of {total}", self.time(at), progress.pending())];
        lines.extend(shown.iter().map(|line| format!("           {line}")));
        if progress.pending() > LISTED {
            lines.push(format!("           {}", and_more(progress.pending() - LISTED)));
        }
        self.lines(&lines);
    }

    /// The line of an event that concerns one precondition.
    fn line(event: &Event, progress: &Progress<'_>, palette: Palette) -> Option<String> {
        let name = |id: usize| &progress.plan().preconditions[id].name;
        let why =
            |id: usize| progress.leaf(id).reason.as_ref().map(|why| reason(why, palette)).unwrap_or_default();
        let end = |end: End| match end {
            End::Never => "can never be satisfied",
            End::Attempts => "attempts are used up",
            End::TimedOut => "its time is up",
        };
        Some(match event {
            Event::Reason(id) => format!("{}: {}", name(*id), why(*id)),
            Event::Lost(id) => format!("{}: held, but no longer: {}", name(*id), why(*id)),
            Event::Ready(id) => {
                let leaf = progress.leaf(*id);
                let evidence =
                    leaf.evidence.as_ref().map(|evidence| evidence.text.as_str()).unwrap_or_default();
                format!(
                    "{}: {}, {evidence} ({})",
                    name(*id),
                    palette.paint(Tone::Good, "ready"),
                    counted(leaf.attempts, "attempt")
                )
            }
            Event::Passed(id, how) => {
                format!(
                    "{}: goes on without it, {}: {}",
                    name(*id),
                    palette.paint(Tone::Wait, end(*how)),
                    why(*id)
                )
            }
            Event::Failed(id, how) => {
                format!("{}: {}: {}", name(*id), palette.paint(Tone::Bad, end(*how)), why(*id))
            }
            Event::Confirm => "all hold; each is probed once more".into(),
            Event::Warning(text) => format!("{} {text}", palette.paint(Tone::Wait, "warning:")),
            _ => return None,
        })
    }
}

impl<W: Write> Reporter for Text<W> {
    fn on(&mut self, at: Duration, event: &Event, progress: &Progress<'_>) {
        if let Event::End(outcome) = event {
            let lines = summary(progress, *outcome, at, self.style.surroundings, self.style.palette);
            self.lines(&lines);
            return;
        }
        if self.style.verbosity == Verbosity::Quiet && !matches!(event, Event::Warning(_)) {
            return;
        }
        match event {
            Event::Start => self.start(progress),
            Event::Heartbeat => self.heartbeat(at, progress),
            Event::Attempt { id, took, verdict, stages } if self.style.verbosity >= Verbosity::Verbose => {
                let name = &progress.plan().preconditions[*id].name;
                let found = match verdict {
                    Verdict::Ready(evidence) => evidence.text.clone(),
                    Verdict::NotYet(why) | Verdict::Never(why) => reason(why, self.style.palette),
                };
                let number = progress.leaf(*id).attempts;
                self.timed(at, &format!("{name}: attempt {number}, {}: {found}", human(*took)));
                for stage in stages {
                    let line = format!("  {} {}: {}", stage.name, human(stage.took), stage.detail);
                    self.timed(at, &line);
                }
            }
            // Said by the summary that follows at once.
            Event::Ready(_)
                if progress.leaves().len() == 1 && progress.outcome() == Some(Outcome::Satisfied) => {}
            Event::Failed(..) if progress.outcome().is_some() => {}
            // Every attempt is printed already.
            Event::Reason(_) if self.style.verbosity >= Verbosity::Verbose => {}
            event => {
                if let Some(line) = Self::line(event, progress, self.style.palette) {
                    self.timed(at, &line);
                }
            }
        }
    }
}
