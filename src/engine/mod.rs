//! Waiting: the only loop. What it does next is decided in [`Progress`], which is pure; the loop only waits,
//! asks and tells.

mod confirm;
mod event;
mod leaf;
pub mod pacing;
mod pause;
mod progress;
mod queue;
mod tally;

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until, timeout};

use crate::check::{Attempt, Reason, Verdict, class};
use crate::net::Net;
use crate::net::trace::{Stage, Trace};
use crate::net::watch::Watch;
use crate::plan::{Plan, Precondition};

pub use event::{Event, Outcome, Signal};
pub use leaf::{Leaf, Span, State, Streak};
pub use progress::{Action, Progress};
pub use tally::End;

use pause::until;
use queue::{Queue, Turn};

/// So close to its deadline an attempt begins at its time, alone or not.
const CLOSE: Duration = Duration::from_secs(1);

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
    /// Tells that another attempt is worth making; not here while it is waited for.
    watch: RefCell<Option<Watch>>,
    /// What is under way, an attempt or a pause.
    doing: RefCell<Option<Doing>>,
    /// Whether the end of its own time is planned.
    expires: Cell<bool>,
}

enum Doing {
    Attempt(AbortHandle),
    Pause(AbortHandle),
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

type Tasks<'a, T> = FuturesUnordered<Abortable<LocalBoxFuture<'a, T>>>;
/// Which precondition, what its attempt found, how long that took, and in which stages.
type Attempted = (usize, Verdict, (Duration, Vec<Stage>));

/// What is under way and what is planned.
struct Work<'a> {
    plan: &'a Plan,
    net: &'a Rc<Net>,
    slots: &'a [Slot],
    began: Instant,
    queue: Queue,
    attempts: Tasks<'a, Attempted>,
    /// Pauses of those that are watched; the others are planned in the queue.
    pauses: Tasks<'a, Turn>,
    expiries: BinaryHeap<Reverse<(Instant, usize)>>,
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
    let mut progress = Progress::new(plan, conditions.first_wait, conditions.seed);
    let slots: Vec<Slot> = plan.preconditions.iter().map(|_| Slot::default()).collect();
    let mut work = Work::new(plan, net, &slots, began, conditions.at_once);
    let deadline = plan.settings.timeout.duration().and_then(|timeout| began.checked_add(timeout));
    let heartbeat = plan.settings.heartbeat.duration();
    let mut next_heartbeat = heartbeat.and_then(|every| began.checked_add(every));
    let mut next_tick = conditions.tick.map(|every| began + every);
    // A set of one: it looks at a future only when that has something to say, not at every turn of the loop.
    let mut shutdown = FuturesUnordered::from_iter([shutdown]);
    // One timer for all that is to come; setting it anew is cheaper than making one for each.
    let mut timer = std::pin::pin!(sleep_until(began));

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
            work.carry_out(action, &progress);
        }
        work.begin_attempts();
        let wake = [deadline, next_heartbeat, next_tick, work.next()].into_iter().flatten().min();
        if let Some(wake) = wake.filter(|wake| *wake != timer.deadline()) {
            timer.as_mut().reset(wake);
        }
        tokio::select! {
            biased;
            Some(signal) = shutdown.next() => progress.interrupt(signal, |id| slots[id].cut(), began.elapsed()),
            () = &mut timer, if wake.is_some() => {
                let now = Instant::now();
                let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
                if is_due(deadline) {
                    progress.deadline(|id| slots[id].cut(), began.elapsed());
                    continue;
                }
                if is_due(next_tick) {
                    tell(began.elapsed(), &Event::Tick, &progress);
                    next_tick = conditions.tick.map(|every| now + every);
                }
                work.expire(now, &mut progress);
                if is_due(next_heartbeat) {
                    progress.heartbeat();
                    next_heartbeat = heartbeat.map(|every| now + every);
                }
            }
            Some(ended) = work.attempts.next() => {
                if let Ok((id, verdict, took)) = ended {
                    work.queue.ended(id);
                    slots[id].doing.take();
                    progress.on(id, verdict, took, began.elapsed());
                }
            }
            Some(over) = work.pauses.next() => {
                if let Ok(turn) = over {
                    slots[turn.id].doing.take();
                    work.queue.now(turn);
                }
            }
        }
    }
}

impl<'a> Work<'a> {
    fn new(plan: &'a Plan, net: &'a Rc<Net>, slots: &'a [Slot], began: Instant, at_once: usize) -> Self {
        Self {
            plan,
            net,
            slots,
            began,
            queue: Queue::new(slots.len(), at_once),
            attempts: FuturesUnordered::new(),
            pauses: FuturesUnordered::new(),
            expiries: BinaryHeap::new(),
        }
    }

