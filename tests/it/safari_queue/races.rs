//! Many hands at once.

use std::collections::BTreeSet;

use everreach_core::store::{Db, StoreConfig};
use tokio::task::JoinSet;

use super::*;
use crate::support::store::postgres_url;

const CLAIMERS: usize = 50;

/// Handles in the way of several processes: each has its own connections.
async fn benches(url: &str, count: usize) -> Vec<Bench> {
    let mut benches = Vec::new();
    for _ in 0..count {
        let mut config = StoreConfig::new(url);
        config.connections = 2;
        benches.push(Bench::new(Store::open(&config).await.expect("it opens")));
    }
    benches
}

async fn no_row_is_taken_twice(url: String) {
    let benches = benches(&url, 4).await;
    benches[0].queue.enqueue((0..1_000).map(|_| benches[0].score()).collect()).await.expect("written");
    let mut claimers = JoinSet::new();
    for number in 0..CLAIMERS {
        let (queue, conditions) = (benches[number % 4].queue.clone(), benches[0].conditions.clone());
        claimers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let claimed = queue.claim(&format!("worker-{number}"), 7, &conditions).await.expect("a claim");
                if claimed.is_empty() {
                    return taken;
                }
                taken.extend(claimed.iter().map(|claimed| claimed.command().id));
            }
        });
    }
    let taken: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (1_000, 1_000));
}

/// Everybody sends as fast as they can; exactly as many go as the limits allow, and never two at a time.
async fn limits_hold_exactly(url: String) {
    let mut benches = benches(&url, 4).await;
    for bench in &mut benches {
        bench.conditions.limits = r#"{"twitter": {"dm": 13}, "tiktok": {"dm": 4}}"#.parse().expect("limits");
    }
    let dms = |platform: Platform| {
        let dm = move |number| format!("{platform}{number}");
        (0..30).map(move |number| (platform, dm(number)))
    };
    for (platform, handle) in dms(Platform::Twitter).chain(dms(Platform::Tiktok)) {
        benches[0].enqueue(benches[0].dm(platform, &handle)).await;
    }
    let driving = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut claimers = JoinSet::new();
    for number in 0..CLAIMERS {
        let bench = benches[number % 4].clone();
        let driving = Arc::clone(&driving);
        claimers.spawn(async move {
            let mut sent_by_me = Vec::new();
            loop {
                let left = "SELECT COUNT(*) FROM everreach_safari_attempts WHERE verdict = 'sent'";
                if bench.number(left).await >= 17 {
                    return sent_by_me;
                }
                for claimed in bench.queue.claim(&format!("worker-{number}"), 3, &bench.conditions).await.expect("a claim") {
                    assert_eq!(driving.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "two drive Safari");
                    bench.dispatch(&claimed).await;
                    sent_by_me.push(claimed.command().id);
                    assert_eq!(driving.fetch_sub(1, std::sync::atomic::Ordering::SeqCst), 1);
                    bench.finish(claimed, sent()).await;
                }
            }
        });
    }
    let all: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (17, 17));
    assert_eq!((benches[0].used("twitter").await, benches[0].used("tiktok").await), (13, 4));
    assert!(benches[0].claim(10).await.is_empty());
}

const SNATCH: &str = "UPDATE safari_command_queue SET status = 'running' WHERE status = 'pending' AND id IN \
    (SELECT id FROM safari_command_queue WHERE status = 'pending' ORDER BY created_at LIMIT 1) RETURNING CAST(id AS TEXT)";

/// One command, taken as other programs do: by a conditional update.
async fn snatch(store: &Store) -> Option<Id> {
    let taken: Option<String> = store
        .write(|db| {
            Box::pin(async move {
                Ok(match db {
                    Db::Sqlite(connection) => sqlx::query_scalar(SNATCH).fetch_optional(connection).await?,
                    Db::Postgres(connection) => sqlx::query_scalar(SNATCH).fetch_optional(connection).await?,
                    _ => unreachable!("there are two databases"),
                })
            })
        })
        .await
        .expect("their statement");
    taken.map(|id| id.parse().expect("an id"))
}

async fn another_program_and_two_workers_share_the_rows(url: String) {
    let benches = benches(&url, 3).await;
    benches[0].queue.enqueue((0..300).map(|_| benches[0].score()).collect()).await.expect("written");
    let mut consumers = JoinSet::new();
    for (number, bench) in benches.iter().enumerate() {
        let (queue, conditions, store) = (bench.queue.clone(), bench.conditions.clone(), bench.store.clone());
        consumers.spawn(async move {
            let mut taken = Vec::new();
            let mut idle = 0;
            while idle < 3 {
                let ids: Vec<Id> = if number == 0 {
                    snatch(&store).await.into_iter().collect()
                } else {
                    let claimed = queue.claim(&format!("worker-{number}"), 2, &conditions).await.expect("a claim");
                    claimed.iter().map(|claimed| claimed.command().id).collect()
                };
                idle = if ids.is_empty() { idle + 1 } else { 0 };
                taken.extend(ids);
            }
            taken
        });
    }
    let taken: Vec<_> = consumers.join_all().await.into_iter().flatten().collect();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (300, 300));
}

fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/race.db", folder.path().display())
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_claimers_never_take_a_row_twice_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    no_row_is_taken_twice(file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_claimers_never_take_a_row_twice_on_postgres() {
    no_row_is_taken_twice(postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_claimers_never_pass_a_limit_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    limits_hold_exactly(file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_claimers_never_pass_a_limit_on_postgres() {
    limits_hold_exactly(postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_consumer_and_two_workers_never_take_the_same_row_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    another_program_and_two_workers_share_the_rows(file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_consumer_and_two_workers_never_take_the_same_row_on_postgres() {
    another_program_and_two_workers_share_the_rows(postgres_url().await).await;
}
