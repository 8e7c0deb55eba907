//! The page of one's choices: one form with a button to save at the end of each part, all of which save all of it; then
//! the break and the end, which act at once.

use apropos_core::cap::FrequencyCap;
use apropos_core::category::{Category, Family};
use apropos_core::consent::{Channel, ConsentState, Consents, DataPurpose, Objection, Purpose};
use apropos_core::language::Language;
use apropos_core::quiet::HolidaysOff;
use apropos_core::time::TimeZoneName;
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Reader, Weight, agreeing, button_form, page};
use super::objecting;
use crate::choice::Switch;
use crate::filled::{AS_BRAND, Filled, Wrong, cap_code};

/// What the page shows.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) filled: &'a Filled,
    pub(crate) consents: &'a Consents,
    pub(crate) occasion: Occasion<'a>,
    /// The zone that the person lives by, where they can be reached.
    pub(crate) zone: Option<&'a TimeZoneName>,
    /// Whether there is a place to keep interests in.
    pub(crate) has_context: bool,
    /// Where a link to one's data can be asked for.
    pub(crate) data_at: &'a str,
    pub(crate) now: Timestamp,
}

/// What just happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion<'a> {
    /// The page was opened.
    Opened,
    /// Something was changed, or was so already.
    Saved,
    /// Fields are wrong, and nothing was changed.
    Refused(&'a [Wrong]),
}

impl Occasion<'_> {
    fn has(self, any: &[Wrong]) -> bool {
        match self {
            Self::Refused(wrong) => wrong.iter().any(|each| any.contains(each)),
            Self::Opened | Self::Saved => false,
        }
    }
}

/// The whole page.
pub(crate) fn choices(reader: Reader<'_>, shown: &Shown<'_>) -> String {
    let heading = reader.say("Mes choix", "My choices");
    let save = reader.say("Enregistrer mes choix", "Save my choices");
    let title = match shown.occasion {
        Occasion::Opened => heading.to_owned(),
        Occasion::Saved => format!("{} · {heading}", reader.say("Enregistré", "Saved")),
        Occasion::Refused(_) => format!("{} · {heading}", reader.say("À corriger", "To correct")),
    };
    page(
        reader.language,
        &title,
        Some(reader.brand),
        &html! {
            h1 { (heading) }
            (result(reader, shown))
            (standing(reader, shown))
            (lapsed(reader, shown))
            form method="post" action="#result" {
                input type="hidden" name="save" value="all";
                section {
                    h2 { (reader.say("Ce que je reçois", "What I receive")) }
                    (topics(reader, shown))
                    (frequency(reader, shown))
                    (quiet_hours(reader, shown))
                    @if shown.zone.is_some() { (language(reader, shown)) }
                    button type="submit" { (save) }
                    // Both buttons save all of the form, so what a yes is given under stands beside both.
                    (agreeing(reader, save))
                }
                section {
                    h2 { (reader.say("Ce qui sert à choisir pour moi", "What is used to choose for me")) }
                    (uses(reader, shown))
                    @if shown.has_context { (interests(reader, shown)) }
                    button type="submit" { (save) }
                    (agreeing(reader, save))
                }
            }
            section {
                h2 { (reader.say("Souffler, ou tout arrêter", "Take a break, or stop everything")) }
                (pause(reader, shown))
                (everything(reader, shown))
            }
            p.after {
                a href=(shown.data_at) { (reader.say(
                    "Voir, corriger ou effacer mes données",
                    "See, correct or erase my data",
                )) }
            }
        },
    )
}

fn result(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    match shown.occasion {
        Occasion::Opened => html! {
            p.lead { (reader.say(
                "C’est vous qui décidez. Un choix enregistré vaut aussitôt.",
                "You decide. A choice takes effect as soon as it is saved.",
            )) }
        },
        Occasion::Saved => html! {
            p.note.ok #result role="status" tabindex="-1" {
                (reader.say("C’est enregistré, et déjà en vigueur.", "Saved, and in effect already."))
            }
        },
        Occasion::Refused(wrong) => html! {
            div.note.bad #result role="alert" tabindex="-1" {
                p { (reader.say(
                    "Rien n’a changé encore\u{a0}: il reste à corriger ceci.",
                    "Nothing was changed yet: please correct this first.",
                )) }
                ul { @for each in wrong { li { a href={ "#" (field_of(*each)) } { (advice(reader, *each)) } } } }
            }
        },
    }
}

