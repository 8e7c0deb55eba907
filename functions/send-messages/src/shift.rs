//! One invocation: how many candidates are in hand at once, and the slots that they share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use apropos_aws::{Deadline, Leased, StoreError};
use apropos_core::pace::{Held, Kind};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use crate::Handler;
use crate::handler::A_MESSAGE_NEEDS;

/// Candidates in hand at once, and the most slots of a lease.
const AT_ONCE: u32 = 20;

/// A slot that is nearer than this leaves no time for the claim and the trace.
const SOONEST: SignedDuration = SignedDuration::from_millis(40);

/// More slots are asked for when the last one held is so near: late enough for many at a time, early enough to go on
/// without a gap.
const ASK_AHEAD: SignedDuration = SignedDuration::from_millis(400);

/// How long a sender waits that gets no slot at all because others take them. Longer than it takes to see whether its
/// clock is that of the others.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// How far ahead the furthest slot can be, besides what a message needs.
const A_SLOT_IS_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// What another sender may take up at once comes again after so many seconds.
const SOON: i32 = 1;

/// What all messages of an invocation share.
pub(crate) struct Shift {
    pub(crate) deadline: Deadline,
    pub(crate) room: Semaphore,
    /// SES said no for everybody.
    pub(crate) stop: Halt,
    pub(crate) campaign: Slots,
    pub(crate) transactional: Slots,
}

impl Shift {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            room: Semaphore::new(usize::try_from(AT_ONCE).unwrap_or(1)),
            stop: Halt::default(),
            campaign: Slots::new(Kind::Campaign),
            transactional: Slots::new(Kind::Transactional),
        }
    }

    /// After how many seconds what cannot be begun with any more comes again; `None` if there is time.
    pub(crate) fn too_late(&self, now: Timestamp) -> Option<i32> {
        self.deadline.leaves(now, A_MESSAGE_NEEDS).err().map(|_| SOON)
    }

    /// SES said no for everybody: nothing more is sent in this invocation.
    pub(crate) fn halt(&self, seconds: i32) {
        self.stop.after(seconds);
        self.campaign.halt.after(seconds);
        self.transactional.halt.after(seconds);
    }
}

/// Whether to stop, and after how many seconds what is left comes again. The first to say it is believed.
#[derive(Default)]
pub(crate) struct Halt(AtomicI32);

