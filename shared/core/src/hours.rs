//! When a place is open: by the wall clock of the place, with public holidays and days that it closes.

use jiff::Timestamp;
use jiff::civil::Date;
use thiserror::Error;

use crate::holiday::{Holiday, holiday};
use crate::time::{LocalMinute, MINUTES_A_DAY, TimeZoneName, local};

/// Why opening hours were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidHours {
    /// Not `HH:MM-HH:MM`.
    #[error("must be hours such as 10:00-18:30, ending at 24:00 at the latest")]
    Span,
    /// Ends before it begins.
    #[error("must end after it begins: what is open past midnight is two spans")]
    Backwards,
    /// Two spans of a day overlap.
    #[error("must not overlap another span of its day")]
    Overlap,
    /// Never open.
    #[error("must be open on at least one day of the week")]
    NeverOpen,
}

/// A stretch of one day, in minutes since its midnight: from (included) until (excluded), at most 1 440.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: u16,
    until: u16,
}

impl Span {
    /// From text such as `10:00-18:30`; `24:00` may end it.
    ///
    /// # Errors
    /// [`InvalidHours::Span`] or [`InvalidHours::Backwards`].
    pub fn parse(text: &str) -> Result<Self, InvalidHours> {
        let (from, until) = text.split_once('-').ok_or(InvalidHours::Span)?;
        let minute = |text: &str| text.parse::<LocalMinute>().or(Err(InvalidHours::Span));
        let from = minute(from)?.minute_of_day();
        let until = if until == "24:00" {
            MINUTES_A_DAY
        } else {
            minute(until)?.minute_of_day()
        };
        if until <= from {
            return Err(InvalidHours::Backwards);
        }
        Ok(Self { from, until })
    }

    /// Whether a minute belongs to both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

/// What a place does on public holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnHolidays {
    /// Closed on the eleven of all France.
    #[default]
    Closed,
    /// Closed on the thirteen of Alsace and Moselle.
    ClosedInAlsaceMoselle,
    /// Open as on any such weekday.
    Open,
}

/// A place's week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours {
    zone: TimeZoneName,
    /// Monday first.
    week: [Vec<Span>; 7],
    on_holidays: OnHolidays,
    closed_on: Vec<Date>,
}

/// Whether a place is open, by minutes of its wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is, for so many minutes more.
    Open {
        /// 1 to 2 880: what follows without a break is counted, until the end of the next day at most.
        minutes_left: u32,
    },
    /// It opens in so many minutes.
    Shut {
        /// At least 1; `None` when not within [`DAYS_AHEAD`] days.
        opens_in: Option<u32>,
    },
}

/// How far ahead an opening is looked for.
pub const DAYS_AHEAD: u16 = 15;

impl OpeningHours {
    /// A week, Monday first; the spans of a day in any order.
    ///
    /// # Errors
    /// [`InvalidHours::Overlap`] or [`InvalidHours::NeverOpen`].
    pub fn new(
        zone: TimeZoneName,
        mut week: [Vec<Span>; 7],
        on_holidays: OnHolidays,
        closed_on: Vec<Date>,
    ) -> Result<Self, InvalidHours> {
        if week.iter().all(Vec::is_empty) {
            return Err(InvalidHours::NeverOpen);
        }
        for day in &mut week {
            day.sort_unstable_by_key(|span| span.from);
            let overlaps = |pair: &[Span]| matches!(pair, [first, second] if first.overlaps(*second));
            if day.windows(2).any(overlaps) {
                return Err(InvalidHours::Overlap);
            }
        }
        Ok(Self {
            zone,
            week,
            on_holidays,
            closed_on,
        })
    }

    /// Whether the place is open at an instant, and if not when it opens. Minutes are those of the wall clock, so on the
    /// two nights when it jumps they may be 60 off.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Opening {
        let reading = local(at, &self.zone);
        let minute = LocalMinute::of(reading).minute_of_day();
        let mut day = reading.date();
        let mut midnight: u32 = 0;
        for _ in 0..DAYS_AHEAD {
            let spans = self.spans(day);
            let now = if midnight == 0 { minute } else { 0 };
            if let Some(span) = spans.iter().find(|span| span.until > now) {
                if midnight == 0 && span.from <= minute {
                    return Opening::Open {
                        minutes_left: self.closes(day, *span) - u32::from(minute),
                    };
                }
                return Opening::Shut {
                    opens_in: Some((midnight + u32::from(span.from)).saturating_sub(u32::from(minute))),
                };
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
            midnight += u32::from(MINUTES_A_DAY);
        }
        Opening::Shut { opens_in: None }
    }

