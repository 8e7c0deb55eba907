//! What is stored, in the words of people: codes, days, places.

use apropos_core::attribute::{Attribute, Fact};
use apropos_core::category::Category;
use apropos_core::consent::Purpose;
use apropos_core::document::{EvidenceDocument, PreferenceDocument};
use apropos_core::language::Language;
use apropos_core::origin::{Origin, Source};
use apropos_core::time::TimeZoneName;
use apropos_core::transactional::purpose_words;
use apropos_gazetteer::Gazetteer;
use jiff::Timestamp;

use crate::export::KnownFact;
use crate::page::{Reader, say};

/// The value of a fact.
pub(super) fn shown(reader: Reader<'_>, fact: &KnownFact) -> String {
    match (fact.name.as_str(), fact.value.as_deref()) {
        (_, None) => reader.say("retiré", "removed").to_owned(),
        (_, Some("" | "true")) => reader.say("oui", "yes").to_owned(),
        (_, Some("false")) => reader.say("non", "no").to_owned(),
        ("home", Some(home)) => home_words(reader, home),
        ("last_activity", Some(date)) => date.parse().map_or_else(|_| date.to_owned(), |date| reader.date(date)),
        (_, Some(value)) => word_name(reader.language, value).to_owned(),
    }
}

/// Beyond this the nearest commune of the table says nothing of the place: it is in another country.
const NEAR_M: f64 = 30_000.0;

/// A cell as the town that it is in or near: nobody knows their home as fifteen hexadecimal digits.
fn home_words(reader: Reader<'_>, home: &str) -> String {
    let (cell, uncertainty_m) = home.split_once(" ±").unwrap_or((home, "0"));
    let near = Gazetteer::french()
        .nearest(cell)
        .filter(|(_, metres)| *metres <= NEAR_M)
        .map(|(commune, _)| commune.name);
    let near = match (near, reader.language) {
        (Some(name), Language::French) => format!("à {name} ou tout près"),
        (Some(name), Language::English) => format!("in or near {name}"),
        (None, _) => reader.say("hors de France", "outside France").to_owned(),
    };
    // Metres as they are stored, in the kilometres that people think in, never less exact than said.
    let kilometres = uncertainty_m.parse::<u32>().unwrap_or(0).div_ceil(1_000);
    match (reader.language, kilometres) {
        (Language::French, 0) => format!("{near}\u{a0}: une zone d’environ 0,7\u{a0}km², jamais votre rue"),
        (Language::English, 0) => format!("{near}: an area of about 0.7 km², never your street"),
        (Language::French, km) => format!("{near}, à {km}\u{a0}km près, jamais votre rue"),
        (Language::English, km) => format!("{near}, give or take {km} km, never your street"),
    }
}

/// Where a fact came from, and when.
pub(super) fn origin(reader: Reader<'_>, origin: Option<&Origin>, zone: Option<&TimeZoneName>) -> String {
    let Some(origin) = origin else {
        return reader
            .say("origine antérieure, non gardée", "from before origins were kept")
            .to_owned();
    };
    let who = match origin.source {
        Source::Brand => reader.say("donné par la marque", "given by the brand"),
        Source::Person => reader.say("dit par vous", "said by you"),
        Source::Observed => reader.say("vu à vos clics", "seen from your clicks"),
    };
    format!("{who}, {}", reader.day(origin.at, zone))
}

/// A stored time as the day that it is for the person.
pub(super) fn moment(reader: Reader<'_>, time: &str, zone: Option<&TimeZoneName>) -> String {
    time.parse::<Timestamp>()
        .map_or_else(|_| time.to_owned(), |at| reader.day(at, zone))
}

/// How it can be shown. What the brand wrote itself stays as it wrote it.
pub(super) fn evidence(reader: Reader<'_>, evidence: &EvidenceDocument) -> String {
    let method = method_name(reader.language, &evidence.method);
    let words = match (evidence.method.as_str(), evidence.double_opt_in_at.is_some()) {
        ("double_opt_in", _) | (_, false) => method.to_owned(),
        (_, true) => format!("{method}, {}", reader.say("confirmé par e-mail", "confirmed by e-mail")),
    };
    // Our own pages are named by the method already.
    let is_ours = evidence.source.len() <= 2 && evidence.source.starts_with('/');
    if is_ours || evidence.method == apropos_core::retention::METHOD {
        words
    } else {
        format!("{words} ({})", evidence.source)
    }
}

