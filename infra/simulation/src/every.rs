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

/// Every pair of kinds of faults in each scenario that both can happen in, so many times, each time at two other calls.
///
/// # Errors
/// [`StageError`].
pub fn pairs(stage: &Stage, rounds: u64) -> Result<Vec<Plan>, StageError> {
    let mut plans = Vec::new();
    for scenario in SCENARIOS {
        let singles = scenario.single_faults(stage)?;
        for (first, second) in pairs_of_kinds() {
            for round in 0..rounds {
                let pick = |which: u64, kind: Fault, but: Option<Site>| {
                    let sites: Vec<_> = singles
                        .iter()
                        .filter(|(site, fault)| *fault == kind && Some(*site) != but)
                        .collect();
                    let kinds = [u64::try_from(plans.len()).unwrap_or(0), which, round];
                    let drawn = mixed(700, kinds) % u64::try_from(sites.len()).unwrap_or(1).max(1);
                    sites.get(usize::try_from(drawn).unwrap_or(0)).map(|single| **single)
                };
                let one = pick(0, first, None);
                let other = pick(1, second, one.map(|(site, _)| site));
                if let (Some(one), Some(other)) = (one, other) {
                    plans.push(scenario.with(vec![one, other]));
                }
            }
        }
    }
    Ok(plans)
}

/// Each pair once, that of a kind with itself too.
fn pairs_of_kinds() -> impl Iterator<Item = (Fault, Fault)> {
    let up_to = |second| Fault::ALL.into_iter().take_while(move |first| *first <= second);
    Fault::ALL
        .into_iter()
        .flat_map(move |second| up_to(second).map(move |first| (first, second)))
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
    fn every_pair_of_kinds_is_there_once() {
        let pairs: BTreeSet<_> = pairs_of_kinds().collect();
        assert_eq!(pairs.len(), 19 * 20 / 2);
        assert_eq!(pairs_of_kinds().count(), pairs.len());
    }

    #[test]
    fn in_a_scenario_two_kinds_meet_at_two_calls_wherever_both_can_happen() {
        let stage = Stage::new().unwrap();
        let plans = pairs(&stage, 1).unwrap();
        let [scenario, ..] = SCENARIOS;
        let possible: BTreeSet<Fault> = scenario
            .single_faults(&stage)
            .unwrap()
            .into_iter()
            .map(|(_, fault)| fault)
            .collect();
        let met: BTreeSet<_> = plans
            .iter()
            .filter(|plan| plan.actions == scenario.actions)
            .map(|plan| match &plan.faults {
                Faults::These(faults) => match faults.as_slice() {
                    [(one, first), (other, second)] if one != other => (*first, *second),
                    _ => panic!("{faults:?}"),
                },
                Faults::Random { .. } => panic!("drawn"),
            })
            .collect();
        for pair in pairs_of_kinds().filter(|(first, second)| first != second) {
            let can = possible.contains(&pair.0) && possible.contains(&pair.1);
            assert!(!can || met.contains(&pair), "{pair:?}");
        }
    }

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
