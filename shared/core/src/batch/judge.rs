//! The gates and the score, a group at a time, each as a loop over lanes without a branch where it can be. The steps are not
//! inlined: one function of all of them is more than the compiler turns into vectors, and half as fast.
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
#![expect(
    clippy::needless_range_loop,
    reason = "a lane is one of many columns, and zipping them hides which"
)]

use crate::affinity::{INTEREST_BP, RELATED_INTEREST_BP, TOPIC_BP};
use crate::audience::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING};
use crate::place::{Scale, faded_at, nearness_at};
use crate::reason::Reason;
use crate::suitability::OnUnknown;

use super::Verdicts;
use super::block::{ANY_INTEREST, ANY_PURCHASE, Block, Group, LANES};
use super::plan::{Plan, Reach, Spot, Tiers, UNKNOWN};
use super::rules::{Readable, holds};

pub(super) type Mask = [u8; LANES];

pub(super) fn mask(holds: impl Fn(usize) -> bool) -> Mask {
    let mut out = [0; LANES];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = u8::from(holds(lane)).wrapping_neg();
    }
    out
}

pub(super) fn either(a: &Mask, b: &Mask) -> Mask {
    mask(|lane| a[lane] | b[lane] != 0)
}

struct Scored {
    outcome: [u8; LANES],
    relevance: [u16; LANES],
    contributions: [[u8; LANES]; 5],
}

