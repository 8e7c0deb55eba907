//! The decision: an offer, a person and a time in; an approval or the reason to stay silent out.
//!
//! It is made twice by the same rules. [`judge`] is the first: over the compact record, for thousands a page. [`decide`]
//! is the second, just before sending: over the exact consents, the recent contacts and the quiet hours. Only it makes
//! an [`Approval`], and only an approval can be claimed, composed and sent.

use jiff::{SignedDuration, Timestamp};

use crate::affinity::{AffinitySource, affinity, already_has, source};
use crate::attribute::Attribute;
use crate::audience::{AudienceRecord, View};
use crate::best_hour::first_good;
use crate::brand::Brand;
use crate::campaign::{Campaign, DeliveryId, Run, RunStatus};
use crate::cap::{FrequencyCap, Limit};
use crate::consent::Objection;
use crate::context::ContactPoint;
use crate::habit::appetite_bp;
use crate::ids::{AttemptId, BrandId, CampaignId, CustomerId, RunId, TopicId};
use crate::locality::{Way, is_close, is_useful, ways};
use crate::moment::moment;
use crate::offer::Offer;
use crate::quiet::{NeverOpen, QuietHours, quiet_until};
use crate::reason::Reason;
use crate::relevance::{Factors, LEAST_REASON, Relevance, Score, score};
use crate::standing::Standing;
use crate::suitability::{OnUnknown, Verdict};
use crate::time::later;

/// What is decided about: one run of a campaign with its offer.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The brand.
    pub brand: &'a Brand,
    /// The offer, in the campaign's version.
    pub offer: &'a Offer,
    /// The campaign.
    pub campaign: &'a Campaign,
    /// The run.
    pub run: &'a Run,
}

/// A reason to stay silent, with what was known when the gate closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The first gate that closed.
    pub reason: Reason,
    /// The suitability rule that closed it, by its position in the offer; after the rules, the needs of the offer's category.
    pub rule: Option<usize>,
    /// The score, where it came so far.
    pub score: Option<Score>,
}

impl Withheld {
    const fn by(reason: Reason) -> Self {
        Self {
            reason,
            rule: None,
            score: None,
        }
    }
}

/// Judges one person's compact record: the gates that it can answer, in the order of [`Reason`], then the score.
///
/// # Errors
/// [`Withheld`] is the other answer, not a fault.
pub fn judge(
    proposal: Proposal<'_>,
    customer: &CustomerId,
    record: &AudienceRecord,
    now: Timestamp,
) -> Result<Score, Withheld> {
    in_force(proposal, now)?;
    if record.hint.no_marketing {
        return Err(Withheld::by(Reason::Objected));
    }
    if record.hint.is_paused(now) {
        return Err(Withheld::by(Reason::Paused));
    }
    record
        .hint
        .agrees_to(&proposal.brand.topics, &proposal.campaign.topic)
        .map_err(Withheld::by)?;
    if record.has_lapsed(proposal.brand.retention, now) {
        return Err(Withheld::by(Reason::ConsentExpired));
    }
    let times = Times {
        now,
        leaves: now,
        reads: later(now, SCORING_TO_READING),
    };
    fits(proposal, customer, record, times)
}

/// When something is decided, when the message would leave, and when it would be read.
#[derive(Clone, Copy)]
struct Times {
    now: Timestamp,
    leaves: Timestamp,
    reads: Timestamp,
}

/// How long a message that is scored now usually takes through the queues to be read, at the least. Deciding again just
/// before sending knows better.
pub(crate) const SCORING_TO_READING: SignedDuration = SignedDuration::from_mins(15);

pub(crate) fn in_force(proposal: Proposal<'_>, now: Timestamp) -> Result<(), Withheld> {
    if proposal.run.status == RunStatus::Cancelled {
        return Err(Withheld::by(Reason::RunCancelled));
    }
    let window = proposal.offer.window;
    if now < window.from || now >= window.until {
        return Err(Withheld::by(Reason::OutsideWindow));
    }
    Ok(())
}

