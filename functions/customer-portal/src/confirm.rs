//! Double opt-in: the page behind the link of a confirmation. Opening it shows what is confirmed; the button confirms.
//!
//! Confirming is done in steps that can each be repeated: contact point, consents, then the suppression of an erasure is
//! lifted, and last the link is used up. Whoever presses again after a crash goes on where it stopped, and until the last
//! step nothing can be sent that was not before.

use apropos_aws::{
    Addressed, Confirms, ConsentRequest, NewSecrets, OneTime, OneTimeLink, Person, StoreError, Suppressed, Written,
    with_causes,
};
use apropos_core::brand::Brand;
use apropos_core::consent::{ConsentEvent, Consents, Notice, Objection, Purpose};
use apropos_core::document::{ConsentEventDocument, FieldError};
use apropos_core::fingerprint::sha256;
use apropos_core::ids::{BrandId, CustomerId, EventId, RequestId};
use apropos_core::language::Language;
use apropos_core::link::{KeyRing, LinkId, LinkPurpose, UnverifiedLink, sign_one_time};
use apropos_core::sign_up::{Confirmed, SignUp, event_id, lifted_objection};
use apropos_core::suppression::{SuppressionReason, address_hash, global_address_hash};
use apropos_core::transactional::AskedBy;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;

use crate::form::{UnreadableForm, fields};
use crate::handler::{Handler, MOST_TRIES, accepted_language};
use crate::page::Reader;
use crate::{answer, page, sign_up_page};

/// The most purposes whose events go into one transaction: each may take two, and one more lifts an objection.
const TOGETHER: usize = 16;

const NO_MARKETING: Purpose = Purpose::Objection(Objection::NoMarketing);

/// Whether the button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressed {
    No,
    Yes,
}

/// What a link confirms, with all that is needed to do so.
struct Confirmation {
    /// Who confirms; for a new address, who they become.
    customer: CustomerId,
    language: Language,
    /// What is not agreed to yet.
    given: Vec<Given>,
    /// Whence the ids of the events are derived, so that confirming twice records once.
    seed: RequestId,
    /// The sign-up that is confirmed, where it is one.
    sign_up: Option<SignUp>,
}

/// A yes that the button gives.
struct Given {
    purpose: Purpose,
    /// What was shown when it was asked for.
    notice: Notice,
    /// The event that asked for it, where it is in the ledger already.
    asked: Option<EventId>,
}

type Event = (ConsentEvent, ConsentEventDocument);

