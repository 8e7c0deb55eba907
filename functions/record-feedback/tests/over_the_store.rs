//! The function over real tables: an embedded DynamoDB, reached by the SDK over loopback. The events are those of the
//! SES guide, as SNS wraps them and SQS delivers them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{
    Addressed, Answer, Claimed, Clock, Created, DeadLetters, Deadline, Delivery, DeliveryState, Event, Heard,
    NewSecrets, Settlement, Suppressed, Tables, TopicArn, Undone, derive, hear,
};
use apropos_core::brand::Brand;
use apropos_core::campaign::{Campaign, DeliveryId, Run, RunStatus};
use apropos_core::consent::{ConsentEvent, Objection};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::decision::{Approval, Decision, Fresh, Proposal, Reachable, decide};
use apropos_core::document::{BrandDocument, CampaignDocument, ConsentEventDocument, OfferDocument};
use apropos_core::email::EmailAddress;
use apropos_core::feedback::{Fate, Lasting, News, Reporter};
use apropos_core::ids::{AttemptId, BrandId, CustomerId, RunId};
use apropos_core::language::Language;
use apropos_core::ledger::verify;
use apropos_core::offer::Offer;
use apropos_core::reason::Reason;
use apropos_core::suppression::{Pepper, SuppressionReason, address_hash, global_address_hash};
use apropos_core::time::TimeZoneName;
use apropos_emulator::Emulator;
use apropos_record_feedback::Handler;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:eu-west-3:123456789012:apropos-feedback";

const SEND: &str = include_str!("../../../tests/fixtures/sns_ses_send.json");
const DELIVERY: &str = include_str!("../../../tests/fixtures/sns_ses_delivery.json");
const DELAY: &str = include_str!("../../../tests/fixtures/sns_ses_delivery_delay.json");
const BOUNCE: &str = include_str!("../../../tests/fixtures/sns_ses_bounce.json");
const COMPLAINT: &str = include_str!("../../../tests/fixtures/sns_ses_complaint.json");
const REJECT: &str = include_str!("../../../tests/fixtures/sns_ses_reject.json");
const FAILURE: &str = include_str!("../../../tests/fixtures/sns_ses_rendering_failure.json");
const OPEN: &str = include_str!("../../../tests/fixtures/sns_ses_open.json");
const CLICK: &str = include_str!("../../../tests/fixtures/sns_ses_click.json");
const SUBSCRIPTION: &str = include_str!("../../../tests/fixtures/sns_ses_subscription.json");
const VALIDATION: &str = include_str!("../../../tests/fixtures/sns_ses_validation.json");

fn now() -> Timestamp {
    "2026-12-01T11:00:00Z".parse().unwrap()
}

fn maison() -> BrandId {
    BrandId::new("maison").unwrap()
}

fn camille() -> CustomerId {
    CustomerId::new("c-4711").unwrap()
}

fn address() -> EmailAddress {
    EmailAddress::parse("camille@mail.example").unwrap()
}

fn contact() -> ContactPoint {
    ContactPoint {
        address: address(),
        language: Language::French,
        time_zone: TimeZoneName::new("Europe/Paris").unwrap(),
    }
}

fn brand_document(id: &str) -> BrandDocument {
    serde_json::from_value(json!({
        "id": id, "name": "Maison Claire", "imprint": "Maison Claire SAS, Paris", "sender": "bonjour@maison.example",
        "list_domain": "maison.example", "caps": [{"most": 50, "window_days": 7}],
        "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
        "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
    }))
    .unwrap()
}

