//! How fast an account may send: evenly spaced slots, shared by all senders. No store and no clock; whoever asks says what
//! time it is for them.
//!
//! The slots of an account are one train in time. A sender takes some that come next (a lease), no further ahead than each
//! kind of message may, and sends one message in each. A slot that was not used in time is given up: it is never made good
//! by two at once, so whatever the senders do, no second holds more than the rate.

use jiff::Timestamp;

/// What fills a second of SES's: messages are under way for unequal times, and a clock ticks in milliseconds, so two that
/// left a second and a fiftieth apart may come a second apart. It costs 2 % of the rate.
const WINDOW_US: i64 = 1_020_000;

const SECOND_US: i64 = 1_000_000;

/// As long as the train reaches so far ahead, nobody takes just the one slot that comes free: with many senders each slot
/// would be a lease, which is a write, and most of those who try for it would have written in vain.
const NO_HURRY_US: i64 = 500_000;

/// This part of a second's slots is enough for a lease where there is no hurry.
const ENOUGH: i64 = 3;

/// From an answer until the first slot in it: claim and trace are written meanwhile.
const READY_US: i64 = 100_000;

/// How late a message may leave in its slot, in milliseconds. Later than that the slot is lost.
pub const LATE_MS: i64 = 5;

/// The account is asked about itself once a minute: SES answers such questions once a second, to all who ask.
const ACCOUNT_EVERY_MS: i64 = 60_000;

/// A sender that was to ask about an account that nobody knows yet is given this long.
const FIRST_ACCOUNT_MS: i64 = 10_000;

/// Each time SES says *too fast* the rate is halved, at most this often.
const MOST_HALVINGS: u8 = 5;

/// After so long without, one halving is taken back.
const RECOVERED_MS: i64 = 10_000;

/// Several senders are told *too fast* about the same crowd: it counts once.
const SAME_CROWD_MS: i64 = 1_000;

/// How long *paused* and *over the quota* are believed when the account itself says nothing of it.
const HELD_MS: i64 = 60_000;

/// Clocks that tell nearly the same time. What the senders' clocks differ by is lost from the space between slots.
const CLOCKS_AGREE_MS: i64 = 100;

/// No clock is further off than this: services refuse what was signed with such a clock.
const NO_CLOCK_IS_FURTHER_OFF_MS: i64 = 20 * 60_000;

/// Messages in a thousand seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// What every account has, in SES's sandbox too: one message a second.
    pub const LEAST: Self = Self(1_000);

    /// No account has so much: nothing is paced then.
    const UNBOUNDED: Self = Self(100_000_000);

    /// The rate of so many messages in a thousand seconds, at least one.
    #[must_use]
    pub const fn in_1000_seconds(messages: u64) -> Self {
        Self(if messages == 0 { 1 } else { messages })
    }

    /// So many messages in a thousand seconds.
    #[must_use]
    pub const fn messages_in_1000_seconds(self) -> u64 {
        self.0
    }

    fn spacing(self) -> i64 {
        let window = WINDOW_US.unsigned_abs().saturating_mul(1_000);
        i64::try_from(window.div_ceil(self.0)).unwrap_or(i64::MAX)
    }
}

/// What SES says of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// How fast it may send.
    pub rate: Rate,
    /// How many messages it may send in 24 hours; `None` for as many as it likes.
    pub daily: Option<u64>,
    /// How many it has sent in the last 24 hours.
    pub sent: u64,
    /// Whether it may send at all.
    pub enabled: bool,
    /// When it said so, in milliseconds.
    pub read_at: i64,
}

/// The pace of an account in a region, as stored: one item for all senders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// Raised by every change but a lease of slots that follow on one another.
    pub generation: u64,
    /// What SES last said; `None` when nobody has heard yet.
    pub account: Option<Account>,
    /// When a sender last set out to ask SES, in milliseconds.
    pub asked_at: i64,
    /// Slots given out since the account was read.
    pub granted: u64,
    /// The first slot that nobody has, in microseconds.
    pub next: i64,
    /// When the last lease was taken, by the clock of whoever took it, in milliseconds.
    pub leased_at: i64,
    /// Who took it; 0 for nobody.
    pub holder: u64,
    /// How often the rate is halved.
    pub halvings: u8,
    /// Since when, in milliseconds.
    pub halved_at: i64,
    /// Until when nothing is sent because SES refused to, in milliseconds.
    pub held_until: i64,
    /// Whether that was for the quota.
    pub is_used_up: bool,
}

