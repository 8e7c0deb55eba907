//! What is refused, how it is told, and that nothing of it is kept.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_core::ids::CustomerId;
use apropos_local::http_client::Reply;
use apropos_tests::words::{all_consents, campaign, consent, exhibition, grant, lyonnais, uses, with};
use apropos_tests::{BRAND, TestApp, accepted, brand_id, path_of};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// The problem of a refused call: status, kind and field. Nothing of it repeats what was sent.
fn problem(reply: &Reply) -> (u16, String, Option<String>) {
    assert_eq!(reply.media_type(), "application/problem+json", "{}", reply.text());
    of_problem(&reply.json().unwrap())
}

fn of_problem(problem: &Value) -> (u16, String, Option<String>) {
    let kind = problem["type"].as_str().unwrap();
    (
        u16::try_from(problem["status"].as_u64().unwrap()).unwrap(),
        kind.strip_prefix("urn:apropos:problem:").unwrap().to_owned(),
        problem["field"].as_str().map(str::to_owned),
    )
}

fn refused(field: &str) -> (u16, String, Option<String>) {
    (422, "refused-field".to_owned(), Some(field.to_owned()))
}

/// Whether anything is known of the customer.
async fn is_known(app: &TestApp, customer: &str) -> bool {
    let tables = app.stack.tables();
    let customer = CustomerId::new(customer).unwrap();
    let person = tables.person(&brand_id(BRAND), &customer).await.unwrap();
    let ledger = tables.ledger(&brand_id(BRAND), &customer).await.unwrap();
    let known = person.context.is_some() || person.contact.is_some();
    known || person.standing.version > 0 || !ledger.is_empty()
}

#[tokio::test]
async fn one_bad_customer_of_a_batch_is_refused_by_its_field_and_the_others_are_stored() {
    let app = TestApp::start().await;
    let contact = |email: &str| json!({ "email": email, "language": "fr" });
    let bad = [
        ("nickname", with(lyonnais("bad"), &[("nickname", json!("x"))]), None),
        (
            "facts",
            with(lyonnais("bad"), &[("facts", json!({ "dwelling.garden": "yes" }))]),
            Some("facts.dwelling.garden"),
        ),
        (
            "no catalogue",
            with(lyonnais("bad"), &[("facts", json!({ "religion": "x" }))]),
            Some("facts"),
        ),
        (
            "email",
            with(lyonnais("bad"), &[("contact", contact("no.at.example"))]),
            Some("contact.email"),
        ),
        (
            "invisible",
            with(lyonnais("bad"), &[("contact", contact("a\u{200b}b@mail.example"))]),
            Some("contact.email"),
        ),
        (
            "language",
            with(
                lyonnais("bad"),
                &[("contact", json!({ "email": "a@mail.example", "language": 7 }))],
            ),
            Some("contact.language"),
        ),
        (
            "home",
            with(lyonnais("bad"), &[("home", json!({ "commune": "00000" }))]),
            Some("home.commune"),
        ),
        (
            "an address as an id",
            with(lyonnais("bad"), &[("customer", json!("bad@mail.example"))]),
            Some("customer"),
        ),
        (
            "future",
            with(lyonnais("bad"), &[("last_activity", json!("2026-12-24"))]),
            Some("last_activity"),
        ),
        ("no contact", json!({ "customer": "bad" }), Some("contact")),
    ];
    for (name, record, field) in bad {
        let batch = json!({ "customers": [lyonnais("before"), record, lyonnais("after")] });
        let answer = accepted(&app.post("/v1/customers", &batch).await);
        assert_eq!(
            (&answer["stored"], &answer["refused"]),
            (&json!(2), &json!(1)),
            "{name} {answer}"
        );
        let statuses: Vec<_> = (0..3).map(|index| answer["results"][index]["status"].clone()).collect();
        assert_eq!(statuses, ["stored", "refused", "stored"], "{name}");
        let (status, _, named) = of_problem(&answer["results"][1]["problem"]);
        assert_eq!((status, named.as_deref()), (422, field), "{name} {answer}");
        assert!(!is_known(&app, "bad").await, "{name}");
    }
    assert!(is_known(&app, "before").await && is_known(&app, "after").await);
}

