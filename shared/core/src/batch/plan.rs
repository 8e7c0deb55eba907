//! What is the same for everybody who is judged for one proposal at one time.

use jiff::{SignedDuration, Timestamp};
use wide::{u8x32, u16x16};

use crate::affinity::{self, INTEREST_BP, RELATED_INTEREST_BP, TOPIC_BP, due_bp};
use crate::attribute::{Attribute, Fact};
use crate::audience::{STATE_BITS, STATES};
use crate::campaign::{Audience, Goal};
use crate::category::{Category, complements, meets};
use crate::consent::DataPurpose;
use crate::context::Lifecycle;
use crate::decision::{Proposal, SCORING_TO_READING, in_force};
use crate::habit::{appetite_bp, stretch_at};
use crate::hours::{Opening, OpeningHours};
use crate::ids::CustomerId;
use crate::moment::{self, Parts};
use crate::place::{Place, Radius, Scale, SquaredChord};
use crate::purchase_day::{PurchaseDay, days_since};
use crate::relevance::{Factor, Relevance, weight};
use crate::time::{EpochDay, later};
use crate::travel::{Area, minutes};

use super::fade::Fading;
use super::share::{Levels, fifths_of, inverse_of, shift_of};
use super::strip::{Pair, Table, WordTable, spread};

/// Wherever somebody is, in the place of areas where they live.
pub(super) const EVERYWHERE: u8 = u8::MAX;

/// No moment is known.
pub(super) const UNKNOWN: u16 = u16::MAX;

/// Affinities and fits that are bytes count so many basis points a step.
pub(super) const LEVEL_BP: u16 = 50;
pub(super) const VERY_LEVEL: u8 = level(INTEREST_BP);
pub(super) const RELATED_LEVEL: u8 = level(RELATED_INTEREST_BP);
pub(super) const TOPIC_LEVEL: u8 = level(TOPIC_BP);

#[expect(
    clippy::as_conversions,
    reason = "TryFrom is not const yet; checked when it is compiled"
)]
const fn level(bp: u32) -> u8 {
    assert!(bp <= 10_000 && bp.is_multiple_of(LEVEL_BP as u32), "a whole level");
    (bp / (LEVEL_BP as u32)) as u8
}

/// The distances within a radius, and which of them are in time.
#[derive(PartialEq)]
pub(super) struct Reach {
    pub(super) squared: u64,
    pub(super) scale: Scale,
    /// The scale's, of 31 bits.
    pub(super) factor: u32,
    /// In time up to the first, then not up to the second, and so on.
    pub(super) cuts: Vec<u64>,
    /// Whether the nearest are in time.
    pub(super) nearest_in_time: bool,
}

pub(super) struct Spot {
    pub(super) centre: [i32; 3],
    /// From which areas, a bit for each of their stored forms; those of one radius beside each other.
    pub(super) from_home: Vec<(u8, Reach)>,
    /// In the same form.
    pub(super) from_here: (u8, Reach),
    pub(super) moments: Moments,
}

/// The moments at a place, or without one: at an hour of somebody's good ones, and at any other.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    usual: u16,
    good: u16,
}

impl Moments {
    fn of(parts: Parts) -> Self {
        let at = |is_good_hour| parts.at(is_good_hour).map_or(UNKNOWN, Relevance::basis_points);
        Self {
            usual: at(false),
            good: at(true),
        }
    }

    /// Of a strip, by whose hour is a good one.
    #[inline]
    pub(super) fn at(self, is_good_hour: u8x32) -> Pair {
        let [usual, good] = [self.usual, self.good].map(u16x16::splat);
        spread(is_good_hour).map(|is_good| is_good.select(good, usual))
    }
}

/// What a last purchase of the very thing says of another.
pub(super) struct Again {
    /// From this day on, as [`when`] has it, it still serves.
    pub(super) serves_from: u16,
    /// What it says once it does not.
    pub(super) left: Fading,
}

