//! A hundred thousand rows that wait: written over HTTP in bulk, then claimed, listed and counted. What is measured is work, not time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::safari::decision::{Conditions, RetrySchedule, settle};
use everreach_core::safari::queue::{Cursor, Finish, HistoryFilter, QueueConfig, SafariQueue};
use everreach_core::safari::{ActiveHours, CommandStatus, DispatchOutcome, HealthStatus, Service, ServiceHealth};
use everreach_core::store::{Db, Dialect, Store, StoreConfig};
use everreach_core::{Clock as _, Id, SystemClock};
use http::StatusCode;
use serde_json::json;

use super::scene::{file, until};
use crate::support::http::Server;
use crate::support::store::{execute, number, postgres_url, texts};

const BULK: usize = 1_000;
const FEW: usize = 1_000;
const MANY: usize = 100_000;
const PAGE: u32 = 50;

/// A queue whose work can be read off. It is opened for one thing, and closed after it.
struct Meter {
    store: Store,
    queue: SafariQueue,
    conditions: Conditions,
    /// Hundreds of instructions of SQLite's machine.
    steps: Arc<AtomicU64>,
}

impl Meter {
    async fn at(url: &str) -> Self {
        let mut config = StoreConfig::new(url);
        config.connections = 1;
        let store = Store::open(&config).await.expect("it opens");
        let clock = SystemClock::shared();
        let queue = SafariQueue::new(store.clone(), clock.clone(), EventLog::start(store.clone()), QueueConfig::default());
        let mut conditions = Conditions::new(chrono_tz::UTC);
        conditions.active_hours = ActiveHours::ALWAYS;
        conditions.pacing.min_delay = Some(Duration::ZERO);
        for service in Service::ALL {
            conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", clock.now()));
        }
        let meter = Self { store, queue, conditions, steps: Arc::default() };
        meter.count_steps().await;
        meter
    }

    /// On SQLite, both connections report what they do.
    async fn count_steps(&self) {
        let mut connection = self.store.read().await.expect("a connection");
        if let Db::Sqlite(connection) = connection.db() {
            let steps = Arc::clone(&self.steps);
            connection.lock_handle().await.expect("the handle").set_progress_handler(100, move || more(&steps));
        }
        let steps = Arc::clone(&self.steps);
        let counting = self.store.write(move |db| {
            Box::pin(async move {
                if let Db::Sqlite(connection) = db {
                    connection.lock_handle().await?.set_progress_handler(100, move || more(&steps));
                }
                Ok(())
            })
        });
        counting.await.expect("a write");
    }

    async fn page(&self, filter: &HistoryFilter, after: Option<Cursor>, rows: usize) {
        let page = self.queue.history(filter, after, PAGE, &self.conditions).await.expect("a page");
        assert_eq!(page.commands.len(), rows);
    }

