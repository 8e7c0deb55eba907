//! What becomes of a message after it left: who does not exist, who complains, and what was never known.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::consent::Objection;
use apropos_local::mail_service::{BounceKind, Fault, Feedback};
use apropos_local::notification::{from_topic, topic};
use apropos_local::stack::StackError;
use apropos_tests::words::{all_consents, campaign, exhibition, lyonnais};
use apropos_tests::{TestApp, accepted};
use jiff::SignedDuration;
use serde_json::json;

/// A stack with so many people, who will each be sent the campaigns `expo-1` and `expo-2`.
async fn audience(people: usize) -> TestApp {
    TestApp::with_audience(people, &["expo-1", "expo-2"]).await
}

/// The id of the one message to a customer.
fn message_to(app: &TestApp, customer: &str) -> String {
    let address = format!("{customer}@mail.example");
    let mails = app.outbox();
    let mail = mails.iter().find(|mail| mail.to == address);
    mail.unwrap().message_id.clone()
}

/// SES says so, and `record-feedback` takes it in.
async fn told(app: &TestApp, customer: &str, feedback: Feedback) {
    app.stack.report(&message_to(app, customer), feedback).unwrap();
    let drained = app.drain().await;
    assert!(drained.feedback.handled > 0 && drained.is_clean(), "{drained:?}");
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_not_written_to_again() {
    let app = audience(2).await;
    assert_eq!(app.take_through("expo-1").await["sent"], 2);
    told(&app, "c-0", Feedback::Bounce(BounceKind::Permanent)).await;
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "undeliverable": 1 }), "{report}");
    assert_eq!(report["sent"], 1);
    assert_eq!(app.decision("expo-2", "c-0").await["reason"], "undeliverable");
}

#[tokio::test]
async fn a_mailbox_that_is_full_for_a_day_is_written_to_again() {
    let app = audience(1).await;
    app.take_through("expo-1").await;
    told(&app, "c-0", Feedback::Bounce(BounceKind::Transient)).await;
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn who_reports_spam_is_left_alone_by_this_brand_at_once_and_not_silenced_for_another() {
    let app = audience(2).await;
    let other = app.add_brand("autre").await;
    app.store_as(&other, &[lyonnais("c-0")]).await;
    app.record_as(&other, &all_consents("c-0")).await;
    accepted(&app.post_as(&other, "/v1/offers", &exhibition()).await);
    accepted(&app.post_as(&other, "/v1/campaigns", &campaign("expo-1", "expo")).await);

    app.take_through("expo-1").await;
    told(&app, "c-0", Feedback::Complaint).await;
    let consents = app.standing("c-0").await.consents;
    assert!(consents.objects(Objection::NoMarketing, app.stack.clock().now()));
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "objected": 1 }), "{report}");
    assert_eq!(report["sent"], 1);

    accepted(&app.post_as(&other, "/v1/campaigns/expo-1/launch", &json!({})).await);
    app.drain().await;
    let theirs = app.outbox();
    let theirs = theirs.iter().filter(|mail| mail.tag("brand") == Some("autre"));
    assert_eq!(theirs.count(), 1);
}

