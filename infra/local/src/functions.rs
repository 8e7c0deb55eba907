//! The functions in one process, each called with the events that AWS would send.

use std::fmt;
use std::sync::Arc;

use apropos_authorize_brand::{AuthorizerEvent, Verdict};
use apropos_aws::http::Problem;
use apropos_aws::{
    Clock, DeadLetters, Deadline, LinkKeys, Mailer, Pacer, PageTask, Queue, SendMessage, SendTask, Tables, TopicArn,
    TransactionalTask, with_causes,
};
use apropos_core::link::PublicBaseUrl;
use apropos_run_campaigns::TickError;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;

use crate::data_dir::Secrets;

/// Time-outs, as in the template.
const SCORE_OFFERS_ENDS: SignedDuration = SignedDuration::from_secs(60);
const RECORD_FEEDBACK_ENDS: SignedDuration = SignedDuration::from_secs(30);
const SEND_MESSAGES_ENDS: SignedDuration = SignedDuration::from_secs(75);

/// The functions that this stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// `authorize-brand`.
    AuthorizeBrand,
    /// `customer-portal`.
    CustomerPortal,
    /// `ingest-consents`.
    IngestConsents,
    /// `ingest-context`.
    IngestContext,
    /// `record-feedback`.
    RecordFeedback,
    /// `run-campaigns`.
    RunCampaigns,
    /// `score-offers`.
    ScoreOffers,
    /// `send-messages`.
    SendMessages,
}

impl Function {
    /// Its package's name without the prefix, which is also its name in the template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizeBrand => "authorize-brand",
            Self::CustomerPortal => "customer-portal",
            Self::IngestConsents => "ingest-consents",
            Self::IngestContext => "ingest-context",
            Self::RecordFeedback => "record-feedback",
            Self::RunCampaigns => "run-campaigns",
            Self::ScoreOffers => "score-offers",
            Self::SendMessages => "send-messages",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the functions are made from.
pub(crate) struct Parts {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) pages: Queue<PageTask>,
    pub(crate) sends: Queue<SendTask>,
    /// The same queue, for messages of the other kind.
    pub(crate) transactional: Queue<TransactionalTask>,
    /// The same queue, for what is handed back to it.
    pub(crate) again: Queue<SendMessage>,
    /// Where each function parks what it cannot read: pages, sends, feedback.
    pub(crate) letters: [DeadLetters; 3],
    pub(crate) mailer: Mailer,
    pub(crate) pacer: Pacer,
    pub(crate) topic: TopicArn,
    pub(crate) base: PublicBaseUrl,
    pub(crate) secrets: Secrets,
}

/// The handlers.
pub(crate) struct Functions {
    clock: Clock,
    authorize_brand: apropos_authorize_brand::Handler,
    customer_portal: apropos_customer_portal::Handler,
    ingest_consents: apropos_ingest_consents::Handler,
    ingest_context: apropos_ingest_context::Handler,
    record_feedback: apropos_record_feedback::Handler,
    run_campaigns: apropos_run_campaigns::Handler,
    score_offers: apropos_score_offers::Handler,
    send_messages: apropos_send_messages::Handler,
}

