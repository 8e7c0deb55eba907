//! Before sending: how many a campaign would reach, whom, why not the others, and what another version would change.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;

use apropos_tests::TestApp;
use apropos_tests::words::{LYON, all_consents, campaign, catalogue, consent, exhibition, grant, lyonnais, uses, with};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn preview(app: &TestApp, id: &str, body: &Value) -> Value {
    let reply = app.post(&format!("/v1/campaigns/{id}/preview"), body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json().unwrap()
}

fn sum(figures: &Value) -> u64 {
    figures.as_array().unwrap().iter().filter_map(Value::as_u64).sum()
}

#[tokio::test]
async fn a_preview_tells_by_reason_by_cell_and_by_relevance_what_a_launch_then_does() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    for (id, commune) in [("lyon", "69123"), ("lyon-2", "69123"), ("marseille", "13055")] {
        app.welcome(&with(lyonnais(id), &[("home", json!({ "commune": commune }))]))
            .await;
    }
    app.store(&[lyonnais("unasked")]).await;

    let told = preview(&app, "expo-1", &json!({})).await;
    assert_eq!(told["considered"], 4, "{told}");
    assert_eq!(told["candidates"], 2, "{told}");
    assert_eq!(told["withheld"], json!({ "no_consent": 1, "too_far": 1 }), "{told}");
    assert_eq!(told["complete"], true);
    assert_eq!(
        told["estimate"],
        json!({
            "people": 4, "reach": 2, "margin": 0, "at_least": 2, "at_most": 2, "share_bp": 5_000, "share_margin_bp": 0,
        })
    );
    // Only the two in Lyon have a score.
    assert_eq!(sum(&told["relevance_histogram"]), 2, "{told}");
    assert_eq!(
        told["margins"]["withheld"],
        json!({ "no_consent": 0, "too_far": 0 }),
        "{told}"
    );
    assert_eq!(told["margins"]["unlisted"], 0, "{told}");
    // One who lives in Marseille would be a person and no figure.
    let elsewhere = json!({ "cell": "elsewhere", "people": 4, "considered": 4, "candidates": 2, "margin": 0 });
    assert_eq!(told["cells"], json!([elsewhere]), "{told}");
    let shown: Vec<_> = told["examples"].as_array().unwrap().iter().collect();
    let reasons: Vec<_> = shown.iter().map(|example| example["reason"].as_str()).collect();
    assert_eq!(reasons, [None, None, Some("no_consent"), Some("too_far")], "{told}");
    assert!(!told.to_string().contains("marseille"), "nobody is named: {told}");
    assert_eq!(
        shown[3]["explanation"]["en"],
        "Withheld: it is too far away for this person."
    );
    assert!(told.get("comparison").is_none(), "{told}");
    // It kept and sent nothing.
    app.drain().await;
    assert_eq!(app.outbox().len(), 0);
    let report = app.take_through("expo-1").await;
    assert_eq!(
        (&report["sent"], &report["withheld"]),
        (&told["candidates"], &told["withheld"])
    );
}

#[tokio::test]
async fn who_gains_and_who_loses_by_another_version_of_an_offer_is_told_before_it_is_used() {
    let app = TestApp::start().await;
    let garden = |asks: bool| {
        json!([{
            "name": "garden", "when": { "attribute": "dwelling.garden", "is": asks },
            "because": { "fr": "il faut un jardin", "en": "it takes a garden" }
        }])
    };
    let offer = with(catalogue(), &[("uses", uses(&["interests", "dwelling.garden"]))]);
    app.add_offer(&with(offer.clone(), &[("rules", garden(true))])).await;
    app.add_campaign(&campaign("first", "expo")).await;
    app.add_offer(&offer).await;
    app.add_offer(&with(offer, &[("rules", garden(false))])).await;
    for (id, facts) in [
        ("garden", json!({ "dwelling.garden": true })),
        ("balcony", json!({ "dwelling.garden": false })),
        ("unknown", json!({})),
    ] {
        app.welcome(&with(lyonnais(id), &[("facts", facts)])).await;
    }

    let open = preview(&app, "first", &json!({ "compare_with": 2 })).await;
    assert_eq!(open["candidates"], 1, "the version in use: {open}");
    let comparison = &open["comparison"];
    assert_eq!(
        (&comparison["gained"], &comparison["lost"]),
        (&json!(2), &json!(0)),
        "{open}"
    );
    assert_eq!(
        comparison["moved"],
        json!([
            { "from": "unsuitable", "to": "relevant", "count": 1, "margin": 0 },
            { "from": "suitability_unknown", "to": "relevant", "count": 1, "margin": 0 },
        ])
    );
    let turned = preview(&app, "first", &json!({ "compare_with": 3 })).await;
    let comparison = &turned["comparison"];
    assert_eq!(
        (&comparison["gained"], &comparison["lost"]),
        (&json!(1), &json!(1)),
        "{turned}"
    );
    let examples = comparison["examples"].as_array().unwrap();
    let lost = examples.iter().find(|example| example["from"] == "relevant").unwrap();
    assert_eq!(lost["to"], "unsuitable");
    assert_eq!(lost["explanation"]["fr"], "Non envoyé\u{a0}: il faut un jardin.");
    let same = preview(&app, "first", &json!({ "compare_with": 1 })).await;
    assert_eq!(same["comparison"]["moved"], json!([]), "{same}");
    let none = app
        .post("/v1/campaigns/first/preview", &json!({ "compare_with": 0 }))
        .await;
    assert_eq!(none.status, 422, "{}", none.text());
}

