//! What the links in messages refer to, and the addresses that must not be written to.

use std::collections::HashMap;

use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::link::LinkId;
use apropos_core::suppression::{AddressHash, SuppressionReason};

use crate::names::{BRAND, CUSTOMER, REASON, Table, suppression, undeliverable};
use crate::store::{Item, StoreError, Tables, key, optional_text, parsed, s, text};

/// Whether an address may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppressed {
    /// Nothing is against it.
    No,
    /// The brand must not write to it.
    ByBrand(SuppressionReason),
    /// Nobody can: it does not exist.
    Undeliverable,
}

/// What a permanent link refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// Nothing: it was never ours.
    Unknown,
    /// A customer of a brand.
    Customer(BrandId, CustomerId),
    /// Nobody any more. It must still answer whoever leaves by it, in messages sent long ago, that they are out.
    Nobody(BrandId),
}

impl Tables {
    /// Who a permanent link refers to, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link(&self, id: LinkId) -> Result<Option<(BrandId, CustomerId)>, StoreError> {
        Ok(match self.link_target(id).await? {
            LinkTarget::Customer(brand, customer) => Some((brand, customer)),
            LinkTarget::Unknown | LinkTarget::Nobody(_) => None,
        })
    }

    /// What a permanent link refers to, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link_target(&self, id: LinkId) -> Result<LinkTarget, StoreError> {
        let Some(item) = self.get(Table::Links, key(id.to_text())).await? else {
            return Ok(LinkTarget::Unknown);
        };
        let brand = parsed(&item, BRAND)?;
        Ok(match optional_text(&item, CUSTOMER)? {
            Some(_) => LinkTarget::Customer(brand, parsed(&item, CUSTOMER)?),
            None => LinkTarget::Nobody(brand),
        })
    }

    /// Lets a link refer to nobody.
    pub(crate) async fn empty_link(&self, id: LinkId, brand: &BrandId) -> Result<(), StoreError> {
        let mut item = key(id.to_text());
        item.insert(BRAND.to_owned(), s(brand.as_str()));
        self.put_item(Table::Links, item).await
    }

    /// Whether an address is suppressed for a brand, or undeliverable for all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppressed(
        &self,
        brand: &BrandId,
        address: &AddressHash,
        anywhere: &AddressHash,
    ) -> Result<Suppressed, StoreError> {
        let by_brand = suppression(brand, &address.to_text());
        let keys = vec![
            (Table::Suppressions, key(&by_brand)),
            (Table::Suppressions, key(undeliverable(&anywhere.to_text()))),
        ];
        let found = self.get_many(keys).await?;
        let items = found.get(&Table::Suppressions).map(Vec::as_slice).unwrap_or_default();
        for item in items {
            let code = text(item, REASON)?;
            let reason = SuppressionReason::from_code(code).ok_or(StoreError::Corrupt { attribute: REASON })?;
            if text(item, crate::names::PK)? == by_brand {
                return Ok(Suppressed::ByBrand(reason));
            }
        }
        Ok(if items.is_empty() {
            Suppressed::No
        } else {
            Suppressed::Undeliverable
        })
    }

    /// Those of the addresses that the brand itself must not write to, with the reason. Undeliverability is not looked
    /// at: it comes from all brands, and is told at sending only (I9).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppressed_by_brand(
        &self,
        brand: &BrandId,
        addresses: &[AddressHash],
    ) -> Result<HashMap<AddressHash, SuppressionReason>, StoreError> {
        let by_key: HashMap<String, AddressHash> = addresses
            .iter()
            .map(|address| (suppression(brand, &address.to_text()), *address))
            .collect();
        let keys = by_key.keys().map(|pk| (Table::Suppressions, key(pk))).collect();
        let found = self.get_many(keys).await?;
        let mut suppressed = HashMap::new();
        for item in found.get(&Table::Suppressions).into_iter().flatten() {
            let reason =
                SuppressionReason::from_code(text(item, REASON)?).ok_or(StoreError::Corrupt { attribute: REASON })?;
            if let Some(address) = by_key.get(text(item, crate::names::PK)?) {
                suppressed.insert(*address, reason);
            }
        }
        Ok(suppressed)
    }

    /// Keeps a brand from writing to an address. An address that is kept from it already stays so for the reason it
    /// was, but an erasure outranks the others: the order of calls does not matter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppress(
        &self,
        brand: &BrandId,
        address: &AddressHash,
        reason: SuppressionReason,
    ) -> Result<(), StoreError> {
        let pk = suppression(brand, &address.to_text());
        match reason {
            SuppressionReason::Erasure => self.put_suppression(pk, reason).await,
            SuppressionReason::HardBounce | SuppressionReason::Complaint => {
                self.create(Table::Suppressions, suppression_item(pk, reason)).await?;
                Ok(())
            }
        }
    }

    /// Keeps everybody from writing to an address that does not exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_undeliverable(&self, address: &AddressHash) -> Result<(), StoreError> {
        self.put_suppression(undeliverable(&address.to_text()), SuppressionReason::HardBounce)
            .await
    }

    async fn put_suppression(&self, pk: String, reason: SuppressionReason) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(self.name(Table::Suppressions))
            .set_item(Some(suppression_item(pk, reason)))
            .send()
            .await
            .map_err(StoreError::call("PutItem"))?;
        Ok(())
    }
}

fn suppression_item(pk: String, reason: SuppressionReason) -> Item {
    let mut item = key(pk);
    item.insert(REASON.to_owned(), s(reason.code()));
    item
}
