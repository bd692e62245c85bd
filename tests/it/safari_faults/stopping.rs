//! People who stop everything, or forbid somebody, while a daemon is in the middle of it.

use std::time::Duration;

use everreach_core::safari::{CommandStatus, Platform, Service};
use everreach_core::{Clock as _, SystemClock};

use super::scene::{Scene, file, later, until};
use crate::support::store::postgres_url;

/// How long is listened whether anything goes on: several messages' time.
const SILENCE: Duration = Duration::from_secs(3);

async fn stopped_in_the_middle(url: &str) {
    let scene = Scene::at(url).await;
    scene.behave(Service::TwitterDm, "ok,delay_ms=300,linger_ms=300").await;
    scene.enqueue_dms(Platform::Twitter, ["a1", "a2", "a3", "a4", "a5", "a6"]).await;
    let daemon = scene.daemon().await;
    scene.pressed(2).await;
    assert_eq!(scene.run(&["stop", "--reason", "enough"]).await.code, Some(0));
    let stopped_at = SystemClock::new().now();
    tokio::time::sleep(SILENCE).await;
    let presses = scene.presses();
    assert!(presses.iter().all(|press| press.ts <= later(stopped_at, 1)), "nothing starts a second after it: {presses:?}");
    let left = 6 - presses.len();
    assert!(left >= 2, "it stopped in the middle: {presses:?}");
    scene.rows(i64::try_from(left).expect("small"), "status = 'pending'").await;
    assert_eq!(scene.run(&["resume"]).await.code, Some(0));
    scene.rows(6, "status = 'completed'").await;
    assert_eq!(scene.presses().len(), 6, "what was held back goes, once");
    daemon.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_in_the_middle_of_a_daemons_work_holds_the_rest_back_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    stopped_in_the_middle(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_in_the_middle_of_a_daemons_work_holds_the_rest_back_on_postgres() {
    stopped_in_the_middle(&postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_denied_while_a_daemon_sends_to_others_is_not_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::at(&file(&folder)).await;
    scene.behave(Service::TwitterDm, "ok,delay_ms=500,linger_ms=500").await;
    let ids = scene.enqueue_dms(Platform::Twitter, ["ann", "bob", "eve"]).await;
    let daemon = scene.daemon().await;
    scene.pressed(1).await;
    let added = scene.run(&["--json", "safari", "deny-list", "add", "Eve", "--platform", "twitter", "--reason", "opt_out"]).await;
    added.json(0);
    scene.rows(2, "status = 'completed'").await;
    assert_eq!(scene.get(ids[2]).await.entry.command.status, CommandStatus::Cancelled);
    let again = scene.enqueue_dms(Platform::Twitter, ["@eve"]).await;
    until("the second is refused", async || scene.get(again[0]).await.entry.command.status == CommandStatus::Failed).await;
    assert_eq!(scene.presses().len(), 2);
    daemon.finish().await;
}
