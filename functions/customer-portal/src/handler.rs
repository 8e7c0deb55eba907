//! Event in, facts gathered, core asked, answer out.

use apropos_aws::http::route;
use apropos_aws::{
    Answer, Clock, Event, LinkKeys, LinkTarget, Person, Queue, StoreError, Tables, TransactionalTask, Unexpected,
    with_causes,
};
use apropos_core::brand::Brand;
use apropos_core::consent::Objection;
use apropos_core::ids::CustomerId;
use apropos_core::language::Language;
use apropos_core::link::{InvalidLink, KeyRing, LinkPurpose, sign};
use apropos_core::suppression::Pepper;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::choice::{Choice, Road, Switch};
use crate::filled::{Filled, Wrong};
use crate::my_data::Room;
use crate::page::{Occasion, Reader, Shown};
use crate::record::{Recording, Wanted};
use crate::request::Asked;
use crate::visit::{Knock, Leaving, Page, Visit};
use crate::visits::Visits;
use crate::{answer, page, record};

/// The function.
#[derive(Debug, Clone)]
pub struct Handler {
    pub(crate) tables: Tables,
    pub(crate) clock: Clock,
    pub(crate) keys: LinkKeys,
    pub(crate) pepper: Pepper,
    pub(crate) sends: Queue<TransactionalTask>,
    pub(crate) visits: Visits,
}

/// How often a change is tried again when others write about the same person: a send and a consent may meet, ten do not.
pub(crate) const MOST_TRIES: usize = 10;

/// What came of a visit, for its page.
struct Visited {
    person: Person,
    /// The form, where it was sent and is wrong: nothing was changed, and it is shown again as it was typed.
    refused: Option<(Filled, Vec<Wrong>)>,
}

