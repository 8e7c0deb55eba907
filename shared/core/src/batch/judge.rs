//! The gates and the score, a group at a time, each as a loop over lanes without a branch where it can be.
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]

use crate::affinity::{INTEREST_BP, RELATED_INTEREST_BP, TOPIC_BP};
use crate::audience::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING};
use crate::place::{faded_bp, nearness_bp};
use crate::reason::Reason;
use crate::suitability::OnUnknown;

use super::Verdicts;
use super::block::{ANY_INTEREST, ANY_PURCHASE, Block, Group, LANES};
use super::plan::{Plan, Reach, Spot, UNKNOWN};
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
        close(outcome, Reason::AlreadyHas, |lane| self.has[usize::from(met[lane])]);
        if outcome.iter().any(|reason| *reason == 0) {
            self.score::<EXPLAIN>(group, &readable, &met, &proximity, &moments, &mut scored);
        }
        scored
    }

    fn wishes(&self, group: &Group, outcome: &mut Mask, mut held_out: impl FnMut(usize) -> bool) {
        close(outcome, Reason::Objected, |lane| group.flags[lane] & NO_MARKETING != 0);
        close(outcome, Reason::Paused, |lane| {
            self.now < i64::from(group.paused_until[lane])
        });
        for lane in 0..LANES {
            let state = self
                .topic
                .map_or(0, |(half, shift)| (group.topics[half][lane] >> shift) & 0b111);
            let by = self.states[usize::from(state.to_le_bytes()[0])];
            outcome[lane] = if outcome[lane] == 0 { by } else { outcome[lane] };
        }
        close(outcome, Reason::ConsentExpired, |lane| {
            group.heard[lane].wrapping_sub(1) < self.lapsed_before
        });
        if let Some(segment) = self.segment {
            let seen = allowed(group, self.lifecycle);
            close(outcome, Reason::OutsideAudience, |lane| {
                seen[lane] == 0 || segment >> (group.life[lane] & 0b111) & 1 == 0
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
    fn places(&self, group: &Group, outcome: &mut Mask) -> ([u16; LANES], [u16; LANES]) {
        let hours = allowed(group, self.hours);
        let moment = |moments: &[u16], lane: usize| moments[usize::from(group.good_hours[lane] & hours[lane])];
        let (mut best, mut moments) = ([0; LANES], [UNKNOWN; LANES]);
        if self.spots.is_empty() {
            for lane in 0..LANES {
                moments[lane] = moment(&self.moments, lane);
            }
            if self.is_late {
                close(outcome, Reason::TooLate, |_| true);
            }
            return (best, moments);
        }
        let at_home = allowed(group, self.home);
        let out = allowed(group, self.here);
        let home = mask(|lane| at_home[lane] != 0 && group.flags[lane] & HAS_HOME != 0);
        let here = mask(|lane| {
            out[lane] != 0
                && group.flags[lane] & HAS_CURRENT_PLACE != 0
                && self.now < (i64::from(group.here_until[lane]) - 1) * 3_600
        });
        close(outcome, Reason::PlaceUnknown, |lane| home[lane] | here[lane] == 0);
        let mut useful = [0; LANES];
        let wanders = self.here != 0 && here.iter().any(|lane| *lane != 0);
        for spot in &self.spots {
            let squared = distances(&group.home, spot);
            let mut go = |lane: usize, squared: u64, reach: &Reach| {
                if squared <= reach.squared {
                    let near = nearness_bp(reach.scale.squared_share(squared).isqrt());
                    if near >= best[lane] {
                        best[lane] = near;
                        moments[lane] = moment(&spot.moments, lane);
                    }
                    let passed = reach.cuts.iter().filter(|cut| squared > **cut).count();
                    useful[lane] |= u8::from(reach.nearest_in_time == (passed % 2 == 0));
                }
            };
            let there = if wanders {
                distances(&group.here, spot)
            } else {
                [0; LANES]
            };
            for lane in 0..LANES {
                if home[lane] != 0 {
                    go(
                        lane,
                        squared[lane],
                        &spot.from_home[usize::from(group.area[lane] & 0b11)],
                    );
                }
                if here[lane] != 0 {
                    go(lane, there[lane], &spot.from_here);
                }
            }
        }
        close(outcome, Reason::TooFar, |lane| best[lane] == 0);
        close(outcome, Reason::TooLate, |lane| useful[lane] == 0);
        (best, moments)
    }

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
        let campaign = self.proposal.campaign;
        let (seen, measured) = (allowed(group, self.lifecycle), allowed(group, self.reaction));
        for lane in 0..LANES {
            if scored.outcome[lane] != 0 {
                continue;
            }
            let reaction = u16::from((group.life[lane] >> 3) & 0b111).min(5);
            let values = [
                (!self.spots.is_empty(), proximity[lane]),
                (true, affinity[lane]),
                (
                    moments[lane] != UNKNOWN,
                    moments[lane].min(affinity[lane].max(proximity[lane])),
                ),
                (seen[lane] != 0, self.fits[usize::from(group.life[lane] & 0b111)]),
                (measured[lane] != 0 && reaction > 0, reaction * 2_000),
            ];
            let (mut sum, mut known) = (0u32, 0u32);
            for ((is_known, value), weight) in values.into_iter().zip(self.weights) {
                if is_known {
                    sum += u32::from(weight) * u32::from(value);
                    known += u32::from(weight);
                }
            }
            let relevance = u16::try_from(sum.checked_div(known).unwrap_or(0)).unwrap_or(10_000);
            scored.relevance[lane] = relevance;
            if EXPLAIN {
                for (factor, (is_known, value)) in values.into_iter().enumerate() {
                    if is_known {
                        let byte = (u32::from(self.weights[factor]) * u32::from(value)).checked_div(40 * known);
                        scored.contributions[factor][lane] = u8::try_from(byte.unwrap_or(0)).unwrap_or(250);
                    }
                }
            }
            scored.outcome[lane] = if known * 100 < u32::from(campaign.minimum_evidence.basis_points()) {
                Reason::TooLittleKnown.byte()
            } else if relevance < campaign.threshold.basis_points() {
                Reason::BelowThreshold.byte()
            } else if relevance < group.threshold[lane] {
                Reason::BelowOwnThreshold.byte()
            } else {
                0
            };
        }
    }

    fn affinity(&self, group: &Group, readable: &Readable, met: &Mask) -> [u16; LANES] {
        let mut halvings = [u32::MAX; LANES];
        let latest = u32::from(self.month) + 1;
        for (category, fading) in &self.complements {
            let column = &group.bought[*category];
            for lane in 0..LANES {
                let code = column[lane] & readable.purchases[lane];
                let aged = latest.saturating_sub(u32::from(code)) * fading;
                halvings[lane] = halvings[lane].min(if code == 0 { u32::MAX } else { aged });
            }
        }
        let mut liked = [[0u32; LANES]; 2];
        for (word, column) in group.interests.iter().enumerate() {
            for lane in 0..LANES {
                liked[0][lane] |= column[lane] & self.liked[word];
                liked[1][lane] |= column[lane] & self.related[word];
            }
        }
        let mut out = [0; LANES];
        for lane in 0..LANES {
            let likes = readable.interests[lane] != 0;
            let interest = if likes && liked[0][lane] != 0 {
                INTEREST_BP
            } else if likes && liked[1][lane] != 0 {
                RELATED_INTEREST_BP
            } else {
                0
            };
            let bought = if halvings[lane] == u32::MAX {
                0
            } else {
                u32::from(faded_bp(halvings[lane] >> 8))
            };
            let told = group.tied[lane]
                & ((readable.purchases[lane] & ANY_PURCHASE) | (readable.interests[lane] & ANY_INTEREST));
            let best = if told == 0 { TOPIC_BP } else { bought.max(interest) };
            let best = if self.recent[usize::from(met[lane])] {
                best / 2
            } else {
                best
            };
            out[lane] = match &self.due {
                Some(due) if met[lane] != 0 => due[usize::from(met[lane])],
                Some(_) | None => u16::try_from(best).unwrap_or(10_000),
            };
        }
        out
    }
}

/// Whose consent lets an attribute be read that the offer declares; 0 declares none.
fn allowed(group: &Group, bit: u8) -> Mask {
    mask(|lane| group.flags[lane] & bit != 0)
}

fn close(outcome: &mut Mask, by: Reason, closed: impl Fn(usize) -> bool) {
    for (lane, outcome) in outcome.iter_mut().enumerate() {
        let closes = *outcome == 0 && closed(lane);
        *outcome = if closes { by.byte() } else { *outcome };
    }
}

fn distances(from: &[[i32; LANES]; 3], spot: &Spot) -> [u64; LANES] {
    let [x, y, z] = spot.centre;
    let mut squared = [0; LANES];
    for lane in 0..LANES {
        let square = |axis: usize, centre: i32| u64::from(from[axis][lane].abs_diff(centre)).pow(2);
        squared[lane] = square(0, x) + square(1, y) + square(2, z);
    }
    squared
}
