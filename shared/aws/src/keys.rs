//! API keys: stored as a hash, with the brand and the scopes they stand for.

use apropos_core::api_key::{KeyHash, KeyRecord, ScopeSet};

use crate::names::{BRAND, EXPIRES_AT, HASH, REVOKED_AT, SCOPES, Table};
use crate::store::{StoreError, Tables, b, fixed, key, ms, optional_time, parsed, s, text};

impl Tables {
    /// The record of a key id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, key_id: &str) -> Result<Option<KeyRecord>, StoreError> {
        let Some(item) = self.get(Table::ApiKeys, key(key_id)).await? else {
            return Ok(None);
        };
        Ok(Some(KeyRecord {
            brand: parsed(&item, BRAND)?,
            key_hash: KeyHash::from_bytes(fixed(&item, HASH)?),
            scopes: ScopeSet::parse(text(&item, SCOPES)?)
                .ok()
                .ok_or(StoreError::Corrupt { attribute: SCOPES })?,
            expires_at: optional_time(&item, EXPIRES_AT)?,
            revoked_at: optional_time(&item, REVOKED_AT)?,
        }))
    }

    /// Stores the record of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_api_key(&self, key_id: &str, record: &KeyRecord) -> Result<(), StoreError> {
        let mut item = key(key_id);
        item.insert(BRAND.to_owned(), s(record.brand.as_str()));
        item.insert(HASH.to_owned(), b(*record.key_hash.as_bytes()));
        item.insert(SCOPES.to_owned(), s(record.scopes.to_string()));
        for (name, at) in [(EXPIRES_AT, record.expires_at), (REVOKED_AT, record.revoked_at)] {
            if let Some(at) = at {
                item.insert(name.to_owned(), ms(at));
            }
        }
        self.client
            .put_item()
            .table_name(self.name(Table::ApiKeys))
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::call("PutItem"))?;
        Ok(())
    }
}
