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

/// One, in the scale of [`halving_bp`].
const HALVINGS_UNIT: u64 = 1 << 16;

/// How near, in basis points: 10 000 at the place, 5 000 at the half-distance, 2 500 at twice that, and so on to 0 at 15
/// times. Integers only, and never more for a greater distance.
///
/// ```
/// use apropos_core::place::{InvalidPlace, Radius, proximity_bp};
///
/// let half = Radius::from_metres(15_000)?;
/// let at = |metres| Radius::from_metres(metres).map(|distance| proximity_bp(distance.chord(), half));
/// assert_eq!([at(1)?, at(15_000)?, at(30_000)?, at(45_000)?], [10_000, 5_000, 2_500, 1_250]);
/// # Ok::<(), InvalidPlace>(())
/// ```
#[must_use]
pub fn proximity_bp(distance: SquaredChord, half_distance: Radius) -> u16 {
    let half = u128::from(half_distance.0.get());
    // The root of the ratio of squares, in 65 536ths; the shift needs 94 bits.
    let squared_ratio = (u128::from(distance.0) << 32) / half;
    u64::try_from(squared_ratio).map_or(0, |squared_ratio| halving_bp(squared_ratio.isqrt()))
}

/// 2^-x in basis points, 0 to 10 000, for x in 65 536ths: what is left after x halvings. The way to fade anything by
/// distance or age without a float; never more for a greater x.
#[must_use]
pub fn halving_bp(halvings: u64) -> u16 {
    let whole = halvings / HALVINGS_UNIT;
    if whole > 15 {
        return 0;
    }
    let (entry, between) = (halvings / 256 % 256, halvings % 256);
    let place = usize::try_from(entry).unwrap_or(0);
    let from = HALVING.get(place).copied().map_or(0, u64::from);
    // The table stops before 2^-1, which is half of its first entry.
    let to = HALVING.get(place + 1).copied().map_or(1 << 30, u64::from);
    let power = from * (256 - between) + to * between;
    // Scaled by 2^31 in the table, by 2^8 in the interpolation and by 2^whole here; rounded to nearest.
    let shift = 31 + 8 + whole;
    let points = (power * 10_000 + (1 << (shift - 1))) >> shift;
    u16::try_from(points).unwrap_or(10_000)
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

/// 2^-(i/256) scaled by 2^31, for i from 0 to 255, rounded to nearest.
#[rustfmt::skip]
static HALVING: [u32; 256] = [
    2_147_483_648, 2_141_676_973, 2_135_885_998, 2_130_110_682, 2_124_350_982, 2_118_606_857, 2_112_878_262, 2_107_165_158,
    2_101_467_502, 2_095_785_251, 2_090_118_366, 2_084_466_803, 2_078_830_522, 2_073_209_480, 2_067_603_638, 2_062_012_954,
    2_056_437_387, 2_050_876_895, 2_045_331_439, 2_039_800_978, 2_034_285_470, 2_028_784_876, 2_023_299_156, 2_017_828_268,
    2_012_372_174, 2_006_930_832, 2_001_504_204, 1_996_092_249, 1_990_694_927, 1_985_312_200, 1_979_944_027, 1_974_590_370,
    1_969_251_188, 1_963_926_443, 1_958_616_096, 1_953_320_108, 1_948_038_440, 1_942_771_053, 1_937_517_909, 1_932_278_970,
    1_927_054_196, 1_921_843_549, 1_916_646_992, 1_911_464_486, 1_906_295_993, 1_901_141_476, 1_896_000_896, 1_890_874_216,
    1_885_761_398, 1_880_662_405, 1_875_577_199, 1_870_505_744, 1_865_448_001, 1_860_403_934, 1_855_373_507, 1_850_356_681,
    1_845_353_420, 1_840_363_688, 1_835_387_448, 1_830_424_663, 1_825_475_297, 1_820_539_314, 1_815_616_678, 1_810_707_353,
    1_805_811_301, 1_800_928_489, 1_796_058_879, 1_791_202_437, 1_786_359_126, 1_781_528_911, 1_776_711_757, 1_771_907_628,
    1_767_116_489, 1_762_338_305, 1_757_573_041, 1_752_820_662, 1_748_081_133, 1_743_354_420, 1_738_640_488, 1_733_939_301,
    1_729_250_827, 1_724_575_029, 1_719_911_875, 1_715_261_330, 1_710_623_359, 1_705_997_930, 1_701_385_007, 1_696_784_557,
    1_692_196_547, 1_687_620_943, 1_683_057_710, 1_678_506_817, 1_673_968_228, 1_669_441_912, 1_664_927_835, 1_660_425_963,
    1_655_936_265, 1_651_458_706, 1_646_993_254, 1_642_539_877, 1_638_098_541, 1_633_669_214, 1_629_251_865, 1_624_846_459,
    1_620_452_965, 1_616_071_351, 1_611_701_585, 1_607_343_634, 1_602_997_467, 1_598_663_052, 1_594_340_357, 1_590_029_350,
    1_585_730_000, 1_581_442_275, 1_577_166_143, 1_572_901_575, 1_568_648_537, 1_564_406_999, 1_560_176_931, 1_555_958_300,
    1_551_751_076, 1_547_555_228, 1_543_370_725, 1_539_197_537, 1_535_035_634, 1_530_884_983, 1_526_745_556, 1_522_617_322,
    1_518_500_250, 1_514_394_310, 1_510_299_473, 1_506_215_708, 1_502_142_985, 1_498_081_275, 1_494_030_547, 1_489_990_772,
    1_485_961_921, 1_481_943_963, 1_477_936_870, 1_473_940_611, 1_469_955_159, 1_465_980_482, 1_462_016_553, 1_458_063_343,
    1_454_120_821, 1_450_188_960, 1_446_267_730, 1_442_357_104, 1_438_457_051, 1_434_567_544, 1_430_688_553, 1_426_820_052,
    1_422_962_010, 1_419_114_401, 1_415_277_195, 1_411_450_365, 1_407_633_882, 1_403_827_719, 1_400_031_848, 1_396_246_240,
    1_392_470_869, 1_388_705_706, 1_384_950_723, 1_381_205_894, 1_377_471_191, 1_373_746_586, 1_370_032_052, 1_366_327_563,
    1_362_633_090, 1_358_948_606, 1_355_274_085, 1_351_609_500, 1_347_954_824, 1_344_310_030, 1_340_675_091, 1_337_049_980,
    1_333_434_672, 1_329_829_140, 1_326_233_356, 1_322_647_296, 1_319_070_932, 1_315_504_238, 1_311_947_188, 1_308_399_756,
    1_304_861_917, 1_301_333_643, 1_297_814_910, 1_294_305_692, 1_290_805_962, 1_287_315_695, 1_283_834_865, 1_280_363_448,
    1_276_901_417, 1_273_448_747, 1_270_005_413, 1_266_571_390, 1_263_146_652, 1_259_731_174, 1_256_324_931, 1_252_927_899,
    1_249_540_052, 1_246_161_366, 1_242_791_816, 1_239_431_376, 1_236_080_024, 1_232_737_732, 1_229_404_479, 1_226_080_238,
    1_222_764_986, 1_219_458_698, 1_216_161_350, 1_212_872_918, 1_209_593_378, 1_206_322_705, 1_203_060_876, 1_199_807_867,
    1_196_563_654, 1_193_328_213, 1_190_101_520, 1_186_883_552, 1_183_674_286, 1_180_473_697, 1_177_281_762, 1_174_098_458,
    1_170_923_762, 1_167_757_650, 1_164_600_099, 1_161_451_085, 1_158_310_587, 1_155_178_580, 1_152_055_042, 1_148_939_949,
    1_145_833_280, 1_142_735_011, 1_139_645_120, 1_136_563_583, 1_133_490_379, 1_130_425_485, 1_127_368_878, 1_124_320_536,
    1_121_280_436, 1_118_248_556, 1_115_224_875, 1_112_209_370, 1_109_202_018, 1_106_202_798, 1_103_211_687, 1_100_228_665,
    1_097_253_708, 1_094_286_796, 1_091_327_906, 1_088_377_016, 1_085_434_106, 1_082_499_153, 1_079_572_136, 1_076_653_033,
];

#[cfg(test)]
mod tests;
