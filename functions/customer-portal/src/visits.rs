//! How often one link may be opened: what reads and discloses has a limit by link, without a write.
//!
//! The buckets are in the memory of one instance of the function: as many links' worth are let through as there are warm
//! instances. The outer bound, for all links together, is the throttle of the gateway's routes.

use std::sync::{Arc, Mutex, PoisonError};

use apropos_core::throttle::{NotNow, Pace, Throttle, ThrottleKey};
use jiff::{SignedDuration, Timestamp};

/// A person opens a page a few times, the scanners of their mailbox a few dozen; after that, six a minute.
const PACE: Pace = Pace {
    burst: 60,
    every: SignedDuration::from_secs(10),
};

/// About half a megabyte at most.
const MOST_LINKS: usize = 8_192;

/// The visits of all links, in this instance.
#[derive(Debug, Clone)]
pub(crate) struct Visits(Arc<Mutex<Throttle>>);

impl Default for Visits {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(PACE, MOST_LINKS))))
    }
}

impl Visits {
    /// Lets a link that was checked be opened once more.
    pub(crate) fn take(&self, token: &str, now: Timestamp) -> Result<(), NotNow> {
        // The buckets are whole between two calls, whoever panicked in between.
        let mut throttle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.take(ThrottleKey::of(token), now)
    }
}
