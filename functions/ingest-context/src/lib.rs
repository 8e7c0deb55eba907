//! Stores customers' context and contact points.
//!
//! Touches: customers, standing, audience, contacts rw; consents rw, to end what had lapsed before a context came; links,
//! campaigns (cell directory) w; brands, suppressions r.

mod current_place;
mod handler;
mod home;
mod request;
mod settings;

pub use handler::Handler;
pub use request::{CustomerRecord, context_of, read_customers};
pub use settings::Settings;
