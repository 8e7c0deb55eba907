//! One person's items across tables, read together and written together: context, contact point, standing, ledger and
//! the audience's record. Every write is one transaction that checks and raises the standing's version, so the audience
//! never drifts from the consents and a race loses nothing.

mod choices;
mod filling;
mod lapses;

use std::collections::{HashMap, HashSet};

use apropos_core::audience::{AudienceRecord, ConsentHint, Habits};
use apropos_core::brand::Topics;
use apropos_core::consent::{ConsentEvent, ConsentState};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{ConsentEventDocument, ContactDocument, ContextDocument};
use apropos_core::habit::reaction;
use apropos_core::ids::{BrandId, CustomerId, EventId};
use apropos_core::ledger::{LedgerEntry, ProofKey, append};
use apropos_core::link::LinkId;
use apropos_core::origin::{Origins, Source, settle};
use apropos_core::retention::last_heard;
use apropos_core::standing::Standing;
use apropos_core::suppression::AddressHash;
use apropos_core::time::EpochDay;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::names::{
    BRAND, CELL, COMMITMENT, CUSTOMER, DATA, DOC, HASH, KEY, KIND, LINK, ORIGINS, PK, PREVIOUS, PROOF_KEY, RECORDED_AT,
    SEQ, SK, STATE, Table, VERSION, address, audience, ledger_entry, ledger_guard, person,
};
use crate::random::random;
use crate::standing;
use crate::store::{
    Item, StoreError, Tables, b, document, fixed, json, key, key2, ms, n, number, optional_number, optional_text, s,
    text,
};

pub use choices::Choices;
pub(crate) use choices::PREFERENCE;
pub use filling::Extra;

/// Everything on record about one person that a write needs to know.
#[derive(Debug, Clone)]
pub struct Person {
    /// Whose.
    pub brand: BrandId,
    /// Who.
    pub customer: CustomerId,
    /// Consents, limits, contacts, claims.
    pub standing: Standing,
    /// The context with its version, once known.
    pub context: Option<(CustomerContext, u32)>,
    /// Where each of its facts came from.
    pub origins: Origins,
    /// The contact point with its link, once known.
    pub contact: Option<(ContactPoint, LinkId)>,
    /// The partition that the audience's record is in.
    pub(crate) audience_key: Option<String>,
    /// The hash of the contact point's address, by which it is found.
    pub(crate) address: Option<String>,
    proof_key: Option<ProofKey>,
    recorded: HashMap<EventId, Recorded>,
}

/// Where an event stands in its person's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its sequence number, 1 for a person's first.
    pub seq: u32,
    /// [`ConsentState::code`] of its purpose just after it was recorded. A repeated event answers this first state too,
    /// whatever has happened since.
    pub state: &'static str,
    /// Whether it had been recorded before, in an earlier transaction or earlier in the same one.
    pub duplicate: bool,
}

/// How the recording of events ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// All are in the ledger; the answers are in the order of the events.
    Done(Vec<Recorded>),
    /// Someone else wrote in between, nothing was written: read again.
    Stale,
}

/// The most events of one transaction. Each takes 2 of DynamoDB's 100 items; the proof key, the standing and the
/// audience take up to 4 more, so 40 make 84 and leave room.
pub const MOST_EVENTS_TOGETHER: usize = 40;

/// How a transaction on a person ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All of it was written.
    Done,
    /// Someone else wrote in between, nothing was written: read again.
    Stale,
}

/// A contact point, with the keyed hash that finds its owner by the address.
#[derive(Debug, Clone, Copy)]
pub struct Addressed<'a> {
    /// Where to write to.
    pub contact: &'a ContactPoint,
    /// Of its address, for the person's brand.
    pub hash: AddressHash,
}

/// A fresh secret for each thing that a first write creates.
#[derive(Clone)]
pub struct NewSecrets {
    /// For a person's first ledger entry.
    pub proof_key: ProofKey,
    /// For a person's first contact point.
    pub link: LinkId,
}

impl NewSecrets {
    /// Both from the operating system's randomness.
    ///
    /// # Errors
    /// [`StoreError::Build`] when the system has none to give.
    pub fn random() -> Result<Self, StoreError> {
        Ok(Self {
            proof_key: ProofKey(random()?),
            link: LinkId::from_bytes(random()?),
        })
    }
}

