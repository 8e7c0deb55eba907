//! Hashes, in one place: each takes its parts with their lengths, so that no two lists of parts run together.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 over the parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(length(part));
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-SHA256 (RFC 2104) over the parts.
#[must_use]
pub fn hmac256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    keyed(key, parts).finalize().into_bytes().into()
}

/// An [`hmac256`] over parts of which the last is still to come: many times, for many last parts.
#[derive(Clone)]
pub(crate) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// Over the parts that are the same each time.
    pub(crate) fn new(key: &[u8; 16], parts: &[&[u8]]) -> Self {
        Self(keyed(key, parts))
    }

    /// The first 8 bytes of [`hmac256`] over the parts and a last one.
    pub(crate) fn first8(&self, last: &[u8]) -> [u8; 8] {
        let mut mac = self.0.clone();
        mac.update(&length(last));
        mac.update(last);
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = mac.finalize().into_bytes().into();
        [a, b, c, d, e, f, g, h]
    }
}

/// The running HMAC over the parts, to be compared in constant time.
pub(crate) fn keyed(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC takes a key of any length, so this never takes the other branch; an empty key would only be a weaker one.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    for part in parts {
        mac.update(&length(part));
        mac.update(part);
    }
    mac
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// Base64url without padding (RFC 4648 section 5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads [`base64url`] strictly: one text for each value, no padding, no white space, no loose bits.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(sha256(&[b"ab", b"c"]), sha256(&[b"a", b"bc"]));
        assert_ne!(hmac256(b"k", &[b"ab", b"c"]), hmac256(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn a_last_part_that_comes_later_gives_the_same_hash() {
        let key = [7; 16];
        let whole = hmac256(&key, &[b"brand", b"run", b"customer"]);
        let begun = KeyedHash::new(&key, &[b"brand", b"run"]);
        assert_eq!(begun.first8(b"customer"), whole[..8]);
        assert_ne!(begun.first8(b"customers"), whole[..8]);
    }

    #[test]
    fn loose_bits_and_padding_are_refused() {
        assert_eq!(from_base64url("AA"), Some(vec![0]));
        assert_eq!(from_base64url("AB"), None);
        assert_eq!(from_base64url("AA=="), None);
    }
}
