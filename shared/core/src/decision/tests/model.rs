//! Claims about the model: what raises relevance, what never may, and what closes.

use super::*;
use crate::context::CURRENT_PLACE_HOURS;
use crate::hours::{OnHolidays, OpeningHours};

fn category(slug: &str) -> Category {
    Category::from_slug(slug).unwrap()
}

fn cell_at(north: f64, east: f64) -> crate::place::UnitVector {
    Cell::at_degrees(north, east).unwrap().centre()
}

/// A current place that ends so many hours from now.
fn whereabouts(world: &World, (north, east): (f64, f64), hours: i64) -> Whereabouts {
    let until = world.now.as_second() / 3_600 + hours;
    Whereabouts {
        at: cell_at(north, east),
        until_hour: u32::try_from(until).unwrap(),
    }
}

const PARIS: (f64, f64) = (48.8566, 2.3522);
const LYON: (f64, f64) = (45.7640, 4.8357);

/// Open Tuesday to Saturday from ten to six.
fn museum_hours() -> Value {
    let day = json!(["10:00-18:00"]);
    json!({"tuesday": day, "wednesday": day, "thursday": day, "friday": day, "saturday": day})
}

#[test]
fn near_means_near_where_the_person_lives() {
    // 21 km from the place.
    let home = cell_at(45.95, 4.78);
    for (area, reason) in [
        (Some(Area::DenseCity), Some(Reason::TooFar)),
        (Some(Area::Town), Some(Reason::TooFar)),
        (Some(Area::Country), None),
        (None, None),
    ] {
        let mut world = world();
        world.offer["places"][0]["travel_m"] = json!({"dense_city": 5_000, "town": 15_000, "country": 40_000});
        world.record.home = Some(home);
        world.record.area = area;
        world.campaign["threshold_bp"] = 0.into();
        assert_eq!(world.reason(), reason, "{area:?}");
    }
}

#[test]
fn the_nearest_of_several_places_counts() {
    let mut world = world();
    let far = world.judged().unwrap().factors.proximity;
    world.record.home = Some(cell_at(PARIS.0, PARIS.1));
    assert_eq!(world.reason(), Some(Reason::TooFar));
    world.offer["places"].as_array_mut().unwrap().push(json!({
        "id": "paris", "name": "Paris", "latitude": PARIS.0, "longitude": PARIS.1, "radius_m": 10_000
    }));
    assert_eq!(world.judged().unwrap().factors.proximity, far);
}

#[test]
fn a_current_place_needs_its_own_declaration_and_consent_and_ends_by_itself() {
    let mut there = world();
    there.record.home = Some(cell_at(PARIS.0, PARIS.1));
    there.record.current_place = Some(whereabouts(&there, LYON, CURRENT_PLACE_HOURS));
    assert_eq!(there.reason(), Some(Reason::TooFar), "not declared");
    there.offer["uses"] = uses(&["home", "current_place", "interests"]);
    assert_eq!(there.judged().unwrap().factors.proximity, Some(Relevance::FULL));
    there.record.hint.purposes &= !0b100;
    assert_eq!(there.reason(), Some(Reason::TooFar), "not agreed to");
    there.record.hint.purposes = 0b1111;
    there.record.current_place = Some(whereabouts(&there, LYON, 0));
    assert_eq!(there.reason(), Some(Reason::TooFar), "over");
    // Without the home, it is not known where they are.
    there.offer["uses"] = uses(&["current_place", "interests"]);
    assert_eq!(there.reason(), Some(Reason::PlaceUnknown));
}

#[test]
fn a_message_that_cannot_be_used_in_time_is_withheld() {
    let mut world = world();
    // Tuesday, 10:00 in Lyon.
    world.offer["window"]["until"] = "2026-12-01T09:10:00Z".into();
    assert_eq!(world.reason(), Some(Reason::TooLate), "the queue takes longer");
    assert_eq!(world.final_reason(), None, "at the place, before its end");
    // 18 km away, which in a city takes an hour and a half.
    world.record.home = Some(cell_at(45.92, 4.80));
    world.record.area = Some(Area::DenseCity);
    world.offer["window"]["until"] = "2026-12-01T10:10:00Z".into();
    assert_eq!(world.final_reason(), Some(Reason::TooLate), "the way takes longer");
    world.offer["window"]["until"] = "2026-12-01T11:10:00Z".into();
    assert_eq!(world.final_reason(), None);
}

