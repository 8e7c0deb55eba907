//! The size of an item by DynamoDB's documented rules, and what reading and writing it costs by the same rules: a second
//! opinion on what the emulator reports.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The bytes of an item: its names and its values.
pub(super) fn item(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_of(value)).sum()
}

fn value_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => number(digits),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|digits| number(digits)).sum(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + value_of(each)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.len() + item(map),
        AttributeValue::Bool(_) | AttributeValue::Null(_) | _ => 1,
    }
}

/// A byte for two significant digits, one more, and one for a minus sign.
fn number(digits: &str) -> usize {
    let all: String = digits.chars().filter(char::is_ascii_digit).collect();
    let significant = all.trim_matches('0').len();
    significant.div_ceil(2) + 1 + usize::from(digits.starts_with('-'))
}

/// Read units: one for every 4 KB that begin, half as much where the read may be stale; nothing found costs as little as
/// anything found.
pub(super) fn read_units(bytes: usize, consistent: bool) -> f64 {
    let whole = whole(bytes, 4_096);
    if consistent { whole } else { whole / 2.0 }
}

/// Write units: one for every 1 KB that begins.
pub(super) fn write_units(bytes: usize) -> f64 {
    whole(bytes, 1_024)
}

fn whole(bytes: usize, unit: usize) -> f64 {
    f64::from(u32::try_from(bytes.div_ceil(unit).max(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_units_are_those_of_the_developer_guide() {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let n = |digits: &str| AttributeValue::N(digits.to_owned());
        let of = |value| item(&HashMap::from([("ab".to_owned(), value)]));
        assert_eq!(of(s("é")), 4);
        assert_eq!(of(n("1796115600000")), 2 + 5, "zeros at the end do not count");
        assert_eq!(of(n("-27")), 2 + 3);
        assert_eq!(of(AttributeValue::M(HashMap::new())), 2 + 3);
        assert_eq!(of(AttributeValue::L(vec![s("x")])), 2 + 3 + 1 + 1);
        assert!((read_units(4_097, true) - 2.0).abs() < f64::EPSILON);
        assert!((read_units(0, false) - 0.5).abs() < f64::EPSILON);
        assert!((write_units(1_024) - 1.0).abs() < f64::EPSILON);
        assert!((write_units(1_025) - 2.0).abs() < f64::EPSILON);
    }
}
