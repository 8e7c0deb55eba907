//! What stays of a ledger's entry when its words are erased.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::consent::ConsentEventDocument;
use crate::consent::Actor;
use crate::retention::{METHOD, Retention};

/// What the law asks to be able to show, without the evidence's own words (GDPR 7(1), 17(3)(e)): of a consent event, or that
/// somebody's data lapsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProof {
    /// What it was for: a purpose, or [`ALL_DATA`](Self::ALL_DATA).
    pub purpose: String,
    /// What happened: the act of a consent event, or [`LAPSE`](Self::LAPSE).
    pub act: String,
    /// Who did it.
    pub actor: String,
    /// When it happened, RFC 3339.
    pub effective_at: String,
    /// The notice that was shown, and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<(String, String)>,
    /// By which road it came, where nobody's words are in it: `retention`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The rule that it followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl KeptProof {
    /// What a lapse of data is about; no purpose of a consent is called so.
    pub const ALL_DATA: &'static str = "all_data";
    /// The act of it; no consent event has it. An erasure that somebody asked for is no entry of the ledger.
    pub const LAPSE: &'static str = "lapse";

    /// What is kept of a consent event.
    #[must_use]
    pub fn of(document: &ConsentEventDocument) -> Self {
        Self {
            purpose: document.purpose.clone(),
            act: document.act.clone(),
            actor: document.actor.clone(),
            effective_at: document.effective_at.clone(),
            notice: document
                .evidence
                .notice
                .as_ref()
                .map(|notice| (notice.id.clone(), notice.version.clone())),
            method: None,
            source: None,
        }
    }

    /// That somebody's data was erased because they were not heard of: by the system, by its rule.
    #[must_use]
    pub fn of_lapse(retention: Retention, at: Timestamp) -> Self {
        Self {
            purpose: Self::ALL_DATA.to_owned(),
            act: Self::LAPSE.to_owned(),
            actor: Actor::System.code().to_owned(),
            effective_at: at.to_string(),
            notice: None,
            method: Some(METHOD.to_owned()),
            source: Some(retention.as_rule()),
        }
    }

    /// Whether it says that the person's data lapsed.
    #[must_use]
    pub fn is_lapse(&self) -> bool {
        self.act == Self::LAPSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lapse_of_data_says_who_ended_it_by_which_rule_and_names_nobody() {
        let proof = KeptProof::of_lapse(Retention::THREE_YEARS, Timestamp::UNIX_EPOCH);
        let text = serde_json::to_string(&proof).unwrap();
        assert_eq!(
            text,
            r#"{"purpose":"all_data","act":"lapse","actor":"system","effective_at":"1970-01-01T00:00:00Z","method":"retention","source":"1095 days without a sign of the person"}"#
        );
        assert_eq!(serde_json::from_str::<KeptProof>(&text).unwrap(), proof);
        // What was kept before there were lapses reads as before.
        let former = r#"{"purpose":"email.offers","act":"grant","actor":"customer","effective_at":"x"}"#;
        assert!(!serde_json::from_str::<KeptProof>(former).unwrap().is_lapse());
        assert!(crate::consent::Purpose::from_code(KeptProof::ALL_DATA).is_err());
    }
}
