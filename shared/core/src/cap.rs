//! How often a customer may be written to, over sliding windows. The ring of recent contacts is small on purpose, since
//! it lives in an item of under 1 KB; what it had to forget counts against sending, never for it (invariant I5).

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::time::later;

/// Why a cap or a gap was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidCap {
    /// The number of messages.
    #[error("must allow 1 to 100 messages")]
    Most,
    /// The window.
    #[error("must span 1 to 90 days")]
    Window,
    /// The gap.
    #[error("must be 1 to 2160 hours")]
    Gap,
}

const SECONDS_AN_HOUR: u32 = 3_600;
const SECONDS_A_DAY: u32 = 24 * SECONDS_AN_HOUR;

/// No cap and no gap looks further back, so older contacts need not be kept.
const LONGEST_WINDOW: u32 = 90 * SECONDS_A_DAY;

/// At most so many messages in any stretch of so many days of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrequencyCap {
    most: u8,
    window_days: u16,
}

impl FrequencyCap {
    /// `most` messages, 1 to 100, in `window_days`, 1 to 90.
    ///
    /// # Errors
    /// [`InvalidCap`] says which of the two is out of range.
    pub const fn new(most: u8, window_days: u16) -> Result<Self, InvalidCap> {
        if most == 0 || most > 100 {
            return Err(InvalidCap::Most);
        }
        if window_days == 0 || window_days > 90 {
            return Err(InvalidCap::Window);
        }
        Ok(Self { most, window_days })
    }

    /// The most messages in a window.
    #[must_use]
    pub const fn most(self) -> u8 {
        self.most
    }

    /// The window's length, in days of 24 hours.
    #[must_use]
    pub const fn window_days(self) -> u16 {
        self.window_days
    }

    fn window(self) -> u32 {
        u32::from(self.window_days) * SECONDS_A_DAY
    }
}

/// The least time between two messages. The greater of two gaps is the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinimumGap {
    hours: u16,
}

impl MinimumGap {
    /// 1 to 2 160 hours (90 days).
    ///
    /// # Errors
    /// [`InvalidCap::Gap`] when out of range.
    pub const fn from_hours(hours: u16) -> Result<Self, InvalidCap> {
        if hours == 0 || hours > 2_160 {
            return Err(InvalidCap::Gap);
        }
        Ok(Self { hours })
    }

    /// The gap in hours.
    #[must_use]
    pub const fn hours(self) -> u16 {
        self.hours
    }
}

/// A refusal for now, with the first second at which nothing would stand in the way if nobody wrote in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapReached {
    /// When to look again; a whole second.
    pub next_free: Timestamp,
    /// What holds until `next_free`.
    pub limit: Limit,
}

/// A rule about frequency, for a decision's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Too many in a window.
    Cap(FrequencyCap),
    /// Too soon after the last.
    Gap(MinimumGap),
}

/// The contacts kept a customer.
pub const MOST_CONTACTS: usize = 32;

/// A customer's recent contacts, oldest first, each a second since 1970 (until 2106).
///
/// A contact is stored as the second that follows it and "now" is read as the second that precedes it, so rounding never
/// shortens a window. Beyond [`MOST_CONTACTS`] the oldest is forgotten, but not when it was: a window that reaches back
/// to a forgotten contact permits nothing, because it may hold any number of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ContactRing {
    contacts: Vec<u32>,
    forgotten: Option<u32>,
}

impl ContactRing {
    /// From the stored parts, in any order; see [`Self::contacts`] and [`Self::forgotten`].
    #[must_use]
    pub fn from_parts(contacts: Vec<u32>, forgotten: Option<u32>) -> Self {
        let mut ring = Self { contacts, forgotten };
        ring.contacts.sort_unstable();
        let excess = ring.contacts.len().saturating_sub(MOST_CONTACTS);
        ring.forget(excess);
        ring
    }

