//! Every public page, with a link that opens it: read from the gateway's routes, so that none can be added and left out.

use std::collections::BTreeMap;

use apropos_local::gateway::{ROUTES, Route};
use axum::http::StatusCode;

use crate::words::{campaign, exhibition, lyonnais};
use crate::{BRAND, TestApp, path_of};

/// The media type of a page's own form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Where the person of these links is written to.
pub const CAMILLE: &str = "camille@mail.example";

/// The routes that anyone may call without a key.
pub fn public_routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.scope.is_none())
}

/// The first part of a public route's path, by which its page is known.
#[must_use]
pub fn first_part(route: &Route) -> &'static str {
    route.pattern.split('/').nth(1).unwrap_or_default()
}

/// A path that opens each public route, by the first part: links of a message to Camille, fresh ones that she asked for,
/// and those of a sign-up of somebody else, none of them used.
#[derive(Debug, Clone)]
pub struct Doors(BTreeMap<&'static str, String>);

impl Doors {
    /// Has the messages sent that the links come in.
    pub async fn of(app: &TestApp) -> Self {
        app.welcome(&lyonnais("camille")).await;
        app.add_offer(&exhibition()).await;
        app.add_campaign(&campaign("expo-1", "expo")).await;
        app.take_through("expo-1").await;
        let message = last_text(app);
        let why = link(&message, "w");
        let mut doors = BTreeMap::from([
            ("u", link(&message, "u")),
            ("p", link(&message, "p")),
            ("d", why.replacen("/w/", "/d/", 1)),
            ("w", why),
            ("s", format!("/s/{BRAND}")),
            (".well-known", "/.well-known/apropos-receipt-key".to_owned()),
        ]);
        let form = "topic=offers&channel=email&email=new%40mail.example&language=fr&website=";
        let signed_up = app.submit(&format!("/s/{BRAND}"), FORM, form).await;
        assert_eq!(signed_up.status, StatusCode::OK, "{}", signed_up.text());
        app.drain().await;
        doors.insert("c", link(&last_text(app), "c"));
        let doors = Self(doors);
        let fresh = [
            ("a", doors.ask(app, "access").await),
            ("r", doors.ask(app, "correct").await),
            ("e", doors.ask(app, "erase").await),
        ];
        let mut doors = doors.0;
        doors.extend(fresh);
        Self(doors)
    }

    /// The path that opens a public route.
    #[must_use]
    pub fn to(&self, route: &Route) -> &str {
        self.at(first_part(route))
    }

    /// The path of a page, by the first part of it.
    #[must_use]
    pub fn at(&self, page: &str) -> &str {
        let known = self.0.get(page).map(String::as_str);
        known.expect("every public page is opened here: give the new one a link, and it is covered by every story")
    }

    /// Asks for a fresh link, and takes it out of the message that it comes in.
    pub async fn ask(&self, app: &TestApp, what: &str) -> String {
        let asked = app.submit(self.at("d"), FORM, &format!("ask={what}")).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
        app.drain().await;
        let page = match what {
            "access" => "a",
            "correct" => "r",
            _ => "e",
        };
        link(&last_text(app), page)
    }
}

fn last_text(app: &TestApp) -> String {
    let mails = app.outbox();
    mails.last().expect("a message was sent").text.clone()
}

/// The path of the first link to a page in a message's text.
#[must_use]
pub fn link(text: &str, page: &str) -> String {
    let wanted = format!("/{page}/");
    let mut lines = text.lines().map(str::trim).filter(|line| line.starts_with("http"));
    let line = lines.find(|line| path_of(line).starts_with(&wanted));
    path_of(line.expect("the message has the link")).to_owned()
}

/// The path of the first form or link on a page that leads to another.
#[must_use]
pub fn next_link(html: &str, page: &str) -> String {
    let (_, rest) = html.split_once(&format!("=\"/{page}/")).expect("the page leads there");
    format!("/{page}/{}", rest.split('"').next().unwrap_or_default())
}
