//! What is the same for every customer, computed once by core and handed to every engine: radii as squared chords, weights,
//! fits, and what each purchase or interest says of an offer. An engine that reads them computes the shipped model.

use apropos_core::affinity::{INTEREST_BP, RELATED_INTEREST_BP, TOPIC_BP};
use apropos_core::attribute::{Attribute, Fact};
use apropos_core::campaign::{Audience, Goal};
use apropos_core::category::{Category, complements, meets};
use apropos_core::context::Lifecycle;
use apropos_core::decision::Proposal;
use apropos_core::habit::GoodHours;
use apropos_core::hours::Opening;
use apropos_core::moment::opening;
use apropos_core::offer::Offer;
use apropos_core::place::{Place, Radius, proximity_bp};
use apropos_core::reason::Reason;
use apropos_core::relevance::{Factor, weight};
use apropos_core::suitability::{Condition, OnUnknown};
use apropos_core::time::EpochDay;
use apropos_core::travel::{Area, minutes};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::Failure;
use crate::workload::Workload;

/// The byte of a tie that is an interest and no month.
pub const INTEREST: u8 = u8::MAX;

/// Rows of the tables by category: the codes, and 0 for no tie.
const CODES: u8 = 67;

/// Set in a tie's figure when it meets the very need: of those the latest counts, by the day.
const MEETS: u16 = 1 << 14;

/// The constants of a workload.
///
/// # Errors
/// When an offer has something that the constants cannot say.
pub fn of(workload: &Workload) -> Result<Value, Failure> {
    let now = workload.now;
    let today = EpochDay::of(now);
    let offers = workload
        .proposals()
        .map(|proposal| offer(proposal, now))
        .collect::<Result<Vec<_>, _>>()?;
    let nearness = (0..1 << 14).map(nearness).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "workload": workload.name.code(),
        "customers": workload.population.records.len(),
        "now": now.as_second(),
        "today": today.0,
        "month": month(today.date()),
        "retention_days": workload.brand.retention.days(),
        "topic_bp": TOPIC_BP,
        "interest": INTEREST,
        "unknown": UNKNOWN,
        "meets": MEETS,
        "codes": CODES,
        "nearness": nearness,
        "facts": Fact::ALL.map(Fact::code),
        "topic_states": ["no_consent", "granted", "consent_pending", "consent_denied", "consent_withdrawn", "consent_expired"],
        "reasons": Reason::ALL.map(|reason| json!([reason.byte(), reason.code()])),
        "offers": offers,
    }))
}

/// Good hours turned so that the stretch of now is the first: now is one of them where the lowest bit is set, on every clock.
#[must_use]
pub fn turned(good_hours: GoodHours, now: Timestamp) -> u8 {
    let [stretches, ahead] = good_hours.to_bytes();
    stretches.rotate_right(turn(ahead, now))
}

/// Which stretch of the day it is on a clock that is so many quarters of an hour ahead.
fn turn(ahead: u8, now: Timestamp) -> u32 {
    let is_now = |stretch: &u32| GoodHours::from_bytes([1 << stretch, ahead]).hold_at(now);
    (0..8).find(is_now).unwrap_or(0)
}

/// How near somebody is at so many 16 384ths of the radius, read off core's own function over a radius whose square is 2^30.
fn nearness(share: u16) -> Result<u16, Failure> {
    let distance = u64::from(share).pow(2) * 4;
    let radius = Radius::from_chord(1 << 30)?;
    Ok(proximity_bp(Radius::from_chord(distance.max(1))?.chord(), radius))
}

/// A radius as what squared distances are shifted and multiplied by, to become 2^28ths of its square.
fn scale(radius: Radius) -> Value {
    let squared = radius.chord().value();
    let bits = u64::BITS - squared.leading_zeros();
    let (up, down) = (31_u32.saturating_sub(bits), bits.saturating_sub(31));
    json!({"up": up, "down": down, "factor": (1 << 60) / ((squared << up) >> down)})
}

/// Not known, in a table of basis points.
const UNKNOWN: u32 = 65_535;

