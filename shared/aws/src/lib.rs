//! The only crate that calls the AWS SDK: tables, items, queues, the mailer and start-up.

mod catalogue;
mod causes;
mod clock;
mod dead_letters;
mod deadline;
mod deliveries;
mod due;
mod erasure;
mod event;
mod history;
pub mod http;
mod keys;
mod launches;
mod links;
mod mailer;
mod names;
mod one_time;
mod outcomes;
mod pace;
mod people;
mod proposal;
mod queue;
mod random;
mod receipt_key;
mod requests;
mod restore;
mod schema;
mod scoring;
mod secrets;
mod ses_event;
mod sign_ups;
mod standing;
mod start;
mod store;
mod sweeps;
mod transaction;
mod transport;
mod turns;

pub use catalogue::{Created, HeldCampaign, is_current};
pub use causes::{WithCauses, with_causes};
pub use clock::Clock;
pub use dead_letters::{DeadLetters, ERROR_ATTRIBUTE, REASON_ATTRIBUTE};
pub use deadline::Deadline;
pub use deliveries::{DecisionReceipt, Delivery, DeliveryState, DeliveryTotals, Settlement};
pub use due::{DueItem, DueKind};
pub use erasure::Erasing;
pub use event::{
    Answer, Event, Formed, MOST_MESSAGE_BYTES, Schedule, Undone, Unexpected, batch_response, by_itself, read_form,
    read_message,
};
pub use history::{PastDecision, PastOutcome};
pub use keys::Revocation;
pub use links::{LinkTarget, Suppressed};
pub use mailer::{Handed, Mailer, Said};
pub use names::{PK, SK, TTL, Table};
pub use one_time::{Confirms, OneTime, OneTimeLink};
pub use pace::{Leased, Pacer};
pub use people::{
    Addressed, Appended, Choices, DataLapse, EndedPlace, Extra, MOST_EVENTS_TOGETHER, NewSecrets, PastLapse, Person,
    Recorded, Traced, Written, derive,
};
pub use proposal::HeldProposal;
pub use queue::{
    About, CANDIDATES_A_MESSAGE, ConsentRequest, FORM, PageTask, Queue, QueueError, SendMessage, SendTask,
    TransactionalTask,
};
pub use random::random;
pub use receipt_key::{DoubtfulReceipt, ReceiptKey, verify_receipt};
pub use requests::{KeptAnswer, Once, once};
pub use restore::{NotToUndo, Replayed};
pub use scoring::{AudiencePage, Cursor, PagePlace, PageRow, PageTotals, StoredReceipt};
pub use secrets::{LinkKeys, SecretError, SecretSource};
pub use ses_event::{Heard, InvalidTopicArn, TopicArn, hear};
pub use standing::{Claimed, Fenced};
pub use start::{InvalidSetting, behavior, http_client, parsed_setting, sdk_config, setting, start_logs, tables};
pub use store::{StoreError, Tables};
pub use sweeps::{Sweep, Swept};
pub use turns::{Turn, TurnLimit};
