//! What a brand is told of a campaign that it may not have meant, and that is not refused.

use crate::attribute::Attribute;
use crate::campaign::{Audience, Campaign};
use crate::language::Language;
use crate::offer::Offer;
use crate::place::{Place, Radius};
use crate::reason::Reason;
use crate::travel::Area;
use crate::unprofiled::{Barrier, barriers};

/// Something to look at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// Nobody is reached who has not agreed to profiling.
    Unreached(Barrier<'a>),
    /// Nothing of the offer tells apart whoever is subscribed to the topic: it has no place and no rule, and reads nothing that it
    /// would go by.
    Alike,
    /// Within this radius of a place counts as near, which is a reason to write, and it is farther than most people go.
    Wide(&'a Place, Radius),
}

/// A radius beyond so many metres is pointed out: two hours and a half by car, as [`crate::travel`] reckons.
const FAR_M: u32 = 100_000;

/// Everything about a campaign and its offer that its brand is told.
#[must_use]
pub fn notes<'a>(campaign: &Campaign, offer: &'a Offer) -> Vec<Note<'a>> {
    let unreached = barriers(campaign, offer);
    let goes_by = [Attribute::Interests, Attribute::Purchases, Attribute::ActiveHours];
    let is_alike = offer.places.is_empty()
        && offer.rules.is_empty()
        && offer.needs.is_empty()
        && campaign.audience == Audience::Everyone
        && !goes_by.into_iter().any(|attribute| offer.declares(attribute))
        && unreached.is_empty();
    let wide = offer.places.iter().filter_map(|place| {
        // From where somebody is now, it is as far as people in a city go.
        let areas = Area::ALL.map(Some).into_iter().chain([None]);
        let areas = areas.filter(|area| offer.declares(Attribute::Home) || *area == Some(Area::DenseCity));
        let widest = areas
            .map(|area| place.radius_from(area))
            .max_by_key(|radius| radius.chord())?;
        (widest.metres() > FAR_M).then_some(Note::Wide(place, widest))
    });
    let mut notes: Vec<Note<'a>> = unreached.into_iter().map(Note::Unreached).collect();
    notes.extend(is_alike.then_some(Note::Alike));
    notes.extend(wide);
    notes
}

impl Note<'_> {
    /// The stable name in answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreached(_) => "unreached_without_profiling",
            Self::Alike => "reaches_all_alike",
            Self::Wide(..) => "wide_radius",
        }
    }

    /// Why people are withheld from, where some are.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Unreached(barrier) => Some(barrier.reason()),
            Self::Alike | Self::Wide(..) => None,
        }
    }

    /// The field of the campaign that it lies in.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Unreached(barrier) => barrier.field(),
            Self::Alike | Self::Wide(..) => "offer",
        }
    }

    /// A sentence for the brand.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let km = |radius: Radius| radius.metres().div_ceil(1_000);
        match (language, self) {
            (_, Self::Unreached(barrier)) => barrier.text(language),
            (Language::French, Self::Alike) => {
                "L’offre n’a ni lieu ni règle, et ne lit ni les goûts ni les achats\u{a0}: rien en elle ne distingue les \
                 personnes inscrites à ce sujet."
                    .to_owned()
            }
            (Language::English, Self::Alike) => {
                "The offer has neither a place nor a rule, and reads neither interests nor purchases: nothing of it tells \
                 apart whoever is subscribed to the topic."
                    .to_owned()
            }
            (Language::French, Self::Wide(place, radius)) => format!(
                "Jusqu’à {}\u{a0}km, on compte comme proche de «\u{a0}{}\u{a0}»\u{a0}: c’est plus loin que la plupart des gens \
                 ne vont.",
                km(radius),
                place.name.as_str()
            ),
            (Language::English, Self::Wide(place, radius)) => format!(
                "Up to {} km away counts as near “{}”: that is farther than most people go.",
                km(radius),
                place.name.as_str()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::campaign::Goal;
    use crate::fixture::{self, because, offer_with, uses};
    use crate::relevance::Relevance;

    fn codes(campaign: &Campaign, offer: &Offer) -> Vec<&'static str> {
        notes(campaign, offer).into_iter().map(Note::code).collect()
    }

    #[test]
    fn a_usual_campaign_has_nothing_to_tell() {
        let mut campaign = fixture::campaign();
        for goal in Goal::ALL {
            campaign.goal = goal;
            assert_eq!(codes(&campaign, &fixture::offer()), [""; 0], "{goal:?}");
        }
    }

    #[test]
    fn what_reaches_everybody_alike_is_told_and_what_tells_people_apart_is_not() {
        let placeless = |names: &[&str]| offer_with(&[("places", json!([])), ("uses", uses(names))]);
        let mut campaign = fixture::campaign();
        for names in [&[][..], &["home", "dwelling.garden"]] {
            assert_eq!(codes(&campaign, &placeless(names)), ["reaches_all_alike"], "{names:?}");
        }
        for names in [&["interests"], &["purchases"], &["active_hours"]] {
            assert_eq!(codes(&campaign, &placeless(names)), [""; 0], "{names:?}");
        }
        let rule = json!({"name": "r", "when": {"attribute": "dwelling.garden", "is": true}, "unknown": "neutral", "because": because()});
        let ruled = offer_with(&[
            ("places", json!([])),
            ("uses", uses(&["dwelling.garden"])),
            ("rules", json!([rule])),
        ]);
        assert_eq!(codes(&campaign, &ruled), [""; 0]);
        campaign.threshold = Relevance::clamped(5_001);
        assert_eq!(
            codes(&campaign, &placeless(&[])),
            ["unreached_without_profiling"],
            "nobody is reached"
        );
    }

    #[test]
    fn a_radius_is_told_of_beyond_a_hundred_kilometres() {
        let wide = |radius_m: u32, country: u32| {
            let mut document = fixture::offer_document();
            document["places"][0]["radius_m"] = radius_m.into();
            document["places"][0]["travel_m"] = json!({"dense_city": 1_000, "town": 1_000, "country": country});
            let offer = fixture::offer_from(&document).unwrap();
            let notes = notes(&fixture::campaign(), &offer);
            notes
                .into_iter()
                .map(|note| note.text(Language::English))
                .collect::<Vec<_>>()
        };
        assert_eq!(wide(100_000, 99_000), [""; 0]);
        let name = fixture::offer().places[0].name.as_str().to_owned();
        let told = |km| format!("Up to {km} km away counts as near “{name}”: that is farther than most people go.");
        assert_eq!(wide(101_000, 99_000), [told(101)]);
        assert_eq!(wide(30_000, 900_000), [told(900)]);
        // From where somebody is now, nobody goes as far as from a home in the country.
        let mut document = fixture::offer_document();
        document["uses"] = uses(&["current_place"]);
        document["places"][0]["travel_m"] = json!({"dense_city": 1_000, "town": 1_000, "country": 900_000});
        assert_eq!(
            codes(&fixture::campaign(), &fixture::offer_from(&document).unwrap()),
            [""; 0]
        );
    }

    #[test]
    fn every_note_has_a_sentence_in_each_language() {
        let offer = fixture::offer();
        let place = &offer.places[0];
        let all = [
            Note::Unreached(Barrier::Segment),
            Note::Alike,
            Note::Wide(place, place.radius),
        ];
        for note in all {
            let [french, english] = Language::ALL.map(|language| note.text(language));
            assert!(
                french.ends_with('.') && english.ends_with('.') && french != english,
                "{french} {english}"
            );
        }
    }
}
