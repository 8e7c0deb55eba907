//! Claims about when a message leaves, and whose goes first.

use super::*;
use crate::campaign::Priority;
use crate::cap::{ContactRing, FrequencyCap};
use crate::ids::RunId;
use crate::quiet::quiet_until;

/// The world of a campaign that asks for the best hour, and somebody of evenings.
fn evenings() -> World {
    let mut world = world();
    world.offer["uses"] = uses(&["home", "interests", "active_hours"]);
    world.campaign["best_hour"] = true.into();
    world.campaign["threshold_bp"] = 0.into();
    world.record.good_hours = GoodHours::learn(&[18, 19, 20], 4);
    world
}

fn deferred(decision: &Decision) -> Option<(String, Deferral)> {
    match decision {
        Decision::Deferred { until, deferral } => Some((until.to_string(), *deferral)),
        Decision::Approved(_) | Decision::Withheld(_) => None,
    }
}

fn until(at: &str, deferral: Deferral) -> Option<(String, Deferral)> {
    Some((at.to_owned(), deferral))
}

#[test]
fn a_message_waits_once_for_the_persons_own_evening() {
    let mut world = evenings();
    let evening = until("2026-12-01T17:00:00Z", Deferral::BestHour);
    assert_eq!(deferred(&world.decided()), evening);
    world.now = at("2026-12-01T17:00:00Z");
    assert!(matches!(world.decided(), Decision::Approved(_)));
    // Released late, when the good hours are over: it has waited.
    world.now = at("2026-12-02T09:00:00Z");
    world.waited = true;
    assert!(matches!(world.decided(), Decision::Approved(_)));
}

#[test]
fn good_hours_that_may_not_be_read_or_are_not_asked_for_hold_nothing_back() {
    let mut world = evenings();
    world.campaign["best_hour"] = false.into();
    assert!(matches!(world.decided(), Decision::Approved(_)));
    let mut world = evenings();
    world.record.hint.purposes &= !0b1000;
    assert!(matches!(world.decided(), Decision::Approved(_)));
    let mut world = evenings();
    world.offer["uses"] = uses(&["home", "interests"]);
    assert!(matches!(world.decided(), Decision::Approved(_)));
    world.with(|proposal, _| {
        let undeclared = proposal.campaign.undeclared(proposal.offer);
        assert_eq!(undeclared, Some(("best_hour", Attribute::ActiveHours)));
    });
}

#[test]
fn what_is_of_no_use_any_more_by_the_evening_is_sent_now() {
    let mut world = evenings();
    world.offer["window"]["until"] = "2026-12-01T16:00:00Z".into();
    assert!(matches!(world.decided(), Decision::Approved(_)));
    // At night it waits for the morning, where the evening is too late.
    world.now = at("2026-11-30T22:00:00Z");
    assert_eq!(
        deferred(&world.decided()),
        until("2026-12-01T07:00:00Z", Deferral::QuietHours)
    );
}

/// Of two gates the first that closes is told, also where it closes by quiet hours.
#[test]
fn what_quiet_hours_make_too_late_is_told_before_caps_and_rules() {
    let mut world = world();
    // Open until six in the evening; sent in the evening, it could be read the next morning, which is after its end.
    world.offer["places"][0]["hours"] = json!({"tuesday": ["10:00-18:00"], "wednesday": ["07:00-08:00"]});
    world.offer["window"]["until"] = "2026-12-02T07:30:00Z".into();
    world.campaign["threshold_bp"] = 0.into();
    world.record.area = Some(Area::DenseCity);
    world.record.home = Some(Cell::at_degrees(45.80, 4.8357).unwrap().centre());
    world.now = at("2026-12-01T21:30:00Z");
    assert_eq!(world.final_reason(), Some(Reason::TooLate));
    for sent in [48, 50] {
        world
            .standing
            .contacts
            .record(world.now - SignedDuration::from_hours(sent));
    }
    assert_eq!(world.final_reason(), Some(Reason::TooLate));
    world.offer["rules"] = json!([{"name": "r", "when": {"interested": "paint"}, "because": because()}]);
    assert_eq!(world.final_reason(), Some(Reason::TooLate));
    world.offer["window"]["until"] = "2026-12-03T07:30:00Z".into();
    world.offer["places"][0]["hours"] = json!({"wednesday": ["10:00-18:00"]});
    assert_eq!(world.final_reason(), Some(Reason::Unsuitable));
    world.offer["rules"] = json!([]);
    assert_eq!(world.final_reason(), Some(Reason::CapReached));
}

