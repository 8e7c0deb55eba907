//! One queue: its messages, those that may be received now, and when each of the others may.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Attributes, Depth, QueueError, QueueSettings, ReceivedMessage, StoredMessage};

/// Each message is in `messages`, and its sequence in exactly one of `visible` and `hidden`.
pub(super) struct Queue {
    pub(super) settings: QueueSettings,
    pub(super) created_at: Timestamp,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) visible: BTreeSet<u64>,
    pub(super) hidden: BTreeSet<(Timestamp, u64)>,
}

impl Queue {
    pub(super) const fn new(settings: QueueSettings, created_at: Timestamp) -> Self {
        Self {
            settings,
            created_at,
            messages: BTreeMap::new(),
            visible: BTreeSet::new(),
            hidden: BTreeSet::new(),
        }
    }

    pub(super) fn insert(&mut self, sequence: u64, message: Message, hidden_until: Option<Timestamp>) {
        match hidden_until {
            Some(until) => self.hidden.insert((until, sequence)),
            None => self.visible.insert(sequence),
        };
        self.messages.insert(
            sequence,
            Message {
                hidden_until,
                ..message
            },
        );
    }

    /// Makes visible what was hidden until now.
    pub(super) fn surface(&mut self, now: Timestamp) {
        while let Some((until, sequence)) = self.hidden.first().copied()
            && until <= now
        {
            self.hidden.pop_first();
            self.visible.insert(sequence);
            if let Some(message) = self.messages.get_mut(&sequence) {
                message.hidden_until = None;
            }
        }
    }

    pub(super) fn remove_if_latest(&mut self, handle: Handle) -> Option<Message> {
        let message = self.messages.get(&handle.sequence)?;
        if message.receive_count != handle.receive_count {
            return None;
        }
        if let Some(until) = message.hidden_until {
            self.hidden.remove(&(until, handle.sequence));
        }
        self.visible.remove(&handle.sequence);
        self.messages.remove(&handle.sequence)
    }

    pub(super) fn depth(&self) -> Depth {
        let never_received =
            |&(_, sequence): &(Timestamp, u64)| self.messages.get(&sequence).is_some_and(|m| m.receive_count == 0);
        let delayed = self.hidden.iter().filter(|&hidden| never_received(hidden)).count();
        Depth {
            visible: self.visible.len(),
            in_flight: self.hidden.len() - delayed,
            delayed,
        }
    }
}

pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Arc<str>,
    pub(super) md5_of_body: String,
    pub(super) sent_at: Timestamp,
    pub(super) first_received_at: Option<Timestamp>,
    pub(super) receive_count: u32,
    pub(super) hidden_until: Option<Timestamp>,
    pub(super) is_replay: bool,
    pub(super) attributes: Attributes,
}

impl Message {
    pub(super) fn new(
        sequence: u64,
        body: Arc<str>,
        md5_of_body: String,
        attributes: Attributes,
        sent_at: Timestamp,
    ) -> Self {
        Self {
            id: format!("00000000-0000-4000-8000-{sequence:012x}"),
            body,
            md5_of_body,
            sent_at,
            first_received_at: None,
            receive_count: 0,
            hidden_until: None,
            is_replay: false,
            attributes,
        }
    }

    pub(super) fn received(&mut self, sequence: u64, now: Timestamp) -> ReceivedMessage {
        ReceivedMessage {
            message_id: self.id.clone(),
            receipt_handle: Handle {
                sequence,
                receive_count: self.receive_count,
            }
            .to_string(),
            body: Arc::clone(&self.body),
            md5_of_body: self.md5_of_body.clone(),
            receive_count: self.receive_count,
            sent_at: self.sent_at,
            first_received_at: *self.first_received_at.get_or_insert(now),
            attributes: Arc::clone(&self.attributes),
        }
    }

    pub(super) fn stored(&self) -> StoredMessage {
        StoredMessage {
            message_id: self.id.clone(),
            body: Arc::clone(&self.body),
            receive_count: self.receive_count,
            sent_at: self.sent_at,
            attributes: Arc::clone(&self.attributes),
        }
    }
}

/// One receive of one message; written as 24 hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) struct Handle {
    pub(super) sequence: u64,
    pub(super) receive_count: u32,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:08x}", self.sequence, self.receive_count)
    }
}

impl Handle {
    pub(super) fn parse(text: &str) -> Result<Self, QueueError> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.split_at_checked(16) {
            Some((sequence, receive_count)) if is_hex && receive_count.len() == 8 => {
                match (
                    u64::from_str_radix(sequence, 16),
                    u32::from_str_radix(receive_count, 16),
                ) {
                    (Ok(sequence), Ok(receive_count)) => Ok(Self {
                        sequence,
                        receive_count,
                    }),
                    (Ok(_) | Err(_), _) => Err(QueueError::ReceiptHandleIsInvalid),
                }
            }
            Some(_) | None => Err(QueueError::ReceiptHandleIsInvalid),
        }
    }
}
