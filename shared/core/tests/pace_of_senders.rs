//! One account's pace under 1 to 50 senders, as a model: each reads, asks and writes over a network that takes its time,
//! and sends in its slots. What arrives at SES is counted. Run with `--nocapture` for the table.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use std::collections::BTreeMap;

use apropos_core::pace::{Account, Answer, Ask, Follows, Footing, Kind, LATE_MS, Lease, Pace, Rate, Sight};
use jiff::Timestamp;

/// Ten in the morning, in milliseconds.
const START: i64 = 1_796_115_600_000;

/// How long each world lasts, in milliseconds.
const LASTS: i64 = 25_000;

/// Claim and trace, at their slowest, in milliseconds.
const PREPARES: i64 = 60;

/// From the end of an invocation to the first question of the next.
const BETWEEN: i64 = 150;

/// Messages of an invocation.
const AN_INVOCATION: u32 = 200;

/// Candidates that one sender works on at once, and how long they take.
const AT_ONCE: u32 = 20;
const TAKES: i64 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// A lease is written whatever stands there.
    LeaseUnconditional,
    /// Slots that passed unused are made good, all at once.
    UnusedBunched,
    /// A sender believes its own clock.
    ClockBelieved,
}

#[derive(Debug, Clone, Copy)]
struct World {
    senders: usize,
    rate: i64,
    /// One sender in three is five minutes ahead, one five minutes behind.
    skewed: bool,
    planted: Planted,
}

struct Sender {
    skew: i64,
    sight: Option<Sight>,
    sent: u32,
}

enum Event {
    Read(usize),
    Write(usize, Box<Pace>, Lease, i64),
}

/// A few numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, most: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % most
    }
}

/// What the store does with a lease.
fn write(pace: &mut Pace, seen: &Pace, lease: Lease, now: i64, me: u64, planted: Planted) -> Option<Lease> {
    let first = if planted == Planted::LeaseUnconditional {
        lease.first
    } else {
        if pace.generation != seen.generation {
            return None;
        }
        match lease.follows {
            Follows::On { latest, earliest } => (earliest..=latest).contains(&pace.next).then_some(pace.next)?,
            Follows::AfterGap { end } if planted == Planted::UnusedBunched && end > 0 => end,
            Follows::AfterGap { end } => (pace.next == end).then_some(lease.first)?,
        }
    };
    let lease = Lease { first, ..lease };
    pace.next = first + lease.span();
    pace.leased_at = now;
    pace.holder = me;
    Some(lease)
}

/// When messages came to SES, in milliseconds since the start.
fn run(world: World) -> Vec<i64> {
    let mut dice = Dice(u64::try_from(world.senders).unwrap() * 1_000 + u64::try_from(world.rate).unwrap());
    let mut pace = Pace {
        account: Some(Account {
            rate: Rate::in_1000_seconds(u64::try_from(world.rate * 1_000).unwrap()),
            daily: None,
            sent: 0,
            enabled: true,
            read_at: START,
        }),
        ..Pace::default()
    };
    let mut senders: Vec<Sender> = (0..world.senders)
        .map(|position| Sender {
            skew: match position % 3 {
                1 if world.skewed => 300_000,
                2 if world.skewed => -300_000,
                _ => 0,
            },
            sight: None,
            sent: 0,
        })
        .collect();
    let mut events: BTreeMap<(i64, u64), Event> = BTreeMap::new();
    let mut count = 0;
    let mut plan = |events: &mut BTreeMap<(i64, u64), Event>, at: i64, event: Event| {
        count += 1;
        events.insert((at, count), event);
    };
    for position in 0..world.senders {
        plan(&mut events, dice.roll(50), Event::Read(position));
    }
    let mut arrived = Vec::new();
    while let Some(((time, _), event)) = events.pop_first() {
        if time > LASTS {
            break;
        }
        let local = |sender: &Sender, at: i64| Timestamp::from_millisecond(START + at + sender.skew).unwrap();
        match event {
            Event::Read(position) => {
                let sender = senders.get_mut(position).unwrap();
                let me = u64::try_from(position).unwrap() + 1;
                // Read where it arrives, told a while later.
                let told = time + 2 + dice.roll(10);
                let sight = Sight::of(sender.sight, &pace, me, local(sender, time - 5), local(sender, told));
                sender.sight = Some(sight);
                let footing = if world.planted == Planted::ClockBelieved {
                    Footing::Sure
                } else {
                    sight.footing()
                };
                match footing {
                    Footing::Sure => {}
                    Footing::Look { after } => {
                        plan(&mut events, told + after + dice.roll(10), Event::Read(position));
                        continue;
                    }
                    Footing::Off => {
                        plan(&mut events, told + 300 + dice.roll(300), Event::Read(position));
                        continue;
                    }
                }
                let ask = Ask {
                    now: local(sender, told),
                    most: AT_ONCE,
                    kind: Kind::Campaign,
                };
                match pace.ask(ask) {
                    Answer::Lease(lease) => {
                        let seen = Box::new(pace.clone());
                        let now = local(sender, told).as_millisecond();
                        plan(
                            &mut events,
                            told + 1 + dice.roll(10),
                            Event::Write(position, seen, lease, now),
                        );
                    }
                    Answer::Later(at) => {
                        let at = (at.as_millisecond() - START - sender.skew).clamp(told, told + 1_000);
                        plan(&mut events, at + dice.roll(50), Event::Read(position));
                    }
                    Answer::Unbounded | Answer::Held(_) => {}
                }
            }
            Event::Write(position, seen, lease, now) => {
                let sender = senders.get_mut(position).unwrap();
                let me = u64::try_from(position).unwrap() + 1;
                let told = time + 1 + dice.roll(10);
                let Some(lease) = write(&mut pace, &seen, lease, now, me, world.planted) else {
                    plan(&mut events, told, Event::Read(position));
                    continue;
                };
                let mut last = told;
                for slot in lease.slots() {
                    // A clock ticks in milliseconds.
                    let slot = (slot.as_microsecond() + 999).div_euclid(1_000) - START - sender.skew;
                    let ready = told + dice.roll(PREPARES);
                    let slot = if world.planted == Planted::UnusedBunched {
                        slot.max(told + PREPARES)
                    } else {
                        slot
                    };
                    if ready <= slot + LATE_MS {
                        arrived.push(slot.max(ready) + 20 + dice.roll(10));
                        sender.sent += 1;
                    }
                    last = last.max(slot);
                }
                // It works on so many at once, and asks before the last of them is on its way.
                let speed = told + TAKES * i64::from(lease.count) / i64::from(AT_ONCE);
                let mut next = speed.max(last - 400);
                if sender.sent >= AN_INVOCATION {
                    sender.sent = 0;
                    next = last + BETWEEN;
                }
                plan(&mut events, next, Event::Read(position));
            }
        }
    }
    arrived.sort_unstable();
    arrived
}