/// Which messages slots are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those of campaigns.
    Campaign,
    /// Confirmations and links that somebody waits for. They may take slots beyond those that campaigns may take, so they
    /// wait for what campaigns have taken already and for nothing else; and the last twentieth of the quota is theirs.
    Transactional,
}

impl Kind {
    /// How far ahead a slot may be taken, in microseconds.
    const fn ahead(self) -> i64 {
        match self {
            Self::Campaign => 1_500_000,
            Self::Transactional => 4_000_000,
        }
    }
}

/// What a sender asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Its time.
    pub now: Timestamp,
    /// How many slots it can use.
    pub most: u32,
    /// For what.
    pub kind: Kind,
}

/// What a sender gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Slots, once the lease is written.
    Lease(Lease),
    /// The account knows no bounds: no slot is needed.
    Unbounded,
    /// None yet: ask again then.
    Later(Timestamp),
    /// None for now.
    Held(Held),
}

/// Why nothing can be sent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The rate is used by others, or SES said *too fast* and the rate is halved so often.
    Rate {
        /// How often.
        halvings: u8,
    },
    /// The account has sent what it may in a day.
    UsedUp,
    /// Sending is paused.
    Paused,
    /// The sender's clock is not that of the others who are sending.
    Clock,
}

impl Held {
    /// After how many seconds what was handed back comes again. `dice` is any number: many come at many times (full
    /// jitter). A queue takes no more than a quarter of an hour.
    #[must_use]
    pub fn comes_again(self, dice: u32) -> i32 {
        const LONGEST: u32 = 900;
        let seconds = match self {
            Self::Rate { halvings } => {
                let most = (20_u32 << halvings.min(MOST_HALVINGS)).min(LONGEST);
                1 + dice % most
            }
            Self::Clock => 1 + dice % 60,
            Self::UsedUp | Self::Paused => LONGEST / 2 + dice % (LONGEST / 2),
        };
        i32::try_from(seconds).unwrap_or(1)
    }

    /// What a log says.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rate { .. } => "rate",
            Self::UsedUp => "quota_used_up",
            Self::Paused => "account_paused",
            Self::Clock => "clocks_disagree",
        }
    }
}

/// Slots one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The first, in microseconds.
    pub first: i64,
    /// From one to the next, in microseconds.
    pub spacing: i64,
    /// How many.
    pub count: u32,
    /// How it is written.
    pub follows: Follows,
}

/// Whether slots follow on those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// They do: whatever others take meanwhile, so many are taken from where the train then ends, if that is no later.
    On {
        /// The latest that the first may be, in microseconds.
        latest: i64,
        /// The earliest, in microseconds.
        earliest: i64,
    },
    /// Slots before them have passed unused. Valid only while the train ends where it did.
    AfterGap {
        /// Where it ended, in microseconds.
        end: i64,
    },
}

impl Lease {
    /// What the train grows by, in microseconds.
    #[must_use]
    pub fn span(&self) -> i64 {
        self.spacing.saturating_mul(i64::from(self.count))
    }

    /// The slots.
    pub fn slots(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let Self {
            first, spacing, count, ..
        } = *self;
        (0..count).filter_map(move |position| {
            let at = first.saturating_add(spacing.saturating_mul(i64::from(position)));
            Timestamp::from_microsecond(at).ok()
        })
    }
}

