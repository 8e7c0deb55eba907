//! The pages, in French and English: plain HTML with small forms. No script, no picture, nothing from elsewhere.

use apropos_core::brand::{Brand, Topic};
use apropos_core::consent::{Consents, DataPurpose, Objection, Purpose};
use apropos_core::language::Language;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::choice::{Choice, Switch};
use crate::visit::Leaving;

/// The stylesheet inside each page; the content security policy names its hash.
pub(crate) const STYLE: &str = include_str!("style.css");

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

    fn topic(&self, topic: &Topic) -> String {
        quoted(self.language, topic.name.get(self.language))
    }

    pub(crate) fn say<'s>(&self, french: &'s str, english: &'s str) -> &'s str {
        say(self.language, french, english)
    }
}

pub(crate) const fn say<'s>(language: Language, french: &'s str, english: &'s str) -> &'s str {
    match language {
        Language::French => french,
        Language::English => english,
    }
}

fn quoted(language: Language, text: &str) -> String {
    match language {
        Language::French => format!("«\u{a0}{text}\u{a0}»"),
        Language::English => format!("“{text}”"),
    }
}

/// What leaving means, and the one button that does it.
pub(crate) fn leave(reader: Reader<'_>, leaving: Leaving<'_>, choices: &str) -> String {
    let brand = reader.brand();
    let (heading, meaning) = match (reader.language, leaving) {
        (Language::French, Leaving::Topic(topic)) => (
            format!("Ne plus recevoir {}\u{a0}?", reader.topic(topic)),
            format!(
                "{brand} ne vous enverra plus d’e-mails {}. C’est immédiat\u{a0}; seul un message déjà parti peut encore \
                 arriver. Vos autres choix ne changent pas.",
                reader.topic(topic)
            ),
        ),
        (Language::English, Leaving::Topic(topic)) => (
            format!("Stop receiving {}?", reader.topic(topic)),
            format!(
                "{brand} will no longer e-mail you {}. This takes effect at once; only a message already on its way may \
                 still arrive. Your other choices stay as they are.",
                reader.topic(topic)
            ),
        ),
        (Language::French, Leaving::Everything) => (
            "Ne plus recevoir aucune offre\u{a0}?".to_owned(),
            format!(
                "Le type de message que vous avez reçu n’existe plus. {brand} ne vous enverra donc plus aucune offre. \
                 C’est immédiat\u{a0}; seul un message déjà parti peut encore arriver."
            ),
        ),
        (Language::English, Leaving::Everything) => (
            "Stop receiving any offers?".to_owned(),
            format!(
                "The kind of message that you received no longer exists, so {brand} will send you no offers at all. This \
                 takes effect at once; only a message already on its way may still arrive."
            ),
        ),
    };
    page(
        reader.language,
        &heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            p { (meaning) }
            form method="post" {
                input type="hidden" name="action" value="leave";
                button type="submit" { (reader.say("Me désinscrire", "Unsubscribe")) }
            }
            p { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
        },
    )
}

/// It is done, with the way back.
pub(crate) fn left(reader: Reader<'_>, leaving: Leaving<'_>, choices: &str) -> String {
    let brand = reader.brand();
    let done = match (reader.language, leaving) {
        (Language::French, Leaving::Topic(topic)) => {
            format!("{brand} ne vous enverra plus d’e-mails {}.", reader.topic(topic))
        }
        (Language::English, Leaving::Topic(topic)) => {
            format!("{brand} will send you no more {} e-mails.", reader.topic(topic))
        }
        (Language::French, Leaving::Everything) => format!("{brand} ne vous enverra plus aucune offre."),
        (Language::English, Leaving::Everything) => format!("{brand} will send you no more offers."),
    };
    let heading = reader.say("C’est fait", "Done");
    let undo = reader.say("C’était une erreur, annuler", "That was a mistake, undo");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            p role="status" { (done) }
            form method="post" {
                input type="hidden" name="action" value="undo";
                button.second type="submit" { (undo) }
            }
            // Lifting an objection is no new yes; coming back to a topic is.
            @if let Leaving::Topic(_) = leaving { (agreeing(reader, undo)) }
            p { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
        },
    )
}

