//! A click on a message of ours: the hour of the person's own day is learned, where they agreed to it, and nothing else.

use apropos_aws::{Created, NewSecrets, StoreError, Written};
use apropos_core::feedback::Feedback;
use apropos_core::habit::{Clicks, hour_of_click, keep_hour};
use apropos_core::origin::Source;
use apropos_core::retention::as_held;
use jiff::Timestamp;

use crate::Handler;

/// How often a click is tried again because the person's standing changed in between, in one invocation.
const MOST_TRIES: u32 = 8;

/// Learns from the first click on a message. Which link was followed is not looked at. A crash after the click was noted
/// loses that hour; the other order could count it twice.
pub(crate) async fn learn(
    handler: &Handler,
    feedback: &Feedback,
    sent: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    let tables = &handler.tables;
    let Some(tag) = &feedback.delivery else { return Ok(()) };
    let Some(delivery) = tables.delivery(&feedback.brand, &tag.run, tag.id).await? else {
        return Ok(());
    };
    let Some(brand) = tables.brand(&feedback.brand).await? else {
        return Ok(());
    };
    let mut noted = false;
    for _ in 0..MOST_TRIES {
        let now = handler.clock.now();
        let person = tables.person(&feedback.brand, &delivery.customer).await?;
        let (Some((context, _)), Some((contact, _))) = (&person.context, &person.contact) else {
            return Ok(());
        };
        let standing = as_held(&person.standing, Some(context), brand.retention, now);
        let agreed = Clicks::of(&standing.consents, now) == Clicks::Learned;
        // A clock that is ahead of ours tells no later hour than there is.
        let hour = hour_of_click(sent, at.min(now), &contact.time_zone).filter(|_| agreed && !person.is_erased());
        let Some(hour) = hour else {
            tracing::debug!(brand.id = %feedback.brand, "a click that nothing is learned from");
            return Ok(());
        };
        if !noted && tables.note_click(&feedback.brand, &tag.run, tag.id).await? == Created::Taken {
            return Ok(());
        }
        noted = true;
        let mut learned = context.clone();
        keep_hour(&mut learned.clicked_hours, hour);
        learned.time_zone = Some(contact.time_zone.clone());
        let said = (Source::Observed, &learned);
        let secrets = NewSecrets::random()?;
        match tables
            .put_context_from(&person, &brand.topics, said, None, &secrets, now)
            .await?
        {
            Written::Done => {
                tracing::info!(brand.id = %feedback.brand, delivery.id = tag.id.to_hex(), "an hour learned");
                return Ok(());
            }
            Written::Stale => {}
        }
    }
    Err(StoreError::Contended)
}