    /// The minute at which the place closes that is open in a span, from the day's midnight: spans that meet are one, in a
    /// day and over its end.
    fn closes(&self, day: Date, span: Span) -> u32 {
        let follow = |until: u16, spans: &[Span]| {
            spans
                .iter()
                .fold(until, |until, next| if next.from == until { next.until } else { until })
        };
        let until = follow(span.until, self.spans(day));
        let tomorrow = day.tomorrow().ok().filter(|_| until == MINUTES_A_DAY);
        let beyond = tomorrow.map_or(0, |tomorrow| follow(0, self.spans(tomorrow)));
        u32::from(until) + u32::from(beyond)
    }

    fn spans(&self, day: Date) -> &[Span] {
        let shut = match (self.on_holidays, holiday(day)) {
            (OnHolidays::Open, _) | (_, None) | (OnHolidays::Closed, Some(Holiday::AlsaceMoselle)) => false,
            (OnHolidays::Closed, Some(Holiday::National)) | (OnHolidays::ClosedInAlsaceMoselle, Some(_)) => true,
        };
        if shut || self.closed_on.contains(&day) {
            return &[];
        }
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        self.week.get(weekday).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(texts: &[&str]) -> Vec<Span> {
        texts.iter().map(|text| Span::parse(text).unwrap()).collect()
    }

    /// Tuesday to Saturday, with a break at noon; Sunday morning.
    fn museum(on_holidays: OnHolidays, closed_on: &[Date]) -> OpeningHours {
        let day = || spans(&["10:00-12:30", "14:00-18:00"]);
        let week = [vec![], day(), day(), day(), day(), day(), spans(&["10:00-13:00"])];
        let paris = TimeZoneName::new("Europe/Paris").unwrap();
        OpeningHours::new(paris, week, on_holidays, closed_on.to_vec()).unwrap()
    }

    fn at(hours: &OpeningHours, text: &str) -> Opening {
        hours.at(text.parse().unwrap())
    }

    fn opens_in(minutes: u32) -> Opening {
        Opening::Shut {
            opens_in: Some(minutes),
        }
    }

    #[test]
    fn a_place_is_open_by_its_own_clock() {
        let hours = museum(OnHolidays::Closed, &[]);
        // Tuesday, 09:00 UTC is 10:00 in Paris in winter and 11:00 in summer.
        assert_eq!(at(&hours, "2026-12-01T08:59:00Z"), opens_in(1));
        assert_eq!(at(&hours, "2026-12-01T09:00:00Z"), Opening::Open { minutes_left: 150 });
        assert_eq!(at(&hours, "2026-06-02T09:00:00Z"), Opening::Open { minutes_left: 90 });
        assert_eq!(at(&hours, "2026-12-01T11:30:00Z"), opens_in(90));
        assert_eq!(at(&hours, "2026-12-01T17:00:00Z"), opens_in(16 * 60));
        // From Sunday 13:00 to Tuesday 10:00.
        assert_eq!(at(&hours, "2026-11-29T12:00:00Z"), opens_in((24 + 21) * 60));
    }

    #[test]
    fn holidays_close_unless_the_place_says_otherwise() {
        // Friday 25 December 2026, 11:00 in Paris; Saturday the 26th is a holiday in Alsace and Moselle.
        let christmas = "2026-12-25T10:00:00Z";
        let open = Opening::Open { minutes_left: 90 };
        assert_eq!(at(&museum(OnHolidays::Open, &[]), christmas), open);
        assert_eq!(at(&museum(OnHolidays::Closed, &[]), christmas), opens_in(23 * 60));
        assert_eq!(
            at(&museum(OnHolidays::ClosedInAlsaceMoselle, &[]), christmas),
            opens_in(47 * 60)
        );
    }

    #[test]
    fn a_place_that_closes_for_long_is_not_said_to_open() {
        let december: Vec<Date> = (1..=31).map(|day| jiff::civil::date(2026, 12, day)).collect();
        let hours = museum(OnHolidays::Open, &december);
        assert_eq!(at(&hours, "2026-12-01T10:00:00Z"), Opening::Shut { opens_in: None });
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        for (text, error) in [
            ("10:00", InvalidHours::Span),
            ("10-18", InvalidHours::Span),
            ("10:00-25:00", InvalidHours::Span),
            ("22:00-02:00", InvalidHours::Backwards),
            ("10:00-10:00", InvalidHours::Backwards),
        ] {
            assert_eq!(Span::parse(text), Err(error), "{text}");
        }
        assert!(Span::parse("18:00-24:00").is_ok());
        let paris = TimeZoneName::new("Europe/Paris").unwrap();
        let never = OpeningHours::new(paris.clone(), Default::default(), OnHolidays::Open, Vec::new());
        assert_eq!(never, Err(InvalidHours::NeverOpen));
        for day in [["10:00-14:00", "13:00-18:00"], ["13:00-18:00", "10:00-14:00"]] {
            let week = std::array::from_fn(|_| spans(&day));
            let overlapping = OpeningHours::new(paris.clone(), week, OnHolidays::Open, Vec::new());
            assert_eq!(overlapping, Err(InvalidHours::Overlap));
        }
    }

    #[test]
    fn spans_in_another_order_are_the_same_day() {
        let week = |day: &[&str]| {
            let paris = TimeZoneName::new("Europe/Paris").unwrap();
            let week = std::array::from_fn(|_| spans(day));
            OpeningHours::new(paris, week, OnHolidays::Open, Vec::new()).unwrap()
        };
        assert_eq!(
            week(&["14:00-18:00", "10:00-12:00"]),
            week(&["10:00-12:00", "14:00-18:00"])
        );
    }

    #[test]
    fn spans_that_meet_are_one_in_a_day_and_over_midnight() {
        // Open from Friday evening to Saturday night and from Sunday evening to Monday night, in two spans each.
        let mut week: [Vec<Span>; 7] = Default::default();
        week[4] = spans(&["12:00-18:00", "18:00-24:00"]);
        week[5] = spans(&["00:00-03:00"]);
        week[6] = spans(&["18:00-24:00"]);
        week[0] = spans(&["00:00-02:00"]);
        let bar = |on_holidays| {
            OpeningHours::new(
                TimeZoneName::new("Europe/Paris").unwrap(),
                week.clone(),
                on_holidays,
                Vec::new(),
            )
            .unwrap()
        };
        let open = |minutes_left| Opening::Open { minutes_left };
        let hours = bar(OnHolidays::Closed);
        assert_eq!(at(&hours, "2026-11-27T16:30:00Z"), open(9 * 60 + 30));
        assert_eq!(at(&hours, "2026-11-27T22:30:00Z"), open(30 + 3 * 60));
        assert_eq!(at(&hours, "2026-11-28T01:30:00Z"), open(30));
        assert_eq!(at(&hours, "2026-11-29T22:30:00Z"), open(30 + 2 * 60));
        // Saturday 15 August 2026 is a holiday: the night before ends at midnight where that closes.
        let assumption_eve = "2026-08-14T21:30:00Z";
        assert_eq!(at(&hours, assumption_eve), open(30));
        assert_eq!(at(&bar(OnHolidays::Open), assumption_eve), open(30 + 3 * 60));
    }

    proptest! {
        #[test]
        fn a_place_opens_when_it_was_said_to(second in 1_700_000_000i64..1_900_000_000) {
            let hours = museum(OnHolidays::Closed, &[]);
            let now = Timestamp::from_second(second / 60 * 60).unwrap();
            if let Opening::Shut { opens_in: Some(minutes) } = hours.at(now) {
                prop_assert!(minutes > 0);
                let then = now + jiff::SignedDuration::from_mins(i64::from(minutes));
                // Not across a change of the clock: there the hour that was skipped or repeated lies between.
                let paris = TimeZoneName::new("Europe/Paris").unwrap();
                if paris.next_transition(now).is_none_or(|change| change > then) {
                    let is_open = matches!(hours.at(then), Opening::Open { .. });
                    prop_assert!(is_open, "{now} {then}");
                }
            }
        }
    }
}
