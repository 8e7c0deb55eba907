//! Bugs put in on purpose: each is caught. This is what makes it worth something that the real code shows nothing.

use apropos_simulation::cli::caught;
use apropos_simulation::every::turns_around_the_claim;
use apropos_simulation::{Plan, Planted, Stage};

/// The most seeds that may be needed.
const MOST: u64 = 2_000;

/// A seed that catches each, as `--planted all` found it. Where a change of the code has moved it, it is looked for anew.
const FOUND: [(Planted, u64); 0] = [];

#[test]
fn each_planted_bug_is_caught_within_two_thousand_seeds() {
    let stage = Stage::new().unwrap();
    for (planted, seed) in FOUND {
        assert!(seed < MOST);
        let found = match caught(&stage, planted, seed, 1).unwrap() {
            None => caught(&stage, planted, 0, MOST).unwrap(),
            found => found,
        };
        assert!(found.is_some(), "{planted:?} goes unnoticed");
        let innocent = stage.run(&Plan::random(seed)).unwrap();
        assert!(
            innocent.violations.is_empty(),
            "seed {seed} without it: {:?}",
            innocent.violations
        );
    }
}

#[test]
fn an_attempt_that_is_not_fenced_out_is_caught_by_the_turns_of_two_senders() {
    let stage = Stage::new().unwrap();
    let is_caught = turns_around_the_claim(true).into_iter().any(|plan| {
        let plan = Plan {
            planted: Some(Planted::NotFencedOut),
            ..plan
        };
        let violations = stage.run(&plan).unwrap().violations;
        violations.iter().any(|violation| violation.invariant == "I2")
    });
    assert!(is_caught);
}

#[test]
fn every_planted_bug_is_looked_for() {
    for planted in Planted::ALL {
        let is_found = FOUND.iter().any(|(found, _)| *found == planted);
        assert!(is_found || planted == Planted::NotFencedOut, "{planted:?}");
    }
}
