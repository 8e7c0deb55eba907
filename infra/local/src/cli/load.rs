//! `load`: many customers, measured.

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use super::place::unexpected;
use super::{Command, CommandError, MOST_CUSTOMERS, UsageError};
use crate::load::{self, LoadOptions};

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let mut options = LoadOptions {
        customers: 100_000,
        sends: 2_000,
        seed: 1,
        json: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("customers") => options.customers = parser.value()?.parse()?,
            Long("sends") => options.sends = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("json") => options.json = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other @ (Long(_) | Short(_) | Value(_)) => return Err(unexpected(other)),
        }
    }
    if !(1..=MOST_CUSTOMERS).contains(&options.customers) {
        return Err(UsageError::Customers);
    }
    if !(1..=MOST_CUSTOMERS).contains(&options.sends) {
        return Err(UsageError::Sends);
    }
    Ok(Command::Load(options))
}

pub(super) async fn run(options: LoadOptions) -> Result<(), CommandError> {
    if load::run(options).await? {
        Ok(())
    } else {
        Err(CommandError::OverBudget)
    }
}
