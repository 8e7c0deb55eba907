//! A campaign: an offer, an audience, a goal, thresholds and a schedule; and its runs.

use jiff::Timestamp;

use crate::attribute::Attribute;
use crate::context::Lifecycle;
use crate::document::FieldError;
use crate::fingerprint::KeyedHash;
use crate::ids::{BrandId, CampaignId, CustomerId, InvalidId, OfferId, RunId, TopicId};
use crate::offer::Offer;
use crate::relevance::{Factor, Relevance, weight};

/// What a campaign wants to achieve; it sets the weights of the factors and whose lifecycle fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// Win prospects.
    Acquire,
    /// Keep customers.
    Retain,
    /// Bring lapsing and lost customers back.
    Reactivate,
    /// Tell people something useful, whoever they are.
    Inform,
    /// Offer the next one when it is needed, by what was bought and how long it lasts.
    Anticipate,
}

impl Goal {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self::Acquire,
        Self::Retain,
        Self::Reactivate,
        Self::Inform,
        Self::Anticipate,
    ];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Retain => "retain",
            Self::Reactivate => "reactivate",
            Self::Inform => "inform",
            Self::Anticipate => "anticipate",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }

    /// How well a lifecycle fits the goal, 1 000 to 10 000 bp.
    ///
    /// ```
    /// use apropos_core::campaign::Goal;
    /// use apropos_core::context::Lifecycle;
    ///
    /// // Whoever lapses is whom a campaign that reactivates is for, and hardly one that acquires.
    /// let fit = |goal: Goal| goal.fit(Lifecycle::Lapsing).basis_points();
    /// assert_eq!([Goal::Reactivate, Goal::Retain, Goal::Acquire].map(fit), [10_000, 7_000, 2_000]);
    /// ```
    #[must_use]
    pub fn fit(self, lifecycle: Lifecycle) -> Relevance {
        let [prospect, new, active, lapsing, lost] = match self {
            Self::Acquire => [10_000, 4_000, 1_000, 2_000, 5_000],
            Self::Retain => [2_000, 9_000, 10_000, 7_000, 2_000],
            Self::Reactivate => [1_000, 1_000, 3_000, 10_000, 8_000],
            Self::Inform => [7_000, 8_000, 8_000, 7_000, 5_000],
            Self::Anticipate => [2_000, 6_000, 10_000, 9_000, 6_000],
        };
        Relevance::clamped(match lifecycle {
            Lifecycle::Prospect => prospect,
            Lifecycle::New => new,
            Lifecycle::Active => active,
            Lifecycle::Lapsing => lapsing,
            Lifecycle::Lost => lost,
        })
    }
}

/// Who is considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everyone the brand knows.
    Everyone,
    /// People in one of these lifecycles.
    Lifecycle(Vec<Lifecycle>),
    /// People whose home cell is within reach of one of the offer's places; nobody else's facts are read. For an offer that
    /// declares the current place it is everyone, since anybody may be there.
    NearPlaces,
}

impl Audience {
    /// Whether a lifecycle belongs to it. An unknown lifecycle (no consent to profiling) belongs to no segment.
    #[must_use]
    pub fn includes(&self, lifecycle: Option<Lifecycle>) -> bool {
        match self {
            Self::Everyone | Self::NearPlaces => true,
            Self::Lifecycle(wanted) => lifecycle.is_some_and(|lifecycle| wanted.contains(&lifecycle)),
        }
    }
}

/// Whose message takes somebody's last place under the caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Gives way to every other.
    Low,
    /// As most campaigns.
    #[default]
    Normal,
    /// Goes before.
    High,
}

impl Priority {
    /// All three, the least first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

/// What is sent to whom, and how sure it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// The offer it carries.
    pub offer: OfferId,
    /// The version of the offer, fixed when the campaign was created.
    pub offer_version: u32,
    /// The topic it belongs to: what people subscribed to.
    pub topic: TopicId,
    /// What it wants to achieve.
    pub goal: Goal,
    /// Who is considered.
    pub audience: Audience,
    /// Least relevance to write, in basis points.
    pub threshold: Relevance,
    /// Least share of the weights that must be known.
    pub minimum_evidence: Relevance,
    /// Share of the audience never written to, so that the campaign's effect can be measured.
    pub holdout: Relevance,
    /// Who goes before whom for the last place under the caps.
    pub priority: Priority,
    /// Whether a message waits, at most a day, for an hour at which its person usually acts.
    pub best_hour: bool,
}

