//! What was decided about one person, for that person.

use std::collections::HashMap;

use apropos_core::campaign::{DeliveryId, Run};
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::receipt::Row;

use crate::deliveries::{Delivery, delivery_key, read};
use crate::names::{SK, Table};
use crate::store::{StoreError, Tables, text};

/// A decision about a person, in the run that it was made in.
#[derive(Debug, Clone)]
pub struct PastDecision {
    /// The run.
    pub run: Run,
    /// How it ended.
    pub outcome: PastOutcome,
}

/// How a decision ended, as far as it is kept.
#[derive(Debug, Clone)]
pub enum PastOutcome {
    /// By a delivery, sent or withheld on fresh facts.
    Delivery(Delivery),
    /// On a page, when the audience was scored.
    Page(Row),
}

/// Runs read at once.
const RUNS_AT_ONCE: i32 = 50;

/// Each page of a run has to be looked through for one row, so only the latest runs are asked for theirs.
const RUNS_WITH_PAGES: usize = 20;

impl Tables {
    /// The decisions about a person, latest run first: every delivery that is kept, and the rows of pages in the latest
    /// runs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decisions(&self, brand: &BrandId, customer: &CustomerId) -> Result<Vec<PastDecision>, StoreError> {
        let mut runs = Vec::new();
        let mut after = None;
        loop {
            let (found, next) = self.runs_after(brand, after.as_ref(), RUNS_AT_ONCE).await?;
            runs.extend(found);
            after = next;
            if after.is_none() {
                break;
            }
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.launched_at));
        let keys = runs
            .iter()
            .map(|run| {
                let id = DeliveryId::of(run, customer);
                (Table::Deliveries, delivery_key(brand, &run.id, id))
            })
            .collect();
        let found = self
            .get_many(keys)
            .await?
            .remove(&Table::Deliveries)
            .unwrap_or_default();
        let by_id: HashMap<&str, _> = found
            .iter()
            .map(|item| Ok((text(item, SK)?, item)))
            .collect::<Result<_, StoreError>>()?;
        let mut decisions = Vec::new();
        for (position, run) in runs.into_iter().enumerate() {
            let id = DeliveryId::of(&run, customer);
            let outcome = match by_id.get(id.to_hex().as_str()) {
                Some(item) => Some(PastOutcome::Delivery(read(id, item)?)),
                None if position < RUNS_WITH_PAGES => self
                    .receipt_row(brand, &run.id, id)
                    .await?
                    .map(|page| PastOutcome::Page(page.row)),
                None => None,
            };
            decisions.extend(outcome.map(|outcome| PastDecision { run, outcome }));
        }
        Ok(decisions)
    }

    /// The run that a delivery to a person was of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_of(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        delivery: DeliveryId,
    ) -> Result<Option<Run>, StoreError> {
        let mut after = None;
        loop {
            let (found, next) = self.runs_after(brand, after.as_ref(), RUNS_AT_ONCE).await?;
            let run = found.into_iter().find(|run| DeliveryId::of(run, customer) == delivery);
            if run.is_some() || next.is_none() {
                return Ok(run);
            }
            after = next;
        }
    }
}
