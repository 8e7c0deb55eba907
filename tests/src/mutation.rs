//! A small mutator: the same seed gives the same changes, on every machine.

use serde_json::{Value, from_slice};

/// Text that parsers stumble over: numbers at the ends of their ranges, and what opens, closes and escapes.
const PIECES: [&[u8]; 28] = [
    b"0",
    b"-1",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483648",
    b"4294967296",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"1e308",
    b"1e999",
    b"0.1",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[[",
    b"{\"canari\":1}",
    b"\"canari\"",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"\r\n",
    b"%00",
    b"\xe2\x80\xae",
    b"\xff\xfe",
    b"2026-02-30T25:61:61Z",
];

/// What a JSON value may be replaced with.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "0",
    "-1",
    "255",
    "256",
    "10000",
    "65536",
    "4294967295",
    "9223372036854775808",
    "1.5",
    "-0.0",
    "1e308",
    "[]",
    "{}",
    "\"\"",
    "\"canari\"",
    "\"canari@mail.example\"",
    "{\"canari\": [\"canari\"]}",
    "[\"canari\", {\"canari\": 1}]",
    "\"\\u0000\\r\\ncanari\\u202e\"",
    "\"2026-12-31T23:59:60+23:59\"",
];

/// The most bytes of a changed input.
const MOST_BYTES: usize = 8_192;

/// Changes inputs, each time in another way.
#[derive(Debug, Clone)]
pub struct Mutator(u64);

impl Mutator {
    /// One whose changes follow from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// Takes the input and changes it in one to four ways, some of which take parts of the other.
    #[must_use]
    pub fn change(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        if self.below(2) == 0
            && let (Ok(mut value), Ok(other)) = (from_slice(input), from_slice(other))
        {
            for _ in 0..=self.below(2) {
                self.change_value(&mut value, &other);
            }
            return value.to_string().into_bytes();
        }
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change_once(&mut bytes, other);
        }
        bytes.truncate(MOST_BYTES);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let (start, end) = self.range(bytes.len());
        match self.below(8) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let value = u8::try_from(self.below(256)).unwrap_or_default();
                if let Some(byte) = bytes.get_mut(start) {
                    *byte = value;
                }
            }
            2 => bytes.truncate(start),
            3 => drop(bytes.drain(start..end)),
            4 => {
                let part: Vec<u8> = bytes.drain(start..end).collect();
                let twice = part.repeat(2);
                bytes.splice(start..start, twice);
            }
            5 => {
                let (from, to) = self.range(other.len());
                let part: Vec<u8> = other.get(from..to).unwrap_or_default().to_vec();
                bytes.splice(start..end, part);
            }
            6 => self.put_piece(bytes, start, start),
            // Over a whole word or number.
            _ => {
                let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+._".contains(byte);
                let rest = bytes.get(start..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| is_of_word(byte)).count();
                self.put_piece(bytes, start, start + length);
            }
        }
    }

    /// Goes down to some part of the value and changes that: what is still JSON gets further into a parser.
    fn change_value(&mut self, value: &mut Value, other: &Value) {
        let parts = match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        let part = self.below(parts);
        if parts > 0 && self.below(8) > 0 {
            let below = match value {
                Value::Array(items) => items.get_mut(part),
                Value::Object(members) => members.values_mut().nth(part),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            return below.into_iter().for_each(|below| self.change_value(below, other));
        }
        match (self.below(6), value) {
            (0, Value::Object(members)) => {
                let name = members.keys().nth(part).cloned();
                name.and_then(|name| members.remove(&name));
            }
            (0, Value::Array(items)) if part < items.len() => drop(items.remove(part)),
            (1, Value::Object(members)) => {
                let _ = members.insert("canari".to_owned(), Value::from("canari"));
            }
            (1, Value::Array(items)) => items.extend(items.get(part).cloned()),
            // The fields in their order, as serde takes them.
            (2, value @ Value::Object(_)) => {
                let members = value.as_object().into_iter().flat_map(|members| members.values());
                *value = members.cloned().collect();
            }
            (3, value) => *value = self.part_of(other).clone(),
            (_, value) => {
                let text = VALUES.get(self.below(VALUES.len())).copied().unwrap_or_default();
                *value = text.parse().unwrap_or_default();
            }
        }
    }

    fn part_of<'a>(&mut self, mut value: &'a Value) -> &'a Value {
        loop {
            let below = match value {
                Value::Array(items) if self.below(4) > 0 => items.get(self.below(items.len())),
                Value::Object(members) if self.below(4) > 0 => members.values().nth(self.below(members.len())),
                Value::Array(_)
                | Value::Object(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_) => None,
            };
            match below {
                Some(below) => value = below,
                None => return value,
            }
        }
    }

    fn put_piece(&mut self, bytes: &mut Vec<u8>, start: usize, end: usize) {
        let piece = PIECES.get(self.below(PIECES.len())).copied().unwrap_or_default();
        bytes.splice(start..end, piece.iter().copied());
    }

    /// A range within a length, short more often than long.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 24 };
        let end = start + self.below(most.min(length - start) + 1);
        (start, end)
    }

    fn below(&mut self, bound: usize) -> usize {
        // Marsaglia's xorshift, 13-7-17.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from((self.0 >> 11) % bound).unwrap_or_default()
    }
}
