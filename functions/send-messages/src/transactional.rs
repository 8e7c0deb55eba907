//! One transactional message: read strongly, make its link, and hand it over at most once.
//!
//! A crash between the claim and SES loses the message rather than sending it twice: whoever asked can ask again.

use apropos_aws::{
    About, Confirms, ConsentRequest, Created, Handed, Person, SendMessage, StoreError, Suppressed, TransactionalTask,
    Turn, TurnLimit, Undone, random,
};
use apropos_core::brand::Brand;
use apropos_core::consent::{Objection, Purpose};
use apropos_core::context::ContactPoint;
use apropos_core::habit::Clicks;
use apropos_core::ids::CustomerId;
use apropos_core::link::{LinkId, LinkPurpose};
use apropos_core::message::{Linking, Message};
use apropos_core::pace::{Held, LATE_MS};
use apropos_core::sign_up::SignUp;
use apropos_core::suppression::{AddressHash, SuppressionReason, TurnKey, address_hash, global_address_hash};
use apropos_core::transactional::{AskedBy, Transactional, compose_transactional};
use jiff::{SignedDuration, Timestamp};

use crate::Handler;
use crate::shift::{Shift, Slot, dice};

/// Nobody waits for a confirmation or a link that they asked for a day ago.
const WAITED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Who had their data erased hears from a stranger's joke once a week at most.
const TO_ERASED: TurnLimit = TurnLimit {
    most: 1,
    window: SignedDuration::from_hours(7 * 24),
};

/// It is decided on and written so long before its slot.
const WRITTEN_BEFORE: SignedDuration = SignedDuration::from_millis(250);

/// How often a message takes another slot because it missed one, in one invocation.
const MOST_SLOTS: u32 = 5;

/// One that missed them all comes again after so many seconds.
const MISSED: i32 = 5;

/// One message, unless it was handed over before. What cannot leave now is put into the queue again, as a new message.
pub(crate) async fn one(handler: &Handler, task: TransactionalTask, shift: &Shift) -> Result<(), Undone> {
    match sent(handler, &task, shift).await? {
        None => Ok(()),
        Some(seconds) => {
            tracing::info!(brand.id = %task.brand, request.id = %task.request, seconds, "handed back");
            handler.hand_back(SendMessage::Transactional(task), seconds).await
        }
    }
}

/// After how many seconds it comes again; `None` when it need not.
async fn sent(handler: &Handler, task: &TransactionalTask, shift: &Shift) -> Result<Option<i32>, Undone> {
    let brand = handler.tables.brand(&task.brand).await?.ok_or(Undone::Malformed)?;
    let told = |outcome: &'static str| {
        tracing::info!(brand.id = %task.brand, request.id = %task.request, outcome, "a transactional message");
    };
    let asked_at = task.asked_at;
    let slots = &shift.transactional;
    for _ in 0..MOST_SLOTS {
        let now = handler.clock.now();
        if SignedDuration::from_millis(now.as_millisecond().saturating_sub(asked_at)) > WAITED_FOR {
            told("too late");
            return Ok(None);
        }
        if let Some(seconds) = slots.halt.seconds().or_else(|| shift.too_late(now)) {
            return Ok(Some(seconds));
        }
        if handler.tables.is_handed(&task.request).await? {
            return Ok(None);
        }
        let slot = {
            let _expected = slots.expect_one();
            slots.next(handler, shift.deadline).await?
        };
        match slot {
            Slot::No(seconds) => return Ok(Some(seconds)),
            Slot::At(at) => handler.clock.wait_until(at - WRITTEN_BEFORE).await,
            Slot::Any => {}
        }
        let now = handler.clock.now();
        let Some(letter) = letter(handler, &brand, task, now).await? else {
            slots.give_back(slot);
            told("nothing to send");
            return Ok(None);
        };
        let message = composed(handler, &brand, task, letter, now).await?;
        if handler.tables.claim_handing(&task.request, now).await? == Created::Taken {
            slots.give_back(slot);
            return Ok(None);
        }
        if let Slot::At(at) = slot {
            handler.clock.wait_until(at).await;
            if handler.clock.now().duration_since(at).as_millis() > i128::from(LATE_MS) {
                handler.tables.release_handing(&task.request).await?;
                continue;
            }
        }
        let not_now = |code: &str| {
            tracing::warn!(brand.id = %task.brand, request.id = %task.request, code, "not now");
        };
        let seconds = match handler.mailer.hand(&message, Clicks::Unseen).await {
            Handed::Accepted { .. } => {
                told("sent");
                return Ok(None);
            }
            Handed::Refused { code } => {
                tracing::warn!(brand.id = %task.brand, request.id = %task.request, code, "refused");
                return Ok(None);
            }
            Handed::Unknown => {
                tracing::warn!(brand.id = %task.brand, request.id = %task.request, "unresolved");
                return Ok(None);
            }
            Handed::TooFast { code } => {
                not_now(&code);
                handler.too_fast(shift).await
            }
            Handed::Held { why, code } => {
                not_now(&code);
                handler.held(shift, why).await
            }
            Handed::NotNow { code } => {
                not_now(&code);
                Held::Paused.comes_again(dice())
            }
        };
        handler.tables.release_handing(&task.request).await?;
        return Ok(Some(seconds));
    }
    Ok(Some(MISSED))
}

