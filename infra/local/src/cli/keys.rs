//! `keys`: the API keys of a brand, made, listed and revoked by whoever runs the stack.

use apropos_aws::Revocation;
use apropos_core::api_key::{KeyId, KeyRecord, Scope, ScopeSet};
use apropos_core::ids::BrandId;
use jiff::Timestamp;
use lexopt::Arg::{Long, Short, Value};

use super::place::{Place, PlaceOptions, Reached, act_asked, text, unexpected};
use super::{Command, CommandError, UsageError, note, parse_brand, say};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    act: Act,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    Create {
        brand: BrandId,
        scopes: ScopeSet,
        expires_at: Option<Timestamp>,
    },
    List {
        brand: BrandId,
    },
    Revoke {
        id: KeyId,
    },
}

const ACTS: &str = "create, list or revoke";

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, "keys", ACTS)? else {
        return Ok(Command::Help);
    };
    let (mut place, mut brand, mut scopes, mut expires_at, mut id) = (PlaceOptions::default(), None, None, None, None);
    while let Some(argument) = parser.next()? {
        match (name.as_str(), argument) {
            (_, Long("help") | Short('h')) => return Ok(Command::Help),
            ("create" | "list", Long("brand")) => brand = Some(parse_brand(&mut parser)?),
            ("create", Long("scopes")) => scopes = Some(parse_scopes(&text(&mut parser)?)?),
            ("create", Long("expires")) => expires_at = Some(parse_time(&text(&mut parser)?)?),
            ("revoke", Value(given)) if id.is_none() => {
                // What is not an id may be a whole key: it is not repeated.
                let read = given.into_string().ok().and_then(|given| KeyId::new(given).ok());
                id = Some(read.ok_or(UsageError::KeyId)?);
            }
            (_, Long(option)) => {
                let option = option.to_owned();
                place.take(&mut parser, &option)?;
            }
            (_, other @ (Short(_) | Value(_))) => return Err(unexpected(other)),
        }
    }
    let act = match name.as_str() {
        "create" => Act::Create {
            brand: brand.ok_or(UsageError::Missing("--brand"))?,
            scopes: scopes.unwrap_or_else(ScopeSet::all),
            expires_at,
        },
        "list" => Act::List {
            brand: brand.ok_or(UsageError::Missing("--brand"))?,
        },
        "revoke" => Act::Revoke {
            id: id.ok_or(UsageError::Missing("the key's id"))?,
        },
        _ => return Err(UsageError::UnknownAct("keys", name, ACTS)),
    };
    let place = place.place()?;
    Ok(Command::Keys(Keys { act, place }))
}

fn parse_scopes(text: &str) -> Result<ScopeSet, UsageError> {
    text.split(',')
        .map(|name| {
            name.parse::<Scope>().map_err(|error| UsageError::Refused {
                option: "--scopes",
                problem: format!("has '{name}'; {error}"),
            })
        })
        .collect()
}

fn parse_time(text: &str) -> Result<Timestamp, UsageError> {
    text.parse().ok().ok_or_else(|| UsageError::Refused {
        option: "--expires",
        problem: "must be a time such as 2027-01-01T00:00:00Z".to_owned(),
    })
}

pub(super) async fn run(asked: Keys) -> Result<(), CommandError> {
    let reached = asked.place.reach().await?;
    match asked.act {
        Act::Create {
            brand,
            scopes,
            expires_at,
        } => create(&reached, &brand, scopes, expires_at).await,
        Act::List { brand } => list(&reached, &brand).await,
        Act::Revoke { id } => revoke(&reached, &id).await,
    }
}

/// The key goes to standard output, alone and this once, so that it can be led straight to where it is kept.
async fn create(
    reached: &Reached,
    brand: &BrandId,
    scopes: ScopeSet,
    expires_at: Option<Timestamp>,
) -> Result<(), CommandError> {
    if expires_at.is_some_and(|end| end <= reached.now) {
        return Err(CommandError::AlreadyExpired { now: reached.now });
    }
    if reached.tables.brand_document(brand).await?.is_none() {
        note(&format!("{brand} has no settings yet: store them with 'brands put'."));
    }
    let until = expires_at.map_or_else(|| "until it is revoked".to_owned(), |end| format!("until {end}"));
    let told = format!("for {scopes}, {until}. It is shown this once.");
    let key = reached
        .tables
        .mint_api_key(brand, scopes, expires_at, reached.now)
        .await?;
    note(&format!("Key {} of {brand}, {told}", key.id()));
    say(&key.reveal());
    Ok(())
}

async fn list(reached: &Reached, brand: &BrandId) -> Result<(), CommandError> {
    let keys = reached.tables.api_keys(brand).await?;
    if keys.is_empty() {
        note(&format!("{brand} has no keys."));
        return Ok(());
    }
    say("KEY           MADE                  LAST USED             STATE                         SCOPES");
    for (id, record) in keys {
        let used = record.last_used.map_or_else(|| "never".to_owned(), to_the_second);
        say(&format!(
            "{id}  {:<20}  {used:<20}  {:<28}  {}",
            to_the_second(record.created_at),
            state(&record, reached.now),
            record.scopes
        ));
    }
    Ok(())
}

fn state(record: &KeyRecord, now: Timestamp) -> String {
    match (record.revoked_at, record.expires_at) {
        (Some(since), _) => format!("revoked {}", to_the_second(since)),
        (None, Some(end)) if end <= now => format!("expired {}", to_the_second(end)),
        (None, Some(end)) => format!("until {}", to_the_second(end)),
        (None, None) => "valid".to_owned(),
    }
}

fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn revoke(reached: &Reached, id: &KeyId) -> Result<(), CommandError> {
    match reached.tables.revoke_api_key(id, reached.now).await? {
        Revocation::Done => {
            // On one machine each request is asked about anew.
            let within = if reached.data.is_some() {
                "at once"
            } else {
                "within 60 seconds"
            };
            note(&format!("Key {id} is revoked; this acts {within}."));
            Ok(())
        }
        Revocation::Already { since } => {
            note(&format!("Key {id} has been revoked since {}.", to_the_second(since)));
            Ok(())
        }
        Revocation::Unknown => Err(CommandError::UnknownKey(id.clone())),
    }
}
