//! What never leaves, and nothing in clear.

use std::time::Duration;

use everreach_core::ErrorKind;
use everreach_core::sync::state::StateKind::Pipeline;
use everreach_core::testing::FaultServer;
use serde_json::json;

use super::{Cloud, Local, OTHER_SEALING_KEY, SEALING_KEY};
use crate::support::store::{execute, number, sqlite};

const PLANT: &str = "INSERT INTO everreach_state_outbox (kind, state_key, id, number, payload, updated_at) VALUES \
     ('prospect_embeddings', 'all', '01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d70', 1, '{\"n\": 1}', '2020-01-01T00:00:00Z'), \
     ('pipeline', 'private', '01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d71', 1, '{\"client_email\": \"jane@client.example\"}', '2020-01-01T00:00:00Z'), \
     ('pipeline', 'not a key', '01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d72', 1, '{\"n\": 1}', '2020-01-01T00:00:00Z'), \
     ('pipeline', 'broken', '01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d73', 1, '{', '2020-01-01T00:00:00Z')";

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_planted_does_not_leave_and_holds_nothing_else_back() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let local = Local::open(sqlite().await, &cloud.url, Some(SEALING_KEY)).await;
    let error = local.record(Pipeline, "private", json!({"client_email": "jane@client.example"})).await.expect_err("client data");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    execute(&local.store, PLANT).await;
    local.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
    let report = local.state.push_pending_sync().await.expect("pushed");
    assert_eq!((report.applied, report.refused), (1, 4));
    assert_eq!(number(cloud.runtime.store(), "SELECT COUNT(*) FROM everreach_state").await, 1);
    let status = local.state.status().await.expect("a status");
    assert_eq!((status.pending, status.failing), (4, 4));
    assert!(!status.error.expect("the reason").contains("jane"));
    let told = "SELECT COUNT(*) FROM everreach_events WHERE kind = 'sync.refused'";
    assert_eq!(number(&local.store, told).await, 4);
    local.clock.advance(Duration::from_secs(3_600));
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").refused, 4, "looked at again, and refused again");
    assert_eq!(number(&local.store, told).await, 4, "told of once");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_is_sent_and_the_cloud_says_that_it_has_none() {
    let line = FaultServer::start([]).await.expect("a server");
    let local = Local::open(sqlite().await, line.url(), None).await;
    local.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
    for error in
        [local.state.push_pending_sync().await.expect_err("no key"), local.state.pull_cloud_state().await.expect_err("no key")]
    {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("SYNC_ENCRYPTION_KEY"), "{error}");
    }
    assert_eq!(line.received().len(), 0);

    let cloud = Cloud::start("sqlite::memory:", None).await;
    let local = Local::open(sqlite().await, &cloud.url, Some(SEALING_KEY)).await;
    local.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
    let error = local.state.push_pending_sync().await.expect_err("the cloud has no key");
    assert!(error.to_string().contains("SYNC_ENCRYPTION_KEY is not set here"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_key_nothing_is_taken_and_nothing_lost_and_the_row_is_named() {
    let cloud = Cloud::start("sqlite::memory:", Some(OTHER_SEALING_KEY)).await;
    let local = Local::open(sqlite().await, &cloud.url, Some(SEALING_KEY)).await;
    local.record(Pipeline, "mine", json!({"n": "secret"})).await.expect("recorded");
    cloud.record(Pipeline, "theirs", json!({"n": 1})).await.expect("recorded");
    assert_eq!(local.state.push_pending_sync().await.expect("answered").refused, 1);
    let error = local.state.status().await.expect("a status").error.expect("the reason");
    assert!(error.contains("mine") && error.contains("SYNC_ENCRYPTION_KEY") && !error.contains("secret"), "{error}");
    let report = local.state.pull_cloud_state().await.expect("answered");
    assert_eq!((report.taken, report.unreadable), (0, 1));
    assert!(report.error.expect("the reason").contains("theirs"));

    // With both keys here, what was skipped comes over by itself; what was refused goes when its wait is over.
    let both = format!("{OTHER_SEALING_KEY},{SEALING_KEY}");
    let again = Local::open(local.store.clone(), &cloud.url, Some(&both)).await;
    assert_eq!(again.state.pull_cloud_state().await.expect("pulled").taken, 1);
    again.clock.advance(Duration::from_secs(60));
    assert_eq!(again.state.push_pending_sync().await.expect("pushed").applied, 1);
    assert_eq!(cloud.says(Pipeline, "mine").await, json!({"n": "secret"}));
}
