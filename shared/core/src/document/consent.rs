//! A consent event as JSON.

use serde::{Deserialize, Serialize};

use super::brand::NoticeDocument;
use super::field::{At, FieldError, impersonal, new_time, time};
use crate::consent::{Act, Actor, ConsentEvent, Evidence, LegalBasis, Objection, Purpose};
use crate::ids::EventId;

/// A consent event; whose it is stands beside it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEventDocument {
    /// The event's id.
    pub event: String,
    /// `email.offers`, `profiling`, …
    pub purpose: String,
    /// `request`, `grant`, `expire`, `deny` or `withdraw`.
    pub act: String,
    /// RFC 3339.
    pub effective_at: String,
    /// RFC 3339; grants only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// `customer`, `brand`, `import` or `system`.
    pub actor: String,
    /// Consent, or the soft opt-in with its conditions.
    #[serde(default)]
    pub legal_basis: LegalBasisDocument,
    /// How it can be shown.
    pub evidence: EvidenceDocument,
}

/// Why the law allows it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LegalBasisDocument {
    /// GDPR 6(1)(a).
    #[default]
    Consent,
    /// ePrivacy 13(2).
    SoftOptIn(SoftOptInDocument),
}

/// The conditions of the soft opt-in, all of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftOptInDocument {
    /// The sale in whose context the address was collected.
    pub sale_reference: String,
    /// Who sold.
    pub seller: String,
    /// The family of similar products.
    pub similar_family: String,
    /// Must be true: the person could refuse, free of charge, when the address was collected.
    pub refusal_offered: bool,
}

/// How it can be shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceDocument {
    /// What the person did.
    pub affirmative_action: String,
    /// How it was collected.
    pub method: String,
    /// The notice shown; required for a grant and a request of anything but an objection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeDocument>,
    /// Where it came from.
    pub source: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub double_opt_in_at: Option<String>,
    /// The event that this one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

impl ConsentEventDocument {
    /// Refuses times that only what was recorded before may have; see [`new_time`].
    ///
    /// # Errors
    /// [`FieldError`] names the first one.
    pub fn tells_times(&self) -> Result<(), FieldError> {
        let times = [
            ("effective_at", Some(&self.effective_at)),
            ("expires_at", self.expires_at.as_ref()),
            ("evidence.double_opt_in_at", self.evidence.double_opt_in_at.as_ref()),
        ];
        for (field, text) in times {
            text.map(|text| new_time(field, text)).transpose()?;
        }
        Ok(())
    }
}

impl TryFrom<&ConsentEventDocument> for ConsentEvent {
    type Error = FieldError;

    fn try_from(document: &ConsentEventDocument) -> Result<Self, FieldError> {
        let act = Act::ALL
            .into_iter()
            .find(|act| act.code() == document.act)
            .ok_or("must be 'request', 'grant', 'expire', 'deny' or 'withdraw'")
            .at("act")?;
        let actor = Actor::ALL
            .into_iter()
            .find(|actor| actor.code() == document.actor)
            .ok_or("must be 'customer', 'brand', 'import' or 'system'")
            .at("actor")?;
        let effective_at = time("effective_at", &document.effective_at)?;
        let expires_at = document
            .expires_at
            .as_deref()
            .map(|text| time("expires_at", text))
            .transpose()?;
        if expires_at.is_some() && act != Act::Grant {
            return Err(FieldError::new("expires_at", "belongs to a grant only"));
        }
        if expires_at.is_some_and(|end| end <= effective_at) {
            return Err(FieldError::new("expires_at", "must be after effective_at"));
        }
        let evidence = evidence(&document.evidence).map_err(|error| error.within("evidence"))?;
        let purpose = Purpose::from_code(&document.purpose).at("purpose")?;
        // An objection is no consent: it may be made in any form, without being shown anything.
        let agrees = matches!(act, Act::Grant | Act::Request) && !matches!(purpose, Purpose::Objection(_));
        if evidence.notice.is_none() && agrees {
            return Err(FieldError::new(
                "evidence.notice",
                "is required to show what was agreed to (GDPR 7(1))",
            ));
        }
        if purpose == Purpose::Objection(Objection::Pause) && act == Act::Grant && expires_at.is_none() {
            return Err(FieldError::new(
                "expires_at",
                "is required for a pause, which ends by itself",
            ));
        }
        let legal_basis = legal_basis(&document.legal_basis).map_err(|error| error.within("legal_basis"))?;
        if legal_basis != LegalBasis::Consent && !matches!(purpose, Purpose::Topic { .. }) {
            return Err(FieldError::new(
                "legal_basis",
                "can be a soft opt-in for messages only, not for a use of data",
            ));
        }
        Ok(Self {
            id: EventId::new(document.event.as_str()).at("event")?,
            purpose,
            act,
            effective_at,
            expires_at,
            legal_basis,
            actor,
            evidence,
        })
    }
}

