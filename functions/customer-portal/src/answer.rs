//! Answers: status, headers and body, the same safe headers on each.

use std::sync::LazyLock;

use apropos_aws::http::answer;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::page::STYLE;

/// The methods of a page.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Nothing but the page's own stylesheet, by its hash, and forms that post to us. Computed once a start, so that it
/// cannot fall behind the stylesheet.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ))
    // Base64 always fits a header; without the hash a page would only lose its looks.
    .unwrap_or(HeaderValue::from_static(
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    ))
});

/// A page.
pub(crate) fn page(status: u16, html: String) -> ApiGatewayV2httpResponse {
    safe(answer(status, "text/html; charset=utf-8", html))
}

/// A page that asks to try again.
pub(crate) fn unavailable(html: String) -> ApiGatewayV2httpResponse {
    let mut response = page(503, html);
    response.headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

/// A public key, base64url on a line of its own.
pub(crate) fn public_key(key: &str) -> ApiGatewayV2httpResponse {
    plain(200, &format!("{key}\n"))
}

/// A file of JSON to keep.
pub(crate) fn file(json: String) -> ApiGatewayV2httpResponse {
    let mut response = safe(answer(200, "application/json; charset=utf-8", json));
    response.headers.insert(
        HeaderName::from_static("content-disposition"),
        HeaderValue::from_static("attachment; filename=\"my-data.json\""),
    );
    response
}

/// A page that asks to come back later.
pub(crate) fn too_many(html: String) -> ApiGatewayV2httpResponse {
    let mut response = page(429, html);
    response.headers.insert(RETRY_AFTER, HeaderValue::from_static("3600"));
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

/// As a HEAD request gets it.
pub(crate) fn without_body(mut response: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    response.body = None;
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
        ("content-security-policy", POLICY.clone()),
        // The address is the key: no other site may learn it.
        ("referrer-policy", HeaderValue::from_static("no-referrer")),
        ("x-content-type-options", HeaderValue::from_static("nosniff")),
        ("x-robots-tag", HeaderValue::from_static("noindex")),
    ];
    for (name, value) in headers {
        response.headers.insert(HeaderName::from_static(name), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_carries_the_safe_headers() {
        for response in [
            page(200, String::new()),
            unavailable(String::new()),
            too_many(String::new()),
            one_click_done(),
            options(),
            method_not_allowed(),
            without_body(page(404, "x".into())),
        ] {
            let header = |name: &str| response.headers.get(name).unwrap().to_str().unwrap();
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("x-robots-tag"), "noindex");
            assert_eq!(header("x-content-type-options"), "nosniff");
            let policy = header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(
                policy.ends_with("'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
                "{policy}"
            );
        }
    }

    #[test]
    fn the_policy_names_the_very_stylesheet_that_a_page_holds() {
        let html = crate::page::refusal(apropos_core::language::Language::French);
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(POLICY.to_str().unwrap().contains(&format!("'sha256-{hash}'")));
    }
}