#[test]
fn a_place_that_does_not_open_again_before_the_end_is_too_late() {
    let mut world = world();
    world.offer["places"][0]["hours"] = museum_hours();
    world.now = at("2026-12-05T16:50:00Z");
    world.offer["window"]["until"] = "2026-12-07T20:00:00Z".into();
    // Saturday, ten minutes before closing: in the queue it is too late, and Sunday and Monday it is closed.
    assert_eq!(world.reason(), Some(Reason::TooLate));
    world.offer["window"]["until"] = "2026-12-08T09:01:00Z".into();
    assert_eq!(world.reason(), None, "on Tuesday it opens for a minute");
}

#[test]
fn quiet_hours_that_outlast_the_use_withhold() {
    let mut world = world();
    let days_open = json!({"tuesday": ["05:00-12:30"]});
    world.offer["places"][0]["hours"] = days_open;
    world.offer["window"]["until"] = "2026-12-07T20:00:00Z".into();
    // In Martinique it is five in the morning; at eight there, the place in Lyon has closed for good.
    let Decision::Withheld(withheld) = world.decided_for("America/Martinique") else {
        panic!("not withheld")
    };
    assert_eq!(withheld.reason, Reason::TooLate);
}

#[test]
fn the_moment_is_known_only_by_what_speaks_of_it() {
    let mut world = world();
    let moment = |world: &World| world.judged().unwrap().factors.moment.map(Relevance::basis_points);
    assert_eq!(moment(&world), None);
    world.offer["season"] = json!([12]);
    assert_eq!(moment(&world), Some(10_000));
    world.offer["places"][0]["hours"] = museum_hours();
    assert_eq!(moment(&world), Some(10_000));
    world.now = at("2026-12-01T20:00:00Z");
    // Opens in 13 hours: 4 000.
    assert_eq!(moment(&world), Some(7_000));
    world.offer["window"]["until"] = "2026-12-05T00:00:00Z".into();
    assert_eq!(moment(&world), Some(8_000), "a third part, which ends soon");
    // A holiday.
    world.now = at("2026-12-25T10:00:00Z");
    world.offer["window"]["until"] = "2027-03-01T00:00:00Z".into();
    assert_eq!(moment(&world), Some(7_000), "closed for Christmas, open the day after");
}

#[test]
fn a_good_moment_for_what_nobody_wants_is_no_reason() {
    let mut world = world();
    world.offer["places"] = json!([]);
    world.offer["season"] = json!([12]);
    world.record.ties = vec![(category("paint"), Tie::Interest)];
    let withheld = world.judged().unwrap_err();
    assert_eq!(withheld.reason, Reason::NoReasonToWrite);
    assert_eq!(withheld.score.unwrap().factors.moment, Some(Relevance::NONE));
    world.record.ties = vec![(category("books"), Tie::Interest)];
    assert_eq!(world.judged().unwrap().factors.moment, Some(Relevance::clamped(5_000)));
}

#[test]
fn good_hours_count_where_they_are_declared_and_agreed_to() {
    let mut world = world();
    world.record.good_hours = GoodHours::learn(&[18, 19, 20], 0);
    // October and November: this is the month after.
    world.offer["season"] = json!([10, 11]);
    let moment = |world: &World| world.judged().unwrap().factors.moment.map(Relevance::basis_points);
    world.now = at("2026-12-01T18:30:00Z");
    assert_eq!(moment(&world), Some(6_000));
    world.offer["uses"] = uses(&["home", "interests", "active_hours"]);
    assert_eq!(moment(&world), Some(8_000));
    world.record.hint.purposes &= !0b1000;
    assert_eq!(moment(&world), Some(6_000));
}

