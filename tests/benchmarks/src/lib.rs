//! The workload of the comparison with other engines, and our side of it: a population and proposals from a seed, the
//! columns and constants that every engine computes the shipped model from, and what [`judge`] says of each pair.
//!
//! [`judge`]: apropos_core::decision::judge

pub mod columns;
pub mod constants;
pub mod offers;
pub mod page;
pub mod pairs;
pub mod population;
pub mod serve;
pub mod tally;
pub mod workload;

/// Whatever goes wrong here is told to whoever runs the comparison, and ends it.
pub type Failure = Box<dyn std::error::Error>;
