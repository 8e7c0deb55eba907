//! What is deployed answers the same calls as the local stack and as the contract says, and asks for a key alike.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeMap;

use apropos_local::gateway::ROUTES;
use apropos_tests::contract::{Contract, calls, calls_of_contract, calls_of_routes};
use apropos_tests::yaml;
use serde_json::Value;

/// The route keys of the template, `POST /v1/consents` or `ANY /u/{brand}/{token}`, with their kind of authorization.
fn template_routes() -> BTreeMap<String, String> {
    let template = yaml::read("infra/template.yaml");
    let resources = template.get("Resources").and_then(Value::as_object).unwrap();
    resources
        .values()
        .filter(|resource| resource.get("Type").and_then(Value::as_str) == Some("AWS::ApiGatewayV2::Route"))
        .map(|route| {
            let property = |name: &str| route.pointer(&format!("/Properties/{name}")).and_then(Value::as_str);
            let key = property("RouteKey").unwrap().to_owned();
            (key, property("AuthorizationType").unwrap_or("NONE").to_owned())
        })
        .collect()
}

#[test]
fn the_template_the_local_stack_and_the_contract_answer_the_same_calls() {
    let template = template_routes();
    let template = calls(template.keys().map(|key| key.split_once(' ').unwrap()));
    assert_eq!(template, calls_of_routes(&ROUTES));
    assert_eq!(template, calls_of_contract(&Contract::read()));
}

#[test]
fn the_template_asks_for_a_key_where_the_local_stack_does() {
    let local: BTreeMap<_, _> = ROUTES
        .iter()
        .map(|route| {
            let authorization = if route.scope.is_some() { "CUSTOM" } else { "NONE" };
            (format!("{} {}", route.method, route.pattern), authorization.to_owned())
        })
        .collect();
    assert_eq!(template_routes(), local);
}
