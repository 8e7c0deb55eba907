//! The tour's outcome in print: for people, and as JSON.

use std::fmt::Write as _;

use apropos_core::language::Language;
use apropos_core::reason::Reason;
use serde_json::json;

use crate::tour::{CampaignOutcome, Toured};

/// The funnel of each campaign, who was spared, three decisions in plain words, and where the mails are.
#[must_use]
pub fn for_people(toured: &Toured) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} customers in real communes, {} consent events, {} campaigns\n",
        toured.customers,
        toured.events,
        toured.campaigns.len()
    );
    for campaign in &toured.campaigns {
        one(&mut out, campaign);
    }
    let (considered, sent) = toured.campaigns.iter().fold((0, 0), |(considered, sent), each| {
        (considered + each.considered, sent + each.sent)
    });
    let _ = writeln!(
        out,
        "In all: {considered} decisions, {sent} messages, {} times someone was spared.",
        considered - sent
    );
    out
}

fn one(out: &mut String, campaign: &CampaignOutcome) {
    let spared: u64 = campaign.withheld.values().sum();
    let _ = writeln!(out, "{} · {}: {}", campaign.brand, campaign.campaign, campaign.about);
    let _ = writeln!(out, "  {:>7}  considered", campaign.considered);
    for reason in Reason::ALL {
        if let Some(count) = campaign.withheld.get(reason.code()) {
            let _ = writeln!(
                out,
                "  {:>7}    {:<22} {}",
                format!("-{count}"),
                reason.code(),
                reason.because(Language::English)
            );
        }
    }
    let _ = writeln!(out, "  {:>7}  sent; {spared} people spared", campaign.sent);
    for (customer, sentence) in &campaign.examples {
        let _ = writeln!(out, "           {customer}: {sentence}");
    }
    let _ = writeln!(out, "           mails: {}\n", campaign.outbox.display());
}

/// One JSON object a campaign, a line each.
#[must_use]
pub fn as_json(toured: &Toured) -> String {
    let mut out = String::new();
    for campaign in &toured.campaigns {
        let line = json!({
            "campaign": campaign.campaign,
            "considered": campaign.considered,
            "sent": campaign.sent,
            "withheld": campaign.withheld,
            "outbox": campaign.outbox,
        });
        let _ = writeln!(out, "{line}");
    }
    out
}
