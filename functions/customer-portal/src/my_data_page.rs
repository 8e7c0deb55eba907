//! The rooms' pages, in French and English: this is what stands before and around a door; behind it is a file for each.

mod correction;
mod data;
mod erasure;
mod reasons;
mod words;

use apropos_core::language::Language;
use maud::{Markup, html};

use crate::my_data::Room;
use crate::page::{Reader, Weight, button_form, page, say};

pub(crate) use correction::{Correction, correct};
pub(crate) use data::data;
pub(crate) use erasure::erased;
pub(crate) use reasons::why;

/// What can be asked for with the link of a message.
pub(crate) fn ask(reader: Reader<'_>) -> String {
    let heading = reader.say("Mes données", "My data");
    let what = [
        (
            "access",
            reader.say("Voir mes données", "See my data"),
            reader.say(
                "Tout ce que la marque garde sur vous, d’où cela vient et à quoi cela sert\u{a0}; à lire ou à emporter.",
                "All that the brand keeps about you, where it comes from and what it is for; to read or to take away.",
            ),
        ),
        (
            "correct",
            reader.say("Corriger mes données", "Correct my data"),
            reader.say(
                "Changer ou retirer une information, ou refuser qu’elle serve à choisir les offres.",
                "Change or remove a fact, or forbid its use for choosing offers.",
            ),
        ),
        (
            "erase",
            reader.say("Effacer mes données", "Erase my data"),
            reader.say(
                "Tout effacer, pour de bon. Une page de confirmation vous dira ce qui disparaît.",
                "Erase everything, for good. A page will say what goes before you confirm.",
            ),
        ),
    ];
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                p { (reader.say(
                    "Un message se transfère facilement. Pour que personne d’autre que vous n’ouvre cette porte, un lien neuf \
                     est envoyé à votre adresse\u{a0}: il est valable 15 minutes et ne sert qu’une fois.",
                    "Messages are easily forwarded. So that nobody but you opens this door, a fresh link is sent to your \
                     address: it is valid for 15 minutes and works once.",
                )) }
                ul {
                    @for (value, title, detail) in what {
                        li {
                            h2 { (title) }
                            p { (detail) }
                            (button_form(None, &[("ask", value)], Weight::Second, &html! {
                                (reader.say("M’envoyer le lien", "Send me the link"))
                                span.hear { " (" (title) ")" }
                            }))
                        }
                    }
                }
            }
        },
    )
}

/// No fresh link can be sent, because what is stored as the contact point cannot be read: who puts it right, and what can be
/// done without it. A month is what the brand has to answer in (GDPR 12(3)).
pub(crate) fn no_address(reader: Reader<'_>, choices: &str) -> String {
    let heading = reader.say("Votre adresse ne peut pas être lue", "Your address cannot be read");
    let brand = reader.brand;
    page(
        reader.language,
        heading,
        Some(brand),
        &html! {
            h1 { (heading) }
            section {
                p role="status" { (reader.say(
                    "L’adresse que la marque a enregistrée ne peut pas être lue pour le moment. Aucun lien neuf ne peut donc vous \
                     être envoyé. Rien n’a changé.",
                    "The address that the brand has stored cannot be read at the moment, so no fresh link can be sent to you. \
                     Nothing was changed.",
                )) }
                p { (reader.say(
                    "Pour voir, corriger ou effacer vos données, écrivez à la marque. Elle a un mois pour vous répondre (RGPD, \
                     article 12, paragraphe 3).",
                    "To see, correct or erase your data, write to the brand. It has a month to answer (GDPR article 12(3)).",
                )) }
                p { (brand.imprint) " " (brand.reply_to.as_sent()) }
            }
            p.after { a href=(choices) { (reader.say(
                "Vous désinscrire et refuser reste possible ici",
                "You can still unsubscribe and object here",
            )) } }
        },
    )
}

/// A fresh link is on its way.
pub(crate) fn asked(reader: Reader<'_>) -> String {
    let heading = reader.say("Regardez votre boîte de réception", "Look in your mailbox");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                p role="status" { (reader.say(
                    "Un lien est envoyé à l’adresse que la marque connaît. Il est valable 15 minutes et ne sert qu’une fois.",
                    "A link is sent to the address that the brand knows. It is valid for 15 minutes and works once.",
                )) }
                p.small { (reader.say(
                    "Rien ne vient\u{a0}? Regardez les indésirables, puis demandez de nouveau.",
                    "Nothing comes? Look among the junk mail, then ask again.",
                )) }
            }
        },
    )
}

/// A fresh link that was used, or whose time is over.
pub(crate) fn ended(language: Language) -> String {
    let heading = say(language, "Ce lien ne sert plus", "This link no longer works");
    page(
        language,
        heading,
        None,
        &html! {
            h1 { (heading) }
            section {
                p { (say(
                    language,
                    "Il a déjà servi, ou ses 15 minutes sont passées. Demandez-en un neuf depuis un message de la marque.",
                    "It has been used, or its 15 minutes are over. Ask for a fresh one from a message of the brand.",
                )) }
            }
        },
    )
}

