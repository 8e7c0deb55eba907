//! Decisions in plain words, in both languages, from the same numbers that made them.

use crate::audience::AudienceRecord;
use crate::decision::Withheld;
use crate::language::Language;
use crate::offer::Offer;
use crate::reason::Reason;
use crate::relevance::{Factor, Score};

/// Why a person received a message, in one sentence for that person. It names the kinds of facts used and no value: a
/// message may be forwarded. It says that they are subscribed and not that they agreed, because the legal basis may be
/// the soft opt-in.
#[must_use]
pub fn why_you_receive(language: Language, brand: &str, topic: &str, score: &Score) -> String {
    let because = score.strongest().map(|factor| match (language, factor) {
        (Language::French, Factor::Proximity) => "parce que c’est près de chez vous",
        (Language::French, Factor::Affinity) => "parce que cela va avec vos achats ou vos centres d’intérêt",
        (Language::French, Factor::Moment) => "parce que c’est le bon moment",
        (Language::French, Factor::LifecycleFit) => "parce que cela convient à votre relation avec nous",
        (Language::French, Factor::Appetite) => "parce que vous avez donné suite à nos derniers messages",
        (Language::English, Factor::Proximity) => "because it is close to your home",
        (Language::English, Factor::Affinity) => "because it goes with what you bought or said you like",
        (Language::English, Factor::Moment) => "because now is the right moment",
        (Language::English, Factor::LifecycleFit) => "because it suits where you are with us",
        (Language::English, Factor::Appetite) => "because you took up our recent messages",
    });
    match (language, because) {
        (Language::French, Some(because)) => format!(
            "{brand} vous écrit {because}, et parce que vous êtes sur sa liste «\u{a0}{topic}\u{a0}» par e-mail."
        ),
        (Language::French, None) => {
            format!("{brand} vous écrit parce que vous êtes sur sa liste «\u{a0}{topic}\u{a0}» par e-mail.")
        }
        (Language::English, Some(because)) => format!(
            "You receive this message from {brand} {because}, and because you are subscribed to its “{topic}” by e-mail."
        ),
        (Language::English, None) => {
            format!("You receive this message from {brand} because you are subscribed to its “{topic}” by e-mail.")
        }
    }
}

/// A decision to send, for a marketer.
#[must_use]
pub fn sent(language: Language, score: &Score) -> String {
    match language {
        Language::French => format!("Envoyé\u{a0}: {}.", figures(language, score)),
        Language::English => format!("Sent: {}.", figures(language, score)),
    }
}

