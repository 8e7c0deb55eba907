//! What a POST asks for.

use apropos_aws::http::body;
use apropos_core::consent::Purpose;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;

use crate::choice::{Choice, Switch};
use crate::filled::Filled;
use crate::form::{UnreadableForm, fields};
use crate::visit::Page;

/// What a POST asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A mail client leaves in the person's name (RFC 8058).
    OneClick,
    /// A button of the page was pressed: what it names, or what the link is about.
    Leave(Option<Purpose>),
    /// It was a mistake: back as before.
    Undo(Option<Purpose>),
    /// A button of the preference page.
    Set(Choice),
    /// The form of the preference page.
    Save(Box<Filled>),
}

impl Asked {
    /// Reads the form that the page takes.
    pub(crate) fn read(page: Page, event: &ApiGatewayV2httpRequest) -> Result<Self, UnreadableForm> {
        let content_type = event
            .headers
            .get("content-type")
            .map(|value| value.to_str().ok().ok_or(UnreadableForm))
            .transpose()?;
        let body = body(event).ok().ok_or(UnreadableForm)?;
        let fields = fields(content_type, &body)?;
        match page {
            Page::Unsubscribe => Self::leaving(&fields),
            Page::Preferences => Self::setting(&fields),
        }
        .ok_or(UnreadableForm)
    }

    fn leaving(fields: &[(String, String)]) -> Option<Self> {
        let ((name, value), purpose) = match fields {
            [action] => (action, None),
            [action, (name, code)] if name == "purpose" => (action, Some(Purpose::from_code(code).ok()?)),
            _ => return None,
        };
        let value = value.trim();
        if purpose.is_none() && name.eq_ignore_ascii_case("List-Unsubscribe") && value.eq_ignore_ascii_case("One-Click")
        {
            return Some(Self::OneClick);
        }
        match (name.as_str(), value) {
            ("action", "leave") => Some(Self::Leave(purpose)),
            ("action", "undo") => Some(Self::Undo(purpose)),
            _ => None,
        }
    }

