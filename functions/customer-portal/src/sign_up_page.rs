//! The pages of a sign-up: the form, what comes next, and the confirmation.

use apropos_core::consent::{Channel, Purpose};
use apropos_core::language::Language;
use apropos_core::transactional::{channel_words, purpose_words};
use maud::{Markup, html};

use crate::page::{Reader, Weight, button_form, page};

/// What was typed, to show it again beside what is wrong with it. Nothing is ticked in advance (GDPR 4(11), CJEU C-673/17).
#[derive(Default)]
pub(crate) struct Typed<'a> {
    pub(crate) email: &'a str,
    pub(crate) language: Option<Language>,
    pub(crate) topics: &'a [String],
    pub(crate) channels: &'a [String],
}

/// What has to be put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No topic, or no channel.
    NothingTicked,
    /// Not an address.
    Address,
}

/// The form.
pub(crate) fn form(reader: Reader<'_>, typed: &Typed<'_>, problem: Option<Problem>) -> String {
    let heading = match reader.language {
        Language::French => format!("Recevoir les messages de {}", reader.brand()),
        Language::English => format!("Receive messages from {}", reader.brand()),
    };
    let is_wrong = problem == Some(Problem::Address);
    page(
        reader.language,
        &heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            @if let Some(problem) = problem { p.note.bad #problem role="alert" { (told(reader, problem)) } }
            section {
                form method="post" {
                    fieldset {
                        legend { (reader.say("Je veux recevoir", "I want to receive")) }
                        div.boxes {
                            @for topic in reader.brand.topics.iter() {
                                (tick("topic", topic.id.as_str(), topic.name.get(reader.language), typed.topics))
                            }
                        }
                    }
                    fieldset {
                        legend { (reader.say("De quelle façon", "In which way")) }
                        div.boxes {
                            @for channel in Channel::ALL {
                                (tick("channel", channel.code(), channel_words(channel, reader.language), typed.channels))
                            }
                        }
                    }
                    div.field {
                        label for="email" { (reader.say("Mon adresse e-mail", "My e-mail address")) }
                        input #email type="email" name="email" autocomplete="email" required maxlength="254"
                            value=(typed.email) aria-invalid=[is_wrong.then_some("true")]
                            aria-describedby=[is_wrong.then_some("problem")];
                    }
                    div.field {
                        label for="language" { (reader.say("Ma langue", "My language")) }
                        select #language name="language" {
                            @for (language, name) in [(Language::French, "Français"), (Language::English, "English")] {
                                option value=(language.tag()) lang=(language.tag())
                                    selected[typed.language.unwrap_or(reader.language) == language] { (name) }
                            }
                        }
                    }
                    // People do not see it and leave it empty; programs fill in whatever they find.
                    p hidden {
                        label for="website" { (reader.say("Laissez ce champ vide", "Leave this field empty")) }
                        input #website type="text" name="website" tabindex="-1" autocomplete="off";
                    }
                    (notice(reader))
                    button type="submit" { (reader.say("M’inscrire", "Sign up")) }
                }
            }
        },
    )
}

fn tick(name: &str, value: &str, label: &str, ticked: &[String]) -> Markup {
    html! {
        label.box {
            input type="checkbox" name=(name) value=(value) checked[ticked.iter().any(|each| each == value)];
            span { bdi { (label) } }
        }
    }
}

fn told(reader: Reader<'_>, problem: Problem) -> &str {
    match problem {
        Problem::NothingTicked => reader.say(
            "Cochez au moins une chose à recevoir et une façon de la recevoir.",
            "Tick at least one thing to receive and one way to receive it.",
        ),
        Problem::Address => reader.say(
            "Nous ne reconnaissons pas cette adresse e-mail. Vérifiez-la\u{a0}: elle ressemble à nom@exemple.fr.",
            "We do not recognise this e-mail address. Check it: it looks like name@example.com.",
        ),
    }
}

