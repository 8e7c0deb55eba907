//! What a campaign would do, counted: outcomes, a histogram of relevance, examples, and how two versions differ.

use std::collections::BTreeMap;

use crate::decision::Withheld;
use crate::ids::CustomerId;
use crate::reason::Reason;
use crate::relevance::{Relevance, Score};

/// The first decision about one person.
pub type Judged = Result<Score, Withheld>;

/// How it ended: written to, or the reason why not. Those written to come first, then the reasons in their order.
pub type Outcome = Option<Reason>;

/// How many example decisions a tally shows at most, and how many changes a comparison.
pub const EXAMPLES: usize = 10;

/// Counts over many decisions.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many would be written to, and how many would not by each reason.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How many had a relevance of 0 to 999 bp, of 1 000 to 1 999, …, of 9 000 to 10 000. Whom a gate stopped before the
    /// score has none.
    pub histogram: [u64; 10],
    examples: BTreeMap<Outcome, Vec<(CustomerId, Judged)>>,
}

/// How a decision ended.
#[must_use]
pub const fn outcome(judged: &Judged) -> Outcome {
    match judged {
        Ok(_) => None,
        Err(withheld) => Some(withheld.reason),
    }
}

impl Tally {
    /// Counts a decision.
    pub fn add(&mut self, customer: &CustomerId, judged: &Judged) {
        let outcome = outcome(judged);
        *self.outcomes.entry(outcome).or_insert(0) += 1;
        let score = match judged {
            Ok(score) => Some(score),
            Err(withheld) => withheld.score.as_ref(),
        };
        if let Some(bin) = score.and_then(|score| self.histogram.get_mut(bin(score.relevance))) {
            *bin += 1;
        }
        let examples = self.examples.entry(outcome).or_default();
        if examples.len() < EXAMPLES {
            examples.push((customer.clone(), judged.clone()));
        }
    }

    /// How many would be written to.
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.outcomes.get(&None).copied().unwrap_or(0)
    }

    /// Ten decisions at most, one of each outcome before a second of any: the first ones met, in the order of outcomes.
    #[must_use]
    pub fn examples(&self) -> Vec<&(CustomerId, Judged)> {
        spread(&self.examples)
    }
}

fn bin(relevance: Relevance) -> usize {
    usize::from(relevance.basis_points() / 1_000).min(9)
}

/// One of each kind before a second of any, then in the order of kinds.
fn spread<K: Ord, T>(kinds: &BTreeMap<K, Vec<T>>) -> Vec<&T> {
    let mut chosen: Vec<(usize, &K, &T)> = kinds
        .iter()
        .flat_map(|(kind, met)| met.iter().enumerate().map(move |(round, each)| (round, kind, each)))
        .collect();
    chosen.sort_by_key(|(round, kind, _)| (*round, *kind));
    chosen.truncate(EXAMPLES);
    chosen.sort_by_key(|(round, kind, _)| (*kind, *round));
    chosen.into_iter().map(|(_, _, each)| each).collect()
}

/// How a decision ends by the version in use, and how by the other.
pub type Change = (Outcome, Outcome);

/// Whose decision changes, from what to what.
pub type Changed = (CustomerId, Judged, Judged);

/// How the decisions by one version of an offer differ from those by another.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// How many end otherwise, by how they end now and how they would.
    pub moved: BTreeMap<Change, u64>,
    examples: BTreeMap<Change, Vec<Changed>>,
}

impl Comparison {
    /// Counts what one person's decisions are by the version in use and by the other.
    pub fn add(&mut self, customer: &CustomerId, now: &Judged, then: &Judged) {
        let change = (outcome(now), outcome(then));
        if change.0 == change.1 {
            return;
        }
        *self.moved.entry(change).or_insert(0) += 1;
        let examples = self.examples.entry(change).or_default();
        if examples.len() < EXAMPLES {
            examples.push((customer.clone(), now.clone(), then.clone()));
        }
    }

