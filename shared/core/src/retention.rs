//! Retention: a yes lapses some time after the brand last heard from the person (CNIL: three years for a prospect).
//!
//! A choice, a purchase, a visit or a click is hearing from somebody; an open or a delivery is not. Lapsing is derived
//! where it is decided, from facts that are held anyway, so no run has to be in time for it to hold. It is an event of
//! the ledger all the same ([`expiries`]), and recorded before anything is written about the person that would hide it.
//! Once recorded it stands: only a yes given after it counts again. Until then a sign that is told late keeps the yes if
//! it is dated before the lapse ([`lapses_despite`]), since it shows that there was none; one after it revives nothing.
//!
//! It is counted in whole days of UTC, so that scoring, which knows the day and not the hour, decides the same.
//!
//! The day after the yeses have ended the data lapses too ([`data_has_lapsed`]): it may not be kept for longer than that
//! without a sign of the person (CNIL; decision SAN-2020-003 of 28 July 2020). What they refused stays.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::consent::{Act, Actor, ConsentEvent, Purpose};
use crate::context::CustomerContext;
use crate::document::{ConsentEventDocument, EvidenceDocument, FieldError, LegalBasisDocument};
use crate::fingerprint::sha256;
use crate::language::Language;
use crate::standing::Standing;
use crate::time::EpochDay;

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

    /// The first day without a yes of someone who was last heard of on a day.
    #[must_use]
    pub const fn lapses_on(self, heard_on: EpochDay) -> EpochDay {
        EpochDay(heard_on.0.saturating_add(self.0).saturating_add(1))
    }

    /// The first day on which nothing is kept any more of someone who was last heard of on a day. It is the one after
    /// [`lapses_on`](Self::lapses_on), so that the end of their yeses is on record and seen before.
    #[must_use]
    pub const fn data_lapses_on(self, heard_on: EpochDay) -> EpochDay {
        EpochDay(self.lapses_on(heard_on).0.saturating_add(1))
    }

    /// The rule in the evidence of what lapsed by it.
    #[must_use]
    pub fn as_rule(self) -> String {
        format!("{} days without a sign of the person", self.0)
    }

    /// Whether the time of someone who was last heard of on a day is over.
    #[must_use]
    pub fn has_lapsed(self, heard_on: EpochDay, now: Timestamp) -> bool {
        EpochDay::of(now) >= self.lapses_on(heard_on)
    }

    /// In words, as a sentence has it: `three years`, `18 months`, `45 days`.
    #[must_use]
    pub fn words(self, language: Language) -> String {
        let days = self.0;
        let (count, unit) = match (days % 365, days % 30) {
            (0, _) => (days / 365, Unit::Years),
            (_, 0) => (days / 30, Unit::Months),
            _ => (days, Unit::Days),
        };
        let number = match (language, count) {
            (Language::French, 1) => "un".to_owned(),
            (Language::French, 2) => "deux".to_owned(),
            (Language::French, 3) => "trois".to_owned(),
            (Language::English, 1) => "one".to_owned(),
            (Language::English, 2) => "two".to_owned(),
            (Language::English, 3) => "three".to_owned(),
            (Language::French | Language::English, count) => count.to_string(),
        };
        let unit = match (language, unit, count) {
            (Language::French, Unit::Years, 1) => "an",
            (Language::French, Unit::Years, _) => "ans",
            (Language::French, Unit::Months, _) => "mois",
            (Language::French, Unit::Days, _) => "jours",
            (Language::English, Unit::Years, 1) => "year",
            (Language::English, Unit::Years, _) => "years",
            (Language::English, Unit::Months, 1) => "month",
            (Language::English, Unit::Months, _) => "months",
            (Language::English, Unit::Days, _) => "days",
        };
        format!("{number} {unit}")
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Years,
    Months,
    Days,
}

/// When the brand last heard from the person: by a choice of theirs, a purchase or something they did. Where it never has,
/// by the yes that somebody else recorded, which is when they were collected.
#[must_use]
pub fn last_heard(standing: &Standing, context: Option<&CustomerContext>) -> Option<Timestamp> {
    let did = context.and_then(|context| signs(context).max()).map(EpochDay::start);
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
    if lapsed_on(standing, context, retention, now).is_some() {
        Cow::Owned(Standing {
            consents: standing.consents.lapsed(),
            ..standing.clone()
        })
    } else {
        Cow::Borrowed(standing)
    }
}

/// The day on which the yeses of the person ended, if it has come.
fn lapsed_on(
    standing: &Standing,
    context: Option<&CustomerContext>,
    retention: Retention,
    now: Timestamp,
) -> Option<EpochDay> {
    let heard_on = EpochDay::of(last_heard(standing, context)?);
    retention
        .has_lapsed(heard_on, now)
        .then(|| retention.lapses_on(heard_on))
}

