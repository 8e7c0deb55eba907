//! A mail that was accepted, and the events that SES publishes about it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use super::request::domain_of;
use crate::aws_endpoint::{ACCOUNT_ID, REGION};
use crate::eml;

/// A mail that SES has taken responsibility for. Only acceptance makes one, so its fields have passed all checks.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedMail {
    /// What SendEmail answered, or would have answered but for a [`Fault`](super::Fault).
    pub message_id: String,
    /// When it was accepted.
    pub at: Timestamp,
    /// As in the request.
    pub from: String,
    /// The one recipient.
    pub to: String,
    /// As in the request.
    pub reply_to: Vec<String>,
    /// As in the request, not encoded.
    pub subject: String,
    /// The plain-text body, empty if absent.
    pub text: String,
    /// The HTML body, empty if absent.
    pub html: String,
    /// Custom headers, in the order of the request.
    pub headers: Vec<(String, String)>,
    /// Tags, in the order of the request.
    pub tags: Vec<(String, String)>,
    /// The configuration set that was named.
    pub configuration_set: Option<String>,
    /// The file in the outbox, if there is one.
    pub eml_path: Option<PathBuf>,
}

impl fmt::Debug for AcceptedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedMail")
            .field("message_id", &self.message_id)
            .field("at", &self.at)
            .field("tags", &self.tags)
            .field("eml_path", &self.eml_path)
            .finish_non_exhaustive()
    }
}

impl AcceptedMail {
    /// The value of a custom header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The message as it would leave SES, in the format of RFC 5322.
    #[must_use]
    pub fn eml(&self) -> Vec<u8> {
        eml::render(self)
    }

    /// The event that SES would publish through the configuration set, as JSON (SES guide, "Contents of event data that
    /// Amazon SES publishes to Amazon SNS"). It holds the recipient's address, as SES's events do.
    #[must_use]
    pub fn event(&self, feedback: Feedback, at: Timestamp) -> String {
        let at = millis(at);
        let feedback_id = format!("{}-feedback", self.message_id);
        let (event_type, key, details) = match feedback {
            Feedback::Send => ("Send", "send", json!({})),
            Feedback::Delivery => (
                "Delivery",
                "delivery",
                json!({
                    "timestamp": at,
                    "processingTimeMillis": 500,
                    "recipients": [self.to],
                    "smtpResponse": "250 2.0.0 OK",
                    "reportingMTA": "mta.example.com",
                }),
            ),
            Feedback::Bounce(kind) => {
                let (bounce_type, status, diagnostic) = match kind {
                    BounceKind::Permanent => ("Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown"),
                    BounceKind::Transient => ("Transient", "4.4.7", "smtp; 421 4.4.7 try again later"),
                };
                let recipient = json!({
                    "emailAddress": self.to,
                    "action": "failed",
                    "status": status,
                    "diagnosticCode": diagnostic,
                });
                (
                    "Bounce",
                    "bounce",
                    json!({
                        "bounceType": bounce_type,
                        "bounceSubType": "General",
                        "bouncedRecipients": [recipient],
                        "timestamp": at,
                        "feedbackId": feedback_id,
                        "reportingMTA": "dsn; mta.example.com",
                    }),
                )
            }
            Feedback::Complaint => (
                "Complaint",
                "complaint",
                json!({
                    "complainedRecipients": [{ "emailAddress": self.to }],
                    "timestamp": at,
                    "feedbackId": feedback_id,
                    "complaintSubType": null,
                    "complaintFeedbackType": "abuse",
                }),
            ),
            Feedback::Reject => ("Reject", "reject", json!({ "reason": "Bad content" })),
            Feedback::Open => (
                "Open",
                "open",
                json!({ "ipAddress": "192.0.2.1", "timestamp": at, "userAgent": "Mozilla/5.0" }),
            ),
            Feedback::Click => (
                "Click",
                "click",
                json!({
                    "ipAddress": "192.0.2.1",
                    "timestamp": at,
                    "userAgent": "Mozilla/5.0",
                    "link": "https://example.com/",
                    "linkTags": null,
                }),
            ),
        };
        json!({ "eventType": event_type, "mail": self.mail_object(), key: details }).to_string()
    }

    fn mail_object(&self) -> serde_json::Value {
        let mut tags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &self.tags {
            tags.entry(name).or_default().push(value);
        }
        tags.insert("ses:caller-identity", vec!["apropos-local"]);
        tags.insert("ses:from-domain", domain_of(&self.from).into_iter().collect());
        tags.insert("ses:source-ip", vec!["192.0.2.1"]);
        if let Some(name) = &self.configuration_set {
            tags.insert("ses:configuration-set", vec![name]);
        }
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        json!({
            "timestamp": millis(self.at),
            "source": self.from,
            "sourceArn": format!("arn:aws:ses:{REGION}:{ACCOUNT_ID}:identity/{}", domain_of(&self.from).unwrap_or("")),
            "sendingAccountId": ACCOUNT_ID,
            "messageId": self.message_id,
            "destination": [self.to],
            "headersTruncated": false,
            "headers": headers,
            "commonHeaders": {
                "from": [self.from],
                "to": [self.to],
                "messageId": self.message_id,
                "subject": self.subject,
            },
            "tags": tags,
        })
    }
}

/// What happened to an accepted mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// SES will attempt delivery.
    Send,
    /// The receiving server took it.
    Delivery,
    /// The receiving server refused it.
    Bounce(BounceKind),
    /// The recipient marked it as spam.
    Complaint,
    /// It holds something harmful: taken, and never sent.
    Reject,
    /// The recipient's mail client loaded its picture.
    Open,
    /// The recipient followed a link, where links are tracked.
    Click,
}

/// How lasting a bounce is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BounceKind {
    /// The address does not exist.
    Permanent,
    /// It may work another day.
    Transient,
}

/// ISO 8601 with milliseconds, as SES writes times.
fn millis(at: Timestamp) -> String {
    format!("{at:.3}")
}
