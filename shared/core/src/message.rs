//! The message: what an approval becomes. Only an approval can be composed, so nothing else can be sent.

use std::fmt;

use maud::{DOCTYPE, PreEscaped, html};

use crate::brand::{Brand, Topic};
use crate::context::ContactPoint;
use crate::decision::Approval;
use crate::email::EmailAddress;
use crate::explain::why_you_receive;
use crate::header::{HeaderValue, InvalidHeader, Subject, mailbox, phrase};
use crate::language::Language;
use crate::link::{InvalidKeyRing, KeyRing, LinkContent, LinkId, LinkPurpose, PublicBaseUrl, sign};
use crate::offer::Offer;

/// A message to one person, ready to be handed to SES as `Simple` content: SES builds the MIME.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    from: String,
    reply_to: EmailAddress,
    to: EmailAddress,
    subject: Subject,
    text: String,
    html: String,
    headers: Vec<(&'static str, HeaderValue)>,
    tags: Vec<(&'static str, String)>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(redacted)")
    }
}

impl Message {
    /// The sender, as `Name <address>` in ASCII.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }
    /// Where replies go.
    #[must_use]
    pub const fn reply_to(&self) -> &EmailAddress {
        &self.reply_to
    }
    /// The one recipient.
    #[must_use]
    pub const fn to(&self) -> &EmailAddress {
        &self.to
    }
    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }
    /// The plain text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The HTML.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }
    /// Headers besides those that SES writes.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, HeaderValue)] {
        &self.headers
    }
    /// SES message tags, by which its events find the delivery.
    #[must_use]
    pub fn tags(&self) -> &[(&'static str, String)] {
        &self.tags
    }
}

/// Why a message could not be composed: a setting is not in order, nothing about the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Uncomposable {
    /// The approval is for another brand than the settings.
    #[error("the approval is for another brand")]
    OtherBrand,
    /// The brand no longer has the approval's topic.
    #[error("the brand has no such topic")]
    UnknownTopic,
    /// A header cannot be written.
    #[error("a header cannot be written")]
    Header(#[source] InvalidHeader),
    /// There is no key to sign links with.
    #[error("there is no key to sign links with")]
    NoKey(#[source] InvalidKeyRing),
}

impl From<InvalidHeader> for Uncomposable {
    fn from(error: InvalidHeader) -> Self {
        Self::Header(error)
    }
}

/// What the links in a message are made from.
#[derive(Debug, Clone, Copy)]
pub struct Linking<'a> {
    /// The person's permanent reference.
    pub id: LinkId,
    /// The keys.
    pub ring: &'a KeyRing,
    /// Where the pages are.
    pub base: &'a PublicBaseUrl,
}

/// Composes the message of an approval, in the person's language.
///
/// # Errors
/// [`Uncomposable`].
pub fn compose(
    approval: &Approval,
    brand: &Brand,
    offer: &Offer,
    contact: &ContactPoint,
    linking: Linking<'_>,
) -> Result<Message, Uncomposable> {
    if *approval.brand() != brand.id {
        return Err(Uncomposable::OtherBrand);
    }
    let topic = brand.topics.get(approval.topic()).ok_or(Uncomposable::UnknownTopic)?;
    let language = contact.language;
    let content = LinkContent {
        id: linking.id,
        topic: u16::from(topic.number.get()),
        delivery: Some(approval.delivery()),
    };
    let token =
        |purpose| sign(purpose, &brand.id, content, linking.ring).ok_or(Uncomposable::NoKey(InvalidKeyRing::Empty));
    let parts = Parts {
        language,
        brand,
        offer,
        why: why_you_receive(
            language,
            brand.name.as_str(),
            topic.name.get(language),
            approval.score(),
        ),
        unsubscribe: linking.base.unsubscribe(&brand.id, &token(LinkPurpose::Unsubscribe)?),
        preferences: linking.base.preferences(&brand.id, &token(LinkPurpose::Preferences)?),
    };
    Ok(Message {
        from: mailbox(&brand.name, &brand.sender),
        reply_to: brand.reply_to.clone(),
        to: contact.address.clone(),
        subject: Subject::new(offer.title.get(language))?,
        text: text(&parts),
        html: page(&parts),
        headers: headers(&parts, topic)?,
        tags: tags(approval),
    })
}

struct Parts<'a> {
    language: Language,
    brand: &'a Brand,
    offer: &'a Offer,
    why: String,
    unsubscribe: String,
    preferences: String,
}

