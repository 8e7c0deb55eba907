//! One event: read the delivery that it speaks of, ask what follows, and bring it about.

use apropos_aws::{Appended, Delivery, DeliveryState, NewSecrets, Settlement, StoreError, Undone};
use apropos_core::email::EmailAddress;
use apropos_core::feedback::{DeliveryTag, Effect, Feedback, News, Stage, Traced, effects};
use apropos_core::ids::CustomerId;
use apropos_core::suppression::{SuppressionReason, address_hash, global_address_hash};
use jiff::Timestamp;

use crate::{Handler, click};

/// How often an objection is tried again because the person's standing changed in between, in one invocation.
const MOST_TRIES: u32 = 8;

/// An event that is used for nothing is not even looked up.
pub(crate) async fn record(handler: &Handler, feedback: &Feedback) -> Result<(), Undone> {
    if let News::Click { sent, at } = feedback.news {
        return Ok(click::learn(handler, feedback, sent, at).await?);
    }
    if let News::Open | News::Subscription | News::Unknown = feedback.news {
        // An open tells nothing that a person did: nothing of it is kept.
        tracing::info!(brand.id = %feedback.brand, news = feedback.news.code(), "an event that is not used");
        return Ok(());
    }
    let delivery = match &feedback.delivery {
        Some(tag) => handler.tables.delivery(&feedback.brand, &tag.run, tag.id).await?,
        None => None,
    };
    let effects = effects(feedback, delivery.as_ref().map(traced));
    for effect in &effects {
        bring_about(handler, feedback, delivery.as_ref(), effect).await?;
    }
    let delivery_id = feedback.delivery.as_ref().map(|tag| tag.id.to_hex());
    let (known, effects) = (delivery.is_some(), effects.len());
    // `Send` comes for each message and mostly changes nothing: one line a message would be most of the log.
    if effects == 0 && known {
        tracing::debug!(brand.id = %feedback.brand, delivery.id = delivery_id, news = feedback.news.code(), "nothing new");
    } else {
        tracing::info!(
            brand.id = %feedback.brand,
            delivery.id = delivery_id,
            delivery.known = known,
            news = feedback.news.code(),
            effects,
            "feedback recorded"
        );
    }
    Ok(())
}

fn traced(delivery: &Delivery) -> Traced<'_> {
    Traced {
        customer: &delivery.customer,
        attempt: delivery.attempt.as_ref(),
        stage: match delivery.state {
            DeliveryState::Claimed | DeliveryState::Unresolved => Stage::Open,
            DeliveryState::Sent => Stage::Sent,
            DeliveryState::Withheld | DeliveryState::Released => Stage::Over,
        },
    }
}

async fn bring_about(
    handler: &Handler,
    feedback: &Feedback,
    delivery: Option<&Delivery>,
    effect: &Effect,
) -> Result<(), Undone> {
    let tables = &handler.tables;
    match (effect, &feedback.delivery) {
        (Effect::Undeliverable(address), _) => {
            let hash = global_address_hash(&handler.pepper, address);
            tables.mark_undeliverable(&hash).await?;
        }
        (Effect::Suppress(address), _) => suppress(handler, feedback, address).await?,
        (Effect::Object { customer, at }, _) => object(handler, feedback, customer, *at).await?,
        (Effect::Sent, Some(tag)) => heal(handler, feedback, tag).await?,
        (Effect::Refused, Some(tag)) => {
            let now = handler.clock.now();
            if let Some(delivery) = delivery {
                tables
                    .refuse_delivery(&feedback.brand, &delivery.customer, tag, now)
                    .await?;
            }
        }
        (Effect::Fate(fate), Some(tag)) => {
            tables.note_fate(&feedback.brand, tag, *fate).await?;
        }
        // They follow only for a delivery that the event named.
        (Effect::Sent | Effect::Refused | Effect::Fate(_), None) => {}
    }
    Ok(())
}

async fn suppress(handler: &Handler, feedback: &Feedback, address: &EmailAddress) -> Result<(), StoreError> {
    let hash = address_hash(&handler.pepper, &feedback.brand, address);
    handler
        .tables
        .suppress(&feedback.brand, &hash, SuppressionReason::Complaint)
        .await
}

/// Only an open delivery of the same attempt is healed: whoever settled it in between was right.
async fn heal(handler: &Handler, feedback: &Feedback, tag: &DeliveryTag) -> Result<(), StoreError> {
    let sent = Settlement::Sent {
        message_id: &feedback.message_id,
    };
    let now = handler.clock.now();
    handler
        .tables
        .settle_delivery(&feedback.brand, &tag.run, tag.id, &tag.attempt, sent, now)
        .await?;
    Ok(())
}

/// The ledger knows the event by its id, so a complaint that comes again is passed over. Someone of whom nothing is on
/// record any more was erased: nothing is written about them again.
async fn object(
    handler: &Handler,
    feedback: &Feedback,
    customer: &CustomerId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(brand) = handler.tables.brand(&feedback.brand).await? else {
        return Ok(());
    };
    let secrets = NewSecrets::random()?;
    for _ in 0..MOST_TRIES {
        let now = handler.clock.now();
        let (event, document) = feedback
            .objection(at, now)
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        let wanted = [(customer.clone(), vec![event.id.clone()])];
        let mut found = handler.tables.people_to_change(&brand, &wanted, now).await?;
        let person = found.pop().ok_or(StoreError::Contended)?;
        if person.standing.version == 0 || person.is_erased() {
            return Ok(());
        }
        let events = [(event, document)];
        match handler
            .tables
            .record_consents(&person, &brand.topics, &events, &secrets, now)
            .await?
        {
            Appended::Done(_) => return Ok(()),
            Appended::Stale => {}
        }
    }
    Err(StoreError::Contended)
}
