//! The two queues, and what stands in their messages. Bodies hold ids only: nothing in a queue names a person.

use apropos_core::ids::{BrandId, CampaignId, CustomerId, RunId};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A part of an audience to score: some cells, from a cursor on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageTask {
    /// The form of this message.
    pub v: u8,
    /// Whose.
    pub brand: BrandId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Of which run.
    pub run: RunId,
    /// Which part of the audience, counted from 0.
    pub task: u32,
    /// Which page of it, counted from 0.
    pub page: u32,
    /// The cells still to read; the cursor is in the first.
    pub cells: Vec<String>,
    /// The last customer read in the first cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CustomerId>,
}

/// Candidates to decide on again and to send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendTask {
    /// The form of this message.
    pub v: u8,
    /// Whose.
    pub brand: BrandId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Of which run.
    pub run: RunId,
    /// Who.
    pub customers: Vec<CustomerId>,
}

/// The form of message that this version writes and reads.
pub const FORM: u8 = 1;

/// Candidates a message: few enough that all are decided and sent well within the function's time.
pub const CANDIDATES_A_MESSAGE: usize = 20;

/// Why a queue did not take a message.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The call failed.
    #[error("the queue did not answer")]
    Call(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The queue took only some of the messages.
    #[error("the queue refused {refused} of the messages")]
    Refused {
        /// How many it refused.
        refused: usize,
    },
    /// The message could not be written; a fault of ours.
    #[error("the message could not be written")]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A queue that takes one kind of message.
#[derive(Debug, Clone)]
pub struct Queue<T> {
    client: Client,
    url: String,
    kind: std::marker::PhantomData<fn(T)>,
}

impl<T: Serialize> Queue<T> {
    /// The queue at a URL.
    #[must_use]
    pub const fn new(client: Client, url: String) -> Self {
        Self {
            client,
            url,
            kind: std::marker::PhantomData,
        }
    }

    /// Sends messages, ten a call.
    ///
    /// # Errors
    /// [`QueueError`]; some of the messages may have been taken then.
    pub async fn send(&self, messages: &[T]) -> Result<(), QueueError> {
        for chunk in messages.chunks(10) {
            let mut entries = Vec::with_capacity(chunk.len());
            for (position, message) in chunk.iter().enumerate() {
                let body = serde_json::to_string(message).map_err(|error| QueueError::Build(Box::new(error)))?;
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(position.to_string())
                    .message_body(body)
                    .build()
                    .map_err(|error| QueueError::Build(Box::new(error)))?;
                entries.push(entry);
            }
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| QueueError::Call(Box::new(error)))?;
            if !answer.failed().is_empty() {
                return Err(QueueError::Refused {
                    refused: answer.failed().len(),
                });
            }
        }
        Ok(())
    }
}
