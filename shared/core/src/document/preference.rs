//! A preference of a person's own, as the ledger keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::brand::{CapDocument, QuietDocument};
use super::consent::EvidenceDocument;
use crate::consent::Actor;
use crate::ids::EventId;
use crate::preference::Preference;

/// A preference with its evidence; whose it is stands beside it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreferenceEventDocument {
    /// The event's id.
    pub event: String,
    /// What was set.
    pub preference: PreferenceDocument,
    /// RFC 3339.
    pub effective_at: String,
    /// Always `customer`: nobody else has preferences.
    pub actor: String,
    /// How it can be shown.
    pub evidence: EvidenceDocument,
}

/// What was set; `null` is as the brand does.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreferenceDocument {
    /// At most so many messages.
    Frequency(Option<CapDocument>),
    /// When not to be written to.
    QuietHours(Option<QuietDocument>),
    /// `fr` or `en`.
    Language(String),
    /// Categories by name, all of them.
    Interests(Vec<String>),
}

impl PreferenceEventDocument {
    /// The document of a preference that the person set.
    #[must_use]
    pub fn of(event: &EventId, preference: &Preference, at: Timestamp, evidence: EvidenceDocument) -> Self {
        Self {
            event: event.to_string(),
            preference: PreferenceDocument::of(preference),
            effective_at: at.to_string(),
            actor: Actor::Customer.code().to_owned(),
            evidence,
        }
    }
}

impl PreferenceDocument {
    fn of(preference: &Preference) -> Self {
        match preference {
            Preference::Frequency(cap) => Self::Frequency(cap.map(|cap| CapDocument {
                most: cap.most(),
                window_days: cap.window_days(),
            })),
            Preference::QuietHours(quiet) => Self::QuietHours(quiet.map(QuietDocument::of)),
            Preference::Language(language) => Self::Language(language.tag().to_owned()),
            Preference::Interests(liked) => Self::Interests(liked.iter().map(|each| each.slug().to_owned()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cap::FrequencyCap;
    use crate::category::Category;
    use crate::language::Language;

    #[test]
    fn the_stored_form_says_what_was_set() {
        let evidence = || EvidenceDocument {
            affirmative_action: "saved_form".into(),
            method: "preference_page".into(),
            notice: None,
            source: "/p".into(),
            double_opt_in_at: None,
            previous: None,
        };
        for (preference, stored) in [
            (
                Preference::Frequency(FrequencyCap::new(1, 30).ok()),
                json!({"frequency": {"most": 1, "window_days": 30}}),
            ),
            (Preference::QuietHours(None), json!({"quiet_hours": null})),
            (Preference::Language(Language::English), json!({"language": "en"})),
            (
                Preference::Interests(vec![Category::from_slug("books").unwrap()]),
                json!({"interests": ["books"]}),
            ),
        ] {
            let id = EventId::new("e1").unwrap();
            let document = PreferenceEventDocument::of(&id, &preference, Timestamp::UNIX_EPOCH, evidence());
            let written = serde_json::to_value(&document).unwrap();
            assert_eq!(written["preference"], stored);
            let read: PreferenceEventDocument = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), written);
        }
    }
}
