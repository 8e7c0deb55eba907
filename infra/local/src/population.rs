//! Synthetic customers in real French communes. Each is drawn from the seed and its own number alone, so that a
//! population of any size begins with the same people, and nobody in it exists.

use apropos_gazetteer::{AreaKind, Commune, Gazetteer};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// One synthetic customer, as a brand would send them.
pub struct SyntheticCustomer {
    /// The customer's id.
    pub id: String,
    /// The record for `POST /v1/customers`.
    pub record: Value,
    /// The events for `POST /v1/consents`.
    pub events: Vec<Value>,
    /// The address, if mail to it once bounced for good.
    pub bounced: Option<String>,
}

/// Draws customers.
pub struct Population {
    seed: u64,
    today: Timestamp,
    /// Running sums of the communes' inhabitants: the more people, the likelier.
    sums: Vec<u64>,
    communes: Vec<&'static Commune>,
}

impl Population {
    /// The population of a seed as of a day.
    #[must_use]
    pub fn new(seed: u64, today: Timestamp) -> Self {
        let communes: Vec<&'static Commune> = Gazetteer::french().communes().collect();
        let sums = communes
            .iter()
            .scan(0u64, |sum, commune| {
                *sum += u64::from(commune.population);
                Some(*sum)
            })
            .collect();
        Self {
            seed,
            today,
            sums,
            communes,
        }
    }

    /// The customer of a number.
    #[must_use]
    pub fn customer(&self, number: u32) -> SyntheticCustomer {
        let mut rng = Rng::with_seed(self.seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let id = format!("c{number:06}");
        let domain = pick(&mut rng, &["example.com", "example.net", "example.org"]);
        let address = format!("{id}@{domain}");
        let commune = self.commune(&mut rng);
        let mut record = Map::new();
        record.insert("customer".into(), json!(id));
        record.insert(
            "contact".into(),
            json!({"email": address, "language": if rng.u8(..100) < 85 { "fr" } else { "en" }, "time_zone": commune.map_or("Europe/Paris", |commune| commune.time_zone)}),
        );
        if let Some(commune) = commune.filter(|_| rng.u8(..100) < 94) {
            record.insert("home".into(), home(&mut rng, commune));
        }
        if rng.u8(..100) < 86 {
            record.insert(
                "facts".into(),
                dwelling(&mut rng, commune.map_or(AreaKind::Town, |commune| commune.area)),
            );
        }
        record.insert("interests".into(), json!(interests(&mut rng)));
        record.insert("purchases".into(), json!(self.purchases(&mut rng)));
        let days = i64::from(rng.u16(0..400));
        record.insert("last_activity".into(), json!(self.day(days)));
        let bounced = (rng.u8(..100) < 2).then_some(address);
        SyntheticCustomer {
            events: self.events(&mut rng, &id),
            id,
            record: Value::Object(record),
            bounced,
        }
    }

    fn commune(&self, rng: &mut Rng) -> Option<&'static Commune> {
        let total = *self.sums.last()?;
        let drawn = rng.u64(0..total.max(1));
        let position = self.sums.partition_point(|sum| *sum <= drawn);
        self.communes.get(position).copied()
    }

    fn at(&self, days_ago: i64) -> Timestamp {
        self.today - SignedDuration::from_hours(24 * days_ago)
    }

    fn day(&self, days_ago: i64) -> String {
        self.at(days_ago).to_string().chars().take(10).collect()
    }

    fn purchases(&self, rng: &mut Rng) -> Vec<Value> {
        let mut bought = Vec::new();
        let likely = [
            ("running-shoes", 18, 300),
            ("running-gear", 8, 500),
            ("lawnmower", 9, 2_500),
            ("plants-and-seeds", 14, 300),
            ("garden-tools", 10, 700),
            ("exhibition-tickets", 15, 400),
            ("books", 20, 300),
            ("christmas-decorations", 16, 380),
            ("christmas-tree-small", 5, 360),
        ];
        for (category, percent, days) in likely {
            if rng.u8(..100) < percent {
                bought.push(json!({"category": category, "on": self.day(rng.i64(1..days))}));
            }
        }
        bought
    }

    /// Most said yes; some took it back, some never confirmed, some only agreed for a time, some said no.
    fn events(&self, rng: &mut Rng, id: &str) -> Vec<Value> {
        let mut events = Events { id, list: Vec::new() };
        let joined = rng.i64(30..600);
        match rng.u8(..100) {
            0..=77 => events.add("email.offers", "grant", self.at(joined), None),
            78..=82 => {
                events.add("email.offers", "grant", self.at(joined), None);
                events.add("email.offers", "withdraw", self.at(joined / 2), None);
            }
            83..=86 => events.add("email.offers", "request", self.at(joined.min(6)), None),
            87..=90 => events.add("email.offers", "grant", self.at(joined), Some(self.at(joined / 3))),
            91..=94 => events.add("email.offers", "deny", self.at(joined), None),
            _ => {}
        }
        match rng.u8(..100) {
            0..=81 => events.add("profiling", "grant", self.at(joined), None),
            82..=89 => events.add("profiling", "deny", self.at(joined), None),
            90..=92 => {
                events.add("profiling", "grant", self.at(joined), None);
                events.add("no_profiling", "grant", self.at(joined / 2), None);
            }
            _ => {}
        }
        if rng.u8(..100) < 78 {
            events.add("home_location", "grant", self.at(joined), None);
        }
        if rng.u8(..100) < 35 {
            events.add("measurement", "grant", self.at(joined), None);
        }
        if rng.u8(..100) < 22 {
            events.add("sms.offers", "grant", self.at(joined), None);
        }
        if rng.u8(..100) < 12 {
            events.add("post.offers", "deny", self.at(joined), None);
        }
        if rng.u8(..100) < 1 {
            events.add("no_marketing", "grant", self.at(joined / 2), None);
        }
        events.list
    }
}

