//! A write proves the lease in its own transaction: whoever was paused past its lease changes nothing.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::lease::{Acquired, Authority, Lease, LeaseTiming, Leases, holds};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use sqlx::AssertSqlSafe;

use crate::support;

pub(super) const TABLE: &str = "CREATE TABLE fenced_writes (number INTEGER PRIMARY KEY, epoch BIGINT NOT NULL)";

/// Writes a row under this authority; says whether it was allowed to.
pub(super) async fn write(store: &Store, authority: Authority, row: String) -> everreach_core::Result<bool> {
    use everreach_core::store::Db;
    store
        .write(move |mut db| {
            Box::pin(async move {
                if !holds(&mut db, &authority).await? {
                    return Ok(false);
                }
                let statement = AssertSqlSafe(row);
                match db {
                    Db::Sqlite(connection) => sqlx::query(statement).execute(connection).await.map(drop)?,
                    Db::Postgres(connection) => sqlx::query(statement).execute(connection).await.map(drop)?,
                    _ => unreachable!("there are two databases"),
                }
                Ok(true)
            })
        })
        .await
}

fn held(acquired: Acquired) -> Lease {
    match acquired {
        Acquired::Held { lease, .. } => lease,
        Acquired::ByOther(state) => panic!("somebody else has it: {state:?}"),
    }
}

async fn the_old_one_is_fenced_off(store: Store) {
    support::store::execute(&store, TABLE).await;
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    // It runs out at once on either database, whichever clock counts there.
    let brief = LeaseTiming { ttl: Duration::ZERO, ..LeaseTiming::default() };
    let leases = Leases::new(store.clone(), clock, brief);
    let old = held(leases.acquire("leader", "paused").await.expect("an answer"));
    let row = |number: u32, lease: &Lease| format!("INSERT INTO fenced_writes VALUES ({number}, {})", lease.epoch());
    let may = write(&store, Authority::Lease(old.clone()), row(1, &old)).await.expect("an answer");
    assert!(may, "nobody has taken it over: the write is its own");
    let new = held(leases.acquire("leader", "other").await.expect("an answer"));
    let may = write(&store, Authority::Lease(old.clone()), row(2, &old)).await.expect("an answer");
    assert!(!may, "it was paused past its lease");
    assert!(write(&store, Authority::Lease(new.clone()), row(3, &new)).await.expect("an answer"));
    assert!(write(&store, Authority::Alone, row(4, &new)).await.expect("an answer"), "alone there is nobody to fence off");
    let written = support::store::number(&store, "SELECT count(*) FROM fenced_writes").await;
    assert_eq!(written, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_stops_in_the_middle_of_a_write_does_not_keep_others_from_taking_over() {
    let store = support::store::postgres().await;
    support::store::execute(&store, TABLE).await;
    let brief = LeaseTiming { ttl: Duration::ZERO, ..LeaseTiming::default() };
    let leases = Leases::new(store.clone(), everreach_core::SystemClock::shared(), brief);
    let old = held(leases.acquire("leader", "stopped").await.expect("an answer"));
    let authority = Authority::Lease(old);
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let writing = store.write(move |mut db| {
        Box::pin(async move {
            assert!(holds(&mut db, &authority).await?);
            began.send(()).expect("the other waits");
            // The pause itself: longer than the database puts up with.
            tokio::time::sleep(Duration::from_secs(8)).await;
            holds(&mut db, &authority).await
        })
    });
    let taking = async {
        has_begun.await.expect("it began");
        tokio::time::timeout(Duration::from_secs(7), leases.acquire("leader", "other")).await
    };
    let (written, taken) = tokio::join!(writing, taking);
    assert_eq!(held(taken.expect("it is not kept waiting").expect("an answer")).epoch(), 2);
    written.expect_err("the database ended the transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_paused_past_its_lease_writes_nothing_on_sqlite() {
    the_old_one_is_fenced_off(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_paused_past_its_lease_writes_nothing_on_postgres() {
    the_old_one_is_fenced_off(support::store::postgres().await).await;
}
