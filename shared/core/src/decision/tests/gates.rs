//! The order of the gates: of those that close, the first is told.

use super::*;

type Close = fn(&mut World);

/// What closes each gate by itself, in their order.
const GATES: [(Reason, Close); 16] = [
    (Reason::RunCancelled, |world| world.status = RunStatus::Cancelled),
    (Reason::OutsideWindow, |world| {
        world.offer["window"]["from"] = "2026-12-02T00:00:00Z".into();
    }),
    (Reason::Objected, |world| world.records("no_marketing", Act::Grant)),
    (Reason::Paused, |world| {
        let mut pause = event("pause", "pause", Act::Grant, world.now);
        pause.expires_at = Some(world.now + SignedDuration::from_hours(72));
        world.standing.consents.record(&pause, 9);
    }),
    (Reason::ConsentWithdrawn, |world| {
        world.records("email.offers", Act::Withdraw);
    }),
    (Reason::OutsideAudience, |world| {
        world.campaign["audience"] = json!({"lifecycle": ["lost"]});
    }),
    (Reason::Holdout, |world| world.campaign["holdout_bp"] = 10_000.into()),
    (Reason::TooFar, |world| {
        world.record.home = Some(Cell::at_degrees(48.8566, 2.3522).unwrap().centre());
    }),
    (Reason::TooLate, |world| {
        world.offer["places"][0]["hours"] = json!({"monday": ["09:00-10:00"]});
        world.offer["window"]["until"] = "2026-12-03T00:00:00Z".into();
    }),
    (Reason::Unsuitable, |world| {
        world.offer["rules"] = json!([{"name": "r", "when": {"interested": "paint"}, "because": because()}]);
    }),
    (Reason::AlreadyHas, |world| {
        let pass = Category::from_slug("museum-pass").unwrap();
        world.offer["category"] = "museum-pass".into();
        world
            .record
            .ties
            .insert(0, (pass, Tie::Bought(PurchaseDay::last_of(82))));
    }),
    (Reason::TooLittleKnown, |world| {
        world.campaign["minimum_evidence_bp"] = 10_000.into();
    }),
    (Reason::BelowThreshold, |world| {
        world.campaign["threshold_bp"] = 10_000.into();
    }),
    (Reason::BelowOwnThreshold, |world| {
        world.record.threshold = Some(Relevance::FULL);
    }),
    (Reason::CapReached, |world| {
        for hours in [48, 50] {
            world
                .standing
                .contacts
                .record(world.now - SignedDuration::from_hours(hours));
        }
    }),
    (Reason::EndsInQuietHours, |world| {
        world.now = at("2026-12-01T21:30:00Z");
        world.offer["window"]["until"] = "2026-12-02T05:00:00Z".into();
    }),
];

#[test]
fn of_any_two_gates_that_close_the_first_is_the_reason() {
    assert_eq!(world().final_reason(), None);
    for (position, (first, close_first)) in GATES.into_iter().enumerate() {
        let mut one = world();
        close_first(&mut one);
        assert_eq!(one.final_reason(), Some(first));
        for (second, close_second) in GATES.into_iter().skip(position + 1) {
            assert!(first < second, "the order of reasons is that of the gates");
            for closes in [[close_first, close_second], [close_second, close_first]] {
                let mut both = world();
                closes.into_iter().for_each(|close| close(&mut both));
                assert_eq!(both.final_reason(), Some(first), "and {second:?}");
            }
        }
    }
}