/// One proposal at one time, for any number of people.
pub struct Plan<'a> {
    pub(super) proposal: Proposal<'a>,
    /// The reason that closes for everybody, or 0.
    pub(super) closed: u8,
    pub(super) now: i64,
    /// Who is paused until later than that is paused now. Before 1970 there was nobody.
    pub(super) paused_above: u32,
    /// Whether an offer without a place is over before it is read.
    pub(super) is_late: bool,
    /// Which pair and by how many bits.
    pub(super) topic: Option<(usize, u32)>,
    pub(super) states: Table,
    /// A day of the last sign before this one has lapsed.
    pub(super) lapsed_before: u16,
    /// Whether they are wanted, by the lifecycle's byte, for a segment.
    pub(super) segment: Option<Table>,
    pub(super) spots: Vec<Spot>,
    /// Whether whoever is within reach comes in time.
    pub(super) is_punctual: bool,
    /// The moments without a place.
    pub(super) moments: Moments,
    /// What the offer declares: the bits of the consents that let it be read, or none.
    pub(super) home: u8,
    pub(super) here: u8,
    pub(super) purchases: u8,
    pub(super) interests: u8,
    pub(super) lifecycle: u8,
    pub(super) reaction: u8,
    pub(super) hours: u8,
    /// By the quarters of an hour, the bit of the stretch that it is now.
    pub(super) stretches: [u8; 256],
    pub(super) today: EpochDay,
    /// Complementary categories that fade alike.
    pub(super) complements: Vec<(Vec<usize>, Fading)>,
    pub(super) met: Vec<usize>,
    /// From which day of the last purchase on, as [`when`] has it.
    pub(super) has: Option<u16>,
    /// Where that does not decide alone.
    pub(super) again: Option<Again>,
    /// After how many days the next one is needed, where that decides alone.
    pub(super) due: Option<u16>,
    /// The bit of an interest in the category itself, and in which byte.
    pub(super) liked: (usize, u8),
    /// Those of related ones.
    pub(super) related: Vec<(usize, u8)>,
    /// What the fit of a lifecycle adds, by its byte.
    pub(super) fits: Levels,
    /// What a reaction adds, by its bits.
    pub(super) reactions: Levels,
    /// In fifths.
    pub(super) weights: [u16; 5],
    /// The known weight, by whether the moment, the lifecycle and the reaction are: bits from the lowest.
    pub(super) known: Table,
    /// And its inverse.
    pub(super) inverses: WordTable,
    /// By which of those too little is known, if anybody.
    pub(super) vague: Option<Table>,
    pub(super) shift: u32,
    pub(super) fifths: u16,
}

impl std::fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({})", self.proposal.campaign.id)
    }
}

pub(super) fn bit(purpose: DataPurpose) -> u8 {
    DataPurpose::ALL
        .into_iter()
        .position(|each| each == purpose)
        .map_or(0, |position| 1 << position)
}

