//! A population from a seed: the same people on every machine, each derived by core's own rules from a context.
//!
//! Of 16 categories each is filled at 35 %: by a purchase or by an interest. Nobody has a current place.

use apropos_core::attribute::{Fact, Facts};
use apropos_core::audience::{AudienceRecord, ConsentHint, Habits, TopicStates};
use apropos_core::brand::TopicNumber;
use apropos_core::cap::ContactRing;
use apropos_core::category::Category;
use apropos_core::consent::ConsentState;
use apropos_core::context::{CustomerContext, Home, Purchase};
use apropos_core::habit::reaction;
use apropos_core::ids::CustomerId;
use apropos_core::place::Cell;
use apropos_core::relevance::Relevance;
use apropos_core::time::EpochDay;
use apropos_core::travel::Area;
use fastrand::Rng;
use jiff::Timestamp;

use crate::Failure;

/// How many topics the brand has.
pub const TOPICS: u8 = 4;

/// The categories that people have bought or like.
pub const CATEGORIES: [&str; 16] = [
    "running-shoes",
    "running-gear",
    "sports-watch",
    "sports-nutrition",
    "exhibition-tickets",
    "museum-pass",
    "theatre-tickets",
    "books",
    "wall-art",
    "weekend-stay",
    "lawnmower",
    "robot-lawnmower",
    "garden-tools",
    "coffee-machine",
    "coffee-pods",
    "dog-food",
];

/// The facts that 3 % have: what rules leave out.
pub const FLAGS: [Fact; 8] = [
    Fact::Garden,
    Fact::Balcony,
    Fact::Lift,
    Fact::Parking,
    Fact::Cellar,
    Fact::Dog,
    Fact::Cat,
    Fact::Ventilation,
];

/// South-west corner of the 10° × 10° in which people live, and the cities' margin, in millionths of a degree.
pub const SOUTH_WEST: (i32, i32) = (42_000_000, -4_000_000);
const SIDE: i32 = 10_000_000;
const MARGIN: i32 = 300_000;
const CITIES: usize = 50;

/// Whether people are as they are, or whether nothing about them closes a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// Some refuse, some are not known.
    AsTheyAre,
    /// Everyone agrees to everything, has a home and asks for no least relevance.
    Open,
}

/// People with what scoring knows of each.
pub struct Population {
    /// Their ids.
    pub customers: Vec<CustomerId>,
    /// Their records, in the same order.
    pub records: Vec<AudienceRecord>,
}

/// The centre of a city, in millionths of a degree north and east.
#[derive(Debug, Clone, Copy)]
pub struct City {
    /// Degrees north.
    pub latitude: i32,
    /// Degrees east.
    pub longitude: i32,
    /// Within so much of the centre live most of its people.
    spread: i32,
}

/// The cities of a seed.
#[must_use]
pub fn cities(seed: u64) -> Vec<City> {
    let mut rng = Rng::with_seed(seed ^ 0xc17);
    let (south, west) = SOUTH_WEST;
    let within = MARGIN..SIDE - MARGIN;
    (0..CITIES)
        .map(|_| City {
            latitude: south + rng.i32(within.clone()),
            longitude: west + rng.i32(within.clone()),
            spread: rng.i32(20_000..90_000),
        })
        .collect()
}

impl Population {
    /// So many people of a seed at a time; a smaller population is the beginning of a larger one.
    ///
    /// # Errors
    /// None for the constants above.
    pub fn generate(seed: u64, count: usize, openness: Openness, now: Timestamp) -> Result<Self, Failure> {
        let mut draw = Draw {
            rng: Rng::with_seed(seed),
            cities: cities(seed),
            categories: CATEGORIES
                .iter()
                .map(|slug| Category::from_slug(slug))
                .collect::<Result<_, _>>()?,
            now,
            today: EpochDay::of(now),
        };
        let mut population = Self {
            customers: Vec::with_capacity(count),
            records: Vec::with_capacity(count),
        };
        for number in 0..count {
            population.customers.push(CustomerId::new(format!("c{number:07}"))?);
            population.records.push(draw.person(openness)?);
        }
        Ok(population)
    }
}

struct Draw {
    rng: Rng,
    cities: Vec<City>,
    categories: Vec<Category>,
    now: Timestamp,
    today: EpochDay,
}

