//! People as columns: what judging reads of each, a group of [`LANES`] at a time.

use crate::attribute::Fact;
use crate::audience::{
    AudienceRecord, HAS_CURRENT_PLACE, HAS_HOME, INTEREST, MalformedRecord, NO_MARKETING, Stored, Tie, area_bits,
    pack_facts, pair_of_bits,
};
use crate::category::CATEGORIES;
use crate::place::UnitVector;
use crate::relevance::Relevance;

/// How many people go through a gate at once.
pub(super) const LANES: usize = 2048;
/// Interests are bits of bytes, by category.
pub(super) const BYTES: usize = CATEGORIES.div_ceil(8);
/// Bits of `tied`: something was bought, something is liked.
pub(super) const ANY_PURCHASE: u8 = 1;
pub(super) const ANY_INTEREST: u8 = 2;

/// The columns of one group, those that most offers read first.
#[derive(Clone)]
pub(super) struct Group {
    /// The latest pause, the highest threshold and whoever was silent for longest: a gate that lets these pass lets all pass.
    pub(super) latest_pause: u32,
    pub(super) highest_threshold: u16,
    /// The day itself, and the last of all when nobody knows.
    pub(super) longest_silent: u16,
    /// The least and the most of `ahead` of those who have good hours; the other way round when nobody has.
    pub(super) clocks: (u8, u8),
    pub(super) home: [[i32; LANES]; 3],
    pub(super) flags: [u8; LANES],
    /// Lifecycle (3 bits), reaction (3) and ventilation (2).
    pub(super) life: [u8; LANES],
    pub(super) good_hours: [u8; LANES],
    pub(super) tied: [u8; LANES],
    pub(super) area: [u8; LANES],
    /// Two topics a byte, of three bits each.
    pub(super) topics: [[u8; LANES]; 8],
    pub(super) interests: [[u8; LANES]; BYTES],
    /// By category, the month of the last purchase plus one; 0 is never.
    pub(super) bought: [[u8; LANES]; CATEGORIES],
    /// The day of the last sign plus one; 0 is nobody knows.
    pub(super) heard: [u16; LANES],
    /// 0 without one.
    pub(super) threshold: [u16; LANES],
    pub(super) paused_until: [u32; LANES],
    /// Two bits a fact.
    pub(super) flag_facts: [[u8; LANES]; 2],
    pub(super) numbers: [[i8; LANES]; 3],
    /// The quarters of an hour of whoever has good hours.
    pub(super) ahead: [u8; LANES],
    pub(super) here: [[i32; LANES]; 3],
    /// The hour of the end plus one; 0 is nowhere.
    pub(super) here_until: [u32; LANES],
    pub(super) context_version: [u32; LANES],
}

impl Group {
    fn empty() -> Self {
        Self {
            latest_pause: 0,
            highest_threshold: 0,
            longest_silent: u16::MAX,
            clocks: (u8::MAX, 0),
            home: [[0; LANES]; 3],
            flags: [0; LANES],
            life: [0; LANES],
            good_hours: [0; LANES],
            tied: [0; LANES],
            area: [0; LANES],
            topics: [[0; LANES]; 8],
            interests: [[0; LANES]; BYTES],
            bought: [[0; LANES]; CATEGORIES],
            heard: [0; LANES],
            threshold: [0; LANES],
            paused_until: [0; LANES],
            flag_facts: [[0; LANES]; 2],
            numbers: [[0; LANES]; 3],
            ahead: [0; LANES],
            here: [[0; LANES]; 3],
            here_until: [0; LANES],
            context_version: [0; LANES],
        }
    }

    /// Makes room for others, who are put over whoever was there.
    fn clear(&mut self) {
        self.bought = [[0; LANES]; CATEGORIES];
        self.latest_pause = 0;
        self.highest_threshold = 0;
        self.longest_silent = u16::MAX;
        self.clocks = (u8::MAX, 0);
    }
}

/// A page of people, ready to be judged for any number of offers. Cleared and filled again it allocates nothing.
#[derive(Clone, Default)]
pub struct Block {
    pub(super) groups: Vec<Group>,
    people: usize,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({} people)", self.people)
    }
}

/// One person, flat.
struct Person {
    context_version: u32,
    topics: [u32; 2],
    flags: u8,
    life: u8,
    area: u8,
    home: Option<UnitVector>,
    here: Option<(UnitVector, u32)>,
    paused_until: u32,
    heard: u16,
    threshold: u16,
    facts: [u8; 5],
    good_hours: [u8; 2],
}

