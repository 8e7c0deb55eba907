//! The founding idea: the same offer, told to whom it suits, withheld from whom it does not, and explained either way.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_local::scenario;
use apropos_tests::words::{LYON, all_consents, campaign, catalogue, exhibition, grant, lyonnais, uses, with};
use apropos_tests::{TestApp, accepted};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A stack with the demonstration's campaign of this id.
async fn proposing(id: &str) -> TestApp {
    let app = TestApp::start().await;
    let campaigns = scenario::brands().into_iter().flat_map(|brand| brand.campaigns);
    let found = campaigns.into_iter().find(|campaign| campaign.id() == id).unwrap();
    app.add_offer(&found.offer).await;
    app.add_campaign(&found.campaign).await;
    app
}

/// Someone in Lyon who bought something last month and likes this category.
fn fond_of(id: &str, category: &str) -> Value {
    with(
        lyonnais(id),
        &[
            ("interests", json!([category])),
            ("last_activity", json!("2026-11-28")),
            ("purchases", json!([{ "category": "books", "on": "2026-11-10" }])),
        ],
    )
}

/// The outcome and the reason of a decision.
fn outcome(decision: &Value) -> (&str, Option<&str>) {
    (decision["outcome"].as_str().unwrap(), decision["reason"].as_str())
}

#[tokio::test]
async fn a_lawnmower_is_for_people_with_a_garden() {
    let app = proposing("tondeuse").await;
    for (id, facts) in [
        ("garden", json!({ "dwelling.kind": "house", "dwelling.garden": true })),
        ("flat", json!({ "dwelling.kind": "flat", "dwelling.garden": false })),
        ("unknown", json!({})),
    ] {
        app.welcome(&with(fond_of(id, "lawnmower"), &[("facts", facts)])).await;
    }
    let report = app.take_through("tondeuse").await;
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(
        report["withheld"],
        json!({ "unsuitable": 1, "suitability_unknown": 1 }),
        "{report}"
    );
    assert_eq!(app.outbox()[0].to, "garden@mail.example");

    let flat = app.decision("tondeuse", "flat").await;
    assert_eq!(outcome(&flat), ("withheld", Some("unsuitable")));
    assert_eq!(flat["rule"], "needs-a-garden");
    assert_eq!(
        flat["explanation"],
        json!({ "fr": "Non envoyé\u{a0}: pas de jardin à tondre.", "en": "Withheld: there is no garden to mow." })
    );
    let unknown = app.decision("tondeuse", "unknown").await;
    assert_eq!(outcome(&unknown), ("withheld", Some("suitability_unknown")));
    let explanation = unknown["explanation"]["en"].as_str().unwrap();
    assert_eq!(
        explanation,
        "Withheld: whether the offer suits this person’s situation is not known (needs-a-garden)."
    );
}

#[tokio::test]
async fn who_has_a_lawnmower_is_not_offered_another() {
    let app = proposing("tondeuse").await;
    let mower = json!({ "category": "robot-lawnmower", "on": "2025-05-10" });
    // A good customer buys many other things.
    let since = [
        "books",
        "candles",
        "coffee-pods",
        "lighting",
        "paint",
        "bedding",
        "dog-food",
        "coats",
        "headphones",
        "nappies",
    ];
    let all = since.map(|category| json!({ "category": category, "on": "2026-10-10" }));
    for (owner, purchases) in [
        ("owner", json!([mower])),
        ("regular", std::iter::once(mower).chain(all).collect()),
    ] {
        let garden = json!({ "dwelling.garden": true });
        app.welcome(&with(
            fond_of(owner, "garden-tools"),
            &[("facts", garden), ("purchases", purchases)],
        ))
        .await;
    }
    let report = app.take_through("tondeuse").await;
    assert_eq!(report["withheld"], json!({ "already_has": 2 }), "{report}");
}

#[tokio::test]
async fn a_tall_tree_goes_where_it_gets_to_the_door_and_stands_upright() {
    let app = proposing("sapin-3m").await;
    let flat =
        |lift: bool, floor: i32| json!({ "dwelling.kind": "flat", "dwelling.lift": lift, "dwelling.floor": floor });
    let homes = [
        ("house", json!({ "dwelling.kind": "house" }), None),
        ("lift", flat(true, 6), None),
        ("first-floor", flat(false, 1), None),
        ("upstairs", flat(false, 4), Some("gets-to-the-door")),
        (
            "low-ceiling",
            json!({ "dwelling.kind": "house", "dwelling.ceiling_height": 25 }),
            Some("stands-upright"),
        ),
    ];
    for (id, facts, _) in &homes {
        let customer = fond_of(id, "christmas-decorations");
        app.welcome(&with(customer, &[("facts", facts.clone())])).await;
    }
    let report = app.take_through("sapin-3m").await;
    assert_eq!(report["sent"], 3, "{report}");
    assert_eq!(report["withheld"], json!({ "unsuitable": 2 }), "{report}");
    for (id, _, rule) in homes {
        let decision = app.decision("sapin-3m", id).await;
        let expected = rule.map_or(("sent", None), |_| ("withheld", Some("unsuitable")));
        assert_eq!(outcome(&decision), expected, "{id}");
        assert_eq!(decision["rule"].as_str(), rule, "{id}");
    }
    let upstairs = app.decision("sapin-3m", "upstairs").await;
    assert_eq!(
        upstairs["explanation"],
        json!({
            "fr": "Non envoyé\u{a0}: un appartement en étage, sans ascenseur.",
            "en": "Withheld: a flat upstairs, without a lift.",
        })
    );
}

