//! One candidate: read strongly, decide with the same pure rules as scoring, and send at most once.

use apropos_aws::{
    Claimed, Created, DecisionReceipt, Delivery, DeliveryState, DueItem, DueKind, Handed, HeldProposal, Person,
    SendMessage, SendTask, Settlement, StoreError, Suppressed, Undone, derive, is_current, random,
};
use apropos_core::campaign::{DeliveryId, Run, RunStatus};
use apropos_core::decision::{Approval, Decision, Deferral, Fresh, Proposal, Reachable, Withheld, decide};
use apropos_core::habit::Clicks;
use apropos_core::ids::{AttemptId, CustomerId};
use apropos_core::message::{Linking, Message, compose};
use apropos_core::pace::{Held, LATE_MS};
use apropos_core::reason::Reason;
use apropos_core::retention::as_held;
use apropos_core::standing::{Claim, Claimable};
use apropos_core::suppression::{address_hash, global_address_hash};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::Handler;
use crate::shift::{Expected, Halt, Shift, Slot, dice};

/// How long the outcome of a send may stay unknown before it is abandoned.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How long a candidate of a paused run waits before it is looked at again.
const PAUSED_FOR: SignedDuration = SignedDuration::from_mins(1);

/// From before the first byte of the claim to the call of SES: with SES's own time-out of 2.5 s it keeps the consent
/// that the claim saw under 5 s old at the accept (invariant I1).
const CLAIM_HOLDS: SignedDuration = SignedDuration::from_secs(2);

/// How often a candidate is decided again because its standing changed in between or it waited, in one invocation.
const MOST_DECISIONS: u32 = 8;

/// A candidate whose claim was too slow for its slot comes again after so many seconds.
const MISSED: i32 = 5;

/// A decision is made again if it is older than this when its slot comes.
const A_DECISION_HOLDS: SignedDuration = SignedDuration::from_millis(500);

/// How long before its slot a candidate that has waited is decided on again.
const DECIDED_BEFORE: SignedDuration = SignedDuration::from_millis(250);

/// How long before its slot a candidate is claimed: claim and trace are written meanwhile.
const CLAIMED_BEFORE: SignedDuration = SignedDuration::from_millis(80);

/// Every candidate of a message. One that fails does not keep the others from being sent; the message is then given
/// again, and those that are done are found done. Who is not sent to for want of time, of a slot or of SES's consent goes
/// into a new message, which counts no receives.
pub(crate) async fn all(handler: &Handler, task: SendTask, shift: &Shift) -> Result<(), Undone> {
    let held = handler
        .tables
        .proposal(&task.brand, &task.campaign, &task.run)
        .await?
        .ok_or(Undone::UnknownRun)?;
    if !is_current(&held.run, handler.clock.now()) {
        return Err(Undone::UnknownRun);
    }
    let rivals = handler.tables.rivals(&held, handler.clock.now()).await?;
    let candidates = Candidates {
        handler,
        shift,
        held: &held,
        timing: Timing {
            waited: task.waited,
            rivals: rivals.iter().map(HeldProposal::as_proposal).collect(),
        },
        halt: Halt::default(),
    };
    let ended = join_all(task.customers.iter().map(|customer| Box::pin(candidates.one(customer)))).await;
    let mut rest = Vec::new();
    let mut seconds = 0;
    let mut parked = Vec::new();
    for (customer, ended) in task.customers.iter().zip(ended) {
        match ended {
            Ok(Ended::Done) => {}
            Ok(Ended::Rest(after)) => {
                rest.push(customer.clone());
                seconds = seconds.max(after);
            }
            Err(undone) => match undone.parks_as() {
                Some(reason) => parked.push((customer, reason, undone)),
                None => return Err(undone),
            },
        }
    }
    for (customer, reason, undone) in parked {
        // What is stored about this one cannot be read: no later try could, and the others need not wait for it.
        let alone = SendTask {
            customers: vec![customer.clone()],
            ..task.clone()
        };
        handler.park(SendMessage::Candidates(alone), reason, &undone).await?;
    }
    if rest.is_empty() {
        return Ok(());
    }
    tracing::info!(brand.id = %task.brand, run.id = %task.run, candidates = rest.len(), seconds, "handed back");
    let rest = SendTask {
        customers: rest,
        ..task
    };
    handler.hand_back(SendMessage::Candidates(rest), seconds).await
}