    async fn do_one(&self, thing: Thing, old: &(Id, Cursor)) {
        let mut filter = HistoryFilter::default();
        match thing {
            Thing::Claim => assert_eq!(self.queue.claim("mac-1", 1, &self.conditions).await.expect("a claim").len(), 1),
            Thing::Command => {
                let claimed = self.queue.claim("mac-1", 1, &self.conditions).await.expect("a claim").remove(0);
                self.queue.mark_dispatched(&claimed).await.expect("the claim holds");
                let outcome = DispatchOutcome::sent("seen");
                let settlement = settle(&outcome, 0, &RetrySchedule::default(), SystemClock::new().now(), 0.5);
                let finish = Finish::new(claimed, outcome, settlement).with_rest(Duration::ZERO);
                self.queue.finish(finish).await.expect("it holds");
            }
            Thing::Why => drop(self.queue.get(old.0, &self.conditions).await.expect("a look").expect("it is there")),
            Thing::FirstPage => self.page(&filter, None, 50).await,
            Thing::DeepPage => self.page(&filter, Some(old.1), 50).await,
            Thing::Campaign => {
                filter.campaign = Some("rare".to_owned());
                self.page(&filter, None, 3).await;
            }
            Thing::Failed => {
                filter.status = Some(CommandStatus::Failed);
                self.page(&filter, None, 3).await;
            }
            Thing::Statistics => {
                let statistics = self.queue.statistics(&self.conditions).await.expect("the numbers");
                assert_eq!(statistics.of_status(CommandStatus::Failed), 3);
            }
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Command,
    Why,
    FirstPage,
    DeepPage,
    Campaign,
    /// A filter that finds little, and nothing but a look at each row tells where.
    Failed,
    Statistics,
    /// The last: nothing more can be claimed until it is finished.
    Claim,
}

impl Thing {
    const ALL: [Self; 8] =
        [Self::Command, Self::Why, Self::FirstPage, Self::DeepPage, Self::Campaign, Self::Failed, Self::Statistics, Self::Claim];

    /// Whether it may look at every row there is.
    const fn reads_all(self) -> bool {
        matches!(self, Self::Failed | Self::Statistics)
    }
}

/// What each thing costs: instructions on SQLite, rows of the queue read on PostgreSQL.
async fn costs(url: &str, admin: &Store) -> Vec<(Thing, u64)> {
    let oldest = "SELECT CAST(id AS TEXT) FROM safari_command_queue ORDER BY created_at, id LIMIT 1 OFFSET 60";
    let meter = Meter::at(url).await;
    let oldest = texts(&meter.store, oldest).await[0].parse().expect("an id");
    let command = meter.queue.get(oldest, &meter.conditions).await.expect("a look").expect("it is there").entry.command;
    let cursor = format!("{}_{oldest}", command.created_at.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let old = (oldest, cursor.parse().expect("a cursor"));
    meter.store.close().await;
    drop(meter);
    let mut costs = Vec::new();
    for thing in Thing::ALL {
        let before = rows_read(admin).await;
        let meter = Meter::at(url).await;
        meter.do_one(thing, &old).await;
        let steps = meter.steps.load(Ordering::SeqCst) * 100;
        meter.store.close().await;
        drop(meter);
        costs.push((thing, steps + rows_read(admin).await - before));
    }
    // By a connection that is closed too, so that what it reads is not counted later.
    let meter = Meter::at(url).await;
    let lapse = "UPDATE safari_command_queue SET everreach_lease_until = '2026-01-01T00:00:00.000000Z' WHERE status = 'running'";
    execute(&meter.store, lapse).await;
    execute(&meter.store, "UPDATE everreach_safari_browser SET lease_until = NULL, command_id = NULL").await;
    meter.store.close().await;
    costs
}

/// Rows of the queue and entries of its indexes that were read by connections that are closed; nothing on SQLite.
async fn rows_read(admin: &Store) -> u64 {
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
        AND backend_type = 'client backend' AND query NOT LIKE '%FROM pg_stat_%' AND query NOT LIKE 'LISTEN%'";
    let read = "SELECT CAST((SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'safari_command_queue') \
        + (SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'safari_command_queue') AS BIGINT)";
    if admin.dialect() == Dialect::Sqlite {
        return 0;
    }
    until("the connections are closed", async || number(admin, others).await == 0).await;
    u64::try_from(number(admin, read).await).expect("positive")
}

fn more(steps: &AtomicU64) -> bool {
    steps.fetch_add(1, Ordering::SeqCst);
    true
}

/// Comments, each on a post of its own.
async fn enqueue(server: &Server, numbers: std::ops::Range<usize>) {
    let numbers: Vec<_> = numbers.collect();
    for bulk in numbers.chunks(BULK) {
        let comment = |number: &usize| {
            let url = format!("https://x.com/user{number}/status/{number}");
            json!({"action": "comment", "platform": "twitter", "params": {"postUrl": url, "text": "well said"}})
        };
        let body = json!({"commands": bulk.iter().map(comment).collect::<Vec<_>>()});
        let written = server.post("/api/safari/commands", body).await.with(StatusCode::CREATED);
        assert_eq!(written["commands"].as_array().map(Vec::len), Some(bulk.len()));
    }
}

/// A few of another kind, older than all others.
async fn rare(server: &Server, store: &Store) {
    for number in 0..3 {
        let url = format!("https://www.threads.net/@ann/post/{number}");
        let rare = json!({"action": "comment", "platform": "threads", "campaign_id": "rare",
            "params": {"postUrl": url, "text": "well said"}});
        server.post("/api/safari/commands", rare).await.with(StatusCode::CREATED);
    }
    let failed = "UPDATE safari_command_queue SET status = 'failed', error = 'by hand', everreach_outcome = 'refused'";
    execute(store, failed).await;
}

/// Returns what was measured.
async fn a_hundred_thousand(url: &str) -> String {
    let mut config = StoreConfig::new(url);
    config.connections = 1;
    let mut measured = Vec::new();
    for (numbers, is_first) in [(0..FEW, true), (FEW..MANY, false)] {
        let server = Server::open_at(url).await;
        if is_first {
            rare(&server, server.state.runtime().store()).await;
        }
        enqueue(&server, numbers).await;
        let status = server.get("/api/safari/status").await.with(StatusCode::OK);
        assert_eq!(status["commands"]["failed"], 3);
        server.state.runtime().shutdown(Duration::from_secs(5)).await;
        drop(server);
        let admin = Store::open(&config).await.expect("it opens");
        if !is_first {
            // As PostgreSQL does by itself within a minute, and as people do on SQLite.
            execute(&admin, "ANALYZE safari_command_queue").await;
        }
        // The first look at new rows is no part of it.
        costs(url, &admin).await;
        measured.push(costs(url, &admin).await);
        admin.close().await;
    }
    for ((thing, few), (_, many)) in measured[0].iter().zip(&measured[1]) {
        let all = u64::try_from(MANY).expect("small");
        let most = if thing.reads_all() { all * 60 } else { few * 2 + 2_000 };
        assert!(*many <= most, "{thing:?}: {few} at {FEW} rows, {many} at {MANY}");
    }
    format!("{measured:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_waiting_rows_are_claimed_and_listed_with_the_work_of_a_thousand_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("{}", a_hundred_thousand(&file(&folder)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_waiting_rows_are_claimed_and_listed_with_the_work_of_a_thousand_on_postgres() {
    println!("{}", a_hundred_thousand(&postgres_url().await).await);
}
