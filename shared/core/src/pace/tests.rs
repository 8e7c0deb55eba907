use proptest::prelude::*;

use super::*;

/// Ten in the morning.
const START: i64 = 1_796_115_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START + ms).unwrap()
}

fn account(rate: u64, daily: Option<u64>) -> Pace {
    Pace {
        account: Some(Account {
            rate: Rate::in_1000_seconds(rate),
            daily,
            sent: 0,
            enabled: true,
            read_at: START,
        }),
        asked_at: START,
        ..Pace::default()
    }
}

/// What the store does with a lease that it takes; `None` where the condition does not hold any more.
fn written(pace: &mut Pace, lease: Lease, now: i64, me: u64) -> Option<Lease> {
    let first = match lease.follows {
        Follows::On { latest, earliest } => (earliest..=latest).contains(&pace.next).then_some(pace.next)?,
        Follows::AfterGap { end } => (pace.next == end).then_some(lease.first)?,
    };
    let lease = Lease { first, ..lease };
    pace.next = first + lease.span();
    pace.granted += u64::from(lease.count);
    pace.leased_at = START + now;
    pace.holder = me;
    Some(lease)
}

fn ask(now: i64, most: u32, kind: Kind) -> Ask {
    Ask {
        now: at(now),
        most,
        kind,
    }
}

fn lease(pace: &Pace, now: i64, most: u32, kind: Kind) -> Option<Lease> {
    match pace.ask(ask(now, most, kind)) {
        Answer::Lease(lease) => Some(lease),
        Answer::Unbounded | Answer::Later(_) | Answer::Held(_) => None,
    }
}

/// The most of these, in order, that any window of so many milliseconds holds; its end is not in it.
fn most_within(slots: &[i64], window_ms: i64) -> usize {
    let window = window_ms * 1_000;
    let within = |from: usize| {
        slots[from..]
            .iter()
            .take_while(|at| **at < slots[from] + window)
            .count()
    };
    (0..slots.len()).map(within).max().unwrap_or(0)
}

#[test]
fn a_sandbox_sends_one_message_a_second_and_nobody_gets_the_next_one_early() {
    let mut pace = account(1_000, Some(200));
    let first = lease(&pace, 0, 20, Kind::Campaign).unwrap();
    assert_eq!((first.count, first.spacing), (1, 1_020_000));
    written(&mut pace, first, 0, 1).unwrap();
    let second = lease(&pace, 10, 20, Kind::Campaign).unwrap();
    assert_eq!(second.count, 1);
    written(&mut pace, second, 10, 2).unwrap();
    let Answer::Later(then) = pace.ask(ask(20, 20, Kind::Campaign)) else {
        panic!()
    };
    assert!(lease(&pace, then.as_millisecond() - START + 1, 20, Kind::Campaign).is_some());
}

#[test]
fn a_lease_is_a_second_of_slots_at_most() {
    let pace = account(14_000, None);
    assert_eq!(lease(&pace, 0, 500, Kind::Campaign).unwrap().count, 13);
    assert_eq!(lease(&pace, 0, 3, Kind::Campaign).unwrap().count, 3);
}

#[test]
fn slots_that_passed_unused_are_gone() {
    let mut pace = account(10_000, None);
    let unused = lease(&pace, 0, 9, Kind::Campaign).unwrap();
    written(&mut pace, unused, 0, 1).unwrap();
    let later = lease(&pace, 60_000, 9, Kind::Campaign).unwrap();
    let slots: Vec<_> = later.slots().collect();
    assert!(slots[0] >= at(60_000));
    assert_eq!(slots[1].duration_since(slots[0]).as_millis(), 102);
}

#[test]
fn what_a_person_waits_for_goes_before_what_campaigns_have_not_taken_yet() {
    let mut pace = account(1_000, None);
    for now in [0, 1] {
        let taken = lease(&pace, now, 20, Kind::Campaign).unwrap();
        written(&mut pace, taken, now, 1).unwrap();
    }
    assert_eq!(lease(&pace, 2, 1, Kind::Campaign), None, "campaigns have to wait");
    let letter = lease(&pace, 2, 1, Kind::Transactional).unwrap();
    assert!(letter.slots().next().unwrap() < at(2_300));
}

