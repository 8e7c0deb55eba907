//! What is proposed: offers and campaigns in the form in which a brand hands them in, read by core's own documents.

use apropos_core::attribute::Attribute;
use apropos_core::brand::Brand;
use apropos_core::campaign::Run;
use apropos_core::document::{BrandDocument, CampaignDocument, OfferDocument};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, from_value, json};

use crate::Failure;
use crate::population::{CATEGORIES, City, FLAGS, SOUTH_WEST, TOPICS, cities};
use crate::workload::{Proposed, SEED};

/// The brand, with four topics.
///
/// # Errors
/// When core refuses it.
pub fn brand() -> Result<Brand, Failure> {
    let topics: Vec<Value> = (0..TOPICS)
        .map(|number| json!({"id": topic(number), "number": number, "name": said("Sujet")}))
        .collect();
    let document: BrandDocument = from_value(json!({
        "id": "lumen",
        "name": "Atelier Lumière",
        "imprint": "Atelier Lumière, 12 rue des Arts, 69001 Lyon, France",
        "sender": "bonjour@lumen.example",
        "reply_to": "atelier@lumen.example",
        "list_domain": "lists.lumen.example",
        "topics": topics,
        "notice": {"id": "privacy", "version": "1", "hash": "ab".repeat(32), "language": "fr"}
    }))?;
    Ok(Brand::try_from(&document)?)
}

/// `W1`: running gear, worth 400 km, with two rules and the usual thresholds.
pub(crate) fn national(brand: &Brand, now: Timestamp) -> Result<Proposed, Failure> {
    let (south, west) = SOUTH_WEST;
    let document = json!({
        "category": "running-gear",
        "places": [place(0, south + 5_000_000, west + 5_000_000, &json!(400_000), &Value::Null, &every_day("10:00-19:00"))],
        "uses": uses(&["home", "purchases", "interests", "lifecycle", "reaction", "active_hours", "household.dog", "dwelling.cellar"]),
        "rules": [
            rule(0, &json!({"attribute": "household.dog", "is": false}), "exclude"),
            rule(1, &json!({"attribute": "dwelling.cellar", "is": false}), "neutral"),
        ],
        "window": {"from": "2026-11-01T00:00:00Z", "until": "2026-12-24T00:00:00Z"},
    });
    propose(brand, now, "w1", document, json!({"topic": topic(0), "goal": "retain"}))
}

/// `W1L`: an exhibition in the first city, worth 25 km, that closes for good at eleven that morning.
pub(crate) fn local(brand: &Brand, now: Timestamp) -> Result<Proposed, Failure> {
    let city = cities(SEED).first().copied().ok_or("there is no city")?;
    let document = json!({
        "category": "exhibition-tickets",
        "places": [place(0, city.latitude, city.longitude, &json!(25_000), &Value::Null, &every_day("09:00-11:00"))],
        "uses": uses(&["home", "purchases", "interests", "lifecycle", "reaction", "active_hours", "household.cat"]),
        "rules": [rule(0, &json!({"attribute": "household.cat", "is": false}), "exclude")],
        "window": {"from": "2026-11-01T00:00:00Z", "until": "2026-11-17T17:00:00Z"},
    });
    propose(
        brand,
        now,
        "w1l",
        document,
        json!({"topic": topic(1), "goal": "inform"}),
    )
}

/// `W1F`: nothing closes a gate: a radius beyond everybody, no rules, no thresholds, and a thing that may be had twice.
pub(crate) fn every_gate_open(brand: &Brand, now: Timestamp) -> Result<Proposed, Failure> {
    let (south, west) = SOUTH_WEST;
    let document = json!({
        "category": "exhibition-tickets",
        "places": [place(0, south + 5_000_000, west + 5_000_000, &json!(2_000_000), &Value::Null, &every_day("10:00-19:00"))],
        "uses": uses(&["home", "purchases", "interests", "lifecycle", "reaction", "active_hours"]),
        "window": {"from": "2026-11-01T00:00:00Z", "until": "2027-03-01T00:00:00Z"},
        "season": [10, 11, 12],
    });
    let campaign = json!({"topic": topic(0), "goal": "inform", "threshold_bp": 0, "minimum_evidence_bp": 0});
    propose(brand, now, "w1f", document, campaign)
}

