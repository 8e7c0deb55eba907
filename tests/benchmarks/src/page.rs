//! What the benchmark of a page (`page.py`) serves and checks with: a page of stored records, and the constants of the offer
//! that they are judged about.

use std::fs;
use std::path::Path;

use apropos_core::brand::Brand;
use apropos_core::campaign::Run;
use apropos_core::document::{BrandDocument, CampaignDocument, OfferDocument};
use apropos_core::relevance::MODEL_VERSION;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, from_str, json};

use crate::Failure;
use crate::constants;
use crate::population::{Openness, Population};
use crate::workload::{Name, Proposed, SEED, Workload};

/// As many as the function takes at once.
const PEOPLE: usize = 8_000;

const ITEMS: &str = include_str!("../page/items.json");
const OFFER: &str = include_str!("../page/offer.json");

/// Writes `records.bin`, each record after its length in one byte, and `model.json`. The offer is in force for a month
/// around the time, whatever its document says.
///
/// # Errors
/// When a file cannot be written, or core refuses what is proposed.
pub fn write(directory: &Path, now: Timestamp) -> Result<(), Failure> {
    let workload = workload(now)?;
    let mut records = Vec::new();
    for record in &workload.population.records {
        let bytes = record.to_bytes();
        records.push(u8::try_from(bytes.len())?);
        records.extend(bytes);
    }
    fs::write(directory.join("records.bin"), records)?;
    let mut model = constants::of(&workload)?;
    if let (Some(model), Some(proposal)) = (model.as_object_mut(), workload.proposals().next()) {
        model.insert("version".into(), json!(MODEL_VERSION));
        model.insert("ties".into(), json!(constants::ties(proposal, now)));
    }
    fs::write(directory.join("model.json"), model.to_string())?;
    Ok(())
}

fn workload(now: Timestamp) -> Result<Workload, Failure> {
    let brand: BrandDocument = from_str(&stored("brands", "maison")?)?;
    let brand = Brand::try_from(&brand)?;
    let campaign: CampaignDocument = from_str(&stored("campaigns", "maison#campaigns")?)?;
    let campaign = campaign.parse(1)?;
    let mut offer: Value = from_str(OFFER)?;
    if let Some(fields) = offer.as_object_mut() {
        let day = SignedDuration::from_hours(24);
        let (from, until) = (now.checked_sub(day)?, now.checked_add(day * 30)?);
        fields.insert(
            "window".into(),
            json!({ "from": from.to_string(), "until": until.to_string() }),
        );
    }
    let offer: OfferDocument = serde_json::from_value(offer)?;
    let offer = offer.store(1)?.parse()?;
    let run = Run::trial(&brand.id, &campaign.id, now)?;
    Ok(Workload {
        name: Name::W1,
        brand,
        population: Population::generate(SEED, PEOPLE, Openness::AsTheyAre, now)?,
        proposed: vec![Proposed { offer, campaign, run }],
        now,
    })
}

/// The document of an item that the benchmark serves.
fn stored(table: &str, key: &str) -> Result<String, Failure> {
    let items: Value = from_str(ITEMS)?;
    let is_it = |held: &&Value| {
        held.get("table").is_some_and(|name| name == table) && held.pointer("/item/pk/S").is_some_and(|pk| pk == key)
    };
    let item = items.as_array().and_then(|items| items.iter().find(is_it));
    let document = item
        .and_then(|item| item.pointer("/item/doc/S"))
        .and_then(Value::as_str);
    Ok(document.ok_or("items.json lacks an item")?.to_owned())
}
