//! The stack: tables, queues and mail on loopback, the functions over them, and the gateway in front.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apropos_aws::{
    Clock, DeadLetters, InvalidTopicArn, Mailer, Pacer, Person, Queue, StoreError, Tables, TopicArn, behavior,
    http_client, with_causes,
};
use apropos_core::api_key::ScopeSet;
use apropos_core::brand::Brand;
use apropos_core::document::{BrandDocument, FieldError};
use apropos_core::email::EmailAddress;
use apropos_core::ids::BrandId;
use apropos_core::link::PublicBaseUrl;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash, global_address_hash};
use apropos_run_campaigns::TickError;
use aws_config::{Region, SdkConfig};
use axum::Router;
use dynoxide::Database;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::aws_endpoint::{self, REGION};
use crate::data_dir::{DataDir, DataDirError, passing_secrets};
use crate::event_source::{ALL, Drained, EventSource, FEEDBACK, PAGES, SENDS};
use crate::functions::{Functions, Parts};
use crate::load::Meter;
use crate::mail_service::{Feedback, MailService, MailSettings, OutboxError, SendQuota};
use crate::queue_service::{QueueError, QueueService};
use crate::{gateway, inbox, notification};

/// What the names of the tables begin with.
pub const TABLE_PREFIX: &str = "apropos-";

/// The configuration set of messages whose clicks nobody hears of.
pub const CONFIGURATION_SET: &str = "apropos";

/// The configuration set of messages whose clicks are learned from.
pub const CLICK_CONFIGURATION_SET: &str = "apropos-clicks";

/// What a stack is started with.
#[derive(Debug, Clone)]
pub struct StackSettings {
    /// Where the gateway listens on loopback; any free port for `None` or 0.
    pub port: Option<u16>,
    /// Where tables and secrets are kept between runs; in memory for `None`. Messages that wait in a queue and mails in
    /// the inbox are kept in memory always.
    pub data: Option<PathBuf>,
    /// Where mails are written as `.eml`; nowhere for `None`.
    pub outbox: Option<PathBuf>,
    /// What tells the time to everything in the stack. With `data`, a manual clock is first moved on to where the last
    /// run left it.
    pub clock: Clock,
}

