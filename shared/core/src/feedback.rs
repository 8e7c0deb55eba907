//! What the mail service says about a message after it was handed over, and what follows from it.
//!
//! Events come twice, late and in any order. So each effect is one that may be repeated, none is undone by another
//! event, and what an event may do to a delivery depends only on how far that delivery already is.

use jiff::Timestamp;

use crate::campaign::DeliveryId;
use crate::consent::{Act, Actor, ConsentEvent, Objection, Purpose};
use crate::document::{ConsentEventDocument, EvidenceDocument, FieldError, LegalBasisDocument};
use crate::email::EmailAddress;
use crate::fingerprint::{base64url, sha256};
use crate::ids::{AttemptId, BrandId, CampaignId, CustomerId, RunId};

/// One event about one message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// What happened.
    pub news: News,
    /// The mail service's id of the message.
    pub message_id: String,
    /// Whose message it was.
    pub brand: BrandId,
    /// Which delivery it was, for a message of a campaign.
    pub delivery: Option<DeliveryTag>,
}

/// What a campaign's message carries with it, so that its events find their way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryTag {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Of which run.
    pub run: RunId,
    /// Which delivery.
    pub id: DeliveryId,
    /// By which attempt.
    pub attempt: AttemptId,
}

/// What happened to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It was taken and will be attempted.
    Send,
    /// The receiving server took it.
    Delivery,
    /// It is late.
    DeliveryDelay,
    /// It came back.
    Bounce {
        /// For how long.
        lasting: Lasting,
        /// The address that we wrote to.
        recipient: EmailAddress,
    },
    /// Somebody reported it.
    Complaint {
        /// Whether that was the person.
        by: Reporter,
        /// The address that we wrote to.
        recipient: EmailAddress,
        /// When.
        at: Timestamp,
    },
    /// It was taken, then found not fit to be sent: nothing left.
    Reject,
    /// It could not be made from its template: nothing left.
    RenderingFailure,
    /// A link in it was followed.
    Click {
        /// When the message was handed over.
        sent: Timestamp,
        /// When the link was followed.
        at: Timestamp,
    },
    /// It was opened.
    Open,
    /// A list kept by the mail service changed.
    Subscription,
    /// Something that this version does not know.
    Unknown,
}

impl News {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Delivery => "delivery",
            Self::DeliveryDelay => "delivery_delay",
            Self::Bounce {
                lasting: Lasting::Permanent,
                ..
            } => "permanent_bounce",
            Self::Bounce {
                lasting: Lasting::Transient | Lasting::Undetermined,
                ..
            } => "passing_bounce",
            Self::Complaint { .. } => "complaint",
            Self::Reject => "reject",
            Self::RenderingFailure => "rendering_failure",
            Self::Click { .. } => "click",
            Self::Open => "open",
            Self::Subscription => "subscription",
            Self::Unknown => "unknown",
        }
    }

    /// What it proves about the handing over. Opens and clicks prove it too, but an open is never used for anything, and
    /// following a link is used only with the person's consent to it.
    const fn proves(&self) -> Proof {
        match self {
            Self::Send | Self::Delivery | Self::DeliveryDelay | Self::Bounce { .. } | Self::Complaint { .. } => {
                Proof::Taken
            }
            Self::Reject | Self::RenderingFailure => Proof::NotSent,
            Self::Click { .. } | Self::Open | Self::Subscription | Self::Unknown => Proof::Nothing,
        }
    }
}

enum Proof {
    Taken,
    NotSent,
    Nothing,
}

/// For how long an address gives messages back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// It does not exist.
    Permanent,
    /// A full mailbox, a message too large, an automatic answer: another day it may work.
    Transient,
    /// The answer of the receiving server tells nothing.
    Undetermined,
}

/// Who a complaint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {
    /// The person pressed "spam" on this very message.
    Person,
    /// A report that this is no spam, a report of a server on authentication, or the echo of an earlier complaint about
    /// another message, which may have been another brand's: nothing that this person told this brand.
    Other,
}

impl Reporter {
    /// From the type of the report (RFC 5965 section 7.3; often left out) and SES's own subtype.
    #[must_use]
    pub fn of(report: Option<&str>, subtype: Option<&str>) -> Self {
        match (report, subtype) {
            (Some("not-spam" | "auth-failure"), _) | (_, Some("OnAccountSuppressionList")) => Self::Other,
            (_, _) => Self::Person,
        }
    }
}

