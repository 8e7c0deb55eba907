//! Rules that say whether an offer suits a household at all. A gate, not a factor: a lawnmower does not suit a flat
//! without a garden however near the shop is.
//!
//! Logic is three-valued (Kleene): a condition over something unknown is unknown, and each rule says what that means. "All"
//! is false as soon as one part is, "any" is true as soon as one part is, whatever is unknown beside it; "not" of unknown is
//! unknown, and `known` itself never is.
//!
//! ```
//! use apropos_core::attribute::{Fact, Facts};
//! use apropos_core::category::Category;
//! use apropos_core::suitability::{Condition, Known};
//!
//! struct Home(Facts);
//! impl Known for Home {
//!     fn fact(&self, fact: Fact) -> Option<i16> { self.0.get(fact) }
//!     fn days_since_purchase(&self, _: Category) -> Option<Option<u32>> { None }
//!     fn interested(&self, _: Category) -> Option<bool> { None }
//! }
//!
//! let (lift, low) = (Condition::Is(Fact::Lift, 1), Condition::AtMost(Fact::Floor, 1));
//! let mut facts = Facts::default();
//! facts.set(Fact::Floor, Some(4))?;
//! let home = Home(facts);
//! // The fourth floor is not low; whether there is a lift is not known.
//! assert_eq!(Condition::All(vec![lift.clone(), low.clone()]).holds(&home), Some(false));
//! assert_eq!(Condition::Any(vec![lift, low]).holds(&home), None);
//! # Ok::<(), apropos_core::attribute::FactOutOfRange>(())
//! ```

use crate::attribute::{Attribute, Fact};
use crate::category::Category;
use crate::language::Localized;

/// One rule of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A short name, shown to marketers: `needs-a-garden`.
    pub name: String,
    /// What must hold.
    pub condition: Condition,
    /// What to do when it cannot be known.
    pub unknown: OnUnknown,
    /// Why a person whom the rule leaves out is left out, as the end of "withheld because …".
    pub because: Localized,
}

/// What an unknown condition means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Withhold: the default.
    Exclude,
    /// Let the other gates decide.
    Neutral,
}

/// A condition over declared facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every part holds.
    All(Vec<Self>),
    /// At least one part holds.
    Any(Vec<Self>),
    /// The part does not hold.
    Not(Box<Self>),
    /// The fact has this value.
    Is(Fact, i16),
    /// The fact has one of these values.
    In(Fact, Vec<i16>),
    /// The fact is this or less.
    AtMost(Fact, i16),
    /// The fact is this or more.
    AtLeast(Fact, i16),
    /// The fact is known; itself never unknown.
    Known(Fact),
    /// Something of the category was bought within so many days.
    Purchased {
        /// What.
        category: Category,
        /// Days, 1 to 3 650.
        within_days: u16,
    },
    /// The person said they like the category.
    Interested(Category),
}

/// What a condition may read; `None` is unknown.
pub trait Known {
    /// The value of a fact.
    fn fact(&self, fact: Fact) -> Option<i16>;
    /// Days since the last purchase of a category: `Some(None)` is known never.
    fn days_since_purchase(&self, category: Category) -> Option<Option<u32>>;
    /// Whether the person said they like the category.
    fn interested(&self, category: Category) -> Option<bool>;
}

impl Condition {
    /// Holds, does not hold, or unknown.
    pub fn holds(&self, known: &impl Known) -> Option<bool> {
        match self {
            Self::All(parts) => fold(parts, known, false),
            Self::Any(parts) => fold(parts, known, true),
            Self::Not(part) => part.holds(known).map(|holds| !holds),
            Self::Is(fact, value) => known.fact(*fact).map(|held| held == *value),
            Self::In(fact, values) => known.fact(*fact).map(|held| values.contains(&held)),
            Self::AtMost(fact, value) => known.fact(*fact).map(|held| held <= *value),
            Self::AtLeast(fact, value) => known.fact(*fact).map(|held| held >= *value),
            Self::Known(fact) => Some(known.fact(*fact).is_some()),
            Self::Purchased { category, within_days } => known
                .days_since_purchase(*category)
                .map(|days| days.is_some_and(|days| days <= u32::from(*within_days))),
            Self::Interested(category) => known.interested(*category),
        }
    }

