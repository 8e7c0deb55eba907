//! The real handlers, adapters and SDK on a clock and a network of ours: every schedule follows from a seed.
//!
//! Nothing here opens a socket or waits for a real second. `Stage::run` takes a [`Plan`] and says what was violated.

mod actors;
mod again;
pub mod cli;
mod declared;
mod ending;
pub mod every;
mod fault;
mod kernel;
mod network;
mod oracle;
pub mod pace;
mod plan;
mod planted;
mod shrink;
mod stage;
mod store;
mod world;

pub use again::{again, kept, told};
pub use fault::{CallKind, Fault, Site, Worker, mixed};
pub use network::{ClaimState, Step};
pub use oracle::Violation;
pub use plan::{Action, Faults, Order, Plan, What, When};
pub use planted::Planted;
pub use shrink::shrink;
pub use stage::{Outcome, Stage, StageError};