    /// The contacts to store, oldest first: at most [`MOST_CONTACTS`] seconds since 1970.
    #[must_use]
    pub fn contacts(&self) -> &[u32] {
        &self.contacts
    }

    /// The latest contact that is no longer kept, to store.
    #[must_use]
    pub const fn forgotten(&self) -> Option<u32> {
        self.forgotten
    }

    /// The latest contact, rounded up to the second.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.contacts.last().copied().max(self.forgotten).map(instant)
    }

    /// Whether one more message may leave at `now` under every cap and the gap: the strictest of the brand's and the
    /// customer's wins. Contacts later than `now` count too, since two machines' clocks may differ.
    ///
    /// # Errors
    /// [`CapReached`] with the limit that holds longest.
    pub fn permits(&self, caps: &[FrequencyCap], gap: Option<MinimumGap>, now: Timestamp) -> Result<(), CapReached> {
        let now = floor(now);
        let by_caps = caps
            .iter()
            .filter_map(|cap| Some((self.free_under_cap(*cap)?, Limit::Cap(*cap))));
        let by_gap = gap.and_then(|gap| Some((self.free_after_gap(gap)?, Limit::Gap(gap))));
        let longest = by_caps
            .chain(by_gap)
            .filter(|(free, _)| *free > now)
            .max_by_key(|(free, _)| *free);
        match longest {
            None => Ok(()),
            Some((free, limit)) => Err(CapReached {
                next_free: second(free),
                limit,
            }),
        }
    }

    /// Whether one more message at `now` would leave room for so many others at once after it.
    #[must_use]
    pub fn leaves_room(&self, caps: &[FrequencyCap], gap: Option<MinimumGap>, others: usize, now: Timestamp) -> bool {
        let mut ring = self.clone();
        (0..others).all(|_| {
            ring.record(now);
            ring.permits(caps, gap, now).is_ok()
        })
    }

    /// Adds a contact at `now`, and drops those that no window can reach any more. It never fails: the message has left
    /// or may have, and both count.
    pub fn record(&mut self, now: Timestamp) {
        let contact = ceil(now);
        let oldest_needed = contact.saturating_sub(LONGEST_WINDOW);
        let place = self.contacts.partition_point(|kept| *kept <= contact);
        self.contacts.insert(place, contact);
        let out_of_reach = self.contacts.partition_point(|kept| *kept <= oldest_needed);
        let excess = self.contacts.len().saturating_sub(MOST_CONTACTS);
        self.forget(out_of_reach.max(excess));
    }

    /// Takes back exactly one contact recorded at `at`, for a message that is known not to have left. Answers whether
    /// it was still there; a forgotten contact stays counted.
    pub fn release(&mut self, at: Timestamp) -> bool {
        match self.contacts.binary_search(&ceil(at)) {
            Ok(place) => {
                self.contacts.remove(place);
                true
            }
            Err(_) => false,
        }
    }

    /// The contacts from a time on, as if there had been none before: for whoever knows that no window reaches back so far.
    #[must_use]
    pub fn since(&self, from: Timestamp) -> Self {
        let kept = |contact: &u32| instant(*contact) >= from;
        Self {
            contacts: self.contacts.iter().copied().filter(kept).collect(),
            forgotten: self.forgotten.filter(kept),
        }
    }

    fn forget(&mut self, oldest: usize) {
        let latest = self.contacts.drain(..oldest).next_back();
        self.forgotten = self.forgotten.max(latest);
    }

    /// The first second at which the cap lets one more through; `None` when it does at any time.
    fn free_under_cap(&self, cap: FrequencyCap) -> Option<i64> {
        // One more fits once the contact that is `most` from the end has left the window.
        let place = self.contacts.len().checked_sub(usize::from(cap.most));
        let too_many = place.and_then(|place| self.contacts.get(place)).copied();
        too_many
            .max(self.forgotten)
            .map(|contact| i64::from(contact) + i64::from(cap.window()))
    }

    fn free_after_gap(&self, gap: MinimumGap) -> Option<i64> {
        let last = self.contacts.last().copied().max(self.forgotten)?;
        Some(i64::from(last) + i64::from(gap.hours) * i64::from(SECONDS_AN_HOUR))
    }
}

