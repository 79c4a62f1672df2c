//! The pause before an attempt: until its time, or until what is watched changes.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::net::watch::Watch;

/// The shortest time from one attempt to the next one that a change of what is watched brings about.
const BURST: Duration = Duration::from_millis(2);

/// How long attempts by the clock are put off while a watch tells of every change.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `instant`; for ever if there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Waits until `wait` or for a change. Who is patient lets the time pass while the watch tells of every change.
pub(super) async fn until(mut wait: Option<Instant>, patient: bool, watch: &mut Watch) {
    let began = Instant::now();
    let late = began + PATIENCE;
    loop {
        tokio::select! {
            () = at(wait) => {
                if !(patient && watch.tells_all() && Instant::now() < late) {
                    return;
                }
                wait = Some(late);
            }
            () = watch.changed() => {
                // A busy folder must not make a busy loop, and a single change must not wait.
                return sleep_until(began + BURST).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::watch::Changes;
    use futures_util::future::{FutureExt as _, LocalBoxFuture};

    /// Tells of one change, at its time.
    struct Scripted {
        at: Instant,
        tells_all: bool,
    }

    impl Changes for Scripted {
        fn changed(&mut self) -> LocalBoxFuture<'_, ()> {
            sleep_until(self.at).boxed_local()
        }

        fn tells_all(&self) -> bool {
            self.tells_all
        }
    }

    async fn paused(wait: Option<u64>, patient: bool, (change, tells_all): (u64, bool)) -> u128 {
        let now = Instant::now();
        let after = |millis| now + Duration::from_millis(millis);
        let mut watch = Watch::of(Scripted { at: after(change), tells_all });
        until(wait.map(after), patient, &mut watch).await;
        now.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_or_a_change_ends_a_pause() {
        for (wait, patient, watch, took) in [
            (Some(100), true, (5000, false), 100),
            (Some(100), true, (50, false), 50),
            (Some(100), true, (0, false), 2),
            (None, true, (5000, false), 5000),
            // Who hears of every change need not ask by the clock,
            (Some(100), true, (5000, true), 5000),
            // but does so now and then,
            (Some(100), true, (50_000, true), 30_000),
            (Some(40_000), true, (50_000, true), 40_000),
            // and when something is to last.
            (Some(100), false, (5000, true), 100),
        ] {
            assert_eq!(paused(wait, patient, watch).await, took, "{wait:?} {patient} {watch:?}");
        }
    }
}
