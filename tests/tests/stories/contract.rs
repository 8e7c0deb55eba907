//! The contract says what the stack does: the same calls, the same scopes, the same words, and answers to the letter.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;

use apropos_core::api_key::Scope;
use apropos_core::attribute::{Attribute, Fact};
use apropos_core::category::Category;
use apropos_core::product_code::{google, gpc, named};
use apropos_core::reason::Reason;
use apropos_core::relevance::Factor;
use apropos_local::gateway::ROUTES;
use apropos_local::http_client::Reply;
use apropos_tests::contract::{Answer, Contract, Operation, calls_of_contract, calls_of_routes};
use apropos_tests::words::{campaign, exhibition, lyonnais};
use apropos_tests::{BRAND, TestApp};
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Method};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stories::my_data::{FORM, fresh_link, link};

/// The examples in the order in which they make a story; `-` hands every queued message on.
const STORY: &[&str] = &[
    "storeCustomers two_customers",
    "storeCustomers one_refused",
    "recordConsents web_form",
    "recordConsents sent_again",
    "recordConsents soft_opt_in",
    "recordConsents no_notice",
    "addOffer exhibition",
    "addOffer exhibition_reworded",
    "addOffer tall_tree",
    "addOffer undeclared_fact",
    "createCampaign near_the_hall",
    "createCampaign active_only",
    "createCampaign at_their_hour",
    "createCampaign same_id_again",
    "createCampaign unknown_offer",
    "createCampaign undeclared_segment",
    "createCampaign near_no_place",
    "previewCampaign reach",
    "previewCampaign first_version",
    "previewCampaign draft",
    "previewCampaign unknown_version",
    "previewCampaign undeclared_in_draft",
    "launchCampaign first",
    "launchCampaign same_run",
    "launchCampaign run_of_another_campaign",
    "-",
    "reportCampaign sent_and_spared",
    "explainDecision sent",
    "explainDecision never_considered",
    "explainDecision unknown_run",
    "launchCampaign again_a_week_later",
    "pauseCampaign latest",
    "resumeCampaign latest",
    "cancelCampaign latest",
    "pauseCampaign cancelled_run",
    "resumeCampaign cancelled_run",
    "cancelCampaign cancelled_run",
    "rankOffers for_a_shop_page",
    "rankOffers unknown_customer",
    "rankOffers unknown_topic",
    "rankOffers what_is_needed_next",
    "reportMinimisation usual",
    "reportMinimisation no_days",
];

/// Refusals that need no story: whatever is stored, they are answered so.
const REFUSALS: [&str; 4] = ["no_key", "missing_scope", "not_json", "unknown_campaign"];

#[test]
fn the_contract_and_the_local_stack_answer_the_same_calls() {
    assert_eq!(calls_of_contract(&Contract::read()), calls_of_routes(&ROUTES));
}

#[test]
fn the_contract_names_the_scope_that_each_route_asks_for() {
    let contract = Contract::read();
    for operation in contract.operations() {
        let method = operation.method();
        let route = ROUTES
            .iter()
            .find(|route| [method.as_str(), "ANY"].contains(&route.method) && route.pattern == operation.path);
        let scope = route.unwrap().scope.map(Scope::code);
        assert_eq!(operation.scope(), scope, "{}", operation.id());
        assert_eq!(operation.needs_a_key(), scope.is_some(), "{}", operation.id());
    }
}

#[test]
fn the_contract_lists_the_words_of_the_domain_in_their_order() {
    let contract = Contract::read();
    let words = |schema| contract.words(schema);
    let codes = |codes: Vec<&'static str>| codes;
    assert_eq!(words("Reason"), codes(Reason::ALL.map(Reason::code).into()));
    let slugs = Category::all().map(|category| category.slug().to_owned());
    let google = Category::all()
        .filter_map(google)
        .map(|code| format!("google:{}", code.id));
    let bricks = Category::all().flat_map(gpc).map(|brick| format!("gpc:{}", brick.id));
    // One that means several categories names none.
    let codes_of_others = google.chain(bricks).filter(|code| named(code).is_ok());
    let named: Vec<String> = slugs.chain(codes_of_others).collect();
    assert_eq!(words("Category"), named);
    assert_eq!(
        words("Attribute"),
        codes(Attribute::all().map(Attribute::code).collect())
    );
    assert_eq!(words("Fact"), codes(Fact::ALL.map(Fact::code).into()));
    assert_eq!(words("Factor"), codes(Factor::ALL.map(Factor::code).into()));
    let facts = contract.schema("Facts")["properties"].as_object().unwrap();
    let facts: BTreeSet<_> = facts.keys().map(String::as_str).collect();
    assert_eq!(facts, Fact::ALL.map(Fact::code).into());
}