/// RFC 2369 section 3.2 and RFC 8058 section 3.1 (one https address, and the fixed one-click value), RFC 2919 for the
/// list's id. SES signs them with DKIM, as RFC 8058 section 3 asks.
fn headers(parts: &Parts<'_>, topic: &Topic) -> Result<Vec<(&'static str, HeaderValue)>, InvalidHeader> {
    let name = format!("{} · {}", parts.brand.name.as_str(), topic.name.get(parts.language));
    let list_id = format!("{} <{}.{}>", phrase(&name), list_label(topic), parts.brand.list_domain);
    Ok(vec![
        (
            "List-Unsubscribe",
            HeaderValue::new(format!("<{}>", parts.unsubscribe))?,
        ),
        ("List-Unsubscribe-Post", HeaderValue::new("List-Unsubscribe=One-Click")?),
        ("List-Id", HeaderValue::new(list_id)?),
    ])
}

/// A list id is made of dot-atoms, and a topic id's `_` is allowed in one; nothing else needs care.
fn list_label(topic: &Topic) -> String {
    topic.id.as_str().to_ascii_lowercase()
}

/// Ids only. `ses:feedback-id-a` and `-b` become the first parts of the Feedback-ID header, which SES writes.
fn tags(approval: &Approval) -> Vec<(&'static str, String)> {
    vec![
        ("brand", approval.brand().to_string()),
        ("campaign", approval.campaign().to_string()),
        ("run", approval.run().to_string()),
        ("delivery", approval.delivery().to_hex()),
        ("attempt", approval.attempt().to_string()),
        ("ses:feedback-id-a", approval.campaign().to_string()),
        ("ses:feedback-id-b", approval.brand().to_string()),
    ]
}

struct Words {
    more: &'static str,
    where_: &'static str,
    unsubscribe: &'static str,
    preferences: &'static str,
}

const fn words(language: Language) -> Words {
    match language {
        Language::French => Words {
            more: "En savoir plus",
            where_: "Où",
            unsubscribe: "Se désinscrire",
            preferences: "Choisir ce que je reçois",
        },
        Language::English => Words {
            more: "Find out more",
            where_: "Where",
            unsubscribe: "Unsubscribe",
            preferences: "Choose what I receive",
        },
    }
}

fn places(offer: &Offer) -> String {
    offer
        .places
        .iter()
        .map(|place| place.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(parts: &Parts<'_>) -> String {
    let Parts {
        language,
        brand,
        offer,
        why,
        unsubscribe,
        preferences,
    } = parts;
    let words = words(*language);
    let mut text = format!("{}\n\n{}\n", offer.title.get(*language), offer.text.get(*language));
    if !offer.places.is_empty() {
        text.push_str(&format!("\n{}: {}\n", words.where_, places(offer)));
    }
    text.push_str(&format!("\n{}: {}\n", words.more, offer.link));
    text.push_str(&format!("\n--\n{why}\n\n"));
    text.push_str(&format!(
        "{}: {unsubscribe}\n{}: {preferences}\n\n",
        words.unsubscribe, words.preferences
    ));
    text.push_str(&format!("{}\n", brand.imprint));
    text
}

/// One column, system fonts, nothing loaded from anywhere: no picture, no pixel, no script.
fn page(parts: &Parts<'_>) -> String {
    let Parts {
        language,
        brand,
        offer,
        why,
        unsubscribe,
        preferences,
    } = parts;
    let words = words(*language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (offer.title.get(*language)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    p.brand { (brand.name.as_str()) }
                    h1 { (offer.title.get(*language)) }
                    p { (offer.text.get(*language)) }
                    @if !offer.places.is_empty() {
                        p.places { (words.where_) ": " (places(offer)) }
                    }
                    p { a.more href=(offer.link) { (words.more) } }
                }
                footer {
                    p { (why) }
                    p {
                        a href=(unsubscribe) { (words.unsubscribe) }
                        " · "
                        a href=(preferences) { (words.preferences) }
                    }
                    p { (brand.imprint) }
                }
            }
        }
    }
    .into_string()
}

const STYLE: &str = "body{margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1d2125;background:#fff}\
main,footer{max-width:560px;margin:0 auto}.brand{color:#57606a;margin:0}h1{font-size:24px;line-height:1.25}\
.more{display:inline-block;padding:10px 18px;border-radius:6px;background:#0b5c4a;color:#fff;text-decoration:none}\
footer{margin-top:32px;border-top:1px solid #d0d7de;font-size:13px;color:#57606a}footer a{color:inherit}\
@media (prefers-color-scheme:dark){body{background:#16191d;color:#e6e8ea}.brand,footer{color:#a6adb5}\
.more{background:#7fd6bf;color:#10251f}footer{border-color:#3a4149}}";
