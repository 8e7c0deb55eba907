//! I11, from what a brand says of people to the decision: what an offer does not declare, or somebody did not agree to,
//! changes nothing.

use std::collections::BTreeSet;

use super::*;
use crate::attribute::FactKind;
use crate::batch::{Block, Plan, Verdicts};
use crate::campaign::Goal;
use crate::cap::ContactRing;
use crate::document::ContextDocument;
use crate::habit::reaction;
use crate::receipt::Outcome;

/// What is said of a person, as a brand sends it, and how many hours ago they were written to.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) context: Value,
    pub(super) written_hours_ago: Vec<u32>,
}

/// What each field of a context tells of. Facts tell of themselves.
const TELLS_OF: [(&str, &[Attribute]); 9] = [
    ("home", &[Attribute::Home]),
    ("interests", &[Attribute::Interests]),
    ("current_place", &[Attribute::CurrentPlace]),
    ("active_hours", &[Attribute::ActiveHours]),
    ("clicked_hours", &[Attribute::ActiveHours]),
    ("time_zone", &[Attribute::ActiveHours]),
    ("spent", &[Attribute::Lifecycle]),
    ("last_activity", &[Attribute::Lifecycle, Attribute::Reaction]),
    (
        "purchases",
        &[Attribute::Purchases, Attribute::Lifecycle, Attribute::Reaction],
    ),
];

impl Said {
    /// With all of another's that tells of an attribute, but for a field that tells of one that may be read too.
    fn replaced(&self, attribute: Attribute, by: &Self, may_read: impl Fn(Attribute) -> bool) -> Self {
        let mut said = self.clone();
        for (field, told) in TELLS_OF {
            if told.contains(&attribute) && !told.iter().any(|each| may_read(*each)) {
                said.context[field] = by.context[field].clone();
            }
        }
        match attribute {
            Attribute::Reaction => said.written_hours_ago.clone_from(&by.written_hours_ago),
            Attribute::Fact(fact) => match by.context["facts"].get(fact.code()) {
                Some(value) => said.context["facts"][fact.code()] = value.clone(),
                None => drop(said.context["facts"].as_object_mut().unwrap().remove(fact.code())),
            },
            Attribute::Home
            | Attribute::Purchases
            | Attribute::Interests
            | Attribute::Lifecycle
            | Attribute::CurrentPlace
            | Attribute::ActiveHours => {}
        }
        said
    }

    /// As it is derived wherever a context is stored. The day of the last sign of somebody is left out: by it what is kept
    /// lapses, whatever any offer declares.
    pub(super) fn derived(&self, hint: ConsentHint, now: Timestamp) -> AudienceRecord {
        let document: ContextDocument = serde_json::from_value(self.context.clone()).unwrap();
        let context = CustomerContext::try_from(&document).unwrap();
        let ago = |hours: &u32| now - SignedDuration::from_hours(i64::from(*hours));
        let written = self.written_hours_ago.iter().map(ago);
        let seconds = written.map(|at| u32::try_from(at.as_second()).unwrap());
        let contacts = ContactRing::from_parts(seconds.collect(), None);
        let habits = Habits {
            quarters_ahead: context.time_zone.as_ref().map(|zone| zone.quarters_ahead(now)),
            reaction: reaction(&contacts, context.last_act(), now),
            ..Habits::default()
        };
        AudienceRecord::derive(&context, 1, hint, habits, now)
    }
}

/// Things with needs of a home, with a season, that last, that are used up, and what goes with them.
const SOLD: [&str; 12] = [
    "lawnmower",
    "garden-tools",
    "running-shoes",
    "running-gear",
    "tall-wardrobe",
    "bedding",
    "wood-stove",
    "christmas-tree-3m",
    "christmas-decorations",
    "exhibition-tickets",
    "books",
    "coffee-pods",
];

fn sold() -> impl Strategy<Value = &'static str> {
    prop::sample::select(SOLD.to_vec())
}

