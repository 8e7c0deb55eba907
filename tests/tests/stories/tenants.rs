//! Two brands side by side: neither sees, moves or learns anything of the other's (I9).

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_local::http_client::Reply;
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{TestApp, accepted, path_of};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const OTHER: &str = "autre";

/// A stack where Camille is a customer of the first brand, which has a campaign `expo-1`; and the other brand's key.
async fn two_brands() -> (TestApp, String) {
    let app = TestApp::start().await;
    let other = app.add_brand(OTHER).await;
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    (app, other)
}

async fn get_as(app: &TestApp, key: &str, path: &str) -> Reply {
    app.client.get_json(path, key).await.unwrap()
}

#[tokio::test]
async fn the_campaigns_of_another_brand_look_as_if_they_did_not_exist() {
    let (app, other) = two_brands().await;
    app.take_through("expo-1").await;
    for verb in ["launch", "preview", "pause", "resume", "cancel"] {
        let of = |id: &str| format!("/v1/campaigns/{id}/{verb}");
        let theirs = app.post_as(&other, &of("expo-1"), &json!({})).await;
        let nobodys = app.post_as(&other, &of("no-such"), &json!({})).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{verb}");
        assert_eq!(theirs.body, nobodys.body, "{verb}");
    }
    for tail in ["", "/decisions/camille"] {
        let theirs = get_as(&app, &other, &format!("/v1/campaigns/expo-1{tail}")).await;
        let nobodys = get_as(&app, &other, &format!("/v1/campaigns/no-such{tail}")).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{tail}");
        assert_eq!(theirs.body, nobodys.body, "{tail}");
    }
    assert_eq!(app.report("expo-1").await["status"], "completed");
}

#[tokio::test]
async fn an_offer_of_another_brand_cannot_be_put_into_a_campaign() {
    let (app, other) = two_brands().await;
    let reply = app.post_as(&other, "/v1/campaigns", &campaign("mine", "expo")).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.json::<Value>().unwrap()["field"], "offer");
    // Under the same id, each brand has its own, from version 1.
    let own = app.post_as(&other, "/v1/offers", &exhibition()).await;
    assert_eq!(accepted(&own), json!({ "offer": "expo", "version": 1 }));
}

#[tokio::test]
async fn the_same_id_in_two_brands_is_two_people() {
    let (app, other) = two_brands().await;
    let namesake = with(
        lyonnais("camille"),
        &[(
            "contact",
            json!({ "email": "other.camille@mail.example", "language": "en" }),
        )],
    );
    app.store_as(&other, &[namesake]).await;
    accepted(&app.post_as(&other, "/v1/offers", &exhibition()).await);
    accepted(&app.post_as(&other, "/v1/campaigns", &campaign("expo-1", "expo")).await);
    // The other's Camille agreed to nothing; ours did, under the same id and in a campaign of the same name.
    accepted(&app.post_as(&other, "/v1/campaigns/expo-1/launch", &json!({})).await);
    app.drain().await;
    let report = accepted(&get_as(&app, &other, "/v1/campaigns/expo-1").await);
    assert_eq!(report["runs"][0]["withheld"], json!({ "no_consent": 1 }), "{report}");
    assert_eq!(app.take_through("expo-1").await["sent"], 1);

    // Their yes there and their no there change nothing here.
    app.record_as(&other, &all_consents("camille")).await;
    app.record_as(&other, &[consent("camille", "no", "no_marketing", "grant")])
        .await;
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
    let recipients: Vec<_> = app.outbox().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(recipients, ["camille@mail.example"; 2]);
}

#[tokio::test]
async fn a_consent_of_another_brand_does_not_let_us_write() {
    let (app, other) = two_brands().await;
    app.store(&[lyonnais("dominique")]).await;
    app.record_as(&other, &all_consents("dominique")).await;
    let report = app.take_through("expo-1").await;
    assert_eq!(report["sent"], 1);
    assert_eq!(report["withheld"], json!({ "no_consent": 1 }), "{report}");
}

#[tokio::test]
async fn a_link_of_one_brand_opens_nothing_under_the_path_of_another() {
    let (app, _) = two_brands().await;
    app.take_through("expo-1").await;
    let mail = &app.outbox()[0];
    let header = mail.header("List-Unsubscribe").unwrap();
    let path = path_of(header.trim_matches(['<', '>'])).to_owned();
    let moved = path.replace("/u/maison/", "/u/autre/");
    assert_ne!(moved, path);
    let before = app.standing("camille").await;
    assert_eq!(app.visit(Method::GET, &moved).await.status, StatusCode::NOT_FOUND);
    let posted = app
        .submit(
            &moved,
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
        )
        .await;
    assert_eq!(posted.status, StatusCode::NOT_FOUND);
    assert_eq!(app.standing("camille").await, before);
}

#[tokio::test]
async fn ranking_offers_for_a_customer_of_another_brand_finds_nobody() {
    let (app, other) = two_brands().await;
    let asked = |customer: &str| json!({ "customer": customer, "topic": "offers" });
    let ours = accepted(&app.post("/v1/relevance", &asked("camille")).await);
    assert_eq!(ours["offers"][0]["offer"], "expo", "{ours}");
    let theirs = app.post_as(&other, "/v1/relevance", &asked("camille")).await;
    let nobodys = app.post_as(&other, "/v1/relevance", &asked("nobody")).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{}", theirs.text());
    assert_eq!(theirs.body, nobodys.body);
}
