//! The pace under load: 1 to 50 senders of one account, each with the real handler over the real adapters and SDK, on a
//! clock and a network of ours. What arrives at SES is counted.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use apropos_aws::{Clock, DeadLetters, Deadline, Mailer, Pacer, Queue, Tables, behavior};
use apropos_core::document::BrandDocument;
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;
use apropos_local::mail_service::{AccountStatus, MailService, MailSettings, RefusalKind, SendAnswer, SendQuota};
use apropos_local::queue_service::QueueService;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_types::SdkConfig;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::actors::batch;
use crate::fault::mixed;
use crate::kernel::{Kernel, Time};
use crate::network::{START, mail_refusal, named, parsed, response};
use crate::stage::{StageError, consent, create, dead_letters, offer, request, settings, unfit, with};
use crate::store::{Reply, Store};
use crate::world::BRAND;

/// What one sender sends in a second when nothing holds it. Less than it does, so that whoever could reach a rate is asked
/// to.
const OWN_SPEED: u32 = 40;

/// Until the senders are at full speed, in milliseconds.
const WARM_UP: i64 = 3_000;

/// Candidates a message, as scoring queues them, and messages an invocation, as in the template.
const A_MESSAGE: usize = 20;
const AN_INVOCATION: usize = 10;

/// Seconds after which Lambda ends an invocation.
const INVOCATION_ENDS: i64 = 75;

/// The longest that a world with a disturbance may take to send everything, in milliseconds.
const AT_THE_LATEST: i64 = 3 * 3_600_000;

/// What goes wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing, and there is more to send than there is time for.
    None,
    /// One sender in three has a clock five minutes ahead, one five minutes behind.
    ClocksApart,
    /// SES says *too fast* for a while.
    Throttled,
    /// SES pauses the account for two minutes.
    Paused,
    /// One answer in twenty of SES, of the queue and about the pace is lost on its way back.
    AnswersLost,
}

/// One world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// How many send.
    pub senders: u32,
    /// How many messages a second the account may send.
    pub rate: u32,
    /// What goes wrong.
    pub disturbance: Disturbance,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The world.
    pub world: World,
    /// Messages that SES took.
    pub sent: usize,
    /// The most that came to SES in any second, taken or not.
    pub busiest: usize,
    /// Thousandths of the rate that were used once everybody was at full speed.
    pub used: u64,
    /// How often SES said *too fast*.
    pub throttled: u32,
    /// Messages of the queue that were handed back.
    pub handed_back: u32,
    /// Writes of leases for a thousand messages sent.
    pub leases: u64,
    /// Candidates that were to be sent to and were not, were sent to twice, or lie among the dead letters.
    pub amiss: usize,
}

impl Measured {
    /// Whether the rate was kept, used, and nobody lost.
    #[must_use]
    pub const fn holds(&self) -> bool {
        let World {
            senders,
            rate,
            disturbance,
        } = self.world;
        let must_use = matches!(disturbance, Disturbance::None) && senders * OWN_SPEED >= rate;
        self.within_rate() && self.amiss == 0 && self.sent > 0 && (!must_use || self.used >= 950)
    }

    #[expect(clippy::as_conversions, reason = "widening in a constant function")]
    const fn within_rate(&self) -> bool {
        self.busiest <= self.world.rate as usize
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World {
            senders,
            rate,
            disturbance,
        } = self.world;
        write!(
            f,
            "{senders:>7} {rate:>5} {:>8} {:>3}.{} % {:>9} {:>11} {:>3}.{:03} {:>6} {:>6}  {}{}",
            self.busiest,
            self.used / 10,
            self.used % 10,
            self.throttled,
            self.handed_back,
            self.leases / 1_000,
            self.leases % 1_000,
            self.sent,
            self.amiss,
            match disturbance {
                Disturbance::None => "",
                Disturbance::ClocksApart => "clocks apart",
                Disturbance::Throttled => "throttled",
                Disturbance::Paused => "paused",
                Disturbance::AnswersLost => "answers lost",
            },
            if self.holds() { "" } else { "  DOES NOT HOLD" }
        )
    }
}

/// What stands above the lines of a table.
pub const HEADER: &str = "senders  rate  busiest    used throttled handed back  leases   sent  amiss\n                second                            a send";