impl Tables {
    /// Reads people together, strongly, in the order asked for. Beside each stand the consent events whose earlier
    /// recording is asked about; to record events, the person has to be read with them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn people(
        &self,
        brand: &BrandId,
        wanted: &[(CustomerId, Vec<EventId>)],
    ) -> Result<Vec<Person>, StoreError> {
        let mut keys = Vec::new();
        for (customer, events) in wanted {
            let pk = person(brand, customer);
            keys.push((Table::Standing, key(&pk)));
            keys.push((Table::Customers, key(&pk)));
            keys.push((Table::Contacts, key(&pk)));
            if !events.is_empty() {
                keys.push((Table::Consents, key2(&pk, PROOF_KEY)));
            }
            for event in events {
                keys.push((Table::Consents, key2(&pk, ledger_guard(event.as_str()))));
            }
        }
        // A person or an event asked about twice is read once: DynamoDB refuses a batch that repeats a key.
        let mut seen = HashSet::new();
        let mut once = Vec::with_capacity(keys.len());
        for (table, key) in keys {
            let sort = optional_text(&key, SK)?.map(str::to_owned);
            if seen.insert((table, text(&key, PK)?.to_owned(), sort)) {
                once.push((table, key));
            }
        }
        let found = self.get_many(once).await?;
        let by_pk = |table: Table| -> Result<HashMap<&str, Vec<&Item>>, StoreError> {
            let mut sorted: HashMap<&str, Vec<&Item>> = HashMap::new();
            for item in found.get(&table).into_iter().flatten() {
                sorted.entry(text(item, PK)?).or_default().push(item);
            }
            Ok(sorted)
        };
        let standings = by_pk(Table::Standing)?;
        let customers = by_pk(Table::Customers)?;
        let contacts = by_pk(Table::Contacts)?;
        let ledgers = by_pk(Table::Consents)?;
        wanted
            .iter()
            .map(|(customer, events)| {
                let pk = person(brand, customer);
                let held = first(&customers, &pk);
                let mut person = Person {
                    brand: brand.clone(),
                    customer: customer.clone(),
                    standing: first(&standings, &pk)
                        .map(standing::read)
                        .transpose()?
                        .unwrap_or_default(),
                    context: held.map(read_context).transpose()?,
                    origins: held.map(read_origins).transpose()?.unwrap_or_default(),
                    contact: first(&contacts, &pk).map(read_contact).transpose()?,
                    audience_key: held
                        .map(|item| optional_text(item, CELL))
                        .transpose()?
                        .flatten()
                        .map(str::to_owned),
                    address: first(&contacts, &pk)
                        .map(|item| optional_text(item, HASH))
                        .transpose()?
                        .flatten()
                        .map(str::to_owned),
                    proof_key: None,
                    recorded: HashMap::new(),
                };
                for item in ledgers.get(pk.as_str()).into_iter().flatten() {
                    read_ledger_item(item, events, &mut person)?;
                }
                Ok(person)
            })
            .collect()
    }

    /// One person, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn person(&self, brand: &BrandId, customer: &CustomerId) -> Result<Person, StoreError> {
        let mut people = self.people(brand, &[(customer.clone(), Vec::new())]).await?;
        people.pop().ok_or(StoreError::Contended)
    }

    /// Appends events to a person's ledger as [`record_consents`](Self::record_consents) does, for callers who need no
    /// answer for each.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn append_consents(
        &self,
        person: &Person,
        topics: &Topics,
        events: &[(ConsentEvent, ConsentEventDocument)],
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        match self.record_consents(person, topics, events, secrets, now).await? {
            Appended::Done(_) => Ok(Written::Done),
            Appended::Stale => Ok(Written::Stale),
        }
    }

    /// Appends at most [`MOST_EVENTS_TOGETHER`] events to a person's ledger, folds them into the standing and moves the
    /// audience's hint, in one transaction. An event already recorded is passed over and answers as it did the first
    /// time; the id alone tells, not what else the event says.
    ///
    /// `person` was read by [`people`](Self::people) together with these events.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn record_consents(
        &self,
        person: &Person,
        topics: &Topics,
        events: &[(ConsentEvent, ConsentEventDocument)],
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        person.may_be_written()?;
        let pk = names_pk(person);
        let mut standing = person.standing.clone();
        let mut known = person.recorded.clone();
        let mut writes = Vec::new();
        let mut answers = Vec::with_capacity(events.len());
        let proof_key = person.proof_key.as_ref().unwrap_or(&secrets.proof_key);
        for (event, document) in events {
            if let Some(first) = known.get(&event.id) {
                answers.push(Recorded {
                    duplicate: true,
                    ..*first
                });
                continue;
            }
            let canonical = serde_json::to_string(document).map_err(|error| StoreError::Build(Box::new(error)))?;
            let entry = append(standing.head, &canonical, proof_key, now);
            standing.head = entry.head();
            standing.consents.record(event, entry.seq);
            let recorded = Recorded {
                seq: entry.seq,
                state: standing.consents.state(&event.purpose, now).code(),
                duplicate: false,
            };
            writes.push(self.put_new(Table::Consents, ledger_item(&pk, &entry, canonical))?);
            let mut guard = key2(&pk, ledger_guard(event.id.as_str()));
            guard.insert(SEQ.to_owned(), n(recorded.seq));
            guard.insert(STATE.to_owned(), s(recorded.state));
            writes.push(self.put_new(Table::Consents, guard)?);
            known.insert(event.id.clone(), recorded);
            answers.push(recorded);
        }
        if writes.is_empty() {
            return Ok(Appended::Done(answers));
        }
        if person.proof_key.is_none() {
            let mut item = key2(&pk, PROOF_KEY);
            item.insert(KEY.to_owned(), b(proof_key.0));
            writes.push(self.put_new(Table::Consents, item)?);
        }
        writes.push(self.move_standing(&pk, person, &standing)?);
        writes.extend(self.audience_writes(person, &standing, person.context.as_ref(), topics, now)?);
        Ok(match self.transact(writes).await? {
            Written::Done => Appended::Done(answers),
            Written::Stale => Appended::Stale,
        })
    }

    /// Stores a person's context and, if given, contact point over the former ones, and derives the audience's record
    /// again, in one transaction of at most 8 items.
    ///
    /// What is the same as before is not written again, so a context that did not change keeps its version and what was
    /// decided on it can still be explained. The audience's record is derived all the same: its lifecycle follows the
    /// calendar.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn put_context(
        &self,
        person: &Person,
        topics: &Topics,
        context: &CustomerContext,
        contact: Option<Addressed<'_>>,
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let said = (Source::Brand, context);
        self.put_context_from(person, topics, said, contact, secrets, now).await
    }

    /// As [`put_context`](Self::put_context), for whoever says it.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn put_context_from(
        &self,
        person: &Person,
        topics: &Topics,
        (source, said): (Source, &CustomerContext),
        contact: Option<Addressed<'_>>,
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        person.may_be_written()?;
        let pk = names_pk(person);
        let (context, origins) = person.settled(said, source, now);
        let context = &context;
        let version = person.next_version(context);
        let mut writes = Vec::new();
        if person.context.as_ref().is_none_or(|(held, _)| held != context) || person.origins != origins {
            let mut item = key(&pk);
            item.insert(VERSION.to_owned(), n(version));
            item.insert(DOC.to_owned(), json(&ContextDocument::of(context))?);
            item.insert(ORIGINS.to_owned(), json(&origins)?);
            item.insert(CELL.to_owned(), s(audience_key(person, context)));
            writes.push(put(self.name(Table::Customers), item)?);
        }
        let held = person.contact.as_ref().map(|(held, _)| held);
        if let Some(Addressed { contact, hash }) = contact.filter(|new| held != Some(new.contact)) {
            writes.extend(self.move_address(person, hash).await?);
            let link = person.contact.as_ref().map_or(secrets.link, |(_, link)| *link);
            let mut item = key(&pk);
            item.insert(DOC.to_owned(), json(&ContactDocument::of(contact))?);
            item.insert(LINK.to_owned(), b(link.bytes()));
            item.insert(HASH.to_owned(), s(hash.to_text()));
            writes.push(put(self.name(Table::Contacts), item)?);
            if person.contact.is_none() {
                let mut item = key(link.to_text());
                item.insert(BRAND.to_owned(), s(person.brand.as_str()));
                item.insert(CUSTOMER.to_owned(), s(person.customer.as_str()));
                writes.push(self.put_new(Table::Links, item)?);
            }
        }
        writes.push(self.move_standing(&pk, person, &person.standing)?);
        writes.extend(self.audience_writes(
            person,
            &person.standing,
            Some(&(context.clone(), version)),
            topics,
            now,
        )?);
        self.transact(writes).await
    }

    /// The address leads to the person from now on, and a former one no longer does: unless it leads to somebody else by
    /// now, as it may where people share one.
    async fn move_address(&self, person: &Person, hash: AddressHash) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pk = address(&person.brand, &hash.to_text());
        let mut writes = Vec::new();
        let former = person.address.as_ref().map(|former| address(&person.brand, former));
        if let Some(former) = former.filter(|former| *former != pk) {
            let owner = self.get(Table::Contacts, key(&former)).await?;
            let owner = owner.as_ref().map(|item| text(item, CUSTOMER)).transpose()?;
            if owner == Some(person.customer.as_str()) {
                let delete = Delete::builder()
                    .table_name(self.name(Table::Contacts))
                    .set_key(Some(key(former)))
                    .condition_expression("#customer = :customer")
                    .expression_attribute_names("#customer", CUSTOMER)
                    .expression_attribute_values(":customer", s(person.customer.as_str()))
                    .build()
                    .map_err(|error| StoreError::Build(Box::new(error)))?;
                writes.push(TransactWriteItem::builder().delete(delete).build());
            }
        }
        let mut item = key(pk);
        item.insert(CUSTOMER.to_owned(), s(person.customer.as_str()));
        writes.push(put(self.name(Table::Contacts), item)?);
        Ok(writes)
    }

    /// The standing under its next version, on condition that it is still the one that was read.
    fn move_standing(&self, pk: &str, person: &Person, next: &Standing) -> Result<TransactWriteItem, StoreError> {
        if person.standing.version == 0 {
            return self.put_new(Table::Standing, standing::first_item(pk.to_owned(), next)?);
        }
        let mut update = Update::builder()
            .table_name(self.name(Table::Standing))
            .set_key(Some(key(pk)))
            .condition_expression("#v = :seen")
            .expression_attribute_values(":seen", n(person.standing.version));
        let mut sets = Vec::new();
        for (name, value) in standing::consent_update(next)? {
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
            sets.push(format!("#{name} = :{name}"));
        }
        let update = update
            .update_expression(format!("SET {}", sets.join(", ")))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn audience_writes(
        &self,
        person: &Person,
        standing: &Standing,
        context: Option<&(CustomerContext, u32)>,
        topics: &Topics,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Some((context, version)) = context else {
            return Ok(Vec::new());
        };
        let record = derive(context, *version, standing, topics, now);
        let pk = audience_key(person, context);
        let mut writes = Vec::new();
        if let Some(old) = person.audience_key.as_ref().filter(|old| **old != pk) {
            let delete = Delete::builder()
                .table_name(self.name(Table::Audience))
                .set_key(Some(key2(old, person.customer.as_str())))
                .build()
                .map_err(|error| StoreError::Build(Box::new(error)))?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        writes.push(put(
            self.name(Table::Audience),
            audience_record_item(person, pk, &record),
        )?);
        Ok(writes)
    }

    pub(crate) fn put_new(&self, table: Table, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(self.name(table))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PK)
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                // A condition that failed and a conflict with another transaction both mean: read and try again.
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled.cancellation_reasons().iter().any(|reason| {
                        matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))
                    }) =>
                {
                    Ok(Written::Stale)
                }
                // The SDK sees one error for the whole transaction; whether a retry helps stands in its reasons.
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled.cancellation_reasons().iter().any(|reason| {
                        matches!(reason.code(), Some("ThrottlingError" | "ProvisionedThroughputExceeded"))
                    }) =>
                {
                    Err(StoreError::Call {
                        operation: "TransactWriteItems",
                        transient: true,
                        source: Box::new(error),
                    })
                }
                _ => Err(StoreError::call("TransactWriteItems")(error)),
            },
        }
    }

    /// The key that a person's commitments are made under, for the person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proof_key(&self, brand: &BrandId, customer: &CustomerId) -> Result<Option<ProofKey>, StoreError> {
        let item = self
            .get(Table::Consents, key2(person(brand, customer), PROOF_KEY))
            .await?;
        item.map(|item| Ok(ProofKey(fixed(&item, KEY)?))).transpose()
    }

    /// A person's ledger, oldest entry first, with the clear consent events that are still kept. Preferences are entries
    /// too: [`ledger_texts`](Self::ledger_texts) has their text.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
    ) -> Result<Vec<(LedgerEntry, Option<ConsentEventDocument>)>, StoreError> {
        let items = self
            .query(Table::Consents, person(brand, customer), Some("e#"), true)
            .await?;
        items
            .iter()
            .map(|item| {
                let entry = read_ledger_entry(item)?;
                let is_consent = optional_text(item, KIND)?.is_none() && optional_text(item, DOC)?.is_some();
                let document = is_consent.then(|| document(item, DOC)).transpose()?;
                Ok((entry, document))
            })
            .collect()
    }

    /// All items of a partition whose sort key begins so, across result pages.
    pub(crate) async fn query(
        &self,
        table: Table,
        pk: String,
        sk_prefix: Option<&str>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(self.name(table))
                .consistent_read(consistent)
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":pk", s(&pk))
                .set_exclusive_start_key(start);
            query = match sk_prefix {
                None => query.key_condition_expression("#pk = :pk"),
                Some(prefix) => query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :sk)")
                    .expression_attribute_names("#sk", SK)
                    .expression_attribute_values(":sk", s(prefix)),
            };
            let answer = query.send().await.map_err(StoreError::call("Query"))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|last| !last.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

