//! The customer's link: a token that names nobody, cannot be guessed, and says by itself whether we made it.
//!
//! `token = base64url(version:1 | key id:1 | id:16 | topic:2 | [delivery:8] | tag:16)`, 48 characters, or 59 with the
//! delivery. The tag is the first 16 bytes of HMAC-SHA256 over a context string, the purpose, the brand and all before
//! it, so a token of one brand or purpose is garbage under another.

use std::collections::BTreeMap;
use std::fmt;

use hmac::Mac;
use jiff::SignedDuration;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use thiserror::Error;

use crate::campaign::DeliveryId;
use crate::fingerprint::{base64url, from_base64url, keyed};
use crate::ids::BrandId;

/// What a link lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkPurpose {
    /// Leave a topic. Never expires.
    Unsubscribe,
    /// See and change choices. Never expires.
    Preferences,
    /// Confirm a subscription, within 7 days, once.
    Confirm,
    /// See one's data, within 15 minutes, once.
    Access,
    /// Correct one's data, within 15 minutes, once.
    Correct,
    /// Erase one's data, within 15 minutes, once.
    Erase,
}

impl LinkPurpose {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unsubscribe,
        Self::Preferences,
        Self::Confirm,
        Self::Access,
        Self::Correct,
        Self::Erase,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Preferences => "preferences",
            Self::Confirm => "confirm",
            Self::Access => "access",
            Self::Correct => "correct",
            Self::Erase => "erase",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }

    /// How long a link lives, if it ends by itself: those that do can be used once.
    #[must_use]
    pub const fn lives_for(self) -> Option<SignedDuration> {
        match self {
            Self::Unsubscribe | Self::Preferences => None,
            Self::Confirm => Some(SignedDuration::from_hours(7 * 24)),
            Self::Access | Self::Correct | Self::Erase => Some(SignedDuration::from_mins(15)),
        }
    }

    /// The first part of the path of its page.
    #[must_use]
    pub const fn page(self) -> &'static str {
        match self {
            Self::Unsubscribe => "u",
            Self::Preferences => "p",
            Self::Confirm => "c",
            Self::Access => "a",
            Self::Correct => "r",
            Self::Erase => "e",
        }
    }
}

/// The random id that a link is resolved by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId([u8; 16]);

impl LinkId {
    /// From random bytes, or stored ones.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// To store it.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// 22 characters of base64url: the key it is stored under.
    #[must_use]
    pub fn to_text(self) -> String {
        base64url(&self.0)
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkId(redacted)")
    }
}

#[derive(Clone)]
struct LinkKey {
    id: u8,
    secret: String,
}

/// The keys of the links by their id: the one with the highest id signs, all verify, for ever.
#[derive(Clone)]
pub struct KeyRing(Vec<LinkKey>);

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys, redacted)", self.0.len())
    }
}

/// Why a key ring was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidKeyRing {
    /// Not the JSON of a ring.
    #[error("must be a JSON object of secrets by key id (0 to 255), such as {{\"1\": \"…\"}}")]
    Form,
    /// No key at all.
    #[error("must have at least one key")]
    Empty,
    /// Two keys with one id.
    #[error("has two keys with the same id")]
    SameId,
    /// A secret that could be guessed.
    #[error("has a secret of fewer than 32 characters")]
    Weak,
    /// Every key id is taken.
    #[error("has no key id left: the highest is 255")]
    Full,
}

impl KeyRing {
    /// Reads `{"1": "at least 32 characters", "2": …}`, the form that a secret store can generate the first key into.
    ///
    /// # Errors
    /// [`InvalidKeyRing`].
    pub fn parse(json: &str) -> Result<Self, InvalidKeyRing> {
        let Entries(entries) = serde_json::from_str(json).ok().ok_or(InvalidKeyRing::Form)?;
        let mut keys: Vec<LinkKey> = Vec::new();
        for (id, secret) in entries {
            // One way to write an id: `01` would be a second name of `1`.
            let number: u8 = id.parse().ok().ok_or(InvalidKeyRing::Form)?;
            if number.to_string() != id {
                return Err(InvalidKeyRing::Form);
            }
            keys.push(LinkKey { id: number, secret });
        }
        if keys.is_empty() {
            return Err(InvalidKeyRing::Empty);
        }
        if keys.iter().any(|key| key.secret.len() < LEAST_SECRET) {
            return Err(InvalidKeyRing::Weak);
        }
        keys.sort_by_key(|key| key.id);
        if !keys.is_sorted_by(|before, after| before.id < after.id) {
            return Err(InvalidKeyRing::SameId);
        }
        Ok(Self(keys))
    }

