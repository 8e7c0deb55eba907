//! Transactional messages: what a person asked for themselves, a confirmation or a fresh link. There is no offer in them,
//! so they need no approval, count in no cap and keep no quiet hours.

use maud::html;

use crate::brand::Brand;
use crate::consent::{Channel, DataPurpose, Objection, Purpose};
use crate::email::EmailAddress;
use crate::header::{HeaderValue, Subject, mailbox};
use crate::ids::RequestId;
use crate::language::Language;
use crate::letter::{Button, Letter};
use crate::link::{InvalidKeyRing, LinkPurpose, sign_one_time};
use crate::message::{Linking, Message, Uncomposable};
use crate::suppression::SuppressionReason;

/// A link that a person asks for and that is sent to their contact point only: a forwarded newsletter must not open data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshLink {
    /// See one's data.
    Access,
    /// Correct one's data.
    Correct,
    /// Erase one's data.
    Erase,
}

impl FreshLink {
    /// What the link is signed for.
    #[must_use]
    pub const fn purpose(self) -> LinkPurpose {
        match self {
            Self::Access => LinkPurpose::Access,
            Self::Correct => LinkPurpose::Correct,
            Self::Erase => LinkPurpose::Erase,
        }
    }
}

/// What a transactional message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transactional<'a> {
    /// That these have been asked for, and a link to confirm them.
    Confirm(&'a [Purpose]),
    /// That all that was asked for holds already, and the permanent link to one's choices.
    AlreadySubscribed,
    /// The link that was asked for.
    FreshLink(FreshLink),
}

/// Who asked for a message, as far as it matters for what may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// Someone who typed the address into the public form: most likely its owner.
    OwnSignUp,
    /// A brand for a person, or a person with a link.
    Otherwise,
}

impl AskedBy {
    /// Whether a message may go to an address with this suppression. Who had their data erased may come back by
    /// themselves, so their own sign-up may send a confirmation; who complained, and an address that does not exist, are
    /// never written to.
    #[must_use]
    pub const fn may_reach(self, suppression: Option<SuppressionReason>) -> bool {
        match (suppression, self) {
            (None, _) | (Some(SuppressionReason::Erasure), Self::OwnSignUp) => true,
            (Some(SuppressionReason::Erasure), Self::Otherwise)
            | (Some(SuppressionReason::Complaint | SuppressionReason::HardBounce), _) => false,
        }
    }
}

impl Transactional<'_> {
    const fn purpose(self) -> LinkPurpose {
        match self {
            Self::Confirm(_) => LinkPurpose::Confirm,
            Self::AlreadySubscribed => LinkPurpose::Preferences,
            Self::FreshLink(link) => link.purpose(),
        }
    }
}

/// Composes a transactional message. `linking.id` is the one-time id made for it, or the permanent reference where
/// nothing has to be confirmed.
///
/// # Errors
/// [`Uncomposable`].
pub fn compose_transactional(
    what: Transactional<'_>,
    brand: &Brand,
    to: &EmailAddress,
    language: Language,
    request: &RequestId,
    linking: Linking<'_>,
) -> Result<Message, Uncomposable> {
    let purpose = what.purpose();
    let token = sign_one_time(purpose, &brand.id, linking.id, linking.ring)
        .ok_or(Uncomposable::NoKey(InvalidKeyRing::Empty))?;
    let words = words(what, language, brand);
    let asked: Vec<String> = match what {
        Transactional::Confirm(purposes) => purposes
            .iter()
            .map(|purpose| purpose_words(purpose, brand, language))
            .collect(),
        Transactional::AlreadySubscribed | Transactional::FreshLink(_) => Vec::new(),
    };
    let parts = Parts {
        language,
        brand,
        words,
        asked,
        link: linking.base.page(purpose, &brand.id, &token),
    };
    Ok(Message {
        from: mailbox(&brand.name, &brand.sender),
        reply_to: brand.reply_to.clone(),
        to: to.clone(),
        subject: Subject::new(&parts.words.heading)?,
        text: text(&parts),
        html: page(&parts),
        // RFC 3834 section 5: no automatic answer should answer this.
        headers: vec![("Auto-Submitted", HeaderValue::new("auto-generated")?)],
        tags: vec![
            ("brand", brand.id.to_string()),
            ("request", request.to_string()),
            ("ses:feedback-id-a", "transactional".to_owned()),
            ("ses:feedback-id-b", brand.id.to_string()),
        ],
    })
}