/// The record that the audience holds for a context and a standing: the one derivation, used when writing the audience
/// and again just before sending.
#[must_use]
pub fn derive(
    context: &CustomerContext,
    version: u32,
    standing: &Standing,
    topics: &Topics,
    now: Timestamp,
) -> AudienceRecord {
    let hint = ConsentHint::of(&standing.consents, topics, now);
    let habits = Habits {
        threshold: standing.limits.threshold,
        quarters_ahead: context.time_zone.as_ref().map(|zone| zone.quarters_ahead(now)),
        last_contact: standing.contacts.last().map(EpochDay::of),
        // Whoever has no yes has none that could lapse: the sweep for lapses looks no further at them.
        heard_on: standing
            .consents
            .yeses(now)
            .next()
            .and_then(|_| last_heard(standing, Some(context)))
            .map(EpochDay::of),
        reaction: reaction(&standing.contacts, context.last_act(), now),
    };
    AudienceRecord::derive(context, version, hint, habits, now)
}

impl Person {
    /// Someone of whom only this is known, and nothing is recorded yet.
    #[must_use]
    pub fn of(
        brand: BrandId,
        customer: CustomerId,
        context: Option<(CustomerContext, u32)>,
        contact: Option<(ContactPoint, LinkId)>,
    ) -> Self {
        Self {
            brand,
            customer,
            standing: Standing::default(),
            context,
            origins: Origins::default(),
            contact,
            address: None,
            audience_key: None,
            proof_key: None,
            recorded: HashMap::new(),
        }
    }

