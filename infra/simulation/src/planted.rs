//! Bugs put in on purpose, at the seams: what an adapter asked is changed on its way, or what was answered on its way
//! back. The functions are the real ones and carry nothing of this.

/// A bug that the checks must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// The SDK's usual retries on SendEmail.
    MailRetried,
    /// An outcome that is not known is taken as *not sent*.
    UnknownMeansNotSent,
    /// SES's time-out never comes.
    NoMailTimeout,
    /// Time stands still within an invocation, so no deadline passes.
    NoDeadlineGuard,
    /// A claim is written whatever is there.
    ClaimUnconditional,
    /// A claim that was refused is taken as won.
    ClaimRefusedMeansWon,
    /// A claim looks at the other claims and not at the standing's version: the cap is outside it.
    CapOutsideClaim,
    /// A claim is not counted among the contacts.
    ClaimUncounted,
    /// Every later change of a delivery is made without its fence.
    SettledUnfenced,
    /// No trace is written before SES is called.
    NoTraceBeforeSending,
    /// A claim is let go of when SES does not say what became of the message.
    ClaimReleasedOnUnknown,
    /// A message of a queue is deleted before it is handled.
    AcknowledgedFirst,
    /// What a function gives back of a batch is deleted with the rest.
    FailuresAcknowledged,
    /// What is deferred is not written down.
    DeferralForgotten,
    /// Facts are read as they were a while ago, and a claim does not look at the version.
    ConsentFromStaleRead,
    /// Suppressions look empty.
    SuppressionsUnread,
    /// An unsubscribe is answered, and not written.
    LeaveAnsweredFirst,
    /// An import counts as the person's own word.
    ImportRevives,
    /// An event that came before is recorded again.
    LedgerUnguarded,
    /// An erasure leaves the contact point.
    ContactKept,
    /// The person's time zone is taken to be the brand's.
    ZoneIgnored,
    /// A page's receipt is written over.
    ReceiptOverwritten,
    /// A person's address goes into a queue.
    AddressQueued,
    /// SES's events are handled by nobody.
    FeedbackDropped,
    /// A lease is over at once for whoever comes second.
    LeaseIgnored,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::MailRetried,
        Self::UnknownMeansNotSent,
        Self::NoMailTimeout,
        Self::NoDeadlineGuard,
        Self::ClaimUnconditional,
        Self::ClaimRefusedMeansWon,
        Self::CapOutsideClaim,
        Self::ClaimUncounted,
        Self::SettledUnfenced,
        Self::NoTraceBeforeSending,
        Self::ClaimReleasedOnUnknown,
        Self::AcknowledgedFirst,
        Self::FailuresAcknowledged,
        Self::DeferralForgotten,
        Self::ConsentFromStaleRead,
        Self::SuppressionsUnread,
        Self::LeaveAnsweredFirst,
        Self::ImportRevives,
        Self::LedgerUnguarded,
        Self::ContactKept,
        Self::ZoneIgnored,
        Self::ReceiptOverwritten,
        Self::AddressQueued,
        Self::FeedbackDropped,
        Self::LeaseIgnored,
    ];
}
