//! The two languages of every text.

use std::fmt;

/// A language that messages, pages and explanations exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// French.
    French,
    /// English.
    English,
}

/// A language without texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 'fr' or 'en'")]
pub struct UnknownLanguage;

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::French, Self::English];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// The months as they stand within a sentence, January first.
    #[must_use]
    pub const fn months(self) -> [&'static str; 12] {
        match self {
            Self::French => [
                "janvier",
                "février",
                "mars",
                "avril",
                "mai",
                "juin",
                "juillet",
                "août",
                "septembre",
                "octobre",
                "novembre",
                "décembre",
            ],
            Self::English => [
                "January",
                "February",
                "March",
                "April",
                "May",
                "June",
                "July",
                "August",
                "September",
                "October",
                "November",
                "December",
            ],
        }
    }

    /// Reads a BCP 47 tag by its primary subtag.
    ///
    /// # Errors
    /// [`UnknownLanguage`] for any other language.
    pub fn from_tag(tag: &str) -> Result<Self, UnknownLanguage> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|each| primary.eq_ignore_ascii_case(each.tag()))
            .ok_or(UnknownLanguage)
    }

    /// The best of an `Accept-Language` header (RFC 9110 section 12.5.4), if it names one of ours.
    #[must_use]
    pub fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(u32, Self)> = None;
        for part in header.split(',') {
            let mut pieces = part.trim().split(';');
            let Ok(language) = Self::from_tag(pieces.next().unwrap_or_default().trim()) else {
                continue;
            };
            let quality = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1_000, thousandths);
            if quality > 0 && best.is_none_or(|(held, _)| quality > held) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or_else(|| (text.trim(), ""));
    if whole == "1" {
        return 1_000;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or(0)
}

/// A text in both languages.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
}

impl Localized {
    /// In the given language.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::French => &self.fr,
            Language::English => &self.en,
        }
    }
}

impl fmt::Debug for Localized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Localized({:?})", self.en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_that_we_have_is_taken() {
        assert_eq!(
            Language::from_accept("de, en;q=0.7, fr-CA;q=0.9"),
            Some(Language::French)
        );
        assert_eq!(Language::from_accept("fr;q=0, en;q=0.1"), Some(Language::English));
        assert_eq!(Language::from_accept("de, *;q=0.5"), None);
    }
}
