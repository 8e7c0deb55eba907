//! Secrets: kept in Secrets Manager, read once per start, never in a template, a log or the function's environment.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use apropos_core::link::{InvalidKeyRing, KeyRing};
use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::start::{InvalidSetting, setting};

/// Why a secret cannot be used. Its value is never repeated.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The store of secrets did not answer.
    #[error("the store of secrets did not answer for {setting}")]
    Call {
        /// The setting that names the secret.
        setting: &'static str,
        /// What the SDK says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is there, but cannot be used.
    #[error("the secret of {setting} {problem}")]
    Unusable {
        /// The setting that names the secret.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It could not be made or written.
    #[error("the secret was not changed")]
    Unchanged(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where a secret comes from.
#[derive(Clone)]
pub struct SecretSource {
    setting: &'static str,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Given(String),
    Kept { client: Client, id: String },
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({}, redacted)", self.setting)
    }
}

impl SecretSource {
    /// The secret that the variable `kept` names by its ARN; without that variable the value in `given`, for running on
    /// a machine of one's own. Nothing is read from the store yet.
    ///
    /// # Errors
    /// [`InvalidSetting::Missing`] with the name of `kept` when there is neither.
    pub fn from_env(config: &SdkConfig, kept: &'static str, given: &'static str) -> Result<Self, InvalidSetting> {
        match (setting(kept), setting(given)) {
            (Ok(id), _) => Ok(Self::kept(config, kept, id)),
            (Err(_), Ok(value)) => Ok(Self {
                setting: given,
                place: Place::Given(value),
            }),
            (Err(missing), Err(_)) => Err(missing),
        }
    }

    /// The secret with this name or ARN in the account's store.
    #[must_use]
    pub fn kept(config: &SdkConfig, setting: &'static str, id: String) -> Self {
        Self {
            setting,
            place: Place::Kept {
                client: Client::new(config),
                id,
            },
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn read<T, E: fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, SecretError> {
        let unusable = |problem: String| SecretError::Unusable {
            setting: self.setting,
            problem,
        };
        let parsed = match &self.place {
            Place::Given(value) => parse(value),
            Place::Kept { client, id } => {
                let answer = client.get_secret_value().secret_id(id).send().await;
                let answer = answer.map_err(|error| SecretError::Call {
                    setting: self.setting,
                    source: Box::new(error),
                })?;
                let value = answer
                    .secret_string()
                    .ok_or_else(|| unusable("is not a text".to_owned()))?;
                parse(value)
            }
        };
        parsed.map_err(|error| unusable(error.to_string()))
    }

    /// Adds a key to the ring that is kept here; it signs from now on. A function that is running goes on signing with
    /// the key it has, and one that meets the new key reads the ring again.
    ///
    /// Two at a time would lose one of the keys: this is for an operator's hand.
    ///
    /// # Errors
    /// [`SecretError`]; the ring is then as it was.
    pub async fn rotate_link_keys(&self, secret: &str) -> Result<KeyRing, SecretError> {
        let unchanged = |error: InvalidKeyRing| SecretError::Unchanged(Box::new(error));
        let ring = self.read(KeyRing::parse).await?;
        let json = ring.rotated(secret).map_err(unchanged)?;
        let rotated = KeyRing::parse(&json).map_err(unchanged)?;
        match &self.place {
            Place::Given(_) => Err(SecretError::Unusable {
                setting: self.setting,
                problem: "is in the environment, where it cannot be changed".to_owned(),
            }),
            Place::Kept { client, id } => {
                let put = client.put_secret_value().secret_id(id).secret_string(json);
                put.send()
                    .await
                    .map_err(|error| SecretError::Unchanged(Box::new(error)))?;
                Ok(rotated)
            }
        }
    }
}

/// The ring of link keys as a function holds it: read once, and once more when a link names a key it does not have.
#[derive(Debug, Clone)]
pub struct LinkKeys {
    source: Option<SecretSource>,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    ring: Arc<KeyRing>,
    read_at: Option<Timestamp>,
}

/// The least time between two readings, so that links with invented key ids cannot make us call at will.
const READ_AT_MOST_EVERY: SignedDuration = SignedDuration::from_mins(1);

impl LinkKeys {
    /// A ring that stays as it is.
    #[must_use]
    pub fn fixed(ring: KeyRing) -> Self {
        Self {
            source: None,
            held: Arc::new(Mutex::new(Held {
                ring: Arc::new(ring),
                read_at: None,
            })),
        }
    }

    /// The ring of a source, read now.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn read(source: SecretSource, now: Timestamp) -> Result<Self, SecretError> {
        let ring = source.read(KeyRing::parse).await?;
        Ok(Self {
            source: Some(source),
            held: Arc::new(Mutex::new(Held {
                ring: Arc::new(ring),
                read_at: Some(now),
            })),
        })
    }

    /// The ring as it was read last.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner).ring)
    }

    /// The ring read again, after a link named a key that it does not have; `None` when it was read less than a minute
    /// ago, or does not change.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn read_again(&self, now: Timestamp) -> Result<Option<Arc<KeyRing>>, SecretError> {
        let Some(source) = &self.source else { return Ok(None) };
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held
                .read_at
                .is_some_and(|at| now.duration_since(at) < READ_AT_MOST_EVERY)
            {
                return Ok(None);
            }
            // Noted before the call, so that a store that fails is not asked more often either.
            held.read_at = Some(now);
        }
        let ring = Arc::new(source.read(KeyRing::parse).await?);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).ring = Arc::clone(&ring);
        Ok(Some(ring))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &str) -> SecretSource {
        SecretSource {
            setting: "APROPOS_LINK_KEYS",
            place: Place::Given(value.to_owned()),
        }
    }

    const RING: &str = r#"{"1": "0123456789abcdef0123456789abcdef"}"#;

    #[tokio::test]
    async fn a_secret_that_cannot_be_used_is_named_and_not_repeated() {
        let error = given(r#"{"1": "too-short"}"#).read(KeyRing::parse).await.unwrap_err();
        let printed = format!("{error} {error:?} {:?}", given("hidden-value"));
        assert!(
            printed.contains("APROPOS_LINK_KEYS") && printed.contains("32 characters"),
            "{printed}"
        );
        assert!(
            !printed.contains("too-short") && !printed.contains("hidden-value"),
            "{printed}"
        );
    }

    #[tokio::test]
    async fn a_ring_is_read_again_at_most_once_a_minute() {
        let start: Timestamp = "2026-12-01T09:00:00Z".parse().unwrap();
        let keys = LinkKeys::read(given(RING), start).await.unwrap();
        let after = |seconds: i64| start + SignedDuration::from_secs(seconds);
        assert!(keys.read_again(after(59)).await.unwrap().is_none());
        assert!(keys.read_again(after(60)).await.unwrap().is_some());
        assert!(keys.read_again(after(61)).await.unwrap().is_none());
        assert!(keys.read_again(after(120)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_fixed_ring_is_never_read_again() {
        let keys = LinkKeys::fixed(KeyRing::parse(RING).unwrap());
        assert!(keys.read_again(Timestamp::MAX).await.unwrap().is_none());
        assert_eq!(keys.ring().ids(), [1]);
    }

    #[tokio::test]
    async fn a_ring_in_the_environment_is_not_rotated() {
        let refused = given(RING).rotate_link_keys(&"n".repeat(32)).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be changed"), "{refused}");
    }
}