/// How it ended with a candidate.
enum Ended {
    /// With an outcome, or something else that brings one.
    Done,
    /// Without: it is handed back, for so many seconds.
    Rest(i32),
}

/// The candidates of a message.
struct Candidates<'a> {
    handler: &'a Handler,
    shift: &'a Shift,
    held: &'a HeldProposal,
    timing: Timing<'a>,
    /// What the brand sends with is not in order: the rest of its message waits.
    halt: Halt,
}

impl Candidates<'_> {
    async fn one(&self, customer: &CustomerId) -> Result<Ended, Undone> {
        let coming = self.shift.campaign.await_one();
        // Closed never, so there is always room in the end.
        let _room = self.shift.room.acquire().await.ok();
        drop(coming);
        // Nobody is begun with whom there might be no time to end with.
        if let Some(seconds) = self
            .halted()
            .or_else(|| self.shift.campaign.halt.seconds())
            .or_else(|| self.shift.too_late(self.handler.clock.now()))
        {
            return Ok(Ended::Rest(seconds));
        }
        match self.held.run.status {
            RunStatus::Paused => wait(self.handler, &self.held.run, customer, self.timing.deferred()).await,
            RunStatus::Running | RunStatus::Cancelled => self.decided(customer).await,
        }
    }

    fn halted(&self) -> Option<i32> {
        self.shift.stop.seconds().or_else(|| self.halt.seconds())
    }

    /// One candidate, from whatever an earlier attempt left.
    async fn decided(&self, customer: &CustomerId) -> Result<Ended, Undone> {
        let Self {
            handler, held, timing, ..
        } = self;
        let attempt = new_attempt()?;
        let mut place = Place {
            expected: Some(self.shift.campaign.expect_one()),
            shift: self.shift,
            slot: None,
        };
        for _ in 0..MOST_DECISIONS {
            let now = handler.clock.now();
            let person = person(handler, held, customer).await?;
            if person.is_erased() {
                // The erasure counts them in this run, and nothing may be written about them any more.
                return Ok(Ended::Done);
            }
            match person.standing.claimable(&held.run.id, now) {
                Claimable::Free => {}
                Claimable::InFlight => return Err(Undone::Wait),
                Claimable::Settled(claim) => match settle_former(handler, &held.run, customer, &claim, now).await? {
                    Former::Done => return Ok(Ended::Done),
                    Former::Freed => continue,
                },
            }
            let approval = match decision(handler, held, timing, &person, attempt.clone(), now).await? {
                (Decision::Deferred { until, deferral }, _) => {
                    tracing::debug!(brand.id = %held.brand.id, run.id = %held.run.id, deferral = deferral.code(), "deferred");
                    let kind = match deferral {
                        Deferral::BestHour => DueKind::Waited,
                        Deferral::QuietHours | Deferral::Priority => timing.deferred(),
                    };
                    let due = due(&held.run, customer, kind, until);
                    handler.tables.put_due(&due).await?;
                    return Ok(Ended::Done);
                }
                (Decision::Withheld(withheld), version) => {
                    withhold(handler, &held.run, customer, &withheld, version, now).await?;
                    return Ok(Ended::Done);
                }
                (Decision::Approved(approval), _) => approval,
            };
            match place.slot(handler).await? {
                Slot::No(seconds) => return Ok(Ended::Rest(seconds)),
                Slot::Any => {}
                Slot::At(at) if at.duration_since(now) > A_DECISION_HOLDS => {
                    // Facts may change while it waits.
                    handler.clock.wait_until(at - DECIDED_BEFORE).await;
                    continue;
                }
                Slot::At(at) => handler.clock.wait_until(at - CLAIMED_BEFORE).await,
            }
            if let Some(seconds) = self.halted() {
                return Ok(Ended::Rest(seconds));
            }
            match self.send(&person, &approval, &mut place).await? {
                Sending::Over => return Ok(Ended::Done),
                Sending::Later(seconds) => return Ok(Ended::Rest(seconds)),
                Sending::Stale => {}
            }
        }
        Err(Undone::Failed(Box::new(StoreError::Contended)))
    }

    /// Claim, trace, call, mark: three writes for a message that goes through.
    async fn send(&self, person: &Person, approval: &Approval, place: &mut Place<'_>) -> Result<Sending, Undone> {
        let Self { handler, held, .. } = self;
        let message = composed(handler, held, person, approval)?;
        let began = handler.clock.now();
        if claim(handler, approval, person, began).await? == Claimed::Stale {
            return Ok(Sending::Stale);
        }
        let tables = &handler.tables;
        if tables.open_delivery(approval, began).await? == Created::Taken {
            // A concurrent attempt wrote an outcome in between: it stands, and nothing was sent under this claim.
            release(handler, approval).await?;
            return Ok(Sending::Over);
        }
        match self.leaves(place, began).await {
            Ok(None) => {}
            Ok(Some(seconds)) => {
                give_back(handler, approval).await?;
                return Ok(Sending::Later(seconds));
            }
            Err(error) => {
                give_back(handler, approval).await?;
                return Err(error.into());
            }
        }
        // Used, whatever comes of it.
        place.slot = None;
        let handed = handler.mailer.hand(&message, clicks(held, person, began)).await;
        let now = handler.clock.now();
        let not_now = |code: &str| {
            tracing::warn!(brand.id = %approval.brand(), delivery.id = approval.delivery().to_hex(), code, "not now");
        };
        match handed {
            Handed::Accepted { message_id } => {
                // If this fails the message is given again, and its lease finds a trace without an outcome: unknown, so
                // never sent twice, and healed by SES's event.
                let message_id = message_id.as_str();
                settle(handler, approval, Settlement::Sent { message_id }, now).await?;
                Ok(Sending::Over)
            }
            Handed::TooFast { code } => {
                not_now(&code);
                let seconds = handler.too_fast(self.shift).await;
                give_back(handler, approval).await?;
                Ok(Sending::Later(seconds))
            }
            Handed::Held { why, code } => {
                not_now(&code);
                let seconds = handler.held(self.shift, why).await;
                give_back(handler, approval).await?;
                Ok(Sending::Later(seconds))
            }
            Handed::NotNow { code } => {
                not_now(&code);
                let seconds = Held::Paused.comes_again(dice());
                self.halt.after(seconds);
                give_back(handler, approval).await?;
                Ok(Sending::Later(seconds))
            }
            Handed::Refused { code } => {
                tracing::warn!(brand.id = %approval.brand(), delivery.id = approval.delivery().to_hex(), code, "refused");
                settle(handler, approval, Settlement::Withheld(Reason::Refused), now).await?;
                tables
                    .uncount_claim(
                        approval.brand(),
                        approval.customer(),
                        approval.run(),
                        approval.attempt(),
                    )
                    .await?;
                Ok(Sending::Over)
            }
            Handed::Unknown => {
                tracing::warn!(brand.id = %approval.brand(), delivery.id = approval.delivery().to_hex(), "unresolved");
                leave_unresolved(handler, &held.run, approval.customer(), approval.attempt(), now).await?;
                Ok(Sending::Over)
            }
        }
    }

    /// Waits for the exact slot, or another one if it was missed, as long as the claim holds. Says after how many seconds it
    /// comes again if it does not leave now.
    async fn leaves(&self, place: &mut Place<'_>, began: Timestamp) -> Result<Option<i32>, StoreError> {
        let clock = &self.handler.clock;
        loop {
            let slot = match place.slot {
                Some(slot) => slot,
                None => place.another(self.handler).await?,
            };
            match slot {
                Slot::No(seconds) => return Ok(Some(seconds)),
                Slot::At(at) if at.duration_since(began) > CLAIM_HOLDS => return Ok(Some(MISSED)),
                Slot::At(at) => clock.wait_until(at).await,
                Slot::Any => {}
            }
            let now = clock.now();
            if let Some(seconds) = self.halted() {
                return Ok(Some(seconds));
            }
            if now.duration_since(began) > CLAIM_HOLDS {
                return Ok(Some(MISSED));
            }
            match slot {
                Slot::At(at) if now.duration_since(at).as_millis() > i128::from(LATE_MS) => place.slot = None,
                Slot::At(_) | Slot::Any | Slot::No(_) => return Ok(None),
            }
        }
    }
}

