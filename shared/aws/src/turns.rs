//! Turns: how often something may be asked for within a while, counted under a keyed hash.

use std::collections::HashSet;

use apropos_core::suppression::TurnKey;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use crate::catalogue::Created;
use crate::names::{COUNT, EXPIRES_AT, FORMER_IDS, IDS, PK, TTL, Table, turns};
use crate::one_time::later;
use crate::store::{Item, MOST_TRIES, StoreError, Tables, created, key, ms, n, optional_time};

/// How many turns there are in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnLimit {
    /// At most so many …
    pub most: u32,
    /// … from the first one on for so long.
    pub window: SignedDuration,
}

/// Whether there was a turn left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was, and it is taken.
    Taken,
    /// There was none.
    None,
}

impl Tables {
    /// Takes a turn, if there is one left. `id` is remembered with the counter for this window and the next, so that what
    /// was kept under it can be found by the counter's key.
    ///
    /// The counters live in the links table: like the links they are short-lived, random to look at, and nobody's key is
    /// needed to read one's own.
    ///
    /// # Errors
    /// [`StoreError`]; a turn may have been taken then.
    pub async fn take_turn(
        &self,
        turn: &TurnKey,
        limit: TurnLimit,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Turn, StoreError> {
        for _ in 0..MOST_TRIES {
            let former = match self.count_turn(turn, limit, id, now).await? {
                Counted::Taken => return Ok(Turn::Taken),
                Counted::None => return Ok(Turn::None),
                Counted::Over(former) => former,
            };
            if self.first_turn(turn, limit, id, &former, now).await? == Created::New {
                return Ok(Turn::Taken);
            }
        }
        Err(StoreError::Contended)
    }

    /// The ids remembered with a counter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn turn_ids(&self, turn: &TurnKey) -> Result<HashSet<String>, StoreError> {
        let item = self
            .get(Table::Links, key(turns(turn.as_str())))
            .await?
            .unwrap_or_default();
        let mut ids = set(&item, IDS)?;
        ids.extend(set(&item, FORMER_IDS)?);
        Ok(ids)
    }

    async fn count_turn(
        &self,
        turn: &TurnKey,
        limit: TurnLimit,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(self.name(Table::Links))
            .set_key(Some(key(turns(turn.as_str()))))
            .condition_expression("#until > :now AND #count < :most")
            .expression_attribute_names("#until", EXPIRES_AT)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":most", n(limit.most))
            .expression_attribute_values(":one", n(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut expression = "ADD #count :one".to_owned();
        if let Some(id) = id {
            expression.push_str(", #ids :ids");
            update = update
                .expression_attribute_names("#ids", IDS)
                .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_owned()]));
        }
        match update.update_expression(expression).send().await {
            Ok(_) => Ok(Counted::Taken),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item.clone().unwrap_or_default();
                    Ok(match optional_time(&item, EXPIRES_AT)? {
                        Some(until) if until > now => Counted::None,
                        Some(_) | None => Counted::Over(item),
                    })
                }
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// The first turn of a new window, over a counter whose own is over.
    async fn first_turn(
        &self,
        turn: &TurnKey,
        limit: TurnLimit,
        id: Option<&str>,
        former: &Item,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let until = later(now, limit.window);
        let mut item = key(turns(turn.as_str()));
        item.insert(COUNT.to_owned(), n(1));
        item.insert(EXPIRES_AT.to_owned(), ms(until));
        if let Some(id) = id {
            item.insert(IDS.to_owned(), AttributeValue::Ss(vec![id.to_owned()]));
        }
        if let Some(ids) = former.get(IDS) {
            item.insert(FORMER_IDS.to_owned(), ids.clone());
        }
        // The ids are for finding what was kept under them, which may live as long as a window after the last turn.
        item.insert(TTL.to_owned(), n(later(until, limit.window).as_second()));
        let answer = self
            .client
            .put_item()
            .table_name(self.name(Table::Links))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk) OR #until <= :now")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#until", EXPIRES_AT)
            .expression_attribute_values(":now", ms(now))
            .send()
            .await;
        created(answer)
    }
}

enum Counted {
    Taken,
    None,
    /// The window is over, or there was none; with what the counter held.
    Over(Item),
}

fn set(item: &Item, name: &'static str) -> Result<HashSet<String>, StoreError> {
    match item.get(name) {
        None => Ok(HashSet::new()),
        Some(AttributeValue::Ss(ids)) => Ok(ids.iter().cloned().collect()),
        Some(_) => Err(StoreError::Corrupt { attribute: name }),
    }
}