#[tokio::test]
async fn an_exhibition_is_told_to_people_near_it() {
    let app = proposing("expo-lumieres").await;
    for (id, commune) in [("lyon", "69123"), ("villeurbanne", "69266"), ("marseille", "13055")] {
        let customer = fond_of(id, "exhibition-tickets");
        app.welcome(&with(customer, &[("home", json!({ "commune": commune }))]))
            .await;
    }
    // Lives next door, and did not agree that we use it.
    app.store(&[fond_of("private", "exhibition-tickets")]).await;
    app.record(&all_consents("private")[..2]).await;
    let report = app.take_through("expo-lumieres").await;
    assert_eq!(report["sent"], 2, "{report}");
    assert_eq!(
        report["withheld"],
        json!({ "too_far": 1, "place_unknown": 1 }),
        "{report}"
    );
    let far = app.decision("expo-lumieres", "marseille").await;
    assert_eq!(outcome(&far), ("withheld", Some("too_far")));
    let near = app.decision("expo-lumieres", "lyon").await;
    assert_eq!(outcome(&near), ("sent", None));
    let proximity = |decision: &Value| decision["contributions_bp"]["proximity"].as_u64().unwrap();
    let further = app.decision("expo-lumieres", "villeurbanne").await;
    assert!(proximity(&near) > proximity(&further), "{near} {further}");
}

#[tokio::test]
async fn running_gear_follows_a_recent_purchase_of_running_shoes() {
    let app = proposing("tenue-running").await;
    for (id, category, on) in [
        ("runner", "running-shoes", "2026-10-20"),
        ("former", "running-shoes", "2025-10-20"),
        ("reader", "books", "2026-10-20"),
    ] {
        let purchases = json!([{ "category": category, "on": on }]);
        app.welcome(&with(fond_of(id, "running-gear"), &[("purchases", purchases)]))
            .await;
    }
    let report = app.take_through("tenue-running").await;
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(report["withheld"], json!({ "unsuitable": 2 }), "{report}");
    assert_eq!(outcome(&app.decision("tenue-running", "runner").await), ("sent", None));
    for id in ["former", "reader"] {
        let decision = app.decision("tenue-running", id).await;
        assert_eq!(decision["rule"], "bought-running-shoes");
        assert_eq!(
            decision["explanation"]["en"],
            "Withheld: no recent purchase of running shoes."
        );
    }
    let mail = &app.outbox()[0];
    assert!(mail.text.contains("parce que"), "{}", mail.text);
}

#[tokio::test]
async fn who_refuses_profiling_stays_subscribed_and_is_judged_by_their_home_and_the_topic_they_chose() {
    let app = proposing("expo-lumieres").await;
    app.store(&[fond_of("next-door", "exhibition-tickets")]).await;
    app.record(&all_consents("next-door")).await;
    app.store(&[fond_of("refuses", "exhibition-tickets")]).await;
    let mut consents = all_consents("refuses");
    consents[1]["act"] = json!("deny");
    app.record(&consents).await;
    let report = app.take_through("expo-lumieres").await;
    assert_eq!(report["sent"], 2, "{report}");
    let judged = app.decision("expo-lumieres", "next-door").await;
    assert!(judged["contributions_bp"]["affinity"].as_u64().is_some(), "{judged}");
    let refuses = app.decision("expo-lumieres", "refuses").await;
    assert_eq!(refuses["outcome"], "sent");
    let factors: Vec<_> = refuses["contributions_bp"].as_object().unwrap().keys().collect();
    assert_eq!(factors, ["affinity", "proximity"], "{refuses}");
    // A liking of 8 000 counts for one; for the other the topic alone, which is 5 000.
    let affinity = |decision: &Value| decision["contributions_bp"]["affinity"].as_u64().unwrap();
    assert!(affinity(&refuses) < affinity(&judged), "{refuses} {judged}");
}

#[tokio::test]
async fn who_refuses_profiling_and_hides_their_home_still_gets_the_topic() {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    app.add_campaign(&json!({ "id": "letter", "offer": "expo", "topic": "offers", "goal": "inform" }))
        .await;
    app.store(&[fond_of("refuses", "candles")]).await;
    app.record(&all_consents("refuses")[..1]).await;
    // Who agreed is judged by what they like, which is something else.
    let other = with(fond_of("likes-candles", "candles"), &[("purchases", json!([]))]);
    app.welcome(&other).await;
    let report = app.take_through("letter").await;
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(report["withheld"], json!({ "no_reason_to_write": 1 }), "{report}");
    assert_eq!(app.outbox()[0].to, "refuses@mail.example");
}

