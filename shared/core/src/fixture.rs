//! A brand, an offer, a campaign, a run and one person, for the tests of several modules. The documents can be changed
//! before they are read, so that a test says only what it is about.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audience::{AudienceRecord, ConsentHint, Habits};
use crate::brand::Brand;
use crate::campaign::{Campaign, Run, RunStatus};
use crate::category::Category;
use crate::consent::{Act, Actor, ConsentEvent, Consents, Evidence, LegalBasis, Purpose};
use crate::context::{ContactPoint, CustomerContext, Home, Purchase};
use crate::decision::{Approval, Decision, Fresh, Proposal, Reachable, decide};
use crate::document::{BrandDocument, CampaignDocument, FieldError, OfferDocument};
use crate::email::EmailAddress;
use crate::ids::{AttemptId, CustomerId, EventId, RunId};
use crate::language::Language;
use crate::link::{KeyRing, LinkId};
use crate::offer::Offer;
use crate::place::Cell;
use crate::standing::Standing;
use crate::time::{EpochDay, TimeZoneName};

/// The one person's id.
pub(crate) const CUSTOMER: &str = "c-4711";

/// A Tuesday, 10:00 in Paris: no quiet hours.
pub(crate) fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

pub(crate) fn brand_document() -> Value {
    json!({
        "id": "lumen",
        "name": "Atelier Lumière",
        "imprint": "Atelier Lumière, 12 rue des Arts, 69001 Lyon, France",
        "sender": "bonjour@lumen.example",
        "reply_to": "atelier@lumen.example",
        "list_domain": "lists.lumen.example",
        "topics": [
            {"id": "exhibitions", "number": 3, "name": {"fr": "Expositions", "en": "Exhibitions"}},
            {"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}
        ],
        "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
    })
}

pub(crate) fn brand_from(document: &Value) -> Result<Brand, FieldError> {
    let document: BrandDocument = serde_json::from_value(document.clone()).unwrap();
    Brand::try_from(&document)
}

pub(crate) fn brand() -> Brand {
    brand_from(&brand_document()).unwrap()
}

pub(crate) const WEEK: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

pub(crate) fn because() -> Value {
    json!({"fr": "parce que", "en": "because"})
}

pub(crate) fn uses(attributes: &[&str]) -> Value {
    attributes
        .iter()
        .map(|attribute| json!({"attribute": attribute, "because": because()}))
        .collect()
}

pub(crate) fn offer_document() -> Value {
    json!({
        "id": "skip-the-line",
        "title": {"fr": "Coupe-file pour « Lumières »", "en": "Skip the line at “Lumières”"},
        "text": {
            "fr": "Entrez sans attendre : un billet daté, valable à l’heure de votre choix.",
            "en": "Walk straight in: a dated ticket, valid at the hour you choose."
        },
        "link": "https://lumen.example/lumieres",
        "category": "exhibition-tickets",
        "places": [{
            "id": "musee", "name": "Musée des Confluences, Lyon",
            "latitude": 45.7331, "longitude": 4.8181, "radius_m": 30_000
        }],
        "uses": [
            {"attribute": "home", "because": {"fr": "Il faut être près.", "en": "It must be near."}},
            {"attribute": "interests", "because": {"fr": "Vos goûts.", "en": "What you like."}}
        ],
        "window": {"from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}
    })
}

/// The offer with these fields changed.
pub(crate) fn offer_with(changes: &[(&str, Value)]) -> Offer {
    let mut document = offer_document();
    for (field, value) in changes {
        document[*field] = value.clone();
    }
    offer_from(&document).unwrap()
}

pub(crate) fn offer_from(document: &Value) -> Result<Offer, FieldError> {
    let document: OfferDocument = serde_json::from_value(document.clone()).unwrap();
    document.store(1)?.parse()
}

pub(crate) fn offer() -> Offer {
    offer_from(&offer_document()).unwrap()
}

pub(crate) fn campaign() -> Campaign {
    let document: CampaignDocument = serde_json::from_value(json!({
        "id": "lumieres-novembre", "offer": "skip-the-line", "topic": "exhibitions", "goal": "inform"
    }))
    .unwrap();
    document.parse(1).unwrap()
}

pub(crate) fn run(brand: &Brand) -> Run {
    Run {
        brand: brand.id.clone(),
        campaign: campaign().id,
        id: RunId::new("r1").unwrap(),
        launched_at: now(),
        status: RunStatus::Running,
        tasks: 1,
        key: [5; 16],
    }
}

pub(crate) fn contact(language: Language) -> ContactPoint {
    ContactPoint {
        address: EmailAddress::parse("camille.martin@mail.example").unwrap(),
        language,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    }
}

pub(crate) fn link_id() -> LinkId {
    LinkId::from_bytes([9; 16])
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).unwrap()
}

/// Yes to exhibitions by e-mail, to scoring and to the home, long ago.
pub(crate) fn standing() -> Standing {
    let mut consents = Consents::default();
    for (seq, code) in (1..).zip(["email.exhibitions", "profiling", "home_location"]) {
        let event = ConsentEvent {
            id: EventId::new(format!("e{seq}")).unwrap(),
            purpose: Purpose::from_code(code).unwrap(),
            act: Act::Grant,
            effective_at: Timestamp::from_second(1_700_000_000).unwrap(),
            expires_at: None,
            legal_basis: LegalBasis::Consent,
            actor: Actor::Customer,
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
    Standing {
        version: 7,
        consents,
        ..Standing::default()
    }
}

/// Lives in Lyon, likes exhibitions, bought running shoes.
pub(crate) fn context() -> CustomerContext {
    CustomerContext {
        home: Some(Home {
            cell: Cell::at_degrees(45.76, 4.84).unwrap(),
            uncertainty_m: 0,
            area: None,
        }),
        interests: vec![Category::from_slug("exhibition-tickets").unwrap()],
        purchases: vec![Purchase {
            category: Category::from_slug("running-shoes").unwrap(),
            on: EpochDay::of(Timestamp::from_second(1_790_000_000).unwrap()),
        }],
        ..CustomerContext::default()
    }
}

pub(crate) fn record(brand: &Brand, standing: &Standing) -> AudienceRecord {
    let hint = ConsentHint::of(&standing.consents, &brand.topics, now());
    AudienceRecord::derive(&context(), 4, hint, Habits::default(), now())
}

/// The decision on the one person, which is a yes.
pub(crate) fn approval(brand: &Brand, offer: &Offer) -> Approval {
    let (campaign, run) = (campaign(), run(brand));
    let proposal = Proposal {
        brand,
        offer,
        campaign: &campaign,
        run: &run,
    };
    let standing = standing();
    let fresh = Fresh {
        customer: &CustomerId::new(CUSTOMER).unwrap(),
        standing: &standing,
        record: &record(brand, &standing),
        reachable: Reachable::Yes(&contact(Language::French)),
        waited: false,
        rivals: &[],
    };
    match decide(proposal, fresh, AttemptId::new("a1").unwrap(), now()) {
        Decision::Approved(approval) => *approval,
        Decision::Deferred { until, .. } => panic!("deferred until {until}"),
        Decision::Withheld(withheld) => panic!("withheld: {withheld:?}"),
    }
}
