//! The batch equals the scalar reference, bit for bit.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::attribute::{Attribute, Fact};
use crate::audience::{AudienceRecord, ConsentHint, Tie, TopicStates, Whereabouts};
use crate::campaign::{Audience, Goal, RunStatus};
use crate::category::Category;
use crate::context::Lifecycle;
use crate::decision::{Proposal, judge};
use crate::fixture;
use crate::habit::GoodHours;
use crate::ids::CustomerId;
use crate::offer::Offer;
use crate::place::Cell;
use crate::purchase_day::PurchaseDay;
use crate::relevance::Relevance;
use crate::segment::Stages;
use crate::suitability::{Condition, OnUnknown, Rule};
use crate::time::EpochDay;
use crate::travel::Area;

struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(u64::try_from(values.len()).unwrap())).unwrap()]
    }
}

fn record(dice: &mut Dice) -> AudienceRecord {
    let brand = fixture::brand();
    let mut record = fixture::record(&brand, &fixture::standing());
    let point = |dice: &mut Dice| {
        Cell::at_degrees(
            45.6 + f64::from(u32::try_from(dice.below(400)).unwrap()) / 1_000.0,
            4.6 + f64::from(u32::try_from(dice.below(600)).unwrap()) / 1_000.0,
        )
        .unwrap()
        .centre()
    };
    let topic = brand.topics.number(&fixture::campaign().topic).unwrap();
    let state = if dice.below(5) == 0 { dice.below(6) } else { 1 };
    let mut bytes = record.to_bytes();
    let at = 1 + 4 + 5 - usize::from(topic.get() * 3 / 8);
    let shift = topic.get() * 3 % 8;
    // Topic 3 lies over two bytes.
    let mut pair = u16::from_be_bytes([bytes[at - 1], bytes[at]]);
    pair = pair & !(0b111 << shift) | (u16::try_from(state).unwrap() << shift);
    [bytes[at - 1], bytes[at]] = pair.to_be_bytes();
    let topics: TopicStates = AudienceRecord::from_bytes(&bytes).unwrap().hint.topics;
    record.hint = ConsentHint {
        topics,
        purposes: u8::try_from(dice.below(16) | dice.below(16)).unwrap(),
        no_marketing: dice.below(40) == 0,
        paused_until: if dice.below(30) == 0 { 1_800_000_000 } else { 0 },
    };
    record.home = (dice.below(8) > 0).then(|| point(dice));
    record.area = dice.of(&[None, Some(Area::DenseCity), Some(Area::Town), Some(Area::Country)]);
    record.current_place = (dice.below(4) == 0).then(|| Whereabouts {
        at: point(dice),
        until_hour: dice.of(&[494_000, 500_000]),
    });
    record.lifecycle = dice.of(&Lifecycle::ALL);
    let day = |dice: &mut Dice| EpochDay(dice.of(&[20_300, 20_600, 20_900]));
    record.stages = (dice.below(2) == 0).then(|| Stages {
        new_until: day(dice),
        active_until: day(dice),
        lapsing_until: day(dice),
    });
    record.threshold = (dice.below(4) == 0).then(|| Relevance::clamped(u32::try_from(dice.below(10_001)).unwrap()));
    record.heard_on = dice.of(&[None, Some(EpochDay(20_000)), Some(EpochDay(19_000))]);
    record.reaction = u8::try_from(dice.below(8)).unwrap();
    record.good_hours = GoodHours::from_bytes([dice.of(&[0, 1, 8, 16, 24, 200]), dice.of(&[0, 4, 8, 23, 232])]);
    for fact in Fact::ALL {
        let value = dice.of(&[None, Some(0), Some(1)]);
        let _ = record.facts.set(fact, value);
    }
    let _ = record
        .facts
        .set(Fact::Floor, dice.of(&[None, Some(-2), Some(3), Some(60)]));
    let all: Vec<Category> = Category::all().collect();
    record.ties = (0..dice.below(9))
        .map(|_| {
            let on = [dice.below(90), 1 + dice.below(28)].map(|byte| u8::try_from(byte).unwrap());
            let bought = Tie::Bought(PurchaseDay::from_bytes(on).unwrap());
            (
                dice.of(&all[..60]),
                if dice.below(2) == 0 { Tie::Interest } else { bought },
            )
        })
        .collect();
    record
}

