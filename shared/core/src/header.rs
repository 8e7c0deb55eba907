//! Values of message headers: nothing in them can begin another header, or show other than it is.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::email::EmailAddress;
use crate::emoji::after_emoji;

/// Why a header's value was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidHeader {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Too long.
    #[error("must be at most {most} characters")]
    TooLong {
        /// The most characters.
        most: usize,
    },
    /// A line break, another control, or a character that nobody sees or that turns the text around.
    #[error("must not hold line breaks, control or invisible characters")]
    Forbidden,
    /// What a mail program would decode, and show as something else.
    #[error("must not hold '=?', with which encoded text begins")]
    EncodedWord,
    /// Not printable ASCII.
    #[error("must be printable ASCII")]
    NotAscii,
}

/// Characters that nobody sees: zero-width and bidirectional controls, separators, fillers and tags. Some of them join and
/// shape emoji: a subject may hold those where they do.
#[must_use]
pub const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a text holds a control, or what nobody sees and is no part of an emoji.
pub(crate) fn hides(text: &str) -> bool {
    let mut rest = text;
    loop {
        if let Some(after) = after_emoji(rest) {
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => return false,
            Some(char) if char.is_control() || is_invisible(char) => return true,
            Some(_) => rest = chars.as_str(),
        }
    }
}

fn visible(text: &str, most: usize, hides: fn(&str) -> bool) -> Result<String, InvalidHeader> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidHeader::Empty);
    }
    if text.chars().count() > most {
        return Err(InvalidHeader::TooLong { most });
    }
    if hides(text) {
        return Err(InvalidHeader::Forbidden);
    }
    Ok(text.to_owned())
}

/// A message's subject: 1 to 150 visible characters, emoji of several (UTS #51) among them. Where ASCII is handed on as it
/// is, what looks like encoded words (RFC 2047) is decoded by whoever reads it: into a line break, or a character that turns
/// the text around.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Checks the text.
    ///
    /// # Errors
    /// [`InvalidHeader`].
    pub fn new(text: &str) -> Result<Self, InvalidHeader> {
        let text = visible(text, 150, hides)?;
        if text.contains("=?") {
            return Err(InvalidHeader::EncodedWord);
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(redacted)")
    }
}

/// A sender's name: 1 to 60 visible characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Checks the text.
    ///
    /// # Errors
    /// [`InvalidHeader`].
    pub fn new(text: &str) -> Result<Self, InvalidHeader> {
        // A name loses its end where it is too long, which must not be in the middle of an emoji.
        visible(text, 60, |text| {
            text.chars().any(|char| char.is_control() || is_invisible(char))
        })
        .map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The most characters of a header's value. SES publishes two limits: 870 in its API reference (MessageHeader), and 995,
/// with at most 996 for name and value together, in its SDKs. This is within both, and within a line of RFC 5322.
const MOST_HEADER: usize = 870;

/// A header's value as it goes to SES: printable ASCII, 1 to 870 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(String);

impl HeaderValue {
    /// Checks the text.
    ///
    /// # Errors
    /// [`InvalidHeader`].
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidHeader> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidHeader::Empty);
        }
        if text.len() > MOST_HEADER {
            return Err(InvalidHeader::TooLong { most: MOST_HEADER });
        }
        if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(InvalidHeader::NotAscii);
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue(redacted)")
    }
}

/// A phrase as it stands before an address or a list id: as it is when it is plain words, quoted when it has marks, and
/// as encoded words of at most 75 characters (RFC 2047 section 2) otherwise.
#[must_use]
pub fn phrase(text: &str) -> String {
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    if text
        .split(' ')
        .all(|word| !word.is_empty() && word.bytes().all(is_atom))
        && !text.contains("=?")
    {
        return text.to_owned();
    }
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && !text.contains("=?") {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    encoded_words(text)
}

/// Each word carries whole characters only: 45 bytes make 60 of base64, and 12 for the frame.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut chunk = String::new();
    for char in text.chars() {
        if chunk.len() + char.len_utf8() > 45 {
            words.push(encoded_word(&chunk));
            chunk.clear();
        }
        chunk.push(char);
    }
    words.push(encoded_word(&chunk));
    words.join(" ")
}

fn encoded_word(chunk: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(chunk))
}

/// The most bytes of an address with its name that SES takes. It is not in its reference: SES answers "Address length is
/// more than 320 bytes long" (zulip/zulip issue 17558, mautic/mautic issue 7732).
const MOST_MAILBOX: usize = 320;

