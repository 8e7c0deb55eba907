//! What the function needs from its environment, read once; its secrets when the first event comes.

use apropos_aws::{
    Clock, InvalidSetting, Mailer, SecretError, SecretSource, Tables, parsed_setting, sdk_config, setting, tables,
};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;

use crate::Handler;

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    tables: Tables,
    mailer: Mailer,
    link_keys: SecretSource,
    base: PublicBaseUrl,
    pepper: SecretSource,
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
            mailer: Mailer::new(&config, setting("APROPOS_CONFIGURATION_SET").ok()),
            link_keys: SecretSource::from_env(&config, "APROPOS_LINK_KEYS_SECRET", "APROPOS_LINK_KEYS")?,
            base: parsed_setting("APROPOS_PUBLIC_BASE_URL", PublicBaseUrl::new)?,
            pepper: SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")?,
        })
    }

    /// The function, with its secrets read. The ring is not read again: an older key goes on verifying.
    ///
    /// # Errors
    /// [`SecretError`]; trying again may help.
    pub async fn handler(&self) -> Result<Handler, SecretError> {
        Ok(Handler::new(
            self.tables.clone(),
            Clock::system(),
            self.mailer.clone(),
            self.link_keys.read(KeyRing::parse).await?,
            self.base.clone(),
            self.pepper.read(Pepper::new).await?,
        ))
    }
}
