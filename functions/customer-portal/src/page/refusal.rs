//! Pages for what cannot be done: the same for everybody, so that nobody learns anything by trying.

use apropos_core::language::Language;
use maud::html;

use super::frame::{page, say};

/// For a link that is not ours, whatever is wrong with it: one page for all.
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

/// For more changes than a person makes.
pub(crate) fn too_often(language: Language) -> String {
    let heading = say(language, "Trop de changements d’un coup", "Too many changes at once");
    let advice = say(
        language,
        "Rien n’a changé cette fois-ci. Revenez dans une heure\u{a0}; vous désinscrire reste possible à tout moment.",
        "Nothing was changed this time. Come back in an hour; you can still unsubscribe at any time.",
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
