//! Where people and places are, and how near. A customer's place is a cell, never coordinates or a street.
//!
//! Floating trigonometry runs only when something is stored (a cell's centre, a radius) or explained (metres); the
//! stored integers are the input of record, and [`squared_chord`] and [`proximity_bp`] know nothing else. So a decision
//! replays to the same answer on any machine (invariant I11).

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use h3o::{CellIndex, LatLng, Resolution};
use thiserror::Error;

use crate::hours::OpeningHours;
use crate::ids::PlaceId;
use crate::travel::Area;

/// Why a place, or a part of one, was refused. Where it was is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPlace {
    /// Not 15 hexadecimal digits of an H3 cell, or one of another resolution.
    #[error("must be an H3 cell of resolution 8")]
    Cell,
    /// Not the first 8 hexadecimal digits of an H3 cell of resolution 5.
    #[error("must be the key of an H3 cell of resolution 5")]
    AudienceCell,
    /// Not a number of degrees from -90 to 90.
    #[error("must be a latitude from -90 to 90 degrees")]
    Latitude,
    /// Not a number of degrees from -180 to 180.
    #[error("must be a longitude from -180 to 180 degrees")]
    Longitude,
    /// Its length is not 2^30.
    #[error("must be a unit vector")]
    Vector,
    /// Shorter than 1 m or longer than 2 000 km.
    #[error("must be a radius from 1 to 2000000 metres")]
    Radius,
    /// Empty, longer than 120 characters, or with control characters.
    #[error("must be a name of 1 to 120 characters without line breaks or control characters")]
    Name,
}

/// An H3 hexagon of resolution 8, about 0.7 km². Linked to a person it is personal data, so `Debug` shows nothing and
/// there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cell {
    index: CellIndex,
    parent: AudienceCell,
}

impl Cell {
    /// The cell that holds a point, in degrees. The point itself is not kept.
    ///
    /// # Errors
    /// [`InvalidPlace::Latitude`] or [`InvalidPlace::Longitude`] when not a number or out of range.
    pub fn at_degrees(latitude: f64, longitude: f64) -> Result<Self, InvalidPlace> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(InvalidPlace::Latitude);
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(InvalidPlace::Longitude);
        }
        let point = LatLng::new(latitude, longitude).or(Err(InvalidPlace::Cell))?;
        Self::checked(point.to_cell(Resolution::Eight))
    }

    /// From the usual text of an H3 cell: 15 hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidPlace::Cell`] when not such text, or of another resolution than 8.
    pub fn from_hex(text: &str) -> Result<Self, InvalidPlace> {
        Self::checked(hex_index(text, 15).ok_or(InvalidPlace::Cell)?)
    }

    /// The usual text of the cell, 15 hexadecimal digits: to store, never to log.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.index.to_string()
    }

    /// The cell of resolution 5 that holds this one: the part of an audience that is read together.
    #[must_use]
    pub const fn parent5(self) -> AudienceCell {
        self.parent
    }

    /// The cell's centre. Floating trigonometry: called when a place is stored, not when a decision is made.
    #[must_use]
    pub fn centre(self) -> UnitVector {
        let centre = LatLng::from(self.index);
        let (sin_latitude, cos_latitude) = centre.lat_radians().sin_cos();
        let (sin_longitude, cos_longitude) = centre.lng_radians().sin_cos();
        UnitVector {
            x: fixed(cos_latitude * cos_longitude),
            y: fixed(cos_latitude * sin_longitude),
            z: fixed(sin_latitude),
        }
        .as_read_back()
    }

    fn checked(index: CellIndex) -> Result<Self, InvalidPlace> {
        if index.resolution() != Resolution::Eight {
            return Err(InvalidPlace::Cell);
        }
        let parent = index.parent(Resolution::Five).ok_or(InvalidPlace::Cell)?;
        Ok(Self {
            index,
            parent: AudienceCell(parent),
        })
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cell(..)")
    }
}

impl FromStr for Cell {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        Self::from_hex(text)
    }
}

impl TryFrom<String> for Cell {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        Self::from_hex(&text)
    }
}

impl From<Cell> for String {
    fn from(cell: Cell) -> Self {
        cell.to_hex()
    }
}

/// An H3 hexagon of resolution 5, about 250 km²: the unit in which an audience is stored and read. Its text is a part
/// of a key: the first 8 of the 15 hexadecimal digits, as the other 7 are always `f`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AudienceCell(CellIndex);

/// From the centre of an audience cell to its farthest descendant: measured 10.7 km at most, with room to spare.
const FARTHEST_DESCENDANT_M: f64 = 12_000.0;

