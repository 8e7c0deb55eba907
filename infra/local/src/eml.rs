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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apropos_aws::Clock;
    use mail_parser::{Message, MessageParser, MimeHeaders as _};
    use proptest::prelude::*;

    use super::*;
    use crate::mail_service::{MailService, MailSettings, OutgoingMail, SendQuota};

    const ONE_CLICK: [(&str, &str); 3] = [
        (
            "List-Unsubscribe",
            "<https://apropos.example/brands/tour/unsubscribe/AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
        ),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", "=?utf-8?Q?Soir=C3=A9es?= <offers.tour.brand.example>"),
    ];

    fn mail(change: impl FnOnce(&mut OutgoingMail)) -> Arc<AcceptedMail> {
        let settings = MailSettings {
            verified_domains: vec!["brand.example".to_owned()],
            configuration_sets: Vec::new(),
            quota: SendQuota {
                max_24_hour: 1,
                max_per_second: 1,
            },
            outbox: None,
        };
        let clock = Clock::manual("2026-03-02T09:00:00Z".parse().unwrap());
        let mails = MailService::new(clock, settings).unwrap();
        let mut outgoing = OutgoingMail {
            from: "=?utf-8?Q?Caf=C3=A9_Tour?= <news@brand.example>".to_owned(),
            to: vec!["someone@customer.example".to_owned()],
            reply_to: vec!["hello@brand.example".to_owned()],
            subject: "Une soirée à deux pas, rien que pour vous et sans la moindre file d’attente".to_owned(),
            text: "Près de chez vous.\r\n".to_owned(),
            html: "<p>Près de chez vous.</p>".to_owned(),
            headers: ONE_CLICK
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            ..OutgoingMail::default()
        };
        change(&mut outgoing);
        let answer = mails.send(outgoing);
        mails.accepted().pop().unwrap_or_else(|| panic!("{answer:?}"))
    }

    fn parsed(eml: &[u8]) -> Message<'_> {
        MessageParser::default().parse(eml).unwrap()
    }

    fn header_names(eml: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(eml).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let starts = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        starts.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
    }

    #[test]
    fn every_part_of_the_mail_comes_back_from_a_parser() {
        let mail = mail(|_| {});
        let eml = render(&mail);
        let message = parsed(&eml);
        assert_eq!(message.subject(), Some(mail.subject.as_str()));
        let from = message.from().unwrap().first().unwrap();
        assert_eq!(
            (from.name(), from.address()),
            (Some("Café Tour"), Some("news@brand.example"))
        );
        assert_eq!(
            message.to().unwrap().first().unwrap().address(),
            Some("someone@customer.example")
        );
        assert_eq!(
            message.reply_to().unwrap().first().unwrap().address(),
            Some("hello@brand.example")
        );
        assert_eq!(message.date().unwrap().to_rfc3339(), "2026-03-02T09:00:00Z");
        assert_eq!(
            message.message_id(),
            Some(format!("{}@{MESSAGE_ID_DOMAIN}", mail.message_id).as_str())
        );
        assert_eq!(message.text_bodies().count(), 1);
        assert_eq!(message.body_text(0).unwrap().trim_end(), mail.text.trim_end());
        assert_eq!(message.body_html(0).unwrap().trim_end(), mail.html);
        let content_type = message.content_type().unwrap();
        assert_eq!(
            (content_type.ctype(), content_type.subtype()),
            ("multipart", Some("alternative"))
        );
    }

    #[test]
    fn one_click_headers_stand_exactly_once_and_unchanged() {
        let eml = render(&mail(|_| {}));
        let names = header_names(&eml);
        let message = parsed(&eml);
        for (name, value) in ONE_CLICK {
            assert_eq!(
                names.iter().filter(|found| found.eq_ignore_ascii_case(name)).count(),
                1,
                "{name}"
            );
            let raw = message.header_raw(name).unwrap();
            assert_eq!(raw.split_whitespace().collect::<Vec<_>>().join(" "), value);
        }
        for name in [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Feedback-ID",
            "Content-Type",
        ] {
            assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn lines_are_folded_at_spaces_and_stay_within_the_limit_of_rfc_5322() {
        let long = ["word"; 180].join(" ");
        let mail = mail(|mail| mail.headers.push(("X-Long".to_owned(), long.clone())));
        let eml = render(&mail);
        let text = std::str::from_utf8(&eml).unwrap();
        assert!(
            text.split("\r\n")
                .all(|line| line.len() <= 998 && !line.contains(['\r', '\n']) && line.is_ascii())
        );
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let mut over_78 = head.split("\r\n").filter(|line| line.len() > 78);
        assert!(
            over_78.all(|line| line.trim_start().split(' ').count() <= 2),
            "only a name and a word that cannot fold"
        );
        let unfolded = head.replace("\r\n ", " ");
        assert!(unfolded.contains(&format!("X-Long: {long}")));
    }

    #[test]
    fn a_line_break_in_the_subject_makes_no_header() {
        for subject in [
            "a\r\nBcc: x@evil.example",
            "a\r\n\r\n<b>",
            "a\nBcc: x",
            "a\rBcc: x",
            "\r\nBcc: x",
            "a\r\n Bcc: x",
        ] {
            let eml = render(&mail(|mail| mail.subject = subject.to_owned()));
            assert!(!header_names(&eml).contains(&"Bcc".to_owned()), "{subject:?}");
            assert!(parsed(&eml).bcc().is_none(), "{subject:?}");
        }
    }

    #[test]
    fn feedback_id_takes_its_first_places_from_the_tags() {
        let tags = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let both = tags(&[
            ("run", "r"),
            ("ses:feedback-id-b", "spring"),
            ("ses:feedback-id-a", "tour"),
        ]);
        assert_eq!(feedback_id(&both), format!("tour:spring:{FEEDBACK_ACCOUNT}:AmazonSES"));
        assert_eq!(feedback_id(&[]), format!("::{FEEDBACK_ACCOUNT}:AmazonSES"));
    }

    #[test]
    fn a_mail_of_one_kind_has_no_multipart() {
        let eml = render(&mail(|mail| mail.html.clear()));
        assert_eq!(parsed(&eml).content_type().unwrap().subtype(), Some("plain"));
        let eml = render(&mail(|mail| mail.text.clear()));
        assert_eq!(parsed(&eml).content_type().unwrap().subtype(), Some("html"));
    }

    #[test]
    fn the_same_mail_is_always_rendered_to_the_same_bytes() {
        assert_eq!(render(&mail(|_| {})), render(&mail(|_| {})));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_subject_adds_or_removes_a_header(subject in "(?s)(.|\r\n|\r|\n|\r\nBcc: x|[ \t]){1,60}") {
            let eml = render(&mail(|mail| mail.subject = subject));
            let plain = render(&mail(|_| {}));
            prop_assert_eq!(header_names(&eml), header_names(&plain));
        }

        #[test]
        fn a_subject_without_line_breaks_round_trips(subject in "[^\\p{C}\\p{Z}][^\\p{C}\\p{Zl}\\p{Zp}]{0,60}[^\\p{C}\\p{Z}]") {
            let eml = render(&mail(|mail| mail.subject.clone_from(&subject)));
            let message = parsed(&eml);
            prop_assert_eq!(message.subject(), Some(subject.as_str()));
        }
    }
}