/// A purpose in words, to confirm it by.
#[must_use]
pub fn purpose_words(purpose: &Purpose, brand: &Brand, language: Language) -> String {
    let say = |french: &str, english: &str| say(language, french, english).to_owned();
    match purpose {
        Purpose::Topic { topic, channel } => {
            let name = brand
                .topics
                .get(topic)
                .map_or(topic.as_str(), |topic| topic.name.get(language));
            format!("{name} ({})", channel_words(*channel, language))
        }
        Purpose::Data(DataPurpose::Profiling) => say(
            "Utiliser mes achats, mes goûts et mon logement pour choisir les offres",
            "Use what I buy, what I like and my home’s features to choose offers",
        ),
        Purpose::Data(DataPurpose::HomeLocation) => say(
            "Utiliser la zone où j’habite pour choisir les offres",
            "Use the area where I live to choose offers",
        ),
        Purpose::Data(DataPurpose::CurrentLocation) => say(
            "Utiliser l’endroit où je me trouve pour choisir les offres",
            "Use where I am to choose offers",
        ),
        Purpose::Data(DataPurpose::Measurement) => say("Mesurer ce sur quoi je clique", "Measure what I click on"),
        Purpose::Objection(Objection::NoMarketing) => say("Ne plus rien recevoir", "Receive nothing at all"),
        Purpose::Objection(Objection::NoProfiling) => say(
            "Ne pas choisir les offres d’après moi",
            "Do not choose offers by what is known about me",
        ),
        Purpose::Objection(Objection::Pause) => say("Faire une pause", "Take a break"),
    }
}

/// How a message comes, in words.
#[must_use]
pub const fn channel_words(channel: Channel, language: Language) -> &'static str {
    let (french, english) = match channel {
        Channel::Email => ("par e-mail", "by e-mail"),
        Channel::Sms => ("par SMS", "by text message"),
        Channel::Post => ("par courrier", "by post"),
        Channel::Display => ("par affichage en ligne", "by online display"),
    };
    say(language, french, english)
}

const fn say<'s>(language: Language, french: &'s str, english: &'s str) -> &'s str {
    match language {
        Language::French => french,
        Language::English => english,
    }
}

struct Parts<'a> {
    language: Language,
    brand: &'a Brand,
    words: Words,
    asked: Vec<String>,
    link: String,
}

struct Words {
    heading: String,
    before: String,
    after: &'static str,
    button: &'static str,
    why: &'static str,
}

