//! A key in, a verdict out. What cannot be decided is an error, which API Gateway answers with 500: it must not look
//! like a no.

use apropos_aws::{Clock, InvalidSetting, StoreError, Tables, with_causes};
use apropos_core::api_key::{KeyId, PresentedKey, authenticate};
use jiff::Timestamp;
use thiserror::Error;

use crate::request::{AuthorizerEvent, Verdict};
use crate::settings;

/// Why there is no verdict.
#[derive(Debug, Error)]
pub enum NoVerdict {
    /// The gateway asks in another way than the template says; a fault of ours.
    #[error("the event has no list of one identity source, as payload format 2.0 has")]
    Event,
    /// The store did not answer.
    #[error("the API key could not be looked up")]
    Store(#[from] StoreError),
}

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    tables: Tables,
    clock: Clock,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock) -> Self {
        Self { tables, clock }
    }

    /// The function as its environment sets it up.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        settings::handler()
    }

    /// Says whether a caller may go on, and as whom.
    ///
    /// # Errors
    /// [`NoVerdict`], which the runtime logs.
    pub async fn on(&self, event: &AuthorizerEvent) -> Result<Verdict, NoVerdict> {
        let header = event.authorization().ok_or(NoVerdict::Event)?;
        let Ok(presented) = PresentedKey::from_authorization(header) else {
            tracing::info!(reason = "malformed", "a caller was refused");
            return Ok(Verdict::refused());
        };
        let id = presented.id();
        let now = self.clock.now();
        let record = self.tables.api_key(id).await?;
        match authenticate(&presented, record.as_ref(), now) {
            Ok(record) => {
                if record.is_use_to_be_noted(now) {
                    self.note_use(id, now).await;
                }
                Ok(Verdict::allowed(id, record))
            }
            Err(refusal) => {
                tracing::warn!(key.id = %id, reason = refusal.code(), "a caller was refused");
                Ok(Verdict::refused())
            }
        }
    }

    /// When a key was last used is for its owner's eyes: a caller is not refused because it could not be written.
    async fn note_use(&self, id: &KeyId, now: Timestamp) {
        if let Err(error) = self.tables.touch_api_key(id, now).await {
            tracing::warn!(key.id = %id, error = %with_causes(&error), "the use of a key was not noted");
        }
    }
}