impl Pace {
    /// What a sender gets. The slots are its own once the lease is written.
    #[must_use]
    pub fn ask(&self, ask: Ask) -> Answer {
        let now = ask.now.as_millisecond();
        if self.account.is_some_and(|account| !account.enabled) {
            return Answer::Held(Held::Paused);
        }
        if self.held_until > now && self.held_until <= now.saturating_add(HELD_MS) {
            return Answer::Held(if self.is_used_up { Held::UsedUp } else { Held::Paused });
        }
        let left = self.left(ask.kind);
        if left == 0 {
            return Answer::Held(Held::UsedUp);
        }
        if self.rate() >= Rate::UNBOUNDED && left == u64::MAX && self.halvings_at(now) == 0 {
            return Answer::Unbounded;
        }
        let spacing = self.spacing_at(now);
        let now = ask.now.as_microsecond();
        let latest = now.saturating_add(ask.kind.ahead());
        let earliest = now.saturating_add(READY_US);
        // Counted by a clock that was wrong; and whoever asks has made sure that those slots are over.
        let is_foreign = self.next > now.saturating_add(self.longest());
        let first = if is_foreign { earliest } else { self.next.max(earliest) };
        if first > latest {
            let at = self.next.saturating_sub(ask.kind.ahead());
            return Answer::Later(Timestamp::from_microsecond(at).unwrap_or(ask.now));
        }
        let a_second = (SECOND_US / spacing.max(1)).max(1);
        let fits = (latest - first) / spacing.max(1) + 1;
        let wanted = i64::from(ask.most).min(a_second);
        let enough = wanted.min(a_second / ENOUGH);
        if fits < enough && first > now.saturating_add(NO_HURRY_US) {
            let free = spacing.saturating_mul(enough - 1);
            let at = first.saturating_add(free).saturating_sub(ask.kind.ahead());
            return Answer::Later(Timestamp::from_microsecond(at).unwrap_or(ask.now));
        }
        let count = wanted.min(fits).max(1);
        let count = u32::try_from(count).unwrap_or(1);
        Answer::Lease(Lease {
            first,
            spacing,
            count: count.min(u32::try_from(left).unwrap_or(u32::MAX)),
            follows: if self.next >= earliest && !is_foreign {
                Follows::On { latest, earliest }
            } else {
                Follows::AfterGap { end: self.next }
            },
        })
    }

    /// How often the rate is halved by now.
    #[must_use]
    pub fn halvings_at(&self, now: i64) -> u8 {
        let since = now.saturating_sub(self.halved_at).max(0);
        let recovered = u8::try_from(since / RECOVERED_MS).unwrap_or(u8::MAX);
        self.halvings.min(MOST_HALVINGS).saturating_sub(recovered)
    }

    /// The halvings after SES said *too fast*; `None` when that crowd has counted already.
    #[must_use]
    pub fn slower(&self, now: Timestamp) -> Option<u8> {
        let now = now.as_millisecond();
        let current = self.halvings_at(now);
        let is_same = self.halvings > 0 && (now - self.halved_at).abs() < SAME_CROWD_MS;
        (!is_same).then(|| (current + 1).min(MOST_HALVINGS))
    }

    /// Until when a refusal to send is believed, in milliseconds.
    #[must_use]
    pub fn held_from(now: Timestamp) -> i64 {
        now.as_millisecond().saturating_add(HELD_MS)
    }

    /// Whether SES is to be asked about the account, by whoever is the first to write that they do.
    #[must_use]
    pub fn is_account_due(&self, now: Timestamp) -> bool {
        let now = now.as_millisecond();
        let (since, every) = match &self.account {
            Some(account) => (account.read_at.max(self.asked_at), ACCOUNT_EVERY_MS),
            None => (self.asked_at, FIRST_ACCOUNT_MS),
        };
        // A time far ahead is that of a clock that was wrong.
        now.saturating_sub(since) >= every || since.saturating_sub(now) > NO_CLOCK_IS_FURTHER_OFF_MS
    }

    fn rate(&self) -> Rate {
        self.account.map_or(Rate::LEAST, |account| account.rate)
    }

    fn spacing_at(&self, now: i64) -> i64 {
        self.rate().spacing().saturating_mul(1 << self.halvings_at(now))
    }

