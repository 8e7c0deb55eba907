//! How a part of an audience tells about the whole: which cells are read, how far, and how sure the counts are.
//!
//! An audience lies in cells of which the directory knows the sizes, and the people of a cell are read in the order of their
//! ids, from anywhere. [`plan`] draws, [`estimate`] tells.
//!
//! **What is drawn.** Cells where nobody can be written to, whatever their facts, are a stratum of their own, and so are the
//! others. A stratum that fits is read whole. Of another, each cell so large that it would be drawn for certain is read in
//! part by itself; the rest is dealt by chance into groups, and in each group one cell is drawn with a chance in proportion
//! to its size, and so many of its people read from a place drawn by chance (Rao, Hartley and Cochran, *On a simple procedure
//! of unequal probability sampling without replacement*, Journal of the Royal Statistical Society B 24, 1962, told in Cochran,
//! *Sampling Techniques*, 3rd edition, chapter 9A; stages and strata in chapters 5 and 11).
//!
//! **How sure it is.** With `Z` the share of a group in its stratum of `S` people and `N` cells, `G` the cells of the group,
//! `y` the cases in the drawn cell by its listed size, `Y = Σ Z y`, and `p` of the `m` people seen of the `M` of a cell that
//! stands for `w` times its size:
//!
//! ```text
//! between = (Σ G² − N) ÷ (N² − Σ G²) × S² × Σ Z (y − Y)²        0 if each cell is drawn
//! within  = Σ w × M (M − m) p (1 − p) ÷ (m − 1)                 0 if each person is seen
//! ```
//!
//! The sum over the strata is the variance of the count. The bounds are those of Clopper and Pearson for as many independent
//! people as would vary as much, fewer by the square of Student's quantile to the normal one, for 24 in 25 so as to hold 19 in 20 times (Korn and Graubard, *Confidence
//! intervals for proportions with small expected number of positive counts estimated from survey data*, Survey Methodology
//! 24, 1998), with the degrees of freedom by Satterthwaite. So they are not as far below as above, and stay within 0 and all.
//!
//! Variance says nothing of what no draw met. A group of which no case was seen may hold them all in another cell, so the
//! *rule of three* counts draws and not people: the bound is at least 3 times the largest group. It holds wherever fewer than
//! 10 of the cells read have a case, and likewise for those who are none.
//!
//! Two approximations: people who come one after the other by their ids are taken for a sample of their cell, and the size of
//! a cell that was not read to its end is the directory's.

use std::collections::BTreeMap;

use crate::fingerprint::sha256;
use crate::relevance::Relevance;

/// The place of a cell in the draw, and the chance that its people are read from. It is the same each time for the same
/// purpose, such as a campaign, so that two previews differ by what changed and not by chance.
#[must_use]
pub fn draw(purpose: &str, cell: &str) -> [u8; 32] {
    sha256(&[b"sample", purpose.as_bytes(), cell.as_bytes()])
}

/// A cell as the directory has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// About how many people it holds.
    pub people: u64,
    /// Its [`draw`].
    pub draw: [u8; 32],
    /// Whether anybody in it may be written to. Where nobody may, it is known and not estimated.
    pub may_reach: bool,
    /// Whether `people` is kept; if not it may be far too low, and the cell is always read.
    pub is_counted: bool,
}

/// What may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many people.
    pub people: u32,
    /// How many calls. A cell takes one from its beginning, two from anywhere.
    pub reads: usize,
}

/// Where to begin in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At its first person: it is expected to be read to its end.
    First,
    /// Anywhere, and on from its first person after its last.
    Anywhere,
}

/// A cell to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Its place in the list.
    pub cell: usize,
    /// How many of its people to look at, at most.
    pub most: u32,
    /// Where to begin.
    pub begin: Begin,
    /// As listed, at least 1.
    listed: u64,
    /// The people listed in its group, and the cells.
    group: (u64, u64),
    stratum: usize,
    may_reach: bool,
}

