use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const PARIS: (f64, f64) = (48.8566, 2.3522);
const LYON: (f64, f64) = (45.7640, 4.8357);

fn cell((latitude, longitude): (f64, f64)) -> Cell {
    Cell::at_degrees(latitude, longitude).unwrap()
}

fn radius(metres: u32) -> Radius {
    Radius::from_metres(metres).unwrap()
}

fn kilometres(a: (f64, f64), b: (f64, f64)) -> u32 {
    (distance_metres(cell(a).centre(), cell(b).centre()) + 500) / 1_000
}

#[test]
fn a_region_is_a_parent_of_resolution_3_and_few_are_around_a_place() {
    let cells = audience_cells_within(cell(LYON), radius(100_000));
    let regions: BTreeSet<String> = cells.iter().map(|cell| cell.region()).collect();
    let parents: BTreeSet<_> = cells.iter().map(|cell| cell.0.parent(Resolution::Three)).collect();
    assert_eq!(regions.len(), parents.len());
    for cell in &cells {
        let parent = cell.0.parent(Resolution::Three).unwrap();
        let mut siblings = parent.children(Resolution::Five).map(AudienceCell);
        assert!(siblings.all(|sibling| sibling.region() == cell.region()));
    }
    assert!(regions.len() <= 24, "{}", regions.len());
}

#[test]
fn known_distances_are_right_to_a_kilometre() {
    for (name, from, to, expected) in [
        ("Paris to Lyon", PARIS, LYON, 392),
        ("Paris to Marseille", PARIS, (43.2965, 5.3698), 660),
        ("Paris to Saint-Denis de La Réunion", PARIS, (-20.8789, 55.4481), 9_365),
        ("Fiji across the date line", (-17.7134, 178.065), (-16.8, -179.9), 239),
        ("pole to pole", (90.0, 0.0), (-90.0, 0.0), 20_015),
    ] {
        let found = kilometres(from, to);
        assert!(found.abs_diff(expected) <= 1, "{name}: {found} km");
    }
}

#[test]
fn a_cell_is_read_from_its_text_and_written_back() {
    let text = cell(PARIS).to_hex();
    assert_eq!(text, "881fb46625fffff");
    assert_eq!(Cell::from_hex(&text), Ok(cell(PARIS)));
    assert_eq!(Cell::from_hex("881FB46625FFFFF"), Ok(cell(PARIS)));
}

#[test]
fn text_that_is_no_cell_of_resolution_8_is_refused() {
    for text in [
        "",
        "881fb46625ffff",
        "0881fb46625fffff",
        "+81fb46741fffff",
        "871fb4674ffffff",
        "851fb467fffffff",
        "881fb46625ffff0",
        "fffffffffffffff",
        "48.8566,2.35220",
    ] {
        assert_eq!(Cell::from_hex(text), Err(InvalidPlace::Cell), "{text:?}");
    }
}

#[test]
fn coordinates_off_the_earth_are_refused() {
    assert_eq!(Cell::at_degrees(90.01, 0.0), Err(InvalidPlace::Latitude));
    assert_eq!(Cell::at_degrees(f64::NAN, 0.0), Err(InvalidPlace::Latitude));
    assert_eq!(Cell::at_degrees(0.0, -180.01), Err(InvalidPlace::Longitude));
    assert_eq!(Cell::at_degrees(0.0, f64::INFINITY), Err(InvalidPlace::Longitude));
}

#[test]
fn an_audience_cell_has_a_key_of_eight_digits() {
    let parent = cell(PARIS).parent5();
    assert_eq!(parent.to_string(), "851fb467");
    assert_eq!(AudienceCell::from_key("851fb467"), Ok(parent));
    for text in [
        "",
        "851fb46",
        "851fb467f",
        "881fb467",
        "851fb46g",
        "851fb464",
        "+51fb467",
        "é51fb46",
    ] {
        assert_eq!(
            AudienceCell::from_key(text),
            Err(InvalidPlace::AudienceCell),
            "{text:?}"
        );
    }
}