#[tokio::test]
async fn one_bad_consent_of_a_batch_is_refused_by_its_field_and_the_others_are_recorded() {
    let app = TestApp::start().await;
    let event = consent("bad", "e1", "email.offers", "grant");
    let bad = [
        ("unknown field", with(event.clone(), &[("colour", json!("red"))]), None),
        (
            "unknown topic",
            with(event.clone(), &[("purpose", json!("email.secrets"))]),
            Some("purpose"),
        ),
        (
            "unknown act",
            with(event.clone(), &[("act", json!("maybe"))]),
            Some("act"),
        ),
        (
            "future",
            with(event.clone(), &[("effective_at", json!("2026-12-01T09:06:00Z"))]),
            Some("effective_at"),
        ),
        (
            "no time",
            with(event.clone(), &[("effective_at", json!("yesterday"))]),
            Some("effective_at"),
        ),
        (
            "mistyped",
            with(event.clone(), &[("evidence", json!([]))]),
            Some("evidence"),
        ),
        (
            "no notice",
            with(
                event.clone(),
                &[(
                    "evidence",
                    json!({ "affirmative_action": "x", "method": "x", "source": "x" }),
                )],
            ),
            Some("evidence.notice"),
        ),
    ];
    for (name, record, field) in bad {
        let good = |event: &str| {
            consent(
                "good",
                &format!("{event}-{}", name.replace(' ', "-")),
                "email.offers",
                "grant",
            )
        };
        let batch = json!({ "events": [good("a"), record, good("b")] });
        let answer = accepted(&app.post("/v1/consents", &batch).await);
        assert_eq!(
            (&answer["recorded"], &answer["refused"]),
            (&json!(2), &json!(1)),
            "{name} {answer}"
        );
        let (status, _, named) = of_problem(&answer["results"][1]["problem"]);
        assert_eq!((status, named.as_deref()), (422, field), "{name} {answer}");
        assert!(!is_known(&app, "bad").await, "{name}");
    }
}

