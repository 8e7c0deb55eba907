//! A brand's settings as JSON.

use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use super::field::{At, FieldError, impersonal, text};
use super::number::{whole, whole_or_none};
use super::offer::link;
use crate::brand::{Brand, Confirmations, Topic, TopicNumber, Topics};
use crate::cap::{FrequencyCap, MinimumGap};
use crate::consent::Notice;
use crate::email::EmailAddress;
use crate::header::DisplayName;
use crate::ids::{BrandId, TopicId};
use crate::language::{Language, Localized};
use crate::quiet::{HolidaysOff, QuietHours, QuietWindow, Weekdays};
use crate::retention::Retention;
use crate::time::LocalMinute;

/// A brand's settings.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who the controller is and where.
    pub imprint: String,
    /// The verified sender's address.
    pub sender: String,
    /// Where replies go; the sender if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The domain of its list ids.
    pub list_domain: String,
    /// What people can choose.
    pub topics: Vec<TopicDocument>,
    /// The privacy notice in force.
    pub notice: NoticeDocument,
    /// Where it can be read: an https address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_link: Option<String>,
    /// Who asks people to confirm a consent that was requested: `apropos` if absent, or `brand`.
    #[serde(default)]
    pub confirmations: Confirmations,
    /// The most messages to one person; two a week if absent.
    #[serde(default = "two_a_week")]
    pub caps: Vec<CapDocument>,
    /// Least hours between two messages to one person.
    #[serde(default, deserialize_with = "whole_or_none::<_, _, 1, 2_160>")]
    pub minimum_gap_hours: Option<u16>,
    /// When nobody is written to; 21:00 to 08:00 and Sundays if absent.
    #[serde(default)]
    pub quiet: QuietDocument,
    /// The colour of its pages' accents, such as `#0b5c4a`; its shade is adapted where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Days that a yes outlives the last sign of the person, 30 to 1095; 1095 if absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_or_none::<_, _, 30, 1_095>"
    )]
    pub retention_days: Option<u16>,
}

/// A topic.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicDocument {
    /// Its id.
    pub id: String,
    /// Its number, 0 to 15, fixed for ever.
    #[serde(deserialize_with = "whole::<_, _, 0, 15>")]
    pub number: u8,
    /// Its name for people.
    pub name: Localized,
}

/// A privacy notice.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeDocument {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text, 64 hexadecimal digits.
    pub hash: String,
    /// The language shown.
    pub language: String,
}

/// A frequency cap.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapDocument {
    /// At most so many messages …
    #[serde(deserialize_with = "whole::<_, _, 1, 100>")]
    pub most: u8,
    /// … in any so many days.
    #[serde(deserialize_with = "whole::<_, _, 1, 90>")]
    pub window_days: u16,
}

/// Quiet hours: a part of each day, whole days, or both.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietDocument {
    /// From, `HH:MM` of the person's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Days that are quiet as a whole: `monday` to `sunday`, `holidays`, `holidays_alsace_moselle`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_off: Vec<String>,
}

impl Default for QuietDocument {
    fn default() -> Self {
        Self::of(QuietHours::BRAND_DEFAULT)
    }
}

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];

/// The days that are holidays; those of Alsace and Moselle are the others and two more.
const HOLIDAYS: [(HolidaysOff, &str); 2] = [
    (HolidaysOff::National, "holidays"),
    (HolidaysOff::AlsaceMoselle, "holidays_alsace_moselle"),
];

fn two_a_week() -> Vec<CapDocument> {
    vec![CapDocument {
        most: 2,
        window_days: 7,
    }]
}

impl NoticeDocument {
    pub(super) fn parse(&self) -> Result<Notice, FieldError> {
        let hash = &self.hash;
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FieldError::new("hash", "must be 64 hexadecimal digits (SHA-256)"));
        }
        let language = impersonal("language", &self.language, 35)?;
        Ok(Notice {
            id: impersonal("id", &self.id, 64)?,
            version: impersonal("version", &self.version, 32)?,
            hash: hash.to_ascii_lowercase(),
            language,
        })
    }

    /// The document of a notice.
    #[must_use]
    pub fn of(notice: &Notice) -> Self {
        Self {
            id: notice.id.clone(),
            version: notice.version.clone(),
            hash: notice.hash.clone(),
            language: notice.language.clone(),
        }
    }
}

impl TryFrom<&BrandDocument> for Brand {
    type Error = FieldError;

    fn try_from(document: &BrandDocument) -> Result<Self, FieldError> {
        let sender = EmailAddress::parse(&document.sender).at("sender")?;
        let reply_to = match &document.reply_to {
            Some(address) => EmailAddress::parse(address).at("reply_to")?,
            None => sender.clone(),
        };
        let topics = document
            .topics
            .iter()
            .enumerate()
            .map(|(position, each)| topic(each).map_err(|error| error.within(&format!("topics[{position}]"))))
            .collect::<Result<Vec<_>, _>>()?;
        let caps = document
            .caps
            .iter()
            .enumerate()
            .map(|(position, cap)| FrequencyCap::new(cap.most, cap.window_days).at(&format!("caps[{position}]")))
            .collect::<Result<Vec<_>, _>>()?;
        let minimum_gap = document
            .minimum_gap_hours
            .map(|hours| MinimumGap::from_hours(hours).at("minimum_gap_hours"))
            .transpose()?;
        Ok(Self {
            id: BrandId::new(document.id.as_str()).at("id")?,
            name: DisplayName::new(document.name.as_str()).at("name")?,
            imprint: text("imprint", &document.imprint, 300)?.to_owned(),
            sender,
            reply_to,
            list_domain: domain(&document.list_domain)?,
            topics: Topics::new(topics).at("topics")?,
            notice: document.notice.parse().map_err(|error| error.within("notice"))?,
            notice_link: document
                .notice_link
                .as_deref()
                .map(link)
                .transpose()
                .map_err(|error| FieldError::new("notice_link", error.problem))?,
            confirmations: document.confirmations,
            caps,
            minimum_gap,
            quiet: document.quiet.parse().map_err(|error| error.within("quiet"))?,
            colour: document.colour.as_deref().map(str::parse).transpose().at("colour")?,
            retention: document
                .retention_days
                .map_or(Ok(Retention::THREE_YEARS), Retention::from_days)
                .at("retention_days")?,
        })
    }
}