/// Waiting for somebody's evening is for them: where the place is shut by then, and the message would not be sent any more, it is
/// sent now.
#[test]
fn a_message_does_not_wait_for_an_hour_at_which_it_would_be_withheld() {
    let mut world = evenings();
    world.offer["places"][0]["hours"] = json!({"tuesday": ["10:00-17:30"], "wednesday": ["10:00-17:30"]});
    // (40 × 10 000 + 20 × 8 000 + 25 × 10 000) ÷ 85 now; shut until the morning, in a good hour, the moment is 7 000: 8 647.
    world.campaign["threshold_bp"] = 8_648.into();
    assert!(matches!(world.decided(), Decision::Approved(_)));
    world.campaign["threshold_bp"] = 8_647.into();
    assert_eq!(
        deferred(&world.decided()),
        until("2026-12-01T17:00:00Z", Deferral::BestHour)
    );
}

/// At night a shop is shut for long; by the time that the message leaves, it is about to open.
#[test]
fn what_waits_for_the_morning_is_judged_by_the_moment_of_the_morning() {
    let mut world = world();
    world.offer["places"][0]["hours"] = json!({"wednesday": ["09:30-18:00"]});
    world.campaign["threshold_bp"] = 0.into();
    world.now = at("2026-12-02T07:00:00Z");
    let Decision::Approved(morning) = world.decided() else {
        panic!("{:?}", world.decided())
    };
    world.now = at("2026-12-01T21:30:00Z");
    let night = world.judged().unwrap();
    assert!(night.relevance < morning.score().relevance);
    world.campaign["threshold_bp"] = morning.score().relevance.basis_points().into();
    assert_eq!(
        deferred(&world.decided()),
        until("2026-12-02T07:00:00Z", Deferral::QuietHours)
    );
}

#[test]
fn out_of_quiet_hours_it_goes_straight_to_the_best_hour() {
    let mut world = evenings();
    world.now = at("2026-12-01T20:30:00Z");
    let evening = until("2026-12-02T17:00:00Z", Deferral::BestHour);
    assert_eq!(deferred(&world.decided()), evening);
    world.waited = true;
    let morning = until("2026-12-02T07:00:00Z", Deferral::QuietHours);
    assert_eq!(deferred(&world.decided()), morning);
}

/// A lower campaign's message while a higher one's run is open, launched at `launched`; by person, cap and claims.
fn with_rival(world: &World, launched: Timestamp, priority: Priority) -> Decision {
    let contact = ContactPoint {
        address: EmailAddress::parse("camille@example.com").unwrap(),
        language: Language::French,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    };
    world.with(|proposal, customer| {
        let higher = Campaign {
            priority,
            id: CampaignId::new("higher").unwrap(),
            ..proposal.campaign.clone()
        };
        let run = Run {
            id: RunId::new("higher").unwrap(),
            launched_at: launched,
            ..proposal.run.clone()
        };
        let rival = Proposal {
            campaign: &higher,
            run: &run,
            ..proposal
        };
        let fresh = Fresh {
            customer,
            standing: &world.standing,
            record: &world.record,
            reachable: Reachable::Yes(&contact),
            waited: false,
            rivals: &[rival],
        };
        decide(proposal, fresh, AttemptId::new("a").unwrap(), world.now)
    })
}

/// One place left: two a week, and one message yesterday.
fn last_place() -> World {
    let mut world = world();
    world
        .standing
        .contacts
        .record(world.now - SignedDuration::from_hours(24));
    world
}

#[test]
fn the_last_place_is_left_to_the_higher_campaign_and_only_the_last_and_only_for_a_day() {
    let world = last_place();
    let launched = world.now - SignedDuration::from_hours(1);
    let again = until("2026-12-01T09:30:00Z", Deferral::Priority);
    assert_eq!(deferred(&with_rival(&world, launched, Priority::High)), again);
    for priority in [Priority::Low, Priority::Normal] {
        assert!(matches!(with_rival(&world, launched, priority), Decision::Approved(_)));
    }
    let over = world.now - GIVES_WAY_FOR;
    assert!(matches!(
        with_rival(&world, over, Priority::High),
        Decision::Approved(_)
    ));
    let mut two_places = last_place();
    two_places.standing.contacts = ContactRing::default();
    assert!(matches!(
        with_rival(&two_places, launched, Priority::High),
        Decision::Approved(_)
    ));
}

#[test]
fn a_higher_campaign_that_does_not_want_the_person_takes_nothing_from_the_lower() {
    let mut world = last_place();
    let launched = world.now;
    // Both want nobody below their threshold; the higher one is judged by its own.
    assert!(deferred(&with_rival(&world, launched, Priority::High)).is_some());
    world.standing.claims.insert(
        RunId::new("higher").unwrap(),
        crate::standing::Claim {
            attempt: AttemptId::new("b").unwrap(),
            at: world.now,
        },
    );
    // It has written already: there was a place for both.
    assert!(matches!(
        with_rival(&world, launched, Priority::High),
        Decision::Approved(_)
    ));
    // There was not.
    world.standing.contacts.record(world.now);
    let Decision::Withheld(withheld) = with_rival(&world, launched, Priority::High) else {
        panic!("not withheld");
    };
    assert_eq!(withheld.reason, Reason::Outranked);
    let Decision::Withheld(withheld) = with_rival(&world, launched, Priority::Normal) else {
        panic!("not withheld");
    };
    assert_eq!(withheld.reason, Reason::CapReached);
}

