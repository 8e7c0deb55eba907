//! How well an offer fits a person, there and then: five factors, weights by the campaign's goal, integers only.
//!
//! All figures are basis points (bp), 0 to 10 000; 10 000 bp is a perfect fit. A factor that is not declared by the offer,
//! not agreed to by the person or not known is left out, which is not the same as 0.
//!
//! # The formulas
//!
//! `relevance = Σ weight × value ÷ Σ weight` and `evidence = 100 × Σ weight`, both sums over the known factors, each
//! division rounded down; the weights of the five factors sum to 100 ([`weight`]). A campaign asks for a minimum of evidence
//! (2 000 bp unless it says otherwise), so that a guess is never mistaken for a fit, and for a minimum of relevance (5 000);
//! the person may ask for more.
//!
//! | factor | formula | unit | range | where |
//! |---|---|---|---|---|
//! | proximity | 10 000 × 2^(−distance ÷ half the radius), by the way that gives the best score | metres | 2 500 to 10 000 | [`crate::place::proximity_bp`] |
//! | affinity | max(complementary purchase × 2^(−age ÷ half-life), interest), halved while a very thing that was bought still serves; once it is used up, at least 10 000 × 2^(−age ÷ half-life) of its own | days | 0 to 10 000 | [`crate::affinity::affinity_bp`]; for *anticipate* [`crate::affinity::due_bp`] |
//! | moment | mean of opening, season, ending soon, good hours; at most the better of proximity and affinity | minutes, months | 0 to 10 000 | [`crate::moment::Parts`] |
//! | lifecycle fit | a table of goal against lifecycle | days | 1 000 to 10 000 | [`Goal::fit`], [`crate::segment`] |
//! | appetite | 2 000 × reaction level, one level less for each ignored message | messages | 2 000 to 10 000 | [`crate::habit::appetite_bp`], [`crate::habit::reaction`] |
//!
//! Proximity and affinity are the two reasons to write; the other three say how well it fits, and are none. So the better of the
//! two comes up to [`LEAST_REASON`], which is what the farthest place within reach is worth, or nothing is sent, whatever the
//! relevance.
//!
//! Beyond the radius there is no proximity but a gate; the radius is the place's, by the kind of area in which the person
//! lives. The gates come before the factors, in the order of [`crate::reason::Reason`].
//!
//! Proximity and moment are of one place. Of several ways, from home or from where somebody is now to a place of the offer, all
//! within reach and in time, that one counts which has enough evidence and gives the greatest relevance; of equals, the nearest.
//!
//! # A worked example
//!
//! Félix lives in a village 12 km from an exhibition that is worth 40 km to people there. It is open, he likes exhibitions,
//! and he has not bought anything yet; the campaign informs.
//!
//! ```
//! use apropos_core::affinity::INTEREST_BP;
//! use apropos_core::campaign::Goal;
//! use apropos_core::context::Lifecycle;
//! use apropos_core::hours::Opening;
//! use apropos_core::moment::opening;
//! use apropos_core::place::{Radius, proximity_bp};
//! use apropos_core::relevance::{Factor, Factors, Relevance, score};
//!
//! // 2^-(12 ÷ 20) of 10 000.
//! let distance = Radius::from_metres(12_000)?.chord();
//! let proximity = proximity_bp(distance, Radius::from_metres(40_000)?);
//! assert_eq!(proximity, 6_598);
//! // Open is 10 000, but a moment counts for no more than the best reason, here that he likes it.
//! let moment = opening(Opening::Open { minutes_left: 480 }).min(INTEREST_BP);
//! let factors = Factors {
//!     proximity: Some(Relevance::clamped(proximity.into())),
//!     affinity: Some(Relevance::clamped(INTEREST_BP)),
//!     moment: Some(Relevance::clamped(moment)),
//!     lifecycle_fit: Some(Goal::Inform.fit(Lifecycle::Prospect)),
//!     appetite: None,
//! };
//! let score = score(Goal::Inform, factors);
//! // (40 × 6 598 + 20 × 8 000 + 25 × 8 000 + 5 × 7 000) ÷ 90 on 90 of 100 weights.
//! assert_eq!((score.relevance.basis_points(), score.evidence.basis_points()), (7_321, 9_000));
//! // What each added: 40 × 6 598 ÷ 90 of it is the place.
//! assert_eq!(score.contribution(Factor::Proximity).map(Relevance::basis_points), Some(2_932));
//! assert_eq!(score.strongest_reason(), Some(Factor::Proximity));
//! # Ok::<(), apropos_core::place::InvalidPlace>(())
//! ```