fn topic(document: &TopicDocument) -> Result<Topic, FieldError> {
    for language in Language::ALL {
        text(&format!("name.{}", language.tag()), document.name.get(language), 80)?;
    }
    Ok(Topic {
        id: TopicId::new(document.id.as_str()).at("id")?,
        number: TopicNumber::new(document.number)
            .ok_or("must be from 0 to 15")
            .at("number")?,
        name: document.name.clone(),
    })
}

/// A list id is `<topic>.<domain>` (RFC 2919 section 2), so the domain must be one that an address could have.
fn domain(domain: &str) -> Result<String, FieldError> {
    EmailAddress::parse(&format!("list@{domain}"))
        .ok()
        .filter(|_| domain.is_ascii())
        .map(|_| domain.to_ascii_lowercase())
        .ok_or_else(|| FieldError::new("list_domain", "must be a domain name of the brand"))
}

impl QuietDocument {
    /// Checks the hours.
    ///
    /// # Errors
    /// [`FieldError`] names the field that cannot be read, or that leaves no time at all.
    pub fn parse(&self) -> Result<QuietHours, FieldError> {
        let window = match (&self.from, &self.until) {
            (Some(from), Some(until)) => {
                Some(QuietWindow::new(minute("from", from)?, minute("until", until)?).at("until")?)
            }
            (None, None) => None,
            (Some(_), None) => return Err(FieldError::new("until", "must be given with 'from'")),
            (None, Some(_)) => return Err(FieldError::new("from", "must be given with 'until'")),
        };
        let mut days_off = Weekdays::NONE;
        let mut holidays = HolidaysOff::None;
        for (position, name) in self.days_off.iter().enumerate() {
            if let Some((which, _)) = HOLIDAYS.into_iter().find(|(_, each)| each == name) {
                holidays = holidays.max(which);
                continue;
            }
            let (day, _) = DAYS
                .into_iter()
                .find(|(_, each)| each == name)
                .ok_or("must be a day from 'monday' to 'sunday', 'holidays' or 'holidays_alsace_moselle'")
                .at(&format!("days_off[{position}]"))?;
            days_off = days_off.with(day);
        }
        QuietHours::new(window, days_off, holidays).at("days_off")
    }

    /// The document of quiet hours.
    #[must_use]
    pub fn of(quiet: QuietHours) -> Self {
        Self {
            from: quiet.window().map(|window| window.from().to_string()),
            until: quiet.window().map(|window| window.until().to_string()),
            days_off: DAYS
                .into_iter()
                .filter(|(day, _)| quiet.days_off().contains(*day))
                .map(|(_, name)| name)
                .chain(
                    HOLIDAYS
                        .into_iter()
                        .filter(|(which, _)| *which <= quiet.holidays())
                        .map(|(_, name)| name),
                )
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn minute(field: &str, text: &str) -> Result<LocalMinute, FieldError> {
    text.parse().at(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_read_back_and_the_default_is_the_brands_default() {
        assert_eq!(QuietDocument::default().parse(), Ok(QuietHours::BRAND_DEFAULT));
    }

    #[test]
    fn holidays_are_days_off_and_read_back() {
        for (names, holidays) in [
            (vec!["sunday"], HolidaysOff::None),
            (vec!["sunday", "holidays"], HolidaysOff::National),
            (vec!["holidays", "holidays_alsace_moselle"], HolidaysOff::AlsaceMoselle),
        ] {
            let document = QuietDocument {
                from: None,
                until: None,
                days_off: names.iter().map(|name| (*name).to_owned()).collect(),
            };
            let quiet = document.parse().unwrap();
            assert_eq!(quiet.holidays(), holidays);
            assert_eq!(QuietDocument::of(quiet).days_off, names);
        }
        // Those of Alsace and Moselle are all of them, named alone or not.
        let document = QuietDocument {
            from: None,
            until: None,
            days_off: vec!["holidays_alsace_moselle".to_owned()],
        };
        assert_eq!(
            QuietDocument::of(document.parse().unwrap()).days_off,
            ["holidays", "holidays_alsace_moselle"]
        );
    }

    #[test]
    fn a_colour_is_optional_and_named_where_it_is_none() {
        let mut document = crate::fixture::brand_document();
        assert_eq!(crate::fixture::brand_from(&document).unwrap().colour, None);
        document["colour"] = "#d9480f".into();
        let brand = crate::fixture::brand_from(&document).unwrap();
        assert_eq!(
            brand.colour.map(|colour| colour.to_string()).as_deref(),
            Some("#d9480f")
        );
        document["colour"] = "orange".into();
        assert_eq!(crate::fixture::brand_from(&document).unwrap_err().field, "colour");
    }

    #[test]
    fn half_a_window_or_an_unknown_day_is_named() {
        let half = QuietDocument {
            from: Some("21:00".into()),
            until: None,
            days_off: Vec::new(),
        };
        assert_eq!(half.parse().unwrap_err().field, "until");
        let day = QuietDocument {
            from: None,
            until: None,
            days_off: vec!["someday".into()],
        };
        assert_eq!(day.parse().unwrap_err().field, "days_off[0]");
    }
}