fn words(what: Transactional<'_>, language: Language, brand: &Brand) -> Words {
    let name = brand.name.as_str();
    let say = |french, english| say(language, french, english);
    match what {
        Transactional::Confirm(_) => Words {
            heading: say("Confirmez votre inscription", "Confirm your subscription").to_owned(),
            before: match language {
                Language::French => format!("Cette adresse a été donnée à {name} pour recevoir\u{a0}:"),
                Language::English => format!("This address was given to {name} to receive:"),
            },
            after: say(
                "Si c’est bien vous, ouvrez la page et appuyez sur le bouton. Le lien est valable 7 jours. Sinon, ne faites \
                 rien\u{a0}: rien ne changera.",
                "If this was you, open the page and press the button. The link is valid for 7 days. If not, do nothing: \
                 nothing will change.",
            ),
            button: say("Confirmer", "Confirm"),
            why: say(
                "Vous recevez ce message parce que cette adresse a été inscrite. Ce n’est pas une offre.",
                "You receive this message because this address was signed up. It is not an offer.",
            ),
        },
        Transactional::AlreadySubscribed => Words {
            heading: say("Votre inscription est déjà active", "You are already subscribed").to_owned(),
            before: match language {
                Language::French => format!(
                    "Cette adresse vient d’être donnée de nouveau à {name}. Tout ce qui a été demandé est déjà actif\u{a0}: \
                     rien n’a changé."
                ),
                Language::English => format!(
                    "This address was just given to {name} once more. All that was asked for is active already: nothing \
                     has changed."
                ),
            },
            after: say(
                "Vous pouvez voir et changer vos choix à tout moment.",
                "You can see and change your choices at any time.",
            ),
            button: say("Voir mes choix", "See my choices"),
            why: say(
                "Vous recevez ce message parce que cette adresse a été inscrite. Ce n’est pas une offre.",
                "You receive this message because this address was signed up. It is not an offer.",
            ),
        },
        Transactional::FreshLink(link) => {
            let (french, english, button) = match link {
                FreshLink::Access => (
                    "Votre lien pour voir vos données",
                    "Your link to see your data",
                    say("Voir mes données", "See my data"),
                ),
                FreshLink::Correct => (
                    "Votre lien pour corriger vos données",
                    "Your link to correct your data",
                    say("Corriger mes données", "Correct my data"),
                ),
                FreshLink::Erase => (
                    "Votre lien pour effacer vos données",
                    "Your link to erase your data",
                    say("Effacer mes données", "Erase my data"),
                ),
            };
            Words {
                heading: say(french, english).to_owned(),
                before: match language {
                    Language::French => format!(
                        "Ce lien a été demandé à {name}. Il est valable 15 minutes et ne sert qu’une fois. Ne le \
                         transférez à personne."
                    ),
                    Language::English => format!(
                        "This link was asked for from {name}. It is valid for 15 minutes and works once. Do not forward \
                         it to anyone."
                    ),
                },
                after: say(
                    "Si vous n’avez rien demandé, ne faites rien\u{a0}: le lien s’éteint tout seul.",
                    "If you asked for nothing, do nothing: the link ends by itself.",
                ),
                button,
                why: say(
                    "Vous recevez ce message parce qu’un lien a été demandé pour cette adresse. Ce n’est pas une offre.",
                    "You receive this message because a link was asked for this address. It is not an offer.",
                ),
            }
        }
    }
}

fn text(parts: &Parts<'_>) -> String {
    let words = &parts.words;
    let mut text = format!("{}\n\n{}\n", words.heading, words.before);
    if !parts.asked.is_empty() {
        text.push('\n');
    }
    for asked in &parts.asked {
        text.push_str(&format!("- {asked}\n"));
    }
    let colon = say(parts.language, "\u{a0}:", ":");
    text.push_str(&format!(
        "\n{}\n\n{}{colon}\n{}\n",
        words.after, words.button, parts.link
    ));
    text.push_str(&format!("\n* * *\n\n{}\n\n{}\n", words.why, parts.brand.imprint));
    text
}

