//! `POST /v1/relevance`: a brand's offers ranked for one customer, each with its decision.

use std::collections::BTreeMap;

use apropos_aws::derive;
use apropos_aws::http::{Problem, authorized, body, json, parse, route};
use apropos_core::api_key::Scope;
use apropos_core::campaign::{Audience, Campaign, Goal, Priority, Run, USUAL_EVIDENCE_BP, USUAL_THRESHOLD_BP};
use apropos_core::decision::{Proposal, Withheld, judge};
use apropos_core::document::{FieldError, whole_or_none};
use apropos_core::explain;
use apropos_core::ids::{CampaignId, CustomerId, TopicId};
use apropos_core::language::Language;
use apropos_core::offer::Offer;
use apropos_core::relevance::{Factor, Relevance, Score};
use apropos_core::retention::as_held;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde::{Deserialize, Serialize};

use crate::Handler;

/// What is asked: whose offers, and how they are to be ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// For whom.
    pub customer: CustomerId,
    /// Of which topic.
    pub topic: TopicId,
    /// What for.
    pub goal: Goal,
    /// The least relevance that counts.
    pub threshold: Relevance,
    /// The least evidence that counts.
    pub minimum_evidence: Relevance,
    /// The language of the explanations.
    pub language: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    customer: String,
    topic: String,
    #[serde(default)]
    goal: Option<String>,
    #[serde(default, deserialize_with = "whole_or_none::<_, _, 0, 10_000>")]
    threshold_bp: Option<u16>,
    #[serde(default, deserialize_with = "whole_or_none::<_, _, 0, 10_000>")]
    minimum_evidence_bp: Option<u16>,
    #[serde(default)]
    language: Option<String>,
}

#[derive(Serialize)]
struct Ranked {
    customer: String,
    offers: Vec<RankedOffer>,
    /// Offers that the goal cannot be judged of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<NotJudged>,
}

#[derive(Serialize)]
struct NotJudged {
    offer: String,
    version: u32,
    detail: String,
}

#[derive(Serialize)]
struct RankedOffer {
    offer: String,
    version: u32,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance_bp: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_bp: Option<u16>,
    /// What each known factor contributed, basis points.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    contributions_bp: BTreeMap<&'static str, u16>,
    attributes_used: Vec<&'static str>,
    explanation: String,
}

/// Reads the body.
///
/// # Errors
/// [`Problem`] names the field refused.
pub fn read_question(bytes: &[u8]) -> Result<Question, Problem> {
    let request: Request = parse(bytes)?;
    let customer = CustomerId::new(request.customer).map_err(|error| FieldError::new("customer", error))?;
    let topic = TopicId::new(request.topic).map_err(|error| FieldError::new("topic", error))?;
    let goal = match request.goal.as_deref() {
        None => Goal::Inform,
        Some(code) => Goal::from_code(code).ok_or_else(|| {
            FieldError::new(
                "goal",
                "must be 'acquire', 'retain', 'reactivate', 'inform' or 'anticipate'",
            )
        })?,
    };
    let threshold = basis_points("threshold_bp", request.threshold_bp, USUAL_THRESHOLD_BP)?;
    let minimum_evidence = basis_points("minimum_evidence_bp", request.minimum_evidence_bp, USUAL_EVIDENCE_BP)?;
    let language = match request.language.as_deref() {
        None => Language::English,
        Some(tag) => Language::from_tag(tag).map_err(|error| FieldError::new("language", error))?,
    };
    Ok(Question {
        customer,
        topic,
        goal,
        threshold,
        minimum_evidence,
        language,
    })
}

fn basis_points(field: &str, given: Option<u16>, usual: u16) -> Result<Relevance, FieldError> {
    Relevance::new(given.unwrap_or(usual)).map_err(|error| FieldError::new(field, error))
}

