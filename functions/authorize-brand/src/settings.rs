//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, sdk_config, tables};

use crate::Handler;

pub(crate) fn handler() -> Result<Handler, InvalidSetting> {
    Ok(Handler::new(tables(&sdk_config()?)?, Clock::system()))
}
