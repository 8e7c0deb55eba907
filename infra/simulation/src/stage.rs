//! The stage of every schedule: a brand, its campaigns, and four people who said yes.

use std::sync::{Arc, Mutex, PoisonError};

use apropos_aws::{Clock, LinkKeys, Mailer, Queue, StoreError, Tables, TopicArn, behavior};
use apropos_core::brand::Brand;
use apropos_core::document::BrandDocument;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::link::{KeyRing, LinkContent, LinkId, LinkPurpose, PublicBaseUrl, sign};
use apropos_core::suppression::Pepper;
use apropos_core::time::TimeZoneName;
use apropos_local::mail_service::{MailService, MailSettings, SendQuota};
use apropos_local::notification;
use apropos_local::queue_service::{QueueService, QueueSettings, Redrive};
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_types::SdkConfig;
use jiff::SignedDuration;
use serde_json::{Value, json};
use thiserror::Error;

use crate::actors;
use crate::ending::{Ending, Stored};
use crate::fault::{Fault, Site, Worker};
use crate::kernel::{Endless, Kernel, Time};
use crate::network::{Network, PREFIX, START, Shared, Step};
use crate::oracle::{Oracle, Violation, remains};
use crate::plan::{Faults, Order, Plan};
use crate::planted::Planted;
use crate::store::Store;

pub(crate) const BRAND: &str = "maison";
pub(crate) const NAMES: [&str; 4] = ["ada", "bea", "cyd", "dov"];
pub(crate) const CAMPAIGNS: [&str; 3] = ["sale-1", "sale-2", "sale-3"];

pub(crate) fn address(name: &str) -> String {
    format!("{name}@mail.example")
}

/// Why a schedule could not be run at all.
#[derive(Debug, Error)]
pub enum StageError {
    /// The embedded database failed.
    #[error("the embedded database failed")]
    Database(#[from] dynoxide::DynoxideError),
    /// The tables did not answer.
    #[error("the tables did not answer")]
    Tables(#[from] StoreError),
    /// A value of the stage is refused by the domain.
    #[error("the stage is not set up right: {0}")]
    Unfit(String),
}

fn unfit(what: impl std::fmt::Display) -> StageError {
    StageError::Unfit(format!("{what}"))
}

/// What came of a schedule.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What must not be, and was.
    pub violations: Vec<Violation>,
    /// What happened.
    pub trace: Vec<Step>,
    /// What went wrong with which call.
    pub injected: Vec<(Site, Fault)>,
    /// How many messages SES took.
    pub accepted: usize,
    /// How many calls each worker made.
    pub calls: std::collections::BTreeMap<Worker, u32>,
}

impl Outcome {
    /// A number that two runs share exactly when the same things happened at the same times.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.trace.iter().fold(0xcbf2_9ce4_8422_2325, |digest, step| {
            step.to_string().bytes().fold(digest, |digest, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        })
    }
}

