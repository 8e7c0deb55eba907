//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, Queue, sdk_config, setting, tables};

use crate::Handler;

pub(crate) fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config()?;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        Queue::new(aws_sdk_sqs::Client::new(&config), setting("APROPOS_SEND_QUEUE_URL")?),
    ))
}
