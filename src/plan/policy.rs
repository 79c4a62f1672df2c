//! How to wait: per precondition ([`Policy`]) and for the whole run ([`Settings`]).

use std::time::Duration;

use super::duration::Limit;

/// How waits between attempts grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backoff {
    /// A share of the time waited so far, by what the last failure cost the dependency.
    #[default]
    Adaptive,
    /// Each wait is a multiple of the one before, jittered.
    Exponential,
    /// Always `interval`.
    Constant,
}

/// How one precondition is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How long to wait for it, counted from its start.
    pub timeout: Limit,
    /// The longest duration of one attempt.
    pub attempt_timeout: Limit,
    /// The shortest wait between attempts.
    pub interval: Duration,
    /// The longest wait between attempts.
    pub max_interval: Duration,
    /// How waits grow.
    pub backoff: Backoff,
    /// The factor of [`Backoff::Exponential`].
    pub factor: f32,
    /// How many attempts in a row must succeed.
    pub successes: u32,
    /// How long it must hold without interruption.
    pub stable: Duration,
    /// How many attempts are made at most.
    pub max_attempts: Option<u32>,
    /// Whether the run goes on without it when its time is up.
    pub optional: bool,
    /// Codes of classes that end the wait at once.
    pub fail_on: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Limit::Never,
            attempt_timeout: Limit::After(Duration::from_secs(5)),
            interval: Duration::from_millis(50),
            max_interval: Duration::from_secs(1),
            backoff: Backoff::Adaptive,
            factor: 2.0,
            successes: 1,
            stable: Duration::ZERO,
            max_attempts: None,
            optional: false,
            fail_on: Vec::new(),
        }
    }
}

/// How the whole run is conducted.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How long to wait for everything together.
    pub timeout: Limit,
    /// The span over which first attempts are spread, by host name.
    pub splay: Duration,
    /// Whether all are probed once more together at the end.
    pub confirm: bool,
    /// How often all that is pending is reported.
    pub heartbeat: Limit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Limit::After(Duration::from_mins(5)),
            splay: Duration::ZERO,
            confirm: false,
            heartbeat: Limit::After(Duration::from_secs(10)),
        }
    }
}
