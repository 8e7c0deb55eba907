//! Candidates in; each decided again on fresh facts, claimed, composed and handed to SES. Transactional messages too,
//! because nothing else may call SES.

use apropos_aws::{Answer, Clock, Deadline, Event, Mailer, SendMessage, Tables, Unexpected, batch_response, by_itself};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;

use crate::{candidate, transactional};

/// A message at its slowest: what is read, the 2 s from the claim to the call, SES's 2.5 s, and the settlement.
pub(crate) const A_MESSAGE_NEEDS: SignedDuration = SignedDuration::from_secs(8);

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) mailer: Mailer,
    pub(crate) ring: KeyRing,
    pub(crate) base: PublicBaseUrl,
    pub(crate) pepper: Pepper,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(
        tables: Tables,
        clock: Clock,
        mailer: Mailer,
        ring: KeyRing,
        base: PublicBaseUrl,
        pepper: Pepper,
    ) -> Self {
        Self {
            tables,
            clock,
            mailer,
            ring,
            base,
            pepper,
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

    /// Takes the candidates of a batch, each message by itself. Who there is no time for is not begun with.
    pub async fn sqs(&self, batch: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        let mut outcomes = Vec::with_capacity(batch.records.len());
        for message in batch.records {
            let outcome = by_itself(async {
                match SendMessage::read(&message)? {
                    SendMessage::Candidates(task) => candidate::all(self, &task, deadline).await,
                    SendMessage::Transactional(task) => {
                        deadline.leaves(self.clock.now(), A_MESSAGE_NEEDS)?;
                        Box::pin(transactional::one(self, &task)).await
                    }
                }
            })
            .await;
            outcomes.push((message.message_id.unwrap_or_default(), outcome));
        }
        batch_response(outcomes)
    }
}
