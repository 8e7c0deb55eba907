//! What can go wrong with one call, and where a schedule says that it does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who makes calls. Each counts its own, so a fault keeps its place when another one is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Worker {
    /// Nothing ever goes wrong here: the stage is set, or looked at.
    Stage,
    /// `score-offers`.
    Pages,
    /// The first of two `send-messages`.
    SendsA,
    /// The second.
    SendsB,
    /// `record-feedback`.
    Feedback,
    /// What a minute starts: `run-campaigns` and `customer-portal`.
    Minute,
    /// Whatever answers the request of an action, by its position.
    Request(u8),
}

impl Worker {
    /// A number of its own.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Stage => 0,
            Self::Pages => 1,
            Self::SendsA => 2,
            Self::SendsB => 3,
            Self::Feedback => 4,
            Self::Minute => 5,
            Self::Request(position) => 16 + u64::from(position),
        }
    }
}

/// A call: whose, and which of theirs, counted from 0. Another try of the SDK is another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Site {
    /// Whose.
    pub worker: Worker,
    /// Which.
    pub call: u32,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}#{}", self.worker, self.call)
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// The caller ends before the call has any effect.
    CrashBefore,
    /// The caller ends after the effect, without the answer.
    CrashAfter,
    /// The effect is there, the answer never comes: the connection breaks.
    LostAnswer,
    /// Status 500, no effect.
    Error,
    /// Refused for the rate, no effect.
    Throttled,
    /// Refused for another transaction on the same item, no effect.
    Conflict,
    /// Seconds pass before the effect.
    Slow,
    /// Seconds pass between the effect and the answer.
    SlowAnswer,
    /// A read that need not be consistent sees an earlier state.
    Stale,
    /// SES is over its rate.
    MailThrottled,
    /// SES pauses the account.
    MailPaused,
    /// SES refuses this very message.
    MailRejected,
    /// SES answers 500 and has not taken it.
    MailError,
    /// SES answers 500 and has taken it.
    MailErrorTaken,
    /// SES has taken it, and its answer is cut short.
    MailTruncated,
    /// SES has taken it, and says nothing until the time-out.
    MailSilent,
    /// The queue takes all but one of the messages, and says so.
    QueuePartly,
    /// The queue hands each of the messages out twice.
    QueueTwice,
    /// The messages come minutes later, after others.
    QueueLate,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostAnswer,
        Self::Error,
        Self::Throttled,
        Self::Conflict,
        Self::Slow,
        Self::SlowAnswer,
        Self::Stale,
        Self::MailThrottled,
        Self::MailPaused,
        Self::MailRejected,
        Self::MailError,
        Self::MailErrorTaken,
        Self::MailTruncated,
        Self::MailSilent,
        Self::QueuePartly,
        Self::QueueTwice,
        Self::QueueLate,
    ];

    /// What can go wrong with a call of this kind.
    #[must_use]
    pub const fn of(kind: CallKind) -> &'static [Self] {
        use Fault::{
            Conflict, CrashAfter, CrashBefore, Error, LostAnswer, MailError, MailErrorTaken, MailPaused, MailRejected,
            MailSilent, MailThrottled, MailTruncated, QueueLate, QueuePartly, QueueTwice, Slow, SlowAnswer, Stale,
            Throttled,
        };
        match kind {
            CallKind::Read => &[CrashBefore, Error, Throttled, Slow, LostAnswer],
            CallKind::LaxRead => &[CrashBefore, Error, Throttled, Slow, LostAnswer, Stale],
            CallKind::Write => &[
                CrashBefore,
                CrashAfter,
                LostAnswer,
                Error,
                Throttled,
                Conflict,
                Slow,
                SlowAnswer,
            ],
            CallKind::Mail => &[
                CrashBefore,
                CrashAfter,
                LostAnswer,
                Slow,
                SlowAnswer,
                MailThrottled,
                MailPaused,
                MailRejected,
                MailError,
                MailErrorTaken,
                MailTruncated,
                MailSilent,
            ],
            CallKind::Queue => &[
                CrashBefore,
                CrashAfter,
                LostAnswer,
                Error,
                QueuePartly,
                QueueTwice,
                QueueLate,
            ],
        }
    }
}

/// What a call is, as far as faults go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A consistent read.
    Read,
    /// A read that may be stale.
    LaxRead,
    /// A write.
    Write,
    /// A message to SES.
    Mail,
    /// Messages to a queue.
    Queue,
}

/// A number that follows from others and from nothing else: no fault moves because another was taken out.
#[must_use]
pub fn mixed(seed: u64, parts: [u64; 3]) -> u64 {
    parts
        .into_iter()
        .fold(splitmix(seed), |mixed, part| splitmix(mixed ^ part))
}

const fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