#[test]
fn nothing_that_locates_a_person_is_shown_in_debug() {
    let paris = cell(PARIS);
    assert_eq!(format!("{paris:?} {:?}", paris.centre()), "Cell(..) UnitVector(..)");
}

#[test]
fn a_vector_of_another_length_is_refused() {
    assert!(UnitVector::new(1 << 30, 0, 0).is_ok());
    for (x, y, z) in [
        (0, 0, 0),
        (1 << 30, 1 << 16, 1 << 17),
        (i32::MIN, i32::MIN, i32::MIN),
        (i32::MAX, 0, 0),
        (1 << 29, 0, 0),
    ] {
        assert_eq!(UnitVector::new(x, y, z), Err(InvalidPlace::Vector), "{x} {y} {z}");
    }
}

#[test]
fn the_longest_chord_is_twice_the_unit() {
    let (east, west) = (
        UnitVector::new(1 << 30, 0, 0).unwrap(),
        UnitVector::new(-(1 << 30), 0, 0).unwrap(),
    );
    assert_eq!(squared_chord(east, west), SquaredChord(4 << 60));
}

#[test]
fn a_radius_gives_back_its_metres() {
    for metres in [1, 2, 10, 999, 1_000, 25_000, 2_000_000] {
        assert_eq!(radius(metres).metres(), metres);
        assert_eq!(Radius::from_chord(radius(metres).chord().value()), Ok(radius(metres)));
    }
}

#[test]
fn a_radius_out_of_range_is_refused() {
    assert_eq!(Radius::from_metres(0), Err(InvalidPlace::Radius));
    assert_eq!(Radius::from_metres(2_000_001), Err(InvalidPlace::Radius));
    assert_eq!(Radius::from_chord(0), Err(InvalidPlace::Radius));
    assert_eq!(Radius::from_chord((1 << 57) + 1), Err(InvalidPlace::Radius));
}

#[test]
fn a_radius_reaches_what_is_within_it() {
    let distance = squared_chord(cell(PARIS).centre(), cell(LYON).centre());
    assert!(radius(400_000).reaches(distance));
    assert!(!radius(380_000).reaches(distance));
}

#[test]
fn a_name_fits_on_one_line() {
    assert_eq!(PlaceName::new("  Musée d'Orsay ").unwrap().as_str(), "Musée d'Orsay");
    let longest = "é".repeat(120);
    assert!(PlaceName::new(&longest).is_ok());
    for name in ["", "  ", "a\r\nBcc: b", "a\u{2028}b", "a\0", &format!("{longest}é")] {
        assert_eq!(PlaceName::new(name), Err(InvalidPlace::Name), "{name:?}");
    }
}

#[test]
fn a_new_place_keeps_its_centre() {
    let name = PlaceName::new("Orsay").unwrap();
    let place = Place::new(PlaceId::new("orsay").unwrap(), name, cell(PARIS), radius(10_000));
    assert_eq!(place.centre, cell(PARIS).centre());
}

#[test]
#[expect(clippy::as_conversions, reason = "integers are compared with floats")]
fn what_is_left_is_the_power_of_two() {
    for x in (0..17 * 65_536_u64).step_by(37) {
        let exact = 10_000.0 * 2.0_f64.powf(-(x as f64) / 65_536.0);
        assert!((f64::from(halving_bp(x)) - exact).abs() <= 1.7, "{x}");
    }
    for whole in 0..14 {
        let exact = 10_000.0 / f64::from(1_u32 << whole);
        assert!((f64::from(halving_bp(whole << 16)) - exact).abs() <= 0.5, "{whole}");
    }
    assert_eq!(halving_bp(u64::MAX), 0);
}

#[test]
fn no_step_of_a_halving_leaves_more() {
    let whole: Vec<u16> = (0..=17 * 65_536).map(halving_bp).collect();
    assert!(whole.is_sorted_by(|before, after| before >= after));
}

