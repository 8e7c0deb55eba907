//! Nothing is allocated for a person: a block that has been judged once is judged again without asking for memory, however many
//! people are in it.

use allocation_counter::measure;
use apropos_benchmarks::workload::{Name, Workload};
use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::time::EpochDay;

fn filled(block: &mut Block, workload: &Workload) {
    block.clear();
    for record in &workload.population.records {
        block.push(record, EpochDay::of(workload.now));
    }
}

#[test]
fn a_page_that_is_judged_as_one_before_it_was_allocates_nothing() {
    for name in Name::ALL {
        let workload = Workload::generate(name, 20_000).unwrap();
        let (mut block, mut verdicts) = (Block::default(), Verdicts::default());
        let first = measure(|| filled(&mut block, &workload));
        assert!(first.count_total > 0, "what is counted is counted");
        for proposal in workload.proposals() {
            let plan = Plan::new(proposal, workload.now);
            plan.judge(&block, |_| false, &mut verdicts);
            let again = measure(|| {
                filled(&mut block, &workload);
                plan.judge(&block, |_| false, &mut verdicts);
                plan.judge_without_contributions(&block, |_| false, &mut verdicts);
            });
            assert_eq!(again.count_total, 0, "{name:?}");
        }
    }
}
