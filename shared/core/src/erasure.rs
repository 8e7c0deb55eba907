//! Erasure (GDPR 17): which steps in which order, when each may be taken, and what is certified at the end.
//!
//! First the address is suppressed and the standing says `erased`, in this order and before any step: from then on no
//! claim can be won and no import is taken in, so nothing new is written while the old is deleted. Each step may be
//! repeated, and the next one is on record before it is begun: whoever finds an erasure half done goes on from there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::ids::{BrandId, RunId};
use crate::language::Language;
use crate::standing::{Claim, LEASE_SECONDS, LedgerHead};

/// A step of an erasure, after suppression and the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErasureStep {
    /// What the link refers to, the audience's record, the context and the contact point.
    Data,
    /// The key that ties the ledger's commitments to what was said.
    ProofKey,
    /// Deliveries, rows of page receipts, what is due: each made nobody's, so that counts still add up.
    History,
    /// The clear evidence of the ledger, down to the proof that the law asks for.
    Ledger,
    /// The claims of runs.
    Claims,
    /// History again, for what a function that had begun before the mark has written since.
    Sweep,
}

impl ErasureStep {
    /// All, in their order.
    pub const ALL: [Self; 6] = [
        Self::Data,
        Self::ProofKey,
        Self::History,
        Self::Ledger,
        Self::Claims,
        Self::Sweep,
    ];

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|each| *each > self)
    }

    /// The stored name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::ProofKey => "proof_key",
            Self::History => "history",
            Self::Ledger => "ledger",
            Self::Claims => "claims",
            Self::Sweep => "sweep",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

/// How far an erasure has come: the mark in a standing. It stays for ever, and no import is taken in over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// When the standing was marked.
    pub at: Timestamp,
    /// What is left to do.
    pub progress: Progress,
}

/// What is left of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// This step is the next.
    Next {
        /// The step.
        step: ErasureStep,
        /// The last run that it has dealt with.
        after: Option<RunId>,
    },
    /// Nothing is left.
    Finished {
        /// Since when.
        at: Timestamp,
    },
}

/// How long a function that had read the person before the mark may go on writing: Lambda's longest run.
const IN_FLIGHT: SignedDuration = SignedDuration::from_mins(15);

/// When a step may be taken. History waits until no attempt that had claimed the person can still be on its way to SES:
/// its trace must not be taken from it.
#[must_use]
pub fn ready_at(step: ErasureStep, marked_at: Timestamp, claims: &BTreeMap<RunId, Claim>) -> Timestamp {
    match step {
        ErasureStep::Data | ErasureStep::ProofKey => marked_at,
        ErasureStep::History | ErasureStep::Ledger | ErasureStep::Claims => claims
            .values()
            .map(|claim| claim.at.saturating_add(SignedDuration::from_secs(LEASE_SECONDS)))
            .filter_map(Result::ok)
            .max()
            .map_or(marked_at, |lease_over| lease_over.max(marked_at)),
        ErasureStep::Sweep => sweep_at(marked_at),
    }
}

/// When the last step may be taken.
#[must_use]
pub fn sweep_at(marked_at: Timestamp) -> Timestamp {
    marked_at.saturating_add(IN_FLIGHT).unwrap_or(marked_at)
}

/// What was deleted, what stays and why, with its dates. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The form of this document.
    pub form: &'static str,
    /// The controller.
    pub brand: BrandId,
    /// When the erasure took effect: from here on no message can leave and no import brings the person back.
    pub erased_at: String,
    /// When the last step was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// When the last step is done at the earliest, where it is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_step_from: Option<String>,
    /// What is gone, or goes with the last step.
    pub deleted: Vec<&'static str>,
    /// What stays, each with its reason.
    pub kept: Vec<Kept>,
    /// How many entries the consent ledger holds.
    pub ledger_entries: u32,
    /// The hash of its last entry, in hexadecimal digits.
    pub ledger_hash: String,
}

/// Something that stays after an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
}

