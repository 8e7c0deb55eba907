//! What somebody's own acts say of when and whether they like to be written to. Clicks, visits and purchases are acts; an
//! open never is.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::cap::ContactRing;
use crate::consent::{Consents, DataPurpose};
use crate::time::{EpochDay, TimeZoneName};

/// The eight stretches of three hours of somebody's own day that they are active in, as bits; none known is 0.
///
/// The clock is the person's own, so daylight saving shifts nothing. The record that scoring reads has no zone: it keeps
/// how far that clock was ahead of UTC when the record was derived. From a change of the clocks until the record is
/// written again, scoring is an hour off; sending derives it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoodHours {
    stretches: u8,
    quarters_ahead: i8,
}

/// With fewer acts than this, nothing is learned.
pub const LEAST_ACTS: usize = 3;

/// The most hours that are kept.
pub const MOST_ACTS: usize = 24;

/// Hours in a stretch.
pub(crate) const STRETCH: u8 = 3;

impl GoodHours {
    /// Learns from the hours, 0 to 23 of the person's own clock, of recent clicks and purchases: a stretch that holds a
    /// quarter of them is good. `quarters_ahead` is how far that clock is ahead of UTC now, in quarters of an hour.
    ///
    /// ```
    /// use apropos_core::habit::GoodHours;
    ///
    /// // Paris in winter: an hour ahead.
    /// let evenings = GoodHours::learn(&[19, 20, 20, 20, 8], 4);
    /// assert!(evenings.hold_at("2026-12-01T18:30:00Z".parse()?));
    /// assert!(!evenings.hold_at("2026-12-01T20:30:00Z".parse()?));
    /// // Two acts teach nothing.
    /// assert!(!GoodHours::learn(&[19, 20], 4).hold_at("2026-12-01T18:30:00Z".parse()?));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn learn(hours: &[u8], quarters_ahead: i8) -> Self {
        if hours.len() < LEAST_ACTS {
            return Self::default();
        }
        let good = (0u8..8).filter(|stretch| {
            let held = hours.iter().filter(|hour| **hour % 24 / STRETCH == *stretch).count();
            held * 4 >= hours.len()
        });
        let stretches = good.fold(0, |bits, stretch| bits | (1 << stretch));
        let [ahead] = quarters_ahead.to_be_bytes();
        Self::from_bytes([stretches, ahead])
    }

    /// Whether anything was learned.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.stretches != 0
    }

    /// Whether an instant is in a good stretch; where nothing was learned, none is.
    #[must_use]
    pub fn hold_at(self, now: Timestamp) -> bool {
        self.stretches & (1 << stretch_at(self.quarters_ahead, now)) != 0
    }

    /// Whether a reading of the person's own clock is in a good stretch.
    #[must_use]
    pub(crate) fn hold(self, reading: DateTime) -> bool {
        let stretch = reading.hour().unsigned_abs() / STRETCH;
        self.stretches & (1 << stretch) != 0
    }

    /// The two stored bytes: the stretches, and the quarters of an hour ahead of UTC.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        let [ahead] = self.quarters_ahead.to_be_bytes();
        [self.stretches, ahead]
    }

    /// From the stored bytes. Where nothing was learned, no clock is kept.
    #[must_use]
    pub const fn from_bytes([stretches, ahead]: [u8; 2]) -> Self {
        let quarters_ahead = if stretches == 0 { 0 } else { i8::from_be_bytes([ahead]) };
        Self {
            stretches,
            quarters_ahead,
        }
    }
}

/// Which stretch of the day it is on a clock that is so many quarters of an hour ahead of UTC.
pub(crate) fn stretch_at(quarters_ahead: i8, now: Timestamp) -> u32 {
    let there = now.as_second() + i64::from(quarters_ahead) * 900;
    let hour = there.div_euclid(3_600).rem_euclid(24);
    u32::try_from(hour / i64::from(STRETCH)).unwrap_or(0)
}

/// What may become of somebody's clicks on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicks {
    /// Nobody hears of them.
    Unseen,
    /// Their hours are learned.
    Learned,
}

impl Clicks {
    /// Clicks are learned from where somebody agreed that they are measured, and that what they tell is used to choose.
    #[must_use]
    pub fn of(consents: &Consents, now: Timestamp) -> Self {
        let agreed = [DataPurpose::Measurement, DataPurpose::Profiling]
            .into_iter()
            .all(|purpose| consents.allows(purpose, now));
        if agreed { Self::Learned } else { Self::Unseen }
    }
}

