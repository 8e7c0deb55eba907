//! What holds for every public page. The pages are read from the gateway's routes: a new one is covered, or fails here.

use std::collections::BTreeMap;

use apropos_core::consent::Purpose;
use apropos_local::gateway::Route;
use apropos_tests::TestApp;
use apropos_tests::pages::{CAMILLE, Doors, FORM, first_part, next_link, public_routes};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;

/// The pages of links that live for a quarter of an hour and work once.
const FRESH: [&str; 3] = ["a", "r", "e"];

/// Visits pages a thousand times each, with so much time between two rounds, and gives how often each was read; the rest
/// was asked about its methods, or was asked to wait, as whoever opens one link again and again may be.
async fn visited(
    app: &TestApp,
    doors: &Doors,
    routes: &[&Route],
    between: SignedDuration,
) -> BTreeMap<&'static str, u32> {
    let mut read = BTreeMap::new();
    for method in [Method::GET, Method::HEAD, Method::OPTIONS].iter().cycle().take(1_000) {
        for route in routes {
            let status = app.visit(method.clone(), doors.to(route)).await.status;
            let expected = match (route.method, method) {
                ("GET", &Method::HEAD | &Method::OPTIONS) => StatusCode::NOT_FOUND,
                (_, &Method::OPTIONS) => StatusCode::NO_CONTENT,
                _ => StatusCode::OK,
            };
            let waits = status == StatusCode::TOO_MANY_REQUESTS && method != Method::OPTIONS;
            assert!(status == expected || waits, "{method} {}: {status}", route.pattern);
            *read.entry(first_part(route)).or_default() += u32::from(status == StatusCode::OK);
        }
        app.advance(between);
    }
    read
}

#[tokio::test]
async fn a_thousand_visits_of_each_fresh_link_leave_every_item_as_it_is_and_use_no_link_up() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    let before = app.stored().await;
    let routes: Vec<_> = public_routes()
        .filter(|route| FRESH.contains(&first_part(route)))
        .collect();
    // In ten minutes: they live for fifteen.
    let read = visited(&app, &doors, &routes, SignedDuration::from_millis(600)).await;
    assert!(
        read.len() == FRESH.len() && read.values().all(|read| *read >= 60),
        "{read:?}"
    );
    assert_eq!(before.changes(&app.stored().await), Vec::<&str>::new());

    // Each still works, and the comparison does see a change.
    let data = app.submit(doors.at("a"), FORM, "show=page").await;
    assert_eq!(data.status, StatusCode::OK);
    assert!(data.text().contains(CAMILLE), "{}", data.text());
    for (page, form) in [("r", "open=correct"), ("e", "erase=yes")] {
        let reply = app.submit(doors.at(page), FORM, form).await;
        assert_eq!(reply.status, StatusCode::OK, "/{page}: {}", reply.text());
    }
    assert_ne!(app.stored().await, before);
}

#[tokio::test]
async fn a_thousand_visits_of_every_other_public_page_leave_every_item_as_it_is() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    let before = app.stored().await;
    let routes: Vec<_> = public_routes()
        .filter(|route| !FRESH.contains(&first_part(route)))
        .collect();
    // As slowly as a patient scanner, so that each visit is let in.
    let read = visited(&app, &doors, &routes, SignedDuration::from_secs(30)).await;
    assert_eq!(read.len() + FRESH.len(), public_routes().count());
    for (page, read) in read {
        let expected = if page == ".well-known" { 334 } else { 667 };
        assert_eq!(read, expected, "/{page}");
    }
    assert_eq!(before.changes(&app.stored().await), Vec::<&str>::new());
    let confirmed = app.submit(doors.at("c"), FORM, "action=confirm").await;
    assert_eq!(confirmed.status, StatusCode::OK, "{}", confirmed.text());
    assert_ne!(app.stored().await, before);
}

