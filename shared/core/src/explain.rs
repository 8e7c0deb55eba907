//! Decisions in plain words, in both languages, from the same numbers that made them.

use crate::affinity::{AffinitySource, TOPIC_BP};
use crate::audience::AudienceRecord;
use crate::category::Need;
use crate::decision::{Grounds, Withheld};
use crate::language::Language;
use crate::offer::Offer;
use crate::reason::Reason;
use crate::receipt;
use crate::relevance::{Factor, LEAST_REASON, Relevance, Score, weight};

/// Why a person received a message, in one sentence for that person. It names the kinds of facts used and no value: a
/// message may be forwarded. It says that they are subscribed and not that they agreed, because the legal basis may be
/// the soft opt-in.
///
/// It tells a reason to write, which is that something is near or goes with what they like; that now is a good moment, or that
/// they followed up on earlier messages, is none. Near is what is close by the kilometres: of what is only within the radius that
/// a brand gives a place, that is told. An affinity that rests on the topic alone adds nothing to being subscribed:
/// nothing that the person bought or likes was read. Of
/// a receipt that does not name the source, a figure of [`TOPIC_BP`] is told as the topic, which is never untrue.
#[must_use]
pub fn why_you_receive(language: Language, brand: &str, topic: &str, score: &Score, grounds: Grounds) -> String {
    let near = if grounds.is_close {
        ("parce que c’est près de vous", "because it is close to you")
    } else {
        (
            "parce que vous êtes dans la zone à laquelle cela s’adresse",
            "because you are within the area that it is meant for",
        )
    };
    let because = match score.strongest_reason() {
        Some(Factor::Affinity) => {
            why_affinity(score, grounds.affinity_from).or_else(|| score.factors.proximity.map(|_| near))
        }
        Some(_) => Some(near),
        None => None,
    };
    match (language, because) {
        (Language::French, Some((because, _))) => format!(
            "{brand} vous écrit {because}, et parce que vous êtes sur sa liste «\u{a0}{topic}\u{a0}» par e-mail."
        ),
        (Language::French, None) => {
            format!("{brand} vous écrit parce que vous êtes sur sa liste «\u{a0}{topic}\u{a0}» par e-mail.")
        }
        (Language::English, Some((_, because))) => format!(
            "You receive this message from {brand} {because}, and because you are subscribed to its “{topic}” list by \
             e-mail."
        ),
        (Language::English, None) => {
            format!("You receive this message from {brand} because you are subscribed to its “{topic}” list by e-mail.")
        }
    }
}