struct Events<'a> {
    id: &'a str,
    list: Vec<Value>,
}

impl Events<'_> {
    fn add(&mut self, purpose: &str, act: &str, at: Timestamp, until: Option<Timestamp>) {
        let mut evidence = json!({
            "affirmative_action": if act == "grant" || act == "request" { "ticked_box" } else { "pressed_button" },
            "method": "web_form",
            "source": "https://shop.example.com/account",
        });
        if let Value::Object(fields) = &mut evidence {
            let hash = "5f0c1ad7".repeat(8);
            let notice = json!({"id": "privacy", "version": "2026-03", "hash": hash, "language": "fr"});
            fields.insert("notice".into(), notice);
        }
        let mut event = json!({
            "customer": self.id,
            "event": format!("{}-{}", self.id, self.list.len() + 1),
            "purpose": purpose,
            "act": act,
            "effective_at": at.to_string(),
            "actor": "customer",
            "evidence": evidence,
        });
        if let (Some(until), Value::Object(fields)) = (until, &mut event) {
            fields.insert("expires_at".into(), json!(until.to_string()));
        }
        self.list.push(event);
    }
}

/// As brands know homes: a commune, a postcode, or a point somewhere in the commune.
fn home(rng: &mut Rng, commune: &Commune) -> Value {
    match (rng.u8(..10), commune.postcodes.first()) {
        (0..=1, _) => json!({"commune": commune.insee}),
        (2, Some(postcode)) => json!({"postcode": postcode}),
        _ => {
            // A degree of latitude is about 111 km; the square root spreads the points evenly over the disc.
            let far = rng.f64().sqrt() * f64::from(commune.radius_m) / 111_000.0;
            let angle = rng.f64() * std::f64::consts::TAU;
            let narrowing = commune.latitude.to_radians().cos().max(0.1);
            json!({
                "latitude": commune.latitude + far * angle.sin(),
                "longitude": commune.longitude + far * angle.cos() / narrowing,
            })
        }
    }
}

fn dwelling(rng: &mut Rng, area: AreaKind) -> Value {
    let flats = match area {
        AreaKind::DenseCity => 74,
        AreaKind::Town => 38,
        AreaKind::Country => 9,
    };
    let mut facts = Map::new();
    if rng.u8(..100) < flats {
        let floor = rng.i64(0..9);
        facts.insert("dwelling.kind".into(), json!("flat"));
        facts.insert("dwelling.floor".into(), json!(floor));
        facts.insert("dwelling.garden".into(), json!(floor == 0 && rng.u8(..100) < 30));
        facts.insert("dwelling.balcony".into(), json!(rng.u8(..100) < 45));
        if rng.u8(..100) < 88 {
            facts.insert(
                "dwelling.lift".into(),
                json!(rng.u8(..100) < if floor >= 4 { 76 } else { 38 }),
            );
        }
        if rng.u8(..100) < 70 {
            facts.insert(
                "dwelling.ceiling_height".into(),
                json!(pick(rng, &[24, 25, 25, 26, 28, 31, 34])),
            );
        }
    } else {
        facts.insert("dwelling.kind".into(), json!("house"));
        facts.insert("dwelling.floor".into(), json!(0));
        facts.insert("dwelling.garden".into(), json!(rng.u8(..100) < 91));
        if rng.u8(..100) < 60 {
            facts.insert(
                "dwelling.ceiling_height".into(),
                json!(pick(rng, &[24, 25, 26, 30, 35, 42])),
            );
        }
    }
    Value::Object(facts)
}

fn interests(rng: &mut Rng) -> Vec<&'static str> {
    let known = [
        "running-gear",
        "exhibition-tickets",
        "books",
        "lawnmower",
        "garden-furniture",
        "plants-and-seeds",
        "christmas-tree-3m",
        "christmas-decorations",
        "concert-tickets",
    ];
    let mut liked: Vec<&'static str> = Vec::new();
    for _ in 0..rng.u8(0..4) {
        let category = pick(rng, &known);
        if !liked.contains(&category) {
            liked.push(category);
        }
    }
    liked
}

/// One of a few; `T::default()` stands for an empty list, which none is.
fn pick<T: Copy + Default>(rng: &mut Rng, from: &[T]) -> T {
    from.get(rng.usize(0..from.len().max(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(seed: u64) -> Population {
        Population::new(seed, "2026-12-01T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_seed_gives_the_same_people_and_another_seed_others() {
        let record = |seed| population(seed).customer(42).record;
        assert_eq!(record(7), record(7));
        assert_ne!(record(7), record(8));
    }

    #[test]
    fn some_live_overseas_and_some_refuse_profiling() {
        let population = population(1);
        let people: Vec<SyntheticCustomer> = (0..500).map(|number| population.customer(number)).collect();
        assert!(
            people
                .iter()
                .any(|person| person.record["contact"]["time_zone"] != "Europe/Paris")
        );
        let refuses = |event: &Value| event["purpose"] == "profiling" && event["act"] == "deny";
        assert!(people.iter().any(|person| person.events.iter().any(refuses)));
        assert!(people.iter().any(|person| person.bounced.is_some()));
    }
}
