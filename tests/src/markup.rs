//! HTML as a browser's tokenizer reads it: what is an element, what is an attribute, and what is only text.

use html5gum::{DefaultEmitter, HtmlString, Token, Tokenizer};

/// A document, taken apart.
#[derive(Debug, Default)]
pub struct Markup {
    /// Its tags in their order, each with the names of its attributes: all that words must not change.
    pub shape: Vec<String>,
    /// Every attribute: the element's name, its own, and its value.
    pub attributes: Vec<(String, String, String)>,
    /// What is neither markup nor stylesheet.
    pub text: String,
    /// What a browser would have to mend.
    pub errors: Vec<String>,
}

/// Elements that run, load or frame something, or send a form elsewhere; no page and no message of ours has one.
const ACTIVE: [&str; 18] = [
    "applet", "audio", "base", "embed", "frame", "iframe", "img", "link", "math", "noscript", "object", "picture",
    "portal", "script", "source", "svg", "template", "video",
];

/// Attributes whose value is an address that is followed or loaded.
const ADDRESSES: [&str; 8] = [
    "action",
    "background",
    "cite",
    "data",
    "formaction",
    "href",
    "poster",
    "src",
];

impl Markup {
    /// Reads a document.
    #[must_use]
    pub fn read(html: &str) -> Self {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut markup = Self::default();
        let mut in_style = false;
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => {
                    let element = text(&tag.name);
                    in_style = element == "style";
                    let mut shape = element.clone();
                    for (name, value) in &tag.attributes {
                        shape.push(' ');
                        shape.push_str(&text(name));
                        markup
                            .attributes
                            .push((element.clone(), text(name), text(&value.value)));
                    }
                    markup.shape.push(shape);
                }
                Token::EndTag(tag) => {
                    in_style = false;
                    markup.shape.push(format!("/{}", text(&tag.name)));
                }
                Token::String(string) if !in_style => markup.text.push_str(&text(&string.value)),
                Token::String(_) => {}
                Token::Comment(comment) => markup.shape.push(format!("comment {}", text(&comment.value))),
                Token::Doctype(doctype) => markup.shape.push(format!("doctype {}", text(&doctype.name))),
                Token::Error(error) => markup.errors.push(error.value.to_string()),
            }
        }
        markup
    }

    /// What of it is not inert: active elements, handlers of events, addresses that run or lead out of https, comments,
    /// and characters that turn the text around them outside a field, which isolates what was typed into it.
    #[must_use]
    pub fn dangers(&self) -> Vec<String> {
        let mut dangers = Vec::new();
        for tag in &self.shape {
            let name = tag.split(' ').next().unwrap_or_default();
            if ACTIVE.contains(&name) || name == "comment" {
                dangers.push(format!("the element {tag}"));
            }
        }
        for (element, name, value) in &self.attributes {
            let leads_out = ADDRESSES.contains(&name.as_str()) && !is_safe_address(value);
            if name.starts_with("on") || name == "srcdoc" || name == "srcset" || name == "http-equiv" || leads_out {
                dangers.push(format!("the attribute {name}={value:?} of {element}"));
            }
            let is_typed = element == "input" && name == "value";
            if !is_typed && value.chars().any(turns_text) {
                dangers.push(format!("the attribute {name}={value:?} of {element} turns text"));
            }
        }
        if let Some(char) = self.text.chars().find(|char| turns_text(*char) || *char == '\0') {
            dangers.push(format!("{char:?} in the text"));
        }
        dangers
    }
}

fn text(string: &HtmlString) -> String {
    String::from_utf8_lossy(string).into_owned()
}

/// Our own pages, by path or in full on this machine, places of the same page, and the web.
fn is_safe_address(value: &str) -> bool {
    (value.starts_with('/') && !value.starts_with("//"))
        || value.starts_with('#')
        || value.starts_with("https://")
        || value.starts_with("http://127.0.0.1:")
}

/// The bidirectional controls: marks, embeddings, overrides and isolates.
#[must_use]
pub const fn turns_text(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_break_out_are_seen() {
        for broken in [
            "<p><script>alert(1)</script></p>",
            "<input value=\"\"><img src=x onerror=alert(1)>\">",
            "<p onclick=x>",
            "<a href='javascript:alert(1)'>x</a>",
            "<a href=//evil.example>x</a>",
            "<p>\u{202e}txt</p>",
            "<p title='\u{2066}'>x</p>",
            "<p><!-- x --></p>",
            "<form action=https:evil></form>",
        ] {
            assert!(!Markup::read(broken).dangers().is_empty(), "{broken}");
        }
    }

    #[test]
    fn the_same_words_are_inert_as_text_and_leave_the_shape_as_it_was() {
        let page = |words: &str| {
            Markup::read(&format!(
                "<title>x</title><style>a{{}}</style><p title=\"{words}\">{words}</p>"
            ))
        };
        let escaped = page("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;x");
        assert!(escaped.dangers().is_empty());
        assert_eq!(escaped.shape, page("plain").shape);
        assert_eq!(escaped.text, "x<script>alert(1)</script>\" onclick=\"x");
        assert_ne!(page("\" onclick=\"x").shape, page("plain").shape);
    }

    #[test]
    fn what_was_typed_may_stand_in_its_field_as_it_was() {
        assert!(Markup::read("<input value=\"\u{202e}x\">").dangers().is_empty());
    }
}
