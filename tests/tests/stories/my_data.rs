//! One's own data: why a message came, seen and corrected by fresh links that are sent to nobody else.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::verify_receipt;
use apropos_core::consent_receipt::SignedReceipt;
use apropos_core::document::LedgerDocument;
use apropos_core::email::EmailAddress;
use apropos_tests::words::{campaign, exhibition, lyonnais, with};
use apropos_tests::{BRAND, TestApp, brand_id, path_of};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A stack where Camille was sent one message; with the path of its link to the reasons.
pub(crate) async fn written_to() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
    let mail = app.outbox().pop().unwrap();
    let why = link(&mail.text, "/w/");
    (app, why)
}

/// The path of the first link to a page.
pub(crate) fn link(text: &str, page: &str) -> String {
    let line = text.lines().find(|line| line.contains(page)).unwrap();
    path_of(line.trim()).to_owned()
}

/// Asks for a fresh link with the link of a message, and gives its path from the mail that it comes in.
pub(crate) async fn fresh_link(app: &TestApp, why: &str, what: &str) -> String {
    let ask = why.replacen("/w/", "/d/", 1);
    let before = app.outbox().len();
    let reply = app.submit(&ask, FORM, &format!("ask={what}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    app.drain().await;
    let mails = app.outbox();
    assert_eq!(mails.len(), before + 1);
    let mail = mails.last().unwrap();
    assert_eq!(mail.to, "camille@mail.example");
    let page = match what {
        "access" => "/a/",
        "correct" => "/r/",
        _ => "/e/",
    };
    link(&mail.text, page)
}

#[tokio::test]
async fn a_forwarded_message_says_why_it_came_and_shows_no_fact() {
    let (app, why) = written_to().await;
    let page = app.visit(Method::GET, &why).await.text();
    for told in [
        "Pourquoi ce message",
        "proximité",
        "affinité",
        "La zone où vous habitez",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for fact in ["camille", "mail.example", "Lyon,", "69123", "exhibition"] {
        assert!(!page.contains(fact), "{fact}: {page}");
    }
    let ask = why.replacen("/w/", "/d/", 1);
    let page = app.visit(Method::GET, &ask).await.text();
    assert!(
        page.contains("name=\"ask\" value=\"erase\"") && !page.contains("camille"),
        "{page}"
    );
}

#[tokio::test]
async fn a_fresh_link_is_not_used_up_by_a_scanner_and_works_once() {
    let (app, why) = written_to().await;
    let access = fresh_link(&app, &why, "access").await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let reply = app.visit(method, &access).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(!reply.text().contains("camille@"), "{}", reply.text());
    }
    let page = app.submit(&access, FORM, "show=page").await;
    assert_eq!(page.status, StatusCode::OK);
    for told in [
        "camille@mail.example",
        "donné par la marque, 1er\u{a0}décembre 2026",
        "Goût\u{a0}: billets d'exposition",
        "à Lyon ou tout près",
        "français",
        "formulaire en ligne",
        "Maison Claire SAS",
        "trois ans",
        "Envoyé",
    ] {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    let again = app.submit(&access, FORM, "show=page").await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(!again.text().contains("camille@"));
    let late = fresh_link(&app, &why, "access").await;
    app.advance(SignedDuration::from_mins(15));
    assert_eq!(app.submit(&late, FORM, "show=page").await.status, StatusCode::GONE);
}

#[tokio::test]
async fn the_file_holds_it_all_and_its_ledger_checks() {
    let (app, why) = written_to().await;
    let access = fresh_link(&app, &why, "access").await;
    let reply = app.submit(&access, FORM, "show=json").await;
    assert_eq!(
        reply.headers["content-disposition"],
        "attachment; filename=\"my-data.json\""
    );
    let file: Value = reply.json().unwrap();
    assert_eq!(file["contact"]["email"], "camille@mail.example");
    assert_eq!(file["context"]["interests"], json!(["exhibition-tickets"]));
    assert_eq!(file["decisions"][0]["outcome"], "sent");
    assert_eq!(file["ledger"]["entries"].as_array().unwrap().len(), 3);
    let ledger: LedgerDocument = serde_json::from_value(file["ledger"].clone()).unwrap();
    assert_eq!(ledger.check(), Ok(()));
    let key = app.visit(Method::GET, "/.well-known/apropos-receipt-key").await.text();
    let receipts: Vec<SignedReceipt> = serde_json::from_value(file["receipts"].clone()).unwrap();
    assert_eq!(receipts.len(), 3);
    for receipt in &receipts {
        assert_eq!(verify_receipt(receipt, key.trim()), Ok(()));
    }
    let receipt: Value = serde_json::from_str(&receipts[0].receipt).unwrap();
    assert_eq!(
        receipt["pii_controller"]["address"],
        "Maison Claire SAS, 1 rue des Essais, 75011 Paris"
    );
    assert_eq!(receipt["evidence"]["notice"]["version"], "3");
    let mut altered = file["ledger"].clone();
    altered["entries"][1]["event"]["evidence"]["source"] = json!("/elsewhere");
    let ledger: LedgerDocument = serde_json::from_value(altered).unwrap();
    assert!(ledger.check().is_err());
}

#[tokio::test]
async fn the_receipt_of_each_consent_event_is_fetched_by_itself_while_the_link_lives() {
    let (app, why) = written_to().await;
    let access = fresh_link(&app, &why, "access").await;
    let page = app.submit(&access, FORM, "show=page").await.text();
    let (before, _) = page.split_once("name=\"show\" value=\"receipt\"").unwrap();
    let (_, action) = before.rsplit_once("action=\"").unwrap();
    let receipts = action.split('"').next().unwrap();
    assert_eq!(page.matches("name=\"show\" value=\"receipt\"").count(), 3);
    let key = app.visit(Method::GET, "/.well-known/apropos-receipt-key").await.text();
    for seq in [2, 1, 2] {
        let reply = app.submit(receipts, FORM, &format!("show=receipt&seq={seq}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let name = format!("attachment; filename=\"consent-receipt-{seq}.json\"");
        assert_eq!(reply.headers["content-disposition"], name.as_str());
        let signed: SignedReceipt = serde_json::from_value(reply.json().unwrap()).unwrap();
        assert_eq!(verify_receipt(&signed, key.trim()), Ok(()));
        let receipt: Value = serde_json::from_str(&signed.receipt).unwrap();
        assert_eq!(receipt["ledger_seq"], seq);
    }
    for (form, status) in [
        ("show=receipt", StatusCode::BAD_REQUEST),
        ("show=receipt&seq=first", StatusCode::BAD_REQUEST),
        ("show=receipt&seq=1&seq=2", StatusCode::BAD_REQUEST),
        ("show=receipt&seq=99", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(app.submit(receipts, FORM, form).await.status, status, "{form}");
    }
    // What used the link up, or its time, ends the receipts too.
    assert_eq!(
        app.submit(&access, FORM, "show=receipt&seq=1").await.status,
        StatusCode::GONE
    );
    app.advance(SignedDuration::from_mins(15));
    assert_eq!(
        app.submit(receipts, FORM, "show=receipt&seq=1").await.status,
        StatusCode::GONE
    );
}

#[tokio::test]
async fn a_correction_starts_at_what_is_held() {
    let (app, why) = written_to().await;
    let facts = json!({ "dwelling.garden": false, "dwelling.kind": "house", "dwelling.floor": 3 });
    app.store(&[with(lyonnais("camille"), &[("facts", facts)])]).await;
    let correct = fresh_link(&app, &why, "correct").await;
    let page = app.submit(&correct, FORM, "open=correct").await.text();
    for held in [
        "<option value=\"false\" selected>non</option>",
        "<option value=\"house\" selected>maison</option>",
        "max=\"60\" value=\"3\" required",
    ] {
        assert!(page.contains(held), "{held}: {page}");
    }
    // A list of what is not held starts at no answer, and cannot be saved so.
    let balcony = page.split_once("id=\"f-dwelling-balcony\"").unwrap().1;
    assert!(
        balcony.starts_with(" name=\"value\" required><option value=\"\" selected>"),
        "{page}"
    );
}

#[tokio::test]
async fn what_a_person_corrects_no_import_undoes() {
    let (app, why) = written_to().await;
    let correct = fresh_link(&app, &why, "correct").await;
    let mut page = app.submit(&correct, FORM, "open=correct").await.text();
    for form in [
        "field=dwelling.garden&value=true",
        "field=interest%3Aexhibition-tickets",
        "field=home&value=75011",
    ] {
        let next = next_link(&page, "/r/");
        let reply = app.submit(&next, FORM, form).await;
        assert_eq!(reply.status, StatusCode::OK);
        page = reply.text();
        assert!(page.contains("Aucun fichier de la marque"), "{form}: {page}");
    }
    let refused = app
        .submit(&next_link(&page, "/r/"), FORM, "field=dwelling.floor&value=900")
        .await;
    assert!(refused.text().contains("Cette valeur n’est pas possible"));

    app.store(&[with(
        lyonnais("camille"),
        &[("facts", json!({ "dwelling.garden": false }))],
    )])
    .await;
    let access = fresh_link(&app, &why, "access").await;
    let file: Value = app.submit(&access, FORM, "show=json").await.json().unwrap();
    assert_eq!(file["context"]["facts"], json!({ "dwelling.garden": true }));
    assert_eq!(file["context"].get("interests"), None);
    // Paris, and no longer near the exhibition.
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "too_far": 1 }), "{report}");
}

#[tokio::test]
async fn what_was_saved_on_the_page_of_choices_is_in_the_file_as_the_persons_own_and_stays() {
    let (app, why) = written_to().await;
    let choices = why.replacen("/w/", "/p/", 1);
    let form = "save=all&on=email.offers&on=profiling&on=home_location&cap=1-30&quiet_from=&quiet_until=&language=en\
                &interest=books";
    let saved = app.submit(&choices, FORM, form).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    app.store(&[lyonnais("camille")]).await;
    // The address still leads to them after their contact point was written with another language.
    let address = EmailAddress::parse("camille@mail.example").unwrap();
    let owner = app.stack.person_at(&brand_id(BRAND), &address).await.unwrap();
    assert_eq!(owner.unwrap().customer.as_str(), "camille");
    let access = fresh_link(&app, &why, "access").await;
    let file: Value = app.submit(&access, FORM, "show=json").await.json().unwrap();
    assert_eq!(file["contact"]["language"], "en");
    assert_eq!(file["context"]["interests"], json!(["books"]));
    let facts = file["facts"].as_array().unwrap();
    let books = facts.iter().find(|fact| fact["name"] == "interest:books").unwrap();
    assert_eq!(books["origin"]["source"], "person");
    let entries = file["ledger"]["entries"].as_array().unwrap();
    let set: Vec<_> = entries.iter().map(|entry| &entry["preference"]["preference"]).collect();
    assert!(set.contains(&&json!({ "language": "en" })), "{set:?}");
    let ledger: LedgerDocument = serde_json::from_value(file["ledger"].clone()).unwrap();
    assert_eq!(ledger.check(), Ok(()));
}

#[tokio::test]
async fn whoever_forbids_profiling_stays_subscribed_and_is_not_scored_by_it() {
    let (app, why) = written_to().await;
    let correct = fresh_link(&app, &why, "correct").await;
    let page = app.submit(&correct, FORM, "field=no_profiling").await.text();
    assert!(page.contains("Vous refusez que vos informations"), "{page}");
    let report = app.take_through("expo-2").await;
    let decision = app.decision("expo-2", "camille").await;
    // 20 × 5 000 of 60 weights: the topic that Camille chose, and not the liking on record, which is 8 000.
    assert_eq!(decision["contributions_bp"]["affinity"], 1_666, "{report} {decision}");
}

/// The path of the first form that posts to a page.
fn next_link(page: &str, to: &str) -> String {
    let (_, rest) = page.split_once(&format!("action=\"{to}")).unwrap();
    format!("{to}{}", rest.split_once('"').unwrap().0)
}

#[tokio::test]
async fn whoever_was_not_heard_of_for_as_long_as_the_brand_keeps_a_yes_is_not_written_to() {
    let (app, _) = written_to().await;
    let mut settings = apropos_tests::brand(BRAND);
    settings.retention_days = Some(30);
    app.stack.put_brand(&settings).await.unwrap();
    // The yes is of 2 November, and being written to in December is no sign of the person.
    app.advance(SignedDuration::from_hours(48));
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_expired": 1 }), "{report}");
}