#[tokio::test]
async fn the_links_that_a_page_of_data_leads_on_with_are_not_used_up_by_opening_them_either() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    let data = app.submit(doors.at("a"), FORM, "show=page").await.text();
    let next = ["a", "r", "e"].map(|page| next_link(&data, page));
    let before = app.stored().await;
    for path in &next {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            // A form without a button sends its fields in the address.
            for path in [path.clone(), format!("{path}?"), format!("{path}?erase=yes&show=json")] {
                app.visit(method.clone(), &path).await;
            }
        }
    }
    let after = app.stored().await;
    assert_eq!(before.changes(&after), Vec::<&str>::new());
    let [see, correct, erase] = next;
    for (path, form) in [(see, "show=json"), (correct, "open=correct"), (erase, "erase=yes")] {
        let first = app.submit(&path, FORM, form).await;
        assert_eq!(first.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_page_and_options_names_the_methods_at_every_page() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    for route in public_routes().filter(|route| route.method == "ANY") {
        let path = doors.to(route);
        let get = app.visit(Method::GET, path).await;
        let head = app.visit(Method::HEAD, path).await;
        assert_eq!((get.status, head.status), (StatusCode::OK, StatusCode::OK), "{path}");
        assert!(!get.body.is_empty() && head.body.is_empty(), "{path}");
        for name in get.headers.keys().filter(|name| *name != "content-length") {
            let told = |reply: &apropos_local::http_client::Reply| reply.headers.get(name).cloned();
            assert!(name == "date" || told(&head) == told(&get), "{path} {name}");
        }
        for method in [
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::TRACE,
            Method::OPTIONS,
        ] {
            let reply = app.visit(method.clone(), path).await;
            let expected = if method == Method::OPTIONS { 204 } else { 405 };
            assert_eq!(reply.status, expected, "{method} {path}");
            assert_eq!(reply.headers.get("allow").unwrap(), "GET, HEAD, POST, OPTIONS");
        }
    }
}

#[tokio::test]
async fn every_answer_of_every_page_forbids_framing_caching_indexing_and_telling_where_one_came_from() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    for route in public_routes().filter(|route| route.method == "ANY") {
        let path = doors.to(route);
        let unknown = format!("{path}x");
        for (method, path, form) in [
            (Method::GET, path, ""),
            (Method::OPTIONS, path, ""),
            (Method::PUT, path, ""),
            (Method::GET, &unknown, ""),
            (Method::POST, path, "nonsense=%"),
        ] {
            let reply = match method {
                Method::POST => app.submit(path, FORM, form).await,
                method => app.visit(method, path).await,
            };
            let header = |name: &str| {
                let value = reply.headers.get(name);
                value.unwrap_or_else(|| panic!("{path} {name}")).to_str().unwrap()
            };
            assert_eq!(header("cache-control"), "no-store", "{path}");
            assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
            assert_eq!(header("x-robots-tag"), "noindex", "{path}");
            assert_eq!(header("x-frame-options"), "DENY", "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            let policy = header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
            assert!(
                policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
                "{path}"
            );
            for name in ["set-cookie", "location"] {
                assert!(!reply.headers.contains_key(name), "{path} {name}");
            }
        }
    }
}

/// The gateway hands a URL-encoded body on as text and any other in base64; that is the other half of the 24 forms, which
/// the function's own test goes through.
#[tokio::test]
async fn one_click_leaves_through_the_gateway_in_every_media_type_and_charset_that_it_is_sent_in() {
    const MULTIPART: &str =
        "--Zb\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--Zb--\r\n";
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    let purpose = Purpose::from_code("email.offers").expect("it is a purpose");
    let state = async || {
        let standing = app.standing("camille").await;
        standing.consents.state(&purpose, app.stack.clock().now()).code()
    };
    for (media_type, body) in [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        ("APPLICATION/X-WWW-FORM-URLENCODED", "List-Unsubscribe=One-Click"),
        ("Application/X-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "List-Unsubscribe=One-Click",
        ),
        (
            "APPLICATION/X-WWW-FORM-URLENCODED; charset=UTF-8",
            "List-Unsubscribe=One-Click",
        ),
        (
            "Application/X-www-form-urlencoded;charset=\"utf-8\"",
            "List-Unsubscribe=One-Click",
        ),
        ("multipart/form-data; boundary=Zb", MULTIPART),
        ("MULTIPART/FORM-DATA; boundary=Zb", MULTIPART),
        ("Multipart/Form-data; boundary=\"Zb\"", MULTIPART),
        ("multipart/form-data; charset=UTF-8; boundary=Zb", MULTIPART),
        ("MULTIPART/FORM-DATA; boundary=Zb; charset=UTF-8", MULTIPART),
        ("Multipart/Form-data;charset=\"utf-8\";BOUNDARY=Zb", MULTIPART),
    ] {
        assert_eq!(state().await, "granted", "{media_type}");
        let left = app.submit(doors.at("u"), media_type, body).await;
        assert_eq!(
            (left.status, left.text().as_str()),
            (StatusCode::OK, "OK\n"),
            "{media_type}"
        );
        assert_eq!(state().await, "withdrawn", "{media_type}");
        app.submit(doors.at("u"), FORM, "action=undo").await;
    }
}
