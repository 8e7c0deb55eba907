//! What a campaign would do, without doing it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use apropos_aws::http::{Problem, authorized, body, json};
use apropos_aws::{HeldCampaign, Tables};
use apropos_core::api_key::Scope;
use apropos_core::attribute::Attribute;
use apropos_core::audience::AudienceRecord;
use apropos_core::campaign::Run;
use apropos_core::decision::{Proposal, judge};
use apropos_core::document::FieldError;
use apropos_core::explain;
use apropos_core::ids::{BrandId, CampaignId, CustomerId};
use apropos_core::offer::Offer;
use apropos_core::reach::{Changed, Counts, Judged, Outcome, Tally, outcome, told_apart};
use apropos_core::reason::Reason;
use apropos_core::relevance::Relevance;
use apropos_core::sample::{Among, Begin, Drawn, Estimate, Limits, Listed, Read, begin_between, draw, estimate, plan};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};

use crate::Handler;
use crate::catalogue::held;
use crate::explain::in_both;
use crate::launch::is_near;
use crate::request::{
    Alternative, CellReach, ComparedWith, ComparisonAnswer, EstimateAnswer, ExampleDecision, Margins, Moved,
    MovedExample, Preview, read_preview,
};

/// The most people that a preview looks at: enough for a small brand's whole audience, little enough for one answer.
pub(crate) const MOST_PEOPLE: u32 = 20_000;

/// The most reads that a preview makes, so that it answers in time where few people live in each of many cells.
pub(crate) const MOST_READS: usize = 600;

/// Of these, kept for what a plan does not count: whose ids come first and last, and a cell's pages beyond its first.
const SPARE_READS: usize = 10;

/// How many cells an answer lists by themselves.
const MOST_CELLS: usize = 50;

/// Everything that is counted on the way.
struct Count<'a> {
    proposal: Proposal<'a>,
    other: Option<Other<'a>>,
    tally: Tally,
    reads_left: usize,
}

/// The same campaign with another offer than it holds.
#[derive(Clone, Copy)]
struct Other<'a> {
    with: ComparedWith,
    proposal: Proposal<'a>,
}

/// What was read, and what each count says of the whole.
struct Told<'a> {
    read: &'a [Read],
    tally: &'a Tally,
}

pub(crate) async fn preview(
    handler: &Handler,
    event: &ApiGatewayV2httpRequest,
    campaign: &str,
) -> Result<ApiGatewayV2httpResponse, Problem> {
    let brand_id = authorized(event, Scope::CampaignsRead)?;
    let now = handler.clock.now();
    let alternative = read_preview(&body(event)?, now)?;
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
    if let Some(Alternative::Draft(_)) = alternative {
        // Rules of one's own, over whoever lives around a place of one's own, tell of persons: whoever may post an offer may ask so.
        authorized(event, Scope::CampaignsWrite)?;
    }
    let other = match alternative {
        None => None,
        Some(alternative) => Some(other(handler, &brand_id, &held, alternative).await?),
    };
    let trial = |offer: &Offer| {
        let begins = now.max(offer.window.from);
        Run::trial(&brand_id, &held.campaign.id, begins).map_err(|error| FieldError::new("run", error))
    };
    let run = trial(&offer)?;
    let other_run = other.as_ref().map(|(_, offer)| trial(offer)).transpose()?;
    let proposal = Proposal {
        brand: &brand,
        offer: &offer,
        campaign: &held.campaign,
        run: &run,
    };
    let mut count = Count {
        proposal,
        other: other
            .as_ref()
            .zip(other_run.as_ref())
            .map(|((with, offer), run)| Other {
                with: *with,
                proposal: Proposal { offer, run, ..proposal },
            }),
        tally: Tally::default(),
        reads_left: MOST_READS,
    };
    let offers: Vec<&Offer> = [&offer]
        .into_iter()
        .chain(other.as_ref().map(|(_, offer)| offer))
        .collect();
    let cells = crate::launch::populated(handler, &brand_id, &held, &offers).await?;
    let listed = listed(&held.campaign.id, &cells, &offers);
    let read = read(handler, &cells, &listed, &mut count).await?;
    Ok(json(200, &answer(&count, &cells, &read)))
}

