//! A decision uses what the offer declares and the person agreed to, and nothing else (I11): each is made again over a
//! record that has lost all the rest, and must come out as it is written down.

use apropos_aws::Table;
use apropos_core::attribute::Attribute;
use apropos_core::audience::{AudienceRecord, Tie};
use apropos_core::brand::Brand;
use apropos_core::campaign::{Campaign, Run, RunStatus};
use apropos_core::context::Lifecycle;
use apropos_core::decision::{Proposal, judge};
use apropos_core::habit::GoodHours;
use apropos_core::ids::CustomerId;
use apropos_core::offer::Offer;
use apropos_core::receipt::{Outcome, Row};
use apropos_core::relevance::{Relevance, Score};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::network::PREFIX;
use crate::store::Store;
use crate::world::PEOPLE;

/// What a campaign's decisions go by, as it was stored before anything could go wrong.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) brand: Brand,
    pub(crate) offer: Offer,
    pub(crate) campaign: Campaign,
}

/// Every record that scoring could read of each person, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records([Vec<AudienceRecord>; PEOPLE.len()]);

impl Records {
    /// The audience was written to.
    pub(crate) fn looked(&mut self, store: &Store) {
        for item in store.items(&format!("{PREFIX}{}", Table::Audience.suffix())) {
            let text = |name: &str, kind: &str| item.get(name).and_then(|value| value.get(kind)?.as_str());
            let Some(record) = text("d", "B")
                .and_then(|data| STANDARD.decode(data).ok())
                .and_then(|data| AudienceRecord::from_bytes(&data).ok())
            else {
                continue;
            };
            let brand = text("pk", "S").and_then(|pk| pk.split('#').next());
            let whose = |name: &str, of: &str| Some(of) == brand && Some(name) == text("sk", "S");
            for (records, customer) in self.0.iter_mut().zip(PEOPLE) {
                if whose(customer.name, customer.brand) && records.last() != Some(&record) {
                    records.push(record.clone());
                }
            }
        }
    }

    /// Whether a row of a page came of what was declared and agreed to.
    pub(crate) fn explain_row(&self, position: usize, declared: &Declared, run: &Run, row: &Row) -> bool {
        self.again(position, declared, run, row.context_version)
            .any(|again| match again {
                Ok(score) => row.outcome == Outcome::Candidate && row.contributions == score.contribution_bytes(),
                Err((reason, score)) => {
                    let contributions = score.map_or([u8::MAX; 5], |score| score.contribution_bytes());
                    row.outcome == Outcome::Withheld(reason) && row.contributions == contributions
                }
            })
    }

    /// Whether the score that a delivery was decided by, if it came to one, came of what was declared and agreed to.
    pub(crate) fn explain_receipt(&self, position: usize, declared: &Declared, run: &Run, receipt: &Value) -> bool {
        let figure = |name: &str| receipt.get(name).and_then(Value::as_u64);
        let (Some(relevance), Some(version)) = (figure("relevance_bp"), figure("context_version")) else {
            return true;
        };
        let written: Vec<Option<u64>> = receipt
            .get("factors_bp")
            .and_then(Value::as_array)
            .map(|factors| factors.iter().map(Value::as_u64).collect())
            .unwrap_or_default();
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        let points = |value: Relevance| u64::from(value.basis_points());
        self.again(position, declared, run, version).any(|again| {
            let score = match again {
                Ok(score) => Some(score),
                Err((_, score)) => score,
            };
            score.is_some_and(|score| {
                let factors = score.factors.in_order().map(|(_, value)| value.map(points));
                points(score.relevance) == relevance && factors.as_slice() == written
            })
        })
    }

    /// The decisions that can have been made on this version of a context.
    fn again(
        &self,
        position: usize,
        declared: &Declared,
        run: &Run,
        version: u32,
    ) -> impl Iterator<Item = Result<Score, (apropos_core::reason::Reason, Option<Score>)>> {
        let records = self.0.get(position).map_or(&[][..], Vec::as_slice);
        let customer = PEOPLE.get(position).and_then(|of| CustomerId::new(of.name).ok());
        let mut decisions = Vec::new();
        for record in records.iter().filter(|record| record.context_version == version) {
            let record = stripped(record, &declared.offer);
            // A run that is cancelled now was once not.
            for status in [RunStatus::Running, run.status] {
                let run = Run { status, ..run.clone() };
                let proposal = Proposal {
                    brand: &declared.brand,
                    offer: &declared.offer,
                    campaign: &declared.campaign,
                    run: &run,
                };
                let decided = customer
                    .as_ref()
                    .map(|customer| judge(proposal, customer, &record, run.launched_at));
                decisions.extend(decided.map(|decided| decided.map_err(|withheld| (withheld.reason, withheld.score))));
            }
        }
        decisions.into_iter()
    }
}

/// A record without what is not declared, or not agreed to.
fn stripped(record: &AudienceRecord, offer: &Offer) -> AudienceRecord {
    let keeps = |attribute: Attribute| offer.declares(attribute) && record.hint.lets_read(attribute);
    let is_home = keeps(Attribute::Home);
    AudienceRecord {
        home: record.home.filter(|_| is_home),
        area: record.area.filter(|_| is_home),
        current_place: record.current_place.filter(|_| keeps(Attribute::CurrentPlace)),
        lifecycle: if keeps(Attribute::Lifecycle) {
            record.lifecycle
        } else {
            Lifecycle::Prospect
        },
        stages: record.stages.filter(|_| keeps(Attribute::Lifecycle)),
        reaction: if keeps(Attribute::Reaction) { record.reaction } else { 0 },
        good_hours: if keeps(Attribute::ActiveHours) {
            record.good_hours
        } else {
            GoodHours::default()
        },
        facts: record.facts.only(|fact| keeps(Attribute::Fact(fact))),
        ties: record
            .ties
            .iter()
            .filter(|(_, tie)| match tie {
                Tie::Bought(_) => keeps(Attribute::Purchases),
                Tie::Interest => keeps(Attribute::Interests),
            })
            .copied()
            .collect(),
        ..record.clone()
    }
}