impl Plan<'_> {
    /// Judges everybody in the block. `held_out` is asked only for campaigns with a holdout, and of those who came as far.
    pub fn judge(&self, block: &Block, held_out: impl FnMut(usize) -> bool, verdicts: &mut Verdicts) {
        self.all::<true>(block, held_out, verdicts);
    }

    /// As [`judge`](Self::judge), without what each factor contributed: those bytes stay as they were.
    pub fn judge_without_contributions(
        &self,
        block: &Block,
        held_out: impl FnMut(usize) -> bool,
        verdicts: &mut Verdicts,
    ) {
        self.all::<false>(block, held_out, verdicts);
    }

    fn all<const EXPLAIN: bool>(
        &self,
        block: &Block,
        mut held_out: impl FnMut(usize) -> bool,
        verdicts: &mut Verdicts,
    ) {
        let people = block.len();
        let room = people.div_ceil(LANES) * LANES;
        verdicts.people = people;
        verdicts.outcomes.resize(room, 0);
        verdicts.relevance.resize(room, 0);
        verdicts
            .contributions
            .iter_mut()
            .for_each(|column| column.resize(room, u8::MAX));
        for (at, group) in block.groups.iter().take(people.div_ceil(LANES)).enumerate() {
            let first = at * LANES;
            let scored = self.group::<EXPLAIN>(group, (people - first).min(LANES), |lane| held_out(first + lane));
            verdicts.outcomes[first..first + LANES].copy_from_slice(&scored.outcome);
            verdicts.relevance[first..first + LANES].copy_from_slice(&scored.relevance);
            if EXPLAIN {
                for (column, bytes) in verdicts.contributions.iter_mut().zip(&scored.contributions) {
                    column[first..first + LANES].copy_from_slice(bytes);
                }
            }
        }
    }

    #[inline(never)]
    fn group<const EXPLAIN: bool>(&self, group: &Group, people: usize, held_out: impl FnMut(usize) -> bool) -> Scored {
        let mut scored = Scored {
            outcome: [self.closed; LANES],
            relevance: [0; LANES],
            contributions: [[u8::MAX; LANES]; 5],
        };
        if self.closed != 0 {
            return scored;
        }
        scored.outcome[people..].fill(u8::MAX);
        let outcome = &mut scored.outcome;
        self.wishes(group, outcome, held_out);
        if outcome.iter().all(|reason| *reason != 0) {
            return scored;
        }
        let (proximity, moments) = self.places(group, outcome);
        let readable = Readable {
            facts: allowed(group, crate::batch::plan::bit(crate::consent::DataPurpose::Profiling)),
            purchases: allowed(group, self.purchases),
            interests: allowed(group, self.interests),
        };
        self.suits(group, &readable, outcome);
        let mut met = [0u8; LANES];
        for category in &self.met {
            let column = &group.bought[*category];
            for lane in 0..LANES {
                met[lane] = met[lane].max(column[lane] & readable.purchases[lane]);
            }
        }
        close(outcome, Reason::AlreadyHas, |lane| u16::from(met[lane]) >= self.has);
        if outcome.contains(&0) {
            self.score::<EXPLAIN>(group, &readable, &met, &proximity, &moments, &mut scored);
        }
        scored
    }

    #[inline(never)]
    fn wishes(&self, group: &Group, outcome: &mut Mask, mut held_out: impl FnMut(usize) -> bool) {
        close(outcome, Reason::Objected, |lane| group.flags[lane] & NO_MARKETING != 0);
        if self.now < 0 {
            close(outcome, Reason::Paused, |_| true);
        }
        close(outcome, Reason::Paused, |lane| {
            group.paused_until[lane] > self.paused_above
        });
        let mut state = [0; LANES];
        if let Some((half, shift)) = self.topic {
            for lane in 0..LANES {
                let [bits, ..] = ((group.topics[half][lane] >> shift) & 0b111).to_le_bytes();
                state[lane] = bits;
            }
        }
        for lane in 0..LANES {
            let mut by = 0;
            for (each, reason) in (0..8).zip(self.states) {
                by = if state[lane] == each { reason } else { by };
            }
            outcome[lane] = if outcome[lane] == 0 { by } else { outcome[lane] };
        }
        close(outcome, Reason::ConsentExpired, |lane| {
            group.heard[lane].wrapping_sub(1) < self.lapsed_before
        });
        if let Some(segment) = self.segment {
            let seen = allowed(group, self.lifecycle);
            close(outcome, Reason::OutsideAudience, |lane| {
                seen[lane] == 0 || u32::from(segment) >> (group.life[lane] & 0b111) & 1 == 0
            });
        }
        if self.proposal.campaign.holdout.basis_points() > 0 {
            for (lane, outcome) in outcome.iter_mut().enumerate() {
                if *outcome == 0 && held_out(lane) {
                    *outcome = Reason::Holdout.byte();
                }
            }
        }
    }

    /// The proximity and the moment at the place that somebody would go to.
    #[inline(never)]
    fn places(&self, group: &Group, outcome: &mut Mask) -> ([u16; LANES], [u16; LANES]) {
        let hours = self.good_hours(group);
        let (mut best, mut moments) = ([0; LANES], [UNKNOWN; LANES]);
        if self.spots.is_empty() {
            if self.is_late {
                close(outcome, Reason::TooLate, |_| true);
            }
            return (best, self.moments.at(&hours));
        }
        let at_home = allowed(group, self.home);
        let home = mask(|lane| (at_home[lane] != 0) & (group.flags[lane] & HAS_HOME != 0));
        let mut here = [0; LANES];
        if self.here != 0 {
            let out = allowed(group, self.here);
            here = mask(|lane| {
                out[lane] != 0
                    && group.flags[lane] & HAS_CURRENT_PLACE != 0
                    && self.now < (i64::from(group.here_until[lane]) - 1) * 3_600
            });
        }
        close(outcome, Reason::PlaceUnknown, |lane| home[lane] | here[lane] == 0);
        let mut useful = [0; LANES];
        let wanders = here.iter().any(|lane| *lane != 0);
        for spot in &self.spots {
            let told = spot.moments.at(&hours);
            let mut go = |from: &[[i32; LANES]; 3], who: &Mask, reach: &Reach| {
                let squared = distances(from, spot);
                let inside = mask(|lane| (who[lane] != 0) & (squared[lane] <= reach.squared));
                let near = nearness(&squared, reach.scale);
                for lane in 0..LANES {
                    let is_better = (inside[lane] != 0) & (near[lane] >= best[lane]);
                    let better = u16::from(is_better).wrapping_neg();
                    best[lane] = near[lane] & better | best[lane] & !better;
                    moments[lane] = told[lane] & better | moments[lane] & !better;
                }
                let mut in_time = [if reach.nearest_in_time { 255 } else { 0 }; LANES];
                for &cut in &reach.cuts {
                    let beyond = mask(|lane| squared[lane] > cut);
                    for lane in 0..LANES {
                        in_time[lane] ^= beyond[lane];
                    }
                }
                for lane in 0..LANES {
                    useful[lane] |= inside[lane] & in_time[lane];
                }
            };
            if let [(_, reach)] = spot.from_home.as_slice() {
                go(&group.home, &home, reach);
            } else {
                for &(areas, ref reach) in &spot.from_home {
                    let from = mask(|lane| home[lane] != 0 && u32::from(areas) >> (group.area[lane] & 0b11) & 1 != 0);
                    go(&group.home, &from, reach);
                }
            }
            if wanders {
                go(&group.here, &here, &spot.from_here);
            }
        }
        close(outcome, Reason::TooFar, |lane| best[lane] == 0);
        close(outcome, Reason::TooLate, |lane| useful[lane] == 0);
        (best, moments)
    }

    /// The good hours that may be read, turned so that the stretch of now is the first. Most people of a group have one clock.
    #[inline(never)]
    fn good_hours(&self, group: &Group) -> Mask {
        let allowed = allowed(group, self.hours);
        let (mut least, mut most) = (u8::MAX, 0);
        for lane in 0..LANES {
            let nobody = u8::from(group.good_hours[lane] == 0).wrapping_neg();
            least = least.min(group.ahead[lane] | nobody);
            most = most.max(group.ahead[lane] & !nobody);
        }
        let mut turned = [0; LANES];
        if least >= most {
            let turn = u32::from(self.turns[usize::from(most)]);
            for lane in 0..LANES {
                turned[lane] = group.good_hours[lane].rotate_right(turn) & allowed[lane];
            }
        } else {
            for lane in 0..LANES {
                let turn = u32::from(self.turns[usize::from(group.ahead[lane])]);
                turned[lane] = group.good_hours[lane].rotate_right(turn) & allowed[lane];
            }
        }
        turned
    }

    #[inline(never)]
    fn suits(&self, group: &Group, readable: &Readable, outcome: &mut Mask) {
        let offer = self.proposal.offer;
        let rules = offer.rules.iter().map(|rule| (&rule.condition, rule.unknown));
        let needs = offer.needs.iter().map(|asked| (&asked.condition, OnUnknown::Exclude));
        for (condition, unknown) in rules.chain(needs) {
            let answer = holds(condition, self, group, readable);
            close(outcome, Reason::Unsuitable, |lane| answer.no[lane] != 0);
            if unknown == OnUnknown::Exclude {
                close(outcome, Reason::SuitabilityUnknown, |lane| answer.yes[lane] == 0);
            }
        }
    }

    #[inline(never)]
    fn score<const EXPLAIN: bool>(
        &self,
        group: &Group,
        readable: &Readable,
        met: &Mask,
        proximity: &[u16; LANES],
        moments: &[u16; LANES],
        scored: &mut Scored,
    ) {
        let affinity = self.affinity(group, readable, met);
        let (seen, measured) = (allowed(group, self.lifecycle), allowed(group, self.reaction));
        // In the order of the factors; a value that is not known is 0, and its weight does not count.
        let mut values = [*proximity, affinity, [0; LANES], [0; LANES], [0; LANES]];
        let has_place = if self.spots.is_empty() {
            [0; LANES]
        } else {
            [255; LANES]
        };
        let mut known = [has_place, [255; LANES], [0; LANES], [0; LANES], [0; LANES]];
        for lane in 0..LANES {
            let most = affinity[lane].max(proximity[lane]);
            values[2][lane] = if moments[lane] == UNKNOWN {
                0
            } else {
                moments[lane].min(most)
            };
            known[2][lane] = if moments[lane] == UNKNOWN { 0 } else { 255 };
        }
        for lane in 0..LANES {
            let mut fit = 0;
            for (each, fits) in (0..8).zip(self.fits) {
                fit = if group.life[lane] & 0b111 == each { fits } else { fit };
            }
            values[3][lane] = if seen[lane] == 0 { 0 } else { fit };
            known[3][lane] = seen[lane];
        }
        for lane in 0..LANES {
            let reaction = u16::from((group.life[lane] >> 3) & 0b111).min(5);
            let is_known = (measured[lane] != 0) & (reaction > 0);
            values[4][lane] = if is_known { reaction * 2_000 } else { 0 };
            known[4][lane] = if is_known { 255 } else { 0 };
        }
        let (mut sums, mut weights) = ([0u32; LANES], [0u32; LANES]);
        for factor in 0..5 {
            let weight = u32::from(self.weights[factor]);
            for lane in 0..LANES {
                sums[lane] += weight * u32::from(values[factor][lane]);
                weights[lane] += if known[factor][lane] == 0 { 0 } else { weight };
            }
        }
        let mut inverses = [0.0; LANES];
        let mut relevance = [0; LANES];
        for lane in 0..LANES {
            // The affinity is always known.
            inverses[lane] = inverse(weights[lane]);
            relevance[lane] = quotient(sums[lane], weights[lane], inverses[lane]);
        }
        let outcome = scored.outcome;
        for lane in 0..LANES {
            scored.relevance[lane] = if outcome[lane] == 0 { relevance[lane] } else { 0 };
        }
        if EXPLAIN {
            let told = mask(|lane| scored.outcome[lane] == 0);
            for factor in 0..5 {
                let weight = u32::from(self.weights[factor]);
                let (values, known) = (&values[factor], &known[factor]);
                let mut column = [0; LANES];
                for lane in 0..LANES {
                    let dividend = weight * u32::from(values[lane]);
                    let [byte, _] = quotient(dividend, weights[lane] * 40, inverses[lane] * 0.025).to_le_bytes();
                    let told = told[lane] & known[lane];
                    column[lane] = byte & told | !told;
                }
                scored.contributions[factor] = column;
            }
        }
        let campaign = self.proposal.campaign;
        let least = u32::from(campaign.minimum_evidence.basis_points());
        let threshold = campaign.threshold.basis_points();
        close(&mut scored.outcome, Reason::TooLittleKnown, |lane| {
            weights[lane] * 100 < least
        });
        close(&mut scored.outcome, Reason::BelowThreshold, |lane| {
            relevance[lane] < threshold
        });
        close(&mut scored.outcome, Reason::BelowOwnThreshold, |lane| {
            relevance[lane] < group.threshold[lane]
        });
    }

    #[inline(never)]
    fn affinity(&self, group: &Group, readable: &Readable, met: &Mask) -> [u16; LANES] {
        let mut halvings = [u32::MAX; LANES];
        let latest = u32::from(self.month) + 1;
        for &(category, fading) in &self.complements {
            let column = &group.bought[category];
            // Two loops: in one, the compiler stores under a mask instead of taking the lesser.
            let mut aged = [0u32; LANES];
            for lane in 0..LANES {
                let code = column[lane] & readable.purchases[lane];
                // Never bought is the longest ago.
                aged[lane] = (latest.saturating_sub(u32::from(code)) * fading) | u32::from(code == 0).wrapping_neg();
            }
            for lane in 0..LANES {
                halvings[lane] = halvings[lane].min(aged[lane]);
            }
        }
        let (mut whole, mut part) = ([0; LANES], [0; LANES]);
        for lane in 0..LANES {
            let [_, low, high, more] = halvings[lane].to_le_bytes();
            whole[lane] = u16::from(more);
            part[lane] = u16::from_le_bytes([low, high]);
        }
        let mut liked = [0u16; LANES];
        for (word, column) in group.interests.iter().enumerate() {
            let (very, related) = (self.liked[word], self.related[word]);
            if very | related != 0 {
                for lane in 0..LANES {
                    let bp = if column[lane] & very != 0 {
                        INTEREST
                    } else if column[lane] & related != 0 {
                        RELATED_INTEREST
                    } else {
                        0
                    };
                    liked[lane] = liked[lane].max(bp);
                }
            }
        }
        let mut out = [0; LANES];
        for lane in 0..LANES {
            let bought = if whole[lane] == 255 {
                0
            } else {
                faded_at(whole[lane], part[lane])
            };
            let interest = if readable.interests[lane] == 0 { 0 } else { liked[lane] };
            let told = group.tied[lane]
                & ((readable.purchases[lane] & ANY_PURCHASE) | (readable.interests[lane] & ANY_INTEREST));
            let best = if told == 0 { TOPIC } else { bought.max(interest) };
            out[lane] = if u16::from(met[lane]) >= self.recent {
                best / 2
            } else {
                best
            };
        }
        if let Some(due) = &self.due {
            for lane in 0..LANES {
                if met[lane] != 0 {
                    out[lane] = due[usize::from(met[lane])];
                }
            }
        }
        out
    }
}

