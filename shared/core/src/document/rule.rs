//! Suitability rules as JSON, checked against the catalogue of attributes and the offer's declared uses. What is refused
//! is refused at the faulty node, such as `rules[0].when.all[1]`, which [`FieldError::pointer`] tells as a JSON pointer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::fact_value;
use super::field::{At, FieldError, text};
use super::number::whole_or_none;
use crate::attribute::{Attribute, Fact, FactKind, speaks_of_price};
use crate::language::{Language, Localized};
use crate::offer::DeclaredUse;
use crate::product_code::named;
use crate::suitability::{Condition, OnUnknown, Rule};

/// The most rules of an offer, and the most parts of a condition.
pub(super) const MOST_RULES: usize = 20;
const DEEPEST: usize = 8;
/// The most conditions of all rules of an offer, nested ones too: each is asked of everybody, and an offer has to fit into an
/// item of the table, which is 400 KB.
const MOST_CONDITIONS: usize = 200;
/// The most values of one `in`.
const MOST_VALUES: usize = 50;

/// A suitability rule.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    /// A short name.
    pub name: String,
    /// What must hold.
    pub when: ConditionDocument,
    /// `exclude` (if absent) or `neutral`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Why a person it leaves out is left out.
    pub because: Localized,
}

/// A condition: exactly one of `all`, `any`, `not`, `attribute` (with `is`, `in`, `at_most` or `at_least`), `known`,
/// `purchased` (with `within_days`) and `interested`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionDocument {
    /// Every part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Self>>,
    /// At least one part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Self>>,
    /// Not the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Self>>,
    /// The fact compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The value it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
    /// The values it may have.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// The most it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Value>,
    /// The least it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Value>,
    /// The fact that must be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// The category bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchased: Option<String>,
    /// Within so many days.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_or_none::<_, _, 1, 3_650>"
    )]
    pub within_days: Option<u16>,
    /// The category liked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interested: Option<String>,
}

/// What is told of a field of an offer that is not known, by the path of what holds it and its name, where that is more than
/// which fields are known: a rule says whom an offer suits, and the price is the same for everybody.
#[must_use]
pub fn more_of_unknown_field(path: &str, name: &str) -> Option<&'static str> {
    let is_in_a_rule = path.starts_with("rules[") || path.contains(".rules[");
    (is_in_a_rule && speaks_of_price(name))
        .then_some("may not hold a price: a price does not depend on the person, so no rule may set one")
}

/// What the nodes of a rule are checked against.
#[derive(Clone, Copy)]
struct Checked<'a> {
    rule: &'a str,
    uses: &'a [DeclaredUse],
}

/// Checks one rule.
pub(super) fn rule(document: &RuleDocument, uses: &[DeclaredUse]) -> Result<Rule, FieldError> {
    let name = text("name", &document.name, 60)?.to_owned();
    let checked = Checked { rule: &name, uses };
    let condition = condition(&document.when, checked, DEEPEST).map_err(|error| error.within("when"))?;
    let unknown = match document.unknown.as_deref() {
        None | Some("exclude") => OnUnknown::Exclude,
        Some("neutral") => OnUnknown::Neutral,
        Some(_) => return Err(FieldError::new("unknown", "must be 'exclude' or 'neutral'")),
    };
    for language in Language::ALL {
        text(
            &format!("because.{}", language.tag()),
            document.because.get(language),
            200,
        )?;
    }
    Ok(Rule {
        name,
        condition,
        unknown,
        because: document.because.clone(),
    })
}

/// Whether the conditions of new rules are as few as they have to be.
pub(super) fn are_few(rules: &[RuleDocument]) -> Result<(), FieldError> {
    let mut conditions = 0;
    for (position, rule) in rules.iter().enumerate() {
        let when = format!("rules[{position}].when");
        conditions += rule.when.count().map_err(|error| error.within(&when))?;
        if conditions > MOST_CONDITIONS {
            return Err(FieldError::new(
                when,
                format_args!("must not take the conditions of all rules, nested ones too, beyond {MOST_CONDITIONS}"),
            ));
        }
    }
    Ok(())
}