use std::fmt;

use crate::campaign::Goal;

/// The version of this model; every receipt carries it, so that an old decision is read by the rules it was made with.
pub const MODEL_VERSION: u8 = 7;

/// The first version whose factors make the same score as today's: since then only what the factors are, and the gates, have
/// changed.
pub const SCORES_ALIKE_SINCE: u8 = 3;

/// A share of a whole in basis points, 0 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Relevance(u16);

/// A figure above 10 000 basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of basis points from 0 to 10000")]
pub struct NotBasisPoints;

impl Relevance {
    /// 10 000 bp.
    pub const FULL: Self = Self(10_000);
    /// 0 bp.
    pub const NONE: Self = Self(0);

    /// Checks the range.
    ///
    /// # Errors
    /// [`NotBasisPoints`] above 10 000.
    pub const fn new(basis_points: u16) -> Result<Self, NotBasisPoints> {
        if basis_points > 10_000 {
            Err(NotBasisPoints)
        } else {
            Ok(Self(basis_points))
        }
    }

    /// The figure, cut at 10 000.
    #[must_use]
    pub fn clamped(basis_points: u32) -> Self {
        Self(u16::try_from(basis_points.min(10_000)).unwrap_or(10_000))
    }

    /// Basis points, 0 to 10 000.
    #[must_use]
    pub const fn basis_points(self) -> u16 {
        self.0
    }

    /// Whole percent, rounded half up: what people read.
    #[must_use]
    pub const fn percent(self) -> u16 {
        (self.0 + 50) / 100
    }

    /// One byte for receipts, 0 to 250 (40 bp a step, rounded down).
    #[must_use]
    pub fn to_byte(self) -> u8 {
        u8::try_from(self.0 / 40).unwrap_or(u8::MAX)
    }

    /// The lowest figure that [`to_byte`](Self::to_byte) maps to this byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self::clamped(u32::from(byte) * 40)
    }
}

/// What the better of proximity and affinity must come to, so that there is a reason to write: as much as the farthest place
/// within reach, or as what was bought two half-lives ago.
pub const LEAST_REASON: Relevance = Relevance(2_500);

/// One of the five factors that say how well an offer fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// How near the nearest place is.
    Proximity,
    /// Purchases and interests in the category or one that it complements.
    Affinity,
    /// Whether now is a good moment at the place.
    Moment,
    /// The campaign's goal against the person's lifecycle.
    LifecycleFit,
    /// How the person took recent messages.
    Appetite,
}

impl Factor {
    /// In the order of receipts and tables.
    pub const ALL: [Self; 5] = [
        Self::Proximity,
        Self::Affinity,
        Self::Moment,
        Self::LifecycleFit,
        Self::Appetite,
    ];

    /// Whether it is a reason to write; the others say how well it fits.
    #[must_use]
    pub const fn is_reason(self) -> bool {
        matches!(self, Self::Proximity | Self::Affinity)
    }

    /// The stable name in answers and receipts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proximity => "proximity",
            Self::Affinity => "affinity",
            Self::Moment => "moment",
            Self::LifecycleFit => "lifecycle_fit",
            Self::Appetite => "appetite",
        }
    }
}