/// The field that is wrong, by its id in the page.
const fn field_of(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Cap => "cap",
        Wrong::QuietFrom | Wrong::NeverOpen => "quiet-from",
        Wrong::QuietUntil | Wrong::QuietEmpty => "quiet-until",
        Wrong::DaysOff => "days-off",
        Wrong::Language => "language",
    }
}

fn advice<'s>(reader: Reader<'s>, wrong: Wrong) -> &'s str {
    match wrong {
        Wrong::Cap => reader.say(
            "Fréquence\u{a0}: choisissez l’une des réponses.",
            "How often: choose one of the answers.",
        ),
        Wrong::QuietFrom => reader.say(
            "Heures calmes, de\u{a0}: donnez une heure comme 20:00, ou videz les deux.",
            "Quiet hours, from: give a time such as 20:00, or empty both.",
        ),
        Wrong::QuietUntil => reader.say(
            "Heures calmes, à\u{a0}: donnez une heure comme 08:00, ou videz les deux.",
            "Quiet hours, until: give a time such as 08:00, or empty both.",
        ),
        Wrong::QuietEmpty => reader.say(
            "Heures calmes, à\u{a0}: la fin doit être une autre heure que le début.",
            "Quiet hours, until: the end must be another time than the beginning.",
        ),
        Wrong::DaysOff => reader.say(
            "Jours calmes\u{a0}: laissez au moins un jour, ou arrêtez tout plus bas.",
            "Quiet days: leave at least one day, or stop everything below.",
        ),
        Wrong::NeverOpen => reader.say(
            "Heures calmes, de\u{a0}: avec celles de la marque, il ne reste aucun moment pour vous écrire.",
            "Quiet hours, from: together with the brand’s own they leave no time to write to you.",
        ),
        Wrong::Language => reader.say(
            "Langue\u{a0}: choisissez l’une des deux.",
            "Language: choose one of the two.",
        ),
    }
}

/// The message of a field, as a part of it that is read out with it.
fn fault(reader: Reader<'_>, shown: &Shown<'_>, id: &str, any: &[Wrong]) -> Markup {
    let Occasion::Refused(wrong) = shown.occasion else {
        return html! {};
    };
    html! {
        @for each in wrong.iter().filter(|each| any.contains(each)) {
            p.fault id=(id) { (advice(reader, *each)) }
        }
    }
}

/// What outranks everything else on the page.
fn standing(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let brand = reader.brand();
    let until = shown.consents.paused_until(shown.now);
    html! {
        @if shown.consents.objects(Objection::NoMarketing, shown.now) {
            p.note { (objecting(reader)) }
        } @else if let Some(until) = until {
            p.note { (match reader.language {
                Language::French => format!(
                    "En pause\u{a0}: {brand} ne vous envoie rien jusqu’au {}. Vos choix reprennent ensuite d’eux-mêmes.",
                    reader.day(until, shown.zone)
                ),
                Language::English => format!(
                    "On a break: {brand} sends you nothing until {}. After that your choices apply again by themselves.",
                    reader.day(until, shown.zone)
                ),
            }) }
        }
    }
}

/// A yes that has ended, by whichever rule, and how to give it again.
fn lapsed(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let has_ended = shown
        .consents
        .states(shown.now)
        .any(|(purpose, state)| !matches!(purpose, Purpose::Objection(_)) && state == ConsentState::Expired);
    let (brand, period) = (reader.brand(), reader.brand.retention.words(reader.language));
    html! {
        @if has_ended {
            p.note { (match reader.language {
                Language::French => format!(
                    "Un accord dure {period} après votre dernier signe à {brand}. Le vôtre est arrivé à son terme\u{a0}: cochez \
                     de nouveau ce que vous voulez."
                ),
                Language::English => format!(
                    "A yes lasts {period} after {brand} last heard from you. Yours has come to its end: tick again what you \
                     want."
                ),
            }) }
        }
    }
}

fn topics(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    html! {
        p.help { (reader.say(
            "Une case vide\u{a0}: rien ne vous est envoyé sur ce sujet par ce moyen.",
            "An empty box: nothing is sent to you on this subject in this way.",
        )) }
        @for topic in reader.brand.topics.iter() {
            fieldset {
                legend { bdi { (topic.name.get(reader.language)) } }
                div.boxes {
                    @for channel in Channel::ALL {
                        @let purpose = Purpose::Topic { topic: topic.id.clone(), channel };
                        label.box {
                            input type="checkbox" name="on" value=(purpose.code()) checked[shown.filled.on.contains(&purpose.code())];
                            span { (reader.channel(channel)) }
                        }
                    }
                }
            }
        }
    }
}

