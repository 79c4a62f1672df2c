//! Waiting: the only loop. What it does next is decided in [`Progress`], which is pure; the loop only waits,
//! asks and tells.

mod confirm;
mod event;
mod leaf;
pub mod pacing;
mod pause;
mod progress;
mod tally;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::check::{Attempt, Reason, Verdict, class};
use crate::net::Net;
use crate::net::trace::{Stage, Trace};
use crate::net::watch::Watch;
use crate::plan::{Plan, Precondition};

pub use event::{Event, Outcome, Signal};
pub use leaf::{Leaf, Span, State, Streak};
pub use progress::{Action, Progress};
pub use tally::End;

use pause::{at, until};

/// What a run needs beside its plan.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// The wait before the first attempts (see [`pacing::splay`]).
    pub first_wait: Duration,
    /// Decides all jitter.
    pub seed: u64,
    /// How many attempts may be under way at once.
    pub at_once: usize,
    /// How often [`Event::Tick`] is told, if at all.
    pub tick: Option<Duration>,
}

/// What the loop keeps for one precondition.
#[derive(Default)]
struct Slot {
    /// The trace of the attempt that is under way.
    trace: RefCell<Option<Trace>>,
    /// Tells that another attempt is worth making.
    watch: Option<Watch>,
    abort: Option<AbortHandle>,
}

impl Slot {
    /// The attempt under way as it stands.
    fn cut(&self) -> Option<(Reason, Duration)> {
        let trace = self.trace.borrow();
        let trace = trace.as_ref()?;
        Some((trace.cut().unwrap_or_else(unexplained), trace.elapsed()))
    }
}

fn unexplained() -> Reason {
    Reason::new(&class::ATTEMPT_TIMEOUT, "no result")
}

/// The reason of an attempt that did not end within `limit`: in the same words every time.
pub(crate) fn cut_short(trace: &Trace, limit: Duration) -> Reason {
    progress::within(trace.cut().unwrap_or_else(unexplained), limit)
}

/// How a step of one precondition ended.
enum Step {
    Attempted(Verdict, (Duration, Vec<Stage>)),
    Expired(Option<(Reason, Duration)>),
}

