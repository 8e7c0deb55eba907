//! Launching, pausing, resuming and cancelling a run.

use apropos_aws::http::{Problem, authorized, body, json, parse};
use apropos_aws::{Created, FORM, HeldCampaign, PagePlace, PageTask, Tables, random, with_causes};
use apropos_core::api_key::Scope;
use apropos_core::attribute::Attribute;
use apropos_core::campaign::{Audience, Run, RunStatus};
use apropos_core::document::FieldError;
use apropos_core::ids::{BrandId, RunId};
use apropos_core::offer::Offer;
use apropos_core::place::AudienceCell;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::request::{RunAnswer, RunRequest};

/// How many people a page task may hold by the directory's approximate counts.
const PEOPLE_A_TASK: u64 = 8_000;

/// How many cells a page task may hold: its message and its reads stay small where few people live.
const CELLS_A_TASK: usize = 500;

/// Creates the run and queues its pages. Launching the same run again creates nothing: it queues those pages that have
/// no receipt yet, so a launch that was cut short can be finished, and a page done twice sends nothing twice.
pub(crate) async fn launch(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsWrite)?;
    let held = held(handler, &brand, campaign).await?;
    let id = match request(event)?.run {
        Some(run) => RunId::new(run).map_err(|error| FieldError::new("run", error))?,
        None => RunId::new(held.campaign.id.as_str()).map_err(|error| FieldError::new("run", error))?,
    };
    let (run, plan, status) = match existing(handler, &brand, &held, &id).await? {
        Some((run, plan)) => (run, plan, 200),
        None => {
            let plan = plan(handler, &brand, &held).await?;
            let run = Run {
                brand: brand.clone(),
                campaign: held.campaign.id.clone(),
                id: id.clone(),
                launched_at: handler.clock.now(),
                status: RunStatus::Running,
                tasks: u32::try_from(plan.len()).unwrap_or(u32::MAX),
                key: random()?,
            };
            match handler.tables.create_run(&run, &plan).await? {
                Created::New => (run, plan, 202),
                Created::Taken => {
                    return Err(Problem::conflict(
                        "this run was created at the same time by someone else",
                    ));
                }
            }
        }
    };
    queue(handler, &run, plan).await?;
    tracing::info!(brand.id = %brand, campaign.id = %run.campaign, run.id = %run.id, pages = run.tasks, "run launched");
    Ok(json(status, &answer(&run)))
}

fn answer(run: &Run) -> RunAnswer {
    RunAnswer {
        campaign: run.campaign.to_string(),
        run: run.id.to_string(),
        status: run.status.code(),
        pages: run.tasks,
    }
}

/// An empty body is an empty request.
fn request(event: &ApiGatewayV2httpRequest) -> Result<RunRequest, Problem> {
    let bytes = body(event)?;
    if bytes.is_empty() {
        Ok(RunRequest::default())
    } else {
        parse(&bytes)
    }
}

async fn existing(
    handler: &Handler,
    brand: &BrandId,
    held: &HeldCampaign,
    id: &RunId,
) -> Result<Option<(Run, Vec<Vec<String>>)>, Problem> {
    let Some(run) = handler.tables.run(brand, id).await? else {
        return Ok(None);
    };
    if run.campaign != held.campaign.id {
        return Err(Problem::conflict("a run with this id belongs to another campaign"));
    }
    let plan = handler.tables.run_plan(brand, id).await?.unwrap_or_default();
    Ok(Some((run, plan)))
}

/// The populated cells that the audience may live in, cut into tasks.
async fn plan(handler: &Handler, brand: &BrandId, held: &HeldCampaign) -> Result<Vec<Vec<String>>, Problem> {
    let offer = handler
        .tables
        .offer(brand, &held.campaign.offer, held.campaign.offer_version)
        .await?
        .ok_or_else(|| Problem::unknown("offer"))?;
    Ok(cut(populated(handler, brand, held, &[&offer]).await?))
}

