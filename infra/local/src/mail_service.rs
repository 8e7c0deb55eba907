//! SES v2 in memory, on an injected clock: SendEmail with simple content, GetAccount, and the events of a mail.
//!
//! Nothing is sent anywhere. A mail that SES would accept is logged and, with an outbox, written there as `.eml`.
//! Synchronous throughout: a simulation can call [`MailService::send`] without a runtime.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apropos_aws::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use thiserror::Error;

mod accepted;
mod request;

pub use accepted::{AcceptedMail, BounceKind, Feedback};
use request::{SendCall, check_content, check_envelope, check_headers, check_tags, domain_of};

/// Most custom headers of one message (SES v2 reference, `Message.Headers`).
pub const MAX_HEADERS: usize = 15;
/// Longest header name, in characters (SES v2 reference, `MessageHeader`).
pub const MAX_HEADER_NAME: usize = 126;
/// Longest header value, in characters; name and value together may have one more.
pub const MAX_HEADER_VALUE: usize = 995;
/// Most tags of one message.
pub const MAX_TAGS: usize = 50;
/// Longest name or value of a tag, in characters (SES v2 reference, `MessageTag`).
pub const MAX_TAG: usize = 256;

/// What the account is set up with.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Domains that are verified identities, lower case; their subdomains are verified with them, as in SES.
    pub verified_domains: Vec<String>,
    /// Configuration sets that exist; naming another is refused with NotFoundException.
    pub configuration_sets: Vec<String>,
    /// The account's limits.
    pub quota: SendQuota,
    /// Where accepted mails are written as `<sequence>-<message id>.eml`; nowhere if `None`.
    pub outbox: Option<PathBuf>,
}

/// How much an account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendQuota {
    /// Mails accepted in any 24 hours.
    pub max_24_hour: u32,
    /// Mails accepted in any second.
    pub max_per_second: u32,
}

impl Default for SendQuota {
    fn default() -> Self {
        Self::UNBOUNDED
    }
}

impl SendQuota {
    /// As much as anybody likes.
    pub const UNBOUNDED: Self = Self {
        max_24_hour: u32::MAX,
        max_per_second: u32::MAX,
    };
}

/// Whether the account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// It may.
    Healthy,
    /// Sending is paused: SendingPausedException.
    Paused,
    /// Sending has been ended for good: AccountSuspendedException.
    Suspended,
    /// The custom MAIL FROM domain has lost its MX record: MailFromDomainNotVerifiedException.
    MailFromUnverified,
}

/// What goes wrong with a next send that is otherwise acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refused with TooManyRequestsException, whatever the rate.
    Throttle,
    /// Status 500, and not accepted.
    InternalError,
    /// Accepted, and answered with status 500.
    AcceptThenInternalError,
    /// Accepted, and answered with status 200 and half a body.
    AcceptThenTruncate,
    /// Accepted, and the connection closed without an answer.
    AcceptThenReset,
    /// Refused with a modelled error.
    Reject(RefusalKind),
}

/// The eight errors that SES models for SendEmail; each means that the mail was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Sending has been ended for this account.
    AccountSuspended,
    /// The request breaks a rule.
    BadRequest,
    /// The daily quota is spent.
    LimitExceeded,
    /// The custom MAIL FROM domain is not verified.
    MailFromDomainNotVerified,
    /// The content or the sender is refused; an identity that is not verified among others.
    MessageRejected,
    /// A configuration set that does not exist.
    NotFound,
    /// Sending is paused for this account.
    SendingPaused,
    /// Over the rate of sending.
    TooManyRequests,
}

impl RefusalKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AccountSuspended,
        Self::BadRequest,
        Self::LimitExceeded,
        Self::MailFromDomainNotVerified,
        Self::MessageRejected,
        Self::NotFound,
        Self::SendingPaused,
        Self::TooManyRequests,
    ];

    /// The HTTP status, and the value of `x-amzn-ErrorType`.
    #[must_use]
    pub const fn wire(self) -> (u16, &'static str) {
        match self {
            Self::AccountSuspended => (400, "AccountSuspendedException"),
            Self::BadRequest => (400, "BadRequestException"),
            Self::LimitExceeded => (400, "LimitExceededException"),
            Self::MailFromDomainNotVerified => (400, "MailFromDomainNotVerifiedException"),
            Self::MessageRejected => (400, "MessageRejected"),
            Self::NotFound => (404, "NotFoundException"),
            Self::SendingPaused => (400, "SendingPausedException"),
            Self::TooManyRequests => (429, "TooManyRequestsException"),
        }
    }
}

/// A mail that was not accepted, and why; never holds an address or content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which modelled error it is.
    pub kind: RefusalKind,
    /// The sentence for the developer.
    pub message: &'static str,
}