/// All worlds of the table.
#[must_use]
pub fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    let mut add = |rate, disturbance, senders: &[u32]| {
        worlds.extend(senders.iter().map(|senders| World {
            senders: *senders,
            rate,
            disturbance,
        }));
    };
    for rate in [1, 14, 100] {
        add(rate, Disturbance::None, &[1, 2, 5, 10, 25, 50]);
    }
    add(14, Disturbance::ClocksApart, &[3, 12]);
    for disturbance in [Disturbance::Throttled, Disturbance::Paused, Disturbance::AnswersLost] {
        add(14, disturbance, &[1, 10]);
        add(100, disturbance, &[10, 50]);
    }
    worlds
}

/// Where worlds are run: a brand with a campaign that is launched, and people who said yes.
pub struct Account {
    store: Arc<Mutex<Store>>,
    people: usize,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("people", &self.people)
            .finish_non_exhaustive()
    }
}

fn name(number: usize) -> String {
    format!("p-{number}")
}

impl Account {
    /// With so many people: the most that a world may send to.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn new(people: usize) -> Result<Self, StageError> {
        let account = Self {
            store: Arc::new(Mutex::new(Store::new()?)),
            people,
        };
        account.set_up()?;
        account.store().keep()?;
        Ok(account)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self) -> Result<(), StageError> {
        let world = World {
            senders: 0,
            rate: 1,
            disturbance: Disturbance::None,
        };
        let time = Time::default();
        let network = Arc::new(Network::new(world, &time, Arc::clone(&self.store))?);
        let sdk = network.sdk(None, &time);
        let tables = Tables::new(aws_sdk_dynamodb::Client::new(&sdk), crate::network::PREFIX);
        let clock = Clock::manual(START);
        let queue = || aws_sdk_sqs::Client::new(&sdk);
        let context = apropos_ingest_context::Handler::new(tables.clone(), clock.clone(), pepper()?);
        let consents =
            apropos_ingest_consents::Handler::new(tables.clone(), clock.clone(), Queue::new(queue(), url("sends")));
        let campaigns = apropos_run_campaigns::Handler::new(
            tables.clone(),
            clock,
            Queue::new(queue(), url("pages")),
            Queue::new(queue(), url("sends")),
        );
        let brand: BrandDocument = serde_json::from_value(settings(BRAND)).map_err(unfit)?;
        let people = self.people;
        let mut kernel = Kernel::new(time);
        kernel
            .block_on(async move {
                tables.create_missing().await?;
                tables.put_brand(&brand).await?;
                let numbers: Vec<usize> = (0..people).collect();
                let mut answers = Vec::new();
                for some in numbers.chunks(50) {
                    let people: Vec<Value> = some.iter().map(|number| person(&name(*number))).collect();
                    let said: Vec<Value> = some
                        .iter()
                        .map(|number| consent(&name(*number), "yes", "grant", "customer", "2026-11-02T10:00:00Z"))
                        .collect();
                    let people = request(BRAND, "POST", "/v1/customers", &json!({ "customers": people }))?;
                    let said = request(BRAND, "POST", "/v1/consents", &json!({ "events": said }))?;
                    answers.extend([context.http(&people).await, consents.http(&said).await]);
                }
                for (path, body) in [
                    ("/v1/offers", offer(BRAND)),
                    ("/v1/campaigns", campaign()),
                    ("/v1/campaigns/sale/launch", json!({})),
                ] {
                    answers.push(Box::pin(campaigns.http(&request(BRAND, "POST", path, &body)?)).await);
                }
                match answers.iter().find(|answer| !(200..300).contains(&answer.status_code)) {
                    Some(answer) => Err(unfit(format!("{} {:?}", answer.status_code, answer.body))),
                    None => Ok(()),
                }
            })
            .ok_or_else(|| unfit("setting up never ended"))?
    }

    /// How many people a world sends to; where nothing is to be left over, few enough that everybody is.
    fn candidates(world: World) -> usize {
        let seconds = i64::from(world.rate) * seconds(world);
        let all = usize::try_from(seconds).unwrap_or(0);
        match world.disturbance {
            // Enough for every sender, too.
            Disturbance::None | Disturbance::ClocksApart => {
                let senders = usize::try_from(world.senders).unwrap_or(0);
                (all + all / 10 + A_MESSAGE).max(senders * A_MESSAGE * 3 / 2)
            }
            Disturbance::Throttled | Disturbance::Paused | Disturbance::AnswersLost => all / 2,
        }
    }

    /// The most people that any of these worlds sends to.
    #[must_use]
    pub fn people_for(worlds: &[World]) -> usize {
        worlds.iter().map(|world| Self::candidates(*world)).max().unwrap_or(0)
    }

    /// Lets a world run.
    ///
    /// # Errors
    /// [`StageError`] when it could not be run.
    pub fn run(&self, world: World) -> Result<Measured, StageError> {
        self.store().reset()?;
        fastrand::seed(u64::from(world.senders) * 1_000 + u64::from(world.rate));
        let time = Time::default();
        let network = Arc::new(Network::new(world, &time, Arc::clone(&self.store))?);
        let candidates = Self::candidates(world).min(self.people);
        let names: Vec<String> = (0..candidates).map(name).collect();
        for some in names.chunks(A_MESSAGE) {
            let body = json!({ "v": 1, "brand": BRAND, "campaign": "sale", "run": "sale", "customers": some });
            network.queues.send("sends", body.to_string()).map_err(unfit)?;
        }
        let ends = match world.disturbance {
            Disturbance::None | Disturbance::ClocksApart => seconds(world) * 1_000,
            Disturbance::Throttled | Disturbance::Paused | Disturbance::AnswersLost => AT_THE_LATEST,
        };
        // Where many take from the queue, none of them takes it all.
        let messages = candidates.div_ceil(A_MESSAGE);
        let senders = usize::try_from(world.senders).unwrap_or(1).max(1);
        let most = (messages / senders).clamp(1, AN_INVOCATION);
        let mut kernel = Kernel::new(time.clone());
        for sender in 0..world.senders {
            let handler = network.sender(sender, &time)?;
            kernel.spawn(send(Arc::clone(&network), handler, sender, (ends, most)));
        }
        if !kernel.run_at_most(u32::MAX) {
            return Err(unfit("a world never ends"));
        }
        Ok(network.measured(candidates))
    }
}