fn legal_basis(document: &LegalBasisDocument) -> Result<LegalBasis, FieldError> {
    match document {
        LegalBasisDocument::Consent => Ok(LegalBasis::Consent),
        LegalBasisDocument::SoftOptIn(conditions) => {
            if !conditions.refusal_offered {
                return Err(FieldError::new(
                    "soft_opt_in.refusal_offered",
                    "must be true (ePrivacy 13(2))",
                ));
            }
            Ok(LegalBasis::SoftOptIn {
                sale_reference: impersonal("soft_opt_in.sale_reference", &conditions.sale_reference, 100)?,
                seller: impersonal("soft_opt_in.seller", &conditions.seller, 100)?,
                similar_family: impersonal("soft_opt_in.similar_family", &conditions.similar_family, 100)?,
            })
        }
    }
}

fn evidence(document: &EvidenceDocument) -> Result<Evidence, FieldError> {
    Ok(Evidence {
        affirmative_action: impersonal("affirmative_action", &document.affirmative_action, 200)?,
        method: impersonal("method", &document.method, 100)?,
        notice: document
            .notice
            .as_ref()
            .map(|notice| notice.parse().map_err(|error| error.within("notice")))
            .transpose()?,
        source: impersonal("source", &document.source, 300)?,
        double_opt_in_at: document
            .double_opt_in_at
            .as_deref()
            .map(|at| time("double_opt_in_at", at))
            .transpose()?,
        previous: document
            .previous
            .as_deref()
            .map(|id| EventId::new(id).at("previous"))
            .transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: impl FnOnce(&mut serde_json::Value)) -> Result<ConsentEvent, FieldError> {
        let mut json = serde_json::json!({
            "event": "e1", "purpose": "email.offers", "act": "grant", "effective_at": "2026-11-01T10:00:00Z",
            "actor": "customer",
            "evidence": {
                "affirmative_action": "ticked_box", "method": "web_form", "source": "https://shop.example.com/join",
                "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
            }
        });
        change(&mut json);
        let document: ConsentEventDocument = serde_json::from_value(json).unwrap();
        ConsentEvent::try_from(&document)
    }

    #[test]
    fn a_complete_event_is_read() {
        let event = parse(|_| {}).unwrap();
        assert_eq!((event.act, event.actor), (Act::Grant, Actor::Customer));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let field = |change: fn(&mut serde_json::Value)| parse(change).unwrap_err().field;
        assert_eq!(field(|json| json["act"] = "maybe".into()), "act");
        assert_eq!(field(|json| json["purpose"] = "fax.offers".into()), "purpose");
        assert_eq!(field(|json| json["effective_at"] = "yesterday".into()), "effective_at");
        assert_eq!(
            field(|json| json["expires_at"] = "2026-10-01T10:00:00Z".into()),
            "expires_at"
        );
        assert_eq!(
            field(|json| json["evidence"]["source"] = "camille@example.com".into()),
            "evidence.source"
        );
        assert_eq!(
            field(|json| json["evidence"]["notice"]["hash"] = "zz".into()),
            "evidence.notice.hash"
        );
        assert_eq!(
            field(|json| json["evidence"]["notice"] = serde_json::Value::Null),
            "evidence.notice"
        );
    }

    #[test]
    fn an_objection_needs_no_notice() {
        let objected = parse(|json| {
            json["purpose"] = "no_marketing".into();
            json["evidence"]["notice"] = serde_json::Value::Null;
        });
        assert_eq!(objected.unwrap().act, Act::Grant);
    }

    #[test]
    fn a_pause_must_say_when_it_ends_and_its_lifting_need_not() {
        let pause = |act: &str, end: Option<&str>| {
            parse(|json| {
                json["purpose"] = "pause".into();
                json["act"] = act.into();
                if let Some(end) = end {
                    json["expires_at"] = end.into();
                }
            })
        };
        assert_eq!(pause("grant", None).unwrap_err().field, "expires_at");
        assert!(pause("grant", Some("2026-12-01T10:00:00Z")).is_ok());
        assert!(pause("withdraw", None).is_ok());
    }

    #[test]
    fn a_soft_opt_in_needs_all_its_conditions_and_covers_messages_only() {
        let soft = serde_json::json!({"soft_opt_in": {
            "sale_reference": "s1", "seller": "shop", "similar_family": "sports", "refusal_offered": false
        }});
        let refused = parse(|json| json["legal_basis"] = soft.clone()).unwrap_err();
        assert_eq!(refused.field, "legal_basis.soft_opt_in.refusal_offered");
        let mut offered = soft;
        offered["soft_opt_in"]["refusal_offered"] = true.into();
        assert!(parse(|json| json["legal_basis"] = offered.clone()).is_ok());
        let profiling = parse(|json| {
            json["legal_basis"] = offered;
            json["purpose"] = "profiling".into();
        });
        assert_eq!(profiling.unwrap_err().field, "legal_basis");
    }
}
