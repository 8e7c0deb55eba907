//! The lapse of a person's data: nobody asked for it, so unlike an erasure it suppresses nothing and closes nothing. In one
//! transaction under the standing's version all that is known of the person goes, and their ledger says by which rule.
//! Whoever tells of a sign in between wins, and whoever comes back later is taken in as anybody is: their refusals stand, in
//! the same standing and ledger, and the links of old messages still leave.
//!
//! The traces of decisions and sends, which name the person by their pseudonym, are what caps, claims and reports are counted
//! by. They go once nothing can ask for them any more: [`TRACES_KEPT`] days later.

use apropos_core::brand::Brand;
use apropos_core::document::KeptProof;
use apropos_core::ids::{BrandId, CustomerId, EventId, RunId};
use apropos_core::ledger::append;
use apropos_core::origin::{Origins, Source};
use apropos_core::retention::{Traces, data_has_lapsed};
use apropos_core::standing::{CustomerLimits, Standing};
use apropos_core::time::EpochDay;
use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

use super::{NewSecrets, PREFERENCE, Person, Written, ledger_item, names_pk};
use crate::names::{
    AFTER, AT, BRAND, CUSTOMER, DOC, KIND, LAPSES, LINK, PK, PROOF, PROOF_KEY, RECORDED_AT, SEQ, SK, Table, address,
};
use crate::store::{
    Item, MOST_TRIES, StoreError, Tables, b, json, key, key2, ms, n, number, optional_text, parsed, s, text, time,
};

/// What marks a ledger entry as the lapse of all data.
const LAPSE: &str = "lapse";

/// How long the traces of someone whose data lapsed are kept, in days: a run is written for 14 days, a page's receipt is kept
/// for 90, and no cap looks back further than 90.
const TRACES_KEPT: u16 = 91;

/// A run that was launched so long ago has no deliveries, in seconds: it was written for 14 days, they are kept for 400, and
/// DynamoDB may take two more.
const NOTHING_KEPT: i64 = 420 * 86_400;

/// Runs whose traces are dealt with before the cursor is moved.
const RUNS_AT_ONCE: i32 = 10;

/// What became of somebody's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataLapse {
    /// It is kept: they were heard of, or there is none.
    Kept,
    /// It is gone.
    Gone,
}

/// Somebody whose data lapsed, and of whom traces are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLapse {
    /// Whose.
    pub brand: BrandId,
    /// Who.
    pub customer: CustomerId,
    sk: String,
    at: Timestamp,
    /// The last entry of the ledger that was there then.
    seq: u32,
    /// The last run that was dealt with.
    after: Option<RunId>,
}

/// How far the traces of somebody were taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traced {
    /// There is more.
    Goes,
    /// None are left.
    Finished,
}

