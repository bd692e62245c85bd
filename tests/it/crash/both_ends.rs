//! A forwarder and a cloud terminal on one database, each killed at instants that nobody chose: each call runs at most once.

use std::path::PathBuf;
use std::time::Duration;

use everreach_core::routing::RemoteConfig;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Mode, Outcome, Timestamp};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use serde::{Deserialize, Serialize};

use super::calls::{self, KEY, Plan};
use super::child::{Child, Job, Report, report};
use super::clock;
use super::cloud::CountingCloud;
use super::cycles::{Told, check_books, check_calls};
use crate::support::random::below;
use crate::support::store::{number, postgres_url};

/// On the terminal the message needs no other machine.
const TABLE: &str = r#"{"dm.send": {"essential": false, "cost_usd": 0.01, "requires": null}}"#;
/// One price for each call that ran, none for those that did not, at most one for those of which that is not known.
const WRONGLY_PAID: &str = "SELECT COUNT(*) FROM (SELECT c.idempotency_key FROM everreach_calls c \
     LEFT JOIN everreach_cost_reservations r ON r.call_key = c.idempotency_key AND r.state IN ('held', 'settled') \
     GROUP BY c.idempotency_key, c.state HAVING COUNT(r.id) > 1 OR (c.state = 'executed' AND COUNT(r.id) <> 1) \
         OR (c.state = 'not_executed' AND COUNT(r.id) <> 0)) w";
/// The longest that either lives, in milliseconds, once it is ready.
const LONGEST_LIFE: u64 = 250;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TerminalPlan {
    url: String,
    folder: PathBuf,
    port: u16,
    /// Who does the work, and counts it.
    worker: String,
    now: Timestamp,
}

/// A terminal that serves until it is killed.
pub(super) async fn serve(plan: TerminalPlan) {
    std::fs::create_dir_all(&plan.folder).expect("a folder");
    let table = plan.folder.join("routes.json");
    std::fs::write(&table, TABLE).expect("the table is written");
    let mut config = RuntimeConfig::default();
    config.data_dir.clone_from(&plan.folder);
    config.store = StoreConfig::new(&plan.url);
    config.routing.mode = Mode::Cloud;
    config.routing.is_cloud_terminal = true;
    config.routing.table = Some(table);
    config.worker = Some(RemoteConfig::new(plan.worker.parse().expect("a URL")));
    let runtime = Runtime::builder(config).with_clock(clock::from(plan.now)).build().await.expect("the terminal starts");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", plan.port)).await.expect("the port");
    let hosts = AllowedHosts::new(listener.local_addr().expect("an address"), [""; 0]).expect("no names");
    let access = Access::loopback(runtime.key_ring().clone()).with_key(&KEY.to_owned().into());
    report(&Report::Ready);
    axum::serve(listener, app(AppState::new(runtime, access, hosts))).await.expect("it serves until it is killed");
}

async fn terminal(plan: &TerminalPlan) -> Child {
    let mut child = Child::start(&Job::Serve(plan.clone()));
    assert_eq!(child.next().await, Some(Report::Ready));
    child
}

/// Hears the forwarder for a random while.
async fn live(child: &mut Child, told: &mut Told) {
    let (began, life) = (tokio::time::Instant::now(), Duration::from_millis(below(LONGEST_LIFE)));
    while let Some(report) = child.next_within(life.saturating_sub(began.elapsed())).await {
        told.hear(report);
        if began.elapsed() >= life {
            return;
        }
    }
}

/// One life of the forwarder and one or two of the terminal. Whoever goes first is chance; so is who outlives whom.
async fn cycle(plan: Plan, at: &TerminalPlan, told: &mut Told) {
    let mut there = terminal(at).await;
    let mut here = Child::start(&Job::Call(plan));
    loop {
        let report = here.next().await.expect("it gets ready");
        let is_ready = report == Report::Ready;
        told.hear(report);
        if is_ready {
            break;
        }
    }
    live(&mut here, told).await;
    if below(3) > 0 {
        there.kill().await;
        live(&mut here, told).await;
        there = terminal(at).await;
        live(&mut here, told).await;
    }
    here.kill().await;
    here.rest().await.into_iter().for_each(|report| told.hear(report));
    tokio::time::sleep(Duration::from_millis(below(LONGEST_LIFE / 5))).await;
    there.kill().await;
}

/// So many cycles; what they did, in words.
async fn each_call_runs_at_most_once(url: String, cycles: u32) -> String {
    let (folder, worker) = (tempfile::tempdir().expect("a folder"), CountingCloud::start().await);
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port").port();
    let mut plan = Plan {
        url: url.clone(),
        folder: folder.path().to_owned(),
        cloud: format!("http://127.0.0.1:{port}"),
        now: "2026-11-03T00:00:00Z".parse().expect("a time"),
        cap: everreach_core::MicroUsd::from_usd(100_000),
        again: [].into(),
        first: 0,
    };
    let mut told = Told::default();
    for _ in 0..cycles {
        plan.again = told.unanswered().into();
        plan.first = told.next_call();
        let folder = folder.path().join("terminal");
        let at = TerminalPlan { url: url.clone(), folder, port, worker: worker.url.to_string(), now: plan.now };
        cycle(plan.clone(), &at, &mut told).await;
        // Past the lease of a call each time, past that of a reservation most times.
        plan.now += Duration::from_secs(if below(3) == 0 { 240 } else { 660 });
    }
    plan.now += Duration::from_secs(3_600);
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    let runtime = calls::runtime(&plan, store.clone()).await;
    check_calls(&runtime, &told, &worker).await;
    check_books(&runtime, &plan, &store).await;
    assert_eq!(number(&store, WRONGLY_PAID).await, 0, "a call was paid twice, or not at all");
    let ran = worker.counts().len();
    for (call, first) in told.answered.iter().filter(|(_, answer)| answer.outcome == Outcome::Executed) {
        let again = runtime.route(calls::request(*call)).await;
        assert!(again.replayed && again.result == first.result, "call {call}: {again:?}, at first {first:?}");
    }
    assert_eq!(worker.counts().len(), ran, "asking again runs nothing");
    let handed = number(&store, "SELECT COUNT(*) FROM everreach_events WHERE kind = 'call.handed_over'").await;
    let state = |word: &str| format!("SELECT COUNT(*) FROM everreach_calls WHERE state = '{word}'");
    let (executed, held) = (number(&store, state("executed")).await, number(&store, state("unknown")).await);
    let shown = format!("{cycles} cycles: {} asked, {handed} handed over, {executed} executed, {held} held", told.asked.len());
    assert!(handed > 0 && executed > 0 && held > 0, "{shown}");
    runtime.shutdown(Duration::from_secs(5)).await;
    shown
}

#[tokio::test]
async fn kills_at_both_ends_of_a_forwarded_call_repeat_nothing_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("{}", each_call_runs_at_most_once(format!("sqlite://{}/killed.db", folder.path().display()), 40).await);
}

#[tokio::test]
async fn kills_at_both_ends_of_a_forwarded_call_repeat_nothing_on_postgres() {
    println!("{}", each_call_runs_at_most_once(postgres_url().await, 25).await);
}
