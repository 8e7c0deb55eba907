//! Stores customers' context and contact points.
//!
//! Touches: customers, standing, audience, contacts rw; consents rw, to end what had lapsed before a context came; links,
//! campaigns (cell directory) w; brands, suppressions r.

mod handler;
mod home;
mod request;
mod settings;

pub use handler::Handler;
pub use request::context_of;
pub use settings::Settings;
