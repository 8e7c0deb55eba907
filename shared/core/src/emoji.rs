//! Emoji of several characters (UTS #51): some of those are seen only by what they do to their neighbours.

use unicode_properties::UnicodeEmoji;

const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// The flags that are spelt with tags, after the black flag: England, Scotland, Wales. Tags elsewhere spell what nobody sees.
const SPELT_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// What follows the emoji that a text begins with: an emoji, or several that are joined (`emoji_zwj_sequence`).
pub(crate) fn after_emoji(text: &str) -> Option<&str> {
    if let Some(rest) = SPELT_FLAGS.iter().find_map(|flag| text.strip_prefix(flag)) {
        return Some(rest);
    }
    let mut rest = after_element(text)?;
    while let Some(next) = rest.strip_prefix(JOINER).and_then(after_element) {
        rest = next;
    }
    Some(rest)
}

/// What follows one emoji, with the variation selector or the skin tone that belongs to it, or one keycap.
fn after_element(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let first = chars.next().filter(|char| char.is_emoji_char())?;
    let rest = chars.as_str();
    // Digits, `#` and `*` are emoji to Unicode, and shown as such only on a keycap.
    if first.is_ascii() {
        return rest.strip_prefix(EMOJI_STYLE)?.strip_prefix(KEYCAP);
    }
    Some(
        rest.strip_prefix([
            EMOJI_STYLE,
            '\u{1f3fb}',
            '\u{1f3fc}',
            '\u{1f3fd}',
            '\u{1f3fe}',
            '\u{1f3ff}',
        ])
        .unwrap_or(rest),
    )
}
