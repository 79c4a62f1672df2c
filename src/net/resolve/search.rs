//! The search: the names that a name may stand for, one after the other.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::time::{Duration, Instant, sleep_until};

use super::ask::{Manner, ask};
use super::outcome::{Answer, Candidate, Lookup, Outcome};
use crate::net::trace::Trace;

/// After so much silence for one name, the next is asked for too.
const STAGGER: Duration = Duration::from_millis(600);

/// What the search needs to know beside the names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) types: &'a [RecordType],
    pub(super) manner: Manner,
    /// How long to wait for answers about one name.
    pub(super) patience: Duration,
    /// How long one type's answer waits for another's.
    pub(super) grace: Duration,
}

/// Asks for `names` until the first that has records is known, or all have ended. What is found is on the board
/// at any time, should the search be cut short.
///
/// Silence or failure for one name does not stop the search: a later one may be answered.
pub(super) async fn search(board: &RefCell<Lookup>, names: &[Name], plan: Plan<'_>, trace: &Trace) {
    let mut running = FuturesUnordered::new();
    let mut waiting = names.iter().enumerate();
    let mut next = Instant::now();
    loop {
        let found = {
            let board = board.borrow();
            if board.found().is_some() {
                return;
            }
            board.candidates.iter().any(Candidate::has_records)
        };
        // A timer is not for what is due already: it would take a millisecond.
        if !found
            && Instant::now() >= next
            && let Some((index, name)) = waiting.next()
        {
            board.borrow_mut().candidates.push(Candidate {
                name: super::outcome::plain(name),
                answers: plan.types.iter().map(|kind| silent(*kind)).collect(),
                took: None,
            });
            running.push(candidate(board, index, name, plan, trace));
            next = Instant::now() + STAGGER;
        }
        tokio::select! {
            biased;
            Some(()) = running.next() => next = Instant::now(),
            () = sleep_until(next), if waiting.len() > 0 && !found => {}
            else => return,
        }
    }
}

fn silent(kind: RecordType) -> Answer {
    Answer { kind, outcome: None, took: Duration::ZERO, failures: Vec::new() }
}

/// Asks for one name, all types at once.
async fn candidate(board: &RefCell<Lookup>, index: usize, name: &Name, plan: Plan<'_>, trace: &Trace) {
    let since = Instant::now();
    let servers = board.borrow().servers.clone();
    let servers = Rc::<[_]>::from(servers);
    let mut asking: FuturesUnordered<_> = plan
        .types
        .iter()
        .enumerate()
        .map(|(slot, kind)| {
            let (query, servers) = (Query::query(name.clone(), *kind), Rc::clone(&servers));
            async move {
                let failed = |server: usize, failure| {
                    let failures = &mut board.borrow_mut().candidates[index].answers[slot].failures;
                    failures.push((servers[server], failure));
                };
                (slot, ask(&query, &servers, plan.manner, since + plan.patience, failed).await)
            }
        })
        .collect();
    let mut enough = None;
    loop {
        let end = enough.unwrap_or(since + plan.patience * 2);
        tokio::select! {
            biased;
            answered = asking.next() => {
                let Some((slot, outcome)) = answered else { break };
                if matches!(outcome, Outcome::Records(_)) && enough.is_none() {
                    enough = Some(Instant::now() + plan.grace);
                }
                let answer = &mut board.borrow_mut().candidates[index].answers[slot];
                answer.took = since.elapsed();
                answer.outcome = Some(outcome);
            }
            () = sleep_until(end) => break,
        }
    }
    drop(asking);
    board.borrow_mut().candidates[index].took = Some(since.elapsed());
    trace.stage("dns", since, || board.borrow().candidates[index].summary());
}
