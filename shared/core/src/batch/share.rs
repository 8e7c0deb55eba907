//! Divisions by the known weight in 16 bits, by multiplication with its inverse. Weights are whole fifths: the hundred of them
//! is 20.
//!
//! An inverse is 2^(16 + shift) over the known weight in percent, rounded up; a shift belongs to the weights of a goal.

use wide::{u8x32, u16x16};

use super::strip::{Pair, Same, Upper, WordTable, last_upper};

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

/// A weight in fifths, ready to be multiplied by.
pub(super) struct Weight {
    whole: u16x16,
    /// Beside values times four, the upper half is an eighth of the product.
    eighth: Same,
}

/// What a factor adds over the whole weight.
pub(super) struct Part {
    /// In eighths, rounded down: the product has 18 bits at the most.
    pub(super) eighths: u16x16,
    /// The last 16 bits of the product.
    pub(super) product: u16x16,
}

impl Weight {
    pub(super) fn of(weight: u16) -> Self {
        Self {
            whole: u16x16::splat(weight),
            eighth: Same::new(weight << 11),
        }
    }

    /// Of values up to 10 000.
    #[inline]
    pub(super) fn times(&self, upper: Upper, strip: usize, values: u16x16) -> Part {
        Part {
            eighths: upper.of(values << 2_u32, self.eighth.at(strip)),
            product: values * self.whole,
        }
    }
}

/// The same of eight values, looked up; from the eighth on, they are 0.
pub(super) struct Levels {
    eighths: WordTable,
    products: WordTable,
}

impl Levels {
    /// Of values up to 10 000.
    pub(super) fn of(weight: u16, values: [u16; 8]) -> Self {
        let products = values.map(|value| u32::from(weight) * u32::from(value));
        let low = |product: u32| u16::try_from(product & 0xffff).unwrap_or(0);
        Self {
            eighths: WordTable::of(&products.map(|product| low(product / 8))),
            products: WordTable::of(&products.map(low)),
        }
    }

    /// By bytes below 16.
    #[inline]
    pub(super) fn at(&self, bytes: u8x32) -> [Part; 2] {
        let ([a, b], [c, d]): (Pair, Pair) = (self.eighths.at(bytes), self.products.at(bytes));
        [(a, c), (b, d)].map(|(eighths, product)| Part { eighths, product })
    }
}

/// The bytes of contributions, from their eighths.
#[inline]
pub(super) fn bytes_of(eighths: u16x16, inverse: u16x16, shift: u32) -> u16x16 {
    last_upper(eighths, inverse) >> shift
}

/// The whole quotients of sums of weights times values by their weights: a guess that is some too low, from the eighths of the
/// parts, and what the last 16 bits of the sum then say is missing. `over` is 65 536 over the weight, give or take one.
#[inline]
pub(super) fn quotient(upper: Upper, [eighths, sum]: [u16x16; 2], weight: u16x16, over: u16x16) -> u16x16 {
    let one = u16x16::splat(1);
    let guess = upper.of(eighths << 1_u32, (over - one) << 2_u32);
    guess + last_upper(sum - guess * weight, over + one)
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

    /// Sixteen figures from this one on.
    fn from(first: u16) -> u16x16 {
        u16x16::splat(first) + u16x16::new(std::array::from_fn(|at| u16::try_from(at).unwrap()))
    }

    #[test]
    fn each_byte_of_a_contribution_is_that_of_the_division() {
        let upper = Upper::new();
        for (weights, sure, all) in known() {
            let shift = shift_of(sure);
            let inverse = u16x16::splat(inverse_of(all, shift));
            // A factor weighs no more than all that is known.
            for weight in weights.into_iter().filter(|weight| *weight <= all) {
                for first in (0..10_000).step_by(16) {
                    let part = Weight::of(weight).times(upper, 0, from(first));
                    let bytes = bytes_of(part.eighths, inverse, shift).to_array();
                    for (value, byte) in (first..).zip(bytes) {
                        let exact = u32::from(weight) * u32::from(value) / u32::from(all) / 40;
                        assert_eq!(u32::from(byte), exact, "{weight} × {value} ÷ {all}");
                    }
                }
            }
        }
    }

    /// Each of five parts may have lost up to seven eighths.
    #[test]
    fn each_relevance_is_that_of_the_division() {
        let upper = Upper::new();
        let mut seen = Vec::new();
        for (_, sure, all) in known() {
            let shift = shift_of(sure);
            if seen.contains(&(shift, all)) {
                continue;
            }
            seen.push((shift, all));
            let over = upper.of(u16x16::splat(inverse_of(all, shift)), u16x16::splat(fifths_of(shift)));
            for first in (0..10_000 * u32::from(all)).step_by(16) {
                let last = from(u16::try_from(first & 0xffff).unwrap());
                let sums: [u32; 16] = std::array::from_fn(|at| first + u32::try_from(at).unwrap());
                let eighths = u16x16::new(sums.map(|sum| u16::try_from(sum / 8).unwrap()));
                for lost in 0..=4 {
                    let eighths = eighths.saturating_sub(u16x16::splat(lost));
                    let quotients = quotient(upper, [eighths, last], u16x16::splat(all), over).to_array();
                    for (sum, quotient) in sums.into_iter().zip(quotients) {
                        assert_eq!(u32::from(quotient), sum / u32::from(all), "{sum} ÷ {all}, {lost}");
                    }
                }
            }
        }
    }
}
