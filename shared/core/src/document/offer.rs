//! An offer as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::field::{At, FieldError, new_time, prose, second_of_a_name, text, time};
use super::number::wholes_or_none;
use super::place::{PlaceDocument, StoredPlace};
use super::rule::{MOST_RULES, RuleDocument, are_few, rule};
use crate::attribute::{Attribute, is_special_category, speaks_of_crime, speaks_of_price};
use crate::email::is_host_name;
use crate::header::Subject;
use crate::ids::OfferId;
use crate::language::{Language, Localized};
use crate::need;
use crate::offer::{DeclaredUse, Offer, Window};
use crate::place::Place;
use crate::product_code::named;
use crate::season::Season;
use crate::suitability::Rule;

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
    /// The months in which it is wanted, 1 to 12; the category's if absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "wholes_or_none::<_, _, 1, 12>"
    )]
    pub season: Option<Vec<u8>>,
}

/// A declared use.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseDocument {
    /// The attribute's name in the catalogue.
    pub attribute: String,
    /// The purpose it needs the person's agreement to; the catalogue's if absent, and never another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Why, for the person.
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

const MOST_PLACES: usize = 50;

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
        // Only of what is new: offers that were kept with two of a name, or beyond these limits, are read as before.
        new_time("window.from", &self.window.from)?;
        new_time("window.until", &self.window.until)?;
        stored.parse()?;
        names_a_host(&self.link)?;
        are_few(&self.rules)?;
        if self.season.as_ref().is_some_and(|months| months.len() > 12) {
            return Err(FieldError::new("season", "must be at most 12 months"));
        }
        follows_from_what_is_declared(&self.uses)?;
        twice("places", "id", self.places.iter().map(|place| place.id.as_str()))?;
        twice("rules", "name", self.rules.iter().map(|rule| rule.name.as_str()))?;
        Ok(stored)
    }

    /// Refuses an offer that nobody could use any more: its window ends now or has ended.
    ///
    /// # Errors
    /// [`FieldError`] names `window.until`.
    pub fn not_over(&self, now: Timestamp) -> Result<(), FieldError> {
        if time("window.until", &self.window.until)? <= now {
            return Err(FieldError::new("window.until", "must be in the future"));
        }
        Ok(())
    }
}

/// Refuses the second of a name in a list.
fn twice<'a>(list: &str, field: &str, names: impl Iterator<Item = &'a str>) -> Result<(), FieldError> {
    second_of_a_name(names).map_or(Ok(()), |position| {
        let problem = format_args!("is that of another of the {list}");
        Err(FieldError::new(format!("{list}[{position}].{field}"), problem))
    })
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
            prose(&format!("text.{tag}"), document.text.get(language), 600)?;
        }
        let uses = uses(&document.uses)?;
        if document.rules.len() > MOST_RULES {
            return Err(FieldError::new("rules", format_args!("must be at most {MOST_RULES}")));
        }
        let rules: Vec<Rule> = document
            .rules
            .iter()
            .enumerate()
            .map(|(position, each)| rule(each, &uses).map_err(|error| error.within(&format!("rules[{position}]"))))
            .collect::<Result<_, _>>()?;
        let places = self.placed()?;
        let locates = |each: &DeclaredUse| matches!(each.attribute, Attribute::Home | Attribute::CurrentPlace);
        if !places.is_empty() && !uses.iter().any(locates) {
            return Err(FieldError::new(
                "uses",
                "must declare 'home' or 'current_place', because the offer has places",
            ));
        }
        let category = named(&document.category).at("category")?;
        let season = match document.season.as_deref() {
            None => Season::of_category(category),
            Some(months) => Some(Season::of_months(months).at("season")?),
        };
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
            category,
            places,
            needs: need::asked(category, &uses, &rules),
            uses,
            rules,
            window: Window { from, until },
            season,
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
                given
                    .parse(stored)
                    .map_err(|error| error.within(&format!("places[{position}]")))
            })
            .collect()
    }
}

