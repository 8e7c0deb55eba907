//! What must hold, checked against what SES took and what is stored; nothing here asks the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use apropos_aws::{DeliveryState, Table, Tables};
use apropos_core::campaign::{DeliveryId, Run};
use apropos_core::consent::{ConsentEvent, ConsentState, Consents, Objection};
use apropos_core::erasure::Progress;
use apropos_core::ids::{BrandId, CustomerId, RunId, TopicId};
use apropos_core::ledger::verify;
use apropos_core::quiet::{Quiet, QuietHours};
use apropos_core::reason::Reason;
use apropos_core::receipt::Outcome;
use apropos_core::time::TimeZoneName;
use apropos_local::mail_service::AcceptedMail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use crate::network::{PREFIX, START};
use crate::stage::{BRAND, CAMPAIGNS, NAMES, address};
use crate::store::Store;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant, such as `I2`.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.seen)
    }
}

/// A person, as the world knows them.
#[derive(Clone)]
struct Seen {
    zone: TimeZoneName,
    /// Not interested: no message is ever relevant.
    is_spared: bool,
    /// Each state of the standing, and since when.
    standings: Vec<(i64, Option<Consents>, bool)>,
    /// Since when they are out, as somebody was told.
    left: Option<i64>,
    left_for_good: bool,
    erased: bool,
    /// When their last own yes was given.
    granted: i64,
    accepted: Vec<i64>,
}

/// The checks' own record of a schedule.
#[derive(Clone)]
pub(crate) struct Oracle {
    people: Vec<Seen>,
    quiet: QuietHours,
    topic: TopicId,
    accepts: BTreeMap<(usize, String), u32>,
    told: BTreeSet<(usize, String)>,
    recorded: BTreeSet<(usize, String)>,
    violations: Vec<Violation>,
    /// How far clocks are off.
    leniency: i64,
}

/// How old a consent may be when SES takes a message, and how long leaving may take to work.
const FRESH: i64 = 5_000;

/// The brand's cap: so many in seven days.
const CAP: usize = 2;

