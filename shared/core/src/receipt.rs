//! The receipt of a scored page: one compact row a person, so that every considered customer is accounted for (I4).

use std::collections::BTreeMap;

use crate::campaign::DeliveryId;
use crate::reason::Reason;
use crate::relevance::Relevance;

/// How scoring ended for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Handed on to be decided again and sent.
    Candidate,
    /// Withheld.
    Withheld(Reason),
}

/// One person's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Who, as a keyed hash.
    pub delivery: DeliveryId,
    /// The context it was decided on.
    pub context_version: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What each factor contributed; see [`crate::relevance::Score::contribution_bytes`].
    pub contributions: [u8; 5],
}

/// A page's rows, with its counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageReceipt {
    /// One for each person considered.
    pub rows: Vec<Row>,
}

/// Bytes a row takes.
pub const ROW_BYTES: usize = 18;

impl PageReceipt {
    /// How many were considered.
    #[must_use]
    pub fn considered(&self) -> usize {
        self.rows.len()
    }

    /// How many were handed on.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome == Outcome::Candidate).count()
    }

    /// How many were withheld, by reason.
    #[must_use]
    pub fn withheld(&self) -> BTreeMap<Reason, u64> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            if let Outcome::Withheld(reason) = row.outcome {
                *counts.entry(reason).or_insert(0) += 1;
            }
        }
        counts
    }

    /// The row of one person.
    #[must_use]
    pub fn row(&self, delivery: DeliveryId) -> Option<&Row> {
        self.rows.iter().find(|row| row.delivery == delivery)
    }

    /// The stored form: the model's version, then [`ROW_BYTES`] a row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.rows.len() * ROW_BYTES);
        out.push(crate::relevance::MODEL_VERSION);
        for row in &self.rows {
            out.extend_from_slice(&row.delivery.0);
            out.extend_from_slice(&row.context_version.to_be_bytes());
            out.push(match row.outcome {
                Outcome::Candidate => 0,
                Outcome::Withheld(reason) => reason.byte(),
            });
            out.extend_from_slice(&row.contributions);
        }
        out
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`MalformedReceipt`] when the bytes are not such a form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedReceipt> {
        let (version, rest) = bytes.split_first().ok_or(MalformedReceipt)?;
        // The second model appended a reason, the third rounds otherwise, the fourth counts days otherwise, the sixth
        // appended another reason; all kept the form of the rows.
        let is_known = (1..=crate::relevance::MODEL_VERSION).contains(version);
        if !is_known || rest.len() % ROW_BYTES != 0 {
            return Err(MalformedReceipt);
        }
        let rows = rest.chunks_exact(ROW_BYTES).map(read_row).collect::<Result<_, _>>()?;
        Ok(Self { rows })
    }
}

/// The version of the model that made a stored page.
///
/// # Errors
/// [`MalformedReceipt`] when there is not even that.
pub fn model(stored: &[u8]) -> Result<u8, MalformedReceipt> {
    stored.first().copied().ok_or(MalformedReceipt)
}

/// The contributions of a row, each rounded down to 40 bp, in the order of [`crate::relevance::Factor::ALL`]; nothing is unknown.
///
/// ```
/// use apropos_core::receipt::contributions;
/// use apropos_core::relevance::Relevance;
///
/// let [proximity, affinity, ..] = contributions([96, 255, 255, 255, 255]);
/// assert_eq!((proximity, affinity), (Some(Relevance::clamped(3_840)), None));
/// ```
#[must_use]
pub fn contributions(bytes: [u8; 5]) -> [Option<Relevance>; 5] {
    bytes.map(|byte| (byte != u8::MAX).then(|| Relevance::from_byte(byte)))
}

/// A stored receipt that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored receipt is not in a known form")]
pub struct MalformedReceipt;

