//! Pushing, pulling and conflicts, with either database on either side.

use everreach_core::Side;
use everreach_core::store::Store;
use everreach_core::sync::state::StateKind::{BatchContent, CrmStats, Pipeline};
use everreach_core::sync::state::{PullReport, PushReport, Recorded};
use serde_json::json;

use super::{Cloud, Local, SEALING_KEY};
use crate::support::store::{number, postgres, postgres_url, sqlite};

async fn changes_meet_their_other_side(store: Store, cloud: &str) {
    let cloud = Cloud::start(cloud, Some(SEALING_KEY)).await;
    let local = Local::open(store, &cloud.url, Some(SEALING_KEY)).await;

    local.record(CrmStats, "today", json!({"replies": 1})).await.expect("recorded");
    local.record(CrmStats, "today", json!({"replies": 2})).await.expect("recorded");
    assert_eq!(local.record(CrmStats, "today", json!({"replies": 2})).await.expect("known"), Recorded::Unchanged);
    assert_eq!(local.pending().await, 1, "the latest change stands for those before it");
    let report = local.state.push_pending_sync().await.expect("pushed");
    assert_eq!((report.applied, report.overruled, report.refused), (1, 0, 0));
    assert_eq!(cloud.says(CrmStats, "today").await, json!({"replies": 2}));
    assert_eq!((local.pending().await, local.state.push_pending_sync().await.expect("nothing")), (0, PushReport::default()));

    cloud.record(CrmStats, "today", json!({"replies": 3})).await.expect("recorded");
    let report = local.state.pull_cloud_state().await.expect("pulled");
    assert_eq!((report.taken, report.conflicts), (1, 0));
    assert_eq!(local.says(CrmStats, "today").await, json!({"replies": 3}));
    assert_eq!(local.state.pull_cloud_state().await.expect("nothing new"), PullReport::default());

    // The same said on both sides is no conflict, whoever says it first.
    local.record(Pipeline, "same", json!({"stage": "won"})).await.expect("recorded");
    cloud.record(Pipeline, "same", json!({"stage": "won"})).await.expect("recorded");
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 1);
    local.record(Pipeline, "same", json!({"stage": "lost"})).await.expect("recorded");
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 1, "it was made from what the cloud has");
    assert_eq!(local.state.conflicts(10).await.expect("read").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_meet_their_other_side_from_sqlite_to_postgres() {
    changes_meet_their_other_side(sqlite().await, &postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_meet_their_other_side_from_postgres_to_sqlite() {
    changes_meet_their_other_side(postgres().await, "sqlite::memory:").await;
}

async fn conflicts_are_decided_alike_on_either_way(store: Store, cloud: &str) {
    let cloud = Cloud::start(cloud, Some(SEALING_KEY)).await;
    let local = Local::open(store, &cloud.url, Some(SEALING_KEY)).await;
    for key in ["pushed", "pulled"] {
        cloud.record(Pipeline, key, json!({"of": "cloud"})).await.expect("recorded");
        cloud.record(BatchContent, key, json!({"of": "cloud", "status": "draft"})).await.expect("recorded");
        local.record(Pipeline, key, json!({"of": "mac"})).await.expect("recorded");
        local.record(BatchContent, key, json!({"of": "mac", "status": "draft"})).await.expect("recorded");
        if key == "pushed" {
            let report = local.state.push_pending_sync().await.expect("pushed");
            assert_eq!((report.applied, report.overruled), (1, 1));
        } else {
            let report = local.state.pull_cloud_state().await.expect("pulled");
            assert_eq!((report.conflicts, report.overruled), (2, 1));
            assert_eq!(local.pending().await, 1, "the content is still to be pushed");
            assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 1);
        }
        for side in [cloud.state(), &local.state] {
            assert_eq!(super::says(side, Pipeline, key).await["of"], "cloud", "{key}");
            assert_eq!(super::says(side, BatchContent, key).await["of"], "mac", "{key}");
        }
        assert_eq!(local.pending().await, 0);
    }
    // Published meanwhile: it is not put back to a draft.
    cloud.record(BatchContent, "pushed", json!({"of": "cloud", "status": "published"})).await.expect("recorded");
    local.record(BatchContent, "pushed", json!({"of": "mac again", "status": "draft"})).await.expect("recorded");
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").overruled, 1);
    assert_eq!(local.says(BatchContent, "pushed").await["status"], "published");

    let kept = [local.state.conflicts(10).await.expect("read"), cloud.state().conflicts(10).await.expect("read")].concat();
    for (kind, key, winner) in [
        (Pipeline, "pushed", Side::Cloud),
        (BatchContent, "pushed", Side::Local),
        (Pipeline, "pulled", Side::Cloud),
        (BatchContent, "pulled", Side::Local),
    ] {
        let found = kept.iter().find(|kept| (kept.kind, kept.key.as_str(), kept.winner) == (kind, key, winner));
        let conflict = found.unwrap_or_else(|| panic!("{kind}/{key} is not kept"));
        assert_eq!((&conflict.local.payload["of"], &conflict.cloud.payload["of"]), (&json!("mac"), &json!("cloud")));
    }
    let told = "SELECT COUNT(*) FROM everreach_events WHERE kind = 'sync.conflict'";
    let told = number(&local.store, told).await + number(cloud.runtime.store(), told).await;
    assert_eq!(told, i64::try_from(kept.len()).expect("a few"), "each is told of once where it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_decided_alike_on_either_way_with_the_cloud_on_postgres() {
    conflicts_are_decided_alike_on_either_way(sqlite().await, &postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_decided_alike_on_either_way_with_the_cloud_on_sqlite() {
    conflicts_are_decided_alike_on_either_way(postgres().await, "sqlite::memory:").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_documents_go_over_in_several_messages_and_pages() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let local = Local::open(sqlite().await, &cloud.url, Some(SEALING_KEY)).await;
    let text = "x".repeat(10_000);
    for place in 0..90 {
        local.record(Pipeline, &format!("mac/{place}"), json!({ "text": text })).await.expect("recorded");
        cloud.record(Pipeline, &format!("cloud/{place}"), json!({ "text": text })).await.expect("recorded");
    }
    assert_eq!(local.state.push_pending_sync().await.expect("pushed").applied, 90);
    assert_eq!(local.state.pull_cloud_state().await.expect("pulled").taken, 90);
    for store in [&local.store, cloud.runtime.store()] {
        assert_eq!(number(store, "SELECT COUNT(*) FROM everreach_state").await, 180);
    }
}
