//! The body of a POST: the fields of a small form.
//!
//! A one-click body (RFC 8058 section 3.2) comes as `application/x-www-form-urlencoded` or `multipart/form-data`, and our
//! own pages send the former. The multipart reader is our own, since the known ones read streams of files and this is one
//! line of text: it takes text fields only, of a body of at most 16 384 bytes, and refuses whatever it does not know.

use thiserror::Error;

/// The most bytes of a form.
pub const MOST_BYTES: usize = 16_384;

/// The most fields of one: the preference page has 64 boxes of topics, 63 of interests and a dozen others.
pub const MOST_FIELDS: usize = 160;

/// Not a form that can be read. What was sent is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the form cannot be read")]
pub struct UnreadableForm;

/// Reads the fields in their order. A body without a media type is taken as URL-encoded, as RFC 8058 shows it.
///
/// # Errors
/// [`UnreadableForm`].
pub fn fields(content_type: Option<&str>, body: &[u8]) -> Result<Vec<(String, String)>, UnreadableForm> {
    fields_at_most(MOST_FIELDS, content_type, body)
}

/// Reads the fields of a form that may have more of them.
pub(crate) fn fields_at_most(
    most: usize,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Vec<(String, String)>, UnreadableForm> {
    if body.len() > MOST_BYTES {
        return Err(UnreadableForm);
    }
    let content_type = content_type.unwrap_or("application/x-www-form-urlencoded");
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let media_type = media_type.trim();
    let fields = if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        urlencoded(body)?
    } else if media_type.eq_ignore_ascii_case("multipart/form-data") {
        multipart(most, boundary(parameters)?, body)?
    } else {
        return Err(UnreadableForm);
    };
    if fields.len() > most {
        return Err(UnreadableForm);
    }
    Ok(fields)
}

/// A line break after the last value is dropped: some senders end the body as they end a line.
fn urlencoded(body: &[u8]) -> Result<Vec<(String, String)>, UnreadableForm> {
    let body = std::str::from_utf8(body).ok().ok_or(UnreadableForm)?;
    Ok(form_urlencoded::parse(body.trim_end().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect())
}

/// The boundary (RFC 2046 section 5.1.1): 1 to 70 characters, none of which is a quote or a semicolon, so the parameters
/// can be cut at those.
fn boundary(parameters: &str) -> Result<&str, UnreadableForm> {
    let mut found = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    });
    let (Some(value), None) = (found.next(), found.next()) else {
        return Err(UnreadableForm);
    };
    let value = value
        .strip_prefix('"')
        .map_or(Some(value), |rest| rest.strip_suffix('"'))
        .ok_or(UnreadableForm)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    if (1..=70).contains(&value.len()) && value.bytes().all(fits) && !value.ends_with(' ') {
        Ok(value)
    } else {
        Err(UnreadableForm)
    }
}

