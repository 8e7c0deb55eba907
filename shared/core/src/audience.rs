//! The compact record that scoring reads: derived from the full context and the standing, about 60 bytes, so that a
//! page of an audience holds thousands of people.
//!
//! The same record is derived again from fresh facts just before a message is sent, so both decisions run on the same
//! input. It holds hints of consent; the exact consent is read from the standing by the claim.

use jiff::Timestamp;

use crate::attribute::{Attribute, Fact, FactKind, Facts};
use crate::brand::{TopicNumber, Topics};
use crate::category::{CATEGORIES, Category};
use crate::consent::{ConsentState, Consents, DataPurpose, Objection};
use crate::context::{CurrentPlace, CustomerContext, Lifecycle};
use crate::habit::GoodHours;
use crate::ids::TopicId;
use crate::place::UnitVector;
use crate::reason::Reason;
use crate::relevance::Relevance;
use crate::retention::Retention;
use crate::segment::Stages;
use crate::suitability::Known;
use crate::time::EpochDay;
use crate::travel::Area;

/// The most categories bought that the record keeps, the latest first. Interests have places of their own, so that what
/// somebody bought never takes that of what they like.
pub const MOST_PURCHASES: usize = 8;
/// The most interests that it keeps.
pub const MOST_INTERESTS: usize = 8;

/// What someone did about a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Bought in this month, counted from January 2020.
    BoughtInMonth(u8),
    /// Said they like it.
    Interest,
}

/// Where each of at most 16 e-mail topics stands, by topic number: a yes, or the reason there is none. Scoring reports
/// that reason, and a marketer must see who left apart from who never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TopicStates(u64);

/// The places of [`TopicStates`] in their stored form: append only. The first is that of a topic nobody spoke of.
pub(crate) const STATES: [Result<(), Reason>; 6] = [
    Err(Reason::NoConsent),
    Ok(()),
    Err(Reason::ConsentPending),
    Err(Reason::ConsentDenied),
    Err(Reason::ConsentWithdrawn),
    Err(Reason::ConsentExpired),
];

/// Six states fit in three bits; 16 topics in 48.
pub(crate) const STATE_BITS: u8 = 3;

impl TopicStates {
    /// The state of one topic added to those of others.
    #[must_use]
    pub fn with(self, number: TopicNumber, state: ConsentState) -> Self {
        let wanted = state.granted().map(|_| ());
        let place = (0..).zip(STATES).find(|(_, each)| *each == wanted);
        let shift = number.get() * STATE_BITS;
        let others = self.0 & !(0b111 << shift);
        Self(others | (place.map_or(0, |(place, _): (u64, _)| place) << shift))
    }

    /// A yes, or the reason there is none.
    ///
    /// # Errors
    /// The reason.
    pub fn get(self, number: TopicNumber) -> Result<(), Reason> {
        let place = usize::try_from((self.0 >> (number.get() * STATE_BITS)) & 0b111).unwrap_or(0);
        STATES.get(place).copied().unwrap_or(Err(Reason::NoConsent))
    }

    /// 24 bits for topics 0 to 7, then as many for topics 8 to 15, three a topic.
    pub(crate) const fn halves(self) -> [u32; 2] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [u32::from_be_bytes([0, d, e, f]), u32::from_be_bytes([0, a, b, c])]
    }

    /// The stored form: 48 bits, those of topic 0 last.
    fn to_bytes(self) -> [u8; 6] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    fn from_bytes([a, b, c, d, e, f]: [u8; 6]) -> Result<Self, MalformedRecord> {
        let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        // Of the eight places three bits can name, the last two are not given out: those with the upper two bits set.
        let is_known = (bits >> 2) & (bits >> 1) & 0o1_111_111_111_111_111 == 0;
        is_known.then_some(Self(bits)).ok_or(MalformedRecord)
    }
}

/// The consents that scoring goes by: a hint, kept in step by every consent event. A yes that ended by itself since is
/// still a yes here; the standing tells before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConsentHint {
    /// Where each e-mail topic stands.
    pub topics: TopicStates,
    /// One bit for each data purpose, in the order of [`DataPurpose::ALL`]; an objection to profiling clears its bit.
    pub purposes: u8,
    /// The person objects to all marketing (GDPR 21(2)).
    pub no_marketing: bool,
    /// The second since 1970 at which the person's pause ends, 0 without one. It is a time and no mere yes, because
    /// nothing rewrites the record when a pause ends.
    pub paused_until: u32,
}

