//! The customer's pages: leave a topic, see and change choices.
//!
//! Touches: consents, standing, audience rw; customers, contacts, links, brands r.
//!
//! `GET` and `HEAD` change nothing, since mail scanners open links. `POST` acts, without cookie, origin or redirect,
//! because the link is the proof. Each change is a consent event of the person, with its evidence.

mod answer;
mod choice;
#[cfg(test)]
mod fixture;
mod form;
mod handler;
mod page;
mod request;
mod settings;
mod visit;

pub use handler::Handler;
pub use settings::Settings;
