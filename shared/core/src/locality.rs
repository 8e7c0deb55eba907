//! From where somebody would go to which place of an offer: how near it is, and whether a message comes in time to go.

use jiff::{SignedDuration, Timestamp};

use crate::audience::View;
use crate::hours::Opening;
use crate::offer::Offer;
use crate::place::{Place, Radius, SquaredChord, proximity_bp, squared_chord};
use crate::relevance::Relevance;
use crate::time::later;
use crate::travel::{Area, minutes};

/// A way that somebody may go: from home or from where they are now, to a place within reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    /// Where to.
    pub(crate) place: &'a Place,
    distance: SquaredChord,
    radius: Radius,
    area: Option<Area>,
}

/// Every way within reach. From home it is as far as people there go; from where somebody is now, as far as people in a
/// city go: whoever is out already wants what is at hand.
pub(crate) fn ways<'a>(offer: &'a Offer, view: &View<'_>) -> impl Iterator<Item = Way<'a>> {
    let starts = [
        view.home.map(|home| (home, view.area)),
        view.current_place.map(|place| (place, Some(Area::DenseCity))),
    ];
    offer.places.iter().flat_map(move |place| {
        starts.into_iter().flatten().filter_map(move |(start, area)| {
            let way = Way {
                place,
                distance: squared_chord(place.centre, start),
                radius: place.radius_from(area),
                area,
            };
            way.radius.reaches(way.distance).then_some(way)
        })
    })
}

impl Way<'_> {
    /// The pull of the place halves with each half of the radius: 10 000 bp at the place, 5 000 half way out, 2 500 at
    /// the rim.
    pub(crate) fn proximity(&self) -> Relevance {
        Relevance::clamped(u32::from(proximity_bp(self.distance, self.radius)))
    }

    fn minutes(&self) -> u32 {
        minutes(self.distance, self.area)
    }

    /// Whether somebody who reads the message then, and goes at once, finds the place open before the offer ends.
    pub(crate) fn is_in_time(&self, reads: Timestamp, ends: Timestamp) -> bool {
        let arrives = later(reads, SignedDuration::from_mins(self.minutes().into()));
        let opens = match self.place.hours.as_ref().map(|hours| hours.at(arrives)) {
            None | Some(Opening::Open { .. }) => arrives,
            Some(Opening::Shut {
                opens_in: Some(minutes),
            }) => later(arrives, SignedDuration::from_mins(minutes.into())),
            Some(Opening::Shut { opens_in: None }) => return false,
        };
        opens < ends
    }
}

/// A way of so many minutes, as people there get about, is a short one: 12 km in a dense city, 20 in a town, 40 in the country.
const CLOSE_MINUTES: u32 = 60;

/// Whether some place within reach is close to somebody, of those that can still be gone to in time.
pub(crate) fn is_close(offer: &Offer, view: &View<'_>, reads: Timestamp) -> bool {
    ways(offer, view).any(|way| way.minutes() <= CLOSE_MINUTES && way.is_in_time(reads, offer.window.until))
}

/// Whether a message that is read then still finds a use: at a place of the offer that can be reached before its end, or
/// anywhere for an offer without a place.
pub(crate) fn is_useful(offer: &Offer, view: &View<'_>, reads: Timestamp) -> bool {
    let ends = offer.window.until;
    if offer.places.is_empty() {
        return reads < ends;
    }
    ways(offer, view).any(|way| way.is_in_time(reads, ends))
}
