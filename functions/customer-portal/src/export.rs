//! All that is kept about a person, gathered once: the page shows it and the file holds it (GDPR 15 and 20).

use apropos_aws::{DeliveryState, HeldProposal, PastDecision, PastOutcome, Person, ReceiptKey, StoreError};
use apropos_core::attribute::Attribute;
use apropos_core::brand::Brand;
use apropos_core::consent_receipt::{ConsentReceipt, SignedReceipt};
use apropos_core::decision::Withheld;
use apropos_core::document::{ContactDocument, ContextDocument, LedgerDocument};
use apropos_core::explain::{sent, withheld};
use apropos_core::language::Language;
use apropos_core::origin::values;
use apropos_core::reason::Reason;
use apropos_core::receipt::Outcome;
use apropos_core::relevance::Score;
use apropos_core::retention::as_held;
use jiff::Timestamp;
use serde::Serialize;

use crate::Handler;

/// The file.
#[derive(Serialize)]
pub(crate) struct Export {
    pub(crate) form: &'static str,
    pub(crate) made_at: String,
    pub(crate) controller: Controller,
    /// The brand's own number of the person.
    pub(crate) customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<ContactDocument>,
    /// Why it is not here, where one is stored all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact_problem: Option<&'static str>,
    pub(crate) facts: Vec<KnownFact>,
    pub(crate) context: ContextDocument,
    pub(crate) choices: Vec<ChoiceNow>,
    /// When messages were sent, as far as the frequency limit has to know.
    pub(crate) written_to_at: Vec<String>,
    pub(crate) decisions: Vec<DecisionMade>,
    pub(crate) ledger: LedgerDocument,
    /// A signed receipt of each consent event.
    pub(crate) receipts: Vec<SignedReceipt>,
    /// The public key of the receipts, base64url.
    pub(crate) receipt_key: String,
    pub(crate) kept_for: Vec<KeptFor>,
    pub(crate) rights: Vec<&'static str>,
}

#[derive(Serialize)]
pub(crate) struct Controller {
    pub(crate) name: String,
    pub(crate) imprint: String,
    pub(crate) write_to: String,
    pub(crate) notice: String,
    pub(crate) notice_version: String,
}

/// A fact with where it came from and when; the name alone is one that the person removed.
#[derive(Serialize)]
pub(crate) struct KnownFact {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<apropos_core::origin::Origin>,
}

#[derive(Serialize)]
pub(crate) struct ChoiceNow {
    pub(crate) purpose: String,
    pub(crate) state: &'static str,
}

#[derive(Serialize)]
pub(crate) struct DecisionMade {
    pub(crate) at: String,
    pub(crate) campaign: String,
    pub(crate) run: String,
    pub(crate) offer: String,
    pub(crate) outcome: &'static str,
    pub(crate) explanation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consent_record: Option<u32>,
    /// The kinds of facts that the offer declared to use and the person lets it read.
    pub(crate) uses: Vec<&'static str>,
}

#[derive(Serialize)]
pub(crate) struct KeptFor {
    pub(crate) what: &'static str,
    pub(crate) how_long: String,
}

impl Handler {
    /// Gathers it all, in a language.
    pub(crate) async fn export(
        &self,
        brand: &Brand,
        person: &Person,
        language: Language,
        now: Timestamp,
    ) -> Result<Export, StoreError> {
        let context_held = person.context.as_ref().map(|(context, _)| context);
        let held_standing = as_held(&person.standing, context_held, brand.retention, now);
        let allowed = |attribute: Attribute| held_standing.consents.allows(attribute.purpose(), now);
        let ledger = self.tables.ledger_texts(&brand.id, &person.customer).await?;
        let key = self.tables.proof_key(&brand.id, &person.customer).await?;
        let mut decisions = Vec::new();
        for past in self.tables.decisions(&brand.id, &person.customer).await? {
            let run = &past.run;
            if let Some(held) = self.tables.proposal(&brand.id, &run.campaign, &run.id).await? {
                decisions.push(decision(&held, &past, language, allowed));
            }
        }
        let context = person
            .context
            .as_ref()
            .map(|(context, _)| context.clone())
            .unwrap_or_default();
        let ledger = LedgerDocument::of(ledger, person.standing.head, key.as_ref());
        let signing = ReceiptKey::derive(&self.pepper)?;
        let receipts = ledger
            .entries
            .iter()
            .filter_map(|entry| ConsentReceipt::of(brand, &person.customer, entry))
            .map(|receipt| signing.sign(&receipt))
            .collect::<Result<_, _>>()?;
        Ok(Export {
            form: "apropos my data 1",
            made_at: now.to_string(),
            controller: Controller {
                name: brand.name.as_str().to_owned(),
                imprint: brand.imprint.clone(),
                write_to: brand.reply_to.as_sent().to_owned(),
                notice: brand.notice.id.clone(),
                notice_version: brand.notice.version.clone(),
            },
            customer: person.customer.to_string(),
            contact: person.contact.as_ref().map(|(contact, _)| ContactDocument::of(contact)),
            contact_problem: person.has_broken_contact().then(|| unreadable(language)),
            facts: facts(person),
            context: ContextDocument::of(&context),
            choices: person
                .standing
                .consents
                .states(now)
                .map(|(purpose, state)| ChoiceNow {
                    purpose: purpose.code(),
                    state: state.code(),
                })
                .collect(),
            written_to_at: person
                .standing
                .contacts
                .contacts()
                .iter()
                .filter_map(|second| Timestamp::from_second(i64::from(*second)).ok())
                .map(|at| at.to_string())
                .collect(),
            decisions,
            ledger,
            receipts,
            receipt_key: signing.public(),
            kept_for: kept_for(brand, language).into(),
            rights: rights(language).into(),
        })
    }
}