/// The certificate of an erasure, in a language.
#[must_use]
pub fn certificate(language: Language, brand: &BrandId, erased: &Erased, head: LedgerHead) -> Certificate {
    let (finished_at, last_step_from) = match erased.progress {
        Progress::Finished { at } => (Some(at.to_string()), None),
        Progress::Next { .. } => (None, Some(sweep_at(erased.at).to_string())),
    };
    Certificate {
        form: "apropos erasure certificate 1",
        brand: brand.clone(),
        erased_at: erased.at.to_string(),
        finished_at,
        last_step_from,
        deleted: deleted(language).to_vec(),
        kept: kept(language).to_vec(),
        ledger_entries: head.seq,
        ledger_hash: head.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

const fn deleted(language: Language) -> [&'static str; 6] {
    match language {
        Language::French => [
            "l’adresse e-mail, la langue et le fuseau horaire",
            "la zone du domicile, le logement, les goûts, les achats et l’activité",
            "les choix, les limites et les dates des messages reçus",
            "les décisions et les envois\u{a0}: il n’en reste que des nombres, qui ne désignent personne",
            "le détail des preuves de consentement, et la clé qui les rattachait à ce qui a été dit",
            "ce à quoi renvoyaient les liens des messages",
        ],
        Language::English => [
            "the e-mail address, the language and the time zone",
            "the area of the home, the dwelling, interests, purchases and activity",
            "choices, limits and the dates of messages received",
            "decisions and sends: only numbers are left, which point at nobody",
            "the details of the consent proofs, and the key that tied them to what was said",
            "what the links in messages referred to",
        ],
    }
}

const fn kept(language: Language) -> [Kept; 3] {
    match language {
        Language::French => [
            Kept {
                what: "une empreinte de l’adresse, calculée avec une clé secrète",
                why: "pour qu’un ancien fichier ne puisse pas vous faire revenir (RGPD, article 21, paragraphe 3)",
            },
            Kept {
                what: "la preuve des consentements sous un pseudonyme\u{a0}: finalité, oui ou non, date, version de \
                       l’information",
                why: "pour pouvoir montrer que chaque message était permis (RGPD, article 7, paragraphe 1, et article \
                      17, paragraphe 3, point e)",
            },
            Kept {
                what: "les sauvegardes, pendant 35 jours au plus",
                why: "elles ne se modifient pas\u{a0}; si l’une sert, cet effacement y est rejoué avant toute \
                      utilisation",
            },
        ],
        Language::English => [
            Kept {
                what: "a hash of the address, made with a secret key",
                why: "so that an old file cannot bring you back (GDPR article 21(3))",
            },
            Kept {
                what: "the proof of consents under a pseudonym: purpose, yes or no, date, version of the notice",
                why: "to be able to show that each message was allowed (GDPR articles 7(1) and 17(3)(e))",
            },
            Kept {
                what: "backups, for 35 days at most",
                why: "they cannot be changed; if one is used, this erasure is carried out on it again before anything \
                      else",
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AttemptId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_steps_follow_one_another_and_each_has_its_name() {
        let mut step = ErasureStep::Data;
        let mut walked = vec![step];
        while let Some(next) = step.next() {
            walked.push(next);
            step = next;
        }
        assert_eq!(walked, ErasureStep::ALL);
        for step in ErasureStep::ALL {
            assert_eq!(ErasureStep::from_code(step.code()), Some(step));
        }
    }

    #[test]
    fn history_waits_for_an_attempt_that_may_still_be_sending() {
        let claim = Claim {
            attempt: AttemptId::new("a").unwrap(),
            at: at(-10),
        };
        let claims = BTreeMap::from([(RunId::new("r").unwrap(), claim)]);
        assert_eq!(ready_at(ErasureStep::Data, at(0), &claims), at(0));
        assert_eq!(ready_at(ErasureStep::History, at(0), &claims), at(20));
        assert_eq!(ready_at(ErasureStep::History, at(0), &BTreeMap::new()), at(0));
        assert_eq!(ready_at(ErasureStep::Sweep, at(0), &claims), at(900));
    }

    #[test]
    fn a_certificate_says_what_is_gone_what_stays_and_why() {
        let brand = BrandId::new("lumen").unwrap();
        let head = LedgerHead { seq: 3, hash: [7; 32] };
        let mut erased = Erased {
            at: at(0),
            progress: Progress::Next {
                step: ErasureStep::Sweep,
                after: None,
            },
        };
        for language in Language::ALL {
            let open = certificate(language, &brand, &erased, head);
            assert_eq!(open.last_step_from.as_deref(), Some(at(900).to_string().as_str()));
            assert_eq!(open.finished_at, None);
            assert!(open.kept.iter().all(|kept| !kept.why.is_empty()));
        }
        erased.progress = Progress::Finished { at: at(901) };
        let done = certificate(Language::English, &brand, &erased, head);
        assert_eq!(done.finished_at, Some(at(901).to_string()));
        assert_eq!((done.ledger_entries, done.ledger_hash.len()), (3, 64));
    }
}
