//! The day of a purchase as compact records keep it: a month and a day in it, a byte each, which compare as they follow.

use crate::time::EpochDay;

/// A day from January 2020 to March 2041. Whatever was bought before or after counts as of the first or the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PurchaseDay {
    month: u8,
    day: u8,
}

impl PurchaseDay {
    /// The last there is: 31 March 2041.
    const LAST: Self = Self { month: 254, day: 31 };

    /// Of a day.
    ///
    /// ```
    /// use apropos_core::purchase_day::PurchaseDay;
    /// use apropos_core::time::EpochDay;
    ///
    /// let (bought, today) = (EpochDay::of("2026-11-30T12:00:00Z".parse()?), EpochDay::of("2026-12-25T08:00:00Z".parse()?));
    /// assert_eq!(PurchaseDay::of(bought).days_until(today), 25);
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn of(day: EpochDay) -> Self {
        let date = day.date();
        let months = (i32::from(date.year()) - 2020) * 12 + i32::from(date.month()) - 1;
        match u8::try_from(months) {
            Ok(month @ ..=254) => Self {
                month,
                day: date.day().unsigned_abs(),
            },
            Ok(_) => Self::LAST,
            Err(_) if months < 0 => Self { month: 0, day: 1 },
            Err(_) => Self::LAST,
        }
    }

    /// From the stored bytes, if the month has such a day.
    pub(crate) fn from_bytes([month, day]: [u8; 2]) -> Option<Self> {
        (month <= 254 && (1..=Self::last_of(month).day).contains(&day)).then_some(Self { month, day })
    }

    /// Of a purchase of which only the month is kept: its last day, so that nobody counts as needing the next one before they
    /// do.
    pub(crate) fn last_of(month: u8) -> Self {
        let month = month.min(254);
        let day = last_day(month).saturating_sub(first_day(month)) + 1;
        Self {
            month,
            day: u8::try_from(day).unwrap_or(31),
        }
    }

    pub(crate) const fn to_bytes(self) -> [u8; 2] {
        [self.month, self.day]
    }

    /// Months since January 2020, 0 to 254.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day in its month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Whole days from it to another day, 0 where that is no later.
    #[must_use]
    pub fn days_until(self, today: EpochDay) -> u32 {
        let day = first_day(self.month).saturating_add(u16::from(self.day.saturating_sub(1)));
        today.days_since(EpochDay(day)).into()
    }
}

/// Days since the last day of a month, by which what was bought in it fades: a month at a time.
pub(crate) fn days_since(month: u8, today: EpochDay) -> u32 {
    today.days_since(EpochDay(last_day(month))).into()
}

fn last_day(month: u8) -> u16 {
    LAST_DAYS.get(usize::from(month)).copied().unwrap_or(u16::MAX)
}

fn first_day(month: u8) -> u16 {
    let before = usize::from(month)
        .checked_sub(1)
        .and_then(|before| LAST_DAYS.get(before));
    before.map_or(FIRST_DAY, |last| last + 1)
}

/// 1 January 2020.
const FIRST_DAY: u16 = 18_262;

/// The last days of the months from January 2020 on.
const LAST_DAYS: [u16; 256] = last_days();

#[expect(clippy::indexing_slicing, reason = "the compiler counts them")]
const fn last_days() -> [u16; 256] {
    let mut days = [0; 256];
    let (mut day, mut month) = (FIRST_DAY - 1, 0);
    while month < days.len() {
        // Until 2041 every fourth year has a leap day.
        let is_leap = (month / 12).is_multiple_of(4);
        day += match month % 12 {
            1 if is_leap => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        days[month] = day;
        month += 1;
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other_as_their_bytes_do_and_are_counted_exactly() {
        let mut before = PurchaseDay::of(EpochDay(FIRST_DAY));
        assert_eq!(before.to_bytes(), [0, 1]);
        for day in FIRST_DAY + 1..=LAST_DAYS[254] {
            let bought = PurchaseDay::of(EpochDay(day));
            assert!(bought > before, "{day}");
            assert_eq!(bought.days_until(EpochDay(day + 9)), 9);
            assert_eq!(PurchaseDay::from_bytes(bought.to_bytes()), Some(bought));
            before = bought;
        }
        assert_eq!(before, PurchaseDay::LAST);
    }

    #[test]
    fn what_is_before_or_after_counts_as_of_the_first_or_the_last() {
        assert_eq!(PurchaseDay::of(EpochDay(0)).to_bytes(), [0, 1]);
        assert_eq!(PurchaseDay::of(EpochDay(u16::MAX)), PurchaseDay::LAST);
        assert_eq!(PurchaseDay::LAST.days_until(EpochDay(0)), 0);
    }

    #[test]
    fn a_month_alone_is_its_last_day() {
        // February 2024, a leap year's.
        assert_eq!(PurchaseDay::last_of(49).to_bytes(), [49, 29]);
        assert_eq!(PurchaseDay::last_of(255), PurchaseDay::LAST);
        for month in 0..=254 {
            let today = EpochDay(LAST_DAYS[usize::from(month)] + 40);
            assert_eq!(PurchaseDay::last_of(month).days_until(today), days_since(month, today));
        }
    }

    #[test]
    fn no_other_bytes_are_a_day() {
        assert_eq!(PurchaseDay::from_bytes([255, 1]), None);
        assert_eq!(PurchaseDay::from_bytes([3, 0]), None);
        // April has thirty days, and February 2026 had 28.
        assert_eq!(PurchaseDay::from_bytes([3, 31]), None);
        assert_eq!(PurchaseDay::from_bytes([73, 29]), None);
    }
}
