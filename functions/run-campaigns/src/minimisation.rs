//! What is held of people that no offer reads.

use std::collections::BTreeSet;

use apropos_aws::http::{Problem, authorized, json};
use apropos_core::api_key::Scope;
use apropos_core::document::FieldError;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::minimisation::{Holdings, readers};
use apropos_core::offer::Offer;
use apropos_core::sample::draw;
use apropos_core::time::EpochDay;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::preview::{MOST_PEOPLE, MOST_READS};
use crate::request::{HeldAttribute, MinimisationReport};

/// Without `?days=`.
const USUAL_DAYS: u16 = 90;

/// Of each cell one read of so many people at most: the report asks what is held at all, and not of how many exactly.
const MOST_PEOPLE_A_CELL: u32 = 2_000;

pub(crate) async fn report(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsRead)?;
    let days = match event.query_string_parameters.first("days") {
        None => USUAL_DAYS,
        Some(days) => days
            .parse()
            .ok()
            .filter(|days| (1..=3_650).contains(days))
            .ok_or_else(|| FieldError::new("days", "must be a whole number from 1 to 3650"))?,
    };
    let since = EpochDay(EpochDay::of(handler.clock.now()).0.saturating_sub(days)).start();
    let readers = readers(&offers_in_use(handler, &brand).await?, since);
    let mut cells = handler.tables.audience_cells(&brand).await?;
    let cells_in_all = cells.len();
    cells.sort_by_cached_key(|cell| draw("minimisation", cell));
    let (mut holdings, mut considered, mut cells_read_through) = (Holdings::default(), 0, 0);
    for cell in cells.iter().take(MOST_READS) {
        let room = MOST_PEOPLE.saturating_sub(considered).min(MOST_PEOPLE_A_CELL);
        if room == 0 {
            break;
        }
        let none: Option<&CustomerId> = None;
        let page = handler.tables.audience_page(&brand, cell, none, room).await?;
        for (_, record) in &page.people {
            holdings.add(record);
        }
        considered += u32::try_from(page.people.len()).unwrap_or(u32::MAX);
        cells_read_through += usize::from(page.next.is_none());
    }
    let attributes = holdings
        .held_of
        .into_iter()
        .map(|(attribute, held_of)| {
            let read_by: Vec<String> = readers
                .get(&attribute)
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect();
            HeldAttribute {
                attribute: attribute.code(),
                held_of,
                unread: read_by.is_empty(),
                read_by,
            }
        })
        .collect();
    Ok(json(
        200,
        &MinimisationReport {
            days,
            since: since.to_string(),
            considered,
            complete: cells_read_through == cells_in_all,
            attributes,
        },
    ))
}

/// The newest version of each offer, which ranking reads, and the versions that campaigns hold.
async fn offers_in_use(handler: &Handler, brand: &BrandId) -> Result<Vec<Offer>, Problem> {
    let mut offers = handler.tables.newest_offers(brand).await?;
    let mut known: BTreeSet<_> = offers.iter().map(|offer| (offer.id.clone(), offer.version)).collect();
    for held in handler.tables.campaigns_of(brand).await? {
        let version = (held.campaign.offer, held.campaign.offer_version);
        if known.contains(&version) {
            continue;
        }
        offers.extend(handler.tables.offer(brand, &version.0, version.1).await?);
        known.insert(version);
    }
    Ok(offers)
}
