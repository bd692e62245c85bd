//! Who fires a slot, and what is known of it afterwards.

use everreach_core::lease::{Acquired, Leadership, LeaseTiming, Leases, Standing};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Side, SystemClock};
use serde_json::json;

use super::{World, at, heartbeat, log, rows};
use crate::support::{self, store::execute};

async fn one_of_many_fires(store: Store) {
    let world = World::new(store, "20T05:00", &heartbeat("0 6 * * *"));
    let processes = [world.alone().await, world.alone().await, world.alone().await];
    for process in &processes {
        assert_eq!(process.schedule().round().await.expect("a round").fired, 0);
    }
    world.advance_to("20T06:00");
    let rounds = processes.iter().flat_map(|process| [process.schedule().round(), process.schedule().round()]);
    let fired: usize = futures_util::future::join_all(rounds).await.into_iter().map(|round| round.expect("a round").fired).sum();
    assert_eq!(fired, 1);
    for process in &processes {
        process.schedule().finish().await;
    }
    assert_eq!((world.ran(), log(&processes[0], "mine").await), (vec!["dm.stats".to_owned()], vec!["20T06:00 ok".to_owned()]));
    let row = rows(&processes[1], "mine").await.remove(0);
    assert_eq!((row.env.as_str(), row.ok, row.origin.as_deref(), row.epoch), ("local", Some(true), Some("schedule"), None));
    assert_eq!(row.steps[0]["envelope"]["result"], json!({ "echo": {} }));
    assert_eq!(row.steps[0]["envelope"]["idempotency_key"], "cron:mine:2026-11-20T06:00:00Z:0:dm.stats");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_processes_fires_a_slot_on_sqlite() {
    one_of_many_fires(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_processes_fires_a_slot_on_postgres() {
    one_of_many_fires(support::store::postgres().await).await;
}

async fn who_lost_the_lease_fires_nothing(store: Store) {
    let mut jobs = heartbeat("0 6 * * *");
    jobs["mine"]["fires_on"] = json!("cloud");
    let world = World::new(store.clone(), "20T05:00", &jobs);
    let leases = Leases::new(store, SystemClock::shared(), LeaseTiming::default());
    let Acquired::Held { lease, .. } = leases.acquire("lead", "cloud").await.expect("an answer") else { panic!("it is free") };
    let (setter, leadership) = Leadership::followed(SystemClock::shared());
    setter.set(Standing::Leads(lease.clone()));
    let cloud = world.process(Side::Cloud, leadership).await;
    let (local_setter, leadership) = Leadership::followed(SystemClock::shared());
    let local = world.process(Side::Local, leadership).await;
    cloud.schedule().round().await.expect("a round");

    // The lease goes to the other side while the cloud still believes that it leads.
    assert!(leases.release(&lease, None).await.expect("an answer"));
    let Acquired::Held { lease, .. } = leases.acquire("lead", "local").await.expect("an answer") else { panic!("it is free") };
    local_setter.set(Standing::Leads(lease));
    world.advance_to("20T06:01");
    assert_eq!(cloud.schedule().round().await.expect("a round").fired, 0);
    assert_eq!(local.schedule().round().await.expect("a round").fired, 0, "the cloud has five minutes");
    world.advance_to("20T06:05");
    assert_eq!(local.schedule().round().await.expect("a round").fired, 1);
    local.schedule().finish().await;
    let row = rows(&local, "mine").await.remove(0);
    assert_eq!((row.env.as_str(), row.epoch, row.status.as_str()), ("local", Some(2), "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_fires_nothing_and_the_mirror_does_after_its_grace_on_sqlite() {
    who_lost_the_lease_fires_nothing(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_fires_nothing_and_the_mirror_does_after_its_grace_on_postgres() {
    who_lost_the_lease_fires_nothing(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catch_up_reaches_back_to_the_first_start_which_outlives_the_process() {
    let world = World::new(support::store::sqlite().await, "20T05:00", &heartbeat("0 */2 * * *"));
    world.alone().await.schedule().round().await.expect("a round");
    world.advance_to("20T11:00");
    let woken = world.alone().await;
    let summary = woken.schedule().round().await.expect("a round");
    assert_eq!((summary.fired, summary.missed), (1, 2));
    woken.schedule().finish().await;
    assert_eq!(log(&woken, "mine").await, ["20T06:00 missed", "20T08:00 missed", "20T10:00 ok"]);
    let missed = rows(&woken, "mine").await.into_iter().find(|row| row.slot == Some(at("20T06:00"))).expect("a row");
    assert_eq!(missed.reason.as_deref(), Some("superseded by the slot 2026-11-20T10:00:00Z"));

    let new = World::new(support::store::sqlite().await, "20T11:00", &heartbeat("0 */2 * * *"));
    assert_eq!(new.alone().await.schedule().round().await.expect("a round").fired, 0, "nothing was due since it began");
}

async fn rows_of_others_count(store: Store) {
    let world = World::new(store.clone(), "20T05:00", &heartbeat("0 6 * * *"));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    execute(&store, "INSERT INTO actp_cron_log (job_name, fired_at, env) VALUES ('mine', '2026-11-20 06:02:00+00:00', 'cloud')")
        .await;
    world.advance_to("20T06:10");
    assert_eq!(process.schedule().round().await.expect("a round").fired, 0);
    let job = super::name("mine");
    let asked = process.schedule().trigger(&job, everreach_core::schedule::Trigger::latest()).await.expect("an answer");
    assert_eq!(asked.expect("a job").reason.as_deref(), Some("another program has fired it already"));
    assert_eq!(process.schedule().overview().await.expect("the jobs").len(), 13);
    assert_eq!(rows(&process, "mine").await[0].status, "ok", "as the other program says");
    world.advance_to("21T06:00");
    assert_eq!(process.schedule().round().await.expect("a round").fired, 1, "the next day is ours");
    process.schedule().finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_another_program_stands_for_the_slot_of_its_time_on_sqlite() {
    rows_of_others_count(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_another_program_stands_for_the_slot_of_its_time_on_postgres() {
    rows_of_others_count(support::store::postgres().await).await;
}

const THEIRS: &str = "CREATE TABLE actp_cron_log (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), job_name TEXT NOT NULL, \
    fired_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, env TEXT NOT NULL, duration_ms INT, ok BOOLEAN DEFAULT 1)";
const THEIRS_POSTGRES: &str = "CREATE TABLE actp_cron_log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), job_name text NOT NULL, \
    fired_at timestamptz NOT NULL DEFAULT now(), env text NOT NULL, duration_ms int, ok bool DEFAULT true)";

/// As the requirement's own migration made it, before this program came.
async fn their_table_is_completed(url: &str) {
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens");
    let world = World::new(store, "20T05:00", &heartbeat("0 6 * * *"));
    let process = world.alone().await;
    process.schedule().round().await.expect("a round");
    world.advance_to("20T06:00");
    assert_eq!(process.schedule().round().await.expect("a round").fired, 1);
    process.schedule().finish().await;
    assert_eq!(log(&process, "mine").await, ["20T06:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_log_of_another_program_is_completed_on_sqlite() {
    use sqlx::{Connection as _, SqliteConnection};
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("everreach.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a database");
    sqlx::query(THEIRS).execute(&mut connection).await.expect("the other program's statement");
    connection.close().await.expect("it closes");
    their_table_is_completed(url.trim_end_matches("?mode=rwc")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_log_of_another_program_is_completed_on_postgres() {
    use sqlx::{Connection as _, PgConnection};
    let url = support::store::postgres_url().await;
    let mut connection = PgConnection::connect(&url).await.expect("it answers");
    sqlx::query(THEIRS_POSTGRES).execute(&mut connection).await.expect("the other program's statement");
    their_table_is_completed(&url).await;
}