#[test]
fn what_would_be_of_no_use_after_giving_way_does_not_give_way() {
    let mut world = last_place();
    world.offer["window"]["until"] = "2026-12-01T09:20:00Z".into();
    let launched = world.now - SignedDuration::from_hours(1);
    assert!(matches!(
        with_rival(&world, launched, Priority::High),
        Decision::Approved(_)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_a_message_waits_for_it_is_let_go_outside_quiet_hours_and_in_time(
        minutes in 0i64..43_000,
        zone in prop::sample::select(vec!["Europe/Paris", "America/Miquelon", "Pacific/Chatham", "Indian/Reunion"]),
        hours in prop::collection::vec(0u8..24, 0..8),
        waited in any::<bool>(),
    ) {
        let mut world = evenings();
        world.now = at("2026-11-01T00:00:00Z") + SignedDuration::from_mins(minutes);
        let zone_name = TimeZoneName::new(zone).unwrap();
        world.record.good_hours = GoodHours::learn(&hours, zone_name.quarters_ahead(world.now));
        world.waited = waited;
        if let Decision::Deferred { until, deferral } = world.decided_for(zone) {
            let quiet = [QuietHours::BRAND_DEFAULT];
            prop_assert!(until > world.now);
            prop_assert_eq!(quiet_until(&quiet, until, &zone_name), Ok(None));
            prop_assert!(until < at("2026-12-31T00:00:00Z"));
            if deferral == Deferral::BestHour {
                prop_assert!(!waited && until.duration_since(world.now) <= crate::best_hour::LONGEST_WAIT);
                // Let go then, it leaves.
                world.now = until;
                world.waited = true;
                prop_assert!(matches!(world.decided_for(zone), Decision::Approved(_)));
            }
        }
    }

    /// Candidates of two campaigns in any order, each looked at again when its wait is over.
    #[test]
    fn the_cap_holds_and_the_higher_campaign_has_the_last_place_and_nobody_waits_for_ever(
        most in 1u8..4,
        sent_before in 0u8..4,
        higher_comes_after in 0i64..48,
        higher_never_comes in any::<bool>(),
    ) {
        let cap = FrequencyCap::new(most, 7).unwrap();
        let mut world = world();
        world.brand["caps"] = json!([{"most": most, "window_days": 7}]);
        let start = world.now;
        for _ in 0..sent_before.min(most) {
            world.standing.contacts.record(start - SignedDuration::from_hours(24));
        }
        let places = usize::from(most - sent_before.min(most));
        let higher_at = start + SignedDuration::from_mins(30 * higher_comes_after);
        let higher_run = RunId::new("higher").unwrap();
        let mut higher_sent = false;
        let mut lower = None;
        // The lower candidate comes first; the higher one's comes later, if at all.
        let mut looks_at = start;
        for _ in 0..200 {
            if lower.is_some() {
                break;
            }
            if !higher_never_comes && !higher_sent && higher_at <= looks_at {
                if world.standing.contacts.permits(&[cap], None, higher_at).is_ok() {
                    world.standing.contacts.record(higher_at);
                    let claim = crate::standing::Claim { attempt: AttemptId::new("b").unwrap(), at: higher_at };
                    world.standing.claims.insert(higher_run.clone(), claim);
                }
                higher_sent = true;
            }
            world.now = looks_at;
            match with_rival(&world, start, Priority::High) {
                Decision::Deferred { until, .. } => {
                    prop_assert!(until > looks_at);
                    looks_at = until;
                }
                Decision::Approved(_) => {
                    world.standing.contacts.record(looks_at);
                    lower = Some(true);
                }
                Decision::Withheld(_) => lower = Some(false),
            }
        }
        // It ends, at most the night after a day later.
        prop_assert!(lower.is_some());
        prop_assert!(looks_at.duration_since(start) <= GIVES_WAY_FOR + SignedDuration::from_hours(11));
        let claimed = world.standing.claims.contains_key(&higher_run);
        if places == 1 && !higher_never_comes && higher_at.duration_since(start) < SignedDuration::from_hours(11) {
            prop_assert!(claimed && lower == Some(false));
        }
        if places > 1 {
            prop_assert_eq!(lower, Some(true));
        }
        prop_assert!(world.standing.contacts.contacts().len() <= usize::from(most));
    }
}
