//! Rows that say a slot is being run, and nobody runs it.

use serde_json::{Value, json};

use super::process::{Process, at, execute, name, until};
use crate::Side;
use crate::schedule::holdings::Progress;
use crate::schedule::store::{self, Firing, Missing};
use crate::schedule::{Origin, Trigger};

fn hourly() -> Value {
    json!({ "mine": { "schedule": "0 * * * *", "fires_on": "local", "chain": ["system.heartbeat"] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_run_is_written_again_until_the_database_takes_it() {
    let process = Process::start(Side::Local, "20T05:30", &hourly()).await;
    let store = process.runtime.store();
    process.schedule().round().await.expect("a round");
    execute(
        store,
        "CREATE TRIGGER no_end BEFORE UPDATE ON actp_cron_log WHEN NEW.everreach_status = 'ok' \
         BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    process.advance_to("20T06:00");
    assert_eq!(process.schedule().round().await.expect("a round").fired, 1);
    // The clock stands still: time that passed would be the step's.
    execute(store, "UPDATE actp_cron_log SET everreach_lease_until = '2000-01-01T00:00:00.000000Z'").await;
    assert_eq!(process.schedule().round().await.expect("a round").abandoned, 0, "it is in hand");
    execute(store, "DROP TRIGGER no_end").await;
    until("the end of the run", async || process.log("mine").await == ["20T06:00 ok"]).await;
    process.schedule().finish().await;
    process.advance_to("20T07:00");
    process.look().await;
    assert_eq!(process.log("mine").await, ["20T06:00 ok", "20T07:00 ok"]);
}

/// The transaction was committed, and its answer got lost.
async fn fire_and_forget(process: &Process, slot: &'static str) {
    let (runner, now) = (process.schedule().inner.runner.clone(), at(slot));
    let fired = process.runtime.store().write(move |mut db| {
        Box::pin(async move {
            let job = name("mine");
            let firing = Firing {
                job: &job,
                slot: at(slot),
                side: Side::Local,
                origin: Origin::Schedule,
                event: None,
                runner: &runner,
                epoch: None,
            };
            store::fire(&mut db, &firing, Missing::Respect, std::time::Duration::from_secs(120), now).await
        })
    });
    fired.await.expect("an answer").expect("nobody fired it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_was_fired_without_an_answer_is_started_by_the_next_look() {
    let process = Process::start(Side::Local, "20T06:00", &hourly()).await;
    fire_and_forget(&process, "20T06:00").await;
    process.look().await;
    assert_eq!(process.log("mine").await, ["20T06:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_was_fired_without_an_answer_is_started_when_it_is_asked_for_again() {
    let process = Process::start(Side::Local, "20T06:00", &hourly()).await;
    fire_and_forget(&process, "20T06:00").await;
    let asked = process.schedule().trigger(&name("mine"), Trigger::latest()).await.expect("an answer").expect("a job");
    assert!(!asked.fired, "it was fired before");
    process.schedule().finish().await;
    assert_eq!(process.log("mine").await, ["20T06:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_broke_off_in_this_process_is_marked_and_not_begun_again() {
    let process = Process::start(Side::Local, "20T06:00", &hourly()).await;
    fire_and_forget(&process, "20T06:00").await;
    let mut hold = process.schedule().inner.holdings.hold(&name("mine"), at("20T06:00")).expect("nobody has it in hand");
    hold.begin();
    drop(hold);
    assert_eq!(process.schedule().round().await.expect("a round").abandoned, 1);
    assert_eq!(process.log("mine").await, ["20T06:00 abandoned"]);
    assert_eq!(process.schedule().inner.holdings.progress(&name("mine"), at("20T06:00")), None::<Progress>);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_the_machine_is_not_fired_by_the_cloud_when_it_is_asked_to() {
    let process = Process::start(Side::Cloud, "20T06:30", &hourly()).await;
    let asked = process.schedule().trigger(&name("mine"), Trigger::latest()).await.expect("an answer").expect("a job");
    assert!(!asked.fired && process.log("mine").await.is_empty(), "{asked:?}");
}