impl Draw {
    /// Draws in the same order whatever the openness, so that it changes nothing else.
    fn person(&mut self, openness: Openness) -> Result<AudienceRecord, Failure> {
        let home = self.home()?;
        let has_home = self.percent(98);
        let hint = self.hint();
        let (purchases, interests) = self.ties();
        let facts = self.facts()?;
        let context = CustomerContext {
            home: (has_home || openness == Openness::Open).then_some(home),
            facts,
            interests,
            purchases,
            last_activity: self.sometimes(70, |draw| draw.days_ago(180)),
            current_place: None,
            active_hours: self.active_hours(),
            clicked_hours: Vec::new(),
            time_zone: None,
            spent: self.sometimes(40, |draw| draw.rng.u32(0..1_500)),
        };
        let contacts = self.contacts();
        let heard_on = self.days_ago(900);
        let was_silent = self.percent(2);
        let own_threshold = self.sometimes(10, |draw| Relevance::clamped(draw.rng.u32(4..=9) * 1_000));
        let habits = Habits {
            threshold: own_threshold,
            last_contact: None,
            heard_on: Some(if was_silent {
                EpochDay(self.today.0.saturating_sub(1_200))
            } else {
                heard_on
            }),
            reaction: reaction(&contacts, context.last_act(), self.now),
            // Paris in winter: whose homes are read together have one clock.
            quarters_ahead: Some(4),
        };
        let version = self.rng.u32(1..50);
        let mut record = AudienceRecord::derive(&context, version, hint, habits, self.now);
        if openness == Openness::Open {
            record.hint = all_agreed();
            record.threshold = None;
            record.heard_on = Some(self.today);
        }
        Ok(record)
    }

    fn home(&mut self) -> Result<Home, Failure> {
        let (south, west) = SOUTH_WEST;
        let place = self.rng.usize(..CITIES);
        let in_city = self.percent(60);
        let [north, east] = [self.bell(), self.bell()];
        let [latitude, longitude] = [self.rng.i32(0..SIDE), self.rng.i32(0..SIDE)];
        let is_town = self.percent(20);
        let is_known = self.percent(90);
        let city = self.cities.get(place).filter(|_| in_city);
        let (latitude, longitude, area) = match city {
            Some(city) => {
                let [north, east] = [north, east].map(|step| i64::from(step) * i64::from(city.spread) / 1_000);
                let is_centre = north.abs().max(east.abs()) < 40_000;
                let moved = |from: i32, by: i64| i32::try_from(i64::from(from) + by).unwrap_or(from);
                let area = if is_centre { Area::DenseCity } else { Area::Town };
                (moved(city.latitude, north), moved(city.longitude, east), area)
            }
            None if is_town => (south + latitude, west + longitude, Area::Town),
            None => (south + latitude, west + longitude, Area::Country),
        };
        Ok(Home {
            cell: Cell::at_degrees(f64::from(latitude) / 1e6, f64::from(longitude) / 1e6)?,
            uncertainty_m: 0,
            area: is_known.then_some(area),
        })
    }

    /// About a normal deviate in thousandths of its deviation: the sum of twelve uniform ones.
    fn bell(&mut self) -> i32 {
        (0..12).map(|_| self.rng.i32(-500..=500)).sum()
    }

    /// Topics agreed to at 0.7, profiling at 0.8, the home at 0.6, individual clicks at 0.6.
    fn hint(&mut self) -> ConsentHint {
        let topics = (0..TOPICS)
            .filter_map(TopicNumber::new)
            .fold(TopicStates::default(), |states, number| {
                states.with(number, self.topic_state())
            });
        let [profiling, home, measurement] = [80, 60, 60].map(|share| self.percent(share));
        let now = u32::try_from(self.now.as_second()).unwrap_or(0);
        ConsentHint {
            topics,
            purposes: u8::from(profiling) | u8::from(home) << 1 | u8::from(measurement) << 3,
            no_marketing: self.percent(1),
            paused_until: self
                .sometimes(2, |draw| now + draw.rng.u32(0..60 * 86_400) - 20 * 86_400)
                .unwrap_or(0),
        }
    }

    fn topic_state(&mut self) -> ConsentState {
        match self.rng.u8(..100) {
            0..70 => ConsentState::Granted { record: 1 },
            70..80 => ConsentState::Unknown,
            80..85 => ConsentState::Pending,
            85..90 => ConsentState::Denied,
            90..98 => ConsentState::Withdrawn,
            _ => ConsentState::Expired,
        }
    }

    /// A quarter has bought nothing; a tenth only lately; the last purchase of the others is up to two years old.
    fn ties(&mut self) -> (Vec<Purchase>, Vec<Category>) {
        let kind = self.rng.u8(..100);
        let (youngest, span) = match kind {
            0..25 => (0, 0),
            25..35 => (0, 60),
            35..60 => (0, 900),
            60..80 => (200, 700),
            _ => (400, 700),
        };
        let (mut purchases, mut interests) = (Vec::new(), Vec::new());
        for category in self.categories.clone() {
            let is_filled = self.percent(35);
            let is_bought = self.percent(60);
            let age = youngest + self.rng.u16(..900) % span.max(1);
            if is_filled && is_bought && span > 0 {
                purchases.push(Purchase {
                    category,
                    on: EpochDay(self.today.0 - age),
                });
            } else if is_filled {
                interests.push(category);
            }
        }
        (purchases, interests)
    }

