//! What callers send, and what they are answered.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, parse};
use apropos_core::document::{FieldError, OfferDocument, whole_or_none};
use apropos_core::ids::RunId;
use apropos_core::offer::Offer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::checked;

/// `POST /v1/campaigns/{campaign}/launch`, `/pause`, `/resume`, `/cancel`: which run. Launching takes the campaign's id
/// for the first run if none is given; the others take the latest run.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    #[serde(default)]
    run: Option<String>,
}

/// Reads which run is meant, if one is named; an empty body names none.
///
/// # Errors
/// [`Problem`] names the field refused.
pub fn read_run(bytes: &[u8]) -> Result<Option<RunId>, Problem> {
    let request = if bytes.is_empty() {
        RunRequest::default()
    } else {
        parse(bytes)?
    };
    let run = request.run.map(RunId::new).transpose();
    Ok(run.map_err(|error| FieldError::new("run", error))?)
}

#[derive(Serialize)]
pub(crate) struct OfferAnswer {
    pub(crate) offer: String,
    pub(crate) version: u32,
}

#[derive(Serialize)]
pub(crate) struct CampaignAnswer {
    pub(crate) campaign: String,
    pub(crate) offer: String,
    pub(crate) offer_version: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<Note>,
}

/// What a brand may not have meant, and is not refused.
#[derive(Serialize)]
pub(crate) struct Note {
    /// What the note is of.
    pub(crate) code: &'static str,
    /// Why people are then withheld from, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// The field that it lies in.
    pub(crate) field: &'static str,
    pub(crate) text: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
pub(crate) struct RunAnswer {
    pub(crate) campaign: String,
    pub(crate) run: String,
    pub(crate) status: &'static str,
    pub(crate) pages: u32,
}

/// The report of one run: considered = sent + withheld + open + queued.
#[derive(Serialize)]
pub(crate) struct RunReport {
    pub(crate) run: String,
    pub(crate) status: &'static str,
    pub(crate) launched_at: String,
    /// How many people were looked at.
    pub(crate) considered: u64,
    /// How many SES took a message for.
    pub(crate) sent: u64,
    /// Of `sent`: how many came back because the address does not exist.
    pub(crate) bounced: u64,
    /// Of `sent`: how many the person reported as spam; none of them is in `bounced`.
    pub(crate) complained: u64,
    /// How many were spared, by reason.
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    /// The sum of `withheld`.
    pub(crate) spared: u64,
    /// Claimed or unresolved: not final yet.
    pub(crate) open: u64,
    /// Candidates still in the queue or deferred.
    pub(crate) queued: u64,
}

#[derive(Serialize)]
pub(crate) struct CampaignReport {
    pub(crate) campaign: String,
    pub(crate) offer: String,
    pub(crate) offer_version: u32,
    pub(crate) topic: String,
    pub(crate) goal: &'static str,
    pub(crate) runs: Vec<RunReport>,
}

/// `POST /v1/campaigns/{campaign}/preview`: nothing, or what to compare with: another version of the offer, or a draft of
/// one in the form of `POST /v1/offers`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviewRequest {
    #[serde(default, deserialize_with = "whole_or_none::<_, _, 1, { i64::MAX }>")]
    compare_with: Option<u32>,
    #[serde(default)]
    draft: Option<OfferDocument>,
}

/// What a campaign's version of its offer is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternative {
    /// A version that was posted.
    Version(u32),
    /// One that was not, and is not kept.
    Draft(Box<Offer>),
}

/// The version of a draft: those that are posted begin with 1.
const NOT_POSTED: u32 = 0;

/// Reads what to compare with, if anything is; an empty body asks for no comparison.
///
/// # Errors
/// [`Problem`] names the field refused; a draft is checked as an offer that is posted.
pub fn read_preview(bytes: &[u8], now: Timestamp) -> Result<Option<Alternative>, Problem> {
    let request = if bytes.is_empty() {
        PreviewRequest::default()
    } else {
        parse(bytes)?
    };
    match (request.compare_with, request.draft) {
        (None, None) => Ok(None),
        (Some(version), None) => Ok(Some(Alternative::Version(version))),
        (None, Some(document)) => {
            let offer = checked(&document, NOT_POSTED, now).and_then(|stored| stored.parse());
            let offer = offer.map_err(|error| error.within("draft"))?;
            Ok(Some(Alternative::Draft(Box::new(offer))))
        }
        (Some(_), Some(_)) => Err(FieldError::new("draft", "cannot be given beside 'compare_with'").into()),
    }
}

