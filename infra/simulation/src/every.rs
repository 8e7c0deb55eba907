//! Schedules that are not drawn but counted out: each single fault, pairs of faults, and the turns of two senders.

use crate::fault::{Fault, Site, Worker, mixed};
use crate::plan::{Action, Faults, Order, Plan, What, When};
use crate::stage::{Stage, StageError};

/// What people and brands do, where nothing goes wrong yet.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// In a few words.
    pub about: &'static str,
    /// Who does what.
    pub actions: &'static [Action],
}

const fn at(millis: i64, what: What) -> Action {
    Action {
        when: When::At(millis),
        what,
    }
}

const fn at_call(call: u32, what: What) -> Action {
    Action {
        when: When::Call(call),
        what,
    }
}

/// The twelve.
pub const SCENARIOS: [Scenario; 12] = [
    Scenario {
        about: "a campaign",
        actions: &[at(0, What::Launch(0))],
    },
    Scenario {
        about: "a campaign launched twice",
        actions: &[at(0, What::Launch(0)), at(30, What::Launch(0))],
    },
    Scenario {
        about: "two campaigns at once",
        actions: &[at(0, What::Launch(0)), at(20, What::Launch(1))],
    },
    Scenario {
        about: "three campaigns under a cap of two",
        actions: &[at(0, What::Launch(0)), at(10, What::Launch(1)), at(20, What::Launch(2))],
    },
    Scenario {
        about: "someone unsubscribes while it is sent",
        actions: &[
            at(0, What::Launch(0)),
            at_call(7, What::Unsubscribe(0)),
            at(60_000, What::Launch(1)),
        ],
    },
    Scenario {
        about: "someone withdraws, and a file says yes",
        actions: &[
            at(0, What::Withdraw(0)),
            at(5_000, What::Import(0)),
            at(10_000, What::Launch(0)),
        ],
    },
    Scenario {
        about: "someone complains",
        actions: &[
            at(0, What::Launch(0)),
            at(1_000, What::Complain(0)),
            at(60_000, What::Launch(1)),
        ],
    },
    Scenario {
        about: "a message bounces",
        actions: &[
            at(0, What::Launch(0)),
            at(1_000, What::Bounce(1)),
            at(60_000, What::Launch(1)),
        ],
    },
    Scenario {
        about: "someone has everything erased",
        actions: &[
            at(0, What::Launch(0)),
            at_call(12, What::Erase(1)),
            at(60_000, What::Launch(1)),
        ],
    },
    Scenario {
        about: "a run is paused and resumed",
        actions: &[at(0, What::Launch(0)), at(150, What::Pause(0))],
    },
    Scenario {
        about: "a run is cancelled",
        actions: &[at(0, What::Launch(0)), at_call(9, What::Cancel(0))],
    },
    Scenario {
        about: "someone comes back, and their context comes again",
        actions: &[
            at(0, What::Withdraw(0)),
            at(1_000, What::Launch(0)),
            at(5_000, What::Grant(0)),
            at(10_000, What::Context(0)),
            at(20_000, What::Launch(1)),
        ],
    },
];

impl Scenario {
    /// It, with these faults.
    #[must_use]
    pub fn with(&self, faults: Vec<(Site, Fault)>) -> Plan {
        Plan {
            seed: 3,
            faults: Faults::These(faults),
            order: Order::Times,
            actions: self.actions.to_vec(),
            skewed: false,
            planted: None,
        }
    }

    /// Everything that can go wrong alone: each fault at each call that it can meet.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn single_faults(&self, stage: &Stage) -> Result<Vec<(Site, Fault)>, StageError> {
        let quiet = stage.run(&self.with(Vec::new()))?;
        Ok(quiet
            .trace
            .iter()
            .filter_map(|step| Some((step.site?, step.kind?)))
            .flat_map(|(site, kind)| Fault::of(kind).iter().map(move |fault| (site, *fault)))
            .collect())
    }
}