impl ConsentHint {
    /// The hint that the consents give at a time.
    #[must_use]
    pub fn of(consents: &Consents, topics: &Topics, now: Timestamp) -> Self {
        let states = topics.iter().fold(TopicStates::default(), |states, topic| {
            states.with(topic.number, consents.email(&topic.id, now))
        });
        let purposes = DataPurpose::ALL
            .into_iter()
            .enumerate()
            .filter(|(_, purpose)| consents.allows(*purpose, now))
            .fold(0, |bits, (position, _)| bits | (1 << position));
        Self {
            topics: states,
            purposes,
            no_marketing: consents.objects(Objection::NoMarketing, now),
            // Rounded down: the last second of a pause may cost a candidate, never a message.
            paused_until: consents
                .paused_until(now)
                .map_or(0, |end| u32::try_from(end.as_second()).unwrap_or(u32::MAX)),
        }
    }

    /// Whether all is agreed to that lets a decision read it.
    #[must_use]
    pub fn lets_read(self, attribute: Attribute) -> bool {
        attribute.purposes().iter().all(|purpose| self.allows(*purpose))
    }

    /// Whether the purpose is agreed to.
    #[must_use]
    pub fn allows(self, purpose: DataPurpose) -> bool {
        DataPurpose::ALL
            .into_iter()
            .position(|each| each == purpose)
            .is_some_and(|position| self.purposes & (1 << position) != 0)
    }

    /// Whether the pause is not over yet.
    #[must_use]
    pub fn is_paused(self, now: Timestamp) -> bool {
        now.as_second() < i64::from(self.paused_until)
    }

    /// Whether the topic is agreed to by e-mail.
    ///
    /// # Errors
    /// The reason it is not. A topic that the brand does not have was never agreed to.
    pub fn agrees_to(self, topics: &Topics, topic: &TopicId) -> Result<(), Reason> {
        topics
            .number(topic)
            .map_or(Err(Reason::NoConsent), |number| self.topics.get(number))
    }
}

/// A person as scoring sees them.
#[derive(Clone, PartialEq, Eq)]
pub struct AudienceRecord {
    /// The version of the context it was derived from.
    pub context_version: u32,
    /// Consents as a hint.
    pub hint: ConsentHint,
    /// The centre of the home's cell.
    pub home: Option<UnitVector>,
    /// The way people live there, where it is known.
    pub area: Option<Area>,
    /// Where they are now, or where they were: it is here for as long as the context holds it, so that it is found to be
    /// forgotten. A [`View`] has it only while it holds.
    pub current_place: Option<Whereabouts>,
    /// Where they are in their life with the brand, when the record was derived.
    pub lifecycle: Lifecycle,
    /// How that goes on if nothing is heard of them; nothing of a prospect.
    pub stages: Option<Stages>,
    /// The least relevance the person wants, if they set one.
    pub threshold: Option<Relevance>,
    /// The day of the last message.
    pub last_contact: Option<EpochDay>,
    /// The day of the last sign of the person, or else since when anything is kept of them: some time after it yeses and data
    /// lapse.
    pub heard_on: Option<EpochDay>,
    /// How they took recent messages, 1 (ignores all) to 5; 0 is unknown.
    pub reaction: u8,
    /// When they click and buy.
    pub good_hours: GoodHours,
    /// Facts about the dwelling and the household.
    pub facts: Facts,
    /// At most [`MOST_PURCHASES`] purchases, then at most [`MOST_INTERESTS`] interests.
    pub ties: Vec<(Category, Tie)>,
}

/// A current place with its end, in whole hours since 1970, rounded down: it may end early, never late.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// The centre of the cell.
    pub at: UnitVector,
    /// The first hour in which it is not used any more; below 2^24.
    pub until_hour: u32,
}

impl Whereabouts {
    fn of(place: CurrentPlace) -> Self {
        let hour = place
            .until
            .as_second()
            .div_euclid(SECONDS_AN_HOUR)
            .clamp(0, (1 << 24) - 1);
        Self {
            at: place.cell.centre(),
            until_hour: u32::try_from(hour).unwrap_or(0),
        }
    }

    /// Whether it may still be used.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        now.as_second() < i64::from(self.until_hour) * SECONDS_AN_HOUR
    }
}

