//! API Gateway's part: routes, the authorizer's call, and requests as HTTP API events (payload 2.0).
//!
//! Whom the authorizer does not let through is answered as API Gateway answers, which cannot be changed in an HTTP API.
//! One thing is left out: API Gateway keeps a verdict for up to 60 seconds; here each request is asked about anew.

mod event;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apropos_aws::Clock;
use apropos_aws::http::Problem;
use apropos_core::api_key::Scope;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body as EventBody;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::event::{
    Asked, Authorizer, Context, Event, HttpContext, Told, as_lambda_reads, cookies, event_body, event_headers, is_text,
    percent_decoded, query_parameters, text,
};
use crate::aws_endpoint::ACCOUNT_ID;
use crate::functions::{Function, Functions};

/// One route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method, or `ANY`.
    pub method: &'static str,
    /// The path; `{name}` stands for one part of it.
    pub pattern: &'static str,
    /// What answers.
    pub function: Function,
    /// The scope that the function asks for; with one, the authorizer runs first. Without one, the route is public.
    pub scope: Option<Scope>,
}

const fn brand(method: &'static str, pattern: &'static str, function: Function, scope: Scope) -> Route {
    Route {
        method,
        pattern,
        function,
        scope: Some(scope),
    }
}

const fn public(pattern: &'static str) -> Route {
    Route {
        method: "ANY",
        pattern,
        function: Function::CustomerPortal,
        scope: None,
    }
}

/// Every route. What matches none is not found, whatever the method, as in an HTTP API.
pub const ROUTES: [Route; 23] = [
    brand("POST", "/v1/customers", Function::IngestContext, Scope::ContextWrite),
    brand("POST", "/v1/consents", Function::IngestConsents, Scope::ConsentsWrite),
    brand("POST", "/v1/offers", Function::RunCampaigns, Scope::CampaignsWrite),
    brand("POST", "/v1/campaigns", Function::RunCampaigns, Scope::CampaignsWrite),
    campaign("POST", "/v1/campaigns/{campaign}/launch", Scope::CampaignsWrite),
    campaign("POST", "/v1/campaigns/{campaign}/pause", Scope::CampaignsWrite),
    campaign("POST", "/v1/campaigns/{campaign}/resume", Scope::CampaignsWrite),
    campaign("POST", "/v1/campaigns/{campaign}/cancel", Scope::CampaignsWrite),
    campaign("POST", "/v1/campaigns/{campaign}/preview", Scope::CampaignsRead),
    campaign("GET", "/v1/campaigns/{campaign}", Scope::CampaignsRead),
    campaign(
        "GET",
        "/v1/campaigns/{campaign}/decisions/{customer}",
        Scope::CampaignsRead,
    ),
    campaign("GET", "/v1/minimisation", Scope::CampaignsRead),
    brand("POST", "/v1/relevance", Function::ScoreOffers, Scope::RelevanceRead),
    Route {
        method: "GET",
        pattern: "/.well-known/apropos-receipt-key",
        function: Function::CustomerPortal,
        scope: None,
    },
    public("/u/{brand}/{token}"),
    public("/p/{brand}/{token}"),
    public("/d/{brand}/{token}"),
    public("/w/{brand}/{token}"),
    public("/a/{brand}/{token}"),
    public("/r/{brand}/{token}"),
    public("/e/{brand}/{token}"),
    public("/s/{brand}"),
    public("/c/{brand}/{token}"),
];

const fn campaign(method: &'static str, pattern: &'static str, scope: Scope) -> Route {
    brand(method, pattern, Function::RunCampaigns, scope)
}

/// The most bytes of a request: API Gateway's payload limit. The functions refuse far less themselves.
pub const MOST_BODY_BYTES: usize = 10 * 1_048_576;

/// The gateway over the functions. It answers every path, so it is the fallback of the stack's own pages.
pub(crate) fn router(functions: Arc<Functions>, clock: Clock) -> Router {
    let gateway = Gateway {
        functions,
        clock,
        requests: AtomicU64::new(0),
    };
    Router::new().fallback(answer).with_state(Arc::new(gateway))
}

struct Gateway {
    functions: Arc<Functions>,
    clock: Clock,
    requests: AtomicU64,
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let Some((route, values)) = find(method.as_str(), head.uri.path()) else {
        // The path may hold a token that was cut short: only that it led nowhere is logged.
        tracing::debug!(%method, status = 404, "no route");
        return response(no_route().response());
    };
    let answered = match gateway.event(route, values, &head, peer, body).await {
        Ok(event) => Arc::clone(&gateway.functions).http(route.function, event).await,
        Err(refused) => *refused,
    };
    tracing::debug!(%method, route = route.pattern, status = answered.status_code, "answered");
    response(answered)
}

