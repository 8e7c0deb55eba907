//! What more of something may do to a decision, and what it never does: more consent, more time, a wider radius, more
//! messages that were ignored.

use std::collections::BTreeSet;

use super::declared::{Case, case};
use super::nearness::worth;
use super::*;
use crate::campaign::Goal;
use crate::category::complements;
use crate::moment::SOON;

fn judged(case: &Case) -> Result<Score, Withheld> {
    let mut world = case.world();
    world.record = case.said.derived(case.hint(), world.now);
    world.judged()
}

/// How many of these pairs come to a score on both sides, and in how many of them the second is worth more or less.
fn compared(pairs: impl Iterator<Item = [Result<Score, Withheld>; 2]>) -> (usize, usize) {
    pairs.fold((0, 0), |(scored, differ), [before, after]| {
        let [before, after] = [worth(&before), worth(&after)];
        let both = before.1.is_some() && after.1.is_some();
        (scored + usize::from(both), differ + usize::from(before != after))
    })
}

/// Somebody before and after they agree to more.
#[derive(Debug, Clone)]
struct Agreement {
    case: Case,
    more: u8,
    /// What they said of the topic before they agreed to it, if they had not.
    refusal: Option<Act>,
    own_threshold: Option<u32>,
    minimum_evidence: u32,
    messages: usize,
    zone: &'static str,
}

fn agreement() -> impl Strategy<Value = Agreement> {
    let refusals = vec![Act::Withdraw, Act::Deny, Act::Expire];
    let person = (
        prop_oneof![Just(0b1111), 0u8..16],
        prop::option::weighted(0.1, prop::sample::select(refusals)),
        prop::option::weighted(0.6, 3_500u32..7_000),
        prop::sample::select(vec![2_000u32, 2_000, 4_000, 6_000]),
        prop::sample::select(vec![0, 0, 0, 2]),
        prop::sample::select(vec!["Europe/Paris", "Europe/Paris", "America/Martinique"]),
    );
    let purposes = 0u8..16;
    let eager = (any::<bool>(), any::<bool>());
    (case(), purposes, eager, person).prop_map(|(mut case, purposes, eager, person)| {
        let (declares_all, lets_unknown_pass) = eager;
        let (more, refusal, own_threshold, minimum_evidence, messages, zone) = person;
        case.purposes = purposes;
        // A rule may ask whether something is known: see below.
        case.rules.retain(|rule| !rule.when.to_string().contains("known"));
        if declares_all {
            case.declared = Attribute::all().collect();
        }
        if lets_unknown_pass {
            case.rules.iter_mut().for_each(|rule| rule.unknown = "neutral");
            case.has_segment = false;
        }
        Agreement {
            case,
            more,
            refusal,
            own_threshold,
            minimum_evidence,
            messages,
            zone,
        }
    })
}

impl Agreement {
    fn worlds(&self) -> [World; 2] {
        let mut more = self.case.clone();
        more.purposes |= self.more;
        [(&self.case, self.refusal), (&more, None)].map(|(case, refusal)| {
            let mut world = case.world();
            world.campaign["minimum_evidence_bp"] = self.minimum_evidence.into();
            if let Some(act) = refusal {
                world.records("email.offers", act);
            }
            for _ in 0..self.messages {
                world
                    .standing
                    .contacts
                    .record(world.now - SignedDuration::from_hours(48));
            }
            let topics = world.with(|proposal, _| proposal.brand.topics.clone());
            let hint = ConsentHint {
                topics: ConsentHint::of(&world.standing.consents, &topics, world.now).topics,
                ..case.hint()
            };
            world.record = case.said.derived(hint, world.now);
            world.record.threshold = self.own_threshold.map(Relevance::clamped);
            world
        })
    }
}

