//! Nothing that names a person is in a log, a queue, an address or an error (I12). What must not appear is a canary: a
//! value that occurs nowhere else.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use apropos_local::mail_service::{BounceKind, Fault, Feedback, RefusalKind};
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{TestApp, accepted, path_of};
use axum::http::{HeaderMap, Method};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The address, and a word of it by itself, which a log could hold without the rest.
pub(crate) const ADDRESS: &str = "zephyrine.quelquun@canari.example";
pub(crate) const NAME: &str = "zephyrine";
/// What they are known by: allowed in logs and queues.
pub(crate) const CUSTOMER: &str = "p-7319";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Tee;

impl io::Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that is logged in this process from now on: all of ours, and what others say at the level of production.
pub(crate) fn listen() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("info,apropos=trace"))
            .with_span_events(FmtSpan::FULL)
            .with_writer(|| Tee)
            .init();
    });
}

pub(crate) fn log() -> String {
    let bytes = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).unwrap().to_lowercase()
}

/// Fails when a canary is in the text.
pub(crate) fn assert_discreet(place: &str, text: &str, canaries: &[&str]) {
    let text = text.to_lowercase();
    for canary in canaries {
        assert!(
            !text.contains(&canary.to_lowercase()),
            "{place} tells '{canary}': {text}"
        );
    }
}

pub(crate) fn zephyrine() -> Value {
    let contact = json!({ "email": ADDRESS, "language": "fr" });
    with(lyonnais(CUSTOMER), &[("contact", contact)])
}

/// The bodies of everything in every queue.
pub(crate) fn queued(app: &TestApp) -> String {
    let queues = app.stack.queues();
    let names = queues.queue_names().into_iter();
    let messages = names.flat_map(|name| queues.peek(&name).unwrap());
    messages
        .map(|message| message.body.to_string())
        .collect::<Vec<_>>()
        .join("\n")
}

pub(crate) fn told(headers: &HeaderMap, body: &str) -> String {
    format!("{headers:?} {body}")
}