/// What to write, and to whom.
struct Letter {
    to: ContactPoint,
    says: Says,
}

enum Says {
    /// With a link of its own for this customer.
    OneTime {
        customer: CustomerId,
        kind: Kind,
        confirms: Confirms,
    },
    /// With the permanent link to one's choices.
    AlreadySubscribed(LinkId),
}

enum Kind {
    Confirm(Vec<Purpose>),
    FreshLink(apropos_core::transactional::FreshLink),
}

/// Decides on what was read; `None` when nothing may, or need, be sent.
async fn letter(
    handler: &Handler,
    brand: &Brand,
    task: &TransactionalTask,
    now: Timestamp,
) -> Result<Option<Letter>, StoreError> {
    match &task.about {
        About::SignUp => match handler.tables.sign_up(&brand.id, &task.request, now).await? {
            None => Ok(None),
            Some(sign_up) => of_sign_up(handler, brand, task, sign_up, now).await,
        },
        About::Confirm { customer, requests } => {
            let person = handler.tables.person(&brand.id, customer).await?;
            of_requests(handler, brand, person, requests, now).await
        }
        About::FreshLink { customer, link } => {
            let person = handler.tables.person(&brand.id, customer).await?;
            let Some(to) = reachable(handler, brand, person, AskedBy::Otherwise).await? else {
                return Ok(None);
            };
            Ok(Some(Letter {
                to,
                says: Says::OneTime {
                    customer: customer.clone(),
                    kind: Kind::FreshLink(*link),
                    confirms: Confirms::Nothing,
                },
            }))
        }
    }
}

async fn of_sign_up(
    handler: &Handler,
    brand: &Brand,
    task: &TransactionalTask,
    sign_up: SignUp,
    now: Timestamp,
) -> Result<Option<Letter>, StoreError> {
    let address = &sign_up.contact.address;
    let hash = address_hash(&handler.pepper, &brand.id, address);
    let suppression = suppression(handler, brand, &sign_up.contact, hash).await?;
    if !AskedBy::OwnSignUp.may_reach(suppression) {
        return Ok(None);
    }
    if suppression == Some(SuppressionReason::Erasure) && !first_to_erased(handler, brand, task, hash, now).await? {
        return Ok(None);
    }
    let known = handler.tables.person_at(&brand.id, hash, address).await?;
    let (customer, missing, language) = match known {
        None => (
            sign_up.customer.clone(),
            sign_up.purposes.clone(),
            sign_up.contact.language,
        ),
        Some(person) => {
            // A yes that lapsed is missing, recorded or not.
            let person = person.as_held(brand, now);
            let missing = sign_up.missing(&person.standing.consents, now);
            let Some((contact, link)) = person.contact else {
                return Ok(None);
            };
            if missing.is_empty() {
                return Ok(Some(Letter {
                    to: contact,
                    says: Says::AlreadySubscribed(link),
                }));
            }
            (person.customer, missing, contact.language)
        }
    };
    Ok(Some(Letter {
        to: ContactPoint {
            language,
            ..sign_up.contact
        },
        says: Says::OneTime {
            customer,
            kind: Kind::Confirm(missing),
            confirms: Confirms::SignUp(task.request.clone()),
        },
    }))
}