/// For a link that leads to nobody any more: whoever follows it receives nothing. It does not say why.
pub(crate) fn out(reader: Reader<'_>) -> String {
    let brand = reader.brand();
    let heading = reader.say("Vous ne recevez rien", "You receive nothing");
    let text = match reader.language {
        Language::French => format!("Par ce lien, {brand} n’envoie plus rien à personne. Il n’y a rien à faire."),
        Language::English => {
            format!("By this link, {brand} sends nothing to anybody any more. There is nothing to do.")
        }
    };
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            p role="status" { (text) }
        },
    )
}

/// Back as before.
pub(crate) fn back(
    reader: Reader<'_>,
    leaving: Leaving<'_>,
    consents: &Consents,
    choices: &str,
    now: Timestamp,
) -> String {
    let brand = reader.brand();
    let done = match (reader.language, leaving) {
        (Language::French, Leaving::Topic(topic)) => {
            format!("{brand} vous enverra de nouveau des e-mails {}.", reader.topic(topic))
        }
        (Language::English, Leaving::Topic(topic)) => {
            format!("{brand} will send you {} e-mails again.", reader.topic(topic))
        }
        (Language::French, Leaving::Everything) => format!("{brand} peut de nouveau vous écrire, selon vos choix."),
        (Language::English, Leaving::Everything) => format!("{brand} may write to you again, as you have chosen."),
    };
    let heading = reader.say("C’est annulé", "Undone");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            p role="status" { (done) }
            @if consents.objects(Objection::NoMarketing, now) { p.note { (objecting(reader)) } }
            form method="post" {
                input type="hidden" name="action" value="leave";
                button.second type="submit" { (reader.say("Me désinscrire", "Unsubscribe")) }
            }
            p { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
        },
    )
}

/// Whether a change was just recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The page was opened.
    Opened,
    /// A button was pressed.
    Saved,
}

/// Every choice of a brand, each with what it changes and its button.
pub(crate) fn choices(reader: Reader<'_>, consents: &Consents, occasion: Occasion, now: Timestamp) -> String {
    let heading = reader.say("Mes choix", "My choices");
    let objects = consents.objects(Objection::NoMarketing, now);
    let receive = reader.say("Recevoir", "Receive");
    let allow = reader.say("Accepter", "Allow");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            @if occasion == Occasion::Saved {
                p.note role="status" { (reader.say("C’est enregistré, et déjà en vigueur.", "Saved, and in effect already.")) }
            }
            @if objects { p.note { (objecting(reader)) } }
            h2 { (reader.say("M’écrire par e-mail", "E-mail me about")) }
            ul {
                @for topic in reader.brand.topics.iter() {
                    (row(reader, &Item {
                        title: topic.name.get(reader.language),
                        detail: None,
                        purpose: Choice::email(topic, Switch::On).purpose,
                        is_on: consents.email(&topic.id, now).is_granted(),
                        turn_on: receive,
                        turn_off: reader.say("Ne plus recevoir", "Stop"),
                    }))
                }
            }
            h2 { (reader.say("Utiliser mes informations", "Use what it knows about me")) }
            ul {
                (row(reader, &Item {
                    title: reader.say("Mes achats, mes goûts et mon logement", "What I buy, what I like and my home’s features"),
                    detail: Some(reader.say(
                        "Oui\u{a0}: les offres sont choisies d’après eux. Non\u{a0}: ils ne servent plus à choisir, et les \
                         offres qui en dépendent ne vous sont pas envoyées. Vos abonnements ne changent pas.",
                        "On: offers are chosen by them. Off: they are no longer used to choose, and offers that depend on \
                         them are not sent to you. Your subscriptions stay as they are.",
                    )),
                    purpose: Purpose::Data(DataPurpose::Profiling),
                    is_on: consents.allows(DataPurpose::Profiling, now),
                    turn_on: allow,
                    turn_off: reader.say("Refuser", "Refuse"),
                }))
                (row(reader, &Item {
                    title: reader.say("La zone où j’habite", "The area where I live"),
                    detail: Some(reader.say(
                        "Oui\u{a0}: vous recevez ce qui se passe près de chez vous. C’est une zone d’environ 0,7\u{a0}km², \
                         jamais votre rue. Non\u{a0}: les offres liées à un lieu ne vous sont pas envoyées.",
                        "On: you receive what is near your home. It is an area of about 0.7 km², never your street. Off: \
                         offers that are tied to a place are not sent to you.",
                    )),
                    purpose: Purpose::Data(DataPurpose::HomeLocation),
                    is_on: consents.allows(DataPurpose::HomeLocation, now),
                    turn_on: allow,
                    turn_off: reader.say("Refuser", "Refuse"),
                }))
            }
            (agreeing(reader, &format!("{receive}{}{allow}", reader.say("\u{a0}» ou «\u{a0}", "” or “"))))
            h2 { (reader.say("Tout arrêter", "Stop everything")) }
            (everything(reader, objects))
        },
    )
}

