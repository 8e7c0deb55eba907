//! Standings, and the claim: one conditional update that decides who may send.

use std::collections::{BTreeMap, HashMap};

use apropos_core::cap::{ContactRing, FrequencyCap};
use apropos_core::consent::Consents;
use apropos_core::decision::Approval;
use apropos_core::document::{CapDocument, QuietDocument};
use apropos_core::erasure::{Erased, ErasureStep, Progress};
use apropos_core::ids::{AttemptId, BrandId, CustomerId, RunId};
use apropos_core::relevance::Relevance;
use apropos_core::standing::{Claim, CustomerLimits, LedgerHead, Standing};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::{
    AFTER, AT, ATTEMPT, CLAIMS, CONSENTS, ERASED, FINISHED, FORGOTTEN, HASH, LIMITS, RING, SEQ, STEP, Table, VERSION,
    person,
};
use crate::store::{
    Item, StoreError, Tables, b, bytes, document, fixed, json, key, ms, n, number, optional_number, optional_text,
    optional_time, s, text, time,
};

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// This attempt may send, and nobody else.
    Won,
    /// The standing is no longer the one that was decided on: read and decide again.
    Stale,
}

/// How a change fenced by an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// It was made.
    Done,
    /// Another attempt holds the claim, or none: nothing was changed.
    NotOurs,
}

