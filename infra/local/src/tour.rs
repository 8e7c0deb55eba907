//! The demonstration's tour: load the brands through the API, take each campaign through, and ask for its figures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use apropos_core::email::EmailAddress;
use apropos_core::ids::BrandId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::http_client::{HttpClient, Reply, RequestError};
use crate::population::{Population, SyntheticCustomer};
use crate::scenario::{DemoBrand, DemoCampaign, brands};
use crate::stack::{Stack, StackError};

/// Why the tour ended early.
#[derive(Debug, Error)]
pub enum TourError {
    /// The stack failed.
    #[error("the stack failed")]
    Stack(#[from] StackError),
    /// The API did not answer.
    #[error("the API did not answer")]
    Request(#[from] RequestError),
    /// The API answered otherwise than the tour expects.
    #[error("{what} was answered with {status}: {body}")]
    Unexpected {
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
        /// The answer, which is about synthetic customers.
        body: String,
    },
    /// A document of the scenario or an answer is not of the form expected.
    #[error("a document is not of the form expected")]
    Form(#[from] serde_json::Error),
    /// The scenario has an id or an address that is refused.
    #[error("the scenario has a value that is refused")]
    Scenario,
    /// Something stayed due after its time.
    #[error("something stayed due after its time")]
    Stuck,
}

/// One campaign's figures, with three decisions in plain words.
#[derive(Debug)]
pub struct CampaignOutcome {
    /// The brand's id.
    pub brand: String,
    /// The campaign's id.
    pub campaign: String,
    /// What it is.
    pub about: &'static str,
    /// How many were considered.
    pub considered: u64,
    /// How many SES took a message for.
    pub sent: u64,
    /// How many were withheld, by reason.
    pub withheld: BTreeMap<String, u64>,
    /// One sent and two withheld, explained: customer and sentence.
    pub examples: Vec<(String, String)>,
    /// Where its mails are.
    pub outbox: PathBuf,
}

/// What the tour leaves behind.
#[derive(Debug)]
pub struct Toured {
    /// How many customers and consent events were loaded.
    pub customers: u32,
    /// How many consent events.
    pub events: u64,
    /// A key of each brand, for whoever goes on by hand.
    pub keys: Vec<(String, String)>,
    /// The campaigns, in the order they were launched.
    pub campaigns: Vec<CampaignOutcome>,
}

/// The time within which deferred messages are waited for: a campaign's quiet hours end within a day, Sundays within two.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);

/// How many customers go in one request, and how many events at most.
const CUSTOMERS_A_REQUEST: usize = 100;
const EVENTS_A_REQUEST: usize = 200;

/// Loads and launches everything.
///
/// # Errors
/// [`TourError`].
pub async fn tour(stack: &Stack, customers: u32, seed: u64, start: Timestamp) -> Result<Toured, TourError> {
    let client = HttpClient::new(stack.url());
    let population = Population::new(seed, start);
    let brands = brands();
    let progress = Progress::start(u64::from(customers));
    let mut toured = Toured {
        customers,
        events: 0,
        keys: Vec::new(),
        campaigns: Vec::new(),
    };
    for brand in &brands {
        let id = BrandId::new(brand.id()).ok().ok_or(TourError::Scenario)?;
        stack.put_brand(&brand.document()?).await?;
        toured.keys.push((brand.id().to_owned(), stack.create_key(&id).await?));
    }
    let mut loaded = 0;
    let shares = shares(&brands, customers);
    for (numbers, (_, key)) in shares.iter().zip(&toured.keys) {
        let people = numbers.clone().map(|number| population.customer(number));
        let load = Load {
            stack,
            client: &client,
            key,
        };
        toured.events += load
            .all(people, |count| {
                loaded += count;
                progress.at(loaded, "customers and their consents");
            })
            .await?;
    }
    progress.end();
    for ((brand, numbers), (_, key)) in brands.iter().zip(&shares).zip(&toured.keys) {
        for campaign in &brand.campaigns {
            let launch = Launch {
                stack,
                client: &client,
                key,
                brand,
                numbers: numbers.clone(),
            };
            toured.campaigns.push(launch.through(campaign).await?);
        }
    }
    Ok(toured)
}

/// Whose customers have which numbers: the brands' shares, one after the other, the last takes what is left.
fn shares(brands: &[DemoBrand], customers: u32) -> Vec<Range<u32>> {
    let mut first = 0;
    brands
        .iter()
        .enumerate()
        .map(|(position, brand)| {
            let part = u32::try_from(u64::from(customers) * u64::from(brand.share) / 100).unwrap_or(customers);
            let last = if position + 1 == brands.len() {
                customers
            } else {
                customers.min(first + part)
            };
            let numbers = first..last;
            first = last;
            numbers
        })
        .collect()
}

/// Loads the customers of the brand that a key is of.
pub(crate) struct Load<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) client: &'a HttpClient,
    pub(crate) key: &'a str,
}

impl Load<'_> {
    /// Loads customers and their consents as a brand would, through the API, and says after each request how many more
    /// are there.
    pub(crate) async fn all(
        &self,
        people: impl Iterator<Item = SyntheticCustomer>,
        mut loaded: impl FnMut(u64),
    ) -> Result<u64, TourError> {
        let mut events = 0;
        let mut people = people.peekable();
        while people.peek().is_some() {
            let chunk: Vec<SyntheticCustomer> = people.by_ref().take(CUSTOMERS_A_REQUEST).collect();
            let records: Vec<&Value> = chunk.iter().map(|person| &person.record).collect();
            self.post("/v1/customers", &json!({"customers": records})).await?;
            let all: Vec<&Value> = chunk.iter().flat_map(|person| &person.events).collect();
            for part in all.chunks(EVENTS_A_REQUEST) {
                self.post("/v1/consents", &json!({"events": part})).await?;
                events += u64::try_from(part.len()).unwrap_or(0);
            }
            for address in chunk.iter().filter_map(|person| person.bounced.as_deref()) {
                let address = EmailAddress::parse(address).ok().ok_or(TourError::Scenario)?;
                self.stack.mark_undeliverable(&address).await?;
            }
            loaded(u64::try_from(chunk.len()).unwrap_or(0));
        }
        Ok(events)
    }

