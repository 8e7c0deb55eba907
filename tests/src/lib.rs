//! What the stories share: a stack of their own, a brand with its key, and ways to call it.
//!
//! Everything here panics when the stack itself fails: a story has nothing to say then.
#![expect(
    clippy::expect_used,
    reason = "clippy takes only functions marked as tests for tests, not what they share"
)]

use std::sync::Arc;

use apropos_aws::Clock;
use apropos_core::api_key::ScopeSet;
use apropos_core::document::BrandDocument;
use apropos_core::ids::BrandId;
use apropos_local::http_client::{HttpClient, Reply};
use apropos_local::mail_service::AcceptedMail;
use apropos_local::stack::{DrainReport, Stack, StackSettings};
use axum::body::Body;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A Tuesday, ten in the morning in Paris: outside quiet hours.
pub const START: Timestamp = Timestamp::constant(1_796_115_600, 0);

/// The brand that every story starts with.
pub const BRAND: &str = "maison";

/// A stack in memory, standing at [`START`], with one brand and a key of it that has every scope.
#[derive(Debug)]
pub struct TestApp {
    /// The stack.
    pub stack: Stack,
    /// A client of its gateway.
    pub client: HttpClient,
    key: String,
}

impl TestApp {
    /// Starts it on any free port.
    pub async fn start() -> Self {
        let stack = Stack::start(StackSettings {
            port: None,
            data: None,
            outbox: None,
            clock: Clock::manual(START),
        })
        .await
        .expect("the stack starts");
        stack.put_brand(&brand(BRAND)).await.expect("the brand is stored");
        let key = stack.create_key(&brand_id(BRAND)).await.expect("the key is stored");
        Self {
            client: HttpClient::new(stack.url()),
            stack,
            key,
        }
    }

    /// Another brand, and its key with every scope.
    pub async fn add_brand(&self, id: &str) -> String {
        self.stack.put_brand(&brand(id)).await.expect("the brand is stored");
        self.stack.create_key(&brand_id(id)).await.expect("the key is stored")
    }

    /// A key of [`BRAND`] with these scopes only.
    pub async fn scoped_key(&self, scopes: &str) -> String {
        let scopes = ScopeSet::parse(scopes).expect("the scopes exist");
        self.stack
            .create_scoped_key(&brand_id(BRAND), scopes)
            .await
            .expect("the key is stored")
    }

    /// The brand's own call of the API.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(&self.key, path, body).await
    }

    /// A call with another key.
    pub async fn post_as(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.client
            .post_json(path, key, body)
            .await
            .expect("the gateway answers")
    }

    /// The brand's own question to the API.
    pub async fn get(&self, path: &str) -> Reply {
        self.client
            .get_json(path, &self.key)
            .await
            .expect("the gateway answers")
    }

    /// A request that anyone may make: no key, no cookie.
    pub async fn visit(&self, method: Method, path: &str) -> Reply {
        let request = self
            .client
            .request(method, path, Body::empty())
            .expect("the path is one");
        self.client.send(request).await.expect("the gateway answers")
    }

    /// A form that anyone may send, or a mail client for them.
    pub async fn submit(&self, path: &str, media_type: &'static str, body: &str) -> Reply {
        let mut request = self
            .client
            .request(Method::POST, path, Body::from(body.to_owned()))
            .expect("the path is one");
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.client.send(request).await.expect("the gateway answers")
    }

    /// Hands every message on, and says what was done.
    pub async fn drain(&self) -> DrainReport {
        self.stack.drain().await
    }

    /// Moves the clock on; nothing happens by that alone.
    pub fn advance(&self, by: SignedDuration) {
        self.stack.advance(by).expect("the clock moves");
    }

    /// The mails that were accepted, oldest first.
    #[must_use]
    pub fn outbox(&self) -> Vec<Arc<AcceptedMail>> {
        self.stack.mails().accepted()
    }
}

/// A brand's id.
#[must_use]
pub fn brand_id(id: &str) -> BrandId {
    BrandId::new(id).expect("the id is one")
}

/// The settings of a brand with two topics and Apropos's own caps and quiet hours.
#[must_use]
pub fn brand(id: &str) -> BrandDocument {
    let settings = json!({
        "id": id,
        "name": "Maison Claire",
        "imprint": "Maison Claire SAS, 1 rue des Essais, 75011 Paris",
        "sender": format!("bonjour@{id}.example"),
        "list_domain": format!("{id}.example"),
        "topics": [
            { "id": "offers", "number": 0, "name": { "fr": "Offres", "en": "Offers" } },
            { "id": "events", "number": 1, "name": { "fr": "Événements", "en": "Events" } },
        ],
        "notice": { "id": "privacy", "version": "3", "hash": "a".repeat(64), "language": "fr" },
    });
    serde_json::from_value(settings).expect("the settings are of their form")
}
