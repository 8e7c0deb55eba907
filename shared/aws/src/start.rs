//! What every function does once, before its first event.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use thiserror::Error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::store::Tables;
use crate::transport;

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
    variable(name).ok_or(InvalidSetting::Missing { name })
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that reads the environment")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
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
///
/// A level (`debug`) or levels by module (`info,apropos_aws=trace`), no filters by span: those bring a regex engine into
/// every bootstrap.
pub fn start_logs() {
    let filter = variable("RUST_LOG")
        .and_then(|text| text.parse::<Targets>().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().json().with_target(false);
    // A second call in one process, as tests make, keeps the first.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

/// The SDK's settings from the function's environment, which is all there is on Lambda: region, credentials, and where
/// the endpoints are if not where they usually are (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`).
///
/// The SDK's own search goes on to profiles, web identities and metadata services, none of which Lambda has. Lambda's
/// credentials outlive the sandbox that they are given to, so they are read once.
///
/// # Errors
/// [`InvalidSetting`].
pub fn sdk_config() -> Result<SdkConfig, InvalidSetting> {
    config_of(variable)
}

fn config_of(variable: Variable) -> Result<SdkConfig, InvalidSetting> {
    let needed = |name| variable(name).ok_or(InvalidSetting::Missing { name });
    let credentials = Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    Ok(SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(needed("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(transport::http_client(bundle(variable)?))
        .service_config(Endpoints(variable))
        .build())
}

/// How a variable is looked up: in the environment, or in a test's own.
type Variable = fn(&str) -> Option<String>;

/// An HTTP client for the SDK, shared by all clones: TLS is made when an https endpoint is first called, and trusts
/// Amazon's roots only.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    transport::http_client(None)
}

/// `AWS_CA_BUNDLE` as the other SDKs read it: a file of certificates to trust in place of our own, for a network that
/// opens TLS or a partition that other roots sign.
fn bundle(variable: Variable) -> Result<Option<String>, InvalidSetting> {
    const NAME: &str = "AWS_CA_BUNDLE";
    let Some(path) = variable(NAME) else {
        return Ok(None);
    };
    let unusable = |problem: &str| InvalidSetting::Unusable {
        name: NAME,
        problem: problem.to_owned(),
    };
    match std::fs::read_to_string(path) {
        Ok(bundle) if bundle.contains("-----BEGIN CERTIFICATE-----") => Ok(Some(bundle)),
        Ok(_) => Err(unusable("names a file without a certificate in PEM")),
        Err(_) => Err(unusable("names a file that cannot be read")),
    }
}

/// Endpoint URLs from the environment, as `aws-config` reads them: a service's own before the one for all.
#[derive(Debug)]
struct Endpoints(Variable);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let Self(variable) = self;
        let service = key.service_id().replace(' ', "_").to_uppercase();
        variable(&format!("{}_{service}", key.env())).or_else(|| variable(key.env()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda(name: &str) -> Option<String> {
        let value = match name {
            "AWS_ACCESS_KEY_ID" => "ASIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "example-secret-access-key",
            "AWS_REGION" => "eu-west-3",
            "AWS_ENDPOINT_URL" => "http://127.0.0.1:4566",
            "AWS_ENDPOINT_URL_SESV2" => "http://127.0.0.1:4567",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn endpoint(service: &str) -> Option<String> {
        let config = config_of(lambda).unwrap();
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .unwrap();
        config.service_config().unwrap().load_config(key)
    }

    #[test]
    fn a_services_own_endpoint_goes_before_the_one_for_all() {
        assert_eq!(endpoint("SESv2").unwrap(), "http://127.0.0.1:4567");
        assert_eq!(endpoint("DynamoDB").unwrap(), "http://127.0.0.1:4566");
    }

    #[test]
    fn what_the_environment_lacks_is_named_and_stops_the_start() {
        let without_region: Variable = |name| lambda(name).filter(|_| name != "AWS_REGION");
        let error = config_of(without_region).unwrap_err();
        assert!(matches!(error, InvalidSetting::Missing { name: "AWS_REGION" }));
    }

    #[test]
    fn a_bundle_that_is_not_one_stops_the_start() {
        let empty: Variable = |name| lambda(name).or_else(|| (name == "AWS_CA_BUNDLE").then(|| "/dev/null".to_owned()));
        let absent: Variable =
            |name| lambda(name).or_else(|| (name == "AWS_CA_BUNDLE").then(|| "/dev/null/no".to_owned()));
        for variable in [empty, absent] {
            let error = config_of(variable).unwrap_err();
            assert!(matches!(
                error,
                InvalidSetting::Unusable {
                    name: "AWS_CA_BUNDLE",
                    ..
                }
            ));
        }
    }
}
