//! PostgreSQL that goes away under a running runtime, and comes back.

use std::time::Duration;

use everreach_core::ledger::CallState;
use everreach_core::routing::{Params, RemoteConfig, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::{Envelope, ErrorKind, Mode, Outcome, Side};

use crate::crash::cloud::{CountingCloud, Hold};
use crate::support::cluster::Cluster;

/// What a call may take in these tests, and what it may take longer than that.
const DEADLINE: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);
const OUTAGE: Duration = Duration::from_secs(30);

async fn runtime(cluster: &Cluster, cloud: &CountingCloud, folder: &std::path::Path) -> Runtime {
    let mut config = RuntimeConfig::default();
    config.store.url = cluster.url();
    config.data_dir = folder.to_owned();
    config.routing.mode = Mode::Hybrid;
    config.cloud = Some(RemoteConfig::new(cloud.url.clone()).with_key("er_test_key"));
    Runtime::builder(config).build().await.expect("the runtime starts")
}

fn send(key: &str) -> RouteRequest {
    let params: Params = [("text".to_owned(), key.into())].into_iter().collect();
    RouteRequest::new("dm.send".parse().expect("a name"), params).with_idempotency_key(key).with_timeout(DEADLINE)
}

/// Routes it and sees that the answer does not come long after its deadline.
async fn routed(runtime: &Runtime, request: RouteRequest) -> Envelope {
    let began = tokio::time::Instant::now();
    let envelope = tokio::time::timeout(PATIENCE, runtime.route(request)).await.expect("an answer");
    assert!(began.elapsed() <= DEADLINE + SLACK, "{:?} for {envelope:?}", began.elapsed());
    envelope
}

/// Sends under fresh keys until one goes through.
async fn until_sent(runtime: &Runtime, name: &str) {
    let back = async {
        for number in 0.. {
            let envelope = runtime.route(send(&format!("{name}-{number}"))).await;
            if envelope.ok {
                return;
            }
            assert_eq!(envelope.error, Some(ErrorKind::StoreUnavailable), "{envelope:?}");
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("the database is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_closed_while_postgres_is_away_and_work_when_it_is_back() {
    let (cluster, cloud, folder) = (Cluster::start(), CountingCloud::start().await, tempfile::tempdir().expect("a folder"));
    let runtime = runtime(&cluster, &cloud, folder.path()).await;
    assert!(routed(&runtime, send("before")).await.ok);

    cluster.cut();
    for number in 0..3 {
        let envelope = routed(&runtime, send(&format!("away-{number}"))).await;
        assert_eq!((envelope.error, envelope.outcome), (Some(ErrorKind::StoreUnavailable), Outcome::NotExecuted), "{envelope:?}");
    }
    let read = RouteRequest::new("dm.stats".parse().expect("a name"), Params::new()).with_timeout(DEADLINE);
    assert_eq!(routed(&runtime, read.forced_to(Side::Cloud)).await.error, Some(ErrorKind::StoreUnavailable));
    let counts = cloud.counts();
    assert_eq!((counts.len(), counts.get("before")), (1, Some(&1)), "nothing leaves that cannot be journaled");

    cluster.resume();
    until_sent(&runtime, "after").await;
    let again = routed(&runtime, send("before")).await;
    assert!(again.ok && again.replayed, "{again:?}");
    assert!(routed(&runtime, send("away-0")).await.ok, "its key was never used");
    assert!(cloud.counts().values().all(|count| *count == 1));
    runtime.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_while_postgres_is_away_for_30_s_is_journaled_when_it_is_back() {
    let (cluster, cloud, folder) = (Cluster::start(), CountingCloud::start().await, tempfile::tempdir().expect("a folder"));
    let runtime = runtime(&cluster, &cloud, folder.path()).await;
    cloud.hold_answers(Hold::Yes);
    let sending = tokio::spawn({
        let runtime = runtime.clone();
        async move { runtime.route(send("cut").with_timeout(Duration::from_secs(30))).await }
    });
    tokio::time::timeout(PATIENCE, async {
        while cloud.counts().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is sent");
    cluster.cut();
    cloud.hold_answers(Hold::No);
    // Nothing is waited for here: the outage itself is what is tested.
    tokio::time::sleep(OUTAGE).await;
    cluster.resume();
    let envelope = tokio::time::timeout(PATIENCE, sending).await.expect("an answer").expect("no panic");
    assert!(envelope.ok, "{envelope:?}");
    let key = "cut".parse().expect("a key");
    tokio::time::timeout(PATIENCE, async {
        while runtime.ledger().get(&key).await.ok().flatten().map(|record| record.state) != Some(CallState::Executed) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is journaled");
    let again = runtime.route(send("cut")).await;
    assert!(again.replayed && again.ok, "{again:?}");
    assert_eq!(cloud.counts().get("cut"), Some(&1));
    runtime.shutdown(Duration::from_secs(5)).await;
}
