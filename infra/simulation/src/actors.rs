//! Who acts in a schedule: the queues' workers, the minute, the operator, people and brands.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use apropos_aws::{Deadline, with_causes};
use apropos_local::mail_service::{AcceptedMail, BounceKind, Feedback};
use apropos_local::notification;
use apropos_local::queue_service::ReceivedMessage;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fault::{Worker, mixed};
use crate::kernel::Kernel;
use crate::network::{FAULTS_UNTIL, START, Shared};
use crate::oracle::moment;
use crate::plan::{Action, What, When};
use crate::planted::Planted;
use crate::stage::{Functions, QUEUES, StageError, consent, customer, dead_letters, form, request};
use crate::world::{self, BRANDS};

/// Brings everybody on.
pub(crate) fn enter(kernel: &mut Kernel, shared: &Arc<Shared>, functions: &Arc<Functions>) {
    for worker in [Worker::Pages, Worker::SendsA, Worker::SendsB, Worker::Feedback] {
        kernel.spawn(work(Arc::clone(shared), Arc::clone(functions), worker));
    }
    kernel.spawn(minutes(Arc::clone(shared), Arc::clone(functions)));
    let operator = Arc::clone(shared);
    kernel.spawn(async move {
        operator.time.sleep(FAULTS_UNTIL + 30 * 60_000).await;
        redrive(&operator);
    });
    for (position, action) in (0u8..).zip(&shared.plan.actions) {
        kernel.spawn(act(Arc::clone(shared), Arc::clone(functions), position, *action));
    }
}

/// Puts dead letters back; how many.
pub(crate) fn redrive(shared: &Shared) -> usize {
    shared.now();
    let moved = QUEUES
        .into_iter()
        .filter_map(|queue| shared.queues.redrive(&dead_letters(queue), queue).ok())
        .sum();
    if moved > 0 {
        shared.note(format!("{moved} dead letters go back"));
        shared.bell.ring();
    }
    moved
}

/// One invocation: it ends with an answer, or by a crash, or because its time is over, without one.
async fn invoke<T>(shared: &Shared, worker: Worker, seconds: i64, call: impl Future<Output = T>) -> Option<T> {
    let mut call = Box::pin(call);
    let mut limit = shared.time.sleep(seconds * 1_000);
    let mut is_first = true;
    let answer = std::future::poll_fn(|cx| {
        shared.enter(worker, is_first);
        is_first = false;
        let polled = call.as_mut().poll(cx);
        if shared.leave(worker) {
            return Poll::Ready(None);
        }
        match polled {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => Pin::new(&mut limit).poll(cx).map(|()| None),
        }
    })
    .await;
    drop(call);
    if answer.is_none() {
        shared.note(format!("{worker:?} ends without an answer"));
    }
    shared.ended(worker);
    answer
}

/// A queue's mapping to its function, for one instance of it.
async fn work(shared: Arc<Shared>, functions: Arc<Functions>, worker: Worker) {
    let (queue, most, seconds) = match worker {
        Worker::Pages => ("pages", 2, 60),
        Worker::SendsA | Worker::SendsB => ("sends", shared.plan.batch(), 75),
        Worker::Feedback | Worker::Stage | Worker::Minute | Worker::Request(_) => ("feedback", 10, 30),
    };
    let mut round = 0;
    loop {
        round += 1;
        let seen = shared.bell.rung();
        let wait = mixed(shared.plan.seed, [800, worker.number(), round]) % 30;
        shared.time.sleep(i64::try_from(wait).unwrap_or(0)).await;
        shared.now();
        let received = shared.queues.receive(queue, most).unwrap_or_default();
        if received.is_empty() {
            let next = shared.queues.next_visible_at(queue).ok().flatten();
            let timeout = next.map(|next| shared.time.sleep(millis(next) - shared.time.now()));
            shared.bell.heard(seen, timeout).await;
            continue;
        }
        if shared.is_planted(Planted::AcknowledgedFirst) {
            delete(&shared, queue, &received, None);
        }
        if worker == Worker::Feedback && shared.is_planted(Planted::FeedbackDropped) {
            delete(&shared, queue, &received, None);
            continue;
        }
        let Ok(event) = batch(queue, &received) else { return };
        let is_named = |brand: &str| received.iter().any(|message| message.body.contains(brand));
        let brands = BRANDS.into_iter().filter(|brand| is_named(brand)).collect();
        shared.on_behalf_of(worker, brands);
        // By the worker's own clock, as Lambda tells it.
        let began = shared.now() + SignedDuration::from_millis(shared.plan.skew(worker));
        let deadline = Deadline::after(began, SignedDuration::from_secs(seconds));
        let answer = invoke(&shared, worker, seconds, async {
            match worker {
                Worker::Pages => functions.pages.sqs(event, deadline).await,
                Worker::SendsA | Worker::SendsB => {
                    let [first, second] = &functions.sends;
                    let sender = if worker == Worker::SendsA { first } else { second };
                    Box::pin(sender.sqs(event, deadline)).await
                }
                Worker::Feedback | Worker::Stage | Worker::Minute | Worker::Request(_) => {
                    functions.feedback.sqs(event, deadline).await
                }
            }
        })
        .await;
        if let Some(answer) = answer {
            delete(&shared, queue, &received, Some(&answer));
        }
    }
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond() - START.as_millisecond()
}

