//! The pages, in French and English: plain HTML with small forms. No script, no picture, nothing from elsewhere.

mod choices;
mod frame;
mod leave;
mod refusal;

use apropos_core::language::Language;

pub(crate) use choices::{Occasion, Shown, choices};
pub(crate) use frame::{Reader, Weight, button_form, page, say};
pub(crate) use leave::{back, forgotten, leave, left, out};
pub(crate) use refusal::{refusal, too_many_visits, too_often, unavailable, unreadable};

fn objecting(reader: Reader<'_>) -> String {
    let brand = reader.brand.name.as_str();
    match reader.language {
        Language::French => format!(
            "Vous avez demandé à {brand} de tout arrêter. Vous ne recevez donc rien, quels que soient vos autres choix."
        ),
        Language::English => {
            format!("You asked {brand} to stop everything, so you receive nothing, whatever your other choices say.")
        }
    }
}

#[cfg(test)]
mod tests {
    use apropos_core::brand::Brand;
    use apropos_core::consent::{Act, Actor, Channel, Consents};

    use super::frame::STYLE;
    use super::*;
    use crate::filled::{Filled, Wrong};
    use crate::fixture::{brand, brand_document, brand_from, fold, now, person};
    use crate::visit::Leaving;

    fn shown_page(reader: Reader<'_>, consents: &Consents, occasion: Occasion<'_>) -> String {
        let mut person = person();
        person.standing.consents = consents.clone();
        let filled = Filled::of(&person, reader.brand, now());
        let shown = Shown {
            filled: &filled,
            consents,
            occasion,
            zone: person.contact.as_ref().map(|(contact, _)| &contact.time_zone),
            has_context: true,
            data_at: "/d/lumen/token",
            now: now(),
        };
        choices(reader, &shown)
    }