/// Between one ring of audience cells and the next: measured 10.4 km at least, with room to spare.
const NARROWEST_RING_M: f64 = 9_000.0;

/// A cell's descendants do not fill it exactly: their centres may lie outside of its edges. Measured 1.009 times as far
/// as its farthest vertex at most, over 20 000 cells and the surroundings of the twelve pentagons.
const DESCENDANTS_REACH: f64 = 1.05;

impl AudienceCell {
    /// From the text in a key.
    ///
    /// # Errors
    /// [`InvalidPlace::AudienceCell`] when not the first 8 digits of a cell of resolution 5.
    pub fn from_key(text: &str) -> Result<Self, InvalidPlace> {
        if text.len() != 8 {
            return Err(InvalidPlace::AudienceCell);
        }
        match hex_index(&format!("{text}fffffff"), 15) {
            Some(index) if index.resolution() == Resolution::Five => Ok(Self(index)),
            Some(_) | None => Err(InvalidPlace::AudienceCell),
        }
    }

    /// What the keys of this cell and of its neighbours under the same parent of resolution 3 begin with, and no others: at
    /// most 49 cells of 12 000 km² together. A key's first two digits say that it is a cell of resolution 5, and the next
    /// four are the base cell and three levels.
    #[must_use]
    pub fn region(self) -> String {
        self.to_string().chars().take(6).collect()
    }

    /// Whether this cell may hold customers within `radius` of a cell's centre. It may say yes for a cell that holds
    /// none, never no for one that does.
    #[must_use]
    pub fn may_hold_within(self, centre: Cell, radius: Radius) -> bool {
        let own_centre = LatLng::from(self.0);
        // A metre for what the radius and the two centres lost by rounding.
        let beyond = own_centre.distance_m(centre.index.into()) - radius.chord().arc_metres() - 1.0;
        beyond <= 0.0 || beyond <= FARTHEST_DESCENDANT_M && beyond <= self.descendants_within()
    }

    /// The distance from the centre, in metres, within which every descendant's centre lies.
    fn descendants_within(self) -> f64 {
        let centre = LatLng::from(self.0);
        let farthest = self
            .0
            .boundary()
            .iter()
            .map(|vertex| centre.distance_m(*vertex))
            .fold(0.0, f64::max);
        farthest * DESCENDANTS_REACH
    }
}

impl fmt::Display for AudienceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u64::from(self.0) >> 28)
    }
}

impl fmt::Debug for AudienceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AudienceCell({self})")
    }
}

impl FromStr for AudienceCell {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        Self::from_key(text)
    }
}

impl TryFrom<String> for AudienceCell {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        Self::from_key(&text)
    }
}

impl From<AudienceCell> for String {
    fn from(cell: AudienceCell) -> Self {
        cell.to_string()
    }
}

/// Every audience cell that may hold customers within `radius` of a cell's centre, in order. It never misses one; at
/// the rim it may hold some that turn out to be empty. A radius of 30 km gives about 20 cells, 2 000 km about 50 000:
/// for the long ones, filter the directory of populated cells with [`AudienceCell::may_hold_within`] instead.
#[must_use]
pub fn audience_cells_within(centre: Cell, radius: Radius) -> Vec<AudienceCell> {
    // The disk is around the parent's centre, not the cell's; both it and the farthest customers add to the radius.
    let reach = radius.chord().arc_metres() + 2.0 * FARTHEST_DESCENDANT_M;
    let rings = whole_metres(reach / NARROWEST_RING_M).saturating_add(1);
    let disk: Vec<CellIndex> = centre.parent.0.grid_disk(rings);
    let mut cells: Vec<_> = disk
        .into_iter()
        .map(AudienceCell)
        .filter(|cell| cell.may_hold_within(centre, radius))
        .collect();
    cells.sort_unstable();
    cells
}

/// The scale of a vector's components: 1.0 is stored as 2^30, so one step is 6 mm on the ground.
const UNIT: f64 = 1_073_741_824.0;

/// The square of a vector's length.
const UNIT_SQUARED: u64 = 1 << 60;

/// What rounding three components may add to that square is under 2^31.
const ROUNDING: u64 = 1 << 32;

/// A direction from the Earth's centre, as three integers scaled by 2^30. It is a place as much as a cell is, so
/// `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnitVector {
    x: i32,
    y: i32,
    z: i32,
}