/// What is on record of the delivery that an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traced<'a> {
    /// To whom it was.
    pub customer: &'a CustomerId,
    /// The attempt that made it.
    pub attempt: Option<&'a AttemptId>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a delivery is, as far as events can still change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It was opened, and whether it left is not known yet.
    Open,
    /// It was taken.
    Sent,
    /// It ended otherwise, or was given back.
    Over,
}

/// What became of a message that was taken. A greater one is never followed by a lesser one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The address does not exist.
    Bounced,
    /// The person reported it as spam.
    Complained,
}

impl Fate {
    /// Both, the lesser first.
    pub const ALL: [Self; 2] = [Self::Bounced, Self::Complained];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Bounced => 1,
            Self::Complained => 2,
        }
    }

    /// By stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.number() == number)
    }
}

/// Something that follows from an event. Each may be repeated without changing anything more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nobody can write to this address.
    Undeliverable(EmailAddress),
    /// This brand must not write to this address.
    Suppress(EmailAddress),
    /// This person objects to this brand's marketing, since then.
    Object {
        /// Who.
        customer: CustomerId,
        /// When they said so.
        at: Timestamp,
    },
    /// The open delivery was sent.
    Sent,
    /// Nothing left: the delivery was refused, and the contact does not count.
    Refused,
    /// What became of the message.
    Fate(Fate),
}

/// What follows from an event, what protects the person first.
///
/// What an event says of an address or of a person's wish holds whatever attempt sent the message, and the part about
/// the address even where the delivery is no longer known. The delivery itself is moved only by events of the attempt
/// that it is of.
#[must_use]
pub fn effects(feedback: &Feedback, delivery: Option<Traced<'_>>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let fate = match &feedback.news {
        News::Bounce {
            lasting: Lasting::Permanent,
            recipient,
        } => {
            effects.push(Effect::Undeliverable(recipient.clone()));
            Some(Fate::Bounced)
        }
        News::Complaint {
            by: Reporter::Person,
            recipient,
            at,
        } => {
            effects.push(Effect::Suppress(recipient.clone()));
            effects.extend(delivery.map(|delivery| Effect::Object {
                customer: delivery.customer.clone(),
                at: *at,
            }));
            Some(Fate::Complained)
        }
        News::Bounce { .. }
        | News::Complaint { .. }
        | News::Send
        | News::Delivery
        | News::DeliveryDelay
        | News::Reject
        | News::RenderingFailure
        | News::Click { .. }
        | News::Open
        | News::Subscription
        | News::Unknown => None,
    };
    let attempt = feedback.delivery.as_ref().map(|tag| &tag.attempt);
    let Some(delivery) = delivery.filter(|delivery| delivery.attempt.is_some() && delivery.attempt == attempt) else {
        return effects;
    };
    match (feedback.news.proves(), delivery.stage) {
        (Proof::Taken, Stage::Open) => {
            effects.push(Effect::Sent);
            effects.extend(fate.map(Effect::Fate));
        }
        (Proof::Taken, Stage::Sent) => effects.extend(fate.map(Effect::Fate)),
        (Proof::NotSent, Stage::Open | Stage::Sent) => effects.push(Effect::Refused),
        (Proof::Taken | Proof::NotSent, Stage::Over) | (Proof::Nothing, _) => {}
    }
    effects
}

