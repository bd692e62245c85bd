//! The stop switch, on both databases.

use std::sync::Arc;

use everreach_core::ErrorKind;
use everreach_core::events::EventLog;
use everreach_core::stop::StopSwitch;
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;

use crate::support;

async fn one_switch(store: Store) {
    let log = EventLog::start(store.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00.123456Z".parse().expect("a time")));
    let switch = |place: &str| StopSwitch::new(store.clone(), Arc::clone(&clock) as _, log.clone(), folder.path().join(place));
    let (here, elsewhere) = (switch("here"), switch("elsewhere"));
    assert!(!here.check_now().await.expect("a state").stopped);

    futures_util::future::join_all([here.stop(Some("first")), elsewhere.stop(Some("second"))]).await;
    let state = here.state().await.expect("a state");
    assert!(state.stopped && state.since == Some("2026-11-20T12:00:00.123456Z".parse().expect("a time")), "{state:?}");
    assert_eq!(state, elsewhere.check_now().await.expect("a state"));

    elsewhere.resume().await.expect("it resumes");
    let state = serde_json::to_value(here.check_now().await.expect("a state")).expect("json");
    assert_eq!(state, serde_json::json!({"stopped": false, "since": null, "reason": null}));
    let told: Vec<_> = log.read_after(0, 100).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    assert_eq!(told, ["stop.set", "stop.cleared"]);

    store.close().await;
    assert_eq!(here.check_now().await.expect_err("closed").kind(), ErrorKind::StoreUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_or_resumes_does_so_for_all_on_sqlite() {
    one_switch(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_or_resumes_does_so_for_all_on_postgres() {
    one_switch(support::store::postgres().await).await;
}