    /// A batch answers each record by itself, so one that was refused shows only in the counts.
    async fn post(&self, path: &str, body: &Value) -> Result<(), TourError> {
        let reply = self.client.post_json(path, self.key, body).await?;
        let answer: Value = expect(path, &reply, &[200])?;
        if answer.get("refused").and_then(Value::as_u64).unwrap_or(0) > 0 {
            return Err(unexpected(path, &reply));
        }
        Ok(())
    }
}

struct Launch<'a> {
    stack: &'a Stack,
    client: &'a HttpClient,
    key: &'a str,
    brand: &'a DemoBrand,
    /// The numbers of its customers.
    numbers: Range<u32>,
}

/// What a campaign's report says of its runs.
#[derive(Deserialize)]
pub(crate) struct Report {
    pub(crate) runs: Vec<RunReport>,
}

#[derive(Deserialize)]
pub(crate) struct RunReport {
    pub(crate) considered: u64,
    pub(crate) sent: u64,
    pub(crate) withheld: BTreeMap<String, u64>,
    open: u64,
    queued: u64,
}

#[derive(Deserialize)]
struct Decision {
    outcome: String,
    #[serde(default)]
    reason: Option<String>,
    explanation: BTreeMap<String, String>,
}

impl Launch<'_> {
    /// Creates the offer and the campaign unless an earlier run of the demonstration did, launches, lets time pass until
    /// nothing is due, and asks for the report.
    async fn through(&self, campaign: &DemoCampaign) -> Result<CampaignOutcome, TourError> {
        let path = format!("/v1/campaigns/{}", campaign.id());
        let known = self.client.get_json(&path, self.key).await?.status == 200;
        if !known {
            let offer = self.client.post_json("/v1/offers", self.key, &campaign.offer).await?;
            expect::<Value>("the offer", &offer, &[201])?;
            let created = self
                .client
                .post_json("/v1/campaigns", self.key, &campaign.campaign)
                .await?;
            expect::<Value>("the campaign", &created, &[201])?;
        }
        let launched = self
            .client
            .post_json(&format!("{path}/launch"), self.key, &json!({}))
            .await?;
        expect::<Value>("the launch", &launched, &[200, 202])?;
        self.stack.drain().await;
        if self.stack.release_due_until_idle(PATIENCE).await?.stuck {
            return Err(TourError::Stuck);
        }
        let reply = self.client.get_json(&path, self.key).await?;
        let report: Report = expect("the report", &reply, &[200])?;
        let run = report
            .runs
            .into_iter()
            .next()
            .ok_or_else(|| unexpected("the report", &reply))?;
        if run.open + run.queued > 0 {
            return Err(unexpected("the report", &reply));
        }
        Ok(CampaignOutcome {
            brand: self.brand.id().to_owned(),
            campaign: campaign.id().to_owned(),
            about: campaign.about,
            considered: run.considered,
            sent: run.sent,
            examples: self.examples(campaign, run.considered, &run.withheld).await?,
            withheld: run.withheld,
            outbox: self
                .stack
                .outbox()
                .map(|outbox| outbox.join(campaign.id()))
                .unwrap_or_default(),
        })
    }

    /// One that was sent, and two that were withheld for the reasons that say most about this campaign.
    async fn examples(
        &self,
        campaign: &DemoCampaign,
        considered: u64,
        withheld: &BTreeMap<String, u64>,
    ) -> Result<Vec<(String, String)>, TourError> {
        let is_common = |reason: &&str| withheld.get(*reason).is_some_and(|count| count * 50 >= considered);
        let mut wanted: Vec<&str> = TELLING.into_iter().filter(is_common).take(2).collect();
        let mut sent = None;
        let mut spared = Vec::new();
        for customer in self.some_customers(campaign) {
            if sent.is_some() && wanted.is_empty() {
                break;
            }
            let path = format!("/v1/campaigns/{}/decisions/{customer}", campaign.id());
            let reply = self.client.get_json(&path, self.key).await?;
            if reply.status == 404 {
                continue;
            }
            let decision: Decision = expect("a decision", &reply, &[200])?;
            let sentence = decision.explanation.get("en").cloned().unwrap_or_default();
            if decision.outcome == "sent" && sent.is_none() {
                sent = Some((customer, sentence));
            } else if let Some(position) = wanted
                .iter()
                .position(|reason| decision.reason.as_deref() == Some(*reason))
            {
                wanted.remove(position);
                spared.push((customer, sentence));
            }
        }
        Ok(sent.into_iter().chain(spared).collect())
    }

    /// The first who was written to, then the brand's first customers: enough to find examples among.
    fn some_customers(&self, campaign: &DemoCampaign) -> Vec<String> {
        let mut written: Vec<String> = self
            .stack
            .mails()
            .accepted()
            .iter()
            .filter(|mail| mail.tag("campaign") == Some(campaign.id()))
            .filter_map(|mail| mail.to.split('@').next().map(str::to_owned))
            .collect();
        written.sort();
        written.truncate(1);
        written.extend(
            self.numbers
                .clone()
                .take(MOST_ASKED)
                .map(|number| format!("c{number:06}")),
        );
        written
    }
}