#[tokio::test]
async fn another_version_with_other_places_is_judged_where_those_are() {
    let app = TestApp::start().await;
    let near = |latitude: f64, longitude: f64| json!([{ "id": "halle", "name": "Halle", "latitude": latitude, "longitude": longitude, "radius_m": 30_000 }]);
    let (latitude, longitude) = LYON;
    app.add_offer(&with(exhibition(), &[("places", near(latitude, longitude))]))
        .await;
    app.add_campaign(&with(campaign("expo-1", "expo"), &[("audience", json!("near_places"))]))
        .await;
    app.add_offer(&with(exhibition(), &[("places", near(43.2965, 5.3698))]))
        .await;
    app.welcome(&with(lyonnais("marseille"), &[("home", json!({ "commune": "13055" }))]))
        .await;
    let told = preview(&app, "expo-1", &json!({ "compare_with": 2 })).await;
    assert_eq!(told["comparison"]["gained"], 1, "{told}");
}

#[tokio::test]
async fn who_gains_and_who_loses_by_a_draft_is_told_and_nothing_of_it_is_kept() {
    let app = TestApp::start().await;
    let offer = with(catalogue(), &[("uses", uses(&["interests", "dwelling.garden"]))]);
    app.add_offer(&offer).await;
    app.add_campaign(&campaign("first", "expo")).await;
    for (id, facts) in [
        ("garden", json!({ "dwelling.garden": true })),
        ("balcony", json!({ "dwelling.garden": false })),
    ] {
        app.welcome(&with(lyonnais(id), &[("facts", facts)])).await;
    }
    let garden = json!([{
        "name": "garden", "when": { "attribute": "dwelling.garden", "is": true },
        "because": { "fr": "il faut un jardin", "en": "it takes a garden" }
    }]);
    let draft = with(offer, &[("rules", garden)]);

    let told = preview(&app, "first", &json!({ "draft": draft })).await;
    assert_eq!(told["candidates"], 2, "the version in use: {told}");
    let comparison = &told["comparison"];
    assert_eq!(
        (&comparison["offer_version"], &comparison["compared_with"]),
        (&json!(1), &json!("draft"))
    );
    assert_eq!(
        (&comparison["gained"], &comparison["lost"]),
        (&json!(0), &json!(1)),
        "{told}"
    );
    assert_eq!(
        comparison["moved"],
        json!([{ "from": "relevant", "to": "unsuitable", "count": 1, "margin": 0 }])
    );
    assert_eq!(
        comparison["examples"][0]["explanation"]["en"],
        "Withheld: it takes a garden."
    );
    // There is still one version: no campaign can hold the draft, and nothing is ranked by it.
    let second = app
        .post("/v1/campaigns/first/preview", &json!({ "compare_with": 2 }))
        .await;
    assert_eq!(second.status, 422, "{}", second.text());
    let added: Value = app.post("/v1/offers", &draft).await.json().unwrap();
    assert_eq!(added["version"], 2);
    // Once it is posted, the comparison is the same.
    let mut posted = preview(&app, "first", &json!({ "compare_with": 2 })).await;
    assert_eq!(posted["comparison"]["compared_with"], 2);
    posted["comparison"]["compared_with"] = json!("draft");
    assert_eq!(posted, told);
}

#[tokio::test]
async fn a_draft_with_other_places_is_judged_where_those_are() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&with(campaign("expo-1", "expo"), &[("audience", json!("near_places"))]))
        .await;
    app.welcome(&with(lyonnais("marseille"), &[("home", json!({ "commune": "13055" }))]))
        .await;
    let port = json!([{
        "id": "port", "name": "Port", "latitude": 43.2965, "longitude": 5.3698, "radius_m": 30_000
    }]);
    let draft = with(exhibition(), &[("places", port)]);
    let told = preview(&app, "expo-1", &json!({ "draft": draft })).await;
    assert_eq!(
        (&told["candidates"], &told["comparison"]["gained"]),
        (&json!(0), &json!(1)),
        "{told}"
    );
}

