//! From a consent to a message, and from the message's link to silence.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::sync::Arc;

use apropos_core::ids::CustomerId;
use apropos_core::ledger::verify;
use apropos_local::mail_service::AcceptedMail;
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted, brand_id, path_of};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// A stack where Camille was sent the message of the campaign `expo-1`.
async fn written_to() -> (TestApp, Arc<AcceptedMail>) {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    let report = app.take_through("expo-1").await;
    assert_eq!(
        (&report["sent"], &report["status"]),
        (&json!(1), &json!("completed")),
        "{report}"
    );
    let [mail] = app.outbox().try_into().unwrap();
    (app, mail)
}

/// The one address of the header.
fn unsubscribe_link(mail: &AcceptedMail) -> String {
    let values: Vec<_> = mail
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("List-Unsubscribe"))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values.len(), 1, "{values:?}");
    values[0]
        .strip_prefix('<')
        .unwrap()
        .strip_suffix('>')
        .unwrap()
        .to_owned()
}

async fn ledger_length(app: &TestApp) -> usize {
    let customer = CustomerId::new("camille").unwrap();
    let ledger = app.stack.tables().ledger(&brand_id(BRAND), &customer).await.unwrap();
    let entries: Vec<_> = ledger.into_iter().map(|(entry, _)| entry).collect();
    verify(&entries, app.standing("camille").await.head).unwrap();
    entries.len()
}

#[tokio::test]
async fn a_consent_leads_to_one_message_that_says_why_and_how_to_leave() {
    let (app, mail) = written_to().await;
    assert_eq!(mail.from, "Maison Claire <bonjour@maison.example>");
    assert_eq!(mail.to, "camille@mail.example");
    assert_eq!(mail.subject, "Coupe-file pour « Lumières »");

    let link = unsubscribe_link(&mail);
    assert!(link.starts_with(&format!("{}/u/{BRAND}/", app.stack.url())), "{link}");
    let posts: Vec<_> = mail
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("List-Unsubscribe-Post"))
        .collect();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].1, ONE_CLICK);
    assert!(mail.header("List-Id").unwrap().ends_with("<offers.maison.example>"));
    assert_eq!(mail.tag("brand"), Some(BRAND));
    assert_eq!(mail.tag("run"), Some("expo-1"));
    let delivery = mail.tag("delivery").unwrap();
    assert!(
        delivery.len() == 16 && delivery.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{delivery}"
    );

    let why = "Maison Claire vous écrit parce que c’est près de vous, et parce que vous êtes sur sa liste \
               «\u{a0}Offres\u{a0}» par e-mail.";
    for part in [&mail.text, &mail.html] {
        assert!(part.contains(why), "{part}");
        assert!(part.contains(&link), "{part}");
        assert!(part.contains("Entrez sans attendre."), "{part}");
        assert!(part.contains("Maison Claire SAS, 1 rue des Essais"), "{part}");
    }
    let report = app.report("expo-1").await;
    assert_eq!(report["considered"], 1);
    let decision = app.decision("expo-1", "camille").await;
    assert_eq!(decision["outcome"], "sent");
    assert!(
        decision["explanation"]["en"].as_str().unwrap().starts_with("Sent: "),
        "{decision}"
    );
}

#[tokio::test]
async fn opening_the_link_changes_nothing() {
    let (app, mail) = written_to().await;
    let (before, entries) = (app.standing("camille").await, ledger_length(&app).await);
    let link = unsubscribe_link(&mail);
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let reply = app.visit(method, path_of(&link)).await;
        assert!(reply.status.is_success());
    }
    let page = app.visit(Method::GET, path_of(&link)).await;
    assert!(page.text().contains("<form method=\"post\">"), "it asks before it acts");
    assert_eq!(app.standing("camille").await, before);
    assert_eq!(ledger_length(&app).await, entries);
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

/// Presses the button of the mail client, and takes the next campaign through.
async fn leave_and_see(media_type: &'static str, body: &str) {
    let (app, mail) = written_to().await;
    let link = unsubscribe_link(&mail);
    for _ in 0..2 {
        let reply = app.submit(path_of(&link), media_type, body).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(!reply.headers.contains_key(LOCATION) && !reply.headers.contains_key(SET_COOKIE));
    }
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");
    assert_eq!(app.outbox().len(), 1);
    let decision = app.decision("expo-2", "camille").await;
    assert_eq!(decision["reason"], "consent_withdrawn");
    assert_eq!(
        decision["explanation"],
        json!({ "fr": "Non envoyé\u{a0}: cette personne s’est désinscrite.", "en": "Withheld: this person unsubscribed." })
    );
}

