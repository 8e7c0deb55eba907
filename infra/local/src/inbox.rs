//! The inbox: pages that show what the mail service accepted, as the recipients would find it.
//!
//! Only this machine sees them. They run no script and load nothing, and a mail's own HTML stays in a frame that may do
//! one thing: follow a link that was clicked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::eml::{MESSAGE_ID_DOMAIN, feedback_id};
use crate::mail_service::{AcceptedMail, MailService};

/// Mails on one page of the list.
pub const MAILS_A_PAGE: usize = 100;

/// `GET /inbox`, `/inbox/{message id}` and `/inbox/{message id}.eml`.
pub fn router(mails: MailService) -> Router {
    Router::new()
        .route("/inbox", get(list))
        .route("/inbox/{mail}", get(mail))
        .with_state(mails)
}

async fn list(State(mails): State<MailService>, RawQuery(query): RawQuery) -> Response {
    let wanted = Wanted::read(query.as_deref().unwrap_or_default());
    page(StatusCode::OK, &list_page(&mails.accepted(), &wanted))
}

async fn mail(State(mails): State<MailService>, Path(name): Path<String>) -> Response {
    let (message_id, is_file) = match name.strip_suffix(".eml") {
        Some(message_id) => (message_id, true),
        None => (name.as_str(), false),
    };
    match mails.find(message_id) {
        None => page(StatusCode::NOT_FOUND, &not_found()),
        Some(mail) if is_file => file(&mail),
        Some(mail) => page(StatusCode::OK, &mail_page(&mail)),
    }
}

/// Which mails to list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Brand and campaign; all for `None`.
    campaign: Option<(String, String)>,
    /// Counted from 1.
    page: usize,
}

impl Wanted {
    fn read(query: &str) -> Self {
        let value = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        Self {
            campaign: value("brand").zip(value("campaign")),
            page: value("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        }
    }

    fn href(campaign: Option<&(String, String)>, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some((brand, campaign)) = campaign {
            query.append_pair("brand", brand).append_pair("campaign", campaign);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() {
            "/inbox".to_owned()
        } else {
            format!("/inbox?{query}")
        }
    }
}

fn campaign_of(mail: &AcceptedMail) -> (String, String) {
    let tag = |name| mail.tag(name).unwrap_or("none").to_owned();
    (tag("brand"), tag("campaign"))
}

fn list_page(mails: &[Arc<AcceptedMail>], wanted: &Wanted) -> Markup {
    let mut campaigns: BTreeMap<(String, String), usize> = BTreeMap::new();
    for mail in mails {
        *campaigns.entry(campaign_of(mail)).or_default() += 1;
    }
    let listed: Vec<_> = mails
        .iter()
        .rev()
        .filter(|mail| {
            wanted
                .campaign
                .as_ref()
                .is_none_or(|campaign| campaign_of(mail) == *campaign)
        })
        .collect();
    let pages = listed.len().div_ceil(MAILS_A_PAGE).max(1);
    let shown = listed
        .iter()
        .skip((wanted.page - 1).saturating_mul(MAILS_A_PAGE))
        .take(MAILS_A_PAGE);
    document(
        "Inbox",
        &html! {
            h1 { "Inbox" }
            p.note { (mails.len()) " messages were accepted. Nothing left this machine." }
            nav aria-label="Campaigns" {
                (choice("All", mails.len(), None, wanted))
                @for (campaign, count) in &campaigns {
                    (choice(&format!("{} · {}", campaign.0, campaign.1), *count, Some(campaign), wanted))
                }
            }
            @if listed.is_empty() {
                p.note { "No message here." }
            } @else {
                table {
                    thead { tr { th { "Date (UTC)" } th.to { "To" } th { "Subject" } th { "Campaign" } } }
                    tbody {
                        @for mail in shown { (row(mail)) }
                    }
                }
            }
            @if pages > 1 { (pager(wanted, pages)) }
        },
    )
}

fn choice(name: &str, count: usize, campaign: Option<&(String, String)>, wanted: &Wanted) -> Markup {
    html! {
        @if wanted.campaign.as_ref() == campaign {
            strong aria-current="true" { (name) " (" (count) ")" }
        } @else {
            a href=(Wanted::href(campaign, 1)) { (name) " (" (count) ")" }
        }
    }
}

fn row(mail: &AcceptedMail) -> Markup {
    let (brand, campaign) = campaign_of(mail);
    html! {
        tr {
            td.when { (minute(mail.at)) }
            td.to { (mail.to) }
            td { a href={ "/inbox/" (mail.message_id) } { (mail.subject) } }
            td { (brand) " · " (campaign) }
        }
    }
}

fn pager(wanted: &Wanted, pages: usize) -> Markup {
    let campaign = wanted.campaign.as_ref();
    html! {
        nav aria-label="Pages" {
            @if wanted.page > 1 { a rel="prev" href=(Wanted::href(campaign, wanted.page.min(pages + 1) - 1)) { "Newer" } }
            span { "Page " (wanted.page) " of " (pages) }
            @if wanted.page < pages { a rel="next" href=(Wanted::href(campaign, wanted.page + 1)) { "Older" } }
        }
    }
}

fn mail_page(mail: &AcceptedMail) -> Markup {
    document(
        &mail.subject,
        &html! {
            h1 { (mail.subject) }
            p.note {
                a href="/inbox" { "Inbox" } " · "
                a href={ "/inbox/" (mail.message_id) ".eml" } { "Download as .eml" }
            }
            table { tbody {
                (header("From", &mail.from))
                @for address in &mail.reply_to { (header("Reply-To", address)) }
                (header("To", &mail.to))
                (header("Date", &minute(mail.at)))
                (header("Message-ID", &format!("<{}@{MESSAGE_ID_DOMAIN}>", mail.message_id)))
                @for (name, value) in &mail.headers { (header(name, value)) }
                (header("Feedback-ID", &feedback_id(&mail.tags)))
                @for (name, value) in &mail.tags { (header(&format!("tag {name}"), value)) }
            } }
            @if !mail.html.is_empty() {
                h2 { "HTML part" }
                iframe title="The message as a mail client shows it"
                    sandbox="allow-top-navigation-by-user-activation"
                    referrerpolicy="no-referrer"
                    srcdoc=(framed(&mail.html)) {}
            }
            @if !mail.text.is_empty() {
                h2 { "Text part" }
                pre { (mail.text) }
            }
        },
    )
}

fn header(name: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { (value) } } }
}

/// A mail's links open in the whole window, not in the frame. The element goes into the head, so that the document keeps
/// its own type.
fn framed(mail: &str) -> String {
    const BASE: &str = r#"<base target="_top">"#;
    let head_end = mail.find("<head").and_then(|start| {
        let tag = mail.get(start..)?;
        Some(start + tag.find('>')? + 1)
    });
    match head_end.and_then(|end| mail.split_at_checked(end)) {
        Some((before, after)) => format!("{before}{BASE}{after}"),
        None => format!("{BASE}{mail}"),
    }
}

fn not_found() -> Markup {
    document(
        "Not found",
        &html! {
            h1 { "There is no such message" }
            p.note { a href="/inbox" { "Inbox" } }
        },
    )
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("inbox.css"))) }
            }
            body { (body) }
        }
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The frame inherits this policy: a mail's styles stand in its elements, and its images are not fetched.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'none'; frame-ancestors 'none'",
);