fn offer() -> Offer {
    let document: OfferDocument = serde_json::from_value(json!({
        "id": "expo", "title": {"fr": "Lumières", "en": "Lights"}, "text": {"fr": "Entrez.", "en": "Walk in."},
        "link": "https://maison.example/expo", "category": "exhibition-tickets",
        "uses": [{"attribute": "interests", "because": {"fr": "Vos goûts.", "en": "What you like."}}],
        "window": {"from": "2026-11-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
    }))
    .unwrap();
    document.store(1).unwrap().parse().unwrap()
}

fn campaign() -> Campaign {
    let document: CampaignDocument = serde_json::from_value(json!({
        "id": "expo-1", "offer": "expo", "topic": "offers", "goal": "inform", "threshold_bp": 0,
        "minimum_evidence_bp": 0
    }))
    .unwrap();
    document.parse(1).unwrap()
}

fn run(id: &str) -> Run {
    Run {
        brand: maison(),
        campaign: campaign().id,
        id: RunId::new(id).unwrap(),
        launched_at: now(),
        status: RunStatus::Running,
        tasks: 1,
        key: [5; 16],
    }
}

fn attempt(id: &str) -> AttemptId {
    AttemptId::new(id).unwrap()
}

/// The event of a fixture, about a delivery of ours by the attempt.
fn about(fixture: &str, run: &Run, customer: &CustomerId, attempt: &str) -> String {
    changed(fixture, |event| {
        let tags = &mut event["mail"]["tags"];
        tags["brand"] = json!([run.brand.as_str()]);
        tags["campaign"] = json!([run.campaign.as_str()]);
        tags["run"] = json!([run.id.as_str()]);
        tags["delivery"] = json!([DeliveryId::of(run, customer).to_hex()]);
        tags["attempt"] = json!([attempt]);
    })
}

fn changed(fixture: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut envelope: Value = serde_json::from_str(fixture).unwrap();
    let mut event: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
    change(&mut event);
    envelope["Message"] = event.to_string().into();
    envelope.to_string()
}

fn message(id: &str, body: impl Into<String>) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = Some(body.into());
    message
}

fn heard(body: &str) -> Result<Heard, Undone> {
    hear(&message("m", body), &TopicArn::new(TOPIC).unwrap())
}

fn news(body: &str) -> News {
    match heard(body).unwrap() {
        Heard::Feedback(feedback) => feedback.news,
        Heard::NotOurs => panic!("it is ours"),
    }
}

/// Dead letters that nobody takes: what would be parked is given again.
fn no_letters() -> DeadLetters {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(apropos_aws::behavior())
        .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new(
            "id", "secret", None, None, "tests",
        ))
        .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
        .endpoint_url("http://127.0.0.1:1")
        .http_client(apropos_aws::http_client())
        .build();
    DeadLetters::new(
        aws_sdk_sqs::Client::from_conf(config),
        "http://127.0.0.1:1/000000000000/feedback-dead".to_owned(),
    )
}

/// The function over a store with one brand and one customer, who agreed to offers.
struct Feedback {
    tables: Tables,
    handler: Handler,
    pepper: Pepper,
    brand: Brand,
}

impl Feedback {
    async fn start() -> Self {
        let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
        tables.put_brand(&brand_document("maison")).await.unwrap();
        let pepper = Pepper::new(&"p".repeat(32)).unwrap();
        let topic = TopicArn::new(TOPIC).unwrap();
        let feedback = Self {
            handler: Handler::new(
                tables.clone(),
                Clock::manual(now()),
                pepper.clone(),
                topic,
                no_letters(),
            ),
            brand: Brand::try_from(&brand_document("maison")).unwrap(),
            tables,
            pepper,
        };
        let person = feedback.tables.person(&maison(), &camille()).await.unwrap();
        let secrets = NewSecrets::random().unwrap();
        let contact = contact();
        let addressed = Addressed {
            contact: &contact,
            hash: address_hash(&feedback.pepper, &maison(), &contact.address),
        };
        feedback
            .tables
            .put_context(
                &person,
                &feedback.brand.topics,
                &CustomerContext::default(),
                Some(addressed),
                &secrets,
                now(),
            )
            .await
            .unwrap();
        for purpose in ["email.offers", "profiling"] {
            feedback.say(purpose, "grant", "2026-11-02T10:00:00Z").await;
        }
        feedback
    }