/// Their hours say when to write, and not whether: at another one a message waits, and is not withheld.
#[test]
fn an_hour_that_is_not_a_good_one_counts_for_nothing() {
    let mut world = world();
    world.record.good_hours = GoodHours::learn(&[18, 19, 20], 0);
    world.record.ties = vec![(category("books"), Tie::Interest)];
    world.offer["places"] = json!([]);
    world.offer["uses"] = uses(&["interests", "active_hours"]);
    world.campaign["best_hour"] = true.into();
    world.campaign["goal"] = "retain".into();
    // At ten in the morning, with and without a season of it.
    let moment = |world: &World| {
        let score = world.judged().unwrap();
        (
            score.factors.moment.map(Relevance::basis_points),
            score.relevance.basis_points(),
        )
    };
    assert_eq!(
        moment(&world),
        (None, 5_000),
        "a mild interest, and nothing of the moment"
    );
    world.record.ties = vec![(category("exhibition-tickets"), Tie::Interest)];
    world.offer["season"] = json!([11]);
    assert_eq!(moment(&world), (Some(6_000), 7_400), "(35 × 8 000 + 15 × 6 000) ÷ 50");
    assert!(matches!(
        world.decided(),
        Decision::Deferred {
            deferral: Deferral::BestHour,
            ..
        }
    ));
}

#[test]
fn appetite_falls_with_each_ignored_message() {
    let mut world = world();
    world.offer["uses"] = uses(&["home", "interests", "purchases", "reaction"]);
    let mut last = Relevance::FULL;
    for level in [5, 4, 3, 2, 1] {
        world.record.reaction = level;
        let appetite = world.judged().unwrap().factors.appetite.unwrap();
        assert!(appetite <= last, "{level}");
        assert_eq!(crate::habit::appetite_bp(level), Some(appetite.basis_points().into()));
        last = appetite;
    }
    assert_eq!(last, Relevance::clamped(2_000));
    world.record.reaction = 0;
    assert_eq!(world.judged().unwrap().factors.appetite, None);
}

#[test]
fn a_need_of_the_category_closes_by_itself_where_its_fact_is_declared() {
    let mut mower = lawnmower();
    mower.offer["rules"] = json!([]);
    assert_eq!(mower.reason(), Some(Reason::SuitabilityUnknown));
    mower.record.facts.set(Fact::Garden, Some(0)).unwrap();
    let withheld = mower.judged().unwrap_err();
    assert_eq!((withheld.reason, withheld.rule), (Reason::Unsuitable, Some(0)));
    mower.record.facts.set(Fact::Garden, Some(1)).unwrap();
    assert_eq!(mower.reason(), None);
    // What is not declared is not read and not asked.
    mower.record.facts.set(Fact::Garden, Some(0)).unwrap();
    mower.offer["uses"] = uses(&["interests", "purchases", "lifecycle"]);
    assert_eq!(mower.reason(), None);
}

/// A campaign that anticipates, to someone who bought running shoes in a month since January 2020; 83 is the present.
fn anticipating(bought_in_month: u8) -> World {
    let mut world = running_gear(bought_in_month);
    world.offer["category"] = "running-shoes".into();
    world.campaign["goal"] = "anticipate".into();
    world
}

#[test]
fn the_next_pair_is_offered_when_it_is_needed() {
    // Shoes last six months.
    assert_eq!(anticipating(81).reason(), Some(Reason::AlreadyHas));
    // July ended 123 days ago, June 154 and May 184: as if it was bought on the last day.
    assert_eq!(anticipating(78).reason(), Some(Reason::AlreadyHas));
    for (month, affinity) in [(77, 7_111), (76, 10_000), (74, 10_000)] {
        let score = anticipating(month).judged().unwrap();
        assert_eq!(score.factors.affinity.unwrap().basis_points(), affinity, "{month}");
    }
    let long_ago = anticipating(50).judged().unwrap_err();
    assert_eq!(long_ago.reason, Reason::NoReasonToWrite);
    // For any other goal, what was bought within its life closes or counts against.
    let mut retained = anticipating(78);
    retained.campaign["goal"] = "retain".into();
    assert_eq!(retained.reason(), Some(Reason::AlreadyHas));
}

