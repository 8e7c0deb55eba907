//! Every table, key and attribute name, in one place.

use apropos_core::ids::{BrandId, CustomerId, OfferId, RunId};

/// The tables, by the part of their name after the stack's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// API keys, hashed.
    ApiKeys,
    /// What scoring reads.
    Audience,
    /// Brands' settings.
    Brands,
    /// Offers, campaigns, runs and the directory of populated cells.
    Campaigns,
    /// The consent ledger.
    Consents,
    /// Contact points.
    Contacts,
    /// The full contexts.
    Customers,
    /// One item a send.
    Deliveries,
    /// Deferrals and unresolved claims, by minute.
    Due,
    /// What links in messages refer to.
    Links,
    /// Receipts of scored pages.
    Receipts,
    /// Answers kept for requests that carry an `Idempotency-Key`.
    Requests,
    /// Standings.
    Standing,
    /// Addresses that must not be written to, as keyed hashes.
    Suppressions,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::ApiKeys,
        Self::Audience,
        Self::Brands,
        Self::Campaigns,
        Self::Consents,
        Self::Contacts,
        Self::Customers,
        Self::Deliveries,
        Self::Due,
        Self::Links,
        Self::Receipts,
        Self::Requests,
        Self::Standing,
        Self::Suppressions,
    ];

    /// The name after the prefix.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::ApiKeys => "api-keys",
            Self::Audience => "audience",
            Self::Brands => "brands",
            Self::Campaigns => "campaigns",
            Self::Consents => "consents",
            Self::Contacts => "contacts",
            Self::Customers => "customers",
            Self::Deliveries => "deliveries",
            Self::Due => "due",
            Self::Links => "links",
            Self::Receipts => "receipts",
            Self::Requests => "requests",
            Self::Standing => "standing",
            Self::Suppressions => "suppressions",
        }
    }

    /// Whether its items have a sort key.
    #[must_use]
    pub const fn is_sorted(self) -> bool {
        match self {
            Self::Audience | Self::Campaigns | Self::Consents | Self::Deliveries | Self::Due | Self::Receipts => true,
            Self::ApiKeys
            | Self::Brands
            | Self::Contacts
            | Self::Customers
            | Self::Links
            | Self::Requests
            | Self::Standing
            | Self::Suppressions => false,
        }
    }
}

/// Partition key.
pub const PK: &str = "pk";
/// Sort key.
pub const SK: &str = "sk";
/// When DynamoDB may delete the item, seconds; expiry itself is always compared in code.
pub const TTL: &str = "ttl";
/// A JSON document.
pub(crate) const DOC: &str = "doc";
/// A compact binary record.
pub(crate) const DATA: &str = "d";
/// A version.
pub(crate) const VERSION: &str = "v";
pub(crate) const SEQ: &str = "seq";
pub(crate) const HASH: &str = "hash";
pub(crate) const PREVIOUS: &str = "previous";
pub(crate) const COMMITMENT: &str = "commitment";
pub(crate) const RECORDED_AT: &str = "recorded_at";
pub(crate) const CONSENTS: &str = "consents";
pub(crate) const LIMITS: &str = "limits";
pub(crate) const RING: &str = "ring";
pub(crate) const FORGOTTEN: &str = "forgotten";
pub(crate) const CLAIMS: &str = "claims";
pub(crate) const ATTEMPT: &str = "a";
pub(crate) const AT: &str = "t";
pub(crate) const CELL: &str = "cell";
pub(crate) const KEY: &str = "key";
pub(crate) const LEASED_UNTIL: &str = "leased_until";
pub(crate) const LINK: &str = "link";
pub(crate) const BODY: &str = "body";
pub(crate) const BRAND: &str = "brand";
pub(crate) const CAMPAIGN: &str = "campaign";
pub(crate) const CUSTOMER: &str = "customer";
pub(crate) const RUN: &str = "run";
pub(crate) const RUNS: &str = "runs";
pub(crate) const FATE: &str = "fate";
pub(crate) const KIND: &str = "kind";
pub(crate) const REASON: &str = "reason";
pub(crate) const STATE: &str = "state";
pub(crate) const STATUS: &str = "status";
pub(crate) const PLAN: &str = "plan";
pub(crate) const NEXT: &str = "next";
pub(crate) const LAUNCHED_AT: &str = "launched_at";
pub(crate) const CLICKED: &str = "clicked";
pub(crate) const COUNT: &str = "count";
pub(crate) const PRIORITY: &str = "priority";
pub(crate) const MESSAGE_ID: &str = "message_id";
pub(crate) const ERASED: &str = "erased";
pub(crate) const STEP: &str = "step";
pub(crate) const AFTER: &str = "after";
pub(crate) const FINISHED: &str = "finished";
pub(crate) const ORIGINS: &str = "origins";
pub(crate) const PROOF: &str = "proof";
pub(crate) const SINCE: &str = "since";
pub(crate) const SCOPES: &str = "scopes";
pub(crate) const EXPIRES_AT: &str = "expires_at";
pub(crate) const PURPOSE: &str = "purpose";
pub(crate) const USED_AT: &str = "used_at";
pub(crate) const IDS: &str = "ids";
pub(crate) const FORMER_IDS: &str = "former_ids";
pub(crate) const REVOKED_AT: &str = "revoked_at";
pub(crate) const CREATED_AT: &str = "created_at";
pub(crate) const LAST_USED: &str = "last_used";
pub(crate) const DAY: &str = "day";
pub(crate) const GENERATION: &str = "generation";
pub(crate) const RATE: &str = "rate";
pub(crate) const DAILY: &str = "daily";
pub(crate) const SENT: &str = "sent";
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const READ_AT: &str = "read_at";
pub(crate) const ASKED_AT: &str = "asked_at";
pub(crate) const GRANTED: &str = "granted";
pub(crate) const LEASED_AT: &str = "leased_at";
pub(crate) const HOLDER: &str = "holder";
pub(crate) const HALVINGS: &str = "halvings";
pub(crate) const HALVED_AT: &str = "halved_at";
pub(crate) const HELD_UNTIL: &str = "held_until";
pub(crate) const USED_UP: &str = "used_up";
/// The account's pace, by region. No brand's id begins with `*`.
pub(crate) const PACE: &str = "*#pace";
/// The item that lists the brands. No brand's id begins with `*`.
pub(crate) const BRANDS: &str = "*";
/// The key ids of a brand.
pub(crate) const KEYS: &str = "keys";