/// Everything that follows from the record alone.
fn fits(
    proposal: Proposal<'_>,
    customer: &CustomerId,
    record: &AudienceRecord,
    Times { now, leaves, reads }: Times,
) -> Result<Score, Withheld> {
    let Proposal {
        brand, offer, campaign, ..
    } = proposal;
    let view = seen(offer, record, now);
    if !campaign.audience.includes(view.lifecycle) {
        return Err(Withheld::by(Reason::OutsideAudience));
    }
    if campaign.holds_out(&brand.id, customer) {
        return Err(Withheld::by(Reason::Holdout));
    }
    reaches(offer, &view, reads)?;
    suits(offer, &view)?;
    if already_has(offer, &view, campaign.goal) {
        return Err(Withheld::by(Reason::AlreadyHas));
    }
    let by = |way: Option<&Way<'_>>| score(campaign.goal, factors(proposal, &view, way, leaves));
    let score = best_of(ways(offer, &view), campaign.minimum_evidence, by, |way| {
        way.is_in_time(reads, offer.window.until)
    });
    let withheld = |reason| {
        Err(Withheld {
            reason,
            rule: None,
            score: Some(score),
        })
    };
    if score.factors.best_reason() < LEAST_REASON {
        return withheld(Reason::NoReasonToWrite);
    }
    if score.evidence < campaign.minimum_evidence {
        return withheld(Reason::TooLittleKnown);
    }
    if score.relevance < campaign.threshold {
        return withheld(Reason::BelowThreshold);
    }
    if record.threshold.is_some_and(|own| score.relevance < own) {
        return withheld(Reason::BelowOwnThreshold);
    }
    Ok(score)
}

/// Declared by the offer and agreed to by the person. Choosing whom to write to by lifecycle is profiling as well, so a
/// segment sees nobody whose lifecycle is not.
fn seen<'a>(offer: &Offer, record: &'a AudienceRecord, now: Timestamp) -> View<'a> {
    let may_read = |attribute: Attribute| offer.declares(attribute) && record.hint.lets_read(attribute);
    record.view(may_read, now)
}

/// Whether some way leads to a place in time, or which gate closes: nobody knows where from, too far, too late.
fn reaches(offer: &Offer, view: &View<'_>, reads: Timestamp) -> Result<(), Withheld> {
    let has_places = !offer.places.is_empty();
    if has_places && view.home.is_none() && view.current_place.is_none() {
        return Err(Withheld::by(Reason::PlaceUnknown));
    }
    if has_places && ways(offer, view).next().is_none() {
        return Err(Withheld::by(Reason::TooFar));
    }
    if !is_useful(offer, view, reads) {
        return Err(Withheld::by(Reason::TooLate));
    }
    Ok(())
}

/// The score by the way that speaks most for the offer, not by the shortest: it may lead to a place that is shut. So a nearer
/// place never makes an offer worse, whatever its hours. Of equal ones the nearer counts; an offer without places needs none.
/// Some way is known to be in time: of a single one, that is not asked again.
fn best_of<'a>(
    mut ways: impl Iterator<Item = Way<'a>>,
    minimum_evidence: Relevance,
    by: impl Fn(Option<&Way<'_>>) -> Score,
    is_in_time: impl Fn(&Way<'_>) -> bool,
) -> Score {
    match (ways.next(), ways.next()) {
        (None, _) => by(None),
        (Some(only), None) => by(Some(&only)),
        (first, second) => first
            .into_iter()
            .chain(second)
            .chain(ways)
            .filter(is_in_time)
            .map(|way| by(Some(&way)))
            .max_by_key(|score| {
                (
                    score.evidence >= minimum_evidence,
                    score.relevance,
                    score.factors.proximity,
                )
            })
            .unwrap_or_else(|| by(None)),
    }
}

fn factors(proposal: Proposal<'_>, view: &View<'_>, way: Option<&Way<'_>>, leaves: Timestamp) -> Factors {
    let Proposal { offer, campaign, .. } = proposal;
    let proximity = way.map(Way::proximity);
    let mut factors = Factors {
        proximity,
        affinity: Some(affinity(offer, view, campaign.goal)),
        moment: moment(offer, view, way.map(|way| way.place), leaves),
        lifecycle_fit: view.lifecycle.map(|lifecycle| campaign.goal.fit(lifecycle)),
        appetite: view.reaction.and_then(appetite_bp).map(Relevance::clamped),
    };
    // A good moment for what is neither near nor liked is none.
    let best_reason = factors.best_reason();
    factors.moment = factors.moment.map(|moment| moment.min(best_reason));
    factors
}

/// The offer's rules, then what its category needs of a home.
fn suits(offer: &Offer, view: &View<'_>) -> Result<(), Withheld> {
    let rules = offer.rules.iter().map(|rule| rule.verdict(view));
    let needs = offer.needs.iter();
    let needs = needs.map(|asked| Verdict::of(asked.condition.holds(view), OnUnknown::Exclude));
    for (position, verdict) in rules.chain(needs).enumerate() {
        let reason = match verdict {
            Verdict::Suits => continue,
            Verdict::DoesNotSuit => Reason::Unsuitable,
            Verdict::Unknown => Reason::SuitabilityUnknown,
        };
        return Err(Withheld {
            reason,
            rule: Some(position),
            score: None,
        });
    }
    Ok(())
}

/// What is known about an address besides the person's wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable<'a> {
    /// It may be written to.
    Yes(&'a ContactPoint),
    /// There is none.
    NoContactPoint,
    /// Complaint or erasure.
    Suppressed,
    /// Hard bounce.
    Undeliverable,
}

/// What the reasons to write rest on, so that each is told in true words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grounds {
    /// What the affinity rests on; nothing where a receipt is older than that.
    pub affinity_from: Option<AffinitySource>,
    /// Whether a place within reach is close by the kilometres, and not by the radius that its brand gives it alone: at most an
    /// hour's way off, from home or from where the person was. Not of a receipt that is older than that.
    pub is_close: bool,
}