pub(crate) async fn answer(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    if route(event) != ("POST", vec!["v1", "relevance"]) {
        return Err(Problem::method_not_allowed());
    }
    let brand_id = authorized(event, Scope::RelevanceRead)?;
    let question = read_question(&body(event)?)?;
    let Question {
        customer,
        topic,
        language,
        ..
    } = &question;
    let now = handler.clock.now();
    let brand = handler
        .tables
        .brand(&brand_id)
        .await?
        .ok_or_else(|| Problem::unknown("settings"))?;
    if brand.topics.get(topic).is_none() {
        return Err(FieldError::new("topic", "is not a topic of the brand").into());
    }
    let (context, version, standing) = handler
        .tables
        .scored_person(&brand_id, customer)
        .await?
        .ok_or_else(|| Problem::unknown("customer"))?;
    let standing = as_held(&standing, Some(&context), brand.retention, now);
    let record = derive(&context, version, &standing, &brand.topics, now);
    let (mut ranked, mut not_judged) = (Vec::new(), Vec::new());
    for offer in handler.tables.newest_offers(&brand_id).await? {
        let campaign = trial(&offer, &question)?;
        if let Err(undeclared) = campaign.reads_declared(&offer) {
            not_judged.push(NotJudged {
                offer: offer.id.to_string(),
                version: offer.version,
                detail: undeclared.to_string(),
            });
            continue;
        }
        let run = Run::trial(&brand_id, &campaign.id, now).map_err(|error| FieldError::new("customer", error))?;
        let proposal = Proposal {
            brand: &brand,
            offer: &offer,
            campaign: &campaign,
            run: &run,
        };
        let judged = judge(proposal, customer, &record, now);
        ranked.push((offer, judged));
    }
    ranked.sort_by(|(a, first), (b, second)| rank(second).cmp(&rank(first)).then_with(|| a.id.cmp(&b.id)));
    let offers = ranked
        .iter()
        .map(|(offer, judged)| describe(offer, judged, *language, explain::attributes_used(offer, &record)))
        .collect();
    Ok(json(
        200,
        &Ranked {
            customer: customer.to_string(),
            offers,
            not_judged,
        },
    ))
}

/// A campaign of everyone, with the thresholds of the question.
fn trial(offer: &Offer, question: &Question) -> Result<Campaign, FieldError> {
    Ok(Campaign {
        id: CampaignId::new("trial").map_err(|error| FieldError::new("customer", error))?,
        offer: offer.id.clone(),
        offer_version: offer.version,
        topic: question.topic.clone(),
        goal: question.goal,
        audience: Audience::Everyone,
        threshold: question.threshold,
        minimum_evidence: question.minimum_evidence,
        holdout: Relevance::NONE,
        priority: Priority::Normal,
        best_hour: false,
    })
}

/// Offers that may be sent before those that may not, then the more relevant.
fn rank(judged: &Result<Score, Withheld>) -> (bool, Option<Relevance>) {
    match judged {
        Ok(score) => (true, Some(score.relevance)),
        Err(withheld) => (false, withheld.score.map(|score| score.relevance)),
    }
}

fn describe(
    offer: &Offer,
    judged: &Result<Score, Withheld>,
    language: Language,
    attributes_used: Vec<&'static str>,
) -> RankedOffer {
    let (decision, reason, score, explanation) = match judged {
        Ok(score) => ("relevant", None, Some(*score), explain::relevant(language, score)),
        Err(withheld) => (
            "withheld",
            Some(withheld.reason.code()),
            withheld.score,
            explain::withheld(language, offer, withheld),
        ),
    };
    RankedOffer {
        offer: offer.id.to_string(),
        version: offer.version,
        decision,
        reason,
        relevance_bp: score.map(|score| score.relevance.basis_points()),
        evidence_bp: score.map(|score| score.evidence.basis_points()),
        contributions_bp: Factor::ALL
            .into_iter()
            .filter_map(|factor| {
                let value = score?.contribution(factor)?;
                Some((factor.code(), value.basis_points()))
            })
            .collect(),
        attributes_used,
        explanation,
    }
}
