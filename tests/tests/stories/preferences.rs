//! What a person chooses on their page decides what they receive from then on.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_tests::words::{campaign, catalogue, exhibition, lyonnais, with};
use apropos_tests::{TestApp, path_of};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

const URLENCODED: &str = "application/x-www-form-urlencoded";

/// A stack where Camille was sent the message of the campaign `first`, with the address of her page.
async fn written_to(offer: &Value) -> (TestApp, String) {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(offer).await;
    for id in ["first", "second"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    app.take_through("first").await;
    let mails = app.outbox();
    let header = mails.first().unwrap().header("List-Unsubscribe").unwrap();
    let leave = path_of(header.trim_matches(['<', '>'])).to_owned();
    let page = app.visit(Method::GET, &leave).await.text();
    let (_, rest) = page.split_once("href=\"/p/").unwrap();
    let choices = format!("/p/{}", rest.split('"').next().unwrap());
    (app, choices)
}

/// The form as Camille finds it, without what is left out and with what is added.
async fn save(app: &TestApp, page: &str, without: &[&str], added: &str) {
    let found = [
        "save=all",
        "on=email.offers",
        "on=profiling",
        "on=home_location",
        "cap=brand",
        "language=fr",
        "interest=exhibition-tickets",
    ];
    let fields: Vec<&str> = found
        .into_iter()
        .filter(|field| !without.contains(field))
        .chain([added])
        .collect();
    let reply = app.submit(page, URLENCODED, &fields.join("&")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

#[tokio::test]
async fn the_page_of_choices_leads_to_ones_data() {
    let (app, page) = written_to(&exhibition()).await;
    let text = app.visit(Method::GET, &page).await.text();
    let (_, rest) = text.split_once("href=\"/d/").unwrap();
    let ask = format!("/d/{}", rest.split('"').next().unwrap());
    let reply = app.visit(Method::GET, &ask).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(
        reply.text().contains("name=\"ask\" value=\"access\""),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn a_pause_withholds_by_its_name_and_ends_by_itself() {
    let (app, page) = written_to(&exhibition()).await;
    let reply = app.submit(&page, URLENCODED, "purpose=pause&set=on").await;
    assert!(reply.text().contains("En pause"), "{}", reply.text());
    let report = app.take_through("second").await;
    assert_eq!(report["withheld"], json!({"paused": 1}), "{report}");
    let decision = app.decision("second", "camille").await;
    assert_eq!(
        decision["explanation"],
        json!({
            "fr": "Non envoyé\u{a0}: cette personne a demandé une pause.",
            "en": "Withheld: this person asked for a pause."
        })
    );
    // Nobody writes her record again in between: the end is known to it.
    app.advance(SignedDuration::from_hours(30 * 24));
    app.add_campaign(&campaign("third", "expo")).await;
    assert_eq!(app.take_through("third").await["sent"], 1);
}

#[tokio::test]
async fn a_pause_between_scoring_and_sending_still_holds() {
    let (app, page) = written_to(&exhibition()).await;
    app.advance(SignedDuration::from_hours(24));
    app.launch("second").await;
    app.submit(&page, URLENCODED, "purpose=pause&set=on").await;
    app.drain().await;
    let report = app.report("second").await;
    assert_eq!(report["withheld"], json!({"paused": 1}), "{report}");
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn once_a_month_is_once_a_month() {
    let (app, page) = written_to(&exhibition()).await;
    save(&app, &page, &["cap=brand"], "cap=1-30").await;
    app.advance(SignedDuration::from_hours(14 * 24));
    let report = app.take_through("second").await;
    assert_eq!(report["withheld"], json!({"cap_reached": 1}), "{report}");
    save(&app, &page, &[], "quiet_from=").await;
    app.add_campaign(&campaign("third", "expo")).await;
    assert_eq!(app.take_through("third").await["sent"], 1);
}

#[tokio::test]
async fn a_persons_quiet_hours_are_kept_beside_the_brands() {
    let (app, page) = written_to(&exhibition()).await;
    // It is ten in the morning; she wants the day to herself.
    save(&app, &page, &[], "quiet_from=09:00&quiet_until=18:00").await;
    let report = app.take_through("second").await;
    assert_eq!((&report["queued"], &report["sent"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(app.outbox().len(), 1);
    // The brand's own evening begins at nine, so there is room at six.
    app.advance(SignedDuration::from_hours(9));
    app.stack.tick().await.unwrap();
    app.drain().await;
    assert_eq!(app.report("second").await["sent"], 1);
}

#[tokio::test]
async fn what_is_no_longer_of_interest_is_no_longer_sent() {
    let (app, page) = written_to(&catalogue()).await;
    save(&app, &page, &["interest=exhibition-tickets"], "interest=candles").await;
    let report = app.take_through("second").await;
    assert_eq!(report["sent"], 0, "{report}");
    assert_eq!(report["withheld"], json!({"no_reason_to_write": 1}), "{report}");
}

#[tokio::test]
async fn without_the_place_nothing_that_is_near_is_sent() {
    let (app, page) = written_to(&exhibition()).await;
    save(&app, &page, &["on=home_location"], "quiet_from=").await;
    let report = app.take_through("second").await;
    assert_eq!(report["withheld"], json!({"place_unknown": 1}), "{report}");
}

#[tokio::test]
async fn a_language_and_interests_that_a_person_chose_outlive_what_the_brand_sends() {
    let (app, page) = written_to(&catalogue()).await;
    save(&app, &page, &["language=fr"], "language=en&interest=books").await;
    app.store(&[with(lyonnais("camille"), &[("interests", json!(["candles"]))])])
        .await;
    assert_eq!(app.take_through("second").await["sent"], 1);
    let mails = app.outbox();
    assert_eq!(mails.last().unwrap().subject, "Skip the line for “Lights”");
    let shown = app.visit(Method::GET, &page).await.text();
    assert!(shown.contains("<html lang=\"en\">"));
    for (interest, ticked) in [("books", true), ("exhibition-tickets", true), ("candles", false)] {
        let input = shown.split(&format!("value=\"{interest}\"")).nth(1).unwrap();
        assert_eq!(
            input.split('>').next().unwrap().contains("checked"),
            ticked,
            "{interest}"
        );
    }
}
