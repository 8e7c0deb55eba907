use proptest::prelude::*;

use super::*;

fn event(id: u16, purpose: Purpose, act: Act, actor: Actor, minute: i64) -> ConsentEvent {
    ConsentEvent {
        id: EventId::new(format!("e{id}")).unwrap(),
        purpose,
        act,
        effective_at: Timestamp::from_second(1_700_000_000 + minute * 60).unwrap(),
        expires_at: None,
        legal_basis: LegalBasis::Consent,
        actor,
        evidence: Evidence {
            affirmative_action: "ticked_box".into(),
            method: "web_form".into(),
            notice: None,
            source: "https://shop.example.com/join".into(),
            double_opt_in_at: None,
            previous: None,
        },
    }
}

fn offers() -> Purpose {
    Purpose::from_code("email.offers").unwrap()
}

fn later() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn fold(events: &[ConsentEvent]) -> Consents {
    let mut consents = Consents::default();
    for event in events {
        consents.record(event, 1);
    }
    consents
}

#[test]
fn a_purpose_reads_back_from_its_name() {
    for code in [
        "email.offers",
        "sms.news",
        "post.offers",
        "display.offers",
        "profiling",
        "no_marketing",
    ] {
        assert_eq!(Purpose::from_code(code).unwrap().code(), code);
    }
    assert_eq!(Purpose::from_code("fax.offers"), Err(InvalidPurpose::Unknown));
    assert_eq!(
        Purpose::from_code("email."),
        Err(InvalidPurpose::Topic(InvalidId::Empty))
    );
}

#[test]
fn an_import_never_revives_what_the_person_refused() {
    let consents = fold(&[
        event(1, offers(), Act::Grant, Actor::Customer, 0),
        event(2, offers(), Act::Withdraw, Actor::Customer, 10),
        event(3, offers(), Act::Grant, Actor::Import, 20),
        event(4, offers(), Act::Grant, Actor::Brand, 30),
    ]);
    assert_eq!(consents.state(&offers(), later()), ConsentState::Withdrawn);
}

#[test]
fn the_person_alone_lifts_their_own_refusal() {
    let consents = fold(&[
        event(1, offers(), Act::Withdraw, Actor::Customer, 10),
        event(2, offers(), Act::Grant, Actor::Customer, 20),
    ]);
    assert_eq!(consents.state(&offers(), later()), ConsentState::Granted { record: 1 });
}

#[test]
fn at_equal_times_the_withdrawal_wins_whichever_came_first() {
    let grant = event(1, offers(), Act::Grant, Actor::Customer, 10);
    let withdrawal = event(2, offers(), Act::Withdraw, Actor::Customer, 10);
    for order in [[grant.clone(), withdrawal.clone()], [withdrawal, grant]] {
        assert_eq!(fold(&order).state(&offers(), later()), ConsentState::Withdrawn);
    }
}

#[test]
fn a_grant_ends_at_its_expiry_and_not_a_millisecond_later() {
    let mut grant = event(1, offers(), Act::Grant, Actor::Customer, 0);
    let end = Timestamp::from_second(1_700_001_000).unwrap();
    grant.expires_at = Some(end);
    let consents = fold(&[grant]);
    let before = Timestamp::from_millisecond(end.as_millisecond() - 1).unwrap();
    assert!(consents.state(&offers(), before).is_granted());
    assert_eq!(consents.state(&offers(), end), ConsentState::Expired);
}

#[test]
fn an_unconfirmed_request_is_pending_and_does_not_silence_a_yes() {
    let request = event(1, offers(), Act::Request, Actor::Customer, 10);
    assert_eq!(
        fold(std::slice::from_ref(&request)).state(&offers(), later()),
        ConsentState::Pending
    );
    let granted = fold(&[event(2, offers(), Act::Grant, Actor::Customer, 0), request.clone()]);
    assert!(granted.state(&offers(), later()).is_granted());
    let withdrawn = fold(&[event(3, offers(), Act::Withdraw, Actor::Customer, 0), request]);
    assert_eq!(withdrawn.state(&offers(), later()), ConsentState::Pending);
}

