//! What API Gateway asks and is told: an authorizer's event of payload format 2.0, and the simple answer.

use apropos_core::api_key::{KeyId, KeyRecord};
use apropos_core::objects::from_str;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The part of an authorizer's event that the answer is made from. It has no `Debug`, and reading it cannot fail in a
/// way that quotes it, whatever the event is: what is in it is a secret.
#[derive(Deserialize)]
#[serde(from = "Box<RawValue>")]
pub struct AuthorizerEvent {
    authorization: Option<String>,
}

impl AuthorizerEvent {
    /// The `Authorization` header, if that is the one identity source; in payload format 1.0 it is not a list.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl From<Box<RawValue>> for AuthorizerEvent {
    fn from(event: Box<RawValue>) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Asked {
            identity_source: [String; 1],
        }
        let asked = from_str::<Asked>(event.get()).ok();
        Self {
            authorization: asked.map(
                |Asked {
                     identity_source: [header],
                 }| header,
            ),
        }
    }
}

/// The simple answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the caller may go on.
    pub is_authorized: bool,
    /// What the function behind is told of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Grant>,
}

impl Verdict {
    pub(crate) const fn refused() -> Self {
        Self {
            is_authorized: false,
            context: None,
        }
    }

    pub(crate) fn allowed(key: &KeyId, record: &KeyRecord) -> Self {
        Self {
            is_authorized: true,
            context: Some(Grant {
                brand: record.brand.to_string(),
                scopes: record.scopes.to_string(),
                key: key.to_string(),
            }),
        }
    }
}

/// What a key stands for, under the names that `apropos_aws::http::authorized` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Whose key it is.
    pub brand: String,
    /// The names of its scopes, separated by spaces.
    pub scopes: String,
    /// The key's id.
    pub key: String,
}
