//! A request whose answer was lost is sent again under its `Idempotency-Key`: one effect, and the first answer.

use apropos_local::http_client::Reply;
use apropos_tests::words::{all_consents, campaign, exhibition, lyonnais};
use apropos_tests::{TestApp, accepted};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn is_replayed(reply: &Reply) -> bool {
    reply
        .headers
        .get("idempotent-replayed")
        .is_some_and(|value| value == "true")
}

fn kind(reply: &Reply) -> (u16, String) {
    let problem: Value = reply.json().unwrap_or_default();
    let kind = problem.get("type").and_then(Value::as_str).unwrap_or_default();
    (
        reply.status.as_u16(),
        kind.rsplit(':').next().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn an_offer_sent_again_is_one_version_and_without_a_name_two() {
    let app = TestApp::start().await;
    let first = app.post_once("offer-1", "/v1/offers", &exhibition()).await;
    let again = app.post_once("\"offer-1\"", "/v1/offers", &exhibition()).await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (201, false));
    assert_eq!((again.status.as_u16(), is_replayed(&again)), (201, true));
    assert_eq!(first.body, again.body);
    assert_eq!(again.media_type(), "application/json");
    let unnamed = app.post("/v1/offers", &exhibition()).await;
    assert_eq!(
        accepted(&unnamed)["version"],
        2,
        "the second version is the unnamed one's"
    );
}

#[tokio::test]
async fn a_campaign_sent_again_is_no_conflict() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    let body = campaign("expo-1", "expo");
    let first = app.post_once("campaign-1", "/v1/campaigns", &body).await;
    let again = app.post_once("campaign-1", "/v1/campaigns", &body).await;
    assert_eq!(accepted(&first), accepted(&again));
    assert_eq!(
        kind(&app.post("/v1/campaigns", &body).await),
        (409, "conflict".to_owned())
    );
}

#[tokio::test]
async fn a_launch_sent_again_answers_as_first_and_sends_nothing_again() {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("c-1")).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let path = "/v1/campaigns/expo-1/launch";
    let first = app.post_once("launch-1", path, &json!({})).await;
    app.drain().await;
    let again = app.post_once("launch-1", path, &json!({})).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 202));
    assert_eq!((&first.body, is_replayed(&again)), (&again.body, true));
    assert!(
        app.stack.queues().peek("pages").unwrap().is_empty(),
        "nothing was queued"
    );
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn batches_sent_again_get_their_first_answers() {
    let app = TestApp::start().await;
    let customers = json!({ "customers": [lyonnais("c-1"), { "customer": "c-2" }] });
    let events = json!({ "events": all_consents("c-1") });
    for (path, body) in [("/v1/customers", customers), ("/v1/consents", events)] {
        let first = app.post_once("batch-1", path, &body).await;
        assert_eq!(
            kind(&first).0,
            if path == "/v1/customers" { 200 } else { 422 },
            "{path}"
        );
        let first = app.post_once(path, path, &body).await;
        let again = app.post_once(path, path, &body).await;
        assert_eq!((is_replayed(&first), is_replayed(&again)), (false, true), "{path}");
        assert_eq!(first.body, again.body, "{path}");
    }
}

#[tokio::test]
async fn a_name_is_for_one_request_of_one_brand() {
    let app = TestApp::start().await;
    let other = app.add_brand("galerie").await;
    let offer = exhibition();
    let mut changed = offer.clone();
    changed["id"] = json!("expo-2");
    accepted(&app.post_once("one", "/v1/offers", &offer).await);
    let refused = app.post_once("one", "/v1/offers", &changed).await;
    assert_eq!(kind(&refused), (422, "refused-field".to_owned()));
    let problem: Value = refused.json().unwrap();
    assert_eq!(problem["field"], "Idempotency-Key");
    let theirs = app.post_once_as(&other, "one", "/v1/offers", &offer).await;
    assert!(!is_replayed(&theirs), "another brand's name is another name");
    assert_eq!(accepted(&theirs)["version"], 1);
}

#[tokio::test]
async fn what_was_refused_may_be_corrected_under_the_same_name() {
    let app = TestApp::start().await;
    let mut wrong = exhibition();
    wrong["topic"] = json!(7);
    let refused = app.post_once("one", "/v1/offers", &wrong).await;
    assert_eq!(refused.status.as_u16(), 422);
    let corrected = app.post_once("one", "/v1/offers", &exhibition()).await;
    assert_eq!((corrected.status.as_u16(), is_replayed(&corrected)), (201, false));
}

#[tokio::test]
async fn a_name_is_forgotten_after_a_day() {
    let app = TestApp::start().await;
    accepted(&app.post_once("one", "/v1/offers", &exhibition()).await);
    app.advance(SignedDuration::from_hours(24));
    let later = app.post_once("one", "/v1/offers", &exhibition()).await;
    assert_eq!(
        (accepted(&later)["version"].clone(), is_replayed(&later)),
        (json!(2), false)
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_and_nothing_is_done() {
    let app = TestApp::start().await;
    for name in ["", "\"\"", "two words", "caf\u{e9}", &"x".repeat(256)] {
        let refused = app.post_once(name, "/v1/offers", &exhibition()).await;
        assert_eq!(kind(&refused), (422, "refused-field".to_owned()), "{name}");
    }
    assert_eq!(accepted(&app.post("/v1/offers", &exhibition()).await)["version"], 1);
}

#[tokio::test]
async fn a_name_needs_the_scope_of_its_request() {
    let app = TestApp::start().await;
    accepted(&app.post_once("one", "/v1/offers", &exhibition()).await);
    let key = app.scoped_key("campaigns:read").await;
    let foreign = app.post_once_as(&key, "one", "/v1/offers", &exhibition()).await;
    assert_eq!(foreign.status.as_u16(), 403);
}

#[tokio::test]
async fn two_at_the_same_time_have_one_effect() {
    let app = TestApp::start().await;
    let offer = exhibition();
    let calls = (0..6).map(|_| app.post_once("one", "/v1/offers", &offer));
    let replies = futures_util::future::join_all(calls).await;
    let done = replies.iter().filter(|reply| reply.status == 201).count();
    assert!(done >= 1, "one of them was done");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(kind(reply), (409, "still-running".to_owned()));
    }
    assert_eq!(accepted(&app.post("/v1/offers", &offer).await)["version"], 2);
}
