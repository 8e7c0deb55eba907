//! Words of a brand, an offer or a person that would be more than words: on every page and in every message they are
//! text, or they were refused by their field's name.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::sync::Arc;

use apropos_local::eml;
use apropos_local::http_client::Reply;
use apropos_local::mail_service::AcceptedMail;
use apropos_local::stack::StackError;
use apropos_tests::markup::{Markup, turns_text};
use apropos_tests::pages::{Doors, FORM, link, next_link};
use apropos_tests::words::{all_consents, campaign, consent, exhibition, lyonnais, with};
use apropos_tests::{BRAND, TestApp, accepted, brand};
use axum::http::{Method, StatusCode};
use mail_parser::{HeaderValue, Message, MessageParser};
use serde_json::{Value, json};

/// What would run, leave its place, begin a header or be decoded twice, if it were not text.
const HOSTILE: [&str; 6] = [
    "</title></style><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)' autofocus style='x:url(//evil.example)' x='",
    "<!--<svg/onload=alert(1)>&lt;script&gt;&#x3c;b&#x3e;",
    "=?utf-8?q?=0D=0ABcc:_x?= %0d%0aBcc:x\\r\\nBcc:x ",
    "🎁🇫🇷🙃 עברית عربى \u{1f44d}\u{1f3fd} e\u{301}",
];

const ADDRESS: &str = "o'neil&ltb&quot+x=/on*{}%0d@mail.example";

/// What each text of a brand and an offer may have, by where it stands.
const BRAND_TEXTS: [(&str, usize); 8] = [
    ("/name", 60),
    ("/imprint", 300),
    ("/topics/0/name/fr", 80),
    ("/topics/0/name/en", 80),
    ("/topics/1/name/fr", 80),
    ("/topics/1/name/en", 80),
    ("/notice/id", 64),
    ("/notice/version", 32),
];
const OFFER_TEXTS: [(&str, usize); 12] = [
    ("/title/fr", 150),
    ("/title/en", 150),
    ("/text/fr", 600),
    ("/text/en", 600),
    ("/places/0/name", 100),
    ("/uses/0/because/fr", 200),
    ("/uses/0/because/en", 200),
    ("/uses/1/because/fr", 200),
    ("/uses/1/because/en", 200),
    ("/rules/0/name", 60),
    ("/rules/0/because/fr", 200),
    ("/rules/0/because/en", 200),
];
const SALE_TEXTS: [(&str, usize); 3] = [
    ("/legal_basis/soft_opt_in/sale_reference", 100),
    ("/legal_basis/soft_opt_in/seller", 100),
    ("/legal_basis/soft_opt_in/similar_family", 100),
];
const EVIDENCE_TEXTS: [(&str, usize); 5] = [
    ("/evidence/affirmative_action", 200),
    ("/evidence/method", 100),
    ("/evidence/source", 300),
    ("/evidence/notice/id", 64),
    ("/evidence/notice/version", 32),
];

/// The words as a title may have them: one that a mail program would decode is refused.
fn title(words: &str) -> String {
    filled(&words.replace("=?", "= ?"), 150)
}

/// The words again and again, up to the longest that is accepted.
fn filled(words: &str, most: usize) -> String {
    let text: String = words.chars().cycle().take(most).collect();
    // White space around a name is dropped, and would be no longer what was given.
    format!("{}.", text.chars().take(most - 1).collect::<String>().trim())
}

fn with_texts(mut document: Value, texts: &[(&str, usize)], words: &str) -> Value {
    for (path, most) in texts {
        let text = if path.starts_with("/title") {
            title(words)
        } else {
            filled(words, *most)
        };
        *document.pointer_mut(path).unwrap() = text.into();
    }
    document
}

fn brand_with(words: &str) -> Value {
    with_texts(serde_json::to_value(brand(BRAND)).unwrap(), &BRAND_TEXTS, words)
}