/// The one confirmation that an erased address may be sent; the same request again is still that one.
async fn first_to_erased(
    handler: &Handler,
    brand: &Brand,
    task: &TransactionalTask,
    hash: AddressHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let turn = TurnKey::new(&handler.pepper, &brand.id, "erased", hash.to_text().as_bytes());
    let request = task.request.as_str();
    let taken = handler.tables.take_turn(&turn, TO_ERASED, Some(request), now).await?;
    Ok(taken == Turn::Taken || handler.tables.turn_ids(&turn).await?.contains(request))
}

/// What was requested and is still pending. Who objects to all messages has said so themselves, and a brand's request does
/// not ask them again.
async fn of_requests(
    handler: &Handler,
    brand: &Brand,
    person: Person,
    requests: &[ConsentRequest],
    now: Timestamp,
) -> Result<Option<Letter>, StoreError> {
    let consents = &person.standing.consents;
    if consents.objects(Objection::NoMarketing, now) {
        return Ok(None);
    }
    let pending = |purpose: &Purpose| consents.state(purpose, now) == apropos_core::consent::ConsentState::Pending;
    let (purposes, requests): (Vec<Purpose>, Vec<ConsentRequest>) = requests
        .iter()
        .filter_map(|request| Some((Purpose::from_code(&request.purpose).ok()?, request.clone())))
        .filter(|(purpose, _)| pending(purpose))
        .unzip();
    if purposes.is_empty() {
        return Ok(None);
    }
    let customer = person.customer.clone();
    let to = reachable(handler, brand, person, AskedBy::Otherwise).await?;
    Ok(to.map(|to| Letter {
        to,
        says: Says::OneTime {
            customer,
            kind: Kind::Confirm(purposes),
            confirms: Confirms::Requests(requests),
        },
    }))
}

/// The person's contact point, if it may be written to.
async fn reachable(
    handler: &Handler,
    brand: &Brand,
    person: Person,
    by: AskedBy,
) -> Result<Option<ContactPoint>, StoreError> {
    let Some((contact, _)) = person.contact else {
        return Ok(None);
    };
    let hash = address_hash(&handler.pepper, &brand.id, &contact.address);
    let suppression = suppression(handler, brand, &contact, hash).await?;
    Ok(by.may_reach(suppression).then_some(contact))
}

async fn suppression(
    handler: &Handler,
    brand: &Brand,
    contact: &ContactPoint,
    hash: AddressHash,
) -> Result<Option<SuppressionReason>, StoreError> {
    let anywhere = global_address_hash(&handler.pepper, &contact.address);
    Ok(match handler.tables.suppressed(&brand.id, &hash, &anywhere).await? {
        Suppressed::No => None,
        Suppressed::ByBrand(reason) => Some(reason),
        Suppressed::Undeliverable => Some(SuppressionReason::HardBounce),
    })
}

/// The message, with its one-time link made just now.
async fn composed(
    handler: &Handler,
    brand: &Brand,
    task: &TransactionalTask,
    letter: Letter,
    now: Timestamp,
) -> Result<Message, Undone> {
    let one_time = |purpose: LinkPurpose, customer: CustomerId, confirms: Confirms| async move {
        let id = LinkId::from_bytes(random()?);
        handler
            .tables
            .create_one_time(id, purpose, &brand.id, &customer, confirms, now)
            .await?;
        Ok::<_, StoreError>(id)
    };
    let compose = |what: Transactional<'_>, id: LinkId| {
        let linking = Linking {
            id,
            ring: &handler.ring,
            base: &handler.base,
        };
        compose_transactional(
            what,
            brand,
            &letter.to.address,
            letter.to.language,
            &task.request,
            linking,
        )
        .map_err(|error| Undone::Failed(Box::new(error)))
    };
    match letter.says {
        Says::AlreadySubscribed(link) => compose(Transactional::AlreadySubscribed, link),
        Says::OneTime {
            customer,
            kind: Kind::Confirm(purposes),
            confirms,
        } => {
            let id = one_time(LinkPurpose::Confirm, customer, confirms).await?;
            compose(Transactional::Confirm(&purposes), id)
        }
        Says::OneTime {
            customer,
            kind: Kind::FreshLink(link),
            confirms,
        } => {
            let id = one_time(link.purpose(), customer, confirms).await?;
            compose(Transactional::FreshLink(link), id)
        }
    }
}
