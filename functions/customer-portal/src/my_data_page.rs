//! The rooms' pages, in French and English.

use apropos_aws::Person;
use apropos_core::attribute::{Attribute, Fact, FactKind};
use apropos_core::category::Category;
use apropos_core::consent::{Consents, Objection, Purpose};
use apropos_core::document::PreferenceDocument;
use apropos_core::erasure::Certificate;
use apropos_core::explain::factor_name;
use apropos_core::language::Language;
use apropos_core::origin::{Origin, Source};
use apropos_core::transactional::purpose_words;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::export::{Export, KnownFact, facts};
use crate::my_data::{NextLinks, Room};
use crate::page::{Reader, page, say};
use crate::why::Told;

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
                            form method="post" {
                                input type="hidden" name="ask" value=(value);
                                button.second type="submit" {
                                    (reader.say("M’envoyer le lien", "Send me the link"))
                                    span.hear { " (" (title) ")" }
                                }
                            }
                        }
                    }
                }
            }
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
        Room::Erase => confirm_erasure(reader),
        Room::Correct => {
            let heading = reader.say("Corriger mes données", "Correct my data");
            door_page(
                reader,
                heading,
                &html! {
                    form method="post" {
                        input type="hidden" name="open" value="correct";
                        button type="submit" { (reader.say("Ouvrir", "Open")) }
                    }
                },
            )
        }
        Room::See | Room::Ask | Room::Why => {
            let heading = reader.say("Voir mes données", "See my data");
            door_page(
                reader,
                heading,
                &html! {
                    form method="post" {
                        input type="hidden" name="show" value="page";
                        button type="submit" { (reader.say("Afficher", "Show")) }
                    }
                    form method="post" {
                        input type="hidden" name="show" value="json";
                        button.second type="submit" { (reader.say("Télécharger (JSON)", "Download (JSON)")) }
                    }
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

fn confirm_erasure(reader: Reader<'_>) -> String {
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
                form method="post" {
                    input type="hidden" name="erase" value="yes";
                    button type="submit" { (reader.say("Tout effacer, définitivement", "Erase everything, for good")) }
                }
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

fn line(title: &str, value: &str) -> Markup {
    html! { li { h3 { (title) } p { (value) } } }
}

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
                            h2 { (reader.say("Les informations que l’offre peut lire", "The facts that the offer may read")) }
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
                    form method="post" action=(ask_at) {
                        input type="hidden" name="ask" value=(value);
                        button.second type="submit" { (label) }
                    }
                }
            }
        },
    )
}

