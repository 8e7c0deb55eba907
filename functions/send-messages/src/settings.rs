//! What the function needs from its environment, read once.

use apropos_aws::{Clock, InvalidSetting, Mailer, parsed_setting, sdk_config, setting, tables};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;

use crate::Handler;

pub(crate) fn handler() -> Result<Handler, InvalidSetting> {
    let config = sdk_config()?;
    Ok(Handler::new(
        tables(&config)?,
        Clock::system(),
        Mailer::new(&config, setting("APROPOS_CONFIGURATION_SET").ok()),
        parsed_setting("APROPOS_LINK_KEYS", KeyRing::parse)?,
        parsed_setting("APROPOS_PUBLIC_BASE_URL", PublicBaseUrl::new)?,
        parsed_setting("APROPOS_PEPPER", Pepper::new)?,
    ))
}
