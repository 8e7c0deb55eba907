//! The connector under the SDK: calls are answered in this process, after waits and with faults that the schedule says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apropos_aws::{Clock, Table};
use apropos_local::mail_service::{Feedback, MailService, RefusalKind, SendAnswer};
use apropos_local::notification;
use apropos_local::queue_service::QueueService;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fault::{CallKind, Fault, Site, Worker, mixed};
use crate::kernel::{Bell, Time};
use crate::oracle::Oracle;
use crate::plan::{Faults, Order, Plan};
use crate::planted::{Planted, answered, changed, instead};
use crate::store::{Reply, Store};

/// When a schedule begins: ten in the morning in Paris, five in Fort-de-France.
pub(crate) const START: Timestamp = Timestamp::constant(1_796_115_600, 0);

/// The tables' prefix.
pub(crate) const PREFIX: &str = "t-";

/// One call of the SDK.
#[derive(Clone)]
pub(crate) struct Call {
    service: Service,
    pub(crate) operation: String,
    pub(crate) body: String,
    kind: CallKind,
    /// One bit for each table that it names, in the order of [`Table::ALL`].
    tables: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Tables,
    Queues,
    Mails,
}

impl Call {
    fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (service, operation) = match target.split_once('.') {
            Some(("AmazonSQS", operation)) => (Service::Queues, operation),
            Some((_, operation)) => (Service::Tables, operation),
            None if request.method() == "GET" => (Service::Mails, "GetAccount"),
            None => (Service::Mails, "SendEmail"),
        };
        let body = body.into_owned();
        Self {
            service,
            operation: operation.to_owned(),
            kind: kind(service, operation, &body),
            tables: if service == Service::Tables { named(&body) } else { 0 },
            body,
        }
    }

    pub(crate) const fn kind(&self) -> CallKind {
        self.kind
    }

    /// Whether it hands a message to SES.
    fn is_mail(&self) -> bool {
        self.kind() == CallKind::Mail
    }

    pub(crate) fn touches(&self, table: Table) -> bool {
        of(self.tables).any(|each| each == table)
    }

    pub(crate) fn is(&self, operation: &str, table: Table) -> bool {
        self.operation == operation && self.touches(table)
    }

    /// What it is about, for the trace: a table's or a queue's name, and what of it a reader wants to know.
    fn subject(&self) -> String {
        match self.service {
            Service::Mails if self.is_mail() => "ses".to_owned(),
            Service::Mails => "account".to_owned(),
            Service::Queues => {
                let queue = ["pages", "sends"]
                    .into_iter()
                    .find(|queue| self.body.contains(&format!("/{queue}\"")));
                queue.unwrap_or("queue").to_owned()
            }
            Service::Tables => {
                let tables: Vec<_> = Table::ALL
                    .into_iter()
                    .filter(|table| self.touches(*table))
                    .map(Table::suffix)
                    .collect();
                let what = if self.is_claim() {
                    " claim"
                } else if self.is_release() {
                    " release"
                } else {
                    ""
                };
                format!("{}{what}", tables.join("+"))
            }
        }
    }

    pub(crate) fn is_claim(&self) -> bool {
        self.is("UpdateItem", Table::Standing) && self.body.contains("attribute_not_exists(#claims.#run)")
    }

    fn is_release(&self) -> bool {
        self.is("UpdateItem", Table::Standing) && self.body.contains("REMOVE #claims.#run")
    }

    /// Whether it fences an attempt out that left no trace.
    pub(crate) fn is_closing(&self) -> bool {
        self.is("PutItem", Table::Deliveries)
            && self.body.contains("{\"S\":\"released\"},\"")
            && !self.is_trace()
            && !self.body.contains("\"reason\"")
    }

    pub(crate) fn is_trace(&self) -> bool {
        self.is("PutItem", Table::Deliveries) && self.body.contains("{\"S\":\"claimed\"}")
    }
}

