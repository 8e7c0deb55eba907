//! API keys of brands: `apr_<key id>_<secret>`, of which only a hash of the secret is kept.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
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

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.code() == name)
            .ok_or(UnknownScope)
    }
}

/// A set of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet(BTreeSet<Scope>);

/// Not the name of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a scope is one of consents:write, context:write, campaigns:write, campaigns:read, relevance:read")]
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
        text.split(' ').map(str::parse).collect()
    }

    /// Whether the set has the scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
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

/// The part of a key by which it is known, and which may be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// Not the id of a key. What was given is not repeated: it may be a whole key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be the 12 hexadecimal digits that follow 'apr_' in the key")]
pub struct MalformedKeyId;

impl KeyId {
    /// Checks length and alphabet.
    ///
    /// # Errors
    /// [`MalformedKeyId`].
    pub fn new(text: impl Into<String>) -> Result<Self, MalformedKeyId> {
        let text = text.into();
        if text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text))
        } else {
            Err(MalformedKeyId)
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key as a caller shows it.
#[derive(Clone)]
pub struct PresentedKey {
    id: KeyId,
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
            id: KeyId(id.iter().map(|byte| format!("{byte:02x}")).collect()),
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
        let id = KeyId::new(id).ok().ok_or(MalformedKey)?;
        let secret = from_base64url(secret)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(MalformedKey)?;
        Ok(Self { id, secret })
    }

    /// Reads the key of an `Authorization` header: `Bearer` in any case, spaces, the key (RFC 6750).
    ///
    /// # Errors
    /// [`MalformedKey`].
    pub fn from_authorization(header: &str) -> Result<Self, MalformedKey> {
        let (scheme, key) = header.split_once(' ').ok_or(MalformedKey)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(MalformedKey);
        }
        Self::parse(key.trim_matches(' '))
    }

    /// The id under which its record is kept.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
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
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used: at most one use in [`NOTED_EVERY`] is noted.
    pub last_used: Option<Timestamp>,
}

/// How often the use of a key is noted at most, so that a busy key costs no write a call.
pub const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl KeyRecord {
    /// Whether a use now is to be noted.
    #[must_use]
    pub fn is_use_to_be_noted(&self, now: Timestamp) -> bool {
        self.last_used
            .is_none_or(|noted| now.duration_since(noted) >= NOTED_EVERY)
    }
}

/// Why a key is not valid. A caller is told none of it: all look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidKey {
    /// No key has this id.
    #[error("no key has this id")]
    Unknown,
    /// The secret is not the key's.
    #[error("the secret is not this key's")]
    WrongSecret,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// It has ended.
    #[error("the key has expired")]
    Expired,
}

impl InvalidKey {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WrongSecret => "wrong_secret",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// Checks a shown key against the record that is kept under its id. A revoked key is refused whatever the clock says: no
/// clock that runs behind keeps it alive.
///
/// # Errors
/// [`InvalidKey`].
pub fn authenticate<'a>(
    presented: &PresentedKey,
    record: Option<&'a KeyRecord>,
    now: Timestamp,
) -> Result<&'a KeyRecord, InvalidKey> {
    let record = record.ok_or(InvalidKey::Unknown)?;
    if !bool::from(presented.hash().0.ct_eq(&record.key_hash.0)) {
        Err(InvalidKey::WrongSecret)
    } else if record.revoked_at.is_some() {
        Err(InvalidKey::Revoked)
    } else if record.expires_at.is_some_and(|end| end <= now) {
        Err(InvalidKey::Expired)
    } else {
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn record(key: &PresentedKey) -> KeyRecord {
        KeyRecord {
            brand: BrandId::new("b").unwrap(),
            key_hash: key.hash(),
            scopes: ScopeSet::all(),
            created_at: now(),
            expires_at: None,
            revoked_at: None,
            last_used: None,
        }
    }

    #[test]
    fn a_key_reads_back_and_authenticates() {
        let key = PresentedKey::parse(&PresentedKey::mint([1; 6], [2; 32]).reveal()).unwrap();
        let record = record(&key);
        assert_eq!(authenticate(&key, Some(&record), now()), Ok(&record));
        assert_eq!(format!("{key:?}"), "PresentedKey(010101010101, redacted)");
    }

    #[test]
    fn a_key_is_refused_for_what_is_wrong_with_it() {
        let key = PresentedKey::mint([1; 6], [2; 32]);
        let valid = record(&key);
        let refusal = |record: &KeyRecord| authenticate(&key, Some(record), now()).unwrap_err();
        assert_eq!(authenticate(&key, None, now()), Err(InvalidKey::Unknown));

        let ends = |end| KeyRecord {
            expires_at: Some(end),
            ..valid.clone()
        };
        assert_eq!(refusal(&ends(now())), InvalidKey::Expired);
        let later = now() + SignedDuration::from_millis(1);
        assert!(authenticate(&key, Some(&ends(later)), now()).is_ok());

        let revoked = KeyRecord {
            revoked_at: Some(later),
            ..valid.clone()
        };
        assert_eq!(refusal(&revoked), InvalidKey::Revoked, "even by a clock ahead of ours");

        // Whoever tries the id of a revoked key is told apart from its former owner.
        let guess = PresentedKey::mint([1; 6], [3; 32]);
        assert_eq!(
            authenticate(&guess, Some(&revoked), now()),
            Err(InvalidKey::WrongSecret)
        );
    }

    #[test]
    fn a_use_is_noted_at_most_hourly() {
        let key = PresentedKey::mint([1; 6], [2; 32]);
        let used = |ago: SignedDuration| KeyRecord {
            last_used: Some(now() - ago),
            ..record(&key)
        };
        assert!(record(&key).is_use_to_be_noted(now()));
        assert!(!used(SignedDuration::from_millis(3_599_999)).is_use_to_be_noted(now()));
        assert!(used(NOTED_EVERY).is_use_to_be_noted(now()));
        assert!(
            !used(-NOTED_EVERY).is_use_to_be_noted(now()),
            "a clock that runs behind"
        );
    }

    #[test]
    fn the_key_of_a_header_follows_the_scheme_in_any_case() {
        let text = PresentedKey::mint([1; 6], [2; 32]).reveal();
        for header in [format!("Bearer {text}"), format!("bearer  {text} ")] {
            let key = PresentedKey::from_authorization(&header).unwrap();
            assert_eq!(key.id().as_str(), "010101010101");
        }
        for header in [
            text.clone(),
            format!("Basic {text}"),
            format!("Bearer{text}"),
            format!("Bearer {text},Bearer {text}"),
            String::new(),
        ] {
            assert_eq!(
                PresentedKey::from_authorization(&header).unwrap_err(),
                MalformedKey,
                "{header}"
            );
        }
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

    #[test]
    fn who_names_an_unknown_scope_is_told_all_of_them() {
        let told = UnknownScope.to_string();
        let named: Vec<_> = told.trim_start_matches("a scope is one of ").split(", ").collect();
        assert_eq!(named, Scope::ALL.map(Scope::code));
    }
}
