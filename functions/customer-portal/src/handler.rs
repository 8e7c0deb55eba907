//! Event in, facts gathered, core asked, answer out.

use apropos_aws::http::route;
use apropos_aws::{
    Answer, Clock, Event, InvalidSetting, LinkTarget, NewSecrets, Person, Queue, StoreError, Tables, TransactionalTask,
    Unexpected, Written, random,
};
use apropos_core::brand::Brand;
use apropos_core::consent::Consents;
use apropos_core::ids::{CustomerId, EventId};
use apropos_core::language::Language;
use apropos_core::ledger::ProofKey;
use apropos_core::link::{KeyRing, LinkId, LinkPurpose, sign};
use apropos_core::suppression::Pepper;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::choice::{Choice, MOST_ACTS, Road, Switch};
use crate::my_data::Room;
use crate::page::{Occasion, Reader};
use crate::request::Asked;
use crate::visit::{Knock, Leaving, Page, Visit};
use crate::{answer, page, settings};

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) ring: KeyRing,
    pub(crate) pepper: Pepper,
    pub(crate) sends: Queue<TransactionalTask>,
}

/// How often a change is tried again when others write about the same person: a send and a consent may meet, ten do not.
pub(crate) const MOST_TRIES: usize = 10;

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub const fn new(
        tables: Tables,
        clock: Clock,
        ring: KeyRing,
        pepper: Pepper,
        sends: Queue<TransactionalTask>,
    ) -> Self {
        Self {
            tables,
            clock,
            ring,
            pepper,
            sends,
        }
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
            Event::Schedule(_) => {
                self.tick().await;
                Ok(Answer::Done)
            }
            Event::Sqs(_) => Err(Unexpected),
        }
    }

    /// Answers a request. The path, the method, the link and the form are judged in that order before anything is read
    /// from a table; only a POST with a form that was understood changes anything.
    pub async fn http(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let (method, path) = route(event);
        let accepted = accepted_language(event);
        match *path.as_slice() {
            [".well-known", "apropos-receipt-key"] => return self.receipt_key(event),
            ["s", brand] => return Box::pin(self.at_sign_up(brand, event)).await,
            ["c", brand, token] => return Box::pin(self.at_confirm(brand, token, event)).await,
            [first, brand, token] => {
                if let Some(room) = Room::at(first) {
                    return Box::pin(self.at_room(room, brand, token, event)).await;
                }
            }
            _ => {}
        }
        // Whoever's link it is not must not learn whose it is, so this follows the browser alone.
        let stranger = accepted.unwrap_or(Language::English);
        let Some(knock) = Knock::at(&path) else {
            return answer::page(404, page::refusal(stranger));
        };
        let posts = match method {
            "GET" | "HEAD" => false,
            "POST" => true,
            "OPTIONS" => return answer::options(),
            _ => return answer::method_not_allowed(),
        };
        let response = match knock.verify(&self.ring) {
            Err(refused) => {
                tracing::debug!(reason = %refused, "a link was refused");
                answer::page(404, page::refusal(stranger))
            }
            Ok(visit) => {
                let asked = if posts {
                    match Asked::read(visit.page(), event) {
                        Ok(asked) => Some(asked),
                        Err(_) => return answer::page(400, page::unreadable(stranger)),
                    }
                } else {
                    None
                };
                // Boxed, because the SDK's futures nest too deep for the compiler to lay out in one.
                match Box::pin(self.receive(&visit, asked, accepted)).await {
                    Ok(response) => response,
                    Err(error) => {
                        let cause: &(dyn std::error::Error + 'static) = &error;
                        tracing::error!(error = cause, brand.id = %visit.brand(), "the store failed");
                        answer::unavailable(page::unavailable(stranger))
                    }
                }
            }
        };
        if method == "HEAD" {
            answer::without_body(response)
        } else {
            response
        }
    }

    /// A visitor whose link is ours. What it refers to may be gone all the same, which looks as if it never was.
    async fn receive(
        &self,
        visit: &Visit,
        asked: Option<Asked>,
        accepted: Option<Language>,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let stranger = accepted.unwrap_or(Language::English);
        let (brand, customer) = match self.found(visit).await? {
            Found::Customer(brand, customer) => (*brand, customer),
            Found::Nobody(_) if asked == Some(Asked::OneClick) => return Ok(answer::one_click_done()),
            Found::Nobody(brand) => {
                let reader = Reader {
                    language: stranger,
                    brand: &brand,
                };
                return Ok(answer::page(200, page::out(reader)));
            }
            Found::Unknown => return Ok(answer::page(404, page::refusal(stranger))),
        };
        let person = match wanted(visit, &brand, asked.as_ref()) {
            Wanted::Nothing => self.tables.person(&brand.id, &customer).await?,
            Wanted::Change(choice, road) => self.record(&brand, &customer, &choice, road).await?,
            Wanted::Unknown => return Ok(answer::page(400, page::unreadable(stranger))),
        };
        let language = person
            .contact
            .as_ref()
            .map(|(contact, _)| contact.language)
            .or(accepted)
            .unwrap_or(Language::English);
        let reader = Reader {
            language,
            brand: &brand,
        };
        Ok(self.show(visit, asked.as_ref(), reader, &person.standing.consents))
    }

    /// The brand and the customer that a link refers to.
    async fn found(&self, visit: &Visit) -> Result<Found, StoreError> {
        let (owner, customer) = match self.tables.link_target(visit.link().id).await? {
            LinkTarget::Customer(owner, customer) => (owner, Some(customer)),
            LinkTarget::Nobody(owner) => (owner, None),
            LinkTarget::Unknown => return Ok(Found::Unknown),
        };
        if owner != *visit.brand() {
            return Ok(Found::Unknown);
        }
        Ok(match (self.tables.brand(&owner).await?, customer) {
            (None, _) => Found::Unknown,
            (Some(brand), Some(customer)) => Found::Customer(Box::new(brand), customer),
            (Some(brand), None) => Found::Nobody(Box::new(brand)),
        })
    }

    fn show(
        &self,
        visit: &Visit,
        asked: Option<&Asked>,
        reader: Reader<'_>,
        consents: &Consents,
    ) -> ApiGatewayV2httpResponse {
        let now = self.clock.now();
        let leaving = visit.leaving(reader.brand);
        let choices = || self.choices_address(visit);
        let html = match (asked, visit.page()) {
            (Some(Asked::OneClick), _) => return answer::one_click_done(),
            (Some(Asked::Leave), _) => page::left(reader, leaving, &choices()),
            (Some(Asked::Undo), _) => page::back(reader, leaving, consents, &choices(), now),
            (Some(Asked::Set(_)), _) => page::choices(reader, consents, Occasion::Saved, now),
            (None, Page::Unsubscribe) if gone(leaving).holds(consents, now) => page::left(reader, leaving, &choices()),
            (None, Page::Unsubscribe) => page::leave(reader, leaving, &choices()),
            (None, Page::Preferences) => page::choices(reader, consents, Occasion::Opened, now),
        };
        answer::page(200, html)
    }

    /// The preference page of the same person: both links come in the same message, so one leads to the other.
    fn choices_address(&self, visit: &Visit) -> String {
        let token = sign(LinkPurpose::Preferences, visit.brand(), visit.link(), &self.ring);
        let token = token.as_ref().map_or("", |token| token.as_str());
        format!("/p/{}/{token}", visit.brand())
    }

    /// Records a choice, and gives the person as they are after it. A choice that holds already is not written again.
    pub(crate) async fn record(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        choice: &Choice,
        road: Road,
    ) -> Result<Person, StoreError> {
        let ids = event_ids()?;
        let secrets = NewSecrets {
            proof_key: ProofKey(random()?),
            link: LinkId::from_bytes(random()?),
        };
        for _ in 0..MOST_TRIES {
            let wanted = [(customer.clone(), ids.to_vec())];
            let mut found = self.tables.people(&brand.id, &wanted).await?;
            let mut person = found.pop().ok_or(StoreError::Contended)?;
            let now = self.clock.now();
            let events = choice
                .events(road, brand, &person.standing.consents, &ids, now)
                .map_err(|error| StoreError::Build(Box::new(error)))?;
            if events.is_empty() {
                return Ok(person);
            }
            match self
                .tables
                .append_consents(&person, &brand.topics, &events, &secrets, now)
                .await?
            {
                Written::Stale => {}
                Written::Done => {
                    for (event, _) in &events {
                        tracing::info!(
                            brand.id = %brand.id,
                            customer.id = %customer,
                            purpose = event.purpose.code(),
                            act = event.act.code(),
                            "a choice was recorded"
                        );
                        let seq = person.standing.head.seq.saturating_add(1);
                        person.standing.head.seq = seq;
                        person.standing.consents.record(event, seq);
                    }
                    return Ok(person);
                }
            }
        }
        Err(StoreError::Contended)
    }
}

