//! What was acknowledged is there after a kill, also when it shared its commit with others.

use everreach_core::store::{Db, Store, StoreConfig};
use futures_util::future::join_all;

use super::child::{Child, Job, Report, report};
use crate::support::random::below;
use crate::support::store::{execute, number, postgres_url};

const WRITERS: u64 = 8;
const KILLS: usize = 10;

/// The child's job: rows, each acknowledged once its write has returned.
pub(super) async fn append(url: &str) {
    let store = Store::open(&StoreConfig::new(url)).await.expect("the database opens");
    let newest = u64::try_from(number(&store, "SELECT COALESCE(MAX(number), 0) FROM appended").await).expect("a number");
    join_all((1..=WRITERS).map(|writer| write(store.clone(), newest + writer))).await;
}

async fn write(store: Store, first: u64) {
    let mut number = first;
    loop {
        let row = i64::try_from(number).expect("a small number");
        let written = store.write(move |db| {
            Box::pin(async move {
                const INSERT: &str = "INSERT INTO appended (number) VALUES ($1)";
                match db {
                    Db::Sqlite(connection) => sqlx::query(INSERT).bind(row).execute(connection).await.map(drop)?,
                    Db::Postgres(connection) => sqlx::query(INSERT).bind(row).execute(connection).await.map(drop)?,
                    _ => unreachable!("there are two databases"),
                }
                Ok(())
            })
        });
        match written.await {
            Ok(()) => report(&Report::Written(number)),
            Err(error) => report(&Report::Failed(format!("{error:?}"))),
        }
        number += WRITERS;
    }
}

async fn acknowledged_rows_survive(url: String) {
    let store = Store::open(&StoreConfig::new(&url)).await.expect("the database opens");
    execute(&store, "CREATE TABLE appended (number BIGINT PRIMARY KEY)").await;
    store.close().await;
    for _ in 0..KILLS {
        let mut child = Child::start(&Job::Append { url: url.clone() });
        let mut acknowledged = Vec::new();
        let mut left = 1 + below(200);
        while left > 0 {
            match child.next().await.expect("it writes until it is killed") {
                Report::Written(number) => acknowledged.push(number),
                other => panic!("{other:?}"),
            }
            left -= 1;
        }
        child.kill().await;
        acknowledged.extend(child.rest().await.into_iter().filter_map(|report| match report {
            Report::Written(number) => Some(number),
            _ => None,
        }));
        let store = Store::open(&StoreConfig::new(&url)).await.expect("the database opens again");
        let list = acknowledged.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let kept = number(&store, format!("SELECT COUNT(*) FROM appended WHERE number IN ({list})")).await;
        assert_eq!(usize::try_from(kept), Ok(acknowledged.len()));
        store.close().await;
    }
}

#[tokio::test]
async fn rows_that_were_acknowledged_survive_a_kill_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    acknowledged_rows_survive(format!("sqlite://{}/durable.db", folder.path().display())).await;
}

#[tokio::test]
async fn rows_that_were_acknowledged_survive_a_kill_on_postgres() {
    acknowledged_rows_survive(postgres_url().await).await;
}
