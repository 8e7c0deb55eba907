//! The events that start a function, as AWS sends them (Lambda developer guide: HTTP APIs, SQS, EventBridge).

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::http::{authorized, body, route};
use apropos_aws::{Event, SendTask, read_message};
use apropos_core::api_key::Scope;

fn read(fixture: &str) -> Event {
    serde_json::from_str(fixture).unwrap()
}

#[test]
fn a_request_of_an_http_api_is_read_with_its_brand_and_its_body() {
    let Event::Http(request) = read(include_str!("../../fixtures/api_gateway_v2.json")) else {
        panic!("a request was taken for something else")
    };
    assert_eq!(route(&request), ("POST", vec!["v1", "consents"]));
    assert_eq!(authorized(&request, Scope::ConsentsWrite).unwrap().as_str(), "maison");
    let refused = authorized(&request, Scope::CampaignsWrite).unwrap_err();
    assert_eq!(refused.status, 403);
    assert_eq!(body(&request).unwrap(), b"{\"events\":[]}");
}

#[test]
fn a_visit_to_a_page_is_read_without_a_brand_of_its_own() {
    let Event::Http(request) = read(include_str!("../../fixtures/api_gateway_v2_page.json")) else {
        panic!("a visit was taken for something else")
    };
    assert_eq!(route(&request), ("GET", vec!["u", "maison", "AQEB"]));
    assert_eq!(request.query_string_parameters.first("x"), Some("é"));
    assert_eq!(authorized(&request, Scope::ConsentsWrite).unwrap_err().status, 401);
    assert_eq!(body(&request).unwrap(), b"");
}

#[test]
fn the_messages_of_a_queue_are_read_each_by_itself() {
    let Event::Sqs(batch) = read(include_str!("../../fixtures/sqs.json")) else {
        panic!("a batch was taken for something else")
    };
    let [ours, other] = batch.records.as_slice() else {
        panic!("{} messages", batch.records.len())
    };
    let task: SendTask = read_message(ours).unwrap();
    assert_eq!(task.run.as_str(), "expo-1");
    assert_eq!(task.customers.len(), 2);
    let undone = read_message::<SendTask>(other).unwrap_err();
    assert_eq!(undone.parks_as(), Some("malformed"));
    assert_eq!(
        other.message_id.as_deref(),
        Some("2e1424d4-f796-459a-8184-9c92662be6da")
    );
}

#[test]
fn the_minutes_rule_is_read_as_a_schedule() {
    let Event::Schedule(schedule) = read(include_str!("../../fixtures/eventbridge_scheduled.json")) else {
        panic!("a schedule was taken for something else")
    };
    assert_eq!(schedule.detail_type, "Scheduled Event");
}