fn condition(dice: &mut Dice, depth: u64) -> Condition {
    let all: Vec<Category> = Category::all().collect();
    let fact = dice.of(&Fact::ALL);
    let value = dice.of(&[0, 1, 2, 3, 60, -2, -500, 500]);
    let parts = |dice: &mut Dice| (0..dice.below(4)).map(|_| condition(dice, depth + 1)).collect();
    match dice.below(if depth < 2 { 12 } else { 8 }) {
        0 | 1 => Condition::Is(fact, dice.of(&[0, 1])),
        2 => Condition::In(fact, vec![value, 1]),
        3 => Condition::AtMost(fact, value),
        4 => Condition::AtLeast(fact, value),
        5 => Condition::Known(fact),
        6 => Condition::Purchased {
            category: dice.of(&all),
            within_days: dice.of(&[1, 300, 2_000]),
        },
        7 => Condition::Interested(dice.of(&all)),
        8 => Condition::All(parts(dice)),
        9 => Condition::Any(parts(dice)),
        _ => Condition::Not(Box::new(condition(dice, depth + 1))),
    }
}

fn place(dice: &mut Dice, number: u64) -> Value {
    let radius = dice.of(&[120, 3_000, 12_000, 30_000, 400_000]);
    let mut place = json!({
        "id": format!("p{number}"), "name": "Halle", "latitude": 45.8, "longitude": dice.of(&[4.8, 5.0, 4.8, 5.0, 2.3]), "radius_m": radius
    });
    if dice.below(2) == 0 {
        place["travel_m"] = json!({"dense_city": radius / 2, "town": radius, "country": radius * 3 / 2});
    }
    if dice.below(2) == 0 {
        let span = dice.of(&["09:00-12:00", "10:30-19:00", "00:00-01:00"]);
        let open = fixture::WEEK.into_iter().filter(|_| dice.below(4) > 0);
        place["hours"] = open.map(|day| (day.to_owned(), json!([span]))).collect();
    }
    place
}

fn offer(dice: &mut Dice) -> Offer {
    let mut document = fixture::offer_document();
    let all: Vec<Category> = Category::all().collect();
    document["category"] = json!(dice.of(&all).slug());
    let because = json!({"fr": "…", "en": "…"});
    document["uses"] = Attribute::all()
        .filter(|attribute| matches!(attribute, Attribute::Home | Attribute::Purchases) || dice.below(4) > 0)
        .map(|attribute| json!({"attribute": attribute.code(), "because": because.clone()}))
        .collect();
    let places = dice.of(&[0, 1, 1, 2, 3]);
    document["places"] = (0..places).map(|number| place(dice, number)).collect();
    let mut offer = fixture::offer_from(&document).unwrap();
    if dice.below(4) == 0 {
        // As some were kept: by what follows from purchases nobody is judged then.
        offer.uses.retain(|each| each.attribute != Attribute::Purchases);
    }
    offer.rules = (0..dice.of(&[0, 0, 1, 2]))
        .map(|_| Rule {
            name: "suits".to_owned(),
            condition: condition(dice, 0),
            unknown: dice.of(&[OnUnknown::Exclude, OnUnknown::Neutral]),
            because: offer.title.clone(),
        })
        .collect();
    offer
}

