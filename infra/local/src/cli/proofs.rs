//! `ledger verify` and `receipt verify`: what a person downloaded, checked without us.

use std::path::PathBuf;

use apropos_aws::{DoubtfulReceipt, verify_receipt};
use apropos_core::consent_receipt::SignedReceipt;
use apropos_core::document::{DoubtfulLedger, LedgerDocument};
use lexopt::Arg::{Long, Short, Value};
use thiserror::Error;

use super::place::{act_asked, unexpected};
use super::{Command, CommandError, UsageError, read_file, say};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proofs {
    /// A downloaded ledger, or a whole `my-data.json`.
    Ledger(PathBuf),
    /// A signed receipt, or a whole `my-data.json`, against a public key.
    Receipts {
        /// The receipts.
        file: PathBuf,
        /// The public key, base64url.
        key: PathBuf,
    },
}

/// Why a file does not prove what it says.
#[derive(Debug, Error)]
pub(super) enum ProofError {
    #[error("the file holds no ledger")]
    NoLedger,
    #[error("the file holds no receipt")]
    NoReceipt,
    #[error("receipt {position} is not what was signed")]
    Receipt {
        position: usize,
        #[source]
        source: DoubtfulReceipt,
    },
    #[error("the ledger is not what was recorded")]
    Ledger(#[from] DoubtfulLedger),
}

const ACT: &str = "verify";

pub(super) fn parse_ledger(parser: lexopt::Parser) -> Result<Command, UsageError> {
    parse("ledger", parser)
}

pub(super) fn parse_receipt(parser: lexopt::Parser) -> Result<Command, UsageError> {
    parse("receipt", parser)
}

fn parse(command: &'static str, mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, command, ACT)? else {
        return Ok(Command::Help);
    };
    if name != ACT {
        return Err(UsageError::UnknownAct(command, name, ACT));
    }
    let (mut file, mut key) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("key") if command == "receipt" => key = Some(PathBuf::from(parser.value()?)),
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            other @ (Long(_) | Short(_) | Value(_)) => return Err(unexpected(other)),
        }
    }
    let file = file.ok_or(UsageError::Missing("the file"))?;
    Ok(Command::Proofs(if command == "receipt" {
        Proofs::Receipts {
            file,
            key: key.ok_or(UsageError::Missing("--key"))?,
        }
    } else {
        Proofs::Ledger(file)
    }))
}

pub(super) fn run(asked: Proofs) -> Result<(), CommandError> {
    match asked {
        Proofs::Ledger(file) => {
            let ledger = LedgerDocument::find(&read_file(file)?).ok_or(ProofError::NoLedger)?;
            ledger.check().map_err(ProofError::Ledger)?;
            say(&format!("{} entries, all as they were recorded", ledger.entries.len()));
        }
        Proofs::Receipts { file, key } => {
            let receipts = SignedReceipt::find(&read_file(file)?).filter(|receipts| !receipts.is_empty());
            let receipts = receipts.ok_or(ProofError::NoReceipt)?;
            let key = read_file(key)?;
            for (position, receipt) in receipts.iter().enumerate() {
                verify_receipt(receipt, key.trim()).map_err(|source| ProofError::Receipt {
                    position: position + 1,
                    source,
                })?;
            }
            say(&format!("{} receipts, all as they were signed", receipts.len()));
        }
    }
    Ok(())
}
