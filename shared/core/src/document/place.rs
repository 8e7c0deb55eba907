//! A place of an offer as JSON, with its opening hours.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::field::{At, FieldError, text};
use super::number::whole;
use crate::holiday::is_french;
use crate::hours::{InvalidHours, OnHolidays, OpeningHours, Span};
use crate::ids::PlaceId;
use crate::place::{Cell, InvalidPlace, Place, PlaceName, Radius, UnitVector};
use crate::time::TimeZoneName;
use crate::travel::Area;

/// A place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceDocument {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Degrees north, WGS 84.
    pub latitude: f64,
    /// Degrees east, WGS 84.
    pub longitude: f64,
    /// How far away it is still worth going there, in metres.
    #[serde(deserialize_with = "whole::<_, _, 1, 2_000_000>")]
    pub radius_m: u32,
    /// The same by the kind of area in which people live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub travel_m: Option<TravelDocument>,
    /// When it is open; always, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursDocument>,
}

/// How far people go, in metres, by the kind of area in which they live.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TravelDocument {
    /// From a city of 50 000 inhabitants or more.
    #[serde(deserialize_with = "whole::<_, _, 1, 2_000_000>")]
    pub dense_city: u32,
    /// From a town of 5 000 or more.
    #[serde(deserialize_with = "whole::<_, _, 1, 2_000_000>")]
    pub town: u32,
    /// From anywhere else.
    #[serde(deserialize_with = "whole::<_, _, 1, 2_000_000>")]
    pub country: u32,
}

/// Opening hours. A day that is left out is one on which the place is closed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursDocument {
    /// The IANA time zone of its clock; `Europe/Paris` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Spans such as `10:00-18:30`, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuesday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wednesday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thursday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub friday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saturday: Vec<String>,
    /// As `monday`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sunday: Vec<String>,
    /// French public holidays: `closed`, `closed_in_alsace_moselle` or `open`; if absent, `closed` by a clock of France and
    /// `open` by any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_holidays: Option<String>,
    /// Other days on which it is closed, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed_on: Vec<String>,
}

/// The integers of a place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPlace {
    /// Its cell.
    pub cell: String,
    /// Unit vector of its cell's centre, scaled by 2^30.
    pub vector: [i32; 3],
    /// Squared chord of its radius, scaled by 2^60.
    pub reach: u64,
    /// The same by area, in the order of [`Area::ALL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach_by_area: Option<[u64; 3]>,
}

/// The cell of a point given in two fields, `latitude` and `longitude`.
///
/// # Errors
/// [`FieldError`] names the one that is out of range.
pub fn cell_at(latitude: f64, longitude: f64) -> Result<Cell, FieldError> {
    Cell::at_degrees(latitude, longitude).map_err(|error| {
        let field = if error == InvalidPlace::Longitude {
            "longitude"
        } else {
            "latitude"
        };
        FieldError::new(field, error)
    })
}

const MOST_SPANS: usize = 4;
const MOST_CLOSED: usize = 100;

impl PlaceDocument {
    pub(super) fn store(&self) -> Result<StoredPlace, FieldError> {
        let cell = cell_at(self.latitude, self.longitude)?;
        let radius = Radius::from_metres(self.radius_m).at("radius_m")?;
        let reach_by_area = self.travel_m.as_ref().map(TravelDocument::store).transpose()?;
        Ok(StoredPlace {
            cell: cell.to_hex(),
            vector: cell.centre().components(),
            reach: radius.chord().value(),
            reach_by_area,
        })
    }

    pub(super) fn parse(&self, stored: &StoredPlace) -> Result<Place, FieldError> {
        let [x, y, z] = stored.vector;
        let radius = |reach| Radius::from_chord(reach).at("reach");
        let by_area = match stored.reach_by_area {
            None => None,
            Some([dense_city, town, country]) => Some([radius(dense_city)?, radius(town)?, radius(country)?]),
        };
        if by_area.is_some() != self.travel_m.is_some() {
            return Err(FieldError::new("travel_m", "does not match what was stored"));
        }
        let hours = self.hours.as_ref().map(HoursDocument::parse).transpose();
        Ok(Place {
            id: PlaceId::new(self.id.as_str()).at("id")?,
            name: PlaceName::new(text("name", &self.name, 100)?).at("name")?,
            cell: Cell::from_hex(&stored.cell).at("cell")?,
            centre: UnitVector::new(x, y, z).at("vector")?,
            radius: radius(stored.reach)?,
            by_area,
            hours: hours.map_err(|error| error.within("hours"))?,
        })
    }
}

impl TravelDocument {
    fn store(&self) -> Result<[u64; 3], FieldError> {
        let chord = |area: Area, metres| {
            let field = format!("travel_m.{}", area.code());
            Radius::from_metres(metres)
                .at(&field)
                .map(|radius| radius.chord().value())
        };
        Ok([
            chord(Area::DenseCity, self.dense_city)?,
            chord(Area::Town, self.town)?,
            chord(Area::Country, self.country)?,
        ])
    }
}

