//! The public form of a brand: whoever fills it in is asked by e-mail to confirm, and until then nothing is kept about
//! them but the sign-up itself.
//!
//! A known address and an unknown one take the same way: the sign-up is kept, a message is queued, the same page is
//! shown. Whether the address is known, suppressed or agreed already is looked up where the message is sent. There is no
//! session and no cookie, so there is nothing that another site could misuse by sending the form: all that it brings
//! about is the one message that anyone may cause, and turns are counted.

use std::net::IpAddr;

use apropos_aws::{About, QueueError, StoreError, TransactionalTask, Turn, TurnLimit, random, with_causes};
use apropos_core::brand::Brand;
use apropos_core::consent::{Channel, Purpose};
use apropos_core::context::ContactPoint;
use apropos_core::email::EmailAddress;
use apropos_core::ids::{BrandId, CustomerId, RequestId, TopicId};
use apropos_core::language::Language;
use apropos_core::sign_up::SignUp;
use apropos_core::suppression::{TurnKey, address_hash};
use apropos_core::time::TimeZoneName;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::SignedDuration;
use thiserror::Error;

use crate::form::{UnreadableForm, fields_at_most};
use crate::handler::{Handler, accepted_language};
use crate::page::Reader;
use crate::sign_up_page::{Problem, Typed};
use crate::{answer, page, sign_up_page};

/// A household or an office shares a source; a script does not stop at thirty.
const BY_SOURCE: TurnLimit = TurnLimit {
    most: 30,
    window: SignedDuration::from_hours(1),
};

/// As long as a sign-up is kept, its deletion's delay included, so that all that are kept are remembered with the counter.
const BY_ADDRESS: TurnLimit = TurnLimit {
    most: 5,
    window: SignedDuration::from_hours(10 * 24),
};

/// Sixteen topics, four channels, and the rest.
const MOST_FIELDS: usize = 32;

/// Where someone lives is not asked, and quiet hours need a zone.
const ZONE: &str = "Europe/Paris";

/// Why something could not be done now.
#[derive(Debug, Error)]
pub(crate) enum Failed {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the queue failed")]
    Queue(#[from] QueueError),
}

/// The form as it came, before anything in it is judged.
#[derive(Default)]
struct Filled {
    email: String,
    language: Option<Language>,
    topics: Vec<String>,
    channels: Vec<String>,
    /// The field that nobody sees, and that programs fill in.
    trap: String,
}

/// What was asked for, and where to write to.
struct Wanted {
    address: EmailAddress,
    language: Language,
    purposes: Vec<Purpose>,
}

impl Handler {
    /// `/s/{brand}`.
    pub(crate) async fn at_sign_up(&self, brand: &str, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let language = accepted_language(event).unwrap_or(Language::English);
        let Ok(brand) = BrandId::new(brand) else {
            return answer::page(404, page::refusal(language));
        };
        let method = &event.request_context.http.method;
        let filled = match method.as_str() {
            "GET" | "HEAD" => None,
            "POST" => match Filled::read(event) {
                Ok(filled) => Some(filled),
                Err(UnreadableForm) => return answer::page(400, page::unreadable(language)),
            },
            "OPTIONS" => return answer::options(),
            _ => return answer::method_not_allowed(),
        };
        let response = match self.sign_up(&brand, filled, event, language).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = %with_causes(&error), brand.id = %brand, "a sign-up failed");
                answer::unavailable(page::unavailable(language))
            }
        };
        answer::to(method.as_str(), response)
    }

    async fn sign_up(
        &self,
        brand: &BrandId,
        filled: Option<Filled>,
        event: &ApiGatewayV2httpRequest,
        language: Language,
    ) -> Result<ApiGatewayV2httpResponse, Failed> {
        let Some(brand) = self.tables.brand(brand).await? else {
            return Ok(answer::page(404, page::refusal(language)));
        };
        let reader = Reader {
            language,
            brand: &brand,
        };
        let Some(filled) = filled else {
            return Ok(answer::page(200, sign_up_page::form(reader, &Typed::default(), None)));
        };
        if !filled.trap.is_empty() {
            return Ok(answer::page(200, sign_up_page::sent(reader)));
        }
        let wanted = match filled.wanted(&brand, language) {
            Ok(wanted) => wanted,
            Err(problem) => {
                let typed = filled.typed();
                return Ok(answer::page(400, sign_up_page::form(reader, &typed, Some(problem))));
            }
        };
        let now = self.clock.now();
        let source = TurnKey::new(&self.pepper, &brand.id, "source", &source(event));
        if self.tables.take_turn(&source, BY_SOURCE, None, now).await? == Turn::None {
            return Ok(answer::too_often(sign_up_page::too_many(reader)));
        }
        self.ask_to_confirm(&brand, wanted).await?;
        Ok(answer::page(200, sign_up_page::sent(reader)))
    }

    /// Keeps the sign-up and queues its message; nothing, when the address has had its turns: whoever gets the messages
    /// knows, and nobody else is told.
    async fn ask_to_confirm(&self, brand: &Brand, wanted: Wanted) -> Result<(), Failed> {
        let now = self.clock.now();
        let id = hex(random()?);
        let hash = address_hash(&self.pepper, &brand.id, &wanted.address);
        let turn = self
            .tables
            .take_turn(&TurnKey::of_address(hash), BY_ADDRESS, Some(&id), now)
            .await?;
        if turn == Turn::None {
            tracing::info!(brand.id = %brand.id, "an address has been signed up too often");
            return Ok(());
        }
        let request = RequestId::new(id).map_err(built)?;
        let sign_up = SignUp {
            customer: CustomerId::new(format!("s-{}", hex(random()?))).map_err(built)?,
            contact: ContactPoint {
                address: wanted.address,
                language: wanted.language,
                time_zone: TimeZoneName::new(ZONE).map_err(built)?,
            },
            purposes: wanted.purposes,
            notice: brand.notice.clone(),
            asked_at: now,
        };
        self.tables.keep_sign_up(&brand.id, &request, &sign_up, now).await?;
        let task = TransactionalTask::new(brand.id.clone(), request.clone(), now, About::SignUp);
        self.sends.send(&[task]).await?;
        tracing::info!(brand.id = %brand.id, request.id = %request, "a sign-up was taken in");
        Ok(())
    }
}

