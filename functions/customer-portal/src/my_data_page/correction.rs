//! Every fact with its form: corrected, removed, or forbidden.

use apropos_aws::Person;
use apropos_core::attribute::{Fact, FactKind};
use apropos_core::consent::{Consents, Objection};
use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{fact_name, origin, shown, word_name};
use crate::export::facts;
use crate::page::{Reader, Weight, button_form, page};

/// What came of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Correction {
    /// The page was only opened.
    None,
    /// It is saved.
    Saved,
    /// It is not a value that this can have.
    Refused,
}

/// Every fact with its form.
pub(crate) fn correct(reader: Reader<'_>, person: &Person, saved: Correction, next: &str, now: Timestamp) -> String {
    let heading = reader.say("Corriger mes données", "Correct my data");
    let known = facts(person);
    let held = |fact: Fact| {
        let of_fact = known.iter().find(|each| each.name == fact.code());
        of_fact.and_then(|each| each.value.as_deref())
    };
    let zone = person.contact.as_ref().map(|(contact, _)| &contact.time_zone);
    let consents: &Consents = &person.standing.consents;
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            @match saved {
                Correction::None => {}
                Correction::Saved => { p.note role="status" { (reader.say(
                    "C’est enregistré. Aucun fichier de la marque ne pourra le défaire.",
                    "Saved. No file of the brand can undo it.",
                )) } }
                Correction::Refused => { p.note.bad role="alert" { (reader.say(
                    "Cette valeur n’est pas possible\u{a0}; rien n’a changé.",
                    "This is not a possible value; nothing was changed.",
                )) } }
            }
            section {
                h2 { (reader.say("Interdire", "Forbid")) }
                @if consents.objects(Objection::NoProfiling, now) {
                    p { (reader.say(
                        "Vous refusez que vos informations servent à choisir les offres.",
                        "You forbid that what is known of you is used to choose offers.",
                    )) }
                } @else {
                    (button_form(Some(next), &[("field", "no_profiling")], Weight::Second, &html! {
                        (reader.say(
                            "Ne plus rien utiliser pour choisir mes offres",
                            "Use nothing any more to choose my offers",
                        ))
                    }))
                }
            }
            section {
                h2 { (reader.say("Ce que la marque sait de vous", "What the brand knows of you")) }
                ul { @for fact in known.iter().filter(|fact| fact.value.is_some()) {
                    li {
                        h3 { (fact_name(reader, &fact.name)) }
                        p { (shown(reader, fact)) " · " (origin(reader, fact.origin.as_ref(), zone)) }
                        (button_form(Some(next), &[("field", &fact.name)], Weight::Second, &html! {
                            (reader.say("Retirer", "Remove"))
                            span.hear { " (" (fact_name(reader, &fact.name)) ")" }
                        }))
                    }
                } }
            }
            section {
                h2 { (reader.say("Changer", "Change")) }
                (change(reader, next, "home", reader.say("Code postal du domicile", "Postcode of my home"), &html! {
                    input #f-home type="text" name="value" inputmode="numeric" autocomplete="postal-code" maxlength="5" required;
                }))
                @for fact in Fact::ALL {
                    (change(reader, next, fact.code(), &fact_name(reader, fact.code()), &input(reader, fact, held(fact))))
                }
            }
        },
    )
}

fn change(reader: Reader<'_>, next: &str, name: &str, label: &str, input: &Markup) -> Markup {
    html! {
        form.field method="post" action=(next) {
            input type="hidden" name="field" value=(name);
            label for=(field_id(name)) { (label) }
            (input) " "
            button.second type="submit" { (reader.say("Enregistrer", "Save")) span.hear { " (" (label) ")" } }
        }
    }
}

fn field_id(name: &str) -> String {
    format!("f-{}", name.replace('.', "-"))
}

/// A field that starts at what is held; where nothing is, a list starts at no answer.
fn input(reader: Reader<'_>, fact: Fact, held: Option<&str>) -> Markup {
    let id = field_id(fact.code());
    match fact.kind() {
        FactKind::Flag => list(
            reader,
            &id,
            &[("true", reader.say("oui", "yes")), ("false", reader.say("non", "no"))],
            held,
        ),
        FactKind::Number { least, most, .. } => html! {
            input id=(id) name="value" type="number" min=(least) max=(most) value=[held] required;
        },
        FactKind::Word(words) => {
            let named: Vec<_> = words
                .iter()
                .map(|word| (*word, word_name(reader.language, word)))
                .collect();
            list(reader, &id, &named, held)
        }
    }
}

fn list(reader: Reader<'_>, id: &str, answers: &[(&str, &str)], held: Option<&str>) -> Markup {
    html! {
        select id=(id) name="value" required[held.is_none()] {
            @if held.is_none() { option value="" selected { (reader.say("Choisissez", "Choose")) } }
            @for (value, name) in answers { option value=(value) selected[held == Some(*value)] { (name) } }
        }
    }
}