fn kind(service: Service, operation: &str, body: &str) -> CallKind {
    match (service, operation) {
        (Service::Mails, "GetAccount") => CallKind::Read,
        (Service::Mails, _) => CallKind::Mail,
        (Service::Queues, _) => CallKind::Queue,
        (Service::Tables, "GetItem" | "BatchGetItem" | "TransactGetItems") => CallKind::Read,
        (Service::Tables, "Query" | "Scan") if body.contains("\"ConsistentRead\":true") => CallKind::Read,
        (Service::Tables, "Query" | "Scan") => CallKind::LaxRead,
        (Service::Tables, _) => CallKind::Write,
    }
}

/// The tables that the bits stand for.
pub(crate) fn of(tables: u16) -> impl Iterator<Item = Table> {
    let named = (0..)
        .zip(Table::ALL)
        .filter(move |(position, _)| tables & (1 << position) != 0);
    named.map(|(_, table)| table)
}

/// The tables that a request names, one bit each, in the order of [`Table::ALL`].
pub(crate) fn named(body: &str) -> u16 {
    let mut tables = 0;
    for (start, _) in body.match_indices("\"t-") {
        let name = body.get(start + 1 + PREFIX.len()..).unwrap_or_default();
        let is = |table: Table| {
            name.strip_prefix(table.suffix())
                .is_some_and(|rest| rest.starts_with('"'))
        };
        if let Some((position, _)) = (0..).zip(Table::ALL).find(|(_, table)| is(*table)) {
            tables |= 1 << position;
        }
    }
    tables
}

/// One line of a trace.
#[derive(Debug, Clone)]
pub struct Step {
    /// Milliseconds since the start.
    pub at: i64,
    /// Whose call, or none for what happens beside calls.
    pub site: Option<Site>,
    /// What kind of call.
    pub kind: Option<CallKind>,
    /// What.
    pub what: String,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// The HTTP status; 0 for none.
    pub status: u16,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at / 1_000;
        let millis = self.at % 1_000;
        write!(f, "{seconds:>6}.{millis:03} ")?;
        match self.site {
            Some(site) => write!(f, "{:<14} ", site.to_string())?,
            None => write!(f, "{:<14} ", "")?,
        }
        write!(f, "{}", self.what)?;
        if self.status > 0 && self.status != 200 {
            write!(f, " -> {}", self.status)?;
        }
        match self.fault {
            Some(fault) => write!(f, "  !! {fault:?}"),
            None => Ok(()),
        }
    }
}

/// What a schedule has come to so far.
#[derive(Default)]
struct Progress {
    current: Option<Worker>,
    calls: BTreeMap<Worker, u32>,
    crashed: BTreeSet<Worker>,
    trace: Vec<Step>,
    injected: Vec<(Site, Fault)>,
    send_calls: u32,
    claims: u32,
    mail_calls: u32,
    turn: Turn,
    due_minutes: BTreeSet<i64>,
    erasures: BTreeSet<String>,
    leaves: BTreeMap<String, usize>,
    brands: BTreeMap<Worker, Vec<&'static str>>,
    stands: BTreeMap<Worker, ClaimState>,
    met: BTreeMap<(ClaimState, Fault), u64>,
}

/// Where a worker's message stands when something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimState {
    /// A sender has not claimed it yet.
    Free,
    /// A sender has claimed it.
    Claimed,
    /// A sender has left its trace, and may call SES.
    Traced,
    /// SES has taken it, whatever the sender knows.
    Taken,
    /// Its outcome is written: sent.
    Sent,
    /// Its outcome is written: withheld.
    Withheld,
    /// Its outcome is written down as not known.
    Unresolved,
    /// It is given back.
    Released,
    /// SES's events about it are read.
    Reported,
    /// The minute releases or abandons it.
    Due,
    /// There is none yet, or none any more: a page is scored, or a request is answered.
    Elsewhere,
}

impl ClaimState {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Free,
        Self::Claimed,
        Self::Traced,
        Self::Taken,
        Self::Sent,
        Self::Withheld,
        Self::Unresolved,
        Self::Released,
        Self::Reported,
        Self::Due,
        Self::Elsewhere,
    ];
}

