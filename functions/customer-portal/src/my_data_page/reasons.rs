//! Why a message came.

use apropos_core::explain::factor_name;
use apropos_core::language::Language;
use maud::html;

use super::words::attribute_name;
use crate::page::{Reader, Weight, button_form, page};
use crate::why::Told;

/// Why a message came: kinds of facts, and the way to the values.
pub(crate) fn why(reader: Reader<'_>, told: &Told, ask_at: &str) -> String {
    let heading = reader.say("Pourquoi ce message\u{a0}?", "Why this message?");
    let in_language = |both: &[String; 2]| match reader.language {
        Language::French => both[0].clone(),
        Language::English => both[1].clone(),
    };
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                @match told {
                    Told::Nothing => {
                        p { (reader.say(
                            "La décision d’envoyer ce message n’est plus gardée. Vos choix actuels sont sur la page de vos choix.",
                            "The decision to send this message is no longer kept. What you have chosen is on your choices page.",
                        )) }
                    }
                    Told::Message { title, sentence, counted, uses } => {
                        p.note { (in_language(title)) }
                        p { (in_language(sentence)) }
                        @if !counted.is_empty() {
                            h2 { (reader.say("Ce qui a compté, dans l’ordre", "What counted, in order")) }
                            ul { @for factor in counted { li { (factor_name(reader.language, *factor)) } } }
                        }
                        @if !uses.is_empty() {
                            h2 { (reader.say("Les informations que vous permettez à l’offre de lire", "The facts that you let the offer read")) }
                            ul { @for (attribute, because) in uses {
                                li {
                                    h3 { (attribute_name(reader.language, *attribute)) }
                                    p { (in_language(because)) }
                                }
                            } }
                        }
                    }
                }
                p.small { (reader.say(
                    "Un message se transfère\u{a0}: cette page ne montre donc aucune de vos informations.",
                    "Messages get forwarded, so this page shows none of your facts.",
                )) }
            }
            section {
                h2 { (reader.say("Voir, corriger ou interdire", "See, correct or forbid")) }
                p { (reader.say(
                    "Un lien neuf envoyé à votre adresse montre chaque information, d’où elle vient et depuis quand.",
                    "A fresh link sent to your address shows each fact, where it comes from and since when.",
                )) }
                @for (value, label) in [
                    ("access", reader.say("M’envoyer le lien pour voir", "Send me the link to see")),
                    ("correct", reader.say("M’envoyer le lien pour corriger", "Send me the link to correct")),
                ] {
                    (button_form(Some(ask_at), &[("ask", value)], Weight::Second, &html! { (label) }))
                }
            }
        },
    )
}
