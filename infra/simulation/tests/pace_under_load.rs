//! One account, several senders with the real handler: the rate is kept, and used.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_simulation::pace::{Account, Disturbance, Measured, World};

fn measured(senders: u32, rate: u32, disturbance: Disturbance) -> Measured {
    let world = World {
        senders,
        rate,
        disturbance,
    };
    let account = Account::new(Account::people_for(&[world])).unwrap();
    let measured = account.run(world).unwrap();
    println!("{measured}");
    measured
}

#[test]
fn one_sender_and_five_keep_to_fourteen_a_second_and_use_it() {
    for senders in [1, 5] {
        let measured = measured(senders, 14, Disturbance::None);
        assert!(measured.holds() && measured.used >= 950, "{measured:?}");
        assert_eq!(measured.throttled, 0, "SES never had to say so");
    }
}

#[test]
fn a_throttle_a_pause_and_lost_answers_lose_nobody_and_never_pass_the_rate() {
    for disturbance in [Disturbance::Throttled, Disturbance::Paused, Disturbance::AnswersLost] {
        let measured = measured(3, 14, disturbance);
        assert!(measured.holds(), "{measured:?}");
    }
}

#[test]
fn clocks_five_minutes_apart_never_pass_the_rate_and_lose_nobody() {
    let measured = measured(3, 14, Disturbance::ClocksApart);
    assert!(measured.holds(), "{measured:?}");
    assert_eq!(measured.throttled, 0, "SES never had to say so");
}