#[tokio::test]
async fn a_draft_is_checked_as_an_offer_is_and_its_fault_is_named_within_it() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let garden = json!([{
        "name": "garden", "when": { "all": [{ "attribute": "dwelling.garden", "is": true }] },
        "because": { "fr": "il faut un jardin", "en": "it takes a garden" }
    }]);
    let over = json!({ "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z" });
    let place = exhibition()["places"][0].clone();
    for (field, value) in [
        ("rules", garden),
        ("window", over),
        ("places", json!([place, place])),
        ("category", json!("health")),
        ("title", json!({ "fr": "Une langue" })),
        ("uses", json!([{ "attribute": 7 }])),
        ("versions", json!(1)),
    ] {
        let document = with(exhibition(), &[(field, value)]);
        let refused: Value = app.post("/v1/offers", &document).await.json().unwrap();
        let reply = app
            .post("/v1/campaigns/expo-1/preview", &json!({ "draft": document }))
            .await;
        assert_eq!(reply.status, 422, "{field}: {}", reply.text());
        let told: Value = reply.json().unwrap();
        let pointer = refused["pointer"].as_str().unwrap_or_default();
        assert_eq!(told["pointer"], json!(format!("/draft{pointer}")), "{field}: {told}");
    }
    let other = with(exhibition(), &[("id", json!("other"))]);
    for (body, field) in [
        (json!({ "draft": other }), "draft.id"),
        (json!({ "draft": exhibition(), "compare_with": 1 }), "draft"),
    ] {
        let reply = app.post("/v1/campaigns/expo-1/preview", &body).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert_eq!(reply.json::<Value>().unwrap()["field"], json!(field));
    }
}

/// A rule and a place of one's own, over whoever lives there, would tell of persons.
#[tokio::test]
async fn whoever_may_only_read_campaigns_cannot_ask_about_people_by_a_draft() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    let ask = async |scopes: &str, body: Value| {
        let key = app.scoped_key(scopes).await;
        app.post_as(&key, "/v1/campaigns/expo-1/preview", &body).await
    };
    let reads = "campaigns:read";
    for body in [json!({}), json!({ "compare_with": 1 })] {
        assert_eq!(ask(reads, body).await.status, 200);
    }
    let draft = json!({ "draft": exhibition() });
    let refused = ask(reads, draft.clone()).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("campaigns:write"), "{}", refused.text());
    assert_eq!(ask("campaigns:read campaigns:write", draft).await.status, 200);
}

#[tokio::test]
async fn a_campaign_for_people_near_no_place_is_not_created_and_not_compared() {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    let near = with(campaign("near", "expo"), &[("audience", json!("near_places"))]);
    let refused = app.post("/v1/campaigns", &near).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(refused.json::<Value>().unwrap()["field"], "audience");
    // Of another version it is created, and what it could not carry is not compared with either.
    app.add_offer(&exhibition()).await;
    app.add_campaign(&near).await;
    for (body, field) in [
        (json!({ "compare_with": 1 }), "compare_with"),
        (json!({ "draft": catalogue() }), "draft"),
    ] {
        let refused = app.post("/v1/campaigns/near/preview", &body).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(refused.json::<Value>().unwrap()["field"], field);
    }
}

