//! Takes what SES says became of a message: heals deliveries whose outcome was not known, closes addresses that do not
//! exist, and records a complaint as the person's own objection.
//!
//! Touches: deliveries, standing, customers rw; consents rw (the ledger's new entries and their guards); contacts,
//! brands r; audience, suppressions w; pepper.
//!
//! Environment: `APROPOS_TABLE_PREFIX`, `APROPOS_PEPPER_SECRET`, `APROPOS_FEEDBACK_TOPIC_ARN`,
//! `APROPOS_FEEDBACK_DEAD_LETTERS_URL`.

mod click;
mod feedback;
mod handler;
mod settings;

pub use handler::Handler;
pub use settings::Settings;
