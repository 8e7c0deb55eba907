//! `POST /v1/customers` over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{Clock, PK, Person, Table, Tables};
use apropos_core::document::BrandDocument;
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::place::Cell;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash, global_address_hash};
use apropos_emulator::Emulator;
use apropos_gazetteer::Gazetteer;
use apropos_ingest_context::Handler;
use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::Method;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What a customer's data would be written to.
const WRITTEN: [Table; 6] = [
    Table::Customers,
    Table::Contacts,
    Table::Standing,
    Table::Audience,
    Table::Links,
    Table::Campaigns,
];

struct Api {
    handler: Handler,
    tables: Tables,
    client: Client,
    pepper: Pepper,
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
        let pepper = Pepper::new(&"p".repeat(32)).unwrap();
        Self {
            handler: Handler::new(tables.clone(), Clock::manual(now), pepper.clone()),
            tables,
            client,
            pepper,
        }
    }

    async fn ask(&self, event: &ApiGatewayV2httpRequest) -> (i64, Value) {
        let response = self.handler.http(event).await;
        let Some(Body::Text(text)) = response.body else {
            panic!("an answer has a body");
        };
        (response.status_code, serde_json::from_str(&text).unwrap())
    }

    async fn post(&self, body: &str) -> (i64, Value) {
        self.ask(&request(body, "context:write")).await
    }

    /// Sends records that are each answered by themselves.
    async fn send(&self, records: Value) -> Value {
        let (status, answer) = self.post(&json!({"customers": records}).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn items(&self, table: Table) -> usize {
        let scan = self.client.scan().table_name(self.tables.name(table)).send().await;
        scan.unwrap().items().len()
    }

    async fn assert_nothing_written(&self, why: &str) {
        for table in WRITTEN {
            assert_eq!(self.items(table).await, 0, "{table:?} after {why}");
        }
    }

    async fn person(&self, customer: &str) -> Person {
        let customer = CustomerId::new(customer).unwrap();
        self.tables.person(&lumen(), &customer).await.unwrap()
    }

    async fn context_version(&self, customer: &str) -> Option<u32> {
        let person = self.person(customer).await;
        person.context.map(|(_, version)| version)
    }
}

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

/// As API Gateway sends it once the authorizer has found the brand.
fn request(body: &str, scopes: &str) -> ApiGatewayV2httpRequest {
    let mut event = ApiGatewayV2httpRequest::default();
    event.request_context.http.method = Method::POST;
    event.raw_path = Some("/v1/customers".to_owned());
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

fn customer(id: &str) -> Value {
    json!({
        "customer": id,
        "contact": {"email": format!("{id}@mail.example"), "language": "fr", "time_zone": "Europe/Paris"},
        "home": {"commune": "75056"},
        "facts": {"dwelling.garden": true, "dwelling.floor": 3},
        "interests": ["running-gear"],
        "purchases": [{"category": "running-shoes", "on": "2026-11-02"}],
        "last_activity": "2026-11-20",
    })
}

fn with(id: &str, field: &str, value: Value) -> Value {
    let mut record = customer(id);
    record[field] = value;
    record
}

#[tokio::test]
async fn each_record_is_answered_by_itself_in_the_order_sent() {
    let api = Api::start().await;
    let answer = api
        .send(json!([
            customer("c1"),
            with("c2", "home", json!({"commune": "00000"})),
            customer("c3")
        ]))
        .await;
    assert_eq!(
        answer["results"][0],
        json!({"index": 0, "customer": "c1", "status": "stored", "context_version": 1})
    );
    assert_eq!(answer["results"][1]["status"], "refused");
    assert_eq!(answer["results"][1]["index"], 1);
    assert_eq!(answer["results"][1]["customer"], "c2");
    assert_eq!(answer["results"][1]["problem"]["field"], "home.commune");
    assert_eq!(answer["results"][1]["problem"]["status"], 422);
    assert_eq!(answer["results"][2]["customer"], "c3");
    assert_eq!(
        (&answer["stored"], &answer["suppressed"], &answer["refused"]),
        (&json!(2), &json!(0), &json!(1))
    );
    assert_eq!(api.context_version("c2").await, None);
    assert_eq!(api.items(Table::Audience).await, 2);
}

#[tokio::test]
async fn a_refused_record_names_its_field_and_writes_nothing() {
    let api = Api::start().await;
    let mut without_contact = customer("c1");
    without_contact.as_object_mut().unwrap().remove("contact");
    let contact = |change: Value| {
        let mut record = customer("c1");
        for (name, value) in change.as_object().unwrap() {
            record["contact"][name] = value.clone();
        }
        record
    };
    let many = vec!["books"; 65];
    let cases = [
        (with("c1", "age", json!(41)), Value::Null),
        (contact(json!({"phone": "0102030405"})), json!("contact")),
        (without_contact, json!("contact")),
        (with("c1", "customer", json!(7)), json!("customer")),
        (with("c1", "customer", json!("camille@mail.example")), json!("customer")),
        (contact(json!({"email": "camille@"})), json!("contact.email")),
        (contact(json!({"email": "a@b@mail.example"})), json!("contact.email")),
        (
            contact(json!({"email": "a\u{200b}@mail.example"})),
            json!("contact.email"),
        ),
        (
            contact(json!({"email": "a@mail.example\r\nBcc: b@mail.example"})),
            json!("contact.email"),
        ),
        (contact(json!({"email": 7})), json!("contact.email")),
        (contact(json!({"language": "xx"})), json!("contact.language")),
        (
            contact(json!({"time_zone": "Europe/Atlantis"})),
            json!("contact.time_zone"),
        ),
        (
            with("c1", "home", json!({"latitude": "48.8", "longitude": 2.3})),
            json!("home.latitude"),
        ),
        (with("c1", "home", json!({"latitude": 48.8})), json!("home.longitude")),
        (with("c1", "home", json!({"street": "1 rue de la Paix"})), json!("home")),
        (
            with("c1", "home", json!({"commune": "75056", "postcode": "75001"})),
            json!("home"),
        ),
        (with("c1", "home", json!({"postcode": "00000"})), json!("home.postcode")),
        (
            with("c1", "home", json!({"cell": "851fb467fffffff"})),
            json!("home.cell"),
        ),
        (with("c1", "facts", json!({"health": true})), json!("facts")),
        (
            with("c1", "facts", json!({"dwelling.floor": "third"})),
            json!("facts.dwelling.floor"),
        ),
        (
            with("c1", "facts", json!({"dwelling.floor": 61})),
            json!("facts.dwelling.floor"),
        ),
        (with("c1", "facts", json!([])), json!("facts")),
        (
            with("c1", "interests", json!(["golf-of-the-moon"])),
            json!("interests[0]"),
        ),
        (with("c1", "interests", json!(many)), json!("interests")),
        (with("c1", "interests", json!("books")), json!("interests")),
        (
            with("c1", "purchases", json!([{"category": "books", "on": "2026-11-22"}])),
            json!("purchases[0].on"),
        ),
        (
            with("c1", "purchases", json!([{"category": "books", "on": "yesterday"}])),
            json!("purchases[0].on"),
        ),
        (
            with("c1", "purchases", json!([{"category": "books"}])),
            json!("purchases[0].on"),
        ),
        (with("c1", "last_activity", json!("2027-01-01")), json!("last_activity")),
        (json!("c1"), Value::Null),
        (json!(null), Value::Null),
    ];
    for (record, field) in cases {
        let answer = api.send(json!([record])).await;
        let result = &answer["results"][0];
        assert_eq!(result["status"], "refused", "{record}");
        assert_eq!(result["problem"]["field"], field, "{record} {result}");
        let told = result.to_string();
        assert!(!told.contains("camille") && !told.contains("rue de"), "{told}");
        api.assert_nothing_written(&told).await;
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_a_batch_is_one_problem_and_writes_nothing() {
    let api = Api::start().await;
    let hundred_and_one: Vec<Value> = (0..101).map(|number| customer(&format!("c{number}"))).collect();
    let cut = json!({"customers": [customer("c1")]}).to_string();
    let cases = [
        ("", 400, Value::Null),
        (&cut[..cut.len() - 3], 400, Value::Null),
        (&format!("{cut} {cut}"), 400, Value::Null),
        ("[]", 422, Value::Null),
        ("{}", 422, json!("customers")),
        (r#"{"customers": {}}"#, 422, json!("customers")),
        (r#"{"customers": []}"#, 422, json!("customers")),
        (
            &json!({"customers": [customer("c1")], "brand": "velo"}).to_string(),
            422,
            Value::Null,
        ),
        (
            &json!({"customers": hundred_and_one}).to_string(),
            422,
            json!("customers"),
        ),
        (&format!(r#"{{"customers": [{}]}}"#, "[".repeat(300)), 400, Value::Null),
        (&format!("{cut}{}", " ".repeat(1_000_001)), 413, Value::Null),
    ];
    for (body, status, field) in cases {
        let (answered, problem) = api.post(body).await;
        let about = body.chars().take(60).collect::<String>();
        assert_eq!(answered, status, "{about} {problem}");
        assert_eq!(problem["status"], status, "{about}");
        assert_eq!(problem["field"], field, "{about}");
        api.assert_nothing_written(&about).await;
    }
}

#[tokio::test]
async fn only_a_key_of_the_brand_with_the_scope_may_write() {
    let api = Api::start().await;
    let body = json!({"customers": [customer("c1")]}).to_string();
    let (status, problem) = api.ask(&request(&body, "consents:write campaigns:read")).await;
    assert_eq!(status, 403);
    assert!(problem["detail"].as_str().unwrap().contains("context:write"));
    let mut nobody = request(&body, "context:write");
    nobody.request_context.authorizer = None;
    assert_eq!(api.ask(&nobody).await.0, 401);
    let mut get = request(&body, "context:write");
    get.request_context.http.method = Method::GET;
    assert_eq!(api.ask(&get).await.0, 405);
    let mut elsewhere = request(&body, "context:write");
    elsewhere.raw_path = Some("/v1/customers/c1".to_owned());
    assert_eq!(api.ask(&elsewhere).await.0, 404);
    api.assert_nothing_written("a request without the right to").await;
}

#[tokio::test]
async fn the_same_record_twice_changes_nothing() {
    let api = Api::start().await;
    let first = api.send(json!([customer("c1")])).await;
    let cells = api.tables.populated_cells(&lumen()).await.unwrap();
    let again = api.send(json!([customer("c1")])).await;
    assert_eq!(first, again);
    assert_eq!(api.tables.populated_cells(&lumen()).await.unwrap(), cells);
    assert_eq!(api.items(Table::Links).await, 1);
}

#[tokio::test]
async fn a_record_replaces_the_whole_context() {
    let api = Api::start().await;
    api.send(json!([customer("c1")])).await;
    let bare = json!({"customer": "c1", "contact": customer("c1")["contact"]});
    let answer = api.send(json!([bare])).await;
    assert_eq!(answer["results"][0]["context_version"], 2);
    let person = api.person("c1").await;
    let (context, _) = person.context.unwrap();
    assert!(context.home.is_none() && context.purchases.is_empty() && context.interests.is_empty());
}

#[tokio::test]
async fn a_contact_that_cannot_be_read_is_overwritten_and_keeps_its_link() {
    let api = Api::start().await;
    api.send(json!([customer("c1"), customer("c2")])).await;
    let held = api.person("c1").await;
    let contacts = api.tables.name(Table::Contacts);
    let broken = |document: &str| {
        let key = AttributeValue::S("lumen#c1".to_owned());
        let document = AttributeValue::S(document.to_owned());
        api.client
            .update_item()
            .table_name(&contacts)
            .key(PK, key)
            .update_expression("SET doc = :doc")
            .expression_attribute_values(":doc", document)
            .send()
    };
    for (turn, document) in ["{", r#"{"email": "c1"}"#].into_iter().enumerate() {
        broken(document).await.unwrap();
        let refused = api.tables.person(&lumen(), &held.customer).await;
        assert!(refused.is_err(), "it is not broken: {document}");
        // The others of the batch are none the worse for it.
        let mut record = customer("c1");
        record["contact"]["email"] = json!(format!("new{turn}@mail.example"));
        let answer = api.send(json!([record, customer("c2")])).await;
        assert_eq!(answer["stored"], 2, "{answer}");
        let person = api.tables.person(&lumen(), &held.customer).await.unwrap();
        let (contact, link) = person.contact.unwrap();
        assert_eq!(contact.address.as_sent(), format!("new{turn}@mail.example"));
        assert_eq!(Some(link), held.contact.as_ref().map(|(_, link)| *link));
        assert_eq!(person.context.map(|(_, version)| version), Some(1));
    }
    // Two people, each found by their link and by one address: what led to the former addresses is gone.
    assert_eq!(
        (api.items(Table::Links).await, api.items(Table::Contacts).await),
        (2, 4)
    );
}

#[tokio::test]
async fn records_of_one_customer_in_one_batch_are_applied_in_order() {
    let api = Api::start().await;
    let lyon = with("c1", "home", json!({"commune": "69123"}));
    let answer = api.send(json!([customer("c1"), customer("c2"), lyon])).await;
    assert_eq!(answer["results"][0]["context_version"], 1);
    assert_eq!(answer["results"][2]["context_version"], 2);
    let person = api.person("c1").await;
    let lyon = Gazetteer::french().by_insee("69123").unwrap().cell();
    let lyon = Cell::from_hex(&lyon.to_string()).unwrap().parent5().to_string();
    assert_eq!(person.audience_cell(), Some(lyon.as_str()));
    assert_eq!(api.items(Table::Audience).await, 2);
}

#[tokio::test]
async fn the_commune_gives_the_time_zone_that_the_contact_leaves_out() {
    let api = Api::start().await;
    let contact = json!({"email": "c1@mail.example", "language": "fr"});
    let mut record = with("c1", "contact", contact);
    record["home"] = json!({"postcode": "97400"});
    assert_eq!(api.send(json!([record])).await["stored"], 1);
    let person = api.person("c1").await;
    assert_eq!(person.contact.unwrap().0.time_zone.as_str(), "Indian/Reunion");
    record["home"] = json!({"latitude": -20.88, "longitude": 55.45});
    let answer = api.send(json!([record])).await;
    assert_eq!(answer["results"][0]["problem"]["field"], "contact.time_zone");
}

#[tokio::test]
async fn what_was_bought_may_be_named_by_googles_code() {
    let api = Api::start().await;
    let mut record = with(
        "c1",
        "purchases",
        json!([{"category": "google:784", "on": "2026-11-02"}]),
    );
    record["interests"] = json!(["google:107", "candles"]);
    let answer = api.send(json!([record])).await;
    assert_eq!(answer["stored"], 1, "{answer}");
    let (bought, liked) = categories(&api, "c1").await;
    assert_eq!((bought, liked), (vec!["books"], vec!["suitcase", "candles"]));
    // One code for exhibitions, concerts and plays says too little.
    let vague = with(
        "c2",
        "purchases",
        json!([{"category": "google:499969", "on": "2026-11-02"}]),
    );
    let answer = api.send(json!([vague])).await;
    assert_eq!(answer["results"][0]["problem"]["field"], "purchases[0].category");
}

/// What is stored of what somebody bought and likes.
async fn categories(api: &Api, customer: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let (context, _) = api.person(customer).await.context.unwrap();
    let bought = context.purchases.iter().map(|purchase| purchase.category.slug());
    let liked = context.interests.iter().map(|category| category.slug());
    (bought.collect(), liked.collect())
}

#[tokio::test]
async fn what_was_bought_may_be_named_by_a_brick_of_gs1s() {
    let api = Api::start().await;
    let on = "2026-11-02";
    let mut record = with(
        "c1",
        "purchases",
        json!([{"category": "gpc:10001070", "on": on}, {"category": "gpc:10004103", "on": on}]),
    );
    record["interests"] = json!(["gpc:10000793", "google:107", "candles"]);
    let answer = api.send(json!([record])).await;
    assert_eq!(answer["stored"], 1, "{answer}");
    let (bought, liked) = categories(&api, "c1").await;
    assert_eq!(bought, ["running-shoes", "books"]);
    assert_eq!(liked, ["pushchair", "suitcase", "candles"]);
    // One brick for all mowers with a motor, robots too, says too little; another is of nothing that we know.
    for (customer, brick) in [("c2", "gpc:10003353"), ("c3", "gpc:10000002")] {
        let vague = with(customer, "purchases", json!([{"category": brick, "on": on}]));
        let answer = api.send(json!([vague])).await;
        assert_eq!(answer["stored"], 0, "{answer}");
        assert_eq!(answer["results"][0]["problem"]["field"], "purchases[0].category");
    }
    let answer = api
        .send(json!([with("c4", "interests", json!(["candles", "gpc:10003353"]))]))
        .await;
    assert_eq!(answer["results"][0]["problem"]["field"], "interests[1]");
}

#[tokio::test]
async fn every_cell_with_people_is_in_the_directory() {
    let api = Api::start().await;
    let homes = [json!({"commune": "75056"}), json!({"commune": "69123"}), Value::Null];
    let records: Vec<Value> = (0..30)
        .map(|number| with(&format!("c{number}"), "home", homes[number % 3].clone()))
        .collect();
    api.send(json!(records)).await;
    let cells = api.tables.populated_cells(&lumen()).await.unwrap();
    assert_eq!(cells.len(), 3);
    for (cell, count) in cells {
        let page = api.tables.audience_page(&lumen(), &cell, None, 100).await.unwrap();
        assert_eq!((page.people.len(), count), (10, 10), "{cell}");
    }
}

#[tokio::test]
async fn an_erased_or_complaining_address_is_not_taken_in_again_in_any_spelling() {
    let api = Api::start().await;
    for (id, reason) in [("c1", SuppressionReason::Erasure), ("c2", SuppressionReason::Complaint)] {
        let address = EmailAddress::parse(&format!("{id}@mail.example")).unwrap();
        let hash = address_hash(&api.pepper, &lumen(), &address);
        api.tables.suppress(&lumen(), &hash, reason).await.unwrap();
    }
    let mut shouting = customer("another-id");
    shouting["contact"]["email"] = json!("C1@Mail.Example");
    let answer = api.send(json!([customer("c1"), shouting, customer("c2")])).await;
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["status"], "suppressed");
    }
    assert_eq!(answer["suppressed"], 3);
    api.assert_nothing_written("three suppressed records").await;
}

#[tokio::test]
async fn an_undeliverable_address_and_another_brands_complaint_are_not_told() {
    let api = Api::start().await;
    let address = |id: &str| EmailAddress::parse(&format!("{id}@mail.example")).unwrap();
    api.tables
        .mark_undeliverable(&global_address_hash(&api.pepper, &address("c1")))
        .await
        .unwrap();
    let other = BrandId::new("velo").unwrap();
    api.tables
        .suppress(
            &other,
            &address_hash(&api.pepper, &other, &address("c2")),
            SuppressionReason::Complaint,
        )
        .await
        .unwrap();
    assert_eq!(api.send(json!([customer("c1"), customer("c2")])).await["stored"], 2);
}

#[tokio::test]
async fn two_imports_at_once_both_end_and_leave_one_of_the_two_contexts() {
    let api = Api::start().await;
    let batch = |commune: &str| {
        let records: Vec<Value> = (0..40)
            .map(|number| with(&format!("c{number}"), "home", json!({"commune": commune})))
            .collect();
        json!(records)
    };
    let (one, other) = tokio::join!(api.send(batch("75056")), api.send(batch("69123")));
    assert_eq!((&one["stored"], &other["stored"]), (&json!(40), &json!(40)));
    assert_eq!(api.items(Table::Customers).await, 40);
    assert_eq!(api.items(Table::Audience).await, 40);
}
