//! The parsers of bytes from outside, one function each: the fuzzer's targets, and what the corpus is replayed through.
//!
//! None may panic, whatever it is given, and each asserts what holds of all that it accepts and of all that it refuses.

use std::collections::BTreeMap;

use apropos_authorize_brand::AuthorizerEvent;
use apropos_aws::http::{MOST_BODY_BYTES, Problem, authorized, body, parse, parse_record, route};
use apropos_aws::{
    Event, Heard, PageTask, ReceiptKey, SendMessage, TopicArn, Undone, hear, read_message, verify_receipt,
};
use apropos_core::api_key::{PresentedKey, Scope};
use apropos_core::audience::AudienceRecord;
use apropos_core::brand::{Brand, Topics};
use apropos_core::consent::ConsentEvent;
use apropos_core::consent_receipt::SignedReceipt;
use apropos_core::context::CustomerContext;
use apropos_core::document::{
    BrandDocument, CampaignDocument, ConsentEventDocument, ContactDocument, ContextDocument, LedgerDocument,
    OfferDocument, PreferenceEventDocument, StoredOffer,
};
use apropos_core::email::EmailAddress;
use apropos_core::fingerprint::{base64url, from_base64url};
use apropos_core::idempotency::{IdempotencyKey, MOST_CHARACTERS};
use apropos_core::link::{InvalidKeyRing, InvalidLink, KeyRing, LinkPurpose, UnverifiedLink, sign};
use apropos_core::objects::from_str;
use apropos_core::receipt::{PageReceipt, ROW_BYTES, without};
use apropos_core::retention::Retention;
use apropos_core::suppression::Pepper;
use apropos_customer_portal::form::{MOST_BYTES, MOST_FIELDS, fields};
use apropos_ingest_consents::read_consents;
use apropos_ingest_context::read_customers;
use apropos_run_campaigns::{Alternative, read_preview, read_run};
use apropos_score_offers::read_question;
use aws_lambda_events::sqs::SqsMessage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{BRAND, START, brand, brand_id};

/// Reads some bytes and asserts what must hold of them; nothing if they are refused.
pub type Target = fn(&[u8]) -> Option<Accepted>;

/// The bytes were accepted, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted;

/// Every target by its name, which is that of its corpus and of its fuzzing program.
pub const TARGETS: [(&str, Target); 24] = [
    ("addresses", addresses),
    ("api_keys", api_keys),
    ("audience_records", audience_records),
    ("authorizer_events", authorizer_events),
    ("brands", brands),
    ("campaigns", campaigns),
    ("consents", consents),
    ("customers", customers),
    ("forms", forms),
    ("idempotency_keys", idempotency_keys),
    ("key_rings", key_rings),
    ("lambda_events", lambda_events),
    ("launches", launches),
    ("ledgers", ledgers),
    ("offers", offers),
    ("page_receipts", page_receipts),
    ("page_tasks", page_tasks),
    ("preferences", preferences),
    ("previews", previews),
    ("relevance", relevance),
    ("send_messages", send_messages),
    ("ses_events", ses_events),
    ("signed_receipts", signed_receipts),
    ("tokens", tokens),
];

/// The one receipt that the key of the corpus signed.
const SIGNED: &str = include_str!("../fuzz/corpus/signed_receipts/good_signed");

/// A word of the corpus that stands where values stand: no problem may repeat it.
pub const CANARY: &str = "canari";

/// `POST /v1/customers`.
pub fn customers(bytes: &[u8]) -> Option<Accepted> {
    let records = taken(read_customers(bytes, START))?;
    assert!((1..=100).contains(&records.len()), "{} records", records.len());
    each(records, |record| {
        assert!(record.context.interests.len() <= 64 && record.context.purchases.len() <= 64);
        let kept = kept_as_read(&ContextDocument::of(&record.context));
        let context = CustomerContext::try_from(&kept).expect("a context that was accepted is accepted again");
        assert!(context == record.context, "a context changes by being kept");
        let kept = kept_as_read(&ContactDocument::of(&record.contact));
        let contact = kept.parse(None).expect("a contact that was accepted is accepted again");
        assert_eq!(contact, record.contact);
        is_plain(contact.address.as_sent());
    })
}

/// `POST /v1/consents`.
pub fn consents(bytes: &[u8]) -> Option<Accepted> {
    let records = taken(read_consents(bytes, &topics(), START))?;
    assert!((1..=200).contains(&records.len()), "{} records", records.len());
    each(records, |record| {
        let kept: ConsentEventDocument = kept_as_read(&record.document);
        let event = ConsentEvent::try_from(&kept).expect("an event that was accepted is accepted again");
        assert_eq!(event, record.event);
    })
}

