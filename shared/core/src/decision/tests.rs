//! Claims about decisions.

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::*;
use crate::attribute::{Fact, Facts};
use crate::audience::{ConsentHint, Habits, Tie, TopicStates, Whereabouts};
use crate::brand::TopicNumber;
use crate::category::Category;
use crate::consent::{Act, Actor, ConsentEvent, ConsentState, Consents, DataPurpose, Evidence, LegalBasis, Purpose};
use crate::context::{CustomerContext, Lifecycle, Purchase};
use crate::document::{BrandDocument, CampaignDocument, OfferDocument};
use crate::email::EmailAddress;
use crate::fixture::{because, uses};
use crate::habit::GoodHours;
use crate::ids::{CampaignId, EventId};
use crate::language::Language;
use crate::place::{Cell, squared_chord};
use crate::purchase_day::PurchaseDay;
use crate::segment::Stages;
use crate::time::{EpochDay, TimeZoneName};
use crate::travel::Area;

mod declared;
mod gates;
mod model;
mod more;
mod nearness;
mod timing;

/// One brand, its offer and campaign, as documents that a test may change, and what is known of one person.
struct World {
    brand: Value,
    offer: Value,
    campaign: Value,
    status: RunStatus,
    record: AudienceRecord,
    standing: Standing,
    waited: bool,
    now: Timestamp,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(id: &str, purpose: &str, act: Act, when: Timestamp) -> ConsentEvent {
    ConsentEvent {
        id: EventId::new(id).unwrap(),
        purpose: Purpose::from_code(purpose).unwrap(),
        act,
        effective_at: when,
        expires_at: None,
        legal_basis: LegalBasis::Consent,
        actor: Actor::Customer,
        evidence: Evidence {
            affirmative_action: "ticked_box".into(),
            method: "web_form".into(),
            notice: None,
            source: "https://shop.example.com".into(),
            double_opt_in_at: None,
            previous: None,
        },
    }
}

/// As many cases as are asked for, the same each time.
fn sample<T>(strategy: impl Strategy<Value = T>, cases: usize) -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    (0..cases).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

/// Someone in Lyon who agreed to everything and likes exhibitions, a Tuesday morning, an exhibition in Lyon.
fn world() -> World {
    let now = at("2026-12-01T09:00:00Z");
    let mut consents = Consents::default();
    for (number, purpose) in ["email.offers", "profiling", "home_location", "measurement"]
        .iter()
        .enumerate()
    {
        let seq = u32::try_from(number).unwrap() + 1;
        consents.record(
            &event(&format!("e{number}"), purpose, Act::Grant, at("2026-01-01T00:00:00Z")),
            seq,
        );
    }
    let standing = Standing {
        version: 3,
        consents,
        ..Standing::default()
    };
    let lyon = Cell::at_degrees(45.7640, 4.8357).unwrap();
    let record = AudienceRecord {
        context_version: 1,
        hint: ConsentHint {
            topics: TopicStates::default().with(TopicNumber::new(0).unwrap(), ConsentState::Granted { record: 1 }),
            purposes: 0b1111,
            no_marketing: false,
            paused_until: 0,
        },
        home: Some(lyon.centre()),
        area: None,
        current_place: None,
        good_hours: GoodHours::default(),
        lifecycle: Lifecycle::Active,
        stages: None,
        threshold: None,
        last_contact: None,
        heard_on: None,
        reaction: 0,
        facts: Facts::default(),
        ties: vec![(Category::from_slug("exhibition-tickets").unwrap(), Tie::Interest)],
    };
    World {
        brand: json!({
            "id": "b", "name": "Lumen", "imprint": "Lumen, Lyon", "sender": "hello@example.com",
            "list_domain": "example.com",
            "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
            "notice": {"id": "n", "version": "1", "hash": "ab".repeat(32), "language": "fr"}
        }),
        offer: json!({
            "id": "o", "title": {"fr": "Expo", "en": "Show"}, "text": {"fr": "Venez", "en": "Come"},
            "link": "https://example.com/expo", "category": "exhibition-tickets",
            "places": [{"id": "p", "name": "Halle", "latitude": 45.7640, "longitude": 4.8357, "radius_m": 30_000}],
            "uses": uses(&["home", "interests", "purchases", "lifecycle", "dwelling.garden"]),
            "window": {"from": "2026-11-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}
        }),
        campaign: json!({"id": "c", "offer": "o", "topic": "offers", "goal": "inform"}),
        status: RunStatus::Running,
        record,
        standing,
        waited: false,
        now,
    }
}

impl World {
    fn with<T>(&self, then: impl FnOnce(Proposal<'_>, &CustomerId) -> T) -> T {
        let brand: BrandDocument = serde_json::from_value(self.brand.clone()).unwrap();
        let brand = Brand::try_from(&brand).unwrap();
        let offer: OfferDocument = serde_json::from_value(self.offer.clone()).unwrap();
        let offer = offer.store(1).unwrap().parse().unwrap();
        let campaign: CampaignDocument = serde_json::from_value(self.campaign.clone()).unwrap();
        let campaign = campaign.parse(1).unwrap();
        let run = Run {
            brand: brand.id.clone(),
            campaign: CampaignId::new("c").unwrap(),
            id: RunId::new("r").unwrap(),
            launched_at: self.now,
            status: self.status,
            tasks: 1,
            key: [1; 16],
        };
        let customer = CustomerId::new("c1").unwrap();
        then(
            Proposal {
                brand: &brand,
                offer: &offer,
                campaign: &campaign,
                run: &run,
            },
            &customer,
        )
    }

    fn judged(&self) -> Result<Score, Withheld> {
        self.with(|proposal, customer| judge(proposal, customer, &self.record, self.now))
    }

    /// The score of somebody who comes so far, whatever comes of it.
    fn scored(&self) -> Score {
        self.judged().unwrap_or_else(|withheld| withheld.score.unwrap())
    }

    fn reason(&self) -> Option<Reason> {
        self.judged().err().map(|withheld| withheld.reason)
    }

    fn decided(&self) -> Decision {
        self.decided_for("Europe/Paris")
    }

    fn decided_for(&self, zone: &str) -> Decision {
        let contact = ContactPoint {
            address: EmailAddress::parse("camille@example.com").unwrap(),
            language: Language::French,
            time_zone: TimeZoneName::new(zone).unwrap(),
        };
        self.decided_at(Reachable::Yes(&contact))
    }

    fn decided_at(&self, reachable: Reachable<'_>) -> Decision {
        self.with(|proposal, customer| {
            let fresh = Fresh {
                customer,
                standing: &self.standing,
                record: &self.record,
                reachable,
                waited: self.waited,
                rivals: &[],
            };
            decide(proposal, fresh, AttemptId::new("a").unwrap(), self.now)
        })
    }

    fn final_reason(&self) -> Option<Reason> {
        match self.decided() {
            Decision::Withheld(withheld) => Some(withheld.reason),
            Decision::Approved(_) | Decision::Deferred { .. } => None,
        }
    }

    fn records(&mut self, purpose: &str, act: Act) {
        let event = event(&format!("x-{}", act.code()), purpose, act, at("2026-06-01T00:00:00Z"));
        self.standing.consents.record(&event, 9);
    }
}

#[test]
fn a_near_exhibition_for_someone_who_likes_exhibitions_is_approved() {
    let world = world();
    let Decision::Approved(approval) = world.decided() else {
        panic!("not approved")
    };
    assert_eq!(approval.consent_record(), 1);
    assert_eq!(approval.standing_version(), 3);
    // 40 × 10 000 at the place, 20 × 8 000 for a stated interest, 5 × 8 000 for an active customer, over 65.
    assert_eq!(approval.score().relevance.basis_points(), 9_230);
}

#[test]
fn withdrawn_consent_refuses_even_the_most_relevant_offer() {
    for (act, reason) in [
        (Act::Withdraw, Reason::ConsentWithdrawn),
        (Act::Deny, Reason::ConsentDenied),
        (Act::Expire, Reason::ConsentExpired),
    ] {
        let mut world = world();
        world.records("email.offers", act);
        assert_eq!(world.final_reason(), Some(reason));
    }
}

#[test]
fn an_objection_refuses_whatever_was_granted() {
    let mut world = world();
    world.records("no_marketing", Act::Grant);
    assert_eq!(world.final_reason(), Some(Reason::Objected));
    world.record.hint.no_marketing = true;
    assert_eq!(world.reason(), Some(Reason::Objected));
}

#[test]
fn scoring_knows_a_lapse_to_the_day_by_the_record_and_by_what_the_brand_keeps_now() {
    let mut world = world();
    world.brand["retention_days"] = 30.into();
    let today = crate::time::EpochDay::of(world.now).0;
    for (heard, reason) in [(today - 30, None), (today - 31, Some(Reason::ConsentExpired))] {
        world.record.heard_on = Some(crate::time::EpochDay(heard));
        assert_eq!(world.judged().err().map(|withheld| withheld.reason), reason);
    }
    world.brand["retention_days"] = 365.into();
    assert!(world.judged().is_ok());
    // What the person said themselves is the reason before that.
    world.record.hint.no_marketing = true;
    assert_eq!(world.judged().unwrap_err().reason, Reason::Objected);
}

#[test]
fn a_pause_withholds_by_its_own_reason_until_it_ends_and_then_by_nothing() {
    let mut world = world();
    let end = world.now + jiff::SignedDuration::from_hours(30 * 24);
    let mut pause = event("pause", "pause", Act::Grant, world.now);
    pause.expires_at = Some(end);
    world.standing.consents.record(&pause, 9);
    let topics = world.with(|proposal, _| proposal.brand.topics.clone());
    world.record.hint = ConsentHint::of(&world.standing.consents, &topics, world.now);
    for (at, reason) in [
        (world.now, Some(Reason::Paused)),
        (end - jiff::SignedDuration::from_secs(1), Some(Reason::Paused)),
        (end, None),
    ] {
        world.now = at;
        world.offer["window"]["until"] = json!("2027-06-30T00:00:00Z");
        assert_eq!(world.reason(), reason, "{at}");
        assert_eq!(world.final_reason(), reason, "{at}");
    }
    // Lifted before its end.
    world.now = at("2026-12-02T09:00:00Z");
    let lifted = event("lifted", "pause", Act::Withdraw, world.now);
    world.standing.consents.record(&lifted, 10);
    assert_eq!(world.final_reason(), None);
}

#[test]
fn an_objection_is_named_before_a_pause() {
    let mut world = world();
    world.record.hint.no_marketing = true;
    world.record.hint.paused_until = u32::MAX;
    assert_eq!(world.reason(), Some(Reason::Objected));
}

#[test]
fn an_address_that_must_not_be_written_to_withholds_by_its_own_reason() {
    let world = world();
    for (reachable, reason) in [
        (Reachable::NoContactPoint, Reason::NoContactPoint),
        (Reachable::Suppressed, Reason::Suppressed),
        (Reachable::Undeliverable, Reason::Undeliverable),
    ] {
        let Decision::Withheld(withheld) = world.decided_at(reachable) else {
            panic!("not withheld")
        };
        assert_eq!(withheld.reason, reason);
    }
}

#[test]
fn beyond_the_radius_is_too_far_and_an_unknown_home_is_not_near() {
    let mut far = world();
    far.record.home = Some(Cell::at_degrees(48.8566, 2.3522).unwrap().centre());
    assert_eq!(far.reason(), Some(Reason::TooFar));
    let mut unknown = world();
    unknown.record.home = None;
    assert_eq!(unknown.reason(), Some(Reason::PlaceUnknown));
    let mut refused = world();
    refused.record.hint.purposes &= !0b10;
    assert_eq!(refused.reason(), Some(Reason::PlaceUnknown));
}

fn lawnmower() -> World {
    let mut world = world();
    world.offer["category"] = "lawnmower".into();
    world.campaign["goal"] = "retain".into();
    world.offer["places"] = json!([]);
    world.offer["rules"] = json!([
        {"name": "needs-a-garden", "when": {"attribute": "dwelling.garden", "is": true}, "because": because()}
    ]);
    world.record.ties = vec![(Category::from_slug("lawnmower").unwrap(), Tie::Interest)];
    world
}

#[test]
fn a_lawnmower_is_refused_to_a_flat_without_a_garden() {
    let mut world = lawnmower();
    assert_eq!(world.reason(), Some(Reason::SuitabilityUnknown));
    world.record.facts.set(Fact::Garden, Some(0)).unwrap();
    let withheld = world.judged().unwrap_err();
    assert_eq!((withheld.reason, withheld.rule), (Reason::Unsuitable, Some(0)));
    world.record.facts.set(Fact::Garden, Some(1)).unwrap();
    assert_eq!(world.reason(), None);
}

#[test]
fn who_bought_a_lawnmower_three_years_ago_is_not_offered_another() {
    let mut world = lawnmower();
    world.record.facts.set(Fact::Garden, Some(1)).unwrap();
    let mower = Category::from_slug("lawnmower").unwrap();
    // December 2023 is month 47 since January 2020.
    world.record.ties.push((mower, Tie::Bought(PurchaseDay::last_of(47))));
    assert_eq!(world.reason(), Some(Reason::AlreadyHas));
}

fn running_gear(bought_in_month: u8) -> World {
    let mut world = world();
    world.offer["category"] = "running-gear".into();
    world.offer["places"] = json!([]);
    world.campaign["goal"] = "retain".into();
    let shoes = Category::from_slug("running-shoes").unwrap();
    world.record.ties = vec![(shoes, Tie::Bought(PurchaseDay::last_of(bought_in_month)))];
    world
}

#[test]
fn running_gear_goes_with_running_shoes_and_less_so_as_time_passes() {
    // November 2026 is month 82.
    let affinity = |month| running_gear(month).judged().unwrap().factors.affinity.unwrap();
    assert!(affinity(82) > affinity(80));
    assert_eq!(affinity(83), Relevance::FULL);
    assert_eq!(running_gear(50).reason(), Some(Reason::NoReasonToWrite));
}

#[test]
fn who_refused_profiling_is_judged_without_history() {
    let mut world = running_gear(82);
    world.record.hint.purposes &= !1;
    let score = world.judged().unwrap();
    let topic_alone = Factors {
        affinity: Some(Relevance::clamped(crate::affinity::TOPIC_BP)),
        ..Factors::default()
    };
    assert_eq!(score.factors, topic_alone);
}

#[test]
fn what_is_close_goes_by_the_way_and_not_by_the_radius() {
    let is_close = |world: &World| match world.decided() {
        Decision::Approved(approval) => approval.grounds().is_close,
        other @ (Decision::Deferred { .. } | Decision::Withheld(_)) => panic!("{other:?}"),
    };
    let mut world = world();
    world.offer["places"][0]["radius_m"] = 2_000_000.into();
    world.campaign["threshold_bp"] = 0.into();
    assert!(is_close(&world));
    let home = |north: f64| Some(Cell::at_degrees(north, 4.8357).unwrap().centre());
    // Some 15 km off is an hour and a quarter in a dense city, and 23 minutes in the country; 22 km too far for a town.
    world.record.home = home(45.90);
    for (area, closes) in [(Area::DenseCity, false), (Area::Town, true), (Area::Country, true)] {
        world.record.area = Some(area);
        assert_eq!(is_close(&world), closes, "{area:?}");
    }
    world.record.home = home(45.97);
    world.record.area = None;
    assert!(!is_close(&world), "as in a town");
    // 900 km away, and still within the radius.
    world.record.home = home(53.9);
    assert!(!is_close(&world));
    // Whoever is there now.
    world.record.current_place = Some(Whereabouts {
        at: home(45.77).unwrap(),
        until_hour: u32::MAX >> 8,
    });
    assert!(!is_close(&world), "what is not declared is not told");
    world.offer["uses"] = uses(&["home", "current_place"]);
    assert!(is_close(&world));
    world.offer["places"] = json!([]);
    assert!(!is_close(&world));
}

/// A place next door that cannot be gone to any more is not what somebody is written to for.
#[test]
fn what_is_close_and_shut_for_good_is_not_told_as_close() {
    let mut world = world();
    let place = |id: &str, latitude: f64, hours: Value| json!({"id": id, "name": "Halle", "latitude": latitude, "longitude": 4.8357, "radius_m": 900_000, "hours": hours});
    let (here, far) = (
        place("here", 45.7640, json!({"monday": ["09:00-10:00"]})),
        place("far", 48.8, Value::Null),
    );
    world.offer["window"]["until"] = "2026-12-03T00:00:00Z".into();
    world.campaign["threshold_bp"] = 0.into();
    world.offer["places"] = json!([here, far]);
    let Decision::Approved(approval) = world.decided() else {
        panic!("{:?}", world.decided())
    };
    assert!(!approval.grounds().is_close);
    world.offer["places"][0]["hours"] = json!({"tuesday": ["09:00-19:00"]});
    let Decision::Approved(approval) = world.decided() else {
        panic!("{:?}", world.decided())
    };
    assert!(approval.grounds().is_close);
}

#[test]
fn an_approval_says_what_its_affinity_rests_on() {
    let from = |world: &World| match world.decided() {
        Decision::Approved(approval) => approval.grounds().affinity_from.unwrap(),
        other @ (Decision::Deferred { .. } | Decision::Withheld(_)) => panic!("{other:?}"),
    };
    let mut world = running_gear(82);
    world.offer["uses"] = uses(&["purchases", "interests"]);
    assert_eq!(from(&world), AffinitySource::Purchases);
    world
        .record
        .ties
        .push((Category::from_slug("running-gear").unwrap(), Tie::Interest));
    world.record.ties.remove(0);
    assert_eq!(from(&world), AffinitySource::Interests);
    world.record.hint.purposes &= !1;
    assert_eq!(from(&world), AffinitySource::Topic);
}

#[test]
fn the_campaign_s_and_the_person_s_own_threshold_both_hold() {
    let mut world = world();
    world.record.threshold = Some(Relevance::clamped(9_500));
    assert_eq!(world.reason(), Some(Reason::BelowOwnThreshold));
    world.campaign["threshold_bp"] = 9_400.into();
    assert_eq!(world.reason(), Some(Reason::BelowThreshold));
}

#[test]
fn a_segment_needs_consent_to_profiling() {
    let mut world = world();
    world.campaign["audience"] = json!({"lifecycle": ["active"]});
    assert_eq!(world.reason(), None);
    world.record.lifecycle = Lifecycle::Lost;
    assert_eq!(world.reason(), Some(Reason::OutsideAudience));
    world.record.lifecycle = Lifecycle::Active;
    world.record.hint.purposes &= !1;
    assert_eq!(world.reason(), Some(Reason::OutsideAudience));
}

#[test]
fn the_cap_and_the_gap_withhold_and_a_tighter_wish_wins() {
    let mut capped = world();
    capped
        .standing
        .contacts
        .record(capped.now - SignedDuration::from_hours(30));
    assert_eq!(capped.final_reason(), None);
    capped.standing.limits.cap = Some(FrequencyCap::new(1, 7).unwrap());
    assert_eq!(capped.final_reason(), Some(Reason::CapReached));
    let mut soon = world();
    soon.brand["minimum_gap_hours"] = 48.into();
    soon.standing.contacts.record(soon.now - SignedDuration::from_hours(30));
    assert_eq!(soon.final_reason(), Some(Reason::TooSoon));
}

#[test]
fn quiet_hours_of_the_persons_own_zone_defer() {
    let world = world();
    // 09:00 UTC is 05:00 in Martinique; its morning begins at 08:00, which is 12:00 UTC.
    let Decision::Deferred { until, .. } = world.decided_for("America/Martinique") else {
        panic!("not deferred")
    };
    assert_eq!(until, at("2026-12-01T12:00:00Z"));
}

#[test]
fn an_offer_that_ends_in_quiet_hours_is_withheld_not_late() {
    let mut world = world();
    world.offer["window"]["until"] = "2026-12-01T11:00:00Z".into();
    let Decision::Withheld(withheld) = world.decided_for("America/Martinique") else {
        panic!("not withheld")
    };
    assert_eq!(withheld.reason, Reason::EndsInQuietHours);
}

#[test]
fn before_after_and_cancelled_nothing_is_sent() {
    let mut world = world();
    world.now = at("2026-12-31T00:00:00Z");
    assert_eq!(world.reason(), Some(Reason::OutsideWindow));
    world.now = at("2026-10-31T23:59:59Z");
    assert_eq!(world.reason(), Some(Reason::OutsideWindow));
    world.now = at("2026-12-01T09:00:00Z");
    world.status = RunStatus::Cancelled;
    assert_eq!(world.final_reason(), Some(Reason::RunCancelled));
}

fn facts() -> impl Strategy<Value = Facts> {
    (
        proptest::option::of(0i16..2),
        proptest::option::of(0i16..2),
        proptest::option::of(-2i16..61),
        proptest::option::of(0i16..2),
    )
        .prop_map(|(garden, lift, floor, ventilation)| {
            let mut facts = Facts::default();
            facts.set(Fact::Garden, garden).unwrap();
            facts.set(Fact::Lift, lift).unwrap();
            facts.set(Fact::Floor, floor).unwrap();
            facts.set(Fact::Ventilation, ventilation).unwrap();
            facts
        })
}

fn ties() -> impl Strategy<Value = Vec<(Category, Tie)>> {
    let categories: Vec<Category> = Category::all().collect();
    let tie = prop_oneof![
        Just(Tie::Interest),
        (0u8..84, 1u8..=28).prop_map(|(month, day)| Tie::Bought(PurchaseDay::from_bytes([month, day]).unwrap()))
    ];
    prop::collection::vec((prop::sample::select(categories), tie), 0..=20).prop_map(|mut ties| {
        ties.sort_by_key(|(_, tie)| *tie == Tie::Interest);
        ties
    })
}

fn topic_states() -> impl Strategy<Value = TopicStates> {
    let states = vec![
        ConsentState::Unknown,
        ConsentState::Pending,
        ConsentState::Granted { record: 7 },
        ConsentState::Denied,
        ConsentState::Withdrawn,
        ConsentState::Expired,
    ];
    prop::collection::vec(prop::sample::select(states), 16).prop_map(|states| {
        let numbers = (0..16).filter_map(TopicNumber::new);
        let all = numbers
            .clone()
            .zip(&states)
            .fold(TopicStates::default(), |all, (number, state)| all.with(number, *state));
        for (number, state) in numbers.zip(states) {
            assert_eq!(all.get(number), state.granted().map(|_| ()));
        }
        all
    })
}

prop_compose! {
    fn record()(context_version in any::<u32>(), topics in topic_states(), purposes in 0u8..16, no_marketing in prop::bool::weighted(0.1),
        paused_until in prop_oneof![9 => Just(0u32), 1 => any::<u32>()],
                place in proptest::option::of((42.0f64..51.0, -5.0f64..9.0)), lifecycle in prop::sample::select(Lifecycle::ALL.to_vec()),
                area in proptest::option::of(prop::sample::select(Area::ALL.to_vec())), good_hours in any::<[u8; 2]>(),
                current in proptest::option::of(((-89.0f64..89.0, -180.0f64..180.0), 0u32..1 << 24)),
                threshold in proptest::option::of(0u32..10_000), last in proptest::option::of(1u16..60_000), heard in proptest::option::of(1u16..), reaction in 0u8..6,
                facts in facts(), ties in ties(), stages in proptest::option::of([1u16.., 1u16.., 1u16..])) -> AudienceRecord {
        AudienceRecord {
            context_version,
            hint: ConsentHint { topics, purposes, no_marketing, paused_until },
            home: place.map(|(north, east)| Cell::at_degrees(north, east).unwrap().centre()),
            area,
            current_place: current.map(|((north, east), until_hour)| Whereabouts {
                at: Cell::at_degrees(north, east).unwrap().centre(),
                until_hour,
            }),
            good_hours: GoodHours::from_bytes(good_hours),
            lifecycle,
            stages: stages.map(|[new, active, lapsing]| Stages {
                new_until: EpochDay(new),
                active_until: EpochDay(active),
                lapsing_until: EpochDay(lapsing),
            }),
            threshold: threshold.map(Relevance::clamped),
            last_contact: last.map(crate::time::EpochDay),
            heard_on: heard.map(crate::time::EpochDay),
            reaction,
            facts,
            ties,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_stored_record_reads_back(record in record()) {
        let bytes = record.to_bytes();
        // Four more for those who pause, eleven for those who tell where they are, three a purchase and one an interest.
        let ties = record.ties.iter().map(|(_, tie)| if *tie == Tie::Interest { 1 } else { 3 });
        let most = 42
            + ties.sum::<usize>()
            + 4 * usize::from(record.hint.paused_until > 0)
            + 11 * usize::from(record.current_place.is_some());
        prop_assert!(bytes.len() <= most, "{} bytes", bytes.len());
        prop_assert_eq!(AudienceRecord::from_bytes(&bytes), Ok(record));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = AudienceRecord::from_bytes(&bytes);
    }

    #[test]
    fn nearer_is_never_worse(north in 45.0f64..46.5, east in 4.0f64..5.5, part in 0.0f64..1.0) {
        let (lyon_north, lyon_east) = (45.7640, 4.8357);
        let mut farther = world();
        farther.record.home = Some(Cell::at_degrees(north, east).unwrap().centre());
        let mut nearer = world();
        let towards = |from: f64, to: f64| from + (to - from) * part;
        nearer.record.home = Some(Cell::at_degrees(towards(north, lyon_north), towards(east, lyon_east)).unwrap().centre());
        let centre = Cell::at_degrees(lyon_north, lyon_east).unwrap().centre();
        // Cells are coarse: only when the cell's own centre is nearer is the claim about nearness.
        if squared_chord(nearer.record.home.unwrap(), centre) <= squared_chord(farther.record.home.unwrap(), centre) {
            match (nearer.judged(), farther.judged()) {
                (Ok(near), Ok(far)) => prop_assert!(near.relevance >= far.relevance),
                (Err(withheld), Ok(_)) => prop_assert!(false, "{:?}", withheld.reason),
                (Ok(_) | Err(_), Err(_)) => {}
            }
        }
    }

    #[test]
    fn an_approval_always_rests_on_a_valid_consent_and_the_thresholds(record in record(), acts in prop::collection::vec((prop::sample::select(Act::ALL.to_vec()), 0i64..300), 0..4)) {
        let mut world = world();
        world.record = record;
        for (number, (act, day)) in acts.into_iter().enumerate() {
            let when = at("2026-01-02T00:00:00Z") + SignedDuration::from_hours(24 * day);
            world.standing.consents.record(&event(&format!("p{number}"), "email.offers", act, when), 7);
        }
        if let Decision::Approved(approval) = world.decided() {
            let topic = TopicId::new("offers").unwrap();
            prop_assert!(world.standing.consents.email(&topic, world.now).is_granted());
            prop_assert!(approval.score().relevance >= Relevance::clamped(5_000));
            prop_assert!(world.record.threshold.is_none_or(|own| approval.score().relevance >= own));
        }
    }

    #[test]
    fn a_decision_is_the_same_every_time(record in record()) {
        let mut world = world();
        world.record = record;
        prop_assert_eq!(world.decided(), world.decided());
    }
}

/// I11 begins where the record is derived: an offer may declare the one and not the other.
#[test]
fn what_was_bought_takes_no_place_of_what_is_liked() {
    let books = Category::from_slug("books").unwrap();
    let derived = |bought: usize| {
        let purchases = Category::all().filter(|category| *category != books).take(bought);
        let context = CustomerContext {
            interests: vec![books],
            purchases: purchases
                .map(|category| Purchase {
                    category,
                    on: EpochDay(20_000),
                })
                .collect(),
            ..CustomerContext::default()
        };
        let ties = AudienceRecord::derive(&context, 1, ConsentHint::default(), Habits::default(), world().now).ties;
        (ties.len(), ties.contains(&(books, Tie::Interest)))
    };
    assert_eq!(
        [0, 1, 8, 30].map(derived),
        [(1, true), (2, true), (9, true), (31, true)]
    );
}

#[test]
fn a_record_is_derived_alike_for_scoring_and_for_sending() {
    let world = world();
    let context = CustomerContext::default();
    world.with(|proposal, _| {
        let hint = ConsentHint::of(&world.standing.consents, &proposal.brand.topics, world.now);
        assert!(hint.allows(DataPurpose::Profiling));
        let derived = AudienceRecord::derive(&context, 4, hint, Habits::default(), world.now);
        assert_eq!(AudienceRecord::from_bytes(&derived.to_bytes()), Ok(derived));
    });
}
