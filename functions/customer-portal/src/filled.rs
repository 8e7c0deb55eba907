//! The form of the preference page as it is filled in: from what is on record, or as it was sent. What was sent is shown
//! again as it was typed where something is wrong with it.

use std::collections::BTreeSet;

use apropos_aws::Person;
use apropos_core::brand::Brand;
use apropos_core::cap::FrequencyCap;
use apropos_core::category::Category;
use apropos_core::consent::Purpose;
use apropos_core::document::QuietDocument;
use apropos_core::language::Language;
use apropos_core::preference::Preference;
use apropos_core::quiet::{QuietHours, quiet_until};
use apropos_core::time::LocalMinute;
use jiff::Timestamp;

use crate::choice::{Choice, Switch};

/// The filled form.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Filled {
    /// The ticked boxes of topics and uses of data, by the code of their purpose.
    pub(crate) on: BTreeSet<String>,
    /// `brand`, or `<most>-<days>`.
    pub(crate) cap: String,
    pub(crate) quiet_from: String,
    pub(crate) quiet_until: String,
    pub(crate) days_off: BTreeSet<String>,
    pub(crate) language: String,
    pub(crate) interests: BTreeSet<String>,
}

/// What somebody chose is about that person.
impl std::fmt::Debug for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filled(redacted)")
    }
}

/// A field that cannot be taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// No frequency that can be.
    Cap,
    /// Not a time of day, or only the other one is given.
    QuietFrom,
    /// Likewise.
    QuietUntil,
    /// Quiet hours that begin when they end.
    QuietEmpty,
    /// Every day is off.
    DaysOff,
    /// With the brand's own hours no time is left.
    NeverOpen,
    /// Not a language of ours.
    Language,
}

/// What a form that is right asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Every box, ticked or not.
    pub(crate) choices: Vec<Choice>,
    pub(crate) preferences: Vec<Preference>,
}

/// As the brand does.
pub(crate) const AS_BRAND: &str = "brand";

impl Filled {
    /// The form for what is on record.
    pub(crate) fn of(person: &Person, brand: &Brand, now: Timestamp) -> Self {
        let limits = &person.standing.limits;
        let quiet = limits.quiet.map(QuietDocument::of);
        Self {
            on: Choice::boxes(brand)
                .filter(|purpose| Choice::is_ticked(purpose, &person.standing.consents, now))
                .map(|purpose| purpose.code())
                .collect(),
            cap: limits.cap.map_or_else(|| AS_BRAND.to_owned(), cap_code),
            quiet_from: quiet.as_ref().and_then(|quiet| quiet.from.clone()).unwrap_or_default(),
            quiet_until: quiet.as_ref().and_then(|quiet| quiet.until.clone()).unwrap_or_default(),
            days_off: quiet
                .map(|quiet| quiet.days_off)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            language: person
                .contact
                .as_ref()
                .map(|(contact, _)| contact.language.tag().to_owned())
                .unwrap_or_default(),
            interests: person
                .context
                .iter()
                .flat_map(|(context, _)| &context.interests)
                .map(|category| category.slug().to_owned())
                .collect(),
        }
    }

    /// The form as it was sent. None for a field that the page does not have, or a field twice that it has once.
    pub(crate) fn read(fields: &[(String, String)]) -> Option<Self> {
        let mut filled = Self::default();
        let mut seen = BTreeSet::new();
        for (name, value) in fields {
            let value = value.trim();
            let once = match name.as_str() {
                "on" => {
                    filled.on.insert(value.to_owned());
                    continue;
                }
                "day_off" => {
                    filled.days_off.insert(value.to_owned());
                    continue;
                }
                "interest" => {
                    filled.interests.insert(value.to_owned());
                    continue;
                }
                "save" => continue,
                "cap" => &mut filled.cap,
                "quiet_from" => &mut filled.quiet_from,
                "quiet_until" => &mut filled.quiet_until,
                "language" => &mut filled.language,
                _ => return None,
            };
            if !seen.insert(name) {
                return None;
            }
            value.clone_into(once);
        }
        Some(filled)
    }

