//! Each minute: what was deferred is queued again, what stayed unknown for a day is abandoned.

use std::collections::BTreeMap;

use apropos_aws::{CANDIDATES_A_MESSAGE, DeliveryState, DueItem, DueKind, FORM, SendTask, Settlement};
use apropos_core::campaign::DeliveryId;
use apropos_core::ids::{BrandId, CampaignId, RunId};
use apropos_core::reason::Reason;

use crate::Handler;
use crate::handler::TickError;

/// A minute is taken off the list only this long after it, in minutes: whoever is putting something on it has listed it
/// first, and is done by then.
const LISTED_FOR: i64 = 10;

/// Queues before it removes: a crash in between queues again, and the claim keeps that from sending twice.
pub(crate) async fn release(handler: &Handler) -> Result<(), TickError> {
    let now = handler.clock.now();
    let this_minute = now.as_second().div_euclid(60);
    for minute in handler.tables.due_minutes(now).await? {
        let waiting = handler.tables.due_in(minute).await?;
        let (deferred, unresolved): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|item| item.kind != DueKind::Unresolved);
        handler.sends.send(&tasks(&deferred)).await?;
        for item in &unresolved {
            abandon(handler, item).await?;
        }
        for item in deferred.iter().chain(&unresolved) {
            handler.tables.remove_due(item).await?;
        }
        if minute + LISTED_FOR <= this_minute {
            handler.tables.remove_due_minute(minute).await?;
        }
        if !(deferred.is_empty() && unresolved.is_empty()) {
            tracing::info!(
                deferred = deferred.len(),
                unresolved = unresolved.len(),
                "due items released"
            );
        }
    }
    Ok(())
}

fn tasks(deferred: &[DueItem]) -> Vec<SendTask> {
    let mut by_run: BTreeMap<(&BrandId, &CampaignId, &RunId, bool), Vec<_>> = BTreeMap::new();
    for item in deferred {
        by_run
            .entry((&item.brand, &item.campaign, &item.run, item.kind == DueKind::Waited))
            .or_default()
            .push(item.customer.clone());
    }
    by_run
        .into_iter()
        .flat_map(|((brand, campaign, run, waited), customers)| {
            customers
                .chunks(CANDIDATES_A_MESSAGE)
                .map(|chunk| SendTask {
                    v: FORM,
                    brand: brand.clone(),
                    campaign: campaign.clone(),
                    run: run.clone(),
                    customers: chunk.to_vec(),
                    waited,
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A delivery that an event of SES has settled meanwhile stays as it is; else its outcome is that nobody ever knew, and
/// its contact goes on counting in the cap.
async fn abandon(handler: &Handler, item: &DueItem) -> Result<(), TickError> {
    let Some(run) = handler.tables.run(&item.brand, &item.run).await? else {
        return Ok(());
    };
    let id = DeliveryId::of(&run, &item.customer);
    let Some(delivery) = handler.tables.delivery(&item.brand, &item.run, id).await? else {
        return Ok(());
    };
    if let (DeliveryState::Claimed | DeliveryState::Unresolved, Some(attempt)) = (delivery.state, &delivery.attempt) {
        let settlement = Settlement::Withheld(Reason::Abandoned);
        let now = handler.clock.now();
        handler
            .tables
            .settle_delivery(&item.brand, &item.run, id, attempt, settlement, now)
            .await?;
    }
    Ok(())
}
