//! Opaque identifiers. Each kind of thing has its own type, so that a customer's id cannot be passed for a run's.

use std::fmt;

use thiserror::Error;

/// Why an identifier was refused. The rejected value is never repeated: it may be an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More bytes than the kind allows.
    #[error("must be at most {most} characters")]
    TooLong {
        /// The most characters this kind of id may have.
        most: usize,
    },
    /// A character outside the kind's alphabet.
    #[error("may hold only {allowed}")]
    Character {
        /// The alphabet, in words.
        allowed: &'static str,
    },
}

/// SES message tags allow exactly this alphabet, and ids travel in them.
const TAG_ALPHABET: &str = "ASCII letters, digits, '-' and '_'";

fn check(text: &str, most: usize, allowed: &'static str, fits: fn(u8) -> bool) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > most {
        return Err(InvalidId::TooLong { most });
    }
    if !text.bytes().all(fits) {
        return Err(InvalidId::Character { allowed });
    }
    Ok(())
}

const fn fits_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// `#` separates the parts of a key and `@` makes an address: a customer id holds neither.
const fn fits_customer(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $most:expr, $allowed:expr, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// [`InvalidId`] says which of the two failed.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check(&text, $most, $allowed, $fits)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// The tenant and data controller; every key starts with it.
    BrandId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// The data subject, under an opaque id chosen by the brand: never an e-mail address.
    CustomerId, 64, "ASCII letters, digits, '-', '_', '.' and ':' (never an e-mail address)", fits_customer
);
id!(
    /// A kind of message people can choose, such as `offers`.
    TopicId, 32, TAG_ALPHABET, fits_tag
);
id!(
    /// What is proposed.
    OfferId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// An offer, an audience, a goal, thresholds and a schedule.
    CampaignId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// One occurrence of a campaign; claims, deliveries and counts are per run.
    RunId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// A shop, venue or area of an offer.
    PlaceId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// A consent event's id, chosen by whoever records it; a repeated id answers as the first did.
    EventId, 64, TAG_ALPHABET, fits_tag
);
id!(
    /// One attempt at a delivery: every change after the claim is fenced by it.
    AttemptId, 32, TAG_ALPHABET, fits_tag
);
id!(
    /// One transactional message that was asked for: queued twice, it is sent once.
    RequestId, 32, TAG_ALPHABET, fits_tag
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_is_not_a_customer_id() {
        assert_eq!(
            CustomerId::new("camille@example.com").unwrap_err().to_string(),
            "may hold only ASCII letters, digits, '-', '_', '.' and ':' (never an e-mail address)"
        );
    }

    #[test]
    fn a_key_separator_cannot_be_smuggled_into_an_id() {
        assert!(BrandId::new("brand#other").is_err());
        assert!(CustomerId::new("c#1").is_err());
        assert!(RunId::new("").is_err());
        assert_eq!(RunId::new("r".repeat(65)), Err(InvalidId::TooLong { most: 64 }));
    }
}
