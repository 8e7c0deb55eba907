//! Five factors to a relevance, sixteen people at a time: what one step works out stays in registers for the next.
#![expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]

use wide::{u8x16, u16x16};

use crate::reason::Reason;

use super::block::{Group, LANES};
use super::judge::{Answers, Mask, Words};
use super::plan::{LEVEL_BP, Plan, UNKNOWN};
use super::share::{Weight, bytes_of, quotient};
use super::strip::{Ahead, STRIP, Same, Upper, look_up, narrow, spread, strips, strips_mut, widen};

/// What of a group goes into its scores.
pub(super) struct Factors<'a> {
    pub(super) near: &'a Words,
    pub(super) moments: &'a Words,
    /// What is left of purchases.
    pub(super) bought: &'a Words,
    /// What is liked, or only the topic: in levels.
    pub(super) level: &'a Mask,
    /// Who bought the very thing lately.
    pub(super) recently: Option<&'a Mask>,
}

impl Plan<'_> {
    /// The relevance of everybody whose outcome is still open, what each factor adds to it, and the thresholds.
    #[inline(never)]
    pub(super) fn score<const EXPLAIN: bool>(
        &self,
        group: &Group<'_>,
        factors: &Factors<'_>,
        ahead: &mut Ahead<'_>,
        outcome: &mut Mask,
        answers: &mut Answers<'_>,
    ) {
        let (splat, upper) = (u16x16::splat, Upper::new());
        let weights = self.weights.map(Weight::of);
        let [_, _, timing, fitting, reacting] = self.weights.map(splat);
        let inverses = self.inverses.map(splat);
        let fits = std::array::from_fn(|lifecycle| self.fits.get(lifecycle).copied().unwrap_or(0));
        let fifths = Same::new(self.fifths);
        let least = self.proposal.campaign.threshold.basis_points();
        let has_own = group.bounds.highest_threshold > 0;
        let is_gated = self.asks_for_evidence || least > 0 || has_own;
        let places = if self.spots.is_empty() {
            splat(0)
        } else {
            splat(u16::MAX)
        };
        let [near, moments, bought] = [factors.near, factors.moments, factors.bought].map(strips);
        let (level, flags) = (strips(factors.level), strips(group.flags));
        let recently = factors.recently.map(strips);
        let (life, own) = (strips(group.life), strips(group.threshold));
        let (outcome, relevance) = (strips_mut(outcome), strips_mut(answers.relevance));
        let mut told = answers.contributions.each_mut().map(|column| strips_mut(column));
        for at in 0..LANES / STRIP {
            ahead.fetch(4);
            let is_open = widen(u8x16::new(outcome[at])).simd_eq(splat(0));
            if is_open.none() {
                relevance[at] = [0; STRIP];
                if EXPLAIN {
                    told.iter_mut().for_each(|column| column[at] = [u8::MAX; STRIP]);
                }
                continue;
            }
            let near = u16x16::new(near[at]);
            let moment = u16x16::new(moments[at]);
            let level = widen(u8x16::new(level[at])) * splat(LEVEL_BP);
            let mut liked = u16x16::new(bought[at]).max(level);
            if let Some(recently) = recently {
                liked = spread(u8x16::new(recently[at])).select(liked >> 1_u32, liked);
            }
            // A moment counts no more than the best reason; one that is not known counts nothing.
            let is_timed = moment.simd_ne(splat(UNKNOWN));
            let timely = moment.min(liked.max(near)) & is_timed;
            let flags = widen(u8x16::new(flags[at]));
            let allowed = |bit: u8| (flags & splat(bit.into())).simd_ne(splat(0));
            let is_seen = allowed(self.lifecycle);
            let life = u8x16::new(life[at]);
            let fit = widen(look_up(fits, life & u8x16::splat(0b111))) * splat(LEVEL_BP);
            let life = widen(life);
            let reaction = ((life >> 3_u32) & splat(0b111)).min(splat(5)) & allowed(self.reaction);
            let is_reacting = reaction.simd_ne(splat(0));
            let parts = [
                weights[0].times(upper, at, near),
                weights[1].times(upper, at, liked),
                weights[2].times(upper, at, timely),
                weights[3].times(upper, at, fit & is_seen),
                weights[4].times(upper, at, reaction * splat(2_000)),
            ];
            let sum = parts.iter().fold(splat(0), |sum, part| sum + part.product);
            let eighths = parts.iter().fold(splat(0), |sum, part| sum + part.eighths);
            let weight = splat(self.sure) + (timing & is_timed) + (fitting & is_seen) + (reacting & is_reacting);
            let [a, b, c, d] = [0, 2, 4, 6].map(|set| is_timed.select(inverses[set + 1], inverses[set]));
            let inverse = is_reacting.select(is_seen.select(d, c), is_seen.select(b, a));
            let over = upper.of(inverse, fifths.at(at));
            let score = quotient(upper, [eighths, sum], weight, over) & is_open;
            relevance[at] = score.to_array();
            if EXPLAIN {
                let are_known = [places, splat(u16::MAX), is_timed, is_seen, is_reacting];
                for ((column, part), is_known) in told.iter_mut().zip(&parts).zip(are_known) {
                    let byte = bytes_of(part.eighths, inverse, self.shift);
                    column[at] = narrow((is_known & is_open).select(byte, splat(255))).to_array();
                }
            }
            if is_gated {
                let mut out = widen(u8x16::new(outcome[at]));
                let mut close = |reason: Reason, closes: u16x16| {
                    let closes = closes & out.simd_eq(splat(0));
                    out |= closes & splat(reason.byte().into());
                };
                if self.asks_for_evidence {
                    close(Reason::TooLittleKnown, inverse.simd_gt(splat(self.most_inverse)));
                }
                close(Reason::BelowThreshold, score.simd_lt(splat(least)));
                close(Reason::BelowOwnThreshold, score.simd_lt(u16x16::new(own[at])));
                outcome[at] = narrow(out).to_array();
            }
        }
    }
}
