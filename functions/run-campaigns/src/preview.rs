//! What a campaign would do, without doing it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, body, json, parse};
use apropos_core::api_key::Scope;
use apropos_core::campaign::Run;
use apropos_core::decision::{Proposal, judge};
use apropos_core::document::FieldError;
use apropos_core::explain;
use apropos_core::ids::CustomerId;
use apropos_core::offer::Offer;
use apropos_core::reach::{Comparison, Judged, Outcome, Tally, outcome};
use apropos_core::reason::Reason;
use apropos_core::relevance::Relevance;
use apropos_core::sample::{DrawnCell, Estimate, draw, estimate};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::explain::in_both;
use crate::request::{
    CellReach, ComparisonAnswer, EstimateAnswer, ExampleDecision, Moved, MovedPerson, Preview, PreviewRequest,
};

/// The most people that a preview looks at: enough for a small brand's whole audience, little enough for one answer.
pub(crate) const MOST_PEOPLE: u32 = 20_000;

/// The most reads that a preview makes, so that it answers in time where few people live in each of many cells.
pub(crate) const MOST_READS: usize = 600;

/// Of a larger audience no cell is more than a tenth of the sample, so that a city is not all that is seen of a country.
const MOST_PEOPLE_A_CELL: u32 = MOST_PEOPLE / 10;

/// How many cells an answer lists.
const MOST_CELLS: usize = 50;

/// What is still allowed.
struct Budget {
    people: u32,
    reads: usize,
}

/// A cell as far as it was read.
struct ReadCell {
    cell: String,
    drawn: DrawnCell,
}

/// Everything that is counted on the way.
struct Count<'a> {
    proposal: Proposal<'a>,
    other: Option<Proposal<'a>>,
    tally: Tally,
    comparison: Comparison,
}

pub(crate) async fn preview(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand_id = authorized(event, Scope::CampaignsRead)?;
    let bytes = body(event)?;
    let request: PreviewRequest = if bytes.is_empty() {
        PreviewRequest::default()
    } else {
        parse(&bytes)?
    };
    let held = held(handler, &brand_id, campaign).await?;
    let brand = handler
        .tables
        .brand(&brand_id)
        .await?
        .ok_or_else(|| Problem::unknown("settings"))?;
    let version = held.campaign.offer_version;
    let offer = handler
        .tables
        .offer(&brand_id, &held.campaign.offer, version)
        .await?
        .ok_or_else(|| Problem::unknown("offer"))?;
    let other = match request.compare_with {
        None => None,
        Some(version) => Some(
            handler
                .tables
                .offer(&brand_id, &held.campaign.offer, version)
                .await?
                .ok_or_else(|| FieldError::new("compare_with", "is not a version of the campaign's offer"))?,
        ),
    };
    let now = handler.clock.now();
    let run = Run::trial(&brand_id, &held.campaign.id, now).map_err(|error| FieldError::new("run", error))?;
    let proposal = Proposal {
        brand: &brand,
        offer: &offer,
        campaign: &held.campaign,
        run: &run,
    };
    let mut count = Count {
        proposal,
        other: other.as_ref().map(|offer| Proposal { offer, ..proposal }),
        tally: Tally::default(),
        comparison: Comparison::default(),
    };
    let offers: Vec<&Offer> = [&offer].into_iter().chain(&other).collect();
    let cells = crate::launch::populated(handler, &brand_id, &held, &offers).await?;
    let (read, unread) = read(handler, cells, &mut count).await?;
    Ok(json(200, &answer(&count, read, &unread)))
}

/// Reads the whole audience if it is small enough, else the cells that are drawn; gives those read and the sizes of the
/// others.
async fn read(
    handler: &Handler,
    mut cells: Vec<(String, u64)>,
    count: &mut Count<'_>,
) -> Result<(Vec<ReadCell>, Vec<u64>), Problem> {
    let people: u64 = cells.iter().map(|(_, people)| people).sum();
    let mut most = MOST_PEOPLE;
    if people > u64::from(MOST_PEOPLE) || cells.len() > MOST_READS {
        cells.sort_by_cached_key(|(cell, _)| draw(count.proposal.campaign.id.as_str(), cell));
        // Of few cells a larger part each.
        let share = usize::try_from(MOST_PEOPLE).unwrap_or(usize::MAX) / cells.len().max(1);
        most = u32::try_from(share).unwrap_or(u32::MAX).max(MOST_PEOPLE_A_CELL);
    }
    let mut budget = Budget {
        people: MOST_PEOPLE,
        reads: MOST_READS,
    };
    let mut read = Vec::new();
    let mut rest = cells.into_iter();
    for (cell, people) in rest.by_ref() {
        let drawn = read_cell(handler, &cell, (people, most), &mut budget, count).await?;
        read.push(ReadCell { cell, drawn });
        if budget.people == 0 || budget.reads == 0 {
            break;
        }
    }
    Ok((read, rest.map(|(_, people)| people).collect()))
}

