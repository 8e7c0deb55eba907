//! A refused field.

use std::fmt::Display;

use jiff::Timestamp;

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

/// An RFC 3339 time.
pub(super) fn time(field: &str, text: &str) -> Result<Timestamp, FieldError> {
    text.parse()
        .ok()
        .ok_or_else(|| FieldError::new(field, "must be an RFC 3339 time such as 2026-12-01T09:00:00Z"))
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
