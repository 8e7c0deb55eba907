//! Suitability for a whole group: each condition gives who it holds for and who it does not; the others are unknown.

use crate::attribute::Fact;
use crate::consent::DataPurpose;
use crate::suitability::Condition;

use super::block::{Group, LANES};
use super::judge::{Mask, allowed, either, mask};
use super::plan::{Plan, bit};

pub(super) struct Answer {
    pub(super) yes: Mask,
    pub(super) no: Mask,
}

/// Whom the plan may read purchases and interests of.
pub(super) struct Readable {
    pub(super) purchases: Mask,
    pub(super) interests: Mask,
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
pub(super) fn holds(condition: &Condition, plan: &Plan<'_>, group: &Group<'_>, readable: &Readable) -> Answer {
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
    match condition {
        Condition::All(parts) => all(parts, false),
        Condition::Any(parts) => all(parts, true),
        Condition::Not(part) => {
            let Answer { yes, no } = holds(part, plan, group, readable);
            Answer { yes: no, no: yes }
        }
        Condition::Is(of, wanted) => any_of(&values(*of, plan, group), &[*wanted]),
        Condition::In(of, wanted) => any_of(&values(*of, plan, group), wanted),
        Condition::AtMost(of, most) => {
            let (values, most) = (values(*of, plan, group), cut(*most));
            known(&values, |lane| values[lane] <= most)
        }
        Condition::AtLeast(of, least) => {
            let (values, below) = (values(*of, plan, group), cut(least.saturating_sub(1)));
            known(&values, |lane| values[lane] > below)
        }
        Condition::Known(of) => {
            let values = values(*of, plan, group);
            Answer {
                yes: mask(|lane| values[lane] != UNKNOWN),
                no: mask(|lane| values[lane] == UNKNOWN),
            }
        }
        Condition::Purchased { category, within_days } => {
            let column = group.bought(usize::from(category.code()) - 1);
            // The later it was, the fewer days ago.
            let is_within = |month: &u8| u32::from(plan.month.saturating_sub(*month)) * 30 <= u32::from(*within_days);
            let earliest = (0..u8::MAX).find(is_within).map_or(u8::MAX, |month| month + 1);
            of(&readable.purchases, |lane| column[lane] >= earliest)
        }
        Condition::Interested(category) => {
            let place = usize::from(category.code()) - 1;
            let column = group.interests(place / 8);
            let bit = 1 << (place % 8);
            of(&readable.interests, |lane| column[lane] & bit != 0)
        }
    }
}

/// No value of a fact, as columns have it.
const UNKNOWN: i8 = i8::MIN;

type Values = [i8; LANES];

fn cut(bound: i16) -> i8 {
    i8::try_from(bound.clamp(i16::from(i8::MIN), i16::from(i8::MAX))).unwrap_or(i8::MAX)
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
fn of(readable: &Mask, holds: impl Fn(usize) -> bool) -> Answer {
    let holds = mask(holds);
    Answer {
        yes: mask(|lane| readable[lane] & holds[lane] != 0),
        no: mask(|lane| readable[lane] & !holds[lane] != 0),
    }
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
fn known(values: &Values, holds: impl Fn(usize) -> bool) -> Answer {
    of(&mask(|lane| values[lane] != UNKNOWN), holds)
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
fn any_of(values: &Values, wanted: &[i16]) -> Answer {
    let mut is_one = [0; LANES];
    for wanted in wanted.iter().filter_map(|wanted| i8::try_from(*wanted).ok()) {
        is_one = mask(|lane| (is_one[lane] != 0) | (values[lane] == wanted));
    }
    known(values, |lane| is_one[lane] != 0)
}

/// The values of a fact that may be read.
#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
fn values(fact: Fact, plan: &Plan<'_>, group: &Group<'_>) -> Values {
    let mut out = [UNKNOWN; LANES];
    if !plan.reads_fact(fact) {
        return out;
    }
    let readable = allowed(group, bit(DataPurpose::Profiling));
    let column = match fact {
        Fact::Floor => Ok(group.numbers[0]),
        Fact::CeilingHeight => Ok(group.numbers[1]),
        Fact::HouseholdSize => Ok(group.numbers[2]),
        Fact::Ventilation => Err((group.life, 6)),
        Fact::DwellingKind
        | Fact::Garden
        | Fact::Balcony
        | Fact::Lift
        | Fact::Parking
        | Fact::Cellar
        | Fact::Dog
        | Fact::Cat => {
            let position = Fact::ALL.into_iter().position(|each| each == fact).unwrap_or(0);
            Err((group.flag_facts[position / 4], 2 * (position % 4)))
        }
    };
    match column {
        Ok(numbers) => {
            for lane in 0..LANES {
                let readable = readable[lane].cast_signed();
                out[lane] = numbers[lane] & readable | UNKNOWN & !readable;
            }
        }
        Err((column, shift)) => {
            for lane in 0..LANES {
                let state = (column[lane] >> shift) & 0b11 & readable[lane];
                let known = u8::from(state != 0).wrapping_neg();
                out[lane] = ((state.wrapping_sub(1) & known) | (UNKNOWN.cast_unsigned() & !known)).cast_signed();
            }
        }
    }
    out
}
