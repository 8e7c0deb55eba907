//! Offers, campaigns and their runs: create, launch, pause, resume, cancel, report, explain; and what is due each minute.
//!
//! Touches: campaigns, due rw; brands, customers, audience, standing, receipts r; deliveries rw; page and send queues w.

mod catalogue;
mod due;
mod explain;
mod handler;
mod launch;
mod minimisation;
mod preview;
mod report;
mod request;
mod settings;

pub use handler::{Handler, TickError};
pub use request::{Alternative, read_preview, read_run};
