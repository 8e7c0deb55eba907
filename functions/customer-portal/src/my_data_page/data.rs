//! Everything that is kept about the person, to read; the file has it as it is stored.

use apropos_core::document::LedgerEntryDocument;
use apropos_core::time::TimeZoneName;
use maud::{Markup, html};

use super::line;
use super::words::{
    act_name, evidence, fact_name, language_name, moment, origin, outcome_name, preference_name, purpose_name, shown,
    state_name,
};
use crate::export::{Export, KnownFact};
use crate::my_data::NextLinks;
use crate::page::{Reader, Weight, button_form, page};

/// Everything, to read.
pub(crate) fn data(reader: Reader<'_>, export: &Export, next: &NextLinks) -> String {
    let heading = reader.say("Mes données", "My data");
    let zone = export.contact.as_ref().and_then(|contact| contact.time_zone.as_deref());
    let zone = zone.and_then(|zone| TimeZoneName::new(zone).ok());
    let zone = zone.as_ref();
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                (button_form(Some(&next.see), &[("show", "json")], Weight::First, &html! {
                    (reader.say("Télécharger (JSON)", "Download (JSON)"))
                }))
                (button_form(Some(&next.correct), &[("open", "correct")], Weight::Second, &html! {
                    (reader.say("Corriger ou interdire", "Correct or forbid"))
                }))
            }
            section {
                h2 { (reader.say("Qui est responsable", "Who is responsible")) }
                p { (export.controller.imprint) " " (export.controller.write_to) }
                p.small {
                    (reader.say("Information sur la vie privée", "Privacy notice")) ": " (export.controller.notice)
                    ", version\u{a0}" (export.controller.notice_version)
                }
            }
            section {
                h2 { (reader.say("Où la marque vous écrit", "Where the brand writes to you")) }
                @if let Some(contact) = &export.contact {
                    ul {
                        (line(reader.say("Adresse", "Address"), &contact.email))
                        (line(reader.say("Langue", "Language"), language_name(reader.language, &contact.language)))
                        @if let Some(zone) = &contact.time_zone { (line(reader.say("Fuseau horaire", "Time zone"), zone)) }
                    }
                }
                @if let Some(problem) = export.contact_problem { p.note { (problem) } }
            }
            section {
                h2 { (reader.say("Ce que la marque sait de vous", "What the brand knows of you")) }
                (known(reader, &export.facts, zone))
            }
            section {
                h2 { (reader.say("Vos choix", "Your choices")) }
                ul { @for choice in &export.choices {
                    (line(&purpose_name(reader, &choice.purpose), state_name(reader.language, choice.state)))
                } }
            }
            section {
                h2 { (reader.say("Ce qui a été décidé", "What was decided")) }
                @if export.decisions.is_empty() { p { (reader.say("Rien.", "Nothing.")) } }
                ul { @for decision in &export.decisions {
                    li {
                        h3 { (decision.offer) }
                        p { (moment(reader, &decision.at, zone)) " · " (outcome_name(reader.language, decision.outcome)) }
                        @if !decision.explanation.is_empty() { p { (decision.explanation) } }
                        @if let Some(record) = decision.consent_record {
                            p { (reader.say("D’après la preuve n°\u{a0}", "On proof no. ")) (record) }
                        }
                    }
                } }
            }
            section {
                h2 { (reader.say("Les preuves de vos choix", "The proofs of your choices")) }
                p.help { (reader.say(
                    "Chaque preuve d’un accord ou d’un refus se garde comme un fichier signé. Les boutons servent 15 minutes.",
                    "Each proof of a yes or a no can be kept as a signed file. The buttons work for 15 minutes.",
                )) }
                ul { @for entry in &export.ledger.entries { (proof(reader, entry, &next.receipts, zone)) } }
            }
            section {
                h2 { (reader.say("Combien de temps", "For how long")) }
                ul { @for kept in &export.kept_for { (line(kept.what, &kept.how_long)) } }
            }
            section {
                h2 { (reader.say("Vos droits", "Your rights")) }
                ul { @for right in &export.rights { li { (right) } } }
                form method="get" action=(next.erase) {
                    button.second type="submit" { (reader.say("Effacer mes données…", "Erase my data…")) }
                }
            }
        },
    )
}

fn known(reader: Reader<'_>, facts: &[KnownFact], zone: Option<&TimeZoneName>) -> Markup {
    html! {
        @if facts.is_empty() { p { (reader.say("Rien.", "Nothing.")) } }
        ul { @for fact in facts {
            li {
                h3 { (fact_name(reader, &fact.name)) }
                p { (shown(reader, fact)) " · " (origin(reader, fact.origin.as_ref(), zone)) }
            }
        } }
    }
}

/// An entry of the ledger, with its receipt where it is a consent event.
fn proof(reader: Reader<'_>, entry: &LedgerEntryDocument, receipts: &str, zone: Option<&TimeZoneName>) -> Markup {
    let seq = entry.seq.to_string();
    html! {
        @if let Some(preference) = &entry.preference {
            li {
                h3 { (seq) ". " (preference_name(reader.language, &preference.preference)) }
                p { (moment(reader, &preference.effective_at, zone)) " · " (evidence(reader, &preference.evidence)) }
            }
        }
        @if let Some(proof) = &entry.proof {
            li {
                @if proof.is_lapse() {
                    h3 { (seq) ". " (reader.say("Vos données sont arrivées à échéance", "Your data lapsed")) }
                    p { (moment(reader, &proof.effective_at, zone)) " · " (reader.say(
                        "effacées d’elles-mêmes, sans signe de vous",
                        "erased by itself, without a sign from you",
                    )) }
                } @else {
                    h3 { (seq) ". " (purpose_name(reader, &proof.purpose)) " · " (act_name(reader.language, &proof.act)) }
                    p { (moment(reader, &proof.effective_at, zone)) " · " (reader.say("détail effacé", "details erased")) }
                }
            }
        }
        @if let Some(event) = &entry.event {
            li {
                h3 { (seq) ". " (purpose_name(reader, &event.purpose)) " · " (act_name(reader.language, &event.act)) }
                p { (moment(reader, &event.effective_at, zone)) " · " (evidence(reader, &event.evidence)) }
                (button_form(Some(receipts), &[("show", "receipt"), ("seq", &seq)], Weight::Second, &html! {
                    (reader.say("Garder la preuve", "Keep the proof"))
                    span.hear { (reader.say(" n°\u{a0}", " no. ")) (seq) }
                }))
            }
        }
    }
}