impl Tables {
    /// Erases what is known of a person whose time is over, and says so in their ledger; ends their yeses there first, where
    /// nobody has. Done twice, the second time finds nothing.
    ///
    /// What stays: refusals, the chained ledger down to its proofs, the ids of its events, so that none is recorded again, the
    /// permanent link, suppressions, and for a while the traces.
    ///
    /// # Errors
    /// [`StoreError`]; what was known is gone then, or all there.
    pub async fn lapse_data(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<DataLapse, StoreError> {
        let secrets = NewSecrets::random()?;
        // The proof key is read with an event only, whichever it is.
        let any = EventId::new("lapse").map_err(|error| StoreError::Build(Box::new(error)))?;
        let wanted = [(customer.clone(), vec![any])];
        for _ in 0..MOST_TRIES {
            let found = self.people_despite_contact(&brand.id, &wanted).await?.pop();
            let person = found.ok_or(StoreError::Contended)?;
            if person.is_erased() || !person.is_known() {
                return Ok(DataLapse::Kept);
            }
            if !person.expiries(brand, now)?.is_empty() {
                self.expire(brand, customer, now).await?;
                continue;
            }
            let ledger = self.ledger_items(&brand.id, customer).await?;
            let traces = Traces {
                own_act: own_act(&person.origins, &ledger)?,
                known_since: person.known_since,
            };
            let context = person.context.as_ref().map(|(context, _)| context);
            if !data_has_lapsed(&person.standing, context, traces, brand.retention, now) {
                return Ok(DataLapse::Kept);
            }
            let (seq, writes) = self.lapse_writes(brand, &person, &ledger, &secrets, now).await?;
            match self.transact(writes).await? {
                Written::Done => {
                    self.erase_words(&brand.id, customer, seq).await?;
                    return Ok(DataLapse::Gone);
                }
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }

    /// At most so many people whose traces may go now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lapses_to_finish(&self, now: Timestamp, most: i32) -> Result<Vec<PastLapse>, StoreError> {
        let until = EpochDay(EpochDay::of(now).0.saturating_add(1));
        let answer = self
            .client
            .query()
            .table_name(self.name(Table::Due))
            .consistent_read(true)
            .key_condition_expression("#pk = :pk AND #sk < :until")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", s(LAPSES))
            .expression_attribute_values(":until", s(day_key(until)))
            .limit(most)
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        answer.items().iter().map(read).collect()
    }

    /// Takes the traces of some runs out, as an erasure does, and in the end what is left of the rest: claims, contacts, and
    /// evidence that a crash left. Whoever has come back keeps what is of a later date.
    ///
    /// # Errors
    /// [`StoreError`]; done again it goes on where it was.
    pub async fn finish_lapse(&self, lapse: &mut PastLapse, now: Timestamp) -> Result<Traced, StoreError> {
        let PastLapse { brand, customer, .. } = &*lapse;
        let (runs, next) = self.runs_after(brand, lapse.after.as_ref(), RUNS_AT_ONCE).await?;
        for run in runs.iter().filter(|run| run.launched_at <= lapse.at) {
            let age = now.as_second() - run.launched_at.as_second();
            if age < NOTHING_KEPT {
                self.erase_from_run(run, customer, age).await?;
            }
        }
        if let Some(run) = next {
            let mut item = listed(&lapse.sk, brand, customer, lapse.at, lapse.seq);
            item.insert(AFTER.to_owned(), s(run.as_str()));
            self.put_item(Table::Due, item).await?;
            lapse.after = Some(run);
            return Ok(Traced::Goes);
        }
        self.erase_words(brand, customer, lapse.seq).await?;
        self.forget_contacts(brand, customer, lapse.at).await?;
        self.delete_item(Table::Due, key2(LAPSES, lapse.sk.as_str())).await?;
        Ok(Traced::Finished)
    }

    /// Lists somebody whose traces could not be taken out for tomorrow, so that they do not stand before others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_off_lapse(&self, lapse: &PastLapse, now: Timestamp) -> Result<(), StoreError> {
        let tomorrow = EpochDay(EpochDay::of(now).0.saturating_add(1));
        let sk = lapse_key(tomorrow, &lapse.brand, &lapse.customer);
        let mut item = listed(&sk, &lapse.brand, &lapse.customer, lapse.at, lapse.seq);
        if let Some(run) = &lapse.after {
            item.insert(AFTER.to_owned(), s(run.as_str()));
        }
        self.put_item(Table::Due, item).await?;
        self.delete_item(Table::Due, key2(LAPSES, lapse.sk.as_str())).await
    }

    /// At most 8 writes, and the last number of the ledger after them.
    async fn lapse_writes(
        &self,
        brand: &Brand,
        person: &Person,
        ledger: &[Item],
        secrets: &NewSecrets,
        now: Timestamp,
    ) -> Result<(u32, Vec<TransactWriteItem>), StoreError> {
        let pk = names_pk(person);
        let mut standing = Standing {
            limits: CustomerLimits::default(),
            ..person.standing.clone()
        };
        let mut writes = Vec::new();
        // Who is brought in again without a sign of theirs lapses again: nothing has happened that the ledger lacks.
        if !is_lapse(ledger.last())? {
            let proof = KeptProof::of_lapse(brand.retention, now);
            let canonical = serde_json::to_string(&proof).map_err(|error| StoreError::Build(Box::new(error)))?;
            let proof_key = person.proof_key.as_ref().unwrap_or(&secrets.proof_key);
            let entry = append(standing.head, &canonical, proof_key, now);
            standing.head = entry.head();
            let mut item = ledger_item(&pk, &entry, canonical);
            // It holds nobody's words, so it is kept as it is.
            item.remove(DOC);
            item.insert(KIND.to_owned(), s(LAPSE));
            item.insert(PROOF.to_owned(), json(&proof)?);
            writes.push(self.put_new(Table::Consents, item)?);
        }
        writes.push(self.move_standing(&pk, person, &standing)?);
        writes.push(self.delete(Table::Consents, key2(&pk, PROOF_KEY))?);
        writes.push(self.delete(Table::Customers, key(&pk))?);
        if let Some(audience) = &person.audience_key {
            writes.push(self.delete(Table::Audience, key2(audience, person.customer.as_str()))?);
        }
        if let Some(hash) = &person.address {
            writes.extend(self.leave_address(person, address(&person.brand, hash)).await?);
        }
        if let Some(link) = person.link {
            let mut item = key(&pk);
            item.insert(LINK.to_owned(), b(link.bytes()));
            writes.push(self.put_over(Table::Contacts, item)?);
        }
        let ready = EpochDay(EpochDay::of(now).0.saturating_add(TRACES_KEPT));
        let sk = lapse_key(ready, &person.brand, &person.customer);
        let item = listed(&sk, &person.brand, &person.customer, now, standing.head.seq);
        writes.push(self.put_over(Table::Due, item)?);
        Ok((standing.head.seq, writes))
    }
}

impl Person {
    /// Whether anything is known of them beside consents.
    const fn is_known(&self) -> bool {
        self.context.is_some() || self.contact.is_some() || self.contact_is_broken
    }

