//! Erased, and gone for good: nothing is left, nothing comes back, nobody else notices (I8).

use apropos_core::document::LedgerText;
use apropos_core::email::EmailAddress;
use apropos_core::erasure::Progress;
use apropos_core::ids::CustomerId;
use apropos_core::ledger::verify;
use apropos_local::mail_service::Feedback;
use apropos_tests::words::{all_consents, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted, brand_id};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use crate::stories::my_data::{FORM, fresh_link, link, written_to};

/// Has Camille erased by her own fresh link, a while after her message, and gives the certificate's page.
async fn erased(app: &TestApp, why: &str) -> String {
    app.advance(SignedDuration::from_mins(5));
    let erase = fresh_link(app, why, "erase").await;
    let asked = app.visit(Method::GET, &erase).await.text();
    assert!(asked.contains("Tout effacer, définitivement"), "it asks before it acts");
    assert!(app.standing("camille").await.erased.is_none());
    let done = app.submit(&erase, FORM, "erase=yes").await;
    assert_eq!(done.status, StatusCode::OK);
    done.text()
}

#[tokio::test]
async fn an_erased_person_gets_a_certificate_that_says_nothing_about_them() {
    let (app, why) = written_to().await;
    let page = erased(&app, &why).await;
    for told in [
        "Certificat d’effacement",
        "Gardé, et pourquoi",
        "un ancien fichier",
        "Dernière passe",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("camille") && !page.contains("mail.example"), "{page}");
}

#[tokio::test]
async fn a_complaint_stays_counted_when_who_complained_is_erased() {
    let (app, why) = written_to().await;
    app.advance(SignedDuration::from_mins(5));
    let erase = fresh_link(&app, &why, "erase").await;
    let offer = app.outbox().into_iter().find(|mail| mail.tag("run").is_some()).unwrap();
    app.stack.report(&offer.message_id, Feedback::Complaint).unwrap();
    assert!(app.drain().await.is_clean());
    let before = app.report("expo-1").await;
    assert_eq!(before["complained"], 1, "{before}");
    assert_eq!(app.submit(&erase, FORM, "erase=yes").await.status, StatusCode::OK);
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    assert_eq!(app.report("expo-1").await, before);
}

#[tokio::test]
async fn the_last_step_is_taken_by_the_clock_and_not_by_the_person() {
    let (app, why) = written_to().await;
    erased(&app, &why).await;
    assert_eq!(app.stack.tables().pending_erasures().await.unwrap().len(), 1);
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    let standing = app.standing("camille").await;
    assert!(matches!(standing.erased.unwrap().progress, Progress::Finished { .. }));
    let camille = CustomerId::new("camille").unwrap();
    let ledger = app.stack.tables().ledger(&brand_id(BRAND), &camille).await.unwrap();
    assert!(ledger.iter().all(|(_, event)| event.is_none()));
    let entries: Vec<_> = ledger.into_iter().map(|(entry, _)| entry).collect();
    verify(&entries, standing.head).unwrap();
}

#[tokio::test]
async fn what_a_person_set_about_messages_is_erased_with_the_rest() {
    let (app, why) = written_to().await;
    let choices = why.replacen("/w/", "/p/", 1);
    let form = "save=all&on=email.offers&cap=1-30&quiet_from=&quiet_until=&language=fr&interest=books";
    let saved = app.submit(&choices, FORM, form).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let camille = CustomerId::new("camille").unwrap();
    let texts = async || {
        app.stack
            .tables()
            .ledger_texts(&brand_id(BRAND), &camille)
            .await
            .unwrap()
    };
    let is_preference = |text: &LedgerText| matches!(text, LedgerText::Preference(_));
    assert!(texts().await.iter().any(|(_, text)| is_preference(text)));
    erased(&app, &why).await;
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    let texts = texts().await;
    for (_, text) in &texts {
        assert!(matches!(text, LedgerText::Proof(_) | LedgerText::Erased));
        assert!(
            !matches!(text, LedgerText::Proof(proof) if proof.is_lapse()),
            "it was asked for"
        );
    }
    let entries: Vec<_> = texts.into_iter().map(|(entry, _)| entry).collect();
    verify(&entries, app.standing("camille").await.head).unwrap();
}