/// A good score on its own, before anything is decided.
#[must_use]
pub fn relevant(language: Language, score: &Score) -> String {
    match language {
        Language::French => format!("Pertinent\u{a0}: {}.", figures(language, score)),
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
            format!("pertinence de {relevance}\u{a0}% ({parts}), en sachant {evidence}\u{a0}% de ce qui compte")
        }
        Language::English => format!("{relevance}% relevant ({parts}), knowing {evidence}% of what counts"),
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
        (Language::French, Some(figure)) => format!("Non envoyé\u{a0}: {because} (pertinence de {figure}\u{a0}%)."),
        (Language::French, None) => format!("Non envoyé\u{a0}: {because}."),
        (Language::English, Some(figure)) => format!("Withheld: {because} ({figure}% relevant)."),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::relevance::{Factors, Relevance};

    fn score_of(factor: Option<Factor>) -> Score {
        let value = |each| (factor == Some(each)).then_some(Relevance::clamped(7_654));
        Score {
            relevance: Relevance::clamped(7_654),
            evidence: Relevance::clamped(4_000),
            factors: Factors {
                proximity: value(Factor::Proximity),
                affinity: value(Factor::Affinity),
                moment: value(Factor::Moment),
                lifecycle_fit: value(Factor::LifecycleFit),
                appetite: value(Factor::Appetite),
            },
            goal: crate::campaign::Goal::Inform,
        }
    }

    #[test]
    fn every_factor_has_its_own_sentence_without_a_figure() {
        for language in Language::ALL {
            let factors = Factor::ALL.into_iter().map(Some).chain([None]);
            let sentences: Vec<String> = factors
                .map(|factor| why_you_receive(language, "Lumen", "Exhibitions", &score_of(factor)))
                .collect();
            for (position, sentence) in sentences.iter().enumerate() {
                assert!(!sentences[..position].contains(sentence), "{sentence}");
                assert!(
                    sentence.contains("Lumen") && sentence.contains("Exhibitions"),
                    "{sentence}"
                );
                assert!(!sentence.contains(|char: char| char.is_ascii_digit()), "{sentence}");
                assert_eq!(sentence.matches('.').count(), 1, "one sentence: {sentence}");
            }
        }
    }

    #[test]
    fn the_sentence_tells_the_strongest_reason_of_the_decision() {
        let (brand, offer) = (fixture::brand(), fixture::offer());
        let approval = fixture::approval(&brand, &offer);
        assert_eq!(approval.score().strongest(), Some(Factor::Proximity));
        assert_eq!(
            why_you_receive(Language::English, brand.name.as_str(), "Exhibitions", approval.score()),
            "You receive this message from Atelier Lumière because it is close to your home, and because you are \
             subscribed to its “Exhibitions” by e-mail."
        );
        assert_eq!(
            why_you_receive(Language::French, brand.name.as_str(), "Expositions", approval.score()),
            "Atelier Lumière vous écrit parce que c’est près de chez vous, et parce que vous êtes sur sa \
             liste «\u{a0}Expositions\u{a0}» par e-mail."
        );
    }

    #[test]
    fn what_a_marketer_reads_is_what_was_counted() {
        let mut score = score_of(Some(Factor::Proximity));
        score.factors.affinity = Some(Relevance::FULL);
        assert_eq!(
            sent(Language::English, &score),
            "Sent: 77% relevant (proximity +51.0, affinity +33.3), knowing 40% of what counts."
        );
        assert_eq!(
            sent(Language::French, &score),
            "Envoyé\u{a0}: pertinence de 77\u{a0}% (proximité +51,0, affinité +33,3), en sachant 40\u{a0}% de ce qui \
             compte."
        );
        assert!(relevant(Language::English, &score).starts_with("Relevant: 77% relevant (proximity +51.0"));
        assert!(relevant(Language::French, &score).starts_with("Pertinent\u{a0}: pertinence de 77\u{a0}% ("));
    }

    #[test]
    fn a_rule_that_closed_speaks_in_its_own_words() {
        let mut document = fixture::offer_document();
        document["uses"].as_array_mut().unwrap().push(serde_json::json!({
            "attribute": "dwelling.garden", "because": {"fr": "Il faut un jardin.", "en": "It needs a garden."}
        }));
        document["rules"] = serde_json::json!([{
            "name": "needs-a-garden", "when": {"attribute": "dwelling.garden", "is": true},
            "because": {"fr": "il faut un jardin", "en": "it needs a garden"}
        }]);
        let offer = fixture::offer_from(&document).unwrap();
        let because = |reason, rule, score| {
            let decision = Withheld { reason, rule, score };
            Language::ALL.map(|language| withheld(language, &offer, &decision))
        };
        assert_eq!(
            because(Reason::Unsuitable, Some(0), None),
            ["Non envoyé\u{a0}: il faut un jardin.", "Withheld: it needs a garden."]
        );
        assert_eq!(
            because(Reason::SuitabilityUnknown, Some(0), None)[1],
            "Withheld: whether the offer suits this person’s situation is not known (needs-a-garden)."
        );
        assert_eq!(
            because(Reason::BelowThreshold, None, Some(score_of(None)))[1],
            "Withheld: the offer is not relevant enough (77% relevant)."
        );
        // A rule that an older version of the offer had.
        assert_eq!(
            because(Reason::Unsuitable, Some(9), None)[1],
            "Withheld: the offer does not suit this person’s situation."
        );
    }

    #[test]
    fn what_was_used_is_what_was_declared_and_agreed_to() {
        let (brand, offer) = (fixture::brand(), fixture::offer());
        let mut record = fixture::record(&brand, &fixture::standing());
        assert_eq!(attributes_used(&offer, &record), ["home", "interests"]);
        record.hint.purposes = 0;
        assert_eq!(attributes_used(&offer, &record), [""; 0]);
    }
}
