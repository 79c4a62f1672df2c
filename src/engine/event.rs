//! What happens during a run.

use std::time::Duration;

use super::tally::End;
use crate::check::Verdict;
use crate::net::trace::Stage;

/// A signal that ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that is needed holds.
    Satisfied,
    /// It cannot be satisfied any more.
    Unsatisfied(End),
    /// A signal came.
    Interrupted(Signal),
}

/// Something that happened. Preconditions are named by their places in the plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run begins.
    Start,
    /// A precondition is waited for from now on.
    Begin(usize),
    /// An attempt ended.
    Attempt {
        /// Which precondition.
        id: usize,
        /// How long it took.
        took: Duration,
        /// What it found, after `not`.
        verdict: Verdict,
        /// Its stages, where they are kept.
        stages: Vec<Stage>,
    },
    /// The reason why it does not hold is another one than before.
    Reason(usize),
    /// It held, but not for long enough, and does no longer.
    Lost(usize),
    /// It is satisfied.
    Ready(usize),
    /// It is not satisfied and never will be within its bounds; the run goes on without it.
    Passed(usize, End),
    /// It is not satisfied and never will be within its bounds.
    Failed(usize, End),
    /// All are probed once more together.
    Confirm,
    /// Some time has passed with something still pending.
    Heartbeat,
    /// Time has passed, for displays that show it; told only where [`Conditions::tick`] asks for it.
    ///
    /// [`Conditions::tick`]: super::Conditions::tick
    Tick,
    /// Something about the run itself that should be known.
    Warning(String),
    /// The run is over.
    End(Outcome),
}
