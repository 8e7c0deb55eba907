//! The benchmark of a page (`tests/benchmarks/page.py`) answers the deployed function from a file of items. They are those
//! that the API writes, which is tried here: the benchmark would otherwise measure how quickly nothing is found.

use std::collections::HashMap;

use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::TestApp;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

const ITEMS: &str = include_str!("../../benchmarks/page/items.json");

/// Everything that a person may have agreed to is read, so that a decision has all there is to do.
fn offer() -> Value {
    serde_json::from_str(include_str!("../../benchmarks/page/offer.json")).expect("the offer is JSON")
}

fn campaign() -> Value {
    json!({
        "id": "national", "offer": "national", "topic": "offers", "goal": "inform", "audience": "everyone",
        "threshold_bp": 5_000, "minimum_evidence_bp": 2_000,
    })
}

/// An item in DynamoDB's own JSON, bytes as the benchmark replaces them.
fn wire(item: &HashMap<String, AttributeValue>) -> Value {
    let fields = item.iter().map(|(name, value)| (name.clone(), wire_value(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn wire_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        // The run's key is drawn.
        AttributeValue::B(_) => json!({ "B": "AAECAwQFBgcICQoLDA0ODw==" }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(wire_value).collect::<Vec<_>>() }),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_benchmark_of_a_page_serves_the_items_that_the_api_writes() {
    let app = TestApp::start().await;
    app.add_offer(&offer()).await;
    app.add_campaign(&campaign()).await;
    let launched = app.launch("national").await;
    let run = launched["run"].as_str().expect("the run has an id");
    let mut held = Vec::new();
    for (table, keys) in [
        ("brands", vec![("pk", "maison".to_owned())]),
        (
            "campaigns",
            vec![("pk", "maison#runs".to_owned()), ("sk", run.to_owned())],
        ),
        (
            "campaigns",
            vec![("pk", "maison#campaigns".to_owned()), ("sk", "national".to_owned())],
        ),
        (
            "campaigns",
            vec![
                ("pk", "maison#offer#national".to_owned()),
                ("sk", "v#00000001".to_owned()),
            ],
        ),
    ] {
        let mut call = app
            .stack
            .client()
            .get_item()
            .table_name(format!("{TABLE_PREFIX}{table}"));
        for (name, value) in keys {
            call = call.key(name, AttributeValue::S(value));
        }
        let item = call
            .send()
            .await
            .expect("the table answers")
            .item
            .expect("the item is there");
        held.push(json!({ "table": table, "item": wire(&item) }));
    }
    let written = Value::Array(held);
    let kept: Value = serde_json::from_str(ITEMS).expect("the items are JSON");
    assert_eq!(
        kept, written,
        "tests/benchmarks/page/items.json should be:\n{written:#}"
    );
}