/// A drawn cell as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// What was drawn.
    pub drawn: Drawn,
    /// How many people it holds: as many as were seen if it was read to its end, else more.
    pub held: u32,
    /// How many of them were seen.
    pub seen: u32,
}

impl Read {
    /// From how many were seen, and whether that was to the cell's end.
    #[must_use]
    pub fn new(drawn: Drawn, seen: u32, is_whole: bool) -> Self {
        let listed = u32::try_from(drawn.listed).unwrap_or(u32::MAX);
        let held = if is_whole {
            seen
        } else {
            // Whoever comes next is at least one more, whatever the directory says.
            listed.max(seen.saturating_add(1))
        };
        Self { drawn, held, seen }
    }

    /// By itself, as if it were the whole audience.
    #[must_use]
    pub const fn alone(mut self) -> Self {
        self.drawn.group = (self.drawn.listed, 1);
        self
    }

    /// Whether it was drawn from among others, for which it stands too.
    #[must_use]
    pub const fn stands_for_others(&self) -> bool {
        self.drawn.group.1 > 1
    }

    /// Whether everybody in it was seen, and it stands for no other.
    #[must_use]
    pub const fn tells_all(&self) -> bool {
        self.seen >= self.held && !self.stands_for_others()
    }

    fn weight(&self) -> f64 {
        real(self.drawn.group.0) / real(self.drawn.listed)
    }
}

/// Which cells to read, and how many people of each: all if they fit the limits, else a sample as told above. The calls
/// never exceed `limits.reads`, and the people never `limits.people`.
#[must_use]
pub fn plan(cells: &[Listed], limits: Limits) -> Vec<Drawn> {
    let all: Vec<usize> = (0..cells.len()).collect();
    let mut deck = Deck {
        cells,
        drawn: Vec::new(),
    };
    if deck.fits(&all, limits) {
        deck.whole(&all, limits.people);
        return deck.drawn;
    }
    let (counted, uncounted): (Vec<_>, Vec<_>) = all.iter().partition(|cell| deck.at(**cell).is_counted);
    let mut left = limits;
    for cell in uncounted {
        let share = part(limits.people, deck.listed(cell), deck.people(&all));
        let most = share.max(limits.people / 10).min(left.people);
        deck.certain(cell, most);
        left = left.without(Limits { people: most, reads: 2 });
    }
    let (near, far): (Vec<_>, Vec<_>) = counted.iter().partition(|cell| deck.at(**cell).may_reach);
    let half = Limits {
        people: left.people / 2,
        reads: left.reads / 2,
    };
    // The smaller one first: what it leaves is the other's.
    let (first, second) = if deck.fits(&far, half) && !deck.fits(&near, half) {
        (far, near)
    } else {
        (near, far)
    };
    let given = if second.is_empty() { left } else { half };
    let taken = deck.draw(&first, given);
    deck.draw(&second, left.without(taken));
    deck.drawn
}

impl Limits {
    const fn without(self, taken: Self) -> Self {
        Self {
            people: self.people.saturating_sub(taken.people),
            reads: self.reads.saturating_sub(taken.reads),
        }
    }
}

/// The cells, and what is drawn of them so far.
struct Deck<'a> {
    cells: &'a [Listed],
    drawn: Vec<Drawn>,
}

