//! One pace for all senders, over real tables and SES as its stand-in plays it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::{Clock, Leased, Mailer, PK, Pacer, SK, behavior, http_client};
use apropos_core::pace::{Held, Kind};
use apropos_emulator::Emulator;
use apropos_local::aws_endpoint;
use apropos_local::mail_service::{AccountStatus, MailService, MailSettings, SendQuota};
use apropos_local::queue_service::QueueService;
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

const START: &str = "2026-12-01T09:00:00Z";

struct OneAccount {
    clock: Clock,
    mails: MailService,
    mailer: Mailer,
    emulator: Emulator,
}

impl OneAccount {
    async fn start(max_per_second: u32, max_24_hour: u32) -> Self {
        let clock = Clock::manual(START.parse::<Timestamp>().unwrap());
        let quota = SendQuota {
            max_24_hour,
            max_per_second,
        };
        let settings = MailSettings {
            verified_domains: Vec::new(),
            configuration_sets: Vec::new(),
            quota,
            outbox: None,
        };
        let mails = MailService::new(clock.clone(), settings).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = aws_endpoint::router(QueueService::new(clock.clone()), mails.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let credentials = Credentials::new("id", "secret", None, None, "static");
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new("eu-west-3"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint)
            .http_client(http_client())
            .build();
        Self {
            clock,
            mails,
            mailer: Mailer::new(&config, None),
            emulator: Emulator::in_memory().await.unwrap(),
        }
    }

    fn sender(&self) -> Pacer {
        Pacer::new(self.emulator.tables.clone(), self.mailer.clone(), "eu-west-3").unwrap()
    }

    async fn slots(&self, sender: &Pacer, most: u32) -> Vec<Timestamp> {
        match sender.lease(&self.clock, most, Kind::Campaign).await.unwrap() {
            Leased::Slots(slots) => slots,
            other @ (Leased::Unbounded | Leased::Later(_) | Leased::Held(_)) => panic!("{other:?}"),
        }
    }

    async fn number(&self, attribute: &str) -> String {
        let item = self
            .emulator
            .client
            .get_item()
            .table_name("t-campaigns")
            .key(PK, AttributeValue::S("*#pace".to_owned()))
            .key(SK, AttributeValue::S("eu-west-3".to_owned()))
            .send()
            .await
            .unwrap();
        match item.item.unwrap().get(attribute) {
            Some(AttributeValue::N(number)) => number.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn pass(&self, millis: i64) {
        self.clock.advance(SignedDuration::from_millis(millis));
    }
}

#[tokio::test]
async fn senders_of_one_account_share_its_rate_and_no_slot_is_given_out_twice() {
    let region = OneAccount::start(100, u32::MAX).await;
    let first = region.sender();
    let mut slots = region.slots(&first, 20).await;
    assert_eq!(slots.len(), 20);
    // Another looks first, sees the first one take slots at a time that fits its own clock, and takes those that follow.
    let second = region.sender();
    let looked = second.lease(&region.clock, 20, Kind::Campaign).await.unwrap();
    assert!(matches!(looked, Leased::Later(_)), "{looked:?}");
    region.pass(20);
    slots.extend(region.slots(&first, 20).await);
    region.pass(20);
    let (more, others) = tokio::join!(region.slots(&first, 20), region.slots(&second, 20));
    slots.extend(more);
    slots.extend(others);
    slots.sort();
    assert_eq!(slots.len(), 80);
    for (earlier, later) in slots.iter().zip(slots.iter().skip(1)) {
        assert_eq!(later.duration_since(*earlier), SignedDuration::from_micros(10_200));
    }
    assert_eq!(region.number("granted").await, "80");
}

#[tokio::test]
async fn ses_is_asked_about_the_account_once_a_minute_and_not_for_a_lease() {
    let region = OneAccount::start(14, u32::MAX).await;
    let sender = region.sender();
    assert_eq!(region.slots(&sender, 20).await.len(), 13);
    let read_at = region.number("read_at").await;
    region.mails.set_quota(SendQuota {
        max_24_hour: u32::MAX,
        max_per_second: 100,
    });
    for _ in 0..5 {
        region.pass(11_000);
        assert_eq!(region.slots(&sender, 20).await.len(), 13);
    }
    assert_eq!(region.number("read_at").await, read_at);
    region.pass(11_000);
    assert_eq!(region.slots(&sender, 20).await.len(), 20, "the new rate");
}

#[tokio::test]
async fn too_fast_slows_every_sender_and_a_paused_account_stops_them_until_it_goes_on() {
    let region = OneAccount::start(100, u32::MAX).await;
    let sender = region.sender();
    let slots = region.slots(&sender, 2).await;
    let apart = |slots: &[Timestamp]| slots.last().unwrap().duration_since(*slots.first().unwrap());
    let normal = apart(&slots);
    let now = region.clock.now();
    assert_eq!(sender.slower(now).await.unwrap(), Held::Rate { halvings: 1 });
    assert_eq!(sender.slower(now).await.unwrap(), Held::Rate { halvings: 1 });
    assert_eq!(apart(&region.slots(&sender, 2).await), normal * 2);
    sender.hold(now, Held::Paused).await.unwrap();
    let held = sender.lease(&region.clock, 1, Kind::Campaign).await.unwrap();
    assert_eq!(held, Leased::Held(Held::Paused));
    // A minute later SES is asked, and says the same; then that sending goes on.
    region.mails.set_status(AccountStatus::Paused);
    region.pass(61_000);
    let held = sender.lease(&region.clock, 1, Kind::Campaign).await.unwrap();
    assert_eq!(held, Leased::Held(Held::Paused));
    region.mails.set_status(AccountStatus::Healthy);
    region.pass(61_000);
    assert_eq!(region.slots(&sender, 1).await.len(), 1);
}

#[tokio::test]
async fn the_quota_of_the_day_is_not_passed() {
    let region = OneAccount::start(100, 40).await;
    let sender = region.sender();
    assert_eq!(region.slots(&sender, 20).await.len(), 20);
    assert_eq!(region.slots(&sender, 20).await.len(), 18, "two are for whoever waits");
    let held = sender.lease(&region.clock, 1, Kind::Campaign).await.unwrap();
    assert_eq!(held, Leased::Held(Held::UsedUp));
    let letter = sender.lease(&region.clock, 5, Kind::Transactional).await.unwrap();
    assert!(
        matches!(&letter, Leased::Slots(slots) if slots.len() == 2),
        "{letter:?}"
    );
}
