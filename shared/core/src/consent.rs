//! Consent: dated facts with their evidence, and the state they fold to.
//!
//! Events may arrive twice, late and in any order. Each purpose therefore keeps three registers, each the greatest
//! event of its kind by (effective time, refusal over grant, id): the person's own, anybody else's (brand, import,
//! system), and the last unconfirmed request. Taking the greatest is commutative, associative and idempotent, so every
//! order of arrival folds to the same state (invariant I7).

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use crate::fingerprint::sha256;
use crate::ids::{EventId, InvalidId, TopicId};
use crate::reason::Reason;

/// Where a person is reached. Consent is kept for all four; Apropos itself sends e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Letter.
    Post,
    /// Display advertising.
    Display,
}

impl Channel {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Email, Self::Sms, Self::Post, Self::Display];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Post => "post",
            Self::Display => "display",
        }
    }
}

/// A use of data that needs its own yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataPurpose {
    /// Use purchases, interests and the dwelling to score offers (GDPR 4(4), 21(2)).
    Profiling,
    /// Use the home's cell.
    HomeLocation,
    /// Use where the person is now; short-lived.
    CurrentLocation,
    /// Use individual clicks.
    Measurement,
}

impl DataPurpose {
    /// All of them, in the order of the audience's bits.
    pub const ALL: [Self; 4] = [
        Self::Profiling,
        Self::HomeLocation,
        Self::CurrentLocation,
        Self::Measurement,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Profiling => "profiling",
            Self::HomeLocation => "home_location",
            Self::CurrentLocation => "current_location",
            Self::Measurement => "measurement",
        }
    }
}

/// What a consent is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Messages of a topic on a channel.
    Topic {
        /// The kind of message.
        topic: TopicId,
        /// How it reaches the person.
        channel: Channel,
    },
    /// A use of data.
    Data(DataPurpose),
    /// An objection (GDPR 21(2)), kept in the same ledger: a grant switches it on, a withdrawal lifts it.
    Objection(Objection),
}

/// The two switches of GDPR 21(2), and a pause of all messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objection {
    /// No marketing at all.
    NoMarketing,
    /// No scoring by personal data; subscriptions stay.
    NoProfiling,
    /// No marketing for a while: always with an end, and lifted by it.
    Pause,
}

impl Objection {
    /// All three.
    pub const ALL: [Self; 3] = [Self::NoMarketing, Self::NoProfiling, Self::Pause];

    const fn code(self) -> &'static str {
        match self {
            Self::NoMarketing => "no_marketing",
            Self::NoProfiling => "no_profiling",
            Self::Pause => "pause",
        }
    }
}

/// Not the name of a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPurpose {
    /// Neither a data purpose nor `<channel>.<topic>`.
    #[error(
        "must be '<channel>.<topic>' (email, sms, post, display), 'profiling', 'home_location', 'current_location', 'measurement', 'no_marketing', 'no_profiling' or 'pause'"
    )]
    Unknown,
    /// The topic part is not a topic id.
    #[error("holds a topic that is refused")]
    Topic(#[source] InvalidId),
}