    /// The JSON of this ring with one more key, which signs from now on; the former ones go on verifying.
    ///
    /// # Errors
    /// [`InvalidKeyRing::Weak`] for a secret of fewer than 32 characters, [`InvalidKeyRing::Full`] when key 255 is taken.
    pub fn rotated(&self, secret: &str) -> Result<String, InvalidKeyRing> {
        if secret.len() < LEAST_SECRET {
            return Err(InvalidKeyRing::Weak);
        }
        let newest = self.0.last().map_or(0, |key| key.id);
        let id = newest.checked_add(1).ok_or(InvalidKeyRing::Full)?;
        let former = self.0.iter().map(|key| (key.id, key.secret.as_str()));
        let keys: BTreeMap<u8, &str> = former.chain([(id, secret)]).collect();
        serde_json::to_string(&keys).ok().ok_or(InvalidKeyRing::Form)
    }

    /// The ids of its keys; the last one signs.
    #[must_use]
    pub fn ids(&self) -> Vec<u8> {
        self.0.iter().map(|key| key.id).collect()
    }
}

const LEAST_SECRET: usize = 32;

/// The entries of a JSON object, also those that have the same name.
struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkContent {
    /// Resolved in the links table.
    pub id: LinkId,
    /// The number of the topic it is about.
    pub topic: u16,
    /// The delivery it came with.
    pub delivery: Option<DeliveryId>,
}

/// A signed token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// To put in a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

const VERSION: u8 = 1;
const CONTEXT: &[u8] = b"apropos link v1";
const TAG_BYTES: usize = 16;
const SHORT: usize = 48;
const LONG: usize = 59;

/// Signs a link with the newest key.
#[must_use]
pub fn sign(purpose: LinkPurpose, brand: &BrandId, content: LinkContent, ring: &KeyRing) -> Option<Token> {
    let key = ring.0.last()?;
    let mut bytes = vec![VERSION, key.id];
    bytes.extend_from_slice(&content.id.0);
    bytes.extend_from_slice(&content.topic.to_be_bytes());
    if let Some(delivery) = content.delivery {
        bytes.extend_from_slice(&delivery.0);
    }
    let tag = mac(key, purpose, brand, &bytes).finalize().into_bytes();
    bytes.extend(tag.into_iter().take(TAG_BYTES));
    Some(Token(base64url(&bytes)))
}

/// Signs a one-time link: its id alone says what it is about.
#[must_use]
pub fn sign_one_time(purpose: LinkPurpose, brand: &BrandId, id: LinkId, ring: &KeyRing) -> Option<Token> {
    let content = LinkContent {
        id,
        topic: 0,
        delivery: None,
    };
    sign(purpose, brand, content, ring)
}

fn mac(key: &LinkKey, purpose: LinkPurpose, brand: &BrandId, signed: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    keyed(
        key.secret.as_bytes(),
        &[CONTEXT, purpose.code().as_bytes(), brand.as_str().as_bytes(), signed],
    )
}

/// Why a token was refused: for logs and key refreshing; a visitor sees one page for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidLink {
    /// Not a token.
    #[error("the link is not of our form")]
    Malformed,
    /// Signed with a key that this ring does not have; a newer ring may.
    #[error("the link is signed with key {0}, which is not in the ring")]
    UnknownKey(u8),
    /// Not signed by us, for this purpose and brand.
    #[error("the link is not one that we signed")]
    Forged,
}

/// A token of the right form, not yet known to be ours. What it says cannot be read before it is verified.
#[derive(Clone)]
pub struct UnverifiedLink {
    signed: Vec<u8>,
    tag: Vec<u8>,
    key: u8,
}

impl fmt::Debug for UnverifiedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedLink(redacted)")
    }
}

