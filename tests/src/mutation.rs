//! A small mutator: the same seed gives the same changes, on every machine.

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
