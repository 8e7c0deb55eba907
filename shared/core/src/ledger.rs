//! The consent ledger of one person: append-only and hash-chained, so that a missing or altered entry shows (I7).
//!
//! An entry's hash covers a commitment to its evidence, not the evidence: HMAC-SHA256 of it under the person's proof
//! key. Erasure deletes the key and the clear evidence, and the chain still verifies.

use jiff::Timestamp;

use crate::consent::ConsentEvent;
use crate::fingerprint::{hmac256, sha256};
use crate::standing::LedgerHead;

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// 1 for the first.
    pub seq: u32,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The hash of the entry before, all zero for the first.
    pub previous: [u8; 32],
    /// HMAC-SHA256 of the event's canonical form under the person's proof key.
    pub commitment: [u8; 32],
    /// The hash of this entry.
    pub hash: [u8; 32],
}

/// Random per person; deleted by erasure.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofKey(pub [u8; 32]);

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(redacted)")
    }
}

/// The entry that follows the head. `canonical` is the event's stored document.
#[must_use]
pub fn append(head: LedgerHead, canonical: &str, key: &ProofKey, recorded_at: Timestamp) -> LedgerEntry {
    let seq = head.seq + 1;
    let commitment = hmac256(&key.0, &[canonical.as_bytes()]);
    LedgerEntry {
        seq,
        recorded_at,
        previous: head.hash,
        commitment,
        hash: chain(head.hash, seq, recorded_at, &commitment),
    }
}

impl LedgerEntry {
    /// The head after this entry.
    #[must_use]
    pub const fn head(&self) -> LedgerHead {
        LedgerHead {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

fn chain(previous: [u8; 32], seq: u32, recorded_at: Timestamp, commitment: &[u8; 32]) -> [u8; 32] {
    sha256(&[
        &previous,
        &seq.to_be_bytes(),
        &recorded_at.as_millisecond().to_be_bytes(),
        commitment,
    ])
}

/// Where a ledger does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenLedger {
    /// An entry is missing, or out of order.
    #[error("entry {seq} is missing")]
    Missing {
        /// The sequence number expected.
        seq: u32,
    },
    /// An entry was altered.
    #[error("entry {seq} was altered")]
    Altered {
        /// Its sequence number.
        seq: u32,
    },
    /// The ledger ends before its head.
    #[error("the ledger does not end at its head")]
    Head,
}

/// Checks a whole ledger against its head, without the proof key.
///
/// # Errors
/// [`BrokenLedger`] at the first entry that does not follow.
pub fn verify(entries: &[LedgerEntry], head: LedgerHead) -> Result<(), BrokenLedger> {
    let mut at = LedgerHead::default();
    for entry in entries {
        let seq = at.seq + 1;
        if entry.seq != seq {
            return Err(BrokenLedger::Missing { seq });
        }
        if entry.previous != at.hash || entry.hash != chain(at.hash, seq, entry.recorded_at, &entry.commitment) {
            return Err(BrokenLedger::Altered { seq });
        }
        at = entry.head();
    }
    if at == head { Ok(()) } else { Err(BrokenLedger::Head) }
}

/// Checks that a clear event is the one an entry commits to.
#[must_use]
pub fn commits_to(entry: &LedgerEntry, canonical: &str, key: &ProofKey) -> bool {
    entry.commitment == hmac256(&key.0, &[canonical.as_bytes()])
}

/// Whether an effective time is too far ahead of the clock to be a fact.
#[must_use]
pub fn too_far_ahead(event: &ConsentEvent, now: Timestamp) -> bool {
    event.effective_at.as_second() - now.as_second() > crate::consent::MOST_MINUTES_AHEAD * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (Vec<LedgerEntry>, LedgerHead) {
        let key = ProofKey([7; 32]);
        let mut head = LedgerHead::default();
        let mut entries = Vec::new();
        for text in ["one", "two", "three"] {
            let entry = append(head, text, &key, Timestamp::from_second(1_800_000_000).unwrap());
            head = entry.head();
            entries.push(entry);
        }
        (entries, head)
    }

    #[test]
    fn a_whole_ledger_verifies_without_the_proof_key() {
        let (entries, head) = ledger();
        assert_eq!(verify(&entries, head), Ok(()));
        assert!(commits_to(&entries[1], "two", &ProofKey([7; 32])));
        assert!(!commits_to(&entries[1], "2", &ProofKey([7; 32])));
    }

    #[test]
    fn a_missing_altered_or_cut_entry_shows() {
        let (entries, head) = ledger();
        let missing = [entries[0].clone(), entries[2].clone()];
        assert_eq!(verify(&missing, head), Err(BrokenLedger::Missing { seq: 2 }));
        let mut altered = entries.clone();
        altered[1].commitment[0] ^= 1;
        assert_eq!(verify(&altered, head), Err(BrokenLedger::Altered { seq: 2 }));
        assert_eq!(verify(&entries[..2], head), Err(BrokenLedger::Head));
    }
}
