//! A sign-up: what someone typed into the public form, before anybody has shown that the address is theirs. Until it is
//! confirmed it is no consent and its address no contact point, so nobody can be written to because a stranger typed
//! their address.

use jiff::Timestamp;

use crate::consent::{Act, Actor, Consents, Notice, Objection, Purpose};
use crate::context::ContactPoint;
use crate::document::{ConsentEventDocument, EvidenceDocument, FieldError, LegalBasisDocument, NoticeDocument};
use crate::fingerprint::sha256;
use crate::ids::{CustomerId, EventId, RequestId};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Who they will be, unless the address is known already.
    pub customer: CustomerId,
    /// Where to write to.
    pub contact: ContactPoint,
    /// What was ticked.
    pub purposes: Vec<Purpose>,
    /// The notice that was shown.
    pub notice: Notice,
    /// When.
    pub asked_at: Timestamp,
}

/// The consent that one confirmation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed<'a> {
    /// Of what.
    pub purpose: &'a Purpose,
    /// The notice that was shown when it was asked for.
    pub notice: &'a Notice,
    /// The event that asked for it.
    pub asked: EventId,
    /// Under what id the yes is recorded; the same confirmation gives the same id.
    pub id: EventId,
}

impl Confirmed<'_> {
    /// The event that records the yes: the person's own, by double opt-in, after the event that asked for it.
    #[must_use]
    pub fn event(&self, consents: &Consents, now: Timestamp) -> ConsentEventDocument {
        ConsentEventDocument {
            event: self.id.to_string(),
            purpose: self.purpose.code(),
            act: Act::Grant.code().to_owned(),
            effective_at: consents.time_of_act(self.purpose, now).to_string(),
            expires_at: None,
            actor: Actor::Customer.code().to_owned(),
            legal_basis: LegalBasisDocument::Consent,
            evidence: EvidenceDocument {
                affirmative_action: "pressed_button".to_owned(),
                method: "double_opt_in".to_owned(),
                notice: Some(NoticeDocument::of(self.notice)),
                source: "/c".to_owned(),
                double_opt_in_at: Some(now.to_string()),
                previous: Some(self.asked.to_string()),
            },
        }
    }
}

/// Who confirms that they want messages no longer objects to all of them.
#[must_use]
pub fn lifted_objection(id: &EventId, consents: &Consents, now: Timestamp) -> Option<ConsentEventDocument> {
    let purpose = Purpose::Objection(Objection::NoMarketing);
    consents
        .state(&purpose, now)
        .is_granted()
        .then(|| ConsentEventDocument {
            event: id.to_string(),
            purpose: purpose.code(),
            act: Act::Withdraw.code().to_owned(),
            effective_at: consents.time_of_act(&purpose, now).to_string(),
            expires_at: None,
            actor: Actor::Customer.code().to_owned(),
            legal_basis: LegalBasisDocument::Consent,
            evidence: EvidenceDocument {
                affirmative_action: "pressed_button".to_owned(),
                method: "double_opt_in".to_owned(),
                notice: None,
                source: "/c".to_owned(),
                double_opt_in_at: Some(now.to_string()),
                previous: None,
            },
        })
}

impl SignUp {
    /// What is not agreed to yet: a yes that holds needs no second one.
    #[must_use]
    pub fn missing(&self, consents: &Consents, now: Timestamp) -> Vec<Purpose> {
        if consents.objects(Objection::NoMarketing, now) {
            return self.purposes.clone();
        }
        self.purposes
            .iter()
            .filter(|purpose| !consents.state(purpose, now).is_granted())
            .cloned()
            .collect()
    }

    /// The event that asked for a purpose, dated when the form was sent.
    #[must_use]
    pub fn request(&self, purpose: &Purpose, id: &EventId) -> ConsentEventDocument {
        ConsentEventDocument {
            event: id.to_string(),
            purpose: purpose.code(),
            act: Act::Request.code().to_owned(),
            effective_at: self.asked_at.to_string(),
            expires_at: None,
            actor: Actor::Customer.code().to_owned(),
            legal_basis: LegalBasisDocument::Consent,
            evidence: EvidenceDocument {
                affirmative_action: "ticked_box".to_owned(),
                method: "web_form".to_owned(),
                notice: Some(NoticeDocument::of(&self.notice)),
                source: "/s".to_owned(),
                double_opt_in_at: None,
                previous: None,
            },
        }
    }
}

/// The id of one of a confirmation's events: the same whenever it is confirmed, whatever else is agreed to by then.
///
/// # Errors
/// [`FieldError`] never in fact: the parts fit.
pub fn event_id(request: &RequestId, kind: &str, purpose: &Purpose) -> Result<EventId, FieldError> {
    let digest = sha256(&[purpose.code().as_bytes()]);
    let of: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    EventId::new(format!("{request}-{kind}-{of}")).map_err(|error| FieldError::new("event", error))
}
