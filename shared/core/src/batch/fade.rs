//! What is left of purchases by their months: a table of sixteen months is a register, which answers for sixteen people at once.
#![expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]

use wide::{u8x16, u16x16};

use super::block::{Group, LANES};
use super::judge::{Mask, Words};
use super::strip::{STRIP, strips, strips_mut, widen};

/// What is left of a purchase in basis points, by how many months ago it was.
pub(super) struct Fading {
    /// The month of now as columns have months: plus one.
    now: u8,
    /// The lower and the upper bytes of sixteen months, from this one on, as far as something is left.
    years: Vec<[u8x16; 2]>,
}

impl Fading {
    /// From what is left after so many days, of which a month has 30.
    pub(super) fn of(month: u8, left: impl Fn(u32) -> u16) -> Self {
        let by_age: Vec<u16> = (0..=u32::from(month)).map(|age| left(age * 30)).take_while(|left| *left > 0).collect();
        let years = by_age.chunks(STRIP).map(|ages| {
            let byte = |which: usize| {
                u8x16::new(std::array::from_fn(|at| {
                    ages.get(at).map_or(0, |left| left.to_le_bytes()[which])
                }))
            };
            [byte(0), byte(1)]
        });
        Self {
            now: month.saturating_add(1),
            years: years.collect(),
        }
    }

    /// As many years as there may be purchases in, if the first of all was in that month plus one.
    fn since(&self, first: u8) -> &[[u8x16; 2]] {
        let count = usize::from(self.now.saturating_sub(first)) / STRIP + 1;
        self.years.get(..count).unwrap_or(&self.years)
    }

    /// What is left of the purchases of those months plus one; nothing where there was none.
    #[inline]
    fn left(&self, years: &[[u8x16; 2]], months: u8x16) -> u16x16 {
        let never = months.simd_eq(u8x16::splat(0));
        let mut age = u8x16::splat(self.now).saturating_sub(months) | never;
        let (mut low, mut high) = (u8x16::splat(0), u8x16::splat(0));
        for year in years {
            // Beyond the sixteen it tells nothing.
            low |= year[0].shuffle_zeroing(age);
            high |= year[1].shuffle_zeroing(age);
            age -= u8x16::splat(16);
        }
        widen(low) | (widen(high) << 8_u32)
    }
}

/// What is left of the purchase that faded least: of those that fade alike, the latest.
#[inline(never)]
pub(super) fn bought(group: &Group<'_>, complements: &[(Vec<usize>, Fading)], readable: &Mask, most: &mut Words) {
    *most = [0; LANES];
    let (readable, most) = (strips(readable), strips_mut(most));
    for (categories, fading) in complements {
        let years = fading.since(group.bounds.first_purchase);
        for at in 0..LANES / STRIP {
            let latest = categories.iter().fold(u8x16::splat(0), |latest, category| {
                latest.max(u8x16::new(strips(group.bought(*category))[at]))
            });
            let left = fading.left(years, latest & u8x16::new(readable[at]));
            most[at] = left.max(u16x16::new(most[at])).to_array();
        }
    }
}