/// `Name <address>` (RFC 5322 section 3.4), in at most 320 bytes: a name that is longer once encoded loses its end.
#[must_use]
pub fn mailbox(name: &DisplayName, address: &EmailAddress) -> String {
    let mut name = name.as_str();
    loop {
        let mailbox = format!("{} <{}>", phrase(name), address.as_sent());
        if mailbox.len() <= MOST_MAILBOX {
            return mailbox;
        }
        let Some((end, _)) = name.char_indices().next_back().filter(|(end, _)| *end > 0) else {
            return address.as_sent().to_owned();
        };
        name = name.get(..end).unwrap_or_default().trim_end();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_break_of_any_kind_is_refused() {
        for line_break in [
            "\r", "\n", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\0", "\u{b}", "\u{202e}",
        ] {
            let text = format!("Hello{line_break}Bcc: b@example.com");
            assert_eq!(Subject::new(&text), Err(InvalidHeader::Forbidden), "{line_break:?}");
            assert_eq!(DisplayName::new(&text), Err(InvalidHeader::Forbidden), "{line_break:?}");
            assert_eq!(HeaderValue::new(text), Err(InvalidHeader::NotAscii), "{line_break:?}");
        }
    }

    #[test]
    fn a_phrase_is_plain_quoted_or_encoded() {
        assert_eq!(phrase("Atelier Lumen"), "Atelier Lumen");
        assert_eq!(phrase("Lumen, Lyon \"Nord\""), "\"Lumen, Lyon \\\"Nord\\\"\"");
        assert_eq!(phrase("Musée"), "=?utf-8?B?TXVzw6ll?=");
    }

    /// RFC 2047 sections 2 and 6.2: white space between encoded words is not part of the text.
    fn decoded(phrase: &str) -> String {
        if !phrase.starts_with("=?") {
            return phrase.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
        }
        phrase
            .split(' ')
            .map(|word| {
                let base64 = word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap();
                String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap()
            })
            .collect()
    }

    #[test]
    fn a_value_has_at_most_870_characters() {
        assert!(HeaderValue::new("a".repeat(870)).is_ok());
        assert_eq!(
            HeaderValue::new("a".repeat(871)),
            Err(InvalidHeader::TooLong { most: 870 })
        );
        assert_eq!(HeaderValue::new(""), Err(InvalidHeader::Empty));
    }

    #[test]
    fn text_that_nobody_sees_is_refused() {
        for hidden in [
            "\u{200b}",
            "\u{ad}",
            "\u{feff}",
            "\u{e0041}",
            "\u{1bca0}",
            "\u{2066}",
            "\u{180e}",
        ] {
            assert_eq!(
                Subject::new(&format!("Sale{hidden}")),
                Err(InvalidHeader::Forbidden),
                "{hidden:?}"
            );
        }
    }

    #[test]
    fn a_subject_may_hold_emoji_of_several_characters() {
        for emoji in ["❤️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🚀", "1️⃣", "#️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☝🏿", "🇫🇷", "❤️‍🔥", "❤️❤️", "™️"]
        {
            for text in [
                emoji.to_owned(),
                format!("Pour vous {emoji} !"),
                format!("{emoji}🎄{emoji}"),
            ] {
                assert_eq!(Subject::new(&text).as_ref().map(Subject::as_str), Ok(text.as_str()));
            }
        }
    }

    #[test]
    fn what_shapes_emoji_is_refused_where_there_is_none() {
        for hidden in [
            "pay\u{200d}pal",
            "1\u{200d}2",
            "a\u{fe0f}",
            "1\u{fe0f}",
            "1\u{fe0f}\u{200d}❤",
            "❤\u{200d}",
            "❤\u{200d}a",
            "\u{200d}❤",
            "❤\u{fe0f}\u{fe0f}",
            "❤\u{200d}\u{200d}❤",
            "❤\u{fe0e}",
            // Tags that spell no flag, and a flag that goes on.
            "\u{1f3f4}\u{e0061}\u{e007f}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿\u{e0061}",
            "❤️\u{202e}",
            "❤️\r\nBcc: b@example.com",
        ] {
            assert_eq!(
                Subject::new(&format!("Sale {hidden}")),
                Err(InvalidHeader::Forbidden),
                "{hidden:?}"
            );
        }
        assert_eq!(DisplayName::new("Lumen ❤️"), Err(InvalidHeader::Forbidden));
    }

    #[test]
    fn a_subject_that_a_mail_program_would_decode_is_refused() {
        // A right-to-left override, and a line break, in what is printable ASCII.
        for encoded in ["=?utf-8?B?4oCu?=", "Sale =?utf-8?q?=0D=0ABcc:_x?=", "a=?"] {
            assert_eq!(Subject::new(encoded), Err(InvalidHeader::EncodedWord), "{encoded}");
        }
        assert!(Subject::new("Two for one? = yes!").is_ok());
    }

    #[test]
    fn what_looks_like_an_encoded_word_is_encoded_itself() {
        let text = "=?utf-8?B?QmNj?=";
        assert!(phrase(text) != text && decoded(&phrase(text)) == text);
    }

    #[test]
    fn a_mailbox_that_ses_would_refuse_loses_the_end_of_its_name() {
        let address = EmailAddress::parse("hello@letters.lumen.example").unwrap();
        let whole = mailbox(&DisplayName::new("Atelier Lumen").unwrap(), &address);
        assert_eq!(whole, "Atelier Lumen <hello@letters.lumen.example>");
        let long = mailbox(&DisplayName::new(&"🌷".repeat(60)).unwrap(), &address);
        assert!(
            long.len() <= 320 && long.ends_with(" <hello@letters.lumen.example>"),
            "{long}"
        );
        let name = decoded(long.split_once(" <").unwrap().0);
        assert!(
            name.chars().count() > 30 && name.chars().all(|char| char == '🌷'),
            "{name}"
        );
    }

    proptest! {
        #[test]
        fn a_phrase_reads_back(text in "\\PC{1,60}") {
            let Ok(name) = DisplayName::new(&text) else { return Ok(()) };
            prop_assume!(!name.as_str().contains('"') || !name.as_str().is_ascii());
            prop_assert_eq!(decoded(&phrase(name.as_str())), name.as_str());
        }

        #[test]
        fn a_phrase_is_ascii_in_words_of_at_most_75(text in "\\PC{1,60}") {
            let Ok(name) = DisplayName::new(&text) else { return Ok(()) };
            let phrase = phrase(name.as_str());
            prop_assert!(phrase.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            if phrase.starts_with("=?") {
                prop_assert!(phrase.split(' ').all(|word| word.len() <= 75));
            }
        }
    }
}
