//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, parsed_setting, sdk_config, tables};
use apropos_core::suppression::Pepper;

use crate::Handler;

pub(crate) fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config()?;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        parsed_setting("APROPOS_PEPPER", Pepper::new)?,
    ))
}
