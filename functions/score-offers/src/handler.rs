//! Pages of an audience in, receipts and candidates out; and offers ranked for one customer.

use apropos_aws::http::Problem;
use apropos_aws::{
    Answer, Clock, DeadLetters, Deadline, Event, InvalidSetting, PageTask, Queue, SendTask, Tables, Unexpected,
    by_itself, read_form,
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;

use crate::{page, rank, settings};

/// Reading, judging and storing 8 000 people, with what the SDK tries again.
const A_PAGE_NEEDS: SignedDuration = SignedDuration::from_secs(20);

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pages: Queue<PageTask>,
    pub(crate) sends: Queue<SendTask>,
    letters: DeadLetters,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(
        tables: Tables,
        clock: Clock,
        pages: Queue<PageTask>,
        sends: Queue<SendTask>,
        letters: DeadLetters,
    ) -> Self {
        Self {
            tables,
            clock,
            pages,
            sends,
            letters,
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
    pub async fn on(&self, event: Event, deadline: Deadline) -> Result<Answer, Unexpected> {
        match event {
            Event::Http(request) => Ok(Answer::Http(Box::new(self.http(&request).await))),
            Event::Sqs(batch) => Ok(Answer::Sqs(self.sqs(batch, deadline).await)),
            Event::Schedule(_) => Err(Unexpected),
        }
    }

    /// Answers `POST /v1/relevance`.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        rank::answer(self, event)
            .await
            .unwrap_or_else(|problem: Problem| problem.response())
    }

    /// Scores the pages of a batch, each message by itself. A page that there is no time for is not begun,
    /// and a message that cannot be read is parked.
    pub async fn sqs(&self, batch: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        let mut outcomes = Vec::with_capacity(batch.records.len());
        for message in batch.records {
            let outcome = by_itself(async {
                let task = read_form(&message)?;
                deadline.leaves(self.clock.now(), A_PAGE_NEEDS)?;
                page::score(self, &task).await
            })
            .await;
            outcomes.push((message, outcome));
        }
        self.letters.end(outcomes).await
    }
}
