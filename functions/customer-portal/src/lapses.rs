//! The daily walk through each brand's audience: whoever was not heard of for as long as the brand keeps a yes has the end
//! of their yeses recorded. Whether it has ended never waits for this: pages, scores and sends derive it; the walk makes
//! it an entry of the ledger. The day after, their data goes. So does, of anybody, a current place that has ended.

use apropos_aws::{DataLapse, EndedPlace, StoreError, Sweep, Swept, Traced, with_causes};
use apropos_core::audience::AudienceRecord;
use apropos_core::brand::Brand;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::time::EpochDay;
use jiff::Timestamp;

use crate::Handler;

/// What one tick may take: well within the function's time, and 12 million people a day.
#[derive(Debug, Clone, Copy)]
struct Room {
    pages: usize,
    people: usize,
    /// Ends of yeses, each of which costs a read and a write.
    lapses: usize,
    /// Current places that have ended, which cost as much each, and may be many: they take nothing from the lapses.
    places: usize,
}

const A_TICK: Room = Room {
    pages: 200,
    people: 8_000,
    lapses: 100,
    places: 300,
};

/// Taking all data of one person costs as much as so many ends of yeses.
const DATA_COSTS: usize = 4;

/// People whose traces a tick looks at, and the steps that it takes with all of them.
const TRACES_A_TICK: i32 = 20;
const STEPS_A_TICK: usize = 40;

/// The most people of one page.
const A_PAGE: usize = 1_000;

impl Room {
    const fn is_left(self) -> bool {
        self.pages > 0 && self.people > 0 && self.lapses > 0 && self.places > 0
    }

    /// Whether what is over of somebody can still be done.
    fn is_left_for(self, brand: &Brand, record: &AudienceRecord, now: Timestamp) -> bool {
        (self.lapses > 0 || !record.has_lapsed(brand.retention, now))
            && (self.places > 0 || !record.holds_ended_place(now))
    }
}

/// Takes today's walks further, one brand after the other, as far as there is room.
pub(crate) async fn sweep(handler: &Handler) -> Result<(), StoreError> {
    let today = EpochDay::of(handler.clock.now());
    let held = handler.tables.sweeps().await?;
    let mut room = A_TICK;
    for id in handler.tables.brands().await? {
        let swept = held
            .iter()
            .find(|sweep| sweep.brand == id && sweep.day == today)
            .map(|sweep| sweep.swept.clone());
        if swept == Some(Swept::All) || !room.is_left() {
            continue;
        }
        let Some(brand) = handler.tables.brand(&id).await? else {
            continue;
        };
        let swept = on(handler, &brand, swept, &mut room).await?;
        let sweep = Sweep {
            brand: id,
            day: today,
            swept,
        };
        handler.tables.put_sweep(&sweep).await?;
    }
    Ok(())
}

/// Goes on with a brand's walk from where it stands, and tells where it stands then.
async fn on(handler: &Handler, brand: &Brand, from: Option<Swept>, room: &mut Room) -> Result<Swept, StoreError> {
    let (first, mut after) = match from {
        Some(Swept::UpTo { cell, after }) => (cell, after),
        Some(Swept::All) => return Ok(Swept::All),
        None => (String::new(), None),
    };
    for cell in handler.tables.audience_cells(&brand.id).await? {
        // Cells that are listed meanwhile are found tomorrow.
        if cell < first {
            continue;
        }
        if cell != first {
            after = None;
        }
        loop {
            if !room.is_left() {
                return Ok(Swept::UpTo { cell, after });
            }
            let most = u32::try_from(room.people.min(A_PAGE)).unwrap_or(1);
            let page = handler
                .tables
                .audience_page(&brand.id, &cell, after.as_ref(), most)
                .await?;
            room.pages -= 1;
            room.people = room.people.saturating_sub(page.people.len());
            let now = handler.clock.now();
            for (customer, record) in &page.people {
                if !room.is_left_for(brand, record, now) {
                    return Ok(Swept::UpTo { cell, after });
                }
                look_at(handler, brand, (customer, record), now, room).await;
                after = Some(customer.clone());
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(Swept::All)
}

/// Ends what is over of somebody, as far as their record tells.
async fn look_at(
    handler: &Handler,
    brand: &Brand,
    (customer, record): (&CustomerId, &AudienceRecord),
    now: Timestamp,
    room: &mut Room,
) {
    if record.data_may_have_lapsed(brand.retention, now) {
        room.lapses = room.lapses.saturating_sub(DATA_COSTS);
        lapse(handler, brand, customer).await;
    } else if record.has_lapsed(brand.retention, now) {
        room.lapses = room.lapses.saturating_sub(1);
        expire(handler, brand, customer).await;
    }
    if record.holds_ended_place(now) {
        room.places = room.places.saturating_sub(1);
        forget_place(handler, brand, customer).await;
    }
}

/// Takes the traces out of whoever's data lapsed so long ago that nothing asks for them any more.
pub(crate) async fn finish(handler: &Handler) -> Result<(), StoreError> {
    let now = handler.clock.now();
    let mut steps = STEPS_A_TICK;
    for mut lapse in handler.tables.lapses_to_finish(now, TRACES_A_TICK).await? {
        while steps > 0 {
            steps -= 1;
            match handler.tables.finish_lapse(&mut lapse, now).await {
                Ok(Traced::Goes) => {}
                Ok(Traced::Finished) => break,
                Err(error) => {
                    let (brand, customer) = (&lapse.brand, &lapse.customer);
                    tracing::error!(error = %with_causes(&error), brand.id = %brand, customer.id = %customer, "traces could not be taken out now");
                    handler.tables.put_off_lapse(&lapse, now).await?;
                    break;
                }
            }
        }
    }
    Ok(())
}

/// One that fails does not hold up the others, and is found again tomorrow.
async fn lapse(handler: &Handler, brand: &Brand, customer: &CustomerId) {
    let id: &BrandId = &brand.id;
    match handler.tables.lapse_data(brand, customer, handler.clock.now()).await {
        Ok(DataLapse::Gone) => tracing::info!(brand.id = %id, customer.id = %customer, "somebody's data lapsed"),
        Ok(DataLapse::Kept) => tracing::debug!(brand.id = %id, customer.id = %customer, "somebody's data is kept"),
        Err(error) => {
            tracing::error!(error = %with_causes(&error), brand.id = %id, customer.id = %customer, "somebody's data could not lapse now");
        }
    }
}

/// Likewise.
async fn expire(handler: &Handler, brand: &Brand, customer: &CustomerId) {
    let now = handler.clock.now();
    let id: &BrandId = &brand.id;
    match handler.tables.expire(brand, customer, now).await {
        Ok(entries) => tracing::info!(brand.id = %id, customer.id = %customer, entries, "a lapse was recorded"),
        Err(error) => {
            tracing::error!(error = %with_causes(&error), brand.id = %id, customer.id = %customer, "a lapse could not be recorded now");
        }
    }
}

/// Likewise.
async fn forget_place(handler: &Handler, brand: &Brand, customer: &CustomerId) {
    let now = handler.clock.now();
    let id: &BrandId = &brand.id;
    match handler.tables.forget_ended_place(brand, customer, now).await {
        Ok(EndedPlace::Forgotten) => {
            tracing::debug!(brand.id = %id, customer.id = %customer, "a current place was forgotten");
        }
        Ok(EndedPlace::NotHeld) => {
            tracing::debug!(brand.id = %id, customer.id = %customer, "no current place has ended");
        }
        Err(error) => {
            tracing::error!(error = %with_causes(&error), brand.id = %id, customer.id = %customer, "a current place could not be forgotten now");
        }
    }
}
