//! The customer's pages: sign up and confirm, leave a topic, see and change choices.
//!
//! Touches: consents, standing, audience, customers, contacts, links, suppressions rw; brands r; send queue w.
//!
//! `GET` and `HEAD` change nothing, since mail scanners open links. `POST` acts, without cookie, origin or redirect,
//! because the link is the proof. Each change is an entry of the person's ledger, with its evidence.

mod answer;
mod choice;
mod confirm;
mod filled;
#[cfg(test)]
mod fixture;
mod form;
mod handler;
mod page;
mod record;
mod request;
mod settings;
mod sign_up;
mod sign_up_page;
mod visit;

pub use handler::Handler;
pub use settings::Settings;
