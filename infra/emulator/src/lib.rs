//! An embedded DynamoDB on loopback with our tables in it: the real SDK over the real protocol, for tests that must not
//! believe in a mock. The local stack starts its own, because it can keep one in a file.

use std::io;

use apropos_aws::{StoreError, Tables, behavior, http_client};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use dynoxide::{Database, DynoxideError};
use thiserror::Error;
use tokio::net::TcpListener;

/// Why it could not start.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// The database could not be made.
    #[error("the database could not be made")]
    Database(#[source] DynoxideError),
    /// No port on loopback.
    #[error("no port on loopback could be used")]
    Loopback(#[from] io::Error),
    /// The tables could not be made.
    #[error("the tables could not be made")]
    Tables(#[from] StoreError),
}

/// The tables, and a client for looking at items as they are stored.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// The tables, with the prefix `t-`.
    pub tables: Tables,
    /// The client that they use.
    pub client: Client,
}

impl Emulator {
    /// Starts one in memory; it ends with the runtime.
    ///
    /// # Errors
    /// [`EmulatorError`].
    pub async fn in_memory() -> Result<Self, EmulatorError> {
        Ok(Self::with_endpoint().await?.0)
    }

    /// Starts one as [`in_memory`](Self::in_memory) does, and says where it answers, for a client in another process.
    ///
    /// # Errors
    /// [`EmulatorError`].
    pub async fn with_endpoint() -> Result<(Self, String), EmulatorError> {
        let database = Database::memory().map_err(EmulatorError::Database)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(behavior())
            .region(Region::new("eu-west-3"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "emulator"))
            .endpoint_url(endpoint.clone())
            .http_client(http_client())
            .build();
        let client = Client::from_conf(config);
        let tables = Tables::new(client.clone(), "t-");
        tables.create_missing().await?;
        Ok((Self { tables, client }, endpoint))
    }
}
