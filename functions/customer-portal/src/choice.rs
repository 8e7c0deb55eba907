//! A choice: what the person wants, the acts that bring it about, and the consent events that record them.

use apropos_core::brand::Brand;
use apropos_core::consent::{
    Act, Actor, Channel, ConsentEvent, ConsentState, Consents, DataPurpose, Objection, Purpose,
};
use apropos_core::document::{ConsentEventDocument, EvidenceDocument, FieldError, LegalBasisDocument, NoticeDocument};
use apropos_core::ids::EventId;
use jiff::{SignedDuration, Timestamp};

/// What the person wants of one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) purpose: Purpose,
    pub(crate) switch: Switch,
}

/// Yes or no to a topic or a use of data; of an objection, whether it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(crate) const ALL: [Self; 2] = [Self::On, Self::Off];

    /// The name in forms.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

/// By which road a choice came, for its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    /// A mail client's one-click POST (RFC 8058).
    OneClick,
    /// The page behind the unsubscribe link.
    UnsubscribePage,
    /// A button of the page of one's choices.
    PreferencePage,
    /// The form of that page, saved as a whole.
    PreferenceForm,
    /// The page of one's data, by a fresh link.
    MyData,
}

impl Road {
    const fn method(self) -> &'static str {
        match self {
            Self::OneClick => "one_click",
            Self::UnsubscribePage => "unsubscribe_page",
            Self::PreferencePage | Self::PreferenceForm => "preference_page",
            Self::MyData => "my_data_page",
        }
    }

    const fn affirmative_action(self, act: Act) -> &'static str {
        match (self, act) {
            (Self::OneClick, _) => "one_click_post",
            (Self::UnsubscribePage, Act::Withdraw) => "clicked_unsubscribe",
            (Self::UnsubscribePage, Act::Request | Act::Grant | Act::Expire | Act::Deny)
            | (Self::PreferencePage | Self::MyData, _) => "pressed_button",
            (Self::PreferenceForm, Act::Request | Act::Grant) => "ticked_box",
            (Self::PreferenceForm, Act::Expire | Act::Deny | Act::Withdraw) => "unticked_box",
        }
    }

    /// The page, without the link: a link is as good as the person's name.
    const fn source(self) -> &'static str {
        match self {
            Self::OneClick | Self::UnsubscribePage => "/u",
            Self::PreferencePage | Self::PreferenceForm => "/p",
            Self::MyData => "/r",
        }
    }
}

impl Choice {
    /// Whether the preference page of a brand has it. The objection to profiling is the same box as the yes to it.
    pub(crate) fn is_offered_by(&self, brand: &Brand) -> bool {
        match &self.purpose {
            Purpose::Topic { topic, .. } => brand.topics.get(topic).is_some(),
            Purpose::Data(_) | Purpose::Objection(Objection::NoMarketing | Objection::Pause) => true,
            Purpose::Objection(Objection::NoProfiling) => false,
        }
    }

    /// Everything that the preference page of a brand has a box for.
    pub(crate) fn boxes(brand: &Brand) -> impl Iterator<Item = Purpose> {
        let topics = brand.topics.iter().flat_map(|topic| {
            Channel::ALL.into_iter().map(|channel| Purpose::Topic {
                topic: topic.id.clone(),
                channel,
            })
        });
        topics.chain(DataPurpose::ALL.into_iter().map(Purpose::Data))
    }

    /// Whether the box of a purpose is ticked for what is on record.
    pub(crate) fn is_ticked(purpose: &Purpose, consents: &Consents, now: Timestamp) -> bool {
        match purpose {
            Purpose::Data(data) => consents.allows(*data, now),
            Purpose::Topic { .. } | Purpose::Objection(_) => consents.state(purpose, now).is_granted(),
        }
    }

    /// Whether its box was turned: one that was left as it was says nothing, least of all a no to what was never asked.
    pub(crate) fn turns(&self, consents: &Consents, now: Timestamp) -> bool {
        Self::is_ticked(&self.purpose, consents, now) != (self.switch == Switch::On)
    }

    /// Whether what is on record says so already, in the person's own words where it is a refusal.
    pub(crate) fn holds(&self, consents: &Consents, now: Timestamp) -> bool {
        self.acts(consents, now).is_empty()
    }

