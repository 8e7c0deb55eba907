//! Bugs put in on purpose, at the seams: what an adapter asked is changed on its way, or what was answered on its way
//! back. The functions are the real ones and carry nothing of this.

use apropos_aws::Table;
use apropos_core::audience::AudienceRecord;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::{CallKind, Site, Worker};
use crate::network::{Call, parsed, put};
use crate::store::Reply;

/// A bug that the checks must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Planted {
    /// The SDK's usual retries on SendEmail.
    MailRetried,
    /// An outcome that is not known is taken as *not sent*.
    UnknownMeansNotSent,
    /// SES's time-out never comes.
    NoMailTimeout,
    /// Time stands still within an invocation, so no deadline passes.
    NoDeadlineGuard,
    /// A claim is written whatever is there.
    ClaimUnconditional,
    /// A claim that was refused is taken as won.
    ClaimRefusedMeansWon,
    /// A claim looks at the other claims and not at the standing's version: the cap is outside it.
    CapOutsideClaim,
    /// A claim is not counted among the contacts.
    ClaimUncounted,
    /// Every later change of a delivery is made without its fence.
    SettledUnfenced,
    /// No trace is written before SES is called.
    NoTraceBeforeSending,
    /// A message of a queue is deleted before it is handled.
    AcknowledgedFirst,
    /// What a function gives back of a batch is deleted with the rest.
    FailuresAcknowledged,
    /// What is deferred is not written down.
    DeferralForgotten,
    /// Facts are read as they were a while ago, and a claim does not look at the version.
    ConsentFromStaleRead,
    /// Suppressions look empty.
    SuppressionsUnread,
    /// An unsubscribe is answered, and not written.
    LeaveAnsweredFirst,
    /// An import counts as the person's own word.
    ImportRevives,
    /// An event that came before is recorded again.
    LedgerUnguarded,
    /// An erasure leaves the contact point.
    ContactKept,
    /// The person's time zone is taken to be the brand's.
    ZoneIgnored,
    /// A page's receipt is written over.
    ReceiptOverwritten,
    /// A person's address goes into a queue.
    AddressQueued,
    /// SES's events are handled by nobody.
    FeedbackDropped,
    /// An attempt is not fenced out before its claim is given away, and its trace is taken over.
    NotFencedOut,
    /// A contact point is read under another brand's key.
    BrandForgotten,
    /// A contact point is remembered by the customer's id alone, whatever the brand.
    RememberedAcrossBrands,
    /// What people like is read of those too who did not agree.
    ProfilingAssumed,
    /// A decision reads what the offer does not declare.
    UndeclaredUsed,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::MailRetried,
        Self::UnknownMeansNotSent,
        Self::NoMailTimeout,
        Self::NoDeadlineGuard,
        Self::ClaimUnconditional,
        Self::ClaimRefusedMeansWon,
        Self::CapOutsideClaim,
        Self::ClaimUncounted,
        Self::SettledUnfenced,
        Self::NoTraceBeforeSending,
        Self::AcknowledgedFirst,
        Self::FailuresAcknowledged,
        Self::DeferralForgotten,
        Self::ConsentFromStaleRead,
        Self::SuppressionsUnread,
        Self::LeaveAnsweredFirst,
        Self::ImportRevives,
        Self::LedgerUnguarded,
        Self::ContactKept,
        Self::ZoneIgnored,
        Self::ReceiptOverwritten,
        Self::AddressQueued,
        Self::FeedbackDropped,
        Self::NotFencedOut,
        Self::BrandForgotten,
        Self::RememberedAcrossBrands,
        Self::ProfilingAssumed,
        Self::UndeclaredUsed,
    ];
}

/// What a planted bug answers in the tables' place.
pub(crate) fn instead(planted: Planted, call: &Call, site: Site) -> Option<Reply> {
    let forgotten = match site.worker {
        Worker::Request(_) => planted == Planted::LeaveAnsweredFirst && call.is("TransactWriteItems", Table::Consents),
        Worker::Stage | Worker::Pages | Worker::SendsA | Worker::SendsB | Worker::Feedback | Worker::Minute => {
            planted == Planted::NoTraceBeforeSending && call.is_trace()
                || planted == Planted::NotFencedOut && call.is_closing()
                || planted == Planted::DeferralForgotten
                    && call.is("PutItem", Table::Due)
                    && call.body.contains("deferred")
        }
    };
    if forgotten {
        return Some(Reply::ok("{}"));
    }
    let is_unread =
        planted == Planted::SuppressionsUnread && call.kind() == CallKind::Read && call.touches(Table::Suppressions);
    is_unread.then(|| {
        Reply::ok(if call.operation == "BatchGetItem" {
            r#"{"Responses":{},"UnprocessedKeys":{}}"#
        } else {
            "{}"
        })
    })
}

