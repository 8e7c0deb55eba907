//! The rooms behind a door: why a message came, one's data, correction and erasure.
//!
//! A link in a message opens no data, since messages are forwarded: it only asks for a fresh link, which is sent to the
//! contact point, lives a quarter of an hour and works once. Opening that link changes nothing either, because mail
//! scanners open links; the button uses it up. What is shown then carries links of the same kind for the next step.

use apropos_aws::http::{body, route};
use apropos_aws::{
    About, Addressed, Confirms, LinkTarget, NewSecrets, OneTime, OneTimeLink, Person, ReceiptKey, StoreError,
    TransactionalTask, Turn, TurnLimit, Written, random, with_causes,
};
use apropos_core::brand::Brand;
use apropos_core::consent::{Objection, Purpose};
use apropos_core::consent_receipt::ConsentReceipt;
use apropos_core::document::LedgerDocument;
use apropos_core::erasure::certificate;
use apropos_core::ids::{BrandId, CustomerId, RequestId};
use apropos_core::language::Language;
use apropos_core::link::{KeyRing, LinkContent, LinkId, LinkPurpose, UnverifiedLink, sign_one_time};
use apropos_core::origin::{Source, corrected};
use apropos_core::suppression::TurnKey;
use apropos_core::transactional::FreshLink;
use apropos_gazetteer::Gazetteer;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::{SignedDuration, Timestamp};

use crate::answer::File;
use crate::choice::{Choice, Road, Switch};
use crate::form::fields;
use crate::handler::{MOST_TRIES, accepted_language};
use crate::page::Reader;
use crate::record::{self, Recording, Wanted};
use crate::{Handler, answer, lapses, my_data_page, page, why};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// `/d`: ask for a fresh link.
    Ask,
    /// `/w`: why a message came.
    Why,
    /// `/a`: see one's data.
    See,
    /// `/r`: correct it.
    Correct,
    /// `/e`: erase it.
    Erase,
}

impl Room {
    pub(crate) fn at(first: &str) -> Option<Self> {
        match first {
            "d" => Some(Self::Ask),
            "w" => Some(Self::Why),
            "a" => Some(Self::See),
            "r" => Some(Self::Correct),
            "e" => Some(Self::Erase),
            _ => None,
        }
    }

    /// Whether its links are fresh ones, which live for a quarter of an hour.
    const fn is_fresh(self) -> bool {
        matches!(self, Self::See | Self::Correct | Self::Erase)
    }

    /// What its links are signed for. Those of messages are the permanent reference, whatever page they open.
    const fn purpose(self) -> LinkPurpose {
        match self {
            Self::Ask | Self::Why => LinkPurpose::Preferences,
            Self::See => LinkPurpose::Access,
            Self::Correct => LinkPurpose::Correct,
            Self::Erase => LinkPurpose::Erase,
        }
    }
}

/// Fresh links that can be asked for with one link of a message.
const ASKED: TurnLimit = TurnLimit {
    most: 5,
    window: SignedDuration::from_hours(1),
};

/// Steps of an erasure that are taken while the person waits: all of them, unless the brand has very many runs.
const STEPS_WHILE_WAITING: u32 = 20;

/// Steps that a tick takes for each erasure.
const STEPS_A_TICK: u32 = 200;

type Fields = Vec<(String, String)>;

