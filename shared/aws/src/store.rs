//! The DynamoDB client with the stack's prefix, the errors of the store, and the reading of attributes.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use jiff::Timestamp;
use thiserror::Error;

use crate::catalogue::Created;
use crate::names::{PK, SK, Table};

/// An item as DynamoDB gives it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The stack's tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub(crate) client: Client,
    prefix: String,
}

/// Why the store did not answer.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A call failed.
    #[error("the store did not carry out {operation}")]
    Call {
        /// The operation, such as `GetItem`.
        operation: &'static str,
        /// Whether trying again may help.
        transient: bool,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stored item is not in a form that this version knows.
    #[error("a stored item has no readable '{attribute}'")]
    Corrupt {
        /// The attribute that is missing or mistyped.
        attribute: &'static str,
    },
    /// Others kept changing the item; trying again helps.
    #[error("an item kept changing while it was being written")]
    Contended,
    /// The person had their data erased: nothing is written about them any more.
    #[error("the person was erased")]
    Erased,
    /// A request could not be built; a fault of ours.
    #[error("a request to the store could not be built")]
    Build(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Call { transient, .. } => *transient,
            Self::Contended => true,
            Self::Corrupt { .. } | Self::Erased | Self::Build(_) => false,
        }
    }

    pub(crate) fn call<E>(operation: &'static str) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        move |error| {
            let transient = is_transient(&error);
            Self::Call {
                operation,
                transient,
                source: Box::new(error),
            }
        }
    }
}

/// Throttles, conflicts, time-outs and faults of the service pass; a refused request does not.
fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            status >= 500
                || matches!(
                    service.err().code(),
                    Some(
                        "ProvisionedThroughputExceededException"
                            | "ThrottlingException"
                            | "RequestLimitExceeded"
                            | "TransactionInProgressException"
                            | "TransactionConflictException"
                            | "LimitExceededException"
                    )
                )
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ConstructionFailure(_) | _ => false,
    }
}

impl Tables {
    /// The tables whose names begin with the prefix, such as `apropos-dev-`.
    #[must_use]
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self {
            client,
            prefix: prefix.into(),
        }
    }

    /// A table's full name.
    #[must_use]
    pub fn name(&self, table: Table) -> String {
        format!("{}{}", self.prefix, table.suffix())
    }

    /// One item, strongly read.
    pub(crate) async fn get(&self, table: Table, key: Item) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(self.name(table))
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::call("GetItem"))?;
        Ok(answer.item)
    }

    /// Puts an item where there is none.
    pub(crate) async fn create(&self, table: Table, item: Item) -> Result<Created, StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(self.name(table))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PK)
            .send()
            .await;
        created(answer)
    }

    /// Many items of several tables, strongly read, at most 100 a call. What the service leaves unprocessed is asked
    /// for again a bounded number of times.
    pub(crate) async fn get_many(&self, wanted: Vec<(Table, Item)>) -> Result<HashMap<Table, Vec<Item>>, StoreError> {
        let mut found: HashMap<Table, Vec<Item>> = HashMap::new();
        for chunk in wanted.chunks(100) {
            let mut request: HashMap<String, KeysAndAttributes> = HashMap::new();
            let mut grouped: HashMap<String, Vec<Item>> = HashMap::new();
            for (table, key) in chunk {
                grouped.entry(self.name(*table)).or_default().push(key.clone());
            }
            for (name, keys) in grouped {
                let keys = KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| StoreError::Build(Box::new(error)))?;
                request.insert(name, keys);
            }
            let mut tries = 0;
            while !request.is_empty() {
                if tries == MOST_TRIES {
                    return Err(StoreError::Contended);
                }
                tries += 1;
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(request))
                    .send()
                    .await
                    .map_err(StoreError::call("BatchGetItem"))?;
                for (name, items) in answer.responses.unwrap_or_default() {
                    let table = Table::ALL.into_iter().find(|table| self.name(*table) == name);
                    if let Some(table) = table {
                        found.entry(table).or_default().extend(items);
                    }
                }
                request = answer.unprocessed_keys.unwrap_or_default();
            }
        }
        Ok(found)
    }

    /// All items of a partition whose sort key begins so, across result pages.
    pub(crate) async fn query(
        &self,
        table: Table,
        pk: String,
        sk_prefix: Option<&str>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(self.name(table))
                .consistent_read(consistent)
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":pk", s(&pk))
                .set_exclusive_start_key(start);
            query = match sk_prefix {
                None => query.key_condition_expression("#pk = :pk"),
                Some(prefix) => query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :sk)")
                    .expression_attribute_names("#sk", SK)
                    .expression_attribute_values(":sk", s(prefix)),
            };
            let answer = query.send().await.map_err(StoreError::call("Query"))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|last| !last.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

