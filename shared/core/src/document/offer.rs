//! An offer as JSON, with its suitability rules.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::fact_value;
use super::field::{At, FieldError, text, time};
use crate::attribute::{Attribute, Fact, FactKind};
use crate::category::Category;
use crate::header::Subject;
use crate::ids::{OfferId, PlaceId};
use crate::language::{Language, Localized};
use crate::offer::{DeclaredUse, Offer, Window};
use crate::place::{Cell, Place, PlaceName, Radius, UnitVector};
use crate::suitability::{Condition, OnUnknown, Rule};

/// An offer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferDocument {
    /// Its id.
    pub id: String,
    /// What it is, in a few words; the message's subject.
    pub title: Localized,
    /// What it is, in one or two sentences.
    pub text: Localized,
    /// Where to find out more.
    pub link: String,
    /// The category's name.
    pub category: String,
    /// Where it can be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceDocument>,
    /// The facts that a decision about it may read.
    pub uses: Vec<UseDocument>,
    /// Whom it suits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleDocument>,
    /// When it can be used.
    pub window: WindowDocument,
}

/// A place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceDocument {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Degrees north, WGS 84.
    pub latitude: f64,
    /// Degrees east, WGS 84.
    pub longitude: f64,
    /// How far away it is still worth going there, in metres.
    pub radius_m: u32,
}

/// A declared use.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseDocument {
    /// The attribute's name in the catalogue.
    pub attribute: String,
    /// Why, for the person.
    pub because: Localized,
}

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

/// A window.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowDocument {
    /// RFC 3339, included.
    pub from: String,
    /// RFC 3339, excluded.
    pub until: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
    /// The category liked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interested: Option<String>,
}

/// An offer as it is kept: what the brand gave, its version, and the integers computed from its places once, which are
/// the input of record of every decision.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredOffer {
    /// What the brand gave.
    pub document: OfferDocument,
    /// 1 for the first.
    pub version: u32,
    /// In the order of the document's places.
    pub places: Vec<StoredPlace>,
}

/// The integers of a place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPlace {
    /// Its cell.
    pub cell: String,
    /// Unit vector of its cell's centre, scaled by 2^30.
    pub vector: [i32; 3],
    /// Squared chord of its radius, scaled by 2^60.
    pub reach: u64,
}

const MOST_PLACES: usize = 50;
const MOST_RULES: usize = 20;
const DEEPEST: usize = 8;

impl OfferDocument {
    /// Checks the offer and computes its places' integers.
    ///
    /// # Errors
    /// [`FieldError`] names the first field refused; a rule over an attribute that is not declared is refused by its
    /// name.
    pub fn store(&self, version: u32) -> Result<StoredOffer, FieldError> {
        if self.places.len() > MOST_PLACES {
            return Err(FieldError::new("places", format_args!("must be at most {MOST_PLACES}")));
        }
        let places = self
            .places
            .iter()
            .enumerate()
            .map(|(position, place)| {
                place
                    .store()
                    .map_err(|error| error.within(&format!("places[{position}]")))
            })
            .collect::<Result<_, _>>()?;
        let stored = StoredOffer {
            document: self.clone(),
            version,
            places,
        };
        stored.parse()?;
        Ok(stored)
    }
}

impl PlaceDocument {
    fn store(&self) -> Result<StoredPlace, FieldError> {
        let cell = Cell::at_degrees(self.latitude, self.longitude).at("latitude")?;
        let radius = Radius::from_metres(self.radius_m).at("radius_m")?;
        Ok(StoredPlace {
            cell: cell.to_hex(),
            vector: cell.centre().components(),
            reach: radius.chord().value(),
        })
    }
}

impl StoredOffer {
    /// The offer that decisions go by.
    ///
    /// # Errors
    /// [`FieldError`] names the first field refused.
    pub fn parse(&self) -> Result<Offer, FieldError> {
        let document = &self.document;
        for language in Language::ALL {
            let tag = language.tag();
            Subject::new(document.title.get(language)).at(&format!("title.{tag}"))?;
            text(&format!("text.{tag}"), document.text.get(language), 600)?;
        }
        let uses = uses(&document.uses)?;
        if document.rules.len() > MOST_RULES {
            return Err(FieldError::new("rules", format_args!("must be at most {MOST_RULES}")));
        }
        let rules = document
            .rules
            .iter()
            .enumerate()
            .map(|(position, each)| rule(each, &uses).map_err(|error| error.within(&format!("rules[{position}]"))))
            .collect::<Result<_, _>>()?;
        let places = self.placed()?;
        if !places.is_empty() && !uses.iter().any(|each| each.attribute == Attribute::Home) {
            return Err(FieldError::new(
                "uses",
                "must declare 'home', because the offer has places",
            ));
        }
        let from = time("window.from", &document.window.from)?;
        let until = time("window.until", &document.window.until)?;
        if until <= from {
            return Err(FieldError::new("window.until", "must be after window.from"));
        }
        Ok(Offer {
            id: OfferId::new(document.id.as_str()).at("id")?,
            version: self.version,
            title: document.title.clone(),
            text: document.text.clone(),
            link: link(&document.link)?,
            category: Category::from_slug(&document.category).at("category")?,
            places,
            uses,
            rules,
            window: Window { from, until },
        })
    }

