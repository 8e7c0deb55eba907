//! What a person's purchases and interests say of an offer.
//!
//! `affinity = max(purchase, interest)`, basis points ([`affinity_bp`]):
//!
//! - **purchase**: the best of what was bought in a category that the offer's complements, 10 000 in its month and half of it
//!   after each half-life of the category bought ([`Category::recency_bp`]), a month at a time;
//! - **interest**: 8 000 in the very category, 5 000 in one that it complements or of its family.
//!
//! A recent purchase of the very thing halves it. Where nothing of it is recorded, declared or may be read, what counts is
//! the topic that the person chose themselves: [`TOPIC_BP`]. So whoever refuses profiling still gets the topic.
//!
//! For the goal *anticipate*, whoever bought the very thing is judged by when they need the next: [`due_bp`].

use crate::audience::View;
use crate::campaign::Goal;
use crate::category::{Category, complements, replaces};
use crate::offer::Offer;
use crate::place::halving_bp;
use crate::purchase_day::days_since;
use crate::relevance::Relevance;

/// What a stated interest is worth, in basis points.
pub const INTEREST_BP: u32 = 8_000;
/// What an interest in a category that goes with the offer's, or is of its family, is worth.
pub const RELATED_INTEREST_BP: u32 = 5_000;
/// What the choice of the topic is worth where nothing more is known of what somebody likes: just the default threshold.
pub const TOPIC_BP: u32 = 5_000;

/// What an affinity rests on, so that it is told in true words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AffinitySource {
    /// Only the choice of the topic: nothing else is recorded or may be read.
    Topic,
    /// What was bought.
    Purchases,
    /// What somebody said they like.
    Interests,
}

impl AffinitySource {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Topic, Self::Purchases, Self::Interests];

    /// The stable name in receipts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Purchases => "purchases",
            Self::Interests => "interests",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

/// A thing that lasts this long is not offered again before its owner usually needs another; what is used up sooner
/// only counts against, in the affinity.
const LASTING_DAYS: u32 = 180;

/// How much somebody needs the next one so many days after the last, in basis points: nothing in the first half of the
/// interval, then ever more until its end, in full for half an interval, then half as much after each further interval.
///
/// ```
/// use apropos_core::affinity::due_bp;
///
/// // Running shoes last 180 days.
/// assert_eq!([60, 90, 135, 180, 270].map(|days| due_bp(days, 180)), [0, 0, 5_000, 10_000, 10_000]);
/// // One interval after that, half as much.
/// assert_eq!(due_bp(450, 180), 5_000);
/// ```
#[must_use]
pub fn due_bp(days: u32, interval: u16) -> u32 {
    let (days, interval) = (u64::from(days), u64::from(interval.max(1)));
    let bp = if days * 2 <= interval {
        0
    } else if days <= interval {
        (days * 2 - interval) * 10_000 / interval
    } else {
        let late = (days * 2).saturating_sub(interval * 3);
        u64::from(halving_bp((late << 16) / (interval * 2)))
    };
    u32::try_from(bp).unwrap_or(10_000)
}

/// Whether a lasting thing was bought within its repurchase interval, so that it is not offered again; for *anticipate*
/// within the first four fifths of it.
pub(crate) fn already_has(offer: &Offer, view: &View<'_>, goal: Goal) -> bool {
    closed_for(offer.category, goal).is_some_and(|closed| last_met(offer, view).is_some_and(|days| days < closed))
}

/// For so many days after a purchase, what lasts is not offered again.
pub(crate) fn closed_for(category: Category, goal: Goal) -> Option<u32> {
    let interval = u32::from(category.repurchase_days());
    let closed = match goal {
        Goal::Anticipate => interval * 4 / 5,
        Goal::Acquire | Goal::Retain | Goal::Reactivate | Goal::Inform => interval,
    };
    (interval >= LASTING_DAYS).then_some(closed)
}