#[test]
fn nearness_halves_with_each_half_of_the_radius() {
    for metres in [1, 500, 10_000, 2_000_000] {
        let radius = radius(metres);
        let at = |quarters| proximity_bp(SquaredChord(radius.chord().value() / 16 * quarters * quarters), radius);
        assert_eq!(at(0), 10_000);
        assert!(at(1).abs_diff(7_071) <= 2, "{metres} {}", at(1));
        assert!(at(2).abs_diff(5_000) <= 2, "{metres} {}", at(2));
        assert!(proximity_bp(radius.chord(), radius).abs_diff(2_500) <= 1);
    }
    assert_eq!(proximity_bp(SquaredChord(4 << 60), radius(1)), 0);
}

#[test]
fn nearness_is_what_the_halvings_leave() {
    for share in 0..=16_384 {
        assert!(
            nearness_bp(share).abs_diff(halving_bp(u64::from(share) * 8)) <= 1,
            "{share}"
        );
    }
    let shares: Vec<u16> = (0..=16_384).map(nearness_bp).collect();
    assert!(shares.is_sorted_by(|before, after| before >= after));
}

#[test]
fn thirty_kilometres_take_a_couple_of_dozen_audience_cells() {
    let cells = audience_cells_within(cell(PARIS), radius(30_000));
    assert!((12..=40).contains(&cells.len()), "{}", cells.len());
    assert!(cells.is_sorted());
    assert!(cells.contains(&cell(PARIS).parent5()));
}

/// Where H3's twelve pentagons sit, and its grid is the most uneven.
fn pentagons() -> Vec<(f64, f64)> {
    let centres = CellIndex::base_cells()
        .filter(|base| base.is_pentagon())
        .map(LatLng::from);
    centres.map(|centre| (centre.lat(), centre.lng())).collect()
}

fn any_point() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        (41.0..51.5, -5.5..10.0),
        (-90.0..=90.0, -180.0..=180.0),
        (prop::sample::select(pentagons()), -1.0..1.0, -2.0..2.0)
            .prop_map(|((latitude, longitude), north, east)| (latitude + north, longitude + east)),
    ]
}

fn any_vector() -> impl Strategy<Value = UnitVector> {
    any_point().prop_map(|point| cell(point).centre())
}