fn near_lyon() -> impl Strategy<Value = (f64, f64)> {
    (45.66f64..45.87, 4.69f64..4.98)
}

fn cell() -> impl Strategy<Value = String> {
    near_lyon().prop_map(|(north, east)| Cell::at_degrees(north, east).unwrap().to_hex())
}

fn day(days_ago: i64) -> String {
    (world().now - SignedDuration::from_hours(24 * days_ago)).to_string()[..10].to_owned()
}

fn value_of(fact: Fact) -> BoxedStrategy<Value> {
    match fact.kind() {
        FactKind::Flag => any::<bool>().prop_map(Value::from).boxed(),
        FactKind::Number { least, most, .. } => (least..=most.min(least + 24)).prop_map(Value::from).boxed(),
        FactKind::Word(words) => prop::sample::select(words.to_vec()).prop_map(Value::from).boxed(),
    }
}

fn facts_said() -> impl Strategy<Value = Value> {
    let values: Vec<_> = Fact::ALL.map(|fact| prop::option::weighted(0.9, value_of(fact))).into();
    values.prop_map(|values| {
        let known = Fact::ALL.into_iter().zip(values);
        known
            .filter_map(|(fact, value)| Some((fact.code().to_owned(), value?)))
            .collect()
    })
}

fn said() -> impl Strategy<Value = Said> {
    let areas = prop::option::of(prop::sample::select(Area::ALL.map(Area::code).to_vec()));
    let home = prop::option::weighted(0.9, (cell(), areas));
    let current_place = prop::option::weighted(0.7, (cell(), -2i64..13));
    let acts = (
        prop::collection::vec((sold(), 0i64..700), 0..6),
        prop::option::of((0i64..400).prop_map(day)),
        prop::option::of(0u32..1_000),
        prop::collection::vec(0u32..1_500, 0..5),
    );
    let hours = (
        prop::collection::vec(0u8..24, 0..6),
        prop::collection::vec(0u8..24, 0..6),
        prop::option::weighted(0.9, prop::sample::select(vec!["Europe/Paris", "Indian/Reunion"])),
    );
    let interests = prop::collection::vec(sold(), 0..4);
    (home, current_place, facts_said(), interests, acts, hours).prop_map(
        |(home, current_place, facts, interests, acts, hours)| {
            let (purchases, last_activity, spent, written_hours_ago) = acts;
            let (active_hours, clicked_hours, time_zone) = hours;
            let bought = |(category, days_ago): (&str, i64)| json!({"category": category, "on": day(days_ago)});
            let until = |hours: i64| (world().now + SignedDuration::from_hours(hours)).to_string();
            let context = json!({
                "home": home.map(|(cell, area)| json!({"cell": cell, "area": area})),
                "current_place": current_place.map(|(cell, hours)| json!({"cell": cell, "until": until(hours)})),
                "facts": facts,
                "interests": interests,
                "purchases": purchases.into_iter().map(bought).collect::<Value>(),
                "last_activity": last_activity,
                "spent": spent,
                "active_hours": active_hours,
                "clicked_hours": clicked_hours,
                "time_zone": time_zone
            });
            Said {
                context,
                written_hours_ago,
            }
        },
    )
}

/// Somebody, what might be said of them instead, an offer and its campaign. What reads an attribute is part of the offer
/// where the attribute is declared.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) said: Said,
    instead: Said,
    pub(super) purposes: u8,
    pub(super) declared: BTreeSet<Attribute>,
    category: &'static str,
    pub(super) rules: Vec<RuleOfCase>,
    pub(super) places: Vec<Value>,
    season: Option<Vec<u8>>,
    pub(super) ends_in_hours: i64,
    pub(super) goal: Goal,
    pub(super) threshold: u32,
    pub(super) has_segment: bool,
}

#[derive(Debug, Clone)]
pub(super) struct RuleOfCase {
    reads: Vec<Attribute>,
    pub(super) when: Value,
    pub(super) unknown: &'static str,
}

