//! The gates and the score, a group at a time, each as a loop over lanes without a branch where it can be. The steps are not
//! inlined: one function of all of them is more than the compiler turns into vectors, and half as fast.
#![expect(clippy::indexing_slicing, reason = "lanes are below the length of each column")]
#![expect(
    clippy::needless_range_loop,
    reason = "a lane is one of many columns, and zipping them hides which"
)]

use crate::audience::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING};
use std::slice;

use crate::reason::Reason;
use crate::suitability::OnUnknown;

use super::Verdicts;
use super::block::{ANY_INTEREST, ANY_PURCHASE, Block, Group, LANES};
use super::fade::bought;
use super::near::{better, distances, in_time, living_in, nearness};
use super::plan::{EVERYWHERE, Plan, RELATED_LEVEL, TOPIC_LEVEL, Tiers, UNKNOWN, VERY_LEVEL};
use super::rules::{Readable, holds};
use super::score::Factors;
use super::strip::Ahead;

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

/// How many lines of what comes next are asked for between two steps: three columns of bytes.
const LINES: usize = 24;

/// Where the answers about a group go.
pub(super) struct Answers<'a> {
    outcome: &'a mut Mask,
    pub(super) relevance: &'a mut Words,
    pub(super) contributions: [&'a mut Mask; 5],
}

/// Where those about the groups that follow go.
struct Later<'a> {
    outcome: &'a mut [Mask],
    relevance: &'a mut [Words],
    contributions: [&'a mut [Mask]; 5],
}

impl<'a> Later<'a> {
    /// The first group's, and the others.
    fn split(self) -> Option<(Answers<'a>, Self)> {
        let [a, b, c, d, e] = self.contributions.map(|column| column.split_first_mut());
        let ((a, also_a), (b, also_b), (c, also_c), (d, also_d), (e, also_e)) = (a?, b?, c?, d?, e?);
        let (outcome, outcomes) = self.outcome.split_first_mut()?;
        let (relevance, more) = self.relevance.split_first_mut()?;
        let these = Answers {
            outcome,
            relevance,
            contributions: [a, b, c, d, e],
        };
        let later = Self {
            outcome: outcomes,
            relevance: more,
            contributions: [also_a, also_b, also_c, also_d, also_e],
        };
        Some((these, later))
    }

    /// What the first group's answers will be written over.
    fn written<'b, const EXPLAIN: bool>(&'b self, ahead: &mut Ahead<'b>) {
        if let Some(outcome) = self.outcome.first() {
            ahead.add(outcome);
        }
        if let Some(relevance) = self.relevance.first() {
            ahead.add(relevance);
        }
        for column in self.contributions.iter().filter(|_| EXPLAIN) {
            if let Some(contributions) = column.first() {
                ahead.add(contributions);
            }
        }
    }
}

