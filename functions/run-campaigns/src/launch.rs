//! Launching, pausing, resuming and cancelling a run.

use std::collections::BTreeSet;

use apropos_aws::http::{Problem, authorized, body, json};
use apropos_aws::{Created, FORM, HeldCampaign, PagePlace, PageTask, Tables, random, with_causes};
use apropos_core::api_key::Scope;
use apropos_core::attribute::Attribute;
use apropos_core::campaign::{Audience, Run, RunStatus};
use apropos_core::document::FieldError;
use apropos_core::ids::{BrandId, RunId};
use apropos_core::offer::Offer;
use apropos_core::place::{AudienceCell, audience_cells_within};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::request::{RunAnswer, read_run};

/// How many people a page task may hold by the directory's approximate counts.
const PEOPLE_A_TASK: u64 = 8_000;

/// How many cells a page task may hold: its message and its reads stay small where few people live.
const CELLS_A_TASK: usize = 500;

/// The widest radius for which the cells around a place are listed: a few hundred.
const NEAR_M: u32 = 100_000;

/// How many regions are looked up one by one. Each costs at least one read unit, the whole of France about 30.
const MOST_REGIONS: usize = 24;

/// Creates the run and queues its pages. Launching the same run again creates nothing: it queues those pages that have
/// no receipt yet, so a launch that was cut short can be finished, and a page done twice sends nothing twice.
pub(crate) async fn launch(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsWrite)?;
    let held = held(handler, &brand, campaign).await?;
    let id = match read_run(&body(event)?)? {
        Some(run) => run,
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
                // By someone else at the same time, or by us, if the answer got lost: a launch again is the same launch. Had
                // it been refused instead, a caller that was told so would leave a run that nobody finishes.
                Created::Taken => match existing(handler, &brand, &held, &id).await? {
                    Some((there, plan)) => {
                        let status = if there.key == run.key { 202 } else { 200 };
                        (there, plan, status)
                    }
                    None => return Err(Problem::unavailable()),
                },
            }
        }
    };
    // Before its pages: a message of lower priority gives way to a run that it finds listed.
    handler.tables.list_launch(&run, held.campaign.priority).await?;
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
    // Where somebody is now does not follow from where they live.
    if held.campaign.audience == Audience::NearPlaces
        && !offers.iter().any(|offer| offer.declares(Attribute::CurrentPlace))
    {
        return near(handler, brand, offers).await;
    }
    let mut cells = handler.tables.populated_cells(brand).await?;
    // Who signs up by themselves has no place yet, and what takes sign-ups may not write the directory.
    if !cells.iter().any(|(cell, _)| cell == Tables::nowhere()) {
        cells.push((Tables::nowhere().to_owned(), 0));
    }
    Ok(cells)
}

/// The populated cells near the offers' places. Where those lie in few regions, only these are looked up: the directory
/// of a whole country costs more to read than the people of a town.
async fn near(handler: &Handler, brand: &BrandId, offers: &[&Offer]) -> Result<Vec<(String, u64)>, Problem> {
    let mut cells = Vec::new();
    match regions(offers) {
        Some(regions) => {
            for region in regions {
                cells.extend(handler.tables.populated_cells_of(brand, &region).await?);
            }
        }
        None => cells = handler.tables.populated_cells(brand).await?,
    }
    cells.retain(|(cell, _)| offers.iter().any(|offer| is_near(cell, offer)));
    Ok(cells)
}

/// The regions around the offers' places, in order, unless they are many.
fn regions(offers: &[&Offer]) -> Option<BTreeSet<String>> {
    let places = || offers.iter().flat_map(|offer| &offer.places);
    if places().any(|place| place.widest().metres() > NEAR_M) {
        return None;
    }
    let around = places().flat_map(|place| audience_cells_within(place.cell, place.widest()));
    let regions: BTreeSet<String> = around.map(AudienceCell::region).collect();
    (regions.len() <= MOST_REGIONS).then_some(regions)
}

/// Whether a cell may hold people within reach of one of the offer's places.
pub(crate) fn is_near(cell: &str, offer: &Offer) -> bool {
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
    let id = match read_run(&body(event)?)? {
        Some(run) => run,
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
    use apropos_core::document::OfferDocument;
    use apropos_core::place::Cell;
    use serde_json::json;

    use super::*;

    fn offer(radius_m: u32) -> Offer {
        let because = json!({"fr": "pour la distance", "en": "for the distance"});
        let document: OfferDocument = serde_json::from_value(json!({
            "id": "plants",
            "title": {"fr": "Plantes", "en": "Plants"},
            "text": {"fr": "De quoi planter.", "en": "All you need to plant."},
            "link": "https://maison.example.com/plantes",
            "category": "plants-and-seeds",
            "places": [{
                "id": "limoges", "name": "Limoges", "latitude": 45.8336, "longitude": 1.2611, "radius_m": radius_m,
            }],
            "uses": [{"attribute": "home", "because": because}],
            "window": {"from": "2026-11-20T00:00:00Z", "until": "2026-12-31T23:00:00Z"},
        }))
        .unwrap();
        document.store(1).unwrap().parse().unwrap()
    }

    #[test]
    fn the_few_regions_around_a_place_hold_everybody_within_its_radius() {
        for radius_m in [1, 25_000, 100_000] {
            let regions = regions(&[&offer(radius_m)]).unwrap();
            for step in 0..360 {
                let angle = f64::from(step).to_radians();
                let far = f64::from(radius_m) * f64::from(step % 10) / 10.0 / 111_300.0;
                let narrowing = 45.8336_f64.to_radians().cos();
                let home = Cell::at_degrees(45.8336 + far * angle.sin(), 1.2611 + far * angle.cos() / narrowing);
                let region = home.unwrap().parent5().region();
                assert!(regions.contains(&region), "{region} is not in {regions:?}");
            }
        }
        assert!(regions(&[&offer(25_000)]).unwrap().len() <= 3);
        assert_eq!(regions(&[&offer(100_001)]), None);
    }

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
