//! The stage of every schedule: two brands, their campaigns, and people who said yes.

use std::sync::{Arc, Mutex, PoisonError};

use apropos_aws::{Clock, DeadLetters, LinkKeys, Mailer, Pacer, Queue, StoreError, Tables, TopicArn, behavior};
use apropos_core::brand::Brand;
use apropos_core::document::BrandDocument;
use apropos_core::ids::{BrandId, CampaignId, CustomerId, TopicId};
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
use crate::declared::Declared;
use crate::ending::{Ending, Stored};
use crate::fault::{Fault, Site, Worker};
use crate::kernel::{Endless, Kernel, Time};
use crate::network::{ClaimState, Network, PREFIX, START, Shared, Step};
use crate::oracle::{Oracle, Violation, remains};
use crate::plan::{Faults, Order, Plan};
use crate::planted::Planted;
use crate::store::Store;
use crate::world::{BRAND, BRANDS, CAMPAIGNS, Customer, PEOPLE};

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

pub(crate) fn unfit(what: impl std::fmt::Display) -> StageError {
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
    /// How often what went wrong where.
    pub met: std::collections::BTreeMap<(ClaimState, Fault), u64>,
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
    links: Vec<(BrandId, LinkId)>,
    /// The checks' record of the stage before anything happens.
    oracle: Oracle,
    declared: Vec<Declared>,
}

/// What is known once the stage is set: each person's link, and what each campaign declares.
type SetUp = (Vec<(BrandId, LinkId)>, Vec<Declared>);

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
    /// One for each of the two senders.
    pub(crate) sends: [apropos_send_messages::Handler; 2],
    /// Each person's tokens: to unsubscribe, and for the preferences.
    pub(crate) tokens: Vec<[String; 2]>,
}

