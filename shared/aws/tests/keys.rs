//! API keys over real tables: an embedded DynamoDB, reached by the SDK over loopback.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use apropos_aws::{PK, Revocation, Table, Tables};
use apropos_core::api_key::{KeyId, NOTED_EVERY, PresentedKey, Scope, ScopeSet, authenticate};
use apropos_core::ids::BrandId;
use apropos_emulator::Emulator;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

const NOW: Timestamp = Timestamp::constant(1_796_115_600, 0);

fn lumen() -> BrandId {
    BrandId::new("lumen").unwrap()
}

async fn mint(tables: &Tables, brand: &str, now: Timestamp) -> PresentedKey {
    let brand = BrandId::new(brand).unwrap();
    tables.mint_api_key(&brand, ScopeSet::all(), None, now).await.unwrap()
}

async fn last_used(tables: &Tables, id: &KeyId) -> Option<Timestamp> {
    tables.api_key(id).await.unwrap().unwrap().last_used
}

#[tokio::test]
async fn a_key_is_kept_with_all_it_was_made_with_but_its_secret() {
    let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
    let scopes: ScopeSet = [Scope::CampaignsRead, Scope::ConsentsWrite].into_iter().collect();
    let end = NOW + SignedDuration::from_hours(24);
    let key = tables
        .mint_api_key(&lumen(), scopes.clone(), Some(end), NOW)
        .await
        .unwrap();
    let record = tables.api_key(key.id()).await.unwrap().unwrap();
    assert_eq!(authenticate(&key, Some(&record), NOW), Ok(&record));
    assert_eq!((&record.brand, &record.scopes), (&lumen(), &scopes));
    assert_eq!(
        (
            record.created_at,
            record.expires_at,
            record.revoked_at,
            record.last_used
        ),
        (NOW, Some(end), None, None)
    );

    let revealed = key.reveal();
    let secret = revealed.splitn(3, '_').nth(2).unwrap();
    let stored = client
        .scan()
        .table_name(tables.name(Table::ApiKeys))
        .send()
        .await
        .unwrap();
    assert!(!format!("{:?}", stored.items()).contains(secret));
}

#[tokio::test]
async fn the_keys_of_a_brand_are_listed_oldest_first_and_no_others() {
    let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
    assert!(tables.api_keys(&lumen()).await.unwrap().is_empty());
    let later = mint(&tables, "lumen", NOW + SignedDuration::from_secs(1)).await;
    mint(&tables, "lumen-2", NOW).await;
    let earlier = mint(&tables, "lumen", NOW).await;
    let listed = tables.api_keys(&lumen()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [earlier.id(), later.id()]);
    assert_eq!(listed[0].1.key_hash, earlier.hash());
}

#[tokio::test]
async fn keys_made_at_once_are_all_listed() {
    let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
    let (one, two, three) = tokio::join!(
        mint(&tables, "lumen", NOW),
        mint(&tables, "lumen", NOW),
        mint(&tables, "lumen", NOW)
    );
    let mut made = [one.id(), two.id(), three.id()];
    made.sort();
    let listed = tables.api_keys(&lumen()).await.unwrap();
    assert_eq!(listed.iter().map(|(id, _)| id).collect::<Vec<_>>(), made);
}

#[tokio::test]
async fn a_use_is_written_at_most_hourly_and_makes_no_item() {
    let Emulator { tables, client } = Emulator::in_memory().await.unwrap();
    let key = mint(&tables, "lumen", NOW).await;
    let nearly = NOW + NOTED_EVERY - SignedDuration::from_millis(1);
    for (now, noted) in [(NOW, NOW), (nearly, NOW), (NOW + NOTED_EVERY, NOW + NOTED_EVERY)] {
        tables.touch_api_key(key.id(), now).await.unwrap();
        assert_eq!(last_used(&tables, key.id()).await, Some(noted));
    }
    // One that decided on an older reading does not take the time back.
    tables.touch_api_key(key.id(), NOW).await.unwrap();
    assert_eq!(last_used(&tables, key.id()).await, Some(NOW + NOTED_EVERY));

    let nobodys = KeyId::new("0123456789ab").unwrap();
    tables.touch_api_key(&nobodys, NOW).await.unwrap();
    let item = client
        .get_item()
        .table_name(tables.name(Table::ApiKeys))
        .key(PK, AttributeValue::S(nobodys.to_string()))
        .send()
        .await
        .unwrap();
    assert_eq!(item.item, None);
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_since_the_first_time() {
    let Emulator { tables, .. } = Emulator::in_memory().await.unwrap();
    let key = mint(&tables, "lumen", NOW).await;
    let later = NOW + SignedDuration::from_secs(1);
    assert_eq!(tables.revoke_api_key(key.id(), NOW).await.unwrap(), Revocation::Done);
    assert_eq!(
        tables.revoke_api_key(key.id(), later).await.unwrap(),
        Revocation::Already { since: NOW }
    );
    let record = tables.api_key(key.id()).await.unwrap().unwrap();
    assert_eq!(record.revoked_at, Some(NOW));

    let nobodys = KeyId::new("0123456789ab").unwrap();
    assert_eq!(tables.revoke_api_key(&nobodys, NOW).await.unwrap(), Revocation::Unknown);
    assert!(tables.api_key(&nobodys).await.unwrap().is_none());
}
