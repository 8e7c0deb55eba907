//! The one place that asks for randomness.

use crate::store::StoreError;

/// Random bytes of the operating system.
///
/// # Errors
/// [`StoreError::Build`] when the system has none to give: nothing secret can be made then.
pub fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Build(Box::new(error)))?;
    Ok(bytes)
}
