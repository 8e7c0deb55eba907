//! The operator's commands about the customer's side: the restore drill, and checking a downloaded ledger.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use apropos_aws::{
    Clock, DoubtfulReceipt, InvalidSetting, NotToUndo, SecretError, SecretSource, StoreError, sdk_config, setting,
    tables, verify_receipt,
};
use apropos_core::consent_receipt::SignedReceipt;
use apropos_core::document::{DoubtfulLedger, LedgerDocument};
use apropos_core::suppression::Pepper;
use aws_config::SdkConfig;
use lexopt::Arg::{Long, Short, Value};
use serde::Deserialize;
use thiserror::Error;

use crate::cli::say;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DrillCommand {
    /// `restore-drill export FILE`: what a restore must not undo, one JSON object a line.
    Export(PathBuf),
    /// `restore-drill replay FILE`: on restored tables, before any traffic.
    Replay(PathBuf),
    /// `ledger verify FILE`: a downloaded ledger, or a whole `my-data.json`.
    VerifyLedger(PathBuf),
    /// `receipt verify FILE --key FILE`: signed receipts, or a whole `my-data.json`, against a public key.
    VerifyReceipts {
        /// The receipts.
        file: PathBuf,
        /// The public key, base64url.
        key: PathBuf,
    },
}

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum DrillError {
    #[error("{} could not be read or written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("line {line} is not one of an export")]
    Line { line: usize },
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
    #[error("the environment does not say which tables")]
    Setting(#[from] InvalidSetting),
    #[error("the pepper could not be read")]
    Pepper(#[from] SecretError),
    #[error("the tables did not answer")]
    Tables(#[from] StoreError),
}

/// Reads `VERB FILE` after the command's name; `None` when it is neither.
pub(crate) fn parse(command: &str, parser: &mut lexopt::Parser) -> Result<Option<DrillCommand>, lexopt::Error> {
    let mut words: Vec<OsString> = Vec::new();
    let mut key = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) => words.push(word),
            Long("key") if command == "receipt" => key = Some(PathBuf::from(parser.value()?)),
            Long(_) | Short(_) => return Err(argument.unexpected()),
        }
    }
    let [verb, file] = words.as_slice() else {
        return Ok(None);
    };
    let file = PathBuf::from(file);
    Ok(match (command, verb.to_str()) {
        ("receipt", Some("verify")) => key.map(|key| DrillCommand::VerifyReceipts { file, key }),
        ("restore-drill", Some("export")) => Some(DrillCommand::Export(file)),
        ("restore-drill", Some("replay")) => Some(DrillCommand::Replay(file)),
        ("ledger", Some("verify")) => Some(DrillCommand::VerifyLedger(file)),
        _ => None,
    })
}

/// Does it. The drill works on the tables that the environment names, as the functions do.
pub(crate) async fn run(command: DrillCommand) -> Result<(), DrillError> {
    match command {
        DrillCommand::Export(path) => {
            let tables = tables(&named_stack()?)?;
            let lines = tables.not_to_undo().await?;
            let text: String = lines.iter().map(line).collect();
            std::fs::write(&path, text).map_err(|source| DrillError::File { path, source })?;
            say(&format!("{} erasures and suppressions exported", lines.len()));
        }
        DrillCommand::Replay(path) => {
            let config = named_stack()?;
            let pepper = SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")?;
            let pepper = pepper.read(Pepper::new).await?;
            let tables = tables(&config)?;
            let lines = read_lines(&read(path)?)?;
            let done = tables.replay(&lines, &pepper, Clock::system().now()).await?;
            say(&format!(
                "{} erased again, {} suppressed again, {} known already. Let run the ticks until no erasure is pending, \
                 then open to traffic.",
                done.erased, done.suppressed, done.known
            ));
        }
        DrillCommand::VerifyLedger(path) => {
            let ledger = ledger_in(&read(path)?).ok_or(DrillError::NoLedger)?;
            ledger.check()?;
            say(&format!("{} entries, all as they were recorded", ledger.entries.len()));
        }
        DrillCommand::VerifyReceipts { file, key } => {
            let receipts = receipts_in(&read(file)?).filter(|receipts| !receipts.is_empty());
            let receipts = receipts.ok_or(DrillError::NoReceipt)?;
            let key = read(key)?;
            for (position, receipt) in receipts.iter().enumerate() {
                verify_receipt(receipt, key.trim()).map_err(|source| DrillError::Receipt {
                    position: position + 1,
                    source,
                })?;
            }
            say(&format!("{} receipts, all as they were signed", receipts.len()));
        }
    }
    Ok(())
}

/// Where the tables are that the environment names. The name is asked for first: without one there is nothing to look
/// for a region or credentials for.
fn named_stack() -> Result<SdkConfig, DrillError> {
    setting("APROPOS_TABLE_PREFIX")?;
    Ok(sdk_config()?)
}

/// One receipt, or those in a whole file of a person's data.
fn receipts_in(text: &str) -> Option<Vec<SignedReceipt>> {
    #[derive(Deserialize)]
    struct MyData {
        receipts: Vec<SignedReceipt>,
    }
    let whole = serde_json::from_str::<MyData>(text).map(|data| data.receipts);
    whole.or_else(|_| serde_json::from_str(text).map(|one| vec![one])).ok()
}

fn read(path: PathBuf) -> Result<String, DrillError> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(source) => Err(DrillError::File { path, source }),
    }
}

fn line(what: &NotToUndo) -> String {
    // Ids, hashes and codes are always written.
    format!("{}\n", serde_json::to_string(what).unwrap_or_default())
}

fn read_lines(text: &str) -> Result<Vec<NotToUndo>, DrillError> {
    text.lines()
        .enumerate()
        .map(|(position, text)| {
            let read = serde_json::from_str(text).ok();
            read.ok_or(DrillError::Line { line: position + 1 })
        })
        .collect()
}

/// The ledger alone, or the one in a whole file of a person's data.
fn ledger_in(text: &str) -> Option<LedgerDocument> {
    #[derive(Deserialize)]
    struct MyData {
        ledger: LedgerDocument,
    }
    let whole = serde_json::from_str::<MyData>(text).map(|data| data.ledger);
    whole.or_else(|_| serde_json::from_str(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<DrillCommand> {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap();
        let mut parser = lexopt::Parser::from_args(words);
        parse(command, &mut parser).unwrap()
    }

    #[test]
    fn the_commands_are_understood_and_nothing_else_is() {
        assert_eq!(parsed("restore-drill export x"), Some(DrillCommand::Export("x".into())));
        assert_eq!(parsed("restore-drill replay x"), Some(DrillCommand::Replay("x".into())));
        assert_eq!(parsed("ledger verify x"), Some(DrillCommand::VerifyLedger("x".into())));
        let (file, key) = ("x".into(), "k".into());
        assert_eq!(
            parsed("receipt verify x --key k"),
            Some(DrillCommand::VerifyReceipts { file, key })
        );
        for line in [
            "receipt verify x",
            "ledger",
            "ledger verify",
            "ledger export x",
            "restore-drill replay x y",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }

    #[test]
    fn an_export_reads_back_and_a_foreign_line_is_named() {
        let lines = [NotToUndo::Suppressed {
            key: "lumen#hash".into(),
            reason: "erasure".into(),
        }];
        let text: String = lines.iter().map(line).collect();
        assert_eq!(read_lines(&text).unwrap(), lines);
        let foreign = read_lines(&format!("{text}nonsense\n")).unwrap_err();
        assert_eq!(foreign.to_string(), "line 2 is not one of an export");
    }
}
