//! Brands, offers, campaigns, runs, and the directory of populated cells.

use apropos_core::brand::Brand;
use apropos_core::campaign::{Campaign, Run, RunStatus};
use apropos_core::document::{BrandDocument, CampaignDocument, StoredOffer};
use apropos_core::ids::{BrandId, CampaignId, OfferId, RunId};
use apropos_core::offer::Offer;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::names::{
    BRANDS, CAMPAIGN, COUNT, DOC, IDS, KEY, LAUNCHED_AT, PK, PLAN, RUNS, SK, STATUS, Table, VERSION, campaigns, cells,
    offer_version, offer_versions, offers, runs,
};
use crate::people::{NOWHERE, Written};
use crate::requests::KeptAnswer;
use crate::store::{
    Item, StoreError, Tables, b, document, fixed, json, key, key2, ms, n, number, optional_number, s, text, time,
};

/// How a creation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// The id is taken; nothing was changed.
    Taken,
}

/// A campaign with the ids of its runs, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCampaign {
    /// The campaign.
    pub campaign: Campaign,
    /// Its runs.
    pub runs: Vec<RunId>,
}

impl Tables {
    /// A brand's settings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn brand(&self, brand: &BrandId) -> Result<Option<Brand>, StoreError> {
        let stored = self.brand_document(brand).await?;
        stored
            .as_ref()
            .map(Brand::try_from)
            .transpose()
            .ok()
            .ok_or(StoreError::Corrupt { attribute: DOC })
    }

    /// A brand's settings as they were given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn brand_document(&self, brand: &BrandId) -> Result<Option<BrandDocument>, StoreError> {
        let item = self.get(Table::Brands, key(brand.as_str())).await?;
        item.map(|item| document(&item, DOC)).transpose()
    }

    /// The brands that have settings, in order: what is done for all of them once a day reads this list and no table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn brands(&self) -> Result<Vec<BrandId>, StoreError> {
        let corrupt = StoreError::Corrupt { attribute: IDS };
        let Some(list) = self.get(Table::Brands, key(BRANDS)).await? else {
            return Ok(Vec::new());
        };
        let Some(AttributeValue::Ss(ids)) = list.get(IDS) else {
            return Err(corrupt);
        };
        let ids: Option<Vec<BrandId>> = ids.iter().map(|id| BrandId::new(id.as_str()).ok()).collect();
        let mut ids = ids.ok_or(corrupt)?;
        ids.sort();
        Ok(ids)
    }

    /// Stores a brand's settings over the former ones. The brand is listed first: one that is listed without settings
    /// costs a look, one with settings that is not listed would never be looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_brand(&self, brand: &BrandDocument) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(self.name(Table::Brands))
            .set_key(Some(key(BRANDS)))
            .update_expression("ADD #ids :id")
            .expression_attribute_names("#ids", IDS)
            .expression_attribute_values(":id", AttributeValue::Ss(vec![brand.id.to_string()]))
            .send()
            .await
            .map_err(StoreError::call("UpdateItem"))?;
        let mut item = key(brand.id.as_str());
        item.insert(DOC.to_owned(), json(brand)?);
        self.client
            .put_item()
            .table_name(self.name(Table::Brands))
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::call("PutItem"))?;
        Ok(())
    }

    /// The newest version number of an offer, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_offer(&self, brand: &BrandId, offer: &OfferId) -> Result<Option<u32>, StoreError> {
        let item = self.get(Table::Campaigns, key2(offers(brand), offer.as_str())).await?;
        item.map(|item| number(&item, VERSION)).transpose()
    }

    /// Adds a version of an offer, with the answer to the request if it is to be kept; versions are never edited in place.
    ///
    /// # Errors
    /// [`StoreError`]. [`Written::Stale`] means that someone added this version first.
    pub async fn put_offer(
        &self,
        brand: &BrandId,
        offer: &StoredOffer,
        kept: Option<KeptAnswer>,
    ) -> Result<Written, StoreError> {
        let id = OfferId::new(offer.document.id.as_str()).map_err(|error| StoreError::Build(Box::new(error)))?;
        let stored = json(offer)?;
        let mut version = key2(offer_versions(brand, &id), offer_version(offer.version));
        version.insert(DOC.to_owned(), stored.clone());
        let mut newest = key2(offers(brand), id.as_str());
        newest.insert(VERSION.to_owned(), n(offer.version));
        newest.insert(DOC.to_owned(), stored);
        let mut writes = vec![
            self.put_new(Table::Campaigns, version)?,
            self.put_over(Table::Campaigns, newest)?,
        ];
        writes.extend(kept.map(|kept| kept.0));
        self.transact(writes).await
    }

    /// One version of an offer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn offer(&self, brand: &BrandId, offer: &OfferId, version: u32) -> Result<Option<Offer>, StoreError> {
        let item = self
            .get(
                Table::Campaigns,
                key2(offer_versions(brand, offer), offer_version(version)),
            )
            .await?;
        item.as_ref().map(read_offer).transpose()
    }

    /// The newest version of each of a brand's offers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_offers(&self, brand: &BrandId) -> Result<Vec<Offer>, StoreError> {
        self.query(Table::Campaigns, offers(brand), None, true)
            .await?
            .iter()
            .map(read_offer)
            .collect()
    }

    /// Creates a campaign, with the answer to the request if it is to be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_campaign(
        &self,
        brand: &BrandId,
        campaign: &Campaign,
        kept: Option<KeptAnswer>,
    ) -> Result<Created, StoreError> {
        let mut item = key2(campaigns(brand), campaign.id.as_str());
        item.insert(DOC.to_owned(), json(&CampaignDocument::of(campaign))?);
        item.insert(RUNS.to_owned(), AttributeValue::L(Vec::new()));
        let Some(kept) = kept else {
            return self.create(Table::Campaigns, item).await;
        };
        let written = self
            .transact(vec![self.put_new(Table::Campaigns, item)?, kept.0])
            .await?;
        Ok(match written {
            Written::Done => Created::New,
            Written::Stale => Created::Taken,
        })
    }

    /// A campaign.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn campaign(&self, brand: &BrandId, campaign: &CampaignId) -> Result<Option<HeldCampaign>, StoreError> {
        let item = self
            .get(Table::Campaigns, key2(campaigns(brand), campaign.as_str()))
            .await?;
        item.as_ref().map(read_campaign).transpose()
    }

    /// All campaigns of a brand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn campaigns_of(&self, brand: &BrandId) -> Result<Vec<HeldCampaign>, StoreError> {
        self.query(Table::Campaigns, campaigns(brand), None, true)
            .await?
            .iter()
            .map(read_campaign)
            .collect()
    }

    /// Creates a run with its plan and lists it in its campaign, in one transaction. The plan is the cells of each page
    /// task: kept, so that launching again queues the same pages and no others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_run(&self, run: &Run, plan: &[Vec<String>]) -> Result<Created, StoreError> {
        let mut item = key2(runs(&run.brand), run.id.as_str());
        let values = [
            (CAMPAIGN, s(run.campaign.as_str())),
            (LAUNCHED_AT, ms(run.launched_at)),
            (STATUS, s(run.status.code())),
            (PLAN, json(&plan)?),
            (KEY, b(run.key)),
        ];
        item.extend(values.map(|(name, value)| (name.to_owned(), value)));
        let put = self.put_new(Table::Campaigns, item)?;
        let list = Update::builder()
            .table_name(self.name(Table::Campaigns))
            .set_key(Some(key2(campaigns(&run.brand), run.campaign.as_str())))
            .update_expression("SET #runs = list_append(#runs, :run)")
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#runs", RUNS)
            .expression_attribute_values(":run", AttributeValue::L(vec![s(run.id.as_str())]))
            .build()
            .map_err(|error| StoreError::Build(Box::new(error)))?;
        let written = self
            .transact(vec![put, TransactWriteItem::builder().update(list).build()])
            .await?;
        Ok(match written {
            Written::Done => Created::New,
            Written::Stale => Created::Taken,
        })
    }

    /// A run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, brand: &BrandId, run: &RunId) -> Result<Option<Run>, StoreError> {
        let item = self.get(Table::Campaigns, key2(runs(brand), run.as_str())).await?;
        item.as_ref().map(|item| read_run(brand, item)).transpose()
    }

    /// At most so many of a brand's runs in the order of their ids, and after which to go on if there may be more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs_after(
        &self,
        brand: &BrandId,
        after: Option<&RunId>,
        most: i32,
    ) -> Result<(Vec<Run>, Option<RunId>), StoreError> {
        let pk = runs(brand);
        let answer = self
            .client
            .query()
            .table_name(self.name(Table::Campaigns))
            .consistent_read(true)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", s(&pk))
            .set_exclusive_start_key(after.map(|run| key2(&pk, run.as_str())))
            .limit(most)
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let found = answer
            .items()
            .iter()
            .map(|item| read_run(brand, item))
            .collect::<Result<Vec<_>, _>>()?;
        let more = answer.last_evaluated_key().is_some_and(|last| !last.is_empty());
        let next = found.last().filter(|_| more).map(|run| run.id.clone());
        Ok((found, next))
    }

    /// The plan of a run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_plan(&self, brand: &BrandId, run: &RunId) -> Result<Option<Vec<Vec<String>>>, StoreError> {
        let item = self.get(Table::Campaigns, key2(runs(brand), run.as_str())).await?;
        item.as_ref().map(read_plan).transpose()
    }

    /// Moves a run to another status, unless it was cancelled: that is for good. Says whether it was moved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_run_status(&self, brand: &BrandId, run: &RunId, status: RunStatus) -> Result<bool, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::Campaigns))
            .set_key(Some(key2(runs(brand), run.as_str())))
            .update_expression("SET #status = :status")
            .condition_expression("attribute_exists(#pk) AND #status <> :cancelled")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_values(":status", s(status.code()))
            .expression_attribute_values(":cancelled", s(RunStatus::Cancelled.code()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::call("UpdateItem")(error)),
            },
        }
    }

    /// Counts people who came to a cell in the directory. The counts are approximate: they only size the pages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_to_cell(&self, brand: &BrandId, cell: &str, people: u32) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(self.name(Table::Campaigns))
            .set_key(Some(key2(cells(brand), cell)))
            .update_expression("ADD #count :people")
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":people", n(people))
            .send()
            .await
            .map_err(StoreError::call("UpdateItem"))?;
        Ok(())
    }

    /// The populated cells of a brand with their approximate counts, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn populated_cells(&self, brand: &BrandId) -> Result<Vec<(String, u64)>, StoreError> {
        self.query(Table::Campaigns, cells(brand), None, true)
            .await?
            .iter()
            .map(read_cell)
            .collect()
    }

    /// As [`populated_cells`](Self::populated_cells), of one [region](apropos_core::place::AudienceCell::region) only: about 2 KB of the
    /// directory, where the whole one of a country takes 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn populated_cells_of(&self, brand: &BrandId, region: &str) -> Result<Vec<(String, u64)>, StoreError> {
        self.query(Table::Campaigns, cells(brand), Some(region), true)
            .await?
            .iter()
            .map(read_cell)
            .collect()
    }

    /// The cell that holds the people without a known place.
    #[must_use]
    pub const fn nowhere() -> &'static str {
        NOWHERE
    }
}