    /// Calls back with each attribute that the condition reads.
    pub fn for_each_attribute(&self, visit: &mut impl FnMut(Attribute)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each_attribute(visit)),
            Self::Not(part) => part.for_each_attribute(visit),
            Self::Is(fact, _)
            | Self::In(fact, _)
            | Self::AtMost(fact, _)
            | Self::AtLeast(fact, _)
            | Self::Known(fact) => {
                visit(Attribute::Fact(*fact));
            }
            Self::Purchased { .. } => visit(Attribute::Purchases),
            Self::Interested(_) => visit(Attribute::Interests),
        }
    }
}

/// `decisive` is the value that one part alone can force: true for "any", false for "all".
fn fold(parts: &[Condition], known: &impl Known, decisive: bool) -> Option<bool> {
    let mut answer = Some(!decisive);
    for part in parts {
        match part.holds(known) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => answer = None,
        }
    }
    answer
}

/// What a rule says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Suits,
    /// Known not to suit.
    DoesNotSuit,
    /// Not known, and the rule excludes then.
    Unknown,
}

impl Rule {
    /// Applies the rule.
    pub fn verdict(&self, known: &impl Known) -> Verdict {
        Verdict::of(self.condition.holds(known), self.unknown)
    }
}

impl Verdict {
    pub(crate) const fn of(holds: Option<bool>, unknown: OnUnknown) -> Self {
        match (holds, unknown) {
            (Some(true), _) | (None, OnUnknown::Neutral) => Self::Suits,
            (Some(false), _) => Self::DoesNotSuit,
            (None, OnUnknown::Exclude) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Facts;

    struct Home(Facts);

    impl Known for Home {
        fn fact(&self, fact: Fact) -> Option<i16> {
            self.0.get(fact)
        }
        fn days_since_purchase(&self, _: Category) -> Option<Option<u32>> {
            None
        }
        fn interested(&self, _: Category) -> Option<bool> {
            None
        }
    }

    fn home(facts: &[(Fact, i16)]) -> Home {
        let mut held = Facts::default();
        for (fact, value) in facts {
            held.set(*fact, Some(*value)).unwrap();
        }
        Home(held)
    }

    fn carries_a_tall_tree() -> Condition {
        Condition::Any(vec![Condition::Is(Fact::Lift, 1), Condition::AtMost(Fact::Floor, 1)])
    }

    #[test]
    fn a_tall_tree_needs_a_lift_or_a_low_floor() {
        assert_eq!(
            carries_a_tall_tree().holds(&home(&[(Fact::Lift, 0), (Fact::Floor, 4)])),
            Some(false)
        );
        assert_eq!(
            carries_a_tall_tree().holds(&home(&[(Fact::Lift, 1), (Fact::Floor, 4)])),
            Some(true)
        );
        assert_eq!(carries_a_tall_tree().holds(&home(&[(Fact::Floor, 1)])), Some(true));
    }

    #[test]
    fn unknown_is_neither_yes_nor_no() {
        assert_eq!(carries_a_tall_tree().holds(&home(&[(Fact::Floor, 4)])), None);
        assert_eq!(Condition::Not(Box::new(carries_a_tall_tree())).holds(&home(&[])), None);
        assert_eq!(Condition::Known(Fact::Floor).holds(&home(&[])), Some(false));
    }

    #[test]
    fn a_rule_excludes_the_unknown_unless_it_says_otherwise() {
        let mut rule = Rule {
            name: "needs-a-garden".into(),
            condition: Condition::Is(Fact::Garden, 1),
            unknown: OnUnknown::Exclude,
            because: Localized {
                fr: "…".into(),
                en: "…".into(),
            },
        };
        assert_eq!(rule.verdict(&home(&[])), Verdict::Unknown);
        assert_eq!(rule.verdict(&home(&[(Fact::Garden, 0)])), Verdict::DoesNotSuit);
        rule.unknown = OnUnknown::Neutral;
        assert_eq!(rule.verdict(&home(&[])), Verdict::Suits);
    }
}
