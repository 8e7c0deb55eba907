//! What a category requires of a home, asked of it where the offer declares that it reads the fact.
//!
//! An offer that declares `dwelling.garden` for a lawnmower has said that it asks: no rule needs to be written, and whoever
//! has no garden, or is not known to have one, is left alone. An offer that declares nothing of the kind is not held to
//! it: what is not declared is not read, and withholding from everybody would only teach brands to name another category.
//! A rule of the offer's own over the same facts goes first: the brand knows its own thing better than a table does.

use crate::attribute::{Attribute, Fact};
use crate::category::{Category, Need};
use crate::offer::DeclaredUse;
use crate::suitability::{Condition, Rule};

/// A requirement that an offer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedNeed {
    /// What is needed.
    pub need: Need,
    /// What must hold; unknown leaves out, as a rule does unless it says otherwise.
    pub condition: Condition,
}

impl Need {
    /// What must hold in a home that has it.
    ///
    /// ```
    /// use apropos_core::attribute::Fact;
    /// use apropos_core::category::Need;
    /// use apropos_core::suitability::Condition;
    ///
    /// // 3.20 m are 32 decimetres; of 3.15 m, 32 too.
    /// assert_eq!(Need::CeilingCm(320).condition(), Condition::AtLeast(Fact::CeilingHeight, 32));
    /// assert_eq!(Need::CeilingCm(315).condition(), Condition::AtLeast(Fact::CeilingHeight, 32));
    /// ```
    #[must_use]
    pub fn condition(self) -> Condition {
        match self {
            Self::Garden => Condition::Is(Fact::Garden, 1),
            Self::Ventilation => Condition::Is(Fact::Ventilation, 1),
            Self::LiftAboveFirstFloor => Condition::Any(vec![
                Condition::Is(Fact::DwellingKind, HOUSE),
                Condition::Is(Fact::Lift, 1),
                Condition::AtMost(Fact::Floor, 1),
            ]),
            Self::CeilingCm(centimetres) => {
                let decimetres = i16::try_from(centimetres.div_ceil(10)).unwrap_or(i16::MAX);
                Condition::AtLeast(Fact::CeilingHeight, decimetres)
            }
        }
    }
}

/// The position of `house` in the words of [`Fact::DwellingKind`].
const HOUSE: i16 = 1;

/// The category's needs that an offer with these uses and rules asks for.
#[must_use]
pub fn asked(category: Category, uses: &[DeclaredUse], rules: &[Rule]) -> Vec<AskedNeed> {
    let reads = |condition: &Condition, wanted: &dyn Fn(Attribute) -> bool| {
        let mut any = false;
        condition.for_each_attribute(&mut |attribute| any |= wanted(attribute));
        any
    };
    category
        .needs()
        .iter()
        .map(|need| AskedNeed {
            need: *need,
            condition: need.condition(),
        })
        .filter(|asked| {
            let declared = |attribute| uses.iter().any(|each| each.attribute == attribute);
            let ruled = |attribute| {
                rules
                    .iter()
                    .any(|rule| reads(&rule.condition, &|read| read == attribute))
            };
            reads(&asked.condition, &declared) && !reads(&asked.condition, &ruled)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::DWELLING_KINDS;
    use crate::language::Localized;
    use crate::suitability::OnUnknown;

    fn said() -> Localized {
        Localized {
            fr: "…".into(),
            en: "…".into(),
        }
    }

    fn uses(attributes: &[&str]) -> Vec<DeclaredUse> {
        attributes
            .iter()
            .map(|code| DeclaredUse {
                attribute: Attribute::from_code(code).unwrap(),
                because: said(),
            })
            .collect()
    }

    fn needs(slug: &str, declared: &[&str], rules: &[Rule]) -> Vec<Need> {
        let category = Category::from_slug(slug).unwrap();
        asked(category, &uses(declared), rules)
            .into_iter()
            .map(|asked| asked.need)
            .collect()
    }

    #[test]
    fn a_need_is_asked_where_its_fact_is_declared() {
        assert_eq!(needs("lawnmower", &["dwelling.garden"], &[]), [Need::Garden]);
        assert_eq!(needs("lawnmower", &["interests"], &[]), []);
        assert_eq!(
            needs("christmas-tree-3m", &["dwelling.lift", "dwelling.ceiling_height"], &[]),
            [Need::LiftAboveFirstFloor, Need::CeilingCm(320)]
        );
        assert_eq!(needs("wood-stove", &["dwelling.ventilation"], &[]), [Need::Ventilation]);
    }

    #[test]
    fn a_rule_of_the_offers_own_goes_first() {
        let rule = Rule {
            name: "stands-upright".into(),
            condition: Condition::AtLeast(Fact::CeilingHeight, 31),
            unknown: OnUnknown::Neutral,
            because: said(),
        };
        assert_eq!(
            needs(
                "christmas-tree-3m",
                &["dwelling.lift", "dwelling.ceiling_height"],
                &[rule]
            ),
            [Need::LiftAboveFirstFloor]
        );
    }

    #[test]
    fn every_need_can_be_answered_by_the_catalogue() {
        assert_eq!(DWELLING_KINDS.get(1), Some(&"house"));
        for need in Category::all().flat_map(Category::needs) {
            let (least, most) = (15, 100);
            if let Condition::AtLeast(Fact::CeilingHeight, decimetres) = need.condition() {
                assert!((least..=most).contains(&decimetres), "{need:?}");
            }
        }
    }
}