/// `POST /v1/offers`.
pub fn offers(bytes: &[u8]) -> Option<Accepted> {
    let stored = parse::<OfferDocument>(bytes).and_then(|document| Ok(document.store(1)?));
    let stored = taken(stored)?;
    let offer = stored.parse().expect("an offer that was accepted is read again");
    let text = serde_json::to_string(&stored).expect("it is written");
    let kept: StoredOffer = from_str(&text).expect("what is kept is read");
    assert_eq!(kept.parse().expect("an offer that is kept is read"), offer);
    Some(Accepted)
}

/// `POST /v1/campaigns`.
pub fn campaigns(bytes: &[u8]) -> Option<Accepted> {
    let campaign = parse::<CampaignDocument>(bytes).and_then(|document| Ok(document.parse(3)?));
    let campaign = taken(campaign)?;
    let kept = kept_as_read(&CampaignDocument::of(&campaign));
    assert_eq!(kept.parse(3).expect("a campaign is accepted again"), campaign);
    Some(Accepted)
}

/// `POST /v1/campaigns/{campaign}/launch`, and the three other verbs.
pub fn launches(bytes: &[u8]) -> Option<Accepted> {
    let run = taken(read_run(bytes))?;
    let again = serde_json::json!({ "run": run }).to_string();
    assert_eq!(read_run(again.as_bytes()), Ok(run));
    Some(Accepted)
}

/// `POST /v1/campaigns/{campaign}/preview`: a draft that is taken could be posted, and would be the same offer.
pub fn previews(bytes: &[u8]) -> Option<Accepted> {
    match taken(read_preview(bytes, START))? {
        None => assert_eq!(read_preview(b"", START), Ok(None)),
        Some(Alternative::Version(version)) => {
            let again = serde_json::json!({ "compare_with": version }).to_string();
            let read = read_preview(again.as_bytes(), START);
            assert_eq!(read, Ok(Some(Alternative::Version(version))));
        }
        Some(Alternative::Draft(offer)) => {
            let body: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).expect("it was read");
            let posted: OfferDocument =
                parse_record(body.get("draft").expect("it has a draft")).expect("it is an offer");
            assert_eq!(posted.not_over(START), Ok(()));
            let posted = posted.store(offer.version).expect("it can be posted");
            assert_eq!(posted.parse().expect("it is read again"), *offer);
        }
    }
    Some(Accepted)
}

/// `POST /v1/relevance`.
pub fn relevance(bytes: &[u8]) -> Option<Accepted> {
    let question = taken(read_question(bytes))?;
    let again = serde_json::json!({
        "customer": question.customer, "topic": question.topic.as_str(),
        "goal": question.goal.code(), "language": question.language.tag(),
    });
    assert_eq!(read_question(again.to_string().as_bytes()), Ok(question));
    Some(Accepted)
}

/// The forms of the public pages: the first line is the media type, none if it is empty, and the rest the body.
pub fn forms(bytes: &[u8]) -> Option<Accepted> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (media_type, body) = bytes.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let media_type = std::str::from_utf8(media_type).ok()?;
    let media_type = (!media_type.is_empty()).then_some(media_type);
    let read = fields(media_type, body).ok()?;
    assert!(read.len() <= MOST_FIELDS, "{} fields", read.len());
    let characters: usize = read.iter().map(|(name, value)| name.len() + value.len()).sum();
    // A byte that is no character becomes a replacement of three.
    assert!(characters <= 3 * body.len(), "a form grew from {}", body.len());
    let encoded = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&read)
        .finish();
    if encoded.len() <= MOST_BYTES {
        assert_eq!(fields(None, encoded.as_bytes()), Ok(read));
    }
    Some(Accepted)
}

/// The bodies of the page queue.
pub fn page_tasks(bytes: &[u8]) -> Option<Accepted> {
    let task: PageTask = of_queue(read_message(&message(bytes)))?;
    assert_eq!(kept_as_read(&task), task);
    Some(Accepted)
}

/// The bodies of the send queue: candidates and transactional messages.
pub fn send_messages(bytes: &[u8]) -> Option<Accepted> {
    let again = |text: String| SendMessage::read(&message(text.as_bytes())).expect("it is read again");
    match of_queue(SendMessage::read(&message(bytes)))? {
        SendMessage::Candidates(task) => {
            let text = serde_json::to_string(&task).expect("it is written");
            assert_eq!(again(text), SendMessage::Candidates(task));
        }
        SendMessage::Transactional(task) => {
            let text = serde_json::to_string(&task).expect("it is written");
            assert_eq!(again(text), SendMessage::Transactional(task));
        }
    }
    Some(Accepted)
}

