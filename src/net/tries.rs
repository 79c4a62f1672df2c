//! Tries to reach addresses that run at the same time, with no more descriptors than there are.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// So many tries each race may always have under way: one, and the fresh one that overlaps it.
pub const OWN: usize = 2;

/// How many tries beyond [`OWN`] all races together may have. No limit by default.
#[derive(Debug, Clone)]
pub struct Spare(Rc<Cell<usize>>);

impl Default for Spare {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Spare {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Rc::new(Cell::new(count)))
    }

    fn take(&self) -> bool {
        let left = self.0.get().checked_sub(1);
        left.inspect(|left| self.0.set(*left)).is_some()
    }

    fn give(&self, count: usize) {
        self.0.set(self.0.get() + count);
    }
}

/// The tries of one race. They are few, so all are polled whenever one wakes.
pub(super) struct Tries<F> {
    /// The oldest first.
    running: Vec<(SocketAddr, Pin<Box<F>>)>,
    spare: Spare,
    taken: usize,
}

impl<F: Future> Tries<F> {
    /// None yet.
    pub(super) fn new(spare: Spare) -> Self {
        Self { running: Vec::with_capacity(1), spare, taken: 0 }
    }

    /// Starts a try, in place of the oldest one where there is no room for another.
    pub(super) fn start(&mut self, address: SocketAddr, attempt: F) {
        if self.running.len() >= OWN {
            if self.spare.take() {
                self.taken += 1;
            } else {
                drop(self.running.remove(0));
            }
        }
        self.running.push((address, Box::pin(attempt)));
    }

    /// Whether another try can be started without giving one up.
    pub(super) fn has_room(&self) -> bool {
        self.running.len() < OWN || self.spare.0.get() > 0
    }

    /// Whether a try to reach `address` is under way.
    pub(super) fn reaches(&self, address: SocketAddr) -> bool {
        self.running.iter().any(|(one, _)| *one == address)
    }

    /// The outcome of the next that ends, and whose it is; `None` when none is left.
    pub(super) async fn next(&mut self) -> Option<(SocketAddr, F::Output)> {
        poll_fn(|context| {
            for at in 0..self.running.len() {
                let (address, attempt) = &mut self.running[at];
                if let Poll::Ready(ended) = attempt.as_mut().poll(context) {
                    let address = *address;
                    drop(self.running.remove(at));
                    self.settle();
                    return Poll::Ready(Some((address, ended)));
                }
            }
            if self.running.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }
}

impl<F> Tries<F> {
    /// Gives back what is no longer needed.
    fn settle(&mut self) {
        let needed = self.running.len().saturating_sub(OWN);
        self.spare.give(self.taken.saturating_sub(needed));
        self.taken = self.taken.min(needed);
    }
}

impl<F> Drop for Tries<F> {
    fn drop(&mut self) {
        self.running.clear();
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use futures_util::future::Either;
    use std::future::{Ready, pending, ready};

    type Try = Either<Ready<u8>, std::future::Pending<u8>>;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn hangs() -> Try {
        Either::Right(pending())
    }

    fn under_way(tries: &Tries<Try>) -> Vec<u16> {
        tries.running.iter().map(|(address, _)| address.port()).collect()
    }

    #[test]
    fn the_oldest_makes_room_where_nothing_is_spare() {
        let spare = Spare::new(1);
        let mut tries = Tries::new(spare.clone());
        for port in 1..=3 {
            assert!(tries.has_room());
            tries.start(address(port), hangs());
        }
        assert!(!tries.has_room());
        tries.start(address(4), hangs());
        assert_eq!(under_way(&tries), [2, 3, 4]);
        assert!(tries.reaches(address(2)) && !tries.reaches(address(1)));
        // Another race has its own, and no more.
        let mut other = Tries::new(spare.clone());
        for port in 1..=3 {
            other.start(address(port), hangs());
        }
        assert_eq!(under_way(&other), [2, 3]);
        drop(tries);
        assert_eq!(spare.0.get(), 1);
        other.start(address(4), hangs());
        assert_eq!(under_way(&other), [2, 3, 4]);
    }

    #[test]
    fn what_ends_is_given_back() {
        let spare = Spare::new(2);
        let mut tries = Tries::new(spare.clone());
        for port in 1..=3 {
            tries.start(address(port), hangs());
        }
        tries.start(address(4), Either::Left(ready(7)));
        assert_eq!(spare.0.get(), 0);
        assert_eq!(tries.next().now_or_never(), Some(Some((address(4), 7))));
        assert_eq!((spare.0.get(), tries.next().now_or_never()), (1, None));
        drop(tries);
        assert_eq!(spare.0.get(), 2);
        assert_eq!(Tries::<Try>::new(spare).next().now_or_never(), Some(None));
    }
}
