//! The key that consent receipts are signed with: Ed25519 from ring, which TLS links anyway.

use apropos_core::consent_receipt::{ConsentReceipt, SignedReceipt};
use apropos_core::fingerprint::{base64url, from_base64url, sha256};
use apropos_core::suppression::Pepper;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::store::StoreError;

/// The signing key. It is derived from the pepper, which is never changed either: a receipt must be checkable for as long
/// as someone keeps it.
#[derive(Debug)]
pub struct ReceiptKey(Ed25519KeyPair);

/// Why a receipt is not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DoubtfulReceipt {
    /// A part is not base64url.
    #[error("the key or the signature is not base64url")]
    Form,
    /// It is signed by somebody else, or was changed.
    #[error("the signature is not of this key and this text")]
    Signature,
}

impl ReceiptKey {
    /// The key of a stack.
    ///
    /// # Errors
    /// [`StoreError::Build`] if the library refuses the seed, which has the only length there is.
    pub fn derive(pepper: &Pepper) -> Result<Self, StoreError> {
        let seed = pepper.derive(b"consent receipt key v1");
        Ed25519KeyPair::from_seed_unchecked(&seed)
            .map(Self)
            .map_err(|error| StoreError::Build(Box::new(error)))
    }

    /// The public half, base64url: with it anyone can check a receipt.
    #[must_use]
    pub fn public(&self) -> String {
        base64url(self.0.public_key().as_ref())
    }

    /// Signs a receipt.
    ///
    /// # Errors
    /// [`StoreError::Build`] if it cannot be written; a fault of ours.
    pub fn sign(&self, receipt: &ConsentReceipt) -> Result<SignedReceipt, StoreError> {
        let text = serde_json::to_string(receipt).map_err(|error| StoreError::Build(Box::new(error)))?;
        let signature = self.0.sign(text.as_bytes());
        Ok(SignedReceipt {
            key_id: key_id(self.0.public_key().as_ref()),
            signature: base64url(signature.as_ref()),
            receipt: text,
        })
    }
}

fn key_id(public: &[u8]) -> String {
    let hash = sha256(&[public]);
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Checks a receipt against a public key, without us.
///
/// # Errors
/// [`DoubtfulReceipt`].
pub fn verify_receipt(signed: &SignedReceipt, public: &str) -> Result<(), DoubtfulReceipt> {
    let key = from_base64url(public).ok_or(DoubtfulReceipt::Form)?;
    let signature = from_base64url(&signed.signature).ok_or(DoubtfulReceipt::Form)?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(signed.receipt.as_bytes(), &signature)
        .ok()
        .ok_or(DoubtfulReceipt::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> ReceiptKey {
        ReceiptKey::derive(&Pepper::new(&secret.repeat(32)).unwrap()).unwrap()
    }

    #[test]
    fn a_receipt_checks_with_its_key_and_any_change_shows() {
        let receipt: ConsentReceipt = serde_json::from_value(serde_json::json!({
            "schema_version": "1", "record_id": "e1", "pii_principal_id": "c-1",
            "pii_controller": {"id": "lumen", "name": "Lumen", "address": "Lyon", "contact": "x@lumen.example"},
            "purpose": "email.offers", "lawful_basis": "consent", "event_type": "grant",
            "event_time": "2026-11-02T10:00:00Z", "entity": "customer",
            "evidence": {"affirmative_action": "ticked_box", "method": "web_form", "source": "/join"},
            "ledger_seq": 1, "ledger_hash": "ab"
        }))
        .unwrap();
        let signed = key("p").sign(&receipt).unwrap();
        let public = key("p").public();
        assert_eq!(verify_receipt(&signed, &public), Ok(()));
        assert_eq!(
            verify_receipt(&signed, &key("q").public()),
            Err(DoubtfulReceipt::Signature)
        );
        let mut altered = signed.clone();
        altered.receipt = altered.receipt.replace("grant", "deny");
        assert_eq!(verify_receipt(&altered, &public), Err(DoubtfulReceipt::Signature));
        assert_eq!(verify_receipt(&signed, "not a key"), Err(DoubtfulReceipt::Form));
    }

    #[test]
    fn nobody_sees_the_key() {
        let printed = format!("{:?}", key("p"));
        let seed = Pepper::new(&"p".repeat(32)).unwrap().derive(b"consent receipt key v1");
        let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!printed.to_lowercase().contains(&hex), "{printed}");
    }
}
