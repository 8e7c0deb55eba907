//! What is the same for everybody who is judged for one proposal at one time.

use jiff::{SignedDuration, Timestamp};

use crate::affinity::{self, due_bp};
use crate::attribute::{Attribute, Fact};
use crate::audience::{STATE_BITS, STATES, month_of};
use crate::campaign::{Audience, Goal};
use crate::category::{Category, complements, replaces};
use crate::consent::DataPurpose;
use crate::context::Lifecycle;
use crate::decision::{Proposal, SCORING_TO_READING, in_force};
use crate::habit::GoodHours;
use crate::hours::Opening;
use crate::ids::CustomerId;
use crate::moment;
use crate::place::{Place, Radius, Scale, SquaredChord};
use crate::relevance::{Factor, Relevance, weight};
use crate::time::{EpochDay, later};
use crate::travel::{Area, minutes};

use super::block::WORDS;

/// No moment is known.
pub(super) const UNKNOWN: u16 = u16::MAX;

/// The distances within a radius, and which of them are in time.
pub(super) struct Reach {
    pub(super) squared: u64,
    pub(super) scale: Scale,
    /// In time up to the first, then not up to the second, and so on.
    pub(super) cuts: Vec<u64>,
    /// Whether the nearest are in time.
    pub(super) nearest_in_time: bool,
}

pub(super) struct Spot {
    pub(super) centre: [i32; 3],
    /// By the stored form of the area.
    pub(super) from_home: [Reach; 4],
    pub(super) from_here: Reach,
    /// By the stored form of the good hours.
    pub(super) moments: Vec<u16>,
}

