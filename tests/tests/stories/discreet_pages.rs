//! The pages of sign-up and of one's data name the person to the person alone (I12): not to the log at any of our levels,
//! not to a queue, an address, a tag or an error, and after an erasure to no table.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_local::mail_service::{Fault, RefusalKind};
use apropos_tests::pages::{FORM, link, next_link};
use apropos_tests::words::{campaign, exhibition};
use apropos_tests::{BRAND, TestApp};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::Value;

use crate::stories::discreet::{ADDRESS, CUSTOMER, NAME, assert_discreet, listen, log, queued, told, zephyrine};

/// What a person types, and nobody else ever wrote.
const TYPED: &str = "canari-tape-42";

/// Every link that a text shows, by its token alone.
fn tokens_in(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for page in ["u", "p", "d", "w", "c", "a", "r", "e"] {
        for rest in text.split(&format!("/{page}/{BRAND}/")).skip(1) {
            let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '-' && char != '_');
            tokens.push(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    tokens
}

/// What was said on the way, to be searched at the end.
#[derive(Default)]
struct Heard {
    /// Answers that anyone may come to see: of forwarded links, and errors.
    open: String,
    /// Every token that was in a message or on a page.
    tokens: Vec<String>,
}

impl Heard {
    async fn open(&mut self, app: &TestApp, path: &str) -> String {
        let reply = app.visit(Method::GET, path).await;
        self.open.push_str(&told(&reply.headers, &reply.text()));
        self.tokens.extend(tokens_in(&reply.text()));
        reply.text()
    }

    /// Sends forms that are refused, and one that is not, whose answer is for the person.
    async fn press(&mut self, app: &TestApp, path: &str, refused: &[&str], form: &str) -> String {
        for refused in refused {
            let reply = app.submit(path, FORM, refused).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path} {refused}");
            self.open.push_str(&told(&reply.headers, &reply.text()));
        }
        let reply = app.submit(path, FORM, form).await;
        assert_eq!(reply.status, StatusCode::OK, "{path} {form}");
        self.tokens.extend(tokens_in(&reply.text()));
        reply.text()
    }

    /// Looks at the queues, hands everything on with a fault on the way, and takes in the message.
    async fn message(&mut self, app: &TestApp) -> String {
        let bodies = queued(app);
        assert!(!bodies.is_empty());
        assert_discreet("a queue", &bodies, &[ADDRESS, NAME, TYPED, "127.0.0.1"]);
        self.not_in("a queue", &bodies);
        let before = app.outbox().len();
        for fault in [Fault::Throttle, Fault::Reject(RefusalKind::SendingPaused)] {
            app.stack.mails().inject(fault);
        }
        let released = app.stack.release_due_until_idle(SignedDuration::from_mins(10)).await;
        released.unwrap();
        let mails = app.outbox();
        assert_eq!(mails.len(), before + 1);
        let mail = mails.last().unwrap();
        assert_eq!(mail.to, ADDRESS);
        self.tokens.extend(tokens_in(&mail.text));
        let tags: Vec<_> = mail
            .tags
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_discreet("a tag", &tags.join(" "), &[ADDRESS, NAME, CUSTOMER]);
        self.not_in("a tag", &tags.join(" "));
        for line in mail.text.lines().filter(|line| line.starts_with("http")) {
            assert_discreet("a link", line, &[ADDRESS, NAME, CUSTOMER]);
        }
        mail.text.clone()
    }

    fn not_in(&self, place: &str, text: &str) {
        let tokens: Vec<&str> = self.tokens.iter().map(String::as_str).collect();
        assert_discreet(place, text, &tokens);
    }

    /// At the end of a story: nothing of the person in what anyone may see, and no token in the log either.
    fn assert_discreet(&self, at_least: usize, logged: &[&str]) {
        assert!(self.tokens.len() >= at_least, "{}", self.tokens.len());
        assert_discreet("a page", &self.open, &[ADDRESS, NAME, CUSTOMER, TYPED]);
        let log = log();
        for words in logged {
            assert!(log.contains(words), "the log was listened to: {words}");
        }
        assert_discreet("the log", &log, &[ADDRESS, NAME, TYPED]);
        self.not_in("the log", &log);
    }
}

/// A stack where the person was sent a message; with its link to the reasons.
async fn written_to(heard: &mut Heard) -> (TestApp, String) {
    listen();
    let app = TestApp::start().await;
    app.welcome(&zephyrine()).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    app.take_through("expo-1").await;
    let message = app.outbox()[0].text.clone();
    heard.tokens.extend(tokens_in(&message));
    (app, link(&message, "w"))
}

/// A form whose names and values are the person's, which no page has.
fn foreign(name: &str) -> String {
    format!("{name}={TYPED}&email={}", ADDRESS.replace('@', "%40"))
}

#[tokio::test]
async fn from_why_to_the_data_and_their_correction_only_the_persons_own_page_names_them() {
    let mut heard = Heard::default();
    let (app, why) = written_to(&mut heard).await;
    heard.open(&app, &why).await;
    let ask = why.replacen("/w/", "/d/", 1);
    heard.open(&app, &ask).await;
    let wrong = [foreign("ask"), format!("ask={TYPED}"), format!("{TYPED}=%")];
    let wrong = wrong.each_ref().map(String::as_str);
    let asked = heard.press(&app, &ask, &wrong, "ask=access").await;
    heard.open.push_str(&asked);
    let access = link(&heard.message(&app).await, "a");
    heard.open(&app, &access).await;
    let data = heard.press(&app, &access, &[], &format!("show={TYPED}")).await;
    assert!(data.contains(ADDRESS), "it is their own page");
    let file = heard.press(&app, &next_link(&data, "a"), &[], "show=json").await;
    let file: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(file["contact"]["email"], ADDRESS);
    // Where they live is in the file, and what names the place is nowhere else.
    let home = file["context"]["home"]["cell"].as_str().unwrap();

    let mut page = heard.press(&app, &next_link(&data, "r"), &[], "open=correct").await;
    for form in [
        format!("field=home&value={TYPED}"),
        format!("field={TYPED}&value={TYPED}"),
        format!("field=dwelling.garden&value={NAME}"),
        "field=home&value=75011".to_owned(),
        "field=no_profiling".to_owned(),
    ] {
        page = heard.press(&app, &next_link(&page, "r"), &[], &form).await;
        heard.open.push_str(&page);
    }
    let corrected = app.stored().await;
    assert!(corrected.holding(TYPED).is_empty(), "{:?}", corrected.holding(TYPED));
    // Used, late, cut and forged links are refused without a word about whose they are.
    for path in [
        access.clone(),
        format!("{access}{NAME}"),
        access.replace("/a/", "/e/"),
        format!("/a/{BRAND}/{NAME}"),
    ] {
        heard.open(&app, &path).await;
        let reply = app.submit(&path, FORM, &foreign("show")).await;
        heard.open.push_str(&told(&reply.headers, &reply.text()));
    }
    heard.assert_discreet(10, &["a choice was recorded", "answered", "not now"]);
    assert_discreet("the log", &log(), &[home]);
}

#[tokio::test]
async fn an_erasure_names_nobody_and_leaves_nobody_in_any_table() {
    let mut heard = Heard::default();
    let (app, why) = written_to(&mut heard).await;
    app.advance(SignedDuration::from_mins(5));
    let ask = why.replacen("/w/", "/d/", 1);
    heard.press(&app, &ask, &[], "ask=erase").await;
    let erase = link(&heard.message(&app).await, "e");
    heard.open(&app, &erase).await;
    assert!(!app.stored().await.holding(NAME).is_empty(), "the comparison sees them");
    let wrong = [
        foreign("erase"),
        "erase=no".to_owned(),
        format!("erase=yes&name={NAME}"),
    ];
    let wrong = wrong.each_ref().map(String::as_str);
    let certificate = heard.press(&app, &erase, &wrong, "erase=yes").await;
    heard.open.push_str(&certificate);
    for _ in 0..2 {
        app.advance(SignedDuration::from_mins(15));
        app.stack.tick().await.unwrap();
    }
    assert!(app.stack.tables().pending_erasures().await.unwrap().is_empty());
    for path in [&why, &ask, &erase] {
        heard.open(&app, path).await;
    }
    heard.assert_discreet(4, &["a person was erased", "answered"]);
    for name in [ADDRESS, NAME, "canari.example"] {
        let stored = app.stored().await;
        assert_eq!(stored.holding(name), Vec::<&str>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_sign_up_and_its_confirmation_name_nobody_however_the_form_is_filled_in() {
    listen();
    let mut heard = Heard::default();
    let app = TestApp::start().await;
    let path = format!("/s/{BRAND}");
    heard.open(&app, &path).await;
    let address = ADDRESS.replace('@', "%40");
    let wrong = [
        foreign("topic"),
        format!("topic=offers&channel=email&email={address}&language={TYPED}"),
        format!("topic=offers&channel=email&email={address}&{TYPED}=1"),
        format!("{TYPED}={address}"),
    ];
    let wrong = wrong.each_ref().map(String::as_str);
    let form = format!("topic=offers&channel=email&email={address}");
    let sent = heard.press(&app, &path, &wrong[1..], &form).await;
    heard.open.push_str(&sent);
    let confirm = link(&heard.message(&app).await, "c");
    heard.open(&app, &confirm).await;
    let wrong = [foreign("action"), format!("action={TYPED}")];
    let wrong = wrong.each_ref().map(String::as_str);
    let confirmed = heard.press(&app, &confirm, &wrong, "action=confirm").await;
    heard.open.push_str(&confirmed);
    heard.open(&app, &confirm).await;
    // Their choices, by the link that the page of the confirmation leads to.
    let choices = next_link(&confirmed, "p");
    heard.open(&app, &choices).await;
    let saved = format!("save=all&cap=brand&language=fr&quiet_from={TYPED}&quiet_until={NAME}");
    let reply = app.submit(&choices, FORM, &saved).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        reply.text().contains(TYPED),
        "what was typed is shown again to whoever typed it"
    );
    // And an address that is none is shown to nobody but whoever typed it.
    let reply = app
        .submit(&path, FORM, &format!("topic=offers&channel=email&email={TYPED}"))
        .await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    heard.assert_discreet(
        2,
        &["a sign-up was taken in", "a subscription was confirmed", "not now"],
    );
}
