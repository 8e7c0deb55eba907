//! The one place that reads the time, and the one that waits for it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// Tells the time to the shell: the machine's clock, or one that a stack on one machine moves by hand.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Shared by all clones.
    Manual(Arc<Manual>),
}

struct Manual {
    /// Since the epoch.
    millis: AtomicI64,
    sleep: OnceLock<Sleep>,
    waiting: Mutex<BTreeSet<(i64, u64)>>,
    next: AtomicU64,
}

type Sleep = Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manual")
            .field("millis", &self.millis)
            .finish_non_exhaustive()
    }
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is [advanced](Self::advance) or waited for; clones share it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Manual {
            millis: AtomicI64::new(start.as_millisecond()),
            sleep: OnceLock::new(),
            waiting: Mutex::default(),
            next: AtomicU64::new(0),
        })))
    }

    /// The time now, to the millisecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the edge that reads the time")]
            Source::System => Timestamp::now(),
            Source::Manual(manual) => Timestamp::from_millisecond(manual.now()).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Moves a manual clock forward; the machine's clock ignores it.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(manual) = &self.0 {
            let step = i64::try_from(by.as_millis()).unwrap_or(0);
            manual.millis.fetch_add(step, Ordering::SeqCst);
        }
    }

    /// Says once how whoever waits on a manual clock sleeps, where somebody else moves it: real time, or a simulation's.
    pub fn sleep_by<F: Future<Output = ()> + Send + 'static>(
        &self,
        sleep: impl Fn(Duration) -> F + Send + Sync + 'static,
    ) {
        if let Source::Manual(manual) = &self.0 {
            // The first stays: whoever moves the clock has said so before anybody waits.
            let _ = manual.sleep.set(Box::new(move |long| sleep(long).boxed()));
        }
    }

    /// Waits for a time. A manual clock that nobody else moves is moved by who waits, the first to be woken first.
    pub async fn wait_until(&self, at: Timestamp) {
        match &self.0 {
            Source::System => {
                while let Some(left) = self.left(at) {
                    tokio::time::sleep(left).await;
                }
            }
            Source::Manual(manual) => match manual.sleep.get() {
                Some(sleep) => {
                    while let Some(left) = self.left(at) {
                        sleep(left).await;
                    }
                }
                None => manual.pass_until(at).await,
            },
        }
    }

    /// How long it is until then, in whole milliseconds, which is what clocks tick in.
    fn left(&self, at: Timestamp) -> Option<Duration> {
        let micros = at.as_microsecond().saturating_sub(self.now().as_microsecond());
        let millis = u64::try_from(micros).ok()?.div_ceil(1_000);
        (millis > 0).then(|| Duration::from_millis(millis))
    }
}

impl Manual {
    fn now(&self) -> i64 {
        self.millis.load(Ordering::SeqCst)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<(i64, u64)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass_until(&self, at: Timestamp) {
        let millis = at.as_microsecond().saturating_add(999).div_euclid(1_000);
        let key = (millis, self.next.fetch_add(1, Ordering::SeqCst));
        self.waiting().insert(key);
        let _gone = Waiting { clock: self, key };
        // Whoever else is about to wait may be for an earlier time.
        for _ in 0..LET_OTHERS {
            tokio::task::yield_now().await;
        }
        while self.now() < millis {
            if self.waiting().first() == Some(&key) {
                self.millis.fetch_max(millis, Ordering::SeqCst);
            } else {
                tokio::task::yield_now().await;
            }
        }
    }
}

const LET_OTHERS: u8 = 16;

/// Whoever does not wait any more holds nobody else up.
struct Waiting<'a> {
    clock: &'a Manual,
    key: (i64, u64),
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.clock.waiting().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::constant(1_796_115_600, 0);

    fn at(millis: i64) -> Timestamp {
        START + SignedDuration::from_millis(millis)
    }

    #[tokio::test]
    async fn who_waits_on_a_clock_that_nobody_moves_moves_it_and_the_first_due_goes_first() {
        let clock = Clock::manual(START);
        let order = Mutex::new(Vec::new());
        let wait = async |millis| {
            clock.wait_until(at(millis)).await;
            order.lock().unwrap().push((millis, clock.now()));
        };
        tokio::join!(wait(300), wait(100), wait(200), wait(-5));
        let order = order.into_inner().unwrap();
        assert_eq!(order, [(-5, at(0)), (100, at(100)), (200, at(200)), (300, at(300))]);
    }

    #[tokio::test]
    async fn who_gave_up_waiting_holds_nobody_up() {
        let clock = Clock::manual(START);
        let mut given_up = Box::pin(clock.wait_until(at(10)));
        assert!(futures_util::poll!(given_up.as_mut()).is_pending());
        drop(given_up);
        clock.wait_until(at(20)).await;
        assert_eq!(clock.now(), at(20));
    }

    #[tokio::test]
    async fn where_somebody_else_moves_the_clock_who_waits_sleeps_as_long_as_it_takes() {
        let clock = Clock::manual(START);
        let moved = clock.clone();
        // The clock is behind the sleep: it takes several.
        clock.sleep_by(move |_| {
            moved.advance(SignedDuration::from_millis(60));
            std::future::ready(())
        });
        clock.wait_until(at(100)).await;
        assert_eq!(clock.now(), at(120));
    }

    #[tokio::test]
    async fn part_of_a_millisecond_is_waited_for_too() {
        let clock = Clock::manual(START);
        clock.wait_until(at(5) + SignedDuration::from_micros(1)).await;
        assert_eq!(clock.now(), at(6));
    }
}