impl UnitVector {
    /// From the stored components.
    ///
    /// # Errors
    /// [`InvalidPlace::Vector`] when the length is not 2^30 within rounding: the arithmetic of [`squared_chord`] relies
    /// on it.
    pub fn new(x: i32, y: i32, z: i32) -> Result<Self, InvalidPlace> {
        let squared: u64 = [x, y, z]
            .map(|component| u64::from(component.unsigned_abs()).pow(2))
            .iter()
            .sum();
        if squared.abs_diff(UNIT_SQUARED) > ROUNDING {
            return Err(InvalidPlace::Vector);
        }
        Ok(Self { x, y, z })
    }

    /// The form with two components: which one is left out with its sign, three bits, and the two others. The largest is
    /// left out, since it is the one that the others tell best: to one step of 6 mm.
    pub(crate) fn to_two(self) -> (u8, [i32; 2]) {
        let [x, y, z] = self.components();
        let size = |component: i32| component.unsigned_abs();
        if size(z) >= size(x) && size(z) >= size(y) {
            (2 | sign_bit(z), [x, y])
        } else if size(y) >= size(x) {
            (1 | sign_bit(y), [x, z])
        } else {
            (sign_bit(x), [y, z])
        }
    }

    /// Reads [`to_two`](Self::to_two) back; integers only.
    pub(crate) fn of_two(form: u8, [first, second]: [i32; 2]) -> Result<Self, InvalidPlace> {
        let square = |component: i32| u64::from(component.unsigned_abs()).pow(2);
        let rest = UNIT_SQUARED
            .checked_sub(square(first) + square(second))
            .ok_or(InvalidPlace::Vector)?;
        let size = i32::try_from(rest.isqrt()).or(Err(InvalidPlace::Vector))?;
        let third = if form & NEGATIVE == 0 { size } else { -size };
        match form & 0b11 {
            0 => Self::new(third, first, second),
            1 => Self::new(first, third, second),
            2 => Self::new(first, second, third),
            _ => Err(InvalidPlace::Vector),
        }
    }

    /// The vector as it reads back from its form with two components, so that what is stored is what was computed.
    fn as_read_back(self) -> Self {
        let (form, two) = self.to_two();
        Self::of_two(form, two).unwrap_or(self)
    }

    /// The components to store: x towards 0° N 0° E, y towards 0° N 90° E, z towards the North Pole.
    #[must_use]
    pub const fn components(self) -> [i32; 3] {
        [self.x, self.y, self.z]
    }
}

impl fmt::Debug for UnitVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnitVector(..)")
    }
}

/// The bit that says that the component left out is below zero.
const NEGATIVE: u8 = 0b100;

const fn sign_bit(component: i32) -> u8 {
    if component < 0 { NEGATIVE } else { 0 }
}

/// The square of the straight line between two places, scaled by 2^60: 0 to 4·2^60. It grows with the distance on the
/// ground, so comparing two needs neither a root nor a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SquaredChord(u64);

impl SquaredChord {
    pub(crate) const fn of(squared: u64) -> Self {
        Self(squared)
    }

    /// The integer itself, scaled by 2^60.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Metres along the ground.
    #[expect(
        clippy::as_conversions,
        reason = "no From reaches a float from 64 bits; 53 of them are exact to 1 mm"
    )]
    fn arc_metres(self) -> f64 {
        let half_chord = (self.0 as f64).sqrt() / UNIT / 2.0;
        2.0 * earth_radius_m() * half_chord.min(1.0).asin()
    }
}

/// How far apart two places are, in integers. The components differ by at most 2^31 and unit vectors by at most 2^31 in
/// length, so no square and no sum leaves 63 bits.
#[must_use]
pub fn squared_chord(a: UnitVector, b: UnitVector) -> SquaredChord {
    let [x, y, z] = [(a.x, b.x), (a.y, b.y), (a.z, b.z)].map(|(a, b)| u64::from(a.abs_diff(b)).pow(2));
    SquaredChord(x + y + z)
}

/// Whole metres between two places along the ground: for explanations only, a decision uses [`squared_chord`].
#[must_use]
pub fn distance_metres(a: UnitVector, b: UnitVector) -> u32 {
    whole_metres(squared_chord(a, b).arc_metres())
}

/// A distance around a place, kept as the square of its chord: what [`squared_chord`] is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Radius(NonZeroU64);

impl Radius {
    /// From 1 m to 2 000 km along the ground. Floating trigonometry: the integer that comes out is what is stored.
    ///
    /// # Errors
    /// [`InvalidPlace::Radius`] when out of range.
    pub fn from_metres(metres: u32) -> Result<Self, InvalidPlace> {
        if !(1..=2_000_000).contains(&metres) {
            return Err(InvalidPlace::Radius);
        }
        let chord = 2.0 * (f64::from(metres) / earth_radius_m() / 2.0).sin();
        NonZeroU64::new(whole_squared(chord))
            .map(Self)
            .ok_or(InvalidPlace::Radius)
    }

