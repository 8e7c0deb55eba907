//! The command line: many schedules, what they showed, and the way back to each that showed a violation.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use apropos_aws::Clock;
use thiserror::Error;

use crate::again::{again, kept, told};
use crate::every::{Pairs, SCENARIOS, pairs, turns, turns_around_the_claim};
use crate::fault::Fault;
use crate::network::ClaimState;
use crate::oracle::Violation;
use crate::pace;
use crate::plan::{Faults, Order, Plan};
use crate::planted::Planted;
use crate::shrink::shrink;
use crate::stage::{Outcome, Stage, StageError};

#[derive(Debug, Error)]
enum Refused {
    #[error("{0}")]
    Arguments(#[from] lexopt::Error),
    #[error("there is no planted bug of that name")]
    Planted,
    #[error("it is single, pair, pairs or turn")]
    Every,
    #[error("that is no schedule")]
    Plan(#[source] serde_json::Error),
}

#[derive(Debug, Clone)]
struct Options {
    seeds: u64,
    from: u64,
    threads: u64,
    planted: Option<Planted>,
    trace: bool,
    all_planted: bool,
    every: Option<Every>,
    pace: bool,
    suite: bool,
    plan: Option<Plan>,
}

impl Options {
    const fn none() -> Self {
        Self {
            seeds: 1_000,
            from: 0,
            threads: 2,
            planted: None,
            trace: false,
            all_planted: false,
            every: None,
            pace: false,
            suite: false,
            plan: None,
        }
    }
}

/// Schedules that are counted out.
#[derive(Debug, Clone, Copy)]
enum Every {
    Single,
    Pair,
    Pairs,
    Turn,
}

const HELP: &str = "\
Runs schedules of the real functions with faults, one for each seed, and checks what must hold.

  --seeds N        how many (1000)
  --from SEED      the first (0)
  --threads N      how many at once (2)
  --planted BUG    how soon a bug put in on purpose is caught, such as MailRetried, or `all` of them
  --every single   each single fault in twelve scenarios, in place of seeds
  --every pair     every pair of kinds of faults in each scenario, as often as --seeds says, each time at other calls
  --every pairs    every pair of faults, or --seeds of them --from a position: hours, where pair takes seconds
  --every turn     every order of up to two switches of two senders and some of three, clocks alike and five minutes apart
  --pace           1 to 50 senders of one account at rates from 1 to 100 a second, in place of seeds
  --suite          all that the gate asks for, one after the other, with one line for all of it
  --plan PLAN      this one, as a failure prints it, with its trace
  --trace          prints what happened in each, for a few seeds
";

fn options(mut parser: lexopt::Parser) -> Result<Option<Options>, Refused> {
    let mut options = Options::none();
    while let Some(argument) = parser.next()? {
        use lexopt::ValueExt as _;
        match argument {
            lexopt::Arg::Long("seeds") => options.seeds = parser.value()?.parse()?,
            lexopt::Arg::Long("from") => options.from = parser.value()?.parse()?,
            lexopt::Arg::Long("threads") => options.threads = parser.value()?.parse()?,
            lexopt::Arg::Long("trace") => options.trace = true,
            lexopt::Arg::Long("pace") => options.pace = true,
            lexopt::Arg::Long("suite") => options.suite = true,
            lexopt::Arg::Long("plan") => {
                options.plan = Some(told(&parser.value()?.string()?).map_err(Refused::Plan)?);
                options.trace = true;
            }
            lexopt::Arg::Long("planted") => {
                let name = parser.value()?.string()?;
                if name == "all" {
                    options.all_planted = true;
                    continue;
                }
                let planted = Planted::ALL.into_iter().find(|planted| format!("{planted:?}") == name);
                options.planted = Some(planted.ok_or(Refused::Planted)?);
            }
            lexopt::Arg::Long("every") => {
                options.every = Some(match parser.value()?.string()?.as_str() {
                    "single" => Every::Single,
                    "pair" => Every::Pair,
                    "pairs" => Every::Pairs,
                    "turn" => Every::Turn,
                    _ => return Err(Refused::Every),
                });
            }
            lexopt::Arg::Long("help") => return Ok(None),
            lexopt::Arg::Long(_) | lexopt::Arg::Short(_) | lexopt::Arg::Value(_) => {
                return Err(argument.unexpected().into());
            }
        }
    }
    Ok(Some(options))
}

/// The schedules that are asked for.
enum Asked {
    Listed(Vec<Plan>),
    /// Those pairs from a position up to another.
    Pairs(Pairs, u64, u64),
}

impl Asked {
    /// How many positions there are.
    fn count(&self) -> usize {
        match self {
            Self::Listed(plans) => plans.len(),
            Self::Pairs(pairs, from, until) => {
                usize::try_from(pairs.count().min(*until).saturating_sub(*from)).unwrap_or(usize::MAX)
            }
        }
    }

    fn at(&self, position: usize) -> Option<Plan> {
        match self {
            Self::Listed(plans) => plans.get(position).cloned(),
            Self::Pairs(pairs, from, _) => pairs.at(from + u64::try_from(position).ok()?),
        }
    }
}

/// What many schedules came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many were run.
    pub schedules: u64,
    /// What went wrong, by kind.
    pub faults: BTreeMap<Fault, u64>,
    /// How often what went wrong where.
    pub met: BTreeMap<(ClaimState, Fault), u64>,
    /// How many messages were taken.
    pub accepted: usize,
    /// How many calls were made.
    pub calls: u64,
    /// The situations reached: a call on a table or a service, with its fault and its answer.
    pub situations: BTreeSet<String>,
    /// The positions of the schedules that showed violations, with these.
    pub violations: BTreeMap<usize, Vec<Violation>>,
}

impl Tally {
    /// Adds a schedule.
    pub fn add(&mut self, position: usize, outcome: &Outcome) {
        self.schedules += 1;
        self.accepted += outcome.accepted;
        for (_, fault) in &outcome.injected {
            *self.faults.entry(*fault).or_insert(0) += 1;
        }
        for (met, count) in &outcome.met {
            *self.met.entry(*met).or_insert(0) += count;
        }
        self.calls += outcome.calls.values().map(|count| u64::from(*count)).sum::<u64>();
        for step in &outcome.trace {
            if step.site.is_some() {
                self.situations
                    .insert(format!("{} {:?} {}", step.what, step.fault, step.status));
            }
        }
        if !outcome.violations.is_empty() {
            self.violations.insert(position, outcome.violations.clone());
        }
    }

    fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.accepted += other.accepted;
        self.calls += other.calls;
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_insert(0) += count;
        }
        for (met, count) in other.met {
            *self.met.entry(met).or_insert(0) += count;
        }
        self.situations.extend(other.situations);
        self.violations.extend(other.violations);
    }
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    let options = match options(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(refused) => {
            say(&format!("{}\n\n{HELP}", apropos_aws::with_causes(&refused)));
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{}\n", apropos_aws::with_causes(&error)));
            ExitCode::from(2)
        }
    }
}

fn say(text: &str) {
    // Nobody listens any more: there is nobody to tell.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn run(options: &Options) -> Result<u64, StageError> {
    if options.suite {
        return suite(options.threads);
    }
    if options.pace {
        return paces(options.threads);
    }
    if options.all_planted || (options.planted.is_some() && !options.trace && options.every.is_none()) {
        return all_planted(options);
    }
    let clock = Clock::system();
    let began = clock.now();
    let tally = scheduled(options)?;
    let millis = clock.now().duration_since(began).as_millis();
    say(&matrix(&tally));
    say(&reached(&tally, millis));
    say(&counted(&tally));
    Ok(broken(&tally))
}

/// Runs what is asked for, and tells of each schedule with violations.
fn scheduled(options: &Options) -> Result<Tally, StageError> {
    let plans = plans(options)?;
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    on_threads(options.threads, || work(options, &plans, &next, &tally))?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !tally.violations.is_empty() {
        report(&plans, &tally)?;
    }
    Ok(tally)
}

