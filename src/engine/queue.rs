//! Which attempt is made when, and how many at once. Pure.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use tokio::time::{Duration, Instant};

/// So many attempts are begun together; it bounds what ten thousand targets weigh at once.
const TOGETHER: usize = 512;
/// An attempt that takes longer hangs, and makes room for another. (Not much longer than it takes to begin
/// [`TOGETHER`] of them, lest those that are merely waiting for their turn count as hanging.)
const HANGS: Duration = Duration::from_millis(100);
/// An attempt may come so much later, as a share of the wait before it, to begin along with others: waking up is most
/// of what waiting costs.
const LATER: u32 = 5;

/// A turn of a precondition; a later one makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Which precondition.
    pub(super) id: usize,
    number: u32,
}

/// The attempts that are planned and under way.
#[derive(Debug)]
pub(super) struct Queue {
    /// Planned for a time, those of one time in the order in which they were planned, and how much later will do.
    due: BinaryHeap<Reverse<(Instant, u64, Turn, Duration)>>,
    planned: u64,
    /// To be begun as soon as there is room.
    ready: VecDeque<Turn>,
    /// The present turn of each precondition, and whether it counts as begun just now.
    turns: Vec<(u32, bool)>,
    begun: VecDeque<(Instant, Turn)>,
    /// How many are under way, and how many of them were begun just now.
    running: usize,
    fresh: usize,
    at_once: usize,
}

impl Queue {
    /// An empty queue for so many preconditions, of which at most `at_once` are attempted at the same time.
    pub(super) fn new(preconditions: usize, at_once: usize) -> Self {
        Self {
            due: BinaryHeap::new(),
            planned: 0,
            ready: VecDeque::new(),
            turns: vec![(0, false); preconditions],
            begun: VecDeque::new(),
            running: 0,
            fresh: 0,
            at_once: at_once.max(1),
        }
    }

    /// A new turn of precondition `id`; what was planned for it is void.
    pub(super) fn turn(&mut self, id: usize) -> Turn {
        self.turns[id].0 = self.turns[id].0.wrapping_add(1);
        Turn { id, number: self.turns[id].0 }
    }

    /// Plans an attempt for `at`, after a wait of this length (zero: not later for the sake of others).
    pub(super) fn plan(&mut self, turn: Turn, at: Instant, wait: Duration) {
        self.planned += 1;
        self.due.push(Reverse((at, self.planned, turn, wait / LATER)));
    }

    /// An attempt is to be made now.
    pub(super) fn now(&mut self, turn: Turn) {
        self.ready.push_back(turn);
    }

    /// The precondition of the next attempt to begin at `now`, if one is due and there is room.
    pub(super) fn begin(&mut self, now: Instant) -> Option<usize> {
        if self.together().is_some_and(|together| together <= now) {
            while let Some(Reverse((at, _, turn, _))) = self.due.peek().copied()
                && at <= now
            {
                self.due.pop();
                self.ready.push_back(turn);
            }
        }
        self.age(now);
        while let Some(turn) = self.ready.front().copied() {
            if self.is_void(turn) {
                self.ready.pop_front();
                continue;
            }
            if self.running >= self.at_once || self.fresh >= TOGETHER {
                return None;
            }
            self.ready.pop_front();
            self.running += 1;
            self.fresh += 1;
            self.turns[turn.id].1 = true;
            self.begun.push_back((now, turn));
            return Some(turn.id);
        }
        None
    }

    /// The attempt at precondition `id` has ended.
    pub(super) fn ended(&mut self, id: usize) {
        self.running -= 1;
        self.settle(id);
    }

    /// When [`Queue::begin`] is to be called next, unless an attempt ends before.
    pub(super) fn next(&self) -> Option<Instant> {
        let room = match self.begun.front() {
            Some((begun, _)) if !self.ready.is_empty() && self.running < self.at_once => Some(*begun + HANGS),
            _ => None,
        };
        self.together().into_iter().chain(room).min()
    }

    /// When the next planned attempts begin: a little later than the first one where another follows closely.
    fn together(&self) -> Option<Instant> {
        let Reverse((first, _, _, later)) = *self.due.peek()?;
        let latest = first + later;
        // The second one is a child of the root.
        let follows = self.due.iter().skip(1).take(2).any(|Reverse((at, ..))| *at <= latest);
        Some(if follows { latest } else { first })
    }

    fn is_void(&self, turn: Turn) -> bool {
        self.turns[turn.id].0 != turn.number
    }