/// What GDPR 13 asks to be said when data are collected, and the notice that the evidence will name.
fn notice(reader: Reader<'_>) -> Markup {
    let (brand, notice) = (reader.brand(), &reader.brand.notice);
    let (before, name, after) = match reader.language {
        Language::French => (
            format!(
                "{brand} utilise votre adresse pour vous envoyer ce que vous avez coché, et rien d’autre, tant que vous le \
                 voulez\u{a0}: vous pouvez vous désinscrire à tout moment, d’un clic, et voir, corriger ou effacer vos \
                 données. Vous recevrez un message pour confirmer. Information sur la vie privée\u{a0}: "
            ),
            format!("«\u{a0}{}\u{a0}», version\u{a0}{}", notice.id, notice.version),
            ".",
        ),
        Language::English => (
            format!(
                "{brand} uses your address to send you what you have ticked, and nothing else, for as long as you want it: \
                 you can unsubscribe at any time, with one click, and see, correct or erase your data. You will receive a \
                 message to confirm. Privacy notice: "
            ),
            format!("“{}”, version {}", notice.id, notice.version),
            ".",
        ),
    };
    html! {
        p.small {
            (before)
            @if let Some(link) = &reader.brand.notice_link { a href=(link) { (name) } } @else { (name) }
            (after)
        }
    }
}

/// The same for every address.
pub(crate) fn sent(reader: Reader<'_>) -> String {
    let heading = reader.say("Regardez vos e-mails", "Check your e-mail");
    let next = match reader.language {
        Language::French => format!(
            "{} vous écrit à cette adresse, si elle peut recevoir ses messages. Ouvrez le message et suivez son lien\u{a0}: \
             rien ne commence avant. Il peut mettre quelques minutes, et se trouver parmi les indésirables.",
            reader.brand()
        ),
        Language::English => format!(
            "{} is writing to this address, if it can receive its messages. Open the message and follow its link: nothing \
             begins before that. It may take a few minutes, and be among your spam.",
            reader.brand()
        ),
    };
    simple(reader, heading, &next, None)
}

/// Too many from one source.
pub(crate) fn too_many(reader: Reader<'_>) -> String {
    let heading = reader.say("Un peu plus tard", "A little later");
    let advice = reader.say(
        "Trop d’inscriptions viennent de votre réseau en ce moment. Réessayez dans une heure.",
        "Too many people are signing up from your network just now. Try again in an hour.",
    );
    simple(reader, heading, advice, None)
}

/// What is about to be confirmed, and the one button that does it.
pub(crate) fn confirm(reader: Reader<'_>, purposes: &[Purpose]) -> String {
    let heading = reader.say("Confirmer mon inscription", "Confirm my subscription");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            section {
                h1 { (heading) }
                p {
                    (match reader.language {
                        Language::French => format!("{} vous enverra\u{a0}:", reader.brand()),
                        Language::English => format!("{} will send you:", reader.brand()),
                    })
                }
                (list(reader, purposes))
                (button_form(None, &[("action", "confirm")], Weight::First, &html! {
                    (reader.say("Confirmer", "Confirm"))
                }))
                p.small {
                    (reader.say(
                        "Ce n’était pas vous\u{a0}? Fermez cette page\u{a0}: rien ne change. Si vous aviez tout arrêté, \
                         confirmer le remet en marche. Vous pourrez vous désinscrire à tout moment.",
                        "It was not you? Close this page: nothing changes. If you had stopped everything, confirming \
                         starts it again. You can unsubscribe at any time.",
                    ))
                }
            }
        },
    )
}

/// It is done, or had been.
pub(crate) fn confirmed(reader: Reader<'_>, purposes: &[Purpose], choices: Option<&str>) -> String {
    let heading = reader.say("C’est confirmé", "It is confirmed");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            section {
                h1 { (heading) }
                p role="status" {
                    @if purposes.is_empty() {
                        (reader.say("Ce lien a déjà servi. Rien n’a changé.", "This link was used already. Nothing has changed."))
                    } @else {
                        (match reader.language {
                            Language::French => format!("{} peut maintenant vous envoyer\u{a0}:", reader.brand()),
                            Language::English => format!("{} may now send you:", reader.brand()),
                        })
                    }
                }
                (list(reader, purposes))
                @if let Some(choices) = choices {
                    p { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
                }
            }
        },
    )
}

/// The link is over. Asking again is one click away.
pub(crate) fn ended(reader: Reader<'_>) -> String {
    let heading = reader.say("Ce lien n’est plus valable", "This link is no longer valid");
    let advice = reader.say(
        "Un lien de confirmation vaut 7 jours. Rien n’a été enregistré\u{a0}; vous pouvez vous inscrire de nouveau.",
        "A confirmation link is valid for 7 days. Nothing was recorded; you can sign up again.",
    );
    let again = format!("/s/{}", reader.brand.id);
    simple(
        reader,
        heading,
        advice,
        Some((&again, reader.say("M’inscrire de nouveau", "Sign up again"))),
    )
}

