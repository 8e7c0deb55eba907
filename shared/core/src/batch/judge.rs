//! The gates and the score, a group at a time, each as a loop over strips without a branch where it can be.
#![expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]

use std::slice;

use wide::{u8x32, u16x16};

use crate::audience::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING};
use crate::reason::Reason;
use crate::suitability::OnUnknown;

use super::Verdicts;
use super::block::{ANY_INTEREST, ANY_PURCHASE, Block, Group, LANES};
use super::fade::{bought, latest_left};
use super::near::{Homes, distances, in_time, living_in, near_within, nearness, roots};
use super::plan::{EVERYWHERE, LEVEL_BP, Plan, RELATED_LEVEL, Reach, Spot, TOPIC_LEVEL, UNKNOWN, VERY_LEVEL, due};
use super::rules::holds;
use super::score::{Factors, Scored, Scoring, Strip};
use super::strip::{
    Bytes, EVERYBODY, Having, NOBODY, NOTHING, Pair, STRIP, STRIPS, Upper, Words, ahead, all_ahead, each, joined,
    lanes, lanes_mut, line_ahead, most_of, narrow_mask, shifted, spread, widen,
};

/// Where the answers about a group go.
pub(super) struct Answers<'a> {
    outcome: &'a mut Bytes,
    /// One after the other.
    pub(super) relevance: &'a mut Words,
    pub(super) contributions: [&'a mut Bytes; 5],
}

/// Where those about the groups that follow go.
pub(super) struct Later<'a> {
    outcome: &'a mut [Bytes],
    relevance: &'a mut [Words],
    contributions: [&'a mut [Bytes]; 5],
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

    /// Asks for where the answers about a strip of the first group will be.
    #[inline]
    pub(super) fn strip_ahead<const EXPLAIN: bool>(&self, at: usize) {
        if let (Some(outcome), Some(relevance)) = (self.outcome.first(), self.relevance.first()) {
            ahead(&relevance[at]);
            line_ahead(outcome, at);
            for column in self.contributions.iter().filter(|_| EXPLAIN) {
                column.first().into_iter().for_each(|column| line_ahead(column, at));
            }
        }
    }
}