fn delete(shared: &Shared, queue: &str, received: &[ReceivedMessage], answer: Option<&SqsBatchResponse>) {
    shared.now();
    for message in received {
        let failed = answer.is_some_and(|answer| {
            answer
                .batch_item_failures
                .iter()
                .any(|failure| failure.item_identifier == message.message_id)
        });
        if failed && !shared.is_planted(Planted::FailuresAcknowledged) {
            continue;
        }
        let _ = shared.queues.delete(queue, &message.receipt_handle);
        shared.handled(&message.message_id);
    }
}

pub(crate) fn batch(queue: &str, received: &[ReceivedMessage]) -> Result<SqsEvent, serde_json::Error> {
    let records: Vec<Value> = received
        .iter()
        .map(|message| {
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": &*message.body,
                "attributes": { "ApproximateReceiveCount": message.receive_count.to_string() },
                "messageAttributes": {},
                "md5OfBody": message.md5_of_body,
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:eu-west-3:000000000000:{queue}"),
                "awsRegion": "eu-west-3",
            })
        })
        .collect();
    serde_json::from_str(&json!({ "Records": records }).to_string())
}

/// The schedule of a minute. Minutes in which nothing can be due are passed over.
async fn minutes(shared: Arc<Shared>, functions: Arc<Functions>) {
    const ERASURES_EVERY: i64 = 5 * 60_000;
    let mut erased_at = None;
    let mut last = i64::MIN / 2;
    loop {
        let seen = shared.bell.rung();
        let now = shared.time.now();
        let erasing = shared
            .is_erasing()
            .then(|| *erased_at.get_or_insert(now) + ERASURES_EVERY);
        // A slow clock comes to a minute later.
        let due = shared.next_due().map(|due| due - shared.plan.skew(Worker::Minute));
        let Some(next) = [due, erasing].into_iter().flatten().min() else {
            erased_at = None;
            shared.bell.heard(seen, None).await;
            continue;
        };
        // Once a minute, however far its clock is from the senders'.
        let next = next.max(last + 60_000);
        if now < next {
            let timeout = Some(shared.time.sleep(next - now));
            shared.bell.heard(seen, timeout).await;
            continue;
        }
        erased_at = Some(now);
        last = now;
        shared.looked_at_minutes(now + shared.plan.skew(Worker::Minute));
        shared.on_behalf_of(Worker::Minute, BRANDS.to_vec());
        let done = invoke(&shared, Worker::Minute, 60, async {
            functions.portal.tick().await;
            functions.campaigns.tick().await
        })
        .await;
        match done {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                shared.note(format!("a minute's work failed: {}", with_causes(&error)));
                shared.look_next_minute();
            }
            None => shared.look_next_minute(),
        }
    }
}

/// How often whoever asked tries again, and after what time.
const TRIES: u64 = 60;
const TRY_AGAIN: i64 = 30_000;

async fn act(shared: Arc<Shared>, functions: Arc<Functions>, position: u8, action: Action) {
    match action.when {
        When::At(millis) => shared.time.sleep(millis).await,
        When::Call(count) => reached(&shared, count, Shared::send_calls).await,
        When::Claim(count) => reached(&shared, count, Shared::claims).await,
        When::Mail(count) => reached(&shared, count, Shared::mail_calls).await,
    }
    shared.note(format!("action {position}: {:?}", action.what));
    let actor = Actor {
        shared,
        functions,
        position,
    };
    // What fails here is a fault of the stage's own and shows as an action that is missing from the trace.
    if let Err(error) = actor.perform(action.what).await {
        actor
            .shared
            .note(format!("action {position} could not be set up: {error}"));
    }
}

