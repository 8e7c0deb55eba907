//! People as columns: what judging reads of each, a group of [`LANES`] at a time.

use wide::bytemuck::Zeroable;

use crate::attribute::Fact;
use crate::audience::{
    AudienceRecord, HAS_CURRENT_PLACE, HAS_HOME, MalformedRecord, NO_MARKETING, Stored, area_bits, bought, liked,
    pack_facts, pair_of_bits,
};
use crate::category::{CATEGORIES, Category};
use crate::place::UnitVector;
use crate::purchase_day::PurchaseDay;
use crate::relevance::Relevance;
use crate::time::EpochDay;

use super::strip::{Bytes, Counts, Figures, NOBODY, STRIPS, Signed, Words, lanes, lanes_mut};

/// How many people go through a gate at once.
pub(super) const LANES: usize = 512;
/// Interests are bits of bytes, by category.
pub(super) const BYTES: usize = CATEGORIES.div_ceil(8);
/// Bits of `tied`: something was bought, something is liked.
pub(super) const ANY_PURCHASE: u8 = 1;
pub(super) const ANY_INTEREST: u8 = 2;

/// What holds of all of a group: a gate that lets these pass lets all pass.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) latest_pause: u32,
    pub(super) highest_threshold: u16,
    /// The day itself, and the last of all when nobody knows.
    pub(super) longest_silent: u16,
    /// The least and the most of `ahead` of those who have good hours; the other way round when nobody has.
    pub(super) clocks: (u8, u8),
    /// The earliest of the months of `bought`, and the last of all when nobody bought anything.
    pub(super) first_purchase: u8,
    /// The least and the most of each component of a home, and the other way round when nobody has one.
    pub(super) homes: [(i32, i32); 3],
}

impl Bounds {
    const OF_NOBODY: Self = Self {
        latest_pause: 0,
        highest_threshold: 0,
        longest_silent: u16::MAX,
        clocks: (u8::MAX, 0),
        first_purchase: u8::MAX,
        homes: [(i32::MAX, i32::MIN); 3],
    };
}

/// One group after the other, without a gap: who reads a column to the end of a group is led to the next by the processor.
type Column<G> = Vec<G>;

/// The columns of one group.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) bounds: Bounds,
    pub(super) home: [&'a Figures; 3],
    pub(super) flags: &'a Bytes,
    /// Lifecycle (3 bits), reaction (3) and ventilation (2).
    pub(super) life: &'a Bytes,
    pub(super) good_hours: &'a Bytes,
    pub(super) tied: &'a Bytes,
    pub(super) area: &'a Bytes,
    /// The day of the last sign plus one; 0 is nobody knows.
    pub(super) heard: &'a Words,
    /// 0 without one. Words of columns are one after the other.
    pub(super) threshold: &'a Words,
    pub(super) paused_until: &'a Counts,
    /// Two bits a fact.
    pub(super) flag_facts: [&'a Bytes; 2],
    pub(super) numbers: [&'a Signed; 3],
    /// The quarters of an hour of whoever has good hours.
    pub(super) ahead: &'a Bytes,
    pub(super) here: [&'a Figures; 3],
    /// The hour of the end plus one; 0 is nowhere.
    pub(super) here_until: &'a Counts,
    at: usize,
    columns: &'a Columns,
}

impl<'a> Group<'a> {
    /// Two topics, of three bits each.
    pub(super) fn topics(&self, pair: usize) -> &'a Bytes {
        of(&self.columns.topics, pair, self.at)
    }

    /// Interests, eight categories a byte.
    pub(super) fn interests(&self, byte: usize) -> &'a Bytes {
        of(&self.columns.interests, byte, self.at)
    }

    /// The month of the last purchase in a category plus one; 0 is never.
    pub(super) fn bought(&self, category: usize) -> &'a Bytes {
        of(&self.columns.bought, category, self.at)
    }

    /// Its day in that month; of who never bought, it means nothing.
    pub(super) fn bought_on(&self, category: usize) -> &'a Bytes {
        of(&self.columns.bought_on, category, self.at)
    }
}

/// A group of one of several columns; of one that there is not, nothing is known of anybody.
fn of(columns: &[Column<Bytes>], which: usize, at: usize) -> &Bytes {
    static UNKNOWN: Bytes = [NOBODY; STRIPS];
    columns.get(which).and_then(|column| column.get(at)).unwrap_or(&UNKNOWN)
}