/// Whose turn it is where the plan says so.
#[derive(Default)]
struct Turn {
    second: bool,
    taken: u32,
    switches: usize,
    over: [bool; 2],
}

/// What all of a schedule share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) time: Time,
    /// The functions' clock: moved to the worker's own time each time that it goes on.
    pub(crate) clock: Clock,
    /// The services' clock: the true time.
    pub(crate) truth: Clock,
    pub(crate) bell: Bell,
    pub(crate) queues: QueueService,
    pub(crate) mails: MailService,
    pub(crate) store: Arc<Mutex<Store>>,
    pub(crate) oracle: Mutex<Oracle>,
    progress: Mutex<Progress>,
}

impl Shared {
    pub(crate) fn new(
        plan: Plan,
        time: Time,
        (clock, truth): (Clock, Clock),
        (queues, mails): (QueueService, MailService),
        store: Arc<Mutex<Store>>,
        oracle: Oracle,
    ) -> Self {
        Self {
            plan,
            time,
            clock,
            truth,
            bell: Bell::default(),
            queues,
            mails,
            store,
            oracle: Mutex::new(oracle),
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_planted(&self, planted: Planted) -> bool {
        self.plan.planted == Some(planted)
    }

    /// The true time as the services tell it.
    pub(crate) fn now(&self) -> Timestamp {
        self.set(&self.truth, 0);
        self.truth.now()
    }

    fn set(&self, clock: &Clock, skew: i64) {
        let now = START.as_millisecond() + self.time.now() + skew;
        clock.advance(SignedDuration::from_millis(now - clock.now().as_millisecond()));
    }

    /// A worker goes on.
    pub(crate) fn enter(&self, worker: Worker, is_first: bool) {
        self.progress().current = Some(worker);
        if is_first || !self.is_planted(Planted::NoDeadlineGuard) {
            self.set(&self.clock, self.plan.skew(worker));
        }
    }

    /// For whom the next invocation of a worker is.
    pub(crate) fn on_behalf_of(&self, worker: Worker, brands: Vec<&'static str>) {
        self.progress().brands.insert(worker, brands);
    }

    /// It waits again, or is done. Whether it crashed meanwhile.
    pub(crate) fn leave(&self, worker: Worker) -> bool {
        let mut progress = self.progress();
        progress.current = None;
        progress.crashed.remove(&worker)
    }

    /// An invocation of a worker ended, whatever way.
    pub(crate) fn ended(&self, worker: Worker) {
        if let Some(position) = side(worker) {
            if let Some(over) = self.progress().turn.over.get_mut(position) {
                *over = true;
            }
            self.bell.ring();
        }
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        let at = self.time.now();
        self.progress().trace.push(Step {
            at,
            site: None,
            kind: None,
            what: what.into(),
            fault: None,
            status: 0,
        });
    }

    pub(crate) fn trace(&self) -> Vec<Step> {
        std::mem::take(&mut self.progress().trace)
    }

    pub(crate) fn injected(&self) -> Vec<(Site, Fault)> {
        self.progress().injected.clone()
    }

    /// How often what went wrong where.
    pub(crate) fn met(&self) -> BTreeMap<(ClaimState, Fault), u64> {
        self.progress().met.clone()
    }

    /// Where the message of a worker stands.
    fn stands(progress: &Progress, worker: Worker) -> ClaimState {
        match worker {
            Worker::SendsA | Worker::SendsB => progress.stands.get(&worker).copied().unwrap_or(ClaimState::Free),
            Worker::Feedback => ClaimState::Reported,
            Worker::Minute => ClaimState::Due,
            Worker::Stage | Worker::Pages | Worker::Request(_) => ClaimState::Elsewhere,
        }
    }

    /// Follows a sender's message by what it does about it.
    fn follow(&self, worker: Worker, call: &Call, reply: &Reply) {
        if side(worker).is_none() {
            return;
        }
        let settled = || {
            [
                ("sent", ClaimState::Sent),
                ("withheld", ClaimState::Withheld),
                ("unresolved", ClaimState::Unresolved),
                ("released", ClaimState::Released),
            ]
            .into_iter()
            .find(|(state, _)| call.body.contains(&format!("\":state\":{{\"S\":\"{state}\"}}")))
        };
        let state = if call.operation == "BatchGetItem" && call.touches(Table::Contacts) {
            Some(ClaimState::Free)
        } else if reply.status != 200 {
            None
        } else if call.is_claim() {
            Some(ClaimState::Claimed)
        } else if call.is_trace() {
            Some(ClaimState::Traced)
        } else if call.is("UpdateItem", Table::Deliveries) {
            settled().map(|(_, state)| state)
        } else if call.is("PutItem", Table::Deliveries) && call.body.contains("{\"S\":\"withheld\"}") {
            Some(ClaimState::Withheld)
        } else {
            None
        };
        if let Some(state) = state {
            self.progress().stands.insert(worker, state);
        }
    }

    /// How many calls the senders have made.
    pub(crate) fn send_calls(&self) -> u32 {
        self.progress().send_calls
    }

    /// How many claims were won.
    pub(crate) fn claims(&self) -> u32 {
        self.progress().claims
    }

    /// How many messages were on their way to SES.
    pub(crate) fn mail_calls(&self) -> u32 {
        self.progress().mail_calls
    }

    pub(crate) fn calls(&self) -> BTreeMap<Worker, u32> {
        self.progress().calls.clone()
    }

    /// When the next minute with something in it comes, in milliseconds since the start.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let progress = self.progress();
        let minute = progress.due_minutes.first().copied();
        minute.map(|minute| minute * 60_000 - START.as_millisecond())
    }

    /// The minutes up to now were looked at.
    pub(crate) fn looked_at_minutes(&self, until: i64) {
        let last = (START.as_millisecond() + until).div_euclid(60_000);
        self.progress().due_minutes.retain(|minute| *minute > last);
    }

    /// Something is to be looked at again in the next minute.
    pub(crate) fn look_next_minute(&self) {
        let next = (START.as_millisecond() + self.time.now()).div_euclid(60_000) + 1;
        self.progress().due_minutes.insert(next);
    }

    /// Whether an erasure is listed.
    pub(crate) fn is_erasing(&self) -> bool {
        !self.progress().erasures.is_empty()
    }

    /// A message of the feedback queue, once handled, means that the person has left.
    pub(crate) fn leaves_by(&self, message_id: String, person: usize) {
        self.progress().leaves.insert(message_id, person);
    }

    pub(crate) fn handled(&self, message_id: &str) {
        let person = self.progress().leaves.get(message_id).copied();
        if let Some(person) = person {
            let now = self.time.now();
            self.oracle().left(person, now, true);
        }
    }
}

const fn side(worker: Worker) -> Option<usize> {
    match worker {
        Worker::SendsA => Some(0),
        Worker::SendsB => Some(1),
        Worker::Stage | Worker::Pages | Worker::Feedback | Worker::Minute | Worker::Request(_) => None,
    }
}

/// The network: an HTTP client of the SDK's.
#[derive(Clone)]
pub(crate) struct Network(pub(crate) Arc<Shared>);

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl HttpClient for Network {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let shared = Arc::clone(&self.0);
        let call = Call::of(&request);
        let site = shared.site(&call);
        HttpConnectorFuture::new(async move {
            let again = shared.is_planted(Planted::MailRetried) && call.is_mail();
            let mut answer = shared.answer(&call, site).await;
            // The SDK's own way: up to three times for what it takes as passing.
            for _ in 0..if again { 2 } else { 0 } {
                if matches!(&answer, Ok(response) if response.status().as_u16() < 500) {
                    break;
                }
                let site = shared.another(site);
                answer = shared.answer(&call, site).await;
            }
            if shared.is_planted(Planted::UnknownMeansNotSent)
                && call.is_mail()
                && !matches!(&answer, Ok(response) if response.status().is_success())
            {
                return response(&mail_refusal(RefusalKind::TooManyRequests));
            }
            answer
        })
    }
}

