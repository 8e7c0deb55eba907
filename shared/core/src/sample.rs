//! How far a part of an audience tells about the whole: an estimate of the reach, with its margin of error.
//!
//! An audience lies in cells, and only whole cells can be drawn by chance, so this is a *cluster sample in two stages*:
//! `n` of `N` cells, drawn by a hash of what is asked for and the cell ([`draw`]), and in each cell the first `m` of its `M`
//! people. With `p` the share of those who would be written to in a cell, `P = Σ M p ÷ Σ M` over the drawn cells (the ratio
//! estimator) and `e = M (p − P)`:
//!
//! ```text
//! between = (1 − n ÷ N) × n ÷ (n − 1) × Σ e² ÷ (Σ M)²
//! within  = n ÷ N × Σ M (M − m) p (1 − p) ÷ (m − 1) ÷ (Σ M)²
//! margin  = 1.96 × √(between + within)      95 of 100 such samples are no further off
//! ```
//!
//! A single cell of which `m` of `M` people are seen has no *between* left, and the formula is the usual one of a simple
//! random sample, `1.96 × √(p (1 − p) ÷ (m − 1)) × √(1 − m ÷ M)`. If all are seen the margin is 0; if they are not, it is at
//! least 3 people in all that were seen (the rule of three: a sample without a single case does not prove that there is
//! none). Shares are parts in a million, integers, margins rounded up.
//!
//! Two approximations: the first people of a cell are those with the lowest ids and not drawn by chance, and the sizes of
//! cells that were not read through are the directory's, which are approximate.

use crate::fingerprint::sha256;
use crate::relevance::Relevance;

const MILLION: u128 = 1_000_000;

/// 95 of 100, in hundredths of a standard error.
const STANDARD_ERRORS: u128 = 196;

/// A cell of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnCell {
    /// How many people it holds.
    pub held: u32,
    /// How many of them were seen.
    pub seen: u32,
    /// How many of those would be written to.
    pub reached: u32,
}

/// A reach with its margin of error at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How many people the audience has.
    pub people: u64,
    /// How many of them would be written to.
    pub reach: u64,
    /// How far off `reach` may be, either way.
    pub margin: u64,
    /// `reach` as a share of `people`.
    pub share: Relevance,
    /// `margin` as a share of `people`.
    pub share_margin: Relevance,
}

/// The place of a cell in the draw: the cells with the lowest numbers are the sample. It is the same each time for
/// the same purpose, such as a campaign, so that two previews differ by what changed and not by chance.
#[must_use]
pub fn draw(purpose: &str, cell: &str) -> [u8; 32] {
    sha256(&[b"sample", purpose.as_bytes(), cell.as_bytes()])
}

/// Estimates by the formula at the top of this module, for an audience of so many cells and people.
///
/// ```
/// use apropos_core::sample::{DrawnCell, estimate};
///
/// // 1 000 of 10 000 people of the only cell, half of whom would be written to: 1.96 × √(0.25 ÷ 999 × 0.9) = 2.94 %.
/// let half = DrawnCell { held: 10_000, seen: 1_000, reached: 500 };
/// let estimated = estimate(1, 10_000, &[half]);
/// assert_eq!((estimated.reach, estimated.margin), (5_000, 295));
/// // Two of three cells, read through; what is not known is the third: 1.96 × √(1 ÷ 3 × 2 × 2 × 20² ÷ 200²) = 22.7 %.
/// let cells = [60, 20].map(|reached| DrawnCell { held: 100, seen: 100, reached });
/// let estimated = estimate(3, 300, &cells);
/// assert_eq!((estimated.share.percent(), estimated.share_margin.basis_points()), (40, 2_264));
/// ```
#[must_use]
pub fn estimate(cells: u32, people: u64, drawn: &[DrawnCell]) -> Estimate {
    let sizes: u128 = drawn.iter().map(|cell| u128::from(cell.held)).sum();
    let share = drawn
        .iter()
        .map(|cell| u128::from(cell.held) * share_of(cell))
        .sum::<u128>()
        .checked_div(sizes)
        .unwrap_or(0);
    let margin = margin(cells, drawn, sizes, share);
    let all = u128::from(people);
    Estimate {
        people,
        reach: narrow((all * share + MILLION / 2) / MILLION),
        margin: narrow((all * margin).div_ceil(MILLION)),
        share: basis_points((share + 50) / 100),
        share_margin: basis_points(margin.div_ceil(100)),
    }
}

/// Of those seen in a cell, in millionths.
fn share_of(cell: &DrawnCell) -> u128 {
    (u128::from(cell.reached.min(cell.seen)) * MILLION)
        .checked_div(u128::from(cell.seen))
        .unwrap_or(0)
}

/// In millionths.
fn margin(cells: u32, drawn: &[DrawnCell], sizes: u128, share: u128) -> u128 {
    let number = u128::try_from(drawn.len()).unwrap_or(u128::MAX);
    let cells = u128::from(cells).max(number);
    let is_whole = number == cells && drawn.iter().all(|cell| cell.seen >= cell.held);
    if is_whole {
        return 0;
    }
    // One cell says nothing of how cells differ.
    if sizes == 0 || (number < 2 && cells > number) {
        return MILLION;
    }
    let between: u128 = drawn
        .iter()
        .map(|cell| (u128::from(cell.held) * share_of(cell).abs_diff(share)).saturating_pow(2))
        .fold(0, u128::saturating_add);
    let within: u128 = drawn.iter().map(spread_within).fold(0, u128::saturating_add);
    let squared = sizes * sizes;
    let between = between.div_ceil(squared) * number * (cells - number) / (cells * (number - 1).max(1));
    let within = within.div_ceil(squared) * number / cells;
    let by_formula = (STANDARD_ERRORS * STANDARD_ERRORS * (between + within))
        .isqrt()
        .div_ceil(100);
    let seen: u128 = drawn.iter().map(|cell| u128::from(cell.seen)).sum();
    let rule_of_three = (3 * MILLION).checked_div(seen).unwrap_or(MILLION);
    by_formula.max(rule_of_three).min(MILLION)
}