impl Purpose {
    /// `email.offers`, `profiling`, `no_marketing`, …: the one spelling used in documents, keys and answers.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Topic { topic, channel } => format!("{}.{topic}", channel.code()),
            Self::Data(purpose) => purpose.code().to_owned(),
            Self::Objection(objection) => objection.code().to_owned(),
        }
    }

    /// Reads [`code`](Self::code) back.
    ///
    /// # Errors
    /// [`InvalidPurpose`] for any other text.
    pub fn from_code(code: &str) -> Result<Self, InvalidPurpose> {
        if let Some((channel, topic)) = code.split_once('.') {
            let channel = Channel::ALL
                .into_iter()
                .find(|each| each.code() == channel)
                .ok_or(InvalidPurpose::Unknown)?;
            let topic = TopicId::new(topic).map_err(InvalidPurpose::Topic)?;
            return Ok(Self::Topic { topic, channel });
        }
        if let Some(purpose) = DataPurpose::ALL.into_iter().find(|each| each.code() == code) {
            return Ok(Self::Data(purpose));
        }
        Objection::ALL
            .into_iter()
            .find(|each| each.code() == code)
            .map(Self::Objection)
            .ok_or(InvalidPurpose::Unknown)
    }

    /// Whether an act keeps data or messages away from the person: a refusal, or the raising of an objection.
    const fn is_protected_by(&self, act: Act) -> bool {
        match self {
            Self::Topic { .. } | Self::Data(_) => act.is_refusal(),
            Self::Objection(_) => matches!(act, Act::Grant),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Asked for, to be confirmed by double opt-in.
    Request,
    /// A yes (confirmed, where double opt-in is used).
    Grant,
    /// The period agreed on ended.
    Expire,
    /// A no when asked.
    Deny,
    /// A yes taken back (GDPR 7(3)).
    Withdraw,
}

impl Act {
    /// All of them; the order is the stored form and, at equal times, the order of the fold: refusals last, so they win.
    pub const ALL: [Self; 5] = [Self::Request, Self::Grant, Self::Expire, Self::Deny, Self::Withdraw];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Grant => "grant",
            Self::Expire => "expire",
            Self::Deny => "deny",
            Self::Withdraw => "withdraw",
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Grant => 1,
            Self::Expire => 2,
            Self::Deny => 3,
            Self::Withdraw => 4,
        }
    }

    const fn is_refusal(self) -> bool {
        matches!(self, Self::Deny | Self::Withdraw)
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The person, by an affirmative action.
    Customer,
    /// Someone at the brand, on their own account.
    Brand,
    /// A file from elsewhere.
    Import,
    /// A rule, such as an expiry.
    System,
}

impl Actor {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Brand, Self::Import, Self::System];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Brand => "brand",
            Self::Import => "import",
            Self::System => "system",
        }
    }
}

/// Why the law allows it.
#[derive(Clone, PartialEq, Eq)]
pub enum LegalBasis {
    /// GDPR 6(1)(a).
    Consent,
    /// Existing customer, similar products (ePrivacy 13(2), CPCE L34-5), with all its conditions recorded.
    SoftOptIn {
        /// The sale in whose context the address was collected.
        sale_reference: String,
        /// Who sold; must be the brand itself.
        seller: String,
        /// The family of similar products.
        similar_family: String,
    },
}

impl fmt::Debug for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consent => "Consent",
            Self::SoftOptIn { .. } => "SoftOptIn(..)",
        })
    }
}

/// How it can be shown that the person agreed (GDPR 7(1); fields after ISO/IEC TS 27560).
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What the person did: `ticked_box`, `signed_form`, `clicked_unsubscribe`, …
    pub affirmative_action: String,
    /// Where and how it was collected: `web_form`, `store`, `phone`, `one_click`, `import`.
    pub method: String,
    /// The privacy notice that was shown; always there for a grant or a request.
    pub notice: Option<Notice>,
    /// The page, shop or file it came from; never an address of the person.
    pub source: String,
    /// When a double opt-in was confirmed.
    pub double_opt_in_at: Option<Timestamp>,
    /// The consent record that this one follows.
    pub previous: Option<EventId>,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evidence(redacted)")
    }
}

/// The privacy notice shown when consent was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The notice's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text, 64 hexadecimal digits.
    pub hash: String,
    /// The language it was shown in, such as `fr`.
    pub language: String,
}

/// A dated fact about one purpose of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentEvent {
    /// Chosen by whoever records it; repeated, it answers as the first did.
    pub id: EventId,
    /// What it is about.
    pub purpose: Purpose,
    /// What happened.
    pub act: Act,
    /// When it happened, which may be long before it is recorded.
    pub effective_at: Timestamp,
    /// When a grant ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Why the law allows it.
    pub legal_basis: LegalBasis,
    /// Who did it.
    pub actor: Actor,
    /// How it can be shown.
    pub evidence: Evidence,
}

/// How far ahead of the clock an effective time may lie, in minutes: clocks differ, facts are not of the future.
pub const MOST_MINUTES_AHEAD: i64 = 5;

/// An event's place in the fold's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    at_ms: i64,
    act: Act,
    tie: [u8; 8],
}

