//! Whether the bounds hold, over many draws of audiences that are known.

use super::*;

/// Numbers by chance that are the same each time (splitmix64: Steele, Lea and Flood, 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    fn part(&mut self) -> f64 {
        real(self.next() >> 11) / 9_007_199_254_740_992.0
    }

    /// About normal: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }

    fn draw(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for eight in bytes.chunks_exact_mut(8) {
            eight.copy_from_slice(&self.next().to_be_bytes());
        }
        bytes
    }
}

struct Town {
    may_reach: bool,
    /// How many cases are among the first so many.
    before: Vec<u32>,
}

impl Town {
    fn new(people: u32, share: f64, may_reach: bool, chance: &mut Chance) -> Self {
        let mut before = vec![0];
        for _ in 0..people {
            let last = before.last().copied().unwrap_or(0);
            before.push(last + u32::from(may_reach && chance.part() < share));
        }
        Self { may_reach, before }
    }

    fn people(&self) -> usize {
        self.before.len() - 1
    }

    fn cases(&self) -> u32 {
        self.before.last().copied().unwrap_or(0)
    }

    /// So many from one on, round the end.
    fn met(&self, from: usize, most: usize) -> u32 {
        let end = from + most;
        match end.checked_sub(self.people()) {
            None => self.before[end] - self.before[from],
            Some(round) => self.cases() - self.before[from] + self.before[round],
        }
    }
}

const LIMITS: Limits = Limits {
    people: 20_000,
    reads: 590,
};

/// Of 400 draws, how many in a thousand have the truth within their bounds.
fn held(towns: &[Town], limits: Limits, among: Among) -> usize {
    let truth: u64 = towns.iter().map(|town| u64::from(town.cases())).sum();
    let draws = 400;
    let within = (0..draws)
        .filter(|seed| {
            let mut chance = Chance(seed * 7_919 + 1);
            let told = look(towns, limits, among, &mut chance);
            (told.at_least..=told.at_most).contains(&truth) && told.count.abs_diff(truth) <= told.margin()
        })
        .count();
    within * 1_000 / 400
}

fn look(towns: &[Town], limits: Limits, among: Among, chance: &mut Chance) -> Estimate {
    let listed: Vec<_> = towns
        .iter()
        .map(|town| Listed {
            people: count(town.people()),
            draw: chance.draw(),
            may_reach: among == Among::All || town.may_reach,
            is_counted: true,
        })
        .collect();
    let drawn = plan(&listed, limits);
    let calls = |each: &Drawn| if each.begin == Begin::First { 1 } else { 2 };
    assert!(drawn.iter().map(calls).sum::<usize>() <= limits.reads);
    assert!(drawn.iter().map(|each| each.most).sum::<u32>() <= limits.people);
    let (read, cases): (Vec<_>, Vec<_>) = drawn
        .iter()
        .map(|each| {
            let town = &towns[each.cell];
            let most = usize::try_from(each.most).unwrap().min(town.people());
            let from = usize::try_from(chance.next() % count(town.people())).unwrap();
            let read = Read::new(*each, u32::try_from(most).unwrap(), most == town.people());
            (read, town.met(from, most))
        })
        .unzip();
    estimate(&read, &cases, among)
}

#[expect(clippy::as_conversions, reason = "sizes of invented towns")]
fn size(people: f64) -> u32 {
    people.max(1.0) as u32
}

fn lognormal(cells: usize, share: impl Fn(&mut Chance) -> f64) -> Vec<Town> {
    let mut chance = Chance(1);
    (0..cells)
        .map(|_| {
            let people = size(350.0 * (1.1 * chance.normal()).exp());
            let share = share(&mut chance);
            Town::new(people, share, true, &mut chance)
        })
        .collect()
}

fn even(cells: usize, people: u32, share: impl Fn(usize, &mut Chance) -> f64) -> Vec<Town> {
    let mut chance = Chance(2);
    (0..cells)
        .map(|cell| {
            let share = share(cell, &mut chance);
            Town::new(people, share, share > 0.0, &mut chance)
        })
        .collect()
}

