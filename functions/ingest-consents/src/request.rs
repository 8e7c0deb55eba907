//! What callers send to `POST /v1/consents`, and what they are answered.

use apropos_aws::http::{Problem, parse, parse_record};
use apropos_core::brand::Topics;
use apropos_core::consent::{ConsentEvent, MOST_MINUTES_AHEAD, Purpose};
use apropos_core::document::{ConsentEventDocument, EvidenceDocument, FieldError, LegalBasisDocument};
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::ledger::too_far_ahead;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most events of one request.
pub(crate) const MOST_EVENTS: usize = 200;

/// The body: 1 to [`MOST_EVENTS`] events, each read and answered by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentsRequest {
    pub(crate) events: Vec<Box<RawValue>>,
}

impl ConsentsRequest {
    /// Reads the body; its events are still to be read.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let request: Self = parse(bytes)?;
        if request.events.is_empty() || request.events.len() > MOST_EVENTS {
            let problem = format_args!("must have 1 to {MOST_EVENTS} records");
            return Err(FieldError::new("events", problem).into());
        }
        Ok(request)
    }
}

/// Reads a body and every event in it, each by itself, for a brand with these topics.
///
/// # Errors
/// [`Problem`] for a body that is not a batch of events.
pub fn read_consents(
    bytes: &[u8],
    topics: &Topics,
    now: Timestamp,
) -> Result<Vec<Result<ConsentRecord, Problem>>, Problem> {
    let request = ConsentsRequest::read(bytes)?;
    Ok(request.events.iter().map(|record| read(record, topics, now)).collect())
}

/// One consent event: the fields of [`ConsentEventDocument`], which is what the ledger keeps, and whose it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRequest {
    /// The brand's opaque id, 1 to 64 of `A-Za-z0-9-_.:`. Their context need not be known yet.
    customer: String,
    /// The caller's id of the event, 1 to 64 of `A-Za-z0-9-_`, unique for the customer.
    event: String,
    /// `email.offers`, `profiling`, …; a topic must be one of the brand's.
    purpose: String,
    /// `request`, `grant`, `expire`, `deny` or `withdraw`.
    act: String,
    /// RFC 3339, at most 5 minutes ahead.
    effective_at: String,
    /// RFC 3339, after `effective_at`; grants only.
    #[serde(default)]
    expires_at: Option<String>,
    /// `customer`, `brand`, `import` or `system`.
    actor: String,
    /// Consent if absent.
    #[serde(default)]
    legal_basis: LegalBasisDocument,
    /// How it can be shown.
    evidence: EvidenceDocument,
}

/// An event that was accepted, in both its forms.
pub struct ConsentRecord {
    /// Whose.
    pub customer: CustomerId,
    /// What was said.
    pub event: ConsentEvent,
    /// As it is kept.
    pub document: ConsentEventDocument,
}

/// Reads one event.
///
/// # Errors
/// [`Problem`] names the field refused.
pub(crate) fn read(record: &RawValue, topics: &Topics, now: Timestamp) -> Result<ConsentRecord, Problem> {
    let request: ConsentRequest = parse_record(record)?;
    Ok(request.check(topics, now)?)
}

impl ConsentRequest {
    fn check(self, topics: &Topics, now: Timestamp) -> Result<ConsentRecord, FieldError> {
        let customer = CustomerId::new(self.customer).map_err(|error| FieldError::new("customer", error))?;
        let document = ConsentEventDocument {
            event: self.event,
            purpose: self.purpose,
            act: self.act,
            effective_at: self.effective_at,
            expires_at: self.expires_at,
            actor: self.actor,
            legal_basis: self.legal_basis,
            evidence: self.evidence,
        };
        document.tells_times()?;
        let event = ConsentEvent::try_from(&document)?;
        if too_far_ahead(&event, now) {
            let problem = format_args!("must not be more than {MOST_MINUTES_AHEAD} minutes ahead");
            return Err(FieldError::new("effective_at", problem));
        }
        if let Purpose::Topic { topic, .. } = &event.purpose
            && topics.get(topic).is_none()
        {
            return Err(FieldError::new("purpose", "names a topic that the brand does not have"));
        }
        Ok(ConsentRecord {
            customer,
            event,
            document,
        })
    }
}

/// The ids of an event, as far as they are valid: any other text might be an address.
#[derive(Default)]
pub(crate) struct Ids {
    pub(crate) customer: Option<CustomerId>,
    pub(crate) event: Option<EventId>,
}

impl Ids {
    /// The ids of any event, also of one that was refused.
    pub(crate) fn of(record: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Named {
            #[serde(default)]
            customer: serde_json::Value,
            #[serde(default)]
            event: serde_json::Value,
        }
        let Ok(named) = serde_json::from_str::<Named>(record.get()) else {
            return Self::default();
        };
        Self {
            customer: named.customer.as_str().and_then(|id| CustomerId::new(id).ok()),
            event: named.event.as_str().and_then(|id| EventId::new(id).ok()),
        }
    }
}

/// The answer: one result an event, in the order of the request; `recorded`, `suppressed` and `refused` add up to them.
#[derive(Serialize)]
pub(crate) struct ConsentsAnswer {
    pub(crate) results: Vec<RecordAnswer>,
    pub(crate) recorded: usize,
    pub(crate) suppressed: usize,
    pub(crate) refused: usize,
}

#[derive(Serialize)]
pub(crate) struct RecordAnswer {
    /// The event's position in the request, from 0.
    pub(crate) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<EventId>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What became of an event.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is in the ledger.
    Recorded {
        /// Its number in the customer's ledger, from 1.
        seq: u32,
        /// The state of its purpose just after it.
        state: &'static str,
        /// The event had been recorded before: the rest is what was answered then.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    },
    /// The customer had their data erased, and nothing was recorded.
    Suppressed,
    /// Nothing was recorded.
    Refused { problem: Problem },
}

impl Outcome {
    /// The same record sent again may be taken in: what refused it was a fault that passes.
    pub(crate) const fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Refused { problem } if problem.status >= 500)
    }
}