    /// What Camille says.
    async fn say(&self, purpose: &str, act: &str, at: &str) {
        let document: ConsentEventDocument = serde_json::from_value(json!({
            "event": format!("{act}-{}", purpose.replace('.', "-")), "purpose": purpose, "act": act,
            "actor": "customer", "effective_at": at,
            "evidence": {
                "affirmative_action": "ticked_box", "method": "web_form", "source": "/join",
                "notice": {"id": "privacy", "version": "3", "hash": "ab".repeat(32), "language": "fr"}
            }
        }))
        .unwrap();
        let event = ConsentEvent::try_from(&document).unwrap();
        let wanted = [(camille(), vec![event.id.clone()])];
        let person = self.tables.people(&maison(), &wanted).await.unwrap().pop().unwrap();
        let secrets = NewSecrets::random().unwrap();
        self.tables
            .append_consents(&person, &self.brand.topics, &[(event, document)], &secrets, now())
            .await
            .unwrap();
    }

    /// A yes to writing to Camille in a run; to somebody else under Camille's standing, for whom the store knows nothing.
    async fn approval(&self, run: &Run, customer: &CustomerId, attempt: &str) -> Approval {
        let standing = self.tables.standing(&maison(), &camille()).await.unwrap();
        let record = derive(&CustomerContext::default(), 1, &standing, &self.brand.topics, now());
        let (offer, campaign) = (offer(), campaign());
        let proposal = Proposal {
            brand: &self.brand,
            offer: &offer,
            campaign: &campaign,
            run,
        };
        let fresh = Fresh {
            customer,
            standing: &standing,
            record: &record,
            reachable: Reachable::Yes(&contact()),
            waited: false,
            rivals: &[],
        };
        match decide(proposal, fresh, AttemptId::new(attempt).unwrap(), now()) {
            Decision::Approved(approval) => *approval,
            Decision::Deferred { .. } => panic!("deferred"),
            Decision::Withheld(withheld) => panic!("{withheld:?}"),
        }
    }

    /// A delivery as it stands just before SES is called, by the attempt `a1`.
    async fn opened(&self, run: &Run) {
        let approval = self.approval(run, &camille(), "a1").await;
        let created = self.tables.open_delivery(&approval, now()).await.unwrap();
        assert_eq!(created, Created::New);
    }

    async fn settled(&self, run: &Run, settlement: Settlement<'_>) {
        let id = DeliveryId::of(run, &camille());
        self.tables
            .settle_delivery(&maison(), &run.id, id, &attempt("a1"), settlement, now())
            .await
            .unwrap();
    }

    async fn delivery(&self, run: &Run) -> Delivery {
        let id = DeliveryId::of(run, &camille());
        self.tables.delivery(&maison(), &run.id, id).await.unwrap().unwrap()
    }

    /// The ids of the messages that are to be given again.
    async fn take(&self, bodies: &[(&str, String)]) -> Vec<String> {
        self.take_within(SignedDuration::from_secs(30), bodies).await
    }

    async fn take_within(&self, time_left: SignedDuration, bodies: &[(&str, String)]) -> Vec<String> {
        let deadline = Deadline::after(now(), time_left);
        let mut batch = SqsEvent::default();
        batch.records = bodies.iter().map(|(id, body)| message(id, body.clone())).collect();
        match self.handler.on(Event::Sqs(batch), deadline).await.unwrap() {
            Answer::Sqs(answer) => answer
                .batch_item_failures
                .into_iter()
                .map(|failure| failure.item_identifier)
                .collect(),
            Answer::Http(_) | Answer::Done => panic!("a batch is answered as one"),
        }
    }

    /// Takes the events of a run by `a1`, which all succeed.
    async fn told(&self, run: &Run, fixtures: &[&str]) {
        for fixture in fixtures {
            let failed = self.take(&[("m", about(fixture, run, &camille(), "a1"))]).await;
            assert!(failed.is_empty());
        }
    }

    async fn suppressed(&self, brand: &str) -> Suppressed {
        let brand = BrandId::new(brand).unwrap();
        let own = address_hash(&self.pepper, &brand, &address());
        let anywhere = global_address_hash(&self.pepper, &address());
        self.tables.suppressed(&brand, &own, &anywhere).await.unwrap()
    }

    async fn objects(&self) -> bool {
        let standing = self.tables.standing(&maison(), &camille()).await.unwrap();
        standing.consents.objects(Objection::NoMarketing, now())
    }

