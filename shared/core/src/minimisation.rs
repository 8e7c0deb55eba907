//! Which facts are held that no offer reads: what is of no use is not to be kept (GDPR 5(1)(c)).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::attribute::{Attribute, Fact};
use crate::audience::{AudienceRecord, Tie};
use crate::habit::GoodHours;
use crate::ids::OfferId;
use crate::offer::Offer;

/// How many people each attribute is held of. `lifecycle` is never among them: it is derived from purchases, and nothing
/// is kept for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// By attribute; what nobody has is absent.
    pub held_of: BTreeMap<Attribute, u64>,
}

impl Holdings {
    /// Counts a person.
    pub fn add(&mut self, record: &AudienceRecord) {
        let ties = |wanted: fn(&Tie) -> bool| record.ties.iter().any(|(_, tie)| wanted(tie));
        let facts = Fact::ALL
            .into_iter()
            .map(|fact| (Attribute::Fact(fact), record.facts.get(fact).is_some()));
        let held = [
            (Attribute::Home, record.home.is_some()),
            (Attribute::CurrentPlace, record.current_place.is_some()),
            (Attribute::Purchases, ties(|tie| matches!(tie, Tie::Bought(_)))),
            (Attribute::Interests, ties(|tie| matches!(tie, Tie::Interest))),
            (Attribute::Reaction, record.reaction > 0),
            (Attribute::ActiveHours, record.good_hours != GoodHours::default()),
        ]
        .into_iter()
        .chain(facts)
        .filter(|(_, is_held)| *is_held);
        for (attribute, _) in held {
            *self.held_of.entry(attribute).or_insert(0) += 1;
        }
    }
}

/// The offers that have read each attribute since then, or are going to: those that declare it and had not ended by then. What the
/// lifecycle and the reaction follow from is declared with them.
#[must_use]
pub fn readers(offers: &[Offer], since: Timestamp) -> BTreeMap<Attribute, BTreeSet<OfferId>> {
    let mut readers: BTreeMap<Attribute, BTreeSet<OfferId>> = BTreeMap::new();
    for offer in offers.iter().filter(|offer| offer.window.until > since) {
        for declared in offer.readable_uses() {
            readers.entry(declared.attribute).or_default().insert(offer.id.clone());
        }
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_is_held_of_somebody_is_counted_and_nothing_else() {
        let mut record = fixture::record(&fixture::brand(), &fixture::standing());
        record.facts.set(Fact::Garden, Some(0)).unwrap();
        record.ties.retain(|(_, tie)| *tie == Tie::Interest);
        let mut holdings = Holdings::default();
        holdings.add(&record);
        holdings.add(&record);
        // That there is no garden is known of them.
        for attribute in [Attribute::Home, Attribute::Interests, Attribute::Fact(Fact::Garden)] {
            assert_eq!(holdings.held_of.get(&attribute), Some(&2), "{attribute:?}");
        }
        for attribute in [Attribute::Purchases, Attribute::Lifecycle, Attribute::Fact(Fact::Dog)] {
            assert_eq!(holdings.held_of.get(&attribute), None, "{attribute:?}");
        }
    }

    #[test]
    fn an_offer_that_has_ended_before_reads_no_more() {
        let offer = fixture::offer();
        let ends = offer.window.until;
        let second = jiff::SignedDuration::from_secs(1);
        let read = readers(std::slice::from_ref(&offer), ends - second);
        assert_eq!(read.get(&Attribute::Home), Some(&BTreeSet::from([offer.id.clone()])));
        assert!(readers(&[offer], ends).is_empty());
    }

    /// Of an offer that was kept before purchases had to be declared with it, the lifecycle is not read.
    #[test]
    fn what_is_not_read_is_no_reason_to_keep_anything() {
        let mut offer = fixture::offer();
        offer.uses.truncate(1);
        offer.uses[0].attribute = Attribute::Lifecycle;
        assert!(readers(&[offer], fixture::now()).is_empty());
    }
}