/// A candidate's place in the train of slots: kept over decisions, and given back if it is not used.
struct Place<'a> {
    shift: &'a Shift,
    /// Until it has a slot, one is leased for it.
    expected: Option<Expected<'a>>,
    slot: Option<Slot>,
}

impl Place<'_> {
    /// Its slot, if it can still be made, or another.
    async fn slot(&mut self, handler: &Handler) -> Result<Slot, StoreError> {
        match self.slot {
            Some(Slot::At(at)) if at < handler.clock.now() => self.another(handler).await,
            Some(slot) => Ok(slot),
            None => self.another(handler).await,
        }
    }

    async fn another(&mut self, handler: &Handler) -> Result<Slot, StoreError> {
        self.slot = None;
        let slot = self.shift.campaign.next(handler, self.shift.deadline).await?;
        self.expected = None;
        self.slot = Some(slot);
        Ok(slot)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.shift.campaign.give_back(slot);
        }
    }
}

/// What besides a person's facts decides when a message leaves.
struct Timing<'a> {
    waited: bool,
    rivals: Vec<Proposal<'a>>,
}

impl Timing<'_> {
    /// What a candidate that waits for anything but its best hour is.
    const fn deferred(&self) -> DueKind {
        if self.waited {
            DueKind::Waited
        } else {
            DueKind::Deferred
        }
    }
}