/// The populated cells that the audience of any of the offers may live in, with their approximate counts.
pub(crate) async fn populated(
    handler: &Handler,
    brand: &BrandId,
    held: &HeldCampaign,
    offers: &[&Offer],
) -> Result<Vec<(String, u64)>, Problem> {
    let mut cells = handler.tables.populated_cells(brand).await?;
    // Who signs up by themselves has no place yet, and what takes sign-ups may not write the directory.
    if !cells.iter().any(|(cell, _)| cell == Tables::nowhere()) {
        cells.push((Tables::nowhere().to_owned(), 0));
    }
    // Where somebody is now does not follow from where they live.
    if held.campaign.audience == Audience::NearPlaces
        && !offers.iter().any(|offer| offer.declares(Attribute::CurrentPlace))
    {
        cells.retain(|(cell, _)| offers.iter().any(|offer| is_near(cell, offer)));
    }
    Ok(cells)
}

fn is_near(cell: &str, offer: &Offer) -> bool {
    AudienceCell::from_key(cell).is_ok_and(|cell| {
        offer
            .places
            .iter()
            .any(|place| cell.may_hold_within(place.cell, place.widest()))
    })
}

fn cut(cells: Vec<(String, u64)>) -> Vec<Vec<String>> {
    let mut tasks: Vec<Vec<String>> = Vec::new();
    let mut people = PEOPLE_A_TASK;
    for (cell, count) in cells {
        match tasks.last_mut() {
            Some(task) if people + count <= PEOPLE_A_TASK && task.len() < CELLS_A_TASK => {
                task.push(cell);
                people += count;
            }
            Some(_) | None => {
                tasks.push(vec![cell]);
                people = count;
            }
        }
    }
    tasks
}

async fn queue(handler: &Handler, run: &Run, plan: Vec<Vec<String>>) -> Result<(), Problem> {
    let mut tasks = Vec::new();
    for (task, cells) in (0u32..).zip(plan) {
        let place = PagePlace { task, page: 0 };
        if handler.tables.receipt(&run.brand, &run.id, place).await?.is_none() {
            tasks.push(PageTask {
                v: FORM,
                brand: run.brand.clone(),
                campaign: run.campaign.clone(),
                run: run.id.clone(),
                task,
                page: 0,
                cells,
                after: None,
            });
        }
    }
    handler.pages.send(&tasks).await.map_err(|failed| {
        tracing::error!(error = %with_causes(&failed), run.id = %run.id, "pages could not be queued");
        Problem::unavailable()
    })
}

/// Pauses, resumes or cancels a run.
pub(crate) async fn change(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
    verb: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsWrite)?;
    let held = held(handler, &brand, campaign).await?;
    let status = match verb {
        "pause" => RunStatus::Paused,
        "resume" => RunStatus::Running,
        _ => RunStatus::Cancelled,
    };
    let id = match request(event)?.run {
        Some(run) => RunId::new(run).map_err(|error| FieldError::new("run", error))?,
        None => held.runs.last().cloned().ok_or_else(|| Problem::unknown("run"))?,
    };
    if !held.runs.contains(&id) {
        return Err(Problem::unknown("run"));
    }
    if !handler.tables.set_run_status(&brand, &id, status).await? {
        return Err(Problem::conflict("the run was cancelled, which is for good"));
    }
    let run = handler
        .tables
        .run(&brand, &id)
        .await?
        .ok_or_else(|| Problem::unknown("run"))?;
    tracing::info!(brand.id = %brand, run.id = %id, status = status.code(), "run changed");
    Ok(json(200, &answer(&run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_hold_whole_cells_up_to_their_size() {
        let cell = |name: &str, count| (name.to_owned(), count);
        let tasks = cut(vec![
            cell("a", 5_000),
            cell("b", 3_000),
            cell("c", 1),
            cell("d", 20_000),
            cell("e", 1),
        ]);
        assert_eq!(tasks, [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]);
        assert_eq!(cut(Vec::new()), Vec::<Vec<String>>::new());
    }
}