fn no_route() -> Problem {
    Problem {
        kind: "urn:apropos:problem:no-such-route".to_owned(),
        title: "There is no such route",
        status: 404,
        detail: None,
        field: None,
        pointer: None,
    }
}

/// What API Gateway says itself, and all that it says.
fn gateway_answer(status: StatusCode, message: &str) -> Box<ApiGatewayV2httpResponse> {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status.as_u16());
    let json = HeaderValue::from_static("application/json");
    response.headers.insert(CONTENT_TYPE, json);
    response.body = Some(EventBody::Text(format!(r#"{{"message":"{message}"}}"#)));
    Box::new(response)
}

fn unanswered() -> Box<ApiGatewayV2httpResponse> {
    gateway_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// The values of a route's named parts, decoded.
type Values = BTreeMap<&'static str, String>;

fn find(method: &str, path: &str) -> Option<(&'static Route, Values)> {
    ROUTES
        .iter()
        .filter(|route| route.method == "ANY" || route.method == method)
        .find_map(|route| Some((route, values(route.pattern, path)?)))
}

fn values(pattern: &'static str, path: &str) -> Option<Values> {
    let mut values = Values::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let part = given.next()?;
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if part.is_empty() => return None,
            Some(name) => {
                values.insert(name, percent_decoded(part));
            }
            None if wanted == part => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(values)
}

impl Gateway {
    /// The request as the event that API Gateway would send, written as JSON first so that it is read as Lambda reads it.
    async fn event(
        &self,
        route: &Route,
        values: Values,
        head: &Parts,
        peer: SocketAddr,
        body: Body,
    ) -> Result<ApiGatewayV2httpRequest, Box<ApiGatewayV2httpResponse>> {
        let mut event = self.described(route, values, head, peer);
        if route.scope.is_some() {
            let authorizer = self.authorized(&event, &head.headers).await?;
            event.request_context.authorizer = Some(authorizer);
        }
        let body = axum::body::to_bytes(body, MOST_BODY_BYTES)
            .await
            .ok()
            .ok_or_else(|| Box::new(Problem::too_large().response()))?;
        let is_text = is_text(&head.headers);
        let event = Event {
            body: (!body.is_empty()).then(|| event_body(&body, is_text)),
            is_base64_encoded: !body.is_empty() && !is_text,
            ..event
        };
        as_lambda_reads(&event).ok_or_else(unanswered)
    }

    /// What the authorizer says of a caller. Without a header to tell callers by, it is not asked.
    async fn authorized(
        &self,
        event: &Event,
        headers: &HeaderMap,
    ) -> Result<Authorizer, Box<ApiGatewayV2httpResponse>> {
        let header = text(headers, AUTHORIZATION.as_str());
        if header.is_empty() {
            return Err(gateway_answer(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        let asked = as_lambda_reads(&Asked::about(event, header)).ok_or_else(unanswered)?;
        let verdict = Arc::clone(&self.functions).authorize(asked).await;
        // The verdict is read as API Gateway reads it: from its JSON.
        let told: Told = verdict.as_ref().and_then(as_lambda_reads).ok_or_else(unanswered)?;
        if !told.is_authorized {
            return Err(gateway_answer(StatusCode::FORBIDDEN, "Forbidden"));
        }
        Ok(Authorizer { lambda: told.context })
    }

    /// The event of a public request without a body.
    fn described(&self, route: &Route, values: Values, head: &Parts, peer: SocketAddr) -> Event {
        let now = self.clock.now();
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let route_key = format!("{} {}", route.method, route.pattern);
        // An HTTP API hands on the path decoded, whatever its name says.
        let path = percent_decoded(head.uri.path());
        let query = head.uri.query().unwrap_or_default();
        let host = text(&head.headers, HOST.as_str());
        Event {
            version: "2.0",
            route_key: route_key.clone(),
            raw_path: path.clone(),
            raw_query_string: query.to_owned(),
            cookies: cookies(&head.headers),
            headers: event_headers(&head.headers, peer),
            query_string_parameters: query_parameters(query),
            path_parameters: values,
            request_context: Context {
                account_id: ACCOUNT_ID,
                api_id: "local",
                authorizer: None,
                domain_name: host.split(':').next().unwrap_or_default().to_owned(),
                domain_prefix: "local",
                http: HttpContext {
                    method: head.method.as_str().to_owned(),
                    path,
                    protocol: "HTTP/1.1",
                    source_ip: peer.ip().to_string(),
                    user_agent: text(&head.headers, USER_AGENT.as_str()),
                },
                request_id: format!("{request:016x}"),
                route_key,
                stage: "$default",
                time: now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                time_epoch: now.as_millisecond(),
            },
            body: None,
            is_base64_encoded: false,
        }
    }
}

/// The function's answer as HTTP.
fn response(answered: ApiGatewayV2httpResponse) -> Response {
    let Some(status) = u16::try_from(answered.status_code)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
    else {
        return unreadable();
    };
    let body = answered.body.unwrap_or_default();
    // Bytes are bytes until they are written as JSON; only a text can be base64 already.
    let is_encoded = answered.is_base64_encoded && matches!(body, EventBody::Text(_));
    let body = if is_encoded {
        match STANDARD.decode(&*body) {
            Ok(bytes) => Body::from(bytes),
            Err(_) => return unreadable(),
        }
    } else {
        Body::from(body.to_vec())
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(answered.headers);
    for (name, value) in &answered.multi_value_headers {
        headers.append(name, value.clone());
    }
    for cookie in answered.cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
    response
}

/// API Gateway's answer when a function's own is not of its form.
fn unreadable() -> Response {
    tracing::error!("a function's answer could not be read");
    response(*unanswered())
}

#[cfg(test)]
mod tests {
    use apropos_aws::Tables;
    use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
    use axum::http::Method;
    use axum::http::header::COOKIE;

    use super::*;

    fn pattern(method: &str, path: &str) -> Option<&'static str> {
        find(method, path).map(|(route, _)| route.pattern)
    }

    #[test]
    fn a_path_leads_to_its_route_and_to_no_other() {
        assert_eq!(pattern("POST", "/v1/customers"), Some("/v1/customers"));
        assert_eq!(pattern("GET", "/v1/customers"), None);
        assert_eq!(pattern("POST", "/v1/customers/"), None);
        assert_eq!(pattern("POST", "/v1/campaigns//launch"), None);
        assert_eq!(
            pattern("POST", "/v1/campaigns/tree/launch"),
            Some("/v1/campaigns/{campaign}/launch")
        );
        for method in ["GET", "HEAD", "POST", "PUT"] {
            assert_eq!(pattern(method, "/u/tour/abc"), Some("/u/{brand}/{token}"));
        }
        assert_eq!(pattern("GET", "/u/tour/abc/def"), None);
    }

    #[test]
    fn named_parts_are_decoded() {
        let (_, values) = find("GET", "/v1/campaigns/tree/decisions/crm%3A7").unwrap();
        assert_eq!(
            values,
            Values::from([("campaign", "tree".to_owned()), ("customer", "crm:7".to_owned())])
        );
        assert_eq!(percent_decoded("100%/%zz%c3%a9%2"), "100%/%zzé%2");
    }

    #[test]
    fn no_two_routes_answer_one_request() {
        for (index, route) in ROUTES.iter().enumerate() {
            let (found, _) = find(route.method, route.pattern).unwrap();
            assert_eq!(found, route, "route {index}");
        }
    }

    #[test]
    fn forms_travel_in_base64_and_json_as_text() {
        let headers = |media_type| HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        assert!(is_text(&headers("application/json; charset=utf-8")));
        assert!(is_text(&headers("Text/Plain")));
        assert!(!is_text(&headers("application/x-www-form-urlencoded")));
        assert!(!is_text(&headers("multipart/form-data; boundary=x")));
        assert!(!is_text(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_request_becomes_the_event_of_payload_2_0() {
        let gateway = offline_gateway();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/u/tour/a%20b?x=1&y=2&x=3")
            .header("Host", "127.0.0.1:9000")
            .header("X-Twice", "a")
            .header("x-twice", "b")
            .header("Cookie", "one=1; two=2")
            .header("User-Agent", "mail-client/1")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Body::from("List-Unsubscribe=One-Click"))
            .unwrap();
        let (head, body) = request.into_parts();
        let (route, values) = find("POST", head.uri.path()).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 5000));
        let event = gateway.event(route, values, &head, peer, body).await.unwrap();
        assert_eq!(event.version.as_deref(), Some("2.0"));
        assert_eq!(event.route_key.as_deref(), Some("ANY /u/{brand}/{token}"));
        assert_eq!(event.raw_path.as_deref(), Some("/u/tour/a b"));
        assert_eq!(event.raw_query_string.as_deref(), Some("x=1&y=2&x=3"));
        assert_eq!(event.query_string_parameters.first("y"), Some("2"));
        assert_eq!(event.path_parameters["token"], "a b");
        assert_eq!(event.headers["x-twice"], "a,b");
        assert!(!event.headers.contains_key(COOKIE));
        assert_eq!(event.cookies.unwrap(), ["one=1", "two=2"]);
        assert!(event.is_base64_encoded);
        assert_eq!(
            STANDARD.decode(event.body.unwrap()).unwrap(),
            b"List-Unsubscribe=One-Click"
        );
        let context = event.request_context;
        assert_eq!(context.http.method, Method::POST);
        assert_eq!(context.http.source_ip.as_deref(), Some("127.0.0.1"));
        assert_eq!(context.http.user_agent.as_deref(), Some("mail-client/1"));
        assert_eq!(context.time.as_deref(), Some("01/Dec/2026:09:00:00 +0000"));
        assert!(context.authorizer.is_none());
    }

    #[tokio::test]
    async fn the_authorizer_is_asked_with_the_event_of_payload_2_0() {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/campaigns/tree/launch")
            .header("Authorization", "Bearer x")
            .body(())
            .unwrap();
        let (head, ()) = request.into_parts();
        let (route, values) = find("POST", head.uri.path()).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 5000));
        let event = offline_gateway().described(route, values, &head, peer);
        let asked = Asked::about(&event, "Bearer x".to_owned());
        let read: ApiGatewayV2CustomAuthorizerV2Request = as_lambda_reads(&asked).unwrap();
        assert_eq!(
            (read.version.as_deref(), read.type_.as_deref()),
            (Some("2.0"), Some("REQUEST"))
        );
        assert_eq!(
            read.route_arn.as_deref(),
            Some("arn:aws:execute-api:eu-west-3:000000000000:local/$default/POST/v1/campaigns/tree/launch")
        );
        assert_eq!(read.identity_source.unwrap(), ["Bearer x"]);
        assert_eq!(read.route_key.as_deref(), Some("POST /v1/campaigns/{campaign}/launch"));
        assert_eq!(read.headers["authorization"], "Bearer x");
        assert_eq!(read.path_parameters["campaign"], "tree");
        assert_eq!(read.request_context.http.method, Method::POST);
    }

    #[tokio::test]
    async fn an_authorizer_that_fails_is_no_refusal() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 5000));
        let gateway = offline_gateway();
        let status = async |header: Option<&str>| {
            let mut request = Request::builder().method(Method::POST).uri("/v1/customers");
            if let Some(header) = header {
                request = request.header("Authorization", header);
            }
            let (head, body) = request.body(Body::empty()).unwrap().into_parts();
            let (route, values) = find("POST", head.uri.path()).unwrap();
            let refused = gateway.event(route, values, &head, peer, body).await.unwrap_err();
            (refused.status_code, refused.body.unwrap())
        };
        let message = |text: &str| EventBody::Text(format!(r#"{{"message":"{text}"}}"#));
        // Its tables cannot be reached, which shows in the one that it has to look up.
        let key = format!("Bearer apr_{}_{}", "0".repeat(12), "A".repeat(43));
        assert_eq!(status(Some(&key)).await, (500, message("Internal Server Error")));
        assert_eq!(status(Some("Bearer x")).await, (403, message("Forbidden")));
        assert_eq!(status(Some("")).await, (401, message("Unauthorized")));
        assert_eq!(status(None).await, (401, message("Unauthorized")));
    }

    fn offline_gateway() -> Gateway {
        let clock = Clock::manual("2026-12-01T09:00:00Z".parse().unwrap());
        Gateway {
            functions: Arc::new(offline_functions(offline_tables(), clock.clone())),
            clock,
            requests: AtomicU64::new(0),
        }
    }

    fn offline_sdk() -> aws_config::SdkConfig {
        crate::stack::sdk_config("http://127.0.0.1:1")
    }

    fn offline_tables() -> Tables {
        Tables::new(aws_sdk_dynamodb::Client::new(&offline_sdk()), "apropos-")
    }

    fn offline_functions(tables: Tables, clock: Clock) -> Functions {
        use apropos_aws::{DeadLetters, Mailer, Pacer, Queue};
        use apropos_core::link::PublicBaseUrl;

        let queues = aws_sdk_sqs::Client::new(&offline_sdk());
        Functions::new(crate::functions::Parts {
            pacer: Pacer::new(tables.clone(), Mailer::new(&offline_sdk(), None), "eu-west-3").unwrap(),
            tables,
            clock,
            pages: Queue::new(queues.clone(), "http://127.0.0.1:1/pages".to_owned()),
            sends: Queue::new(queues.clone(), "http://127.0.0.1:1/sends".to_owned()),
            transactional: Queue::new(queues.clone(), "http://127.0.0.1:1/sends".to_owned()),
            again: Queue::new(queues.clone(), "http://127.0.0.1:1/sends".to_owned()),
            letters: ["pages", "sends", "feedback"]
                .map(|queue| DeadLetters::new(queues.clone(), format!("http://127.0.0.1:1/{queue}-dead"))),
            mailer: Mailer::new(&offline_sdk(), None),
            topic: apropos_aws::TopicArn::new(&crate::notification::topic()).unwrap(),
            base: PublicBaseUrl::new("http://127.0.0.1:1").unwrap(),
            secrets: crate::data_dir::passing_secrets().unwrap(),
        })
    }
}
