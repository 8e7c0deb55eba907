//! The pages over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{Addressed, Clock, Confirms, LinkKeys, NewSecrets, PK, Queue, SK, Table, Tables, TransactionalTask};
use apropos_core::category::Category;
use apropos_core::consent::{Act, Actor, ConsentEvent, Purpose};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{BrandDocument, ConsentEventDocument, LedgerText};
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId, EventId, RequestId};
use apropos_core::language::Language;
use apropos_core::ledger::{ProofKey, verify};
use apropos_core::link::{KeyRing, LinkContent, LinkId, LinkPurpose, sign};
use apropos_core::sign_up::{Confirmed, SignUp, event_id};
use apropos_core::standing::Standing;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash};
use apropos_core::time::TimeZoneName;
use apropos_customer_portal::Handler;
use apropos_emulator::Emulator;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderValue, Method};
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

fn camille() -> CustomerId {
    CustomerId::new("c-4711").unwrap()
}

fn ring() -> KeyRing {
    KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(&"p".repeat(32)).unwrap()
}

/// A queue that nobody answers for.
fn no_queue() -> Queue<TransactionalTask> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(apropos_aws::behavior())
        .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
        .endpoint_url("http://127.0.0.1:1")
        .http_client(apropos_aws::http_client())
        .build();
    let url = "http://127.0.0.1:1/000000000000/sends".to_owned();
    Queue::new(aws_sdk_sqs::Client::from_conf(config), url)
}

fn rotated() -> KeyRing {
    KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef", "2": "fedcba9876543210fedcba9876543210"}"#).unwrap()
}

/// The function over a store with two brands, and one customer who said yes to offers and reads French.
struct Portal {
    tables: Tables,
    client: Client,
    clock: Clock,
    handler: Handler,
}

impl Portal {
    async fn start() -> Self {
        let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
        for id in ["lumen", "velo"] {
            tables.put_brand(&brand(id)).await.unwrap();
        }
        // A clock that stands still: what is pressed in one millisecond must still come in order.
        let clock = Clock::manual(now());
        let portal = Self {
            handler: Handler::new(
                tables.clone(),
                clock.clone(),
                LinkKeys::fixed(ring()),
                pepper(),
                no_queue(),
            ),
            tables,
            client,
            clock,
        };
        portal.know_camille().await;
        portal
    }

    async fn know_camille(&self) {
        let brand = self.tables.brand(&lumen()).await.unwrap().unwrap();
        let secrets = NewSecrets {
            proof_key: ProofKey([3; 32]),
            link: LinkId::from_bytes([9; 16]),
        };
        let person = self.tables.person(&lumen(), &camille()).await.unwrap();
        let contact = ContactPoint {
            address: EmailAddress::parse("camille@mail.example").unwrap(),
            language: Language::French,
            time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
        };
        let context = CustomerContext {
            interests: vec![Category::from_slug("books").unwrap()],
            ..CustomerContext::default()
        };
        let contact = Addressed {
            contact: &contact,
            hash: address_hash(&pepper(), &lumen(), &contact.address),
        };
        self.tables
            .put_context(&person, &brand.topics, &context, Some(contact), &secrets, now())
            .await
            .unwrap();
        self.record("e1", "email.offers", "grant", "import").await;
    }

