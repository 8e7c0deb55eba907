//! Answers: status, headers and body, the same safe headers on each.

use apropos_aws::http::answer;
use apropos_core::throttle::NotNow;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The methods of a page.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Nothing at all: what an answer that is no page may load.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");

/// Nothing but the page's own stylesheet, by its hash, and forms that post to us. The stylesheet differs by the brand's
/// colour, so the hash is taken of the very one that the page holds; it stands before anything a brand wrote.
fn policy(html: &str) -> HeaderValue {
    let style = html
        .split_once("<style>")
        .and_then(|(_, rest)| rest.split_once("</style>"));
    let Some((style, _)) = style else {
        return NOTHING;
    };
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    // Base64 always fits a header; without the hash a page would only lose its looks.
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ))
    .unwrap_or(NOTHING)
}

/// A page.
pub(crate) fn page(status: u16, html: String) -> ApiGatewayV2httpResponse {
    let policy = policy(&html);
    let mut response = safe(answer(status, "text/html; charset=utf-8", html));
    response
        .headers
        .insert(HeaderName::from_static("content-security-policy"), policy);
    response
}

/// A page that asks to come back later: so many are no person's.
pub(crate) fn too_often(html: String) -> ApiGatewayV2httpResponse {
    let mut response = page(429, html);
    response.headers.insert(RETRY_AFTER, HeaderValue::from_static("3600"));
    response
}

/// The same, by the second.
pub(crate) fn too_many_visits(html: String, wait: NotNow) -> ApiGatewayV2httpResponse {
    let mut response = page(429, html);
    response
        .headers
        .insert(RETRY_AFTER, HeaderValue::from(wait.retry_after));
    response
}

/// A page that asks to try again.
pub(crate) fn unavailable(html: String) -> ApiGatewayV2httpResponse {
    let mut response = page(503, html);
    response.headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

/// A page that asks to come back once the brand has put something right.
pub(crate) fn unreachable(html: String) -> ApiGatewayV2httpResponse {
    let mut response = page(503, html);
    response.headers.insert(RETRY_AFTER, HeaderValue::from_static("86400"));
    response
}

/// A public key, base64url on a line of its own.
pub(crate) fn public_key(key: &str) -> ApiGatewayV2httpResponse {
    plain(200, &format!("{key}\n"))
}

/// A file to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// Everything.
    MyData,
    /// The receipt of the consent event of this number.
    Receipt(u32),
}

/// A file of JSON to keep.
pub(crate) fn file(file: File, json: String) -> ApiGatewayV2httpResponse {
    let mut response = safe(answer(200, "application/json; charset=utf-8", json));
    let name = match file {
        File::MyData => "my-data.json".to_owned(),
        File::Receipt(seq) => format!("consent-receipt-{seq}.json"),
    };
    // A number always fits a header.
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    response.headers.insert(
        HeaderName::from_static("content-disposition"),
        disposition.unwrap_or(HeaderValue::from_static("attachment")),
    );
    response
}

/// The answer to a mail client's one-click POST, which no person sees.
pub(crate) fn one_click_done() -> ApiGatewayV2httpResponse {
    plain(200, "OK\n")
}

/// The methods there are.
pub(crate) fn options() -> ApiGatewayV2httpResponse {
    with_methods(plain(204, ""))
}

/// Another method.
pub(crate) fn method_not_allowed() -> ApiGatewayV2httpResponse {
    with_methods(plain(405, "This method is not allowed here.\n"))
}

/// As a method gets it: without its body by HEAD.
pub(crate) fn to(method: &str, mut response: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    if method == "HEAD" {
        response.body = None;
    }
    response
}

fn plain(status: u16, text: &str) -> ApiGatewayV2httpResponse {
    safe(answer(status, "text/plain; charset=utf-8", text.to_owned()))
}

fn with_methods(mut response: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    response.headers.insert(ALLOW, METHODS);
    response
}

/// `Cache-Control: no-store` comes with every answer of ours already.
fn safe(mut response: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    let headers = [
        ("content-security-policy", NOTHING),
        // The address is the key: no other site may learn it.
        ("referrer-policy", HeaderValue::from_static("no-referrer")),
        ("x-content-type-options", HeaderValue::from_static("nosniff")),
        // For browsers that do not know frame-ancestors.
        ("x-frame-options", HeaderValue::from_static("DENY")),
        ("x-robots-tag", HeaderValue::from_static("noindex")),
    ];
    for (name, value) in headers {
        response.headers.insert(HeaderName::from_static(name), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use apropos_core::language::Language;

    use super::*;
    use crate::fixture::{brand_document, brand_from};
    use crate::page::Reader;
    use crate::visit::Leaving;

    #[test]
    fn every_answer_carries_the_safe_headers() {
        for response in [
            page(200, String::new()),
            unavailable(String::new()),
            too_often(String::new()),
            too_many_visits(String::new(), NotNow { retry_after: 7 }),
            file(File::Receipt(3), String::new()),
            one_click_done(),
            options(),
            method_not_allowed(),
            to("HEAD", page(404, "x".into())),
        ] {
            let header = |name: &str| response.headers.get(name).unwrap().to_str().unwrap();
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("x-robots-tag"), "noindex");
            assert_eq!(header("x-content-type-options"), "nosniff");
            let policy = header("content-security-policy");
            assert_eq!(header("x-frame-options"), "DENY");
            assert!(policy.starts_with("default-src 'none'; "), "{policy}");
            assert!(
                policy.ends_with("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
                "{policy}"
            );
        }
    }

    #[test]
    fn the_policy_names_the_very_stylesheet_that_a_page_holds() {
        let mut policies = Vec::new();
        for colour in ["#0b5c4a", "#ff0000"] {
            let mut document = brand_document();
            document["colour"] = colour.into();
            // A brand's words cannot pass for a stylesheet.
            document["name"] = "<style>*{}</style>".into();
            let brand = brand_from(document);
            let reader = Reader {
                language: Language::French,
                brand: &brand,
            };
            let html = crate::page::left(reader, Leaving::Everything, "/p");
            let (before, rest) = html.split_once("<style>").unwrap();
            let (style, after) = rest.split_once("</style>").unwrap();
            assert!(!before.contains("&lt;") && !after.contains("<style"));
            assert!(style.contains("--accent:"));
            let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
            let policy = page(200, html).headers["content-security-policy"].clone();
            assert!(policy.to_str().unwrap().contains(&format!("'sha256-{hash}'")));
            policies.push(policy);
        }
        assert_ne!(policies[0], policies[1]);
    }
}