    /// The acts that are missing. None where nothing would change, so that repeating a POST does not grow the ledger.
    ///
    /// A refusal that came from somebody else is said again by the person: only theirs outlives imports (I7). A yes to
    /// profiling lifts an objection to it, because both say the same thing.
    fn acts(&self, consents: &Consents, now: Timestamp) -> Vec<(Purpose, Act)> {
        let state = consents.state(&self.purpose, now);
        let act = match (self.switch, &self.purpose) {
            (Switch::On, _) => (!state.is_granted()).then_some(Act::Grant),
            (Switch::Off, Purpose::Objection(_)) => state.is_granted().then_some(Act::Withdraw),
            (Switch::Off, Purpose::Topic { .. } | Purpose::Data(_)) => {
                let refused = matches!(state, ConsentState::Denied | ConsentState::Withdrawn);
                (!(refused && consents.refused_by_person(&self.purpose))).then_some(Act::Withdraw)
            }
        };
        let lifts = *self == Self::profiling_on() && consents.objects(Objection::NoProfiling, now);
        lifts
            .then_some((Purpose::Objection(Objection::NoProfiling), Act::Withdraw))
            .into_iter()
            .chain(act.map(|act| (self.purpose.clone(), act)))
            .collect()
    }

    const fn profiling_on() -> Self {
        Self {
            purpose: Purpose::Data(DataPurpose::Profiling),
            switch: Switch::On,
        }
    }

    /// The events of the missing acts. Each takes an id of its own; the same ids on a second try are the same events.
    pub(crate) fn events(
        &self,
        road: Road,
        brand: &Brand,
        consents: &Consents,
        ids: &[EventId; MOST_ACTS],
        now: Timestamp,
    ) -> Result<Vec<(ConsentEvent, ConsentEventDocument)>, FieldError> {
        self.acts(consents, now)
            .into_iter()
            .zip(ids)
            .map(|((purpose, act), id)| {
                let at = consents.time_of_act(&purpose, now);
                let is_pause = purpose == Purpose::Objection(Objection::Pause) && act == Act::Grant;
                let document = ConsentEventDocument {
                    event: id.to_string(),
                    purpose: purpose.code(),
                    act: act.code().to_owned(),
                    effective_at: at.to_string(),
                    expires_at: is_pause.then(|| at.saturating_add(PAUSE).unwrap_or(at).to_string()),
                    actor: Actor::Customer.code().to_owned(),
                    legal_basis: LegalBasisDocument::Consent,
                    evidence: EvidenceDocument {
                        affirmative_action: road.affirmative_action(act).to_owned(),
                        method: road.method().to_owned(),
                        notice: (act == Act::Grant).then(|| NoticeDocument::of(&brand.notice)),
                        source: road.source().to_owned(),
                        double_opt_in_at: None,
                        previous: None,
                    },
                };
                Ok((ConsentEvent::try_from(&document)?, document))
            })
            .collect()
    }
}

/// How long a pause lasts.
pub(crate) const PAUSE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether an event keeps data or messages away from the person, which is never too often.
pub(crate) const fn protects(event: &ConsentEvent) -> bool {
    match event.purpose {
        Purpose::Topic { .. } | Purpose::Data(_) => matches!(event.act, Act::Withdraw | Act::Deny | Act::Expire),
        Purpose::Objection(_) => matches!(event.act, Act::Grant),
    }
}

