//! Erasure over an embedded DynamoDB: nothing is left, nobody else is touched, counts add up, and a crash anywhere is
//! made good (I8, I4).

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use std::collections::BTreeMap;

use apropos_aws::{
    Addressed, DecisionReceipt, DueItem, DueKind, Erasing, LinkTarget, NewSecrets, PagePlace, StoreError,
    StoredReceipt, Suppressed, Table, Tables,
};
use apropos_core::brand::Brand;
use apropos_core::campaign::{Audience, Campaign, DeliveryId, Goal, Run, RunStatus};
use apropos_core::consent::ConsentEvent;
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{BrandDocument, ConsentEventDocument, ContextDocument};
use apropos_core::email::EmailAddress;
use apropos_core::erasure::Progress;
use apropos_core::ids::{BrandId, CampaignId, CustomerId, EventId, OfferId, RunId, TopicId};
use apropos_core::language::Language;
use apropos_core::ledger::{ProofKey, verify};
use apropos_core::link::LinkId;
use apropos_core::reason::Reason;
use apropos_core::receipt::{Outcome, PageReceipt, Row};
use apropos_core::relevance::Relevance;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash, global_address_hash};
use apropos_core::time::TimeZoneName;
use apropos_emulator::Emulator;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// What must be nowhere afterwards, in tables and in certificates.
const CANARIES: [&str; 5] = [
    "zephyrine",
    "canary-source",
    "canary-event",
    "8843811",
    "Indian/Reunion",
];

