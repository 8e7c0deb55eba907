//! Standard SQS queues in memory, on an injected clock: the operations we call, and SQS's own rules for them.
//!
//! Nothing here waits, reads the machine's clock or opens a socket. Ids and receipt handles are counted, so the same
//! calls at the same times give the same answers.

mod protocol;
mod queue;
mod refusal;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apropos_aws::Clock;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest as _, Md5};

use self::queue::{Handle, Message, Queue};
pub use self::refusal::QueueError;

/// Most entries of one SendMessageBatch, and most messages of one ReceiveMessage.
pub const MAX_BATCH: usize = 10;
/// Largest message body, and largest sum of the bodies of one batch, in bytes of UTF-8 (1 MiB since August 2025).
pub const MAX_BYTES: usize = 1_048_576;
/// Longest visibility timeout: 12 hours.
pub const MAX_VISIBILITY: SignedDuration = SignedDuration::from_hours(12);
/// Longest delay of a message: 15 minutes.
pub const MAX_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// Most attributes of one message.
pub const MAX_ATTRIBUTES: usize = 10;

/// The attributes of a message by name. All are of the type `String`, the only one that we send.
pub type Attributes = Arc<BTreeMap<String, String>>;

/// What a queue is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// 1 to 80 letters, digits, `-` and `_`.
    pub name: String,
    /// How long a received message stays hidden: 0 s to [`MAX_VISIBILITY`], whole seconds on the wire.
    pub visibility_timeout: SignedDuration,
    /// How long a sent message stays hidden unless it says otherwise: 0 s to [`MAX_DELAY`].
    pub delay: SignedDuration,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
}

impl QueueSettings {
    /// SQS's defaults: visible again after 30 s, no delay, no dead-letter queue.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            visibility_timeout: SignedDuration::from_secs(30),
            delay: SignedDuration::ZERO,
            redrive: None,
        }
    }
}

/// The redrive policy of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// A queue that exists already.
    pub dead_letter_queue: String,
    /// 1 to 1 000: a message that was received this often goes to the dead-letter queue at the next receive.
    pub max_receive_count: u32,
}

/// How often a message that was handled and deleted is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryMode {
    /// The usual day.
    Once,
    /// Every message comes back once, under the same id, after it was first deleted: SQS's "a server that was away
    /// during the delete", made certain. The copy goes to the end of the queue with a receive count of zero.
    Twice,
}

/// The receipt for a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// Unique over the service.
    pub message_id: String,
    /// Lower-case hexadecimal MD5 of the body, for the callers that check it (several SDKs do, the Rust one does not).
    pub md5_of_body: String,
}

/// A message as one receive hands it out.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The id that sending answered.
    pub message_id: String,
    /// Names this receive of the message; the next receive has another.
    pub receipt_handle: String,
    /// The body as sent.
    pub body: Arc<str>,
    /// Lower-case hexadecimal MD5 of the body.
    pub md5_of_body: String,
    /// `ApproximateReceiveCount`, this receive included; exact here.
    pub receive_count: u32,
    /// `SentTimestamp`.
    pub sent_at: Timestamp,
    /// `ApproximateFirstReceiveTimestamp`.
    pub first_received_at: Timestamp,
    /// As sent.
    pub attributes: Attributes,
}

