//! What a brand may keep about a person: the facts that are useful for an offer, and nothing else.

use std::fmt;

use jiff::Timestamp;

use crate::attribute::Facts;
use crate::category::Category;
use crate::email::EmailAddress;
use crate::language::Language;
use crate::place::Cell;
use crate::segment::{Rhythm, Stages};
use crate::time::{EpochDay, TimeZoneName};
use crate::travel::Area;

/// A person's home: a cell of about 0.7 km², never a street.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Home {
    /// The resolution-8 cell.
    pub cell: Cell,
    /// How far off the cell may be, in metres, where only a postcode or a commune was known.
    pub uncertainty_m: u32,
    /// The way people live there, where it is known.
    pub area: Option<Area>,
}

/// Where somebody is now, apart from home: under a consent of its own, and for hours only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CurrentPlace {
    /// The resolution-8 cell.
    pub cell: Cell,
    /// From then on it is not used any more.
    pub until: Timestamp,
}

/// The longest that a current place is used after it was told, in hours.
pub const CURRENT_PLACE_HOURS: i64 = 12;

impl CurrentPlace {
    /// Whether it may still be used.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        now < self.until
    }
}

impl fmt::Debug for CurrentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentPlace(redacted)")
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Home(redacted)")
    }
}

/// Something bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase {
    /// What kind of thing.
    pub category: Category,
    /// On what day.
    pub on: EpochDay,
}

/// The most purchases and the most interests that are kept.
pub const MOST_KEPT: usize = 64;

/// The useful facts about a customer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CustomerContext {
    /// Where they live.
    pub home: Option<Home>,
    /// Facts about the dwelling and the household.
    pub facts: Facts,
    /// What they said they like.
    pub interests: Vec<Category>,
    /// What they bought, in any order.
    pub purchases: Vec<Purchase>,
    /// The last day they did something: a click, a visit, a purchase; never an open.
    pub last_activity: Option<EpochDay>,
    /// Where they are now.
    pub current_place: Option<CurrentPlace>,
    /// The hours, 0 to 23 of their own clock, of recent clicks and purchases that the brand tells of; at most
    /// [`crate::habit::MOST_ACTS`].
    pub active_hours: Vec<u8>,
    /// Those of clicks on our own messages, oldest first; as many. What a brand sends does not change them.
    pub clicked_hours: Vec<u8>,
    /// The zone whose clock they live by, as their contact point has it: scoring sees no contact point.
    pub time_zone: Option<TimeZoneName>,
    /// What they spent in the last two years, in whole units of the brand's currency.
    pub spent: Option<u32>,
}

impl fmt::Debug for CustomerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerContext(redacted)")
    }
}

/// Where a customer is reached by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// The address.
    pub address: EmailAddress,
    /// The language they read.
    pub language: Language,
    /// The zone whose clock they live by.
    pub time_zone: TimeZoneName,
}

/// Where a person is in their life with the brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// Bought nothing yet.
    Prospect,
    /// First purchase within the last 60 days.
    New,
    /// Bought or was active lately, by their own rhythm; see [`crate::segment`].
    Active,
    /// Not for some time.
    Lapsing,
    /// Longer ago.
    Lost,
}

impl Lifecycle {
    /// All five, in the order of their stored byte.
    pub const ALL: [Self; 5] = [Self::Prospect, Self::New, Self::Active, Self::Lapsing, Self::Lost];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::New => "new",
            Self::Active => "active",
            Self::Lapsing => "lapsing",
            Self::Lost => "lost",
        }
    }

    /// The stored byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Prospect => 0,
            Self::New => 1,
            Self::Active => 2,
            Self::Lapsing => 3,
            Self::Lost => 4,
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

impl CustomerContext {
    /// The last day they bought or did something.
    #[must_use]
    pub fn last_act(&self) -> Option<EpochDay> {
        let bought = self.purchases.iter().map(|purchase| purchase.on).max();
        bought.max(self.last_activity)
    }

    /// The hours of all their acts, whoever tells of them.
    #[must_use]
    pub fn hours_of_acts(&self) -> Vec<u8> {
        self.active_hours.iter().chain(&self.clicked_hours).copied().collect()
    }

    /// The lifecycle at a time, from purchases, activity and spend.
    #[must_use]
    pub fn lifecycle(&self, now: Timestamp) -> Lifecycle {
        let on_the_day = |stages: Stages| stages.lifecycle_on(EpochDay::of(now));
        self.stages(now).map_or(Lifecycle::Prospect, on_the_day)
    }

    /// How the lifecycle goes on if nothing more is heard of them; nothing of a prospect.
    #[must_use]
    pub fn stages(&self, now: Timestamp) -> Option<Stages> {
        let bought: Vec<EpochDay> = self.purchases.iter().map(|purchase| purchase.on).collect();
        let today = EpochDay::of(now);
        Rhythm::of(&bought, self.last_activity, self.spent, today).map(|rhythm| rhythm.stages(today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bought(days_ago: &[i64]) -> CustomerContext {
        let category = Category::from_slug("running-shoes").unwrap();
        CustomerContext {
            purchases: days_ago
                .iter()
                .map(|days| Purchase {
                    category,
                    on: EpochDay::of(day(-days)),
                })
                .collect(),
            ..CustomerContext::default()
        }
    }

    fn day(days: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + days * 86_400).unwrap()
    }

    #[test]
    fn lifecycle_follows_first_and_last_purchase() {
        assert_eq!(bought(&[]).lifecycle(day(0)), Lifecycle::Prospect);
        assert_eq!(bought(&[60]).lifecycle(day(0)), Lifecycle::New);
        assert_eq!(bought(&[61]).lifecycle(day(0)), Lifecycle::Active);
        assert_eq!(bought(&[700, 180]).lifecycle(day(0)), Lifecycle::Active);
        assert_eq!(bought(&[700, 181]).lifecycle(day(0)), Lifecycle::Lapsing);
        assert_eq!(bought(&[700, 366]).lifecycle(day(0)), Lifecycle::Lost);
    }

    #[test]
    fn activity_keeps_a_customer_active_but_does_not_make_a_prospect_one() {
        let mut context = bought(&[700]);
        context.last_activity = Some(EpochDay::of(day(-3)));
        assert_eq!(context.lifecycle(day(0)), Lifecycle::Active);
        let prospect = CustomerContext {
            last_activity: Some(EpochDay::of(day(0))),
            ..CustomerContext::default()
        };
        assert_eq!(prospect.lifecycle(day(0)), Lifecycle::Prospect);
    }
}
