//! Consents that people asked for and have to confirm: one message a person and call.

use std::collections::BTreeMap;

use apropos_aws::{About, ConsentRequest, TransactionalTask};
use apropos_core::brand::{Brand, Confirmations};
use apropos_core::consent::{Act, Actor, Purpose};
use apropos_core::fingerprint::sha256;
use apropos_core::ids::{BrandId, CustomerId, RequestId};
use jiff::{SignedDuration, Timestamp};

use crate::request::ConsentRecord;

/// A request from longer ago is history: nobody expects to be asked about it now.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The requests of one call.
#[derive(Default)]
pub(crate) struct Asked(Vec<(usize, CustomerId, ConsentRequest)>);

impl Asked {
    /// Takes an event in, if it is one that its person has to confirm. Only the person can ask to be asked: a request by
    /// the brand or out of a file sends nothing.
    pub(crate) fn note(&mut self, index: usize, record: &ConsentRecord, now: Timestamp) {
        let event = &record.event;
        let is_fresh = now.duration_since(event.effective_at) <= FRESH;
        let is_request = event.act == Act::Request && event.actor == Actor::Customer;
        if is_request && is_fresh && !matches!(event.purpose, Purpose::Objection(_)) {
            let request = ConsentRequest {
                purpose: event.purpose.code(),
                event: event.id.clone(),
            };
            self.0.push((index, record.customer.clone(), request));
        }
    }

    /// One message for each person with a request that was recorded.
    pub(crate) fn tasks(
        self,
        brand: &Brand,
        is_recorded: impl Fn(&usize) -> bool,
        now: Timestamp,
    ) -> Vec<TransactionalTask> {
        match brand.confirmations {
            Confirmations::Brand => Vec::new(),
            Confirmations::Apropos => {
                let mut by_customer: BTreeMap<CustomerId, Vec<ConsentRequest>> = BTreeMap::new();
                for (_, customer, request) in self.0.into_iter().filter(|(index, ..)| is_recorded(index)) {
                    by_customer.entry(customer).or_default().push(request);
                }
                by_customer
                    .into_iter()
                    .filter_map(|(customer, requests)| task(&brand.id, customer, requests, now))
                    .collect()
            }
        }
    }
}

/// The same events make the same request, so a call that is repeated sends no second message.
fn task(
    brand: &BrandId,
    customer: CustomerId,
    requests: Vec<ConsentRequest>,
    now: Timestamp,
) -> Option<TransactionalTask> {
    let events = requests.iter().map(|request| request.event.as_str().as_bytes());
    let parts: Vec<&[u8]> = [
        b"confirm".as_slice(),
        brand.as_str().as_bytes(),
        customer.as_str().as_bytes(),
    ]
    .into_iter()
    .chain(events)
    .collect();
    let hex: String = sha256(&parts)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let request = RequestId::new(hex).ok()?;
    let about = About::Confirm { customer, requests };
    Some(TransactionalTask::new(brand.clone(), request, now, about))
}