#[test]
fn every_example_is_of_its_schema() {
    let contract = Contract::read();
    let mut checked = 0;
    for operation in contract.operations() {
        let forms = [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ];
        let bodies = forms
            .into_iter()
            .filter_map(|media_type| operation.body(media_type))
            .flat_map(|(schema, examples)| examples.into_iter().map(move |(_, value)| (schema, value)));
        let answers = operation.answers();
        let examples = bodies
            .chain(operation.parameter_examples())
            .chain(answers.iter().flat_map(|answer| answer.illustrations()));
        for (schema, value) in examples {
            let faults = contract.faults(schema, value);
            assert!(faults.is_empty(), "{} {value}: {faults:?}", operation.id());
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn every_example_belongs_to_an_answer_and_every_answer_is_tried() {
    let contract = Contract::read();
    let mut documented = BTreeSet::new();
    let mut asked = BTreeSet::new();
    let mut answered = BTreeSet::new();
    for operation in contract.operations() {
        for answer in operation.answers() {
            for (_, name, _) in answer.examples() {
                documented.insert(format!("{} {name}", operation.id()));
                answered.insert(name);
            }
        }
        if let Some((_, examples)) = operation.body("application/json") {
            asked.extend(examples.into_iter().map(|(name, _)| name));
        }
    }
    documented.retain(|example| !REFUSALS.iter().any(|refusal| example.ends_with(&format!(" {refusal}"))));
    let told: BTreeSet<_> = STORY
        .iter()
        .filter(|step| **step != "-")
        .map(|step| (*step).to_owned())
        .collect();
    assert_eq!(documented, told);
    let unanswered: Vec<_> = asked.difference(&answered).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
}

#[tokio::test]
async fn each_example_gets_the_answer_that_the_contract_gives_it() {
    let contract = Contract::read();
    let app = TestApp::start().await;
    let key = app.scoped_key(&Scope::ALL.map(Scope::code).join(" ")).await;
    let mut differences = Vec::new();
    for step in STORY {
        let Some((operation, example)) = step.split_once(' ') else {
            app.drain().await;
            continue;
        };
        let operation = contract.operation(operation);
        let reply = ask(&app, operation, example, &key).await;
        differences.extend(difference(&contract, operation, example, &reply));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn each_refusal_that_all_operations_share_is_answered_as_the_contract_says() {
    let contract = Contract::read();
    let app = TestApp::start().await;
    let all: Vec<_> = Scope::ALL.map(Scope::code).into();
    let key = app.scoped_key(&all.join(" ")).await;
    // The campaign that the other examples name.
    for (operation, example) in [("addOffer", "exhibition"), ("createCampaign", "near_the_hall")] {
        ask(&app, contract.operation(operation), example, &key).await;
    }
    let mut tried = 0;
    let mut differences = Vec::new();
    for operation in contract.operations() {
        let answers = operation.answers();
        let names: BTreeSet<_> = answers
            .iter()
            .flat_map(|answer| answer.examples())
            .map(|(_, name, _)| name)
            .filter(|name| REFUSALS.contains(name))
            .collect();
        for example in names {
            let first = operation
                .body("application/json")
                .and_then(|(_, examples)| Some(examples.first()?.1.to_string()));
            let (key, body) = match example {
                "no_key" => (None, first),
                "missing_scope" => {
                    let others = all.iter().filter(|scope| Some(**scope) != operation.scope());
                    let others: Vec<_> = others.copied().collect();
                    (Some(app.scoped_key(&others.join(" ")).await), first)
                }
                "not_json" => {
                    let mut cut = first.unwrap();
                    cut.pop();
                    (Some(key.clone()), Some(cut))
                }
                _ => (Some(key.clone()), None),
            };
            let reply = call(&app, operation, example, key.as_deref(), body).await;
            differences.extend(difference(&contract, operation, example, &reply));
            tried += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(tried > 30, "{tried}");
}

/// Where the links of a message to Camille lead, by the page of each.
async fn permanent(app: &TestApp) -> Vec<(&'static str, String)> {
    app.welcome(&lyonnais("camille")).await;
    app.add_offer(&exhibition()).await;
    app.add_campaign(&campaign("expo-1", "expo")).await;
    assert_eq!(app.take_through("expo-1").await["sent"], 1);
    let mail = &app.outbox()[0];
    let why = link(&mail.text, "/w/");
    vec![
        ("/u/{brand}/{token}", link(&mail.text, "/u/")),
        ("/p/{brand}/{token}", link(&mail.text, "/p/")),
        ("/d/{brand}/{token}", why.replacen("/w/", "/d/", 1)),
        ("/w/{brand}/{token}", why),
        ("/s/{brand}", format!("/s/{BRAND}")),
    ]
}

/// A link to a page that works now: one of a message, or one that is sent for it.
async fn working(app: &TestApp, permanent: &[(&str, String)], pattern: &str) -> Option<String> {
    let of_message = |wanted: &str| permanent.iter().find(|(each, _)| *each == wanted);
    if let Some((_, path)) = of_message(pattern) {
        return Some(path.clone());
    }
    let (_, why) = of_message("/w/{brand}/{token}").unwrap();
    let what = match pattern {
        "/a/{brand}/{token}" => "access",
        "/r/{brand}/{token}" => "correct",
        "/e/{brand}/{token}" => "erase",
        "/c/{brand}/{token}" => {
            let body = format!("topic=offers&channel=email&email=n{}@mail.example", app.outbox().len());
            assert_eq!(app.submit(&format!("/s/{BRAND}"), FORM, &body).await.status, 200);
            app.drain().await;
            return Some(link(&app.outbox().last().unwrap().text, "/c/"));
        }
        _ => return None,
    };
    // What other examples asked for comes first, and as many fresh links as there are examples would be more than an hour
    // allows.
    app.drain().await;
    app.advance(SignedDuration::from_hours(1));
    Some(fresh_link(app, why, what).await)
}

#[tokio::test]
async fn the_public_pages_answer_every_method_as_the_contract_says() {
    let contract = Contract::read();
    let app = TestApp::start().await;
    let permanent = permanent(&app).await;
    let mut operations = contract.operations();
    // Nobody is left to visit a page after the erasure.
    operations.sort_by_key(|operation| (operation.path.starts_with("/e/"), operation.path));
    let mut at = (String::new(), String::new());
    let mut pages = BTreeSet::new();
    for operation in operations {
        if at.0 != operation.path {
            let Some(path) = working(&app, &permanent, operation.path).await else {
                continue;
            };
            at = (operation.path.to_owned(), path);
            pages.insert(operation.path);
        }
        let real = &at.1;
        let has_link = operation.path.contains("{token}");
        let unknown = operation.target("usual");
        let method = Method::from_bytes(operation.method().as_bytes()).unwrap();
        let forms: Vec<_> = ["application/x-www-form-urlencoded", "multipart/form-data"]
            .into_iter()
            .filter_map(|media_type| Some((media_type, operation.body(media_type)?.1)))
            .flat_map(|(media_type, examples)| examples.into_iter().map(move |(_, value)| form(media_type, value)))
            .collect();
        assert_eq!(forms.is_empty(), method != Method::POST, "{}", operation.id());
        let check = |reply: &Reply, status: u16| {
            assert_eq!(reply.status.as_u16(), status, "{} {}", operation.id(), reply.text());
            compare_page(&contract, operation.answer(status), reply);
        };
        if method == Method::POST {
            check(&app.submit(real, "text/plain", "nonsense").await, 400);
            if has_link {
                check(&app.submit(&unknown, "text/plain", "nonsense").await, 404);
            }
            let mut path = real.clone();
            for (position, (media_type, body)) in forms.iter().enumerate() {
                if position > 0 {
                    path = working(&app, &permanent, operation.path).await.unwrap();
                }
                check(&app.submit(&path, media_type, body).await, 200);
                if has_link {
                    check(&app.submit(&unknown, media_type, body).await, 404);
                }
            }
            if contract_says(operation, 410) {
                let (media_type, body) = &forms[0];
                let reply = app.submit(&path, media_type, body).await;
                // Confirming again is no mistake.
                check(&reply, if operation.path.starts_with("/c/") { 200 } else { 410 });
            }
        } else {
            let done = if method == Method::OPTIONS { 204 } else { 200 };
            check(&app.visit(method.clone(), real).await, done);
            if has_link {
                let refused = if method == Method::OPTIONS { 204 } else { 404 };
                check(&app.visit(method.clone(), &unknown).await, refused);
            }
        }
        for other in [Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
            let reply = app.visit(other, real).await;
            assert_eq!(reply.status.as_u16(), 405);
            compare_page(&contract, operation.answer_to_other_methods(), &reply);
        }
    }
    let public = ROUTES
        .iter()
        .filter(|route| route.method == "ANY")
        .map(|route| route.pattern);
    assert_eq!(pages, public.collect());
}

#[tokio::test]
async fn a_link_that_is_opened_too_often_is_answered_as_the_contract_says() {
    let contract = Contract::read();
    let app = TestApp::start().await;
    let permanent = permanent(&app).await;
    let mut held_back = BTreeSet::new();
    for operation in contract.operations() {
        if operation.method() != "GET" || !operation.path.contains("{token}") {
            continue;
        }
        let Some(path) = working(&app, &permanent, operation.path).await else {
            continue;
        };
        let mut answers = BTreeSet::new();
        for _ in 0..61 {
            let reply = app.visit(Method::GET, &path).await;
            compare_page(&contract, operation.answer(reply.status.as_u16()), &reply);
            answers.insert(reply.status.as_u16());
        }
        assert_eq!(answers, [200, 429].into(), "{}", operation.id());
        held_back.insert(operation.path);
    }
    assert_eq!(held_back.len(), 8, "{held_back:?}");
}

fn contract_says(operation: Operation<'_>, status: u16) -> bool {
    operation.answer(status).is_some()
}

#[tokio::test]
async fn the_receipt_key_is_answered_as_the_contract_says() {
    let contract = Contract::read();
    let app = TestApp::start().await;
    let operation = contract.operation("getReceiptKey");
    let reply = app.visit(Method::GET, operation.path).await;
    let answer = operation.answer(reply.status.as_u16()).unwrap();
    let faults = contract.faults(answer.schema(reply.media_type()).unwrap(), &json!(reply.text()));
    assert!(faults.is_empty(), "{faults:?}");
}

/// An example of a form as it is sent.
fn form(media_type: &'static str, fields: &Value) -> (&'static str, String) {
    let fields = fields.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    if media_type == "multipart/form-data" {
        let parts = fields.map(|(name, value)| {
            format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let body = parts.collect::<String>() + "--part--\r\n";
        ("multipart/form-data; boundary=part", body)
    } else {
        let pairs: Vec<_> = fields.map(|(name, value)| format!("{name}={value}")).collect();
        (media_type, pairs.join("&"))
    }
}

/// The reply has a media type and the headers of the contract.
fn compare_page(contract: &Contract, answer: Option<Answer<'_>>, reply: &Reply) {
    let place = format!("{} {:?}", reply.status, reply.headers);
    let answer = answer.unwrap_or_else(|| panic!("no such status: {place}"));
    match answer.content() {
        Some(content) => assert!(content.contains_key(reply.media_type()), "{place}"),
        None => assert!(reply.body.is_empty(), "{place}"),
    }
    for (name, header) in answer.headers() {
        let value = reply.headers.get(name).and_then(|value| value.to_str().ok());
        let number = value.and_then(|value| value.parse::<u64>().ok());
        let value = match (header["schema"]["type"].as_str(), number) {
            (Some("integer"), Some(number)) => json!(number),
            _ => json!(value),
        };
        let faults = contract.faults(&header["schema"], &value);
        assert!(faults.is_empty(), "{name} {faults:?}: {place}");
    }
}

/// Sends the request example of this name.
async fn ask(app: &TestApp, operation: Operation<'_>, example: &str, key: &str) -> Reply {
    let examples = operation.body("application/json").into_iter();
    let mut examples = examples.flat_map(|(_, examples)| examples);
    let body = examples.find(|(name, _)| *name == example);
    call(
        app,
        operation,
        example,
        Some(key),
        body.map(|(_, body)| body.to_string()),
    )
    .await
}

async fn call(
    app: &TestApp,
    operation: Operation<'_>,
    example: &str,
    key: Option<&str>,
    body: Option<String>,
) -> Reply {
    let method = Method::from_bytes(operation.method().as_bytes()).unwrap();
    let body = body.map_or_else(Body::empty, Body::from);
    let mut request = app.client.request(method, &operation.target(example), body).unwrap();
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    app.client.send(request).await.unwrap()
}

/// What the reply has that the contract does not give it: status, media type, form, or another text than the example.
fn difference(contract: &Contract, operation: Operation<'_>, example: &str, reply: &Reply) -> Option<String> {
    let told = |problem: &str| {
        let place = format!("{} {example}", operation.id());
        Some(format!(
            "{place}: {problem}: {} {}",
            reply.status.as_u16(),
            reply.text()
        ))
    };
    let Some(answer) = operation.answer(reply.status.as_u16()) else {
        return told("no such status");
    };
    let Some(schema) = answer.schema(reply.media_type()) else {
        return told("no such media type");
    };
    let body: Value = reply.json().unwrap();
    let faults = contract.faults(schema, &body);
    if !faults.is_empty() {
        return told(&faults.join("; "));
    }
    let shown = answer
        .examples()
        .into_iter()
        .find(|(media_type, name, _)| *media_type == reply.media_type() && *name == example);
    match shown {
        None => told("another answer was promised"),
        Some((_, _, shown)) if answer.is_shared => {
            let kind = |problem: &Value| (problem["type"].clone(), problem["status"].clone());
            (kind(&body) != kind(shown))
                .then(|| told("another kind of problem"))
                .flatten()
        }
        Some((_, _, shown)) => (body != *shown)
            .then(|| told("it is not what the example shows"))
            .flatten(),
    }
}
