//! `restore-drill`: what a restore must not undo, exported before and replayed after it.

use std::path::PathBuf;

use apropos_aws::{NotToUndo, SecretSource};
use apropos_core::suppression::Pepper;
use lexopt::Arg::{Long, Short, Value};
use thiserror::Error;

use super::place::{Place, PlaceOptions, Reached, act_asked, text, unexpected};
use super::{Command, CommandError, UsageError, read_file, say};
use crate::data_dir::DataDir;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drill {
    act: Act,
    file: PathBuf,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    /// Erasures and suppressions, one JSON object a line.
    Export,
    /// On restored tables, before any traffic.
    Replay {
        /// The secret that holds the pepper on AWS; without it the environment names it. A directory of data has its own.
        pepper_secret: Option<String>,
    },
}

/// Not a file that `export` wrote.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line} is not one of an export")]
pub(super) struct ForeignLine {
    line: usize,
}

const ACTS: &str = "export or replay";

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, "restore-drill", ACTS)? else {
        return Ok(Command::Help);
    };
    let (mut place, mut file, mut pepper_secret) = (PlaceOptions::default(), None, None);
    while let Some(argument) = parser.next()? {
        match (name.as_str(), argument) {
            (_, Long("help") | Short('h')) => return Ok(Command::Help),
            (_, Value(path)) if file.is_none() => file = Some(PathBuf::from(path)),
            ("replay", Long("pepper-secret")) => pepper_secret = Some(text(&mut parser)?),
            (_, Long(option)) => {
                let option = option.to_owned();
                place.take(&mut parser, &option)?;
            }
            (_, other @ (Short(_) | Value(_))) => return Err(unexpected(other)),
        }
    }
    let act = match name.as_str() {
        "export" => Act::Export,
        "replay" => Act::Replay { pepper_secret },
        _ => return Err(UsageError::UnknownAct("restore-drill", name, ACTS)),
    };
    let file = file.ok_or(UsageError::Missing("the file of the export"))?;
    let place = place.place()?;
    if matches!((&act, &place), (Act::Replay { pepper_secret: Some(_) }, Place::Data(_))) {
        return Err(UsageError::OnAwsOnly("--pepper-secret"));
    }
    Ok(Command::Drill(Drill { act, file, place }))
}

pub(super) async fn run(asked: Drill) -> Result<(), CommandError> {
    let Drill { act, file, place } = asked;
    match act {
        Act::Export => export(&place.reach().await?, file).await,
        Act::Replay { pepper_secret } => {
            // Read and checked first: what is wrong with the file is said without asking for credentials.
            let lines = read_lines(&read_file(file)?)?;
            let pepper = pepper(&place, pepper_secret).await?;
            replay(&place.reach().await?, &lines, &pepper).await
        }
    }
}

async fn export(reached: &Reached, path: PathBuf) -> Result<(), CommandError> {
    let lines = reached.tables.not_to_undo().await?;
    let text: String = lines.iter().map(line).collect();
    match std::fs::write(&path, text) {
        Ok(()) => {
            say(&format!("{} erasures and suppressions exported", lines.len()));
            Ok(())
        }
        Err(source) => Err(CommandError::Unwritten { path, source }),
    }
}

async fn replay(reached: &Reached, lines: &[NotToUndo], pepper: &Pepper) -> Result<(), CommandError> {
    let done = reached.tables.replay(lines, pepper, reached.now).await?;
    say(&format!(
        "{} erased again, {} suppressed again, {} known already. Let run the ticks until no erasure is pending, then open \
         to traffic.",
        done.erased, done.suppressed, done.known
    ));
    Ok(())
}

async fn pepper(place: &Place, secret: Option<String>) -> Result<Pepper, CommandError> {
    let config = match place {
        // The directory must be there before its secrets are asked for, which would make new ones.
        Place::Data(path) => return Ok(DataDir::existing(path)?.secrets()?.pepper),
        Place::Aws(aws) => aws.settings().await?,
    };
    let source = match secret {
        Some(secret) => SecretSource::kept(&config, "--pepper-secret", secret),
        None => SecretSource::from_env(&config, "APROPOS_PEPPER_SECRET", "APROPOS_PEPPER")
            .ok()
            .ok_or(CommandError::NoPepper)?,
    };
    source.read(Pepper::new).await.map_err(CommandError::Pepper)
}

fn line(what: &NotToUndo) -> String {
    // Ids, hashes and codes are always written.
    format!("{}\n", serde_json::to_string(what).unwrap_or_default())
}

fn read_lines(text: &str) -> Result<Vec<NotToUndo>, ForeignLine> {
    text.lines()
        .enumerate()
        .map(|(position, text)| {
            let read = serde_json::from_str(text).ok();
            read.ok_or(ForeignLine { line: position + 1 })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
