//! What is known of one precondition.

use std::time::Duration;

use super::pacing::Pacing;
use super::tally::End;
use crate::check::{Evidence, Reason};

/// At most so many spans of reasons are kept for a precondition.
const SPANS: usize = 32;
/// At most so many different reasons are announced between two heartbeats.
const ANNOUNCED: usize = 8;

/// Where a precondition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// It is being waited for.
    Pending,
    /// It is satisfied.
    Ready,
    /// It ended unsatisfied, and the run goes on without it.
    Passed(End),
    /// It ended unsatisfied.
    Failed(End),
    /// Nothing depends on it any more.
    Unneeded,
}

/// A time during which a precondition did not hold for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The reason.
    pub reason: Reason,
    /// When it was first seen, since the start of the run.
    pub from: Duration,
    /// When it was last seen.
    pub to: Duration,
    /// How many attempts found it.
    pub attempts: u32,
}

/// Successes in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many.
    pub count: u32,
    /// Since when.
    pub since: Duration,
    pub(super) fingerprint: Option<u64>,
}

/// All that is known of one precondition. Times are counted from the start of the run.
#[derive(Debug)]
pub struct Leaf {
    /// Where it stands.
    pub state: State,
    /// When it was first waited for.
    pub started: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
    /// How many attempts have ended.
    pub attempts: u32,
    /// Why it does not hold, as last seen.
    pub reason: Option<Reason>,
    /// What shows that it holds, as last seen.
    pub evidence: Option<Evidence>,
    /// Successes in a row.
    pub streak: Streak,
    /// The reasons so far.
    pub spans: Vec<Span>,
    pub(super) announced: Vec<Reason>,
    pub(super) pacing: Pacing,
}

impl Leaf {
    /// Not waited for yet.
    pub(super) fn new(pacing: Pacing) -> Self {
        Self {
            state: State::Waiting,
            started: None,
            ended: None,
            attempts: 0,
            reason: None,
            evidence: None,
            streak: Streak::default(),
            spans: Vec::new(),
            announced: Vec::new(),
            pacing,
        }
    }

    /// Since when its present reason holds.
    #[must_use]
    pub fn reason_since(&self) -> Option<Duration> {
        self.spans.last().map(|span| span.from)
    }

    /// How long it has been, or was, waited for.
    #[must_use]
    pub fn waited(&self, now: Duration) -> Duration {
        self.started.map_or(Duration::ZERO, |started| self.ended.unwrap_or(now).saturating_sub(started))
    }

    /// Notes `reason`, seen at `at`; whether it is worth telling.
    pub(super) fn note(&mut self, reason: Reason, at: Duration) -> bool {
        let known = self.spans.len();
        match self.spans.last_mut() {
            Some(span) if span.reason.same_as(&reason) || known >= SPANS => {
                span.reason = reason.clone();
                span.to = at;
                span.attempts += 1;
            }
            _ => self.spans.push(Span { reason: reason.clone(), from: at, to: at, attempts: 1 }),
        }
        let changed = self.reason.as_ref().is_none_or(|old| !old.same_as(&reason));
        let told = self.announced.iter().any(|old| old.same_as(&reason)) || self.announced.len() >= ANNOUNCED;
        if changed && !told {
            self.announced.push(reason.clone());
        }
        self.reason = Some(reason);
        changed && !told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::class;
    use crate::plan::Policy;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn leaf() -> Leaf {
        Leaf::new(Pacing::new(&Policy::default(), 1))
    }

    fn reason(text: &str) -> Reason {
        Reason::new(&class::TCP_REFUSED, text)
    }

    #[test]
    fn a_reason_that_stays_is_one_span_and_told_once() {
        let mut leaf = leaf();
        assert_eq!(leaf.reason_since(), None);
        let told = [("a", 1), ("a", 2), ("b", 3), ("a", 5)].map(|(text, at)| leaf.note(reason(text), S(at)));
        assert_eq!(told, [true, false, true, false]);
        let span = |span: &Span| (span.reason.text.clone(), span.from, span.to, span.attempts);
        let spans: Vec<_> = leaf.spans.iter().map(span).collect();
        assert_eq!(
            spans,
            [("a".into(), S(1), S(2), 2), ("b".into(), S(3), S(3), 1), ("a".into(), S(5), S(5), 1)]
        );
        assert_eq!(leaf.reason_since(), Some(S(5)));
        // Going back and forth between two uses up nothing of what may be told.
        (0..20).for_each(|n| assert!(!leaf.note(reason(if n % 2 == 0 { "b" } else { "a" }), S(6 + n))));
        assert!(leaf.note(reason("c"), S(30)));
    }

    #[test]
    fn what_is_kept_and_told_of_many_reasons_is_bounded() {
        let mut leaf = leaf();
        let told = (0..100).filter(|n| leaf.note(reason(&n.to_string()), S(*n))).count();
        assert_eq!((told, leaf.announced.len(), leaf.spans.len()), (ANNOUNCED, ANNOUNCED, SPANS));
        let last = leaf.spans.last().unwrap();
        assert_eq!((last.from, last.to, last.attempts), (S(31), S(99), 69));
        assert_eq!((last.reason.text.as_str(), leaf.reason.unwrap().text.as_str()), ("99", "99"));
    }

    #[test]
    fn the_wait_lasts_from_its_begin_to_its_end() {
        let mut leaf = leaf();
        assert_eq!(leaf.waited(S(7)), S(0));
        leaf.started = Some(S(2));
        assert_eq!(leaf.waited(S(7)), S(5));
        leaf.ended = Some(S(6));
        assert_eq!(leaf.waited(S(7)), S(4));
    }
}