/// An offer that has every text there is.
fn offer() -> Value {
    let suits = json!([{
        "name": "who likes it", "when": { "interested": "exhibition-tickets" }, "because": { "fr": "Non.", "en": "No." },
    }]);
    with(exhibition(), &[("rules", suits)])
}

/// A yes at a sale, which has texts of its own.
fn at_a_sale() -> Value {
    let conditions =
        json!({ "sale_reference": "s1", "seller": "Maison", "similar_family": "expos", "refusal_offered": true });
    let event = consent("camille", "sale", "email.events", "grant");
    with(event, &[("legal_basis", json!({ "soft_opt_in": conditions }))])
}

/// What was shown, and by what it is known: an answer of a page, or a message.
#[derive(Default)]
struct Shown {
    pages: Vec<(String, Reply)>,
    mails: Vec<Arc<AcceptedMail>>,
}

impl Shown {
    fn keep(&mut self, name: &str, reply: Reply) -> String {
        let text = reply.text();
        self.pages.push((name.to_owned(), reply));
        text
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// Goes through every page and message there is, where the brand and its offer say `words` and the person types `typed`.
async fn shown(words: &str, typed: &str) -> Shown {
    let app = TestApp::start().await;
    let settings = serde_json::from_value(brand_with(words)).unwrap();
    app.stack.put_brand(&settings).await.unwrap();
    let mut shown = Shown::default();
    signs_up(&app, typed, &mut shown).await;

    // An address may hold what looks like markup: after `&`, and without the semicolon, a browser would read some of it.
    let contact = json!({ "email": ADDRESS, "language": "fr" });
    app.store(&[with(lyonnais("camille"), &[("contact", contact)])]).await;
    let events: Vec<_> = all_consents("camille")
        .into_iter()
        .chain([with_texts(at_a_sale(), &SALE_TEXTS, words)])
        .map(|event| with_texts(event, &EVIDENCE_TEXTS, words))
        .collect();
    app.record(&events).await;
    app.add_offer(&with_texts(offer(), &OFFER_TEXTS, words)).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
    let message = app.outbox().last().unwrap().text.clone();
    let [leave, choose, why] = ["u", "p", "w"].map(|page| link(&message, page));
    leaves_and_chooses(&app, &leave, &choose, typed, &mut shown).await;
    sees_and_erases(&app, &why, typed, &mut shown).await;
    for path in [&leave, &choose, &why] {
        shown.keep("erased", app.visit(Method::GET, path).await);
    }
    shown.mails = app.outbox();
    shown
}

async fn signs_up(app: &TestApp, typed: &str, shown: &mut Shown) {
    let path = format!("/s/{BRAND}");
    shown.keep("sign-up", app.visit(Method::GET, &path).await);
    for (name, fields) in [
        (
            "sign-up with a wrong address",
            vec![("topic", "offers"), ("channel", "email"), ("email", typed)],
        ),
        (
            "sign-up of nothing",
            vec![("topic", typed), ("channel", typed), ("email", "new@mail.example")],
        ),
        ("unreadable sign-up", vec![(typed, typed)]),
        (
            "sign-up",
            vec![("topic", "offers"), ("channel", "email"), ("email", "new@mail.example")],
        ),
    ] {
        shown.keep(name, app.submit(&path, FORM, &form(&fields)).await);
    }
    app.drain().await;
    let confirm = link(&app.outbox().last().unwrap().text, "c");
    shown.keep("confirm", app.visit(Method::GET, &confirm).await);
    for fields in [("action", typed), ("action", "confirm"), ("action", "confirm")] {
        shown.keep("confirmed", app.submit(&confirm, FORM, &form(&[fields])).await);
    }
    // A second time, when all is confirmed, another message comes.
    let again = form(&[("topic", "offers"), ("channel", "email"), ("email", "new@mail.example")]);
    app.submit(&path, FORM, &again).await;
    app.drain().await;
}

async fn leaves_and_chooses(app: &TestApp, leave: &str, choose: &str, typed: &str, shown: &mut Shown) {
    shown.keep("leave", app.visit(Method::GET, leave).await);
    for fields in [("action", "leave"), ("action", typed), ("action", "undo")] {
        shown.keep("left", app.submit(leave, FORM, &form(&[fields])).await);
    }
    shown.keep("choices", app.visit(Method::GET, choose).await);
    let saved = |from: &str, until: &str| {
        let mut fields = vec![
            ("save", "all"),
            ("cap", "1-30"),
            ("language", "fr"),
            ("on", "email.offers"),
        ];
        fields.extend([
            ("on", "profiling"),
            ("on", "home_location"),
            ("interest", "exhibition-tickets"),
        ]);
        fields.extend([("quiet_from", from), ("quiet_until", until)]);
        form(&fields)
    };
    for (name, body) in [
        ("choices with wrong hours", saved(typed, typed)),
        ("choices saved", saved("", "")),
        ("unknown choice", form(&[("purpose", typed), ("set", "on")])),
    ] {
        shown.keep(name, app.submit(choose, FORM, &body).await);
    }
}

async fn sees_and_erases(app: &TestApp, why: &str, typed: &str, shown: &mut Shown) {
    let ask = why.replacen("/w/", "/d/", 1);
    shown.keep("why", app.visit(Method::GET, why).await);
    shown.keep("ask", app.visit(Method::GET, &ask).await);
    shown.keep(
        "asked for what is not there",
        app.submit(&ask, FORM, &form(&[("ask", typed)])).await,
    );
    let mut fresh = Vec::new();
    for (what, page) in [("access", "a"), ("correct", "r"), ("erase", "e")] {
        shown.keep("asked", app.submit(&ask, FORM, &form(&[("ask", what)])).await);
        app.drain().await;
        fresh.push(link(&app.outbox().last().unwrap().text, page));
        shown.keep("door", app.visit(Method::GET, fresh.last().unwrap()).await);
    }
    let data = shown.keep("data", app.submit(&fresh[0], FORM, &form(&[("show", typed)])).await);
    assert!(Markup::read(&data).text.contains(ADDRESS), "{data}");
    let file = app.submit(&next_link(&data, "a"), FORM, "show=json").await;
    shown.keep("file", file);
    shown.keep("used", app.visit(Method::GET, &fresh[0]).await);
    let mut page = shown.keep("correct", app.submit(&fresh[1], FORM, &form(&[("open", typed)])).await);
    for fields in [
        [("field", "home"), ("value", typed)],
        [("field", typed), ("value", typed)],
        [("field", "dwelling.garden"), ("value", "true")],
    ] {
        page = shown.keep(
            "corrected",
            app.submit(&next_link(&page, "r"), FORM, &form(&fields)).await,
        );
    }
    shown.keep(
        "unreadable erasure",
        app.submit(&fresh[2], FORM, &form(&[("erase", typed)])).await,
    );
    shown.keep("erased", app.submit(&fresh[2], FORM, "erase=yes").await);
}

/// What a page says besides its words: status, headers, and its tags.
fn shape(reply: &Reply) -> (StatusCode, Vec<(String, String)>, Vec<String>) {
    let headers = reply.headers.iter();
    let headers = headers
        .filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let tags = match reply.media_type() {
        "text/html" => Markup::read(&reply.text()).shape,
        _ => Vec::new(),
    };
    (reply.status, headers, tags)
}

/// The names of a message's headers as they stand in it, in their order.
fn header_names(mail: &AcceptedMail) -> Vec<String> {
    let eml = String::from_utf8(eml::render(mail)).unwrap();
    let (head, _) = eml.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
}

fn name_of_sender(message: &Message<'_>) -> String {
    let from = message.from().unwrap().first().unwrap();
    from.name().unwrap().to_owned()
}

#[tokio::test]
async fn the_longest_hostile_words_change_nothing_of_any_page_or_message_but_its_text() {
    let plain = shown("Plain words", "plain").await;
    assert!(
        plain.pages.len() > 30 && plain.mails.len() == 6,
        "{}",
        plain.mails.len()
    );
    let hidden = "\u{202e}\u{2066}gpj.\u{200f}exe";
    let broken = "a\r\nSet-Cookie: a=b\r\n\r\n\0<b>";
    let long = "x".repeat(5_000);
    let typed = [hidden, broken, &long].map(|typed| (HOSTILE[0], typed));
    for (words, typed) in HOSTILE.map(|words| (words, words)).into_iter().chain(typed) {
        let hostile = shown(words, typed).await;
        assert_eq!(hostile.pages.len(), plain.pages.len());
        let mut told = 0;
        for ((name, page), (_, plain)) in hostile.pages.iter().zip(&plain.pages) {
            assert_eq!(shape(page), shape(plain), "{name} {words}");
            if page.media_type() == "text/html" {
                let markup = Markup::read(&page.text());
                assert_eq!(markup.dangers(), Vec::<String>::new(), "{name} {words}");
                told += usize::from(markup.text.contains(&filled(words, 60)));
            }
        }
        // The brand is named on every page but those for strangers.
        assert!(told > 20, "{words}: {told}");
        assert_eq!(hostile.mails.len(), plain.mails.len());
        for (mail, plain) in hostile.mails.iter().zip(&plain.mails) {
            inert(mail, plain, words);
        }
    }
}

#[tokio::test]
async fn ten_thousand_characters_in_a_form_are_told_beside_their_field_and_more_are_no_form() {
    let app = TestApp::start().await;
    let doors = Doors::of(&app).await;
    let before = app.stored().await;
    let (long, longer) = ("x".repeat(10_000), "x".repeat(20_000));
    let sign_up = |address: &str| form(&[("topic", "offers"), ("channel", "email"), ("email", address)]);
    let choices = |from: &str| {
        form(&[
            ("save", "all"),
            ("cap", "brand"),
            ("language", "fr"),
            ("quiet_from", from),
        ])
    };
    for (page, body, status, field) in [
        ("s", sign_up(&long), 400, "email"),
        ("p", choices(&long), 422, "quiet-from"),
    ] {
        let reply = app.submit(doors.at(page), FORM, &body).await;
        assert_eq!(reply.status, status, "/{page}");
        let markup = Markup::read(&reply.text());
        assert_eq!(markup.dangers(), Vec::<String>::new());
        let html = reply.text();
        let (_, input) = html.split_once(&format!("id=\"{field}\"")).unwrap();
        assert!(
            input.split('>').next().unwrap().contains("aria-invalid=\"true\""),
            "/{page}"
        );
    }
    for (page, body) in [
        ("s", sign_up(&longer)),
        ("p", choices(&longer)),
        ("u", form(&[("action", &longer)])),
        ("c", form(&[("action", &longer)])),
        ("d", form(&[("ask", &longer)])),
        ("w", form(&[("ask", &longer)])),
        ("a", form(&[("show", &longer)])),
        ("r", form(&[("value", &longer)])),
        ("e", form(&[("erase", &longer)])),
    ] {
        let reply = app.submit(doors.at(page), FORM, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "/{page}");
    }
    assert_eq!(before.changes(&app.stored().await), Vec::<&str>::new());
    // The link was not used up by a form that is none; a value that is none is told.
    let refused = form(&[("field", "dwelling.floor"), ("value", &long)]);
    let told = app.submit(doors.at("r"), FORM, &refused).await;
    assert!(told.text().contains("role=\"alert\"") && !told.text().contains("xxxx"));
}

fn inert(mail: &AcceptedMail, plain: &AcceptedMail, words: &str) {
    assert_eq!(header_names(mail), header_names(plain), "{words}");
    for (name, value) in &mail.headers {
        let printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert!(printable, "{name}: {value}");
    }
    assert!(!mail.subject.chars().any(|char| char.is_control() || turns_text(char)));
    assert!(
        !mail
            .text
            .chars()
            .any(|char| turns_text(char) || (char.is_control() && char != '\n'))
    );
    let (html, plain_html) = (Markup::read(&mail.html), Markup::read(&plain.html));
    assert_eq!(html.shape, plain_html.shape, "{words}");
    assert_eq!(html.dangers(), Vec::<String>::new(), "{words}");
    assert!(
        html.text.contains(&filled(words, 300)) && mail.text.contains(&filled(words, 300)),
        "{words}"
    );

    // And as a mail client reads it.
    let eml = eml::render(mail);
    let message = MessageParser::default().parse(&eml).unwrap();
    assert_eq!(message.subject(), Some(mail.subject.as_str()));
    assert_eq!(name_of_sender(&message), filled(words, 60));
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some(mail.to.as_str()));
    for absent in ["Bcc", "Cc", "Set-Cookie"] {
        assert!(message.header(absent).is_none(), "{absent}");
    }
    let count = |wanted: &str| message.header_values(wanted).count();
    let offers = usize::from(mail.tag("campaign").is_some());
    assert_eq!(
        (count("List-Unsubscribe"), count("List-Unsubscribe-Post")),
        (offers, offers)
    );
    if offers == 1 {
        assert_eq!(mail.subject, title(words));
        let HeaderValue::Text(post) = message.header("List-Unsubscribe-Post").unwrap() else {
            unreachable!("the header is one text")
        };
        assert_eq!(post, "List-Unsubscribe=One-Click");
    }
    assert_eq!(
        message.body_text(0).unwrap().trim_end().replace("\r\n", "\n"),
        mail.text.trim_end()
    );
    assert_eq!(
        message.body_html(0).unwrap().trim_end().replace("\r\n", "\n"),
        mail.html.trim_end()
    );
}

const EMOJI: &str = "family of emoji";

/// What nobody sees, turns the text around or ends a line, and what is too long for anything.
fn refused_words() -> Vec<(&'static str, String)> {
    vec![
        ("CRLF", "a\r\nBcc: x".to_owned()),
        ("line feed", "a\nb".to_owned()),
        ("next line", "a\u{85}b".to_owned()),
        ("line separator", "a\u{2028}b".to_owned()),
        ("NUL", "a\0b".to_owned()),
        ("escape", "a\u{1b}[31mb".to_owned()),
        ("right-to-left override", "a\u{202e}b".to_owned()),
        ("right-to-left isolate", "a\u{2067}b".to_owned()),
        ("left-to-right isolate", "a\u{2066}b".to_owned()),
        ("right-to-left mark", "a\u{200f}b".to_owned()),
        ("zero width", "a\u{200b}b".to_owned()),
        (EMOJI, "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".to_owned()),
        ("tag", "a\u{e0041}b".to_owned()),
        ("nothing", " ".to_owned()),
        ("10 000 characters", "é".repeat(10_000)),
    ]
}

/// `/places/0/name` as the field `places[0].name`.
fn field_of(path: &str) -> String {
    let mut field = String::new();
    for part in path.split('/').skip(1) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            field.push_str(&format!("[{part}]"));
        } else {
            let joint = if field.is_empty() { "" } else { "." };
            field.push_str(&format!("{joint}{part}"));
        }
    }
    field
}

