//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, TopicArn, parsed_setting, sdk_config, tables};
use apropos_core::suppression::Pepper;

use crate::Handler;

pub(crate) async fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config().await;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        parsed_setting("APROPOS_PEPPER", Pepper::new)?,
        parsed_setting("APROPOS_FEEDBACK_TOPIC_ARN", TopicArn::new)?,
    ))
}
