//! How near each of a group is to a place, a step at a time; see [`super::judge`].
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
#![expect(
    clippy::needless_range_loop,
    reason = "a lane is one of many columns, and zipping them hides which"
)]

use wide::{u8x16, u16x16};

use crate::place::{FULL, SLOPES};

use super::block::{Group, LANES};
use super::judge::{Mask, Words};
use super::plan::{Reach, Spot};
use super::strip::{spread, strips, strips_mut, Upper};

/// What is beyond the radius.
const BEYOND: u32 = u32::MAX;

/// [`crate::place::Scale::squared_share`] of the distance of each within the radius.
pub(super) fn shares(from: [&[i32; LANES]; 3], spot: &Spot, reach: &Reach, shares: &mut [u32; LANES]) {
    if reach.scale.up == 0 {
        shares_shifted::<false>(from, spot, reach, shares);
    } else {
        shares_shifted::<true>(from, spot, reach, shares);
    }
}

#[inline(never)]
fn shares_shifted<const UP: bool>(from: [&[i32; LANES]; 3], spot: &Spot, reach: &Reach, shares: &mut [u32; LANES]) {
    let most = i64::try_from(reach.squared).unwrap_or(i64::MAX);
    for lane in 0..LANES {
        let squared = squared(from, spot, lane);
        let scaled = squared.cast_unsigned();
        // One of the two shifts is by nothing.
        let scaled = if UP {
            scaled << reach.scale.up
        } else {
            scaled >> reach.scale.down
        } & u64::from(u32::MAX);
        let share = u32::try_from((scaled * u64::from(reach.factor)) >> 32).unwrap_or(BEYOND);
        shares[lane] = if squared > most { BEYOND } else { share };
    }
}

/// [`crate::place::squared_chord`]. The difference of two opposite places may wrap, to a distance that is as far beyond every
/// radius.
#[inline]
fn squared([xs, ys, zs]: [&[i32; LANES]; 3], spot: &Spot, lane: usize) -> i64 {
    let [x, y, z] = spot.centre;
    let square = |component: i32, centre: i32| {
        let apart = i64::from(component.wrapping_sub(centre));
        apart * apart
    };
    square(xs[lane], x)
        .wrapping_add(square(ys[lane], y))
        .wrapping_add(square(zs[lane], z))
}

/// [`crate::place::nearness_bp`] of each of them who is within the radius, 0 of the others.
#[inline(never)]
pub(super) fn nearness(shares: &[u32; LANES], who: &Mask, roots: &mut Words, near: &mut Words) {
    for lane in 0..LANES {
        roots[lane] = if shares[lane] == BEYOND {
            u16::MAX
        } else {
            root(shares[lane])
        };
    }
    let (splat, upper) = (u16x16::splat, Upper::new());
    let strips = strips(roots).iter().zip(strips(who)).zip(strips_mut(near));
    for ((roots, who), near) in strips {
        let roots = u16x16::new(*roots);
        let within = roots.simd_ne(splat(u16::MAX)) & spread(u8x16::new(*who));
        *near = (near_of(upper, roots) & within).to_array();
    }
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
    for lane in 0..LANES {
        far[lane] = squared(from, spot, lane);
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
#[expect(clippy::as_conversions, reason = "no From leads from 32 bits to a float")]
fn root(share: u32) -> u16 {
    // Adding 2^23 leaves the nearest whole number in the last bits.
    let guess = ((share.min((1 << 28) - 1) as i32 as f32).sqrt() + 8_388_608.0).to_bits() & 0x7f_ffff;
    let [low, high, ..] = (if guess * guess > share { guess - 1 } else { guess }).to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It never falls as the share grows, so that the ends of each stretch tell all of it.
    #[test]
    fn the_root_is_that_of_the_integers_at_every_square() {
        for whole in 0..1 << 14 {
            let square = u32::from(whole) * u32::from(whole);
            assert_eq!(root(square), whole);
            assert_eq!(root(square + 2 * u32::from(whole)), whole);
            assert_eq!(root(square + u32::from(whole)), whole);
        }
        assert_eq!(root((1 << 28) - 1), 16_383);
    }

    #[test]
    fn each_nearness_is_that_of_one_person() {
        for root in 0..1 << 14 {
            let near = near_of(Upper::new(), u16x16::splat(root)).to_array();
            assert_eq!(near, [crate::place::nearness_bp(root.into()); 16], "{root}");
        }
    }
}