/// Every text of a document with each of the refused words, and with one character more than the most.
fn refused_documents(document: &Value, texts: &[(&str, usize)]) -> Vec<(String, String, Value)> {
    let mut documents = Vec::new();
    for (path, most) in texts {
        let mut words = refused_words();
        words.push(("one more than the most", "é".repeat(most + 1)));
        if path.starts_with("/title") {
            words.push(("what is decoded to an override", "=?utf-8?B?4oCu?=".to_owned()));
        }
        // A message's own words may hold what joins emoji.
        let is_prose = path.starts_with("/title") || path.starts_with("/text");
        for (name, words) in words {
            let mut document = document.clone();
            *document.pointer_mut(path).unwrap() = words.into();
            let name = if is_prose && name == EMOJI { "accepted" } else { name };
            documents.push((name.to_owned(), field_of(path), document));
        }
        let mut longest = document.clone();
        *longest.pointer_mut(path).unwrap() = "é".repeat(*most).into();
        documents.push(("accepted".to_owned(), field_of(path), longest));
    }
    documents
}

#[tokio::test]
async fn words_that_hide_turn_or_never_end_are_refused_by_the_name_of_their_field_wherever_a_brand_writes() {
    let app = TestApp::start().await;
    let mut refused = 0;
    for (name, field, document) in refused_documents(&serde_json::to_value(brand(BRAND)).unwrap(), &BRAND_TEXTS) {
        let settings = serde_json::from_value(document).unwrap();
        match app.stack.put_brand(&settings).await {
            Ok(()) => assert_eq!(name, "accepted", "{field}"),
            Err(StackError::Brand(error)) => assert_eq!((name == "accepted", error.field), (false, field), "{name}"),
            Err(error) => panic!("{error}"),
        }
        refused += 1;
    }
    for (name, field, document) in refused_documents(&offer(), &OFFER_TEXTS) {
        let reply = app.post("/v1/offers", &document).await;
        if name == "accepted" {
            accepted(&reply);
            continue;
        }
        assert_eq!(reply.status, 422, "{name} {field}");
        assert_eq!(reply.json::<Value>().unwrap()["field"], field, "{name}");
        refused += 1;
    }
    let texts = [EVIDENCE_TEXTS.as_slice(), &SALE_TEXTS].concat();
    for (number, (name, field, document)) in refused_documents(&at_a_sale(), &texts).into_iter().enumerate() {
        let document = with(document, &[("event", json!(format!("e{number}")))]);
        let answer = accepted(&app.post("/v1/consents", &json!({ "events": [document] })).await);
        let problem = &answer["results"][0]["problem"];
        if name == "accepted" {
            assert_eq!(answer["recorded"], 1, "{answer}");
            continue;
        }
        assert_eq!(
            (&problem["status"], &problem["field"]),
            (&json!(422), &json!(field)),
            "{name} {answer}"
        );
        refused += 1;
    }
    assert!(refused > 400, "{refused}");
}