fn condition_on_a_fact(fact: Fact) -> BoxedStrategy<Value> {
    let compares = match fact.kind() {
        FactKind::Flag => vec!["is"],
        FactKind::Number { .. } => vec!["at_least", "at_most"],
        FactKind::Word(_) => vec!["is", "in"],
    };
    let compared = (value_of(fact), prop::sample::select(compares)).prop_map(move |(value, how)| {
        let value = if how == "in" { json!([value]) } else { value };
        json!({"attribute": fact.code(), how: value})
    });
    prop_oneof![4 => compared, 1 => Just(json!({"known": fact.code()}))].boxed()
}

/// A condition with what it reads.
fn condition() -> impl Strategy<Value = (Attribute, Value)> {
    let fact = prop::sample::select(Fact::ALL.to_vec())
        .prop_flat_map(|fact| (Just(Attribute::Fact(fact)), condition_on_a_fact(fact)));
    let bought = (sold(), prop::sample::select(vec![60, 600])).prop_map(|(slug, days)| {
        let condition = json!({"not": {"purchased": slug, "within_days": days}});
        (Attribute::Purchases, condition)
    });
    let liked = sold().prop_map(|slug| (Attribute::Interests, json!({"interested": slug})));
    prop_oneof![12 => fact, 1 => bought, 1 => liked]
}

fn rule() -> impl Strategy<Value = RuleOfCase> {
    let unknown = prop_oneof![3 => Just("neutral"), 1 => Just("exclude")];
    let how = prop::sample::select(vec!["alone", "all", "any"]);
    (condition(), condition(), how, unknown).prop_map(|((first, when), (second, and), how, unknown)| {
        let (reads, when) = match how {
            "alone" => (vec![first], when),
            _ => (vec![first, second], json!({how: [when, and]})),
        };
        RuleOfCase { reads, when, unknown }
    })
}

fn place() -> impl Strategy<Value = Value> {
    let hours = vec![
        None,
        Some(json!({"tuesday": ["09:00-19:00"]})),
        Some(json!({"tuesday": ["11:00-18:00"], "saturday": ["10:00-12:00"]})),
        Some(json!({"monday": ["09:00-12:00"]})),
    ];
    (near_lyon(), 12_000u32..40_000, prop::sample::select(hours)).prop_map(|((north, east), radius, hours)| {
        let mut place = json!({"id": "p", "name": "Halle", "latitude": north, "longitude": east, "radius_m": radius,
            "travel_m": {"dense_city": radius / 2, "town": radius, "country": radius * 3 / 2}});
        if let Some(hours) = hours {
            place["hours"] = hours;
        }
        place
    })
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let catalogue: Vec<Attribute> = Attribute::all().collect();
    let most = catalogue.len();
    let person = (said(), said(), 0u8..16, 0u8..16);
    let reads = (
        prop::sample::subsequence(catalogue, 0..=most),
        prop::collection::vec(rule(), 0..5),
        any::<bool>(),
    );
    let offer = (
        sold(),
        prop::collection::vec(place(), 0..3),
        prop::option::of(prop::collection::vec(1u8..13, 1..4)),
        prop::sample::select(vec![3i64, 24 * 5, 24 * 30]),
    );
    let campaign = (
        prop::sample::select(Goal::ALL.to_vec()),
        prop::sample::select(vec![0u32, 3_000, 5_000]),
    );
    (person, reads, offer, campaign).prop_map(|(person, reads, offer, campaign)| {
        let (said, instead, some, more) = person;
        let (declared, rules, has_segment) = reads;
        let is_declared = |from: Attribute| declared.contains(&from);
        let declared = declared
            .iter()
            .copied()
            .filter(|each| each.follows_from().is_none_or(is_declared))
            .collect();
        let (category, places, season, ends_in_hours) = offer;
        let (goal, threshold) = campaign;
        Case {
            said,
            instead,
            // Three of four agree to each purpose.
            purposes: some | more,
            declared,
            category,
            rules,
            places,
            season,
            ends_in_hours,
            goal,
            threshold,
            has_segment,
        }
    })
}