impl Stage {
    /// Sets the stage.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn new() -> Result<Self, StageError> {
        let settings = BRANDS
            .into_iter()
            .map(|brand| serde_json::from_value::<BrandDocument>(settings(brand)).map_err(unfit))
            .collect::<Result<Vec<_>, _>>()?;
        let brands = settings
            .iter()
            .map(|settings| Brand::try_from(settings).map_err(unfit))
            .collect::<Result<Vec<_>, _>>()?;
        let brand = brands.first().cloned().ok_or_else(|| unfit("there is no brand"))?;
        let zones = PEOPLE
            .into_iter()
            .map(|customer| TimeZoneName::new(customer.zone))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unfit)?;
        let mut stage = Self {
            store: Arc::new(Mutex::new(Store::new()?)),
            ring: KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).map_err(unfit)?,
            pepper: Pepper::new(&"p".repeat(32)).map_err(unfit)?,
            links: Vec::new(),
            oracle: Oracle::new(brand.quiet, TopicId::new("offers").map_err(unfit)?, &zones),
            declared: Vec::new(),
        };
        (stage.links, stage.declared) = stage.set_up(settings)?;
        let mut store = stage.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.keep()?;
        stage.oracle.looked(&mut store, i64::MIN, None);
        stage.oracle.records.looked(&store);
        drop(store);
        Ok(stage)
    }

    fn set_up(&self, settings: Vec<BrandDocument>) -> Result<SetUp, StageError> {
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
                for settings in &settings {
                    functions.tables.put_brand(settings).await?;
                }
                let mut answers = Vec::new();
                for brand in BRANDS {
                    let people = || PEOPLE.iter().filter(|customer| customer.brand == brand);
                    let customers: Vec<Value> = people().map(customer).collect();
                    let agreed = |event: &str| {
                        let consents =
                            people().map(|customer| consent(customer.name, event, "grant", "customer", BEFORE));
                        json!({ "events": consents.collect::<Vec<Value>>() })
                    };
                    let profiling = people().filter(|customer| customer.profiled).map(|customer| {
                        with(
                            consent(customer.name, "yes-profiling", "grant", "customer", BEFORE),
                            "purpose",
                            json!("profiling"),
                        )
                    });
                    let profiling = json!({ "events": profiling.collect::<Vec<Value>>() });
                    let customers = request(brand, "POST", "/v1/customers", &json!({ "customers": customers }))?;
                    answers.push(functions.context.http(&customers).await);
                    let consents = request(brand, "POST", "/v1/consents", &agreed("yes"))?;
                    answers.push(functions.consents.http(&consents).await);
                    let consents = request(brand, "POST", "/v1/consents", &profiling)?;
                    answers.push(functions.consents.http(&consents).await);
                    let offer = request(brand, "POST", "/v1/offers", &offer(brand))?;
                    answers.push(functions.campaigns.http(&offer).await);
                }
                for (brand, id) in CAMPAIGNS {
                    let campaign = request(brand, "POST", "/v1/campaigns", &campaign(id))?;
                    answers.push(functions.campaigns.http(&campaign).await);
                }
                for answer in answers {
                    if !(200..300).contains(&answer.status_code) {
                        return Err(unfit(format!("{} {:?}", answer.status_code, answer.body)));
                    }
                }
                let mut links = Vec::new();
                for customer in PEOPLE {
                    let brand = BrandId::new(customer.brand).map_err(unfit)?;
                    let id = CustomerId::new(customer.name).map_err(unfit)?;
                    let person = functions.tables.person(&brand, &id).await?;
                    links.extend(person.contact.map(|(_, link)| (brand, link)));
                }
                let mut declared = Vec::new();
                for (brand, id) in CAMPAIGNS {
                    let brand = BrandId::new(brand).map_err(unfit)?;
                    let campaign = CampaignId::new(id).map_err(unfit)?;
                    let held = functions.tables.campaign(&brand, &campaign).await?;
                    let campaign = held.ok_or_else(|| unfit("a campaign is not there"))?.campaign;
                    let offer = functions
                        .tables
                        .offer(&brand, &campaign.offer, campaign.offer_version)
                        .await?;
                    let brand = functions.tables.brand(&brand).await?;
                    declared.push(Declared {
                        brand: brand.ok_or_else(|| unfit("a brand is not there"))?,
                        offer: offer.ok_or_else(|| unfit("an offer is not there"))?,
                        campaign,
                    });
                }
                Ok((links, declared))
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
        let declared = self.declared.clone();
        let stored = Stored::of(&store.lock().unwrap_or_else(PoisonError::into_inner));
        kernel.block_on(async move {
            let mut oracle = checked.oracle().clone();
            let mut ending = Ending {
                oracle: &mut oracle,
                tables: &tables,
                declared: &declared,
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
            met: shared.met(),
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
                verified_domains: BRANDS.map(|brand| format!("{brand}.example")).to_vec(),
                configuration_sets: Vec::new(),
                quota: SendQuota {
                    max_24_hour: u32::MAX,
                    max_per_second: u32::MAX,
                },
                outbox: None,
            },
        )
        .map_err(unfit)?;
        let oracle = self.oracle.clone().skewed(plan.skewed);
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
        let letters = |queue: &str| DeadLetters::new(sqs.clone(), url(&dead_letters(queue)));
        let transactional = || Queue::new(sqs.clone(), url("sends"));
        let topic = TopicArn::new(&notification::topic()).map_err(unfit)?;
        let waits = time.clone();
        clock.sleep_by(move |long| waits.sleep(i64::try_from(long.as_millis()).unwrap_or(i64::MAX / 4)));
        let sender = || {
            Ok::<_, StageError>(apropos_send_messages::Handler {
                tables: tables.clone(),
                clock: clock.clone(),
                mailer: mailer.clone(),
                pacer: Pacer::new(tables.clone(), mailer.clone(), "eu-west-3")?,
                sends: Queue::new(sqs.clone(), url("sends")),
                letters: letters("sends"),
                ring: ring.clone(),
                base: base.clone(),
                pepper: pepper.clone(),
            })
        };
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
            feedback: apropos_record_feedback::Handler::new(
                tables.clone(),
                clock.clone(),
                pepper.clone(),
                topic,
                letters("feedback"),
            ),
            campaigns: apropos_run_campaigns::Handler::new(tables.clone(), clock.clone(), pages.clone(), sends.clone()),
            pages: apropos_score_offers::Handler::new(tables.clone(), clock.clone(), pages, sends, letters("pages")),
            sends: [sender()?, sender()?],
            tables,
            tokens: self.tokens()?,
        };
        Ok((shared, functions))
    }

    fn tokens(&self) -> Result<Vec<[String; 2]>, StageError> {
        self.links
            .iter()
            .map(|(brand, link)| {
                let content = LinkContent {
                    id: *link,
                    topic: offers_number(brand.as_str()).into(),
                    delivery: None,
                };
                let token = |purpose| {
                    let token = sign(purpose, brand, content, &self.ring);
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
pub(crate) fn create(queues: &QueueService, queue: &str) -> Result<(), apropos_local::queue_service::QueueError> {
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

/// The other brand numbers its topics otherwise.
fn offers_number(brand: &str) -> u8 {
    u8::from(brand != BRAND)
}

pub(crate) fn settings(brand: &str) -> Value {
    let offers = json!({ "id": "offers", "number": offers_number(brand), "name": { "fr": "Offres", "en": "Offers" } });
    let news = json!({ "id": "news", "number": 0, "name": { "fr": "Nouvelles", "en": "News" } });
    let topics = if brand == BRAND {
        json!([offers])
    } else {
        json!([news, offers])
    };
    json!({
        "id": brand,
        "name": "Maison Claire",
        "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
        "sender": format!("bonjour@{brand}.example"),
        "list_domain": format!("{brand}.example"),
        "topics": topics,
        "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
        "caps": [{ "most": 2, "window_days": 7 }],
    })
}

pub(crate) fn customer(customer: &Customer) -> Value {
    json!({
        "customer": customer.name,
        "contact": { "email": customer.address, "language": "fr" },
        "home": { "commune": customer.commune },
        "interests": [customer.interest],
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

pub(crate) fn offer(brand: &str) -> Value {
    json!({
        "id": "expo",
        "title": { "fr": "Coupe-file", "en": "Skip the line" },
        "text": { "fr": "Entrez sans attendre.", "en": "Walk straight in." },
        "link": format!("https://{brand}.example/expo"),
        "category": "exhibition-tickets",
        "places": [],
        "uses": [{ "attribute": "interests", "because": { "fr": "Utile.", "en": "Useful." } }],
        "window": { "from": "2026-11-20T00:00:00Z", "until": "2027-01-03T18:00:00Z" },
    })
}

pub(crate) fn campaign(id: &str) -> Value {
    json!({
        "id": id, "offer": "expo", "topic": "offers", "goal": "inform",
        "threshold_bp": 3_000, "minimum_evidence_bp": 1_000,
    })
}

/// A request of the brand's, as API Gateway would send it, already authorised.
pub(crate) fn request(
    brand: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<ApiGatewayV2httpRequest, StageError> {
    let scopes = "context:write consents:write campaigns:write campaigns:read relevance:read";
    let authorizer = json!({ "lambda": { "brand": brand, "scopes": scopes } });
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
