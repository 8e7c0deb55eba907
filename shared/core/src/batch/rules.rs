//! Suitability for a whole group: each condition gives who it holds for and who it does not; the others are unknown.

use wide::{i8x32, u8x32};

use crate::attribute::Fact;
use crate::consent::DataPurpose;
use crate::suitability::Condition;
use crate::time::EpochDay;

use super::block::Group;
use super::judge::from;
use super::plan::{Plan, bit, since};
use super::strip::{Bytes, EVERYBODY, Having, NOBODY, STRIPS, Signed, joined, narrow_mask, shifted};

pub(super) struct Answer {
    pub(super) yes: Bytes,
    pub(super) no: Bytes,
}

fn each(of_strip: impl Fn(usize) -> u8x32) -> Bytes {
    std::array::from_fn(of_strip)
}

#[expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
pub(super) fn holds(condition: &Condition, plan: &Plan<'_>, group: &Group<'_>) -> Answer {
    let all = |parts: &[Condition], decisive: bool| {
        let mut answer = Answer {
            yes: [EVERYBODY; STRIPS],
            no: [NOBODY; STRIPS],
        };
        for part in parts {
            let mut part = holds(part, plan, group);
            if decisive {
                std::mem::swap(&mut part.yes, &mut part.no);
            }
            answer.yes = each(|at| answer.yes[at] & part.yes[at]);
            answer.no = each(|at| answer.no[at] | part.no[at]);
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
            let Answer { yes, no } = holds(part, plan, group);
            Answer { yes: no, no: yes }
        }
        Condition::Is(of, wanted) => any_of(&values(*of, plan, group), &[*wanted]),
        Condition::In(of, wanted) => any_of(&values(*of, plan, group), wanted),
        Condition::AtMost(of, most) => {
            let (values, most) = (values(*of, plan, group), cut(*most));
            known(&values, |values| !values.simd_gt(i8x32::splat(most)))
        }
        Condition::AtLeast(of, least) => {
            let (values, below) = (values(*of, plan, group), cut(least.saturating_sub(1)));
            known(&values, |values| values.simd_gt(i8x32::splat(below)))
        }
        Condition::Known(of) => {
            let values = values(*of, plan, group);
            let no = each(|at| is(values[at], UNKNOWN));
            Answer {
                yes: no.map(|no| !no),
                no,
            }
        }
        Condition::Purchased { category, within_days } => {
            let category = usize::from(category.code()) - 1;
            let (months, days) = (group.bought(category), group.bought_on(category));
            let earliest = since(EpochDay(plan.today.0.saturating_sub(*within_days)));
            let readable = Having::of(plan.purchases);
            of(&group.flags.map(|flags| readable.among(flags)), |at| {
                narrow_mask(from(earliest, joined(days[at], months[at])))
            })
        }
        Condition::Interested(category) => {
            let place = usize::from(category.code()) - 1;
            let column = group.interests(place / 8);
            let (interested, readable) = (Having::of(1 << (place % 8)), Having::of(plan.interests));
            of(&group.flags.map(|flags| readable.among(flags)), |at| {
                interested.among(column[at])
            })
        }
    }
}

/// No value of a fact, as columns have it.
const UNKNOWN: i8 = i8::MIN;

fn cut(bound: i16) -> i8 {
    i8::try_from(bound.clamp(i16::from(i8::MIN), i16::from(i8::MAX))).unwrap_or(i8::MAX)
}

fn is(values: i8x32, value: i8) -> u8x32 {
    values.simd_eq(i8x32::splat(value)).cast_unsigned()
}

#[expect(clippy::indexing_slicing, reason = "there are as many strips")]
fn of(readable: &Bytes, holds: impl Fn(usize) -> u8x32) -> Answer {
    let holds = each(holds);
    Answer {
        yes: each(|at| readable[at] & holds[at]),
        no: each(|at| readable[at] & !holds[at]),
    }
}

#[expect(clippy::indexing_slicing, reason = "there are as many strips")]
fn known(values: &Signed, holds: impl Fn(i8x32) -> i8x32) -> Answer {
    of(&values.map(|values| !is(values, UNKNOWN)), |at| {
        holds(values[at]).cast_unsigned()
    })
}

fn any_of(values: &Signed, wanted: &[i16]) -> Answer {
    // What a column has no room for is no value of it.
    let wanted = || wanted.iter().filter_map(|wanted| i8::try_from(*wanted).ok());
    known(values, |values| {
        let is_one = wanted().fold(NOBODY, |is_one, wanted| is_one | is(values, wanted));
        is_one.cast_signed()
    })
}

/// The values of a fact that may be read.
#[expect(clippy::indexing_slicing, reason = "there are as many strips")]
fn values(fact: Fact, plan: &Plan<'_>, group: &Group<'_>) -> Signed {
    let unknown = i8x32::splat(UNKNOWN);
    if !plan.reads_fact(fact) {
        return [unknown; STRIPS];
    }
    let profiling = Having::of(bit(DataPurpose::Profiling));
    let readable = |at: usize| profiling.among(group.flags[at]).cast_signed();
    let number = |column: &Signed| std::array::from_fn(|at| readable(at).select(column[at], unknown));
    let pair = |column: &Bytes, shift: u32| {
        std::array::from_fn(|at| {
            let state = (shifted(column[at], shift) & u8x32::splat(0b11)).cast_signed();
            let is_known = readable(at) & !state.simd_eq(i8x32::ZERO);
            is_known.select(state - i8x32::ONE, unknown)
        })
    };
    match fact {
        Fact::Floor => number(group.numbers[0]),
        Fact::CeilingHeight => number(group.numbers[1]),
        Fact::HouseholdSize => number(group.numbers[2]),
        Fact::Ventilation => pair(group.life, 6),
        Fact::DwellingKind
        | Fact::Garden
        | Fact::Balcony
        | Fact::Lift
        | Fact::Parking
        | Fact::Cellar
        | Fact::Dog
        | Fact::Cat => {
            let position = Fact::ALL.into_iter().position(|each| each == fact).unwrap_or(0);
            let (column, first) = (group.flag_facts[position / 4], position % 4);
            pair(column, [0, 2, 4, 6][first])
        }
    }
}