    /// The events in Camille's ledger, after checking that it holds together.
    async fn ledger(&self) -> Vec<ConsentEventDocument> {
        let standing = self.tables.standing(&maison(), &camille()).await.unwrap();
        let ledger = self.tables.ledger(&maison(), &camille()).await.unwrap();
        let entries: Vec<_> = ledger.iter().map(|(entry, _)| entry.clone()).collect();
        verify(&entries, standing.head).unwrap();
        ledger.into_iter().filter_map(|(_, document)| document).collect()
    }
}

#[test]
fn the_events_of_the_guide_are_read() {
    for (fixture, expected) in [
        (SEND, News::Send),
        (DELIVERY, News::Delivery),
        (DELAY, News::DeliveryDelay),
        (REJECT, News::Reject),
        (FAILURE, News::RenderingFailure),
        (OPEN, News::Open),
        (
            CLICK,
            News::Click {
                sent: "2026-12-01T09:00:02.012Z".parse().unwrap(),
                at: "2026-12-01T12:01:25.570Z".parse().unwrap(),
            },
        ),
        (SUBSCRIPTION, News::Subscription),
    ] {
        assert_eq!(news(fixture), expected);
    }
    let bounced = |lasting| News::Bounce {
        lasting,
        recipient: address(),
    };
    assert_eq!(news(BOUNCE), bounced(Lasting::Permanent));
    for (kind, lasting) in [
        ("Transient", Lasting::Transient),
        ("Undetermined", Lasting::Undetermined),
    ] {
        let body = changed(BOUNCE, |event| event["bounce"]["bounceType"] = kind.into());
        assert_eq!(news(&body), bounced(lasting));
    }
    let complained = |by| News::Complaint {
        by,
        recipient: address(),
        at: "2026-12-01T10:30:00Z".parse().unwrap(),
    };
    assert_eq!(news(COMPLAINT), complained(Reporter::Person));
    let no_spam = changed(COMPLAINT, |event| {
        event["complaint"]["complaintFeedbackType"] = "not-spam".into();
    });
    assert_eq!(news(&no_spam), complained(Reporter::Other));
    let new = changed(SEND, |event| event["eventType"] = "Teleported".into());
    assert_eq!(news(&new), News::Unknown);
    assert_eq!(heard(VALIDATION).unwrap(), Heard::NotOurs);

    let Heard::Feedback(feedback) = heard(SEND).unwrap() else {
        panic!("it is ours")
    };
    let tag = feedback.delivery.unwrap();
    assert_eq!(feedback.brand, maison());
    assert_eq!((tag.campaign.as_str(), tag.run.as_str()), ("expo-1", "expo-1"));
    assert_eq!(
        (tag.id.to_hex().as_str(), tag.attempt.as_str()),
        ("0a1b2c3d4e5f6071", "9f1c2ab34d5e6f708192a3b4")
    );
}

#[test]
fn the_address_is_the_one_we_wrote_to_whatever_the_report_names() {
    let body = changed(BOUNCE, |event| {
        event["bounce"]["bouncedRecipients"] = json!([{ "emailAddress": "somebody.else@other.example" }]);
    });
    let expected = News::Bounce {
        lasting: Lasting::Permanent,
        recipient: address(),
    };
    assert_eq!(news(&body), expected);
    // We write to one person a message, so an event about several is about none of ours.
    let several = changed(BOUNCE, |event| {
        event["mail"]["destination"] = json!(["camille@mail.example", "dominique@mail.example"]);
    });
    assert!(matches!(heard(&several), Err(Undone::Malformed)));
}

#[test]
fn an_event_without_our_tags_is_about_no_message_of_ours() {
    for tags in [json!({}), json!({ "brand": [] }), json!({ "brand": ["not a brand"] })] {
        let body = changed(SEND, |event| event["mail"]["tags"] = tags);
        assert_eq!(heard(&body).unwrap(), Heard::NotOurs);
    }
    let untagged = changed(SEND, |event| {
        event["mail"].as_object_mut().unwrap().remove("tags");
    });
    assert_eq!(heard(&untagged).unwrap(), Heard::NotOurs);
}

