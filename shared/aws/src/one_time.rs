//! One-time links: made just before the message that carries them, looked at as often as wanted, used once.

use apropos_core::ids::{BrandId, CustomerId, RequestId};
use apropos_core::link::{LinkId, LinkPurpose};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalogue::Created;
use crate::names::{BRAND, CUSTOMER, DOC, EXPIRES_AT, PK, PURPOSE, TTL, Table, USED_AT, one_time};
use crate::queue::ConsentRequest;
use crate::store::{Item, StoreError, Tables, document, json, key, ms, n, optional_time, parsed, s, text, time};

/// What a one-time link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    /// Whose.
    pub brand: BrandId,
    /// Who may use it. For a sign-up that is not confirmed yet, who they will be.
    pub customer: CustomerId,
    /// What for.
    pub purpose: LinkPurpose,
    /// What a confirmation confirms.
    pub confirms: Confirms,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What a link confirms. It is fixed when the link is made: what is confirmed is what the message said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirms {
    /// It confirms nothing: access, correction, erasure.
    Nothing,
    /// A sign-up.
    SignUp(RequestId),
    /// Consents that were requested.
    Requests(Vec<ConsentRequest>),
}

/// How a one-time link is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneTime {
    /// It can be used.
    Open(OneTimeLink),
    /// It was used.
    Used(OneTimeLink),
    /// Its time is over.
    Expired,
    /// There is none of this brand and purpose; it may have been tidied up long after its end.
    Unknown,
}

/// Long after its end a link may still say that it was used; then the item goes.
const KEPT_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl Tables {
    /// Makes a one-time link, and gives it with its end.
    ///
    /// # Errors
    /// [`StoreError`]. [`StoreError::Contended`] if the id is taken, which 16 random bytes never are.
    pub async fn create_one_time(
        &self,
        id: LinkId,
        purpose: LinkPurpose,
        brand: &BrandId,
        customer: &CustomerId,
        confirms: Confirms,
        now: Timestamp,
    ) -> Result<OneTimeLink, StoreError> {
        let expires_at = later(now, purpose.lives_for().unwrap_or(SignedDuration::ZERO));
        let mut item = key(one_time(&id.to_text()));
        item.insert(BRAND.to_owned(), s(brand.as_str()));
        item.insert(CUSTOMER.to_owned(), s(customer.as_str()));
        item.insert(PURPOSE.to_owned(), s(purpose.code()));
        item.insert(DOC.to_owned(), json(&confirms)?);
        item.insert(EXPIRES_AT.to_owned(), ms(expires_at));
        item.insert(TTL.to_owned(), n(later(expires_at, KEPT_AFTER).as_second()));
        match self.create(Table::Links, item).await? {
            Created::New => Ok(OneTimeLink {
                brand: brand.clone(),
                customer: customer.clone(),
                purpose,
                confirms,
                expires_at,
            }),
            Created::Taken => Err(StoreError::Contended),
        }
    }

    /// Looks at a one-time link, strongly read. Nothing changes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn one_time(
        &self,
        id: LinkId,
        purpose: LinkPurpose,
        brand: &BrandId,
        now: Timestamp,
    ) -> Result<OneTime, StoreError> {
        match self.get(Table::Links, key(one_time(&id.to_text()))).await? {
            None => Ok(OneTime::Unknown),
            Some(item) => found(&item, purpose, brand, now),
        }
    }

    /// Uses a one-time link: [`OneTime::Open`] to the one caller who used it just now, and to nobody else ever again.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been used then.
    pub async fn consume_one_time(
        &self,
        id: LinkId,
        purpose: LinkPurpose,
        brand: &BrandId,
        now: Timestamp,
    ) -> Result<OneTime, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::Links))
            .set_key(Some(key(one_time(&id.to_text()))))
            .update_expression("SET #used = :now")
            .condition_expression(
                "attribute_exists(#pk) AND attribute_not_exists(#used) AND #expires > :now AND #purpose = :purpose AND \
                 #brand = :brand",
            )
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#used", USED_AT)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_names("#purpose", PURPOSE)
            .expression_attribute_names("#brand", BRAND)
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":purpose", s(purpose.code()))
            .expression_attribute_values(":brand", s(brand.as_str()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(done) => Ok(OneTime::Open(read(&done.attributes.unwrap_or_default())?)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match &failed.item {
                    None => Ok(OneTime::Unknown),
                    Some(item) => match found(item, purpose, brand, now)? {
                        // What was open when it was read again had lost the condition to its own last moment.
                        OneTime::Open(_) => Ok(OneTime::Expired),
                        settled @ (OneTime::Used(_) | OneTime::Expired | OneTime::Unknown) => Ok(settled),
                    },
                },
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }
}

/// Expiry is compared here and never left to the deletion.
fn found(item: &Item, purpose: LinkPurpose, brand: &BrandId, now: Timestamp) -> Result<OneTime, StoreError> {
    let link = read(item)?;
    if link.purpose != purpose || link.brand != *brand {
        return Ok(OneTime::Unknown);
    }
    Ok(if optional_time(item, USED_AT)?.is_some() {
        OneTime::Used(link)
    } else if link.expires_at <= now {
        OneTime::Expired
    } else {
        OneTime::Open(link)
    })
}

fn read(item: &Item) -> Result<OneTimeLink, StoreError> {
    Ok(OneTimeLink {
        brand: parsed(item, BRAND)?,
        customer: parsed(item, CUSTOMER)?,
        purpose: LinkPurpose::from_code(text(item, PURPOSE)?).ok_or(StoreError::Corrupt { attribute: PURPOSE })?,
        confirms: document(item, DOC)?,
        expires_at: time(item, EXPIRES_AT)?,
    })
}

pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