/// What would happen, without sending, in the whole audience as it is now: counted, or estimated from a sample of it.
#[derive(Serialize)]
pub(crate) struct Preview {
    /// When the launch is that this is a preview of: now, or when the offer's window begins.
    pub(crate) judged_as_of: String,
    /// How many people were looked at; every other count is of the whole audience.
    pub(crate) considered: u64,
    pub(crate) candidates: u64,
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    /// Whether the whole audience was looked at.
    pub(crate) complete: bool,
    pub(crate) estimate: EstimateAnswer,
    /// How many of those scored had a relevance of 0 to 999 bp, of 1 000 to 1 999, …, of 9 000 to 10 000.
    pub(crate) relevance_histogram: Vec<u64>,
    pub(crate) margins: Margins,
    pub(crate) examples: Vec<ExampleDecision>,
    /// The most populated of the cells that were looked at, and all the others together.
    pub(crate) cells: Vec<CellReach>,
    pub(crate) cells_considered: usize,
    pub(crate) cells_in_all: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comparison: Option<ComparisonAnswer>,
}

/// The reach in the whole audience, give or take the margin, 19 times in 20.
#[derive(Serialize)]
pub(crate) struct EstimateAnswer {
    pub(crate) people: u64,
    pub(crate) reach: u64,
    pub(crate) margin: u64,
    pub(crate) at_least: u64,
    pub(crate) at_most: u64,
    pub(crate) share_bp: u16,
    pub(crate) share_margin_bp: u16,
}

/// How far off the counts of the same names may be, 19 times in 20 for each.
#[derive(Serialize)]
pub(crate) struct Margins {
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    pub(crate) relevance_histogram: Vec<u64>,
    /// How many people at most a reason or a change may have that is not listed.
    pub(crate) unlisted: u64,
}

/// Nobody is named: whose decision it is would tell of a person, and the audience is what is asked about.
#[derive(Serialize)]
pub(crate) struct ExampleDecision {
    /// `relevant` or `withheld`.
    pub(crate) decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relevance_bp: Option<u16>,
    pub(crate) explanation: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
pub(crate) struct CellReach {
    /// `elsewhere` for the cells that are not told by themselves.
    pub(crate) cell: String,
    pub(crate) people: u64,
    pub(crate) considered: u64,
    pub(crate) candidates: u64,
    pub(crate) margin: u64,
}

/// What would change in the whole audience if the other version, or the draft, of the offer were in use.
#[derive(Serialize)]
pub(crate) struct ComparisonAnswer {
    pub(crate) offer_version: u32,
    pub(crate) compared_with: ComparedWith,
    /// The same for the other version or the draft.
    pub(crate) judged_as_of: String,
    pub(crate) gained: u64,
    pub(crate) gained_margin: u64,
    pub(crate) lost: u64,
    pub(crate) lost_margin: u64,
    pub(crate) moved: Vec<Moved>,
    pub(crate) examples: Vec<MovedExample>,
}

/// A version's number, or `draft`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ComparedWith {
    Draft,
    #[serde(untagged)]
    Version(u32),
}

/// How many end otherwise: `relevant`, or the reason.
#[derive(Serialize)]
pub(crate) struct Moved {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) count: u64,
    pub(crate) margin: u64,
}

#[derive(Serialize)]
pub(crate) struct MovedExample {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// Why it would end so.
    pub(crate) explanation: BTreeMap<&'static str, String>,
}

/// One person's decision in a run.
#[derive(Serialize)]
pub(crate) struct DecisionAnswer {
    pub(crate) campaign: String,
    pub(crate) run: String,
    pub(crate) customer: String,
    /// `sent`, `withheld`, `open` or `queued`.
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    /// The version of the relevance model that decided.
    pub(crate) model: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relevance_bp: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence_bp: Option<u16>,
    /// What each known factor contributed, basis points.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) contributions_bp: BTreeMap<&'static str, u16>,
    /// The step to which the contributions are rounded down, basis points; exact without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rounded_down_to_bp: Option<u16>,
    /// `receipt`: read as it was decided; `recomputed`: details computed again, with the same result as the page's receipt;
    /// `page`: what it would be today differs, so only what the page's receipt holds is told.
    pub(crate) source: &'static str,
    pub(crate) explanation: BTreeMap<&'static str, String>,
    /// All five factors, the unknown ones too; empty without a score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) table: Vec<TableRow>,
    /// What the person is told; empty while nothing is decided.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) to_the_person: BTreeMap<&'static str, String>,
}

/// A factor: `value × weight ÷ Σ weight of the known = contribution`.
#[derive(Serialize)]
pub(crate) struct TableRow {
    pub(crate) factor: &'static str,
    /// Its name in each language.
    pub(crate) name: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_bp: Option<u16>,
    pub(crate) weight_percent: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contribution_bp: Option<u16>,
}

/// What is held of people, and which offers read it.
#[derive(Serialize)]
pub(crate) struct MinimisationReport {
    pub(crate) days: u16,
    /// An offer that had ended by then reads nothing.
    pub(crate) since: String,
    pub(crate) considered: u32,
    /// Whether everybody was looked at.
    pub(crate) complete: bool,
    pub(crate) attributes: Vec<HeldAttribute>,
}

#[derive(Serialize)]
pub(crate) struct HeldAttribute {
    pub(crate) attribute: &'static str,
    /// Of how many of those looked at.
    pub(crate) held_of: u64,
    /// Whether no offer reads it.
    pub(crate) unread: bool,
    pub(crate) read_by: Vec<String>,
}
