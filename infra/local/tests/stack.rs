//! The stack as its operator sees it: messages, time, data between runs, and the inbox.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use apropos_aws::Clock;
use apropos_core::document::BrandDocument;
use apropos_core::ids::BrandId;
use apropos_local::http_client::HttpClient;
use apropos_local::mail_service::{OutgoingMail, SendAnswer};
use apropos_local::stack::{Stack, StackError, StackSettings};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const START: &str = "2026-12-01T09:00:00Z";

fn settings() -> StackSettings {
    StackSettings {
        port: None,
        data: None,
        outbox: None,
        clock: Clock::manual(START.parse::<Timestamp>().unwrap()),
    }
}

fn brand() -> BrandDocument {
    let settings = json!({
        "id": "maison",
        "name": "Maison Claire",
        "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
        "sender": "bonjour@maison.example",
        "list_domain": "maison.example",
        "topics": [{ "id": "offers", "number": 0, "name": { "fr": "Offres", "en": "Offers" } }],
        "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
    });
    serde_json::from_value(settings).unwrap()
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        from: "Maison <bonjour@maison.example>".to_owned(),
        to: vec!["someone@customer.example".to_owned()],
        subject: "Un sapin de trois mètres".to_owned(),
        text: "Bonjour".to_owned(),
        html: "<!DOCTYPE html><html><head></head><body><a href=\"http://127.0.0.1/u/maison/x\">Se désinscrire</a></body></html>"
            .to_owned(),
        tags: vec![
            ("brand".to_owned(), "maison".to_owned()),
            ("campaign".to_owned(), "tree".to_owned()),
        ],
        ..OutgoingMail::default()
    }
}

/// A directory that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = u64::from_be_bytes(apropos_aws::random().unwrap());
        Self(std::env::temp_dir().join(format!("apropos-test-{name:016x}")))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_message_that_nothing_can_read_ends_among_the_dead_letters_without_waiting() {
    let stack = Stack::start(settings()).await.unwrap();
    stack.queues().send("sends", "not a task").unwrap();
    stack.queues().send("pages", "not a task").unwrap();
    let report = stack.drain().await;
    for queue in [report.pages, report.sends] {
        assert_eq!((queue.failed, queue.left.total(), queue.dead), (0, 0, 1));
    }
    assert!(!report.is_clean());
}

#[tokio::test]
async fn the_background_hands_messages_on_and_moves_the_clock() {
    let mut stack = Stack::start(settings()).await.unwrap();
    stack.work_in_background();
    stack.queues().send("sends", "not a task").unwrap();
    let seen = async {
        while stack.queues().depth("sends-dead").unwrap().total() == 0 || stack.clock().now() <= START.parse().unwrap()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), seen).await.unwrap();
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn keys_brands_senders_and_time_are_kept_between_runs() {
    let scratch = Scratch::new();
    let kept = || StackSettings {
        data: Some(scratch.path().join("data")),
        ..settings()
    };
    let maison = BrandId::new("maison").unwrap();

    let first = Stack::start(kept()).await.unwrap();
    first.put_brand(&brand()).await.unwrap();
    let key = first.create_key(&maison).await.unwrap();
    first.advance(SignedDuration::from_hours(30)).unwrap();
    let left_at = first.clock().now();
    first.stop().await.unwrap();
    let secrets = std::fs::read_to_string(scratch.path().join("data/secrets.json")).unwrap();

    let second = Stack::start(kept()).await.unwrap();
    assert!(second.clock().now() > left_at);
    assert_eq!(second.tables().brand(&maison).await.unwrap().unwrap().id, maison);
    assert!(matches!(second.mails().send(mail()), SendAnswer::Accepted(_)));
    let reply = HttpClient::new(second.url())
        .get_json("/v1/campaigns/none", &key)
        .await
        .unwrap();
    assert_eq!(
        reply.status,
        StatusCode::NOT_FOUND,
        "the key is known, the campaign is not"
    );
    let problem: Value = reply.json().unwrap();
    assert_eq!(problem["type"], "urn:apropos:problem:unknown");
    let after = std::fs::read_to_string(scratch.path().join("data/secrets.json")).unwrap();
    assert_eq!(secrets, after, "links in messages go on working");
}

#[cfg(unix)]
#[tokio::test]
async fn kept_secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    let data = scratch.path().join("data");
    let stack = Stack::start(StackSettings {
        data: Some(data.clone()),
        ..settings()
    })
    .await
    .unwrap();
    let mode = std::fs::metadata(data.join("secrets.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(stack);
}

#[tokio::test]
async fn a_taken_port_is_named_before_any_file_is_made() {
    let scratch = Scratch::new();
    let stack = Stack::start(settings()).await.unwrap();
    let port = stack.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let refused = Stack::start(StackSettings {
        port: Some(port),
        data: Some(scratch.path().to_owned()),
        ..settings()
    })
    .await
    .unwrap_err();
    assert!(matches!(refused, StackError::Port { port: taken, .. } if taken == port));
    assert!(!scratch.path().exists());
}

#[tokio::test]
async fn the_inbox_shows_what_was_accepted_and_runs_nothing() {
    let stack = Stack::start(settings()).await.unwrap();
    stack.put_brand(&brand()).await.unwrap();
    let SendAnswer::Accepted(id) = stack.mails().send(mail()) else {
        panic!("the mail is acceptable")
    };
    let client = HttpClient::new(stack.url());
    let get = async |path: &str| {
        let request = client.request(Method::GET, path, Body::empty()).unwrap();
        client.send(request).await.unwrap()
    };

    let list = get("/inbox").await;
    assert_eq!((list.status, list.media_type()), (StatusCode::OK, "text/html"));
    assert!(list.text().contains("Un sapin de trois mètres") && list.text().contains("maison · tree (1)"));
    let opened = get(&format!("/inbox/{id}")).await;
    let policy = opened.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"));
    assert!(
        opened
            .text()
            .contains("sandbox=\"allow-top-navigation-by-user-activation\"")
    );
    let file = get(&format!("/inbox/{id}.eml")).await;
    assert_eq!(file.media_type(), "message/rfc822");
    assert_eq!(file.body, stack.mails().find(&id).unwrap().eml());
    assert_eq!(get("/inbox/none").await.status, StatusCode::NOT_FOUND);
}
