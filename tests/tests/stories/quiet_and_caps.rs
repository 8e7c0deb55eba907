//! Nobody is written to in the quiet hours of their own clock, nor more often than they asked.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::{NewSecrets, Written};
use apropos_core::cap::FrequencyCap;
use apropos_core::consent::ConsentEvent;
use apropos_core::document::ConsentEventDocument;
use apropos_core::ids::CustomerId;
use apropos_core::time::{TimeZoneName, local};
use apropos_tests::words::{campaign, catalogue, consent, lyonnais, uses, with};
use apropos_tests::{BRAND, TestApp, brand, brand_id};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Someone in Fort-de-France, where it is five in the morning when it is ten in Paris.
fn martiniquais(id: &str) -> Value {
    with(lyonnais(id), &[("home", json!({ "commune": "97209" }))])
}

/// A stack with an offer that is good anywhere, and its campaign `sale`.
async fn selling(offer: &Value) -> TestApp {
    let app = TestApp::start().await;
    app.add_offer(offer).await;
    app.add_campaign(&campaign("sale", "expo")).await;
    app
}

#[tokio::test]
async fn who_sleeps_is_written_to_at_eight_in_the_morning_of_their_own_clock() {
    let app = selling(&catalogue()).await;
    app.welcome(&martiniquais("aime")).await;
    app.welcome(&lyonnais("camille")).await;
    let report = app.take_through("sale").await;
    assert_eq!((&report["sent"], &report["queued"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["status"], "running");
    assert_eq!(app.decision("sale", "aime").await["outcome"], "queued");

    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(12))
        .await
        .unwrap();
    assert!(!released.stuck && released.drained.is_clean(), "{released:?}");
    let mails = app.outbox();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].to, "aime@mail.example");
    let eight: Timestamp = "2026-12-01T12:00:00Z".parse().unwrap();
    assert_eq!(mails[1].at, eight);
    let zone = TimeZoneName::new("America/Martinique").unwrap();
    assert_eq!(local(eight, &zone).to_string(), "2026-12-01T08:00:00");
    assert_eq!(app.report("sale").await["status"], "completed");
}

#[tokio::test]
async fn who_leaves_while_their_message_waits_is_not_written_to() {
    let app = selling(&catalogue()).await;
    app.welcome(&martiniquais("aime")).await;
    app.take_through("sale").await;
    let leave = with(
        consent("aime", "leave", "email.offers", "withdraw"),
        &[("effective_at", json!("2026-12-01T09:00:00Z"))],
    );
    app.record(&[leave]).await;
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(12))
        .await
        .unwrap();
    let report = app.report("sale").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");
    assert_eq!(report["status"], "completed");
    assert_eq!(app.outbox().len(), 0);
}

#[tokio::test]
async fn an_offer_that_ends_before_the_morning_is_withheld_rather_than_late() {
    let window = json!({ "from": "2026-11-20T00:00:00Z", "until": "2026-12-01T11:59:00Z" });
    let app = selling(&with(catalogue(), &[("window", window)])).await;
    app.welcome(&martiniquais("aime")).await;
    app.welcome(&lyonnais("camille")).await;
    let report = app.take_through("sale").await;
    assert_eq!(report["sent"], 1);
    assert_eq!(report["withheld"], json!({ "ends_in_quiet_hours": 1 }), "{report}");
    let decision = app.decision("sale", "aime").await;
    assert_eq!(decision["reason"], "ends_in_quiet_hours");
    assert!(
        decision["relevance_bp"].as_u64().is_some(),
        "it was relevant: {decision}"
    );
}

#[tokio::test]
async fn a_day_off_of_the_brand_is_quiet_as_a_whole() {
    let app = selling(&catalogue()).await;
    app.welcome(&lyonnais("camille")).await;
    // To Saturday evening, 22:00 in Paris: quiet until Sunday, which is off, so until Monday.
    app.advance(SignedDuration::from_hours(4 * 24 + 12));
    assert_eq!(app.take_through("sale").await["queued"], 1);
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(72))
        .await
        .unwrap();
    let monday: Timestamp = "2026-12-07T07:00:00Z".parse().unwrap();
    assert_eq!(app.outbox()[0].at, monday);
}

#[tokio::test]
async fn two_messages_keep_the_brands_least_time_apart() {
    let app = selling(&catalogue()).await;
    let mut settings = brand("maison");
    settings.minimum_gap_hours = Some(48);
    app.stack.put_brand(&settings).await.unwrap();
    app.add_campaign(&campaign("sale-2", "expo")).await;
    app.add_campaign(&campaign("sale-3", "expo")).await;
    app.welcome(&lyonnais("camille")).await;
    assert_eq!(app.take_through("sale").await["sent"], 1);
    app.advance(SignedDuration::from_hours(47));
    assert_eq!(app.take_through("sale-2").await["withheld"], json!({ "too_soon": 1 }));
    app.advance(SignedDuration::from_hours(1));
    assert_eq!(app.take_through("sale-3").await["sent"], 1);
}

#[tokio::test]
async fn an_offer_over_before_its_campaign_is_launched_reaches_nobody() {
    let app = selling(&with(catalogue(), &[("uses", uses(&["interests"]))])).await;
    app.welcome(&lyonnais("camille")).await;
    app.advance(SignedDuration::from_hours(40 * 24));
    let report = app.take_through("sale").await;
    assert_eq!(report["withheld"], json!({ "outside_window": 1 }), "{report}");
}

/// What a person may set has no page of its own yet, so the limit is written the way a page would: with their act.
async fn allow_themselves(app: &TestApp, customer: &str, cap: FrequencyCap) {
    let tables = app.stack.tables();
    let event: ConsentEventDocument = serde_json::from_value(json!({
        "event": "own-cap", "purpose": "measurement", "act": "deny", "effective_at": "2026-12-01T09:00:00Z",
        "actor": "customer",
        "evidence": { "affirmative_action": "chose", "method": "preference_page", "source": "/p" },
    }))
    .unwrap();
    let parsed = ConsentEvent::try_from(&event).unwrap();
    let wanted = [(CustomerId::new(customer).unwrap(), vec![parsed.id.clone()])];
    let brand = tables.brand(&brand_id(BRAND)).await.unwrap().unwrap();
    let mut person = tables.people(&brand.id, &wanted).await.unwrap().pop().unwrap();
    person.standing.limits.cap = Some(cap);
    let now = app.stack.clock().now();
    let written = tables
        .append_consents(
            &person,
            &brand.topics,
            &[(parsed, event)],
            &NewSecrets::random().unwrap(),
            now,
        )
        .await
        .unwrap();
    assert_eq!(written, Written::Done);
}

#[tokio::test]
async fn a_person_may_ask_for_less_than_the_brand_allows() {
    let app = selling(&catalogue()).await;
    app.add_campaign(&campaign("sale-2", "expo")).await;
    for id in ["camille", "dominique"] {
        app.welcome(&lyonnais(id)).await;
    }
    allow_themselves(&app, "camille", FrequencyCap::new(1, 30).unwrap()).await;
    assert_eq!(app.take_through("sale").await["sent"], 2);
    let report = app.take_through("sale-2").await;
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(report["withheld"], json!({ "cap_reached": 1 }));
    assert_eq!(app.decision("sale-2", "camille").await["reason"], "cap_reached");
    assert_eq!(app.decision("sale-2", "dominique").await["outcome"], "sent");
}