/// Laid out as the messages with offers are, so that people know whom it comes from.
fn page(parts: &Parts<'_>) -> String {
    let Parts {
        language,
        brand,
        words,
        asked,
        link,
    } = parts;
    let sheet = html! {
        p style="margin:0 0 16px;" { (words.before) }
        @if !asked.is_empty() {
            ul style="margin:0 0 16px;padding:0 0 0 24px;" {
                @for each in asked { li { (each) } }
            }
        }
        p style="margin:0;" { (words.after) }
    };
    Letter {
        language: *language,
        brand,
        heading: &words.heading,
        sheet: &sheet,
        button: Button::Ours(link, words.button),
        footer: &html! { p style="margin:0 0 12px;" { (words.why) } },
    }
    .to_html()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::link::{PublicBaseUrl, UnverifiedLink};

    fn purposes() -> Vec<Purpose> {
        ["email.offers", "sms.exhibitions", "profiling"]
            .map(|code| Purpose::from_code(code).unwrap())
            .into()
    }

    fn written(what: Transactional<'_>, language: Language) -> Message {
        let linking = Linking {
            id: fixture::link_id(),
            ring: &fixture::ring(),
            base: &PublicBaseUrl::new("https://letters.example.com").unwrap(),
        };
        let to = fixture::contact(language).address;
        let request = RequestId::new("r1").unwrap();
        compose_transactional(what, &fixture::brand(), &to, language, &request, linking).unwrap()
    }

    fn kinds(purposes: &[Purpose]) -> [Transactional<'_>; 5] {
        [
            Transactional::Confirm(purposes),
            Transactional::AlreadySubscribed,
            Transactional::FreshLink(FreshLink::Access),
            Transactional::FreshLink(FreshLink::Correct),
            Transactional::FreshLink(FreshLink::Erase),
        ]
    }

    #[test]
    fn a_confirmation_says_what_was_asked_for_and_that_doing_nothing_is_enough() {
        let french = written(Transactional::Confirm(&purposes()), Language::French);
        assert_eq!(french.subject().as_str(), "Confirmez votre inscription");
        for words in [
            "Offres (par e-mail)",
            "Expositions (par SMS)",
            "ne faites rien",
            "7 jours",
        ] {
            assert!(
                french.text().contains(words) && french.html().contains(words),
                "{words}"
            );
        }
        let english = written(Transactional::Confirm(&purposes()), Language::English);
        for words in ["Offers (by e-mail)", "Use what I buy", "do nothing", "7 days"] {
            assert!(
                english.text().contains(words) && english.html().contains(words),
                "{words}"
            );
        }
    }

    #[test]
    fn no_link_of_ours_may_lead_over_ses() {
        let purposes = purposes();
        for what in kinds(&purposes) {
            let html = written(what, Language::French).html;
            let ours = html.matches("href=\"https://letters.example.com/").count();
            assert!(ours > 0);
            assert_eq!(html.matches("<a ").count(), ours);
            assert_eq!(html.matches(" ses:no-track href=").count(), ours);
        }
    }

    #[test]
    fn each_message_holds_one_link_of_its_own_purpose_in_both_parts() {
        let purposes = purposes();
        for what in kinds(&purposes) {
            for language in Language::ALL {
                let message = written(what, language);
                let base = format!("https://letters.example.com/{}/lumen/", what.purpose().page());
                assert_eq!(message.text().matches("https://").count(), 1, "{what:?}");
                assert_eq!(message.html().matches("https://").count(), 1, "{what:?}");
                let (_, rest) = message.text().split_once(&base).unwrap();
                let token = rest.lines().next().unwrap();
                assert!(message.html().contains(&format!("{base}{token}\"")));
                let link = UnverifiedLink::parse(token)
                    .unwrap()
                    .verify(what.purpose(), &fixture::brand().id, &fixture::ring())
                    .unwrap();
                assert_eq!(link.id, fixture::link_id());
            }
        }
    }

    #[test]
    fn a_transactional_message_is_no_list_mail_and_its_tags_name_nobody() {
        let purposes = purposes();
        for what in kinds(&purposes) {
            let message = written(what, Language::French);
            let names: Vec<_> = message.headers().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, ["Auto-Submitted"]);
            let tags: Vec<_> = message
                .tags()
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(
                tags,
                [
                    "brand=lumen",
                    "request=r1",
                    "ses:feedback-id-a=transactional",
                    "ses:feedback-id-b=lumen"
                ]
            );
            for personal in ["camille", fixture::CUSTOMER] {
                assert!(!message.text().contains(personal) && !message.html().contains(personal));
            }
        }
    }

    #[test]
    fn only_an_own_sign_up_reaches_an_erased_address_and_nothing_a_complaint_or_a_bounce() {
        use SuppressionReason::{Complaint, Erasure, HardBounce};
        for by in [AskedBy::OwnSignUp, AskedBy::Otherwise] {
            assert!(by.may_reach(None));
            assert!(!by.may_reach(Some(Complaint)) && !by.may_reach(Some(HardBounce)));
        }
        assert!(AskedBy::OwnSignUp.may_reach(Some(Erasure)));
        assert!(!AskedBy::Otherwise.may_reach(Some(Erasure)));
    }

    #[test]
    fn hostile_names_are_inert() {
        let hostile = "</title><script>alert(1)</script>";
        let mut document = fixture::brand_document();
        document["name"] = hostile.into();
        document["topics"][1]["name"]["fr"] = hostile.into();
        let brand = fixture::brand_from(&document).unwrap();
        let linking = Linking {
            id: fixture::link_id(),
            ring: &fixture::ring(),
            base: &PublicBaseUrl::new("https://letters.example.com").unwrap(),
        };
        let to = fixture::contact(Language::French).address;
        let request = RequestId::new("r1").unwrap();
        let purposes = purposes();
        for what in kinds(&purposes) {
            let message = compose_transactional(what, &brand, &to, Language::French, &request, linking).unwrap();
            assert!(!message.html().contains("<script"));
            assert_eq!(message.html().matches("</title>").count(), 1);
        }
    }
}
