//! Erasure over the tables. The order, and when a step may be taken, are core's ([`apropos_core::erasure`]).
//!
//! An erasure is listed before anything else is written and taken off the list after its last step, so a crash at any
//! point leaves something that the next tick finds. Each step is repeatable: it deletes by key, or replaces under a
//! condition.

use apropos_core::campaign::{DeliveryId, Run};
use apropos_core::document::KeptProof;
use apropos_core::erasure::{Erased, ErasureStep, Progress, ready_at};
use apropos_core::ids::{BrandId, CustomerId, RunId};
use apropos_core::reason::Reason;
use apropos_core::receipt::{Outcome, without};
use apropos_core::suppression::{Pepper, SuppressionReason};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::deliveries::{DeliveryState, anonymous_delivery, delivery_key, stored_fate, stored_state};
use crate::due::{DueItem, DueKind};
use crate::names::{
    AFTER, BRAND, CLAIMS, CUSTOMER, DATA, DOC, ERASED, ERASURES, FINISHED, KIND, PK, PROOF, PROOF_KEY, REASON, SEQ, SK,
    STEP, Table, VERSION, person, receipts,
};
use crate::people::{PREFERENCE, Person, Written};
use crate::standing;
use crate::store::{
    Item, MOST_TRIES, StoreError, Tables, b, bytes, document, json, key, key2, ms, n, number, optional_text, parsed, s,
    text,
};

/// Runs whose history is dealt with before the cursor is moved.
const RUNS_AT_ONCE: i32 = 10;

/// Receipts are written and claims won only for runs launched this recently, in seconds: later than the 14 days of
/// [`crate::is_current`], with a day for a slow clock.
const STILL_WRITTEN: i64 = 15 * 86_400;

/// Page receipts are kept for 90 days; a run this much older may have lost some.
const PAGES_KEPT: i64 = 89 * 86_400;

/// What came of asking for the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasing {
    /// A step was taken, and more may follow at once.
    Goes(Erased),
    /// The next step may not be taken yet.
    Waits(Erased),
    /// Nothing is left.
    Finished(Erased),
    /// Nobody has begun one.
    NotBegun,
}

impl Tables {
    /// Erases a person as far as it goes now, in at most `most_steps` steps; what is left is found by
    /// [`pending_erasures`](Self::pending_erasures).
    ///
    /// # Errors
    /// [`StoreError`]; what was done stays done.
    pub async fn erase(
        &self,
        pepper: &Pepper,
        brand: &BrandId,
        customer: &CustomerId,
        most_steps: u32,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let mut erased = self.begin_erasure(pepper, brand, customer, now).await?;
        for _ in 0..most_steps {
            match self.advance_erasure(pepper, brand, customer, now).await? {
                Erasing::Goes(further) => erased = further,
                Erasing::Waits(further) | Erasing::Finished(further) => return Ok(further),
                Erasing::NotBegun => break,
            }
        }
        Ok(erased)
    }

