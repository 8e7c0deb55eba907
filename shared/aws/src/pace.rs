//! The account's pace in a region: one item that all senders share, and what SES says of the account, asked once a minute.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use apropos_core::pace::{Account, Answer, Ask, Follows, Footing, Held, Kind, Lease, Pace, Rate, Sight};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::mailer::Mailer;
use crate::names::{
    ASKED_AT, DAILY, ENABLED, GENERATION, GRANTED, HALVED_AT, HALVINGS, HELD_UNTIL, HOLDER, LEASED_AT, NEXT, PACE,
    RATE, READ_AT, SENT, Table, USED_UP,
};
use crate::random::random;
use crate::store::{Item, MOST_TRIES, StoreError, Tables, key2, n, optional_number};

/// Slots for one sender, from the lease that all senders of a region share. Clones are one sender.
#[derive(Debug, Clone)]
pub struct Pacer {
    tables: Tables,
    mailer: Mailer,
    region: String,
    me: u64,
    sight: Arc<Mutex<Option<Sight>>>,
}

/// What a sender was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// Its own slots, in order.
    Slots(Vec<Timestamp>),
    /// It needs none.
    Unbounded,
    /// None yet: ask again then.
    Later(Timestamp),
    /// None for now.
    Held(Held),
}

/// How a write under a condition ended.
enum Wrote {
    /// It did, and this stands there now.
    Done(Item),
    /// The condition did not hold; this stands there.
    Other(Item),
}

impl Pacer {
    /// A sender of a region.
    ///
    /// # Errors
    /// [`StoreError::Build`] without randomness to tell senders apart by.
    pub fn new(tables: Tables, mailer: Mailer, region: impl Into<String>) -> Result<Self, StoreError> {
        Ok(Self {
            tables,
            mailer,
            region: region.into(),
            // One that is nobody's is for nobody.
            me: u64::from(u32::from_be_bytes(random()?)) + 1,
            sight: Arc::default(),
        })
    }