    /// Those that were begun a while ago no longer count as begun just now.
    fn age(&mut self, now: Instant) {
        while let Some((begun, turn)) = self.begun.front().copied()
            && (begun + HANGS <= now || self.is_void(turn) || !self.turns[turn.id].1)
        {
            self.begun.pop_front();
            if !self.is_void(turn) {
                self.settle(turn.id);
            }
        }
    }

    fn settle(&mut self, id: usize) {
        if std::mem::take(&mut self.turns[id].1) {
            self.fresh -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(queue: &mut Queue, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| queue.begin(now)).collect()
    }

    fn planned(queue: &mut Queue, id: usize, at: Instant) {
        let turn = queue.turn(id);
        queue.plan(turn, at, Duration::ZERO);
    }

    #[test]
    fn attempts_begin_at_their_time_in_the_order_in_which_they_were_planned() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut queue = Queue::new(4, 10);
        for (id, at) in [(0, 20), (1, 10), (2, 20), (3, 30)] {
            planned(&mut queue, id, after(at));
        }
        assert_eq!(queue.next(), Some(after(10)));
        assert!(begun(&mut queue, start).is_empty());
        assert_eq!(begun(&mut queue, after(20)), [1, 0, 2]);
        // A new turn makes the one before void.
        planned(&mut queue, 3, after(50));
        assert!(begun(&mut queue, after(40)).is_empty());
        assert_eq!(begun(&mut queue, after(50)), [3]);
    }

    #[test]
    fn attempts_that_are_due_at_nearly_the_same_time_begin_together() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut queue = Queue::new(5, 10);
        // After 160 ms, 32 ms more do no harm.
        for (id, at) in [(0, 160), (1, 166), (2, 192), (3, 193), (4, 230)] {
            let turn = queue.turn(id);
            queue.plan(turn, after(at), Duration::from_millis(160));
        }
        assert_eq!(queue.next(), Some(after(192)));
        assert!(begun(&mut queue, after(191)).is_empty());
        assert_eq!(begun(&mut queue, after(192)), [0, 1, 2]);
        // Alone, each is begun at its time.
        assert_eq!(queue.next(), Some(after(193)));
        assert_eq!(begun(&mut queue, after(193)), [3]);
        assert_eq!(queue.next(), Some(after(230)));
        assert_eq!(begun(&mut queue, after(235)), [4]);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn no_more_than_may_be_under_way_at_once() {
        let start = Instant::now();
        let mut queue = Queue::new(3, 2);
        for id in 0..3 {
            let turn = queue.turn(id);
            queue.now(turn);
        }
        assert_eq!(begun(&mut queue, start), [0, 1]);
        assert_eq!(queue.next(), None);
        queue.ended(1);
        assert_eq!(begun(&mut queue, start), [2]);
        assert!(begun(&mut queue, start + HANGS * 2).is_empty());
    }

    #[test]
    fn what_hangs_makes_room() {
        let start = Instant::now();
        let count = TOGETHER * 3;
        let mut queue = Queue::new(count, count);
        for id in 0..count {
            let turn = queue.turn(id);
            queue.now(turn);
        }
        assert_eq!(begun(&mut queue, start).len(), TOGETHER);
        // One that ends makes room at once, and so does one that is given up.
        queue.ended(0);
        assert_eq!(begun(&mut queue, start), [TOGETHER]);
        assert_eq!(queue.next(), Some(start + HANGS));
        assert_eq!(begun(&mut queue, start + HANGS).len(), TOGETHER);
        assert_eq!(begun(&mut queue, start + HANGS * 2).len(), TOGETHER - 1);
        assert_eq!(queue.next(), None);
        (1..count).for_each(|id| queue.ended(id));
        assert_eq!((queue.running, queue.fresh), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn none_begins_before_its_time_or_much_later(
            waits in proptest::collection::vec(1_u64..2_000, 1..40),
        ) {
            let start = Instant::now();
            let mut queue = Queue::new(waits.len(), waits.len());
            for (id, wait) in waits.iter().enumerate() {
                let turn = queue.turn(id);
                let wait = Duration::from_millis(*wait);
                queue.plan(turn, start + wait, wait);
            }
            let mut count = 0;
            while let Some(now) = queue.next() {
                for id in begun(&mut queue, now) {
                    let wait = Duration::from_millis(waits[id]);
                    let late = now.checked_duration_since(start + wait);
                    proptest::prop_assert!(late.is_some_and(|late| late <= wait / LATER), "{late:?} after {wait:?}");
                    count += 1;
                }
            }
            proptest::prop_assert_eq!(count, waits.len());
        }
    }
}