    /// Suppresses the address and marks the standing, in this order. After it no message can leave and nothing is taken
    /// in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_erasure(
        &self,
        pepper: &Pepper,
        brand: &BrandId,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        for _ in 0..MOST_TRIES {
            let person = self.person_despite_contact(brand, customer).await?;
            if let Some(erased) = person.standing.erased {
                return Ok(erased);
            }
            self.list_erasure(brand, customer).await?;
            if let Some(hash) = person.address_hash(pepper) {
                self.suppress_erased(brand, &hash.to_text()).await?;
            } else if person.has_broken_contact() {
                tracing::error!(brand.id = %brand, customer.id = %customer, "an address that cannot be read was not suppressed");
            }
            if let Some(erased) = self.mark_erased(&person, now).await? {
                return Ok(erased);
            }
        }
        Err(StoreError::Contended)
    }

    /// Takes the next step of an erasure that was begun, if it may be taken.
    ///
    /// # Errors
    /// [`StoreError`]; the step is taken again then.
    pub async fn advance_erasure(
        &self,
        pepper: &Pepper,
        brand: &BrandId,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Erasing, StoreError> {
        let standing = self.standing(brand, customer).await?;
        let Some(erased) = standing.erased else {
            return Ok(Erasing::NotBegun);
        };
        let (step, after) = match &erased.progress {
            Progress::Finished { .. } => {
                self.unlist_erasure(brand, customer).await?;
                return Ok(Erasing::Finished(erased));
            }
            Progress::Next { step, after } => (*step, after.clone()),
        };
        if now < ready_at(step, erased.at, &standing.claims) {
            return Ok(Erasing::Waits(erased));
        }
        let mut cursor = None;
        match step {
            ErasureStep::Data => self.erase_data(pepper, brand, customer).await?,
            ErasureStep::ProofKey => {
                self.delete_item(Table::Consents, key2(person(brand, customer), PROOF_KEY))
                    .await?;
            }
            ErasureStep::History | ErasureStep::Sweep => {
                cursor = self.erase_history(brand, customer, step, after.as_ref(), now).await?;
            }
            ErasureStep::Ledger => {
                self.erase_words(brand, customer, u32::MAX).await?;
                self.erase_guards(brand, customer).await?;
            }
            ErasureStep::Claims => self.erase_claims(brand, customer).await?,
        }
        let progress = match (cursor, step.next()) {
            (Some(run), _) => Progress::Next { step, after: Some(run) },
            (None, Some(next)) => Progress::Next {
                step: next,
                after: None,
            },
            (None, None) => Progress::Finished { at: now },
        };
        self.move_erasure(brand, customer, step, &progress).await?;
        Ok(Erasing::Goes(Erased {
            at: erased.at,
            progress,
        }))
    }

    /// The erasures that are not finished.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_erasures(&self) -> Result<Vec<(BrandId, CustomerId)>, StoreError> {
        let items = self.query(Table::Due, ERASURES.to_owned(), None, true).await?;
        items
            .iter()
            .map(|item| Ok((parsed(item, BRAND)?, parsed(item, CUSTOMER)?)))
            .collect()
    }

    async fn list_erasure(&self, brand: &BrandId, customer: &CustomerId) -> Result<(), StoreError> {
        let mut item = key2(ERASURES, person(brand, customer));
        item.insert(BRAND.to_owned(), s(brand.as_str()));
        item.insert(CUSTOMER.to_owned(), s(customer.as_str()));
        self.put_item(Table::Due, item).await
    }

    async fn unlist_erasure(&self, brand: &BrandId, customer: &CustomerId) -> Result<(), StoreError> {
        self.delete_item(Table::Due, key2(ERASURES, person(brand, customer)))
            .await
    }

    /// A complaint or a hard bounce that is on record stays: only an erasure is lifted by a new sign-up.
    async fn suppress_erased(&self, brand: &BrandId, hash: &str) -> Result<(), StoreError> {
        let mut item = key(crate::names::suppression(brand, hash));
        item.insert(REASON.to_owned(), s(SuppressionReason::Erasure.code()));
        let answer = self
            .client
            .put_item()
            .table_name(self.name(Table::Suppressions))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PK)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::call("PutItem")(error)),
            },
        }
    }

    /// Puts the mark in place of the standing, if it is still the one that was read. Only the end of the ledger and the
    /// claims are carried over; the claims until nobody can be sending under one.
    async fn mark_erased(&self, person: &Person, now: Timestamp) -> Result<Option<Erased>, StoreError> {
        let erased = Erased {
            at: now,
            progress: Progress::Next {
                step: ErasureStep::Data,
                after: None,
            },
        };
        let pk = crate::names::person(&person.brand, &person.customer);
        let mut put = self
            .client
            .put_item()
            .table_name(self.name(Table::Standing))
            .set_item(Some(standing::mark(pk, &person.standing, now)?));
        put = if person.standing.version == 0 {
            put.condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", PK)
        } else {
            put.condition_expression("#v = :seen")
                .expression_attribute_names("#v", VERSION)
                .expression_attribute_values(":seen", n(person.standing.version))
        };
        match put.send().await {
            Ok(_) => Ok(Some(erased)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(StoreError::call("PutItem")(error)),
            },
        }
    }

    /// Records that a step was taken, unless someone else has done so.
    async fn move_erasure(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        taken: ErasureStep,
        progress: &Progress,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name(Table::Standing))
            .set_key(Some(key(person(brand, customer))))
            .condition_expression("attribute_exists(#erased) AND #step = :taken")
            .expression_attribute_names("#erased", ERASED)
            .expression_attribute_names("#step", STEP)
            .expression_attribute_names("#after", AFTER)
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":taken", s(taken.code()))
            .expression_attribute_values(":one", n(1));
        let update = match progress {
            Progress::Next { step, after: Some(run) } => update
                .update_expression("SET #v = #v + :one, #step = :step, #after = :after")
                .expression_attribute_values(":step", s(step.code()))
                .expression_attribute_values(":after", s(run.as_str())),
            Progress::Next { step, after: None } => update
                .update_expression("SET #v = #v + :one, #step = :step REMOVE #after")
                .expression_attribute_values(":step", s(step.code())),
            Progress::Finished { at } => update
                .update_expression("SET #v = #v + :one, #finished = :at REMOVE #after, #step")
                .expression_attribute_names("#finished", FINISHED)
                .expression_attribute_values(":at", ms(*at)),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// What leads to other items goes last: the contact point leads to the link, the context to the audience's record.
    async fn erase_data(&self, pepper: &Pepper, brand: &BrandId, customer: &CustomerId) -> Result<(), StoreError> {
        let pk = person(brand, customer);
        let held = self.person_despite_contact(brand, customer).await?;
        if let Some(link) = held.link {
            self.empty_link(link, brand).await?;
        }
        if let Some(hash) = held.address_hash(pepper) {
            self.forget_sign_ups(hash).await?;
        }
        if let Some(hash) = &held.address {
            self.forget_owner(brand, customer, hash).await?;
        }
        if let Some(audience) = &held.audience_key {
            self.delete_item(Table::Audience, key2(audience, customer.as_str()))
                .await?;
        }
        self.delete_item(Table::Customers, key(&pk)).await?;
        self.delete_item(Table::Contacts, key(&pk)).await
    }

    /// The address no longer leads to the person, unless it leads to somebody else by now.
    async fn forget_owner(&self, brand: &BrandId, customer: &CustomerId, hash: &str) -> Result<(), StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(self.name(Table::Contacts))
            .set_key(Some(key(crate::names::address(brand, hash))))
            .condition_expression("#customer = :customer")
            .expression_attribute_names("#customer", CUSTOMER)
            .expression_attribute_values(":customer", s(customer.as_str()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::call("DeleteItem")(error)),
            },
        }
    }

    /// Deals with some runs, and says after which to go on. The last step looks only at runs that are still written for.
    async fn erase_history(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        step: ErasureStep,
        after: Option<&RunId>,
        now: Timestamp,
    ) -> Result<Option<RunId>, StoreError> {
        let minutes = self.listed_minutes().await?;
        let (runs, next) = self.runs_after(brand, after, RUNS_AT_ONCE).await?;
        for run in &runs {
            let age = now.as_second() - run.launched_at.as_second();
            if step == ErasureStep::Sweep && age > STILL_WRITTEN {
                continue;
            }
            self.erase_due(run, customer, &minutes).await?;
            self.erase_from_run(run, customer, age).await?;
        }
        Ok(next)
    }

    async fn erase_due(&self, run: &Run, customer: &CustomerId, minutes: &[i64]) -> Result<(), StoreError> {
        let keys: Vec<Item> = minutes
            .iter()
            .filter_map(|minute| Timestamp::from_second(minute.saturating_mul(60)).ok())
            .map(|at| {
                let (brand, campaign) = (run.brand.clone(), run.campaign.clone());
                let item = DueItem::new(brand, campaign, run.id.clone(), customer.clone(), DueKind::Deferred, at);
                crate::due::due_key(&item)
            })
            .collect();
        let wanted = keys.into_iter().map(|key| (Table::Due, key)).collect();
        for item in self.get_many(wanted).await?.remove(&Table::Due).into_iter().flatten() {
            self.delete_item(Table::Due, key2(text(&item, PK)?, text(&item, SK)?))
                .await?;
        }
        Ok(())
    }

    /// Takes a person out of a run in one transaction: the row of the page is made nobody's, the delivery is deleted,
    /// and what it counted for is counted on by an item that names nobody. So the run's counts are right at any time,
    /// and doing it again finds nothing to do.
    pub(crate) async fn erase_from_run(&self, run: &Run, customer: &CustomerId, age: i64) -> Result<(), StoreError> {
        let id = DeliveryId::of(run, customer);
        for _ in 0..MOST_TRIES {
            let delivery = self
                .get(Table::Deliveries, delivery_key(&run.brand, &run.id, id))
                .await?;
            let row = self.page_with(run, id).await?;
            let mut writes = Vec::new();
            if let Some(item) = &delivery {
                writes.push(self.delete_seen(&run.brand, &run.id, id, item)?);
            }
            let counts = match &row {
                Some((.., outcome)) => *outcome == Outcome::Candidate,
                // Without a row it was counted on already, unless the pages of so old a run are gone.
                None => delivery.is_some() && age > PAGES_KEPT,
            };
            if counts {
                let (state, reason) = settled(delivery.as_ref())?;
                let fate = delivery.as_ref().map_or(Ok(None), stored_fate)?;
                let item = anonymous_delivery(run, state, reason, fate)?;
                let put = Put::builder()
                    .table_name(self.name(Table::Deliveries))
                    .set_item(Some(item))
                    .build()
                    .map_err(|error| StoreError::Build(Box::new(error)))?;
                writes.push(TransactWriteItem::builder().put(put).build());
            }
            if let Some((page, forgotten, _)) = row {
                writes.push(self.replace_page(&page, forgotten)?);
            }
            if writes.is_empty() {
                return Ok(());
            }
            if self.transact(writes).await? == Written::Done {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    /// The page of a run that holds the person's row, and what is to stand in its place.
    async fn page_with(&self, run: &Run, id: DeliveryId) -> Result<Option<(Item, Vec<u8>, Outcome)>, StoreError> {
        for item in self
            .query(Table::Receipts, receipts(&run.brand, &run.id), Some("p#"), true)
            .await?
        {
            if let Some((forgotten, outcome)) = without(bytes(&item, DATA)?, id) {
                return Ok(Some((item, forgotten, outcome)));
            }
        }
        Ok(None)
    }

    fn delete_seen(
        &self,
        brand: &BrandId,
        run: &RunId,
        id: DeliveryId,
        seen: &Item,
    ) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(self.name(Table::Deliveries))
            .set_key(Some(delivery_key(brand, run, id)))
            .condition_expression("#state = :state")
            .expression_attribute_names("#state", crate::names::STATE)
            .expression_attribute_values(":state", s(text(seen, crate::names::STATE)?))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn replace_page(&self, page: &Item, forgotten: Vec<u8>) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(self.name(Table::Receipts))
            .set_key(Some(key2(text(page, PK)?, text(page, SK)?)))
            .update_expression("SET #d = :new")
            .condition_expression("#d = :old")
            .expression_attribute_names("#d", DATA)
            .expression_attribute_values(":old", b(bytes(page, DATA)?))
            .expression_attribute_values(":new", b(forgotten))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Entries up to this number keep what the chain is checked by, and the proof without its words.
    pub(crate) async fn erase_words(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        up_to: u32,
    ) -> Result<(), StoreError> {
        let pk = person(brand, customer);
        for item in self.query(Table::Consents, pk.clone(), Some("e#"), true).await? {
            if optional_text(&item, DOC)?.is_none() || number::<u32>(&item, SEQ)? > up_to {
                continue;
            }
            let update = self
                .client
                .update_item()
                .table_name(self.name(Table::Consents))
                .set_key(Some(key2(&pk, text(&item, SK)?)))
                .expression_attribute_names("#doc", DOC);
            // How often or in which language somebody was written to has to be shown to nobody.
            let update = if optional_text(&item, KIND)? == Some(PREFERENCE) {
                update.update_expression("REMOVE #doc")
            } else {
                let proof = KeptProof::of(&document(&item, DOC)?);
                update
                    .update_expression("SET #proof = :proof REMOVE #doc")
                    .expression_attribute_names("#proof", PROOF)
                    .expression_attribute_values(":proof", json(&proof)?)
            };
            update.send().await.map_err(StoreError::call("UpdateItem"))?;
        }
        Ok(())
    }

    /// The guards, whose ids callers chose.
    async fn erase_guards(&self, brand: &BrandId, customer: &CustomerId) -> Result<(), StoreError> {
        let pk = person(brand, customer);
        for item in self.query(Table::Consents, pk.clone(), Some("g#"), true).await? {
            self.delete_item(Table::Consents, key2(&pk, text(&item, SK)?)).await?;
        }
        Ok(())
    }

    /// No attempt can be sending under one any more, and without them no candidate is sent to either: the mark is seen
    /// first.
    async fn erase_claims(&self, brand: &BrandId, customer: &CustomerId) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(self.name(Table::Standing))
            .set_key(Some(key(person(brand, customer))))
            .update_expression("SET #claims = :none")
            .condition_expression("attribute_exists(#erased)")
            .expression_attribute_names("#claims", CLAIMS)
            .expression_attribute_names("#erased", ERASED)
            .expression_attribute_values(":none", aws_sdk_dynamodb::types::AttributeValue::M(Default::default()))
            .send()
            .await
            .map_err(StoreError::call("UpdateItem"))?;
        Ok(())
    }

    /// What is kept of an erased person's consents, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_proofs(&self, brand: &BrandId, customer: &CustomerId) -> Result<Vec<KeptProof>, StoreError> {
        self.ledger_items(brand, customer)
            .await?
            .iter()
            .filter(|item| item.contains_key(PROOF))
            .map(|item| document(item, PROOF))
            .collect()
    }

    pub(crate) async fn put_item(&self, table: Table, item: Item) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(self.name(table))
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::call("PutItem"))?;
        Ok(())
    }

    pub(crate) async fn delete_item(&self, table: Table, key: Item) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(self.name(table))
            .set_key(Some(key))
            .send()
            .await
            .map_err(StoreError::call("DeleteItem"))?;
        Ok(())
    }
}

/// How a candidate of an erased person is counted on: as it ended, else as far as is known.
fn settled(delivery: Option<&Item>) -> Result<(DeliveryState, Option<Reason>), StoreError> {
    let Some(item) = delivery else {
        return Ok((DeliveryState::Withheld, Some(Reason::Suppressed)));
    };
    let (state, reason) = stored_state(item)?;
    Ok(match state {
        DeliveryState::Sent | DeliveryState::Withheld => (state, reason),
        DeliveryState::Claimed | DeliveryState::Unresolved => (DeliveryState::Withheld, Some(Reason::Abandoned)),
        DeliveryState::Released => (DeliveryState::Withheld, Some(Reason::Suppressed)),
    })
}