/// Everything, to read.
pub(crate) fn data(reader: Reader<'_>, export: &Export, next: &NextLinks) -> String {
    let heading = reader.say("Mes données", "My data");
    page(
        reader.language,
        heading,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            section {
                form method="post" action=(next.see) {
                    input type="hidden" name="show" value="json";
                    button type="submit" { (reader.say("Télécharger (JSON)", "Download (JSON)")) }
                }
                form method="post" action=(next.correct) {
                    input type="hidden" name="open" value="correct";
                    button.second type="submit" { (reader.say("Corriger ou interdire", "Correct or forbid")) }
                }
            }
            section {
                h2 { (reader.say("Qui est responsable", "Who is responsible")) }
                p { (export.controller.imprint) " " (export.controller.write_to) }
                p.small {
                    (reader.say("Information sur la vie privée", "Privacy notice")) ": " (export.controller.notice)
                    ", " (export.controller.notice_version)
                }
            }
            section {
                h2 { (reader.say("Où la marque vous écrit", "Where the brand writes to you")) }
                @if let Some(contact) = &export.contact {
                    ul {
                        (line(reader.say("Adresse", "Address"), &contact.email))
                        (line(reader.say("Langue", "Language"), &contact.language))
                        @if let Some(zone) = &contact.time_zone { (line(reader.say("Fuseau horaire", "Time zone"), zone)) }
                    }
                }
            }
            section {
                h2 { (reader.say("Ce que la marque sait de vous", "What the brand knows of you")) }
                (known(reader, &export.facts))
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
                        p { (day(&decision.at)) " · " (outcome_name(reader.language, decision.outcome)) }
                        @if !decision.explanation.is_empty() { p { (decision.explanation) } }
                        @if let Some(record) = decision.consent_record {
                            p { (reader.say("D’après la preuve n°\u{a0}", "On proof no. ")) (record) }
                        }
                    }
                } }
            }
            section {
                h2 { (reader.say("Les preuves de vos choix", "The proofs of your choices")) }
                ul { @for entry in &export.ledger.entries {
                    @if let Some(preference) = &entry.preference {
                        li {
                            h3 { (entry.seq) ". " (preference_name(reader.language, &preference.preference)) }
                            p {
                                (day(&preference.effective_at)) " · " (preference.evidence.method) " · "
                                (preference.evidence.source)
                            }
                        }
                    }
                    @if let Some(event) = &entry.event {
                        li {
                            h3 { (entry.seq) ". " (purpose_name(reader, &event.purpose)) " · " (act_name(reader.language, &event.act)) }
                            p { (day(&event.effective_at)) " · " (event.evidence.method) " · " (event.evidence.source) }
                        }
                    }
                } }
            }
            section {
                h2 { (reader.say("Combien de temps", "For how long")) }
                ul { @for kept in &export.kept_for { (line(kept.what, kept.how_long)) } }
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

fn known(reader: Reader<'_>, facts: &[KnownFact]) -> Markup {
    html! {
        @if facts.is_empty() { p { (reader.say("Rien.", "Nothing.")) } }
        ul { @for fact in facts {
            li {
                h3 { (fact_name(reader.language, &fact.name)) }
                p { (shown(reader, fact)) " · " (origin(reader, fact.origin.as_ref())) }
            }
        } }
    }
}

fn shown(reader: Reader<'_>, fact: &KnownFact) -> String {
    match fact.value.as_deref() {
        None => reader.say("retiré", "removed").to_owned(),
        Some("" | "true") => reader.say("oui", "yes").to_owned(),
        Some("false") => reader.say("non", "no").to_owned(),
        Some(value) => value.to_owned(),
    }
}

fn origin(reader: Reader<'_>, origin: Option<&Origin>) -> String {
    let Some(origin) = origin else {
        return reader
            .say("origine antérieure, non gardée", "from before origins were kept")
            .to_owned();
    };
    let who = match origin.source {
        Source::Brand => reader.say("donné par la marque", "given by the brand"),
        Source::Person => reader.say("dit par vous", "said by you"),
    };
    format!("{who}, {}", day(&origin.at.to_string()))
}

/// A time as its day; the file has the whole.
fn day(time: &str) -> String {
    time.chars().take(10).collect()
}

/// Every fact with its form.
pub(crate) fn correct(reader: Reader<'_>, person: &Person, saved: Correction, next: &str, now: Timestamp) -> String {
    let heading = reader.say("Corriger mes données", "Correct my data");
    let known = facts(person);
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
                    form method="post" action=(next) {
                        input type="hidden" name="field" value="no_profiling";
                        button.second type="submit" { (reader.say(
                            "Ne plus rien utiliser pour choisir mes offres",
                            "Use nothing any more to choose my offers",
                        )) }
                    }
                }
            }
            section {
                h2 { (reader.say("Ce que la marque sait de vous", "What the brand knows of you")) }
                ul { @for fact in known.iter().filter(|fact| fact.value.is_some()) {
                    li {
                        h3 { (fact_name(reader.language, &fact.name)) }
                        p { (shown(reader, fact)) " · " (origin(reader, fact.origin.as_ref())) }
                        form method="post" action=(next) {
                            input type="hidden" name="field" value=(fact.name);
                            button.second type="submit" {
                                (reader.say("Retirer", "Remove"))
                                span.hear { " (" (fact_name(reader.language, &fact.name)) ")" }
                            }
                        }
                    }
                } }
            }
            section {
                h2 { (reader.say("Changer", "Change")) }
                (change(reader, next, "home", reader.say("Code postal du domicile", "Postcode of my home"), &html! {
                    input #f-home type="text" name="value" inputmode="numeric" autocomplete="postal-code" maxlength="5" required;
                }))
                @for fact in Fact::ALL {
                    (change(reader, next, fact.code(), &fact_name(reader.language, fact.code()), &input(reader, fact)))
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

fn input(reader: Reader<'_>, fact: Fact) -> Markup {
    let id = field_id(fact.code());
    match fact.kind() {
        FactKind::Flag => html! {
            select id=(id) name="value" {
                option value="true" { (reader.say("oui", "yes")) }
                option value="false" { (reader.say("non", "no")) }
            }
        },
        FactKind::Number { least, most, .. } => html! {
            input id=(id) name="value" type="number" min=(least) max=(most) required;
        },
        FactKind::Word(words) => html! {
            select id=(id) name="value" { @for word in words { option value=(word) { (word_name(reader.language, word)) } } }
        },
    }
}

fn word_name(language: Language, word: &str) -> &str {
    match word {
        "flat" => say(language, "appartement", "flat"),
        "house" => say(language, "maison", "house"),
        other => other,
    }
}

/// A fact's name for people.
fn fact_name(language: Language, name: &str) -> String {
    let category = |slug: &str| {
        Category::from_slug(slug).map_or_else(
            |_| slug.to_owned(),
            |category| say(language, category.name_fr(), category.name_en()).to_owned(),
        )
    };
    if let Some(slug) = name.strip_prefix("interest:") {
        return format!("{}{}", say(language, "Goût\u{a0}: ", "Interest: "), category(slug));
    }
    if let Some((slug, on)) = name.strip_prefix("purchase:").and_then(|rest| rest.split_once(':')) {
        return format!(
            "{}{}, {on}",
            say(language, "Achat\u{a0}: ", "Purchase: "),
            category(slug)
        );
    }
    match Attribute::from_code(name) {
        Some(attribute) => attribute_name(language, attribute).to_owned(),
        None if name == "spent" => say(
            language,
            "Vos dépenses des deux dernières années",
            "What you spent in the last two years",
        )
        .to_owned(),
        None => say(language, "Dernière activité", "Last activity").to_owned(),
    }
}

const fn attribute_name(language: Language, attribute: Attribute) -> &'static str {
    let (french, english) = match attribute {
        Attribute::Home => ("La zone où vous habitez", "The area where you live"),
        Attribute::Purchases => ("Vos achats", "What you bought"),
        Attribute::Interests => ("Vos goûts", "What you like"),
        Attribute::Lifecycle => (
            "L’étape de votre relation avec la marque",
            "Where you are with the brand",
        ),
        Attribute::Reaction => ("L’accueil que vous faites aux messages", "How you take to messages"),
        Attribute::CurrentPlace => ("La zone où vous êtes en ce moment", "The area where you are now"),
        Attribute::ActiveHours => ("Vos heures habituelles", "Your usual hours"),
        Attribute::Fact(fact) => match fact {
            Fact::DwellingKind => ("Maison ou appartement", "House or flat"),
            Fact::Garden => ("Un jardin", "A garden"),
            Fact::Balcony => ("Un balcon", "A balcony"),
            Fact::Ventilation => (
                "Un conduit ou une évacuation d’air",
                "A flue or an outlet to the open air",
            ),
            Fact::Lift => ("Un ascenseur", "A lift"),
            Fact::Parking => ("Une place de parking", "A parking space"),
            Fact::Cellar => ("Une cave", "A cellar"),
            Fact::Dog => ("Un chien", "A dog"),
            Fact::Cat => ("Un chat", "A cat"),
            Fact::Floor => ("L’étage", "The floor"),
            Fact::CeilingHeight => (
                "La hauteur sous plafond, en décimètres",
                "The ceiling height, in decimetres",
            ),
            Fact::HouseholdSize => (
                "Le nombre de personnes au foyer",
                "The number of people in the household",
            ),
        },
    };
    say(language, french, english)
}

fn purpose_name(reader: Reader<'_>, code: &str) -> String {
    Purpose::from_code(code).map_or_else(
        |_| code.to_owned(),
        |purpose| purpose_words(&purpose, reader.brand, reader.language),
    )
}

/// What was set; to what is in the file.
const fn preference_name(language: Language, preference: &PreferenceDocument) -> &'static str {
    let (french, english) = match preference {
        PreferenceDocument::Frequency(_) => ("La fréquence des messages", "How often you are written to"),
        PreferenceDocument::QuietHours(_) => ("Vos heures calmes", "Your quiet hours"),
        PreferenceDocument::Language(_) => ("Votre langue", "Your language"),
        PreferenceDocument::Interests(_) => ("Vos goûts", "What you like"),
    };
    say(language, french, english)
}

