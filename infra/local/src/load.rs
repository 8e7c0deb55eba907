//! The load: campaigns for many customers through a stack of its own, measured against budgets.

mod figures;
mod item_size;
mod memory;
mod meter;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use apropos_aws::{Clock, Extra, random};
use apropos_core::brand::Brand;
use apropos_core::consent::ConsentEvent;
use apropos_core::document::{BrandDocument, ConsentEventDocument};
use apropos_core::standing::Standing;
use apropos_ingest_context::context_of;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::Instant;

use crate::cli::{say, say_on};
use crate::data_dir::hex;
use crate::http_client::HttpClient;
use crate::mail_service::SendQuota;
use crate::population::{Population, SyntheticCustomer};
use crate::stack::{Stack, StackError, StackSettings};
use crate::tour::{Load, Report, TourError, expect};

pub use figures::{Budget, Figures};
use figures::{Grown, Phase, Scored};
use memory::Memory;
pub(crate) use meter::Meter;

/// How much load is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many customers, spread over France as its inhabitants are.
    pub customers: u32,
    /// How many messages are to be sent.
    pub sends: u32,
    /// What the customers are made from.
    pub seed: u64,
    /// Print one JSON object a phase and one with the budgets.
    pub json: bool,
}

/// Why the load ended early.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The stack failed.
    #[error("the stack failed")]
    Stack(#[from] StackError),
    /// The API answered otherwise than expected.
    #[error("the API did not do as expected")]
    Api(#[from] TourError),
    /// Messages were left in the queues.
    #[error("the queues of {campaign} did not run empty")]
    Left {
        /// The campaign.
        campaign: &'static str,
    },
    /// No name could be made for the data.
    #[error("the directory of data could not be named")]
    Unnamed(#[source] apropos_aws::StoreError),
}

/// A Tuesday at ten in Paris: nobody there has quiet hours.
const START: Timestamp = Timestamp::constant(1_796_115_600, 0);

/// The messages a second that the account may send: faster than this machine sends them, so that the pace holds nothing up
/// and is taken all the same.
const RATE: u32 = 500;

/// How long what was handed back is waited for, on the stack's clock.
const HANDED_BACK_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How many live in one place for the full pages: more than a page holds.
const IN_ONE_PLACE: u32 = 10_000;

/// Loads, measures and prints; says whether every budget holds.
///
/// # Errors
/// [`LoadError`].
pub async fn run(options: LoadOptions) -> Result<bool, LoadError> {
    let figures = measure(options, |line| say_on(&mut io::stderr(), line)).await?;
    let printed = if options.json {
        figures.as_json()
    } else {
        figures.for_people()
    };
    say(printed.trim_end());
    Ok(figures.budgets().iter().all(Budget::holds))
}

/// Loads and measures; says on the way what it is at.
///
/// # Errors
/// [`LoadError`].
pub async fn measure(options: LoadOptions, mut at: impl FnMut(&str)) -> Result<Figures, LoadError> {
    let data = Scratch::new()?;
    let meter = Meter::default();
    let settings = StackSettings {
        port: None,
        // Rows are kept on disk, so that they do not count as memory.
        data: Some(data.0.clone()),
        outbox: None,
        clock: Clock::manual(START),
    };
    let stack = Stack::start_metered(settings, meter.clone()).await?;
    let brands = Brands {
        full: Party::open(&stack, "load-full").await?,
        france: Party::open(&stack, "load-france").await?,
        sends: Party::open(&stack, "load-sends").await?,
    };
    let population = Population::new(options.seed, START);
    let began = Instant::now();
    at(&format!(
        "filling an audience with {IN_ONE_PLACE} customers of one place"
    ));
    let people = (0..IN_ONE_PLACE).map(|number| of_one_place(population.customer(number)));
    brands.full.fill(&stack, people).await?;
    at(&format!(
        "filling an audience with {} customers of France",
        options.customers
    ));
    let people = (0..options.customers).map(|number| population.customer(number));
    brands.france.fill(&stack, people).await?;
    at(&format!(
        "loading {} customers who agree through the API",
        options.sends
    ));
    let people = (0..options.sends).map(|number| agreeing(of_one_place(population.customer(number))));
    brands.sends.load(&stack, people).await?;
    let loaded_in = began.elapsed();

    let measured = Measured {
        stack: &stack,
        meter: &meter,
    };
    at("scoring full pages");
    let full = measured.through(&brands.full, &WITHHOLDING).await?;
    at("scoring the whole of France");
    let whole = measured.through(&brands.france, &WITHHOLDING).await?;
    at("scoring 25 km around one place");
    let near = measured.through(&brands.france, &NEAR).await?;
    at("sending");
    stack.mails().set_quota(SendQuota {
        max_per_second: RATE,
        ..SendQuota::UNBOUNDED
    });
    let sending = measured.through(&brands.sends, &SENDING).await?;
    stack.stop().await?;
    Ok(Figures {
        options,
        filled: options.customers + IN_ONE_PLACE,
        loaded_in,
        full,
        whole,
        near,
        sending,
    })
}

struct Brands {
    full: Party,
    france: Party,
    sends: Party,
}

/// A brand with its key and a client of the API.
struct Party {
    brand: Brand,
    client: HttpClient,
    key: String,
}

/// What is launched for a brand.
struct Launch {
    campaign: &'static str,
    audience: &'static str,
    threshold_bp: u16,
    minimum_evidence_bp: u16,
}

/// Nearly nobody reaches the highest threshold.
const WITHHOLDING: Launch = Launch {
    campaign: "whole-audience",
    audience: "everyone",
    threshold_bp: 10_000,
    minimum_evidence_bp: 3_000,
};

const NEAR: Launch = Launch {
    campaign: "near-one-place",
    audience: "near_places",
    ..WITHHOLDING
};

const SENDING: Launch = Launch {
    campaign: "to-all-who-agree",
    audience: "everyone",
    threshold_bp: 0,
    minimum_evidence_bp: 0,
};

impl Party {
    async fn open(stack: &Stack, id: &'static str) -> Result<Self, LoadError> {
        let settings = json!({
            "id": id,
            "name": "Maison Claire",
            "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
            "sender": "bonjour@maison.example.com",
            "list_domain": "maison.example.com",
            "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
            "notice": {"id": "privacy", "version": "2026-03", "hash": "5f0c1ad7".repeat(8), "language": "fr"},
            "caps": [{"most": 2, "window_days": 7}],
        });
        let settings: BrandDocument = serde_json::from_value(settings).map_err(TourError::Form)?;
        let brand = Brand::try_from(&settings).ok().ok_or(TourError::Scenario)?;
        stack.put_brand(&settings).await?;
        let key = stack.create_key(&brand.id).await?;
        Ok(Self {
            brand,
            client: HttpClient::new(stack.url()),
            key,
        })
    }

    /// Writes the records that scoring reads, from the same contexts and consents that the API would take, in batches:
    /// through the API a hundred thousand customers take most of an hour.
    async fn fill(&self, stack: &Stack, people: impl Iterator<Item = SyntheticCustomer>) -> Result<(), LoadError> {
        let now = stack.clock().now();
        let mut cells: BTreeMap<String, u32> = BTreeMap::new();
        let mut people = people.peekable();
        while people.peek().is_some() {
            let some = people.by_ref().take(FILLED_AT_ONCE).map(|person| extra(&person, now));
            let some = some.collect::<Result<_, _>>()?;
            let tables = stack.tables();
            let filled = tables
                .fill_audience(&self.brand.id, &self.brand.topics, some, now)
                .await;
            for (cell, count) in filled.map_err(StackError::Tables)? {
                *cells.entry(cell).or_default() += count;
            }
        }
        for (cell, count) in cells {
            let listed = stack.tables().add_to_cell(&self.brand.id, &cell, count).await;
            listed.map_err(StackError::Tables)?;
        }
        Ok(())
    }

    /// Loads people as a brand would.
    async fn load(&self, stack: &Stack, people: impl Iterator<Item = SyntheticCustomer>) -> Result<(), LoadError> {
        // An address that bounced would take a candidate out of the sends, which is not what is measured.
        let people = people.map(|person| SyntheticCustomer {
            bounced: None,
            ..person
        });
        let load = Load {
            stack,
            client: &self.client,
            key: &self.key,
        };
        load.all(people, |_| ()).await?;
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<(), TourError> {
        let reply = self.client.post_json(path, &self.key, body).await?;
        expect::<Value>(path, &reply, &[201, 202])?;
        Ok(())
    }
}

const FILLED_AT_ONCE: usize = 1_000;

/// What scoring may know of a synthetic customer.
fn extra(person: &SyntheticCustomer, now: Timestamp) -> Result<Extra, TourError> {
    let record = serde_json::value::to_raw_value(&person.record)?;
    let (customer, context) = context_of(&record, now).ok().ok_or(TourError::Scenario)?;
    let mut standing = Standing::default();
    for (seq, event) in (1..).zip(&person.events) {
        let mut event = event.clone();
        if let Some(fields) = event.as_object_mut() {
            fields.remove("customer");
        }
        let document: ConsentEventDocument = serde_json::from_value(event)?;
        let event = ConsentEvent::try_from(&document).ok().ok_or(TourError::Scenario)?;
        standing.consents.record(&event, seq);
    }
    Ok(Extra {
        customer,
        context,
        standing,
    })
}

struct Measured<'a> {
    stack: &'a Stack,
    meter: &'a Meter,
}

impl Measured<'_> {
    /// Launches a campaign and works its queues empty. Measured are the launch and the queues.
    async fn through(&self, party: &Party, launch: &Launch) -> Result<Phase, LoadError> {
        party.post("/v1/offers", &offer(launch.campaign)).await?;
        party
            .post(
                "/v1/campaigns",
                &json!({
                    "id": launch.campaign, "offer": launch.campaign, "topic": "offers", "goal": "inform",
                    "audience": launch.audience, "threshold_bp": launch.threshold_bp,
                    "minimum_evidence_bp": launch.minimum_evidence_bp,
                }),
            )
            .await?;
        let path = format!("/v1/campaigns/{}", launch.campaign);
        self.meter.take();
        memory::forget_peak();
        let before = Memory::now();
        let began = Instant::now();
        party.post(&format!("{path}/launch"), &json!({})).await?;
        let planned = self.meter.take();
        let mut drained = self.stack.drain().await;
        let handed_back = drained.sends.left.delayed;
        if handed_back > 0 {
            drained = self.stack.release_due_until_idle(HANDED_BACK_FOR).await?.drained;
        }
        let took = began.elapsed();
        let worked = self.meter.take();
        let after = Memory::now();
        if !drained.is_clean() {
            return Err(LoadError::Left {
                campaign: launch.campaign,
            });
        }
        let reply = party
            .client
            .get_json(&path, &party.key)
            .await
            .map_err(TourError::Request)?;
        let report: Report = expect("the report", &reply, &[200])?;
        let scored = report.runs.first().map_or_else(Scored::default, |run| Scored {
            considered: run.considered,
            sent: run.sent,
            withheld: run.withheld.values().sum(),
        });
        Ok(Phase {
            campaign: launch.campaign,
            scored,
            handed_back,
            busiest: self.stack.mails().busiest_second(),
            refused: self.stack.mails().refused_count(),
            took,
            planned,
            worked,
            grown: before.zip(after).map(|(before, after)| Grown {
                own: after.own_peak().saturating_sub(before.own()),
                mapped: after.files.saturating_sub(before.files),
            }),
            peak: after.map(|after| after.peak),
        })
    }
}

/// Plants, 25 km around a town of the middle of France.
fn offer(id: &str) -> Value {
    let because = json!({"fr": "pour savoir si le jardin vous plaît", "en": "to know whether you like gardening"});
    let home = json!({"fr": "pour ne parler que de ce qui est près", "en": "to tell only of what is near"});
    json!({
        "id": id,
        "title": {"fr": "Plantes et graines", "en": "Plants and seeds"},
        "text": {"fr": "De quoi planter cet hiver.", "en": "All you need to plant this winter."},
        "link": "https://maison.example.com/plantes",
        "category": "plants-and-seeds",
        "places": [{"id": "limoges", "name": "Limoges", "latitude": 45.8336, "longitude": 1.2611, "radius_m": 25_000}],
        "uses": [{"attribute": "interests", "because": because}, {"attribute": "home", "because": home}],
        "window": {"from": "2026-11-20T00:00:00Z", "until": "2026-12-31T23:00:00Z"},
    })
}

/// The same person, living in Limoges.
fn of_one_place(mut person: SyntheticCustomer) -> SyntheticCustomer {
    if let Some(record) = person.record.as_object_mut() {
        record.insert("home".into(), json!({"commune": "87085"}));
        if let Some(contact) = record.get_mut("contact").and_then(Value::as_object_mut) {
            contact.insert("time_zone".into(), json!("Europe/Paris"));
        }
    }
    person
}

/// The same person, who agreed to all that an offer by e-mail takes and refused nothing.
fn agreeing(mut person: SyntheticCustomer) -> SyntheticCustomer {
    person.events = ["email.offers", "profiling", "home_location"]
        .into_iter()
        .map(|purpose| {
            json!({
                "customer": person.id,
                "event": format!("{}-{}", person.id, purpose.replace('.', "-")),
                "purpose": purpose,
                "act": "grant",
                "effective_at": "2026-10-01T09:00:00Z",
                "actor": "customer",
                "evidence": {
                    "affirmative_action": "ticked_box",
                    "method": "web_form",
                    "source": "https://shop.example.com/account",
                    "notice": {"id": "privacy", "version": "2026-03", "hash": "5f0c1ad7".repeat(8), "language": "fr"},
                },
            })
        })
        .collect();
    person
}

/// A directory that goes with the run.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, LoadError> {
        let name = random::<4>().map_err(LoadError::Unnamed)?;
        Ok(Self(std::env::temp_dir().join(format!("apropos-load-{}", hex(&name)))))
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(self) {
            tracing::warn!(%error, "the directory of data was left behind");
        }
    }
}
