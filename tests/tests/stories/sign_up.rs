//! From the public form to the first message: nobody is written to because somebody typed their address.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::document::ConsentEventDocument;
use apropos_core::email::EmailAddress;
use apropos_core::ids::CustomerId;
use apropos_core::ledger::verify;
use apropos_core::suppression::SuppressionReason;
use apropos_local::http_client::Reply;
use apropos_local::mail_service::{Fault, RefusalKind};
use apropos_tests::words::{all_consents, campaign, consent, exhibition, grant, lyonnais, uses, with};
use apropos_tests::{BRAND, TestApp, accepted, brand, brand_id, path_of};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

const URLENCODED: &str = "application/x-www-form-urlencoded";
const FORM: &str = "/s/maison";
const CAMILLE: &str = "camille@mail.example";
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn filled(address: &str) -> String {
    let address = address.replace('@', "%40");
    format!("topic=offers&channel=email&email={address}&language=fr&website=")
}

async fn signs_up(app: &TestApp, address: &str) -> Reply {
    app.submit(FORM, URLENCODED, &filled(address)).await
}

/// The path of the only link in a mail.
fn link(text: &str) -> String {
    let links: Vec<_> = text.lines().filter(|line| line.starts_with("http://")).collect();
    assert_eq!(links.len(), 1, "{text}");
    path_of(links[0]).to_owned()
}

/// The confirmation that a sign-up led to.
async fn asked(app: &TestApp) -> String {
    let drained = app.drain().await;
    assert!(drained.is_clean(), "{drained:?}");
    link(&app.outbox().last().unwrap().text)
}

async fn confirms(app: &TestApp, link: &str) -> Reply {
    app.submit(link, URLENCODED, "action=confirm").await
}

async fn owner(app: &TestApp, address: &str) -> Option<CustomerId> {
    let address = EmailAddress::parse(address).unwrap();
    let person = app.stack.person_at(&brand_id(BRAND), &address).await.unwrap();
    person.map(|person| person.customer)
}

/// The person's ledger, after checking that it holds together.
async fn ledger(app: &TestApp, customer: &CustomerId) -> Vec<ConsentEventDocument> {
    let tables = app.stack.tables();
    let entries = tables.ledger(&brand_id(BRAND), customer).await.unwrap();
    let chain: Vec<_> = entries.iter().map(|(entry, _)| entry.clone()).collect();
    let head = tables.standing(&brand_id(BRAND), customer).await.unwrap().head;
    verify(&chain, head).unwrap();
    entries.into_iter().filter_map(|(_, document)| document).collect()
}

/// An offer for whoever is new, and its campaign.
async fn welcoming(app: &TestApp) {
    let offer = with(
        exhibition(),
        &[("places", json!([])), ("uses", uses(&["purchases", "lifecycle"]))],
    );
    app.add_offer(&offer).await;
    let campaign = with(campaign("hello", "expo"), &[("goal", json!("acquire"))]);
    app.add_campaign(&campaign).await;
}

/// The page of a person's choices says yes to being scored.
async fn allows_profiling(app: &TestApp, confirmed: &Reply) {
    let page = confirmed.text().to_owned();
    let (_, rest) = page.split_once("href=\"/p/").unwrap();
    let choices = format!("/p/{}", rest.split('"').next().unwrap());
    let saved = app.submit(&choices, URLENCODED, "purpose=profiling&set=on").await;
    assert_eq!(saved.status, StatusCode::OK);
}

