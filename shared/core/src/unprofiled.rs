//! Whom a campaign leaves out by the way it is set up: everybody who does not agree to profiling.
//!
//! Of them a decision reads the topic that they chose and, if they let it, where they live and are. No fact, purchase or
//! lifecycle is read, so a rule that leaves out whoever it knows nothing of leaves out all of them, and the most that they
//! can reach is known before anybody is judged. Whether that is meant is for the brand to say: it is told, not refused.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::affinity::affinity;
use crate::audience::{AudienceRecord, ConsentHint, Habits};
use crate::campaign::{Campaign, Goal};
use crate::consent::DataPurpose;
use crate::context::CustomerContext;
use crate::language::Language;
use crate::moment::{SOON, common};
use crate::offer::Offer;
use crate::reason::Reason;
use crate::relevance::{Factors, Relevance, Score, score};
use crate::season::Season;
use crate::suitability::{Rule, Verdict};
use crate::time::{EpochDay, later};

/// Something that keeps a campaign from everybody who does not agree to profiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier<'a> {
    /// It is for a segment by lifecycle.
    Segment,
    /// A rule of its offer leaves out whoever it knows nothing of, for this reason.
    Rule(&'a Rule, Reason),
    /// So does what the offer's category needs of a home.
    Needs,
    /// It asks for more evidence than this, which is the most there can be.
    Evidence(Relevance),
    /// It asks for more relevance than this, which is the most they can reach.
    Threshold(Relevance),
    /// In these months of its window it does until its last week, as they are out of season; in the others it does not.
    OutOfSeason(Season, Relevance),
}

/// Everything in a campaign and its offer that keeps it from all who do not agree to profiling; nothing where some of them
/// may be reached.
#[must_use]
pub fn barriers<'a>(campaign: &Campaign, offer: &'a Offer) -> Vec<Barrier<'a>> {
    let record = nothing_known();
    let may_read = |attribute| offer.declares(attribute) && record.hint.lets_read(attribute);
    let view = record.view(may_read, offer.window.from);
    let is_left_out = !campaign.audience.includes(view.lifecycle);
    let rules = offer.rules.iter().filter_map(|rule| match rule.verdict(&view) {
        Verdict::Suits => None,
        Verdict::DoesNotSuit => Some(Barrier::Rule(rule, Reason::Unsuitable)),
        Verdict::Unknown => Some(Barrier::Rule(rule, Reason::SuitabilityUnknown)),
    });
    let lacks = offer
        .needs
        .iter()
        .any(|asked| asked.condition.holds(&view) != Some(true));
    let liked = affinity(offer, &view, campaign.goal);
    let scores = |at: &dyn Fn(Timestamp) -> bool| best_scores(campaign.goal, offer, liked, at);
    let figures = out_of_reach(campaign, &scores(&|_| true));
    // In the last week it ends soon, whatever the season.
    let ends_soon = later(offer.window.until, -SOON);
    let is_reached = offer.season.is_some() && figures.iter().all(Option::is_none);
    let seasonal = is_reached.then(|| {
        let closed = (1..=12).filter_map(|month: u8| {
            let scores = scores(&|at| at < ends_soon && EpochDay::of(at).month() == month);
            let most = scores.iter().map(|score| score.relevance).max()?;
            (most < campaign.threshold).then_some((month, most))
        });
        out_of_season(closed)
    });
    is_left_out
        .then_some(Barrier::Segment)
        .into_iter()
        .chain(rules)
        .chain(lacks.then_some(Barrier::Needs))
        .chain(figures.into_iter().flatten())
        .chain(seasonal.flatten())
        .collect()
}

/// The months below the threshold, and the most that is reached in any of them.
fn out_of_season<'a>(closed: impl Iterator<Item = (u8, Relevance)>) -> Option<Barrier<'a>> {
    let (months, most): (Vec<u8>, Vec<Relevance>) = closed.unzip();
    let months = Season::of_months(&months).ok()?;
    Some(Barrier::OutOfSeason(months, most.into_iter().max()?))
}

/// Somebody who agreed to everything but profiling. What is known of them does not matter: it may not be read.
fn nothing_known() -> AudienceRecord {
    let purposes = DataPurpose::ALL.into_iter().enumerate();
    let agreed = purposes.filter(|(_, purpose)| *purpose != DataPurpose::Profiling);
    let hint = ConsentHint {
        purposes: agreed.fold(0, |bits, (position, _)| bits | (1 << position)),
        ..ConsentHint::default()
    };
    let context = CustomerContext::default();
    AudienceRecord::derive(&context, 0, hint, Habits::default(), Timestamp::UNIX_EPOCH)
}

/// The best score for each moment that there may be at these instants, of somebody who is at a place of the offer.
fn best_scores(goal: Goal, offer: &Offer, liked: Relevance, at: impl Fn(Timestamp) -> bool) -> Vec<Score> {
    let proximity = (!offer.places.is_empty()).then_some(Relevance::FULL);
    let best_reason = proximity.map_or(liked, |proximity| proximity.max(liked));
    moments(offer, at)
        .into_iter()
        .map(|moment| Factors {
            proximity,
            affinity: Some(liked),
            moment: moment.map(|moment| moment.min(best_reason)),
            ..Factors::default()
        })
        .map(|factors| score(goal, factors))
        .collect()
}