    fn setting(fields: &[(String, String)]) -> Option<Self> {
        if fields.iter().any(|(name, value)| name == "save" && value == "all") {
            return Filled::read(fields).map(Box::new).map(Self::Save);
        }
        let [(purpose_name, purpose), (switch_name, switch)] = fields else {
            return None;
        };
        if purpose_name != "purpose" || switch_name != "set" {
            return None;
        }
        Some(Self::Set(Choice {
            purpose: Purpose::from_code(purpose).ok()?,
            switch: Switch::from_code(switch)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::http::HeaderValue;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn post(content_type: Option<&str>, body: &str) -> ApiGatewayV2httpRequest {
        let mut event = ApiGatewayV2httpRequest::default();
        if let Some(content_type) = content_type {
            event
                .headers
                .insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        event.body = Some(body.to_owned());
        event
    }

    fn in_base64(mut event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpRequest {
        event.body = event.body.map(|body| STANDARD.encode(body));
        event.is_base64_encoded = true;
        event
    }

    #[test]
    fn one_click_is_understood_in_every_form_that_it_is_sent_in() {
        let multipart =
            "--Zb\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--Zb--\r\n";
        let forms = [
            ("application/x-www-form-urlencoded", "", "List-Unsubscribe=One-Click"),
            ("multipart/form-data", "; boundary=Zb", multipart),
        ];
        let mut understood = 0;
        for (media_type, parameter, body) in forms {
            for media_type in [media_type.to_owned(), media_type.to_uppercase(), title_case(media_type)] {
                for charset in ["", "; charset=UTF-8"] {
                    let event = post(Some(&format!("{media_type}{charset}{parameter}")), body);
                    for event in [event.clone(), in_base64(event)] {
                        assert_eq!(
                            Asked::read(Page::Unsubscribe, &event),
                            Ok(Asked::OneClick),
                            "{media_type}{charset}"
                        );
                        understood += 1;
                    }
                }
            }
        }
        assert_eq!(understood, 24);
        // What else is seen in the wild.
        for (content_type, body) in [
            (
                "application/x-www-form-urlencoded; charset=\"utf-8\"",
                "List-Unsubscribe=One-Click",
            ),
            (
                "application/x-www-form-urlencoded;charset=us-ascii",
                "List-Unsubscribe=One-Click\r\n",
            ),
            (" application/x-www-form-urlencoded ", "list-unsubscribe=one-click"),
            ("application/x-www-form-urlencoded", "List%2DUnsubscribe=One%2DClick"),
            ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click+"),
            ("multipart/form-data; boundary=\"Zb\"", multipart),
            ("multipart/form-data; boundary=\"Zb\"; charset=UTF-8", multipart),
            ("multipart/form-data;charset=\"utf-8\";BOUNDARY=Zb", multipart),
            ("multipart/form-data; boundary=Zb", &multipart.replace("\r\n", "\n")),
            (
                "multipart/form-data; boundary=Zb",
                &multipart.replace("\"List-Unsubscribe\"", "List-Unsubscribe"),
            ),
            (
                "multipart/form-data; boundary=Zb",
                &multipart.replace("\r\n\r\n", "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"),
            ),
        ] {
            let event = post(Some(content_type), body);
            assert_eq!(
                Asked::read(Page::Unsubscribe, &event),
                Ok(Asked::OneClick),
                "{content_type}"
            );
        }
        let bare = post(None, "List-Unsubscribe=One-Click");
        assert_eq!(Asked::read(Page::Unsubscribe, &bare), Ok(Asked::OneClick));
    }

    fn title_case(text: &str) -> String {
        text.split('/')
            .map(|part| part[..1].to_uppercase() + &part[1..])
            .collect::<Vec<_>>()
            .join("/")
    }

    #[test]
    fn the_pages_own_forms_are_understood_on_their_own_page_only() {
        let read = |page, body| Asked::read(page, &post(Some("application/x-www-form-urlencoded"), body));
        assert_eq!(read(Page::Unsubscribe, "action=leave"), Ok(Asked::Leave(None)));
        assert_eq!(read(Page::Unsubscribe, "action=undo"), Ok(Asked::Undo(None)));
        let sms = Purpose::from_code("sms.offers").ok();
        assert_eq!(
            read(Page::Unsubscribe, "action=leave&purpose=sms.offers"),
            Ok(Asked::Leave(sms))
        );
        let set = Asked::Set(Choice {
            purpose: Purpose::from_code("email.offers").unwrap(),
            switch: Switch::On,
        });
        assert_eq!(read(Page::Preferences, "purpose=email.offers&set=on"), Ok(set));
        for (page, body) in [
            (Page::Unsubscribe, ""),
            (Page::Unsubscribe, "action=leave&action=undo"),
            (Page::Unsubscribe, "List-Unsubscribe=One-Click&action=undo"),
            (Page::Unsubscribe, "List-Unsubscribe=Two-Click"),
            (Page::Unsubscribe, "List-Unsubscribe=One-Click&purpose=email.news"),
            (Page::Unsubscribe, "action=leave&purpose=fax.offers"),
            (Page::Preferences, "save=all&colour=red"),
            (Page::Unsubscribe, "purpose=email.offers&set=on"),
            (Page::Preferences, "action=undo"),
            (Page::Preferences, "List-Unsubscribe=One-Click"),
            (Page::Preferences, "purpose=email.offers"),
            (Page::Preferences, "purpose=email.offers&set=maybe"),
            (Page::Preferences, "purpose=fax.offers&set=on"),
            (Page::Preferences, "set=on&purpose=email.offers"),
        ] {
            assert_eq!(read(page, body), Err(UnreadableForm), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_the_base64_it_claims_to_be_is_refused() {
        let mut event = post(None, "List-Unsubscribe=One-Click");
        event.is_base64_encoded = true;
        assert_eq!(Asked::read(Page::Unsubscribe, &event), Err(UnreadableForm));
    }
}
