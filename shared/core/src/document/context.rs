//! A customer's context and contact point as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field::{At, FieldError, time};
use crate::attribute::{Attribute, Fact, FactKind, Facts};
use crate::category::Category;
use crate::context::{ContactPoint, CurrentPlace, CustomerContext, Home, MOST_KEPT, Purchase};
use crate::email::EmailAddress;
use crate::habit::MOST_ACTS;
use crate::language::Language;
use crate::place::Cell;
use crate::product_code::named;
use crate::time::{EpochDay, TimeZoneName};
use crate::travel::Area;

/// The stored context.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextDocument {
    /// Where they live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<HomeDocument>,
    /// Facts by their name in the catalogue: `{"dwelling.garden": true, "dwelling.floor": 3}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Value>,
    /// Categories by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interests: Vec<String>,
    /// What was bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purchases: Vec<PurchaseDocument>,
    /// The last day they did something, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<String>,
    /// Where they are now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_place: Option<CurrentPlaceDocument>,
    /// The hours of their own clock of recent clicks and purchases that the brand tells of, 0 to 23.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active_hours: Vec<u8>,
    /// Those of clicks on our own messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clicked_hours: Vec<u8>,
    /// The zone whose clock they live by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What they spent in the last two years, in whole units of the brand's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<u32>,
}

/// Where somebody is now.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentPlaceDocument {
    /// The H3 cell of resolution 8, 15 hexadecimal digits.
    pub cell: String,
    /// When it stops being used, RFC 3339.
    pub until: String,
}

/// A home.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeDocument {
    /// The H3 cell of resolution 8, 15 hexadecimal digits.
    pub cell: String,
    /// How far off it may be, in metres.
    #[serde(default)]
    pub uncertainty_m: u32,
    /// `dense_city`, `town` or `country`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
}

/// Something bought.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseDocument {
    /// The category's name.
    pub category: String,
    /// The day, `YYYY-MM-DD`.
    pub on: String,
}

/// A contact point.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactDocument {
    /// The e-mail address.
    pub email: String,
    /// `fr` or `en`.
    pub language: String,
    /// An IANA time zone; taken from the home's commune if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Checks everything but the home, which the caller has placed already.
///
/// # Errors
/// [`FieldError`] names the first field refused.
pub fn parse_context(
    home: Option<Home>,
    facts: &BTreeMap<String, Value>,
    interests: &[String],
    purchases: &[PurchaseDocument],
    last_activity: Option<&str>,
) -> Result<CustomerContext, FieldError> {
    if interests.len() > MOST_KEPT {
        return Err(FieldError::new(
            "interests",
            format_args!("must be at most {MOST_KEPT}"),
        ));
    }
    if purchases.len() > MOST_KEPT {
        return Err(FieldError::new(
            "purchases",
            format_args!("must be at most {MOST_KEPT}: keep the latest"),
        ));
    }
    let interests = interests
        .iter()
        .enumerate()
        .map(|(position, slug)| category(&format!("interests[{position}]"), slug))
        .collect::<Result<_, _>>()?;
    let purchases = purchases
        .iter()
        .enumerate()
        .map(|(position, purchase)| {
            Ok(Purchase {
                category: category(&format!("purchases[{position}].category"), &purchase.category)?,
                on: day(&format!("purchases[{position}].on"), &purchase.on)?,
            })
        })
        .collect::<Result<_, FieldError>>()?;
    let last_activity = last_activity.map(|text| day("last_activity", text)).transpose()?;
    Ok(CustomerContext {
        home,
        facts: parse_facts(facts)?,
        interests,
        purchases,
        last_activity,
        current_place: None,
        active_hours: Vec::new(),
        clicked_hours: Vec::new(),
        time_zone: None,
        spent: None,
    })
}

/// Checks the hours of recent clicks and purchases.
///
/// # Errors
/// [`FieldError`] names the first one refused.
pub fn parse_active_hours(hours: &[u8]) -> Result<Vec<u8>, FieldError> {
    if hours.len() > MOST_ACTS {
        return Err(FieldError::new(
            "active_hours",
            format_args!("must be at most {MOST_ACTS}: keep the latest"),
        ));
    }
    match hours.iter().position(|hour| *hour > 23) {
        Some(position) => Err(FieldError::new(
            format!("active_hours[{position}]"),
            "must be an hour from 0 to 23",
        )),
        None => Ok(hours.to_vec()),
    }
}

fn parse_facts(values: &BTreeMap<String, Value>) -> Result<Facts, FieldError> {
    let mut facts = Facts::default();
    for (code, value) in values {
        let field = format!("facts.{code}");
        let Some(Attribute::Fact(fact)) = Attribute::from_code(code) else {
            // An unknown name is the caller's text and might hold anything, so it is not repeated.
            return Err(FieldError::new(
                "facts",
                "holds a name that is not in the catalogue of attributes",
            ));
        };
        let number = fact_value(fact, value).map_err(|error| error.within(&field))?;
        facts.set(fact, Some(number)).at(&field)?;
    }
    Ok(facts)
}