/// The frequencies that are offered.
const CAPS: [(u8, u16); 4] = [(1, 7), (2, 30), (1, 30), (1, 90)];

fn frequency(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let held = &shown.filled.cap;
    let offered = CAPS
        .into_iter()
        .filter_map(|(most, days)| FrequencyCap::new(most, days).ok());
    let own = held
        .split_once('-')
        .and_then(|(most, days)| FrequencyCap::new(most.parse().ok()?, days.parse().ok()?).ok())
        .filter(|own| !CAPS.contains(&(own.most(), own.window_days())));
    let as_brand = reader.brand.caps.iter().map(|cap| often(reader, *cap));
    let as_brand = as_brand.collect::<Vec<_>>().join(reader.say(" et ", " and "));
    let wrong = shown.occasion.has(&[Wrong::Cap]);
    html! {
        fieldset #cap tabindex=[wrong.then_some("-1")] aria-describedby=[wrong.then_some("cap-fault")] {
            legend { (reader.say("À quelle fréquence\u{a0}?", "How often?")) }
            (fault(reader, shown, "cap-fault", &[Wrong::Cap]))
            label.box {
                input type="radio" name="cap" value=(AS_BRAND) checked[held == AS_BRAND];
                span {
                    (reader.say("Comme ", "As ")) bdi { (reader.brand()) } (reader.say(" le prévoit", " does"))
                    @if !as_brand.is_empty() { span.soft { (reader.say("\u{a0}: ", ": ")) (as_brand) } }
                }
            }
            @for cap in own.into_iter().chain(offered) {
                label.box {
                    input type="radio" name="cap" value=(cap_code(cap)) checked[*held == cap_code(cap)];
                    span { (capital(&often(reader, cap))) }
                }
            }
        }
    }
}