/// What is known beside standing and context of when somebody was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traces {
    /// When the person last did something that is no choice of a purpose: a correction, a preference, a click.
    pub own_act: Option<Timestamp>,
    /// Since when anything is kept of them: it counts where they were never heard of.
    pub known_since: Option<Timestamp>,
}

/// How long somebody who asked for something has to confirm it: the life of the link, the day until it is made, and the day
/// that a request may be old.
const ASKED_FOR: SignedDuration = SignedDuration::from_hours(9 * 24);

/// Whether nothing is to be kept of the person any more but proofs and refusals: they were not heard of for as long as the
/// brand keeps anybody (or never, since they were stored), no yes of theirs is on record as in force, and they are not asked
/// to confirm one just now. Who was erased by their own wish is past all that.
#[must_use]
pub fn data_has_lapsed(
    standing: &Standing,
    context: Option<&CustomerContext>,
    traces: Traces,
    retention: Retention,
    now: Timestamp,
) -> bool {
    let is_asked = standing
        .consents
        .last_request()
        .is_some_and(|at| now.duration_since(at) < ASKED_FOR);
    if standing.erased.is_some() || is_asked || standing.consents.yeses(now).next().is_some() {
        return false;
    }
    let heard = last_heard(standing, context).max(traces.own_act).or(traces.known_since);
    heard.is_some_and(|heard| EpochDay::of(now) >= retention.data_lapses_on(EpochDay::of(heard)))
}

/// Whether the time of the person is over even with these signs of theirs, of which nobody had told until now. One that is
/// dated before the lapse keeps the yes as if it had been told in time; one after it finds nothing to keep.
#[must_use]
pub fn lapses_despite(
    standing: &Standing,
    context: Option<&CustomerContext>,
    retention: Retention,
    signs: &[EpochDay],
    now: Timestamp,
) -> bool {
    let Some(heard) = last_heard(standing, context) else {
        return false;
    };
    let mut signs = signs.to_vec();
    signs.sort_unstable();
    let lapses_on = signs
        .into_iter()
        .fold(retention.lapses_on(EpochDay::of(heard)), |lapses_on, sign| {
            if sign < lapses_on {
                lapses_on.max(retention.lapses_on(sign))
            } else {
                lapses_on
            }
        });
    EpochDay::of(now) >= lapses_on
}

/// The signs of the person in a context: what they bought, and when they last did something.
pub fn signs(context: &CustomerContext) -> impl Iterator<Item = EpochDay> {
    let bought = context.purchases.iter().map(|purchase| purchase.on);
    bought.chain(context.last_activity)
}

/// The events that end what is still a yes on record of a person whose time is over; none where nothing is left to end.
/// Nobody acted, so the evidence says that: the system did it, by its rule, at the lapse, or just after what is recorded
/// of a later date.
///
/// # Errors
/// [`FieldError`], which only a purpose whose code does not read back would give.
pub fn expiries(
    standing: &Standing,
    context: Option<&CustomerContext>,
    retention: Retention,
    now: Timestamp,
) -> Result<Vec<(ConsentEvent, ConsentEventDocument)>, FieldError> {
    let Some(lapsed_on) = lapsed_on(standing, context, retention, now) else {
        return Ok(Vec::new());
    };
    standing
        .consents
        .yeses(now)
        .map(|purpose| {
            let at = standing.consents.time_of_act(purpose, lapsed_on.start());
            let document = ConsentEventDocument {
                event: event_id(standing, purpose),
                purpose: purpose.code(),
                act: Act::Expire.code().to_owned(),
                effective_at: at.to_string(),
                expires_at: None,
                actor: Actor::System.code().to_owned(),
                legal_basis: LegalBasisDocument::Consent,
                evidence: EvidenceDocument {
                    affirmative_action: "none".to_owned(),
                    method: METHOD.to_owned(),
                    notice: None,
                    source: retention.as_rule(),
                    double_opt_in_at: None,
                    previous: None,
                },
            };
            Ok((ConsentEvent::try_from(&document)?, document))
        })
        .collect()
}

/// What the evidence of a lapse says about how it came.
pub const METHOD: &str = "retention";

