//! Schedules.

use apropos_simulation::{Plan, Stage};

#[test]
fn scratch() {
    let stage = Stage::new().unwrap();
    assert!(stage.run(&Plan::random(0)).unwrap().violations.is_empty());
}
