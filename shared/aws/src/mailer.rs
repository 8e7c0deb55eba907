//! SES v2. This client never retries: the SDK would send the same message again after a time-out.

use std::time::Duration;

use apropos_core::habit::Clicks;
use apropos_core::message::Message;
use apropos_core::pace::{Held, Rate};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, MessageHeader, MessageTag};

/// What became of a message that was handed to SES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// SES took it.
    Accepted {
        /// Its id.
        message_id: String,
    },
    /// Definitely not taken: over the account's rate.
    TooFast {
        /// SES's name for it.
        code: String,
    },
    /// Definitely not taken: the account may not send at all for a while.
    Held {
        /// Why.
        why: Held,
        /// SES's name for it.
        code: String,
    },
    /// Definitely not taken, and another attempt may fare better: what the brand sends with is not in order.
    NotNow {
        /// SES's name for it.
        code: String,
    },
    /// Definitely not taken, and never will be: SES refuses this very message.
    Refused {
        /// SES's name for it.
        code: String,
    },
    /// Nobody knows: a fault of the service, a reset, a time-out, a cut answer. Never sent again.
    Unknown,
}

/// Hands messages to SES.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    configuration_set: Option<String>,
    /// The one whose messages' clicks SES tells of.
    click_configuration_set: Option<String>,
}

impl Mailer {
    /// The mailer of an account, with its configuration set if it has one.
    #[must_use]
    pub fn new(config: &aws_types::SdkConfig, configuration_set: Option<String>) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(WHOLE_CALL).build();
        let config = aws_sdk_sesv2::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self {
            client: Client::from_conf(config),
            configuration_set,
            click_configuration_set: None,
        }
    }

    /// With the configuration set for whose clicks may be learned from. Without one, nobody's are.
    #[must_use]
    pub fn learning_from_clicks(self, click_configuration_set: Option<String>) -> Self {
        Self {
            click_configuration_set,
            ..self
        }
    }

    /// What SES says of the account; `None` when it says nothing. It answers all who ask once a second, so nobody asks for
    /// a message's sake.
    pub async fn account(&self) -> Option<Said> {
        let said = self.client.get_account().send().await.ok()?;
        let quota = said.send_quota()?;
        Some(Said {
            rate: Rate::in_1000_seconds(whole(quota.max_send_rate() * 1_000.0)?),
            // SES says -1 where there is no quota.
            daily: whole(quota.max24_hour_send()),
            sent: whole(quota.sent_last24_hours()).unwrap_or_default(),
            enabled: said.sending_enabled(),
        })
    }

    fn configuration_set(&self, clicks: Clicks) -> Option<String> {
        match clicks {
            Clicks::Unseen => self.configuration_set.clone(),
            Clicks::Learned => self
                .click_configuration_set
                .clone()
                .or_else(|| self.configuration_set.clone()),
        }
    }

    /// Hands one message to SES, once. The links of one whose clicks are learned from lead over SES, unless they say that
    /// they must not.
    pub async fn hand(&self, message: &Message, clicks: Clicks) -> Handed {
        let Ok(content) = content(message) else {
            return Handed::Refused {
                code: "Unbuildable".to_owned(),
            };
        };
        let Ok(tags) = message
            .tags()
            .iter()
            .map(|(name, value)| MessageTag::builder().name(*name).value(value).build())
            .collect::<Result<Vec<_>, _>>()
        else {
            return Handed::Refused {
                code: "Unbuildable".to_owned(),
            };
        };
        let answer = self
            .client
            .send_email()
            .from_email_address(message.from())
            .destination(Destination::builder().to_addresses(message.to().as_sent()).build())
            .reply_to_addresses(message.reply_to().as_sent())
            .content(content)
            .set_email_tags(Some(tags))
            .set_configuration_set_name(self.configuration_set(clicks))
            .send()
            .await;
        match answer {
            Ok(sent) => match sent.message_id {
                Some(message_id) => Handed::Accepted { message_id },
                None => Handed::Unknown,
            },
            Err(error) => of_error(&error),
        }
    }
}

/// What SES says of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// How fast it may send.
    pub rate: Rate,
    /// How much in 24 hours, if that is bounded.
    pub daily: Option<u64>,
    /// How much it has sent in the last 24 hours.
    pub sent: u64,
    /// Whether it may send.
    pub enabled: bool,
}

/// A number of SES's that is none below zero, rounded down.
fn whole(number: f64) -> Option<u64> {
    format!("{:.0}", number.floor()).parse().ok()
}

/// The whole operation's time-out: with the 2 s from the claim to the call it bounds how old a consent can be when SES
/// accepts, to 5 s.
const WHOLE_CALL: Duration = Duration::from_millis(2_500);