impl Oracle {
    pub(crate) fn new(quiet: QuietHours, topic: TopicId, zones: &[TimeZoneName], skewed: bool) -> Self {
        let people = zones
            .iter()
            .enumerate()
            .map(|(position, zone)| Seen {
                zone: zone.clone(),
                is_spared: position == 3,
                standings: Vec::new(),
                left: None,
                left_for_good: false,
                erased: false,
                granted: i64::MIN,
                accepted: Vec::new(),
            })
            .collect();
        Self {
            people,
            quiet,
            topic,
            accepts: BTreeMap::new(),
            told: BTreeSet::new(),
            recorded: BTreeSet::new(),
            violations: Vec::new(),
            leniency: if skewed { 5 * 60_000 } else { 0 },
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(crate) fn accepted_count(&self) -> usize {
        self.people.iter().map(|person| person.accepted.len()).sum()
    }

    fn broken(&mut self, invariant: &'static str, seen: impl Into<String>) {
        let seen = seen.into();
        self.violations.push(Violation { invariant, seen });
    }

    /// Standings may have changed.
    pub(crate) fn looked(&mut self, store: &Store, now: i64) {
        for (person, name) in self.people.iter_mut().zip(NAMES) {
            let item = store.item(&format!("{PREFIX}standing"), &format!("{BRAND}#{name}"));
            let bytes = item
                .as_ref()
                .and_then(|item| item.pointer("/consents/B")?.as_str())
                .and_then(|text| STANDARD.decode(text).ok());
            let consents = bytes.and_then(|bytes| Consents::from_bytes(&bytes).ok());
            let erased = item.as_ref().is_some_and(|item| item.get("erased").is_some());
            if person
                .standings
                .last()
                .is_none_or(|last| last.1 != consents || last.2 != erased)
            {
                person.standings.push((now, consents, erased));
            }
        }
    }

    /// A person is out, and somebody was told so.
    pub(crate) fn left(&mut self, position: usize, now: i64, for_good: bool) {
        if let Some(person) = self.people.get_mut(position) {
            person.left.get_or_insert(now);
            person.left_for_good |= for_good;
        }
    }

    /// As [`left`](Self::left), unless a yes of theirs is younger than what they did.
    pub(crate) fn left_since(&mut self, position: usize, effective: i64, now: i64) {
        if self
            .people
            .get(position)
            .is_some_and(|person| person.granted < effective)
        {
            self.left(position, now, false);
        }
    }

    pub(crate) fn erased(&mut self, position: usize, now: i64) {
        self.left(position, now, true);
        if let Some(person) = self.people.get_mut(position) {
            person.erased = true;
        }
    }

    /// A person says yes again; from here on, messages may come.
    pub(crate) fn grants(&mut self, position: usize, now: i64) {
        if let Some(person) = self.people.get_mut(position) {
            person.granted = now;
            if !person.left_for_good {
                person.left = None;
            }
        }
    }

    /// SES has said what became of a message.
    pub(crate) fn told(&mut self, person: usize, run: &str) {
        self.told.insert((person, run.to_owned()));
    }

    /// A consent event was answered as recorded.
    pub(crate) fn recorded(&mut self, person: usize, event: &str) {
        self.recorded.insert((person, event.to_owned()));
    }

    /// Something goes into a queue.
    pub(crate) fn queued(&mut self, body: &str) {
        if body.contains("mail.example") {
            self.broken("I12", "an address in a queue's message");
        }
    }

    /// SES takes a message: whose, and of which run; `None` for a transactional one.
    pub(crate) fn accepted(&mut self, mail: &AcceptedMail, now: i64, at: Timestamp) -> Option<(usize, String)> {
        let position = NAMES.iter().position(|name| address(name) == mail.to)?;
        let run = mail.tag("run")?.to_owned();
        let name = NAMES.get(position)?;
        let count = self.accepts.entry((position, run.clone())).or_insert(0);
        *count += 1;
        let count = *count;
        if count > 1 {
            self.broken("I2", format!("{name} is written to {count} times by run {run}"));
        }
        let (topic, quiet, leniency) = (self.topic.clone(), self.quiet, self.leniency);
        let person = self.people.get_mut(position)?;
        person.accepted.push(now);
        let written = person.accepted.len();
        let mut broken = Vec::new();
        if written > CAP && count == 1 {
            broken.push(("I5", format!("{name} is written to {written} times within a week")));
        }
        if let Some(left) = person.left.filter(|left| now > left + FRESH) {
            broken.push(("I3", format!("{name} left {} ms before run {run} wrote", now - left)));
        }
        if person.is_spared {
            broken.push(("I1", format!("run {run} is not relevant to {name}")));
        }
        let allowed = |(_, consents, erased): &(i64, Option<Consents>, bool)| {
            !erased
                && consents.as_ref().is_some_and(|consents| {
                    matches!(consents.email(&topic, at), ConsentState::Granted { .. })
                        && !consents.objects(Objection::NoMarketing, at)
                })
        };
        // Each state held until the next one began.
        let ends = person
            .standings
            .iter()
            .skip(1)
            .map(|(since, _, _)| *since)
            .chain([i64::MAX]);
        let was_allowed = person
            .standings
            .iter()
            .zip(ends)
            .any(|(state, until)| until >= now - FRESH && allowed(state));
        if !was_allowed {
            broken.push((
                "I1",
                format!("{name} had agreed to nothing in the 5 s before run {run} wrote"),
            ));
        }
        let is_quiet = |shift: i64| {
            let at = at.saturating_add(SignedDuration::from_millis(shift)).unwrap_or(at);
            !matches!(quiet.status(at, &person.zone), Quiet::Open)
        };
        if is_quiet(0) && is_quiet(-FRESH - leniency) && is_quiet(leniency) {
            broken.push(("I10", format!("{name} is written to in quiet hours by run {run}")));
        }
        for (invariant, seen) in broken {
            self.broken(invariant, seen);
        }
        Some((position, run))
    }
}

/// What is asked of the end of a schedule, when nothing goes wrong any more and nothing waits.
pub(crate) struct Ending<'a> {
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) tables: &'a Tables,
    pub(crate) brand: &'a BrandId,
}

