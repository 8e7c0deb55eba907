//! Hours in which nobody is written to, by the wall clock of the place where they live (invariant I10).
//!
//! Quiet is a property of an instant: the wall clock at that instant is inside the window, or its weekday is off. So in
//! a fold both 02:30s are judged alike, and a window that ends inside a gap ends with the gap.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::holiday::{Holiday, commemorates_abolition, holiday};
use crate::time::{LocalMinute, MINUTES_A_DAY, TimeZoneName, later, local};

/// Why quiet hours were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidQuietHours {
    /// A window of no length, or of a whole day: the two look the same.
    #[error("must not begin and end at the same time")]
    EmptyWindow,
    /// Every weekday is off.
    #[error("must leave at least one day of the week")]
    NoDayLeft,
    /// Neither a window nor a day off.
    #[error("must hold a window or a day off")]
    Nothing,
}

/// A part of each day, from a minute until another; past midnight when it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietWindow {
    from: LocalMinute,
    until: LocalMinute,
}

impl QuietWindow {
    /// The minute `from` is quiet, the minute `until` no longer is.
    ///
    /// # Errors
    /// [`InvalidQuietHours::EmptyWindow`] when the two are the same minute.
    pub fn new(from: LocalMinute, until: LocalMinute) -> Result<Self, InvalidQuietHours> {
        if from == until {
            return Err(InvalidQuietHours::EmptyWindow);
        }
        Ok(Self { from, until })
    }

    /// The first quiet minute.
    #[must_use]
    pub const fn from(self) -> LocalMinute {
        self.from
    }

    /// The first minute that is not quiet any more.
    #[must_use]
    pub const fn until(self) -> LocalMinute {
        self.until
    }

    fn holds(self, minute: LocalMinute) -> bool {
        if self.from < self.until {
            self.from <= minute && minute < self.until
        } else {
            self.from <= minute || minute < self.until
        }
    }
}

/// A set of days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weekdays(u8);

impl Weekdays {
    /// No day.
    pub const NONE: Self = Self(0);
    /// Sundays.
    pub const SUNDAY: Self = Self(1 << 6);
    const ALL: u8 = (1 << 7) - 1;

    /// This set and one more day.
    #[must_use]
    pub fn with(self, day: Weekday) -> Self {
        Self(self.0 | Self::bit(day))
    }

    /// Whether the day is in the set.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// As stored: Monday is the lowest bit, Sunday the seventh.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From the stored form; bits that are no day are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL)
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset().unsigned_abs()
    }
}

/// Which public holidays are quiet from midnight to midnight, wherever a person lives: they are those of France. The day
/// on which an overseas department commemorates the abolition of slavery is told by its time zone; Alsace and Moselle live
/// by the zone of Paris, so they are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum HolidaysOff {
    /// None: they are as any such weekday.
    #[default]
    None,
    /// The eleven of all France, and that of the person's overseas department.
    National,
    /// Good Friday and 26 December as well.
    AlsaceMoselle,
}

impl HolidaysOff {
    fn hold(self, day: Date, zone: &TimeZoneName) -> bool {
        match (self, holiday(day)) {
            (Self::None, _) => false,
            (Self::National | Self::AlsaceMoselle, Some(Holiday::National))
            | (Self::AlsaceMoselle, Some(Holiday::AlsaceMoselle)) => true,
            (Self::National, Some(Holiday::AlsaceMoselle)) | (Self::National | Self::AlsaceMoselle, None) => {
                commemorates_abolition(day, zone)
            }
        }
    }
}

/// One policy: a window each day, whole days off, or both. Always open at some minute of every week without a holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    window: Option<QuietWindow>,
    days_off: Weekdays,
    holidays: HolidaysOff,
}

/// Whether a policy is quiet at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// Nothing may leave.
    Now {
        /// The first instant that is not quiet any more under this policy.
        until: Timestamp,
    },
    /// The policy has nothing against it.
    Open,
}

/// Several policies that together leave no instant of the week: nothing can ever be sent under them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("quiet hours leave no open time together")]
pub struct NeverOpen;

/// More steps than a week has changes of wall clock, window and day together, twice over.
const MOST_STEPS: usize = 64;

/// Three weeks: what one week leaves open only in a skipped hour or day, the next week leaves open for real.
const SEARCHED: SignedDuration = SignedDuration::from_hours(22 * 24);

impl QuietHours {
    /// What a brand gets unless it chooses: 21:00 to 08:00, and Sundays.
    pub const BRAND_DEFAULT: Self = Self {
        window: Some(QuietWindow {
            from: LocalMinute::wrapping(21, 0),
            until: LocalMinute::wrapping(8, 0),
        }),
        days_off: Weekdays::SUNDAY,
        holidays: HolidaysOff::None,
    };

