//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again, because its answer was
//! lost, is answered as it was the first time and has its effect once.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use thiserror::Error;

use crate::fingerprint::{base64url, sha256};
use crate::ids::BrandId;

/// How long an answer is kept: a caller that has not asked again within a day has given up.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How long a request may be running before it is taken for dead: longer than any function may run.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The most characters of a key.
pub const MOST_CHARACTERS: usize = 255;

/// A caller's name for one request.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to {MOST_CHARACTERS} visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Reads the header's value: a string in quotes, as the draft has it, or the bare text, as most callers send it.
    /// The two are the same key.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`].
    pub fn new(value: &str) -> Result<Self, InvalidIdempotencyKey> {
        let value = value.trim();
        let text = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        let is_visible = text.chars().all(|character| character.is_ascii_graphic());
        if text.is_empty() || text.len() > MOST_CHARACTERS || !is_visible || text.contains('"') {
            Err(InvalidIdempotencyKey)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// What its answer is kept under: nobody else's key, and none of another brand, comes to the same.
    #[must_use]
    pub fn kept_under(&self, brand: &BrandId) -> String {
        let hash = sha256(&[brand.as_str().as_bytes(), self.0.as_bytes()]);
        format!("{brand}#{}", base64url(&hash))
    }
}

/// Shows nothing: callers put order numbers and worse into keys.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdempotencyKey(…)")
    }
}

/// What was asked: method, path and body, as a hash. White space and the order of a JSON object's fields do not count.
#[must_use]
pub fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    // Objects of `Value` are sorted by their fields' names.
    let canonical = serde_json::from_slice::<Value>(body)
        .and_then(|value| serde_json::to_vec(&value))
        .unwrap_or_else(|_| body.to_vec());
    sha256(&[method.as_bytes(), path.as_bytes(), &canonical])
}

/// What is kept of an earlier request with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// What it asked.
    pub fingerprint: [u8; 32],
    /// Whether its answer is there.
    pub is_answered: bool,
    /// Until when it may be running, if it is not answered.
    pub leased_until: Timestamp,
    /// From when it is as if it had never been.
    pub expires_at: Timestamp,
}

/// What to do with a request whose key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Do it: the earlier one is forgotten, or died before it was answered.
    Do,
    /// Give the earlier answer.
    Replay,
    /// The earlier one is still being done.
    Running,
    /// The key was used for something else.
    Different,
}

impl Earlier {
    /// What to do with a request that has this key and asks for `fingerprint`.
    #[must_use]
    pub fn verdict(&self, fingerprint: &[u8; 32], now: Timestamp) -> Verdict {
        if self.expires_at <= now {
            Verdict::Do
        } else if self.fingerprint != *fingerprint {
            Verdict::Different
        } else if self.is_answered {
            Verdict::Replay
        } else if self.leased_until <= now {
            Verdict::Do
        } else {
            Verdict::Running
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn earlier(is_answered: bool) -> Earlier {
        Earlier {
            fingerprint: [1; 32],
            is_answered,
            leased_until: NOON + LEASE,
            expires_at: NOON + KEPT_FOR,
        }
    }

    #[test]
    fn quotes_belong_to_the_header_and_not_to_the_key() {
        assert_eq!(IdempotencyKey::new("\"order-7\""), IdempotencyKey::new(" order-7 "));
        for text in ["", "\"\"", "a b", "é", "a\"b", "\"a", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::new(text), Err(InvalidIdempotencyKey), "{text}");
        }
        assert!(IdempotencyKey::new(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = IdempotencyKey::new("camille-order-7").unwrap();
        assert!(!format!("{key:?}").contains("camille"));
        let brand = BrandId::new("lumen").unwrap();
        assert!(!key.kept_under(&brand).contains("camille"));
    }

    #[test]
    fn one_key_of_two_brands_is_two_keys() {
        let key = IdempotencyKey::new("1").unwrap();
        let under = |brand: &str| key.kept_under(&BrandId::new(brand).unwrap());
        assert_ne!(under("lumen"), under("foulee"));
    }

    #[test]
    fn spaces_and_the_order_of_fields_do_not_count_and_all_else_does() {
        let of = |body: &str| fingerprint("POST", "/v1/offers", body.as_bytes());
        let one = of(r#"{"id": "a", "n": [1, 2]}"#);
        assert_eq!(one, of("{\"n\":[1,2],\n\"id\":\"a\"}"));
        for other in [r#"{"id": "a", "n": [2, 1]}"#, r#"{"id": "a"}"#, "", "not json"] {
            assert_ne!(one, of(other), "{other}");
        }
        assert_ne!(of(""), fingerprint("POST", "/v1/campaigns", b""));
    }

    #[test]
    fn what_died_is_done_again_by_the_same_request_only() {
        let dead = NOON + LEASE;
        assert_eq!(earlier(false).verdict(&[1; 32], dead), Verdict::Do);
        assert_eq!(earlier(false).verdict(&[2; 32], dead), Verdict::Different);
        assert_eq!(earlier(false).verdict(&[1; 32], NOON), Verdict::Running);
    }

    #[test]
    fn an_answer_is_given_again_until_it_expires() {
        let last = NOON + KEPT_FOR - SignedDuration::from_nanos(1);
        assert_eq!(earlier(true).verdict(&[1; 32], last), Verdict::Replay);
        assert_eq!(earlier(true).verdict(&[1; 32], NOON + KEPT_FOR), Verdict::Do);
        assert_eq!(earlier(true).verdict(&[2; 32], NOON + KEPT_FOR), Verdict::Do);
    }

    proptest! {
        #[test]
        fn within_its_time_another_request_is_never_done(
            is_answered: bool,
            other in prop::array::uniform32(any::<u8>()),
            after in 0_i64..24 * 3_600,
        ) {
            prop_assume!(other != [1; 32]);
            let now = NOON + SignedDuration::from_secs(after);
            prop_assert_eq!(earlier(is_answered).verdict(&other, now), Verdict::Different);
        }
    }
}