/// The least relevance that is sent, in basis points, where a campaign does not say.
pub const USUAL_THRESHOLD_BP: u16 = 5_000;

/// The least evidence that is sent on, in basis points, where a campaign does not say.
pub const USUAL_EVIDENCE_BP: u16 = 2_000;

impl Campaign {
    /// The field of the campaign that reads an attribute which its offer does not declare, if one does: a segment goes by
    /// the lifecycle, *anticipate* by what was bought, and the best hour by the hours of clicks and purchases.
    #[must_use]
    pub fn undeclared(&self, offer: &Offer) -> Option<(&'static str, Attribute)> {
        let segment = match self.audience {
            Audience::Lifecycle(_) => Some(("audience.lifecycle", Attribute::Lifecycle)),
            Audience::Everyone | Audience::NearPlaces => None,
        };
        let goal = (self.goal == Goal::Anticipate).then_some(("goal", Attribute::Purchases));
        let best_hour = self.best_hour.then_some(("best_hour", Attribute::ActiveHours));
        segment
            .into_iter()
            .chain(goal)
            .chain(best_hour)
            .find(|(_, attribute)| !offer.declares(*attribute))
    }

    /// Refuses the campaign where it reads an attribute that its offer does not declare.
    ///
    /// # Errors
    /// [`FieldError`] names the field that reads it; see [`undeclared`](Self::undeclared).
    pub fn reads_declared(&self, offer: &Offer) -> Result<(), FieldError> {
        self.undeclared(offer).map_or(Ok(()), |(field, attribute)| {
            let problem = format!("reads '{}', which the offer does not declare in uses", attribute.code());
            Err(FieldError::new(field, problem))
        })
    }

    /// Refuses an offer that the campaign cannot carry: one that does not declare what the campaign reads, or that has no places
    /// while the campaign is for people near them.
    ///
    /// # Errors
    /// [`FieldError`] names the campaign's field.
    pub fn can_carry(&self, offer: &Offer) -> Result<(), FieldError> {
        self.reads_declared(offer)?;
        if self.audience == Audience::NearPlaces && offer.places.is_empty() {
            return Err(FieldError::new(
                "audience",
                "is for people near the offer's places, and it has none",
            ));
        }
        Ok(())
    }

    /// The most evidence that anybody can have, by what the offer declares and has: its places are read by declared facts,
    /// the affinity is always known, and the moment is in the last week of any offer.
    #[must_use]
    pub fn most_evidence(&self, offer: &Offer) -> Relevance {
        let can_be_known = |factor: &Factor| match factor {
            Factor::Proximity => !offer.places.is_empty(),
            Factor::Affinity | Factor::Moment => true,
            Factor::LifecycleFit => offer.declares(Attribute::Lifecycle),
            Factor::Appetite => offer.declares(Attribute::Reaction),
        };
        let known = Factor::ALL.into_iter().filter(can_be_known);
        Relevance::clamped(100 * known.map(|factor| weight(self.goal, factor)).sum::<u32>())
    }

    /// Whether a person is in the campaign's holdout: a share of all people, the same ones in every run, drawn by a hash
    /// so that nothing about them decides it.
    #[must_use]
    pub fn holds_out(&self, brand: &BrandId, customer: &CustomerId) -> bool {
        let [high, low, ..] = crate::fingerprint::sha256(&[
            b"holdout",
            brand.as_str().as_bytes(),
            self.id.as_str().as_bytes(),
            customer.as_str().as_bytes(),
        ]);
        u32::from(u16::from_be_bytes([high, low])) * 10_000 < u32::from(self.holdout.basis_points()) * 65_536
    }
}

/// Whether a run may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Going.
    Running,
    /// Held: candidates wait.
    Paused,
    /// Ended by hand: candidates are withheld.
    Cancelled,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Paused, Self::Cancelled];

    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One occurrence of a campaign.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// Whose.
    pub brand: BrandId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Its id.
    pub id: RunId,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// Whether it may go on.
    pub status: RunStatus,
    /// How many page tasks it was cut into.
    pub tasks: u32,
    /// Random; keys the delivery ids, so that a receipt names nobody by itself.
    pub key: [u8; 16],
}

