//! What a person's purchases and interests say of an offer.
//!
//! `affinity = max(complement, interest, again)`, basis points ([`affinity_bp`]):
//!
//! - **complement**: the best of what was bought in a category that the offer's complements, 10 000 in its month and half of it
//!   after each half-life of the category bought ([`Category::recency_bp`]), a month at a time;
//! - **interest**: 8 000 in the very category, 5 000 in one that it complements or of its family;
//! - **again**: the very thing, or one that does the same, was bought and is used up by now: as much as a complement, by the
//!   half-life of the offer's category. So of what lasts for years little is left by then.
//!
//! As long as the very thing still serves, the other two are halved. Where nothing of it is recorded, declared or may be
//! read, what counts is the topic that the person chose themselves: [`TOPIC_BP`]. So whoever refuses profiling still gets the topic.
//!
//! For the goal *anticipate*, whoever bought the very thing is judged by when they need the next: [`due_bp`].

use crate::audience::View;
use crate::campaign::Goal;
use crate::category::{Category, complements, meets};
use crate::offer::Offer;
use crate::place::halving_bp;
use crate::purchase_day::{PurchaseDay, days_since};
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

/// A thing that lasts this long is not offered again before its owner usually needs another; of what is used up sooner, one
/// that still serves only counts against, in the affinity.
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
    let bought_within = |days| last_met(offer, view).is_some_and(|day| day.days_until(view.today) < days);
    closed_for(offer.category, goal).is_some_and(bought_within)
}

/// For so many days after a purchase, what lasts is not offered again. A consumable is used up however long that takes.
pub(crate) fn closed_for(category: Category, goal: Goal) -> Option<u32> {
    let interval = u32::from(category.repurchase_days());
    let closed = match goal {
        Goal::Anticipate => interval * 4 / 5,
        Goal::Acquire | Goal::Retain | Goal::Reactivate | Goal::Inform => interval,
    };
    (interval >= LASTING_DAYS && !category.is_consumable()).then_some(closed)
}

/// When the very thing, or one that does the same, was bought last.
fn last_met(offer: &Offer, view: &View<'_>) -> Option<PurchaseDay> {
    view.purchases()?
        .filter(|(category, _)| meets(*category, offer.category))
        .map(|(_, day)| day)
        .max()
}

/// What the last purchase of the very thing, or of one that does the same, says of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastOne {
    /// There was none, or it may not be read.
    Unknown,
    /// It was bought fewer days ago than such a thing lasts.
    StillServes,
    /// It is used up, and speaks for another with so many basis points, 0 to 10 000.
    UsedUp(u32),
}

impl LastOne {
    /// Of a thing of this category that was bought so many days ago, in a month that ended so many days ago.
    ///
    /// ```
    /// use apropos_core::affinity::LastOne;
    /// use apropos_core::category::Category;
    ///
    /// // Coffee is used up after 30 days, and says half as much after each 90.
    /// let coffee = Category::from_slug("coffee-pods").unwrap();
    /// assert_eq!([0, 29].map(|days| LastOne::of(coffee, days, 0)), [LastOne::StillServes; 2]);
    /// assert_eq!(
    ///     [30, 90, 180].map(|days| LastOne::of(coffee, days, days)),
    ///     [7_937, 5_000, 2_500].map(LastOne::UsedUp)
    /// );
    /// // Whoever bought a pushchair three years ago is not taken to need another.
    /// let pushchair = Category::from_slug("pushchair").unwrap();
    /// assert_eq!(LastOne::of(pushchair, 1_095, 1_095), LastOne::UsedUp(423));
    /// ```
    #[must_use]
    pub fn of(category: Category, days: u32, days_since_month: u32) -> Self {
        if days < u32::from(category.repurchase_days()) {
            return Self::StillServes;
        }
        Self::UsedUp(recency_bp(category, days_since_month).into())
    }
}

/// What is left of a purchase of a category after so many days, in basis points.
pub(crate) fn recency_bp(category: Category, days: u32) -> u16 {
    category.recency_bp(u16::try_from(days).unwrap_or(u16::MAX))
}

