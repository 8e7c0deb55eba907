//! Sign-ups that wait to be confirmed, which transactional messages were handed over, and who an address belongs to.

use apropos_core::document::SignUpDocument;
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId, RequestId};
use apropos_core::link::LinkPurpose;
use apropos_core::sign_up::SignUp;
use apropos_core::suppression::{AddressHash, SuppressionReason, TurnKey};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use jiff::{SignedDuration, Timestamp};

use crate::catalogue::Created;
use crate::names::{
    BRAND, CUSTOMER, DOC, EXPIRES_AT, REASON, TTL, Table, address, handed, sign_up, suppression, turns,
};
use crate::one_time::later;
use crate::people::Person;
use crate::store::{StoreError, Tables, document, json, key, ms, n, parsed, s, time};

/// That a message was handed over is remembered longer than its request can be given again.
const HANDED_FOR: SignedDuration = SignedDuration::from_hours(15 * 24);

impl Tables {
    /// Keeps a sign-up until it can no longer be confirmed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_sign_up(
        &self,
        brand: &BrandId,
        request: &RequestId,
        what: &SignUp,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        // Its link is made a little later than it, and lives as long.
        let expires_at = later(now, LinkPurpose::Confirm.lives_for().unwrap_or(SignedDuration::ZERO));
        let ttl = later(expires_at, SignedDuration::from_hours(24));
        let mut item = key(sign_up(request.as_str()));
        item.insert(BRAND.to_owned(), s(brand.as_str()));
        item.insert(DOC.to_owned(), json(&SignUpDocument::of(what))?);
        item.insert(EXPIRES_AT.to_owned(), ms(ttl));
        item.insert(TTL.to_owned(), n(ttl.as_second()));
        self.create(Table::Links, item).await
    }

    /// A sign-up that can still be confirmed, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_up(
        &self,
        brand: &BrandId,
        request: &RequestId,
        now: Timestamp,
    ) -> Result<Option<SignUp>, StoreError> {
        let Some(item) = self.get(Table::Links, key(sign_up(request.as_str()))).await? else {
            return Ok(None);
        };
        if parsed::<BrandId>(&item, BRAND)? != *brand || time(&item, EXPIRES_AT)? <= now {
            return Ok(None);
        }
        let stored: SignUpDocument = document(&item, DOC)?;
        let read = SignUp::try_from(&stored)
            .ok()
            .ok_or(StoreError::Corrupt { attribute: DOC })?;
        Ok(Some(read))
    }

    /// Forgets a sign-up, once it is confirmed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_sign_up(&self, request: &RequestId) -> Result<(), StoreError> {
        self.delete_item(Table::Links, key(sign_up(request.as_str()))).await
    }

    /// Forgets every sign-up of an address that was not confirmed, and the counter that found them: for an erasure.
    ///
    /// # Errors
    /// [`StoreError`]; trying again goes on where it stopped.
    pub async fn forget_sign_ups(&self, address: AddressHash) -> Result<(), StoreError> {
        let turn = TurnKey::of_address(address);
        for id in self.turn_ids(&turn).await? {
            self.delete_item(Table::Links, key(sign_up(&id))).await?;
        }
        self.delete_item(Table::Links, key(turns(turn.as_str()))).await
    }

    /// Whether a transactional message was handed over already, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_handed(&self, request: &RequestId) -> Result<bool, StoreError> {
        let item = self.get(Table::Links, key(handed(request.as_str()))).await?;
        Ok(item.is_some())
    }

    /// Claims the handing over of a transactional message, just before it: whoever finds it [`Created::Taken`] does not
    /// send.
    ///
    /// # Errors
    /// [`StoreError`]; nobody may send then, this caller included.
    pub async fn claim_handing(&self, request: &RequestId, now: Timestamp) -> Result<Created, StoreError> {
        let mut item = key(handed(request.as_str()));
        item.insert(TTL.to_owned(), n(later(now, HANDED_FOR).as_second()));
        self.create(Table::Links, item).await
    }

    /// Gives the claim back: the message was definitely not sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_handing(&self, request: &RequestId) -> Result<(), StoreError> {
        self.delete_item(Table::Links, key(handed(request.as_str()))).await
    }

    /// The person whom an address belongs to, strongly read. Of several with one address it is the one stored last. Who
    /// no longer has the address is not found, whatever the index says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn person_at(
        &self,
        brand: &BrandId,
        hash: AddressHash,
        at: &EmailAddress,
    ) -> Result<Option<Person>, StoreError> {
        let item = self.get(Table::Contacts, key(address(brand, &hash.to_text()))).await?;
        let Some(item) = item else { return Ok(None) };
        let customer: CustomerId = parsed(&item, CUSTOMER)?;
        let person = self.person(brand, &customer).await?;
        let is_theirs = person
            .contact
            .as_ref()
            .is_some_and(|(contact, _)| contact.address.canonical() == at.canonical());
        Ok(is_theirs.then_some(person))
    }

    /// Lifts the suppression of an address whose owner had their data erased and has come back. Any other suppression
    /// stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lift_erasure(&self, brand: &BrandId, hash: AddressHash) -> Result<(), StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(self.name(Table::Suppressions))
            .set_key(Some(key(suppression(brand, &hash.to_text()))))
            .condition_expression("#reason = :erasure")
            .expression_attribute_names("#reason", REASON)
            .expression_attribute_values(":erasure", s(SuppressionReason::Erasure.code()))
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
}
