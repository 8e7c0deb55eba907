//! When a message leaves: at the person's own hour, after holidays, and after what goes before it.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeMap;

use apropos_core::ids::CustomerId;
use apropos_local::mail_service::Feedback;
use apropos_local::stack::{CLICK_CONFIGURATION_SET, CONFIGURATION_SET};
use apropos_tests::words::{campaign, catalogue, consent, grant, lyonnais, uses, with};
use apropos_tests::{BRAND, TestApp, accepted, brand, brand_id};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An offer that may read when people click and buy.
fn readable() -> Value {
    with(catalogue(), &[("uses", uses(&["interests", "active_hours"]))])
}

/// A campaign that asks for the best hour.
fn at_their_hour(id: &str) -> Value {
    with(campaign(id, "expo"), &[("best_hour", true.into())])
}

async fn selling(campaigns: &[Value]) -> TestApp {
    let app = TestApp::start().await;
    app.add_offer(&readable()).await;
    for campaign in campaigns {
        app.add_campaign(campaign).await;
    }
    app
}

/// Somebody who agrees to be measured as well.
async fn welcome_measured(app: &TestApp, customer: &Value) {
    app.welcome(customer).await;
    let id = customer.get("customer").and_then(Value::as_str).unwrap();
    app.record(&[grant(id, "measurement")]).await;
}

/// Somebody who buys in the evening: twice by the brand's word, once by the time of the purchase, in summer.
fn of_evenings(id: &str) -> Value {
    let purchase = json!([{ "category": "books", "on": "2026-07-01T17:30:00Z" }]);
    with(
        lyonnais(id),
        &[("active_hours", json!([19, 20])), ("purchases", purchase)],
    )
}

async fn release(app: &TestApp, hours: i64) {
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(hours))
        .await
        .unwrap();
    assert!(!released.stuck && released.drained.is_clean(), "{released:?}");
}

/// The hours that were learned from somebody's clicks.
async fn clicked_hours(app: &TestApp, id: &str) -> Vec<u8> {
    let customer = CustomerId::new(id).unwrap();
    let person = app.stack.tables().person(&brand_id(BRAND), &customer).await.unwrap();
    person.context.unwrap().0.clicked_hours
}

async fn follow_a_link(app: &TestApp, id: &str) {
    let address = format!("{id}@mail.example");
    let mails = app.outbox();
    let mail = mails.iter().rev().find(|mail| mail.to == address).unwrap();
    app.stack.report(&mail.message_id, Feedback::Click).unwrap();
    assert!(app.drain().await.is_clean());
}

#[tokio::test]
async fn a_message_waits_for_the_evening_of_whoever_buys_in_the_evening_and_not_for_others() {
    let app = selling(&[at_their_hour("soir")]).await;
    welcome_measured(&app, &of_evenings("camille")).await;
    welcome_measured(&app, &lyonnais("dominique")).await;
    // Their evenings are known, and they have not agreed that they are used.
    app.welcome(&of_evenings("sasha")).await;
    let report = app.take_through("soir").await;
    assert_eq!((&report["sent"], &report["queued"]), (&json!(2), &json!(1)), "{report}");
    release(&app, 24).await;
    let mails = app.outbox();
    assert_eq!(mails.len(), 3);
    // Six in the evening in Paris.
    assert_eq!(
        (mails[2].to.as_str(), mails[2].at),
        ("camille@mail.example", at("2026-12-01T17:00:00Z"))
    );
    assert_eq!(app.report("soir").await["status"], "completed");
}

#[tokio::test]
async fn who_leaves_while_their_message_waits_for_the_evening_is_not_written_to() {
    let app = selling(&[at_their_hour("soir")]).await;
    welcome_measured(&app, &of_evenings("camille")).await;
    assert_eq!(app.take_through("soir").await["queued"], 1);
    let leave = with(
        consent("camille", "leave", "email.offers", "withdraw"),
        &[("effective_at", json!("2026-12-01T09:00:00Z"))],
    );
    app.record(&[leave]).await;
    release(&app, 24).await;
    let report = app.report("soir").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");
    assert_eq!(app.outbox().len(), 0);
}

