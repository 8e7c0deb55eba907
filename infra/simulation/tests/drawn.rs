//! Small worlds drawn from seeds.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;

use apropos_simulation::cli::Tally;
use apropos_simulation::{Fault, Plan, Stage, again, kept};

/// How many seeds each of two threads takes.
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
fn two_hundred_small_worlds_keep_every_promise_and_meet_almost_every_fault() {
    let halves = std::thread::scope(|scope| {
        [0, SEEDS]
            .map(|from| scope.spawn(move || tally((from..from + SEEDS).map(Plan::random))))
            .map(|half| half.join().unwrap())
    });
    for half in &halves {
        assert!(half.accepted > 100, "{} messages", half.accepted);
    }
    let injected: BTreeSet<Fault> = halves.iter().flat_map(|half| half.faults.keys().copied()).collect();
    let missing: Vec<_> = Fault::ALL.iter().filter(|fault| !injected.contains(fault)).collect();
    assert!(missing.len() <= 1, "never injected: {missing:?}");
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
