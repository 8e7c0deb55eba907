//! The customer's pages: sign up and confirm, leave a topic, see and change choices.
//!
//! Touches: consents, standing, audience, customers, contacts, links, suppressions, deliveries, receipts, due rw;
//! campaigns rw (the directory of cells), brands r; send queue w; link keys, pepper.
//!
//! `GET` and `HEAD` change nothing, since mail scanners open links. `POST` acts, without cookie, origin or redirect,
//! because the link is the proof. Each change is an entry of the person's ledger, with its evidence.

mod answer;
mod choice;
mod confirm;
mod export;
mod filled;
#[cfg(test)]
mod fixture;
pub mod form;
mod handler;
mod lapses;
mod my_data;
mod my_data_page;
mod page;
mod record;
mod request;
mod settings;
mod sign_up;
mod sign_up_page;
mod visit;
mod visits;
mod why;

pub use handler::Handler;
pub use settings::Settings;