/// Judges a page of people drawn from a seed for an offer drawn from it, both ways, and counts how it ends.
fn judge_both_ways(seed: u64, block: &mut Block, counts: &mut [u32; 256]) {
    let mut dice = Dice(seed);
    let mut verdicts = Verdicts::default();
    let brand = fixture::brand();
    let people: Vec<(CustomerId, AudienceRecord)> = (0..300)
        .map(|number| (CustomerId::new(format!("c{number}")).unwrap(), record(&mut dice)))
        .collect();
    let offer = offer(&mut dice);
    let mut campaign = fixture::campaign();
    campaign.goal = dice.of(&Goal::ALL);
    campaign.minimum_evidence = Relevance::clamped(dice.of(&[0, 2_000, 7_000]));
    campaign.threshold = Relevance::clamped(dice.of(&[0, 4_000, 5_000, 6_000]));
    campaign.holdout = dice.of(&[Relevance::NONE, Relevance::clamped(1_000)]);
    if dice.below(4) == 0 {
        campaign.audience = Audience::Lifecycle(vec![Lifecycle::New, Lifecycle::Active]);
    }
    let mut run = fixture::run(&brand);
    if dice.below(20) == 0 {
        run.status = RunStatus::Cancelled;
    }
    let proposal = Proposal {
        brand: &brand,
        offer: &offer,
        campaign: &campaign,
        run: &run,
    };
    let hours = i64::try_from(dice.below(600)).unwrap();
    let back = dice.of(&[
        SignedDuration::from_mins(20),
        SignedDuration::from_mins(40),
        SignedDuration::from_hours(hours),
        SignedDuration::from_hours(hours),
        SignedDuration::from_secs(hours * 97 + 1),
        SignedDuration::ZERO,
    ]);
    let now = offer.window.until - back;
    block.clear();
    for (number, (_, record)) in people.iter().enumerate() {
        // A record of a page or one at hand.
        if number % 2 == 0 {
            block.push_bytes(&record.to_bytes(), EpochDay::of(now)).unwrap();
        } else {
            block.push(record, EpochDay::of(now));
        }
    }
    let plan = Plan::new(proposal, now);
    plan.judge(block, |person| plan.holds_out(&people[person].0), &mut verdicts);
    for (person, (customer, record)) in people.iter().enumerate() {
        let (outcome, score) = match judge(proposal, customer, record, now) {
            Ok(score) => (Outcome::Candidate, Some(score)),
            Err(withheld) => (Outcome::Withheld(withheld.reason), withheld.score),
        };
        assert_eq!(verdicts.outcome(person), Some(outcome), "{seed} {person}");
        assert_eq!(
            verdicts.relevance()[person],
            score.map_or(0, |score| score.relevance.basis_points()),
            "{seed} {person}"
        );
        assert_eq!(
            verdicts.contributions(person),
            score.map_or([255; 5], |score| score.contribution_bytes()),
            "{seed} {person}"
        );
        counts[usize::from(verdicts.outcomes()[person])] += 1;
    }
    let (outcomes, relevance) = (verdicts.outcomes().to_vec(), verdicts.relevance().to_vec());
    plan.judge_without_contributions(block, |person| plan.holds_out(&people[person].0), &mut verdicts);
    assert_eq!((verdicts.outcomes(), verdicts.relevance()), (&*outcomes, &*relevance));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_block_is_judged_as_each_of_its_people(seed: u64) {
        judge_both_ways(seed, &mut Block::default(), &mut [0; 256]);
    }
}

/// Everything that judging can answer, by the same block filled again and again.
#[test]
fn a_sample_ends_in_every_way_there_is() {
    let (mut block, mut counts) = (Block::default(), [0; 256]);
    for seed in 0..80 {
        judge_both_ways(seed, &mut block, &mut counts);
    }
    let missing: Vec<Reason> = [
        Reason::RunCancelled,
        Reason::OutsideWindow,
        Reason::Objected,
        Reason::Paused,
        Reason::NoConsent,
        Reason::ConsentPending,
        Reason::ConsentDenied,
        Reason::ConsentWithdrawn,
        Reason::ConsentExpired,
        Reason::OutsideAudience,
        Reason::Holdout,
        Reason::TooFar,
        Reason::PlaceUnknown,
        Reason::TooLate,
        Reason::Unsuitable,
        Reason::SuitabilityUnknown,
        Reason::AlreadyHas,
        Reason::NoReasonToWrite,
        Reason::TooLittleKnown,
        Reason::BelowThreshold,
        Reason::BelowOwnThreshold,
    ]
    .into_iter()
    .filter(|reason| counts[usize::from(reason.byte())] == 0)
    .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(counts[0] > 0, "nobody is a candidate");
}