    async fn record(&self, id: &str, purpose: &str, act: &str, actor: &str) {
        let brand = self.tables.brand(&lumen()).await.unwrap().unwrap();
        let document: ConsentEventDocument = serde_json::from_value(json!({
            "event": id, "purpose": purpose, "act": act, "actor": actor, "effective_at": now().to_string(),
            "evidence": {
                "affirmative_action": "ticked_box", "method": "web_form", "source": "/join",
                "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
            }
        }))
        .unwrap();
        let event = ConsentEvent::try_from(&document).unwrap();
        let wanted = [(camille(), vec![EventId::new(id).unwrap()])];
        let person = self.tables.people(&lumen(), &wanted).await.unwrap().pop().unwrap();
        let secrets = NewSecrets {
            proof_key: ProofKey([3; 32]),
            link: LinkId::from_bytes([9; 16]),
        };
        self.tables
            .append_consents(&person, &brand.topics, &[(event, document)], &secrets, now())
            .await
            .unwrap();
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> ApiGatewayV2httpResponse {
        let mut event = ApiGatewayV2httpRequest::default();
        event.request_context.http.method = method;
        event.raw_path = Some(path.to_owned());
        event.body = Some(body.to_owned());
        event.headers.insert(
            "content-type",
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        event.headers.insert("accept-language", HeaderValue::from_static("en"));
        self.handler.http(&event).await
    }

    async fn post(&self, path: &str, body: &str) -> String {
        let response = self.ask(Method::POST, path, body).await;
        assert_eq!(response.status_code, 200, "{body}");
        assert!(!response.headers.contains_key("location") && response.cookies.is_empty());
        text(&response).to_owned()
    }

    /// Every item of every table, in one text: what a visit must not change.
    async fn everything(&self) -> String {
        let mut all = String::new();
        for table in Table::ALL {
            let name = format!("t-{}", table.suffix());
            let items = self
                .client
                .scan()
                .table_name(&name)
                .send()
                .await
                .unwrap()
                .items
                .unwrap();
            let mut lines: Vec<String> = items
                .iter()
                .map(|item| {
                    let mut attributes: Vec<_> = item.iter().map(|pair| format!("{pair:?}")).collect();
                    attributes.sort();
                    format!("{:?} {:?} {attributes:?}", item.get(PK), item.get(SK))
                })
                .collect();
            lines.sort();
            all.push_str(&format!("{name}: {lines:#?}\n"));
        }
        all
    }

    async fn standing(&self) -> Standing {
        self.tables.standing(&lumen(), &camille()).await.unwrap()
    }

    async fn state(&self, purpose: &str) -> &'static str {
        let person = self.tables.person(&lumen(), &camille()).await.unwrap();
        let purpose = Purpose::from_code(purpose).unwrap();
        person.standing.consents.state(&purpose, now()).code()
    }

    /// The ledger's events, after checking that it holds together.
    async fn events(&self) -> Vec<ConsentEventDocument> {
        let person = self.tables.person(&lumen(), &camille()).await.unwrap();
        let ledger = self.tables.ledger(&lumen(), &camille()).await.unwrap();
        let entries: Vec<_> = ledger.iter().map(|(entry, _)| entry.clone()).collect();
        verify(&entries, person.standing.head).unwrap();
        ledger.into_iter().filter_map(|(_, document)| document).collect()
    }
}

fn brand(id: &str) -> BrandDocument {
    serde_json::from_value(json!({
        "id": id,
        "name": "Atelier Lumière",
        "imprint": "Atelier Lumière, 12 rue des Arts, 69001 Lyon, France",
        "sender": "bonjour@lumen.example",
        "list_domain": "lists.lumen.example",
        "topics": [
            {"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}},
            {"id": "news", "number": 4, "name": {"fr": "Actualités", "en": "News"}}
        ],
        "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
    }))
    .unwrap()
}

fn path(page: &str, purpose: LinkPurpose, brand: &str, id: [u8; 16], topic: u16) -> String {
    let content = LinkContent {
        id: LinkId::from_bytes(id),
        topic,
        delivery: None,
    };
    let token = sign(purpose, &BrandId::new(brand).unwrap(), content, &ring()).unwrap();
    format!("/{page}/{brand}/{}", token.as_str())
}

fn leaving() -> String {
    path("u", LinkPurpose::Unsubscribe, "lumen", [9; 16], 0)
}

fn choosing() -> String {
    path("p", LinkPurpose::Preferences, "lumen", [9; 16], 0)
}

fn text(response: &ApiGatewayV2httpResponse) -> &str {
    match &response.body {
        Some(Body::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn opening_a_link_in_any_way_changes_nothing() {
    let portal = Portal::start().await;
    let before = portal.tables.person(&lumen(), &camille()).await.unwrap();
    for path in [leaving(), choosing()] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            portal.ask(method, &path, ONE_CLICK).await;
            portal.ask(Method::GET, &path, "action=leave").await;
        }
    }
    let after = portal.tables.person(&lumen(), &camille()).await.unwrap();
    assert_eq!(before.standing, after.standing);
    assert_eq!(portal.events().await.len(), 1);
}

#[tokio::test]
async fn the_page_is_in_the_persons_own_language_and_names_brand_and_topic() {
    let portal = Portal::start().await;
    let response = portal.ask(Method::GET, &leaving(), "").await;
    assert_eq!(response.status_code, 200);
    for words in [
        "lang=\"fr\"",
        "Atelier Lumière",
        "«\u{a0}Offres\u{a0}»",
        "Me désinscrire",
    ] {
        assert!(text(&response).contains(words), "{words}");
    }
    assert!(!text(&response).contains("camille") && !text(&response).contains("c-4711"));
}

#[tokio::test]
async fn one_click_withdraws_at_once_and_a_second_one_records_nothing() {
    let portal = Portal::start().await;
    for _ in 0..3 {
        assert_eq!(portal.post(&leaving(), ONE_CLICK).await, "OK\n");
        assert_eq!(portal.state("email.offers").await, "withdrawn");
    }
    let events = portal.events().await;
    assert_eq!(events.len(), 2);
    let (event, evidence) = (&events[1], &events[1].evidence);
    assert_eq!(
        (event.purpose.as_str(), event.act.as_str(), event.actor.as_str()),
        ("email.offers", "withdraw", "customer")
    );
    assert_eq!(
        (
            evidence.affirmative_action.as_str(),
            evidence.method.as_str(),
            evidence.source.as_str()
        ),
        ("one_click_post", "one_click", "/u")
    );
    // The audience's hint moved in the same transaction, and no import brings the topic back.
    portal.record("e9", "email.offers", "grant", "import").await;
    assert_eq!(portal.state("email.offers").await, "withdrawn");
}

#[tokio::test]
async fn the_button_leaves_and_its_undo_is_a_yes_of_the_person_under_the_notice_in_force() {
    let portal = Portal::start().await;
    assert!(portal.post(&leaving(), "action=leave").await.contains("C’est fait"));
    assert!(text(&portal.ask(Method::GET, &leaving(), "").await).contains("C’est fait"));
    assert!(portal.post(&leaving(), "action=undo").await.contains("C’est annulé"));
    assert_eq!(portal.state("email.offers").await, "granted");
    let events = portal.events().await;
    let undo = events.last().unwrap();
    assert_eq!((undo.act.as_str(), undo.actor.as_str()), ("grant", "customer"));
    assert_eq!(undo.evidence.notice.as_ref().unwrap().version, "3");
    // In the same millisecond of the clock, again and again: the last button counts.
    portal.post(&leaving(), ONE_CLICK).await;
    assert_eq!(portal.state("email.offers").await, "withdrawn");
}

#[tokio::test]
async fn each_choice_is_recorded_under_its_own_purpose() {
    let portal = Portal::start().await;
    for (purpose, set, state) in [
        ("email.news", "on", "granted"),
        ("email.offers", "off", "withdrawn"),
        ("profiling", "on", "granted"),
        ("profiling", "off", "withdrawn"),
        ("home_location", "on", "granted"),
        ("no_marketing", "on", "granted"),
        ("no_marketing", "off", "withdrawn"),
    ] {
        let page = portal.post(&choosing(), &format!("purpose={purpose}&set={set}")).await;
        assert!(page.contains("C’est enregistré"), "{purpose} {set}");
        assert_eq!(portal.state(purpose).await, state, "{purpose} {set}");
    }
    let events = portal.events().await;
    assert_eq!(events.len(), 8);
    for event in &events[1..] {
        assert_eq!(event.actor, Actor::Customer.code());
        assert_eq!(event.evidence.source, "/p");
        assert_eq!(event.evidence.notice.is_some(), event.act == Act::Grant.code());
    }
}

#[tokio::test]
async fn what_the_page_does_not_offer_cannot_be_set() {
    let portal = Portal::start().await;
    for body in [
        "purpose=email.unknown&set=on",
        "purpose=no_profiling&set=on",
        "save=all&cap=brand&language=fr&on=email.unknown",
        "save=all&cap=brand&language=fr&on=no_marketing",
        "save=all&cap=brand&language=fr&interest=yachts",
        "save=all&cap=brand&cap=1-7&language=fr",
    ] {
        assert_eq!(
            portal.ask(Method::POST, &choosing(), body).await.status_code,
            400,
            "{body}"
        );
    }
    assert_eq!(portal.events().await.len(), 1);
}

#[tokio::test]
async fn a_link_that_leads_nowhere_looks_like_a_forged_one() {
    let portal = Portal::start().await;
    let forged = "/u/lumen/AQEJCQkJCQkJCQkJCQkJCQkJAAPAPd5_R1PEOHRpRD_B5vXI".to_owned();
    let mut answers = Vec::new();
    for path in [
        "/u/lumen/AQEJCQkJ".to_owned(),
        format!("/u/lumen/{}", "=".repeat(48)),
        forged,
        path("u", LinkPurpose::Unsubscribe, "lumen", [8; 16], 0),
        path("u", LinkPurpose::Unsubscribe, "velo", [9; 16], 0),
        path("u", LinkPurpose::Unsubscribe, "unknown", [9; 16], 0),
        path("p", LinkPurpose::Preferences, "velo", [9; 16], 0),
    ] {
        for (method, body) in [
            (Method::GET, ""),
            (Method::POST, ONE_CLICK),
            (Method::POST, "purpose=profiling&set=on"),
        ] {
            let understood = body.is_empty() || path.starts_with("/u") == (body == ONE_CLICK);
            if understood {
                let response = portal.ask(method, &path, body).await;
                assert_eq!(response.status_code, 404);
                answers.push(serde_json::to_string(&response).unwrap());
            }
        }
    }
    assert_eq!(answers.len(), 14);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(portal.events().await.len(), 1);
}

#[tokio::test]
async fn a_thousand_visits_leave_every_item_of_every_table_as_it_is() {
    let portal = Portal::start().await;
    let before = portal.everything().await;
    let paths = [leaving(), choosing()];
    let methods = [Method::GET, Method::HEAD, Method::OPTIONS];
    for (path, method) in paths.iter().cycle().zip(methods.into_iter().cycle()).take(1_000) {
        // Slowly enough not to be held back.
        portal.clock.advance(SignedDuration::from_secs(10));
        let status = portal.ask(method, path, ONE_CLICK).await.status_code;
        assert!(status == 200 || status == 204, "{status}");
    }
    assert_eq!(portal.everything().await, before);
    // The comparison does see a change.
    portal.post(&leaving(), ONE_CLICK).await;
    assert_ne!(portal.everything().await, before);
}

#[tokio::test]
async fn a_link_that_is_opened_more_often_than_people_do_waits_and_leaving_never_does() {
    let portal = Portal::start().await;
    for path in [leaving(), choosing()] {
        for turn in 0..70 {
            let response = portal.ask(Method::GET, &path, "").await;
            assert_eq!(response.status_code, if turn < 60 { 200 } else { 429 }, "{turn}");
        }
        let response = portal.ask(Method::HEAD, &path, "").await;
        assert_eq!(response.status_code, 429);
        assert_eq!(response.headers["retry-after"], "10");
        assert!(response.body.is_none());
    }
    // The page that asks to wait can be left by as it stands, and so can the mailbox's own button.
    let page = portal.ask(Method::GET, &leaving(), "").await;
    assert!(text(&page).contains("name=\"action\" value=\"leave\"") && !text(&page).contains("Atelier"));
    assert_eq!(portal.post(&leaving(), ONE_CLICK).await, "OK\n");
    assert_eq!(portal.state("email.offers").await, "withdrawn");
    assert!(portal.post(&leaving(), "action=leave").await.contains("C’est fait"));
    // Another link is not held back, a forged one looks as it always did, and time lets through again.
    let other = path("u", LinkPurpose::Unsubscribe, "lumen", [9; 16], 4);
    assert_eq!(portal.ask(Method::GET, &other, "").await.status_code, 200);
    let forged = leaving().replace("/u/lumen/", "/u/lumen/A");
    for _ in 0..70 {
        assert_eq!(portal.ask(Method::GET, &forged, "").await.status_code, 404);
    }
    portal.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(portal.ask(Method::GET, &leaving(), "").await.status_code, 200);
    assert_eq!(portal.ask(Method::GET, &leaving(), "").await.status_code, 429);
}

#[tokio::test]
async fn a_link_of_any_message_ever_sent_works_after_the_key_was_changed() {
    let portal = Portal::start().await;
    let later = Handler::new(
        portal.tables.clone(),
        portal.clock.clone(),
        LinkKeys::fixed(rotated()),
        pepper(),
        no_queue(),
    );
    let later = Portal {
        handler: later,
        ..portal
    };
    assert_eq!(later.post(&leaving(), ONE_CLICK).await, "OK\n");
    assert_eq!(later.state("email.offers").await, "withdrawn");
    assert!(later.post(&choosing(), &form(&[])).await.contains("C’est enregistré"));
}

#[tokio::test]
async fn each_button_of_the_leave_page_stops_what_it_names_and_its_undo_brings_it_back() {
    let portal = Portal::start().await;
    portal.record("e2", "sms.offers", "grant", "customer").await;
    portal.record("e3", "email.news", "grant", "customer").await;
    for purpose in ["sms.offers", "email.news"] {
        let page = portal
            .post(&leaving(), &format!("action=leave&purpose={purpose}"))
            .await;
        assert!(
            page.contains(&format!("name=\"purpose\" value=\"{purpose}\"")),
            "{page}"
        );
        assert_eq!(portal.state(purpose).await, "withdrawn");
        assert_eq!(portal.state("email.offers").await, "granted");
        portal.post(&leaving(), &format!("action=undo&purpose={purpose}")).await;
        assert_eq!(portal.state(purpose).await, "granted");
    }
    portal.post(&leaving(), "action=leave&purpose=no_marketing").await;
    assert_eq!(portal.state("no_marketing").await, "granted");
    assert!(text(&portal.ask(Method::GET, &leaving(), "").await).contains("plus aucune offre"));
    portal.post(&leaving(), "action=undo&purpose=no_marketing").await;
    assert_eq!(portal.state("no_marketing").await, "withdrawn");
    for refused in ["email.unknown", "profiling", "pause"] {
        let body = format!("action=leave&purpose={refused}");
        assert_eq!(portal.ask(Method::POST, &leaving(), &body).await.status_code, 400);
    }
}

/// The form of the preference page as Camille finds it, with changes.
fn form(changes: &[(&str, &str)]) -> String {
    let mut fields = vec![("save", "all"), ("on", "email.offers"), ("cap", "brand")];
    fields.extend([("quiet_from", ""), ("quiet_until", ""), ("language", "fr")]);
    fields.push(("interest", "books"));
    for (name, value) in changes {
        match (*name, fields.iter_mut().find(|(held, _)| held == name)) {
            ("on" | "interest" | "day_off", _) | (_, None) => fields.push((name, value)),
            ("not", _) => fields.retain(|(_, held)| held != value),
            (_, Some(field)) => field.1 = value,
        }
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            fields
                .into_iter()
                .filter(|(name, value)| *name != "not" && !changes.contains(&("not", value))),
        )
        .finish()
}

#[tokio::test]
async fn a_form_saved_as_it_was_found_records_nothing() {
    let portal = Portal::start().await;
    let before = portal.everything().await;
    assert!(portal.post(&choosing(), &form(&[])).await.contains("C’est enregistré"));
    assert_eq!(portal.everything().await, before);
}

#[tokio::test]
async fn every_part_of_the_form_is_recorded_with_its_evidence_and_shown_again() {
    let portal = Portal::start().await;
    let page = portal
        .post(
            &choosing(),
            &form(&[
                ("not", "email.offers"),
                ("on", "sms.news"),
                ("on", "profiling"),
                ("on", "measurement"),
                ("cap", "1-30"),
                ("quiet_from", "18:00"),
                ("quiet_until", "09:30"),
                ("day_off", "saturday"),
                ("language", "en"),
                ("not", "books"),
                ("interest", "candles"),
            ]),
        )
        .await;
    assert!(page.contains("lang=\"en\"") && page.contains("Saved, and in effect already"));
    for shown in [
        "value=\"18:00\"",
        "value=\"09:30\"",
        "value=\"1-30\" checked",
        "value=\"candles\" checked",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    for (purpose, state) in [
        ("email.offers", "withdrawn"),
        ("sms.news", "granted"),
        ("profiling", "granted"),
        ("measurement", "granted"),
        ("email.news", "unknown"),
        ("home_location", "unknown"),
    ] {
        assert_eq!(portal.state(purpose).await, state, "{purpose}");
    }
    let person = portal.tables.person(&lumen(), &camille()).await.unwrap();
    let limits = &person.standing.limits;
    assert_eq!(limits.cap.map(|cap| (cap.most(), cap.window_days())), Some((1, 30)));
    assert!(limits.quiet.is_some() && limits.own_language && limits.own_interests);
    assert_eq!(person.contact.unwrap().0.language, Language::English);
    let (context, version) = person.context.unwrap();
    assert_eq!(context.interests, [Category::from_slug("candles").unwrap()]);
    assert_eq!(version, 2);
    // One chain over consents and preferences.
    portal.events().await;
    let texts = portal.tables.ledger_texts(&lumen(), &camille()).await.unwrap();
    let mut actions = Vec::new();
    for (_, text) in &texts[1..] {
        let (source, action) = match text {
            LedgerText::Consent(event) => (&event.evidence.source, &event.evidence.affirmative_action),
            LedgerText::Preference(event) => (&event.evidence.source, &event.evidence.affirmative_action),
            LedgerText::Proof(_) | LedgerText::Erased => panic!("nothing was erased"),
        };
        assert_eq!(source, "/p");
        actions.push(action.as_str());
    }
    actions.sort_unstable();
    let expected = [["saved_form"; 4].as_slice(), &["ticked_box"; 3], &["unticked_box"]].concat();
    assert_eq!(actions, expected);
    // And back to what the brand does.
    portal
        .post(&choosing(), &form(&[("on", "profiling"), ("interest", "candles")]))
        .await;
    let limits = portal.standing().await.limits;
    assert_eq!((limits.cap, limits.quiet), (None, None));
}

#[tokio::test]
async fn a_form_with_a_wrong_field_changes_nothing_and_keeps_what_was_typed() {
    let portal = Portal::start().await;
    let before = portal.everything().await;
    let hostile = "\"><script>alert(1)</script>\u{202e}";
    for (change, shown) in [
        (("quiet_from", "18:00"), "value=\"18:00\""),
        (("quiet_from", hostile), "&lt;script&gt;"),
        (("cap", "0-0"), "Fréquence"),
        (("language", "de"), "Langue"),
    ] {
        let body = form(&[change, ("not", "email.offers"), ("on", "profiling")]);
        let response = portal.ask(Method::POST, &choosing(), &body).await;
        assert_eq!(response.status_code, 422, "{change:?}");
        let page = text(&response);
        assert!(
            page.contains("Rien n’a changé encore") && page.contains(shown),
            "{change:?}"
        );
        // The boxes are as they were ticked, not as they are on record.
        assert!(page.contains("value=\"profiling\" aria-describedby=\"use-profiling\" checked"));
        assert!(!page.contains("<script"), "{change:?}");
    }
    assert_eq!(portal.everything().await, before);
}

#[tokio::test]
async fn a_pause_is_shown_with_its_end_ends_by_itself_and_can_be_ended() {
    let portal = Portal::start().await;
    let page = portal.post(&choosing(), "purpose=pause&set=on").await;
    assert!(page.contains("17\u{a0}décembre 2026"), "{page}");
    let paused = portal.standing().await.consents;
    assert_eq!(
        paused.paused_until(now()),
        Some(now() + SignedDuration::from_hours(720))
    );
    assert_eq!(paused.paused_until(now() + SignedDuration::from_hours(720)), None);
    assert_eq!(portal.state("email.offers").await, "granted");
    portal.post(&choosing(), "purpose=pause&set=off").await;
    assert_eq!(portal.standing().await.consents.paused_until(now()), None);
}

#[tokio::test]
async fn a_link_that_is_pressed_more_often_than_people_do_may_only_refuse() {
    let portal = Portal::start().await;
    let mut refused = 0;
    for turn in 0..150 {
        let set = if turn % 2 == 0 { "on" } else { "off" };
        let response = portal
            .ask(Method::POST, &choosing(), &format!("purpose=profiling&set={set}"))
            .await;
        refused += i32::from(response.status_code == 429);
    }
    assert!(refused > 0);
    assert_eq!(portal.post(&leaving(), ONE_CLICK).await, "OK\n");
    assert_eq!(portal.state("email.offers").await, "withdrawn");
    portal.clock.advance(SignedDuration::from_hours(1));
    portal.post(&choosing(), "purpose=email.news&set=on").await;
}

#[tokio::test]
async fn leaving_a_topic_that_is_gone_is_leaving_the_brand() {
    let portal = Portal::start().await;
    let gone = path("u", LinkPurpose::Unsubscribe, "lumen", [9; 16], 7);
    portal.post(&gone, ONE_CLICK).await;
    assert_eq!(portal.state("no_marketing").await, "granted");
    portal.post(&gone, "action=undo").await;
    assert_eq!(portal.state("no_marketing").await, "withdrawn");
}

#[tokio::test]
async fn buttons_pressed_together_are_all_recorded() {
    let portal = Portal::start().await;
    let (unsubscribe, choices) = (leaving(), choosing());
    let statuses = tokio::join!(
        portal.ask(Method::POST, &unsubscribe, ONE_CLICK),
        portal.ask(Method::POST, &choices, "purpose=email.news&set=on"),
        portal.ask(Method::POST, &choices, "purpose=profiling&set=on"),
        portal.ask(Method::POST, &choices, "purpose=home_location&set=on"),
    );
    for response in [statuses.0, statuses.1, statuses.2, statuses.3] {
        assert_eq!(response.status_code, 200);
    }
    assert_eq!(portal.events().await.len(), 5);
}

/// A sign-up of a new address, and the path of its confirmation.
async fn signed_up(portal: &Portal, topics: usize) -> String {
    let purposes: Vec<Purpose> = ["offers", "news"]
        .iter()
        .take(topics)
        .flat_map(|topic| ["email", "sms", "post", "display"].map(|channel| format!("{channel}.{topic}")))
        .map(|code| Purpose::from_code(&code).unwrap())
        .collect();
    let brand = portal.tables.brand(&lumen()).await.unwrap().unwrap();
    let request = RequestId::new("r1").unwrap();
    let sign_up = SignUp {
        customer: CustomerId::new("s-1").unwrap(),
        contact: ContactPoint {
            address: EmailAddress::parse("new@mail.example").unwrap(),
            language: Language::English,
            time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
        },
        purposes,
        notice: brand.notice.clone(),
        asked_at: now(),
    };
    portal
        .tables
        .keep_sign_up(&lumen(), &request, &sign_up, now())
        .await
        .unwrap();
    portal
        .tables
        .create_one_time(
            LinkId::from_bytes([5; 16]),
            LinkPurpose::Confirm,
            &lumen(),
            &sign_up.customer,
            Confirms::SignUp(request),
            now(),
        )
        .await
        .unwrap();
    path("c", LinkPurpose::Confirm, "lumen", [5; 16], 0)
}

async fn new_person(portal: &Portal) -> (usize, usize) {
    let customer = CustomerId::new("s-1").unwrap();
    let person = portal.tables.person(&lumen(), &customer).await.unwrap();
    let granted = person
        .standing
        .consents
        .states(now())
        .filter(|(_, state)| state.is_granted());
    let ledger = portal.tables.ledger(&lumen(), &customer).await.unwrap();
    (granted.count(), ledger.len())
}

#[tokio::test]
async fn every_box_that_was_ticked_is_confirmed_in_one_go() {
    let portal = Portal::start().await;
    let confirmation = signed_up(&portal, 2).await;
    let shown = portal.ask(Method::GET, &confirmation, "").await;
    assert_eq!(text(&shown).matches("<li>").count(), 8);
    assert_eq!(new_person(&portal).await, (0, 0));
    let done = portal.post(&confirmation, "action=confirm").await;
    assert_eq!(done.matches("<li>").count(), 8);
    assert_eq!(new_person(&portal).await, (8, 16));
}

#[tokio::test]
async fn a_confirmation_that_broke_off_is_completed_by_pressing_again() {
    let portal = Portal::start().await;
    let confirmation = signed_up(&portal, 2).await;
    // The contact point was written, one yes recorded, and then the function died.
    let brand = portal.tables.brand(&lumen()).await.unwrap().unwrap();
    let customer = CustomerId::new("s-1").unwrap();
    let request = RequestId::new("r1").unwrap();
    let sign_up = portal.tables.sign_up(&lumen(), &request, now()).await.unwrap().unwrap();
    let person = portal.tables.person(&lumen(), &customer).await.unwrap();
    let secrets = NewSecrets::random().unwrap();
    let addressed = Addressed {
        contact: &sign_up.contact,
        hash: address_hash(&pepper(), &lumen(), &sign_up.contact.address),
    };
    let context = CustomerContext::default();
    portal
        .tables
        .put_context(&person, &brand.topics, &context, Some(addressed), &secrets, now())
        .await
        .unwrap();
    let first = &sign_up.purposes[3];
    let asked = event_id(&request, "asked", first).unwrap();
    let yes = Confirmed {
        purpose: first,
        notice: &sign_up.notice,
        asked: asked.clone(),
        id: event_id(&request, "yes", first).unwrap(),
    };
    let person = portal.tables.person(&lumen(), &customer).await.unwrap();
    let documents = [
        sign_up.request(first, &asked),
        yes.event(&person.standing.consents, now()),
    ];
    let events: Vec<_> = documents
        .into_iter()
        .map(|document| (ConsentEvent::try_from(&document).unwrap(), document))
        .collect();
    portal
        .tables
        .append_consents(&person, &brand.topics, &events, &secrets, now())
        .await
        .unwrap();
    assert_eq!(new_person(&portal).await, (1, 2));

    portal.post(&confirmation, "action=confirm").await;
    assert_eq!(new_person(&portal).await, (8, 16));
    portal.post(&confirmation, "action=confirm").await;
    assert_eq!(new_person(&portal).await, (8, 16));
}

#[tokio::test]
async fn an_erasure_in_between_ends_a_confirmation() {
    let portal = Portal::start().await;
    let confirmation = signed_up(&portal, 1).await;
    portal
        .tables
        .forget_sign_up(&RequestId::new("r1").unwrap())
        .await
        .unwrap();
    for (method, body) in [(Method::GET, ""), (Method::POST, "action=confirm")] {
        assert_eq!(portal.ask(method, &confirmation, body).await.status_code, 410);
    }
    assert_eq!(new_person(&portal).await, (0, 0));
}

#[tokio::test]
async fn a_complaint_in_between_ends_a_confirmation() {
    let portal = Portal::start().await;
    let confirmation = signed_up(&portal, 1).await;
    let hash = address_hash(&pepper(), &lumen(), &EmailAddress::parse("new@mail.example").unwrap());
    portal
        .tables
        .suppress(&lumen(), &hash, SuppressionReason::Complaint)
        .await
        .unwrap();
    assert_eq!(
        portal
            .ask(Method::POST, &confirmation, "action=confirm")
            .await
            .status_code,
        410
    );
    assert_eq!(new_person(&portal).await, (0, 0));
}

#[tokio::test]
async fn a_form_whose_message_cannot_be_queued_asks_to_try_again() {
    let portal = Portal::start().await;
    let filled = "topic=offers&channel=email&email=new%40mail.example";
    let response = portal.ask(Method::POST, "/s/lumen", filled).await;
    assert_eq!(response.status_code, 503);
    assert_eq!(portal.ask(Method::GET, "/s/lumen", "").await.status_code, 200);
    assert_eq!(portal.ask(Method::GET, "/s/unknown", "").await.status_code, 404);
    assert_eq!(portal.ask(Method::PUT, "/s/lumen", filled).await.status_code, 405);
}
