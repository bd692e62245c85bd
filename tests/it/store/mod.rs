//! The store: what it keeps, and what it does when its database misbehaves.

mod codec;
mod contention;
pub(crate) mod full;
pub(crate) mod openers;
mod outage;
mod permissions;
mod schema;
mod shared_tables;

use everreach_core::store::{Db, Store, StoreConfig};
use everreach_core::{Error, Result};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A SQLite file in a folder of its own.
struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("everreach.db")
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    fn config(&self) -> StoreConfig {
        StoreConfig::new(self.url())
    }

    async fn open(&self) -> Store {
        Store::open(&self.config()).await.expect("it opens")
    }

    /// A connection as another program has it.
    async fn connect(&self) -> SqliteConnection {
        SqliteConnection::connect(&format!("{}?mode=rwc", self.url())).await.expect("a connection")
    }
}

/// Runs a statement as a write of its own.
async fn write(store: &Store, statement: &'static str) -> Result<()> {
    store.write(move |db| Box::pin(run(db, statement))).await
}

async fn run(db: Db<'_>, statement: &'static str) -> Result<()> {
    match db {
        Db::Sqlite(connection) => sqlx::query(statement).execute(connection).await.map(drop).map_err(Error::from),
        Db::Postgres(connection) => sqlx::query(statement).execute(connection).await.map(drop).map_err(Error::from),
        _ => unreachable!("there are two databases"),
    }
}
