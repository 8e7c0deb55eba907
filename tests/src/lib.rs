//! What the stories share: a stack of their own, a brand with its key, and ways to call it.
//!
//! Everything here panics when the stack itself fails: a story has nothing to say then.
#![expect(
    clippy::expect_used,
    reason = "clippy takes only functions marked as tests for tests, not what they share"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use apropos_aws::Clock;
use apropos_core::api_key::ScopeSet;
use apropos_core::document::BrandDocument;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::standing::Standing;
use apropos_local::http_client::{HttpClient, Reply};
use apropos_local::mail_service::AcceptedMail;
use apropos_local::stack::{DrainReport, Stack, StackSettings};
use axum::body::Body;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub mod contract;
pub mod markup;
pub mod mutation;
pub mod pages;
pub mod parsers;
pub mod stored;
pub mod words;
pub mod yaml;

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

    /// The same, under a name by which it may be sent again.
    pub async fn post_once(&self, name: &str, path: &str, body: &Value) -> Reply {
        self.post_once_as(&self.key, name, path, body).await
    }

    /// The same with another key.
    pub async fn post_once_as(&self, key: &str, name: &str, path: &str, body: &Value) -> Reply {
        let mut request = self
            .client
            .request(Method::POST, path, Body::from(body.to_string()))
            .expect("the path is one");
        let authorization = format!("Bearer {key}");
        for (header, value) in [("authorization", authorization.as_str()), ("idempotency-key", name)] {
            let value = HeaderValue::from_str(value).expect("it is a header's value");
            request.headers_mut().insert(HeaderName::from_static(header), value);
        }
        self.client.send(request).await.expect("the gateway answers")
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

    /// Stores customers, all of them.
    pub async fn store(&self, customers: &[Value]) {
        self.store_as(&self.key, customers).await;
    }

    /// Stores customers of the brand that the key stands for.
    pub async fn store_as(&self, key: &str, customers: &[Value]) {
        let reply = self
            .post_as(key, "/v1/customers", &json!({ "customers": customers }))
            .await;
        let answer = accepted(&reply);
        assert_eq!(answer.get("stored"), Some(&json!(customers.len())), "{answer}");
    }

    /// Records consent events, all of them.
    pub async fn record(&self, events: &[Value]) {
        self.record_as(&self.key, events).await;
    }

    /// Records consent events for the brand that the key stands for.
    pub async fn record_as(&self, key: &str, events: &[Value]) {
        let reply = self.post_as(key, "/v1/consents", &json!({ "events": events })).await;
        let answer = accepted(&reply);
        assert_eq!(answer.get("recorded"), Some(&json!(events.len())), "{answer}");
    }

    /// Stores a customer who agrees to all that an offer of ours needs.
    pub async fn welcome(&self, customer: &Value) {
        self.store(std::slice::from_ref(customer)).await;
        let id = customer.get("customer").and_then(Value::as_str).expect("it has an id");
        self.record(&words::all_consents(id)).await;
    }

    /// Starts with so many people, `c-0` and so on, who will each be sent these campaigns of one offer, if the cap allows.
    pub async fn with_audience(people: usize, campaigns: &[&str]) -> Self {
        let app = Self::start().await;
        for number in 0..people {
            app.welcome(&words::lyonnais(&format!("c-{number}"))).await;
        }
        app.add_offer(&words::exhibition()).await;
        for id in campaigns {
            app.add_campaign(&words::campaign(id, "expo")).await;
        }
        app
    }

    /// The recipients of all mails, each of whom must have got one.
    #[must_use]
    pub fn recipients(&self) -> BTreeSet<String> {
        let mails = self.outbox();
        let recipients: BTreeSet<_> = mails.iter().map(|mail| mail.to.clone()).collect();
        assert_eq!(recipients.len(), mails.len(), "someone was written to twice");
        recipients
    }

    /// Adds an offer, or a version of one.
    pub async fn add_offer(&self, offer: &Value) {
        accepted(&self.post("/v1/offers", offer).await);
    }

    /// Creates a campaign.
    pub async fn add_campaign(&self, campaign: &Value) {
        accepted(&self.post("/v1/campaigns", campaign).await);
    }

    /// Launches a campaign's first run and hands nothing on yet.
    pub async fn launch(&self, campaign: &str) -> Value {
        accepted(&self.post(&format!("/v1/campaigns/{campaign}/launch"), &json!({})).await)
    }

    /// Launches a campaign, hands every message on, and gives its report.
    pub async fn take_through(&self, campaign: &str) -> Value {
        self.launch(campaign).await;
        self.drain().await;
        self.report(campaign).await
    }

    /// The report of a campaign's latest run, after checking that it adds up.
    pub async fn report(&self, campaign: &str) -> Value {
        let reply = self.get(&format!("/v1/campaigns/{campaign}")).await;
        let report = accepted(&reply);
        let runs = report.get("runs").and_then(Value::as_array).expect("there are runs");
        let run = runs.last().expect("there is a run").clone();
        let figure = |name: &str| run.get(name).and_then(Value::as_u64).expect("the figure is there");
        let withheld = run.get("withheld").and_then(Value::as_object).expect("reasons");
        let spared: u64 = withheld.values().filter_map(Value::as_u64).sum();
        assert_eq!(spared, figure("spared"), "{run}");
        assert_eq!(
            figure("considered"),
            figure("sent") + spared + figure("open") + figure("queued"),
            "{run}"
        );
        run
    }

    /// The decision on a customer in a campaign's latest run.
    pub async fn decision(&self, campaign: &str, customer: &str) -> Value {
        let path = format!("/v1/campaigns/{campaign}/decisions/{customer}");
        accepted(&self.get(&path).await)
    }

    /// A customer's standing, for what no answer tells.
    pub async fn standing(&self, customer: &str) -> Standing {
        let customer = CustomerId::new(customer).expect("the id is one");
        let standing = self.stack.tables().standing(&brand_id(BRAND), &customer).await;
        standing.expect("the tables answer")
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

/// The answer of a call that went well, as JSON.
pub fn accepted(reply: &Reply) -> Value {
    assert!(reply.status.is_success(), "{} {}", reply.status, reply.text());
    reply.json().expect("the answer is JSON")
}

/// The path of a link of the stack.
#[must_use]
pub fn path_of(link: &str) -> &str {
    let (_, rest) = link.split_once("://").expect("the link is absolute");
    rest.find('/').map_or("/", |at| rest.split_at(at).1)
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
