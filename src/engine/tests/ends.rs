//! What is not needed any more, and what is left of the time.

use super::*;
use Does::{Hang, Late, Never, No, Ready, Slow};

#[tokio::test(start_paused = true)]
async fn what_is_not_needed_any_more_is_not_attempted_and_makes_room() {
    let run = Run::new().probe("a", &[No]).probe("b", &[No, Ready]).probe("c", &[No, No, No, Ready]);
    let either = Node::AtLeast(1, vec![Node::Leaf(0), Node::Leaf(1)]);
    let ran = run.run(Node::Sequence(vec![either, Node::Leaf(2)])).await;
    assert_eq!(ran.outcome, Outcome::Satisfied);
    assert_eq!(ran.times("a").len(), 2);

    // So many as may be under way at once: all that hang must go before as many others can begin.
    let run = (0..99).fold(Run::new(), |run, _| run.probe("a", &[Hang])).probe("b", &[Slow(50)]);
    let run = (0..100).fold(run, |run, _| run.probe("c", &[Slow(10)]));
    let leaves = |ids: std::ops::Range<usize>| ids.map(Node::Leaf).collect::<Vec<Node>>();
    let tree = vec![Node::AtLeast(1, leaves(0..100)), Node::All(leaves(100..200))];
    assert_eq!(run.run(Node::Sequence(tree)).await.took, 60);
}

#[tokio::test(start_paused = true)]
async fn attempts_wait_for_each_other_but_not_in_the_last_second() {
    let every = |millis| Policy { interval: Duration::from_millis(millis), ..policy() };
    let ran = Run::new().with("a", every(160), &[No]).with("b", every(165), &[No]).timeout(1_400).all().await;
    assert_eq!(ran.times("a")[..5], [0, 192, 384, 544, 704]);
    assert_eq!(ran.times("b")[..5], [0, 192, 384, 549, 714]);
}

#[tokio::test(start_paused = true)]
async fn a_confirming_attempt_is_not_bound_by_its_own_time_out() {
    let limited = Policy { timeout: Limit::After(Duration::from_millis(350)), ..policy() };
    let mut run = Run::new().with("a", limited, &[Ready, Slow(100)]).probe("b", &[No, No, No, Ready]);
    run.settings.confirm = true;
    run.settings.timeout = Limit::Never;
    let ran = run.all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 400));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_about_what_is_pending() {
    let mut run = Run::new().probe("a", &[Ready, Slow(600)]);
    run.settings.confirm = true;
    run.settings.heartbeat = Limit::After(Duration::from_millis(500));
    let ran = run.all().await;
    assert_eq!(ran.events, ["0 begin a", "0 ready a", "0 confirm"]);
    assert_eq!(ran.took, 600);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_succeed_count_among_those_allowed() {
    let policy = Policy { successes: 3, max_attempts: Some(2), ..policy() };
    let ran = Run::new().with("a", policy, &[Ready]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Attempts), 100));
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_after_its_own_time_ends_the_run() {
    for whole in [Limit::Never, Limit::After(Duration::from_secs(10))] {
        let limited = Policy { timeout: Limit::After(Duration::from_millis(250)), ..policy() };
        let mut run = Run::new().with("a", limited, &[Ready, No]).probe("b", &[No, No, No, Ready]);
        run.settings.confirm = true;
        run.settings.timeout = whole;
        let ran = run.all().await;
        assert_eq!((ran.outcome, ran.took), (TIMED_OUT, 300), "{whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_a_sequence_ends_it() {
    let run = Run::new().probe("a", &[No, Never]).probe("b", &[Ready]);
    let ran = run.run(Node::Sequence(vec![Node::Leaf(0), Node::Leaf(1)])).await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Never), 100));
    assert_eq!(ran.ended[1], (State::Waiting, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_begun_and_is_not_needed_is_told_as_that() {
    let run = Run::new().probe("a", &[No]).probe("b", &[Ready]).probe("c", &[No, Ready]);
    let both = Node::Sequence(vec![Node::Leaf(0), Node::Leaf(1)]);
    let ran = run.run(Node::AtLeast(1, vec![both, Node::Leaf(2)])).await;
    assert_eq!(ran.ended, [(State::Unneeded, 2), (State::Unneeded, 0), (State::Ready, 2)]);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_is_begun_that_could_not_end_in_time() {
    let ran = Run::new().probe("a", &[Late(100)]).timeout(1_050).all().await;
    assert_eq!((ran.times("a"), ran.took), (vec![0, 200, 400, 600, 800], 1_050));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_cut_short_counts() {
    let ran = Run::new().probe("a", &[No, Hang]).timeout(3_000).all().await;
    assert_eq!(ran.ended, [(State::Pending, 2)]);
}