async fn wait(handler: &Handler, run: &Run, customer: &CustomerId, kind: DueKind) -> Result<Ended, Undone> {
    if handler.tables.standing(&run.brand, customer).await?.erased.is_none() {
        let at = handler.clock.now() + PAUSED_FOR;
        handler.tables.put_due(&due(run, customer, kind, at)).await?;
    }
    Ok(Ended::Done)
}

fn due(run: &Run, customer: &CustomerId, kind: DueKind, at: Timestamp) -> DueItem {
    DueItem::new(
        run.brand.clone(),
        run.campaign.clone(),
        run.id.clone(),
        customer.clone(),
        kind,
        at,
    )
}

fn new_attempt() -> Result<AttemptId, StoreError> {
    let hex: String = random::<12>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    AttemptId::new(hex).map_err(|error| StoreError::Build(Box::new(error)))
}

async fn person(handler: &Handler, held: &HeldProposal, customer: &CustomerId) -> Result<Person, StoreError> {
    handler.tables.person(&held.brand.id, customer).await
}

/// What became of an earlier attempt whose lease is over.
enum Former {
    /// It has an outcome, or waits for one.
    Done,
    /// It was definitely not sent, and its claim is gone now.
    Freed,
}

async fn settle_former(
    handler: &Handler,
    run: &Run,
    customer: &CustomerId,
    claim: &Claim,
    now: Timestamp,
) -> Result<Former, StoreError> {
    let tables = &handler.tables;
    let id = DeliveryId::of(run, customer);
    let release = async || {
        tables
            .release_claim(&run.brand, customer, &run.id, &claim.attempt)
            .await
    };
    for _ in 0..MOST_DECISIONS {
        let delivery: Option<Delivery> = tables.delivery(&run.brand, &run.id, id).await?;
        let (state, attempt) = match delivery {
            None => (DeliveryState::Released, None),
            Some(delivery) => (delivery.state, delivery.attempt),
        };
        let is_ours = attempt.as_ref() == Some(&claim.attempt);
        match (state, attempt) {
            (DeliveryState::Sent | DeliveryState::Withheld, _) => {
                if !is_ours {
                    // Another's outcome stands, and nothing can be sent under this claim.
                    release().await?;
                }
                return Ok(Former::Done);
            }
            (DeliveryState::Claimed | DeliveryState::Unresolved, Some(attempt)) => {
                leave_unresolved(handler, run, customer, &attempt, now).await?;
                return Ok(Former::Done);
            }
            (DeliveryState::Claimed | DeliveryState::Unresolved, None) => {
                return Err(StoreError::Corrupt { attribute: "attempt" });
            }
            (DeliveryState::Released, _) => {
                // The delivery is opened before SES is called, so without one nothing was sent under this claim, and
                // once it is closed nothing can be: a lease that looks over may not be, by another clock.
                if is_ours || tables.close_untraced(run, customer, &claim.attempt, now).await? == Created::New {
                    release().await?;
                    return Ok(Former::Freed);
                }
            }
        }
    }
    Err(StoreError::Contended)
}

/// Nobody knows whether SES took it: it is never sent again, waits for an event, and is abandoned after a day.
async fn leave_unresolved(
    handler: &Handler,
    run: &Run,
    customer: &CustomerId,
    attempt: &AttemptId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = DeliveryId::of(run, customer);
    handler
        .tables
        .put_due(&due(run, customer, DueKind::Unresolved, now + ABANDONED_AFTER))
        .await?;
    handler
        .tables
        .settle_delivery(&run.brand, &run.id, id, attempt, Settlement::Unresolved, now)
        .await?;
    Ok(())
}

