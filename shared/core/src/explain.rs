//! Decisions in plain words, in both languages, from the same numbers that made them.

use crate::audience::AudienceRecord;
use crate::category::Category;
use crate::decision::Withheld;
use crate::language::Language;
use crate::offer::Offer;
use crate::reason::Reason;
use crate::relevance::{Factor, Score};

/// Why a person received a message, in one sentence for that person. It names the kinds of facts used and no value: a
/// message may be forwarded.
#[must_use]
pub fn why_you_receive(language: Language, brand: &str, topic: &str, score: &Score) -> String {
    let because = score.strongest().map(|factor| match (language, factor) {
        (Language::French, Factor::Proximity) => "parce que c’est près de chez vous",
        (Language::French, Factor::Affinity) => "parce que cela va avec vos achats ou vos centres d’intérêt",
        (Language::French, Factor::Moment) => "parce que c’est le bon moment",
        (Language::French, Factor::LifecycleFit) => "parce que cela convient à votre relation avec nous",
        (Language::French, Factor::Appetite) => "parce que vous avez apprécié nos derniers messages",
        (Language::English, Factor::Proximity) => "because it is close to your home",
        (Language::English, Factor::Affinity) => "because it goes with what you bought or said you like",
        (Language::English, Factor::Moment) => "because now is the right moment",
        (Language::English, Factor::LifecycleFit) => "because it suits where you are with us",
        (Language::English, Factor::Appetite) => "because you liked our recent messages",
    });
    match (language, because) {
        (Language::French, Some(because)) => format!(
            "Vous recevez ce message de {brand} {because}, et parce que vous avez accepté « {topic} » par e-mail."
        ),
        (Language::French, None) => {
            format!("Vous recevez ce message de {brand} parce que vous avez accepté « {topic} » par e-mail.")
        }
        (Language::English, Some(because)) => {
            format!("You receive this message from {brand} {because}, and because you agreed to “{topic}” by e-mail.")
        }
        (Language::English, None) => {
            format!("You receive this message from {brand} because you agreed to “{topic}” by e-mail.")
        }
    }
}

/// A decision to send, for a marketer.
#[must_use]
pub fn sent(language: Language, score: &Score) -> String {
    match language {
        Language::French => format!("Envoyé : {}.", figures(language, score)),
        Language::English => format!("Sent: {}.", figures(language, score)),
    }
}

/// A good score on its own, before anything is decided.
#[must_use]
pub fn relevant(language: Language, score: &Score) -> String {
    match language {
        Language::French => format!("Pertinent : {}.", figures(language, score)),
        Language::English => format!("Relevant: {}.", figures(language, score)),
    }
}

fn figures(language: Language, score: &Score) -> String {
    let parts: Vec<String> = Factor::ALL
        .into_iter()
        .filter_map(|factor| {
            let value = score.contribution(factor)?;
            Some(format!(
                "{} {}",
                factor_name(language, factor),
                points(language, value.basis_points())
            ))
        })
        .collect();
    let relevance = score.relevance.percent();
    let evidence = score.evidence.percent();
    let parts = parts.join(", ");
    match language {
        Language::French => {
            format!("pertinence de {relevance} % ({parts}), sur {evidence} % des éléments connus")
        }
        Language::English => format!("{relevance} % relevant ({parts}), with {evidence} % of the evidence known"),
    }
}

fn points(language: Language, basis_points: u16) -> String {
    let (whole, tenth) = (basis_points / 100, basis_points % 100 / 10);
    match language {
        Language::French => format!("+{whole},{tenth}"),
        Language::English => format!("+{whole}.{tenth}"),
    }
}

/// A factor in words.
#[must_use]
pub const fn factor_name(language: Language, factor: Factor) -> &'static str {
    match (language, factor) {
        (Language::French, Factor::Proximity) => "proximité",
        (Language::French, Factor::Affinity) => "affinité",
        (Language::French, Factor::Moment) => "moment",
        (Language::French, Factor::LifecycleFit) => "étape de la relation",
        (Language::French, Factor::Appetite) => "accueil des derniers messages",
        (Language::English, Factor::Proximity) => "proximity",
        (Language::English, Factor::Affinity) => "affinity",
        (Language::English, Factor::Moment) => "moment",
        (Language::English, Factor::LifecycleFit) => "lifecycle fit",
        (Language::English, Factor::Appetite) => "appetite",
    }
}

/// A category in words, as they stand within a sentence.
#[must_use]
pub const fn category_name(language: Language, category: Category) -> &'static str {
    match language {
        Language::French => category.name_fr(),
        Language::English => category.name_en(),
    }
}

/// A decision to stay silent, for a marketer: the reason, the rule's own words where a rule closed, and the figures
/// where it was a matter of figures.
#[must_use]
pub fn withheld(language: Language, offer: &Offer, withheld: &Withheld) -> String {
    let rule = withheld.rule.and_then(|position| offer.rules.get(position));
    let because = match (withheld.reason, rule) {
        (Reason::Unsuitable, Some(rule)) => rule.because.get(language).to_owned(),
        (Reason::SuitabilityUnknown, Some(rule)) => {
            format!("{} ({})", withheld.reason.because(language), rule.name)
        }
        (reason, _) => reason.because(language).to_owned(),
    };
    let figures = withheld.score.map(|score| score.relevance.percent());
    match (language, figures) {
        (Language::French, Some(figure)) => format!("Non envoyé : {because} (pertinence de {figure} %)."),
        (Language::French, None) => format!("Non envoyé : {because}."),
        (Language::English, Some(figure)) => format!("Withheld: {because} ({figure} % relevant)."),
        (Language::English, None) => format!("Withheld: {because}."),
    }
}

/// The attributes that a decision about the offer was allowed to read for this person: declared and agreed to.
#[must_use]
pub fn attributes_used(offer: &Offer, record: &AudienceRecord) -> Vec<&'static str> {
    offer
        .uses
        .iter()
        .map(|declared| declared.attribute)
        .filter(|attribute| record.hint.allows(attribute.purpose()))
        .map(crate::attribute::Attribute::code)
        .collect()
}
