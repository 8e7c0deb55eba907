//! Schedules.

use apropos_simulation::{Plan, Stage};

#[test]
fn scratch() {
    let stage = Stage::new().unwrap();
    let out = stage.run(&Plan::random(0)).unwrap();
    for s in &out.trace {
        println!("{s}");
    }
    println!("{:?}", out.violations);
}
