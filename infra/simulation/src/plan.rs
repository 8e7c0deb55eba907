//! A schedule: who does what and when, and what goes wrong.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Site, Worker, mixed};
use crate::planted::Planted;
use crate::world::{OTHERS_CAMPAIGN, OTHERS_PEOPLE};

/// Everything that a run follows from. As JSON it can be told in one line, and run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What waits and choices are drawn from.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
    /// Whose call comes when.
    pub order: Order,
    /// What people and brands do.
    pub actions: Vec<Action>,
    /// Whether the functions' clocks differ, by up to five minutes.
    pub skewed: bool,
    /// A bug put in on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<Planted>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Faults {
    /// Drawn from the seed, so many of a thousand calls.
    Random {
        /// How many.
        in_1000: u16,
        /// What goes wrong more than anything else, at the calls that matter most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leaning: Option<Fault>,
    },
    /// These and no others.
    These(Vec<(Site, Fault)>),
}

/// Whose call comes when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Each call takes a while drawn from the seed.
    Times,
    /// The two senders take turns: the first goes on until it has made so many calls, then the other, and so on.
    Turns(Vec<u32>),
}

/// One thing that somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// So many milliseconds after the start.
    At(i64),
    /// Once the senders have made so many calls: between any two steps.
    Call(u32),
    /// Once so many claims were won.
    Claim(u32),
    /// Once so many messages are on their way to SES.
    Mail(u32),
}

/// What somebody does; people and campaigns are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Nothing: what was here was taken out.
    Nothing,
    /// The brand launches a campaign.
    Launch(u8),
    /// The brand pauses a run, and resumes it minutes later.
    Pause(u8),
    /// The brand cancels a run.
    Cancel(u8),
    /// A person unsubscribes by one click.
    Unsubscribe(u8),
    /// The brand reports that a person withdrew.
    Withdraw(u8),
    /// The brand reports a person's own new yes.
    Grant(u8),
    /// The brand imports a yes from a file.
    Import(u8),
    /// The brand sends a person's context again.
    Context(u8),
    /// A person complains about a message.
    Complain(u8),
    /// A message to a person bounces for good.
    Bounce(u8),
    /// A person has everything erased.
    Erase(u8),
}