/// Cities by their rank: the first has 200 000 people, the tenth a tenth of that.
fn zipf() -> Vec<Town> {
    let mut chance = Chance(3);
    (1u32..=600)
        .map(|rank| {
            let share = (0.3 + 0.1 * chance.normal()).clamp(0.0, 1.0);
            Town::new(size(200_000.0 / f64::from(rank)), share, true, &mut chance)
        })
        .collect()
}

/// A million people: six in ten in 50 cities of six cells, the others alike in 3 000 more; an offer near one city.
fn issue() -> Vec<Town> {
    let mut chance = Chance(4);
    (0u32..3_300)
        .map(|cell| {
            let people = if cell < 300 { 2_000 } else { 133 };
            let is_near = cell < 6 || (300..312).contains(&cell);
            Town::new(people, if is_near { 0.33 } else { 0.0 }, is_near, &mut chance)
        })
        .collect()
}

#[test]
fn a_million_people_in_1500_cells_of_unlike_sizes_are_told_within_the_bounds() {
    let towns = lognormal(1_500, |chance| (0.3 + 0.15 * chance.normal()).clamp(0.0, 1.0));
    let held = held(&towns, LIMITS, Among::All);
    assert!(held >= 930, "{held}");
}

#[test]
fn a_hundred_large_cells_are_told_within_the_bounds() {
    let towns = even(100, 5_000, |_, chance| (0.3 + 0.15 * chance.normal()).clamp(0.01, 1.0));
    let held = held(&towns, LIMITS, Among::All);
    assert!(held >= 930, "{held}");
}

#[test]
fn cities_and_villages_are_told_within_the_bounds() {
    let held = held(&zipf(), LIMITS, Among::All);
    assert!(held >= 930, "{held}");
}

#[test]
fn an_offer_near_few_cells_of_many_is_told_within_the_bounds() {
    for (cells, near) in [(50, 3), (500, 5)] {
        let towns = even(cells, 2_000, |cell, _| if cell < near { 0.4 } else { 0.0 });
        for among in [Among::Reachable, Among::All] {
            let held = held(&towns, LIMITS, among);
            assert!(held >= 930, "{cells} {among:?} {held}");
        }
    }
}

#[test]
fn an_offer_near_one_of_fifty_cities_is_told_within_the_bounds_and_not_as_none() {
    let towns = issue();
    for among in [Among::Reachable, Among::All] {
        let held = held(&towns, LIMITS, among);
        assert!(held >= 930, "{among:?} {held}");
    }
    let told = look(&towns, LIMITS, Among::Reachable, &mut Chance(9));
    assert!(told.margin() * 5 < told.count, "{told:?}");
}

#[test]
fn a_rare_outcome_is_told_within_the_bounds() {
    for share in [0.000_05, 0.002, 0.999] {
        let towns = lognormal(1_500, |_| share);
        let held = held(&towns, LIMITS, Among::All);
        assert!(held >= 930, "{share} {held}");
    }
    // All in three of 1 500 cells, which nothing tells apart.
    let towns = even(1_500, 600, |cell, _| if cell % 500 == 7 { 0.9 } else { 0.0 });
    let held = held(&towns, LIMITS, Among::All);
    assert!(held >= 930, "{held}");
}

#[test]
fn half_of_a_small_audience_is_told_within_the_bounds() {
    let towns = lognormal(60, |chance| chance.part());
    let limits = Limits {
        people: 6_000,
        reads: 60,
    };
    let held = held(&towns, limits, Among::All);
    assert!(held >= 930, "{held}");
}

#[test]
fn a_whole_audience_is_counted_and_not_estimated() {
    let towns = even(40, 400, |cell, _| if cell % 2 == 0 { 0.3 } else { 0.01 });
    let truth: u64 = towns.iter().map(|town| u64::from(town.cases())).sum();
    let told = look(&towns, LIMITS, Among::All, &mut Chance(5));
    assert_eq!((told.people, told.count, told.margin()), (16_000, truth, 0));
    let nobody = estimate(&[], &[], Among::All);
    assert_eq!((nobody.people, nobody.count, nobody.margin()), (0, 0, 0));
}

