//! What the load showed: in print, as JSON, and against the budgets.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::LoadOptions;
use super::meter::{Kind, Metered, Units};

/// What a run's report counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scored {
    pub(super) considered: u64,
    pub(super) sent: u64,
    pub(super) withheld: u64,
}

/// Memory that came on during a phase, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grown {
    /// At the peak, without the database file that the emulator maps.
    pub(super) own: u64,
    /// Pages of that file.
    pub(super) mapped: u64,
}

/// A campaign from its launch until its queues were empty.
#[derive(Debug)]
pub(super) struct Phase {
    pub(super) campaign: &'static str,
    pub(super) scored: Scored,
    /// Messages that were put into the queue again because sending was held or too slow.
    pub(super) handed_back: usize,
    /// The most messages that SES has taken in any second so far.
    pub(super) busiest: usize,
    /// How many it has refused so far.
    pub(super) refused: usize,
    pub(super) took: Duration,
    /// What its launch consumed.
    pub(super) planned: Metered,
    /// What its pages and candidates consumed.
    pub(super) worked: Metered,
    /// How much more memory than before it had at its peak.
    pub(super) grown: Option<Grown>,
    /// The most memory while it ran, in bytes.
    pub(super) peak: Option<u64>,
}

impl Phase {
    fn units(&self, kind: Kind, table: &str) -> Units {
        let mut units = self.planned.sum(kind, table);
        units += self.worked.sum(kind, table);
        units
    }

    fn a_second(&self, count: u64) -> f64 {
        float(count) / self.took.as_secs_f64().max(0.001)
    }

    /// The write units of claims and deliveries for each message sent; what a candidate who was withheld on fresh facts
    /// cost, one receipt each, is in it.
    fn a_send(&self) -> Units {
        let mut units = self.worked.sum(Kind::Write, "standing");
        units += self.worked.sum(Kind::Write, "deliveries");
        units += self.worked.sum(Kind::Write, "due");
        per(units, self.scored.sent)
    }

    /// The write units of the account's pace for each message sent. Nothing else that works the queues writes campaigns.
    fn pace_a_send(&self) -> Units {
        per(self.worked.sum(Kind::Write, "campaigns"), self.scored.sent)
    }
}

/// What the account's pace may add to the three writes of a message: a lease is one write for up to twenty.
const PACE_A_SEND: f64 = 0.25;

/// The figures of a load.
#[derive(Debug)]
pub struct Figures {
    pub(super) options: LoadOptions,
    pub(super) filled: u32,
    pub(super) loaded_in: Duration,
    /// All in one place: pages are full.
    pub(super) full: Phase,
    /// Spread over France.
    pub(super) whole: Phase,
    /// Of France, those near one place.
    pub(super) near: Phase,
    /// To all who agree.
    pub(super) sending: Phase,
}

/// A figure that must not pass another.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// What is measured.
    pub about: &'static str,
    /// The most it may be.
    pub most: f64,
    /// What it is as the emulator reports it.
    pub reported: f64,
    /// What it is by the documented rules.
    pub computed: f64,
}

impl Budget {
    /// Whether both figures keep to it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.reported.max(self.computed) <= self.most
    }

    fn of(about: &'static str, most: f64, units: Units) -> Self {
        Self {
            about,
            most,
            reported: units.reported,
            computed: units.computed,
        }
    }
}

/// From this many on, people spread over France weigh enough beside what a launch costs, however few it is for.
const FRANCE_IS_FULL_FROM: u32 = 100_000;

/// How much more memory than full pages of one place any number of customers may take, in MiB, without the file that the
/// emulator maps. Its cache is in the same process and fills with the number, up to 64 MB. Customers that were all kept
/// would take 200 bytes each and show from a hundred thousand on.
const FLAT_MIB: f64 = 16.0;

