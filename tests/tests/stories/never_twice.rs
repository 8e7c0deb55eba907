//! Whatever comes twice, breaks or stays unknown: nobody is written to twice, and no count is lost.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_local::mail_service::{Fault, RefusalKind};
use apropos_local::queue_service::DeliveryMode;
use apropos_tests::words::{campaign, lyonnais};
use apropos_tests::{TestApp, accepted};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A stack with so many people who will each be sent the campaign `expo-1`, and later campaigns if the cap allows.
async fn audience(people: usize) -> TestApp {
    TestApp::with_audience(people, &["expo-1", "expo-2", "expo-3"]).await
}

fn figures(report: &Value) -> (u64, u64, u64, u64) {
    let figure = |name: &str| report[name].as_u64().unwrap();
    (figure("considered"), figure("sent"), figure("spared"), figure("open"))
}

#[tokio::test]
async fn launching_a_run_again_sends_nothing_again() {
    let app = audience(3).await;
    let first = app.take_through("expo-1").await;
    assert_eq!(figures(&first), (3, 3, 0, 0), "{first}");
    let again = app.post("/v1/campaigns/expo-1/launch", &json!({})).await;
    assert_eq!(accepted(&again)["run"], "expo-1");
    app.drain().await;
    assert_eq!(app.report("expo-1").await, first);
    assert_eq!(app.recipients().len(), 3);
}

#[tokio::test]
async fn a_run_launched_twice_before_its_pages_are_scored_sends_once() {
    let app = audience(3).await;
    app.launch("expo-1").await;
    app.launch("expo-1").await;
    assert_eq!(app.stack.queues().peek("pages").unwrap().len(), 2);
    app.drain().await;
    // The second copy of a candidate finds the first one's claim, and waits for its lease to end.
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert!(released.drained.is_clean(), "{released:?}");
    let report = app.report("expo-1").await;
    assert_eq!(figures(&report), (3, 3, 0, 0), "{report}");
    assert_eq!(app.recipients().len(), 3);
}

#[tokio::test]
async fn every_message_of_the_queues_delivered_twice_sends_once() {
    let app = audience(30).await;
    app.stack.queues().set_delivery_mode(DeliveryMode::Twice);
    app.launch("expo-1").await;
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert!(released.drained.is_clean() && !released.stuck, "{released:?}");
    // One page and two messages of candidates; each came twice, and the page's copy made two more, twice.
    assert_eq!(released.drained.pages.handled, 2);
    assert_eq!(released.drained.sends.handled, 8);
    let report = app.report("expo-1").await;
    assert_eq!(figures(&report), (30, 30, 0, 0), "{report}");
    assert_eq!(report["status"], "completed");
    assert_eq!(app.recipients().len(), 30);
}

#[tokio::test]
async fn a_page_replayed_by_hand_a_day_later_changes_nothing() {
    let app = audience(3).await;
    app.launch("expo-1").await;
    let page = app.stack.queues().peek("pages").unwrap()[0].body.clone();
    app.drain().await;
    let report = app.report("expo-1").await;
    app.advance(SignedDuration::from_hours(24));
    // Who came since is not in the page that was scored.
    app.welcome(&lyonnais("c-new")).await;
    app.stack.queues().send("pages", page).unwrap();
    let drained = app.drain().await;
    assert_eq!(drained.pages.handled, 1);
    assert!(drained.sends.handled > 0 && drained.is_clean(), "{drained:?}");
    assert_eq!(app.report("expo-1").await, report);
    assert_eq!(app.recipients().len(), 3);
}

#[tokio::test]
async fn the_brands_cap_holds_over_several_campaigns() {
    let app = audience(2).await;
    for (campaign, sent) in [("expo-1", 2), ("expo-2", 2), ("expo-3", 0)] {
        let report = app.take_through(campaign).await;
        assert_eq!(report["sent"], sent, "{report}");
    }
    assert_eq!(app.report("expo-3").await["withheld"], json!({ "cap_reached": 2 }));
    assert_eq!(app.outbox().len(), 4);
    // Two a week: a week later there is room again.
    app.advance(SignedDuration::from_hours(7 * 24 + 1));
    app.add_campaign(&campaign("expo-4", "expo")).await;
    assert_eq!(app.take_through("expo-4").await["sent"], 2);
}