impl<'a> Plan<'a> {
    /// Works out what does not depend on the person.
    #[must_use]
    pub fn new(proposal: Proposal<'a>, now: Timestamp) -> Self {
        let Proposal {
            brand, offer, campaign, ..
        } = proposal;
        let goal = campaign.goal;
        let reads = |attribute: Attribute| {
            if offer.declares(attribute) {
                attribute
                    .purposes()
                    .iter()
                    .fold(0, |bits, purpose| bits | bit(*purpose))
            } else {
                0
            }
        };
        let mut states = [0; 8];
        for (byte, state) in states.iter_mut().zip(STATES) {
            *byte = state.err().map_or(0, crate::reason::Reason::byte);
        }
        let today = EpochDay::of(now);
        let month = PurchaseDay::of(today).month();
        let stretches = std::array::from_fn(|ahead| stretch(u8::try_from(ahead).unwrap_or(0), now));
        let moments = |place: Option<&Place>| Moments::of(moment::common(offer, place, now));
        let interval = offer.category.repurchase_days();
        let closed_for = affinity::closed_for(offer.category, goal);
        let index = |category: Category| usize::from(category.code()) - 1;
        let mut related: Vec<(usize, u8)> = Vec::new();
        let is_related = |category: &Category| {
            complements(*category, offer.category) || category.family() == offer.category.family()
        };
        for category in Category::all()
            .filter(|category| *category != offer.category)
            .filter(is_related)
        {
            let (byte, bit) = (index(category) / 8, 1 << (index(category) % 8));
            match related.iter_mut().find(|(known, _)| *known == byte) {
                Some((_, bits)) => *bits |= bit,
                None => related.push((byte, bit)),
            }
        }
        let mut fits = [0; 8];
        for lifecycle in Lifecycle::ALL {
            if let Some(fit) = fits.get_mut(usize::from(lifecycle.byte())) {
                *fit = goal.fit(lifecycle).basis_points();
            }
        }
        let lifecycle = reads(Attribute::Lifecycle);
        let reads_at = later(now, SCORING_TO_READING);
        let spots: Vec<Spot> = offer
            .places
            .iter()
            .map(|place| spot(place, reads_at, offer.window.until, moments(Some(place))))
            .collect();
        let mut fading: Vec<(Category, Vec<usize>)> = Vec::new();
        for category in Category::all().filter(|category| complements(*category, offer.category)) {
            let half_life = category.half_life_days();
            match fading.iter_mut().find(|(known, _)| known.half_life_days() == half_life) {
                Some((_, categories)) => categories.push(index(category)),
                None => fading.push((category, vec![index(category)])),
            }
        }
        let weights = Factor::ALL.map(|factor| u16::try_from(weight(goal, factor) / 5).unwrap_or(0));
        let [place, affinity, others @ ..] = weights;
        let [_, fitting, reacting] = others;
        let sure = if spots.is_empty() { affinity } else { place + affinity };
        let shift = shift_of(sure);
        let known: [u16; 8] = std::array::from_fn(|set| {
            let is_known = |(at, _): &(usize, u16)| set >> at & 1 != 0;
            sure + others
                .into_iter()
                .enumerate()
                .filter(is_known)
                .map(|(_, weight)| weight)
                .sum::<u16>()
        });
        let is_enough = |weight: u16| u32::from(weight) * 500 >= campaign.minimum_evidence.basis_points().into();
        let vague = known.map(|weight| u8::from(!is_enough(weight)).wrapping_neg());
        Self {
            proposal,
            closed: in_force(proposal, now)
                .err()
                .map_or(0, |withheld| withheld.reason.byte()),
            now: now.as_second(),
            paused_above: u32::try_from(now.as_second().max(0)).unwrap_or(u32::MAX),
            is_late: later(now, SCORING_TO_READING) >= offer.window.until,
            topic: brand.topics.number(&campaign.topic).map(|number| {
                (
                    usize::from(number.get() / 2),
                    u32::from(number.get() % 2) * u32::from(STATE_BITS),
                )
            }),
            states: Table::of(&states),
            lapsed_before: if today.0 == u16::MAX {
                today.0
            } else {
                today.0.saturating_sub(brand.retention.days())
            },
            segment: match &campaign.audience {
                Audience::Everyone | Audience::NearPlaces => None,
                Audience::Lifecycle(wanted) => {
                    let is_wanted = |byte: u8| wanted.iter().any(|each| each.byte() == byte);
                    let wanted: [u8; 8] = std::array::from_fn(|byte| u8::from(u8::try_from(byte).is_ok_and(is_wanted)));
                    Some(Table::of(&wanted.map(u8::wrapping_neg)))
                }
            },
            is_punctual: spots.iter().all(Spot::is_punctual),
            spots,
            moments: moments(None),
            home: reads(Attribute::Home),
            here: reads(Attribute::CurrentPlace),
            purchases: reads(Attribute::Purchases),
            interests: reads(Attribute::Interests),
            lifecycle,
            reaction: reads(Attribute::Reaction),
            hours: reads(Attribute::ActiveHours),
            stretches,
            today,
            complements: fading
                .into_iter()
                .map(|(category, categories)| {
                    let left = |bought| affinity::recency_bp(category, days_since(bought, today));
                    (categories, Fading::of(month, left))
                })
                .collect(),
            met: Category::all()
                .filter(|category| meets(*category, offer.category))
                .map(index)
                .collect(),
            has: closed_for.map(|closed| later_than(closed, today)),
            // When the next one is due decides alone.
            again: (goal != Goal::Anticipate).then(|| Again {
                serves_from: later_than(interval.into(), today),
                left: Fading::of(month, |bought| {
                    affinity::recency_bp(offer.category, days_since(bought, today))
                }),
            }),
            due: (goal == Goal::Anticipate).then_some(interval),
            liked: (index(offer.category) / 8, 1 << (index(offer.category) % 8)),
            related,
            fits: Levels::of(fitting, fits),
            reactions: Levels::of(
                reacting,
                [0, 1, 2, 3, 4, 5, 6, 7]
                    .map(|level| Relevance::clamped(appetite_bp(level).unwrap_or(0)).basis_points()),
            ),
            weights,
            known: Table::of(&known.map(|weight| u8::try_from(weight).unwrap_or(u8::MAX))),
            inverses: WordTable::of(&known.map(|weight| inverse_of(weight, shift))),
            vague: vague.contains(&u8::MAX).then(|| Table::of(&vague)),
            shift,
            fifths: fifths_of(shift),
        }
    }

