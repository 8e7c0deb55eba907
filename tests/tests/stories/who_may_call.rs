//! Who may call the API, and how they are told when they may not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::api_key::Scope;
use apropos_local::gateway::ROUTES;
use apropos_local::http_client::Reply;
use apropos_tests::TestApp;
use axum::http::{Method, StatusCode};
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

fn a_path(pattern: &str) -> String {
    pattern.replace("{campaign}", "tree").replace("{customer}", "c-1")
}

#[tokio::test]
async fn nobody_calls_the_api_without_a_valid_key() {
    let app = TestApp::start().await;
    let unauthenticated = (401, "unauthenticated".to_owned());
    for route in ROUTES.iter().filter(|route| route.scope.is_some()) {
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let reply = app.visit(method, &a_path(route.pattern)).await;
        assert_eq!(problem(&reply), unauthenticated, "{}", route.pattern);
    }
    let well_formed = format!("apr_{}_{}", "0".repeat(12), "A".repeat(43));
    for key in ["", "apr_", well_formed.as_str()] {
        let reply = app.post_as(key, "/v1/customers", &json!({})).await;
        assert_eq!(problem(&reply), unauthenticated, "{key}");
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