/// The bodies of the feedback queue: SES's events as SNS publishes them.
pub fn ses_events(bytes: &[u8]) -> Option<Accepted> {
    let ours = TopicArn::new("arn:aws:sns:eu-west-3:123456789012:apropos-feedback").expect("it is one");
    let other = TopicArn::new("arn:aws:sns:eu-west-3:210987654321:apropos-feedback").expect("it is one");
    let message = message(bytes);
    let heard = of_queue(hear(&message, &ours))?;
    let text = message.body.as_deref().unwrap_or_default();
    let envelope: Value = serde_json::from_str(text).expect("it was read");
    let said = |name: &str| envelope.get(name).and_then(Value::as_str);
    assert_eq!(said("TopicArn"), Some(ours.as_str()));
    assert!(
        matches!(hear(&message, &other), Err(Undone::Malformed)),
        "another topic's is believed"
    );
    if let Heard::Feedback(feedback) = heard {
        let event: Value = serde_json::from_str(said("Message").expect("it has one")).expect("it was read");
        let tagged = event.pointer("/mail/tags/brand/0").and_then(Value::as_str);
        assert_eq!(tagged, Some(feedback.brand.as_str()), "a brand came from elsewhere");
    }
    Some(Accepted)
}

/// What Lambda starts a function with.
pub fn lambda_events(bytes: &[u8]) -> Option<Accepted> {
    match serde_json::from_slice::<Event>(bytes).ok()? {
        Event::Http(request) => {
            let (_, path) = route(&request);
            assert!(path.iter().all(|part| !part.is_empty() && !part.contains('/')));
            for scope in [Scope::ContextWrite, Scope::ConsentsWrite] {
                if let Ok(brand) = authorized(&request, scope) {
                    let context = request.request_context.authorizer.as_ref().expect("it authorized");
                    let named = context.fields.get("brand").and_then(Value::as_str);
                    assert_eq!(named, Some(brand.as_str()));
                }
            }
            assert!(taken(body(&request))?.len() <= MOST_BODY_BYTES);
        }
        Event::Sqs(batch) => {
            for record in &batch.records {
                let _ = of_queue(SendMessage::read(record));
                let _ = of_queue(read_message::<PageTask>(record));
            }
        }
        Event::Schedule(_) => {}
    }
    Some(Accepted)
}