#[test]
fn the_last_twentieth_of_the_quota_is_for_what_a_person_waits_for() {
    let mut pace = account(14_000, Some(200));
    pace.granted = 190;
    assert_eq!(pace.ask(ask(0, 1, Kind::Campaign)), Answer::Held(Held::UsedUp));
    assert!(lease(&pace, 0, 1, Kind::Transactional).is_some());
    pace.granted = 200;
    assert_eq!(pace.ask(ask(0, 1, Kind::Transactional)), Answer::Held(Held::UsedUp));
}

#[test]
fn no_more_slots_are_given_out_than_the_quota_has_left() {
    let mut pace = account(100_000, Some(100));
    pace.granted = 90;
    assert_eq!(lease(&pace, 0, 50, Kind::Campaign).unwrap().count, 5);
}

#[test]
fn a_paused_account_gets_no_slot_and_one_that_ses_paused_is_tried_again_by_itself() {
    let mut pace = account(14_000, None);
    pace.held_until = Pace::held_from(at(0));
    assert_eq!(pace.ask(ask(1, 1, Kind::Campaign)), Answer::Held(Held::Paused));
    assert!(lease(&pace, 60_000, 1, Kind::Campaign).is_some());
    pace.account = pace.account.map(|account| Account {
        enabled: false,
        ..account
    });
    assert_eq!(
        pace.ask(ask(90_000, 1, Kind::Transactional)),
        Answer::Held(Held::Paused)
    );
}

#[test]
fn too_fast_halves_the_rate_once_a_crowd_and_it_comes_back() {
    let mut pace = account(10_000, None);
    let normal = lease(&pace, 0, 1, Kind::Campaign).unwrap().spacing;
    pace.halvings = pace.slower(at(0)).unwrap();
    pace.halved_at = START;
    assert_eq!(pace.slower(at(500)), None, "the same crowd");
    assert_eq!(lease(&pace, 500, 1, Kind::Campaign).unwrap().spacing, normal * 2);
    assert_eq!(pace.slower(at(1_500)), Some(2));
    assert_eq!(lease(&pace, 10_000, 1, Kind::Campaign).unwrap().spacing, normal);
}

#[test]
fn an_account_that_nobody_has_heard_of_is_a_sandbox_and_is_asked_about_at_once() {
    let pace = Pace::default();
    assert!(pace.is_account_due(at(0)));
    assert_eq!(lease(&pace, 0, 20, Kind::Campaign).unwrap().count, 1);
    let pace = account(14_000, None);
    assert!(!pace.is_account_due(at(59_999)));
    assert!(pace.is_account_due(at(60_000)));
}

#[test]
fn an_account_without_bounds_needs_no_slots() {
    let pace = account(u64::from(u32::MAX) * 1_000, None);
    assert_eq!(pace.ask(ask(0, 1, Kind::Campaign)), Answer::Unbounded);
}

#[test]
fn a_lease_that_was_decided_on_another_end_of_the_train_is_not_written() {
    let mut pace = account(10_000, None);
    let (one, other) = (
        lease(&pace, 0, 5, Kind::Campaign).unwrap(),
        lease(&pace, 0, 5, Kind::Campaign).unwrap(),
    );
    assert!(written(&mut pace, one, 0, 1).is_some());
    assert_eq!(written(&mut pace, other, 0, 2), None);
}

#[test]
fn what_is_handed_back_comes_again_within_what_a_queue_can_wait() {
    for dice in [0, 1, 17, 899, u32::MAX] {
        for halvings in 0..=u8::MAX {
            assert!((1..=900).contains(&Held::Rate { halvings }.comes_again(dice)));
        }
        assert!((450..=900).contains(&Held::UsedUp.comes_again(dice)));
        assert!((450..=900).contains(&Held::Paused.comes_again(dice)));
    }
}

/// A pace whose last lease was taken at a time by somebody.
fn leased(now: i64, holder: u64) -> Pace {
    Pace {
        next: (START + now + 1_000) * 1_000,
        leased_at: START + now,
        holder,
        ..account(10_000, None)
    }
}

#[test]
fn a_sender_takes_nothing_until_it_has_seen_another_ones_lease_at_its_own_time() {
    let first = Sight::of(None, &leased(-50, 1), 2, at(0), at(5));
    assert!(matches!(first.footing(), Footing::Look { .. }));
    let agreeing = Sight::of(Some(first), &leased(40, 1), 2, at(50), at(55));
    assert_eq!(agreeing.footing(), Footing::Sure);
    // The others' clocks are five minutes behind, or ahead.
    for skew in [-300_000, 300_000] {
        let first = Sight::of(None, &leased(skew - 50, 1), 2, at(0), at(5));
        let sight = Sight::of(Some(first), &leased(skew + 40, 1), 2, at(50), at(55));
        assert_eq!(sight.footing(), Footing::Off);
    }
}