fn why_affinity(score: &Score, from: Option<AffinitySource>) -> Option<(&'static str, &'static str)> {
    let is_as_the_topic = score.factors.affinity == Some(Relevance::clamped(TOPIC_BP));
    match from {
        Some(AffinitySource::Topic) => None,
        Some(AffinitySource::Purchases) => Some((
            "parce que cela va avec vos achats",
            "because it goes with what you bought",
        )),
        Some(AffinitySource::Interests) => Some((
            "parce que cela va avec vos centres d’intérêt",
            "because it goes with your interests",
        )),
        None if is_as_the_topic => None,
        None => Some((
            "parce que cela va avec vos achats ou vos centres d’intérêt",
            "because it goes with what you bought or said you like",
        )),
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
    let relevance = score.relevance.percent();
    let evidence = score.evidence.percent();
    let parts = parts(language, Factor::ALL.map(|factor| score.contribution(factor)));
    match language {
        Language::French => {
            format!("pertinence de {relevance}\u{a0}% ({parts}), en sachant {evidence}\u{a0}% de ce qui compte")
        }
        Language::English => format!("{relevance}% relevant ({parts}), knowing {evidence}% of what counts"),
    }
}

/// What each known factor added. A comma is the decimal sign in French, so a semicolon separates.
fn parts(language: Language, contributions: [Option<Relevance>; 5]) -> String {
    let parts: Vec<String> = Factor::ALL
        .into_iter()
        .zip(contributions)
        .filter_map(|(factor, value)| {
            let value = tenths(language, value?.basis_points());
            Some(format!("{} +{value}", factor_name(language, factor)))
        })
        .collect();
    parts.join(match language {
        Language::French => "\u{a0}; ",
        Language::English => ", ",
    })
}

/// A decision to stay silent of which only a page's row is left: the reason, and what each factor added, rounded down as
/// the row holds it.
///
/// ```
/// use apropos_core::explain::withheld_as_kept;
/// use apropos_core::language::Language;
/// use apropos_core::reason::Reason;
///
/// assert_eq!(
///     withheld_as_kept(Language::English, Reason::BelowThreshold, [96, 47, 255, 255, 255]),
///     "Withheld: the offer is not relevant enough (proximity +38.4, affinity +18.8, each rounded down)."
/// );
/// ```
#[must_use]
pub fn withheld_as_kept(language: Language, reason: Reason, contributions: [u8; 5]) -> String {
    let because = reason.because(language);
    let parts = parts(language, receipt::contributions(contributions));
    match (language, parts.is_empty()) {
        (Language::French, true) => format!("Non envoyé\u{a0}: {because}."),
        (Language::French, false) => {
            format!("Non envoyé\u{a0}: {because} ({parts}\u{a0}; chiffres arrondis vers le bas).")
        }
        (Language::English, true) => format!("Withheld: {because}."),
        (Language::English, false) => format!("Withheld: {because} ({parts}, each rounded down)."),
    }
}

/// Percent with one decimal, rounded down.
fn tenths(language: Language, basis_points: u16) -> String {
    let (whole, tenth) = (basis_points / 100, basis_points % 100 / 10);
    match language {
        Language::French => format!("{whole},{tenth}"),
        Language::English => format!("{whole}.{tenth}"),
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

/// A factor in the marketer's table: `value × weight ÷ Σ weight of the known = contribution`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRow {
    /// The factor in words.
    pub factor: &'static str,
    /// What is known of it; nothing is not zero.
    pub value: Option<Relevance>,
    /// Its weight for the campaign's goal, percent.
    pub weight: u32,
    /// What it added to the relevance.
    pub contribution: Option<Relevance>,
}

/// The table of a score for a marketer: all five factors, the unknown ones too.
///
/// ```
/// use apropos_core::campaign::Goal;
/// use apropos_core::explain::table;
/// use apropos_core::language::Language;
/// use apropos_core::relevance::{Factors, Relevance, score};
///
/// let affinity = Some(Relevance::clamped(8_000));
/// let rows = table(Language::French, &score(Goal::Retain, Factors { affinity, ..Factors::default() }));
/// assert_eq!((rows[1].factor, rows[1].value, rows[1].weight), ("affinité", affinity, 35));
/// // The only one known, it is all of the relevance.
/// assert_eq!(rows[1].contribution, affinity);
/// assert_eq!(rows[0].value, None);
/// ```
#[must_use]
pub fn table(language: Language, score: &Score) -> [FactorRow; 5] {
    score.factors.in_order().map(|(factor, value)| FactorRow {
        factor: factor_name(language, factor),
        value,
        weight: weight(score.goal, factor),
        contribution: score.contribution(factor),
    })
}

/// Why a person did not receive a message, in one sentence for that person: by the reason alone, which names no fact.
#[must_use]
pub fn why_you_do_not_receive(language: Language, reason: Reason) -> &'static str {
    let (french, english) = to_the_person(reason);
    match language {
        Language::French => french,
        Language::English => english,
    }
}

const fn to_the_person(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::RunCancelled => (
            "Cet envoi a été annulé avant de vous parvenir.",
            "This mailing was cancelled before it reached you.",
        ),
        Reason::OutsideWindow => (
            "L’offre n’avait pas commencé, ou était déjà terminée.",
            "The offer had not begun, or was over already.",
        ),
        Reason::Objected => (
            "Vous avez refusé toute prospection, et nous nous y tenons.",
            "You objected to all marketing, and we keep to it.",
        ),
        Reason::Paused => (
            "Vous avez demandé une pause, qui n’est pas terminée.",
            "You asked for a pause, which is not over.",
        ),
        Reason::NoConsent => (
            "Vous n’avez jamais demandé ces messages.",
            "You never asked for these messages.",
        ),
        Reason::ConsentPending => (
            "Vous n’avez pas encore confirmé votre inscription.",
            "You have not confirmed your subscription yet.",
        ),
        Reason::ConsentDenied => ("Vous avez dit non à ces messages.", "You said no to these messages."),
        Reason::ConsentWithdrawn => (
            "Vous avez demandé à ne plus recevoir ces messages.",
            "You unsubscribed from these messages.",
        ),
        Reason::ConsentExpired => (
            "Votre accord a pris fin, et nous ne l’avons pas prolongé sans vous.",
            "Your consent has ended, and we did not extend it without you.",
        ),
        Reason::NoContactPoint => (
            "Nous n’avons pas d’adresse où vous écrire.",
            "We have no address to write to you.",
        ),
        Reason::Suppressed => (
            "Vous ne voulez plus que l’on écrive à cette adresse.",
            "You do not want this address to be written to any more.",
        ),
        Reason::Undeliverable => (
            "Les messages à cette adresse ne peuvent pas être remis.",
            "Messages to this address cannot be delivered.",
        ),
        Reason::OutsideAudience => (
            "Ce message s’adressait à d’autres personnes.",
            "This message was meant for other people.",
        ),
        Reason::Holdout => (
            "Le tirage au sort vous met dans le groupe à qui nous n’écrivons pas, pour comparer.",
            "Chance put you into the group that we do not write to, for comparison.",
        ),
        Reason::TooFar => ("C’était trop loin pour vous.", "It was too far away for you."),
        Reason::PlaceUnknown => (
            "Nous ne savons pas si c’est près de vous, ou vous ne souhaitez pas que nous le sachions.",
            "We do not know whether it is near you, or you do not want us to.",
        ),
        Reason::TooLate => (
            "Le message vous serait parvenu trop tard pour en profiter.",
            "The message would have reached you too late to be of use.",
        ),
        Reason::Unsuitable => (
            "L’offre ne convenait pas à votre situation.",
            "The offer did not suit your situation.",
        ),
        Reason::SuitabilityUnknown => (
            "Nous ne savons pas si l’offre convient à votre situation, et nous ne devinons pas.",
            "We do not know whether the offer suits your situation, and we do not guess.",
        ),
        Reason::AlreadyHas => (
            "Vous avez déjà cet article, ou un autre qui en tient lieu.",
            "You already have one, or something that does the same.",
        ),
        Reason::NoReasonToWrite => (
            "Dans ce que cette offre utilise à votre sujet, trop peu plaidait pour elle.",
            "Of what this offer uses about you, too little spoke for it.",
        ),
        Reason::TooLittleKnown => (
            "Nous en savons trop peu pour juger si cela vous intéresse.",
            "We know too little to judge whether you would care.",
        ),
        Reason::BelowThreshold => (
            "Nous n’avons pas trouvé de raison suffisante de vous en parler.",
            "We found no reason good enough to tell you about it.",
        ),
        Reason::BelowOwnThreshold => (
            "C’était moins pertinent que ce que vous souhaitez recevoir.",
            "It was less relevant than what you want to receive.",
        ),
        Reason::CapReached => (
            "Vous avez déjà reçu autant de messages que notre limite le permet.",
            "You have received as many messages as our limit allows.",
        ),
        Reason::TooSoon => (
            "Le message précédent était trop récent.",
            "It was too soon after the last message.",
        ),
        Reason::Outranked => (
            "Un message plus important de la même marque vous a été envoyé à la place.",
            "A more important message of the same brand was sent to you instead.",
        ),
        Reason::EndsInQuietHours => (
            "L’offre prenait fin pendant les heures calmes.",
            "The offer ended in quiet hours.",
        ),
        Reason::Refused => (
            "Le message a été refusé à l’envoi.",
            "The message was refused on sending.",
        ),
        Reason::Abandoned => (
            "Nous ne savons pas si ce message vous est parvenu, et nous ne l’avons pas renvoyé.",
            "We do not know whether this message reached you, and did not send it again.",
        ),
    }
}

