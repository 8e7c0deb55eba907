//! The meter on the client of the tables: each call is asked what it consumed, and its items are weighed besides.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity, ReturnValue};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::item_size::{self, read_units, write_units};

/// What calls consumed since it was last read; one meter for all of a client's clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Metered>>);

/// Request units by operation and table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metered(BTreeMap<(&'static str, String), Units>);

/// The request units of some calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Units {
    /// How many calls, or how many tables they asked.
    pub(crate) calls: u32,
    /// As the emulator reports them.
    pub(crate) reported: f64,
    /// By the documented rules from the items' sizes. Where a call shows no item they are the reported ones.
    pub(crate) computed: f64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.reported += other.reported;
        self.computed += other.computed;
    }
}

/// Whether a call reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

fn kind(operation: &str) -> Kind {
    match operation {
        "GetItem" | "BatchGetItem" | "Query" => Kind::Read,
        _ => Kind::Write,
    }
}

impl Metered {
    /// The sum over the calls of a kind, on the tables whose name ends so; on all for an empty one.
    pub(crate) fn sum(&self, wanted: Kind, table: &str) -> Units {
        let mut sum = Units::default();
        for ((operation, name), units) in &self.0 {
            if kind(operation) == wanted && name.ends_with(table) {
                sum += *units;
            }
        }
        sum
    }

    /// Each operation on each table.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static str, &str, Kind, Units)> {
        self.0
            .iter()
            .map(|((operation, table), units)| (*operation, table.as_str(), kind(operation), *units))
    }
}

impl Meter {
    /// What was consumed since this was last asked.
    pub(crate) fn take(&self) -> Metered {
        std::mem::take(&mut *self.sums())
    }

    fn sums(&self) -> MutexGuard<'_, Metered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, operation: &'static str, table: &str, reported: f64, computed: f64) {
        let units = Units {
            calls: 1,
            reported,
            computed,
        };
        *self.sums().0.entry((operation, table.to_owned())).or_default() += units;
    }

    /// What an operation on one table consumed.
    fn one(&self, operation: &'static str, consumed: Option<&ConsumedCapacity>, computed: Option<f64>) {
        if let Some(consumed) = consumed {
            let reported = consumed.capacity_units().unwrap_or(0.0);
            let table = consumed.table_name().unwrap_or_default();
            self.add(operation, table, reported, computed.unwrap_or(reported));
        }
    }

    /// What an operation on several tables consumed.
    fn many(&self, operation: &'static str, consumed: &[ConsumedCapacity], computed: &HashMap<String, f64>) {
        for consumed in consumed {
            let table = consumed.table_name().unwrap_or_default();
            self.one(operation, Some(consumed), computed.get(table).copied());
        }
    }
}

/// What of a request is needed to weigh its answer.
#[derive(Debug, Default)]
struct Asked {
    table: String,
    consistent: bool,
    /// The item that is put.
    put: Option<usize>,
    /// Of a batch: how many keys of each table, and whether it is read strongly.
    keys: HashMap<String, (usize, bool)>,
    /// Of a transaction: its units by table. An update counts as one of an item under 1 KB: none is shown.
    transaction: HashMap<String, f64>,
}

impl Storable for Asked {
    type Storer = StoreReplace<Self>;
}

/// What a write in a transaction costs more than one outside.
const TRANSACTIONAL: f64 = 2.0;