/// The schedules of the suite, as their arguments would say it.
fn parts() -> [(&'static str, Options); 4] {
    let every = |every| Options {
        every: Some(every),
        ..Options::none()
    };
    [
        (
            "--seeds 20000",
            Options {
                seeds: 20_000,
                ..Options::none()
            },
        ),
        ("--every single", every(Every::Single)),
        (
            "--every pair --seeds 1",
            Options {
                seeds: 1,
                ..every(Every::Pair)
            },
        ),
        ("--every turn", every(Every::Turn)),
    ]
}

/// All that the gate asks for; how much of it does not hold.
fn suite(threads: u64) -> Result<u64, StageError> {
    let clock = Clock::system();
    let began = clock.now();
    let (mut all, mut violations) = (Tally::default(), 0);
    for (named, part) in parts() {
        let tally = scheduled(&Options { threads, ..part })?;
        violations += broken(&tally);
        say(&format!("{named}: {}", counted(&tally)));
        all.merge(tally);
    }
    let millis = clock.now().duration_since(began).as_millis();
    say("--pace\n");
    let paces = paces(threads)?;
    say("--planted all --seeds 2000\n");
    let planted = all_planted(&Options {
        threads,
        all_planted: true,
        seeds: 2_000,
        ..Options::none()
    })?;
    say(&matrix(&all));
    say(&reached(&all, millis));
    let faults: u64 = all.faults.values().sum();
    let seconds = clock.now().duration_since(began).as_secs();
    say(&format!(
        "{} schedules, {faults} faults of {} kinds, {violations} violations, {paces} paces that do not hold, \
         {planted} planted bugs not caught, in {seconds} seconds\n",
        all.schedules,
        all.faults.len(),
    ));
    Ok(violations + paces + planted)
}

/// The table of paces; how many of its lines do not hold.
fn paces(threads: u64) -> Result<u64, StageError> {
    let worlds = pace::worlds();
    let (next, missed) = (AtomicU64::new(0), AtomicU64::new(0));
    say(&format!("{}\n", pace::HEADER));
    on_threads(threads, || {
        let account = pace::Account::new(pace::Account::people_for(&worlds))?;
        loop {
            let position = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            let Some(world) = worlds.get(position) else {
                return Ok(());
            };
            let measured = account.run(*world)?;
            missed.fetch_add(u64::from(!measured.holds()), Ordering::Relaxed);
            say(&format!("{measured}\n"));
        }
    })?;
    let missed = missed.into_inner();
    say(&format!("{} worlds, {missed} do not hold\n", worlds.len()));
    Ok(missed)
}

fn plans(options: &Options) -> Result<Asked, StageError> {
    if let Some(plan) = &options.plan {
        return Ok(Asked::Listed(vec![plan.clone()]));
    }
    let Some(every) = options.every else {
        let kept = kept().filter(|_| options.planted.is_none() && !options.trace);
        let asked = options.from..options.from.saturating_add(options.seeds);
        let drawn = asked.map(|seed| Plan {
            planted: options.planted,
            ..Plan::random(seed)
        });
        return Ok(Asked::Listed(kept.chain(drawn).collect()));
    };
    let stage = Stage::new()?;
    let plans = match every {
        Every::Single => {
            let mut plans = Vec::new();
            for scenario in SCENARIOS {
                let singles = scenario.single_faults(&stage)?;
                plans.extend(singles.into_iter().map(|fault| scenario.with(vec![fault])));
            }
            plans
        }
        Every::Pair => pairs(&stage, options.seeds)?,
        Every::Pairs => {
            let until = options.seeds.saturating_add(options.from);
            return Ok(Asked::Pairs(Pairs::new(&stage)?, options.from, until));
        }
        Every::Turn => [false, true]
            .into_iter()
            .flat_map(|skewed| [turns(1, skewed), turns_around_the_claim(skewed)].concat())
            .collect(),
    };
    let planted = |plan| Plan {
        planted: options.planted,
        ..plan
    };
    Ok(Asked::Listed(plans.into_iter().map(planted).collect()))
}

fn work(options: &Options, plans: &Asked, next: &AtomicU64, tally: &Mutex<Tally>) -> Result<(), StageError> {
    let stage = Stage::new()?;
    let mut own = Tally::default();
    loop {
        let position = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
        if position >= plans.count() {
            tally.lock().unwrap_or_else(PoisonError::into_inner).merge(own);
            return Ok(());
        }
        let Some(plan) = plans.at(position) else { continue };
        let outcome = stage.run(&plan)?;
        if options.trace {
            let lines: Vec<String> = outcome.trace.iter().map(|step| format!("{step}\n")).collect();
            say(&format!("seed {}\n{}", plan.seed, lines.concat()));
        }
        own.add(position, &outcome);
    }
}

/// How soon each planted bug is caught; the number of those that are not.
fn all_planted(options: &Options) -> Result<u64, StageError> {
    let (next, missed) = (AtomicU64::new(0), AtomicU64::new(0));
    // The one that takes most seeds comes last among them, and begins here: else one core would wait for the other's.
    let wanted: Vec<_> = match options.planted {
        Some(planted) => vec![planted],
        None => Planted::ALL.into_iter().rev().collect(),
    };
    let look = || {
        let stage = Stage::new()?;
        loop {
            let position = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            let Some(planted) = wanted.get(position).copied() else {
                return Ok(());
            };
            let name = format!("{planted:?}");
            let line = match caught(&stage, planted, options.from, options.seeds)? {
                Some(Caught { plan, violation, tried }) => {
                    let shown = if options.planted.is_some() {
                        show_shrunk(&stage, &plan)?;
                        format!("\nagain: {}\n", again(&plan))
                    } else {
                        String::new()
                    };
                    format!("{name:<22} {:>6} {tried:>6}  {violation}\n{shown}", plan.seed)
                }
                None => {
                    missed.fetch_add(1, Ordering::Relaxed);
                    format!("{name:<22} {:>6} {:>6}  not caught\n", "-", options.seeds)
                }
            };
            say(&line);
        }
    };
    say(&format!("{:<22} {:>6} {:>6}  caught by\n", "bug", "seed", "tried"));
    on_threads(options.threads, look)?;
    let missed = missed.into_inner();
    say(&format!("{} bugs planted, {missed} not caught\n", wanted.len()));
    Ok(missed)
}

fn on_threads(count: u64, work: impl Fn() -> Result<(), StageError> + Sync) -> Result<(), StageError> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count.max(1)).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let broken = |_| Err(StageError::Unfit("a schedule broke off".to_owned()));
            worker.join().unwrap_or_else(broken)
        })
    })
}