/// What a group is worked out in, kept from one to the next so that nothing is cleared in between.
struct Room {
    near: Words,
    moments: Words,
    bought: Words,
    level: Mask,
    recently: Mask,
    /// For the steps within a step.
    far: [i64; LANES],
    roots: Words,
    also_near: Words,
    told: Words,
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
        let mut answers = Later {
            outcome: verdicts.outcomes.as_chunks_mut().0,
            relevance: verdicts.relevance.as_chunks_mut().0,
            contributions: verdicts.contributions.each_mut().map(|column| column.as_chunks_mut().0),
        };
        let mut room = Room {
            near: [0; LANES],
            moments: [0; LANES],
            bought: [0; LANES],
            level: [0; LANES],
            recently: [0; LANES],
            far: [0; LANES],
            roots: [0; LANES],
            also_near: [0; LANES],
            told: [0; LANES],
        };
        for at in 0..block.groups() {
            let Some((these, later)) = answers.split() else { return };
            let mut ahead = Ahead::nothing();
            if at + 1 < block.groups() {
                self.read_of(&block.group(at + 1), &mut ahead);
                later.written::<EXPLAIN>(&mut ahead);
            }
            let first = at * LANES;
            self.group::<EXPLAIN>(
                &block.group(at),
                (people - first).min(LANES),
                |lane| held_out(first + lane),
                these,
                &mut room,
                &mut ahead,
            );
            answers = later;
        }
    }

    /// What of a group is read of nearly everybody.
    fn read_of<'a>(&self, group: &Group<'a>, ahead: &mut Ahead<'a>) {
        ahead.add(group.flags);
        if let Some((pair, _)) = self.topic {
            ahead.add(group.topics(pair));
        }
        if !self.spots.is_empty() {
            for home in group.home {
                ahead.add(home);
            }
        }
        for column in [group.life, group.good_hours, group.tied] {
            ahead.add(column);
        }
        let interests = self.liked.into_iter().zip(self.related).enumerate();
        for (byte, _) in interests.filter(|(_, (liked, related))| liked | related != 0) {
            ahead.add(group.interests(byte));
        }
        let complements = self.complements.iter().flat_map(|(categories, _)| categories);
        for category in complements.chain(&self.met) {
            ahead.add(group.bought(*category));
        }
        if !self.proposal.offer.rules.is_empty() {
            group.flag_facts.into_iter().for_each(|column| ahead.add(column));
        }
        if self.spots.iter().any(|spot| spot.from_home.len() > 1) {
            ahead.add(group.area);
        }
        if group.bounds.longest_silent < self.lapsed_before {
            ahead.add(group.heard);
        }
        if group.bounds.latest_pause > self.paused_above {
            ahead.add(group.paused_until);
        }
        if group.bounds.highest_threshold > 0 {
            ahead.add(group.threshold);
        }
    }

    #[inline(never)]
    fn group<const EXPLAIN: bool>(
        &self,
        group: &Group<'_>,
        people: usize,
        held_out: impl FnMut(usize) -> bool,
        mut answers: Answers<'_>,
        room: &mut Room,
        ahead: &mut Ahead<'_>,
    ) {
        let mut outcome = [self.closed; LANES];
        if self.closed == 0 {
            outcome[people..].fill(u8::MAX);
            self.gates_and_score::<EXPLAIN>(group, held_out, &mut outcome, &mut answers, room, ahead);
        } else {
            answers.unscored::<EXPLAIN>();
        }
        *answers.outcome = outcome;
    }

    #[inline]
    fn gates_and_score<const EXPLAIN: bool>(
        &self,
        group: &Group<'_>,
        held_out: impl FnMut(usize) -> bool,
        outcome: &mut Mask,
        answers: &mut Answers<'_>,
        room: &mut Room,
        ahead: &mut Ahead<'_>,
    ) {
        ahead.fetch(LINES);
        self.wishes(group, outcome, held_out);
        ahead.fetch(LINES);
        if !outcome.contains(&0) {
            return answers.unscored::<EXPLAIN>();
        }
        self.places(group, outcome, room, ahead);
        ahead.fetch(LINES);
        let readable = Readable {
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
        self.affinity(group, &readable, &met, room, ahead);
        ahead.fetch(LINES);
        let factors = Factors {
            near: &room.near,
            moments: &room.moments,
            bought: &room.bought,
            level: &room.level,
            recently: self.recent.map(|_| &room.recently),
        };
        self.score::<EXPLAIN>(group, &factors, ahead, outcome, answers);
    }

    #[inline(never)]
    fn wishes(&self, group: &Group<'_>, outcome: &mut Mask, mut held_out: impl FnMut(usize) -> bool) {
        close(outcome, Reason::Objected, |lane| group.flags[lane] & NO_MARKETING != 0);
        if self.now < 0 {
            close(outcome, Reason::Paused, |_| true);
        }
        if group.bounds.latest_pause > self.paused_above {
            close(outcome, Reason::Paused, |lane| {
                group.paused_until[lane] > self.paused_above
            });
        }
        let mut state = [0; LANES];
        if let Some((pair, shift)) = self.topic {
            let column = group.topics(pair);
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
        if group.bounds.longest_silent < self.lapsed_before {
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
    fn places(&self, group: &Group<'_>, outcome: &mut Mask, room: &mut Room, ahead: &mut Ahead<'_>) {
        let hours = self.good_hours(group);
        if self.spots.is_empty() {
            if self.is_late {
                close(outcome, Reason::TooLate, |_| true);
            }
            room.near = [0; LANES];
            return self.moments.at(&hours, &mut room.moments);
        }
        let at_home = |flags: u8| (flags & self.home != 0) & (flags & HAS_HOME != 0);
        let home = mask(|lane| at_home(group.flags[lane]));
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
        // Most offers have one place with one radius.
        if let (true, [spot]) = (self.is_punctual && !wanders, &*self.spots)
            && let [(_, reach)] = spot.from_home.as_slice()
        {
            nearness(group.home, spot, reach, &home, &mut room.roots, &mut room.near);
            ahead.fetch(LINES);
            ahead.fetch(LINES);
            close(outcome, Reason::TooFar, |lane| room.near[lane] == 0);
            return spot.moments.at(&hours, &mut room.moments);
        }
        let mut useful = [0; LANES];
        room.near = [0; LANES];
        room.moments = [UNKNOWN; LANES];
        for spot in &self.spots {
            spot.moments.at(&hours, &mut room.told);
            let ways = spot
                .from_home
                .chunk_by(|(_, one), (_, other)| one.squared == other.squared)
                .map(|reaches| (group.home, reaches))
                .chain(wanders.then_some((group.here, slice::from_ref(&spot.from_here))));
            for (from, reaches) in ways {
                let whence = |areas: u8| match areas {
                    EVERYWHERE => here,
                    areas => living_in(areas, group, &home),
                };
                let all = reaches.iter().fold(0, |all, (areas, _)| all | areas);
                nearness(
                    from,
                    spot,
                    &reaches[0].1,
                    &whence(all),
                    &mut room.roots,
                    &mut room.also_near,
                );
                better(&room.also_near, &room.told, &mut room.near, &mut room.moments);
                if !self.is_punctual {
                    distances(from, spot, &mut room.far);
                    for &(areas, ref reach) in reaches {
                        in_time(reach, &whence(areas), &room.also_near, &room.far, &mut useful);
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
    fn good_hours(&self, group: &Group<'_>) -> Mask {
        let mut turned = [0; LANES];
        if self.hours == 0 {
            return turned;
        }
        let allowed = |lane: usize| u8::from(group.flags[lane] & self.hours != 0).wrapping_neg();
        let (least, most) = group.bounds.clocks;
        if least >= most {
            let turn = u32::from(self.turns[usize::from(most)]);
            for lane in 0..LANES {
                turned[lane] = group.good_hours[lane].rotate_right(turn) & allowed(lane);
            }
        } else {
            for lane in 0..LANES {
                let turn = u32::from(self.turns[usize::from(group.ahead[lane])]);
                turned[lane] = group.good_hours[lane].rotate_right(turn) & allowed(lane);
            }
        }
        turned
    }

    #[inline(never)]
    fn suits(&self, group: &Group<'_>, readable: &Readable, outcome: &mut Mask) {
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

    /// What the affinity is made of: a level stands for what is liked and for the topic; a purchase fades from there.
    #[inline(never)]
    fn affinity(&self, group: &Group<'_>, readable: &Readable, met: &Mask, room: &mut Room, ahead: &mut Ahead<'_>) {
        let (mut very, mut related) = ([0; LANES], [0; LANES]);
        for (byte, (bits, others)) in self.liked.into_iter().zip(self.related).enumerate() {
            let column = group.interests(byte);
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
        for lane in 0..LANES {
            let liked = if related[lane] == 0 { 0 } else { RELATED_LEVEL };
            let liked = if very[lane] == 0 { liked } else { VERY_LEVEL };
            let interests = readable.interests[lane];
            let told = group.tied[lane] & ((readable.purchases[lane] & ANY_PURCHASE) | (interests & ANY_INTEREST));
            room.level[lane] = if told == 0 { TOPIC_LEVEL } else { liked & interests };
        }
        ahead.fetch(LINES);
        bought(group, &self.complements, &readable.purchases, &mut room.bought);
        // When the next one is due decides alone, of those who have one.
        if let Some(due) = &self.due {
            for lane in 0..LANES {
                if met[lane] != 0 {
                    room.bought[lane] = due[usize::from(met[lane])];
                    room.level[lane] = 0;
                }
            }
        }
        if let Some(recent) = self.recent {
            room.recently = mask(|lane| met[lane] >= recent);
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

/// The latest of the purchases that may be read.
#[inline(never)]
pub(super) fn latest(group: &Group<'_>, categories: &[usize], readable: &Mask) -> Mask {
    let mut last = [0u8; LANES];
    for &category in categories {
        let column = group.bought(category);
        for lane in 0..LANES {
            last[lane] = last[lane].max(column[lane]);
        }
    }
    for lane in 0..LANES {
        last[lane] &= readable[lane];
    }
    last
}

/// Whose consent lets an attribute be read that the offer declares; 0 declares none.
#[inline(never)]
pub(super) fn allowed(group: &Group<'_>, bit: u8) -> Mask {
    mask(|lane| group.flags[lane] & bit != 0)
}

fn close(outcome: &mut Mask, by: Reason, closed: impl Fn(usize) -> bool) {
    for (lane, outcome) in outcome.iter_mut().enumerate() {
        let closes = (*outcome == 0) & closed(lane);
        *outcome = if closes { by.byte() } else { *outcome };
    }
}
