//! One dependency and its waiters, by events in virtual time.

use std::fmt;
use std::time::Duration;

use prereq::check::Cost;
use prereq::engine::pacing::{Pacing, splay};
use prereq::plan::Policy;

/// How many wait.
const WAITERS: u32 = 10_000;
/// When the dependency has started, in milliseconds.
const STARTED: u32 = 60_000;
/// How long it takes for a request, in milliseconds: 500 a second.
const SERVICE: u32 = 2;
/// Where so many milliseconds of work are queued, a request is answered by 503 at once.
const BACKLOG: u32 = 1_000;
/// Longer than any herd takes.
const END: u32 = 600_000;

/// What the dependency does to an attempt while it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Starting {
    /// Its port is closed.
    Refuses,
    /// It answers that it is not ready.
    Answers,
}

impl Starting {
    fn cost(self) -> Cost {
        match self {
            Self::Refuses => Cost::Low,
            Self::Answers => Cost::High,
        }
    }
}

impl fmt::Display for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuses => "refused",
            Self::Answers => "503",
        })
    }
}

/// What a herd did.
pub(crate) struct Herd {
    /// Attempts in each second.
    pub(crate) per_second: Vec<u32>,
    /// When the last waiter was through, in seconds.
    pub(crate) last: f64,
}

impl Herd {
    /// Lets all waiters start at once, but for a splay of so many seconds.
    pub(crate) fn run(policy: &Policy, starting: Starting, span: u64) -> Self {
        // What is to be done in each millisecond.
        let mut due: Vec<Vec<u32>> = vec![Vec::new(); END as usize];
        let mut waiters: Vec<(u32, Pacing)> = (0..WAITERS)
            .map(|id| {
                let first = splay(Duration::from_secs(span), &format!("app-{id}"));
                (millis(first), Pacing::new(policy, u64::from(id)))
            })
            .collect();
        for (id, (first, _)) in (0..).zip(&waiters) {
            due[*first as usize].push(id);
        }
        let mut herd = Self { per_second: Vec::new(), last: 0.0 };
        let (mut waiting, mut free) = (WAITERS, STARTED);
        for now in 0..END {
            for id in std::mem::take(&mut due[now as usize]) {
                herd.per_second.resize((now / 1_000 + 1) as usize, 0);
                herd.per_second[(now / 1_000) as usize] += 1;
                let cost = if now < STARTED {
                    starting.cost()
                } else if free.saturating_sub(now) >= BACKLOG {
                    Cost::High
                } else {
                    free = free.max(now) + SERVICE;
                    waiting -= 1;
                    continue;
                };
                let (first, pacing) = &mut waiters[id as usize];
                let wait = pacing.next(Duration::from_millis(u64::from(now - *first)), cost);
                if let Some(next) = due.get_mut((now + millis(wait).max(1)) as usize) {
                    next.push(id);
                }
            }
            if waiting == 0 {
                herd.last = f64::from(free) / 1e3;
                break;
            }
        }
        herd
    }

    /// All attempts.
    pub(crate) fn total(&self) -> u32 {
        self.per_second.iter().sum()
    }

    /// The most in one second.
    pub(crate) fn peak(&self) -> u32 {
        self.per_second.iter().copied().max().unwrap_or_default()
    }

    /// The most in one second once the dependency serves.
    pub(crate) fn peak_after_start(&self) -> u32 {
        self.per_second.iter().skip((STARTED / 1_000) as usize).copied().max().unwrap_or_default()
    }
}

/// What one waiter found, on average.
#[derive(Clone, Copy)]
pub(crate) struct Noticed {
    /// From readiness to the attempt that finds it, in seconds.
    pub(crate) lag: f64,
    /// How many attempts were made.
    pub(crate) attempts: f64,
}

impl Noticed {
    /// The mean over waits from a tenth below `wait` seconds to a tenth above.
    pub(crate) fn after(wait: f64, policy: &Policy, starting: Starting) -> Self {
        const RUNS: u32 = 400;
        let (mut lag, mut attempts) = (0.0, 0_u32);
        for run in 0..RUNS {
            let ready = Duration::from_secs_f64(wait * (0.9 + 0.2 * f64::from(run) / f64::from(RUNS)));
            let mut pacing = Pacing::new(policy, u64::from(run));
            let mut now = Duration::ZERO;
            attempts += 1;
            while now < ready {
                now += pacing.next(now, starting.cost());
                attempts += 1;
            }
            lag += now.saturating_sub(ready).as_secs_f64();
        }
        Self { lag: lag / f64::from(RUNS), attempts: f64::from(attempts) / f64::from(RUNS) }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