#[tokio::test]
async fn each_message_is_taken_by_itself_and_only_from_our_topic() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let good = about(SEND, &run, &camille(), "a1");
    let inner = |body: &str| -> String {
        let envelope: Value = serde_json::from_str(body).unwrap();
        envelope["Message"].as_str().unwrap().to_owned()
    };
    let bodies = [
        ("foreign", good.replace(TOPIC, &format!("{TOPIC}-of-others"))),
        ("raw", inner(&good)),
        ("nothing", String::new()),
        ("text", "camille@mail.example".to_owned()),
        (
            "confirmation",
            good.replace("\"Notification\"", "\"SubscriptionConfirmation\""),
        ),
        (
            "no kind",
            changed(&good, |event| drop(event.as_object_mut().unwrap().remove("eventType"))),
        ),
        (
            "no bounce",
            changed(BOUNCE, |event| drop(event.as_object_mut().unwrap().remove("bounce"))),
        ),
        (
            "no time",
            changed(COMPLAINT, |event| event["complaint"]["timestamp"] = "yesterday".into()),
        ),
        ("validation", VALIDATION.to_owned()),
        ("good", good.clone()),
    ];
    let failed = feedback.take(&bodies).await;
    assert_eq!(
        failed,
        [
            "foreign",
            "raw",
            "nothing",
            "text",
            "confirmation",
            "no kind",
            "no bounce",
            "no time"
        ]
    );
    assert_eq!(feedback.delivery(&run).await.state, DeliveryState::Sent);
}

#[tokio::test]
async fn an_event_that_there_is_no_time_for_is_given_again_and_nothing_of_it_is_done() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let before = feedback.delivery(&run).await;
    let bodies = [
        ("one", about(SEND, &run, &camille(), "a1")),
        ("two", about(BOUNCE, &run, &camille(), "a1")),
    ];
    let failed = feedback.take_within(SignedDuration::from_secs(1), &bodies).await;
    assert_eq!(failed, ["one", "two"]);
    assert_eq!(feedback.delivery(&run).await, before);
    assert_eq!(feedback.suppressed("maison").await, Suppressed::No);
    assert!(feedback.take(&bodies).await.is_empty());
    assert_ne!(feedback.delivery(&run).await, before);
}

#[tokio::test]
async fn whatever_proves_that_ses_took_it_heals_a_delivery_that_is_open_or_unresolved() {
    let feedback = Feedback::start().await;
    for (number, fixture) in [SEND, DELIVERY, DELAY, BOUNCE].into_iter().enumerate() {
        for unresolved in [false, true] {
            let run = run(&format!("r{number}-{unresolved}"));
            feedback.opened(&run).await;
            if unresolved {
                feedback.settled(&run, Settlement::Unresolved).await;
            }
            feedback.told(&run, &[fixture, fixture]).await;
            let delivery = feedback.delivery(&run).await;
            assert_eq!(delivery.state, DeliveryState::Sent, "{fixture}");
            assert_eq!(delivery.fate, (fixture == BOUNCE).then_some(Fate::Bounced));
        }
    }
}

#[tokio::test]
async fn what_is_not_used_changes_nothing() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let before = feedback.delivery(&run).await;
    feedback.told(&run, &[OPEN, CLICK, SUBSCRIPTION]).await;
    let new = changed(SEND, |event| event["eventType"] = "Teleported".into());
    feedback.told(&run, &[&new]).await;
    assert_eq!(feedback.delivery(&run).await, before);
}

