//! What is stored, seen as it is stored: to tell that nothing changed, or that nobody is in it.

use std::collections::BTreeSet;

use apropos_aws::Table;
use apropos_local::stack::TABLE_PREFIX;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::TestApp;

/// Every item of every table, a line each, the same as long as nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored(BTreeSet<String>);

impl Stored {
    /// What is in one and not in the other; nothing, when nothing was written in between.
    #[must_use]
    pub fn changes<'a>(&'a self, later: &'a Self) -> Vec<&'a str> {
        self.0.symmetric_difference(&later.0).map(String::as_str).collect()
    }

    /// The items that hold a text, in clear or as bytes.
    #[must_use]
    pub fn holding(&self, text: &str) -> Vec<&str> {
        let lines = self.0.iter().map(String::as_str);
        lines
            .filter(|line| line.to_lowercase().contains(&text.to_lowercase()))
            .collect()
    }
}

impl TestApp {
    /// Reads all tables.
    pub async fn stored(&self) -> Stored {
        let mut lines = BTreeSet::new();
        for table in Table::ALL {
            let name = format!("{TABLE_PREFIX}{}", table.suffix());
            let mut pages = self.stack.client().scan().table_name(&name).into_paginator().send();
            while let Some(page) = pages.next().await {
                for item in page.expect("the table answers").items.unwrap_or_default() {
                    lines.insert(format!("{name} {}", written(&AttributeValue::M(item))));
                }
            }
        }
        Stored(lines)
    }
}

/// A value in one way: the client's maps have no order. Bytes are shown as the text that they may be.
fn written(value: &AttributeValue) -> String {
    if let Ok(members) = value.as_m() {
        let mut members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("{name}={}", written(value)))
            .collect();
        members.sort();
        format!("{{{}}}", members.join(" "))
    } else if let Ok(values) = value.as_l() {
        values.iter().map(written).collect::<Vec<_>>().join(",")
    } else if let Ok(texts) = value.as_ss() {
        let texts: BTreeSet<_> = texts.iter().map(String::as_str).collect();
        texts.into_iter().collect::<Vec<_>>().join(",")
    } else if let Ok(bytes) = value.as_b() {
        format!("{bytes:?} {}", String::from_utf8_lossy(bytes.as_ref()))
    } else if let Ok(text) = value.as_s() {
        text.clone()
    } else {
        format!("{value:?}")
    }
}
