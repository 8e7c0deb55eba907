//! Where somebody is now, as brands know it for a moment: made into a cell, with an end a few hours later.

use apropos_core::context::{CURRENT_PLACE_HOURS, CurrentPlace};
use apropos_core::document::{FieldError, new_time};
use apropos_core::place::{Cell, InvalidPlace};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// A current place: a cell, or coordinates of which only the cell is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurrentPlaceRequest {
    /// An H3 cell of resolution 8: 15 hexadecimal digits.
    #[serde(default)]
    cell: Option<String>,
    /// Degrees north, -90 to 90, with `longitude`.
    #[serde(default)]
    latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    #[serde(default)]
    longitude: Option<f64>,
    /// When they were there, RFC 3339.
    at: String,
    /// For how many hours it may be used from then on, 1 to 12; 4 if absent.
    #[serde(default = "four")]
    hours: i64,
}

const fn four() -> i64 {
    4
}

/// Two clocks may differ by so much.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

impl CurrentPlaceRequest {
    /// The place with its end; nothing if that is over, because what may not be used is not kept.
    ///
    /// # Errors
    /// [`FieldError`] names the field refused.
    pub(crate) fn locate(&self, now: Timestamp) -> Result<Option<CurrentPlace>, FieldError> {
        let cell = match (self.cell.as_deref(), self.latitude, self.longitude) {
            (Some(cell), None, None) => Cell::from_hex(cell).map_err(|error| FieldError::new("cell", error))?,
            (None, Some(latitude), Some(longitude)) => Cell::at_degrees(latitude, longitude).map_err(|error| {
                let is_east = error == InvalidPlace::Longitude;
                FieldError::new(if is_east { "longitude" } else { "latitude" }, error)
            })?,
            _ => {
                return Err(FieldError::new(
                    "",
                    "must be said in exactly one way: cell, or latitude and longitude",
                ));
            }
        };
        let at = new_time("at", &self.at)?;
        if at.duration_since(now) > AHEAD {
            return Err(FieldError::new("at", "must not lie in the future"));
        }
        if !(1..=CURRENT_PLACE_HOURS).contains(&self.hours) {
            return Err(FieldError::new(
                "hours",
                format_args!("must be from 1 to {CURRENT_PLACE_HOURS}"),
            ));
        }
        let until = at
            .checked_add(SignedDuration::from_hours(self.hours))
            .map_err(|error| FieldError::new("at", error))?;
        Ok((until > now).then_some(CurrentPlace { cell, until }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn locate(changes: &Value) -> Result<Option<CurrentPlace>, FieldError> {
        let mut request = json!({"latitude": 45.764, "longitude": 4.8357, "at": "2026-12-01T08:00:00Z"});
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        let request: CurrentPlaceRequest = serde_json::from_value(request).unwrap();
        request.locate("2026-12-01T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_current_place_ends_a_few_hours_after_it_was_told() {
        let until = |changes| locate(&changes).unwrap().map(|place| place.until.to_string());
        assert_eq!(until(json!({})).as_deref(), Some("2026-12-01T12:00:00Z"));
        assert_eq!(until(json!({"hours": 12})).as_deref(), Some("2026-12-01T20:00:00Z"));
        assert_eq!(until(json!({"hours": 1})), None, "over already");
    }

    #[test]
    fn what_is_wrong_with_a_current_place_is_named() {
        for (changes, field) in [
            (json!({"hours": 13}), "hours"),
            (json!({"hours": 0}), "hours"),
            (json!({"at": "2026-12-01T09:06:00Z"}), "at"),
            (json!({"at": "now"}), "at"),
            (json!({"latitude": 91.0}), "latitude"),
            (json!({"longitude": 181.0}), "longitude"),
            (json!({"latitude": null}), ""),
        ] {
            assert_eq!(locate(&changes).unwrap_err().field, field, "{changes}");
        }
    }
}