/// The item that lists a brand's keys. A key's id has no `#`, so this is none.
pub(crate) fn brand_keys(brand: &BrandId) -> String {
    format!("{brand}#keys")
}

pub(crate) fn person(brand: &BrandId, customer: &CustomerId) -> String {
    format!("{brand}#{customer}")
}

pub(crate) fn ledger_entry(seq: u32) -> String {
    format!("e#{seq:010}")
}

pub(crate) fn ledger_guard(event: &str) -> String {
    format!("g#{event}")
}

/// The sort key of a person's proof key.
pub(crate) const PROOF_KEY: &str = "k";

pub(crate) fn audience(brand: &BrandId, cell: &str, shard: u16) -> String {
    format!("{brand}#{cell}#{shard}")
}

pub(crate) fn offers(brand: &BrandId) -> String {
    format!("{brand}#offers")
}

pub(crate) fn offer_versions(brand: &BrandId, offer: &OfferId) -> String {
    format!("{brand}#offer#{offer}")
}

pub(crate) fn offer_version(version: u32) -> String {
    format!("v#{version:08}")
}

pub(crate) fn campaigns(brand: &BrandId) -> String {
    format!("{brand}#campaigns")
}

pub(crate) fn runs(brand: &BrandId) -> String {
    format!("{brand}#runs")
}

/// The runs that were launched lately, by the time of their launch.
pub(crate) fn launches(brand: &BrandId) -> String {
    format!("{brand}#launches")
}

pub(crate) fn launch(at: i64, run: &str) -> String {
    format!("{at:010}#{run}")
}

pub(crate) fn cells(brand: &BrandId) -> String {
    format!("{brand}#cells")
}

pub(crate) fn receipts(brand: &BrandId, run: &RunId) -> String {
    format!("{brand}#{run}")
}

pub(crate) fn page(task: u32, page: u32) -> String {
    format!("p#{task:06}#{page:06}")
}

pub(crate) fn deliveries(brand: &BrandId, run: &RunId, shard: char) -> String {
    format!("{brand}#{run}#{shard}")
}

/// The partition that lists the minutes with something due.
pub(crate) const DUE_MINUTES: &str = "minutes";

/// The partition that lists the erasures that are not finished; no minute begins so.
pub(crate) const ERASURES: &str = "erasures";

/// The partition that lists people whose data lapsed by the day on which their traces go; no minute begins so.
pub(crate) const LAPSES: &str = "lapses";

/// The partition that says how far each brand's audience was looked through for lapses today; no minute begins so.
pub(crate) const SWEEPS: &str = "sweeps";

pub(crate) fn due(minute: i64, shard: u8) -> String {
    format!("{minute:010}#{shard}")
}

pub(crate) fn due_minute(minute: i64) -> String {
    format!("{minute:010}")
}

pub(crate) fn due_item(brand: &BrandId, run: &RunId, customer: &CustomerId) -> String {
    format!("{brand}#{run}#{customer}")
}

pub(crate) fn suppression(brand: &BrandId, hash: &str) -> String {
    format!("{brand}#{hash}")
}

/// No brand's id begins with `*`, so this partition is nobody's.
pub(crate) fn undeliverable(hash: &str) -> String {
    format!("*#{hash}")
}

/// A one-time link. Permanent ones are under their bare id, which holds no `#`.
pub(crate) fn one_time(id: &str) -> String {
    format!("once#{id}")
}

/// A sign-up that waits to be confirmed.
pub(crate) fn sign_up(request: &str) -> String {
    format!("signup#{request}")
}

/// That a transactional message was handed over, or an address written to.
pub(crate) fn handed(what: &str) -> String {
    format!("handed#{what}")
}

/// A counter of turns.
pub(crate) fn turns(key: &str) -> String {
    format!("turns#{key}")
}

/// Who an address belongs to. A customer's id holds no `@`, so this is nobody's contact point.
pub(crate) fn address(brand: &BrandId, hash: &str) -> String {
    format!("{brand}#@{hash}")
}
