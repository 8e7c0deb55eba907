//! In which months a kind of thing is wanted, in mainland France.

use crate::category::Category;
use crate::language::Language;

/// A set of months; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season(u16);

/// A list of months that is no season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be months from 1 to 12, at least one")]
pub struct InvalidSeason;

impl Season {
    /// From months, 1 to 12.
    ///
    /// # Errors
    /// [`InvalidSeason`] when there is none, or one out of range.
    pub fn of_months(months: &[u8]) -> Result<Self, InvalidSeason> {
        let mut bits = 0;
        for month in months {
            if !(1..=12).contains(month) {
                return Err(InvalidSeason);
            }
            bits |= 1 << (month - 1);
        }
        if bits == 0 { Err(InvalidSeason) } else { Ok(Self(bits)) }
    }

    /// The months from one to another, both included, over the end of the year if need be.
    const fn from_to(first: u16, last: u16) -> Self {
        let length = (last + 12 - first) % 12 + 1;
        Self(rotated((1 << length) - 1, first - 1))
    }

    /// How well a month fits, basis points: 10 000 in season, 6 000 in the month before or after, else 2 000.
    ///
    /// ```
    /// use apropos_core::category::Category;
    /// use apropos_core::season::Season;
    ///
    /// let mowing = Season::of_category(Category::from_slug("lawnmower")?).unwrap();
    /// assert_eq!([4, 2, 12].map(|month| mowing.fit(month)), [10_000, 6_000, 2_000]);
    /// # Ok::<(), apropos_core::category::UnknownCategory>(())
    /// ```
    #[must_use]
    pub fn fit(self, month: u8) -> u32 {
        let here = 1u16 << ((u16::from(month) + 11) % 12);
        if self.0 & here != 0 {
            10_000
        } else if self.0 & (rotated(here, 1) | rotated(here, 11)) != 0 {
            6_000
        } else {
            2_000
        }
    }

    /// Its months in words, those of a year in their order.
    ///
    /// ```
    /// use apropos_core::language::Language;
    /// use apropos_core::season::Season;
    ///
    /// let winter = Season::of_months(&[12, 1, 2])?;
    /// assert_eq!(winter.text(Language::English), "January, February, December");
    /// assert_eq!(winter.text(Language::French), "janvier, février, décembre");
    /// # Ok::<(), apropos_core::season::InvalidSeason>(())
    /// ```
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let months = language.months().into_iter().enumerate();
        let named = months.filter(|(at, _)| self.0 >> at & 1 != 0).map(|(_, name)| name);
        named.collect::<Vec<_>>().join(", ")
    }

    /// The season of a category; most have none.
    #[must_use]
    pub fn of_category(category: Category) -> Option<Self> {
        SEASONS
            .iter()
            .find(|(slugs, _)| slugs.contains(&category.slug()))
            .map(|(_, season)| *season)
    }
}

/// Twelve bits, turned towards December by so many months.
const fn rotated(bits: u16, by: u16) -> u16 {
    ((bits << by) | (bits >> (12 - by))) & 0xfff
}

const SEASONS: [(&[&str], Season); 6] = [
    (
        &[
            "lawnmower",
            "robot-lawnmower",
            "lawnmower-blades",
            "hedge-trimmer",
            "garden-furniture",
        ],
        Season::from_to(3, 7),
    ),
    (&["garden-tools", "plants-and-seeds"], Season::from_to(3, 6)),
    (&["barbecue", "barbecue-fuel", "camping-gear"], Season::from_to(4, 8)),
    (
        &["christmas-tree-3m", "christmas-tree-small", "christmas-decorations"],
        Season::from_to(11, 12),
    ),
    (&["coats", "wood-stove", "firewood"], Season::from_to(10, 2)),
    (&["theme-park-tickets"], Season::from_to(4, 10)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_may_go_over_the_end_of_the_year() {
        let winter = Season::from_to(10, 2);
        let fits: Vec<u32> = (1..=12).map(|month| winter.fit(month)).collect();
        assert_eq!(
            fits,
            [
                10_000, 10_000, 6_000, 2_000, 2_000, 2_000, 2_000, 2_000, 6_000, 10_000, 10_000, 10_000
            ]
        );
        assert_eq!(Season::of_months(&[10, 11, 12, 1, 2]), Ok(winter));
    }

    #[test]
    fn a_season_names_known_categories_once() {
        let mut seen = std::collections::HashSet::new();
        for slug in SEASONS.iter().flat_map(|(slugs, _)| slugs.iter()) {
            assert!(Category::from_slug(slug).is_ok() && seen.insert(slug), "{slug}");
        }
    }

    #[test]
    fn no_month_and_a_thirteenth_are_refused() {
        for months in [&[][..], &[0], &[13], &[6, 13]] {
            assert_eq!(Season::of_months(months), Err(InvalidSeason));
        }
    }
}