impl ConditionDocument {
    /// Its parts, each with the field that it is in.
    fn parts(&self) -> impl Iterator<Item = (String, &Self)> {
        let lists = [("all", &self.all), ("any", &self.any)].into_iter();
        let listed = lists.flat_map(|(field, list)| {
            let parts = list.iter().flatten().enumerate();
            parts.map(move |(position, part)| (format!("{field}[{position}]"), part))
        });
        listed.chain(self.not.iter().map(|part| ("not".to_owned(), &**part)))
    }

    /// How many conditions it is made of, itself among them, if none names too many values.
    fn count(&self) -> Result<usize, FieldError> {
        if self.one_of.as_ref().is_some_and(|values| values.len() > MOST_VALUES) {
            return Err(FieldError::new(
                "in",
                format_args!("must name at most {MOST_VALUES} values"),
            ));
        }
        self.parts().try_fold(1, |count, (field, part)| {
            Ok(count + part.count().map_err(|error| error.within(&field))?)
        })
    }
}

impl Checked<'_> {
    /// The node itself is at fault, not one of its members.
    fn declared(self, attribute: Attribute) -> Result<(), FieldError> {
        if self.uses.iter().any(|each| each.attribute == attribute) {
            return Ok(());
        }
        let problem = format!(
            "reads '{}', which the offer does not declare in uses (rule '{}')",
            attribute.code(),
            self.rule
        );
        Err(FieldError::new("", problem))
    }

    fn fact(self, field: &str, code: &str) -> Result<Fact, FieldError> {
        match Attribute::from_code(code) {
            Some(Attribute::Fact(fact)) => self.declared(Attribute::Fact(fact)).map(|()| fact),
            _ => Err(FieldError::new(field, super::offer::not_a_fact(code))),
        }
    }
}

fn condition(document: &ConditionDocument, checked: Checked<'_>, depth: usize) -> Result<Condition, FieldError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(FieldError::new(
            "",
            format_args!("must not be nested more than {DEEPEST} deep"),
        ));
    };
    let ConditionDocument {
        all,
        any,
        not,
        attribute,
        is,
        one_of,
        at_most,
        at_least,
        known,
        purchased,
        within_days,
        interested,
    } = document;
    let kinds = [
        all.is_some(),
        any.is_some(),
        not.is_some(),
        attribute.is_some(),
        known.is_some(),
        purchased.is_some(),
        interested.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        let problem = "must be exactly one of 'all', 'any', 'not', 'attribute', 'known', 'purchased' and 'interested'";
        return Err(FieldError::new("", problem));
    }
    if attribute.is_none() && (is.is_some() || one_of.is_some() || at_most.is_some() || at_least.is_some()) {
        return Err(FieldError::new("", "compares without naming an 'attribute'"));
    }
    if purchased.is_none() && within_days.is_some() {
        return Err(FieldError::new("within_days", "belongs to 'purchased' only"));
    }
    if let Some(list) = all {
        return parts("all", list, checked, depth).map(Condition::All);
    }
    if let Some(list) = any {
        return parts("any", list, checked, depth).map(Condition::Any);
    }
    if let Some(part) = not {
        let part = condition(part, checked, depth).map_err(|error| error.within("not"))?;
        return Ok(Condition::Not(Box::new(part)));
    }
    if let Some(code) = attribute {
        return comparison(checked.fact("attribute", code)?, document);
    }
    if let Some(code) = known {
        return checked.fact("known", code).map(Condition::Known);
    }
    if let Some(slug) = purchased {
        let category = named(slug).at("purchased")?;
        checked.declared(Attribute::Purchases)?;
        return match within_days {
            Some(within_days) => Ok(Condition::Purchased {
                category,
                within_days: *within_days,
            }),
            None => Err(FieldError::new(
                "within_days",
                "is missing: within how many days it was bought, from 1 to 3650",
            )),
        };
    }
    let slug = interested.as_deref().unwrap_or_default();
    let category = named(slug).at("interested")?;
    checked.declared(Attribute::Interests)?;
    Ok(Condition::Interested(category))
}

fn parts(
    field: &str,
    list: &[ConditionDocument],
    checked: Checked<'_>,
    depth: usize,
) -> Result<Vec<Condition>, FieldError> {
    if list.is_empty() || list.len() > MOST_RULES {
        return Err(FieldError::new(
            field,
            format_args!("must have 1 to {MOST_RULES} parts"),
        ));
    }
    list.iter()
        .enumerate()
        .map(|(position, part)| {
            condition(part, checked, depth).map_err(|error| error.within(&format!("{field}[{position}]")))
        })
        .collect()
}