/// The offer that the campaign's is compared with.
async fn other(
    handler: &Handler,
    brand: &BrandId,
    held: &HeldCampaign,
    alternative: Alternative,
) -> Result<(ComparedWith, Offer), Problem> {
    let id = &held.campaign.offer;
    let (field, with, offer) = match alternative {
        Alternative::Version(version) => {
            let posted = handler.tables.offer(brand, id, version).await?;
            let refused = || FieldError::new("compare_with", "is not a version of the campaign's offer");
            (
                "compare_with",
                ComparedWith::Version(version),
                posted.ok_or_else(refused)?,
            )
        }
        Alternative::Draft(offer) if offer.id == *id => ("draft", ComparedWith::Draft, *offer),
        Alternative::Draft(_) => {
            return Err(FieldError::new("draft.id", "must be that of the campaign's offer").into());
        }
    };
    let refused = |error| FieldError::new(field, format_args!("cannot be carried by the campaign: its {error}"));
    held.campaign.can_carry(&offer).map_err(refused)?;
    Ok((with, offer))
}

/// The cells as they are drawn from. Where all offers have places and nobody's current place is read, nobody whose home is
/// far from all places can be written to.
fn listed(campaign: &CampaignId, cells: &[(String, u64)], offers: &[&Offer]) -> Vec<Listed> {
    let is_by_home = |offer: &&Offer| !offer.places.is_empty() && !offer.declares(Attribute::CurrentPlace);
    let are_by_home = offers.iter().all(is_by_home);
    let may_reach = |cell: &str| !are_by_home || offers.iter().any(|offer| is_near(cell, offer));
    cells
        .iter()
        .map(|(cell, people)| Listed {
            people: *people,
            draw: draw(campaign.as_str(), cell),
            may_reach: may_reach(cell),
            is_counted: cell != Tables::nowhere(),
        })
        .collect()
}

/// Reads the whole audience if it is small enough, else a sample of it.
async fn read(
    handler: &Handler,
    cells: &[(String, u64)],
    listed: &[Listed],
    count: &mut Count<'_>,
) -> Result<Vec<Read>, Problem> {
    let limits = Limits {
        people: MOST_PEOPLE,
        reads: MOST_READS - SPARE_READS,
    };
    let plan = plan(listed, limits);
    let ends = ends(handler, cells, listed, &plan, count).await?;
    let mut read = Vec::new();
    for drawn in plan {
        let (Some((cell, _)), Some(listed)) = (cells.get(drawn.cell), listed.get(drawn.cell)) else {
            continue;
        };
        let begin = match (&ends, drawn.begin) {
            (Some((first, last)), Begin::Anywhere) => {
                CustomerId::new(begin_between(first.as_str(), last.as_str(), listed.draw)).ok()
            }
            (None, Begin::Anywhere) | (_, Begin::First) => None,
        };
        read.push(read_cell(handler, cell, drawn, begin, count).await?);
    }
    Ok(read)
}

/// Whose ids come first and last in the most populated cell that is read from anywhere: a brand's ids are of one kind.
async fn ends(
    handler: &Handler,
    cells: &[(String, u64)],
    listed: &[Listed],
    plan: &[Drawn],
    count: &mut Count<'_>,
) -> Result<Option<(CustomerId, CustomerId)>, Problem> {
    let largest = plan
        .iter()
        .filter(|drawn| drawn.begin == Begin::Anywhere)
        .max_by_key(|drawn| listed.get(drawn.cell).map(|cell| cell.people));
    let Some((cell, _)) = largest.and_then(|drawn| cells.get(drawn.cell)) else {
        return Ok(None);
    };
    let brand = &count.proposal.brand.id;
    count.reads_left = count.reads_left.saturating_sub(2);
    let first = handler.tables.audience_page(brand, cell, None, 1).await?;
    let last = handler.tables.last_of_audience(brand, cell).await?;
    Ok(first.people.into_iter().map(|(first, _)| first).next().zip(last))
}

