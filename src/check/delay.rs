//! `delay:DUR` — satisfied when that time has passed since it started.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Duration, Instant};

use super::{Attempt, Class, Cost, Draft, Evidence, Kind, Probe, Reason, Scheme, Verdict};
use crate::net::trace::Trace;
use crate::plan::duration;
use crate::plan::problem::Problem;

/// The delay has not passed yet.
static PENDING: Class = Class::new("delay.pending", Cost::Low, "The delay has not passed yet.")
    .causes(&["a time-out that is shorter than the delay"])
    .remedy("Raise `--timeout`, or shorten the delay.");

/// The kind `delay`.
pub(super) static KIND: Kind = Kind {
    name: "delay",
    schemes: &[Scheme::opaque("delay", "delay:DUR")],
    flag: None,
    summary: "that time has passed",
    options: &[],
    opposite: &[],
    classes: &[&PENDING],
    build,
};

struct Delay {
    duration: Duration,
    until: std::cell::OnceCell<Instant>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    match draft.target.plain_path().and_then(|text| duration::parse(&text).map_err(Problem::new)) {
        Ok(duration) => Some(Box::new(Delay { duration, until: std::cell::OnceCell::new() })),
        Err(problem) => {
            draft.problem(problem);
            None
        }
    }
}

impl Probe for Delay {
    fn bounded(&self) -> bool {
        false
    }

    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            let until = *self.until.get_or_init(|| Instant::now() + self.duration);
            note(attempt.trace, self.duration);
            tokio::time::sleep_until(until).await;
            Verdict::Ready(Evidence::new("the time has passed"))
        }
        .boxed_local()
    }
}

fn note(trace: &Trace, duration: Duration) {
    trace.doing(move || Reason::new(&PENDING, format!("waits for {} to pass", duration::exact(duration))));
}
