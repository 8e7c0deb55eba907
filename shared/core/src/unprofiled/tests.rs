//! Claims about who can be reached without profiling.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::attribute::{Attribute, Fact};
use crate::audience::{Tie, TopicStates, Whereabouts};
use crate::brand::Brand;
use crate::campaign::{Audience, Run};
use crate::category::Category;
use crate::consent::ConsentState;
use crate::context::Lifecycle;
use crate::decision::{Proposal, judge};
use crate::fixture::{self, because, offer_with, uses};
use crate::habit::GoodHours;
use crate::ids::CustomerId;
use crate::place::{Cell, UnitVector};
use crate::purchase_day::PurchaseDay;
use crate::relevance::{Factor, weight};

fn told(campaign: &Campaign, offer: &Offer) -> Vec<(&'static str, &'static str)> {
    barriers(campaign, offer)
        .into_iter()
        .map(|barrier| (barrier.reason().code(), barrier.field()))
        .collect()
}

/// What the exactness of all this rests on.
#[test]
fn nothing_that_a_rule_or_a_segment_goes_by_is_read_without_profiling() {
    let others = [Attribute::Home, Attribute::CurrentPlace];
    for attribute in Attribute::all().filter(|attribute| !others.contains(attribute)) {
        assert!(attribute.purposes().contains(&DataPurpose::Profiling), "{attribute:?}");
    }
}

#[test]
fn a_usual_campaign_has_nothing_to_tell() {
    let mut campaign = fixture::campaign();
    for goal in Goal::ALL {
        campaign.goal = goal;
        assert_eq!(told(&campaign, &fixture::offer()), [], "{goal:?}");
        let placeless = offer_with(&[("places", json!([])), ("uses", uses(&["interests", "purchases"]))]);
        assert_eq!(told(&campaign, &placeless), [], "{goal:?}");
    }
}

#[test]
fn a_segment_by_lifecycle_holds_nobody_without_profiling() {
    let mut campaign = fixture::campaign();
    campaign.audience = Audience::Lifecycle(Lifecycle::ALL.to_vec());
    let offer = offer_with(&[("uses", uses(&["home", "purchases", "lifecycle"]))]);
    assert_eq!(told(&campaign, &offer), [("outside_audience", "audience.lifecycle")]);
}

#[test]
fn a_rule_leaves_them_out_where_it_does_so_with_the_unknown() {
    let garden = json!({"attribute": "dwelling.garden", "is": true});
    let ruled = |when: &Value, unknown: &str| {
        let rule = json!({"name": "r", "when": when, "unknown": unknown, "because": because()});
        let offer = offer_with(&[
            ("uses", uses(&["home", "dwelling.garden", "interests"])),
            ("rules", json!([rule])),
        ]);
        told(&fixture::campaign(), &offer)
    };
    assert_eq!(ruled(&garden, "exclude"), [("suitability_unknown", "offer")]);
    assert_eq!(ruled(&garden, "neutral"), []);
    // Whether it is known is never unknown.
    let known = json!({"known": "dwelling.garden"});
    assert_eq!(ruled(&known, "neutral"), [("unsuitable", "offer")]);
    assert_eq!(ruled(&json!({"not": known}), "exclude"), []);
    assert_eq!(ruled(&json!({"any": [garden, {"not": known}]}), "exclude"), []);
    let liked = json!({"interested": "books"});
    assert_eq!(ruled(&liked, "exclude"), [("suitability_unknown", "offer")]);
}

#[test]
fn a_need_of_the_category_leaves_them_out_where_it_is_asked() {
    let mower = |declared: &[&str]| {
        let offer = offer_with(&[("category", json!("lawnmower")), ("uses", uses(declared))]);
        told(&fixture::campaign(), &offer)
    };
    assert_eq!(mower(&["home", "dwelling.garden"]), [("suitability_unknown", "offer")]);
    assert_eq!(mower(&["home"]), []);
}

