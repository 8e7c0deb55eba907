//! `secrets`: what an operator changes about the secrets of a stack on AWS.

use apropos_aws::{SecretSource, random};
use lexopt::Arg::{Long, Short, Value};

use super::place::{act_asked, aws_settings, text, unexpected};
use super::{Command, CommandError, UsageError, say};
use crate::data_dir::hex;

/// What is asked for: one more link key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Secrets {
    secret: String,
    region: Option<String>,
    endpoint_url: Option<String>,
}

const ACTS: &str = "rotate-link-keys";

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, "secrets", ACTS)? else {
        return Ok(Command::Help);
    };
    if name != ACTS {
        return Err(UsageError::UnknownAct("secrets", name, ACTS));
    }
    let (mut secret, mut region, mut endpoint_url) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("secret") => secret = Some(text(&mut parser)?),
            Long("region") => region = Some(text(&mut parser)?),
            Long("endpoint-url") => endpoint_url = Some(text(&mut parser)?),
            Long("help") | Short('h') => return Ok(Command::Help),
            other @ (Long(_) | Short(_) | Value(_)) => return Err(unexpected(other)),
        }
    }
    Ok(Command::Secrets(Secrets {
        secret: secret.ok_or(UsageError::Missing("--secret"))?,
        region,
        endpoint_url,
    }))
}

pub(super) async fn run(asked: Secrets) -> Result<(), CommandError> {
    let config = aws_settings(asked.region.as_deref(), asked.endpoint_url.as_deref()).await?;
    let secret = random::<32>().map_err(|error| CommandError::Random(Box::new(error)))?;
    let ring = SecretSource::kept(&config, "--secret", asked.secret)
        .rotate_link_keys(&hex(&secret))
        .await?;
    let ids = ring.ids();
    let newest = ids.last().copied().unwrap_or_default();
    say(&format!(
        "Key {newest} signs from each function's next start on; {} keys verify.",
        ids.len()
    ));
    Ok(())
}
