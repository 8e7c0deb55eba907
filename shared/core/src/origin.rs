//! Where each fact of a context came from and since when, and the person's own corrections, which no import undoes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, Fact, FactKind};
use crate::context::CustomerContext;
use crate::document::{ContextDocument, FieldError, HomeDocument};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The brand, through its API.
    Brand,
    /// The person, on their own page.
    Person,
    /// Apropos, from what the person did with its messages.
    Observed,
}

/// Where a fact came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Who said it.
    pub source: Source,
    /// Since when it has been so.
    #[serde(with = "crate::time::as_text")]
    pub at: Timestamp,
}

/// The origin of each fact by its name: `home`, `last_activity`, `dwelling.garden`, `interest:books`,
/// `purchase:books:2026-11-02`. A name without a fact is one that the person removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origins(pub BTreeMap<String, Origin>);

/// What is to be held when this comes in over that, with the origins. What the person said stays, whatever a brand sends
/// (GDPR 16): also that something is not so.
#[must_use]
pub fn settle(
    held: Option<(&CustomerContext, &Origins)>,
    incoming: &CustomerContext,
    source: Source,
    now: Timestamp,
) -> (CustomerContext, Origins) {
    let nothing = (CustomerContext::default(), Origins::default());
    let (held, origins) = held.unwrap_or((&nothing.0, &nothing.1));
    // A current place that has ended is not used any more, so it is not kept either, and nobody removed it.
    let lasting = |context: &CustomerContext| CustomerContext {
        current_place: context.current_place.filter(|place| place.holds(now)),
        ..context.clone()
    };
    let (held, mut settled) = (&lasting(held), lasting(incoming));
    if source == Source::Brand {
        // No brand tells of these, so none leaves them out.
        settled.clicked_hours.clone_from(&held.clicked_hours);
    }
    if source != Source::Person {
        for (name, origin) in &origins.0 {
            if origin.source == Source::Person {
                carry(name, held, &mut settled);
            }
        }
    }
    let (before, after) = (values(held), values(&settled));
    let mut next = Origins::default();
    for (name, value) in &after {
        let same = before.get(name) == Some(value);
        let kept = origins.0.get(name).filter(|_| same).cloned();
        next.0.insert(name.clone(), kept.unwrap_or(Origin { source, at: now }));
    }
    for (name, origin) in &origins.0 {
        if origin.source == Source::Person && !after.contains_key(name) {
            next.0.insert(name.clone(), origin.clone());
        }
    }
    if source == Source::Person {
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            next.0.insert(name.clone(), Origin { source, at: now });
        }
    }
    (settled, next)
}