const fn refused(kind: RefusalKind, message: &'static str) -> Refusal {
    Refusal { kind, message }
}

const fn bad(message: &'static str) -> Refusal {
    refused(RefusalKind::BadRequest, message)
}

/// The outbox could not be made.
#[derive(Debug, Error)]
#[error("the outbox directory could not be created")]
pub struct OutboxError {
    #[source]
    source: io::Error,
}

/// A SendEmail request with simple content, as far as we use it.
#[derive(Clone, Default)]
pub struct OutgoingMail {
    /// `FromEmailAddress`: `a@b` or `Name <a@b>`, ASCII (a name in other letters is encoded by the caller, RFC 2047).
    pub from: String,
    /// `Destination.ToAddresses`: exactly one is accepted.
    pub to: Vec<String>,
    /// `ReplyToAddresses`.
    pub reply_to: Vec<String>,
    /// `Content.Simple.Subject.Data`.
    pub subject: String,
    /// `Content.Simple.Body.Text.Data`, empty if absent.
    pub text: String,
    /// `Content.Simple.Body.Html.Data`, empty if absent.
    pub html: String,
    /// `Content.Simple.Headers`, names and values.
    pub headers: Vec<(String, String)>,
    /// `EmailTags`, names and values.
    pub tags: Vec<(String, String)>,
    /// `ConfigurationSetName`.
    pub configuration_set: Option<String>,
}

impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingMail")
            .field("recipients", &self.to.len())
            .field("headers", &self.headers.len())
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// What the caller gets to see of a SendEmail; only [`Refused`](Self::Refused) and
/// [`InternalError`](Self::InternalError) may mean *not accepted*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendAnswer {
    /// Status 200 with the message id.
    Accepted(String),
    /// A modelled error: not accepted.
    Refused(Refusal),
    /// Status 500: accepted or not.
    InternalError,
    /// Status 200 with half the body that holds this id: accepted.
    Truncated(String),
    /// No answer: accepted.
    Reset,
}

/// What GetAccount answers, as far as we use it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// `HEALTHY` or `SHUTDOWN`.
    pub enforcement_status: &'static str,
    /// Always true: the stand-in has left SES's sandbox.
    pub production_access_enabled: bool,
    /// Limits and use.
    pub send_quota: AccountQuota,
    /// False while paused or suspended.
    pub sending_enabled: bool,
}

/// Limits and use in GetAccount's answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountQuota {
    /// Mails in 24 hours.
    #[serde(rename = "Max24HourSend")]
    pub max_24_hour_send: f64,
    /// Mails in a second.
    pub max_send_rate: f64,
    /// Mails accepted in the last 24 hours.
    #[serde(rename = "SentLast24Hours")]
    pub sent_last_24_hours: f64,
}

type AcceptHook = Arc<dyn Fn(&AcceptedMail) + Send + Sync>;

/// The mail service of the machine; clones share it.
#[derive(Clone)]
pub struct MailService {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    settings: MailSettings,
    status: AccountStatus,
    faults: VecDeque<Fault>,
    accepted: Vec<Arc<AcceptedMail>>,
    refused: usize,
    by_id: BTreeMap<String, usize>,
    hook: Option<AcceptHook>,
}

impl fmt::Debug for MailService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailService").finish_non_exhaustive()
    }
}

