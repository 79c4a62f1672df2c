//! What is known of each precondition, and what follows from each attempt. Pure: no clock, no network.

use std::time::Duration;

use super::event::{Event, Outcome, Signal};
use super::leaf::{Leaf, State, Streak};
use super::pacing::Pacing;
use super::tally::{Effect, End, Tally};
use crate::check::{Cost, Evidence, Fact, Reason, Verdict, class};
use crate::net::trace::Stage;
use crate::plan::duration::{Limit, human};
use crate::plan::{Plan, Policy};

/// A cut attempt that had less time than this does not replace an earlier reason.
const TELLING: Duration = Duration::from_secs(1);

/// What the loop is to do for a precondition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make an attempt after this wait.
    Probe(usize, Duration),
    /// Make no attempt by the clock; only a change of what is watched calls for one.
    Idle(usize),
    /// Forget it.
    Stop(usize),
}

/// The state of a run.
#[derive(Debug)]
pub struct Progress<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tally: Tally,
    pub(super) leaves: Vec<Leaf>,
    pub(super) actions: Vec<Action>,
    pub(super) events: Vec<Event>,
    first_wait: Duration,
    pending: usize,
    /// Preconditions whose confirmation is awaited.
    pub(super) confirming: Option<usize>,
    pub(super) lost: bool,
    pub(super) outcome: Option<Outcome>,
}

impl<'a> Progress<'a> {
    /// A run that has not begun. `first_wait` precedes the first attempts; `seed` decides all jitter.
    #[must_use]
    pub fn new(plan: &'a Plan, first_wait: Duration, seed: u64) -> Self {
        let pacing = |(index, policy): (usize, &Policy)| Pacing::new(policy, seed.wrapping_add(index as u64));
        let policies = plan.preconditions.iter().map(|one| &one.policy);
        let leaves = policies.enumerate().map(pacing).map(Leaf::new).collect();
        Self {
            plan,
            tally: Tally::new(&plan.tree, plan.preconditions.len()),
            leaves,
            actions: Vec::new(),
            events: Vec::new(),
            first_wait,
            pending: 0,
            confirming: None,
            lost: false,
            outcome: None,
        }
    }

    /// The plan that is carried out.
    #[must_use]
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// All preconditions, in the order of the plan.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// One precondition.
    #[must_use]
    pub fn leaf(&self, id: usize) -> &Leaf {
        &self.leaves[id]
    }

    /// How many preconditions are pending.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// How the run ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// What is to be done since the last call.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// What has happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Begins the run.
    pub fn begin(&mut self) {
        self.events.push(Event::Start);
        let mut effects = Vec::new();
        self.tally.begin(&mut effects);
        self.apply(effects, Duration::ZERO);
    }

    /// An attempt ended at `at`, after `took`, in these stages.
    pub fn on(&mut self, id: usize, verdict: Verdict, (took, stages): (Duration, Vec<Stage>), at: Duration) {
        if self.outcome.is_some() || !matches!(self.leaves[id].state, State::Pending | State::Ready) {
            return;
        }
        let verdict = self.inverted(id, verdict);
        self.leaves[id].attempts += 1;
        self.events.push(Event::Attempt { id, took, verdict: verdict.clone(), stages });
        if self.leaves[id].state == State::Ready {
            self.confirmed(id, verdict, at);
            return;
        }
        match verdict {
            Verdict::Ready(evidence) => self.held(id, evidence, took, at),
            Verdict::NotYet(reason) => self.not_yet(id, reason, took, at),
            Verdict::Never(reason) => {
                self.refused(id, reason, at);
                self.end(id, End::Never, at);
            }
        }
        if self.outcome.is_none() {
            self.fail();
        }
    }

    /// The time of precondition `id` is up; `cut` is what its attempt was doing, for how long.
    pub fn expire(&mut self, id: usize, cut: Option<(Reason, Duration)>, at: Duration) {
        if self.outcome.is_none() && self.leaves[id].state == State::Pending {
            self.cut(id, cut, at);
            self.end(id, End::TimedOut, at);
        }
    }