/// Waits until the senders have come so far. What they never come to happens a while later.
async fn reached(shared: &Shared, count: u32, come_to: fn(&Shared) -> u32) {
    const AT_THE_LATEST: i64 = 600_000;
    loop {
        let (seen, now) = (shared.bell.rung(), shared.time.now());
        if come_to(shared) >= count || now >= AT_THE_LATEST {
            return;
        }
        let timeout = Some(shared.time.sleep(AT_THE_LATEST - now));
        shared.bell.heard(seen, timeout).await;
    }
}

struct Actor {
    shared: Arc<Shared>,
    functions: Arc<Functions>,
    position: u8,
}

/// Which function a request is for.
#[derive(Clone, Copy)]
enum At {
    Portal,
    Consents,
    Context,
    Campaigns,
}

impl Actor {
    async fn perform(&self, what: What) -> Result<(), StageError> {
        match what {
            What::Nothing => Ok(()),
            What::Launch(campaign) => self.campaign(campaign, "launch").await,
            What::Cancel(campaign) => self.campaign(campaign, "cancel").await,
            What::Pause(campaign) => {
                self.campaign(campaign, "pause").await?;
                self.shared.time.sleep(150_000).await;
                self.campaign(campaign, "resume").await
            }
            What::Unsubscribe(person) => self.unsubscribe(person).await,
            What::Withdraw(person) => {
                let began = self.shared.time.now();
                if self.consent(person, "withdraw", "customer").await? {
                    let now = self.shared.time.now();
                    self.shared.oracle().left_since(usize::from(person), began, now);
                }
                Ok(())
            }
            What::Grant(person) => {
                self.shared.oracle().grants(usize::from(person), self.shared.time.now());
                self.consent(person, "grant", "customer").await?;
                Ok(())
            }
            What::Import(person) => {
                let actor = if self.shared.is_planted(Planted::ImportRevives) {
                    "customer"
                } else {
                    "import"
                };
                self.consent(person, "grant", actor).await?;
                Ok(())
            }
            What::Context(person) => {
                let told = world::customer(person);
                let body = json!({ "customers": [customer(&told)] });
                self.ask(
                    At::Context,
                    told.brand,
                    &request(told.brand, "POST", "/v1/customers", &body)?,
                )
                .await;
                Ok(())
            }
            What::Complain(person) => {
                self.feedback(person, Feedback::Complaint).await;
                Ok(())
            }
            What::Bounce(person) => {
                self.feedback(person, Feedback::Bounce(BounceKind::Permanent)).await;
                Ok(())
            }
            What::Erase(person) => self.erase(person).await,
        }
    }

    async fn campaign(&self, campaign: u8, verb: &str) -> Result<(), StageError> {
        let (brand, id) = world::campaign(campaign);
        let path = format!("/v1/campaigns/{id}/{verb}");
        self.ask(At::Campaigns, brand, &request(brand, "POST", &path, &json!({}))?)
            .await;
        Ok(())
    }

    /// Whether the event was recorded, and somebody was told so.
    async fn consent(&self, person: u8, act: &str, actor: &str) -> Result<bool, StageError> {
        let event = format!("a{}", self.position);
        let at = moment(self.shared.time.now());
        let world::Customer { brand, name, .. } = world::customer(person);
        let body = json!({ "events": [consent(name, &event, act, actor, &at)] });
        let event_of = request(brand, "POST", "/v1/consents", &body)?;
        let answer = self.ask(At::Consents, brand, &event_of).await;
        let recorded = answer.as_ref().map(text);
        let is_recorded = recorded.is_some_and(|text| text.contains("\"recorded\":1"));
        if is_recorded {
            self.shared.oracle().recorded(usize::from(person), &event);
        }
        Ok(is_recorded)
    }

    async fn unsubscribe(&self, person: u8) -> Result<(), StageError> {
        let Some([token, _]) = self.functions.tokens.get(usize::from(person)) else {
            return Ok(());
        };
        let began = self.shared.time.now();
        let brand = world::customer(person).brand;
        let event = form(&format!("/u/{brand}/{token}"), "List-Unsubscribe=One-Click")?;
        if self.ask(At::Portal, brand, &event).await.is_some() {
            let now = self.shared.time.now();
            self.shared.oracle().left_since(usize::from(person), began, now);
        }
        Ok(())
    }

