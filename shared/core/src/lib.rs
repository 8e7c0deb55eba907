//! The domain: consent, relevance, decisions and messages. No network, no clock, no randomness, no environment.

pub mod cap;
pub mod category;
pub mod ids;
pub mod place;
pub mod quiet;
pub mod time;