impl Handler {
    /// Answers at a room's door.
    pub(crate) async fn at_room(
        &self,
        room: Room,
        brand: &str,
        token: &str,
        event: &ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        let (method, _) = route(event);
        let accepted = accepted_language(event);
        let stranger = accepted.unwrap_or(Language::English);
        let posts = match method {
            "GET" | "HEAD" => false,
            "POST" => true,
            "OPTIONS" => return answer::options(),
            _ => return answer::method_not_allowed(),
        };
        let refused = || answer::page(404, page::refusal(stranger));
        let Ok(brand) = BrandId::new(brand) else {
            return refused();
        };
        let check = |ring: &KeyRing| UnverifiedLink::parse(token)?.verify(room.purpose(), &brand, ring);
        let Ok(link) = self.verified(check).await else {
            return refused();
        };
        let asked = if posts {
            match form_of(event) {
                // What cannot be undone is done for its own button only.
                Some(fields) if room != Room::Erase || is_erasing(&fields) => match Wish::of(room, fields) {
                    Some(wish) => Some(wish),
                    None => return answer::page(400, page::unreadable(stranger)),
                },
                Some(_) | None => return answer::page(400, page::unreadable(stranger)),
            }
        } else {
            None
        };
        // A form of a fresh link uses it up, so it comes once and is never too much; all else can be asked again and again.
        let is_final = asked
            .as_ref()
            .is_some_and(|wish| room.is_fresh() && matches!(wish, Wish::Form(_)));
        if !is_final && let Err(wait) = self.visits.take(token, self.clock.now()) {
            let page = page::too_many_visits(stranger, None);
            return answer::to(method, answer::too_many_visits(page, wait));
        }
        let knock = Knocking {
            room,
            brand: &brand,
            link,
            token,
            asked,
            accepted,
        };
        let response = match Box::pin(self.enter(knock)).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = %with_causes(&error), brand.id = %brand, "the store failed");
                answer::unavailable(page::unavailable(stranger))
            }
        };
        answer::to(method, response)
    }

    async fn enter(&self, knock: Knocking<'_>) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let stranger = knock.accepted.unwrap_or(Language::English);
        let refused = || answer::page(404, page::refusal(stranger));
        let Some(brand) = self.tables.brand(knock.brand).await? else {
            return Ok(refused());
        };
        if matches!(knock.room, Room::Ask | Room::Why) {
            return match self.tables.link_target(knock.link.id).await? {
                LinkTarget::Customer(owner, customer) if owner == brand.id => {
                    let person = self.tables.person_despite_contact(&brand.id, &customer).await?;
                    self.with_permanent(&knock, &brand, &person).await
                }
                LinkTarget::Nobody(owner) if owner == brand.id => {
                    let reader = Reader {
                        language: stranger,
                        brand: &brand,
                    };
                    Ok(answer::page(200, page::out(reader)))
                }
                LinkTarget::Customer(..) | LinkTarget::Nobody(_) | LinkTarget::Unknown => Ok(refused()),
            };
        }
        let (id, purpose, now) = (knock.link.id, knock.room.purpose(), self.clock.now());
        let found = match knock.asked {
            Some(Wish::Form(_)) => self.tables.consume_one_time(id, purpose, &brand.id, now).await?,
            // One receipt after the other, while the link lives: it discloses less than the form that would use it up.
            Some(Wish::Receipt(_)) | None => self.tables.one_time(id, purpose, &brand.id, now).await?,
        };
        match found {
            OneTime::Open(link) => self.with_fresh(&knock, &brand, &link, now).await,
            OneTime::Used(_) | OneTime::Expired => Ok(answer::page(410, my_data_page::ended(stranger))),
            OneTime::Unknown => Ok(refused()),
        }
    }

    /// With the link of a message: kinds of facts, and fresh links to the contact point.
    async fn with_permanent(
        &self,
        knock: &Knocking<'_>,
        brand: &Brand,
        person: &Person,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let reader = reader(brand, person, knock.accepted);
        if person.is_forgotten() {
            return Ok(answer::page(200, page::forgotten(reader)));
        }
        let no_address = || my_data_page::no_address(reader, &format!("/p/{}/{}", brand.id, knock.token));
        let Some(Wish::Form(fields)) = &knock.asked else {
            let html = match knock.room {
                Room::Why => {
                    let told = why::told(self, brand, person, knock.link, self.clock.now()).await?;
                    my_data_page::why(reader, &told, &format!("/d/{}/{}", brand.id, knock.token))
                }
                _ if person.has_broken_contact() => no_address(),
                Room::Ask | Room::See | Room::Correct | Room::Erase => my_data_page::ask(reader),
            };
            return Ok(answer::page(200, html));
        };
        let link = match fields.as_slice() {
            [(name, value)] if name == "ask" => match value.as_str() {
                "access" => FreshLink::Access,
                "correct" => FreshLink::Correct,
                "erase" => FreshLink::Erase,
                _ => return Ok(answer::page(400, page::unreadable(reader.language))),
            },
            _ => return Ok(answer::page(400, page::unreadable(reader.language))),
        };
        if person.has_broken_contact() {
            return Ok(answer::unreachable(no_address()));
        }
        let now = self.clock.now();
        let turn = TurnKey::new(&self.pepper, &brand.id, "fresh link", &knock.link.id.bytes());
        // Beyond the limit nothing is sent, and the answer is the same: the messages sent before are in the mailbox.
        if self.tables.take_turn(&turn, ASKED, None, now).await? == Turn::Taken {
            let request = RequestId::new(hex(&random::<16>()?)).map_err(|error| StoreError::Build(Box::new(error)))?;
            let about = About::FreshLink {
                customer: person.customer.clone(),
                link,
            };
            let task = TransactionalTask::new(brand.id.clone(), request, now, about);
            if let Err(error) = self.sends.send(&[task]).await {
                tracing::error!(error = %with_causes(&error), brand.id = %brand.id, "a fresh link could not be queued");
                return Ok(answer::unavailable(page::unavailable(reader.language)));
            }
        }
        Ok(answer::page(200, my_data_page::asked(reader)))
    }

    /// With a fresh link: looked at without a form, used up with one.
    async fn with_fresh(
        &self,
        knock: &Knocking<'_>,
        brand: &Brand,
        link: &OneTimeLink,
        now: Timestamp,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let person = self.tables.person_despite_contact(&brand.id, &link.customer).await?;
        let person = person.as_held(brand, now);
        let reader = reader(brand, &person, knock.accepted);
        if person.is_erased() {
            return Ok(answer::page(200, page::out(reader)));
        }
        if person.is_forgotten() {
            return Ok(answer::page(200, page::forgotten(reader)));
        }
        let fields = match &knock.asked {
            None => return Ok(answer::page(200, my_data_page::door(reader, knock.room))),
            Some(Wish::Receipt(seq)) => return self.receipt(reader, &person, *seq).await,
            Some(Wish::Form(fields)) => fields,
        };
        match knock.room {
            Room::See => self.see(reader, &person, fields, now).await,
            Room::Correct => self.correct(reader, &person, fields, now).await,
            Room::Erase => {
                let erased = self
                    .tables
                    .erase(&self.pepper, &brand.id, &person.customer, STEPS_WHILE_WAITING, now)
                    .await?;
                tracing::info!(brand.id = %brand.id, "a person was erased");
                let certificate = certificate(reader.language, &brand.id, &erased, person.standing.head);
                Ok(answer::page(200, my_data_page::erased(reader, &certificate)))
            }
            Room::Ask | Room::Why => Ok(answer::page(404, page::refusal(reader.language))),
        }
    }

    async fn see(
        &self,
        reader: Reader<'_>,
        person: &Person,
        fields: &Fields,
        now: Timestamp,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let export = self.export(reader.brand, person, reader.language, now).await?;
        if fields.iter().any(|(name, value)| name == "show" && value == "json") {
            let text = serde_json::to_string_pretty(&export).map_err(|error| StoreError::Build(Box::new(error)))?;
            return Ok(answer::file(File::MyData, text));
        }
        let next = NextLinks {
            see: self.next(LinkPurpose::Access, person, now).await?,
            receipts: self.next(LinkPurpose::Access, person, now).await?,
            correct: self.next(LinkPurpose::Correct, person, now).await?,
            erase: self.next(LinkPurpose::Erase, person, now).await?,
        };
        Ok(answer::page(200, my_data_page::data(reader, &export, &next)))
    }

    /// The receipt of one consent event, in the very form of the whole file.
    async fn receipt(
        &self,
        reader: Reader<'_>,
        person: &Person,
        seq: u32,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let mut ledger = self.tables.ledger_texts(&reader.brand.id, &person.customer).await?;
        ledger.retain(|(entry, _)| entry.seq == seq);
        let ledger = LedgerDocument::of(ledger, person.standing.head, None);
        let entry = ledger.entries.first();
        let receipt = entry.and_then(|entry| ConsentReceipt::of(reader.brand, &person.customer, entry));
        let Some(receipt) = receipt else {
            return Ok(answer::page(404, page::refusal(reader.language)));
        };
        let signed = ReceiptKey::derive(&self.pepper)?.sign(&receipt)?;
        let text = serde_json::to_string_pretty(&signed).map_err(|error| StoreError::Build(Box::new(error)))?;
        Ok(answer::file(File::Receipt(seq), text))
    }

    async fn correct(
        &self,
        reader: Reader<'_>,
        person: &Person,
        fields: &Fields,
        now: Timestamp,
    ) -> Result<ApiGatewayV2httpResponse, StoreError> {
        let field = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let saved = match field("field") {
            None => my_data_page::Correction::None,
            Some("no_profiling") => {
                let choice = Choice {
                    purpose: Purpose::Objection(Objection::NoProfiling),
                    switch: Switch::On,
                };
                let wanted = Wanted {
                    choices: std::slice::from_ref(&choice),
                    preferences: &[],
                    road: Road::MyData,
                };
                match record::all(self, reader.brand, &person.customer, wanted).await? {
                    Recording::Done(_) => my_data_page::Correction::Saved,
                    Recording::TooOften => {
                        return Ok(answer::too_often(page::too_often(reader.language)));
                    }
                    Recording::Forgotten => return Ok(answer::page(200, page::forgotten(reader))),
                }
            }
            Some(name) => {
                self.corrected(reader.brand, &person.customer, name, field("value"), now)
                    .await?
            }
        };
        let (tables, brand) = (&self.tables, reader.brand);
        let person = tables.person_despite_contact(&brand.id, &person.customer).await?;
        let person = person.as_held(brand, now);
        let next = self.next(LinkPurpose::Correct, &person, now).await?;
        Ok(answer::page(
            200,
            my_data_page::correct(reader, &person, saved, &next, now),
        ))
    }

    /// Writes a correction over what is held, and over what is read again if that was stale.
    async fn corrected(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        name: &str,
        value: Option<&str>,
        now: Timestamp,
    ) -> Result<my_data_page::Correction, StoreError> {
        let cell = match (name, value) {
            ("home", Some(postcode)) => match Gazetteer::french().locate_postcode(postcode) {
                Some(found) => Some(found.centre.cell().to_string()),
                None => return Ok(my_data_page::Correction::Refused),
            },
            _ => None,
        };
        let value = cell.as_deref().or(value);
        let secrets = NewSecrets::random()?;
        for _ in 0..MOST_TRIES {
            let person = self.tables.person_to_change(brand, customer, now).await?;
            let held = person
                .context
                .as_ref()
                .map(|(context, _)| context.clone())
                .unwrap_or_default();
            let Ok(wanted) = corrected(&held, name, value) else {
                return Ok(my_data_page::Correction::Refused);
            };
            let cell = person.cell_for_own(&wanted);
            if person.audience_cell() != Some(cell.as_str()) {
                self.tables.add_to_cell(&brand.id, &cell, 1).await?;
            }
            let said = (Source::Person, &wanted);
            let none: Option<Addressed<'_>> = None;
            let written = self
                .tables
                .put_context_from(&person, &brand.topics, said, none, &secrets, now)
                .await?;
            if written == Written::Done {
                return Ok(my_data_page::Correction::Saved);
            }
        }
        Err(StoreError::Contended)
    }

    /// A link of the same kind for the next step, shown only to whoever used one up.
    async fn next(&self, purpose: LinkPurpose, person: &Person, now: Timestamp) -> Result<String, StoreError> {
        let id = LinkId::from_bytes(random()?);
        let brand = &person.brand;
        self.tables
            .create_one_time(id, purpose, brand, &person.customer, Confirms::Nothing, now)
            .await?;
        let token = sign_one_time(purpose, brand, id, &self.keys.ring());
        let token = token.as_ref().map_or("", |token| token.as_str());
        Ok(format!("/{}/{brand}/{token}", purpose.page()))
    }

    /// The public key of the consent receipts: anyone may have it.
    pub(crate) fn receipt_key(&self, event: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let (method, _) = route(event);
        let response = match (method, ReceiptKey::derive(&self.pepper)) {
            ("GET" | "HEAD", Ok(key)) => answer::public_key(&key.public()),
            (_, Ok(_)) => answer::method_not_allowed(),
            (_, Err(error)) => {
                tracing::error!(error = %with_causes(&error), "there is no receipt key");
                answer::unavailable(page::unavailable(Language::English))
            }
        };
        answer::to(method, response)
    }

    /// Takes every erasure further that was begun and is not finished, the day's walk for lapses, and what is left of earlier
    /// ones. One that fails does
    /// not hold up the others.
    pub async fn tick(&self) {
        self.finish_erasures().await;
        if let Err(error) = Box::pin(lapses::sweep(self)).await {
            tracing::error!(error = %with_causes(&error), "the walk for lapses could not go on now");
        }
        if let Err(error) = Box::pin(lapses::finish(self)).await {
            tracing::error!(error = %with_causes(&error), "what is left of lapses could not be taken out now");
        }
    }

    async fn finish_erasures(&self) {
        let pending = match self.tables.pending_erasures().await {
            Ok(pending) => pending,
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "the store failed");
                return;
            }
        };
        for (brand, customer) in pending {
            let now = self.clock.now();
            let taken = self
                .tables
                .erase(&self.pepper, &brand, &customer, STEPS_A_TICK, now)
                .await;
            if let Err(error) = taken {
                tracing::error!(error = %with_causes(&error), brand.id = %brand, "an erasure could not go on now");
            }
        }
    }
}