/// How long a world without a disturbance lasts, in seconds: long enough for a tenth of a percent to show.
const fn seconds(world: World) -> i64 {
    match world.rate {
        0..5 => 120,
        5..50 => 40,
        _ => 15,
    }
}

fn person(name: &str) -> Value {
    json!({
        "customer": name,
        "contact": { "email": format!("{name}@mail.example"), "language": "fr" },
        "home": { "commune": "69123" },
        "interests": ["exhibition-tickets"],
    })
}

/// Whoever said yes is written to, however little the offer is for them.
fn campaign() -> Value {
    let campaign = crate::stage::campaign("sale");
    with(
        with(campaign, "threshold_bp", json!(0)),
        "minimum_evidence_bp",
        json!(0),
    )
}

fn pepper() -> Result<Pepper, StageError> {
    Pepper::new(&"p".repeat(32)).map_err(unfit)
}

fn url(queue: &str) -> String {
    format!("http://queues.example/000000000000/{queue}")
}

/// One instance of the function: a batch after the other, until the world ends.
async fn send(network: Arc<Network>, handler: apropos_send_messages::Handler, sender: u32, (ends, most): (i64, usize)) {
    let time = network.time.clone();
    let clock = handler.clock.clone();
    let skew = network.skew(sender);
    let mut work = Box::pin(async {
        loop {
            // From the end of an invocation to the begin of the next.
            time.sleep(30 + network.dice(sender) % 70).await;
            network.set_truth();
            let received = network.queues.receive("sends", most).unwrap_or_default();
            if received.is_empty() {
                match network.queues.next_visible_at("sends").ok().flatten() {
                    None => return,
                    Some(next) => {
                        let left = next.as_millisecond() - START.as_millisecond() - time.now();
                        time.sleep(left.max(1)).await;
                    }
                }
                continue;
            }
            let Ok(event) = batch("sends", &received) else { return };
            let deadline = Deadline::after(handler.clock.now(), SignedDuration::from_secs(INVOCATION_ENDS));
            let answer = handler.sqs(event, deadline).await;
            network.set_truth();
            for message in &received {
                let failed = answer
                    .batch_item_failures
                    .iter()
                    .any(|failure| failure.item_identifier == message.message_id);
                if !failed {
                    let _ = network.queues.delete("sends", &message.receipt_handle);
                }
            }
        }
    });
    let mut end = time.sleep(ends);
    // Its clock goes on whenever it does.
    std::future::poll_fn(|cx| {
        let now = START.as_millisecond() + time.now() + skew;
        clock.advance(SignedDuration::from_millis(now - clock.now().as_millisecond()));
        match work.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => Pin::new(&mut end).poll(cx),
        }
    })
    .await;
}

/// The services of a world, and what is counted of their calls.
struct Network {
    world: World,
    time: Time,
    truth: Clock,
    queues: QueueService,
    mails: MailService,
    store: Arc<Mutex<Store>>,
    drawn: AtomicU64,
    /// When messages came, in milliseconds.
    came: Mutex<Vec<i64>>,
    throttled: AtomicU32,
    handed_back: AtomicU32,
    leases: AtomicU32,
}

