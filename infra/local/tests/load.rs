//! The budgets of the load, with few customers: request units do not depend on the machine.

use apropos_local::load::{LoadOptions, measure};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_sends_keep_to_their_budgets_of_request_units() {
    let options = LoadOptions {
        customers: 1_000,
        sends: 40,
        seed: 1,
        json: false,
    };
    let figures = measure(options, |_| ()).await.unwrap();
    println!("{}", figures.for_people());
    for budget in figures.budgets() {
        assert!(budget.holds(), "{budget:?}");
    }
}