/// M (M − m) p (1 − p) ÷ (m − 1), in millionths squared.
fn spread_within(cell: &DrawnCell) -> u128 {
    let (held, seen, share) = (u128::from(cell.held), u128::from(cell.seen), share_of(cell));
    let spread = share * (MILLION - share);
    (held * held.saturating_sub(seen)).saturating_mul(spread) / seen.saturating_sub(1).max(1)
}

fn narrow(figure: u128) -> u64 {
    u64::try_from(figure).unwrap_or(u64::MAX)
}

fn basis_points(figure: u128) -> Relevance {
    Relevance::clamped(u32::try_from(figure).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(held: u32, seen: u32, reached: u32) -> DrawnCell {
        DrawnCell { held, seen, reached }
    }

    #[test]
    fn a_whole_audience_is_counted_and_not_estimated() {
        let told = estimate(2, 300, &[cell(100, 100, 7), cell(200, 200, 5)]);
        assert_eq!((told.people, told.reach, told.margin), (300, 12, 0));
        let nobody = estimate(0, 0, &[]);
        assert_eq!((nobody.people, nobody.reach, nobody.margin), (0, 0, 0));
    }

    #[test]
    fn one_cell_of_many_tells_nothing_of_the_others() {
        let told = estimate(50, 5_000, &[cell(100, 100, 40)]);
        assert_eq!((told.reach, told.margin), (2_000, 5_000));
    }

    #[test]
    fn a_sample_without_a_case_does_not_prove_that_there_is_none() {
        let told = estimate(4, 4_000, &[cell(1_000, 1_000, 0), cell(1_000, 1_000, 0)]);
        assert_eq!((told.reach, told.margin), (0, 6));
    }

    #[test]
    fn cells_that_differ_widen_the_margin() {
        let alike = estimate(10, 1_000, &[cell(100, 100, 50), cell(100, 100, 52)]);
        let unlike = estimate(10, 1_000, &[cell(100, 100, 2), cell(100, 100, 100)]);
        assert_eq!(alike.reach, unlike.reach);
        assert!(alike.margin < unlike.margin, "{alike:?} {unlike:?}");
    }

    #[test]
    fn a_large_cell_counts_for_as_many_as_live_there() {
        let told = estimate(2, 1_100, &[cell(1_000, 100, 10), cell(100, 100, 100)]);
        // A tenth of 1 000 and all of 100.
        assert_eq!(told.reach, 200);
    }

    #[test]
    fn the_draw_is_the_same_each_time_and_another_for_each_campaign() {
        assert_eq!(draw("one", "851f9633"), draw("one", "851f9633"));
        assert_ne!(draw("one", "851f9633"), draw("other", "851f9633"));
    }

    #[test]
    fn the_margin_holds_for_nineteen_in_twenty_samples() {
        // 400 cells of unlike sizes and shares; samples of 40 cells, drawn for 300 campaigns: 285, give or take twice 4.
        let cells: Vec<(String, u32, u32)> = (0u32..400)
            .map(|number| {
                let size = 20 + number * 7 % 60;
                (format!("cell-{number}"), size, size * (number * 13 % 70) / 100)
            })
            .collect();
        let people: u64 = cells.iter().map(|(_, size, _)| u64::from(*size)).sum();
        let truth: u64 = cells.iter().map(|(_, _, reached)| u64::from(*reached)).sum();
        let within_margin = (0..300)
            .filter(|number| {
                let campaign = format!("campaign-{number}");
                let mut drawn = cells.clone();
                drawn.sort_by_cached_key(|(name, ..)| draw(&campaign, name));
                let drawn: Vec<_> = drawn[..40]
                    .iter()
                    .map(|(_, size, reached)| cell(*size, *size, *reached))
                    .collect();
                let told = estimate(400, people, &drawn);
                told.reach.abs_diff(truth) <= told.margin
            })
            .count();
        assert!((276..=297).contains(&within_margin), "{within_margin}");
    }

    proptest! {
        #[test]
        fn any_counts_give_shares(
            cells in 0u32..2_000,
            people: u32,
            drawn in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>()), 0..40),
        ) {
            let drawn: Vec<_> = drawn.into_iter().map(|(held, seen, reached)| cell(held, seen, reached)).collect();
            let told = estimate(cells, people.into(), &drawn);
            prop_assert!(told.reach <= told.people && told.margin <= told.people);
        }

        #[test]
        fn seeing_more_of_a_cell_never_widens_the_margin(share in 1u32..10, seen in 2u32..50) {
            let [fewer, more] = [seen * 10, seen * 20].map(|seen| estimate(1, 10_000, &[cell(10_000, seen, seen / 10 * share)]));
            prop_assert!(more.margin <= fewer.margin);
        }
    }
}