fn last_one(offer: &Offer, view: &View<'_>) -> LastOne {
    last_met(offer, view).map_or(LastOne::Unknown, |day| {
        LastOne::of(
            offer.category,
            day.days_until(view.today),
            days_since(day.month(), view.today),
        )
    })
}

/// The affinity; never unknown, because the person chose the topic.
pub(crate) fn affinity(offer: &Offer, view: &View<'_>, goal: Goal) -> Relevance {
    if let (Goal::Anticipate, Some(day)) = (goal, last_met(offer, view)) {
        return Relevance::clamped(due_bp(day.days_until(view.today), offer.category.repurchase_days()));
    }
    let (complement, interest) = (best_complement(offer, view), best_interest(offer, view));
    Relevance::clamped(affinity_bp(complement, interest, last_one(offer, view)))
}

/// The formula at the top of this module, 0 to 10 000 bp: of the best complement and the best interest in basis points, where
/// any purchase or interest is known, and of the last purchase of the very thing.
///
/// ```
/// use apropos_core::affinity::{INTEREST_BP, LastOne, affinity_bp};
/// use apropos_core::category::Category;
///
/// // Running gear goes with running shoes, whose half-life is 180 days; the gear itself lasts 240.
/// let shoes = |days| Some(u32::from(Category::from_slug("running-shoes").unwrap().recency_bp(days)));
/// let never = LastOne::Unknown;
/// assert_eq!([0, 90, 180, 360].map(|days| affinity_bp(shoes(days), None, never)), [10_000, 7_071, 5_000, 2_500]);
/// // Who likes running gear as well: the better of the two counts.
/// assert_eq!(affinity_bp(shoes(180), Some(INTEREST_BP), never), 8_000);
/// // They bought some 100 days ago, and need no more until the 240th.
/// let gear = Category::from_slug("running-gear").unwrap();
/// let bought = |days| affinity_bp(shoes(180), Some(INTEREST_BP), LastOne::of(gear, days, days));
/// assert_eq!([100, 239, 240].map(bought), [4_000, 4_000, 8_000]);
/// // Of whom nothing else is known, that they bought some speaks for it again.
/// assert_eq!([239, 240, 360].map(|days| affinity_bp(None, None, LastOne::of(gear, days, days))), [0, 3_969, 2_500]);
/// // Nothing is known but the topic, or what is known has nothing to do with it.
/// assert_eq!([None, Some(0)].map(|interest| affinity_bp(None, interest, never)), [5_000, 0]);
/// ```
#[must_use]
pub fn affinity_bp(complement: Option<u32>, interest: Option<u32>, last: LastOne) -> u32 {
    let best = complement.max(interest);
    match last {
        LastOne::Unknown => best.unwrap_or(TOPIC_BP),
        LastOne::StillServes => best.unwrap_or(0) / 2,
        LastOne::UsedUp(again) => best.unwrap_or(0).max(again),
    }
}

/// What the [`affinity`] rests on. Where a purchase and an interest are worth the same it is the interest, which the person
/// told themselves.
pub(crate) fn source(offer: &Offer, view: &View<'_>, goal: Goal) -> AffinitySource {
    if goal == Goal::Anticipate && last_met(offer, view).is_some() {
        return AffinitySource::Purchases;
    }
    let again = match last_one(offer, view) {
        LastOne::UsedUp(again) => Some(again),
        LastOne::Unknown | LastOne::StillServes => None,
    };
    match (best_complement(offer, view).max(again), best_interest(offer, view)) {
        (None, None) => AffinitySource::Topic,
        (purchase, interest) if purchase > interest => AffinitySource::Purchases,
        _ => AffinitySource::Interests,
    }
}

/// The best that any purchase of something else says, 0 where none goes with the offer; nothing where no purchase is known.
fn best_complement(offer: &Offer, view: &View<'_>) -> Option<u32> {
    let purchases = view.purchases().into_iter().flatten().map(|(category, day)| {
        if complements(category, offer.category) {
            recency_bp(category, days_since(day.month(), view.today)).into()
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
