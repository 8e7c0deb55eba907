//! Bugs put in on purpose: each is caught. This is what makes it worth something that the real code shows nothing.

use apropos_simulation::cli::caught;
use apropos_simulation::every::turns_around_the_claim;
use apropos_simulation::{Action, Fault, Faults, Order, Plan, Planted, Stage, What, When};

/// The most seeds that may be needed.
const MOST: u64 = 2_000;

/// A seed that catches each, as `--planted all` found it. Where a change of the code has moved it, it is looked for anew.
const FOUND: [(Planted, u64); 28] = [
    (Planted::AcknowledgedFirst, 0),
    (Planted::AddressQueued, 0),
    (Planted::BrandForgotten, 0),
    (Planted::CapOutsideClaim, 80),
    (Planted::ClaimRefusedMeansWon, 80),
    (Planted::ClaimUnconditional, 80),
    (Planted::ClaimUncounted, 80),
    (Planted::ConsentFromStaleRead, 80),
    (Planted::ContactKept, 4),
    (Planted::DeferralForgotten, 1),
    (Planted::FailuresAcknowledged, 4),
    (Planted::FeedbackDropped, 8),
    (Planted::ImportRevives, 63),
    (Planted::LeaveAnsweredFirst, 0),
    (Planted::LedgerUnguarded, 13),
    (Planted::MailRetried, 3),
    (Planted::NoDeadlineGuard, 26),
    (Planted::NoMailTimeout, 65),
    (Planted::NoTraceBeforeSending, 0),
    (Planted::NotFencedOut, 1_455),
    (Planted::ProfilingAssumed, 4),
    (Planted::ReceiptOverwritten, 9),
    (Planted::RememberedAcrossBrands, 4),
    (Planted::SettledUnfenced, 0),
    (Planted::SuppressionsUnread, 150),
    (Planted::UndeclaredUsed, 0),
    (Planted::UnknownMeansNotSent, 56),
    (Planted::ZoneIgnored, 1),
];

#[test]
fn each_planted_bug_is_caught_within_two_thousand_seeds() {
    let stage = Stage::new().unwrap();
    for (planted, seed) in FOUND {
        assert!(seed < MOST);
        let found = match caught(&stage, planted, seed, 1).unwrap() {
            None => caught(&stage, planted, 0, MOST).unwrap(),
            found => found,
        };
        let Some(found) = found else {
            panic!("{planted:?} goes unnoticed")
        };
        assert_eq!(found.plan.planted, Some(planted));
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

/// What these do, with nothing that goes wrong.
fn quiet(seed: u64, actions: &[Action]) -> Plan {
    Plan {
        seed,
        faults: Faults::These(Vec::new()),
        order: Order::Times,
        actions: actions.to_vec(),
        skewed: false,
        planted: None,
    }
}

const fn action(when: When, what: What) -> Action {
    Action { when, what }
}

#[test]
fn a_call_of_ses_without_a_time_out_is_caught_when_someone_leaves_meanwhile() {
    let stage = Stage::new().unwrap();
    let actions = [
        action(When::At(0), What::Launch(0)),
        action(When::Mail(1), What::Unsubscribe(0)),
    ];
    let is_caught = (0..20).any(|seed| {
        let plan = quiet(seed, &actions);
        let trace = stage.run(&plan).unwrap().trace;
        let call = trace.iter().find(|step| step.what.starts_with("SendEmail")).unwrap();
        let slow = Plan {
            faults: Faults::These(vec![(call.site.unwrap(), Fault::Slow)]),
            ..plan
        };
        assert_eq!(stage.run(&slow).unwrap().violations, Vec::new(), "with its time-out");
        let planted = Plan {
            planted: Some(Planted::NoMailTimeout),
            ..slow
        };
        let violations = stage.run(&planted).unwrap().violations;
        violations.iter().any(|violation| violation.invariant == "I3")
    });
    assert!(is_caught);
}

#[test]
fn a_ledger_without_its_guards_is_caught_when_two_write_to_it() {
    let stage = Stage::new().unwrap();
    let actions = [
        action(When::At(0), What::Withdraw(0)),
        action(When::At(0), What::Grant(0)),
    ];
    let is_caught = (0..10).any(|seed| {
        let plan = quiet(seed, &actions);
        assert_eq!(stage.run(&plan).unwrap().violations, Vec::new(), "with its guards");
        let planted = Plan {
            planted: Some(Planted::LedgerUnguarded),
            ..plan
        };
        let violations = stage.run(&planted).unwrap().violations;
        violations.iter().any(|violation| violation.invariant == "I7")
    });
    assert!(is_caught);
}

#[test]
fn every_planted_bug_is_looked_for() {
    for planted in Planted::ALL {
        assert!(FOUND.iter().any(|(found, _)| *found == planted), "{planted:?}");
    }
}

/// Bugs that only one invariant can show.
#[test]
fn what_one_brand_knows_of_another_and_what_was_not_declared_are_named_as_such() {
    let stage = Stage::new().unwrap();
    for (planted, invariant) in [
        (Planted::BrandForgotten, "I9"),
        (Planted::RememberedAcrossBrands, "I9"),
        (Planted::ProfilingAssumed, "I11"),
        (Planted::UndeclaredUsed, "I11"),
    ] {
        let (_, seed) = FOUND.into_iter().find(|(found, _)| *found == planted).unwrap();
        let found = caught(&stage, planted, seed, MOST).unwrap().unwrap();
        let violations = stage.run(&found.plan).unwrap().violations;
        let named = violations.iter().any(|violation| violation.invariant == invariant);
        assert!(named, "{planted:?}: {violations:?}");
    }
}