impl Functions {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            tables,
            clock,
            pages,
            sends,
            transactional,
            again,
            letters: [dead_pages, dead_sends, dead_feedback],
            mailer,
            pacer,
            topic,
            base,
            secrets,
        } = parts;
        let ring = secrets.ring;
        let pepper = secrets.pepper;
        Self {
            clock: clock.clone(),
            authorize_brand: apropos_authorize_brand::Handler::new(tables.clone(), clock.clone()),
            customer_portal: apropos_customer_portal::Handler::new(
                tables.clone(),
                clock.clone(),
                LinkKeys::fixed(ring.clone()),
                pepper.clone(),
                transactional.clone(),
            ),
            ingest_consents: apropos_ingest_consents::Handler::new(tables.clone(), clock.clone(), transactional),
            ingest_context: apropos_ingest_context::Handler::new(tables.clone(), clock.clone(), pepper.clone()),
            record_feedback: apropos_record_feedback::Handler::new(
                tables.clone(),
                clock.clone(),
                pepper.clone(),
                topic,
                dead_feedback,
            ),
            run_campaigns: apropos_run_campaigns::Handler::new(
                tables.clone(),
                clock.clone(),
                pages.clone(),
                sends.clone(),
            ),
            score_offers: apropos_score_offers::Handler::new(tables.clone(), clock.clone(), pages, sends, dead_pages),
            send_messages: apropos_send_messages::Handler {
                tables,
                clock,
                mailer,
                pacer,
                sends: again,
                letters: dead_sends,
                ring,
                base,
                pepper,
            },
        }
    }

    /// Calls a function with a request. One that panics has failed this request only, as on Lambda.
    pub(crate) async fn http(
        self: Arc<Self>,
        function: Function,
        event: ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        let call = async move {
            match function {
                Function::CustomerPortal => self.customer_portal.http(&event).await,
                Function::IngestConsents => self.ingest_consents.http(&event).await,
                Function::IngestContext => self.ingest_context.http(&event).await,
                Function::RunCampaigns => self.run_campaigns.http(&event).await,
                Function::ScoreOffers => self.score_offers.http(&event).await,
                // No route leads there.
                Function::AuthorizeBrand | Function::RecordFeedback | Function::SendMessages => {
                    Problem::internal().response()
                }
            }
        };
        match tokio::spawn(call).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(%function, %error, "the function broke off");
                Problem::internal().response()
            }
        }
    }

    /// Asks `authorize-brand` about a caller; `None` if it has no verdict.
    pub(crate) async fn authorize(self: Arc<Self>, event: AuthorizerEvent) -> Option<Verdict> {
        let call = async move { self.authorize_brand.on(&event).await };
        match unbroken(Function::AuthorizeBrand, tokio::spawn(call).await)? {
            Ok(verdict) => Some(verdict),
            Err(error) => {
                tracing::error!(function = %Function::AuthorizeBrand, error = %with_causes(&error), "the function failed");
                None
            }
        }
    }

    fn deadline(&self, time_out: SignedDuration) -> Deadline {
        Deadline::after(self.clock.now(), time_out)
    }

    /// Calls `record-feedback` with a batch; `None` if it broke off.
    pub(crate) async fn record_feedback(self: Arc<Self>, batch: SqsEvent) -> Option<SqsBatchResponse> {
        let call = async move {
            self.record_feedback
                .sqs(batch, self.deadline(RECORD_FEEDBACK_ENDS))
                .await
        };
        unbroken(Function::RecordFeedback, tokio::spawn(call).await)
    }

    /// Calls `score-offers` with a batch; `None` if it broke off.
    pub(crate) async fn score_offers(self: Arc<Self>, batch: SqsEvent) -> Option<SqsBatchResponse> {
        let call = async move { self.score_offers.sqs(batch, self.deadline(SCORE_OFFERS_ENDS)).await };
        unbroken(Function::ScoreOffers, tokio::spawn(call).await)
    }

    /// Calls `send-messages` with a batch; `None` if it broke off.
    pub(crate) async fn send_messages(self: Arc<Self>, batch: SqsEvent) -> Option<SqsBatchResponse> {
        let call = async move { self.send_messages.sqs(batch, self.deadline(SEND_MESSAGES_ENDS)).await };
        unbroken(Function::SendMessages, tokio::spawn(call).await)
    }

    /// Calls `customer-portal` and `run-campaigns` as each minute does.
    pub(crate) async fn tick(&self) -> Result<(), TickError> {
        self.customer_portal.tick().await;
        self.run_campaigns.tick().await
    }
}

fn unbroken<T>(function: Function, ended: Result<T, tokio::task::JoinError>) -> Option<T> {
    match ended {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::error!(%function, %error, "the function broke off");
            None
        }
    }
}
