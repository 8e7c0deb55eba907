//! What people and marketers are told of a decision is true, then and later.

use apropos_tests::TestApp;
use apropos_tests::words::{campaign, catalogue, consent, exhibition, grant, lyonnais, uses, with};
use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::my_data::{FORM, fresh_link, link};

/// Words of what was bought and liked, that nobody is to read who refused that it be read.
const OF_THE_HISTORY: [&str; 5] = ["achats", "bought", "purchases", "interests", "intérêt"];

fn says_nothing_of_the_history(text: &str) {
    for word in OF_THE_HISTORY {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn who_refused_profiling_is_not_told_that_purchases_were_used() {
    for language in ["fr", "en"] {
        let app = TestApp::start().await;
        let person = json!({
            "customer": "camille", "contact": { "email": "camille@mail.example", "language": language },
            "home": { "commune": "69123" },
        });
        app.store(&[person]).await;
        app.record(&[
            grant("camille", "email.offers"),
            consent("camille", "no-profiling", "profiling", "deny"),
        ])
        .await;
        app.add_offer(&with(catalogue(), &[("uses", uses(&["interests", "purchases"]))]))
            .await;
        app.add_campaign(&campaign("expo-1", "expo")).await;
        assert_eq!(app.take_through("expo-1").await["sent"], 1);
        let mail = app.outbox().pop().unwrap();
        says_nothing_of_the_history(&mail.text);
        says_nothing_of_the_history(&mail.html);
        let decision = app.decision("expo-1", "camille").await;
        says_nothing_of_the_history(&decision["to_the_person"].to_string());

        let why = link(&mail.text, "/w/");
        let page = app.visit(Method::GET, &why).await.text();
        says_nothing_of_the_history(&page);
        let access = fresh_link(&app, &why, "access").await;
        let file: Value = serde_json::from_str(&app.submit(&access, FORM, "show=json").await.text()).unwrap();
        assert_eq!(file["decisions"].as_array().map(Vec::len), Some(1), "{file}");
        says_nothing_of_the_history(&file["decisions"].to_string());
    }
}

#[tokio::test]
async fn a_choice_made_later_does_not_change_what_is_told_of_a_decision() {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&with(campaign("expo-1", "expo"), &[("threshold_bp", json!(10_000))]))
        .await;
    app.take_through("expo-1").await;
    let before = app.decision("expo-1", "camille").await;
    assert_eq!(
        (&before["source"], &before["model"]),
        (&json!("recomputed"), &json!(apropos_core::relevance::MODEL_VERSION)),
        "{before}"
    );
    app.record(&[consent("camille", "no-profiling", "profiling", "withdraw")])
        .await;
    let after = app.decision("expo-1", "camille").await;
    assert_eq!(
        (&after["source"], &after["model"]),
        (&json!("page"), &json!(apropos_core::relevance::MODEL_VERSION)),
        "{after}"
    );
    assert_eq!(after["rounded_down_to_bp"], 40);
    for (factor, exact) in before["contributions_bp"].as_object().unwrap() {
        let kept = after["contributions_bp"][factor].as_u64().unwrap();
        assert!(exact.as_u64().unwrap() - kept < 40, "{factor}: {after}");
    }
    assert!(
        after["explanation"]["en"].as_str().unwrap().contains("rounded down"),
        "{after}"
    );
}

/// A stack on which the run `expo-1` judged Camille, of whom these facts are known, by these rules.
async fn judged(facts: Value, rules: Value) -> TestApp {
    let app = TestApp::start().await;
    app.welcome(&with(lyonnais("camille"), &[("facts", facts)])).await;
    let read = uses(&["home", "interests", "dwelling.garden", "household.dog"]);
    app.add_offer(&with(exhibition(), &[("rules", rules), ("uses", read)]))
        .await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    app.take_through("expo-1").await;
    app
}

/// Which rule closed is not kept: a choice made since must not name another one.
#[tokio::test]
async fn a_choice_made_later_names_no_rule_that_did_not_close() {
    let rule = |name: &str, when: Value| json!({ "name": name, "when": when, "unknown": "neutral", "because": { "fr": name, "en": name } });
    let rules = json!([
        rule("has-a-garden", json!({ "attribute": "dwelling.garden", "is": true })),
        rule("tells-of-a-dog", json!({ "known": "household.dog" })),
    ]);
    let app = judged(json!({ "dwelling.garden": false, "household.dog": true }), rules).await;
    let before = app.decision("expo-1", "camille").await;
    assert_eq!(
        (&before["source"], &before["rule"]),
        (&json!("recomputed"), &json!("has-a-garden")),
        "{before}"
    );
    app.advance(SignedDuration::from_hours(1));
    let withdrawn = consent("camille", "no-profiling", "profiling", "withdraw");
    app.record(&[with(withdrawn, &[("effective_at", json!("2026-12-01T09:30:00Z"))])])
        .await;
    let after = app.decision("expo-1", "camille").await;
    assert_eq!(
        (&after["reason"], &after["source"], after.get("rule")),
        (&json!("unsuitable"), &json!("page"), None),
        "{after}"
    );
}

/// Whom the campaign asks of something unknown beside what it knows is told which of the two it is.
#[tokio::test]
async fn the_rule_that_cannot_be_answered_is_named_beside_one_that_can() {
    let rule = |name: &str, fact: &str| json!({ "name": name, "when": { "attribute": fact, "is": true }, "because": { "fr": name, "en": name } });
    let rules = json!([
        rule("has-a-garden", "dwelling.garden"),
        rule("has-a-dog", "household.dog")
    ]);
    let app = judged(json!({ "dwelling.garden": true }), rules).await;
    let told = app.decision("expo-1", "camille").await;
    assert_eq!(
        (&told["reason"], &told["source"], &told["rule"]),
        (&json!("suitability_unknown"), &json!("recomputed"), &json!("has-a-dog")),
        "{told}"
    );
}
