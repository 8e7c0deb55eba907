//! Filling an audience with people of whom nothing else is kept, to measure what reads it.

use std::collections::BTreeMap;

use apropos_core::brand::Topics;
use apropos_core::context::CustomerContext;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::standing::Standing;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use jiff::Timestamp;

use super::{Person, audience_key, audience_record_item, cell_of, derive};
use crate::names::Table;
use crate::store::{MOST_TRIES, StoreError, Tables};

/// DynamoDB's limit for a batch of writes.
const WRITES_TOGETHER: usize = 25;

/// Someone of an audience that is filled.
#[derive(Debug, Clone)]
pub struct Extra {
    /// Who.
    pub customer: CustomerId,
    /// The context that the record is derived from.
    pub context: CustomerContext,
    /// The standing that it is derived from.
    pub standing: Standing,
}

impl Tables {
    /// Writes the audience's records of people as [`put_context`](Self::put_context) would, and nothing else: scoring
    /// finds them, and a candidate among them is then withheld as unknown. Says how many came to which cell, for
    /// [`add_to_cell`](Self::add_to_cell).
    ///
    /// # Errors
    /// [`StoreError`]; then some may have been written.
    pub async fn fill_audience(
        &self,
        brand: &BrandId,
        topics: &Topics,
        people: Vec<Extra>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u32>, StoreError> {
        let mut cells: BTreeMap<String, u32> = BTreeMap::new();
        let mut writes = Vec::with_capacity(people.len());
        for extra in people {
            let record = derive(&extra.context, 1, &extra.standing, topics, now);
            let person = Person::of(brand.clone(), extra.customer, None, None);
            let pk = audience_key(&person, &extra.context);
            *cells.entry(cell_of(&pk).to_owned()).or_default() += 1;
            let put = PutRequest::builder()
                .set_item(Some(audience_record_item(&person, pk, &record)))
                .build()
                .map_err(|error| StoreError::Build(Box::new(error)))?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        let table = self.name(Table::Audience);
        for batch in writes.chunks(WRITES_TOGETHER) {
            let mut left = batch.to_vec();
            let mut tries = 0;
            while !left.is_empty() {
                if tries == MOST_TRIES {
                    return Err(StoreError::Contended);
                }
                tries += 1;
                let answer = self
                    .client
                    .batch_write_item()
                    .request_items(&table, left)
                    .send()
                    .await
                    .map_err(StoreError::call("BatchWriteItem"))?;
                let unprocessed = answer.unprocessed_items.and_then(|mut items| items.remove(&table));
                left = unprocessed.unwrap_or_default();
            }
        }
        Ok(cells)
    }
}