/// Why a stack could not start, or could not do what its operator asked.
#[derive(Debug, Error)]
pub enum StackError {
    /// The gateway's port is taken.
    #[error("port {port} of 127.0.0.1 cannot be used")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No loopback port could be had for a part of the stack.
    #[error("no loopback port could be had")]
    Loopback(#[source] io::Error),
    /// The database could not be opened.
    #[error("the database could not be opened")]
    Database(#[source] dynoxide::DynoxideError),
    /// The directory of data could not be used.
    #[error("the data directory could not be used")]
    Data(#[from] DataDirError),
    /// The outbox could not be made.
    #[error("the outbox could not be made")]
    Outbox(#[from] OutboxError),
    /// The queues could not be made; a fault of ours.
    #[error("the queues could not be made")]
    Queues(#[from] QueueError),
    /// The tables did not answer.
    #[error("the tables did not answer")]
    Tables(#[from] StoreError),
    /// What is due could not all be done; it stays due.
    #[error("what is due could not all be done")]
    Tick(#[from] TickError),
    /// The name of the topic is none; a fault of ours.
    #[error("the topic's name is refused")]
    Topic(#[from] InvalidTopicArn),
    /// No message with this id was accepted.
    #[error("no message with this id was accepted")]
    UnknownMessage,
    /// A brand's settings are refused.
    #[error("the brand's settings were refused: {0}")]
    Brand(FieldError),
}

/// Everything in one process. What it serves ends with it.
#[derive(Debug)]
pub struct Stack {
    address: SocketAddr,
    outbox: Option<PathBuf>,
    client: aws_sdk_dynamodb::Client,
    tables: Tables,
    pepper: Pepper,
    work: Arc<Work>,
    serving: JoinSet<()>,
}

impl Stack {
    /// Starts it: on return, the gateway answers, and queued messages wait for [`drain`](Self::drain) or
    /// [`work_in_background`](Self::work_in_background).
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn start(settings: StackSettings) -> Result<Self, StackError> {
        Self::start_with(settings, None).await
    }

    /// Starts it as [`start`](Self::start) does, with a meter on what the tables are asked.
    pub(crate) async fn start_metered(settings: StackSettings, meter: Meter) -> Result<Self, StackError> {
        Self::start_with(settings, Some(meter)).await
    }

    async fn start_with(settings: StackSettings, meter: Option<Meter>) -> Result<Self, StackError> {
        // The port first: when it is taken, no file has been touched.
        let listener = listen(settings.port.unwrap_or(0)).await?;
        let address = listener.local_addr().map_err(StackError::Loopback)?;
        let clock = settings.clock;
        let data = settings.data.as_deref().map(DataDir::open).transpose()?;
        resume_clock(&clock, data.as_ref())?;
        let secrets = data.as_ref().map_or_else(passing_secrets, DataDir::secrets)?;

        let mut serving = JoinSet::new();
        let client = open_database(data.as_ref(), &mut serving, meter).await?;
        let tables = tables_of(&client).await?;
        let queues = QueueService::new(clock.clone());
        for source in ALL {
            source.create(&queues)?;
        }
        let mails = MailService::new(
            clock.clone(),
            MailSettings {
                verified_domains: data.as_ref().map(DataDir::domains).transpose()?.unwrap_or_default(),
                configuration_sets: [CONFIGURATION_SET, CLICK_CONFIGURATION_SET].map(str::to_owned).to_vec(),
                quota: UNLIMITED,
                outbox: settings.outbox.clone(),
            },
        )?;
        let endpoint = serve(aws_endpoint::router(queues.clone(), mails.clone()), &mut serving).await?;
        let sdk = sdk_config(&endpoint);
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let url = |queue: &str| format!("{endpoint}/{}/{queue}", aws_endpoint::ACCOUNT_ID);
        let queue_url = |source: EventSource| url(source.queue);
        let letters = |source: EventSource| DeadLetters::new(sqs.clone(), url(source.dead_letters));
        let pepper = secrets.pepper.clone();
        let mailer = Mailer::new(&sdk, Some(CONFIGURATION_SET.to_owned()))
            .learning_from_clicks(Some(CLICK_CONFIGURATION_SET.to_owned()));
        let functions = Arc::new(Functions::new(Parts {
            tables: tables.clone(),
            clock: clock.clone(),
            pages: Queue::new(sqs.clone(), queue_url(PAGES)),
            sends: Queue::new(sqs.clone(), queue_url(SENDS)),
            transactional: Queue::new(sqs.clone(), queue_url(SENDS)),
            again: Queue::new(sqs.clone(), queue_url(SENDS)),
            letters: [letters(PAGES), letters(SENDS), letters(FEEDBACK)],
            pacer: Pacer::new(tables.clone(), mailer.clone(), REGION)?,
            mailer,
            topic: TopicArn::new(&notification::topic())?,
            base: base_url(address)?,
            secrets,
        }));

        let router = inbox::router(mails.clone()).merge(gateway::router(Arc::clone(&functions), clock.clone()));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        serving.spawn(async move { ended(axum::serve(listener, service).await) });
        Ok(Self {
            address,
            outbox: settings.outbox,
            client,
            tables,
            pepper,
            work: Arc::new(Work {
                clock,
                data,
                queues,
                mails,
                functions,
                turn: Mutex::new(()),
            }),
            serving,
        })
    }

    /// Where the gateway answers, such as `http://127.0.0.1:9000`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where mails are written.
    #[must_use]
    pub fn outbox(&self) -> Option<&Path> {
        self.outbox.as_deref()
    }

    /// The stack's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.work.clock
    }

    /// The client that the tables use, for looking at items as they are stored.
    #[must_use]
    pub const fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }

    /// The tables, for an operator's eyes.
    #[must_use]
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The queues, for an operator's eyes and for faults.
    #[must_use]
    pub fn queues(&self) -> &QueueService {
        &self.work.queues
    }

    /// The mail service: what was accepted, and faults.
    #[must_use]
    pub fn mails(&self) -> &MailService {
        &self.work.mails
    }

    /// Stores a brand's settings over the former ones, and lets its sender's domain send.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn put_brand(&self, settings: &BrandDocument) -> Result<(), StackError> {
        let brand = Brand::try_from(settings).map_err(StackError::Brand)?;
        if let Some((_, domain)) = brand.sender.as_sent().rsplit_once('@') {
            self.work.mails.verify_domain(domain);
            if let Some(data) = &self.work.data {
                data.add_domain(domain)?;
            }
        }
        Ok(self.tables.put_brand(settings).await?)
    }

    /// Makes an API key of a brand with every scope, and gives it once.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn create_key(&self, brand: &BrandId) -> Result<String, StackError> {
        self.create_scoped_key(brand, ScopeSet::all()).await
    }

    /// Makes an API key of a brand with these scopes, and gives it once.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn create_scoped_key(&self, brand: &BrandId, scopes: ScopeSet) -> Result<String, StackError> {
        let now = self.clock().now();
        let key = self.tables.mint_api_key(brand, scopes, None, now).await?;
        Ok(key.reveal())
    }

    /// Has the mail service say what became of a message that it accepted: the event waits in the queue of
    /// `record-feedback`, as SES would have SNS put it there. By itself the mail service says nothing, so that thousands
    /// of messages do not each cost another event that changes nothing.
    ///
    /// # Errors
    /// [`StackError::UnknownMessage`].
    pub fn report(&self, message_id: &str, feedback: Feedback) -> Result<(), StackError> {
        let event = self.mails().event(message_id, feedback);
        let event = event.ok_or(StackError::UnknownMessage)?;
        let body = notification::wrapped(&event, self.clock().now());
        self.work.queues.send(FEEDBACK.queue, body)?;
        Ok(())
    }

    /// Records that an address does not exist, as a hard bounce before this stack began would have: nothing was sent to
    /// it from here, so there is no message to [`report`](Self::report) on.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn mark_undeliverable(&self, address: &EmailAddress) -> Result<(), StackError> {
        Ok(self
            .tables
            .mark_undeliverable(&global_address_hash(&self.pepper, address))
            .await?)
    }

    /// Keeps a brand from writing to an address.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn suppress(
        &self,
        brand: &BrandId,
        address: &EmailAddress,
        reason: SuppressionReason,
    ) -> Result<(), StackError> {
        let hash = address_hash(&self.pepper, brand, address);
        Ok(self.tables.suppress(brand, &hash, reason).await?)
    }

    /// Who an address belongs to.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn person_at(&self, brand: &BrandId, address: &EmailAddress) -> Result<Option<Person>, StackError> {
        let hash = address_hash(&self.pepper, brand, address);
        Ok(self.tables.person_at(brand, hash, address).await?)
    }

