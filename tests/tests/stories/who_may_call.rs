//! Who may call the API, and how they are told when they may not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::Revocation;
use apropos_core::api_key::{KeyId, PresentedKey, Scope, ScopeSet};
use apropos_local::gateway::ROUTES;
use apropos_local::http_client::Reply;
use apropos_tests::words::exhibition;
use apropos_tests::{BRAND, START, TestApp, accepted, brand_id};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The status, and the kind of problem without its prefix.
fn problem(reply: &Reply) -> (u16, String) {
    assert_eq!(reply.media_type(), "application/problem+json");
    let problem: Value = reply.json().unwrap();
    let kind = problem["type"].as_str().unwrap();
    assert_eq!(problem["status"], reply.status.as_u16());
    (
        reply.status.as_u16(),
        kind.strip_prefix("urn:apropos:problem:").unwrap().to_owned(),
    )
}

fn key_id(key: &str) -> KeyId {
    PresentedKey::parse(key).unwrap().id().clone()
}

fn a_path(pattern: &str) -> String {
    pattern.replace("{campaign}", "tree").replace("{customer}", "c-1")
}

/// The status, and the whole body, of what API Gateway answers itself: no problem details can be had from it.
fn gateway_message(reply: &Reply) -> (u16, Value) {
    assert_eq!(reply.media_type(), "application/json");
    (reply.status.as_u16(), reply.json().unwrap())
}

fn unauthorized() -> (u16, Value) {
    (401, json!({ "message": "Unauthorized" }))
}

fn forbidden() -> (u16, Value) {
    (403, json!({ "message": "Forbidden" }))
}

/// A campaign that nobody made: whoever is let in is told so.
const A_CAMPAIGN: &str = "/v1/campaigns/none";

fn let_in() -> (u16, String) {
    (404, "unknown".to_owned())
}

#[tokio::test]
async fn nobody_calls_the_api_without_a_valid_key() {
    let app = TestApp::start().await;
    let well_formed = format!("apr_{}_{}", "0".repeat(12), "A".repeat(43));
    for route in ROUTES.iter().filter(|route| route.scope.is_some()) {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let path = a_path(route.pattern);
        let reply = app.visit(method, &path).await;
        assert_eq!(gateway_message(&reply), unauthorized(), "{}", route.pattern);
        for key in ["", "apr_", well_formed.as_str()] {
            let reply = match route.method {
                "GET" => app.client.get_json(&path, key).await.unwrap(),
                _ => app.post_as(key, &path, &json!({})).await,
            };
            assert_eq!(gateway_message(&reply), forbidden(), "{} {key}", route.pattern);
        }
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_more_and_a_new_one_takes_its_place() {
    let app = TestApp::start().await;
    let old = app.scoped_key("campaigns:read").await;
    let call = async |key: &str| app.client.get_json(A_CAMPAIGN, key).await.unwrap();
    assert_eq!(problem(&call(&old).await), let_in());
    let revoked = app.stack.tables().revoke_api_key(&key_id(&old), START).await.unwrap();
    assert_eq!(revoked, Revocation::Done);
    assert_eq!(gateway_message(&call(&old).await), forbidden());
    let new = app.scoped_key("campaigns:read").await;
    assert_eq!(problem(&call(&new).await), let_in());
}

#[tokio::test]
async fn an_expired_key_opens_nothing_more() {
    let app = TestApp::start().await;
    let end = START + SignedDuration::from_hours(1);
    let brand = brand_id(BRAND);
    let minted = app
        .stack
        .tables()
        .mint_api_key(&brand, ScopeSet::all(), Some(end), START);
    let key = minted.await.unwrap().reveal();
    let call = async || app.client.get_json(A_CAMPAIGN, &key).await.unwrap();
    app.advance(SignedDuration::from_mins(59));
    assert_eq!(problem(&call().await), let_in());
    app.advance(SignedDuration::from_mins(1));
    assert_eq!(gateway_message(&call().await), forbidden());
}

#[tokio::test]
async fn a_keys_owner_sees_when_it_was_used_to_the_hour() {
    let app = TestApp::start().await;
    let key = app.scoped_key("consents:write").await;
    for (minutes, noted) in [(0, 0), (59, 0), (1, 60), (59, 60)] {
        app.advance(SignedDuration::from_mins(minutes));
        app.post_as(&key, "/v1/consents", &json!({ "events": [] })).await;
        let record = app.stack.tables().api_key(&key_id(&key)).await.unwrap().unwrap();
        let at = START + SignedDuration::from_mins(noted);
        assert_eq!(record.last_used, Some(at), "after {minutes} more minutes");
    }
}

#[tokio::test]
async fn the_brand_comes_from_the_key_and_a_body_that_names_one_is_refused() {
    let app = TestApp::start().await;
    let other = app.add_brand("autre").await;
    // Each brand's offer of the same id is its first, whoever came before.
    for version in [1, 2] {
        let offer = accepted(&app.post("/v1/offers", &exhibition()).await);
        assert_eq!(offer["version"], version);
    }
    let theirs = accepted(&app.post_as(&other, "/v1/offers", &exhibition()).await);
    assert_eq!(theirs["version"], 1);

    for path in [
        "/v1/customers",
        "/v1/consents",
        "/v1/offers",
        "/v1/campaigns",
        "/v1/relevance",
    ] {
        let reply = app.post_as(&other, path, &json!({ "brand": BRAND })).await;
        assert_eq!(problem(&reply), (422, "refused-field".to_owned()), "{path}");
        assert!(reply.text().contains("not known"), "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_key_opens_only_what_its_scopes_say() {
    let app = TestApp::start().await;
    for route in ROUTES {
        let Some(scope) = route.scope else { continue };
        let others: Vec<_> = Scope::ALL
            .into_iter()
            .filter(|other| *other != scope)
            .map(Scope::code)
            .collect();
        let key = app.scoped_key(&others.join(" ")).await;
        let path = a_path(route.pattern);
        let reply = match route.method {
            "GET" => app.client.get_json(&path, &key).await.unwrap(),
            _ => app.post_as(&key, &path, &json!({})).await,
        };
        assert_eq!(
            problem(&reply),
            (403, "missing-scope".to_owned()),
            "{} {}",
            route.method,
            route.pattern
        );
        assert!(reply.text().contains(scope.code()), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_not_found() {
    let app = TestApp::start().await;
    for path in ["/", "/v1", "/v1/customers/c-1", "/u/maison", "/v2/customers"] {
        let reply = app.get(path).await;
        assert_eq!(problem(&reply), (404, "no-such-route".to_owned()), "{path}");
    }
    let wrong_method = app.get("/v1/customers").await;
    assert_eq!(wrong_method.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_slash_hidden_in_an_id_leads_nowhere() {
    let app = TestApp::start().await;
    for id in ["a%2Fb", "%2F", "a%2Flaunch"] {
        let reply = app.post(&format!("/v1/campaigns/{id}/launch"), &json!({})).await;
        assert_eq!(problem(&reply), (404, "unknown".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn a_body_over_a_megabyte_is_refused() {
    let app = TestApp::start().await;
    for bytes in [1_000_001, 11 * 1_048_576] {
        let reply = app.post("/v1/customers", &json!("x".repeat(bytes))).await;
        assert_eq!(problem(&reply), (413, "body-too-large".to_owned()), "{bytes}");
    }
}
