//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, Queue, parsed_setting, sdk_config, setting, tables};
use apropos_core::link::KeyRing;
use apropos_core::suppression::Pepper;

use crate::Handler;

pub(crate) async fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config().await;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        parsed_setting("APROPOS_LINK_KEYS", KeyRing::parse)?,
        parsed_setting("APROPOS_PEPPER", Pepper::new)?,
        Queue::new(aws_sdk_sqs::Client::new(&config), setting("APROPOS_SEND_QUEUE_URL")?),
    ))
}