    /// The time of the whole run is up. Optional preconditions are let pass; if that is enough, the run
    /// succeeds.
    pub fn deadline(&mut self, mut cut: impl FnMut(usize) -> Option<(Reason, Duration)>, at: Duration) {
        if self.confirming.take().is_some() {
            // What was satisfied once and could not be confirmed in time is not satisfied.
            self.outcome = Some(Outcome::Unsatisfied(End::TimedOut));
        }
        let pending: Vec<usize> =
            (0..self.leaves.len()).filter(|id| self.leaves[*id].state == State::Pending).collect();
        for id in &pending {
            let cut = cut(*id);
            self.cut(*id, cut, at);
        }
        for id in &pending {
            let optional = self.plan.preconditions[*id].policy.optional;
            if optional && self.outcome.is_none() && self.leaves[*id].state == State::Pending {
                self.end(*id, End::TimedOut, at);
            }
        }
        self.outcome.get_or_insert(Outcome::Unsatisfied(End::TimedOut));
    }

    /// A signal came: attempts under way are noted as they stand.
    pub fn interrupt(
        &mut self,
        signal: Signal,
        mut cut: impl FnMut(usize) -> Option<(Reason, Duration)>,
        at: Duration,
    ) {
        for id in 0..self.leaves.len() {
            if self.leaves[id].state == State::Pending {
                let cut = cut(id);
                self.cut(id, cut, at);
            }
        }
        self.outcome = Some(Outcome::Interrupted(signal));
    }

    /// Some time has passed.
    pub fn heartbeat(&mut self) {
        if self.pending > 0 {
            self.events.push(Event::Heartbeat);
            for leaf in &mut self.leaves {
                leaf.announced.clear();
                leaf.announced.extend(leaf.reason.clone());
            }
        }
    }

    /// `verdict` as it counts: with `not`, a clean «no» is what is waited for, and nothing else.
    fn inverted(&self, id: usize, verdict: Verdict) -> Verdict {
        let precondition = &self.plan.preconditions[id];
        if !precondition.inverted {
            return verdict;
        }
        match verdict {
            Verdict::Ready(evidence) => {
                Verdict::NotYet(Reason::new(&class::OPPOSITE_HOLDS, format!("still so: {}", evidence.text)))
            }
            Verdict::NotYet(reason)
                if precondition.kind.opposite.contains(&reason.class)
                    && !reason.facts.contains(&Fact::Cut) =>
            {
                Verdict::Ready(Evidence::new(reason.text))
            }
            other => other,
        }
    }

    fn held(&mut self, id: usize, evidence: Evidence, took: Duration, at: Duration) {
        let policy = &self.plan.preconditions[id].policy;
        let leaf = &mut self.leaves[id];
        if leaf.streak.count == 0 || leaf.streak.fingerprint != evidence.fingerprint {
            leaf.streak = Streak { count: 0, since: at, fingerprint: evidence.fingerprint };
        }
        leaf.streak.count += 1;
        leaf.evidence = Some(evidence);
        let held = at.saturating_sub(leaf.streak.since);
        if leaf.streak.count >= policy.successes && held >= policy.stable {
            self.satisfy(id, at);
        } else if policy.max_attempts.is_some_and(|most| leaf.attempts >= most) {
            self.end(id, End::Attempts, at);
        } else {
            let rest = policy.stable.saturating_sub(held);
            let lasting = leaf.streak.count >= policy.successes;
            let wait = if lasting { rest.min(policy.max_interval) } else { policy.interval };
            self.again(id, wait, took, at);
        }
    }

