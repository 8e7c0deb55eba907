//! The message: what an approval becomes. Only an approval can be composed, so nothing else can be sent.

use std::fmt;

use maud::{Markup, html};

use crate::brand::{Brand, Topic};
use crate::context::ContactPoint;
use crate::decision::Approval;
use crate::email::EmailAddress;
use crate::explain::why_you_receive;
use crate::header::{HeaderValue, InvalidHeader, Subject, mailbox, phrase};
use crate::language::Language;
use crate::letter::{Button, Letter};
use crate::link::{InvalidKeyRing, KeyRing, LinkContent, LinkId, LinkPurpose, PublicBaseUrl, sign};
use crate::offer::Offer;

/// A message to one person, ready to be handed to SES as `Simple` content: SES builds the MIME. Made by [`compose`], and
/// by [`transactional`](crate::transactional), which holds no offer; nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub(crate) from: String,
    pub(crate) reply_to: EmailAddress,
    pub(crate) to: EmailAddress,
    pub(crate) subject: Subject,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    pub(crate) tags: Vec<(&'static str, String)>,
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
            approval.grounds(),
        ),
        unsubscribe: linking.base.unsubscribe(&brand.id, &token(LinkPurpose::Unsubscribe)?),
        preferences: linking.base.preferences(&brand.id, &token(LinkPurpose::Preferences)?),
        why_page: linking.base.why(&brand.id, &token(LinkPurpose::Preferences)?),
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
    why_page: String,
}

/// RFC 2369 section 3.2 and RFC 8058 section 3.1 (one https address, and the fixed one-click value), RFC 2919 for the
/// list's id. SES signs them with DKIM, as RFC 8058 section 3 asks.
fn headers(parts: &Parts<'_>, topic: &Topic) -> Result<Vec<(&'static str, HeaderValue)>, InvalidHeader> {
    Ok(vec![
        (
            "List-Unsubscribe",
            HeaderValue::new(format!("<{}>", parts.unsubscribe))?,
        ),
        ("List-Unsubscribe-Post", HeaderValue::new("List-Unsubscribe=One-Click")?),
        ("List-Id", list_id(parts, topic)?),
    ])
}

/// The list's id after a phrase for people. Names in a script of four bytes a character can make a phrase that is too
/// long once encoded; the phrase is optional (RFC 2919 section 3), so it is left out then.
fn list_id(parts: &Parts<'_>, topic: &Topic) -> Result<HeaderValue, InvalidHeader> {
    let name = format!("{} · {}", parts.brand.name.as_str(), topic.name.get(parts.language));
    let id = format!("<{}.{}>", list_label(topic), parts.brand.list_domain);
    HeaderValue::new(format!("{} {id}", phrase(&name))).or_else(|_| HeaderValue::new(id))
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
    why: &'static str,
    colon: &'static str,
}

