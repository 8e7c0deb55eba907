//! The gates and the score, a group at a time, each as a loop over lanes without a branch where it can be. The steps are not
//! inlined: one function of all of them is more than the compiler turns into vectors, and half as fast.
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
#![expect(
    clippy::needless_range_loop,
    reason = "a lane is one of many columns, and zipping them hides which"
)]

use crate::audience::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING};
use std::slice;

use crate::consent::DataPurpose;
use crate::place::upper;
use crate::reason::Reason;
use crate::suitability::OnUnknown;

use super::Verdicts;
use super::block::{ANY_INTEREST, ANY_PURCHASE, Block, Group, LANES};
use super::near::{better, distances, in_time, living_in, nearness, shares};
use super::plan::{
    EVERYWHERE, LEVEL_BP, Plan, RELATED_LEVEL, TOPIC_LEVEL, Tiers, UNKNOWN, VERY_LEVEL, WIDE, Wide, bit,
};
use super::rules::{Readable, holds};
use super::share::{byte_of, corrected, eighth_of, guess_of, most_of};

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

/// A figure of 16 bits for each.
pub(super) type Words = [u16; LANES];

/// Where the answers about a group go.
struct Answers<'a> {
    outcome: &'a mut Mask,
    relevance: &'a mut Words,
    contributions: [&'a mut Mask; 5],
}

