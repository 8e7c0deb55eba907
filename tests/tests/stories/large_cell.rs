//! A preview of a cell that holds more people than are looked at: a stretch of them is left out, and nobody is counted twice.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use apropos_aws::Extra;
use apropos_core::ids::CustomerId;
use apropos_tests::words::{campaign, exhibition, lyonnais};
use apropos_tests::{BRAND, TestApp, brand_id};
use serde_json::{Value, json};

/// How many of one cell a preview looks at: nine tenths of its limit, since another cell of the brand's is listed too.
const LOOKED_AT: u64 = 18_000;
/// How many live there. Their ids count up.
const PEOPLE: u64 = 20_502;

fn id(number: u64) -> String {
    format!("p{number:05}")
}

/// A stack whose audience is one cell, of which the directory says that [`PEOPLE`] live there. The first never agreed, the
/// last did, both through the API; so many others are like one of them.
async fn one_large_cell(others: u64, agreed: impl Fn(u64) -> bool) -> TestApp {
    let app = TestApp::start().await;
    app.store(&[lyonnais(&id(0))]).await;
    app.welcome(&lyonnais(&id(PEOPLE - 1))).await;
    let (tables, brand) = (app.stack.tables(), brand_id(BRAND));
    let like = async |number: u64| {
        let customer = CustomerId::new(id(number)).unwrap();
        tables.scored_person(&brand, &customer).await.unwrap().unwrap()
    };
    let (unasked, asked) = (like(0).await, like(PEOPLE - 1).await);
    let others = (1..=others).map(|number| {
        let (context, _, standing) = if agreed(number) { &asked } else { &unasked };
        Extra {
            customer: CustomerId::new(id(number)).unwrap(),
            context: context.clone(),
            standing: standing.clone(),
        }
    });
    let topics = tables.brand(&brand).await.unwrap().unwrap().topics;
    let now = app.stack.clock().now();
    let filled = tables.fill_audience(&brand, &topics, others.collect(), now).await;
    for cell in filled.unwrap().keys() {
        let listed = u32::try_from(PEOPLE - 2).unwrap();
        tables.add_to_cell(&brand, cell, listed).await.unwrap();
    }
    app.add_offer(&exhibition()).await;
    app
}

async fn preview(app: &TestApp, name: &str) -> Value {
    app.add_campaign(&campaign(name, "expo")).await;
    let told = app.post(&format!("/v1/campaigns/{name}/preview"), &json!({})).await;
    told.json().unwrap()
}

async fn preview_of_a_part(app: &TestApp, name: &str) -> Value {
    let told = preview(app, name).await;
    assert_eq!(
        (&told["considered"], &told["estimate"]["people"]),
        (&json!(LOOKED_AT), &json!(PEOPLE)),
        "{told}"
    );
    assert_eq!(told["complete"], false);
    told
}

/// Whoever agreed has a higher id than whoever did not, so the counts tell which ids were not looked at.
#[tokio::test]
async fn a_preview_leaves_out_one_stretch_of_a_large_cell_and_counts_nobody_twice() {
    let half = PEOPLE / 2;
    let app = one_large_cell(PEOPLE - 2, |number| number >= half).await;
    let mut left_out = Vec::new();
    for name in ["expo-1", "expo-2", "expo-3", "expo-4", "expo-5", "expo-6"] {
        let told = preview_of_a_part(&app, name).await;
        // What is told is of all people; of those looked at it is so much less.
        let seen = |told: &Value| (told.as_u64().unwrap() * LOOKED_AT + PEOPLE / 2) / PEOPLE;
        let (agreed, unasked) = (seen(&told["candidates"]), seen(&told["withheld"]["no_consent"]));
        assert_eq!(agreed + unasked, LOOKED_AT, "{told}");
        assert!(agreed <= half && unasked <= half, "somebody is counted twice: {told}");
        left_out.push((half - unasked, half - agreed));
    }
    // It begins somewhere else for each campaign, and what is before the beginning is read after the end was reached.
    assert!(
        left_out
            .iter()
            .all(|(unasked, agreed)| unasked + agreed == PEOPLE - LOOKED_AT)
    );
    assert!(left_out.iter().any(|(unasked, _)| *unasked > 0), "{left_out:?}");
    assert!(left_out.iter().any(|(_, agreed)| *agreed > 0), "{left_out:?}");
}

#[tokio::test]
async fn what_a_preview_tells_of_a_large_cell_is_true_of_all_of_it() {
    // Nothing that the ids follow.
    let has_agreed = |number: u64| number * number % 7 < 3;
    let app = one_large_cell(PEOPLE - 2, has_agreed).await;
    let agreed = (1..PEOPLE - 1).filter(|number| has_agreed(*number)).count() + 1;
    for name in ["expo-1", "expo-2"] {
        let told = preview_of_a_part(&app, name).await;
        let bound = |bound: &str| usize::try_from(told["estimate"][bound].as_u64().unwrap()).unwrap();
        assert!(
            (bound("at_least")..=bound("at_most")).contains(&agreed),
            "{agreed} {told}"
        );
        assert!(bound("margin") < agreed / 50, "{told}");
    }
}

/// Of a cell from which many have gone since, everybody is read, and reading stops where it began.
#[tokio::test]
async fn a_large_cell_that_holds_fewer_than_the_directory_says_is_read_once_and_whole() {
    let there = LOOKED_AT - 2_000;
    let app = one_large_cell(there - 2, |number| number % 2 == 0).await;
    for name in ["expo-1", "expo-2", "expo-3"] {
        let told = preview(&app, name).await;
        assert_eq!(told["considered"], there, "{told}");
        assert_eq!(told["candidates"], there / 2, "{told}");
        assert_eq!(told["withheld"], json!({ "no_consent": there / 2 }), "{told}");
    }
}
