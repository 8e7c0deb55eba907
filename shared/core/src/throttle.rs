//! How often one key may knock: a bucket for each, in memory, by a clock that is an argument.
//!
//! A bucket is only the time at which it will be full again (the generic cell rate algorithm), so a key that was not seen
//! for a while needs no bucket, and the memory is bounded by what is busy.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::fingerprint::sha256;

/// A secret that knocks, without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThrottleKey([u8; 16]);

impl ThrottleKey {
    /// The key of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let mut key = [0; 16];
        let digest = sha256(&[b"throttle", token.as_bytes()]);
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(key)
    }
}

/// How much is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// At once, by whoever did not knock for a while.
    pub burst: u16,
    /// Then one in each such time.
    pub every: SignedDuration,
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNow {
    /// The whole seconds after which one is let through again, at least 1.
    pub retry_after: u32,
}

/// The buckets of all keys.
#[derive(Debug)]
pub struct Throttle {
    pace: Pace,
    most_keys: usize,
    /// When each bucket will be full again, in milliseconds.
    full_at: BTreeMap<ThrottleKey, i64>,
}

impl Throttle {
    /// Lets each key through at a pace, and keeps at most so many keys in mind.
    #[must_use]
    pub const fn new(pace: Pace, most_keys: usize) -> Self {
        Self {
            pace,
            most_keys,
            full_at: BTreeMap::new(),
        }
    }

    /// Lets a key through once.
    ///
    /// # Errors
    /// [`NotNow`]; nothing is taken then.
    pub fn take(&mut self, key: ThrottleKey, now: Timestamp) -> Result<(), NotNow> {
        let now = now.as_millisecond();
        let every = i64::try_from(self.pace.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let size = every.saturating_mul(i64::from(self.pace.burst.max(1)));
        let held = self.full_at.get(&key).copied();
        let full_at = held.unwrap_or(now).max(now).saturating_add(every);
        let over = full_at.saturating_sub(now).saturating_sub(size);
        if over > 0 {
            let seconds = over.saturating_add(999).div_euclid(1_000);
            return Err(NotNow {
                retry_after: u32::try_from(seconds).unwrap_or(u32::MAX),
            });
        }
        if held.is_none() {
            self.make_room(now);
        }
        self.full_at.insert(key, full_at);
        Ok(())
    }

    /// Full buckets are as good as none. Where even the others are too many, all are forgotten: it is better to let too
    /// much through than to shut a person out for what others do.
    fn make_room(&mut self, now: i64) {
        if self.full_at.len() < self.most_keys {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= self.most_keys {
            self.full_at.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        burst: 3,
        every: SignedDuration::from_secs(10),
    };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    #[test]
    fn a_burst_is_let_through_then_one_at_a_time_and_each_key_by_itself() {
        let mut throttle = Throttle::new(PACE, 10);
        let (one, other) = (ThrottleKey::of("one"), ThrottleKey::of("other"));
        for _ in 0..3 {
            assert_eq!(throttle.take(one, at(0)), Ok(()));
        }
        assert_eq!(throttle.take(one, at(0)), Err(NotNow { retry_after: 10 }));
        assert_eq!(throttle.take(one, at(9_001)), Err(NotNow { retry_after: 1 }));
        assert_eq!(throttle.take(other, at(0)), Ok(()));
        assert_eq!(throttle.take(one, at(10_000)), Ok(()));
        assert!(throttle.take(one, at(10_000)).is_err());
        // Whoever stays away has the whole burst again.
        for _ in 0..3 {
            assert_eq!(throttle.take(one, at(60_000)), Ok(()));
        }
    }

    #[test]
    fn many_keys_take_bounded_room_and_shut_nobody_out() {
        let mut throttle = Throttle::new(PACE, 100);
        for number in 0..10_000 {
            assert_eq!(throttle.take(ThrottleKey::of(&number.to_string()), at(number)), Ok(()));
            assert!(throttle.full_at.len() <= 100);
        }
    }

    #[test]
    fn a_key_does_not_show_its_token() {
        assert!(!format!("{:?}", ThrottleKey::of("secret-token")).contains("secret"));
    }

    proptest! {
        /// In any time, whatever the moments: the burst, and one for each interval that has begun.
        #[test]
        fn no_more_is_let_through_than_the_pace_says(mut moments in prop::collection::vec(0i64..120_000, 1..200)) {
            moments.sort_unstable();
            let mut throttle = Throttle::new(PACE, 10);
            let key = ThrottleKey::of("k");
            let passed: Vec<i64> = moments.into_iter().filter(|ms| throttle.take(key, at(*ms)).is_ok()).collect();
            for (position, from) in passed.iter().enumerate() {
                for (count, until) in (1..).zip(&passed[position..]) {
                    prop_assert!(count <= 3 + (until - from).div_euclid(10_000) , "{count} in {} ms", until - from);
                }
            }
        }
    }
}