    /// Whether the person had their data erased; then nothing about them is taken in.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        self.standing.erased.is_some()
    }

    /// Whatever a caller forgot to ask, nothing is written over an erasure.
    const fn may_be_written(&self) -> Result<(), StoreError> {
        if self.is_erased() {
            Err(StoreError::Erased)
        } else {
            Ok(())
        }
    }

    /// The sequence number under which an event was recorded before.
    #[must_use]
    pub fn recorded(&self, event: &EventId) -> Option<u32> {
        self.recorded.get(event).map(|recorded| recorded.seq)
    }

    fn settled(&self, said: &CustomerContext, source: Source, now: Timestamp) -> (CustomerContext, Origins) {
        let held = self.context.as_ref().map(|(context, _)| (context, &self.origins));
        settle(held, said, source, now)
    }

    /// The version that the context will have when a brand sends this: the next one, or the held one where nothing
    /// changes.
    #[must_use]
    pub fn version_for(&self, said: &CustomerContext) -> u32 {
        self.next_version(&self.settled(said, Source::Brand, Timestamp::UNIX_EPOCH).0)
    }

    fn next_version(&self, context: &CustomerContext) -> u32 {
        match &self.context {
            Some((held, version)) if held == context => *version,
            Some((_, version)) => version + 1,
            None => 1,
        }
    }

    /// Whether the audience already has a record, so that its cell is in the directory.
    #[must_use]
    pub fn audience_cell(&self) -> Option<&str> {
        self.audience_key.as_deref().map(cell_of)
    }

    /// The cell key that the audience's record will be under with this very context.
    #[must_use]
    pub fn cell_for_own(&self, context: &CustomerContext) -> String {
        cell_of(&audience_key(self, context)).to_owned()
    }

    /// The cell key that the audience's record will be under when a brand sends this context.
    #[must_use]
    pub fn cell_for(&self, said: &CustomerContext) -> String {
        let (context, _) = self.settled(said, Source::Brand, Timestamp::UNIX_EPOCH);
        cell_of(&audience_key(self, &context)).to_owned()
    }
}

