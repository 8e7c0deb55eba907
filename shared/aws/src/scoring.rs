//! What scoring reads and writes: pages of the audience, and their receipts.

use std::collections::BTreeMap;

use apropos_core::audience::{AudienceRecord, MalformedRecord};
use apropos_core::batch::Block;
use apropos_core::campaign::DeliveryId;
use apropos_core::context::CustomerContext;
use apropos_core::ids::{BrandId, CustomerId, RunId};
use apropos_core::reason::Reason;
use apropos_core::receipt::{PageReceipt, Row, model};
use apropos_core::standing::Standing;
use apropos_core::time::EpochDay;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::Created;
use crate::names::{DATA, NEXT, PK, SK, TTL, Table, audience, page, person, receipts};
use crate::store::{Item, StoreError, Tables, b, bytes, document, json, key, key2, n, s, text};

/// One page of one cell of an audience.
#[derive(Debug, Clone)]
pub struct AudiencePage {
    /// Who, with what scoring may know.
    pub people: Vec<(CustomerId, AudienceRecord)>,
    /// Where the next page begins, if there is one.
    pub next: Option<CustomerId>,
}

/// Where a page stands in its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePlace {
    /// Which part of the audience.
    pub task: u32,
    /// Which page of it.
    pub page: u32,
}

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The cells still to read.
    pub cells: Vec<String>,
    /// The last customer read in the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CustomerId>,
}

/// A page's receipt as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The rows.
    pub receipt: PageReceipt,
    /// Where the next page begins; none after the last.
    pub next: Option<Cursor>,
}

/// The sums of a run's pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageTotals {
    /// How many were considered.
    pub considered: u64,
    /// How many were handed on.
    pub candidates: u64,
    /// How many were withheld, by reason.
    pub withheld: BTreeMap<Reason, u64>,
    /// How many page tasks have written their last page.
    pub tasks_done: u32,
}

/// Receipts live as long as a decision may be asked about, in seconds: 90 days.
const RECEIPT_SECONDS: i64 = 90 * 86_400;

