//! Events as an HTTP API writes them (payload 2.0), for a function and for the authorizer.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, COOKIE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Values;
use crate::aws_endpoint::REGION;

/// Writes one thing as JSON and reads another from it. The parser's own message may quote what it read.
pub(super) fn as_lambda_reads<T: DeserializeOwned>(written: &impl Serialize) -> Option<T> {
    // By way of text, which is what is sent, and the only form that raw parts can be read from.
    let read = serde_json::to_string(written).and_then(|json| serde_json::from_str(&json));
    read.map_err(|error| tracing::error!(line = error.line(), "what is sent could not be read"))
        .ok()
}

/// An authorizer's event, payload 2.0, as AWS documents it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked<'a> {
    pub(super) version: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) route_arn: String,
    pub(super) identity_source: [String; 1],
    pub(super) route_key: &'a str,
    pub(super) raw_path: &'a str,
    pub(super) raw_query_string: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) cookies: &'a [String],
    pub(super) headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) query_string_parameters: &'a BTreeMap<String, String>,
    pub(super) request_context: &'a Context,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) path_parameters: &'a Values,
}

impl<'a> Asked<'a> {
    pub(super) fn about(event: &'a Event, authorization: String) -> Self {
        let context = &event.request_context;
        Self {
            version: event.version,
            kind: "REQUEST",
            route_arn: format!(
                "arn:aws:execute-api:{REGION}:{}:{}/{}/{}{}",
                context.account_id, context.api_id, context.stage, context.http.method, context.http.path
            ),
            identity_source: [authorization],
            route_key: &event.route_key,
            raw_path: &event.raw_path,
            raw_query_string: &event.raw_query_string,
            cookies: &event.cookies,
            headers: &event.headers,
            query_string_parameters: &event.query_string_parameters,
            request_context: context,
            path_parameters: &event.path_parameters,
        }
    }
}

/// An authorizer's simple answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) is_authorized: bool,
    #[serde(default)]
    pub(super) context: BTreeMap<String, String>,
}

/// An HTTP API's event, payload 2.0, as AWS documents it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) version: &'static str,
    pub(super) route_key: String,
    pub(super) raw_path: String,
    pub(super) raw_query_string: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cookies: Vec<String>,
    pub(super) headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) query_string_parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) path_parameters: Values,
    pub(super) request_context: Context,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Context {
    pub(super) account_id: &'static str,
    pub(super) api_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authorizer: Option<Authorizer>,
    pub(super) domain_name: String,
    pub(super) domain_prefix: &'static str,
    pub(super) http: HttpContext,
    pub(super) request_id: String,
    pub(super) route_key: String,
    pub(super) stage: &'static str,
    pub(super) time: String,
    pub(super) time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpContext {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) protocol: &'static str,
    pub(super) source_ip: String,
    pub(super) user_agent: String,
}

/// What a Lambda authorizer with simple answers hands on.
#[derive(Serialize)]
pub(super) struct Authorizer {
    pub(super) lambda: BTreeMap<String, String>,
}

pub(super) fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .map(str::to_owned)
        .collect()
}

/// Names in lower case, repeated values joined with commas, cookies apart, and the proxy's own.
pub(super) fn event_headers(headers: &HeaderMap, peer: SocketAddr) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<_, _> = headers
        .keys()
        .filter(|name| *name != COOKIE)
        .map(|name| (name.as_str().to_owned(), text(headers, name.as_str())))
        .collect();
    joined.insert("x-forwarded-for".to_owned(), peer.ip().to_string());
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name);
    let values: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.join(",")
}

pub(super) fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        joined.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    joined
        .into_iter()
        .map(|(name, values)| (name, values.join(",")))
        .collect()
}

/// An HTTP API passes these types on as text, and anything else, forms among it, in base64.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let value = text(headers, CONTENT_TYPE.as_str()).to_ascii_lowercase();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/")
        || matches!(
            media_type,
            "application/json" | "application/javascript" | "application/xml"
        )
}

pub(super) fn event_body(body: &Bytes, is_text: bool) -> String {
    if is_text {
        String::from_utf8_lossy(body).into_owned()
    } else {
        STANDARD.encode(body)
    }
}

/// Decodes `%xx`; a `%` that begins no such pair stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if let (b'%', [high, low, after_pair @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            decoded.push(high << 4 | low);
            rest = after_pair;
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
