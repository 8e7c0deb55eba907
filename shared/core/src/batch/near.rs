//! How near each of a group is to a place, a step at a time; see [`super::judge`].
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]

use wide::bytemuck::cast;
use wide::{f32x8, i16x16, i32x8, i64x4, u8x32, u16x16, u64x4};

use crate::place::{FULL, SLOPES};

use super::block::LANES;
use super::plan::{Reach, Spot};
use super::strip::{
    EVERYBODY, Figures, NOBODY, Pair, STRIP, Upper, Words, ahead, as_words, each, halves, last_upper, narrow_mask,
    product_of_low_halves, square_of_low_half,
};

/// In place of the root of what is beyond the radius: no root has so many bits.
const BEYOND: u16 = 0x7fff;

/// Where the homes of a group are, of those who have one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Homes {
    /// All within the radius.
    Within,
    /// All beyond it.
    Beyond,
    /// Each as they are.
    Mixed,
}

impl Homes {
    /// By the least and the most of each component.
    pub(super) fn of(homes: [(i32, i32); 3], spot: &Spot, reach: &Reach) -> Self {
        let (mut nearest, mut farthest) = (0_u64, 0_u64);
        for ((least, most), centre) in homes.into_iter().zip(spot.centre) {
            if least > most {
                return Self::Beyond;
            }
            let [low, high] = [centre.abs_diff(least), centre.abs_diff(most)].map(|apart| u64::from(apart).pow(2));
            farthest += low.max(high);
            nearest += if (least..=most).contains(&centre) {
                0
            } else {
                low.min(high)
            };
        }
        if farthest <= reach.squared {
            Self::Within
        } else if nearest > reach.squared {
            Self::Beyond
        } else {
            Self::Mixed
        }
    }
}

/// The distances in 16 384ths of the radius, or [`BEYOND`], which is not looked for where all are `WITHIN`.
#[inline(never)]
pub(super) fn roots<const WITHIN: bool>(
    from: [&Figures; 3],
    next: [&Figures; 3],
    spot: &Spot,
    reach: &Reach,
    roots: &mut Words,
) {
    if reach.scale.up == 0 {
        roots_shifted::<WITHIN, false>(from, next, spot, reach, roots);
    } else {
        roots_shifted::<WITHIN, true>(from, next, spot, reach, roots);
    }
}

#[inline]
fn roots_shifted<const WITHIN: bool, const UP: bool>(
    from: [&Figures; 3],
    next: [&Figures; 3],
    spot: &Spot,
    reach: &Reach,
    roots: &mut Words,
) {
    let centre = spot.centre.map(i32x8::splat);
    let most = i64x4::splat(i64::try_from(reach.squared).unwrap_or(i64::MAX));
    let factor = u64x4::splat(reach.factor.into());
    let scaled = |squared: i64x4| {
        let squared: u64x4 = cast(squared);
        // One of the two shifts is by nothing.
        let scaled = if UP {
            squared << reach.scale.up
        } else {
            squared >> reach.scale.down
        };
        product_of_low_halves(scaled, factor)
    };
    for (at, roots) in roots.iter_mut().enumerate() {
        for column in next {
            ahead(&column[at][0]);
            ahead(&column[at][2]);
        }
        let quarter = |which: usize| {
            let (even, odd) = squared(from.map(|column| column[at][which]), centre);
            let roots = root(cast(halves(scaled(even) >> 32_u32, scaled(odd))));
            if WITHIN {
                return roots;
            }
            let is_beyond = halves(cast(even.simd_gt(most)), cast(odd.simd_gt(most)));
            cast::<_, i32x8>(is_beyond).select(i32x8::splat(BEYOND.into()), roots)
        };
        *roots = as_words([quarter(0), quarter(1), quarter(2), quarter(3)]);
    }
}

/// [`crate::place::nearness_bp`] of each of a strip, and who of them is beyond the radius. Theirs means nothing.
#[inline]
pub(super) fn nearness(upper: Upper, roots: Pair) -> (Pair, u8x32) {
    let is_beyond = roots.map(|roots| roots.simd_eq(u16x16::splat(BEYOND)));
    (near_within(upper, roots), narrow_mask(is_beyond))
}

/// The same where all are within.
#[inline]
pub(super) fn near_within(upper: Upper, roots: Pair) -> Pair {
    // At the radius itself it may be the next one.
    roots.map(|roots| near_of(upper, roots.min(u16x16::splat((1 << 14) - 1))))
}