    fn placed(&self) -> Result<Vec<Place>, FieldError> {
        if self.places.len() != self.document.places.len() {
            return Err(FieldError::new("places", "do not match what was stored"));
        }
        self.document
            .places
            .iter()
            .zip(&self.places)
            .enumerate()
            .map(|(position, (given, stored))| {
                let field = |name: &str| format!("places[{position}].{name}");
                let [x, y, z] = stored.vector;
                Ok(Place {
                    id: PlaceId::new(given.id.as_str()).at(&field("id"))?,
                    name: PlaceName::new(text(&field("name"), &given.name, 100)?).at(&field("name"))?,
                    cell: Cell::from_hex(&stored.cell).at(&field("cell"))?,
                    centre: UnitVector::new(x, y, z).at(&field("vector"))?,
                    radius: Radius::from_chord(stored.reach).at(&field("reach"))?,
                })
            })
            .collect()
    }
}

fn uses(documents: &[UseDocument]) -> Result<Vec<DeclaredUse>, FieldError> {
    let mut uses: Vec<DeclaredUse> = Vec::new();
    for (position, document) in documents.iter().enumerate() {
        let field = |name: &str| format!("uses[{position}].{name}");
        let attribute = Attribute::from_code(&document.attribute)
            .ok_or("is not in the catalogue of attributes")
            .at(&field("attribute"))?;
        if uses.iter().any(|each| each.attribute == attribute) {
            return Err(FieldError::new(field("attribute"), "is declared twice"));
        }
        for language in Language::ALL {
            text(
                &field(&format!("because.{}", language.tag())),
                document.because.get(language),
                200,
            )?;
        }
        uses.push(DeclaredUse {
            attribute,
            because: document.because.clone(),
        });
    }
    Ok(uses)
}

/// The link is the same for everyone: a query could carry the person, and a fragment a script.
pub(super) fn link(link: &str) -> Result<String, FieldError> {
    let refused = |problem: &str| Err(FieldError::new("link", problem));
    let Some(rest) = link.strip_prefix("https://") else {
        return refused("must begin with https://");
    };
    if link.len() > 500 || !link.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refused("must be at most 500 printable ASCII characters");
    }
    if rest
        .split('/')
        .next()
        .is_none_or(|host| host.is_empty() || host.contains('@'))
    {
        return refused("must name a host, without credentials");
    }
    if link.contains(['"', '\'', '<', '>', '\\', '`']) {
        return refused("must not hold quotes, angle brackets or backslashes");
    }
    Ok(link.to_owned())
}

fn rule(document: &RuleDocument, uses: &[DeclaredUse]) -> Result<Rule, FieldError> {
    let name = text("name", &document.name, 60)?.to_owned();
    let condition = condition(&document.when, DEEPEST).map_err(|error| error.within("when"))?;
    let mut undeclared = None;
    condition.for_each_attribute(&mut |attribute| {
        if !uses.iter().any(|each| each.attribute == attribute) {
            undeclared = Some(attribute);
        }
    });
    if let Some(attribute) = undeclared {
        let problem = format!(
            "reads '{}', which the offer does not declare in uses (rule '{name}')",
            attribute.code()
        );
        return Err(FieldError::new("when", problem));
    }
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

fn condition(document: &ConditionDocument, depth: usize) -> Result<Condition, FieldError> {
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
        return parts("all", list, depth).map(Condition::All);
    }
    if let Some(list) = any {
        return parts("any", list, depth).map(Condition::Any);
    }
    if let Some(part) = not {
        let part = condition(part, depth).map_err(|error| error.within("not"))?;
        return Ok(Condition::Not(Box::new(part)));
    }
    if let Some(code) = attribute {
        return comparison(fact("attribute", code)?, document);
    }
    if let Some(code) = known {
        return fact("known", code).map(Condition::Known);
    }
    if let Some(slug) = purchased {
        let category = Category::from_slug(slug).at("purchased")?;
        return match within_days {
            Some(within_days @ 1..=3_650) => Ok(Condition::Purchased {
                category,
                within_days: *within_days,
            }),
            _ => Err(FieldError::new("within_days", "must be from 1 to 3650")),
        };
    }
    let slug = interested.as_deref().unwrap_or_default();
    Category::from_slug(slug).at("interested").map(Condition::Interested)
}

fn parts(field: &str, list: &[ConditionDocument], depth: usize) -> Result<Vec<Condition>, FieldError> {
    if list.is_empty() || list.len() > MOST_RULES {
        return Err(FieldError::new(
            field,
            format_args!("must have 1 to {MOST_RULES} parts"),
        ));
    }
    list.iter()
        .enumerate()
        .map(|(position, part)| condition(part, depth).map_err(|error| error.within(&format!("{field}[{position}]"))))
        .collect()
}

fn fact(field: &str, code: &str) -> Result<Fact, FieldError> {
    match Attribute::from_code(code) {
        Some(Attribute::Fact(fact)) => Ok(fact),
        Some(
            Attribute::Home | Attribute::Purchases | Attribute::Interests | Attribute::Lifecycle | Attribute::Reaction,
        )
        | None => Err(FieldError::new(field, "is not a fact of the catalogue of attributes")),
    }
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
        (None, Some(list), None, None) if !list.is_empty() => list
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
