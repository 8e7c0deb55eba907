//! One person's items across tables, read together and written together: context, contact point, standing, ledger and
//! the audience's record. Every write is one transaction that checks and raises the standing's version, so the audience
//! never drifts from the consents and a race loses nothing.

mod choices;
mod ended_place;
mod filling;
mod lapsed_data;
mod lapses;
mod reading;

use std::collections::HashMap;

use apropos_core::audience::{AudienceRecord, ConsentHint, Habits};
use apropos_core::brand::Topics;
use apropos_core::consent::ConsentEvent;
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{ConsentEventDocument, ContactDocument, ContextDocument};
use apropos_core::habit::reaction;
use apropos_core::ids::{BrandId, CustomerId, EventId};
use apropos_core::ledger::{LedgerEntry, ProofKey, append};
use apropos_core::link::LinkId;
use apropos_core::origin::{Origins, Source, settle};
use apropos_core::retention::last_heard;
use apropos_core::standing::Standing;
use apropos_core::suppression::{AddressHash, Pepper, address_hash};
use apropos_core::time::EpochDay;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::names::{
    BRAND, CELL, COMMITMENT, CUSTOMER, DATA, DOC, HASH, KEY, LINK, ORIGINS, PREVIOUS, PROOF_KEY, RECORDED_AT, SEQ,
    SINCE, STATE, Table, VERSION, address, audience, ledger_entry, ledger_guard,
};
use crate::random::random;
use crate::standing;
use crate::store::{Item, StoreError, Tables, b, json, key, key2, ms, n, s, text};

pub use choices::Choices;
pub(crate) use choices::PREFERENCE;
pub use ended_place::EndedPlace;
pub use filling::Extra;
pub use lapsed_data::{DataLapse, PastLapse, Traced};
pub(crate) use reading::read_context;

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
    /// The hash of the contact point's address, by which it is found, also where the rest of it cannot be read.
    pub(crate) address: Option<String>,
    /// The contact point's link, also where the rest of it cannot be read.
    pub(crate) link: Option<LinkId>,
    contact_is_broken: bool,
    /// Since when anything is kept of them.
    known_since: Option<Timestamp>,
    proof_key: Option<ProofKey>,
    recorded: HashMap<EventId, Recorded>,
}

/// Where an event stands in its person's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its sequence number, 1 for a person's first.
    pub seq: u32,
    /// [`ConsentState::code`](apropos_core::consent::ConsentState::code) of its purpose just after it was recorded. A
    /// repeated event answers this first state too, whatever has happened since.
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
        let is_as_before = person.context.as_ref().is_some_and(|(held, _)| held == context);
        if !is_as_before || person.origins != origins || person.known_since.is_none() {
            let item = customer_item(person, (context, version), &origins, now)?;
            writes.push(self.put_over(Table::Customers, item)?);
        }
        let held = person.contact.as_ref().map(|(held, _)| held);
        if let Some(Addressed { contact, hash }) = contact.filter(|new| held != Some(new.contact)) {
            writes.extend(self.move_address(person, hash).await?);
            let link = person.link.unwrap_or(secrets.link);
            let mut item = key(&pk);
            item.insert(DOC.to_owned(), json(&ContactDocument::of(contact))?);
            item.insert(LINK.to_owned(), b(link.bytes()));
            item.insert(HASH.to_owned(), s(hash.to_text()));
            writes.push(self.put_over(Table::Contacts, item)?);
            if person.link.is_none() {
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
            writes.extend(self.leave_address(person, former).await?);
        }
        let mut item = key(pk);
        item.insert(CUSTOMER.to_owned(), s(person.customer.as_str()));
        writes.push(self.put_over(Table::Contacts, item)?);
        Ok(writes)
    }

    /// What leads from an address to the person, by its key, goes, unless it leads to somebody else by now.
    async fn leave_address(&self, person: &Person, pk: String) -> Result<Option<TransactWriteItem>, StoreError> {
        let owner = self.get(Table::Contacts, key(&pk)).await?;
        let owner = owner.as_ref().map(|item| text(item, CUSTOMER)).transpose()?;
        if owner != Some(person.customer.as_str()) {
            return Ok(None);
        }
        let delete = Delete::builder()
            .table_name(self.name(Table::Contacts))
            .set_key(Some(key(pk)))
            .condition_expression("#customer = :customer")
            .expression_attribute_names("#customer", CUSTOMER)
            .expression_attribute_values(":customer", s(person.customer.as_str()))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(Some(TransactWriteItem::builder().delete(delete).build()))
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
        let mut record = derive(context, *version, standing, topics, now);
        let known_since = person.known_since.unwrap_or(now);
        record.heard_on = record.heard_on.or_else(|| Some(EpochDay::of(known_since)));
        let pk = audience_key(person, context);
        let mut writes = Vec::new();
        if let Some(old) = person.audience_key.as_ref().filter(|old| **old != pk) {
            writes.push(self.delete(Table::Audience, key2(old, person.customer.as_str()))?);
        }
        writes.push(self.put_over(Table::Audience, audience_record_item(person, pk, &record))?);
        Ok(writes)
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
        heard_on: last_heard(standing, Some(context)).map(EpochDay::of),
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
            link: contact.as_ref().map(|(_, link)| *link),
            contact,
            contact_is_broken: false,
            known_since: None,
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

    /// Whether a contact point is stored that cannot be read.
    #[must_use]
    pub const fn has_broken_contact(&self) -> bool {
        self.contact_is_broken
    }

    /// The keyed hash of the person's address: as it was stored where the address itself cannot be read.
    pub(crate) fn address_hash(&self, pepper: &Pepper) -> Option<AddressHash> {
        match &self.contact {
            Some((contact, _)) => Some(address_hash(pepper, &self.brand, &contact.address)),
            None => AddressHash::from_text(self.address.as_deref()?),
        }
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

/// Of whoever bought and likes eight categories at most 141 bytes with ids of 20 bytes and 229 with the longest, of 64: between
/// 7 500 and 4 600 in a page of 1 MB. Of 64 of each it is 365 and 453. Eleven of them only while a current place is kept; four more
/// for whoever pauses.
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

/// Since when anything is kept is told once, and stays.
fn customer_item(
    person: &Person,
    (context, version): (&CustomerContext, u32),
    origins: &Origins,
    now: Timestamp,
) -> Result<Item, StoreError> {
    let mut item = key(names_pk(person));
    item.insert(VERSION.to_owned(), n(version));
    item.insert(DOC.to_owned(), json(&ContextDocument::of(context))?);
    item.insert(ORIGINS.to_owned(), json(origins)?);
    item.insert(CELL.to_owned(), s(audience_key(person, context)));
    item.insert(SINCE.to_owned(), ms(person.known_since.unwrap_or(now)));
    Ok(item)
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

#[cfg(test)]
mod tests;
