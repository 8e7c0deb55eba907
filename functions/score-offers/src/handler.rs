//! Pages of an audience in, receipts and candidates out; and offers ranked for one customer.

use apropos_aws::http::Problem;
use apropos_aws::{
    Answer, Clock, Event, InvalidSetting, PageTask, Queue, SendTask, Tables, Unexpected, batch_response, by_itself,
    read_message,
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use crate::{page, rank, settings};

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pages: Queue<PageTask>,
    pub(crate) sends: Queue<SendTask>,
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
    /// [`Unexpected`] for one that it is not.
    pub async fn on(&self, event: Event) -> Result<Answer, Unexpected> {
        match event {
            Event::Http(request) => Ok(Answer::Http(Box::new(self.http(&request).await))),
            Event::Sqs(batch) => Ok(Answer::Sqs(self.sqs(batch).await)),
            Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Answers `POST /v1/relevance`.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        rank::answer(self, event)
            .await
            .unwrap_or_else(|problem: Problem| problem.response())
    }

    /// Scores the pages of a batch, each message by itself.
    pub async fn sqs(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut outcomes = Vec::with_capacity(batch.records.len());
        for message in batch.records {
            let outcome = by_itself(async { page::score(self, &read_message(&message)?).await }).await;
            outcomes.push((message.message_id.unwrap_or_default(), outcome));
        }
        batch_response(outcomes)
    }
}
