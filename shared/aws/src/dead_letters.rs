//! Where messages go that no later try can do: at once and with the reason, not after five receives and without one.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use serde::Serialize;

use crate::causes::with_causes;
use crate::event::{Undone, batch_response};
use crate::queue::QueueError;

/// The attribute of a parked message that says why, as a stable name ([`Undone::parks_as`]).
pub const REASON_ATTRIBUTE: &str = "reason";

/// The attribute of a parked message that says the same in words. It quotes nothing of the body.
pub const ERROR_ATTRIBUTE: &str = "error";

/// The dead-letter queue of a function's queue.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

impl DeadLetters {
    /// The queue at a URL.
    #[must_use]
    pub const fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Parks a body, unchanged, with the reason. Parked twice, it lies there twice, which a redrive can bear: what was
    /// done is found done.
    ///
    /// # Errors
    /// [`QueueError`]; then the message must be given again, so that nothing is lost.
    pub async fn park(&self, body: &str, reason: &'static str, error: &Undone) -> Result<(), QueueError> {
        let text = |value: String| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| QueueError::Build(Box::new(error)))
        };
        let words = with_causes(error).to_string();
        // A batch of one: the functions send batches anyway, and a second operation would be 30 KB of their packages.
        let letter = SendMessageBatchRequestEntry::builder()
            .id("0")
            .message_body(body)
            .message_attributes(REASON_ATTRIBUTE, text(reason.to_owned())?)
            .message_attributes(ERROR_ATTRIBUTE, text(words)?)
            .build()
            .map_err(|error| QueueError::Build(Box::new(error)))?;
        let batch = self.client.send_message_batch().queue_url(&self.url).entries(letter);
        let answer = batch.send().await.map_err(|error| QueueError::Call(Box::new(error)))?;
        match answer.failed().len() {
            0 => Ok(()),
            refused => Err(QueueError::Refused { refused }),
        }
    }

    /// Parks a message of ours that holds a part of another one.
    ///
    /// # Errors
    /// As [`park`](Self::park).
    pub async fn park_part(
        &self,
        part: &impl Serialize,
        reason: &'static str,
        error: &Undone,
    ) -> Result<(), QueueError> {
        let body = serde_json::to_string(part).map_err(|error| QueueError::Build(Box::new(error)))?;
        self.park(&body, reason, error).await
    }

    /// Ends a batch: parks the messages that no later try can do, and says which ones are to be given again. A message
    /// that cannot be parked is given again, and ends in the same queue after its last receive.
    pub async fn end(&self, outcomes: Vec<(SqsMessage, Result<(), Undone>)>) -> SqsBatchResponse {
        let mut ended = Vec::with_capacity(outcomes.len());
        for (message, outcome) in outcomes {
            let id = message.message_id.unwrap_or_default();
            let outcome = match outcome {
                Err(undone) => match undone.parks_as() {
                    Some(reason) => {
                        let body = message.body.as_deref().unwrap_or_default();
                        self.parked(&id, body, reason, undone).await
                    }
                    None => Err(undone),
                },
                Ok(()) => Ok(()),
            };
            ended.push((id, outcome));
        }
        batch_response(ended)
    }

    async fn parked(&self, id: &str, body: &str, reason: &'static str, undone: Undone) -> Result<(), Undone> {
        match self.park(body, reason, &undone).await {
            Ok(()) => {
                tracing::error!(message.id = id, reason, error = %with_causes(&undone), "a message was parked");
                Ok(())
            }
            Err(error) => {
                tracing::error!(message.id = id, reason, error = %with_causes(&error), "a message could not be parked");
                Err(undone)
            }
        }
    }
}