    /// How far a train reaches beyond when a lease of it was taken, at most, in microseconds.
    fn longest(&self) -> i64 {
        let spacing = self
            .rate()
            .spacing()
            .saturating_mul(1 << self.halvings.min(MOST_HALVINGS));
        let ahead = Kind::Transactional.ahead() + SECOND_US;
        ahead.saturating_add(spacing)
    }

    /// How long all slots that anybody has may last, in milliseconds from when the last of them were taken.
    fn lasts(&self) -> i64 {
        let said = (self.next / 1_000).saturating_sub(self.leased_at);
        said.clamp(0, self.longest() / 1_000)
    }

    /// The most slots that may have been given out since the account was read, for one more to be given out.
    #[must_use]
    pub fn most_granted(&self, kind: Kind) -> Option<u64> {
        let account = self.account?;
        let daily = account.daily?;
        let reserve = match kind {
            Kind::Campaign => daily / 20,
            Kind::Transactional => 0,
        };
        Some(daily.saturating_sub(reserve).saturating_sub(account.sent))
    }

    fn left(&self, kind: Kind) -> u64 {
        self.most_granted(kind)
            .map_or(u64::MAX, |most| most.saturating_sub(self.granted))
    }
}

/// What a sender knows about its own clock and those of the others, from when it looked and what stood there.
///
/// A lease says when it was taken, by the clock of whoever took it. If it was taken between two looks of mine, it must
/// say a time between them: else one of the clocks is wrong, and mine is not the one that the others go by. Until a
/// sender knows, it takes nothing; and it may take over when all slots that anybody could have are over, which it tells
/// by waiting, not by what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    stamp: (u64, i64, i64),
    /// When this stamp was first seen, in milliseconds of the sender's own clock.
    since: i64,
    /// When it was last looked at.
    last: i64,
    clock: Clock,
}

/// What is known of a sender's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    Unknown,
    Agrees,
    Disagrees,
}

/// Whether a sender may take slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// It may.
    Sure,
    /// It has to look again, in so many milliseconds.
    Look {
        /// How many.
        after: i64,
    },
    /// Its clock is not that of the others.
    Off,
}

/// How often a sender looks that does not know yet whether its clock is right, in milliseconds.
const LOOK_EVERY_MS: i64 = 50;

impl Sight {
    /// A look at the pace by `me`, that began and ended at these times of its clock.
    #[must_use]
    pub fn of(former: Option<Self>, pace: &Pace, me: u64, began: Timestamp, ended: Timestamp) -> Self {
        let (began, ended) = (began.as_millisecond(), ended.as_millisecond());
        let stamp = (pace.holder, pace.leased_at, pace.next);
        let sight = |since, clock| Self {
            stamp,
            since,
            last: began,
            clock,
        };
        let Some(former) = former else {
            let is_long_ago = ended.saturating_sub(pace.leased_at) > NO_CLOCK_IS_FURTHER_OFF_MS;
            let is_alone = pace.holder == 0 || pace.holder == me || is_long_ago;
            return sight(began, if is_alone { Clock::Agrees } else { Clock::Unknown });
        };
        if pace.holder == me {
            return sight(began, former.clock);
        }
        if stamp != former.stamp {
            let between = former.last - CLOCKS_AGREE_MS..=ended + CLOCKS_AGREE_MS;
            let agrees = between.contains(&pace.leased_at);
            return sight(began, if agrees { Clock::Agrees } else { Clock::Disagrees });
        }
        // Nobody took anything since: what they have taken is over after so long.
        let is_over = began.saturating_sub(former.since) > pace.lasts();
        let clock = if is_over { Clock::Agrees } else { former.clock };
        sight(former.since, clock)
    }

    /// Whether the sender may take slots.
    #[must_use]
    pub const fn footing(&self) -> Footing {
        match self.clock {
            Clock::Agrees => Footing::Sure,
            Clock::Unknown => Footing::Look { after: LOOK_EVERY_MS },
            Clock::Disagrees => Footing::Off,
        }
    }
}

#[cfg(test)]
mod tests;
