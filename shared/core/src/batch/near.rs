//! How near each of a group is to a place, a step at a time; see [`super::judge`].
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]

use wide::bytemuck::cast;
use wide::{f32x8, i16x16, i32x8, i64x4, u8x16, u16x16, u32x8, u64x4};

use crate::place::{FULL, SLOPES};

use super::block::{Group, LANES};
use super::judge::{Mask, Words};
use super::plan::{Reach, Spot};
use super::strip::{Upper, as_words, halves, product_of_low_halves, spread, square_of_low_half, strips, strips_mut};

/// In place of the root of what is beyond the radius: no root has so many bits.
const BEYOND: u16 = 0x7fff;

/// [`crate::place::nearness_bp`] of each of them who is within the radius, 0 of the others.
///
/// In two steps: a step that depends on its last one has to wait for it, and the shorter they are, the more strips are begun
/// in the meantime.
pub(super) fn nearness(
    from: [&[i32; LANES]; 3],
    spot: &Spot,
    reach: &Reach,
    who: &Mask,
    roots: &mut Words,
    near: &mut Words,
) {
    if reach.scale.up == 0 {
        roots_shifted::<false>(from, spot, reach, roots);
    } else {
        roots_shifted::<true>(from, spot, reach, roots);
    }
    nearness_at(roots, who, near);
}

/// The distances in 16 384ths of the radius, and [`BEYOND`].
#[inline(never)]
fn roots_shifted<const UP: bool>(from: [&[i32; LANES]; 3], spot: &Spot, reach: &Reach, roots: &mut Words) {
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
    let [xs, ys, zs] = from.map(|column| column.as_chunks::<8>().0.as_chunks::<2>().0);
    for (at, roots) in strips_mut(roots).iter_mut().enumerate() {
        let whole = [0, 1].map(|half| {
            let (even, odd) = squared([xs, ys, zs].map(|column| i32x8::new(column[at][half])), centre);
            let is_beyond = halves(cast(even.simd_gt(most)), cast(odd.simd_gt(most)));
            let shares = halves(scaled(even) >> 32_u32, scaled(odd));
            root(shares) | (cast::<_, i32x8>(is_beyond) & i32x8::splat(BEYOND.into()))
        });
        *roots = as_words(whole).to_array();
    }
}

#[inline(never)]
fn nearness_at(roots: &Words, who: &Mask, near: &mut Words) {
    let upper = Upper::new();
    let strips = strips(roots).iter().zip(strips(who)).zip(strips_mut(near));
    for ((roots, who), near) in strips {
        let roots = u16x16::new(*roots);
        let within = roots.simd_ne(u16x16::splat(BEYOND)) & spread(u8x16::new(*who));
        *near = (near_of(upper, roots) & within).to_array();
    }
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

/// The nearness at so many 16 384ths of the radius.
#[inline]
fn near_of(upper: Upper, roots: u16x16) -> u16x16 {
    let splat = u16x16::splat;
    let [a, b, c, d] = SLOPES.map(splat);
    let part = roots << 3_u32;
    let slope = b - upper.of(part, a);
    let slope = c - upper.of(part, slope);
    let left = splat(FULL) - upper.of(upper.of(part, d - upper.of(part, slope)), splat(FULL));
    // Beyond half of the radius, which is the 13th bit, half is left of it.
    let beyond = (roots >> 13_u32).simd_ne(splat(0));
    let halved = ((left + splat(1)) >> 1_u32) & beyond;
    (left - halved + splat(2)) >> 2_u32
}

/// Keeps the nearer place and its moment, and of two as near the later one.
#[inline(never)]
pub(super) fn better(near: &Words, told: &Words, best: &mut Words, moments: &mut Words) {
    for lane in 0..LANES {
        let is_better = (near[lane] != 0) & (near[lane] >= best[lane]);
        let better = u16::from(is_better).wrapping_neg();
        best[lane] = near[lane] & better | best[lane] & !better;
        moments[lane] = told[lane] & better | moments[lane] & !better;
    }
}

/// Those at home in one of the areas.
#[inline(never)]
pub(super) fn living_in(areas: u8, group: &Group<'_>, home: &Mask) -> Mask {
    if areas == 0b1111 {
        return *home;
    }
    let mut from = [0; LANES];
    for each in (0..4).filter(|each| areas >> each & 1 != 0) {
        for lane in 0..LANES {
            from[lane] |= home[lane] & u8::from(group.area[lane] & 0b11 == each).wrapping_neg();
        }
    }
    from
}

#[inline(never)]
pub(super) fn distances(from: [&[i32; LANES]; 3], spot: &Spot, far: &mut [i64; LANES]) {
    let centre = spot.centre.map(i32x8::splat);
    let columns = from.map(|column| column.as_chunks::<8>().0);
    for (at, far) in far.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (even, odd) = squared(columns.map(|column| i32x8::new(column[at])), centre);
        let pairs = even.to_array().into_iter().zip(odd.to_array());
        for (far, (even, odd)) in far.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            *far = [even, odd];
        }
    }
}

/// Marks who arrives before it is over.
#[inline(never)]
pub(super) fn in_time(reach: &Reach, who: &Mask, near: &Words, far: &[i64; LANES], useful: &mut Mask) {
    let mut timely = [if reach.nearest_in_time { 255 } else { 0 }; LANES];
    for &cut in &reach.cuts {
        let cut = i64::try_from(cut).unwrap_or(i64::MAX);
        for lane in 0..LANES {
            timely[lane] ^= u8::from(far[lane] > cut).wrapping_neg();
        }
    }
    for lane in 0..LANES {
        useful[lane] |= u8::from(near[lane] != 0).wrapping_neg() & timely[lane] & who[lane];
    }
}

/// The whole root below 2^28, else 16 383 or what is next to it. The float is a guess, one too many at the most, and the
/// integers decide: so it is the same on every machine.
#[inline]
fn root(shares: u32x8) -> i32x8 {
    let shares: i32x8 = cast(shares.min(u32x8::splat((1 << 28) - 1)));
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
                (1 << 28) - 1,
            ];
            let roots = root(cast([shares, shares])).to_array();
            let whole = i32::from(whole);
            assert_eq!(roots[..4], [whole, whole, whole, 16_383]);
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
