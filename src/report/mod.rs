//! What is printed: reporters turn events into lines. None of them decides anything.

#[cfg(feature = "reports")]
mod document;
#[cfg(feature = "reports")]
pub mod file;
#[cfg(not(feature = "reports"))]
#[path = "no_file.rs"]
pub mod file;
mod json;
#[cfg(feature = "reports")]
mod junit;
#[cfg(feature = "live")]
mod live;
mod object;
pub mod output;
mod palette;
#[cfg(feature = "live")]
mod rows;
#[cfg(feature = "reports")]
mod scale;
pub mod schema;
#[cfg(feature = "live")]
mod screen;
mod summary;
#[cfg(feature = "reports")]
mod svg;
pub mod termination;
mod text;
#[cfg(feature = "reports")]
mod xml;

#[cfg(feature = "live")]
use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;

use crate::engine::{Event, Outcome, Progress};
use crate::explain::hints::Surroundings;
use crate::plan::layer::LogFormat;

pub use palette::Palette;
use summary::is_missing;
pub use summary::summary;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// The closing summary only.
    Quiet,
    /// What changes.
    #[default]
    Normal,
    /// Every attempt.
    Verbose,
    /// Every attempt, with its stages.
    Stages,
}

/// What a reporter is told beside the events.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// How much is printed.
    pub verbosity: Verbosity,
    /// Where the program runs.
    pub surroundings: Surroundings,
    /// With colour, or without.
    pub palette: Palette,
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
    #[cfg(feature = "reports")]
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

    /// How often it wants to hear of the time that passes ([`Event::Tick`]), if at all.
    fn every(&self) -> Option<Duration> {
        None
    }
}

/// The reporter for a format, writing to `to`.
pub fn reporter<'w>(format: LogFormat, style: Style, to: impl Write + 'w) -> Box<dyn Reporter + 'w> {
    match format {
        LogFormat::Text => Box::new(text::Text::new(style, to)),
        LogFormat::Json => Box::new(json::Json::new(style, to)),
    }
}

/// The reporter for people in front of a terminal: the lines of the text format, and below them a row for each
/// precondition that is pending.
#[cfg(feature = "live")]
pub fn live(style: Style, output: &RefCell<output::Output>) -> Box<dyn Reporter + '_> {
    live::erase_on_panic();
    Box::new(live::Live::new(style, output, screen::size))
}

/// `and 3 more`.
fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// `1 attempt`, `2 attempts`.
fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
