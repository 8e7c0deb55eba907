//! API keys of brands: `apr_<key id>_<secret>`, of which only a hash of the secret is kept.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::fingerprint::{base64url, from_base64url, sha256};
use crate::ids::BrandId;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Record consent events.
    ConsentsWrite,
    /// Store customers' context and contact points.
    ContextWrite,
    /// Create offers and campaigns; launch, pause, resume and cancel them.
    CampaignsWrite,
    /// Read reports and decisions.
    CampaignsRead,
    /// Rank offers for one customer.
    RelevanceRead,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ConsentsWrite,
        Self::ContextWrite,
        Self::CampaignsWrite,
        Self::CampaignsRead,
        Self::RelevanceRead,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConsentsWrite => "consents:write",
            Self::ContextWrite => "context:write",
            Self::CampaignsWrite => "campaigns:write",
            Self::CampaignsRead => "campaigns:read",
            Self::RelevanceRead => "relevance:read",
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet(BTreeSet<Scope>);

/// Not the name of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be names of scopes, separated by spaces")]
pub struct UnknownScope;

impl ScopeSet {
    /// Every scope.
    #[must_use]
    pub fn all() -> Self {
        Self(Scope::ALL.into())
    }

    /// Reads names separated by spaces.
    ///
    /// # Errors
    /// [`UnknownScope`].
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        text.split(' ')
            .map(|name| {
                Scope::ALL
                    .into_iter()
                    .find(|scope| scope.code() == name)
                    .ok_or(UnknownScope)
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the set has the scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|scope| scope.code()).collect::<Vec<_>>().join(" "))
    }
}

/// SHA-256 of a key's secret. The secret has 256 random bits, so it cannot be guessed and needs no slow hash.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// A stored hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To store it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(secret: &[u8; 32]) -> Self {
        Self(sha256(&[b"apropos api key", secret]))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(redacted)")
    }
}

/// A key as a caller shows it.
#[derive(Clone)]
pub struct PresentedKey {
    id: String,
    secret: [u8; 32],
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({}, redacted)", self.id)
    }
}

/// Not a key at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an API key of the form apr_<key id>_<secret>")]
pub struct MalformedKey;

impl PresentedKey {
    /// Makes a key from random bytes.
    #[must_use]
    pub fn mint(id: [u8; 6], secret: [u8; 32]) -> Self {
        Self {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            secret,
        }
    }

    /// Reads a key: a 12-digit id and 43 characters of base64url.
    ///
    /// # Errors
    /// [`MalformedKey`].
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let rest = text.strip_prefix("apr_").ok_or(MalformedKey)?;
        let (id, secret) = rest.split_once('_').ok_or(MalformedKey)?;
        if id.len() != 12 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(MalformedKey);
        }
        let secret = from_base64url(secret)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(MalformedKey)?;
        Ok(Self {
            id: id.to_owned(),
            secret,
        })
    }

    /// The id under which its record is kept.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The hash to keep.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.secret)
    }

    /// The key itself, shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("apr_{}_{}", self.id, base64url(&self.secret))
    }
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose key it is.
    pub brand: BrandId,
    /// The hash of its secret.
    pub key_hash: KeyHash,
    /// What it allows.
    pub scopes: ScopeSet,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The key is not valid: wrong, expired or revoked, which all look the same to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the API key is not valid")]
pub struct InvalidKey;

/// Checks a shown key against its record.
///
/// # Errors
/// [`InvalidKey`].
pub fn authenticate<'a>(
    presented: &PresentedKey,
    record: &'a KeyRecord,
    now: Timestamp,
) -> Result<&'a KeyRecord, InvalidKey> {
    let same: bool = presented.hash().0.ct_eq(&record.key_hash.0).into();
    let ended = [record.expires_at, record.revoked_at]
        .into_iter()
        .flatten()
        .any(|end| end <= now);
    if same && !ended { Ok(record) } else { Err(InvalidKey) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &PresentedKey) -> KeyRecord {
        KeyRecord {
            brand: BrandId::new("b").unwrap(),
            key_hash: key.hash(),
            scopes: ScopeSet::all(),
            expires_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_reads_back_and_authenticates_until_it_ends() {
        let key = PresentedKey::parse(&PresentedKey::mint([1; 6], [2; 32]).reveal()).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut record = record(&key);
        assert!(authenticate(&key, &record, now).is_ok());
        assert!(authenticate(&PresentedKey::mint([1; 6], [3; 32]), &record, now).is_err());
        record.revoked_at = Some(now);
        assert!(authenticate(&key, &record, now).is_err());
        assert_eq!(format!("{key:?}"), "PresentedKey(010101010101, redacted)");
    }

    #[test]
    fn anything_but_a_key_is_refused() {
        for text in [
            "",
            "apr_",
            "apr_010101010101_short",
            "key_010101010101_AA",
            "apr_01010101010G_AA",
        ] {
            assert!(PresentedKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn scopes_read_back() {
        assert_eq!(ScopeSet::parse(&ScopeSet::all().to_string()), Ok(ScopeSet::all()));
        assert_eq!(ScopeSet::parse("consents:write admin"), Err(UnknownScope));
    }
}
