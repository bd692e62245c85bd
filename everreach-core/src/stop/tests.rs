use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::StopSwitch;
use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::store::{Store, StoreConfig};
use crate::{ErrorKind, SharedClock};

struct Bench {
    switch: StopSwitch,
    store: Store,
    log: EventLog,
    folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
    let log = EventLog::start(store.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let clock: SharedClock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let switch = StopSwitch::new(store.clone(), clock, log.clone(), folder.path().to_owned());
    Bench { switch, store, log, folder }
}

/// Waits for what a watcher does; a minute is for ever.
async fn until(mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("it comes to pass");
}

#[tokio::test]
async fn stopping_and_resuming_are_seen_at_once_and_told_once() {
    let bench = bench().await;
    let stopped = bench.switch.stop(Some(" platform\ncomplains ")).await.expect("it stops");
    assert_eq!((stopped.stopped, stopped.reason.as_deref()), (true, Some("platform complains")));
    assert!(bench.switch.is_stopped());
    let again = bench.switch.stop(Some("another reason")).await.expect("it stays");
    assert_eq!(again, stopped);
    assert!(!bench.switch.resume().await.expect("it resumes").stopped);
    bench.switch.resume().await.expect("it is going on already");
    assert!(!bench.switch.is_stopped());
    let kinds: Vec<_> = bench.log.read_after(0, 10).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    assert_eq!(kinds, ["stop.set", "stop.cleared"]);
}

#[tokio::test]
async fn the_json_has_the_published_fields() {
    let bench = bench().await;
    let state = bench.switch.stop(None).await.expect("it stops");
    let json = serde_json::to_value(&state).expect("json");
    assert_eq!(json, serde_json::json!({"stopped": true, "since": "2026-11-20T12:00:00Z", "reason": null}));
}

#[tokio::test]
async fn resuming_names_the_file_that_keeps_it_stopped_and_changes_nothing() {
    let bench = bench().await;
    let file = bench.folder.path().join("STOP");
    bench.switch.stop(Some("by command")).await.expect("it stops");
    fs::write(&file, "by file").expect("it is written");
    let error = bench.switch.resume().await.expect_err("the file is there");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    assert!(file.exists());
    fs::remove_file(&file).expect("it is removed");
    assert_eq!(bench.switch.check_now().await.expect("a state").reason.as_deref(), Some("by command"));
}

#[tokio::test]
async fn a_fresh_check_sees_the_file_without_a_watcher() {
    let bench = bench().await;
    assert!(!bench.switch.check_now().await.expect("a state").stopped);
    fs::write(bench.folder.path().join("STOP"), "by file").expect("it is written");
    let state = bench.switch.check_now().await.expect("a state");
    assert_eq!((state.stopped, state.reason.as_deref()), (true, Some("by file")));
    assert_eq!(bench.switch.current().reason.as_deref(), Some("by file"), "whoever is refused at once can say why");
}

#[tokio::test]
async fn a_database_that_cannot_be_read_fails_the_fresh_check() {
    let bench = bench().await;
    bench.store.close().await;
    assert_eq!(bench.switch.check_now().await.expect_err("closed").kind(), ErrorKind::StoreUnavailable);
    fs::write(bench.folder.path().join("STOP"), "by file").expect("it is written");
    assert!(bench.switch.check_now().await.expect("the file suffices").stopped);
}

#[tokio::test]
async fn a_watcher_sees_the_file_and_what_other_processes_do() {
    let bench = bench().await;
    let cancel = CancellationToken::new();
    let watcher = tokio::spawn({
        let (switch, cancel) = (bench.switch.clone(), cancel.clone());
        async move { switch.watch(cancel).await }
    });
    let file = bench.folder.path().join("STOP");
    fs::write(&file, "by file").expect("it is written");
    until(|| bench.switch.is_stopped()).await;
    assert_eq!(bench.switch.current().reason.as_deref(), Some("by file"));
    fs::remove_file(&file).expect("it is removed");
    until(|| !bench.switch.is_stopped()).await;

    let clock: SharedClock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let other = StopSwitch::new(bench.store.clone(), clock, bench.log.clone(), bench.folder.path().join("elsewhere"));
    other.stop(Some("from elsewhere")).await.expect("it stops");
    until(|| bench.switch.is_stopped()).await;

    cancel.cancel();
    watcher.await.expect("it ends when told");
    bench.log.flush().await;
    let told: Vec<_> = bench.log.read_after(0, 10).await.expect("events").into_iter().map(|event| event.event.kind).collect();
    assert_eq!(told.iter().filter(|kind| *kind == "stop.set").count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|kind| *kind == "stop.cleared").count(), 1, "{told:?}");
}