/// What a form asks for.
enum Wish {
    /// The receipt of one consent event, by its number in the ledger.
    Receipt(u32),
    /// Anything else; what it is, each room reads for itself.
    Form(Fields),
}

impl Wish {
    /// None where a receipt is asked for without saying which.
    fn of(room: Room, fields: Fields) -> Option<Self> {
        let asks_for_receipt = fields.iter().any(|(name, value)| name == "show" && value == "receipt");
        if room != Room::See || !asks_for_receipt {
            return Some(Self::Form(fields));
        }
        let mut numbers = fields.iter().filter(|(name, _)| name == "seq");
        match (numbers.next(), numbers.next()) {
            (Some((_, seq)), None) => seq.parse().ok().map(Self::Receipt),
            _ => None,
        }
    }
}

/// Who knocks, with what.
struct Knocking<'a> {
    room: Room,
    brand: &'a BrandId,
    link: LinkContent,
    token: &'a str,
    asked: Option<Wish>,
    accepted: Option<Language>,
}

/// Where the next steps go.
pub(crate) struct NextLinks {
    pub(crate) see: String,
    /// For one receipt after the other.
    pub(crate) receipts: String,
    pub(crate) correct: String,
    pub(crate) erase: String,
}

fn reader<'a>(brand: &'a Brand, person: &Person, accepted: Option<Language>) -> Reader<'a> {
    let own = person.contact.as_ref().map(|(contact, _)| contact.language);
    Reader {
        language: own.or(accepted).unwrap_or(Language::English),
        brand,
    }
}

fn is_erasing(fields: &Fields) -> bool {
    matches!(fields.as_slice(), [(name, value)] if name == "erase" && value == "yes")
}

fn form_of(event: &ApiGatewayV2httpRequest) -> Option<Fields> {
    let content_type = match event.headers.get("content-type") {
        Some(value) => Some(value.to_str().ok()?),
        None => None,
    };
    fields(content_type, &body(event).ok()?).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