#[tokio::test]
async fn who_signs_up_and_confirms_is_reached_by_the_next_campaign_and_who_does_not_is_not() {
    let app = TestApp::start().await;
    welcoming(&app).await;
    let form = app.visit(Method::GET, FORM).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(!form.text().contains("checked"), "nothing is ticked in advance");

    assert_eq!(signs_up(&app, "other@mail.example").await.status, StatusCode::OK);
    asked(&app).await;
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    let mail = app.outbox()[1].clone();
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        (CAMILLE, "Confirmez votre inscription")
    );
    assert!(mail.text.contains("Offres (par e-mail)") && mail.header("List-Unsubscribe").is_none());
    assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(
        owner(&app, CAMILLE).await,
        None,
        "an unconfirmed sign-up is nobody's contact point"
    );

    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT] {
        app.visit(method, &link).await;
    }
    assert_eq!(owner(&app, CAMILLE).await, None, "looking confirms nothing");
    let confirmed = confirms(&app, &link).await;
    assert_eq!(confirmed.status, StatusCode::OK);
    assert!(confirmed.text().contains("C’est confirmé") && confirmed.text().contains("Offres (par e-mail)"));
    allows_profiling(&app, &confirmed).await;

    let customer = owner(&app, CAMILLE).await.unwrap();
    let events = ledger(&app, &customer).await;
    let [request, yes, _] = events.as_slice() else {
        panic!("{}", events.len())
    };
    assert_eq!((request.act.as_str(), yes.act.as_str()), ("request", "grant"));
    assert_eq!((request.actor.as_str(), yes.actor.as_str()), ("customer", "customer"));
    assert_eq!(request.evidence.affirmative_action, "ticked_box");
    assert_eq!(request.evidence.source, "/s");
    assert_eq!(yes.evidence.method, "double_opt_in");
    assert!(yes.evidence.double_opt_in_at.is_some());
    assert_eq!(yes.evidence.previous.as_deref(), Some(request.event.as_str()));
    for event in [request, yes] {
        let notice = event.evidence.notice.as_ref().unwrap();
        assert_eq!((notice.id.as_str(), notice.version.as_str()), ("privacy", "3"));
        assert_eq!(notice.hash, "a".repeat(64));
    }

    let report = app.take_through("hello").await;
    assert_eq!(
        (&report["considered"], &report["sent"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(app.outbox().last().unwrap().to, CAMILLE);
}

#[tokio::test]
async fn confirming_again_records_nothing_and_brings_nobody_back() {
    let app = TestApp::start().await;
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    let (first, second) = tokio::join!(confirms(&app, &link), confirms(&app, &link));
    assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK));
    let customer = owner(&app, CAMILLE).await.unwrap();
    assert_eq!(ledger(&app, &customer).await.len(), 2);

    let left = with(
        consent(customer.as_str(), "left", "email.offers", "withdraw"),
        &[("effective_at", json!("2026-12-01T09:01:00Z"))],
    );
    app.advance(SignedDuration::from_mins(2));
    app.record(&[left]).await;
    for _ in 0..2 {
        let again = confirms(&app, &link).await;
        assert_eq!(again.status, StatusCode::OK);
        assert!(again.text().contains("déjà servi") || again.text().contains("used already"));
    }
    assert_eq!(ledger(&app, &customer).await.len(), 3);
}

#[tokio::test]
async fn a_confirmation_that_waits_for_a_week_has_ended_and_can_be_asked_for_again() {
    let app = TestApp::start().await;
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    app.advance(WEEK);
    for reply in [app.visit(Method::GET, &link).await, confirms(&app, &link).await] {
        assert_eq!(reply.status, StatusCode::GONE);
        assert!(reply.text().contains("href=\"/s/maison\""));
    }
    assert_eq!(owner(&app, CAMILLE).await, None);
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    assert_eq!(confirms(&app, &link).await.status, StatusCode::OK);
    assert!(owner(&app, CAMILLE).await.is_some());
}