    fn all(brand: &Brand, language: Language, consents: &Consents) -> Vec<(&'static str, String)> {
        let reader = Reader { language, brand };
        let topic = Leaving::Topic(brand.topics.iter().next().unwrap(), Channel::Email);
        let choices_at = "/p/lumen/token";
        let wrong = [
            Wrong::Cap,
            Wrong::QuietFrom,
            Wrong::QuietUntil,
            Wrong::DaysOff,
            Wrong::Language,
        ];
        vec![
            ("leave", leave(reader, topic, consents, choices_at, now())),
            (
                "leave-gone",
                leave(reader, Leaving::Everything, consents, choices_at, now()),
            ),
            ("left", left(reader, topic, choices_at)),
            ("left-everything", left(reader, Leaving::Everything, choices_at)),
            ("back", back(reader, topic, consents, choices_at, now())),
            ("forgotten", forgotten(reader)),
            ("choices", shown_page(reader, consents, Occasion::Opened)),
            ("saved", shown_page(reader, consents, Occasion::Saved)),
            ("refused", shown_page(reader, consents, Occasion::Refused(&wrong))),
            ("refusal", refusal(language)),
            ("unreadable", unreadable(language)),
            ("unavailable", unavailable(language)),
            ("too-often", too_often(language)),
            ("too-many-visits", too_many_visits(language, None)),
            ("too-many-visits-leaving", too_many_visits(language, Some("leave"))),
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
            assert_eq!(page.matches("</h1>").count(), 1, "{name}");
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
    fn every_form_posts_to_its_own_address() {
        for (name, _, page) in everywhere() {
            let forms = page.matches("<form method=\"post\">").count()
                + page.matches("<form method=\"post\" action=\"#result\">").count();
            assert_eq!(page.matches("<form").count(), forms, "{name}");
            assert!(!page.contains("formaction"), "{name}");
        }
    }

    #[test]
    fn buttons_that_look_alike_are_told_apart_by_their_names_or_do_the_same() {
        for (name, _, page) in everywhere() {
            let labels: Vec<&str> = page
                .split("<button")
                .skip(1)
                .filter_map(|rest| rest.split("</button>").next())
                .filter(|label| !label.contains("Enregistrer") && !label.contains("Save my"))
                .collect();
            for (position, label) in labels.iter().enumerate() {
                assert!(!labels[..position].contains(label), "{name} {label}");
            }
        }
    }

    #[test]
    fn every_id_is_there_once_and_every_reference_leads_to_one() {
        for (name, _, page) in everywhere() {
            let after = |mark: &str| -> Vec<String> {
                page.split(mark)
                    .skip(1)
                    .filter_map(|rest| rest.split('"').next())
                    .map(str::to_owned)
                    .collect()
            };
            let ids = after(" id=\"");
            for (position, id) in ids.iter().enumerate() {
                assert!(!ids[..position].contains(id), "{name} {id}");
            }
            let described = after(" aria-describedby=\"");
            let described = described.iter().flat_map(|several| several.split(' '));
            let labelled = after(" for=\"");
            let linked = after(" href=\"#");
            for id in described
                .chain(labelled.iter().map(String::as_str))
                .chain(linked.iter().map(String::as_str))
            {
                assert!(ids.iter().any(|each| each == id), "{name} {id}");
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
                Leaving::Topic(brand.topics.iter().next().unwrap(), Channel::Email),
                &consents(),
                "/p",
                now(),
            )
        };
        for words in [
            "Atelier Lumière",
            "«\u{a0}Offres\u{a0}» par e-mail",
            "ne vous enverra plus",
            "Me désinscrire",
            "69001 Lyon",
        ] {
            assert!(page(Language::French).contains(words), "{words}");
        }
        for words in [
            "Atelier Lumière",
            "“Offers” by e-mail",
            "will no longer send you",
            "Unsubscribe",
        ] {
            assert!(page(Language::English).contains(words), "{words}");
        }
    }

    #[test]
    fn the_leave_page_lists_what_else_is_received_each_with_its_button() {
        let brand = brand();
        let reader = Reader {
            language: Language::English,
            brand: &brand,
        };
        let consents = fold(&[
            ("email.offers", Act::Grant, Actor::Customer, -60),
            ("sms.offers", Act::Grant, Actor::Customer, -60),
            ("email.news", Act::Withdraw, Actor::Customer, -60),
        ]);
        let topic = Leaving::Topic(brand.topics.iter().next().unwrap(), Channel::Email);
        let page = leave(reader, topic, &consents, "/p", now());
        let names = |code: &str| page.contains(&format!("name=\"purpose\" value=\"{code}\""));
        assert!(names("sms.offers") && names("no_marketing"));
        assert!(!names("email.news") && !names("post.offers"));
    }

    #[test]
    fn a_box_is_ticked_for_what_holds_and_a_button_sets_the_other() {
        let brand = brand();
        let reader = Reader {
            language: Language::English,
            brand: &brand,
        };
        let page = shown_page(reader, &consents(), Occasion::Opened);
        let ticked = |code: &str| {
            let input = page.split(&format!("value=\"{code}\"")).nth(1).unwrap();
            input.split('>').next().unwrap().contains("checked")
        };
        assert!(ticked("email.offers") && ticked("profiling"));
        assert!(!ticked("email.news") && !ticked("sms.offers") && !ticked("home_location"));
        let sets = |page: &str, code: &str, switch: &str| {
            page.contains(&format!(
                "<input type=\"hidden\" name=\"purpose\" value=\"{code}\"><input type=\"hidden\" name=\"set\" value=\"{switch}\">"
            ))
        };
        assert!(sets(&page, "no_marketing", "on") && sets(&page, "pause", "on"));
        let objecting = fold(&[("no_marketing", Act::Grant, Actor::Customer, 0)]);
        let page = shown_page(reader, &objecting, Occasion::Saved);
        assert!(sets(&page, "no_marketing", "off"));
        assert!(page.contains("You asked Atelier Lumière to stop everything"));
    }

    #[test]
    fn a_wrong_field_is_named_linked_and_keeps_what_was_typed() {
        let brand = brand();
        let reader = Reader {
            language: Language::English,
            brand: &brand,
        };
        let consents = consents();
        let filled = Filled {
            quiet_from: "\"><script>25:00".to_owned(),
            ..Filled::of(&person(), &brand, now())
        };
        let page = choices(
            reader,
            &Shown {
                filled: &filled,
                consents: &consents,
                occasion: Occasion::Refused(&[Wrong::QuietFrom]),
                zone: None,
                has_context: true,
                data_at: "/d/lumen/token",
                now: now(),
            },
        );
        assert!(page.contains("href=\"#quiet-from\"") && page.contains("aria-invalid=\"true\""));
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;25:00\""));
        assert!(page.contains("Nothing was changed yet"));
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
