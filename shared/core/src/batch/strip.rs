//! Thirty-two people at a time: a register of bytes, or two of words of 16 bits.

use std::hint::black_box;

use wide::bytemuck::{NoUninit, Pod, cast, cast_slice, cast_slice_mut};
use wide::{i8x32, i32x8, i64x4, u8x32, u16x16, u32x8, u64x4};

use super::block::LANES;

/// How many people are in a register of bytes.
pub(super) const STRIP: usize = 32;
/// How many strips a group has.
pub(super) const STRIPS: usize = LANES / STRIP;

/// A byte of each of a group; as a mask, all of its bits are set or none.
pub(super) type Bytes = [u8x32; STRIPS];
/// A word of each of a strip, in the order in which [`widen`] gives them.
pub(super) type Pair = [u16x16; 2];
/// A word of each of a group.
pub(super) type Words = [Pair; STRIPS];
/// A signed figure of 32 bits of each.
pub(super) type Figures = [[i32x8; 4]; STRIPS];
/// A signed byte of each.
pub(super) type Signed = [i8x32; STRIPS];
/// A figure of 32 bits that is not signed.
pub(super) type Counts = [[u32x8; 4]; STRIPS];

pub(super) const NOBODY: u8x32 = u8x32::ZERO;
pub(super) const EVERYBODY: u8x32 = u8x32::MAX;
/// A word of nobody.
pub(super) const NOTHING: Pair = [u16x16::ZERO; 2];

/// What a group has of each, one after the other.
#[inline]
pub(super) fn lanes<R: NoUninit, T: Pod>(group: &R) -> &[T] {
    cast_slice(std::slice::from_ref(group))
}

/// The same, to write to.
#[inline]
pub(super) fn lanes_mut<R: Pod, T: Pod>(group: &mut R) -> &mut [T] {
    cast_slice_mut(std::slice::from_mut(group))
}

/// A mask of a strip, lane by lane: for what is seldom asked.
#[inline]
pub(super) fn each(holds: impl Fn(usize) -> bool) -> u8x32 {
    u8x32::new(std::array::from_fn(|lane| u8::from(holds(lane)).wrapping_neg()))
}

/// Who has all of these bits, of which there is at least one; else nobody.
#[derive(Clone, Copy)]
pub(super) struct Having {
    bits: u8x32,
    all: u8x32,
}

impl Having {
    pub(super) fn of(bits: u8) -> Self {
        Self {
            bits: u8x32::splat(bits),
            // Nothing of no bits is ever all of them.
            all: u8x32::splat(if bits == 0 { u8::MAX } else { bits }),
        }
    }

    #[inline]
    pub(super) fn among(self, bytes: u8x32) -> u8x32 {
        (bytes & self.bits).simd_eq(self.all)
    }
}

/// Bytes by so many bits to the right; what is above the last `8 - by` bits of each comes from its neighbour.
#[inline]
pub(super) fn shifted(bytes: u8x32, by: u32) -> u8x32 {
    cast(cast::<_, u16x16>(bytes) >> by)
}

/// Bytes as words.
#[inline]
pub(super) fn widen(bytes: u8x32) -> Pair {
    joined(bytes, NOBODY)
}

/// A mask of words.
#[inline]
pub(super) fn spread(mask: u8x32) -> Pair {
    joined(mask, mask)
}

/// Words of which these are the lower and the upper bytes. Processors join within the halves of a register.
#[inline]
pub(super) fn joined(lower: u8x32, upper: u8x32) -> Pair {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        let (lower, upper) = (cast(lower), cast(upper));
        [
            cast(safe_arch::unpack_low_i8_m256i(lower, upper)),
            cast(safe_arch::unpack_high_i8_m256i(lower, upper)),
        ]
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let ([a, b], [c, d]): ([wide::u8x16; 2], [wide::u8x16; 2]) = (cast(lower), cast(upper));
        [(a, c), (b, d)].map(|(lower, upper)| u16x16::from(lower) | (u16x16::from(upper) << 8_u32))
    }
}

/// Words below 256 as bytes.
#[inline]
pub(super) fn narrow([low, high]: Pair) -> u8x32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::pack_i16_to_u8_m256i(cast(low), cast(high)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let half = |words: u16x16| {
            let [low, high]: [wide::i16x8; 2] = cast(words);
            wide::u8x16::narrow_i16x8(low, high)
        };
        cast([half(low), half(high)])
    }
}

/// A mask of bytes from one of words.
#[inline]
pub(super) fn narrow_mask([low, high]: Pair) -> u8x32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::pack_i16_to_i8_m256i(cast(low), cast(high)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        narrow([low >> 8_u32, high >> 8_u32])
    }
}

/// Words one after the other in the order of [`widen`], and the other way round.
#[inline]
pub(super) fn reordered([first, second]: Pair) -> Pair {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        let (first, second) = (cast(first), cast(second));
        [
            cast(safe_arch::shuffle_abi_i128z_all_m256i::<0x20>(first, second)),
            cast(safe_arch::shuffle_abi_i128z_all_m256i::<0x31>(first, second)),
        ]
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        [first, second]
    }
}

/// Words of a strip that were worked out one by one.
pub(super) fn in_strip_order(words: [u16; STRIP]) -> Pair {
    reordered(cast(words))
}

/// The greater word of each.
#[inline]
pub(super) fn most_of([a, b]: Pair, [c, d]: Pair) -> Pair {
    [a.max(c), b.max(d)]
}

