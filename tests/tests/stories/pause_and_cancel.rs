//! A run can be held, let go on, and stopped for good; its counts add up at every step.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_tests::words::{campaign, catalogue, lyonnais, with};
use apropos_tests::{TestApp, accepted};
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A stack with two people in Lyon and one who sleeps, and a campaign `sale`, launched and not handed on.
async fn launched() -> TestApp {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    app.add_campaign(&campaign("sale", "expo")).await;
    for id in ["camille", "dominique"] {
        app.welcome(&lyonnais(id)).await;
    }
    let asleep = with(lyonnais("aime"), &[("home", json!({ "commune": "97209" }))]);
    app.welcome(&asleep).await;
    app.launch("sale").await;
    app
}

async fn change(app: &TestApp, verb: &str) -> Value {
    accepted(&app.post(&format!("/v1/campaigns/sale/{verb}"), &json!({})).await)
}

async fn let_pass(app: &TestApp, time: SignedDuration) {
    let released = app.stack.release_due_until_idle(time).await.unwrap();
    assert!(!released.stuck, "{released:?}");
}

#[tokio::test]
async fn a_paused_run_sends_nothing_until_it_goes_on() {
    let app = launched().await;
    assert_eq!(change(&app, "pause").await["status"], "paused");
    let_pass(&app, SignedDuration::from_mins(10)).await;
    let report = app.report("sale").await;
    assert_eq!(
        (&report["status"], &report["queued"]),
        (&json!("paused"), &json!(3)),
        "{report}"
    );
    assert_eq!(app.outbox().len(), 0);

    change(&app, "resume").await;
    let_pass(&app, SignedDuration::from_mins(10)).await;
    let report = app.report("sale").await;
    assert_eq!((&report["sent"], &report["queued"]), (&json!(2), &json!(1)), "{report}");
    let_pass(&app, SignedDuration::from_hours(12)).await;
    let report = app.report("sale").await;
    assert_eq!(
        (&report["sent"], &report["status"]),
        (&json!(3), &json!("completed")),
        "{report}"
    );
}

#[tokio::test]
async fn cancelling_withholds_from_everyone_who_was_not_yet_written_to() {
    let app = launched().await;
    app.drain().await;
    assert_eq!(app.report("sale").await["queued"], 1);
    assert_eq!(change(&app, "cancel").await["status"], "cancelled");
    let_pass(&app, SignedDuration::from_hours(12)).await;
    let report = app.report("sale").await;
    assert_eq!(report["sent"], 2, "{report}");
    assert_eq!(report["withheld"], json!({ "run_cancelled": 1 }), "{report}");
    assert_eq!(report["status"], "cancelled");
    assert_eq!(app.outbox().len(), 2);
    let decision = app.decision("sale", "aime").await;
    assert_eq!(decision["explanation"]["en"], "Withheld: the campaign was cancelled.");
}

#[tokio::test]
async fn a_run_cancelled_while_paused_or_before_it_was_scored_sends_nothing() {
    for verbs in [&["pause", "drain", "cancel"][..], &["cancel"]] {
        let app = launched().await;
        for verb in verbs {
            match *verb {
                "drain" => {
                    app.drain().await;
                }
                verb => {
                    change(&app, verb).await;
                }
            }
        }
        let_pass(&app, SignedDuration::from_hours(1)).await;
        let report = app.report("sale").await;
        assert_eq!(report["withheld"], json!({ "run_cancelled": 3 }), "{verbs:?} {report}");
        assert_eq!(app.outbox().len(), 0);
    }
}

#[tokio::test]
async fn cancelling_is_for_good() {
    let app = launched().await;
    change(&app, "cancel").await;
    for verb in ["resume", "pause"] {
        let reply = app.post(&format!("/v1/campaigns/sale/{verb}"), &json!({})).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{verb}");
    }
    app.launch("sale").await;
    app.drain().await;
    assert_eq!(app.report("sale").await["status"], "cancelled");
    assert_eq!(app.outbox().len(), 0);
}

#[tokio::test]
async fn a_second_run_of_a_campaign_has_counts_of_its_own() {
    let app = launched().await;
    app.drain().await;
    let reply = app.post("/v1/campaigns/sale/launch", &json!({ "run": "again" })).await;
    assert_eq!(accepted(&reply)["run"], "again");
    app.drain().await;
    let report = app.report("sale").await;
    assert_eq!(
        (&report["run"], &report["considered"], &report["sent"]),
        (&json!("again"), &json!(3), &json!(2))
    );
    let runs = accepted(&app.get("/v1/campaigns/sale").await)["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!(app.outbox().len(), 4);
}
