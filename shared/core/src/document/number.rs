//! Whole numbers that tell the range of their field, whatever number is given instead.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A whole number from `LEAST` to `MOST`, both included; where that is [`i64::MAX`], as far as its type goes.
struct Within<T, const LEAST: i64, const MOST: i64>(T);

struct Range<T, const LEAST: i64, const MOST: i64>(PhantomData<T>);

impl<T: TryFrom<i64>, const LEAST: i64, const MOST: i64> Visitor<'_> for Range<T, LEAST, MOST> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if MOST == i64::MAX {
            write!(f, "a whole number of at least {LEAST}")
        } else {
            write!(f, "a whole number from {LEAST} to {MOST}")
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let in_range = Some(number).filter(|number| (LEAST..=MOST).contains(number));
        in_range
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }
}

impl<'de, T: TryFrom<i64>, const LEAST: i64, const MOST: i64> Deserialize<'de> for Within<T, LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(Range::<T, LEAST, MOST>(PhantomData))
            .map(Self)
    }
}

/// Reads a whole number of the range: for a field's `deserialize_with`.
///
/// # Errors
/// What is no whole number, or out of the range, which it tells.
pub fn whole<'de, D, T, const LEAST: i64, const MOST: i64>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    Within::<T, LEAST, MOST>::deserialize(deserializer).map(|Within(number)| number)
}

/// As [`whole`], where there may be none.
///
/// # Errors
/// As [`whole`].
pub fn whole_or_none<'de, D, T, const LEAST: i64, const MOST: i64>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = Option::<Within<T, LEAST, MOST>>::deserialize(deserializer)?;
    Ok(number.map(|Within(number)| number))
}

/// As [`whole`], of each of a list.
///
/// # Errors
/// As [`whole`].
pub fn wholes<'de, D, T, const LEAST: i64, const MOST: i64>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let numbers = Vec::<Within<T, LEAST, MOST>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|Within(number)| number).collect())
}

/// As [`wholes`], where there may be no list.
///
/// # Errors
/// As [`whole`].
pub(super) fn wholes_or_none<'de, D, T, const LEAST: i64, const MOST: i64>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let numbers = Option::<Vec<Within<T, LEAST, MOST>>>::deserialize(deserializer)?;
    Ok(numbers.map(|numbers| numbers.into_iter().map(|Within(number)| number).collect()))
}