#[tokio::test]
async fn somebody_who_is_there_now_is_told_for_a_few_hours_if_they_agreed_to_it() {
    let app = TestApp::start().await;
    let offer = with(exhibition(), &[("uses", uses(&["home", "current_place", "interests"]))]);
    app.add_offer(&offer).await;
    for id in ["now", "later"] {
        app.add_campaign(&with(campaign(id, "expo"), &[("audience", json!("near_places"))]))
            .await;
    }
    let (latitude, longitude) = LYON;
    let visiting = |id: &str| {
        let place = json!({ "latitude": latitude, "longitude": longitude, "at": "2026-12-01T08:30:00Z", "hours": 3 });
        with(
            fond_of(id, "exhibition-tickets"),
            &[("home", json!({ "commune": "13055" })), ("current_place", place)],
        )
    };
    app.welcome(&visiting("agreed")).await;
    app.record(&[grant("agreed", "current_location")]).await;
    app.welcome(&visiting("unasked")).await;
    let report = app.take_through("now").await;
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(report["withheld"], json!({ "too_far": 1 }), "{report}");
    assert_eq!(app.outbox()[0].to, "agreed@mail.example");
    // In the afternoon nobody knows where they are.
    app.advance(SignedDuration::from_hours(4));
    let report = app.take_through("later").await;
    assert_eq!(report["withheld"], json!({ "too_far": 2 }), "{report}");
}

#[tokio::test]
async fn an_offer_that_needs_what_may_not_be_read_is_withheld() {
    let app = proposing("tondeuse").await;
    let customer = with(
        fond_of("refuses", "lawnmower"),
        &[("facts", json!({ "dwelling.garden": true }))],
    );
    app.store(&[customer]).await;
    let mut consents = all_consents("refuses");
    consents[1]["act"] = json!("deny");
    app.record(&consents).await;
    let report = app.take_through("tondeuse").await;
    // They have a garden, and we may not know it.
    assert_eq!(report["withheld"], json!({ "suitability_unknown": 1 }), "{report}");
}

#[tokio::test]
async fn a_ranking_calls_relevant_what_a_campaign_would_send_and_lists_apart_what_the_goal_cannot_judge() {
    let app = TestApp::start().await;
    app.add_offer(&catalogue()).await;
    let refill = with(
        catalogue(),
        &[
            ("id", json!("refill")),
            ("category", json!("coffee-pods")),
            ("uses", uses(&["purchases"])),
        ],
    );
    app.add_offer(&refill).await;
    // One likes what goes with exhibitions, the other neither them nor anything beside them.
    for (customer, likes) in [("camille", "books"), ("diego", "lawnmower")] {
        app.welcome(&with(lyonnais(customer), &[("interests", json!([likes]))]))
            .await;
    }
    let ranking = async |asked: &[(&str, Value)]| {
        let question = with(json!({ "customer": "camille", "topic": "offers" }), asked);
        accepted(&app.post("/v1/relevance", &question).await)
    };
    let expo = |ranking: &Value| {
        let offers = ranking["offers"].as_array().unwrap();
        let found = offers.iter().find(|each| each["offer"] == "expo").unwrap();
        (
            found["decision"].clone(),
            found["reason"].clone(),
            found["relevance_bp"].clone(),
        )
    };
    // As a campaign that says nothing of thresholds would.
    let usual = ranking(&[]).await;
    assert_eq!(expo(&usual), (json!("relevant"), Value::Null, json!(5_000)));
    assert!(usual.get("not_judged").is_none(), "{usual}");
    let more = ranking(&[("threshold_bp", json!(5_001))]).await;
    assert_eq!(expo(&more), (json!("withheld"), json!("below_threshold"), json!(5_000)));
    // Whatever is asked for, what nothing speaks for is not relevant.
    let all = [
        ("customer", json!("diego")),
        ("threshold_bp", json!(0)),
        ("minimum_evidence_bp", json!(0)),
    ];
    assert_eq!(
        expo(&ranking(&all).await),
        (json!("withheld"), json!("no_reason_to_write"), json!(0))
    );
    let known = ranking(&[("minimum_evidence_bp", json!(10_000))]).await;
    assert_eq!(expo(&known).1, json!("too_little_known"));
    // What somebody needs next goes by what they bought, which one of the two offers does not read.
    let next = ranking(&[("goal", json!("anticipate"))]).await;
    assert_eq!(next["offers"][0]["offer"], "refill");
    assert_eq!(
        next["not_judged"],
        json!([{ "offer": "expo", "version": 1, "detail": "goal reads 'purchases', which the offer does not declare in uses" }])
    );
}

#[tokio::test]
async fn a_ranking_s_thresholds_are_basis_points() {
    let app = TestApp::start().await;
    for field in ["threshold_bp", "minimum_evidence_bp"] {
        let asked = json!({ "customer": "camille", "topic": "offers", field: 10_001 });
        let answer = app.post("/v1/relevance", &asked).await;
        assert_eq!(answer.status, 422);
        let problem: Value = answer.json().unwrap();
        assert_eq!(problem["field"], field, "{problem}");
    }
}
