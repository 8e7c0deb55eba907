//! The page behind the unsubscribe link: what the person receives, one button for each, and the way back.

use apropos_core::consent::{Channel, Consents, Objection, Purpose};
use apropos_core::language::Language;
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Reader, Weight, agreeing, button_form, page};
use super::objecting;
use crate::visit::Leaving;

/// What leaving means, and the one button that does it; then what else the person receives, each with its own.
pub(crate) fn leave(
    reader: Reader<'_>,
    leaving: Leaving<'_>,
    consents: &Consents,
    choices: &str,
    now: Timestamp,
) -> String {
    let brand = reader.brand();
    let (heading, meaning) = match (reader.language, leaving) {
        (Language::French, Leaving::Topic(topic, channel)) => (
            format!("Ne plus recevoir {} {}\u{a0}?", reader.topic(topic), reader.by(channel)),
            format!(
                "{brand} ne vous enverra plus {} {}. C’est immédiat\u{a0}; seul un message déjà parti peut encore \
                 arriver. Vos autres choix ne changent pas.",
                reader.topic(topic),
                reader.by(channel)
            ),
        ),
        (Language::English, Leaving::Topic(topic, channel)) => (
            format!("Stop receiving {} {}?", reader.topic(topic), reader.by(channel)),
            format!(
                "{brand} will no longer send you {} {}. This takes effect at once; only a message already on its way may \
                 still arrive. Your other choices stay as they are.",
                reader.topic(topic),
                reader.by(channel)
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
            section {
                h1 { (heading) }
                p { (meaning) }
                (button_form(None, &[("action", "leave")], Weight::Wide, &html! {
                    (reader.say("Me désinscrire", "Unsubscribe"))
                }))
            }
            (others(reader, leaving, consents, now))
            p.after { (reader.say("Plutôt moins souvent, ou une pause de 30 jours\u{a0}? ", "Rather less often, or a break of 30 days? "))
                a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
        },
    )
}

/// What else the brand may send, with a button for each and one for all of it.
fn others(reader: Reader<'_>, leaving: Leaving<'_>, consents: &Consents, now: Timestamp) -> Markup {
    let received: Vec<_> = reader
        .brand
        .topics
        .iter()
        .flat_map(|topic| Channel::ALL.map(|channel| Leaving::Topic(topic, channel)))
        .filter(|each| *each != leaving && consents.state(&each.purpose(), now).is_granted())
        .collect();
    let everything = reader.say("Tout arrêter", "Stop everything");
    html! {
        @if leaving != Leaving::Everything {
            section {
                h2 { @if received.is_empty() { (reader.say("Et le reste", "And the rest")) }
                     @else { (reader.say("Vous recevez aussi", "You also receive")) } }
                ul.rows {
                    @for each in received {
                        @if let Leaving::Topic(topic, channel) = each {
                            li {
                                span { bdi { (topic.name.get(reader.language)) } " " span.soft { (reader.by(channel)) } }
                                (act("leave", &each.purpose(), &html! {
                                    (reader.say("Arrêter", "Stop"))
                                    span.hear { " " (reader.topic(topic)) " " (reader.by(channel)) }
                                }))
                            }
                        }
                    }
                    li {
                        span { (reader.say("Tout ce que propose ", "Everything that "))
                               bdi { (reader.brand()) } (reader.say("", " proposes")) }
                        (act("leave", &Leaving::Everything.purpose(), &html! { (everything) }))
                    }
                }
            }
        }
    }
}

fn act(action: &str, purpose: &Purpose, label: &Markup) -> Markup {
    let sends = [("action", action), ("purpose", &purpose.code())];
    button_form(None, &sends, Weight::Second, label)
}

/// It is done, with the way back.
pub(crate) fn left(reader: Reader<'_>, leaving: Leaving<'_>, choices: &str) -> String {
    let brand = reader.brand();
    let done = match (reader.language, leaving) {
        (Language::French, Leaving::Topic(topic, channel)) => {
            format!(
                "{brand} ne vous enverra plus {} {}.",
                reader.topic(topic),
                reader.by(channel)
            )
        }
        (Language::English, Leaving::Topic(topic, channel)) => {
            format!(
                "{brand} will no longer send you {} {}.",
                reader.topic(topic),
                reader.by(channel)
            )
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
            section {
                h1.done { (heading) }
                p role="status" { (done) }
                (act("undo", &leaving.purpose(), &html! { (undo) }))
                // Lifting an objection is no new yes; coming back to a topic is.
                @if let Leaving::Topic(..) = leaving { (agreeing(reader, undo)) }
            }
            p.after { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
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
    nothing_to_do(reader, heading, &text, None)
}

/// A page that only tells how things are.
fn nothing_to_do(reader: Reader<'_>, heading: &str, status: &str, more: Option<&str>) -> String {
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            section {
                h1 { (heading) }
                p role="status" { (status) }
                @if let Some(more) = more { p { (more) } }
            }
        },
    )
}

/// For whoever's data lapsed, with the brand's rule: there is nothing to see or to choose, and what they refused stays so.
pub(crate) fn forgotten(reader: Reader<'_>) -> String {
    let brand = reader.brand();
    let period = reader.brand.retention.words(reader.language);
    let heading = reader.say("Vous ne recevez rien", "You receive nothing");
    let (rule, stays) = match reader.language {
        Language::French => (
            format!(
                "{brand} ne garde pas les données de qui n’a pas donné signe depuis {period}\u{a0}: elles sont effacées. Vous \
                 n’avez rien à faire."
            ),
            "Restent, sous un pseudonyme, la preuve des choix et ce qui a été refusé, qui vaut toujours. Le lien de \
             désinscription d’un message marche encore\u{a0}; une nouvelle inscription repart de zéro.",
        ),
        Language::English => (
            format!(
                "{brand} does not keep the data of anybody it has not heard from for {period}: it is erased. There is nothing \
                 to do."
            ),
            "What stays, under a pseudonym, is the proof of choices and what was refused, which still holds. The unsubscribe \
             link of a message still works; whoever signs up again starts from nothing.",
        ),
    };
    nothing_to_do(reader, heading, &rule, Some(stays))
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
        (Language::French, Leaving::Topic(topic, channel)) => format!(
            "{brand} vous enverra de nouveau {} {}.",
            reader.topic(topic),
            reader.by(channel)
        ),
        (Language::English, Leaving::Topic(topic, channel)) => format!(
            "{brand} will send you {} {} again.",
            reader.topic(topic),
            reader.by(channel)
        ),
        (Language::French, Leaving::Everything) => format!("{brand} peut de nouveau vous écrire, selon vos choix."),
        (Language::English, Leaving::Everything) => format!("{brand} may write to you again, as you have chosen."),
    };
    let heading = reader.say("C’est annulé", "Undone");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            section {
                h1.done { (heading) }
                p role="status" { (done) }
                @if consents.objects(Objection::NoMarketing, now) { p.note { (objecting(reader)) } }
                (act("leave", &leaving.purpose(), &html! { (reader.say("Me désinscrire", "Unsubscribe")) }))
            }
            p.after { a href=(choices) { (reader.say("Voir tous mes choix", "See all my choices")) } }
        },
    )
}
