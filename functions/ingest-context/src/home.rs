//! A home as brands know it, made into a cell of about 0.7 km².

use apropos_core::context::Home;
use apropos_core::document::{FieldError, cell_at};
use apropos_core::place::Cell;
use apropos_core::time::TimeZoneName;
use apropos_core::travel::Area;
use apropos_gazetteer::{AreaKind, Commune, Gazetteer};
use serde::Deserialize;

/// A home, in exactly one of four ways.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeRequest {
    /// An H3 cell of resolution 8: 15 hexadecimal digits.
    #[serde(default)]
    cell: Option<String>,
    /// The INSEE code of a French commune. The home is taken to be its main place, give or take its radius.
    #[serde(default)]
    commune: Option<String>,
    /// A French postcode. It is not a place: most serve several communes, so the home is taken to be the largest, give or
    /// take the way to the others.
    #[serde(default)]
    postcode: Option<String>,
    /// Degrees north, -90 to 90, with `longitude`. Only the cell that holds the point is kept.
    #[serde(default)]
    latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    #[serde(default)]
    longitude: Option<f64>,
}

/// A home with what is known of its clock.
pub(crate) struct Located {
    pub(crate) home: Home,
    /// The commune's time zone, where the commune is known.
    pub(crate) time_zone: Option<TimeZoneName>,
}

impl HomeRequest {
    /// Finds the home.
    ///
    /// # Errors
    /// [`FieldError`] when it is said in no way or in several, or the place is not known.
    pub(crate) fn locate(&self) -> Result<Located, FieldError> {
        match (
            self.cell.as_deref(),
            self.commune.as_deref(),
            self.postcode.as_deref(),
            self.latitude,
            self.longitude,
        ) {
            (Some(cell), None, None, None, None) => {
                let cell = Cell::from_hex(cell).map_err(|error| FieldError::new("cell", error))?;
                Ok(exact(cell))
            }
            (None, Some(insee), None, None, None) => {
                let commune = Gazetteer::french().by_insee(insee).ok_or_else(|| {
                    FieldError::new(
                        "commune",
                        "must be the INSEE code of a commune that is known here; a cell or coordinates do as well",
                    )
                })?;
                in_commune("commune", commune, commune.radius_m)
            }
            (None, None, Some(postcode), None, None) => {
                let locality = Gazetteer::french().locate_postcode(postcode).ok_or_else(|| {
                    FieldError::new(
                        "postcode",
                        "must be a French postcode that is known here; a cell or coordinates do as well",
                    )
                })?;
                in_commune("postcode", locality.centre, locality.uncertainty_m)
            }
            (None, None, None, Some(latitude), Some(longitude)) => Ok(exact(cell_at(latitude, longitude)?)),
            (None, None, None, Some(_), None) => Err(FieldError::new("longitude", "is missing")),
            (None, None, None, None, Some(_)) => Err(FieldError::new("latitude", "is missing")),
            _ => Err(FieldError::new(
                "",
                "must be said in exactly one way: cell, commune, postcode, or latitude and longitude",
            )),
        }
    }
}

fn exact(cell: Cell) -> Located {
    Located {
        home: Home {
            cell,
            uncertainty_m: 0,
            area: Gazetteer::french().area_around(&cell.to_hex()).map(area),
        },
        time_zone: None,
    }
}

fn in_commune(field: &str, commune: &Commune, uncertainty_m: u32) -> Result<Located, FieldError> {
    let cell = Cell::from_hex(&commune.cell().to_string()).map_err(|error| FieldError::new(field, error))?;
    Ok(Located {
        home: Home {
            cell,
            uncertainty_m,
            area: Some(area(commune.area)),
        },
        time_zone: TimeZoneName::new(commune.time_zone).ok(),
    })
}

const fn area(kind: AreaKind) -> Area {
    match kind {
        AreaKind::DenseCity => Area::DenseCity,
        AreaKind::Town => Area::Town,
        AreaKind::Country => Area::Country,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(json: &str) -> Result<Located, FieldError> {
        serde_json::from_str::<HomeRequest>(json).unwrap().locate()
    }

    fn field(json: &str) -> String {
        locate(json).err().unwrap().field
    }

    #[test]
    fn a_commune_gives_its_cell_its_radius_and_its_clock() {
        let saint_denis = locate(r#"{"commune": "97411"}"#).unwrap();
        let commune = Gazetteer::french().by_insee("97411").unwrap();
        assert_eq!(saint_denis.home.cell.to_hex(), commune.cell().to_string());
        assert_eq!(saint_denis.home.uncertainty_m, commune.radius_m);
        assert_eq!(saint_denis.time_zone.unwrap().as_str(), "Indian/Reunion");
    }

    #[test]
    fn a_postcode_gives_its_largest_commune_and_how_wrong_that_may_be() {
        let located = locate(r#"{"postcode": "69003"}"#).unwrap();
        let locality = Gazetteer::french().locate_postcode("69003").unwrap();
        assert_eq!(located.home.cell.to_hex(), locality.centre.cell().to_string());
        assert_eq!(located.home.uncertainty_m, locality.uncertainty_m);
        assert!(located.home.uncertainty_m > 0);
    }

    #[test]
    fn coordinates_become_the_cell_that_holds_them() {
        let point = locate(r#"{"latitude": 48.8566, "longitude": 2.3522}"#).unwrap();
        let cell = locate(&format!(r#"{{"cell": "{}"}}"#, point.home.cell.to_hex())).unwrap();
        assert!(point.home == cell.home && point.time_zone.is_none());
        assert_eq!(point.home.area, Some(Area::DenseCity));
    }

    #[test]
    fn a_home_said_in_no_way_or_in_two_is_refused() {
        for json in [
            "{}",
            r#"{"commune": "75056", "postcode": "75001"}"#,
            r#"{"cell": "881fb46625fffff", "latitude": 48.0}"#,
        ] {
            assert_eq!(field(json), "", "{json}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_home_is_named() {
        assert_eq!(field(r#"{"latitude": 48.0}"#), "longitude");
        assert_eq!(field(r#"{"longitude": 2.0}"#), "latitude");
        assert_eq!(field(r#"{"latitude": 91.0, "longitude": 2.0}"#), "latitude");
        assert_eq!(field(r#"{"latitude": 48.0, "longitude": -180.5}"#), "longitude");
        assert_eq!(field(r#"{"cell": "851fb467fffffff"}"#), "cell");
        assert_eq!(field(r#"{"commune": "75000"}"#), "commune");
        assert_eq!(field(r#"{"postcode": "00000"}"#), "postcode");
    }
}
