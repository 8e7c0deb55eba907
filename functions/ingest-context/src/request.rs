//! What callers send to `POST /v1/customers`, and what they are answered.

use std::collections::BTreeMap;

use apropos_aws::http::{Problem, parse, parse_record};
use apropos_core::context::{ContactPoint, CustomerContext};
use apropos_core::document::{
    ContactDocument, FieldError, PurchaseDocument, new_time, parse_active_hours, parse_context, whole_or_none, wholes,
};
use apropos_core::habit::{MOST_ACTS, hour, keep_hour};
use apropos_core::ids::CustomerId;
use apropos_core::time::{EpochDay, TimeZoneName, local};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::current_place::CurrentPlaceRequest;
use crate::home::HomeRequest;

/// The most records of one request.
pub(crate) const MOST_RECORDS: usize = 100;

/// The body: 1 to [`MOST_RECORDS`] records, each read and answered by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomersRequest {
    pub(crate) customers: Vec<Box<RawValue>>,
}

impl CustomersRequest {
    /// Reads the body; its records are still to be read.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let request: Self = parse(bytes)?;
        if request.customers.is_empty() || request.customers.len() > MOST_RECORDS {
            let problem = format_args!("must have 1 to {MOST_RECORDS} records");
            return Err(FieldError::new("customers", problem).into());
        }
        Ok(request)
    }
}

/// Reads a body and every record in it, each by itself.
///
/// # Errors
/// [`Problem`] for a body that is not a batch of records.
pub fn read_customers(bytes: &[u8], now: Timestamp) -> Result<Vec<Result<CustomerRecord, Problem>>, Problem> {
    let request = CustomersRequest::read(bytes)?;
    Ok(request.customers.iter().map(|record| read(record, now)).collect())
}

/// One customer. The record replaces the whole context: what it leaves out is not known any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerRequest {
    /// The brand's opaque id, 1 to 64 of `A-Za-z0-9-_.:`; never an e-mail address.
    customer: String,
    /// Where they are reached. It is required, because the address tells whether the person had their data erased.
    contact: ContactDocument,
    /// Where they live, in exactly one of four ways.
    #[serde(default)]
    home: Option<HomeRequest>,
    /// Facts by their names in the catalogue of attributes.
    #[serde(default)]
    facts: BTreeMap<String, Value>,
    /// At most 64 categories.
    #[serde(default)]
    interests: Vec<String>,
    /// At most 64 purchases, each on a day `YYYY-MM-DD`, tomorrow at the latest, or at a time, of which the day is kept and
    /// the hour is one of `active_hours`.
    #[serde(default)]
    purchases: Vec<PurchaseDocument>,
    /// The last day they did something, `YYYY-MM-DD`, tomorrow at the latest.
    #[serde(default)]
    last_activity: Option<String>,
    /// Where they are now, for a few hours.
    #[serde(default)]
    current_place: Option<CurrentPlaceRequest>,
    /// The hours of their own clock of their latest clicks and purchases, 0 to 23, at most 24 of them; never of opens.
    #[serde(default, deserialize_with = "wholes::<_, _, 0, 23>")]
    active_hours: Vec<u8>,
    /// What they spent in the last two years, in whole units of the brand's currency.
    #[serde(default, deserialize_with = "whole_or_none::<_, _, 0, 4_294_967_295>")]
    spent: Option<u32>,
}

/// A record that was accepted.
pub struct CustomerRecord {
    /// Who.
    pub customer: CustomerId,
    /// What is known of them.
    pub context: CustomerContext,
    /// Where they are reached.
    pub contact: ContactPoint,
}

/// Reads one record.
///
/// # Errors
/// [`Problem`] names the field refused.
pub(crate) fn read(record: &RawValue, now: Timestamp) -> Result<CustomerRecord, Problem> {
    let request: CustomerRequest = parse_record(record)?;
    Ok(request.check(now)?)
}

/// The customer and the context of one record, for whoever fills an audience without the API.
///
/// # Errors
/// [`Problem`] names the field refused.
pub fn context_of(record: &RawValue, now: Timestamp) -> Result<(CustomerId, CustomerContext), Problem> {
    let CustomerRecord { customer, context, .. } = read(record, now)?;
    Ok((customer, context))
}

