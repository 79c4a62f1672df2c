//! Exit statuses.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use crate::engine::{End, Outcome, Signal};

/// How the program leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything holds.
    Satisfied = 0,
    /// Not satisfied within the attempts allowed.
    Unsatisfied = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Can never be satisfied.
    Never = 3,
    /// Internal error.
    Internal = 70,
    /// Timed out (as timeout(1)).
    TimedOut = 124,
    /// COMMAND cannot be executed (as a shell).
    CannotExecute = 126,
    /// COMMAND is not found (as a shell).
    NotFound = 127,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Satisfied => Self::Satisfied,
            Outcome::Unsatisfied(End::Attempts) => Self::Unsatisfied,
            Outcome::Unsatisfied(End::Never) => Self::Never,
            Outcome::Unsatisfied(End::TimedOut) => Self::TimedOut,
            Outcome::Interrupted(Signal::Interrupt) => Self::Interrupted,
            Outcome::Interrupted(Signal::Terminate) => Self::Terminated,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What a panic does: it says where, and leaves with 70 rather than by SIGABRT. What panicked is not repeated,
/// since it may hold anything.
#[expect(clippy::exit, reason = "a hook cannot return a status")]
pub fn internal(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    // If nobody reads it, the exit status still tells.
    let _ = writeln!(std::io::stderr(), "prereq: internal error at {place}; please report it");
    std::process::exit(i32::from(Exit::Internal as u8));
}
