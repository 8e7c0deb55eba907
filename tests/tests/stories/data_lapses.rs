//! The day after somebody's last yes has ended for want of a sign, their data goes: by the rule and not by their wish, so it
//! closes no door. Refusals, proofs and suppressions stay, and whoever comes back is taken in.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::consent::{ConsentState, Objection, Purpose};
use apropos_core::document::{KeptProof, LedgerText};
use apropos_core::ids::CustomerId;
use apropos_core::ledger::verify;
use apropos_core::time::EpochDay;
use apropos_local::mail_service::Feedback;
use apropos_local::stack::TABLE_PREFIX;
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted, brand_id};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stories::lapses::{file, having_bought, keep_for_a_month, reason, unheard_of};
use crate::stories::my_data::{FORM, link, written_to};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

fn camille() -> CustomerId {
    CustomerId::new("camille").unwrap()
}

async fn next_day(app: &TestApp) {
    app.advance(SignedDuration::from_hours(24));
    app.stack.tick().await.unwrap();
}

/// A stack where the data of Camille, who was sent a message, lapsed today.
async fn gone() -> (TestApp, String) {
    let (app, why) = unheard_of().await;
    app.stack.tick().await.unwrap();
    next_day(&app).await;
    assert!(!is_known(&app).await);
    (app, why)
}

/// Whether anything tells more of Camille than her number does.
async fn is_known(app: &TestApp) -> bool {
    let person = app.stack.tables().person(&brand_id(BRAND), &camille()).await.unwrap();
    let known = person.context.is_some();
    assert_eq!(person.contact.is_some(), known);
    let stored = app.stored().await;
    let audience = stored.holding(&format!("{TABLE_PREFIX}audience"));
    assert_eq!(!audience.is_empty(), known, "{audience:?}");
    assert_eq!(!stored.holding("camille@mail.example").is_empty(), known, "{stored:?}");
    known
}

