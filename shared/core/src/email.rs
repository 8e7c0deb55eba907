//! E-mail addresses.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// An address that can be written to: `local@domain` as RFC 5321 section 4.1.2 has it, without quoted local parts,
/// comments and address literals. SES takes ASCII local parts only, so others are refused here rather than at sending.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    sent: String,
    canonical: String,
}

/// Why an address was refused. The address is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidEmailAddress {
    /// No `@`, or nothing on one side of it.
    #[error("must be an e-mail address")]
    Form,
    /// Over 254 characters, or over 64 before the `@` (RFC 5321 section 4.5.3.1).
    #[error("must have at most 254 characters, and at most 64 before the '@'")]
    TooLong,
    /// A space, a control, or a character that nobody sees.
    #[error("must not hold spaces, control or invisible characters")]
    Invisible,
    /// The part before the `@` is not a dot-atom (RFC 5322 section 3.2.3).
    #[error("must have only ASCII letters, digits, single dots and !#$%&'*+-/=?^_`{{|}}~ before the '@'")]
    LocalPart,
    /// The domain is not a name of at least two labels.
    #[error("must have a domain name after the '@'")]
    Domain,
}

impl EmailAddress {
    /// Reads an address; ASCII spaces around it are dropped.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text: String = text.trim_matches(' ').nfc().collect();
        if text
            .chars()
            .any(|char| char.is_control() || char.is_whitespace() || crate::header::is_invisible(char))
        {
            return Err(InvalidEmailAddress::Invisible);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmailAddress::Form)?;
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidEmailAddress::Form);
        }
        let domain = ascii_domain(domain)?;
        if local.len() > 64 || local.len() + 1 + domain.len() > 254 {
            return Err(InvalidEmailAddress::TooLong);
        }
        if !is_dot_atom(local) {
            return Err(InvalidEmailAddress::LocalPart);
        }
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        Ok(Self {
            sent: format!("{local}@{domain}"),
            canonical,
        })
    }

    /// The address to write to: the local part as given, because its case may matter (RFC 5321 section 2.4), and the
    /// domain in its ASCII form.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        &self.sent
    }

    /// The address to compare: all lower case.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}

fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    })
}

/// The domain's A-labels (RFC 5890), with the host name rules of RFC 1123.
fn ascii_domain(domain: &str) -> Result<String, InvalidEmailAddress> {
    let domain = idna::domain_to_ascii_strict(domain)
        .ok()
        .ok_or(InvalidEmailAddress::Domain)?;
    if is_host_name(&domain) {
        Ok(domain.to_ascii_lowercase())
    } else {
        Err(InvalidEmailAddress::Domain)
    }
}

/// Whether it is a name of at least two labels by the rules of RFC 1123 section 2.1.
pub(crate) fn is_host_name(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // A last label of digits is an IPv4 address, not a name (RFC 3696 section 2).
    let named = labels
        .last()
        .is_some_and(|label| !label.bytes().all(|byte| byte.is_ascii_digit()));
    labels.len() >= 2 && named && labels.iter().all(is_label) && domain.len() <= 253
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_keeps_its_case_for_sending_and_loses_it_for_comparing() {
        let address = EmailAddress::parse(" Camille.Martin+shop@Exämple.com ").unwrap();
        assert_eq!(address.as_sent(), "Camille.Martin+shop@xn--exmple-cua.com");
        assert_eq!(address.canonical(), "camille.martin+shop@xn--exmple-cua.com");
        assert_eq!(format!("{address:?}"), "EmailAddress(redacted)");
    }

    #[test]
    fn what_cannot_be_written_to_is_refused() {
        let refused = |text: &str| EmailAddress::parse(text).unwrap_err();
        assert_eq!(refused("camille"), InvalidEmailAddress::Form);
        assert_eq!(refused("@example.com"), InvalidEmailAddress::Form);
        assert_eq!(refused("a..b@example.com"), InvalidEmailAddress::LocalPart);
        assert_eq!(refused("\"a b\"@example.com"), InvalidEmailAddress::Invisible);
        assert_eq!(refused("é@example.com"), InvalidEmailAddress::LocalPart);
        assert_eq!(refused("a@b@example.com"), InvalidEmailAddress::LocalPart);
        assert_eq!(refused("a@localhost"), InvalidEmailAddress::Domain);
        assert_eq!(refused("a@[127.0.0.1]"), InvalidEmailAddress::Domain);
        assert_eq!(refused("a@127.0.0.1"), InvalidEmailAddress::Domain);
        assert_eq!(refused("a@-x.example.com"), InvalidEmailAddress::Domain);
        assert_eq!(
            refused("a@example.com\r\nBcc: b@example.com"),
            InvalidEmailAddress::Invisible
        );
        assert_eq!(refused("a\u{200b}@example.com"), InvalidEmailAddress::Invisible);
        assert_eq!(refused("a\u{202e}@example.com"), InvalidEmailAddress::Invisible);
        assert_eq!(
            refused(&format!("{}@example.com", "a".repeat(65))),
            InvalidEmailAddress::TooLong
        );
    }

    #[test]
    fn the_limits_are_64_before_the_at_and_254_in_all() {
        let local = "a".repeat(64);
        assert!(EmailAddress::parse(&format!("{local}@example.com")).is_ok());
        let domain = |length: usize| {
            let label = "b".repeat(60);
            let end = length - 3 * 61;
            format!("{label}.{label}.{label}.{}", "c".repeat(end))
        };
        let fits = format!("{local}@{}", domain(254 - 65));
        assert_eq!(fits.len(), 254);
        assert!(EmailAddress::parse(&fits).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("{local}@{}", domain(255 - 65))),
            Err(InvalidEmailAddress::TooLong)
        );
    }

    #[test]
    fn one_address_in_two_spellings_is_one_address() {
        let composed = EmailAddress::parse("camille@ex\u{e8}mple.com").unwrap();
        let decomposed = EmailAddress::parse("camille@exe\u{300}mple.com").unwrap();
        assert_eq!(composed, decomposed);
        let shouted = EmailAddress::parse("CAMILLE@EXAMPLE.COM").unwrap();
        assert_eq!(shouted.canonical(), "camille@example.com");
        assert_eq!(shouted.as_sent(), "CAMILLE@example.com");
    }

    #[test]
    fn a_refusal_does_not_repeat_the_address() {
        for text in [
            "camille.martin@",
            "camille martin@example.com",
            "camille.martin@localhost",
        ] {
            let error = EmailAddress::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("camille"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_ascii_without_controls_and_reads_back(text in "\\PC{0,20}@\\PC{0,20}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_sent().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(EmailAddress::parse(address.as_sent()), Ok(address));
            }
        }
    }
}
