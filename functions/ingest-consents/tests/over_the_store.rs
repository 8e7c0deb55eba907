//! `POST /v1/consents` over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{Clock, Queue, Table, Tables, TransactionalTask};
use apropos_core::document::BrandDocument;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::ledger::verify;
use apropos_emulator::Emulator;
use apropos_ingest_consents::Handler;
use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::Method;
use aws_sdk_dynamodb::Client;
use base64::Engine;
use jiff::Timestamp;
use serde_json::{Value, json};

struct Api {
    handler: Handler,
    tables: Tables,
    client: Client,
}

impl Api {
    async fn start() -> Self {
        let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
        let brand: BrandDocument = serde_json::from_value(json!({
            "id": "lumen", "name": "Lumen", "imprint": "Lumen SAS, Lyon", "sender": "bonjour@lumen.example",
            "list_domain": "lumen.example",
            "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
            "notice": {"id": "privacy", "version": "1", "hash": "ab".repeat(32), "language": "fr"}
        }))
        .unwrap();
        tables.put_brand(&brand).await.unwrap();
        let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        Self {
            handler: Handler::new(tables.clone(), Clock::manual(now), no_queue()),
            tables,
            client,
        }
    }

    async fn ask(&self, event: &ApiGatewayV2httpRequest) -> (i64, Value) {
        let response = self.handler.http(event).await;
        let Some(Body::Text(text)) = response.body else {
            panic!("an answer has a body");
        };
        (response.status_code, serde_json::from_str(&text).unwrap())
    }