fn now() -> Timestamp {
    "2026-11-17T09:00:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

fn zz() -> CustomerId {
    CustomerId::new("c-4711").unwrap()
}

fn bystander() -> CustomerId {
    CustomerId::new("c-0815").unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(&"p".repeat(32)).unwrap()
}

fn brand() -> BrandDocument {
    serde_json::from_value(json!({
        "id": "lumen", "name": "Lumen", "imprint": "Lumen SAS, Lyon", "sender": "bonjour@lumen.example",
        "list_domain": "lumen.example",
        "topics": [{"id": "offers", "number": 3, "name": {"fr": "Offres", "en": "Offers"}}],
        "notice": {"id": "privacy", "version": "1", "hash": "ab".repeat(32), "language": "fr"}
    }))
    .unwrap()
}

struct World {
    emulator: Emulator,
    tables: Tables,
    brand: Brand,
}

fn address(customer: &CustomerId) -> EmailAddress {
    let text = if *customer == zz() {
        "zephyrine@mail.example"
    } else {
        "bystander@mail.example"
    };
    EmailAddress::parse(text).unwrap()
}

impl World {
    /// Two people in everything: contexts, consents, two runs with pages, deliveries, something due.
    async fn new() -> Self {
        let emulator = Emulator::in_memory().await.unwrap();
        let tables = emulator.tables.clone();
        tables.put_brand(&brand()).await.unwrap();
        let brand = tables.brand(&lumen()).await.unwrap().unwrap();
        let world = Self {
            emulator,
            tables,
            brand,
        };
        for (number, customer) in [zz(), bystander()].into_iter().enumerate() {
            world.know(&customer, u8::try_from(number).unwrap()).await;
        }
        world.campaign().await;
        for id in ["autumn", "winter"] {
            world.run(id).await;
        }
        world
    }

    async fn know(&self, customer: &CustomerId, number: u8) {
        let mut secrets = NewSecrets::random().unwrap();
        secrets.link = LinkId::from_bytes([number; 16]);
        // Not random, so that two worlds can be compared.
        secrets.proof_key = ProofKey([number; 32]);
        let zone = if number == 0 { "Indian/Reunion" } else { "Europe/Paris" };
        let contact = ContactPoint {
            address: address(customer),
            language: Language::French,
            time_zone: TimeZoneName::new(zone).unwrap(),
        };
        let context: ContextDocument = serde_json::from_value(json!({
            "home": {"cell": "881f9ba96bfffff", "uncertainty_m": 8_843_811}, "interests": ["exhibition-tickets"],
        }))
        .unwrap();
        let context = CustomerContext::try_from(&context).unwrap();
        let person = self.tables.person(&lumen(), customer).await.unwrap();
        let addressed = Addressed {
            contact: &contact,
            hash: address_hash(&pepper(), &lumen(), &contact.address),
        };
        self.tables
            .put_context(&person, &self.brand.topics, &context, Some(addressed), &secrets, now())
            .await
            .unwrap();
        for (id, purpose) in [("canary-event-1", "email.offers"), ("canary-event-2", "profiling")] {
            self.consent(customer, id, purpose, &secrets).await.unwrap();
        }
    }

    async fn consent(
        &self,
        customer: &CustomerId,
        id: &str,
        purpose: &str,
        secrets: &NewSecrets,
    ) -> Result<(), StoreError> {
        let source = if *customer == zz() { "canary-source" } else { "/join" };
        let document: ConsentEventDocument = serde_json::from_value(json!({
            "event": id, "purpose": purpose, "act": "grant", "actor": "customer", "effective_at": now().to_string(),
            "evidence": {
                "affirmative_action": "ticked_box", "method": "web_form", "source": source,
                "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
            }
        }))
        .unwrap();
        let event = ConsentEvent::try_from(&document).unwrap();
        let wanted = [(customer.clone(), vec![EventId::new(id).unwrap()])];
        let person = self.tables.people(&lumen(), &wanted).await.unwrap().pop().unwrap();
        let events = [(event, document)];
        self.tables
            .append_consents(&person, &self.brand.topics, &events, secrets, now())
            .await
            .map(|_| ())
    }

    async fn campaign(&self) {
        let campaign = Campaign {
            id: CampaignId::new("expo").unwrap(),
            offer: OfferId::new("expo").unwrap(),
            offer_version: 1,
            topic: TopicId::new("offers").unwrap(),
            goal: Goal::Inform,
            audience: Audience::Everyone,
            threshold: Relevance::NONE,
            minimum_evidence: Relevance::NONE,
            holdout: Relevance::NONE,
            priority: apropos_core::campaign::Priority::Normal,
            best_hour: false,
        };
        self.tables.create_campaign(&lumen(), &campaign, None).await.unwrap();
    }

    /// In `autumn` both were candidates and withheld on fresh facts; in `winter` both wait for their minute.
    async fn run(&self, id: &str) {
        let run = run(id);
        self.tables
            .create_run(&run, &[vec!["nowhere".to_owned()]])
            .await
            .unwrap();
        let row = |customer: &CustomerId| Row {
            delivery: DeliveryId::of(&run, customer),
            context_version: 1,
            outcome: Outcome::Candidate,
            contributions: [9; 5],
        };
        let page = StoredReceipt {
            receipt: PageReceipt {
                rows: vec![row(&zz()), row(&bystander())],
            },
            next: None,
        };
        let place = PagePlace { task: 0, page: 0 };
        self.tables
            .create_receipt(&lumen(), &run.id, place, &page, now())
            .await
            .unwrap();
        for customer in [zz(), bystander()] {
            if id == "autumn" {
                let receipt = DecisionReceipt::new(1, None, None, None);
                self.tables
                    .withhold_delivery(&run, &customer, Reason::CapReached, &receipt, now())
                    .await
                    .unwrap();
            } else {
                let (brand, campaign) = (lumen(), run.campaign.clone());
                let item = DueItem::new(brand, campaign, run.id.clone(), customer, DueKind::Deferred, later(60));
                self.tables.put_due(&item).await.unwrap();
            }
        }
    }

    /// Every item of every table as text, in order; the id of a delivery that names nobody is random and left out.
    async fn dump(&self) -> Vec<String> {
        let mut dump = Vec::new();
        for table in Table::ALL {
            let name = self.tables.name(table);
            let found = self.emulator.client.scan().table_name(&name).send().await.unwrap();
            for item in found.items() {
                let mut sorted: BTreeMap<&String, String> =
                    item.iter().map(|(name, value)| (name, printed(value))).collect();
                if table == Table::Deliveries && !item.contains_key("customer") {
                    sorted.retain(|name, _| !matches!(name.as_str(), "pk" | "sk"));
                }
                dump.push(format!("{name} {sorted:?}"));
            }
        }
        dump.sort();
        dump
    }

    async fn erase(&self, at: Timestamp) -> Progress {
        let erased = self.tables.erase(&pepper(), &lumen(), &zz(), 100, at).await.unwrap();
        erased.progress
    }
}

fn run(id: &str) -> Run {
    Run {
        brand: lumen(),
        campaign: CampaignId::new("expo").unwrap(),
        id: RunId::new(id).unwrap(),
        launched_at: now(),
        status: RunStatus::Running,
        tasks: 1,
        key: [5; 16],
    }
}

/// Binary values as text too, so that a canary shows wherever it hides.
fn printed(value: &AttributeValue) -> String {
    let Ok(blob) = value.as_b() else {
        return format!("{value:?}");
    };
    let bytes = blob.as_ref();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex} {}", String::from_utf8_lossy(bytes))
}