impl Feedback {
    /// The objection that a complaint is, for the ledger (GDPR 21(2) and (3): no form is prescribed for it). It carries
    /// the time of the complaint, so that one that arrives late does not undo what the person said since, and an id made
    /// from the message's, so that it is recorded once.
    ///
    /// # Errors
    /// None in practice: what it is made of is of its form.
    pub fn objection(&self, at: Timestamp, now: Timestamp) -> Result<(ConsentEvent, ConsentEventDocument), FieldError> {
        let hash = sha256(&[b"complaint", self.message_id.as_bytes()]);
        let document = ConsentEventDocument {
            event: format!("complaint-{}", base64url(&hash)),
            purpose: Purpose::Objection(Objection::NoMarketing).code(),
            act: Act::Grant.code().to_owned(),
            effective_at: at.min(now).to_string(),
            expires_at: None,
            actor: Actor::Customer.code().to_owned(),
            legal_basis: LegalBasisDocument::Consent,
            evidence: EvidenceDocument {
                affirmative_action: "reported_as_spam".to_owned(),
                method: "complaint_feedback_loop".to_owned(),
                notice: None,
                source: format!("message {}", self.message_id),
                double_opt_in_at: None,
                previous: None,
            },
        };
        Ok((ConsentEvent::try_from(&document)?, document))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::consent::Consents;

    fn now() -> Timestamp {
        "2026-12-01T09:00:00Z".parse().unwrap()
    }

    fn address() -> EmailAddress {
        EmailAddress::parse("camille@mail.example").unwrap()
    }

    fn customer() -> CustomerId {
        CustomerId::new("c-4711").unwrap()
    }

    fn attempt(id: &str) -> AttemptId {
        AttemptId::new(id).unwrap()
    }

    fn feedback(news: News, by: &str) -> Feedback {
        Feedback {
            news,
            message_id: "0112-abc".into(),
            brand: BrandId::new("lumen").unwrap(),
            delivery: Some(DeliveryTag {
                campaign: CampaignId::new("expo").unwrap(),
                run: RunId::new("expo-1").unwrap(),
                id: DeliveryId([1; 8]),
                attempt: attempt(by),
            }),
        }
    }

    const fn bounce(lasting: Lasting, recipient: EmailAddress) -> News {
        News::Bounce { lasting, recipient }
    }

    fn complaint(by: Reporter) -> News {
        News::Complaint {
            by,
            recipient: address(),
            at: now(),
        }
    }

    fn all_news() -> Vec<News> {
        vec![
            News::Send,
            News::Delivery,
            News::DeliveryDelay,
            bounce(Lasting::Permanent, address()),
            bounce(Lasting::Transient, address()),
            bounce(Lasting::Undetermined, address()),
            complaint(Reporter::Person),
            complaint(Reporter::Other),
            News::Reject,
            News::RenderingFailure,
            News::Click { sent: now(), at: now() },
            News::Open,
            News::Subscription,
            News::Unknown,
        ]
    }

    fn on(news: News, stage: Stage) -> Vec<Effect> {
        let (customer, held) = (customer(), attempt("a1"));
        let traced = Traced {
            customer: &customer,
            attempt: Some(&held),
            stage,
        };
        effects(&feedback(news, "a1"), Some(traced))
    }

    #[test]
    fn a_permanent_bounce_closes_the_address_for_all_and_a_passing_one_does_not() {
        let closed = vec![Effect::Undeliverable(address()), Effect::Fate(Fate::Bounced)];
        assert_eq!(on(bounce(Lasting::Permanent, address()), Stage::Sent), closed);
        for lasting in [Lasting::Transient, Lasting::Undetermined] {
            assert_eq!(on(bounce(lasting, address()), Stage::Sent), []);
        }
    }

    #[test]
    fn a_complaint_is_the_persons_own_objection_and_the_protection_comes_first() {
        let object = Effect::Object {
            customer: customer(),
            at: now(),
        };
        let complained = vec![
            Effect::Suppress(address()),
            object,
            Effect::Sent,
            Effect::Fate(Fate::Complained),
        ];
        assert_eq!(on(complaint(Reporter::Person), Stage::Open), complained);
        assert_eq!(on(complaint(Reporter::Other), Stage::Sent), []);
    }

    #[test]
    fn who_reports_is_told_from_the_reports_type() {
        for report in [None, Some("abuse"), Some("fraud"), Some("virus"), Some("other")] {
            assert_eq!(Reporter::of(report, None), Reporter::Person, "{report:?}");
        }
        for report in ["not-spam", "auth-failure"] {
            assert_eq!(Reporter::of(Some(report), None), Reporter::Other, "{report}");
        }
        assert_eq!(
            Reporter::of(Some("abuse"), Some("OnAccountSuppressionList")),
            Reporter::Other
        );
    }

    #[test]
    fn an_open_delivery_is_healed_by_what_proves_that_it_was_taken_and_by_nothing_else() {
        let heals: Vec<_> = all_news()
            .into_iter()
            .filter(|news| on(news.clone(), Stage::Open).contains(&Effect::Sent))
            .collect();
        assert_eq!(heals, all_news().into_iter().take(8).collect::<Vec<_>>());
        for news in [News::Reject, News::RenderingFailure] {
            assert_eq!(on(news, Stage::Open), [Effect::Refused]);
        }
    }

    #[test]
    fn opens_and_clicks_do_nothing_whatever_the_delivery() {
        for news in [
            News::Open,
            News::Click { sent: now(), at: now() },
            News::Subscription,
            News::Unknown,
        ] {
            for stage in [Stage::Open, Stage::Sent, Stage::Over] {
                assert_eq!(on(news.clone(), stage), []);
            }
            assert_eq!(effects(&feedback(news, "a1"), None), []);
        }
    }

    #[test]
    fn the_event_of_another_attempt_moves_no_delivery_but_still_protects() {
        let (customer, other) = (customer(), attempt("a2"));
        let traced = |attempt| Traced {
            customer: &customer,
            attempt,
            stage: Stage::Open,
        };
        for news in all_news() {
            for held in [Some(&other), None] {
                let effects = effects(&feedback(news.clone(), "a1"), Some(traced(held)));
                assert!(
                    effects.iter().all(|effect| matches!(
                        effect,
                        Effect::Undeliverable(_) | Effect::Suppress(_) | Effect::Object { .. }
                    )),
                    "{news:?}"
                );
                let protects = matches!(news.code(), "permanent_bounce")
                    || matches!(
                        news,
                        News::Complaint {
                            by: Reporter::Person,
                            ..
                        }
                    );
                assert_eq!(!effects.is_empty(), protects, "{news:?}");
            }
        }
    }

    #[test]
    fn without_a_delivery_only_the_address_is_protected() {
        let unknown = |news| effects(&feedback(news, "a1"), None);
        assert_eq!(
            unknown(bounce(Lasting::Permanent, address())),
            [Effect::Undeliverable(address())]
        );
        assert_eq!(unknown(complaint(Reporter::Person)), [Effect::Suppress(address())]);
        assert_eq!(unknown(News::Send), []);
    }

    #[test]
    fn an_objection_by_complaint_is_the_same_event_each_time_and_never_of_the_future() {
        let complaint = feedback(complaint(Reporter::Person), "a1");
        let (event, document) = complaint.objection(now(), now()).unwrap();
        let (again, _) = complaint.objection(now(), now()).unwrap();
        assert_eq!(event, again);
        assert_eq!((event.act, event.actor), (Act::Grant, Actor::Customer));
        assert_eq!(document.evidence.method, "complaint_feedback_loop");
        let ahead = now() + jiff::SignedDuration::from_hours(1);
        assert_eq!(complaint.objection(ahead, now()).unwrap().0.effective_at, now());

        let mut consents = Consents::default();
        consents.record(&event, 1);
        assert!(consents.objects(Objection::NoMarketing, now()));
    }

    /// Where effects end: what the stores would hold.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct World {
        stage: Stage,
        fate: Option<Fate>,
        protected: BTreeSet<&'static str>,
    }