/// The five factors as known about one person; `None` is unknown, undeclared or not agreed to, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Factors {
    /// See [`Factor::Proximity`].
    pub proximity: Option<Relevance>,
    /// See [`Factor::Affinity`].
    pub affinity: Option<Relevance>,
    /// See [`Factor::Moment`].
    pub moment: Option<Relevance>,
    /// See [`Factor::LifecycleFit`].
    pub lifecycle_fit: Option<Relevance>,
    /// See [`Factor::Appetite`].
    pub appetite: Option<Relevance>,
}

impl Factors {
    /// The better of the two reasons to write: proximity and affinity. 0 where neither is known.
    #[must_use]
    pub fn best_reason(&self) -> Relevance {
        self.proximity.max(self.affinity).unwrap_or_default()
    }

    /// In the order of [`Factor::ALL`].
    #[must_use]
    pub const fn in_order(&self) -> [(Factor, Option<Relevance>); 5] {
        [
            (Factor::Proximity, self.proximity),
            (Factor::Affinity, self.affinity),
            (Factor::Moment, self.moment),
            (Factor::LifecycleFit, self.lifecycle_fit),
            (Factor::Appetite, self.appetite),
        ]
    }
}

/// The weight of each factor for a goal, in percent; the five sum to 100.
///
/// Acquiring leans on the place (there is no history yet), retaining on what the person likes, reactivating on where
/// they are in their life with the brand, informing on being near and in time, anticipating on what is due.
#[must_use]
pub const fn weight(goal: Goal, factor: Factor) -> u32 {
    let [proximity, affinity, moment, lifecycle_fit, appetite] = match goal {
        Goal::Acquire => [35, 25, 15, 15, 10],
        Goal::Retain => [20, 35, 15, 15, 15],
        Goal::Reactivate => [20, 25, 15, 25, 15],
        Goal::Inform => [40, 20, 25, 5, 10],
        Goal::Anticipate => [10, 50, 15, 10, 15],
    };
    match factor {
        Factor::Proximity => proximity,
        Factor::Affinity => affinity,
        Factor::Moment => moment,
        Factor::LifecycleFit => lifecycle_fit,
        Factor::Appetite => appetite,
    }
}

/// A scored offer for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// The weighted mean of the known factors.
    pub relevance: Relevance,
    /// The share of the weights that was known.
    pub evidence: Relevance,
    /// The factors as known.
    pub factors: Factors,
    /// The goal whose weights were used.
    pub goal: Goal,
}

impl Score {
    /// What a factor added to the relevance, in bp; the known ones sum to the relevance, give or take rounding.
    #[must_use]
    pub fn contribution(&self, factor: Factor) -> Option<Relevance> {
        let known = known_weight(self.goal, &self.factors);
        self.factors
            .in_order()
            .into_iter()
            .find(|(each, _)| *each == factor)
            .and_then(|(_, value)| value)
            .map(|value| {
                Relevance::clamped(
                    (weight(self.goal, factor) * u32::from(value.basis_points()))
                        .checked_div(known)
                        .unwrap_or(0),
                )
            })
    }

    /// Which of the two reasons to write, proximity and affinity, added more to the relevance, of those that come up to
    /// [`LEAST_REASON`]; nothing where neither does.
    #[must_use]
    pub fn strongest_reason(&self) -> Option<Factor> {
        let Factors {
            proximity, affinity, ..
        } = self.factors;
        [(Factor::Proximity, proximity), (Factor::Affinity, affinity)]
            .into_iter()
            .filter(|(_, value)| *value >= Some(LEAST_REASON))
            .max_by_key(|(factor, _)| (self.contribution(*factor), std::cmp::Reverse(*factor)))
            .map(|(factor, _)| factor)
    }

    /// The five contributions as bytes for a receipt: 255 is unknown, else [`Relevance::to_byte`].
    #[must_use]
    pub fn contribution_bytes(&self) -> [u8; 5] {
        Factor::ALL.map(|factor| self.contribution(factor).map_or(u8::MAX, Relevance::to_byte))
    }
}

fn known_weight(goal: Goal, factors: &Factors) -> u32 {
    factors
        .in_order()
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(factor, _)| weight(goal, factor))
        .sum()
}