#[derive(Clone)]
struct Columns {
    bounds: Vec<Bounds>,
    home: [Column<Figures>; 3],
    flags: Column<Bytes>,
    life: Column<Bytes>,
    good_hours: Column<Bytes>,
    tied: Column<Bytes>,
    area: Column<Bytes>,
    heard: Column<Words>,
    threshold: Column<Words>,
    paused_until: Column<Counts>,
    flag_facts: [Column<Bytes>; 2],
    numbers: [Column<Signed>; 3],
    ahead: Column<Bytes>,
    here: [Column<Figures>; 3],
    here_until: Column<Counts>,
    context_version: Column<Counts>,
    topics: [Column<Bytes>; 8],
    interests: [Column<Bytes>; BYTES],
    bought: Vec<Column<Bytes>>,
    bought_on: Vec<Column<Bytes>>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            bounds: Vec::new(),
            home: Default::default(),
            flags: Vec::new(),
            life: Vec::new(),
            good_hours: Vec::new(),
            tied: Vec::new(),
            area: Vec::new(),
            heard: Vec::new(),
            threshold: Vec::new(),
            paused_until: Vec::new(),
            flag_facts: Default::default(),
            numbers: Default::default(),
            ahead: Vec::new(),
            here: Default::default(),
            here_until: Vec::new(),
            context_version: Vec::new(),
            topics: Default::default(),
            interests: Default::default(),
            bought: vec![Vec::new(); CATEGORIES],
            bought_on: vec![Vec::new(); CATEGORIES],
        }
    }
}

impl Columns {
    /// Room for one more group.
    fn grow(&mut self) {
        self.bounds.push(Bounds::OF_NOBODY);
        let several = [
            self.flag_facts.as_mut_slice(),
            &mut self.topics,
            &mut self.interests,
            &mut self.bought,
            &mut self.bought_on,
        ];
        let bytes = several.into_iter().flatten().chain([
            &mut self.flags,
            &mut self.life,
            &mut self.good_hours,
            &mut self.tied,
            &mut self.area,
            &mut self.ahead,
        ]);
        bytes.for_each(|column| column.push(Zeroable::zeroed()));
        self.numbers
            .iter_mut()
            .for_each(|column| column.push(Zeroable::zeroed()));
        let places = self.home.iter_mut().chain(&mut self.here);
        places.for_each(|column| column.push(Zeroable::zeroed()));
        let halves = [&mut self.heard, &mut self.threshold];
        halves.into_iter().for_each(|column| column.push(Zeroable::zeroed()));
        let words = [&mut self.paused_until, &mut self.here_until, &mut self.context_version];
        words.into_iter().for_each(|column| column.push(Zeroable::zeroed()));
    }

    /// Makes room for others, who are put over whoever was in the group.
    fn clear(&mut self, at: usize) {
        if let Some(bounds) = self.bounds.get_mut(at) {
            *bounds = Bounds::OF_NOBODY;
        }
        let groups = self.bought.iter_mut().filter_map(|column| column.get_mut(at));
        groups.for_each(|group| *group = Zeroable::zeroed());
    }
}