impl Tables {
    /// One person's standing, strongly read; the empty one before anything was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing(&self, brand: &BrandId, customer: &CustomerId) -> Result<Standing, StoreError> {
        match self.get(Table::Standing, key(person(brand, customer))).await? {
            Some(item) => read(&item),
            None => Ok(Standing::default()),
        }
    }

    /// Claims a person for a run, if the standing is still the version that the approval was decided on and no attempt
    /// of the run holds it. The same write counts the contact in the cap, so cap and claim cannot part.
    ///
    /// `seen` is the standing the approval was decided on.
    ///
    /// # Errors
    /// [`StoreError`]; after a transient one it is not known whether the claim was written, and claiming again with the
    /// same attempt finds out.
    pub async fn claim(&self, approval: &Approval, seen: &Standing, now: Timestamp) -> Result<Claimed, StoreError> {
        let mut ring = seen.contacts.clone();
        ring.record(now);
        let claim = AttributeValue::M(HashMap::from([
            (ATTEMPT.to_owned(), s(approval.attempt().as_str())),
            (AT.to_owned(), ms(now)),
        ]));
        let mut expression = "SET #v = :next, #claims.#run = :claim, #ring = :ring, #forgotten = :forgotten".to_owned();
        let mut update = self.client.update_item();
        for (position, (run, _)) in seen
            .claims
            .iter()
            .filter(|(_, claim)| is_old(claim, now))
            .take(10)
            .enumerate()
        {
            let verb = if position == 0 { " REMOVE " } else { ", " };
            expression.push_str(&format!("{verb}#claims.#old{position}"));
            update = update.expression_attribute_names(format!("#old{position}"), run.as_str());
        }
        let answer = update
            .table_name(self.name(Table::Standing))
            .set_key(Some(key(person(approval.brand(), approval.customer()))))
            .update_expression(expression)
            .condition_expression("#v = :seen AND attribute_not_exists(#claims.#run)")
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_names("#claims", CLAIMS)
            .expression_attribute_names("#run", approval.run().as_str())
            .expression_attribute_names("#ring", RING)
            .expression_attribute_names("#forgotten", FORGOTTEN)
            .expression_attribute_values(":seen", n(approval.standing_version()))
            .expression_attribute_values(":next", n(approval.standing_version() + 1))
            .expression_attribute_values(":claim", claim)
            .expression_attribute_values(":ring", ring_bytes(&ring))
            .expression_attribute_values(":forgotten", n(ring.forgotten().unwrap_or(0)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(Claimed::Won),
            Err(error) => error,
        };
        if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            // The SDK may have sent our write twice and seen only the second answer. The claim is ours only if nothing
            // that the approval rests on has changed since.
            let held = failed.item().map(read).transpose()?.unwrap_or_default();
            let ours = held
                .claims
                .get(approval.run())
                .is_some_and(|claim| claim.attempt == *approval.attempt());
            return Ok(if ours && held.consents == seen.consents {
                Claimed::Won
            } else {
                Claimed::Stale
            });
        }
        Err(StoreError::call("UpdateItem")(error))
    }

    /// Gives a claim back after a definite "not sent": the next attempt may try, and the contact no longer counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_claim(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        run: &RunId,
        attempt: &AttemptId,
    ) -> Result<Fenced, StoreError> {
        self.change_claim(
            brand,
            customer,
            run,
            attempt,
            "SET #v = :next, #ring = :ring REMOVE #claims.#run",
        )
        .await
    }

    /// Keeps a claim but frees the contact: SES refused this message for good, so nobody was written to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn uncount_claim(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        run: &RunId,
        attempt: &AttemptId,
    ) -> Result<Fenced, StoreError> {
        self.change_claim(brand, customer, run, attempt, "SET #v = :next, #ring = :ring")
            .await
    }

    /// The write that frees the contact of an attempt's claim as [`uncount_claim`](Self::uncount_claim) does, for a
    /// transaction; nothing where the attempt holds no claim any more.
    pub(crate) fn freed_contact(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        standing: &Standing,
        run: &RunId,
        attempt: &AttemptId,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(claim) = standing.claims.get(run).filter(|claim| claim.attempt == *attempt) else {
            return Ok(None);
        };
        let mut ring = standing.contacts.clone();
        ring.release(claim.at);
        let update = Update::builder()
            .table_name(self.name(Table::Standing))
            .set_key(Some(key(person(brand, customer))))
            .update_expression("SET #v = :next, #ring = :ring")
            .condition_expression("#v = :seen")
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_names("#ring", RING)
            .expression_attribute_values(":seen", n(standing.version))
            .expression_attribute_values(":next", n(standing.version + 1))
            .expression_attribute_values(":ring", ring_bytes(&ring))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(Some(TransactWriteItem::builder().update(update).build()))
    }

    /// Forgets which runs claimed somebody, and when they were written to, before a time; what came later stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn forget_contacts(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..crate::store::MOST_TRIES {
            let standing = self.standing(brand, customer).await?;
            // Whoever had their data erased since has none.
            if standing.version == 0 || standing.erased.is_some() {
                return Ok(());
            }
            let ring = standing.contacts.since(before);
            let claims = standing.claims.iter().filter(|(_, claim)| claim.at >= before);
            let answer = self
                .client
                .update_item()
                .table_name(self.name(Table::Standing))
                .set_key(Some(key(person(brand, customer))))
                .update_expression("SET #v = :next, #claims = :claims, #ring = :ring, #forgotten = :forgotten")
                .condition_expression("#v = :seen")
                .expression_attribute_names("#v", VERSION)
                .expression_attribute_names("#claims", CLAIMS)
                .expression_attribute_names("#ring", RING)
                .expression_attribute_names("#forgotten", FORGOTTEN)
                .expression_attribute_values(":seen", n(standing.version))
                .expression_attribute_values(":next", n(standing.version + 1))
                .expression_attribute_values(":claims", claims_value(claims))
                .expression_attribute_values(":ring", ring_bytes(&ring))
                .expression_attribute_values(":forgotten", n(ring.forgotten().unwrap_or(0)))
                .send()
                .await;
            match answer {
                Ok(_) => return Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                    _ => return Err(StoreError::call("UpdateItem")(error)),
                },
            }
        }
        Err(StoreError::Contended)
    }

    async fn change_claim(
        &self,
        brand: &BrandId,
        customer: &CustomerId,
        run: &RunId,
        attempt: &AttemptId,
        update: &str,
    ) -> Result<Fenced, StoreError> {
        for _ in 0..crate::store::MOST_TRIES {
            let standing = self.standing(brand, customer).await?;
            let Some(claim) = standing.claims.get(run).filter(|claim| claim.attempt == *attempt) else {
                return Ok(Fenced::NotOurs);
            };
            let mut ring = standing.contacts.clone();
            ring.release(claim.at);
            let answer = self
                .client
                .update_item()
                .table_name(self.name(Table::Standing))
                .set_key(Some(key(person(brand, customer))))
                .update_expression(update)
                .condition_expression("#v = :seen AND #claims.#run.#attempt = :attempt")
                .expression_attribute_names("#v", VERSION)
                .expression_attribute_names("#claims", CLAIMS)
                .expression_attribute_names("#run", run.as_str())
                .expression_attribute_names("#attempt", ATTEMPT)
                .expression_attribute_names("#ring", RING)
                .expression_attribute_values(":seen", n(standing.version))
                .expression_attribute_values(":next", n(standing.version + 1))
                .expression_attribute_values(":attempt", s(attempt.as_str()))
                .expression_attribute_values(":ring", ring_bytes(&ring))
                .send()
                .await;
            match answer {
                Ok(_) => return Ok(Fenced::Done),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                    _ => return Err(StoreError::call("UpdateItem")(error)),
                },
            }
        }
        Err(StoreError::Contended)
    }
}