fn method_name(language: Language, code: &str) -> &str {
    match code {
        "web_form" => say(language, "formulaire en ligne", "form on a web page"),
        "store" => say(language, "en boutique", "in a shop"),
        "phone" => say(language, "au téléphone", "by telephone"),
        "paper_form" => say(language, "formulaire papier", "form on paper"),
        "import" => say(language, "fichier de la marque", "file of the brand"),
        "double_opt_in" => say(language, "confirmé par e-mail", "confirmed by e-mail"),
        "one_click" => say(language, "désinscription en un clic", "one-click unsubscribe"),
        "unsubscribe_page" => say(language, "page de désinscription", "unsubscribe page"),
        "preference_page" => say(language, "page de vos choix", "page of your choices"),
        "my_data_page" => say(language, "page de vos données", "page of your data"),
        "complaint_feedback_loop" => say(
            language,
            "signalé comme indésirable dans votre messagerie",
            "reported as junk in your mailbox",
        ),
        apropos_core::retention::METHOD => say(
            language,
            "échu de lui-même, sans signe de vous",
            "ended by itself, without a sign from you",
        ),
        other => other,
    }
}

/// A language by its tag.
pub(super) fn language_name(language: Language, tag: &str) -> &str {
    match tag {
        "fr" => say(language, "français", "French"),
        "en" => say(language, "anglais", "English"),
        other => other,
    }
}

/// The word of a fact that is one of a few.
pub(super) fn word_name(language: Language, word: &str) -> &str {
    match word {
        "flat" => say(language, "appartement", "flat"),
        "house" => say(language, "maison", "house"),
        other => other,
    }
}

/// A fact's name for people.
pub(super) fn fact_name(reader: Reader<'_>, name: &str) -> String {
    let language = reader.language;
    let category = |slug: &str| {
        Category::from_slug(slug).map_or_else(
            |_| slug.to_owned(),
            |category| say(language, category.name_fr(), category.name_en()).to_owned(),
        )
    };
    if let Some(slug) = name.strip_prefix("interest:") {
        return format!("{}{}", say(language, "Goût\u{a0}: ", "Interest: "), category(slug));
    }
    if let Some((slug, on)) = name.strip_prefix("purchase:").and_then(|rest| rest.split_once(':')) {
        let on = on.parse().map_or_else(|_| on.to_owned(), |date| reader.date(date));
        return format!(
            "{}{}, {on}",
            say(language, "Achat\u{a0}: ", "Purchase: "),
            category(slug)
        );
    }
    match Attribute::from_code(name) {
        Some(attribute) => attribute_name(language, attribute).to_owned(),
        None if name == "clicked_hours" => {
            say(language, "Les heures de vos clics", "The hours of your clicks").to_owned()
        }
        None if name == "spent" => say(
            language,
            "Vos dépenses des deux dernières années",
            "What you spent in the last two years",
        )
        .to_owned(),
        None => say(language, "Dernière activité", "Last activity").to_owned(),
    }
}

/// An attribute for people.
pub(super) const fn attribute_name(language: Language, attribute: Attribute) -> &'static str {
    let (french, english) = match attribute {
        Attribute::Home => ("La zone où vous habitez", "The area where you live"),
        Attribute::Purchases => ("Vos achats", "What you bought"),
        Attribute::Interests => ("Vos goûts", "What you like"),
        Attribute::Lifecycle => (
            "L’étape de votre relation avec la marque",
            "Where you are with the brand",
        ),
        Attribute::Reaction => ("L’accueil que vous faites aux messages", "How you take to messages"),
        Attribute::CurrentPlace => ("La zone où vous êtes en ce moment", "The area where you are now"),
        Attribute::ActiveHours => ("Vos heures habituelles", "Your usual hours"),
        Attribute::Fact(fact) => match fact {
            Fact::DwellingKind => ("Maison ou appartement", "House or flat"),
            Fact::Garden => ("Un jardin", "A garden"),
            Fact::Balcony => ("Un balcon", "A balcony"),
            Fact::Ventilation => (
                "Un conduit ou une évacuation d’air",
                "A flue or an outlet to the open air",
            ),
            Fact::Lift => ("Un ascenseur", "A lift"),
            Fact::Parking => ("Une place de parking", "A parking space"),
            Fact::Cellar => ("Une cave", "A cellar"),
            Fact::Dog => ("Un chien", "A dog"),
            Fact::Cat => ("Un chat", "A cat"),
            Fact::Floor => ("L’étage", "The floor"),
            Fact::CeilingHeight => (
                "La hauteur sous plafond, en décimètres",
                "The ceiling height, in decimetres",
            ),
            Fact::HouseholdSize => (
                "Le nombre de personnes au foyer",
                "The number of people in the household",
            ),
        },
    };
    say(language, french, english)
}