pub(crate) fn response(reply: &Reply) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(reply.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body.as_str()));
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    if let Some(kind) = reply.kind {
        response.headers_mut().insert("x-amzn-errortype", kind);
    }
    Ok(response)
}

fn broken() -> ConnectorError {
    ConnectorError::io("the connection broke, as the schedule says".into())
}

pub(crate) fn mail_refusal(kind: RefusalKind) -> Reply {
    let (status, kind) = kind.wire();
    Reply {
        status,
        kind: Some(kind),
        body: r#"{"message":"as the schedule says"}"#.to_owned(),
    }
}

const MAIL_ERROR: Reply = Reply {
    status: 500,
    kind: Some("InternalFailure"),
    body: String::new(),
};

impl Shared {
    fn site(&self, call: &Call) -> Site {
        let is_mail = call.is_mail();
        let mut progress = self.progress();
        let worker = progress.current.unwrap_or(Worker::Stage);
        let count = progress.calls.entry(worker).or_insert(0);
        let call = *count;
        *count += 1;
        if side(worker).is_some() {
            progress.send_calls += 1;
            progress.mail_calls += u32::from(is_mail);
            drop(progress);
            self.bell.ring();
        }
        Site { worker, call }
    }

    fn another(&self, former: Site) -> Site {
        let mut progress = self.progress();
        let count = progress.calls.entry(former.worker).or_insert(0);
        let call = *count;
        *count += 1;
        Site {
            worker: former.worker,
            call,
        }
    }

