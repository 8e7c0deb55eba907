//! Two senders with the same candidates, in every order.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_simulation::every::{turns, turns_around_the_claim};
use apropos_simulation::{Plan, Stage};

fn violations(plans: &[Plan]) -> Vec<String> {
    let stage = Stage::new().unwrap();
    let mut seen = Vec::new();
    for plan in plans {
        let outcome = stage.run(plan).unwrap();
        assert!(!outcome.injected.is_empty(), "the candidates are there twice");
        seen.extend(
            outcome
                .violations
                .iter()
                .map(|violation| format!("{:?} {violation}", plan.order)),
        );
    }
    seen
}

#[test]
fn two_senders_of_the_same_candidates_write_to_nobody_twice() {
    assert_eq!(violations(&turns(5, false)), Vec::<String>::new());
}

#[test]
fn two_senders_whose_clocks_are_five_minutes_apart_write_to_nobody_twice() {
    assert_eq!(violations(&turns_around_the_claim(true)), Vec::<String>::new());
}