impl std::fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whereabouts(..)")
    }
}

const SECONDS_AN_HOUR: i64 = 3_600;

impl std::fmt::Debug for AudienceRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AudienceRecord(context {})", self.context_version)
    }
}

/// What besides the context goes into a record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// The least relevance the person wants.
    pub threshold: Option<Relevance>,
    /// How far the person's clock is ahead of UTC, in quarters of an hour, where their zone is known.
    pub quarters_ahead: Option<i8>,
    /// The day of the last message.
    pub last_contact: Option<EpochDay>,
    /// The day of the last sign of the person, or else since when anything is kept of them.
    pub heard_on: Option<EpochDay>,
    /// How they took recent messages.
    pub reaction: u8,
}

impl AudienceRecord {
    /// Derives the record.
    #[must_use]
    pub fn derive(
        context: &CustomerContext,
        context_version: u32,
        hint: ConsentHint,
        habits: Habits,
        now: Timestamp,
    ) -> Self {
        Self {
            context_version,
            hint,
            home: context.home.map(|home| home.cell.centre()),
            area: context.home.and_then(|home| home.area),
            current_place: context.current_place.map(Whereabouts::of),
            lifecycle: context.lifecycle(now),
            stages: context.stages(now),
            threshold: habits.threshold,
            last_contact: habits.last_contact,
            heard_on: habits.heard_on,
            reaction: habits.reaction,
            good_hours: habits.quarters_ahead.map_or_else(GoodHours::default, |ahead| {
                GoodHours::learn(&context.hours_of_acts(), ahead)
            }),
            facts: context.facts,
            ties: ties(context),
        }
    }

    /// Where they are in their life with the brand on a day, if nothing was heard of them since the record was derived.
    #[must_use]
    pub fn lifecycle_on(&self, today: EpochDay) -> Lifecycle {
        self.stages.map_or(self.lifecycle, |stages| stages.lifecycle_on(today))
    }

    /// Whether every yes of the person has ended, because they were not heard of for so long. The day is in the record
    /// and not the end itself, so that a brand which comes to keep for less is understood at once.
    #[must_use]
    pub fn has_lapsed(&self, retention: Retention, now: Timestamp) -> bool {
        self.heard_on
            .is_some_and(|heard_on| retention.has_lapsed(heard_on, now))
    }

    /// Whether nothing may be kept of the person any more, by the same day. Facts that the record lacks may keep their data
    /// still.
    #[must_use]
    pub fn data_may_have_lapsed(&self, retention: Retention, now: Timestamp) -> bool {
        self.heard_on
            .is_some_and(|heard_on| EpochDay::of(now) >= retention.data_lapses_on(heard_on))
    }

    /// Whether a current place is still here that may not be used any more.
    #[must_use]
    pub fn holds_ended_place(&self, now: Timestamp) -> bool {
        self.current_place.is_some_and(|place| !place.holds(now))
    }