/// What a group is worked out in, kept from one to the next so that nothing is cleared in between.
struct Room {
    near: Words,
    moments: Words,
    liked: Words,
    /// When the latest purchase of the very thing was, as [`super::plan::when`] has it.
    met: Words,
    /// What is left of it.
    again: Words,
    /// For the steps within a step.
    related: Bytes,
    last: Bytes,
    far: [i64; LANES],
    roots: Words,
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
        let groups = block.groups();
        verdicts.people = people;
        verdicts.outcomes.resize(groups, [NOBODY; STRIPS]);
        verdicts.relevance.resize(groups, [NOTHING; STRIPS]);
        verdicts
            .contributions
            .iter_mut()
            .for_each(|column| column.resize(groups, [EVERYBODY; STRIPS]));
        let mut answers = Later {
            outcome: &mut verdicts.outcomes,
            relevance: &mut verdicts.relevance,
            contributions: verdicts.contributions.each_mut().map(Vec::as_mut_slice),
        };
        let mut room = Room {
            near: [NOTHING; STRIPS],
            moments: [NOTHING; STRIPS],
            liked: [NOTHING; STRIPS],
            met: [NOTHING; STRIPS],
            again: [NOTHING; STRIPS],
            related: [NOBODY; STRIPS],
            last: [NOBODY; STRIPS],
            far: [0; LANES],
            roots: [NOTHING; STRIPS],
        };
        if groups == 0 {
            return;
        }
        let mut next = block.group(0);
        for at in 0..groups {
            let Some((these, later)) = answers.split() else { return };
            let first = at * LANES;
            let group = next;
            // The last one is followed by itself.
            next = block.group((at + 1).min(groups - 1));
            let groups = [group, next];
            self.group::<EXPLAIN>(
                &groups,
                (people - first).min(LANES),
                |lane| held_out(first + lane),
                these,
                &later,
                &mut room,
            );
            answers = later;
        }
    }

    #[inline(never)]
    fn group<const EXPLAIN: bool>(
        &self,
        groups: &[Group<'_>; 2],
        people: usize,
        held_out: impl FnMut(usize) -> bool,
        mut answers: Answers<'_>,
        later: &Later<'_>,
        room: &mut Room,
    ) {
        let mut outcome = [u8x32::splat(self.closed); STRIPS];
        if self.closed == 0 {
            lanes_mut::<_, u8>(&mut outcome)[people..].fill(u8::MAX);
            self.gates_and_score::<EXPLAIN>(groups, held_out, &mut outcome, &mut answers, later, room);
        } else {
            answers.unscored::<EXPLAIN>();
        }
        *answers.outcome = outcome;
    }

    #[inline]
    fn gates_and_score<const EXPLAIN: bool>(
        &self,
        groups @ [group, _]: &[Group<'_>; 2],
        held_out: impl FnMut(usize) -> bool,
        outcome: &mut Bytes,
        answers: &mut Answers<'_>,
        later: &Later<'_>,
        room: &mut Room,
    ) {
        self.wishes(groups, outcome, held_out);
        if !is_any_open(outcome) {
            return answers.unscored::<EXPLAIN>();
        }
        if self.is_a_choice(group) {
            // Which way is the best to go depends on what is liked, and who has it already is told apart all the same.
            let mut has = [NOBODY; STRIPS];
            self.affinity(groups, &mut has, room);
            self.several_places(groups, outcome, room);
            self.suits(group, outcome);
            for (out, has) in outcome.iter_mut().zip(has) {
                *out |= has & out.simd_eq(NOBODY);
            }
        } else {
            self.only_place(groups, outcome, room);
            self.suits(group, outcome);
            self.affinity(groups, outcome, room);
        }
        if !is_any_open(outcome) {
            return answers.unscored::<EXPLAIN>();
        }
        let factors = Factors {
            near: &room.near,
            moments: &room.moments,
            liked: &room.liked,
        };
        self.score::<EXPLAIN>(groups, &factors, outcome, answers, later);
    }

    #[inline(never)]
    fn wishes(&self, [group, next]: &[Group<'_>; 2], outcome: &mut Bytes, mut held_out: impl FnMut(usize) -> bool) {
        let objects = Having::of(NO_MARKETING);
        let topic = self
            .topic
            .map(|(pair, shift)| (group.topics(pair), next.topics(pair), shift));
        let is_paused = group.bounds.latest_pause > self.paused_above;
        let paused: &[u32] = lanes(group.paused_until);
        for (at, out) in outcome.iter_mut().enumerate() {
            line_ahead(next.flags, at);
            topic.into_iter().for_each(|(_, next, _)| line_ahead(next, at));
            close(out, Reason::Objected, objects.among(group.flags[at]));
            if self.now < 0 {
                close(out, Reason::Paused, EVERYBODY);
            }
            if is_paused {
                let is_paused = each(|lane| paused[at * STRIP + lane] > self.paused_above);
                close(out, Reason::Paused, is_paused);
            }
            let state = topic.map_or(NOBODY, |(column, _, shift)| {
                shifted(column[at], shift) & u8x32::splat(0b111)
            });
            *out |= self.states.at(state) & out.simd_eq(NOBODY);
        }
        if group.bounds.longest_silent < self.lapsed_before {
            let heard: &[u16] = lanes(group.heard);
            for (at, out) in outcome.iter_mut().enumerate() {
                let has_lapsed = each(|lane| heard[at * STRIP + lane].wrapping_sub(1) < self.lapsed_before);
                close(out, Reason::ConsentExpired, has_lapsed);
            }
        }
        if let Some(segment) = self.segment {
            let sees = Having::of(self.lifecycle);
            for (at, out) in outcome.iter_mut().enumerate() {
                let is_wanted = segment.at(group.life[at] & u8x32::splat(0b111)) & sees.among(group.flags[at]);
                close(out, Reason::OutsideAudience, !is_wanted);
            }
        }
        if self.proposal.campaign.holdout.basis_points() > 0 {
            for (lane, outcome) in lanes_mut::<_, u8>(outcome).iter_mut().enumerate() {
                if *outcome == 0 && held_out(lane) {
                    *outcome = Reason::Holdout.byte();
                }
            }
        }
    }

    /// Whether anybody of the group has several ways to go, or ways that are not alike.
    #[inline]
    fn is_a_choice(&self, group: &Group<'_>) -> bool {
        match self.spots.as_slice() {
            [] => false,
            // Most offers have one place with one radius.
            [spot] => !self.is_punctual || spot.from_home.len() > 1 || (self.here != 0 && self.wanders(group)),
            _ => true,
        }
    }

    /// The proximity and the moment at the only place that anybody would go to, or of an offer without one.
    #[inline]
    fn only_place(&self, groups @ [group, next]: &[Group<'_>; 2], outcome: &mut Bytes, room: &mut Room) {
        let [spot, ..] = self.spots.as_slice() else {
            return self.anywhere(groups, outcome, room);
        };
        let reach = &spot.from_home[0].1;
        let homes = Homes::of(group.bounds.homes, spot, reach);
        match homes {
            Homes::Beyond => self.too_far(group, outcome),
            Homes::Within => {
                roots::<true>(group.home, next.home, spot, reach, &mut room.roots);
                self.one_place::<true>(groups, spot, outcome, room);
            }
            Homes::Mixed => {
                roots::<false>(group.home, next.home, spot, reach, &mut room.roots);
                self.one_place::<false>(groups, spot, outcome, room);
            }
        }
    }

    /// For everybody, if it is known where they are.
    #[inline(never)]
    fn too_far(&self, group: &Group<'_>, outcome: &mut Bytes) {
        let at_home = self.at_home();
        for (out, flags) in outcome.iter_mut().zip(group.flags) {
            close(out, Reason::PlaceUnknown, !at_home.among(*flags));
            close(out, Reason::TooFar, EVERYBODY);
        }
    }

    #[inline(never)]
    fn anywhere(&self, [group, next]: &[Group<'_>; 2], outcome: &mut Bytes, room: &mut Room) {
        let clock = self.clock(group);
        for (at, out) in outcome.iter_mut().enumerate() {
            line_ahead(next.good_hours, at);
            if self.is_late {
                close(out, Reason::TooLate, EVERYBODY);
            }
            room.near[at] = NOTHING;
            room.moments[at] = self.moments.at(self.is_good_hour(group, &clock, at));
        }
    }

    #[inline(never)]
    fn one_place<const WITHIN: bool>(
        &self,
        [group, next]: &[Group<'_>; 2],
        spot: &Spot,
        outcome: &mut Bytes,
        room: &mut Room,
    ) {
        let upper = Upper::new();
        let (clock, at_home) = (self.clock(group), self.at_home());
        for (at, out) in outcome.iter_mut().enumerate() {
            line_ahead(next.good_hours, at);
            close(out, Reason::PlaceUnknown, !at_home.among(group.flags[at]));
            let roots = room.roots[at];
            room.near[at] = if WITHIN {
                near_within(upper, roots)
            } else {
                let (near, is_beyond) = nearness(upper, roots);
                close(out, Reason::TooFar, is_beyond);
                near
            };
            room.moments[at] = spot.moments.at(self.is_good_hour(group, &clock, at));
        }
    }

    /// Keeps the way by which the score is best, as [`crate::decision`] does one by one.
    #[inline(never)]
    fn several_places(&self, [group, next]: &[Group<'_>; 2], outcome: &mut Bytes, room: &mut Room) {
        let (upper, scoring) = (Upper::new(), Scoring::of(self));
        let (clock, at_home) = (self.clock(group), self.at_home());
        let home: Bytes = group.flags.map(|flags| at_home.among(flags));
        let here: Bytes = std::array::from_fn(|at| self.out_and_about(group, at));
        let wanders = here.iter().any(|here| here.any());
        let (mut reached, mut useful) = ([NOBODY; STRIPS], [NOBODY; STRIPS]);
        room.near = [NOTHING; STRIPS];
        room.moments = [[u16x16::splat(UNKNOWN); 2]; STRIPS];
        for spot in &self.spots {
            let ways = spot
                .from_home
                .chunk_by(|(_, one), (_, other)| one.squared == other.squared)
                .map(|reaches| (group.home, next.home, reaches))
                .chain(wanders.then_some((group.here, next.here, slice::from_ref(&spot.from_here))));
            for (from, following, reaches) in ways {
                let whence = |areas: u8, at: usize| match areas {
                    EVERYWHERE => here[at],
                    areas => living_in(areas, group.area[at], home[at]),
                };
                let all = reaches.iter().fold(0, |all, (areas, _)| all | areas);
                roots::<false>(from, following, spot, &reaches[0].1, &mut room.roots);
                if !self.is_punctual {
                    distances(from, spot, &mut room.far);
                }
                let (far, _) = room.far.as_chunks::<STRIP>();
                for at in 0..STRIPS {
                    line_ahead(next.area, at);
                    line_ahead(next.good_hours, at);
                    let (near, is_beyond) = nearness(upper, room.roots[at]);
                    let comes = whence(all, at) & !is_beyond;
                    reached[at] |= comes;
                    let in_time = if self.is_punctual {
                        comes
                    } else {
                        let each =
                            |&(areas, ref reach): &(u8, Reach)| in_time(reach, &far[at]) & comes & whence(areas, at);
                        reaches.iter().fold(NOBODY, |in_time, way| in_time | each(way))
                    };
                    if !in_time.any() {
                        continue;
                    }
                    let moment = spot.moments.at(self.is_good_hour(group, &clock, at));
                    let better = if (in_time & useful[at]).any() {
                        let strip = |near, moment| Strip {
                            flags: group.flags[at],
                            life: group.life[at],
                            near,
                            moment,
                            liked: room.liked[at],
                        };
                        let worth = |near, moment| {
                            let scored = scoring.strip::<false>(at, strip(near, moment), |_, _| {});
                            self.worth(&scored)
                        };
                        let (this, best) = (worth(near, moment), worth(room.near[at], room.moments[at]));
                        is_better([this, near], [best, room.near[at]])
                    } else {
                        [u16x16::MAX; 2]
                    };
                    let (new, is_in_time) = (spread(!useful[at]), spread(in_time));
                    for half in [0, 1] {
                        let takes = (better[half] | new[half]) & is_in_time[half];
                        room.near[at][half] = takes.select(near[half], room.near[at][half]);
                        room.moments[at][half] = takes.select(moment[half], room.moments[at][half]);
                    }
                    useful[at] |= in_time;
                }
            }
        }
        for (at, out) in outcome.iter_mut().enumerate() {
            close(out, Reason::PlaceUnknown, !(home[at] | here[at]));
            close(out, Reason::TooFar, !reached[at]);
            close(out, Reason::TooLate, !useful[at]);
        }
    }

    /// Which of two scores of a person is worth more: one with enough evidence, then the greater.
    #[inline]
    fn worth(&self, scored: &Scored) -> Pair {
        let vague = self.vague.map_or(NOBODY, |vague| scored.vague(vague));
        let enough = spread(!vague);
        [0, 1].map(|half| scored.scores[half] | (enough[half] & u16x16::splat(1 << 15)))
    }

    /// Whose home may be read and is known.
    fn at_home(&self) -> Having {
        Having::of(if self.home == 0 { 0 } else { self.home | HAS_HOME })
    }

    /// Who is known to be somewhere now.
    fn out_and_about(&self, group: &Group<'_>, at: usize) -> u8x32 {
        if self.here == 0 {
            return NOBODY;
        }
        let until: &[u32] = lanes(group.here_until);
        let lasts = |lane: usize| self.now < (i64::from(until[at * STRIP + lane]) - 1) * 3_600;
        Having::of(self.here | HAS_CURRENT_PLACE).among(group.flags[at]) & each(lasts)
    }

    #[inline(never)]
    fn wanders(&self, group: &Group<'_>) -> bool {
        (0..STRIPS).any(|at| self.out_and_about(group, at).any())
    }

    /// By what the good hours of a group are read. Most people of a group have one clock.
    fn clock(&self, group: &Group<'_>) -> Clock {
        let (least, most) = group.bounds.clocks;
        Clock {
            hears: Having::of(self.hours),
            now: (least >= most).then(|| Having::of(self.stretches[usize::from(most)])),
        }
    }

    /// Whose hour it is, by what may be read of their good ones.
    #[inline]
    fn is_good_hour(&self, group: &Group<'_>, clock: &Clock, at: usize) -> u8x32 {
        let hours = group.good_hours[at];
        let holds = match clock.now {
            Some(stretch) => stretch.among(hours),
            None => self.hold_one_by_one(hours, group.ahead[at]),
        };
        holds & clock.hears.among(group.flags[at])
    }

    #[inline(never)]
    fn hold_one_by_one(&self, hours: u8x32, ahead: u8x32) -> u8x32 {
        let (hours, ahead) = (hours.to_array(), ahead.to_array());
        each(|lane| hours[lane] & self.stretches[usize::from(ahead[lane])] != 0)
    }

    #[inline(never)]
    fn suits(&self, group: &Group<'_>, outcome: &mut Bytes) {
        let offer = self.proposal.offer;
        let rules = offer.rules.iter().map(|rule| (&rule.condition, rule.unknown));
        let needs = offer.needs.iter().map(|asked| (&asked.condition, OnUnknown::Exclude));
        for (condition, unknown) in rules.chain(needs) {
            let answer = holds(condition, self, group);
            for (at, out) in outcome.iter_mut().enumerate() {
                close(out, Reason::Unsuitable, answer.no[at]);
                if unknown == OnUnknown::Exclude {
                    close(out, Reason::SuitabilityUnknown, !answer.yes[at]);
                }
            }
        }
    }

    /// Who has it already, and what is liked: the topic, interests, or what is left of purchases.
    #[inline(never)]
    fn affinity(&self, groups @ [group, next]: &[Group<'_>; 2], outcome: &mut Bytes, room: &mut Room) {
        // Most things have nothing that replaces them: then it is read where it is used.
        let only = match self.met.as_slice() {
            [category] => Some([group, next].map(|group| [group.bought_on(*category), group.bought(*category)])),
            several => {
                met(groups, several, &mut room.met);
                None
            }
        };
        let byte = u8x32::splat;
        let (buys, likes) = (Having::of(self.purchases), Having::of(self.interests));
        bought(groups, &self.complements, &mut room.last, &mut room.liked);
        if let Some(again) = &self.again {
            latest_left(groups, &self.met, &again.left, &mut room.last, &mut room.again);
        }
        any_of(group, next, &self.related, &mut room.related);
        let (byte_of_liked, is_liked) = self.liked;
        let (very, very_next) = (group.interests(byte_of_liked), next.interests(byte_of_liked));
        let is_liked = Having::of(is_liked);
        for (at, out) in outcome.iter_mut().enumerate() {
            line_ahead(next.tied, at);
            line_ahead(very_next, at);
            let flags = group.flags[at];
            let (buys, likes) = (buys.among(flags), likes.among(flags));
            let met = match only {
                Some([[day, month], [next_day, next_month]]) => {
                    line_ahead(next_day, at);
                    line_ahead(next_month, at);
                    joined(day[at] & buys, month[at] & buys)
                }
                None => masked(room.met[at], buys),
            };
            if let Some(has) = self.has {
                close(out, Reason::AlreadyHas, narrow_mask(from(has, met)));
            }
            let level = !room.related[at].simd_eq(NOBODY) & byte(RELATED_LEVEL);
            let level = is_liked.among(very[at]).select(byte(VERY_LEVEL), level) & likes;
            let told = group.tied[at] & ((buys & byte(ANY_PURCHASE)) | (likes & byte(ANY_INTEREST)));
            let level = told.simd_eq(NOBODY).select(byte(TOPIC_LEVEL), level);
            let level = widen(level).map(|level| level * u16x16::splat(LEVEL_BP));
            let mut liked = most_of(masked(room.liked[at], buys), level);
            // When the next one is due decides alone, of those who have one.
            if let Some(interval) = self.due {
                let due = met.map(|met| u16x16::new(met.to_array().map(|when| due(when, interval, self.today))));
                let has_none = from(EVER, met).map(|has| !has);
                liked = std::array::from_fn(|half| has_none[half].select(liked[half], due[half]));
            }
            if let Some(again) = &self.again {
                let serves = from(again.serves_from, met);
                let as_again = most_of(liked, masked(room.again[at], buys));
                liked = std::array::from_fn(|half| serves[half].select(liked[half] >> 1_u32, as_again[half]));
            }
            room.liked[at] = liked;
        }
    }
}

/// Which of these interests there are.
#[inline(never)]
fn any_of(group: &Group<'_>, next: &Group<'_>, interests: &[(usize, u8)], any: &mut Bytes) {
    *any = [NOBODY; STRIPS];
    let (threes, rest) = interests.as_chunks::<3>();
    for three in threes {
        add_interests(group, next, three, any);
    }
    match rest {
        [a, b] => add_interests(group, next, &[*a, *b], any),
        [a] => add_interests(group, next, &[*a], any),
        _ => {}
    }
}

/// As many columns as one step reads side by side.
#[inline]
fn add_interests<const COUNT: usize>(
    group: &Group<'_>,
    next: &Group<'_>,
    interests: &[(usize, u8); COUNT],
    any: &mut Bytes,
) {
    let columns = interests.map(|(byte, bits)| (group.interests(byte), next.interests(byte), u8x32::splat(bits)));
    for (at, any) in any.iter_mut().enumerate() {
        for (column, next, bits) in columns {
            line_ahead(next, at);
            *any |= column[at] & bits;
        }
    }
}

/// How the good hours of a group are read.
struct Clock {
    hears: Having,
    /// The stretch of now, where it is the same for all.
    now: Option<Having>,
}

impl Answers<'_> {
    /// Nobody of the group was scored.
    fn unscored<const EXPLAIN: bool>(&mut self) {
        *self.relevance = [NOTHING; STRIPS];
        if EXPLAIN {
            for column in &mut self.contributions {
                **column = [EVERYBODY; STRIPS];
            }
        }
    }
}

/// When the very thing was bought last, in one of the categories, of which there is at least one. Below [`EVER`], it never was.
#[inline(never)]
fn met([group, next]: &[Group<'_>; 2], categories: &[usize], met: &mut Words) {
    let mut is_first = true;
    for &category in categories {
        all_ahead(next.bought(category));
        all_ahead(next.bought_on(category));
        let days = group.bought_on(category).iter().zip(group.bought(category));
        for (met, (day, month)) in met.iter_mut().zip(days) {
            let when = joined(*day, *month);
            *met = if is_first { when } else { most_of(*met, when) };
        }
        is_first = false;
    }
}

/// Before any day: of who never bought, the day in a month means nothing.
const EVER: u16 = 1 << 8;

/// Who bought from this day on.
#[inline]
pub(super) fn from(first: u16, met: Pair) -> Pair {
    met.map(|met| met.max(u16x16::splat(first)).simd_eq(met))
}

/// Whether the first is worth more than the second, or as much and no farther.
#[inline]
fn is_better([worth, near]: [Pair; 2], [best, nearest]: [Pair; 2]) -> Pair {
    [0, 1].map(|half| {
        let is_no_less = |a: u16x16, b: u16x16| a.max(b).simd_eq(a);
        let is_same = worth[half].simd_eq(best[half]);
        is_no_less(worth[half], best[half]) & (!is_same | is_no_less(near[half], nearest[half]))
    })
}

fn masked(words: Pair, mask: u8x32) -> Pair {
    let mask = spread(mask);
    [words[0] & mask[0], words[1] & mask[1]]
}

fn is_any_open(outcome: &Bytes) -> bool {
    outcome.iter().any(|outcome| outcome.simd_eq(NOBODY).any())
}

/// Closes for those whose outcome is still open.
#[inline]
pub(super) fn close(outcome: &mut u8x32, by: Reason, closes: u8x32) {
    *outcome |= closes & outcome.simd_eq(NOBODY) & u8x32::splat(by.byte());
}
