//! Which runs of a brand are lately launched, and go before others: whom a message of lower priority leaves the last place
//! under somebody's caps.

use apropos_core::campaign::{Priority, Run};
use apropos_core::decision::GIVES_WAY_FOR;
use apropos_core::ids::{CampaignId, RunId};
use jiff::Timestamp;

use crate::names::{CAMPAIGN, PK, PRIORITY, RUN, SK, TTL, Table, launch, launches};
use crate::proposal::HeldProposal;
use crate::store::{StoreError, Tables, key2, n, parsed, s, text};

impl Tables {
    /// Lists a run among the lately launched ones. To be called before its pages are queued; again, it is the same. A run
    /// of the lowest priority goes before nobody, so it is not listed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_launch(&self, run: &Run, priority: Priority) -> Result<(), StoreError> {
        if priority == Priority::Low {
            return Ok(());
        }
        let at = run.launched_at.as_second();
        let mut item = key2(launches(&run.brand), launch(at, run.id.as_str()));
        let values = [
            (CAMPAIGN, s(run.campaign.as_str())),
            (RUN, s(run.id.as_str())),
            (PRIORITY, s(priority.code())),
            (TTL, n(at + GIVES_WAY_FOR.as_secs())),
        ];
        item.extend(values.map(|(name, value)| (name.to_owned(), value)));
        self.client
            .put_item()
            .table_name(self.name(Table::Campaigns))
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::call("PutItem"))?;
        Ok(())
    }

    /// The lately launched runs of the same brand that go before this one. One small query where there are none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rivals(&self, held: &HeldProposal, now: Timestamp) -> Result<Vec<HeldProposal>, StoreError> {
        let mut rivals = Vec::new();
        for (campaign, run) in self.higher_launches(held, now).await? {
            // What cannot be read any more goes before nobody.
            rivals.extend(self.proposal(&held.brand.id, &campaign, &run).await?);
        }
        Ok(rivals)
    }

    async fn higher_launches(
        &self,
        held: &HeldProposal,
        now: Timestamp,
    ) -> Result<Vec<(CampaignId, RunId)>, StoreError> {
        let since = now.as_second() - GIVES_WAY_FOR.as_secs();
        let answer = self
            .client
            .query()
            .table_name(self.name(Table::Campaigns))
            .consistent_read(true)
            .key_condition_expression("#pk = :pk AND #sk >= :since")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", s(launches(&held.brand.id)))
            .expression_attribute_values(":since", s(launch(since, "")))
            .scan_index_forward(false)
            .limit(MOST_LAUNCHES)
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let mut higher = Vec::new();
        for item in answer.items() {
            let priority =
                Priority::from_code(text(item, PRIORITY)?).ok_or(StoreError::Corrupt { attribute: PRIORITY })?;
            let run: RunId = parsed(item, RUN)?;
            if priority > held.campaign.priority && run != held.run.id {
                higher.push((parsed(item, CAMPAIGN)?, run));
            }
        }
        higher.truncate(MOST_RIVALS);
        Ok(higher)
    }
}

/// How many launches of a day are looked at, the latest first.
const MOST_LAUNCHES: i32 = 100;

/// How many higher runs a message is held against, the latest first.
const MOST_RIVALS: usize = 8;