impl Filled {
    fn read(event: &ApiGatewayV2httpRequest) -> Result<Self, UnreadableForm> {
        let content_type = event
            .headers
            .get("content-type")
            .map(|value| value.to_str().ok().ok_or(UnreadableForm))
            .transpose()?;
        let body = apropos_aws::http::body(event).ok().ok_or(UnreadableForm)?;
        let mut filled = Self::default();
        for (name, value) in fields_at_most(MOST_FIELDS, content_type, &body)? {
            match name.as_str() {
                "email" => filled.email = value,
                "language" => filled.language = Some(Language::from_tag(&value).ok().ok_or(UnreadableForm)?),
                "topic" => filled.topics.push(value),
                "channel" => filled.channels.push(value),
                "website" => filled.trap = value,
                _ => return Err(UnreadableForm),
            }
        }
        Ok(filled)
    }

    /// Every topic that was ticked by every channel that was ticked, if the brand has them all.
    fn wanted(&self, brand: &Brand, language: Language) -> Result<Wanted, Problem> {
        let topics: Option<Vec<TopicId>> = self
            .topics
            .iter()
            .map(|topic| {
                let topic = TopicId::new(topic.as_str()).ok()?;
                brand.topics.get(&topic).map(|topic| topic.id.clone())
            })
            .collect();
        let channels: Option<Vec<Channel>> = self
            .channels
            .iter()
            .map(|channel| Channel::ALL.into_iter().find(|each| each.code() == channel))
            .collect();
        let (Some(topics), Some(channels)) = (topics, channels) else {
            return Err(Problem::NothingTicked);
        };
        let mut purposes: Vec<Purpose> = channels
            .into_iter()
            .flat_map(|channel| {
                topics.iter().map(move |topic| Purpose::Topic {
                    topic: topic.clone(),
                    channel,
                })
            })
            .collect();
        purposes.sort();
        purposes.dedup();
        if purposes.is_empty() {
            return Err(Problem::NothingTicked);
        }
        Ok(Wanted {
            address: EmailAddress::parse(&self.email).ok().ok_or(Problem::Address)?,
            language: self.language.unwrap_or(language),
            purposes,
        })
    }

    fn typed(&self) -> Typed<'_> {
        Typed {
            email: &self.email,
            language: self.language,
            topics: &self.topics,
            channels: &self.channels,
        }
    }
}

/// The network that a request comes from: an address of version 4, or the 64 bits that one line of version 6 has.
fn source(event: &ApiGatewayV2httpRequest) -> Vec<u8> {
    let text = event.request_context.http.source_ip.as_deref().unwrap_or_default();
    match text.parse() {
        Ok(IpAddr::V4(address)) => address.octets().to_vec(),
        Ok(IpAddr::V6(address)) => address.octets().into_iter().take(8).collect(),
        Err(_) => Vec::new(),
    }
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn built(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Build(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::brand;

    fn filled(body: &str) -> Result<Filled, UnreadableForm> {
        let mut event = ApiGatewayV2httpRequest::default();
        event.body = Some(body.to_owned());
        Filled::read(&event)
    }

    fn wanted(body: &str) -> Result<Vec<String>, Problem> {
        let wanted = filled(body).unwrap().wanted(&brand(), Language::French)?;
        Ok(wanted.purposes.iter().map(Purpose::code).collect())
    }

    #[test]
    fn each_topic_is_asked_for_by_each_channel() {
        let body = "email=c%40mail.example&topic=offers&topic=news&channel=email&channel=sms";
        assert_eq!(
            wanted(body).unwrap(),
            ["email.news", "sms.news", "email.offers", "sms.offers"]
        );
        let twice = "email=c%40mail.example&topic=offers&topic=offers&channel=email";
        assert_eq!(wanted(twice).unwrap(), ["email.offers"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_and_what_the_brand_does_not_have_is_refused() {
        for (body, problem) in [
            ("email=c%40mail.example", Problem::NothingTicked),
            ("email=c%40mail.example&topic=offers", Problem::NothingTicked),
            ("email=c%40mail.example&channel=email", Problem::NothingTicked),
            (
                "email=c%40mail.example&topic=other&channel=email",
                Problem::NothingTicked,
            ),
            (
                "email=c%40mail.example&topic=offers&channel=fax",
                Problem::NothingTicked,
            ),
            ("topic=offers&channel=email", Problem::Address),
            ("email=mail.example&topic=offers&channel=email", Problem::Address),
        ] {
            assert_eq!(wanted(body), Err(problem), "{body}");
        }
        for body in ["email=c%40mail.example&other=1", "language=eo", "purpose=email.offers"] {
            assert!(filled(body).is_err(), "{body}");
        }
    }

    #[test]
    fn neighbours_of_one_line_of_version_6_are_one_source() {
        let from = |ip: &str| {
            let mut event = ApiGatewayV2httpRequest::default();
            event.request_context.http.source_ip = Some(ip.to_owned());
            source(&event)
        };
        assert_eq!(from("2001:db8:1:2::7"), from("2001:db8:1:2:ffff::8"));
        assert_ne!(from("2001:db8:1:2::7"), from("2001:db8:1:3::7"));
        assert_ne!(from("192.0.2.7"), from("192.0.2.8"));
    }
}
