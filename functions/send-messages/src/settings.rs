//! What the function needs from its environment, read once; its secrets when the first event comes.

use apropos_aws::{
    Clock, DeadLetters, InvalidSetting, Mailer, Pacer, Queue, SecretError, SecretSource, SendMessage, StoreError,
    Tables, parsed_setting, sdk_config, setting, tables,
};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;
use thiserror::Error;

use crate::Handler;

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    tables: Tables,
    mailer: Mailer,
    region: String,
    sends: Queue<SendMessage>,
    letters: DeadLetters,
    link_keys: SecretSource,
    base: PublicBaseUrl,
    pepper: SecretSource,
}

/// What kept the function from starting.
#[derive(Debug, Error)]
pub enum NotStarted {
    /// A secret could not be read.
    #[error("a secret could not be read")]
    Secret(#[from] SecretError),
    /// This sender could not be told from others.
    #[error("the sender could not be named")]
    Unnamed(#[from] StoreError),
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        let config = sdk_config()?;
        let queues = aws_sdk_sqs::Client::new(&config);
        Ok(Self {
            tables: tables(&config)?,
            mailer: Mailer::new(&config, setting("APROPOS_CONFIGURATION_SET").ok())
                .learning_from_clicks(setting("APROPOS_CLICK_CONFIGURATION_SET").ok()),
            region: setting("AWS_REGION")?,
            sends: Queue::new(queues.clone(), setting("APROPOS_SEND_QUEUE_URL")?),
            letters: DeadLetters::new(queues, setting("APROPOS_SEND_DEAD_LETTERS_URL")?),
            link_keys: SecretSource::from_env(&config, "APROPOS_LINK_KEYS_SECRET", "APROPOS_LINK_KEYS")?,
            base: parsed_setting("APROPOS_PUBLIC_BASE_URL", PublicBaseUrl::new)?,
            pepper: SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")?,
        })
    }

    /// The function, with its secrets read. The ring is not read again: an older key goes on verifying.
    ///
    /// # Errors
    /// [`NotStarted`]; trying again may help.
    pub async fn handler(&self) -> Result<Handler, NotStarted> {
        let mailer = self.mailer.clone();
        Ok(Handler {
            tables: self.tables.clone(),
            clock: Clock::system(),
            pacer: Pacer::new(self.tables.clone(), mailer.clone(), self.region.clone())?,
            mailer,
            sends: self.sends.clone(),
            letters: self.letters.clone(),
            ring: self.link_keys.read(KeyRing::parse).await?,
            base: self.base.clone(),
            pepper: self.pepper.read(Pepper::new).await?,
        })
    }
}
