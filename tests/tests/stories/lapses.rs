//! Yeses end some time after the last sign of the person: in the ledger, on every page and in every answer.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::document::LedgerDocument;
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stories::my_data::{FORM, fresh_link, link, written_to};

/// A stack where the brand keeps a yes for a month, and the month after Camille's, of 2 November, is over since midnight.
pub(crate) async fn unheard_of() -> (TestApp, String) {
    let (app, why) = written_to().await;
    keep_for_a_month(&app).await;
    app.advance(SignedDuration::from_hours(48));
    (app, why)
}

pub(crate) async fn keep_for_a_month(app: &TestApp) {
    let mut settings = apropos_tests::brand(BRAND);
    settings.retention_days = Some(30);
    app.stack.put_brand(&settings).await.unwrap();
}

/// Camille's data, as the file that a fresh link gives.
pub(crate) async fn file(app: &TestApp, why: &str) -> Value {
    let access = fresh_link(app, why, "access").await;
    app.submit(&access, FORM, "show=json").await.json().unwrap()
}

/// The entries of a ledger by which a yes lapsed, after checking that it holds together.
fn lapses(file: &Value) -> Vec<&Value> {
    let ledger: LedgerDocument = serde_json::from_value(file["ledger"].clone()).unwrap();
    assert_eq!(ledger.check(), Ok(()));
    let entries = file["ledger"]["entries"].as_array().unwrap();
    let events = entries.iter().map(|entry| &entry["event"]);
    events.filter(|event| event["act"] == "expire").collect()
}

/// Why no offer is relevant to Camille now, by the API.
pub(crate) async fn reason(app: &TestApp) -> Value {
    let asked = json!({ "customer": "camille", "topic": "offers" });
    let ranked = accepted(&app.post("/v1/relevance", &asked).await);
    ranked["offers"][0]["reason"].clone()
}

