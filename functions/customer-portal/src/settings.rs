//! What the function needs from its environment, read once; its secrets when the first event comes.

use apropos_aws::{
    Clock, InvalidSetting, LinkKeys, Queue, SecretError, SecretSource, Tables, TransactionalTask, sdk_config, setting,
    tables,
};
use apropos_core::suppression::Pepper;

use crate::Handler;

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    tables: Tables,
    link_keys: SecretSource,
    pepper: SecretSource,
    sends: Queue<TransactionalTask>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        let config = sdk_config()?;
        Ok(Self {
            tables: tables(&config)?,
            link_keys: SecretSource::from_env(&config, "APROPOS_LINK_KEYS_SECRET", "APROPOS_LINK_KEYS")?,
            pepper: SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")?,
            sends: Queue::new(aws_sdk_sqs::Client::new(&config), setting("APROPOS_SEND_QUEUE_URL")?),
        })
    }

    /// The function, with its secrets read.
    ///
    /// # Errors
    /// [`SecretError`]; trying again may help.
    pub async fn handler(&self) -> Result<Handler, SecretError> {
        let clock = Clock::system();
        let keys = LinkKeys::read(self.link_keys.clone(), clock.now()).await?;
        let pepper = self.pepper.read(Pepper::new).await?;
        Ok(Handler::new(
            self.tables.clone(),
            clock,
            keys,
            pepper,
            self.sends.clone(),
        ))
    }
}