    /// The stored form; see [`from_bytes`](Self::from_bytes).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(FORMAT);
        out.extend_from_slice(&self.context_version.to_be_bytes());
        out.extend_from_slice(&self.hint.topics.to_bytes());
        let flags = self.hint.purposes
            | (u8::from(self.hint.no_marketing) << 4)
            | (u8::from(self.home.is_some()) << 5)
            | (u8::from(self.hint.paused_until > 0) << 6)
            | (u8::from(self.current_place.is_some()) << 7);
        out.push(flags);
        let ventilation = pair_of_bits(&self.facts, Fact::Ventilation);
        out.push(self.lifecycle.byte() | (self.reaction.min(7) << 3) | (ventilation << 6));
        let mut places = area_bits(self.area);
        let mut vectors = Vec::with_capacity(19);
        if let Some(home) = self.home {
            let (form, two) = home.to_two();
            places |= form << 2;
            vectors.extend(two.iter().flat_map(|component| component.to_be_bytes()));
        }
        if let Some(place) = self.current_place {
            let (form, two) = place.at.to_two();
            places |= form << 5;
            vectors.extend(two.iter().flat_map(|component| component.to_be_bytes()));
            let [_, hour @ ..] = place.until_hour.to_be_bytes();
            vectors.extend(hour);
        }
        out.push(places);
        out.extend_from_slice(&vectors);
        if self.hint.paused_until > 0 {
            out.extend_from_slice(&self.hint.paused_until.to_be_bytes());
        }
        out.extend_from_slice(&self.heard_on.map_or(0, |day| day.0).to_be_bytes());
        out.extend_from_slice(&self.threshold.map_or(u16::MAX, Relevance::basis_points).to_be_bytes());
        out.extend_from_slice(&self.last_contact.map_or(0, |day| day.0).to_be_bytes());
        let stages = self.stages.map_or([0; 3], Stages::days);
        stages.iter().for_each(|day| out.extend_from_slice(&day.to_be_bytes()));
        out.extend_from_slice(&pack_facts(&self.facts));
        out.extend_from_slice(&self.good_hours.to_bytes());
        for (category, tie) in &self.ties {
            out.push(category.code());
            out.push(match tie {
                Tie::BoughtInMonth(month) => *month,
                Tie::Interest => INTEREST,
            });
        }
        out
    }

    /// Reads the stored form, in bytes: format (1), context version (4), states of topics (6), flags (1: four purposes,
    /// objection, has a home, has a pause, has a current place), lifecycle, reaction and ventilation (1), kind of area and
    /// forms of the two places (1), home (2 × 4, if any), current place (2 × 4) and its end (3, if any), end of the pause
    /// (4, if any), day of the last sign (2), threshold (2), day of last contact (2), last days of being new, active and
    /// lapsing (2 each), facts (5), good hours (2), then pairs of category and month (2 each). The form before it, without the
    /// three days, is read too.
    ///
    /// # Errors
    /// [`MalformedRecord`] when the bytes are not such a form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedRecord> {
        let stored = Stored::read(bytes)?;
        let hint = ConsentHint {
            topics: stored.topics,
            purposes: stored.flags & 0b1111,
            no_marketing: stored.flags & NO_MARKETING != 0,
            paused_until: stored.paused_until,
        };
        let ties = stored.ties.chunks_exact(2).filter_map(|pair| {
            let [code, month] = *pair.first_chunk()?;
            let tie = if month == INTEREST {
                Tie::Interest
            } else {
                Tie::BoughtInMonth(month)
            };
            Some((Category::from_code(code)?, tie))
        });
        Ok(Self {
            context_version: stored.context_version,
            hint,
            home: stored.home,
            area: area_of_bits(stored.area),
            current_place: stored.current_place,
            lifecycle: Lifecycle::ALL
                .into_iter()
                .find(|each| each.byte() == stored.life & 0b111)
                .ok_or(MalformedRecord)?,
            threshold: (stored.threshold != u16::MAX).then(|| Relevance::clamped(stored.threshold.into())),
            stages: Stages::from_days(stored.stages),
            last_contact: (stored.last_contact != 0).then_some(EpochDay(stored.last_contact)),
            heard_on: (stored.heard_on != 0).then_some(EpochDay(stored.heard_on)),
            reaction: (stored.life >> 3) & 0b111,
            good_hours: GoodHours::from_bytes(stored.good_hours),
            facts: unpack_facts(stored.facts, stored.life >> 6)?,
            ties: ties.collect(),
        })
    }

    /// The record with nothing but the attributes that the predicate keeps.
    #[must_use]
    pub fn view(&self, keeps: impl Fn(Attribute) -> bool, now: Timestamp) -> View<'_> {
        View {
            home: self.home.filter(|_| keeps(Attribute::Home)),
            area: self.area.filter(|_| keeps(Attribute::Home)),
            current_place: self
                .current_place
                .filter(|place| keeps(Attribute::CurrentPlace) && place.holds(now))
                .map(|place| place.at),
            good_hours: keeps(Attribute::ActiveHours).then_some(self.good_hours),
            facts: self.facts.only(|fact| keeps(Attribute::Fact(fact))),
            ties: &self.ties,
            purchases: keeps(Attribute::Purchases),
            interests: keeps(Attribute::Interests),
            lifecycle: keeps(Attribute::Lifecycle).then(|| self.lifecycle_on(EpochDay::of(now))),
            reaction: keeps(Attribute::Reaction)
                .then_some(self.reaction)
                .filter(|level| *level > 0),
            today: EpochDay::of(now),
        }
    }
}

