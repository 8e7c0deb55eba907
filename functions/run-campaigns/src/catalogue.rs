//! Creating offers and campaigns.

use apropos_aws::http::{Problem, authorized, body, json, parse};
use apropos_aws::{Created, HeldCampaign, Once, Written};
use apropos_core::api_key::Scope;
use apropos_core::document::{CampaignDocument, FieldError, OfferDocument, StoredOffer};
use apropos_core::ids::{BrandId, CampaignId, OfferId};
use apropos_core::note::notes;
use apropos_core::reason::Reason;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;

use crate::Handler;
use crate::explain::in_both;
use crate::request::{CampaignAnswer, Note, OfferAnswer};

/// Adds a version of an offer: version 1 under a new id, the next one under a known id.
pub(crate) async fn add_offer(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    once: &mut Once,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand = authorized(event, Scope::CampaignsWrite)?;
    let document: OfferDocument = parse(&body(event)?)?;
    let id = OfferId::new(document.id.as_str()).map_err(|error| FieldError::new("id", error))?;
    let version = handler.tables.newest_offer(&brand, &id).await?.unwrap_or(0) + 1;
    let stored = checked(&document, version, handler.clock.now())?;
    let answer = json(
        201,
        &OfferAnswer {
            offer: id.to_string(),
            version,
        },
    );
    let kept = once.keeping(&answer)?;
    match handler.tables.put_offer(&brand, &stored, kept).await? {
        Written::Done => {
            once.was_kept();
            Ok(answer)
        }
        Written::Stale => Err(Problem::conflict(
            "someone else added a version of this offer at the same time",
        )),
    }
}

/// Everything that is asked of an offer that is posted.
pub(crate) fn checked(document: &OfferDocument, version: u32, now: Timestamp) -> Result<StoredOffer, FieldError> {
    let stored = document.store(version)?;
    document.not_over(now)?;
    Ok(stored)
}

/// Creates a campaign; the offer's version is fixed with it.
pub(crate) async fn create_campaign(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    once: &mut Once,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand_id = authorized(event, Scope::CampaignsWrite)?;
    let document: CampaignDocument = parse(&body(event)?)?;
    let offer = OfferId::new(document.offer.as_str()).map_err(|error| FieldError::new("offer", error))?;
    let newest = handler
        .tables
        .newest_offer(&brand_id, &offer)
        .await?
        .ok_or_else(|| FieldError::new("offer", "is not an offer of the brand"))?;
    let campaign = document.parse(newest)?;
    document.names_once()?;
    let brand = handler
        .tables
        .brand(&brand_id)
        .await?
        .ok_or_else(|| Problem::unknown("settings"))?;
    if brand.topics.get(&campaign.topic).is_none() {
        return Err(FieldError::new("topic", "is not a topic of the brand").into());
    }
    let offer = handler
        .tables
        .offer(&brand_id, &campaign.offer, campaign.offer_version)
        .await?
        .ok_or_else(|| Problem::unknown("offer"))?;
    campaign.can_carry(&offer)?;
    let most = campaign.most_evidence(&offer);
    if campaign.minimum_evidence > most {
        let problem = format!(
            "must be at most {}, which is all that the offer's uses and places can tell for this goal",
            most.basis_points()
        );
        return Err(FieldError::new("minimum_evidence_bp", problem).into());
    }
    let answer = json(
        201,
        &CampaignAnswer {
            campaign: campaign.id.to_string(),
            offer: campaign.offer.to_string(),
            offer_version: campaign.offer_version,
            notes: notes(&campaign, &offer).into_iter().map(told).collect(),
        },
    );
    let kept = once.keeping(&answer)?;
    match handler.tables.create_campaign(&brand_id, &campaign, kept).await? {
        Created::New => {
            once.was_kept();
            Ok(answer)
        }
        Created::Taken => Err(Problem::conflict("a campaign with this id exists")),
    }
}

fn told(note: apropos_core::note::Note<'_>) -> Note {
    Note {
        code: note.code(),
        reason: note.reason().map(Reason::code),
        field: note.field(),
        text: in_both(|language| note.text(language)),
    }
}

/// The campaign of a path.
pub(crate) async fn held(handler: &Handler, brand: &BrandId, campaign: &str) -> Result<HeldCampaign, Problem> {
    let id = CampaignId::new(campaign)
        .ok()
        .ok_or_else(|| Problem::unknown("campaign"))?;
    handler
        .tables
        .campaign(brand, &id)
        .await?
        .ok_or_else(|| Problem::unknown("campaign"))
}