    /// A policy with a window, days off, holidays, or several of them.
    ///
    /// # Errors
    /// [`InvalidQuietHours::NoDayLeft`] when it would always be quiet, [`InvalidQuietHours::Nothing`] when never.
    pub fn new(
        window: Option<QuietWindow>,
        days_off: Weekdays,
        holidays: HolidaysOff,
    ) -> Result<Self, InvalidQuietHours> {
        if days_off.0 == Weekdays::ALL {
            return Err(InvalidQuietHours::NoDayLeft);
        }
        if window.is_none() && days_off == Weekdays::NONE && holidays == HolidaysOff::None {
            return Err(InvalidQuietHours::Nothing);
        }
        Ok(Self {
            window,
            days_off,
            holidays,
        })
    }

    /// The part of each day that is quiet, if any.
    #[must_use]
    pub const fn window(self) -> Option<QuietWindow> {
        self.window
    }

    /// The days that are quiet from midnight to midnight.
    #[must_use]
    pub const fn days_off(self) -> Weekdays {
        self.days_off
    }

    /// The holidays that are quiet from midnight to midnight.
    #[must_use]
    pub const fn holidays(self) -> HolidaysOff {
        self.holidays
    }

    /// Whether nothing may leave at `at`, for someone who lives by `zone`, and until when.
    #[must_use]
    pub fn status(self, at: Timestamp, zone: &TimeZoneName) -> Quiet {
        if !self.holds(local(at, zone), zone) {
            return Quiet::Open;
        }
        let mut until = at;
        for _ in 0..MOST_STEPS {
            until = self.next_change(until, zone);
            if !self.holds(local(until, zone), zone) {
                break;
            }
        }
        Quiet::Now { until }
    }

    fn holds(self, reading: DateTime, zone: &TimeZoneName) -> bool {
        self.days_off.contains(reading.weekday())
            || self.holidays.hold(reading.date(), zone)
            || self.window.is_some_and(|window| window.holds(LocalMinute::of(reading)))
    }

    /// The first instant after `at` at which quiet can end: midnight, the window's end, or a change of the zone's
    /// offset, whichever comes first. Between two of these the wall clock runs evenly, so no reading is ever turned
    /// back into an instant, which in a gap or a fold would need a choice.
    fn next_change(self, at: Timestamp, zone: &TimeZoneName) -> Timestamp {
        let reading = local(at, zone);
        let minute = LocalMinute::of(reading);
        let to_midnight = MINUTES_A_DAY - minute.minute_of_day();
        let ahead = self.window.map_or(to_midnight, |window| {
            to_midnight.min(window.until.minutes_after(minute))
        });
        let into_minute = SignedDuration::new(i64::from(reading.second()), reading.subsec_nanosecond());
        let by_clock = later(at, SignedDuration::from_mins(i64::from(ahead)) - into_minute);
        zone.next_transition(at)
            .map_or(by_clock, |transition| transition.min(by_clock))
    }
}

/// The first instant from `at` on at which no policy is quiet, or `None` when that is `at` itself. The strictest of the
/// brand and the customer wins, at every instant.
///
/// # Errors
/// [`NeverOpen`] when the policies leave nothing open together, such as a brand's nights with a customer's days.
pub fn quiet_until(
    policies: &[QuietHours],
    at: Timestamp,
    zone: &TimeZoneName,
) -> Result<Option<Timestamp>, NeverOpen> {
    let end_of_search = later(at, SEARCHED);
    let mut open = at;
    while let Some(until) = latest_end(policies, open, zone) {
        if until <= open || until > end_of_search {
            return Err(NeverOpen);
        }
        open = until;
    }
    Ok((open > at).then_some(open))
}

