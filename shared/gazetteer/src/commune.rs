//! A commune and the kind of area that it is.

use h3o::{CellIndex, LatLng, Resolution};

/// Resolution of the cells in which places are kept: about 0.7 km² each, coarse enough not to be an address.
pub const CELL_RESOLUTION: Resolution = Resolution::Eight;

/// A French commune that the table could place.
#[derive(Debug)]
pub struct Commune {
    /// INSEE code (Code officiel géographique): five characters, such as `75056` or `2A004`. It names one commune.
    pub insee: &'static str,
    /// Official name with its article and accents, such as `L'Haÿ-les-Roses`. Homonyms exist: not an identifier.
    pub name: &'static str,
    /// Department code: `01` to `95`, `2A`, `2B`, `971` to `976`, or the code of an overseas collectivity up to `988`.
    pub department: &'static str,
    /// Postcodes that deliver here, ascending; other communes may share each of them.
    pub postcodes: Vec<&'static str>,
    /// Inhabitants at the census of the source; at least 1.
    pub population: u32,
    /// Degrees north of the equator of the commune's main place, to 4 decimals.
    pub latitude: f64,
    /// Degrees east of Greenwich of the commune's main place, to 4 decimals.
    pub longitude: f64,
    /// Estimated distance in metres from the main place to the commune's edge; leans to the large side.
    pub radius_m: u32,
    /// IANA time zone, such as `Europe/Paris` or `Indian/Reunion`.
    pub time_zone: &'static str,
    /// What its population says of the way people live there.
    pub area: AreaKind,
    point: LatLng,
}

impl Commune {
    /// The cell of [`CELL_RESOLUTION`] that holds the commune's main place.
    #[must_use]
    pub fn cell(&self) -> CellIndex {
        self.point.to_cell(CELL_RESOLUTION)
    }

    pub(crate) fn metres_from(&self, point: LatLng) -> f64 {
        self.point.distance_m(point)
    }

    pub(crate) fn distance_m(&self, other: &Self) -> f64 {
        self.distance_from_m(other.point)
    }

    pub(crate) fn distance_from_m(&self, point: LatLng) -> f64 {
        self.point.distance_m(point)
    }
}

/// The way people live in a commune, judged by its population alone.
///
/// The thresholds are those of the degree of urbanisation (Eurostat, Regulation (EU) 2017/2391): an urban centre has
/// at least 50 000 inhabitants, an urban cluster at least 5 000. Eurostat also asks for a density, which the table
/// does not have: a small, dense suburb counts as a town here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AreaKind {
    /// 50 000 inhabitants or more.
    DenseCity,
    /// 5 000 to 49 999 inhabitants.
    Town,
    /// Fewer than 5 000 inhabitants.
    Country,
}

impl AreaKind {
    /// The kind of area that a commune of so many inhabitants is.
    #[must_use]
    pub const fn of_population(inhabitants: u32) -> Self {
        match inhabitants {
            50_000.. => Self::DenseCity,
            5_000..50_000 => Self::Town,
            0..5_000 => Self::Country,
        }
    }
}

/// A line of the table: the commune, and each of its postcodes with the number of communes that it serves in all of
/// France.
pub(crate) struct Line {
    pub(crate) commune: Commune,
    pub(crate) served: Vec<(&'static str, u16)>,
}

/// Reads one line, or nothing where it is malformed.
pub(crate) fn parse_line(line: &'static str) -> Option<Line> {
    let mut fields = line.split('\t');
    let insee = fields.next().filter(|code| code.len() == 5)?;
    let name = fields.next().filter(|name| !name.is_empty())?;
    let department = fields.next().filter(|code| insee.starts_with(code))?;
    let served = fields
        .next()?
        .split(' ')
        .map(parse_served)
        .collect::<Option<Vec<_>>>()?;
    let population = fields.next()?.parse().ok().filter(|inhabitants| *inhabitants > 0)?;
    let latitude = fields
        .next()?
        .parse()
        .ok()
        .filter(|degrees| (-90.0..=90.0).contains(degrees))?;
    let longitude = fields
        .next()?
        .parse()
        .ok()
        .filter(|degrees| (-180.0..=180.0).contains(degrees))?;
    let radius_m = fields.next()?.parse().ok().filter(|metres| *metres > 0)?;
    let time_zone = fields.next().filter(|zone| !zone.is_empty())?;
    if fields.next().is_some() {
        return None;
    }
    let commune = Commune {
        insee,
        name,
        department,
        postcodes: served.iter().map(|(postcode, _)| *postcode).collect(),
        population,
        latitude,
        longitude,
        radius_m,
        time_zone,
        area: AreaKind::of_population(population),
        point: LatLng::new(latitude, longitude).ok()?,
    };
    Some(Line { commune, served })
}

fn parse_served(field: &'static str) -> Option<(&'static str, u16)> {
    let (postcode, communes) = field.split_once(':')?;
    let is_postcode = postcode.len() == 5 && postcode.bytes().all(|byte| byte.is_ascii_digit());
    Some((postcode, communes.parse().ok()?)).filter(|(_, communes)| is_postcode && *communes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "2A004\tAjaccio\t2A\t20000:1 20090:1\t75000\t41.9193\t8.7386\t2500\tEurope/Paris";

    #[test]
    fn a_well_formed_line_is_a_commune() {
        let line = parse_line(LINE).unwrap();
        assert_eq!(line.commune.insee, "2A004");
        assert_eq!(line.commune.postcodes, ["20000", "20090"]);
        assert_eq!(line.served, [("20000", 1), ("20090", 1)]);
        assert_eq!(line.commune.cell().resolution(), Resolution::Eight);
    }

    #[test]
    fn a_malformed_line_is_no_commune() {
        for (right, wrong) in [
            ("2A004", "2A04"),
            ("2A004", "2B004"),
            ("\tAjaccio", ""),
            ("Ajaccio", ""),
            ("20000:1", "20000"),
            ("20000:1", "20000:0"),
            ("20000:1", "2000:1"),
            ("75000", "0"),
            ("75000", "-1"),
            ("41.9193", "91"),
            ("41.9193", "NaN"),
            ("8.7386", "181"),
            ("2500", ""),
            ("Europe/Paris", ""),
            ("Europe/Paris", "Europe/Paris\tmore"),
        ] {
            let line = LINE.replacen(right, wrong, 1).leak();
            assert!(parse_line(line).is_none(), "{line}");
        }
    }

    #[test]
    fn the_kind_of_area_changes_exactly_at_its_thresholds() {
        assert_eq!(AreaKind::of_population(0), AreaKind::Country);
        assert_eq!(AreaKind::of_population(4_999), AreaKind::Country);
        assert_eq!(AreaKind::of_population(5_000), AreaKind::Town);
        assert_eq!(AreaKind::of_population(49_999), AreaKind::Town);
        assert_eq!(AreaKind::of_population(50_000), AreaKind::DenseCity);
    }
}
