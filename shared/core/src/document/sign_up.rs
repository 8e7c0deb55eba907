//! A sign-up that waits to be confirmed, as JSON.

use serde::{Deserialize, Serialize};

use super::brand::NoticeDocument;
use super::context::ContactDocument;
use super::field::{At, FieldError, time};
use crate::consent::Purpose;
use crate::ids::CustomerId;
use crate::sign_up::SignUp;

/// A sign-up.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignUpDocument {
    /// Who they will be, unless the address is known already.
    pub customer: String,
    /// Where to write to.
    pub contact: ContactDocument,
    /// What was ticked: `email.offers`, …
    pub purposes: Vec<String>,
    /// The notice that was shown.
    pub notice: NoticeDocument,
    /// RFC 3339.
    pub asked_at: String,
}

impl SignUpDocument {
    /// The document of a sign-up.
    #[must_use]
    pub fn of(sign_up: &SignUp) -> Self {
        Self {
            customer: sign_up.customer.to_string(),
            contact: ContactDocument::of(&sign_up.contact),
            purposes: sign_up.purposes.iter().map(Purpose::code).collect(),
            notice: NoticeDocument::of(&sign_up.notice),
            asked_at: sign_up.asked_at.to_string(),
        }
    }
}

impl TryFrom<&SignUpDocument> for SignUp {
    type Error = FieldError;

    fn try_from(document: &SignUpDocument) -> Result<Self, FieldError> {
        let purposes = document
            .purposes
            .iter()
            .enumerate()
            .map(|(position, code)| Purpose::from_code(code).at(&format!("purposes[{position}]")))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            customer: CustomerId::new(document.customer.as_str()).at("customer")?,
            contact: document.contact.parse(None).map_err(|error| error.within("contact"))?,
            purposes,
            notice: document.notice.parse().map_err(|error| error.within("notice"))?,
            asked_at: time("asked_at", &document.asked_at)?,
        })
    }
}
