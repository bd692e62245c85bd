//! Who waits is told.

use everreach_core::store::StoreConfig;

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