/// Decides on what was just read; with the version of the context that it was decided on.
async fn decision(
    handler: &Handler,
    held: &HeldProposal,
    timing: &Timing<'_>,
    person: &Person,
    attempt: AttemptId,
    now: Timestamp,
) -> Result<(Decision, u32), StoreError> {
    let unknown = (Default::default(), 0);
    let (context, version) = person.context.as_ref().unwrap_or(&unknown);
    let standing = as_held(&person.standing, Some(context), held.brand.retention, now);
    let record = derive(context, *version, &standing, &held.brand.topics, now);
    let reachable = match &person.contact {
        None => Reachable::NoContactPoint,
        Some((contact, _)) => {
            let by_brand = address_hash(&handler.pepper, &held.brand.id, &contact.address);
            let anywhere = global_address_hash(&handler.pepper, &contact.address);
            match handler.tables.suppressed(&held.brand.id, &by_brand, &anywhere).await? {
                Suppressed::No => Reachable::Yes(contact),
                Suppressed::ByBrand(_) => Reachable::Suppressed,
                Suppressed::Undeliverable => Reachable::Undeliverable,
            }
        }
    };
    let fresh = Fresh {
        customer: &person.customer,
        standing: &standing,
        record: &record,
        reachable,
        waited: timing.waited,
        rivals: &timing.rivals,
    };
    Ok((decide(held.as_proposal(), fresh, attempt, now), *version))
}

async fn withhold(
    handler: &Handler,
    run: &Run,
    customer: &CustomerId,
    withheld: &Withheld,
    context_version: u32,
    now: Timestamp,
) -> Result<(), Undone> {
    let receipt = DecisionReceipt::new(context_version, withheld.score.as_ref(), None, withheld.rule);
    handler
        .tables
        .withhold_delivery(run, customer, withheld.reason, &receipt, now)
        .await?;
    Ok(())
}

/// How sending ended.
enum Sending {
    /// It has an outcome, or waits for one.
    Over,
    /// Definitely not sent, and free: it is handed back, for so many seconds.
    Later(i32),
    /// The standing had changed: decide again.
    Stale,
}

fn composed(handler: &Handler, held: &HeldProposal, person: &Person, approval: &Approval) -> Result<Message, Undone> {
    // The approval was decided on this contact point, so it is there.
    let (contact, link) = person.contact.as_ref().ok_or(Undone::Wait)?;
    let linking = Linking {
        id: *link,
        ring: &handler.ring,
        base: &handler.base,
    };
    compose(approval, &held.brand, &held.offer, contact, linking).map_err(|error| Undone::Failed(Box::new(error)))
}

/// What the person agreed to in the standing that the claim holds to.
fn clicks(held: &HeldProposal, person: &Person, now: Timestamp) -> Clicks {
    let context = person.context.as_ref().map(|(context, _)| context);
    let standing = as_held(&person.standing, context, held.brand.retention, now);
    Clicks::of(&standing.consents, now)
}

/// After a failed call it is not known whether the claim was written: claiming once more with the same attempt tells.
async fn claim(
    handler: &Handler,
    approval: &Approval,
    person: &Person,
    began: Timestamp,
) -> Result<Claimed, StoreError> {
    match handler.tables.claim(approval, &person.standing, began).await {
        Err(error) if error.is_transient() => handler.tables.claim(approval, &person.standing, began).await,
        answer => answer,
    }
}

async fn settle(
    handler: &Handler,
    approval: &Approval,
    settlement: Settlement<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    handler
        .tables
        .settle_delivery(
            approval.brand(),
            approval.run(),
            approval.delivery(),
            approval.attempt(),
            settlement,
            now,
        )
        .await?;
    Ok(())
}

/// Definitely not sent: first the trace, then the claim, so that a crash in between is found by the trace.
async fn give_back(handler: &Handler, approval: &Approval) -> Result<(), StoreError> {
    settle(handler, approval, Settlement::Released, handler.clock.now()).await?;
    release(handler, approval).await
}

async fn release(handler: &Handler, approval: &Approval) -> Result<(), StoreError> {
    handler
        .tables
        .release_claim(
            approval.brand(),
            approval.customer(),
            approval.run(),
            approval.attempt(),
        )
        .await?;
    Ok(())
}
