//! `mail`: the stand-in for SES alone.

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use super::place::{text, unexpected};
use super::{Command, DEFAULT_PORT, UsageError};
use crate::mail_service::SendQuota;
use crate::mail_stand_in::MailOptions;

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let mut options = MailOptions {
        port: DEFAULT_PORT,
        domains: Vec::new(),
        configuration_sets: Vec::new(),
        outbox: None,
        quota: SendQuota::UNBOUNDED,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => options.port = parser.value()?.parse()?,
            Long("domain") => options.domains.push(text(&mut parser)?),
            Long("configuration-set") => options.configuration_sets.push(text(&mut parser)?),
            Long("rate") => options.quota.max_per_second = parser.value()?.parse()?,
            Long("quota") => options.quota.max_24_hour = parser.value()?.parse()?,
            Long("outbox") => options.outbox = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Help),
            other @ (Long(_) | Short(_) | Value(_)) => return Err(unexpected(other)),
        }
    }
    Ok(Command::Mail(options))
}