/// What a need of the category is, as the end of "withheld because …".
fn need_words(language: Language, need: Need) -> String {
    match (language, need) {
        (Language::French, Need::Garden) => "il faut un jardin".to_owned(),
        (Language::French, Need::LiftAboveFirstFloor) => "il faut un ascenseur au-dessus du premier étage".to_owned(),
        (Language::French, Need::CeilingCm(height)) => format!("il faut un plafond à {height}\u{a0}cm"),
        (Language::French, Need::Ventilation) => "il faut un conduit ou une évacuation d’air".to_owned(),
        (Language::English, Need::Garden) => "it needs a garden".to_owned(),
        (Language::English, Need::LiftAboveFirstFloor) => "it needs a lift above the first floor".to_owned(),
        (Language::English, Need::CeilingCm(height)) => format!("it needs a ceiling of {height} cm"),
        (Language::English, Need::Ventilation) => "it needs a flue or an outlet to the open air".to_owned(),
    }
}

/// The need that closed, or all of them where it is not known which.
fn needs_words(language: Language, offer: &Offer, closed: Option<usize>) -> Option<String> {
    let closed = closed.map(|position| position.checked_sub(offer.rules.len()));
    let needs: Vec<String> = offer
        .needs
        .iter()
        .enumerate()
        .filter(|(position, _)| closed.is_none_or(|closed| closed == Some(*position)))
        .map(|(_, asked)| need_words(language, asked.need))
        .collect();
    (!needs.is_empty()).then(|| needs.join(", "))
}

