//! Five factors to a relevance, a strip at a time: what one step works out stays in registers for the next.
#![expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]

use wide::{u8x32, u16x16};

use crate::reason::Reason;

use super::block::Group;
use super::judge::{Answers, Later, close};
use super::plan::{Plan, UNKNOWN};
use super::share::{Part, Weight, bytes_of, quotient};
use super::strip::{
    Bytes, EVERYBODY, Having, LINE, NOBODY, NOTHING, Pair, STRIPS, Same, Upper, Words, ahead, narrow, narrow_mask,
    reordered, shifted, spread, widen,
};

/// What of a group goes into its scores.
pub(super) struct Factors<'a> {
    pub(super) near: &'a Words,
    pub(super) moments: &'a Words,
    pub(super) liked: &'a Words,
}

impl Plan<'_> {
    /// The relevance of everybody whose outcome is still open, what each factor adds to it, and the thresholds.
    #[inline(never)]
    pub(super) fn score<const EXPLAIN: bool>(
        &self,
        [group, next]: &[Group<'_>; 2],
        factors: &Factors<'_>,
        outcome: &mut Bytes,
        answers: &mut Answers<'_>,
        later: &Later<'_>,
    ) {
        let (bytes, upper) = (u8x32::splat, Upper::new());
        let [place, affinity, timing, ..] = self.weights;
        let [place, affinity, timing] = [place, affinity, timing].map(Weight::of);
        let fifths = Same::new(self.fifths);
        let (sees, reacts) = (Having::of(self.lifecycle), Having::of(self.reaction));
        let least = self.proposal.campaign.threshold.basis_points();
        let has_own = group.bounds.highest_threshold > 0;
        let nowhere = if self.spots.is_empty() { EVERYBODY } else { NOBODY };
        for at in 0..STRIPS {
            later.strip_ahead::<EXPLAIN>(at);
            if at.is_multiple_of(LINE) {
                ahead(&next.life[at]);
            }
            let is_open = outcome[at].simd_eq(NOBODY);
            if !is_open.any() {
                answers.relevance[at] = NOTHING;
                if EXPLAIN {
                    answers
                        .contributions
                        .iter_mut()
                        .for_each(|column| column[at] = EVERYBODY);
                }
                continue;
            }
            let (flags, life) = (group.flags[at], group.life[at]);
            let unseen = !sees.among(flags);
            let fit = (life & bytes(0b111)) | (unseen & bytes(0b1000));
            let reaction = shifted(life, 3) & bytes(0b111) & reacts.among(flags);
            let silent = reaction.simd_eq(NOBODY);
            let (near, liked, moment) = (factors.near[at], factors.liked[at], factors.moments[at]);
            let untimed = moment.map(|moment| moment.simd_eq(u16x16::splat(UNKNOWN)));
            let timeless = narrow_mask(untimed);
            let set = (!timeless & bytes(1)) | (!unseen & bytes(2)) | (!silent & bytes(4));
            let inverse = self.inverses.at(set);
            let (mut sum, mut eighths) = (NOTHING, NOTHING);
            let mut add = |which: usize, parts: [Part; 2], untold: u8x32| {
                for half in [0, 1] {
                    sum[half] += parts[half].product;
                    eighths[half] += parts[half].eighths;
                }
                if EXPLAIN {
                    let told = [0, 1].map(|half| bytes_of(parts[half].eighths, inverse[half], self.shift));
                    answers.contributions[which][at] = narrow(told) | untold | !is_open;
                }
            };
            let times = |weight: &Weight, values: Pair| values.map(|values| weight.times(upper, at, values));
            add(4, self.reactions.at(reaction), silent);
            add(3, self.fits.at(fit), unseen);
            add(0, times(&place, near), nowhere);
            add(1, times(&affinity, liked), NOBODY);
            // A moment counts no more than the best reason; one that is not known counts nothing.
            let timely = [0, 1].map(|half| moment[half].min(liked[half].max(near[half])) & !untimed[half]);
            add(2, times(&timing, timely), timeless);
            let (weight, open) = (widen(self.known.at(set)), spread(is_open));
            let scores = [0, 1].map(|half| {
                let over = upper.of(inverse[half], fifths.at(at));
                quotient(upper, [eighths[half], sum[half]], weight[half], over) & open[half]
            });
            answers.relevance[at] = reordered(scores);
            let out = &mut outcome[at];
            if let Some(vague) = self.vague {
                close(out, Reason::TooLittleKnown, vague.at(set));
            }
            if least > 0 {
                let enough = scores.map(|score| score.max(u16x16::splat(least)).simd_eq(score));
                close(out, Reason::BelowThreshold, !narrow_mask(enough));
            }
            if has_own {
                let own = reordered(group.threshold[at]);
                let enough = [0, 1].map(|half| scores[half].max(own[half]).simd_eq(scores[half]));
                close(out, Reason::BelowOwnThreshold, !narrow_mask(enough));
            }
        }
    }
}