#[tokio::test]
async fn after_an_erasure_nothing_is_left_and_nobody_else_is_touched() {
    let world = World::new().await;
    let before = world.dump().await;
    for canary in CANARIES {
        assert!(before.iter().any(|item| item.contains(canary)), "{canary} was there");
    }
    assert!(matches!(world.erase(now()).await, Progress::Next { .. }));
    assert_eq!(world.erase(later(15)).await, Progress::Finished { at: later(15) });
    assert!(world.tables.pending_erasures().await.unwrap().is_empty());

    let after = world.dump().await;
    for canary in CANARIES {
        let bystanders = |item: &String| item.contains("c-0815");
        let found: Vec<_> = after
            .iter()
            .filter(|item| item.contains(canary) && !bystanders(item))
            .collect();
        assert!(found.is_empty(), "{canary}: {found:?}");
    }
    // The pseudonym stands in the mark and in the tombstone of the ledger, and nowhere else.
    for item in after.iter().filter(|item| item.contains("c-4711")) {
        assert!(
            item.starts_with("t-standing") || item.starts_with("t-consents"),
            "{item}"
        );
    }
    let hashes: Vec<String> = ["autumn", "winter"]
        .map(|id| DeliveryId::of(&run(id), &zz()).to_hex())
        .into();
    for hash in hashes {
        assert!(!after.iter().any(|item| item.contains(&hash)), "{hash}");
    }
    let others = |dump: &[String]| -> Vec<String> {
        let of_other = |item: &&String| item.contains("c-0815") && !item.starts_with("t-receipts");
        dump.iter().filter(of_other).cloned().collect()
    };
    assert_eq!(others(&before), others(&after));
}

#[tokio::test]
async fn counts_add_up_before_during_and_after() {
    let world = World::new().await;
    let totals = async || {
        let mut all = Vec::new();
        for id in ["autumn", "winter"] {
            let pages = world.tables.page_totals(&lumen(), &run(id).id).await.unwrap();
            let sends = world.tables.delivery_totals(&lumen(), &run(id).id).await.unwrap();
            let withheld: u64 = sends.withheld.values().sum();
            all.push((pages.considered, pages.candidates, withheld, sends.withheld));
        }
        all
    };
    let before = totals().await;
    assert_eq!((before[0].2, before[1].2), (2, 0));
    for at in [now(), later(15), later(30)] {
        world.erase(at).await;
        let after = totals().await;
        assert_eq!((after[0].0, after[0].1), (2, 2));
        assert_eq!(after[0], before[0]);
        // Who waited is counted as withheld, so that the run can be completed without them.
        assert_eq!(after[1].3, BTreeMap::from([(Reason::Suppressed, 1)]));
    }
}

#[tokio::test]
async fn a_crash_after_any_step_is_made_good_with_the_same_outcome() {
    let whole = World::new().await;
    whole.erase(now()).await;
    whole.erase(later(15)).await;
    let wanted = whole.dump().await;
    let mut steps = 0;
    loop {
        let world = World::new().await;
        let (tables, brand, customer) = (&world.tables, lumen(), zz());
        tables.begin_erasure(&pepper(), &brand, &customer, now()).await.unwrap();
        for _ in 0..steps {
            tables
                .advance_erasure(&pepper(), &brand, &customer, now())
                .await
                .unwrap();
        }
        // Whoever did this is gone. The next tick finds it on the list.
        assert_eq!(
            tables.pending_erasures().await.unwrap(),
            [(brand.clone(), customer.clone())]
        );
        world.erase(later(1)).await;
        let finished = world.erase(later(15)).await;
        assert!(matches!(finished, Progress::Finished { .. }), "{steps}");
        assert_eq!(world.dump().await, wanted, "{steps}");
        if steps == 6 {
            break;
        }
        steps += 1;
    }
}

#[tokio::test]
async fn each_step_done_twice_is_done_once() {
    let world = World::new().await;
    let (brand, customer) = (lumen(), zz());
    world
        .tables
        .begin_erasure(&pepper(), &brand, &customer, now())
        .await
        .unwrap();
    for at in [now(), now(), now(), now(), now(), later(15)] {
        let standing = world.tables.standing(&brand, &customer).await.unwrap();
        let Progress::Next { step, .. } = standing.erased.unwrap().progress else {
            panic!("finished early");
        };
        let taken = world
            .tables
            .advance_erasure(&pepper(), &brand, &customer, at)
            .await
            .unwrap();
        assert!(matches!(taken, Erasing::Goes(_)), "{taken:?}");
        let once = world.dump().await;
        // As if the step had been done, and the crash came before it was noted.
        world
            .emulator
            .client
            .update_item()
            .table_name(world.tables.name(Table::Standing))
            .key("pk", AttributeValue::S("lumen#c-4711".into()))
            .update_expression("SET #step = :step REMOVE #finished")
            .expression_attribute_names("#step", "step")
            .expression_attribute_names("#finished", "finished")
            .expression_attribute_values(":step", AttributeValue::S(step.code().into()))
            .send()
            .await
            .unwrap();
        world
            .tables
            .advance_erasure(&pepper(), &brand, &customer, at)
            .await
            .unwrap();
        let twice: Vec<String> = world.dump().await;
        let without_version = |dump: &[String]| -> Vec<String> {
            dump.iter()
                .filter(|item| !item.starts_with("t-standing"))
                .cloned()
                .collect()
        };
        assert_eq!(without_version(&once), without_version(&twice), "{step:?}");
    }
    assert!(matches!(world.erase(later(15)).await, Progress::Finished { .. }));
}

