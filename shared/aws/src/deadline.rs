//! Until when an invocation may work. What it does not begin in time is given again; what it begins, it ends.

use jiff::{SignedDuration, Timestamp};

use crate::event::Undone;

/// When Lambda ends the invocation, whatever it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// Lambda's own, in milliseconds since the epoch.
    #[must_use]
    pub fn at_millisecond(millis: u64) -> Self {
        let at = i64::try_from(millis).ok().map(Timestamp::from_millisecond);
        Self(at.and_then(Result::ok).unwrap_or(Timestamp::MAX))
    }

    /// So long from now: what a function's time-out is where there is no Lambda.
    #[must_use]
    pub fn after(now: Timestamp, time_out: SignedDuration) -> Self {
        Self(now.saturating_add(time_out).unwrap_or(Timestamp::MAX))
    }

    /// Whether what needs so long, at its slowest, may still be begun.
    ///
    /// # Errors
    /// [`Undone::NoTime`].
    pub fn leaves(self, now: Timestamp, need: SignedDuration) -> Result<(), Undone> {
        if self.0.duration_since(now) >= need {
            Ok(())
        } else {
            Err(Undone::NoTime)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_longer_than_is_left_is_not_begun() {
        let now: Timestamp = "2026-12-01T09:00:00Z".parse().unwrap();
        let deadline = Deadline::after(now, SignedDuration::from_secs(10));
        assert!(deadline.leaves(now, SignedDuration::from_secs(10)).is_ok());
        let later = now + SignedDuration::from_millis(1);
        assert!(matches!(
            deadline.leaves(later, SignedDuration::from_secs(10)),
            Err(Undone::NoTime)
        ));
    }

    #[test]
    fn lambdas_deadline_is_counted_in_milliseconds() {
        let deadline = Deadline::at_millisecond(1_796_115_610_000);
        let now = Timestamp::from_millisecond(1_796_115_600_000).unwrap();
        assert_eq!(deadline, Deadline::after(now, SignedDuration::from_secs(10)));
        assert!(
            Deadline::at_millisecond(u64::MAX)
                .leaves(now, SignedDuration::from_hours(24))
                .is_ok()
        );
    }
}
