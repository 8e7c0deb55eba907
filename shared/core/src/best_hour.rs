//! The best hour: when somebody who was going to be written to now is better written to a little later, by their own
//! good hours and the clock of the place where they live.

use jiff::{SignedDuration, Timestamp};

use crate::habit::{GoodHours, STRETCH};
use crate::quiet::{QuietHours, quiet_until};
use crate::time::{LocalMinute, TimeZoneName, later, local};

/// The longest that a message waits for its best hour.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// More steps than a day has stretches, ends of quiet hours and changes of the clock together.
const MOST_STEPS: usize = 32;

/// The first instant from `now` on, and at most [`LONGEST_WAIT`] later, that is in a good stretch of the person's own day
/// and in nobody's quiet hours; nothing where there is none, or no good hour is known.
///
/// ```
/// use apropos_core::best_hour::first_good;
/// use apropos_core::habit::GoodHours;
/// use apropos_core::quiet::QuietHours;
/// use apropos_core::time::TimeZoneName;
///
/// let paris = TimeZoneName::new("Europe/Paris")?;
/// let evenings = GoodHours::learn(&[18, 19, 20], 4);
/// let night = [QuietHours::BRAND_DEFAULT];
/// let from = |text: &str| first_good(evenings, &night, text.parse().unwrap(), &paris).map(|at| at.to_string());
/// assert_eq!(from("2026-12-01T09:00:00Z").as_deref(), Some("2026-12-01T17:00:00Z"));
/// assert_eq!(from("2026-12-01T18:30:00Z").as_deref(), Some("2026-12-01T18:30:00Z"));
/// // Saturday night: tomorrow is a quiet Sunday, and Monday evening is too far.
/// assert_eq!(from("2026-12-05T20:30:00Z"), None);
/// # Ok::<(), apropos_core::time::InvalidTime>(())
/// ```
#[must_use]
pub fn first_good(hours: GoodHours, policies: &[QuietHours], now: Timestamp, zone: &TimeZoneName) -> Option<Timestamp> {
    if !hours.is_known() {
        return None;
    }
    let last = later(now, LONGEST_WAIT);
    let mut at = now;
    for _ in 0..MOST_STEPS {
        at = match quiet_until(policies, at, zone).ok()? {
            Some(open) => open,
            None if hours.hold(local(at, zone)) => return Some(at),
            None => next_stretch(at, zone),
        };
        if at > last {
            return None;
        }
    }
    None
}

/// The first instant after `at` at which another stretch of the day can begin: a whole stretch of the clock, or a change
/// of the clock.
fn next_stretch(at: Timestamp, zone: &TimeZoneName) -> Timestamp {
    let reading = local(at, zone);
    let length = u16::from(STRETCH) * 60;
    let minute = LocalMinute::of(reading).minute_of_day();
    let ahead = length - minute % length;
    let into_minute = SignedDuration::new(i64::from(reading.second()), reading.subsec_nanosecond());
    let by_clock = later(at, SignedDuration::from_mins(i64::from(ahead)) - into_minute);
    zone.next_transition(at)
        .map_or(by_clock, |transition| transition.min(by_clock))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::habit::MOST_ACTS;
    use crate::quiet::{HolidaysOff, QuietWindow, Weekdays};

    /// Instants around the changes of clocks of several zones, half-hour and three-quarter-hour ones among them.
    fn moments() -> impl Strategy<Value = (TimeZoneName, Timestamp)> {
        let changes = vec![
            ("Europe/Paris", "2026-03-29T01:00:00Z"),
            ("Europe/Paris", "2026-10-25T01:00:00Z"),
            ("America/Miquelon", "2026-03-08T05:00:00Z"),
            ("America/Miquelon", "2026-11-01T04:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Pacific/Chatham", "2026-09-26T14:00:00Z"),
            ("Indian/Reunion", "2026-12-20T00:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
        ];
        (prop::sample::select(changes), -2_880i64..2_880, 0i64..60).prop_map(|((zone, change), minutes, seconds)| {
            let change: Timestamp = change.parse().unwrap();
            let at = change + SignedDuration::from_secs(minutes * 60 + seconds);
            (TimeZoneName::new(zone).unwrap(), at)
        })
    }

    fn policy() -> impl Strategy<Value = QuietHours> {
        let holidays = [HolidaysOff::None, HolidaysOff::National, HolidaysOff::AlsaceMoselle];
        (0u8..24, 1u8..20, any::<u8>(), prop::sample::select(holidays.to_vec())).prop_filter_map(
            "quiet for ever",
            |(from, length, days, holidays)| {
                let minute = |hour| LocalMinute::new(hour % 24, 0).unwrap();
                let window = QuietWindow::new(minute(from), minute(from + length)).ok();
                QuietHours::new(window, Weekdays::from_bits(days), holidays).ok()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_best_hour_is_good_is_never_quiet_and_never_more_than_a_day_away(
            (zone, now) in moments(),
            hours in prop::collection::vec(0u8..24, 0..=MOST_ACTS),
            policies in prop::collection::vec(policy(), 0..3),
        ) {
            let learned = GoodHours::learn(&hours, zone.quarters_ahead(now));
            let Some(at) = first_good(learned, &policies, now, &zone) else { return Ok(()) };
            prop_assert!(now <= at && at.duration_since(now) <= LONGEST_WAIT);
            prop_assert_eq!(quiet_until(&policies, at, &zone), Ok(None));
            prop_assert!(learned.hold(local(at, &zone)));
        }

        #[test]
        fn no_earlier_minute_is_as_good(
            (zone, now) in moments(),
            hours in prop::collection::vec(0u8..24, 3..=MOST_ACTS),
            policies in prop::collection::vec(policy(), 0..2),
        ) {
            let learned = GoodHours::learn(&hours, zone.quarters_ahead(now));
            let found = first_good(learned, &policies, now, &zone);
            let until = found.unwrap_or(now + LONGEST_WAIT);
            let mut at = now;
            while at < until {
                let good = learned.hold(local(at, &zone)) && quiet_until(&policies, at, &zone) == Ok(None);
                prop_assert!(!good, "{at} before {found:?}");
                at += SignedDuration::from_mins(5);
            }
        }
    }
}