impl Handler {
    /// The function over its parts.
    #[must_use]
    pub fn new(tables: Tables, clock: Clock, keys: LinkKeys, pepper: Pepper, sends: Queue<TransactionalTask>) -> Self {
        Self {
            tables,
            clock,
            keys,
            pepper,
            sends,
            visits: Visits::default(),
        }
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
        let response = match self.verified(|ring| knock.verify(ring)).await {
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
                // Only reading is held back. What is pressed is recorded, and counted by the ledger; leaving always is.
                if asked.is_none()
                    && let Some(token) = path.last()
                    && let Err(wait) = self.visits.take(token, self.clock.now())
                {
                    let leave = (visit.page() == Page::Unsubscribe).then_some("leave");
                    let page = page::too_many_visits(stranger, leave);
                    return answer::to(method, answer::too_many_visits(page, wait));
                }
                // Boxed, because the SDK's futures nest too deep for the compiler to lay out in one.
                match Box::pin(self.receive(&visit, asked, accepted)).await {
                    Ok(response) => response,
                    Err(error) => {
                        tracing::error!(error = %with_causes(&error), brand.id = %visit.brand(), "the store failed");
                        answer::unavailable(page::unavailable(stranger))
                    }
                }
            }
        };
        answer::to(method, response)
    }

    /// Checks a link. One that names a key we do not have may come from after a rotation, so the ring is read again;
    /// where that fails the link looks unknown, and works when it is opened again.
    pub(crate) async fn verified<T>(
        &self,
        check: impl Fn(&KeyRing) -> Result<T, InvalidLink>,
    ) -> Result<T, InvalidLink> {
        let refused = match check(&self.keys.ring()) {
            Err(refused @ InvalidLink::UnknownKey(_)) => refused,
            known => return known,
        };
        match self.keys.read_again(self.clock.now()).await {
            Ok(Some(ring)) => check(&ring),
            Ok(None) => Err(refused),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "the link keys could not be read again");
                Err(refused)
            }
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
        let visited = match self.act(visit, &brand, &customer, asked.as_ref()).await? {
            Acted::Done(visited) => *visited,
            Acted::Unknown => return Ok(answer::page(400, page::unreadable(stranger))),
            Acted::TooOften => return Ok(answer::too_often(page::too_often(stranger))),
            Acted::Forgotten => {
                let reader = Reader {
                    language: stranger,
                    brand: &brand,
                };
                return Ok(answer::page(200, page::forgotten(reader)));
            }
        };
        let language = visited
            .person
            .contact
            .as_ref()
            .map(|(contact, _)| contact.language)
            .or(accepted)
            .unwrap_or(Language::English);
        let reader = Reader {
            language,
            brand: &brand,
        };
        Ok(self.show(visit, asked.as_ref(), reader, &visited))
    }

    /// Brings about what is asked for.
    async fn act(
        &self,
        visit: &Visit,
        brand: &Brand,
        customer: &CustomerId,
        asked: Option<&Asked>,
    ) -> Result<Acted, StoreError> {
        let leaving = visit.leaving(brand);
        let named = |purpose: Option<&_>| purpose.map_or(Some(leaving), |purpose| Leaving::named(purpose, brand));
        let change = match asked {
            None => {
                let person = self.tables.person_despite_contact(&brand.id, customer).await?;
                return Ok(Acted::done(person.as_held(brand, self.clock.now())));
            }
            Some(Asked::OneClick) => Some((gone(leaving), Road::OneClick)),
            Some(Asked::Leave(purpose)) => {
                named(purpose.as_ref()).map(|leaving| (gone(leaving), Road::UnsubscribePage))
            }
            Some(Asked::Undo(purpose)) => {
                named(purpose.as_ref()).map(|leaving| (returned(leaving), Road::UnsubscribePage))
            }
            Some(Asked::Set(choice)) => choice
                .is_offered_by(brand)
                .then(|| (choice.clone(), Road::PreferencePage)),
            Some(Asked::Save(filled)) => return self.save(brand, customer, filled).await,
        };
        let Some((choice, road)) = change else {
            return Ok(Acted::Unknown);
        };
        let wanted = Wanted {
            choices: std::slice::from_ref(&choice),
            preferences: &[],
            road,
        };
        Ok(Acted::of(record::all(self, brand, customer, wanted).await?))
    }

    async fn save(&self, brand: &Brand, customer: &CustomerId, filled: &Filled) -> Result<Acted, StoreError> {
        let person = self.tables.person_despite_contact(&brand.id, customer).await?;
        let person = person.as_held(brand, self.clock.now());
        match filled.wishes(&person, brand, self.clock.now()) {
            None => Ok(Acted::Unknown),
            Some(Err(wrong)) => Ok(Acted::Done(Box::new(Visited {
                person,
                refused: Some((filled.clone(), wrong)),
            }))),
            Some(Ok(wishes)) => {
                let wanted = Wanted {
                    choices: &wishes.choices,
                    preferences: &wishes.preferences,
                    road: Road::PreferenceForm,
                };
                Ok(Acted::of(record::all(self, brand, customer, wanted).await?))
            }
        }
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
        visited: &Visited,
    ) -> ApiGatewayV2httpResponse {
        let now = self.clock.now();
        let person = &visited.person;
        let consents = &person.standing.consents;
        let brand = reader.brand;
        let leaving = visit.leaving(brand);
        // What was asked for by name was found when it was done.
        let named = |purpose: &Option<_>| {
            purpose
                .as_ref()
                .and_then(|purpose| Leaving::named(purpose, brand))
                .unwrap_or(leaving)
        };
        let at = || self.choices_address(visit);
        let html = match (asked, visit.page()) {
            (Some(Asked::OneClick), _) => return answer::one_click_done(),
            (Some(Asked::Leave(purpose)), _) => page::left(reader, named(purpose), &at()),
            (Some(Asked::Undo(purpose)), _) => page::back(reader, named(purpose), consents, &at(), now),
            (Some(Asked::Set(_) | Asked::Save(_)), _) | (None, Page::Preferences) if person.is_forgotten() => {
                page::forgotten(reader)
            }
            (Some(Asked::Set(_) | Asked::Save(_)), _) | (None, Page::Preferences) => {
                return self.show_choices(visit, asked, reader, visited);
            }
            (None, Page::Unsubscribe) if consents.objects(Objection::NoMarketing, now) => {
                page::left(reader, Leaving::Everything, &at())
            }
            (None, Page::Unsubscribe) if gone(leaving).holds(consents, now) => page::left(reader, leaving, &at()),
            (None, Page::Unsubscribe) => page::leave(reader, leaving, consents, &at(), now),
        };
        answer::page(200, html)
    }

    fn show_choices(
        &self,
        visit: &Visit,
        asked: Option<&Asked>,
        reader: Reader<'_>,
        visited: &Visited,
    ) -> ApiGatewayV2httpResponse {
        let data_at = self.permanent_address("d", visit);
        let now = self.clock.now();
        let person = &visited.person;
        let (filled, status, occasion) = match (&visited.refused, asked) {
            (Some((filled, wrong)), _) => (filled.clone(), 422, Occasion::Refused(wrong)),
            (None, None) => (Filled::of(person, reader.brand, now), 200, Occasion::Opened),
            (None, Some(_)) => (Filled::of(person, reader.brand, now), 200, Occasion::Saved),
        };
        let shown = Shown {
            filled: &filled,
            consents: &person.standing.consents,
            occasion,
            zone: person.contact.as_ref().map(|(contact, _)| &contact.time_zone),
            has_context: person.context.is_some(),
            data_at: &data_at,
            now,
        };
        answer::page(status, page::choices(reader, &shown))
    }

    /// The preference page of the same person: both links come in the same message, so one leads to the other.
    fn choices_address(&self, visit: &Visit) -> String {
        self.permanent_address("p", visit)
    }

    /// One of the pages that the permanent reference of the same person opens.
    fn permanent_address(&self, page: &str, visit: &Visit) -> String {
        let token = sign(LinkPurpose::Preferences, visit.brand(), visit.link(), &self.keys.ring());
        let token = token.as_ref().map_or("", |token| token.as_str());
        format!("/{page}/{}/{token}", visit.brand())
    }
}

