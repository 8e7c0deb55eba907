//! What must hold, checked against what SES took and what is stored; nothing here asks the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use apropos_aws::Table;
use apropos_core::consent::{ConsentState, Consents, Objection};
use apropos_core::ids::TopicId;
use apropos_core::quiet::{Quiet, QuietHours};
use apropos_core::time::TimeZoneName;
use apropos_local::mail_service::AcceptedMail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use crate::declared::Records;
use crate::network::{PREFIX, START};
use crate::store::Store;
use crate::world::{BRANDS, Customer, PEOPLE};

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
pub(crate) struct Seen {
    zone: TimeZoneName,
    /// Not interested: no message is ever relevant.
    is_spared: bool,
    /// Each state of the standing, and since when.
    pub(crate) standings: Vec<(i64, Option<Consents>, bool)>,
    /// Since when they are out, as somebody was told.
    left: Option<i64>,
    left_for_good: bool,
    pub(crate) erased: bool,
    /// When their last own yes was given.
    granted: i64,
    accepted: Vec<i64>,
}

/// The checks' own record of a schedule.
#[derive(Clone)]
pub(crate) struct Oracle {
    pub(crate) people: Vec<Seen>,
    quiet: QuietHours,
    topic: TopicId,
    pub(crate) accepts: BTreeMap<(usize, String), u32>,
    pub(crate) told: BTreeSet<(usize, String)>,
    pub(crate) recorded: BTreeSet<(usize, String)>,
    /// What scoring could read.
    pub(crate) records: Records,
    violations: Vec<Violation>,
    /// How far clocks are off.
    leniency: i64,
}

/// How old a consent may be when SES takes a message, and how long leaving may take to work.
const FRESH: i64 = 5_000;

/// The brand's cap: so many in seven days.
const CAP: usize = 2;

impl Oracle {
    pub(crate) fn new(quiet: QuietHours, topic: TopicId, zones: &[TimeZoneName]) -> Self {
        let people = zones
            .iter()
            .zip(PEOPLE)
            .map(|(zone, customer)| Seen {
                zone: zone.clone(),
                is_spared: customer.is_spared(),
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
            records: Records::default(),
            violations: Vec::new(),
            leniency: 0,
        }
    }

    /// For a schedule in which clocks differ.
    pub(crate) fn skewed(self, skewed: bool) -> Self {
        Self {
            leniency: if skewed { 5 * 60_000 } else { 0 },
            ..self
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(crate) fn accepted_count(&self) -> usize {
        self.people.iter().map(|person| person.accepted.len()).sum()
    }

    pub(crate) fn broken(&mut self, invariant: &'static str, seen: impl Into<String>) {
        let seen = seen.into();
        self.violations.push(Violation { invariant, seen });
    }

    /// The standings that a write names may have changed; without one, all may.
    pub(crate) fn looked(&mut self, store: &mut Store, now: i64, write: Option<&str>) {
        for (person, customer) in self.people.iter_mut().zip(PEOPLE) {
            let key = customer.key();
            if write.is_some_and(|body| !body.contains(&key)) {
                continue;
            }
            let item = store.item(Table::Standing, &key);
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

    /// A call on behalf of some brands, and what it was answered: neither names another.
    pub(crate) fn named(&mut self, operation: &str, brands: &[&str], texts: [&str; 2]) {
        for other in BRANDS.into_iter().filter(|brand| !brands.contains(brand)) {
            let name = format!("\"{other}");
            for (text, what) in texts.into_iter().zip(["asks", "is answered"]) {
                if text.contains(&name) {
                    self.broken(
                        "I9",
                        format!("{operation} for {} {what} about {other}", brands.join(" and ")),
                    );
                }
            }
        }
    }

    /// Something goes into a queue.
    pub(crate) fn queued(&mut self, body: &str) {
        if body.contains("mail.example") {
            self.broken("I12", "an address in a queue's message");
        }
    }

    /// SES takes a message: whose, and of which run; `None` for a transactional one.
    pub(crate) fn accepted(&mut self, mail: &AcceptedMail, now: i64, at: Timestamp) -> Option<(usize, String)> {
        let run = mail.tag("run")?.to_owned();
        let brand = mail.tag("brand").unwrap_or_default();
        let is_theirs = |customer: &Customer| customer.brand == brand && customer.address == mail.to;
        let Some(position) = PEOPLE.iter().position(is_theirs) else {
            self.broken(
                "I9",
                format!("run {run} of {brand} writes to somebody whom {brand} does not know"),
            );
            return None;
        };
        let name = PEOPLE.get(position)?.key();
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

/// What is left of erased people, looked for in all tables as they are stored.
pub(crate) fn remains(oracle: &mut Oracle, store: &Store) {
    let erased: Vec<_> = PEOPLE
        .into_iter()
        .zip(&oracle.people)
        .filter(|(_, person)| person.erased)
        .map(|(customer, _)| customer)
        .collect();
    if erased.is_empty() {
        return;
    }
    for table in Table::ALL {
        let items = store.items(&format!("{PREFIX}{}", table.suffix()));
        for item in items.iter().map(ToString::to_string) {
            for customer in &erased {
                let is_named = |brand: &str| item.contains(&format!("\"{brand}"));
                if !is_named(customer.brand) && BRANDS.into_iter().any(is_named) {
                    // Another brand's own.
                    continue;
                }
                if item.contains(customer.address) {
                    oracle.broken(
                        "I8",
                        format!("the address of {} is in {}", customer.key(), table.suffix()),
                    );
                }
                // The mark and the ledger's entries without their words stay, under the brand's own id.
                let is_kept = matches!(table, Table::Standing | Table::Consents);
                if !is_kept && item.contains(&format!("#{}\"", customer.name)) {
                    oracle.broken("I8", format!("the id of {} is in {}", customer.key(), table.suffix()));
                }
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