fn list(reader: Reader<'_>, purposes: &[Purpose]) -> Markup {
    html! {
        @if !purposes.is_empty() {
            ul {
                @for purpose in purposes { li { (purpose_words(purpose, reader.brand, reader.language)) } }
            }
        }
    }
}

fn simple(reader: Reader<'_>, heading: &str, text: &str, link: Option<(&str, &str)>) -> String {
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            section {
                h1 { (heading) }
                p role="status" { (text) }
                @if let Some((href, label)) = link { p { a href=(href) { (label) } } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{brand, brand_document, brand_from};

    fn purposes() -> Vec<Purpose> {
        ["email.offers", "sms.news"]
            .map(|code| Purpose::from_code(code).unwrap())
            .into()
    }

    fn all(brand: &apropos_core::brand::Brand, language: Language) -> Vec<(&'static str, String)> {
        let reader = Reader { language, brand };
        let typed = Typed {
            email: "\"><script>alert(1)</script>",
            topics: &["offers".to_owned()],
            ..Typed::default()
        };
        vec![
            ("form", form(reader, &Typed::default(), None)),
            ("form-address", form(reader, &typed, Some(Problem::Address))),
            ("form-nothing", form(reader, &typed, Some(Problem::NothingTicked))),
            ("sent", sent(reader)),
            ("too-many", too_many(reader)),
            ("confirm", confirm(reader, &purposes())),
            ("confirmed", confirmed(reader, &purposes(), Some("/p/lumen/token"))),
            ("confirmed-again", confirmed(reader, &[], None)),
            ("ended", ended(reader)),
        ]
    }

    #[test]
    fn nothing_is_ticked_in_advance() {
        for language in Language::ALL {
            let (_, form) = all(&brand(), language).into_iter().next().unwrap();
            assert_eq!(form.matches("type=\"checkbox\"").count(), 6);
            assert!(!form.contains("checked"));
        }
    }

    #[test]
    fn the_form_shows_the_notice_that_the_evidence_names() {
        let mut document = brand_document();
        document["notice_link"] = "https://lumen.example/vie-privee".into();
        let brand = brand_from(document);
        for language in Language::ALL {
            let (_, form) = all(&brand, language).into_iter().next().unwrap();
            assert!(form.contains("privacy") && form.contains("version"));
            assert!(form.contains("<a href=\"https://lumen.example/vie-privee\">"));
        }
    }

    #[test]
    fn every_field_has_a_label() {
        for language in Language::ALL {
            for (name, page) in all(&brand(), language) {
                for rest in page.split(" id=\"").skip(1) {
                    let id = rest.split('"').next().unwrap();
                    assert!(
                        id == "problem" || page.contains(&format!("<label for=\"{id}\">")),
                        "{name} {id}"
                    );
                }
            }
        }
    }

    #[test]
    fn pages_have_one_heading_and_run_nothing_whatever_was_typed_or_named() {
        let hostile = "</title></style><script>alert(1)</script>\"'><form action=//evil.example>&";
        let mut document = brand_document();
        for path in ["/name", "/imprint", "/topics/0/name/fr", "/topics/0/name/en"] {
            *document.pointer_mut(path).unwrap() = hostile.chars().take(60).collect::<String>().into();
        }
        document["notice"]["id"] = hostile.chars().take(60).collect::<String>().into();
        for brand in [brand(), brand_from(document)] {
            for language in Language::ALL {
                for (name, page) in all(&brand, language) {
                    assert_eq!(page.matches("<h1>").count(), 1, "{name}");
                    assert!(page.starts_with(&format!("<!DOCTYPE html><html lang=\"{}\">", language.tag())));
                    assert!(!page.contains("<script") && !page.contains("<form action"), "{name}");
                    assert_eq!(page.matches("</title>").count(), 1, "{name}");
                    assert_eq!(page.matches("</style>").count(), 1, "{name}");
                    for part in ["<img", "<link", "src=", "style=", "onclick="] {
                        assert!(!page.contains(part), "{name} {part}");
                    }
                }
            }
        }
    }
}
