//! Divisions by the known weight in 16 bits, by multiplication with its inverse. Weights are whole fifths: the hundred of them
//! is 20.
//!
//! An inverse is 2^(16 + shift) over the known weight in percent, rounded up; a shift belongs to the weights of a goal.

use crate::place::upper;

/// The greatest shift with which every inverse has 16 bits: the least weight is known whenever another one is.
pub(super) const fn shift_of(least: u16) -> u32 {
    (least * 5).ilog2()
}

/// 2^(16 + shift) over a weight.
pub(super) fn inverse_of(weight: u16, shift: u32) -> u16 {
    let inverse = (1u32 << (16 + shift)).div_ceil(u32::from(weight) * 5);
    u16::try_from(inverse).unwrap_or(u16::MAX)
}

/// By which an inverse is multiplied to give 65 536 over the weight in fifths.
pub(super) const fn fifths_of(shift: u32) -> u16 {
    5 << (16 - shift)
}

/// Above which value its product with a weight has more than 16 bits.
pub(super) fn most_of(weight: u16) -> i16 {
    i16::try_from(u16::MAX / weight.max(1)).unwrap_or(i16::MAX)
}

/// An eighth of weight times value, rounded down, from the last 16 bits of the product: it has 17 at the most.
#[inline]
pub(super) fn eighth_of(product: u16, value: u16, most: i16) -> u16 {
    let is_more = u16::from(value.cast_signed() > most).wrapping_neg();
    (product >> 3) + (is_more & (1 << 13))
}

/// The byte of a contribution, from its eighth.
#[inline]
pub(super) const fn byte_of(eighth: u16, inverse: u16, shift: u32) -> u8 {
    let [byte, _] = (upper(eighth, inverse) >> shift).to_le_bytes();
    byte
}

/// A quotient that is some too low, from the eighths of its parts; `inverse` is 65 536 over the weight, give or take one.
#[inline]
pub(super) const fn guess_of(eighths: u16, inverse: u16) -> u16 {
    upper(eighths << 1, (inverse - 1) << 2)
}

/// The whole quotient of a sum of weights times values by their weight, from a guess and the last 16 bits of the sum.
#[inline]
pub(super) const fn corrected(guess: u16, sum: u16, weight: u16, inverse: u16) -> u16 {
    let rest = sum.wrapping_sub(guess.wrapping_mul(weight));
    guess + upper(rest, inverse + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Goal;
    use crate::relevance::{Factor, weight};

    /// The weights of a goal in fifths, and each set of them that may be known, with the least of those.
    fn known() -> impl Iterator<Item = ([u16; 5], u16, u16)> {
        Goal::ALL.into_iter().flat_map(|goal| {
            let weights = Factor::ALL.map(|factor| u16::try_from(weight(goal, factor)).unwrap() / 5);
            [0, weights[0]].into_iter().flat_map(move |place| {
                (0..8).map(move |set| {
                    let others = [(1, 2), (2, 3), (4, 4)];
                    let others = others.into_iter().filter(|(bit, _)| set & bit != 0);
                    let sure = place + weights[1];
                    (weights, sure, sure + others.map(|(_, at)| weights[at]).sum::<u16>())
                })
            })
        })
    }

    #[test]
    fn each_byte_of_a_contribution_is_that_of_the_division() {
        for (weights, sure, all) in known() {
            let shift = shift_of(sure);
            let inverse = inverse_of(all, shift);
            for weight in weights {
                for value in 0..=10_000u16 {
                    let exact = u32::from(weight) * u32::from(value) / u32::from(all) / 40;
                    // A factor weighs no more than all that is known.
                    if weight <= all {
                        let product = value.wrapping_mul(weight);
                        let byte = byte_of(eighth_of(product, value, most_of(weight)), inverse, shift);
                        assert_eq!(u32::from(byte), exact, "{weight} × {value} ÷ {all}");
                    }
                }
            }
        }
    }

    /// Each of five parts may have lost up to seven eighths.
    #[test]
    fn each_relevance_is_that_of_the_division() {
        let mut seen = Vec::new();
        for (_, sure, all) in known() {
            let shift = shift_of(sure);
            if seen.contains(&(shift, all)) {
                continue;
            }
            seen.push((shift, all));
            let inverse = upper(inverse_of(all, shift), fifths_of(shift));
            for sum in 0..=10_000 * u32::from(all) {
                let last = u16::try_from(sum & 0xffff).unwrap();
                let most = u16::try_from(sum / 8).unwrap();
                for lost in 0..=4.min(most) {
                    let quotient = corrected(guess_of(most - lost, inverse), last, all, inverse);
                    assert_eq!(u32::from(quotient), sum / u32::from(all), "{sum} ÷ {all}, {lost}");
                }
            }
        }
    }
}
