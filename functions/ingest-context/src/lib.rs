//! Stores customers' context and contact points.
//!
//! Touches: customers, standing, audience, contacts rw; links, campaigns (cell directory) w; brands, suppressions r.

mod current_place;
mod handler;
mod home;
mod request;
mod settings;

pub use handler::Handler;
pub use settings::Settings;
