//! The report of a campaign: a funnel whose figures add up.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, json};
use apropos_core::api_key::Scope;
use apropos_core::campaign::{Run, RunStatus};
use apropos_core::feedback::Fate;
use apropos_core::ids::{BrandId, RunId};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::request::{CampaignReport, RunReport};

pub(crate) async fn report(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsRead)?;
    let held = held(handler, &brand, campaign).await?;
    let mut runs = Vec::with_capacity(held.runs.len());
    for run in &held.runs {
        runs.push(of_run(handler, &brand, run).await?);
    }
    Ok(json(
        200,
        &CampaignReport {
            campaign: held.campaign.id.to_string(),
            offer: held.campaign.offer.to_string(),
            offer_version: held.campaign.offer_version,
            topic: held.campaign.topic.to_string(),
            goal: held.campaign.goal.code(),
            runs,
        },
    ))
}

/// A run's totals are the sums of its pages and of its deliveries; nothing is counted anywhere else.
async fn of_run(handler: &Handler, brand: &BrandId, id: &RunId) -> Result<RunReport, Problem> {
    let run = handler
        .tables
        .run(brand, id)
        .await?
        .ok_or_else(|| Problem::unknown("run"))?;
    let pages = handler.tables.page_totals(brand, id).await?;
    let deliveries = handler.tables.delivery_totals(brand, id).await?;
    let mut withheld: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (reason, count) in pages.withheld.iter().chain(&deliveries.withheld) {
        *withheld.entry(reason.code()).or_insert(0) += count;
    }
    let decided = deliveries.sent + deliveries.open + deliveries.withheld.values().sum::<u64>();
    let queued = pages.candidates.saturating_sub(decided);
    let over = pages.tasks_done >= run.tasks && queued == 0 && deliveries.open == 0;
    let became = |fate| deliveries.fates.get(&fate).copied().unwrap_or(0);
    Ok(RunReport {
        run: id.to_string(),
        status: status(&run, over),
        launched_at: run.launched_at.to_string(),
        considered: pages.considered,
        sent: deliveries.sent,
        bounced: became(Fate::Bounced),
        complained: became(Fate::Complained),
        spared: withheld.values().sum(),
        withheld,
        open: deliveries.open,
        queued,
    })
}

/// A run is over exactly when every page is done and every candidate has an outcome.
const fn status(run: &Run, over: bool) -> &'static str {
    match run.status {
        RunStatus::Running if over => "completed",
        RunStatus::Running | RunStatus::Paused | RunStatus::Cancelled => run.status.code(),
    }
}