/// What the moment may be at best, while the offer can be used: the season goes by the month, its end is near in its last
/// week, and a place that has hours is open. Where nothing of it is known there is none.
fn moments(offer: &Offer, wanted: impl Fn(Timestamp) -> bool) -> BTreeSet<Option<Relevance>> {
    let has_hours = |wanted: bool| offer.places.iter().any(|place| place.hours.is_some() == wanted);
    let open = has_hours(true).then_some(Some(OPEN_BP));
    let without_hours = (has_hours(false) || offer.places.is_empty()).then_some(None);
    instants(offer)
        .filter(|at| wanted(*at))
        .flat_map(|at| {
            let parts = common(offer, None, at);
            open.into_iter()
                .chain(without_hours)
                .map(move |opening| parts.and(opening).at(false))
        })
        .collect()
}

/// The opening of a place that is open.
const OPEN_BP: u32 = 10_000;

/// Instants of each month in which the offer can be used, before its last week and in it.
fn instants(offer: &Offer) -> impl Iterator<Item = Timestamp> {
    let window = offer.window;
    let just_before = |at| later(at, SignedDuration::from_nanos(-1));
    let ends_soon = later(window.until, -SOON);
    let days = (0..=366).map(move |day| later(window.from, SignedDuration::from_hours(24 * day)));
    days.chain([just_before(ends_soon), ends_soon, just_before(window.until)])
        .filter(move |at| window.from <= *at && *at < window.until)
}

/// The figures that none of the scores comes up to. Only of whom enough is known does the relevance count.
fn out_of_reach<'a>(campaign: &Campaign, scores: &[Score]) -> [Option<Barrier<'a>>; 2] {
    let is_known = |score: &&Score| score.evidence >= campaign.minimum_evidence;
    let is_any_known = scores.iter().any(|score| is_known(&score));
    let counts = scores.iter().filter(|score| !is_any_known || is_known(score));
    let most_evidence = scores.iter().map(|score| score.evidence).max().unwrap_or_default();
    let most = counts.map(|score| score.relevance).max().unwrap_or_default();
    [
        (!is_any_known).then_some(Barrier::Evidence(most_evidence)),
        (most < campaign.threshold).then_some(Barrier::Threshold(most)),
    ]
}

impl Barrier<'_> {
    /// Whether it keeps all of them out as long as the offer's window lasts.
    #[must_use]
    pub const fn always_closes(self) -> bool {
        !matches!(self, Self::OutOfSeason(..))
    }

    /// Why each of them is withheld from, if nothing else closes before.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Segment => Reason::OutsideAudience,
            Self::Rule(_, reason) => reason,
            Self::Needs => Reason::SuitabilityUnknown,
            Self::Evidence(_) => Reason::TooLittleKnown,
            Self::Threshold(_) | Self::OutOfSeason(..) => Reason::BelowThreshold,
        }
    }

    /// The field of the campaign that it lies in.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Segment => "audience.lifecycle",
            Self::Rule(..) | Self::Needs => "offer",
            Self::Evidence(_) => "minimum_evidence_bp",
            Self::Threshold(_) | Self::OutOfSeason(..) => "threshold_bp",
        }
    }

    /// A sentence for the brand.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match (language, self) {
            (Language::French, Self::Segment) => {
                "Un segment par cycle de vie ne comprend personne qui n’a pas accepté le \
                profilage\u{a0}: son cycle de vie ne peut pas être lu."
                    .to_owned()
            }
            (Language::English, Self::Segment) => {
                "A segment by lifecycle holds nobody who has not agreed to profiling: \
                their lifecycle may not be read."
                    .to_owned()
            }
            (Language::French, Self::Rule(rule, _)) => format!(
                "La règle «\u{a0}{}\u{a0}» laisse de côté quiconque n’a pas accepté le profilage\u{a0}: ce qu’elle demande ne \
                 peut pas être lu.",
                rule.name
            ),
            (Language::English, Self::Rule(rule, _)) => format!(
                "The rule “{}” leaves out everybody who has not agreed to profiling: what it asks for may not be read.",
                rule.name
            ),
            (Language::French, Self::Needs) => {
                "Ce que la catégorie demande au logement laisse de côté quiconque n’a pas \
                accepté le profilage\u{a0}: cela ne peut pas être lu."
                    .to_owned()
            }
            (Language::English, Self::Needs) => {
                "What the category needs of a home leaves out everybody who has not agreed \
                to profiling: it may not be read."
                    .to_owned()
            }
            (Language::French, Self::Evidence(most)) => {
                format!("De qui n’a pas accepté le profilage, on peut savoir au plus {most} de ce qui compte.")
            }
            (Language::English, Self::Evidence(most)) => {
                format!("Of whoever has not agreed to profiling, at most {most} of what counts can be known.")
            }
            (Language::French, Self::Threshold(most)) => {
                format!("Qui n’a pas accepté le profilage atteint au plus {most}.")
            }
            (Language::French, Self::OutOfSeason(months, most)) => format!(
                "Hors saison ({}), qui n’a pas accepté le profilage atteint au plus {most}, et n’est pas atteint.",
                months.text(language)
            ),
            (Language::English, Self::OutOfSeason(months, most)) => format!(
                "Out of season ({}), whoever has not agreed to profiling reaches at most {most}, and is not reached.",
                months.text(language)
            ),
            (Language::English, Self::Threshold(most)) => {
                format!("Whoever has not agreed to profiling reaches at most {most}.")
            }
        }
    }
}

#[cfg(test)]
mod tests;
