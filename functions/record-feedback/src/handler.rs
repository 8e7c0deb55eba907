//! SES's events in, each message of the queue by itself.

use apropos_aws::{
    Answer, Clock, DeadLetters, Deadline, Event, Heard, Tables, TopicArn, Undone, Unexpected, by_itself, hear,
};
use apropos_core::suppression::Pepper;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use jiff::SignedDuration;

use crate::feedback;

/// A read and a transaction or two, with what the SDK tries again.
const AN_EVENT_NEEDS: SignedDuration = SignedDuration::from_secs(5);

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pepper: Pepper,
    topic: TopicArn,
    letters: DeadLetters,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock, pepper: Pepper, topic: TopicArn, letters: DeadLetters) -> Self {
        Self {
            tables,
            clock,
            pepper,
            topic,
            letters,
        }
    }

    /// Takes an event of any kind that this function is started by.
    ///
    /// # Errors
    /// [`Unexpected`] for one that it is not.
    pub async fn on(&self, event: Event, deadline: Deadline) -> Result<Answer, Unexpected> {
        match event {
            Event::Sqs(batch) => Ok(Answer::Sqs(self.sqs(batch, deadline).await)),
            Event::Http(_) | Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Takes the events of a batch. One that there is no time for is not begun, and one that cannot be read is parked.
    pub async fn sqs(&self, batch: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        let mut outcomes = Vec::with_capacity(batch.records.len());
        for message in batch.records {
            let outcome = by_itself(self.one(&message, deadline)).await;
            outcomes.push((message, outcome));
        }
        self.letters.end(outcomes).await
    }

    async fn one(&self, message: &SqsMessage, deadline: Deadline) -> Result<(), Undone> {
        let heard = hear(message, &self.topic)?;
        deadline.leaves(self.clock.now(), AN_EVENT_NEEDS)?;
        match heard {
            Heard::Feedback(feedback) => feedback::record(self, &feedback).await,
            Heard::NotOurs => {
                tracing::info!("an event that is about no message of ours");
                Ok(())
            }
        }
    }
}
