//! The only crate that calls the AWS SDK: tables, items, queues, the mailer and start-up.

mod clock;

pub use clock::Clock;
