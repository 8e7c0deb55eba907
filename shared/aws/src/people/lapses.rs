//! Yeses that end because their person was not heard of for as long as the brand keeps one: an event of the ledger.

use std::borrow::Cow;

use apropos_core::brand::Brand;
use apropos_core::consent::ConsentEvent;
use apropos_core::document::ConsentEventDocument;
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::retention::{as_held, expiries, lapses_despite};
use apropos_core::time::EpochDay;
use jiff::Timestamp;

use super::{Choices, MOST_EVENTS_TOGETHER, NewSecrets, Person, Written};
use crate::store::{StoreError, Tables};

/// How often it is tried again while others write about the same person.
const MOST_TRIES: usize = 10;

impl Tables {
    /// Reads people as [`people_despite_contact`](Self::people_despite_contact) does, by whoever is about to write what they
    /// do now. A lapse that nobody has recorded yet is recorded first: else a word about one topic would revive the yes to all
    /// others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn people_to_change(
        &self,
        brand: &Brand,
        wanted: &[(CustomerId, Vec<EventId>)],
        now: Timestamp,
    ) -> Result<Vec<Person>, StoreError> {
        let people = self.people_despite_contact(&brand.id, wanted).await?;
        let mut recorded = 0;
        for person in &people {
            if !person.expiries(brand, now)?.is_empty() {
                recorded += self.expire(brand, &person.customer, now).await?;
            }
        }
        if recorded == 0 {
            Ok(people)
        } else {
            self.people_despite_contact(&brand.id, wanted).await
        }
    }

    /// As [`people_to_change`](Self::people_to_change), for one person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn person_to_change(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Person, StoreError> {
        let wanted = [(customer.clone(), Vec::new())];
        let mut people = self.people_to_change(brand, &wanted, now).await?;
        people.pop().ok_or(StoreError::Contended)
    }

    /// Ends what is still a yes on record of a person whose time is over: entries of their ledger, written with the
    /// standing under its version and the audience's record. Gives how many. Done twice, the second time finds nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire(&self, brand: &Brand, customer: &CustomerId, now: Timestamp) -> Result<usize, StoreError> {
        let secrets = NewSecrets::random()?;
        // The proof key is read with an event only, whichever it is.
        let any = EventId::new("lapse").map_err(|error| StoreError::Build(Box::new(error)))?;
        let wanted = [(customer.clone(), vec![any])];
        let mut recorded = 0;
        for _ in 0..MOST_TRIES {
            // Only the ledger, the standing and the audience are written; the contact point may be broken.
            let person = self.people_despite_contact(&brand.id, &wanted).await?.pop();
            let person = person.ok_or(StoreError::Contended)?;
            let mut events = person.expiries(brand, now)?;
            // What does not fit in a transaction is found again: it has not ended yet.
            events.truncate(MOST_EVENTS_TOGETHER);
            if events.is_empty() {
                return Ok(recorded);
            }
            let choices = Choices {
                consents: &events,
                preferences: &[],
            };
            match self
                .record_choices(&person, &brand.topics, choices, &secrets, now)
                .await?
            {
                Written::Done => recorded += events.len(),
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }
}

impl Person {
    /// The person as they stand now, for whoever only reads: every yes has ended once they were not heard of for as long
    /// as the brand keeps one, recorded or not.
    #[must_use]
    pub fn as_held(mut self, brand: &Brand, now: Timestamp) -> Self {
        let context = self.context.as_ref().map(|(context, _)| context);
        if let Cow::Owned(held) = as_held(&self.standing, context, brand.retention, now) {
            self.standing = held;
        }
        self
    }

    /// Whether a yes of the person has ended, even with these signs of theirs that are told only now, and is not recorded
    /// as ended. Whoever brings the signs then calls [`Tables::expire`] first: written over it they would hide it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lapses_despite(&self, brand: &Brand, signs: &[EpochDay], now: Timestamp) -> Result<bool, StoreError> {
        let context = self.context.as_ref().map(|(context, _)| context);
        Ok(lapses_despite(&self.standing, context, brand.retention, signs, now)
            && !self.expiries(brand, now)?.is_empty())
    }

    pub(super) fn expiries(
        &self,
        brand: &Brand,
        now: Timestamp,
    ) -> Result<Vec<(ConsentEvent, ConsentEventDocument)>, StoreError> {
        if self.is_erased() {
            return Ok(Vec::new());
        }
        let context = self.context.as_ref().map(|(context, _)| context);
        expiries(&self.standing, context, brand.retention, now).map_err(|error| StoreError::Build(Box::new(error)))
    }
}
