//! The HTTP face of the stand-ins: SQS in AWS JSON 1.0 at `POST /`, SES v2 in REST JSON under `/v2/email/`.
//!
//! Requests are not authenticated: the router is for a loopback listener, or to be called without one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use http_body::Frame;
use serde_json::json;
use thiserror::Error;

use crate::mail_service::{MailService, SendAnswer};
use crate::queue_service::{QueueError, QueueService};

/// The account number that stands in queue URLs, ARNs and events.
pub const ACCOUNT_ID: &str = "000000000000";
/// The region that stands in ARNs and events.
pub const REGION: &str = "eu-west-3";

/// Longest request body, in bytes: SES takes messages of 10 MB, and JSON adds to that.
pub const MAX_BODY: usize = 11 * 1_048_576;

const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Both services behind one endpoint, for `endpoint_url` of the SDK's clients.
pub fn router(queues: QueueService, mails: MailService) -> Router {
    let services = Services {
        queues,
        mails,
        requests: Arc::new(AtomicU64::new(0)),
    };
    Router::new()
        .route("/", post(queue_call).fallback(unknown_path))
        .route("/v2/email/outbound-emails", post(send_email).fallback(unknown_path))
        .route("/v2/email/account", get(account).fallback(unknown_path))
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(services)
}

#[derive(Clone)]
struct Services {
    queues: QueueService,
    mails: MailService,
    requests: Arc<AtomicU64>,
}

impl Services {
    fn answer(&self, status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        if let Ok(request_id) = HeaderValue::from_str(&format!("00000000-0000-4000-9000-{request:012x}")) {
            headers.insert(REQUEST_ID, request_id);
        }
        response
    }

    fn rest_error(&self, status: StatusCode, kind: &'static str, message: &str) -> Response {
        let mut response = self.answer(status, JSON, json!({ "message": message }).to_string());
        response
            .headers_mut()
            .insert(ERROR_TYPE, HeaderValue::from_static(kind));
        response
    }
}

async fn queue_call(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable_body(&services, &rejection),
    };
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let origin = format!("http://{}", text(&HOST));
    let called = match text(&TARGET).strip_prefix("AmazonSQS.") {
        Some(operation) => services.queues.call(operation, &body, &origin),
        None => Err(QueueError::UnknownOperation),
    };
    let error = match called {
        Ok(body) => return services.answer(StatusCode::OK, JSON_1_0, body),
        Err(error) => error,
    };
    let (kind, code) = error.wire();
    let body = json!({ "__type": kind, "message": error.to_string() }).to_string();
    let mut response = services.answer(StatusCode::BAD_REQUEST, JSON_1_0, body);
    if let Ok(query_error) = HeaderValue::from_str(&format!("{code};Sender")) {
        response.headers_mut().insert(QUERY_ERROR, query_error);
    }
    response
}

async fn send_email(State(services): State<Services>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable_body(&services, &rejection),
    };
    let answer = match services.mails.send_json(&body) {
        Ok(answer) => answer,
        Err(unreadable) => {
            return services.rest_error(
                StatusCode::BAD_REQUEST,
                "SerializationException",
                &unreadable.to_string(),
            );
        }
    };
    match answer {
        SendAnswer::Accepted(message_id) => services.answer(StatusCode::OK, JSON, accepted_body(&message_id)),
        SendAnswer::Refused(refusal) => {
            let (status, kind) = refusal.kind.wire();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            services.rest_error(status, kind, refusal.message)
        }
        SendAnswer::InternalError => services.rest_error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalFailure",
            "Internal failure.",
        ),
        SendAnswer::Truncated(message_id) => {
            let whole = accepted_body(&message_id);
            let half = whole.get(..whole.len() / 2).unwrap_or("").to_owned();
            services.answer(StatusCode::OK, JSON, half)
        }
        SendAnswer::Reset => services.answer(StatusCode::OK, JSON, Body::new(Hangup)),
    }
}

async fn account(State(services): State<Services>) -> Response {
    let account = services.mails.account();
    // A struct of numbers and fixed strings is always written.
    services.answer(StatusCode::OK, JSON, serde_json::to_vec(&account).unwrap_or_default())
}

async fn unknown_path(State(services): State<Services>) -> Response {
    services.rest_error(StatusCode::NOT_FOUND, "UnknownOperationException", "Unknown operation.")
}

fn unreadable_body(services: &Services, rejection: &BytesRejection) -> Response {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return services.rest_error(
            rejection.status(),
            "RequestEntityTooLargeException",
            "Request is too long.",
        );
    }
    services.rest_error(
        StatusCode::BAD_REQUEST,
        "SerializationException",
        "The request body could not be read.",
    )
}

fn accepted_body(message_id: &str) -> String {
    json!({ "MessageId": message_id }).to_string()
}

/// A body that fails before its first byte. The server has then written nothing yet, not even the head, and closes the
/// connection: the caller sees it end without an answer.
struct Hangup;

#[derive(Debug, Error)]
#[error("closed without an answer, as the fault script says")]
struct ClosedOnPurpose;

impl HttpBody for Hangup {
    type Data = Bytes;
    type Error = ClosedOnPurpose;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClosedOnPurpose>>> {
        Poll::Ready(Some(Err(ClosedOnPurpose)))
    }
}