    /// Whether their data lapsed and nothing was stored of them since: what is left is a link, and what they refused.
    #[must_use]
    pub const fn is_forgotten(&self) -> bool {
        self.link.is_some() && !self.is_known() && !self.is_erased()
    }
}

/// When the person last did something that is no choice of a purpose.
fn own_act(origins: &Origins, ledger: &[Item]) -> Result<Option<Timestamp>, StoreError> {
    let told = origins.0.values().filter(|origin| origin.source != Source::Brand);
    let mut latest = told.map(|origin| origin.at).max();
    for entry in ledger {
        if optional_text(entry, KIND)? == Some(PREFERENCE) {
            latest = latest.max(Some(time(entry, RECORDED_AT)?));
        }
    }
    Ok(latest)
}

fn is_lapse(entry: Option<&Item>) -> Result<bool, StoreError> {
    let kind = entry.map(|entry| optional_text(entry, KIND)).transpose()?.flatten();
    Ok(kind == Some(LAPSE))
}

/// In the order of days.
fn day_key(day: EpochDay) -> String {
    format!("{:05}", day.0)
}

fn lapse_key(day: EpochDay, brand: &BrandId, customer: &CustomerId) -> String {
    format!("{}#{}", day_key(day), crate::names::person(brand, customer))
}

fn listed(sk: &str, brand: &BrandId, customer: &CustomerId, at: Timestamp, seq: u32) -> Item {
    let mut item = key2(LAPSES, sk);
    item.insert(BRAND.to_owned(), s(brand.as_str()));
    item.insert(CUSTOMER.to_owned(), s(customer.as_str()));
    item.insert(AT.to_owned(), ms(at));
    item.insert(SEQ.to_owned(), n(seq));
    item
}

fn read(item: &Item) -> Result<PastLapse, StoreError> {
    Ok(PastLapse {
        brand: parsed(item, BRAND)?,
        customer: parsed(item, CUSTOMER)?,
        sk: text(item, SK)?.to_owned(),
        at: time(item, AT)?,
        seq: number(item, SEQ)?,
        after: item.contains_key(AFTER).then(|| parsed(item, AFTER)).transpose()?,
    })
}
