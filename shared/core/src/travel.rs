//! How people get about where they live, so that "near" means near there, and how long the way takes.

use crate::place::SquaredChord;

/// The way people live around a place, after the degree of urbanisation (Eurostat, Regulation (EU) 2017/2391).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// A city of 50 000 inhabitants or more.
    DenseCity,
    /// A town of 5 000 or more.
    Town,
    /// Anywhere else.
    Country,
}

impl Area {
    /// All three, in the order of their stored form.
    pub const ALL: [Self; 3] = [Self::DenseCity, Self::Town, Self::Country];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DenseCity => "dense_city",
            Self::Town => "town",
            Self::Country => "country",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }

    /// Kilometres an hour from door to door as the crow flies: on foot and by underground, by bus or bicycle, by car.
    const fn kmh(self) -> u64 {
        match self {
            Self::DenseCity => 12,
            Self::Town => 20,
            Self::Country => 40,
        }
    }
}

/// Whole minutes of the way, rounded up; where the area is not known, at a town's pace. Integers only.
///
/// ```
/// use apropos_core::place::Radius;
/// use apropos_core::travel::{Area, minutes};
///
/// let six_km = Radius::from_metres(6_000)?.chord();
/// assert_eq!(minutes(six_km, Some(Area::DenseCity)), 30);
/// assert_eq!(minutes(six_km, Some(Area::Country)), 9);
/// assert_eq!(minutes(six_km, None), 18);
/// # Ok::<(), apropos_core::place::InvalidPlace>(())
/// ```
#[must_use]
pub fn minutes(distance: SquaredChord, area: Option<Area>) -> u32 {
    let metres = chord_metres(distance);
    let metres_an_hour = area.unwrap_or(Area::Town).kmh() * 1_000;
    u32::try_from((metres * 60).div_ceil(metres_an_hour)).unwrap_or(u32::MAX)
}

/// The Earth's mean radius.
const EARTH_RADIUS_M: u64 = 6_371_007;

/// Whole metres of the straight line, which on the ground is under 1 % longer up to 3 000 km. The root is at most 2^31
/// in 2^30ths, so the product has 54 bits.
fn chord_metres(distance: SquaredChord) -> u64 {
    (distance.value().isqrt() * EARTH_RADIUS_M) >> 30
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::place::Radius;

    #[test]
    fn an_area_is_found_by_its_name() {
        for area in Area::ALL {
            assert_eq!(Area::from_code(area.code()), Some(area));
        }
        assert_eq!(Area::from_code("suburb"), None);
    }

    proptest! {
        #[test]
        fn metres_are_those_that_the_radius_was_made_from(metres in 1u32..300_000) {
            let distance = Radius::from_metres(metres).unwrap().chord();
            prop_assert!(chord_metres(distance).abs_diff(u64::from(metres)) <= 1 + u64::from(metres) / 1_000);
        }

        #[test]
        fn a_longer_way_never_takes_less(metres in 1u32..200_000, more in 0u32..100_000) {
            let way = |metres| minutes(Radius::from_metres(metres).unwrap().chord(), Some(Area::Town));
            prop_assert!(way(metres + more) >= way(metres));
        }
    }
}