impl MailService {
    /// A healthy account without mails; creates the outbox directory.
    ///
    /// # Errors
    /// The outbox directory cannot be created.
    pub fn new(clock: Clock, settings: MailSettings) -> Result<Self, OutboxError> {
        if let Some(outbox) = &settings.outbox {
            std::fs::create_dir_all(outbox).map_err(|source| OutboxError { source })?;
        }
        let state = State {
            settings,
            status: AccountStatus::Healthy,
            faults: VecDeque::new(),
            accepted: Vec::new(),
            refused: 0,
            by_id: BTreeMap::new(),
            hook: None,
        };
        Ok(Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Pauses, suspends or heals the account.
    pub fn set_status(&self, status: AccountStatus) {
        self.lock().status = status;
    }

    /// Changes the account's limits.
    pub fn set_quota(&self, quota: SendQuota) {
        self.lock().settings.quota = quota;
    }

    /// Makes a domain a verified identity, as the owner of the domain would in SES.
    pub fn verify_domain(&self, domain: &str) {
        let domain = domain.to_ascii_lowercase();
        let verified = &mut self.lock().settings.verified_domains;
        if !verified.contains(&domain) {
            verified.push(domain);
        }
    }

    /// Adds a fault to the script. Each acceptable send takes the oldest one; refused sends leave it in place.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Calls `hook` with each mail right after it is accepted and before the caller has its answer, whatever fault the
    /// answer then meets. Replaces an earlier hook. The hook may call this service.
    pub fn on_accept(&self, hook: impl Fn(&AcceptedMail) + Send + Sync + 'static) {
        self.lock().hook = Some(Arc::new(hook));
    }

    /// SendEmail.
    #[must_use]
    pub fn send(&self, mail: OutgoingMail) -> SendAnswer {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Err(refusal) = state.check(&mail, now) {
            state.refused += 1;
            return SendAnswer::Refused(refusal);
        }
        let fault = state.faults.pop_front();
        state.refused += usize::from(matches!(fault, Some(Fault::Throttle | Fault::Reject(_))));
        match fault {
            Some(Fault::Throttle) => return SendAnswer::Refused(OVER_RATE),
            Some(Fault::Reject(kind)) => return SendAnswer::Refused(refused(kind, "refused by the fault script")),
            Some(Fault::InternalError) => return SendAnswer::InternalError,
            Some(Fault::AcceptThenInternalError | Fault::AcceptThenTruncate | Fault::AcceptThenReset) | None => {}
        }
        let Some(accepted) = state.accept(mail, now) else {
            return SendAnswer::InternalError;
        };
        let hook = state.hook.clone();
        drop(state);
        if let Some(hook) = hook {
            hook(&accepted);
        }
        let message_id = accepted.message_id.clone();
        match fault {
            Some(Fault::AcceptThenInternalError) => SendAnswer::InternalError,
            Some(Fault::AcceptThenTruncate) => SendAnswer::Truncated(message_id),
            Some(Fault::AcceptThenReset) => SendAnswer::Reset,
            Some(Fault::Throttle | Fault::Reject(_) | Fault::InternalError) | None => SendAnswer::Accepted(message_id),
        }
    }

    /// SendEmail from the JSON body of `POST /v2/email/outbound-emails`; members that we do not use are ignored.
    ///
    /// # Errors
    /// [`UnreadableMail`] when the body is no JSON of SendEmail's shape (SES: SerializationException).
    pub fn send_json(&self, body: &[u8]) -> Result<SendAnswer, UnreadableMail> {
        // The parser's own message may quote the body, so it is not kept.
        let call: SendCall = serde_json::from_slice(body).ok().ok_or(UnreadableMail)?;
        Ok(match OutgoingMail::try_from(call) {
            Ok(mail) => self.send(mail),
            Err(refusal) => SendAnswer::Refused(refusal),
        })
    }

    /// GetAccount.
    #[must_use]
    pub fn account(&self) -> Account {
        let now = self.clock.now();
        let state = self.lock();
        let (enforcement_status, sending_enabled) = match state.status {
            AccountStatus::Healthy | AccountStatus::MailFromUnverified => ("HEALTHY", true),
            AccountStatus::Paused => ("HEALTHY", false),
            AccountStatus::Suspended => ("SHUTDOWN", false),
        };
        let sent = state.accepted_within(now, SignedDuration::from_hours(24));
        Account {
            enforcement_status,
            production_access_enabled: true,
            send_quota: AccountQuota {
                // What SES says where there is no quota.
                max_24_hour_send: match state.settings.quota.max_24_hour {
                    u32::MAX => -1.0,
                    most => f64::from(most),
                },
                max_send_rate: f64::from(state.settings.quota.max_per_second),
                sent_last_24_hours: f64::from(u32::try_from(sent).unwrap_or(u32::MAX)),
            },
            sending_enabled,
        }
    }

    /// All accepted mails, oldest first.
    #[must_use]
    pub fn accepted(&self) -> Vec<Arc<AcceptedMail>> {
        self.lock().accepted.clone()
    }

    /// How many mails were accepted.
    #[must_use]
    pub fn accepted_count(&self) -> usize {
        self.lock().accepted.len()
    }

    /// How many mails were refused, for whatever reason.
    #[must_use]
    pub fn refused_count(&self) -> usize {
        self.lock().refused
    }

    /// The most mails that were accepted within any second.
    #[must_use]
    pub fn busiest_second(&self) -> usize {
        let state = self.lock();
        let mut oldest = state.accepted.iter();
        let mut within: usize = 0;
        let mut most = 0;
        let mut first = oldest.next();
        for mail in &state.accepted {
            within += 1;
            while let Some(old) = first
                && mail.at.duration_since(old.at) >= SignedDuration::from_secs(1)
            {
                within -= 1;
                first = oldest.next();
            }
            most = most.max(within);
        }
        most
    }

    /// The accepted mail with this message id.
    #[must_use]
    pub fn find(&self, message_id: &str) -> Option<Arc<AcceptedMail>> {
        let state = self.lock();
        state
            .by_id
            .get(message_id)
            .and_then(|&index| state.accepted.get(index))
            .map(Arc::clone)
    }

    /// The event, happening now, of the accepted mail with this message id; see [`AcceptedMail::event`].
    #[must_use]
    pub fn event(&self, message_id: &str, feedback: Feedback) -> Option<String> {
        self.find(message_id).map(|mail| mail.event(feedback, self.clock.now()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant spans a panic: a mail is logged only after everything that can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a SendEmail is no JSON of its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the request could not be read")]
pub struct UnreadableMail;

const OVER_RATE: Refusal = refused(RefusalKind::TooManyRequests, "Maximum sending rate exceeded.");

impl State {
    fn check(&self, mail: &OutgoingMail, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            AccountStatus::Healthy | AccountStatus::MailFromUnverified => {}
            AccountStatus::Paused => {
                return Err(refused(
                    RefusalKind::SendingPaused,
                    "Email sending is paused for this account.",
                ));
            }
            AccountStatus::Suspended => {
                return Err(refused(
                    RefusalKind::AccountSuspended,
                    "The account has been suspended.",
                ));
            }
        }
        check_envelope(mail)?;
        check_content(mail)?;
        check_headers(&mail.headers)?;
        check_tags(&mail.tags)?;
        if let Some(name) = &mail.configuration_set
            && !self.settings.configuration_sets.contains(name)
        {
            return Err(refused(RefusalKind::NotFound, "The configuration set does not exist."));
        }
        let is_verified = domain_of(&mail.from).is_some_and(|domain| self.is_verified(domain));
        if !is_verified {
            return Err(refused(
                RefusalKind::MessageRejected,
                "Email address is not verified. The sender failed the check in region EU-WEST-3.",
            ));
        }
        if self.status == AccountStatus::MailFromUnverified {
            return Err(refused(
                RefusalKind::MailFromDomainNotVerified,
                "The custom MAIL FROM domain is not verified.",
            ));
        }
        let SendQuota {
            max_24_hour,
            max_per_second,
        } = self.settings.quota;
        if self.accepted_within(now, SignedDuration::from_hours(24)) >= count(max_24_hour) {
            return Err(refused(RefusalKind::LimitExceeded, "Daily message quota exceeded."));
        }
        if self.accepted_within(now, SignedDuration::from_secs(1)) >= count(max_per_second) {
            return Err(OVER_RATE);
        }
        Ok(())
    }

    fn is_verified(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        self.settings.verified_domains.iter().any(|verified| {
            domain
                .strip_suffix(verified.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// Mails accepted later than `window` ago. The log is in the order of time, so this is a binary search.
    fn accepted_within(&self, now: Timestamp, window: SignedDuration) -> usize {
        let start = now.saturating_sub(window).unwrap_or(Timestamp::MIN);
        self.accepted.len() - self.accepted.partition_point(|mail| mail.at <= start)
    }

    /// Logs the mail, after writing it to the outbox; `None` if that fails, for a mail that is missing from the outbox
    /// must not count as sent.
    fn accept(&mut self, mail: OutgoingMail, now: Timestamp) -> Option<Arc<AcceptedMail>> {
        let sequence = self.accepted.len() + 1;
        // SES's ids start with the time in hexadecimal milliseconds; the count makes them unique.
        let message_id = format!(
            "0112{:012x}-{sequence:08x}-0000-4000-8000-{sequence:012x}-000000",
            now.as_millisecond()
        );
        let file_name = format!("{sequence:06}-{message_id}.eml");
        let accepted = AcceptedMail {
            message_id,
            at: now,
            from: mail.from,
            to: mail.to.into_iter().next()?,
            reply_to: mail.reply_to,
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
            headers: mail.headers,
            configuration_set: mail.configuration_set,
            eml_path: self
                .settings
                .outbox
                .as_ref()
                .map(|outbox| folder(outbox, &mail.tags).join(file_name)),
            tags: mail.tags,
        };
        if let Some(path) = &accepted.eml_path
            && let Err(error) = write(self.settings.outbox.as_deref(), path, &accepted.eml())
        {
            tracing::error!(%error, "the outbox cannot be written");
            return None;
        }
        let accepted = Arc::new(accepted);
        self.by_id.insert(accepted.message_id.clone(), self.accepted.len());
        self.accepted.push(Arc::clone(&accepted));
        Some(accepted)
    }
}

/// A folder for each campaign, so that its mails can be counted; tags hold nothing that a path could misread.
fn folder(outbox: &Path, tags: &[(String, String)]) -> PathBuf {
    tags.iter()
        .find(|(name, _)| name == "campaign")
        .map_or_else(|| outbox.to_owned(), |(_, campaign)| outbox.join(campaign))
}

/// Makes the campaign's folder, but not the outbox: one that is gone is a fault.
fn write(outbox: Option<&Path>, path: &Path, eml: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| Some(*folder) != outbox)
        && let Err(error) = std::fs::create_dir(folder)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(error);
    }
    std::fs::write(path, eml)
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