#[test]
fn a_sample_without_a_case_does_not_prove_that_there_is_none() {
    let towns = even(1_000, 500, |_, _| 0.0);
    let told = look(&towns, LIMITS, Among::All, &mut Chance(6));
    // 295 draws, each of which stands for 1 500 or 2 000 people.
    assert_eq!((told.count, told.at_least, told.at_most), (0, 0, 5_992));
    assert_eq!(look(&towns, LIMITS, Among::Reachable, &mut Chance(6)).at_most, 0);
}

#[test]
fn a_cell_that_no_directory_counts_is_always_read() {
    let mut chance = Chance(7);
    let mut listed: Vec<_> = (0..2_000)
        .map(|_| Listed {
            people: 500,
            draw: chance.draw(),
            may_reach: true,
            is_counted: true,
        })
        .collect();
    listed[11].is_counted = false;
    listed[11].people = 0;
    let drawn = plan(&listed, LIMITS);
    let found = drawn.iter().find(|each| each.cell == 11).unwrap();
    assert_eq!((found.most, found.begin), (2_000, Begin::First));
}

#[test]
fn the_draw_is_the_same_each_time_and_another_for_each_campaign() {
    assert_eq!(draw("one", "851f9633"), draw("one", "851f9633"));
    assert_ne!(draw("one", "851f9633"), draw("other", "851f9633"));
}

#[test]
fn quantiles_are_those_of_the_tables() {
    for (degrees, quantile) in [(1.0, 12.706_2), (9.0, 2.262_2), (30.0, 2.042_3), (1e6, 1.959_97)] {
        assert!((student(0.05, degrees) - quantile).abs() < 1e-4, "{degrees}");
    }
    // Clopper and Pearson: of ten, none, one and five.
    let bounds = [(0.0, 0.0, 0.308_5), (1.0, 0.002_5, 0.445_0), (5.0, 0.187_1, 0.812_9)];
    for (met, low, high) in bounds {
        assert!((beta(0.975, met + 1.0, 10.0 - met) - high).abs() < 1e-4, "{met}");
        assert!(met < 1.0 || (beta(0.025, met, 11.0 - met) - low).abs() < 1e-4, "{met}");
    }
    assert!((ln_gamma(0.5) - 0.572_364_942_9).abs() < 1e-9);
}

#[test]
fn reading_begins_anywhere_between_the_first_id_and_the_last() {
    let mut chance = Chance(8);
    let mut firsts = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let id = begin_between("c-1000", "c-8999", chance.draw());
        assert!(id.as_str() > "c-1" && id.as_str() < "c-9", "{id}");
        firsts.insert(id.as_bytes()[2]);
    }
    assert_eq!(firsts.len(), 8);
    assert_eq!(begin_between("one", "one", [0; 32]).get(..3), Some("one"));
}

proptest::proptest! {
    #[test]
    fn any_counts_give_bounds_around_them(
        sizes in proptest::collection::vec(0u64..100_000, 1..60),
        seed: u64,
        people in 10u32..3_000,
        reads in 4usize..80,
    ) {
        let mut chance = Chance(seed);
        let listed: Vec<_> = sizes
            .iter()
            .map(|people| Listed { people: *people, draw: chance.draw(), may_reach: !chance.next().is_multiple_of(3), is_counted: true })
            .collect();
        let drawn = plan(&listed, Limits { people, reads });
        let read: Vec<_> = drawn.iter().map(|each| Read::new(*each, each.most / 2, !chance.next().is_multiple_of(2))).collect();
        let cases: Vec<_> = read.iter().map(|each| each.seen / 3).collect();
        for among in [Among::All, Among::Reachable] {
            let told = estimate(&read, &cases, among);
            proptest::prop_assert!(told.at_least <= told.count && told.count <= told.at_most, "{told:?}");
        }
    }
}
