//! A workload as plain columns: one file each of little-endian integers, beside `offers.json` with every constant,
//! `ties.bin` with what each tie says of each offer, and `expected.json` with what core judges of it.

use std::fs;
use std::path::Path;

use apropos_core::attribute::Fact;
use apropos_core::audience::{AudienceRecord, Tie};
use apropos_core::brand::TopicNumber;
use apropos_core::decision::judge;
use apropos_core::reason::Reason;
use apropos_core::relevance::Relevance;
use apropos_core::time::EpochDay;
use apropos_core::travel::Area;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::constants::{self, INTEREST};
use crate::population::TOPICS;
use crate::tally::Tally;
use crate::workload::Workload;

/// So many of the people at the beginning are tallied by themselves, for engines that would take minutes for all.
const SAMPLES: [usize; 4] = [500, 2_000, 10_000, 100_000];

/// Writes all of it into a directory of its own.
///
/// # Errors
/// When a file cannot be written, or the constants cannot say what an offer asks.
pub fn export(workload: &Workload, directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory)?;
    for (name, bytes) in of(&workload.population.records, workload.now)? {
        fs::write(directory.join(format!("{name}.bin")), bytes)?;
    }
    let ties: Vec<u8> = workload
        .proposals()
        .flat_map(|proposal| constants::ties(proposal, workload.now))
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(directory.join("ties.bin"), ties)?;
    fs::write(
        directory.join("offers.json"),
        serde_json::to_vec(&constants::of(workload)?)?,
    )?;
    fs::write(
        directory.join("expected.json"),
        serde_json::to_vec(&expected(workload))?,
    )?;
    Ok(())
}

/// By how many people were judged from the beginning.
fn expected(workload: &Workload) -> Value {
    let people = &workload.population;
    let sizes: Vec<usize> = SAMPLES
        .into_iter()
        .filter(|size| *size < people.records.len())
        .chain([people.records.len()])
        .collect();
    let mut tallies = vec![Tally::default(); sizes.len()];
    for proposal in workload.proposals() {
        for (position, (customer, record)) in people.customers.iter().zip(&people.records).enumerate() {
            let judged = judge(proposal, customer, record, workload.now);
            for (tally, size) in tallies.iter_mut().zip(&sizes) {
                if position < *size {
                    tally.add(&judged);
                }
            }
        }
    }
    let by_size: Map<String, Value> = sizes
        .iter()
        .zip(&tallies)
        .map(|(size, tally)| (size.to_string(), tally.to_json()))
        .collect();
    json!(by_size)
}

type Column = (String, Vec<u8>);

/// 0 stands for what is not known, unless the comment says otherwise.
fn of(records: &[AudienceRecord], now: Timestamp) -> Result<Vec<Column>, Failure> {
    let today = EpochDay::of(now);
    if records.iter().any(|record| record.current_place.is_some()) {
        return Err("the columns have no current place".into());
    }
    let most = records.iter().map(|record| record.ties.len()).max().unwrap_or(0).max(1);
    let column = |name: &str, bytes: &dyn Fn(&AudienceRecord, &mut Vec<u8>)| {
        let mut out = Vec::with_capacity(records.len());
        records.iter().for_each(|record| bytes(record, &mut out));
        (name.to_owned(), out)
    };
    let mut columns = vec![
        // Profiling, home, current place, measurement, from the lowest bit.
        column("purposes", &|record, out| out.push(record.hint.purposes)),
        column("no_marketing", &|record, out| {
            out.push(u8::from(record.hint.no_marketing));
        }),
        column("paused_until", &|record, out| {
            out.extend(record.hint.paused_until.to_le_bytes());
        }),
        column("heard_on", &|record, out| {
            out.extend(record.heard_on.map_or(0, |day| day.0).to_le_bytes());
        }),
        column("area", &|record, out| out.push(area(record.area))),
        column("lifecycle", &|record, out| out.push(record.lifecycle_on(today).byte())),
        column("reaction", &|record, out| out.push(record.reaction)),
        // 65 535 without one.
        column("threshold", &|record, out| {
            let own = record.threshold.map_or(u16::MAX, Relevance::basis_points);
            out.extend(own.to_le_bytes());
        }),
        column("good_hours", &|record, out| {
            out.push(constants::turned(record.good_hours, now))
        }),
        // As many a person as the most have; a category of 0 is no tie, nor is any after it.
        column("tie_category", &|record, out| {
            out.extend(ties(record).map(|[code, ..]| code).take(most))
        }),
        column("tie_month", &|record, out| {
            out.extend(ties(record).map(|[_, month, _]| month).take(most))
        }),
        column("tie_day", &|record, out| {
            out.extend(ties(record).map(|[.., day]| day).take(most))
        }),
    ];
    for (axis, name) in ["home_x", "home_y", "home_z"].into_iter().enumerate() {
        columns.push(column(name, &|record, out| {
            let components = record.home.map_or([0; 3], |home| home.components());
            out.extend(components.get(axis).copied().unwrap_or(0).to_le_bytes());
        }));
    }
    for number in (0..TOPICS).filter_map(TopicNumber::new) {
        columns.push(column(&format!("topic_{}", number.get()), &|record, out| {
            out.push(state(record.hint.topics.get(number)));
        }));
    }
    for (position, fact) in Fact::ALL.into_iter().enumerate() {
        // -128 is not known.
        columns.push(column(&format!("fact_{position}"), &|record, out| {
            let value = record.facts.get(fact).and_then(|value| i8::try_from(value).ok());
            out.extend(value.unwrap_or(i8::MIN).to_le_bytes());
        }));
    }
    Ok(columns)
}

fn area(area: Option<Area>) -> u8 {
    match area {
        None => 0,
        Some(Area::DenseCity) => 1,
        Some(Area::Town) => 2,
        Some(Area::Country) => 3,
    }
}

/// The position in `topic_states` of `offers.json`.
fn state(state: Result<(), Reason>) -> u8 {
    let reasons = [
        Err(Reason::NoConsent),
        Ok(()),
        Err(Reason::ConsentPending),
        Err(Reason::ConsentDenied),
        Err(Reason::ConsentWithdrawn),
    ];
    (0..)
        .zip(reasons)
        .find(|(_, each)| *each == state)
        .map_or(5, |(at, _)| at)
}

/// Category, month and day of each.
fn ties(record: &AudienceRecord) -> impl Iterator<Item = [u8; 3]> {
    let ties = record.ties.iter().map(|(category, tie)| match tie {
        Tie::Bought(on) => [category.code(), on.month(), on.day()],
        Tie::Interest => [category.code(), INTEREST, 0],
    });
    ties.chain(std::iter::repeat([0; 3]))
}
