//! API keys: stored as a hash, with the brand and the scopes they stand for.
//!
//! A key is read by its id alone, which is all that a caller shows, so the table has no sort key. A brand's keys are
//! listed by one item that holds their ids, written in the transaction that makes a key: an index would cost a write at
//! each noted use and could not be read strongly, and there are few keys of a brand and fewer makings.

use apropos_core::api_key::{KeyHash, KeyId, KeyRecord, NOTED_EVERY, PresentedKey, ScopeSet};
use apropos_core::ids::BrandId;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::names::{BRAND, CREATED_AT, EXPIRES_AT, HASH, KEYS, LAST_USED, PK, REVOKED_AT, SCOPES, Table, brand_keys};
use crate::people::Written;
use crate::random::random;
use crate::store::{Item, MOST_TRIES, StoreError, Tables, b, fixed, key, ms, optional_time, parsed, s, text, time};

/// How a revocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The key is revoked from now on.
    Done,
    /// It was revoked before; that time stays.
    Already {
        /// When.
        since: Timestamp,
    },
    /// There is no such key.
    Unknown,
}

impl Tables {
    /// The record of a key id, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let item = self.get(Table::ApiKeys, key(id.as_str())).await?;
        item.as_ref().map(read).transpose()
    }

    /// Makes a key, keeps its hash, and gives it this once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mint_api_key(
        &self,
        brand: &BrandId,
        scopes: ScopeSet,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<PresentedKey, StoreError> {
        let mut record = KeyRecord {
            brand: brand.clone(),
            key_hash: KeyHash::from_bytes([0; 32]),
            scopes,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used: None,
        };
        for _ in 0..MOST_TRIES {
            let made = PresentedKey::mint(random()?, random()?);
            record.key_hash = made.hash();
            match self.add_api_key(made.id(), &record).await? {
                Written::Done => return Ok(made),
                // The id is taken, or another key of the brand is being made.
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }

    /// Adds a key to its brand's; `Stale` if the id is taken or another key of the brand is being made.
    async fn add_api_key(&self, id: &KeyId, record: &KeyRecord) -> Result<Written, StoreError> {
        let mut item = key(id.as_str());
        item.insert(BRAND.to_owned(), s(record.brand.as_str()));
        item.insert(HASH.to_owned(), b(*record.key_hash.as_bytes()));
        item.insert(SCOPES.to_owned(), s(record.scopes.to_string()));
        item.insert(CREATED_AT.to_owned(), ms(record.created_at));
        if let Some(end) = record.expires_at {
            item.insert(EXPIRES_AT.to_owned(), ms(end));
        }
        let list = Update::builder()
            .table_name(self.name(Table::ApiKeys))
            .set_key(Some(key(brand_keys(&record.brand))))
            .update_expression("ADD #keys :id")
            .expression_attribute_names("#keys", KEYS)
            .expression_attribute_values(":id", AttributeValue::Ss(vec![id.as_str().to_owned()]))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        self.transact(vec![
            self.put_new(Table::ApiKeys, item)?,
            TransactWriteItem::builder().update(list).build(),
        ])
        .await
    }

    /// The keys of a brand, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_keys(&self, brand: &BrandId) -> Result<Vec<(KeyId, KeyRecord)>, StoreError> {
        let Some(list) = self.get(Table::ApiKeys, key(brand_keys(brand))).await? else {
            return Ok(Vec::new());
        };
        let Some(AttributeValue::Ss(ids)) = list.get(KEYS) else {
            return Err(StoreError::Corrupt { attribute: KEYS });
        };
        let wanted = ids.iter().map(|id| (Table::ApiKeys, key(id))).collect();
        let mut keys = Vec::with_capacity(ids.len());
        for item in self.get_many(wanted).await?.into_values().flatten() {
            let id = KeyId::new(text(&item, PK)?)
                .ok()
                .ok_or(StoreError::Corrupt { attribute: PK })?;
            keys.push((id, read(&item)?));
        }
        keys.sort_by(|(id, record), (other_id, other)| (record.created_at, id).cmp(&(other.created_at, other_id)));
        Ok(keys)
    }

    /// Notes that a key was used, unless a use was noted less than [`NOTED_EVERY`] ago. The update names no attribute
    /// but the time and the key, so that the authorizer's role can be held to them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touch_api_key(&self, id: &KeyId, now: Timestamp) -> Result<(), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::ApiKeys))
            .set_key(Some(key(id.as_str())))
            .update_expression("SET #last = :now")
            .condition_expression("attribute_exists(#pk) AND (attribute_not_exists(#last) OR #last <= :before)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#last", LAST_USED)
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":before", ms(now.saturating_sub(NOTED_EVERY).unwrap_or(now)))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // Another call noted it.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_api_key(&self, id: &KeyId, now: Timestamp) -> Result<Revocation, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::ApiKeys))
            .set_key(Some(key(id.as_str())))
            .update_expression("SET #revoked = :now")
            .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#revoked)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#revoked", REVOKED_AT)
            .expression_attribute_values(":now", ms(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Revocation::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match &failed.item {
                    // The SDK may have repeated a write that had reached the table: then the time is ours.
                    Some(item) if optional_time(item, REVOKED_AT)? == Some(at_millisecond(now)) => Ok(Revocation::Done),
                    Some(item) => Ok(Revocation::Already {
                        since: time(item, REVOKED_AT)?,
                    }),
                    None => Ok(Revocation::Unknown),
                },
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }
}

/// As times are stored.
fn at_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn read(item: &Item) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        brand: parsed(item, BRAND)?,
        key_hash: KeyHash::from_bytes(fixed(item, HASH)?),
        scopes: ScopeSet::parse(text(item, SCOPES)?)
            .ok()
            .ok_or(StoreError::Corrupt { attribute: SCOPES })?,
        created_at: time(item, CREATED_AT)?,
        expires_at: optional_time(item, EXPIRES_AT)?,
        revoked_at: optional_time(item, REVOKED_AT)?,
        last_used: optional_time(item, LAST_USED)?,
    })
}