fn uses(documents: &[UseDocument]) -> Result<Vec<DeclaredUse>, FieldError> {
    let mut uses: Vec<DeclaredUse> = Vec::new();
    for (position, document) in documents.iter().enumerate() {
        let field = |name: &str| format!("uses[{position}].{name}");
        let attribute = Attribute::from_code(&document.attribute)
            .ok_or_else(|| not_in_the_catalogue(&document.attribute))
            .at(&field("attribute"))?;
        let purpose = attribute.purpose().code();
        if document.purpose.as_deref().is_some_and(|given| given != purpose) {
            return Err(FieldError::new(
                field("purpose"),
                format_args!("must be '{purpose}', which is what '{}' is for", attribute.code()),
            ));
        }
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

/// Refuses an attribute that is derived from another which is not declared.
fn follows_from_what_is_declared(uses: &[UseDocument]) -> Result<(), FieldError> {
    let declared: Vec<Attribute> = uses
        .iter()
        .filter_map(|each| Attribute::from_code(&each.attribute))
        .collect();
    for (position, attribute) in declared.iter().enumerate() {
        if let Some(from) = attribute.follows_from().filter(|from| !declared.contains(from)) {
            let problem = format_args!("follows from '{}' too, which must be declared with it", from.code());
            return Err(FieldError::new(format!("uses[{position}].attribute"), problem));
        }
    }
    Ok(())
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
        return refused(NO_HOST);
    }
    if link.contains(['"', '\'', '<', '>', '\\', '`']) {
        return refused("must not hold quotes, angle brackets or backslashes");
    }
    Ok(link.to_owned())
}

const NO_HOST: &str = "must name a host, without credentials";

/// Whether a link's authority (RFC 3986 section 3.2) is the name of a host, with a port or without.
fn names_a_host(link: &str) -> Result<(), FieldError> {
    let rest = link.strip_prefix("https://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0) && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_host_name(host) && is_port {
        Ok(())
    } else {
        Err(FieldError::new("link", NO_HOST))
    }
}

/// Why a name that the catalogue lacks is refused. The name is the caller's text, so it is not repeated.
fn not_in_the_catalogue(code: &str) -> &'static str {
    if is_special_category(code) {
        "tells of a special category of personal data (GDPR article 9), which no offer may use"
    } else if speaks_of_crime(code) {
        "tells of criminal convictions or offences (GDPR article 10), which no offer may use"
    } else if speaks_of_price(code) {
        "is about a price, which does not depend on the person: no rule may set a price"
    } else {
        "is not in the catalogue of attributes"
    }
}