    impl World {
        fn take(&mut self, news: &News) {
            for effect in on(news.clone(), self.stage) {
                match effect {
                    Effect::Undeliverable(_) => self.protect("undeliverable"),
                    Effect::Suppress(_) => self.protect("suppressed"),
                    Effect::Object { .. } => self.protect("objects"),
                    Effect::Sent => self.stage = Stage::Sent,
                    Effect::Refused => self.stage = Stage::Over,
                    Effect::Fate(fate) => self.fate = self.fate.max(Some(fate)),
                }
            }
        }

        fn protect(&mut self, what: &'static str) {
            self.protected.insert(what);
        }

        fn after<'a>(stage: Stage, events: impl IntoIterator<Item = &'a News>) -> Self {
            let mut world = Self {
                stage,
                fate: None,
                protected: BTreeSet::new(),
            };
            for news in events {
                world.take(news);
            }
            world
        }
    }

    proptest! {
        /// A message is either taken or not sent: SES never says both of one, apart from the first step, `Send`.
        #[test]
        fn events_of_a_message_end_the_same_in_any_order_and_however_often(
            stage in prop::sample::select(vec![Stage::Open, Stage::Sent, Stage::Over]),
            events in prop::sample::subsequence((0..14).filter(|place| ![8, 9].contains(place)).collect::<Vec<_>>(), 0..12)
                .prop_shuffle(),
            repeats in prop::collection::vec(0usize..12, 0..6),
        ) {
            let all = all_news();
            let given: Vec<&News> = events.iter().map(|place| &all[*place]).collect();
            let mut sorted: Vec<usize> = events.clone();
            sorted.sort_unstable();
            let in_order = World::after(stage, sorted.iter().map(|place| &all[*place]));
            prop_assert_eq!(World::after(stage, given.iter().copied()), in_order.clone());
            let repeated = given.iter().copied()
                .chain(repeats.iter().filter_map(|place| given.get(*place).copied()));
            prop_assert_eq!(World::after(stage, repeated), in_order);
        }

        #[test]
        fn what_was_taken_and_then_rejected_ends_refused_in_any_order(
            events in Just(vec![News::Send, News::Reject, News::Send, News::Reject, News::DeliveryDelay]).prop_shuffle(),
            stage in prop::sample::select(vec![Stage::Open, Stage::Sent]),
        ) {
            prop_assert_eq!(World::after(stage, &events).stage, Stage::Over);
        }
    }
}
