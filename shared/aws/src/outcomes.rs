//! What SES's events change in deliveries. Each change is fenced by the attempt and conditional on where the delivery
//! stands, so an event that comes twice, late or out of order changes nothing more.

use apropos_core::feedback::{DeliveryTag, Fate};
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::reason::Reason;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;

use crate::deliveries::{DeliveryState, delivery_key};
use crate::names::{AT, ATTEMPT, FATE, REASON, STATE, Table};
use crate::people::Written;
use crate::standing::Fenced;
use crate::store::{MOST_TRIES, StoreError, Tables, ms, n, s};

impl Tables {
    /// Notes what became of a message that was sent; a graver fate stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_fate(&self, brand: &BrandId, tag: &DeliveryTag, fate: Fate) -> Result<Fenced, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::Deliveries))
            .set_key(Some(delivery_key(brand, &tag.run, tag.id)))
            .update_expression("SET #fate = :fate")
            .condition_expression(
                "#attempt = :attempt AND #state = :sent AND (attribute_not_exists(#fate) OR #fate < :fate)",
            )
            .expression_attribute_names("#fate", FATE)
            .expression_attribute_names("#attempt", ATTEMPT)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":fate", n(fate.number()))
            .expression_attribute_values(":attempt", s(tag.attempt.as_str()))
            .expression_attribute_values(":sent", s(DeliveryState::Sent.code()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Fenced::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::NotOurs),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// Ends a delivery that SES took and then refused, and frees its contact in the same transaction: done twice, the
    /// second would free the contact of another campaign in the same second.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refuse_delivery(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        tag: &DeliveryTag,
        now: Timestamp,
    ) -> Result<Fenced, StoreError> {
        for _ in 0..MOST_TRIES {
            let delivery = self.delivery(brand, &tag.run, tag.id).await?;
            let refusable = delivery.is_some_and(|delivery| {
                delivery.attempt.as_ref() == Some(&tag.attempt)
                    && matches!(
                        delivery.state,
                        DeliveryState::Claimed | DeliveryState::Unresolved | DeliveryState::Sent
                    )
            });
            if !refusable {
                return Ok(Fenced::NotOurs);
            }
            let standing = self.standing(brand, customer).await?;
            let mut writes = vec![self.refused(brand, tag, now)?];
            writes.extend(self.freed_contact(brand, customer, &standing, &tag.run, &tag.attempt)?);
            match self.transact(writes).await? {
                Written::Done => return Ok(Fenced::Done),
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }

    fn refused(&self, brand: &BrandId, tag: &DeliveryTag, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(self.name(Table::Deliveries))
            .set_key(Some(delivery_key(brand, &tag.run, tag.id)))
            .update_expression("SET #state = :withheld, #reason = :refused, #at = :at")
            .condition_expression("#attempt = :attempt AND #state IN (:claimed, :unresolved, :sent)")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_names("#reason", REASON)
            .expression_attribute_names("#at", AT)
            .expression_attribute_names("#attempt", ATTEMPT)
            .expression_attribute_values(":withheld", s(DeliveryState::Withheld.code()))
            .expression_attribute_values(":refused", s(Reason::Refused.code()))
            .expression_attribute_values(":at", ms(now))
            .expression_attribute_values(":attempt", s(tag.attempt.as_str()))
            .expression_attribute_values(":claimed", s(DeliveryState::Claimed.code()))
            .expression_attribute_values(":unresolved", s(DeliveryState::Unresolved.code()))
            .expression_attribute_values(":sent", s(DeliveryState::Sent.code()))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
