//! What all pages share: who reads, in which language, the frame around the content and the brand's colour.

use apropos_core::brand::{Brand, Topic};
use apropos_core::consent::Channel;
use apropos_core::language::Language;
use apropos_core::time::{TimeZoneName, local};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The stylesheet inside each page; the content security policy names its hash.
pub(crate) const STYLE: &str = include_str!("../style.css");

/// Whose page, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) language: Language,
    pub(crate) brand: &'a Brand,
}

impl Reader<'_> {
    pub(crate) fn brand(&self) -> &str {
        self.brand.name.as_str()
    }

    pub(super) fn topic(&self, topic: &Topic) -> String {
        quoted(self.language, topic.name.get(self.language))
    }

    pub(crate) fn say<'s>(&self, french: &'s str, english: &'s str) -> &'s str {
        say(self.language, french, english)
    }

    /// A channel as a label.
    pub(super) const fn channel(&self, channel: Channel) -> &'static str {
        let (french, english) = match channel {
            Channel::Email => ("E-mail", "E-mail"),
            Channel::Sms => ("SMS", "Text message"),
            Channel::Post => ("Courrier", "Post"),
            Channel::Display => ("Publicité en ligne", "Online adverts"),
        };
        say(self.language, french, english)
    }

    /// A channel as it follows a topic.
    pub(super) const fn by(&self, channel: Channel) -> &'static str {
        let (french, english) = match channel {
            Channel::Email => ("par e-mail", "by e-mail"),
            Channel::Sms => ("par SMS", "by text message"),
            Channel::Post => ("par courrier", "by post"),
            Channel::Display => ("en publicité en ligne", "as online adverts"),
        };
        say(self.language, french, english)
    }

    /// The day of an instant, as it is written in a sentence.
    pub(crate) fn day(&self, at: Timestamp, zone: Option<&TimeZoneName>) -> String {
        let at = zone.map_or_else(|| TimeZone::UTC.to_datetime(at), |zone| local(at, zone));
        self.date(at.date())
    }

    /// A day as it is written in a sentence.
    pub(crate) fn date(&self, date: Date) -> String {
        let months = self.language.months();
        let month = usize::try_from(date.month() - 1)
            .ok()
            .and_then(|month| months.get(month))
            .copied()
            .unwrap_or_default();
        match (self.language, date.day()) {
            (Language::French, 1) => format!("1er\u{a0}{month} {}", date.year()),
            (_, day) => format!("{day}\u{a0}{month} {}", date.year()),
        }
    }
}

pub(crate) const fn say<'s>(language: Language, french: &'s str, english: &'s str) -> &'s str {
    match language {
        Language::French => french,
        Language::English => english,
    }
}

pub(super) fn quoted(language: Language, text: &str) -> String {
    match language {
        Language::French => format!("«\u{a0}{text}\u{a0}»"),
        Language::English => format!("“{text}”"),
    }
}

/// What a yes is given under (GDPR 7(1)): the notice that the evidence will name.
pub(super) fn agreeing(reader: Reader<'_>, label: &str) -> Markup {
    let (brand, notice) = (reader.brand(), &reader.brand.notice);
    let text = match reader.language {
        Language::French => format!(
            "En choisissant «\u{a0}{label}\u{a0}», vous donnez votre accord à {brand} selon son information sur la vie \
             privée «\u{a0}{}\u{a0}», version\u{a0}{}. Vous pouvez le retirer ici à tout moment.",
            notice.id, notice.version
        ),
        Language::English => format!(
            "By pressing “{label}” you agree, under the privacy notice “{}”, version {}, of {brand}. You can take it back \
             here at any time.",
            notice.id, notice.version
        ),
    };
    html! { p.small { (text) } }
}

/// How much a button stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// What the page is for, over its whole width.
    Wide,
    /// What the page is for.
    First,
    /// What else can be done.
    Second,
}

impl Weight {
    const fn class(self) -> Option<&'static str> {
        match self {
            Self::Wide => Some("wide"),
            Self::First => None,
            Self::Second => Some("second"),
        }
    }
}

/// A form of one button: what it sends, to its own page or to another.
pub(crate) fn button_form(to: Option<&str>, sends: &[(&str, &str)], weight: Weight, label: &Markup) -> Markup {
    html! {
        form method="post" action=[to] {
            @for (name, value) in sends { input type="hidden" name=(name) value=(value); }
            button class=[weight.class()] type="submit" { (label) }
        }
    }
}

/// A whole page. What a brand or a person wrote stands behind the stylesheet, escaped, and in isolation where it could
/// turn the text around it.
pub(crate) fn page(language: Language, title: &str, brand: Option<&Brand>, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                style { (PreEscaped(STYLE)) (PreEscaped(accents(brand))) }
                title { (title) @if let Some(brand) = brand { " · " (brand.name.as_str()) } }
            }
            body {
                @if let Some(brand) = brand { header { p.brand { bdi { (brand.name.as_str()) } } } }
                main { (content) }
                @if let Some(brand) = brand { footer { p { bdi { (brand.imprint) } } } }
            }
        }
    }
    .into_string()
}

/// The brand's colour, in a shade that can be read on light pages and one for dark pages.
fn accents(brand: Option<&Brand>) -> String {
    let Some(colour) = brand.and_then(|brand| brand.colour) else {
        return String::new();
    };
    let (light, dark) = (colour.on_light(), colour.on_dark());
    format!(
        ":root{{--accent:{};--on-accent:{}}}@media (prefers-color-scheme:dark){{:root{{--accent:{};--on-accent:{}}}}}",
        light.colour, light.on, dark.colour, dark.on
    )
}
