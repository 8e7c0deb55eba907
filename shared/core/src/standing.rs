//! The small record that answers "may we write, and how often have we": consents, limits, recent contacts, claims.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cap::{ContactRing, FrequencyCap};
use crate::consent::Consents;
use crate::erasure::Erased;
use crate::ids::{AttemptId, RunId};
use crate::quiet::QuietHours;
use crate::relevance::Relevance;

/// One person's standing with one brand. Every change raises its version, and every write is conditional on the one
/// that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// 0 before the first write.
    pub version: u64,
    /// The last entry of the consent ledger.
    pub head: LedgerHead,
    /// The fold of the ledger.
    pub consents: Consents,
    /// What the person set.
    pub limits: CustomerLimits,
    /// When they were last written to.
    pub contacts: ContactRing,
    /// Which runs have claimed them.
    pub claims: BTreeMap<RunId, Claim>,
    /// The person had their data erased: nothing is written about them any more.
    pub erased: Option<Erased>,
}

/// Where the hash-chained ledger of a person ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerHead {
    /// Sequence number of the last entry, 0 before the first.
    pub seq: u32,
    /// Its hash, all zero before the first.
    pub hash: [u8; 32],
}

/// Limits that a person set for themselves; each only ever tightens the brand's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerLimits {
    /// At most so many messages in a window.
    pub cap: Option<FrequencyCap>,
    /// When not to be written to.
    pub quiet: Option<QuietHours>,
    /// The least relevance they want.
    pub threshold: Option<Relevance>,
    /// Their language is their own choice: what the brand sends does not change it.
    pub own_language: bool,
    /// Their interests are their own choice: what the brand sends does not change them.
    pub own_interests: bool,
}

/// A run's hold on a person: whoever wrote it may send, nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Fences every later change.
    pub attempt: AttemptId,
    /// When it was made; also the contact that counts in the cap.
    pub at: Timestamp,
}

/// How long after its claim an attempt may still be on its way to SES, in seconds: the 2 s to the call and its 2.5 s
/// time-out, with room for a slow clock. Later, its outcome is unknown.
pub const LEASE_SECONDS: i64 = 30;

/// What a candidate finds in the claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimable {
    /// Nobody holds it.
    Free,
    /// Another attempt holds it and may still be sending.
    InFlight,
    /// Another attempt held it and its lease has passed without a recorded outcome, or with one: the delivery tells.
    Settled(Claim),
}

impl Standing {
    /// What a candidate of the run finds.
    #[must_use]
    pub fn claimable(&self, run: &RunId, now: Timestamp) -> Claimable {
        match self.claims.get(run) {
            None => Claimable::Free,
            Some(claim) if now.as_second() - claim.at.as_second() < LEASE_SECONDS => Claimable::InFlight,
            Some(claim) => Claimable::Settled(claim.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_in_flight_until_its_lease_ends_and_never_free_again() {
        let run = RunId::new("r").unwrap();
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let claim = Claim {
            attempt: AttemptId::new("a").unwrap(),
            at,
        };
        let standing = Standing {
            claims: [(run.clone(), claim.clone())].into(),
            ..Standing::default()
        };
        let after = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        assert_eq!(standing.claimable(&run, after(29)), Claimable::InFlight);
        assert_eq!(standing.claimable(&run, after(30)), Claimable::Settled(claim));
        assert_eq!(
            standing.claimable(&RunId::new("other").unwrap(), after(0)),
            Claimable::Free
        );
    }
}