/// A yes: this message may be sent to this person, now, once. It has no other constructor than [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    brand: BrandId,
    customer: CustomerId,
    campaign: CampaignId,
    run: RunId,
    topic: TopicId,
    delivery: DeliveryId,
    attempt: AttemptId,
    score: Score,
    grounds: Grounds,
    context_version: u32,
    consent_record: u32,
    standing_version: u64,
    decided_at: Timestamp,
}

impl Approval {
    /// The controller.
    #[must_use]
    pub const fn brand(&self) -> &BrandId {
        &self.brand
    }
    /// Who.
    #[must_use]
    pub const fn customer(&self) -> &CustomerId {
        &self.customer
    }
    /// For which campaign.
    #[must_use]
    pub const fn campaign(&self) -> &CampaignId {
        &self.campaign
    }
    /// In which run.
    #[must_use]
    pub const fn run(&self) -> &RunId {
        &self.run
    }
    /// Under which topic.
    #[must_use]
    pub const fn topic(&self) -> &TopicId {
        &self.topic
    }
    /// The delivery it makes.
    #[must_use]
    pub const fn delivery(&self) -> DeliveryId {
        self.delivery
    }
    /// The attempt that fences it.
    #[must_use]
    pub const fn attempt(&self) -> &AttemptId {
        &self.attempt
    }
    /// How relevant.
    #[must_use]
    pub const fn score(&self) -> &Score {
        &self.score
    }
    /// What its reasons rest on.
    #[must_use]
    pub const fn grounds(&self) -> Grounds {
        self.grounds
    }
    /// The context it was decided on.
    #[must_use]
    pub const fn context_version(&self) -> u32 {
        self.context_version
    }
    /// The ledger entry that says yes.
    #[must_use]
    pub const fn consent_record(&self) -> u32 {
        self.consent_record
    }
    /// The standing it was decided on: the claim holds only if it is still this one.
    #[must_use]
    pub const fn standing_version(&self) -> u64 {
        self.standing_version
    }
    /// When.
    #[must_use]
    pub const fn decided_at(&self) -> Timestamp {
        self.decided_at
    }
}

/// The answer just before sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Send, if the claim is won.
    Approved(Box<Approval>),
    /// Ask again then.
    Deferred {
        /// When.
        until: Timestamp,
        /// What for.
        deferral: Deferral,
    },
    /// Stay silent.
    Withheld(Withheld),
}

/// What a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferral {
    /// The end of quiet hours.
    QuietHours,
    /// The person's own good hours, once.
    BestHour,
    /// A message of higher priority may still take the last place under the caps.
    Priority,
}

impl Deferral {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::QuietHours => "quiet_hours",
            Self::BestHour => "best_hour",
            Self::Priority => "priority",
        }
    }
}