#[tokio::test]
async fn before_an_offer_begins_a_preview_tells_of_its_beginning() {
    let app = TestApp::start().await;
    let window = |from: &str, until: &str| json!({ "from": from, "until": until });
    // Open in the morning of its first day, and of no other.
    let opens = json!({ "tuesday": ["09:00-12:00"] });
    let mut offer = with(
        exhibition(),
        &[("window", window("2027-03-02T08:00:00Z", "2027-03-03T00:00:00Z"))],
    );
    offer["places"][0]["hours"] = opens;
    app.add_offer(&offer).await;
    app.add_campaign(&campaign("spring", "expo")).await;
    app.welcome(&lyonnais("camille")).await;
    app.welcome(&lyonnais("paused")).await;
    let rest = consent("paused", "rest", "pause", "grant");
    app.record(&[with(rest, &[("expires_at", json!("2027-01-01T00:00:00Z"))])])
        .await;
    let told = preview(&app, "spring", &json!({})).await;
    assert_eq!(told["judged_as_of"], "2027-03-02T08:00:00Z", "{told}");
    // By then the pause is over.
    assert_eq!(
        (&told["candidates"], &told["withheld"]),
        (&json!(2), &json!({})),
        "{told}"
    );
    // A draft that may begin at once is judged now, when one of them wants a rest.
    let draft = with(
        exhibition(),
        &[("window", window("2026-11-20T00:00:00Z", "2027-01-03T18:00:00Z"))],
    );
    let told = preview(&app, "spring", &json!({ "draft": draft })).await;
    assert_eq!(told["comparison"]["judged_as_of"], "2026-12-01T09:00:00Z", "{told}");
    assert_eq!(
        told["comparison"]["moved"],
        json!([{ "from": "relevant", "to": "paused", "count": 1, "margin": 0 }])
    );
    // Once it has begun, it is judged now; once it is over, everybody is outside.
    app.advance(SignedDuration::from_hours(24 * 91 + 1));
    let begun = preview(&app, "spring", &json!({})).await;
    assert_eq!(begun["judged_as_of"], "2027-03-02T10:00:00Z", "{begun}");
    app.advance(SignedDuration::from_hours(24));
    let over = preview(&app, "spring", &json!({})).await;
    assert_eq!(over["withheld"], json!({ "outside_window": 2 }), "{over}");
}

#[tokio::test]
async fn whoever_creates_a_campaign_is_told_that_it_reaches_nobody_who_refuses_profiling() {
    let app = TestApp::start().await;
    let garden = json!([{
        "name": "garden", "when": { "attribute": "dwelling.garden", "is": true },
        "because": { "fr": "il faut un jardin", "en": "it takes a garden" }
    }]);
    let declared = uses(&["interests", "dwelling.garden"]);
    let ruled = with(
        catalogue(),
        &[("id", json!("garden")), ("uses", declared), ("rules", garden)],
    );
    for offer in [catalogue(), ruled] {
        app.add_offer(&offer).await;
    }
    app.store(&[lyonnais("refuses")]).await;
    app.record(&[grant("refuses", "email.offers")]).await;

    let usual: Value = app
        .post("/v1/campaigns", &campaign("usual", "expo"))
        .await
        .json()
        .unwrap();
    assert_eq!(
        usual,
        json!({ "campaign": "usual", "offer": "expo", "offer_version": 1 })
    );
    assert_eq!(preview(&app, "usual", &json!({})).await["candidates"], 1);
    let steep = with(campaign("steep", "expo"), &[("threshold_bp", json!(5_001))]);
    let ruled = campaign("ruled", "garden");
    for (campaign, reason, field) in [
        (steep, "below_threshold", "threshold_bp"),
        (ruled, "suitability_unknown", "offer"),
    ] {
        let reply = app.post("/v1/campaigns", &campaign).await;
        assert_eq!(reply.status, 201, "it is told and not refused: {}", reply.text());
        let told: Value = reply.json().unwrap();
        let notes = told["notes"].as_array().unwrap();
        assert_eq!(notes.len(), 1, "{told}");
        assert_eq!(notes[0]["code"], "unreached_without_profiling");
        assert_eq!(
            (&notes[0]["reason"], &notes[0]["field"]),
            (&json!(reason), &json!(field))
        );
        // And so it is.
        let reach = preview(&app, campaign["id"].as_str().unwrap(), &json!({})).await;
        assert_eq!(reach["withheld"], json!({ (reason): 1 }), "{reach}");
    }
}

