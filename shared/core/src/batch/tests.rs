//! The batch equals the scalar reference, bit for bit.

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::attribute::{Attribute, Fact};
use crate::audience::{AudienceRecord, ConsentHint, Tie, TopicStates, Whereabouts};
use crate::campaign::{Audience, Goal};
use crate::category::Category;
use crate::context::Lifecycle;
use crate::decision::{Proposal, judge};
use crate::fixture;
use crate::habit::GoodHours;
use crate::ids::CustomerId;
use crate::place::Cell;
use crate::relevance::Relevance;
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
            let bought = Tie::BoughtInMonth(u8::try_from(dice.below(90)).unwrap());
            (
                dice.of(&all[..60]),
                if dice.below(2) == 0 { Tie::Interest } else { bought },
            )
        })
        .collect();
    record
}

#[test]
fn a_block_is_judged_as_each_of_its_people() {
    let mut dice = Dice(7);
    let (mut block, mut verdicts) = (Block::default(), Verdicts::default());
    let brand = fixture::brand();
    let mut counts = [0u32; 256];
    let all: Vec<Category> = Category::all().collect();
    let attributes: Vec<Attribute> = Attribute::all().collect();
    for round in 0..60 {
        let people: Vec<(CustomerId, AudienceRecord)> = (0..300)
            .map(|number| (CustomerId::new(format!("c{number}")).unwrap(), record(&mut dice)))
            .collect();
        block.clear();
        for (number, (_, record)) in people.iter().enumerate() {
            // A record of a page or one at hand.
            if number % 2 == 0 {
                block.push_bytes(&record.to_bytes()).unwrap();
            } else {
                block.push(record);
            }
        }
        let mut document = fixture::offer_document();
        document["category"] = json!(dice.of(&all).slug());
        let because = json!({"fr": "…", "en": "…"});
        document["uses"] = attributes
            .iter()
            .filter(|attribute| **attribute == Attribute::Home || dice.below(4) > 0)
            .map(|attribute| json!({"attribute": attribute.code(), "because": because.clone()}))
            .collect();
        match round % 3 {
            0 => document["places"] = json!([]),
            1 => {}
            _ => {
                let second =
                    json!({"id": "halle", "name": "Halle", "latitude": 45.8, "longitude": 5.0, "radius_m": 12_000});
                document["places"].as_array_mut().unwrap().push(second);
            }
        }
        let offer = fixture::offer_from(&document).unwrap();
        let mut campaign = fixture::campaign();
        campaign.goal = dice.of(&Goal::ALL);
        campaign.minimum_evidence = dice.of(&[Relevance::clamped(2_000), Relevance::clamped(7_000)]);
        campaign.holdout = dice.of(&[Relevance::NONE, Relevance::clamped(1_000)]);
        if dice.below(4) == 0 {
            campaign.audience = Audience::Lifecycle(vec![Lifecycle::New, Lifecycle::Active]);
        }
        let run = fixture::run(&brand);
        let proposal = Proposal {
            brand: &brand,
            offer: &offer,
            campaign: &campaign,
            run: &run,
        };
        let back = dice.of(&[
            SignedDuration::from_mins(20),
            SignedDuration::from_mins(40),
            SignedDuration::from_hours(100),
            SignedDuration::from_hours(400),
            SignedDuration::ZERO,
        ]);
        let now = offer.window.until - back;
        let plan = Plan::new(proposal, now);
        plan.judge(&block, |person| plan.holds_out(&people[person].0), &mut verdicts);
        for (person, (customer, record)) in people.iter().enumerate() {
            // What the stored form can say.
            let (outcome, score) = match judge(proposal, customer, record, now) {
                Ok(score) => (Outcome::Candidate, Some(score)),
                Err(withheld) => (Outcome::Withheld(withheld.reason), withheld.score),
            };
            assert_eq!(verdicts.outcome(person), Some(outcome), "{round} {person}");
            assert_eq!(
                verdicts.relevance()[person],
                score.map_or(0, |score| score.relevance.basis_points())
            );
            assert_eq!(
                verdicts.contributions(person),
                score.map_or([255; 5], |score| score.contribution_bytes())
            );
            counts[usize::from(verdicts.outcomes()[person])] += 1;
        }
    }
    eprintln!(
        "{:?}",
        counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .collect::<Vec<_>>()
    );
    assert!(counts.iter().filter(|count| **count > 0).count() >= 15);
}
