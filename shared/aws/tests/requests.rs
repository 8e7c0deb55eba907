//! A request that dies on the way: its name is free again when its lease is over, for the same request only.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use std::cell::Cell;

use apropos_aws::http::{Problem, json};
use apropos_aws::{Clock, Once, Tables, once};
use apropos_core::api_key::Scope;
use apropos_core::idempotency::LEASE;
use apropos_emulator::Emulator;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::{SignedDuration, Timestamp};

fn clock() -> Clock {
    Clock::manual("2026-11-17T09:00:00Z".parse::<Timestamp>().unwrap())
}

/// A call of `POST /v1/offers` under one name.
fn call(body: &str) -> ApiGatewayV2httpRequest {
    serde_json::from_value(serde_json::json!({
        "version": "2.0",
        "rawPath": "/v1/offers",
        "headers": { "idempotency-key": "one" },
        "requestContext": {
            "http": { "method": "POST", "path": "/v1/offers" },
            "authorizer": { "lambda": { "brand": "lumen", "scopes": "campaigns:write" } },
        },
        "body": body,
        "isBase64Encoded": false,
    }))
    .unwrap()
}

async fn done(tables: &Tables, clock: &Clock, body: &str, count: &Cell<u32>) -> ApiGatewayV2httpResponse {
    let effect = async |_: &mut Once| {
        count.set(count.get() + 1);
        Ok(json(201, &count.get()))
    };
    once(tables, clock, &call(body), Scope::CampaignsWrite, effect)
        .await
        .unwrap_or_else(|problem| problem.response())
}

/// Begins a request and is gone before its effect ends.
async fn die(tables: &Tables, clock: &Clock, body: &str) {
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let effect = async |_: &mut Once| -> Result<ApiGatewayV2httpResponse, Problem> {
        begun.send(()).unwrap();
        std::future::pending().await
    };
    let event = call(body);
    let request = once(tables, clock, &event, Scope::CampaignsWrite, effect);
    tokio::select! {
        answered = request => assert!(answered.is_err(), "it cannot end"),
        begun = is_begun => begun.unwrap(),
    }
}

#[tokio::test]
async fn while_it_may_be_running_it_is_not_done_again_and_after_its_lease_it_is() {
    let emulator = Emulator::in_memory().await.unwrap();
    let (tables, clock, count) = (emulator.tables, clock(), Cell::new(0));
    die(&tables, &clock, "{}").await;
    assert_eq!(done(&tables, &clock, "{}", &count).await.status_code, 409);
    clock.advance(LEASE - SignedDuration::from_millis(1));
    assert_eq!(done(&tables, &clock, "{}", &count).await.status_code, 409);
    clock.advance(SignedDuration::from_millis(1));
    assert_eq!(done(&tables, &clock, "[]", &count).await.status_code, 422);
    assert_eq!(
        (done(&tables, &clock, "{}", &count).await.status_code, count.get()),
        (201, 1)
    );
    assert_eq!(
        (done(&tables, &clock, "{}", &count).await.status_code, count.get()),
        (201, 1)
    );
}

#[tokio::test]
async fn one_that_was_taken_over_keeps_no_answer_of_its_own() {
    let emulator = Emulator::in_memory().await.unwrap();
    let (tables, clock, count) = (emulator.tables, clock(), Cell::new(0));
    let slow = async |_: &mut Once| {
        clock.advance(LEASE);
        assert_eq!(done(&tables, &clock, "{}", &count).await.status_code, 201);
        Ok(json(201, &"slow"))
    };
    let event = call("{}");
    let answered = once(&tables, &clock, &event, Scope::CampaignsWrite, slow).await;
    assert!(answered.is_ok());
    let again = done(&tables, &clock, "{}", &count).await;
    assert_eq!((again.status_code, count.get()), (201, 1));
    let text = serde_json::to_value(&again).unwrap();
    assert_eq!(text["body"], "1", "the answer is the taker's");
}

#[tokio::test]
async fn what_could_be_taken_in_later_is_not_kept() {
    let emulator = Emulator::in_memory().await.unwrap();
    let (tables, clock, count) = (emulator.tables, clock(), Cell::new(0));
    let partly = async |once: &mut Once| {
        once.forget();
        Ok(json(200, &"partly"))
    };
    let event = call("{}");
    let answered = once(&tables, &clock, &event, Scope::CampaignsWrite, partly).await;
    assert_eq!(answered.unwrap().status_code, 200);
    assert_eq!(
        (done(&tables, &clock, "{}", &count).await.status_code, count.get()),
        (201, 1)
    );
}