/// What a fresh link opens, before it is used up: mail scanners come this far.
pub(crate) fn door(reader: Reader<'_>, room: Room) -> String {
    match room {
        Room::Erase => erasure::confirm(reader),
        Room::Correct => {
            let heading = reader.say("Corriger mes données", "Correct my data");
            door_page(
                reader,
                heading,
                &html! {
                    (button_form(None, &[("open", "correct")], Weight::First, &html! { (reader.say("Ouvrir", "Open")) }))
                },
            )
        }
        Room::See | Room::Ask | Room::Why => {
            let heading = reader.say("Voir mes données", "See my data");
            door_page(
                reader,
                heading,
                &html! {
                    (button_form(None, &[("show", "page")], Weight::First, &html! { (reader.say("Afficher", "Show")) }))
                    (button_form(None, &[("show", "json")], Weight::Second, &html! {
                        (reader.say("Télécharger (JSON)", "Download (JSON)"))
                    }))
                },
            )
        }
    }
}

fn door_page(reader: Reader<'_>, heading: &str, buttons: &Markup) -> String {
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                p { (reader.say(
                    "Le lien s’éteint dès que vous appuyez.",
                    "The link ends as soon as you press.",
                )) }
                (buttons)
            }
        },
    )
}

fn line(title: &str, value: &str) -> Markup {
    html! { li { h3 { (title) } p { (value) } } }
}

#[cfg(test)]
mod tests {
    use apropos_core::attribute::Attribute;
    use apropos_core::erasure::{Erased, Progress, certificate};
    use apropos_core::standing::LedgerHead;
    use serde_json::json;

    use super::*;
    use crate::export::{Controller, DecisionMade, Export, KnownFact};
    use crate::fixture::{brand, brand_document, brand_from, now, person};
    use crate::my_data::NextLinks;
    use crate::why::Told;

    const HOSTILE: &str = "</title><script>alert(1)</script>\u{1F600}\"'&";

    fn export() -> Export {
        Export {
            form: "apropos my data 1",
            made_at: now().to_string(),
            controller: Controller {
                name: HOSTILE.into(),
                imprint: HOSTILE.into(),
                write_to: HOSTILE.into(),
                notice: HOSTILE.into(),
                notice_version: HOSTILE.into(),
            },
            customer: "c-4711".into(),
            contact: None,
            contact_problem: Some(HOSTILE),
            facts: vec![KnownFact {
                name: HOSTILE.into(),
                value: Some(HOSTILE.into()),
                origin: None,
            }],
            context: Default::default(),
            choices: Vec::new(),
            written_to_at: Vec::new(),
            decisions: vec![DecisionMade {
                at: now().to_string(),
                campaign: "expo".into(),
                run: "expo".into(),
                offer: HOSTILE.into(),
                outcome: "sent",
                explanation: HOSTILE.into(),
                consent_record: Some(1),
                uses: Vec::new(),
            }],
            ledger: apropos_core::document::LedgerDocument::of(Vec::new(), LedgerHead::default(), None),
            receipts: Vec::new(),
            receipt_key: String::new(),
            kept_for: Vec::new(),
            rights: Vec::new(),
        }
    }

    fn all(reader: Reader<'_>) -> Vec<String> {
        let both = || [HOSTILE.to_owned(), HOSTILE.to_owned()];
        let told = Told::Message {
            title: both(),
            sentence: both(),
            counted: vec![apropos_core::relevance::Factor::Proximity],
            uses: vec![(Attribute::Home, both())],
        };
        let erased = Erased {
            at: now(),
            progress: Progress::Finished { at: now() },
        };
        let next = NextLinks {
            see: "/a/lumen/x".into(),
            receipts: "/a/lumen/y".into(),
            correct: "/r/lumen/x".into(),
            erase: "/e/lumen/x".into(),
        };
        let certificate = certificate(reader.language, &reader.brand.id, &erased, LedgerHead::default());
        let mut pages = vec![
            ask(reader),
            asked(reader),
            no_address(reader, "/p/lumen/x"),
            ended(reader.language),
            super::why(reader, &told, "/d/lumen/x"),
            super::why(reader, &Told::Nothing, "/d/lumen/x"),
            data(reader, &export(), &next),
            super::erased(reader, &certificate),
            correct(reader, &person(), Correction::None, "/r/lumen/x", now()),
        ];
        pages.extend([Room::See, Room::Correct, Room::Erase].map(|room| door(reader, room)));
        pages
    }

    #[test]
    fn every_page_says_its_language_has_one_heading_and_runs_and_loads_nothing() {
        let brand = brand();
        for language in Language::ALL {
            for page in all(Reader {
                language,
                brand: &brand,
            }) {
                assert!(page.starts_with(&format!("<!DOCTYPE html><html lang=\"{}\">", language.tag())));
                assert_eq!(page.matches("<h1>").count(), 1, "{page}");
                for part in ["<script", "style=", "<img", "<link", "onclick", "http://", "https://"] {
                    assert!(!page.contains(part), "{part}: {page}");
                }
            }
        }
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let mut document = brand_document();
        document["imprint"] = json!("<b>Lumen</b> & \"Cie\"");
        let brand = brand_from(document);
        for language in Language::ALL {
            for page in all(Reader {
                language,
                brand: &brand,
            }) {
                assert!(!page.contains("<b>") && !page.contains("</title><script>"), "{page}");
            }
        }
    }
}
