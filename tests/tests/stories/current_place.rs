//! Where somebody is now is of use for hours, so it is kept for hours: what has ended goes with the next day's walk, and until
//! then it counts as held.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::Person;
use apropos_core::context::CustomerContext;
use apropos_core::ids::CustomerId;
use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::words::{LYON, campaign, exhibition, grant, lyonnais, uses, with};
use apropos_tests::{BRAND, TestApp, brand_id};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stories::lapses::{file, keep_for_a_month};
use crate::stories::my_data::written_to;

/// Somebody who is in Lyon for three hours from half past eight on 1 December, and lives in Marseille.
fn visitor(id: &str) -> Value {
    with(
        lyonnais(id),
        &[
            ("home", json!({ "commune": "13055" })),
            ("current_place", there("2026-12-01T08:30:00Z", 3)),
        ],
    )
}

fn there(at: &str, hours: u8) -> Value {
    let (latitude, longitude) = LYON;
    json!({ "latitude": latitude, "longitude": longitude, "at": at, "hours": hours })
}

async fn person(app: &TestApp, id: &str) -> Person {
    let customer = CustomerId::new(id).unwrap();
    app.stack.tables().person(&brand_id(BRAND), &customer).await.unwrap()
}

async fn context(app: &TestApp, id: &str) -> CustomerContext {
    person(app, id).await.context.unwrap().0
}

/// Of how many a current place is held, by the brand's own report.
async fn held_of(app: &TestApp) -> u64 {
    let told: Value = app.get("/v1/minimisation").await.json().unwrap();
    let attributes = told["attributes"].as_array().unwrap();
    let place = attributes.iter().find(|each| each["attribute"] == "current_place");
    place.map_or(0, |place| place["held_of"].as_u64().unwrap())
}

async fn next_day(app: &TestApp) {
    app.advance(SignedDuration::from_hours(24));
    app.stack.tick().await.unwrap();
}

#[tokio::test]
async fn a_current_place_that_has_ended_goes_with_the_next_days_walk_and_nothing_else_does() {
    let app = TestApp::start().await;
    for id in ["visits", "visits-too"] {
        app.welcome(&visitor(id)).await;
    }
    app.welcome(&lyonnais("stays")).await;
    app.stack.tick().await.unwrap();
    let before = person(&app, "visits").await;
    let of_others = context(&app, "stays").await;
    let stored = app.stored().await;
    assert_eq!(held_of(&app).await, 2);

    next_day(&app).await;
    assert_eq!(held_of(&app).await, 0);
    let (held, _) = before.context.clone().unwrap();
    let mut without = held.clone();
    without.current_place = None;
    assert!(held != without);
    for id in ["visits", "visits-too"] {
        assert!(context(&app, id).await == without, "{id}");
    }
    let after = person(&app, "visits").await;
    let mut origins = before.origins.clone();
    assert!(origins.0.remove("current_place").is_some());
    assert_eq!(after.origins, origins);
    assert_eq!(after.contact, before.contact);
    let as_before = apropos_core::standing::Standing {
        version: before.standing.version,
        ..after.standing.clone()
    };
    assert_eq!(as_before, before.standing);
    // Of whoever told no place nothing was written, and done again nothing is written of anybody.
    assert!(context(&app, "stays").await == of_others);
    let now = app.stored().await;
    let changes = stored.changes(&now);
    assert!(changes.iter().all(|line| !line.contains("stays")), "{changes:?}");
    next_day(&app).await;
    let later = app.stored().await;
    let changes = now.changes(&later);
    let due = format!("{TABLE_PREFIX}due");
    assert!(changes.iter().all(|line| line.starts_with(&due)), "{changes:?}");
}

#[tokio::test]
async fn a_place_that_is_told_anew_before_the_walk_is_kept_and_used() {
    let app = TestApp::start().await;
    let offer = with(exhibition(), &[("uses", uses(&["home", "current_place", "interests"]))]);
    app.add_offer(&offer).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    app.welcome(&visitor("visits")).await;
    app.record(&[grant("visits", "current_location")]).await;
    app.advance(SignedDuration::from_hours(22));
    let again = there("2026-12-02T06:30:00Z", 12);
    app.store(&[with(visitor("visits"), &[("current_place", again)])]).await;
    app.advance(SignedDuration::from_hours(2));
    app.stack.tick().await.unwrap();
    assert!(context(&app, "visits").await.current_place.is_some());
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
}

/// The audience's record says what the context holds, whatever it was last written for.
#[tokio::test]
async fn a_place_that_has_ended_is_told_as_held_until_it_is_gone() {
    let app = TestApp::start().await;
    app.welcome(&visitor("visits")).await;
    app.stack.tick().await.unwrap();
    app.advance(SignedDuration::from_hours(5));
    app.record(&[grant("visits", "measurement")]).await;
    assert!(context(&app, "visits").await.current_place.is_some());
    assert_eq!(held_of(&app).await, 1);
    // The walk of today is over.
    app.stack.tick().await.unwrap();
    assert_eq!(held_of(&app).await, 1);
    next_day(&app).await;
    assert!(context(&app, "visits").await.current_place.is_none());
    assert_eq!(held_of(&app).await, 0);
}

#[tokio::test]
async fn it_goes_from_whoever_was_not_heard_of_for_long_too_and_counts_as_no_sign_of_theirs() {
    let (app, why) = written_to().await;
    keep_for_a_month(&app).await;
    let there = there("2026-12-01T09:00:00Z", 12);
    app.store(&[with(lyonnais("camille"), &[("current_place", there)])])
        .await;
    app.advance(SignedDuration::from_hours(48));
    app.stack.tick().await.unwrap();
    assert!(context(&app, "camille").await.current_place.is_none());
    let choices = file(&app, &why).await["choices"].clone();
    let choices = choices.as_array().unwrap();
    assert!(choices.iter().all(|choice| choice["state"] == "expired"), "{choices:?}");
    next_day(&app).await;
    assert!(person(&app, "camille").await.context.is_none());
}

#[tokio::test]
async fn a_walk_forgets_so_many_a_tick_and_goes_on_with_the_next() {
    let app = TestApp::start().await;
    let everybody: Vec<Value> = (0..330).map(|number| visitor(&format!("visits-{number}"))).collect();
    for together in everybody.chunks(100) {
        app.store(together).await;
    }
    next_day(&app).await;
    assert_eq!(held_of(&app).await, 30);
    app.stack.tick().await.unwrap();
    assert_eq!(held_of(&app).await, 0);
}