#[test]
fn nobody_else_lifts_the_objection_of_a_person() {
    let objection = Purpose::Objection(Objection::NoMarketing);
    let mut events = vec![event(1, objection.clone(), Act::Grant, Actor::Customer, 0)];
    for (id, actor) in (2..).zip([Actor::Brand, Actor::Import, Actor::System]) {
        events.push(event(id, objection.clone(), Act::Withdraw, actor, 10));
    }
    assert!(fold(&events).objects(Objection::NoMarketing, later()));
    events.push(event(5, objection, Act::Withdraw, Actor::Customer, 20));
    assert!(!fold(&events).objects(Objection::NoMarketing, later()));
}

#[test]
fn an_act_of_now_comes_after_all_that_is_on_record() {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    assert_eq!(Consents::default().time_of_act(&offers(), now), now);
    let held = event(1, offers(), Act::Grant, Actor::Brand, 4);
    let consents = fold(std::slice::from_ref(&held));
    let at = consents.time_of_act(&offers(), now);
    assert_eq!(at.as_millisecond(), held.effective_at.as_millisecond() + 1);
    assert_eq!(consents.time_of_act(&offers(), later()), later());
}

#[test]
fn only_the_persons_own_last_word_is_their_refusal() {
    let refused = |actor| fold(&[event(1, offers(), Act::Withdraw, actor, 0)]).refused_by_person(&offers());
    assert!(refused(Actor::Customer));
    assert!(!refused(Actor::Brand));
}

#[test]
fn an_objection_to_profiling_outranks_a_grant_of_it() {
    let profiling = Purpose::Data(DataPurpose::Profiling);
    let consents = fold(&[
        event(1, profiling, Act::Grant, Actor::Customer, 0),
        event(
            2,
            Purpose::Objection(Objection::NoProfiling),
            Act::Grant,
            Actor::Customer,
            5,
        ),
    ]);
    assert!(!consents.allows(DataPurpose::Profiling, later()));
}

fn events() -> impl Strategy<Value = Vec<ConsentEvent>> {
    let one = (
        0u16..12,
        prop::sample::select(vec!["email.offers", "email.news", "profiling", "no_marketing"]),
        prop::sample::select(Act::ALL.to_vec()),
        prop::sample::select(Actor::ALL.to_vec()),
        0i64..4,
    )
        .prop_map(|(id, purpose, act, actor, minute)| {
            // The id decides all else, as a real id does.
            let id = id * 100 + u16::from(act.byte()) * 20 + u16::try_from(minute).unwrap();
            event(id, Purpose::from_code(purpose).unwrap(), act, actor, minute)
        });
    prop::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn duplicated_and_reordered_events_fold_to_the_same_state(events in events(), seed in any::<u64>()) {
        let once = fold(&events);
        let mut shuffled = events.clone();
        shuffled.extend(events.iter().cloned());
        let length = shuffled.len().max(1);
        for position in 0..shuffled.len() {
            let other = usize::try_from((seed.rotate_left(u32::try_from(position).unwrap())) % u64::try_from(length).unwrap()).unwrap();
            shuffled.swap(position, other);
        }
        let again = fold(&shuffled);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn stored_consents_read_back(events in events()) {
        let consents = fold(&events);
        prop_assert_eq!(Consents::from_bytes(&consents.to_bytes()), Ok(consents));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(consents) = Consents::from_bytes(&bytes) {
            prop_assert_eq!(Consents::from_bytes(&consents.to_bytes()), Ok(consents));
        }
    }

    #[test]
    fn no_event_of_another_actor_makes_a_refusal_a_yes(events in events(), extra in events()) {
        let mut consents = fold(&events);
        let refused = [ConsentState::Withdrawn, ConsentState::Denied].contains(&consents.state(&offers(), later()))
            && consents.0.get(&offers()).and_then(|state| state.person).is_some_and(|person| person.rank.act.is_refusal());
        for event in extra.iter().filter(|event| event.actor != Actor::Customer) {
            consents.record(event, 2);
        }
        if refused {
            prop_assert!(!consents.state(&offers(), later()).is_granted());
        }
    }
}