/// Waits until `plan` is satisfied, cannot be any more, its time is up, or `shutdown` resolves.
///
/// Every event is handed to `tell`, with the state at that time and the time since the start. Nothing is
/// spawned; dropping the future ends everything.
pub async fn run<'a>(
    plan: &'a Plan,
    net: &Rc<Net>,
    conditions: Conditions,
    shutdown: impl Future<Output = Signal>,
    mut tell: impl FnMut(Duration, &Event, &Progress<'a>),
) -> Progress<'a> {
    let began = Instant::now();
    let permits = Semaphore::new(conditions.at_once.max(1));
    let mut progress = Progress::new(plan, conditions.first_wait, conditions.seed);
    let slots: Vec<RefCell<Slot>> = plan.preconditions.iter().map(|_| RefCell::default()).collect();
    let mut steps: FuturesUnordered<Abortable<LocalBoxFuture<'_, (usize, Step)>>> = FuturesUnordered::new();
    let deadline = plan.settings.timeout.duration().and_then(|timeout| began.checked_add(timeout));
    let heartbeat = plan.settings.heartbeat.duration();
    let mut next_heartbeat = heartbeat.and_then(|every| began.checked_add(every));
    let mut next_tick = conditions.tick.map(|every| began + every);
    let mut shutdown = std::pin::pin!(shutdown);

    progress.begin();
    loop {
        for event in progress.take_events() {
            tell(began.elapsed(), &event, &progress);
        }
        if let Some(outcome) = progress.outcome() {
            tell(began.elapsed(), &Event::End(outcome), &progress);
            return progress;
        }
        for action in progress.take_actions() {
            let (id, wait) = match action {
                Action::Probe(id, wait) => (id, Some(wait)),
                Action::Idle(id) => (id, None),
                Action::Stop(id) => {
                    let slot = slots[id].borrow();
                    slot.abort.iter().for_each(AbortHandle::abort);
                    slot.trace.take();
                    continue;
                }
            };
            let precondition = &plan.preconditions[id];
            // What is watched may be a folder above the one that matters, until that exists.
            let first = progress.leaf(id).attempts == 0;
            if first || slots[id].borrow().watch.as_ref().is_some_and(|watch| !watch.is_exact()) {
                slots[id].borrow_mut().watch = precondition.probe.watch(net);
            }
            let own = progress.deadline_of(id).and_then(|own| began.checked_add(own));
            let (abort, registration) = AbortHandle::new_pair();
            slots[id].borrow_mut().abort = Some(abort);
            let wait = wait.map(|wait| Instant::now() + wait);
            // A streak is counted by the clock; its absence need not be.
            let patient = progress.leaf(id).streak.count == 0;
            let step = step(precondition, net, &slots[id], (wait, patient), own, &permits);
            let step: LocalBoxFuture<'_, _> = Box::pin(async move { (id, step.await) });
            steps.push(Abortable::new(step, registration));
        }
        tokio::select! {
            biased;
            () = at(deadline) => progress.deadline(|id| slots[id].borrow().cut(), began.elapsed()),
            signal = &mut shutdown => progress.interrupt(signal, |id| slots[id].borrow().cut(), began.elapsed()),
            // Before the attempts, of which there may always be one that has ended.
            () = at(next_tick) => {
                tell(began.elapsed(), &Event::Tick, &progress);
                next_tick = conditions.tick.map(|every| Instant::now() + every);
            }
            Some(ended) = steps.next() => match ended {
                Ok((id, Step::Attempted(verdict, took))) => progress.on(id, verdict, took, began.elapsed()),
                Ok((id, Step::Expired(cut))) => progress.expire(id, cut, began.elapsed()),
                Err(_aborted) => {}
            },
            () = at(next_heartbeat) => {
                progress.heartbeat();
                next_heartbeat = heartbeat.map(|every| Instant::now() + every);
            }
        }
    }
}

/// Waits for the time of the next attempt, or a change of what is watched, and makes the attempt.
async fn step(
    precondition: &Precondition,
    net: &Rc<Net>,
    slot: &RefCell<Slot>,
    (wait, patient): (Option<Instant>, bool),
    deadline: Option<Instant>,
    permits: &Semaphore,
) -> Step {
    let attempt = async {
        if wait.is_none_or(|wait| wait > Instant::now()) {
            let mut watch = slot.borrow_mut().watch.take();
            until(wait, patient, watch.as_mut()).await;
            slot.borrow_mut().watch = watch;
        }
        let _permit = permits.acquire().await;
        attempt(precondition, net, slot).await
    };
    match deadline {
        None => attempt.await,
        Some(deadline) => match timeout_at(deadline, attempt).await {
            Ok(step) => step,
            Err(_elapsed) => Step::Expired(slot.borrow().cut()),
        },
    }
}

/// One attempt within its own time.
async fn attempt(precondition: &Precondition, net: &Rc<Net>, slot: &RefCell<Slot>) -> Step {
    let trace = Trace::new(net.record);
    slot.borrow().trace.replace(Some(trace.clone()));
    let attempt = Attempt { net, trace: &trace };
    let ended = async { precondition.probe.attempt(&attempt).await };
    let limit = precondition.policy.attempt_timeout.duration().filter(|_| precondition.probe.bounded());
    let verdict = match limit {
        None => ended.await,
        Some(limit) => {
            timeout(limit, ended).await.unwrap_or_else(|_| Verdict::NotYet(cut_short(&trace, limit)))
        }
    };
    slot.borrow().trace.take();
    Step::Attempted(verdict, (trace.elapsed(), trace.stages()))
}

#[cfg(test)]
mod tests;
