//! What a brand proposes, the facts it uses and why.

use jiff::Timestamp;

use crate::attribute::Attribute;
use crate::category::Category;
use crate::ids::OfferId;
use crate::language::Localized;
use crate::need::AskedNeed;
use crate::place::Place;
use crate::season::Season;
use crate::suitability::Rule;

/// One version of an offer; versions are never edited in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// 1 for the first.
    pub version: u32,
    /// What it is, in a few words; the message's subject.
    pub title: Localized,
    /// What it is, in one or two sentences.
    pub text: Localized,
    /// Where to find out more: an https address without the person in it.
    pub link: String,
    /// What kind of thing.
    pub category: Category,
    /// Where it can be used; none for an offer without a place.
    pub places: Vec<Place>,
    /// The facts that a decision about it may read.
    pub uses: Vec<DeclaredUse>,
    /// What its category requires of a home and it asks for.
    pub needs: Vec<AskedNeed>,
    /// Whom it suits.
    pub rules: Vec<Rule>,
    /// When it can be used: from (included) until (excluded).
    pub window: Window,
    /// The months in which it is wanted: its own, or its category's.
    pub season: Option<Season>,
}

/// A fact an offer reads, and the sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredUse {
    /// Which.
    pub attribute: Attribute,
    /// Why, for the person.
    pub because: Localized,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub until: Timestamp,
}

impl Offer {
    /// Whether a decision about the offer may read the attribute: it declares it, and what it follows from
    /// ([`Attribute::follows_from`]). An offer that is posted declares both; of one that was kept before that was asked, what
    /// follows from an undeclared attribute is not read.
    #[must_use]
    pub fn declares(&self, attribute: Attribute) -> bool {
        let names = |wanted| self.uses.iter().any(|each| each.attribute == wanted);
        names(attribute) && attribute.follows_from().is_none_or(names)
    }

    /// The uses that a decision may read by: those that the offer [`declares`](Self::declares).
    pub fn readable_uses(&self) -> impl Iterator<Item = &DeclaredUse> {
        self.uses.iter().filter(|each| self.declares(each.attribute))
    }
}
