//! Nearer is never worse, whatever the hours of the places: a person goes where it is worth going most.

use super::*;
use crate::campaign::Goal;

/// Somebody near Lyon, on a Tuesday at ten in the morning there, and an offer of several places around them.
#[derive(Debug, Clone)]
struct Case {
    home: Option<(f64, f64)>,
    current: Option<(f64, f64)>,
    area: Option<Area>,
    good_hours: u8,
    places: Vec<PlaceOfCase>,
    /// Which of the places comes nearer, to whom it is nearer then, and by how much: 1 is all the way.
    moved: (usize, bool, f64),
    goal: &'static str,
    minimum_evidence: u32,
    threshold: u32,
    has_season: bool,
    ends_in_hours: i64,
    likes: bool,
}

#[derive(Debug, Clone)]
struct PlaceOfCase {
    at: (f64, f64),
    radius_m: u32,
    by_area: bool,
    hours: Option<&'static str>,
}

fn near_lyon() -> impl Strategy<Value = (f64, f64)> {
    (45.60f64..45.93, 4.60f64..5.07)
}

fn place() -> impl Strategy<Value = PlaceOfCase> {
    // Open; soon over; about to open; open this afternoon; shut until next year, which is too late for most.
    let hours = vec![
        None,
        Some(r#"{"tuesday": ["09:00-19:00"]}"#),
        Some(r#"{"tuesday": ["09:00-10:30"]}"#),
        Some(r#"{"tuesday": ["11:00-12:00"]}"#),
        Some(r#"{"tuesday": ["15:00-18:00"]}"#),
        Some(r#"{"monday": ["09:00-12:00"]}"#),
    ];
    let radii = prop::sample::select(vec![5_000, 12_000, 40_000]);
    (near_lyon(), radii, any::<bool>(), prop::sample::select(hours)).prop_map(|(at, radius_m, by_area, hours)| {
        PlaceOfCase {
            at,
            radius_m,
            by_area,
            hours,
        }
    })
}

fn case() -> impl Strategy<Value = Case> {
    let person = (
        prop::option::weighted(0.8, near_lyon()),
        prop::option::of(near_lyon()),
        prop::sample::select(vec![None, Some(Area::DenseCity), Some(Area::Town), Some(Area::Country)]),
        prop::sample::select(vec![0u8, 1, 8, 16, 200]),
        any::<bool>(),
    );
    let goals = Goal::ALL.map(Goal::code).to_vec();
    let campaign = (
        prop::sample::select(goals),
        prop::sample::select(vec![0u32, 2_000, 6_000, 8_500]),
        prop::sample::select(vec![0u32, 4_000, 6_000]),
        any::<bool>(),
        prop::sample::select(vec![1i64, 30, 24 * 5, 24 * 30]),
    );
    let places = prop::collection::vec(place(), 1..4);
    let moved = (
        any::<prop::sample::Index>(),
        prop::bool::weighted(0.7),
        prop_oneof![0.0f64..1.0, 0.8f64..1.0],
    );
    (person, campaign, places, moved).prop_map(|(person, campaign, places, (which, from_home, part))| {
        let (home, current, area, good_hours, likes) = person;
        let (goal, minimum_evidence, threshold, has_season, ends_in_hours) = campaign;
        Case {
            moved: (which.index(places.len()), from_home, part),
            home,
            current,
            area,
            good_hours,
            places,
            goal,
            minimum_evidence,
            threshold,
            has_season,
            ends_in_hours,
            likes,
        }
    })
}

fn world_of(case: &Case) -> World {
    let mut world = world();
    world.offer["uses"] = uses(&[
        "home",
        "current_place",
        "interests",
        "purchases",
        "lifecycle",
        "active_hours",
    ]);
    world.offer["window"]["until"] = (world.now + SignedDuration::from_hours(case.ends_in_hours))
        .to_string()
        .into();
    if case.has_season {
        world.offer["season"] = json!([11, 12]);
    }
    let places = case.places.iter().enumerate().map(|(number, place)| {
        let ((latitude, longitude), radius) = (place.at, place.radius_m);
        let mut document = json!({
            "id": format!("p{number}"), "name": "Halle", "latitude": latitude, "longitude": longitude, "radius_m": radius
        });
        if place.by_area {
            document["travel_m"] = json!({"dense_city": radius / 2, "town": radius, "country": radius * 3 / 2});
        }
        if let Some(hours) = place.hours {
            document["hours"] = serde_json::from_str(hours).unwrap();
        }
        document
    });
    world.offer["places"] = places.collect();
    world.campaign["goal"] = case.goal.into();
    world.campaign["minimum_evidence_bp"] = case.minimum_evidence.into();
    world.campaign["threshold_bp"] = case.threshold.into();
    let cell = |(north, east)| Cell::at_degrees(north, east).unwrap().centre();
    world.record.home = case.home.map(cell);
    world.record.area = case.area;
    world.record.current_place = case.current.map(|at| Whereabouts {
        at: cell(at),
        until_hour: u32::MAX >> 8,
    });
    world.record.good_hours = GoodHours::from_bytes([case.good_hours, 4]);
    if !case.likes {
        world.record.ties = vec![(Category::from_slug("lawnmower").unwrap(), Tie::Interest)];
    }
    world
}

/// The same with one place nearer to one of the person's points, and no farther from the other; else as it was.
fn with_a_nearer_place(case: &Case) -> Case {
    let (which, to_home, part) = case.moved;
    let mut nearer = case.clone();
    let Some(aim) = (if to_home { case.home } else { case.current }) else {
        return nearer;
    };
    let (north, east) = case.places[which].at;
    nearer.places[which].at = (north + (aim.0 - north) * part, east + (aim.1 - east) * part);
    let centre = |(north, east)| Cell::at_degrees(north, east).unwrap().centre();
    let is_no_farther = |point: (f64, f64)| {
        squared_chord(centre(point), centre(nearer.places[which].at))
            <= squared_chord(centre(point), centre((north, east)))
    };
    if [case.home, case.current].into_iter().flatten().all(is_no_farther) {
        nearer
    } else {
        case.clone()
    }
}

/// How a judgment compares to another: sent before not, enough evidence before too little, then by relevance.
pub(super) fn worth(judged: &Result<Score, Withheld>) -> (bool, Option<(bool, Relevance)>) {
    let scored = |score: &Score, enough| (enough, score.relevance);
    match judged {
        Ok(score) => (true, Some(scored(score, true))),
        Err(withheld) => {
            let enough = withheld.reason != Reason::TooLittleKnown;
            (false, withheld.score.as_ref().map(|score| scored(score, enough)))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_nearer_place_is_never_worse_whatever_its_hours_and_those_of_the_others(case in case()) {
        let (before, after) = (world_of(&case).judged(), world_of(&with_a_nearer_place(&case)).judged());
        prop_assert!(worth(&after) >= worth(&before), "{before:?} became {after:?}");
    }

    #[test]
    fn one_more_place_is_never_worse(case in case(), place in place()) {
        let mut more = case.clone();
        more.places.push(place);
        let (before, after) = (world_of(&case).judged(), world_of(&more).judged());
        prop_assert!(worth(&after) >= worth(&before), "{before:?} became {after:?}");
    }
}

/// The properties above compare something: in a good part of their cases it does make a difference.
#[test]
fn many_of_these_cases_come_to_a_score_that_the_nearer_place_raises() {
    let judged: Vec<_> = sample(case(), 400)
        .map(|case| [world_of(&case).judged(), world_of(&with_a_nearer_place(&case)).judged()])
        .collect();
    let scored = judged.iter().filter(|[before, _]| worth(before).1.is_some()).count();
    let raised = judged
        .iter()
        .filter(|[before, after]| worth(after) > worth(before))
        .count();
    assert!(scored > 150 && raised > 60, "{scored} scored, {raised} raised");
}

#[test]
fn of_two_places_the_one_that_is_open_counts_and_not_the_nearer_one_that_is_shut() {
    let mut world = world();
    world.record.home = Some(Cell::at_degrees(45.7640, 4.8357).unwrap().centre());
    let place = |id: &str, north: f64, hours: Value| json!({"id": id, "name": "Halle", "latitude": north, "longitude": 4.8357, "radius_m": 30_000, "hours": hours});
    let shut = json!({"monday": ["09:00-12:00"]});
    let open = json!({"tuesday": ["09:00-19:00"]});
    // A Tuesday at ten: the next street, shut until Monday, and five kilometres on, open all day.
    world.offer["places"] = json!([place("next-street", 45.7650, shut), place("across-town", 45.8090, open)]);
    world.record.ties.clear();
    let both = world.judged().unwrap();
    world.offer["places"].as_array_mut().unwrap().remove(0);
    assert_eq!(both, world.judged().unwrap());
}