#[tokio::test]
async fn what_ses_took_without_saying_so_is_never_sent_again_and_is_abandoned_after_a_day() {
    for fault in [
        Fault::AcceptThenInternalError,
        Fault::AcceptThenReset,
        Fault::AcceptThenTruncate,
    ] {
        let app = audience(1).await;
        app.stack.mails().inject(fault);
        app.launch("expo-1").await;
        app.drain().await;
        let open = app.report("expo-1").await;
        assert_eq!(figures(&open), (1, 0, 0, 1), "{fault:?} {open}");
        assert_eq!(open["status"], "running");
        assert_eq!(app.decision("expo-1", "c-0").await["outcome"], "open");

        app.launch("expo-1").await;
        app.stack
            .release_due_until_idle(SignedDuration::from_hours(23))
            .await
            .unwrap();
        assert_eq!(app.report("expo-1").await, open, "{fault:?}");
        app.advance(SignedDuration::from_hours(24));
        app.stack.tick().await.unwrap();
        let drained = app.drain().await;
        assert!(drained.is_clean(), "{drained:?}");
        let report = app.report("expo-1").await;
        assert_eq!(report["withheld"], json!({ "abandoned": 1 }), "{fault:?} {report}");
        assert_eq!(report["status"], "completed");
        assert_eq!(app.recipients().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_message_whose_fate_is_unknown_counts_in_the_cap() {
    let app = audience(1).await;
    app.stack.mails().inject(Fault::AcceptThenReset);
    for campaign in ["expo-1", "expo-2", "expo-3"] {
        app.launch(campaign).await;
        app.drain().await;
    }
    assert_eq!(app.report("expo-1").await["open"], 1);
    assert_eq!(app.report("expo-2").await["sent"], 1);
    assert_eq!(app.report("expo-3").await["withheld"], json!({ "cap_reached": 1 }));
    app.advance(SignedDuration::from_hours(25));
    app.stack.tick().await.unwrap();
    assert_eq!(app.report("expo-1").await["withheld"], json!({ "abandoned": 1 }));
    app.add_campaign(&campaign("expo-4", "expo")).await;
    let report = app.take_through("expo-4").await;
    assert_eq!(report["withheld"], json!({ "cap_reached": 1 }), "{report}");
}

#[tokio::test]
async fn what_is_not_known_not_to_be_taken_is_not_sent_again() {
    let app = audience(1).await;
    // SES answers 500 and took nothing: nobody can know, so it counts as taken.
    app.stack.mails().inject(Fault::InternalError);
    app.launch("expo-1").await;
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(48))
        .await
        .unwrap();
    let report = app.report("expo-1").await;
    assert_eq!(report["withheld"], json!({ "abandoned": 1 }), "{report}");
    assert_eq!(app.outbox().len(), 0);
}

#[tokio::test]
async fn a_throttled_message_goes_out_later_once() {
    let app = audience(3).await;
    app.stack.mails().inject(Fault::Throttle);
    app.stack.mails().inject(Fault::Reject(RefusalKind::SendingPaused));
    app.launch("expo-1").await;
    app.drain().await;
    // All three are in hand at once: the third may leave before SES says no to another, or wait with them.
    let report = app.report("expo-1").await;
    assert!(report["sent"].as_u64().is_some_and(|sent| sent <= 1), "{report}");
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert!(released.drained.is_clean() && released.times > 0, "{released:?}");
    let report = app.report("expo-1").await;
    assert_eq!(figures(&report), (3, 3, 0, 0), "{report}");
    assert_eq!(app.recipients().len(), 3);
    // What was thrown back did not count as a contact: one more message fits in the cap of two.
    assert_eq!(app.take_through("expo-2").await["sent"], 3);
}

#[tokio::test]
async fn a_message_that_ses_refuses_is_reported_and_does_not_count_in_the_cap() {
    let app = audience(1).await;
    app.stack.mails().inject(Fault::Reject(RefusalKind::MessageRejected));
    let report = app.take_through("expo-1").await;
    assert_eq!(report["withheld"], json!({ "refused": 1 }), "{report}");
    assert_eq!(app.decision("expo-1", "c-0").await["reason"], "refused");
    for campaign in ["expo-2", "expo-3"] {
        assert_eq!(app.take_through(campaign).await["sent"], 1);
    }
    assert_eq!(app.outbox().len(), 2);
}
