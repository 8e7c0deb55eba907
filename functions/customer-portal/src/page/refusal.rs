//! Pages for what cannot be done: the same for everybody, so that nobody learns anything by trying.

use apropos_core::language::Language;
use maud::{Markup, html};

use super::frame::{Weight, button_form, page, say};

/// Words in French and in English.
type Both = (&'static str, &'static str);

/// For a link that is not ours, whatever is wrong with it: one page for all.
pub(crate) fn refusal(language: Language) -> String {
    notice(
        language,
        ("Cette page n’existe pas", "There is no such page"),
        (
            "Si vous avez suivi un lien d’un message, ouvrez-le de nouveau depuis le message, en entier.",
            "If you followed a link in a message, open it again from the message, whole.",
        ),
        &html! {},
    )
}

/// For a form that cannot be read.
pub(crate) fn unreadable(language: Language) -> String {
    notice(
        language,
        ("Rien n’a changé", "Nothing was changed"),
        (
            "Nous n’avons pas compris cette demande. Ouvrez de nouveau le lien du message et appuyez sur le bouton.",
            "We did not understand this request. Open the link in the message again and press the button.",
        ),
        &html! {},
    )
}

/// For a store that does not answer.
pub(crate) fn unavailable(language: Language) -> String {
    notice(
        language,
        ("Réessayez dans un instant", "Please try again in a moment"),
        (
            "Nous n’avons pas pu traiter votre demande maintenant. Revenez dans une minute et réessayez\u{a0}; le lien reste \
             valable.",
            "We could not do it just now. Come back in a minute and try again; the link stays valid.",
        ),
        &html! {},
    )
}

/// For more changes than a person makes.
pub(crate) fn too_often(language: Language) -> String {
    notice(
        language,
        ("Trop de changements d’un coup", "Too many changes at once"),
        (
            "Rien n’a changé cette fois-ci. Revenez dans une heure\u{a0}; vous désinscrire reste possible à tout moment.",
            "Nothing was changed this time. Come back in an hour; you can still unsubscribe at any time.",
        ),
        &html! {},
    )
}

/// For more visits than a person makes. Whoever came to leave can do so all the same: the button asks for nothing to be
/// read. `leave` is what it sends.
pub(crate) fn too_many_visits(language: Language, leave: Option<&str>) -> String {
    let button = leave.map(|leave| {
        let label = html! { (say(language, "Me désinscrire", "Unsubscribe")) };
        button_form(None, &[("action", leave)], Weight::First, &label)
    });
    notice(
        language,
        ("Un instant, s’il vous plaît", "One moment, please"),
        (
            "Cette page a été ouverte beaucoup de fois de suite, peut-être par un programme qui vérifie les liens. Rien n’a \
             changé. Revenez dans une minute\u{a0}; le lien reste valable.",
            "This page was opened many times in a row, perhaps by a program that checks links. Nothing was changed. Come \
             back in a minute; the link stays valid.",
        ),
        &html! { @if let Some(button) = button { (button) } },
    )
}

fn notice(language: Language, heading: Both, advice: Both, more: &Markup) -> String {
    let heading = say(language, heading.0, heading.1);
    page(
        language,
        heading,
        None,
        &html! {
            h1 { (heading) }
            p { (say(language, advice.0, advice.1)) }
            (more)
        },
    )
}
