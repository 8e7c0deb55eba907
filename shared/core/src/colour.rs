//! A brand's colour, and the shades of it that can be read on our pages.
//!
//! Whatever colour a brand has, its pages stay readable: the hue is kept and the shade is moved until it has the contrast
//! of WCAG 2.2 (1.4.3, 4.5 to 1) on the light page and on the dark one.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a colour such as #0b5c4a")]
pub struct InvalidColour;

/// A colour of a screen (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// What the accents of a page look like: links, buttons and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent {
    /// The accent itself, on the page.
    pub colour: Colour,
    /// Words on the accent.
    pub on: Colour,
}

/// The darkest ground of the light mode: an accent that can be read on it can be read on the lighter ones.
pub const LIGHT_GROUND: Colour = Colour([0xea, 0xf2, 0xee]);
/// The lightest ground of the dark mode, likewise.
pub const DARK_GROUND: Colour = Colour([0x24, 0x35, 0x2f]);

const BLACK: Colour = Colour([0; 3]);
const WHITE: Colour = Colour([255; 3]);

/// The contrast that text needs, in hundredths.
pub const READABLE: u32 = 450;

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').ok_or(InvalidColour)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok().ok_or(InvalidColour)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

/// As stylesheets write it.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// The contrast of two colours (WCAG 2.2), in hundredths: 100 is none, 2 100 is black on white. Rounded down.
    #[must_use]
    pub fn contrast(self, other: Self) -> u32 {
        let (lighter, darker) = (
            self.luminance().max(other.luminance()),
            self.luminance().min(other.luminance()),
        );
        // Luminance is in millionths, and 0.05 of flare is added to both.
        u32::try_from((lighter + 50_000) * 100 / (darker + 50_000)).unwrap_or(u32::MAX)
    }

    /// The accent on light pages: this colour, darkened as far as it must be.
    #[must_use]
    pub fn on_light(self) -> Accent {
        self.towards(BLACK, LIGHT_GROUND)
    }

    /// The accent on dark pages: this colour, lightened as far as it must be.
    #[must_use]
    pub fn on_dark(self) -> Accent {
        self.towards(WHITE, DARK_GROUND)
    }

    fn towards(self, end: Self, ground: Self) -> Accent {
        let colour = (0..=64)
            .map(|step| self.mixed(end, step))
            .find(|colour| colour.contrast(ground) >= READABLE)
            .unwrap_or(end);
        // One of the two can be read on any colour: the worst grey has 4.58 to both.
        let on = if colour.contrast(WHITE) >= READABLE {
            WHITE
        } else {
            BLACK
        };
        Accent { colour, on }
    }

    /// So many 64ths of the way to another colour.
    fn mixed(self, other: Self, step: u32) -> Self {
        let Self([red, green, blue]) = self;
        let Self([to_red, to_green, to_blue]) = other;
        let mix = |from: u8, to: u8| {
            let sum = u32::from(from) * (64 - step) + u32::from(to) * step;
            u8::try_from(sum / 64).unwrap_or(u8::MAX)
        };
        Self([mix(red, to_red), mix(green, to_green), mix(blue, to_blue)])
    }

    /// Relative luminance in millionths.
    fn luminance(self) -> u64 {
        let Self(channels) = self;
        channels
            .into_iter()
            .zip([2_126, 7_152, 722])
            .map(|(channel, weight)| linear(channel) * weight)
            .sum::<u64>()
            / 10_000
    }
}

/// A channel's share of light in millionths, in whole numbers like all of the core: of sRGB's curve x^2.4, the x^0.4 is
/// the fifth root of x squared, and that is searched by halving.
fn linear(channel: u8) -> u64 {
    if channel <= 10 {
        // The straight foot of the curve: channel / 255 / 12.92.
        return u64::from(channel) * 1_000_000 / 3_295;
    }
    // (channel / 255 + 0.055) / 1.055, in millionths.
    let base = (u64::from(channel) * 1_000_000 / 255 + 55_000) * 1_000 / 1_055;
    let squared = base * base / 1_000_000;
    let (mut low, mut high) = (0_u64, 1_000_000_u64);
    while low < high {
        let middle = (low + high).div_ceil(2);
        let power = (0..4).fold(middle, |power, _| power * middle / 1_000_000);
        if power <= squared {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    squared * low / 1_000_000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn a_colour_reads_back_and_anything_else_is_refused() {
        assert_eq!(colour("#0B5c4a").to_string(), "#0b5c4a");
        for text in [
            "", "0b5c4a", "#0b5c4", "#0b5c4ag", "#0b5c4aa", "red", "#+b5c4a", "#0b5c4a;", "url(x)",
        ] {
            assert_eq!(text.parse::<Colour>(), Err(InvalidColour), "{text}");
        }
    }

    #[test]
    fn the_contrast_is_that_of_the_guidelines() {
        // Known figures of public checkers.
        for (one, other, hundredths) in [
            ("#000000", "#ffffff", 2_100),
            ("#777777", "#ffffff", 447),
            ("#767676", "#ffffff", 454),
            ("#0000ff", "#ffffff", 859),
            ("#ff0000", "#ffffff", 399),
        ] {
            let found = colour(one).contrast(colour(other));
            assert!(found.abs_diff(hundredths) <= 1, "{one} on {other}: {found}");
        }
    }

    #[test]
    fn a_colour_that_can_be_read_is_taken_as_it_is() {
        assert_eq!(colour("#0b5c4a").on_light().colour, colour("#0b5c4a"));
        assert_eq!(colour("#8fd8c3").on_dark().colour, colour("#8fd8c3"));
    }

    #[test]
    fn the_linear_light_is_within_a_thousandth_of_the_curve() {
        for channel in 0..=255_u8 {
            let share = f64::from(channel) / 255.0;
            let exact = if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            };
            let found = f64::from(u32::try_from(linear(channel)).unwrap()) / 1e6;
            assert!((found - exact).abs() < 1e-4, "{channel}: {found} {exact}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_colour_words_in_it_and_on_it_can_be_read(channels in any::<[u8; 3]>()) {
            let brand = Colour(channels);
            for (accent, grounds) in [
                (brand.on_light(), [LIGHT_GROUND, colour("#ffffff"), colour("#f6f5f1")]),
                (brand.on_dark(), [DARK_GROUND, colour("#1f2421"), colour("#141715")]),
            ] {
                for ground in grounds {
                    prop_assert!(accent.colour.contrast(ground) >= READABLE, "{} on {ground}", accent.colour);
                }
                prop_assert!(accent.on.contrast(accent.colour) >= READABLE);
            }
        }
    }
}
