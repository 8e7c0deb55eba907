//! The events of SES as they come: published to an SNS topic, wrapped by SNS, delivered by SQS (SES guide, "Contents of
//! event data that Amazon SES publishes to Amazon SNS"). Tolerant: members that are not used are not looked at.

use std::collections::HashMap;

use apropos_core::campaign::DeliveryId;
use apropos_core::email::EmailAddress;
use apropos_core::feedback::{DeliveryTag, Feedback, Lasting, News, Reporter};
use apropos_core::ids::{AttemptId, BrandId, CampaignId, RunId};
use apropos_core::objects::from_str;
use aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use thiserror::Error;

use crate::event::{Undone, read_message};

/// The topic that SES publishes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(String);

/// Not the ARN of an SNS topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be the ARN of an SNS topic")]
pub struct InvalidTopicArn;

impl TopicArn {
    /// Takes an ARN such as `arn:aws:sns:eu-west-3:123456789012:apropos-feedback`.
    ///
    /// # Errors
    /// [`InvalidTopicArn`].
    pub fn new(text: &str) -> Result<Self, InvalidTopicArn> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, name] if ![region, account, name].iter().any(|part| part.is_empty()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidTopicArn),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a message of the feedback queue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something about a message of ours.
    Feedback(Box<Feedback>),
    /// SES's word that it can publish here, when the stack is made; or an event of a message that carries no brand of
    /// ours.
    NotOurs,
}

/// Reads a message of the feedback queue. Only what came through our topic is believed.
///
/// # Errors
/// [`Undone::Malformed`], and as [`read_message`].
pub fn hear(message: &SqsMessage, topic: &TopicArn) -> Result<Heard, Undone> {
    let envelope: Envelope = read_message(message)?;
    if envelope.kind != "Notification" || envelope.topic_arn != topic.as_str() {
        return Err(Undone::Malformed);
    }
    if envelope.message.starts_with(VALIDATION) {
        return Ok(Heard::NotOurs);
    }
    // What the parser would say may quote the event, so it is not kept.
    let event: SesEvent = from_str(&envelope.message).ok().ok_or(Undone::Malformed)?;
    let Some((brand, delivery)) = event.mail.whose() else {
        return Ok(Heard::NotOurs);
    };
    Ok(Heard::Feedback(Box::new(Feedback {
        news: event.news().ok_or(Undone::Malformed)?,
        message_id: event.mail.message_id,
        brand,
        delivery,
    })))
}

/// How the plain text begins that SES publishes once, when it is told of a topic.
const VALIDATION: &str = "Successfully validated SNS topic";

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "TopicArn")]
    topic_arn: String,
    #[serde(rename = "Message")]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesEvent {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    click: Option<Click>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    timestamp: Option<String>,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    timestamp: String,
    complaint_sub_type: Option<String>,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
struct Click {
    timestamp: String,
}

impl SesEvent {
    fn news(&self) -> Option<News> {
        Some(match self.event_type.as_str() {
            "Send" => News::Send,
            "Delivery" => News::Delivery,
            "DeliveryDelay" => News::DeliveryDelay,
            "Bounce" => News::Bounce {
                lasting: match self.bounce.as_ref()?.bounce_type.as_str() {
                    "Permanent" => Lasting::Permanent,
                    "Transient" => Lasting::Transient,
                    _ => Lasting::Undetermined,
                },
                recipient: self.mail.recipient()?,
            },
            "Complaint" => {
                let complaint = self.complaint.as_ref()?;
                News::Complaint {
                    by: Reporter::of(
                        complaint.complaint_feedback_type.as_deref(),
                        complaint.complaint_sub_type.as_deref(),
                    ),
                    recipient: self.mail.recipient()?,
                    at: complaint.timestamp.parse().ok()?,
                }
            }
            "Reject" => News::Reject,
            // With a space in the guide's table, and in what SES sends.
            "Rendering Failure" | "RenderingFailure" => News::RenderingFailure,
            "Click" => News::Click {
                sent: self.mail.timestamp.as_deref()?.parse().ok()?,
                at: self.click.as_ref()?.timestamp.parse().ok()?,
            },
            "Open" => News::Open,
            "Subscription" => News::Subscription,
            _ => News::Unknown,
        })
    }
}

impl Mail {
    /// The address that we wrote to, one a message. Not the addresses in the report: whoever runs a mail server, or
    /// forwards their mail, has a say in what a returned message names, and could close somebody else's address.
    fn recipient(&self) -> Option<EmailAddress> {
        match self.destination.as_slice() {
            [one] => EmailAddress::parse(one).ok(),
            _ => None,
        }
    }

    /// From the tags that the message was sent with.
    fn whose(&self) -> Option<(BrandId, Option<DeliveryTag>)> {
        let brand = BrandId::new(self.tag("brand")?).ok()?;
        Some((brand, self.delivery()))
    }

    fn delivery(&self) -> Option<DeliveryTag> {
        Some(DeliveryTag {
            campaign: CampaignId::new(self.tag("campaign")?).ok()?,
            run: RunId::new(self.tag("run")?).ok()?,
            id: DeliveryId::from_hex(self.tag("delivery")?)?,
            attempt: AttemptId::new(self.tag("attempt")?).ok()?,
        })
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name)?.first().map(String::as_str)
    }
}
