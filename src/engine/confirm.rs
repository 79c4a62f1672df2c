//! The confirming round: all that was satisfied is probed once more together.

use std::time::Duration;

use super::event::{Event, Outcome};
use super::leaf::{State, Streak};
use super::progress::{Action, Progress};
use super::tally::Tally;
use crate::check::Verdict;

impl Progress<'_> {
    /// The tree is satisfied: done, or confirmed first.
    pub(super) fn succeed(&mut self) {
        let ready: Vec<usize> =
            (0..self.leaves.len()).filter(|id| self.leaves[*id].state == State::Ready).collect();
        if !self.plan.settings.confirm || ready.is_empty() {
            self.outcome = Some(Outcome::Satisfied);
            return;
        }
        self.events.push(Event::Confirm);
        self.confirming = Some(ready.len());
        self.lost = false;
        self.actions.extend(ready.into_iter().map(|id| Action::Probe(id, Duration::ZERO)));
    }

    /// The confirming attempt at precondition `id` ended.
    pub(super) fn confirmed(&mut self, id: usize, verdict: Verdict, at: Duration) {
        let Some(left) = self.confirming.as_mut() else { return };
        *left -= 1;
        let last = *left == 0;
        if let Verdict::NotYet(reason) | Verdict::Never(reason) = verdict {
            self.lost = true;
            let leaf = &mut self.leaves[id];
            leaf.state = State::Waiting;
            leaf.streak = Streak::default();
            leaf.announced.clear();
            leaf.note(reason, at);
            self.events.push(Event::Lost(id));
        }
        if !last {
            return;
        }
        self.confirming = None;
        if !self.lost {
            self.outcome = Some(Outcome::Satisfied);
            return;
        }
        // Begin anew with what still holds; what was lost, or was not needed, is waited for again.
        for leaf in &mut self.leaves {
            if leaf.state == State::Unneeded {
                leaf.state = State::Waiting;
            }
        }
        self.tally = Tally::new(&self.plan.tree, self.leaves.len());
        let mut effects = Vec::new();
        self.tally.begin(&mut effects);
        self.apply(effects, at);
        let interval = |id: usize| self.plan.preconditions[id].policy.interval;
        for action in &mut self.actions {
            if let Action::Probe(id, wait) = action {
                *wait = (*wait).max(interval(*id));
            }
        }
    }
}