/// From when on after it left a click on a message counts as a person's. Scanners follow the links of a message as it
/// arrives; hardly anybody reads that fast, and who does is only not learned from.
const READ_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The hour of somebody's own clock that a click on a message tells, unless it came as fast as a scanner's.
///
/// ```
/// use apropos_core::habit::hour_of_click;
/// use apropos_core::time::TimeZoneName;
///
/// let paris = TimeZoneName::new("Europe/Paris")?;
/// let sent = "2026-07-01T17:00:00Z".parse().unwrap();
/// assert_eq!(hour_of_click(sent, "2026-07-01T18:20:00Z".parse().unwrap(), &paris), Some(20));
/// assert_eq!(hour_of_click(sent, "2026-07-01T17:00:29Z".parse().unwrap(), &paris), None);
/// # Ok::<(), apropos_core::time::InvalidTime>(())
/// ```
#[must_use]
pub fn hour_of_click(sent: Timestamp, clicked: Timestamp, zone: &TimeZoneName) -> Option<u8> {
    (clicked.duration_since(sent) >= READ_AFTER).then(|| hour(clicked, zone))
}

/// The hour that somebody's own clock shows, 0 to 23.
#[must_use]
pub fn hour(at: Timestamp, zone: &TimeZoneName) -> u8 {
    crate::time::local(at, zone).hour().unsigned_abs()
}

/// Adds an hour to those kept, oldest first: the latest [`MOST_ACTS`] stay.
pub fn keep_hour(hours: &mut Vec<u8>, hour: u8) {
    hours.push(hour);
    let excess = hours.len().saturating_sub(MOST_ACTS);
    hours.drain(..excess);
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

/// The appetite for one more message at a [`reaction`] level, in basis points; none where the level is 0, which is unknown.
///
/// ```
/// use apropos_core::habit::appetite_bp;
///
/// // Acted since the last message; ignored one, two, three, four or more.
/// assert_eq!([5, 4, 3, 2, 1].map(appetite_bp), [10_000, 8_000, 6_000, 4_000, 2_000].map(Some));
/// assert_eq!(appetite_bp(0), None);
/// ```
#[must_use]
pub fn appetite_bp(level: u8) -> Option<u32> {
    (level > 0).then(|| u32::from(level.min(5)) * 2_000)
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
        fn some_hour_is_always_good_once_something_was_learned(
            hours in prop::collection::vec(0u8..24, 0..=MOST_ACTS),
            quarters in -48i8..=56,
        ) {
            let learned = GoodHours::learn(&hours, quarters);
            let hour = |hour: i64| Timestamp::from_second(1_800_000_000 + 3_600 * hour).unwrap();
            // Spread evenly over more than four stretches, no stretch holds a quarter.
            prop_assert_eq!((0..24).any(|after| learned.hold_at(hour(after))), learned.is_known());
            prop_assert_eq!(GoodHours::from_bytes(learned.to_bytes()), learned);
        }

        #[test]
        fn daylight_saving_shifts_nobodys_good_hours(
            hours in prop::collection::vec(0u8..24, LEAST_ACTS..=MOST_ACTS),
            zone in prop::sample::select(vec!["Europe/Paris", "America/Miquelon", "Indian/Reunion", "Pacific/Chatham", "Asia/Kathmandu"]),
            minute in 0i64..525_600,
        ) {
            let zone = TimeZoneName::new(zone).unwrap();
            let at = Timestamp::from_second(1_767_225_600 + minute * 60).unwrap();
            let learned = GoodHours::learn(&hours, zone.quarters_ahead(at));
            let is_good = learned.hold(crate::time::local(at, &zone));
            prop_assert_eq!(learned.hold_at(at), is_good);
            // The same reading of the clock on another day of the year is judged alike.
            let reading = crate::time::local(at, &zone);
            for days in [60, 120, 180, 240] {
                let then = at + SignedDuration::from_hours(24 * days);
                let moved = i64::from(zone.quarters_ahead(at) - zone.quarters_ahead(then)) * 15;
                let then = then + SignedDuration::from_mins(moved);
                if crate::time::local(then, &zone).time() == reading.time() {
                    let learned = GoodHours::learn(&hours, zone.quarters_ahead(then));
                    prop_assert_eq!(learned.hold_at(then), is_good);
                }
            }
        }

        #[test]
        fn the_latest_hours_are_kept(hours in prop::collection::vec(0u8..24, 0..60)) {
            let mut kept = Vec::new();
            for hour in &hours {
                keep_hour(&mut kept, *hour);
            }
            let latest = hours.iter().rev().take(MOST_ACTS).rev().copied().collect::<Vec<_>>();
            prop_assert_eq!(kept, latest);
        }
    }
}
