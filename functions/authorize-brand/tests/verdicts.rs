//! Verdicts over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_authorize_brand::{AuthorizerEvent, Handler, NoVerdict, Verdict};
use apropos_aws::http::authorized;
use apropos_aws::{Clock, Tables};
use apropos_core::api_key::{KeyId, PresentedKey, Scope, ScopeSet};
use apropos_core::ids::BrandId;
use apropos_emulator::Emulator;
use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const FIXTURE: &str = include_str!("../../../tests/fixtures/apigw_v2_authorizer.json");
const NOW: Timestamp = Timestamp::constant(1_796_115_600, 0);

struct Gate {
    handler: Handler,
    tables: Tables,
    client: Client,
    clock: Clock,
}

impl Gate {
    async fn start() -> Self {
        let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
        let clock = Clock::manual(NOW);
        Self {
            handler: Handler::new(tables.clone(), clock.clone()),
            tables,
            client,
            clock,
        }
    }

    async fn mint(&self, scopes: &str, expires_at: Option<Timestamp>) -> PresentedKey {
        let brand = BrandId::new("lumen").unwrap();
        let scopes = ScopeSet::parse(scopes).unwrap();
        let minted = self.tables.mint_api_key(&brand, scopes, expires_at, NOW).await;
        minted.unwrap()
    }

    async fn ask(&self, header: &str) -> Verdict {
        self.handler.on(&event(header)).await.unwrap()
    }

    async fn last_used(&self, id: &KeyId) -> Option<Timestamp> {
        self.tables.api_key(id).await.unwrap().unwrap().last_used
    }
}

/// The event as AWS sends it, with another header.
fn event(header: &str) -> AuthorizerEvent {
    let mut event: Value = serde_json::from_str(FIXTURE).unwrap();
    let given = event.as_object_mut().unwrap();
    given.insert("identitySource".to_owned(), json!([header]));
    serde_json::from_value(event).unwrap()
}

fn bearer(key: &PresentedKey) -> String {
    format!("Bearer {}", key.reveal())
}

#[tokio::test]
async fn a_valid_key_is_its_brand_with_its_scopes() {
    let gate = Gate::start().await;
    let key = gate.mint("consents:write campaigns:read", None).await;
    let verdict = serde_json::to_value(gate.ask(&bearer(&key)).await).unwrap();
    assert_eq!(
        verdict,
        json!({
            "isAuthorized": true,
            "context": { "brand": "lumen", "scopes": "consents:write campaigns:read", "key": key.id().as_str() }
        })
    );

    // What the function behind makes of it.
    let mut request = ApiGatewayV2httpRequest::default();
    request.request_context.authorizer = serde_json::from_value(json!({ "lambda": verdict.get("context") })).unwrap();
    assert_eq!(authorized(&request, Scope::CampaignsRead).unwrap().as_str(), "lumen");
    assert_eq!(authorized(&request, Scope::ContextWrite).unwrap_err().status, 403);
}

#[tokio::test]
async fn whoever_shows_no_valid_key_is_refused_and_told_nothing_else() {
    let gate = Gate::start().await;
    let expired = gate.mint("consents:write", Some(NOW)).await;
    let revoked = gate.mint("consents:write", None).await;
    gate.tables.revoke_api_key(revoked.id(), NOW).await.unwrap();
    let valid = gate.mint("consents:write", None).await;
    let wrong = bearer(&valid).replace(&bearer(&valid)[30..], &"A".repeat(bearer(&valid).len() - 30));
    let unknown = bearer(&PresentedKey::mint([7; 6], [7; 32]));
    let basic = bearer(&valid).replace("Bearer", "Basic");
    for header in [
        bearer(&expired),
        bearer(&revoked),
        wrong,
        unknown,
        basic,
        valid.reveal(),
        "Bearer".to_owned(),
    ] {
        let verdict = serde_json::to_value(gate.ask(&header).await).unwrap();
        assert_eq!(verdict, json!({ "isAuthorized": false }), "{header}");
    }
    assert!(gate.ask(&bearer(&valid)).await.is_authorized);
}