const INTEREST: u16 = points(INTEREST_BP);
const RELATED_INTEREST: u16 = points(RELATED_INTEREST_BP);
const TOPIC: u16 = points(TOPIC_BP);

#[expect(
    clippy::as_conversions,
    reason = "TryFrom is not const yet; checked when it is compiled"
)]
const fn points(bp: u32) -> u16 {
    assert!(bp <= 10_000, "basis points");
    bp as u16
}

impl Tiers {
    #[inline(never)]
    fn at(&self, hours: &Mask) -> [u16; LANES] {
        let mut out = [self.unknown; LANES];
        for &(stretches, worth) in &self.by_stretch {
            for lane in 0..LANES {
                let is_in = hours[lane] & stretches != 0;
                out[lane] = if is_in { worth } else { out[lane] };
            }
        }
        out
    }
}

/// [`crate::place::nearness_bp`] of each squared distance within the radius of the scale; others come out as anything.
#[inline(never)]
fn nearness(squared: &[u64; LANES], scale: Scale) -> [u16; LANES] {
    let factor = u32::try_from(scale.factor).unwrap_or(u32::MAX);
    let mut shares = [0u32; LANES];
    for lane in 0..LANES {
        let scaled = ((squared[lane] << scale.up) >> scale.down) & u64::from(u32::MAX);
        shares[lane] = u32::try_from((scaled * u64::from(factor)) >> 32).unwrap_or(u32::MAX);
    }
    let mut roots = [0u16; LANES];
    for lane in 0..LANES {
        roots[lane] = root(shares[lane]);
    }
    let mut near = [0; LANES];
    for lane in 0..LANES {
        near[lane] = nearness_at(roots[lane]);
    }
    near
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

/// The whole quotient of a dividend below 2^23, where it is at most 10 000, by the inverse of its divisor. The float is a
/// guess, one too many at the most, and the integers decide: so it is the same on every machine.
#[inline]
#[expect(clippy::as_conversions, reason = "no From leads from 32 bits to a float")]
fn quotient(dividend: u32, divisor: u32, inverse: f32) -> u16 {
    // Adding 2^23 leaves the nearest whole number in the last bits.
    let guess = (dividend as i32 as f32 * inverse + 8_388_608.0).to_bits() & 0x7f_ffff;
    let [low, high, ..] = (if guess * divisor > dividend { guess - 1 } else { guess }).to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[inline]
#[expect(clippy::as_conversions, reason = "no From leads from 32 bits to a float")]
fn inverse(divisor: u32) -> f32 {
    1.0 / (divisor as i32 as f32)
}

/// Whose consent lets an attribute be read that the offer declares; 0 declares none.
#[inline(never)]
fn allowed(group: &Group, bit: u8) -> Mask {
    mask(|lane| group.flags[lane] & bit != 0)
}

fn close(outcome: &mut Mask, by: Reason, closed: impl Fn(usize) -> bool) {
    for (lane, outcome) in outcome.iter_mut().enumerate() {
        let closes = (*outcome == 0) & closed(lane);
        *outcome = if closes { by.byte() } else { *outcome };
    }
}

#[inline(never)]
fn distances(from: &[[i32; LANES]; 3], spot: &Spot) -> [u64; LANES] {
    let [x, y, z] = spot.centre;
    let mut squared = [0; LANES];
    for lane in 0..LANES {
        let square = |axis: usize, centre: i32| u64::from(from[axis][lane].abs_diff(centre)).pow(2);
        squared[lane] = square(0, x) + square(1, y) + square(2, z);
    }
    squared
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

    /// It never falls as the dividend grows.
    #[test]
    fn the_quotient_is_that_of_the_integers_at_every_whole_one() {
        for weights in 1..=100 {
            for whole in 1..=10_000u16 {
                let dividend = weights * u32::from(whole);
                assert_eq!(quotient(dividend, weights, inverse(weights)), whole);
                assert_eq!(quotient(dividend - 1, weights, inverse(weights)), whole - 1);
            }
            for whole in 1..=250u16 {
                let dividend = weights * 40 * u32::from(whole);
                assert_eq!(quotient(dividend, weights * 40, inverse(weights) * 0.025), whole);
                assert_eq!(
                    quotient(dividend - 1, weights * 40, inverse(weights) * 0.025),
                    whole - 1
                );
            }
        }
    }
}