/// Being missed by the brand, or having followed up on what it wrote, is no reason of the person's own.
#[test]
fn nobody_is_won_back_with_what_nothing_of_theirs_speaks_for() {
    let mut world = world();
    world.offer["places"] = json!([]);
    world.offer["uses"] = uses(&["interests", "purchases", "lifecycle", "reaction"]);
    world.campaign["goal"] = "reactivate".into();
    world.record.lifecycle = Lifecycle::Lapsing;
    world.record.reaction = 5;
    world.record.ties = vec![(category("paint"), Tie::Interest)];
    let withheld = world.judged().unwrap_err();
    let score = withheld.score.unwrap();
    assert_eq!(
        (withheld.reason, score.factors.affinity),
        (Reason::NoReasonToWrite, Some(Relevance::NONE))
    );
    assert!(
        score.relevance >= Relevance::clamped(5_000),
        "enough for the usual threshold: {score:?}"
    );
    world.campaign["threshold_bp"] = 0.into();
    assert_eq!(
        world.final_reason(),
        Some(Reason::NoReasonToWrite),
        "whatever the campaign asks for"
    );
    // Books go with exhibitions.
    world.record.ties = vec![(category("books"), Tie::Interest)];
    assert_eq!(world.reason(), None);
}

/// Whatever else somebody bought and likes since: all of it is known, as they can see on their page.
#[test]
fn nothing_that_somebody_bought_or_likes_is_forgotten_for_the_rest_of_it() {
    let others: Vec<Category> = Category::all()
        .filter(|each| each.slug() != "lawnmower" && each.slug() != "firewood")
        .take(60)
        .collect();
    let mut context = CustomerContext::default();
    let today = EpochDay::of(world().now);
    let bought = |category: Category, days: u16| Purchase {
        category,
        on: EpochDay(today.0 - days),
    };
    context.purchases = vec![bought(category("lawnmower"), 3 * 365)];
    context.purchases.extend(others.iter().map(|each| bought(*each, 100)));
    // The last of the catalogue.
    context.interests = others;
    context.interests.push(category("firewood"));
    context.facts.set(Fact::Garden, Some(1)).unwrap();
    let mut mower = lawnmower();
    mower.record = AudienceRecord::derive(&context, 1, mower.record.hint, Habits::default(), mower.now);
    assert_eq!(mower.reason(), Some(Reason::AlreadyHas));
    let stored = AudienceRecord::from_bytes(&mower.record.to_bytes());
    assert_eq!(stored.as_ref(), Ok(&mower.record));
    let mut wood = world();
    wood.offer["category"] = "firewood".into();
    wood.offer["places"] = json!([]);
    wood.offer["uses"] = uses(&["interests"]);
    wood.record = stored.unwrap();
    assert_eq!(wood.judged().unwrap().factors.affinity, Some(Relevance::clamped(8_000)));
}

/// Nobody has blades, drill bits or a day at the park, however seldom they buy them.
#[test]
fn what_is_used_up_is_never_had_already() {
    for slug in ["lawnmower-blades", "drill-bits", "theme-park-tickets", "coffee-pods"] {
        let mut world = running_gear(82);
        world.offer["category"] = slug.into();
        world.record.facts.set(Fact::Garden, Some(1)).unwrap();
        let bought = PurchaseDay::of(EpochDay(EpochDay::of(world.now).0 - 10));
        world.record.ties = vec![(category(slug), Tie::Bought(bought))];
        assert_eq!(world.reason(), Some(Reason::NoReasonToWrite), "{slug}");
    }
}

/// As far as the place is worth the way is near enough; see `place` for the rim itself.
#[test]
fn a_place_at_the_rim_of_its_radius_is_a_reason_of_its_own() {
    let mut world = world();
    world.campaign["threshold_bp"] = 0.into();
    world.record.ties = vec![(category("paint"), Tie::Interest)];
    let radius = world.offer["places"][0]["radius_m"].as_f64().unwrap();
    let degrees = |metres: f64| metres / 111_195.0;
    world.record.home = Some(cell_at(LYON.0 + degrees(radius * 0.98), LYON.1));
    let score = world.judged().unwrap();
    assert!(score.factors.proximity < Some(Relevance::clamped(2_700)), "{score:?}");
    assert_eq!(score.factors.affinity, Some(Relevance::NONE));
}