impl Deck<'_> {
    fn at(&self, cell: usize) -> Listed {
        self.cells.get(cell).copied().unwrap_or(Listed {
            people: 0,
            draw: [0; 32],
            may_reach: true,
            is_counted: true,
        })
    }

    fn listed(&self, cell: usize) -> u64 {
        self.at(cell).people.max(1)
    }

    fn people(&self, cells: &[usize]) -> u64 {
        cells.iter().map(|cell| self.listed(*cell)).sum()
    }

    fn fits(&self, cells: &[usize], limits: Limits) -> bool {
        self.people(cells) <= u64::from(limits.people) && cells.len() <= limits.reads
    }

    /// All of the cells, with room in each for some more than are listed; half of the room where none are counted.
    fn whole(&mut self, cells: &[usize], most: u32) {
        let room = u64::from(most).saturating_sub(self.people(cells)) / 2;
        let each = room.checked_div(count(cells.len())).unwrap_or(0);
        for cell in cells {
            let spare = if self.at(*cell).is_counted { each } else { each + room };
            let most = u32::try_from(self.listed(*cell) + spare).unwrap_or(u32::MAX);
            self.certain(*cell, most);
        }
    }

    fn certain(&mut self, cell: usize, most: u32) {
        let group = (self.listed(cell), 1);
        self.push(cell, most, group, cell);
    }

    fn push(&mut self, cell: usize, most: u32, group: (u64, u64), stratum: usize) {
        let listed = self.listed(cell);
        let begin = if listed > u64::from(most) {
            Begin::Anywhere
        } else {
            Begin::First
        };
        self.drawn.push(Drawn {
            cell,
            most,
            begin,
            listed,
            group,
            stratum,
            may_reach: self.at(cell).may_reach,
        });
    }

    /// A stratum, whole or by a sample; answers what it may take at most.
    fn draw(&mut self, cells: &[usize], limits: Limits) -> Limits {
        if self.fits(cells, limits) {
            let people = self.people(cells);
            let most = people + people / 10;
            let most = u32::try_from(most).unwrap_or(u32::MAX).min(limits.people);
            self.whole(cells, most);
            return Limits {
                people: most,
                reads: cells.len(),
            };
        }
        let mut cells = cells.to_vec();
        cells.sort_by_key(|cell| (std::cmp::Reverse(self.listed(*cell)), self.at(*cell).draw));
        let draws = self.draws(&cells, limits);
        let mut left = self.people(&cells);
        let mut groups = draws;
        let mut people = limits.people;
        let all = left;
        let mut rest = cells.as_slice();
        while let [largest, smaller @ ..] = rest {
            let listed = self.listed(*largest);
            if groups <= 2 && rest.len() > groups || listed.saturating_mul(count(groups)) < left {
                break;
            }
            let most = part(limits.people, listed, all).max(2).min(people);
            self.certain(*largest, most);
            people -= most;
            left -= listed;
            groups -= 1;
            rest = smaller;
        }
        self.deal(rest, groups, people);
        limits
    }

    /// As many draws as the calls allow: of cells larger than what is read of one, each takes two.
    fn draws(&self, largest_first: &[usize], limits: Limits) -> usize {
        let most = limits.reads.min(largest_first.len());
        let calls = |draws: usize| {
            let each = u64::from(limits.people) / count(draws);
            let larger = largest_first.partition_point(|cell| self.listed(*cell) > each);
            draws + larger.min(draws)
        };
        (1..=most)
            .rev()
            .find(|draws| calls(*draws) <= limits.reads)
            .unwrap_or(1)
    }

    /// Into so many groups, and draws one of each.
    fn deal(&mut self, cells: &[usize], groups: usize, people: u32) {
        let Some(most) = u64::from(people).checked_div(count(groups)) else {
            return;
        };
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let mut shuffled = cells.to_vec();
        shuffled.sort_by_key(|cell| self.at(*cell).draw);
        let first = shuffled.first().is_some_and(|cell| self.at(*cell).may_reach);
        let stratum = self.cells.len() + usize::from(first);
        for group in 0..groups {
            let members: Vec<usize> = shuffled.iter().skip(group).step_by(groups).copied().collect();
            let people = self.people(&members);
            // Who waits for the shortest time where the larger are called more often (Efraimidis and Spirakis, 2006).
            let drawn = members
                .iter()
                .min_by(|a, b| self.waits(**a).total_cmp(&self.waits(**b)));
            if let Some(cell) = drawn {
                self.push(*cell, most, (people, count(members.len())), stratum);
            }
        }
    }

    fn waits(&self, cell: usize) -> f64 {
        let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = self.at(cell).draw;
        let chance = (f64::from(u32::from_be_bytes([a, b, c, d])) + 0.5) / 4_294_967_296.0;
        -chance.ln() / real(self.listed(cell))
    }
}