/// The exact facts about one person, freshly and strongly read.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'a> {
    /// Who.
    pub customer: &'a CustomerId,
    /// Consents, limits, contacts.
    pub standing: &'a Standing,
    /// The record derived from the full context and the standing just read.
    pub record: &'a AudienceRecord,
    /// Whether and where they can be reached.
    pub reachable: Reachable<'a>,
    /// The message has waited for its best hour: it does not again.
    pub waited: bool,
    /// The brand's runs of higher priority that may want the last place under the caps: those launched at most
    /// [`GIVES_WAY_FOR`] ago.
    pub rivals: &'a [Proposal<'a>],
}

/// How long after the launch of a run of higher priority a lower one leaves it the last place under somebody's caps.
pub const GIVES_WAY_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How long after the launch of its own run a message still gives way, however many higher ones follow: it is never kept
/// back for ever.
pub const GIVES_WAY_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// The shortest time that a message gives way for before it is looked at again. Each wait is half as long as the higher run
/// is old, so a day has about a dozen.
const LOOKS_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Decides on fresh facts: every gate of [`Reason`] in order, the score, then caps, quiet hours, the best hour
/// and priority.
#[must_use]
pub fn decide(proposal: Proposal<'_>, fresh: Fresh<'_>, attempt: AttemptId, now: Timestamp) -> Decision {
    match gates(proposal, fresh, now) {
        Err(withheld) => Decision::Withheld(withheld),
        Ok(passed) => {
            let Passed {
                score, consent_record, ..
            } = passed;
            let standing = fresh.standing;
            match hold(proposal, fresh, &passed, now) {
                Ok(None) => {}
                Ok(Some((until, deferral))) => return Decision::Deferred { until, deferral },
                Err(reason) => return withheld_at(reason, score),
            }
            let view = seen(proposal.offer, fresh.record, now);
            Decision::Approved(Box::new(Approval {
                brand: proposal.brand.id.clone(),
                customer: fresh.customer.clone(),
                campaign: proposal.campaign.id.clone(),
                run: proposal.run.id.clone(),
                topic: proposal.campaign.topic.clone(),
                delivery: DeliveryId::of(proposal.run, fresh.customer),
                attempt,
                score,
                grounds: Grounds {
                    affinity_from: Some(source(proposal.offer, &view, proposal.campaign.goal)),
                    is_close: is_close(proposal.offer, &view, now),
                },
                context_version: fresh.record.context_version,
                consent_record,
                standing_version: standing.version,
                decided_at: now,
            }))
        }
    }
}

/// What passed every gate but those of [`hold`].
struct Passed<'a> {
    score: Score,
    consent_record: u32,
    contact: &'a ContactPoint,
    /// The brand's quiet hours and the person's.
    policies: Vec<QuietHours>,
    /// The end of those that it is now.
    quiet: Result<Option<Timestamp>, NeverOpen>,
}

/// Until when a message that may be sent waits, and what for.
fn hold(
    proposal: Proposal<'_>,
    fresh: Fresh<'_>,
    passed: &Passed<'_>,
    now: Timestamp,
) -> Result<Option<(Timestamp, Deferral)>, Reason> {
    let Passed {
        contact,
        ref policies,
        quiet,
        ..
    } = *passed;
    let view = seen(proposal.offer, fresh.record, now);
    // Whatever a message waits for, it must still be sent when it is let go, unless something else comes of it meanwhile: else it
    // does not wait, and it is sent now.
    let will_do = |at: Timestamp| {
        let times = Times {
            now: at,
            leaves: at,
            reads: at,
        };
        at < proposal.offer.window.until && fits(proposal, fresh.customer, fresh.record, times).is_ok()
    };
    let best = (proposal.campaign.best_hour && !fresh.waited)
        .then(|| first_good(view.good_hours?, policies, now, &contact.time_zone))
        .flatten()
        .filter(|best| *best > now && will_do(*best));
    match quiet {
        Ok(None) => {}
        Ok(Some(until)) if until < proposal.offer.window.until => {
            return Ok(Some(match best {
                Some(best) if best > until => (best, Deferral::BestHour),
                Some(_) | None => (until, Deferral::QuietHours),
            }));
        }
        Ok(Some(_)) | Err(NeverOpen) => return Err(Reason::EndsInQuietHours),
    }
    if let Some(best) = best {
        return Ok(Some((best, Deferral::BestHour)));
    }
    let given_way = gives_way(proposal, fresh, now).filter(|until| {
        let leaves = quiet_until(policies, *until, &contact.time_zone);
        leaves.is_ok_and(|open| will_do(open.unwrap_or(*until)))
    });
    Ok(given_way.map(|until| (until, Deferral::Priority)))
}