    /// Sends events that are each answered by themselves.
    async fn send(&self, events: Value) -> Value {
        let body = json!({"events": events}).to_string();
        let (status, answer) = self.ask(&request(&body, "consents:write")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn assert_nothing_written(&self, why: &str) {
        for table in [Table::Consents, Table::Standing, Table::Audience] {
            let scan = self.client.scan().table_name(self.tables.name(table)).send().await;
            assert_eq!(scan.unwrap().items().len(), 0, "{table:?} after {why}");
        }
    }

    /// The length of a customer's ledger, which holds together.
    async fn ledger(&self, customer: &str) -> usize {
        let customer = CustomerId::new(customer).unwrap();
        let entries = self.tables.ledger(&lumen(), &customer).await.unwrap();
        let chain: Vec<_> = entries.into_iter().map(|(entry, _)| entry).collect();
        let head = self.tables.standing(&lumen(), &customer).await.unwrap().head;
        assert_eq!(verify(&chain, head), Ok(()));
        chain.len()
    }
}

/// A queue that nobody answers for: whoever calls it fails.
fn no_queue() -> Queue<TransactionalTask> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(apropos_aws::behavior())
        .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
        .endpoint_url("http://127.0.0.1:1")
        .http_client(apropos_aws::http_client())
        .build();
    let url = "http://127.0.0.1:1/000000000000/sends".to_owned();
    Queue::new(aws_sdk_sqs::Client::from_conf(config), url)
}

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

/// As API Gateway sends it once the authorizer has found the brand.
fn request(body: &str, scopes: &str) -> ApiGatewayV2httpRequest {
    let mut event = ApiGatewayV2httpRequest::default();
    event.request_context.http.method = Method::POST;
    event.raw_path = Some("/v1/consents".to_owned());
    event.body = Some(body.to_owned());
    let mut authorizer = ApiGatewayRequestAuthorizer::default();
    authorizer.fields = [
        ("brand".to_owned(), json!("lumen")),
        ("scopes".to_owned(), json!(scopes)),
    ]
    .into();
    event.request_context.authorizer = Some(authorizer);
    event
}

fn event(customer: &str, id: &str, act: &str, actor: &str, at: &str) -> Value {
    json!({
        "customer": customer, "event": id, "purpose": "email.offers", "act": act, "actor": actor, "effective_at": at,
        "evidence": {
            "affirmative_action": "ticked_box", "method": "web_form", "source": "https://shop.example/join",
            "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
        }
    })
}

fn grant(customer: &str, id: &str) -> Value {
    event(customer, id, "grant", "customer", "2026-11-01T10:00:00Z")
}

fn with(field: &str, value: Value) -> Value {
    let mut event = grant("c1", "e1");
    event[field] = value;
    event
}

fn places(answer: &Value) -> Vec<(u64, &str)> {
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| (result["seq"].as_u64().unwrap(), result["state"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn each_event_is_answered_by_itself_in_the_order_sent() {
    let api = Api::start().await;
    let answer = api
        .send(json!([
            grant("c2", "e1"),
            with("act", json!("maybe")),
            event("c1", "e1", "request", "customer", "2026-11-01T10:00:00Z"),
            event("c2", "e2", "withdraw", "customer", "2026-11-02T10:00:00Z"),
        ]))
        .await;
    assert_eq!(
        answer["results"][0],
        json!({"index": 0, "customer": "c2", "event": "e1", "status": "recorded", "seq": 1, "state": "granted"})
    );
    assert_eq!(answer["results"][1]["status"], "refused");
    assert_eq!(answer["results"][1]["problem"]["field"], "act");
    assert_eq!(
        (&answer["results"][2]["state"], &answer["results"][2]["seq"]),
        (&json!("pending"), &json!(1))
    );
    assert_eq!(
        (&answer["results"][3]["state"], &answer["results"][3]["seq"]),
        (&json!("withdrawn"), &json!(2))
    );
    assert_eq!((&answer["recorded"], &answer["refused"]), (&json!(3), &json!(1)));
    assert_eq!((api.ledger("c1").await, api.ledger("c2").await), (1, 2));
}

#[tokio::test]
async fn a_repeated_event_answers_as_the_first_did() {
    let api = Api::start().await;
    let batch = json!([grant("c1", "e1"), grant("c1", "e2"), grant("c1", "e1")]);
    let first = api.send(batch.clone()).await;
    assert_eq!(places(&first), [(1, "granted"), (2, "granted"), (1, "granted")]);
    assert_eq!(first["results"][0].get("duplicate"), None);
    assert_eq!(first["results"][2]["duplicate"], true);

    api.send(json!([event(
        "c1",
        "e3",
        "withdraw",
        "customer",
        "2026-11-03T10:00:00Z"
    )]))
    .await;
    let again = api.send(batch).await;
    assert_eq!(places(&again), places(&first));
    assert!(
        again["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result["duplicate"] == true)
    );
    assert_eq!(api.ledger("c1").await, 3);
}

#[tokio::test]
async fn the_same_event_id_of_two_customers_is_two_events() {
    let api = Api::start().await;
    let answer = api.send(json!([grant("c1", "e1"), grant("c2", "e1")])).await;
    assert_eq!(answer["recorded"], 2);
    assert!(
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result.get("duplicate").is_none())
    );
}

#[tokio::test]
async fn an_import_is_recorded_but_does_not_revive_what_the_person_refused() {
    let api = Api::start().await;
    let answer = api
        .send(json!([
            event("c1", "e1", "withdraw", "customer", "2026-11-01T10:00:00Z"),
            event("c1", "e2", "grant", "import", "2026-11-10T10:00:00Z"),
        ]))
        .await;
    assert_eq!(places(&answer), [(1, "withdrawn"), (2, "withdrawn")]);
}

#[tokio::test]
async fn more_events_of_one_customer_than_a_transaction_holds_are_chained_in_order() {
    let api = Api::start().await;
    let mut events: Vec<Value> = (0..100).map(|number| grant("c1", &format!("e{number}"))).collect();
    events.push(grant("c1", "e5"));
    let answer = api.send(json!(events)).await;
    let seqs: Vec<u64> = places(&answer).into_iter().map(|(seq, _)| seq).collect();
    let expected: Vec<u64> = (1..=100).chain([6]).collect();
    assert_eq!(seqs, expected);
    assert_eq!(answer["results"][100]["duplicate"], true);
    assert_eq!(api.ledger("c1").await, 100);
}

#[tokio::test]
async fn writers_that_race_for_one_customer_all_end_in_one_whole_ledger() {
    let api = Api::start().await;
    let batch = |writer: &str| {
        let events: Vec<Value> = (0..10)
            .map(|number| grant("c1", &format!("{writer}{number}")))
            .collect();
        json!(events)
    };
    let answers = tokio::join!(api.send(batch("a")), api.send(batch("b")), api.send(batch("c")));
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer["recorded"], 10, "{answer}");
    }
    assert_eq!(api.ledger("c1").await, 30);
}

#[tokio::test]
async fn a_refused_event_names_its_field_and_writes_nothing() {
    let api = Api::start().await;
    let evidence = |field: &str, value: Value| {
        let mut event = grant("c1", "e1");
        event["evidence"][field] = value;
        event
    };
    let mut without_evidence = grant("c1", "e1");
    without_evidence.as_object_mut().unwrap().remove("evidence");
    let cases = [
        (with("segment", json!("vip")), Value::Null),
        (evidence("ip", json!("192.0.2.1")), json!("evidence")),
        (without_evidence, json!("evidence")),
        (with("customer", json!("camille@mail.example")), json!("customer")),
        (with("customer", json!(["c1"])), json!("customer")),
        (with("event", json!("e 1")), json!("event")),
        (with("event", json!("e".repeat(65))), json!("event")),
        (with("purpose", json!("email.news")), json!("purpose")),
        (with("purpose", json!("fax.offers")), json!("purpose")),
        (with("act", json!("opt-in")), json!("act")),
        (with("actor", json!("robot")), json!("actor")),
        (
            with("effective_at", json!("2026-11-20T09:05:01Z")),
            json!("effective_at"),
        ),
        (with("effective_at", json!("20/11/2026")), json!("effective_at")),
        (with("effective_at", json!(1_700_000_000)), json!("effective_at")),
        (with("expires_at", json!("2026-10-01T00:00:00Z")), json!("expires_at")),
        (with("legal_basis", json!("legitimate_interest")), json!("legal_basis")),
        (
            with("legal_basis", json!({"soft_opt_in": {"sale_reference": "s1"}})),
            json!("legal_basis.soft_opt_in.seller"),
        ),
        (
            evidence("source", json!("camille@mail.example")),
            json!("evidence.source"),
        ),
        (evidence("notice", Value::Null), json!("evidence.notice")),
        (json!([]), Value::Null),
        (json!(null), Value::Null),
    ];
    for (event, field) in cases {
        let answer = api.send(json!([event])).await;
        let result = &answer["results"][0];
        assert_eq!(result["status"], "refused", "{event}");
        assert_eq!(result["problem"]["field"], field, "{event} {result}");
        let told = result.to_string();
        assert!(!told.contains("camille") && !told.contains("192.0.2.1"), "{told}");
        api.assert_nothing_written(&told).await;
    }
}

#[tokio::test]
async fn a_time_five_minutes_ahead_is_a_clock_that_differs() {
    let api = Api::start().await;
    let answer = api
        .send(json!([with("effective_at", json!("2026-11-20T09:05:00Z"))]))
        .await;
    assert_eq!(answer["recorded"], 1);
}

#[tokio::test]
async fn a_body_that_cannot_be_a_batch_is_one_problem_and_writes_nothing() {
    let api = Api::start().await;
    let too_many: Vec<Value> = (0..201).map(|number| grant("c1", &format!("e{number}"))).collect();
    let whole = json!({"events": [grant("c1", "e1")]}).to_string();
    let cases = [
        ("", 400, Value::Null),
        (&whole[..whole.len() - 2], 400, Value::Null),
        ("null", 422, Value::Null),
        ("{}", 422, json!("events")),
        (r#"{"events": "all"}"#, 422, json!("events")),
        (r#"{"events": []}"#, 422, json!("events")),
        (
            &json!({"events": [grant("c1", "e1")], "brand": "velo"}).to_string(),
            422,
            Value::Null,
        ),
        (&json!({"events": too_many}).to_string(), 422, json!("events")),
        (&format!("{whole}{}", " ".repeat(1_000_001)), 413, Value::Null),
    ];
    for (body, status, field) in cases {
        let (answered, problem) = api.ask(&request(body, "consents:write")).await;
        let about = body.chars().take(60).collect::<String>();
        assert_eq!(answered, status, "{about} {problem}");
        assert_eq!(problem["field"], field, "{about}");
        api.assert_nothing_written(&about).await;
    }
}

#[tokio::test]
async fn a_body_in_base64_is_read_and_one_that_is_not_is_refused() {
    let api = Api::start().await;
    let whole = json!({"events": [grant("c1", "e1")]}).to_string();
    let mut broken = request("%%%", "consents:write");
    broken.is_base64_encoded = true;
    assert_eq!(api.ask(&broken).await.0, 400);
    let mut large = request(&"A".repeat(1_400_000), "consents:write");
    large.is_base64_encoded = true;
    assert_eq!(api.ask(&large).await.0, 413);
    api.assert_nothing_written("broken base64").await;
    let encoded = base64::engine::general_purpose::STANDARD.encode(whole);
    let mut fine = request(&encoded, "consents:write");
    fine.is_base64_encoded = true;
    assert_eq!(api.ask(&fine).await.1["recorded"], 1);
}

#[tokio::test]
async fn only_a_key_of_the_brand_with_the_scope_may_write() {
    let api = Api::start().await;
    let body = json!({"events": [grant("c1", "e1")]}).to_string();
    let (status, problem) = api.ask(&request(&body, "context:write")).await;
    assert_eq!(status, 403);
    assert!(problem["detail"].as_str().unwrap().contains("consents:write"));
    let mut nobody = request(&body, "consents:write");
    nobody.request_context.authorizer = None;
    assert_eq!(api.ask(&nobody).await.0, 401);
    let mut put = request(&body, "consents:write");
    put.request_context.http.method = Method::PUT;
    assert_eq!(api.ask(&put).await.0, 405);
    api.assert_nothing_written("a request without the right to").await;
}

#[tokio::test]
async fn a_request_whose_confirmation_cannot_be_queued_is_to_be_sent_again() {
    let api = Api::start().await;
    let request_of = |actor: &str| event("c1", "e1", "request", actor, "2026-11-20T08:59:00Z");
    let body = |event: Value| json!({"events": [event]}).to_string();
    let asked = request(&body(request_of("customer")), "consents:write");
    assert_eq!(api.ask(&asked).await.0, 503);
    // It is recorded all the same, once, however often it is sent.
    assert_eq!(api.ask(&asked).await.0, 503);
    assert_eq!(api.ledger("c1").await, 1);
    // Who has nothing to confirm needs no queue.
    let imported = request(&body(request_of("import")), "consents:write");
    assert_eq!(api.ask(&imported).await.0, 200);
}