#[tokio::test]
async fn a_complaint_holds_for_the_address_even_under_another_name() {
    let app = audience(1).await;
    app.take_through("expo-1").await;
    told(&app, "c-0", Feedback::Complaint).await;
    // The brand imports the same person again, under a new id and with the old consents.
    let mut again = lyonnais("c-renamed");
    again["contact"]["email"] = "C-0@mail.example".into();
    let reply = app.post("/v1/customers", &json!({ "customers": [again] })).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    app.record(&all_consents("c-renamed")).await;
    let report = app.take_through("expo-2").await;
    assert_eq!(report["sent"], 0, "{report}");
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn a_complaint_stops_the_candidates_that_are_already_queued() {
    let app = audience(1).await;
    app.take_through("expo-1").await;
    app.launch("expo-2").await;
    accepted(&app.post("/v1/campaigns/expo-2/pause", &json!({})).await);
    app.drain().await;
    // The candidate waits; the complaint comes first.
    told(&app, "c-0", Feedback::Complaint).await;
    accepted(&app.post("/v1/campaigns/expo-2/resume", &json!({})).await);
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    let report = app.report("expo-2").await;
    assert_eq!(report["withheld"], json!({ "objected": 1 }), "{report}");
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn a_message_whose_fate_was_unknown_is_healed_by_its_event() {
    for fault in [
        Fault::AcceptThenInternalError,
        Fault::AcceptThenReset,
        Fault::AcceptThenTruncate,
    ] {
        let app = audience(1).await;
        app.stack.mails().inject(fault);
        let open = app.take_through("expo-1").await;
        assert_eq!((&open["open"], &open["status"]), (&json!(1), &json!("running")));
        told(&app, "c-0", Feedback::Delivery).await;
        let healed = app.report("expo-1").await;
        assert_eq!(
            (&healed["sent"], &healed["status"]),
            (&json!(1), &json!("completed")),
            "{fault:?} {healed}"
        );
        // The day after, nothing is left to abandon.
        app.advance(SignedDuration::from_hours(25));
        app.stack.tick().await.unwrap();
        assert!(app.drain().await.is_clean());
        assert_eq!(app.report("expo-1").await, healed);
        assert_eq!(app.outbox().len(), 1);
    }
}

#[tokio::test]
async fn what_ses_rejects_after_taking_it_does_not_count_in_the_cap() {
    let app = audience(1).await;
    app.take_through("expo-1").await;
    told(&app, "c-0", Feedback::Reject).await;
    let report = app.report("expo-1").await;
    assert_eq!(report["withheld"], json!({ "refused": 1 }), "{report}");
    assert_eq!(report["status"], "completed");
    for id in ["expo-2", "expo-3"] {
        if id == "expo-3" {
            app.add_campaign(&campaign(id, "expo")).await;
        }
        assert_eq!(app.take_through(id).await["sent"], 1, "two a week are left");
    }
}

#[tokio::test]
async fn events_that_come_twice_and_out_of_order_change_nothing() {
    let app = audience(2).await;
    let first = app.take_through("expo-1").await;
    let before = app.standing("c-1").await;
    for customer in ["c-1", "c-0"] {
        for feedback in [
            Feedback::Delivery,
            Feedback::Open,
            Feedback::Send,
            Feedback::Delivery,
            Feedback::Send,
        ] {
            app.stack.report(&message_to(&app, customer), feedback).unwrap();
        }
    }
    let drained = app.drain().await;
    assert!(drained.is_clean(), "{drained:?}");
    assert_eq!(drained.feedback.handled, 10);
    assert_eq!(app.report("expo-1").await, first);
    assert_eq!(app.standing("c-1").await, before);

    told(&app, "c-0", Feedback::Complaint).await;
    let after = app.standing("c-0").await;
    let mut reported = first;
    reported["complained"] = json!(1);
    for feedback in [Feedback::Complaint, Feedback::Send, Feedback::Delivery] {
        told(&app, "c-0", feedback).await;
    }
    assert_eq!(app.standing("c-0").await, after);
    assert_eq!(app.report("expo-1").await, reported);
}

#[tokio::test]
async fn what_is_not_of_our_topic_ends_among_the_dead_letters_and_does_nothing() {
    let app = audience(1).await;
    app.take_through("expo-1").await;
    let id = message_to(&app, "c-0");
    let event = app.stack.mails().event(&id, Feedback::Complaint).unwrap();
    let now = app.stack.clock().now();
    let foreign = from_topic(&format!("{}-of-others", topic()), &event, now);
    for body in [foreign, event, "not an event".to_owned()] {
        app.stack.queues().send("feedback", body).unwrap();
    }
    let feedback = app.drain().await.feedback;
    assert_eq!((feedback.failed, feedback.left.total(), feedback.dead), (0, 0, 3));
    let dead = app.stack.queues().peek("feedback-dead").unwrap();
    let reasons: Vec<_> = dead.iter().map(|letter| letter.attributes["reason"].as_str()).collect();
    assert_eq!(reasons, ["malformed"; 3]);
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn nothing_can_be_reported_of_a_message_that_never_was() {
    let app = TestApp::start().await;
    let refused = app.stack.report("0112-none", Feedback::Send);
    assert!(matches!(refused, Err(StackError::UnknownMessage)));
}

#[tokio::test]
async fn the_report_tells_how_many_came_back_and_how_many_were_reported_as_spam() {
    let app = audience(4).await;
    let report = app.take_through("expo-1").await;
    assert_eq!(
        (&report["bounced"], &report["complained"]),
        (&json!(0), &json!(0)),
        "{report}"
    );
    told(&app, "c-0", Feedback::Bounce(BounceKind::Permanent)).await;
    told(&app, "c-1", Feedback::Bounce(BounceKind::Transient)).await;
    told(&app, "c-2", Feedback::Complaint).await;
    // Told twice, it counts once.
    told(&app, "c-2", Feedback::Complaint).await;
    let report = app.report("expo-1").await;
    assert_eq!(
        (&report["bounced"], &report["complained"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(report["sent"], 4, "{report}");
}