/// Link tokens.
pub fn tokens(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let link = UnverifiedLink::parse(text).ok()?;
    let again = from_base64url(text).map(|bytes| base64url(&bytes));
    assert_eq!(again.as_deref(), Some(text), "a second text for one token");
    let ring = KeyRing::parse(&format!(r#"{{"1": "{}"}}"#, "k".repeat(32))).expect("it is one");
    let brand = brand_id(BRAND);
    let mut meant = 0;
    for purpose in LinkPurpose::ALL {
        match link.clone().verify(purpose, &brand, &ring) {
            Ok(content) => {
                let signed = sign(purpose, &brand, content, &ring).expect("the ring has a key");
                assert_eq!(signed.as_str(), text);
                assert_eq!(
                    link.clone().verify(purpose, &brand_id("other"), &ring),
                    Err(InvalidLink::Forged)
                );
                meant += 1;
            }
            Err(error) => {
                assert_ne!(error, InvalidLink::Malformed, "a token of our form is called malformed");
                assert_ne!(error, InvalidLink::UnknownKey(1), "a key of the ring is not known");
            }
        }
    }
    assert!(meant <= 1, "a token for {meant} purposes");
    (meant == 1).then_some(Accepted)
}

/// The key rings of links.
pub fn key_rings(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let ring = KeyRing::parse(text).ok()?;
    let ids = ring.ids();
    assert!(!ids.is_empty() && ids.is_sorted_by(|before, after| before < after));
    match ring.rotated(&"n".repeat(32)) {
        Ok(rotated) => {
            let rotated = KeyRing::parse(&rotated).expect("a rotated ring is one").ids();
            assert_eq!(rotated.split_last().map(|(_, former)| former), Some(ids.as_slice()));
        }
        Err(error) => assert_eq!((error, ids.last()), (InvalidKeyRing::Full, Some(&255))),
    }
    Some(Accepted)
}

/// API keys, alone and in a header.
pub fn api_keys(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let alone = PresentedKey::parse(text);
    if let Ok(key) = &alone {
        assert_eq!(key.reveal(), text, "a second text for one key");
        let secret = text.get(17..).expect("it has a secret");
        assert!(!format!("{key:?}").contains(secret), "a key is printed");
    }
    let in_header = PresentedKey::from_authorization(text);
    if let Ok(key) = &in_header {
        let (_, shown) = text.split_once(' ').expect("it has a scheme");
        assert_eq!(key.reveal(), shown.trim_matches(' '));
    }
    alone.or(in_header).ok().map(|_| Accepted)
}

/// What API Gateway asks the authorizer.
pub fn authorizer_events(bytes: &[u8]) -> Option<Accepted> {
    let event = match serde_json::from_slice::<AuthorizerEvent>(bytes) {
        Ok(event) => event,
        Err(error) => {
            assert!(
                !error.to_string().contains(CANARY),
                "an error repeats the event: {error}"
            );
            return None;
        }
    };
    let header = event.authorization()?;
    let whole: Value = serde_json::from_slice(bytes).ok()?;
    let sources = whole.get("identitySource").and_then(Value::as_array).expect("a list");
    assert_eq!(
        sources.as_slice(),
        [Value::from(header)],
        "a header came from elsewhere"
    );
    api_keys(header.as_bytes())
}

/// The `Idempotency-Key` header.
pub fn idempotency_keys(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let key = IdempotencyKey::new(text).ok()?;
    assert_eq!(format!("{key:?}"), "IdempotencyKey(…)", "a key is printed");
    let kept = key.kept_under(&brand_id(BRAND));
    assert!(kept.starts_with(&format!("{BRAND}#")), "{kept}");
    assert_ne!(kept, key.kept_under(&brand_id("other")), "two brands share an answer");
    let bare = text.trim().trim_matches('"');
    assert!((1..=MOST_CHARACTERS).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic()));
    for same in [bare.to_owned(), format!("\"{bare}\""), format!(" {bare} ")] {
        assert!(IdempotencyKey::new(&same).as_ref() == Ok(&key), "one key has two names");
    }
    let other = IdempotencyKey::new(&format!("{}x", bare.get(..bare.len() - 1).expect("it is ASCII")));
    if !bare.ends_with('x') {
        assert_ne!(
            other.expect("it is one").kept_under(&brand_id(BRAND)),
            kept,
            "two keys share an answer"
        );
    }
    Some(Accepted)
}

/// E-mail addresses.
pub fn addresses(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let address = EmailAddress::parse(text).ok()?;
    is_plain(address.as_sent());
    let sent = EmailAddress::parse(address.as_sent()).expect("an address as sent is one");
    assert_eq!(
        (sent.as_sent(), sent.canonical()),
        (address.as_sent(), address.canonical())
    );
    let canonical = EmailAddress::parse(address.canonical()).expect("a canonical address is one");
    assert_eq!(
        (canonical.as_sent(), canonical.canonical()),
        (address.canonical(), address.canonical())
    );
    assert_eq!(address.as_sent().to_ascii_lowercase(), address.canonical());
    Some(Accepted)
}

/// The compact records of an audience.
pub fn audience_records(bytes: &[u8]) -> Option<Accepted> {
    let record = AudienceRecord::from_bytes(bytes).ok()?;
    let again = AudienceRecord::from_bytes(&record.to_bytes()).expect("a record that was read is read again");
    assert!(again == record, "a record changes by being kept");
    let view = record.view(|_| true, START);
    let ties = view.purchases().map_or(0, Iterator::count) + view.interests().map_or(0, Iterator::count);
    assert_eq!(ties, record.ties.len());
    assert!(!record.has_lapsed(Retention::THREE_YEARS, START) || record.heard_on.is_some());
    Some(Accepted)
}

/// The receipts of scored pages.
pub fn page_receipts(bytes: &[u8]) -> Option<Accepted> {
    let page = PageReceipt::from_bytes(bytes).ok()?;
    // An older model's page has the same rows; only the byte in front tells which one it was.
    assert_eq!(page.to_bytes().get(1..), bytes.get(1..));
    assert_eq!(page.considered() * ROW_BYTES + 1, bytes.len());
    let spared: u64 = page.withheld().values().sum();
    assert_eq!(
        usize::try_from(spared).ok().map(|spared| spared + page.candidates()),
        Some(page.considered())
    );
    let Some(row) = page.rows.first() else {
        return Some(Accepted);
    };
    let (rest, outcome) = without(bytes, row.delivery).expect("it has the row");
    assert_eq!(outcome, row.outcome);
    let rest = PageReceipt::from_bytes(&rest).expect("a page that forgot somebody is one");
    assert_eq!(
        (rest.withheld(), rest.candidates()),
        (page.withheld(), page.candidates())
    );
    Some(Accepted)
}

/// The files that `ledger verify` reads.
pub fn ledgers(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let ledger = LedgerDocument::find(text)?;
    let verdict = ledger.check();
    let mut again = kept_as_read(&ledger);
    assert_eq!(again.check(), verdict);
    if verdict.is_ok() && again.entries.pop().is_some() {
        assert!(again.check().is_err(), "an entry that is missing does not show");
    }
    verdict.ok().map(|()| Accepted)
}

/// The files that `receipt verify` reads.
pub fn signed_receipts(bytes: &[u8]) -> Option<Accepted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let pepper = Pepper::new(&"p".repeat(32)).expect("it is long enough");
    let signer = ReceiptKey::derive(&pepper).expect("it is a seed").public();
    let seed: SignedReceipt = from_str(SIGNED).expect("it is one");
    for receipt in SignedReceipt::find(text)? {
        let again = SignedReceipt::find(&serde_json::to_string(&receipt).expect("it is written"));
        assert_eq!(again.as_deref(), Some(std::slice::from_ref(&receipt)));
        // Nobody has the key that belongs to this one.
        let public = base64url(&[7; 32]);
        assert!(
            verify_receipt(&receipt, &public).is_err(),
            "a signature of nobody's is believed"
        );
        assert!(verify_receipt(&receipt, text).is_err());
        let signed = receipt.receipt == seed.receipt && receipt.signature == seed.signature;
        let believed = verify_receipt(&receipt, &signer).is_ok();
        assert_eq!(
            believed, signed,
            "a receipt is believed by other than its text and signature"
        );
    }
    Some(Accepted)
}