#[tokio::test]
async fn the_event_of_another_attempt_or_of_an_unknown_delivery_moves_nothing() {
    let feedback = Feedback::start().await;
    let (known, unknown) = (run("r1"), run("r2"));
    feedback.opened(&known).await;
    let before = feedback.delivery(&known).await;
    for fixture in [SEND, DELIVERY, REJECT] {
        let bodies = [
            ("other", about(fixture, &known, &camille(), "a2")),
            ("unknown", about(fixture, &unknown, &camille(), "a1")),
        ];
        assert!(feedback.take(&bodies).await.is_empty(), "both are acknowledged");
    }
    assert_eq!(feedback.delivery(&known).await, before);
    let id = DeliveryId::of(&unknown, &camille());
    assert_eq!(
        feedback.tables.delivery(&maison(), &unknown.id, id).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_delivery_that_ended_otherwise_stays_as_it_ended() {
    let feedback = Feedback::start().await;
    for (name, settlement) in [
        ("abandoned", Settlement::Withheld(Reason::Abandoned)),
        ("released", Settlement::Released),
    ] {
        let run = run(name);
        feedback.opened(&run).await;
        feedback.settled(&run, settlement).await;
        let before = feedback.delivery(&run).await;
        feedback.told(&run, &[SEND, BOUNCE, REJECT]).await;
        assert_eq!(feedback.delivery(&run).await, before, "{name}");
    }
}

#[tokio::test]
async fn what_ses_rejects_is_refused_and_frees_its_own_contact_once() {
    let feedback = Feedback::start().await;
    let (rejected, other) = (run("r1"), run("r2"));
    // Both claimed in the same second: freeing one of them twice would free the other's.
    for run in [&rejected, &other] {
        let approval = feedback.approval(run, &camille(), "a1").await;
        let seen = feedback.tables.standing(&maison(), &camille()).await.unwrap();
        assert_eq!(
            feedback.tables.claim(&approval, &seen, now()).await.unwrap(),
            Claimed::Won
        );
        feedback.tables.open_delivery(&approval, now()).await.unwrap();
        feedback.settled(run, Settlement::Sent { message_id: "m1" }).await;
    }
    feedback.told(&rejected, &[SEND, REJECT, FAILURE, SEND, REJECT]).await;
    let delivery = feedback.delivery(&rejected).await;
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Withheld, Some(Reason::Refused))
    );
    assert_eq!(feedback.delivery(&other).await.state, DeliveryState::Sent);
    let standing = feedback.tables.standing(&maison(), &camille()).await.unwrap();
    assert_eq!(standing.contacts.contacts().len(), 1);
    assert_eq!(standing.claims.len(), 2, "a refused message is not sent again");
}

#[tokio::test]
async fn a_permanent_bounce_closes_the_address_for_every_brand_and_a_passing_one_for_none() {
    let feedback = Feedback::start().await;
    let (passing, lasting) = (run("r1"), run("r2"));
    for run in [&passing, &lasting] {
        feedback.opened(run).await;
        feedback.settled(run, Settlement::Sent { message_id: "m1" }).await;
    }
    for kind in ["Transient", "Undetermined"] {
        let body = changed(BOUNCE, |event| event["bounce"]["bounceType"] = kind.into());
        feedback.told(&passing, &[&body]).await;
    }
    assert_eq!(feedback.suppressed("maison").await, Suppressed::No);
    assert_eq!(feedback.delivery(&passing).await.fate, None);
    feedback.told(&lasting, &[BOUNCE, BOUNCE]).await;
    for brand in ["maison", "autre"] {
        assert_eq!(feedback.suppressed(brand).await, Suppressed::Undeliverable);
    }
    let delivery = feedback.delivery(&lasting).await;
    assert_eq!(
        (delivery.state, delivery.fate),
        (DeliveryState::Sent, Some(Fate::Bounced))
    );
    assert!(!feedback.objects().await, "nobody said anything");
}

#[tokio::test]
async fn a_complaint_is_the_persons_own_objection_recorded_once_and_for_this_brand_only() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let before = feedback.ledger().await.len();
    feedback.told(&run, &[COMPLAINT, COMPLAINT, COMPLAINT]).await;
    assert!(feedback.objects().await);
    let ledger = feedback.ledger().await;
    assert_eq!(ledger.len(), before + 1);
    let entry = ledger.last().unwrap();
    assert_eq!(
        (entry.purpose.as_str(), entry.actor.as_str()),
        ("no_marketing", "customer")
    );
    assert_eq!(entry.evidence.method, "complaint_feedback_loop");
    assert_eq!(entry.effective_at, "2026-12-01T10:30:00Z");
    assert_eq!(
        feedback.suppressed("maison").await,
        Suppressed::ByBrand(SuppressionReason::Complaint)
    );
    assert_eq!(feedback.suppressed("autre").await, Suppressed::No);
    let delivery = feedback.delivery(&run).await;
    assert_eq!(
        (delivery.state, delivery.fate),
        (DeliveryState::Sent, Some(Fate::Complained))
    );
}

