//! The stored form of an audience record: what a page holds of a person, and a row of a batch.

use super::{AudienceRecord, ConsentHint, Tie, TopicStates, Whereabouts, bought, liked};
use crate::attribute::{Fact, FactKind, Facts};
use crate::category::{CATEGORIES, Category};
use crate::context::Lifecycle;
use crate::habit::GoodHours;
use crate::place::UnitVector;
use crate::purchase_day::PurchaseDay;
use crate::relevance::Relevance;
use crate::segment::Stages;
use crate::time::EpochDay;
use crate::travel::Area;

/// 1 knew of each topic only whether it was agreed to, 2 no current place, 3 good hours of UTC only, 4 no stages, 5 purchases by
/// the month only.
const FORMAT: u8 = 6;
const WITHOUT_DAYS: u8 = 5;
const WITHOUT_STAGES: u8 = 4;
/// In place of a month in the earlier forms.
const INTEREST: u8 = u8::MAX;

/// A stored record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored audience record is not in a known form")]
pub struct MalformedRecord;

impl AudienceRecord {
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
        out.push(u8::try_from(bought(&self.ties).count()).unwrap_or(u8::MAX));
        for (category, day) in bought(&self.ties) {
            out.push(category.code());
            out.extend_from_slice(&day.to_bytes());
        }
        out.extend(liked(&self.ties).map(Category::code));
        out
    }

    /// Reads the stored form, in bytes: format (1), context version (4), states of topics (6), flags (1: four purposes,
    /// objection, has a home, has a pause, has a current place), lifecycle, reaction and ventilation (1), kind of area and
    /// forms of the two places (1), home (2 × 4, if any), current place (2 × 4) and its end (3, if any), end of the pause
    /// (4, if any), day of the last sign (2), threshold (2), day of last contact (2), last days of being new, active and
    /// lapsing (2 each), facts (5), good hours (2), how many purchases (1), then category, month and day of each (3 each), and the
    /// categories of interests (1 each). Two forms before it are read too: with pairs of category and month, and without the
    /// three days.
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
        let purchases = stored.ties.purchases().map(|(code, day)| (code, Tie::Bought(day)));
        let interests = stored.ties.interests().map(|code| (code, Tie::Interest));
        let ties = purchases
            .chain(interests)
            .filter_map(|(code, tie)| Some((Category::from_code(code)?, tie)));
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
}

impl TopicStates {
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
    pub(crate) ties: Ties<'a>,
}

/// What was bought and what is liked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ties<'a> {
    /// A category's code, a month and a day each.
    purchases: &'a [[u8; 3]],
    /// A category's code each.
    interests: &'a [u8],
    /// In the earlier forms, pairs of a category's code and a month or [`INTEREST`].
    pairs: &'a [[u8; 2]],
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
        let is_well_formed = [FORMAT, WITHOUT_DAYS, WITHOUT_STAGES].contains(&format)
            && usize::from(life & 0b111) < Lifecycle::ALL.len()
            && (threshold <= Relevance::FULL.basis_points() || threshold == u16::MAX)
            && are_facts(facts, life >> 6);
        is_well_formed.then_some(()).ok_or(MalformedRecord)?;
        let mut ties = Ties::default();
        if format == FORMAT {
            let [count] = take(&mut rest)?;
            let (purchases, interests) = rest.split_at_checked(usize::from(count) * 3).ok_or(MalformedRecord)?;
            (ties.purchases, _) = purchases.as_chunks();
            ties.interests = interests;
        } else {
            let (pairs, []) = rest.as_chunks() else {
                return Err(MalformedRecord);
            };
            ties.pairs = pairs;
        }
        ties.are_known().then_some(()).ok_or(MalformedRecord)?;
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
            ties,
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

impl<'a> Ties<'a> {
    fn are_known(self) -> bool {
        let pairs = self.pairs.iter().all(|[code, _]| is_category(*code));
        let interests = self.interests.iter().all(|code| is_category(*code));
        let is_purchase =
            |[code, month, day]: &[u8; 3]| is_category(*code) && PurchaseDay::from_bytes([*month, *day]).is_some();
        pairs && interests && self.purchases.iter().all(is_purchase)
    }

    /// What was bought, by codes, and when.
    pub(crate) fn purchases(self) -> impl Iterator<Item = (u8, PurchaseDay)> + 'a {
        let by_day = self.purchases.iter();
        let by_day = by_day.filter_map(|[code, month, day]| Some((*code, PurchaseDay::from_bytes([*month, *day])?)));
        let by_month = self.pairs.iter().filter(|[_, month]| *month != INTEREST);
        by_day.chain(by_month.map(|[code, month]| (*code, PurchaseDay::last_of(*month))))
    }

    /// What is liked, by codes.
    pub(crate) fn interests(self) -> impl Iterator<Item = u8> + 'a {
        let pairs = self.pairs.iter().filter(|[_, month]| *month == INTEREST);
        self.interests.iter().copied().chain(pairs.map(|[code, _]| *code))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn record() -> AudienceRecord {
        let mut record = fixture::record(&fixture::brand(), &fixture::standing());
        record.stages = Stages::from_days([20_700, 20_800, 20_900]);
        let category = |slug| Category::from_slug(slug).unwrap();
        record.ties = vec![
            (category("books"), Tie::Bought(PurchaseDay::last_of(80))),
            (category("coffee-pods"), Tie::Bought(PurchaseDay::last_of(49))),
            (category("exhibition-tickets"), Tie::Interest),
        ];
        record
    }

    /// The form of a record before days of purchases were kept, and the one before stages were.
    fn earlier(record: &AudienceRecord, format: u8) -> Vec<u8> {
        let mut bytes = record.to_bytes();
        bytes.truncate(bytes.len() - (1 + 3 + 3 + 1));
        if format == WITHOUT_STAGES {
            // Facts and good hours follow them.
            let end = bytes.len() - 7;
            bytes.drain(end - 6..end);
        }
        bytes[0] = format;
        for (category, tie) in &record.ties {
            bytes.push(category.code());
            bytes.push(match tie {
                Tie::Bought(day) => day.month(),
                Tie::Interest => INTEREST,
            });
        }
        bytes
    }

    #[test]
    fn earlier_forms_are_read_with_purchases_on_the_last_day_of_their_month() {
        let record = record();
        assert_eq!(AudienceRecord::from_bytes(&record.to_bytes()), Ok(record.clone()));
        assert_eq!(
            AudienceRecord::from_bytes(&earlier(&record, WITHOUT_DAYS)),
            Ok(record.clone())
        );
        let without_stages = AudienceRecord { stages: None, ..record };
        let bytes = earlier(&without_stages, WITHOUT_STAGES);
        assert_eq!(AudienceRecord::from_bytes(&bytes), Ok(without_stages));
    }

    #[test]
    fn a_record_whose_ties_are_cut_short_or_not_of_the_form_is_not_read() {
        let bytes = record().to_bytes();
        let count = bytes.len() - 8;
        assert_eq!(bytes[count], 2);
        for (at, byte) in [(count, 3), (count + 1, 0), (count + 3, 32), (bytes.len() - 1, 0)] {
            let mut broken = bytes.clone();
            broken[at] = byte;
            assert_eq!(AudienceRecord::from_bytes(&broken), Err(MalformedRecord), "{at}");
        }
        let mut pairs = earlier(&record(), WITHOUT_DAYS);
        pairs.pop();
        assert_eq!(AudienceRecord::from_bytes(&pairs), Err(MalformedRecord));
    }
}
