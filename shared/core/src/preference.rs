//! How a person wants to be written to: what is theirs to set and needs no consent. It is recorded in the same ledger as
//! their consents, and from then on it outranks what a brand sends.

use crate::cap::FrequencyCap;
use crate::category::Category;
use crate::context::{ContactPoint, CustomerContext};
use crate::language::Language;
use crate::quiet::QuietHours;
use crate::standing::CustomerLimits;

/// What a person set.
#[derive(Clone, PartialEq, Eq)]
pub enum Preference {
    /// At most so many messages; none is as the brand does.
    Frequency(Option<FrequencyCap>),
    /// When not to be written to; none is as the brand does.
    QuietHours(Option<QuietHours>),
    /// The language they read.
    Language(Language),
    /// What they like, all of it.
    Interests(Vec<Category>),
}

/// What somebody likes is about that person.
impl std::fmt::Debug for Preference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Preference({}, redacted)", self.code())
    }
}

impl Preference {
    /// The stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Frequency(_) => "frequency",
            Self::QuietHours(_) => "quiet_hours",
            Self::Language(_) => "language",
            Self::Interests(_) => "interests",
        }
    }

    /// Whether it says what holds already. What has no place to be set in, since nothing is known, holds as well.
    #[must_use]
    pub fn holds(
        &self,
        limits: &CustomerLimits,
        contact: Option<&ContactPoint>,
        context: Option<&CustomerContext>,
    ) -> bool {
        match self {
            Self::Frequency(cap) => limits.cap == *cap,
            Self::QuietHours(quiet) => limits.quiet == *quiet,
            Self::Language(language) => contact.is_none_or(|contact| contact.language == *language),
            Self::Interests(wanted) => context.is_none_or(|context| sorted(&context.interests) == sorted(wanted)),
        }
    }

    /// Sets it.
    pub fn apply(
        &self,
        limits: &mut CustomerLimits,
        contact: Option<&mut ContactPoint>,
        context: Option<&mut CustomerContext>,
    ) {
        match (self, contact, context) {
            (Self::Frequency(cap), _, _) => limits.cap = *cap,
            (Self::QuietHours(quiet), _, _) => limits.quiet = *quiet,
            (Self::Language(language), Some(contact), _) => {
                contact.language = *language;
                limits.own_language = true;
            }
            (Self::Interests(wanted), _, Some(context)) => {
                context.interests = sorted(wanted);
                limits.own_interests = true;
            }
            (Self::Language(_), None, _) | (Self::Interests(_), _, None) => {}
        }
    }
}

fn sorted(categories: &[Category]) -> Vec<Category> {
    let mut sorted = categories.to_vec();
    sorted.sort_by_key(|category| category.code());
    sorted.dedup();
    sorted
}

impl CustomerLimits {
    /// What a brand sends about a person, with what they chose themselves left as they chose it.
    #[must_use]
    pub fn keeping(
        &self,
        held: (Option<&CustomerContext>, Option<&ContactPoint>),
        mut context: CustomerContext,
        mut contact: ContactPoint,
    ) -> (CustomerContext, ContactPoint) {
        let (held_context, held_contact) = held;
        if let Some(held) = held_context.filter(|_| self.own_interests) {
            context.interests.clone_from(&held.interests);
        }
        if let Some(held) = held_contact.filter(|_| self.own_language) {
            contact.language = held.language;
        }
        (context, contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{contact, context};

    fn books() -> Vec<Category> {
        vec![Category::from_slug("books").unwrap()]
    }

    fn all() -> [Preference; 4] {
        [
            Preference::Frequency(Some(FrequencyCap::new(1, 7).unwrap())),
            Preference::QuietHours(Some(QuietHours::BRAND_DEFAULT)),
            Preference::Language(Language::English),
            Preference::Interests(books()),
        ]
    }

    #[test]
    fn what_was_set_holds_and_did_not_before() {
        for preference in all() {
            let (mut limits, mut contact, mut context) =
                (CustomerLimits::default(), contact(Language::French), context());
            assert!(
                !preference.holds(&limits, Some(&contact), Some(&context)),
                "{preference:?}"
            );
            preference.apply(&mut limits, Some(&mut contact), Some(&mut context));
            assert!(
                preference.holds(&limits, Some(&contact), Some(&context)),
                "{preference:?}"
            );
        }
    }

    #[test]
    fn interests_in_another_order_are_the_same() {
        let two = |slugs: [&str; 2]| slugs.map(|slug| Category::from_slug(slug).unwrap()).to_vec();
        let mut held = context();
        held.interests = two(["books", "candles"]);
        let turned = Preference::Interests(two(["candles", "books"]));
        assert!(turned.holds(&CustomerLimits::default(), None, Some(&held)));
    }

    #[test]
    fn what_a_person_chose_outranks_what_the_brand_sends_and_nothing_else_does() {
        let (mut limits, mut held_contact, mut held) =
            (CustomerLimits::default(), contact(Language::French), context());
        let sent = || (context(), contact(Language::French));
        for preference in all() {
            preference.apply(&mut limits, Some(&mut held_contact), Some(&mut held));
        }
        let (kept, reached) = limits.keeping((Some(&held), Some(&held_contact)), sent().0, sent().1);
        assert_eq!((kept.interests.clone(), reached.language), (books(), Language::English));
        assert_eq!(kept.purchases, context().purchases);
        let nobody_chose = CustomerLimits::default();
        let (kept, reached) = nobody_chose.keeping((Some(&held), Some(&held_contact)), sent().0, sent().1);
        assert_eq!((kept, reached), sent());
    }
}
