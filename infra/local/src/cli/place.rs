//! Where a command finds the tables: in the directory of data of a stack on this machine, or on AWS.

use std::path::PathBuf;

use apropos_aws::{Clock, Tables, behavior, http_client};
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::ProvideCredentials as _;
use jiff::Timestamp;
use lexopt::Arg::{self, Long, Short, Value};
use lexopt::ValueExt as _;
use tokio::task::JoinSet;

use super::{CommandError, UsageError};
use crate::data_dir::DataDir;
use crate::stack::open_tables;

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the directory of data of a stack.
    Data(PathBuf),
    /// On AWS, or on what speaks like it.
    Aws(AwsPlace),
}

/// The tables of one stack on AWS. What is `None` comes from the environment or the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AwsPlace {
    table_prefix: String,
    region: Option<String>,
    endpoint_url: Option<String>,
}

/// A place while its options are read.
#[derive(Debug, Default)]
pub(super) struct PlaceOptions {
    data: Option<PathBuf>,
    table_prefix: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
}

impl PlaceOptions {
    /// Takes one of its options; any other argument is not understood.
    pub(super) fn take(&mut self, parser: &mut lexopt::Parser, option: &str) -> Result<(), UsageError> {
        match option {
            "data" => self.data = Some(parser.value()?.into()),
            "table-prefix" => self.table_prefix = Some(text(parser)?),
            "region" => self.region = Some(text(parser)?),
            "endpoint-url" => self.endpoint_url = Some(text(parser)?),
            _ => return Err(Long(option).unexpected().into()),
        }
        Ok(())
    }

    pub(super) fn place(self) -> Result<Place, UsageError> {
        let on_aws_only = [("--region", &self.region), ("--endpoint-url", &self.endpoint_url)];
        match (self.data, self.table_prefix) {
            (None, None) => Err(UsageError::NoPlace),
            (Some(_), Some(_)) => Err(UsageError::TwoPlaces),
            (Some(data), None) => match on_aws_only.into_iter().find(|(_, given)| given.is_some()) {
                Some((option, _)) => Err(UsageError::OnAwsOnly(option)),
                None => Ok(Place::Data(data)),
            },
            (None, Some(table_prefix)) => Ok(Place::Aws(AwsPlace {
                table_prefix,
                region: self.region,
                endpoint_url: self.endpoint_url,
            })),
        }
    }
}

/// An option's value, which must be text.
pub(super) fn text(parser: &mut lexopt::Parser) -> Result<String, UsageError> {
    let value = parser.value()?;
    value
        .into_string()
        .map_err(|value| UsageError::Argument(lexopt::Error::NonUnicodeValue(value)))
}

/// What a command with several acts is to do: its first argument. `None` asks for help.
pub(super) fn act_asked(
    parser: &mut lexopt::Parser,
    command: &'static str,
    acts: &'static str,
) -> Result<Option<String>, UsageError> {
    match parser.next()? {
        Some(Value(name)) => Ok(Some(name.string()?)),
        Some(Long("help") | Short('h')) => Ok(None),
        None => Err(UsageError::NoAct(command, acts)),
        Some(other) => Err(unexpected(other)),
    }
}

/// An argument that no command knows.
pub(super) fn unexpected(argument: Arg<'_>) -> UsageError {
    argument.unexpected().into()
}

/// The tables of a place, for as long as this is kept.
pub(super) struct Reached {
    pub(super) tables: Tables,
    /// The time that counts there: a stack on one machine may stand at another than the machine's.
    pub(super) now: Timestamp,
    pub(super) data: Option<DataDir>,
    _serving: JoinSet<()>,
}

impl Place {
    pub(super) async fn reach(&self) -> Result<Reached, CommandError> {
        let mut serving = JoinSet::new();
        match self {
            Self::Data(path) => {
                let data = DataDir::existing(path)?;
                let noted = data.clock()?;
                Ok(Reached {
                    tables: open_tables(Some(&data), &mut serving).await?,
                    now: noted.unwrap_or_else(|| Clock::system().now()),
                    data: Some(data),
                    _serving: serving,
                })
            }
            Self::Aws(aws) => Ok(Reached {
                tables: aws.tables().await?,
                now: Clock::system().now(),
                data: None,
                _serving: serving,
            }),
        }
    }
}

impl AwsPlace {
    /// The SDK's settings for it.
    pub(super) async fn settings(&self) -> Result<SdkConfig, CommandError> {
        aws_settings(self.region.as_deref(), self.endpoint_url.as_deref()).await
    }

    async fn tables(&self) -> Result<Tables, CommandError> {
        let config = self.settings().await?;
        Ok(Tables::new(
            aws_sdk_dynamodb::Client::new(&config),
            self.table_prefix.as_str(),
        ))
    }
}

/// The SDK's settings from the environment or the profile, but for what was asked for.
pub(super) async fn aws_settings(region: Option<&str>, endpoint_url: Option<&str>) -> Result<SdkConfig, CommandError> {
    let mut settings = aws_config::defaults(behavior()).http_client(http_client());
    if let Some(region) = region {
        settings = settings.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint_url {
        settings = settings.endpoint_url(endpoint);
    }
    let config = settings.load().await;
    if config.region().is_none() {
        return Err(CommandError::NoRegion);
    }
    // Asked for here, because the answer says what to do, which an error of the first call would not.
    let provider = config.credentials_provider().ok_or(CommandError::NoCredentials(None))?;
    if let Err(error) = provider.provide_credentials().await {
        return Err(CommandError::NoCredentials(Some(Box::new(error))));
    }
    Ok(config)
}
