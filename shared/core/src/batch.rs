//! The same decisions as [`crate::decision::judge`], bit for bit, over pages of people: what is the same for everybody is
//! worked out once ([`Plan`]), people are columns ([`Block`]), and answers are bytes ([`Verdicts`]). Text is made only when
//! somebody asks, from the one record.
//!
//! A page handler keeps one [`Block`] and one [`Verdicts`]; after the first page neither allocates:
//!
//! ```
//! use apropos_core::audience::{AudienceRecord, MalformedRecord};
//! use apropos_core::batch::{Block, Plan, Verdicts};
//! use apropos_core::decision::Proposal;
//! use apropos_core::ids::CustomerId;
//! use apropos_core::time::EpochDay;
//!
//! fn candidates(proposal: Proposal<'_>, page: &[(CustomerId, Vec<u8>)], now: jiff::Timestamp) -> Result<Vec<CustomerId>, MalformedRecord> {
//!     let (mut block, mut verdicts) = (Block::default(), Verdicts::default());
//!     for (_, stored) in page {
//!         block.push_bytes(stored, EpochDay::of(now))?;
//!     }
//!     let plan = Plan::new(proposal, now);
//!     let held_out = |person| page.get(person).is_some_and(|(customer, _)| plan.holds_out(customer));
//!     plan.judge(&block, held_out, &mut verdicts);
//!     // The rows of the page's receipt: `verdicts.outcome(person)`, `verdicts.contributions(person)` and
//!     // `block.context_version(person)`.
//!     Ok(verdicts.candidates().filter_map(|person| page.get(person)).map(|(customer, _)| customer.clone()).collect())
//! }
//! ```

mod block;
mod fade;
mod judge;
mod near;
mod plan;
mod rules;
mod score;
mod share;
mod strip;

pub use block::Block;
pub use plan::Plan;

use wide::bytemuck::cast_slice;

use crate::reason::Reason;
use crate::receipt::Outcome;

use strip::{Bytes, Words};

/// How judging ended for each person of a block, in the block's order.
#[derive(Clone, Default)]
pub struct Verdicts {
    people: usize,
    /// 0 is a candidate, else the reason's byte.
    outcomes: Vec<Bytes>,
    /// One after the other.
    relevance: Vec<Words>,
    contributions: [Vec<Bytes>; 5],
}

impl std::fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verdicts({} people)", self.people)
    }
}

impl Verdicts {
    /// One byte a person: 0 for a candidate, else [`Reason::byte`].
    #[must_use]
    pub fn outcomes(&self) -> &[u8] {
        cast_slice(&self.outcomes).get(..self.people).unwrap_or_default()
    }

    /// How it ended for one.
    #[must_use]
    pub fn outcome(&self, person: usize) -> Option<Outcome> {
        match self.outcomes().get(person)? {
            0 => Some(Outcome::Candidate),
            byte => Reason::from_byte(*byte).map(Outcome::Withheld),
        }
    }

    /// The relevance of each in basis points; 0 for whoever was not scored.
    #[must_use]
    pub fn relevance(&self) -> &[u16] {
        cast_slice(&self.relevance).get(..self.people).unwrap_or_default()
    }

    /// The five bytes of one person; see [`crate::relevance::Score::contribution_bytes`]. All 255 without a score.
    #[must_use]
    pub fn contributions(&self, person: usize) -> [u8; 5] {
        let mut bytes = [u8::MAX; 5];
        for (byte, column) in bytes.iter_mut().zip(&self.contributions) {
            *byte = cast_slice(column).get(person).copied().unwrap_or(u8::MAX);
        }
        bytes
    }

    /// Who is handed on, by place in the block.
    pub fn candidates(&self) -> impl Iterator<Item = usize> {
        self.outcomes()
            .iter()
            .enumerate()
            .filter(|(_, outcome)| **outcome == 0)
            .map(|(person, _)| person)
    }
}

#[cfg(test)]
mod tests;