    /// Whether the campaign holds the person out: what [`judge`](Self::judge) asks about whoever comes so far.
    #[must_use]
    pub fn holds_out(&self, customer: &CustomerId) -> bool {
        let Proposal { brand, campaign, .. } = self.proposal;
        campaign.holdout > Relevance::NONE && campaign.holds_out(&brand.id, customer)
    }

    /// Whether the offer declared the fact.
    pub(super) fn reads_fact(&self, fact: Fact) -> bool {
        self.proposal.offer.declares(Attribute::Fact(fact))
    }
}

/// The day of a purchase as a word, greater the later it was: the month plus one, and the day in it. 0 is never.
pub(super) fn when(day: PurchaseDay) -> u16 {
    let [month, day] = day.to_bytes();
    u16::from_be_bytes([month + 1, day])
}

/// From which day on a purchase is fewer than so many days ago.
fn later_than(days: u32, today: EpochDay) -> u16 {
    let days = u16::try_from(days).unwrap_or(u16::MAX);
    since(EpochDay((today.0 + 1).saturating_sub(days)))
}

/// From which day on a purchase is of that day or later; where no purchase can be, later than all.
pub(super) fn since(day: EpochDay) -> u16 {
    let purchase = PurchaseDay::of(day);
    if purchase.days_until(day) > 0 {
        u16::MAX
    } else {
        when(purchase)
    }
}

/// How much the next one is needed by somebody whose last purchase was [`when`]; of who never bought, it means nothing.
pub(super) fn due(when: u16, interval: u16, today: EpochDay) -> u16 {
    let [month, day] = when.to_be_bytes();
    let day = PurchaseDay::from_bytes([month.saturating_sub(1), day]);
    let days = day.map_or(0, |day| day.days_until(today));
    Relevance::clamped(due_bp(days, interval)).basis_points()
}

/// The bit of the stretch of the day that it is on a clock so far ahead.
fn stretch(ahead: u8, now: Timestamp) -> u8 {
    1 << stretch_at(i8::from_be_bytes([ahead]), now)
}

impl Spot {
    fn is_punctual(&self) -> bool {
        let reaches = self.from_home.iter().map(|(_, reach)| reach).chain([&self.from_here.1]);
        reaches
            .into_iter()
            .all(|reach| reach.nearest_in_time && reach.cuts.is_empty())
    }
}

fn spot(place: &Place, reads: Timestamp, ends: Timestamp, moments: Moments) -> Spot {
    let areas: [Option<Area>; 4] =
        std::array::from_fn(|bits| bits.checked_sub(1).and_then(|at| Area::ALL.get(at).copied()));
    let ways = areas.into_iter().chain([Some(Area::DenseCity)]);
    let longest = ways.map(|area| minutes(place.radius_from(area).chord(), area)).max();
    let in_time = InTime::of(place.hours.as_ref(), reads, ends, longest.unwrap_or(0));
    let reach = |area: Option<Area>| reach(place.radius_from(area), area, &in_time);
    let mut from_home: Vec<(u8, Reach)> = Vec::new();
    for (bits, area) in (0..).zip(areas) {
        let reach = reach(area);
        match from_home.iter_mut().find(|(_, known)| *known == reach) {
            Some((areas, _)) => *areas |= 1 << bits,
            None => from_home.push((1 << bits, reach)),
        }
    }
    from_home.sort_by_key(|(_, reach)| reach.squared);
    Spot {
        centre: place.centre.components(),
        from_home,
        from_here: (EVERYWHERE, reach(Some(Area::DenseCity))),
        moments,
    }
}

/// Whether somebody who arrives so many minutes later finds the place open before it is over.
struct InTime {
    at_once: bool,
    /// From which minutes on it is the other way round.
    changes: Vec<u32>,
}

