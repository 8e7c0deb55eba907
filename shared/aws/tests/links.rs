//! One-time links, turns, sign-ups and the index of addresses, over an embedded DynamoDB.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{Addressed, Confirms, Created, NewSecrets, OneTime, Tables, Turn, TurnLimit, Written};
use apropos_core::brand::Brand;
use apropos_core::consent::{Notice, Purpose};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::BrandDocument;
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId, RequestId};
use apropos_core::language::Language;
use apropos_core::link::{LinkId, LinkPurpose};
use apropos_core::sign_up::SignUp;
use apropos_core::suppression::{Pepper, SuppressionReason, TurnKey, address_hash};
use apropos_core::time::TimeZoneName;
use apropos_emulator::Emulator;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

fn request(id: &str) -> RequestId {
    RequestId::new(id).unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(&"p".repeat(32)).unwrap()
}

fn contact(address: &str) -> ContactPoint {
    ContactPoint {
        address: EmailAddress::parse(address).unwrap(),
        language: Language::French,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    }
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

async fn tables() -> Tables {
    let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
    tables
}

const ID: LinkId = LinkId::from_bytes([7; 16]);

async fn with_link(purpose: LinkPurpose) -> Tables {
    let tables = tables().await;
    tables
        .create_one_time(ID, purpose, &lumen(), &customer("c-1"), Confirms::Nothing, now())
        .await
        .unwrap();
    tables
}

#[tokio::test]
async fn a_one_time_link_is_looked_at_often_and_used_once() {
    let tables = with_link(LinkPurpose::Access).await;
    for _ in 0..3 {
        let seen = tables
            .one_time(ID, LinkPurpose::Access, &lumen(), after(1))
            .await
            .unwrap();
        assert!(matches!(seen, OneTime::Open(link) if link.customer == customer("c-1")));
    }
    let first = tables
        .consume_one_time(ID, LinkPurpose::Access, &lumen(), after(2))
        .await
        .unwrap();
    assert!(matches!(first, OneTime::Open(link) if link.customer == customer("c-1")));
    let second = tables
        .consume_one_time(ID, LinkPurpose::Access, &lumen(), after(3))
        .await
        .unwrap();
    assert!(matches!(second, OneTime::Used(_)));
    let seen = tables
        .one_time(ID, LinkPurpose::Access, &lumen(), after(3))
        .await
        .unwrap();
    assert!(matches!(seen, OneTime::Used(_)));
}

#[tokio::test]
async fn of_many_who_use_it_at_once_one_wins() {
    let tables = with_link(LinkPurpose::Erase).await;
    let brand = lumen();
    let consume = || tables.consume_one_time(ID, LinkPurpose::Erase, &brand, after(1));
    let answers = tokio::join!(consume(), consume(), consume(), consume());
    let won = [answers.0, answers.1, answers.2, answers.3]
        .into_iter()
        .filter(|answer| matches!(answer, Ok(OneTime::Open(_))))
        .count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_link_ends_after_a_quarter_of_an_hour_and_a_confirmation_after_a_week() {
    for (purpose, minutes) in [
        (LinkPurpose::Access, 15),
        (LinkPurpose::Correct, 15),
        (LinkPurpose::Erase, 15),
        (LinkPurpose::Confirm, 7 * 24 * 60),
    ] {
        let tables = with_link(purpose).await;
        let just_before = after(minutes) - SignedDuration::from_millis(1);
        let seen = tables.one_time(ID, purpose, &lumen(), just_before).await.unwrap();
        assert!(matches!(seen, OneTime::Open(_)), "{purpose:?}");
        let at = after(minutes);
        assert_eq!(
            tables.one_time(ID, purpose, &lumen(), at).await.unwrap(),
            OneTime::Expired
        );
        assert_eq!(
            tables.consume_one_time(ID, purpose, &lumen(), at).await.unwrap(),
            OneTime::Expired
        );
        let used = tables
            .consume_one_time(ID, purpose, &lumen(), just_before)
            .await
            .unwrap();
        assert!(matches!(used, OneTime::Open(_)), "{purpose:?}");
    }
}

#[tokio::test]
async fn a_link_of_another_purpose_or_brand_is_unknown_and_stays_unused() {
    let tables = with_link(LinkPurpose::Access).await;
    let velo = BrandId::new("velo").unwrap();
    for (purpose, brand) in [(LinkPurpose::Erase, lumen()), (LinkPurpose::Access, velo)] {
        let seen = tables.one_time(ID, purpose, &brand, now()).await.unwrap();
        assert_eq!(seen, OneTime::Unknown);
        let used = tables.consume_one_time(ID, purpose, &brand, now()).await.unwrap();
        assert_eq!(used, OneTime::Unknown);
    }
    let other = LinkId::from_bytes([8; 16]);
    let used = tables
        .consume_one_time(other, LinkPurpose::Access, &lumen(), now())
        .await
        .unwrap();
    assert_eq!(used, OneTime::Unknown);
    // Nor is it a permanent reference, which needs no purpose to resolve.
    assert_eq!(tables.link(ID).await.unwrap(), None);
    let used = tables
        .consume_one_time(ID, LinkPurpose::Access, &lumen(), now())
        .await
        .unwrap();
    assert!(matches!(used, OneTime::Open(_)));
}

const THREE_AN_HOUR: TurnLimit = TurnLimit {
    most: 3,
    window: SignedDuration::from_hours(1),
};

#[tokio::test]
async fn turns_run_out_and_come_back_after_the_window() {
    let tables = tables().await;
    let key = TurnKey::new(&pepper(), &lumen(), "source", b"192.0.2.7");
    let mut turns = Vec::new();
    for minute in [0, 1, 2, 3, 59, 60, 61, 62, 63] {
        turns.push(
            tables
                .take_turn(&key, THREE_AN_HOUR, None, after(minute))
                .await
                .unwrap(),
        );
    }
    use Turn::{None as No, Taken};
    assert_eq!(turns, [Taken, Taken, Taken, No, No, Taken, Taken, Taken, No]);
    let other = TurnKey::new(&pepper(), &lumen(), "source", b"192.0.2.8");
    assert_eq!(
        tables.take_turn(&other, THREE_AN_HOUR, None, after(3)).await.unwrap(),
        Taken
    );
}

#[tokio::test]
async fn of_many_turns_at_once_no_more_are_taken_than_there_are() {
    let tables = tables().await;
    let key = TurnKey::new(&pepper(), &lumen(), "source", b"192.0.2.7");
    let take = || tables.take_turn(&key, THREE_AN_HOUR, None, now());
    let (a, b, c, d, e, f) = tokio::join!(take(), take(), take(), take(), take(), take());
    let taken = [a, b, c, d, e, f]
        .into_iter()
        .filter(|turn| matches!(turn, Ok(Turn::Taken)))
        .count();
    assert_eq!(taken, 3);
}

fn sign_up(address: &str) -> SignUp {
    SignUp {
        customer: customer("c-new"),
        contact: contact(address),
        purposes: vec![
            Purpose::from_code("email.offers").unwrap(),
            Purpose::from_code("profiling").unwrap(),
        ],
        notice: Notice {
            id: "privacy".into(),
            version: "1".into(),
            hash: "ab".repeat(32),
            language: "fr".into(),
        },
        asked_at: now(),
    }
}

#[tokio::test]
async fn a_sign_up_reads_back_for_its_brand_until_it_ends() {
    let tables = tables().await;
    let kept = sign_up("camille@mail.example");
    let created = tables
        .keep_sign_up(&lumen(), &request("r1"), &kept, now())
        .await
        .unwrap();
    assert_eq!(created, Created::New);
    assert_eq!(
        tables.sign_up(&lumen(), &request("r1"), after(1)).await.unwrap(),
        Some(kept)
    );
    let velo = BrandId::new("velo").unwrap();
    assert_eq!(tables.sign_up(&velo, &request("r1"), after(1)).await.unwrap(), None);
    let long_after = after(8 * 24 * 60);
    assert_eq!(
        tables.sign_up(&lumen(), &request("r1"), long_after).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn every_sign_up_of_an_address_can_be_forgotten_whatever_window_it_was_counted_in() {
    let tables = tables().await;
    let hash = address_hash(&pepper(), &lumen(), &contact("camille@mail.example").address);
    let limit = TurnLimit {
        most: 2,
        window: SignedDuration::from_hours(7 * 24),
    };
    let moments = [("r1", after(0)), ("r2", after(9_000)), ("r3", after(10_100))];
    for (id, at) in moments {
        let turn = tables
            .take_turn(&TurnKey::of_address(hash), limit, Some(id), at)
            .await
            .unwrap();
        assert_eq!(turn, Turn::Taken, "{id}");
        tables
            .keep_sign_up(&lumen(), &request(id), &sign_up("camille@mail.example"), at)
            .await
            .unwrap();
    }
    tables.forget_sign_ups(hash).await.unwrap();
    for (id, at) in moments {
        assert_eq!(tables.sign_up(&lumen(), &request(id), at).await.unwrap(), None, "{id}");
    }
}

#[tokio::test]
async fn a_message_is_claimed_once_and_again_only_when_it_was_given_back() {
    let tables = tables().await;
    let r1 = request("r1");
    let claim = || tables.claim_handing(&r1, now());
    assert_eq!(claim().await.unwrap(), Created::New);
    assert_eq!(claim().await.unwrap(), Created::Taken);
    tables.release_handing(&r1).await.unwrap();
    assert_eq!(claim().await.unwrap(), Created::New);
}

async fn store(tables: &Tables, id: &str, address: &str) {
    let person = tables.person(&lumen(), &customer(id)).await.unwrap();
    let contact = contact(address);
    let addressed = Addressed {
        contact: &contact,
        hash: address_hash(&pepper(), &lumen(), &contact.address),
    };
    let secrets = NewSecrets::random().unwrap();
    let context = CustomerContext::default();
    let written = tables
        .put_context(&person, &brand().topics, &context, Some(addressed), &secrets, now())
        .await
        .unwrap();
    assert_eq!(written, Written::Done);
}

async fn owner(tables: &Tables, address: &str) -> Option<String> {
    let address = EmailAddress::parse(address).unwrap();
    let hash = address_hash(&pepper(), &lumen(), &address);
    let person = tables.person_at(&lumen(), hash, &address).await.unwrap();
    person.map(|person| person.customer.to_string())
}

#[tokio::test]
async fn a_person_is_found_by_the_address_that_they_have_now() {
    let tables = tables().await;
    assert_eq!(owner(&tables, "camille@mail.example").await, None);
    store(&tables, "c-1", "camille@mail.example").await;
    assert_eq!(owner(&tables, "Camille@MAIL.example").await.as_deref(), Some("c-1"));
    store(&tables, "c-1", "camille@other.example").await;
    assert_eq!(owner(&tables, "camille@mail.example").await, None);
    assert_eq!(owner(&tables, "camille@other.example").await.as_deref(), Some("c-1"));
}

#[tokio::test]
async fn who_shares_an_address_and_takes_another_leaves_it_to_the_other() {
    let tables = tables().await;
    store(&tables, "c-1", "both@mail.example").await;
    store(&tables, "c-2", "both@mail.example").await;
    assert_eq!(owner(&tables, "both@mail.example").await.as_deref(), Some("c-2"));
    store(&tables, "c-1", "one@mail.example").await;
    assert_eq!(owner(&tables, "both@mail.example").await.as_deref(), Some("c-2"));
    assert_eq!(owner(&tables, "one@mail.example").await.as_deref(), Some("c-1"));
}

#[tokio::test]
async fn only_an_erasure_is_lifted() {
    let tables = tables().await;
    for (reason, is_lifted) in [
        (SuppressionReason::Erasure, true),
        (SuppressionReason::Complaint, false),
        (SuppressionReason::HardBounce, false),
    ] {
        let hash = address_hash(&pepper(), &lumen(), &contact("camille@mail.example").address);
        tables.suppress(&lumen(), &hash, reason).await.unwrap();
        tables.lift_erasure(&lumen(), hash).await.unwrap();
        let left = tables.suppressed_by_brand(&lumen(), &[hash]).await.unwrap();
        assert_eq!(left.is_empty(), is_lifted, "{reason:?}");
    }
}
