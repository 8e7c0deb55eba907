//! API Gateway's authorizer: from an API key to its brand and scopes.
//!
//! Touches: API keys r, and their `last_used` w at most hourly.
//!
//! API Gateway keeps an answer for up to 60 seconds by the `Authorization` header alone, over all routes. That is sound
//! because the answer is made from that header alone, and because each function checks the scope of its own route. It
//! also means that a revocation, or a key's end, acts within 60 seconds.

mod handler;
mod request;
mod settings;

pub use handler::{Handler, NoVerdict};
pub use request::{AuthorizerEvent, Grant, Verdict};
