//! Event in, facts gathered, core asked, answer out.

use apropos_aws::http::Problem;
use apropos_aws::{Answer, Clock, Event, InvalidSetting, Tables, Unexpected};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::settings;

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    tables: Tables,
    clock: Clock,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub fn new(tables: Tables, clock: Clock) -> Self {
        Self { tables, clock }
    }

    /// The function as its environment sets it up.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub async fn from_env() -> Result<Self, InvalidSetting> {
        settings::handler().await
    }

    /// Takes an event of any kind that this function is started by.
    ///
    /// # Errors
    /// [`Unexpected`] for one that it is not.
    pub async fn on(&self, event: Event) -> Result<Answer, Unexpected> {
        match event {
            Event::Http(request) => Ok(Answer::Http(Box::new(self.http(&request).await))),
            Event::Sqs(_) | Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Answers a request.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let _ = (event, &self.tables, &self.clock);
        Problem::internal().response()
    }
}