    /// Asks for slots: a read and a write, whatever number of slots it is for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease(&self, clock: &Clock, most: u32, kind: Kind) -> Result<Leased, StoreError> {
        let began = clock.now();
        let mut pace = read(&self.item().await?)?;
        if let Some(not_now) = self.unsure(&pace, began, clock.now()) {
            return Ok(not_now);
        }
        if pace.is_account_due(clock.now()) {
            let began = clock.now();
            pace = self.account(pace, clock).await?;
            // Others may have taken slots while SES was asked, by another clock.
            if let Some(not_now) = self.unsure(&pace, began, clock.now()) {
                return Ok(not_now);
            }
        }
        for _ in 0..MOST_TRIES {
            let now = clock.now();
            let lease = match pace.ask(Ask { now, most, kind }) {
                Answer::Lease(lease) => lease,
                Answer::Unbounded => return Ok(Leased::Unbounded),
                Answer::Later(at) => return Ok(Leased::Later(at)),
                Answer::Held(held) => return Ok(Leased::Held(held)),
            };
            match self.take(&pace, &lease, kind, now).await? {
                Wrote::Done(item) => {
                    let pace = read(&item)?;
                    self.look(&pace, now, clock.now());
                    let first = pace.next.saturating_sub(lease.span());
                    return Ok(Leased::Slots(Lease { first, ..lease }.slots().collect()));
                }
                Wrote::Other(item) => {
                    pace = read(&item)?;
                    if self.look(&pace, now, clock.now()) != Footing::Sure {
                        return Ok(Leased::Held(Held::Clock));
                    }
                }
            }
        }
        Err(StoreError::Contended)
    }

    /// SES said *too fast*: the rate is halved for a while. Says how often it is halved now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn slower(&self, now: Timestamp) -> Result<Held, StoreError> {
        let pace = read(&self.item().await?)?;
        let Some(halvings) = pace.slower(now) else {
            return Ok(Held::Rate {
                halvings: pace.halvings,
            });
        };
        let values = [(HALVINGS, n(halvings)), (HALVED_AT, n(now.as_millisecond()))];
        // Whoever was quicker has halved it for the same crowd.
        self.change(&pace, &values).await?;
        Ok(Held::Rate { halvings })
    }

    /// SES refused to send at all, for the account's sake: so it is for all, for a minute, until the account is read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold(&self, now: Timestamp, why: Held) -> Result<(), StoreError> {
        let pace = read(&self.item().await?)?;
        let values = [
            (HELD_UNTIL, n(Pace::held_from(now))),
            (USED_UP, AttributeValue::Bool(why == Held::UsedUp)),
        ];
        self.change(&pace, &values).await.map(|_| ())
    }

    /// What a sender gets that does not know that its clock is right; `None` for one that does.
    fn unsure(&self, pace: &Pace, began: Timestamp, now: Timestamp) -> Option<Leased> {
        match self.look(pace, began, now) {
            Footing::Sure => None,
            Footing::Look { after } => {
                let at = now.saturating_add(SignedDuration::from_millis(after));
                Some(Leased::Later(at.unwrap_or(now)))
            }
            Footing::Off => Some(Leased::Held(Held::Clock)),
        }
    }

    fn look(&self, pace: &Pace, began: Timestamp, ended: Timestamp) -> Footing {
        // A sight is whole whatever became of another task.
        let mut sight = self.sight.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Sight::of(*sight, pace, self.me, began, ended);
        *sight = Some(new);
        new.footing()
    }

    fn key(&self) -> Item {
        key2(PACE, self.region.as_str())
    }

    async fn item(&self) -> Result<Item, StoreError> {
        Ok(self.tables.get(Table::Campaigns, self.key()).await?.unwrap_or_default())
    }

    /// Asks SES about the account, if nobody else is at it. What SES does not answer leaves what was known.
    async fn account(&self, pace: Pace, clock: &Clock) -> Result<Pace, StoreError> {
        let asked_at = clock.now().as_millisecond();
        match self.change(&pace, &[(ASKED_AT, n(asked_at))]).await? {
            Wrote::Other(item) => return read(&item),
            Wrote::Done(_) => {}
        }
        let Some(said) = self.mailer.account().await else {
            tracing::warn!("SES did not say what the account may send");
            return read(&self.item().await?);
        };
        let mut values = vec![
            (RATE, n(said.rate.messages_in_1000_seconds())),
            (DAILY, said.daily.map_or(AttributeValue::Null(true), n)),
            (SENT, n(said.sent)),
            (ENABLED, AttributeValue::Bool(said.enabled)),
            (READ_AT, n(asked_at)),
            (HELD_UNTIL, n(0)),
        ];
        for _ in 0..MOST_TRIES {
            let now = read(&self.item().await?)?;
            // What was given out while SES counted may be in its count or not: it stays in ours.
            values.push((GRANTED, n(now.granted.saturating_sub(pace.granted))));
            match self.change(&now, &values).await? {
                Wrote::Done(item) => return read(&item),
                Wrote::Other(_) => {
                    values.pop();
                }
            }
        }
        Err(StoreError::Contended)
    }

    /// Changes the item, unless it was changed meanwhile.
    async fn change(&self, pace: &Pace, values: &[(&'static str, AttributeValue)]) -> Result<Wrote, StoreError> {
        let mut update = self
            .update()
            .expression_attribute_names("#generation", GENERATION)
            .expression_attribute_values(":seen", n(pace.generation))
            .expression_attribute_values(":next", n(pace.generation.saturating_add(1)))
            .condition_expression(same_generation(pace));
        let mut expression = "SET #generation = :next".to_owned();
        for (position, (name, value)) in values.iter().enumerate() {
            let _ = write!(expression, ", #c{position} = :c{position}");
            update = update
                .expression_attribute_names(format!("#c{position}"), *name)
                .expression_attribute_values(format!(":c{position}"), value.clone());
        }
        wrote(update.update_expression(expression).send().await)
    }

    /// Writes a lease. Slots that follow on others are taken from wherever the train ends by then, so that senders do not
    /// keep each other from it.
    async fn take(&self, pace: &Pace, lease: &Lease, kind: Kind, now: Timestamp) -> Result<Wrote, StoreError> {
        let mut condition = same_generation(pace).to_owned();
        let mut update = self
            .update()
            .expression_attribute_names("#generation", GENERATION)
            .expression_attribute_values(":seen", n(pace.generation))
            .expression_attribute_names("#next", NEXT)
            .expression_attribute_names("#granted", GRANTED)
            .expression_attribute_names("#leased", LEASED_AT)
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_values(":count", n(lease.count))
            .expression_attribute_values(":now", n(now.as_millisecond()))
            .expression_attribute_values(":me", n(self.me));
        let next = match lease.follows {
            Follows::On { latest, earliest } => {
                condition.push_str(" AND #next BETWEEN :earliest AND :latest");
                update = update
                    .expression_attribute_values(":earliest", n(earliest))
                    .expression_attribute_values(":latest", n(latest))
                    .expression_attribute_values(":span", n(lease.span()));
                "#next + :span"
            }
            Follows::AfterGap { end } => {
                condition.push_str(if end == 0 {
                    " AND (attribute_not_exists(#next) OR #next = :end)"
                } else {
                    " AND #next = :end"
                });
                update = update
                    .expression_attribute_values(":end", n(end))
                    .expression_attribute_values(":after", n(lease.first.saturating_add(lease.span())));
                ":after"
            }
        };
        if let Some(most) = pace.most_granted(kind) {
            condition.push_str(" AND #granted <= :most");
            update = update.expression_attribute_values(":most", n(most.saturating_sub(u64::from(lease.count))));
        }
        let expression = format!("SET #next = {next}, #leased = :now, #holder = :me ADD #granted :count");
        wrote(
            update
                .condition_expression(condition)
                .update_expression(expression)
                .send()
                .await,
        )
    }

    fn update(&self) -> UpdateItemFluentBuilder {
        self.tables
            .client
            .update_item()
            .table_name(self.tables.name(Table::Campaigns))
            .set_key(Some(self.key()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

const fn same_generation(pace: &Pace) -> &'static str {
    if pace.generation == 0 {
        "(attribute_not_exists(#generation) OR #generation = :seen)"
    } else {
        "#generation = :seen"
    }
}

fn wrote(answer: Result<UpdateItemOutput, SdkError<UpdateItemError>>) -> Result<Wrote, StoreError> {
    match answer {
        Ok(done) => Ok(Wrote::Done(done.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Wrote::Other(failed.item.clone().unwrap_or_default()))
            }
            _ => Err(StoreError::call("UpdateItem")(error)),
        },
    }
}

fn read(item: &Item) -> Result<Pace, StoreError> {
    let is = |name| matches!(item.get(name), Some(AttributeValue::Bool(true)));
    let account = match optional_number(item, READ_AT)? {
        None => None,
        Some(read_at) => Some(Account {
            rate: optional_number(item, RATE)?.map_or(Rate::LEAST, Rate::in_1000_seconds),
            daily: match item.get(DAILY) {
                Some(AttributeValue::N(_)) => optional_number(item, DAILY)?,
                Some(_) | None => None,
            },
            sent: optional_number(item, SENT)?.unwrap_or_default(),
            enabled: is(ENABLED),
            read_at,
        }),
    };
    Ok(Pace {
        generation: optional_number(item, GENERATION)?.unwrap_or_default(),
        account,
        asked_at: optional_number(item, ASKED_AT)?.unwrap_or_default(),
        granted: optional_number(item, GRANTED)?.unwrap_or_default(),
        next: optional_number(item, NEXT)?.unwrap_or_default(),
        leased_at: optional_number(item, LEASED_AT)?.unwrap_or_default(),
        holder: optional_number(item, HOLDER)?.unwrap_or_default(),
        halvings: optional_number(item, HALVINGS)?.unwrap_or_default(),
        halved_at: optional_number(item, HALVED_AT)?.unwrap_or_default(),
        held_until: optional_number(item, HELD_UNTIL)?.unwrap_or_default(),
        is_used_up: is(USED_UP),
    })
}
