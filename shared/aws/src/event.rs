//! The events that start a function, and what it answers.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde::{Deserialize, Serialize};

/// An event of one of the kinds that our functions are started by.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages from a queue.
    Sqs(SqsEvent),
    /// A minute passed.
    Schedule(Schedule),
    /// A request.
    Http(Box<ApiGatewayV2httpRequest>),
}

/// EventBridge's scheduled event; only its kind matters.
#[derive(Debug, Deserialize)]
pub struct Schedule {
    /// `Scheduled Event`.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
}

/// What a function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a request.
    Http(Box<ApiGatewayV2httpResponse>),
    /// To a batch: which messages to give again.
    Sqs(SqsBatchResponse),
    /// To a schedule.
    Done,
}

/// The function is not started by such an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this function is not started by such an event")]
pub struct Unexpected;