    fn dice(&self, site: Site, what: u64) -> u64 {
        mixed(self.plan.seed, [site.worker.number(), u64::from(site.call), what])
    }

    fn fault(&self, site: Site, call: &Call) -> Option<Fault> {
        let kind = call.kind();
        if site.worker == Worker::Stage {
            return None;
        }
        match &self.plan.faults {
            Faults::These(these) => these
                .iter()
                .find(|(at, fault)| *at == site && Fault::of(kind).contains(fault))
                .map(|(_, fault)| *fault),
            Faults::Random { in_1000, leaning } => {
                // There are few claims, traces and calls of SES among the many calls, and they are what matters most.
                let matters = kind == CallKind::Mail || call.is_claim() || call.is_trace();
                if let Some(leaning) = leaning
                    && (matters || kind == CallKind::Queue)
                    // A claim that is long in coming sends nothing.
                    && (*leaning != Fault::Slow || kind == CallKind::Mail)
                    && Fault::of(kind).contains(leaning)
                    && self.time.now() <= FAULTS_UNTIL
                    && self.dice(site, 9) % 1_000 < LEANING_IN_1000
                {
                    return Some(*leaning);
                }
                let in_1000 = u64::from(*in_1000) * if matters { 5 } else { 1 };
                if self.time.now() > FAULTS_UNTIL || self.dice(site, 1) % 1_000 >= in_1000.min(600) {
                    return None;
                }
                let possible = Fault::of(kind);
                let pick = usize::try_from(self.dice(site, 2) % 1_024).unwrap_or(0) % possible.len().max(1);
                possible.get(pick).copied()
            }
        }
    }

