//! The whole stack on one machine, in one process.

pub mod aws_endpoint;
pub mod eml;
pub mod mail_service;
pub mod population;
pub mod queue_service;
pub mod scenario;
