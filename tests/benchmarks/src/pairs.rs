//! Every pair judged twice: by the scalar reference and by columns, which must agree in every byte.

use std::collections::BTreeMap;
use std::io::Write;

use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::decision::judge;
use apropos_core::relevance::Score;

use crate::Failure;
use crate::tally::{UNSCORED, outcome};
use crate::workload::{Name, Workload};

/// Judges so many pairs of the mixed offers, says how they ended, and fails on the first that differs.
///
/// # Errors
/// When a pair differs, with its offer and person by number.
pub fn compare(pairs: usize, mut out: impl Write) -> Result<(), Failure> {
    let workload = Workload::generate(Name::W2, pairs)?;
    let mut block = Block::default();
    for record in &workload.population.records {
        block.push_bytes(&record.to_bytes())?;
    }
    let (mut verdicts, mut counts, mut judged) = (Verdicts::default(), BTreeMap::new(), 0_usize);
    for (offer, proposal) in workload.proposals().enumerate() {
        Plan::new(proposal, workload.now).judge(&block, |_| false, &mut verdicts);
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