/// A page of people, ready to be judged for any number of offers. Cleared and filled again it allocates nothing.
#[derive(Clone, Default)]
pub struct Block {
    columns: Columns,
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
        let group = self.columns.context_version.get(person / LANES);
        let versions: &[u32] = lanes(group.filter(|_| person < self.people)?);
        versions.get(person % LANES).copied()
    }

    /// How many groups the people are in.
    pub(super) const fn groups(&self) -> usize {
        self.people.div_ceil(LANES)
    }

    /// The people of one of them.
    #[expect(clippy::indexing_slicing, reason = "every column has every group")]
    pub(super) fn group(&self, at: usize) -> Group<'_> {
        let columns = &self.columns;
        Group {
            bounds: columns.bounds[at],
            home: columns.home.each_ref().map(|column| &column[at]),
            flags: &columns.flags[at],
            life: &columns.life[at],
            good_hours: &columns.good_hours[at],
            tied: &columns.tied[at],
            area: &columns.area[at],
            heard: &columns.heard[at],
            threshold: &columns.threshold[at],
            paused_until: &columns.paused_until[at],
            flag_facts: columns.flag_facts.each_ref().map(|column| &column[at]),
            numbers: columns.numbers.each_ref().map(|column| &column[at]),
            ahead: &columns.ahead[at],
            here: columns.here.each_ref().map(|column| &column[at]),
            here_until: &columns.here_until[at],
            at,
            columns,
        }
    }

    /// Adds a person as they are on a day: the lifecycle goes on in silence.
    pub fn push(&mut self, record: &AudienceRecord, today: EpochDay) {
        let hint = &record.hint;
        let flags = hint.purposes & 0b1111
            | if hint.no_marketing { NO_MARKETING } else { 0 }
            | if record.home.is_some() { HAS_HOME } else { 0 }
            | if record.current_place.is_some() {
                HAS_CURRENT_PLACE
            } else {
                0
            };
        let life = record.lifecycle_on(today).byte()
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
        let purchases = bought(&record.ties).map(|(category, day)| (category.code(), day));
        self.put(&person, purchases, liked(&record.ties).map(Category::code));
    }

    /// The same from the stored form of their record, as [`AudienceRecord::from_bytes`] reads it.
    ///
    /// # Errors
    /// [`MalformedRecord`] when the bytes are not such a form; nobody is added then.
    pub fn push_bytes(&mut self, bytes: &[u8], today: EpochDay) -> Result<(), MalformedRecord> {
        let stored = Stored::read(bytes)?;
        let person = Person {
            context_version: stored.context_version,
            topics: stored.topics.halves(),
            flags: stored.flags,
            life: stored.life_on(today),
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
        self.put(&person, stored.ties.purchases(), stored.ties.interests());
        Ok(())
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the lane is below the length of each column, and codes were checked"
    )]
    fn put(
        &mut self,
        person: &Person,
        purchases: impl Iterator<Item = (u8, PurchaseDay)>,
        liked: impl Iterator<Item = u8>,
    ) {
        let (at, lane) = (self.people / LANES, self.people % LANES);
        let columns = &mut self.columns;
        if at == columns.bounds.len() {
            columns.grow();
        } else if lane == 0 {
            columns.clear(at);
        }
        let vector = |place: Option<UnitVector>| place.map_or([0; 3], UnitVector::components);
        let home = vector(person.home);
        let here = vector(person.here.map(|(at, _)| at));
        let places = columns
            .home
            .iter_mut()
            .zip(home)
            .chain(columns.here.iter_mut().zip(here));
        for (column, component) in places {
            lanes_mut(&mut column[at])[lane] = component;
        }
        lanes_mut(&mut columns.here_until[at])[lane] = person.here.map_or(0, |(_, until)| until);
        for (column, pair) in columns.topics.iter_mut().zip(0..) {
            let [bits, ..] = ((person.topics[pair / 4] >> (pair % 4 * 6)) & 0b11_1111).to_le_bytes();
            lanes_mut(&mut column[at])[lane] = bits;
        }
        lanes_mut(&mut columns.paused_until[at])[lane] = person.paused_until;
        lanes_mut(&mut columns.heard[at])[lane] = person.heard;
        lanes_mut(&mut columns.threshold[at])[lane] = person.threshold;
        lanes_mut(&mut columns.flags[at])[lane] = person.flags;
        lanes_mut(&mut columns.life[at])[lane] = person.life;
        lanes_mut(&mut columns.area[at])[lane] = person.area;
        let [stretches, ahead] = person.good_hours;
        lanes_mut(&mut columns.good_hours[at])[lane] = stretches;
        lanes_mut(&mut columns.ahead[at])[lane] = ahead;
        let [low, high, numbers @ ..] = person.facts;
        for (column, byte) in columns.flag_facts.iter_mut().zip([low, high]) {
            lanes_mut(&mut column[at])[lane] = byte;
        }
        for (column, number) in columns.numbers.iter_mut().zip(numbers) {
            lanes_mut(&mut column[at])[lane] = i8::from_be_bytes([number]);
        }
        lanes_mut(&mut columns.context_version[at])[lane] = person.context_version;
        let (mut tied, mut interests) = (0, [0u8; BYTES]);
        for (code, on) in purchases {
            tied |= ANY_PURCHASE;
            let category = usize::from(code).saturating_sub(1);
            let [month, day] = on.to_bytes();
            let last: &mut u8 = &mut lanes_mut(&mut columns.bought[category][at])[lane];
            let last_day: &mut u8 = &mut lanes_mut(&mut columns.bought_on[category][at])[lane];
            if (month + 1, day) > (*last, *last_day) || *last == 0 {
                (*last, *last_day) = (month + 1, day);
            }
            let first = &mut columns.bounds[at].first_purchase;
            *first = (*first).min(month + 1);
        }
        for code in liked {
            tied |= ANY_INTEREST;
            let category = usize::from(code).saturating_sub(1);
            interests[category / 8] |= 1 << (category % 8);
        }
        lanes_mut(&mut columns.tied[at])[lane] = tied;
        for (column, byte) in columns.interests.iter_mut().zip(interests) {
            lanes_mut(&mut column[at])[lane] = byte;
        }
        let bounds = &mut columns.bounds[at];
        bounds.latest_pause = bounds.latest_pause.max(person.paused_until);
        bounds.longest_silent = bounds.longest_silent.min(person.heard.wrapping_sub(1));
        bounds.highest_threshold = bounds.highest_threshold.max(person.threshold);
        if let Some(home) = person.home {
            for ((least, most), component) in bounds.homes.iter_mut().zip(home.components()) {
                (*least, *most) = ((*least).min(component), (*most).max(component));
            }
        }
        if stretches != 0 {
            let (least, most) = bounds.clocks;
            bounds.clocks = (least.min(ahead), most.max(ahead));
        }
        self.people += 1;
    }
}