fn part(of: u32, share: u64, all: u64) -> u32 {
    let part = u128::from(of) * u128::from(share) / u128::from(all.max(1));
    u32::try_from(part).unwrap_or(u32::MAX)
}

/// An id to begin after, drawn by chance between the first and the last of a cell. It need not be anybody's. Ids that count
/// up or are random are met about equally; of others some are met more often.
#[must_use]
pub fn begin_between(first: &str, last: &str, draw: [u8; 32]) -> String {
    let shared = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let tail = |id: &str| id.bytes().skip(shared).collect::<Vec<u8>>();
    let (low, high) = (tail(first), tail(last));
    let used = || low.iter().chain(&high).filter(|byte| byte.is_ascii_alphanumeric());
    let is_of = |fits: fn(u8) -> bool| used().all(|byte| fits(*byte));
    let alphabet: Vec<u8> = (b'0'..=b'z')
        .filter(u8::is_ascii_alphanumeric)
        .filter(|byte| byte.is_ascii_digit() || !is_of(|byte| byte.is_ascii_digit()))
        .filter(|byte| {
            matches!(byte, b'0'..=b'9' | b'a'..=b'f') || !is_of(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
        .collect();
    let bounds = low.first().copied().unwrap_or(0)..=high.first().copied().unwrap_or(u8::MAX);
    let leading: Vec<u8> = alphabet.iter().copied().filter(|byte| bounds.contains(byte)).collect();
    let mut id = first.chars().take(shared).collect::<String>();
    let chances = draw.into_iter().skip(16).take(9);
    for (place, chance) in chances.enumerate() {
        let choice = if place == 0 { &leading } else { &alphabet };
        let chosen = usize::from(chance).checked_rem(choice.len());
        id.extend(chosen.and_then(|at| choice.get(at)).map(|byte| char::from(*byte)));
    }
    id
}

/// Where cases may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Anywhere.
    All,
    /// Only where somebody may be written to.
    Reachable,
}

/// A count with its bounds, which hold 19 times in 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How many people the audience has.
    pub people: u64,
    /// About how many of them are cases.
    pub count: u64,
    /// At least so many are.
    pub at_least: u64,
    /// At most so many are.
    pub at_most: u64,
}

impl Estimate {
    /// How far off `count` may be: to the farther bound.
    #[must_use]
    pub fn margin(&self) -> u64 {
        let below = self.count.saturating_sub(self.at_least);
        below.max(self.at_most.saturating_sub(self.count))
    }

    /// `count` as a share of all.
    #[must_use]
    pub fn share(&self) -> Relevance {
        let all = u128::from(self.people.max(1));
        basis_points((u128::from(self.count) * 10_000 + all / 2) / all)
    }

    /// `margin` as a share of all, rounded up.
    #[must_use]
    pub fn share_margin(&self) -> Relevance {
        basis_points((u128::from(self.margin()) * 10_000).div_ceil(u128::from(self.people.max(1))))
    }
}

fn basis_points(figure: u128) -> Relevance {
    Relevance::clamped(u32::try_from(figure).unwrap_or(u32::MAX))
}

/// What is told as 19 in 20 is reckoned for 24 in 25: where cells are very unlike, the variance comes out too low more often
/// than too high, and what is lost by that was measured at one in a hundred.
const OUTSIDE: f64 = 0.04;

/// The normal quantile for that, both sides.
const STANDARD_ERRORS: f64 = 2.053_749;

/// −ln 0.05: if nobody is a case in so many draws, each of which meets one with a chance of 1 in all, 19 in 20 are right.
const RULE_OF_THREE: f64 = 2.995_732_3;

/// With cases in fewer cells, the variance is not trusted by itself.
const FEW_CELLS: usize = 10;

/// Estimates how many cases there are, given how many were seen in each of the cells read, by the formulas at the top of
/// this module.
///
/// ```
/// use apropos_core::sample::{Among, Limits, Listed, Read, draw, estimate, plan};
///
/// // A single cell of 10 000 people, 1 000 of whom are read, and half of those are cases. By the usual formula the margin
/// // is 1.96 × √(0.25 ÷ 999 × 0.9) = 2.94 %; these bounds are a little wider, as they are for 24 in 25.
/// let cell = Listed { people: 10_000, draw: draw("a", "b"), may_reach: true, is_counted: true };
/// let drawn = plan(&[cell], Limits { people: 1_000, reads: 10 });
/// let read = Read::new(drawn[0], 1_000, false);
/// let told = estimate(&[read], &[500], Among::All);
/// assert_eq!((told.count, told.margin() / 10), (5_000, 31));
/// ```
#[must_use]
pub fn estimate(read: &[Read], cases: &[u32], among: Among) -> Estimate {
    let mut strata: BTreeMap<usize, Vec<(&Read, f64)>> = BTreeMap::new();
    for (place, each) in read.iter().enumerate() {
        let met = cases.get(place).copied().unwrap_or(0).min(each.seen);
        strata
            .entry(each.drawn.stratum)
            .or_default()
            .push((each, f64::from(met)));
    }
    let people: f64 = read.iter().map(|each| each.weight() * f64::from(each.held)).sum();
    let mut known = 0.0;
    let mut unsure = Unsure::default();
    for units in strata.values() {
        let is_known = among == Among::Reachable && units.iter().all(|(each, _)| !each.drawn.may_reach);
        let is_read = units.iter().all(|(each, _)| each.tells_all());
        if is_known || is_read {
            known += units.iter().map(|(_, met)| met).sum::<f64>();
        } else {
            unsure.add(units);
        }
    }
    let (low, high) = unsure.bounds();
    Estimate {
        people: whole(people.round()),
        count: whole((known + unsure.cases).round()),
        at_least: whole((known + low + ALMOST).floor()),
        at_most: whole((known + high - ALMOST).ceil()),
    }
}

/// What a whole number may have lost by rounding.
const ALMOST: f64 = 1e-6;

/// The part of the audience that was not read whole.
#[derive(Default)]
struct Unsure {
    people: f64,
    cases: f64,
    variance: f64,
    /// Σ variance² ÷ its degrees of freedom.
    of_variance: f64,
    /// Seen: cases and others, and in how many cells.
    met: f64,
    others: f64,
    cells_met: usize,
    cells_with_others: usize,
    /// The most people that one draw, or one person seen, stands for.
    largest: f64,
}

impl Unsure {
    fn add(&mut self, units: &[(&Read, f64)]) {
        let size: f64 = units.iter().map(|(each, _)| real(each.drawn.group.0)).sum();
        let by_size = |each: &Read, met: f64| share(met, each.seen) * f64::from(each.held) / real(each.drawn.listed);
        let of_group = |each: &Read, met: f64| real(each.drawn.group.0) * by_size(each, met);
        let cases: f64 = units.iter().map(|(each, met)| of_group(each, *met)).sum();
        let spread: f64 = units
            .iter()
            .map(|(each, met)| real(each.drawn.group.0) / size * (by_size(each, *met) - cases / size).powi(2))
            .sum();
        let cells: f64 = units.iter().map(|(each, _)| real(each.drawn.group.1)).sum();
        let squares: f64 = units.iter().map(|(each, _)| real(each.drawn.group.1).powi(2)).sum();
        let not_drawn = squares - cells;
        // One group says nothing of how cells differ: as if it were drawn again as it is.
        let factor = if not_drawn > 0.0 {
            not_drawn / (cells.powi(2) - squares).max(1.0)
        } else {
            0.0
        };
        self.vary(factor * size.powi(2) * spread, real(count(units.len())) - 1.0);
        for (each, met) in units {
            let (held, seen, part) = (f64::from(each.held), f64::from(each.seen), share(*met, each.seen));
            let within = held * (held - seen) * part * (1.0 - part) / (seen - 1.0).max(1.0);
            self.vary(each.weight() * within, seen - 1.0);
            self.people += each.weight() * held;
            self.met += met;
            self.others += seen - met;
            self.cells_met += usize::from(*met > 0.0);
            self.cells_with_others += usize::from(*met < seen);
            let stands_for = if not_drawn > 0.0 {
                real(each.drawn.group.0)
            } else if each.tells_all() {
                0.0
            } else {
                held / seen.max(1.0)
            };
            self.largest = self.largest.max(stands_for);
        }
        self.cases += cases;
    }

    fn vary(&mut self, variance: f64, degrees: f64) {
        self.variance += variance;
        self.of_variance += variance.powi(2) / degrees.max(1.0);
    }

    fn bounds(&self) -> (f64, f64) {
        let part = (self.cases / self.people.max(1.0)).min(1.0);
        let (mut low, mut high) = (self.cases, self.cases);
        if self.variance > 0.0 && part < 1.0 {
            let quantile = student(OUTSIDE, self.variance.powi(2) / self.of_variance);
            let people =
                part * (1.0 - part) * self.people.powi(2) / self.variance * (STANDARD_ERRORS / quantile).powi(2);
            let met = part * people;
            low = self.people * beta(OUTSIDE / 2.0, met, people - met + 1.0);
            high = self.people * beta(1.0 - OUTSIDE / 2.0, met + 1.0, people - met);
        }
        let unseen = RULE_OF_THREE * self.largest;
        if self.cells_met < FEW_CELLS {
            high = high.max(unseen);
        }
        if self.cells_with_others < FEW_CELLS {
            low = low.min(self.people - unseen);
        }
        (
            low.max(self.met).min(self.cases),
            high.min(self.people - self.others).max(self.cases),
        )
    }
}

fn share(met: f64, seen: u32) -> f64 {
    met / f64::from(seen.max(1))
}

/// Student's quantile with a chance outside, both sides: `t²` is `d (1 − x) ÷ x` at the quantile `x` of Beta(d ÷ 2, 1 ÷ 2)
/// (Digital Library of Mathematical Functions, 8.17, and Abramowitz and Stegun, 26.7.1).
fn student(outside: f64, degrees: f64) -> f64 {
    let degrees = degrees.clamp(1.0, 1e6);
    let x = beta(outside, degrees / 2.0, 0.5);
    (degrees * (1.0 - x) / x).sqrt()
}

/// The quantile of a beta distribution, by halving.
fn beta(chance: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..48 {
        let middle = f64::midpoint(low, high);
        if incomplete_beta(middle, a, b) < chance {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function by its continued fraction (Digital Library of Mathematical Functions, 8.17.22),
/// taken from the front (Lentz).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    let keep = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for step in 1..5_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-12 * fraction.abs() {
            break;
        }
    }
    front * fraction
}

/// Stirling's series (Digital Library of Mathematical Functions, 5.11.1), from 10 on; below, Γ(x) = Γ(x + 1) ÷ x.
fn ln_gamma(x: f64) -> f64 {
    if x < 10.0 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    let half_ln_2_pi = 0.918_938_533_204_672_7;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1_260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + half_ln_2_pi + series
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[expect(
    clippy::as_conversions,
    reason = "no From reaches a float from 64 bits; 53 of them hold any count of people"
)]
fn real(figure: u64) -> f64 {
    figure as f64
}

#[expect(
    clippy::as_conversions,
    reason = "the only way from a float to an integer; below zero is zero"
)]
fn whole(figure: f64) -> u64 {
    figure as u64
}

#[cfg(test)]
mod tests;