/// How many decisions are asked for at most, to find examples.
const MOST_ASKED: usize = 300;

/// The reasons that say most about a campaign come first.
const TELLING: [&str; 9] = [
    "unsuitable",
    "too_far",
    "cap_reached",
    "consent_withdrawn",
    "already_has",
    "no_reason_to_write",
    "below_threshold",
    "no_consent",
    "too_little_known",
];

/// The answer's document, if its status is one of these.
pub(crate) fn expect<T: serde::de::DeserializeOwned>(
    what: &str,
    reply: &Reply,
    statuses: &[u16],
) -> Result<T, TourError> {
    if statuses.contains(&reply.status.as_u16()) {
        Ok(reply.json()?)
    } else {
        Err(unexpected(what, reply))
    }
}

fn unexpected(what: &str, reply: &Reply) -> TourError {
    let body: String = reply.text().chars().take(600).collect();
    TourError::Unexpected {
        what: what.to_owned(),
        status: reply.status.as_u16(),
        body,
    }
}

/// A bar on a terminal, a plain line every tenth elsewhere; on standard error, where it disturbs no output.
struct Progress {
    bar: ProgressBar,
    total: u64,
    said: std::cell::Cell<u64>,
}

impl Progress {
    fn start(total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:<30} {bar:30} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        Self {
            bar,
            total,
            said: std::cell::Cell::new(0),
        }
    }

    fn at(&self, done: u64, what: &'static str) {
        self.bar.set_message(what);
        self.bar.set_position(done);
        let tenth = done * 10 / self.total.max(1);
        if self.bar.is_hidden() && tenth > self.said.get() {
            self.said.set(tenth);
            crate::cli::say_on(&mut std::io::stderr(), &format!("{what}: {done} of {}", self.total));
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
