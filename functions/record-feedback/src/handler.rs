//! SES's events in, each message of the queue by itself.

use apropos_aws::{Answer, Clock, Event, Heard, Tables, TopicArn, Undone, Unexpected, batch_response, by_itself, hear};
use apropos_core::suppression::Pepper;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};

use crate::feedback;

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pepper: Pepper,
    topic: TopicArn,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock, pepper: Pepper, topic: TopicArn) -> Self {
        Self {
            tables,
            clock,
            pepper,
            topic,
        }
    }

    /// Takes an event of any kind that this function is started by.
    ///
    /// # Errors
    /// [`Unexpected`] for one that it is not.
    pub async fn on(&self, event: Event) -> Result<Answer, Unexpected> {
        match event {
            Event::Sqs(batch) => Ok(Answer::Sqs(self.sqs(batch).await)),
            Event::Http(_) | Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Takes the events of a batch.
    pub async fn sqs(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut outcomes = Vec::with_capacity(batch.records.len());
        for message in batch.records {
            let outcome = by_itself(self.one(&message)).await;
            outcomes.push((message.message_id.unwrap_or_default(), outcome));
        }
        batch_response(outcomes)
    }

    async fn one(&self, message: &SqsMessage) -> Result<(), Undone> {
        match hear(message, &self.topic)? {
            Heard::Feedback(feedback) => feedback::record(self, &feedback).await,
            Heard::NotOurs => {
                tracing::info!("an event that is about no message of ours");
                Ok(())
            }
        }
    }
}
