//! The way back to a schedule: one command that runs it again, exactly, and the schedules that are kept.

use crate::plan::Plan;

/// Schedules that once showed a violation, of the functions or of a bug put in on purpose.
const KEPT: &str = include_str!("../seeds.txt");

/// What runs the program, before its own arguments.
const PROGRAM: &str = "cargo run --quiet --profile simulation --package apropos-simulation --";

/// The command that runs a schedule again, with its trace. It fails if the schedule shows a violation.
#[must_use]
pub fn again(plan: &Plan) -> String {
    // Nothing in it has a quotation mark that a shell would take for the end.
    let told = serde_json::to_string(plan).unwrap_or_default();
    format!("{PROGRAM} --plan '{told}'")
}

/// A schedule as [`again`] tells it.
///
/// # Errors
/// What is wrong with the text.
pub fn told(text: &str) -> Result<Plan, serde_json::Error> {
    serde_json::from_str(text)
}

/// The schedules that are run before all others: a line each, a seed or a plan, and why.
pub fn kept() -> impl Iterator<Item = Plan> {
    KEPT.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (schedule, _) = line.split_once(" # ").unwrap_or((line, ""));
        match schedule.trim().parse() {
            Ok(seed) => Some(Plan::random(seed)),
            Err(_) => told(schedule).ok(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_is_kept_says_a_schedule_and_why() {
        let lines: Vec<_> = KEPT.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(kept().count(), lines.len());
        for line in lines {
            assert!(line.split_once(" # ").is_some_and(|(_, why)| why.len() > 10), "{line}");
        }
    }
}
