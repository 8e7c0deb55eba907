//! Lifecycle from recency, frequency and spend.
//!
//! - **Recency** is days since the last purchase or act.
//! - **Frequency** sets the patience: whoever bought on three days or more is judged by their own rhythm, the mean gap
//!   between the first and the last of those days, taken as 30 to 180 days. They are *active* for two gaps and *lapsing* for
//!   four. Of others too little is known for a rhythm: 180 and 365 days.
//! - **Spend** lengthens the second: whoever spent 500 or more in two years is *lapsing* half as long again before they are
//!   *lost*, because winning them back is worth a longer try.
//!
//! Nobody who bought nothing is more than a *prospect*, and the first 60 days after a first purchase are *new*. No rule of an
//! offer can read what somebody spends: only this lifecycle comes of it.

use crate::context::Lifecycle;
use crate::time::EpochDay;

/// What the lifecycle goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Days since the first purchase.
    pub since_first: u16,
    /// Recency: days since the last purchase or act.
    pub since_last: u16,
    /// Frequency: on how many different days something was bought.
    pub days_bought: u16,
    /// Days from the first of them to the last.
    pub span: u16,
    /// Spend of the last two years, in whole units of the brand's currency, if it is known.
    pub spent: Option<u32>,
}

const NEW_DAYS: u16 = 60;
/// Active and lapsing for so long, of whom too little is known for a rhythm.
const USUAL: (u16, u16) = (180, 365);
/// From so many days of purchase on, there is a rhythm.
const LEAST_DAYS: u16 = 3;
/// From so much on, the patience is half as long again.
const MUCH: u32 = 500;

impl Rhythm {
    /// From the days on which something was bought, in any order; nothing of a prospect.
    #[must_use]
    pub fn of(bought: &[EpochDay], last_act: Option<EpochDay>, spent: Option<u32>, today: EpochDay) -> Option<Self> {
        let mut days = bought.to_vec();
        days.sort_unstable();
        days.dedup();
        let (first, last) = (*days.first()?, *days.last()?);
        Some(Self {
            since_first: today.days_since(first),
            since_last: today.days_since(last_act.map_or(last, |act| act.max(last))),
            days_bought: u16::try_from(days.len()).unwrap_or(u16::MAX),
            span: last.days_since(first),
            spent,
        })
    }

    /// For how many days since the last act they are active, and lapsing.
    ///
    /// ```
    /// use apropos_core::segment::Rhythm;
    ///
    /// let seldom = Rhythm { since_first: 400, since_last: 200, days_bought: 2, span: 200, spent: None };
    /// assert_eq!(seldom.patience(), (180, 365));
    /// // Four purchases in 120 days: one every 40.
    /// let often = Rhythm { days_bought: 4, span: 120, ..seldom };
    /// assert_eq!(often.patience(), (80, 160));
    /// assert_eq!(Rhythm { spent: Some(900), ..often }.patience(), (80, 240));
    /// ```
    #[must_use]
    pub fn patience(self) -> (u16, u16) {
        let (active, lapsing) = if self.days_bought < LEAST_DAYS {
            USUAL
        } else {
            let gap = (self.span / (self.days_bought - 1)).clamp(30, 180);
            (2 * gap, 4 * gap)
        };
        if self.spent.is_some_and(|spent| spent >= MUCH) {
            (active, lapsing + lapsing / 2)
        } else {
            (active, lapsing)
        }
    }

    /// The last days of what follows, if nothing more is heard of them. A spend that grows old is not foreseen.
    ///
    /// ```
    /// use apropos_core::context::Lifecycle::{Active, Lapsing, Lost, New};
    /// use apropos_core::segment::Rhythm;
    /// use apropos_core::time::EpochDay;
    ///
    /// // Bought every 40 days, the last time on day 20 120: active for 80 days from then and lapsing until the 160th.
    /// let bought = [20_000, 20_040, 20_080, 20_120].map(EpochDay);
    /// let today = EpochDay(20_130);
    /// let stages = Rhythm::of(&bought, None, None, today).unwrap().stages(today);
    /// assert_eq!(
    ///     [20_060, 20_130, 20_200, 20_201, 20_280, 20_281].map(|day| stages.lifecycle_on(EpochDay(day))),
    ///     [New, Active, Active, Lapsing, Lapsing, Lost]
    /// );
    /// ```
    #[must_use]
    pub fn stages(self, today: EpochDay) -> Stages {
        let (active, lapsing) = self.patience();
        let last = |since: u16, days: u16| EpochDay(today.0.saturating_sub(since).saturating_add(days));
        Stages {
            new_until: last(self.since_first, NEW_DAYS),
            active_until: last(self.since_last, active),
            lapsing_until: last(self.since_last, lapsing),
        }
    }
}