/// A decision to stay silent, for a marketer: the reason, the rule's own words where a rule closed, and the figures
/// where it was a matter of figures.
#[must_use]
pub fn withheld(language: Language, offer: &Offer, withheld: &Withheld) -> String {
    let reason = withheld.reason.because(language);
    let rule = withheld.rule.and_then(|position| offer.rules.get(position));
    // A rule that closed is named; else it was a need of the category.
    let because = match (withheld.reason, rule) {
        (Reason::Unsuitable, Some(rule)) => rule.because.get(language).trim_end_matches('.').to_owned(),
        (Reason::Unsuitable, None) => needs_words(language, offer, withheld.rule).unwrap_or_else(|| reason.to_owned()),
        (Reason::SuitabilityUnknown, _) => {
            let asks = rule.map(|rule| rule.name.clone());
            let asks = asks.or_else(|| needs_words(language, offer, withheld.rule));
            asks.map_or_else(|| reason.to_owned(), |asks| format!("{reason} ({asks})"))
        }
        _ => reason.to_owned(),
    };
    // Of whom too little is known, what is known counts and no relevance.
    if let (Reason::TooLittleKnown, Some(score)) = (withheld.reason, withheld.score) {
        let known = score.evidence.percent();
        return match language {
            Language::French => format!("Non envoyé\u{a0}: {because}, soit {known}\u{a0}% de ce qui compte."),
            Language::English => format!("Withheld: {because}, {known}% of what counts."),
        };
    }
    // There, what is asked for is not the relevance either.
    if let (Reason::NoReasonToWrite, Some(score)) = (withheld.reason, withheld.score) {
        let best = tenths(language, score.factors.best_reason().basis_points());
        let least = LEAST_REASON.percent();
        return match language {
            Language::French => {
                format!("Non envoyé\u{a0}: {because} (meilleure raison de {best}\u{a0}%, sur {least}\u{a0}% demandés).")
            }
            Language::English => format!("Withheld: {because} (best reason {best}%, of {least}% asked for)."),
        };
    }
    // Rounded down, so that nothing short of a threshold reads as if it reached it.
    let figures = withheld
        .score
        .map(|score| tenths(language, score.relevance.basis_points()));
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
        .readable_uses()
        .map(|declared| declared.attribute)
        .filter(|attribute| record.hint.lets_read(*attribute))
        .map(crate::attribute::Attribute::code)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Category;
    use crate::fixture;
    use crate::relevance::Factors;

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
    fn each_reason_to_write_has_its_own_sentence_without_a_figure() {
        for language in Language::ALL {
            let told = |factor| why_you_receive(language, "Lumen", "Exhibitions", &score_of(factor), CLOSE);
            let sentences: Vec<String> = [Some(Factor::Proximity), Some(Factor::Affinity), None].map(told).into();
            for (position, sentence) in sentences.iter().enumerate() {
                assert!(!sentences[..position].contains(sentence), "{sentence}");
                assert!(
                    sentence.contains("Lumen") && sentence.contains("Exhibitions"),
                    "{sentence}"
                );
                assert!(!sentence.contains(|char: char| char.is_ascii_digit()), "{sentence}");
                assert_eq!(sentence.matches('.').count(), 1, "one sentence: {sentence}");
            }
            // What says how well it fits is no reason to write, and not told as one.
            for factor in [Factor::Moment, Factor::LifecycleFit, Factor::Appetite] {
                assert_eq!(told(Some(factor)), told(None), "{factor:?}");
            }
        }
    }

    /// Of a place that is close; what the affinity rests on is not known.
    const CLOSE: Grounds = Grounds {
        affinity_from: None,
        is_close: true,
    };

    const fn resting_on(affinity_from: AffinitySource) -> Grounds {
        Grounds {
            affinity_from: Some(affinity_from),
            ..CLOSE
        }
    }

    fn in_english(score: &Score, affinity_from: AffinitySource) -> String {
        why_you_receive(
            Language::English,
            "Lumen",
            "Exhibitions",
            score,
            resting_on(affinity_from),
        )
    }

    #[test]
    fn a_moment_that_counts_more_than_the_reason_is_not_told_as_one() {
        let mut score = score_of(Some(Factor::Moment));
        score.factors.affinity = Some(Relevance::clamped(7_654));
        assert!(score.contribution(Factor::Moment) > score.contribution(Factor::Affinity));
        let told = in_english(&score, AffinitySource::Interests);
        assert!(told.contains("because it goes with your interests"), "{told}");
    }

    #[test]
    fn what_is_too_little_of_a_reason_is_not_told_as_one() {
        let mut score = score_of(Some(Factor::Affinity));
        score.goal = crate::campaign::Goal::Anticipate;
        score.factors.affinity = Some(Relevance::clamped(2_499));
        score.factors.proximity = Some(Relevance::clamped(9_600));
        assert!(score.contribution(Factor::Affinity) > score.contribution(Factor::Proximity));
        let told = in_english(&score, AffinitySource::Purchases);
        assert!(told.contains("because it is close to you"), "{told}");
    }

    #[test]
    fn of_a_topic_that_counts_more_than_the_place_the_place_is_told() {
        let mut score = score_of(Some(Factor::Affinity));
        score.factors.proximity = Some(Relevance::clamped(2_500));
        assert_eq!(score.strongest_reason(), Some(Factor::Affinity));
        let told = in_english(&score, AffinitySource::Topic);
        assert!(told.contains("because it is close to you"), "{told}");
    }

    #[test]
    fn what_too_little_speaks_for_tells_how_little_that_is() {
        let mut score = score_of(Some(Factor::LifecycleFit));
        score.factors.affinity = Some(Relevance::clamped(2_499));
        let decision = Withheld {
            reason: Reason::NoReasonToWrite,
            rule: None,
            score: Some(score),
        };
        assert_eq!(
            Language::ALL.map(|language| withheld(language, &fixture::offer(), &decision)),
            [
                "Non envoyé\u{a0}: dans ce que l’offre utilise de cette personne, trop peu plaide pour elle (meilleure raison \
                 de 24,9\u{a0}%, sur 25\u{a0}% demandés).",
                "Withheld: of what the offer uses about this person, too little speaks for it (best reason 24.9%, of 25% asked \
                 for).",
            ]
        );
    }

    #[test]
    fn the_sentence_tells_the_strongest_reason_of_the_decision() {
        let (brand, offer) = (fixture::brand(), fixture::offer());
        let approval = fixture::approval(&brand, &offer);
        assert_eq!(approval.score().strongest_reason(), Some(Factor::Proximity));
        assert_eq!(
            why_you_receive(
                Language::English,
                brand.name.as_str(),
                "Exhibitions",
                approval.score(),
                approval.grounds()
            ),
            "You receive this message from Atelier Lumière because it is close to you, and because you are \
             subscribed to its “Exhibitions” list by e-mail."
        );
        assert_eq!(
            why_you_receive(
                Language::French,
                brand.name.as_str(),
                "Expositions",
                approval.score(),
                approval.grounds()
            ),
            "Atelier Lumière vous écrit parce que c’est près de vous, et parce que vous êtes sur sa \
             liste «\u{a0}Expositions\u{a0}» par e-mail."
        );
    }

    #[test]
    fn an_affinity_is_told_by_what_it_rests_on() {
        let score = score_of(Some(Factor::Affinity));
        let told = |language, from| why_you_receive(language, "Lumen", "Exhibitions", &score, resting_on(from));
        for (from, words) in [
            (AffinitySource::Purchases, ["vos achats", "what you bought"]),
            (AffinitySource::Interests, ["vos centres d’intérêt", "your interests"]),
        ] {
            for (language, words) in Language::ALL.into_iter().zip(words) {
                assert!(told(language, from).contains(words), "{from:?} {language:?}");
            }
        }
        for language in Language::ALL {
            let of_the_topic = why_you_receive(language, "Lumen", "Exhibitions", &score_of(None), CLOSE);
            assert_eq!(told(language, AffinitySource::Topic), of_the_topic);
        }
    }

    #[test]
    fn an_old_receipt_s_affinity_of_the_topic_s_own_worth_is_told_as_the_topic() {
        let mut score = score_of(Some(Factor::Affinity));
        score.factors.affinity = Some(Relevance::clamped(TOPIC_BP));
        for language in Language::ALL {
            let of_the_topic = why_you_receive(language, "Lumen", "Exhibitions", &score_of(None), CLOSE);
            let told = why_you_receive(language, "Lumen", "Exhibitions", &score, CLOSE);
            assert_eq!(told, of_the_topic);
        }
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
            "Envoyé\u{a0}: pertinence de 77\u{a0}% (proximité +51,0\u{a0}; affinité +33,3), en sachant 40\u{a0}% de ce qui \
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
            "because": {"fr": "il faut un jardin", "en": "it needs a garden."}
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
            "Withheld: the offer is not relevant enough (76.5% relevant)."
        );
        // What is missing there is knowledge, and of that 40 % is there.
        assert_eq!(
            because(Reason::TooLittleKnown, None, Some(score_of(None)))[1],
            "Withheld: too little is known to judge, 40% of what counts."
        );
        // A rule that an older version of the offer had.
        assert_eq!(
            because(Reason::Unsuitable, Some(9), None)[1],
            "Withheld: the offer does not suit this person’s situation."
        );
    }

    #[test]
    fn no_reason_lacks_a_sentence_for_the_person_in_either_language() {
        for language in Language::ALL {
            let sentences = Reason::ALL.map(|reason| why_you_do_not_receive(language, reason));
            for (position, sentence) in sentences.into_iter().enumerate() {
                assert!(!sentences[..position].contains(&sentence), "{sentence}");
                assert!(
                    sentence.ends_with('.') && sentence.matches('.').count() == 1,
                    "{sentence}"
                );
                assert!(
                    sentence.starts_with(char::is_uppercase) && sentence.chars().count() > 20,
                    "{sentence}"
                );
                assert!(!sentence.contains(|char: char| char.is_ascii_digit()), "{sentence}");
            }
        }
        for reason in Reason::ALL {
            let [french, english] =
                [Language::French, Language::English].map(|each| why_you_do_not_receive(each, reason));
            assert_ne!(french, english);
        }
    }

    #[test]
    fn the_table_adds_up_to_the_relevance() {
        let mut score = score_of(Some(Factor::Proximity));
        score.factors.affinity = Some(Relevance::clamped(7_654));
        for language in Language::ALL {
            let rows = table(language, &score);
            let sum: u16 = rows
                .iter()
                .filter_map(|row| row.contribution)
                .map(Relevance::basis_points)
                .sum();
            assert!(score.relevance.basis_points() - sum < 5, "{sum}");
            assert_eq!(rows.iter().map(|row| row.weight).sum::<u32>(), 100);
            assert_eq!(rows.iter().filter(|row| row.value.is_none()).count(), 3);
        }
    }

    #[test]
    fn a_need_of_the_category_is_told_in_words() {
        let mut document = fixture::offer_document();
        document["category"] = "wood-stove".into();
        document["uses"].as_array_mut().unwrap().push(serde_json::json!({
            "attribute": "dwelling.ventilation", "because": {"fr": "Il faut un conduit.", "en": "It needs a flue."}
        }));
        let offer = fixture::offer_from(&document).unwrap();
        let because = |reason| {
            withheld(
                Language::English,
                &offer,
                &Withheld {
                    reason,
                    rule: None,
                    score: None,
                },
            )
        };
        assert_eq!(
            because(Reason::Unsuitable),
            "Withheld: it needs a flue or an outlet to the open air."
        );
        assert!(
            because(Reason::SuitabilityUnknown)
                .ends_with("is not known (it needs a flue or an outlet to the open air).")
        );
        for need in Category::all().flat_map(Category::needs) {
            assert_ne!(
                need_words(Language::French, *need),
                need_words(Language::English, *need)
            );
        }
    }

    #[test]
    fn of_two_needs_the_one_that_closed_is_told() {
        let mut document = fixture::offer_document();
        document["category"] = "christmas-tree-3m".into();
        let because = serde_json::json!({"fr": "Il faut de la place.", "en": "It needs room."});
        document["uses"].as_array_mut().unwrap().extend(
            [
                "dwelling.lift",
                "dwelling.floor",
                "dwelling.ceiling_height",
                "dwelling.garden",
            ]
            .map(|attribute| serde_json::json!({"attribute": attribute, "because": because.clone()})),
        );
        document["rules"] = serde_json::json!([{
            "name": "has-a-garden", "when": {"attribute": "dwelling.garden", "is": true}, "unknown": "neutral",
            "because": {"fr": "il faut un jardin", "en": "it needs a garden"}
        }]);
        let offer = fixture::offer_from(&document).unwrap();
        let told = |reason, rule| {
            withheld(
                Language::English,
                &offer,
                &Withheld {
                    reason,
                    rule,
                    score: None,
                },
            )
        };
        let needs: Vec<String> = offer
            .needs
            .iter()
            .map(|asked| need_words(Language::English, asked.need))
            .collect();
        assert_eq!(needs.len(), 2, "{needs:?}");
        for (position, need) in (1..).zip(&needs) {
            assert_eq!(told(Reason::Unsuitable, Some(position)), format!("Withheld: {need}."));
            assert!(told(Reason::SuitabilityUnknown, Some(position)).ends_with(&format!("is not known ({need}).")));
        }
        // A receipt of an earlier model does not say which.
        assert_eq!(
            told(Reason::Unsuitable, None),
            format!("Withheld: {}.", needs.join(", "))
        );
    }

    #[test]
    fn what_is_short_of_a_threshold_never_reads_as_if_it_reached_it() {
        let mut score = score_of(None);
        score.relevance = Relevance::clamped(7_999);
        let told = Language::ALL.map(|language| {
            let decision = Withheld {
                reason: Reason::BelowThreshold,
                rule: None,
                score: Some(score),
            };
            withheld(language, &fixture::offer(), &decision)
        });
        assert_eq!(
            told,
            [
                "Non envoyé\u{a0}: l’offre n’est pas assez pertinente (pertinence de 79,9\u{a0}%).",
                "Withheld: the offer is not relevant enough (79.9% relevant)."
            ]
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
