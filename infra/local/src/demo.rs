//! The demo: the founding idea's campaigns, on a stack of its own.

use std::io;
use std::path::PathBuf;

use apropos_aws::{Clock, random};
use jiff::Timestamp;
use thiserror::Error;

use crate::cli::{say_on, until_interrupted};
use crate::data_dir::hex;
use crate::printout;
use crate::stack::{Stack, StackError, StackSettings};
use crate::tour::{TourError, Toured, tour};

/// What the demo is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// End after printing.
    pub once: bool,
    /// Print JSON on standard output, and all else on standard error.
    pub json: bool,
    /// Where to answer on loopback; 0 for any free port.
    pub port: u16,
    /// How many customers to make.
    pub customers: u32,
    /// Where to keep the data; in memory for `None`.
    pub data: Option<PathBuf>,
    /// What the customers are made from.
    pub seed: u64,
}

/// Why the demo ended early.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The stack failed.
    #[error("the stack failed")]
    Stack(#[from] StackError),
    /// The tour ended early.
    #[error("the tour of the campaigns ended early")]
    Tour(#[from] TourError),
    /// No name could be made for the outbox.
    #[error("the outbox could not be named")]
    Outbox(#[source] apropos_aws::StoreError),
}

/// The demo's day, in the morning: always the same one, so that the same seed gives the same numbers.
const DEMO_START: Timestamp = Timestamp::constant(1_796_115_600, 0);

/// Runs the demo.
///
/// # Errors
/// [`DemoError`].
pub async fn run(options: DemoOptions) -> Result<(), DemoError> {
    let mut stack = Stack::start(StackSettings {
        port: Some(options.port),
        data: options.data.clone(),
        outbox: Some(outbox(&options)?),
        clock: Clock::manual(DEMO_START),
    })
    .await?;
    human(
        &options,
        &format!(
            "Apropos answers on {}; loading the demonstration of 1 December 2026.",
            stack.url()
        ),
    );
    // While the tour runs, nothing happens in the background and time passes only as it says.
    let toured = tour(&stack, options.customers, options.seed, DEMO_START).await?;
    if options.json {
        say_on(&mut io::stdout(), printout::as_json(&toured).trim_end());
    }
    human(&options, &printout::for_people(&toured));
    if !options.once {
        say_addresses(&stack, &options, &toured);
        stack.work_in_background();
        human(&options, "Serving until Ctrl-C.");
        until_interrupted().await;
    }
    Ok(stack.stop().await?)
}

/// Where to look and how to go on by hand. The keys are of brands that exist in this process only.
fn say_addresses(stack: &Stack, options: &DemoOptions, toured: &Toured) {
    let url = stack.url();
    human(options, &format!("Inbox   {url}/inbox"));
    human(options, &format!("API     {url}/v1"));
    for (brand, key) in &toured.keys {
        human(options, &format!("Key     {key}  ({brand})"));
    }
}

/// A line for people.
fn human(options: &DemoOptions, line: &str) {
    if options.json {
        say_on(&mut io::stderr(), line);
    } else {
        say_on(&mut io::stdout(), line);
    }
}

/// With the data, or in a new place of its own: mails of two runs never mix.
fn outbox(options: &DemoOptions) -> Result<PathBuf, DemoError> {
    if let Some(data) = &options.data {
        return Ok(data.join("outbox"));
    }
    let name = random::<4>().map_err(DemoError::Outbox)?;
    Ok(std::env::temp_dir().join(format!("apropos-outbox-{}", hex(&name))))
}
