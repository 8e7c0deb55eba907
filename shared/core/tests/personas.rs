//! A marketer's table: people, offers, and what must come of each pair, with the sentence that says why it is right. It is
//! read from `tests/fixtures/personas.json` and taken through the real decision.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::{BTreeMap, BTreeSet};

use apropos_core::audience::{AudienceRecord, ConsentHint, Habits};
use apropos_core::brand::Brand;
use apropos_core::campaign::{Run, RunStatus};
use apropos_core::cap::ContactRing;
use apropos_core::consent::{Act, Actor, ConsentEvent, Evidence, LegalBasis, Purpose};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::decision::{Decision, Fresh, Proposal, Reachable, decide, judge};
use apropos_core::document::{
    BrandDocument, CampaignDocument, ContextDocument, CurrentPlaceDocument, HomeDocument, OfferDocument,
    PurchaseDocument,
};
use apropos_core::email::EmailAddress;
use apropos_core::habit::reaction;
use apropos_core::ids::{AttemptId, CustomerId, EventId, RunId};
use apropos_core::language::Language;
use apropos_core::place::Cell;
use apropos_core::reason::Reason;
use apropos_core::relevance::Relevance;
use apropos_core::standing::Standing;
use apropos_core::time::{EpochDay, TimeZoneName};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    about: String,
    offers: BTreeMap<String, Proposed>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed {
    offer: Value,
    campaign: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    who: String,
    offer: String,
    /// A Tuesday morning if absent.
    at: Option<String>,
    person: Person,
    expect: String,
    /// The reason it was withheld for, what it waits for, or the factor that spoke most for it.
    because: Option<String>,
    right: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    /// Purposes agreed to long ago; everything if absent.
    agrees_to: Option<Vec<String>>,
    #[serde(default)]
    withdrew: Vec<String>,
    home: Option<[f64; 2]>,
    area: Option<String>,
    /// Where they are now, and for how many hours more it may be used.
    here: Option<([f64; 2], i64)>,
    #[serde(default)]
    facts: BTreeMap<String, Value>,
    #[serde(default)]
    likes: Vec<String>,
    /// Category and days ago.
    #[serde(default)]
    bought: Vec<(String, i64)>,
    active_days_ago: Option<i64>,
    #[serde(default)]
    active_hours: Vec<u8>,
    /// Days ago.
    #[serde(default)]
    written_to: Vec<i64>,
    threshold_bp: Option<u16>,
}

fn ago(now: Timestamp, days: i64) -> Timestamp {
    now - SignedDuration::from_hours(24 * days)
}