fn content(message: &Message) -> Result<EmailContent, aws_sdk_sesv2::error::BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let headers = message
        .headers()
        .iter()
        .map(|(name, value)| MessageHeader::builder().name(*name).value(value.as_str()).build())
        .collect::<Result<Vec<_>, _>>()?;
    let simple = aws_sdk_sesv2::types::Message::builder()
        .subject(utf8(message.subject().as_str())?)
        .body(
            Body::builder()
                .text(utf8(message.text())?)
                .html(utf8(message.html())?)
                .build(),
        )
        .set_headers(Some(headers))
        .build();
    Ok(EmailContent::builder().simple(simple).build())
}

/// Only the eight errors that SES models for SendEmail mean that it did not take the message.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever SES may add later is unknown, never 'not sent'"
)]
fn of_error(error: &SdkError<SendEmailError>) -> Handed {
    let Some(service) = error.as_service_error() else {
        return match error {
            // Nothing left this machine.
            SdkError::ConstructionFailure(_) => Handed::NotNow {
                code: "ConstructionFailure".to_owned(),
            },
            _ => Handed::Unknown,
        };
    };
    let code = || service.code().unwrap_or("Unnamed").to_owned();
    match service {
        SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_) => Handed::Refused { code: code() },
        SendEmailError::AccountSuspendedException(_) | SendEmailError::SendingPausedException(_) => Handed::Held {
            why: Held::Paused,
            code: code(),
        },
        SendEmailError::LimitExceededException(_) => Handed::Held {
            why: Held::UsedUp,
            code: code(),
        },
        // SES has said so of the day's quota too, and then only its words tell.
        SendEmailError::TooManyRequestsException(_) if service.message().is_some_and(is_of_the_quota) => Handed::Held {
            why: Held::UsedUp,
            code: code(),
        },
        SendEmailError::TooManyRequestsException(_) => Handed::TooFast { code: code() },
        SendEmailError::MailFromDomainNotVerifiedException(_) | SendEmailError::NotFoundException(_) => {
            Handed::NotNow { code: code() }
        }
        _ => Handed::Unknown,
    }
}

fn is_of_the_quota(message: &str) -> bool {
    message.to_ascii_lowercase().contains("quota")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sesv2::error::ErrorMetadata;
    use aws_sdk_sesv2::types::error::{
        AccountSuspendedException, LimitExceededException, MailFromDomainNotVerifiedException, NotFoundException,
        SendingPausedException, TooManyRequestsException,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    fn handed(error: SendEmailError) -> Handed {
        let raw = HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::empty());
        of_error(&SdkError::service_error(error, raw))
    }

    #[test]
    fn clicks_are_learned_from_only_where_there_is_a_configuration_set_for_it() {
        let config = aws_types::SdkConfig::builder()
            .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::v2026_01_12())
            .build();
        let without = Mailer::new(&config, Some("all".to_owned()));
        let with = without.clone().learning_from_clicks(Some("clicks".to_owned()));
        for (mailer, clicks, set) in [
            (&without, Clicks::Unseen, "all"),
            (&without, Clicks::Learned, "all"),
            (&with, Clicks::Unseen, "all"),
            (&with, Clicks::Learned, "clicks"),
        ] {
            assert_eq!(mailer.configuration_set(clicks).as_deref(), Some(set));
        }
    }

    #[test]
    fn too_fast_is_told_from_a_day_used_up_a_pause_and_a_brand_that_is_not_in_order() {
        let meta = |message: &str| ErrorMetadata::builder().code("C").message(message).build();
        let throttled = |message| {
            let meta = meta(message);
            SendEmailError::TooManyRequestsException(
                TooManyRequestsException::builder().message(message).meta(meta).build(),
            )
        };
        let held = |why| Handed::Held { why, code: "C".into() };
        for (error, wanted) in [
            (
                throttled("Maximum sending rate exceeded."),
                Handed::TooFast { code: "C".into() },
            ),
            (throttled("Daily message quota exceeded."), held(Held::UsedUp)),
            (
                SendEmailError::LimitExceededException(LimitExceededException::builder().meta(meta("")).build()),
                held(Held::UsedUp),
            ),
            (
                SendEmailError::SendingPausedException(SendingPausedException::builder().meta(meta("")).build()),
                held(Held::Paused),
            ),
            (
                SendEmailError::AccountSuspendedException(AccountSuspendedException::builder().meta(meta("")).build()),
                held(Held::Paused),
            ),
            (
                SendEmailError::NotFoundException(NotFoundException::builder().meta(meta("")).build()),
                Handed::NotNow { code: "C".into() },
            ),
            (
                SendEmailError::MailFromDomainNotVerifiedException(
                    MailFromDomainNotVerifiedException::builder().meta(meta("")).build(),
                ),
                Handed::NotNow { code: "C".into() },
            ),
        ] {
            assert_eq!(handed(error), wanted);
        }
    }
}