/// How it ends, the relevance and what each factor adds.
type ByColumns = (Option<Outcome>, u16, [u8; 5]);

/// What all of judging, judging by columns and deciding answer about one record.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    judged: Result<Score, Withheld>,
    by_columns: ByColumns,
    decided: Decision,
}

impl Answer {
    const fn is_scored(&self) -> bool {
        match &self.judged {
            Ok(_) => true,
            Err(withheld) => withheld.score.is_some(),
        }
    }
}

impl Case {
    /// The same with an attribute declared and agreed to, and with one that is agreed to alone.
    pub(super) fn with(&self, attribute: Attribute) -> [Self; 2] {
        let mut agreed = self.clone();
        agreed.purposes |= DataPurpose::ALL
            .into_iter()
            .enumerate()
            .filter(|(_, purpose)| attribute.purposes().contains(purpose))
            .fold(0, |bits, (position, _)| bits | (1 << position));
        agreed
            .declared
            .retain(|each| *each != attribute && each.follows_from() != Some(attribute));
        let mut declared = agreed.clone();
        declared.declared.insert(attribute);
        declared.declared.extend(attribute.follows_from());
        [declared, agreed]
    }

    pub(super) fn hint(&self) -> ConsentHint {
        ConsentHint {
            topics: world().record.hint.topics,
            purposes: self.purposes,
            ..ConsentHint::default()
        }
    }

    pub(super) fn may_read(&self, attribute: Attribute) -> bool {
        self.declared.contains(&attribute) && self.hint().lets_read(attribute)
    }

    /// Every attribute that no decision may read, with what is said otherwise of the person, and of it alone.
    fn unread(&self) -> impl Iterator<Item = (Attribute, Said)> {
        let unread = Attribute::all().filter(|attribute| !self.may_read(*attribute));
        unread.map(|attribute| {
            let may_read = |each| self.may_read(each);
            (attribute, self.said.replaced(attribute, &self.instead, may_read))
        })
    }

    /// The offer and its campaign, such as the API takes them.
    pub(super) fn world(&self) -> World {
        let mut world = world();
        let declares = |attribute: Attribute| self.declared.contains(&attribute);
        let rules = self.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| rule.reads.iter().all(|each| declares(*each)));
        let has_places = declares(Attribute::Home) || declares(Attribute::CurrentPlace);
        let until = world.now + SignedDuration::from_hours(self.ends_in_hours);
        world.offer["category"] = self.category.into();
        world.offer["uses"] = uses(&self.declared.iter().map(|each| each.code()).collect::<Vec<_>>());
        world.offer["rules"] = rules
            .map(|(number, rule)| json!({"name": format!("r{number}"), "when": rule.when, "unknown": rule.unknown, "because": because()}))
            .collect();
        world.offer["places"] = self.places.iter().filter(|_| has_places).cloned().collect();
        for (number, place) in (0..).zip(world.offer["places"].as_array_mut().unwrap()) {
            place["id"] = format!("p{number}").into();
        }
        world.offer["season"] = json!(self.season);
        world.offer["window"]["until"] = until.to_string().into();
        let is_refused = self.goal == Goal::Anticipate && !declares(Attribute::Purchases);
        let goal = if is_refused { Goal::Retain } else { self.goal };
        world.campaign["goal"] = goal.code().into();
        world.campaign["threshold_bp"] = self.threshold.into();
        world.campaign["minimum_evidence_bp"] = 2_000.into();
        world.campaign["best_hour"] = declares(Attribute::ActiveHours).into();
        if self.has_segment && declares(Attribute::Lifecycle) {
            world.campaign["audience"] = json!({"lifecycle": ["prospect", "new", "active", "lapsing"]});
        }
        world
    }

    /// Whether the record holds anything else if this is said instead.
    fn tells_apart(&self, instead: &Said) -> bool {
        let derived = |said: &Said| said.derived(self.hint(), world().now);
        derived(&self.said) != derived(instead)
    }

    /// Whether judging one by one and by columns answer anything else if this is said instead.
    fn decides_otherwise(&self, instead: &Said) -> bool {
        let answers = self.answers(&[&self.said, instead]);
        answers[0].judged != answers[1].judged && answers[0].by_columns != answers[1].by_columns
    }

    /// The answers about people of whom this is said and who agreed to what the person did.
    fn answers(&self, said: &[&Said]) -> Vec<Answer> {
        let world = self.world();
        let derived = said.iter().map(|each| each.derived(self.hint(), world.now));
        let records: Vec<AudienceRecord> = derived.collect();
        world.with(|proposal, customer| {
            assert_eq!(proposal.campaign.undeclared(proposal.offer), None);
            let by_columns = judged_by_columns(proposal, &records, world.now);
            let answers = records.iter().zip(by_columns).map(|(record, by_columns)| Answer {
                judged: judge(proposal, customer, record, world.now),
                by_columns,
                decided: decided(proposal, customer, record, &world.standing, world.now),
            });
            answers.collect()
        })
    }
}