/// The most acts of one choice.
pub(crate) const MOST_ACTS: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{brand, fold, ids, now};

    fn choice(code: &str, switch: Switch) -> Choice {
        Choice {
            purpose: Purpose::from_code(code).unwrap(),
            switch,
        }
    }

    fn recorded(choice: &Choice, road: Road, consents: &Consents) -> Vec<ConsentEventDocument> {
        choice
            .events(road, &brand(), consents, &ids(), now())
            .unwrap()
            .into_iter()
            .map(|(_, document)| document)
            .collect()
    }

    #[test]
    fn the_evidence_says_what_was_pressed_and_where_and_names_no_link() {
        let leave = choice("email.offers", Switch::Off);
        let evidence = |choice: &Choice, road| recorded(choice, road, &Consents::default())[0].evidence.clone();
        for (road, action, method, source) in [
            (Road::OneClick, "one_click_post", "one_click", "/u"),
            (Road::UnsubscribePage, "clicked_unsubscribe", "unsubscribe_page", "/u"),
            (Road::PreferencePage, "pressed_button", "preference_page", "/p"),
        ] {
            let evidence = evidence(&leave, road);
            assert_eq!(
                (
                    evidence.affirmative_action.as_str(),
                    evidence.method.as_str(),
                    evidence.source.as_str()
                ),
                (action, method, source)
            );
            assert!(evidence.notice.is_none());
        }
        let back = evidence(&choice("email.offers", Switch::On), Road::UnsubscribePage);
        assert_eq!(back.affirmative_action, "pressed_button");
        assert_eq!(back.notice.unwrap().id, "privacy");
    }

    #[test]
    fn profiling_is_withdrawn_and_leaving_everything_is_an_objection() {
        let acts = |choice: Choice| -> Vec<(String, String)> {
            recorded(&choice, Road::PreferencePage, &Consents::default())
                .into_iter()
                .map(|document| (document.purpose, document.act))
                .collect()
        };
        let pair = |purpose: &str, act: &str| vec![(purpose.to_owned(), act.to_owned())];
        assert_eq!(acts(choice("profiling", Switch::Off)), pair("profiling", "withdraw"));
        assert_eq!(acts(choice("no_marketing", Switch::On)), pair("no_marketing", "grant"));
    }

    #[test]
    fn a_yes_to_profiling_lifts_the_objection_to_it() {
        let consents = fold(&[("no_profiling", Act::Grant, Actor::Customer, 0)]);
        let yes = choice("profiling", Switch::On);
        let acts: Vec<_> = recorded(&yes, Road::PreferencePage, &consents)
            .into_iter()
            .map(|document| (document.purpose, document.act))
            .collect();
        assert_eq!(
            acts,
            [
                ("no_profiling".to_owned(), "withdraw".to_owned()),
                ("profiling".to_owned(), "grant".to_owned())
            ]
        );
    }

    #[test]
    fn a_pause_ends_by_itself_after_thirty_days() {
        let acts = recorded(&choice("pause", Switch::On), Road::PreferencePage, &Consents::default());
        let [pause] = acts.as_slice() else {
            panic!("a pause is one act");
        };
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let length = time(pause.expires_at.as_deref().unwrap()).duration_since(time(&pause.effective_at));
        assert_eq!(length, PAUSE);
    }

    #[test]
    fn a_box_left_as_it_was_says_nothing() {
        let imported = fold(&[("email.offers", Act::Grant, Actor::Import, -60)]);
        assert!(!choice("email.news", Switch::Off).turns(&imported, now()));
        assert!(!choice("email.offers", Switch::On).turns(&imported, now()));
        assert!(choice("email.offers", Switch::Off).turns(&imported, now()));
        assert!(choice("email.news", Switch::On).turns(&imported, now()));
    }

    #[test]
    fn somebody_elses_withdrawal_is_made_the_persons_own() {
        let leave = choice("email.offers", Switch::Off);
        let others = fold(&[("email.offers", Act::Withdraw, Actor::Brand, 0)]);
        assert!(!leave.holds(&others, now()));
        let own = fold(&[("email.offers", Act::Withdraw, Actor::Customer, 0)]);
        assert!(leave.holds(&own, now()));
    }

    #[test]
    fn only_what_the_page_offers_can_be_set() {
        for code in [
            "email.offers",
            "email.news",
            "profiling",
            "home_location",
            "sms.offers",
            "measurement",
            "current_location",
            "no_marketing",
            "pause",
        ] {
            assert!(choice(code, Switch::On).is_offered_by(&brand()), "{code}");
        }
        for code in ["email.unknown", "no_profiling"] {
            assert!(!choice(code, Switch::On).is_offered_by(&brand()), "{code}");
        }
    }

    proptest! {
        /// Whatever is on record, of whoever and up to five minutes ahead of the clock (I3).
        #[test]
        fn what_the_person_chose_holds_at_once_and_choosing_it_again_records_nothing(
            events in prop::collection::vec((
                prop::sample::select(vec!["email.offers", "profiling", "no_profiling", "no_marketing"]),
                prop::sample::select(Act::ALL.to_vec()),
                prop::sample::select(Actor::ALL.to_vec()),
                -300i64..=300,
            ), 0..8),
            code in prop::sample::select(vec!["email.offers", "sms.news", "profiling", "home_location", "no_marketing", "pause"]),
            switch in prop::sample::select(Switch::ALL.to_vec()),
        ) {
            let mut consents = fold(&events);
            let choice = choice(code, switch);
            for (event, _) in choice.events(Road::PreferencePage, &brand(), &consents.clone(), &ids(), now()).unwrap() {
                consents.record(&event, 1);
            }
            prop_assert!(choice.holds(&consents, now()));
            prop_assert!(!choice.turns(&consents, now()));
            let allowed = match &choice.purpose {
                Purpose::Data(purpose) => consents.allows(*purpose, now()),
                Purpose::Topic { .. } | Purpose::Objection(_) => consents.state(&choice.purpose, now()).is_granted(),
            };
            prop_assert_eq!(allowed, switch == Switch::On);
        }
    }
}