impl Tables {
    /// Reads a page of a cell, at most `most` people, eventually consistent: its consents are hints.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audience_page(
        &self,
        brand: &BrandId,
        cell: &str,
        after: Option<&CustomerId>,
        most: u32,
    ) -> Result<AudiencePage, StoreError> {
        let mut people = Vec::new();
        let push = |customer, stored: &[u8]| {
            people.push((customer, AudienceRecord::from_bytes(stored)?));
            Ok(())
        };
        let next = self.each_of_audience(brand, cell, after, most, push).await?;
        Ok(AudiencePage { people, next })
    }

    /// Whose id is the last of a cell, eventually consistent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_of_audience(&self, brand: &BrandId, cell: &str) -> Result<Option<CustomerId>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(self.name(Table::Audience))
            .key_condition_expression("#pk = :pk")
            .projection_expression("#sk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", s(audience(brand, cell, 0)))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        answer.items().first().map(customer_of).transpose()
    }

    /// As [`audience_page`](Self::audience_page), to be judged together: adds who they are to `customers`, and what scoring
    /// may know of them to `block`, in the same order. Answers where the next page begins, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audience_block(
        &self,
        brand: &BrandId,
        cell: &str,
        after: Option<&CustomerId>,
        most: u32,
        today: EpochDay,
        (customers, block): (&mut Vec<CustomerId>, &mut Block),
    ) -> Result<Option<CustomerId>, StoreError> {
        let push = |customer, stored: &[u8]| {
            block.push_bytes(stored, today)?;
            customers.push(customer);
            Ok(())
        };
        self.each_of_audience(brand, cell, after, most, push).await
    }

    async fn each_of_audience(
        &self,
        brand: &BrandId,
        cell: &str,
        after: Option<&CustomerId>,
        most: u32,
        mut push: impl FnMut(CustomerId, &[u8]) -> Result<(), MalformedRecord>,
    ) -> Result<Option<CustomerId>, StoreError> {
        let pk = audience(brand, cell, 0);
        let start = after.map(|customer| key2(&pk, customer.as_str()));
        let answer = self
            .client
            .query()
            .table_name(self.name(Table::Audience))
            .key_condition_expression("#pk = :pk")
            // The partition's key is known, and would be a third of the answer.
            .projection_expression("#sk, #data")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_names("#data", DATA)
            .expression_attribute_values(":pk", s(&pk))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        for item in answer.items() {
            push(customer_of(item)?, bytes(item, DATA)?)
                .ok()
                .ok_or(StoreError::Corrupt { attribute: DATA })?;
        }
        let last = answer.last_evaluated_key().filter(|last| !last.is_empty());
        last.map(customer_of).transpose()
    }

    /// What scoring may know of one person, exactly: the context with its version, and the standing. No address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scored_person(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
    ) -> Result<Option<(CustomerContext, u32, Standing)>, StoreError> {
        let pk = person(brand, customer);
        let found = self
            .get_many(vec![(Table::Customers, key(&pk)), (Table::Standing, key(&pk))])
            .await?;
        let first = |table: Table| found.get(&table).and_then(|items| items.first());
        let Some(item) = first(Table::Customers) else {
            return Ok(None);
        };
        let (context, version) = crate::people::read_context(item)?;
        let standing = first(Table::Standing)
            .map(crate::standing::read)
            .transpose()?
            .unwrap_or_default();
        Ok(Some((context, version, standing)))
    }

    /// Writes a page's receipt once; a repeated page finds the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_receipt(
        &self,
        brand: &BrandId,
        run: &RunId,
        place: PagePlace,
        stored: &StoredReceipt,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let mut item = key2(receipts(brand, run), page(place.task, place.page));
        item.insert(DATA.to_owned(), b(stored.receipt.to_bytes()));
        if let Some(next) = &stored.next {
            item.insert(NEXT.to_owned(), json(next)?);
        }
        item.insert(TTL.to_owned(), n(now.as_second() + RECEIPT_SECONDS));
        self.create(Table::Receipts, item).await
    }

    /// A page's receipt, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receipt(
        &self,
        brand: &BrandId,
        run: &RunId,
        place: PagePlace,
    ) -> Result<Option<StoredReceipt>, StoreError> {
        let item = self
            .get(
                Table::Receipts,
                key2(receipts(brand, run), page(place.task, place.page)),
            )
            .await?;
        item.as_ref().map(read_receipt).transpose()
    }

    /// The sums over a run's pages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page_totals(&self, brand: &BrandId, run: &RunId) -> Result<PageTotals, StoreError> {
        let mut totals = PageTotals::default();
        for item in self
            .query(Table::Receipts, receipts(brand, run), Some("p#"), true)
            .await?
        {
            let StoredReceipt { receipt, next } = read_receipt(&item)?;
            totals.considered += u64::try_from(receipt.considered()).unwrap_or(u64::MAX);
            totals.candidates += u64::try_from(receipt.candidates()).unwrap_or(u64::MAX);
            for (reason, count) in receipt.withheld() {
                *totals.withheld.entry(reason).or_insert(0) += count;
            }
            totals.tasks_done += u32::from(next.is_none());
        }
        Ok(totals)
    }

    /// One person's row in a run's pages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receipt_row(
        &self,
        brand: &BrandId,
        run: &RunId,
        delivery: DeliveryId,
    ) -> Result<Option<PageRow>, StoreError> {
        for item in self
            .query(Table::Receipts, receipts(brand, run), Some("p#"), true)
            .await?
        {
            if let Some(row) = read_receipt(&item)?.receipt.row(delivery) {
                let model = model(bytes(&item, DATA)?)
                    .ok()
                    .ok_or(StoreError::Corrupt { attribute: DATA })?;
                return Ok(Some(PageRow { model, row: *row }));
            }
        }
        Ok(None)
    }
}

/// One person's row of a page, with the version of the model that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRow {
    /// The version.
    pub model: u8,
    /// The row.
    pub row: Row,
}

fn customer_of(item: &Item) -> Result<CustomerId, StoreError> {
    CustomerId::new(text(item, SK)?)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: SK })
}

fn read_receipt(item: &Item) -> Result<StoredReceipt, StoreError> {
    let receipt = PageReceipt::from_bytes(bytes(item, DATA)?)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: DATA })?;
    let next = if item.contains_key(NEXT) {
        Some(document(item, NEXT)?)
    } else {
        None
    };
    Ok(StoredReceipt { receipt, next })
}
