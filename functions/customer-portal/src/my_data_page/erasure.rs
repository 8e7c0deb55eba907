//! The erasure: what it would do, and the certificate of what it did. Its times are exact: it is a proof to keep.

use apropos_core::erasure::Certificate;
use maud::html;

use super::line;
use crate::page::{Reader, Weight, button_form, page};

/// What goes and what stays, and the one button.
pub(super) fn confirm(reader: Reader<'_>) -> String {
    let heading = reader.say("Effacer toutes mes données\u{a0}?", "Erase all my data?");
    let goes = [
        reader.say(
            "votre adresse et tout ce que la marque sait de vous",
            "your address and all that the brand knows of you",
        ),
        reader.say(
            "vos choix, et l’historique des messages",
            "your choices, and the history of messages",
        ),
    ];
    let stays = [
        reader.say(
            "une empreinte secrète de votre adresse, pour qu’un vieux fichier ne vous fasse pas revenir",
            "a secret hash of your address, so that an old file cannot bring you back",
        ),
        reader.say(
            "la preuve de vos choix sous un pseudonyme, comme la loi le demande",
            "the proof of your choices under a pseudonym, as the law asks",
        ),
    ];
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                h2 { (reader.say("Ce qui disparaît", "What goes")) }
                ul { @for line in goes { li { (line) } } }
            }
            section {
                h2 { (reader.say("Ce qui reste", "What stays")) }
                ul { @for line in stays { li { (line) } } }
                p.note { (reader.say(
                    "C’est immédiat et définitif\u{a0}: personne ne peut revenir en arrière. Vous pourrez vous réinscrire un \
                     jour, en repartant de zéro.",
                    "It is immediate and final: nobody can undo it. You can sign up again one day, from nothing.",
                )) }
                (button_form(None, &[("erase", "yes")], Weight::First, &html! {
                    (reader.say("Tout effacer, définitivement", "Erase everything, for good"))
                }))
            }
        },
    )
}

/// It is done, with the certificate.
pub(crate) fn erased(reader: Reader<'_>, certificate: &Certificate) -> String {
    let heading = reader.say("Vos données sont effacées", "Your data is erased");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                p role="status" { (reader.say(
                    "Plus aucun message ne peut partir vers vous. Gardez cette page\u{a0}: c’est votre certificat, et il ne \
                     contient rien sur vous.",
                    "No message can leave for you any more. Keep this page: it is your certificate, and it holds nothing \
                     about you.",
                )) }
            }
            section {
                h2 { (reader.say("Certificat d’effacement", "Certificate of erasure")) }
                ul {
                    (line(reader.say("Responsable", "Controller"), &reader.brand.imprint))
                    (line(reader.say("En vigueur depuis", "In effect since"), &certificate.erased_at))
                    @if let Some(at) = &certificate.finished_at { (line(reader.say("Achevé", "Finished"), at)) }
                    @if let Some(at) = &certificate.last_step_from {
                        (line(reader.say("Dernière passe, automatique, à partir de", "Last pass, automatic, from"), at))
                    }
                    (line(
                        reader.say("Registre des preuves", "Ledger of proofs"),
                        &format!("{} · {}", certificate.ledger_entries, certificate.ledger_hash),
                    ))
                }
            }
            section {
                h2 { (reader.say("Effacé", "Erased")) }
                ul { @for what in &certificate.deleted { li { (what) } } }
            }
            section {
                h2 { (reader.say("Gardé, et pourquoi", "Kept, and why")) }
                ul { @for kept in &certificate.kept { li { (kept.what) p { (kept.why) } } } }
            }
        },
    )
}
