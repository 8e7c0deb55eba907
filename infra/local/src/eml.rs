//! Renders an accepted mail as the message that SES would hand to the receiving server, but for its DKIM signature.
//!
//! The same mail always gives the same bytes: the date, the ids and the MIME boundary come from the mail itself.

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use crate::mail_service::AcceptedMail;

/// Where SES writes `<region>.amazonses.com` in a Message-ID; reserved by RFC 2606, so nothing is ever sent there.
pub const MESSAGE_ID_DOMAIN: &str = "email.example.com";

/// What stands for the account in a Feedback-ID, where SES writes `1.<region>.<opaque account hash>`.
pub const FEEDBACK_ACCOUNT: &str = "1.eu-west-3.aprOposLocalStandIn=";

/// The tags that SES copies to the first two places of Feedback-ID.
const FEEDBACK_TAGS: [&str; 2] = ["ses:feedback-id-a", "ses:feedback-id-b"];

/// The message in the format of RFC 5322, with CRLF line ends.
///
/// Custom headers stand once each, as they were given, folded at spaces only. The subject is encoded (RFC 2047) when
/// it is not printable ASCII; line breaks in it become spaces.
#[must_use]
pub fn render(mail: &AcceptedMail) -> Vec<u8> {
    let mut message = MessageBuilder::new()
        .header("From", Raw::new(mail.from.as_str()))
        .header("To", Raw::new(mail.to.as_str()))
        .header("Subject", Text::new(mail.subject.as_str()))
        .header("Date", Date::new(mail.at.as_second()))
        .header(
            "Message-ID",
            MessageId::new(format!("{}@{MESSAGE_ID_DOMAIN}", mail.message_id)),
        )
        .header("MIME-Version", Raw::new("1.0"))
        .header("Feedback-ID", Raw::new(feedback_id(&mail.tags)));
    if !mail.reply_to.is_empty() {
        message = message.header("Reply-To", Raw::new(mail.reply_to.join(", ")));
    }
    for (name, value) in &mail.headers {
        message = message.header(name.as_str(), Raw::new(value.as_str()));
    }
    let mut output = Vec::with_capacity(mail.subject.len() + mail.text.len() + mail.html.len() + 2_048);
    message.body(body(mail)).serialize(&mut output);
    output
}

/// `a:b:account:AmazonSES`: the values of the tags `ses:feedback-id-a` and `ses:feedback-id-b`, each empty when its tag
/// is absent, then SES's own account field and sender id.
#[must_use]
pub fn feedback_id(tags: &[(String, String)]) -> String {
    let [a, b] = FEEDBACK_TAGS.map(|wanted| {
        tags.iter()
            .find(|(name, _)| name == wanted)
            .map_or("", |(_, value)| value.as_str())
    });
    format!("{a}:{b}:{FEEDBACK_ACCOUNT}:AmazonSES")
}

fn body(mail: &AcceptedMail) -> MimePart<'_> {
    let text = || MimePart::new("text/plain", mail.text.as_str());
    let html = || MimePart::new("text/html", mail.html.as_str());
    if mail.html.is_empty() {
        return text();
    }
    if mail.text.is_empty() {
        return html();
    }
    // mail-builder would take a boundary from the machine's clock. The id is chosen after the body, so the body cannot
    // hold it.
    let boundary = format!("----=_Part_{}", mail.message_id);
    let kind = ContentType::new("multipart/alternative").attribute("boundary", boundary);
    MimePart::new(kind, vec![text(), html()])
}
