//! The schedule's own jobs that push and pull.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::routing::RemoteConfig;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::schedule::{JobName, SlotRecord, Trigger};
use everreach_core::store::StoreConfig;
use everreach_core::sync::state::Exchange;
use everreach_core::sync::state::StateKind::{CrmStats, Pipeline};
use everreach_core::testing::ManualClock;
use serde_json::{Value, json};
use url::Url;

use super::{CLOUD_KEY, Cloud, SEALING_KEY, record, says};
use crate::support::store::postgres_url;

const PATIENCE: Duration = Duration::from_secs(30);

/// The local side, which exchanges nothing by itself.
fn config(database: &str, cloud: Option<&Url>, sealing_key: Option<&str>) -> RuntimeConfig {
    let mut config = RuntimeConfig::default();
    config.data_dir = std::env::temp_dir();
    config.store = StoreConfig::new(database);
    config.cloud = cloud.map(|url| RemoteConfig::new(url.clone()).with_key(CLOUD_KEY));
    config.state.encryption_key = sealing_key.map(Into::into);
    config.state.exchange = Exchange::OnRequest;
    config
}

fn name(job: &str) -> JobName {
    job.parse().expect("a name")
}

/// The newest run of a job, once it has ended.
async fn last_run(runtime: &Runtime, job: &str) -> SlotRecord {
    runtime.schedule().finish().await;
    runtime.schedule().history(Some(&name(job)), 1).await.expect("the log").pop().expect("a run")
}

fn envelope(run: &SlotRecord) -> &Value {
    &run.steps[0]["envelope"]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_exchange_state_when_their_time_comes_and_each_run_is_logged_with_its_envelope() {
    for database in ["sqlite::memory:".to_owned(), postgres_url().await] {
        let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:30Z".parse().expect("a time")));
        let builder = Runtime::builder(config(&database, Some(&cloud.url), Some(SEALING_KEY)));
        let runtime = builder.with_clock(Arc::clone(&clock) as _).build().await.expect("a runtime");
        record(runtime.store(), runtime.state_sync(), CrmStats, "mac", json!({"n": 1})).await.expect("recorded");
        cloud.record(Pipeline, "deals", json!({"n": 2})).await.expect("recorded");
        // Jobs are known from now on; then their time comes.
        runtime.schedule().round().await.expect("a round");
        for seconds in [95, 180] {
            clock.advance(Duration::from_secs(seconds));
            runtime.schedule().round().await.expect("a round");
            runtime.schedule().finish().await;
        }

        let pushed = last_run(&runtime, "sync_push").await;
        assert_eq!((pushed.status.as_str(), pushed.ok), ("ok", Some(true)), "{pushed:?}");
        let slot = pushed.slot.expect("a slot");
        assert_eq!(slot.to_rfc3339(), "2026-11-20T12:05:00+00:00");
        assert_eq!((&envelope(&pushed)["ok"], &envelope(&pushed)["source"]), (&json!(true), &json!("local")));
        assert_eq!(envelope(&pushed)["result"], json!({"applied": 1, "overruled": 0, "stale": 0, "refused": 0}));
        assert_eq!(cloud.says(CrmStats, "mac").await, json!({"n": 1}));
        let pulled = last_run(&runtime, "sync_pull").await;
        assert_eq!((&envelope(&pulled)["ok"], &envelope(&pulled)["result"]["taken"]), (&json!(true), &json!(1)), "{pulled:?}");
        assert_eq!(says(runtime.state_sync(), Pipeline, "deals").await, json!({"n": 2}));

        // The cloud is gone: the run says so, nothing is lost, and nobody is asked what became of it.
        record(runtime.store(), runtime.state_sync(), CrmStats, "mac", json!({"n": 3})).await.expect("recorded");
        drop(cloud);
        let fired = runtime.schedule().trigger(&name("sync_push"), Trigger::forced()).await.expect("asked").expect("a job");
        assert!(fired.fired);
        let failed = last_run(&runtime, "sync_push").await;
        assert_eq!((failed.status.as_str(), failed.ok), ("failed", Some(false)));
        assert_ne!(envelope(&failed)["outcome"], "unknown", "{failed:?}");
        assert_eq!(runtime.state_sync().status().await.expect("a status").pending, 1);
        runtime.shutdown(PATIENCE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_exchanged_the_jobs_are_off_and_say_why_and_a_forced_run_fails_with_that() {
    let cloud: Url = "http://127.0.0.1:9".parse().expect("a URL");
    let cases = [
        (config("sqlite::memory:", None, Some(SEALING_KEY)), "CLOUD_ENDPOINT"),
        (config("sqlite::memory:", Some(&cloud), None), "SYNC_ENCRYPTION_KEY"),
    ];
    for (config, missing) in cases {
        let runtime = Runtime::builder(config).build().await.expect("a runtime");
        for job in ["sync_push", "sync_pull"] {
            let listed = runtime.schedule().jobs().get(&name(job)).expect("a job").clone();
            assert!(!listed.enabled && listed.disabled_because.expect("a reason").contains(missing), "{job}");
            let fired = runtime.schedule().trigger(&name(job), Trigger::forced()).await.expect("asked").expect("a job");
            assert!(fired.fired);
            let run = last_run(&runtime, job).await;
            assert_eq!(run.ok, Some(false));
            assert!(envelope(&run)["detail"].as_str().expect("a sentence").contains(missing), "{run:?}");
        }
        runtime.shutdown(PATIENCE).await;
    }
    // The cloud only answers; its list shows that this machine fires them.
    let mut terminal = config("sqlite::memory:", None, None);
    terminal.routing.mode = everreach_core::Mode::Cloud;
    terminal.routing.is_cloud_terminal = true;
    let runtime = Runtime::builder(terminal).build().await.expect("a terminal");
    assert!(runtime.schedule().jobs().get(&name("sync_push")).expect("a job").enabled);
    runtime.shutdown(PATIENCE).await;
}