impl Block {
    /// How many people are in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.people
    }

    /// Whether nobody is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.people == 0
    }

    /// Takes everybody out and keeps the room.
    pub const fn clear(&mut self) {
        self.people = 0;
    }

    /// The context that a person's row was derived from.
    #[must_use]
    pub fn context_version(&self, person: usize) -> Option<u32> {
        let group = self.groups.get(person / LANES).filter(|_| person < self.people)?;
        group.context_version.get(person % LANES).copied()
    }

    /// Adds a person.
    pub fn push(&mut self, record: &AudienceRecord) {
        let hint = &record.hint;
        let flags = hint.purposes & 0b1111
            | if hint.no_marketing { NO_MARKETING } else { 0 }
            | if record.home.is_some() { HAS_HOME } else { 0 }
            | if record.current_place.is_some() {
                HAS_CURRENT_PLACE
            } else {
                0
            };
        let life = record.lifecycle.byte()
            | (record.reaction.min(7) << 3)
            | (pair_of_bits(&record.facts, Fact::Ventilation) << 6);
        let person = Person {
            context_version: record.context_version,
            topics: hint.topics.halves(),
            flags,
            life,
            area: area_bits(record.area),
            home: record.home,
            here: record
                .current_place
                .map(|place| (place.at, place.until_hour.saturating_add(1))),
            paused_until: hint.paused_until,
            heard: record.heard_on.map_or(0, |day| day.0.saturating_add(1)),
            threshold: record.threshold.map_or(0, Relevance::basis_points),
            facts: pack_facts(&record.facts),
            good_hours: record.good_hours.to_bytes(),
        };
        let ties = record.ties.iter().map(|(category, tie)| match tie {
            Tie::BoughtInMonth(month) => (category.code(), (*month).min(INTEREST - 1)),
            Tie::Interest => (category.code(), INTEREST),
        });
        self.put(&person, ties);
    }

    /// Adds a person from the stored form of their record, as [`AudienceRecord::from_bytes`] reads it.
    ///
    /// # Errors
    /// [`MalformedRecord`] when the bytes are not such a form; nobody is added then.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), MalformedRecord> {
        let stored = Stored::read(bytes)?;
        let person = Person {
            context_version: stored.context_version,
            topics: stored.topics.halves(),
            flags: stored.flags,
            life: stored.life,
            area: stored.area,
            home: stored.home,
            here: stored.current_place.map(|place| (place.at, place.until_hour + 1)),
            paused_until: stored.paused_until,
            heard: if stored.heard_on == 0 {
                0
            } else {
                stored.heard_on.saturating_add(1)
            },
            threshold: if stored.threshold == u16::MAX {
                0
            } else {
                stored.threshold
            },
            facts: stored.facts,
            good_hours: stored.good_hours,
        };
        let (pairs, _) = stored.ties.as_chunks::<2>();
        self.put(&person, pairs.iter().map(|[code, month]| (*code, *month)));
        Ok(())
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the lane is below the length of each column, and codes were checked"
    )]
    fn put(&mut self, person: &Person, ties: impl Iterator<Item = (u8, u8)>) {
        let (at, lane) = (self.people / LANES, self.people % LANES);
        if at == self.groups.len() {
            self.groups.push(Group::empty());
        }
        let Some(group) = self.groups.get_mut(at) else { return };
        if lane == 0 {
            group.clear();
        }
        let vector = |place: Option<UnitVector>| place.map_or([0; 3], UnitVector::components);
        let columns = [vector(person.home), vector(person.here.map(|(at, _)| at))];
        for (column, component) in group.home.iter_mut().zip(columns[0]) {
            column[lane] = component;
        }
        for (column, component) in group.here.iter_mut().zip(columns[1]) {
            column[lane] = component;
        }
        group.here_until[lane] = person.here.map_or(0, |(_, until)| until);
        for (column, pair) in group.topics.iter_mut().zip(0..) {
            let [bits, ..] = ((person.topics[pair / 4] >> (pair % 4 * 6)) & 0b11_1111).to_le_bytes();
            column[lane] = bits;
        }
        group.paused_until[lane] = person.paused_until;
        group.heard[lane] = person.heard;
        group.threshold[lane] = person.threshold;
        group.latest_pause = group.latest_pause.max(person.paused_until);
        group.longest_silent = group.longest_silent.min(person.heard.wrapping_sub(1));
        group.highest_threshold = group.highest_threshold.max(person.threshold);
        group.flags[lane] = person.flags;
        group.life[lane] = person.life;
        group.area[lane] = person.area;
        [group.good_hours[lane], group.ahead[lane]] = person.good_hours;
        let [stretches, ahead] = person.good_hours;
        if stretches != 0 {
            let (least, most) = group.clocks;
            group.clocks = (least.min(ahead), most.max(ahead));
        }
        let [low, high, numbers @ ..] = person.facts;
        for (column, byte) in group.flag_facts.iter_mut().zip([low, high]) {
            column[lane] = byte;
        }
        for (column, number) in group.numbers.iter_mut().zip(numbers) {
            column[lane] = i8::from_be_bytes([number]);
        }
        group.context_version[lane] = person.context_version;
        let (mut tied, mut interests) = (0, [0u8; BYTES]);
        for (code, month) in ties {
            let category = usize::from(code).saturating_sub(1);
            if month == INTEREST {
                tied |= ANY_INTEREST;
                interests[category / 8] |= 1 << (category % 8);
            } else {
                tied |= ANY_PURCHASE;
                let last = &mut group.bought[category][lane];
                *last = (*last).max(month + 1);
            }
        }
        group.tied[lane] = tied;
        for (column, byte) in group.interests.iter_mut().zip(interests) {
            column[lane] = byte;
        }
        self.people += 1;
    }
}
