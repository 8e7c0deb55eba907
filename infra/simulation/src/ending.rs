//! What is asked of the end of a schedule, when nothing goes wrong any more and nothing waits.
//!
//! Pages and deliveries are read as they are stored and summed here, so that no sum is checked against itself.

use std::collections::{BTreeMap, BTreeSet};

use apropos_aws::{Table, Tables};
use apropos_core::campaign::{DeliveryId, Run};
use apropos_core::consent::{ConsentEvent, Consents};
use apropos_core::erasure::Progress;
use apropos_core::ids::{BrandId, CustomerId, RunId};
use apropos_core::ledger::verify;
use apropos_core::receipt::{Outcome, PageReceipt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::declared::Declared;
use crate::network::PREFIX;
use crate::oracle::Oracle;
use crate::store::Store;
use crate::world::{CAMPAIGNS, PEOPLE};

/// The checks of an end.
pub(crate) struct Ending<'a> {
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) tables: &'a Tables,
    /// Of each campaign.
    pub(crate) declared: &'a [Declared],
    /// What is stored.
    pub(crate) stored: Stored,
}

/// What the checks read of the tables without the functions' adapters.
pub(crate) struct Stored {
    receipts: Vec<Value>,
    deliveries: Vec<Value>,
    due: Vec<Value>,
    /// About whom something was written.
    written: BTreeSet<usize>,
    /// The campaigns that something was written about: no other can have been launched.
    named: BTreeSet<&'static str>,
}

impl Stored {
    pub(crate) fn of(store: &Store) -> Self {
        let items = |table: Table| store.items(&format!("{PREFIX}{}", table.suffix()));
        Self {
            receipts: items(Table::Receipts),
            deliveries: items(Table::Deliveries),
            due: items(Table::Due),
            written: (0..)
                .zip(PEOPLE)
                .filter(|(_, customer)| store.has_written(&format!("\"{}\"", customer.key())))
                .map(|(position, _)| position)
                .collect(),
            named: CAMPAIGNS
                .into_iter()
                .map(|(_, campaign)| campaign)
                .filter(|campaign| store.has_written(campaign))
                .collect(),
        }
    }
}

/// An attribute that is text.
fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.get("S")?.as_str())
        .unwrap_or_default()
}

/// A run's sums, over what is stored.
#[derive(Default)]
struct Sums {
    pages: Vec<PageReceipt>,
    tasks_done: u32,
    candidates: usize,
    sent: usize,
    open: usize,
    withheld: usize,
    abandoned: usize,
    /// Each delivery's state, its reason, and what it was decided by.
    deliveries: BTreeMap<String, (String, String, Value)>,
}

impl Sums {
    fn of(stored: &Stored, run: &Run) -> Option<Self> {
        let mut sums = Self::default();
        let pages = format!("{}#{}", run.brand, run.id);
        for item in &stored.receipts {
            if text(item, "pk") != pages || !text(item, "sk").starts_with("p#") {
                continue;
            }
            let bytes = item.get("d").and_then(|data| data.get("B")?.as_str())?;
            let page = PageReceipt::from_bytes(&STANDARD.decode(bytes).ok()?).ok()?;
            sums.tasks_done += u32::from(item.get("next").is_none());
            sums.candidates += page.candidates();
            sums.pages.push(page);
        }
        let shards = format!("{pages}#");
        for item in &stored.deliveries {
            if !text(item, "pk").starts_with(&shards) {
                continue;
            }
            let (state, reason) = (text(item, "state"), text(item, "reason"));
            match state {
                "sent" => sums.sent += 1,
                "withheld" => {
                    sums.withheld += 1;
                    sums.abandoned += usize::from(reason == "abandoned");
                }
                _ => sums.open += 1,
            }
            let receipt = serde_json::from_str(text(item, "doc")).unwrap_or_default();
            let ended = (state.to_owned(), reason.to_owned(), receipt);
            sums.deliveries.insert(text(item, "sk").to_owned(), ended);
        }
        Some(sums)
    }
}

