//! Fresh databases, and statements on them.

use everreach_core::store::{Db, Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// A SQLite database of its own, gone when the store is dropped.
pub(crate) async fn sqlite() -> Store {
    Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a SQLite database")
}

/// A SQLite database in memory where the machine has a folder there, for tests that write for minutes and crash nothing.
pub(crate) async fn in_memory() -> (Store, TempDir) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let url = format!("sqlite://{}/memory.db", folder.path().display());
    (Store::open(&StoreConfig::new(url)).await.expect("a SQLite database"), folder)
}

/// A PostgreSQL database of its own on the server of the test run.
pub(crate) async fn postgres() -> Store {
    Store::open(&StoreConfig::new(postgres_url().await)).await.expect("a PostgreSQL database")
}

/// The URL of a new, empty PostgreSQL database.
pub(crate) async fn postgres_url() -> String {
    #[allow(clippy::disallowed_methods, reason = "the test run says where its server is")]
    let admin = std::env::var("EVERREACH_TEST_POSTGRES_URL")
        .expect("EVERREACH_TEST_POSTGRES_URL is not set: run `make test`, which starts a PostgreSQL server for the tests");
    let name = format!("everreach_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&admin).await.expect("the test run's PostgreSQL server answers");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("a new database");
    let (server, _) = admin.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{name}")
}

/// Runs a statement as another program would.
pub(crate) async fn execute(store: &Store, statement: impl Into<String>) {
    let statement = AssertSqlSafe(statement.into());
    store
        .write(move |db| {
            Box::pin(async move {
                match db {
                    Db::Sqlite(connection) => sqlx::query(statement).execute(connection).await.map(drop)?,
                    Db::Postgres(connection) => sqlx::query(statement).execute(connection).await.map(drop)?,
                    _ => unreachable!("there are two databases"),
                }
                Ok(())
            })
        })
        .await
        .expect("the statement runs");
}

/// The one number that a statement selects.
pub(crate) async fn number(store: &Store, statement: impl Into<String>) -> i64 {
    let statement = AssertSqlSafe(statement.into());
    let mut connection = store.read().await.expect("a connection");
    match connection.db() {
        Db::Sqlite(connection) => sqlx::query_scalar(statement).fetch_one(connection).await,
        Db::Postgres(connection) => sqlx::query_scalar(statement).fetch_one(connection).await,
        _ => unreachable!("there are two databases"),
    }
    .expect("the statement selects a number")
}

/// The texts that a statement selects.
pub(crate) async fn texts(store: &Store, statement: impl Into<String>) -> Vec<String> {
    let statement = AssertSqlSafe(statement.into());
    let mut connection = store.read().await.expect("a connection");
    match connection.db() {
        Db::Sqlite(connection) => sqlx::query_scalar(statement).fetch_all(connection).await,
        Db::Postgres(connection) => sqlx::query_scalar(statement).fetch_all(connection).await,
        _ => unreachable!("there are two databases"),
    }
    .expect("the statement selects texts")
}
