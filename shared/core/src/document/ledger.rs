//! A consent ledger as JSON, for its person: enough to check it without us.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::consent::ConsentEventDocument;
use super::preference::PreferenceEventDocument;
use super::proof::KeptProof;
use crate::ledger::{BrokenLedger, LedgerEntry, ProofKey, commits_to, verify};
use crate::objects::from_str;
use crate::standing::LedgerHead;

/// A ledger with all that its chain and its commitments are checked by.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerDocument {
    /// The key of the commitments, 64 hexadecimal digits; without it only the chain can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_key: Option<String>,
    /// The number of the last entry.
    pub head: u32,
    /// The hash of the last entry.
    pub head_hash: String,
    /// The entries, oldest first.
    pub entries: Vec<LedgerEntryDocument>,
}

/// An entry.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntryDocument {
    /// 1 for the first.
    pub seq: u32,
    /// When it was recorded.
    #[serde(with = "crate::time::as_text")]
    pub recorded_at: Timestamp,
    /// The hash of the entry before.
    pub previous: String,
    /// What the event is committed to by.
    pub commitment: String,
    /// The hash of this entry.
    pub hash: String,
    /// The event with its evidence; erased ones are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<ConsentEventDocument>,
    /// Instead of it, what the person set about how they are written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<PreferenceEventDocument>,
    /// Instead of either, what is kept of one whose words are erased, or that the person's data lapsed. No commitment tells
    /// whether it is so: the key went with the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<KeptProof>,
}

/// The clear text of a ledger entry.
#[derive(Clone)]
pub enum LedgerText {
    /// A consent event.
    Consent(Box<ConsentEventDocument>),
    /// A preference of the person's own.
    Preference(Box<PreferenceEventDocument>),
    /// Erased down to what has to be shown.
    Proof(Box<KeptProof>),
    /// Erased; the entry's hash still stands in the chain.
    Erased,
}

/// Why a ledger is not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DoubtfulLedger {
    /// The chain does not hold together.
    #[error("the chain is broken")]
    Chain(#[from] BrokenLedger),
    /// An event is not the one that was recorded.
    #[error("the event of entry {seq} is not the one that was recorded")]
    Event {
        /// Its number.
        seq: u32,
    },
    /// A hash is not 64 hexadecimal digits.
    #[error("a hash or key is not 64 hexadecimal digits")]
    Form,
}

impl LedgerDocument {
    /// The document of a ledger.
    #[must_use]
    pub fn of(entries: Vec<(LedgerEntry, LedgerText)>, head: LedgerHead, key: Option<&ProofKey>) -> Self {
        Self {
            proof_key: key.map(|key| hex(&key.0)),
            head: head.seq,
            head_hash: hex(&head.hash),
            entries: entries
                .into_iter()
                .map(|(entry, text)| {
                    let (event, preference, proof) = match text {
                        LedgerText::Consent(event) => (Some(*event), None, None),
                        LedgerText::Preference(preference) => (None, Some(*preference), None),
                        LedgerText::Proof(proof) => (None, None, Some(*proof)),
                        LedgerText::Erased => (None, None, None),
                    };
                    LedgerEntryDocument {
                        seq: entry.seq,
                        recorded_at: entry.recorded_at,
                        previous: hex(&entry.previous),
                        commitment: hex(&entry.commitment),
                        hash: hex(&entry.hash),
                        event,
                        preference,
                        proof,
                    }
                })
                .collect(),
        }
    }

