//! What becomes of a run: failing steps, the stop switch, the end of a process, and runners that vanish.

use std::time::Duration;

use everreach_core::Envelope;
use everreach_core::routing::{Params, RouteRequest};
use everreach_core::store::Store;
use serde_json::{Value, json};

use super::{World, heartbeat, log, rows, until};
use crate::support::{self, store::execute};

fn chain(steps: &Value) -> Value {
    json!({ "mine": { "schedule": "0 * * * *", "chain": steps } })
}

fn words(steps: &[Value]) -> Vec<String> {
    let word = |step: &Value| match step["envelope"]["error"].as_str() {
        Some(error) => error.to_owned(),
        None => "ok".to_owned(),
    };
    steps.iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_does_not_keep_the_next_from_running() {
    let steps = json!(["dm.stats", "twitter.playbook", { "action": "dm.conversations", "params": { "limit": 5 } }]);
    let world = World::new(support::store::sqlite().await, "20T05:30", &chain(&steps));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    process.schedule().round().await.expect("a round");
    process.schedule().finish().await;
    assert_eq!(world.ran(), ["dm.stats", "twitter.playbook", "dm.conversations"]);
    let row = rows(&process, "mine").await.remove(0);
    assert_eq!((row.status.as_str(), words(&row.steps)), ("failed", vec!["ok".into(), "handler_error".into(), "ok".into()]));
    let reason = row.reason.expect("a reason");
    assert!(reason.contains("step 2 twitter.playbook: handler_error: ValueError: no niche"), "{reason}");
    let envelope: Envelope = serde_json::from_value(row.steps[2]["envelope"].clone()).expect("a whole envelope");
    assert_eq!(envelope.result, Some(json!({ "echo": { "limit": 5 } })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_good_without_its_optional_steps() {
    let steps = json!(["dm.stats", { "action": "twitter.playbook", "optional": true }]);
    let world = World::new(support::store::sqlite().await, "20T05:30", &chain(&steps));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    process.schedule().round().await.expect("a round");
    process.schedule().finish().await;
    assert_eq!(log(&process, "mine").await, ["20T06:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outward_starts_while_everything_is_stopped_and_the_slot_says_so() {
    let world = World::new(support::store::sqlite().await, "20T05:30", &chain(&json!(["dm.send", "dm.stats"])));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    process.stop_switch().stop(Some("wrong audience")).await.expect("it stops");
    world.advance_to("20T06:00");
    process.schedule().round().await.expect("a round");
    process.schedule().finish().await;
    assert_eq!(world.ran(), ["dm.stats"], "what only looks goes on");
    let row = rows(&process, "mine").await.remove(0);
    assert_eq!((row.status.as_str(), words(&row.steps)), ("failed", vec!["stopped".into(), "ok".into()]));
    assert!(row.reason.expect("a reason").contains("dm.send: stopped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_repeats_a_slot_finds_its_outward_step_done() {
    let world = World::new(support::store::sqlite().await, "20T05:30", &chain(&json!(["dm.send"])));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    process.schedule().round().await.expect("a round");
    process.schedule().finish().await;
    let again = RouteRequest::new("dm.send".parse().expect("a name"), Params::new());
    let again = process.route(again.with_idempotency_key("cron:mine:2026-11-20T06:00:00Z:0:dm.send")).await;
    assert!(again.ok && again.replayed);
    assert_eq!(world.ran(), ["dm.send"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_comes_while_an_earlier_one_runs_is_logged_as_missed() {
    let world = World::new(support::store::sqlite().await, "20T05:30", &chain(&json!(["dm.limits"])));
    let (first, second) = (world.alone().await, world.alone().await);
    first.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    assert_eq!(first.schedule().round().await.expect("a round").fired, 1);
    until("the step", async || world.ran() == ["dm.limits"]).await;
    // Its runner says that it lives in real time, which the clock by hand leaves behind.
    execute(&world.store, "UPDATE actp_cron_log SET everreach_lease_until = '2026-12-01T00:00:00.000000Z'").await;
    world.advance_to("20T07:00");
    let summary = second.schedule().round().await.expect("a round");
    assert_eq!((summary.fired, summary.missed, summary.abandoned), (0, 1, 0));
    world.worker.gate.add_permits(1);
    first.schedule().finish().await;
    assert_eq!(log(&first, "mine").await, ["20T06:00 ok", "20T07:00 missed"]);
    let reason = rows(&first, "mine").await.into_iter().find_map(|row| row.reason).expect("a reason");
    assert_eq!(reason, "overlap: the slot 2026-11-20T06:00:00Z was still running");
}

async fn a_vanished_runner(store: Store, lapsed: &'static str) {
    let world = World::new(store.clone(), "20T05:30", &heartbeat("0 * * * *"));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    execute(
        &store,
        format!(
            "INSERT INTO actp_cron_log (id, job_name, fired_at, env, ok, scheduled_at, everreach_status, everreach_runner, everreach_lease_until) \
             VALUES ('019aa0c0-0000-7000-8000-000000000001', 'mine', '2026-11-20T06:00:00.000000Z', 'cloud', NULL, '2026-11-20T06:00:00.000000Z', \
             'running', 'gone', '{lapsed}')"
        ),
    )
    .await;
    world.advance_to("20T06:10");
    let summary = process.schedule().round().await.expect("a round");
    assert_eq!((summary.abandoned, summary.fired), (1, 0), "it is not fired again");
    assert_eq!(log(&process, "mine").await, ["20T06:00 abandoned"]);
    let told = world.told.0.lock().expect("no test panicked meanwhile").clone();
    assert!(told.len() == 1 && told[0].contains("mine for 2026-11-20T06:00:00Z was cut off"), "{told:?}");
    world.advance_to("20T07:00");
    assert_eq!(process.schedule().round().await.expect("a round").fired, 1, "the next slot is fired");
    process.schedule().finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_runner_vanished_is_told_of_and_not_repeated_on_sqlite() {
    a_vanished_runner(support::store::sqlite().await, "2026-11-20T06:02:00.000000Z").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_runner_vanished_is_told_of_and_not_repeated_on_postgres() {
    // PostgreSQL compares with its own clock.
    a_vanished_runner(support::store::postgres().await, "2020-01-01T00:00:00.000000Z").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_finishes_its_step_and_says_which_it_did_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("everreach.db").display());
    let config = everreach_core::store::StoreConfig::new(&url);
    let store = Store::open(&config).await.expect("it opens");
    let world = World::new(store, "20T05:30", &chain(&json!(["dm.limits", "dm.stats"])));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    process.schedule().round().await.expect("a round");
    until("the step", async || world.ran() == ["dm.limits"]).await;
    {
        let mut ending = std::pin::pin!(process.shutdown(Duration::from_secs(10)));
        assert!(futures_util::poll!(&mut ending).is_pending(), "it waits for the step");
        world.worker.gate.add_permits(1);
        ending.await;
    }
    let mut world = world;
    world.store = Store::open(&config).await.expect("it opens again");
    let next = world.alone().await;
    let row = rows(&next, "mine").await.remove(0);
    assert_eq!((row.status.as_str(), words(&row.steps)), ("failed", vec!["ok".into(), "stopped".into()]));
    assert_eq!(next.schedule().round().await.expect("a round").fired, 0, "it is not fired again");
}