const fn words(language: Language) -> Words {
    match language {
        Language::French => Words {
            more: "En savoir plus",
            where_: "Où",
            unsubscribe: "Se désinscrire",
            preferences: "Choisir ce que je reçois",
            why: "Pourquoi ce message\u{a0}?",
            colon: "\u{a0}:",
        },
        Language::English => Words {
            more: "Find out more",
            where_: "Where",
            unsubscribe: "Unsubscribe",
            preferences: "Choose what I receive",
            why: "Why this message?",
            colon: ":",
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

/// Not closed by `-- `, which begins a signature (RFC 3676 section 4.3): clients fold signatures away, links included.
fn text(parts: &Parts<'_>) -> String {
    let Parts {
        language,
        brand,
        offer,
        why,
        unsubscribe,
        preferences,
        why_page,
    } = parts;
    let words = words(*language);
    let colon = words.colon;
    let mut text = format!("{}\n\n{}\n", offer.title.get(*language), offer.text.get(*language));
    if !offer.places.is_empty() {
        text.push_str(&format!("\n{}{colon} {}\n", words.where_, places(offer)));
    }
    text.push_str(&format!("\n{}{colon}\n{}\n", words.more, offer.link));
    text.push_str(&format!("\n* * *\n\n{why}\n\n"));
    text.push_str(&format!(
        "{}{colon}\n{unsubscribe}\n\n{}{colon}\n{preferences}\n\n{}\n{why_page}\n\n",
        words.unsubscribe, words.preferences, words.why
    ));
    text.push_str(&format!("{}\n", brand.imprint));
    text
}

fn page(parts: &Parts<'_>) -> String {
    let Parts {
        language,
        brand,
        offer,
        why,
        unsubscribe,
        preferences,
        why_page,
    } = parts;
    let words = words(*language);
    let footer = html! {
        p style="margin:0 0 12px;" { (why) }
        p style="margin:0 0 12px;" {
            a.quiet ses:no-track href=(unsubscribe) style=(FOOTER_LINK) { (words.unsubscribe) }
            " \u{a0}·\u{a0} "
            a.quiet ses:no-track href=(preferences) style=(FOOTER_LINK) { (words.preferences) }
            " \u{a0}·\u{a0} "
            a.quiet ses:no-track href=(why_page) style=(FOOTER_LINK) { (words.why) }
        }
    };
    Letter {
        language: *language,
        brand,
        heading: offer.title.get(*language),
        sheet: &sheet(offer, *language),
        button: Button::Theirs(&offer.link, words.more),
        footer: &footer,
    }
    .to_html()
}

fn sheet(offer: &Offer, language: Language) -> Markup {
    let words = words(language);
    html! {
        p style="margin:0 0 16px;" { (offer.text.get(language)) }
        @if !offer.places.is_empty() {
            p.quiet style="margin:0 0 16px;color:#565a54;" { b { (words.where_) (words.colon) } " " (places(offer)) }
        }
    }
}

const FOOTER_LINK: &str = "color:#565a54;text-decoration:underline;";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fixture;
    use crate::ids::BrandId;
    use crate::link::{LinkContent, UnverifiedLink};

    /// Whatever stands for the person in the fixture: none of it may be in a message but the address it goes to.
    const ABOUT_THE_PERSON: [&str; 4] = [fixture::CUSTOMER, "camille", "Europe/Paris", "running"];

    fn base() -> PublicBaseUrl {
        PublicBaseUrl::new("https://letters.example.com").unwrap()
    }

    fn written_as(brand: &Brand, offer: &Offer, language: Language) -> Result<Message, Uncomposable> {
        let linking = Linking {
            id: fixture::link_id(),
            ring: &fixture::ring(),
            base: &base(),
        };
        compose(
            &fixture::approval(brand, offer),
            brand,
            offer,
            &fixture::contact(language),
            linking,
        )
    }

    fn written(language: Language) -> Message {
        written_as(&fixture::brand(), &fixture::offer(), language).unwrap()
    }

    fn header<'a>(message: &'a Message, name: &str) -> &'a str {
        let mut found = message.headers().iter().filter(|(each, _)| *each == name);
        let (_, value) = found.next().unwrap();
        assert!(found.next().is_none(), "{name} twice");
        value.as_str()
    }

    fn one_click(message: &Message) -> String {
        let value = header(message, "List-Unsubscribe");
        value.strip_prefix('<').unwrap().strip_suffix('>').unwrap().to_owned()
    }

    #[test]
    fn a_message_is_written_in_the_language_of_its_reader() {
        let french = written(Language::French);
        assert_eq!(french.subject().as_str(), "Coupe-file pour « Lumières »");
        assert!(french.html().contains("<html lang=\"fr\" dir=\"ltr\">"));
        for words in [
            "Se désinscrire",
            "Choisir ce que je reçois",
            "Atelier Lumière vous écrit",
            "Où\u{a0}:",
        ] {
            assert!(
                french.text().contains(words) && french.html().contains(words),
                "{words}"
            );
        }
        let english = written(Language::English);
        assert_eq!(english.subject().as_str(), "Skip the line at “Lumières”");
        assert!(english.html().contains("<html lang=\"en\" dir=\"ltr\">"));
        for words in [
            "Unsubscribe",
            "Choose what I receive",
            "You receive this message",
            "Where:",
        ] {
            assert!(
                english.text().contains(words) && english.html().contains(words),
                "{words}"
            );
        }
        for word in ["désinscrire", "vous", "Où"] {
            assert!(
                !english.html().contains(word) && !english.text().contains(word),
                "{word}"
            );
        }
    }

    #[test]
    fn our_headers_are_the_three_of_a_list_and_no_other() {
        let message = written(Language::French);
        let names: Vec<_> = message.headers().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"]);
        assert_eq!(header(&message, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    }

    #[test]
    fn the_one_click_address_is_the_link_in_the_body() {
        for language in Language::ALL {
            let message = written(language);
            let address = one_click(&message);
            assert!(message.text().lines().any(|line| line == address));
            assert!(message.html().contains(&format!("href=\"{address}\"")));
        }
    }

    #[test]
    fn both_links_open_for_their_own_purpose_and_say_the_same() {
        let message = written(Language::English);
        let brand = fixture::brand();
        let content = |door: &str, purpose| {
            let start = format!("https://letters.example.com/{door}/lumen/");
            let link = message.text().lines().find(|line| line.starts_with(&start)).unwrap();
            UnverifiedLink::parse(&link[start.len()..])
                .unwrap()
                .verify(purpose, &brand.id, &fixture::ring())
                .unwrap()
        };
        let expected = LinkContent {
            id: fixture::link_id(),
            topic: 3,
            delivery: Some(fixture::approval(&brand, &fixture::offer()).delivery()),
        };
        assert_eq!(content("u", LinkPurpose::Unsubscribe), expected);
        assert_eq!(content("p", LinkPurpose::Preferences), expected);
    }

    #[test]
    fn a_french_list_id_is_encoded_and_its_id_is_plain() {
        let message = written(Language::French);
        // Python: base64 of "Atelier Lumière · Expositions" in UTF-8.
        assert_eq!(
            header(&message, "List-Id"),
            "=?utf-8?B?QXRlbGllciBMdW1pw6hyZSDCtyBFeHBvc2l0aW9ucw==?= <exhibitions.lists.lumen.example>"
        );
    }

    #[test]
    fn the_longest_names_still_make_headers_that_ses_takes() {
        let mut document = fixture::brand_document();
        document["name"] = "🌷".repeat(60).into();
        document["topics"][0]["name"]["fr"] = "🌷".repeat(80).into();
        document["list_domain"] = format!("{}.{}.example", "a".repeat(60), "b".repeat(60)).into();
        let brand = fixture::brand_from(&document).unwrap();
        let message = written_as(&brand, &fixture::offer(), Language::French).unwrap();
        for (name, value) in message.headers() {
            assert!(
                name.len() + value.as_str().len() <= 996 && value.as_str().len() <= 870,
                "{name}"
            );
        }
        assert!(header(&message, "List-Id").starts_with("<exhibitions.aaa"));
        assert!(message.from().len() <= 320 && message.from().is_ascii());
    }

    #[test]
    fn a_header_too_long_for_ses_is_not_composed() {
        let base = PublicBaseUrl::new(&format!("https://{}.example", "a".repeat(900))).unwrap();
        let (brand, offer) = (fixture::brand(), fixture::offer());
        let linking = Linking {
            id: fixture::link_id(),
            ring: &fixture::ring(),
            base: &base,
        };
        let approval = fixture::approval(&brand, &offer);
        let refused = compose(&approval, &brand, &offer, &fixture::contact(Language::French), linking);
        assert_eq!(
            refused.unwrap_err(),
            Uncomposable::Header(InvalidHeader::TooLong { most: 870 })
        );
    }

    #[test]
    fn an_approval_of_another_brand_or_of_a_topic_that_is_gone_is_not_composed() {
        let (brand, offer) = (fixture::brand(), fixture::offer());
        let approval = fixture::approval(&brand, &offer);
        let compose_for = |brand: &Brand| {
            let linking = Linking {
                id: fixture::link_id(),
                ring: &fixture::ring(),
                base: &base(),
            };
            compose(&approval, brand, &offer, &fixture::contact(Language::French), linking).unwrap_err()
        };
        let mut other = brand.clone();
        other.id = BrandId::new("velo").unwrap();
        assert_eq!(compose_for(&other), Uncomposable::OtherBrand);
        let mut document = fixture::brand_document();
        document["topics"][0]["id"] = "news".into();
        let changed = fixture::brand_from(&document).unwrap();
        assert_eq!(compose_for(&changed), Uncomposable::UnknownTopic);
    }

    #[test]
    fn hostile_words_of_a_brand_are_inert() {
        let hostile = "<script>alert(1)</script><img src=x onerror=\"alert(1)\">'&";
        let mut brand = fixture::brand_document();
        for field in ["name", "imprint"] {
            brand[field] = hostile.into();
        }
        for language in ["fr", "en"] {
            brand["topics"][0]["name"][language] = hostile.into();
        }
        let mut offer = fixture::offer_document();
        for language in ["fr", "en"] {
            offer["title"][language] = hostile.into();
            offer["text"][language] = hostile.into();
        }
        offer["places"][0]["name"] = hostile.into();
        let brand = fixture::brand_from(&brand).unwrap();
        let offer = fixture::offer_from(&offer).unwrap();
        for language in Language::ALL {
            let message = written_as(&brand, &offer, language).unwrap();
            for open in ["<script", "<img", "onerror=\""] {
                assert!(!message.html().contains(open), "{open}");
            }
            // Title, brand, heading, text, place, brand and topic in the sentence, imprint.
            assert_eq!(message.html().matches("&lt;script&gt;").count(), 8);
            for (_, value) in message.headers() {
                assert!(
                    value
                        .as_str()
                        .bytes()
                        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
                );
            }
        }
    }

    #[test]
    fn line_breaks_and_invisible_characters_are_refused_where_they_come_in() {
        for hidden in [
            "\r\nBcc: b@example.com",
            "\n",
            "\u{202e}",
            "\u{2066}",
            "\u{2028}",
            "\u{200b}",
            "\0",
        ] {
            for path in ["/name", "/imprint", "/topics/0/name/fr", "/topics/0/name/en"] {
                let mut document = fixture::brand_document();
                *document.pointer_mut(path).unwrap() = format!("Lumen{hidden}x").into();
                assert!(fixture::brand_from(&document).is_err(), "{path} {hidden:?}");
            }
            for path in [
                "/title/fr",
                "/title/en",
                "/text/fr",
                "/text/en",
                "/places/0/name",
                "/link",
            ] {
                let mut document = fixture::offer_document();
                *document.pointer_mut(path).unwrap() = format!("https://lumen.example/{hidden}x").into();
                assert!(fixture::offer_from(&document).is_err(), "{path} {hidden:?}");
            }
        }
    }

    #[test]
    fn ten_thousand_characters_are_refused_and_emoji_are_sent_as_they_are() {
        for path in ["/title/fr", "/title/en", "/text/fr", "/text/en", "/places/0/name"] {
            let mut document = fixture::offer_document();
            *document.pointer_mut(path).unwrap() = "x".repeat(10_000).into();
            assert!(fixture::offer_from(&document).is_err(), "{path}");
            *document.pointer_mut(path).unwrap() = "Lumières 🎁🙃".into();
            assert!(fixture::offer_from(&document).is_ok(), "{path}");
        }
        let mut document = fixture::brand_document();
        document["name"] = "Lumen 🎁".into();
        let brand = fixture::brand_from(&document).unwrap();
        let message = written_as(&brand, &fixture::offer(), Language::French).unwrap();
        assert!(message.html().contains("Lumen 🎁") && message.text().contains("Lumen 🎁"));
        assert!(message.headers().iter().all(|(_, value)| value.as_str().is_ascii()));
        document["name"] = "x".repeat(10_000).into();
        assert_eq!(fixture::brand_from(&document).unwrap_err().field, "name");
    }

    #[test]
    fn a_link_that_could_run_or_leave_its_attribute_is_refused() {
        for link in [
            "javascript:alert(1)",
            "http://lumen.example/",
            "https://lumen.example/\" onclick=\"x",
            "https://a@lumen.example/",
            "//lumen.example/",
        ] {
            let mut document = fixture::offer_document();
            document["link"] = link.into();
            assert_eq!(fixture::offer_from(&document).unwrap_err().field, "link", "{link}");
        }
    }

    #[test]
    fn a_message_says_nothing_about_its_reader() {
        for language in Language::ALL {
            let message = written(language);
            let header_text: String = message.headers().iter().map(|(_, value)| value.as_str()).collect();
            let tag_text: String = message.tags().iter().map(|(_, value)| value.as_str()).collect();
            for value in ABOUT_THE_PERSON {
                for part in [
                    message.text(),
                    message.html(),
                    message.subject().as_str(),
                    &header_text,
                    &tag_text,
                ] {
                    assert!(!part.contains(value), "{value}");
                }
            }
            assert_eq!(format!("{message:?}"), "Message(redacted)");
        }
    }

    #[test]
    fn the_html_loads_nothing_and_runs_nothing() {
        let message = written(Language::French);
        let html = message.html();
        for loading in [
            "<img",
            "<link",
            "<script",
            "<iframe",
            "src=",
            "url(",
            "@import",
            "@font-face",
            "<form",
        ] {
            assert!(!html.contains(loading), "{loading}");
        }
        let addresses: BTreeSet<&str> = html
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(addresses.len(), 4, "the offer, leaving, choices, why");
        assert_eq!(html.matches("http").count(), 4);
    }

    #[test]
    fn only_the_offers_own_link_may_lead_over_ses() {
        for message in Language::ALL.map(written) {
            let links: Vec<&str> = message.html().split("<a ").skip(1).collect();
            assert_eq!(links.len(), 4);
            for link in links {
                let element = link.split('>').next().unwrap();
                let is_ours = element.contains("href=\"https://letters.example.com/");
                assert_eq!(element.contains(" ses:no-track "), is_ours, "{element}");
            }
            // The one-click address is a header, which SES rewrites as little as plain text.
            assert!(!message.text().contains("no-track"));
        }
    }

    #[test]
    fn tags_hold_ids_that_ses_takes() {
        let message = written(Language::French);
        let names: Vec<_> = message.tags().iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "brand",
                "campaign",
                "run",
                "delivery",
                "attempt",
                "ses:feedback-id-a",
                "ses:feedback-id-b"
            ]
        );
        for (_, value) in message.tags() {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            assert!(
                !value.is_empty() && value.len() <= 256 && value.bytes().all(fits),
                "{value}"
            );
        }
    }

    #[test]
    fn replies_and_recipient_are_the_ones_agreed_on() {
        let message = written(Language::French);
        assert_eq!(
            message.from(),
            "=?utf-8?B?QXRlbGllciBMdW1pw6hyZQ==?= <bonjour@lumen.example>"
        );
        assert_eq!(message.reply_to().as_sent(), "atelier@lumen.example");
        assert_eq!(message.to().as_sent(), "camille.martin@mail.example");
    }
}
