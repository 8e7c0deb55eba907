//! One person's items over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{
    Addressed, Appended, DataLapse, EndedPlace, MOST_EVENTS_TOGETHER, NewSecrets, Person, Recorded, Table, Tables,
    Written, derive,
};
use apropos_core::audience::AudienceRecord;
use apropos_core::brand::Brand;
use apropos_core::consent::{ConsentEvent, Purpose};
use apropos_core::context::{ContactPoint, CurrentPlace, CustomerContext, Home};
use apropos_core::document::{BrandDocument, ConsentEventDocument};
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId, EventId, TopicId};
use apropos_core::language::Language;
use apropos_core::ledger::verify;
use apropos_core::origin::Source;
use apropos_core::place::Cell;
use apropos_core::retention::Retention;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash, global_address_hash};
use apropos_core::time::{EpochDay, TimeZoneName};
use apropos_emulator::Emulator;
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

type Events = Vec<(ConsentEvent, ConsentEventDocument)>;

fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

fn camille() -> CustomerId {
    CustomerId::new("c-4711").unwrap()
}

fn paris() -> Cell {
    Cell::at_degrees(48.8566, 2.3522).unwrap()
}

fn lyon() -> Cell {
    Cell::at_degrees(45.7640, 4.8357).unwrap()
}

fn brand() -> Brand {
    let document: BrandDocument = serde_json::from_value(json!({
        "id": "lumen", "name": "Lumen", "imprint": "Lumen SAS, Lyon", "sender": "bonjour@lumen.example",
        "list_domain": "lumen.example",
        "topics": [{"id": "offers", "number": 3, "name": {"fr": "Offres", "en": "Offers"}}],
        "notice": {"id": "privacy", "version": "1", "hash": "ab".repeat(32), "language": "fr"}
    }))
    .unwrap();
    Brand::try_from(&document).unwrap()
}

fn event(id: &str, act: &str, at: &str) -> (ConsentEvent, ConsentEventDocument) {
    let document: ConsentEventDocument = serde_json::from_value(json!({
        "event": id, "purpose": "email.offers", "act": act, "actor": "customer", "effective_at": at,
        "evidence": {
            "affirmative_action": "ticked_box", "method": "web_form", "source": "/join",
            "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
        }
    }))
    .unwrap();
    (ConsentEvent::try_from(&document).unwrap(), document)
}

fn grant(id: &str) -> (ConsentEvent, ConsentEventDocument) {
    event(id, "grant", "2026-11-01T10:00:00Z")
}

fn living_in(cell: Cell) -> CustomerContext {
    CustomerContext {
        home: Some(Home {
            cell,
            uncertainty_m: 0,
            area: None,
        }),
        ..CustomerContext::default()
    }
}

fn pepper() -> Pepper {
    Pepper::new(&"p".repeat(32)).unwrap()
}

fn contact() -> ContactPoint {
    ContactPoint {
        address: EmailAddress::parse("camille@mail.example").unwrap(),
        language: Language::French,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    }
}

struct Store {
    tables: Tables,
    client: Client,
    brand: Brand,
}

impl Store {
    async fn start() -> Self {
        let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
        Self {
            tables,
            client,
            brand: brand(),
        }
    }

    /// The person, read with the events that are about to be recorded.
    async fn read(&self, events: &Events) -> Person {
        let ids: Vec<EventId> = events.iter().map(|(event, _)| event.id.clone()).collect();
        let mut people = self.tables.people(&self.brand.id, &[(camille(), ids)]).await.unwrap();
        people.pop().unwrap()
    }

    async fn record_over(&self, person: &Person, events: &Events) -> Appended {
        let secrets = NewSecrets::random().unwrap();
        self.tables
            .record_consents(person, &self.brand.topics, events, &secrets, now())
            .await
            .unwrap()
    }

    async fn record(&self, events: &Events) -> Vec<Recorded> {
        match self.record_over(&self.read(events).await, events).await {
            Appended::Done(recorded) => recorded,
            Appended::Stale => panic!("nobody else wrote"),
        }
    }