impl UnverifiedLink {
    /// Checks the form: exact length first, then strict base64url, then the version.
    ///
    /// # Errors
    /// [`InvalidLink::Malformed`].
    pub fn parse(token: &str) -> Result<Self, InvalidLink> {
        if token.len() != SHORT && token.len() != LONG {
            return Err(InvalidLink::Malformed);
        }
        let mut signed = from_base64url(token).ok_or(InvalidLink::Malformed)?;
        let split = signed.len().checked_sub(TAG_BYTES).ok_or(InvalidLink::Malformed)?;
        let tag = signed.split_off(split);
        match signed.as_slice() {
            [VERSION, key, ..] => Ok(Self { key: *key, signed, tag }),
            _ => Err(InvalidLink::Malformed),
        }
    }

    /// Checks the signature in constant time, for a purpose and a brand.
    ///
    /// # Errors
    /// [`InvalidLink`].
    pub fn verify(self, purpose: LinkPurpose, brand: &BrandId, ring: &KeyRing) -> Result<LinkContent, InvalidLink> {
        let key = ring
            .0
            .iter()
            .find(|key| key.id == self.key)
            .ok_or(InvalidLink::UnknownKey(self.key))?;
        mac(key, purpose, brand, &self.signed)
            .verify_truncated_left(&self.tag)
            .ok()
            .ok_or(InvalidLink::Forged)?;
        let rest = self.signed.get(2..).ok_or(InvalidLink::Malformed)?;
        let (id, rest) = rest.split_first_chunk::<16>().ok_or(InvalidLink::Malformed)?;
        let (topic, rest) = rest.split_first_chunk::<2>().ok_or(InvalidLink::Malformed)?;
        let delivery = match rest {
            [] => None,
            bytes => Some(DeliveryId(bytes.try_into().ok().ok_or(InvalidLink::Malformed)?)),
        };
        Ok(LinkContent {
            id: LinkId(*id),
            topic: u16::from_be_bytes(*topic),
            delivery,
        })
    }
}

/// Where the public pages are: `https://…`, or `http://` on this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBaseUrl(String);

/// Why a base URL was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be https://<host>, or http://127.0.0.1:<port> or http://localhost:<port>, without a path")]
pub struct InvalidBaseUrl;