#[tokio::test]
async fn words_in_a_persons_record_are_one_of_ours_or_refused_by_the_name_of_their_field() {
    let app = TestApp::start().await;
    let record = with(
        lyonnais("camille"),
        &[
            ("facts", json!({ "dwelling.kind": "flat" })),
            ("purchases", json!([{ "category": "candles", "on": "2026-11-02" }])),
            ("last_activity", json!("2026-11-02")),
            (
                "contact",
                json!({ "email": "camille@mail.example", "language": "fr", "time_zone": "Europe/Paris" }),
            ),
        ],
    );
    accepted(&app.post("/v1/customers", &json!({ "customers": [record] })).await);
    let stored = app.stored().await;
    let words = refused_words().into_iter().map(|(_, words)| words);
    let words: Vec<_> = HOSTILE.into_iter().map(str::to_owned).chain(words).collect();
    for (path, field) in [
        ("/customer", "customer"),
        ("/contact/email", "contact.email"),
        ("/contact/language", "contact.language"),
        ("/contact/time_zone", "contact.time_zone"),
        ("/home/commune", "home.commune"),
        ("/interests/0", "interests[0]"),
        ("/facts/dwelling.kind", "facts.dwelling.kind"),
        ("/purchases/0/category", "purchases[0].category"),
        ("/purchases/0/on", "purchases[0].on"),
        ("/last_activity", "last_activity"),
    ] {
        for words in &words {
            let mut record = record.clone();
            *record.pointer_mut(path).unwrap() = words.as_str().into();
            let answer = accepted(&app.post("/v1/customers", &json!({ "customers": [record] })).await);
            let problem = &answer["results"][0]["problem"];
            assert_eq!(
                (&problem["status"], &problem["field"]),
                (&json!(422), &json!(field)),
                "{words:?} {answer}"
            );
        }
    }
    assert_eq!(stored.changes(&app.stored().await), Vec::<&str>::new());
}
