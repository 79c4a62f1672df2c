//! What is printed: reporters turn events into lines. None of them decides anything.

mod json;
pub mod output;
mod summary;
pub mod termination;
mod text;

use std::io::Write;
use std::time::Duration;

use crate::engine::{Event, Progress};
use crate::explain::hints::Surroundings;
use crate::plan::layer::LogFormat;

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