/// People without a place, and people who have not agreed to its use, are not listed by it; `nowhere` holds them.
pub(crate) const NOWHERE: &str = "nowhere";

/// The partition of a person's audience record. The home is in it only once: as the cell that the context holds.
fn audience_key(person: &Person, context: &CustomerContext) -> String {
    let cell = context
        .home
        .map_or_else(|| NOWHERE.to_owned(), |home| home.cell.parent5().to_string());
    audience(&person.brand, &cell, 0)
}

/// At most 118 bytes with ids of 20 bytes and 206 with the longest, of 64: between 8 900 and 5 100 in a page of 1 MB. Eleven
/// of them only while a current place holds; four more for whoever pauses.
fn audience_record_item(person: &Person, pk: String, record: &AudienceRecord) -> Item {
    let mut item = key2(pk, person.customer.as_str());
    item.insert(DATA.to_owned(), b(record.to_bytes()));
    item
}

fn cell_of(audience_key: &str) -> &str {
    audience_key.split('#').nth(1).unwrap_or_default()
}

fn names_pk(person: &Person) -> String {
    crate::names::person(&person.brand, &person.customer)
}

fn put(table: String, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .build()
        .map_err(|error| StoreError::Build(Box::new(error)))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn ledger_item(pk: &str, entry: &LedgerEntry, canonical: String) -> Item {
    let mut item = key2(pk, ledger_entry(entry.seq));
    let values: [(&str, AttributeValue); 6] = [
        (SEQ, n(entry.seq)),
        (RECORDED_AT, ms(entry.recorded_at)),
        (PREVIOUS, b(entry.previous)),
        (COMMITMENT, b(entry.commitment)),
        (HASH, b(entry.hash)),
        (DOC, AttributeValue::S(canonical)),
    ];
    item.extend(values.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn read_ledger_entry(item: &Item) -> Result<LedgerEntry, StoreError> {
    Ok(LedgerEntry {
        seq: number(item, SEQ)?,
        recorded_at: crate::store::time(item, RECORDED_AT)?,
        previous: fixed(item, PREVIOUS)?,
        commitment: fixed(item, COMMITMENT)?,
        hash: fixed(item, HASH)?,
    })
}

fn read_ledger_item(item: &Item, events: &[EventId], person: &mut Person) -> Result<(), StoreError> {
    let sk = text(item, SK)?;
    if sk == PROOF_KEY {
        person.proof_key = Some(ProofKey(fixed(item, KEY)?));
    } else if let Some(event) = events.iter().find(|event| sk == ledger_guard(event.as_str())) {
        let recorded = Recorded {
            seq: number(item, SEQ)?,
            state: state_code(text(item, STATE)?).ok_or(StoreError::Corrupt { attribute: STATE })?,
            duplicate: true,
        };
        person.recorded.insert(event.clone(), recorded);
    }
    Ok(())
}

fn state_code(text: &str) -> Option<&'static str> {
    [
        ConsentState::Unknown,
        ConsentState::Pending,
        ConsentState::Granted { record: 0 },
        ConsentState::Denied,
        ConsentState::Withdrawn,
        ConsentState::Expired,
    ]
    .into_iter()
    .map(ConsentState::code)
    .find(|code| *code == text)
}

fn first<'a>(items: &HashMap<&str, Vec<&'a Item>>, pk: &str) -> Option<&'a Item> {
    items.get(pk)?.first().copied()
}

pub(crate) fn read_context(item: &Item) -> Result<(CustomerContext, u32), StoreError> {
    let stored: ContextDocument = document(item, DOC)?;
    let context = CustomerContext::try_from(&stored)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: DOC })?;
    Ok((context, optional_number(item, VERSION)?.unwrap_or(1)))
}

/// What was stored before origins were kept has none.
fn read_origins(item: &Item) -> Result<Origins, StoreError> {
    if item.contains_key(ORIGINS) {
        document(item, ORIGINS)
    } else {
        Ok(Origins::default())
    }
}

fn read_contact(item: &Item) -> Result<(ContactPoint, LinkId), StoreError> {
    let stored: ContactDocument = document(item, DOC)?;
    let contact = stored.parse(None).ok().ok_or(StoreError::Corrupt { attribute: DOC })?;
    Ok((contact, LinkId::from_bytes(fixed(item, LINK)?)))
}

#[cfg(test)]
mod tests;