fn read_row(bytes: &[u8]) -> Result<Row, MalformedReceipt> {
    let (delivery, rest) = bytes.split_first_chunk::<8>().ok_or(MalformedReceipt)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(MalformedReceipt)?;
    let (outcome, rest) = rest.split_first().ok_or(MalformedReceipt)?;
    let contributions = rest.first_chunk::<5>().ok_or(MalformedReceipt)?;
    let outcome = match outcome {
        0 => Outcome::Candidate,
        byte => Outcome::Withheld(Reason::from_byte(*byte).ok_or(MalformedReceipt)?),
    };
    Ok(Row {
        delivery: DeliveryId(*delivery),
        context_version: u32::from_be_bytes(*version),
        outcome,
        contributions: *contributions,
    })
}

/// A stored page with the row of one person made nobody's, and how that person had ended there: the counts stay. It is
/// done on the bytes, because pages of every model's version must be able to forget.
#[must_use]
pub fn without(stored: &[u8], delivery: DeliveryId) -> Option<(Vec<u8>, Outcome)> {
    let mut page = stored.to_vec();
    let row = page
        .get_mut(1..)?
        .chunks_exact_mut(ROW_BYTES)
        .find(|row| row.starts_with(&delivery.0))?;
    let outcome = read_row(row).ok()?.outcome;
    let (who, rest) = row.split_at_mut_checked(12)?;
    who.fill(0);
    rest.get_mut(1..)?.fill(u8::MAX);
    Some((page, outcome))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn row()(delivery in any::<[u8; 8]>(), context_version in any::<u32>(), contributions in any::<[u8; 5]>(),
                 reason in proptest::option::of(prop::sample::select(Reason::ALL.to_vec()))) -> Row {
            let outcome = reason.map_or(Outcome::Candidate, Outcome::Withheld);
            Row { delivery: DeliveryId(delivery), context_version, outcome, contributions }
        }
    }

    proptest! {
        #[test]
        fn a_receipt_reads_back_and_its_counts_add_up(rows in prop::collection::vec(row(), 0..40)) {
            let receipt = PageReceipt { rows };
            let bytes = receipt.to_bytes();
            prop_assert_eq!(bytes.len(), 1 + receipt.rows.len() * ROW_BYTES);
            let withheld: u64 = receipt.withheld().values().sum();
            prop_assert_eq!(usize::try_from(withheld).unwrap() + receipt.candidates(), receipt.considered());
            prop_assert_eq!(PageReceipt::from_bytes(&bytes), Ok(receipt.clone()));
            // So does one of the first model, and none of a model that is yet to come.
            let mut other = bytes;
            other[0] = 1;
            prop_assert_eq!(PageReceipt::from_bytes(&other), Ok(receipt));
            other[0] = crate::relevance::MODEL_VERSION + 1;
            prop_assert_eq!(PageReceipt::from_bytes(&other), Err(MalformedReceipt));
        }
    }

    #[test]
    fn a_row_that_is_made_nobodys_keeps_its_outcome_and_the_counts() {
        let row = |byte: u8, outcome| Row {
            delivery: DeliveryId([byte; 8]),
            context_version: 5,
            outcome,
            contributions: [byte; 5],
        };
        let page = PageReceipt {
            rows: vec![row(1, Outcome::Candidate), row(2, Outcome::Withheld(Reason::TooFar))],
        };
        let mut stored = page.to_bytes();
        // A page that an earlier model has written.
        stored[0] = 0;
        let (mut forgotten, outcome) = without(&stored, DeliveryId([2; 8])).unwrap();
        assert_eq!(outcome, Outcome::Withheld(Reason::TooFar));
        assert!(!forgotten.windows(4).any(|window| window == [2; 4]));
        assert_eq!(without(&forgotten, DeliveryId([2; 8])), None);
        forgotten[0] = crate::relevance::MODEL_VERSION;
        let read = PageReceipt::from_bytes(&forgotten).unwrap();
        assert_eq!(read.withheld(), page.withheld());
        assert_eq!(read.row(DeliveryId([1; 8])), page.row(DeliveryId([1; 8])));
    }
}