/// `W2`: a hundred offers that differ in all that an offer may differ in.
pub(crate) fn mixed(brand: &Brand, now: Timestamp) -> Result<Vec<Proposed>, Failure> {
    let mut rng = Rng::with_seed(SEED ^ 0x0ff);
    let cities = cities(SEED);
    (0..100)
        .map(|number| {
            let (document, campaign) = mixed_one(&mut rng, &cities);
            propose(brand, now, &format!("w2-{number}"), document, campaign)
        })
        .collect()
}

fn mixed_one(rng: &mut Rng, cities: &[City]) -> (Value, Value) {
    let goal = pick(rng, &["acquire", "retain", "reactivate", "inform", "anticipate"]);
    let mut declared = vec!["home"];
    for (attribute, share) in [
        ("purchases", 80),
        ("interests", 80),
        ("lifecycle", 80),
        ("reaction", 70),
        ("active_hours", 50),
    ] {
        let always = attribute == "purchases" && goal == "anticipate";
        let from = Attribute::from_code(attribute).and_then(Attribute::follows_from);
        let may_be = from.is_none_or(|from| declared.contains(&from.code()));
        if (rng.u8(..100) < share && may_be) || always {
            declared.push(attribute);
        }
    }
    let rules: Vec<Value> = (0..rng.usize(..4))
        .map(|number| mixed_rule(rng, number, &mut declared))
        .collect();
    let is_placeless = rng.u8(..100) < 10;
    let count = if is_placeless { 0 } else { rng.usize(1..=3) };
    let places: Vec<Value> = (0..count).map(|at| mixed_place(rng, at, cities)).collect();
    let (from, until) = match rng.u8(..100) {
        0..3 => ("2026-11-18T00:00:00Z", "2026-12-01T00:00:00Z"),
        3..6 => ("2026-11-01T00:00:00Z", "2026-11-17T00:00:00Z"),
        6..30 => ("2026-11-01T00:00:00Z", "2026-11-17T16:00:00Z"),
        30..50 => ("2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z"),
        _ => ("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    };
    let mut document = json!({
        "category": pick(rng, &CATEGORIES),
        "places": places,
        "uses": uses(&declared),
        "rules": rules,
        "window": {"from": from, "until": until},
    });
    if let (true, Some(fields)) = (rng.u8(..100) < 30, document.as_object_mut()) {
        let first = rng.u8(1..=12);
        fields.insert("season".into(), json!([first, first % 12 + 1, (first + 1) % 12 + 1]));
    }
    let is_segment = rng.u8(..100) < 25 && declared.contains(&"lifecycle");
    let audience = if is_segment {
        json!({"lifecycle": ["new", "active", "lapsing"]})
    } else {
        json!("everyone")
    };
    let campaign = json!({
        "topic": topic(rng.u8(..TOPICS)), "goal": goal, "audience": audience,
        "threshold_bp": rng.u16(40..=65) * 100, "minimum_evidence_bp": rng.u16(20..=60) * 100,
    });
    (document, campaign)
}

fn mixed_place(rng: &mut Rng, at: usize, cities: &[City]) -> Value {
    let city = cities.get(rng.usize(..cities.len())).copied();
    let (latitude, longitude) = city.map_or(SOUTH_WEST, |city| (city.latitude, city.longitude));
    let radius = pick(rng, &[10_000u32, 25_000, 50_000, 100_000, 400_000]);
    let travel = match rng.u8(..2) {
        0 => Value::Null,
        _ => json!({"dense_city": radius / 2, "town": radius, "country": radius * 3 / 2}),
    };
    let hours = match rng.u8(..3) {
        0 => Value::Null,
        1 => every_day("09:00-12:00"),
        _ => every_day("10:30-19:00"),
    };
    place(
        at,
        latitude + rng.i32(-50_000..50_000),
        longitude + rng.i32(-50_000..50_000),
        &json!(radius),
        &travel,
        &hours,
    )
}

fn mixed_rule(rng: &mut Rng, number: usize, declared: &mut Vec<&'static str>) -> Value {
    let flag = |rng: &mut Rng| FLAGS.get(rng.usize(..FLAGS.len())).map_or("", |flag| flag.code());
    let (one, other) = (flag(rng), flag(rng));
    let (when, read) = match rng.u8(..5) {
        0 => (
            json!({"any": [
                {"attribute": "dwelling.kind", "is": "house"},
                {"attribute": "dwelling.lift", "is": true},
                {"attribute": "dwelling.floor", "at_most": 3}
            ]}),
            vec!["dwelling.kind", "dwelling.lift", "dwelling.floor"],
        ),
        1 => (
            json!({"all": [{"attribute": one, "is": false}, {"not": {"attribute": other, "is": true}}]}),
            vec![one, other],
        ),
        2 => (
            json!({"attribute": "household.size", "at_least": 2}),
            vec!["household.size"],
        ),
        _ => (json!({"attribute": one, "is": false}), vec![one]),
    };
    for attribute in read {
        if !declared.contains(&attribute) {
            declared.push(attribute);
        }
    }
    rule(number, &when, pick(rng, &["exclude", "neutral"]))
}

fn pick<T: Copy + Default>(rng: &mut Rng, values: &[T]) -> T {
    values.get(rng.usize(..values.len())).copied().unwrap_or_default()
}

fn propose(brand: &Brand, now: Timestamp, id: &str, document: Value, campaign: Value) -> Result<Proposed, Failure> {
    let (mut document, mut campaign) = (document, campaign);
    if let (Some(offer), Some(campaign)) = (document.as_object_mut(), campaign.as_object_mut()) {
        offer.insert("id".into(), json!(id));
        offer.insert("title".into(), said("Une offre"));
        offer.insert("text".into(), said("Une offre."));
        offer.insert("link".into(), json!("https://lumen.example/offre"));
        campaign.insert("id".into(), json!(id));
        campaign.insert("offer".into(), json!(id));
    }
    let offer: OfferDocument = from_value(document)?;
    let campaign: CampaignDocument = from_value(campaign)?;
    let (offer, campaign) = (offer.store(1)?.parse()?, campaign.parse(1)?);
    let run = Run::trial(&brand.id, &campaign.id, now)?;
    Ok(Proposed { offer, campaign, run })
}

fn place(at: usize, latitude: i32, longitude: i32, radius_m: &Value, travel_m: &Value, hours: &Value) -> Value {
    let mut place = json!({
        "id": format!("p{at}"), "name": "Un lieu",
        "latitude": f64::from(latitude) / 1e6, "longitude": f64::from(longitude) / 1e6, "radius_m": radius_m,
    });
    if let Some(fields) = place.as_object_mut() {
        for (name, value) in [("travel_m", travel_m), ("hours", hours)] {
            if !value.is_null() {
                fields.insert(name.into(), value.clone());
            }
        }
    }
    place
}

fn every_day(span: &str) -> Value {
    let mut hours = serde_json::Map::new();
    for day in [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ] {
        hours.insert(day.into(), json!([span]));
    }
    Value::Object(hours)
}

fn uses(attributes: &[&str]) -> Vec<Value> {
    attributes
        .iter()
        .map(|attribute| json!({"attribute": attribute, "because": said("Il le faut.")}))
        .collect()
}

fn rule(number: usize, when: &Value, unknown: &str) -> Value {
    json!({"name": format!("suits {number}"), "when": when, "unknown": unknown, "because": said("cela ne convient pas")})
}

fn said(text: &str) -> Value {
    json!({"fr": text, "en": text})
}

fn topic(number: u8) -> String {
    format!("topic-{number}")
}