    async fn put_over(&self, person: &Person, context: &CustomerContext) -> Written {
        let secrets = NewSecrets::random().unwrap();
        let contact = contact();
        let addressed = Addressed {
            contact: &contact,
            hash: address_hash(&pepper(), &self.brand.id, &contact.address),
        };
        self.tables
            .put_context(person, &self.brand.topics, context, Some(addressed), &secrets, now())
            .await
            .unwrap()
    }

    async fn put(&self, context: &CustomerContext) {
        assert_eq!(
            self.put_over(&self.read(&Vec::new()).await, context).await,
            Written::Done
        );
    }

    /// The audience's records of a cell.
    async fn audience(&self, cell: Cell) -> Vec<(CustomerId, AudienceRecord)> {
        let cell = cell.parent5().to_string();
        let page = self
            .tables
            .audience_page(&self.brand.id, &cell, None, 100)
            .await
            .unwrap();
        page.people
    }

    async fn hints_at(&self, cell: Cell) -> bool {
        let people = self.audience(cell).await;
        assert_eq!(people.len(), 1);
        let offers = TopicId::new("offers").unwrap();
        people
            .iter()
            .all(|(_, record)| record.hint.agrees_to(&self.brand.topics, &offers).is_ok())
    }

    async fn verify_ledger(&self) -> usize {
        let entries: Vec<_> = self.tables.ledger(&self.brand.id, &camille()).await.unwrap();
        let head = self.read(&Vec::new()).await.standing.head;
        let chain: Vec<_> = entries.iter().map(|(entry, _)| entry.clone()).collect();
        assert_eq!(verify(&chain, head), Ok(()));
        assert!(entries.iter().all(|(_, document)| document.is_some()));
        chain.len()
    }
}

fn places(recorded: &[Recorded]) -> Vec<(u32, &'static str, bool)> {
    recorded
        .iter()
        .map(|recorded| (recorded.seq, recorded.state, recorded.duplicate))
        .collect()
}

#[tokio::test]
async fn two_who_record_a_lapse_at_once_record_it_once() {
    let mut store = Store::start().await;
    store.put(&CustomerContext::default()).await;
    store.record(&vec![grant("e1")]).await;
    store.brand.retention = Retention::from_days(30).unwrap();
    let later = now() + SignedDuration::from_hours(24 * 90);
    let camille = camille();
    let (one, other) = tokio::join!(
        store.tables.expire(&store.brand, &camille, later),
        store.tables.expire(&store.brand, &camille, later),
    );
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert_eq!(store.tables.expire(&store.brand, &camille, later).await.unwrap(), 0);
    let ledger = store.tables.ledger(&store.brand.id, &camille).await.unwrap();
    let entries: Vec<_> = ledger.iter().map(|(entry, _)| entry.clone()).collect();
    let person = store.tables.person(&store.brand.id, &camille).await.unwrap();
    verify(&entries, person.standing.head).unwrap();
    let acts: Vec<_> = ledger.into_iter().filter_map(|(_, event)| Some(event?.act)).collect();
    assert_eq!(acts, ["grant", "expire"]);
}

#[tokio::test]
async fn more_yeses_than_one_transaction_takes_all_lapse() {
    let mut store = Store::start().await;
    store.put(&CustomerContext::default()).await;
    let yeses: Events = (0..MOST_EVENTS_TOGETHER + 5)
        .map(|number| {
            let (event, mut document) = grant(&format!("e{number}"));
            document.purpose = format!("sms.topic{number}");
            let purpose = Purpose::from_code(&document.purpose).unwrap();
            (ConsentEvent { purpose, ..event }, document)
        })
        .collect();
    for together in yeses.chunks(MOST_EVENTS_TOGETHER) {
        store.record(&together.to_vec()).await;
    }
    store.brand.retention = Retention::from_days(30).unwrap();
    let later = now() + SignedDuration::from_hours(24 * 90);
    let ended = store.tables.expire(&store.brand, &camille(), later).await.unwrap();
    assert_eq!(ended, MOST_EVENTS_TOGETHER + 5);
    let person = store.tables.person(&store.brand.id, &camille()).await.unwrap();
    assert_eq!(person.standing.consents.yeses(later).count(), 0);
}