fn read_cell(item: &Item) -> Result<(String, u64), StoreError> {
    Ok((text(item, SK)?.to_owned(), optional_number(item, COUNT)?.unwrap_or(0)))
}

fn read_offer(item: &Item) -> Result<Offer, StoreError> {
    let stored: StoredOffer = document(item, DOC)?;
    stored.parse().ok().ok_or(StoreError::Corrupt { attribute: DOC })
}

fn read_campaign(item: &Item) -> Result<HeldCampaign, StoreError> {
    let stored: CampaignDocument = document(item, DOC)?;
    let campaign = stored
        .parse(u32::MAX)
        .ok()
        .ok_or(StoreError::Corrupt { attribute: DOC })?;
    let Some(AttributeValue::L(list)) = item.get(RUNS) else {
        return Err(StoreError::Corrupt { attribute: RUNS });
    };
    let runs = list
        .iter()
        .map(|run| {
            run.as_s()
                .ok()
                .and_then(|run| RunId::new(run.as_str()).ok())
                .ok_or(StoreError::Corrupt { attribute: RUNS })
        })
        .collect::<Result<_, _>>()?;
    Ok(HeldCampaign { campaign, runs })
}

fn read_run(brand: &BrandId, item: &Item) -> Result<Run, StoreError> {
    let status = text(item, STATUS)?;
    Ok(Run {
        brand: brand.clone(),
        campaign: CampaignId::new(text(item, CAMPAIGN)?)
            .ok()
            .ok_or(StoreError::Corrupt { attribute: CAMPAIGN })?,
        id: RunId::new(text(item, SK)?)
            .ok()
            .ok_or(StoreError::Corrupt { attribute: SK })?,
        launched_at: time(item, LAUNCHED_AT)?,
        status: RunStatus::ALL
            .into_iter()
            .find(|each| each.code() == status)
            .ok_or(StoreError::Corrupt { attribute: STATUS })?,
        tasks: u32::try_from(read_plan(item)?.len()).unwrap_or(u32::MAX),
        key: fixed(item, KEY)?,
    })
}

fn read_plan(item: &Item) -> Result<Vec<Vec<String>>, StoreError> {
    document(item, PLAN)
}

/// Whether a run may still be written for: a candidate of a run launched longer ago is refused, because its claims may
/// have been pruned.
#[must_use]
pub fn is_current(run: &Run, now: Timestamp) -> bool {
    now.as_second() - run.launched_at.as_second() < 14 * 86_400
}