/// The greatest event of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    rank: Rank,
    expires_ms: Option<i64>,
    seq: u32,
}

impl Register {
    fn of(event: &ConsentEvent, seq: u32) -> Self {
        let mut tie = [0; 8];
        let digest = sha256(&[event.id.as_str().as_bytes()]);
        tie.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self {
            rank: Rank {
                at_ms: event.effective_at.as_millisecond(),
                act: event.act,
                tie,
            },
            expires_ms: event.expires_at.map(Timestamp::as_millisecond),
            seq,
        }
    }
}

/// What the registers of one purpose say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurposeState {
    person: Option<Register>,
    others: Option<Register>,
    request: Option<Register>,
}

/// The state of one purpose at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsentState {
    /// Never asked.
    Unknown,
    /// Asked for, not confirmed.
    Pending,
    /// A valid yes, with the ledger sequence it rests on.
    Granted {
        /// The ledger entry relied on.
        record: u32,
    },
    /// A no when asked.
    Denied,
    /// A yes taken back.
    Withdrawn,
    /// A yes whose time ended.
    Expired,
}

impl ConsentState {
    /// Whether it allows the purpose.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    /// The ledger entry that says yes.
    ///
    /// # Errors
    /// The reason to withhold where none does.
    pub const fn granted(self) -> Result<u32, Reason> {
        match self {
            Self::Granted { record } => Ok(record),
            Self::Unknown => Err(Reason::NoConsent),
            Self::Pending => Err(Reason::ConsentPending),
            Self::Denied => Err(Reason::ConsentDenied),
            Self::Withdrawn => Err(Reason::ConsentWithdrawn),
            Self::Expired => Err(Reason::ConsentExpired),
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Granted { .. } => "granted",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

impl PurposeState {
    fn record(&mut self, event: &ConsentEvent, seq: u32) {
        let register = match (event.act, event.actor) {
            (Act::Request, _) => &mut self.request,
            (_, Actor::Customer) => &mut self.person,
            (_, Actor::Brand | Actor::Import | Actor::System) => &mut self.others,
        };
        let new = Register::of(event, seq);
        if register.is_none_or(|held| held.rank < new.rank) {
            *register = Some(new);
        }
    }

    /// The register that decides. What a person said to protect themselves yields only to the person: an import or the
    /// brand cannot revive what they refused, nor lift their objection (I7). Otherwise the later fact decides.
    fn deciding(&self, purpose: &Purpose) -> Option<Register> {
        match (self.person, self.others) {
            (Some(person), _) if purpose.is_protected_by(person.rank.act) => Some(person),
            (Some(person), Some(others)) => Some(if others.rank > person.rank { others } else { person }),
            (person, others) => person.or(others),
        }
    }

    /// The state at a time; expiry is compared here and never left to a deletion elsewhere.
    fn at(&self, purpose: &Purpose, now: Timestamp) -> ConsentState {
        let deciding = self.deciding(purpose);
        let base = deciding.map_or(ConsentState::Unknown, |register| match register.rank.act {
            Act::Request => ConsentState::Pending,
            Act::Grant if register.expires_ms.is_some_and(|end| end <= now.as_millisecond()) => ConsentState::Expired,
            Act::Grant => ConsentState::Granted { record: register.seq },
            Act::Expire => ConsentState::Expired,
            Act::Deny => ConsentState::Denied,
            Act::Withdraw => ConsentState::Withdrawn,
        });
        let requested_since = match (self.request, deciding) {
            (Some(request), Some(deciding)) => request.rank > deciding.rank,
            (request, None) => request.is_some(),
            (None, Some(_)) => false,
        };
        // A request nobody confirmed must not silence someone who said yes.
        if requested_since && !base.is_granted() {
            ConsentState::Pending
        } else {
            base
        }
    }
}

/// The fold of one person's consent events: what the standing holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consents(BTreeMap<Purpose, PurposeState>);

impl Consents {
    /// Takes an event in; the order of calls does not matter, nor does repeating one.
    pub fn record(&mut self, event: &ConsentEvent, seq: u32) {
        self.0.entry(event.purpose.clone()).or_default().record(event, seq);
    }

    /// The state of a purpose.
    #[must_use]
    pub fn state(&self, purpose: &Purpose, now: Timestamp) -> ConsentState {
        self.0
            .get(purpose)
            .map_or(ConsentState::Unknown, |state| state.at(purpose, now))
    }

    /// Whether the person's own last word on the purpose is a refusal, which nobody else can turn into a yes.
    #[must_use]
    pub fn refused_by_person(&self, purpose: &Purpose) -> bool {
        self.0
            .get(purpose)
            .and_then(|state| state.person)
            .is_some_and(|person| person.rank.act.is_refusal())
    }

    /// When the person last said anything, or else when somebody else last recorded a yes of theirs.
    #[must_use]
    pub fn last_word(&self) -> Option<Timestamp> {
        let own = self
            .0
            .values()
            .filter_map(|state| state.person)
            .map(|own| own.rank.at_ms);
        let collected = self
            .0
            .values()
            .filter_map(|state| state.others)
            .filter(|others| others.rank.act == Act::Grant)
            .map(|others| others.rank.at_ms);
        let latest = own.max().or_else(|| collected.max())?;
        Timestamp::from_millisecond(latest).ok()
    }

    /// Whether anything is on record for the purpose that takes effect from then on.
    #[must_use]
    pub fn was_changed_since(&self, purpose: &Purpose, then: Timestamp) -> bool {
        let state = self.0.get(purpose).into_iter();
        let registers = state.flat_map(|state| [state.person, state.others, state.request]);
        registers
            .flatten()
            .any(|register| register.rank.at_ms >= then.as_millisecond())
    }

    /// When something was last asked for that has to be confirmed, whether it was or not.
    #[must_use]
    pub fn last_request(&self) -> Option<Timestamp> {
        let requests = self.0.values().filter_map(|state| state.request);
        let latest = requests.map(|request| request.rank.at_ms).max()?;
        Timestamp::from_millisecond(latest).ok()
    }

    /// The same once the time after the person's last sign is over: every yes has ended. Refusals and objections stand.
    #[must_use]
    pub fn lapsed(&self) -> Self {
        let end = |register: Option<Register>| {
            register.map(|register| match register.rank.act {
                Act::Grant => Register {
                    expires_ms: Some(register.rank.at_ms),
                    ..register
                },
                Act::Request | Act::Expire | Act::Deny | Act::Withdraw => register,
            })
        };
        let states = self.0.iter().map(|(purpose, state)| match purpose {
            Purpose::Objection(_) => (purpose.clone(), *state),
            Purpose::Topic { .. } | Purpose::Data(_) => {
                let ended = PurposeState {
                    person: end(state.person),
                    others: end(state.others),
                    request: state.request,
                };
                (purpose.clone(), ended)
            }
        });
        Self(states.collect())
    }

    /// The effective time of an act that happens now: now, or just after the latest event on record where that one lies
    /// at or ahead of our clock (up to [`MOST_MINUTES_AHEAD`] is accepted). What a person does last is what counts.
    #[must_use]
    pub fn time_of_act(&self, purpose: &Purpose, now: Timestamp) -> Timestamp {
        let latest = self
            .0
            .get(purpose)
            .into_iter()
            .flat_map(|state| [state.person, state.others, state.request])
            .flatten()
            .map(|register| register.rank.at_ms)
            .max();
        let at_ms = latest.map_or(now.as_millisecond(), |latest| {
            now.as_millisecond().max(latest.saturating_add(1))
        });
        Timestamp::from_millisecond(at_ms).unwrap_or(now)
    }

    /// The state of a topic by e-mail.
    #[must_use]
    pub fn email(&self, topic: &TopicId, now: Timestamp) -> ConsentState {
        self.state(
            &Purpose::Topic {
                topic: topic.clone(),
                channel: Channel::Email,
            },
            now,
        )
    }

    /// Whether a use of data is agreed to: a valid yes, and no objection to profiling where it is profiling.
    #[must_use]
    pub fn allows(&self, purpose: DataPurpose, now: Timestamp) -> bool {
        let objected = purpose == DataPurpose::Profiling && self.objects(Objection::NoProfiling, now);
        !objected && self.state(&Purpose::Data(purpose), now).is_granted()
    }

    /// Whether an objection stands.
    #[must_use]
    pub fn objects(&self, objection: Objection, now: Timestamp) -> bool {
        self.state(&Purpose::Objection(objection), now).is_granted()
    }

    /// When the pause that stands now ends by itself.
    #[must_use]
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        let purpose = Purpose::Objection(Objection::Pause);
        let state = self.0.get(&purpose)?;
        let register = state.deciding(&purpose)?;
        let end = register
            .expires_ms
            .and_then(|end| Timestamp::from_millisecond(end).ok());
        state
            .at(&purpose, now)
            .is_granted()
            .then(|| end.unwrap_or(Timestamp::MAX))
    }

    /// What is agreed to now, without the objections.
    pub fn yeses(&self, now: Timestamp) -> impl Iterator<Item = &Purpose> {
        self.states(now)
            .filter(|(purpose, state)| state.is_granted() && !matches!(purpose, Purpose::Objection(_)))
            .map(|(purpose, _)| purpose)
    }

    /// Every purpose on record with its state.
    pub fn states(&self, now: Timestamp) -> impl Iterator<Item = (&Purpose, ConsentState)> {
        self.0
            .iter()
            .map(move |(purpose, state)| (purpose, state.at(purpose, now)))
    }

    /// The stored form: format byte, then for each purpose its name and its registers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        for (purpose, state) in &self.0 {
            let code = purpose.code();
            out.push(u8::try_from(code.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(code.as_bytes());
            let registers = [state.person, state.others, state.request];
            let present = registers.iter().enumerate().fold(0u8, |bits, (position, register)| {
                bits | (u8::from(register.is_some()) << position)
            });
            out.push(present);
            for register in registers.into_iter().flatten() {
                out.push(register.rank.act.byte());
                out.extend_from_slice(&register.rank.at_ms.to_be_bytes());
                out.extend_from_slice(&register.rank.tie);
                out.extend_from_slice(&register.seq.to_be_bytes());
                out.extend_from_slice(&register.expires_ms.unwrap_or(i64::MAX).to_be_bytes());
            }
        }
        out
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`MalformedConsents`] when the bytes are not such a form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedConsents> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [FORMAT] {
            return Err(MalformedConsents);
        }
        let mut states = BTreeMap::new();
        while !rest.is_empty() {
            let [length] = take::<1>(&mut rest)?;
            let (code, after) = rest.split_at_checked(usize::from(length)).ok_or(MalformedConsents)?;
            rest = after;
            let purpose = std::str::from_utf8(code)
                .ok()
                .and_then(|code| Purpose::from_code(code).ok())
                .ok_or(MalformedConsents)?;
            let [present] = take::<1>(&mut rest)?;
            let mut register = |bit: u8| {
                if present & (1 << bit) == 0 {
                    Ok(None)
                } else {
                    read_register(&mut rest).map(Some)
                }
            };
            let state = PurposeState {
                person: register(0)?,
                others: register(1)?,
                request: register(2)?,
            };
            states.insert(purpose, state);
        }
        Ok(Self(states))
    }
}

const FORMAT: u8 = 1;

/// Stored consents that cannot be read: a fault of the store, never of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the stored consents are not in a known form")]
pub struct MalformedConsents;

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MalformedConsents> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(MalformedConsents)?;
    *rest = tail;
    Ok(*head)
}

fn read_register(rest: &mut &[u8]) -> Result<Register, MalformedConsents> {
    let [act] = take::<1>(rest)?;
    let act = Act::ALL
        .into_iter()
        .find(|each| each.byte() == act)
        .ok_or(MalformedConsents)?;
    let at_ms = i64::from_be_bytes(take(rest)?);
    let tie = take(rest)?;
    let seq = u32::from_be_bytes(take(rest)?);
    let expires = i64::from_be_bytes(take(rest)?);
    Ok(Register {
        rank: Rank { at_ms, act, tie },
        expires_ms: (expires != i64::MAX).then_some(expires),
        seq,
    })
}

#[cfg(test)]
mod tests;
