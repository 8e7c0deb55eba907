//! What a campaign would do, without doing it.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, json};
use apropos_core::api_key::Scope;
use apropos_core::campaign::Run;
use apropos_core::decision::{Proposal, judge};
use apropos_core::document::FieldError;
use apropos_core::ids::CustomerId;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::request::Preview;

/// The most people that a preview looks at: enough for a small brand's whole audience, little enough for one answer.
const MOST_PEOPLE: u64 = 20_000;

pub(crate) async fn preview(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand_id = authorized(event, Scope::CampaignsRead)?;
    let held = held(handler, &brand_id, campaign).await?;
    let brand = handler
        .tables
        .brand(&brand_id)
        .await?
        .ok_or_else(|| Problem::unknown("settings"))?;
    let offer = handler
        .tables
        .offer(&brand_id, &held.campaign.offer, held.campaign.offer_version)
        .await?
        .ok_or_else(|| Problem::unknown("offer"))?;
    let now = handler.clock.now();
    let run = Run::trial(&brand_id, &held.campaign.id, now).map_err(|error| FieldError::new("run", error))?;
    let proposal = Proposal {
        brand: &brand,
        offer: &offer,
        campaign: &held.campaign,
        run: &run,
    };
    let mut preview = Preview {
        considered: 0,
        candidates: 0,
        withheld: BTreeMap::new(),
        complete: true,
    };
    let cells = crate::launch::plan(handler, &brand_id, &held).await?;
    for cell in cells.iter().flatten() {
        let mut after: Option<CustomerId> = None;
        loop {
            let room = MOST_PEOPLE.saturating_sub(preview.considered);
            if room == 0 {
                preview.complete = false;
                return Ok(json(200, &preview));
            }
            let most = u32::try_from(room).unwrap_or(u32::MAX);
            let page = handler
                .tables
                .audience_page(&brand_id, cell, after.as_ref(), most)
                .await?;
            for (customer, record) in &page.people {
                preview.considered += 1;
                match judge(proposal, customer, record, now) {
                    Ok(_) => preview.candidates += 1,
                    Err(withheld) => *preview.withheld.entry(withheld.reason.code()).or_insert(0) += 1,
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(json(200, &preview))
}
