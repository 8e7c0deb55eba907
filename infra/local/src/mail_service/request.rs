//! SendEmail's JSON, and SES's rules for what stands in it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_HEADERS, MAX_TAG, MAX_TAGS, OutgoingMail, Refusal, bad};

/// Headers that SES writes itself, or that have a member of their own in the request.
pub(super) const REFUSED_HEADERS: [&str; 17] = [
    "Bcc",
    "Cc",
    "Content-Disposition",
    "Content-Transfer-Encoding",
    "Content-Type",
    "Date",
    "DKIM-Signature",
    "Feedback-ID",
    "From",
    "Message-ID",
    "MIME-Version",
    "Received",
    "Reply-To",
    "Return-Path",
    "Sender",
    "Subject",
    "To",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SendCall {
    from_email_address: String,
    destination: Destination,
    reply_to_addresses: Vec<String>,
    content: Content,
    email_tags: Vec<NameValue>,
    configuration_set_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<IgnoredAny>,
    bcc_addresses: Vec<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    simple: Option<Simple>,
    raw: Option<IgnoredAny>,
    template: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Simple {
    subject: Data,
    body: Body,
    headers: Vec<NameValue>,
    attachments: Vec<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    text: Data,
    html: Data,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Data {
    data: String,
    charset: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct NameValue {
    name: String,
    value: String,
}

impl TryFrom<SendCall> for OutgoingMail {
    type Error = Refusal;

    fn try_from(call: SendCall) -> Result<Self, Refusal> {
        if call.content.raw.is_some() || call.content.template.is_some() {
            return Err(bad("Only simple content is supported here."));
        }
        let Some(simple) = call.content.simple else {
            return Err(bad("The request must contain simple content."));
        };
        if !simple.attachments.is_empty() {
            return Err(bad("Attachments are not supported here."));
        }
        if !call.destination.cc_addresses.is_empty() || !call.destination.bcc_addresses.is_empty() {
            return Err(bad("Only one recipient a message is supported here."));
        }
        let pairs = |list: Vec<NameValue>| list.into_iter().map(|pair| (pair.name, pair.value)).collect();
        Ok(Self {
            from: call.from_email_address,
            to: call.destination.to_addresses,
            reply_to: call.reply_to_addresses,
            subject: simple.subject.in_utf8()?,
            text: simple.body.text.in_utf8()?,
            html: simple.body.html.in_utf8()?,
            headers: pairs(simple.headers),
            tags: pairs(call.email_tags),
            configuration_set: call.configuration_set_name,
        })
    }
}

impl Data {
    /// SES takes 7-bit ASCII where no charset is named, and would garble the rest.
    fn in_utf8(self) -> Result<String, Refusal> {
        let is_utf8 = self
            .charset
            .as_deref()
            .is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8"));
        if !is_utf8 && !self.data.is_ascii() {
            return Err(bad("Text beyond ASCII needs the charset UTF-8 here."));
        }
        Ok(self.data)
    }
}

pub(super) fn check_envelope(mail: &OutgoingMail) -> Result<(), Refusal> {
    match mail.to.as_slice() {
        [] => return Err(bad("The request must contain a recipient.")),
        [recipient] if !is_address(recipient) => return Err(bad("The recipient is not a valid address.")),
        [_] => {}
        [_, _, ..] => return Err(bad("Only one recipient a message is supported here.")),
    }
    if !is_mailbox(&mail.from) {
        return Err(bad("The sender is not a valid 7-bit address."));
    }
    if !mail.reply_to.iter().all(|address| is_mailbox(address)) {
        return Err(bad("A reply-to address is not a valid 7-bit address."));
    }
    Ok(())
}

pub(super) fn check_content(mail: &OutgoingMail) -> Result<(), Refusal> {
    if mail.subject.is_empty() {
        return Err(bad("The request must contain a subject."));
    }
    if mail.text.is_empty() && mail.html.is_empty() {
        return Err(bad("The request must contain a text or an HTML body."));
    }
    Ok(())
}

pub(super) fn check_headers(headers: &[(String, String)]) -> Result<(), Refusal> {
    if headers.len() > MAX_HEADERS {
        return Err(bad("A message has at most 15 custom headers."));
    }
    for (index, (name, value)) in headers.iter().enumerate() {
        if !(1..=MAX_HEADER_NAME).contains(&name.len())
            || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
        {
            return Err(bad(
                "A header name has 1 to 126 printable ASCII characters, no space and no colon.",
            ));
        }
        if !(1..=MAX_HEADER_VALUE).contains(&value.len())
            || name.len() + value.len() > MAX_HEADER_VALUE + 1
            || !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            return Err(bad(
                "A header value has 1 to 995 printable ASCII characters, 996 with its name.",
            ));
        }
        if REFUSED_HEADERS.iter().any(|refused| refused.eq_ignore_ascii_case(name)) {
            return Err(bad("A custom header may not be one that SES writes itself."));
        }
        // SES lists the fields that may stand once; of those that we could set, none may stand twice.
        if headers
            .iter()
            .take(index)
            .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
        {
            return Err(bad("A custom header may stand only once."));
        }
    }
    Ok(())
}

pub(super) fn check_tags(tags: &[(String, String)]) -> Result<(), Refusal> {
    if tags.len() > MAX_TAGS {
        return Err(bad("A message has at most 50 tags."));
    }
    let is_tag = |text: &str| {
        (1..=MAX_TAG).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    for (name, value) in tags {
        let is_name = is_tag(name) || name == "ses:feedback-id-a" || name == "ses:feedback-id-b";
        if !is_name || !is_tag(value) {
            return Err(bad(
                "Tag names and values have 1 to 256 letters, digits, dashes and underscores.",
            ));
        }
    }
    Ok(())
}

/// `a@b` or `Name <a@b>`, in printable ASCII.
fn is_mailbox(text: &str) -> bool {
    text.len() <= 320
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && is_address(bare_address(text))
}

fn is_address(text: &str) -> bool {
    let is_clean = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"@".contains(&byte))
    };
    text.len() <= 320
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| is_clean(local) && is_clean(domain))
}

fn bare_address(mailbox: &str) -> &str {
    match mailbox.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => mailbox,
    }
}

pub(super) fn domain_of(mailbox: &str) -> Option<&str> {
    bare_address(mailbox).rsplit_once('@').map(|(_, domain)| domain)
}