fn page(status: StatusCode, markup: &Markup) -> Response {
    let mut response = Response::new(Body::from(markup.0.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn file(mail: &AcceptedMail) -> Response {
    let mut response = Response::new(Body::from(mail.eml()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    // The id is made of digits and dashes.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}.eml\"", mail.message_id)) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use apropos_aws::Clock;

    use super::*;
    use crate::mail_service::{MailSettings, OutgoingMail, SendQuota};

    fn service(mails: usize) -> MailService {
        let settings = MailSettings {
            verified_domains: vec!["brand.example".to_owned()],
            configuration_sets: Vec::new(),
            quota: SendQuota {
                max_24_hour: u32::MAX,
                max_per_second: u32::MAX,
            },
            outbox: None,
        };
        let service = MailService::new(Clock::manual("2026-12-01T09:00:00Z".parse().unwrap()), settings).unwrap();
        for number in 0..mails {
            let campaign = if number % 2 == 0 { "tree" } else { "mower" };
            let _ = service.send(OutgoingMail {
                from: "news@brand.example".to_owned(),
                to: vec![format!("c{number}@customer.example")],
                subject: format!("<b>{number}</b>"),
                text: "Hello".to_owned(),
                html: "<!DOCTYPE html><html><head><title>x</title></head><body><a href=\"https://a.example/\">x</a></body></html>"
                    .to_owned(),
                tags: vec![("brand".to_owned(), "sapin".to_owned()), ("campaign".to_owned(), campaign.to_owned())],
                ..OutgoingMail::default()
            });
        }
        service
    }

    fn listed(mails: usize, query: &str) -> String {
        list_page(&service(mails).accepted(), &Wanted::read(query)).0
    }

    #[test]
    fn the_list_shows_a_hundred_a_page_newest_first() {
        let first = listed(250, "");
        assert_eq!(first.matches("class=\"when\"").count(), MAILS_A_PAGE);
        assert!(first.contains("c249@") && !first.contains("c149@") && first.contains("Page 1 of 3"));
        let last = listed(250, "page=3");
        assert_eq!(last.matches("class=\"when\"").count(), 50);
        assert!(last.contains("c0@") && !last.contains("Older"));
        assert_eq!(listed(250, "page=9").matches("class=\"when\"").count(), 0);
        assert!(listed(0, "").contains("No message here."));
    }

    #[test]
    fn a_campaign_is_listed_by_itself() {
        let page = listed(10, "brand=sapin&campaign=mower");
        assert_eq!(page.matches("class=\"when\"").count(), 5);
        assert!(page.contains("sapin · mower (5)") && page.contains("/inbox?brand=sapin&amp;campaign=tree"));
    }

    #[test]
    fn what_a_mail_holds_cannot_become_markup_of_the_page() {
        assert!(listed(1, "").contains("&lt;b&gt;0&lt;/b&gt;"));
        let mail = service(1).accepted().pop().unwrap();
        let page = mail_page(&mail).0;
        assert!(!page.contains("<b>0</b>") && !page.contains("https://a.example/\">"));
        assert!(page.contains("srcdoc=\"&lt;!DOCTYPE html&gt;"));
    }

    #[test]
    fn links_of_a_mail_open_in_the_whole_window() {
        let framed_mail = framed("<!DOCTYPE html><html><head lang=\"fr\"><title>x</title></head></html>");
        assert!(framed_mail.starts_with("<!DOCTYPE html><html><head lang=\"fr\"><base target=\"_top\"><title>"));
        assert_eq!(framed("<p>x</p>"), "<base target=\"_top\"><p>x</p>");
    }
}
