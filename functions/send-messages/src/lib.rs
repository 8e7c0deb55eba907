//! Decides again on fresh facts, claims, composes and hands to SES.
//!
//! Touches: standing, deliveries, links rw; customers, contacts, campaigns, brands, suppressions r; due w; SES.

mod candidate;
mod handler;
mod settings;
mod transactional;

pub use handler::Handler;
pub use settings::Settings;
