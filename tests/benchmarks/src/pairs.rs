//! Every pair judged twice: by the scalar reference and by columns, which must agree in every byte.

use std::collections::BTreeMap;
use std::io::Write;

use apropos_core::attribute::Attribute;
use apropos_core::audience::Whereabouts;
use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::decision::judge;
use apropos_core::offer::DeclaredUse;
use apropos_core::relevance::{Relevance, Score};
use apropos_core::time::EpochDay;

use crate::Failure;
use crate::tally::{UNSCORED, outcome};
use crate::workload::{Name, Workload};

/// So that there is all that the other engines are spared: every third person is on the way somewhere, and agreed that it is
/// used; every second offer asks for it, and every fourth campaign leaves a tenth out.
fn complicate(workload: &mut Workload) {
    let homes: Vec<_> = workload.population.records.iter().map(|record| record.home).collect();
    let soon = u32::try_from(workload.now.as_second() / 3_600).unwrap_or(0);
    for (number, record) in workload.population.records.iter_mut().enumerate().step_by(3) {
        // Where somebody else lives, and for some it is too late by an hour.
        let there = homes.get((number * 7 + 1) % homes.len()).copied().flatten();
        record.current_place = there.map(|at| Whereabouts {
            at,
            until_hour: soon + u32::from(number % 5 > 0),
        });
        record.hint.purposes |= 0b100;
    }
    for (number, proposed) in workload.proposed.iter_mut().enumerate() {
        if number % 2 == 0 {
            proposed.offer.uses.push(DeclaredUse {
                attribute: Attribute::CurrentPlace,
                because: proposed.offer.title.clone(),
            });
        }
        if number % 4 == 1 {
            proposed.campaign.holdout = Relevance::clamped(1_000);
        }
    }
}

/// Judges so many pairs of the mixed offers, says how they ended, and fails on the first that differs.
///
/// # Errors
/// When a pair differs, with its offer and person by number.
pub fn compare(pairs: usize, mut out: impl Write) -> Result<(), Failure> {
    let mut workload = Workload::generate(Name::W2, pairs)?;
    complicate(&mut workload);
    let mut block = Block::default();
    for record in &workload.population.records {
        block.push_bytes(&record.to_bytes(), EpochDay::of(workload.now))?;
    }
    let (mut verdicts, mut counts, mut judged) = (Verdicts::default(), BTreeMap::new(), 0_usize);
    for (offer, proposal) in workload.proposals().enumerate() {
        let plan = Plan::new(proposal, workload.now);
        let customers = &workload.population.customers;
        let is_held_out = |person| customers.get(person).is_some_and(|customer| plan.holds_out(customer));
        plan.judge(&block, is_held_out, &mut verdicts);
        let people = workload.population.customers.iter().zip(&workload.population.records);
        let columns = verdicts.outcomes().iter().zip(verdicts.relevance());
        for (person, ((customer, record), (reason, relevance))) in people.zip(columns).enumerate() {
            let (expected, score) = match judge(proposal, customer, record, workload.now) {
                Ok(score) => (0, Some(score)),
                Err(withheld) => (withheld.reason.byte(), withheld.score),
            };
            let points = score.map_or(0, |score| score.relevance.basis_points());
            let added = score.as_ref().map_or(UNSCORED, Score::contribution_bytes);
            if (expected, points, added) != (*reason, *relevance, verdicts.contributions(person)) {
                return Err(format!("offer {offer} and person {person} are judged in two ways").into());
            }
            *counts.entry(outcome(*reason)).or_insert(0_u64) += 1;
            judged += 1;
        }
    }
    for (outcome, count) in counts {
        writeln!(out, "{outcome:>20} {count:>9}")?;
    }
    writeln!(out, "{judged} pairs, 0 differences")?;
    Ok(())
}