    async fn feedback(&self, person: u8, feedback: Feedback) {
        let Some(mail) = self.mail_to(person, |mail| mail.tag("run").is_some()).await else {
            return;
        };
        let event = notification::wrapped(&mail.event(feedback, self.shared.now()), self.shared.now());
        for _ in 0..2 {
            if let Ok(sent) = self.shared.queues.send("feedback", event.as_str()) {
                self.shared.leaves_by(sent.message_id, usize::from(person));
            }
        }
        self.shared.bell.ring();
    }

    /// The newest mail to a person that will do, once there is one.
    async fn mail_to(&self, person: u8, will_do: impl Fn(&AcceptedMail) -> bool) -> Option<Arc<AcceptedMail>> {
        let world::Customer { brand, address, .. } = world::customer(person);
        let sender = format!("@{brand}.example");
        let is_theirs = |mail: &AcceptedMail| mail.to == address && mail.from.contains(&sender);
        for _ in 0..200 {
            let seen = self.shared.bell.rung();
            let mails = self.shared.mails.accepted();
            let found = mails.into_iter().rev().find(|mail| is_theirs(mail) && will_do(mail));
            if found.is_some() {
                return found;
            }
            let timeout = Some(self.shared.time.sleep(120_000));
            self.shared.bell.heard(seen, timeout).await;
        }
        None
    }

    /// Asks for the link by that of a message, and follows it; once more if the first was used up by a crash.
    async fn erase(&self, person: u8) -> Result<(), StageError> {
        let Some([_, token]) = self.functions.tokens.get(usize::from(person)) else {
            return Ok(());
        };
        let brand = world::customer(person).brand;
        for _ in 0..3 {
            let seen = self.shared.mails.accepted_count();
            if self
                .ask(At::Portal, brand, &form(&format!("/d/{brand}/{token}"), "ask=erase")?)
                .await
                .is_none()
            {
                return Ok(());
            }
            let known: Vec<_> = self
                .shared
                .mails
                .accepted()
                .iter()
                .take(seen)
                .map(|mail| mail.message_id.clone())
                .collect();
            let is_new = |mail: &AcceptedMail| mail.text.contains("/e/") && !known.contains(&mail.message_id);
            let Some(mail) = self.mail_to(person, is_new).await else {
                continue;
            };
            let Some((_, path)) = mail.text.split_once("https://apropos.example").and_then(|(_, rest)| {
                let path = rest.split_whitespace().next()?;
                Some(((), path.to_owned()))
            }) else {
                return Ok(());
            };
            let done = self.ask(At::Portal, brand, &form(&path, "erase=yes")?).await;
            if done.is_some_and(|answer| answer.status_code == 200) {
                self.shared.oracle().erased(usize::from(person), self.shared.time.now());
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks until there is an answer that is not *try again*; the answer if it is a yes.
    async fn ask(
        &self,
        at: At,
        brand: &'static str,
        event: &ApiGatewayV2httpRequest,
    ) -> Option<ApiGatewayV2httpResponse> {
        for _ in 0..TRIES {
            let functions = &self.functions;
            let worker = Worker::Request(self.position);
            self.shared.on_behalf_of(worker, vec![brand]);
            let answer = invoke(&self.shared, worker, 29, async {
                match at {
                    At::Portal => Box::pin(functions.portal.http(event)).await,
                    At::Consents => functions.consents.http(event).await,
                    At::Context => functions.context.http(event).await,
                    At::Campaigns => Box::pin(functions.campaigns.http(event)).await,
                }
            })
            .await;
            if let Some(answer) = answer.filter(|answer| answer.status_code < 500 && !is_partly_failed(answer)) {
                self.shared
                    .note(format!("action {} is answered {}", self.position, answer.status_code));
                return (200..300).contains(&answer.status_code).then_some(answer);
            }
            self.shared.time.sleep(TRY_AGAIN).await;
        }
        None
    }
}

fn text(answer: &ApiGatewayV2httpResponse) -> String {
    match &answer.body {
        Some(aws_lambda_events::encodings::Body::Text(text)) => text.clone(),
        Some(_) | None => String::new(),
    }
}

/// A record of a request may fail alone; its caller sends it again.
fn is_partly_failed(answer: &ApiGatewayV2httpResponse) -> bool {
    text(answer).contains("urn:apropos:problem:unavailable")
}
