//! SQLite when others want the same file, and when writes that share a commit fail.

use std::time::Duration;

use everreach_core::store::Store;
use everreach_core::{Error, ErrorKind, Result};
use futures_util::future::join_all;
use sqlx::SqliteConnection;

use super::{File, run, write};
use crate::support::store::{self, execute, number};

const COUNT: &str = "SELECT COUNT(*) FROM notes";
const SUM: &str = "SELECT CAST(COALESCE(SUM(number), 0) AS BIGINT) FROM notes";

async fn add_table(store: &Store) {
    execute(store, "CREATE TABLE notes (number BIGINT NOT NULL CHECK (number > 0))").await;
}

async fn lock(connection: &mut SqliteConnection) {
    sqlx::query("BEGIN EXCLUSIVE").execute(connection).await.expect("the lock is free");
}

async fn unlock(connection: &mut SqliteConnection) {
    sqlx::query("COMMIT").execute(connection).await.expect("it commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_wait_for_a_lock_and_then_succeed_while_reads_go_on() {
    let file = File::new();
    let store = file.open().await;
    add_table(&store).await;
    let mut other = file.connect().await;
    lock(&mut other).await;
    let writes: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, "INSERT INTO notes VALUES (1)").await })
        })
        .collect();
    for _ in 0..100 {
        assert_eq!(number(&store, COUNT).await, 0, "a reader sees what is committed");
        tokio::task::yield_now().await;
    }
    assert!(writes.iter().all(|write| !write.is_finished()), "somebody else holds the lock");
    unlock(&mut other).await;
    for write in writes {
        write.await.expect("no panic").expect("the lock is free");
    }
    assert_eq!(number(&store, COUNT).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_caller_gave_up_is_not_executed_later() {
    let file = File::new();
    let mut config = file.config();
    config.write_timeout = Duration::from_millis(300);
    let (patient, hasty) = (file.open().await, Store::open(&config).await.expect("it opens"));
    add_table(&patient).await;
    let mut other = file.connect().await;
    lock(&mut other).await;
    let late = join_all((0..3).map(|_| write(&hasty, "INSERT INTO notes VALUES (100)"))).await;
    for late in late {
        let error = late.expect_err("the lock is held");
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::StoreUnavailable, "another program holds the database's lock: close it, or wait")
        );
    }
    let dropped = write(&patient, "INSERT INTO notes VALUES (1000)");
    assert!(tokio::time::timeout(Duration::from_millis(50), dropped).await.is_err(), "the lock is held");
    unlock(&mut other).await;
    write(&patient, "INSERT INTO notes VALUES (1)").await.expect("the lock is free");
    write_patiently(&hasty, "INSERT INTO notes VALUES (2)").await;
    assert_eq!(number(&patient, SUM).await, 3, "only what somebody still waited for");
}

/// The hasty writer may still be inside its last wait for the lock.
async fn write_patiently(store: &Store, statement: &'static str) {
    for _ in 0..40 {
        match write(store, statement).await {
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => {}
            other => return other.expect("it is written"),
        }
    }
    panic!("the writer never came back");
}

/// Many writes at once, of which every third fails in its second statement.
async fn a_failure_takes_nothing_with_it(store: Store) {
    add_table(&store).await;
    let writes = (0..60).map(|number: i64| {
        store.write(move |mut db| {
            Box::pin(async move {
                run(reborrow(&mut db), "INSERT INTO notes VALUES (1)").await?;
                match number % 6 {
                    0 => run(db, "INSERT INTO notes VALUES (-1)").await,
                    3 => Err(Error::new(ErrorKind::Conflict, "changed its mind")),
                    _ => run(db, "INSERT INTO notes VALUES (10)").await,
                }
            })
        })
    });
    let results: Vec<Result<()>> = join_all(writes).await;
    for (number, result) in results.iter().enumerate() {
        let expected = match number % 6 {
            0 => Some(ErrorKind::Store),
            3 => Some(ErrorKind::Conflict),
            _ => None,
        };
        assert_eq!(result.as_ref().err().map(Error::kind), expected, "{number}: {result:?}");
    }
    assert_eq!((number(&store, COUNT).await, number(&store, SUM).await), (80, 440));
}

fn reborrow<'c>(db: &'c mut everreach_core::store::Db<'_>) -> everreach_core::store::Db<'c> {
    use everreach_core::store::Db;
    match db {
        Db::Sqlite(connection) => Db::Sqlite(connection),
        Db::Postgres(connection) => Db::Postgres(connection),
        _ => unreachable!("there are two databases"),
    }
}

#[tokio::test]
async fn a_write_that_fails_takes_no_other_with_it_on_sqlite() {
    a_failure_takes_nothing_with_it(store::sqlite().await).await;
}

#[tokio::test]
async fn a_write_that_fails_takes_no_other_with_it_on_postgres() {
    a_failure_takes_nothing_with_it(store::postgres().await).await;
}

#[tokio::test]
async fn a_write_that_panics_fails_alone() {
    let store = store::sqlite().await;
    add_table(&store).await;
    let panicking = store.write(|db| {
        Box::pin(async move {
            run(db, "INSERT INTO notes VALUES (100)").await?;
            if true {
                panic!("a defect of the write");
            }
            Ok(())
        })
    });
    let others = join_all((0..10).map(|_| write(&store, "INSERT INTO notes VALUES (1)")));
    let (panicked, others) = futures_util::future::join(panicking, others).await;
    assert_eq!(panicked.expect_err("it panicked").kind(), ErrorKind::Internal);
    for other in others {
        other.expect("it has nothing to do with it");
    }
    assert_eq!(number(&store, SUM).await, 10);
}

#[tokio::test]
async fn a_write_that_ends_the_shared_transaction_fails_and_the_store_goes_on() {
    let store = store::sqlite().await;
    add_table(&store).await;
    let error = write(&store, "ROLLBACK").await.expect_err("it broke the commit");
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    write(&store, "INSERT INTO notes VALUES (1)").await.expect("a new transaction");
    assert_eq!(number(&store, SUM).await, 1);
}
