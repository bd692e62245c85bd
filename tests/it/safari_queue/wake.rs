//! Who waits is told.

use everreach_core::store::StoreConfig;
use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::support::store::postgres_url;

const PATIENCE: Duration = Duration::from_secs(20);

on_both! {
async fn who_waits_is_told_of_a_new_command(bench: Bench) {
    let waiting = bench.queue.clone();
    let mut changes = waiting.changes();
    changes.mark_unchanged();
    bench.enqueue(bench.score()).await;
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("in time").expect("the queue lives");
}
}

#[tokio::test]
async fn another_process_is_told_through_postgres() {
    let url = postgres_url().await;
    let here = Bench::new(Store::open(&StoreConfig::new(&url)).await.expect("it opens"));
    let there = Bench::new(Store::open(&StoreConfig::new(&url)).await.expect("it opens"));
    let mut changes = there.queue.changes();
    // Listening begins with a change of its own, since something may have been missed before.
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it listens").expect("the queue lives");
    here.enqueue(here.score()).await;
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it is told").expect("the queue lives");
    assert_eq!(there.claim(10).await.len(), 1);
}

#[tokio::test]
async fn behind_a_pooler_nobody_listens() {
    let mut config = StoreConfig::new(postgres_url().await);
    config.transaction_pooler = true;
    let store = Store::open(&config).await.expect("it opens");
    assert!(store.listener("everreach_safari").is_none());
    let bench = Bench::new(store);
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(sent()).await;
}

async fn told(changes: &mut tokio::sync::watch::Receiver<u64>) {
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it is told").expect("the queue lives");
}

#[tokio::test]
async fn another_process_is_told_through_the_sqlite_file_also_after_its_log_was_emptied() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::new(format!("sqlite://{}/queue.db", folder.path().display()));
    let here = Bench::new(Store::open(&config).await.expect("it opens"));
    let there = Bench::new(Store::open(&config).await.expect("it opens"));
    let mut changes = there.queue.changes();
    // Listening begins with a change of its own, since something may have been missed before.
    told(&mut changes).await;
    here.enqueue(here.score()).await;
    told(&mut changes).await;
    assert_eq!(there.claim(10).await.len(), 1);
    let emptied = "PRAGMA wal_checkpoint(TRUNCATE)";
    let mut own = SqliteConnection::connect(&config.url).await.expect("a connection");
    sqlx::query(emptied).execute(&mut own).await.expect("the log is emptied");
    own.close().await.expect("it closes");
    changes.mark_unchanged();
    here.enqueue(here.score()).await;
    told(&mut changes).await;
    assert_eq!(there.claim(10).await.len(), 1);
}

#[tokio::test]
async fn what_a_process_commits_itself_wakes_no_listener_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::new(format!("sqlite://{}/queue.db", folder.path().display()));
    let bench = Bench::new(Store::open(&config).await.expect("it opens"));
    let mut listener = bench.store.listener("everreach_safari").expect("a file can be watched");
    assert!(listener.heard().await, "the beginning counts");
    bench.enqueue(bench.score()).await;
    bench.work(sent()).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), listener.heard()).await.is_err(), "nobody else wrote");
    bench.store.close().await;
    assert!(!tokio::time::timeout(PATIENCE, listener.heard()).await.expect("in time"), "the store is closed");
}

#[tokio::test]
async fn a_database_in_memory_has_no_other_process_to_listen_to() {
    let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("it opens");
    assert!(store.listener("everreach_safari").is_none());
}
