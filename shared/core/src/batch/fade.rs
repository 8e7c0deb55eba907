//! What is left of purchases by their months: a table of sixteen months is a register, which answers for a strip at once.

use wide::u8x32;

use super::block::Group;
use super::strip::{
    Bytes, LOOKS_UP, NOBODY, NOTHING, Pair, STRIPS, WordTable, Words, all_ahead, in_strip_order, joined, line_ahead,
    most_of,
};

/// How many months a table answers for.
const MONTHS: usize = 16;
/// What is left of a purchase in basis points, by how many months ago it was.
pub(super) struct Fading {
    /// The month of now as columns have months: plus one.
    now: u8,
    /// From this month on, as far as something is left, and four at the least.
    spans: Vec<WordTable>,
    /// The same month by month, for processors that cannot look up in a register.
    months: [u16; 256],
}

impl Fading {
    /// From what is left in a month of what was bought in another.
    pub(super) fn of(month: u8, left: impl Fn(u8) -> u16) -> Self {
        let ages = (0..=month).map(|age| left(month - age));
        let mut by_age: Vec<u16> = ages.take_while(|left| *left > 0).collect();
        let mut each = [0; 256];
        for (each, left) in each.iter_mut().zip(&by_age) {
            *each = *left;
        }
        by_age.resize(by_age.len().max(4 * MONTHS).next_multiple_of(MONTHS), 0);
        let (spans, _) = by_age.as_chunks::<MONTHS>();
        Self {
            now: month.saturating_add(1),
            spans: spans.iter().map(|months| WordTable::of(months)).collect(),
            months: each,
        }
    }

    /// As many of them as there may be purchases in, if the first of all was in that month plus one.
    fn since(&self, first: u8) -> &[WordTable] {
        let count = usize::from(self.now.saturating_sub(first)) / MONTHS + 1;
        self.spans.get(..count).unwrap_or(&self.spans)
    }

    /// What is left of the purchases of those months plus one, and nothing where there was none.
    #[inline]
    fn left<const IS_FIRST: bool>(&self, months: &Bytes, next: &Bytes, first: u8, most: &mut Words) {
        let spans = self.since(first);
        if !LOOKS_UP {
            all_ahead(next);
            return self.one_by_one::<IS_FIRST>(months, most);
        }
        // What was never bought is as old as what was bought in the month before the first: the spans may end before.
        let is_beyond = spans.len() * MONTHS <= usize::from(self.now);
        match (spans.first_chunk::<2>(), spans.first_chunk::<3>()) {
            (Some(two), None) if is_beyond => faded::<IS_FIRST, false>(months, next, self.now, two, most),
            (_, Some(three)) if is_beyond && spans.len() == 3 => {
                faded::<IS_FIRST, false>(months, next, self.now, three, most);
            }
            _ => faded::<IS_FIRST, true>(months, next, self.now, spans, most),
        }
    }

    /// As [`faded`], which it is half as fast as.
    #[inline(never)]
    fn one_by_one<const IS_FIRST: bool>(&self, months: &Bytes, most: &mut Words) {
        for (months, most) in months.iter().zip(most) {
            let left = months.to_array().map(|month| {
                let age = self.now.saturating_sub(month);
                let left = self.months.get(usize::from(age)).filter(|_| month != 0);
                left.copied().unwrap_or(0)
            });
            keep::<IS_FIRST>(most, in_strip_order(left));
        }
    }
}

/// What is left of the purchase that faded least: of those that fade alike, the latest.
#[inline(never)]
pub(super) fn bought(
    [group, next]: &[Group<'_>; 2],
    complements: &[(Vec<usize>, Fading)],
    last: &mut Bytes,
    most: &mut Words,
) {
    let first = group.bounds.first_purchase;
    let mut is_first = true;
    for (categories, fading) in complements {
        let (months, next) = latest(group, next, categories, last);
        if is_first {
            fading.left::<true>(months, next, first, most);
        } else {
            fading.left::<false>(months, next, first, most);
        }
        is_first = false;
    }
    if is_first {
        *most = [NOTHING; STRIPS];
    }
}

/// What is left of the latest purchase in one of the categories.
#[inline(never)]
pub(super) fn latest_left(
    [group, next]: &[Group<'_>; 2],
    categories: &[usize],
    fading: &Fading,
    last: &mut Bytes,
    left: &mut Words,
) {
    let (months, next) = latest(group, next, categories, last);
    fading.left::<true>(months, next, group.bounds.first_purchase, left);
}

/// The month of the latest purchase in one of the categories, and what the next group will be asked for.
#[inline]
fn latest<'a>(
    group: &Group<'a>,
    next: &Group<'a>,
    categories: &[usize],
    last: &'a mut Bytes,
) -> (&'a Bytes, &'a Bytes) {
    let Some((first, rest)) = categories.split_first() else {
        *last = [NOBODY; STRIPS];
        return (last, last);
    };
    let (months, following) = (group.bought(*first), next.bought(*first));
    if rest.is_empty() {
        return (months, following);
    }
    *last = *months;
    latest_of_several(group, next, rest, last);
    (last, following)
}

#[inline(never)]
fn latest_of_several(group: &Group<'_>, next: &Group<'_>, categories: &[usize], last: &mut Bytes) {
    for &category in categories {
        let (column, next) = (group.bought(category), next.bought(category));
        for (at, (last, month)) in last.iter_mut().zip(column).enumerate() {
            line_ahead(next, at);
            *last = last.max(*month);
        }
    }
}

/// What is left by the spans, if it is more.
#[inline]
fn faded<const IS_FIRST: bool, const IS_MASKED: bool>(
    months: &Bytes,
    next: &Bytes,
    now: u8,
    spans: &[WordTable],
    most: &mut Words,
) {
    for (at, (months, most)) in months.iter().zip(most).enumerate() {
        line_ahead(next, at);
        let mut age = u8x32::splat(now).saturating_sub(*months);
        let (mut low, mut high) = (NOBODY, NOBODY);
        for WordTable { lower, upper } in spans {
            // Beyond the sixteen it tells nothing.
            low |= lower.within(age);
            high |= upper.within(age);
            age -= u8x32::splat(16);
        }
        if IS_MASKED {
            let was_bought = !months.simd_eq(NOBODY);
            (low, high) = (low & was_bought, high & was_bought);
        }
        keep::<IS_FIRST>(most, joined(low, high));
    }
}

#[inline]
fn keep<const IS_FIRST: bool>(most: &mut Pair, left: Pair) {
    *most = if IS_FIRST { left } else { most_of(*most, left) };
}