/// A JSON value as a fact's number: flags as 0 or 1, words by position.
pub(super) fn fact_value(fact: Fact, value: &Value) -> Result<i16, FieldError> {
    let refused = |wanted: String| FieldError::new("", wanted);
    let number = match fact.kind() {
        FactKind::Flag => value
            .as_bool()
            .map(i16::from)
            .ok_or_else(|| refused("must be true or false".into()))?,
        FactKind::Number { least, most, unit } => value
            .as_i64()
            .and_then(|number| i16::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| refused(format!("must be a whole number from {least} to {most} ({unit})")))?,
        FactKind::Word(words) => value
            .as_str()
            .and_then(|word| words.iter().position(|each| *each == word))
            .and_then(|position| i16::try_from(position).ok())
            .ok_or_else(|| refused(format!("must be one of {}", words.join(", "))))?,
    };
    Ok(number)
}

fn fact_json(fact: Fact, value: i16) -> Value {
    match fact.kind() {
        FactKind::Flag => Value::Bool(value == 1),
        FactKind::Number { .. } => Value::from(value),
        FactKind::Word(words) => usize::try_from(value)
            .ok()
            .and_then(|position| words.get(position))
            .map_or(Value::Null, |word| (*word).into()),
    }
}

fn category(field: &str, slug: &str) -> Result<Category, FieldError> {
    named(slug).at(field)
}

fn day(field: &str, text: &str) -> Result<EpochDay, FieldError> {
    text.parse::<jiff::civil::Date>()
        .ok()
        .filter(|_| text.len() == 10)
        .and_then(|date| jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok())
        .map(EpochDay::of)
        .ok_or("must be a day such as 2026-11-02")
        .at(field)
}

impl ContextDocument {
    /// The document of a context.
    #[must_use]
    pub fn of(context: &CustomerContext) -> Self {
        Self {
            home: context.home.map(|home| HomeDocument {
                cell: home.cell.to_hex(),
                uncertainty_m: home.uncertainty_m,
                area: home.area.map(|area| area.code().to_owned()),
            }),
            facts: Fact::ALL
                .into_iter()
                .filter_map(|fact| {
                    context
                        .facts
                        .get(fact)
                        .map(|value| (fact.code().to_owned(), fact_json(fact, value)))
                })
                .collect(),
            interests: context
                .interests
                .iter()
                .map(|category| category.slug().to_owned())
                .collect(),
            purchases: context
                .purchases
                .iter()
                .map(|purchase| PurchaseDocument {
                    category: purchase.category.slug().to_owned(),
                    on: purchase.on.date().to_string(),
                })
                .collect(),
            last_activity: context.last_activity.map(|day| day.date().to_string()),
            current_place: context.current_place.map(|place| CurrentPlaceDocument {
                cell: place.cell.to_hex(),
                until: place.until.to_string(),
            }),
            active_hours: context.active_hours.clone(),
            clicked_hours: context.clicked_hours.clone(),
            time_zone: context.time_zone.as_ref().map(|zone| zone.as_str().to_owned()),
            spent: context.spent,
        }
    }
}

impl TryFrom<&ContextDocument> for CustomerContext {
    type Error = FieldError;

    fn try_from(document: &ContextDocument) -> Result<Self, FieldError> {
        let home = document
            .home
            .as_ref()
            .map(|home| {
                let cell = Cell::from_hex(&home.cell).at("home.cell")?;
                let area = match home.area.as_deref() {
                    None => None,
                    Some(code) => Some(
                        Area::from_code(code)
                            .ok_or("must be 'dense_city', 'town' or 'country'")
                            .at("home.area")?,
                    ),
                };
                Ok::<_, FieldError>(Home {
                    cell,
                    uncertainty_m: home.uncertainty_m,
                    area,
                })
            })
            .transpose()?;
        let current_place = match &document.current_place {
            None => None,
            Some(place) => Some(CurrentPlace {
                cell: Cell::from_hex(&place.cell).at("current_place.cell")?,
                until: time("current_place.until", &place.until)?,
            }),
        };
        let context = parse_context(
            home,
            &document.facts,
            &document.interests,
            &document.purchases,
            document.last_activity.as_deref(),
        )?;
        Ok(Self {
            current_place,
            active_hours: parse_active_hours(&document.active_hours)?,
            clicked_hours: parse_active_hours(&document.clicked_hours)?,
            time_zone: document
                .time_zone
                .as_deref()
                .map(TimeZoneName::new)
                .transpose()
                .at("time_zone")?,
            spent: document.spent,
            ..context
        })
    }
}

impl ContactDocument {
    /// Checks the contact point; `zone` is used where none is given.
    ///
    /// # Errors
    /// [`FieldError`] names the field refused.
    pub fn parse(&self, zone: Option<TimeZoneName>) -> Result<ContactPoint, FieldError> {
        let time_zone = match (&self.time_zone, zone) {
            (Some(name), _) => TimeZoneName::new(name).at("time_zone")?,
            (None, Some(zone)) => zone,
            (None, None) => {
                return Err(FieldError::new(
                    "time_zone",
                    "is needed where the home's commune is not known",
                ));
            }
        };
        Ok(ContactPoint {
            address: EmailAddress::parse(&self.email).at("email")?,
            language: Language::from_tag(&self.language).at("language")?,
            time_zone,
        })
    }

    /// The document of a contact point.
    #[must_use]
    pub fn of(contact: &ContactPoint) -> Self {
        Self {
            email: contact.address.as_sent().to_owned(),
            language: contact.language.tag().to_owned(),
            time_zone: Some(contact.time_zone.as_str().to_owned()),
        }
    }
}