struct Item<'a> {
    title: &'a str,
    detail: Option<&'a str>,
    purpose: Purpose,
    is_on: bool,
    turn_on: &'a str,
    turn_off: &'a str,
}

/// The button's name ends with what it is about, for those who hear the page and not its layout.
fn row(reader: Reader<'_>, item: &Item<'_>) -> Markup {
    let (state, label, switch) = if item.is_on {
        (reader.say("Oui", "On"), item.turn_off, Switch::Off)
    } else {
        (reader.say("Non", "Off"), item.turn_on, Switch::On)
    };
    html! {
        li {
            div.row {
                h3 { (item.title) }
                span.state.on[item.is_on] { span.hear { (reader.say("Actuellement\u{a0}: ", "Now: ")) } (state) }
            }
            @if let Some(detail) = item.detail { p { (detail) } }
            (button(&item.purpose, switch, &html! { (label) span.hear { " " (quoted(reader.language, item.title)) } }))
        }
    }
}

fn everything(reader: Reader<'_>, objects: bool) -> Markup {
    let brand = reader.brand();
    let meaning = match reader.language {
        Language::French => format!(
            "{brand} ne vous proposera plus rien, par aucun moyen. Les choix ci-dessus sont gardés, mais ne servent plus \
             tant que vous ne revenez pas."
        ),
        Language::English => format!(
            "{brand} will propose nothing to you any more, by any means. The choices above are kept, but do nothing until \
             you come back."
        ),
    };
    let (label, switch) = if objects {
        (reader.say("Revenir à mes choix", "Go back to my choices"), Switch::Off)
    } else {
        (reader.say("Tout arrêter", "Stop everything"), Switch::On)
    };
    html! {
        p { (meaning) }
        (button(&Choice::no_marketing(switch).purpose, switch, &html! { (label) }))
    }
}

fn button(purpose: &Purpose, switch: Switch, label: &Markup) -> Markup {
    html! {
        form method="post" {
            input type="hidden" name="purpose" value=(purpose.code());
            input type="hidden" name="set" value=(switch.code());
            button.second type="submit" { (label) }
        }
    }
}

fn objecting(reader: Reader<'_>) -> String {
    let brand = reader.brand();
    match reader.language {
        Language::French => format!(
            "Vous avez demandé à {brand} de tout arrêter. Vous ne recevez donc rien, quels que soient vos autres choix."
        ),
        Language::English => {
            format!("You asked {brand} to stop everything, so you receive nothing, whatever your other choices say.")
        }
    }
}