    /// Reads the ledger alone, or the one in a whole file of a person's data.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct MyData {
            ledger: LedgerDocument,
        }
        let whole = from_str::<MyData>(text).map(|data| data.ledger);
        whole.or_else(|_| from_str(text)).ok()
    }

    /// Checks the chain, and each event against its commitment where the key is there.
    ///
    /// # Errors
    /// [`DoubtfulLedger`] at the first thing that is not as it was recorded.
    pub fn check(&self) -> Result<(), DoubtfulLedger> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            entries.push(LedgerEntry {
                seq: entry.seq,
                recorded_at: entry.recorded_at,
                previous: bytes(&entry.previous)?,
                commitment: bytes(&entry.commitment)?,
                hash: bytes(&entry.hash)?,
            });
        }
        let head = LedgerHead {
            seq: self.head,
            hash: bytes(&self.head_hash)?,
        };
        verify(&entries, head)?;
        let Some(key) = &self.proof_key else {
            return Ok(());
        };
        let key = ProofKey(bytes(key)?);
        for (entry, document) in entries.iter().zip(&self.entries) {
            let canonical = match (&document.event, &document.preference) {
                (Some(event), _) => serde_json::to_string(event),
                (None, Some(preference)) => serde_json::to_string(preference),
                (None, None) => continue,
            };
            let canonical = canonical.unwrap_or_default();
            if !commits_to(entry, &canonical, &key) {
                return Err(DoubtfulLedger::Event { seq: entry.seq });
            }
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Result<[u8; 32], DoubtfulLedger> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != 32 {
        return Err(DoubtfulLedger::Form);
    }
    let mut out = [0; 32];
    for (to, pair) in out.iter_mut().zip(pairs) {
        *to = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .ok_or(DoubtfulLedger::Form)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::append;

    fn document() -> LedgerDocument {
        let key = ProofKey([7; 32]);
        let mut head = LedgerHead::default();
        let mut entries = Vec::new();
        for act in ["grant", "withdraw"] {
            let event: ConsentEventDocument = serde_json::from_value(serde_json::json!({
                "event": act, "purpose": "email.offers", "act": act, "effective_at": "2026-11-02T10:00:00Z",
                "actor": "customer",
                "evidence": {"affirmative_action": "ticked_box", "method": "web_form", "source": "/join"},
            }))
            .unwrap();
            let at = Timestamp::from_second(1_800_000_000).unwrap();
            let entry = append(head, &serde_json::to_string(&event).unwrap(), &key, at);
            head = entry.head();
            entries.push((entry, LedgerText::Consent(Box::new(event))));
        }
        let preference: PreferenceEventDocument = serde_json::from_value(serde_json::json!({
            "event": "p1", "preference": {"language": "en"}, "effective_at": "2026-11-02T10:00:00Z", "actor": "customer",
            "evidence": {"affirmative_action": "saved_form", "method": "preference_page", "source": "/p"},
        }))
        .unwrap();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let entry = append(head, &serde_json::to_string(&preference).unwrap(), &key, at);
        head = entry.head();
        entries.push((entry, LedgerText::Preference(Box::new(preference))));
        LedgerDocument::of(entries, head, Some(&key))
    }

    fn read_back(document: &LedgerDocument) -> LedgerDocument {
        serde_json::from_str(&serde_json::to_string(document).unwrap()).unwrap()
    }

    #[test]
    fn a_ledger_is_read_alone_or_out_of_a_whole_file() {
        let ledger = serde_json::to_string(&document()).unwrap();
        for text in [ledger.clone(), format!(r#"{{"contact": {{}}, "ledger": {ledger}}}"#)] {
            assert_eq!(LedgerDocument::find(&text).unwrap().check(), Ok(()));
        }
        for none in ["{}", "", r#"["00", 0, "00", []]"#, r#"{"ledger": ["00", 0, "00", []]}"#] {
            assert!(LedgerDocument::find(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_downloaded_ledger_checks_and_any_change_shows() {
        let good = document();
        assert_eq!(read_back(&good).check(), Ok(()));
        let mut altered = read_back(&good);
        altered.entries[0].event.as_mut().unwrap().act = "deny".into();
        assert_eq!(altered.check(), Err(DoubtfulLedger::Event { seq: 1 }));
        let mut altered = read_back(&good);
        altered.entries[2].preference.as_mut().unwrap().event = "p2".into();
        assert_eq!(altered.check(), Err(DoubtfulLedger::Event { seq: 3 }));
        let mut missing = read_back(&good);
        missing.entries.remove(0);
        let broken = DoubtfulLedger::Chain(BrokenLedger::Missing { seq: 1 });
        assert_eq!(missing.check(), Err(broken));
        let mut later = read_back(&good);
        later.entries[1].recorded_at += jiff::SignedDuration::from_secs(1);
        assert_eq!(later.check(), Err(BrokenLedger::Altered { seq: 2 }.into()));
        let mut cut = read_back(&good);
        cut.head_hash = "+1".repeat(32);
        assert_eq!(cut.check(), Err(DoubtfulLedger::Form));
    }
}