/// A store where camille said no in November and was not heard of since, and a time when her data has lapsed.
async fn unheard_of() -> (Store, Timestamp) {
    let mut store = Store::start().await;
    store.put(&living_in(paris())).await;
    store
        .record(&vec![event("e1", "withdraw", "2026-11-01T10:00:00Z")])
        .await;
    store.brand.retention = Retention::from_days(30).unwrap();
    (store, now() + SignedDuration::from_hours(24 * 90))
}

#[tokio::test]
async fn whoever_read_the_person_before_their_data_lapsed_writes_nothing_over_it() {
    let (store, later) = unheard_of().await;
    let more = vec![event("e2", "withdraw", "2026-11-02T10:00:00Z")];
    let read = store.read(&more).await;
    let lapse = || store.tables.lapse_data(&store.brand, &read.customer, later);
    assert_eq!(lapse().await.unwrap(), DataLapse::Gone);
    assert_eq!(store.put_over(&read, &living_in(lyon())).await, Written::Stale);
    assert_eq!(store.record_over(&read, &more).await, Appended::Stale);
    assert_eq!(lapse().await.unwrap(), DataLapse::Kept, "there is nothing left to take");
    assert!(store.audience(paris()).await.is_empty() && store.audience(lyon()).await.is_empty());
    let left = store.read(&more).await;
    assert!(left.is_forgotten() && !left.is_erased() && !left.has_broken_contact());
    assert!(left.standing.version > read.standing.version);
    assert_eq!(left.standing.consents, read.standing.consents);
    // Nothing finds them by the address; the link does, and is theirs again when they come back.
    let hash = address_hash(&pepper(), &store.brand.id, &contact().address);
    let found = store.tables.person_at(&store.brand.id, hash, &contact().address).await;
    assert!(found.unwrap().is_none());
    let (_, link) = read.contact.unwrap();
    assert_eq!(store.put_over(&left, &living_in(lyon())).await, Written::Done);
    assert_eq!(store.read(&more).await.contact.map(|(_, link)| link), Some(link));
}

#[tokio::test]
async fn a_sign_that_is_told_while_the_data_lapses_is_never_lost() {
    let (mut gone, mut kept) = (0, 0);
    for turns in 0..24 {
        let (store, later) = unheard_of().await;
        let bought = CustomerContext {
            last_activity: Some(EpochDay::of(later)),
            ..living_in(lyon())
        };
        let told = async {
            for _ in 0..turns * 8 {
                tokio::task::yield_now().await;
            }
            while store.put_over(&store.read(&Vec::new()).await, &bought).await == Written::Stale {}
        };
        let camille = camille();
        let (lapsed, ()) = tokio::join!(store.tables.lapse_data(&store.brand, &camille, later), told);
        match lapsed.unwrap() {
            DataLapse::Gone => gone += 1,
            DataLapse::Kept => kept += 1,
        }
        let person = store.read(&Vec::new()).await;
        assert_eq!(
            person.context.map(|(context, _)| context.last_activity),
            Some(bought.last_activity)
        );
        assert!(person.contact.is_some());
        assert_eq!(
            (store.audience(paris()).await.len(), store.audience(lyon()).await.len()),
            (0, 1)
        );
        let texts = store.tables.ledger_texts(&store.brand.id, &camille).await.unwrap();
        let chain: Vec<_> = texts.into_iter().map(|(entry, _)| entry).collect();
        verify(&chain, person.standing.head).unwrap();
    }
    assert_eq!(gone + kept, 24);
}