fn offer(proposal: Proposal<'_>, now: Timestamp) -> Result<Value, Failure> {
    let Proposal {
        brand, offer, campaign, ..
    } = proposal;
    let places = offer
        .places
        .iter()
        .map(|place| self::place(offer, place, now))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = offer
        .rules
        .iter()
        .map(|rule| {
            let unknown = match rule.unknown {
                OnUnknown::Exclude => "exclude",
                OnUnknown::Neutral => "neutral",
            };
            Ok(json!({"when": condition(&rule.condition)?, "unknown": unknown}))
        })
        .chain(
            offer
                .needs
                .iter()
                .map(|asked| Ok(json!({"when": condition(&asked.condition)?, "unknown": "exclude"}))),
        )
        .collect::<Result<Vec<_>, Failure>>()?;
    let window = offer.window;
    let topic = brand
        .topics
        .number(&campaign.topic)
        .ok_or("the topic is not the brand's")?;
    let season = offer.season.map(|season| season.fit(EpochDay::of(now).month()));
    let wanted: Vec<u8> = match &campaign.audience {
        Audience::Everyone | Audience::NearPlaces => Vec::new(),
        Audience::Lifecycle(wanted) => wanted.iter().map(|life| life.byte()).collect(),
    };
    let interval = offer.category.repurchase_days();
    let closed = match campaign.goal {
        Goal::Anticipate => interval / 5 * 4 + interval % 5 * 4 / 5,
        Goal::Acquire | Goal::Retain | Goal::Reactivate | Goal::Inform => interval,
    };
    if campaign.holdout.basis_points() > 0 {
        return Err("no other engine is asked for the hash of a holdout".into());
    }
    Ok(json!({
        "id": offer.id.as_str(),
        "in_force": now >= window.from && now < window.until,
        "in_time_anywhere": now.checked_add(TO_READING)? < window.until,
        "topic": topic.get(),
        "audience": wanted,
        "goal": campaign.goal.code(),
        "anticipates": campaign.goal == Goal::Anticipate,
        "weights": Factor::ALL.map(|factor| weight(campaign.goal, factor)),
        "fit_bp": Lifecycle::ALL.map(|life| campaign.goal.fit(life).basis_points()),
        "threshold": campaign.threshold.basis_points(),
        "minimum_evidence": campaign.minimum_evidence.basis_points(),
        "declares": Attribute::all().map(|attribute| (attribute.code(), offer.declares(attribute))).filter(|(_, is)| *is).map(|(code, _)| code).collect::<Vec<_>>(),
        "places": places,
        "rules": rules,
        "season_bp": season,
        "ends_soon_bp": (window.until.duration_since(now) <= SOON).then_some(10_000),
        "meets": Category::all().filter(|bought| meets(*bought, offer.category)).map(Category::code).collect::<Vec<_>>(),
        // From these days on, the very thing was bought lately, and closes the gate of who has one.
        "recent_from": when(fewer_than(interval, now)?),
        "has_from": if interval >= 180 && !offer.category.is_consumable() { when(fewer_than(closed, now)?) } else { NEVER },
    }))
}

const TO_READING: SignedDuration = SignedDuration::from_mins(15);
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

fn place(offer: &Offer, place: &Place, now: Timestamp) -> Result<Value, Failure> {
    let areas = [None, Some(Area::DenseCity), Some(Area::Town), Some(Area::Country)];
    let reach = areas.map(|area| place.radius_from(area));
    let slowest = Some(Area::DenseCity);
    let farthest = reach
        .into_iter()
        .max()
        .map_or(0, |radius| minutes(radius.chord(), slowest));
    let longest = longest_way(offer, place, farthest, now)?;
    let in_time: Vec<i64> = areas
        .into_iter()
        .zip(reach)
        .map(|(area, radius)| longest.map_or(Ok(-1), |longest| farthest_chord(radius, area, longest)))
        .collect::<Result<_, _>>()?;
    Ok(json!({
        "vector": place.centre.components(),
        // By area, unknown first. A chord of so much is within reach, and then reached in time.
        "reach": reach.map(|radius| radius.chord().value()),
        "scale": reach.map(scale),
        "in_time": in_time,
        "opening_bp": place.hours.as_ref().map(|hours| opening(hours.at(now))),
    }))
}

/// The longest way in minutes after which the place is still found open in time; `None` when none is short enough.
fn longest_way(offer: &Offer, place: &Place, farthest: u32, now: Timestamp) -> Result<Option<u32>, Failure> {
    let mut longest = None;
    for way in 0..=farthest {
        let arrives = now
            .checked_add(TO_READING)?
            .checked_add(SignedDuration::from_mins(way.into()))?;
        let opens = match place.hours.as_ref().map(|hours| hours.at(arrives)) {
            None | Some(Opening::Open { .. }) => Some(arrives),
            Some(Opening::Shut { opens_in: Some(wait) }) => {
                Some(arrives.checked_add(SignedDuration::from_mins(wait.into()))?)
            }
            Some(Opening::Shut { opens_in: None }) => None,
        };
        let is_in_time = opens.is_some_and(|opens| opens < offer.window.until);
        let follows = longest.map_or(0, |longest| longest + 1);
        if is_in_time && way != follows {
            return Err("who lives farther would be in time, and who lives nearer would not".into());
        }
        if is_in_time {
            longest = Some(way);
        }
    }
    Ok(longest)
}