fn called(plan: &Plan) -> String {
    match (&plan.faults, &plan.order) {
        (Faults::Random { .. }, _) => format!("seed {}", plan.seed),
        (Faults::These(_), Order::Turns(turns)) => format!("turns {turns:?}, skewed {}", plan.skewed),
        (Faults::These(these), Order::Times) => {
            let faults: Vec<_> = these
                .iter()
                .map(|(site, fault)| format!("{fault:?} at {site}"))
                .collect();
            format!(
                "{} with {:?}",
                faults.join(" and "),
                plan.actions.iter().map(|action| action.what).collect::<Vec<_>>()
            )
        }
    }
}

/// How a planted bug was caught.
#[derive(Debug)]
pub struct Caught {
    /// By which schedule.
    pub plan: Plan,
    /// What it showed.
    pub violation: Violation,
    /// How many schedules were tried, with this one.
    pub tried: u64,
}

/// The first seed that catches a planted bug, and how.
///
/// # Errors
/// [`StageError`].
pub fn caught(stage: &Stage, planted: Planted, from: u64, seeds: u64) -> Result<Option<Caught>, StageError> {
    for seed in from..from.saturating_add(seeds) {
        let plan = Plan {
            planted: Some(planted),
            ..Plan::random(seed)
        };
        if let Some(violation) = stage.run(&plan)?.violations.into_iter().next() {
            let tried = seed - from + 1;
            return Ok(Some(Caught { plan, violation, tried }));
        }
    }
    Ok(None)
}

