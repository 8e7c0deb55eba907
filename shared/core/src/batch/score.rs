//! Five factors to a relevance, a strip at a time: what one step works out stays in registers for the next.
#![expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]

use wide::{u8x32, u16x16};

use crate::reason::Reason;
use crate::relevance::LEAST_REASON;

use super::block::Group;
use super::judge::{Answers, Later, close};
use super::plan::{Plan, UNKNOWN};
use super::share::{Part, Weight, bytes_of, quotient};
use super::strip::{
    Bytes, EVERYBODY, Having, NOBODY, NOTHING, Pair, STRIPS, Same, Table, Upper, Words, line_ahead, narrow,
    narrow_mask, reordered, shifted, spread, widen,
};

/// What of a group goes into its scores.
pub(super) struct Factors<'a> {
    pub(super) near: &'a Words,
    pub(super) moments: &'a Words,
    pub(super) liked: &'a Words,
}

/// What of a strip goes into its scores.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub(super) flags: u8x32,
    pub(super) life: u8x32,
    pub(super) near: Pair,
    pub(super) moment: Pair,
    pub(super) liked: Pair,
}

/// The scores of a strip in the order of its words, and which of the three factors that may be unknown are known.
pub(super) struct Scored {
    pub(super) scores: Pair,
    known: u8x32,
}

/// How the strips of a group are scored.
pub(super) struct Scoring<'a> {
    plan: &'a Plan<'a>,
    upper: Upper,
    place: Weight,
    affinity: Weight,
    timing: Weight,
    fifths: Same,
    sees: Having,
    reacts: Having,
    /// Of whom no place is known because none is asked for.
    nowhere: u8x32,
}

impl<'a> Scoring<'a> {
    #[inline(always)]
    pub(super) fn of(plan: &'a Plan<'a>) -> Self {
        let [place, affinity, timing, ..] = plan.weights;
        let [place, affinity, timing] = [place, affinity, timing].map(Weight::of);
        Self {
            plan,
            upper: Upper::new(),
            place,
            affinity,
            timing,
            fifths: Same::new(plan.fifths),
            sees: Having::of(plan.lifecycle),
            reacts: Having::of(plan.reaction),
            nowhere: if plan.spots.is_empty() { EVERYBODY } else { NOBODY },
        }
    }

    /// Scores the strip at this number, and tells what each factor adds as bytes, in the order of receipts, with 255 where it is
    /// not known.
    #[inline(always)]
    pub(super) fn strip<const EXPLAIN: bool>(
        &self,
        at: usize,
        strip: Strip,
        mut tell: impl FnMut(usize, u8x32),
    ) -> Scored {
        let Self { plan, upper, .. } = *self;
        let bytes = u8x32::splat;
        let Strip {
            flags,
            life,
            near,
            moment,
            liked,
        } = strip;
        let unseen = !self.sees.among(flags);
        let fit = (life & bytes(0b111)) | (unseen & bytes(0b1000));
        let reaction = shifted(life, 3) & bytes(0b111) & self.reacts.among(flags);
        let silent = reaction.simd_eq(NOBODY);
        let untimed = moment.map(|moment| moment.simd_eq(u16x16::splat(UNKNOWN)));
        let timeless = narrow_mask(untimed);
        let known = (!timeless & bytes(1)) | (!unseen & bytes(2)) | (!silent & bytes(4));
        let inverse = plan.inverses.at(known);
        let (mut sum, mut eighths) = (NOTHING, NOTHING);
        let mut add = |which: usize, parts: [Part; 2], untold: u8x32| {
            for half in [0, 1] {
                sum[half] += parts[half].product;
                eighths[half] += parts[half].eighths;
            }
            if EXPLAIN {
                let told = [0, 1].map(|half| bytes_of(parts[half].eighths, inverse[half], plan.shift));
                tell(which, narrow(told) | untold);
            }
        };
        let times = |weight: &Weight, values: Pair| values.map(|values| weight.times(upper, at, values));
        add(4, plan.reactions.at(reaction), silent);
        add(3, plan.fits.at(fit), unseen);
        add(0, times(&self.place, near), self.nowhere);
        add(1, times(&self.affinity, liked), NOBODY);
        // A moment counts no more than the best reason; one that is not known counts nothing.
        let timely = [0, 1].map(|half| moment[half].min(liked[half].max(near[half])) & !untimed[half]);
        add(2, times(&self.timing, timely), timeless);
        let weight = widen(plan.known.at(known));
        let scores = [0, 1].map(|half| {
            let over = upper.of(inverse[half], self.fifths.at(at));
            quotient(upper, [eighths[half], sum[half]], weight[half], over)
        });
        Scored { scores, known }
    }
}

impl Scored {
    /// Of whom too little is known.
    #[inline(always)]
    pub(super) fn vague(&self, vague: Table) -> u8x32 {
        vague.at(self.known)
    }
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
        let scoring = Scoring::of(self);
        let least = self.proposal.campaign.threshold.basis_points();
        let has_own = group.bounds.highest_threshold > 0;
        let least_reason = u16x16::splat(LEAST_REASON.basis_points());
        for at in 0..STRIPS {
            later.strip_ahead::<EXPLAIN>(at);
            line_ahead(next.life, at);
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
            let strip = Strip {
                flags: group.flags[at],
                life: group.life[at],
                near: factors.near[at],
                moment: factors.moments[at],
                liked: factors.liked[at],
            };
            let contributions = &mut answers.contributions;
            let scored = scoring.strip::<EXPLAIN>(at, strip, |which, told| contributions[which][at] = told | !is_open);
            let open = spread(is_open);
            let scores = [0, 1].map(|half| scored.scores[half] & open[half]);
            answers.relevance[at] = reordered(scores);
            let out = &mut outcome[at];
            // Whatever is within reach of a place is near enough to be a reason.
            if self.spots.is_empty() {
                let reason = strip.liked.map(|liked| liked.max(least_reason).simd_eq(liked));
                close(out, Reason::NoReasonToWrite, !narrow_mask(reason));
            }
            if let Some(vague) = self.vague {
                close(out, Reason::TooLittleKnown, scored.vague(vague));
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