/// The longest chord within the radius whose way takes no longer than that: the way grows with the chord.
fn farthest_chord(radius: Radius, area: Option<Area>, longest: u32) -> Result<i64, Failure> {
    let takes = |chord: u64| Radius::from_chord(chord.max(1)).map(|chord| minutes(chord.chord(), area));
    let (mut fits, mut beyond) = (0, radius.chord().value() + 1);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        if takes(middle)? <= longest {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    Ok(i64::try_from(fits)?)
}

fn condition(condition: &Condition) -> Result<Value, Failure> {
    let parts = |parts: &[Condition]| parts.iter().map(self::condition).collect::<Result<Vec<_>, _>>();
    let position = |fact: Fact| Fact::ALL.iter().position(|each| *each == fact);
    Ok(match condition {
        Condition::All(all) => json!({"all": parts(all)?}),
        Condition::Any(any) => json!({"any": parts(any)?}),
        Condition::Not(part) => json!({"not": self::condition(part)?}),
        Condition::Is(fact, value) => json!({"fact": position(*fact), "is": value}),
        Condition::AtMost(fact, value) => json!({"fact": position(*fact), "at_most": value}),
        Condition::AtLeast(fact, value) => json!({"fact": position(*fact), "at_least": value}),
        Condition::In(..) | Condition::Known(_) | Condition::Purchased { .. } | Condition::Interested(_) => {
            return Err("no offer of the workload asks that".into());
        }
    })
}

/// What each tie says of an offer, by category (67 rows, the first for none) and month (256 columns, the last for an
/// interest): 0 when the offer may not read it, else basis points plus one, and a bit: it meets the very need, so that it counts
/// once it is used up, which its day says.
pub fn ties(proposal: Proposal<'_>, now: Timestamp) -> Vec<u16> {
    let offer = proposal.offer;
    let today = EpochDay::of(now).date();
    let mut table = Vec::with_capacity(usize::from(CODES) * 256);
    for code in 0..CODES {
        for tie in 0..=u8::MAX {
            let figure = match Category::from_code(code) {
                Some(category) if tie == INTEREST => {
                    interest(category, offer).filter(|_| offer.declares(Attribute::Interests))
                }
                Some(category) => Some(purchase(category, days_since(tie, today), offer))
                    .filter(|_| offer.declares(Attribute::Purchases)),
                None => None,
            };
            table.push(figure.unwrap_or(0));
        }
    }
    table
}

fn interest(category: Category, offer: &Offer) -> Option<u16> {
    let bp = if category == offer.category {
        INTEREST_BP
    } else if complements(category, offer.category) || category.family() == offer.category.family() {
        RELATED_INTEREST_BP
    } else {
        0
    };
    u16::try_from(bp + 1).ok()
}

fn purchase(category: Category, days: u16, offer: &Offer) -> u16 {
    if meets(category, offer.category) {
        (offer.category.recency_bp(days) + 1) | MEETS
    } else if complements(category, offer.category) {
        category.recency_bp(days) + 1
    } else {
        1
    }
}

/// The first day of those that are fewer than so many days ago.
fn fewer_than(days: u16, now: Timestamp) -> Result<Date, Failure> {
    Ok(EpochDay::of(now).date().checked_sub((i32::from(days) - 1).days())?)
}

/// A day as a number, greater the later it is: 256 times the month, counted from 1 for January 2020, and the day in it.
fn when(day: Date) -> u32 {
    u32::from(month(day)) * 256 + 256 + u32::from(day.day().unsigned_abs())
}

/// Later than any day.
const NEVER: u32 = 1 << 20;

/// Days since the last day of a month of the record.
fn days_since(month: u8, today: Date) -> u16 {
    let first = Date::constant(2020, 1, 1).checked_add(i32::from(month).months());
    let last = first.map_or(Date::MAX, Date::last_of_month);
    let span = today.since(last).map_or(0, |span| span.get_days());
    u16::try_from(span.max(0)).unwrap_or(u16::MAX)
}

/// Months since January 2020, as the record counts them.
fn month(date: Date) -> u8 {
    u8::try_from((i32::from(date.year()) - 2020) * 12 + i32::from(date.month()) - 1).unwrap_or(0)
}
