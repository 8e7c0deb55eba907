//! Our side of the rounds: a process that lives through all of them and answers a line of JSON to each line it is given,
//! such as `W1F scalar`, so that the rounds of several engines can be interleaved.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use apropos_core::batch::{Block, Plan, Verdicts};
use apropos_core::decision::judge;
use apropos_core::relevance::Score;
use apropos_core::time::EpochDay;
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde_json::{Value, json};

use crate::Failure;
use crate::tally::{Tally, UNSCORED};
use crate::workload::{Name, Workload};

/// Answers until the lines end. A workload is made when it is first asked for.
///
/// # Errors
/// When a line asks for what there is not.
pub fn serve(customers: usize, lines: impl BufRead, mut answers: impl Write) -> Result<(), Failure> {
    let mut made: Vec<(Workload, Block)> = Vec::new();
    let mut verdicts = Verdicts::default();
    for line in lines.lines() {
        let line = line?;
        let (name, path) = line.split_once(' ').ok_or("a line is a workload and a path")?;
        let name = Name::from_code(name).ok_or("the workloads are W1, W1L, W1F and W2")?;
        if !made.iter().any(|(workload, _)| workload.name == name) {
            let workload = Workload::generate(name, customers)?;
            let mut block = Block::default();
            let today = EpochDay::of(workload.now);
            let records = workload.population.records.iter();
            records.for_each(|record| block.push(record, today));
            made.push((workload, block));
        }
        let is_it = |(workload, _): &&(Workload, Block)| workload.name == name;
        let (workload, block) = made.iter().find(is_it).ok_or("made above")?;
        let answer = match path {
            "batch" => batch::<true>(workload, block, &mut verdicts),
            "plain" => batch::<false>(workload, block, &mut verdicts),
            "scalar" => scalar(workload),
            "paths" => json!({"paths": ["batch", "plain", "scalar"]}),
            "bandwidth" => bandwidth(),
            _ => return Err("the paths are batch, plain, scalar, paths and bandwidth".into()),
        };
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

/// What a path writes for each pair: reason (0 approved), relevance, and what each factor added.
struct Answers {
    reasons: Vec<u8>,
    relevance: Vec<u16>,
    contributions: Vec<[u8; 5]>,
}

impl Answers {
    fn of(pairs: usize) -> Self {
        Self {
            reasons: vec![0; pairs],
            relevance: vec![0; pairs],
            contributions: vec![UNSCORED; pairs],
        }
    }

    fn tally(&self, tally: &mut Tally) {
        for ((reason, relevance), contributions) in self.reasons.iter().zip(&self.relevance).zip(&self.contributions) {
            tally.add_bytes(*reason, *relevance, *contributions);
        }
    }
}

/// One person after the other, by the function that everything else is held to.
fn scalar(workload: &Workload) -> Value {
    let people = &workload.population;
    let mut answers = Answers::of(people.records.len());
    let mut tally = Tally::default();
    let mut nanoseconds = 0;
    for proposal in workload.proposals() {
        let start = Start::now();
        let rows = answers
            .reasons
            .iter_mut()
            .zip(&mut answers.relevance)
            .zip(&mut answers.contributions);
        for (((reason, relevance), contributions), (customer, record)) in
            rows.zip(people.customers.iter().zip(&people.records))
        {
            let judged = judge(proposal, customer, record, workload.now);
            let (because, score) = match &judged {
                Ok(score) => (0, Some(score)),
                Err(withheld) => (withheld.reason.byte(), withheld.score.as_ref()),
            };
            *reason = because;
            *relevance = score.map_or(0, |score| score.relevance.basis_points());
            *contributions = score.map_or(UNSCORED, Score::contribution_bytes);
        }
        nanoseconds += start.taken().as_nanos();
        answers.tally(&mut tally);
    }
    answer(nanoseconds, people.records.len() * workload.proposed.len(), &tally)
}

/// All people of the workload as columns, with what each factor added or without.
fn batch<const EXPLAIN: bool>(workload: &Workload, block: &Block, verdicts: &mut Verdicts) -> Value {
    let mut tally = Tally::default();
    let mut nanoseconds = 0;
    for proposal in workload.proposals() {
        let start = Start::now();
        let plan = Plan::new(proposal, workload.now);
        let nobody_is_held_out = |_| false;
        if EXPLAIN {
            plan.judge(block, nobody_is_held_out, verdicts);
        } else {
            plan.judge_without_contributions(block, nobody_is_held_out, verdicts);
        }
        nanoseconds += start.taken().as_nanos();
        for (person, (outcome, relevance)) in verdicts.outcomes().iter().zip(verdicts.relevance()).enumerate() {
            tally.add_bytes(*outcome, *relevance, verdicts.contributions(person));
        }
    }
    let mut answer = answer(nanoseconds, block.len() * workload.proposed.len(), &tally);
    // What is told is compared, and what was not computed is not told.
    if let (false, Some(told)) = (EXPLAIN, answer.get_mut("tally").and_then(Value::as_object_mut)) {
        told.retain(|name, _| name == "counts" || name == "relevance");
    }
    answer
}

fn answer(nanoseconds: u128, pairs: usize, tally: &Tally) -> Value {
    json!({"ns": u64::try_from(nanoseconds).unwrap_or(u64::MAX), "pairs": pairs, "tally": tally.to_json()})
}

/// Much more than caches hold: four times the last-level cache, as STREAM asks of its arrays, of up to 128 MB.
const BYTES_READ: usize = 512 << 20;

/// How fast this process reads memory: a sum over eight lanes, which becomes the widest loads there are.
fn bandwidth() -> Value {
    let words = vec![1u64; BYTES_READ / 8];
    let (lanes, _) = words.as_chunks::<32>();
    let start = Start::now();
    let sums = black_box(lanes).iter().fold([0u64; 32], |sums, lane| {
        let mut sums = sums;
        for (sum, word) in sums.iter_mut().zip(lane) {
            *sum = sum.wrapping_add(*word);
        }
        sums
    });
    let nanoseconds = start.taken().as_nanos();
    black_box(sums);
    json!({"ns": u64::try_from(nanoseconds).unwrap_or(u64::MAX), "bytes": words.len() * 8, "bytes_a_pair": BYTES_A_PERSON})
}

/// What a decision of `W1F` reads of one person in columns: 12 of the home; flags, lifecycle, good hours, what is recorded and
/// the topic; three of interests; the month of the last purchase in five categories that go with the offer's, and the day of that in its own (two).
const BYTES_A_PERSON: usize = 27;

/// When something began, by the clock on the wall and by that of the thread.
struct Start {
    wall: Instant,
    thread: Timespec,
}

impl Start {
    #[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            thread: clock_gettime(ClockId::ThreadCPUTime),
        }
    }

    /// The lesser of both: on a busy machine, a thread waits for its turn in between.
    fn taken(&self) -> Duration {
        let worked = clock_gettime(ClockId::ThreadCPUTime) - self.thread;
        let worked = Duration::try_from(worked).unwrap_or(Duration::MAX);
        self.wall.elapsed().min(worked)
    }
}