#[tokio::test]
async fn no_file_brings_an_erased_person_back_by_id_or_by_address() {
    let (app, why) = written_to().await;
    erased(&app, &why).await;
    let same_address = with(
        lyonnais("somebody"),
        &[("contact", json!({ "email": "camille@mail.example", "language": "fr" }))],
    );
    let same_id = with(
        lyonnais("camille"),
        &[("contact", json!({ "email": "other@mail.example", "language": "fr" }))],
    );
    for customer in [lyonnais("camille"), same_address, same_id] {
        let answer = accepted(&app.post("/v1/customers", &json!({ "customers": [customer] })).await);
        assert_eq!(
            (&answer["suppressed"], &answer["stored"]),
            (&json!(1), &json!(0)),
            "{answer}"
        );
    }
    let answer = accepted(
        &app.post("/v1/consents", &json!({ "events": all_consents("camille") }))
            .await,
    );
    assert_eq!(
        (&answer["suppressed"], &answer["recorded"]),
        (&json!(3), &json!(0)),
        "{answer}"
    );
    assert_eq!(answer["results"][0]["status"], "suppressed");
    let report = app.take_through("expo-2").await;
    assert_eq!(report["considered"], 0, "{report}");
}

#[tokio::test]
async fn whoever_waits_for_the_morning_is_not_written_to_and_the_run_ends_all_the_same() {
    let (app, why) = written_to().await;
    app.advance(SignedDuration::from_hours(12));
    assert_eq!(app.take_through("expo-2").await["queued"], 1);
    erased(&app, &why).await;
    let written = app.outbox().len();
    app.advance(SignedDuration::from_hours(12));
    app.stack.tick().await.unwrap();
    app.drain().await;
    assert_eq!(app.outbox().len(), written);
    let report = app.report("expo-2").await;
    assert_eq!(
        (&report["status"], &report["withheld"]),
        (&json!("completed"), &json!({ "suppressed": 1 })),
        "{report}"
    );
    assert_eq!(app.report("expo-1").await["sent"], 1);
    let reply = app.get("/v1/campaigns/expo-1/decisions/camille").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn links_of_old_messages_say_that_they_are_out_and_one_click_still_answers() {
    let (app, why) = written_to().await;
    let mail = app.outbox().pop().unwrap();
    let leave = link(&mail.text, "/u/");
    erased(&app, &why).await;
    for path in [
        leave.clone(),
        why.clone(),
        why.replacen("/w/", "/d/", 1),
        why.replacen("/w/", "/p/", 1),
    ] {
        let reply = app.visit(Method::GET, &path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert!(reply.text().contains("You receive nothing"), "{}", reply.text());
    }
    let reply = app.submit(&leave, FORM, "List-Unsubscribe=One-Click").await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "OK\n"));
    let ask = why.replacen("/w/", "/d/", 1);
    let before = app.outbox().len();
    app.submit(&ask, FORM, "ask=access").await;
    app.drain().await;
    assert_eq!(app.outbox().len(), before);
}

#[tokio::test]
async fn another_person_is_as_before() {
    let (app, why) = written_to().await;
    app.welcome(&lyonnais("noor")).await;
    let before = app.standing("noor").await;
    erased(&app, &why).await;
    assert_eq!(app.standing("noor").await, before);
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn only_a_sign_up_of_their_own_brings_them_back_and_as_somebody_new() {
    let (app, why) = written_to().await;
    erased(&app, &why).await;
    let form = "topic=offers&channel=email&email=camille%40mail.example&language=fr&website=";
    assert_eq!(app.submit("/s/maison", FORM, form).await.status, StatusCode::OK);
    app.drain().await;
    let confirm = link(&app.outbox().pop().unwrap().text, "/c/");
    let address = EmailAddress::parse("camille@mail.example").unwrap();
    let owner = async || app.stack.person_at(&brand_id(BRAND), &address).await.unwrap();
    assert!(owner().await.is_none(), "asking brings nobody back");
    let reply = app.submit(&confirm, FORM, "action=confirm").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let person = owner().await.unwrap();
    assert_ne!(person.customer.as_str(), "camille");
    assert!(
        person
            .context
            .is_none_or(|(context, _)| context.purchases.is_empty() && context.home.is_none())
    );
    // The former number stays closed, also to a file that names it with the same address.
    let answer = accepted(
        &app.post("/v1/customers", &json!({ "customers": [lyonnais("camille")] }))
            .await,
    );
    assert_eq!(answer["suppressed"], 1, "{answer}");
}