    /// Plans what is to be done next for a precondition.
    fn carry_out(&mut self, action: Action, progress: &Progress<'_>) {
        let (id, wait) = match action {
            Action::Probe(id, wait) => (id, Some(wait)),
            Action::Idle(id) => (id, None),
            Action::Stop(id) => return self.stop(id),
        };
        let (slot, one) = (&self.slots[id], &self.plan.preconditions[id]);
        let own = one.policy.timeout.duration().and_then(|_| progress.deadline_of(id));
        let own = own.and_then(|own| self.began.checked_add(own));
        if let Some(own) = own.filter(|_| !slot.expires.replace(true)) {
            self.expiries.push(Reverse((own, id)));
        }
        // What is watched may be a folder above the one that matters, until that exists.
        let mut watch = slot.watch.borrow_mut();
        if progress.leaf(id).attempts == 0 || watch.as_ref().is_some_and(|watch| !watch.is_exact()) {
            *watch = one.probe.watch(self.net);
        }
        let turn = self.queue.turn(id);
        let planned = wait.map(|wait| Instant::now() + wait);
        if wait.is_some_and(|wait| wait.is_zero()) {
            self.queue.now(turn);
        } else if let Some(mut taken) = watch.take() {
            // A streak is counted by the clock; its absence need not be.
            let patient = progress.leaf(id).streak.count == 0;
            let pause = async move {
                until(planned, patient, &mut taken).await;
                slot.watch.replace(Some(taken));
                turn
            };
            let (abort, registration) = AbortHandle::new_pair();
            slot.doing.replace(Some(Doing::Pause(abort)));
            self.pauses.push(Abortable::new(Box::pin(pause), registration));
        } else if let Some((at, wait)) = planned.zip(wait) {
            // The last attempt before the deadline has no time to wait for others.
            let close = progress.deadline_of(id).and_then(|deadline| self.began.checked_add(deadline));
            let close = close.is_some_and(|deadline| deadline <= at + CLOSE);
            self.queue.plan(turn, at, if close { Duration::ZERO } else { wait });
        }
    }

    /// Begins the attempts that are due.
    fn begin_attempts(&mut self) {
        let now = Instant::now();
        while let Some(id) = self.queue.begin(now) {
            let (one, slot, net) = (&self.plan.preconditions[id], &self.slots[id], self.net);
            let (abort, registration) = AbortHandle::new_pair();
            slot.doing.replace(Some(Doing::Attempt(abort)));
            let attempt = async move {
                let (verdict, took) = attempt(one, net, slot).await;
                (id, verdict, took)
            };
            self.attempts.push(Abortable::new(Box::pin(attempt), registration));
        }
    }

    /// Gives up what is under way for a precondition, and what is planned.
    fn stop(&mut self, id: usize) {
        self.queue.turn(id);
        let slot = &self.slots[id];
        slot.trace.take();
        match slot.doing.take() {
            Some(Doing::Attempt(abort)) => {
                abort.abort();
                self.queue.ended(id);
            }
            Some(Doing::Pause(abort)) => abort.abort(),
            None => {}
        }
    }

    /// Ends the preconditions whose own time is up at `now`.
    fn expire(&mut self, now: Instant, progress: &mut Progress<'_>) {
        while let Some(Reverse((at, id))) = self.expiries.peek().copied()
            && at <= now
        {
            self.expiries.pop();
            self.slots[id].expires.set(false);
            // A confirming attempt is bound by the whole run's time only.
            if progress.leaf(id).state == State::Pending {
                let cut = self.slots[id].cut();
                self.stop(id);
                progress.expire(id, cut, self.began.elapsed());
            }
        }
    }

    /// When something is to be done, unless something ends before.
    fn next(&self) -> Option<Instant> {
        let expiry = self.expiries.peek().map(|Reverse((at, _))| *at);
        expiry.into_iter().chain(self.queue.next()).min()
    }
}

/// One attempt within its own time.
async fn attempt(
    precondition: &Precondition,
    net: &Rc<Net>,
    slot: &Slot,
) -> (Verdict, (Duration, Vec<Stage>)) {
    let trace = Trace::new(net.record);
    slot.trace.replace(Some(trace.clone()));
    let attempt = Attempt { net, trace: &trace };
    let ended = precondition.probe.attempt(&attempt);
    let limit = precondition.policy.attempt_timeout.duration().filter(|_| precondition.probe.bounded());
    let verdict = match limit {
        None => ended.await,
        Some(limit) => {
            timeout(limit, ended).await.unwrap_or_else(|_| Verdict::NotYet(cut_short(&trace, limit)))
        }
    };
    slot.trace.take();
    (verdict, (trace.elapsed(), trace.stages()))
}

#[cfg(test)]
mod tests;