#[tokio::test]
async fn what_a_person_said_of_themselves_keeps_their_data_and_what_a_brand_says_does_not() {
    for (source, wanted) in [
        (Source::Brand, DataLapse::Gone),
        (Source::Person, DataLapse::Kept),
        (Source::Observed, DataLapse::Kept),
    ] {
        let (store, later) = unheard_of().await;
        let recently = later - SignedDuration::from_hours(24 * 20);
        let person = store.read(&Vec::new()).await;
        let secrets = NewSecrets::random().unwrap();
        let told = (source, &living_in(lyon()));
        let written = store
            .tables
            .put_context_from(&person, &store.brand.topics, told, None, &secrets, recently)
            .await;
        assert_eq!(written.unwrap(), Written::Done);
        let lapsed = store.tables.lapse_data(&store.brand, &camille(), later).await;
        assert_eq!(lapsed.unwrap(), wanted, "{source:?}");
    }
}

#[tokio::test]
async fn events_are_chained_and_each_answers_its_place_and_state() {
    let store = Store::start().await;
    let events = vec![grant("e1"), event("e2", "withdraw", "2026-11-02T10:00:00Z")];
    let recorded = store.record(&events).await;
    assert_eq!(places(&recorded), [(1, "granted", false), (2, "withdrawn", false)]);
    store.record(&vec![event("e3", "grant", "2026-11-03T10:00:00Z")]).await;
    assert_eq!(store.verify_ledger().await, 3);
}

#[tokio::test]
async fn a_repeated_event_answers_as_the_first_did_and_writes_nothing() {
    let store = Store::start().await;
    store.record(&vec![grant("e1")]).await;
    store
        .record(&vec![event("e2", "withdraw", "2026-11-02T10:00:00Z")])
        .await;
    let before = store.read(&Vec::new()).await.standing;
    let again = store.record(&vec![grant("e1")]).await;
    assert_eq!(places(&again), [(1, "granted", true)]);
    assert_eq!(store.read(&Vec::new()).await.standing, before);
    assert_eq!(store.verify_ledger().await, 2);
}

#[tokio::test]
async fn an_event_repeated_within_a_transaction_is_recorded_once() {
    let store = Store::start().await;
    let recorded = store.record(&vec![grant("e1"), grant("e2"), grant("e1")]).await;
    assert_eq!(
        places(&recorded),
        [(1, "granted", false), (2, "granted", false), (1, "granted", true)]
    );
    assert_eq!(store.verify_ledger().await, 2);
}

#[tokio::test]
async fn the_most_events_of_a_transaction_fit_in_one() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    let events: Events = (0..MOST_EVENTS_TOGETHER)
        .map(|number| grant(&format!("e{number}")))
        .collect();
    assert_eq!(store.record(&events).await.len(), MOST_EVENTS_TOGETHER);
    assert_eq!(store.verify_ledger().await, MOST_EVENTS_TOGETHER);
    assert!(store.hints_at(paris()).await);
}

#[tokio::test]
async fn of_two_racing_writers_the_second_is_stale_and_nothing_is_lost() {
    let store = Store::start().await;
    let (first, second) = (vec![grant("e1")], vec![event("e2", "withdraw", "2026-11-02T10:00:00Z")]);
    // Both read the person before either has written, on a first write and on a later one.
    for (one, other) in [(&first, &second), (&vec![grant("e3")], &vec![grant("e4")])] {
        let (read_by_one, read_by_other) = (store.read(one).await, store.read(other).await);
        assert!(matches!(store.record_over(&read_by_one, one).await, Appended::Done(_)));
        assert_eq!(store.record_over(&read_by_other, other).await, Appended::Stale);
        store.record(other).await;
    }
    assert_eq!(store.verify_ledger().await, 4);
    let consents = store.read(&Vec::new()).await.standing.consents;
    assert_eq!(
        consents.email(&TopicId::new("offers").unwrap(), now()).code(),
        "withdrawn"
    );
}

#[tokio::test]
async fn a_context_and_a_consent_that_race_keep_both() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    let events = vec![grant("e1")];
    let (by_context, by_consent) = (store.read(&Vec::new()).await, store.read(&events).await);
    assert_eq!(store.put_over(&by_context, &living_in(lyon())).await, Written::Done);
    assert_eq!(store.record_over(&by_consent, &events).await, Appended::Stale);
    store.record(&events).await;
    assert!(store.audience(paris()).await.is_empty());
    assert!(store.hints_at(lyon()).await);
}