const TOTAL: Option<ReturnConsumedCapacity> = Some(ReturnConsumedCapacity::Total);

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        let mut asked = Asked::default();
        if let Some(get) = input.downcast_mut::<GetItemInput>() {
            get.return_consumed_capacity = TOTAL;
            asked.consistent = get.consistent_read.unwrap_or(false);
        } else if let Some(query) = input.downcast_mut::<QueryInput>() {
            query.return_consumed_capacity = TOTAL;
            asked.consistent = query.consistent_read.unwrap_or(false);
        } else if let Some(batch) = input.downcast_mut::<BatchGetItemInput>() {
            batch.return_consumed_capacity = TOTAL;
            for (table, keys) in batch.request_items.iter().flatten() {
                let consistent = keys.consistent_read.unwrap_or(false);
                asked.keys.insert(table.clone(), (keys.keys.len(), consistent));
            }
        } else if let Some(put) = input.downcast_mut::<PutItemInput>() {
            put.return_consumed_capacity = TOTAL;
            asked.table = put.table_name.clone().unwrap_or_default();
            asked.put = put.item.as_ref().map(item_size::item);
        } else if let Some(update) = input.downcast_mut::<UpdateItemInput>() {
            update.return_consumed_capacity = TOTAL;
            asked.table = update.table_name.clone().unwrap_or_default();
            // Asks for the item, to weigh it; the tables do not look at what they did not ask for.
            if update.return_values.is_none() {
                update.return_values = Some(ReturnValue::AllNew);
            }
        } else if let Some(delete) = input.downcast_mut::<DeleteItemInput>() {
            delete.return_consumed_capacity = TOTAL;
        } else if let Some(transaction) = input.downcast_mut::<TransactWriteItemsInput>() {
            transaction.return_consumed_capacity = TOTAL;
            asked.transaction = weighed(transaction);
        }
        cfg.interceptor_state().store_put(asked);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(asked) = cfg.load::<Asked>() else {
            return Ok(());
        };
        let output = match context.output_or_error() {
            Ok(output) => output,
            Err(error) => {
                let failed = error.as_operation_error();
                let put = failed.and_then(|error| error.downcast_ref::<PutItemError>());
                let update = failed.and_then(|error| error.downcast_ref::<UpdateItemError>());
                // DynamoDB charges for a write whose condition fails, and does not say so in the answer.
                if put.is_some_and(PutItemError::is_conditional_check_failed_exception) {
                    self.add("PutItem", &asked.table, 0.0, 1.0);
                }
                if update.is_some_and(UpdateItemError::is_conditional_check_failed_exception) {
                    self.add("UpdateItem", &asked.table, 0.0, 1.0);
                }
                return Ok(());
            }
        };
        if let Some(get) = output.downcast_ref::<GetItemOutput>() {
            let bytes = get.item().map_or(0, item_size::item);
            let computed = read_units(bytes, asked.consistent);
            self.one("GetItem", get.consumed_capacity(), Some(computed));
        } else if let Some(query) = output.downcast_ref::<QueryOutput>() {
            let bytes = query.items().iter().map(item_size::item).sum();
            let computed = read_units(bytes, asked.consistent);
            self.one("Query", query.consumed_capacity(), Some(computed));
        } else if let Some(batch) = output.downcast_ref::<BatchGetItemOutput>() {
            let computed = asked
                .keys
                .iter()
                .map(|(table, (keys, consistent))| {
                    let found = batch.responses().and_then(|found| found.get(table));
                    let found = found.map_or([].as_slice(), Vec::as_slice);
                    let sizes = found.iter().map(item_size::item);
                    let missing = std::iter::repeat_n(0, keys.saturating_sub(found.len()));
                    let units = sizes.chain(missing).map(|bytes| read_units(bytes, *consistent));
                    (table.clone(), units.sum())
                })
                .collect();
            self.many("BatchGetItem", batch.consumed_capacity(), &computed);
        } else if let Some(put) = output.downcast_ref::<PutItemOutput>() {
            self.one("PutItem", put.consumed_capacity(), asked.put.map(write_units));
        } else if let Some(update) = output.downcast_ref::<UpdateItemOutput>() {
            let bytes = update.attributes().map(item_size::item);
            self.one("UpdateItem", update.consumed_capacity(), bytes.map(write_units));
        } else if let Some(delete) = output.downcast_ref::<DeleteItemOutput>() {
            self.one("DeleteItem", delete.consumed_capacity(), None);
        } else if let Some(transaction) = output.downcast_ref::<TransactWriteItemsOutput>() {
            let consumed = transaction.consumed_capacity();
            self.many("TransactWriteItems", consumed, &asked.transaction);
        }
        Ok(())
    }
}

fn weighed(transaction: &TransactWriteItemsInput) -> HashMap<String, f64> {
    let mut units: HashMap<String, f64> = HashMap::new();
    for each in transaction.transact_items() {
        let put = each.put().map(|put| (put.table_name(), item_size::item(put.item())));
        let update = each.update().map(|update| (update.table_name(), 0));
        let delete = each.delete().map(|delete| (delete.table_name(), 0));
        let check = each.condition_check().map(|check| (check.table_name(), 0));
        if let Some((table, bytes)) = put.or(update).or(delete).or(check) {
            *units.entry(table.to_owned()).or_default() += TRANSACTIONAL * write_units(bytes);
        }
    }
    units
}