    async fn answer(self: &Arc<Self>, call: &Call, site: Site) -> Result<HttpResponse, ConnectorError> {
        let fault = self.fault(site, call);
        let quick = site.worker == Worker::Stage;
        if !quick {
            match self.plan.order {
                Order::Times => {
                    let way = 1 + i64::try_from(self.dice(site, 3) % 20).unwrap_or(0);
                    self.time.sleep(way).await;
                }
                Order::Turns(_) => self.turn(site.worker).await,
            }
        }
        if fault == Some(Fault::Slow) {
            // Slower than SES's time-out, or it would be a call like any other.
            let more = if call.kind() == CallKind::Mail { 2_400 } else { 0 };
            self.time.sleep(more + self.while_slow(site)).await;
        }
        if let Some(fault) = fault {
            let mut progress = self.progress();
            progress.injected.push((site, fault));
            let state = Self::stands(&progress, site.worker);
            *progress.met.entry((state, fault)).or_insert(0) += 1;
            drop(progress);
        }
        let reply = self.effect(call, site, fault);
        let status = reply.as_ref().map_or(0, |reply| reply.status);
        if !quick {
            let at = self.time.now();
            self.progress().trace.push(Step {
                at,
                site: Some(site),
                kind: Some(call.kind()),
                what: format!("{} {}", call.operation, call.subject()),
                fault,
                status,
            });
        }
        match fault {
            Some(Fault::CrashBefore | Fault::CrashAfter) => {
                self.progress().crashed.insert(site.worker);
                return std::future::pending().await;
            }
            Some(Fault::LostAnswer) => return Err(broken()),
            Some(Fault::MailSilent) => {
                self.time.sleep(60_000).await;
                return Err(broken());
            }
            Some(Fault::SlowAnswer) => self.time.sleep(self.while_slow(site)).await,
            Some(_) | None => {}
        }
        if !quick && matches!(self.plan.order, Order::Times) {
            let way = 1 + i64::try_from(self.dice(site, 4) % 20).unwrap_or(0);
            self.time.sleep(way).await;
        }
        reply.map_or_else(|| Err(broken()), |reply| response(&reply))
    }

    fn while_slow(&self, site: Site) -> i64 {
        200 + i64::try_from(self.dice(site, 5) % 8_000).unwrap_or(0)
    }

    /// Waits for the worker's turn, where the plan gives turns, and counts it.
    async fn turn(&self, worker: Worker) {
        let Some(side) = side(worker) else { return };
        loop {
            let seen = self.bell.rung();
            if self.may_go_on(side) {
                return;
            }
            self.bell.heard(seen, None).await;
        }
    }

    fn may_go_on(&self, side: usize) -> bool {
        let Order::Turns(switches) = &self.plan.order else {
            return true;
        };
        let mut progress = self.progress();
        let turn = &mut progress.turn;
        let other = 1 - side;
        let mine = turn.second == (side == 1);
        let other_is_over = turn.over.get(other).copied().unwrap_or(true);
        if !mine && !other_is_over {
            return false;
        }
        if mine && switches.get(turn.switches).is_some_and(|after| turn.taken >= *after) && !other_is_over {
            turn.switches += 1;
            turn.taken = 0;
            turn.second = !turn.second;
            drop(progress);
            self.bell.ring();
            return false;
        }
        turn.second = side == 1;
        turn.taken += 1;
        true
    }

    /// What the services do; `None` where nothing reaches them.
    fn effect(self: &Arc<Self>, call: &Call, site: Site, fault: Option<Fault>) -> Option<Reply> {
        self.now();
        match fault {
            Some(Fault::CrashBefore) => return None,
            Some(Fault::Error) if call.service == Service::Mails => return Some(MAIL_ERROR),
            Some(Fault::Error) => return Some(Reply::error(500, "InternalServerError")),
            Some(Fault::Throttled) => return Some(Reply::error(400, "ProvisionedThroughputExceededException")),
            Some(Fault::Conflict) if call.operation == "TransactWriteItems" => return Some(conflict(&call.body)),
            Some(Fault::Conflict) => return Some(Reply::error(400, "TransactionConflictException")),
            Some(_) | None => {}
        }
        Some(match call.service {
            Service::Tables => self.tables(call, site, fault),
            Service::Queues => self.queue(call, site, fault),
            Service::Mails if call.is_mail() => self.mail(call, site, fault),
            Service::Mails => Reply::ok(serde_json::to_string(&self.mails.account()).unwrap_or_default()),
        })
    }