#[tokio::test]
async fn the_tombstone_still_verifies_and_shows_what_the_law_asks_for() {
    let world = World::new().await;
    world.erase(now()).await;
    let standing = world.tables.standing(&lumen(), &zz()).await.unwrap();
    let ledger = world.tables.ledger(&lumen(), &zz()).await.unwrap();
    assert!(ledger.iter().all(|(_, document)| document.is_none()));
    let entries: Vec<_> = ledger.into_iter().map(|(entry, _)| entry).collect();
    assert_eq!((entries.len(), verify(&entries, standing.head)), (2, Ok(())));
    assert_eq!(world.tables.proof_key(&lumen(), &zz()).await.unwrap(), None);
    let proofs = world.tables.kept_proofs(&lumen(), &zz()).await.unwrap();
    assert_eq!(proofs[0].purpose, "email.offers");
    assert_eq!(proofs[0].notice, Some(("privacy".to_owned(), "3".to_owned())));
}

#[tokio::test]
async fn nothing_is_taken_in_about_an_erased_person_and_their_link_leads_to_nobody() {
    let world = World::new().await;
    world.erase(now()).await;
    let person = world.tables.person(&lumen(), &zz()).await.unwrap();
    assert!(person.is_erased());
    let secrets = NewSecrets::random().unwrap();
    let context = CustomerContext::default();
    let topics = &world.brand.topics;
    let written = world
        .tables
        .put_context(&person, topics, &context, None, &secrets, now())
        .await;
    assert!(matches!(written, Err(StoreError::Erased)));
    let recorded = world.consent(&zz(), "again", "email.offers", &secrets).await;
    assert!(matches!(recorded, Err(StoreError::Erased)));
    let target = world.tables.link_target(LinkId::from_bytes([0; 16])).await.unwrap();
    assert_eq!(target, LinkTarget::Nobody(lumen()));
    let hash = address_hash(&pepper(), &lumen(), &address(&zz()));
    assert!(
        world
            .tables
            .person_at(&lumen(), hash, &address(&zz()))
            .await
            .unwrap()
            .is_none()
    );
    let anywhere = global_address_hash(&pepper(), &address(&zz()));
    let suppressed = world.tables.suppressed(&lumen(), &hash, &anywhere).await.unwrap();
    assert_eq!(suppressed, Suppressed::ByBrand(SuppressionReason::Erasure));
}

#[tokio::test]
async fn a_complaint_is_not_softened_into_an_erasure() {
    let world = World::new().await;
    let hash = address_hash(&pepper(), &lumen(), &address(&zz()));
    world
        .tables
        .suppress(&lumen(), &hash, SuppressionReason::Complaint)
        .await
        .unwrap();
    world.erase(now()).await;
    let left = world.tables.suppressed_by_brand(&lumen(), &[hash]).await.unwrap();
    assert_eq!(left.get(&hash), Some(&SuppressionReason::Complaint));
}

#[tokio::test]
async fn a_restore_brings_nobody_back() {
    let lived_on = World::new().await;
    lived_on.erase(now()).await;
    let complained = address_hash(&pepper(), &lumen(), &address(&bystander()));
    lived_on
        .tables
        .suppress(&lumen(), &complained, SuppressionReason::Complaint)
        .await
        .unwrap();
    let lines = lived_on.tables.not_to_undo().await.unwrap();
    assert_eq!(lines.len(), 3);

    // The backup is from before both.
    let restored = World::new().await;
    let done = restored.tables.replay(&lines, &pepper(), later(60)).await.unwrap();
    assert_eq!((done.erased, done.suppressed, done.known), (1, 2, 0));
    let again = restored.tables.replay(&lines, &pepper(), later(61)).await.unwrap();
    assert_eq!((again.erased, again.suppressed, again.known), (0, 0, 3));
    assert!(matches!(restored.erase(later(75)).await, Progress::Finished { .. }));
    assert!(!restored.dump().await.iter().any(|item| item.contains("zephyrine")));
    let left = restored
        .tables
        .suppressed_by_brand(&lumen(), &[complained])
        .await
        .unwrap();
    assert_eq!(left.get(&complained), Some(&SuppressionReason::Complaint));
}
