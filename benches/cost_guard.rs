//! Reserve and settle with eight clients: one writer that batches, beside one commit per operation on a connection each.
//!
//! The peer is what a program without the guard would do: `BEGIN IMMEDIATE`, the same conditional update, insert and event,
//! `COMMIT`, at the same durability.
//!
//! How far apart they are depends on the disk: sharing a commit saves what an fsync costs. Where that is 70 µs, what is left on our
//! side is the way to SQLite's own thread and back, once per text of statements; on a slower disk the distance grows.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use everreach_core::cost::{CostConfig, CostGuard, CostRequest, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{ActionName, Clock, MicroUsd, SystemClock};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

const CLIENTS: u64 = 8;

async fn guard(folder: &tempfile::TempDir) -> Arc<SqlCostGuard> {
    let url = format!("sqlite://{}", folder.path().join("guard.db").display());
    let store = Store::open(&StoreConfig::new(url)).await.expect("a store");
    let mut config = CostConfig::default();
    config.cap = MicroUsd::from_usd(1_000_000);
    config.soft_cap = config.cap;
    let events = EventLog::start(store.clone());
    Arc::new(SqlCostGuard::new(store, config, SystemClock::shared(), events).expect("caps that make sense"))
}

async fn with_guard(guard: &Arc<SqlCostGuard>, operations: u64) -> Duration {
    let action: ActionName = "dm.send".parse().expect("a name");
    let start = SystemClock::new();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (guard, action) = (Arc::clone(guard), action.clone());
            tokio::spawn(async move {
                for _ in 0..operations.div_ceil(CLIENTS) {
                    let request = CostRequest::new(action.clone(), MicroUsd::from_micros(1_000));
                    let reservation = guard.reserve(request).await.expect("room");
                    guard.settle(&reservation, reservation.amount).await.expect("it settles");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no client fails");
    }
    start.monotonic()
}

const PEER_SCHEMA: &str = "
    CREATE TABLE months (month TEXT PRIMARY KEY, settled INTEGER NOT NULL, reserved INTEGER NOT NULL) STRICT;
    CREATE TABLE reservations (id INTEGER PRIMARY KEY, month TEXT NOT NULL, amount INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
    CREATE TABLE log (id INTEGER PRIMARY KEY, service TEXT NOT NULL, action TEXT NOT NULL, cost_usd NUMERIC NOT NULL, created_at TEXT NOT NULL);
    INSERT INTO months VALUES ('2026-11', 0, 0);";

async fn peer_connection(folder: &tempfile::TempDir) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(folder.path().join("peer.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(60))
        .connect()
        .await
        .expect("a connection")
}

async fn peer_operation(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *db).await?;
    sqlx::query(
        "UPDATE months SET reserved = reserved + 1000 WHERE month = '2026-11' AND settled + reserved + 1000 <= 1000000000000",
    )
    .execute(&mut *db)
    .await?;
    let id: i64 =
        sqlx::query_scalar("INSERT INTO reservations (month, amount, state) VALUES ('2026-11', 1000, 'held') RETURNING id")
            .fetch_one(&mut *db)
            .await?;
    sqlx::query("COMMIT").execute(&mut *db).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *db).await?;
    sqlx::query("UPDATE reservations SET state = 'settled' WHERE id = $1 AND state = 'held'").bind(id).execute(&mut *db).await?;
    sqlx::query("UPDATE months SET reserved = reserved - 1000, settled = settled + 1000 WHERE month = '2026-11'")
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO log (service, action, cost_usd, created_at) VALUES ('dm', 'dm.send', 0.001, '2026-11-20T00:00:00.000000Z')",
    )
    .execute(&mut *db)
    .await?;
    sqlx::query("COMMIT").execute(&mut *db).await?;
    Ok(())
}

async fn with_peer(folder: &tempfile::TempDir, operations: u64) -> Duration {
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(peer_connection(folder).await);
    }
    let start = SystemClock::new();
    let clients: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            tokio::spawn(async move {
                for _ in 0..operations.div_ceil(CLIENTS) {
                    // SQLite's lock is not fair: a client can starve past any busy timeout and has to start over.
                    while peer_operation(&mut connection).await.is_err() {
                        let _ended = sqlx::query("ROLLBACK").execute(&mut connection).await;
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no client fails");
    }
    start.monotonic()
}

fn cost_guard(c: &mut Criterion) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let guard = tokio.block_on(guard(&folder));
    tokio.block_on(async {
        sqlx::raw_sql(PEER_SCHEMA).execute(&mut peer_connection(&folder).await).await.expect("the peer's schema");
    });
    let mut group = c.benchmark_group("reserve and settle, 8 clients, synchronous=FULL");
    group.sample_size(10).measurement_time(Duration::from_secs(8)).throughput(Throughput::Elements(1));
    group.bench_function("one writer, group commit", |b| {
        b.iter_custom(|operations| tokio.block_on(with_guard(&guard, operations)))
    });
    group.bench_function("peer: one commit per operation", |b| {
        b.iter_custom(|operations| tokio.block_on(with_peer(&folder, operations)))
    });
    group.finish();
}

criterion_group!(benches, cost_guard);
criterion_main!(benches);
