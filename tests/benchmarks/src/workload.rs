//! The four workloads: who is judged about what, at one fixed time.

use apropos_core::brand::Brand;
use apropos_core::campaign::{Campaign, Run};
use apropos_core::decision::Proposal;
use apropos_core::offer::Offer;
use jiff::Timestamp;

use crate::Failure;
use crate::offers::{brand, every_gate_open, local, mixed, national};
use crate::population::{Openness, Population};

/// When everything is judged: a Tuesday in autumn, 10:00 in Paris.
pub const NOW: &str = "2026-11-17T09:00:00Z";

/// Everything is drawn from it.
pub const SEED: u64 = 20_261_117;

/// What is proposed to the people of a workload.
pub struct Proposed {
    /// The offer.
    pub offer: Offer,
    /// Its campaign.
    pub campaign: Campaign,
    /// The run.
    pub run: Run,
}

/// Which of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// One national offer, worth 400 km.
    W1,
    /// One local offer, worth 25 km, for one more morning.
    W1L,
    /// Every gate open: every pair is scored in full.
    W1F,
    /// A hundredth of the people, and a hundred unlike offers.
    W2,
}

impl Name {
    /// All four.
    pub const ALL: [Self; 4] = [Self::W1, Self::W1L, Self::W1F, Self::W2];

    /// The name in commands and files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W1L => "W1L",
            Self::W1F => "W1F",
            Self::W2 => "W2",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.code() == code)
    }
}

/// People, proposals and a time: each of the people is judged about each of the proposals.
pub struct Workload {
    /// Which.
    pub name: Name,
    /// Whose customers they are.
    pub brand: Brand,
    /// The people.
    pub population: Population,
    /// What is proposed to them.
    pub proposed: Vec<Proposed>,
    /// When.
    pub now: Timestamp,
}

impl Workload {
    /// Makes a workload for so many people (of `W2`, a hundredth of them).
    ///
    /// # Errors
    /// When core refuses an offer, which only a change of core's rules can bring about.
    pub fn generate(name: Name, customers: usize) -> Result<Self, Failure> {
        let now: Timestamp = NOW.parse()?;
        let brand = brand()?;
        let (count, openness, proposed) = match name {
            Name::W1 => (customers, Openness::AsTheyAre, vec![national(&brand, now)?]),
            Name::W1L => (customers, Openness::AsTheyAre, vec![local(&brand, now)?]),
            Name::W1F => (customers, Openness::Open, vec![every_gate_open(&brand, now)?]),
            Name::W2 => (customers / 100, Openness::AsTheyAre, mixed(&brand, now)?),
        };
        Ok(Self {
            name,
            brand,
            population: Population::generate(SEED, count, openness, now)?,
            proposed,
            now,
        })
    }

    /// The proposals as core judges them.
    pub fn proposals(&self) -> impl Iterator<Item = Proposal<'_>> {
        self.proposed.iter().map(|proposed| Proposal {
            brand: &self.brand,
            offer: &proposed.offer,
            campaign: &proposed.campaign,
            run: &proposed.run,
        })
    }
}