#[test]
fn the_topic_alone_reaches_half_and_a_place_more() {
    let mut campaign = fixture::campaign();
    let placeless = offer_with(&[("places", json!([])), ("uses", uses(&["interests"]))]);
    campaign.threshold = Relevance::clamped(5_001);
    assert_eq!(
        barriers(&campaign, &placeless),
        [Barrier::Threshold(Relevance::clamped(5_000))]
    );
    // (40 × 10 000 + 20 × 5 000 + 25 × 10 000) ÷ 85, in the last week.
    let offer = offer_with(&[("season", json!([11]))]);
    campaign.threshold = Relevance::clamped(8_823);
    assert_eq!(barriers(&campaign, &offer), []);
    campaign.threshold = Relevance::clamped(8_824);
    assert_eq!(
        barriers(&campaign, &offer),
        [Barrier::Threshold(Relevance::clamped(8_823))]
    );
    // Out of season, the last week is a middling moment: (2 000 + 10 000) ÷ 2.
    let offer = offer_with(&[("season", json!([6]))]);
    let most = Relevance::clamped((40 * 10_000 + 20 * 5_000 + 25 * 6_000) / 85);
    assert_eq!(barriers(&campaign, &offer), [Barrier::Threshold(most)]);
}

#[test]
fn more_evidence_than_place_topic_and_moment_give_is_out_of_reach() {
    let mut campaign = fixture::campaign();
    let placeless = offer_with(&[
        ("places", json!([])),
        ("uses", uses(&["purchases", "lifecycle", "reaction"])),
    ]);
    // Inform: affinity 20 and moment 25.
    campaign.minimum_evidence = Relevance::clamped(4_501);
    assert_eq!(
        barriers(&campaign, &placeless),
        [Barrier::Evidence(Relevance::clamped(4_500))]
    );
    campaign.minimum_evidence = Relevance::clamped(4_500);
    assert_eq!(barriers(&campaign, &placeless), []);
}

/// Garden furniture, told of from December on: they hear of it when its season comes near.
#[test]
fn the_months_are_told_in_which_they_hear_of_nothing() {
    let mut campaign = fixture::campaign();
    campaign.goal = Goal::Retain;
    let told_until = |until: &str| {
        offer_with(&[
            ("category", json!("garden-tools")),
            ("places", json!([])),
            ("uses", uses(&["interests"])),
            ("window", json!({"from": "2026-12-01T00:00:00Z", "until": until})),
        ])
    };
    let offer = told_until("2027-07-01T00:00:00Z");
    // (35 × 5 000 + 15 × 2 000) ÷ 50.
    let most = Relevance::clamped(4_100);
    let winter = Season::of_months(&[12, 1]).unwrap();
    assert_eq!(barriers(&campaign, &offer), [Barrier::OutOfSeason(winter, most)]);
    campaign.threshold = most;
    assert_eq!(barriers(&campaign, &offer), []);
    campaign.threshold = Relevance::clamped(5_000);
    assert_eq!(
        barriers(&campaign, &told_until("2027-01-25T00:00:00Z")),
        [Barrier::OutOfSeason(winter, most)],
        "but for its last week"
    );
    campaign.threshold = Relevance::clamped(5_001);
    assert_eq!(
        barriers(&campaign, &offer),
        [Barrier::Threshold(Relevance::clamped(5_000))],
        "in no month"
    );
}

#[test]
fn every_barrier_has_a_sentence_in_each_language() {
    let offer = offer_with(&[(
        "rules",
        json!([{"name": "reads", "when": {"interested": "books"}, "because": because()}]),
    )]);
    let rule = Barrier::Rule(&offer.rules[0], Reason::SuitabilityUnknown);
    assert_eq!(
        rule.text(Language::English),
        "The rule “reads” leaves out everybody who has not agreed to profiling: what it asks for may not be read."
    );
    assert_eq!(
        Barrier::Threshold(Relevance::clamped(5_000)).text(Language::French),
        "Qui n’a pas accepté le profilage atteint au plus 5000 bp."
    );
}

