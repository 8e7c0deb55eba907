//! Why one person received a message, or did not.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, json};
use apropos_aws::{Delivery, DeliveryState, HeldProposal, PageRow, derive};
use apropos_core::api_key::Scope;
use apropos_core::audience::AudienceRecord;
use apropos_core::campaign::DeliveryId;
use apropos_core::consent::{Consents, DataPurpose, Objection, Purpose};
use apropos_core::decision::{Grounds, Withheld, judge};
use apropos_core::document::FieldError;
use apropos_core::explain;
use apropos_core::ids::{CustomerId, RunId};
use apropos_core::language::Language;
use apropos_core::reason::Reason;
use apropos_core::receipt::{Outcome, Row, contributions};
use apropos_core::relevance::{Factor, MODEL_VERSION, Relevance, Score};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;

use crate::Handler;
use crate::catalogue::held;
use crate::request::{DecisionAnswer, TableRow};

/// The decision of the run named in `?run=`, or of the latest.
pub(crate) async fn decision(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
    customer: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsRead)?;
    let held = held(handler, &brand, campaign).await?;
    let customer = CustomerId::new(customer)
        .ok()
        .ok_or_else(|| Problem::unknown("decision"))?;
    let run = match event.query_string_parameters.first("run") {
        Some(run) => RunId::new(run).map_err(|error| FieldError::new("run", error))?,
        None => held.runs.last().cloned().ok_or_else(|| Problem::unknown("run"))?,
    };
    let proposal = handler
        .tables
        .proposal(&brand, &held.campaign.id, &run)
        .await?
        .ok_or_else(|| Problem::unknown("run"))?;
    let id = DeliveryId::of(&proposal.run, &customer);
    if let Some(delivery) = handler.tables.delivery(&brand, &run, id).await? {
        return Ok(json(200, &of_delivery(&proposal, &customer, &delivery)));
    }
    let page = handler
        .tables
        .receipt_row(&brand, &run, id)
        .await?
        .ok_or_else(|| Problem::unknown("decision"))?;
    Ok(json(200, &of_row(handler, &proposal, &customer, page).await?))
}

fn answer(proposal: &HeldProposal, customer: &CustomerId, model: u8, outcome: &'static str) -> DecisionAnswer {
    DecisionAnswer {
        campaign: proposal.campaign.id.to_string(),
        run: proposal.run.id.to_string(),
        customer: customer.to_string(),
        outcome,
        reason: None,
        rule: None,
        model,
        relevance_bp: None,
        evidence_bp: None,
        contributions_bp: BTreeMap::new(),
        rounded_down_to_bp: None,
        source: "receipt",
        explanation: BTreeMap::new(),
        table: Vec::new(),
        to_the_person: BTreeMap::new(),
    }
}

pub(crate) fn in_both(sentence: impl Fn(Language) -> String) -> BTreeMap<&'static str, String> {
    Language::ALL
        .into_iter()
        .map(|language| (language.tag(), sentence(language)))
        .collect()
}

fn add_score(answer: &mut DecisionAnswer, score: &Score) {
    answer.relevance_bp = Some(score.relevance.basis_points());
    answer.evidence_bp = Some(score.evidence.basis_points());
    answer.contributions_bp = Factor::ALL
        .into_iter()
        .filter_map(|factor| {
            score
                .contribution(factor)
                .map(|value| (factor.code(), value.basis_points()))
        })
        .collect();
    answer.table = Factor::ALL
        .into_iter()
        .zip(explain::table(Language::English, score))
        .map(|(factor, row)| TableRow {
            factor: factor.code(),
            name: in_both(|language| explain::factor_name(language, factor).to_owned()),
            value_bp: row.value.map(Relevance::basis_points),
            weight_percent: row.weight,
            contribution_bp: row.contribution.map(Relevance::basis_points),
        })
        .collect();
}

/// What the message says of itself.
fn as_the_message_says(proposal: &HeldProposal, score: &Score, grounds: Grounds) -> BTreeMap<&'static str, String> {
    let brand = &proposal.brand;
    let Some(topic) = brand.topics.get(&proposal.campaign.topic) else {
        return BTreeMap::new();
    };
    in_both(|language| {
        let topic = topic.name.get(language);
        explain::why_you_receive(language, brand.name.as_str(), topic, score, grounds)
    })
}

fn of_delivery(proposal: &HeldProposal, customer: &CustomerId, delivery: &Delivery) -> DecisionAnswer {
    let receipt = &delivery.receipt;
    let score = receipt.score(proposal.campaign.goal);
    let mut answer = match (delivery.state, delivery.reason) {
        (DeliveryState::Withheld, Some(reason)) => {
            let withheld = Withheld {
                reason,
                rule: delivery.receipt.rule,
                score,
            };
            of_withheld(proposal, customer, receipt.model, &withheld, "receipt")
        }
        (state, _) => {
            let outcome = match state {
                DeliveryState::Sent => "sent",
                DeliveryState::Claimed | DeliveryState::Unresolved | DeliveryState::Withheld => "open",
                DeliveryState::Released => "queued",
            };
            let mut answer = answer(proposal, customer, receipt.model, outcome);
            if let Some(score) = score {
                add_score(&mut answer, &score);
                if state == DeliveryState::Sent {
                    answer.explanation = in_both(|language| explain::sent(language, &score));
                    answer.to_the_person = as_the_message_says(proposal, &score, delivery.receipt.grounds());
                }
            }
            answer
        }
    };
    // As they were decided on, also by a model whose weights are not known here any more.
    answer.relevance_bp = receipt.relevance_bp;
    answer.evidence_bp = receipt.evidence_bp;
    answer
}

