//! A campaign as JSON.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use super::field::{At, FieldError, second_of_a_name};
use super::number::{whole, whole_or_none};
use crate::campaign::{Audience, Campaign, Goal, Priority, USUAL_EVIDENCE_BP, USUAL_THRESHOLD_BP};
use crate::context::Lifecycle;
use crate::ids::{CampaignId, OfferId, TopicId};
use crate::relevance::Relevance;

/// A campaign.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignDocument {
    /// Its id.
    pub id: String,
    /// The offer it carries.
    pub offer: String,
    /// The offer's version; the newest if absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_or_none::<_, _, 1, { i64::MAX }>"
    )]
    pub offer_version: Option<u32>,
    /// The topic it belongs to.
    pub topic: String,
    /// `acquire`, `retain`, `reactivate`, `inform` or `anticipate`.
    pub goal: String,
    /// Who is considered.
    #[serde(default)]
    pub audience: AudienceDocument,
    /// Least relevance, basis points; 5 000 if absent.
    #[serde(default = "usual_threshold", deserialize_with = "whole::<_, _, 0, 10_000>")]
    pub threshold_bp: u16,
    /// Least evidence, basis points; 2 000 if absent.
    #[serde(default = "usual_evidence", deserialize_with = "whole::<_, _, 0, 10_000>")]
    pub minimum_evidence_bp: u16,
    /// Share never written to, basis points.
    #[serde(default, deserialize_with = "whole::<_, _, 0, 10_000>")]
    pub holdout_bp: u16,
    /// `low`, `normal` (if absent) or `high`: whose message takes a person's last place under the caps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Whether a message waits, at most 24 hours, for the person's own good hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub best_hour: bool,
}

/// Who is considered: `"everyone"`, `"near_places"` or `{"lifecycle": ["active", …]}`.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceDocument {
    /// Everyone the brand knows.
    #[default]
    Everyone,
    /// People within reach of a place.
    NearPlaces,
    /// People in these lifecycles.
    Lifecycle(Vec<String>),
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = AudienceDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'everyone', 'near_places' or an object with a list 'lifecycle'")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<AudienceDocument, E> {
        match word {
            "everyone" => Ok(AudienceDocument::Everyone),
            "near_places" => Ok(AudienceDocument::NearPlaces),
            _ => Err(E::invalid_value(Unexpected::Other("another word"), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AudienceDocument, A::Error> {
        let other = || A::Error::invalid_value(Unexpected::Map, &self);
        match members.next_key::<String>()?.as_deref() {
            Some("lifecycle") => {}
            Some(_) | None => return Err(other()),
        }
        let codes = members.next_value()?;
        match members.next_key::<IgnoredAny>()? {
            None => Ok(AudienceDocument::Lifecycle(codes)),
            Some(_) => Err(other()),
        }
    }
}

impl<'de> Deserialize<'de> for AudienceDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

const fn usual_threshold() -> u16 {
    USUAL_THRESHOLD_BP
}

const fn usual_evidence() -> u16 {
    USUAL_EVIDENCE_BP
}

impl CampaignDocument {
    /// Checks the fields; `offer_version` stands for the newest.
    ///
    /// # Errors
    /// [`FieldError`] names the first field refused.
    pub fn parse(&self, newest_offer: u32) -> Result<Campaign, FieldError> {
        let offer_version = self.offer_version.unwrap_or(newest_offer);
        if offer_version == 0 || offer_version > newest_offer {
            return Err(FieldError::new("offer_version", "is not a version of the offer"));
        }
        Ok(Campaign {
            id: CampaignId::new(self.id.as_str()).at("id")?,
            offer: OfferId::new(self.offer.as_str()).at("offer")?,
            offer_version,
            topic: TopicId::new(self.topic.as_str()).at("topic")?,
            goal: Goal::from_code(&self.goal)
                .ok_or("must be 'acquire', 'retain', 'reactivate', 'inform' or 'anticipate'")
                .at("goal")?,
            audience: self.audience()?,
            threshold: Relevance::new(self.threshold_bp).at("threshold_bp")?,
            minimum_evidence: Relevance::new(self.minimum_evidence_bp).at("minimum_evidence_bp")?,
            holdout: Relevance::new(self.holdout_bp).at("holdout_bp")?,
            priority: match self.priority.as_deref() {
                None => Priority::default(),
                Some(code) => Priority::from_code(code)
                    .ok_or("must be 'low', 'normal' or 'high'")
                    .at("priority")?,
            },
            best_hour: self.best_hour,
        })
    }

    /// Refuses what only campaigns that were created before may hold: a lifecycle named twice.
    ///
    /// # Errors
    /// [`FieldError`] names the second of the two.
    pub fn names_once(&self) -> Result<(), FieldError> {
        let AudienceDocument::Lifecycle(codes) = &self.audience else {
            return Ok(());
        };
        second_of_a_name(codes.iter().map(String::as_str)).map_or(Ok(()), |position| {
            let field = format!("audience.lifecycle[{position}]");
            Err(FieldError::new(field, "is named twice"))
        })
    }

    fn audience(&self) -> Result<Audience, FieldError> {
        match &self.audience {
            AudienceDocument::Everyone => Ok(Audience::Everyone),
            AudienceDocument::NearPlaces => Ok(Audience::NearPlaces),
            AudienceDocument::Lifecycle(codes) if codes.is_empty() => Err(FieldError::new(
                "audience.lifecycle",
                "must name at least one lifecycle",
            )),
            AudienceDocument::Lifecycle(codes) => codes
                .iter()
                .enumerate()
                .map(|(position, code)| {
                    Lifecycle::from_code(code)
                        .ok_or("must be 'prospect', 'new', 'active', 'lapsing' or 'lost'")
                        .at(&format!("audience.lifecycle[{position}]"))
                })
                .collect::<Result<_, _>>()
                .map(Audience::Lifecycle),
        }
    }

    /// The document of a campaign.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        Self {
            id: campaign.id.to_string(),
            offer: campaign.offer.to_string(),
            offer_version: Some(campaign.offer_version),
            topic: campaign.topic.to_string(),
            goal: campaign.goal.code().to_owned(),
            audience: match &campaign.audience {
                Audience::Everyone => AudienceDocument::Everyone,
                Audience::NearPlaces => AudienceDocument::NearPlaces,
                Audience::Lifecycle(wanted) => {
                    AudienceDocument::Lifecycle(wanted.iter().map(|each| each.code().to_owned()).collect())
                }
            },
            threshold_bp: campaign.threshold.basis_points(),
            minimum_evidence_bp: campaign.minimum_evidence.basis_points(),
            holdout_bp: campaign.holdout.basis_points(),
            priority: (campaign.priority != Priority::default()).then(|| campaign.priority.code().to_owned()),
            best_hour: campaign.best_hour,
        }
    }
}
