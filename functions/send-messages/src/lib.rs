//! Decides again on fresh facts, claims, composes and hands to SES.
//!
//! Touches: standing, deliveries, links rw; campaigns (the pace) rw; customers, contacts, brands, suppressions r; due w; the
//! send queue w; SES.

mod candidate;
mod handler;
mod settings;
mod shift;
mod transactional;

pub use handler::Handler;
pub use settings::{NotStarted, Settings};