const fn unreadable(language: Language) -> &'static str {
    match language {
        Language::French => {
            "Une adresse est enregistrée, mais elle ne peut pas être lue pour le moment\u{a0}; la marque peut vous dire laquelle."
        }
        Language::English => "An address is stored, but it cannot be read at the moment; the brand can tell you which.",
    }
}

/// What is known and what the person removed, each with its origin.
pub(crate) fn facts(person: &Person) -> Vec<KnownFact> {
    let mut known = person
        .context
        .as_ref()
        .map(|(context, _)| values(context))
        .unwrap_or_default();
    let mut facts: Vec<KnownFact> = person
        .origins
        .0
        .iter()
        .map(|(name, origin)| KnownFact {
            name: name.clone(),
            value: known.remove(name),
            origin: Some(origin.clone()),
        })
        .collect();
    facts.extend(known.into_iter().map(|(name, value)| KnownFact {
        name,
        value: Some(value),
        origin: None,
    }));
    facts
}

fn decision(
    held: &HeldProposal,
    past: &PastDecision,
    language: Language,
    allowed: impl Fn(Attribute) -> bool,
) -> DecisionMade {
    let (at, outcome, explanation, consent_record) = match &past.outcome {
        PastOutcome::Delivery(delivery) => {
            let score = delivery.receipt.score(held.campaign.goal);
            let (outcome, explanation) = match (delivery.state, delivery.reason, score) {
                (DeliveryState::Withheld, Some(reason), score) => {
                    ("withheld", silent(held, language, reason, delivery.receipt.rule, score))
                }
                (DeliveryState::Sent, _, Some(score)) => ("sent", sent(language, &score)),
                (DeliveryState::Sent, _, None) => ("sent", String::new()),
                _ => ("open", String::new()),
            };
            (delivery.at, outcome, explanation, delivery.receipt.consent_record)
        }
        PastOutcome::Page(row) => match row.outcome {
            Outcome::Candidate => (past.run.launched_at, "open", String::new(), None),
            Outcome::Withheld(reason) => {
                let explanation = silent(held, language, reason, None, None);
                (past.run.launched_at, "withheld", explanation, None)
            }
        },
    };
    DecisionMade {
        at: at.to_string(),
        campaign: held.campaign.id.to_string(),
        run: past.run.id.to_string(),
        offer: held.offer.title.get(language).to_owned(),
        outcome,
        explanation,
        consent_record,
        uses: held
            .offer
            .readable_uses()
            .filter(|each| allowed(each.attribute))
            .map(|each| each.attribute.code())
            .collect(),
    }
}

fn silent(
    held: &HeldProposal,
    language: Language,
    reason: Reason,
    rule: Option<usize>,
    score: Option<Score>,
) -> String {
    withheld(language, &held.offer, &Withheld { reason, rule, score })
}

fn kept_for(brand: &Brand, language: Language) -> [KeptFor; 4] {
    let period = brand.retention.words(language);
    let said = |text: &str| text.to_owned();
    match language {
        Language::French => [
            KeptFor {
                what: "vos informations et vos choix",
                how_long: format!(
                    "au plus {period} après votre dernier geste envers la marque, puis effacés\u{a0}; plus tôt si vous les \
                     effacez"
                ),
            },
            KeptFor {
                what: "les décisions de vous écrire ou non",
                how_long: said("90 jours"),
            },
            KeptFor {
                what: "la trace des messages envoyés ou retenus au dernier moment",
                how_long: said("400 jours"),
            },
            KeptFor {
                what: "la preuve de vos choix",
                how_long: said(
                    "aussi longtemps que la marque peut avoir à la montrer; son détail s’efface avec vos données",
                ),
            },
        ],
        Language::English => [
            KeptFor {
                what: "what is known about you and your choices",
                how_long: format!(
                    "for at most {period} after you last did something with the brand, then erased; sooner if you erase them"
                ),
            },
            KeptFor {
                what: "decisions to write to you or not",
                how_long: said("90 days"),
            },
            KeptFor {
                what: "the trace of messages sent, or withheld at the last moment",
                how_long: said("400 days"),
            },
            KeptFor {
                what: "the proof of your choices",
                how_long: said("as long as the brand may have to show it; its details are erased with your data"),
            },
        ],
    }
}

const fn rights(language: Language) -> [&'static str; 5] {
    match language {
        Language::French => [
            "voir et emporter vos données (RGPD, articles 15 et 20)",
            "les corriger (article 16)",
            "les effacer (article 17)",
            "refuser le profilage ou tout démarchage (article 21)",
            "vous plaindre auprès de la CNIL (www.cnil.fr)",
        ],
        Language::English => [
            "see your data and take it with you (GDPR articles 15 and 20)",
            "have it corrected (article 16)",
            "have it erased (article 17)",
            "object to profiling or to all marketing (article 21)",
            "complain to a supervisory authority, in France the CNIL (www.cnil.fr)",
        ],
    }
}
