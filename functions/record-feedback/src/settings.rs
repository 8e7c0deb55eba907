//! What the function needs from its environment, read once; its secret when the first event comes.

use apropos_aws::{
    Clock, DeadLetters, InvalidSetting, SecretError, SecretSource, Tables, TopicArn, parsed_setting, sdk_config,
    setting, tables,
};
use apropos_core::suppression::Pepper;

use crate::Handler;

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    tables: Tables,
    pepper: SecretSource,
    topic: TopicArn,
    letters: DeadLetters,
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
            pepper: SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")?,
            topic: parsed_setting("APROPOS_FEEDBACK_TOPIC_ARN", TopicArn::new)?,
            letters: DeadLetters::new(
                aws_sdk_sqs::Client::new(&config),
                setting("APROPOS_FEEDBACK_DEAD_LETTERS_URL")?,
            ),
        })
    }

    /// The function, with its secret read.
    ///
    /// # Errors
    /// [`SecretError`]; trying again may help.
    pub async fn handler(&self) -> Result<Handler, SecretError> {
        let pepper = self.pepper.read(Pepper::new).await?;
        Ok(Handler::new(
            self.tables.clone(),
            Clock::system(),
            pepper,
            self.topic.clone(),
            self.letters.clone(),
        ))
    }
}