/// Who buys coffee every month is told of coffee when it is used up, and not before.
#[test]
fn what_was_bought_and_used_up_speaks_for_the_next() {
    let mut world = running_gear(82);
    world.offer["category"] = "coffee-pods".into();
    world.campaign["threshold_bp"] = 0.into();
    let bought = |world: &mut World, days: u16| {
        let day = PurchaseDay::of(EpochDay(EpochDay::of(world.now).0 - days));
        world.record.ties = vec![(category("coffee-pods"), Tie::Bought(day))];
        (world.scored().factors.affinity.unwrap().basis_points(), world.reason())
    };
    for days in [0, 1, 29] {
        assert_eq!(bought(&mut world, days), (0, Some(Reason::NoReasonToWrite)), "{days}");
    }
    // It fades by the month, as if it was bought on its last day: on 1 November, 31 October, 2 October and 3 August.
    for (days, faded) in [(30, 1), (31, 31), (60, 31), (120, 92)] {
        let left = category("coffee-pods").recency_bp(faded);
        assert_eq!(bought(&mut world, days), (left, None), "{days}");
    }
}

/// Coffee for thirty days is needed again thirty days later, on whatever day of a month it was bought.
#[test]
fn what_is_used_up_is_needed_again_to_the_day() {
    let mut world = anticipating(82);
    world.offer["category"] = "coffee-pods".into();
    world.campaign["threshold_bp"] = 0.into();
    let mut affinity = |bought: u16, now: &str| {
        let day = PurchaseDay::of(EpochDay(EpochDay::of(at("2026-11-01T00:00:00Z")).0 + bought - 1));
        world.record.ties = vec![(category("coffee-pods"), Tie::Bought(day))];
        world.now = at(now);
        world.scored().factors.affinity.unwrap().basis_points()
    };
    // On 1 December: what was bought on 1, on 16 and on 30 November.
    let [first, sixteenth, thirtieth] = [1, 16, 30].map(|day| affinity(day, "2026-12-01T09:00:00Z"));
    assert_eq!([first, sixteenth, thirtieth], [10_000, 0, 0]);
    assert_eq!(affinity(30, "2026-12-30T09:00:00Z"), 10_000);
    assert_eq!(affinity(30, "2026-12-22T09:00:00Z"), 4_666);
}

/// A shop that writes to whoever bought within two weeks means these two weeks.
#[test]
fn a_rule_counts_the_days_since_a_purchase_exactly() {
    let mut world = world();
    let shoes = category("running-shoes");
    world.offer["rules"] = json!([{
        "name": "just-bought", "when": {"purchased": "running-shoes", "within_days": 14}, "because": because()
    }]);
    for (days, reason) in [(0, None), (14, None), (15, Some(Reason::Unsuitable))] {
        let day = PurchaseDay::of(EpochDay(EpochDay::of(world.now).0 - days));
        world.record.ties = vec![(shoes, Tie::Bought(day))];
        assert_eq!(
            world.reason().filter(|reason| *reason == Reason::Unsuitable),
            reason,
            "{days}"
        );
    }
}

/// Whoever falls silent lapses, though nothing derives their record again.
#[test]
fn a_lifecycle_goes_on_in_silence() {
    let mut world = world();
    world.campaign["audience"] = json!({"lifecycle": ["lapsing"]});
    let bought = EpochDay::of(world.now);
    let rhythm = crate::segment::Rhythm::of(&[EpochDay(bought.0 - 300)], None, None, EpochDay(bought.0 - 170)).unwrap();
    let stages = rhythm.stages(EpochDay(bought.0 - 170));
    world.record.lifecycle = stages.lifecycle_on(EpochDay(bought.0 - 170));
    assert_eq!(world.record.lifecycle, Lifecycle::Active, "130 days after the purchase");
    assert_eq!(world.reason(), Some(Reason::OutsideAudience));
    world.record.stages = Some(stages);
    assert_eq!(world.reason(), None, "300 days after it");
}

