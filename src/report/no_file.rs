//! Reports where they are not compiled in: asking for one is a mistake that names the feature.

use std::io;
use std::path::Path;

use super::Ended;
use crate::plan::problem::Problem;

/// A report that is asked for: there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportFile {}

impl ReportFile {
    /// No report.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: &str) -> Result<Self, String> {
        let problem = Problem::lacking("writing reports", "reports");
        Err([problem.what, problem.hint.unwrap_or_default()].join("; "))
    }

    /// Where it would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// Whether it could be written.
    ///
    /// # Errors
    /// None.
    pub fn check(&self) -> Result<(), String> {
        match *self {}
    }

    /// Would write it.
    ///
    /// # Errors
    /// None.
    pub fn write(&self, _: &Ended<'_>) -> io::Result<()> {
        match *self {}
    }
}
