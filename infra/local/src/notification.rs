//! SNS between SES and the queue: an event as SNS wraps it for a queue that subscribes without raw delivery.

use apropos_aws::random;
use jiff::Timestamp;
use serde_json::json;

use crate::aws_endpoint::{ACCOUNT_ID, REGION};

/// The ARN of the topic that the mail service publishes to.
#[must_use]
pub fn topic() -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT_ID}:apropos-feedback")
}

/// The body of the queue's message. Nothing here checks the signature, as nothing does on AWS: the queue takes messages
/// from its topic only.
#[must_use]
pub fn wrapped(event: &str, at: Timestamp) -> String {
    from_topic(&topic(), event, at)
}

/// As [`wrapped`], published to another topic.
#[must_use]
pub fn from_topic(topic: &str, event: &str, at: Timestamp) -> String {
    let id = u128::from_be_bytes(random().unwrap_or_default());
    let host = format!("https://sns.{REGION}.amazonaws.com");
    json!({
        "Type": "Notification",
        "MessageId": format!("{:08x}-{:04x}-5000-8000-{:012x}", id >> 96, (id >> 80) & 0xffff, id & 0xffff_ffff_ffff),
        "TopicArn": topic,
        "Subject": "Amazon SES Email Event Notification",
        "Message": event,
        "Timestamp": format!("{at:.3}"),
        "SignatureVersion": "1",
        "Signature": "bG9jYWw=",
        "SigningCertURL": format!("{host}/SimpleNotificationService-local.pem"),
        "UnsubscribeURL": format!("{host}/?Action=Unsubscribe&SubscriptionArn={topic}:local"),
    })
    .to_string()
}