/// An offer and a campaign of any kind, as far as it matters to whoever does not agree to profiling.
fn proposals() -> impl Strategy<Value = (Offer, Campaign)> {
    let attributes: Vec<&'static str> = Attribute::all().map(Attribute::code).collect();
    let conditions = vec![
        json!({"attribute": "dwelling.garden", "is": true}),
        json!({"known": "dwelling.garden"}),
        json!({"not": {"known": "dwelling.garden"}}),
        json!({"any": [{"interested": "books"}, {"not": {"known": "dwelling.lift"}}]}),
        json!({"all": [{"purchased": "books", "within_days": 300}, {"attribute": "dwelling.lift", "is": false}]}),
    ];
    let rule = (
        prop::sample::select(conditions),
        prop::sample::select(vec!["exclude", "neutral"]),
    );
    let categories: Vec<Category> = Category::all().collect();
    let offer = (
        prop::sample::subsequence(attributes, 0..=19),
        prop::collection::vec(rule, 0..2),
        prop::sample::select(categories),
        prop::collection::vec(any::<bool>(), 0..3),
        proptest::option::of(prop::collection::vec(1u8..=12, 1..4)),
        (0i64..400, 1i64..9_000),
    )
        .prop_map(|(declared, rules, category, places, season, (begins, hours))| {
            let ruled = ["dwelling.garden", "dwelling.lift", "interests", "purchases"];
            let located = ["home", "current_place"];
            let (mut declared, placed) = (declared, !places.is_empty());
            declared.retain(|code| rules.is_empty() || !ruled.contains(code));
            declared.retain(|code| !placed || *code != "home");
            declared.extend(ruled.iter().filter(|_| !rules.is_empty()));
            declared.extend(located.iter().take(usize::from(placed)));
            let names = declared.clone();
            declared.retain(|code| {
                let from = Attribute::from_code(code).and_then(Attribute::follows_from);
                from.is_none_or(|from| names.contains(&from.code()))
            });
            let from = fixture::now() + SignedDuration::from_hours(24 * begins);
            let rules: Vec<Value> = (0..)
                .zip(rules)
                .map(|(number, (when, unknown))| {
                    json!({"name": format!("r{number}"), "when": when, "unknown": unknown, "because": because()})
                })
                .collect();
            let places: Vec<Value> = (0..)
                .zip(places)
                .map(|(number, has_hours)| place(number, has_hours))
                .collect();
            offer_with(&[
                ("uses", uses(&declared)),
                ("rules", json!(rules)),
                ("category", json!(category.slug())),
                ("places", json!(places)),
                ("season", json!(season)),
                (
                    "window",
                    json!({"from": from.to_string(), "until": (from + SignedDuration::from_hours(hours)).to_string()}),
                ),
            ])
        });
    let figures = (0u32..=10_000, prop_oneof![Just(0u32), 0u32..=10_000]);
    let segment = prop::bool::weighted(0.2);
    (offer, prop::sample::select(Goal::ALL.to_vec()), figures, segment).prop_map(
        |(offer, goal, (threshold, evidence), segment)| {
            let mut campaign = fixture::campaign();
            campaign.goal = goal;
            campaign.threshold = Relevance::clamped(threshold);
            campaign.minimum_evidence = Relevance::clamped(evidence);
            if segment {
                campaign.audience = Audience::Lifecycle(vec![Lifecycle::Active, Lifecycle::Prospect]);
            }
            (offer, campaign)
        },
    )
}

fn place(number: u32, has_hours: bool) -> Value {
    let mut place = json!({
        "id": format!("p{number}"), "name": "Halle", "latitude": 45.7 + 0.2 * f64::from(number), "longitude": 4.8,
        "radius_m": 30_000
    });
    if has_hours {
        place["hours"] = json!({"tuesday": ["10:00-18:00"], "saturday": ["09:00-12:00", "14:00-23:00"]});
    }
    place
}

/// Somebody who agreed to the topic and not to profiling, of whom all may be recorded.
fn refusers() -> impl Strategy<Value = AudienceRecord> {
    let tie = prop_oneof![
        Just(Tie::Interest),
        (0u8..90, 1u8..=28).prop_map(|(month, day)| Tie::Bought(PurchaseDay::from_bytes([month, day]).unwrap()))
    ];
    let ties = prop::collection::vec((prop::sample::select(Category::all().collect::<Vec<_>>()), tie), 0..8);
    let places = (proptest::option::of(point()), proptest::option::of(point()));
    let facts = proptest::option::of(0i16..2);
    (
        0u8..16,
        places,
        ties,
        facts,
        prop::sample::select(Lifecycle::ALL.to_vec()),
        any::<[u8; 2]>(),
    )
        .prop_map(|(purposes, (home, current), ties, fact, lifecycle, hours)| {
            let mut record = refuser(purposes);
            record.home = home;
            record.current_place = current.map(|at| Whereabouts {
                at,
                until_hour: 999_999,
            });
            record.ties = ties;
            record.lifecycle = lifecycle;
            record.reaction = 5;
            record.good_hours = GoodHours::from_bytes(hours);
            for each in [Fact::Garden, Fact::Lift, Fact::Ventilation] {
                record.facts.set(each, fact).unwrap();
            }
            record
        })
}

