//! What a brand says, as JSON: people, consents, offers and campaigns. A story changes what it is about and nothing else.

use serde_json::{Value, json};

/// The centre of Lyon, degrees north and east.
pub const LYON: (f64, f64) = (45.764, 4.8357);

/// Someone in Lyon who likes exhibitions and reads French.
#[must_use]
pub fn lyonnais(id: &str) -> Value {
    json!({
        "customer": id,
        "contact": { "email": format!("{id}@mail.example"), "language": "fr" },
        "home": { "commune": "69123" },
        "interests": ["exhibition-tickets"],
    })
}

/// Consent to the topic `offers` by e-mail, to scoring and to the use of the home, all given by the person in November.
#[must_use]
pub fn all_consents(customer: &str) -> Vec<Value> {
    ["email.offers", "profiling", "home_location"]
        .into_iter()
        .map(|purpose| grant(customer, purpose))
        .collect()
}

/// The person's own yes, in November.
#[must_use]
pub fn grant(customer: &str, purpose: &str) -> Value {
    consent(
        customer,
        &format!("yes-{}", purpose.replace('.', "-")),
        purpose,
        "grant",
    )
}

/// A consent event of the person's own, on 2 November 2026.
#[must_use]
pub fn consent(customer: &str, event: &str, purpose: &str, act: &str) -> Value {
    json!({
        "customer": customer,
        "event": event,
        "purpose": purpose,
        "act": act,
        "effective_at": "2026-11-02T10:00:00Z",
        "actor": "customer",
        "evidence": {
            "affirmative_action": "ticked_box",
            "method": "web_form",
            "source": "/join",
            "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
        },
    })
}

/// A copy with some members of the object replaced.
#[must_use]
pub fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    if let Some(members) = object.as_object_mut() {
        for (name, value) in changes {
            members.insert((*name).to_owned(), value.clone());
        }
    }
    object
}

/// Declared uses.
#[must_use]
pub fn uses(attributes: &[&str]) -> Value {
    attributes
        .iter()
        .map(|attribute| json!({ "attribute": attribute, "because": { "fr": "Utile.", "en": "Useful." } }))
        .collect()
}

/// An exhibition in Lyon, worth a way of 30 km, in December.
#[must_use]
pub fn exhibition() -> Value {
    let (latitude, longitude) = LYON;
    json!({
        "id": "expo",
        "title": { "fr": "Coupe-file pour « Lumières »", "en": "Skip the line for “Lights”" },
        "text": { "fr": "Entrez sans attendre.", "en": "Walk straight in." },
        "link": "https://maison.example/expo",
        "category": "exhibition-tickets",
        "places": [{
            "id": "halle", "name": "Halle Lumen, Lyon", "latitude": latitude, "longitude": longitude,
            "radius_m": 30_000,
        }],
        "uses": uses(&["home", "interests"]),
        "window": { "from": "2026-11-20T00:00:00Z", "until": "2027-01-03T18:00:00Z" },
    })
}

/// The same exhibition, without a place: whoever likes exhibitions will do.
#[must_use]
pub fn catalogue() -> Value {
    with(exhibition(), &[("places", json!([])), ("uses", uses(&["interests"]))])
}

/// A campaign of an offer, of the topic `offers`, that asks little: what it withholds has another reason.
#[must_use]
pub fn campaign(id: &str, offer: &str) -> Value {
    json!({
        "id": id, "offer": offer, "topic": "offers", "goal": "inform",
        "threshold_bp": 3_000, "minimum_evidence_bp": 1_000,
    })
}