fn judged_by_columns(proposal: Proposal<'_>, records: &[AudienceRecord], now: Timestamp) -> Vec<ByColumns> {
    let (mut block, mut verdicts) = (Block::default(), Verdicts::default());
    for record in records {
        block.push(record, EpochDay::of(now));
    }
    Plan::new(proposal, now).judge(&block, |_| false, &mut verdicts);
    let people = 0..records.len();
    people
        .map(|person| {
            let relevance = verdicts.relevance()[person];
            (verdicts.outcome(person), relevance, verdicts.contributions(person))
        })
        .collect()
}

fn decided(
    proposal: Proposal<'_>,
    customer: &CustomerId,
    record: &AudienceRecord,
    standing: &Standing,
    now: Timestamp,
) -> Decision {
    let contact = crate::fixture::contact(Language::French);
    let fresh = Fresh {
        customer,
        standing,
        record,
        reachable: Reachable::Yes(&contact),
        waited: false,
        rivals: &[],
    };
    decide(proposal, fresh, AttemptId::new("a").unwrap(), now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_undeclared_or_not_agreed_to_changes_no_decision(case in case()) {
        let unread: Vec<(Attribute, Said)> = case.unread().collect();
        let said: Vec<&Said> = [&case.said].into_iter().chain(unread.iter().map(|(_, said)| said)).collect();
        let answers = case.answers(&said);
        for ((attribute, _), answer) in unread.iter().zip(&answers[1..]) {
            prop_assert_eq!(answer, &answers[0], "{:?}", attribute);
        }
    }
}

/// The property above compares something: a good part of the records that it changes come to a score, and each change that it
/// finds without effect has one where the attribute is declared and agreed to.
#[test]
fn what_changes_no_decision_undeclared_changes_some_once_declared_and_agreed_to() {
    let (mut compared, mut scored) = (0, 0);
    let mut without_effect: BTreeSet<Attribute> = Attribute::all().collect();
    for case in sample(case(), 250) {
        let is_scored = case.answers(&[&case.said])[0].is_scored();
        for (attribute, instead) in case.unread().filter(|(_, instead)| case.tells_apart(instead)) {
            compared += 1;
            scored += usize::from(is_scored);
            // What is agreed to besides may let others be read that the change is about too: by itself it does nothing.
            let [declared, agreed] = case.with(attribute);
            let is_open = without_effect.contains(&attribute);
            if is_open && declared.decides_otherwise(&instead) && !agreed.decides_otherwise(&instead) {
                without_effect.remove(&attribute);
            }
        }
    }
    assert!(without_effect.is_empty(), "{without_effect:?}");
    assert!(scored * 3 >= compared, "{scored} scored of {compared} compared");
}