/// How many whole minutes after the one instant are before the other, that instant itself among them.
fn minutes_before(ends: Timestamp, from: Timestamp) -> u32 {
    let nanoseconds = ends.duration_since(from).as_nanos().max(0).unsigned_abs();
    u32::try_from(nanoseconds.div_ceil(60_000_000_000)).unwrap_or(u32::MAX)
}

impl InTime {
    /// The calendar is asked once for each stretch of being open or shut, as long as its end agrees with its beginning: on two
    /// nights a year it does not.
    fn of(hours: Option<&OpeningHours>, reads: Timestamp, ends: Timestamp, longest: u32) -> Self {
        let after = |minutes: u32| later(reads, SignedDuration::from_mins(minutes.into()));
        let mut told = Self {
            at_once: false,
            changes: Vec::new(),
        };
        // Whole minutes that begin before the end.
        let left = minutes_before(ends, reads);
        let Some(hours) = hours else {
            told.add(0, left > 0);
            told.add(left, false);
            return told;
        };
        let mut minute = 0;
        while minute <= longest {
            let (lasts, last) = match hours.at(after(minute)) {
                Opening::Open { minutes_left } => (minutes_left, Opening::Open { minutes_left: 1 }),
                Opening::Shut { opens_in: Some(wait) } => (wait, Opening::Shut { opens_in: Some(1) }),
                Opening::Shut { opens_in: None } => {
                    told.add(minute, false);
                    minute += 1;
                    continue;
                }
            };
            let is_steady = lasts > 1 && hours.at(after(minute + lasts - 1)) == last;
            let stretch = if is_steady { lasts.min(longest - minute + 1) } else { 1 };
            match last {
                Opening::Open { .. } => {
                    told.add(minute, minute < left);
                    if minute + stretch > left {
                        told.add(left.max(minute), false);
                    }
                }
                Opening::Shut { .. } => told.add(minute, minute + lasts < left),
            }
            minute += stretch;
        }
        told
    }

    /// From this minute on it is so.
    fn add(&mut self, minute: u32, is_in_time: bool) {
        if minute == 0 {
            self.at_once = is_in_time;
        } else if is_in_time != self.last() {
            self.changes.push(minute);
        }
    }

    const fn last(&self) -> bool {
        self.at_once != (self.changes.len() % 2 == 1)
    }
}

fn reach(radius: Radius, area: Option<Area>, in_time: &InTime) -> Reach {
    let farthest = radius.chord();
    let longest = minutes(farthest, area);
    let changes = in_time.changes.iter().filter(|change| **change <= longest);
    Reach {
        squared: farthest.value(),
        scale: radius.scale(),
        factor: u32::try_from(radius.scale().factor).unwrap_or(u32::MAX),
        cuts: changes
            .map(|change| last_within(change - 1, farthest.value(), area))
            .collect(),
        nearest_in_time: in_time.at_once,
    }
}

/// The greatest squared distance that takes no longer.
fn last_within(most: u32, farthest: u64, area: Option<Area>) -> u64 {
    let (mut within, mut beyond) = (0, farthest);
    while beyond - within > 1 {
        let middle = within + (beyond - within) / 2;
        if minutes(SquaredChord::of(middle), area) <= most {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    within
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A purchase of after the last day that is kept counts as of that one, and grows old as that one does.
    #[test]
    fn no_purchase_is_of_a_day_after_the_last() {
        let last = PurchaseDay::of(EpochDay(u16::MAX));
        let end = (26_000..27_000)
            .map(EpochDay)
            .find(|day| last.days_until(*day) == 1)
            .unwrap();
        assert_eq!(end.date().to_string(), "2041-04-01");
        assert!(since(end) > when(last) && since(EpochDay(end.0 - 1)) == when(last));
        assert_eq!(later_than(30, EpochDay(end.0 + 28)), when(last));
        assert!(later_than(30, EpochDay(end.0 + 29)) > when(last));
    }

    #[test]
    fn no_fit_is_between_levels_and_no_weight_between_fifths() {
        for goal in Goal::ALL {
            for lifecycle in Lifecycle::ALL {
                assert!(goal.fit(lifecycle).basis_points().is_multiple_of(LEVEL_BP));
                assert!(lifecycle.byte() < 5);
            }
            assert!(
                Factor::ALL
                    .into_iter()
                    .all(|factor| weight(goal, factor).is_multiple_of(5))
            );
        }
    }
}
