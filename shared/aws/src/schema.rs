//! Creates the tables where no template does: on one machine, and in tests.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

use crate::names::{PK, SK, Table};
use crate::store::{StoreError, Tables};

impl Tables {
    /// Creates the tables that do not exist yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_missing(&self) -> Result<(), StoreError> {
        for table in Table::ALL {
            let mut request = self
                .client
                .create_table()
                .table_name(self.name(table))
                .billing_mode(BillingMode::PayPerRequest)
                .key_schema(key(PK, KeyType::Hash)?)
                .attribute_definitions(text(PK)?);
            if table.is_sorted() {
                request = request
                    .key_schema(key(SK, KeyType::Range)?)
                    .attribute_definitions(text(SK)?);
            }
            match request.send().await {
                Ok(_) => {}
                Err(SdkError::ServiceError(error))
                    if matches!(error.err(), CreateTableError::ResourceInUseException(_)) => {}
                Err(error) => return Err(StoreError::call("CreateTable")(error)),
            }
        }
        Ok(())
    }
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .map_err(|error| StoreError::Build(Box::new(error)))
}

fn text(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(|error| StoreError::Build(Box::new(error)))
}