/// The stored form, checked and taken apart: what a record is made of, and a row of a batch.
pub(crate) struct Stored<'a> {
    pub(crate) context_version: u32,
    pub(crate) topics: TopicStates,
    /// Four purposes, then [`NO_MARKETING`], [`HAS_HOME`], [`HAS_PAUSE`] and [`HAS_CURRENT_PLACE`].
    pub(crate) flags: u8,
    /// Lifecycle (3 bits), reaction (3) and ventilation (2).
    pub(crate) life: u8,
    /// Two bits.
    pub(crate) area: u8,
    pub(crate) home: Option<UnitVector>,
    pub(crate) current_place: Option<Whereabouts>,
    pub(crate) paused_until: u32,
    /// 0 is nobody knows.
    pub(crate) heard_on: u16,
    /// 65 535 is none.
    pub(crate) threshold: u16,
    last_contact: u16,
    stages: [u16; 3],
    pub(crate) facts: [u8; 5],
    pub(crate) good_hours: [u8; 2],
    /// Pairs of a category's code and a month or [`INTEREST`].
    pub(crate) ties: &'a [u8],
}

pub(crate) const NO_MARKETING: u8 = 1 << 4;
pub(crate) const HAS_HOME: u8 = 1 << 5;
const HAS_PAUSE: u8 = 1 << 6;
pub(crate) const HAS_CURRENT_PLACE: u8 = 1 << 7;

impl<'a> Stored<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MalformedRecord> {
        let mut rest = bytes;
        let [format] = take(&mut rest)?;
        let context_version = u32::from_be_bytes(take(&mut rest)?);
        let topics = TopicStates::from_bytes(take(&mut rest)?)?;
        let [flags, life, places] = take(&mut rest)?;
        let has = |bit: u8| flags & bit != 0;
        let home = if has(HAS_HOME) {
            Some(read_vector((places >> 2) & 0b111, &mut rest)?)
        } else {
            None
        };
        let current_place = if has(HAS_CURRENT_PLACE) {
            Some(read_whereabouts(places >> 5, &mut rest)?)
        } else {
            None
        };
        let paused_until = if has(HAS_PAUSE) {
            u32::from_be_bytes(take(&mut rest)?)
        } else {
            0
        };
        let heard_on = u16::from_be_bytes(take(&mut rest)?);
        let threshold = u16::from_be_bytes(take(&mut rest)?);
        let last_contact = u16::from_be_bytes(take(&mut rest)?);
        let stages = if format == WITHOUT_STAGES {
            [0; 3]
        } else {
            let [a, b, c, d, e, f] = take(&mut rest)?;
            [[a, b], [c, d], [e, f]].map(u16::from_be_bytes)
        };
        let facts = take(&mut rest)?;
        let good_hours = take(&mut rest)?;
        let is_well_formed = (format == FORMAT || format == WITHOUT_STAGES)
            && usize::from(life & 0b111) < Lifecycle::ALL.len()
            && (threshold <= Relevance::FULL.basis_points() || threshold == u16::MAX)
            && are_facts(facts, life >> 6)
            && rest.len().is_multiple_of(2)
            && rest
                .chunks_exact(2)
                .all(|pair| pair.first().is_some_and(|code| is_category(*code)));
        is_well_formed.then_some(()).ok_or(MalformedRecord)?;
        Ok(Self {
            context_version,
            topics,
            flags,
            life,
            area: places & 0b11,
            home,
            current_place,
            paused_until,
            heard_on,
            threshold,
            last_contact,
            stages,
            facts,
            good_hours,
            ties: rest,
        })
    }

    /// Lifecycle, reaction and ventilation as they are on a day.
    pub(crate) fn life_on(&self, today: EpochDay) -> u8 {
        let stages = Stages::from_days(self.stages);
        stages.map_or(self.life, |stages| {
            self.life & !0b111 | stages.lifecycle_on(today).byte()
        })
    }
}

/// Whether [`unpack_facts`] takes them, without taking them apart.
fn are_facts([low, high, floor, ceiling, household]: [u8; 5], ventilation: u8) -> bool {
    let bits = u16::from_le_bytes([low, high]);
    // No pair of bits has both.
    let are_states = bits & (bits >> 1) & 0b0101_0101_0101_0101 == 0 && ventilation != 0b11;
    let is_within = |byte: u8, fact: Fact| {
        let value = i8::from_be_bytes([byte]);
        let within = match fact.kind() {
            FactKind::Number { least, most, .. } => least <= i16::from(value) && i16::from(value) <= most,
            FactKind::Flag | FactKind::Word(_) => false,
        };
        within || value == i8::MIN
    };
    are_states
        && is_within(floor, Fact::Floor)
        && is_within(ceiling, Fact::CeilingHeight)
        && is_within(household, Fact::HouseholdSize)
}

