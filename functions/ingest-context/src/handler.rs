//! Event in, facts gathered, each record stored or refused by itself, answer out.

use std::collections::{BTreeMap, HashMap};

use apropos_aws::http::{Problem, authorized, body, json, route};
use apropos_aws::{
    Addressed, Answer, Clock, Event, NewSecrets, Once, Person, StoreError, Tables, Unexpected, Written, once,
};
use apropos_core::api_key::Scope;
use apropos_core::brand::Brand;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::retention::signs;
use apropos_core::suppression::{AddressHash, Pepper, SuppressionReason, address_hash};
use apropos_core::time::EpochDay;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tracing::Instrument;

use crate::request::{CustomerRecord, CustomersAnswer, CustomersRequest, Outcome, RecordAnswer, customer_of, read};

/// How many people are written at once: enough to hide the store's latency, few enough not to be throttled by it.
const WRITES_AT_ONCE: usize = 8;

/// How often one person is read again because someone else wrote in between.
const MOST_TRIES: u32 = 8;

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    tables: Tables,
    clock: Clock,
    pepper: Pepper,
}

/// A record with its position in the request.
struct Accepted {
    index: usize,
    address: AddressHash,
    record: CustomerRecord,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock, pepper: Pepper) -> Self {
        Self { tables, clock, pepper }
    }

    /// Takes an event of any kind that this function is started by.
    ///
    /// # Errors
    /// [`Unexpected`] for one that it is not.
    pub async fn on(&self, event: Event) -> Result<Answer, Unexpected> {
        match event {
            Event::Http(request) => Ok(Answer::Http(Box::new(self.http(&request).await))),
            Event::Sqs(_) | Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Answers a request.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let (method, path) = route(event);
        let answer = match (method, path.as_slice()) {
            ("POST", ["v1", "customers"]) => {
                once(&self.tables, &self.clock, event, Scope::ContextWrite, async |once| {
                    self.customers(event, once).await
                })
                .await
            }
            (_, ["v1", "customers"]) => Err(Problem::method_not_allowed()),
            _ => Err(Problem::unknown("path")),
        };
        answer.unwrap_or_else(|problem| problem.response())
    }

    async fn customers(
        &self,
        event: &ApiGatewayV2httpRequest,
        once: &mut Once,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let brand_id = authorized(event, Scope::ContextWrite)?;
        let request = CustomersRequest::read(&body(event)?)?;
        let brand = self
            .tables
            .brand(&brand_id)
            .await?
            .ok_or_else(|| Problem::unknown("settings"))?;
        let now = self.clock.now();

        let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut accepted = Vec::new();
        for (index, raw) in request.customers.iter().enumerate() {
            match read(raw, now) {
                Ok(record) => accepted.push(Accepted {
                    index,
                    address: address_hash(&self.pepper, &brand_id, &record.contact.address),
                    record,
                }),
                Err(problem) => {
                    outcomes.insert(index, Outcome::Refused { problem });
                }
            }
        }
        outcomes.extend(self.store(&brand, accepted, now).await?);

        let count = |wanted: fn(&Outcome) -> bool| outcomes.values().filter(|outcome| wanted(outcome)).count();
        let stored = count(|outcome| matches!(outcome, Outcome::Stored { .. }));
        let suppressed = count(|outcome| matches!(outcome, Outcome::Suppressed));
        let refused = count(|outcome| matches!(outcome, Outcome::Refused { .. }));
        tracing::info!(brand.id = %brand_id, stored, suppressed, refused, "customers taken in");
        if outcomes.values().any(Outcome::is_worth_another_try) {
            once.forget();
        }
        let results = outcomes
            .into_iter()
            .zip(&request.customers)
            .map(|((index, outcome), raw)| RecordAnswer {
                index,
                customer: customer_of(raw),
                outcome,
            })
            .collect();
        Ok(json(
            200,
            &CustomersAnswer {
                results,
                stored,
                suppressed,
                refused,
            },
        ))
    }

    /// Stores records, each person's in their order and several people at once.
    async fn store(
        &self,
        brand: &Brand,
        accepted: Vec<Accepted>,
        now: Timestamp,
    ) -> Result<BTreeMap<usize, Outcome>, StoreError> {
        let addresses: Vec<AddressHash> = accepted.iter().map(|accepted| accepted.address).collect();
        let suppressions = self.tables.suppressed_by_brand(&brand.id, &addresses).await?;
        let mut outcomes = BTreeMap::new();
        let mut by_customer: BTreeMap<CustomerId, Vec<Accepted>> = BTreeMap::new();
        for accepted in accepted {
            if is_suppressed(&suppressions, &accepted.address) {
                outcomes.insert(accepted.index, Outcome::Suppressed);
            } else {
                let customer = accepted.record.customer.clone();
                by_customer.entry(customer).or_default().push(accepted);
            }
        }
        let wanted: Vec<_> = by_customer
            .keys()
            .map(|customer| (customer.clone(), Vec::new()))
            .collect();
        let people = self.tables.people_despite_contact(&brand.id, &wanted).await?;
        let mut work: Vec<(Person, Vec<Accepted>)> = people.into_iter().zip(by_customer.into_values()).collect();

        let unlisted = self.list_cells(&brand.id, &work).await;
        for (person, records) in &mut work {
            records.retain(
                |accepted| match unlisted.get(&person.cell_for(&accepted.record.context)) {
                    None => true,
                    Some(problem) => {
                        let problem = problem.clone();
                        outcomes.insert(accepted.index, Outcome::Refused { problem });
                        false
                    }
                },
            );
        }

        let written: Vec<Vec<(usize, Outcome)>> = stream::iter(work)
            .map(|(person, records)| {
                let span = tracing::info_span!("customer", brand.id = %brand.id, customer.id = %person.customer);
                self.store_person(brand, person, records, now).instrument(span)
            })
            .buffer_unordered(WRITES_AT_ONCE)
            .collect()
            .await;
        outcomes.extend(written.into_iter().flatten());
        Ok(outcomes)
    }

    /// Lists the cells that people come to in the directory, and answers those that could not be listed.
    ///
    /// The directory comes before the people: a person in a cell that it lacks would never be considered, while a cell
    /// counted for a person who is then not written costs a campaign one empty look. So the counts lean to the large
    /// side, also when someone moves away, and that is enough: they only size the pages. No cell is ever taken out, so a
    /// person who is read again later needs no second look at it.
    async fn list_cells(&self, brand: &BrandId, work: &[(Person, Vec<Accepted>)]) -> HashMap<String, Problem> {
        let mut arrivals: BTreeMap<String, u32> = BTreeMap::new();
        for (person, records) in work {
            for accepted in records {
                let cell = person.cell_for(&accepted.record.context);
                if person.audience_cell() != Some(cell.as_str()) {
                    *arrivals.entry(cell).or_default() += 1;
                }
            }
        }
        let listed: Vec<_> = stream::iter(arrivals)
            .map(|(cell, people)| async move {
                let listed = self.tables.add_to_cell(brand, &cell, people).await;
                (cell, listed)
            })
            .buffer_unordered(WRITES_AT_ONCE)
            .collect()
            .await;
        listed
            .into_iter()
            .filter_map(|(cell, listed)| Some((cell, Problem::from(listed.err()?))))
            .collect()
    }

    async fn store_person(
        &self,
        brand: &Brand,
        person: Person,
        records: Vec<Accepted>,
        now: Timestamp,
    ) -> Vec<(usize, Outcome)> {
        let mut read = Some(person);
        let mut outcomes = Vec::with_capacity(records.len());
        for accepted in records {
            let outcome = self
                .store_record(brand, &accepted, read.take(), now)
                .await
                .unwrap_or_else(|error| Outcome::Refused {
                    problem: Problem::from(error),
                });
            outcomes.push((accepted.index, outcome));
        }
        outcomes
    }

    /// Stores one record over what was read, and over what is read again if that was stale.
    async fn store_record(
        &self,
        brand: &Brand,
        accepted: &Accepted,
        read: Option<Person>,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let CustomerRecord {
            customer,
            context,
            contact,
        } = &accepted.record;
        let secrets = NewSecrets::random()?;
        let signs: Vec<EpochDay> = signs(context).collect();
        let mut read = read;
        for _ in 0..MOST_TRIES {
            let person = match read.take() {
                Some(person) => person,
                None => {
                    // What came in between may have been an erasure.
                    let address = [accepted.address];
                    let suppressions = self.tables.suppressed_by_brand(&brand.id, &address).await?;
                    if is_suppressed(&suppressions, &accepted.address) {
                        return Ok(Outcome::Suppressed);
                    }
                    self.tables.person_despite_contact(&brand.id, customer).await?
                }
            };
            if person.is_erased() {
                return Ok(Outcome::Suppressed);
            }
            // The first context tells when they were last active and not when before, so it shows no gap.
            if person.context.is_some() && person.lapses_despite(brand, &signs, now)? {
                self.tables.expire(brand, customer, now).await?;
                continue;
            }
            let held = (
                person.context.as_ref().map(|(held, _)| held),
                person.contact.as_ref().map(|(held, _)| held),
            );
            let (context, contact) = person.standing.limits.keeping(held, context.clone(), contact.clone());
            let addressed = Addressed {
                contact: &contact,
                hash: accepted.address,
            };
            let written = self
                .tables
                .put_context(&person, &brand.topics, &context, Some(addressed), &secrets, now)
                .await?;
            match written {
                Written::Done => {
                    return Ok(Outcome::Stored {
                        context_version: person.version_for(&context),
                    });
                }
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }
}

/// A hard bounce is no reason here: whether an address exists is not told to whoever sends it (I9).
fn is_suppressed(suppressions: &HashMap<AddressHash, SuppressionReason>, address: &AddressHash) -> bool {
    match suppressions.get(address) {
        Some(SuppressionReason::Complaint | SuppressionReason::Erasure) => true,
        Some(SuppressionReason::HardBounce) | None => false,
    }
}