#[tokio::test]
async fn a_key_ends_at_its_time() {
    let gate = Gate::start().await;
    let key = gate
        .mint("consents:write", Some(NOW + SignedDuration::from_secs(1)))
        .await;
    assert!(gate.ask(&bearer(&key)).await.is_authorized);
    gate.clock.advance(SignedDuration::from_secs(1));
    assert!(!gate.ask(&bearer(&key)).await.is_authorized);
}

#[tokio::test]
async fn the_answer_is_made_from_what_the_gateway_keeps_it_by() {
    let gate = Gate::start().await;
    let key = gate.mint("consents:write", None).await;
    let elsewhere = json!({
        "identitySource": [bearer(&key)],
        "routeArn": "arn:aws:execute-api:eu-west-3:123456789012:abcdefghij/$default/GET/v1/campaigns/tree",
        "headers": { "authorization": "Bearer of something else" },
    });
    let elsewhere: AuthorizerEvent = serde_json::from_value(elsewhere).unwrap();
    assert_eq!(
        gate.handler.on(&elsewhere).await.unwrap(),
        gate.ask(&bearer(&key)).await
    );
}

#[tokio::test]
async fn a_use_is_noted_at_most_hourly_and_a_refusal_never() {
    let gate = Gate::start().await;
    let key = gate.mint("consents:write", None).await;
    let guess = bearer(&key).replace(&bearer(&key)[30..], &"A".repeat(bearer(&key).len() - 30));
    assert!(!gate.ask(&guess).await.is_authorized);
    assert_eq!(gate.last_used(key.id()).await, None);
    for (minutes, noted) in [(0, 0), (59, 0), (1, 60), (30, 60)] {
        gate.clock.advance(SignedDuration::from_mins(minutes));
        assert!(gate.ask(&bearer(&key)).await.is_authorized);
        let at = NOW + SignedDuration::from_mins(noted);
        assert_eq!(gate.last_used(key.id()).await, Some(at), "after {minutes} more");
    }
}

#[derive(Debug)]
struct NoUpdates;

impl Intercept for NoUpdates {
    fn name(&self) -> &'static str {
        "NoUpdates"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.input().downcast_ref::<UpdateItemInput>().is_some() {
            return Err("updates are refused".into());
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_caller_is_not_refused_because_the_use_could_not_be_noted() {
    let gate = Gate::start().await;
    let key = gate.mint("consents:write", None).await;
    let config = gate.client.config().to_builder().interceptor(NoUpdates).build();
    let read_only = Tables::new(Client::from_conf(config), "t-");
    assert!(read_only.touch_api_key(key.id(), NOW).await.is_err());
    let handler = Handler::new(read_only, Clock::manual(NOW));
    assert!(handler.on(&event(&bearer(&key))).await.unwrap().is_authorized);
    assert_eq!(gate.last_used(key.id()).await, None);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_no_refusal() {
    let gate = Gate::start().await;
    let key = gate.mint("consents:write", None).await;
    let elsewhere = Tables::new(gate.client.clone(), "not-there-");
    let handler = Handler::new(elsewhere, Clock::manual(NOW));
    let failed = handler.on(&event(&bearer(&key))).await.unwrap_err();
    assert!(matches!(failed, NoVerdict::Store(_)));
    assert!(!format!("{failed:?}").contains(&key.reveal()));
}

#[tokio::test]
async fn the_event_of_aws_is_read_and_one_of_another_form_is_a_fault_that_quotes_nothing() {
    let gate = Gate::start().await;
    // The fixture is what the platform's own types take for such an event.
    let as_aws: ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_str(FIXTURE).unwrap();
    assert_eq!(as_aws.identity_source.unwrap().len(), 1);
    let fixture: AuthorizerEvent = serde_json::from_str(FIXTURE).unwrap();
    assert!(!gate.handler.on(&fixture).await.unwrap().is_authorized, "nobody's key");

    // Payload format 1.0 has a text there; two sources are not what the template says.
    for source in [json!("Bearer apr_canary"), json!(["Bearer apr_canary", "x"]), json!([])] {
        let event: AuthorizerEvent = serde_json::from_value(json!({ "identitySource": source })).unwrap();
        let failed = gate.handler.on(&event).await.unwrap_err();
        assert!(matches!(failed, NoVerdict::Event));
        assert!(!format!("{failed:?} {failed}").contains("canary"));
    }
}
