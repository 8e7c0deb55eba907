//! Deliveries: one item for each candidate, with the receipt of the decision and where its message stands.

use std::collections::BTreeMap;

use apropos_core::affinity::AffinitySource;
use apropos_core::campaign::{DeliveryId, Goal, Run};
use apropos_core::decision::{Approval, Grounds};
use apropos_core::feedback::Fate;
use apropos_core::ids::{AttemptId, BrandId, CustomerId, RunId};
use apropos_core::reason::Reason;
use apropos_core::relevance::{Factors, MODEL_VERSION, Relevance, SCORES_ALIKE_SINCE, Score, score};
use apropos_core::time::tzdb_version;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::Created;
use crate::names::{AT, ATTEMPT, CLICKED, CUSTOMER, DOC, FATE, MESSAGE_ID, PK, REASON, STATE, TTL, Table, deliveries};
use crate::random::random;
use crate::standing::Fenced;
use crate::store::{
    Item, StoreError, Tables, created, document, json, key2, ms, n, optional_number, optional_text, parsed, s, text,
    time,
};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// An attempt holds the claim and may be sending.
    Claimed,
    /// SES took it.
    Sent,
    /// Decided against, on fresh facts or by SES: see the reason.
    Withheld,
    /// Whether SES took it is not known yet.
    Unresolved,
    /// Definitely not sent, and free for another attempt.
    Released,
}

impl DeliveryState {
    const ALL: [Self; 5] = [
        Self::Claimed,
        Self::Sent,
        Self::Withheld,
        Self::Unresolved,
        Self::Released,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Sent => "sent",
            Self::Withheld => "withheld",
            Self::Unresolved => "unresolved",
            Self::Released => "released",
        }
    }
}

/// The receipt of a decision on fresh facts: what it went by, so that it can be explained and replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReceipt {
    /// The version of the relevance model.
    pub model: u8,
    /// The version of the time zone database.
    pub tzdb: String,
    /// The context decided on.
    pub context_version: u32,
    /// The ledger entry relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_record: Option<u32>,
    /// Relevance, basis points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance_bp: Option<u16>,
    /// Evidence, basis points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_bp: Option<u16>,
    /// The factors in order, basis points; null is unknown.
    #[serde(default)]
    pub factors_bp: [Option<u16>; 5],
    /// The suitability rule that closed, by position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// What the affinity of an approval rested on, by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_from: Option<String>,
    /// Whether a place was close to whom an approval is of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
}

impl DecisionReceipt {
    /// The receipt of a decision.
    #[must_use]
    pub fn new(context_version: u32, score: Option<&Score>, consent_record: Option<u32>, rule: Option<usize>) -> Self {
        let factors = score.map_or_else(Factors::default, |score| score.factors);
        Self {
            model: MODEL_VERSION,
            tzdb: tzdb_version().to_owned(),
            context_version,
            consent_record,
            relevance_bp: score.map(|score| score.relevance.basis_points()),
            evidence_bp: score.map(|score| score.evidence.basis_points()),
            factors_bp: factors.in_order().map(|(_, value)| value.map(Relevance::basis_points)),
            rule,
            affinity_from: None,
            close: false,
        }
    }

    /// The receipt of an approval.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        let receipt = Self::new(
            approval.context_version(),
            Some(approval.score()),
            Some(approval.consent_record()),
            None,
        );
        let grounds = approval.grounds();
        Self {
            affinity_from: grounds.affinity_from.map(|from| from.code().to_owned()),
            close: grounds.is_close,
            ..receipt
        }
    }

    /// What the reasons of an approval rested on.
    #[must_use]
    pub fn grounds(&self) -> Grounds {
        Grounds {
            affinity_from: self.affinity_from.as_deref().and_then(AffinitySource::from_code),
            is_close: self.close,
        }
    }

    /// The score as it was decided on; nothing where there was none, and where a model made it that scored otherwise: today's
    /// weights would tell another story.
    #[must_use]
    pub fn score(&self, goal: Goal) -> Option<Score> {
        let scored = self.relevance_bp.is_some() && (SCORES_ALIKE_SINCE..=MODEL_VERSION).contains(&self.model);
        scored.then(|| score(goal, self.factors()))
    }

    /// The factors decided on.
    #[must_use]
    pub fn factors(&self) -> Factors {
        let [proximity, affinity, moment, lifecycle_fit, appetite] = self
            .factors_bp
            .map(|figure| figure.map(|figure| Relevance::clamped(u32::from(figure))));
        Factors {
            proximity,
            affinity,
            moment,
            lifecycle_fit,
            appetite,
        }
    }
}