/// Claims of runs that are no longer written for are dropped by the next claim: a run is refused 14 days after its launch
/// ([`crate::is_current`]), and a message lives 14 days in a queue, so after 30 days nothing can ask for one again.
fn is_old(claim: &Claim, now: Timestamp) -> bool {
    now.as_second() - claim.at.as_second() > 30 * 86_400
}

/// What a person set, as stored.
#[derive(Default, Serialize, Deserialize)]
struct LimitsDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<CapDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet: Option<QuietDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold_bp: Option<u16>,
    /// What is the person's own choice: `language`, `interests`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own: Vec<String>,
}

const OWN_LANGUAGE: &str = "language";
const OWN_INTERESTS: &str = "interests";

fn write_limits(limits: &CustomerLimits) -> LimitsDocument {
    LimitsDocument {
        cap: limits.cap.map(|cap| CapDocument {
            most: cap.most(),
            window_days: cap.window_days(),
        }),
        quiet: limits.quiet.map(QuietDocument::of),
        threshold_bp: limits.threshold.map(Relevance::basis_points),
        own: [
            (limits.own_language, OWN_LANGUAGE),
            (limits.own_interests, OWN_INTERESTS),
        ]
        .into_iter()
        .filter(|(own, _)| *own)
        .map(|(_, name)| name.to_owned())
        .collect(),
    }
}

fn read_limits(document: &LimitsDocument) -> Option<CustomerLimits> {
    Some(CustomerLimits {
        cap: document
            .cap
            .as_ref()
            .map(|cap| FrequencyCap::new(cap.most, cap.window_days))
            .transpose()
            .ok()?,
        quiet: document.quiet.as_ref().map(QuietDocument::parse).transpose().ok()?,
        threshold: document.threshold_bp.map(Relevance::new).transpose().ok()?,
        own_language: document.own.iter().any(|name| name == OWN_LANGUAGE),
        own_interests: document.own.iter().any(|name| name == OWN_INTERESTS),
    })
}

/// The attributes that consents and limits write, under the next version; the claims and the ring are left as they are.
/// `send-messages` never calls this: it must not write a consent.
pub(crate) fn consent_update(standing: &Standing) -> Result<Vec<(&'static str, AttributeValue)>, StoreError> {
    Ok(vec![
        (VERSION, n(standing.version + 1)),
        (SEQ, n(standing.head.seq)),
        (HASH, b(standing.head.hash)),
        (CONSENTS, b(standing.consents.to_bytes())),
        (LIMITS, json(&write_limits(&standing.limits))?),
    ])
}

/// The whole item, for a first write.
pub(crate) fn first_item(pk: String, standing: &Standing) -> Result<Item, StoreError> {
    let mut item = key(pk);
    for (name, value) in consent_update(standing)? {
        item.insert(name.to_owned(), value);
    }
    item.insert(CLAIMS.to_owned(), AttributeValue::M(HashMap::new()));
    item.insert(RING.to_owned(), ring_bytes(&standing.contacts));
    item.insert(FORGOTTEN.to_owned(), n(standing.contacts.forgotten().unwrap_or(0)));
    Ok(item)
}