impl Figures {
    /// The budgets that say something about a load of this size.
    #[must_use]
    pub fn budgets(&self) -> Vec<Budget> {
        let considered = |phase: &Phase, kind| per(phase.units(kind, ""), phase.scored.considered);
        let mut budgets = vec![
            Budget::of(
                "read units a decision, full pages",
                0.015,
                considered(&self.full, Kind::Read),
            ),
            Budget::of(
                "write units a decision, full pages",
                0.02,
                considered(&self.full, Kind::Write),
            ),
            Budget::of("write units a send", 3.0, self.sending.a_send()),
            Budget::of(
                "write units of the pace a send",
                PACE_A_SEND,
                self.sending.pace_a_send(),
            ),
        ];
        if self.options.customers >= FRANCE_IS_FULL_FROM {
            budgets.extend([
                Budget::of(
                    "read units a decision, France",
                    0.03,
                    considered(&self.whole, Kind::Read),
                ),
                Budget::of(
                    "write units a decision, France",
                    0.02,
                    considered(&self.whole, Kind::Write),
                ),
                Budget::of("scoring reads of 25 km, share of whole", 0.01, self.share_of_scoring()),
            ]);
        }
        if let (Some(full), Some(whole)) = (self.full.grown, self.whole.grown) {
            let more = mebibytes(whole.own.saturating_sub(full.own));
            budgets.push(Budget {
                about: "MiB more than full pages took",
                most: FLAT_MIB,
                reported: more,
                computed: more,
            });
        }
        budgets
    }

    /// What scoring read for 25 km, for what it read for the whole audience.
    fn share_of_scoring(&self) -> Units {
        share(
            self.near.worked.sum(Kind::Read, ""),
            self.whole.worked.sum(Kind::Read, ""),
        )
    }

    /// The same with what their launches read, which hardly depends on the audience.
    fn share_all_in(&self) -> Units {
        share(self.near.units(Kind::Read, ""), self.whole.units(Kind::Read, ""))
    }

    fn phases(&self) -> [(&'static str, &Phase); 4] {
        [
            ("full pages, all of one place", &self.full),
            ("spread over France", &self.whole),
            ("of France, 25 km around one place", &self.near),
            ("sent to all who agree", &self.sending),
        ]
    }

    /// The phases with what they consumed, the budgets, and a line that sums up.
    #[must_use]
    pub fn for_people(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} customers written as the records that scoring reads, {} through the API, in {:.0} s: not measured\n",
            self.filled,
            self.options.sends,
            self.loaded_in.as_secs_f64()
        );
        for (about, phase) in self.phases() {
            print(&mut out, about, phase);
        }
        let _ = writeln!(out, "Budgets{:>44}{:>12}{:>12}", "most", "reported", "by rule");
        let budgets = self.budgets();
        for budget in &budgets {
            let _ = writeln!(
                out,
                "  {:<38}{:>11.4}{:>12.4}{:>12.4}  {}",
                budget.about,
                budget.most,
                budget.reported,
                budget.computed,
                if budget.holds() { "holds" } else { "EXCEEDED" }
            );
        }
        if self.options.customers < FRANCE_IS_FULL_FROM {
            let _ = writeln!(
                out,
                "  Those of all France are looked at from {FRANCE_IS_FULL_FROM} customers on."
            );
        }
        let all_in = self.share_all_in();
        let _ = writeln!(
            out,
            "  {:<49}{:>12.4}{:>12.4}  no budget",
            "reads of 25 km with the launch, share of whole", all_in.reported, all_in.computed
        );
        let _ = writeln!(out, "\n{}", self.summary(&budgets));
        out
    }

    fn summary(&self, budgets: &[Budget]) -> String {
        let over = budgets.iter().filter(|budget| !budget.holds()).count();
        let peak = self.phases().into_iter().filter_map(|(_, phase)| phase.peak).max();
        let sending = &self.sending;
        format!(
            "{:.0} decisions a second, {:.0} sends a second, peak {} MiB with the emulator in the process; {}",
            self.whole.a_second(self.whole.scored.considered),
            sending.a_second(sending.scored.sent),
            peak.map_or_else(|| "unknown".to_owned(), |peak| format!("{:.0}", mebibytes(peak))),
            match over {
                0 => format!("all {} budgets hold", budgets.len()),
                over => format!("{over} of {} budgets exceeded", budgets.len()),
            }
        )
    }

    /// One JSON object a phase, one for each budget, and one that sums up.
    #[must_use]
    pub fn as_json(&self) -> String {
        let mut out = String::new();
        for (about, phase) in self.phases() {
            let consumed: Vec<Value> = [("launch", &phase.planned), ("queues", &phase.worked)]
                .into_iter()
                .flat_map(|(part, metered)| metered.lines().map(move |line| (part, line)))
                .map(|(part, (operation, table, _, units))| {
                    json!({
                        "part": part, "operation": operation, "table": table, "calls": units.calls,
                        "reported": units.reported, "computed": units.computed,
                    })
                })
                .collect();
            let line = json!({
                "phase": about,
                "campaign": phase.campaign,
                "considered": phase.scored.considered,
                "sent": phase.scored.sent,
                "withheld": phase.scored.withheld,
                "handed_back": phase.handed_back,
                "busiest_second": phase.busiest,
                "refused_by_ses": phase.refused,
                "seconds": phase.took.as_secs_f64(),
                "grown_bytes": phase.grown.map(|grown| grown.own),
                "mapped_bytes": phase.grown.map(|grown| grown.mapped),
                "peak_bytes": phase.peak,
                "consumed": consumed,
            });
            let _ = writeln!(out, "{line}");
        }
        let budgets = self.budgets();
        for budget in &budgets {
            let line = json!({
                "budget": budget.about, "most": budget.most, "reported": budget.reported,
                "computed": budget.computed, "holds": budget.holds(),
            });
            let _ = writeln!(out, "{line}");
        }
        let all_in = self.share_all_in();
        let line = json!({"share_with_launch": {"reported": all_in.reported, "computed": all_in.computed}});
        let _ = writeln!(out, "{line}");
        let _ = writeln!(out, "{}", json!({"summary": self.summary(&budgets)}));
        out
    }
}

