//! Addresses that must not be written to, kept as keyed hashes. A plain SHA-256 of an address is not anonymous: the
//! addresses of the world can be tried (WP29 opinion 05/2014, section 4). The key, the pepper, stays in a secret store.

use crate::email::EmailAddress;
use crate::fingerprint::{base64url, from_base64url, hmac256};
use crate::ids::BrandId;

/// The secret key of the hashes.
#[derive(Clone)]
pub struct Pepper(Vec<u8>);

/// A pepper that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at least 32 characters")]
pub struct WeakPepper;

impl Pepper {
    /// Takes a secret of at least 32 bytes.
    ///
    /// # Errors
    /// [`WeakPepper`] for a shorter one.
    pub fn new(secret: &str) -> Result<Self, WeakPepper> {
        if secret.len() < 32 {
            Err(WeakPepper)
        } else {
            Ok(Self(secret.as_bytes().to_vec()))
        }
    }
}

impl Pepper {
    /// A key of its own for another use, from which the pepper cannot be told.
    #[must_use]
    pub fn derive(&self, label: &[u8]) -> [u8; 32] {
        hmac256(&self.0, &[b"derived key", label])
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper(redacted)")
    }
}

/// A keyed hash of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressHash([u8; 32]);

impl AddressHash {
    /// 43 characters of base64url.
    #[must_use]
    pub fn to_text(self) -> String {
        base64url(&self.0)
    }

    /// Reads [`to_text`](Self::to_text) back; `None` for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Some(Self(from_base64url(text)?.try_into().ok()?))
    }
}

/// The hash of an address for one brand: two brands cannot compare theirs (invariant I9).
#[must_use]
pub fn address_hash(pepper: &Pepper, brand: &BrandId, address: &EmailAddress) -> AddressHash {
    AddressHash(hmac256(
        &pepper.0,
        &[b"brand", brand.as_str().as_bytes(), address.canonical().as_bytes()],
    ))
}

/// The hash of an address for all brands: used for permanent undeliverability only.
#[must_use]
pub fn global_address_hash(pepper: &Pepper, address: &EmailAddress) -> AddressHash {
    AddressHash(hmac256(&pepper.0, &[b"anywhere", address.canonical().as_bytes()]))
}

/// Under what the turns of a form are counted: an address, a network, a link. A keyed hash, so that a counter tells
/// nobody whose it is; one for each brand, so that no answer to one depends on another's (invariant I9).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TurnKey(String);

impl TurnKey {
    /// The key for one value of one kind, such as `source`.
    #[must_use]
    pub fn new(pepper: &Pepper, brand: &BrandId, kind: &str, value: &[u8]) -> Self {
        let hash = hmac256(&pepper.0, &[b"turn", brand.as_str().as_bytes(), kind.as_bytes(), value]);
        Self(base64url(&hash))
    }

    /// The key for an address: whatever form it is typed into.
    #[must_use]
    pub fn of_address(address: AddressHash) -> Self {
        Self(address.to_text())
    }

    /// 43 characters of base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why an address is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressionReason {
    /// It does not exist.
    HardBounce,
    /// Its owner reported a message as spam.
    Complaint,
    /// Its owner had their data erased (GDPR 17): an old import must not bring them back.
    Erasure,
}

impl SuppressionReason {
    const ALL: [Self; 3] = [Self::HardBounce, Self::Complaint, Self::Erasure];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::Erasure => "erasure",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_hashes_alike_in_any_spelling_and_differently_for_each_brand() {
        let pepper = Pepper::new(&"p".repeat(32)).unwrap();
        let brand = BrandId::new("a").unwrap();
        let hash = |brand, text| address_hash(&pepper, brand, &EmailAddress::parse(text).unwrap());
        assert_eq!(hash(&brand, "Camille@Example.com"), hash(&brand, "camille@example.COM"));
        let held = hash(&brand, "camille@example.com");
        assert_eq!(AddressHash::from_text(&held.to_text()), Some(held));
        for other in ["", "camille@example.com", &held.to_text()[1..]] {
            assert_eq!(AddressHash::from_text(other), None, "{other}");
        }
        assert_ne!(
            hash(&brand, "camille@example.com"),
            hash(&BrandId::new("b").unwrap(), "camille@example.com")
        );
    }
}
