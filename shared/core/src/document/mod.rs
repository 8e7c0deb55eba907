//! The JSON forms of the domain's things: what callers send and what the tables keep. One form serves both, so that
//! what was accepted is what is stored.
//!
//! Each form is plain `serde`, refuses unknown fields, and becomes a domain value only through a check that names the
//! field it refuses.

mod brand;
mod campaign;
mod consent;
mod context;
mod field;
mod ledger;
mod number;
mod offer;
mod place;
mod preference;
mod proof;
mod rule;
mod sign_up;

pub use brand::{BrandDocument, CapDocument, NoticeDocument, QuietDocument, TopicDocument};
pub use campaign::{AudienceDocument, CampaignDocument};
pub use consent::{ConsentEventDocument, EvidenceDocument, LegalBasisDocument, SoftOptInDocument};
pub use context::{
    ContactDocument, ContextDocument, CurrentPlaceDocument, HomeDocument, PurchaseDocument, parse_active_hours,
    parse_context,
};
pub use field::{FieldError, new_time};
pub use ledger::{DoubtfulLedger, LedgerDocument, LedgerEntryDocument, LedgerText};
pub use number::{whole, whole_or_none, wholes};
pub use offer::{OfferDocument, StoredOffer, UseDocument, WindowDocument};
pub use place::{HoursDocument, PlaceDocument, StoredPlace, TravelDocument, cell_at};
pub use preference::{PreferenceDocument, PreferenceEventDocument};
pub use proof::KeptProof;
pub use rule::{ConditionDocument, RuleDocument, more_of_unknown_field};
pub use sign_up::SignUpDocument;
