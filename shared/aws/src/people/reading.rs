//! People read, and their ledgers.

use std::collections::{HashMap, HashSet};

use apropos_core::consent::ConsentState;
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{ConsentEventDocument, ContactDocument, ContextDocument};
use apropos_core::ids::{BrandId, CustomerId, EventId};
use apropos_core::ledger::{LedgerEntry, ProofKey};
use apropos_core::link::LinkId;
use apropos_core::origin::Origins;
use jiff::Timestamp;

use super::{Person, Recorded};
use crate::names::{
    CELL, COMMITMENT, DOC, HASH, KEY, KIND, LINK, ORIGINS, PK, PREVIOUS, PROOF_KEY, RECORDED_AT, SEQ, SINCE, SK, STATE,
    Table, VERSION, ledger_guard, person,
};
use crate::standing;
use crate::store::{
    Item, StoreError, Tables, document, fixed, key, key2, number, optional_number, optional_text, optional_time, text,
};

impl Tables {
    /// Reads people together, strongly, in the order asked for, by whoever writes to their contact points. Beside each stand
    /// the consent events whose earlier recording is asked about; to record events, the person has to be read with them.
    ///
    /// # Errors
    /// [`StoreError`], also where the contact point of one cannot be read.
    pub async fn people(
        &self,
        brand: &BrandId,
        wanted: &[(CustomerId, Vec<EventId>)],
    ) -> Result<Vec<Person>, StoreError> {
        let people = self.read_people(brand, wanted).await?;
        if people.iter().any(Person::has_broken_contact) {
            return Err(StoreError::Corrupt { attribute: DOC });
        }
        Ok(people)
    }

    /// As [`people`](Self::people), by whoever does not need the contact point: one that cannot be read is left out, which
    /// the log says, and keeps its link and the hash of its address. Nobody is held to what they agreed to by it: withdrawing
    /// is as easy as giving (GDPR 7(3)), an objection is no matter of the address (GDPR 21).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn people_despite_contact(
        &self,
        brand: &BrandId,
        wanted: &[(CustomerId, Vec<EventId>)],
    ) -> Result<Vec<Person>, StoreError> {
        let people = self.read_people(brand, wanted).await?;
        for person in people.iter().filter(|person| person.has_broken_contact()) {
            tracing::error!(brand.id = %brand, customer.id = %person.customer, "a contact point cannot be read");
        }
        Ok(people)
    }

    async fn read_people(
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
                let at = first(&contacts, &pk);
                let (contact, link) = at.map(read_contact).transpose()?.unzip();
                let contact = contact.flatten();
                let origins: Origins = held.map(read_origins).transpose()?.unwrap_or_default();
                let mut person = Person {
                    brand: brand.clone(),
                    customer: customer.clone(),
                    standing: first(&standings, &pk)
                        .map(standing::read)
                        .transpose()?
                        .unwrap_or_default(),
                    context: held.map(read_context).transpose()?,
                    known_since: held.map(|item| read_since(item, &origins)).transpose()?.flatten(),
                    origins,
                    // Without a document the data lapsed: the link alone was left.
                    contact_is_broken: contact.is_none() && at.is_some_and(|item| item.contains_key(DOC)),
                    contact: contact.zip(link),
                    link,
                    audience_key: held
                        .map(|item| optional_text(item, CELL))
                        .transpose()?
                        .flatten()
                        .map(str::to_owned),
                    address: at
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

    /// One person, strongly read, by whoever writes to their contact point.
    ///
    /// # Errors
    /// [`StoreError`], also where the contact point cannot be read.
    pub async fn person(&self, brand: &BrandId, customer: &CustomerId) -> Result<Person, StoreError> {
        let mut people = self.people(brand, &[(customer.clone(), Vec::new())]).await?;
        people.pop().ok_or(StoreError::Contended)
    }

    /// As [`people_despite_contact`](Self::people_despite_contact), for one person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn person_despite_contact(&self, brand: &BrandId, customer: &CustomerId) -> Result<Person, StoreError> {
        let wanted = [(customer.clone(), Vec::new())];
        let mut people = self.people_despite_contact(brand, &wanted).await?;
        people.pop().ok_or(StoreError::Contended)
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
        let items = self.ledger_items(brand, customer).await?;
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

    /// The entries of a person's ledger as they are stored, oldest first.
    pub(crate) async fn ledger_items(&self, brand: &BrandId, customer: &CustomerId) -> Result<Vec<Item>, StoreError> {
        self.query(Table::Consents, person(brand, customer), Some("e#"), true)
            .await
    }
}

pub(super) fn read_ledger_entry(item: &Item) -> Result<LedgerEntry, StoreError> {
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

/// What was stored before this was kept is known at least since its oldest fact.
fn read_since(item: &Item, origins: &Origins) -> Result<Option<Timestamp>, StoreError> {
    let oldest = origins.0.values().map(|origin| origin.at).min();
    Ok(optional_time(item, SINCE)?.or(oldest))
}

/// `None` beside the link is a contact point that cannot be read, or none any more.
fn read_contact(item: &Item) -> Result<(Option<ContactPoint>, LinkId), StoreError> {
    let stored: Option<ContactDocument> = document(item, DOC).ok();
    let contact = stored.and_then(|stored| stored.parse(None).ok());
    Ok((contact, LinkId::from_bytes(fixed(item, LINK)?)))
}