    /// What it asks for. None where it holds something that no page of this brand offers.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub(crate) fn wishes(&self, person: &Person, brand: &Brand, now: Timestamp) -> Option<Result<Wishes, Vec<Wrong>>> {
        let boxes: Vec<Purpose> = Choice::boxes(brand).collect();
        if !self
            .on
            .iter()
            .all(|code| boxes.iter().any(|purpose| purpose.code() == *code))
        {
            return None;
        }
        let interests = self
            .interests
            .iter()
            .map(|slug| Category::from_slug(slug).ok())
            .collect::<Option<Vec<_>>>()?;
        let mut wrong = Vec::new();
        let cap = self.frequency();
        wrong.extend(cap.err());
        let quiet = self.quiet_hours(person, brand, now);
        wrong.extend(quiet.err());
        let language = person
            .contact
            .is_some()
            .then(|| Language::from_tag(&self.language).ok().ok_or(Wrong::Language))
            .transpose();
        wrong.extend(language.err());
        let (Ok(cap), Ok(quiet), Ok(language)) = (cap, quiet, language) else {
            return Some(Err(wrong));
        };
        let choices = boxes
            .into_iter()
            .map(|purpose| {
                let switch = if self.on.contains(&purpose.code()) {
                    Switch::On
                } else {
                    Switch::Off
                };
                Choice { purpose, switch }
            })
            .collect();
        let preferences = [
            Some(Preference::Frequency(cap)),
            Some(Preference::QuietHours(quiet)),
            language.map(Preference::Language),
            Some(Preference::Interests(interests)),
        ];
        Some(Ok(Wishes {
            choices,
            preferences: preferences.into_iter().flatten().collect(),
        }))
    }

    fn frequency(&self) -> Result<Option<FrequencyCap>, Wrong> {
        if self.cap == AS_BRAND {
            return Ok(None);
        }
        let (most, days) = self.cap.split_once('-').ok_or(Wrong::Cap)?;
        let cap = most.parse().ok().zip(days.parse().ok());
        cap.and_then(|(most, days)| FrequencyCap::new(most, days).ok())
            .map(Some)
            .ok_or(Wrong::Cap)
    }

    fn quiet_hours(&self, person: &Person, brand: &Brand, now: Timestamp) -> Result<Option<QuietHours>, Wrong> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let document = QuietDocument {
            from: given(&self.quiet_from),
            until: given(&self.quiet_until),
            days_off: self.days_off.iter().cloned().collect(),
        };
        if document.from.is_none() && document.until.is_none() && document.days_off.is_empty() {
            return Ok(None);
        }
        // A time that is none is named before the other one that is missing.
        let is_no_time = |text: &String| !text.is_empty() && text.parse::<LocalMinute>().is_err();
        if is_no_time(&self.quiet_from) {
            return Err(Wrong::QuietFrom);
        }
        if is_no_time(&self.quiet_until) {
            return Err(Wrong::QuietUntil);
        }
        let quiet = document.parse().map_err(|error| match error.field.as_str() {
            "from" => Wrong::QuietFrom,
            "until" if self.quiet_from == self.quiet_until => Wrong::QuietEmpty,
            "until" => Wrong::QuietUntil,
            _ => Wrong::DaysOff,
        })?;
        let Some((contact, _)) = &person.contact else {
            return Ok(Some(quiet));
        };
        quiet_until(&[brand.quiet, quiet], now, &contact.time_zone)
            .ok()
            .map(|_| Some(quiet))
            .ok_or(Wrong::NeverOpen)
    }
}

/// A frequency as the form names it.
pub(crate) fn cap_code(cap: FrequencyCap) -> String {
    format!("{}-{}", cap.most(), cap.window_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{brand, now, person};

    fn sent(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn filled() -> Filled {
        Filled::of(&person(), &brand(), now())
    }

    fn wrong(change: impl FnOnce(&mut Filled)) -> Vec<Wrong> {
        let mut filled = filled();
        change(&mut filled);
        filled.wishes(&person(), &brand(), now()).unwrap().unwrap_err()
    }

    #[test]
    fn the_form_of_what_is_on_record_asks_for_nothing_new() {
        let person = person();
        let wishes = filled().wishes(&person, &brand(), now()).unwrap().unwrap();
        let consents = &person.standing.consents;
        assert!(wishes.choices.iter().all(|choice| !choice.turns(consents, now())));
        let contact = person.contact.as_ref().map(|(contact, _)| contact);
        let context = person.context.as_ref().map(|(context, _)| context);
        for preference in &wishes.preferences {
            assert!(
                preference.holds(&person.standing.limits, contact, context),
                "{preference:?}"
            );
        }
        assert_eq!(wishes.preferences.len(), 4);
    }

    #[test]
    fn each_wrong_field_is_named_and_all_at_once() {
        assert_eq!(wrong(|form| form.cap = "0-7".into()), [Wrong::Cap]);
        assert_eq!(wrong(|form| form.cap.clear()), [Wrong::Cap]);
        assert_eq!(wrong(|form| form.quiet_from = "25:00".into()), [Wrong::QuietFrom]);
        assert_eq!(wrong(|form| form.quiet_from = "20:00".into()), [Wrong::QuietUntil]);
        assert_eq!(wrong(|form| form.quiet_until = "20:00".into()), [Wrong::QuietFrom]);
        let hours = |from: &str, until: &str| {
            let (from, until) = (from.to_owned(), until.to_owned());
            wrong(move |form| (form.quiet_from, form.quiet_until) = (from, until))
        };
        assert_eq!(hours("20:00", "20:00"), [Wrong::QuietEmpty]);
        assert_eq!(hours("07:00", "22:00"), [Wrong::NeverOpen]);
        let week = [
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
        ];
        let all_week = wrong(|form| form.days_off = week.map(str::to_owned).into());
        assert_eq!(all_week, [Wrong::DaysOff]);
        let both = wrong(|form| (form.cap, form.language) = ("x".into(), "de".into()));
        assert_eq!(both, [Wrong::Cap, Wrong::Language]);
    }

    #[test]
    fn what_no_page_offers_is_not_a_form() {
        assert!(Filled::read(&sent(&[("save", "all"), ("colour", "red")])).is_none());
        assert!(Filled::read(&sent(&[("cap", "brand"), ("cap", "1-7")])).is_none());
        for change in [("on", "email.unknown"), ("on", "no_marketing"), ("interest", "yachts")] {
            let form = Filled::read(&sent(&[("cap", "brand"), ("language", "fr"), change])).unwrap();
            assert!(form.wishes(&person(), &brand(), now()).is_none(), "{change:?}");
        }
    }

    #[test]
    fn a_form_cut_short_takes_no_consent_away() {
        let cut = Filled::read(&sent(&[("save", "all")])).unwrap();
        assert!(cut.wishes(&person(), &brand(), now()).unwrap().is_err());
    }
}