/// One proposal at one time, for any number of people.
pub struct Plan<'a> {
    pub(super) proposal: Proposal<'a>,
    /// The reason that closes for everybody, or 0.
    pub(super) closed: u8,
    pub(super) now: i64,
    /// Whether an offer without a place is over before it is read.
    pub(super) is_late: bool,
    /// Which half and by how many bits.
    pub(super) topic: Option<(usize, u32)>,
    pub(super) states: [u8; 8],
    /// A day of the last sign before this one has lapsed.
    pub(super) lapsed_before: u16,
    /// Lifecycles by bit, for a segment.
    pub(super) segment: Option<u8>,
    pub(super) spots: Vec<Spot>,
    /// The moments without a place.
    pub(super) moments: Vec<u16>,
    /// What the offer declares: the bit of the consent that lets it be read, or none.
    pub(super) home: u8,
    pub(super) here: u8,
    pub(super) purchases: u8,
    pub(super) interests: u8,
    pub(super) lifecycle: u8,
    pub(super) reaction: u8,
    pub(super) hours: u8,
    pub(super) month: u8,
    /// Complementary categories with their fading a month.
    pub(super) complements: Vec<(usize, u32)>,
    pub(super) met: Vec<usize>,
    /// By the month of the last purchase plus one.
    pub(super) has: Vec<bool>,
    pub(super) recent: Vec<bool>,
    pub(super) due: Option<Vec<u16>>,
    pub(super) liked: [u32; WORDS],
    pub(super) related: [u32; WORDS],
    pub(super) fits: [u16; 8],
    pub(super) weights: [u16; 5],
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
                bit(attribute.purpose())
            } else {
                0
            }
        };
        let mut states = [0; 8];
        for (byte, state) in states.iter_mut().zip(STATES) {
            *byte = state.err().map_or(0, crate::reason::Reason::byte);
        }
        let today = EpochDay::of(now).0;
        let month = month_of(EpochDay::of(now));
        let hears = reads(Attribute::ActiveHours);
        let moments = |place: Option<&Place>| -> Vec<u16> {
            let parts = moment::common(offer, place, now);
            (0..=u8::MAX)
                .map(|bits| {
                    let own = (hears != 0).then(|| GoodHours::from_bits(bits).at(now)).flatten();
                    parts.with(own).map_or(UNKNOWN, Relevance::basis_points)
                })
                .collect()
        };
        let interval = offer.category.repurchase_days();
        let days = |code: u16| u32::from(month.saturating_sub(u8::try_from(code.saturating_sub(1)).unwrap_or(0))) * 30;
        let by_month = |holds: &dyn Fn(u32) -> bool| {
            (0..=255)
                .map(|code| code > 0 && holds(days(code)))
                .collect::<Vec<bool>>()
        };
        let closed_for = affinity::closed_for(offer.category, goal);
        let (mut liked, mut related) = ([0; WORDS], [0; WORDS]);
        for category in Category::all() {
            let place = usize::from(category.code()) - 1;
            let words = if category == offer.category {
                &mut liked
            } else if complements(category, offer.category) || category.family() == offer.category.family() {
                &mut related
            } else {
                continue;
            };
            if let Some(word) = words.get_mut(place / 32) {
                *word |= 1 << (place % 32);
            }
        }
        let mut fits = [0; 8];
        for lifecycle in Lifecycle::ALL {
            if let Some(fit) = fits.get_mut(usize::from(lifecycle.byte())) {
                *fit = goal.fit(lifecycle).basis_points();
            }
        }
        let lifecycle = reads(Attribute::Lifecycle);
        let index = |category: Category| usize::from(category.code()) - 1;
        Self {
            proposal,
            closed: in_force(proposal, now)
                .err()
                .map_or(0, |withheld| withheld.reason.byte()),
            now: now.as_second(),
            is_late: later(now, SCORING_TO_READING) >= offer.window.until,
            topic: brand.topics.number(&campaign.topic).map(|number| {
                (
                    usize::from(number.get() / 8),
                    u32::from(number.get() % 8) * u32::from(STATE_BITS),
                )
            }),
            states,
            lapsed_before: if today == u16::MAX {
                today
            } else {
                today.saturating_sub(brand.retention.days())
            },
            segment: match &campaign.audience {
                Audience::Everyone | Audience::NearPlaces => None,
                Audience::Lifecycle(wanted) => Some(wanted.iter().fold(0, |bits, each| bits | 1 << each.byte())),
            },
            spots: offer
                .places
                .iter()
                .map(|place| {
                    spot(
                        place,
                        later(now, SCORING_TO_READING),
                        offer.window.until,
                        moments(Some(place)),
                    )
                })
                .collect(),
            moments: moments(None),
            home: reads(Attribute::Home),
            here: reads(Attribute::CurrentPlace),
            purchases: reads(Attribute::Purchases),
            interests: reads(Attribute::Interests),
            lifecycle,
            reaction: reads(Attribute::Reaction),
            hours: hears,
            month,
            complements: Category::all()
                .filter(|category| complements(*category, offer.category))
                .map(|category| (index(category), 30 * category.fading_a_day()))
                .collect(),
            met: Category::all()
                .filter(|category| *category == offer.category || replaces(*category, offer.category))
                .map(index)
                .collect(),
            has: by_month(&|days| closed_for.is_some_and(|closed| days < closed)),
            recent: by_month(&|days| days < u32::from(interval)),
            due: (goal == Goal::Anticipate).then(|| {
                (0..=255)
                    .map(|code| Relevance::clamped(due_bp(days(code), interval)).basis_points())
                    .collect()
            }),
            liked,
            related,
            fits,
            weights: Factor::ALL.map(|factor| u16::try_from(weight(goal, factor)).unwrap_or(0)),
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

fn spot(place: &Place, reads: Timestamp, ends: Timestamp, moments: Vec<u16>) -> Spot {
    let area = |bits: usize| bits.checked_sub(1).and_then(|at| Area::ALL.get(at).copied());
    let reach = |area: Option<Area>| reach(place, place.radius_from(area), area, reads, ends);
    Spot {
        centre: place.centre.components(),
        from_home: std::array::from_fn(|bits| reach(area(bits))),
        from_here: reach(Some(Area::DenseCity)),
        moments,
    }
}

fn reach(place: &Place, radius: Radius, area: Option<Area>, reads: Timestamp, ends: Timestamp) -> Reach {
    let farthest = radius.chord();
    let in_time = |minutes: u32| {
        let arrives = later(reads, SignedDuration::from_mins(minutes.into()));
        let opens = match place.hours.as_ref().map(|hours| hours.at(arrives)) {
            None | Some(Opening::Open { .. }) => arrives,
            Some(Opening::Shut {
                opens_in: Some(minutes),
            }) => later(arrives, SignedDuration::from_mins(minutes.into())),
            Some(Opening::Shut { opens_in: None }) => return false,
        };
        opens < ends
    };
    let nearest_in_time = in_time(0);
    let (mut before, mut cuts) = (nearest_in_time, Vec::new());
    for minute in 1..=minutes(farthest, area) {
        let here = in_time(minute);
        if here != before {
            cuts.push(last_within(minute - 1, farthest.value(), area));
            before = here;
        }
    }
    Reach {
        squared: farthest.value(),
        scale: radius.scale(),
        cuts,
        nearest_in_time,
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