/// What is kept in Camille's ledger, after checking that its chain holds.
async fn proofs(app: &TestApp) -> Vec<KeptProof> {
    let texts = app
        .stack
        .tables()
        .ledger_texts(&brand_id(BRAND), &camille())
        .await
        .unwrap();
    let (entries, texts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    verify(&entries, app.standing("camille").await.head).unwrap();
    let proofs = texts.into_iter().filter_map(|text| match text {
        LedgerText::Proof(proof) => Some(*proof),
        LedgerText::Consent(_) | LedgerText::Preference(_) | LedgerText::Erased => None,
    });
    proofs.collect()
}

async fn lapses(app: &TestApp) -> usize {
    proofs(app).await.iter().filter(|proof| proof.is_lapse()).count()
}

async fn state(app: &TestApp, purpose: &str) -> ConsentState {
    let now = app.stack.clock().now();
    let consents = app.standing("camille").await.consents;
    consents.state(&Purpose::from_code(purpose).unwrap(), now)
}

/// A yes of Camille's own, now.
fn yes_now(app: &TestApp, event: &str, purpose: &str) -> Value {
    let at = json!(app.stack.clock().now().to_string());
    with(consent("camille", event, purpose, "grant"), &[("effective_at", at)])
}

/// Has the brand bring Camille in again, with her own new yes to everything.
async fn come_back(app: &TestApp) {
    app.store(&[lyonnais("camille")]).await;
    let purposes = ["email.offers", "profiling", "home_location"];
    let yeses: Vec<_> = purposes
        .into_iter()
        .map(|purpose| yes_now(app, &format!("again-{}", purpose.replace('.', "-")), purpose))
        .collect();
    app.record(&yeses).await;
}

#[tokio::test]
async fn data_goes_the_day_after_the_yes_has_ended_and_neither_before_nor_twice() {
    let (app, _) = written_to().await;
    keep_for_a_month(&app).await;
    // The last sign was on 2 November: the yes holds until 2 December, and the data goes on the 4th.
    for (day, known, ended) in [
        (1, true, false),
        (2, true, false),
        (3, true, true),
        (4, false, true),
        (5, false, true),
    ] {
        app.stack.tick().await.unwrap();
        assert_eq!(is_known(&app).await, known, "on the {day}th");
        let offers = state(&app, "email.offers").await;
        assert_eq!(offers == ConsentState::Expired, ended, "on the {day}th");
        assert_eq!(lapses(&app).await, usize::from(!known), "on the {day}th");
        app.advance(SignedDuration::from_hours(24));
    }
}

#[tokio::test]
async fn the_ledger_says_that_it_was_a_lapse_and_keeps_the_proofs_without_their_words() {
    let (app, _) = gone().await;
    let proofs = proofs(&app).await;
    assert_eq!(proofs.len(), 7, "{proofs:?}");
    let lapse = proofs.last().unwrap();
    let told = (lapse.purpose.as_str(), lapse.act.as_str(), lapse.actor.as_str());
    assert_eq!(told, ("all_data", "lapse", "system"));
    assert_eq!(lapse.method.as_deref(), Some("retention"));
    assert_eq!(lapse.source.as_deref(), Some("30 days without a sign of the person"));
    assert_eq!(lapse.effective_at, "2026-12-04T09:00:00Z");
    assert_eq!(proofs[0].act, "grant");
    assert_eq!(proofs[0].notice, Some(("privacy".to_owned(), "3".to_owned())));
    let stored = app.stored().await;
    assert_eq!(stored.holding("ticked_box"), [""; 0]);
    // It is no erasure: nobody is marked, and no address is suppressed.
    assert_eq!(app.standing("camille").await.erased, None);
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    assert_eq!(stored.holding(&format!("{TABLE_PREFIX}suppressions")), [""; 0]);
}

#[tokio::test]
async fn a_sign_that_is_told_in_between_keeps_the_data_and_a_purchase_of_whoever_agreed_to_nothing_does() {
    let (app, _) = unheard_of().await;
    app.stack.tick().await.unwrap();
    app.store(&[having_bought("2026-11-20")]).await;
    for _ in 0..17 {
        next_day(&app).await;
        assert!(is_known(&app).await);
    }
    next_day(&app).await;
    next_day(&app).await;
    assert!(!is_known(&app).await, "a month after the purchase");

    let app = TestApp::start().await;
    keep_for_a_month(&app).await;
    app.store(&[having_bought("2026-11-30")]).await;
    for _ in 0..29 {
        next_day(&app).await;
    }
    assert!(is_known(&app).await);
}

#[tokio::test]
async fn who_was_never_heard_of_is_kept_for_the_period_since_they_were_stored_whoever_sends_them_again() {
    let app = TestApp::start().await;
    keep_for_a_month(&app).await;
    app.store(&[lyonnais("camille")]).await;
    for day in 1..=32 {
        assert!(is_known(&app).await, "day {day}");
        let interests = if day % 2 == 0 {
            json!(["books"])
        } else {
            json!(["exhibition-tickets"])
        };
        app.store(&[with(lyonnais("camille"), &[("interests", interests)])])
            .await;
        next_day(&app).await;
    }
    assert!(!is_known(&app).await);
}

#[tokio::test]
async fn who_is_asked_to_confirm_is_not_taken_away_from_the_question() {
    let (app, _) = unheard_of().await;
    let asked = consent("camille", "asked", "email.events", "request");
    let at = json!("2026-12-03T08:30:00Z");
    app.record(&[with(asked, &[("effective_at", at)])]).await;
    app.drain().await;
    let confirm = link(&app.outbox().last().unwrap().text, "/c/");
    for _ in 0..5 {
        next_day(&app).await;
        assert!(is_known(&app).await);
    }
    let reply = app.submit(&confirm, FORM, "action=confirm").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    next_day(&app).await;
    assert!(is_known(&app).await && state(&app, "email.events").await.is_granted());
}

#[tokio::test]
async fn whoever_comes_back_is_taken_in_under_the_same_number_and_written_to() {
    let (app, why) = gone().await;
    come_back(&app).await;
    assert!(is_known(&app).await);
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
    let new = link(&app.outbox().last().unwrap().text, "/p/");
    let page = app.visit(Method::GET, &new).await.text();
    assert!(page.contains("value=\"email.offers\" checked"), "{page}");
    let file = file(&app, &why).await;
    let entries = file["ledger"]["entries"].as_array().unwrap();
    let lapse = entries.iter().find(|entry| entry["proof"]["act"] == "lapse").unwrap();
    assert_eq!(lapse["proof"]["method"], "retention");
    assert_eq!(entries.last().unwrap()["event"]["act"], "grant");
    let document: apropos_core::document::LedgerDocument = serde_json::from_value(file["ledger"].clone()).unwrap();
    assert_eq!(document.check(), Ok(()));
    let access = crate::stories::my_data::fresh_link(&app, &why, "access").await;
    let page = app.submit(&access, FORM, "show=page").await.text();
    for told in [
        "Vos données sont arrivées à échéance",
        "effacées d’elles-mêmes",
        "détail effacé",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn the_links_of_old_messages_leave_also_after_the_person_has_come_back() {
    let (app, _) = gone().await;
    let leave = link(&app.outbox()[0].text, "/u/");
    come_back(&app).await;
    let reply = app.submit(&leave, FORM, ONE_CLICK).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "OK\n"));
    let report = app.take_through("expo-2").await;
    assert_eq!(report["withheld"], json!({ "consent_withdrawn": 1 }), "{report}");
    let link_items = app.stored().await;
    let link_items = link_items.holding(&format!("{TABLE_PREFIX}links")).len();
    assert_eq!(link_items, 1, "one link, before and after");
}

#[tokio::test]
async fn who_leaves_by_an_old_link_while_nothing_is_kept_is_out_whatever_a_file_says_later() {
    for form in [ONE_CLICK, "action=leave", "action=leave&purpose=no_marketing"] {
        let (app, _) = gone().await;
        let leave = link(&app.outbox()[0].text, "/u/");
        assert_eq!(app.visit(Method::GET, &leave).await.status, StatusCode::OK);
        let reply = app.submit(&leave, FORM, form).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        app.store(&[lyonnais("camille")]).await;
        app.advance(SignedDuration::from_mins(5));
        let mut imported = yes_now(&app, "import", "email.offers");
        imported["actor"] = json!("import");
        app.record(&[
            imported,
            yes_now(&app, "p", "profiling"),
            yes_now(&app, "h", "home_location"),
        ])
        .await;
        let report = app.take_through("expo-2").await;
        let wanted = if form.contains("marketing") {
            "objected"
        } else {
            "consent_withdrawn"
        };
        assert_eq!(report["withheld"], json!({ wanted: 1 }), "{form} {report}");
    }
}

#[tokio::test]
async fn refusals_stay_and_so_does_the_suppression_of_whoever_complained() {
    let (app, _) = written_to().await;
    keep_for_a_month(&app).await;
    let message = app.outbox()[0].message_id.clone();
    app.stack.report(&message, Feedback::Complaint).unwrap();
    assert!(app.drain().await.is_clean());
    for _ in 0..32 {
        next_day(&app).await;
    }
    assert!(!is_known(&app).await);
    let now = app.stack.clock().now();
    assert!(
        app.standing("camille")
            .await
            .consents
            .objects(Objection::NoMarketing, now)
    );
    let answer = accepted(
        &app.post("/v1/customers", &json!({ "customers": [lyonnais("camille")] }))
            .await,
    );
    assert_eq!(answer["suppressed"], 1, "{answer}");
}

#[tokio::test]
async fn pages_say_the_rule_and_nothing_of_the_person_and_take_no_yes_that_could_reach_nobody() {
    let (app, why) = gone().await;
    let before = app.stored().await;
    let choices = why.replacen("/w/", "/p/", 1);
    let door = why.replacen("/w/", "/d/", 1);
    for path in [&why, &choices, &door] {
        let page = app.visit(Method::GET, path).await;
        assert_eq!(page.status, StatusCode::OK);
        for told in ["You receive nothing", "has not heard from for one month"] {
            assert!(page.text().contains(told), "{told}: {}", page.text());
        }
        assert!(
            !page.text().contains("camille") && !page.text().contains("<form"),
            "{}",
            page.text()
        );
    }
    let leave = link(&app.outbox()[0].text, "/u/");
    let full = "save=all&on=email.offers&cap=1-30&quiet_from=&quiet_until=&language=fr";
    let yeses = [
        (&choices, "purpose=email.offers&set=on"),
        (&choices, full),
        (&leave, "action=undo"),
        (&door, "ask=access"),
        (&why, "ask=erase"),
    ];
    let mails = app.outbox().len();
    for (path, form) in yeses {
        let reply = app.submit(path, FORM, form).await;
        assert_eq!(reply.status, StatusCode::OK, "{form}");
        assert!(reply.text().contains("has not heard from"), "{form}: {}", reply.text());
    }
    app.drain().await;
    assert_eq!(app.outbox().len(), mails);
    assert_eq!(before.changes(&app.stored().await), [""; 0]);
    // A refusal is taken in all the same.
    let reply = app.submit(&choices, FORM, "purpose=no_marketing&set=on").await;
    assert!(reply.text().contains("has not heard from"), "{}", reply.text());
    assert!(state(&app, "no_marketing").await.is_granted());
}

#[tokio::test]
async fn a_fresh_link_from_before_shows_that_nothing_is_left() {
    let (app, why) = unheard_of().await;
    app.stack.tick().await.unwrap();
    app.advance(SignedDuration::from_hours(15) - SignedDuration::from_mins(5));
    let erase = crate::stories::my_data::fresh_link(&app, &why, "erase").await;
    app.advance(SignedDuration::from_mins(5));
    app.stack.tick().await.unwrap();
    assert!(!is_known(&app).await);
    let reply = app.submit(&erase, FORM, "erase=yes").await;
    assert!(reply.text().contains("has not heard from"), "{}", reply.text());
    // Nothing was left to erase, so no door is closed either.
    come_back(&app).await;
}

#[tokio::test]
async fn whoever_is_brought_in_again_without_a_sign_lapses_again_and_the_ledger_does_not_grow_by_it() {
    let (app, _) = gone().await;
    let head = app.standing("camille").await.head;
    for _ in 0..3 {
        app.store(&[lyonnais("camille")]).await;
        // The same old yeses, which ended.
        app.record(&all_consents("camille")).await;
        assert!(is_known(&app).await);
        assert_eq!(reason(&app).await, "consent_expired");
        next_day(&app).await;
        assert!(!is_known(&app).await);
        assert_eq!(app.standing("camille").await.head, head);
    }
}

#[tokio::test]
async fn who_signs_up_again_is_asked_to_confirm_and_counts_again() {
    let (app, _) = gone().await;
    let form = "topic=offers&channel=email&email=camille%40mail.example&language=fr&website=";
    assert_eq!(
        app.submit(&format!("/s/{BRAND}"), FORM, form).await.status,
        StatusCode::OK
    );
    app.drain().await;
    let confirm = link(&app.outbox().last().unwrap().text, "/c/");
    assert_eq!(
        app.submit(&confirm, FORM, "action=confirm").await.status,
        StatusCode::OK
    );
    let address = apropos_core::email::EmailAddress::parse("camille@mail.example").unwrap();
    let owner = app.stack.person_at(&brand_id(BRAND), &address).await.unwrap().unwrap();
    let now = app.stack.clock().now();
    assert_eq!(owner.standing.consents.yeses(now).count(), 1);
}

#[tokio::test]
async fn no_run_writes_twice_and_caps_hold_for_whoever_comes_back_the_same_day() {
    let (app, _) = gone().await;
    come_back(&app).await;
    let again = r#"{"v":1,"brand":"maison","campaign":"expo-1","run":"expo-1","customers":["camille"]}"#;
    let before = app.report("expo-1").await;
    app.stack.queues().send("sends", again).unwrap();
    app.drain().await;
    let to_camille = || {
        app.outbox()
            .iter()
            .filter(|mail| mail.tag("run") == Some("expo-1"))
            .count()
    };
    assert_eq!(to_camille(), 1);
    assert_eq!(app.report("expo-1").await, before);
    // Two a week are allowed: one was sent before the lapse, one is sent now, and that is all.
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
    app.add_campaign(&campaign("expo-3", "expo")).await;
    let third = app.take_through("expo-3").await;
    assert_eq!(third["withheld"], json!({ "cap_reached": 1 }), "{third}");
}

#[tokio::test]
async fn a_candidate_who_waits_in_a_paused_run_is_withheld_and_the_run_adds_up() {
    let (app, _) = unheard_of_in_a_paused_run().await;
    next_day(&app).await;
    next_day(&app).await;
    assert!(!is_known(&app).await);
    accepted(&app.post("/v1/campaigns/expo-2/resume", &json!({})).await);
    app.stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    let report = app.report("expo-2").await;
    assert_eq!(
        (&report["status"], &report["sent"], &report["spared"]),
        (&json!("completed"), &json!(0), &json!(1)),
        "{report}"
    );
    assert_eq!(app.outbox().iter().filter(|mail| mail.tag("run").is_some()).count(), 1);
}

/// On 2 December, when the yes still holds, Camille is a candidate of a run that is paused then.
async fn unheard_of_in_a_paused_run() -> (TestApp, String) {
    let (app, why) = written_to().await;
    keep_for_a_month(&app).await;
    app.advance(SignedDuration::from_hours(24));
    app.launch("expo-2").await;
    accepted(&app.post("/v1/campaigns/expo-2/pause", &json!({})).await);
    app.drain().await;
    assert_eq!(app.report("expo-2").await["queued"], 1);
    (app, why)
}

#[tokio::test]
async fn traces_of_sends_go_when_no_cap_and_no_run_asks_for_them_and_reports_stay_as_they_were() {
    let (app, _) = gone().await;
    let report = app.report("expo-1").await;
    let standing = app.standing("camille").await;
    assert!(!standing.claims.is_empty() && standing.contacts.last().is_some());
    for _ in 0..90 {
        next_day(&app).await;
    }
    assert!(!app.standing("camille").await.claims.is_empty());
    next_day(&app).await;
    let standing = app.standing("camille").await;
    assert!(standing.claims.is_empty() && standing.contacts.last().is_none());
    assert_eq!(app.report("expo-1").await, report);
    // The number is left where the proofs are, and where the link leads from.
    let stored = app.stored().await;
    for line in stored.holding("camille") {
        let kept = ["consents", "standing", "contacts", "links"].map(|table| format!("{TABLE_PREFIX}{table} "));
        assert!(kept.iter().any(|table| line.starts_with(table)), "{line}");
    }
    assert_eq!(stored.holding("lapses"), [""; 0]);
    // Done again, nothing is left to do.
    next_day(&app).await;
    assert_eq!(app.standing("camille").await, standing);
}

#[tokio::test]
async fn traces_that_cannot_be_taken_out_are_put_off_until_tomorrow() {
    let (app, _) = gone().await;
    app.advance(SignedDuration::from_hours(91 * 24));
    let set = async |status: &str| {
        let update = app
            .stack
            .client()
            .update_item()
            .table_name(format!("{TABLE_PREFIX}campaigns"));
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let update = update.key("pk", key("maison#runs")).key("sk", key("expo-1"));
        let update = update.update_expression("SET #status = :status");
        let update = update.expression_attribute_names("#status", "status");
        let status = AttributeValue::S(status.to_owned());
        update
            .expression_attribute_values(":status", status)
            .send()
            .await
            .unwrap();
    };
    set("canari").await;
    app.stack.tick().await.unwrap();
    let listed = app.stored().await;
    let [listed] = listed.holding("lapses").try_into().unwrap();
    let tomorrow = EpochDay::of(app.stack.clock().now()).0 + 1;
    assert!(listed.contains(&format!("sk={tomorrow}#maison#camille")), "{listed}");
    set("running").await;
    app.stack.tick().await.unwrap();
    assert!(!app.standing("camille").await.claims.is_empty());
    next_day(&app).await;
    assert!(app.standing("camille").await.claims.is_empty());
    assert_eq!(app.stored().await.holding("lapses"), [""; 0]);
}

#[tokio::test]
async fn who_has_come_back_keeps_what_is_of_a_later_date_when_the_former_traces_go() {
    let (app, _) = gone().await;
    come_back(&app).await;
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
    for _ in 0..91 {
        let today = EpochDay::of(app.stack.clock().now()).date().to_string();
        app.store(&[with(lyonnais("camille"), &[("last_activity", json!(today))])])
            .await;
        next_day(&app).await;
    }
    assert!(is_known(&app).await);
    let standing = app.standing("camille").await;
    let runs: Vec<_> = standing.claims.keys().map(|run| run.as_str()).collect();
    assert_eq!(runs, ["expo-2"]);
    assert_eq!(standing.contacts.contacts().len(), 1);
    assert!(state(&app, "email.offers").await.is_granted());
    assert_eq!(app.report("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn a_walk_takes_so_many_a_tick_and_goes_on_with_the_next() {
    let app = TestApp::start().await;
    keep_for_a_month(&app).await;
    app.add_offer(&exhibition()).await;
    let people: Vec<_> = (0..30).map(|number| lyonnais(&format!("c{number:03}"))).collect();
    app.store(&people).await;
    app.advance(SignedDuration::from_hours(32 * 24));
    let mut left = Vec::new();
    for _ in 0..3 {
        app.stack.tick().await.unwrap();
        left.push(app.stored().await.holding(&format!("{TABLE_PREFIX}customers")).len());
    }
    assert_eq!(left, [5, 0, 0]);
}

#[tokio::test]
async fn whose_contact_cannot_be_read_lapses_too() {
    let (app, _) = unheard_of().await;
    let contacts = format!("{TABLE_PREFIX}contacts");
    let document = AttributeValue::S("{".to_owned());
    let key = AttributeValue::S(format!("{BRAND}#camille"));
    let update = app.stack.client().update_item().table_name(&contacts).key("pk", key);
    let update = update
        .update_expression("SET doc = :doc")
        .expression_attribute_values(":doc", document);
    update.send().await.unwrap();
    next_day(&app).await;
    assert!(!is_known(&app).await);
    assert_eq!(
        app.stored().await.holding(&contacts).len(),
        1,
        "the link, and nothing that leads to it by the address"
    );
}