#[tokio::test]
async fn an_event_that_was_recorded_before_answers_as_it_did_then() {
    let app = TestApp::start().await;
    let grant = consent("camille", "e1", "email.offers", "grant");
    let withdraw = consent("camille", "e2", "email.offers", "withdraw");
    let both = json!({ "events": [grant, withdraw] });
    let first = accepted(&app.post("/v1/consents", &both).await);
    let before = app.standing("camille").await;
    let again = accepted(&app.post("/v1/consents", &both).await);
    for index in 0..2 {
        let (then, now) = (&first["results"][index], &again["results"][index]);
        assert_eq!((&now["seq"], &now["state"]), (&then["seq"], &then["state"]), "{again}");
        assert_eq!((&then["duplicate"], &now["duplicate"]), (&Value::Null, &json!(true)));
    }
    assert_eq!(first["results"][0]["state"], "granted");
    assert_eq!(app.standing("camille").await, before);
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_one_problem_and_writes_nothing() {
    let app = TestApp::start().await;
    let key = app.scoped_key("context:write consents:write campaigns:write").await;
    let cut = |path: &'static str, body: &'static str| {
        let (client, key) = (app.client.clone(), key.clone());
        async move {
            let mut request = client.request(Method::POST, path, body.into()).unwrap();
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {key}").parse().unwrap());
            request
                .headers_mut()
                .insert("content-type", "application/json".parse().unwrap());
            problem(&client.send(request).await.unwrap())
        }
    };
    for path in ["/v1/customers", "/v1/consents", "/v1/offers", "/v1/campaigns"] {
        for body in ["", "{", "not json"] {
            let malformed = (400, "malformed-body".to_owned(), None);
            assert_eq!(cut(path, body).await, malformed, "{path} {body}");
        }
    }
    assert_eq!(cut("/v1/customers", "{\"customers\": []}").await, refused("customers"));
    assert_eq!(cut("/v1/consents", "{\"events\": {}}").await, refused("events"));
    assert_eq!(cut("/v1/consents", "{\"events\": [], \"more\": 1}").await.0, 422);
}

#[tokio::test]
async fn a_body_over_a_megabyte_keeps_none_of_its_records() {
    let app = TestApp::start().await;
    let padding = "x".repeat(1_000_000);
    let batch = json!({ "customers": [lyonnais("camille"), { "customer": padding }] });
    let (status, kind, _) = problem(&app.post("/v1/customers", &batch).await);
    assert_eq!((status, kind.as_str()), (413, "body-too-large"));
    assert!(!is_known(&app, "camille").await);
}

#[tokio::test]
async fn a_bad_offer_is_refused_by_the_field_or_the_rule_and_cannot_be_used() {
    let app = TestApp::start().await;
    let rule =
        |when: Value| json!([{ "name": "needs-a-garden", "when": when, "because": { "fr": "Non.", "en": "No." } }]);
    let title = |english: &str| json!({ "fr": "Expo", "en": english });
    let bad = [
        (
            "rules",
            rule(json!({ "attribute": "dwelling.garden", "is": true })),
            "rules[0].when",
        ),
        (
            "rules",
            rule(json!({ "attribute": "shoe.size", "is": 1 })),
            "rules[0].when.attribute",
        ),
        ("title", title("Show\r\nBcc: everyone@mail.example"), "title.en"),
        ("title", title("Show\u{2028}Bcc: x"), "title.en"),
        ("title", title(""), "title.en"),
        ("link", json!("javascript:alert(1)"), "link"),
        ("category", json!("medicine"), "category"),
        (
            "window",
            json!({ "from": "2026-12-02T00:00:00Z", "until": "2026-12-01T00:00:00Z" }),
            "window.until",
        ),
        (
            "window",
            json!({ "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z" }),
            "window.until",
        ),
        ("uses", uses(&["interests"]), "uses"),
        ("places", json!("everywhere"), "places"),
    ];
    for (name, value, field) in bad {
        let reply = app.post("/v1/offers", &with(exhibition(), &[(name, value)])).await;
        assert_eq!(problem(&reply), refused(field), "{}", reply.text());
        if field == "rules[0].when" {
            assert!(reply.text().contains("rule 'needs-a-garden'"), "{}", reply.text());
        }
    }
    let unknown = app
        .post("/v1/offers", &with(exhibition(), &[("colour", json!("red"))]))
        .await;
    assert_eq!(problem(&unknown), (422, "refused-field".to_owned(), None));
    let reply = app.post("/v1/campaigns", &campaign("expo-1", "expo")).await;
    assert_eq!(problem(&reply), refused("offer"), "none of the offers was kept");
}

#[tokio::test]
async fn a_bad_campaign_is_refused_by_its_field_and_does_not_exist() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    for (name, value, field) in [
        ("topic", json!("secrets"), "topic"),
        ("goal", json!("please"), "goal"),
        ("threshold_bp", json!(10_001), "threshold_bp"),
        ("offer_version", json!(2), "offer_version"),
        ("id", json!("two words"), "id"),
        ("holdout_bp", json!("none"), "holdout_bp"),
        ("minimum_evidence_bp", json!(10_000), "minimum_evidence_bp"),
        (
            "audience",
            json!({ "lifecycle": ["active"], "near_places": true }),
            "audience",
        ),
        ("audience", json!(7), "audience"),
    ] {
        let reply = app
            .post("/v1/campaigns", &with(campaign("expo-1", "expo"), &[(name, value)]))
            .await;
        assert_eq!(problem(&reply), refused(field), "{}", reply.text());
    }
    let reply = app.post("/v1/campaigns/expo-1/launch", &json!({})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let twice = app.post("/v1/campaigns", &campaign("expo-1", "expo")).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
}

/// A number that no machine would take is told the range of its field as one is that is just beyond.
#[tokio::test]
async fn whatever_number_is_given_the_range_of_its_field_is_told() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("held", "expo")).await;
    let because = json!({ "fr": "…", "en": "…" });
    let bought = |days: Value| {
        let when = json!({ "purchased": "books", "within_days": days });
        with(
            exhibition(),
            &[("rules", json!([{ "name": "r", "when": when, "because": because }]))],
        )
    };
    let offer = |field: &str, number: Value| {
        let mut offer = exhibition();
        match field {
            "season[1]" => offer["season"] = json!([1, number]),
            "places[0].radius_m" => offer["places"][0]["radius_m"] = number,
            "places[0].travel_m.town" => {
                offer["places"][0]["travel_m"] = json!({ "dense_city": 1, "town": number, "country": 1 });
            }
            _ => offer = bought(number),
        }
        offer
    };
    for (path, field, range, beyond) in [
        ("/v1/offers", "season[1]", "from 1 to 12", 13),
        ("/v1/offers", "places[0].radius_m", "from 1 to 2000000", 2_000_001),
        ("/v1/offers", "places[0].travel_m.town", "from 1 to 2000000", 2_000_001),
        ("/v1/offers", "rules[0].when.within_days", "from 1 to 3650", 3_651),
        ("/v1/campaigns", "threshold_bp", "from 0 to 10000", 10_001),
        ("/v1/campaigns", "minimum_evidence_bp", "from 0 to 10000", 10_001),
        ("/v1/campaigns", "holdout_bp", "from 0 to 10000", 10_001),
        ("/v1/campaigns", "offer_version", "of at least 1", 0),
        ("/v1/campaigns/held/preview", "compare_with", "of at least 1", 0),
        ("/v1/relevance", "threshold_bp", "from 0 to 10000", 10_001),
        ("/v1/relevance", "minimum_evidence_bp", "from 0 to 10000", 10_001),
        ("/v1/customers", "active_hours[0]", "from 0 to 23", 24),
        ("/v1/customers", "spent", "from 0 to 4294967295", 4_294_967_296_i64),
    ] {
        for number in [
            json!(beyond),
            json!(-1),
            json!(1.5),
            json!(5_000_000_000_000_i64),
            json!(1e30),
            json!("7"),
        ] {
            let body = match path {
                "/v1/offers" => offer(field, number),
                "/v1/campaigns" => with(campaign("expo-1", "expo"), &[(field, number)]),
                "/v1/customers" if field == "spent" => {
                    json!({ "customers": [with(lyonnais("c"), &[(field, number)])] })
                }
                "/v1/customers" => json!({ "customers": [with(lyonnais("c"), &[("active_hours", json!([number]))])] }),
                "/v1/relevance" => json!({ "customer": "c", "topic": "offers", field: number }),
                _ => json!({ field: number }),
            };
            let reply = app.post(path, &body).await;
            let answer: Value = reply.json().unwrap();
            let problem = if path == "/v1/customers" {
                &answer["results"][0]["problem"]
            } else {
                &answer
            };
            assert_eq!(
                (&problem["field"], &problem["detail"]),
                (&json!(field), &json!(format!("{field} must be a whole number {range}"))),
                "{body} {answer}"
            );
        }
    }
    assert!(!is_known(&app, "c").await);
}

