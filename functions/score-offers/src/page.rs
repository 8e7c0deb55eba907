//! One page task: read people, judge each, write the receipt once, hand the candidates on, queue the next page.

use std::collections::HashSet;

use apropos_aws::{
    CANDIDATES_A_MESSAGE, Created, Cursor, FORM, HeldProposal, PagePlace, PageTask, SendTask, StoreError,
    StoredReceipt, Undone, is_current,
};
use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::campaign::{Deliveries, DeliveryId};
use apropos_core::ids::CustomerId;
use apropos_core::receipt::{Outcome, PageReceipt, Row};
use apropos_core::time::EpochDay;
use jiff::Timestamp;

use crate::Handler;

/// The most people of one page: their receipt stays well under an item's 400 KB, and the work well under the time.
const PEOPLE_A_PAGE: usize = 8_000;

/// Scores one page. Done twice it gives one receipt: the second time finds the first one and hands on the same
/// candidates, whom the claim keeps from being written to twice.
pub(crate) async fn score(handler: &Handler, task: &PageTask) -> Result<(), Undone> {
    let now = handler.clock.now();
    let held = handler
        .tables
        .proposal(&task.brand, &task.campaign, &task.run)
        .await?
        .ok_or(Undone::UnknownRun)?;
    if !is_current(&held.run, now) {
        return Err(Undone::UnknownRun);
    }
    let (people, next) = read(handler, task, EpochDay::of(now)).await?;
    let deliveries = Deliveries::of(&held.run);
    let ids: Vec<DeliveryId> = people
        .customers
        .iter()
        .map(|customer| deliveries.to(customer))
        .collect();
    let place = PagePlace {
        task: task.task,
        page: task.page,
    };
    let fresh = StoredReceipt {
        receipt: receipt(&held, &people, &ids, now),
        next,
    };
    let stored = match handler
        .tables
        .create_receipt(&task.brand, &task.run, place, &fresh, now)
        .await?
    {
        Created::New => fresh,
        Created::Taken => handler
            .tables
            .receipt(&task.brand, &task.run, place)
            .await?
            .ok_or(Undone::Wait)?,
    };
    handler
        .sends
        .send(&candidates(task, &people.customers, &ids, &stored.receipt))
        .await?;
    if let Some(Cursor { cells, after }) = stored.next {
        let next = PageTask {
            page: task.page + 1,
            cells,
            after,
            ..task.clone()
        };
        handler.pages.send(&[next]).await?;
    }
    tracing::info!(
        brand.id = %task.brand,
        campaign.id = %task.campaign,
        run.id = %task.run,
        considered = stored.receipt.considered(),
        candidates = stored.receipt.candidates(),
        "page scored"
    );
    Ok(())
}

/// The people of a page: who they are, and in the same order what is read of them.
#[derive(Default)]
struct People {
    customers: Vec<CustomerId>,
    block: Block,
}

/// The people of a page, over as many cells as it takes, and where the next page begins.
async fn read(handler: &Handler, task: &PageTask, today: EpochDay) -> Result<(People, Option<Cursor>), StoreError> {
    let mut people = People::default();
    let mut after = task.after.clone();
    for (position, cell) in task.cells.iter().enumerate() {
        loop {
            let room = PEOPLE_A_PAGE.saturating_sub(people.customers.len());
            let rest = || task.cells.iter().skip(position).cloned().collect::<Vec<_>>();
            if room == 0 {
                return Ok((people, Some(Cursor { cells: rest(), after })));
            }
            let most = u32::try_from(room).unwrap_or(u32::MAX);
            let into = (&mut people.customers, &mut people.block);
            after = handler
                .tables
                .audience_block(&task.brand, cell, after.as_ref(), most, today, into)
                .await?;
            if after.is_none() {
                break;
            }
        }
    }
    Ok((people, None))
}

fn receipt(held: &HeldProposal, people: &People, ids: &[DeliveryId], now: Timestamp) -> PageReceipt {
    let plan = Plan::new(held.as_proposal(), now);
    let mut verdicts = Verdicts::default();
    let held_out = |person| {
        people
            .customers
            .get(person)
            .is_some_and(|customer| plan.holds_out(customer))
    };
    plan.judge(&people.block, held_out, &mut verdicts);
    let rows = ids.iter().enumerate().filter_map(|(person, delivery)| {
        Some(Row {
            delivery: *delivery,
            context_version: people.block.context_version(person)?,
            outcome: verdicts.outcome(person)?,
            contributions: verdicts.contributions(person),
        })
    });
    PageReceipt { rows: rows.collect() }
}

/// The receipt's candidates by name, some a message.
fn candidates(task: &PageTask, people: &[CustomerId], ids: &[DeliveryId], receipt: &PageReceipt) -> Vec<SendTask> {
    let is_candidate = |row: &&Row| row.outcome == Outcome::Candidate;
    let named = || people.iter().zip(ids);
    // A receipt of ours has its rows in the order of the people. Of one that another worker wrote first, people may have
    // come and gone since.
    let customers: Vec<CustomerId> = if receipt.rows.iter().map(|row| &row.delivery).eq(ids) {
        let rows = receipt.rows.iter();
        let chosen = named().zip(rows).filter(|(_, row)| is_candidate(row));
        chosen.map(|((customer, _), _)| customer.clone()).collect()
    } else {
        let wanted: HashSet<DeliveryId> = receipt
            .rows
            .iter()
            .filter(is_candidate)
            .map(|row| row.delivery)
            .collect();
        let chosen = named().filter(|(_, id)| wanted.contains(id));
        chosen.map(|(customer, _)| customer.clone()).collect()
    };
    customers
        .chunks(CANDIDATES_A_MESSAGE)
        .map(|chunk| SendTask {
            v: FORM,
            brand: task.brand.clone(),
            campaign: task.campaign.clone(),
            run: task.run.clone(),
            customers: chunk.to_vec(),
            waited: false,
        })
        .collect()
}