#[tokio::test]
async fn each_yes_of_whoever_was_not_heard_of_ends_in_the_ledger_exactly_once() {
    let (app, why) = unheard_of().await;
    for _ in 0..2 {
        app.stack.tick().await.unwrap();
    }
    // What they said of themselves keeps their data, and is no yes.
    let correct = fresh_link(&app, &why, "correct").await;
    app.submit(&correct, FORM, "field=interest%3Abooks&value=yes").await;
    app.advance(SignedDuration::from_hours(24));
    app.stack.tick().await.unwrap();
    let file = file(&app, &why).await;
    let lapses = lapses(&file);
    let purposes: Vec<_> = lapses.iter().map(|event| event["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, ["email.offers", "profiling", "home_location"]);
    for event in lapses {
        assert_eq!(event["actor"], "system");
        assert_eq!(event["evidence"]["method"], "retention");
        assert_eq!(event["effective_at"], "2026-12-03T00:00:00Z");
    }
    for choice in file["choices"].as_array().unwrap() {
        assert_eq!(choice["state"], "expired", "{choice}");
    }
    assert_eq!(reason(&app).await, "consent_expired");
}

#[tokio::test]
async fn pages_name_the_lapse_and_the_brands_own_period_and_a_new_yes_counts() {
    let (app, why) = unheard_of().await;
    app.stack.tick().await.unwrap();
    let choices = why.replacen("/w/", "/p/", 1);
    let page = app.visit(Method::GET, &choices).await.text();
    assert!(
        page.contains("Un accord dure un mois après votre dernier signe à"),
        "{page}"
    );
    let access = fresh_link(&app, &why, "access").await;
    let page = app.submit(&access, FORM, "show=page").await.text();
    for told in [
        "oui échu",
        "un mois après votre dernier geste",
        "échu de lui-même, sans signe de vous",
        "3\u{a0}décembre 2026",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("trois ans"), "{page}");

    let saved = app.submit(&choices, FORM, "purpose=email.offers&set=on").await;
    assert_eq!(saved.status, StatusCode::OK);
    // The topic is agreed to again; the use of the home, which they said nothing about, is not.
    assert_eq!(reason(&app).await, "place_unknown");
    let file = file(&app, &why).await;
    let state = |purpose: &str| {
        let choices = file["choices"].as_array().unwrap();
        let choice = choices.iter().find(|choice| choice["purpose"] == purpose).unwrap();
        choice["state"].clone()
    };
    assert_eq!(
        (state("email.offers"), state("profiling")),
        ("granted".into(), "expired".into())
    );
    assert_eq!(lapses(&file).len(), 3);
}

#[tokio::test]
async fn a_lapse_counts_everywhere_before_anyone_has_recorded_it_and_reading_records_nothing() {
    let (app, why) = unheard_of().await;
    let before = app.standing("camille").await;
    let choices = why.replacen("/w/", "/p/", 1);
    let page = app.visit(Method::GET, &choices).await.text();
    assert!(page.contains("Un accord dure un mois"), "{page}");
    assert!(!page.contains("value=\"email.offers\" checked"), "{page}");
    assert_eq!(reason(&app).await, "consent_expired");
    let choices = file(&app, &why).await["choices"].clone();
    assert!(
        choices
            .as_array()
            .unwrap()
            .iter()
            .all(|choice| choice["state"] == "expired"),
        "{choices}"
    );
    assert_eq!(app.standing("camille").await, before);

    // Scoring knows it by the record alone, so no candidate is made of them.
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_expired": 1 }), "{report}");
    let decision = app.decision("expo-2", "camille").await;
    assert_ne!(decision["source"], "receipt", "{decision}");
}

/// Camille with something bought on a day.
pub(crate) fn having_bought(on: &str) -> Value {
    let bought = json!([{ "category": "books", "on": on }]);
    with(lyonnais("camille"), &[("purchases", bought)])
}

#[tokio::test]
async fn a_sign_from_before_the_lapse_that_is_told_late_keeps_the_yes_and_one_from_after_it_revives_nothing() {
    let (app, why) = unheard_of().await;
    app.store(&[having_bought("2026-12-03")]).await;
    assert_eq!(reason(&app).await, "consent_expired");
    assert_eq!(lapses(&file(&app, &why).await).len(), 3);

    let (app, why) = unheard_of().await;
    app.store(&[having_bought("2026-11-20")]).await;
    app.stack.tick().await.unwrap();
    assert_ne!(reason(&app).await, "consent_expired");
    assert!(lapses(&file(&app, &why).await).is_empty());
}

#[tokio::test]
async fn once_recorded_a_lapse_stands_whatever_is_told_of_before_it() {
    let (app, why) = unheard_of().await;
    app.stack.tick().await.unwrap();
    app.store(&[having_bought("2026-11-20")]).await;
    let yes = |event: &str, at: &str| {
        let yes = consent("camille", event, "email.offers", "grant");
        with(yes, &[("effective_at", json!(at))])
    };
    // A form filled in on paper before the lapse, and found after it.
    app.record(&[yes("found", "2026-11-25T10:00:00Z")]).await;
    assert_eq!(reason(&app).await, "consent_expired");
    let file = file(&app, &why).await;
    assert_eq!(lapses(&file).len(), 3);
    assert_eq!(file["context"]["purchases"][0]["on"], "2026-11-20");
    app.record(&[yes("asked-again", "2026-12-03T00:00:01Z")]).await;
    assert_ne!(reason(&app).await, "consent_expired");
}

#[tokio::test]
async fn old_yeses_and_then_the_people_who_gave_them_can_be_brought_in_together() {
    let app = TestApp::start().await;
    keep_for_a_month(&app).await;
    app.advance(SignedDuration::from_hours(48));
    app.record(&all_consents("camille")).await;
    let active = json!("2026-12-02");
    app.store(&[with(lyonnais("camille"), &[("last_activity", active)])])
        .await;
    app.add_offer(&exhibition()).await;
    app.stack.tick().await.unwrap();
    assert_eq!(reason(&app).await, Value::Null);
}

#[tokio::test]
async fn whoever_signs_up_again_after_a_lapse_is_asked_to_confirm_and_counts_again() {
    let (app, why) = unheard_of().await;
    let form = "topic=offers&channel=email&email=camille%40mail.example&language=fr&website=";
    app.submit(&format!("/s/{BRAND}"), FORM, form).await;
    app.drain().await;
    let confirm = link(&app.outbox().last().unwrap().text, "/c/");
    let reply = app.submit(&confirm, FORM, "action=confirm").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_ne!(reason(&app).await, "consent_expired");
    let file = file(&app, &why).await;
    let ended: Vec<_> = lapses(&file).iter().map(|event| event["purpose"].clone()).collect();
    assert_eq!(ended, ["email.offers", "profiling", "home_location"]);
}

#[tokio::test]
async fn a_sign_of_the_person_in_time_keeps_their_yes() {
    let (app, why) = written_to().await;
    keep_for_a_month(&app).await;
    app.store(&[having_bought("2026-11-20")]).await;
    app.advance(SignedDuration::from_hours(48));
    app.stack.tick().await.unwrap();
    assert!(lapses(&file(&app, &why).await).is_empty());
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"].get("consent_expired"), None, "{report}");
}

#[tokio::test]
async fn a_walk_that_runs_out_of_room_goes_on_with_the_next_tick() {
    let app = TestApp::start().await;
    keep_for_a_month(&app).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let people: Vec<String> = (0..103).map(|number| format!("c{number:03}")).collect();
    let customers: Vec<_> = people.iter().map(|id| lyonnais(id)).collect();
    for some in customers.chunks(100) {
        app.store(some).await;
    }
    let consents: Vec<_> = people.iter().flat_map(|id| all_consents(id)).collect();
    for some in consents.chunks(100) {
        app.record(some).await;
    }
    app.advance(SignedDuration::from_hours(48));
    let mut counts = Vec::new();
    for _ in 0..3 {
        app.stack.tick().await.unwrap();
        let mut ended = 0;
        for id in &people {
            let standing = app.standing(id).await;
            ended += usize::from(standing.consents.yeses(app.stack.clock().now()).next().is_none());
        }
        counts.push(ended);
    }
    assert_eq!(counts, [100, 103, 103]);
}
