//! What holds of every run, whatever the preconditions do: it ends in time, and in time means neither late nor early.

use proptest::prelude::*;

use super::*;

pub(super) fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        3 => Just(Does::No),
        3 => Just(Does::Error),
        1 => Just(Does::Hang),
        1 => (1_u64..3_000).prop_map(Does::Slow),
        1 => Just(Does::Ready),
    ]
}

/// A pace, with the longest time of an attempt.
pub(super) fn paces() -> impl Strategy<Value = Policy> {
    (1_u64..500, 0_u64..2_000, 1_u64..2_000, 0..3_usize).prop_map(|(interval, more, attempt, rule)| Policy {
        interval: Duration::from_millis(interval),
        max_interval: Duration::from_millis(interval + more),
        attempt_timeout: Limit::After(Duration::from_millis(attempt)),
        backoff: [Backoff::Adaptive, Backoff::Exponential, Backoff::Constant][rule],
        ..Policy::default()
    })
}

/// Whether it is satisfied sooner or later, if there is time enough.
fn can_hold(policy: &Policy, script: &[Does]) -> bool {
    let limit = policy.attempt_timeout.duration().unwrap();
    script.iter().any(|does| match does {
        Does::Ready => true,
        Does::Slow(after) => Duration::from_millis(*after) <= limit,
        _ => false,
    })
}

/// What comes of `run`, by a clock that stands still while anything else is to be done.
pub(super) fn in_virtual_time(run: impl Future<Output = Ran>) -> Ran {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(run)
}

proptest! {
    #[test]
    fn a_run_ends_when_all_hold_or_exactly_at_its_deadline(
        preconditions in prop::collection::vec((paces(), prop::collection::vec(does(), 1..6)), 1..5),
        timeout in 1_u64..8_000,
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let possible = preconditions.iter().all(|(policy, script)| can_hold(policy, script));
        let ran = in_virtual_time(async {
            let run = preconditions.iter().zip(NAMES).fold(Run::new(), |run, ((policy, script), name)| {
                run.with(name, policy.clone(), script)
            });
            run.timeout(timeout).all().await
        });
        match ran.outcome {
            Outcome::Satisfied => prop_assert!(possible && ran.took <= timeout, "{}", ran.took),
            outcome => {
                prop_assert_eq!(outcome, TIMED_OUT);
                prop_assert_eq!(ran.took, timeout);
            }
        }
        for ((policy, _), name) in preconditions.iter().zip(NAMES) {
            let times = ran.times(name);
            prop_assert_eq!(times.first(), Some(&0));
            prop_assert!(times.iter().all(|at| *at <= timeout), "{:?}", times);
            // The last attempt before the deadline may come sooner than the pace has it.
            let paced = &times[..times.len() - 1];
            let interval = millis(policy.interval);
            prop_assert!(paced.windows(2).all(|two| two[1] - two[0] >= interval), "{:?} {}", times, interval);
        }
    }

    #[test]
    fn whoever_can_hold_does_given_time(
        policy in paces(), script in prop::collection::vec(does(), 1..6),
    ) {
        let possible = can_hold(&policy, &script);
        let ran = in_virtual_time(async { Run::new().with("a", policy, &script).timeout(60_000).all().await });
        prop_assert_eq!(ran.outcome == Outcome::Satisfied, possible);
    }
}
