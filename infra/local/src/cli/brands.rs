//! `brands`: the settings of a brand, stored and shown by whoever runs the stack.

use std::path::PathBuf;

use apropos_core::brand::Brand;
use apropos_core::document::BrandDocument;
use apropos_core::ids::BrandId;
use lexopt::Arg::{Long, Short, Value};

use super::place::{Place, PlaceOptions, Reached, act_asked, unexpected};
use super::{Command, CommandError, UsageError, note, parse_brand, read_brand, say};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brands {
    act: Act,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    Put { file: PathBuf },
    Get { brand: BrandId },
}

const ACTS: &str = "put or get";

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, "brands", ACTS)? else {
        return Ok(Command::Help);
    };
    let (mut place, mut brand, mut file) = (PlaceOptions::default(), None, None);
    while let Some(argument) = parser.next()? {
        match (name.as_str(), argument) {
            (_, Long("help") | Short('h')) => return Ok(Command::Help),
            ("put", Value(path)) if file.is_none() => file = Some(PathBuf::from(path)),
            ("get", Long("brand")) => brand = Some(parse_brand(&mut parser)?),
            (_, Long(option)) => {
                let option = option.to_owned();
                place.take(&mut parser, &option)?;
            }
            (_, other @ (Short(_) | Value(_))) => return Err(unexpected(other)),
        }
    }
    let act = match name.as_str() {
        "put" => Act::Put {
            file: file.ok_or(UsageError::Missing("the file with the brand's settings"))?,
        },
        "get" => Act::Get {
            brand: brand.ok_or(UsageError::Missing("--brand"))?,
        },
        _ => return Err(UsageError::UnknownAct("brands", name, ACTS)),
    };
    let place = place.place()?;
    Ok(Command::Brands(Brands { act, place }))
}

pub(super) async fn run(asked: Brands) -> Result<(), CommandError> {
    match asked.act {
        Act::Put { file } => {
            // Read and checked first: what is wrong with the file is said without asking for credentials.
            let (brand, settings) = read_brand(file)?;
            put(&asked.place.reach().await?, &brand, &settings).await
        }
        Act::Get { brand } => get(&asked.place.reach().await?, &brand).await,
    }
}

async fn put(reached: &Reached, brand: &Brand, settings: &BrandDocument) -> Result<(), CommandError> {
    reached.tables.put_brand(settings).await?;
    note(&format!("The settings of {} are stored.", brand.id));
    let Some((_, domain)) = brand.sender.as_sent().rsplit_once('@') else {
        return Ok(());
    };
    match &reached.data {
        Some(data) => {
            data.add_domain(domain)?;
            note(&format!("A stack that starts from now on lets {domain} send."));
        }
        None => note(&format!("SES sends for it once {domain} is a verified identity.")),
    }
    Ok(())
}

async fn get(reached: &Reached, brand: &BrandId) -> Result<(), CommandError> {
    let settings = reached.tables.brand_document(brand).await?;
    let settings = settings.ok_or_else(|| CommandError::UnknownBrand(brand.clone()))?;
    let written = serde_json::to_string_pretty(&settings).map_err(CommandError::Written)?;
    say(&written);
    Ok(())
}
