//! What a person changes about themselves: consents and preferences together, in one transaction and one ledger.

use apropos_core::brand::Topics;
use apropos_core::consent::ConsentEvent;
use apropos_core::document::{ConsentEventDocument, ContactDocument, LedgerText, PreferenceEventDocument};
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::ledger::{LedgerEntry, append};
use apropos_core::origin::Source;
use apropos_core::preference::Preference;
use jiff::Timestamp;
use serde::Serialize;

use super::reading::read_ledger_entry;
use super::{NewSecrets, Person, Written, customer_item, ledger_item, names_pk};
use crate::names::{DOC, HASH, KEY, KIND, LINK, PROOF, PROOF_KEY, SEQ, STATE, Table, ledger_entry, ledger_guard};
use crate::store::{StoreError, Tables, b, document, json, key, key2, n, optional_text, s, time};

/// What marks a ledger entry as a preference; consents came first and have no mark.
pub(crate) const PREFERENCE: &str = "preference";

/// What a person changes in one go: at most [`MOST_EVENTS_TOGETHER`](crate::MOST_EVENTS_TOGETHER) in all.
#[derive(Clone, Copy)]
pub struct Choices<'a> {
    /// Yeses, noes, objections.
    pub consents: &'a [(ConsentEvent, ConsentEventDocument)],
    /// How they want to be written to.
    pub preferences: &'a [(Preference, PreferenceEventDocument)],
}

impl Tables {
    /// Records what a person changed: each change an entry of their ledger, the standing under its next version, contact
    /// point and context where a preference is kept there, and the audience's record, all or nothing.
    ///
    /// Nothing is checked for having been recorded before: a caller records only what does not hold yet, and reads again
    /// when the standing moved.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn record_choices(
        &self,
        person: &Person,
        topics: &Topics,
        choices: Choices<'_>,
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        person.may_be_written()?;
        let pk = names_pk(person);
        let proof_key = person.proof_key.as_ref().unwrap_or(&secrets.proof_key);
        let mut standing = person.standing.clone();
        let mut contact = person.contact.as_ref().map(|(contact, _)| contact.clone());
        let mut context = person.context.as_ref().map(|(context, _)| context.clone());
        let mut writes = Vec::new();
        for (event, stored) in choices.consents {
            let canonical = canonical(stored)?;
            let entry = append(standing.head, &canonical, proof_key, now);
            standing.head = entry.head();
            standing.consents.record(event, entry.seq);
            writes.push(self.put_new(Table::Consents, ledger_item(&pk, &entry, canonical))?);
            let mut guard = key2(&pk, ledger_guard(event.id.as_str()));
            guard.insert(SEQ.to_owned(), n(entry.seq));
            guard.insert(STATE.to_owned(), s(standing.consents.state(&event.purpose, now).code()));
            writes.push(self.put_new(Table::Consents, guard)?);
        }
        for (preference, stored) in choices.preferences {
            let canonical = canonical(stored)?;
            let entry = append(standing.head, &canonical, proof_key, now);
            standing.head = entry.head();
            preference.apply(&mut standing.limits, contact.as_mut(), context.as_mut());
            let mut item = ledger_item(&pk, &entry, canonical);
            item.insert(KIND.to_owned(), s(PREFERENCE));
            writes.push(self.put_new(Table::Consents, item)?);
        }
        if writes.is_empty() {
            return Ok(Written::Done);
        }
        if person.proof_key.is_none() {
            let mut item = key2(&pk, PROOF_KEY);
            item.insert(KEY.to_owned(), b(proof_key.0));
            writes.push(self.put_new(Table::Consents, item)?);
        }
        let (versioned, origins) = context
            .map(|context| {
                let (context, origins) = person.settled(&context, Source::Person, now);
                let version = person.next_version(&context);
                ((context, version), origins)
            })
            .unzip();
        if let (Some((held, _)), Some((context, version))) = (&person.context, &versioned)
            && held != context
        {
            let item = customer_item(person, (context, *version), &origins.unwrap_or_default(), now)?;
            writes.push(self.put_over(Table::Customers, item)?);
        }
        if let (Some((held, link)), Some(contact)) = (&person.contact, &contact)
            && held != contact
        {
            let mut item = key(&pk);
            item.insert(DOC.to_owned(), json(&ContactDocument::of(contact))?);
            item.insert(LINK.to_owned(), b(link.bytes()));
            if let Some(address) = &person.address {
                item.insert(HASH.to_owned(), s(address));
            }
            writes.push(self.put_over(Table::Contacts, item)?);
        }
        writes.push(self.move_standing(&pk, person, &standing)?);
        writes.extend(self.audience_writes(person, &standing, versioned.as_ref(), topics, now)?);
        self.transact(writes).await
    }

    /// A person's whole ledger, oldest entry first, with the clear text that is still kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_texts(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
    ) -> Result<Vec<(LedgerEntry, LedgerText)>, StoreError> {
        let items = self.ledger_items(brand, customer).await?;
        items
            .iter()
            .map(|item| {
                let kept = optional_text(item, DOC)?.is_some();
                let text = match (kept, optional_text(item, KIND)?) {
                    (false, _) if item.contains_key(PROOF) => LedgerText::Proof(Box::new(document(item, PROOF)?)),
                    (false, _) => LedgerText::Erased,
                    (true, Some(PREFERENCE)) => LedgerText::Preference(Box::new(document(item, DOC)?)),
                    (true, _) => LedgerText::Consent(Box::new(document(item, DOC)?)),
                };
                Ok((read_ledger_entry(item)?, text))
            })
            .collect()
    }

    /// When the entry was recorded that is so many before a person's last one: whoever changes their mind more often
    /// than anybody does is seen by it, without a counter of their own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recorded_back(&self, person: &Person, entries: u32) -> Result<Option<Timestamp>, StoreError> {
        let Some(seq) = person.standing.head.seq.checked_sub(entries).filter(|seq| *seq > 0) else {
            return Ok(None);
        };
        let item = self
            .get(Table::Consents, key2(names_pk(person), ledger_entry(seq)))
            .await?;
        item.map(|item| time(&item, crate::names::RECORDED_AT)).transpose()
    }
}

fn canonical(stored: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(stored).map_err(|error| StoreError::Build(Box::new(error)))
}
