//! Suitability for a whole group: each condition gives who it holds for and who it does not; the others are unknown.

use crate::attribute::Fact;
use crate::suitability::Condition;

use super::block::{Group, LANES};
use super::judge::{Mask, either, mask};
use super::plan::Plan;

pub(super) struct Answer {
    pub(super) yes: Mask,
    pub(super) no: Mask,
}

/// Whom the plan may read facts, purchases and interests of.
pub(super) struct Readable {
    pub(super) facts: Mask,
    pub(super) purchases: Mask,
    pub(super) interests: Mask,
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
pub(super) fn holds(condition: &Condition, plan: &Plan<'_>, group: &Group, readable: &Readable) -> Answer {
    let all = |parts: &[Condition], decisive: bool| {
        let mut answer = Answer {
            yes: [255; LANES],
            no: [0; LANES],
        };
        for part in parts {
            let mut part = holds(part, plan, group, readable);
            if decisive {
                std::mem::swap(&mut part.yes, &mut part.no);
            }
            answer.yes = mask(|lane| answer.yes[lane] & part.yes[lane] != 0);
            answer.no = either(&answer.no, &part.no);
        }
        if decisive {
            std::mem::swap(&mut answer.yes, &mut answer.no);
        }
        answer
    };
    let fact = |fact: Fact, holds: &dyn Fn(i16) -> bool| {
        let reads = plan.reads_fact(fact);
        let value = |lane: usize| value(group, fact, lane).filter(|_| reads && readable.facts[lane] != 0);
        Answer {
            yes: mask(|lane| value(lane).is_some_and(holds)),
            no: mask(|lane| value(lane).is_some_and(|value| !holds(value))),
        }
    };
    let of = |readable: &Mask, holds: &dyn Fn(usize) -> bool| Answer {
        yes: mask(|lane| readable[lane] != 0 && holds(lane)),
        no: mask(|lane| readable[lane] != 0 && !holds(lane)),
    };
    match condition {
        Condition::All(parts) => all(parts, false),
        Condition::Any(parts) => all(parts, true),
        Condition::Not(part) => {
            let Answer { yes, no } = holds(part, plan, group, readable);
            Answer { yes: no, no: yes }
        }
        Condition::Is(of, wanted) => fact(*of, &|value| value == *wanted),
        Condition::In(of, wanted) => fact(*of, &|value| wanted.contains(&value)),
        Condition::AtMost(of, most) => fact(*of, &|value| value <= *most),
        Condition::AtLeast(of, least) => fact(*of, &|value| value >= *least),
        Condition::Known(of) => {
            let known = fact(*of, &|_| true);
            Answer {
                no: mask(|lane| known.yes[lane] == 0),
                yes: known.yes,
            }
        }
        Condition::Purchased { category, within_days } => {
            let column = group
                .bought
                .get(usize::from(category.code()) - 1)
                .unwrap_or(&[0; LANES]);
            of(&readable.purchases, &|lane| {
                column[lane]
                    .checked_sub(1)
                    .is_some_and(|month| u32::from(plan.month.saturating_sub(month)) * 30 <= u32::from(*within_days))
            })
        }
        Condition::Interested(category) => {
            let place = usize::from(category.code()) - 1;
            let column = group.interests.get(place / 8).unwrap_or(&[0; LANES]);
            of(&readable.interests, &|lane| column[lane] & (1 << (place % 8)) != 0)
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
fn value(group: &Group, fact: Fact, lane: usize) -> Option<i16> {
    let number = |at: usize| {
        let value = group.numbers[at][lane];
        (value != i8::MIN).then_some(i16::from(value))
    };
    let state = |bits: u16| {
        i16::try_from(bits & 0b11)
            .ok()
            .filter(|state| *state > 0)
            .map(|state| state - 1)
    };
    match fact {
        Fact::Floor => number(0),
        Fact::CeilingHeight => number(1),
        Fact::HouseholdSize => number(2),
        Fact::Ventilation => state(u16::from(group.life[lane] >> 6)),
        Fact::DwellingKind
        | Fact::Garden
        | Fact::Balcony
        | Fact::Lift
        | Fact::Parking
        | Fact::Cellar
        | Fact::Dog
        | Fact::Cat => {
            let position = Fact::ALL.into_iter().position(|each| each == fact).unwrap_or(0);
            state(group.flag_facts[lane] >> (2 * position))
        }
    }
}