fn is_category(code: u8) -> bool {
    (1..=CATEGORIES).contains(&usize::from(code))
}

/// What one decision may read: declared by the offer and agreed to by the person. Nothing else is in it, so nothing
/// else can have an effect (invariant I11).
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The home, if it may be read and is known.
    pub home: Option<UnitVector>,
    /// The way people live there, if it may be read and is known.
    pub area: Option<Area>,
    /// Where they are now, if it may be read, is known and has not ended.
    pub current_place: Option<UnitVector>,
    /// When they click and buy, if it may be read.
    pub good_hours: Option<GoodHours>,
    /// The facts that may be read.
    facts: Facts,
    ties: &'a [(Category, Tie)],
    purchases: bool,
    interests: bool,
    /// The lifecycle, if it may be read.
    pub lifecycle: Option<Lifecycle>,
    /// The reaction level, if it may be read and is known.
    pub reaction: Option<u8>,
    today: EpochDay,
}

impl View<'_> {
    /// What was bought, with the days since, if purchases may be read: at least so many, from the last day of the month.
    pub fn purchases(&self) -> Option<impl Iterator<Item = (Category, u32)>> {
        let today = self.today;
        self.purchases.then(|| {
            self.ties.iter().filter_map(move |(category, tie)| match tie {
                Tie::BoughtInMonth(bought) => Some((*category, days_since(*bought, today))),
                Tie::Interest => None,
            })
        })
    }

    /// What the person said they like, if interests may be read.
    pub fn interests(&self) -> Option<impl Iterator<Item = Category>> {
        self.interests.then(|| {
            self.ties
                .iter()
                .filter(|(_, tie)| *tie == Tie::Interest)
                .map(|(category, _)| *category)
        })
    }
}

impl Known for View<'_> {
    fn fact(&self, fact: Fact) -> Option<i16> {
        self.facts.get(fact)
    }

    fn days_since_purchase(&self, category: Category) -> Option<Option<u32>> {
        self.purchases()
            .map(|bought| bought.filter(|(each, _)| *each == category).map(|(_, days)| days).min())
    }

    fn interested(&self, category: Category) -> Option<bool> {
        self.interests().map(|mut liked| liked.any(|each| each == category))
    }
}

/// 1 knew of each topic only whether it was agreed to, 2 no current place, 3 good hours of UTC only, 4 no stages.
const FORMAT: u8 = 5;
const WITHOUT_STAGES: u8 = 4;
pub(crate) const INTEREST: u8 = u8::MAX;

/// A stored record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored audience record is not in a known form")]
pub struct MalformedRecord;

/// The latest purchase of each category, then interests; what does not fit the full context keeps.
fn ties(context: &CustomerContext) -> Vec<(Category, Tie)> {
    let mut bought: Vec<(Category, EpochDay)> = Vec::new();
    for purchase in &context.purchases {
        match bought.iter_mut().find(|(category, _)| *category == purchase.category) {
            Some((_, on)) => *on = (*on).max(purchase.on),
            None => bought.push((purchase.category, purchase.on)),
        }
    }
    bought.sort_by_key(|(category, on)| (std::cmp::Reverse(*on), category.code()));
    let mut interests = context.interests.clone();
    interests.sort_by_key(|category| category.code());
    interests.dedup();
    bought
        .into_iter()
        .take(MOST_PURCHASES)
        .map(|(category, on)| (category, Tie::BoughtInMonth(month_of(on))))
        .chain(
            interests
                .into_iter()
                .take(MOST_INTERESTS)
                .map(|category| (category, Tie::Interest)),
        )
        .collect()
}

/// Months since January 2020, 0 before it and 254 at most (February 2041).
pub(crate) fn month_of(day: EpochDay) -> u8 {
    let date = day.date();
    let months = (i32::from(date.year()) - 2020) * 12 + i32::from(date.month()) - 1;
    u8::try_from(months.clamp(0, 254)).unwrap_or(0)
}