/// The settings of brands.
pub fn brands(bytes: &[u8]) -> Option<Accepted> {
    let read = parse::<BrandDocument>(bytes).and_then(|document| Ok((Brand::try_from(&document)?, document)));
    let (brand, document) = taken(read)?;
    let again = Brand::try_from(&kept_as_read(&document)).expect("settings that were accepted are accepted again");
    assert_eq!(again, brand);
    assert!((1..=16).contains(&brand.topics.iter().count()));
    assert!(!brand.name.as_str().chars().any(char::is_control));
    is_plain(brand.sender.as_sent());
    is_plain(brand.reply_to.as_sent());
    Some(Accepted)
}

/// The preferences that ledgers keep.
pub fn preferences(bytes: &[u8]) -> Option<Accepted> {
    kept_as_read(&taken(parse::<PreferenceEventDocument>(bytes))?);
    Some(Accepted)
}

/// What was accepted. A problem is one that the description of the API has, and repeats nothing of what was sent.
fn taken<T>(answer: Result<T, Problem>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(problem) => {
            assert!([400, 413, 422].contains(&problem.status), "{}", problem.status);
            let text = serde_json::to_string(&problem).expect("a problem is written");
            assert!(!text.contains(CANARY), "a problem repeats what was sent: {text}");
            assert!(text.len() < 2_000, "a problem of {} bytes", text.len());
            assert_eq!(problem.response().status_code, i64::from(problem.status));
            None
        }
    }
}

/// A batch is accepted if each of its records is.
fn each<T>(records: Vec<Result<T, Problem>>, check: impl Fn(T)) -> Option<Accepted> {
    let sent = records.len();
    let accepted = records.into_iter().filter_map(taken).map(check).count();
    (accepted == sent).then_some(Accepted)
}

/// What was read of a queue. What was not is final: no later try reads it.
fn of_queue<T>(read: Result<T, Undone>) -> Option<T> {
    read.inspect_err(|undone| assert!(undone.parks_as().is_some(), "a body that cannot be read is not final"))
        .ok()
}

/// The value as it is read after it was written: it must be written as the same text again.
fn kept_as_read<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("what was accepted is written");
    let again: T = from_str(&text).expect("what was accepted is accepted again");
    assert_eq!(serde_json::to_string(&again).expect("it is written again"), text);
    again
}

/// An address that goes into a header as it is.
fn is_plain(address: &str) {
    let shown = address.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(
        shown && address.len() <= 254 && address.matches('@').count() == 1,
        "an address that is none was accepted"
    );
}

fn message(bytes: &[u8]) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.body = Some(String::from_utf8_lossy(bytes).into_owned());
    message
}

fn topics() -> Topics {
    Brand::try_from(&brand(BRAND)).expect("the settings are right").topics
}
