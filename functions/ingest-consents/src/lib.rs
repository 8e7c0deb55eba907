//! Appends consent events to the ledger, moves the standing and the audience's hint.
//!
//! Touches: consents, standing, audience rw; customers, contacts, brands r.

mod asked;
mod handler;
mod request;
mod settings;

pub use handler::Handler;
pub use request::{ConsentRecord, read_consents};