fn of_withheld(
    proposal: &HeldProposal,
    customer: &CustomerId,
    model: u8,
    withheld: &Withheld,
    source: &'static str,
) -> DecisionAnswer {
    let mut answer = answer(proposal, customer, model, "withheld");
    answer.reason = Some(withheld.reason.code());
    answer.rule = withheld
        .rule
        .and_then(|position| proposal.offer.rules.get(position))
        .map(|rule| rule.name.clone());
    if let Some(score) = &withheld.score {
        add_score(&mut answer, score);
    }
    answer.source = source;
    answer.explanation = in_both(|language| explain::withheld(language, &proposal.offer, withheld));
    answer.to_the_person = in_both(|language| explain::why_you_do_not_receive(language, withheld.reason).to_owned());
    answer
}

/// A page's row holds the reason and what each factor added, rounded down. Details are computed again only if today's
/// model on the same version of the context gives the same reason and the same row; else the row alone is told.
async fn of_row(
    handler: &Handler,
    proposal: &HeldProposal,
    customer: &CustomerId,
    page: PageRow,
) -> Result<DecisionAnswer, Problem> {
    let PageRow { model, row } = page;
    let Outcome::Withheld(reason) = row.outcome else {
        return Ok(answer(proposal, customer, model, "queued"));
    };
    let detailed = if model == MODEL_VERSION {
        recomputed(handler, proposal, customer, &row, reason).await?
    } else {
        None
    };
    if let Some(withheld) = detailed {
        return Ok(of_withheld(proposal, customer, model, &withheld, "recomputed"));
    }
    let withheld = Withheld {
        reason,
        rule: None,
        score: None,
    };
    let mut answer = of_withheld(proposal, customer, model, &withheld, "page");
    answer.contributions_bp = Factor::ALL
        .into_iter()
        .zip(contributions(row.contributions))
        .filter_map(|(factor, value)| Some((factor.code(), value?.basis_points())))
        .collect();
    answer.rounded_down_to_bp = (!answer.contributions_bp.is_empty()).then_some(STEP_BP);
    answer.explanation = in_both(|language| explain::withheld_as_kept(language, reason, row.contributions));
    Ok(answer)
}

/// The step of the contributions in a page's row, in basis points.
const STEP_BP: u16 = 40;

async fn recomputed(
    handler: &Handler,
    proposal: &HeldProposal,
    customer: &CustomerId,
    row: &Row,
    reason: Reason,
) -> Result<Option<Withheld>, Problem> {
    let Some((context, version, standing)) = handler.tables.scored_person(&proposal.brand.id, customer).await? else {
        return Ok(None);
    };
    if version != row.context_version {
        return Ok(None);
    }
    let at = proposal.run.launched_at;
    let record = derive(&context, version, &standing, &proposal.brand.topics, at);
    let judged = |record: &AudienceRecord| {
        judge(proposal.as_proposal(), customer, record, at)
            .err()
            .filter(|withheld| withheld.reason == reason && as_kept(withheld) == row.contributions)
    };
    let withheld = judged(&record);
    // Consents have no part in the context's version, and which rule closed is not in the row. It is told where it is the same
    // whatever the person had said until then of what they have spoken of since.
    let others = as_they_may_have_chosen(&record, &standing.consents, at);
    let is_certain = others
        .into_iter()
        .all(|record| judged(&record).is_none_or(|other| Some(other) == withheld));
    Ok(withheld.filter(|_| is_certain))
}

/// The record with each choice that there may have been of the uses of data about which something was said from then on.
fn as_they_may_have_chosen(record: &AudienceRecord, consents: &Consents, then: Timestamp) -> Vec<AudienceRecord> {
    let is_open = |purpose: DataPurpose| {
        let objects = Purpose::Objection(Objection::NoProfiling);
        consents.was_changed_since(&Purpose::Data(purpose), then)
            || (purpose == DataPurpose::Profiling && consents.was_changed_since(&objects, then))
    };
    let bits = (0..).zip(DataPurpose::ALL).filter(|(_, purpose)| is_open(*purpose));
    bits.fold(vec![record.clone()], |records, (bit, _)| {
        let with = |agreed: u8| {
            records.iter().cloned().map(move |mut record| {
                record.hint.purposes = record.hint.purposes & !(1 << bit) | agreed << bit;
                record
            })
        };
        with(0).chain(with(1)).collect()
    })
}

fn as_kept(withheld: &Withheld) -> [u8; 5] {
    withheld.score.map_or([u8::MAX; 5], |score| score.contribution_bytes())
}
