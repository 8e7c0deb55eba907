//! Candidates in; each decided again on fresh facts, claimed, composed and handed to SES. Transactional messages too,
//! because nothing else may call SES.

use apropos_aws::{
    Answer, Clock, DeadLetters, Deadline, Event, Mailer, Pacer, Queue, SendMessage, Tables, Undone, Unexpected,
    by_itself,
};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::pace::Held;
use apropos_core::suppression::Pepper;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use jiff::SignedDuration;

use crate::shift::{Shift, dice};
use crate::{candidate, transactional};

/// A message at its slowest: what is read, the 2 s from the claim to the call, SES's 2.5 s, and the settlement.
pub(crate) const A_MESSAGE_NEEDS: SignedDuration = SignedDuration::from_secs(8);

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    /// The tables.
    pub tables: Tables,
    /// What tells the time.
    pub clock: Clock,
    /// What hands to SES.
    pub mailer: Mailer,
    /// The slots of this sender.
    pub pacer: Pacer,
    /// The queue that starts the function, for what is handed back.
    pub sends: Queue<SendMessage>,
    /// Where goes what no later try can do.
    pub letters: DeadLetters,
    /// What links are signed with.
    pub ring: KeyRing,
    /// What links begin with.
    pub base: PublicBaseUrl,
    /// What addresses are hashed with.
    pub pepper: Pepper,
}

impl Handler {
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

    /// Takes the messages of a batch, each by itself and all at once: they share the invocation's slots. Who there is no
    /// time for is not begun with, and handed back; a message that cannot be read is parked.
    pub async fn sqs(&self, batch: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        let shift = Shift::new(deadline);
        let outcomes = batch.records.into_iter().map(|message| {
            let shift = &shift;
            async move {
                let outcome = by_itself(self.one(&message, shift)).await;
                (message, outcome)
            }
        });
        self.letters.end(join_all(outcomes).await).await
    }

    async fn one(&self, message: &SqsMessage, shift: &Shift) -> Result<(), Undone> {
        match SendMessage::read(message)? {
            SendMessage::Candidates(task) => Box::pin(candidate::all(self, task, shift)).await,
            SendMessage::Transactional(task) => Box::pin(transactional::one(self, task, shift)).await,
        }
    }

    /// SES said *too fast*: all senders slow down, and this one stops. After how many seconds the rest comes again.
    pub(crate) async fn too_fast(&self, shift: &Shift) -> i32 {
        // Whether or not the others hear of it, this one stops.
        let held = match self.pacer.slower(self.clock.now()).await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, "the rate could not be halved");
                Held::Rate { halvings: 0 }
            }
        };
        let seconds = held.comes_again(dice());
        shift.halt(seconds);
        seconds
    }

    /// SES refused for the account's sake: nobody sends for a minute. After how many seconds the rest comes again: it is
    /// tried soon, because one refusal need not be a long pause; while the pause lasts, others wait for longer.
    pub(crate) async fn held(&self, shift: &Shift, why: Held) -> i32 {
        const A_MINUTE: u32 = 60;
        if let Err(error) = self.pacer.hold(self.clock.now(), why).await {
            tracing::warn!(%error, "the hold could not be written");
        }
        let seconds = i32::try_from(A_MINUTE + 1 + dice() % A_MINUTE).unwrap_or(1);
        shift.halt(seconds);
        seconds
    }

    /// Puts what was not begun with into the queue again, as a message of its own. Only once it is there may the former
    /// one be acknowledged.
    pub(crate) async fn hand_back(&self, message: SendMessage, seconds: i32) -> Result<(), Undone> {
        Ok(self.sends.send_later(&[message], seconds).await?)
    }

    /// Parks a part of a message that no later try can do, so that the rest of it goes on.
    pub(crate) async fn park(&self, message: SendMessage, reason: &'static str, undone: &Undone) -> Result<(), Undone> {
        self.letters.park_part(&message, reason, undone).await?;
        tracing::error!(reason, error = %undone, "a candidate was parked");
        Ok(())
    }
}