    fn tables(&self, call: &Call, site: Site, fault: Option<Fault>) -> Reply {
        let now = self.time.now();
        let mut store = self.store();
        if let Some(reply) = self.plan.planted.and_then(|planted| instead(planted, call, site)) {
            return reply;
        }
        let is_old = fault == Some(Fault::Stale)
            || self.is_planted(Planted::ConsentFromStaleRead)
                && call.kind() == CallKind::Read
                && side(site.worker).is_some()
                && call.touches(Table::Standing);
        if is_old {
            let lag = i64::try_from(self.dice(site, 6) % 3_000).unwrap_or(0);
            return store.stale(&call.operation, &call.body, now - lag);
        }
        let body = self.plan.planted.and_then(|planted| changed(planted, call));
        let mut reply = store.call(&call.operation, body.as_deref().unwrap_or(&call.body), call.tables, now);
        if self.is_planted(Planted::ClaimRefusedMeansWon) && call.is_claim() && reply.status == 400 {
            reply = Reply::ok("{}");
        }
        if site.worker != Worker::Stage
            && let Some(planted) = self.plan.planted
            && let Some(other) = answered(planted, call, site, &reply.body)
        {
            reply.body = other;
        }
        self.follow(site.worker, call, &reply);
        if self.is_planted(Planted::ZoneIgnored) && call.kind() == CallKind::Read {
            reply.body = reply.body.replace("America/Martinique", "Europe/Paris");
        }
        if site.worker != Worker::Stage {
            let progress = self.progress();
            let brands = progress.brands.get(&site.worker).map_or(&[][..], Vec::as_slice);
            let asked = body.as_deref().unwrap_or(&call.body);
            self.oracle().named(&call.operation, brands, [asked, &reply.body]);
        }
        if call.kind() == CallKind::Write && reply.status == 200 {
            if call.is_claim() {
                self.progress().claims += 1;
                self.bell.ring();
            }
            if call.touches(Table::Audience) {
                self.oracle().records.looked(&store);
            }
            if call.touches(Table::Standing) {
                self.oracle().looked(&mut store, now, Some(&call.body));
            }
            drop(store);
            if call.touches(Table::Due) {
                self.due(call);
            }
        }
        reply
    }

    /// Follows what is listed to be looked at by a minute.
    fn due(&self, call: &Call) {
        let body = parsed(&call.body);
        let named = body.get("Item").or_else(|| body.get("Key"));
        let text = |name: &str| named.and_then(|item| item.get(name)?.get("S")?.as_str());
        let mut progress = self.progress();
        match (text("pk"), call.operation.as_str()) {
            (Some("erasures"), "PutItem") => {
                progress.erasures.extend(text("sk").map(str::to_owned));
            }
            (Some("erasures"), "DeleteItem") => {
                progress.erasures.remove(text("sk").unwrap_or_default());
            }
            (Some("minutes"), "PutItem") => {
                if let Some(minute) = text("sk").and_then(|minute| minute.parse().ok()) {
                    progress.due_minutes.insert(minute);
                }
            }
            (Some(_) | None, _) => {
                // Whatever else was written may be in a minute that was looked at already.
                let pk = text("pk").and_then(|pk| pk.split('#').next()?.parse::<i64>().ok());
                if let (Some(minute), "PutItem") = (pk, call.operation.as_str()) {
                    progress.due_minutes.insert(minute);
                }
            }
        }
        drop(progress);
        self.bell.ring();
    }

    fn queue(&self, call: &Call, site: Site, fault: Option<Fault>) -> Reply {
        let mut body = parsed(&call.body);
        if let Some(entry) = body.pointer_mut("/Entries/0/MessageBody")
            && self.is_planted(Planted::AddressQueued)
        {
            let text = entry
                .as_str()
                .unwrap_or_default()
                .replacen("\"v\":1", "\"v\":1,\"to\":\"ada@mail.example\"", 1);
            *entry = json!(text);
        }
        self.oracle().queued(&body.to_string());
        let entries = body.pointer_mut("/Entries").and_then(Value::as_array_mut);
        let mut left_out = None;
        match (fault, entries) {
            (Some(Fault::QueuePartly), Some(entries)) => left_out = entries.pop(),
            (Some(Fault::QueueLate), Some(entries)) => {
                for entry in entries {
                    put(entry, "DelaySeconds", json!(1 + self.dice(site, 7) % 600));
                }
            }
            (Some(_) | None, _) => {}
        }
        let is_empty = body.pointer("/Entries/0").is_none();
        let times = if fault == Some(Fault::QueueTwice) { 2 } else { 1 };
        let mut answer = json!({ "Successful": [], "Failed": [] });
        for _ in 0..times {
            if is_empty {
                break;
            }
            match self
                .queues
                .call(&call.operation, body.to_string().as_bytes(), "http://queues.example")
            {
                Ok(said) => answer = serde_json::from_slice(&said).unwrap_or(answer),
                Err(error) => return Reply::error(400, error.wire().0),
            }
        }
        if let Some(id) = left_out.as_ref().and_then(|entry| entry.get("Id")) {
            put(
                &mut answer,
                "Failed",
                json!([{ "Id": id, "SenderFault": false, "Code": "InternalError", "Message": "as the schedule says" }]),
            );
        }
        self.bell.ring();
        Reply::ok(answer.to_string())
    }

