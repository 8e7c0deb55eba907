//! SES v2 alone behind a port of its own, for functions that are deployed to an emulator whose SES drops headers and
//! tags: they are pointed here by `AWS_ENDPOINT_URL_SESV2`.
//!
//! Beside SES's own calls it answers what a test asks: `GET /mails` lists what was accepted, as JSON, and
//! `POST /mails/{message id}/{delivery|bounce|transient-bounce|complaint}` gives the event that SES would publish then.
//! `POST /account/{healthy|paused}` pauses sending, and lets it go on.
//! It shows whole messages to whoever can reach it, so it listens on loopback only.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use apropos_aws::Clock;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::aws_endpoint;
use crate::cli::{say, until_interrupted};
use crate::inbox;
use crate::mail_service::{
    AcceptedMail, AccountStatus, BounceKind, Feedback, MailService, MailSettings, OutboxError, SendQuota,
};
use crate::queue_service::QueueService;

/// What the stand-in is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailOptions {
    /// Where to listen on 127.0.0.1; 0 for any free port.
    pub port: u16,
    /// Domains that may send.
    pub domains: Vec<String>,
    /// Configuration sets that exist.
    pub configuration_sets: Vec<String>,
    /// How much the account may send.
    pub quota: SendQuota,
    /// Where messages are written as `.eml` files.
    pub outbox: Option<PathBuf>,
}

/// Why it did not serve.
#[derive(Debug, Error)]
pub enum MailStandInError {
    /// The port cannot be had.
    #[error("127.0.0.1:{port} cannot be listened on")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The outbox cannot be written.
    #[error("the outbox cannot be used")]
    Outbox(#[from] OutboxError),
    /// Serving ended.
    #[error("the stand-in stopped serving")]
    Serving(#[source] io::Error),
}

/// Serves until Ctrl-C.
///
/// # Errors
/// [`MailStandInError`].
pub async fn run(options: MailOptions) -> Result<(), MailStandInError> {
    let port = options.port;
    let taken = |source| MailStandInError::Port { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let clock = Clock::system();
    let mails = MailService::new(
        clock.clone(),
        MailSettings {
            verified_domains: options.domains,
            configuration_sets: options.configuration_sets,
            quota: options.quota,
            outbox: options.outbox,
        },
    )?;
    // Its queues are nobody's: the emulator has its own.
    let service = router(&mails).merge(aws_endpoint::router(QueueService::new(clock), mails));
    say(&format!("SES answers on http://{address}"));
    tokio::select! {
        served = axum::serve(listener, service) => served.map_err(MailStandInError::Serving),
        () = until_interrupted() => Ok(()),
    }
}

fn router(mails: &MailService) -> Router {
    let asked = Router::new()
        .route("/mails", get(list))
        .route("/mails/{message_id}/{event}", post(event))
        .route("/account/{status}", post(account))
        .with_state(mails.clone());
    asked.merge(inbox::router(mails.clone()))
}

async fn list(State(mails): State<MailService>) -> Json<serde_json::Value> {
    let described: Vec<_> = mails.accepted().iter().map(|mail| described(mail)).collect();
    Json(json!({
        "mails": described,
        "busiest_second": mails.busiest_second(),
        "refused": mails.refused_count(),
    }))
}

fn described(mail: &AcceptedMail) -> serde_json::Value {
    json!({
        "message_id": mail.message_id,
        "from": mail.from,
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "headers": mail.headers,
        "tags": mail.tags,
        "configuration_set": mail.configuration_set,
    })
}

async fn event(
    State(mails): State<MailService>,
    Path((message_id, event)): Path<(String, String)>,
) -> (StatusCode, String) {
    let feedback = match event.as_str() {
        "delivery" => Feedback::Delivery,
        "bounce" => Feedback::Bounce(BounceKind::Permanent),
        "transient-bounce" => Feedback::Bounce(BounceKind::Transient),
        "complaint" => Feedback::Complaint,
        _ => return (StatusCode::NOT_FOUND, String::new()),
    };
    match mails.event(&message_id, feedback) {
        Some(event) => (StatusCode::OK, event),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn account(State(mails): State<MailService>, Path(status): Path<String>) -> StatusCode {
    let status = match status.as_str() {
        "healthy" => AccountStatus::Healthy,
        "paused" => AccountStatus::Paused,
        _ => return StatusCode::NOT_FOUND,
    };
    mails.set_status(status);
    StatusCode::OK
}