/// [`crate::place::squared_chord`] of the even and of the odd lanes. The difference of two opposite places may wrap, to
/// a distance that is as far beyond every radius.
#[inline]
fn squared(places: [i32x8; 3], centre: [i32x8; 3]) -> (i64x4, i64x4) {
    let [x, y, z] = [0, 1, 2].map(|axis| {
        let apart: u64x4 = cast(places[axis] - centre[axis]);
        let odd = apart >> 32_u32;
        (square_of_low_half(apart), square_of_low_half(odd))
    });
    (x.0 + y.0 + z.0, x.1 + y.1 + z.1)
}

/// The nearness at so many 16 384ths of the radius. No difference is below 0: they saturate because the compiler would keep plain
/// ones in 32 bits, see [`Upper`].
#[inline]
fn near_of(upper: Upper, roots: u16x16) -> u16x16 {
    let splat = u16x16::splat;
    let [a, b, c, d] = SLOPES.map(splat);
    let part = roots << 3_u32;
    let slope = b.saturating_sub(last_upper(part, a));
    let slope = c.saturating_sub(last_upper(part, slope));
    let slope = d.saturating_sub(last_upper(part, slope));
    let left = splat(FULL).saturating_sub(last_upper(upper.of(part, slope), splat(FULL)));
    // Beyond half of the radius, which is the 13th bit, half is left of it.
    let beyond = (roots >> 13_u32).simd_ne(splat(0));
    let halved = ((left + splat(1)) >> 1_u32) & beyond;
    (left - halved + splat(2)) >> 2_u32
}

/// Those at home in one of the areas.
#[inline]
pub(super) fn living_in(areas: u8, area: u8x32, home: u8x32) -> u8x32 {
    if areas == 0b1111 {
        return home;
    }
    let area = area & u8x32::splat(0b11);
    let lives = (0..4).filter(|each| areas >> each & 1 != 0);
    home & lives.fold(NOBODY, |lives, each| lives | area.simd_eq(u8x32::splat(each)))
}

#[inline(never)]
pub(super) fn distances(from: [&Figures; 3], spot: &Spot, far: &mut [i64; LANES]) {
    let centre = spot.centre.map(i32x8::splat);
    let columns = from.map(|column| column.as_flattened());
    for (at, far) in far.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (even, odd) = squared(columns.map(|column| column[at]), centre);
        let pairs = even.to_array().into_iter().zip(odd.to_array());
        for (far, (even, odd)) in far.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            *far = [even, odd];
        }
    }
}

/// Who arrives before it is over, if they come at all.
#[inline]
pub(super) fn in_time(reach: &Reach, far: &[i64; STRIP]) -> u8x32 {
    let timely = if reach.nearest_in_time { EVERYBODY } else { NOBODY };
    reach.cuts.iter().fold(timely, |timely, cut| {
        let cut = i64::try_from(*cut).unwrap_or(i64::MAX);
        timely ^ each(|lane| far[lane] > cut)
    })
}

/// The whole root of up to 2^28. The float is a guess, one too many at the most, and the integers decide: so it is the same on
/// every machine. Of more, or of less than nothing, it means nothing.
#[inline]
fn root(shares: i32x8) -> i32x8 {
    let guess = f32x8::from_i32x8(shares).sqrt().fast_round_int();
    // Of a guess, which has 15 bits, the other half of the 32 is 0.
    let halves: i16x16 = cast(guess);
    guess + halves.dot(halves).simd_gt(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It never falls as the share grows, so that the ends of each stretch tell all of it.
    #[test]
    fn the_root_is_that_of_the_integers_at_every_square() {
        for whole in 0..1_u16 << 14 {
            let square = u32::from(whole) * u32::from(whole);
            let shares = [
                square,
                square + u32::from(whole),
                square + 2 * u32::from(whole),
                1 << 28,
            ];
            let roots = root(cast([shares, shares])).to_array();
            let whole = i32::from(whole);
            assert_eq!(roots[..4], [whole, whole, whole, 1 << 14]);
        }
    }

    #[test]
    fn each_nearness_is_that_of_one_person() {
        for root in 0..1 << 14 {
            let near = near_of(Upper::new(), u16x16::splat(root)).to_array();
            assert_eq!(near, [crate::place::nearness_bp(root.into()); 16], "{root}");
        }
    }
}
