//! Whether now is a good moment: the place is open, the offer is in season or ends soon, the person is usually active.
//!
//! `moment = Σ part ÷ number of parts`, rounded down, over the parts that anything is known of; with none of the first three the
//! moment is unknown, which is not the same as bad ([`Parts`]). Each part is basis points:
//!
//! | part | known when | figure |
//! |---|---|---|
//! | opening | the place has hours | [`opening`] |
//! | season | the offer or its category has one | [`crate::season::Season::fit`] |
//! | ending | the window ends within 7 days | 10 000 |
//! | good hour | declared, agreed to and learned, and it is one ([`crate::habit::GoodHours::hold_at`]) | 10 000 |
//!
//! Somebody's own hours say when to write and not whether: a good one raises the moment, and at any other a message waits for it,
//! where the campaign asks for the best hour. So who lets theirs be learned is never judged worse.
//!
//! A good moment supports a reason and is none: in a decision it counts for no more than the better of proximity and
//! affinity. Otherwise every household would get a tree in December.

use jiff::{SignedDuration, Timestamp};

use crate::audience::View;
use crate::hours::Opening;
use crate::offer::Offer;
use crate::place::Place;
use crate::relevance::Relevance;
use crate::time::EpochDay;

/// From then on a window counts as ending soon.
pub(crate) const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How good it is to hear of a place that is, or is not, open, in basis points.
///
/// ```
/// use apropos_core::hours::Opening;
/// use apropos_core::moment::opening;
///
/// assert_eq!(opening(Opening::Open { minutes_left: 60 }), 10_000);
/// assert_eq!(opening(Opening::Open { minutes_left: 59 }), 5_000);
/// let shut = |minutes| opening(Opening::Shut { opens_in: Some(minutes) });
/// assert_eq!([120, 121, 721, 2_161].map(shut), [8_000, 6_000, 4_000, 1_000]);
/// assert_eq!(opening(Opening::Shut { opens_in: None }), 0);
/// ```
#[must_use]
pub const fn opening(opening: Opening) -> u32 {
    match opening {
        Opening::Open { minutes_left: 60.. } => 10_000,
        Opening::Open { .. } => 5_000,
        Opening::Shut {
            opens_in: Some(0..=120),
        } => 8_000,
        Opening::Shut {
            opens_in: Some(121..=720),
        } => 6_000,
        Opening::Shut {
            opens_in: Some(721..=2_160),
        } => 4_000,
        Opening::Shut { opens_in: Some(_) } => 1_000,
        Opening::Shut { opens_in: None } => 0,
    }
}

/// The moment for one person, with the place that they would go to.
pub(crate) fn moment(offer: &Offer, view: &View<'_>, place: Option<&Place>, now: Timestamp) -> Option<Relevance> {
    common(offer, place, now).at(view.good_hours.is_some_and(|hours| hours.hold_at(now)))
}

/// The parts that are the same for everybody who would go to a place, each in basis points.
///
/// ```
/// use apropos_core::habit::GoodHours;
/// use apropos_core::hours::Opening;
/// use apropos_core::moment::{Parts, opening};
/// use apropos_core::relevance::Relevance;
/// use apropos_core::season::Season;
///
/// // The museum opens in two hours, in December, and an exhibition there is wanted in winter.
/// let opens = opening(Opening::Shut { opens_in: Some(120) });
/// let museum = Parts::of([opens, Season::of_months(&[12, 1, 2])?.fit(12)]);
/// let moment = |is_good_hour| museum.at(is_good_hour).map(Relevance::basis_points);
/// assert_eq!(moment(false), Some(9_000));
/// // This person does most at about nine in the morning: (8 000 + 10 000 + 10 000) ÷ 3.
/// let mornings = GoodHours::learn(&[8, 8, 9, 10], 4);
/// assert_eq!(moment(mornings.hold_at("2026-12-01T08:00:00Z".parse().unwrap())), Some(9_333));
/// // That of nine in the evening is as it is for everybody.
/// assert_eq!(moment(mornings.hold_at("2026-12-01T20:00:00Z".parse().unwrap())), Some(9_000));
/// // Nothing is known of the moment: an hour by itself makes none.
/// assert_eq!(Parts::of([]).at(true), None);
/// # Ok::<(), apropos_core::season::InvalidSeason>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    sum: u32,
    known: u32,
}

pub(crate) fn common(offer: &Offer, place: Option<&Place>, now: Timestamp) -> Parts {
    let ends_soon = offer.window.until.duration_since(now) <= SOON;
    let parts = [
        place
            .and_then(|place| place.hours.as_ref())
            .map(|hours| opening(hours.at(now))),
        offer.season.map(|season| season.fit(EpochDay::of(now).month())),
        ends_soon.then_some(10_000),
    ];
    Parts::of(parts.into_iter().flatten())
}

impl Parts {
    /// Those that anything is known of, 0 to 10 000 bp each.
    pub fn of(known: impl IntoIterator<Item = u32>) -> Self {
        let none = Self { sum: 0, known: 0 };
        known.into_iter().fold(none, |parts, part| parts.and(Some(part)))
    }

    /// With one more, if it is known.
    #[must_use]
    pub(crate) fn and(self, part: Option<u32>) -> Self {
        Self {
            sum: self.sum + part.unwrap_or(0),
            known: self.known + u32::from(part.is_some()),
        }
    }

    /// The mean, at an hour that is one of the person's good ones or not. Of what nothing else is known, it is no part.
    #[must_use]
    pub fn at(self, is_good_hour: bool) -> Option<Relevance> {
        let counts = is_good_hour && self.known > 0;
        let parts = self.and(counts.then_some(10_000));
        parts.sum.checked_div(parts.known).map(Relevance::clamped)
    }
}