#[tokio::test]
async fn a_large_audience_is_sampled_and_the_truth_lies_within_the_margin() {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    app.add_campaign(&campaign("letter", "expo")).await;
    // 650 cells of one person each; every third agrees to nothing but the use of the home.
    let people: Vec<_> = (0u32..650)
        .map(|number| {
            let home = json!({
                "latitude": 44.0 + f64::from(number / 26) * 0.25,
                "longitude": -1.0 + f64::from(number % 26) * 0.3,
            });
            (format!("c-{number}"), home, number % 3 != 0)
        })
        .collect();
    for people in people.chunks(50) {
        let customers: Vec<_> = people
            .iter()
            .map(|(id, home, _)| {
                let contact =
                    json!({ "email": format!("{id}@mail.example"), "language": "fr", "time_zone": "Europe/Paris" });
                with(lyonnais(id), &[("home", home.clone()), ("contact", contact)])
            })
            .collect();
        app.store(&customers).await;
        let events: Vec<_> = people
            .iter()
            .flat_map(|(id, _, agrees)| {
                if *agrees {
                    all_consents(id)
                } else {
                    vec![grant(id, "home_location")]
                }
            })
            .collect();
        for events in events.chunks(50) {
            app.record(events).await;
        }
    }
    let truth = people.iter().filter(|(.., agrees)| *agrees).count().try_into().unwrap();

    let told = preview(&app, "letter", &json!({})).await;
    assert_eq!(told["complete"], false, "{told}");
    // All but those who have no known home leave two calls to these.
    assert_eq!(told["cells_considered"], 589, "{told}");
    assert_eq!(told["estimate"]["people"], 650, "{told}");
    let figure = |name: &str| told["estimate"][name].as_u64().unwrap();
    assert!((1..40).contains(&figure("margin")), "{told}");
    assert!(figure("reach").abs_diff(truth) <= figure("margin"), "{truth} {told}");
    assert_eq!(told["candidates"], told["estimate"]["reach"]);
    let without = 650 - truth;
    let (told_of, margin) = (
        &told["withheld"]["no_consent"],
        &told["margins"]["withheld"]["no_consent"],
    );
    assert!(
        told_of.as_u64().unwrap().abs_diff(without) <= margin.as_u64().unwrap(),
        "{told}"
    );
    // Each cell holds one person.
    let cells = told["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 1, "{told}");
    assert_eq!(
        (&cells[0]["cell"], &cells[0]["people"]),
        (&json!("elsewhere"), &json!(650)),
        "{told}"
    );
    assert_eq!(told["examples"].as_array().unwrap().len(), 10);
    assert_eq!(
        preview(&app, "letter", &json!({})).await,
        told,
        "the same sample each time"
    );
}

#[tokio::test]
async fn a_decision_comes_with_the_table_of_the_marketer_and_the_words_of_the_person() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    app.welcome(&lyonnais("camille")).await;
    app.welcome(&with(lyonnais("marseille"), &[("home", json!({ "commune": "13055" }))]))
        .await;
    assert_eq!(app.take_through("expo-1").await["sent"], 1);

    let sent = app.decision("expo-1", "camille").await;
    assert_eq!(sent["source"], "receipt");
    let table = sent["table"].as_array().unwrap();
    let factors: BTreeSet<_> = table.iter().filter_map(|row| row["factor"].as_str()).collect();
    assert_eq!(factors.len(), 5, "{sent}");
    let column = |name: &str| table.iter().filter_map(|row| row[name].as_u64()).sum::<u64>();
    assert_eq!(column("weight_percent"), 100);
    let relevance = sent["relevance_bp"].as_u64().unwrap();
    assert!(relevance - column("contribution_bp") < 5, "{sent}");
    let mail = &app.outbox()[0].text.replace('\n', " ");
    assert!(
        mail.contains(sent["to_the_person"]["fr"].as_str().unwrap()),
        "{mail} {sent}"
    );

    let far = app.decision("expo-1", "marseille").await;
    assert!(far.get("table").is_none(), "no gate has a score: {far}");
    assert_eq!(
        far["to_the_person"],
        json!({ "fr": "C’était trop loin pour vous.", "en": "It was too far away for you." })
    );
}

#[tokio::test]
async fn what_is_held_and_no_offer_reads_is_named() {
    let app = TestApp::start().await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    // The newest version reads no home, but the campaign still holds the first.
    app.add_offer(&catalogue()).await;
    let facts = ("facts", json!({ "dwelling.garden": true }));
    app.welcome(&with(lyonnais("camille"), &[facts])).await;
    app.welcome(&lyonnais("dominique")).await;
    let held = |attribute: &str, held_of: u64, read_by: &[&str]| json!({ "attribute": attribute, "held_of": held_of, "unread": read_by.is_empty(), "read_by": read_by });
    let told: Value = app.get("/v1/minimisation").await.json().unwrap();
    assert_eq!(
        told["attributes"],
        json!([
            held("home", 2, &["expo"]),
            held("interests", 2, &["expo"]),
            held("dwelling.garden", 1, &[])
        ]),
        "{told}"
    );
    assert_eq!((&told["considered"], &told["complete"]), (&json!(2), &json!(true)));
    // Ninety days after its end the offer is no reason any more.
    app.advance(jiff::SignedDuration::from_hours(24 * 130));
    let later: Value = app.get("/v1/minimisation?days=90").await.json().unwrap();
    let unread = later["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|each| each["unread"] == true);
    assert_eq!(unread.count(), 3, "{later}");
    for days in ["0", "3651", "-1", "x"] {
        let refused = app.get(&format!("/v1/minimisation?days={days}")).await;
        assert_eq!(refused.status, 422, "{days}");
    }
}