/// Each fact with its value as text.
#[must_use]
pub fn values(context: &CustomerContext) -> BTreeMap<String, String> {
    let document = ContextDocument::of(context);
    let mut values = BTreeMap::new();
    if let Some(HomeDocument {
        cell, uncertainty_m, ..
    }) = document.home
    {
        values.insert("home".to_owned(), format!("{cell} ±{uncertainty_m}"));
    }
    for (code, value) in document.facts {
        values.insert(code, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    for slug in document.interests {
        values.insert(format!("interest:{slug}"), String::new());
    }
    for purchase in document.purchases {
        values.insert(format!("purchase:{}:{}", purchase.category, purchase.on), String::new());
    }
    if let Some(day) = document.last_activity {
        values.insert("last_activity".to_owned(), day);
    }
    if let Some(place) = document.current_place {
        values.insert(
            "current_place".to_owned(),
            format!("{} until {}", place.cell, place.until),
        );
    }
    if let Some(spent) = document.spent {
        values.insert("spent".to_owned(), spent.to_string());
    }
    for (name, hours) in [
        ("active_hours", document.active_hours),
        ("clicked_hours", document.clicked_hours),
    ] {
        if !hours.is_empty() {
            let hours: Vec<String> = hours.iter().map(u8::to_string).collect();
            values.insert(name.to_owned(), hours.join(" "));
        }
    }
    values
}

/// Makes one fact in a context what it is in another.
fn carry(name: &str, from: &CustomerContext, to: &mut CustomerContext) {
    if let Some(slug) = name.strip_prefix("interest:") {
        to.interests.retain(|each| each.slug() != slug);
        to.interests
            .extend(from.interests.iter().filter(|each| each.slug() == slug));
        return;
    }
    if let Some(rest) = name.strip_prefix("purchase:") {
        let is_it = |purchase: &crate::context::Purchase| {
            format!("{}:{}", purchase.category.slug(), purchase.on.date()) == rest
        };
        to.purchases.retain(|each| !is_it(each));
        to.purchases.extend(from.purchases.iter().filter(|each| is_it(each)));
        return;
    }
    match (name, Attribute::from_code(name)) {
        ("home", _) => to.home = from.home,
        ("last_activity", _) => to.last_activity = from.last_activity,
        ("current_place", _) => to.current_place = from.current_place,
        ("active_hours", _) => to.active_hours.clone_from(&from.active_hours),
        ("clicked_hours", _) => to.clicked_hours.clone_from(&from.clicked_hours),
        ("spent", _) => to.spent = from.spent,
        // A value that was held is one of the fact's.
        (_, Some(Attribute::Fact(fact))) => to.facts.set(fact, from.facts.get(fact)).unwrap_or_default(),
        (_, Some(_) | None) => {}
    }
}

/// A correction of one fact by its person; nothing instead of a value removes it.
///
/// # Errors
/// [`FieldError`] when there is no such fact, or the value is not one of its.
pub fn corrected(context: &CustomerContext, name: &str, value: Option<&str>) -> Result<CustomerContext, FieldError> {
    let mut document = ContextDocument::of(context);
    let unknown = || FieldError::new("field", "is not one that is kept");
    if let Some(slug) = name.strip_prefix("interest:") {
        document.interests.retain(|each| each != slug);
        if value.is_some() {
            document.interests.push(slug.to_owned());
        }
    } else if let Some(rest) = name.strip_prefix("purchase:") {
        // Something bought can be removed; adding it is the shop's business.
        if value.is_some() {
            return Err(unknown());
        }
        document
            .purchases
            .retain(|each| format!("{}:{}", each.category, each.on) != rest);
    } else {
        match (name, Attribute::from_code(name), value) {
            ("home", _, None) => document.home = None,
            ("home", _, Some(cell)) => {
                document.home = Some(HomeDocument {
                    cell: cell.to_owned(),
                    uncertainty_m: 0,
                    area: None,
                });
            }
            ("last_activity", _, None) => document.last_activity = None,
            ("current_place", _, None) => document.current_place = None,
            ("active_hours", _, None) => document.active_hours = Vec::new(),
            ("clicked_hours", _, None) => document.clicked_hours = Vec::new(),
            ("spent", _, None) => document.spent = None,
            (_, Some(Attribute::Fact(fact)), None) => {
                document.facts.remove(fact.code());
            }
            (_, Some(Attribute::Fact(fact)), Some(value)) => {
                document.facts.insert(fact.code().to_owned(), typed(fact, value));
            }
            _ => return Err(unknown()),
        }
    }
    CustomerContext::try_from(&document)
}

fn typed(fact: Fact, value: &str) -> serde_json::Value {
    match fact.kind() {
        FactKind::Flag => value.parse::<bool>().map_or(serde_json::Value::Null, Into::into),
        FactKind::Number { .. } => value.parse::<i64>().map_or(serde_json::Value::Null, Into::into),
        FactKind::Word(_) => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_fact_keeps_its_origin_until_it_changes() {
        let first = fixture::context();
        let (held, origins) = settle(None, &first, Source::Brand, at(0));
        assert_eq!(held, first);
        let changed = corrected(&first, "dwelling.garden", Some("true")).unwrap();
        let (held, origins) = settle(Some((&held, &origins)), &changed, Source::Brand, at(60));
        assert_eq!(held, changed);
        assert_eq!(origins.0["home"].at, at(0));
        assert_eq!(origins.0["dwelling.garden"].at, at(60));
    }

    #[test]
    fn an_import_undoes_no_correction_and_brings_nothing_back_that_was_removed() {
        let import = corrected(&fixture::context(), "dwelling.garden", Some("true")).unwrap();
        let (held, origins) = settle(None, &import, Source::Brand, at(0));
        let mut wanted = held.clone();
        for (name, value) in [
            ("dwelling.garden", Some("false")),
            ("interest:exhibition-tickets", None),
            ("home", None),
        ] {
            wanted = corrected(&wanted, name, value).unwrap();
        }
        let (held, origins) = settle(Some((&held, &origins)), &wanted, Source::Person, at(60));
        assert_eq!(held, wanted);
        let (after, origins) = settle(Some((&held, &origins)), &import, Source::Brand, at(120));
        assert_eq!(values(&after), values(&wanted));
        assert_eq!(origins.0["home"].source, Source::Person);
        // What the person never spoke of is the brand's to change.
        assert_eq!(after.purchases, import.purchases);
    }

    #[test]
    fn what_was_learned_from_clicks_outlives_an_import_and_not_the_persons_no() {
        let import = fixture::context();
        let (mut held, mut origins) = settle(None, &import, Source::Brand, at(0));
        for second in 1..4 {
            let mut learned = held.clone();
            crate::habit::keep_hour(&mut learned.clicked_hours, 19);
            (held, origins) = settle(Some((&held, &origins)), &learned, Source::Observed, at(second));
        }
        assert_eq!(origins.0["clicked_hours"].source, Source::Observed);
        let (held, origins) = settle(Some((&held, &origins)), &import, Source::Brand, at(60));
        assert_eq!(held.clicked_hours, [19; 3]);
        let without = corrected(&held, "clicked_hours", None).unwrap();
        let (held, origins) = settle(Some((&held, &origins)), &without, Source::Person, at(120));
        let mut learned = held.clone();
        crate::habit::keep_hour(&mut learned.clicked_hours, 20);
        let (held, _) = settle(Some((&held, &origins)), &learned, Source::Observed, at(180));
        assert!(held.clicked_hours.is_empty());
    }

    #[test]
    fn a_current_place_that_has_ended_is_not_kept_by_the_next_write() {
        let told = CustomerContext {
            current_place: Some(crate::context::CurrentPlace {
                cell: crate::place::Cell::at_degrees(45.76, 4.84).unwrap(),
                until: at(3_600),
            }),
            ..fixture::context()
        };
        let (held, origins) = settle(None, &told, Source::Brand, at(0));
        assert!(held.current_place.is_some() && origins.0.contains_key("current_place"));
        let corrected = corrected(&held, "dwelling.garden", Some("true")).unwrap();
        let (held, origins) = settle(Some((&held, &origins)), &corrected, Source::Person, at(3_600));
        assert_eq!(held.current_place, None);
        // It ended by itself: the person has not refused the next one.
        let told_again = CustomerContext {
            current_place: told.current_place.map(|place| crate::context::CurrentPlace {
                until: at(9_000),
                ..place
            }),
            ..corrected
        };
        let (held, _) = settle(Some((&held, &origins)), &told_again, Source::Brand, at(7_200));
        assert!(held.current_place.is_some());
    }

    #[test]
    fn what_is_not_kept_or_not_a_value_cannot_be_corrected() {
        let context = fixture::context();
        for (name, value) in [
            ("religion", Some("none")),
            ("dwelling.garden", Some("perhaps")),
            ("purchase:books:2026-11-02", Some("x")),
            ("interest:nonsense", Some("on")),
            ("home", Some("not a cell")),
            ("last_activity", Some("2026-11-02")),
        ] {
            assert!(corrected(&context, name, value).is_err(), "{name}");
        }
    }
}