/// Runs schedules, one after the other, over one database that is reset in between.
pub struct Stage {
    store: Arc<Mutex<Store>>,
    ring: KeyRing,
    pepper: Pepper,
    links: Vec<LinkId>,
    brand: Brand,
    zones: Vec<TimeZoneName>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

/// The functions of a schedule.
pub(crate) struct Functions {
    pub(crate) tables: Tables,
    pub(crate) portal: apropos_customer_portal::Handler,
    pub(crate) consents: apropos_ingest_consents::Handler,
    pub(crate) context: apropos_ingest_context::Handler,
    pub(crate) feedback: apropos_record_feedback::Handler,
    pub(crate) campaigns: apropos_run_campaigns::Handler,
    pub(crate) pages: apropos_score_offers::Handler,
    pub(crate) sends: apropos_send_messages::Handler,
    /// Each person's tokens: to unsubscribe, and for the preferences.
    pub(crate) tokens: Vec<[String; 2]>,
}

impl Stage {
    /// Sets the stage.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn new() -> Result<Self, StageError> {
        let settings: BrandDocument = serde_json::from_value(settings()).map_err(unfit)?;
        let brand = Brand::try_from(&settings).map_err(unfit)?;
        let zones = ["Europe/Paris", "Europe/Paris", "America/Martinique", "Europe/Paris"]
            .into_iter()
            .map(TimeZoneName::new)
            .collect::<Result<_, _>>()
            .map_err(unfit)?;
        let mut stage = Self {
            store: Arc::new(Mutex::new(Store::new()?)),
            ring: KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).map_err(unfit)?,
            pepper: Pepper::new(&"p".repeat(32)).map_err(unfit)?,
            links: Vec::new(),
            brand,
            zones,
        };
        stage.links = stage.set_up(settings)?;
        stage.store.lock().unwrap_or_else(PoisonError::into_inner).keep()?;
        Ok(stage)
    }

    fn set_up(&self, settings: BrandDocument) -> Result<Vec<LinkId>, StageError> {
        let nothing = Plan {
            seed: 0,
            faults: Faults::These(Vec::new()),
            order: Order::Times,
            actions: Vec::new(),
            skewed: false,
            planted: None,
        };
        let time = Time::default();
        let (_, functions) = self.assemble(nothing, &time)?;
        let mut kernel = Kernel::new(time);
        kernel
            .block_on(async move {
                functions.tables.create_missing().await?;
                functions.tables.put_brand(&settings).await?;
                let customers: Vec<Value> = NAMES.iter().map(|name| customer(name)).collect();
                let events: Vec<Value> = NAMES
                    .iter()
                    .map(|name| consent(name, "yes", "grant", "customer", BEFORE))
                    .collect();
                let profiling: Vec<Value> = NAMES
                    .iter()
                    .map(|name| {
                        with(
                            consent(name, "yes-profiling", "grant", "customer", BEFORE),
                            "purpose",
                            json!("profiling"),
                        )
                    })
                    .collect();
                let answers = [
                    functions
                        .context
                        .http(&request("POST", "/v1/customers", &json!({ "customers": customers }))?)
                        .await,
                    functions
                        .consents
                        .http(&request("POST", "/v1/consents", &json!({ "events": events }))?)
                        .await,
                    functions
                        .consents
                        .http(&request("POST", "/v1/consents", &json!({ "events": profiling }))?)
                        .await,
                    functions
                        .campaigns
                        .http(&request("POST", "/v1/offers", &offer())?)
                        .await,
                ];
                let mut answers = Vec::from(answers);
                for id in CAMPAIGNS {
                    answers.push(
                        functions
                            .campaigns
                            .http(&request("POST", "/v1/campaigns", &campaign(id))?)
                            .await,
                    );
                }
                for answer in answers {
                    if !(200..300).contains(&answer.status_code) {
                        return Err(unfit(format!("{} {:?}", answer.status_code, answer.body)));
                    }
                }
                let mut links = Vec::new();
                let brand = BrandId::new(BRAND).map_err(unfit)?;
                for name in NAMES {
                    let person = functions
                        .tables
                        .person(&brand, &CustomerId::new(name).map_err(unfit)?)
                        .await?;
                    links.extend(person.contact.map(|(_, link)| link));
                }
                Ok(links)
            })
            .ok_or_else(|| unfit("setting up never ended"))?
    }

    /// Runs a schedule to its end, and checks it.
    ///
    /// # Errors
    /// [`StageError`] when it could not be run; what it showed is in the [`Outcome`].
    pub fn run(&self, plan: &Plan) -> Result<Outcome, StageError> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).reset()?;
        fastrand::seed(plan.seed);
        let time = Time::default();
        let (shared, functions) = self.assemble(plan.clone(), &time)?;
        let functions = Arc::new(functions);
        let store = Arc::clone(&self.store);
        shared
            .oracle()
            .looked(&store.lock().unwrap_or_else(PoisonError::into_inner), i64::MIN, None);
        let mut kernel = Kernel::new(time);
        actors::enter(&mut kernel, &shared, &functions);
        let mut ended = kernel.run();
        // Once more what an operator would do: dead letters go back when things go right again.
        if ended && actors::redrive(&shared) > 0 {
            ended = kernel.run();
        }
        let mut violations = Vec::new();
        if !ended {
            violations.push(Violation {
                invariant: "I6",
                seen: "the schedule never ends".to_owned(),
            });
        }
        for queue in QUEUES {
            let depth = shared.queues.depth(queue).map_or(0, |depth| depth.total());
            let dead = shared
                .queues
                .depth(&dead_letters(queue))
                .map_or(0, |depth| depth.total());
            if depth + dead > 0 {
                violations.push(Violation {
                    invariant: "I6",
                    seen: format!("{depth} messages wait in {queue}, and {dead} are dead"),
                });
            }
        }
        let (checked, tables) = (Arc::clone(&shared), functions.tables.clone());
        let brand = self.brand.id.clone();
        let stored = Stored::of(&store.lock().unwrap_or_else(PoisonError::into_inner), brand.as_str());
        kernel.block_on(async move {
            let mut oracle = checked.oracle().clone();
            let mut ending = Ending {
                oracle: &mut oracle,
                tables: &tables,
                brand: &brand,
                stored,
            };
            ending.check().await;
            *checked.oracle() = oracle;
        });
        let mut oracle = shared.oracle();
        remains(&mut oracle, &store.lock().unwrap_or_else(PoisonError::into_inner));
        violations.extend_from_slice(oracle.violations());
        Ok(Outcome {
            violations,
            accepted: oracle.accepted_count(),
            trace: shared.trace(),
            injected: shared.injected(),
            calls: shared.calls(),
        })
    }

    fn assemble(&self, plan: Plan, time: &Time) -> Result<(Arc<Shared>, Functions), StageError> {
        let (clock, truth) = (Clock::manual(START), Clock::manual(START));
        let queues = QueueService::new(truth.clone());
        for queue in QUEUES {
            create(&queues, queue).map_err(unfit)?;
        }
        let mails = MailService::new(
            truth.clone(),
            MailSettings {
                verified_domains: vec!["maison.example".to_owned()],
                configuration_sets: Vec::new(),
                quota: SendQuota {
                    max_24_hour: u32::MAX,
                    max_per_second: u32::MAX,
                },
                outbox: None,
            },
        )
        .map_err(unfit)?;
        let topic = self.brand.topics.iter().next().map(|topic| topic.id.clone());
        let topic = topic.ok_or_else(|| unfit("there is no topic"))?;
        let oracle = Oracle::new(self.brand.quiet, topic, &self.zones, plan.skewed);
        let no_timeout = plan.planted == Some(Planted::NoMailTimeout);
        let shared = Arc::new(Shared::new(
            plan,
            time.clone(),
            (clock.clone(), truth),
            (queues, mails),
            Arc::clone(&self.store),
            oracle,
        ));
        let unsigned = sdk_config(&shared, time);
        let sdk = unsigned.to_builder().credentials_provider(credentials()).build();
        // A schedule has its own allowance of retries: none is used up by the one before.
        let config = aws_sdk_dynamodb::config::Builder::from(&unsigned)
            .allow_no_auth()
            .retry_partition(RetryPartition::custom("schedule").build())
            .build();
        let tables = Tables::new(aws_sdk_dynamodb::Client::from_conf(config), PREFIX);
        let config = aws_sdk_sqs::config::Builder::from(&unsigned)
            .allow_no_auth()
            .retry_partition(RetryPartition::custom("schedule").build())
            .build();
        let sqs = aws_sdk_sqs::Client::from_conf(config);
        let url = |queue: &str| format!("http://queues.example/000000000000/{queue}");
        let mailer = if no_timeout {
            Mailer::new(&sdk.clone().into_builder().sleep_impl(Endless).build(), None)
        } else {
            Mailer::new(&sdk, None)
        };
        let base = PublicBaseUrl::new("https://apropos.example").map_err(unfit)?;
        let (ring, pepper) = (self.ring.clone(), self.pepper.clone());
        let pages = Queue::new(sqs.clone(), url("pages"));
        let sends = Queue::new(sqs.clone(), url("sends"));
        let transactional = || Queue::new(sqs.clone(), url("sends"));
        let topic = TopicArn::new(&notification::topic()).map_err(unfit)?;
        let functions = Functions {
            portal: apropos_customer_portal::Handler::new(
                tables.clone(),
                clock.clone(),
                LinkKeys::fixed(ring.clone()),
                pepper.clone(),
                transactional(),
            ),
            consents: apropos_ingest_consents::Handler::new(tables.clone(), clock.clone(), transactional()),
            context: apropos_ingest_context::Handler::new(tables.clone(), clock.clone(), pepper.clone()),
            feedback: apropos_record_feedback::Handler::new(tables.clone(), clock.clone(), pepper.clone(), topic),
            campaigns: apropos_run_campaigns::Handler::new(tables.clone(), clock.clone(), pages.clone(), sends.clone()),
            pages: apropos_score_offers::Handler::new(tables.clone(), clock.clone(), pages, sends),
            sends: apropos_send_messages::Handler::new(tables.clone(), clock, mailer, ring, base, pepper),
            tables,
            tokens: self.tokens()?,
        };
        Ok((shared, functions))
    }

    fn tokens(&self) -> Result<Vec<[String; 2]>, StageError> {
        self.links
            .iter()
            .map(|link| {
                let content = LinkContent {
                    id: *link,
                    topic: 0,
                    delivery: None,
                };
                let token = |purpose| {
                    let token = sign(purpose, &self.brand.id, content, &self.ring);
                    token
                        .map(|token| token.as_str().to_owned())
                        .ok_or_else(|| unfit("there is no link key"))
                };
                Ok([token(LinkPurpose::Unsubscribe)?, token(LinkPurpose::Preferences)?])
            })
            .collect()
    }
}