#[tokio::test]
async fn one_click_in_a_urlencoded_body_withdraws_at_once() {
    leave_and_see(URLENCODED, ONE_CLICK).await;
}

#[tokio::test]
async fn one_click_in_a_multipart_body_withdraws_at_once() {
    let body = "--Zb\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--Zb--\r\n";
    leave_and_see("multipart/form-data; boundary=Zb", body).await;
}

#[tokio::test]
async fn an_import_does_not_bring_back_who_left_but_their_own_undo_does() {
    let (app, mail) = written_to().await;
    let link = unsubscribe_link(&mail);
    app.submit(path_of(&link), URLENCODED, ONE_CLICK).await;
    app.advance(SignedDuration::from_hours(1));
    let import = with(
        consent("camille", "import-1", "email.offers", "grant"),
        &[
            ("actor", json!("import")),
            ("effective_at", json!("2026-12-01T09:30:00Z")),
        ],
    );
    app.record(&[import]).await;
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");

    let back = app.submit(path_of(&link), URLENCODED, "action=undo").await;
    assert_eq!(back.status, StatusCode::OK);
    app.add_campaign(&campaign("expo-3", "expo")).await;
    assert_eq!(app.take_through("expo-3").await["sent"], 1);
}

#[tokio::test]
async fn who_leaves_between_scoring_and_sending_is_not_written_to() {
    let (app, mail) = written_to().await;
    app.launch("expo-2").await;
    // A paused run is scored, and its candidates wait.
    accepted(&app.post("/v1/campaigns/expo-2/pause", &json!({})).await);
    app.drain().await;
    assert_eq!(app.report("expo-2").await["queued"], 1);
    app.submit(path_of(&unsubscribe_link(&mail)), URLENCODED, ONE_CLICK)
        .await;
    accepted(&app.post("/v1/campaigns/expo-2/resume", &json!({})).await);
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert!(!released.stuck && released.drained.is_clean(), "{released:?}");
    let report = app.report("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn each_state_of_a_consent_is_its_own_reason() {
    let app = TestApp::start().await;
    let people = ["never", "asked", "refused", "left", "ended"];
    for id in people {
        app.store(&[lyonnais(id)]).await;
        app.record(&all_consents(id)[1..]).await;
    }
    let mut events = vec![
        consent("asked", "a", "email.offers", "request"),
        consent("refused", "r", "email.offers", "deny"),
        consent("left", "l1", "email.offers", "grant"),
        consent("left", "l2", "email.offers", "withdraw"),
        consent("ended", "e", "email.offers", "expire"),
    ];
    events[4]["actor"] = json!("system");
    app.record(&events).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let report = app.take_through("expo-1").await;
    let reasons = [
        ("never", "no_consent"),
        ("asked", "consent_pending"),
        ("refused", "consent_denied"),
        ("left", "consent_withdrawn"),
        ("ended", "consent_expired"),
    ];
    for (customer, reason) in reasons {
        assert_eq!(report["withheld"][reason], 1, "{report}");
        assert_eq!(app.decision("expo-1", customer).await["reason"], reason);
    }
    assert_eq!(app.outbox().len(), 0);
}

#[tokio::test]
async fn a_consent_that_ended_by_itself_since_it_was_given_withholds() {
    let app = TestApp::start().await;
    app.store(&[lyonnais("camille")]).await;
    let mut consents = all_consents("camille");
    consents[0]["expires_at"] = json!("2026-12-01T10:00:00Z");
    app.record(&consents).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
    // Nothing has touched the audience since, so its hint still says yes.
    app.advance(SignedDuration::from_hours(1));
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_expired": 1 }), "{report}");
    assert_eq!(
        app.decision("expo-2", "camille").await["explanation"]["fr"],
        "Non envoyé\u{a0}: son accord a pris fin."
    );
    assert_eq!(app.outbox().len(), 1);
}