fn comparison(fact: Fact, document: &ConditionDocument) -> Result<Condition, FieldError> {
    let value = |field: &str, json: &Value| fact_value(fact, json).map_err(|error| error.within(field));
    let number = |field: &str, json: &Value| match fact.kind() {
        FactKind::Number { .. } => value(field, json),
        FactKind::Flag | FactKind::Word(_) => Err(FieldError::new(
            field,
            format_args!("does not apply to '{}', which is not a number", fact.code()),
        )),
    };
    match (&document.is, &document.one_of, &document.at_most, &document.at_least) {
        (Some(json), None, None, None) => Ok(Condition::Is(fact, value("is", json)?)),
        (None, Some(list), None, None) if list.is_empty() => Err(FieldError::new("in", "must name at least one value")),
        (None, Some(list), None, None) => list
            .iter()
            .enumerate()
            .map(|(position, json)| value(&format!("in[{position}]"), json))
            .collect::<Result<_, _>>()
            .map(|values| Condition::In(fact, values)),
        (None, None, Some(json), None) => Ok(Condition::AtMost(fact, number("at_most", json)?)),
        (None, None, None, Some(json)) => Ok(Condition::AtLeast(fact, number("at_least", json)?)),
        _ => Err(FieldError::new(
            "",
            "must have exactly one of 'is', 'in', 'at_most' and 'at_least'",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    fn refused(uses: &[&str], when: &Value) -> FieldError {
        let mut document = fixture::offer_document();
        let because = json!({"fr": "parce que", "en": "because"});
        document["places"] = json!([]);
        document["uses"] = uses
            .iter()
            .map(|attribute| json!({"attribute": attribute, "because": because}))
            .collect();
        document["rules"] = json!([{"name": "r", "when": when, "because": because}]);
        fixture::offer_from(&document).unwrap_err()
    }

    #[test]
    fn a_rule_over_an_undeclared_attribute_is_refused_at_its_node_by_the_name_of_the_rule() {
        let garden = json!({"attribute": "dwelling.garden", "is": true});
        let floor = json!({"attribute": "dwelling.floor", "at_most": 1});
        for (when, pointer) in [
            (floor.clone(), "/rules/0/when"),
            (json!({"all": [garden, floor]}), "/rules/0/when/all/1"),
            (json!({"any": [garden, {"not": floor}]}), "/rules/0/when/any/1/not"),
            (
                json!({"all": [garden, {"any": [garden, {"known": "dwelling.floor"}]}]}),
                "/rules/0/when/all/1/any/1",
            ),
        ] {
            let error = refused(&["dwelling.garden"], &when);
            assert_eq!(error.pointer(), pointer);
            assert!(
                error.problem.contains("'dwelling.floor'") && error.problem.contains("rule 'r'"),
                "{error}"
            );
        }
        let bought = json!({"purchased": "books", "within_days": 30});
        assert!(refused(&["interests"], &bought).problem.contains("'purchases'"));
        assert!(
            refused(&["purchases"], &json!({"interested": "books"}))
                .problem
                .contains("'interests'")
        );
    }

    #[test]
    fn offers_and_rules_may_name_a_category_by_a_code_that_means_one() {
        for code in ["google:784", "gpc:10000926"] {
            let mut document = fixture::offer_document();
            document["category"] = code.into();
            assert_eq!(
                fixture::offer_from(&document).unwrap().category.slug(),
                "books",
                "{code}"
            );
        }
        let mut vague = fixture::offer_document();
        vague["category"] = "gpc:10003353".into();
        assert_eq!(fixture::offer_from(&vague).unwrap_err().pointer(), "/category");
        let bought = |category| json!({"purchased": category, "within_days": 30});
        for (when, pointer) in [
            (bought("gpc:10003353"), "/rules/0/when/purchased"),
            (json!({"interested": "gpc:10003353"}), "/rules/0/when/interested"),
            // Only the attribute is undeclared here.
            (bought("gpc:10000926"), "/rules/0/when"),
            (json!({"interested": "gpc:10000926"}), "/rules/0/when"),
        ] {
            assert_eq!(refused(&["dwelling.floor"], &when).pointer(), pointer, "{when}");
        }
    }

    #[test]
    fn a_rule_is_checked_against_type_unit_and_allowed_values() {
        let uses = [
            "dwelling.floor",
            "dwelling.garden",
            "dwelling.kind",
            "dwelling.ceiling_height",
        ];
        for (when, pointer, problem) in [
            (
                json!({"attribute": "dwelling.floor", "at_most": 61}),
                "/rules/0/when/at_most",
                "storeys",
            ),
            (
                json!({"attribute": "dwelling.ceiling_height", "at_least": 2.5}),
                "/rules/0/when/at_least",
                "decimetres",
            ),
            (
                json!({"attribute": "dwelling.garden", "is": "yes"}),
                "/rules/0/when/is",
                "true or false",
            ),
            (
                json!({"attribute": "dwelling.garden", "at_most": 1}),
                "/rules/0/when/at_most",
                "not a number",
            ),
            (
                json!({"attribute": "dwelling.kind", "in": ["flat", "castle"]}),
                "/rules/0/when/in/1",
                "flat, house",
            ),
            (
                json!({"attribute": "dwelling.kind"}),
                "/rules/0/when",
                "exactly one of 'is'",
            ),
            (json!({"all": []}), "/rules/0/when/all", "1 to 20 parts"),
            (
                json!({"any": [{"attribute": "dwelling.kind", "in": []}]}),
                "/rules/0/when/any/0/in",
                "at least one value",
            ),
            (
                json!({"not": {"attribute": "household.income", "is": 3}}),
                "/rules/0/when/not/attribute",
                "not a fact",
            ),
            (
                json!({"any": [{"known": "religion"}]}),
                "/rules/0/when/any/0/known",
                "GDPR article 9",
            ),
            (json!({}), "/rules/0/when", "exactly one of"),
        ] {
            let error = refused(&uses, &when);
            assert_eq!(error.pointer(), pointer, "{error}");
            assert!(error.problem.contains(problem), "{error}");
        }
    }

    #[test]
    fn days_that_are_missing_are_said_to_be_and_not_to_be_out_of_range() {
        let error = refused(&["purchases"], &json!({"purchased": "books"}));
        assert_eq!(error.pointer(), "/rules/0/when/within_days");
        assert!(error.problem.starts_with("is missing"), "{error}");
    }

    #[test]
    fn a_rule_says_whom_an_offer_suits_and_never_what_it_costs() {
        for name in ["price", "discount", "prix", "amount", "remise", "maxPrice"] {
            let because = json!({"fr": "parce que", "en": "because"});
            let mut rule = json!({"name": "r", "when": {"interested": "books"}, "because": because});
            rule[name] = Value::Null;
            assert!(serde_json::from_value::<RuleDocument>(rule).is_err(), "{name}");
            for path in ["rules[0]", "draft.rules[3].when.all[1]"] {
                let told = more_of_unknown_field(path, name).unwrap();
                assert!(told.contains("does not depend on the person"), "{told}");
            }
        }
        assert_eq!(more_of_unknown_field("rules[0]", "colour"), None);
        assert_eq!(more_of_unknown_field("window", "price"), None);
    }

    #[test]
    fn what_no_offer_may_use_is_refused_with_the_reason() {
        for (attribute, problem) in [
            ("health", "GDPR article 9"),
            ("religion", "GDPR article 9"),
            ("offences", "GDPR article 10"),
            ("price_ceiling", "does not depend on the person"),
            ("prix", "no rule may set a price"),
            ("wall_colour", "is not in the catalogue"),
            ("shoe_size", "is not in the catalogue"),
        ] {
            let mut document = fixture::offer_document();
            document["uses"][1]["attribute"] = attribute.into();
            let error = fixture::offer_from(&document).unwrap_err();
            assert_eq!(error.pointer(), "/uses/1/attribute");
            assert!(error.problem.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_declared_purpose_is_the_catalogues_or_refused() {
        let mut document = fixture::offer_document();
        document["uses"][0]["purpose"] = "home_location".into();
        assert!(fixture::offer_from(&document).is_ok());
        document["uses"][0]["purpose"] = "profiling".into();
        let error = fixture::offer_from(&document).unwrap_err();
        assert_eq!(
            (error.pointer().as_str(), error.problem.contains("'home_location'")),
            ("/uses/0/purpose", true)
        );
    }
}