/// Figures below 32 768, one after the other, as words.
#[inline]
pub(super) fn as_words([a, b, c, d]: [i32x8; 4]) -> Pair {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        let half = |first: i32x8, second: i32x8| {
            let packed = safe_arch::pack_i32_to_i16_m256i(cast(first), cast(second));
            cast(safe_arch::shuffle_ai_i64_all_m256i::<0b11_01_10_00>(packed))
        };
        [half(a, c), half(b, d)]
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let lower = |figure: i32| {
            let [low, high, ..] = figure.to_le_bytes();
            u16::from_le_bytes([low, high])
        };
        let half = |first: i32x8, second: i32x8| cast([first.to_array().map(lower), second.to_array().map(lower)]);
        [half(a, b), half(c, d)]
    }
}

/// Whether the processor looks up in registers. Those for which the functions are built do; x86-64 by itself does not.
pub(super) const LOOKS_UP: bool = cfg!(any(target_feature = "ssse3", target_feature = "neon"));

/// Sixteen bytes, which a register looks up for all of a strip at once.
#[derive(Clone, Copy)]
pub(super) struct Table(u8x32);

impl Table {
    /// What is not given is 0.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let table: [u8; 16] = std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
        Self(cast([table, table]))
    }

    /// By bytes below 16.
    #[inline]
    pub(super) fn at(self, bytes: u8x32) -> u8x32 {
        self.0.swizzle_half_relaxed(bytes)
    }

    /// By any bytes; from 16 on it is 0.
    #[inline]
    pub(super) fn within(self, bytes: u8x32) -> u8x32 {
        self.0.swizzle_half(bytes.cast_signed()).cast_unsigned()
    }
}

/// Sixteen words.
#[derive(Clone, Copy)]
pub(super) struct WordTable {
    pub(super) lower: Table,
    pub(super) upper: Table,
}

impl WordTable {
    /// What is not given is 0.
    pub(super) fn of(words: &[u16]) -> Self {
        let bytes: [[u8; 2]; 16] = std::array::from_fn(|at| words.get(at).copied().unwrap_or(0).to_le_bytes());
        Self {
            lower: Table::of(&bytes.map(|[lower, _]| lower)),
            upper: Table::of(&bytes.map(|[_, upper]| upper)),
        }
    }

    /// By bytes below 16.
    #[inline]
    pub(super) fn at(&self, bytes: u8x32) -> Pair {
        joined(self.lower.at(bytes), self.upper.at(bytes))
    }
}

/// Multiplies words and keeps the upper half, as [`crate::place::upper`] does of one.
///
/// A compiler that sees one such product go into another keeps both in 32 bits, which is three times the work. So a zero is
/// added that it cannot know.
#[derive(Clone, Copy)]
pub(super) struct Upper(u16x16);

impl Upper {
    pub(super) fn new() -> Self {
        Self(u16x16::splat(black_box(0)))
    }

    #[inline]
    pub(super) fn of(self, a: u16x16, b: u16x16) -> u16x16 {
        last_upper(a, b) + self.0
    }
}

/// The same of a product that goes into no other.
#[inline]
pub(super) fn last_upper(a: u16x16, b: u16x16) -> u16x16 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::mul_u16_keep_high_m256i(cast(a), cast(b)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        a.mul_keep_high(b)
    }
}

/// The square of what the lower halves are, as signed figures.
#[inline]
pub(super) fn square_of_low_half(a: u64x4) -> i64x4 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::mul_i64_low_bits_m256i(cast(a), cast(a)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        i64x4::new(cast::<_, [i64; 4]>(a).map(|whole| ((whole << 32) >> 32).pow(2)))
    }
}

/// The product of the lower halves, which are not signed.
#[inline]
pub(super) fn product_of_low_halves(a: u64x4, b: u64x4) -> u64x4 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::mul_u64_low_bits_m256i(cast(a), cast(b)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let low = u64x4::splat(u32::MAX.into());
        (a & low) * (b & low)
    }
}

/// The lower halves of the one and the upper ones of the other.
#[inline]
pub(super) fn halves(lower: u64x4, upper: u64x4) -> u32x8 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        cast(safe_arch::blend_imm_i32_m256i::<0b1010_1010>(cast(lower), cast(upper)))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let low = u64x4::splat(u32::MAX.into());
        cast((lower & low) | (upper & !low))
    }
}

/// A factor for [`Upper`] that is the same for every strip. There are two of it, which take turns: of a single one the compiler
/// sees that it never changes, and makes 32 bits of it before the loop.
#[derive(Clone, Copy)]
pub(super) struct Same([u16x16; 2]);

impl Same {
    pub(super) fn new(factor: u16) -> Self {
        Self(black_box([u16x16::splat(factor); 2]))
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "there are two")]
    pub(super) const fn at(&self, strip: usize) -> u16x16 {
        self.0[strip % 2]
    }
}

/// Asks for the line of the cache that this begins in, which is read later.
#[inline]
pub(super) fn ahead<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(line);
    // Elsewhere there is no such instruction that is safe to use, and columns follow each other as they are read.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// The same of a column of bytes, strip by strip: its line, where a strip is the first of one.
#[inline]
#[expect(clippy::indexing_slicing, reason = "strips are below the number of those of a group")]
pub(super) fn line_ahead(column: &Bytes, strip: usize) {
    if strip.is_multiple_of(LINE) {
        ahead(&column[strip]);
    }
}

/// The same for all of a column of a group.
#[inline]
pub(super) fn all_ahead(column: &Bytes) {
    column.iter().step_by(LINE).for_each(ahead);
}

/// How many strips of bytes a line of the cache has.
const LINE: usize = 64 / STRIP;