/// How the lifecycle of a customer goes on in silence, so that whoever falls silent is found without being derived again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// The last day of being new.
    pub new_until: EpochDay,
    /// The last of being active, if later.
    pub active_until: EpochDay,
    /// The last of lapsing, if later.
    pub lapsing_until: EpochDay,
}

impl Stages {
    /// The lifecycle on a day.
    #[must_use]
    pub fn lifecycle_on(self, today: EpochDay) -> Lifecycle {
        if today <= self.new_until {
            Lifecycle::New
        } else if today <= self.active_until {
            Lifecycle::Active
        } else if today <= self.lapsing_until {
            Lifecycle::Lapsing
        } else {
            Lifecycle::Lost
        }
    }

    /// The three days, in their order.
    pub(crate) const fn days(self) -> [u16; 3] {
        [self.new_until.0, self.active_until.0, self.lapsing_until.0]
    }

    /// From those; three times 0 is nothing.
    pub(crate) fn from_days(days: [u16; 3]) -> Option<Self> {
        let [new_until, active_until, lapsing_until] = days.map(EpochDay);
        (days != [0; 3]).then_some(Self {
            new_until,
            active_until,
            lapsing_until,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lifecycle(days_ago: &[u16], spent: Option<u32>) -> Lifecycle {
        let today = EpochDay(20_000);
        let bought: Vec<EpochDay> = days_ago.iter().map(|days| EpochDay(today.0 - days)).collect();
        Rhythm::of(&bought, None, spent, today)
            .map_or(Lifecycle::Prospect, |rhythm| rhythm.stages(today).lifecycle_on(today))
    }

    #[test]
    fn a_monthly_buyer_lapses_sooner_than_a_yearly_one() {
        // Every thirty days until a hundred days ago.
        assert_eq!(lifecycle(&[190, 160, 130, 100], None), Lifecycle::Lapsing);
        // Every hundred and eighty days until a hundred days ago.
        assert_eq!(lifecycle(&[640, 460, 280, 100], None), Lifecycle::Active);
        assert_eq!(lifecycle(&[220, 190, 160, 130], None), Lifecycle::Lost);
        assert_eq!(lifecycle(&[], None), Lifecycle::Prospect);
        assert_eq!(lifecycle(&[60, 30, 1], None), Lifecycle::New);
    }

    #[test]
    fn who_spent_much_is_lost_later() {
        assert_eq!(lifecycle(&[220, 190, 160, 130], Some(500)), Lifecycle::Lapsing);
        assert_eq!(lifecycle(&[220, 190, 160, 130], Some(499)), Lifecycle::Lost);
    }

    proptest! {
        /// What is foreseen is what is derived again on the day.
        #[test]
        fn stages_go_on_as_the_lifecycle_does(days in prop::collection::vec(0u16..900, 1..8), active in proptest::option::of(0u16..900), spent in proptest::option::of(0u32..2_000), later in 0u16..1_200) {
            let today = EpochDay(20_000);
            let bought: Vec<EpochDay> = days.iter().map(|days| EpochDay(today.0 - days)).collect();
            let act = active.map(|days| EpochDay(today.0 - days));
            let foreseen = Rhythm::of(&bought, act, spent, today).map(|rhythm| rhythm.stages(today));
            let on = EpochDay(today.0 + later);
            let derived = Rhythm::of(&bought, act, spent, on).map(|rhythm| rhythm.stages(on).lifecycle_on(on));
            prop_assert_eq!(foreseen.map(|stages| stages.lifecycle_on(on)), derived);
        }

        #[test]
        fn more_days_of_silence_never_bring_anybody_back(days in prop::collection::vec(0u16..900, 1..8), spent in proptest::option::of(0u32..2_000), more in 0u16..400) {
            // Past the first sixty days: being new ends by itself.
            let days: Vec<u16> = days.into_iter().map(|days| days + 61).collect();
            let later: Vec<u16> = days.iter().map(|days| days + more).collect();
            prop_assert!(lifecycle(&later, spent) >= lifecycle(&days, spent));
        }
    }
}