/// A purpose for people.
pub(super) fn purpose_name(reader: Reader<'_>, code: &str) -> String {
    Purpose::from_code(code).map_or_else(
        |_| code.to_owned(),
        |purpose| purpose_words(&purpose, reader.brand, reader.language),
    )
}

/// What was set; to what is in the file.
pub(super) const fn preference_name(language: Language, preference: &PreferenceDocument) -> &'static str {
    let (french, english) = match preference {
        PreferenceDocument::Frequency(_) => ("La fréquence des messages", "How often you are written to"),
        PreferenceDocument::QuietHours(_) => ("Vos heures calmes", "Your quiet hours"),
        PreferenceDocument::Language(_) => ("Votre langue", "Your language"),
        PreferenceDocument::Interests(_) => ("Vos goûts", "What you like"),
    };
    say(language, french, english)
}

/// What a choice says now.
pub(super) fn state_name(language: Language, code: &str) -> &str {
    match code {
        "granted" => say(language, "oui", "yes"),
        "denied" => say(language, "non", "no"),
        "withdrawn" => say(language, "oui repris", "yes taken back"),
        "expired" => say(language, "oui échu", "yes that has ended"),
        "pending" => say(language, "à confirmer", "to be confirmed"),
        "unknown" => say(language, "jamais demandé", "never asked"),
        other => other,
    }
}

/// What happened.
pub(super) fn act_name(language: Language, code: &str) -> &str {
    match code {
        "grant" => say(language, "oui", "yes"),
        "deny" => say(language, "non", "no"),
        "withdraw" => say(language, "repris", "taken back"),
        "expire" => say(language, "échu", "ended"),
        "request" => say(language, "demandé", "asked for"),
        other => other,
    }
}

/// How a decision ended.
pub(super) fn outcome_name(language: Language, code: &str) -> &str {
    match code {
        "sent" => say(language, "envoyé", "sent"),
        "withheld" => say(language, "non envoyé", "not sent"),
        _ => say(language, "en cours", "under way"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::brand;

    fn fact(name: &str, value: &str) -> KnownFact {
        KnownFact {
            name: name.into(),
            value: Some(value.into()),
            origin: None,
        }
    }

    #[test]
    fn stored_values_are_said_in_words() {
        let brand = brand();
        let [french, english] = [Language::French, Language::English].map(|language| Reader {
            language,
            brand: &brand,
        });
        let lyon = Gazetteer::french().locate_postcode("69001").unwrap().centre.cell();
        let home = |uncertainty| fact("home", &format!("{lyon} ±{uncertainty}"));
        for (reader, fact, words) in [
            (
                french,
                home(0),
                "à Lyon ou tout près\u{a0}: une zone d’environ 0,7\u{a0}km², jamais votre rue",
            ),
            (
                english,
                home(4_200),
                "in or near Lyon, give or take 5 km, never your street",
            ),
            (french, fact("last_activity", "2026-11-25"), "25\u{a0}novembre 2026"),
            (english, fact("last_activity", "2026-11-01"), "1\u{a0}November 2026"),
            (french, fact("dwelling.kind", "house"), "maison"),
            (english, fact("dwelling.garden", "false"), "no"),
        ] {
            assert_eq!(shown(reader, &fact), words);
        }
        assert_eq!(
            fact_name(english, "purchase:books:2026-11-02"),
            "Purchase: books, 2\u{a0}November 2026"
        );
        assert_eq!(moment(french, "2026-11-25T23:30:00Z", None), "25\u{a0}novembre 2026");
        let paris = TimeZoneName::new("Europe/Paris").unwrap();
        assert_eq!(
            moment(french, "2026-11-25T23:30:00Z", Some(&paris)),
            "26\u{a0}novembre 2026"
        );
    }

    #[test]
    fn a_home_abroad_names_no_french_town() {
        let brand = brand();
        let reader = Reader {
            language: Language::English,
            brand: &brand,
        };
        // Near Toronto.
        let home = fact("home", "882b9bc001fffff ±0");
        assert!(
            shown(reader, &home).starts_with("outside France"),
            "{}",
            shown(reader, &home)
        );
    }
}