impl Run {
    /// A run that is never launched: for looking at what a campaign would do.
    ///
    /// # Errors
    /// None in practice: the id is a valid one.
    pub fn trial(brand: &BrandId, campaign: &CampaignId, now: Timestamp) -> Result<Self, InvalidId> {
        Ok(Self {
            brand: brand.clone(),
            campaign: campaign.clone(),
            id: RunId::new("trial")?,
            launched_at: now,
            status: RunStatus::Running,
            tasks: 0,
            key: [0; 16],
        })
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Run({}/{}/{}, {})",
            self.brand,
            self.campaign,
            self.id,
            self.status.code()
        )
    }
}

/// The delivery of one run to one customer: a keyed hash of both, so that a repeated candidate is the same delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub [u8; 8]);

impl DeliveryId {
    /// The id for a customer in a run.
    #[must_use]
    pub fn of(run: &Run, customer: &CustomerId) -> Self {
        Deliveries::of(run).to(customer)
    }

    /// 16 lower-case hexadecimal digits: fits an SES tag.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads [`to_hex`](Self::to_hex) back.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let strict = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        strict
            .then(|| u64::from_str_radix(text, 16).ok())
            .flatten()
            .map(|number| Self(number.to_be_bytes()))
    }
}

/// The deliveries of one run. What is the same for all of its customers is hashed once, so that a page of thousands costs
/// two blocks of SHA-256 for each of them.
#[derive(Clone)]
pub struct Deliveries(KeyedHash);

impl Deliveries {
    /// Those of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self(KeyedHash::new(
            &run.key,
            &[run.brand.as_str().as_bytes(), run.id.as_str().as_bytes()],
        ))
    }

    /// The one to a customer.
    #[must_use]
    pub fn to(&self, customer: &CustomerId) -> DeliveryId {
        DeliveryId(self.0.first8(customer.as_str().as_bytes()))
    }
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deliveries(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holdout_takes_its_share_and_nothing_at_zero() {
        let brand = BrandId::new("b").unwrap();
        let campaign = |holdout| Campaign {
            id: CampaignId::new("c").unwrap(),
            offer: OfferId::new("o").unwrap(),
            offer_version: 1,
            topic: TopicId::new("offers").unwrap(),
            goal: Goal::Inform,
            audience: Audience::Everyone,
            threshold: Relevance::NONE,
            minimum_evidence: Relevance::NONE,
            holdout,
            priority: Priority::Normal,
            best_hour: false,
        };
        let held = (0..10_000)
            .filter(|number| {
                let customer = CustomerId::new(format!("c{number}")).unwrap();
                assert!(!campaign(Relevance::NONE).holds_out(&brand, &customer));
                assert!(campaign(Relevance::FULL).holds_out(&brand, &customer));
                campaign(Relevance::clamped(1_000)).holds_out(&brand, &customer)
            })
            .count();
        assert!((850..1_150).contains(&held), "{held}");
    }

    #[test]
    fn what_an_offer_does_not_declare_can_never_be_evidence() {
        let mut offer = crate::fixture::offer();
        let campaign = crate::fixture::campaign();
        // Inform: place 40, affinity 20, moment 25; neither the lifecycle (5) nor the reaction (10) is declared.
        assert_eq!(campaign.most_evidence(&offer).basis_points(), 8_500);
        offer.places.clear();
        assert_eq!(campaign.most_evidence(&offer).basis_points(), 4_500);
        offer.uses[0].attribute = Attribute::Lifecycle;
        offer.uses[1].attribute = Attribute::Reaction;
        assert_eq!(
            campaign.most_evidence(&offer).basis_points(),
            4_500,
            "nor is what follows from it"
        );
        let mut purchases = offer.uses[0].clone();
        purchases.attribute = Attribute::Purchases;
        offer.uses.push(purchases);
        assert_eq!(campaign.most_evidence(&offer).basis_points(), 6_000);
    }

    #[test]
    fn a_delivery_id_reads_back() {
        let id = DeliveryId([0, 1, 2, 250, 251, 252, 253, 254]);
        assert_eq!(DeliveryId::from_hex(&id.to_hex()), Some(id));
        assert_eq!(DeliveryId::from_hex("0001"), None);
    }
}