/// A delivery as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub customer: CustomerId,
    /// The attempt that made it, if one claimed.
    pub attempt: Option<AttemptId>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when.
    pub at: Timestamp,
    /// Why it was withheld.
    pub reason: Option<Reason>,
    /// What became of the message, where SES has said so.
    pub fate: Option<Fate>,
    /// What the decision went by.
    pub receipt: DecisionReceipt,
}

/// The sums of a run's deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryTotals {
    /// How many SES took.
    pub sent: u64,
    /// What became of some of these.
    pub fates: BTreeMap<Fate, u64>,
    /// How many were withheld on fresh facts, by reason.
    pub withheld: BTreeMap<Reason, u64>,
    /// How many are not final yet.
    pub open: u64,
}

/// Deliveries are kept as long as they may be asked about, in seconds: 400 days.
const DELIVERY_SECONDS: i64 = 400 * 86_400;

impl Tables {
    /// Writes the delivery of an approval that was claimed, before SES is called, so that a crash leaves a trace. A
    /// delivery that an earlier attempt released is taken over; one with an outcome is not, and none where this very
    /// attempt was [closed](Self::close_untraced) ([`Created::Taken`]). No clock is asked: whoever is slow, or thinks
    /// that it is later than it is, finds what the others wrote.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_delivery(&self, approval: &Approval, now: Timestamp) -> Result<Created, StoreError> {
        let mut item = self.delivery_item(
            approval.brand(),
            approval.run(),
            approval.delivery(),
            approval.customer(),
            now,
        );
        item.insert(STATE.to_owned(), s(DeliveryState::Claimed.code()));
        item.insert(ATTEMPT.to_owned(), s(approval.attempt().as_str()));
        item.insert(DOC.to_owned(), json(&DecisionReceipt::of(approval))?);
        // The SDK may send this write twice and see only the second answer: one's own trace is no one else's.
        let answer = self
            .client
            .put_item()
            .table_name(self.name(Table::Deliveries))
            .set_item(Some(item))
            .condition_expression(
                "attribute_not_exists(#pk) OR (#state = :released AND #attempt <> :mine) \
                 OR (#state = :claimed AND #attempt = :mine)",
            )
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_names("#attempt", ATTEMPT)
            .expression_attribute_values(":released", s(DeliveryState::Released.code()))
            .expression_attribute_values(":claimed", s(DeliveryState::Claimed.code()))
            .expression_attribute_values(":mine", s(approval.attempt().as_str()))
            .send()
            .await;
        created(answer)
    }

    /// Writes a released trace for an attempt that has left none: should it still be on its way, it can open none any
    /// more. Only then may its claim be given to another. [`Created::Taken`] where there is a trace or an outcome.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn close_untraced(
        &self,
        run: &Run,
        customer: &CustomerId,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let id = DeliveryId::of(run, customer);
        let mut item = self.delivery_item(&run.brand, &run.id, id, customer, now);
        item.insert(STATE.to_owned(), s(DeliveryState::Released.code()));
        item.insert(ATTEMPT.to_owned(), s(attempt.as_str()));
        item.insert(DOC.to_owned(), json(&DecisionReceipt::new(0, None, None, None))?);
        self.put_unless_settled(item).await
    }

    /// Writes the final receipt of a candidate decided against; a repeated candidate keeps the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withhold_delivery(
        &self,
        run: &Run,
        customer: &CustomerId,
        reason: Reason,
        receipt: &DecisionReceipt,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let id = DeliveryId::of(run, customer);
        let mut item = self.delivery_item(&run.brand, &run.id, id, customer, now);
        item.insert(STATE.to_owned(), s(DeliveryState::Withheld.code()));
        item.insert(REASON.to_owned(), s(reason.code()));
        item.insert(DOC.to_owned(), json(receipt)?);
        self.put_unless_settled(item).await
    }

    /// Over nothing, and over a delivery that was released.
    async fn put_unless_settled(&self, item: Item) -> Result<Created, StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(self.name(Table::Deliveries))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk) OR #state = :released")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":released", s(DeliveryState::Released.code()))
            .send()
            .await;
        created(answer)
    }

    /// Moves a delivery that this attempt opened to another state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_delivery(
        &self,
        brand: &BrandId,
        run: &RunId,
        id: DeliveryId,
        attempt: &AttemptId,
        settlement: Settlement<'_>,
        now: Timestamp,
    ) -> Result<Fenced, StoreError> {
        let (state, message_id, reason) = match settlement {
            Settlement::Sent { message_id } => (DeliveryState::Sent, Some(message_id), None),
            Settlement::Unresolved => (DeliveryState::Unresolved, None, None),
            Settlement::Released => (DeliveryState::Released, None, None),
            Settlement::Withheld(reason) => (DeliveryState::Withheld, None, Some(reason)),
        };
        let mut update = self
            .client
            .update_item()
            .table_name(self.name(Table::Deliveries))
            .set_key(Some(delivery_key(brand, run, id)))
            .condition_expression("#attempt = :attempt AND (#state = :claimed OR #state = :unresolved)")
            .expression_attribute_names("#attempt", ATTEMPT)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_names("#at", AT)
            .expression_attribute_values(":attempt", s(attempt.as_str()))
            .expression_attribute_values(":claimed", s(DeliveryState::Claimed.code()))
            .expression_attribute_values(":unresolved", s(DeliveryState::Unresolved.code()))
            .expression_attribute_values(":state", s(state.code()))
            .expression_attribute_values(":at", ms(now));
        let mut expression = "SET #state = :state, #at = :at".to_owned();
        if let Some(message_id) = message_id {
            expression.push_str(", #message = :message");
            update = update
                .expression_attribute_names("#message", MESSAGE_ID)
                .expression_attribute_values(":message", s(message_id));
        }
        if let Some(reason) = reason {
            expression.push_str(", #reason = :reason");
            update = update
                .expression_attribute_names("#reason", REASON)
                .expression_attribute_values(":reason", s(reason.code()));
        }
        match update.update_expression(expression).send().await {
            Ok(_) => Ok(Fenced::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Fenced::NotOurs),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// Notes the first click on a delivery's message: [`Created::Taken`] where one was noted before, so that a message
    /// teaches one hour, however many of its links are followed and however often that is told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_click(&self, brand: &BrandId, run: &RunId, id: DeliveryId) -> Result<Created, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::Deliveries))
            .set_key(Some(delivery_key(brand, run, id)))
            .update_expression("SET #clicked = :clicked")
            .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#clicked)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#clicked", CLICKED)
            .expression_attribute_values(":clicked", n(1))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Created::New),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Created::Taken),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// One delivery, strongly read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(&self, brand: &BrandId, run: &RunId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let item = self.get(Table::Deliveries, delivery_key(brand, run, id)).await?;
        item.map(|item| read(id, &item)).transpose()
    }

    /// The sums over a run's deliveries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery_totals(&self, brand: &BrandId, run: &RunId) -> Result<DeliveryTotals, StoreError> {
        let mut totals = DeliveryTotals::default();
        for shard in "0123456789abcdef".chars() {
            for item in self
                .query(Table::Deliveries, deliveries(brand, run, shard), None, true)
                .await?
            {
                match state(&item)? {
                    DeliveryState::Sent => {
                        totals.sent += 1;
                        if let Some(fate) = stored_fate(&item)? {
                            *totals.fates.entry(fate).or_insert(0) += 1;
                        }
                    }
                    DeliveryState::Claimed | DeliveryState::Unresolved | DeliveryState::Released => totals.open += 1,
                    DeliveryState::Withheld => {
                        let reason = reason(&item)?.ok_or(StoreError::Corrupt { attribute: REASON })?;
                        *totals.withheld.entry(reason).or_insert(0) += 1;
                    }
                }
            }
        }
        Ok(totals)
    }

    fn delivery_item(
        &self,
        brand: &BrandId,
        run: &RunId,
        id: DeliveryId,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Item {
        let mut item = delivery_key(brand, run, id);
        item.insert(CUSTOMER.to_owned(), s(customer.as_str()));
        item.insert(AT.to_owned(), ms(now));
        item.insert(TTL.to_owned(), n(now.as_second() + DELIVERY_SECONDS));
        item
    }
}

