//! What waits for its minute: deferred candidates and claims whose outcome is not known.

use apropos_core::ids::{BrandId, CampaignId, CustomerId, RunId};
use jiff::Timestamp;

use crate::names::{BRAND, CAMPAIGN, CUSTOMER, DUE_MINUTES, KIND, PK, RUN, SK, TTL, Table, due, due_item, due_minute};
use crate::store::{Item, StoreError, Tables, key2, n, parsed, s, text};

/// Why something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueKind {
    /// Quiet hours, a pause, a message of higher priority: to be decided again.
    Deferred,
    /// As before, and it has waited for its best hour, which it does once.
    Waited,
    /// Whether SES took it is not known: to be abandoned.
    Unresolved,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueItem {
    /// Whose.
    pub brand: BrandId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Of which run.
    pub run: RunId,
    /// To whom.
    pub customer: CustomerId,
    /// Why.
    pub kind: DueKind,
    /// The partition it is in.
    minute: i64,
    shard: u8,
}

impl DueItem {
    /// Something due at the first whole minute from `at` on.
    #[must_use]
    pub fn new(
        brand: BrandId,
        campaign: CampaignId,
        run: RunId,
        customer: CustomerId,
        kind: DueKind,
        at: Timestamp,
    ) -> Self {
        let minute =
            at.as_second().div_euclid(60) + i64::from(at.as_second().rem_euclid(60) > 0 || at.subsec_nanosecond() > 0);
        // Many people share a minute, such as eight in the morning: their items spread over the shards.
        let shard = customer
            .as_str()
            .bytes()
            .fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
            % SHARDS;
        Self {
            brand,
            campaign,
            run,
            customer,
            kind,
            minute,
            shard,
        }
    }

    /// The minute, counted from the epoch.
    #[must_use]
    pub const fn minute(&self) -> i64 {
        self.minute
    }
}

const SHARDS: u8 = 8;
/// An item that nothing picked up is of no use long after its minute, in seconds: 30 days.
const DUE_SECONDS: i64 = 30 * 86_400;

impl Tables {
    /// Puts something on its minute; putting it twice is the same as once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_due(&self, due_item: &DueItem) -> Result<(), StoreError> {
        let ttl = n(due_item.minute * 60 + DUE_SECONDS);
        // The minute is listed first: a listed minute without items costs one empty query, an item in an unlisted
        // minute would never be found.
        let mut minute = key2(DUE_MINUTES, due_minute(due_item.minute));
        minute.insert(TTL.to_owned(), ttl.clone());
        let mut item = due_key(due_item);
        let values = [
            (BRAND, s(due_item.brand.as_str())),
            (CAMPAIGN, s(due_item.campaign.as_str())),
            (RUN, s(due_item.run.as_str())),
            (CUSTOMER, s(due_item.customer.as_str())),
            (KIND, s(kind_code(due_item.kind))),
            (TTL, ttl),
        ];
        item.extend(values.map(|(name, value)| (name.to_owned(), value)));
        for item in [minute, item] {
            self.client
                .put_item()
                .table_name(self.name(Table::Due))
                .set_item(Some(item))
                .send()
                .await
                .map_err(StoreError::call("PutItem"))?;
        }
        Ok(())
    }

    /// The listed minutes up to a time, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_minutes(&self, until: Timestamp) -> Result<Vec<i64>, StoreError> {
        let last = until.as_second().div_euclid(60);
        Ok(self
            .listed_minutes()
            .await?
            .into_iter()
            .take_while(|minute| *minute <= last)
            .collect())
    }

    /// Every listed minute, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn listed_minutes(&self) -> Result<Vec<i64>, StoreError> {
        let items = self.query(Table::Due, DUE_MINUTES.to_owned(), None, true).await?;
        items.iter().map(|item| parsed(item, SK)).collect()
    }

    /// What waits for a minute.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_in(&self, minute: i64) -> Result<Vec<DueItem>, StoreError> {
        let mut waiting = Vec::new();
        for shard in 0..SHARDS {
            for item in self.query(Table::Due, due(minute, shard), None, true).await? {
                waiting.push(read(&item, minute, shard)?);
            }
        }
        Ok(waiting)
    }

    /// Takes something off its minute.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_due(&self, due_item: &DueItem) -> Result<(), StoreError> {
        self.delete_due(due_key(due_item)).await
    }

    /// Takes a minute with nothing left off the list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_due_minute(&self, minute: i64) -> Result<(), StoreError> {
        self.delete_due(key2(DUE_MINUTES, due_minute(minute))).await
    }

    async fn delete_due(&self, key: Item) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(self.name(Table::Due))
            .set_key(Some(key))
            .send()
            .await
            .map_err(StoreError::call("DeleteItem"))?;
        Ok(())
    }
}

pub(crate) fn due_key(item: &DueItem) -> Item {
    key2(
        due(item.minute, item.shard),
        due_item(&item.brand, &item.run, &item.customer),
    )
}

const fn kind_code(kind: DueKind) -> &'static str {
    match kind {
        DueKind::Deferred => "deferred",
        DueKind::Waited => "waited",
        DueKind::Unresolved => "unresolved",
    }
}

fn read(item: &Item, minute: i64, shard: u8) -> Result<DueItem, StoreError> {
    debug_assert!(item.contains_key(PK));
    let kind = match text(item, KIND)? {
        "deferred" => DueKind::Deferred,
        "waited" => DueKind::Waited,
        "unresolved" => DueKind::Unresolved,
        _ => return Err(StoreError::Corrupt { attribute: KIND }),
    };
    Ok(DueItem {
        brand: parsed(item, BRAND)?,
        campaign: parsed(item, CAMPAIGN)?,
        run: parsed(item, RUN)?,
        customer: parsed(item, CUSTOMER)?,
        kind,
        minute,
        shard,
    })
}