    /// Moves the clock on.
    ///
    /// # Errors
    /// [`DataDirError`] when the new time cannot be noted.
    pub fn advance(&self, by: SignedDuration) -> Result<(), DataDirError> {
        self.work.advance(by)
    }

    /// Hands every visible message to its function, one batch after another, until none is visible.
    pub async fn drain(&self) -> DrainReport {
        self.work.drain().await
    }

    /// Does what is due by now, as each minute does.
    ///
    /// # Errors
    /// [`StackError::Tick`].
    pub async fn tick(&self) -> Result<(), StackError> {
        Ok(self.work.tick().await?)
    }

    /// Moves the clock from one due time to the next, due items and hidden messages alike, and does each time what is
    /// due, until nothing is due within `within` from now.
    ///
    /// # Errors
    /// [`StackError`].
    pub async fn release_due_until_idle(&self, within: SignedDuration) -> Result<Released, StackError> {
        let end = later(self.clock().now(), within);
        let mut released = Released {
            drained: self.drain().await,
            times: 0,
            stuck: false,
        };
        let mut last = None;
        while let Some(due) = self.next_due().await?.filter(|due| *due <= end) {
            // A tick takes what is due off its minute. Where it did not, going on would go round for ever.
            if last == Some(due) {
                released.stuck = true;
                break;
            }
            last = Some(due);
            self.advance(due.duration_since(self.clock().now()).max(SignedDuration::ZERO))?;
            self.tick().await?;
            released.drained.add(self.drain().await);
            released.times += 1;
        }
        Ok(released)
    }

    /// When something is next due: a minute with an item in it, or a message that becomes visible. A minute stays listed
    /// for a while after its items are gone, so being listed is not enough.
    async fn next_due(&self) -> Result<Option<Timestamp>, StackError> {
        let mut due = Vec::new();
        for minute in self.tables.listed_minutes().await? {
            if !self.tables.due_in(minute).await?.is_empty() {
                due.extend(Timestamp::from_second(minute.saturating_mul(60)).ok());
                break;
            }
        }
        for source in ALL {
            due.extend(self.work.queues.next_visible_at(source.queue)?);
        }
        Ok(due.into_iter().min())
    }

