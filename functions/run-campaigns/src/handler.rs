//! Offers, campaigns and their runs over the API, and what is due each minute.

use apropos_aws::http::{Problem, route};
use apropos_aws::{
    Answer, Clock, Event, InvalidSetting, Once, PageTask, Queue, QueueError, SendTask, StoreError, Tables, Unexpected,
    once,
};
use apropos_core::api_key::Scope;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::{catalogue, due, explain, launch, minimisation, preview, report, settings};

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pages: Queue<PageTask>,
    pub(crate) sends: Queue<SendTask>,
}

/// Why what is due could not be done; it stays due.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error("the queue failed")]
    Queue(#[from] QueueError),
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(tables: Tables, clock: Clock, pages: Queue<PageTask>, sends: Queue<SendTask>) -> Self {
        Self {
            tables,
            clock,
            pages,
            sends,
        }
    }

    /// The function as its environment sets it up.
    ///
    /// # Errors
    /// [`InvalidSetting`].
    pub fn from_env() -> Result<Self, InvalidSetting> {
        settings::handler()
    }

    /// Takes an event of any kind that this function is started by.
    ///
    /// # Errors
    /// [`Unexpected`] for one that it is not, [`TickError`] when what is due could not be done.
    pub async fn on(&self, event: Event) -> Result<Answer, lambda_runtime::Error> {
        match event {
            Event::Http(request) => Ok(Answer::Http(Box::new(self.http(&request).await))),
            Event::Schedule(_) => {
                self.tick().await?;
                Ok(Answer::Done)
            }
            Event::Sqs(_) => Err(Unexpected.into()),
        }
    }

    /// Answers a request.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let (method, path) = route(event);
        let answer = match (method, path.as_slice()) {
            ("POST", ["v1", "offers"]) => {
                self.once(event, async |once| catalogue::add_offer(self, event, once).await)
                    .await
            }
            ("POST", ["v1", "campaigns"]) => {
                self.once(event, async |once| catalogue::create_campaign(self, event, once).await)
                    .await
            }
            ("POST", ["v1", "campaigns", campaign, "launch"]) => {
                self.once(event, async |_| launch::launch(self, event, campaign).await)
                    .await
            }
            ("POST", ["v1", "campaigns", campaign, "preview"]) => preview::preview(self, event, campaign).await,
            ("POST", ["v1", "campaigns", campaign, verb @ ("pause" | "resume" | "cancel")]) => {
                self.once(event, async |_| launch::change(self, event, campaign, verb).await)
                    .await
            }
            ("GET", ["v1", "minimisation"]) => minimisation::report(self, event).await,
            ("GET", ["v1", "campaigns", campaign]) => report::report(self, event, campaign).await,
            ("GET", ["v1", "campaigns", campaign, "decisions", customer]) => {
                explain::decision(self, event, campaign, customer).await
            }
            // A slash written as `%2F` in an id arrives as one here, and makes it a path of nobody's.
            _ => Err(Problem::unknown("path")),
        };
        answer.unwrap_or_else(|problem| problem.response())
    }

    async fn once<F>(&self, event: &ApiGatewayV2httpRequest, effect: F) -> Result<ApiGatewayV2httpResponse, Problem>
    where
        F: AsyncFnOnce(&mut Once) -> Result<ApiGatewayV2httpResponse, Problem>,
    {
        once(&self.tables, &self.clock, event, Scope::CampaignsWrite, effect).await
    }

    /// Does what is due by now.
    ///
    /// # Errors
    /// [`TickError`]; what was not done stays due.
    pub async fn tick(&self) -> Result<(), TickError> {
        due::release(self).await
    }
}