fn point() -> impl Strategy<Value = UnitVector> {
    (45.5f64..46.1, 4.7f64..4.9).prop_map(|(north, east)| Cell::at_degrees(north, east).unwrap().centre())
}

fn refuser(purposes: u8) -> AudienceRecord {
    let brand = fixture::brand();
    let number = brand.topics.number(&fixture::campaign().topic).unwrap();
    let mut record = nothing_known();
    record.hint.topics = TopicStates::default().with(number, ConsentState::Granted { record: 1 });
    record.hint.purposes &= purposes;
    assert!(!record.hint.allows(DataPurpose::Profiling));
    record
}

fn is_reached(
    brand: &Brand,
    run: &Run,
    (offer, campaign): (&Offer, &Campaign),
    record: &AudienceRecord,
    now: Timestamp,
) -> bool {
    let proposal = Proposal {
        brand,
        offer,
        campaign,
        run,
    };
    judge(proposal, &CustomerId::new("c1").unwrap(), record, now).is_ok()
}

/// When an offer is tried: at all that it is told by, and a little before its end.
fn times(offer: &Offer) -> Vec<Timestamp> {
    let ends = later(offer.window.until, SignedDuration::from_mins(-16));
    instants(offer)
        .chain([ends])
        .filter(|at| *at >= offer.window.from)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is recorded of them, whenever.
    #[test]
    fn whom_a_barrier_keeps_out_is_never_reached((offer, campaign) in proposals(), records in prop::collection::vec(refusers(), 12), part in 0.0f64..1.0) {
        let brand = fixture::brand();
        let run = fixture::run(&brand);
        let barriers = barriers(&campaign, &offer);
        let out_of_season = barriers.iter().find_map(|barrier| {
            let Barrier::OutOfSeason(months, _) = barrier else { return None };
            Some(*months)
        });
        if !barriers.is_empty() {
            let length = offer.window.until.duration_since(offer.window.from);
            let drawn = later(offer.window.from, length.mul_f64(part));
            let ends_soon = later(offer.window.until, -SOON);
            let closed = |at: &Timestamp| {
                out_of_season.is_none_or(|months| *at < ends_soon && months.fit(EpochDay::of(*at).month()) == 10_000)
            };
            for at in times(&offer).into_iter().step_by(20).chain([drawn]).filter(closed) {
                for record in &records {
                    prop_assert!(!is_reached(&brand, &run, (&offer, &campaign), record, at), "{at} {campaign:?}");
                }
            }
        }
    }

    /// Where there is no barrier, somebody can be reached: who is at a place, at the best moment. Whether a place is open then
    /// is left to the hours that it has.
    #[test]
    fn without_a_barrier_somebody_is_reached((mut offer, campaign) in proposals()) {
        let brand = fixture::brand();
        let run = fixture::run(&brand);
        offer.places.iter_mut().for_each(|place| place.hours = None);
        let mut record = refuser(u8::MAX);
        record.home = offer.places.first().map(|place| place.centre);
        let reached = times(&offer).into_iter().any(|at| is_reached(&brand, &run, (&offer, &campaign), &record, at));
        let barriers = barriers(&campaign, &offer);
        // In each month that is not told of, too.
        if let [Barrier::OutOfSeason(months, _)] = barriers.as_slice() {
            let ends_soon = later(offer.window.until, -SOON);
            for month in (1..=12).filter(|month| months.fit(*month) < 10_000) {
                let mut those = times(&offer).into_iter().filter(|at| *at < ends_soon && EpochDay::of(*at).month() == month).peekable();
                let is_tried = those.peek().is_some();
                prop_assert!(!is_tried || those.any(|at| is_reached(&brand, &run, (&offer, &campaign), &record, at)), "{month}");
            }
        }
        prop_assert_eq!(reached, !barriers.iter().any(|barrier| barrier.always_closes()), "{:?} {:?}", barriers, campaign);
    }
}

#[test]
fn the_best_score_is_a_mean_of_what_the_goal_weighs() {
    let best = best_scores(Goal::Acquire, &fixture::offer(), Relevance::clamped(5_000), |_| true);
    let weights = weight(Goal::Acquire, Factor::Proximity) + weight(Goal::Acquire, Factor::Affinity);
    let least = best.iter().map(|score| score.evidence).min();
    assert_eq!(least, Some(Relevance::clamped(100 * weights)));
}
