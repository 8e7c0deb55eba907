//! No faster than the account may, and cleanly to a stop where it may not: nothing is claimed, nothing is lost, and nothing
//! ends among the dead letters.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::{DeadLetters, Deadline, Mailer, Pacer, Queue, behavior, http_client};
use apropos_core::link::{KeyRing, PublicBaseUrl};
use apropos_core::suppression::Pepper;
use apropos_local::aws_endpoint;
use apropos_local::mail_service::{AccountStatus, Fault, RefusalKind, SendQuota};
use apropos_send_messages::Handler;
use apropos_tests::words::{campaign, exhibition, lyonnais};
use apropos_tests::{BRAND, TestApp};
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A stack with so many people who will each be sent the campaign `expo-1`.
async fn audience(people: usize) -> TestApp {
    TestApp::with_audience(people, &["expo-1"]).await
}

async fn let_pass(app: &TestApp, hours: i64) {
    let time = SignedDuration::from_hours(hours);
    let released = app.stack.release_due_until_idle(time).await.unwrap();
    assert!(!released.stuck, "{released:?}");
    assert_eq!(released.drained.sends.dead, 0, "{released:?}");
    assert_eq!(released.drained.sends.failed, 0, "no receive is counted: {released:?}");
}

async fn claims(app: &TestApp, people: usize) -> usize {
    let mut claims = 0;
    for number in 0..people {
        claims += app.standing(&format!("c-{number}")).await.claims.len();
    }
    claims
}

#[tokio::test]
async fn a_campaign_is_sent_at_the_rate_that_the_account_has_and_no_faster() {
    let app = audience(23).await;
    app.stack.mails().set_quota(SendQuota {
        max_24_hour: 1_000,
        max_per_second: 5,
    });
    app.launch("expo-1").await;
    app.drain().await;
    let_pass(&app, 1).await;
    assert_eq!(app.recipients().len(), 23);
    assert!(app.stack.mails().busiest_second() <= 5);
    assert_eq!(app.stack.mails().refused_count(), 0, "SES never had to say so");
}

#[tokio::test]
async fn a_paused_account_stops_cleanly_and_goes_on_by_itself() {
    let app = audience(4).await;
    app.stack.mails().set_status(AccountStatus::Paused);
    app.launch("expo-1").await;
    app.drain().await;
    let_pass(&app, 6).await;
    let report = app.report("expo-1").await;
    assert_eq!((&report["sent"], &report["queued"]), (&json!(0), &json!(4)), "{report}");
    assert_eq!(claims(&app, 4).await, 0, "nobody is claimed");
    assert_eq!(app.stack.mails().refused_count(), 0, "it is asked, not tried");

    app.stack.mails().set_status(AccountStatus::Healthy);
    let_pass(&app, 1).await;
    assert_eq!(app.recipients().len(), 4);
}

#[tokio::test]
async fn one_that_ses_pauses_on_the_way_stops_the_others_too() {
    let app = audience(4).await;
    for _ in 0..4 {
        // As many as are in hand when the pause comes.
        app.stack.mails().inject(Fault::Reject(RefusalKind::SendingPaused));
    }
    app.launch("expo-1").await;
    app.drain().await;
    assert_eq!(claims(&app, 4).await, 0, "what was claimed is given back");
    let waiting = app.stack.queues().depth("sends").unwrap();
    assert_eq!((waiting.delayed, waiting.total()), (1, 1), "{waiting:?}");
    let_pass(&app, 1).await;
    assert_eq!(app.recipients().len(), 4);
}

#[tokio::test]
async fn a_brand_whose_domain_is_not_in_order_waits_and_another_does_not() {
    let app = audience(3).await;
    let other = app.add_brand("galerie").await;
    for _ in 0..3 {
        app.stack
            .mails()
            .inject(Fault::Reject(RefusalKind::MailFromDomainNotVerified));
    }
    app.launch("expo-1").await;
    app.drain().await;
    assert_eq!(app.outbox().len(), 0);
    app.store_as(&other, &[lyonnais("c-9")]).await;
    app.record_as(&other, &apropos_tests::words::all_consents("c-9")).await;
    for (path, body) in [
        ("/v1/offers", exhibition()),
        ("/v1/campaigns", campaign("expo-1", "expo")),
        ("/v1/campaigns/expo-1/launch", json!({})),
    ] {
        apropos_tests::accepted(&app.post_as(&other, path, &body).await);
    }
    app.drain().await;
    assert_eq!(app.outbox().len(), 1, "the other brand's");
    let_pass(&app, 1).await;
    assert_eq!(app.outbox().len(), 4);
}

#[tokio::test]
async fn a_days_quota_is_kept_and_the_rest_leaves_the_next_day() {
    let app = audience(8).await;
    app.stack.mails().set_quota(SendQuota {
        max_24_hour: 5,
        max_per_second: 50,
    });
    app.launch("expo-1").await;
    app.drain().await;
    let_pass(&app, 1).await;
    assert_eq!(app.recipients().len(), 5);
    assert_eq!(app.stack.mails().refused_count(), 0);
    let_pass(&app, 48).await;
    assert_eq!(app.recipients().len(), 8);
}

