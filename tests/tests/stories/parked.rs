//! What no later try can do is parked at once with the reason, alone, and goes back by one command.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::{ERROR_ATTRIBUTE, MOST_MESSAGE_BYTES, REASON_ATTRIBUTE};
use apropos_local::queue_service::StoredMessage;
use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::TestApp;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde_json::json;

/// A stack with so many people who will each be sent the campaign `expo-1`.
async fn audience(people: usize) -> TestApp {
    TestApp::with_audience(people, &["expo-1"]).await
}

fn letters(app: &TestApp, queue: &str) -> Vec<StoredMessage> {
    app.stack.queues().peek(queue).unwrap()
}

fn reason(letter: &StoredMessage) -> &str {
    letter.attributes.get(REASON_ATTRIBUTE).unwrap()
}

/// Sets the document of a contact as no function would; gives the former one.
async fn set_contact(app: &TestApp, document: AttributeValue) -> AttributeValue {
    let changed = app
        .stack
        .client()
        .update_item()
        .table_name(format!("{TABLE_PREFIX}contacts"))
        .key("pk", AttributeValue::S("maison#c-1".to_owned()))
        .update_expression("SET doc = :document")
        .expression_attribute_values(":document", document)
        .return_values(ReturnValue::UpdatedOld)
        .send()
        .await
        .unwrap();
    changed.attributes.unwrap().remove("doc").unwrap()
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_parked_alone_and_at_once_with_its_reason() {
    let app = audience(2).await;
    app.launch("expo-1").await;
    let longest = format!(r#"{{"v":1,"brand":"{}"}}"#, "b".repeat(MOST_MESSAGE_BYTES));
    let unknown_run = |rest: &str| format!(r#"{{"v":1,"brand":"maison","campaign":"expo-1","run":"none",{rest}}}"#);
    let page = unknown_run(r#""task":0,"page":0,"cells":[]"#);
    let candidates = unknown_run(r#""customers":["c-0"]"#);
    for (queue, of_no_run) in [("pages", page), ("sends", candidates)] {
        let bad = [
            ("c-0@mail.example".to_owned(), "malformed"),
            (r#"{"v":1,"brand":"c-0@mail.example"}"#.to_owned(), "malformed"),
            (r#"[1,"maison"]"#.to_owned(), "malformed"),
            (r#"{"v":2,"who":"c-0@mail.example"}"#.to_owned(), "other_form"),
            (longest.clone(), "oversized"),
            (of_no_run, "unknown_run"),
        ];
        for (body, _) in &bad {
            app.stack.queues().send(queue, body.as_str()).unwrap();
        }
        let drained = app.drain().await;
        assert_eq!(drained.pages.failed + drained.sends.failed, 0, "{drained:?}");
        let dead = letters(&app, &format!("{queue}-dead"));
        assert_eq!(dead.len(), bad.len(), "{queue}: {dead:?}");
        for (body, wanted) in &bad {
            let letter = dead.iter().find(|letter| *letter.body == **body).unwrap();
            assert_eq!(reason(letter), *wanted, "{queue}");
            let words = &letter.attributes[ERROR_ATTRIBUTE];
            assert!(!words.is_empty() && !words.contains("mail.example"), "{words}");
        }
    }
    assert!(letters(&app, "pages-dead").iter().any(|letter| {
        letter.attributes[ERROR_ATTRIBUTE] == "the message is of form 2, and this version reads form 1"
    }));
    let report = app.report("expo-1").await;
    assert_eq!(
        (&report["status"], &report["sent"]),
        (&json!("completed"), &json!(2)),
        "{report}"
    );
}

#[tokio::test]
async fn one_candidate_whose_data_cannot_be_read_is_parked_and_the_others_are_written_to() {
    let app = audience(3).await;
    let right = set_contact(&app, AttributeValue::N("7".to_owned())).await;
    app.launch("expo-1").await;
    let drained = app.drain().await;
    assert_eq!(drained.sends.failed, 0, "{drained:?}");
    assert_eq!(app.outbox().len(), 2);
    let dead = letters(&app, "sends-dead");
    assert_eq!(dead.iter().map(reason).collect::<Vec<_>>(), ["corrupt"]);
    assert!(dead[0].body.contains(r#""customers":["c-1"]"#), "it alone");
    let report = app.report("expo-1").await;
    assert_eq!((&report["sent"], &report["queued"]), (&json!(2), &json!(1)), "{report}");

    // Once it is stored right again, an operator puts it back.
    set_contact(&app, right).await;
    assert_eq!(app.stack.queues().redrive("sends-dead", "sends").unwrap(), 1);
    app.drain().await;
    let report = app.report("expo-1").await;
    assert_eq!(
        (&report["status"], &report["sent"]),
        (&json!("completed"), &json!(3)),
        "{report}"
    );
}
