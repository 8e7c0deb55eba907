//! Event in, facts gathered, core asked, answer out.

use apropos_aws::{Answer, Clock, Event, InvalidSetting, Mailer, Tables, Unexpected};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use crate::settings;

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    tables: Tables,
    clock: Clock,
    mailer: Mailer,
    ring: KeyRing,
    base: PublicBaseUrl,
    pepper: Pepper,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub fn new(
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

    /// The function as its environment sets it up.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub async fn from_env() -> Result<Self, InvalidSetting> {
        settings::handler().await
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

    /// Takes a batch of messages, each by itself.
    pub async fn sqs(&self, batch: SqsEvent) -> SqsBatchResponse {
        let _ = (batch, &self.tables, &self.clock);
        SqsBatchResponse::default()
    }
}