/// Whom a link leads to.
enum Found {
    Customer(Box<Brand>, CustomerId),
    /// They had their data erased. Whoever leaves by the link is out already.
    Nobody(Box<Brand>),
    Unknown,
}

/// What a visit is to bring about.
enum Wanted {
    Nothing,
    Change(Choice, Road),
    /// A button that this brand's page does not have.
    Unknown,
}

fn wanted(visit: &Visit, brand: &Brand, asked: Option<&Asked>) -> Wanted {
    let leaving = visit.leaving(brand);
    match asked {
        None => Wanted::Nothing,
        Some(Asked::OneClick) => Wanted::Change(gone(leaving), Road::OneClick),
        Some(Asked::Leave) => Wanted::Change(gone(leaving), Road::UnsubscribePage),
        Some(Asked::Undo) => Wanted::Change(returned(leaving), Road::UnsubscribePage),
        Some(Asked::Set(choice)) if choice.is_offered_by(brand) => Wanted::Change(choice.clone(), Road::PreferencePage),
        Some(Asked::Set(_)) => Wanted::Unknown,
    }
}

fn gone(leaving: Leaving<'_>) -> Choice {
    match leaving {
        Leaving::Topic(topic) => Choice::email(topic, Switch::Off),
        Leaving::Everything => Choice::no_marketing(Switch::On),
    }
}

