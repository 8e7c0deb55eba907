//! What came out of a workload, in figures that another engine can be held to.

use apropos_core::decision::Withheld;
use apropos_core::reason::Reason;
use apropos_core::relevance::Score;
use serde_json::{Map, Value, json};

/// Counts by outcome and sums over what was scored. Two engines that agree on all of it judged alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By the reason's byte; 0 is approved.
    counts: [u64; 256],
    /// Of all that was scored, approved or not.
    relevance: u64,
    /// Sums of the five contribution bytes of all that was scored; 255 is unknown.
    contributions: [u64; 5],
    /// FNV-1a over reason and contribution bytes of each pair in turn; of what was not scored, all five are unknown.
    digest: u64,
}

/// The contribution bytes of what was not scored; its relevance is 0.
pub const UNSCORED: [u8; 5] = [u8::MAX; 5];

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: [0; 256],
            relevance: 0,
            contributions: [0; 5],
            digest: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Tally {
    /// Adds what core judged of a pair.
    pub fn add(&mut self, judged: &Result<Score, Withheld>) {
        let (reason, score) = match judged {
            Ok(score) => (0, Some(score)),
            Err(withheld) => (withheld.reason.byte(), withheld.score.as_ref()),
        };
        let relevance = score.map_or(0, |score| score.relevance.basis_points());
        self.add_bytes(reason, relevance, score.map_or(UNSCORED, Score::contribution_bytes));
    }

    /// Adds a pair by its bytes; see [`UNSCORED`].
    pub fn add_bytes(&mut self, reason: u8, relevance: u16, contributions: [u8; 5]) {
        if let Some(count) = self.counts.get_mut(usize::from(reason)) {
            *count += 1;
        }
        self.relevance += u64::from(relevance);
        if contributions != UNSCORED {
            for (sum, byte) in self.contributions.iter_mut().zip(contributions) {
                *sum += u64::from(byte);
            }
        }
        for byte in [reason].into_iter().chain(contributions) {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// As the other engines are held to it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let counts: Map<String, Value> = (0..=u8::MAX)
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
            .map(|(byte, count)| (outcome(byte).to_owned(), json!(count)))
            .collect();
        json!({
            "counts": counts,
            "relevance": self.relevance,
            "contributions": self.contributions,
            "digest": format!("{:016x}", self.digest),
        })
    }
}

/// The name of a reason's byte; 0 is approved.
#[must_use]
pub fn outcome(byte: u8) -> &'static str {
    Reason::from_byte(byte).map_or("approved", Reason::code)
}