#[tokio::test]
async fn a_link_that_is_not_ours_opens_nothing() {
    let app = TestApp::start().await;
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    app.add_brand("autre").await;
    let token = link.rsplit('/').next().unwrap();
    let mut answers = Vec::new();
    for path in [
        format!("/c/autre/{token}"),
        format!("/c/unknown/{token}"),
        format!("/c/maison/{}", "A".repeat(48)),
        "/c/maison/short".to_owned(),
    ] {
        let reply = confirms(&app, &path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        answers.push(reply.text().to_owned());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    for body in [
        "",
        "action=undo",
        "action=confirm&action=confirm",
        "List-Unsubscribe=One-Click",
    ] {
        let reply = app.submit(&link, URLENCODED, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(owner(&app, CAMILLE).await, None);
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike_and_only_the_mailbox_learns_more() {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    let unknown = signs_up(&app, "new@mail.example").await;
    let known = signs_up(&app, CAMILLE).await;
    assert_eq!((unknown.status, unknown.text()), (known.status, known.text()));
    let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&unknown), names(&known));
    app.drain().await;

    let mails = app.outbox();
    let to = |address: &str| mails.iter().find(|mail| mail.to == address).unwrap();
    assert_eq!(to("new@mail.example").subject, "Confirmez votre inscription");
    let already = to(CAMILLE);
    assert_eq!(already.subject, "Votre inscription est déjà active");
    let choices = link(&already.text);
    assert!(choices.starts_with("/p/maison/"));
    assert!(app.visit(Method::GET, &choices).await.text().contains("Mes choix"));
}

#[tokio::test]
async fn who_left_comes_back_under_their_own_id_by_confirming() {
    let app = TestApp::start().await;
    app.welcome(&lyonnais("camille")).await;
    let left = with(
        consent("camille", "stop", "no_marketing", "grant"),
        &[("effective_at", json!("2026-11-03T10:00:00Z"))],
    );
    app.record(&[left]).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    signs_up(&app, CAMILLE).await;
    let link = asked(&app).await;
    let report = app.take_through("expo-1").await;
    assert_eq!(
        report["withheld"],
        json!({ "objected": 1 }),
        "asking lifts nothing: {report}"
    );
    confirms(&app, &link).await;
    assert_eq!(owner(&app, CAMILLE).await.unwrap().as_str(), "camille");
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn an_address_is_written_to_five_times_in_ten_days_at_most_and_the_answer_does_not_tell() {
    let app = TestApp::start().await;
    let mut pages = Vec::new();
    for _ in 0..7 {
        let reply = signs_up(&app, CAMILLE).await;
        assert_eq!(reply.status, StatusCode::OK);
        pages.push(reply.text().to_owned());
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    app.drain().await;
    assert_eq!(app.outbox().len(), 5);
    app.advance(SignedDuration::from_hours(10 * 24));
    signs_up(&app, CAMILLE).await;
    app.drain().await;
    assert_eq!(app.outbox().len(), 6);
}

#[tokio::test]
async fn a_source_that_signs_up_dozens_is_asked_to_wait() {
    let app = TestApp::start().await;
    for number in 0..30 {
        let reply = signs_up(&app, &format!("p{number}@mail.example")).await;
        assert_eq!(reply.status, StatusCode::OK, "{number}");
    }
    let refused = signs_up(&app, CAMILLE).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    app.advance(SignedDuration::from_hours(1));
    assert_eq!(signs_up(&app, CAMILLE).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_program_or_a_hasty_person_sends_asks_for_nothing() {
    let app = TestApp::start().await;
    let trapped = format!("{}https://spam.example", filled(CAMILLE));
    assert_eq!(app.submit(FORM, URLENCODED, &trapped).await.status, StatusCode::OK);
    for (body, words) in [
        ("topic=offers&email=camille%40mail.example", "Tick at least"),
        ("topic=offers&channel=email&email=camille", "do not recognise"),
        (
            "topic=offers&channel=email&email=%22%3E%3Cscript%3E%40x",
            "do not recognise",
        ),
    ] {
        let reply = app.submit(FORM, URLENCODED, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            reply.text().contains(words) && !reply.text().contains("<script"),
            "{body}"
        );
    }
    for path in ["/s/unknown", "/s/no%23body"] {
        let reply = app.submit(path, URLENCODED, &filled(CAMILLE)).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
    }
    app.drain().await;
    assert!(app.outbox().is_empty());
}

#[tokio::test]
async fn who_complained_and_an_address_that_does_not_exist_get_nothing() {
    let app = TestApp::start().await;
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let maison = brand_id(BRAND);
    let complained = address("complained@mail.example");
    app.stack
        .suppress(&maison, &complained, SuppressionReason::Complaint)
        .await
        .unwrap();
    app.stack
        .mark_undeliverable(&address("nobody@mail.example"))
        .await
        .unwrap();
    let plain = signs_up(&app, "fine@mail.example").await;
    for suppressed in ["complained@mail.example", "nobody@mail.example"] {
        assert_eq!(signs_up(&app, suppressed).await.text(), plain.text());
    }
    assert!(app.drain().await.is_clean());
    let to: Vec<_> = app.outbox().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(to, ["fine@mail.example"]);
}

#[tokio::test]
async fn an_erased_address_comes_back_only_by_confirming_its_own_sign_up() {
    let app = TestApp::start().await;
    welcoming(&app).await;
    let address = EmailAddress::parse(CAMILLE).unwrap();
    app.stack
        .suppress(&brand_id(BRAND), &address, SuppressionReason::Erasure)
        .await
        .unwrap();
    let import = || async {
        let reply = app
            .post("/v1/customers", &json!({ "customers": [lyonnais("camille")] }))
            .await;
        accepted(&reply)["suppressed"].clone()
    };
    assert_eq!(import().await, 1);
    for _ in 0..3 {
        signs_up(&app, CAMILLE).await;
    }
    let link = asked(&app).await;
    assert_eq!(app.outbox().len(), 1, "one confirmation, however often a stranger asks");
    assert_eq!(import().await, 1, "asking lifts nothing");
    let confirmed = confirms(&app, &link).await;
    assert_eq!(confirmed.status, StatusCode::OK);
    allows_profiling(&app, &confirmed).await;
    assert_eq!(app.take_through("hello").await["sent"], 1);
    assert_eq!(import().await, 0);
}

#[tokio::test]
async fn a_queue_that_delivers_twice_and_a_service_that_does_not_answer_make_one_mail() {
    for (fault, mails) in [
        (None, 1),
        (Some(Fault::AcceptThenReset), 1),
        (Some(Fault::AcceptThenInternalError), 1),
        (Some(Fault::InternalError), 0),
        (Some(Fault::Reject(RefusalKind::MessageRejected)), 0),
    ] {
        let app = TestApp::start().await;
        signs_up(&app, CAMILLE).await;
        let queues = app.stack.queues();
        let [message] = queues.peek("sends").unwrap().try_into().unwrap();
        for _ in 0..3 {
            queues.send("sends", message.body.to_string()).unwrap();
        }
        if let Some(fault) = fault {
            app.stack.mails().inject(fault);
        }
        assert!(app.drain().await.is_clean(), "{fault:?}");
        queues.send("sends", message.body.to_string()).unwrap();
        assert!(app.drain().await.is_clean(), "{fault:?}");
        assert_eq!(app.outbox().len(), mails, "{fault:?}");
    }
}

#[tokio::test]
async fn a_message_that_could_not_leave_now_leaves_later() {
    let app = TestApp::start().await;
    signs_up(&app, CAMILLE).await;
    app.stack.mails().inject(Fault::Throttle);
    let released = app
        .stack
        .release_due_until_idle(SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert!(released.drained.is_clean(), "{released:?}");
    assert_eq!(app.outbox().len(), 1);
}

#[tokio::test]
async fn a_message_that_nobody_waits_for_any_more_is_not_sent() {
    let app = TestApp::start().await;
    signs_up(&app, CAMILLE).await;
    app.advance(SignedDuration::from_hours(25));
    assert!(app.drain().await.is_clean());
    assert!(app.outbox().is_empty());
}

/// A consent that its person asked for just now, through the brand.
fn asks(customer: &str, event: &str, actor: &str) -> Value {
    with(
        consent(customer, event, "email.offers", "request"),
        &[("effective_at", json!("2026-12-01T08:59:00Z")), ("actor", json!(actor))],
    )
}

#[tokio::test]
async fn a_consent_that_a_brand_passes_on_is_confirmed_with_the_notice_that_was_shown() {
    let app = TestApp::start().await;
    app.store(&[lyonnais("camille")]).await;
    app.record(&all_consents("camille")[1..]).await;
    app.add_offer(&exhibition()).await;
    for id in ["expo-1", "expo-2"] {
        app.add_campaign(&campaign(id, "expo")).await;
    }
    let mut request = asks("camille", "asked-1", "customer");
    request["evidence"]["notice"]["version"] = json!("2");
    app.record(std::slice::from_ref(&request)).await;
    // The call is repeated, as callers do that got no answer.
    app.record(&[request]).await;
    let link = asked(&app).await;
    assert_eq!(app.outbox().len(), 1);
    let report = app.take_through("expo-1").await;
    assert_eq!(report["withheld"], json!({ "consent_pending": 1 }), "{report}");
    assert_eq!(confirms(&app, &link).await.status, StatusCode::OK);
    let events = ledger(&app, &CustomerId::new("camille").unwrap()).await;
    let yes = &events.last().unwrap().evidence;
    assert_eq!(yes.method, "double_opt_in");
    assert_eq!(yes.previous.as_deref(), Some("asked-1"));
    assert_eq!(yes.notice.as_ref().unwrap().version, "2");
    assert_eq!(app.take_through("expo-2").await["sent"], 1);
}

#[tokio::test]
async fn only_what_a_person_asked_for_lately_and_has_not_settled_is_asked_to_be_confirmed() {
    let app = TestApp::start().await;
    for id in ["by-brand", "imported", "old", "granted", "objecting"] {
        app.store(&[lyonnais(id)]).await;
    }
    app.record(&[
        grant("granted", "email.offers"),
        consent("objecting", "stop", "no_marketing", "grant"),
    ])
    .await;
    app.record(&[
        asks("by-brand", "a", "brand"),
        asks("imported", "a", "import"),
        consent("old", "a", "email.offers", "request"),
        asks("granted", "a", "customer"),
        asks("objecting", "a", "customer"),
        asks("without-contact", "a", "customer"),
    ])
    .await;
    assert!(app.drain().await.is_clean());
    assert!(app.outbox().is_empty());
}

#[tokio::test]
async fn a_brand_that_confirms_by_itself_is_left_to_it() {
    let app = TestApp::start().await;
    let mut settings = serde_json::to_value(brand(BRAND)).unwrap();
    settings["confirmations"] = json!("brand");
    let settings = serde_json::from_value(settings).unwrap();
    app.stack.put_brand(&settings).await.unwrap();
    app.store(&[lyonnais("camille")]).await;
    app.record(&[asks("camille", "a", "customer")]).await;
    app.drain().await;
    assert!(app.outbox().is_empty());
    // Its own page is Apropos's all the same.
    signs_up(&app, "new@mail.example").await;
    asked(&app).await;
    assert_eq!(app.outbox().len(), 1);
}
