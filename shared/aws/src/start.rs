//! What every function does once, before its first event.

use aws_config::{BehaviorVersion, SdkConfig};
use thiserror::Error;

use crate::store::Tables;

/// A setting that is missing or not usable.
#[derive(Debug, Error)]
pub enum InvalidSetting {
    /// The environment does not have it.
    #[error("the environment has no {name}")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// It cannot be used. The value is not repeated: it may be a secret.
    #[error("{name} {problem}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads a setting from the environment; called from each function's `settings.rs`, once.
///
/// # Errors
/// [`InvalidSetting::Missing`] when it is absent or empty.
pub fn setting(name: &'static str) -> Result<String, InvalidSetting> {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that reads the environment")]
    let value = std::env::var(name).ok();
    value
        .filter(|value| !value.is_empty())
        .ok_or(InvalidSetting::Missing { name })
}

/// Reads and parses a setting.
///
/// # Errors
/// [`InvalidSetting`].
pub fn parsed_setting<T, E: std::fmt::Display>(
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, InvalidSetting> {
    let value = setting(name)?;
    parse(&value).map_err(|error| InvalidSetting::Unusable {
        name,
        problem: error.to_string(),
    })
}

/// Writes logs as JSON lines to standard output, which Lambda passes on; the level comes from `RUST_LOG`, else `info`.
pub fn start_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second call in one process, as tests make, keeps the first.
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_target(false)
        .try_init();
}

/// The SDK's settings from the function's environment.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(behavior()).load().await
}

/// The SDK's behaviour, pinned: an update must not change how often something is tried.
#[must_use]
pub fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The tables named by `APROPOS_TABLE_PREFIX`.
///
/// # Errors
/// [`InvalidSetting`].
pub fn tables(config: &SdkConfig) -> Result<Tables, InvalidSetting> {
    let prefix = setting("APROPOS_TABLE_PREFIX")?;
    Ok(Tables::new(aws_sdk_dynamodb::Client::new(config), prefix))
}