/// Days since the very thing, or one that does the same, was bought.
fn last_met(offer: &Offer, view: &View<'_>) -> Option<u32> {
    let meets = |category: Category| category == offer.category || replaces(category, offer.category);
    view.purchases()?
        .filter(|(category, _)| meets(*category))
        .map(|(_, day)| day.days_until(view.today))
        .min()
}

/// The affinity; never unknown, because the person chose the topic.
pub(crate) fn affinity(offer: &Offer, view: &View<'_>, goal: Goal) -> Relevance {
    let met = last_met(offer, view);
    let interval = offer.category.repurchase_days();
    if let (Goal::Anticipate, Some(days)) = (goal, met) {
        return Relevance::clamped(due_bp(days, interval));
    }
    let (purchase, interest) = (best_purchase(offer, view), best_interest(offer, view));
    Relevance::clamped(affinity_bp(purchase, interest, met, interval))
}

/// The formula at the top of this module, 0 to 10 000 bp: of the best purchase and the best interest in basis points, where
/// any is known, of the days since the very thing was bought, where it was, and of the days after which it is bought again.
///
/// ```
/// use apropos_core::affinity::{INTEREST_BP, affinity_bp};
/// use apropos_core::category::Category;
///
/// // Running gear goes with running shoes, whose half-life is 180 days; the gear itself lasts 240.
/// let shoes = |days| Some(u32::from(Category::from_slug("running-shoes").unwrap().recency_bp(days)));
/// assert_eq!([0, 90, 180, 360].map(|days| affinity_bp(shoes(days), None, None, 240)), [10_000, 7_071, 5_000, 2_500]);
/// // Who likes running gear as well: the better of the two counts.
/// assert_eq!(affinity_bp(shoes(180), Some(INTEREST_BP), None, 240), 8_000);
/// // They bought some 100 days ago, and need no more until the 240th.
/// assert_eq!([100, 239, 240].map(|days| affinity_bp(shoes(180), Some(INTEREST_BP), Some(days), 240)), [4_000, 4_000, 8_000]);
/// // Nothing is known but the topic, or what is known has nothing to do with it.
/// assert_eq!([None, Some(0)].map(|interest| affinity_bp(None, interest, None, 240)), [5_000, 0]);
/// ```
#[must_use]
pub fn affinity_bp(purchase: Option<u32>, interest: Option<u32>, days_since_met: Option<u32>, interval: u16) -> u32 {
    let best = purchase.max(interest).unwrap_or(TOPIC_BP);
    let recently = days_since_met.is_some_and(|days| days < u32::from(interval));
    if recently { best / 2 } else { best }
}

/// What the [`affinity`] rests on. Where a purchase and an interest are worth the same it is the interest, which the person
/// told themselves.
pub(crate) fn source(offer: &Offer, view: &View<'_>, goal: Goal) -> AffinitySource {
    if goal == Goal::Anticipate && last_met(offer, view).is_some() {
        return AffinitySource::Purchases;
    }
    match (best_purchase(offer, view), best_interest(offer, view)) {
        (None, None) => AffinitySource::Topic,
        (purchase, interest) if purchase > interest => AffinitySource::Purchases,
        _ => AffinitySource::Interests,
    }
}

/// The best that any purchase says, 0 where none has to do with the offer; nothing where none is known.
fn best_purchase(offer: &Offer, view: &View<'_>) -> Option<u32> {
    let purchases = view.purchases().into_iter().flatten().map(|(category, day)| {
        if complements(category, offer.category) {
            let days = days_since(day.month(), view.today);
            u32::from(category.recency_bp(u16::try_from(days).unwrap_or(u16::MAX)))
        } else {
            0
        }
    });
    purchases.max()
}

/// The best that any interest says, likewise.
fn best_interest(offer: &Offer, view: &View<'_>) -> Option<u32> {
    let interests = view.interests().into_iter().flatten().map(|category| {
        if category == offer.category {
            INTEREST_BP
        } else if complements(category, offer.category) || category.family() == offer.category.family() {
            RELATED_INTEREST_BP
        } else {
            0
        }
    });
    interests.max()
}