fn latest_end(policies: &[QuietHours], at: Timestamp, zone: &TimeZoneName) -> Option<Timestamp> {
    policies
        .iter()
        .filter_map(|policy| match policy.status(at, zone) {
            Quiet::Now { until } => Some(until),
            Quiet::Open => None,
        })
        .max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZoneName {
        TimeZoneName::new(name).unwrap()
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn nightly(from: &str, until: &str) -> QuietHours {
        let window = QuietWindow::new(from.parse().unwrap(), until.parse().unwrap()).unwrap();
        QuietHours::new(Some(window), Weekdays::NONE, HolidaysOff::None).unwrap()
    }

    fn until(policy: QuietHours, at: &str, name: &str) -> Option<String> {
        match policy.status(instant(at), &zone(name)) {
            Quiet::Now { until } => Some(until.to_string()),
            Quiet::Open => None,
        }
    }

    #[test]
    fn a_late_evening_waits_for_the_morning() {
        // Tuesday 21:00 to Wednesday 08:00 in Paris, winter.
        let policy = QuietHours::BRAND_DEFAULT;
        assert_eq!(until(policy, "2026-01-13T19:59:59.999Z", "Europe/Paris"), None);
        assert_eq!(
            until(policy, "2026-01-13T20:00:00Z", "Europe/Paris").unwrap(),
            "2026-01-14T07:00:00Z"
        );
        assert_eq!(
            until(policy, "2026-01-14T06:59:59.999999999Z", "Europe/Paris").unwrap(),
            "2026-01-14T07:00:00Z"
        );
        assert_eq!(until(policy, "2026-01-14T07:00:00Z", "Europe/Paris"), None);
    }

    #[test]
    fn saturday_evening_waits_for_monday_morning() {
        let monday = "2026-01-19T07:00:00Z";
        assert_eq!(
            until(QuietHours::BRAND_DEFAULT, "2026-01-17T20:30:00Z", "Europe/Paris").unwrap(),
            monday
        );
        assert_eq!(
            until(QuietHours::BRAND_DEFAULT, "2026-01-18T12:00:00Z", "Europe/Paris").unwrap(),
            monday
        );
    }

    #[test]
    fn the_same_instant_is_night_in_one_place_and_day_in_another() {
        let policy = QuietHours::BRAND_DEFAULT;
        assert_eq!(
            until(policy, "2026-01-14T06:00:00Z", "Europe/Paris").unwrap(),
            "2026-01-14T07:00:00Z"
        );
        assert_eq!(until(policy, "2026-01-14T06:00:00Z", "Indian/Reunion"), None);
    }

    #[test]
    fn a_window_that_ends_inside_a_gap_ends_with_the_gap() {
        // Paris skips 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
        let policy = nightly("23:00", "02:30");
        assert_eq!(
            until(policy, "2026-03-29T00:30:00Z", "Europe/Paris").unwrap(),
            "2026-03-29T01:00:00Z"
        );
        assert_eq!(until(policy, "2026-03-29T01:00:00Z", "Europe/Paris"), None);
    }

    #[test]
    fn a_window_inside_a_gap_does_not_exist_that_night() {
        let policy = nightly("02:10", "02:50");
        assert_eq!(until(policy, "2026-03-29T01:00:00Z", "Europe/Paris"), None);
        assert_eq!(until(policy, "2026-03-29T00:59:59.999Z", "Europe/Paris"), None);
    }

    #[test]
    fn both_half_past_twos_of_a_fold_are_judged_by_the_wall_clock() {
        // Paris shows 02:00 to 03:00 twice on 2026-10-25, from 00:00 and from 01:00 UTC.
        let policy = nightly("02:15", "02:45");
        for (at, end) in [
            ("2026-10-25T00:30:00Z", "2026-10-25T00:45:00Z"),
            ("2026-10-25T01:30:00Z", "2026-10-25T01:45:00Z"),
        ] {
            assert_eq!(until(policy, at, "Europe/Paris").unwrap(), end);
        }
        assert_eq!(until(policy, "2026-10-25T00:50:00Z", "Europe/Paris"), None);
        // Ends at 02:30, is open until the clock falls back, then quiet again until the second 02:30.
        let policy = nightly("23:00", "02:30");
        assert_eq!(
            until(policy, "2026-10-25T00:10:00Z", "Europe/Paris").unwrap(),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            until(policy, "2026-10-25T01:10:00Z", "Europe/Paris").unwrap(),
            "2026-10-25T01:30:00Z"
        );
    }

    #[test]
    fn a_window_across_a_fold_holds_through_it() {
        let policy = nightly("23:00", "06:00");
        assert_eq!(
            until(policy, "2026-10-24T21:30:00Z", "Europe/Paris").unwrap(),
            "2026-10-25T05:00:00Z"
        );
    }

    #[test]
    fn a_day_that_a_country_skipped_is_never_waited_for() {
        // Samoa went from Thursday 29 to Saturday 31 December 2011.
        let fridays = QuietHours::new(None, Weekdays::NONE.with(Weekday::Friday), HolidaysOff::None).unwrap();
        assert_eq!(until(fridays, "2011-12-30T09:59:59Z", "Pacific/Apia"), None);
        assert_eq!(until(fridays, "2011-12-30T10:00:00Z", "Pacific/Apia"), None);
        let night = nightly("21:00", "08:00");
        assert_eq!(
            until(night, "2011-12-30T08:00:00Z", "Pacific/Apia").unwrap(),
            "2011-12-30T18:00:00Z"
        );
    }

    #[test]
    fn the_strictest_policy_wins() {
        let paris = zone("Europe/Paris");
        let brand = nightly("21:00", "08:00");
        let customer = nightly("07:00", "18:00");
        let at = instant("2026-01-13T20:30:00Z");
        assert_eq!(
            quiet_until(&[brand, customer], at, &paris),
            Ok(Some(instant("2026-01-14T17:00:00Z")))
        );
        assert_eq!(
            quiet_until(&[customer, brand], at, &paris),
            Ok(Some(instant("2026-01-14T17:00:00Z")))
        );
        assert_eq!(quiet_until(&[], at, &paris), Ok(None));
        assert_eq!(
            quiet_until(&[brand, customer], instant("2026-01-14T17:00:00Z"), &paris),
            Ok(None)
        );
    }

    #[test]
    fn policies_that_leave_nothing_together_say_so() {
        let paris = zone("Europe/Paris");
        let policies = [nightly("21:00", "08:00"), nightly("08:00", "21:00")];
        assert_eq!(
            quiet_until(&policies, instant("2026-01-13T20:30:00Z"), &paris),
            Err(NeverOpen)
        );
        assert_eq!(quiet_until(&policies, Timestamp::MAX, &paris), Err(NeverOpen));
    }

    #[test]
    fn one_open_minute_a_week_is_found_even_when_a_gap_swallows_it_once() {
        // Open on Sundays at 02:30 only, a minute that 2026-03-29 does not have in Paris.
        let weekdays = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
        ];
        let days_off = weekdays.into_iter().fold(Weekdays::NONE, Weekdays::with);
        let window = QuietWindow::new("02:31".parse().unwrap(), "02:30".parse().unwrap()).unwrap();
        let policy = QuietHours::new(Some(window), days_off, HolidaysOff::None).unwrap();
        assert_eq!(
            quiet_until(&[policy], instant("2026-03-22T12:00:00Z"), &zone("Europe/Paris")),
            Ok(Some(instant("2026-04-05T00:30:00Z")))
        );
    }

    #[test]
    fn holidays_are_quiet_as_a_whole_where_they_are_holidays() {
        let all = |holidays| QuietHours::new(None, Weekdays::NONE, holidays).unwrap();
        let (national, alsace) = (all(HolidaysOff::National), all(HolidaysOff::AlsaceMoselle));
        // Friday 25 December 2026 in Paris.
        assert_eq!(until(national, "2026-12-24T22:59:59Z", "Europe/Paris"), None);
        let christmas = "2026-12-25T10:00:00Z";
        assert_eq!(
            until(national, christmas, "Europe/Paris").unwrap(),
            "2026-12-25T23:00:00Z"
        );
        assert_eq!(
            until(alsace, christmas, "Europe/Paris").unwrap(),
            "2026-12-26T23:00:00Z"
        );
        // Together with Sundays, the next open day is Monday.
        let sundays = QuietHours::new(None, Weekdays::SUNDAY, HolidaysOff::AlsaceMoselle).unwrap();
        assert_eq!(
            until(sundays, christmas, "Europe/Paris").unwrap(),
            "2026-12-27T23:00:00Z"
        );
        // The abolition of slavery, in Réunion and in Martinique.
        let abolition = "2026-12-20T10:00:00Z";
        assert_eq!(
            until(national, abolition, "Indian/Reunion").unwrap(),
            "2026-12-20T20:00:00Z"
        );
        assert_eq!(until(national, abolition, "America/Martinique"), None);
    }

    #[test]
    fn a_policy_that_is_always_or_never_quiet_is_refused() {
        let eight = "08:00".parse().unwrap();
        assert_eq!(QuietWindow::new(eight, eight), Err(InvalidQuietHours::EmptyWindow));
        assert_eq!(
            QuietHours::new(None, Weekdays::from_bits(0xff), HolidaysOff::None),
            Err(InvalidQuietHours::NoDayLeft)
        );
        assert_eq!(
            QuietHours::new(None, Weekdays::NONE, HolidaysOff::None),
            Err(InvalidQuietHours::Nothing)
        );
    }

    #[test]
    fn the_default_is_nights_and_sundays() {
        let night = QuietWindow::new("21:00".parse().unwrap(), "08:00".parse().unwrap()).unwrap();
        let sunday = Weekdays::NONE.with(Weekday::Sunday);
        assert_eq!(
            QuietHours::new(Some(night), sunday, HolidaysOff::None),
            Ok(QuietHours::BRAND_DEFAULT)
        );
    }

    const ZONES: [&str; 8] = [
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Indian/Reunion",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "America/Santiago",
    ];

    fn any_zone() -> impl Strategy<Value = TimeZoneName> {
        prop::sample::select(&ZONES[..]).prop_map(zone)
    }

    /// Half of them within two days of a change of offset, where mistakes live.
    fn any_instant() -> impl Strategy<Value = (TimeZoneName, Timestamp)> {
        let span = instant("2000-01-01T00:00:00Z").as_millisecond()..instant("2045-01-01T00:00:00Z").as_millisecond();
        (any_zone(), span, any::<bool>(), -172_800_000..172_800_000_i64).prop_map(|(zone, at, near, offset)| {
            let at = Timestamp::from_millisecond(at).unwrap();
            let at = zone
                .next_transition(at)
                .filter(|_| near)
                .map_or(at, |transition| later(transition, SignedDuration::from_millis(offset)));
            (zone, at)
        })
    }

    fn any_policy() -> impl Strategy<Value = QuietHours> {
        let holidays = [HolidaysOff::None, HolidaysOff::National, HolidaysOff::AlsaceMoselle];
        let holidays = prop::sample::select(holidays.to_vec());
        (
            0..24_u8,
            0..60_u8,
            0..24_u8,
            0..60_u8,
            any::<bool>(),
            0..128_u8,
            holidays,
        )
            .prop_filter_map(
                "a policy that may be built",
                |(from_hour, from_minute, until_hour, until_minute, daily, days, holidays)| {
                    let from = LocalMinute::new(from_hour, from_minute).unwrap();
                    let until = LocalMinute::new(until_hour, until_minute).unwrap();
                    let window = if daily {
                        Some(QuietWindow::new(from, until).ok()?)
                    } else {
                        None
                    };
                    QuietHours::new(window, Weekdays::from_bits(days), holidays).ok()
                },
            )
    }

    fn quiet_at(policies: &[QuietHours], at: Timestamp, zone: &TimeZoneName) -> bool {
        policies.iter().any(|policy| policy.holds(local(at, zone), zone))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_returned_instant_is_open_and_the_moment_before_is_not(
            (zone, at) in any_instant(),
            policies in prop::collection::vec(any_policy(), 1..4),
        ) {
            match quiet_until(&policies, at, &zone) {
                Ok(None) => prop_assert!(!quiet_at(&policies, at, &zone)),
                Ok(Some(open)) => {
                    prop_assert!(open > at);
                    prop_assert!(!quiet_at(&policies, open, &zone));
                    prop_assert!(quiet_at(&policies, at, &zone));
                    prop_assert!(quiet_at(&policies, later(open, SignedDuration::from_nanos(-1)), &zone));
                }
                Err(NeverOpen) => {
                    for minute in 0..7 * 1_440 {
                        let at = later(at, SignedDuration::from_mins(minute));
                        prop_assert!(quiet_at(&policies, at, &zone));
                    }
                }
            }
        }

        #[test]
        fn quiet_lasts_from_now_until_its_end((zone, at) in any_instant(), policy in any_policy(), part in 0..1_000_i32) {
            if let Quiet::Now { until } = policy.status(at, &zone) {
                let between = later(at, until.duration_since(at) * part / 1_000);
                prop_assert!(policy.holds(local(between, &zone), &zone));
                prop_assert_eq!(policy.status(between, &zone), Quiet::Now { until });
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn the_first_open_minute_is_the_one_a_slow_search_finds(
            (zone, at) in any_instant(),
            policies in prop::collection::vec(any_policy(), 1..3),
        ) {
            // Every offset since 2000 is a whole number of minutes, so quiet changes on whole minutes only.
            let minute = at.as_second().div_euclid(60) * 60;
            let found = (0..3 * 1_440).map(|ahead| Timestamp::from_second(minute + 60 * ahead).unwrap()).find(|minute| {
                !quiet_at(&policies, *minute, &zone)
            });
            match (found, quiet_until(&policies, at, &zone)) {
                (Some(found), Ok(open)) => prop_assert_eq!(open.unwrap_or(at), found.max(at)),
                (None, Ok(open)) => {
                    prop_assert!(open.unwrap() >= Timestamp::from_second(minute + 60 * 3 * 1_440).unwrap());
                }
                (found, Err(NeverOpen)) => prop_assert_eq!(found, None),
            }
        }
    }
}
