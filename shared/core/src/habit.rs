//! What somebody's own acts say of when and whether they like to be written to. Clicks, visits and purchases are acts; an
//! open never is.

use jiff::{SignedDuration, Timestamp};

use crate::cap::ContactRing;
use crate::time::EpochDay;

/// The eight stretches of three hours of a UTC day that somebody is active in, as bits; none known is 0. They are UTC
/// because the record that scoring reads has no time zone; daylight saving shifts them by a third of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoodHours(u8);

/// With fewer acts than this, nothing is learned.
pub const LEAST_ACTS: usize = 3;

/// The most hours that are kept.
pub const MOST_ACTS: usize = 24;

impl GoodHours {
    /// Learns from the UTC hours, 0 to 23, of recent clicks and purchases: a stretch that holds a quarter of them is good.
    ///
    /// ```
    /// use apropos_core::habit::GoodHours;
    ///
    /// let evenings = GoodHours::learn(&[18, 19, 20, 19, 7]);
    /// assert_eq!(evenings.at("2026-12-01T18:30:00Z".parse()?), Some(10_000));
    /// assert_eq!(evenings.at("2026-12-01T21:30:00Z".parse()?), Some(6_000));
    /// assert_eq!(evenings.at("2026-12-01T09:30:00Z".parse()?), Some(2_000));
    /// // Two acts teach nothing.
    /// assert_eq!(GoodHours::learn(&[18, 19]).at("2026-12-01T18:30:00Z".parse()?), None);
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn learn(hours: &[u8]) -> Self {
        if hours.len() < LEAST_ACTS {
            return Self::default();
        }
        let good = (0u8..8).filter(|stretch| {
            let held = hours.iter().filter(|hour| **hour % 24 / 3 == *stretch).count();
            held * 4 >= hours.len()
        });
        Self(good.fold(0, |bits, stretch| bits | (1 << stretch)))
    }

    /// How good an instant is, basis points: 10 000 in a good stretch, 6 000 next to one, else 2 000.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let hour = now.as_second().div_euclid(3_600).rem_euclid(24);
        let stretch = u32::try_from(hour / 3).unwrap_or(0);
        let here = 1u8.rotate_left(stretch);
        let beside = here.rotate_left(1) | here.rotate_right(1);
        Some(if self.0 & here != 0 {
            10_000
        } else if self.0 & beside != 0 {
            6_000
        } else {
            2_000
        })
    }

    /// The stored byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From the stored byte.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// How long a message may wait for an answer before it counts as ignored.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_hours(24);

/// The reaction level, 5 (acted since the last message) to 1 (ignored four or more); 0 is unknown: nothing was sent, or
/// nothing long enough ago. Each message that a day passed over without an act lowers it by one.
///
/// ```
/// use apropos_core::cap::ContactRing;
/// use apropos_core::habit::reaction;
/// use apropos_core::time::EpochDay;
///
/// let now = "2026-12-01T09:00:00Z".parse()?;
/// let mut contacts = ContactRing::default();
/// for sent in ["2026-11-02T09:00:00Z", "2026-11-12T09:00:00Z", "2026-11-22T09:00:00Z"] {
///     contacts.record(sent.parse()?);
/// }
/// let acted = |day: &str| Some(EpochDay::of(day.parse().unwrap()));
/// assert_eq!(reaction(&contacts, acted("2026-11-25T00:00:00Z"), now), 5);
/// // Two messages came after the last act.
/// assert_eq!(reaction(&contacts, acted("2026-11-05T00:00:00Z"), now), 3);
/// assert_eq!(reaction(&contacts, None, now), 2);
/// assert_eq!(reaction(&ContactRing::default(), None, now), 0);
/// # Ok::<(), jiff::Error>(())
/// ```
#[must_use]
pub fn reaction(contacts: &ContactRing, last_act: Option<EpochDay>, now: Timestamp) -> u8 {
    let answerable = || {
        contacts
            .contacts()
            .iter()
            .filter_map(|second| Timestamp::from_second(i64::from(*second)).ok())
            .filter(|sent| now.duration_since(*sent) >= TIME_TO_ANSWER)
    };
    if answerable().next().is_none() {
        return 0;
    }
    let ignored = answerable()
        .filter(|sent| last_act.is_none_or(|act| EpochDay::of(*sent) > act))
        .count();
    5 - u8::try_from(ignored.min(4)).unwrap_or(4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_more_ignored_message_never_raises_the_level(days in prop::collection::vec(0i64..89, 0..12), act in proptest::option::of(0u16..90), more in 2i64..89) {
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
            let ring = |days: &[i64]| ContactRing::from_parts(
                days.iter().map(|days| u32::try_from(ago(*days).as_second()).unwrap()).collect(), None);
            let act = act.map(|days| EpochDay::of(ago(i64::from(days))));
            let before = reaction(&ring(&days), act, now);
            let mut longer = days;
            longer.push(more);
            let after = reaction(&ring(&longer), act, now);
            prop_assert!(after <= before || before == 0);
            prop_assert!(after >= 1);
        }

        #[test]
        fn some_hour_is_always_good_once_something_was_learned(hours in prop::collection::vec(0u8..24, 0..=MOST_ACTS)) {
            let learned = GoodHours::learn(&hours);
            let best = (0..24).filter_map(|hour| learned.at(Timestamp::from_second(1_800_000_000 + 3_600 * hour).unwrap())).max();
            // Spread evenly over more than four stretches, no stretch holds a quarter.
            prop_assert!(best.is_none() || best == Some(10_000));
        }
    }
}
