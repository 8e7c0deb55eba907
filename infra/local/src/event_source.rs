//! Lambda's event source mappings: batches of messages from a queue to their function, and the deletion of what it
//! handled.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};

use crate::aws_endpoint::{ACCOUNT_ID, REGION};
use crate::functions::{Function, Functions};
use crate::queue_service::{Depth, QueueError, QueueService, QueueSettings, ReceivedMessage, Redrive};

/// One mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventSource {
    /// The queue.
    pub(crate) queue: &'static str,
    /// Where messages go that fail too often.
    pub(crate) dead_letters: &'static str,
    /// What takes its messages.
    pub(crate) function: Function,
    /// Messages an invocation, at most.
    pub(crate) batch: usize,
}

/// A page holds about 8 000 people, so an invocation takes two; a candidate message holds twenty, so it takes ten.
pub(crate) const PAGES: EventSource = EventSource {
    queue: "pages",
    dead_letters: "pages-dead",
    function: Function::ScoreOffers,
    batch: 2,
};

/// See [`PAGES`].
pub(crate) const SENDS: EventSource = EventSource {
    queue: "sends",
    dead_letters: "sends-dead",
    function: Function::SendMessages,
    batch: 10,
};

/// An event is a read and seldom a write.
pub(crate) const FEEDBACK: EventSource = EventSource {
    queue: "feedback",
    dead_letters: "feedback-dead",
    function: Function::RecordFeedback,
    batch: 10,
};

/// All of them, in the order in which a drain asks them: pages make candidates, and candidates make messages.
pub(crate) const ALL: [EventSource; 3] = [PAGES, SENDS, FEEDBACK];

/// Receives before a message is given up: enough to outlive a few minutes of trouble, few enough that a message that
/// can never be handled is seen soon.
const MAX_RECEIVES: u32 = 5;

/// How long a received message stays hidden, in seconds. On AWS it is six times the function's time-out; here nothing
/// is slower than a minute, and a retry comes soon.
const VISIBILITY_SECONDS: i64 = 60;

impl EventSource {
    /// Makes the queue and its dead-letter queue.
    pub(crate) fn create(self, queues: &QueueService) -> Result<(), QueueError> {
        queues.create(QueueSettings::named(self.dead_letters))?;
        queues.create(QueueSettings {
            visibility_timeout: jiff::SignedDuration::from_secs(VISIBILITY_SECONDS),
            redrive: Some(Redrive {
                dead_letter_queue: self.dead_letters.to_owned(),
                max_receive_count: MAX_RECEIVES,
            }),
            ..QueueSettings::named(self.queue)
        })
    }

    /// Takes one batch to its function; `None` when no message is visible.
    pub(crate) async fn poll(
        self,
        queues: &QueueService,
        functions: &Arc<Functions>,
    ) -> Result<Option<Batch>, QueueError> {
        let received = queues.receive(self.queue, self.batch)?;
        if received.is_empty() {
            return Ok(None);
        }
        let answer = match self.event(&received) {
            Ok(event) => self.invoke(Arc::clone(functions), event).await,
            Err(error) => {
                tracing::error!(queue = self.queue, %error, "an event could not be written");
                None
            }
        };
        let failed = failed(&received, answer.as_ref());
        let mut batch = Batch::default();
        for message in &received {
            if failed.contains(message.message_id.as_str()) {
                batch.failed += 1;
            } else {
                queues.delete(self.queue, &message.receipt_handle)?;
                batch.handled += 1;
            }
        }
        if batch.failed > 0 {
            tracing::warn!(
                queue = self.queue,
                failed = batch.failed,
                "messages stay in the queue to be tried again"
            );
        }
        Ok(Some(batch))
    }

    async fn invoke(self, functions: Arc<Functions>, event: SqsEvent) -> Option<SqsBatchResponse> {
        match self.function {
            Function::RecordFeedback => functions.record_feedback(event).await,
            Function::ScoreOffers => functions.score_offers(event).await,
            Function::SendMessages => functions.send_messages(event).await,
            Function::AuthorizeBrand
            | Function::CustomerPortal
            | Function::IngestConsents
            | Function::IngestContext
            | Function::RunCampaigns => None,
        }
    }

