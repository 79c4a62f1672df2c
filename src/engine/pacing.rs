//! How long to wait before the next attempt.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::check::Cost;
use crate::plan::{Backoff, Policy};

/// The pace of one precondition.
#[derive(Debug)]
pub struct Pacing {
    interval: Duration,
    max_interval: Duration,
    rule: Rule,
    random: fastrand::Rng,
}

#[derive(Debug)]
enum Rule {
    Adaptive,
    Exponential(ExponentialBackoff),
    Constant,
}

impl Pacing {
    /// The pace that `policy` asks for; `seed` decides its jitter.
    #[must_use]
    pub fn new(policy: &Policy, seed: u64) -> Self {
        let rule = match policy.backoff {
            Backoff::Adaptive => Rule::Adaptive,
            Backoff::Constant => Rule::Constant,
            Backoff::Exponential => Rule::Exponential(
                ExponentialBuilder::new()
                    .with_min_delay(policy.interval)
                    .with_max_delay(policy.max_interval)
                    .with_factor(policy.factor)
                    .without_max_times()
                    .build(),
            ),
        };
        Self {
            interval: policy.interval,
            max_interval: policy.max_interval,
            rule,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The wait after an attempt that failed at this `cost`, `elapsed` after the first one: never under
    /// `interval`, never over `max_interval`.
    ///
    /// Adaptive pacing waits for a share of the time waited so far: 1 % where the failure cost the dependency
    /// nothing, 10 % with full jitter (anything from `interval` to that share, evenly) where it had to work.
    pub fn next(&mut self, elapsed: Duration, cost: Cost) -> Duration {
        let (low, high) = (self.interval, self.max_interval);
        match &mut self.rule {
            Rule::Constant => low,
            Rule::Adaptive if cost == Cost::Low => (elapsed / 100).clamp(low, high),
            Rule::Adaptive => {
                let share = (elapsed / 10).clamp(low, high);
                low + share.saturating_sub(low).mul_f64(self.random.f64())
            }
            Rule::Exponential(delays) => {
                let delay = delays.next().unwrap_or(high).clamp(low, high);
                low + delay.saturating_sub(low).mul_f64(self.random.f64())
            }
        }
    }
}

/// The offset before the first attempt: the same for the same host, evenly spread over hosts.
#[must_use]
pub fn splay(span: Duration, host: &str) -> Duration {
    // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, finished so that its upper bits depend on all input.
    let hash = host.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let share = u32::try_from(mixed >> 32).unwrap_or_default();
    span.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn cheap_failures_wait_a_hundredth_of_the_time_waited() {
        let mut pacing = Pacing::new(&Policy::default(), 1);
        for (elapsed, wait) in [(0, 50), (4_000, 50), (10_000, 100), (60_000, 600), (600_000, 1_000)] {
            assert_eq!(pacing.next(MS(elapsed), Cost::Low), MS(wait));
        }
    }

    #[test]
    fn costly_failures_wait_up_to_a_tenth_with_jitter() {
        let mut pacing = Pacing::new(&Policy::default(), 1);
        assert_eq!(pacing.next(MS(400), Cost::High), MS(50));
        let waits: Vec<Duration> = (0..200).map(|_| pacing.next(MS(5_000), Cost::High)).collect();
        let mean = waits.iter().sum::<Duration>() / 200;
        assert!(waits.iter().all(|wait| (MS(50)..=MS(500)).contains(wait)));
        assert!((MS(240)..MS(310)).contains(&mean), "{mean:?}");
    }

    #[test]
    fn exponential_grows_and_constant_does_not() {
        let mut policy = Policy { backoff: Backoff::Exponential, ..Policy::default() };
        let mut pacing = Pacing::new(&policy, 1);
        for most in [50, 100, 200, 400, 800, 1000, 1000] {
            let wait = pacing.next(MS(0), Cost::Low);
            assert!((MS(50)..=MS(most)).contains(&wait), "{wait:?} {most}");
        }
        policy.backoff = Backoff::Constant;
        assert_eq!(Pacing::new(&policy, 1).next(MS(60_000), Cost::High), MS(50));
    }

    #[test]
    fn splay_is_stable_within_its_span_and_even() {
        let span = Duration::from_secs(10);
        let offsets: Vec<Duration> = (0..1000).map(|n| splay(span, &format!("web-{n}"))).collect();
        // The same in every version: a host keeps its place.
        assert_eq!(offsets[7], Duration::from_nanos(5_424_711_547));
        assert!(offsets.iter().all(|offset| *offset <= span));
        for second in 0..10 {
            let from = Duration::from_secs(second);
            let count = offsets.iter().filter(|o| (from..from + Duration::from_secs(1)).contains(*o)).count();
            assert!((50..170).contains(&count), "{count} hosts in second {second}");
        }
    }

    proptest::proptest! {
        #[test]
        fn waits_stay_within_bounds(
            low in 1_u64..5_000, more in 0_u64..5_000, elapsed in 0_u64..u64::MAX / 2,
            rule in 0..3_usize, high_cost: bool, seed: u64,
        ) {
            let backoff = [Backoff::Adaptive, Backoff::Exponential, Backoff::Constant][rule];
            let policy = Policy { interval: MS(low), max_interval: MS(low + more), backoff, ..Policy::default() };
            let mut pacing = Pacing::new(&policy, seed);
            let cost = if high_cost { Cost::High } else { Cost::Low };
            for _ in 0..20 {
                let wait = pacing.next(MS(elapsed), cost);
                proptest::prop_assert!(wait >= MS(low) && wait <= MS(low + more), "{wait:?}");
            }
        }
    }
}
