//! SQS's AWS JSON 1.0 protocol over the queues.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Attributes, MAX_BATCH, MAX_BYTES, QueueError, QueueService, is_id};
use crate::aws_endpoint::{ACCOUNT_ID, REGION};

impl QueueService {
    /// Answers one call of the AWS JSON 1.0 protocol: `operation` is what follows `AmazonSQS.` in `X-Amz-Target`, and
    /// `origin` (such as `http://127.0.0.1:9000`) is what queue URLs start with. `WaitTimeSeconds` is not waited.
    ///
    /// # Errors
    /// The refusal, to be written as [`QueueError::wire`] says.
    pub fn call(&self, operation: &str, body: &[u8], origin: &str) -> Result<Vec<u8>, QueueError> {
        match operation {
            "SendMessage" => written(&self.call_send(read(body)?)?),
            "SendMessageBatch" => written(&self.call_send_batch(read(body)?)?),
            "ReceiveMessage" => written(&self.call_receive(&read(body)?)?),
            "DeleteMessage" => {
                let call: DeleteCall = read(body)?;
                self.delete(queue_of(&call.queue_url)?, &call.receipt_handle)?;
                Ok(Vec::new())
            }
            "ChangeMessageVisibility" => {
                let call: ChangeVisibilityCall = read(body)?;
                let timeout = seconds(call.visibility_timeout);
                self.change_visibility(queue_of(&call.queue_url)?, &call.receipt_handle, timeout)?;
                Ok(Vec::new())
            }
            "GetQueueUrl" => {
                let call: UrlCall = read(body)?;
                self.lock().queue(&call.queue_name)?;
                written(&UrlAnswer {
                    queue_url: format!("{origin}/{ACCOUNT_ID}/{}", call.queue_name),
                })
            }
            "GetQueueAttributes" => written(&self.call_attributes(&read(body)?)?),
            _ => Err(QueueError::UnknownOperation),
        }
    }

    fn call_send(&self, call: SendCall) -> Result<SendAnswer, QueueError> {
        let sent = self.put(
            queue_of(&call.queue_url)?,
            call.message_body.into(),
            call.delay_seconds.map(seconds),
            attributes_of(call.message_attributes)?,
        )?;
        Ok(SendAnswer {
            message_id: sent.message_id,
            md5_of_message_body: sent.md5_of_body,
        })
    }

    fn call_send_batch(&self, call: SendBatchCall) -> Result<SendBatchAnswer, QueueError> {
        let queue = queue_of(&call.queue_url)?;
        self.lock().queue(queue)?;
        if call.entries.is_empty() {
            return Err(QueueError::EmptyBatchRequest);
        }
        if call.entries.len() > MAX_BATCH {
            return Err(QueueError::TooManyEntriesInBatchRequest);
        }
        if !call.entries.iter().all(|entry| is_id(&entry.id)) {
            return Err(QueueError::InvalidBatchEntryId);
        }
        let ids: HashSet<&str> = call.entries.iter().map(|entry| entry.id.as_str()).collect();
        if ids.len() < call.entries.len() {
            return Err(QueueError::BatchEntryIdsNotDistinct);
        }
        if call.entries.iter().map(|entry| entry.message_body.len()).sum::<usize>() > MAX_BYTES {
            return Err(QueueError::BatchRequestTooLong);
        }
        let mut answer = SendBatchAnswer {
            successful: Vec::new(),
            failed: Vec::new(),
        };
        for entry in call.entries {
            let delay = entry.delay_seconds.map(seconds);
            let sent = attributes_of(entry.message_attributes)
                .and_then(|attributes| self.put(queue, entry.message_body.into(), delay, attributes));
            match sent {
                Ok(sent) => answer.successful.push(SentEntry {
                    id: entry.id,
                    message_id: sent.message_id,
                    md5_of_message_body: sent.md5_of_body,
                }),
                Err(error) => answer.failed.push(FailedEntry {
                    id: entry.id,
                    sender_fault: true,
                    code: error.wire().1,
                    message: error.to_string(),
                }),
            }
        }
        Ok(answer)
    }

    fn call_receive(&self, call: &ReceiveCall) -> Result<ReceiveAnswer, QueueError> {
        let max = usize::try_from(call.max_number_of_messages.unwrap_or(1)).unwrap_or(0);
        let received = self.take(queue_of(&call.queue_url)?, max, call.visibility_timeout.map(seconds))?;
        let asked = |name: &str| {
            let mut names = call.message_system_attribute_names.iter().chain(&call.attribute_names);
            names.any(|asked| asked == name || asked == "All")
        };
        let messages = received
            .into_iter()
            .map(|message| {
                let all = [
                    (
                        "ApproximateFirstReceiveTimestamp",
                        message.first_received_at.as_millisecond().to_string(),
                    ),
                    ("ApproximateReceiveCount", message.receive_count.to_string()),
                    ("SenderId", ACCOUNT_ID.to_owned()),
                    ("SentTimestamp", message.sent_at.as_millisecond().to_string()),
                ];
                MessageAnswer {
                    message_id: message.message_id,
                    receipt_handle: message.receipt_handle,
                    md5_of_body: message.md5_of_body,
                    body: message.body,
                    attributes: all.into_iter().filter(|(name, _)| asked(name)).collect(),
                    message_attributes: written_attributes(&message.attributes, &call.message_attribute_names),
                }
            })
            .collect();
        Ok(ReceiveAnswer { messages })
    }