async fn read_cell(
    handler: &Handler,
    cell: &str,
    (people, most): (u64, u32),
    budget: &mut Budget,
    count: &mut Count<'_>,
) -> Result<DrawnCell, Problem> {
    let mut drawn = DrawnCell {
        held: u32::try_from(people).unwrap_or(u32::MAX),
        seen: 0,
        reached: 0,
    };
    let mut after: Option<CustomerId> = None;
    loop {
        let room = budget.people.min(most.saturating_sub(drawn.seen));
        if room == 0 || budget.reads == 0 {
            // Whoever comes next is at least one more, whatever the directory says.
            drawn.held = drawn.held.max(drawn.seen.saturating_add(1));
            return Ok(drawn);
        }
        budget.reads -= 1;
        let page = handler
            .tables
            .audience_page(&count.proposal.brand.id, cell, after.as_ref(), room)
            .await?;
        for (customer, record) in &page.people {
            let now = count.proposal.run.launched_at;
            let judged = judge(count.proposal, customer, record, now);
            drawn.seen += 1;
            drawn.reached += u32::from(judged.is_ok());
            count.tally.add(customer, &judged);
            if let Some(other) = count.other {
                let then = judge(other, customer, record, now);
                count.comparison.add(customer, &judged, &then);
            }
        }
        budget.people = budget
            .people
            .saturating_sub(u32::try_from(page.people.len()).unwrap_or(u32::MAX));
        after = page.next;
        if after.is_none() {
            drawn.held = drawn.seen;
            return Ok(drawn);
        }
    }
}

fn answer(count: &Count<'_>, mut read: Vec<ReadCell>, unread: &[u64]) -> Preview {
    let drawn: Vec<DrawnCell> = read.iter().map(|cell| cell.drawn).collect();
    let cells_in_all = read.len() + unread.len();
    let people = drawn.iter().map(|cell| u64::from(cell.held)).sum::<u64>() + unread.iter().sum::<u64>();
    let estimated = estimate(u32::try_from(cells_in_all).unwrap_or(u32::MAX), people, &drawn);
    let withheld = |(outcome, count): (&Outcome, &u64)| outcome.map(|reason| (reason.code(), *count));
    read.retain(|cell| cell.drawn.held > 0);
    read.sort_by(|a, b| (Reverse(a.drawn.held), a.cell.as_str()).cmp(&(Reverse(b.drawn.held), b.cell.as_str())));
    read.truncate(MOST_CELLS);
    Preview {
        considered: drawn.iter().map(|cell| u64::from(cell.seen)).sum(),
        candidates: count.tally.candidates(),
        withheld: count.tally.outcomes.iter().filter_map(withheld).collect(),
        complete: unread.is_empty() && drawn.iter().all(|cell| cell.seen == cell.held),
        estimate: told(&estimated),
        relevance_histogram: count.tally.histogram,
        examples: count
            .tally
            .examples()
            .into_iter()
            .map(|(customer, judged)| example(count.proposal.offer, customer, judged))
            .collect(),
        cells: read
            .into_iter()
            .map(|ReadCell { cell, drawn }| CellReach {
                cell,
                people: drawn.held,
                considered: drawn.seen,
                candidates: drawn.reached,
            })
            .collect(),
        cells_considered: drawn.len(),
        cells_in_all,
        comparison: count.other.map(|other| compared(count, other.offer)),
    }
}

const fn told(estimated: &Estimate) -> EstimateAnswer {
    EstimateAnswer {
        people: estimated.people,
        reach: estimated.reach,
        margin: estimated.margin,
        share_bp: estimated.share.basis_points(),
        share_margin_bp: estimated.share_margin.basis_points(),
    }
}

fn example(offer: &Offer, customer: &CustomerId, judged: &Judged) -> ExampleDecision {
    let score = match judged {
        Ok(score) => Some(*score),
        Err(withheld) => withheld.score,
    };
    ExampleDecision {
        customer: customer.to_string(),
        decision: if judged.is_ok() { RELEVANT } else { "withheld" },
        reason: outcome(judged).map(Reason::code),
        relevance_bp: score.map(|score| score.relevance).map(Relevance::basis_points),
        explanation: explanation(offer, judged),
    }
}

fn explanation(offer: &Offer, judged: &Judged) -> BTreeMap<&'static str, String> {
    in_both(|language| match judged {
        Ok(score) => explain::relevant(language, score),
        Err(withheld) => explain::withheld(language, offer, withheld),
    })
}

const RELEVANT: &str = "relevant";

fn word(outcome: Outcome) -> &'static str {
    outcome.map_or(RELEVANT, Reason::code)
}

fn compared(count: &Count<'_>, other: &Offer) -> ComparisonAnswer {
    let comparison = &count.comparison;
    let mut moved: Vec<Moved> = comparison
        .moved
        .iter()
        .map(|((from, to), count)| Moved {
            from: word(*from),
            to: word(*to),
            count: *count,
        })
        .collect();
    moved.sort_by_key(|each| Reverse(each.count));
    ComparisonAnswer {
        offer_version: count.proposal.offer.version,
        compared_with: other.version,
        gained: comparison.gained(),
        lost: comparison.lost(),
        moved,
        examples: comparison
            .examples()
            .into_iter()
            .map(|(customer, now, then)| MovedPerson {
                customer: customer.to_string(),
                from: word(outcome(now)),
                to: word(outcome(then)),
                explanation: explanation(other, then),
            })
            .collect(),
    }
}