fn event(number: usize, purpose: &str, act: Act, now: Timestamp) -> ConsentEvent {
    ConsentEvent {
        id: EventId::new(format!("e{number}-{}", act.code())).unwrap(),
        purpose: Purpose::from_code(purpose).unwrap(),
        act,
        effective_at: ago(now, if act == Act::Grant { 100 } else { 50 }),
        expires_at: (purpose == "pause").then(|| now + SignedDuration::from_hours(24)),
        legal_basis: LegalBasis::Consent,
        actor: Actor::Customer,
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

impl Person {
    fn standing(&self, now: Timestamp) -> Standing {
        let everything = [
            "email.offers",
            "profiling",
            "home_location",
            "current_location",
            "measurement",
        ];
        let granted = self
            .agrees_to
            .clone()
            .unwrap_or_else(|| everything.map(str::to_owned).to_vec());
        let mut standing = Standing::default();
        let acts = granted
            .iter()
            .map(|purpose| (purpose, Act::Grant))
            .chain(self.withdrew.iter().map(|purpose| (purpose, Act::Withdraw)));
        for (number, (purpose, act)) in acts.enumerate() {
            let seq = u32::try_from(number).unwrap() + 1;
            standing.consents.record(&event(number, purpose, act, now), seq);
        }
        for days in &self.written_to {
            standing.contacts.record(ago(now, *days));
        }
        standing.limits.threshold = self.threshold_bp.map(|bp| Relevance::new(bp).unwrap());
        standing
    }

    fn context(&self, now: Timestamp) -> CustomerContext {
        let cell = |[north, east]: [f64; 2]| Cell::at_degrees(north, east).unwrap().to_hex();
        let day = |days: i64| EpochDay::of(ago(now, days)).date().to_string();
        let document = ContextDocument {
            home: self.home.map(|home| HomeDocument {
                cell: cell(home),
                uncertainty_m: 0,
                area: self.area.clone(),
            }),
            facts: self.facts.clone(),
            interests: self.likes.clone(),
            purchases: self
                .bought
                .iter()
                .map(|(category, days)| PurchaseDocument {
                    category: category.clone(),
                    on: day(*days),
                })
                .collect(),
            last_activity: self.active_days_ago.map(day),
            current_place: self.here.map(|(here, hours)| CurrentPlaceDocument {
                cell: cell(here),
                until: (now + SignedDuration::from_hours(hours)).to_string(),
            }),
            active_hours: self.active_hours.clone(),
            clicked_hours: Vec::new(),
            time_zone: None,
            spent: None,
        };
        CustomerContext::try_from(&document).unwrap()
    }
}

/// As the tables derive it, for both decisions.
fn record(brand: &Brand, standing: &Standing, context: &CustomerContext, now: Timestamp) -> AudienceRecord {
    let contacts: &ContactRing = &standing.contacts;
    let habits = Habits {
        heard_on: None,
        quarters_ahead: Some(TimeZoneName::new("Europe/Paris").unwrap().quarters_ahead(now)),
        threshold: standing.limits.threshold,
        last_contact: contacts.last().map(EpochDay::of),
        reaction: reaction(contacts, context.last_act(), now),
    };
    let hint = ConsentHint::of(&standing.consents, &brand.topics, now);
    AudienceRecord::derive(context, 1, hint, habits, now)
}

fn brand() -> Brand {
    let document: BrandDocument = serde_json::from_value(json!({
        "id": "b", "name": "Lumen", "imprint": "Lumen, Lyon", "sender": "hello@example.com",
        "list_domain": "example.com",
        "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
        "notice": {"id": "n", "version": "1", "hash": "ab".repeat(32), "language": "fr"},
        "caps": [{"most": 2, "window_days": 7}]
    }))
    .unwrap();
    Brand::try_from(&document).unwrap()
}

/// What came of it, with the reason to stay silent or the stronger one to write, and the relevance.
fn outcome(table: &Table, case: &Case) -> (&'static str, Option<&'static str>, Option<u16>) {
    let now: Timestamp = case.at.as_deref().unwrap_or("2026-12-01T09:00:00Z").parse().unwrap();
    let proposed = table.offers.get(&case.offer).unwrap();
    let brand = brand();
    let offer: OfferDocument = serde_json::from_value(proposed.offer.clone()).unwrap();
    let offer = offer.store(1).unwrap().parse().unwrap();
    let campaign: CampaignDocument = serde_json::from_value(proposed.campaign.clone()).unwrap();
    let campaign = campaign.parse(1).unwrap();
    assert_eq!(campaign.undeclared(&offer), None, "{}", case.offer);
    let run = Run {
        brand: brand.id.clone(),
        campaign: campaign.id.clone(),
        id: RunId::new("r").unwrap(),
        launched_at: now,
        status: RunStatus::Running,
        tasks: 1,
        key: [1; 16],
    };
    let (standing, context) = (case.person.standing(now), case.person.context(now));
    let record = record(&brand, &standing, &context, now);
    let contact = ContactPoint {
        address: EmailAddress::parse("camille@example.com").unwrap(),
        language: Language::French,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    };
    let customer = CustomerId::new("c1").unwrap();
    let proposal = Proposal {
        brand: &brand,
        offer: &offer,
        campaign: &campaign,
        run: &run,
    };
    let fresh = Fresh {
        customer: &customer,
        standing: &standing,
        record: &record,
        reachable: Reachable::Yes(&contact),
        waited: false,
        rivals: &[],
    };
    let decision = decide(proposal, fresh, AttemptId::new("a").unwrap(), now);
    // Scoring runs the same rules on the same record, so it never lets through for another reason than caps and quiet hours.
    let judged = judge(proposal, &customer, &record, now);
    match decision {
        Decision::Approved(approval) => {
            assert!(judged.is_ok(), "{}", case.who);
            let score = approval.score();
            let strongest = score.strongest_reason().map(apropos_core::relevance::Factor::code);
            ("sent", strongest, Some(score.relevance.basis_points()))
        }
        Decision::Deferred { deferral, .. } => ("deferred", Some(deferral.code()), None),
        Decision::Withheld(withheld) => {
            let relevance = withheld.score.map(|score| score.relevance.basis_points());
            ("withheld", Some(withheld.reason.code()), relevance)
        }
    }
}

fn table() -> Table {
    serde_json::from_str(include_str!("../../../tests/fixtures/personas.json")).unwrap()
}

#[test]
fn every_persona_gets_what_is_right_for_them_and_for_the_main_reason() {
    let table = table();
    let wrong: Vec<String> = table
        .cases
        .iter()
        .filter_map(|case| {
            let (expect, because, relevance) = outcome(&table, case);
            let right = expect == case.expect && because == case.because.as_deref();
            (!right).then(|| {
                format!(
                    "{} / {}: expected {} {:?}, got {expect} {because:?} at {relevance:?}",
                    case.who, case.offer, case.expect, case.because
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}\n{}", table.about, wrong.join("\n"));
}

#[test]
fn the_table_says_why_for_each_of_its_forty_cases_and_covers_what_the_model_decides() {
    let table = table();
    assert!(table.cases.len() >= 40, "{}", table.cases.len());
    let mut sentences = BTreeSet::new();
    for case in &table.cases {
        assert!(case.right.ends_with('.') && case.right.len() > 30, "{}", case.right);
        assert!(sentences.insert(&case.right), "{}", case.right);
    }
    let reasons: BTreeSet<&str> = table.cases.iter().filter_map(|case| case.because.as_deref()).collect();
    for reason in [
        Reason::TooFar,
        Reason::PlaceUnknown,
        Reason::TooLate,
        Reason::Unsuitable,
        Reason::SuitabilityUnknown,
        Reason::AlreadyHas,
        Reason::NoReasonToWrite,
        Reason::TooLittleKnown,
        Reason::BelowThreshold,
        Reason::BelowOwnThreshold,
        Reason::OutsideAudience,
        Reason::OutsideWindow,
    ] {
        assert!(reasons.contains(reason.code()), "{}", reason.code());
    }
}