/// When somebody was written to is about that person.
impl std::fmt::Debug for ContactRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContactRing({} contacts)", self.contacts.len())
    }
}

fn floor(at: Timestamp) -> i64 {
    // `as_second` rounds towards 1970, which before 1970 is up.
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

fn ceil(at: Timestamp) -> u32 {
    let whole = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    u32::try_from(whole.max(0)).unwrap_or(u32::MAX)
}

fn instant(contact: u32) -> Timestamp {
    second(i64::from(contact))
}

fn second(since_1970: i64) -> Timestamp {
    later(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(since_1970))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cap(most: u8, days: u16) -> FrequencyCap {
        FrequencyCap::new(most, days).unwrap()
    }

    fn gap(hours: u16) -> Option<MinimumGap> {
        Some(MinimumGap::from_hours(hours).unwrap())
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ring(contacts: &[&str]) -> ContactRing {
        let mut ring = ContactRing::default();
        for contact in contacts {
            ring.record(instant(contact));
        }
        ring
    }

    #[test]
    fn from_a_time_on_only_what_came_then_counts() {
        let times = ["2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z", "2026-11-03T10:00:00Z"];
        let held = ring(&times);
        assert_eq!(held.since(instant(times[1])), ring(&times[1..]));
        assert_eq!(held.since(instant("2026-11-03T10:00:01Z")), ContactRing::default());
        let forgotten = ContactRing::from_parts(Vec::new(), held.contacts().last().copied());
        assert_eq!(forgotten.since(instant(times[2])), forgotten);
        assert_eq!(forgotten.since(instant("2026-11-03T10:00:01Z")), ContactRing::default());
    }

    fn next_free(refused: Result<(), CapReached>) -> String {
        refused.unwrap_err().next_free.to_string()
    }

    #[test]
    fn caps_and_gaps_out_of_range_are_refused() {
        assert_eq!(FrequencyCap::new(0, 7), Err(InvalidCap::Most));
        assert_eq!(FrequencyCap::new(101, 7), Err(InvalidCap::Most));
        assert_eq!(FrequencyCap::new(1, 0), Err(InvalidCap::Window));
        assert_eq!(FrequencyCap::new(1, 91), Err(InvalidCap::Window));
        assert_eq!(MinimumGap::from_hours(0), Err(InvalidCap::Gap));
        assert_eq!(MinimumGap::from_hours(2_161), Err(InvalidCap::Gap));
    }

    #[test]
    fn a_cap_slides_and_frees_when_its_oldest_contact_is_a_window_old() {
        let ring = ring(&["2026-03-02T10:00:00Z", "2026-03-04T10:00:00Z"]);
        let caps = [cap(2, 7)];
        assert_eq!(
            next_free(ring.permits(&caps, None, instant("2026-03-09T09:59:59.999Z"))),
            "2026-03-09T10:00:00Z"
        );
        assert_eq!(ring.permits(&caps, None, instant("2026-03-09T10:00:00Z")), Ok(()));
    }

    #[test]
    fn the_strictest_of_brand_and_customer_wins() {
        let ring = ring(&["2026-03-02T10:00:00Z"]);
        let now = instant("2026-03-03T10:00:00Z");
        let (brand, customer) = (cap(3, 7), cap(1, 30));
        assert_eq!(ring.permits(&[brand], None, now), Ok(()));
        let refused = ring.permits(&[brand, customer], None, now).unwrap_err();
        assert_eq!(refused.limit, Limit::Cap(customer));
        assert_eq!(refused.next_free, instant("2026-04-01T10:00:00Z"));
        assert_eq!(ring.permits(&[customer, brand], None, now), Err(refused));
    }

    #[test]
    fn a_gap_counts_from_the_last_contact() {
        let ring = ring(&["2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"]);
        let refused = ring
            .permits(&[cap(5, 7)], gap(48), instant("2026-03-03T10:00:00Z"))
            .unwrap_err();
        assert_eq!(
            (refused.limit, refused.next_free),
            (Limit::Gap(gap(48).unwrap()), instant("2026-03-04T10:00:00Z"))
        );
        assert_eq!(ring.permits(&[cap(5, 7)], gap(48), refused.next_free), Ok(()));
    }

    #[test]
    fn nobody_written_to_means_nothing_in_the_way() {
        assert_eq!(
            ContactRing::default().permits(&[cap(1, 90)], gap(2_160), Timestamp::UNIX_EPOCH),
            Ok(())
        );
        assert_eq!(
            ring(&["2026-03-02T10:00:00Z"]).permits(&[], None, instant("2026-03-02T10:00:00Z")),
            Ok(())
        );
    }

    #[test]
    fn rounding_to_seconds_never_shortens_a_window() {
        let ring = ring(&["2026-03-02T10:00:00.001Z"]);
        let refused = ring.permits(&[cap(1, 1)], None, instant("2026-03-03T10:00:00.9Z"));
        assert_eq!(next_free(refused), "2026-03-03T10:00:01Z");
    }

    #[test]
    fn a_released_contact_no_longer_counts_and_its_twin_still_does() {
        let at = instant("2026-03-02T10:00:00.25Z");
        let mut ring = ContactRing::default();
        ring.record(at);
        ring.record(at);
        assert!(ring.release(at));
        assert!(ring.permits(&[cap(1, 1)], None, at).is_err());
        assert!(ring.release(at));
        assert!(!ring.release(at));
        assert_eq!(ring.permits(&[cap(1, 1)], None, at), Ok(()));
    }

    #[test]
    fn a_contact_in_the_future_counts() {
        let ring = ring(&["2026-03-02T10:00:05Z"]);
        assert!(
            ring.permits(&[cap(1, 1)], None, instant("2026-03-02T10:00:00Z"))
                .is_err()
        );
    }

    #[test]
    fn a_full_ring_refuses_rather_than_permit_by_forgetting() {
        let mut ring = ContactRing::default();
        for day in 0..40 {
            ring.record(second(day * 86_400));
        }
        assert_eq!(ring.contacts().len(), MOST_CONTACTS);
        let now = second(40 * 86_400);
        // 40 in 60 days; only 32 of them are known, which is fewer than 35.
        let refused = ring.permits(&[cap(35, 60)], None, now).unwrap_err();
        // The last forgotten one, day 7, has to leave the window first.
        assert_eq!(refused.next_free, second((7 + 60) * 86_400));
        // Giving one back makes room in the ring and still does not bring the others to mind.
        assert!(ring.release(second(39 * 86_400)));
        assert!(ring.permits(&[cap(35, 60)], None, now).is_err());
        // A window that the ring covers is judged as usual.
        assert_eq!(ring.permits(&[cap(5, 3)], None, now), Ok(()));
    }

    #[test]
    fn contacts_beyond_every_window_are_dropped() {
        let mut ring = ring(&["2026-01-01T00:00:00Z"]);
        ring.record(instant("2026-04-01T00:00:00Z"));
        assert_eq!(ring.contacts().len(), 1);
        assert_eq!(
            ring.permits(&[cap(2, 90)], None, instant("2026-04-01T00:00:00Z")),
            Ok(())
        );
    }

    #[test]
    fn a_contact_that_a_window_can_still_reach_is_kept() {
        let ring = ring(&["2026-01-01T00:00:01Z", "2026-04-01T00:00:00Z"]);
        let now = instant("2026-04-01T00:00:00Z");
        assert_eq!(ring.contacts().len(), 2);
        assert_eq!(ring.permits(&[cap(3, 90)], None, now), Ok(()));
        assert_eq!(
            next_free(ring.permits(&[cap(2, 90)], None, now)),
            "2026-04-01T00:00:01Z"
        );
    }

    #[test]
    fn debug_does_not_tell_when_somebody_was_written_to() {
        assert_eq!(
            format!("{:?}", ring(&["2026-03-02T10:00:00Z"])),
            "ContactRing(1 contacts)"
        );
    }

    fn any_cap() -> impl Strategy<Value = FrequencyCap> {
        (1..=100_u8, 1..=90_u16).prop_map(|(most, days)| cap(most, days))
    }

    /// Small caps, short windows and steps of minutes, so that the limits are met.
    fn busy_cap() -> impl Strategy<Value = FrequencyCap> {
        (1..=40_u8, 1..=5_u16).prop_map(|(most, days)| cap(most, days))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_window_ever_holds_more_contacts_than_its_cap(
            caps in prop::collection::vec(prop_oneof![busy_cap(), any_cap()], 1..4),
            gap in prop::option::of(1..30_u16),
            steps in prop::collection::vec((-30_i64..200, 0..60_000_i64, 0..10_u8), 1..300),
        ) {
            let gap = gap.map(|hours| MinimumGap::from_hours(hours).unwrap());
            let mut ring = ContactRing::default();
            let mut sent: Vec<i64> = Vec::new();
            let mut now = 1_700_000_000_000_i64;
            for (minutes, millis, chance) in steps {
                // Clocks of different machines: time sometimes goes back by minutes.
                now += minutes * 60_000 + millis;
                let at = Timestamp::from_millisecond(now).unwrap();
                if ring.permits(&caps, gap, at).is_ok() {
                    ring.record(at);
                    sent.push(now);
                    if chance == 0 {
                        prop_assert!(ring.release(at));
                        sent.pop();
                    }
                }
                ring = ContactRing::from_parts(ring.contacts().to_vec(), ring.forgotten());
            }
            sent.sort_unstable();
            for cap in &caps {
                let window = i64::from(cap.window()) * 1_000;
                for first in &sent {
                    let held = sent.iter().filter(|at| (*first..*first + window).contains(*at)).count();
                    prop_assert!(held <= usize::from(cap.most()));
                }
            }
            if let Some(gap) = gap {
                for pair in sent.windows(2) {
                    prop_assert!(pair[1] - pair[0] >= i64::from(gap.hours()) * 3_600_000);
                }
            }
        }

        #[test]
        fn next_free_is_the_first_second_that_is_permitted(
            caps in prop::collection::vec(prop_oneof![busy_cap(), any_cap()], 1..4),
            gap in prop::option::of(1..200_u16),
            contacts in prop::collection::vec(1_690_000_000..1_700_000_000_u32, 0..50),
        ) {
            let gap = gap.map(|hours| MinimumGap::from_hours(hours).unwrap());
            let ring = ContactRing::from_parts(contacts, None);
            if let Err(refused) = ring.permits(&caps, gap, second(1_700_000_000)) {
                prop_assert_eq!(ring.permits(&caps, gap, refused.next_free), Ok(()));
                let before = later(refused.next_free, SignedDuration::from_nanos(-1));
                prop_assert!(ring.permits(&caps, gap, before).is_err());
            }
        }

        #[test]
        fn a_ring_is_sorted_and_never_longer_than_it_may_be(contacts in prop::collection::vec(any::<u32>(), 0..80)) {
            let mut ring = ContactRing::default();
            for contact in &contacts {
                ring.record(second(i64::from(*contact)));
                prop_assert!(ring.contacts().len() <= MOST_CONTACTS);
                prop_assert!(ring.contacts().is_sorted());
            }
            prop_assert_eq!(ContactRing::from_parts(ring.contacts().to_vec(), ring.forgotten()), ring);
        }
    }
}