/// What a planted bug asks the tables for in place of what was asked.
pub(crate) fn changed(planted: Planted, call: &Call) -> Option<String> {
    const CONDITION: &str = "ConditionExpression";
    let mut body = parsed(&call.body);
    if call.is_claim() {
        if planted == Planted::ClaimUnconditional {
            // Whatever the request names must be used, or it is refused.
            put(&mut body, CONDITION, json!("attribute_exists(#v) OR #v = :seen"));
        } else if matches!(planted, Planted::CapOutsideClaim | Planted::ConsentFromStaleRead) {
            put(
                &mut body,
                CONDITION,
                json!("attribute_not_exists(#claims.#run) AND #v >= :seen"),
            );
        } else if planted == Planted::ClaimUncounted {
            let expression = body.get("UpdateExpression").and_then(Value::as_str).unwrap_or_default();
            let expression = expression.replace(":ring,", "if_not_exists(#ring, :ring),");
            put(&mut body, "UpdateExpression", json!(expression));
        } else {
            return None;
        }
    } else if planted == Planted::BrandForgotten && call.is("BatchGetItem", Table::Contacts) {
        let contacts = body.pointer_mut("/RequestItems/t-contacts")?;
        *contacts = parsed(&contacts.to_string().replace("\"maison#", "\"atelier#"));
    } else if planted == Planted::NotFencedOut && call.is_trace() {
        let condition = "attribute_not_exists(#pk) OR #state = :released OR #state = :claimed OR #attempt = :mine";
        put(&mut body, CONDITION, json!(condition));
    } else if planted == Planted::SettledUnfenced && call.is("UpdateItem", Table::Deliveries) {
        let condition =
            "#attempt = :attempt OR attribute_exists(#attempt) OR #state = :claimed OR #state = :unresolved";
        put(&mut body, CONDITION, json!(condition));
    } else if planted == Planted::ReceiptOverwritten && call.is("PutItem", Table::Receipts) {
        put(
            &mut body,
            CONDITION,
            json!("attribute_exists(#pk) OR attribute_not_exists(#pk)"),
        );
    } else if planted == Planted::LedgerUnguarded && call.is("TransactWriteItems", Table::Consents) {
        unguard(&mut body);
    } else if planted == Planted::ContactKept && call.is("DeleteItem", Table::Contacts) {
        // It deletes nothing that is there.
        return Some(call.body.replace("maison#", "nobody#"));
    } else {
        return None;
    }
    Some(body.to_string())
}

/// What a planted bug takes an answer of the tables for.
pub(crate) fn answered(planted: Planted, call: &Call, site: Site, answer: &str) -> Option<String> {
    if planted == Planted::RememberedAcrossBrands && call.touches(Table::Contacts) {
        return Some(answer.replace("ada@post.mail.example", "ada@mail.example"));
    }
    if planted == Planted::ProfilingAssumed && call.is("Query", Table::Audience) && site.worker == Worker::Pages {
        let mut answer = parsed(answer);
        for data in answer.get_mut("Items")?.as_array_mut()? {
            let Some(data) = data.pointer_mut("/d/B") else { continue };
            let bytes = data.as_str().and_then(|data| STANDARD.decode(data).ok());
            if let Some(mut record) = bytes.and_then(|bytes| AudienceRecord::from_bytes(&bytes).ok()) {
                record.hint.purposes = 0b1111;
                *data = json!(STANDARD.encode(record.to_bytes()));
            }
        }
        return Some(answer.to_string());
    }
    if planted == Planted::UndeclaredUsed && call.is("GetItem", Table::Campaigns) {
        let added = ["purchases", "lifecycle"]
            .map(|attribute| {
                json!({ "attribute": attribute, "because": { "fr": "Utile.", "en": "Useful." } }).to_string()
            })
            .join(",");
        let (uses, more) = (json!("\"uses\":["), json!(format!("\"uses\":[{added},")));
        // Within a text of a text, without the quotation marks around.
        let within = |text: &Value| {
            let text = text.to_string();
            text.strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or_default()
                .to_owned()
        };
        return Some(answer.replace(&within(&uses), &within(&more)));
    }
    None
}

/// Takes the guards out of a transaction's writes: an entry is written over another, and a version that was passed will
/// do.
fn unguard(body: &mut Value) {
    let items = body.get_mut("TransactItems").and_then(Value::as_array_mut);
    let writes = items.into_iter().flatten().filter_map(Value::as_object_mut);
    for write in writes
        .flat_map(|item| item.values_mut())
        .filter_map(Value::as_object_mut)
    {
        let is_ledger = write.get("TableName").and_then(Value::as_str) == Some("t-consents");
        let condition = write
            .get("ConditionExpression")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if is_ledger {
            for guard in [
                "ConditionExpression",
                "ExpressionAttributeNames",
                "ExpressionAttributeValues",
            ] {
                write.remove(guard);
            }
        } else if let Some(condition) = condition {
            let passed = json!(condition.replace(" = :", " >= :"));
            write.insert("ConditionExpression".to_owned(), passed);
        }
    }
}
