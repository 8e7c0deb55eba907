//! Records what a person wants: only what does not hold yet, in one transaction, tried again when others wrote in between.

use apropos_aws::{Choices, MOST_EVENTS_TOGETHER, NewSecrets, Person, StoreError, Written, random};
use apropos_core::brand::Brand;
use apropos_core::consent::ConsentEvent;
use apropos_core::context::CustomerContext;
use apropos_core::document::{ConsentEventDocument, EvidenceDocument, PreferenceEventDocument};
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::preference::Preference;
use jiff::{SignedDuration, Timestamp};

use crate::Handler;
use crate::choice::{Choice, MOST_ACTS, Road, protects};
use crate::handler::MOST_TRIES;

/// The most changes of one person in [`CHANGES_WITHIN`], counted by their ledger itself, so that neither a page that is
/// only read nor one that is saved without a change costs a write. A link may be forwarded, and a program may press its
/// buttons; what protects the person is recorded all the same.
const MOST_CHANGES: u32 = 120;
const CHANGES_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What a person wants.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) choices: &'a [Choice],
    pub(crate) preferences: &'a [Preference],
    pub(crate) road: Road,
}

/// How it ended.
pub(crate) enum Recording {
    /// All of it holds; the person as they are after it.
    Done(Box<Person>),
    /// Nothing was recorded.
    TooOften,
    /// Nothing was recorded: the person's data lapsed, so there is nobody whom a yes or a preference could reach. What protects
    /// them is recorded all the same, since it holds when they come back.
    Forgotten,
}

/// Records all that does not hold yet.
pub(crate) async fn all(
    handler: &Handler,
    brand: &Brand,
    customer: &CustomerId,
    wanted: Wanted<'_>,
) -> Result<Recording, StoreError> {
    let tables = &handler.tables;
    let ids = Ids::new()?;
    let secrets = NewSecrets::random()?;
    // The proof key is read with an event only.
    let first = ids.at(0)?;
    for _ in 0..MOST_TRIES {
        let now = handler.clock.now();
        let mut found = tables
            .people_to_change(brand, &[(customer.clone(), vec![first.clone()])], now)
            .await?;
        let person = found.pop().ok_or(StoreError::Contended)?;
        let mut consents = consents(brand, &person, wanted, &ids, now)?;
        // The rest of a very long form comes in the next turn.
        let room = MOST_EVENTS_TOGETHER.saturating_sub(wanted.preferences.len());
        let is_whole = consents.len() <= room;
        consents.truncate(room);
        let preferences = preferences(&person, wanted, &ids, now)?;
        if consents.is_empty() && preferences.is_empty() {
            return Ok(Recording::Done(Box::new(person)));
        }
        let only_protects = preferences.is_empty() && consents.iter().all(|(event, _)| protects(event));
        if !only_protects && person.is_forgotten() {
            return Ok(Recording::Forgotten);
        }
        if !only_protects && is_too_often(handler, &person, now).await? {
            return Ok(Recording::TooOften);
        }
        let choices = Choices {
            consents: &consents,
            preferences: &preferences,
        };
        match tables
            .record_choices(&person, &brand.topics, choices, &secrets, now)
            .await?
        {
            Written::Done => {
                log(brand, customer, &consents, &preferences);
                if is_whole {
                    return Ok(Recording::Done(Box::new(after(person, &consents, &preferences))));
                }
            }
            Written::Stale => {}
        }
    }
    Err(StoreError::Contended)
}

fn consents(
    brand: &Brand,
    person: &Person,
    wanted: Wanted<'_>,
    ids: &Ids,
    now: Timestamp,
) -> Result<Vec<(ConsentEvent, ConsentEventDocument)>, StoreError> {
    let held = &person.standing.consents;
    let mut events = Vec::new();
    for (position, choice) in wanted.choices.iter().enumerate() {
        // A button says what it says even where it holds by somebody else's word; a box of a form only when it is turned.
        if wanted.road == Road::PreferenceForm && !choice.turns(held, now) {
            continue;
        }
        let ids = [ids.at(position * MOST_ACTS)?, ids.at(position * MOST_ACTS + 1)?];
        let missing = choice.events(wanted.road, brand, held, &ids, now);
        events.extend(missing.map_err(|error| StoreError::Build(Box::new(error)))?);
    }
    Ok(events)
}

fn preferences(
    person: &Person,
    wanted: Wanted<'_>,
    ids: &Ids,
    now: Timestamp,
) -> Result<Vec<(Preference, PreferenceEventDocument)>, StoreError> {
    let contact = person.contact.as_ref().map(|(contact, _)| contact);
    let context = person.context.as_ref().map(|(context, _)| context);
    let past_choices = wanted.choices.len() * MOST_ACTS;
    wanted
        .preferences
        .iter()
        .enumerate()
        .filter(|(_, preference)| !preference.holds(&person.standing.limits, contact, context))
        .map(|(position, preference)| {
            let id = ids.at(past_choices + position)?;
            let evidence = EvidenceDocument {
                affirmative_action: "saved_form".to_owned(),
                method: "preference_page".to_owned(),
                notice: None,
                source: "/p".to_owned(),
                double_opt_in_at: None,
                previous: None,
            };
            let document = PreferenceEventDocument::of(&id, preference, now, evidence);
            Ok((preference.clone(), document))
        })
        .collect()
}

async fn is_too_often(handler: &Handler, person: &Person, now: Timestamp) -> Result<bool, StoreError> {
    let recorded = handler.tables.recorded_back(person, MOST_CHANGES).await?;
    Ok(recorded.is_some_and(|at| now.duration_since(at) < CHANGES_WITHIN))
}

/// The person after what was just written, without reading them again.
fn after(
    mut person: Person,
    consents: &[(ConsentEvent, ConsentEventDocument)],
    preferences: &[(Preference, PreferenceEventDocument)],
) -> Person {
    for (event, _) in consents {
        let seq = person.standing.head.seq.saturating_add(1);
        person.standing.head.seq = seq;
        person.standing.consents.record(event, seq);
    }
    for (preference, _) in preferences {
        let context: Option<&mut CustomerContext> = person.context.as_mut().map(|(context, _)| context);
        let contact = person.contact.as_mut().map(|(contact, _)| contact);
        preference.apply(&mut person.standing.limits, contact, context);
    }
    person
}

/// What was changed and not to what: interests and hours are the person's own.
fn log(
    brand: &Brand,
    customer: &CustomerId,
    consents: &[(ConsentEvent, ConsentEventDocument)],
    preferences: &[(Preference, PreferenceEventDocument)],
) {
    for (event, _) in consents {
        tracing::info!(
            brand.id = %brand.id,
            customer.id = %customer,
            purpose = event.purpose.code(),
            act = event.act.code(),
            "a choice was recorded"
        );
    }
    for (preference, _) in preferences {
        tracing::info!(
            brand.id = %brand.id,
            customer.id = %customer,
            preference = preference.code(),
            "a preference was recorded"
        );
    }
}

/// The ids of one request's events: the same ones on every try, so that what was written after all is not written twice.
struct Ids(String);

impl Ids {
    fn new() -> Result<Self, StoreError> {
        let bytes: [u8; 16] = random()?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    fn at(&self, position: usize) -> Result<EventId, StoreError> {
        EventId::new(format!("{}-{position}", self.0)).map_err(|error| StoreError::Build(Box::new(error)))
    }
}