/// Whether more consent may be what a silence comes from: what it lets be read may speak against the offer, and may count
/// for little. Everything else is as it was, or is known better.
const fn may_come_of_consent(reason: Reason) -> bool {
    match reason {
        Reason::Unsuitable
        | Reason::AlreadyHas
        | Reason::NoReasonToWrite
        | Reason::BelowThreshold
        | Reason::BelowOwnThreshold => true,
        // Whatever somebody agrees to.
        Reason::RunCancelled
        | Reason::OutsideWindow
        | Reason::Objected
        | Reason::Paused
        | Reason::NoContactPoint
        | Reason::Suppressed
        | Reason::Undeliverable
        | Reason::Holdout
        | Reason::CapReached
        | Reason::TooSoon
        | Reason::Outranked
        | Reason::EndsInQuietHours
        | Reason::Refused
        | Reason::Abandoned => false,
        // For lack of consent.
        Reason::NoConsent
        | Reason::ConsentPending
        | Reason::ConsentDenied
        | Reason::ConsentWithdrawn
        | Reason::ConsentExpired => false,
        // For lack of what consent lets be known.
        Reason::OutsideAudience | Reason::PlaceUnknown | Reason::SuitabilityUnknown | Reason::TooLittleKnown => false,
        // Of somebody whose place may be read one more way is known: it is never the only one but where there was none.
        Reason::TooFar | Reason::TooLate => false,
    }
}

/// The gate that closes for a reason: where nobody knows where somebody is, and where it is too far, it is the same.
fn gate(reason: Reason) -> Reason {
    if reason == Reason::PlaceUnknown {
        Reason::TooFar
    } else {
        reason
    }
}

fn reason_of(judged: &Result<Score, Withheld>) -> Option<Reason> {
    judged.as_ref().err().map(|withheld| withheld.reason)
}