    fn call_attributes(&self, call: &AttributesCall) -> Result<AttributesAnswer, QueueError> {
        let now = self.clock.now();
        let mut state = self.lock();
        let queue = state.queue(queue_of(&call.queue_url)?)?;
        queue.surface(now);
        let (depth, settings) = (queue.depth(), &queue.settings);
        let arn = |name: &str| format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}");
        let redrive = settings.redrive.as_ref().map(|redrive| RedrivePolicy {
            dead_letter_target_arn: arn(&redrive.dead_letter_queue),
            max_receive_count: redrive.max_receive_count,
        });
        let mut all = BTreeMap::from([
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("CreatedTimestamp", queue.created_at.as_second().to_string()),
            ("DelaySeconds", settings.delay.as_secs().to_string()),
            ("MaximumMessageSize", MAX_BYTES.to_string()),
            ("QueueArn", arn(&settings.name)),
            ("VisibilityTimeout", settings.visibility_timeout.as_secs().to_string()),
        ]);
        if let Some(redrive) = redrive {
            all.insert(
                "RedrivePolicy",
                String::from_utf8_lossy(&written(&redrive)?).into_owned(),
            );
        }
        let known = |name: &String| name == "All" || name == "RedrivePolicy" || all.contains_key(name.as_str());
        if !call.attribute_names.iter().all(known) {
            return Err(QueueError::InvalidAttributeName);
        }
        all.retain(|name, _| call.attribute_names.iter().any(|asked| asked == name || asked == "All"));
        Ok(AttributesAnswer { attributes: all })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, QueueError> {
    // The parser's own message may quote the body, so it is not kept.
    serde_json::from_slice(body).ok().ok_or(QueueError::UnreadableRequest)
}

fn written(answer: &impl Serialize) -> Result<Vec<u8>, QueueError> {
    // Our answers have string keys only, which JSON can always write.
    serde_json::to_vec(answer).ok().ok_or(QueueError::UnreadableRequest)
}

/// The name at the end of a queue URL; SQS takes a bare name too.
fn queue_of(queue_url: &str) -> Result<&str, QueueError> {
    match queue_url.rsplit('/').next() {
        Some(name) if !name.is_empty() => Ok(name),
        Some(_) | None => Err(QueueError::MissingParameter("QueueUrl")),
    }
}

/// Out-of-range seconds become a duration that the range check refuses.
const fn seconds(value: i64) -> SignedDuration {
    SignedDuration::from_secs(value)
}

fn attributes_of(sent: Option<BTreeMap<String, AttributeValue>>) -> Result<Attributes, QueueError> {
    let attributes =
        sent.into_iter()
            .flatten()
            .map(|(name, value)| match (value.data_type.as_str(), value.string_value) {
                ("String", Some(text)) => Ok((name, text)),
                _ => Err(QueueError::UnsupportedOperation),
            });
    Ok(Arc::new(attributes.collect::<Result<_, _>>()?))
}

fn written_attributes(attributes: &Attributes, asked: &[String]) -> BTreeMap<String, AttributeValue> {
    let is_asked = |name: &String| asked.iter().any(|each| each == name || each == "All" || each == ".*");
    attributes
        .iter()
        .filter(|(name, _)| is_asked(name))
        .map(|(name, text)| {
            let value = AttributeValue {
                data_type: "String".to_owned(),
                string_value: Some(text.clone()),
            };
            (name.clone(), value)
        })
        .collect()
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeValue {
    data_type: String,
    string_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendCall {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, AttributeValue>>,
}

#[derive(Serialize)]
struct SendAnswer {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_message_body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatchCall {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    entries: Vec<SendBatchEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatchEntry {
    #[serde(default)]
    id: String,
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, AttributeValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatchAnswer {
    successful: Vec<SentEntry>,
    failed: Vec<FailedEntry>,
}

#[derive(Serialize)]
struct SentEntry {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_message_body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveCall {
    #[serde(default)]
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveAnswer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageAnswer>,
}

#[derive(Serialize)]
struct MessageAnswer {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(rename = "Body", serialize_with = "as_text")]
    body: Arc<str>,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, AttributeValue>,
}

/// serde writes `Arc` only under a feature that we do not need otherwise.
fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteCall {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeVisibilityCall {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
    visibility_timeout: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UrlCall {
    queue_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UrlAnswer {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesCall {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesAnswer {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: u32,
}