/// The whole item of an erased person: the mark, the end of the ledger, and the claims until they are over.
pub(crate) fn mark(pk: String, held: &Standing, now: Timestamp) -> Result<Item, StoreError> {
    let empty = Standing {
        version: held.version,
        head: held.head,
        ..Standing::default()
    };
    let mut item = first_item(pk, &empty)?;
    item.insert(CLAIMS.to_owned(), claims_value(held.claims.iter()));
    item.insert(ERASED.to_owned(), ms(now));
    item.insert(STEP.to_owned(), s(ErasureStep::Data.code()));
    Ok(item)
}

fn claims_value<'a>(claims: impl Iterator<Item = (&'a RunId, &'a Claim)>) -> AttributeValue {
    let claims = claims.map(|(run, claim)| {
        let members = HashMap::from([
            (ATTEMPT.to_owned(), s(claim.attempt.as_str())),
            (AT.to_owned(), ms(claim.at)),
        ]);
        (run.as_str().to_owned(), AttributeValue::M(members))
    });
    AttributeValue::M(claims.collect())
}

fn ring_bytes(ring: &ContactRing) -> AttributeValue {
    b(ring
        .contacts()
        .iter()
        .flat_map(|second| second.to_be_bytes())
        .collect::<Vec<u8>>())
}

/// Reads a stored standing.
pub(crate) fn read(item: &Item) -> Result<Standing, StoreError> {
    let corrupt = |attribute| StoreError::Corrupt { attribute };
    let consents = Consents::from_bytes(bytes(item, CONSENTS)?)
        .ok()
        .ok_or_else(|| corrupt(CONSENTS))?;
    let limits = read_limits(&document(item, LIMITS)?).ok_or_else(|| corrupt(LIMITS))?;
    let (seconds, rest) = bytes(item, RING)?.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(corrupt(RING));
    }
    let forgotten = optional_number(item, FORGOTTEN)?.filter(|second| *second > 0);
    let contacts = ContactRing::from_parts(
        seconds.iter().map(|second| u32::from_be_bytes(*second)).collect(),
        forgotten,
    );
    Ok(Standing {
        version: number(item, VERSION)?,
        head: LedgerHead {
            seq: number(item, SEQ)?,
            hash: fixed(item, HASH)?,
        },
        consents,
        limits,
        contacts,
        claims: claims(item)?,
        erased: erased(item)?,
    })
}

fn erased(item: &Item) -> Result<Option<Erased>, StoreError> {
    let Some(at) = optional_time(item, ERASED)? else {
        return Ok(None);
    };
    let progress = match (optional_text(item, STEP)?, optional_time(item, FINISHED)?) {
        (Some(code), _) => Progress::Next {
            step: ErasureStep::from_code(code).ok_or(StoreError::Corrupt { attribute: STEP })?,
            after: optional_text(item, AFTER)?
                .map(|run| RunId::new(run).ok().ok_or(StoreError::Corrupt { attribute: AFTER }))
                .transpose()?,
        },
        (None, Some(at)) => Progress::Finished { at },
        (None, None) => return Err(StoreError::Corrupt { attribute: STEP }),
    };
    Ok(Some(Erased { at, progress }))
}

fn claims(item: &Item) -> Result<BTreeMap<RunId, Claim>, StoreError> {
    let corrupt = || StoreError::Corrupt { attribute: CLAIMS };
    let Some(AttributeValue::M(stored)) = item.get(CLAIMS) else {
        return Err(corrupt());
    };
    stored
        .iter()
        .map(|(run, value)| {
            let AttributeValue::M(claim) = value else {
                return Err(corrupt());
            };
            let run = RunId::new(run.as_str()).ok().ok_or_else(corrupt)?;
            let attempt = AttemptId::new(text(claim, ATTEMPT)?).ok().ok_or_else(corrupt)?;
            Ok((
                run,
                Claim {
                    attempt,
                    at: time(claim, AT)?,
                },
            ))
        })
        .collect()
}
