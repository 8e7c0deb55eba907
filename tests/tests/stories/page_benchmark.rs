//! The benchmark of `score-offers` (`tests/benchmarks/page.py`) answers the deployed function from a file of items. They are
//! those that the API writes, which is tried here: the benchmark would otherwise measure how quickly nothing is found.

#![expect(
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::HashMap;

use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::TestApp;
use apropos_tests::words::{lyonnais, with};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

const OFFER: &str = include_str!("../../benchmarks/page/offer.json");
const ITEMS: &str = include_str!("../../benchmarks/page/items.json");

/// The usual thresholds.
fn campaign() -> Value {
    json!({ "id": "national", "offer": "national", "topic": "offers", "goal": "retain", "audience": "everyone" })
}

/// Someone whom everything is known of that the offer reads.
fn camille() -> Value {
    with(
        lyonnais("camille"),
        &[
            ("interests", json!(["running-gear", "books"])),
            (
                "purchases",
                json!([{ "category": "running-shoes", "on": "2026-10-10" }]),
            ),
            ("last_activity", json!("2026-11-28")),
            ("active_hours", json!([8, 9, 18, 18, 19])),
            ("facts", json!({ "household.dog": false, "dwelling.cellar": true })),
        ],
    )
}

const HELD: [(&str, &str, Option<&str>); 7] = [
    ("brands", "maison", None),
    ("campaigns", "maison#runs", Some("national")),
    ("campaigns", "maison#campaigns", Some("national")),
    ("campaigns", "maison#offer#national", Some("v#00000001")),
    ("campaigns", "maison#offers", Some("national")),
    ("customers", "maison#camille", None),
    ("standing", "maison#camille", None),
];

/// An item in DynamoDB's own JSON.
fn wire(item: &HashMap<String, AttributeValue>) -> Value {
    let fields = item.iter().map(|(name, value)| {
        let drawn = value.as_b().ok().filter(|_| DRAWN.contains(&name.as_str()));
        let value = drawn.map_or_else(|| wire_value(value), |bytes| wire_bytes(&vec![0; bytes.as_ref().len()]));
        (name.clone(), value)
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Attributes that hold random bytes; any will do.
const DRAWN: [&str; 3] = ["key", "hash", "proof"];

fn wire_bytes(bytes: &[u8]) -> Value {
    json!({ "B": STANDARD.encode(bytes) })
}

fn wire_value(value: &AttributeValue) -> Value {
    if let AttributeValue::S(text) = value {
        json!({ "S": text })
    } else if let AttributeValue::N(number) = value {
        json!({ "N": number })
    } else if let AttributeValue::B(bytes) = value {
        wire_bytes(bytes.as_ref())
    } else if let AttributeValue::L(values) = value {
        json!({ "L": values.iter().map(wire_value).collect::<Vec<_>>() })
    } else if let AttributeValue::M(members) = value {
        json!({ "M": wire(members) })
    } else {
        panic!("the benchmark serves no {value:?}")
    }
}

#[tokio::test]
async fn the_benchmark_of_a_page_serves_the_items_that_the_api_writes() {
    let app = TestApp::start().await;
    app.add_offer(&serde_json::from_str(OFFER).unwrap()).await;
    app.add_campaign(&campaign()).await;
    app.launch("national").await;
    app.welcome(&camille()).await;
    let mut held = Vec::new();
    for (table, pk, sk) in HELD {
        let tables = app.stack.client();
        let get = tables.get_item().table_name(format!("{TABLE_PREFIX}{table}"));
        let get = get.key("pk", AttributeValue::S(pk.into()));
        let get = sk
            .into_iter()
            .fold(get, |get, sk| get.key("sk", AttributeValue::S(sk.into())));
        let item = get.send().await.unwrap().item.unwrap();
        held.push(json!({ "table": table, "item": wire(&item) }));
    }
    let written = Value::Array(held);
    let kept: Value = serde_json::from_str(ITEMS).unwrap();
    assert_eq!(
        kept, written,
        "tests/benchmarks/page/items.json should be:\n{written:#}"
    );
}
