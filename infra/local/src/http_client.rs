//! A small HTTP client for our own API: the demo and the stories speak to the stack as a brand's system would.

use std::fmt;

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why there was no answer.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The request could not be built.
    #[error("the request could not be built")]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server could not be reached, or hung up.
    #[error("the server did not answer")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An answer, whole.
#[derive(Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is no JSON of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The media type, without parameters; empty if there is none.
    #[must_use]
    pub fn media_type(&self) -> &str {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.split(';').next()).unwrap_or_default()
    }
}

/// A client of one server; keeps its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpConnector, Body>,
    base: String,
}

impl HttpClient {
    /// A client of the server at `base`, such as `http://127.0.0.1:9000`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            base: base.into(),
        }
    }

    /// Sends JSON, with an API key.
    ///
    /// # Errors
    /// [`RequestError`]; a refusal is an answer.
    pub async fn post_json(&self, path: &str, api_key: &str, body: &impl Serialize) -> Result<Reply, RequestError> {
        let body = serde_json::to_vec(body).map_err(|error| RequestError::Build(Box::new(error)))?;
        let mut request = self.request(Method::POST, path, Body::from(body))?;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        authorize(&mut request, api_key)?;
        self.send(request).await
    }

    /// Asks for something, with an API key.
    ///
    /// # Errors
    /// As [`post_json`](Self::post_json).
    pub async fn get_json(&self, path: &str, api_key: &str) -> Result<Reply, RequestError> {
        let mut request = self.request(Method::GET, path, Body::empty())?;
        authorize(&mut request, api_key)?;
        self.send(request).await
    }

    /// A request to a path, with nothing but its body.
    ///
    /// # Errors
    /// [`RequestError::Build`] when the path is none.
    pub fn request(&self, method: Method, path: &str, body: Body) -> Result<Request<Body>, RequestError> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(body)
            .map_err(|error| RequestError::Build(Box::new(error)))
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// [`RequestError::Answer`].
    pub async fn send(&self, request: Request<Body>) -> Result<Reply, RequestError> {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| RequestError::Answer(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| RequestError::Answer(Box::new(error)))?;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

fn authorize(request: &mut Request<Body>, api_key: &str) -> Result<(), RequestError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {api_key}")).map_err(|error| RequestError::Build(Box::new(error)))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}