#[tokio::test]
async fn a_message_held_past_its_evening_by_a_pause_does_not_wait_for_the_next() {
    let app = selling(&[at_their_hour("soir")]).await;
    welcome_measured(&app, &of_evenings("camille")).await;
    app.take_through("soir").await;
    accepted(&app.post("/v1/campaigns/soir/pause", &json!({})).await);
    app.advance(SignedDuration::from_hours(23));
    app.stack.tick().await.unwrap();
    app.drain().await;
    accepted(&app.post("/v1/campaigns/soir/resume", &json!({})).await);
    release(&app, 1).await;
    // Nine in the morning, an hour at which camille does nothing.
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn a_campaign_may_ask_for_the_best_hour_only_of_an_offer_that_declares_it() {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    let refused = app.post("/v1/campaigns", &at_their_hour("soir")).await;
    let problem: Value = refused.json().unwrap();
    assert_eq!((refused.status.as_u16(), &problem["field"]), (422, &json!("best_hour")));
}

#[tokio::test]
async fn ses_hears_of_the_clicks_of_whoever_agreed_to_both_uses_and_never_of_those_on_our_own_links() {
    let app = selling(&[campaign("sale", "expo")]).await;
    welcome_measured(&app, &lyonnais("camille")).await;
    // Profiled, and not measured.
    app.welcome(&lyonnais("dominique")).await;
    // Measured, until this morning.
    welcome_measured(&app, &lyonnais("sasha")).await;
    app.record(&[consent("sasha", "no-more", "measurement", "withdraw")])
        .await;
    // Measured, and not profiled.
    welcome_measured(&app, &lyonnais("alix")).await;
    app.record(&[consent("alix", "objects", "profiling", "withdraw")]).await;
    app.take_through("sale").await;
    let sets: BTreeMap<String, Option<String>> = app
        .outbox()
        .into_iter()
        .map(|mail| (mail.to.clone(), mail.configuration_set.clone()))
        .collect();
    let wanted = [
        ("alix@mail.example", CONFIGURATION_SET),
        ("camille@mail.example", CLICK_CONFIGURATION_SET),
        ("dominique@mail.example", CONFIGURATION_SET),
        ("sasha@mail.example", CONFIGURATION_SET),
    ];
    assert_eq!(
        sets,
        wanted.map(|(to, set)| (to.to_owned(), Some(set.to_owned()))).into()
    );
    let mails = app.outbox();
    let measured = mails.iter().find(|mail| mail.to == "camille@mail.example").unwrap();
    let led_over_ses: Vec<&str> = measured
        .html
        .split("<a ")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .filter(|element| !element.contains("ses:no-track"))
        .collect();
    assert_eq!(led_over_ses.len(), 1, "{led_over_ses:?}");
    assert!(
        led_over_ses[0].contains("href=\"https://maison.example/"),
        "{led_over_ses:?}"
    );
}

#[tokio::test]
async fn clicks_teach_the_hour_of_whoever_agreed_once_a_message_and_never_a_scanners() {
    let evening = SignedDuration::from_hours(10);
    let app = selling(&[campaign("sale-1", "expo"), campaign("sale-2", "expo")]).await;
    welcome_measured(&app, &lyonnais("camille")).await;
    app.welcome(&lyonnais("dominique")).await;
    app.take_through("sale-1").await;
    // At once: nobody reads that fast.
    follow_a_link(&app, "camille").await;
    assert!(clicked_hours(&app, "camille").await.is_empty());
    app.advance(evening);
    for id in ["camille", "camille", "dominique"] {
        follow_a_link(&app, id).await;
    }
    assert_eq!(clicked_hours(&app, "camille").await, [20]);
    assert!(clicked_hours(&app, "dominique").await.is_empty(), "not agreed to");
    // What the brand stores anew leaves it; an open teaches nothing.
    app.store(&[lyonnais("camille")]).await;
    app.advance(SignedDuration::from_hours(13));
    app.take_through("sale-2").await;
    app.advance(evening);
    let mails = app.outbox();
    app.stack
        .report(&mails.last().unwrap().message_id, Feedback::Open)
        .unwrap();
    app.drain().await;
    assert_eq!(clicked_hours(&app, "camille").await, [20]);
}

#[tokio::test]
async fn who_has_clicked_in_the_evening_is_written_to_in_the_evening() {
    let ids = ["sale-1", "sale-2", "sale-3"];
    let mut campaigns: Vec<Value> = ids.iter().map(|id| campaign(id, "expo")).collect();
    campaigns.push(at_their_hour("soir"));
    let app = selling(&campaigns).await;
    let mut settings = brand(BRAND);
    settings.caps[0].most = 10;
    app.stack.put_brand(&settings).await.unwrap();
    welcome_measured(&app, &lyonnais("camille")).await;
    for id in ids {
        assert_eq!(app.take_through(id).await["sent"], 1);
        app.advance(SignedDuration::from_hours(10));
        follow_a_link(&app, "camille").await;
        app.advance(SignedDuration::from_hours(14));
    }
    assert_eq!(clicked_hours(&app, "camille").await, [20; 3]);
    assert_eq!(app.take_through("soir").await["queued"], 1);
    release(&app, 24).await;
    assert_eq!(app.outbox()[3].at, at("2026-12-04T17:00:00Z"));
}

#[tokio::test]
async fn a_brand_may_keep_quiet_on_holidays() {
    let app = selling(&[campaign("sale", "expo")]).await;
    let mut settings = brand(BRAND);
    settings.quiet.days_off.push("holidays".to_owned());
    app.stack.put_brand(&settings).await.unwrap();
    app.welcome(&lyonnais("camille")).await;
    // To the evening before Christmas: Friday is off, and Saturday is not.
    app.advance(at("2026-12-24T20:30:00Z").duration_since(app.stack.clock().now()));
    assert_eq!(app.take_through("sale").await["queued"], 1);
    release(&app, 72).await;
    assert_eq!(app.outbox()[0].at, at("2026-12-26T07:00:00Z"));
}

/// Two campaigns, and somebody who may get one more message this week.
async fn one_place_for_two() -> TestApp {
    let high = with(campaign("gala", "expo"), &[("priority", "high".into())]);
    let app = selling(&[campaign("before", "expo"), campaign("sale", "expo"), high]).await;
    app.welcome(&lyonnais("camille")).await;
    assert_eq!(app.take_through("before").await.get("sent"), Some(&json!(1)));
    app
}

#[tokio::test]
async fn the_last_place_goes_to_the_campaign_of_higher_priority_although_the_lower_came_first() {
    let app = one_place_for_two().await;
    app.launch("gala").await;
    accepted(&app.post("/v1/campaigns/gala/pause", &json!({})).await);
    let sale = app.take_through("sale").await;
    assert_eq!((&sale["sent"], &sale["queued"]), (&json!(0), &json!(1)), "{sale}");
    accepted(&app.post("/v1/campaigns/gala/resume", &json!({})).await);
    release(&app, 2).await;
    let mails = app.outbox();
    assert_eq!((mails.len(), mails[1].tag("campaign")), (2, Some("gala")));
    let sale = app.report("sale").await;
    assert_eq!(sale["withheld"], json!({ "outranked": 1 }), "{sale}");
    let decision = app.decision("sale", "camille").await;
    let to_the_person = decision["to_the_person"]["fr"].as_str().unwrap();
    assert!(to_the_person.contains("plus important"), "{decision}");
}

#[tokio::test]
async fn a_place_that_the_higher_campaign_leaves_free_is_taken_by_the_lower_within_a_day() {
    let app = one_place_for_two().await;
    app.launch("gala").await;
    accepted(&app.post("/v1/campaigns/gala/pause", &json!({})).await);
    assert_eq!(app.take_through("sale").await["queued"], 1);
    let cancelled = app.post("/v1/campaigns/gala/cancel", &json!({})).await;
    accepted(&cancelled);
    release(&app, 1).await;
    assert_eq!(app.report("sale").await["sent"], 1);

    let app = one_place_for_two().await;
    app.launch("gala").await;
    accepted(&app.post("/v1/campaigns/gala/pause", &json!({})).await);
    app.take_through("sale").await;
    // It stays paused for good.
    app.advance(SignedDuration::from_hours(25));
    app.stack.tick().await.unwrap();
    assert!(app.drain().await.is_clean());
    assert_eq!(app.report("sale").await["sent"], 1);
    assert_eq!(app.outbox().len(), 2);
}
