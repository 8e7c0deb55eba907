//! Links that are not ours: whatever is changed of one, it opens nothing, looks like any other, and costs no read.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apropos_aws::{Clock, Confirms, LinkKeys, Queue, Tables, TransactionalTask, behavior, http_client};
use apropos_core::campaign::DeliveryId;
use apropos_core::ids::{BrandId, CustomerId};
use apropos_core::link::{KeyRing, LinkContent, LinkId, LinkPurpose, sign};
use apropos_core::suppression::Pepper;
use apropos_customer_portal::Handler;
use apropos_emulator::Emulator;
use apropos_tests::pages::{FORM, first_part, public_routes};
use apropos_tests::{BRAND, START, brand, brand_id};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::http::{HeaderValue, Method};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{Credentials, Region};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+. ~";

fn ring() -> KeyRing {
    KeyRing::parse(r#"{"1": "0123456789abcdef0123456789abcdef"}"#).unwrap()
}

/// The pages that a link opens, with what it is signed for: read from the routes, so a new page fails here until it is told.
fn doors() -> Vec<(&'static str, LinkPurpose)> {
    let routes = public_routes().filter(|route| route.pattern.contains("{token}"));
    routes
        .map(|route| {
            let purpose = match first_part(route) {
                "u" => LinkPurpose::Unsubscribe,
                "p" | "d" | "w" => LinkPurpose::Preferences,
                "c" => LinkPurpose::Confirm,
                "a" => LinkPurpose::Access,
                "r" => LinkPurpose::Correct,
                "e" => LinkPurpose::Erase,
                other => panic!("what are links to /{other} signed for?"),
            };
            (first_part(route), purpose)
        })
        .collect()
}

fn token(purpose: LinkPurpose, brand: &str, id: u8, delivery: Option<DeliveryId>) -> String {
    let content = LinkContent {
        id: LinkId::from_bytes([id; 16]),
        topic: 0,
        delivery,
    };
    let token = sign(purpose, &BrandId::new(brand).unwrap(), content, &ring()).unwrap();
    token.as_str().to_owned()
}

/// Both lengths of a token, of every kind.
fn tokens(purpose: LinkPurpose) -> [String; 2] {
    [None, Some(DeliveryId([7; 8]))].map(|delivery| token(purpose, BRAND, 9, delivery))
}

fn handler(tables: Tables, clock: Clock) -> Handler {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(behavior())
        .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
        .endpoint_url("http://127.0.0.1:1")
        .http_client(http_client())
        .build();
    let url = "http://127.0.0.1:1/000000000000/sends".to_owned();
    let queue: Queue<TransactionalTask> = Queue::new(aws_sdk_sqs::Client::from_conf(config), url);
    let pepper = Pepper::new(&"p".repeat(32)).unwrap();
    Handler::new(tables, clock, LinkKeys::fixed(ring()), pepper, queue)
}

/// The function over a store that counts who calls, and hangs up.
struct Counting {
    handler: Handler,
    calls: Arc<AtomicUsize>,
}

impl Counting {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        std::thread::spawn(move || {
            for call in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(call);
            }
        });
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(behavior())
            .region(Region::new("eu-west-3"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(endpoint)
            .http_client(http_client())
            .build();
        let tables = Tables::new(aws_sdk_dynamodb::Client::from_conf(config), "t-");
        Self {
            handler: handler(tables, Clock::manual(START)),
            calls,
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn ask(handler: &Handler, method: Method, path: &str, body: &str) -> ApiGatewayV2httpResponse {
    let mut event = ApiGatewayV2httpRequest::default();
    event.request_context.http.method = method;
    event.raw_path = Some(path.to_owned());
    event.body = Some(body.to_owned());
    event.headers.insert("content-type", HeaderValue::from_static(FORM));
    handler.http(&event).await
}

/// A form that the page would act on.
fn form(page: &str) -> &'static str {
    match page {
        "u" => "List-Unsubscribe=One-Click",
        "p" => "purpose=profiling&set=on",
        "c" => "action=confirm",
        "d" | "w" => "ask=access",
        "a" => "show=json",
        "r" => "open=correct",
        _ => "erase=yes",
    }
}

/// Every other text that one change of a character makes, and every one that one change of a bit makes: of the text, and
/// of the bytes that it stands for.
fn changed(token: &str) -> Vec<String> {
    let mut changed = Vec::new();
    for (position, held) in token.char_indices() {
        let (before, rest) = token.split_at(position);
        let after = &rest[1..];
        let bits = (0..7).map(|bit| char::from(u8::try_from(held).unwrap() ^ (1 << bit)));
        for other in ALPHABET
            .chars()
            .chain(bits)
            .filter(|other| *other != held && *other != '/')
        {
            changed.push(format!("{before}{other}{after}"));
        }
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        changed.push(URL_SAFE_NO_PAD.encode(bytes));
    }
    changed
}

#[tokio::test]
async fn every_change_of_a_bit_or_a_character_of_any_link_is_refused_alike_and_before_any_read() {
    let portal = Counting::start();
    let malformed = ask(&portal.handler, Method::GET, "/u/maison/short", "").await;
    assert_eq!(malformed.status_code, 404);
    let mut refused = 0;
    for (page, purpose) in doors() {
        for token in tokens(purpose) {
            for (number, other) in changed(&token).into_iter().enumerate() {
                let path = format!("/{page}/{BRAND}/{other}");
                // A POST is as dear as a GET, so every eighth is enough of them.
                let (method, body) = match number % 8 {
                    0 => (Method::POST, form(page)),
                    _ => (Method::GET, ""),
                };
                let answer = ask(&portal.handler, method, &path, body).await;
                assert!(answer == malformed, "{path}");
                refused += 1;
            }
        }
    }
    assert_eq!(portal.calls(), 0);
    assert!(refused > 60_000, "{refused}");
    // The same store is asked for each link that is ours, and by each method that may read.
    for (page, purpose) in doors() {
        let before = portal.calls();
        for (method, body) in [(Method::GET, ""), (Method::HEAD, ""), (Method::POST, form(page))] {
            let path = format!("/{page}/{BRAND}/{}", token(purpose, BRAND, 9, None));
            let answer = ask(&portal.handler, method, &path, body).await;
            assert_eq!(answer.status_code, 503, "{path}");
        }
        assert!(portal.calls() >= before + 3, "/{page}");
    }
}

#[tokio::test]
async fn a_link_of_one_kind_or_brand_opens_nothing_anywhere_else_and_costs_no_read() {
    let portal = Counting::start();
    let malformed = ask(&portal.handler, Method::GET, "/u/maison/short", "").await;
    for (page, purpose) in doors() {
        let others = LinkPurpose::ALL.into_iter().filter(|other| *other != purpose);
        let mut paths: Vec<String> = others
            .flat_map(tokens)
            .map(|token| format!("/{page}/{BRAND}/{token}"))
            .collect();
        for own in tokens(purpose) {
            for elsewhere in [
                "velo",
                "Maison",
                "maison-2",
                "%6daison",
                "a b",
                "maison#",
                "",
                "\u{202e}maison",
            ] {
                paths.push(format!("/{page}/{elsewhere}/{own}"));
            }
            paths.push(format!("/{page}/{BRAND}/{own}/{own}"));
            paths.push(format!("/{}/{BRAND}/{own}", page.to_uppercase()));
        }
        for path in paths {
            for (method, body) in [
                (Method::GET, ""),
                (Method::POST, form(page)),
                (Method::POST, "nonsense=%"),
            ] {
                assert!(
                    ask(&portal.handler, method, &path, body).await == malformed,
                    "{path} {body}"
                );
            }
        }
    }
    assert_eq!(portal.calls(), 0);
}

/// The function over real tables, with our brand and another in them.
async fn over_tables() -> (Handler, Tables, Clock) {
    let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
    for id in [BRAND, "velo"] {
        tables.put_brand(&brand(id)).await.unwrap();
    }
    let clock = Clock::manual(START);
    (handler(tables.clone(), clock.clone()), tables, clock)
}

#[tokio::test]
async fn malformed_forged_and_unknown_links_get_the_same_answer_to_the_byte_at_every_page() {
    let (handler, tables, _) = over_tables().await;
    let malformed = ask(&handler, Method::GET, "/u/maison/short", "").await;
    let customer = CustomerId::new("camille").unwrap();
    for (number, (page, purpose)) in (10..).zip(doors()) {
        let good = token(purpose, BRAND, 9, None);
        let (front, last) = good.split_at(good.len() - 1);
        let mut paths = vec![
            format!("/{page}/{BRAND}/{front}"),
            format!("/{page}/{BRAND}/{front}{}", if last == "A" { "Q" } else { "A" }),
            // Signed by us for a brand that is gone.
            format!("/{page}/gone/{}", token(purpose, "gone", 9, None)),
        ];
        // Signed by us, and of nobody: erased with its row, or never stored. A confirmation that is gone has ended, and
        // says so, because its only way on is to sign up again.
        if page != "c" {
            paths.push(format!("/{page}/{BRAND}/{good}"));
        }
        // Signed by us for one brand, with the row of another's.
        if purpose.lives_for().is_some() && page != "c" {
            let id = LinkId::from_bytes([number; 16]);
            tables
                .create_one_time(id, purpose, &brand_id("velo"), &customer, Confirms::Nothing, START)
                .await
                .unwrap();
            paths.push(format!("/{page}/{BRAND}/{}", token(purpose, BRAND, number, None)));
        }
        for path in paths {
            for (method, body) in [(Method::GET, ""), (Method::POST, form(page))] {
                let answer = ask(&handler, method, &path, body).await;
                assert!(answer == malformed, "{path}: {}", answer.status_code);
            }
        }
    }
}

#[tokio::test]
async fn a_fresh_link_that_was_used_and_one_that_came_too_late_get_the_same_answer_to_the_byte() {
    let (handler, tables, clock) = over_tables().await;
    let customer = CustomerId::new("camille").unwrap();
    let once = [
        ("a", LinkPurpose::Access, 1),
        ("r", LinkPurpose::Correct, 3),
        ("e", LinkPurpose::Erase, 5),
    ];
    let mut answers = Vec::new();
    for (page, purpose, number) in once {
        for id in [number, number + 1] {
            let link = LinkId::from_bytes([id; 16]);
            tables
                .create_one_time(link, purpose, &brand_id(BRAND), &customer, Confirms::Nothing, START)
                .await
                .unwrap();
        }
        let used = format!("/{page}/{BRAND}/{}", token(purpose, BRAND, number, None));
        assert_eq!(
            ask(&handler, Method::POST, &used, form(page)).await.status_code,
            200,
            "{page}"
        );
        for (method, body) in [(Method::GET, ""), (Method::POST, form(page))] {
            answers.push(ask(&handler, method, &used, body).await);
        }
    }
    clock.advance(SignedDuration::from_mins(15));
    for (page, purpose, number) in once {
        let late = format!("/{page}/{BRAND}/{}", token(purpose, BRAND, number + 1, None));
        for (method, body) in [(Method::GET, ""), (Method::POST, form(page))] {
            answers.push(ask(&handler, method, &late, body).await);
        }
    }
    assert_eq!(answers[0].status_code, 410);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}