/// Only the mailer signs: nobody checks a signature here, and it costs as much as carrying out what is signed.
fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "simulation"))
}

fn sdk_config(shared: &Arc<Shared>, time: &Time) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new("eu-west-3"))
        .endpoint_url("http://services.example")
        .http_client(Network(Arc::clone(shared)))
        .sleep_impl(time.clone())
        .time_source(time.clone())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

pub(crate) const QUEUES: [&str; 3] = ["pages", "sends", "feedback"];

pub(crate) fn dead_letters(queue: &str) -> String {
    format!("{queue}-dead")
}

/// As the template has them.
fn create(queues: &QueueService, queue: &str) -> Result<(), apropos_local::queue_service::QueueError> {
    queues.create(QueueSettings::named(dead_letters(queue)))?;
    queues.create(QueueSettings {
        visibility_timeout: SignedDuration::from_secs(if queue == "sends" { 450 } else { 180 }),
        redrive: Some(Redrive {
            dead_letter_queue: dead_letters(queue),
            max_receive_count: 5,
        }),
        ..QueueSettings::named(queue)
    })
}

/// When everybody said yes.
const BEFORE: &str = "2026-11-02T10:00:00Z";

fn settings() -> Value {
    json!({
        "id": BRAND,
        "name": "Maison Claire",
        "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
        "sender": "bonjour@maison.example",
        "list_domain": "maison.example",
        "topics": [{ "id": "offers", "number": 0, "name": { "fr": "Offres", "en": "Offers" } }],
        "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
        "caps": [{ "most": 2, "window_days": 7 }],
    })
}

