//! The two queues, and what stands in their messages. Bodies hold ids only: nothing in a queue names a person.

use apropos_core::ids::{BrandId, CampaignId, CustomerId, EventId, RequestId, RunId};
use apropos_core::transactional::FreshLink;
use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::{Formed, Undone, read_form, read_message};

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
    /// They have waited for their best hour.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

/// A transactional message to send: ids only, because the address and the link are made where it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionalTask {
    /// The form of this message.
    pub v: u8,
    /// Whose.
    pub brand: BrandId,
    /// Given twice, it is sent once.
    pub request: RequestId,
    /// When it was asked for, in milliseconds since the epoch: a message that nobody waits for any more is not sent.
    pub asked_at: i64,
    /// What it is about. A candidate message has no such member, which tells the two apart.
    pub about: About,
}

/// What a transactional message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum About {
    /// A sign-up, kept under the id of the request.
    SignUp,
    /// Consents that were requested, to be confirmed.
    Confirm {
        /// Whose.
        customer: CustomerId,
        /// The events that requested them.
        requests: Vec<ConsentRequest>,
    },
    /// A link that the person asked for.
    FreshLink {
        /// Who.
        customer: CustomerId,
        /// Which.
        link: FreshLink,
    },
}

/// A consent that was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// Of what: `email.offers`, …
    pub purpose: String,
    /// The event that requested it.
    pub event: EventId,
}

impl TransactionalTask {
    /// A message of the form that this version writes.
    #[must_use]
    pub fn new(brand: BrandId, request: RequestId, asked_at: Timestamp, about: About) -> Self {
        Self {
            v: FORM,
            brand,
            request,
            asked_at: asked_at.as_millisecond(),
            about,
        }
    }
}

/// What stands in a message of the send queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SendMessage {
    /// Candidates of a run.
    Candidates(SendTask),
    /// A transactional message.
    Transactional(TransactionalTask),
}

impl SendMessage {
    /// Reads a message of the send queue, of either kind.
    ///
    /// # Errors
    /// As [`read_form`](crate::read_form).
    pub fn read(message: &SqsMessage) -> Result<Self, Undone> {
        match read_form(message) {
            Err(Undone::Unreadable { .. }) if is_transactional(message) => read_form(message).map(Self::Transactional),
            candidates => candidates.map(Self::Candidates),
        }
    }
}

/// Whether a message that is none of candidates says what it is about.
fn is_transactional(message: &SqsMessage) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(default)]
        about: Option<IgnoredAny>,
    }
    read_message::<Kind>(message).is_ok_and(|kind| kind.about.is_some())
}

impl Formed for PageTask {
    fn form(&self) -> u8 {
        self.v
    }
}

impl Formed for SendTask {
    fn form(&self) -> u8 {
        self.v
    }
}

impl Formed for TransactionalTask {
    fn form(&self) -> u8 {
        self.v
    }
}

/// The form of message that this version writes and reads.
pub const FORM: u8 = 1;

/// Candidates a message: few enough that all are decided and sent well within the function's time.
pub const CANDIDATES_A_MESSAGE: usize = 20;

/// The longest that a queue keeps a message from being received, in seconds.
const LONGEST_DELAY: i32 = 900;

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
        self.put(messages, None).await
    }

    /// Sends messages that nobody receives before so many seconds, a quarter of an hour at most.
    ///
    /// # Errors
    /// [`QueueError`]; some of the messages may have been taken then.
    pub async fn send_later(&self, messages: &[T], seconds: i32) -> Result<(), QueueError> {
        self.put(messages, Some(seconds.clamp(0, LONGEST_DELAY))).await
    }

    async fn put(&self, messages: &[T], delay: Option<i32>) -> Result<(), QueueError> {
        for chunk in messages.chunks(10) {
            let mut entries = Vec::with_capacity(chunk.len());
            for (position, message) in chunk.iter().enumerate() {
                let body = serde_json::to_string(message).map_err(|error| QueueError::Build(Box::new(error)))?;
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(position.to_string())
                    .message_body(body)
                    .set_delay_seconds(delay)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<SendMessage, Undone> {
        let mut message = SqsMessage::default();
        message.body = Some(body.to_owned());
        SendMessage::read(&message)
    }

    #[test]
    fn a_message_that_an_earlier_version_queued_is_still_one_of_candidates() {
        let body = r#"{"v":1,"brand":"lumen","campaign":"c","run":"r","customers":["c-1"]}"#;
        let Ok(SendMessage::Candidates(task)) = read(body) else {
            panic!("{body}")
        };
        assert_eq!(task.customers.len(), 1);
    }

    #[test]
    fn a_transactional_message_reads_back() {
        let customer = CustomerId::new("c-1").unwrap();
        for about in [
            About::SignUp,
            About::FreshLink {
                customer: customer.clone(),
                link: FreshLink::Erase,
            },
            About::Confirm {
                customer,
                requests: vec![ConsentRequest {
                    purpose: "email.offers".into(),
                    event: EventId::new("e1").unwrap(),
                }],
            },
        ] {
            let brand = BrandId::new("lumen").unwrap();
            let request = RequestId::new("r1").unwrap();
            let task = TransactionalTask::new(brand, request, Timestamp::UNIX_EPOCH, about);
            let body = serde_json::to_string(&task).unwrap();
            assert_eq!(read(&body).unwrap(), SendMessage::Transactional(task), "{body}");
        }
    }

    #[test]
    fn what_is_handed_back_is_written_as_it_was_read() {
        for body in [
            r#"{"v":1,"brand":"lumen","campaign":"c","run":"r","customers":["c-1","c-2"],"waited":true}"#,
            r#"{"v":1,"brand":"lumen","request":"r1","asked_at":7,"about":"sign_up"}"#,
        ] {
            assert_eq!(serde_json::to_string(&read(body).unwrap()).unwrap(), body);
        }
    }

    #[test]
    fn a_message_of_another_form_is_told_by_that_whether_or_not_the_rest_could_be_read() {
        for body in [
            r#"{"v":2,"brand":"lumen","campaign":"c","run":"r","customers":["c-1"]}"#,
            r#"{"v":2,"brand":"lumen","request":"r1","asked_at":7,"about":"sign_up"}"#,
            r#"{"v":300,"who":"c-1"}"#,
        ] {
            assert_eq!(read(body).unwrap_err().parks_as(), Some("other_form"), "{body}");
        }
    }

    #[test]
    fn a_body_of_no_kind_is_malformed() {
        for body in [
            "",
            "{}",
            r#"{"about":"sign_up"}"#,
            r#"{"about":null,"v":1}"#,
            "[]",
            r#"[1,"b","c","r",["c-1"]]"#,
        ] {
            assert_eq!(read(body).unwrap_err().parks_as(), Some("malformed"), "{body}");
        }
    }
}
