//! Small worlds drawn from seeds.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;

use apropos_simulation::cli::Tally;
use apropos_simulation::{Fault, Plan, Stage, again, kept};

/// How many seeds each of the two tests below takes; they run at the same time.
const SEEDS: u64 = 100;

fn tally(plans: impl Iterator<Item = Plan>) -> Tally {
    let stage = Stage::new().unwrap();
    let mut tally = Tally::default();
    for (position, plan) in plans.enumerate() {
        let outcome = stage.run(&plan).unwrap();
        assert!(
            outcome.violations.is_empty(),
            "seed {}: {:?}; again: {}",
            plan.seed,
            outcome.violations,
            again(&plan)
        );
        tally.add(position, &outcome);
    }
    tally
}

#[test]
fn the_schedules_that_are_kept_show_nothing_any_more() {
    tally(kept());
}

#[test]
fn a_hundred_small_worlds_keep_every_promise() {
    let tally = tally((0..SEEDS).map(Plan::random));
    assert!(tally.accepted > 100, "{} messages", tally.accepted);
    let injected: BTreeSet<Fault> = tally.faults.keys().copied().collect();
    let missing: Vec<_> = Fault::ALL.iter().filter(|fault| !injected.contains(fault)).collect();
    assert!(missing.len() <= 1, "never injected: {missing:?}");
}

#[test]
fn a_hundred_more_keep_them_too() {
    assert!(tally((SEEDS..2 * SEEDS).map(Plan::random)).accepted > 100);
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    let (one, other) = (Stage::new().unwrap(), Stage::new().unwrap());
    // The second stage has run something else before.
    other.run(&Plan::random(99)).unwrap();
    let mut digests = BTreeSet::new();
    for seed in 1_000..1_012 {
        let plan = Plan::random(seed);
        let (first, second) = (one.run(&plan).unwrap(), other.run(&plan).unwrap());
        assert_eq!(first.digest(), second.digest(), "seed {seed}");
        digests.insert(first.digest());
    }
    assert!(digests.len() > 10, "different seeds are different schedules");
}