/// What a group is worked out in, kept from one to the next so that nothing is cleared in between.
struct Room {
    near: Words,
    moments: Words,
    affinity: Words,
    /// What each factor adds over the whole weight, in eighths.
    eighths: [Words; 5],
    /// By what that is multiplied.
    inverse: Words,
    /// For the steps within a step.
    wide: [u32; LANES],
    far: [i64; LANES],
    some: [Words; 5],
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
        let (outcomes, _) = verdicts.outcomes.as_chunks_mut::<LANES>();
        let (relevance, _) = verdicts.relevance.as_chunks_mut::<LANES>();
        let mut columns = verdicts
            .contributions
            .each_mut()
            .map(|column| column.as_chunks_mut::<LANES>().0.iter_mut());
        let mut room = Room {
            near: [0; LANES],
            moments: [0; LANES],
            affinity: [0; LANES],
            eighths: [[0; LANES]; 5],
            inverse: [0; LANES],
            wide: [0; LANES],
            far: [0; LANES],
            some: [[0; LANES]; 5],
        };
        let mut first = 0;
        for ((group, outcome), relevance) in block.groups.iter().zip(outcomes).zip(relevance) {
            let [Some(a), Some(b), Some(c), Some(d), Some(e)] = columns.each_mut().map(Iterator::next) else {
                return;
            };
            let answers = Answers {
                outcome,
                relevance,
                contributions: [a, b, c, d, e],
            };
            self.group::<EXPLAIN>(
                group,
                (people - first).min(LANES),
                |lane| held_out(first + lane),
                answers,
                &mut room,
            );
            first += LANES;
        }
    }

    #[inline(never)]
    fn group<const EXPLAIN: bool>(
        &self,
        group: &Group,
        people: usize,
        held_out: impl FnMut(usize) -> bool,
        mut answers: Answers<'_>,
        room: &mut Room,
    ) {
        let mut outcome = [self.closed; LANES];
        if self.closed == 0 {
            outcome[people..].fill(u8::MAX);
            self.gates_and_score::<EXPLAIN>(group, held_out, &mut outcome, &mut answers, room);
        } else {
            answers.unscored::<EXPLAIN>();
        }
        *answers.outcome = outcome;
    }

    #[inline]
    fn gates_and_score<const EXPLAIN: bool>(
        &self,
        group: &Group,
        held_out: impl FnMut(usize) -> bool,
        outcome: &mut Mask,
        answers: &mut Answers<'_>,
        room: &mut Room,
    ) {
        self.wishes(group, outcome, held_out);
        if !outcome.contains(&0) {
            return answers.unscored::<EXPLAIN>();
        }
        self.places(group, outcome, room);
        let readable = Readable {
            facts: allowed(group, bit(DataPurpose::Profiling)),
            purchases: allowed(group, self.purchases),
            interests: allowed(group, self.interests),
        };
        self.suits(group, &readable, outcome);
        let met = latest(group, &self.met, &readable.purchases);
        if let Some(has) = self.has {
            close(outcome, Reason::AlreadyHas, |lane| met[lane] >= has);
        }
        if !outcome.contains(&0) {
            return answers.unscored::<EXPLAIN>();
        }
        self.affinity(group, &readable, &met, room);
        let seen = allowed(group, self.lifecycle);
        let (fit, reaction) = (self.fit(group, &seen), self.reaction(group));
        self.relevance([&seen, &fit, &reaction], answers.relevance, room);
        if EXPLAIN {
            let told = mask(|lane| outcome[lane] == 0);
            let all = [255; LANES];
            let moment = mask(|lane| room.moments[lane] != UNKNOWN);
            let reacted = mask(|lane| reaction[lane] != 0);
            let places = if self.spots.is_empty() { [0; LANES] } else { all };
            let are_known = [&places, &all, &moment, &seen, &reacted];
            for ((column, eighths), is_known) in answers.contributions.iter_mut().zip(&room.eighths).zip(are_known) {
                explain(eighths, &room.inverse, self.shift, &told, is_known, column);
            }
        }
        self.thresholds(group, &room.inverse, answers.relevance, outcome);
    }

    #[inline(never)]
    fn wishes(&self, group: &Group, outcome: &mut Mask, mut held_out: impl FnMut(usize) -> bool) {
        close(outcome, Reason::Objected, |lane| group.flags[lane] & NO_MARKETING != 0);
        if self.now < 0 {
            close(outcome, Reason::Paused, |_| true);
        }
        if group.latest_pause > self.paused_above {
            close(outcome, Reason::Paused, |lane| {
                group.paused_until[lane] > self.paused_above
            });
        }
        let mut state = [0; LANES];
        if let Some((pair, shift)) = self.topic {
            let column = &group.topics[pair];
            for lane in 0..LANES {
                state[lane] = (column[lane] >> shift) & 0b111;
            }
        }
        for lane in 0..LANES {
            let mut by = 0;
            for (each, reason) in (0..8).zip(self.states) {
                by = if state[lane] == each { reason } else { by };
            }
            outcome[lane] = if outcome[lane] == 0 { by } else { outcome[lane] };
        }
        if group.longest_silent < self.lapsed_before {
            close(outcome, Reason::ConsentExpired, |lane| {
                group.heard[lane].wrapping_sub(1) < self.lapsed_before
            });
        }
        if let Some(segment) = self.segment {
            let seen = allowed(group, self.lifecycle);
            let mut wanted = [0u8; LANES];
            for each in (0..8).filter(|each| segment >> each & 1 != 0) {
                for lane in 0..LANES {
                    wanted[lane] |= u8::from(group.life[lane] & 0b111 == each).wrapping_neg();
                }
            }
            close(outcome, Reason::OutsideAudience, |lane| seen[lane] & wanted[lane] == 0);
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
    fn places(&self, group: &Group, outcome: &mut Mask, room: &mut Room) {
        let hours = self.good_hours(group);
        if self.spots.is_empty() {
            if self.is_late {
                close(outcome, Reason::TooLate, |_| true);
            }
            room.near = [0; LANES];
            return self.moments.at(&hours, &mut room.moments);
        }
        let at_home = allowed(group, self.home);
        let home = mask(|lane| (at_home[lane] != 0) & (group.flags[lane] & HAS_HOME != 0));
        let mut here = [0; LANES];
        if self.here != 0 {
            let out = allowed(group, self.here);
            here = mask(|lane| {
                (out[lane] != 0)
                    & (group.flags[lane] & HAS_CURRENT_PLACE != 0)
                    & (self.now < (i64::from(group.here_until[lane]) - 1) * 3_600)
            });
        }
        close(outcome, Reason::PlaceUnknown, |lane| home[lane] | here[lane] == 0);
        let wanders = here.iter().any(|lane| *lane != 0);
        let [roots, lost, near, told, _] = &mut room.some;
        // Most offers have one place with one radius.
        if let (true, [spot]) = (self.is_punctual && !wanders, &*self.spots)
            && let [(_, reach)] = spot.from_home.as_slice()
        {
            shares(&group.home, spot, reach, &mut room.wide);
            nearness(&room.wide, &home, &self.slopes, [roots, lost, &mut room.near]);
            close(outcome, Reason::TooFar, |lane| room.near[lane] == 0);
            return spot.moments.at(&hours, &mut room.moments);
        }
        let mut useful = [0; LANES];
        room.near = [0; LANES];
        room.moments = [UNKNOWN; LANES];
        for spot in &self.spots {
            spot.moments.at(&hours, told);
            let ways = spot
                .from_home
                .chunk_by(|(_, one), (_, other)| one.squared == other.squared)
                .map(|reaches| (&group.home, reaches))
                .chain(wanders.then_some((&group.here, slice::from_ref(&spot.from_here))));
            for (from, reaches) in ways {
                let whence = |areas: u8| match areas {
                    EVERYWHERE => here,
                    areas => living_in(areas, group, &home),
                };
                let all = reaches.iter().fold(0, |all, (areas, _)| all | areas);
                shares(from, spot, &reaches[0].1, &mut room.wide);
                nearness(&room.wide, &whence(all), &self.slopes, [roots, lost, near]);
                better(near, told, &mut room.near, &mut room.moments);
                if !self.is_punctual {
                    distances(from, spot, &mut room.far);
                    for &(areas, ref reach) in reaches {
                        in_time(reach, &whence(areas), near, &room.far, &mut useful);
                    }
                }
            }
        }
        close(outcome, Reason::TooFar, |lane| room.near[lane] == 0);
        if !self.is_punctual {
            close(outcome, Reason::TooLate, |lane| useful[lane] == 0);
        }
    }

    /// The good hours that may be read, turned so that the stretch of now is the first. Most people of a group have one clock.
    #[inline(never)]
    fn good_hours(&self, group: &Group) -> Mask {
        let mut turned = [0; LANES];
        if self.hours == 0 {
            return turned;
        }
        let allowed = allowed(group, self.hours);
        let (least, most) = group.clocks;
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

    /// The affinity. A level stands for what is liked and for the topic; a purchase fades from there.
    #[inline(never)]
    fn affinity(&self, group: &Group, readable: &Readable, met: &Mask, room: &mut Room) {
        let (mut very, mut related) = ([0; LANES], [0; LANES]);
        for (column, (bits, others)) in group.interests.iter().zip(self.liked.into_iter().zip(self.related)) {
            if bits != 0 {
                for lane in 0..LANES {
                    very[lane] |= column[lane] & bits;
                }
            }
            if others != 0 {
                for lane in 0..LANES {
                    related[lane] |= column[lane] & others;
                }
            }
        }
        let mut level = [0; LANES];
        for lane in 0..LANES {
            let liked = if related[lane] == 0 { 0 } else { RELATED_LEVEL };
            let liked = if very[lane] == 0 { liked } else { VERY_LEVEL };
            let interests = readable.interests[lane];
            let told = group.tied[lane] & ((readable.purchases[lane] & ANY_PURCHASE) | (interests & ANY_INTEREST));
            level[lane] = if told == 0 { TOPIC_LEVEL } else { liked & interests };
        }
        let [bought, left, ..] = &mut room.some;
        self.bought(group, &readable.purchases, bought, left);
        let recent = self.recent.unwrap_or(u8::MAX);
        let recently = mask(|lane| met[lane] >= recent);
        let recently = if self.recent.is_some() { recently } else { [0; LANES] };
        let out = &mut room.affinity;
        for lane in 0..LANES {
            let best = bought[lane].max(u16::from(level[lane]) * LEVEL_BP);
            out[lane] = if recently[lane] == 0 { best } else { best >> 1 };
        }
        if let Some(due) = &self.due {
            for lane in 0..LANES {
                if met[lane] != 0 {
                    out[lane] = due[usize::from(met[lane])];
                }
            }
        }
    }

    /// What is left of the purchase that faded least: of those that fade alike, the latest.
    #[inline(never)]
    fn bought(&self, group: &Group, readable: &Mask, most: &mut Words, left: &mut Words) {
        let Some(((first, by_month), others)) = self.complements.split_first() else {
            *most = [0; LANES];
            return;
        };
        faded(&latest(group, first, readable), by_month, most);
        for (categories, by_month) in others {
            faded(&latest(group, categories, readable), by_month, left);
            for lane in 0..LANES {
                most[lane] = most[lane].max(left[lane]);
            }
        }
    }

    /// How well the goal fits the lifecycle, in levels.
    #[inline(never)]
    fn fit(&self, group: &Group, seen: &Mask) -> Mask {
        let mut fit = [0; LANES];
        for (each, level) in (0..8).zip(self.fits) {
            for lane in 0..LANES {
                let is_it = u8::from(group.life[lane] & 0b111 == each).wrapping_neg();
                fit[lane] |= is_it & seen[lane] & level;
            }
        }
        fit
    }

    /// The level of the reaction; 0 is not known.
    #[inline(never)]
    fn reaction(&self, group: &Group) -> Mask {
        let measured = allowed(group, self.reaction);
        let mut reaction = [0; LANES];
        for lane in 0..LANES {
            reaction[lane] = ((group.life[lane] >> 3) & 0b111).min(5) & measured[lane];
        }
        reaction
    }

    #[inline(never)]
    fn relevance(&self, [seen, fit, reaction]: [&Mask; 3], relevance: &mut Words, room: &mut Room) {
        let [near, liked, timely, fits, reacts] = &mut room.eighths;
        let [sum, values, weight, inverse, guess] = &mut room.some;
        let weights = self.weights;
        timely_at(&room.near, &room.affinity, &room.moments, values);
        *sum = [0; LANES];
        add(&room.near, weights[0], near, sum);
        add(&room.affinity, weights[1], liked, sum);
        add(values, weights[2], timely, sum);
        for lane in 0..LANES {
            values[lane] = u16::from(fit[lane]) * LEVEL_BP;
        }
        add(values, weights[3], fits, sum);
        for lane in 0..LANES {
            values[lane] = u16::from(reaction[lane]) * 2_000;
        }
        add(values, weights[4], reacts, sum);
        self.weigh(&room.moments, seen, reaction, weight, &mut room.inverse);
        inverses(&room.inverse, &self.fifths, inverse);
        for lane in 0..LANES {
            let all = near[lane] + liked[lane] + timely[lane] + fits[lane] + reacts[lane];
            values[lane] = all;
        }
        for lane in 0..LANES {
            guess[lane] = guess_of(values[lane], inverse[lane]);
        }
        for lane in 0..LANES {
            relevance[lane] = corrected(guess[lane], sum[lane], weight[lane], inverse[lane]);
        }
    }

    /// The weight that is known of each, and its inverse.
    #[inline(never)]
    fn weigh(&self, moments: &Words, seen: &Mask, reaction: &Mask, weight: &mut Words, inverse: &mut Words) {
        let [_, _, timing, fitting, reacting] = self.weights;
        let table = self.inverses;
        let wide = |byte: u8| u16::from(byte != 0).wrapping_neg();
        let pick = |is: u16, one: u16, other: u16| one & is | other & !is;
        for lane in 0..LANES {
            let is_timed = u16::from(moments[lane] != UNKNOWN).wrapping_neg();
            let (is_seen, is_reacted) = (wide(seen[lane]), wide(reaction[lane]));
            weight[lane] = self.sure + (timing & is_timed) + (fitting & is_seen) + (reacting & is_reacted);
            let by_moment = [
                pick(is_timed, table[1], table[0]),
                pick(is_timed, table[3], table[2]),
                pick(is_timed, table[5], table[4]),
                pick(is_timed, table[7], table[6]),
            ];
            let by_sight = [
                pick(is_seen, by_moment[1], by_moment[0]),
                pick(is_seen, by_moment[3], by_moment[2]),
            ];
            inverse[lane] = pick(is_reacted, by_sight[1], by_sight[0]);
        }
    }

    #[inline(never)]
    fn thresholds(&self, group: &Group, inverse: &Words, relevance: &mut Words, outcome: &mut Mask) {
        for lane in 0..LANES {
            relevance[lane] = if outcome[lane] == 0 { relevance[lane] } else { 0 };
        }
        let threshold = self.proposal.campaign.threshold.basis_points();
        if self.asks_for_evidence {
            close(outcome, Reason::TooLittleKnown, |lane| {
                inverse[lane] > self.most_inverse
            });
        }
        if threshold > 0 {
            close(outcome, Reason::BelowThreshold, |lane| relevance[lane] < threshold);
        }
        if group.highest_threshold > 0 {
            close(outcome, Reason::BelowOwnThreshold, |lane| {
                relevance[lane] < group.threshold[lane]
            });
        }
    }
}

impl Answers<'_> {
    /// Nobody of the group was scored.
    fn unscored<const EXPLAIN: bool>(&mut self) {
        *self.relevance = [0; LANES];
        if EXPLAIN {
            for column in &mut self.contributions {
                **column = [u8::MAX; LANES];
            }
        }
    }
}

impl Tiers {
    #[inline(never)]
    fn at(&self, hours: &Mask, out: &mut Words) {
        *out = [self.unknown; LANES];
        for &(stretches, worth) in &self.by_stretch {
            for lane in 0..LANES {
                let is_in = hours[lane] & stretches != 0;
                out[lane] = if is_in { worth } else { out[lane] };
            }
        }
    }
}

/// A moment counts no more than the best reason; one that is not known counts nothing.
#[inline(never)]
fn timely_at(near: &Words, liked: &Words, moments: &Words, out: &mut Words) {
    for lane in 0..LANES {
        let is_known = u16::from(moments[lane] != UNKNOWN).wrapping_neg();
        out[lane] = moments[lane].min(liked[lane].max(near[lane])) & is_known;
    }
}

/// From the month of a purchase to what is left of it: one after the other, as the table is no vector.
#[inline(never)]
fn faded(last: &Mask, by_month: &[u16; 256], left: &mut Words) {
    for lane in 0..LANES {
        left[lane] = by_month[usize::from(last[lane])];
    }
}

/// 65 536 over the weight of each.
#[inline(never)]
fn inverses(inverse: &Words, fifths: &Wide, out: &mut Words) {
    let ((inverse, _), (out, _)) = (inverse.as_chunks::<WIDE>(), out.as_chunks_mut::<WIDE>());
    for (inverse, out) in inverse.iter().zip(out) {
        for at in 0..WIDE {
            out[at] = upper(inverse[at], fifths[at]);
        }
    }
}

/// The latest of the purchases that may be read.
#[inline(never)]
fn latest(group: &Group, categories: &[usize], readable: &Mask) -> Mask {
    let mut last = [0u8; LANES];
    for &category in categories {
        let column = &group.bought[category];
        for lane in 0..LANES {
            last[lane] = last[lane].max(column[lane]);
        }
    }
    for lane in 0..LANES {
        last[lane] &= readable[lane];
    }
    last
}

/// Works out the eighths of a factor, and adds it to the last 16 bits of the sum.
#[inline(never)]
fn add(values: &Words, weight: u16, eighths: &mut Words, sum: &mut Words) {
    let most = most_of(weight);
    for lane in 0..LANES {
        let product = values[lane].wrapping_mul(weight);
        eighths[lane] = eighth_of(product, values[lane], most);
        sum[lane] = sum[lane].wrapping_add(product);
    }
}

#[inline(never)]
fn explain(eighths: &Words, inverse: &Words, shift: u32, told: &Mask, is_known: &Mask, column: &mut Mask) {
    for lane in 0..LANES {
        let told = told[lane] & is_known[lane];
        column[lane] = byte_of(eighths[lane], inverse[lane], shift) & told | !told;
    }
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