/// One of its own at each head of the ledger, which no caller can know in advance and take.
fn event_id(standing: &Standing, purpose: &Purpose) -> String {
    let digest = sha256(&[b"lapse", &standing.head.hash, purpose.code().as_bytes()]);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("lapse-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::{ConsentState, Evidence, LegalBasis, Objection};
    use crate::ids::{EventId, TopicId};

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

    fn expired(standing: &Standing, at: i64) -> Vec<(ConsentEvent, ConsentEventDocument)> {
        expiries(standing, None, Retention::THREE_YEARS, day(at)).unwrap()
    }

    fn record(standing: &mut Standing, events: &[(ConsentEvent, ConsentEventDocument)]) {
        for (event, _) in events {
            standing.head.seq += 1;
            standing.consents.record(event, standing.head.seq);
        }
    }

    #[test]
    fn each_yes_of_whoever_was_not_heard_of_ends_once_by_an_event_and_no_refusal_does() {
        let mut standing = standing(&[
            ("email.offers", Act::Grant, Actor::Customer, 0),
            ("sms.offers", Act::Grant, Actor::Import, 900),
            ("profiling", Act::Withdraw, Actor::Customer, 0),
            ("no_marketing", Act::Grant, Actor::Customer, 0),
        ]);
        assert!(expired(&standing, 1_095).is_empty());
        let events = expired(&standing, 1_200);
        let codes: Vec<_> = events.iter().map(|(event, _)| event.purpose.code()).collect();
        assert_eq!(codes, ["email.offers", "sms.offers"]);
        for (event, document) in &events {
            assert_eq!((event.act, event.actor), (Act::Expire, Actor::System));
            assert_eq!(document.evidence.method, METHOD);
            assert_eq!(EpochDay::of(event.effective_at).days_since(EpochDay::of(day(0))), 1_096);
        }
        record(&mut standing, &events);
        assert!(expired(&standing, 1_200).is_empty() && expired(&standing, 9_000).is_empty());
        assert_eq!(offers(&standing, None, 1_200), ConsentState::Expired);
        assert!(standing.consents.objects(Objection::NoMarketing, day(1_200)));
    }

    #[test]
    fn what_arrives_after_a_recorded_lapse_does_not_undo_it_but_a_yes_given_after_it_counts() {
        let mut standing = standing(&[
            ("email.offers", Act::Grant, Actor::Customer, 0),
            ("profiling", Act::Grant, Actor::Customer, 0),
        ]);
        let events = expired(&standing, 1_100);
        record(&mut standing, &events);
        let late = |standing: &mut Standing, actor, at| {
            let event = ConsentEvent {
                id: EventId::new(format!("late{at}")).unwrap(),
                purpose: Purpose::from_code("email.offers").unwrap(),
                act: Act::Grant,
                effective_at: day(at),
                actor,
                ..events[0].0.clone()
            };
            standing.consents.record(&event, 9);
        };
        // A form of the last year before the lapse, found in a drawer, and a purchase of that time.
        late(&mut standing, Actor::Customer, 1_000);
        let bought = CustomerContext {
            last_activity: Some(EpochDay::of(day(1_050))),
            ..CustomerContext::default()
        };
        assert_eq!(offers(&standing, Some(&bought), 1_101), ConsentState::Expired);
        late(&mut standing, Actor::Customer, 1_101);
        assert!(offers(&standing, None, 1_102).is_granted());
        // What else they had agreed to stays ended: a word about one thing is none about another.
        let profiling = Purpose::from_code("profiling").unwrap();
        let state = as_held(&standing, None, Retention::THREE_YEARS, day(1_102))
            .consents
            .state(&profiling, day(1_102));
        assert_eq!(state, ConsentState::Expired);
    }

    #[test]
    fn a_sign_that_is_told_late_counts_if_it_came_in_time_and_each_one_by_the_one_before() {
        let standing = standing(&[("email.offers", Act::Grant, Actor::Customer, 0)]);
        let on = |days| EpochDay::of(day(days));
        for (signs, at, lapses) in [
            (vec![], 1_095, false),
            (vec![], 1_096, true),
            (vec![1_095], 1_200, false),
            (vec![1_096], 1_200, true),
            // In any order: the first keeps the yes until the second.
            (vec![2_000, 1_000], 3_000, false),
            (vec![2_000, 1_000], 3_096, true),
            (vec![2_000, 100], 2_001, true),
        ] {
            let days: Vec<_> = signs.iter().map(|days| on(*days)).collect();
            let despite = lapses_despite(&standing, None, Retention::THREE_YEARS, &days, day(at));
            assert_eq!(despite, lapses, "{signs:?} at {at}");
        }
    }

    fn lapsed(standing: &Standing, context: Option<&CustomerContext>, traces: Traces, at: i64) -> bool {
        data_has_lapsed(standing, context, traces, Retention::THREE_YEARS, day(at))
    }

    const NONE: Traces = Traces {
        own_act: None,
        known_since: None,
    };

    #[test]
    fn data_lapses_the_day_after_the_last_yes_has_ended_and_not_while_it_is_on_record() {
        let mut standing = standing(&[
            ("email.offers", Act::Grant, Actor::Customer, 0),
            ("no_marketing", Act::Grant, Actor::Customer, 0),
        ]);
        assert!(
            !lapsed(&standing, None, NONE, 1_097),
            "nobody has recorded the end of the yes"
        );
        let events = expired(&standing, 1_096);
        record(&mut standing, &events);
        assert!(!lapsed(&standing, None, NONE, 1_096));
        assert!(lapsed(&standing, None, NONE, 1_097));
        standing.erased = Some(crate::erasure::Erased {
            at: day(2),
            progress: crate::erasure::Progress::Finished { at: day(2) },
        });
        assert!(
            !lapsed(&standing, None, NONE, 9_000),
            "what they asked for themselves is done already"
        );
    }

    #[test]
    fn whatever_the_person_did_keeps_their_data_and_a_question_that_they_have_not_answered_yet() {
        let mut events = vec![("email.offers", Act::Withdraw, Actor::Customer, 0)];
        let refused = standing(&events);
        assert!(lapsed(&refused, None, NONE, 1_097));
        let bought = CustomerContext {
            last_activity: Some(EpochDay::of(day(500))),
            ..CustomerContext::default()
        };
        let corrected = Traces {
            own_act: Some(day(500)),
            known_since: Some(day(1_000)),
        };
        for (context, traces) in [(Some(&bought), NONE), (None, corrected)] {
            assert!(!lapsed(&refused, context, traces, 1_596));
            assert!(lapsed(&refused, context, traces, 1_597));
        }
        events.push(("email.offers", Act::Request, Actor::Customer, 1_090));
        let asked = standing(&events);
        assert!(!lapsed(&asked, None, NONE, 1_098));
        assert!(lapsed(&asked, None, NONE, 1_099));
    }

    #[test]
    fn who_was_never_heard_of_is_kept_for_as_long_since_they_were_stored_and_nobody_else_is() {
        let stored = Traces {
            own_act: None,
            known_since: Some(day(1_000)),
        };
        let nobody = Standing::default();
        assert!(!lapsed(&nobody, None, stored, 2_096));
        assert!(lapsed(&nobody, None, stored, 2_097));
        assert!(
            !lapsed(&nobody, None, NONE, 60_000),
            "without a day there is nothing to count from"
        );
        // A file that is brought in again is no sign of the person.
        let heard = standing(&[("email.offers", Act::Deny, Actor::Customer, 0)]);
        assert!(lapsed(&heard, None, stored, 1_097));
    }

    proptest::proptest! {
        /// Nothing that would keep a yes lets the data go, whatever the order of signs and whoever recorded what.
        #[test]
        fn data_never_lapses_before_a_yes_would_nor_with_one_in_force(
            events in proptest::collection::vec((
                proptest::sample::select(vec!["email.offers", "sms.offers", "profiling", "no_marketing"]),
                proptest::sample::select(Act::ALL.to_vec()),
                proptest::sample::select(Actor::ALL.to_vec()),
                0i64..2_000,
            ), 0..6),
            active in proptest::option::of(0i64..2_000),
            own_act in proptest::option::of(0i64..2_000),
            known in proptest::option::of(0i64..2_000),
            at in 0i64..6_000,
        ) {
            let standing = standing(&events);
            let context = CustomerContext {
                last_activity: active.map(|at| EpochDay::of(day(at))),
                ..CustomerContext::default()
            };
            let traces = Traces { own_act: own_act.map(day), known_since: known.map(day) };
            if lapsed(&standing, Some(&context), traces, at) {
                proptest::prop_assert!(standing.consents.yeses(day(at)).next().is_none());
                let own = events.iter().filter(|(_, act, actor, _)| *actor == Actor::Customer && *act != Act::Request);
                let latest = own.map(|(.., at)| *at).chain(active).chain(own_act).max();
                if let Some(latest) = latest {
                    proptest::prop_assert!(at > latest + 1_096, "{latest}");
                }
                proptest::prop_assert!(lapsed(&standing, Some(&context), traces, at + 1));
            }
        }
    }

    #[test]
    fn a_period_is_said_as_people_say_it() {
        for (days, french, english) in [
            (1_095, "trois ans", "three years"),
            (365, "un an", "one year"),
            (540, "18 mois", "18 months"),
            (30, "un mois", "one month"),
            (45, "45 jours", "45 days"),
        ] {
            let retention = Retention::from_days(days).unwrap();
            assert_eq!(retention.words(Language::French), french);
            assert_eq!(retention.words(Language::English), english);
        }
    }
}