    fn mail(&self, call: &Call, site: Site, fault: Option<Fault>) -> Reply {
        match fault {
            Some(Fault::MailThrottled) => return mail_refusal(RefusalKind::TooManyRequests),
            Some(Fault::MailPaused) => return mail_refusal(RefusalKind::SendingPaused),
            Some(Fault::MailRejected) => return mail_refusal(RefusalKind::MessageRejected),
            Some(Fault::MailError) => return MAIL_ERROR,
            Some(_) | None => {}
        }
        let answer = match self.mails.send_json(call.body.as_bytes()) {
            Ok(answer) => answer,
            Err(unreadable) => return Reply::error(400, &unreadable.to_string()),
        };
        match answer {
            SendAnswer::Accepted(message_id) => {
                self.accepted(&message_id, site);
                self.progress().stands.insert(site.worker, ClaimState::Taken);
                let body = json!({ "MessageId": message_id }).to_string();
                match fault {
                    Some(Fault::MailErrorTaken) => MAIL_ERROR,
                    Some(Fault::MailTruncated) => Reply::ok(body.get(..body.len() / 2).unwrap_or("")),
                    Some(_) | None => Reply::ok(body),
                }
            }
            SendAnswer::Refused(refusal) => mail_refusal(refusal.kind),
            SendAnswer::InternalError | SendAnswer::Truncated(_) | SendAnswer::Reset => MAIL_ERROR,
        }
    }

    /// SES took a message: the checks look at it, and SES will say what became of it.
    fn accepted(&self, message_id: &str, site: Site) {
        let now = self.time.now();
        let Some(mail) = self.mails.find(message_id) else {
            return;
        };
        let verdict = self.oracle().accepted(&mail, now, self.now());
        if let Some((person, run)) = verdict {
            self.note(format!("SES takes a message to person {person} of run {run}"));
            let said = self.dice(site, 8);
            if !said.is_multiple_of(8) {
                let event = notification::wrapped(&mail.event(Feedback::Delivery, self.now()), self.now());
                let delay = SignedDuration::from_secs(i64::try_from(1 + said % 600).unwrap_or(1));
                if self.queues.send_delayed("feedback", event, delay).is_ok() {
                    self.oracle().told(person, &run);
                }
            }
        } else {
            self.note("SES takes a transactional message");
        }
        self.bell.ring();
    }
}

/// How often what a schedule leans to goes wrong, at the calls that matter most.
const LEANING_IN_1000: u64 = 300;

/// When things stop going wrong, in milliseconds.
pub(crate) const FAULTS_UNTIL: i64 = 15 * 60_000;

pub(crate) fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}

pub(crate) fn put(value: &mut Value, name: &str, member: Value) {
    if let Some(members) = value.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}

fn conflict(body: &str) -> Reply {
    let items = parsed(body)
        .pointer("/TransactItems")
        .and_then(Value::as_array)
        .map_or(1, Vec::len);
    let reasons: Vec<Value> = (0..items)
        .map(|position| json!({ "Code": if position == 0 { "TransactionConflict" } else { "None" } }))
        .collect();
    Reply {
        status: 400,
        kind: None,
        body: json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": reasons,
        })
        .to_string(),
    }
}
