//! What is left of purchases by their months: a table of sixteen months is a register, which answers for sixteen people at once.

use wide::bytemuck::cast;
use wide::{i8x32, u8x16, u8x32, u16x16};

use super::block::{Group, LANES};
use super::judge::{Mask, Words, latest};
use super::strip::{LOOKS_UP, STRIP, strips_mut, widen};

/// Sixteen months: the lower and the upper bytes of what is left, each twice, as a register looks up in two halves.
type Span = [i8x32; 2];

/// What is left of a purchase in basis points, by how many months ago it was.
pub(super) struct Fading {
    /// The month of now as columns have months: plus one.
    now: u8,
    /// From this month on, as far as something is left, and four at the least.
    spans: Vec<Span>,
    /// The same month by month, for processors that cannot look up in a register.
    months: [u16; 256],
}

impl Fading {
    /// From what is left after so many days, of which a month has 30.
    pub(super) fn of(month: u8, left: impl Fn(u32) -> u16) -> Self {
        let ages = (0..=u32::from(month)).map(|age| left(age * 30));
        let mut by_age: Vec<u16> = ages.take_while(|left| *left > 0).collect();
        let mut each = [0; 256];
        for (each, left) in each.iter_mut().zip(&by_age) {
            *each = *left;
        }
        by_age.resize(by_age.len().max(4 * STRIP).next_multiple_of(STRIP), 0);
        let (spans, _) = by_age.as_chunks::<STRIP>();
        let span = |months: &[u16; STRIP]| {
            let bytes = months.map(u16::to_le_bytes);
            [bytes.map(|[lower, _]| lower), bytes.map(|[_, upper]| upper)].map(|half| cast([half, half]))
        };
        Self {
            now: month.saturating_add(1),
            spans: spans.iter().map(span).collect(),
            months: each,
        }
    }

    /// As many of them as there may be purchases in, if the first of all was in that month plus one.
    fn since(&self, first: u8) -> &[Span] {
        let count = usize::from(self.now.saturating_sub(first)) / STRIP + 1;
        self.spans.get(..count).unwrap_or(&self.spans)
    }

    /// As [`faded`], which it is half as fast as.
    fn one_by_one(&self, last: &Mask, most: &mut Words) {
        for (month, most) in last.iter().zip(most) {
            let age = self.now.saturating_sub(*month);
            let left = self.months.get(usize::from(age)).filter(|_| *month != 0);
            *most = (*most).max(left.copied().unwrap_or(0));
        }
    }
}

/// What is left of the purchase that faded least: of those that fade alike, the latest.
pub(super) fn bought(group: &Group<'_>, complements: &[(Vec<usize>, Fading)], readable: &Mask, most: &mut Words) {
    *most = [0; LANES];
    for (categories, fading) in complements {
        let last = latest(group, categories, readable);
        if !LOOKS_UP {
            fading.one_by_one(&last, most);
            continue;
        }
        let spans = fading.since(group.bounds.first_purchase);
        match (spans.first_chunk::<2>(), spans.first_chunk::<3>()) {
            (Some(two), None) => faded(&last, fading.now, two, most),
            (_, Some(three)) if spans.len() == 3 => faded(&last, fading.now, three, most),
            _ => faded(&last, fading.now, spans, most),
        }
    }
}

/// What is left of the purchases of those months plus one, if it is more; nothing where there was none.
#[inline]
fn faded(last: &Mask, now: u8, spans: &[Span], most: &mut Words) {
    let (last, _) = last.as_chunks::<{ 2 * STRIP }>();
    let (most, _) = strips_mut(most).as_chunks_mut::<2>();
    for (last, most) in last.iter().zip(most) {
        let months = u8x32::new(*last);
        let never = months.simd_eq(u8x32::splat(0));
        let mut age = u8x32::splat(now).saturating_sub(months) | never;
        let (mut low, mut high) = (i8x32::splat(0), i8x32::splat(0));
        for [lower, upper] in spans {
            // Beyond the sixteen it tells nothing.
            low |= lower.swizzle_half(age.cast_signed());
            high |= upper.swizzle_half(age.cast_signed());
            age -= u8x32::splat(16);
        }
        let (low, high): ([u8x16; 2], [u8x16; 2]) = (cast(low), cast(high));
        for ((low, high), most) in low.into_iter().zip(high).zip(most) {
            let left = widen(low) | (widen(high) << 8_u32);
            *most = left.max(u16x16::new(*most)).to_array();
        }
    }
}