/// So many pairs of faults, spread evenly over all pairs of all scenarios.
///
/// # Errors
/// [`StageError`].
pub fn pairs(stage: &Stage, most: u64) -> Result<Vec<Plan>, StageError> {
    let mut plans = Vec::new();
    let share = most.div_ceil(u64::try_from(SCENARIOS.len()).unwrap_or(1));
    for scenario in SCENARIOS {
        let singles = scenario.single_faults(stage)?;
        let count = u64::try_from(singles.len()).unwrap_or(1).max(1);
        for number in 0..share {
            let pick = |which: u64| {
                let position = mixed(number, [700, which, count]) % count;
                singles.get(usize::try_from(position).unwrap_or(0)).copied()
            };
            plans.push(scenario.with([pick(0), pick(1)].into_iter().flatten().collect()));
        }
    }
    Ok(plans)
}

/// Every pair of faults at two calls, in all scenarios: too many to list, so each is made when it is asked for.
#[derive(Debug)]
pub struct Pairs(Vec<(Scenario, Vec<(Site, Fault)>)>);

impl Pairs {
    /// Finds out what can go wrong alone.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn new(stage: &Stage) -> Result<Self, StageError> {
        let singles = |scenario: Scenario| Ok((scenario, scenario.single_faults(stage)?));
        SCENARIOS.into_iter().map(singles).collect::<Result<_, _>>().map(Self)
    }

    /// How many positions there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, singles)| count(singles)).sum()
    }

    /// The pair at a position; none where both would be at one call, of which only the first would happen.
    #[must_use]
    pub fn at(&self, mut position: u64) -> Option<Plan> {
        for (scenario, singles) in &self.0 {
            if position >= count(singles) {
                position -= count(singles);
                continue;
            }
            // The later of the two is the number of the triangle that the position is in.
            let mut later = (position * 2).isqrt();
            while later * (later + 1) / 2 <= position {
                later += 1;
            }
            while later * (later - 1) / 2 > position {
                later -= 1;
            }
            let one = |number: u64| singles.get(usize::try_from(number).ok()?).copied();
            let (first, second) = (one(position - later * (later - 1) / 2)?, one(later)?);
            return (first.0 != second.0).then(|| scenario.with(vec![first, second]));
        }
        None
    }
}

fn count(singles: &[(Site, Fault)]) -> u64 {
    let singles = u64::try_from(singles.len()).unwrap_or(0);
    singles * singles.saturating_sub(1) / 2
}

/// The most calls that a sender makes for one message.
const MOST_CALLS: u32 = 27;

/// Two senders with the same message each, in every order of up to two switches; `step` leaves some out.
#[must_use]
pub fn turns(step: u32, skewed: bool) -> Vec<Plan> {
    let mut orders = Vec::new();
    for first in (0..MOST_CALLS).filter(|first| first.is_multiple_of(step)) {
        orders.push(vec![first]);
        for second in (1..MOST_CALLS).filter(|second| second.is_multiple_of(step)) {
            orders.push(vec![first, second]);
        }
    }
    ordered(orders, skewed)
}

/// The orders of three switches in which the first sender stops around its claim and again before it calls SES.
#[must_use]
pub fn turns_around_the_claim(skewed: bool) -> Vec<Plan> {
    let mut orders = Vec::new();
    for first in 11..=13 {
        for second in 5..=13 {
            for third in 1..=2 {
                orders.push(vec![first, second, third]);
            }
        }
    }
    ordered(orders, skewed)
}

fn ordered(orders: Vec<Vec<u32>>, skewed: bool) -> Vec<Plan> {
    let twice = (
        Site {
            worker: Worker::Pages,
            call: 8,
        },
        Fault::QueueTwice,
    );
    let [scenario, ..] = SCENARIOS;
    orders
        .into_iter()
        .map(|order| Plan {
            order: Order::Turns(order),
            skewed,
            ..scenario.with(vec![twice])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_position_is_a_pair_of_its_own_and_none_is_left_out() {
        let site = |call| Site {
            worker: Worker::Pages,
            call,
        };
        let singles = vec![
            (site(0), Fault::CrashBefore),
            (site(0), Fault::Error),
            (site(1), Fault::Slow),
            (site(2), Fault::Slow),
        ];
        let [first, second, ..] = SCENARIOS;
        let pairs = Pairs(vec![(first, singles.clone()), (second, singles)]);
        assert_eq!(pairs.count(), 12);
        let told: Vec<_> = (0..12)
            .filter_map(|position| pairs.at(position))
            .map(|plan| serde_json::to_string(&plan).unwrap())
            .collect();
        // One of six in each scenario is at one call.
        assert_eq!(told.len(), 10);
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>().len(), 10);
        assert_eq!(pairs.at(12), None);
    }
}
