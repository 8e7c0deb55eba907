//! Scores a page of an audience, and ranks offers for one customer.
//!
//! Touches: audience, customers, standing, campaigns, brands r; receipts w; page and send queues w.

mod handler;
mod page;
mod rank;
mod settings;

pub use handler::Handler;
pub use rank::{Question, read_question};
