//! The whole stack on one machine, in one process.
