//! What a campaign would do, counted: outcomes, a histogram of relevance, examples, and how two versions differ.

use std::collections::BTreeMap;

use crate::decision::Withheld;
use crate::reason::Reason;
use crate::relevance::{Relevance, Score};

/// The first decision about one person.
pub type Judged = Result<Score, Withheld>;

/// How it ended: written to, or the reason why not. Those written to come first, then the reasons in their order.
pub type Outcome = Option<Reason>;

/// How many example decisions a tally shows at most, and how many changes a comparison.
pub const EXAMPLES: usize = 10;

/// Counts over many decisions, by the cell they were met in.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    cells: Vec<Counts>,
    examples: BTreeMap<Outcome, Vec<Judged>>,
    changes: BTreeMap<Change, Vec<Changed>>,
}

/// Counts over the decisions of one cell.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// How many would be written to, and how many would not by each reason.
    pub outcomes: BTreeMap<Outcome, u32>,
    /// How many had a relevance of 0 to 999 bp, of 1 000 to 1 999, …, of 9 000 to 10 000. Whom a gate stopped before the
    /// score has none.
    pub histogram: [u32; 10],
    /// How many end otherwise by another version of the offer, by how they end now and how they would.
    pub moved: BTreeMap<Change, u32>,
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
    /// Begins a cell: what is added from now on belongs to it.
    pub fn begin_cell(&mut self) {
        self.cells.push(Counts::default());
    }

    /// Counts a decision. Nobody's name is kept.
    pub fn add(&mut self, judged: &Judged) {
        let outcome = outcome(judged);
        let score = match judged {
            Ok(score) => Some(score),
            Err(withheld) => withheld.score.as_ref(),
        };
        if let Some(cell) = self.cells.last_mut() {
            *cell.outcomes.entry(outcome).or_insert(0) += 1;
            if let Some(bin) = score.and_then(|score| cell.histogram.get_mut(bin(score.relevance))) {
                *bin += 1;
            }
        }
        let examples = self.examples.entry(outcome).or_default();
        if examples.len() < EXAMPLES {
            examples.push(judged.clone());
        }
    }

    /// Counts what one person's decisions are by the version in use and by another.
    pub fn compare(&mut self, now: &Judged, then: &Judged) {
        let change = (outcome(now), outcome(then));
        if change.0 == change.1 {
            return;
        }
        if let Some(cell) = self.cells.last_mut() {
            *cell.moved.entry(change).or_insert(0) += 1;
        }
        let examples = self.changes.entry(change).or_default();
        if examples.len() < EXAMPLES {
            examples.push((now.clone(), then.clone()));
        }
    }

    /// A count of each cell, in the order in which they were begun.
    #[must_use]
    pub fn of_each(&self, count: impl Fn(&Counts) -> u32) -> Vec<u32> {
        self.cells.iter().map(count).collect()
    }

    /// The ways in which any decision ended.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome> + '_ {
        self.examples.keys().copied()
    }

    /// The ways in which any decision changes.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        self.changes.keys().copied()
    }

    /// Ten decisions at most, one of each outcome before a second of any: the first ones met, in the order of outcomes.
    #[must_use]
    pub fn examples(&self) -> Vec<&Judged> {
        spread(&self.examples)
    }

    /// Ten decisions at most that change, one of each change before a second of any.
    #[must_use]
    pub fn changed(&self) -> Vec<&Changed> {
        spread(&self.changes)
    }
}

impl Counts {
    /// How many ended so.
    #[must_use]
    pub fn ended(&self, outcome: Outcome) -> u32 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// How many change so.
    #[must_use]
    pub fn change(&self, change: Change) -> u32 {
        self.moved.get(&change).copied().unwrap_or(0)
    }

    /// How many would be written to who are not now.
    #[must_use]
    pub fn gained(&self) -> u32 {
        self.sum(|(_, then)| then.is_none())
    }

    /// How many would not be written to any more.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.sum(|(now, _)| now.is_none())
    }

    fn sum(&self, counts: impl Fn(&Change) -> bool) -> u32 {
        self.moved
            .iter()
            .filter(|(change, _)| counts(change))
            .map(|(_, count)| count)
            .sum()
    }
}

/// A cell of fewer people is not told by itself: a count of one says how one person stands.
pub const FEWEST_PEOPLE: u32 = 10;