/// A point so many metres from another, in any direction.
fn moved((latitude, longitude): (f64, f64), metres: f64, bearing: f64) -> (f64, f64) {
    let (angle, from) = (metres / earth_radius_m(), latitude.to_radians());
    let to = (from.sin() * angle.cos() + from.cos() * angle.sin() * bearing.cos())
        .clamp(-1.0, 1.0)
        .asin();
    let east = (bearing.sin() * angle.sin() * from.cos()).atan2(angle.cos() - from.sin() * to.sin());
    (
        to.to_degrees(),
        (longitude + east.to_degrees() + 540.0).rem_euclid(360.0) - 180.0,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_centre_reads_back_from_two_of_its_components(latitude in -90.0f64..=90.0, longitude in -180.0f64..=180.0) {
        let centre = cell((latitude, longitude)).centre();
        let (form, two) = centre.to_two();
        prop_assert!(form < 8);
        prop_assert_eq!(UnitVector::of_two(form, two), Ok(centre));
    }

    #[test]
    fn arbitrary_components_make_a_unit_vector_or_nothing(form in any::<u8>(), first in any::<i32>(), second in any::<i32>()) {
        if let Ok(vector) = UnitVector::of_two(form, [first, second]) {
            let [x, y, z] = vector.components();
            prop_assert_eq!(UnitVector::new(x, y, z), Ok(vector));
        }
    }

    #[test]
    fn a_cell_survives_its_texts(point in any_point()) {
        let cell = cell(point);
        prop_assert_eq!(Cell::from_hex(&cell.to_hex()), Ok(cell));
        prop_assert_eq!(AudienceCell::from_key(&cell.parent5().to_string()), Ok(cell.parent5()));
    }

    #[test]
    fn a_centre_is_a_unit_vector_and_near_its_points(point in any_point()) {
        let centre = cell(point).centre();
        let [x, y, z] = centre.components();
        prop_assert_eq!(UnitVector::new(x, y, z), Ok(centre));
        prop_assert!(LatLng::from(cell(point).index).distance_m(LatLng::new(point.0, point.1).unwrap()) < 900.0);
    }

    #[test]
    fn chords_are_symmetric_and_in_range(a in any_vector(), b in any_vector()) {
        prop_assert_eq!(squared_chord(a, b), squared_chord(b, a));
        prop_assert_eq!(squared_chord(a, a), SquaredChord(0));
        prop_assert!(squared_chord(a, b).value() <= (4 << 60) + (4 << 32));
    }

    #[test]
    fn distances_agree_with_the_great_circle(a in any_point(), b in any_point()) {
        let (a, b) = (cell(a), cell(b));
        let exact = LatLng::from(a.index).distance_m(b.index.into());
        let found = f64::from(distance_metres(a.centre(), b.centre()));
        // Near the antipodes an arc hardly depends on its chord.
        let tolerance = if exact > 19_000_000.0 { 200.0 } else { 1.0 };
        prop_assert!((found - exact).abs() <= tolerance, "{} {}", found, exact);
    }

    #[test]
    fn farther_is_never_nearer(near in 0..=4_u64 << 60, far in 0..=4_u64 << 60, metres in 1..=2_000_000_u32) {
        let (near, far) = (near.min(far), near.max(far));
        let half = radius(metres);
        prop_assert!(proximity_bp(SquaredChord(near), half) >= proximity_bp(SquaredChord(far), half));
    }

    #[test]
    fn a_step_farther_is_never_nearer(metres in 1..=2_000_000_u32, part in 0..=400_u64, step in 1..1_000_000_000_u64) {
        let half = radius(metres);
        let near = half.chord().value() / 100 * part;
        prop_assert!(proximity_bp(SquaredChord(near), half) >= proximity_bp(SquaredChord(near + step), half));
    }

    #[test]
    fn what_is_left_never_grows(halvings in 0..20 * 65_536_u64, step in 0..300_u64) {
        prop_assert!(halving_bp(halvings) >= halving_bp(halvings + step));
        prop_assert!(halving_bp(halvings) <= 10_000);
    }

    #[test]
    fn a_longer_radius_reaches_farther(metres in 1..2_000_000_u32) {
        prop_assert!(radius(metres) < radius(metres + 1));
        prop_assert_eq!(radius(metres).metres(), metres);
    }

    #[test]
    fn no_customer_within_a_radius_is_outside_its_audience_cells(
        point in any_point(),
        metres in prop_oneof![1..5_000_u32, 1..120_000_u32],
        customers in prop::collection::vec((0.0..1.0_f64, 0.0..std::f64::consts::TAU), 40),
    ) {
        let centre = cell(point);
        let cover = audience_cells_within(centre, radius(metres));
        let own = LatLng::from(centre.index);
        for (part, bearing) in customers {
            // Most of them near the rim, where one could be missed.
            let customer = cell(moved((own.lat(), own.lng()), f64::from(metres) * part.sqrt(), bearing));
            if own.distance_m(customer.index.into()) <= f64::from(metres) {
                prop_assert!(cover.binary_search(&customer.parent5()).is_ok());
            }
        }
    }

    #[test]
    fn descendants_lie_within_their_parents_reach(point in any_point()) {
        let parent = cell(point).parent5();
        let (centre, reach) = (LatLng::from(parent.0), parent.descendants_within());
        prop_assert!(reach <= FARTHEST_DESCENDANT_M);
        for child in parent.0.children(Resolution::Eight) {
            prop_assert!(centre.distance_m(child.into()) <= reach);
        }
    }
}
