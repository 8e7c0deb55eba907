//! Requests that carry an `Idempotency-Key`: done once, and answered as they were the first time.

use std::collections::HashMap;

use apropos_core::api_key::Scope;
use apropos_core::document::FieldError;
use apropos_core::idempotency::{
    Earlier, IdempotencyKey, InvalidIdempotencyKey, KEPT_FOR, LEASE, Verdict, fingerprint,
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::{HeaderName, HeaderValue};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::Timestamp;

use crate::catalogue::Created;
use crate::causes::with_causes;
use crate::clock::Clock;
use crate::http::{Problem, answer, authorized, body};
use crate::names::{ATTEMPT, BODY, EXPIRES_AT, HASH, LEASED_UNTIL, PK, STATUS, TTL, Table};
use crate::random::random;
use crate::store::{Item, MOST_TRIES, StoreError, Tables, b, created, fixed, key, ms, n, number, s, text, time};

const HEADER: &str = "idempotency-key";

/// Tells an answer that is given again from one that is given.
const REPLAYED: &str = "idempotent-replayed";

/// A request that this invocation does, and nobody else while its lease lasts.
#[derive(Debug, Clone)]
struct Ticket {
    table: String,
    kept_under: String,
    fingerprint: [u8; 32],
    attempt: [u8; 16],
    begun_at: Timestamp,
}

/// The write that keeps an answer, for the transaction of its effect.
#[derive(Debug, Clone)]
pub struct KeptAnswer(pub(crate) TransactWriteItem);

/// What becomes of the answer to a request; without an `Idempotency-Key`, nothing.
#[derive(Debug)]
pub struct Once {
    ticket: Option<Ticket>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is kept when the effect is over.
    Keep,
    /// It was kept with the effect.
    Kept,
    /// It is not kept.
    Forget,
}

impl Once {
    /// The write that keeps the answer, for the transaction of the effect, which fails if the request is no longer ours.
    /// When it is done, say so with [`Once::was_kept`].
    ///
    /// # Errors
    /// [`StoreError`] for a write that cannot be built.
    pub fn keeping(&self, response: &ApiGatewayV2httpResponse) -> Result<Option<KeptAnswer>, StoreError> {
        self.ticket.as_ref().map(|ticket| ticket.keep(response)).transpose()
    }

    /// The answer was kept in the transaction of the effect.
    pub const fn was_kept(&mut self) {
        self.end = End::Kept;
    }

    /// The request is worth sending again as it is: part of it could not be done now.
    pub const fn forget(&mut self) {
        self.end = End::Forget;
    }
}

enum Begun {
    Mine(Ticket),
    Answered(Box<ApiGatewayV2httpResponse>),
}

/// Does a request of a brand. With an `Idempotency-Key` it is done once: sent again, it gets the first answer.
///
/// What writes its effect in one transaction puts [`Once::keeping`] into it. Otherwise the answer is kept after the
/// effect, which must be harmless to repeat then, because a crash in between lets the request be done again. Only answers
/// that say it was done (2xx) are kept: what was refused may be corrected.
///
/// # Errors
/// [`Problem`]: 401 and 403 as [`authorized`], 422 for a key that is none or that was used for something else, 409 while
/// the same request is running, and whatever the effect says.
pub async fn once<F>(
    tables: &Tables,
    clock: &Clock,
    event: &ApiGatewayV2httpRequest,
    scope: Scope,
    effect: F,
) -> Result<ApiGatewayV2httpResponse, Problem>
where
    F: AsyncFnOnce(&mut Once) -> Result<ApiGatewayV2httpResponse, Problem>,
{
    let brand = authorized(event, scope)?;
    let Some(value) = event.headers.get(HEADER) else {
        let mut unnamed = Once {
            ticket: None,
            end: End::Forget,
        };
        return effect(&mut unnamed).await;
    };
    let key = value
        .to_str()
        .ok()
        .and_then(|value| IdempotencyKey::new(value).ok())
        .ok_or_else(|| FieldError::new("Idempotency-Key", InvalidIdempotencyKey))?;
    let method = event.request_context.http.method.as_str();
    let path = event.raw_path.as_deref().unwrap_or_default();
    let asked = fingerprint(method, path, &body(event)?);
    let ticket = match tables.begin(key.kept_under(&brand), asked, clock.now()).await? {
        Begun::Mine(ticket) => ticket,
        Begun::Answered(response) => return Ok(*response),
    };

    let mut once = Once {
        ticket: Some(ticket.clone()),
        end: End::Keep,
    };
    let answered = effect(&mut once).await;
    // The effect stands whatever happens here, so its answer is given all the same.
    let item = match (&answered, once.end) {
        (_, End::Kept) => return answered,
        (Ok(response), End::Keep) if is_done(response) => ticket.answered(response),
        (Ok(_) | Err(_), End::Keep | End::Forget) => ticket.let_go(),
    };
    if let Err(error) = tables.close(&ticket, item).await {
        tracing::warn!(error = %with_causes(&error), brand.id = %brand, "the answer to a request could not be kept");
    }
    answered
}

fn is_done(response: &ApiGatewayV2httpResponse) -> bool {
    (200..300).contains(&response.status_code)
}

impl Tables {
    /// Takes a request, unless an earlier one with its key stands in the way.
    async fn begin(&self, kept_under: String, fingerprint: [u8; 32], now: Timestamp) -> Result<Begun, Problem> {
        let ticket = Ticket {
            table: self.name(Table::Requests),
            kept_under,
            fingerprint,
            attempt: random()?,
            begun_at: now,
        };
        for _ in 0..MOST_TRIES {
            let Some(held) = self.take(&ticket, now).await? else {
                return Ok(Begun::Mine(ticket));
            };
            // Answered by a try of this very call that was thought lost.
            if fixed::<16>(&held, ATTEMPT)? == ticket.attempt {
                return Ok(Begun::Mine(ticket));
            }
            match read(&held)?.verdict(&fingerprint, now) {
                Verdict::Replay => return Ok(Begun::Answered(Box::new(replay(&held)?))),
                Verdict::Running => return Err(Problem::still_running()),
                Verdict::Different => {
                    return Err(FieldError::new("Idempotency-Key", "was used for another request").into());
                }
                // It changed between the condition and here.
                Verdict::Do => {}
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Puts the ticket where nothing is, or what is there is over; else the item that is there.
    async fn take(&self, ticket: &Ticket, now: Timestamp) -> Result<Option<Item>, StoreError> {
        let taken = self
            .client
            .put_item()
            .table_name(&ticket.table)
            .set_item(Some(ticket.item(now + LEASE)))
            .condition_expression(
                "attribute_not_exists(#pk) OR #expires <= :now \
                 OR (attribute_not_exists(#status) AND #leased <= :now AND #asked = :asked)",
            )
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#leased", LEASED_UNTIL)
            .expression_attribute_names("#asked", HASH)
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":asked", b(ticket.fingerprint))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match taken {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::call("PutItem")(error)),
            },
        }
    }

    /// Ends a ticket. One that was lost in the meantime is somebody else's to end.
    async fn close(&self, ticket: &Ticket, item: Item) -> Result<Created, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&ticket.table)
            .set_item(Some(item))
            .condition_expression(OURS)
            .set_expression_attribute_names(Some(ours()))
            .set_expression_attribute_values(Some(ticket.as_ours()))
            .send()
            .await;
        created(put)
    }
}

