//! The only crate that calls the AWS SDK: tables, items, queues, the mailer and start-up.

mod catalogue;
mod clock;
mod deliveries;
mod due;
mod event;
pub mod http;
mod keys;
mod links;
mod mailer;
mod names;
mod people;
mod proposal;
mod queue;
mod random;
mod schema;
mod scoring;
mod standing;
mod start;
mod store;

pub use catalogue::{Created, HeldCampaign, is_current};
pub use clock::Clock;
pub use deliveries::{DecisionReceipt, Delivery, DeliveryState, DeliveryTotals, Settlement};
pub use due::{DueItem, DueKind};
pub use event::{Answer, Event, Schedule, Undone, Unexpected, batch_response, read_message};
pub use links::Suppressed;
pub use mailer::{Handed, Mailer};
pub use names::{PK, SK, TTL, Table};
pub use people::{Appended, Choices, LedgerText, MOST_EVENTS_TOGETHER, NewSecrets, Person, Recorded, Written, derive};
pub use proposal::HeldProposal;
pub use queue::{CANDIDATES_A_MESSAGE, FORM, PageTask, Queue, QueueError, SendTask};
pub use random::random;
pub use scoring::{AudiencePage, Cursor, PagePlace, PageTotals, StoredReceipt};
pub use standing::{Claimed, Fenced};
pub use start::{InvalidSetting, behavior, parsed_setting, sdk_config, setting, start_logs, tables};
pub use store::{StoreError, Tables};