/// Which of the cells, by how many people they hold, are told by themselves: the most populated ones, `most` at most. The
/// others, as many people as `elsewhere` and those left out, are told together, and are not few either, since they could be
/// found by taking the rows away from the sum.
#[must_use]
pub fn told_apart(people: &[u32], elsewhere: u64, most: usize) -> Vec<usize> {
    let mut cells: Vec<(usize, u32)> = people.iter().copied().enumerate().collect();
    cells.sort_by_key(|(_, people)| std::cmp::Reverse(*people));
    let is_told = |(place, (_, people)): &(usize, &(usize, u32))| *place < most && *people >= FEWEST_PEOPLE;
    let told = cells.iter().enumerate().take_while(is_told).count();
    let (told, others) = cells.split_at(told);
    let mut others = elsewhere + others.iter().map(|(_, people)| u64::from(*people)).sum::<u64>();
    let mut told: Vec<(usize, u32)> = told.to_vec();
    while (1..u64::from(FEWEST_PEOPLE)).contains(&others) {
        let Some((_, people)) = told.pop() else { break };
        others += u64::from(people);
    }
    told.into_iter().map(|(cell, _)| cell).collect()
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

/// A decision that changes, from what to what.
pub type Changed = (Judged, Judged);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Goal;
    use crate::relevance::{Factors, score};

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
        tally.begin_cell();
        for figure in [0, 999, 1_000, 8_999, 9_000, 10_000] {
            tally.add(&Ok(fits(figure)));
        }
        tally.begin_cell();
        tally.add(&silent(Reason::BelowThreshold, Some(fits(1_500))));
        tally.add(&silent(Reason::TooFar, None));
        assert_eq!(tally.cells[0].histogram, [2, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(tally.cells[1].histogram, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(tally.of_each(|cell| cell.ended(None)), [6, 0]);
        assert_eq!(tally.of_each(|cell| cell.outcomes.values().sum()), [6, 2]);
    }

    #[test]
    fn a_rare_reason_is_among_the_examples_of_a_large_audience() {
        let mut tally = Tally::default();
        tally.begin_cell();
        for _ in 0..1_000 {
            tally.add(&Ok(fits(8_000)));
            tally.add(&silent(Reason::TooFar, None));
        }
        tally.add(&silent(Reason::AlreadyHas, None));
        let shown: Vec<_> = tally.examples().into_iter().map(outcome).collect();
        assert_eq!(shown[..5], [None; 5]);
        assert_eq!(shown[5..9], [Some(Reason::TooFar); 4]);
        assert_eq!(shown[9..], [Some(Reason::AlreadyHas)]);
    }

    #[test]
    fn who_gains_who_loses_and_which_reasons_move() {
        let mut tally = Tally::default();
        tally.begin_cell();
        let far = silent(Reason::TooFar, None);
        let has = silent(Reason::AlreadyHas, None);
        let yes = Ok(fits(8_000));
        for (now, then) in [(&far, &yes), (&yes, &has), (&yes, &has), (&far, &has), (&far, &far)] {
            tally.compare(now, then);
        }
        // Another figure with the same outcome is no change of reach.
        tally.compare(&yes, &Ok(fits(9_000)));
        assert_eq!(tally.of_each(Counts::gained), [1]);
        assert_eq!(tally.of_each(Counts::lost), [2]);
        let change = (Some(Reason::TooFar), Some(Reason::AlreadyHas));
        assert_eq!(tally.of_each(|cell| cell.change(change)), [1]);
        assert_eq!(tally.of_each(|cell| cell.moved.values().sum()), [4]);
        let shown: Vec<_> = tally
            .changed()
            .iter()
            .map(|(now, then)| (outcome(now), outcome(then)))
            .collect();
        let (far, has) = (Some(Reason::TooFar), Some(Reason::AlreadyHas));
        assert_eq!(shown, [(None, has), (None, has), (far, None), (far, has)]);
    }

    #[test]
    fn a_cell_of_few_people_is_told_with_others_and_cannot_be_found_by_taking_away() {
        let none: [usize; 0] = [];
        assert_eq!(told_apart(&[9, 500, 10, 1], 0, 50), [1, 2]);
        // One person alone would be elsewhere: the smallest cell goes with it.
        assert_eq!(told_apart(&[1, 500, 10], 0, 50), [1]);
        assert_eq!(told_apart(&[500, 10], 0, 50), [0, 1]);
        assert_eq!(told_apart(&[500, 10], 3, 50), [0]);
        assert_eq!(told_apart(&[500, 20, 10], 0, 2), [0, 1]);
        assert_eq!(told_apart(&[3, 1], 0, 50), none);
    }
}
