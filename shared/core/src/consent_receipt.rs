//! Consent receipts: one consent event as its person can keep it, with fields after ISO/IEC TS 27560:2023. The signature
//! covers the receipt's exact text, so nothing has to be written in a canonical form again to check it.

use serde::{Deserialize, Serialize};

use crate::brand::Brand;
use crate::document::{ConsentEventDocument, EvidenceDocument, LedgerEntryDocument, LegalBasisDocument};
use crate::ids::CustomerId;
use crate::objects::from_str;

/// A receipt. The names are those of the technical specification where it has one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentReceipt {
    /// The form of this document.
    pub schema_version: String,
    /// The event's id.
    pub record_id: String,
    /// The pseudonym under which the controller knows the person.
    pub pii_principal_id: String,
    /// Who is responsible.
    pub pii_controller: ReceiptController,
    /// For what.
    pub purpose: String,
    /// Why the law allows it.
    pub lawful_basis: LegalBasisDocument,
    /// What happened: `request`, `grant`, `expire`, `deny`, `withdraw`.
    pub event_type: String,
    /// When it happened.
    pub event_time: String,
    /// When a grant ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_until: Option<String>,
    /// Who did it.
    pub entity: String,
    /// How it can be shown: notice, method, action, source, double opt-in, the record before.
    pub evidence: EvidenceDocument,
    /// Its place in the ledger.
    pub ledger_seq: u32,
    /// The hash of its entry.
    pub ledger_hash: String,
}

/// The controller.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptController {
    /// Its id here.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who and where it is.
    pub address: String,
    /// Where to write to it.
    pub contact: String,
}

/// A receipt as signed: its exact text, the key's id and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// The JSON text of a [`ConsentReceipt`].
    pub receipt: String,
    /// The first 8 bytes of the key's hash, in hexadecimal digits.
    pub key_id: String,
    /// Ed25519 (RFC 8032) over the text, base64url.
    pub signature: String,
}

impl SignedReceipt {
    /// Reads one receipt, or those in a whole file of a person's data.
    #[must_use]
    pub fn find(text: &str) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct MyData {
            receipts: Vec<SignedReceipt>,
        }
        let whole = from_str::<MyData>(text).map(|data| data.receipts);
        whole.or_else(|_| from_str(text).map(|one| vec![one])).ok()
    }
}

impl ConsentReceipt {
    /// The receipt of a ledger's entry that still has its event.
    #[must_use]
    pub fn of(brand: &Brand, customer: &CustomerId, entry: &LedgerEntryDocument) -> Option<Self> {
        let event: &ConsentEventDocument = entry.event.as_ref()?;
        Some(Self {
            schema_version: "apropos consent receipt 1 (fields after ISO/IEC TS 27560:2023)".to_owned(),
            record_id: event.event.clone(),
            pii_principal_id: customer.to_string(),
            pii_controller: ReceiptController {
                id: brand.id.to_string(),
                name: brand.name.as_str().to_owned(),
                address: brand.imprint.clone(),
                contact: brand.reply_to.as_sent().to_owned(),
            },
            purpose: event.purpose.clone(),
            lawful_basis: event.legal_basis.clone(),
            event_type: event.act.clone(),
            event_time: event.effective_at.clone(),
            validity_until: event.expires_at.clone(),
            entity: event.actor.clone(),
            evidence: event.evidence.clone(),
            ledger_seq: entry.seq,
            ledger_hash: entry.hash.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_receipt_is_read_as_those_of_a_whole_file_are() {
        let found = |text: &str| SignedReceipt::find(text).map(|receipts| receipts.len());
        let one = r#"{"receipt": "{}", "key_id": "00", "signature": "x"}"#;
        assert_eq!(found(one), Some(1));
        let whole = format!(r#"{{"contact": {{}}, "receipts": [{one}, {one}]}}"#);
        assert_eq!(found(&whole), Some(2));
        for none in ["{}", r#"["{}", "00", "x"]"#, r#"{"receipts": [["{}", "00", "x"]]}"#] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