    /// Each flag holds at 3 % and is unknown at 1 %; the other facts are known of some.
    fn facts(&mut self) -> Result<Facts, Failure> {
        let mut facts = Facts::default();
        for flag in FLAGS {
            let value = match self.rng.u8(..100) {
                0..3 => Some(1),
                3 => None,
                _ => Some(0),
            };
            facts.set(flag, value)?;
        }
        for (fact, known, values) in [
            (Fact::DwellingKind, 80, 0..=1),
            (Fact::Floor, 50, 0..=8),
            (Fact::CeilingHeight, 30, 22..=35),
            (Fact::HouseholdSize, 60, 1..=6),
        ] {
            let value = self.sometimes(known, |draw| draw.rng.i16(values));
            facts.set(fact, value)?;
        }
        Ok(facts)
    }

    /// Half of the people act at hours around one of their own.
    fn active_hours(&mut self) -> Vec<u8> {
        let usual = self.rng.u8(..24);
        let acts = self.sometimes(50, |draw| draw.rng.usize(3..9)).unwrap_or(0);
        (0..acts).map(|_| (usual + self.rng.u8(..5)) % 24).collect()
    }

    /// Poisson with mean 1.2, in the last thirty days.
    fn contacts(&mut self) -> ContactRing {
        let place = self.rng.u32(..1_000_000);
        let count = POISSON.iter().filter(|below| place >= **below).count();
        let now = u32::try_from(self.now.as_second()).unwrap_or(0);
        let seconds = (0..count).map(|_| now - self.rng.u32(..30 * 86_400)).collect();
        ContactRing::from_parts(seconds, None)
    }

    fn days_ago(&mut self, most: u16) -> EpochDay {
        EpochDay(self.today.0 - self.rng.u16(..most))
    }

    fn percent(&mut self, share: u8) -> bool {
        self.rng.u8(..100) < share
    }

    /// Draws the value in any case, so that the draws after it stay the same.
    fn sometimes<T>(&mut self, share: u8, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let is = self.percent(share);
        let value = value(self);
        is.then_some(value)
    }
}

/// At most k of a Poisson distribution with mean 1.2, in millionths, for k from 0.
const POISSON: [u32; 8] = [301_194, 662_627, 879_487, 966_231, 992_254, 998_500, 999_749, 999_963];

fn all_agreed() -> ConsentHint {
    ConsentHint {
        topics: (0..TOPICS)
            .filter_map(TopicNumber::new)
            .fold(TopicStates::default(), |states, number| {
                states.with(number, ConsentState::Granted { record: 1 })
            }),
        purposes: 0b1111,
        no_marketing: false,
        paused_until: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::NOW;

    fn people(count: usize, openness: Openness) -> Population {
        Population::generate(7, count, openness, NOW.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_smaller_population_is_the_beginning_of_a_larger_one() {
        let (few, many) = (people(50, Openness::AsTheyAre), people(200, Openness::AsTheyAre));
        assert!(few.records == many.records[..50]);
    }

    #[test]
    fn shares_are_those_of_the_issue() {
        let people = people(20_000, Openness::AsTheyAre).records;
        let share = |holds: &dyn Fn(&AudienceRecord) -> bool| {
            people.iter().filter(|record| holds(record)).count() * 1_000 / people.len()
        };
        let first = TopicNumber::new(0).unwrap();
        let about = |figure: usize, wanted: usize| assert!(figure.abs_diff(wanted) < 15, "{figure} {wanted}");
        about(share(&|record| record.hint.topics.get(first).is_ok()), 700);
        about(share(&|record| record.hint.purposes & 1 != 0), 800);
        about(share(&|record| record.hint.purposes & 2 != 0), 600);
        for flag in FLAGS {
            about(share(&|record| record.facts.get(flag) == Some(1)), 30);
        }
        // Eight or more of 16 at 0.35: binomial.
        about(share(&|record| record.ties.len() >= 8), 159);
        for life in apropos_core::context::Lifecycle::ALL {
            assert!(share(&|record| record.lifecycle == life) > 50, "{life:?}");
        }
    }

    #[test]
    fn the_open_people_are_the_same_people() {
        let (open, others) = (
            people(300, Openness::Open).records,
            people(300, Openness::AsTheyAre).records,
        );
        for (open, other) in open.iter().zip(&others) {
            assert!(open.ties == other.ties && open.home.is_some() && open.hint == all_agreed());
        }
    }
}