fn often(reader: Reader<'_>, cap: FrequencyCap) -> String {
    let (most, days) = (cap.most(), cap.window_days());
    let plural = if most > 1 { "s" } else { "" };
    match (reader.language, days) {
        (Language::French, 1) => format!("au plus {most}\u{a0}message{plural} par jour"),
        (Language::French, 7) => format!("au plus {most}\u{a0}message{plural} par semaine"),
        (Language::French, 30) => format!("au plus {most}\u{a0}message{plural} par mois"),
        (Language::French, days) => format!("au plus {most}\u{a0}message{plural} en {days}\u{a0}jours"),
        (Language::English, 1) => format!("at most {most} message{plural} a day"),
        (Language::English, 7) => format!("at most {most} message{plural} a week"),
        (Language::English, 30) => format!("at most {most} message{plural} a month"),
        (Language::English, days) => format!("at most {most} message{plural} in {days} days"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

const DAYS: [(&str, &str, &str); 7] = [
    ("monday", "lundi", "Monday"),
    ("tuesday", "mardi", "Tuesday"),
    ("wednesday", "mercredi", "Wednesday"),
    ("thursday", "jeudi", "Thursday"),
    ("friday", "vendredi", "Friday"),
    ("saturday", "samedi", "Saturday"),
    ("sunday", "dimanche", "Sunday"),
];

/// Alsace and Moselle live by the clock of Paris, so who lives there chooses their two more.
const HOLIDAYS: [(&str, &str, &str); 2] = [
    ("holidays", "jours fériés de France", "public holidays of France"),
    (
        "holidays_alsace_moselle",
        "ceux d’Alsace et de Moselle aussi",
        "those of Alsace and Moselle too",
    ),
];

fn quiet_hours(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let from = [Wrong::QuietFrom, Wrong::NeverOpen];
    let until = [Wrong::QuietUntil, Wrong::QuietEmpty];
    let field = |id: &'static str, name: &str, label: &str, value: &str, any: &[Wrong]| {
        let wrong = shown.occasion.has(any);
        let fault_id = format!("{id}-fault");
        html! {
            div.field {
                label for=(id) { (label) }
                input #(id) type="time" name=(name) value=(value) aria-invalid=[wrong.then_some("true")]
                    aria-describedby=(if wrong { format!("quiet-help {fault_id}") } else { "quiet-help".to_owned() });
                (fault(reader, shown, &fault_id, any))
            }
        }
    };
    let wrong_days = shown.occasion.has(&[Wrong::DaysOff]);
    html! {
        fieldset {
            legend { (reader.say("Mes heures calmes", "My quiet hours")) }
            p.help #quiet-help { (quiet_help(reader)) }
            div.times {
                (field("quiet-from", "quiet_from", reader.say("De", "From"), &shown.filled.quiet_from, &from))
                (field("quiet-until", "quiet_until", reader.say("À", "Until"), &shown.filled.quiet_until, &until))
            }
        }
        fieldset #days-off tabindex=[wrong_days.then_some("-1")] aria-describedby=[wrong_days.then_some("days-off-fault")] {
            legend { (reader.say("Mes jours calmes", "My quiet days")) }
            (fault(reader, shown, "days-off-fault", &[Wrong::DaysOff]))
            div.boxes.days {
                @for (code, french, english) in DAYS {
                    label.box {
                        input type="checkbox" name="day_off" value=(code) checked[shown.filled.days_off.contains(code)];
                        span { (capital(reader.say(french, english))) }
                    }
                }
                @for (code, french, english) in HOLIDAYS {
                    label.box {
                        input type="checkbox" name="day_off" value=(code) checked[shown.filled.days_off.contains(code)];
                        span { (capital(reader.say(french, english))) }
                    }
                }
            }
        }
    }
}

fn quiet_help(reader: Reader<'_>) -> String {
    let brand = reader.brand();
    let quiet = reader.brand.quiet;
    let days: Vec<String> = DAYS
        .into_iter()
        .zip(0_u8..)
        .filter(|(_, bit)| quiet.days_off().bits() & (1 << bit) != 0)
        .map(|((_, french, english), _)| match reader.language {
            Language::French => format!("le {french}"),
            Language::English => format!("{english}s"),
        })
        .chain(match quiet.holidays() {
            HolidaysOff::None => None,
            HolidaysOff::National => Some(reader.say("les jours fériés", "public holidays").to_owned()),
            HolidaysOff::AlsaceMoselle => Some(
                reader
                    .say(
                        "les jours fériés, Alsace et Moselle comprises",
                        "public holidays, Alsace and Moselle included",
                    )
                    .to_owned(),
            ),
        })
        .collect();
    let days = days.join(", ");
    let own = match (reader.language, quiet.window()) {
        (Language::French, Some(window)) => format!("de {} à {}", window.from(), window.until()),
        (Language::English, Some(window)) => format!("from {} to {}", window.from(), window.until()),
        (_, None) => String::new(),
    };
    let own = [own, days]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>();
    match reader.language {
        Language::French => format!(
            "{brand} ne vous écrit jamais à ces heures\u{a0}: {}. Vous pouvez en ajouter\u{a0}; un message attend alors la \
             fin, ou n’est pas envoyé s’il n’est plus utile.",
            own.join(", et ")
        ),
        Language::English => format!(
            "{brand} never writes to you at these hours: {}. You can add your own; a message then waits for the end, or is \
             not sent if it is of no use any more.",
            own.join(", and ")
        ),
    }
}

fn language(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let wrong = shown.occasion.has(&[Wrong::Language]);
    html! {
        fieldset #language tabindex=[wrong.then_some("-1")] aria-describedby=[wrong.then_some("language-fault")] {
            legend { (reader.say("Ma langue", "My language")) }
            (fault(reader, shown, "language-fault", &[Wrong::Language]))
            div.boxes {
                @for (language, name) in [(Language::French, "Français"), (Language::English, "English")] {
                    label.box {
                        input type="radio" name="language" value=(language.tag()) checked[shown.filled.language == language.tag()];
                        span lang=(language.tag()) { (name) }
                    }
                }
            }
        }
    }
}

fn uses(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let texts = |purpose: DataPurpose| {
        match purpose {
        DataPurpose::Profiling => (
            reader.say("Mes achats, mes goûts et mon logement", "What I buy, what I like and my home’s features"),
            reader.say(
                "Sans eux, les offres ne sont plus choisies pour vous, et celles qui en dépendent (une tondeuse pour un \
                 jardin) ne vous sont pas envoyées.",
                "Without them offers are no longer chosen for you, and those that depend on them (a mower for a garden) are \
                 not sent to you.",
            ),
        ),
        DataPurpose::HomeLocation => (
            reader.say("La zone où j’habite", "The area where I live"),
            reader.say(
                "Une zone d’environ 0,7\u{a0}km², jamais votre rue. Sans elle, nous ne pouvons pas vous dire ce qui est \
                 près de chez vous.",
                "An area of about 0.7 km², never your street. Without it we cannot tell you what is near your home.",
            ),
        ),
        DataPurpose::CurrentLocation => (
            reader.say("L’endroit où je suis en ce moment", "Where I am just now"),
            reader.say(
                "Gardé peu de temps. Sans lui, nous ne pouvons pas vous dire ce qui est près de vous en déplacement.",
                "Kept for a short time. Without it we cannot tell you what is near when you are away from home.",
            ),
        ),
        DataPurpose::Measurement => (
            reader.say("Mes clics dans les messages", "My clicks in messages"),
            reader.say(
                "Sans eux, nous ne savons pas ce qui vous a été utile, et l’envoi n’apprend pas de vous.",
                "Without them we do not know what was of use to you, and nothing is learnt from it.",
            ),
        ),
    }
    };
    html! {
        fieldset {
            legend { (reader.say("J’accepte que l’on utilise", "I agree to the use of")) }
            @for purpose in DataPurpose::ALL {
                @let (title, help) = texts(purpose);
                @let id = format!("use-{}", purpose.code());
                div.choice {
                    label.box {
                        input type="checkbox" name="on" value=(purpose.code()) aria-describedby=(id)
                            checked[shown.filled.on.contains(purpose.code())];
                        span { (title) }
                    }
                    p.help id=(id) { (help) }
                }
            }
        }
    }
}

