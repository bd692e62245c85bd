//! Lost answers, restarts, backups put back, a full outbox.

use std::time::Duration;

use everreach_core::ErrorKind;
use everreach_core::retry::RetryPolicy;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::sync::state::Push;
use everreach_core::sync::state::StateKind::{BatchContent, CrmStats, Pipeline};
use everreach_core::testing::{Fault, FaultResponse, FaultServer};
use serde_json::json;

use super::{Cloud, Local, SEALING_KEY};
use crate::support::store::{number, postgres, postgres_url, sqlite};

/// The push that a server received whole.
fn received(server: &FaultServer) -> Push {
    let request = server.received().pop().expect("a request");
    assert!(request.complete);
    serde_json::from_slice(request.body().expect("a body")).expect("a push")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_whose_answer_was_lost_is_repeated_after_a_restart_and_changes_nothing() {
    let cloud = Cloud::start(&postgres_url().await, Some(SEALING_KEY)).await;
    let store = sqlite().await;
    let line = FaultServer::start([Fault::ResetBeforeAnswer]).await.expect("a server");
    let local = Local::open(store.clone(), line.url(), Some(SEALING_KEY)).await;
    local.record(Pipeline, "deals", json!({"of": "mac", "n": 1})).await.expect("recorded");
    local.record(BatchContent, "post", json!({"of": "mac", "status": "draft"})).await.expect("recorded");
    cloud.record(BatchContent, "post", json!({"of": "cloud", "status": "draft"})).await.expect("recorded");
    local.state.push_pending_sync().await.expect_err("the line broke");
    assert_eq!(local.state.status().await.expect("a status").failing, 2, "both wait with the error");

    // The cloud had it all the same, and went on with it.
    let push = received(&line);
    assert!(!format!("{push:?}").contains("mac\""), "nothing goes in clear");
    let first = cloud.state().receive(push.clone()).await.expect("received");
    cloud.record(Pipeline, "deals", json!({"of": "cloud", "n": 2})).await.expect("recorded");
    let counted = "SELECT COUNT(*) FROM everreach_state_conflicts";
    assert_eq!(number(cloud.runtime.store(), counted).await, 1);
    for (once, again) in first.results.iter().zip(cloud.state().receive(push).await.expect("received").results) {
        assert_eq!((once.id, once.outcome), (again.id, again.outcome));
    }

    // Started again, with the line mended.
    let local = Local::open(store, &cloud.url, Some(SEALING_KEY)).await;
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 2);
    assert_eq!(local.says(Pipeline, "deals").await, json!({"of": "cloud", "n": 2}), "the cloud's change was made from ours");
    assert_eq!(cloud.says(Pipeline, "deals").await, json!({"of": "cloud", "n": 2}));
    assert_eq!(cloud.says(BatchContent, "post").await["of"], "mac");
    assert_eq!((local.pending().await, number(cloud.runtime.store(), counted).await), (0, 1));
    assert_eq!(local.state.conflicts(10).await.expect("read").len(), 0, "it knew of ours, so that is no conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_made_while_an_earlier_one_was_on_its_way_goes_after_it_without_a_conflict() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let store = sqlite().await;
    let line = FaultServer::start([Fault::ResetBeforeAnswer]).await.expect("a server");
    let local = Local::open(store.clone(), line.url(), Some(SEALING_KEY)).await;
    local.record(CrmStats, "today", json!({"n": 1})).await.expect("recorded");
    local.state.push_pending_sync().await.expect_err("the line broke");
    let early = received(&line);
    cloud.state().receive(early.clone()).await.expect("received");
    local.record(CrmStats, "today", json!({"n": 2})).await.expect("recorded");
    let local = Local::open(store, &cloud.url, Some(SEALING_KEY)).await;
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 1);
    // The first one comes once more, late.
    cloud.state().receive(early).await.expect("received");
    assert_eq!(cloud.says(CrmStats, "today").await, json!({"n": 2}));
    assert_eq!(local.state.conflicts(10).await.expect("read").len() + cloud.state().conflicts(10).await.expect("read").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_backup_was_put_back_new_changes_get_through() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let store = Store::open(&StoreConfig::new(url("first.db"))).await.expect("a store");
    let local = Local::open(store.clone(), &cloud.url, Some(SEALING_KEY)).await;
    local.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
    local.state.push_pending_sync().await.expect("pushed");
    store.backup(folder.path().join("second.db")).await.expect("a backup");
    for n in 2..5 {
        local.record(Pipeline, "deals", json!({ "n": n })).await.expect("recorded");
        local.state.push_pending_sync().await.expect("pushed");
    }
    let restored = Store::open(&StoreConfig::new(url("second.db"))).await.expect("a store");
    let local = Local::open(restored, &cloud.url, Some(SEALING_KEY)).await;
    local.record(Pipeline, "deals", json!({"n": "after"})).await.expect("recorded");
    local.state.push_pending_sync().await.expect("pushed");
    assert_eq!((cloud.says(Pipeline, "deals").await, local.pending().await), (json!({"n": "after"}), 0));
    let conflicts = local.state.conflicts(10).await.expect("read");
    assert_eq!(conflicts[0].cloud.payload, json!({"n": 4}), "what the backup did not know is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_says_so_and_keeps_nothing_of_the_change() {
    let nobody = FaultServer::refusing_url().await.expect("a URL");
    let local = Local::open(sqlite().await, &nobody, Some(SEALING_KEY)).await;
    let fill = "INSERT INTO everreach_state_outbox (kind, state_key, id, number, payload, updated_at) \
         WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < 10000) \
         SELECT 'pipeline', 'k' || n, 'id' || n, 1, '{}', '2020-01-01T00:00:00Z' FROM rows";
    crate::support::store::execute(&local.store, fill).await;
    let error = local.record(Pipeline, "one-more", json!({"n": 1})).await.expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(error.to_string().contains("10000"), "{error}");
    assert_eq!(number(&local.store, "SELECT COUNT(*) FROM everreach_state").await, 0);
    local.record(Pipeline, "k7", json!({"n": 1})).await.expect("it takes the place of one that waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cloud_refuses_for_the_moment_waits_and_an_answer_of_somebody_else_is_no_answer() {
    let script = [
        Fault::Answer(FaultResponse::html(200)),
        Fault::Answer(FaultResponse::json(200, &json!({"batch_id": "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b", "results": []}))),
        Fault::Answer(FaultResponse::json(503, &json!({"detail": "come back later"}))),
        Fault::Answer(FaultResponse::json(401, &json!({"detail": "who are you"}))),
    ];
    let line = FaultServer::start(script).await.expect("a server");
    let local = Local::open(sqlite().await, line.url(), Some(SEALING_KEY)).await;
    local.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
    let kinds = [ErrorKind::Unreachable, ErrorKind::Unreachable, ErrorKind::Unreachable, ErrorKind::Unauthorized];
    for kind in kinds {
        assert_eq!(local.state.push_pending_sync().await.expect_err("no good answer").kind(), kind);
        assert_eq!(local.pending().await, 1);
    }
    let error = local.state.status().await.expect("a status").error.expect("the latest");
    assert!(error.contains("EVERREACH_CLOUD_KEY") && error.contains("who are you"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_late_is_not_laid_over_what_another_process_has_pulled_meanwhile() {
    for store in [sqlite().await, postgres().await] {
        let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
        cloud.record(Pipeline, "deals", json!({"n": 1})).await.expect("recorded");
        let early = cloud.state().changes_since(None, "").await.expect("a page");
        cloud.record(Pipeline, "deals", json!({"n": 2})).await.expect("recorded");
        let late = cloud.state().changes_since(None, "").await.expect("a page");
        let slowly = Fault::Drip(FaultResponse::json(200, &json!(early)), Duration::from_millis(5));
        let line = FaultServer::start([slowly, Fault::Answer(FaultResponse::json(200, &json!(late)))]).await.expect("a server");
        // The line ends its connection after the slow answer.
        let slow = Local::with(store.clone(), line.url(), Some(SEALING_KEY), RetryPolicy::default()).await;
        let quick = Local::open(store.clone(), &cloud.url, Some(SEALING_KEY)).await;
        let pulling = slow.state.clone();
        let pulling = tokio::spawn(async move { pulling.pull_cloud_state().await });
        line.wait_for_requests(1).await;
        assert_eq!(quick.state.pull_cloud_state().await.expect("pulled").taken, 1);
        let report = pulling.await.expect("it ends").expect("pulled");
        assert_eq!((quick.says(Pipeline, "deals").await, report.taken), (json!({"n": 2}), 0));
        assert_eq!(line.received().len(), 2, "it asked again");
    }
}