/// Until when a message leaves the last place under the caps to runs of higher priority that want this person too and have
/// not written to them yet.
fn gives_way(proposal: Proposal<'_>, fresh: Fresh<'_>, now: Timestamp) -> Option<Timestamp> {
    let standing = fresh.standing;
    if fresh.rivals.is_empty() || now.duration_since(proposal.run.launched_at) >= GIVES_WAY_WITHIN {
        return None;
    }
    let wants = |rival: &Proposal<'_>| {
        rival.campaign.priority > proposal.campaign.priority
            && ends_giving_way(rival.run) > now
            && !standing.claims.contains_key(&rival.run.id)
            && judge(*rival, fresh.customer, fresh.record, now).is_ok()
    };
    let wanting = || fresh.rivals.iter().filter(|rival| wants(rival));
    let rivals = wanting().count();
    if standing
        .contacts
        .leaves_room(&caps(proposal, standing), proposal.brand.minimum_gap, rivals, now)
    {
        return None;
    }
    let age = wanting().map(|rival| now.duration_since(rival.run.launched_at)).min()?;
    let end = wanting().map(|rival| ends_giving_way(rival.run)).max()?;
    let again = later(now, LOOKS_AGAIN_AFTER.max(age / 2));
    Some(again.min(end))
}

fn ends_giving_way(run: &Run) -> Timestamp {
    later(run.launched_at, GIVES_WAY_FOR)
}

fn caps(proposal: Proposal<'_>, standing: &Standing) -> Vec<FrequencyCap> {
    proposal.brand.caps.iter().copied().chain(standing.limits.cap).collect()
}

const fn withheld_at(reason: Reason, score: Score) -> Decision {
    Decision::Withheld(Withheld {
        reason,
        rule: None,
        score: Some(score),
    })
}

fn gates<'a>(proposal: Proposal<'_>, fresh: Fresh<'a>, now: Timestamp) -> Result<Passed<'a>, Withheld> {
    let standing = fresh.standing;
    in_force(proposal, now)?;
    if standing.erased.is_some() {
        return Err(Withheld::by(Reason::Suppressed));
    }
    if standing.consents.objects(Objection::NoMarketing, now) {
        return Err(Withheld::by(Reason::Objected));
    }
    if standing.consents.objects(Objection::Pause, now) {
        return Err(Withheld::by(Reason::Paused));
    }
    let consent = standing.consents.email(&proposal.campaign.topic, now);
    let consent_record = consent.granted().map_err(Withheld::by)?;
    let contact = match fresh.reachable {
        Reachable::Yes(contact) => contact,
        Reachable::NoContactPoint => return Err(Withheld::by(Reason::NoContactPoint)),
        Reachable::Suppressed => return Err(Withheld::by(Reason::Suppressed)),
        Reachable::Undeliverable => return Err(Withheld::by(Reason::Undeliverable)),
    };
    // Quiet hours may make it too late, and another moment of it. Whether the offer ends within them is a gate of its own, below.
    let policies: Vec<QuietHours> = [proposal.brand.quiet]
        .into_iter()
        .chain(standing.limits.quiet)
        .collect();
    let quiet = quiet_until(&policies, now, &contact.time_zone);
    let leaves = match quiet {
        Ok(Some(until)) if until < proposal.offer.window.until => until,
        Ok(_) | Err(NeverOpen) => now,
    };
    let times = Times {
        now,
        leaves,
        reads: leaves,
    };
    let score = fits(proposal, fresh.customer, fresh.record, times)?;
    if let Err(reached) = standing
        .contacts
        .permits(&caps(proposal, standing), proposal.brand.minimum_gap, now)
    {
        let outranked = fresh.rivals.iter().any(|rival| {
            rival.campaign.priority > proposal.campaign.priority && standing.claims.contains_key(&rival.run.id)
        });
        let reason = match reached.limit {
            Limit::Cap(_) | Limit::Gap(_) if outranked => Reason::Outranked,
            Limit::Cap(_) => Reason::CapReached,
            Limit::Gap(_) => Reason::TooSoon,
        };
        return Err(Withheld {
            reason,
            rule: None,
            score: Some(score),
        });
    }
    Ok(Passed {
        score,
        consent_record,
        contact,
        policies,
        quiet,
    })
}

#[cfg(test)]
mod tests;