/// How a claimed delivery ends, or is left open.
#[derive(Debug, Clone, Copy)]
pub enum Settlement<'a> {
    /// SES took it.
    Sent {
        /// SES's id of the message.
        message_id: &'a str,
    },
    /// Not known.
    Unresolved,
    /// Definitely not sent; another attempt may try.
    Released,
    /// Refused for good, or abandoned.
    Withheld(Reason),
}

pub(crate) fn delivery_key(brand: &BrandId, run: &RunId, id: DeliveryId) -> Item {
    let hex = id.to_hex();
    let shard = hex.chars().next().unwrap_or('0');
    key2(deliveries(brand, run, shard), hex)
}

/// What a delivery counted for, under a random id and with the times of the run: it names nobody.
pub(crate) fn anonymous_delivery(
    run: &Run,
    state: DeliveryState,
    reason: Option<Reason>,
    fate: Option<Fate>,
) -> Result<Item, StoreError> {
    let mut item = delivery_key(&run.brand, &run.id, DeliveryId(random()?));
    item.insert(STATE.to_owned(), s(state.code()));
    if let Some(reason) = reason {
        item.insert(REASON.to_owned(), s(reason.code()));
    }
    if let Some(fate) = fate {
        item.insert(FATE.to_owned(), n(fate.number()));
    }
    item.insert(AT.to_owned(), ms(run.launched_at));
    item.insert(TTL.to_owned(), n(run.launched_at.as_second() + DELIVERY_SECONDS));
    Ok(item)
}

