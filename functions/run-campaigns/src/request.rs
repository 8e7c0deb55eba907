//! What callers send, and what they are answered.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, parse};
use apropos_core::document::FieldError;
use apropos_core::ids::RunId;
use serde::{Deserialize, Serialize};

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

/// What would happen, without sending: counted over the audience as it is now, or over its first part.
#[derive(Serialize)]
pub(crate) struct Preview {
    pub(crate) considered: u64,
    pub(crate) candidates: u64,
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    /// Whether the whole audience was looked at.
    pub(crate) complete: bool,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relevance_bp: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence_bp: Option<u16>,
    /// What each known factor contributed, basis points.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) contributions_bp: BTreeMap<&'static str, u16>,
    /// `receipt`: read as it was decided; `recomputed`: details computed again from the same version of the context;
    /// `page`: the context has changed since, so only what the page's receipt holds is told.
    pub(crate) source: &'static str,
    pub(crate) explanation: BTreeMap<&'static str, String>,
}