fn interests(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let mut families: Vec<Family> = Category::all().map(Category::family).collect();
    families.sort_unstable();
    families.dedup();
    html! {
        h3 { (reader.say("Ce qui m’intéresse", "What interests me")) }
        p.help { (reader.say(
            "Cochez ce dont vous voulez entendre parler, décochez le reste. Cela ne sert que si la première case ci-dessus \
             est cochée.",
            "Tick what you want to hear about, untick the rest. It is used only if the first box above is ticked.",
        )) }
        @for family in families {
            @let of_family: Vec<Category> = Category::all().filter(|category| category.family() == family).collect();
            @let ticked = of_family.iter().filter(|category| shown.filled.interests.contains(category.slug())).count();
            @let name = reader.say(family.name_fr(), family.name_en());
            details open[ticked > 0] {
                summary { span { (name) } @if ticked > 0 { " " span.count { (ticked) span.hear { (reader.say(" cochés", " ticked")) } } } }
                fieldset {
                    legend.hear { (name) }
                    div.boxes {
                        @for category in of_family {
                            label.box {
                                input type="checkbox" name="interest" value=(category.slug())
                                    checked[shown.filled.interests.contains(category.slug())];
                                span { (capital(reader.say(category.name_fr(), category.name_en()))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pause(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let brand = reader.brand();
    let paused = shown.consents.paused_until(shown.now).is_some();
    let (meaning, label, switch) = if paused {
        (
            reader
                .say(
                    "La pause se termine d’elle-même. Vous pouvez aussi y mettre fin maintenant.",
                    "The break ends by itself. You can also end it now.",
                )
                .to_owned(),
            reader.say("Reprendre maintenant", "Resume now"),
            Switch::Off,
        )
    } else {
        (
            match reader.language {
                Language::French => {
                    format!(
                        "Pendant 30\u{a0}jours, {brand} ne vous envoie rien. Ensuite, tout reprend selon vos choix."
                    )
                }
                Language::English => {
                    format!("For 30 days {brand} sends you nothing. After that everything goes on as you have chosen.")
                }
            },
            reader.say("Faire une pause de 30\u{a0}jours", "Take a break of 30 days"),
            Switch::On,
        )
    };
    html! {
        div.act {
            p { (meaning) }
            (button(&Purpose::Objection(Objection::Pause), switch, label))
        }
    }
}

fn everything(reader: Reader<'_>, shown: &Shown<'_>) -> Markup {
    let brand = reader.brand();
    let meaning = match reader.language {
        Language::French => format!(
            "{brand} ne vous proposera plus rien, par aucun moyen. Vos choix sont gardés, mais ne servent plus tant que \
             vous ne revenez pas."
        ),
        Language::English => format!(
            "{brand} will propose nothing to you any more, by any means. Your choices are kept, but do nothing until you \
             come back."
        ),
    };
    let (label, switch) = if shown.consents.objects(Objection::NoMarketing, shown.now) {
        (reader.say("Revenir à mes choix", "Go back to my choices"), Switch::Off)
    } else {
        (reader.say("Tout arrêter", "Stop everything"), Switch::On)
    };
    html! {
        div.act {
            p { (meaning) }
            (button(&Purpose::Objection(Objection::NoMarketing), switch, label))
        }
    }
}

fn button(purpose: &Purpose, switch: Switch, label: &str) -> Markup {
    let sends = [("purpose", purpose.code()), ("set", switch.code().to_owned())];
    let sends = sends.each_ref().map(|(name, value)| (*name, value.as_str()));
    button_form(Some("#result"), &sends, Weight::Second, &html! { (label) })
}