impl Halt {
    pub(crate) fn after(&self, seconds: i32) {
        let _ = self
            .0
            .compare_exchange(0, seconds.max(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(crate) fn seconds(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }
}

/// When a message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Then.
    At(Timestamp),
    /// Whenever it likes.
    Any,
    /// Not in this invocation: it is handed back, for so many seconds.
    No(i32),
}

/// The slots of one kind that an invocation holds.
pub(crate) struct Slots {
    kind: Kind,
    /// There are no more; those that are held may be used.
    pub(crate) halt: Halt,
    /// In hand, and without a slot yet.
    expected: AtomicU32,
    /// Not in hand yet.
    coming: AtomicU32,
    unbounded: AtomicBool,
    /// One asks for all.
    asking: tokio::sync::Mutex<()>,
    held: Mutex<Train>,
}

#[derive(Default)]
struct Train {
    free: BTreeSet<Timestamp>,
    last: Option<Timestamp>,
}

/// A message that will probably want a slot, as long as this is kept.
pub(crate) struct Expected<'a>(&'a AtomicU32);

impl<'a> Expected<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slots {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            halt: Halt::default(),
            expected: AtomicU32::new(0),
            coming: AtomicU32::new(0),
            unbounded: AtomicBool::new(false),
            asking: tokio::sync::Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Slots are leased for all that are expected, so that a lease is one write for many.
    pub(crate) fn expect_one(&self) -> Expected<'_> {
        Expected::new(&self.expected)
    }

    /// The same for one that there is no room for yet.
    pub(crate) fn await_one(&self) -> Expected<'_> {
        Expected::new(&self.coming)
    }

    fn most(&self) -> u32 {
        let (expected, coming) = (&self.expected, &self.coming);
        let both = expected.load(Ordering::Relaxed) + coming.load(Ordering::Relaxed);
        both.clamp(1, AT_ONCE)
    }

    /// The next slot, which may be a second or two ahead.
    pub(crate) async fn next(&self, handler: &Handler, deadline: Deadline) -> Result<Slot, StoreError> {
        let clock = &handler.clock;
        let _asking = self.asking.lock().await;
        let began = clock.now();
        loop {
            let now = clock.now();
            if let Some(slot) = self.held().take(now) {
                return Ok(Slot::At(slot));
            }
            if let Some(seconds) = self.halt.seconds() {
                return Ok(Slot::No(seconds));
            }
            if self.unbounded.load(Ordering::Relaxed) {
                return Ok(Slot::Any);
            }
            if deadline.leaves(now, A_MESSAGE_NEEDS + A_SLOT_IS_WITHIN).is_err() {
                self.halt.after(SOON);
                continue;
            }
            let ask_at = self.held().last.map_or(now, |last| last - ASK_AHEAD);
            if ask_at > now {
                clock.wait_until(ask_at).await;
                continue;
            }
            match handler.pacer.lease(clock, self.most(), self.kind).await? {
                Leased::Slots(slots) => self.held().add(slots),
                Leased::Unbounded => self.unbounded.store(true, Ordering::Relaxed),
                Leased::Held(why) => {
                    let seconds = why.comes_again(dice());
                    tracing::warn!(why = why.code(), seconds, "sending is held");
                    self.halt.after(seconds);
                }
                Leased::Later(at) => {
                    let now = clock.now();
                    if now.duration_since(began) > PATIENCE {
                        self.halt.after(Held::Rate { halvings: 0 }.comes_again(dice()));
                    } else {
                        clock.wait_until(at + jitter(at.duration_since(now))).await;
                    }
                }
            }
        }
    }

    /// A slot that was not needed, for whoever comes next.
    pub(crate) fn give_back(&self, slot: Slot) {
        if let Slot::At(at) = slot {
            self.held().free.insert(at);
        }
    }

    fn held(&self) -> MutexGuard<'_, Train> {
        // No more than a set of times: whole whatever became of another task.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Train {
    fn add(&mut self, slots: Vec<Timestamp>) {
        self.last = slots.last().copied().or(self.last);
        self.free.extend(slots);
    }

    fn take(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.free = self.free.split_off(&(now + SOONEST));
        self.free.pop_first()
    }
}

/// Many senders wait for the same train: they do not all ask at the same moment.
fn jitter(wait: SignedDuration) -> SignedDuration {
    const MOST_MS: i64 = 800;
    let most = i64::try_from(wait.as_millis()).unwrap_or(MOST_MS).saturating_mul(2);
    SignedDuration::from_millis(fastrand::i64(0..=most.clamp(10, MOST_MS)))
}

/// Any number.
pub(crate) fn dice() -> u32 {
    fastrand::u32(..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_796_115_600_000 + millis).unwrap()
    }

    #[test]
    fn a_slot_too_near_for_a_claim_is_not_taken_and_one_given_back_is() {
        let slots = Slots::new(Kind::Campaign);
        slots.held().add(vec![at(20), at(100), at(110)]);
        assert_eq!(slots.held().take(at(0)), Some(at(100)));
        assert_eq!(slots.held().take(at(0)), Some(at(110)));
        slots.give_back(Slot::At(at(100)));
        slots.give_back(Slot::Any);
        assert_eq!(slots.held().take(at(60)), Some(at(100)));
        assert_eq!(slots.held().take(at(60)), None);
        assert_eq!(slots.held().last, Some(at(110)));
    }

    #[test]
    fn the_first_reason_to_stop_says_when_the_rest_comes_again() {
        let shift = Shift::new(Deadline::after(at(0), SignedDuration::from_secs(75)));
        assert_eq!(shift.campaign.halt.seconds(), None);
        shift.campaign.halt.after(7);
        shift.halt(0);
        assert_eq!(
            (shift.campaign.halt.seconds(), shift.transactional.halt.seconds()),
            (Some(7), Some(1))
        );
        assert_eq!(shift.stop.seconds(), Some(1));
    }

    #[test]
    fn what_is_expected_is_leased_for_until_it_is_not_any_more() {
        let slots = Slots::new(Kind::Transactional);
        assert_eq!(slots.most(), 1, "whoever asks wants one");
        let (first, _second, _third) = (slots.expect_one(), slots.expect_one(), slots.await_one());
        assert_eq!(slots.most(), 3);
        drop(first);
        assert_eq!(slots.most(), 2);
        let _crowd: Vec<_> = (0..200).map(|_| slots.await_one()).collect();
        assert_eq!(slots.most(), AT_ONCE);
    }
}