#[tokio::test]
async fn an_audience_is_refused_in_words_that_can_be_followed() {
    let app = TestApp::start().await;
    app.add_offer(&with(
        exhibition(),
        &[("uses", uses(&["home", "interests", "purchases", "lifecycle"]))],
    ))
    .await;
    let refused_as = async |audience: Value| {
        let reply = app
            .post(
                "/v1/campaigns",
                &with(campaign("expo-1", "expo"), &[("audience", audience)]),
            )
            .await;
        let told: Value = reply.json().unwrap();
        (reply.status.as_u16(), told["field"].clone(), told["detail"].clone())
    };
    let forms = "audience must be 'everyone', 'near_places' or an object with a list 'lifecycle'";
    for audience in [
        json!("nobody"),
        json!("lifecycle"),
        json!({ "everyone": null }),
        json!(7),
        json!({}),
    ] {
        assert_eq!(refused_as(audience).await, (422, json!("audience"), json!(forms)));
    }
    // What fits a request and would not fit an item of the table.
    let again = json!({ "lifecycle": vec!["active"; 60_000] });
    let twice = "audience.lifecycle[1] is named twice";
    assert_eq!(
        refused_as(again).await,
        (422, json!("audience.lifecycle[1]"), json!(twice))
    );
    let all = json!({ "lifecycle": ["prospect", "new", "active", "lapsing", "lost"] });
    app.add_campaign(&with(campaign("expo-1", "expo"), &[("audience", all)]))
        .await;
}

#[tokio::test]
async fn a_rule_that_holds_a_price_is_told_why_and_which_fields_there_are_otherwise() {
    let app = TestApp::start().await;
    let refused_for = async |field: &str, value: Value, nested: bool| {
        let mut rule = json!({
            "name": "r", "when": { "not": { "interested": "books" } }, "because": { "fr": "…", "en": "…" },
        });
        let node = if nested { &mut rule["when"]["not"] } else { &mut rule };
        node[field] = value;
        let reply = app
            .post("/v1/offers", &with(exhibition(), &[("rules", json!([rule]))]))
            .await;
        let told: Value = reply.json().unwrap();
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        (
            told["pointer"].as_str().unwrap().to_owned(),
            told["detail"].as_str().unwrap().to_owned(),
        )
    };
    for name in ["price", "discount", "prix", "amount", "remise", "tarif"] {
        for value in [json!(10), Value::Null] {
            let (pointer, detail) = refused_for(name, value, false).await;
            assert_eq!(pointer, "/rules/0");
            assert!(
                detail.contains("a price does not depend on the person"),
                "{name}: {detail}"
            );
        }
    }
    assert!(
        refused_for("price", json!(1), true)
            .await
            .1
            .contains("does not depend on the person")
    );
    let (_, detail) = refused_for("colour", json!(1), false).await;
    assert_eq!(
        detail,
        "rules[0] holds a field that is not known; it may hold one of `name`, `when`, `unknown`, `because`"
    );
}