#[tokio::test]
async fn a_withdrawal_moves_the_audiences_hint_with_it() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    assert!(!store.hints_at(paris()).await);
    store.record(&vec![grant("e1")]).await;
    assert!(store.hints_at(paris()).await);
    store
        .record(&vec![event("e2", "withdraw", "2026-11-02T10:00:00Z")])
        .await;
    assert!(!store.hints_at(paris()).await);
}

#[tokio::test]
async fn a_consent_given_before_the_context_is_known_is_in_the_audience_once_it_is() {
    let store = Store::start().await;
    store.record(&vec![grant("e1")]).await;
    assert!(store.audience(paris()).await.is_empty());
    store.put(&living_in(paris())).await;
    assert!(store.hints_at(paris()).await);
}

#[tokio::test]
async fn moving_house_takes_the_person_out_of_the_old_cell() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    assert_eq!(store.audience(paris()).await.len(), 1);
    store.put(&living_in(lyon())).await;
    assert!(store.audience(paris()).await.is_empty());
    assert_eq!(store.audience(lyon()).await.len(), 1);
    let nowhere = CustomerContext::default();
    store.put(&nowhere).await;
    assert!(store.audience(lyon()).await.is_empty());
    let person = store.read(&Vec::new()).await;
    assert_eq!(person.audience_cell(), Some(Tables::nowhere()));
}

#[tokio::test]
async fn an_unchanged_context_keeps_its_version_and_a_changed_one_raises_it() {
    let store = Store::start().await;
    let version = async || store.read(&Vec::new()).await.context.unwrap().1;
    store.put(&living_in(paris())).await;
    let link = store.read(&Vec::new()).await.contact.unwrap().1;
    store.put(&living_in(paris())).await;
    assert_eq!(version().await, 1);
    store.put(&living_in(lyon())).await;
    assert_eq!(version().await, 2);
    let person = store.read(&Vec::new()).await;
    assert_eq!(person.contact.as_ref().unwrap().1, link);
    assert_eq!(
        store.tables.link(link).await.unwrap(),
        Some((store.brand.id.clone(), camille()))
    );
    // The audience holds exactly what is derived from the stored facts, and for whoever was never heard of since when.
    let (context, version) = person.context.unwrap();
    let mut derived = derive(&context, version, &person.standing, &store.brand.topics, now());
    assert_eq!(derived.heard_on, None);
    derived.heard_on = Some(EpochDay::of(now()));
    assert_eq!(store.audience(lyon()).await, [(camille(), derived)]);
}

#[tokio::test]
async fn people_and_events_asked_about_twice_are_read_once() {
    let store = Store::start().await;
    store.record(&vec![grant("e1")]).await;
    let e1 = EventId::new("e1").unwrap();
    let wanted = [
        (camille(), vec![e1.clone(), e1.clone()]),
        (CustomerId::new("nobody").unwrap(), Vec::new()),
        (camille(), Vec::new()),
    ];
    let people = store.tables.people(&store.brand.id, &wanted).await.unwrap();
    let versions: Vec<u64> = people.iter().map(|person| person.standing.version).collect();
    assert_eq!(versions, [1, 0, 1]);
    assert_eq!(people[0].recorded(&e1), Some(1));
}

#[tokio::test]
async fn another_brands_person_of_the_same_id_is_another_person() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    let other = BrandId::new("velo").unwrap();
    let person = store.tables.person(&other, &camille()).await.unwrap();
    assert!(person.context.is_none() && person.contact.is_none() && person.standing.version == 0);
}

