//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, sdk_config, tables};

use crate::Handler;

pub(crate) async fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config().await;
    Ok(Handler::new(tables(&config)?, Clock::system()))
}