/// The most in any second, and the thousandths of the rate that were used after the first two seconds.
fn measured(arrived: &[i64], rate: i64) -> (i64, i64) {
    let within = |from: usize| {
        let first = arrived.get(from).copied().unwrap();
        i64::try_from(arrived.iter().skip(from).take_while(|at| **at < first + 1_000).count()).unwrap()
    };
    let most = (0..arrived.len()).map(within).max().unwrap_or(0);
    let (from, until) = (3_000, LASTS - 2_000);
    let used = arrived.iter().filter(|at| (from..until).contains(*at)).count();
    let used = i64::try_from(used).unwrap();
    (most, used * 1_000_000 / (rate * (until - from)))
}

const SENDERS: [usize; 6] = [1, 2, 5, 10, 25, 50];
const RATES: [i64; 4] = [1, 14, 100, 500];

/// What one sender sends in a second when nothing holds it.
const OWN_SPEED: i64 = 60;

#[test]
fn one_to_fifty_senders_never_pass_the_rate_and_use_ninety_five_percent_of_it() {
    println!("rate  senders  most in a second  used");
    for rate in RATES {
        for senders in SENDERS {
            let world = World {
                senders,
                rate,
                skewed: false,
                planted: Planted::Nothing,
            };
            let (most, used) = measured(&run(world), rate);
            println!("{rate:>4}  {senders:>7}  {most:>16}  {:>3}.{} %", used / 10, used % 10);
            assert!(most <= rate, "{senders} senders send {most} in a second of {rate}");
            let reachable = i64::try_from(senders).unwrap() * OWN_SPEED > rate;
            assert!(
                !reachable || used >= 950,
                "{senders} senders use {used} of 1000 of {rate}"
            );
        }
    }
}

#[test]
fn clocks_five_minutes_apart_cost_senders_and_never_pass_the_rate() {
    for rate in RATES {
        for senders in SENDERS {
            let world = World {
                senders,
                rate,
                skewed: true,
                planted: Planted::Nothing,
            };
            let arrived = run(world);
            let (most, used) = measured(&arrived, rate);
            println!(
                "{rate:>4}  {senders:>7}  {most:>16}  {:>3}.{} %  clocks apart",
                used / 10,
                used % 10
            );
            assert!(most <= rate, "{senders} senders send {most} in a second of {rate}");
            assert!(!arrived.is_empty());
        }
    }
}

#[test]
fn each_planted_bug_passes_the_rate() {
    for planted in [
        Planted::LeaseUnconditional,
        Planted::UnusedBunched,
        Planted::ClockBelieved,
    ] {
        let worlds = RATES.into_iter().flat_map(|rate| [(rate, 1), (rate, 10)]);
        let is_caught = worlds.into_iter().any(|(rate, senders)| {
            let world = World {
                senders,
                rate,
                skewed: planted == Planted::ClockBelieved,
                planted,
            };
            measured(&run(world), rate).0 > rate
        });
        assert!(is_caught, "{planted:?}");
    }
}