/// What a yes is given under (GDPR 7(1)): the notice that the evidence will name.
fn agreeing(reader: Reader<'_>, label: &str) -> Markup {
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

/// For a link that is not ours, whatever is wrong with it: one page for all, so that nobody learns anything by trying.
pub(crate) fn refusal(language: Language) -> String {
    let heading = say(language, "Cette page n’existe pas", "There is no such page");
    let advice = say(
        language,
        "Si vous avez suivi un lien d’un message, ouvrez-le de nouveau depuis le message, en entier.",
        "If you followed a link in a message, open it again from the message, whole.",
    );
    notice(language, heading, advice)
}

/// For a form that cannot be read.
pub(crate) fn unreadable(language: Language) -> String {
    let heading = say(language, "Rien n’a changé", "Nothing was changed");
    let advice = say(
        language,
        "Nous n’avons pas compris cette demande. Ouvrez de nouveau le lien du message et appuyez sur le bouton.",
        "We did not understand this request. Open the link in the message again and press the button.",
    );
    notice(language, heading, advice)
}

/// For a store that does not answer.
pub(crate) fn unavailable(language: Language) -> String {
    let heading = say(language, "Réessayez dans un instant", "Please try again in a moment");
    let advice = say(
        language,
        "Nous n’avons pas pu traiter votre demande maintenant. Revenez dans une minute et réessayez\u{a0}; le lien reste \
         valable.",
        "We could not do it just now. Come back in a minute and try again; the link stays valid.",
    );
    notice(language, heading, advice)
}

fn notice(language: Language, heading: &str, advice: &str) -> String {
    page(
        language,
        heading,
        None,
        &html! {
            h1 { (heading) }
            p { (advice) }
        },
    )
}

pub(crate) fn page(language: Language, title: &str, brand: Option<&Brand>, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) @if let Some(brand) = brand { " · " (brand.name.as_str()) } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @if let Some(brand) = brand { p.brand { (brand.name.as_str()) } }
                    (content)
                }
                @if let Some(brand) = brand { footer { p { (brand.imprint) } } }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use apropos_core::consent::{Act, Actor};

    use super::*;
    use crate::fixture::{brand, brand_document, brand_from, fold, now};

    fn all(brand: &Brand, language: Language, consents: &Consents) -> Vec<(&'static str, String)> {
        let reader = Reader { language, brand };
        let topic = Leaving::Topic(brand.topics.iter().next().unwrap());
        let choices_at = "/p/lumen/token";
        vec![
            ("leave", leave(reader, topic, choices_at)),
            ("leave-everything", leave(reader, Leaving::Everything, choices_at)),
            ("left", left(reader, topic, choices_at)),
            ("left-everything", left(reader, Leaving::Everything, choices_at)),
            ("back", back(reader, topic, consents, choices_at, now())),
            ("choices", choices(reader, consents, Occasion::Opened, now())),
            ("saved", choices(reader, consents, Occasion::Saved, now())),
            ("refusal", refusal(language)),
            ("unreadable", unreadable(language)),
            ("unavailable", unavailable(language)),
        ]
    }

    fn consents() -> Consents {
        fold(&[
            ("email.offers", Act::Grant, Actor::Customer, -60),
            ("profiling", Act::Grant, Actor::Customer, -60),
        ])
    }

    fn everywhere() -> Vec<(&'static str, Language, String)> {
        let brand = brand();
        let objecting = fold(&[("no_marketing", Act::Grant, Actor::Customer, -60)]);
        let mut pages = Vec::new();
        for language in Language::ALL {
            for consents in [consents(), objecting.clone()] {
                pages.extend(
                    all(&brand, language, &consents)
                        .into_iter()
                        .map(|(name, page)| (name, language, page)),
                );
            }
        }
        pages
    }

    #[test]
    fn every_page_says_its_language_and_has_one_heading_and_a_title() {
        for (name, language, page) in everywhere() {
            assert!(
                page.starts_with(&format!("<!DOCTYPE html><html lang=\"{}\">", language.tag())),
                "{name}"
            );
            assert_eq!(page.matches("<h1>").count(), 1, "{name}");
            assert!(!page.contains("<title></title>"), "{name}");
            assert!(page.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
        }
    }

    #[test]
    fn no_page_runs_or_loads_anything() {
        for (name, _, page) in everywhere() {
            for part in [
                "<script",
                "<img",
                "<link",
                "<iframe",
                "src=",
                "http:",
                "https:",
                "url(",
                "@import",
                "style=",
                " onclick=",
            ] {
                assert!(!page.contains(part), "{name} {part}");
            }
        }
    }

    #[test]
    fn every_button_is_in_a_form_that_posts_to_its_own_address() {
        for (name, _, page) in everywhere() {
            let forms = page.matches("<form method=\"post\">").count();
            assert_eq!(page.matches("<form").count(), forms, "{name}");
            assert_eq!(page.matches("<button").count(), forms, "{name}");
            let expected = match name {
                "leave" | "leave-everything" | "left" | "left-everything" | "back" => 1,
                "choices" | "saved" => 5,
                _ => 0,
            };
            assert_eq!(forms, expected, "{name}");
        }
    }

    #[test]
    fn buttons_that_look_alike_are_told_apart_by_their_names() {
        for (name, _, page) in everywhere() {
            let labels: Vec<&str> = page
                .split("<button")
                .skip(1)
                .filter_map(|rest| rest.split("</button>").next())
                .collect();
            for (position, label) in labels.iter().enumerate() {
                assert!(!labels[..position].contains(label), "{name} {label}");
            }
        }
    }

    #[test]
    fn a_page_names_the_brand_the_topic_and_what_leaving_means() {
        let brand = brand();
        let page = |language| {
            leave(
                Reader {
                    language,
                    brand: &brand,
                },
                Leaving::Topic(brand.topics.iter().next().unwrap()),
                "/p",
            )
        };
        for words in [
            "Atelier Lumière",
            "«\u{a0}Offres\u{a0}»",
            "ne vous enverra plus",
            "Me désinscrire",
            "69001 Lyon",
        ] {
            assert!(page(Language::French).contains(words), "{words}");
        }
        for words in [
            "Atelier Lumière",
            "“Offers”",
            "will no longer e-mail you",
            "Unsubscribe",
        ] {
            assert!(page(Language::English).contains(words), "{words}");
        }
    }

    #[test]
    fn a_choice_shows_its_state_and_its_button_sets_the_other() {
        let brand = brand();
        let reader = Reader {
            language: Language::English,
            brand: &brand,
        };
        let page = choices(reader, &consents(), Occasion::Opened, now());
        let sets = |code: &str, switch: &str| {
            page.contains(&format!(
                "<input type=\"hidden\" name=\"purpose\" value=\"{code}\"><input type=\"hidden\" name=\"set\" value=\"{switch}\">"
            ))
        };
        assert!(sets("email.offers", "off") && sets("profiling", "off"));
        assert!(sets("email.news", "on") && sets("home_location", "on") && sets("no_marketing", "on"));
        let objecting = fold(&[("no_marketing", Act::Grant, Actor::Customer, 0)]);
        let page = choices(reader, &objecting, Occasion::Saved, now());
        assert!(
            page.contains("name=\"purpose\" value=\"no_marketing\"><input type=\"hidden\" name=\"set\" value=\"off\">")
        );
        assert!(page.contains("You asked Atelier Lumière to stop everything"));
    }

    #[test]
    fn hostile_words_of_a_brand_are_inert() {
        let hostile = "</title></style><script>alert(1)</script>\"'><form action=//evil.example>&";
        let mut document = brand_document();
        for path in ["/name", "/imprint", "/topics/0/name/fr", "/topics/0/name/en"] {
            // A display name has at most 60 characters.
            *document.pointer_mut(path).unwrap() = hostile.chars().take(60).collect::<String>().into();
        }
        document["notice"]["id"] = hostile.chars().take(60).collect::<String>().into();
        let brand = brand_from(document);
        for language in Language::ALL {
            for (name, page) in all(&brand, language, &consents()) {
                assert!(!page.contains("<script") && !page.contains("<form action"), "{name}");
                assert_eq!(page.matches("</style>").count(), 1, "{name}");
                assert_eq!(page.matches("</title>").count(), 1, "{name}");
            }
        }
    }

    #[test]
    fn the_stylesheet_can_stand_in_a_page() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