impl Plan {
    /// A small world of its own for a seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut drawn = 0;
        let mut draw = |most: u64| {
            drawn += 1;
            mixed(seed, [900, drawn, 0]) % most
        };
        let mut actions = vec![Action {
            when: When::At(0),
            what: What::Launch(0),
        }];
        for _ in 0..draw(6) {
            let when = match draw(8) {
                0..2 => When::Call(u32::try_from(draw(60)).unwrap_or(0)),
                2..4 => When::Claim(u32::try_from(1 + draw(3)).unwrap_or(0)),
                4..6 => When::Mail(u32::try_from(1 + draw(3)).unwrap_or(0)),
                _ => When::At(i64::try_from(draw(240_000)).unwrap_or(0)),
            };
            let person = u8::try_from(draw(3)).unwrap_or(0);
            let campaign = u8::try_from(draw(3)).unwrap_or(0);
            let what = match draw(20) {
                0..4 => What::Launch(campaign),
                4 => What::Pause(campaign),
                5 => What::Cancel(campaign),
                6..9 => What::Unsubscribe(person),
                9..11 => What::Withdraw(person),
                11 => What::Grant(person),
                12..14 => What::Import(person),
                14 => What::Context(person),
                15..17 => What::Complain(person),
                17 => What::Bounce(person),
                _ => What::Erase(person),
            };
            actions.push(Action { when, what });
        }
        let mut in_1000 = match draw(6) {
            0 => 0,
            1 => 10,
            2 | 3 => 30,
            4 => 80,
            _ => 200,
        };
        let mut skewed = draw(4) == 0;
        let small = |number: u64| u8::try_from(number).unwrap_or(0);
        let mut leaning = match draw(12) {
            0 | 1 => Some(Fault::Slow),
            2 => Some(Fault::QueueTwice),
            3 => Some(Fault::LostAnswer),
            4 => Some(Fault::CrashAfter),
            5 => Some(Fault::Conflict),
            6 => Some(Fault::MailSilent),
            _ => None,
        };
        if draw(3) == 0 {
            // Somebody leaves while a message, which may be theirs, is claimed or on its way; and that may take long.
            let person = small(draw(2));
            let count = 1 + u32::from(person);
            let (when, slow) = match draw(2) {
                0 => (When::Mail(count), Fault::Slow),
                _ => (When::Claim(count), Fault::SlowAnswer),
            };
            let what = match draw(3) {
                0 => What::Withdraw(person),
                _ => What::Unsubscribe(person),
            };
            actions.push(Action { when, what });
            if draw(2) == 0 {
                leaning = Some(slow);
            }
        }
        if draw(6) == 0 {
            // Two write about one person at once.
            let person = small(draw(3));
            let when = When::At(i64::try_from(draw(60_000)).unwrap_or(0));
            for _ in 0..2 {
                let what = match draw(5) {
                    0 => What::Withdraw(person),
                    1 => What::Grant(person),
                    2 => What::Unsubscribe(person),
                    3 => What::Import(person),
                    _ => What::Context(person),
                };
                actions.push(Action { when, what });
            }
        }
        if draw(5) == 0 {
            // The other brand writes too, and its people do things.
            let launch = What::Launch(OTHERS_CAMPAIGN);
            let when = When::At(i64::try_from(draw(2_000)).unwrap_or(0));
            actions.push(Action { when, what: launch });
            for _ in 0..draw(3) {
                let person = OTHERS_PEOPLE + small(draw(3));
                let when = When::At(i64::try_from(draw(240_000)).unwrap_or(0));
                let what = match draw(6) {
                    0 => What::Unsubscribe(person),
                    1 => What::Withdraw(person),
                    2 => What::Complain(person),
                    3 => What::Bounce(person),
                    4 => What::Context(person),
                    _ => What::Erase(person),
                };
                actions.push(Action { when, what });
            }
        }
        let mut order = Order::Times;
        if draw(6) == 0 {
            // Two senders with the same candidates, in an order that is given: the first stops around its claim, and half of
            // the time the second is fast.
            skewed |= draw(2) == 0;
            leaning = Some(Fault::QueueTwice);
            in_1000 = in_1000.min(10);
            let turns = [6 + draw(9), 3 + draw(12), 1 + draw(3)];
            let most = [1, 2, 3, 3].get(usize::from(small(draw(4)))).copied().unwrap_or(3);
            let turns = turns.into_iter().take(most);
            order = Order::Turns(turns.map(|calls| u32::try_from(calls).unwrap_or(0)).collect());
        }
        Self {
            seed,
            faults: Faults::Random { in_1000, leaning },
            order,
            actions,
            skewed,
            planted: None,
        }
    }

    /// How many messages a sender takes at once: where turns are given, one.
    pub(crate) fn batch(&self) -> usize {
        match self.order {
            Order::Times => 1 + usize::try_from(self.seed % 3).unwrap_or(0),
            Order::Turns(_) => 1,
        }
    }

    /// How far a worker's clock is from the true time, in milliseconds.
    pub(crate) fn skew(&self, worker: Worker) -> i64 {
        if !self.skewed || worker == Worker::Stage {
            return 0;
        }
        // The first of two senders that take turns is right, and the second is fast.
        match (&self.order, worker) {
            (Order::Turns(_), Worker::SendsA) => return 0,
            (Order::Turns(_), Worker::SendsB) => return 5 * 60_000,
            _ => {}
        }
        let minutes = match mixed(self.seed, [901, worker.number(), 0]) % 4 {
            0 => -5,
            1 => 5,
            _ => 0,
        };
        minutes * 60_000
    }
}
