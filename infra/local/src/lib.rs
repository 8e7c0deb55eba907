//! The whole stack on one machine, in one process.

pub mod aws_endpoint;
pub mod cli;
mod data_dir;
pub mod demo;
pub mod eml;
mod event_source;
mod functions;
pub mod gateway;
pub mod http_client;
pub mod inbox;
pub mod load;
pub mod mail_service;
pub mod mail_stand_in;
pub mod notification;
pub mod population;
pub mod printout;
pub mod queue_service;
pub mod scenario;
pub mod stack;
pub mod tour;

pub use data_dir::DataDirError;
pub use event_source::Drained;
pub use functions::Function;