/// As [`not_in_the_catalogue`], where only a fact will do.
pub(super) fn not_a_fact(code: &str) -> &'static str {
    match not_in_the_catalogue(code) {
        "is not in the catalogue of attributes" => "is not a fact of the catalogue of attributes",
        more_telling => more_telling,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture;
    use crate::time::EpochDay;

    #[test]
    fn two_places_or_rules_of_one_name_are_refused_at_the_second() {
        let mut document = fixture::offer_document();
        let place = document["places"][0].clone();
        document["places"] = json!([place, place]);
        assert_eq!(fixture::offer_from(&document).unwrap_err().pointer(), "/places/1/id");
        let mut document = fixture::offer_document();
        let because = json!({"fr": "parce que", "en": "because"});
        let rule = json!({"name": "r", "when": {"interested": "books"}, "because": because});
        document["rules"] = json!([rule, rule]);
        assert_eq!(fixture::offer_from(&document).unwrap_err().pointer(), "/rules/1/name");
    }

    /// Rules of so many conditions each.
    fn with_rules(sizes: &[usize]) -> Value {
        let because = "\u{1f384}".repeat(200);
        let because = json!({"fr": because, "en": because});
        let leaf = json!({"attribute": "household.size", "in": vec![10; 50]});
        let rule = |(position, size): (usize, &usize)| {
            let parts: Vec<Value> = (0..(size - 1) / 21)
                .map(|_| json!({"any": vec![leaf.clone(); 20]}))
                .chain((0..(size - 1) % 21).map(|_| leaf.clone()))
                .collect();
            json!({"name": format!("{position:060}"), "when": {"all": parts}, "unknown": "exclude", "because": because})
        };
        let mut document = fixture::offer_document();
        document["rules"] = sizes.iter().enumerate().map(rule).collect();
        document["uses"] = Attribute::all()
            .map(|attribute| json!({"attribute": attribute.code(), "because": because}))
            .collect();
        document
    }

    #[test]
    fn conditions_beyond_two_hundred_are_refused_at_the_rule_that_passes_them() {
        assert!(fixture::offer_from(&with_rules(&[100, 60, 40])).is_ok());
        let error = fixture::offer_from(&with_rules(&[100, 60, 41])).unwrap_err();
        assert_eq!(
            (error.pointer().as_str(), error.problem.as_str()),
            (
                "/rules/2/when",
                "must not take the conditions of all rules, nested ones too, beyond 200"
            )
        );
        let mut document = with_rules(&[2]);
        document["rules"][0]["when"]["all"][0]["in"] = json!(vec![10; 51]);
        let error = fixture::offer_from(&document).unwrap_err();
        assert_eq!(error.pointer(), "/rules/0/when/all/0/in");
        document = fixture::offer_document();
        document["season"] = json!(vec![1; 13]);
        assert_eq!(fixture::offer_from(&document).unwrap_err().pointer(), "/season");
    }

    #[test]
    fn what_follows_from_purchases_is_declared_with_them() {
        let mut document = fixture::offer_document();
        for attribute in ["lifecycle", "reaction"] {
            document["uses"] = fixture::uses(&["home", attribute]);
            let error = fixture::offer_from(&document).unwrap_err();
            assert_eq!(
                (error.pointer().as_str(), error.problem.as_str()),
                (
                    "/uses/1/attribute",
                    "follows from 'purchases' too, which must be declared with it"
                )
            );
            document["uses"] = fixture::uses(&["home", attribute, "purchases"]);
            let offer = fixture::offer_from(&document).unwrap();
            assert!(offer.declares(Attribute::from_code(attribute).unwrap()));
        }
        // One that was kept before is read, and decided by without it.
        document["uses"] = fixture::uses(&["interests", "lifecycle"]);
        document["places"] = json!([]);
        let kept = StoredOffer {
            document: serde_json::from_value(document).unwrap(),
            version: 1,
            places: Vec::new(),
        };
        let offer = kept.parse().unwrap();
        assert!(offer.declares(Attribute::Interests) && !offer.declares(Attribute::Lifecycle));
    }

    /// What was taken before there were these limits is held to none of them.
    #[test]
    fn an_offer_that_was_kept_beyond_the_limits_is_read() {
        let kept = |document: &Value| StoredOffer {
            document: serde_json::from_value(document.clone()).unwrap(),
            version: 1,
            places: Vec::new(),
        };
        let mut many_values = with_rules(&[2]);
        many_values["rules"][0]["when"]["all"][0]["in"] = json!(vec![10; 51]);
        let mut many_months = fixture::offer_document();
        many_months["season"] = json!(vec![1; 13]);
        for mut document in [with_rules(&[100, 60, 41]), many_values, many_months] {
            document["places"] = json!([]);
            let stored = kept(&document);
            assert!(stored.parse().is_ok());
            assert!(stored.document.store(2).is_err(), "and is not taken again");
        }
    }

    /// DynamoDB takes items of up to 400 KB.
    #[test]
    fn the_largest_offer_there_can_be_fits_into_an_item_of_the_table() {
        let mut document = with_rules(&[10; 20]);
        for (member, most) in [("title", 100), ("text", 600)] {
            let longest = (1..=most).rev().map(|length| "é".repeat(length));
            let taken = longest.map(|text| json!({"fr": text, "en": text})).find(|text| {
                let mut tried = fixture::offer_document();
                tried[member] = text.clone();
                fixture::offer_from(&tried).is_ok()
            });
            document[member] = taken.unwrap();
        }
        let spans = json!(["00:00-01:00", "02:00-03:00", "04:00-05:00", "06:00-07:00"]);
        let mut hours: serde_json::Map<String, Value> = fixture::WEEK
            .map(|day| (day.to_owned(), spans.clone()))
            .into_iter()
            .collect();
        let year = (0..100).map(|day| EpochDay(20_500 + day).date().to_string());
        hours.insert("closed_on".into(), year.collect());
        hours.insert("time_zone".into(), "America/Argentina/ComodRivadavia".into());
        document["places"] = (0..MOST_PLACES)
            .map(|number| {
                json!({
                    "id": format!("{number:064}"), "name": "\u{1f384}".repeat(100), "latitude": 45.764_012_345, "longitude": 4.835_712_345,
                    "radius_m": 2_000_000, "hours": hours,
                    "travel_m": {"dense_city": 2_000_000, "town": 2_000_000, "country": 2_000_000},
                })
            })
            .collect();
        let parsed: OfferDocument = serde_json::from_value(document).unwrap();
        let stored = parsed.store(1).unwrap();
        assert!(stored.parse().is_ok());
        let bytes = serde_json::to_vec(&stored).unwrap().len();
        assert!((200_000..350_000).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn a_link_leads_to_a_host() {
        for (link, leads) in [
            ("https://shop.example.com", true),
            ("https://shop.example.com:8443/expo?from=letter#hours", true),
            ("https://xn--muse-epa.example/", true),
            ("https://shop.example.com?x", true),
            ("https://:443/", false),
            ("https://?x", false),
            ("https://#x", false),
            ("https://.../", false),
            ("https://shop..example.com/", false),
            ("https://shop.example.com:/", false),
            ("https://shop.example.com:0/", false),
            ("https://shop.example.com:+80/", false),
            ("https://localhost/", false),
            ("https://192.0.2.1/", false),
            ("https://me@shop.example.com/", false),
        ] {
            let mut document = fixture::offer_document();
            document["link"] = link.into();
            let refused = fixture::offer_from(&document).err();
            assert_eq!(refused.is_none(), leads, "{link}");
            assert!(refused.is_none_or(|error| error.pointer() == "/link"), "{link}");
        }
    }

    #[test]
    fn an_offer_that_is_over_is_refused_at_its_end() {
        let document: OfferDocument = serde_json::from_value(fixture::offer_document()).unwrap();
        let ends: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let error = document.not_over(ends).unwrap_err();
        assert_eq!(
            (error.pointer().as_str(), error.problem.as_str()),
            ("/window/until", "must be in the future")
        );
        assert_eq!(document.not_over(ends - jiff::SignedDuration::from_secs(1)), Ok(()));
    }
}