impl PublicBaseUrl {
    /// Checks the URL.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`].
    pub fn new(url: &str) -> Result<Self, InvalidBaseUrl> {
        let url = url.strip_suffix('/').unwrap_or(url);
        let (host, loopback_only) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(host), _) => (host, false),
            (None, Some(host)) => (host, true),
            (None, None) => return Err(InvalidBaseUrl),
        };
        let (name, port) = host
            .split_once(':')
            .map_or((host, None), |(name, port)| (name, Some(port)));
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
        let loopback = name == "localhost" || name == "127.0.0.1";
        if plain && (loopback || !loopback_only) {
            Ok(Self(url.to_owned()))
        } else {
            Err(InvalidBaseUrl)
        }
    }

    /// The page that leaves a topic; also the one-click address (RFC 8058).
    #[must_use]
    pub fn unsubscribe(&self, brand: &BrandId, token: &Token) -> String {
        self.page(LinkPurpose::Unsubscribe, brand, token)
    }

    /// The page of one's choices.
    #[must_use]
    pub fn preferences(&self, brand: &BrandId, token: &Token) -> String {
        self.page(LinkPurpose::Preferences, brand, token)
    }

    /// The page that says why a message came. It opens with the link to one's choices: it shows less.
    #[must_use]
    pub fn why(&self, brand: &BrandId, token: &Token) -> String {
        format!("{}/w/{brand}/{}", self.0, token.as_str())
    }

    /// The page that links of a purpose open.
    #[must_use]
    pub fn page(&self, purpose: LinkPurpose, brand: &BrandId, token: &Token) -> String {
        format!("{}/{}/{brand}/{}", self.0, purpose.page(), token.as_str())
    }

    /// The form where anyone signs up.
    #[must_use]
    pub fn sign_up(&self, brand: &BrandId) -> String {
        format!("{}/s/{brand}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(ids: &[u8]) -> KeyRing {
        let keys: Vec<String> = ids
            .iter()
            .map(|id| format!(r#""{id}": "{}""#, format!("{id:02}").repeat(16)))
            .collect();
        KeyRing::parse(&format!("{{{}}}", keys.join(","))).unwrap()
    }

    fn brand() -> BrandId {
        BrandId::new("lumen").unwrap()
    }

    fn content(delivery: Option<DeliveryId>) -> LinkContent {
        LinkContent {
            id: LinkId([9; 16]),
            topic: 3,
            delivery,
        }
    }

    fn token(delivery: Option<DeliveryId>) -> Token {
        sign(LinkPurpose::Unsubscribe, &brand(), content(delivery), &ring(&[1])).unwrap()
    }

    fn open(token: &str, purpose: LinkPurpose, brand: &BrandId, ring: &KeyRing) -> Result<LinkContent, InvalidLink> {
        UnverifiedLink::parse(token)?.verify(purpose, brand, ring)
    }

    #[test]
    fn a_link_says_what_was_signed_in_48_or_59_characters() {
        for (delivery, length) in [(None, 48), (Some(DeliveryId([7; 8])), 59)] {
            let token = token(delivery);
            assert_eq!(token.as_str().len(), length);
            assert_eq!(
                open(token.as_str(), LinkPurpose::Unsubscribe, &brand(), &ring(&[1])),
                Ok(content(delivery))
            );
        }
    }

    #[test]
    fn the_tag_is_the_one_that_another_implementation_computes() {
        // Python: each part of b"apropos link v1", b"unsubscribe", b"lumen", signed is preceded by its length in 8
        // big-endian bytes; base64.urlsafe_b64encode(signed + hmac.new(b"01" * 16, parts, "sha256").digest()[:16]).
        assert_eq!(token(None).as_str(), "AQEJCQkJCQkJCQkJCQkJCQkJAAPAPd5_R1PEOHRpRD_B5vXI");
    }

    #[test]
    fn every_changed_character_and_so_every_changed_bit_is_refused() {
        let token = token(Some(DeliveryId([7; 8])));
        for position in 0..token.as_str().len() {
            for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. é".chars() {
                let mut changed: Vec<char> = token.as_str().chars().collect();
                if changed[position] == other {
                    continue;
                }
                changed[position] = other;
                let changed: String = changed.into_iter().collect();
                assert!(
                    open(&changed, LinkPurpose::Unsubscribe, &brand(), &ring(&[1])).is_err(),
                    "{position} {other}"
                );
            }
        }
    }

    /// Nothing but the ring is asked, so none of them costs a read of a table.
    #[test]
    fn a_million_random_tokens_are_refused() {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (ring, brand) = (ring(&[1]), brand());
        // A fixed sequence (xorshift): the same tokens on every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut text = String::with_capacity(LONG);
        let mut forged = 0;
        for turn in 0..1_000_000 {
            text.clear();
            // One in twenty has the version and the key of a real one, and so comes as far as its signature.
            if turn % 20 == 0 {
                text.push_str("AQE");
            }
            let length = if turn % 2 == 0 { SHORT } else { LONG };
            while text.len() < length {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                for sextet in 0..10 {
                    if text.len() < length {
                        let place = usize::try_from((state >> (sextet * 6)) & 0b11_1111).unwrap();
                        text.push(char::from(ALPHABET[place]));
                    }
                }
            }
            let refused = open(&text, LinkPurpose::Unsubscribe, &brand, &ring).unwrap_err();
            forged += u32::from(refused == InvalidLink::Forged);
        }
        assert!(forged >= 50_000, "{forged}");
    }

    #[test]
    fn a_link_of_another_brand_or_purpose_is_forged() {
        let token = token(None);
        let other = BrandId::new("velo").unwrap();
        assert_eq!(
            open(token.as_str(), LinkPurpose::Unsubscribe, &other, &ring(&[1])),
            Err(InvalidLink::Forged)
        );
        for purpose in LinkPurpose::ALL
            .into_iter()
            .filter(|purpose| *purpose != LinkPurpose::Unsubscribe)
        {
            assert_eq!(
                open(token.as_str(), purpose, &brand(), &ring(&[1])),
                Err(InvalidLink::Forged)
            );
        }
    }

    #[test]
    fn an_old_key_verifies_for_ever_and_only_the_newest_signs() {
        let old = token(None);
        let rotated = ring(&[1, 2]);
        assert!(open(old.as_str(), LinkPurpose::Unsubscribe, &brand(), &rotated).is_ok());
        let new = sign(LinkPurpose::Unsubscribe, &brand(), content(None), &rotated).unwrap();
        let refused = open(new.as_str(), LinkPurpose::Unsubscribe, &brand(), &ring(&[1]));
        assert_eq!(refused, Err(InvalidLink::UnknownKey(2)));
    }

    #[test]
    fn the_length_with_a_delivery_cannot_be_passed_for_the_one_without() {
        let long = token(Some(DeliveryId([7; 8])));
        let short = token(None);
        let cut = &long.as_str()[..SHORT];
        let grown = format!("{}{}", short.as_str(), &long.as_str()[SHORT..]);
        for text in [cut, grown.as_str()] {
            assert!(open(text, LinkPurpose::Unsubscribe, &brand(), &ring(&[1])).is_err());
        }
    }

    #[test]
    fn neither_keys_nor_links_are_printed() {
        let token = token(None);
        let printed = format!(
            "{:?} {:?} {:?} {:?}",
            ring(&[1]),
            token,
            content(None),
            UnverifiedLink::parse(token.as_str()).unwrap()
        );
        assert!(
            !printed.contains("0101") && !printed.contains(token.as_str()),
            "{printed}"
        );
        assert!(!printed.contains("9, 9"), "{printed}");
    }

    proptest! {
        #[test]
        fn text_that_we_did_not_sign_is_refused(text in "[A-Za-z0-9_-]{47,60}") {
            prop_assert!(open(&text, LinkPurpose::Unsubscribe, &brand(), &ring(&[1, 65])).is_err());
        }

        #[test]
        fn text_of_any_kind_is_refused_without_a_panic(text in "\\PC{0,80}") {
            prop_assert!(open(&text, LinkPurpose::Unsubscribe, &brand(), &ring(&[1])).is_err());
        }
    }

    #[test]
    fn a_ring_that_cannot_protect_is_refused() {
        let parse = |json: &str| KeyRing::parse(json).unwrap_err();
        assert_eq!(parse("[]"), InvalidKeyRing::Form);
        assert_eq!(parse("{}"), InvalidKeyRing::Empty);
        assert_eq!(parse(r#"{"1": "short"}"#), InvalidKeyRing::Weak);
        let secret = "0123456789abcdef0123456789abcdef";
        for id in ["", "-1", "+1", "01", "256", "one"] {
            assert_eq!(
                parse(&format!(r#"{{"{id}": "{secret}"}}"#)),
                InvalidKeyRing::Form,
                "{id}"
            );
        }
        assert_eq!(
            parse(&format!(r#"{{"1": "{secret}", "1": "{secret}"}}"#)),
            InvalidKeyRing::SameId
        );
    }

    #[test]
    fn the_order_in_which_the_ring_is_written_does_not_matter() {
        let old = token(None);
        let ring = ring(&[10, 1, 2]);
        assert_eq!(ring.ids(), [1, 2, 10]);
        assert!(open(old.as_str(), LinkPurpose::Unsubscribe, &brand(), &ring).is_ok());
        let new = sign(LinkPurpose::Unsubscribe, &brand(), content(None), &ring).unwrap();
        assert!(UnverifiedLink::parse(new.as_str()).unwrap().key == 10);
    }

    #[test]
    fn rotating_adds_a_key_that_signs_and_keeps_those_that_verify() {
        let old = token(None);
        let json = ring(&[1]).rotated(&"n".repeat(32)).unwrap();
        let rotated = KeyRing::parse(&json).unwrap();
        assert_eq!(rotated.ids(), [1, 2]);
        assert!(open(old.as_str(), LinkPurpose::Unsubscribe, &brand(), &rotated).is_ok());
        assert_eq!(rotated.rotated("short"), Err(InvalidKeyRing::Weak));
        assert_eq!(ring(&[255]).rotated(&"n".repeat(32)), Err(InvalidKeyRing::Full));
    }

    #[test]
    fn public_pages_are_https_except_on_this_machine() {
        for url in [
            "https://letters.example.com",
            "http://127.0.0.1:9000",
            "http://localhost:9000/",
        ] {
            assert!(PublicBaseUrl::new(url).is_ok(), "{url}");
        }
        for url in [
            "http://letters.example.com",
            "https://a@example.com",
            "https://example.com/x",
            "ftp://example.com",
            "https://example.com:",
            "https://example.com:+443",
            "https://example.com:65536",
            "https://example.com?x",
            "https://example.com#x",
            "https://exa mple.com",
            "https://",
            "http://localhost.example.com",
        ] {
            assert_eq!(PublicBaseUrl::new(url), Err(InvalidBaseUrl), "{url}");
        }
    }
}
