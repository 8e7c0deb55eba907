//! Time that passes only when nobody can go on, and the tasks that it passes for.
//!
//! One thread, one queue of timers: the same tasks with the same waits are polled in the same order, every time.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::config::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;

/// The simulation's time, in milliseconds since its start; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Time(Arc<Mutex<Timers>>);

#[derive(Default)]
struct Timers {
    now: i64,
    next: u64,
    due: BTreeMap<(i64, u64), Waker>,
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time").finish_non_exhaustive()
    }
}

impl Time {
    pub(crate) fn now(&self) -> i64 {
        self.lock().now
    }

    pub(crate) fn sleep(&self, millis: i64) -> Sleeping {
        let mut timers = self.lock();
        let key = (timers.now + millis.max(0), timers.next);
        timers.next += 1;
        Sleeping {
            time: self.clone(),
            key,
        }
    }

    /// Goes on to the next timer; false if there is none.
    fn pass(&self) -> bool {
        let mut timers = self.lock();
        let Some(((due, _), waker)) = timers.due.pop_first() else {
            return false;
        };
        timers.now = timers.now.max(due);
        drop(timers);
        waker.wake();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Timers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait of the simulation's time.
pub(crate) struct Sleeping {
    time: Time,
    key: (i64, u64),
}

impl Future for Sleeping {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.time.lock();
        if timers.now >= self.key.0 {
            timers.due.remove(&self.key);
            return Poll::Ready(());
        }
        timers.due.insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.time.lock().due.remove(&self.key);
    }
}

/// The SDK sleeps on the simulation's time too: its time-outs and its waits before it tries again.
impl AsyncSleep for Time {
    fn sleep(&self, duration: Duration) -> Sleep {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Sleep::new(Self::sleep(self, millis))
    }
}

/// What the SDK signs with. Nobody checks a signature here, so one time does for all.
impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_115_600)
    }
}

/// The SDK of a planted bug: its time-outs never come.
#[derive(Debug, Clone)]
pub(crate) struct Endless;

impl AsyncSleep for Endless {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::pending())
    }
}

/// Wakes whoever waits for something to have changed.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Mutex<(u64, Vec<Waker>)>>);

impl Bell {
    pub(crate) fn ring(&self) {
        let mut bell = self.lock();
        bell.0 += 1;
        let wakers = std::mem::take(&mut bell.1);
        drop(bell);
        for waker in wakers {
            waker.wake();
        }
    }

    pub(crate) fn rung(&self) -> u64 {
        self.lock().0
    }

    /// Until it has been rung since [`rung`](Self::rung) said `seen`, or the time is over.
    pub(crate) async fn heard(&self, seen: u64, mut timeout: Option<Sleeping>) {
        std::future::poll_fn(|cx| {
            let mut bell = self.lock();
            if bell.0 != seen {
                return Poll::Ready(());
            }
            bell.1.push(cx.waker().clone());
            drop(bell);
            match &mut timeout {
                Some(timeout) => Pin::new(timeout).poll(cx),
                None => Poll::Pending,
            }
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Waker>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    flag: Arc<Flag>,
    waker: Waker,
}

/// The tasks of a schedule.
pub(crate) struct Kernel {
    time: Time,
    tasks: Vec<Option<Task>>,
}

/// Polls after which a schedule counts as one that never ends.
const MOST_POLLS: u32 = 400_000;

impl Kernel {
    pub(crate) const fn new(time: Time) -> Self {
        Self {
            time,
            tasks: Vec::new(),
        }
    }

    pub(crate) fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        self.tasks.push(Some(Task {
            future: Box::pin(future),
            flag,
            waker,
        }));
    }

    /// Runs until no task can go on and no timer is left; false if that does not come.
    pub(crate) fn run(&mut self) -> bool {
        self.run_at_most(MOST_POLLS)
    }

    /// The same, with so many polls.
    pub(crate) fn run_at_most(&mut self, most: u32) -> bool {
        let mut polls = 0;
        loop {
            let mut went_on = false;
            for slot in &mut self.tasks {
                let Some(task) = slot else { continue };
                if !task.flag.0.swap(false, Ordering::Relaxed) {
                    continue;
                }
                went_on = true;
                polls += 1;
                if task
                    .future
                    .as_mut()
                    .poll(&mut Context::from_waker(&task.waker))
                    .is_ready()
                {
                    *slot = None;
                }
            }
            if polls > most {
                return false;
            }
            if !went_on && !self.time.pass() {
                return true;
            }
        }
    }

    /// Runs one task to its end, with all others.
    pub(crate) fn block_on<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> Option<T> {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        self.spawn(async move {
            let value = future.await;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        });
        self.run();
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