/// Reads as many as are wanted from `begin` on, and on from the first after the last.
async fn read_cell(
    handler: &Handler,
    cell: &str,
    drawn: Drawn,
    begin: Option<CustomerId>,
    count: &mut Count<'_>,
) -> Result<Read, Problem> {
    count.tally.begin_cell();
    let mut seen = 0;
    let mut after = begin.clone();
    let mut may_go_round = begin.is_some();
    loop {
        let room = drawn.most.saturating_sub(seen);
        if room == 0 || count.reads_left == 0 {
            return Ok(Read::new(drawn, seen, false));
        }
        count.reads_left -= 1;
        let page = handler
            .tables
            .audience_page(&count.proposal.brand.id, cell, after.as_ref(), room)
            .await?;
        for (customer, record) in &page.people {
            let is_seen = |begin: &CustomerId| !may_go_round && customer > begin;
            if begin.as_ref().is_some_and(is_seen) {
                return Ok(Read::new(drawn, seen, true));
            }
            seen += 1;
            judged(customer, record, count);
        }
        after = page.next;
        if after.is_none() {
            if !may_go_round {
                return Ok(Read::new(drawn, seen, true));
            }
            may_go_round = false;
        }
    }
}

fn judged(customer: &CustomerId, record: &AudienceRecord, count: &mut Count<'_>) {
    let at_launch = |proposal: Proposal<'_>| judge(proposal, customer, record, proposal.run.launched_at);
    let judged = at_launch(count.proposal);
    count.tally.add(&judged);
    if let Some(other) = count.other {
        count.tally.compare(&judged, &at_launch(other.proposal));
    }
}

impl Told<'_> {
    fn of(&self, among: Among, counted: impl Fn(&Counts) -> u32) -> Estimate {
        estimate(self.read, &self.tally.of_each(counted), among)
    }

    /// A way to end that may be `relevant` anywhere but where nobody can be written to.
    fn ended(&self, outcome: Outcome) -> Estimate {
        self.of(among(outcome), |cell| cell.ended(outcome))
    }

    /// The most populated cells by themselves, and all others together.
    fn cells(&self, cells: &[(String, u64)], people: u64) -> Vec<CellReach> {
        let reached = self.tally.of_each(|cell| cell.ended(None));
        let held: Vec<u32> = self.read.iter().map(|each| each.held).collect();
        let of_those_read: u64 = held.iter().copied().map(u64::from).sum();
        let apart = told_apart(&held, people.saturating_sub(of_those_read), MOST_CELLS);
        let mut rows: Vec<CellReach> = apart
            .iter()
            .filter_map(|place| {
                let (read, reached) = (self.read.get(*place)?, reached.get(*place)?);
                let (cell, _) = cells.get(read.drawn.cell)?;
                let told = estimate(&[read.alone()], &[*reached], Among::Reachable);
                Some(CellReach {
                    cell: cell.clone(),
                    people: read.held.into(),
                    considered: read.seen.into(),
                    candidates: told.count,
                    margin: told.margin(),
                })
            })
            .collect();
        rows.extend(self.elsewhere(&rows, &apart, &reached, people));
        rows
    }

    fn elsewhere(&self, rows: &[CellReach], apart: &[usize], reached: &[u32], people: u64) -> Option<CellReach> {
        let people = people.saturating_sub(rows.iter().map(|row| row.people).sum());
        let others = self.read.iter().zip(reached).enumerate();
        // A cell that is told by itself may stand for others.
        let (read, reached): (Vec<Read>, Vec<u32>) = others
            .filter(|(place, (read, _))| read.stands_for_others() || !apart.contains(place))
            .map(|(place, (read, reached))| (*read, if apart.contains(&place) { 0 } else { *reached }))
            .unzip();
        let told = estimate(&read, &reached, Among::Reachable);
        let considered = self.read.iter().map(|each| u64::from(each.seen)).sum::<u64>();
        let of_rows = rows.iter().map(|row| row.considered).sum();
        (people > 0).then(|| CellReach {
            cell: ELSEWHERE.to_owned(),
            people,
            considered: considered.saturating_sub(of_rows),
            candidates: told.count.min(people),
            margin: told.margin().min(people),
        })
    }
}