/// Days since a purchase of which the month is known: from the last day of that month, so that nobody counts as needing the
/// next one before they do. It is up to 30 too few.
pub(crate) fn days_since(month: u8, today: EpochDay) -> u32 {
    let last = LAST_DAYS.get(usize::from(month)).copied().unwrap_or(u16::MAX);
    today.days_since(EpochDay(last)).into()
}

/// The last days of the months that [`month_of`] counts.
const LAST_DAYS: [u16; 256] = last_days();

#[expect(clippy::indexing_slicing, reason = "the compiler counts them")]
const fn last_days() -> [u16; 256] {
    let mut days = [0; 256];
    // The last day of 2019.
    let (mut day, mut month) = (18_261, 0);
    while month < days.len() {
        // Until 2041 every fourth year has a leap day.
        let is_leap = (month / 12).is_multiple_of(4);
        day += match month % 12 {
            1 if is_leap => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        days[month] = day;
        month += 1;
    }
    days
}

/// A fact of at most three states in two bits; 0 is unknown.
pub(crate) fn pair_of_bits(facts: &Facts, fact: Fact) -> u8 {
    facts.get(fact).map_or(0, |value| u8::try_from(value).unwrap_or(0) + 1) & 0b11
}

/// Eight facts of two bits each, then floor, ceiling height and household size with `i8::MIN` as unknown. Ventilation came
/// later and is beside the lifecycle.
pub(crate) fn pack_facts(facts: &Facts) -> [u8; 5] {
    let flags = Fact::ALL.into_iter().take(8).enumerate();
    let bits = flags.fold(0u16, |bits, (position, fact)| {
        bits | (u16::from(pair_of_bits(facts, fact)) << (2 * position))
    });
    let [low, high] = bits.to_le_bytes();
    let number = |fact| {
        let [byte] = facts
            .get(fact)
            .and_then(|value| i8::try_from(value).ok())
            .unwrap_or(i8::MIN)
            .to_be_bytes();
        byte
    };
    [
        low,
        high,
        number(Fact::Floor),
        number(Fact::CeilingHeight),
        number(Fact::HouseholdSize),
    ]
}

fn unpack_facts([low, high, floor, ceiling, household]: [u8; 5], ventilation: u8) -> Result<Facts, MalformedRecord> {
    let bits = u16::from_le_bytes([low, high]);
    let mut facts = Facts::default();
    let mut set = |fact, value| facts.set(fact, value).ok().ok_or(MalformedRecord);
    let state = |bits: u16| {
        i16::try_from(bits & 0b11)
            .ok()
            .filter(|state| *state > 0)
            .map(|state| state - 1)
    };
    for (position, fact) in Fact::ALL.into_iter().take(8).enumerate() {
        set(fact, state(bits >> (2 * position)))?;
    }
    set(Fact::Ventilation, state(u16::from(ventilation)))?;
    for (fact, byte) in [
        (Fact::Floor, floor),
        (Fact::CeilingHeight, ceiling),
        (Fact::HouseholdSize, household),
    ] {
        let value = i8::from_be_bytes([byte]);
        set(fact, (value != i8::MIN).then_some(i16::from(value)))?;
    }
    Ok(facts)
}

/// Two bits, 0 is unknown.
pub(crate) fn area_bits(area: Option<Area>) -> u8 {
    area.and_then(|area| (1..).zip(Area::ALL).find(|(_, each)| *each == area))
        .map_or(0, |(bits, _)| bits)
}

fn area_of_bits(bits: u8) -> Option<Area> {
    (1..)
        .zip(Area::ALL)
        .find(|(each, _)| *each == bits & 0b11)
        .map(|(_, area)| area)
}

fn read_vector(form: u8, rest: &mut &[u8]) -> Result<UnitVector, MalformedRecord> {
    let mut component = || Ok::<i32, MalformedRecord>(i32::from_be_bytes(take(rest)?));
    let two = [component()?, component()?];
    UnitVector::of_two(form, two).ok().ok_or(MalformedRecord)
}

fn read_whereabouts(form: u8, rest: &mut &[u8]) -> Result<Whereabouts, MalformedRecord> {
    let at = read_vector(form, rest)?;
    let [high, middle, low] = take(rest)?;
    Ok(Whereabouts {
        at,
        until_hour: u32::from_be_bytes([0, high, middle, low]),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MalformedRecord> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(MalformedRecord)?;
    *rest = tail;
    Ok(*head)
}
