//! The events that start a function, and what it answers.

use std::panic::AssertUnwindSafe;

use apropos_core::objects;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::causes::with_causes;
use crate::queue::FORM;

/// An event of one of the kinds that our functions are started by.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages from a queue.
    Sqs(SqsEvent),
    /// A minute passed.
    Schedule(Schedule),
    /// A request.
    Http(Box<ApiGatewayV2httpRequest>),
}

/// EventBridge's scheduled event; only its kind matters.
#[derive(Debug, Deserialize)]
pub struct Schedule {
    /// `Scheduled Event`.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
}

/// What a function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a request.
    Http(Box<ApiGatewayV2httpResponse>),
    /// To a batch: which messages to give again.
    Sqs(SqsBatchResponse),
    /// To a schedule.
    Done,
}

/// The function is not started by such an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this function is not started by such an event")]
pub struct Unexpected;

/// Why a queue's message was not done.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// Its body is not one of ours.
    #[error("the message is not of a form that this version reads")]
    Malformed,
    /// Its body is not of the form. Where it stops being so is said, and what stands there is not.
    #[error("the message cannot be read from line {line}, column {column} on")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 is before the first character.
        column: usize,
    },
    /// A version wrote it that this one does not know.
    #[error("the message is of form {form}, and this version reads form {FORM}")]
    OtherForm {
        /// The form that it names.
        form: u64,
    },
    /// Nothing of ours is so long.
    #[error("the message has {bytes} bytes, of {MOST_MESSAGE_BYTES} at most")]
    Oversized {
        /// How many it has.
        bytes: usize,
    },
    /// What it speaks of is stored in a form that this version does not know.
    #[error("a stored item has no readable '{0}'")]
    Corrupt(&'static str),
    /// It speaks of a run that does not exist, or no longer counts.
    #[error("the message is for a run that is unknown or long over")]
    UnknownRun,
    /// Something failed; given again, it may succeed.
    #[error("the message could not be done now")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It made the function panic, which is a fault of ours: given again too often, it ends in the dead-letter queue.
    #[error("the message made the function panic")]
    Panicked,
    /// There was no time left to begin it; nothing of it is half done.
    #[error("there was no time left to begin the message")]
    NoTime,
    /// It must wait: someone else is at it, or sending is held.
    #[error("the message has to wait")]
    Wait,
}

impl Undone {
    /// Under which reason a message is parked among the dead letters at once, because no later try could do better;
    /// `None` if it is to be given again.
    #[must_use]
    pub const fn parks_as(&self) -> Option<&'static str> {
        match self {
            Self::Malformed | Self::Unreadable { .. } => Some("malformed"),
            Self::OtherForm { .. } => Some("other_form"),
            Self::Oversized { .. } => Some("oversized"),
            Self::Corrupt(_) => Some("corrupt"),
            Self::UnknownRun => Some("unknown_run"),
            Self::Failed(_) | Self::Panicked | Self::NoTime | Self::Wait => None,
        }
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        if let StoreError::Corrupt { attribute } = error {
            return Self::Corrupt(attribute);
        }
        Self::Failed(Box::new(error))
    }
}

impl From<crate::QueueError> for Undone {
    fn from(error: crate::QueueError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The longest body that is read, in bytes: twice what SNS publishes at most, and many times what we write.
pub const MOST_MESSAGE_BYTES: usize = 524_288;

/// Reads a message's body.
///
/// # Errors
/// [`Undone::Oversized`], [`Undone::Unreadable`].
pub fn read_message<T: DeserializeOwned>(message: &SqsMessage) -> Result<T, Undone> {
    let body = message.body.as_deref().unwrap_or_default();
    if body.len() > MOST_MESSAGE_BYTES {
        return Err(Undone::Oversized { bytes: body.len() });
    }
    // What the parser would say may quote the body.
    objects::from_str(body).map_err(|error| Undone::Unreadable {
        line: error.line(),
        column: error.column(),
    })
}

/// A message of ours, which names its form.
pub trait Formed: DeserializeOwned {
    /// The form that it names.
    fn form(&self) -> u8;
}

/// Reads a message of ours, in the form that this version writes. One of another form is told by its `v`, whatever else
/// is in it: only then is the body read again.
///
/// # Errors
/// [`Undone::Oversized`], [`Undone::OtherForm`], [`Undone::Unreadable`].
pub fn read_form<T: Formed>(message: &SqsMessage) -> Result<T, Undone> {
    #[derive(Deserialize)]
    struct Form {
        v: u64,
    }
    let read = read_message::<T>(message);
    if read.as_ref().is_ok_and(|read| read.form() == FORM) {
        return read;
    }
    let Form { v: form } = read_message(message)?;
    if form != u64::from(FORM) {
        return Err(Undone::OtherForm { form });
    }
    read
}

/// Does one message of a batch, so that a panic over it is nothing to the others.
///
/// # Errors
/// [`Undone`].
pub fn by_itself(one: impl Future<Output = Result<(), Undone>>) -> impl Future<Output = Result<(), Undone>> {
    // What it leaves behind is in the tables, which take whole writes only: nothing of ours is half done.
    Box::pin(AssertUnwindSafe(one).catch_unwind()).map(|outcome| outcome.unwrap_or(Err(Undone::Panicked)))
}

/// Collects the messages to be given again. The failure is logged here, once, by the message's id: its body holds ids
/// only, but nothing is gained by repeating it.
#[must_use]
pub fn batch_response(outcomes: Vec<(String, Result<(), Undone>)>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for (id, outcome) in outcomes {
        let Err(undone) = outcome else { continue };
        match &undone {
            Undone::Wait => tracing::info!(message.id = id, "a message waits"),
            Undone::NoTime => tracing::warn!(message.id = id, "a message was not begun in time"),
            Undone::Malformed
            | Undone::Unreadable { .. }
            | Undone::OtherForm { .. }
            | Undone::Oversized { .. }
            | Undone::Corrupt(_)
            | Undone::UnknownRun
            | Undone::Failed(_)
            | Undone::Panicked => {
                tracing::error!(message.id = id, error = %with_causes(&undone), "a message was not done");
            }
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_panics_is_given_again_alone() {
        let mut outcomes = Vec::new();
        for id in ["one", "panic", "wait", "four"] {
            let outcome = by_itself(async {
                assert_ne!(id, "panic", "a fault of ours");
                if id == "wait" { Err(Undone::Wait) } else { Ok(()) }
            });
            outcomes.push((id.to_owned(), outcome.await));
        }
        let again: Vec<_> = batch_response(outcomes)
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        assert_eq!(again, ["panic", "wait"]);
    }
}