fn print(out: &mut String, about: &str, phase: &Phase) {
    let Scored {
        considered,
        sent,
        withheld,
    } = phase.scored;
    let _ = writeln!(
        out,
        "{about}: {considered} considered, {withheld} withheld, {sent} sent in {:.1} s",
        phase.took.as_secs_f64()
    );
    if sent > 0 {
        let _ = writeln!(
            out,
            "  pace       {} in the busiest second of the stack's clock, {} refused by SES, {} messages handed back",
            phase.busiest, phase.refused, phase.handed_back
        );
    }
    if let (Some(grown), Some(peak)) = (phase.grown, phase.peak) {
        let _ = writeln!(
            out,
            "  memory     {:.0} MiB more than before and {:.0} MiB of the emulator's mapped file, at the peak of {:.0} MiB",
            mebibytes(grown.own),
            mebibytes(grown.mapped),
            mebibytes(peak)
        );
    }
    let _ = writeln!(
        out,
        "  {:<46}{:>8}{:>12}{:>12}",
        "request units", "calls", "reported", "by rule"
    );
    for (part, metered) in [("launch", &phase.planned), ("queues", &phase.worked)] {
        for (operation, table, kind, units) in metered.lines() {
            let what = format!(
                "{part} {} {operation} {table}",
                if kind == Kind::Read { "r" } else { "w" }
            );
            let _ = writeln!(
                out,
                "  {what:<46}{:>8}{:>12.1}{:>12.1}",
                units.calls, units.reported, units.computed
            );
        }
    }
    for (kind, name) in [(Kind::Read, "read"), (Kind::Write, "write")] {
        let each = per(phase.units(kind, ""), considered);
        let _ = writeln!(
            out,
            "  {:<54}{:>12.4}{:>12.4}",
            format!("{name} units for each considered, all in"),
            each.reported,
            each.computed
        );
    }
    let _ = writeln!(out);
}

fn share(part: Units, whole: Units) -> Units {
    Units {
        calls: part.calls,
        reported: part.reported / whole.reported.max(1.0),
        computed: part.computed / whole.computed.max(1.0),
    }
}

fn per(units: Units, count: u64) -> Units {
    let count = float(count).max(1.0);
    Units {
        calls: units.calls,
        reported: units.reported / count,
        computed: units.computed / count,
    }
}

fn mebibytes(bytes: u64) -> f64 {
    float(bytes / 1_024) / 1_024.0
}

/// Counts and kilobytes here are under 2^32.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_holds_only_if_both_figures_keep_to_it() {
        let budget = |reported, computed| Budget {
            about: "write units a send",
            most: 3.0,
            reported,
            computed,
        };
        assert!(budget(3.0, 3.0).holds());
        assert!(!budget(3.1, 3.0).holds());
        assert!(!budget(3.0, 3.1).holds());
    }
}
