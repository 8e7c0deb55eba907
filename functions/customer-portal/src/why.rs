//! Why a message came, from its own link: the kinds of facts that the decision used and no value, since a message may be
//! forwarded.

use apropos_aws::{DeliveryState, StoreError};
use apropos_core::attribute::Attribute;
use apropos_core::brand::Brand;
use apropos_core::explain::why_you_receive;
use apropos_core::link::LinkContent;
use apropos_core::relevance::{Factor, Factors, Relevance, score};
use apropos_core::retention::as_held;
use jiff::Timestamp;

use apropos_aws::Person;

use crate::Handler;

/// What can be told of a message.
pub(crate) enum Told {
    /// Of the message that the link came in.
    Message {
        /// What it was about.
        title: [String; 2],
        /// In one sentence, in French and in English.
        sentence: [String; 2],
        /// What counted, strongest first.
        counted: Vec<Factor>,
        /// What the offer declared to use and the person agreed to have read, each with the offer's own reason.
        uses: Vec<(Attribute, [String; 2])>,
    },
    /// The decision is no longer kept, or the link came in no message.
    Nothing,
}

/// Gathers what can be told.
pub(crate) async fn told(
    handler: &Handler,
    brand: &Brand,
    person: &Person,
    link: LinkContent,
    now: Timestamp,
) -> Result<Told, StoreError> {
    let Some(id) = link.delivery else {
        return Ok(Told::Nothing);
    };
    let Some(run) = handler.tables.run_of(&brand.id, &person.customer, id).await? else {
        return Ok(Told::Nothing);
    };
    let Some(held) = handler.tables.proposal(&brand.id, &run.campaign, &run.id).await? else {
        return Ok(Told::Nothing);
    };
    let delivery = handler.tables.delivery(&brand.id, &run.id, id).await?;
    // A message that someone holds was sent, also where nobody could tell at the time.
    let Some(delivery) = delivery.filter(|delivery| delivery.state != DeliveryState::Released) else {
        return Ok(Told::Nothing);
    };
    // Of a score by another model nothing is known but that the person is on the list.
    let score = delivery
        .receipt
        .score(held.campaign.goal)
        .unwrap_or_else(|| score(held.campaign.goal, Factors::default()));
    let grounds = delivery.receipt.grounds();
    let standing = as_held(
        &person.standing,
        person.context.as_ref().map(|(context, _)| context),
        brand.retention,
        now,
    );
    let topic = brand.topics.get(&held.campaign.topic);
    let in_both = |text: &dyn Fn(apropos_core::language::Language) -> String| {
        [
            text(apropos_core::language::Language::French),
            text(apropos_core::language::Language::English),
        ]
    };
    let mut counted: Vec<Factor> = Factor::ALL
        .into_iter()
        .filter(|factor| score.contribution(*factor) > Some(Relevance::NONE))
        .collect();
    // What is a reason to write comes before what says how well it fits.
    counted.sort_by_key(|factor| std::cmp::Reverse((factor.is_reason(), score.contribution(*factor))));
    Ok(Told::Message {
        title: in_both(&|language| held.offer.title.get(language).to_owned()),
        sentence: in_both(&|language| {
            let topic = topic.map_or(held.campaign.topic.as_str(), |topic| topic.name.get(language));
            why_you_receive(language, brand.name.as_str(), topic, &score, grounds)
        }),
        counted,
        uses: held
            .offer
            .readable_uses()
            .filter(|each| standing.consents.allows(each.attribute.purpose(), now))
            .map(|each| {
                (
                    each.attribute,
                    in_both(&|language| each.because.get(language).to_owned()),
                )
            })
            .collect(),
    })
}