    /// From the stored integer; see [`Self::chord`].
    ///
    /// # Errors
    /// [`InvalidPlace::Radius`] when zero, or over 2^57, which is more than 2 000 km.
    pub fn from_chord(squared: u64) -> Result<Self, InvalidPlace> {
        match NonZeroU64::new(squared) {
            Some(squared) if squared.get() <= 1 << 57 => Ok(Self(squared)),
            Some(_) | None => Err(InvalidPlace::Radius),
        }
    }

    /// The square of the chord: the integer to store and compare.
    #[must_use]
    pub const fn chord(self) -> SquaredChord {
        SquaredChord(self.0.get())
    }

    /// Whole metres along the ground: for explanations only.
    #[must_use]
    pub fn metres(self) -> u32 {
        whole_metres(self.chord().arc_metres())
    }

    /// Whether a distance is within the radius.
    #[must_use]
    pub fn reaches(self, distance: SquaredChord) -> bool {
        distance <= self.chord()
    }
}

/// What a place is called, in a message too: 1 to 120 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaceName(String);

impl PlaceName {
    /// Keeps the text as given, without surrounding white space.
    ///
    /// # Errors
    /// [`InvalidPlace::Name`] when empty, too long, or with control characters or U+2028 or U+2029, which break lines.
    pub fn new(text: &str) -> Result<Self, InvalidPlace> {
        let text = text.trim();
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if text.is_empty() || text.chars().count() > 120 || text.chars().any(breaks) {
            return Err(InvalidPlace::Name);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A shop, venue or area of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which of the offer's places.
    pub id: PlaceId,
    /// What people call it.
    pub name: PlaceName,
    /// Where it is.
    pub cell: Cell,
    /// The cell's centre as first computed and stored: the input of record.
    pub centre: UnitVector,
    /// How far away it is still worth going there, for whoever lives in an area of a kind that is not known.
    pub radius: Radius,
    /// The same by the kind of area in which people live, in the order of [`Area::ALL`]: near means near there.
    pub by_area: Option<[Radius; 3]>,
    /// When it is open; always, where nothing is said.
    pub hours: Option<OpeningHours>,
}

impl Place {
    /// A place that is about to be stored; its centre is computed here, once.
    #[must_use]
    pub fn new(id: PlaceId, name: PlaceName, cell: Cell, radius: Radius) -> Self {
        Self {
            id,
            name,
            cell,
            centre: cell.centre(),
            radius,
            by_area: None,
            hours: None,
        }
    }

    /// How far away it is worth going there from an area of this kind.
    #[must_use]
    pub fn radius_from(&self, area: Option<Area>) -> Radius {
        match (self.by_area, area) {
            (Some([dense_city, town, country]), Some(area)) => match area {
                Area::DenseCity => dense_city,
                Area::Town => town,
                Area::Country => country,
            },
            (Some(_) | None, _) => self.radius,
        }
    }

    /// The farthest that anybody would go.
    #[must_use]
    pub fn widest(&self) -> Radius {
        self.by_area.into_iter().flatten().fold(self.radius, Radius::max)
    }
}

/// How near, in basis points: 10 000 at the place, 5 000 half way to the radius, 2 500 at the radius, and nothing beyond.
/// Integers only, and never more for a greater distance.
///
/// ```
/// use apropos_core::place::{InvalidPlace, Radius, proximity_bp};
///
/// let radius = Radius::from_metres(30_000)?;
/// let at = |metres| Radius::from_metres(metres).map(|distance| proximity_bp(distance.chord(), radius));
/// assert_eq!([at(1)?, at(15_000)?, at(30_000)?, at(30_010)?], [10_000, 5_000, 2_500, 0]);
/// # Ok::<(), InvalidPlace>(())
/// ```
#[must_use]
pub fn proximity_bp(distance: SquaredChord, radius: Radius) -> u16 {
    if radius.reaches(distance) {
        nearness_bp(radius.scale().squared_share(distance.0).isqrt())
    } else {
        0
    }
}

/// What squared distances are divided by to become shares of a squared radius: a multiplication and shifts, since a batch
/// has no division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Shifted up, then down, a squared radius has 31 bits.
    pub(crate) up: u32,
    pub(crate) down: u32,
    /// 2^60 over that.
    pub(crate) factor: u64,
}

impl Radius {
    pub(crate) const fn scale(self) -> Scale {
        let bits = u64::BITS - self.0.leading_zeros();
        let (up, down) = (31_u32.saturating_sub(bits), bits.saturating_sub(31));
        Scale {
            up,
            down,
            factor: (1 << 60) / ((self.0.get() << up) >> down),
        }
    }
}

impl Scale {
    /// The square of a distance over that of the radius, in 2^28ths; of distances within the radius.
    #[inline]
    pub(crate) fn squared_share(self, squared: u64) -> u32 {
        let scaled = (squared << self.up) >> self.down;
        u32::try_from(scaled.wrapping_mul(self.factor) >> 32).unwrap_or(u32::MAX)
    }
}

/// The proximity at so many 16 384ths of the radius: two halvings over the whole of it.
#[inline]
pub(crate) fn nearness_bp(share: u32) -> u16 {
    let [low, high, ..] = share.min(16_383).to_le_bytes();
    nearness_at(u16::from_le_bytes([low, high]))
}

/// [`nearness_bp`] below 16 384.
#[inline]
const fn nearness_at(share: u16) -> u16 {
    // The shift drops the first half: what is left is the part of a halving.
    let left = left_after(share << 3);
    let left = if share < 1 << 13 { left } else { left >> 1 };
    (left + 2) >> 2
}

/// 2^-x in basis points, 0 to 10 000, for x in 65 536ths: what is left after x halvings, within 2 bp. The way to fade
/// anything by distance or age without a float; never more for a greater x.
#[must_use]
pub fn halving_bp(halvings: u64) -> u16 {
    let [a, b, c, d, ..] = halvings.min(u64::from(u32::MAX)).to_le_bytes();
    faded_bp(u32::from_le_bytes([a, b, c, d]))
}

fn faded_bp(halvings: u32) -> u16 {
    let [low, high, whole, more] = halvings.to_le_bytes();
    let whole = if more == 0 { u16::from(whole) } else { 16 };
    faded_at(whole, u16::from_le_bytes([low, high]))
}

/// [`halving_bp`] after so many whole halvings and a part of one.
#[inline]
const fn faded_at(whole: u16, part: u16) -> u16 {
    let left = left_after(part);
    let left = if whole & 1 == 0 { left } else { left >> 1 };
    let left = if whole & 2 == 0 { left } else { left >> 2 };
    let left = if whole & 4 == 0 { left } else { left >> 4 };
    let left = if whole & 8 == 0 { left } else { left >> 8 };
    if whole < 16 { (left + 2) >> 2 } else { 0 }
}

/// What is left of 40 000 after a part of one halving, in 65 536ths of which the last three bits do not count: a polynomial
/// of the fourth degree, whose steps are multiplications that keep the upper half. Always above 20 000.
#[inline]
const fn left_after(part: u16) -> u16 {
    FULL - upper(lost_after(part & !0b111, SLOPES), FULL)
}

/// What fading begins with: four times the basis points, for rounding.
pub(crate) const FULL: u16 = 40_000;
/// The coefficients of the polynomial, the highest first.
pub(crate) const SLOPES: [u16; 4] = [481, 3_545, 15_726, 45_431];

/// The share that is lost, in 65 536ths. No difference is below 0 with the coefficients above.
#[inline]
pub(crate) const fn lost_after(part: u16, [a, b, c, d]: [u16; 4]) -> u16 {
    let slope = b.wrapping_sub(upper(part, a));
    let slope = c.wrapping_sub(upper(part, slope));
    upper(part, d.wrapping_sub(upper(part, slope)))
}

/// The upper half of a product.
#[inline]
#[expect(
    clippy::as_conversions,
    reason = "From is not const yet, and the upper half of 32 bits has 16"
)]
pub(crate) const fn upper(a: u16, b: u16) -> u16 {
    ((a as u32 * b as u32) >> 16) as u16
}

fn hex_index(text: &str, digits: usize) -> Option<CellIndex> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    text.parse().ok()
}

fn earth_radius_m() -> f64 {
    h3o::EARTH_RADIUS_KM * 1_000.0
}

#[expect(
    clippy::as_conversions,
    reason = "the only way from a float to an integer; |component| is at most 1"
)]
fn fixed(component: f64) -> i32 {
    (component * UNIT).round() as i32
}

#[expect(
    clippy::as_conversions,
    reason = "the only way from a float to an integer; chords are at most 2"
)]
fn whole_squared(chord: f64) -> u64 {
    (chord * UNIT * chord * UNIT).round() as u64
}

#[expect(
    clippy::as_conversions,
    reason = "the only way from a float to an integer; half the Earth is 20 000 km"
)]
fn whole_metres(metres: f64) -> u32 {
    metres.round() as u32
}

#[cfg(test)]
mod tests;