#[test]
fn a_sender_whose_clock_differs_takes_over_once_the_others_slots_are_over() {
    let pace = leased(300_000, 1);
    let mut sight = Sight::of(None, &pace, 2, at(0), at(5));
    for now in [500, 1_000] {
        sight = Sight::of(Some(sight), &pace, 2, at(now), at(now + 5));
        assert!(matches!(sight.footing(), Footing::Look { .. }));
    }
    let sight = Sight::of(Some(sight), &pace, 2, at(1_001), at(1_006));
    assert_eq!(sight.footing(), Footing::Sure);
    // Their train is five minutes ahead, and is not waited for.
    let taken = lease(&pace, 1_001, 1, Kind::Campaign).unwrap();
    assert_eq!(taken.follows, Follows::AfterGap { end: pace.next });
    assert!(taken.slots().next().unwrap() < at(2_000));
}

#[test]
fn the_first_sender_of_all_needs_no_second_look() {
    assert_eq!(
        Sight::of(None, &Pace::default(), 2, at(0), at(5)).footing(),
        Footing::Sure
    );
}

proptest! {
    /// Whoever asks for how much, and when: no second and a fiftieth holds more than the rate, each slot is somebody's
    /// once, and none lies in the past of whoever got it.
    #[test]
    fn no_second_holds_more_slots_than_the_rate(
        rate in prop_oneof![Just(1_000_u64), Just(14_000), Just(100_000), 500_u64..600_000],
        asks in prop::collection::vec((0_i64..2_000, 1_u32..60, any::<bool>(), 0_u64..50), 1..120),
    ) {
        let mut pace = account(rate, None);
        let mut slots = Vec::new();
        let mut now = 0;
        for (passed, most, is_letter, me) in asks {
            now += passed % if most % 7 == 0 { 2_000 } else { 60 };
            let kind = if is_letter { Kind::Transactional } else { Kind::Campaign };
            let Some(lease) = lease(&pace, now, most, kind) else { continue };
            let Some(lease) = written(&mut pace, lease, now, me) else { continue };
            for slot in lease.slots() {
                prop_assert!(slot > at(now));
                slots.push(slot.as_microsecond());
            }
        }
        prop_assert!(slots.is_sorted());
        let most = usize::try_from(rate.div_ceil(1_000)).unwrap();
        prop_assert!(most_within(&slots, 1_020) <= most.max(1), "{} of {most}", most_within(&slots, 1_020));
    }

    /// Senders without end use nearly all of the rate.
    #[test]
    fn under_load_more_than_ninety_seven_percent_of_the_rate_are_given_out(
        rate in prop_oneof![Just(1_u64), Just(14), Just(100), Just(500)],
        every in 1_i64..400,
    ) {
        let mut pace = account(rate * 1_000, None);
        let mut slots = Vec::new();
        let (mut now, end) = (0, 100_000);
        while now < end {
            while let Some(lease) = lease(&pace, now, 20, Kind::Campaign) {
                let lease = written(&mut pace, lease, now, 1).unwrap();
                slots.extend(lease.slots().filter(|slot| *slot < at(end)));
            }
            now += every;
        }
        let given = u64::try_from(slots.len()).unwrap();
        prop_assert!(given * 100 >= rate * 97 * 99, "{given} of {}", rate * 100);
    }
}

#[test]
fn a_single_slot_that_comes_free_is_left_until_there_are_enough_for_a_lease_or_the_train_ends() {
    let mut pace = account(15_000, None);
    while let Some(more) = lease(&pace, 0, 20, Kind::Campaign) {
        written(&mut pace, more, 0, 1).unwrap();
    }
    let Answer::Later(then) = pace.ask(ask(80, 20, Kind::Campaign)) else {
        panic!("one has come free, and it is early days")
    };
    let then = then.as_millisecond() - START + 1;
    assert_eq!(lease(&pace, then, 20, Kind::Campaign).unwrap().count, 4);
    assert_eq!(
        lease(&pace, 80, 1, Kind::Campaign).unwrap().count,
        1,
        "who wants one takes it"
    );
    let late = pace.next / 1_000 - START - 400;
    assert!(lease(&pace, late, 20, Kind::Campaign).is_some());
}