    /// Ends the stack: lets the batch in hand end and notes the time.
    ///
    /// # Errors
    /// [`StackError::Data`] when the time cannot be noted.
    pub async fn stop(self) -> Result<(), StackError> {
        let _turn = self.work.turn.lock().await;
        Ok(self.work.note_clock()?)
    }

    /// From now on, messages are handed on as they come, each minute has its tick, and a manual clock follows the
    /// machine's.
    pub fn work_in_background(&mut self) {
        let wake = Arc::new(Notify::new());
        let sent = Arc::clone(&wake);
        self.work.queues.on_send(move || sent.notify_one());
        // Time passes by itself now: who waits for a slot waits for it.
        self.work.clock.sleep_by(tokio::time::sleep);
        self.serving.spawn(Arc::clone(&self.work).follow_time());
        self.serving.spawn(Arc::clone(&self.work).keep_working(wake));
    }
}

/// What [`Stack::drain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DrainReport {
    /// With the pages to score.
    pub pages: Drained,
    /// With the candidates to send to.
    pub sends: Drained,
    /// With what became of messages.
    pub feedback: Drained,
}

impl DrainReport {
    /// Whether nothing is left, in the queues or among the dead letters.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.pages.is_empty() && self.sends.is_empty() && self.feedback.is_empty()
    }

    /// Adds what a later drain did; what is left and dead is the later one's.
    const fn add(&mut self, later: Self) {
        self.pages = sum(self.pages, later.pages);
        self.sends = sum(self.sends, later.sends);
        self.feedback = sum(self.feedback, later.feedback);
    }
}

const fn sum(earlier: Drained, later: Drained) -> Drained {
    Drained {
        invocations: earlier.invocations + later.invocations,
        handled: earlier.handled + later.handled,
        failed: earlier.failed + later.failed,
        left: later.left,
        dead: later.dead,
    }
}

/// What [`Stack::release_due_until_idle`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// With the messages, in all.
    pub drained: DrainReport,
    /// Times at which something was due.
    pub times: usize,
    /// Whether it stopped because something stayed due after its time.
    pub stuck: bool,
}

/// What works through queues and due items.
struct Work {
    clock: Clock,
    data: Option<DataDir>,
    queues: QueueService,
    mails: MailService,
    functions: Arc<Functions>,
    /// One at a time: so the same messages are always handled in the same order, and a drain that was asked for does
    /// not count what the background has in hand as left.
    turn: Mutex<()>,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

impl Work {
    async fn drain(&self) -> DrainReport {
        let _turn = self.turn.lock().await;
        let mut report = DrainReport::default();
        let drained = self.drain_into(&mut report).await;
        if let Err(error) = drained {
            tracing::error!(%error, "a queue of the stack did not answer");
        }
        report
    }

    async fn drain_into(&self, report: &mut DrainReport) -> Result<(), QueueError> {
        loop {
            // Pages make candidates, so they come first.
            if let Some(batch) = PAGES.poll(&self.queues, &self.functions).await? {
                report.pages.add(batch);
            } else if let Some(batch) = SENDS.poll(&self.queues, &self.functions).await? {
                report.sends.add(batch);
            } else if let Some(batch) = FEEDBACK.poll(&self.queues, &self.functions).await? {
                report.feedback.add(batch);
            } else {
                break;
            }
        }
        for (source, drained) in [
            (PAGES, &mut report.pages),
            (SENDS, &mut report.sends),
            (FEEDBACK, &mut report.feedback),
        ] {
            drained.left = self.queues.depth(source.queue)?;
            drained.dead = self.queues.depth(source.dead_letters)?.total();
        }
        Ok(())
    }

    async fn tick(&self) -> Result<(), TickError> {
        let _turn = self.turn.lock().await;
        self.functions.tick().await
    }

    fn advance(&self, by: SignedDuration) -> Result<(), DataDirError> {
        self.clock.advance(by);
        self.note_clock()
    }

    fn note_clock(&self) -> Result<(), DataDirError> {
        self.data
            .as_ref()
            .map_or(Ok(()), |data| data.note_clock(self.clock.now()))
    }

    async fn follow_time(self: Arc<Self>) {
        let mut interval = tokio::time::interval(CLOCK_STEP);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = Instant::now();
        loop {
            let now = interval.tick().await;
            // Whole milliseconds only, which is what the clock counts; the rest stays for the next step.
            let passed = Duration::from_millis(u64::try_from(now.duration_since(last).as_millis()).unwrap_or(0));
            last += passed;
            self.clock.advance(SignedDuration::try_from(passed).unwrap_or_default());
        }
    }

