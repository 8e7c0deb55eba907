//! The domain: consent, relevance, decisions and messages. No network, no clock, no randomness, no environment.

pub mod api_key;
pub mod attribute;
pub mod audience;
pub mod brand;
pub mod campaign;
pub mod cap;
pub mod category;
pub mod consent;
pub mod consent_receipt;
pub mod context;
pub mod decision;
pub mod document;
pub mod email;
pub mod erasure;
pub mod explain;
pub mod fingerprint;
#[cfg(test)]
mod fixture;
pub mod header;
pub mod ids;
pub mod language;
pub mod ledger;
pub mod link;
pub mod message;
pub mod offer;
pub mod origin;
pub mod place;
pub mod quiet;
pub mod reason;
pub mod receipt;
pub mod relevance;
pub mod sign_up;
pub mod standing;
pub mod suitability;
pub mod suppression;
pub mod time;
pub mod transactional;
