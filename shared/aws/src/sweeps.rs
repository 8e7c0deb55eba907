//! How far each brand's audience was looked through today for people whose yeses have lapsed.
//!
//! The audience's records hold the day of the last sign of a person, so a page of 8 000 people costs about 110 read units
//! and nothing is written for whoever has not lapsed. A list of lapses by day would cost a write at each sign of a person.

use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::time::EpochDay;

use crate::names::{AFTER, BRAND, CELL, DAY, SWEEPS, Table};
use crate::people::NOWHERE;
use crate::store::{Item, StoreError, Tables, key2, n, number, optional_text, parsed, s};

/// A day's walk through a brand's audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Whose.
    pub brand: BrandId,
    /// The day.
    pub day: EpochDay,
    /// How far it came.
    pub swept: Swept,
}

/// How far a walk came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// Up to here.
    UpTo {
        /// The cell that it goes on in.
        cell: String,
        /// The last customer who was looked at there.
        after: Option<CustomerId>,
    },
    /// To the end.
    All,
}

impl Tables {
    /// The latest walk of each brand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweeps(&self) -> Result<Vec<Sweep>, StoreError> {
        let items = self.query(Table::Due, SWEEPS.to_owned(), None, true).await?;
        items.iter().map(read).collect()
    }

    /// Notes how far a walk came, over what was noted before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_sweep(&self, sweep: &Sweep) -> Result<(), StoreError> {
        let mut item = key2(SWEEPS, sweep.brand.as_str());
        item.insert(BRAND.to_owned(), s(sweep.brand.as_str()));
        item.insert(DAY.to_owned(), n(sweep.day.0));
        if let Swept::UpTo { cell, after } = &sweep.swept {
            item.insert(CELL.to_owned(), s(cell));
            if let Some(after) = after {
                item.insert(AFTER.to_owned(), s(after.as_str()));
            }
        }
        self.put_item(Table::Due, item).await
    }

    /// The cells that a brand's audience is in, in order, with the one of people without a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audience_cells(&self, brand: &BrandId) -> Result<Vec<String>, StoreError> {
        let mut cells: Vec<String> = self
            .populated_cells(brand)
            .await?
            .into_iter()
            .map(|(cell, _)| cell)
            .collect();
        cells.push(NOWHERE.to_owned());
        cells.sort();
        cells.dedup();
        Ok(cells)
    }
}

fn read(item: &Item) -> Result<Sweep, StoreError> {
    let swept = match optional_text(item, CELL)? {
        None => Swept::All,
        Some(cell) => Swept::UpTo {
            cell: cell.to_owned(),
            after: item.contains_key(AFTER).then(|| parsed(item, AFTER)).transpose()?,
        },
    };
    Ok(Sweep {
        brand: parsed(item, BRAND)?,
        day: EpochDay(number(item, DAY)?),
        swept,
    })
}