impl fmt::Debug for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedMessage")
            .field("message_id", &self.message_id)
            .field("receive_count", &self.receive_count)
            .field("sent_at", &self.sent_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A message as an inspection sees it, without receiving it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The id that sending answered; a move to a dead-letter queue keeps it.
    pub message_id: String,
    /// The body as sent.
    pub body: Arc<str>,
    /// How often it was received; a move to a dead-letter queue keeps it.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// As sent; a move to a dead-letter queue keeps them.
    pub attributes: Attributes,
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMessage")
            .field("message_id", &self.message_id)
            .field("receive_count", &self.receive_count)
            .field("sent_at", &self.sent_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How many messages a queue holds, exactly where SQS says approximately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Ready to be received.
    pub visible: usize,
    /// Received and neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent with a delay that has not passed.
    pub delayed: usize,
}

impl Depth {
    /// All messages of the queue.
    #[must_use]
    pub const fn total(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// All queues of the machine; clones share them.
#[derive(Clone)]
pub struct QueueService {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for QueueService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueService").finish_non_exhaustive()
    }
}

impl QueueService {
    /// A service without queues, delivering each message [once](DeliveryMode::Once).
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let state = State {
            queues: BTreeMap::new(),
            last_sequence: 0,
            delivery: DeliveryMode::Once,
            hook: None,
        };
        Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Makes a queue; making it again with the same settings changes nothing.
    ///
    /// # Errors
    /// [`QueueError::QueueNameExists`] when its settings differ, [`QueueError::QueueDoesNotExist`] when its dead-letter
    /// queue is unknown, [`QueueError::InvalidParameterValue`] for a setting out of its range.
    pub fn create(&self, settings: QueueSettings) -> Result<(), QueueError> {
        if !is_id(&settings.name) {
            return Err(QueueError::InvalidParameterValue("QueueName"));
        }
        checked(settings.visibility_timeout, MAX_VISIBILITY, "VisibilityTimeout")?;
        checked(settings.delay, MAX_DELAY, "DelaySeconds")?;
        let mut state = self.lock();
        if let Some(redrive) = &settings.redrive {
            if !(1..=1_000).contains(&redrive.max_receive_count) || redrive.dead_letter_queue == settings.name {
                return Err(QueueError::InvalidParameterValue("RedrivePolicy"));
            }
            state.queue(&redrive.dead_letter_queue)?;
        }
        match state.queues.get(&settings.name) {
            Some(queue) if queue.settings == settings => Ok(()),
            Some(_) => Err(QueueError::QueueNameExists),
            None => {
                let name = settings.name.clone();
                state.queues.insert(name, Queue::new(settings, self.clock.now()));
                Ok(())
            }
        }
    }

    /// Whether, from now on, deleted messages come back once. Messages already deleted stay gone.
    pub fn set_delivery_mode(&self, mode: DeliveryMode) {
        self.lock().delivery = mode;
    }

    /// Calls `hook` after each message that was sent, so that a poller need not ask again and again. Replaces an
    /// earlier hook. The hook may call this service.
    pub fn on_send(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.lock().hook = Some(Arc::new(hook));
    }

    /// The names of all queues, sorted.
    #[must_use]
    pub fn queue_names(&self) -> Vec<String> {
        self.lock().queues.keys().cloned().collect()
    }

    /// Sends one message with the queue's own delay.
    ///
    /// # Errors
    /// As [`send_delayed`](Self::send_delayed).
    pub fn send(&self, queue: &str, body: impl Into<Arc<str>>) -> Result<SentMessage, QueueError> {
        self.put(queue, body.into(), None, Attributes::default())
    }

    /// Sends one message that stays hidden for `delay`, from 0 s to [`MAX_DELAY`].
    ///
    /// # Errors
    /// The queue is unknown, the body is empty, over [`MAX_BYTES`] or holds characters that SQS refuses, or the delay
    /// is out of its range.
    pub fn send_delayed(
        &self,
        queue: &str,
        body: impl Into<Arc<str>>,
        delay: SignedDuration,
    ) -> Result<SentMessage, QueueError> {
        self.put(queue, body.into(), Some(delay), Attributes::default())
    }

    /// Receives at most `max` messages (1 to [`MAX_BATCH`]), oldest sent first, and hides them for the queue's
    /// visibility timeout. Messages received too often go to the dead-letter queue instead. Never waits.
    ///
    /// # Errors
    /// The queue is unknown, or `max` is out of its range.
    pub fn receive(&self, queue: &str, max: usize) -> Result<Vec<ReceivedMessage>, QueueError> {
        self.take(queue, max, None)
    }

    /// Deletes the message that this handle was given for.
    ///
    /// As in a standard queue: the handle of the latest receive deletes, even after its visibility timeout, as long as
    /// nobody has received the message again; an older handle, or one of a message that is gone, succeeds without any
    /// effect. So a slow consumer cannot delete the message under a later one, which will handle it a second time.
    ///
    /// # Errors
    /// The queue is unknown, or no receive gives handles of this form.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), QueueError> {
        let handle = Handle::parse(receipt_handle)?;
        let mut state = self.lock();
        let delivery = state.delivery;
        let Some(message) = state.queue(queue)?.remove_if_latest(handle) else {
            return Ok(());
        };
        if delivery == DeliveryMode::Twice && !message.is_replay {
            let copy = Message {
                is_replay: true,
                receive_count: 0,
                first_received_at: None,
                ..message
            };
            let sequence = state.next_sequence();
            state.queue(queue)?.insert(sequence, copy, None);
        }
        Ok(())
    }

    /// Hides a message in flight for `timeout` from now, 0 s to [`MAX_VISIBILITY`]; zero gives it back at once.
    ///
    /// # Errors
    /// The queue is unknown, the handle malformed or not the latest of a message still there, the message not in
    /// flight, or the timeout out of its range.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt_handle: &str,
        timeout: SignedDuration,
    ) -> Result<(), QueueError> {
        let timeout = checked(timeout, MAX_VISIBILITY, "VisibilityTimeout")?;
        let handle = Handle::parse(receipt_handle)?;
        let now = self.clock.now();
        let mut state = self.lock();
        let queue = state.queue(queue)?;
        queue.surface(now);
        let Some(message) = queue.messages.get_mut(&handle.sequence) else {
            return Err(QueueError::InvalidParameterValue("ReceiptHandle"));
        };
        if message.receive_count != handle.receive_count {
            return Err(QueueError::InvalidParameterValue("ReceiptHandle"));
        }
        let Some(until) = message.hidden_until else {
            return Err(QueueError::MessageNotInflight);
        };
        queue.hidden.remove(&(until, handle.sequence));
        message.hidden_until = Some(later(now, timeout));
        queue.hidden.insert((later(now, timeout), handle.sequence));
        Ok(())
    }

    /// How many messages the queue holds now.
    ///
    /// # Errors
    /// [`QueueError::QueueDoesNotExist`].
    pub fn depth(&self, queue: &str) -> Result<Depth, QueueError> {
        let now = self.clock.now();
        let mut state = self.lock();
        let queue = state.queue(queue)?;
        queue.surface(now);
        Ok(queue.depth())
    }

    /// When the next message that is hidden now becomes visible; `None` if none is hidden.
    ///
    /// # Errors
    /// [`QueueError::QueueDoesNotExist`].
    pub fn next_visible_at(&self, queue: &str) -> Result<Option<Timestamp>, QueueError> {
        let now = self.clock.now();
        let mut state = self.lock();
        let queue = state.queue(queue)?;
        queue.surface(now);
        Ok(queue.hidden.first().map(|(until, _)| *until))
    }

    /// All messages of the queue, hidden ones included, oldest first, without receiving them.
    ///
    /// # Errors
    /// [`QueueError::QueueDoesNotExist`].
    pub fn peek(&self, queue: &str) -> Result<Vec<StoredMessage>, QueueError> {
        Ok(self
            .lock()
            .queue(queue)?
            .messages
            .values()
            .map(Message::stored)
            .collect())
    }

    /// Takes all messages out of the queue, hidden ones included, oldest first.
    ///
    /// # Errors
    /// [`QueueError::QueueDoesNotExist`].
    pub fn drain(&self, queue: &str) -> Result<Vec<StoredMessage>, QueueError> {
        let mut state = self.lock();
        let queue = state.queue(queue)?;
        queue.visible.clear();
        queue.hidden.clear();
        Ok(std::mem::take(&mut queue.messages)
            .values()
            .map(Message::stored)
            .collect())
    }

    /// Moves the visible messages of a dead-letter queue to `target` and says how many. As SQS does, each becomes a
    /// new message there: new id, sent now, never received.
    ///
    /// # Errors
    /// [`QueueError::QueueDoesNotExist`] for either queue.
    pub fn redrive(&self, dead_letter_queue: &str, target: &str) -> Result<usize, QueueError> {
        let now = self.clock.now();
        let mut state = self.lock();
        state.queue(target)?;
        let source = state.queue(dead_letter_queue)?;
        source.surface(now);
        let visible = std::mem::take(&mut source.visible);
        let bodies: Vec<_> = visible
            .iter()
            .filter_map(|sequence| source.messages.remove(sequence))
            .collect();
        let moved = bodies.len();
        for message in bodies {
            let sequence = state.next_sequence();
            let message = Message::new(sequence, message.body, message.md5_of_body, message.attributes, now);
            state.queue(target)?.insert(sequence, message, None);
        }
        Ok(moved)
    }

    fn put(
        &self,
        queue: &str,
        body: Arc<str>,
        delay: Option<SignedDuration>,
        attributes: Attributes,
    ) -> Result<SentMessage, QueueError> {
        if attributes.len() > MAX_ATTRIBUTES || attributes.values().any(String::is_empty) {
            return Err(QueueError::InvalidParameterValue("MessageAttributes"));
        }
        let named: usize = attributes
            .iter()
            .map(|(name, value)| name.len() + "String".len() + value.len())
            .sum();
        if body.len() + named > MAX_BYTES {
            return Err(QueueError::InvalidParameterValue("MessageBody"));
        }
        if body.is_empty() {
            return Err(QueueError::MissingParameter("MessageBody"));
        }
        if !body.chars().all(is_allowed) {
            return Err(QueueError::InvalidMessageContents);
        }
        let delay = delay
            .map(|delay| checked(delay, MAX_DELAY, "DelaySeconds"))
            .transpose()?;
        let md5_of_body = hex_md5(body.as_bytes());
        let now = self.clock.now();
        let mut state = self.lock();
        let delay = delay.unwrap_or(state.queue(queue)?.settings.delay);
        let sequence = state.next_sequence();
        let message = Message::new(sequence, body, md5_of_body, attributes, now);
        let sent = SentMessage {
            message_id: message.id.clone(),
            md5_of_body: message.md5_of_body.clone(),
        };
        let hidden_until = (!delay.is_zero()).then(|| later(now, delay));
        state.queue(queue)?.insert(sequence, message, hidden_until);
        let hook = state.hook.clone();
        drop(state);
        if let Some(hook) = hook {
            hook();
        }
        Ok(sent)
    }

    fn take(
        &self,
        name: &str,
        max: usize,
        timeout: Option<SignedDuration>,
    ) -> Result<Vec<ReceivedMessage>, QueueError> {
        if !(1..=MAX_BATCH).contains(&max) {
            return Err(QueueError::InvalidParameterValue("MaxNumberOfMessages"));
        }
        let timeout = timeout
            .map(|timeout| checked(timeout, MAX_VISIBILITY, "VisibilityTimeout"))
            .transpose()?;
        let now = self.clock.now();
        let mut state = self.lock();
        let queue = state.queue(name)?;
        queue.surface(now);
        let hidden_until = later(now, timeout.unwrap_or(queue.settings.visibility_timeout));
        let limit = queue
            .settings
            .redrive
            .as_ref()
            .map_or(u32::MAX, |redrive| redrive.max_receive_count);
        let dead_letter_queue = queue
            .settings
            .redrive
            .as_ref()
            .map(|redrive| redrive.dead_letter_queue.clone());

        let mut received = Vec::new();
        let mut dead = Vec::new();
        while received.len() < max
            && let Some(sequence) = queue.visible.pop_first()
        {
            let Some(message) = queue.messages.get_mut(&sequence) else {
                continue;
            };
            if message.receive_count >= limit {
                dead.extend(queue.messages.remove(&sequence));
                continue;
            }
            message.receive_count = message.receive_count.saturating_add(1);
            message.hidden_until = Some(hidden_until);
            received.push(message.received(sequence, now));
            queue.hidden.insert((hidden_until, sequence));
        }
        if let Some(dead_letter_queue) = dead_letter_queue {
            for message in dead {
                let sequence = state.next_sequence();
                state.queue(&dead_letter_queue)?.insert(sequence, message, None);
            }
        }
        Ok(received)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant spans a panic: each method leaves the maps consistent before it can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    queues: BTreeMap<String, Queue>,
    last_sequence: u64,
    delivery: DeliveryMode,
    hook: Option<SendHook>,
}

type SendHook = Arc<dyn Fn() + Send + Sync>;

impl State {
    fn queue(&mut self, name: &str) -> Result<&mut Queue, QueueError> {
        self.queues.get_mut(name).ok_or(QueueError::QueueDoesNotExist)
    }

    /// Sequences are unique over all queues, so a handle of one queue never fits a message of another.
    const fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }
}

fn checked(
    value: SignedDuration,
    longest: SignedDuration,
    parameter: &'static str,
) -> Result<SignedDuration, QueueError> {
    if value < SignedDuration::ZERO || value > longest {
        return Err(QueueError::InvalidParameterValue(parameter));
    }
    Ok(value)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The form of queue names and batch entry ids.
fn is_id(text: &str) -> bool {
    (1..=80).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The characters of SendMessage's reference: XML 1.0's `Char` production.
const fn is_allowed(character: char) -> bool {
    matches!(character,
        '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

fn hex_md5(bytes: &[u8]) -> String {
    let number = <[u8; 16]>::from(Md5::digest(bytes));
    format!("{:032x}", u128::from_be_bytes(number))
}

#[cfg(test)]
mod tests;