/// Where a stored delivery stands, and why.
pub(crate) fn stored_state(item: &Item) -> Result<(DeliveryState, Option<Reason>), StoreError> {
    Ok((state(item)?, reason(item)?))
}

/// What became of the message, if that is known.
pub(crate) fn stored_fate(item: &Item) -> Result<Option<Fate>, StoreError> {
    optional_number(item, FATE)?
        .map(|number| Fate::from_number(number).ok_or(StoreError::Corrupt { attribute: FATE }))
        .transpose()
}

fn state(item: &Item) -> Result<DeliveryState, StoreError> {
    let code = text(item, STATE)?;
    DeliveryState::ALL
        .into_iter()
        .find(|each| each.code() == code)
        .ok_or(StoreError::Corrupt { attribute: STATE })
}

fn reason(item: &Item) -> Result<Option<Reason>, StoreError> {
    optional_text(item, REASON)?
        .map(|code| Reason::from_code(code).ok_or(StoreError::Corrupt { attribute: REASON }))
        .transpose()
}

pub(crate) fn read(id: DeliveryId, item: &Item) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id,
        customer: parsed(item, CUSTOMER)?,
        attempt: if item.contains_key(ATTEMPT) {
            Some(parsed(item, ATTEMPT)?)
        } else {
            None
        },
        state: state(item)?,
        at: time(item, AT)?,
        reason: reason(item)?,
        fate: stored_fate(item)?,
        receipt: document(item, DOC)?,
    })
}