    /// How many would be written to who are not now.
    #[must_use]
    pub fn gained(&self) -> u64 {
        self.sum(|(_, then)| then.is_none())
    }

    /// How many would not be written to any more.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sum(|(now, _)| now.is_none())
    }

    fn sum(&self, counts: impl Fn(&Change) -> bool) -> u64 {
        self.moved
            .iter()
            .filter(|(change, _)| counts(change))
            .map(|(_, count)| count)
            .sum()
    }

    /// Ten people at most whose decision changes, one of each change before a second of any.
    #[must_use]
    pub fn examples(&self) -> Vec<&Changed> {
        spread(&self.examples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Goal;
    use crate::relevance::{Factors, score};

    fn customer(number: usize) -> CustomerId {
        CustomerId::new(format!("c-{number}")).unwrap()
    }

    fn fits(basis_points: u32) -> Score {
        let affinity = Some(Relevance::clamped(basis_points));
        score(
            Goal::Inform,
            Factors {
                affinity,
                ..Factors::default()
            },
        )
    }

    fn silent(reason: Reason, score: Option<Score>) -> Judged {
        Err(Withheld {
            reason,
            rule: None,
            score,
        })
    }

    #[test]
    fn each_score_falls_into_one_bin_whether_sent_or_not() {
        let mut tally = Tally::default();
        for (number, figure) in [0, 999, 1_000, 8_999, 9_000, 10_000].into_iter().enumerate() {
            tally.add(&customer(number), &Ok(fits(figure)));
        }
        tally.add(&customer(7), &silent(Reason::BelowThreshold, Some(fits(1_500))));
        tally.add(&customer(8), &silent(Reason::TooFar, None));
        assert_eq!(tally.histogram, [2, 2, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(tally.candidates(), 6);
        assert_eq!(tally.outcomes.values().sum::<u64>(), 8);
    }

    #[test]
    fn a_rare_reason_is_among_the_examples_of_a_large_audience() {
        let mut tally = Tally::default();
        for number in 0..1_000 {
            tally.add(&customer(number), &Ok(fits(8_000)));
            tally.add(&customer(number), &silent(Reason::TooFar, None));
        }
        tally.add(&customer(1_000), &silent(Reason::AlreadyHas, None));
        let examples = tally.examples();
        let shown: Vec<_> = examples.iter().map(|(_, judged)| outcome(judged)).collect();
        assert_eq!(shown[..5], [None; 5]);
        assert_eq!(shown[5..9], [Some(Reason::TooFar); 4]);
        assert_eq!(shown[9..], [Some(Reason::AlreadyHas)]);
        // The first ones met.
        assert_eq!(examples[0].0, customer(0));
    }

    #[test]
    fn who_gains_who_loses_and_which_reasons_move() {
        let mut comparison = Comparison::default();
        let far = silent(Reason::TooFar, None);
        let has = silent(Reason::AlreadyHas, None);
        let yes = Ok(fits(8_000));
        for (number, (now, then)) in [(&far, &yes), (&yes, &has), (&yes, &has), (&far, &has), (&far, &far)]
            .into_iter()
            .enumerate()
        {
            comparison.add(&customer(number), now, then);
        }
        // Another figure with the same outcome is no change of reach.
        comparison.add(&customer(5), &yes, &Ok(fits(9_000)));
        assert_eq!((comparison.gained(), comparison.lost()), (1, 2));
        assert_eq!(
            comparison.moved.get(&(Some(Reason::TooFar), Some(Reason::AlreadyHas))),
            Some(&1)
        );
        assert_eq!(comparison.moved.values().sum::<u64>(), 4);
        let shown: Vec<_> = comparison.examples().iter().map(|(id, ..)| id.to_string()).collect();
        assert_eq!(shown, ["c-1", "c-2", "c-0", "c-3"]);
    }
}
