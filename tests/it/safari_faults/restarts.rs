//! Services that die while they send, and come back.

use std::net::TcpListener;
use std::process::Stdio;

use everreach_core::Id;
use everreach_core::safari::{CommandStatus, Platform, Service};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::scene::{Scene, file, later, until};
use crate::cli::program::Place;
use crate::support::store::postgres_url;

const REST: i64 = 3;

/// The first message meets the crash; the watchdog restarts the service.
async fn crash(scene: &Scene, scenario: &str) -> Vec<Id> {
    scene.behave(Service::TwitterDm, scenario).await;
    let ids = scene.enqueue_dms(Platform::Twitter, ["ann", "bob", "cyd"]).await;
    let daemon = scene.daemon().await;
    scene.rows(1, "everreach_outcome = 'unknown'").await;
    scene.double.restart(Service::TwitterDm).await.expect("the watchdog restarts it");
    scene.rows(2, "status = 'completed'").await;
    let held = scene.get(ids[0]).await;
    assert_eq!((held.entry.command.status, held.tries.len()), (CommandStatus::Failed, 1), "{held:?}");
    let asked = scene.run(&["--json", "safari", "retry-failed"]).await.json(0);
    assert_eq!(asked["retried"], serde_json::json!([]));
    scene.enqueue_dms(Platform::Twitter, ["dan"]).await;
    scene.rows(3, "status = 'completed'").await;
    daemon.finish().await;
    assert_eq!(scene.get(ids[0]).await.tries.len(), 1, "it is never tried again by itself");
    ids
}

async fn died_after_the_press(url: &str) {
    let scene = Scene::at(url).await.with("SAFARI_REST_AFTER_UNKNOWN_SEC", &REST.to_string());
    let ids = crash(&scene, "crash,times=1").await;
    let presses = scene.presses();
    assert_eq!(presses.iter().map(|press| press.target.as_str()).collect::<Vec<_>>(), ["ann", "bob", "cyd", "dan"]);
    let unknown_at = scene.get(ids[0]).await.tries[0].finished_at.expect("an end");
    assert!(presses[1].ts >= later(unknown_at, REST), "Safari rests first: {unknown_at} {presses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_service_died_in_the_middle_is_held_and_the_next_go_on_after_the_rest_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    died_after_the_press(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_service_died_in_the_middle_is_held_and_the_next_go_on_after_the_rest_on_postgres() {
    died_after_the_press(&postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_service_died_before_it_pressed_is_held_too_for_nobody_can_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::at(&file(&folder)).await;
    crash(&scene, "crash_before,times=1").await;
    assert_eq!(scene.presses().iter().map(|press| press.target.as_str()).collect::<Vec<_>>(), ["bob", "cyd", "dan"]);
}

/// `demo safari-services` with only twitter-dm, at this port.
async fn services(place: &Place, port: u16, scenario: &str) -> tokio::process::Child {
    let first = (port - 1).to_string();
    let arguments =
        ["demo", "safari-services", "--only", "twitter-dm", "--port-base", &first, "--any-hour", "--log", "presses.jsonl"];
    let mut command = place.command(&[&arguments[..], &["--scenario", scenario]].concat());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let line = lines.next_line().await.expect("text").expect("a setting");
    assert_eq!(line, format!("SAFARI_TWITTER_DM_URL=http://127.0.0.1:{port}"));
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_a_process_of_services_that_is_killed_is_pressed_once_over_both_its_lives() {
    let (folder, mac) = (tempfile::tempdir().expect("a folder"), Place::new());
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut first = services(&mac, port, "twitter-dm=ok,linger_ms=60000").await;
    let scene = Scene::at(&file(&folder)).await.with("SAFARI_TWITTER_DM_URL", &format!("http://127.0.0.1:{port}"));
    scene.enqueue_dms(Platform::Twitter, ["ann", "bob"]).await;
    let daemon = scene.daemon().await;
    let log = || std::fs::read_to_string(mac.path().join("presses.jsonl")).unwrap_or_default();
    until("the first press", async || log().lines().count() == 1).await;
    first.kill().await.expect("it is killed");
    scene.rows(1, "everreach_outcome = 'unknown'").await;
    let second = services(&mac, port, "twitter-dm=ok").await;
    scene.rows(1, "status = 'completed'").await;
    let targets: Vec<String> = log()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["target"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(targets, ["ann", "bob"]);
    daemon.finish().await;
    drop(second);
}
