use apropos_core::attribute::Fact;
use apropos_core::brand::{Topic, TopicNumber};
use apropos_core::cap::{ContactRing, FrequencyCap, MOST_CONTACTS};
use apropos_core::category::Category;
use apropos_core::consent::{Act, Actor, DataPurpose, Evidence, LegalBasis, Purpose};
use apropos_core::context::{CurrentPlace, Home, Purchase};
use apropos_core::ids::{AttemptId, RunId, TopicId};
use apropos_core::language::Localized;
use apropos_core::place::Cell;
use apropos_core::quiet::QuietHours;
use apropos_core::relevance::Relevance;
use apropos_core::standing::{Claim, CustomerLimits};
use apropos_core::travel::Area;

use super::*;

/// DynamoDB's item size: the names and values in UTF-8 bytes; a number takes a byte for each two digits and one more
/// (rounded up here), a map or a list 3 bytes and 1 for each member (Developer Guide, "Item sizes and formats").
fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    let text = value.as_s().map(String::len);
    let bytes = value.as_b().map(|blob| blob.as_ref().len());
    let number = value.as_n().map(|number| number.len().div_ceil(2) + 1);
    let map = value.as_m().map(|members| 3 + members.len() + size(members));
    text.or(bytes).or(number).or(map).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn event(number: i64, purpose: &Purpose, act: Act, actor: Actor) -> ConsentEvent {
    ConsentEvent {
        id: EventId::new(format!("e{number}")).unwrap(),
        purpose: purpose.clone(),
        act,
        effective_at: Timestamp::from_second(1_700_000_000 + number).unwrap(),
        expires_at: None,
        legal_basis: LegalBasis::Consent,
        actor,
        evidence: Evidence {
            affirmative_action: "ticked_box".into(),
            method: "web_form".into(),
            notice: None,
            source: "/join".into(),
            double_opt_in_at: None,
            previous: None,
        },
    }
}

/// Five purposes, with an import, a request and the person's own word on each.
fn standing() -> Standing {
    let mut standing = Standing {
        version: 123_456,
        head: apropos_core::standing::LedgerHead { seq: 15, hash: [7; 32] },
        limits: CustomerLimits {
            cap: Some(FrequencyCap::new(2, 7).unwrap()),
            quiet: Some(QuietHours::BRAND_DEFAULT),
            threshold: Some(Relevance::new(6_000).unwrap()),
            ..CustomerLimits::default()
        },
        contacts: ContactRing::from_parts((1_799_000_000..).take(MOST_CONTACTS).collect(), Some(1_798_000_000)),
        ..Standing::default()
    };
    let purposes = [
        "email.offers",
        "email.news",
        "profiling",
        "home_location",
        "measurement",
    ];
    for (number, code) in (0..).zip(purposes) {
        let purpose = Purpose::from_code(code).unwrap();
        standing
            .consents
            .record(&event(number, &purpose, Act::Grant, Actor::Import), 1);
        standing
            .consents
            .record(&event(number, &purpose, Act::Request, Actor::Customer), 2);
        standing
            .consents
            .record(&event(number, &purpose, Act::Grant, Actor::Customer), 3);
    }
    standing
}

#[test]
fn the_standing_of_a_busy_customer_takes_one_write_unit() {
    let pk = crate::names::person(
        &BrandId::new("b".repeat(20)).unwrap(),
        &CustomerId::new("c".repeat(20)).unwrap(),
    );
    let mut item = standing::first_item(pk, &standing()).unwrap();
    let claims = ["spring-2027", "summer-2027"].map(|run| {
        let claim = Claim {
            attempt: AttemptId::new("a".repeat(22)).unwrap(),
            at: now(),
        };
        (RunId::new(run).unwrap(), claim)
    });
    let stored = claims.map(|(run, claim)| {
        let members = [
            (crate::names::ATTEMPT.to_owned(), s(claim.attempt.as_str())),
            (crate::names::AT.to_owned(), ms(claim.at)),
        ];
        (run.as_str().to_owned(), AttributeValue::M(members.into()))
    });
    item.insert(crate::names::CLAIMS.to_owned(), AttributeValue::M(stored.into()));
    assert!(size(&item) <= 1_024, "{} bytes", size(&item));
    assert_eq!(standing::read(&item).unwrap().consents, standing().consents);
}

/// A person about whom as much is known as the compact record can hold, who bought and likes so many categories.
fn audience_item(brand: &str, customer: &str, many: usize) -> Item {
    let mut context = CustomerContext {
        home: Some(Home {
            cell: Cell::at_degrees(48.8566, 2.3522).unwrap(),
            uncertainty_m: 0,
            area: Some(Area::DenseCity),
        }),
        current_place: Some(CurrentPlace {
            cell: Cell::at_degrees(45.764, 4.8357).unwrap(),
            until: now() + jiff::SignedDuration::from_hours(4),
        }),
        active_hours: vec![18; 24],
        interests: Category::all().take(many).collect(),
        purchases: Category::all()
            .take(many)
            .map(|category| Purchase {
                category,
                on: EpochDay::of(now()),
            })
            .collect(),
        ..CustomerContext::default()
    };
    for fact in Fact::ALL {
        context.facts.set(fact, Some(1)).ok();
    }
    let topics = (0..16)
        .map(|number| Topic {
            id: TopicId::new(format!("topic{number}")).unwrap(),
            number: TopicNumber::new(number).unwrap(),
            name: Localized {
                fr: "Sujet".into(),
                en: "Topic".into(),
            },
        })
        .collect();
    let topics = Topics::new(topics).unwrap();
    let mut standing = standing();
    for purpose in DataPurpose::ALL {
        let purpose = Purpose::Data(purpose);
        standing
            .consents
            .record(&event(9, &purpose, Act::Grant, Actor::Customer), 4);
    }
    let person = Person {
        brand: BrandId::new(brand).unwrap(),
        customer: CustomerId::new(customer).unwrap(),
        standing: Standing::default(),
        context: None,
        origins: Origins::default(),
        contact: None,
        link: None,
        audience_key: None,
        contact_is_broken: false,
        known_since: None,
        address: None,
        proof_key: None,
        recorded: HashMap::new(),
    };
    let record = derive(&context, 123, &standing, &topics, now());
    audience_record_item(&person, audience_key(&person, &context), &record)
}

#[test]
fn an_audience_item_of_eight_purchases_and_interests_stays_within_144_bytes() {
    let of = |id: usize, many: usize| size(&audience_item(&"b".repeat(id), &"c".repeat(id), many));
    // The figures that `audience_record_item` tells.
    assert_eq!([of(20, 8), of(64, 8)], [141, 229]);
    // Three bytes a purchase and one an interest, as many as a context may hold.
    assert_eq!([of(20, 64), of(64, 64)], [365, 453]);
}