/// The name of all cells together that are not told by themselves.
const ELSEWHERE: &str = "elsewhere";

/// Nobody is written to where nobody can be.
const fn among(outcome: Outcome) -> Among {
    match outcome {
        None => Among::Reachable,
        Some(_) => Among::All,
    }
}

fn answer(count: &Count<'_>, cells: &[(String, u64)], read: &[Read]) -> Preview {
    let told = Told {
        read,
        tally: &count.tally,
    };
    let reach = told.ended(None);
    let withheld: BTreeMap<&'static str, Estimate> = count
        .tally
        .outcomes()
        .flatten()
        .map(|reason| (reason.code(), told.ended(Some(reason))))
        .collect();
    // Where nobody can be written to, nobody has a score either.
    let histogram: Vec<Estimate> = (0..10)
        .map(|bin| told.of(Among::Reachable, |cell| cell.histogram.get(bin).copied().unwrap_or(0)))
        .collect();
    let complete = read.len() == cells.len() && read.iter().all(Read::tells_all);
    Preview {
        judged_as_of: count.proposal.run.launched_at.to_string(),
        considered: read.iter().map(|each| u64::from(each.seen)).sum(),
        candidates: reach.count,
        withheld: withheld.iter().map(|(reason, told)| (*reason, told.count)).collect(),
        complete,
        estimate: estimated(&reach),
        relevance_histogram: histogram.iter().map(|told| told.count).collect(),
        margins: Margins {
            withheld: withheld.iter().map(|(reason, told)| (*reason, told.margin())).collect(),
            relevance_histogram: histogram.iter().map(Estimate::margin).collect(),
            unlisted: told.of(Among::All, |_| 0).at_most,
        },
        examples: count
            .tally
            .examples()
            .into_iter()
            .map(|judged| example(count.proposal.offer, judged))
            .collect(),
        cells: told.cells(cells, reach.people),
        cells_considered: read.len(),
        cells_in_all: cells.len(),
        comparison: count.other.map(|other| compared(count, &told, other)),
    }
}

fn estimated(reach: &Estimate) -> EstimateAnswer {
    EstimateAnswer {
        people: reach.people,
        reach: reach.count,
        margin: reach.margin(),
        at_least: reach.at_least,
        at_most: reach.at_most,
        share_bp: reach.share().basis_points(),
        share_margin_bp: reach.share_margin().basis_points(),
    }
}

fn example(offer: &Offer, judged: &Judged) -> ExampleDecision {
    let score = match judged {
        Ok(score) => Some(*score),
        Err(withheld) => withheld.score,
    };
    ExampleDecision {
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

fn compared(count: &Count<'_>, told: &Told<'_>, other: Other<'_>) -> ComparisonAnswer {
    let gained = told.of(Among::Reachable, Counts::gained);
    let lost = told.of(Among::Reachable, Counts::lost);
    let mut moved: Vec<Moved> = count
        .tally
        .changes()
        .map(|(from, to)| {
            let among = if from.is_none() { among(from) } else { among(to) };
            let told = told.of(among, |cell| cell.change((from, to)));
            Moved {
                from: word(from),
                to: word(to),
                count: told.count,
                margin: told.margin(),
            }
        })
        .collect();
    moved.sort_by_key(|each| Reverse(each.count));
    ComparisonAnswer {
        offer_version: count.proposal.offer.version,
        compared_with: other.with,
        judged_as_of: other.proposal.run.launched_at.to_string(),
        gained: gained.count,
        gained_margin: gained.margin(),
        lost: lost.count,
        lost_margin: lost.margin(),
        moved,
        examples: count
            .tally
            .changed()
            .into_iter()
            .map(|(now, then): &Changed| MovedExample {
                from: word(outcome(now)),
                to: word(outcome(then)),
                explanation: explanation(other.proposal.offer, then),
            })
            .collect(),
    }
}