/// What is written over a ticket is written on condition that it is still the same try's.
const OURS: &str = "#attempt = :attempt";

fn ours() -> HashMap<String, String> {
    HashMap::from([("#attempt".to_owned(), ATTEMPT.to_owned())])
}

impl Ticket {
    fn as_ours(&self) -> Item {
        Item::from([(":attempt".to_owned(), b(self.attempt))])
    }

    fn keep(&self, response: &ApiGatewayV2httpResponse) -> Result<KeptAnswer, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.answered(response)))
            .condition_expression(OURS)
            .set_expression_attribute_names(Some(ours()))
            .set_expression_attribute_values(Some(self.as_ours()))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(KeptAnswer(TransactWriteItem::builder().put(put).build()))
    }

    fn answered(&self, response: &ApiGatewayV2httpResponse) -> Item {
        let text = match &response.body {
            Some(Body::Text(text)) => text.as_str(),
            // No answer of the API is anything else.
            Some(_) | None => "",
        };
        let mut item = self.item(self.begun_at);
        item.insert(STATUS.to_owned(), n(response.status_code));
        item.insert(BODY.to_owned(), s(text));
        item
    }

    /// The key may be used again at once, also for something else.
    fn let_go(&self) -> Item {
        let mut item = self.item(self.begun_at);
        item.insert(EXPIRES_AT.to_owned(), ms(self.begun_at));
        item
    }

    fn item(&self, leased_until: Timestamp) -> Item {
        let expires_at = self.begun_at + KEPT_FOR;
        let mut item = key(&self.kept_under);
        let values = [
            (HASH, b(self.fingerprint)),
            (ATTEMPT, b(self.attempt)),
            (LEASED_UNTIL, ms(leased_until)),
            (EXPIRES_AT, ms(expires_at)),
            (TTL, n(expires_at.as_second())),
        ];
        item.extend(values.map(|(name, value)| (name.to_owned(), value)));
        item
    }
}

fn read(item: &Item) -> Result<Earlier, StoreError> {
    Ok(Earlier {
        fingerprint: fixed(item, HASH)?,
        is_answered: item.contains_key(STATUS),
        leased_until: time(item, LEASED_UNTIL)?,
        expires_at: time(item, EXPIRES_AT)?,
    })
}

fn replay(item: &Item) -> Result<ApiGatewayV2httpResponse, StoreError> {
    let mut response = answer(number(item, STATUS)?, "application/json", text(item, BODY)?.to_owned());
    response
        .headers
        .insert(HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"));
    Ok(response)
}