/// Whom a link leads to.
enum Found {
    Customer(Box<Brand>, CustomerId),
    /// They had their data erased. Whoever leaves by the link is out already.
    Nobody(Box<Brand>),
    Unknown,
}

/// What came of what was asked for.
enum Acted {
    Done(Box<Visited>),
    /// A button or a field that this brand's pages do not have.
    Unknown,
    TooOften,
    /// Their data lapsed.
    Forgotten,
}

impl Acted {
    fn done(person: Person) -> Self {
        Self::Done(Box::new(Visited { person, refused: None }))
    }

    fn of(recording: Recording) -> Self {
        match recording {
            Recording::Done(person) => Self::done(*person),
            Recording::TooOften => Self::TooOften,
            Recording::Forgotten => Self::Forgotten,
        }
    }
}

fn gone(leaving: Leaving<'_>) -> Choice {
    Choice {
        purpose: leaving.purpose(),
        switch: match leaving {
            Leaving::Topic(..) => Switch::Off,
            Leaving::Everything => Switch::On,
        },
    }
}

fn returned(leaving: Leaving<'_>) -> Choice {
    Choice {
        purpose: leaving.purpose(),
        switch: match leaving {
            Leaving::Topic(..) => Switch::On,
            Leaving::Everything => Switch::Off,
        },
    }
}

pub(crate) fn accepted_language(event: &ApiGatewayV2httpRequest) -> Option<Language> {
    let header = event.headers.get("accept-language")?;
    Language::from_accept(header.to_str().ok()?)
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
            .http_client(apropos_aws::http_client())
            .build();
        let tables = Tables::new(aws_sdk_dynamodb::Client::from_conf(config), "t-");
        let (keys, pepper, sends) = (LinkKeys::fixed(ring()), pepper(), no_queue());
        Handler::new(tables, Clock::manual(now()), keys, pepper, sends)
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