/// The first two are in Lyon, the third in Fort-de-France, and the last is not interested.
pub(crate) fn customer(name: &str) -> Value {
    let commune = if name == "cyd" { "97209" } else { "69123" };
    let interest = if name == "dov" {
        "lawnmower"
    } else {
        "exhibition-tickets"
    };
    json!({
        "customer": name,
        "contact": { "email": address(name), "language": "fr" },
        "home": { "commune": commune },
        "interests": [interest],
    })
}

pub(crate) fn consent(customer: &str, event: &str, act: &str, actor: &str, at: &str) -> Value {
    json!({
        "customer": customer,
        "event": event,
        "purpose": "email.offers",
        "act": act,
        "effective_at": at,
        "actor": actor,
        "evidence": {
            "affirmative_action": "ticked_box",
            "method": "web_form",
            "source": "/join",
            "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
        },
    })
}

pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

fn offer() -> Value {
    json!({
        "id": "expo",
        "title": { "fr": "Coupe-file", "en": "Skip the line" },
        "text": { "fr": "Entrez sans attendre.", "en": "Walk straight in." },
        "link": "https://maison.example/expo",
        "category": "exhibition-tickets",
        "places": [],
        "uses": [{ "attribute": "interests", "because": { "fr": "Utile.", "en": "Useful." } }],
        "window": { "from": "2026-11-20T00:00:00Z", "until": "2027-01-03T18:00:00Z" },
    })
}

fn campaign(id: &str) -> Value {
    json!({
        "id": id, "offer": "expo", "topic": "offers", "goal": "inform",
        "threshold_bp": 3_000, "minimum_evidence_bp": 1_000,
    })
}

/// A request of the brand's, as API Gateway would send it, already authorised.
pub(crate) fn request(method: &str, path: &str, body: &Value) -> Result<ApiGatewayV2httpRequest, StageError> {
    let scopes = "context:write consents:write campaigns:write campaigns:read relevance:read";
    let authorizer = json!({ "lambda": { "brand": BRAND, "scopes": scopes } });
    event(method, path, "application/json", &body.to_string(), Some(&authorizer))
}

/// A person's form, or their mail client's.
pub(crate) fn form(path: &str, body: &str) -> Result<ApiGatewayV2httpRequest, StageError> {
    event("POST", path, "application/x-www-form-urlencoded", body, None)
}

fn event(
    method: &str,
    path: &str,
    media_type: &str,
    body: &str,
    authorizer: Option<&Value>,
) -> Result<ApiGatewayV2httpRequest, StageError> {
    let route = format!("{method} {path}");
    let mut context = json!({
        "accountId": "000000000000", "apiId": "simulation", "domainName": "apropos.example",
        "domainPrefix": "apropos", "requestId": "r", "routeKey": route, "stage": "$default",
        "time": "01/Dec/2026:09:00:00 +0000", "timeEpoch": START.as_millisecond(),
        "http": {
            "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "simulation",
        },
    });
    if let Some(authorizer) = authorizer {
        context = with(context, "authorizer", authorizer.clone());
    }
    let event = json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "",
        "headers": { "content-type": media_type }, "requestContext": context,
        "body": body, "isBase64Encoded": false,
    });
    serde_json::from_str(&event.to_string()).map_err(unfit)
}
