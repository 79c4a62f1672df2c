//! Exit statuses.

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