impl Handler {
    /// `/c/{brand}/{token}`.
    pub(crate) async fn at_confirm(
        &self,
        brand: &str,
        token: &str,
        event: &ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        let accepted = accepted_language(event);
        let stranger = accepted.unwrap_or(Language::English);
        let refused = || answer::page(404, page::refusal(stranger));
        let Ok(brand) = BrandId::new(brand) else {
            return refused();
        };
        let method = &event.request_context.http.method;
        match method.as_str() {
            "GET" | "HEAD" | "POST" => {}
            "OPTIONS" => return answer::options(),
            _ => return answer::method_not_allowed(),
        }
        let check = |ring: &KeyRing| UnverifiedLink::parse(token)?.verify(LinkPurpose::Confirm, &brand, ring);
        let link = self.verified(check).await;
        let Ok(link) = link else {
            return refused();
        };
        let pressed = match method.as_str() {
            "POST" if button(event).is_err() => return answer::page(400, page::unreadable(stranger)),
            "POST" => Pressed::Yes,
            _ => Pressed::No,
        };
        if pressed == Pressed::No
            && let Err(wait) = self.visits.take(token, self.clock.now())
        {
            let page = page::too_many_visits(stranger, None);
            return answer::to(method.as_str(), answer::too_many_visits(page, wait));
        }
        let response = match self.confirm(&brand, link.id, pressed, accepted).await {
            Ok(Some(response)) => response,
            Ok(None) => refused(),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), brand.id = %brand, "the store failed");
                answer::unavailable(page::unavailable(stranger))
            }
        };
        answer::to(method.as_str(), response)
    }

    async fn confirm(
        &self,
        brand: &BrandId,
        id: LinkId,
        pressed: Pressed,
        accepted: Option<Language>,
    ) -> Result<Option<ApiGatewayV2httpResponse>, StoreError> {
        let Some(brand) = self.tables.brand(brand).await? else {
            return Ok(None);
        };
        let brand = &brand;
        let reader = |language| Reader { language, brand };
        let stranger = reader(accepted.unwrap_or(Language::English));
        let now = self.clock.now();
        let ended = || Some(answer::page(410, sign_up_page::ended(stranger)));
        let link = match self.tables.one_time(id, LinkPurpose::Confirm, &brand.id, now).await? {
            OneTime::Open(link) => link,
            OneTime::Used(_) => return Ok(Some(answer::page(200, sign_up_page::confirmed(stranger, &[], None)))),
            // We signed it, so there was one: it has been tidied up.
            OneTime::Expired | OneTime::Unknown => return Ok(ended()),
        };
        let Some(confirmation) = self.confirmation(brand, id, link, now).await? else {
            return Ok(ended());
        };
        let reader = reader(confirmation.language);
        if pressed == Pressed::No {
            let page = sign_up_page::confirm(reader, &confirmation.purposes());
            return Ok(Some(answer::page(200, page)));
        }
        let Some(person) = self.carry_out(brand, &confirmation).await? else {
            return Ok(ended());
        };
        self.tables
            .consume_one_time(id, LinkPurpose::Confirm, &brand.id, self.clock.now())
            .await?;
        if confirmation.sign_up.is_some() {
            self.tables.forget_sign_up(&confirmation.seed).await?;
        }
        tracing::info!(brand.id = %brand.id, customer.id = %person.customer, "a subscription was confirmed");
        let choices = person.contact.as_ref().and_then(|(_, link)| {
            let token = sign_one_time(LinkPurpose::Preferences, &brand.id, *link, &self.keys.ring())?;
            Some(format!("/p/{}/{}", brand.id, token.as_str()))
        });
        let page = sign_up_page::confirmed(reader, &confirmation.purposes(), choices.as_deref());
        Ok(Some(answer::page(200, page)))
    }

    /// What a link confirms; `None` when that is gone: erased, or suppressed since.
    async fn confirmation(
        &self,
        brand: &Brand,
        id: LinkId,
        link: OneTimeLink,
        now: Timestamp,
    ) -> Result<Option<Confirmation>, StoreError> {
        match link.confirms {
            Confirms::Nothing => Ok(None),
            Confirms::SignUp(request) => self.of_sign_up(brand, request, now).await,
            Confirms::Requests(requests) => self.of_requests(brand, id, link.customer, &requests, now).await,
        }
    }

    /// A sign-up goes by who has the address now: an erasure in between has deleted the sign-up with it.
    async fn of_sign_up(
        &self,
        brand: &Brand,
        request: RequestId,
        now: Timestamp,
    ) -> Result<Option<Confirmation>, StoreError> {
        let Some(sign_up) = self.tables.sign_up(&brand.id, &request, now).await? else {
            return Ok(None);
        };
        let address = &sign_up.contact.address;
        let hash = address_hash(&self.pepper, &brand.id, address);
        let anywhere = global_address_hash(&self.pepper, address);
        let suppression = match self.tables.suppressed(&brand.id, &hash, &anywhere).await? {
            Suppressed::No => None,
            Suppressed::ByBrand(reason) => Some(reason),
            Suppressed::Undeliverable => Some(SuppressionReason::HardBounce),
        };
        if !AskedBy::OwnSignUp.may_reach(suppression) {
            return Ok(None);
        }
        let known = self.tables.person_at(&brand.id, hash, address).await?;
        let known = known.map(|person| person.as_held(brand, now));
        let (customer, purposes, language) = match known {
            None => (
                sign_up.customer.clone(),
                sign_up.purposes.clone(),
                sign_up.contact.language,
            ),
            Some(person) => {
                let missing = sign_up.missing(&person.standing.consents, now);
                let language = person
                    .contact
                    .map_or(sign_up.contact.language, |(held, _)| held.language);
                (person.customer, missing, language)
            }
        };
        let given = purposes
            .into_iter()
            .map(|purpose| Given {
                purpose,
                notice: sign_up.notice.clone(),
                asked: None,
            })
            .collect();
        Ok(Some(Confirmation {
            customer,
            language,
            given,
            seed: request,
            sign_up: Some(sign_up),
        }))
    }

    async fn of_requests(
        &self,
        brand: &Brand,
        id: LinkId,
        customer: CustomerId,
        requests: &[ConsentRequest],
        now: Timestamp,
    ) -> Result<Option<Confirmation>, StoreError> {
        let person = self.tables.person(&brand.id, &customer).await?.as_held(brand, now);
        let Some((contact, _)) = &person.contact else {
            return Ok(None);
        };
        let ledger = self.tables.ledger(&brand.id, &customer).await?;
        let notice = |event: &EventId| {
            let mut documents = ledger.iter().filter_map(|(_, document)| document.as_ref());
            documents
                .find(|document| document.event == event.as_str())
                .and_then(|document| ConsentEvent::try_from(document).ok())
                .and_then(|event| event.evidence.notice)
        };
        let given = requests
            .iter()
            .filter_map(|request| {
                Some(Given {
                    purpose: Purpose::from_code(&request.purpose).ok()?,
                    notice: notice(&request.event).unwrap_or_else(|| brand.notice.clone()),
                    asked: Some(request.event.clone()),
                })
            })
            .filter(|given| !person.standing.consents.state(&given.purpose, now).is_granted())
            .collect();
        let digest = sha256(&[b"confirm", &id.bytes()]);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Confirmation {
            language: contact.language,
            customer,
            given,
            seed: RequestId::new(hex).map_err(|error| StoreError::Build(Box::new(error)))?,
            sign_up: None,
        }))
    }

    /// All steps but the using up of the link; `None` when the person is gone by now.
    async fn carry_out(&self, brand: &Brand, confirmation: &Confirmation) -> Result<Option<Person>, StoreError> {
        if let Some(sign_up) = &confirmation.sign_up {
            self.reach(brand, &confirmation.customer, sign_up).await?;
        }
        for together in confirmation.given.chunks(TOGETHER) {
            self.grant(brand, confirmation, together).await?;
        }
        if let Some(sign_up) = &confirmation.sign_up {
            let hash = address_hash(&self.pepper, &brand.id, &sign_up.contact.address);
            self.tables.lift_erasure(&brand.id, hash).await?;
        }
        let person = self.tables.person(&brand.id, &confirmation.customer).await?;
        Ok(person.contact.is_some().then_some(person))
    }

    /// Makes the address the person's contact point, where they have none.
    async fn reach(&self, brand: &Brand, customer: &CustomerId, sign_up: &SignUp) -> Result<(), StoreError> {
        let secrets = NewSecrets::random()?;
        for _ in 0..MOST_TRIES {
            let now = self.clock.now();
            let person = self.tables.person_to_change(brand, customer, now).await?;
            if person.contact.is_some() {
                return Ok(());
            }
            let context = person
                .context
                .as_ref()
                .map(|(context, _)| context.clone())
                .unwrap_or_default();
            let addressed = Addressed {
                contact: &sign_up.contact,
                hash: address_hash(&self.pepper, &brand.id, &sign_up.contact.address),
            };
            let written = self
                .tables
                .put_context(&person, &brand.topics, &context, Some(addressed), &secrets, now)
                .await?;
            if written == Written::Done {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    /// Records the yes to some of the purposes. Events that are recorded already stay as they were.
    async fn grant(&self, brand: &Brand, confirmation: &Confirmation, together: &[Given]) -> Result<(), StoreError> {
        let built = |error: FieldError| StoreError::Build(Box::new(error));
        let ids = confirmation.ids(together).map_err(built)?;
        let secrets = NewSecrets::random()?;
        for _ in 0..MOST_TRIES {
            let wanted = [(confirmation.customer.clone(), ids.clone())];
            let now = self.clock.now();
            let mut found = self.tables.people_to_change(brand, &wanted, now).await?;
            let person = found.pop().ok_or(StoreError::Contended)?;
            let events = confirmation
                .events(&person.standing.consents, together, now)
                .map_err(built)?;
            let written = self
                .tables
                .append_consents(&person, &brand.topics, &events, &secrets, now)
                .await?;
            if written == Written::Done {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }
}

impl Confirmation {
    /// Every id that [`events`](Self::events) may give.
    fn ids(&self, together: &[Given]) -> Result<Vec<EventId>, FieldError> {
        let mut ids = vec![event_id(&self.seed, "lift", &NO_MARKETING)?];
        for given in together {
            ids.push(event_id(&self.seed, "asked", &given.purpose)?);
            ids.push(event_id(&self.seed, "yes", &given.purpose)?);
        }
        Ok(ids)
    }

    fn events(&self, consents: &Consents, together: &[Given], now: Timestamp) -> Result<Vec<Event>, FieldError> {
        let mut documents = Vec::new();
        if self.sign_up.is_some() {
            documents.extend(lifted_objection(
                &event_id(&self.seed, "lift", &NO_MARKETING)?,
                consents,
                now,
            ));
        }
        for given in together {
            let purpose = &given.purpose;
            let asked = match (&self.sign_up, &given.asked) {
                (_, Some(asked)) => asked.clone(),
                (Some(sign_up), None) => {
                    let asked = event_id(&self.seed, "asked", purpose)?;
                    documents.push(sign_up.request(purpose, &asked));
                    asked
                }
                (None, None) => continue,
            };
            let confirmed = Confirmed {
                purpose,
                notice: &given.notice,
                asked,
                id: event_id(&self.seed, "yes", purpose)?,
            };
            documents.push(confirmed.event(consents, now));
        }
        documents
            .into_iter()
            .map(|document| Ok((ConsentEvent::try_from(&document)?, document)))
            .collect()
    }

    fn purposes(&self) -> Vec<Purpose> {
        self.given.iter().map(|given| given.purpose.clone()).collect()
    }
}

/// The one button of the page.
fn button(event: &ApiGatewayV2httpRequest) -> Result<(), UnreadableForm> {
    let content_type = event
        .headers
        .get("content-type")
        .map(|value| value.to_str().ok().ok_or(UnreadableForm))
        .transpose()?;
    let body = apropos_aws::http::body(event).ok().ok_or(UnreadableForm)?;
    match fields(content_type, &body)?.as_slice() {
        [(name, value)] if name == "action" && value.trim() == "confirm" => Ok(()),
        _ => Err(UnreadableForm),
    }
}
