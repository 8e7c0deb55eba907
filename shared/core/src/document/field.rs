//! A refused field.

use std::collections::HashSet;
use std::fmt::Display;

use jiff::{Timestamp, civil};

use crate::header::{hides, is_invisible};

/// Which field was refused and why. Never the value: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldError {
    /// The path of the field, such as `rules[0].when.all[1].at_most`.
    pub field: String,
    /// What is wrong with it, as the end of a sentence.
    pub problem: String,
}

impl FieldError {
    /// Names a field and its problem.
    pub fn new(field: impl Into<String>, problem: impl Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }

    /// The same problem, seen from one level up.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        let joint = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        Self {
            field: format!("{parent}{joint}{}", self.field),
            problem: self.problem,
        }
    }

    /// The field as a JSON pointer (RFC 6901), such as `/rules/0/when/all/1/at_most`.
    ///
    /// ```
    /// use apropos_core::document::FieldError;
    ///
    /// let refused = FieldError::new("rules[0].when.all[1]", "reads what is not declared");
    /// assert_eq!(refused.pointer(), "/rules/0/when/all/1");
    /// // The name of a fact is one member, with its dot.
    /// assert_eq!(FieldError::new("facts.dwelling.floor", "…").pointer(), "/facts/dwelling.floor");
    /// ```
    #[must_use]
    pub fn pointer(&self) -> String {
        if let Some(fact) = self.field.strip_prefix("facts.") {
            return format!("/facts/{fact}");
        }
        let parts = self.field.split(['.', '[', ']']);
        parts
            .filter(|part| !part.is_empty())
            .fold(String::new(), |mut pointer, part| {
                pointer.push('/');
                pointer.push_str(part);
                pointer
            })
    }
}

/// Turns a module's own error into a refused field.
pub(super) trait At<T> {
    fn at(self, field: &str) -> Result<T, FieldError>;
}

impl<T, E: Display> At<T> for Result<T, E> {
    fn at(self, field: &str) -> Result<T, FieldError> {
        self.map_err(|error| FieldError::new(field, error))
    }
}

const NO_TIME: &str = "must be an RFC 3339 time such as 2026-12-01T09:00:00Z";

/// A time as it was taken; see [`new_time`].
pub(super) fn time(field: &str, text: &str) -> Result<Timestamp, FieldError> {
    text.parse().ok().ok_or_else(|| FieldError::new(field, NO_TIME))
}

/// A time that is given now. What was taken before was also read with what RFC 3339 does not have: a zone in brackets
/// (RFC 9557) and offsets of a day and more.
///
/// # Errors
/// [`FieldError`] at the field: it is no time of RFC 3339, or later than the calendar goes.
pub fn new_time(field: &str, text: &str) -> Result<Timestamp, FieldError> {
    let form = Some(text).filter(|text| has_form_of_rfc3339(text));
    let instant = form.and_then(|text| text.parse().ok());
    instant.ok_or_else(|| {
        let date_and_time = form.and_then(|text| text.get(..19)?.parse::<civil::DateTime>().ok());
        let is_too_late = date_and_time.is_some_and(|told| told.year() > 9_000);
        FieldError::new(
            field,
            if is_too_late {
                "must be before 9999-12-30T22:00:00Z"
            } else {
                NO_TIME
            },
        )
    })
}

/// `date-time` of RFC 3339 section 5.6, with any digits but in the offset.
fn has_form_of_rfc3339(text: &str) -> bool {
    let Some((date_and_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let fits = |text: &str, form: &str| {
        let is_of = |(given, wanted): (u8, u8)| match wanted {
            b'0' => given.is_ascii_digit(),
            _ => given.eq_ignore_ascii_case(&wanted),
        };
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(is_of)
    };
    let is_offset = |offset: &str| {
        let Some((hours, minutes)) = offset.split_once(':') else {
            return fits(offset, "Z");
        };
        let is_less = |number: &str, most: &str| fits(number, "00") && number < most;
        let hours = hours.strip_prefix(['+', '-']);
        hours.is_some_and(|hours| is_less(hours, "24")) && is_less(minutes, "60")
    };
    let (is_fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.trim_start_matches(|char: char| char.is_ascii_digit());
            (digits.len() < rest.len(), digits)
        }
        None => (true, rest),
    };
    let begins = fits(date_and_time, "0000-00-00T00:00:00") || fits(date_and_time, "0000-00-00 00:00:00");
    begins && is_fraction && is_offset(offset)
}

/// The place in a list of the first name that stood in it before.
pub(super) fn second_of_a_name<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<usize> {
    let mut seen = HashSet::new();
    names.position(|name| !seen.insert(name))
}

/// Text of 1 to `most` characters without controls or what nobody sees.
pub(super) fn text<'a>(field: &str, text: &'a str, most: usize) -> Result<&'a str, FieldError> {
    seen(field, text, most, |text| {
        text.chars().any(|char| char.is_control() || is_invisible(char))
    })
}

/// As [`text`], for what stands in a message: with the characters that join and shape emoji, where they do.
pub(super) fn prose<'a>(field: &str, text: &'a str, most: usize) -> Result<&'a str, FieldError> {
    seen(field, text, most, hides)
}

fn seen<'a>(field: &str, text: &'a str, most: usize, hides: fn(&str) -> bool) -> Result<&'a str, FieldError> {
    if text.trim().is_empty() {
        return Err(FieldError::new(field, "must not be empty"));
    }
    if text.chars().count() > most {
        return Err(FieldError::new(
            field,
            format_args!("must be at most {most} characters"),
        ));
    }
    if hides(text) {
        return Err(FieldError::new(field, "must not hold control or invisible characters"));
    }
    Ok(text)
}

/// Evidence names pages, shops and files; an address in it would put personal data where it cannot be erased alone.
pub(super) fn impersonal(field: &str, value: &str, most: usize) -> Result<String, FieldError> {
    let value = text(field, value, most)?;
    if value.contains('@') {
        return Err(FieldError::new(field, "must not hold an e-mail address"));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_time_is_one_of_rfc_3339_and_of_the_calendar() {
        for text in [
            "2026-12-01T09:00:00Z",
            "2026-12-01t09:00:00z",
            "2026-12-01 09:00:00Z",
            "2026-12-01T09:00:00.123456789+05:30",
            "2026-12-01T09:00:00-23:59",
        ] {
            assert_eq!(new_time("at", text).ok(), text.parse().ok(), "{text}");
            assert!(new_time("at", text).is_ok(), "{text}");
        }
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T09:00:00",
            "2026-12-01T09:00Z",
            "2026-12-01T09:00:00.Z",
            "2026-02-30T09:00:00Z",
            "2026-12-01T25:00:00Z",
            "2026-12-01T09:00:00+25:00",
            "2026-12-01T09:00:00+01:60",
            "2026-12-01T09:00:00+0100",
            "2026-12-01T09:00:00Z[Europe/Paris]",
            "2026-12-01T09:00:00+01:00[Europe/Paris]",
            "+002026-12-01T09:00:00Z",
            "2026-12-01T09:00:0éZ",
        ] {
            assert_eq!(new_time("at", text), Err(FieldError::new("at", NO_TIME)), "{text}");
        }
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00+01:00"] {
            let problem = new_time("at", text).unwrap_err().problem;
            assert_eq!(problem, "must be before 9999-12-30T22:00:00Z", "{text}");
        }
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.999999999Z");
    }
}
