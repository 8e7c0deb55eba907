//! Event in, facts gathered, each consent event recorded or refused by itself, answer out.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, body, json, route};
use apropos_aws::{
    Answer, Appended, Clock, Event, InvalidSetting, MOST_EVENTS_TOGETHER, NewSecrets, Once, Person, Queue, Recorded,
    StoreError, Tables, TransactionalTask, Unexpected, once, with_causes,
};
use apropos_core::api_key::Scope;
use apropos_core::brand::Brand;
use apropos_core::consent::{Act, Actor, ConsentEvent};
use apropos_core::document::ConsentEventDocument;
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::time::EpochDay;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tracing::Instrument;

use crate::asked::Asked;
use crate::request::{ConsentsAnswer, ConsentsRequest, Ids, Outcome, RecordAnswer, read};
use crate::settings;

/// How many people are written at once: enough to hide the store's latency, few enough not to be throttled by it.
const WRITES_AT_ONCE: usize = 8;

/// How often one person is read again because someone else wrote in between.
const MOST_TRIES: u32 = 8;

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    tables: Tables,
    clock: Clock,
    sends: Queue<TransactionalTask>,
}

/// One person's events in their order, with their positions in the request.
#[derive(Default)]
struct Events {
    indices: Vec<usize>,
    events: Vec<(ConsentEvent, ConsentEventDocument)>,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock, sends: Queue<TransactionalTask>) -> Self {
        Self { tables, clock, sends }
    }

    /// The function as its environment sets it up.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        settings::handler()
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
            ("POST", ["v1", "consents"]) => {
                once(&self.tables, &self.clock, event, Scope::ConsentsWrite, async |once| {
                    self.consents(event, once).await
                })
                .await
            }
            (_, ["v1", "consents"]) => Err(Problem::method_not_allowed()),
            _ => Err(Problem::unknown("path")),
        };
        answer.unwrap_or_else(|problem| problem.response())
    }

    async fn consents(
        &self,
        event: &ApiGatewayV2httpRequest,
        once: &mut Once,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let brand_id = authorized(event, Scope::ConsentsWrite)?;
        let request = ConsentsRequest::read(&body(event)?)?;
        let brand = self
            .tables
            .brand(&brand_id)
            .await?
            .ok_or_else(|| Problem::unknown("settings"))?;
        let now = self.clock.now();

        let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut by_customer: BTreeMap<CustomerId, Events> = BTreeMap::new();
        let mut asked = Asked::default();
        for (index, raw) in request.events.iter().enumerate() {
            match read(raw, &brand.topics, now) {
                Ok(record) => {
                    asked.note(index, &record, now);
                    let person = by_customer.entry(record.customer).or_default();
                    person.indices.push(index);
                    person.events.push((record.event, record.document));
                }
                Err(problem) => {
                    outcomes.insert(index, Outcome::Refused { problem });
                }
            }
        }
        outcomes.extend(self.record(&brand, by_customer, now).await?);
        self.ask_to_confirm(&brand, asked, &outcomes, now).await?;

        let count = |wanted: fn(&Outcome) -> bool| outcomes.values().filter(|outcome| wanted(outcome)).count();
        let recorded = count(|outcome| matches!(outcome, Outcome::Recorded { .. }));
        let suppressed = count(|outcome| matches!(outcome, Outcome::Suppressed));
        let refused = count(|outcome| matches!(outcome, Outcome::Refused { .. }));
        tracing::info!(brand.id = %brand_id, recorded, suppressed, refused, "consent events taken in");
        if outcomes.values().any(Outcome::is_worth_another_try) {
            once.forget();
        }
        let results = outcomes
            .into_iter()
            .zip(&request.events)
            .map(|((index, outcome), raw)| {
                let Ids { customer, event } = Ids::of(raw);
                RecordAnswer {
                    index,
                    customer,
                    event,
                    outcome,
                }
            })
            .collect();
        Ok(json(
            200,
            &ConsentsAnswer {
                results,
                recorded,
                suppressed,
                refused,
            },
        ))
    }

    /// Queues a confirmation for everyone with a request that was recorded, now or by an earlier try of this call. If the
    /// queue does not take them the caller has to try again: the events are recorded once all the same.
    async fn ask_to_confirm(
        &self,
        brand: &Brand,
        asked: Asked,
        outcomes: &BTreeMap<usize, Outcome>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let is_recorded = |index: &usize| matches!(outcomes.get(index), Some(Outcome::Recorded { .. }));
        let tasks = asked.tasks(brand, is_recorded, now);
        self.sends.send(&tasks).await.map_err(|failed| {
            tracing::error!(error = %with_causes(&failed), brand.id = %brand.id, "confirmations could not be queued");
            Problem::unavailable()
        })
    }

    /// Records events, each person's in their order and several people at once.
    async fn record(
        &self,
        brand: &Brand,
        by_customer: BTreeMap<CustomerId, Events>,
        now: Timestamp,
    ) -> Result<BTreeMap<usize, Outcome>, StoreError> {
        let wanted: Vec<_> = by_customer
            .iter()
            .map(|(customer, events)| (customer.clone(), ids(&events.events)))
            .collect();
        let people = self.tables.people_despite_contact(&brand.id, &wanted).await?;
        let recorded: Vec<Vec<(usize, Outcome)>> = stream::iter(people.into_iter().zip(by_customer.into_values()))
            .map(|(person, events)| {
                let span = tracing::info_span!("customer", brand.id = %brand.id, customer.id = %person.customer);
                self.record_person(brand, person, events, now).instrument(span)
            })
            .buffer_unordered(WRITES_AT_ONCE)
            .collect()
            .await;
        Ok(recorded.into_iter().flatten().collect())
    }

    /// Records one person's events in as few transactions as they fit in. Once one has failed, the later ones are not
    /// tried: the ledger keeps the order in which the events were sent.
    async fn record_person(
        &self,
        brand: &Brand,
        person: Person,
        events: Events,
        now: Timestamp,
    ) -> Vec<(usize, Outcome)> {
        let customer = person.customer.clone();
        let mut outcomes = Vec::with_capacity(events.indices.len());
        let mut read = Some(person);
        for together in events.events.chunks(MOST_EVENTS_TOGETHER) {
            match self.record_together(brand, &customer, together, read.take(), now).await {
                Ok(recorded) => outcomes.extend(
                    recorded
                        .into_iter()
                        .map(|Recorded { seq, state, duplicate }| Outcome::Recorded { seq, state, duplicate }),
                ),
                Err(StoreError::Erased) => {
                    outcomes.resize_with(events.indices.len(), || Outcome::Suppressed);
                    break;
                }
                Err(error) => {
                    let problem = Problem::from(error);
                    outcomes.resize_with(events.indices.len(), || Outcome::Refused {
                        problem: problem.clone(),
                    });
                    break;
                }
            }
        }
        events.indices.into_iter().zip(outcomes).collect()
    }

    /// Records events over what was read of their person, and over what is read again if that was stale.
    async fn record_together(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        events: &[(ConsentEvent, ConsentEventDocument)],
        read: Option<Person>,
        now: Timestamp,
    ) -> Result<Vec<Recorded>, StoreError> {
        let secrets = NewSecrets::random()?;
        let signs: Vec<EpochDay> = events
            .iter()
            .filter(|(event, _)| event.actor == Actor::Customer || event.act == Act::Grant)
            .map(|(event, _)| EpochDay::of(event.effective_at))
            .collect();
        let mut read = read;
        for _ in 0..MOST_TRIES {
            let person = match read.take() {
                Some(person) => person,
                None => {
                    let wanted = [(customer.clone(), ids(events))];
                    let mut people = self.tables.people_despite_contact(&brand.id, &wanted).await?;
                    people.pop().ok_or(StoreError::Contended)?
                }
            };
            if person.lapses_despite(brand, &signs, now)? {
                self.tables.expire(brand, customer, now).await?;
                continue;
            }
            let appended = self
                .tables
                .record_consents(&person, &brand.topics, events, &secrets, now)
                .await?;
            match appended {
                Appended::Done(recorded) => return Ok(recorded),
                Appended::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }
}

fn ids(events: &[(ConsentEvent, ConsentEventDocument)]) -> Vec<EventId> {
    events.iter().map(|(event, _)| event.id.clone()).collect()
}
