//! Whose contact point cannot be read leaves all the same: consents and standing do not need it (GDPR 7(3), 12, 21; RFC
//! 8058). What does need it says so, and the log names nobody.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::REASON_ATTRIBUTE;
use apropos_core::consent::{ConsentState, Consents, Objection, Purpose};
use apropos_core::erasure::Progress;
use apropos_core::ids::CustomerId;
use apropos_core::ledger::verify;
use apropos_local::mail_service::{BounceKind, Feedback};
use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::words::{all_consents, consent, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted, brand_id};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stories::discreet::{listen, log};
use crate::stories::my_data::{FORM, fresh_link, link, written_to};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// What is no contact point: not a document, not JSON, not a contact, and one with an address that is none.
fn unreadable() -> [AttributeValue; 4] {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    [
        AttributeValue::N("7".to_owned()),
        text("{"),
        text(r#"{"language": "fr"}"#),
        text(r#"{"email": "canari-brise", "language": "fr", "time_zone": "Europe/Paris"}"#),
    ]
}

async fn set(app: &TestApp, table: &str, customer: &str, attribute: &str, value: AttributeValue) {
    app.stack
        .client()
        .update_item()
        .table_name(format!("{TABLE_PREFIX}{table}"))
        .key("pk", AttributeValue::S(format!("{BRAND}#{customer}")))
        .update_expression("SET #attribute = :value")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

async fn break_contact(app: &TestApp, document: AttributeValue) {
    set(app, "contacts", "camille", "doc", document).await;
}

/// A stack where Camille was sent one message, and her contact point can no longer be read; with the path to the reasons.
async fn broken() -> (TestApp, String) {
    let (app, why) = written_to().await;
    let [_, document, ..] = unreadable();
    break_contact(&app, document).await;
    (app, why)
}

async fn consents(app: &TestApp) -> (Consents, Timestamp) {
    let standing = app.standing("camille").await;
    let customer = CustomerId::new("camille").unwrap();
    let ledger = app.stack.tables().ledger(&brand_id(BRAND), &customer).await.unwrap();
    let entries: Vec<_> = ledger.into_iter().map(|(entry, _)| entry).collect();
    verify(&entries, standing.head).unwrap();
    (standing.consents, app.stack.clock().now())
}

async fn state(app: &TestApp, purpose: &str) -> ConsentState {
    let (consents, now) = consents(app).await;
    consents.state(&Purpose::from_code(purpose).unwrap(), now)
}

#[tokio::test]
async fn one_click_and_the_button_of_the_page_withdraw_whatever_is_stored_as_a_contact() {
    for document in unreadable() {
        for form in [ONE_CLICK, "action=leave"] {
            let (app, _) = written_to().await;
            let leave = link(&app.outbox()[0].text, "/u/");
            break_contact(&app, document.clone()).await;
            let page = app.visit(Method::GET, &leave).await;
            assert_eq!(page.status, StatusCode::OK, "{document:?}");
            assert!(
                page.text().contains("value=\"leave\""),
                "it offers to leave: {}",
                page.text()
            );
            for _ in 0..2 {
                let reply = app.submit(&leave, FORM, form).await;
                assert_eq!(reply.status, StatusCode::OK, "{document:?} {form}: {}", reply.text());
            }
            assert_eq!(state(&app, "email.offers").await, ConsentState::Withdrawn);
        }
    }
}

#[tokio::test]
async fn the_preference_page_takes_a_no_a_pause_an_objection_and_a_form_and_leaves_out_the_language() {
    let (app, why) = broken().await;
    let choices = why.replacen("/w/", "/p/", 1);
    let page = app.visit(Method::GET, &choices).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(!page.text().contains("name=\"language\""), "{}", page.text());
    let form = "save=all&on=profiling&cap=1-30&quiet_from=&quiet_until=";
    let steps = [
        ("purpose=pause&set=on", "pause"),
        (form, "email.offers"),
        ("purpose=no_marketing&set=on", "no_marketing"),
    ];
    for (pressed, purpose) in steps {
        let reply = app.submit(&choices, FORM, pressed).await;
        assert_eq!(reply.status, StatusCode::OK, "{pressed}: {}", reply.text());
        let wanted = purpose == "email.offers";
        let state = state(&app, purpose).await;
        assert_eq!(wanted, !state.is_granted(), "{purpose}: {state:?}");
    }
    assert!(app.standing("camille").await.limits.cap.is_some());
    let (consents, now) = consents(&app).await;
    assert!(consents.objects(Objection::NoMarketing, now) && consents.objects(Objection::Pause, now));
}

#[tokio::test]
async fn withdrawals_by_the_brand_are_recorded_for_everybody_of_the_batch() {
    let (app, _) = broken().await;
    app.welcome(&lyonnais("noor")).await;
    let no = |customer| consent(customer, "no", "email.offers", "withdraw");
    let objection = consent("camille", "stop", "no_profiling", "grant");
    app.record(&[no("noor"), no("camille"), objection]).await;
    assert_eq!(state(&app, "email.offers").await, ConsentState::Withdrawn);
    let (consents, now) = consents(&app).await;
    assert!(consents.objects(Objection::NoProfiling, now));
}

#[tokio::test]
async fn a_complaint_and_a_bounce_are_taken_in() {
    for feedback in [Feedback::Complaint, Feedback::Bounce(BounceKind::Permanent)] {
        let (app, _) = broken().await;
        let message = app.outbox()[0].message_id.clone();
        app.stack.report(&message, feedback).unwrap();
        let drained = app.drain().await;
        assert!(drained.feedback.handled > 0 && drained.is_clean(), "{drained:?}");
        let (consents, now) = consents(&app).await;
        assert_eq!(
            consents.objects(Objection::NoMarketing, now),
            feedback == Feedback::Complaint
        );
        let stored = app.stored().await;
        let is_suppressed = !stored.holding("apropos-suppressions").is_empty();
        assert!(is_suppressed, "{feedback:?} {stored:?}");
    }
}

#[tokio::test]
async fn who_asked_for_the_erasure_while_their_address_could_be_read_is_erased_and_no_file_brings_it_back() {
    let (app, why) = written_to().await;
    app.advance(SignedDuration::from_mins(5));
    let erase = fresh_link(&app, &why, "erase").await;
    let [_, document, ..] = unreadable();
    break_contact(&app, document).await;
    assert_eq!(app.visit(Method::GET, &erase).await.status, StatusCode::OK);
    let done = app.submit(&erase, FORM, "erase=yes").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    let erased = app.standing("camille").await.erased.unwrap();
    assert!(matches!(erased.progress, Progress::Finished { .. }));
    for table in ["customers", "contacts", "audience"] {
        let held = app.stored().await;
        assert!(
            held.holding(&format!("{TABLE_PREFIX}{table}")).is_empty(),
            "{table} {held:?}"
        );
    }
    // The keyed hash of the address is stored beside the document, so it is suppressed all the same.
    let contact = json!({ "email": "camille@mail.example", "language": "fr" });
    let again = with(lyonnais("somebody"), &[("contact", contact)]);
    let answer = accepted(&app.post("/v1/customers", &json!({ "customers": [again] })).await);
    assert_eq!(answer["suppressed"], 1, "{answer}");
    let page = app.visit(Method::GET, &why).await.text();
    assert!(page.contains("You receive nothing"), "{page}");
}

#[tokio::test]
async fn an_erasure_that_was_begun_goes_on_when_the_contact_breaks_meanwhile() {
    let (app, why) = written_to().await;
    app.advance(SignedDuration::from_mins(5));
    let erase = fresh_link(&app, &why, "erase").await;
    let held = app
        .stack
        .client()
        .get_item()
        .table_name(format!("{TABLE_PREFIX}contacts"));
    let held = held
        .key("pk", AttributeValue::S(format!("{BRAND}#camille")))
        .send()
        .await
        .unwrap();
    assert_eq!(app.submit(&erase, FORM, "erase=yes").await.status, StatusCode::OK);
    // As a crash would leave it: the mark stands, and the contact, which cannot be read, is still there.
    let mut item = held.item.unwrap();
    item.insert("doc".to_owned(), AttributeValue::S("{".to_owned()));
    let put = app
        .stack
        .client()
        .put_item()
        .table_name(format!("{TABLE_PREFIX}contacts"));
    put.set_item(Some(item)).send().await.unwrap();
    set(
        &app,
        "standing",
        "camille",
        "step",
        AttributeValue::S("data".to_owned()),
    )
    .await;
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    assert!(
        app.stored()
            .await
            .holding(&format!("{TABLE_PREFIX}contacts"))
            .is_empty()
    );
}

#[tokio::test]
async fn my_data_says_that_the_address_cannot_be_read_and_takes_an_objection() {
    let (app, why) = written_to().await;
    let access = fresh_link(&app, &why, "access").await;
    let file = fresh_link(&app, &why, "access").await;
    let correct = fresh_link(&app, &why, "correct").await;
    let [.., document] = unreadable();
    break_contact(&app, document).await;
    let page = app.submit(&access, FORM, "show=page").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for told in ["cannot be read at the moment", "Interest: exhibition tickets"] {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    assert!(!page.text().contains("canari-brise"), "{}", page.text());
    let file: Value = app.submit(&file, FORM, "show=json").await.json().unwrap();
    assert_eq!(file.get("contact"), None, "{file}");
    assert!(
        file["contact_problem"].as_str().unwrap().contains("cannot be read"),
        "{file}"
    );
    let reply = app.submit(&correct, FORM, "field=no_profiling").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let (consents, now) = consents(&app).await;
    assert!(consents.objects(Objection::NoProfiling, now));
}

#[tokio::test]
async fn no_fresh_link_is_promised_where_none_can_be_sent_and_the_page_says_whom_to_ask() {
    let (app, why) = broken().await;
    assert_eq!(app.visit(Method::GET, &why).await.status, StatusCode::OK);
    let ask = why.replacen("/w/", "/d/", 1);
    let before = app.outbox().len();
    let page = app.visit(Method::GET, &ask).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("name=\"ask\""), "{}", page.text());
    for path in [&ask, &why] {
        let reply = app.submit(path, FORM, "ask=erase").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        for told in [
            "cannot be read",
            "Maison Claire SAS",
            "bonjour@maison.example",
            "/p/maison/",
        ] {
            assert!(reply.text().contains(told), "{told}: {}", reply.text());
        }
    }
    app.drain().await;
    assert_eq!(app.outbox().len(), before);

    // The brand stores the contact again, and the door opens.
    app.store(&[lyonnais("camille")]).await;
    fresh_link(&app, &why, "erase").await;
}

#[tokio::test]
async fn a_confirmation_that_cannot_be_addressed_is_parked_and_sent_once_the_contact_is_right_again() {
    let (app, _) = broken().await;
    let asked = consent("camille", "asked", "email.events", "request");
    let asked = with(asked, &[("effective_at", json!("2026-12-01T08:30:00Z"))]);
    app.record(&[asked]).await;
    let before = app.outbox().len();
    app.drain().await;
    assert_eq!(app.outbox().len(), before);
    let letters = app.stack.queues().peek("sends-dead").unwrap();
    let reasons: Vec<_> = letters
        .iter()
        .map(|letter| letter.attributes[REASON_ATTRIBUTE].as_str())
        .collect();
    assert_eq!(reasons, ["corrupt"]);
    app.store(&[lyonnais("camille")]).await;
    assert_eq!(app.stack.queues().redrive("sends-dead", "sends").unwrap(), 1);
    app.drain().await;
    assert_eq!(app.outbox().len(), before + 1);
}

#[tokio::test]
async fn a_standing_that_cannot_be_read_stays_an_error_and_nothing_is_written_over_it() {
    let (app, why) = broken().await;
    let leave = link(&app.outbox()[0].text, "/u/");
    set(
        &app,
        "standing",
        "camille",
        "consents",
        AttributeValue::S("canari".to_owned()),
    )
    .await;
    let before = app.stored().await;
    for (path, form) in [
        (&leave, ONE_CLICK),
        (&leave, "action=leave"),
        (&why.replacen("/w/", "/p/", 1), "purpose=pause&set=on"),
    ] {
        let reply = app.submit(path, FORM, form).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{}", reply.text());
    }
    let events = json!({ "events": [all_consents("camille")[0]] });
    assert!(app.post("/v1/consents", &events).await.status.is_server_error());
    assert_eq!(before.changes(&app.stored().await), [""; 0]);
}

#[tokio::test]
async fn the_log_says_that_a_contact_cannot_be_read_and_nothing_of_what_is_in_it() {
    listen();
    let (app, _) = written_to().await;
    let leave = link(&app.outbox()[0].text, "/u/");
    let [.., document] = unreadable();
    break_contact(&app, document).await;
    app.submit(&leave, FORM, ONE_CLICK).await;
    let log = log();
    assert!(log.contains("a contact point cannot be read"));
    assert!(!log.contains("canari-brise"));
}
