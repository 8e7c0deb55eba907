//! What judging costs, by workload and path, with what it allocates: `cargo bench --profile comparison -p apropos-benchmarks`.
//!
//! Ratios to other engines are those of `compare.py`, taken in one run; here one's own change is set against what was before.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to tell"
)]

use apropos_benchmarks::workload::{Name, Workload};
use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::decision::judge;
use apropos_core::time::EpochDay;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// As many as are judged together: in the cache of a processor, so that the arithmetic is what counts.
const PEOPLE: usize = 100_000;

/// As many as a page of an audience has.
const A_PAGE: usize = 8_000;

fn main() {
    divan::main();
}

fn workload(name: Name, people: usize) -> Workload {
    Workload::generate(name, people).expect("core takes the offers of the workloads")
}

fn block(workload: &Workload) -> Block {
    let (mut block, today) = (Block::default(), EpochDay::of(workload.now));
    let records = workload.population.records.iter();
    records.for_each(|record| block.push(record, today));
    block
}

fn pairs(workload: &Workload) -> ItemsCount {
    ItemsCount::new(workload.population.records.len() * workload.proposed.len())
}

/// People as columns, with what each factor added.
#[divan::bench(args = Name::ALL)]
fn columns(bencher: Bencher<'_, '_>, name: Name) {
    let workload = workload(name, PEOPLE);
    let (block, mut verdicts) = (block(&workload), Verdicts::default());
    bencher.counter(pairs(&workload)).bench_local(|| {
        for proposal in workload.proposals() {
            Plan::new(proposal, workload.now).judge(black_box(&block), |_| false, &mut verdicts);
        }
    });
}

/// The same without.
#[divan::bench(args = Name::ALL)]
fn columns_without_contributions(bencher: Bencher<'_, '_>, name: Name) {
    let workload = workload(name, PEOPLE);
    let (block, mut verdicts) = (block(&workload), Verdicts::default());
    bencher.counter(pairs(&workload)).bench_local(|| {
        for proposal in workload.proposals() {
            let plan = Plan::new(proposal, workload.now);
            plan.judge_without_contributions(black_box(&block), |_| false, &mut verdicts);
        }
    });
}

/// One record after the other, by the function that everything else is held to.
#[divan::bench(args = Name::ALL)]
fn one_by_one(bencher: Bencher<'_, '_>, name: Name) {
    let workload = workload(name, A_PAGE);
    let people = &workload.population;
    bencher.counter(pairs(&workload)).bench_local(|| {
        for proposal in workload.proposals() {
            for (customer, record) in people.customers.iter().zip(&people.records) {
                let _ = black_box(judge(proposal, customer, black_box(record), workload.now));
            }
        }
    });
}

/// A page of stored records into columns.
#[divan::bench]
fn read_a_page(bencher: Bencher<'_, '_>) {
    let workload = workload(Name::W1, A_PAGE);
    let records: Vec<Vec<u8>> = workload
        .population
        .records
        .iter()
        .map(|record| record.to_bytes())
        .collect();
    let bytes: usize = records.iter().map(Vec::len).sum();
    let (mut block, today) = (Block::default(), EpochDay::of(workload.now));
    bencher
        .counter(ItemsCount::new(A_PAGE))
        .counter(BytesCount::new(bytes))
        .bench_local(|| {
            block.clear();
            for record in &records {
                block.push_bytes(black_box(record), today).expect("as it was written");
            }
        });
}

/// What is the same for everybody, of a hundred unlike offers.
#[divan::bench]
fn plan_a_hundred_offers(bencher: Bencher<'_, '_>) {
    let workload = workload(Name::W2, 100);
    bencher
        .counter(ItemsCount::new(workload.proposed.len()))
        .bench_local(|| {
            for proposal in workload.proposals() {
                black_box(Plan::new(black_box(proposal), workload.now));
            }
        });
}

/// What `POST /v1/relevance` computes: a hundred offers for one person.
#[divan::bench]
fn rank_a_hundred_offers_for_one(bencher: Bencher<'_, '_>) {
    let workload = workload(Name::W2, 100);
    let people = &workload.population;
    let person = people.customers.iter().zip(&people.records).next();
    let (customer, record) = person.expect("a hundredth of a hundred");
    bencher
        .counter(ItemsCount::new(workload.proposed.len()))
        .bench_local(|| {
            for proposal in workload.proposals() {
                let _ = black_box(judge(proposal, customer, black_box(record), workload.now));
            }
        });
}
