//! The commands of whoever runs a stack, as processes: over the data of a stack on this machine, and over tables
//! reached as those on AWS are.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use apropos_aws::Clock;
use apropos_core::api_key::{PresentedKey, Scope, authenticate};
use apropos_core::email::EmailAddress;
use apropos_core::ids::BrandId;
use apropos_core::suppression::SuppressionReason;
use apropos_emulator::Emulator;
use apropos_local::aws_endpoint;
use apropos_local::http_client::{HttpClient, Reply};
use apropos_local::mail_service::{MailService, MailSettings, SendQuota};
use apropos_local::queue_service::{QueueService, QueueSettings};
use apropos_local::stack::{Stack, StackSettings};
use jiff::Timestamp;
use serde_json::{Value, json};

const START: Timestamp = Timestamp::constant(1_796_115_600, 0);

/// A directory that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = u64::from_be_bytes(apropos_aws::random().unwrap());
        let path = std::env::temp_dir().join(format!("apropos-test-{name:016x}"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// A file with the settings of a brand.
    fn brand(&self) -> PathBuf {
        let path = self.0.join("maison.json");
        std::fs::write(&path, settings().to_string()).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings() -> Value {
    json!({
        "id": "maison",
        "name": "Maison Claire",
        "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
        "sender": "bonjour@maison.example",
        "list_domain": "maison.example",
        "topics": [{ "id": "offers", "number": 0, "name": { "fr": "Offres", "en": "Offers" } }],
        "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
    })
}

/// What a process said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Where a command is told to act.
#[derive(Clone)]
struct Place {
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Place {
    fn data(path: &Path) -> Self {
        Self {
            options: vec!["--data".to_owned(), path.to_str().unwrap().to_owned()],
            environment: Vec::new(),
        }
    }

    /// Tables as on AWS: credentials from the environment, as an export gives them.
    fn aws(endpoint: &str) -> Self {
        let options = [
            "--table-prefix",
            "t-",
            "--region",
            "eu-west-3",
            "--endpoint-url",
            endpoint,
        ];
        Self {
            options: options.map(str::to_owned).to_vec(),
            environment: vec![
                ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "example".to_owned()),
            ],
        }
    }

    async fn run(&self, line: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apropos-local"));
        command.env_clear().envs(self.environment.iter().cloned());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.args(line.split(' ')).args(&self.options);
        let ended = tokio::task::spawn_blocking(move || command.output());
        let Output { status, stdout, stderr } = ended.await.unwrap().unwrap();
        Said {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    async fn create(&self, options: &str) -> PresentedKey {
        let said = self.run(&format!("keys create --brand maison{options}")).await;
        assert_eq!(said.code, 0, "{said:?}");
        PresentedKey::parse(said.out.trim_end()).unwrap()
    }
}

async fn stack(data: PathBuf) -> Stack {
    let settings = StackSettings {
        port: None,
        data: Some(data),
        outbox: None,
        clock: Clock::manual(START),
    };
    Stack::start(settings).await.unwrap()
}

fn maison() -> BrandId {
    BrandId::new("maison").unwrap()
}

async fn a_campaign(stack: &Stack, key: &PresentedKey) -> Reply {
    let client = HttpClient::new(stack.url());
    client.get_json("/v1/campaigns/none", &key.reveal()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_alone_is_on_standard_output_and_its_secret_nowhere_else() {
    let (emulator, endpoint) = Emulator::with_endpoint().await.unwrap();
    let place = Place::aws(&endpoint);
    let said = place
        .run("keys create --brand maison --scopes campaigns:read,consents:write --expires 2999-01-01T00:00:00Z")
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let key = PresentedKey::parse(said.out.trim_end()).unwrap();
    assert_eq!(said.out, format!("{}\n", key.reveal()));
    let secret = said.out.trim_end().splitn(3, '_').nth(2).unwrap();
    assert!(
        said.err.contains(key.id().as_str()) && !said.err.contains(secret),
        "{}",
        said.err
    );
    assert!(said.err.contains("maison has no settings yet"), "{}", said.err);

    let record = emulator.tables.api_key(key.id()).await.unwrap().unwrap();
    let authentic = authenticate(&key, Some(&record), START).unwrap();
    assert_eq!(authentic.brand, maison());
    assert_eq!(
        authentic.scopes,
        [Scope::CampaignsRead, Scope::ConsentsWrite].into_iter().collect()
    );
    assert_eq!(authentic.expires_at, Some("2999-01-01T00:00:00Z".parse().unwrap()));

    let listed = place.run("keys list --brand maison").await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let [header, row] = listed.out.lines().collect::<Vec<_>>()[..] else {
        panic!("{listed:?}")
    };
    assert!(header.starts_with("KEY"));
    for told in [
        key.id().as_str(),
        "never",
        "until 2999-01-01T00:00:00Z",
        "consents:write campaigns:read",
    ] {
        assert!(row.contains(told), "{told}: {row}");
    }
    assert!(!listed.out.contains(secret));
    let none = place.run("keys list --brand autre").await;
    assert_eq!((none.code, none.out.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_says_what_became_of_the_key() {
    let (emulator, endpoint) = Emulator::with_endpoint().await.unwrap();
    let place = Place::aws(&endpoint);
    let key = place.create("").await;
    let revoke = format!("keys revoke {}", key.id());
    let done = place.run(&revoke).await;
    assert_eq!((done.code, done.out.as_str()), (0, ""));
    assert!(done.err.contains("within 60 seconds"), "{}", done.err);

    let record = emulator.tables.api_key(key.id()).await.unwrap().unwrap();
    let since = record.revoked_at.unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let again = place.run(&revoke).await;
    assert_eq!(again.code, 0);
    assert!(again.err.contains(&format!("since {since}")), "{}", again.err);
    let listed = place.run("keys list --brand maison").await;
    assert!(listed.out.contains(&format!("revoked {since}")), "{}", listed.out);

    let unknown = place.run("keys revoke 0123456789ab").await;
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
    assert_eq!(unknown.err, "apropos-local: there is no key 0123456789ab\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restore_must_not_undo_is_exported_from_one_place_and_replayed_on_another() {
    let scratch = Scratch::new();
    let export = scratch.0.join("export.jsonl");
    let export = export.to_str().unwrap();
    let (kept, restored) = (scratch.0.join("kept"), scratch.0.join("restored"));
    let running = stack(kept.clone()).await;
    let address = EmailAddress::parse("camille@mail.example").unwrap();
    running
        .suppress(&maison(), &address, SuppressionReason::Complaint)
        .await
        .unwrap();
    running.stop().await.unwrap();
    stack(restored.clone()).await.stop().await.unwrap();

    let said = Place::data(&kept).run(&format!("restore-drill export {export}")).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "1 erasures and suppressions exported\n"),
        "{said:?}"
    );
    let (_emulator, endpoint) = Emulator::with_endpoint().await.unwrap();
    let mut on_aws = Place::aws(&endpoint);
    let replay = format!("restore-drill replay {export}");
    assert!(on_aws.run(&replay).await.err.contains("the pepper is not known"));
    on_aws.environment.push(("APROPOS_PEPPER", "p".repeat(32)));
    for place in [Place::data(&restored), on_aws] {
        for told in [
            "0 erased again, 1 suppressed again, 0 known already.",
            "0 erased again, 0 suppressed again, 1 known already.",
        ] {
            let said = place.run(&replay).await;
            assert!(said.code == 0 && said.out.starts_with(told), "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_and_ends_with_1_and_what_is_not_understood_with_2() {
    let scratch = Scratch::new();
    let (_emulator, endpoint) = Emulator::with_endpoint().await.unwrap();
    let aws = Place::aws(&endpoint);
    let other_tables = Place {
        options: aws
            .options
            .iter()
            .map(|option| match option.as_str() {
                "t-" => "not-there-".to_owned(),
                _ => option.clone(),
            })
            .collect(),
        ..aws.clone()
    };
    let nameless = Place {
        environment: Vec::new(),
        ..aws.clone()
    };
    let nowhere = Place::data(&scratch.data());
    for (place, line, code, told) in [
        (
            &aws,
            "keys create --brand maison --expires 2020-01-01T00:00:00Z",
            1,
            "expired before",
        ),
        (
            &aws,
            "keys create --brand maison --expires tomorrow",
            2,
            "2027-01-01T00:00:00Z",
        ),
        (&aws, "keys create --brand maison --scopes admin", 2, "relevance:read"),
        (&aws, "brands get --brand maison", 1, "maison has no settings there"),
        (
            &other_tables,
            "keys create --brand maison",
            1,
            "ResourceNotFoundException",
        ),
        (
            &nameless,
            "keys list --brand maison",
            1,
            "aws configure export-credentials --format env",
        ),
        (
            &nowhere,
            "keys list --brand maison",
            1,
            "is not the data directory of a stack",
        ),
    ] {
        let said = place.run(line).await;
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{line}: {said:?}");
        assert!(said.err.contains(told), "{line}: {said:?}");
    }
    assert!(!scratch.data().exists(), "a mistyped directory is not made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_a_brand_are_stored_and_shown() {
    let scratch = Scratch::new();
    let (emulator, endpoint) = Emulator::with_endpoint().await.unwrap();
    let place = Place::aws(&endpoint);
    let file = scratch.brand();
    let stored = place.run(&format!("brands put {}", file.display())).await;
    assert_eq!((stored.code, stored.out.as_str()), (0, ""), "{stored:?}");
    assert!(stored.err.contains("maison.example"), "{}", stored.err);
    let brand = emulator.tables.brand(&maison()).await.unwrap().unwrap();
    assert_eq!(brand.id, maison());

    // What is shown can be stored again.
    let shown = place.run("brands get --brand maison").await;
    std::fs::write(&file, &shown.out).unwrap();
    let again = place.run(&format!("brands put {}", file.display())).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(place.run("brands get --brand maison").await.out, shown.out);

    let mut refused = settings();
    refused["sender"] = json!("nobody");
    std::fs::write(&file, refused.to_string()).unwrap();
    let said = place.run(&format!("brands put {}", file.display())).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("sender"), "{}", said.err);
    assert_eq!(place.run("brands get --brand maison").await.out, shown.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_stack_are_made_and_revoked_while_it_serves() {
    let scratch = Scratch::new();
    let stack = stack(scratch.data()).await;
    let place = Place::data(&scratch.data());
    let stored = place.run(&format!("brands put {}", scratch.brand().display())).await;
    assert_eq!(stored.code, 0, "{stored:?}");
    let key = place.create(" --scopes campaigns:read").await;
    assert_eq!(a_campaign(&stack, &key).await.status, 404, "let in");

    // Times are the stack's, not the machine's: else a revocation could lie in the stack's future.
    let record = stack.tables().api_key(key.id()).await.unwrap().unwrap();
    assert_eq!((record.created_at, record.last_used), (START, Some(START)));
    let late = place
        .run("keys create --brand maison --expires 2026-12-01T09:00:00Z")
        .await;
    assert_eq!(late.code, 1, "{late:?}");

    let revoked = place.run(&format!("keys revoke {}", key.id())).await;
    assert!(revoked.err.contains("at once"), "{revoked:?}");
    assert_eq!(a_campaign(&stack, &key).await.status, 403);
    let listed = place.run("keys list --brand maison").await;
    assert!(listed.out.contains("revoked 2026-12-01T09:00:00Z"), "{}", listed.out);
}

/// An account that may send nothing.
fn no_mail() -> MailSettings {
    MailSettings {
        verified_domains: Vec::new(),
        configuration_sets: Vec::new(),
        quota: SendQuota {
            max_24_hour: 0,
            max_per_second: 0,
        },
        outbox: None,
    }
}

/// The queues of a stack named `s`, as AWS would serve them; with where.
async fn queues_of_a_stack() -> (QueueService, Place) {
    let clock = Clock::manual(START);
    let queues = QueueService::new(clock.clone());
    for queue in ["pages", "sends", "feedback"] {
        queues.create(QueueSettings::named(format!("s-{queue}-dead"))).unwrap();
        queues.create(QueueSettings::named(format!("s-{queue}"))).unwrap();
    }
    let mails = MailService::new(clock, no_mail()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = aws_endpoint::router(queues.clone(), mails);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let options = ["--stack", "s", "--region", "eu-west-3", "--endpoint-url", &endpoint];
    let place = Place {
        options: options.map(str::to_owned).to_vec(),
        ..Place::aws(&endpoint)
    };
    (queues, place)
}

/// Parks a body as a function does.
fn park(queues: &QueueService, body: &str, reason: &str) {
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let call = json!({
        "QueueUrl": "s-sends-dead", "MessageBody": body,
        "MessageAttributes": { "reason": text(reason), "error": text("a stored item has no readable 'doc'") },
    });
    queues.call("SendMessage", call.to_string().as_bytes(), "").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_counted_by_reason_and_put_back_without_being_shown() {
    let (queues, place) = queues_of_a_stack().await;
    for number in 0..12 {
        park(&queues, &format!("c-secret-{number}"), "corrupt");
    }
    park(&queues, "not of our form, c-secret", "malformed");
    queues.send("s-sends-dead", "received too often, c-secret").unwrap();
    queues.send("s-pages", "waits").unwrap();

    let listed = place.run("queues list").await;
    let rows: Vec<_> = listed.out.lines().collect();
    assert_eq!(
        rows,
        [
            "pages: 1 waiting, 0 in hand, 0 later, 0 dead",
            "sends: 0 waiting, 0 in hand, 0 later, 14 dead",
            "feedback: 0 waiting, 0 in hand, 0 later, 0 dead",
        ],
        "{listed:?}"
    );
    let shown = place.run("queues show --queue sends").await;
    assert_eq!(
        shown.out.lines().collect::<Vec<_>>(),
        [
            "12 corrupt: a stored item has no readable 'doc'",
            "1 malformed: a stored item has no readable 'doc'",
            "1 received_too_often: see the log of the function",
            "14 dead letters of sends",
        ],
        "{shown:?}"
    );
    assert!(!format!("{listed:?}{shown:?}").contains("secret"), "no body is shown");
    assert_eq!(
        queues.depth("s-sends-dead").unwrap().visible,
        14,
        "who looks takes nothing"
    );

    let some = place
        .run("queues redrive --queue sends --reason corrupt --limit 5")
        .await;
    assert_eq!(some.out, "5 went back to sends, 9 stay dead\n", "{some:?}");
    let rest = place.run("queues redrive --queue sends --reason corrupt").await;
    assert_eq!(rest.out, "7 went back to sends, 2 stay dead\n", "{rest:?}");
    let back = queues.peek("s-sends").unwrap();
    let bodies: BTreeSet<_> = back.iter().map(|message| message.body.to_string()).collect();
    assert_eq!(bodies, (0..12).map(|number| format!("c-secret-{number}")).collect());
    assert!(
        back.iter().all(|message| message.attributes.is_empty()),
        "as they were first sent"
    );
    assert_eq!(queues.depth("s-sends-dead").unwrap().visible, 2);

    let elsewhere = Place {
        options: place
            .options
            .iter()
            .map(|option| if option == "s" { "t" } else { option }.to_owned())
            .collect(),
        ..place
    };
    let unknown = elsewhere.run("queues list").await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.err.contains("the queues did not answer"), "{unknown:?}");
}