impl Network {
    fn new(world: World, time: &Time, store: Arc<Mutex<Store>>) -> Result<Self, StageError> {
        let truth = Clock::manual(START);
        let queues = QueueService::new(truth.clone());
        for queue in ["pages", "sends"] {
            create(&queues, queue).map_err(unfit)?;
        }
        let mail_settings = MailSettings {
            verified_domains: vec!["maison.example".to_owned()],
            configuration_sets: Vec::new(),
            quota: SendQuota {
                max_24_hour: u32::MAX,
                max_per_second: world.rate,
            },
            outbox: None,
        };
        Ok(Self {
            world,
            time: time.clone(),
            mails: MailService::new(truth.clone(), mail_settings).map_err(unfit)?,
            truth,
            queues,
            store,
            drawn: AtomicU64::new(0),
            came: Mutex::default(),
            throttled: AtomicU32::new(0),
            handed_back: AtomicU32::new(0),
            leases: AtomicU32::new(0),
        })
    }

    fn sender(self: &Arc<Self>, sender: u32, time: &Time) -> Result<apropos_send_messages::Handler, StageError> {
        let sdk = self.sdk(Some(sender), time);
        let partition = || RetryPartition::custom("world").build();
        let config = aws_sdk_dynamodb::config::Builder::from(&sdk)
            .retry_partition(partition())
            .build();
        let tables = Tables::new(aws_sdk_dynamodb::Client::from_conf(config), crate::network::PREFIX);
        let config = aws_sdk_sqs::config::Builder::from(&sdk)
            .retry_partition(partition())
            .build();
        let queues = aws_sdk_sqs::Client::from_conf(config);
        let mailer = Mailer::new(&sdk, None);
        let clock = Clock::manual(START + SignedDuration::from_millis(self.skew(sender)));
        let waits = time.clone();
        clock.sleep_by(move |long| waits.sleep(i64::try_from(long.as_millis()).unwrap_or(i64::MAX / 4)));
        Ok(apropos_send_messages::Handler {
            tables: tables.clone(),
            clock,
            pacer: Pacer::new(tables, mailer.clone(), "eu-west-3")?,
            mailer,
            sends: Queue::new(queues.clone(), url("sends")),
            letters: DeadLetters::new(queues, url("sends-dead")),
            ring: KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).map_err(unfit)?,
            base: PublicBaseUrl::new("https://apropos.example").map_err(unfit)?,
            pepper: pepper()?,
        })
    }

    /// How far a sender's clock is from the true time, in milliseconds.
    fn skew(&self, sender: u32) -> i64 {
        match (self.world.disturbance, sender % 3) {
            (Disturbance::ClocksApart, 1) => 300_000,
            (Disturbance::ClocksApart, 2) => -300_000,
            _ => 0,
        }
    }

    fn sdk(self: &Arc<Self>, sender: Option<u32>, time: &Time) -> SdkConfig {
        let credentials = Credentials::new("id", "secret", None, None, "simulation");
        SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new("eu-west-3"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url("http://services.example")
            .http_client(Wire {
                network: Arc::clone(self),
                sender,
            })
            .sleep_impl(time.clone())
            .time_source(time.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    fn dice(&self, sender: u32) -> i64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mixed = mixed(u64::from(self.world.rate), [u64::from(sender), drawn, 0]);
        i64::try_from(mixed % 1_000_000).unwrap_or(0)
    }

    fn set_truth(&self) {
        let now = START.as_millisecond() + self.time.now();
        self.truth
            .advance(SignedDuration::from_millis(now - self.truth.now().as_millisecond()));
    }

    /// What a service does with a request, and whether it is one whose answer may be lost.
    fn effect(&self, target: &str, method: &str, body: &str) -> (Reply, bool) {
        self.set_truth();
        if self.world.disturbance == Disturbance::Paused {
            self.mails.set_status(if (5_000..125_000).contains(&self.time.now()) {
                AccountStatus::Paused
            } else {
                AccountStatus::Healthy
            });
        }
        match target.split_once('.') {
            Some(("AmazonSQS", operation)) => {
                self.handed_back
                    .fetch_add(u32::from(body.contains("\"DelaySeconds\"")), Ordering::Relaxed);
                let answer = self.queues.call(operation, body.as_bytes(), "http://queues.example");
                let reply = match answer {
                    Ok(said) => Reply::ok(String::from_utf8_lossy(&said)),
                    Err(error) => Reply::error(400, error.wire().0),
                };
                (reply, true)
            }
            Some((_, operation)) => {
                let is_pace = body.contains("\"*#pace\"");
                let is_lease = is_pace && operation == "UpdateItem";
                self.leases.fetch_add(u32::from(is_lease), Ordering::Relaxed);
                let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
                (store.call(operation, body, named(body), self.time.now()), is_pace)
            }
            None if method == "GET" => {
                let account = serde_json::to_string(&self.mails.account());
                (Reply::ok(account.unwrap_or_default()), true)
            }
            None => (self.mail(body), true),
        }
    }

    fn came(&self) -> MutexGuard<'_, Vec<i64>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most that came in any second.
    fn busiest(&self) -> usize {
        let came = self.came();
        let within = |(position, first): (usize, &i64)| {
            let later = came.iter().skip(position);
            later.take_while(|at| **at < *first + 1_000).count()
        };
        came.iter().enumerate().map(within).max().unwrap_or(0)
    }

    fn mail(&self, body: &str) -> Reply {
        self.came().push(self.time.now());
        if self.world.disturbance == Disturbance::Throttled && (5_000..5_400).contains(&self.time.now()) {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            return mail_refusal(RefusalKind::TooManyRequests);
        }
        match self.mails.send_json(body.as_bytes()) {
            Ok(SendAnswer::Accepted(message_id)) => Reply::ok(json!({ "MessageId": message_id }).to_string()),
            Ok(SendAnswer::Refused(refused)) => {
                let is_rate = refused.kind == RefusalKind::TooManyRequests;
                self.throttled.fetch_add(u32::from(is_rate), Ordering::Relaxed);
                mail_refusal(refused.kind)
            }
            Ok(SendAnswer::InternalError | SendAnswer::Truncated(_) | SendAnswer::Reset) | Err(_) => {
                Reply::error(500, "InternalFailure")
            }
        }
    }

    fn measured(&self, candidates: usize) -> Measured {
        let accepted = self.mails.accepted();
        let (from, until) = (WARM_UP, seconds(self.world) * 1_000 - 1_000);
        let in_time = accepted
            .iter()
            .filter(|mail| (from..until).contains(&(mail.at.as_millisecond() - START.as_millisecond())))
            .count();
        let possible = i64::from(self.world.rate) * (until - from);
        let used = i64::try_from(in_time).unwrap_or(0) * 1_000_000 / possible.max(1);
        let people: BTreeSet<&str> = accepted.iter().map(|mail| mail.to.as_str()).collect();
        let twice = accepted.len() - people.len();
        let waiting: usize = self.waiting("sends");
        let unsent = candidates - people.len();
        let lost = match self.world.disturbance {
            // Who is in hand when the world ends is still in the queue, and may have been sent to.
            Disturbance::None | Disturbance::ClocksApart => unsent.saturating_sub(waiting),
            Disturbance::Throttled | Disturbance::Paused | Disturbance::AnswersLost => unsent,
        };
        let leases = u64::from(self.leases.load(Ordering::Relaxed)) * 1_000;
        Measured {
            world: self.world,
            sent: accepted.len(),
            busiest: self.busiest(),
            used: u64::try_from(used).unwrap_or(0),
            throttled: self.throttled.load(Ordering::Relaxed),
            handed_back: self.handed_back.load(Ordering::Relaxed),
            leases: leases / u64::try_from(accepted.len()).unwrap_or(1).max(1),
            amiss: twice + lost + self.waiting(&dead_letters("sends")),
        }
    }

    /// How many candidates are in a queue.
    fn waiting(&self, queue: &str) -> usize {
        let messages = self.queues.peek(queue).unwrap_or_default();
        let count = |body: &str| {
            parsed(body)
                .get("customers")
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
        };
        messages.iter().map(|message| count(&message.body)).sum()
    }
}

/// The network as one sender has it.
#[derive(Clone)]
struct Wire {
    network: Arc<Network>,
    /// None while the stage is set: calls take no time then.
    sender: Option<u32>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { network, sender } = self.clone();
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let body = body.into_owned();
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let method = request.method().to_owned();
        HttpConnectorFuture::new(async move {
            let way = |most: i64| sender.map_or(0, |sender| 1 + network.dice(sender) % most);
            network.time.sleep(way(15)).await;
            let (reply, may_be_lost) = network.effect(&target, &method, &body);
            network.time.sleep(way(10)).await;
            let loses = network.world.disturbance == Disturbance::AnswersLost && may_be_lost;
            if loses && sender.is_some_and(|sender| network.dice(sender) % 20 == 0) {
                return Err(ConnectorError::io("the answer was lost on its way".into()));
            }
            response(&reply)
        })
    }
}
