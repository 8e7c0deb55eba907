//! A brand and what is on record about a person, for tests.

use apropos_aws::{Person, Queue, TransactionalTask};
use apropos_core::brand::Brand;
use apropos_core::category::Category;
use apropos_core::consent::{Act, Actor, ConsentEvent, Consents, Evidence, LegalBasis, Purpose};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::BrandDocument;
use apropos_core::email::EmailAddress;
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::language::Language;
use apropos_core::link::{KeyRing, LinkContent, LinkId, LinkPurpose, sign};
use apropos_core::suppression::Pepper;
use apropos_core::time::TimeZoneName;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

pub(crate) fn brand_document() -> Value {
    json!({
        "id": "lumen",
        "name": "Atelier Lumière",
        "imprint": "Atelier Lumière, 12 rue des Arts, 69001 Lyon, France",
        "sender": "bonjour@lumen.example",
        "list_domain": "lists.lumen.example",
        "topics": [
            {"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}},
            {"id": "news", "number": 4, "name": {"fr": "Expositions à venir", "en": "Coming exhibitions"}}
        ],
        "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
    })
}

pub(crate) fn brand_from(document: Value) -> Brand {
    let document: BrandDocument = serde_json::from_value(document).unwrap();
    Brand::try_from(&document).unwrap()
}

pub(crate) fn brand() -> Brand {
    brand_from(brand_document())
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).unwrap()
}

pub(crate) fn pepper() -> Pepper {
    Pepper::new(&"p".repeat(32)).unwrap()
}

/// A queue that nobody answers for.
pub(crate) fn no_queue() -> Queue<TransactionalTask> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(apropos_aws::behavior())
        .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
        .endpoint_url("http://127.0.0.1:1")
        .http_client(apropos_aws::http_client())
        .build();
    let url = "http://127.0.0.1:1/000000000000/sends".to_owned();
    Queue::new(aws_sdk_sqs::Client::from_conf(config), url)
}

/// A link of the brand `lumen` about the topic numbered 0.
pub(crate) fn token(purpose: LinkPurpose) -> String {
    let content = LinkContent {
        id: LinkId::from_bytes([9; 16]),
        topic: 0,
        delivery: None,
    };
    sign(purpose, &brand().id, content, &ring())
        .unwrap()
        .as_str()
        .to_owned()
}

pub(crate) fn ids() -> [EventId; 2] {
    ["fresh-1", "fresh-2"].map(|id| EventId::new(id).unwrap())
}

/// Someone who can be reached and likes books, of whom nothing else is on record.
pub(crate) fn person() -> Person {
    Person::of(
        brand().id,
        CustomerId::new("c-4711").unwrap(),
        Some((
            CustomerContext {
                interests: vec![Category::from_slug("books").unwrap()],
                ..CustomerContext::default()
            },
            1,
        )),
        Some((
            ContactPoint {
                address: EmailAddress::parse("camille@mail.example").unwrap(),
                language: Language::French,
                time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
            },
            LinkId::from_bytes([9; 16]),
        )),
    )
}

/// The consents after events: purpose, act, actor, seconds from now.
pub(crate) fn fold(events: &[(&str, Act, Actor, i64)]) -> Consents {
    let mut consents = Consents::default();
    for (seq, (purpose, act, actor, seconds)) in (1..).zip(events) {
        let event = ConsentEvent {
            id: EventId::new(format!("e{seq}")).unwrap(),
            purpose: Purpose::from_code(purpose).unwrap(),
            act: *act,
            effective_at: now() + SignedDuration::from_secs(*seconds),
            expires_at: None,
            legal_basis: LegalBasis::Consent,
            actor: *actor,
            evidence: Evidence {
                affirmative_action: "ticked_box".into(),
                method: "web_form".into(),
                notice: Some(brand().notice),
                source: "/join".into(),
                double_opt_in_at: None,
                previous: None,
            },
        };
        consents.record(&event, seq);
    }
    consents
}