/// Scores by the formula at the top of this module.
///
/// ```
/// use apropos_core::campaign::Goal;
/// use apropos_core::relevance::{Factors, Relevance, score};
///
/// // Known for a retaining campaign: proximity 8 000 bp (weight 20), affinity 6 000 bp (weight 35).
/// let factors = Factors {
///     proximity: Some(Relevance::clamped(8_000)),
///     affinity: Some(Relevance::clamped(6_000)),
///     ..Factors::default()
/// };
/// let score = score(Goal::Retain, factors);
/// // (20 × 8 000 + 35 × 6 000) ÷ 55 = 6 727 bp, on 55 of 100 weights.
/// assert_eq!(score.relevance.basis_points(), 6_727);
/// assert_eq!(score.evidence.basis_points(), 5_500);
/// ```
#[must_use]
pub fn score(goal: Goal, factors: Factors) -> Score {
    let known = known_weight(goal, &factors);
    let sum: u32 = factors
        .in_order()
        .into_iter()
        .filter_map(|(factor, value)| value.map(|value| weight(goal, factor) * u32::from(value.basis_points())))
        .sum();
    Score {
        relevance: Relevance::clamped(sum.checked_div(known).unwrap_or(0)),
        evidence: Relevance::clamped(known * 100),
        factors,
        goal,
    }
}

impl fmt::Display for Relevance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bp", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOALS: [Goal; 5] = Goal::ALL;

    #[test]
    fn the_weights_of_each_goal_sum_to_a_hundred() {
        for goal in GOALS {
            assert_eq!(
                Factor::ALL.iter().map(|factor| weight(goal, *factor)).sum::<u32>(),
                100,
                "{goal:?}"
            );
        }
    }

    #[test]
    fn nothing_known_is_no_relevance_on_no_evidence() {
        let score = score(Goal::Retain, Factors::default());
        assert_eq!((score.relevance, score.evidence), (Relevance::NONE, Relevance::NONE));
        assert_eq!(
            (score.strongest_reason(), score.factors.best_reason()),
            (None, Relevance::NONE)
        );
        assert_eq!(score.contribution_bytes(), [255; 5]);
    }

    fn factor() -> impl Strategy<Value = Option<Relevance>> {
        proptest::option::of((0u32..=10_000).prop_map(Relevance::clamped))
    }

    prop_compose! {
        fn factors()(proximity in factor(), affinity in factor(), moment in factor(), lifecycle_fit in factor(), appetite in factor()) -> Factors {
            Factors { proximity, affinity, moment, lifecycle_fit, appetite }
        }
    }

    proptest! {
        #[test]
        fn relevance_stays_between_the_worst_and_the_best_known_factor(factors in factors(), goal in prop::sample::select(GOALS.to_vec())) {
            let score = score(goal, factors);
            let known: Vec<Relevance> = factors.in_order().into_iter().filter_map(|(_, value)| value).collect();
            if let (Some(least), Some(most)) = (known.iter().min(), known.iter().max()) {
                prop_assert!(score.relevance >= *least && score.relevance <= *most);
            }
        }

        #[test]
        fn a_better_factor_never_lowers_the_relevance(factors in factors(), goal in prop::sample::select(GOALS.to_vec()), gain in 0u32..5_000) {
            let Some(affinity) = factors.affinity else { return Ok(()) };
            let better = Factors { affinity: Some(Relevance::clamped(u32::from(affinity.basis_points()) + gain)), ..factors };
            prop_assert!(score(goal, better).relevance >= score(goal, factors).relevance);
        }

        #[test]
        fn the_contributions_sum_to_the_relevance(factors in factors(), goal in prop::sample::select(GOALS.to_vec())) {
            let score = score(goal, factors);
            let sum: u32 = Factor::ALL.into_iter().filter_map(|factor| score.contribution(factor)).map(|value| u32::from(value.basis_points())).sum();
            let relevance = u32::from(score.relevance.basis_points());
            prop_assert!(sum <= relevance && relevance - sum < 5);
        }
    }
}
