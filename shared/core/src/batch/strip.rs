//! Sixteen people in one register: a byte or a word of 16 bits of each.

use std::hint::black_box;

use wide::bytemuck::{NoUninit, cast, cast_slice};
use wide::{i16x8, i16x16, i32x8, i64x4, u8x16, u16x16, u32x8, u64x4};

use super::block::LANES;

/// How many people are in a register.
pub(super) const STRIP: usize = 16;

/// The strips of a group.
#[inline]
pub(super) const fn strips<T>(column: &[T; LANES]) -> &[[T; STRIP]] {
    column.as_chunks().0
}

/// The strips of a group, to write to.
#[inline]
pub(super) const fn strips_mut<T>(column: &mut [T; LANES]) -> &mut [[T; STRIP]] {
    column.as_chunks_mut().0
}

/// Bytes as words.
#[inline]
pub(super) fn widen(bytes: u8x16) -> u16x16 {
    u16x16::from(bytes)
}

/// Bytes of which all bits are set or none as such words.
#[inline]
pub(super) fn spread(mask: u8x16) -> u16x16 {
    i16x16::from(mask.cast_signed()).cast_unsigned()
}

/// Words below 256 as bytes.
#[inline]
pub(super) fn narrow(words: u16x16) -> u8x16 {
    let [low, high]: [i16x8; 2] = cast(words);
    u8x16::narrow_i16x8(low, high)
}

/// Whether the processor looks up in registers. Those for which the functions are built do; x86-64 by itself does not.
pub(super) const LOOKS_UP: bool = cfg!(any(target_feature = "ssse3", target_feature = "neon"));

/// Looks up each byte below 8 in a table.
#[inline]
pub(super) fn look_up(table: [u8; 8], bytes: u8x16) -> u8x16 {
    if LOOKS_UP {
        cast::<_, u8x16>([table, table]).shuffle_zeroing(bytes)
    } else {
        (0..).zip(table).fold(u8x16::splat(0), |found, (byte, worth)| {
            found | (bytes.simd_eq(u8x16::splat(byte)) & u8x16::splat(worth))
        })
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

/// Figures below 32 768 as words.
#[inline]
pub(super) fn as_words([first, second]: [i32x8; 2]) -> u16x16 {
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    {
        let packed = safe_arch::pack_i32_to_i16_m256i(cast(first), cast(second));
        cast(safe_arch::shuffle_ai_i64_all_m256i::<0b11_01_10_00>(packed))
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    {
        let lower = |figure: i32| {
            let [low, high, ..] = figure.to_le_bytes();
            u16::from_le_bytes([low, high])
        };
        let (first, second) = (first.to_array().map(lower), second.to_array().map(lower));
        cast([first, second])
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

/// What comes next, which the processor is asked for a few lines at a time while it works on something else.
pub(super) struct Ahead<'a> {
    columns: [&'a [u8]; MOST_AHEAD],
    left: usize,
}

/// What is beyond is read without having been asked for.
const MOST_AHEAD: usize = 48;
/// A line of the cache, in bytes.
const LINE: usize = 64;

impl<'a> Ahead<'a> {
    pub(super) const fn nothing() -> Self {
        Self {
            columns: [&[]; MOST_AHEAD],
            left: 0,
        }
    }

    pub(super) fn add<T: NoUninit>(&mut self, column: &'a [T; LANES]) {
        if let Some(place) = self.columns.get_mut(self.left) {
            *place = cast_slice(column);
            self.left += 1;
        }
    }

    /// Asks for so many lines.
    #[inline]
    pub(super) fn fetch(&mut self, lines: usize) {
        let mut lines = lines;
        while let Some(last) = self.left.checked_sub(1) {
            let Some(column) = self.columns.get_mut(last) else {
                return;
            };
            let (now, later) = column.split_at(column.len().min(lines * LINE));
            now.as_chunks().0.iter().for_each(fetch);
            *column = later;
            if !later.is_empty() {
                return;
            }
            self.left = last;
            lines -= now.len() / LINE;
        }
    }
}

#[inline]
fn fetch(line: &[u8; LINE]) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(line);
    // Elsewhere there is no such instruction that is safe to use, and columns follow each other as they are read.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