/// RFC 7578 over RFC 2046, line by line. Lines may end in LF alone; a body that is cut before its last boundary is
/// refused.
fn multipart(most: usize, boundary: &str, body: &[u8]) -> Result<Vec<(String, String)>, UnreadableForm> {
    let body = std::str::from_utf8(body).ok().ok_or(UnreadableForm)?;
    let mut lines = body
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .map(|line| (line, Delimiter::read(line, boundary)));
    // What stands before the first boundary is not part of the form.
    match lines.by_ref().find_map(|(_, delimiter)| delimiter) {
        Some(Delimiter::Next) => {}
        Some(Delimiter::End) | None => return Err(UnreadableForm),
    }
    let mut fields = Vec::new();
    loop {
        let mut name = None;
        loop {
            match lines.next() {
                Some(("", None)) => break,
                Some((line, None)) => name = field_name(line)?.or(name),
                Some((_, Some(_))) | None => return Err(UnreadableForm),
            }
        }
        let mut value: Vec<&str> = Vec::new();
        let delimiter = loop {
            match lines.next() {
                Some((line, None)) => value.push(line),
                Some((_, Some(delimiter))) => break delimiter,
                None => return Err(UnreadableForm),
            }
        };
        fields.push((name.ok_or(UnreadableForm)?, value.join("\n")));
        match delimiter {
            Delimiter::Next if fields.len() <= most => {}
            Delimiter::Next => return Err(UnreadableForm),
            Delimiter::End => return Ok(fields),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    Next,
    End,
}

impl Delimiter {
    /// White space after a boundary is padding (RFC 2046 section 5.1.1).
    fn read(line: &str, boundary: &str) -> Option<Self> {
        match line.strip_prefix("--")?.strip_prefix(boundary)?.trim_end() {
            "" => Some(Self::Next),
            "--" => Some(Self::End),
            _ => None,
        }
    }
}

/// The name that a part's header gives the field, if it is the header that does. A part with a file is refused.
fn field_name(line: &str) -> Result<Option<String>, UnreadableForm> {
    let (header, value) = line.split_once(':').ok_or(UnreadableForm)?;
    if !header.trim().eq_ignore_ascii_case("content-disposition") {
        return Ok(None);
    }
    let mut pieces = value.split(';').map(str::trim);
    if !pieces.next().is_some_and(|kind| kind.eq_ignore_ascii_case("form-data")) {
        return Err(UnreadableForm);
    }
    let mut name = None;
    for piece in pieces {
        let (parameter, value) = piece.split_once('=').ok_or(UnreadableForm)?;
        if parameter.trim().eq_ignore_ascii_case("name") && name.is_none() {
            let value = value.trim();
            let bare = value
                .strip_prefix('"')
                .map_or(Some(value), |rest| rest.strip_suffix('"'))
                .ok_or(UnreadableForm)?;
            name = Some(bare.to_owned());
        } else {
            return Err(UnreadableForm);
        }
    }
    name.map(Some).ok_or(UnreadableForm)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    fn part(boundary: &str, line_break: &str) -> String {
        [
            &format!("--{boundary}"),
            "Content-Disposition: form-data; name=\"List-Unsubscribe\"",
            "",
            "One-Click",
            &format!("--{boundary}--"),
            "",
        ]
        .join(line_break)
    }

    #[test]
    fn a_boundary_may_be_quoted_padded_and_hold_marks() {
        let boundary = "=_Part 1'()+,-./:?x";
        let body = part(boundary, "\r\n");
        let fields = fields(
            Some(&format!("multipart/form-data; charset=utf-8; Boundary=\"{boundary}\"")),
            body.as_bytes(),
        );
        assert_eq!(fields, Ok(one("List-Unsubscribe", "One-Click")));
    }

    #[test]
    fn what_stands_around_the_parts_and_other_headers_of_a_part_are_passed_over() {
        let body = "preamble\r\n--b  \r\nContent-Type: text/plain; charset=utf-8\r\ncontent-disposition: FORM-DATA; \
                    NAME=action\r\n\r\nleave\r\n--b--\r\nepilogue";
        assert_eq!(
            fields(Some("Multipart/Form-Data;boundary=b"), body.as_bytes()),
            Ok(one("action", "leave"))
        );
    }

    #[test]
    fn several_fields_keep_their_order() {
        let body = "--b\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b\nContent-Disposition: form-data; \
                    name=\"b\"\n\n2\n--b--";
        let both = [one("a", "1"), one("b", "2")].concat();
        assert_eq!(
            fields(Some("multipart/form-data; boundary=b"), body.as_bytes()),
            Ok(both.clone())
        );
        assert_eq!(fields(None, b"a=1&b=2\r\n"), Ok(both));
    }

    #[test]
    fn what_is_not_a_small_form_is_refused() {
        let whole = part("b", "\r\n");
        let cut = &whole[..whole.len() - 6];
        let file = whole.replace("name=\"List-Unsubscribe\"", "name=\"x\"; filename=\"x.txt\"");
        let nameless = whole.replace("; name=\"List-Unsubscribe\"", "");
        let attachment = whole.replace("form-data", "attachment");
        let headless = "--b\r\nOne-Click\r\n--b--";
        for (content_type, body) in [
            ("multipart/form-data; boundary=b", cut),
            ("multipart/form-data; boundary=b", &file),
            ("multipart/form-data; boundary=b", &nameless),
            ("multipart/form-data; boundary=b", &attachment),
            ("multipart/form-data; boundary=b", headless),
            ("multipart/form-data; boundary=b", ""),
            ("multipart/form-data; boundary=b", "--b--"),
            ("multipart/form-data; boundary=other", &whole),
            ("multipart/form-data", &whole),
            ("multipart/form-data; boundary=", &whole),
            ("multipart/form-data; boundary=\"b", &whole),
            ("multipart/form-data; boundary=b; boundary=c", &whole),
            ("multipart/mixed; boundary=b", &whole),
            ("application/json", "{\"List-Unsubscribe\": \"One-Click\"}"),
            ("text/plain", "List-Unsubscribe=One-Click"),
            ("application/x-www-form-urlencoded", &"a&".repeat(MOST_FIELDS + 1)),
        ] {
            assert_eq!(
                fields(Some(content_type), body.as_bytes()),
                Err(UnreadableForm),
                "{content_type} {body}"
            );
        }
        assert_eq!(fields(None, &[0xff]), Err(UnreadableForm));
        assert_eq!(fields(None, &[b'a'; MOST_BYTES + 1]), Err(UnreadableForm));
        let endless = "--b\nContent-Disposition: form-data; name=a\n\n1\n".repeat(MOST_FIELDS + 1) + "--b--";
        assert_eq!(
            fields(Some("multipart/form-data; boundary=b"), endless.as_bytes()),
            Err(UnreadableForm)
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused_without_a_panic(
            body in prop::collection::vec(prop::sample::select(vec![b'-', b'b', b'\r', b'\n', b':', b'=', b'"', b';', b'x', 0xff]), 0..80),
            boundary in "[b\\-\"; ]{0,3}",
        ) {
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let _ = fields(Some(&content_type), &body);
            let _ = fields(None, &body);
        }
    }
}