fn returned(leaving: Leaving<'_>) -> Choice {
    match leaving {
        Leaving::Topic(topic) => Choice::email(topic, Switch::On),
        Leaving::Everything => Choice::no_marketing(Switch::Off),
    }
}

pub(crate) fn accepted_language(event: &ApiGatewayV2httpRequest) -> Option<Language> {
    let header = event.headers.get("accept-language")?;
    Language::from_accept(header.to_str().ok()?)
}

fn event_ids() -> Result<[EventId; MOST_ACTS], StoreError> {
    Ok([event_id()?, event_id()?])
}

fn event_id() -> Result<EventId, StoreError> {
    let bytes: [u8; 16] = random()?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    EventId::new(hex).map_err(|error| StoreError::Build(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::encodings::Body;
    use aws_lambda_events::http::{HeaderValue, Method};
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

    use super::*;
    use crate::fixture::{no_queue, now, pepper, ring, token};

    /// Over a store that nobody answers for: whoever reads from it gets a 503.
    fn handler() -> Handler {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-3"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url("http://127.0.0.1:1")
            .build();
        let tables = Tables::new(aws_sdk_dynamodb::Client::from_conf(config), "t-");
        let (pepper, sends) = (pepper(), no_queue());
        Handler::new(tables, Clock::manual(now()), ring(), pepper, sends)
    }

    fn request(method: Method, path: &str, body: &str) -> ApiGatewayV2httpRequest {
        let mut event = ApiGatewayV2httpRequest::default();
        event.request_context.http.method = method;
        event.raw_path = Some(path.to_owned());
        event.body = Some(body.to_owned());
        event
            .headers
            .insert("accept-language", HeaderValue::from_static("fr-FR,fr;q=0.9"));
        event
    }

    fn text(response: &ApiGatewayV2httpResponse) -> &str {
        match &response.body {
            Some(Body::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn garbage() -> Vec<String> {
        let good = token(LinkPurpose::Unsubscribe);
        let mut forged = good.clone();
        let last = forged.pop().unwrap();
        forged.push(if last == 'A' { 'Q' } else { 'A' });
        vec![
            "/".to_owned(),
            "/u".to_owned(),
            "/u/lumen".to_owned(),
            "/u/lumen/short".to_owned(),
            format!("/u/lumen/{forged}"),
            format!("/u/lumen/{}", &good[1..]),
            format!("/u/lumen/{good}/more"),
            format!("/u/lumen/{}", "A".repeat(48)),
            format!("/u/lumen/{}", "A".repeat(59)),
            format!("/u/other/{good}"),
            format!("/u/lum%65n/{good}"),
            format!("/u/{}/{good}", "x".repeat(65)),
            format!("/p/lumen/{good}"),
            format!("/x/lumen/{good}"),
            format!("/d/lumen/{good}"),
            format!("/w/lumen/{good}"),
            format!("/a/lumen/{}", token(LinkPurpose::Preferences)),
            format!("/r/lumen/{}", token(LinkPurpose::Access)),
            format!("/e/lumen/{}", token(LinkPurpose::Access)),
            format!("/e/velo/{}", token(LinkPurpose::Erase)),
            "/a/lumen/short".to_owned(),
            format!("/u/lumen/{}", token(LinkPurpose::Preferences)),
            format!("/u/lumen/{}", token(LinkPurpose::Erase)),
        ]
    }

    #[tokio::test]
    async fn garbage_is_refused_alike_and_before_any_read() {
        let handler = handler();
        let mut pages = Vec::new();
        for path in garbage() {
            for (method, body) in [
                (Method::GET, ""),
                (Method::POST, "List-Unsubscribe=One-Click"),
                (Method::POST, "nonsense"),
            ] {
                let response = handler.http(&request(method, &path, body)).await;
                assert_eq!(response.status_code, 404, "{path}");
                pages.push(serde_json::to_string(&response).unwrap());
            }
        }
        assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
        // The same store does answer for a link that is ours: with a failure.
        let path = format!("/u/lumen/{}", token(LinkPurpose::Unsubscribe));
        let response = handler.http(&request(Method::GET, &path, "")).await;
        assert_eq!(response.status_code, 503);
    }

    #[tokio::test]
    async fn a_store_that_fails_gives_a_page_that_asks_to_try_again() {
        let path = format!("/u/lumen/{}", token(LinkPurpose::Unsubscribe));
        let response = handler()
            .http(&request(Method::POST, &path, "List-Unsubscribe=One-Click"))
            .await;
        assert_eq!(response.status_code, 503);
        assert!(response.headers.contains_key("retry-after"));
        assert!(text(&response).contains("Réessayez"));
    }

    #[tokio::test]
    async fn a_form_that_cannot_be_read_changes_nothing_and_reads_nothing() {
        let path = format!("/u/lumen/{}", token(LinkPurpose::Unsubscribe));
        let response = handler().http(&request(Method::POST, &path, "nonsense")).await;
        assert_eq!(response.status_code, 400);
        assert!(text(&response).contains("Rien n’a changé"));
    }

    #[tokio::test]
    async fn other_methods_are_named_whatever_the_link() {
        let handler = handler();
        let good = format!("/u/lumen/{}", token(LinkPurpose::Unsubscribe));
        for path in [good.as_str(), "/u/lumen/short"] {
            for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
                let response = handler.http(&request(method, path, "")).await;
                assert_eq!(response.status_code, 405);
                assert_eq!(response.headers["allow"], "GET, HEAD, POST, OPTIONS");
            }
            let response = handler.http(&request(Method::OPTIONS, path, "")).await;
            assert_eq!(response.status_code, 204);
            assert_eq!(response.headers["allow"], "GET, HEAD, POST, OPTIONS");
        }
    }

    #[tokio::test]
    async fn head_gets_the_headers_of_get_without_the_body() {
        let path = format!("/u/lumen/{}", token(LinkPurpose::Unsubscribe));
        for path in [path.as_str(), "/u/lumen/short"] {
            let get = handler().http(&request(Method::GET, path, "")).await;
            let head = handler().http(&request(Method::HEAD, path, "")).await;
            assert_eq!((get.status_code, &get.headers), (head.status_code, &head.headers));
            assert!(head.body.is_none());
        }
    }

    #[tokio::test]
    async fn a_stranger_is_answered_in_the_browsers_language_or_in_english() {
        let page = async |accepted: Option<&'static str>| {
            let mut event = request(Method::GET, "/u/lumen/short", "");
            event.headers.clear();
            if let Some(accepted) = accepted {
                event
                    .headers
                    .insert("accept-language", HeaderValue::from_static(accepted));
            }
            let response = handler().http(&event).await;
            text(&response).chars().take(40).collect::<String>()
        };
        assert!(page(Some("fr")).await.contains("lang=\"fr\""));
        assert!(page(Some("de")).await.contains("lang=\"en\""));
        assert!(page(None).await.contains("lang=\"en\""));
    }
}