#[tokio::test]
async fn from_consent_to_leave_nothing_names_the_person_but_the_message() {
    listen();
    let app = TestApp::start().await;
    app.welcome(&zephyrine()).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let personal = [ADDRESS, NAME];

    // Each queue is looked at while it holds something; a run that is paused puts its candidates in the queue again.
    app.launch("expo-1").await;
    let pages = queued(&app);
    accepted(&app.post("/v1/campaigns/expo-1/pause", &json!({})).await);
    app.drain().await;
    accepted(&app.post("/v1/campaigns/expo-1/resume", &json!({})).await);
    app.advance(SignedDuration::from_mins(2));
    app.stack.tick().await.unwrap();
    let sends = queued(&app);
    assert!(pages.contains("expo-1") && sends.contains(CUSTOMER), "{pages} {sends}");
    assert_discreet("a queue", &format!("{pages}{sends}"), &personal);

    // Faults on the way are logged, and so are messages that cannot be read.
    for fault in [Fault::Throttle, Fault::Reject(RefusalKind::SendingPaused)] {
        app.stack.mails().inject(fault);
    }
    app.stack
        .queues()
        .send("sends", format!("{{\"to\": \"{ADDRESS}\"}}"))
        .unwrap();
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert_eq!(app.report("expo-1").await["sent"], 1);
    let mail = &app.outbox()[0];
    assert_eq!(mail.to, ADDRESS);

    let link = mail
        .header("List-Unsubscribe")
        .unwrap()
        .trim_matches(['<', '>'])
        .to_owned();
    let token = link.rsplit('/').next().unwrap();
    assert_discreet("a link", &link, &personal);
    let tags: Vec<_> = mail
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_discreet("a tag", &tags.join(" "), &[ADDRESS, NAME, CUSTOMER, token]);
    let mut answers = String::new();
    for path in [path_of(&link).to_owned(), format!("{}x", path_of(&link))] {
        let opened = app.visit(Method::GET, &path).await;
        let nonsense = app.submit(&path, "application/x-www-form-urlencoded", "yes=1").await;
        let left = app
            .submit(&path, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
            .await;
        for reply in [opened, nonsense, left] {
            answers.push_str(&told(&reply.headers, &reply.text()));
        }
    }
    // A newsletter is forwarded: the page must not tell whoever opens it whose it was.
    assert_discreet("a page", &answers, &[ADDRESS, NAME, CUSTOMER]);
    let decision = app.decision("expo-1", CUSTOMER).await;
    assert_discreet("a decision", &decision.to_string(), &[ADDRESS, NAME, token]);

    let log = log();
    for heard in ["run launched", "a choice was recorded", "not now", "answered", CUSTOMER] {
        assert!(log.contains(heard), "the log was listened to: {heard}");
    }
    let choosing = mail.text.lines().find(|line| line.contains("/p/maison/")).unwrap();
    let canaries = [ADDRESS, NAME, token, choosing.rsplit('/').next().unwrap()];
    assert_discreet("the log", &log, &canaries);
}

/// SES writes the address in its events, so the queue that they come in holds it; nothing else may.
#[tokio::test]
async fn what_becomes_of_a_message_is_recorded_without_a_name() {
    listen();
    let app = TestApp::start().await;
    app.welcome(&zephyrine()).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    app.take_through("expo-1").await;
    let mail = &app.outbox()[0];
    for feedback in [
        Feedback::Send,
        Feedback::Bounce(BounceKind::Transient),
        Feedback::Complaint,
        Feedback::Bounce(BounceKind::Permanent),
        Feedback::Open,
    ] {
        app.stack.report(&mail.message_id, feedback).unwrap();
    }
    assert!(queued(&app).contains(ADDRESS), "SES names whom it wrote to");
    // What cannot be read is logged and parked, with a reason that quotes nothing of it.
    for body in [ADDRESS.to_owned(), format!("{{\"Type\": \"{ADDRESS}\"}}")] {
        app.stack.queues().send("feedback", body).unwrap();
    }
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert_eq!(
        (released.drained.feedback.handled, released.drained.feedback.dead),
        (7, 2)
    );

    let log = log();
    for heard in ["feedback recorded", "permanent_bounce", "an event that is not used"] {
        assert!(log.contains(heard), "the log was listened to: {heard}");
    }
    assert_discreet("the log", &log, &[ADDRESS, NAME]);
    let customer = apropos_core::ids::CustomerId::new(CUSTOMER).unwrap();
    let brand = apropos_tests::brand_id(apropos_tests::BRAND);
    let ledger = app.stack.tables().ledger(&brand, &customer).await.unwrap();
    let documents: Vec<_> = ledger.into_iter().filter_map(|(_, document)| document).collect();
    let ledger = serde_json::to_string(&documents).unwrap();
    assert!(ledger.contains("complaint_feedback_loop"), "{ledger}");
    assert_discreet("the ledger", &ledger, &[ADDRESS, NAME]);
}

#[tokio::test]
async fn from_the_form_to_the_confirmation_nothing_names_the_person_but_the_message() {
    listen();
    let app = TestApp::start().await;
    let urlencoded = "application/x-www-form-urlencoded";
    let form = format!("topic=offers&channel=email&email={}", ADDRESS.replace('@', "%40"));
    let mut answers = String::new();
    let sent = app.submit("/s/maison", urlencoded, &form).await;
    answers.push_str(&told(&sent.headers, &sent.text()));
    let queue = queued(&app);
    assert!(queue.contains("sign_up"), "{queue}");
    assert_discreet("the queue", &queue, &[ADDRESS, NAME, "127.0.0.1"]);

    // Faults on the way are logged.
    app.stack.mails().inject(Fault::Throttle);
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    let mail = &app.outbox()[0];
    assert_eq!(mail.to, ADDRESS);
    let link = mail.text.lines().find(|line| line.contains("/c/maison/")).unwrap();
    let token = link.rsplit('/').next().unwrap();
    assert_discreet("a link", link, &[ADDRESS, NAME]);
    let tags: Vec<_> = mail
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_discreet("a tag", &tags.join(" "), &[ADDRESS, NAME, token]);
    for body in ["yes=1", "action=confirm", "action=confirm"] {
        let opened = app.visit(Method::GET, path_of(link)).await;
        let pressed = app.submit(path_of(link), urlencoded, body).await;
        for reply in [opened, pressed] {
            answers.push_str(&told(&reply.headers, &reply.text()));
        }
    }
    assert_discreet("a page", &answers, &[ADDRESS, NAME]);
    let log = log();
    for heard in ["a sign-up was taken in", "a subscription was confirmed", "not now"] {
        assert!(log.contains(heard), "the log was listened to: {heard}");
    }
    assert_discreet("the log", &log, &[ADDRESS, NAME, token]);
}

#[tokio::test]
async fn an_error_never_repeats_what_was_sent() {
    listen();
    let app = TestApp::start().await;
    let contact = |value: Value| with(zephyrine(), &[("contact", value)]);
    let records = [
        contact(json!({ "email": format!("{ADDRESS}@"), "language": "fr" })),
        contact(json!({ "email": ADDRESS, "language": NAME })),
        contact(json!({ "email": [ADDRESS], "language": "fr" })),
        contact(json!({ "email": ADDRESS, "language": "fr", "time_zone": NAME })),
        contact(json!(ADDRESS)),
        with(zephyrine(), &[(ADDRESS, json!(1))]),
        with(zephyrine(), &[("facts", json!({ NAME: true }))]),
        with(zephyrine(), &[("interests", json!([NAME]))]),
        with(zephyrine(), &[("customer", json!(ADDRESS))]),
        with(zephyrine(), &[("home", json!({ "commune": NAME }))]),
        json!(ADDRESS),
    ];
    let count = records.len();
    let reply = app.post("/v1/customers", &json!({ "customers": records })).await;
    let answer = accepted(&reply);
    assert_eq!(answer["refused"], count, "{answer}");
    let mut answers = told(&reply.headers, &reply.text());

    let event = consent(CUSTOMER, "e1", "email.offers", "grant");
    let events = [
        with(event.clone(), &[("purpose", json!(format!("email.{NAME}")))]),
        with(event.clone(), &[("purpose", json!(ADDRESS))]),
        with(event.clone(), &[("act", json!(NAME))]),
        with(event.clone(), &[("actor", json!(ADDRESS))]),
        with(event.clone(), &[("effective_at", json!(NAME))]),
        with(event.clone(), &[("event", json!(ADDRESS))]),
        with(event.clone(), &[("customer", json!(ADDRESS))]),
        with(event, &[("legal_basis", json!({ NAME: 1 }))]),
    ];
    let count = events.len();
    let reply = app.post("/v1/consents", &json!({ "events": events })).await;
    let answer = accepted(&reply);
    assert_eq!(answer["refused"], count, "{answer}");
    answers.push_str(&told(&reply.headers, &reply.text()));

    for (path, body) in [
        ("/v1/customers", json!({ ADDRESS: [] })),
        ("/v1/consents", json!({ "events": ADDRESS })),
        ("/v1/offers", with(exhibition(), &[(NAME, json!(ADDRESS))])),
        ("/v1/offers", with(exhibition(), &[("id", json!(ADDRESS))])),
        ("/v1/offers", with(exhibition(), &[("category", json!(NAME))])),
        (
            "/v1/offers",
            with(exhibition(), &[("link", json!(format!("mailto:{ADDRESS}")))]),
        ),
        (
            "/v1/campaigns",
            with(campaign("expo-1", "expo"), &[("goal", json!(NAME))]),
        ),
        (
            "/v1/campaigns",
            with(campaign(ADDRESS, "expo"), &[("audience", json!(NAME))]),
        ),
        ("/v1/relevance", json!({ "customer": ADDRESS, "topic": "offers" })),
        ("/v1/relevance", json!({ "customer": CUSTOMER, "topic": NAME })),
    ] {
        let reply = app.post(path, &body).await;
        assert!(reply.status.is_client_error(), "{path} {body} {}", reply.text());
        answers.push_str(&told(&reply.headers, &reply.text()));
    }
    for path in [
        format!("/v1/campaigns/{NAME}"),
        format!("/v1/campaigns/{NAME}/decisions/{ADDRESS}"),
        format!("/v1/{ADDRESS}"),
    ] {
        let reply = app.get(&path).await;
        assert!(reply.status.is_client_error(), "{path}");
        answers.push_str(&told(&reply.headers, &reply.text()));
    }
    assert_discreet("an error", &answers, &[ADDRESS, NAME]);
    assert_discreet("the log", &log(), &[ADDRESS, NAME]);
}

#[tokio::test]
async fn what_can_be_sent_for_debugging_shows_nothing() {
    let app = TestApp::start().await;
    app.store(&[zephyrine()]).await;
    app.record(&all_consents(CUSTOMER)).await;
    let customer = apropos_core::ids::CustomerId::new(CUSTOMER).unwrap();
    let brand = apropos_tests::brand_id(apropos_tests::BRAND);
    let person = app.stack.tables().person(&brand, &customer).await.unwrap();
    let (contact, link) = person.contact.clone().unwrap();
    assert_eq!(contact.address.as_sent(), ADDRESS);
    assert_discreet("Debug", &format!("{person:?} {contact:?} {link:?}"), &[ADDRESS, NAME]);
}

#[tokio::test]
async fn a_refused_key_is_logged_by_its_id_and_the_reason_and_never_by_its_secret() {
    listen();
    let app = TestApp::start().await;
    let real = app.scoped_key("campaigns:read").await;
    let (known, secret) = real.split_at("apr_0123456789ab_".len());
    // A guess at the real key's secret, a key of nobody's, and what is no key: each with a canary in it.
    let canary = "Canari_La_Cle_Secrete_Qui_Ne_Doit_Pas_Sortir";
    let guess = format!("{}A", &canary[..42]);
    let nobodys = format!("apr_0000000c1e5e_{guess}");
    for key in [&format!("{known}{guess}"), &nobodys, canary] {
        let reply = app.client.get_json("/v1/campaigns/none", key).await.unwrap();
        assert_eq!(reply.status, 403);
        assert_discreet("an answer", &told(&reply.headers, &reply.text()), &[secret, &guess]);
    }
    let log = log();
    let id = known.trim_start_matches("apr_").trim_end_matches('_');
    for (key, reason) in [(id, "wrong_secret"), ("0000000c1e5e", "unknown")] {
        let refusal = log.lines().find(|line| line.contains(key) && line.contains("refused"));
        assert!(refusal.unwrap().contains(reason), "{key}");
    }
    assert!(log.contains("malformed"));
    assert_discreet("the log", &log, &[secret, &guess, "Cle_Secrete"]);
}