#[tokio::test]
async fn the_complaint_about_an_earlier_attempt_counts_too() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let failed = feedback.take(&[("m", about(COMPLAINT, &run, &camille(), "a0"))]).await;
    assert!(failed.is_empty() && feedback.objects().await);
    assert_eq!(feedback.delivery(&run).await.state, DeliveryState::Claimed);
}

#[tokio::test]
async fn a_complaint_that_arrives_late_does_not_undo_what_the_person_said_since() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    feedback.say("no_marketing", "grant", "2026-12-01T10:00:00Z").await;
    feedback.say("no_marketing", "withdraw", "2026-12-01T10:45:00Z").await;
    feedback.told(&run, &[COMPLAINT]).await;
    assert!(!feedback.objects().await);
    assert_eq!(
        feedback.suppressed("maison").await,
        Suppressed::ByBrand(SuppressionReason::Complaint),
        "the address stays closed"
    );
}

#[tokio::test]
async fn an_erasure_stays_the_reason_whatever_comes_after_it_or_before() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let hash = address_hash(&feedback.pepper, &maison(), &address());
    for _ in 0..2 {
        feedback
            .tables
            .suppress(&maison(), &hash, SuppressionReason::Erasure)
            .await
            .unwrap();
        feedback.told(&run, &[COMPLAINT]).await;
        assert_eq!(
            feedback.suppressed("maison").await,
            Suppressed::ByBrand(SuppressionReason::Erasure)
        );
    }
}

#[tokio::test]
async fn of_someone_who_was_erased_nothing_is_written_again() {
    let feedback = Feedback::start().await;
    let (run, gone) = (run("r1"), CustomerId::new("c-gone").unwrap());
    let approval = feedback.approval(&run, &gone, "a1").await;
    feedback.tables.open_delivery(&approval, now()).await.unwrap();
    let failed = feedback.take(&[("m", about(COMPLAINT, &run, &gone, "a1"))]).await;
    assert!(failed.is_empty());
    let standing = feedback.tables.standing(&maison(), &gone).await.unwrap();
    assert_eq!((standing.version, standing.head.seq), (0, 0));
    assert!(feedback.tables.ledger(&maison(), &gone).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_in_any_order_and_twice_end_the_same() {
    let orders = [
        [SEND, DELIVERY, BOUNCE, COMPLAINT],
        [COMPLAINT, BOUNCE, DELIVERY, SEND],
        [BOUNCE, SEND, COMPLAINT, DELIVERY],
        [DELIVERY, COMPLAINT, SEND, BOUNCE],
    ];
    let mut ends = Vec::new();
    for order in orders {
        let feedback = Feedback::start().await;
        let run = run("r1");
        feedback.opened(&run).await;
        feedback.settled(&run, Settlement::Unresolved).await;
        feedback.told(&run, &order).await;
        feedback.told(&run, &order).await;
        let ledger: Vec<_> = feedback.ledger().await.into_iter().map(|event| event.event).collect();
        ends.push((
            feedback.delivery(&run).await,
            ledger,
            feedback.suppressed("maison").await,
            feedback.suppressed("autre").await,
            feedback.objects().await,
        ));
    }
    assert_eq!(ends[0].0.state, DeliveryState::Sent);
    assert_eq!(ends[0].0.fate, Some(Fate::Complained));
    for end in &ends {
        assert_eq!(end, &ends[0]);
    }
}

#[tokio::test]
async fn a_complaint_of_the_future_is_dated_now() {
    let feedback = Feedback::start().await;
    let run = run("r1");
    feedback.opened(&run).await;
    let ahead = (now() + SignedDuration::from_hours(2)).to_string();
    let body = changed(COMPLAINT, |event| {
        event["complaint"]["timestamp"] = ahead.into();
    });
    feedback.told(&run, &[&body]).await;
    assert_eq!(feedback.ledger().await.last().unwrap().effective_at, now().to_string());
    assert!(feedback.objects().await);
}
