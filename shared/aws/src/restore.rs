//! What must be carried out again on tables that were restored from a backup, before anything else touches them: erasures
//! and suppressions are kept apart from the backups, so that a restore brings nobody back.

use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::suppression::{Pepper, SuppressionReason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::{ERASED, PK, REASON, Table};
use crate::store::{Item, StoreError, Tables, key, s, text};

/// One thing that a restore must not undo. It names nobody: a pseudonym, or a keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NotToUndo {
    /// A person had their data erased.
    Erased {
        /// Whose customer.
        brand: BrandId,
        /// Under which pseudonym.
        customer: CustomerId,
    },
    /// An address must not be written to.
    Suppressed {
        /// The key that it is kept under.
        key: String,
        /// Why.
        reason: String,
    },
}

/// What a replay has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Erasures that the backup did not know, carried out again.
    pub erased: u32,
    /// Suppressions that the backup did not know.
    pub suppressed: u32,
    /// What the backup knew already.
    pub known: u32,
}

/// Steps of an erasure taken at once; what has to wait is found by the tick.
const MOST_STEPS: u32 = 10_000;

impl Tables {
    /// Everything that a restore must not undo. It reads two tables as a whole, which a drill may and a function never
    /// does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn not_to_undo(&self) -> Result<Vec<NotToUndo>, StoreError> {
        let mut lines = Vec::new();
        for item in self.whole(Table::Suppressions).await? {
            lines.push(NotToUndo::Suppressed {
                key: text(&item, PK)?.to_owned(),
                reason: text(&item, REASON)?.to_owned(),
            });
        }
        for item in self.whole(Table::Standing).await? {
            if !item.contains_key(ERASED) {
                continue;
            }
            let corrupt = || StoreError::Corrupt { attribute: PK };
            let (brand, customer) = text(&item, PK)?.split_once('#').ok_or_else(corrupt)?;
            lines.push(NotToUndo::Erased {
                brand: BrandId::new(brand).ok().ok_or_else(corrupt)?,
                customer: CustomerId::new(customer).ok().ok_or_else(corrupt)?,
            });
        }
        Ok(lines)
    }

    /// Carries it out on these tables: suppressions first, then erasures. Doing it again finds everything known.
    ///
    /// # Errors
    /// [`StoreError`]; it can be done again from the start.
    pub async fn replay(&self, lines: &[NotToUndo], pepper: &Pepper, now: Timestamp) -> Result<Replayed, StoreError> {
        let mut done = Replayed::default();
        for line in lines {
            if let NotToUndo::Suppressed { key: pk, reason } = line {
                let reason = SuppressionReason::from_code(reason).ok_or(StoreError::Corrupt { attribute: REASON })?;
                let mut item = key(pk.as_str());
                item.insert(REASON.to_owned(), s(reason.code()));
                match self.create(Table::Suppressions, item).await? {
                    crate::Created::New => done.suppressed += 1,
                    crate::Created::Taken => done.known += 1,
                }
            }
        }
        for line in lines {
            if let NotToUndo::Erased { brand, customer } = line {
                let known = self.standing(brand, customer).await?.erased.is_some();
                self.erase(pepper, brand, customer, MOST_STEPS, now).await?;
                if known {
                    done.known += 1;
                } else {
                    done.erased += 1;
                }
            }
        }
        Ok(done)
    }

    async fn whole(&self, table: Table) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(self.name(table))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::call("Scan"))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|last| !last.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