    fn not_yet(&mut self, id: usize, reason: Reason, took: Duration, at: Duration) {
        let cost = reason.class.cost;
        let code = reason.class.code;
        self.refused(id, reason, at);
        let policy = &self.plan.preconditions[id].policy;
        let leaf = &mut self.leaves[id];
        let fatal = |end: &String| {
            end == code || code.strip_prefix(end.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        if policy.fail_on.iter().any(fatal) {
            self.end(id, End::Never, at);
        } else if policy.max_attempts.is_some_and(|most| leaf.attempts >= most) {
            self.end(id, End::Attempts, at);
        } else {
            let elapsed = at.saturating_sub(leaf.started.unwrap_or(at));
            let wait = leaf.pacing.next(elapsed, cost);
            self.again(id, wait, took, at);
        }
    }

    /// Notes that it does not hold.
    fn refused(&mut self, id: usize, reason: Reason, at: Duration) {
        let leaf = &mut self.leaves[id];
        let had_streak = std::mem::take(&mut leaf.streak).count > 0;
        if leaf.note(reason, at) {
            self.events.push(if had_streak { Event::Lost(id) } else { Event::Reason(id) });
        }
    }

    /// Notes an attempt that was cut short, unless an earlier reason says more.
    fn cut(&mut self, id: usize, cut: Option<(Reason, Duration)>, at: Duration) {
        let Some((reason, took)) = cut else { return };
        if took < TELLING && self.leaves[id].reason.is_some() {
            return;
        }
        self.leaves[id].attempts += 1;
        self.refused(id, within(reason, took), at);
    }

    /// Plans the next attempt: the last one before the deadline is moved so that it ends just before it.
    fn again(&mut self, id: usize, wait: Duration, took: Duration, at: Duration) {
        let Some(deadline) = self.deadline_of(id) else {
            self.actions.push(Action::Probe(id, wait));
            return;
        };
        let interval = self.plan.preconditions[id].policy.interval;
        let margin = (took * 2).clamp(Duration::from_millis(20), Duration::from_millis(500));
        let left = deadline.saturating_sub(at);
        let last = left.saturating_sub(margin);
        self.actions.push(if wait <= last {
            Action::Probe(id, wait)
        } else if last >= interval {
            Action::Probe(id, last)
        } else {
            Action::Idle(id)
        });
    }

    /// When the time of precondition `id` is up, counted from the start of the run.
    #[must_use]
    pub fn deadline_of(&self, id: usize) -> Option<Duration> {
        let own = match (self.plan.preconditions[id].policy.timeout, self.leaves[id].started) {
            (Limit::After(timeout), Some(started)) => started.checked_add(timeout),
            _ => None,
        };
        let whole = self.plan.settings.timeout.duration();
        match (own, whole) {
            (Some(own), Some(whole)) => Some(own.min(whole)),
            (own, whole) => own.or(whole),
        }
    }

    fn satisfy(&mut self, id: usize, at: Duration) {
        self.leave(id, State::Ready, at);
        self.leaves[id].reason = None;
        self.events.push(Event::Ready(id));
        let mut effects = Vec::new();
        self.tally.satisfy(id, &mut effects);
        self.apply(effects, at);
    }

    fn end(&mut self, id: usize, end: End, at: Duration) {
        let mut effects = Vec::new();
        if self.plan.preconditions[id].policy.optional {
            self.leave(id, State::Passed(end), at);
            self.events.push(Event::Passed(id, end));
            self.tally.satisfy(id, &mut effects);
        } else {
            self.leave(id, State::Failed(end), at);
            self.events.push(Event::Failed(id, end));
            self.tally.fail(id, end, &mut effects);
        }
        self.apply(effects, at);
    }

    fn leave(&mut self, id: usize, state: State, at: Duration) {
        self.pending -= 1;
        let leaf = &mut self.leaves[id];
        leaf.state = state;
        leaf.ended = Some(at);
    }

    /// Ends the run if it cannot be satisfied any more. What is still pending stays so, and is told of as such; but
    /// where it is a number of attempts that ends the run, each has its first.
    fn fail(&mut self) {
        let Some(end) = self.tally.failed() else { return };
        let unseen = |leaf: &Leaf| leaf.state == State::Pending && leaf.attempts == 0;
        if end != End::Attempts || !self.leaves.iter().any(unseen) {
            self.outcome = Some(Outcome::Unsatisfied(end));
        }
    }

    pub(super) fn apply(&mut self, effects: Vec<Effect>, at: Duration) {
        if self.tally.failed().is_some() {
            self.fail();
            return;
        }
        let mut effects = std::collections::VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Start(id) => match self.leaves[id].state {
                    State::Ready | State::Passed(_) => {
                        let mut more = Vec::new();
                        self.tally.satisfy(id, &mut more);
                        effects.extend(more);
                    }
                    _ => {
                        self.leaves[id].state = State::Pending;
                        self.leaves[id].ended = None;
                        self.leaves[id].started.get_or_insert(at);
                        self.pending += 1;
                        self.events.push(Event::Begin(id));
                        let wait = if at.is_zero() { self.first_wait } else { Duration::ZERO };
                        self.actions.push(Action::Probe(id, wait));
                    }
                },
                Effect::Stop(id) => {
                    if self.leaves[id].state == State::Pending {
                        self.leave(id, State::Unneeded, at);
                        self.actions.push(Action::Stop(id));
                    } else if self.leaves[id].state == State::Waiting {
                        self.leaves[id].state = State::Unneeded;
                    }
                }
            }
        }
        if self.tally.satisfied() && self.confirming.is_none() {
            self.succeed();
        }
    }
}

/// `reason` with the time that was not enough.
pub(super) fn within(mut reason: Reason, took: Duration) -> Reason {
    let cost = reason.class.cost;
    if cost == Cost::High {
        reason.text = format!("{} within {}", reason.text, human(took));
    }
    reason
}
