//! What is printed: reporters turn events into lines. None of them decides anything.

mod document;
pub mod file;
mod json;
mod junit;
mod object;
pub mod output;
mod scale;
pub mod schema;
mod summary;
mod svg;
pub mod termination;
mod text;
mod xml;

use std::io::Write;
use std::time::Duration;

use crate::engine::{Event, Outcome, Progress};
use crate::explain::hints::Surroundings;
use crate::plan::layer::LogFormat;

use summary::is_missing;
pub use summary::summary;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// The closing summary only.
    Quiet,
    /// What changes.
    #[default]
    Normal,
    /// Every attempt.
    Verbose,
}

/// What a reporter is told beside the events.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// How much is printed.
    pub verbosity: Verbosity,
    /// Where the program runs.
    pub surroundings: Surroundings,
    /// What should be known from the start, such as settings that have no effect.
    pub notes: Vec<String>,
}

/// A run that is over, as reports tell of it.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// What is known.
    pub progress: &'a Progress<'a>,
    /// How it ended.
    pub outcome: Outcome,
    /// When, since the start.
    pub at: Duration,
    /// When, by the clock.
    pub time: jiff::Timestamp,
    /// Where it ran.
    pub host: String,
    /// Where it ran, as far as hints depend on it.
    pub surroundings: Surroundings,
}

impl Ended<'_> {
    /// When it began, by the clock.
    #[must_use]
    pub fn started(&self) -> jiff::Timestamp {
        let at = jiff::SignedDuration::try_from(self.at).unwrap_or_default();
        self.time.checked_sub(at).unwrap_or(self.time)
    }
}

/// Turns events into output.
pub trait Reporter {
    /// Something happened `at` that time after the start.
    fn on(&mut self, at: Duration, event: &Event, progress: &Progress<'_>);
}

/// The reporter for a format, writing to `to`.
pub fn reporter<'w>(format: LogFormat, style: Style, to: impl Write + 'w) -> Box<dyn Reporter + 'w> {
    match format {
        LogFormat::Text => Box::new(text::Text::new(style, to)),
        LogFormat::Json => Box::new(json::Json::new(style, to)),
    }
}

/// `1 attempt`, `2 attempts`.
fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
