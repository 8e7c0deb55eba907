//! Retention: a yes lapses some time after the brand last heard from the person (CNIL: three years for a prospect).
//!
//! A choice, a purchase, a visit or a click is hearing from somebody; an open or a delivery is not. Lapsing is derived
//! where it is decided, from facts that are held anyway, so no run of deletions has to be in time for it to hold.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::context::CustomerContext;
use crate::standing::Standing;

/// How long a yes outlives the last sign of the person, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(u16);

/// A retention that keeps nobody, or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 30 to 1095 days")]
pub struct InvalidRetention;

impl Retention {
    /// Three years: the most there is, and what holds where a brand says nothing.
    pub const THREE_YEARS: Self = Self(1_095);

    /// Checks the days: at most three years.
    ///
    /// # Errors
    /// [`InvalidRetention`].
    pub const fn from_days(days: u16) -> Result<Self, InvalidRetention> {
        if days >= 30 && days <= Self::THREE_YEARS.0 {
            Ok(Self(days))
        } else {
            Err(InvalidRetention)
        }
    }

    /// In days.
    #[must_use]
    pub const fn days(self) -> u16 {
        self.0
    }
}

/// When the brand last heard from the person: by a choice of theirs, a purchase or something they did. Where it never has,
/// by the yes that somebody else recorded, which is when they were collected.
#[must_use]
pub fn last_heard(standing: &Standing, context: Option<&CustomerContext>) -> Option<Timestamp> {
    let bought = context.and_then(|context| context.purchases.iter().map(|purchase| purchase.on).max());
    let active = context.and_then(|context| context.last_activity);
    let did = bought.max(active).map(crate::time::EpochDay::start);
    standing.consents.last_word().max(did)
}

/// The standing as it holds now: every yes has ended once the person was not heard of for so long. Refusals stay.
#[must_use]
pub fn as_held<'a>(
    standing: &'a Standing,
    context: Option<&CustomerContext>,
    retention: Retention,
    now: Timestamp,
) -> Cow<'a, Standing> {
    let kept_for = SignedDuration::from_hours(24 * i64::from(retention.0));
    match last_heard(standing, context) {
        Some(heard) if now.duration_since(heard) > kept_for => Cow::Owned(Standing {
            consents: standing.consents.lapsed(),
            ..standing.clone()
        }),
        Some(_) | None => Cow::Borrowed(standing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::{Act, Actor, ConsentEvent, ConsentState, Evidence, LegalBasis, Objection, Purpose};
    use crate::ids::{EventId, TopicId};
    use crate::time::EpochDay;

    fn day(days: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + days * 86_400).unwrap()
    }

    fn standing(events: &[(&str, Act, Actor, i64)]) -> Standing {
        let mut standing = Standing::default();
        for (seq, (purpose, act, actor, at)) in (1..).zip(events) {
            let event = ConsentEvent {
                id: EventId::new(format!("e{seq}")).unwrap(),
                purpose: Purpose::from_code(purpose).unwrap(),
                act: *act,
                effective_at: day(*at),
                expires_at: None,
                legal_basis: LegalBasis::Consent,
                actor: *actor,
                evidence: Evidence {
                    affirmative_action: "ticked_box".into(),
                    method: "web_form".into(),
                    notice: None,
                    source: "/join".into(),
                    double_opt_in_at: None,
                    previous: None,
                },
            };
            standing.consents.record(&event, seq);
        }
        standing
    }

    fn offers(standing: &Standing, context: Option<&CustomerContext>, at: i64) -> ConsentState {
        let held = as_held(standing, context, Retention::THREE_YEARS, day(at));
        held.consents.email(&TopicId::new("offers").unwrap(), day(at))
    }

    #[test]
    fn a_yes_lapses_three_years_after_the_last_sign_of_the_person_and_not_a_day_before() {
        for actor in [Actor::Customer, Actor::Import] {
            let standing = standing(&[("email.offers", Act::Grant, actor, 0)]);
            assert!(offers(&standing, None, 1_095).is_granted());
            assert_eq!(offers(&standing, None, 1_096), ConsentState::Expired);
        }
    }

    #[test]
    fn a_choice_a_purchase_or_a_visit_keeps_it_and_a_new_yes_brings_it_back() {
        let mut events = vec![("email.offers", Act::Grant, Actor::Customer, 0)];
        let visited = CustomerContext {
            last_activity: Some(EpochDay::of(day(900))),
            ..CustomerContext::default()
        };
        assert!(offers(&standing(&events), Some(&visited), 1_500).is_granted());
        events.push(("profiling", Act::Withdraw, Actor::Customer, 900));
        assert!(offers(&standing(&events), None, 1_500).is_granted());
        assert_eq!(offers(&standing(&events), None, 2_500), ConsentState::Expired);
        events.push(("email.offers", Act::Grant, Actor::Customer, 2_499));
        assert!(offers(&standing(&events), None, 2_500).is_granted());
    }

    #[test]
    fn refusals_and_objections_do_not_lapse() {
        let standing = standing(&[
            ("email.offers", Act::Withdraw, Actor::Customer, 0),
            ("no_marketing", Act::Grant, Actor::Customer, 0),
        ]);
        assert_eq!(offers(&standing, None, 5_000), ConsentState::Withdrawn);
        let held = as_held(&standing, None, Retention::THREE_YEARS, day(5_000));
        assert!(held.consents.objects(Objection::NoMarketing, day(5_000)));
    }

    #[test]
    fn a_brand_may_keep_for_less_and_never_for_more() {
        assert_eq!(Retention::from_days(365).map(Retention::days), Ok(365));
        assert_eq!(Retention::from_days(1_096), Err(InvalidRetention));
        assert_eq!(Retention::from_days(0), Err(InvalidRetention));
    }
}