#[tokio::test]
async fn a_brand_is_told_of_its_own_suppressions_only() {
    let store = Store::start().await;
    let pepper = Pepper::new(&"p".repeat(32)).unwrap();
    let other = BrandId::new("velo").unwrap();
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let erased = address_hash(&pepper, &store.brand.id, &address("a@mail.example"));
    let of_other = address_hash(&pepper, &other, &address("b@mail.example"));
    let bounced = address("c@mail.example");
    store
        .tables
        .suppress(&store.brand.id, &erased, SuppressionReason::Erasure)
        .await
        .unwrap();
    store
        .tables
        .suppress(&other, &of_other, SuppressionReason::Complaint)
        .await
        .unwrap();
    store
        .tables
        .mark_undeliverable(&global_address_hash(&pepper, &bounced))
        .await
        .unwrap();
    let asked = [
        erased,
        erased,
        address_hash(&pepper, &store.brand.id, &address("b@mail.example")),
        address_hash(&pepper, &store.brand.id, &bounced),
    ];
    let found = store.tables.suppressed_by_brand(&store.brand.id, &asked).await.unwrap();
    assert_eq!(found, [(erased, SuppressionReason::Erasure)].into());
}

#[tokio::test]
async fn a_persons_home_is_stored_as_a_cell_only() {
    let store = Store::start().await;
    store.put(&living_in(paris())).await;
    let stored = store
        .client
        .scan()
        .table_name(store.tables.name(Table::Customers))
        .send()
        .await
        .unwrap();
    let stored = format!("{:?}", stored.items());
    assert!(stored.contains(&paris().to_hex()));
    assert!(!stored.contains("48.8") && !stored.contains("camille@"));
}

/// Somebody who lives in Paris and is in Lyon until then.
fn visiting(until: Timestamp) -> CustomerContext {
    CustomerContext {
        current_place: Some(CurrentPlace { cell: lyon(), until }),
        ..living_in(paris())
    }
}

#[tokio::test]
async fn a_place_that_has_ended_is_forgotten_once_and_one_that_lasts_is_not() {
    let store = Store::start().await;
    let ends = now() + SignedDuration::from_mins(90);
    store.put(&visiting(ends)).await;
    let read = store.read(&Vec::new()).await;
    // The audience's record tells of whole hours, and ends half an hour before.
    for at in [
        ends - SignedDuration::from_secs(1),
        ends - SignedDuration::from_mins(20),
    ] {
        let forgotten = store.tables.forget_ended_place(&store.brand, &camille(), at).await;
        assert_eq!(forgotten.unwrap(), EndedPlace::NotHeld);
    }
    assert_eq!(store.read(&Vec::new()).await.standing.version, read.standing.version);
    for wanted in [EndedPlace::Forgotten, EndedPlace::NotHeld] {
        let forgotten = store.tables.forget_ended_place(&store.brand, &camille(), ends).await;
        assert_eq!(forgotten.unwrap(), wanted);
    }
    let (context, version) = store.read(&Vec::new()).await.context.unwrap();
    assert!(context == living_in(paris()) && version == 2);
    let people = store.audience(paris()).await;
    assert!(people.iter().all(|(_, record)| record.current_place.is_none()));
    // Whoever read the person before writes nothing over it.
    assert_eq!(store.put_over(&read, &visiting(ends)).await, Written::Stale);
}

#[tokio::test]
async fn a_place_that_is_told_while_the_former_is_forgotten_is_never_lost() {
    let ends = now() + SignedDuration::from_hours(1);
    let (mut forgotten, mut not_held) = (0, 0);
    for turns in 0..24 {
        let store = Store::start().await;
        store.put(&visiting(ends)).await;
        let again = visiting(ends + SignedDuration::from_hours(3));
        let told = async {
            for _ in 0..turns * 8 {
                tokio::task::yield_now().await;
            }
            while store.put_over(&store.read(&Vec::new()).await, &again).await == Written::Stale {}
        };
        let camille = camille();
        let (ended, ()) = tokio::join!(store.tables.forget_ended_place(&store.brand, &camille, ends), told);
        match ended.unwrap() {
            EndedPlace::Forgotten => forgotten += 1,
            EndedPlace::NotHeld => not_held += 1,
        }
        let held = store.read(&Vec::new()).await.context.unwrap().0;
        assert!(held == again);
        let people = store.audience(paris()).await;
        assert!(people.iter().all(|(_, record)| record.current_place.is_some()));
    }
    assert_eq!(forgotten + not_held, 24);
}