/// How a conditional put ended.
pub(crate) fn created(answer: Result<PutItemOutput, SdkError<PutItemError>>) -> Result<Created, StoreError> {
    match answer {
        Ok(_) => Ok(Created::New),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Created::Taken),
            _ => Err(StoreError::call("PutItem")(error)),
        },
    }
}

/// How often a contended write or an incomplete batch is tried in one invocation.
pub(crate) const MOST_TRIES: u32 = 8;

pub(crate) fn key(pk: impl Into<String>) -> Item {
    Item::from([(PK.to_owned(), s(pk))])
}

pub(crate) fn key2(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([(PK.to_owned(), s(pk)), (SK.to_owned(), s(sk))])
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{number}"))
}

pub(crate) fn b(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(crate) fn ms(at: Timestamp) -> AttributeValue {
    n(at.as_millisecond())
}

/// Reads an attribute that must be there.
pub(crate) fn text<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, StoreError> {
    optional_text(item, name)?.ok_or(StoreError::Corrupt { attribute: name })
}

pub(crate) fn optional_text<'a>(item: &'a Item, name: &'static str) -> Result<Option<&'a str>, StoreError> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(StoreError::Corrupt { attribute: name }),
    }
}

pub(crate) fn number<T: std::str::FromStr>(item: &Item, name: &'static str) -> Result<T, StoreError> {
    optional_number(item, name)?.ok_or(StoreError::Corrupt { attribute: name })
}

pub(crate) fn optional_number<T: std::str::FromStr>(item: &Item, name: &'static str) -> Result<Option<T>, StoreError> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(number)) => number
            .parse()
            .ok()
            .map(Some)
            .ok_or(StoreError::Corrupt { attribute: name }),
        Some(_) => Err(StoreError::Corrupt { attribute: name }),
    }
}

pub(crate) fn bytes<'a>(item: &'a Item, name: &'static str) -> Result<&'a [u8], StoreError> {
    match item.get(name) {
        Some(AttributeValue::B(blob)) => Ok(blob.as_ref()),
        _ => Err(StoreError::Corrupt { attribute: name }),
    }
}

pub(crate) fn fixed<const N: usize>(item: &Item, name: &'static str) -> Result<[u8; N], StoreError> {
    bytes(item, name)?
        .try_into()
        .ok()
        .ok_or(StoreError::Corrupt { attribute: name })
}

pub(crate) fn time(item: &Item, name: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(number(item, name)?)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: name })
}

pub(crate) fn optional_time(item: &Item, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
    optional_number(item, name)?
        .map(|millis| {
            Timestamp::from_millisecond(millis)
                .ok()
                .ok_or(StoreError::Corrupt { attribute: name })
        })
        .transpose()
}

pub(crate) fn parsed<T: std::str::FromStr>(item: &Item, name: &'static str) -> Result<T, StoreError> {
    text(item, name)?
        .parse()
        .ok()
        .ok_or(StoreError::Corrupt { attribute: name })
}

/// Reads a JSON document.
pub(crate) fn document<T: serde::de::DeserializeOwned>(item: &Item, name: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text(item, name)?)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: name })
}

/// Writes a JSON document.
pub(crate) fn json(document: &impl serde::Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(document)
        .map(AttributeValue::S)
        .map_err(|error| StoreError::Build(Box::new(error)))
}