impl Ending<'_> {
    pub(crate) async fn check(&mut self) {
        // Who was erased without having been told is erased all the same.
        for person in &mut self.oracle.people {
            person.erased |= person.standings.last().is_some_and(|(_, _, erased)| *erased);
        }
        for ((brand, campaign), declared) in CAMPAIGNS.into_iter().zip(self.declared) {
            if !self.stored.named.contains(campaign) {
                continue;
            }
            let (Ok(brand), Ok(id)) = (BrandId::new(brand), RunId::new(campaign)) else {
                continue;
            };
            match self.tables.run(&brand, &id).await {
                Ok(Some(run)) => self.run(&run, declared),
                Ok(None) => {}
                Err(error) => self
                    .oracle
                    .broken("I6", format!("run {campaign} cannot be read: {error}")),
            }
        }
        for (position, of) in PEOPLE.into_iter().enumerate() {
            // A ledger and a standing that nobody wrote to, and was not told to have written to, are as they were.
            let was_told = self.oracle.recorded.iter().any(|(of, _)| *of == position)
                || self.oracle.people.get(position).is_some_and(|person| person.erased);
            if !was_told && !self.stored.written.contains(&position) {
                continue;
            }
            if let (Ok(brand), Ok(customer)) = (BrandId::new(of.brand), CustomerId::new(of.name)) {
                self.person(position, &brand, &customer).await;
            }
        }
        self.due();
    }

    fn run(&mut self, run: &Run, declared: &Declared) {
        let id = &run.id;
        let Some(sums) = Sums::of(&self.stored, run) else {
            self.oracle.broken("I4", format!("run {id} cannot be summed"));
            return;
        };
        if sums.tasks_done != run.tasks {
            self.oracle
                .broken("I6", format!("run {id} has {} of {} parts", sums.tasks_done, run.tasks));
        }
        if sums.open > 0 {
            self.oracle
                .broken("I6", format!("run {id} has {} open deliveries", sums.open));
        }
        let finals = sums.sent + sums.withheld;
        if sums.candidates != finals + sums.open {
            self.oracle.broken(
                "I4",
                format!("run {id}: {} candidates, {finals} outcomes", sums.candidates),
            );
        }
        let is_ours = |position: usize| {
            let of = PEOPLE.get(position);
            of.is_some_and(|customer| customer.brand == run.brand.as_str())
        };
        let accepts = self.oracle.accepts.keys();
        let accepted = accepts
            .filter(|(position, of)| is_ours(*position) && of == id.as_str())
            .count();
        if accepted < sums.sent || accepted > sums.sent + sums.abandoned {
            let Sums { sent, abandoned, .. } = sums;
            self.oracle.broken(
                "I4",
                format!("run {id}: SES took {accepted}, {sent} counted as sent, {abandoned} abandoned"),
            );
        }
        for (position, of) in PEOPLE.into_iter().enumerate() {
            if of.brand != run.brand.as_str() || self.oracle.people.get(position).is_none_or(|person| person.erased) {
                continue;
            }
            let Ok(customer) = CustomerId::new(of.name) else {
                continue;
            };
            self.outcome(run, &sums, position, &customer);
            self.decisions(run, &sums, position, &customer, declared);
        }
    }

    /// One person's outcome in a run: exactly one, and the one that was.
    fn outcome(&mut self, run: &Run, sums: &Sums, position: usize, customer: &CustomerId) {
        let id = DeliveryId::of(run, customer);
        let rows: Vec<_> = sums.pages.iter().filter_map(|page| page.row(id)).collect();
        let delivery = sums.deliveries.get(&id.to_hex());
        let key = (position, run.id.as_str().to_owned());
        let accepted = self.oracle.accepts.contains_key(&key);
        let told = self.oracle.told.contains(&key);
        let run = &run.id;
        let broken = match (rows.as_slice(), delivery) {
            ([], _) => format!("{customer} is in no receipt of run {run}"),
            ([_, _, ..], _) => format!("{customer} is in two receipts of run {run}"),
            ([row], None) if row.outcome == Outcome::Candidate => {
                format!("{customer}, a candidate of run {run}, has no receipt")
            }
            ([_], None) if !accepted => return,
            ([row], _) if row.outcome != Outcome::Candidate => {
                format!("{customer} was withheld by run {run} and has a delivery")
            }
            ([_], None) => return,
            ([_], Some((state, reason, _))) => {
                let fits = match (accepted, state.as_str()) {
                    (true, "sent") | (false, "withheld") => true,
                    (true, "withheld") => reason == "abandoned" && !told,
                    _ => false,
                };
                if fits {
                    return;
                }
                let took = if accepted { "took" } else { "did not take" };
                let reason = if reason.is_empty() { "no reason" } else { reason };
                format!("SES {took} {customer}'s message of run {run}, which is {state} ({reason})")
            }
        };
        self.oracle.broken("I4", broken);
    }

    /// Both decisions about a person, made again over what was declared and agreed to.
    fn decisions(&mut self, run: &Run, sums: &Sums, position: usize, customer: &CustomerId, declared: &Declared) {
        let id = DeliveryId::of(run, customer);
        let records = &self.oracle.records;
        let mut rows = sums.pages.iter().filter_map(|page| page.row(id));
        let is_explained = rows.all(|row| records.explain_row(position, declared, run, row));
        let delivery = sums.deliveries.get(&id.to_hex());
        let is_receipt_explained =
            delivery.is_none_or(|(_, _, receipt)| records.explain_receipt(position, declared, run, receipt));
        for (what, is_explained) in [("scored", is_explained), ("decided about", is_receipt_explained)] {
            if !is_explained {
                let seen = format!(
                    "{customer} is {what} in run {} by more than was declared and agreed to",
                    run.id
                );
                self.oracle.broken("I11", seen);
            }
        }
    }

    async fn person(&mut self, position: usize, brand: &BrandId, customer: &CustomerId) {
        let Ok(standing) = self.tables.standing(brand, customer).await else {
            self.oracle
                .broken("I7", format!("the standing of {customer} cannot be read"));
            return;
        };
        let Ok(ledger) = self.tables.ledger(brand, customer).await else {
            self.oracle
                .broken("I7", format!("the ledger of {customer} cannot be read"));
            return;
        };
        let entries: Vec<_> = ledger.iter().map(|(entry, _)| entry.clone()).collect();
        if let Err(error) = verify(&entries, standing.head) {
            self.oracle.broken("I7", format!("the ledger of {customer}: {error}"));
        }
        let was_told = self.oracle.people.get(position).is_some_and(|person| person.erased);
        match &standing.erased {
            None if was_told => self
                .oracle
                .broken("I8", format!("{customer} was told of an erasure that is not there")),
            None => {
                let mut fold = Consents::default();
                let mut ids = BTreeSet::new();
                for (seq, (_, document)) in (1..).zip(&ledger) {
                    let Some(event) = document
                        .as_ref()
                        .and_then(|document| ConsentEvent::try_from(document).ok())
                    else {
                        continue;
                    };
                    if !ids.insert(event.id.clone()) {
                        self.oracle
                            .broken("I7", format!("an event of {customer} is recorded twice"));
                    }
                    fold.record(&event, seq);
                }
                let answered: Vec<_> = self
                    .oracle
                    .recorded
                    .iter()
                    .filter(|(of, _)| *of == position)
                    .cloned()
                    .collect();
                for (_, event) in answered {
                    if !ids.iter().any(|id| id.as_str() == event) {
                        self.oracle
                            .broken("I7", format!("event {event} of {customer} was recorded and is gone"));
                    }
                }
                if fold != standing.consents {
                    self.oracle.broken(
                        "I7",
                        format!("the standing of {customer} is not the fold of the ledger"),
                    );
                }
            }
            Some(erased) => {
                if !matches!(erased.progress, Progress::Finished { .. }) {
                    self.oracle
                        .broken("I6", format!("the erasure of {customer} is not finished"));
                }
            }
        }
    }

    fn due(&mut self) {
        let mut waiting = 0;
        let mut erasing = false;
        for item in &self.stored.due {
            match text(item, "pk") {
                "erasures" => erasing = true,
                "minutes" | "sweeps" => {}
                _ => waiting += 1,
            }
        }
        if waiting > 0 {
            self.oracle
                .broken("I6", format!("{waiting} things still wait for a minute"));
        }
        if erasing {
            self.oracle.broken("I6", "an erasure is still listed");
        }
    }
}
