//! What a decision is about, read together: the brand, the run, its campaign and its offer.

use apropos_core::brand::Brand;
use apropos_core::campaign::{Campaign, Run};
use apropos_core::decision::Proposal;
use apropos_core::ids::{BrandId, CampaignId, RunId};
use apropos_core::offer::Offer;

use crate::store::{StoreError, Tables};

/// A run with all that its decisions go by.
#[derive(Debug, Clone)]
pub struct HeldProposal {
    /// The brand.
    pub brand: Brand,
    /// The offer, in the campaign's version.
    pub offer: Offer,
    /// The campaign.
    pub campaign: Campaign,
    /// The run.
    pub run: Run,
}

impl HeldProposal {
    /// As a decision takes it.
    #[must_use]
    pub const fn as_proposal(&self) -> Proposal<'_> {
        Proposal {
            brand: &self.brand,
            offer: &self.offer,
            campaign: &self.campaign,
            run: &self.run,
        }
    }
}

impl Tables {
    /// Reads a run with its brand, campaign and offer, strongly; nothing if any of them is unknown or the run is of
    /// another campaign.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proposal(
        &self,
        brand: &BrandId,
        campaign: &CampaignId,
        run: &RunId,
    ) -> Result<Option<HeldProposal>, StoreError> {
        let Some(run) = self.run(brand, run).await?.filter(|run| run.campaign == *campaign) else {
            return Ok(None);
        };
        let Some(campaign) = self.campaign(brand, campaign).await?.map(|held| held.campaign) else {
            return Ok(None);
        };
        let Some(offer) = self.offer(brand, &campaign.offer, campaign.offer_version).await? else {
            return Ok(None);
        };
        let Some(brand) = self.brand(brand).await? else {
            return Ok(None);
        };
        Ok(Some(HeldProposal {
            brand,
            offer,
            campaign,
            run,
        }))
    }
}