impl CustomerRequest {
    fn check(&self, now: Timestamp) -> Result<CustomerRecord, FieldError> {
        let customer = CustomerId::new(self.customer.as_str()).map_err(|error| FieldError::new("customer", error))?;
        let located = self
            .home
            .as_ref()
            .map(HomeRequest::locate)
            .transpose()
            .map_err(|error| error.within("home"))?;
        let (home, zone) = located.map_or((None, None), |located| (Some(located.home), located.time_zone));
        let contact = self.contact.parse(zone).map_err(|error| error.within("contact"))?;
        let (purchases, bought_at) = days_and_hours(&self.purchases, &contact.time_zone);
        let context = parse_context(
            home,
            &self.facts,
            &self.interests,
            &purchases,
            self.last_activity.as_deref(),
        )?;
        not_of_the_future(&context, now)?;
        let current_place = match &self.current_place {
            None => None,
            Some(place) => place.locate(now).map_err(|error| error.within("current_place"))?,
        };
        let context = CustomerContext {
            current_place,
            active_hours: active_hours(parse_active_hours(&self.active_hours)?, &bought_at),
            time_zone: Some(contact.time_zone.clone()),
            spent: self.spent,
            ..context
        };
        Ok(CustomerRecord {
            customer,
            context,
            contact,
        })
    }
}

/// The purchases by the day of the person's own calendar, and the hours of their own clock of those that have a time,
/// oldest first. What is no time is left for the check of days to name.
fn days_and_hours(purchases: &[PurchaseDocument], zone: &TimeZoneName) -> (Vec<PurchaseDocument>, Vec<u8>) {
    let mut times: Vec<Timestamp> = Vec::new();
    let days = purchases
        .iter()
        .map(|purchase| {
            let Ok(at) = new_time("on", &purchase.on) else {
                return purchase.clone();
            };
            times.push(at);
            PurchaseDocument {
                category: purchase.category.clone(),
                on: local(at, zone).date().to_string(),
            }
        })
        .collect();
    times.sort_unstable();
    (days, times.into_iter().map(|at| hour(at, zone)).collect())
}

/// The hours of purchases that have a time, and before them as many of the others as there is room for.
fn active_hours(told: Vec<u8>, bought_at: &[u8]) -> Vec<u8> {
    let mut hours = told;
    for hour in bought_at {
        keep_hour(&mut hours, *hour);
    }
    debug_assert!(hours.len() <= MOST_ACTS);
    hours
}

/// A day has begun somewhere on Earth up to 14 hours before it begins in UTC, so tomorrow is not refused.
fn not_of_the_future(context: &CustomerContext, now: Timestamp) -> Result<(), FieldError> {
    let latest = EpochDay(EpochDay::of(now).0.saturating_add(1));
    let problem = "must not lie in the future";
    if let Some(position) = context.purchases.iter().position(|purchase| purchase.on > latest) {
        return Err(FieldError::new(format!("purchases[{position}].on"), problem));
    }
    if context.last_activity.is_some_and(|day| day > latest) {
        return Err(FieldError::new("last_activity", problem));
    }
    Ok(())
}

/// The id of a record that was refused, if it has a valid one: any other text might be an address.
pub(crate) fn customer_of(record: &RawValue) -> Option<CustomerId> {
    #[derive(Deserialize)]
    struct Named {
        customer: String,
    }
    let named: Named = serde_json::from_str(record.get()).ok()?;
    CustomerId::new(named.customer).ok()
}

/// The answer: one result a record, in the order of the request; `stored`, `suppressed` and `refused` add up to them.
#[derive(Serialize)]
pub(crate) struct CustomersAnswer {
    pub(crate) results: Vec<RecordAnswer>,
    pub(crate) stored: usize,
    pub(crate) suppressed: usize,
    pub(crate) refused: usize,
}

#[derive(Serialize)]
pub(crate) struct RecordAnswer {
    /// The record's position in the request, from 0.
    pub(crate) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<CustomerId>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What became of a record.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is the customer's context now.
    Stored {
        /// Rises with each change; the same record again keeps it.
        context_version: u32,
    },
    /// The address or the customer was erased, or the address was complained of, and nothing was stored.
    Suppressed,
    /// Nothing was stored.
    Refused { problem: Problem },
}

impl Outcome {
    /// The same record sent again may be taken in: what refused it was a fault that passes.
    pub(crate) const fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Refused { problem } if problem.status >= 500)
    }
}
