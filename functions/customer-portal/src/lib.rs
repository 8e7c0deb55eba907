//! The customer's pages: leave a topic, see and change choices.
//!
//! Touches: consents, standing, audience rw; customers, contacts, links, brands r.

mod handler;
mod settings;

pub use handler::Handler;