impl HoursDocument {
    fn parse(&self) -> Result<OpeningHours, FieldError> {
        let zone = self.time_zone.as_deref().unwrap_or("Europe/Paris");
        let zone = TimeZoneName::new(zone).at("time_zone")?;
        let week = [
            spans("monday", &self.monday)?,
            spans("tuesday", &self.tuesday)?,
            spans("wednesday", &self.wednesday)?,
            spans("thursday", &self.thursday)?,
            spans("friday", &self.friday)?,
            spans("saturday", &self.saturday)?,
            spans("sunday", &self.sunday)?,
        ];
        let on_holidays = match self.public_holidays.as_deref() {
            None if !is_french(&zone) => OnHolidays::Open,
            None | Some("closed") => OnHolidays::Closed,
            Some("closed_in_alsace_moselle") => OnHolidays::ClosedInAlsaceMoselle,
            Some("open") => OnHolidays::Open,
            Some(_) => {
                return Err(FieldError::new(
                    "public_holidays",
                    "must be 'closed', 'closed_in_alsace_moselle' or 'open'",
                ));
            }
        };
        if self.closed_on.len() > MOST_CLOSED {
            return Err(FieldError::new(
                "closed_on",
                format_args!("must be at most {MOST_CLOSED} days"),
            ));
        }
        let closed_on = self
            .closed_on
            .iter()
            .enumerate()
            .map(|(position, day)| {
                day.parse::<Date>()
                    .ok()
                    .filter(|_| day.len() == 10)
                    .ok_or("must be a day such as 2026-12-24")
                    .at(&format!("closed_on[{position}]"))
            })
            .collect::<Result<_, _>>()?;
        OpeningHours::new(zone, week, on_holidays, closed_on).at("")
    }
}

fn spans(day: &str, texts: &[String]) -> Result<Vec<Span>, FieldError> {
    if texts.len() > MOST_SPANS {
        return Err(FieldError::new(day, format_args!("must be at most {MOST_SPANS} spans")));
    }
    let mut spans: Vec<Span> = Vec::new();
    for (position, text) in texts.iter().enumerate() {
        let field = format!("{day}[{position}]");
        let span = Span::parse(text).at(&field)?;
        if spans.iter().any(|each| each.overlaps(span)) {
            return Err(FieldError::new(field, InvalidHours::Overlap));
        }
        spans.push(span);
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture;
    use crate::hours::Opening;

    fn with_place(changes: &Value) -> Result<Place, FieldError> {
        let mut document = fixture::offer_document();
        for (name, value) in changes.as_object().unwrap() {
            document["places"][0][name] = value.clone();
        }
        fixture::offer_from(&document).map(|mut offer| offer.places.remove(0))
    }

    #[test]
    fn near_is_another_distance_in_a_city_and_in_the_country() {
        let travel = json!({"travel_m": {"dense_city": 4_000, "town": 12_000, "country": 45_000}});
        let place = with_place(&travel).unwrap();
        let metres = |area| place.radius_from(area).metres();
        assert_eq!(Area::ALL.map(|area| metres(Some(area))), [4_000, 12_000, 45_000]);
        assert_eq!(metres(None), 30_000);
        assert_eq!(place.widest().metres(), 45_000);
        let plain = with_place(&json!({})).unwrap();
        assert_eq!(plain.radius_from(Some(Area::DenseCity)).metres(), 30_000);
    }

    #[test]
    fn french_holidays_close_where_the_clock_is_of_france_unless_the_place_says_so() {
        let is_open = |zone: &str, holidays: Option<&str>| {
            let mut hours = json!({"tuesday": ["06:00-24:00"], "time_zone": zone});
            if let Some(holidays) = holidays {
                hours["public_holidays"] = holidays.into();
            }
            let place = with_place(&json!({"hours": hours})).unwrap();
            // Tuesday 14 July 2026.
            let noon = "2026-07-14T15:00:00Z".parse().unwrap();
            matches!(place.hours.unwrap().at(noon), Opening::Open { .. })
        };
        for (zone, holidays, expected) in [
            ("Europe/Paris", None, false),
            ("America/Martinique", None, false),
            ("Europe/Brussels", None, true),
            ("Europe/Brussels", Some("closed"), false),
            ("Europe/Paris", Some("open"), true),
        ] {
            assert_eq!(is_open(zone, holidays), expected, "{zone} {holidays:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_place_is_named() {
        for (changes, pointer) in [
            (json!({"latitude": 91.0}), "/places/0/latitude"),
            (json!({"longitude": 200.0}), "/places/0/longitude"),
            (
                json!({"hours": {"monday": ["10:00-12:00", "9-10"]}}),
                "/places/0/hours/monday/1",
            ),
            (json!({"hours": {}}), "/places/0/hours"),
            (
                json!({"hours": {"monday": ["14:00-18:00", "08:00-10:00", "09:00-12:00"]}}),
                "/places/0/hours/monday/2",
            ),
            (
                json!({"hours": {"sunday": ["10:00-12:00"], "public_holidays": "maybe"}}),
                "/places/0/hours/public_holidays",
            ),
            (
                json!({"hours": {"sunday": ["10:00-12:00"], "closed_on": ["24 December"]}}),
                "/places/0/hours/closed_on/0",
            ),
            (
                json!({"hours": {"sunday": ["10:00-12:00"], "time_zone": "Lyon"}}),
                "/places/0/hours/time_zone",
            ),
        ] {
            assert_eq!(with_place(&changes).unwrap_err().pointer(), pointer);
        }
    }
}