impl Ending<'_> {
    pub(crate) async fn check(&mut self) {
        // Who was erased without having been told is erased all the same.
        for person in &mut self.oracle.people {
            person.erased |= person.standings.last().is_some_and(|(_, _, erased)| *erased);
        }
        for campaign in CAMPAIGNS {
            let Ok(id) = RunId::new(campaign) else { continue };
            match self.tables.run(self.brand, &id).await {
                Ok(Some(run)) => self.run(&run).await,
                Ok(None) => {}
                Err(error) => self
                    .oracle
                    .broken("I6", format!("run {campaign} cannot be read: {error}")),
            }
        }
        for (position, name) in NAMES.into_iter().enumerate() {
            if let Ok(customer) = CustomerId::new(name) {
                self.person(position, &customer).await;
            }
        }
        self.due().await;
    }

    async fn run(&mut self, run: &Run) {
        let id = &run.id;
        let (Ok(pages), Ok(deliveries)) = (
            self.tables.page_totals(self.brand, id).await,
            self.tables.delivery_totals(self.brand, id).await,
        ) else {
            self.oracle.broken("I4", format!("run {id} cannot be summed"));
            return;
        };
        if pages.tasks_done != run.tasks {
            self.oracle.broken(
                "I6",
                format!("run {id} has {} of {} parts", pages.tasks_done, run.tasks),
            );
        }
        let withheld: u64 = deliveries.withheld.values().sum();
        if deliveries.open > 0 {
            self.oracle
                .broken("I6", format!("run {id} has {} open deliveries", deliveries.open));
        }
        if pages.candidates != deliveries.sent + withheld + deliveries.open {
            let finals = deliveries.sent + withheld;
            self.oracle.broken(
                "I4",
                format!("run {id}: {} candidates, {finals} outcomes", pages.candidates),
            );
        }
        let accepted = self
            .oracle
            .accepts
            .iter()
            .filter(|((_, of), _)| of == id.as_str())
            .count();
        let accepted = u64::try_from(accepted).unwrap_or(u64::MAX);
        let abandoned = deliveries.withheld.get(&Reason::Abandoned).copied().unwrap_or(0);
        if accepted < deliveries.sent || accepted > deliveries.sent + abandoned {
            let sent = deliveries.sent;
            self.oracle.broken(
                "I4",
                format!("run {id}: SES took {accepted}, {sent} counted as sent, {abandoned} abandoned"),
            );
        }
        for (position, name) in NAMES.into_iter().enumerate() {
            if self.oracle.people.get(position).is_none_or(|person| person.erased) {
                continue;
            }
            let Ok(customer) = CustomerId::new(name) else { continue };
            self.outcome(run, position, &customer).await;
        }
    }

    /// One person's outcome in a run: exactly one, and the one that was.
    async fn outcome(&mut self, run: &Run, position: usize, customer: &CustomerId) {
        let id = DeliveryId::of(run, customer);
        let (Ok(row), Ok(delivery)) = (
            self.tables.receipt_row(self.brand, &run.id, id).await,
            self.tables.delivery(self.brand, &run.id, id).await,
        ) else {
            self.oracle.broken(
                "I4",
                format!("the receipt of {customer} in run {} cannot be read", run.id),
            );
            return;
        };
        let key = (position, run.id.as_str().to_owned());
        let accepted = self.oracle.accepts.contains_key(&key);
        let told = self.oracle.told.contains(&key);
        let run = &run.id;
        match (
            row.map(|row| row.outcome),
            delivery.map(|delivery| (delivery.state, delivery.reason)),
        ) {
            (None, _) => self
                .oracle
                .broken("I4", format!("{customer} is in no receipt of run {run}")),
            (Some(Outcome::Withheld(_)), None) if !accepted => {}
            (Some(Outcome::Withheld(_)), _) => {
                self.oracle
                    .broken("I4", format!("{customer} was withheld by run {run} and has a delivery"));
            }
            (Some(Outcome::Candidate), None) => {
                self.oracle
                    .broken("I4", format!("{customer}, a candidate of run {run}, has no receipt"));
            }
            (Some(Outcome::Candidate), Some((state, reason))) => {
                let fits = match (accepted, state) {
                    (true, DeliveryState::Sent) => true,
                    (true, DeliveryState::Withheld) => reason == Some(Reason::Abandoned) && !told,
                    (false, DeliveryState::Withheld) => true,
                    (_, DeliveryState::Claimed | DeliveryState::Unresolved | DeliveryState::Released)
                    | (false, DeliveryState::Sent) => false,
                };
                if !fits {
                    let took = if accepted { "took" } else { "did not take" };
                    let reason = reason.map_or("no reason", Reason::code);
                    self.oracle.broken(
                        "I4",
                        format!(
                            "SES {took} {customer}'s message of run {run}, which is {} ({reason})",
                            state.code()
                        ),
                    );
                }
            }
        }
    }

    async fn person(&mut self, position: usize, customer: &CustomerId) {
        let Ok(standing) = self.tables.standing(self.brand, customer).await else {
            self.oracle
                .broken("I7", format!("the standing of {customer} cannot be read"));
            return;
        };
        let Ok(ledger) = self.tables.ledger(self.brand, customer).await else {
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

    async fn due(&mut self) {
        let minutes = self.tables.listed_minutes().await.unwrap_or_default();
        for minute in minutes {
            let waiting = self.tables.due_in(minute).await.map_or(usize::MAX, |due| due.len());
            if waiting > 0 {
                self.oracle
                    .broken("I6", format!("{waiting} things still wait for a minute"));
            }
        }
        if !self
            .tables
            .pending_erasures()
            .await
            .is_ok_and(|pending| pending.is_empty())
        {
            self.oracle.broken("I6", "an erasure is still listed");
        }
    }
}

/// What is left of erased people, looked for in all tables as they are stored.
pub(crate) fn remains(oracle: &mut Oracle, store: &Store) {
    let erased: Vec<_> = NAMES
        .into_iter()
        .zip(&oracle.people)
        .filter(|(_, person)| person.erased)
        .map(|(name, _)| name)
        .collect();
    if erased.is_empty() {
        return;
    }
    for table in Table::ALL {
        let dump = store.dump(&format!("{PREFIX}{}", table.suffix()));
        for name in &erased {
            if dump.contains(&address(name)) {
                oracle.broken("I8", format!("the address of {name} is in {}", table.suffix()));
            }
            // The mark and the ledger's entries without their words stay, under the brand's own id.
            let is_kept = matches!(table, Table::Standing | Table::Consents);
            if !is_kept && dump.contains(&format!("#{name}\"")) {
                oracle.broken("I8", format!("the id of {name} is in {}", table.suffix()));
            }
        }
    }
}

/// A moment of the schedule as an RFC 3339 time.
pub(crate) fn moment(millis: i64) -> String {
    START
        .saturating_add(SignedDuration::from_millis(millis))
        .unwrap_or(START)
        .to_string()
}
