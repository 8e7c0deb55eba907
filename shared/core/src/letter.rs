//! The layout of every message, so that people know whom it comes from.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::brand::Brand;
use crate::language::Language;

/// What a message shows.
pub(crate) struct Letter<'a> {
    pub(crate) language: Language,
    pub(crate) brand: &'a Brand,
    pub(crate) heading: &'a str,
    /// Between the heading and the button.
    pub(crate) sheet: &'a Markup,
    pub(crate) button: Button<'a>,
    /// Above the imprint.
    pub(crate) footer: &'a Markup,
}

/// Where the button leads, and what it says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Button<'a> {
    /// To the brand's own page.
    Theirs(&'a str, &'a str),
    /// To a page of ours. `ses:no-track` on its link, as on every link to us, keeps SES from leading it over a server of
    /// its own, even if the account's settings say otherwise: our addresses are keys.
    Ours(&'a str, &'a str),
}

impl Letter<'_> {
    /// One column in tables, which every mail client lays out alike, with its styles on the elements: some clients drop
    /// the head. Nothing is loaded from anywhere: no picture, no font, no pixel, no script. What the head adds is the dark
    /// mode of clients that keep it; the inline colours yield to it by `!important`.
    pub(crate) fn to_html(&self) -> String {
        let language = self.language.tag();
        html! {
            (DOCTYPE)
            html lang=(language) dir="ltr" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="supported-color-schemes" content="light dark";
                    meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no";
                    title { (self.heading) }
                    style { (PreEscaped(DARK)) }
                }
                body.ground style="margin:0;padding:0;background-color:#f3f1ec;" {
                    // Some clients drop <html> and <body> with their language, so the outermost element says it again.
                    div.ground lang=(language) dir="ltr" style="background-color:#f3f1ec;" {
                        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
                            style="border-collapse:collapse;" {
                            tr { td align="center" style="padding:24px 12px;" {
                                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
                                    style="max-width:560px;border-collapse:collapse;text-align:left;" {
                                    tr { td.sheet style=(SHEET) { (self.upper_part()) } }
                                    tr { td.quiet style=(FOOTER) {
                                        (self.footer)
                                        p style="margin:0;" { (self.brand.imprint) }
                                    } }
                                }
                            } }
                        }
                    }
                }
            }
        }
        .into_string()
    }

    fn upper_part(&self) -> Markup {
        html! {
            p.accent style="margin:0 0 20px;font-size:14px;line-height:1.4;font-weight:bold;color:#0b5c4a;" {
                (self.brand.name.as_str())
            }
            h1 style="margin:0 0 16px;font-size:26px;line-height:1.25;font-weight:bold;" { (self.heading) }
            (self.sheet)
            // A link that is a button: the cell is coloured, because the desktop Outlook ignores the padding of links.
            table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 0;" {
                tr { td.button bgcolor="#0b5c4a" style="border-radius:8px;background-color:#0b5c4a;" {
                    @match self.button {
                        Button::Theirs(link, label) => { a.button href=(link) style=(BUTTON) { (label) } }
                        Button::Ours(link, label) => {
                            a.button ses:no-track href=(link) style=(BUTTON) { (label) }
                        }
                    }
                } }
            }
        }
    }
}

const SHEET: &str = "padding:32px 28px;border-radius:12px;background-color:#ffffff;color:#1f2421;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:17px;line-height:1.55;";

const FOOTER: &str = "padding:24px 28px;color:#565a54;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.5;";

const BUTTON: &str = "display:inline-block;padding:13px 22px;border-radius:8px;background-color:#0b5c4a;color:#ffffff;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:17px;line-height:1.3;\
font-weight:bold;text-decoration:none;";

const DARK: &str = ":root{color-scheme:light dark;supported-color-schemes:light dark}\
@media (prefers-color-scheme:dark){.ground{background-color:#141715!important}\
.sheet{background-color:#1f2421!important;color:#eceeea!important}.quiet{color:#b3b8b1!important}\
.accent{color:#8fd8c3!important}.button{background-color:#8fd8c3!important;color:#0d211b!important}}";