#[tokio::test]
async fn conditions_that_are_nested_too_deeply_are_told_so() {
    let app = TestApp::start().await;
    for (depth, status, told) in [
        (9, 422, "nested more than 8 deep"),
        (130, 400, "nested more than 127 deep"),
    ] {
        let when = (1..depth).fold(json!({ "interested": "books" }), |part, _| json!({ "not": part }));
        let rule = json!({ "name": "r", "when": when, "because": { "fr": "…", "en": "…" } });
        let reply = app
            .post("/v1/offers", &with(exhibition(), &[("rules", json!([rule]))]))
            .await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(reply.text().contains(told), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_time_is_one_of_rfc_3339() {
    let app = TestApp::start().await;
    for (until, told) in [
        ("9999-12-31T23:59:59Z", "must be before 9999-12-30T22:00:00Z"),
        ("2027-01-03T18:00:00+25:00", "must be an RFC 3339 time"),
        ("2027-01-03T18:00:00Z[Europe/Paris]", "must be an RFC 3339 time"),
    ] {
        let window = json!({ "from": "2026-11-20T00:00:00Z", "until": until });
        let reply = app.post("/v1/offers", &with(exhibition(), &[("window", window)])).await;
        assert_eq!(problem(&reply), refused("window.until"), "{}", reply.text());
        assert!(reply.text().contains(told), "{}", reply.text());
        let event = with(grant("camille", "email.offers"), &[("effective_at", json!(until))]);
        let reply = app.post("/v1/consents", &json!({ "events": [event] })).await;
        let answer: Value = reply.json().unwrap();
        assert_eq!(answer["results"][0]["problem"]["field"], "effective_at", "{answer}");
        assert!(answer.to_string().contains(told), "{answer}");
    }
}

/// The unsubscribe and the preferences path of a message to Camille.
async fn links(app: &TestApp) -> [String; 2] {
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
    let mail = &app.outbox()[0];
    let base = app.stack.url();
    ["/u/", "/p/"].map(|page| {
        let link = mail
            .text
            .lines()
            .find(|line| line.starts_with(&format!("{base}{page}")));
        path_of(link.unwrap()).to_owned()
    })
}

#[tokio::test]
async fn forged_cut_and_borrowed_links_get_the_same_page_to_the_byte() {
    let app = TestApp::start().await;
    app.add_brand("autre").await;
    let [leave, choose] = links(&app).await;
    let (front, last) = leave.split_at(leave.len() - 1);
    let forged = format!("{front}{}", if last == "A" { "Q" } else { "A" });
    let shuffled: String = {
        let token = leave.rsplit('/').next().unwrap();
        let reversed: String = token.chars().rev().collect();
        leave.replace(token, &reversed)
    };
    let before = app.standing("camille").await;
    let mut pages = Vec::new();
    for path in [
        forged,
        shuffled,
        front.to_owned(),
        format!("{leave}A"),
        leave.replace("/maison/", "/autre/"),
        leave.replace("/maison/", "/nobody/"),
        leave.replace("/u/", "/p/"),
        choose.replace("/p/", "/u/"),
        "/u/maison/short".to_owned(),
        format!("/u/maison/{}", "A".repeat(59)),
    ] {
        let opened = app.visit(Method::GET, &path).await;
        let pressed = app
            .submit(&path, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
            .await;
        for reply in [opened, pressed] {
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
            assert!(!reply.text().contains("maison"), "{path}");
            pages.push(reply.body);
        }
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(app.standing("camille").await, before);
}

#[tokio::test]
async fn looking_at_a_link_in_any_way_and_however_often_changes_nothing() {
    let app = TestApp::start().await;
    let paths = links(&app).await;
    let customer = CustomerId::new("camille").unwrap();
    let entries = || async {
        let ledger = app.stack.tables().ledger(&brand_id(BRAND), &customer).await.unwrap();
        ledger.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>()
    };
    let (standing, ledger) = (app.standing("camille").await, entries().await);
    assert_eq!(ledger.len(), all_consents("camille").len());
    for path in &paths {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            for _ in 0..3 {
                let reply = app.visit(method.clone(), path).await;
                let expected = match method {
                    Method::GET | Method::HEAD => StatusCode::OK,
                    Method::OPTIONS => StatusCode::NO_CONTENT,
                    _ => StatusCode::METHOD_NOT_ALLOWED,
                };
                assert_eq!(reply.status, expected, "{method}");
            }
        }
        // A form that means nothing is refused, and changes nothing either.
        let reply = app.submit(path, "application/x-www-form-urlencoded", "yes=1").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(app.standing("camille").await, standing);
    assert_eq!(entries().await, ledger);
}