/// How somebody takes messages and when they click is measured, and reading it foresees what they will do.
#[test]
fn what_is_measured_is_not_read_of_whoever_refused_profiling() {
    let mut world = world();
    world.offer["uses"] = uses(&["purchases", "reaction", "active_hours"]);
    world.offer["places"] = json!([]);
    world.record.reaction = 5;
    world.record.good_hours = GoodHours::from_bytes([255, 0]);
    world.offer["season"] = json!([6]);
    world.campaign["threshold_bp"] = 0.into();
    let read = |world: &World| {
        let factors = world.judged().unwrap().factors;
        let is_raised = factors.moment > Some(Relevance::clamped(2_000));
        (factors.appetite.is_some(), is_raised)
    };
    assert_eq!(read(&world), (true, true));
    for refused in [DataPurpose::Measurement, DataPurpose::Profiling] {
        let bit = DataPurpose::ALL.into_iter().position(|each| each == refused).unwrap();
        world.record.hint.purposes = 0b1111 & !(1 << bit);
        assert_eq!(read(&world), (false, false), "{refused:?}");
    }
}

#[test]
fn a_campaign_that_reads_what_its_offer_does_not_declare_is_found_out() {
    let mut world = world();
    let undeclared = |world: &World| world.with(|proposal, _| proposal.campaign.undeclared(proposal.offer));
    world.campaign["audience"] = json!({"lifecycle": ["active"]});
    world.campaign["goal"] = "anticipate".into();
    assert_eq!(undeclared(&world), None);
    world.campaign["audience"] = json!("everyone");
    world.offer["uses"] = uses(&["home", "interests"]);
    assert_eq!(undeclared(&world), Some(("goal", Attribute::Purchases)));
    world.campaign["audience"] = json!({"lifecycle": ["active"]});
    world.offer["uses"] = uses(&["home", "purchases"]);
    assert_eq!(undeclared(&world), Some(("audience.lifecycle", Attribute::Lifecycle)));
    assert_eq!(world.reason(), Some(Reason::OutsideAudience), "nor is it read");
}

#[test]
fn who_refused_profiling_gets_the_topic_without_history_or_place() {
    let mut refuses = world();
    refuses.offer["places"] = json!([]);
    refuses.offer["uses"] = uses(&["interests", "purchases", "lifecycle", "household.dog"]);
    refuses.record.hint.purposes = 0;
    for goal in crate::campaign::Goal::ALL {
        refuses.campaign["goal"] = goal.code().into();
        let score = refuses.judged().unwrap();
        assert_eq!(score.relevance, Relevance::clamped(5_000), "{goal:?}");
        assert_eq!(
            score
                .factors
                .in_order()
                .iter()
                .filter(|(_, value)| value.is_some())
                .count(),
            1
        );
    }
    // Whatever is on record of them changes nothing.
    let before = refuses.judged();
    refuses.record.ties = vec![(category("exhibition-tickets"), Tie::Bought(PurchaseDay::last_of(83)))];
    refuses.record.lifecycle = Lifecycle::Lost;
    refuses.record.home = None;
    assert_eq!(refuses.judged(), before);
    // A rule that asks for what may not be read leaves them out; a place does not know where they are.
    refuses.offer["rules"] =
        json!([{"name": "dog", "when": {"attribute": "household.dog", "is": true}, "because": because()}]);
    assert_eq!(refuses.reason(), Some(Reason::SuitabilityUnknown));
}

#[test]
fn opening_hours_are_read_from_the_offer() {
    let hours = OpeningHours::new(
        TimeZoneName::new("Europe/Paris").unwrap(),
        Default::default(),
        OnHolidays::Closed,
        Vec::new(),
    );
    assert!(hours.is_err());
    let mut world = world();
    world.offer["places"][0]["hours"] = museum_hours();
    world.with(|proposal, _| assert!(proposal.offer.places[0].hours.is_some()));
}
