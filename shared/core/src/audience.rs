//! The compact record that scoring reads: derived from the full context and the standing, about 60 bytes, so that a
//! page of an audience holds thousands of people.
//!
//! The same record is derived again from fresh facts just before a message is sent, so both decisions run on the same
//! input. It holds hints of consent; the exact consent is read from the standing by the claim.

mod stored;

use jiff::Timestamp;

use crate::attribute::{Attribute, Fact, Facts};
use crate::brand::{TopicNumber, Topics};
use crate::category::Category;
use crate::consent::{ConsentState, Consents, DataPurpose, Objection};
use crate::context::{CurrentPlace, CustomerContext, Lifecycle};
use crate::habit::GoodHours;
use crate::ids::TopicId;
use crate::place::UnitVector;
use crate::purchase_day::PurchaseDay;
use crate::reason::Reason;
use crate::relevance::Relevance;
use crate::retention::Retention;
use crate::segment::Stages;
use crate::suitability::Known;
use crate::time::EpochDay;
use crate::travel::Area;

pub use stored::MalformedRecord;
pub(crate) use stored::{HAS_CURRENT_PLACE, HAS_HOME, NO_MARKETING, Stored, area_bits, pack_facts, pair_of_bits};

/// What someone did about a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Bought, last on this day.
    Bought(PurchaseDay),
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
    /// The last purchase of each category, the latest first, then interests: all of them, so that nothing which somebody has or
    /// likes is forgotten for what they bought since.
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
    /// The day of the decision.
    pub today: EpochDay,
}

impl View<'_> {
    /// What was bought and when, if purchases may be read.
    pub fn purchases(&self) -> Option<impl Iterator<Item = (Category, PurchaseDay)>> {
        self.purchases.then(|| bought(self.ties))
    }

    /// What the person said they like, if interests may be read.
    pub fn interests(&self) -> Option<impl Iterator<Item = Category>> {
        self.interests.then(|| liked(self.ties))
    }
}

/// What was bought, and when.
pub(crate) fn bought(ties: &[(Category, Tie)]) -> impl Iterator<Item = (Category, PurchaseDay)> {
    ties.iter().filter_map(|(category, tie)| match tie {
        Tie::Bought(day) => Some((*category, *day)),
        Tie::Interest => None,
    })
}

/// What is liked.
pub(crate) fn liked(ties: &[(Category, Tie)]) -> impl Iterator<Item = Category> {
    ties.iter()
        .filter(|(_, tie)| *tie == Tie::Interest)
        .map(|(category, _)| *category)
}

impl Known for View<'_> {
    fn fact(&self, fact: Fact) -> Option<i16> {
        self.facts.get(fact)
    }

    fn days_since_purchase(&self, category: Category) -> Option<Option<u32>> {
        self.purchases().map(|bought| {
            let those = bought.filter(|(each, _)| *each == category);
            those.map(|(_, day)| day.days_until(self.today)).min()
        })
    }

    fn interested(&self, category: Category) -> Option<bool> {
        self.interests().map(|mut liked| liked.any(|each| each == category))
    }
}

/// The latest purchase of each category, then interests.
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
        .map(|(category, on)| (category, Tie::Bought(PurchaseDay::of(on))))
        .chain(interests.into_iter().map(|category| (category, Tie::Interest)))
        .collect()
}
