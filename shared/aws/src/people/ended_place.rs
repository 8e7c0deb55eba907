//! A current place is of use for hours, so it is not kept for longer than it takes to find that it has ended (GDPR 5(1)(e)).

use apropos_core::brand::Brand;
use apropos_core::ids::CustomerId;
use apropos_core::origin::Source;
use jiff::Timestamp;

use super::{NewSecrets, Written};
use crate::store::{MOST_TRIES, StoreError, Tables};

/// What became of somebody's current place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedPlace {
    /// It had ended, and is gone.
    Forgotten,
    /// There is none, or one that lasts.
    NotHeld,
}

impl Tables {
    /// Takes a current place that has ended out of a person's context and the audience's record, in one transaction under the
    /// standing's version: whoever told of another one in between has moved that, and wins. All else stays, and it is no sign
    /// of theirs. Done twice, the second time finds nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written, or all of it.
    pub async fn forget_ended_place(
        &self,
        brand: &Brand,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<EndedPlace, StoreError> {
        let secrets = NewSecrets::random()?;
        for _ in 0..MOST_TRIES {
            // The contact point is not written, and may be broken.
            let person = self.person_despite_contact(&brand.id, customer).await?;
            let held = person.context.as_ref().map(|(context, _)| context);
            let ended = held.filter(|context| context.current_place.is_some_and(|place| !place.holds(now)));
            let Some(context) = ended.filter(|_| !person.is_erased()) else {
                return Ok(EndedPlace::NotHeld);
            };
            // What is held is said again: whatever is written then is without what has ended.
            let said = (Source::Observed, context);
            match self
                .put_context_from(&person, &brand.topics, said, None, &secrets, now)
                .await?
            {
                Written::Done => return Ok(EndedPlace::Forgotten),
                Written::Stale => {}
            }
        }
        Err(StoreError::Contended)
    }
}
