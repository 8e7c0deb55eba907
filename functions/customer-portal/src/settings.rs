//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, parsed_setting, sdk_config, tables};
use apropos_core::link::KeyRing;

use crate::Handler;

pub(crate) async fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config().await;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        parsed_setting("APROPOS_LINK_KEYS", KeyRing::parse)?,
    ))
}