fn state_name(language: Language, code: &str) -> &str {
    match code {
        "granted" => say(language, "oui", "yes"),
        "denied" => say(language, "non", "no"),
        "withdrawn" => say(language, "oui repris", "yes taken back"),
        "expired" => say(language, "oui échu", "yes that has ended"),
        "pending" => say(language, "à confirmer", "to be confirmed"),
        "unknown" => say(language, "jamais demandé", "never asked"),
        other => other,
    }
}

fn act_name(language: Language, code: &str) -> &str {
    match code {
        "grant" => say(language, "oui", "yes"),
        "deny" => say(language, "non", "no"),
        "withdraw" => say(language, "repris", "taken back"),
        "expire" => say(language, "échu", "ended"),
        "request" => say(language, "demandé", "asked for"),
        other => other,
    }
}

fn outcome_name(language: Language, code: &str) -> &str {
    match code {
        "sent" => say(language, "envoyé", "sent"),
        "withheld" => say(language, "non envoyé", "not sent"),
        _ => say(language, "en cours", "under way"),
    }
}

#[cfg(test)]
mod tests {
    use apropos_core::erasure::{Erased, Progress, certificate};
    use apropos_core::standing::LedgerHead;
    use serde_json::json;

    use super::*;
    use crate::export::{Controller, DecisionMade};
    use crate::fixture::{brand, brand_document, brand_from, now};

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
            correct: "/r/lumen/x".into(),
            erase: "/e/lumen/x".into(),
        };
        let certificate = certificate(reader.language, &reader.brand.id, &erased, LedgerHead::default());
        let mut pages = vec![
            ask(reader),
            asked(reader),
            ended(reader.language),
            super::why(reader, &told, "/d/lumen/x"),
            super::why(reader, &Told::Nothing, "/d/lumen/x"),
            data(reader, &export(), &next),
            super::erased(reader, &certificate),
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