/// What went wrong, how often, and where the message stood.
fn matrix(tally: &Tally) -> String {
    let states = ClaimState::ALL.map(|state| format!("{:>11}", format!("{state:?}")));
    let mut lines = format!("{:<15}{}{:>11}\n", "", states.concat(), "all");
    for (fault, all) in &tally.faults {
        let counts = ClaimState::ALL.map(|state| match tally.met.get(&(state, *fault)) {
            Some(count) => format!("{count:>11}"),
            None => format!("{:>11}", "."),
        });
        lines.push_str(&format!("{:<15}{}{all:>11}\n", format!("{fault:?}"), counts.concat()));
    }
    lines
}

/// The most schedules with violations that are told of, and the most that are shrunk and shown in full.
const TOLD: usize = 30;
const SHOWN: usize = 3;

fn show_shrunk(stage: &Stage, plan: &Plan) -> Result<(), StageError> {
    let (small, outcome) = shrink(stage, plan)?;
    say(&format!("\n{}, shrunk:\n", called(plan)));
    for action in &small.actions {
        say(&format!("  {:?} {:?}\n", action.when, action.what));
    }
    for step in &outcome.trace {
        say(&format!("{step}\n"));
    }
    for violation in &outcome.violations {
        say(&format!("{violation}\n"));
    }
    say(&format!("again: {}\n", again(&small)));
    Ok(())
}

fn report(plans: &Asked, tally: &Tally) -> Result<(), StageError> {
    let stage = Stage::new()?;
    for (position, violations) in tally.violations.iter().take(TOLD) {
        let Some(plan) = plans.at(*position) else { continue };
        for violation in violations {
            say(&format!("{}: {violation}\n", called(&plan)));
        }
        say(&format!("again: {}\n", again(&plan)));
    }
    let shown = tally.violations.keys().take(SHOWN);
    for plan in shown.filter_map(|position| plans.at(*position)) {
        show_shrunk(&stage, &plan)?;
    }
    Ok(())
}

fn reached(tally: &Tally, millis: i128) -> String {
    format!(
        "{} calls, {} messages taken, {} situations reached, {} schedules a second\n",
        tally.calls,
        tally.accepted,
        tally.situations.len(),
        i128::from(tally.schedules) * 1_000 / millis.max(1)
    )
}

fn counted(tally: &Tally) -> String {
    format!(
        "{} schedules, {} faults, {} violations\n",
        tally.schedules,
        tally.faults.values().sum::<u64>(),
        tally.violations.len()
    )
}

fn broken(tally: &Tally) -> u64 {
    tally.violations.len().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Site, Worker};

    /// What a command's own arguments ask for, as a shell would split them.
    fn asked(command: &str) -> Options {
        let (_, arguments) = command.split_once(" -- ").unwrap();
        let (flag, quoted) = arguments.split_once(' ').unwrap();
        let value = quoted.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        assert!(!value.contains('\''), "{value}");
        options(lexopt::Parser::from_args([flag, value])).unwrap().unwrap()
    }

    #[test]
    fn what_a_failure_prints_runs_that_very_schedule_again() {
        let stage = Stage::new().unwrap();
        let [scenario, ..] = SCENARIOS;
        let site = Site {
            worker: Worker::Pages,
            call: 8,
        };
        let unresolved = Plan {
            planted: Some(Planted::FeedbackDropped),
            ..Plan::random(0)
        };
        let twice = Plan {
            planted: Some(Planted::AcknowledgedFirst),
            ..scenario.with(vec![(site, Fault::QueueTwice)])
        };
        let turn = turns_around_the_claim(true).into_iter().next().unwrap();
        for plan in [unresolved, twice, turn] {
            let again = asked(&again(&plan));
            assert!(again.trace);
            let asked = plans(&again).unwrap();
            assert_eq!((asked.count(), asked.at(0)), (1, Some(plan.clone())));
            let (first, second) = (stage.run(&plan).unwrap(), stage.run(&asked.at(0).unwrap()).unwrap());
            assert_eq!(first.digest(), second.digest());
            assert_eq!(first.violations, second.violations);
            assert_eq!(run(&again).unwrap() > 0, !first.violations.is_empty());
        }
    }
}