fn withheld_by(decision: &Decision) -> Option<Reason> {
    match decision {
        Decision::Withheld(withheld) => Some(withheld.reason),
        Decision::Approved(_) | Decision::Deferred { .. } => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn more_consent_silences_only_by_what_it_shows(agreement in agreement()) {
        let [less, mut more] = agreement.worlds();
        let (before, after) = (less.reason(), more.reason());
        if let Some(after) = after.filter(|reason| !may_come_of_consent(*reason)) {
            let was_closed = before.is_some_and(|before| gate(before) <= gate(after));
            prop_assert!(was_closed, "{after:?} after {before:?}");
        }
        let [before, after] = [&less, &more].map(|world| withheld_by(&world.decided_for(agreement.zone)));
        prop_assert!(before.is_some() || after.is_none_or(may_come_of_consent), "{after:?} after a yes");
        // A topic agreed to besides shows nothing.
        let with_purposes = more.judged();
        let besides = TopicNumber::new(5).unwrap();
        more.record.hint.topics = more.record.hint.topics.with(besides, ConsentState::Granted { record: 2 });
        prop_assert_eq!(more.judged(), with_purposes);
    }
}

#[test]
fn more_consent_often_makes_a_difference_and_each_that_it_may() {
    let (mut shown, mut lifted) = (BTreeSet::new(), BTreeSet::new());
    let judged = |agreement: Agreement| agreement.worlds().map(|world| world.judged());
    let pairs: Vec<_> = sample(agreement(), 1_600).map(judged).collect();
    for [before, after] in pairs.iter().map(|pair| pair.each_ref().map(reason_of)) {
        if before.is_none() {
            shown.extend(after);
        } else if after.map(gate) > before.map(gate) || after.is_none() {
            lifted.extend(before);
        }
    }
    let may: BTreeSet<Reason> = Reason::ALL
        .into_iter()
        .filter(|each| may_come_of_consent(*each))
        .collect();
    assert_eq!(shown, may);
    for reason in [
        Reason::ConsentDenied,
        Reason::ConsentWithdrawn,
        Reason::ConsentExpired,
        Reason::OutsideAudience,
        Reason::PlaceUnknown,
        Reason::SuitabilityUnknown,
        Reason::TooLittleKnown,
    ] {
        assert!(lifted.contains(&reason), "{reason:?} is never lifted");
    }
    let (scored, differ) = compared(pairs.into_iter());
    assert!(scored > 130 && differ > 130, "{scored} scored, {differ} differ");
}

/// Whatever the campaign asks for, and however well the rest fits.
#[test]
fn nothing_is_sent_without_a_reason_that_is_the_person_s_own() {
    // Whom the brand misses, and nothing of whom speaks for anything but paint.
    let missed = |mut case: Case| {
        let paint = |purchase: &mut Value| purchase["category"] = "paint".into();
        case.said.context["interests"] = json!(["paint"]);
        case.said.context["purchases"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(paint);
        case.goal = Goal::Reactivate;
        case.purposes = 0b1111;
        case.declared = Attribute::all().collect();
        case.has_segment = false;
        case.rules.clear();
        case.places.clear();
        case
    };
    let cases = sample(case(), 400).flat_map(|case| [case.clone(), missed(case)]);
    let (mut sent, mut uncalled_for) = (0, 0);
    for judged in cases.map(|case| judged(&case)) {
        match judged {
            Ok(score) => {
                assert!(score.factors.best_reason() >= LEAST_REASON, "{score:?}");
                sent += 1;
            }
            Err(withheld) if withheld.reason == Reason::NoReasonToWrite => {
                let relevance = withheld.score.map(|score| score.relevance);
                uncalled_for += usize::from(relevance >= Some(Relevance::clamped(4_000)));
            }
            Err(_) => {}
        }
    }
    assert!(
        sent > 100 && uncalled_for > 5,
        "{sent} sent, {uncalled_for} relevant without a reason"
    );
}

/// The one exception, which a brand asks for: a rule about what is known is not about a home.
#[test]
fn a_rule_that_asks_whether_something_is_known_may_silence_whoever_lets_it_be_known() {
    let mut world = world();
    world.offer["uses"] = uses(&["home", "household.dog", "dwelling.floor"]);
    world.offer["rules"] = json!([{"name": "r", "because": because(), "when": {"any": [
        {"not": {"known": "household.dog"}},
        {"attribute": "dwelling.floor", "at_most": 1}
    ]}}]);
    world.record.facts.set(Fact::Dog, Some(1)).unwrap();
    world.record.hint.purposes &= !1;
    assert_eq!(world.reason(), None);
    world.record.hint.purposes |= 1;
    assert_eq!(world.reason(), Some(Reason::SuitabilityUnknown));
}

/// The affinity for an offer of one thing to somebody who bought another in a month since January 2020; 83 is the present.
fn affinity_of(offered: Category, bought: (Category, u8)) -> Relevance {
    let mut world = world();
    world.offer["category"] = offered.slug().into();
    world.offer["places"] = json!([]);
    world.offer["uses"] = uses(&["purchases"]);
    world.campaign["goal"] = "retain".into();
    world.campaign["threshold_bp"] = 0.into();
    world.record.ties = vec![(bought.0, Tie::Bought(PurchaseDay::last_of(bought.1)))];
    world.scored().factors.affinity.unwrap()
}

/// A thing, another that goes with it, and two months, the later one first.
fn purchases() -> impl Strategy<Value = (Category, Category, u8, u8)> {
    let pairs = Category::all().flat_map(|owned| Category::all().map(move |offered| (owned, offered)));
    let pairs: Vec<_> = pairs.filter(|(owned, offered)| complements(*owned, *offered)).collect();
    let months = (40u8..84, 0u8..40);
    (prop::sample::select(pairs), months).prop_map(|((owned, offered), (month, sooner))| {
        let earlier = month.saturating_sub(sooner);
        (owned, offered, month, earlier)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_longer_time_since_a_complementary_purchase_never_raises_affinity((owned, offered, month, earlier) in purchases()) {
        prop_assert!(affinity_of(offered, (owned, earlier)) <= affinity_of(offered, (owned, month)));
    }
}

/// A thing and two months in which one was bought that is used up by now, the later one first.
fn used_up() -> impl Strategy<Value = (Category, u8, u8)> {
    let all: Vec<Category> = Category::all().collect();
    let months = (0u8..84, 0u8..40);
    let drawn = (prop::sample::select(all), months);
    drawn.prop_filter_map("it still serves", |(category, (month, sooner))| {
        let days = PurchaseDay::last_of(month).days_until(EpochDay::of(world().now));
        (days >= u32::from(category.repurchase_days())).then(|| (category, month, month.saturating_sub(sooner)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_was_used_up_longer_ago_never_counts_more((category, month, earlier) in used_up()) {
        prop_assert!(affinity_of(category, (category, earlier)) <= affinity_of(category, (category, month)));
        prop_assert!(affinity_of(category, (category, earlier)) <= Relevance::FULL);
    }
}

#[test]
fn most_of_what_was_used_up_longer_ago_counts_less() {
    let faded = sample(used_up(), 200).filter(|(category, month, earlier)| {
        affinity_of(*category, (*category, *earlier)) < affinity_of(*category, (*category, *month))
    });
    assert!(faded.count() > 150);
}

#[test]
fn a_longer_time_since_most_complementary_purchases_lowers_affinity() {
    let lowered = sample(purchases(), 200).filter(|(owned, offered, month, earlier)| {
        affinity_of(*offered, (*owned, *earlier)) < affinity_of(*offered, (*owned, *month))
    });
    let lowered = lowered.count();
    assert!(lowered > 150, "{lowered} lowered");
}

/// Somebody who was written to before and lets it be read how they took it, without one more message and with it.
fn ignored() -> impl Strategy<Value = [Case; 2]> {
    let hours_ago = || prop_oneof![24u32..200, 24u32..2_000];
    (case(), hours_ago(), hours_ago()).prop_map(|(case, first, another)| {
        let [mut before, _] = case.with(Attribute::Reaction);
        before.said.written_hours_ago.push(first);
        let mut after = before.clone();
        after.said.written_hours_ago.push(another);
        [before, after]
    })
}

/// Somebody who lets nothing of them be measured, and who does: of an offer that reads when they act, and not how they took what
/// they were sent, which may speak against one more.
fn of_known_hours() -> impl Strategy<Value = [Case; 2]> {
    let acts = prop::collection::vec(prop_oneof![0u8..24, 9u8..12], 3..6);
    (case(), acts).prop_map(|(mut before, acts)| {
        before.said.context["active_hours"] = json!(acts);
        before.said.context["time_zone"] = "Europe/Paris".into();
        before.declared.insert(Attribute::ActiveHours);
        before.declared.remove(&Attribute::Reaction);
        before.purposes = before.purposes & 0b0111 | 0b0001;
        let mut after = before.clone();
        after.purposes |= 0b1000;
        [before, after]
    })
}

/// An offer with places, for people who let it be read where they live, and the same with one radius wider.
fn widened() -> impl Strategy<Value = [Case; 2]> {
    let of_places = case().prop_filter("it needs a place", |case| !case.places.is_empty());
    (of_places, any::<prop::sample::Index>(), 2u32..300, 1u32..200).prop_map(|(case, which, shrunk, percent)| {
        let [mut before, _] = case.with(Attribute::Home);
        let which = which.index(before.places.len());
        scale(&mut before.places[which], shrunk.min(100));
        let mut after = before.clone();
        scale(&mut after.places[which], 100 + percent);
        [before, after]
    })
}

/// Every radius of a place in percent of what it was.
fn scale(place: &mut Value, percent: u32) {
    let scaled = |radius: &Value| Value::from(radius.as_u64().unwrap() * u64::from(percent) / 100);
    place["radius_m"] = scaled(&place["radius_m"]);
    for area in Area::ALL.map(Area::code) {
        place["travel_m"][area] = scaled(&place["travel_m"][area]);
    }
}

/// An offer whose places open today or another day, and the same that ends later.
fn prolonged() -> impl Strategy<Value = [Case; 2]> {
    let opens = prop::sample::select(vec!["tuesday", "wednesday", "friday", "monday"]);
    let days = prop::collection::vec(opens, 3);
    let of_places = case().prop_filter("it needs a place", |case| !case.places.is_empty());
    (of_places, days, 1i64..40, 1i64..200).prop_map(|(case, days, ends, later)| {
        let [mut before, _] = case.with(Attribute::Home);
        for (place, day) in before.places.iter_mut().zip(days) {
            place["hours"] = json!({day: ["14:00-18:00"]});
        }
        before.ends_in_hours = ends;
        let mut after = before.clone();
        after.ends_in_hours = ends + later;
        [before, after]
    })
}

/// Whether both end within the days in which the end is near, or both later: there it is told that it ends soon.
fn are_alike_near_their_end(cases: &[Case; 2]) -> bool {
    let [sooner, later] = cases.each_ref().map(|case| case.ends_in_hours <= SOON.as_hours());
    sooner == later
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn one_more_ignored_message_never_makes_an_offer_better(cases in ignored()) {
        let [before, after] = cases.each_ref().map(judged);
        prop_assert!(worth(&after) <= worth(&before), "{before:?} became {after:?}");
    }

    #[test]
    fn whoever_lets_their_hours_be_learned_is_never_judged_worse(cases in of_known_hours()) {
        let [before, after] = cases.each_ref().map(judged);
        prop_assert!(worth(&after) >= worth(&before), "{before:?} became {after:?}");
    }

    #[test]
    fn a_wider_radius_is_never_worse(cases in widened()) {
        let [before, after] = cases.each_ref().map(judged);
        prop_assert!(worth(&after) >= worth(&before), "{before:?} became {after:?}");
    }

    /// Only that it ends soon is a reason that more time takes away.
    #[test]
    fn more_time_is_never_too_late_and_never_worse_but_where_the_end_is_not_near_any_more(cases in prolonged()) {
        let [before, after] = cases.each_ref().map(judged);
        let is_late = |judged| reason_of(judged) == Some(Reason::TooLate);
        prop_assert!(is_late(&before) || !is_late(&after));
        if are_alike_near_their_end(&cases) {
            prop_assert!(worth(&after) >= worth(&before), "{before:?} became {after:?}");
        }
    }
}

#[test]
fn what_does_not_end_soon_any_more_is_less_relevant() {
    let relevance = |until: &str| {
        let mut world = world();
        world.offer["window"]["until"] = until.into();
        world.judged().unwrap().relevance.basis_points()
    };
    // 40 × 10 000, 20 × 8 000, 25 × 10 000 and 5 × 8 000, over 90; then without the moment, over 65.
    assert_eq!(relevance("2026-12-08T09:00:00Z"), 9_444);
    assert_eq!(relevance("2026-12-08T09:00:01Z"), 9_230);
}

/// The properties above compare something: in a good part of their cases it makes a difference.
#[test]
fn more_of_each_often_makes_a_difference() {
    let judged = |cases: [Case; 2]| cases.each_ref().map(judged);
    let (scored, differ) = compared(sample(ignored(), 300).map(judged));
    assert!(scored > 130 && differ > 60, "ignored: {scored} scored, {differ} differ");
    let (scored, differ) = compared(sample(of_known_hours(), 900).map(judged));
    assert!(scored > 390 && differ > 30, "hours: {scored} scored, {differ} differ");
    let (scored, differ) = compared(sample(widened(), 300).map(judged));
    assert!(scored > 90 && differ > 75, "wider: {scored} scored, {differ} differ");
    let of_one_side = sample(prolonged(), 300).filter(are_alike_near_their_end);
    let (scored, differ) = compared(of_one_side.map(judged));
    assert!(scored > 30 && differ > 35, "later: {scored} scored, {differ} differ");
}
