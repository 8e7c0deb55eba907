//! Several writes that are all done, or none.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};

use crate::names::{PK, Table};
use crate::people::Written;
use crate::store::{Item, StoreError, Tables};

impl Tables {
    /// An item where there is none.
    pub(crate) fn put_new(&self, table: Table, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = self.put(table, item).condition_expression("attribute_not_exists(#pk)");
        write(put.expression_attribute_names("#pk", PK))
    }

    /// An item, whatever was there.
    pub(crate) fn put_over(&self, table: Table, item: Item) -> Result<TransactWriteItem, StoreError> {
        write(self.put(table, item))
    }

    /// No item, whatever was there.
    pub(crate) fn delete(&self, table: Table, key: Item) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(self.name(table))
            .set_key(Some(key))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn put(&self, table: Table, item: Item) -> PutBuilder {
        Put::builder().table_name(self.name(table)).set_item(Some(item))
    }

    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                // A condition that failed and a conflict with another transaction both mean: read and try again.
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled.cancellation_reasons().iter().any(|reason| {
                        matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))
                    }) =>
                {
                    Ok(Written::Stale)
                }
                // The SDK sees one error for the whole transaction; whether a retry helps stands in its reasons.
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled.cancellation_reasons().iter().any(|reason| {
                        matches!(reason.code(), Some("ThrottlingError" | "ProvisionedThroughputExceeded"))
                    }) =>
                {
                    Err(StoreError::Call {
                        operation: "TransactWriteItems",
                        transient: true,
                        source: Box::new(error),
                    })
                }
                _ => Err(StoreError::call("TransactWriteItems")(error)),
            },
        }
    }
}

fn write(put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    let put = put.build().map_err(|error| StoreError::Build(Box::new(error)))?;
    Ok(TransactWriteItem::builder().put(put).build())
}