    async fn keep_working(self: Arc<Self>, wake: Arc<Notify>) {
        let mut minute = None;
        loop {
            let now = self.clock.now().as_second().div_euclid(60);
            if minute != Some(now) {
                minute = Some(now);
                if let Err(error) = self.tick().await {
                    tracing::error!(error = %with_causes(&error), "the minute's work failed");
                }
                if let Err(error) = self.note_clock() {
                    tracing::warn!(error = %with_causes(&error), "the time was not noted");
                }
            }
            self.drain().await;
            // Hidden messages and new minutes make no sound: both are looked for now and then.
            let _ = tokio::time::timeout(LOOK_AGAIN, wake.notified()).await;
        }
    }
}

/// Finer than how late a message may leave in its slot.
const CLOCK_STEP: Duration = Duration::from_millis(2);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A manual clock may stand still while thousands are sent, so a rate would refuse them; tests that want limits set
/// them on [`Stack::mails`].
const UNLIMITED: SendQuota = SendQuota::UNBOUNDED;

/// Notes are made once a minute, so a run that broke off may have gone on for a minute after its last one.
const SINCE_LAST_NOTE: SignedDuration = SignedDuration::from_mins(1);

fn resume_clock(clock: &Clock, data: Option<&DataDir>) -> Result<(), DataDirError> {
    let Some(data) = data else { return Ok(()) };
    if let Some(noted) = data.clock()? {
        let behind = later(noted, SINCE_LAST_NOTE).duration_since(clock.now());
        clock.advance(behind.max(SignedDuration::ZERO));
    }
    data.note_clock(clock.now())
}

fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The tables of a directory of data, or new ones in memory; they are served as long as `serving` is kept.
pub(crate) async fn open_tables(data: Option<&DataDir>, serving: &mut JoinSet<()>) -> Result<Tables, StackError> {
    let client = open_database(data, serving, None).await?;
    tables_of(&client).await
}

async fn tables_of(client: &aws_sdk_dynamodb::Client) -> Result<Tables, StackError> {
    let tables = Tables::new(client.clone(), TABLE_PREFIX);
    tables.create_missing().await?;
    Ok(tables)
}

async fn open_database(
    data: Option<&DataDir>,
    serving: &mut JoinSet<()>,
    meter: Option<Meter>,
) -> Result<aws_sdk_dynamodb::Client, StackError> {
    let database = match data {
        None => Database::memory(),
        Some(data) => Database::new(&data.database()?),
    };
    let database = database.map_err(StackError::Database)?;
    // No waiting for the disk at each write: what is lost when the machine itself fails can be made again.
    database.enable_bulk_loading().map_err(StackError::Database)?;
    let listener = listen(0).await?;
    let endpoint = endpoint(&listener)?;
    serving.spawn(dynoxide::server::serve_on(listener, database));
    let mut config = aws_sdk_dynamodb::config::Builder::from(&sdk_config(&endpoint));
    if let Some(meter) = meter {
        config = config.interceptor(meter);
    }
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

async fn serve(router: Router, serving: &mut JoinSet<()>) -> Result<String, StackError> {
    let listener = listen(0).await?;
    let endpoint = endpoint(&listener)?;
    serving.spawn(async move { ended(axum::serve(listener, router).await) });
    Ok(endpoint)
}

fn ended(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "a part of the stack stopped serving");
    }
}

async fn listen(port: u16) -> Result<TcpListener, StackError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| StackError::Port { port, source })
}

fn endpoint(listener: &TcpListener) -> Result<String, StackError> {
    let address = listener.local_addr().map_err(StackError::Loopback)?;
    Ok(format!("http://{address}"))
}

fn base_url(address: SocketAddr) -> Result<PublicBaseUrl, StackError> {
    PublicBaseUrl::new(&format!("http://{address}")).map_err(|error| StackError::Loopback(io::Error::other(error)))
}

/// The SDK's settings for a service on loopback: nothing is read from the machine's environment or files, and the
/// credentials open nothing.
pub(crate) fn sdk_config(endpoint: &str) -> SdkConfig {
    let credentials = aws_sdk_dynamodb::config::Credentials::new("local", "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(REGION))
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(http_client())
        .build()
}