/// Another sender of the stack's, that hands back to a queue of its own choice.
async fn sender(app: &TestApp, queue: &str) -> Handler {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = aws_endpoint::router(app.stack.queues().clone(), app.stack.mails().clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let credentials = Credentials::new("id", "secret", None, None, "static");
    let config = SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new("eu-west-3"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&endpoint)
        .http_client(http_client())
        .build();
    let tables = app.stack.tables().clone();
    let mailer = Mailer::new(&config, None);
    let url = |queue: &str| format!("{endpoint}/{}/{queue}", aws_endpoint::ACCOUNT_ID);
    let queues = aws_sdk_sqs::Client::new(&config);
    Handler {
        tables: tables.clone(),
        clock: app.stack.clock().clone(),
        pacer: Pacer::new(tables, mailer.clone(), "eu-west-3").unwrap(),
        mailer,
        sends: Queue::new(queues.clone(), url(queue)),
        letters: DeadLetters::new(queues, url("sends-dead")),
        ring: KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).unwrap(),
        base: PublicBaseUrl::new("http://127.0.0.1:1").unwrap(),
        pepper: Pepper::new(&"p".repeat(32)).unwrap(),
    }
}

fn event(bodies: &[String]) -> SqsEvent {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(position, body)| json!({ "messageId": format!("m-{position}"), "body": body }))
        .collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The message that scoring would queue for everybody.
fn candidates(people: usize) -> String {
    let customers: Vec<_> = (0..people).map(|number| format!("c-{number}")).collect();
    json!({ "v": 1, "brand": BRAND, "campaign": "expo-1", "run": "expo-1", "customers": customers }).to_string()
}

fn queued(app: &TestApp) -> Vec<String> {
    let messages = app.stack.queues().peek("sends").unwrap();
    messages.iter().map(|message| message.body.to_string()).collect()
}

/// The run as launched, with nothing of it in the queues.
async fn launched(people: usize) -> TestApp {
    let app = audience(people).await;
    app.launch("expo-1").await;
    app.stack.queues().drain("pages").unwrap();
    app
}

#[tokio::test]
async fn at_the_deadline_send_messages_hands_the_rest_back_and_begins_nothing() {
    let app = launched(3).await;
    let handler = sender(&app, "sends").await;
    let deadline = Deadline::after(app.stack.clock().now(), SignedDuration::from_secs(7));
    let answer = handler.sqs(event(&[candidates(3)]), deadline).await;
    assert!(answer.batch_item_failures.is_empty(), "the message is done with");
    let again: Value = serde_json::from_str(&queued(&app)[0]).unwrap();
    assert_eq!(again.to_string(), candidates(3));
    assert_eq!((app.outbox().len(), claims(&app, 3).await), (0, 0));
    app.advance(SignedDuration::from_secs(1));
    app.drain().await;
    assert_eq!(app.recipients().len(), 3);
}

#[tokio::test]
async fn at_the_deadline_score_offers_gives_its_page_back_and_begins_nothing() {
    let app = audience(2).await;
    app.launch("expo-1").await;
    let pages: Vec<_> = app.stack.queues().peek("pages").unwrap();
    let bodies: Vec<_> = pages.iter().map(|message| message.body.to_string()).collect();
    let mails = sender(&app, "sends").await;
    let nowhere = || {
        aws_sdk_sqs::Client::from_conf(
            aws_sdk_sqs::Config::builder()
                .behavior_version(behavior())
                .region(Region::new("eu-west-3"))
                .build(),
        )
    };
    let handler = apropos_score_offers::Handler::new(
        mails.tables.clone(),
        mails.clock.clone(),
        Queue::new(nowhere(), "http://127.0.0.1:1/pages".to_owned()),
        Queue::new(nowhere(), "http://127.0.0.1:1/sends".to_owned()),
        DeadLetters::new(nowhere(), "http://127.0.0.1:1/pages-dead".to_owned()),
    );
    let deadline = Deadline::after(app.stack.clock().now(), SignedDuration::from_secs(1));
    let answer = handler.sqs(event(&bodies), deadline).await;
    assert_eq!(answer.batch_item_failures.len(), bodies.len());
    let report = app.report("expo-1").await;
    assert_eq!(report["considered"], 0, "{report}");
    app.drain().await;
    assert_eq!(app.recipients().len(), 2);
}

#[tokio::test]
async fn a_message_whose_rest_cannot_be_handed_back_is_not_acknowledged() {
    let app = launched(3).await;
    app.stack.mails().set_status(AccountStatus::Paused);
    let handler = sender(&app, "nowhere").await;
    let deadline = Deadline::after(app.stack.clock().now(), SignedDuration::from_secs(75));
    let answer = handler.sqs(event(&[candidates(3)]), deadline).await;
    let again: Vec<_> = answer
        .batch_item_failures
        .iter()
        .map(|failure| failure.item_identifier.as_str())
        .collect();
    assert_eq!(again, ["m-0"]);
    assert_eq!(claims(&app, 3).await, 0);
}

#[tokio::test]
async fn the_messages_of_a_batch_share_the_rate() {
    let app = launched(12).await;
    app.stack.mails().set_quota(SendQuota {
        max_24_hour: 1_000,
        max_per_second: 40,
    });
    let handler = sender(&app, "sends").await;
    let all: Vec<_> = (0..12).map(|number| format!("c-{number}")).collect();
    let bodies: Vec<_> = all
        .chunks(4)
        .map(|some| {
            json!({ "v": 1, "brand": BRAND, "campaign": "expo-1", "run": "expo-1", "customers": some }).to_string()
        })
        .collect();
    let deadline = Deadline::after(app.stack.clock().now(), SignedDuration::from_secs(75));
    let answer = handler.sqs(event(&bodies), deadline).await;
    assert!(answer.batch_item_failures.is_empty());
    app.drain().await;
    assert_eq!(app.recipients().len(), 12);
    assert!(app.stack.mails().busiest_second() <= 40);
}
