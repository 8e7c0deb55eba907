//! From a schedule that shows a violation to a small one that still does.

use crate::plan::{Faults, Plan, What};
use crate::stage::{Outcome, Stage, StageError};

/// The most schedules that are tried.
const MOST_TRIES: u32 = 300;

/// Takes out what the violation can do without: actions first, then faults, many at a time and then each.
///
/// # Errors
/// [`StageError`].
pub fn shrink(stage: &Stage, plan: &Plan) -> Result<(Plan, Outcome), StageError> {
    let first = stage.run(plan)?;
    let mut best = Plan {
        faults: Faults::These(first.injected.clone()),
        ..plan.clone()
    };
    let invariant = first.violations.first().map(|violation| violation.invariant);
    let mut shown = first;
    let mut tries = 0;
    let mut attempt = |candidate: &Plan, shown: &mut Outcome| -> Result<bool, StageError> {
        tries += 1;
        if tries > MOST_TRIES {
            return Ok(false);
        }
        let outcome = stage.run(candidate)?;
        let is_same = outcome
            .violations
            .iter()
            .any(|violation| Some(violation.invariant) == invariant);
        if is_same {
            *shown = outcome;
        }
        Ok(is_same)
    };
    for position in 0..best.actions.len() {
        let mut candidate = best.clone();
        if let Some(action) = candidate.actions.get_mut(position) {
            // It keeps its place, so that the calls of the others keep theirs.
            action.what = What::Nothing;
        }
        if attempt(&candidate, &mut shown)? {
            best = candidate;
        }
    }
    let mut size = faults(&best).max(1);
    while size > 0 {
        let mut start = 0;
        while start < faults(&best) {
            let mut candidate = best.clone();
            if let Faults::These(these) = &mut candidate.faults {
                let end = (start + size).min(these.len());
                these.drain(start..end);
            }
            if attempt(&candidate, &mut shown)? {
                best = candidate;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
    Ok((best, shown))
}

fn faults(plan: &Plan) -> usize {
    match &plan.faults {
        Faults::These(these) => these.len(),
        Faults::Random { .. } => 0,
    }
}