    /// The event that Lambda would send, written as JSON first so that it is read as Lambda reads it.
    fn event(self, received: &[ReceivedMessage]) -> Result<SqsEvent, serde_json::Error> {
        let records: Vec<Value> = received.iter().map(|message| self.record(message)).collect();
        serde_json::from_value(json!({ "Records": records }))
    }

    fn record(self, message: &ReceivedMessage) -> Value {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": &*message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receive_count.to_string(),
                "SentTimestamp": message.sent_at.as_millisecond().to_string(),
                "SenderId": "AIDALOCAL",
                "ApproximateFirstReceiveTimestamp": message.first_received_at.as_millisecond().to_string(),
            },
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{}", self.queue),
            "awsRegion": REGION,
        })
    }
}

/// What became of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Batch {
    pub(crate) handled: usize,
    pub(crate) failed: usize,
}

/// The ids of the messages to give again. As Lambda does, an answer that names an unknown message, and no answer at
/// all, fail the whole batch.
fn failed<'a>(received: &'a [ReceivedMessage], answer: Option<&SqsBatchResponse>) -> HashSet<&'a str> {
    let all = || received.iter().map(|message| message.message_id.as_str()).collect();
    let Some(answer) = answer else {
        return all();
    };
    let mut failed = HashSet::new();
    for failure in &answer.batch_item_failures {
        let named = received
            .iter()
            .find(|message| message.message_id == failure.item_identifier);
        match named {
            Some(message) => failed.insert(message.message_id.as_str()),
            None => return all(),
        };
    }
    failed
}

/// What was done with the messages of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Invocations of the function.
    pub invocations: usize,
    /// Messages that it handled.
    pub handled: usize,
    /// Messages that it gave back, each time it did.
    pub failed: usize,
    /// What is left: all of it hidden.
    pub left: Depth,
    /// What lies in the dead-letter queue.
    pub dead: usize,
}

impl Drained {
    /// Whether nothing is left, in the queue or among the dead letters.
    pub(crate) const fn is_empty(&self) -> bool {
        self.left.total() + self.dead == 0
    }

    pub(crate) const fn add(&mut self, batch: Batch) {
        self.invocations += 1;
        self.handled += batch.handled;
        self.failed += batch.failed;
    }
}

#[cfg(test)]
mod tests {
    use apropos_aws::Clock;

    use super::*;

    fn received() -> Vec<ReceivedMessage> {
        let queues = QueueService::new(Clock::manual("2026-12-01T09:00:00Z".parse().unwrap()));
        SENDS.create(&queues).unwrap();
        for body in ["{\"v\":1}", "{\"v\":2}"] {
            queues.send(SENDS.queue, body).unwrap();
        }
        queues.receive(SENDS.queue, SENDS.batch).unwrap()
    }

    #[test]
    fn a_batch_becomes_the_event_that_lambda_sends() {
        let received = received();
        let event = SENDS.event(&received).unwrap();
        let [first, second] = event.records.as_slice() else {
            panic!("{event:?}")
        };
        assert_eq!(first.message_id.as_deref(), Some(received[0].message_id.as_str()));
        assert_eq!(second.body.as_deref(), Some("{\"v\":2}"));
        assert_eq!(first.event_source.as_deref(), Some("aws:sqs"));
        assert_eq!(
            first.event_source_arn.as_deref(),
            Some("arn:aws:sqs:eu-west-3:000000000000:sends")
        );
        assert_eq!(first.attributes["ApproximateReceiveCount"], "1");
        assert_eq!(first.attributes["SentTimestamp"], "1796115600000");
    }

    #[test]
    fn only_what_the_answer_names_is_given_again() {
        let received = received();
        let answer = |ids: &[&str]| -> SqsBatchResponse {
            let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            serde_json::from_value(json!({ "batchItemFailures": failures })).unwrap()
        };
        let second = received[1].message_id.as_str();
        assert!(failed(&received, Some(&answer(&[]))).is_empty());
        assert_eq!(failed(&received, Some(&answer(&[second]))), HashSet::from([second]));
        assert_eq!(failed(&received, Some(&answer(&["", second]))).len(), 2);
        assert_eq!(failed(&received, None).len(), 2);
    }
}
