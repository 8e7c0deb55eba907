//! What the function needs from its environment, read once.

use apropos_aws::{Clock, DeadLetters, InvalidSetting, Queue, sdk_config, setting, tables};

use crate::Handler;

pub(crate) fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config()?;
    let queues = aws_sdk_sqs::Client::new(&config);
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        Queue::new(queues.clone(), setting("APROPOS_PAGE_QUEUE_URL")?),
        Queue::new(queues.clone(), setting("APROPOS_SEND_QUEUE_URL")?),
        DeadLetters::new(queues, setting("APROPOS_PAGE_DEAD_LETTERS_URL")?),
    ))
}
