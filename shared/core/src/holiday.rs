//! French public holidays (Code du travail, L3133-1), computed for any year by whole numbers: no table to renew.

use jiff::civil::Date;

use crate::time::TimeZoneName;

/// A day of the eleven, or of the two that hold in Alsace and Moselle only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holiday {
    /// In all of France.
    National,
    /// Good Friday and 26 December: in Alsace and Moselle only.
    AlsaceMoselle,
}

/// Days from Easter Sunday.
const MONDAY: i32 = 1;
const GOOD_FRIDAY: i32 = -2;
const ASCENSION: i32 = 39;
const WHIT_MONDAY: i32 = 50;

/// Which holiday a day is, if it is one.
///
/// ```
/// use apropos_core::holiday::{Holiday, holiday};
/// use jiff::civil::date;
///
/// assert_eq!(holiday(date(2026, 7, 14)), Some(Holiday::National));
/// // Easter is on 5 April 2026, so its Monday on the 6th and Ascension on 14 May.
/// assert_eq!(holiday(date(2026, 4, 6)), Some(Holiday::National));
/// assert_eq!(holiday(date(2026, 5, 14)), Some(Holiday::National));
/// assert_eq!(holiday(date(2026, 4, 3)), Some(Holiday::AlsaceMoselle));
/// assert_eq!(holiday(date(2026, 4, 7)), None);
/// ```
#[must_use]
pub fn holiday(day: Date) -> Option<Holiday> {
    match (day.month(), day.day()) {
        (1 | 11, 1) | (5, 1 | 8) | (7, 14) | (8, 15) | (11, 11) | (12, 25) => return Some(Holiday::National),
        (12, 26) => return Some(Holiday::AlsaceMoselle),
        _ => {}
    }
    match day_of_year(day) - easter(i32::from(day.year())) {
        MONDAY | ASCENSION | WHIT_MONDAY => Some(Holiday::National),
        GOOD_FRIDAY => Some(Holiday::AlsaceMoselle),
        _ => None,
    }
}

/// Whether a day commemorates the abolition of slavery where people live by this zone: a holiday of the five overseas
/// departments, of Saint-Barthélemy and of Saint-Martin, each on its own day (Code du travail, L3422-2; décret n° 83-1003).
/// In Saint-Martin it is kept on 28 May since 2018; the articles still say otherwise. No other collectivity is known, nor
/// is any country but France.
///
/// ```
/// use apropos_core::holiday::commemorates_abolition;
/// use apropos_core::time::TimeZoneName;
/// use jiff::civil::date;
///
/// let martinique = TimeZoneName::new("America/Martinique")?;
/// assert!(commemorates_abolition(date(2026, 5, 22), &martinique));
/// assert!(!commemorates_abolition(date(2026, 5, 27), &martinique));
/// # Ok::<(), apropos_core::time::InvalidTime>(())
/// ```
#[must_use]
pub fn commemorates_abolition(day: Date, zone: &TimeZoneName) -> bool {
    abolition(zone) == Some((day.month(), day.day()))
}

/// Whether the eleven holidays are those of whoever lives by this zone: in mainland France and in the lands overseas of
/// [`commemorates_abolition`].
///
/// ```
/// use apropos_core::holiday::is_french;
/// use apropos_core::time::TimeZoneName;
///
/// assert!(is_french(&TimeZoneName::new("Europe/Paris")?) && is_french(&TimeZoneName::new("Indian/Reunion")?));
/// assert!(!is_french(&TimeZoneName::new("Europe/Brussels")?));
/// # Ok::<(), apropos_core::time::InvalidTime>(())
/// ```
#[must_use]
pub fn is_french(zone: &TimeZoneName) -> bool {
    zone.as_str() == "Europe/Paris" || abolition(zone).is_some()
}

/// The month and the day of the abolition.
fn abolition(zone: &TimeZoneName) -> Option<(i8, i8)> {
    match zone.as_str() {
        "Indian/Mayotte" => Some((4, 27)),
        "America/Martinique" => Some((5, 22)),
        "America/Guadeloupe" => Some((5, 27)),
        "America/Cayenne" => Some((6, 10)),
        "America/St_Barthelemy" => Some((10, 9)),
        "America/Marigot" => Some((5, 28)),
        "Indian/Reunion" => Some((12, 20)),
        _ => None,
    }
}

fn day_of_year(day: Date) -> i32 {
    i32::from(day.day_of_year())
}

/// Easter Sunday as a day of its year, by the anonymous Gregorian computus (Meeus, *Astronomical Algorithms*, 8).
fn easter(year: i32) -> i32 {
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let correction = (golden + 11 * epact + 22 * weekday) / 451;
    // Days after 21 March, the day of the computus's equinox, plus one.
    let after = epact + weekday - 7 * correction + 1;
    let leap = i32::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    31 + 28 + leap + 21 + after
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};

    use super::*;

    /// Easter Sundays as published (Institut de mécanique céleste).
    const EASTERS: [(i16, i8, i8); 12] = [
        (1999, 4, 4),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2018, 4, 1),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2027, 3, 28),
        (2028, 4, 16),
        (2030, 4, 21),
        (2038, 4, 25),
    ];

    #[test]
    fn easter_falls_where_it_was_published() {
        for (year, month, day) in EASTERS {
            let sunday = date(year, month, day);
            assert_eq!(easter(i32::from(year)), day_of_year(sunday), "{sunday}");
            assert_eq!(holiday(sunday.tomorrow().unwrap()), Some(Holiday::National), "{sunday}");
        }
    }

    #[test]
    fn each_land_overseas_commemorates_the_abolition_on_its_own_day() {
        for (zone, month, day) in [
            ("Indian/Mayotte", 4, 27),
            ("America/Martinique", 5, 22),
            ("America/Guadeloupe", 5, 27),
            ("America/Marigot", 5, 28),
            ("America/Cayenne", 6, 10),
            ("America/St_Barthelemy", 10, 9),
            ("Indian/Reunion", 12, 20),
        ] {
            let zone = TimeZoneName::new(zone).unwrap();
            let days = date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
            let found: Vec<Date> = days.filter(|day| commemorates_abolition(*day, &zone)).collect();
            assert_eq!(found, [date(2026, month, day)], "{}", zone.as_str());
        }
    }

    #[test]
    fn every_year_has_eleven_holidays_and_easter_is_a_sunday_of_spring() {
        for year in 1950..2150_i16 {
            let first = date(year, 1, 1);
            let sunday = first
                .checked_add(jiff::Span::new().days(i64::from(easter(i32::from(year)) - 1)))
                .unwrap();
            assert_eq!(sunday.weekday(), Weekday::Sunday, "{sunday}");
            assert!(sunday >= date(year, 3, 22) && sunday <= date(year, 4, 25), "{sunday}");
            let holidays = first
                .series(jiff::Span::new().days(1))
                .take_while(|day| day.year() == year)
                .filter(|day| holiday(*day) == Some(Holiday::National))
                .count();
            // Ascension fell on 1 May in 2008 and on 8 May in 1975 and 1986: one day, two reasons.
            assert!((10..=11).contains(&holidays), "{year}: {holidays}");
        }
    }
}
