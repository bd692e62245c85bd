//! The store's handle: opening, reading, writing, closing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::sqlite::SqliteStore;
use super::sqlite_listener::SqliteListener;
use super::{Db, MigrationState, ReadConnection, migrate, redact_url};
use crate::{Error, ErrorKind, Result};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres,
}

/// Where the database is and how patient to be with it.
///
/// ```
/// use everreach_core::store::StoreConfig;
/// let config = StoreConfig::new("sqlite://data/everreach.db");
/// assert_eq!(config.write_timeout.as_secs(), 30);
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StoreConfig {
    /// `sqlite://path`, `sqlite::memory:` (a private file, gone when the store closes) or `postgres://…`.
    pub url: String,
    /// How long a write waits for its turn before it fails as [`ErrorKind::StoreUnavailable`].
    pub write_timeout: Duration,
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub connections: u32,
    /// Whether a PostgreSQL pooler in transaction mode stands between, so that statements cannot be prepared.
    pub transaction_pooler: bool,
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &redact_url(&self.url))
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl StoreConfig {
    /// The defaults for this database.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://data/everreach.db".to_owned(),
            write_timeout: Duration::from_secs(30),
            connections: 4,
            transaction_pooler: false,
        }
    }
}

/// A cheap-to-clone handle on the database.
///
/// ```
/// # use everreach_core::store::{Store, StoreConfig};
/// # tokio_test(async {
/// let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// store.ping().await?;
/// store.close().await;
/// # Ok::<(), everreach_core::Error>(()) });
/// # fn tokio_test<F: std::future::Future<Output = everreach_core::Result<()>>>(test: F) {
/// #     tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(test).expect("it works");
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<Backend>,
}

/// Hears what other processes announce; see [`Store::listener`].
#[derive(Debug)]
pub struct Listener(ListenerOf);

#[derive(Debug)]
enum ListenerOf {
    Sqlite(SqliteListener),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::PostgresListener),
}

impl Listener {
    /// Waits for the next announcement; `false` once the store is closed. The beginning counts as one, and on PostgreSQL each
    /// return of the connection: what was announced before may have been missed.
    ///
    /// ```
    /// use everreach_core::store::Listener;
    /// async fn follow(mut listener: Listener) {
    ///     while listener.heard().await {
    ///         // Look what there is to do.
    ///     }
    /// }
    /// ```
    pub async fn heard(&mut self) -> bool {
        match &mut self.0 {
            ListenerOf::Sqlite(listener) => listener.heard().await,
            #[cfg(feature = "postgres")]
            ListenerOf::Postgres(listener) => listener.heard().await,
        }
    }
}

#[derive(Debug)]
enum Backend {
    Sqlite(SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::PostgresStore),
}

impl Store {
    /// Opens the database, creates it where that is possible, and brings its schema up to date.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL that names no database we know, [`ErrorKind::StoreUnavailable`] when it cannot be
    /// reached or written, [`ErrorKind::SchemaTooNew`] when a newer version wrote it, [`ErrorKind::Store`] when a table of
    /// another program lacks a column that is needed or when SQLite is too old.
    pub async fn open(config: &StoreConfig) -> Result<Self> {
        let backend = if config.url.starts_with("sqlite:") {
            Backend::Sqlite(SqliteStore::open(config).await?)
        } else if config.url.starts_with("postgres://") || config.url.starts_with("postgresql://") {
            open_postgres(config).await?
        } else {
            return Err(Error::new(ErrorKind::Config, "DATABASE_URL starts with sqlite:// or postgres://")
                .with("seen", redact_url(&config.url)));
        };
        Ok(Self { backend: Arc::new(backend) })
    }

    /// Which database it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &*self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The database file; `None` on PostgreSQL.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &*self.backend {
            Backend::Sqlite(store) => Some(store.path()),
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => None,
        }
    }

    /// Runs `work` in a transaction and returns once it is committed.
    ///
    /// When `work` fails, nothing of it is kept. On SQLite, writes that wait at the same time share one commit, each behind a
    /// savepoint of its own; `work` must therefore only talk to the database.
    ///
    /// # Errors
    /// What `work` returned, or [`ErrorKind::StoreUnavailable`] when the transaction could not be had in time or committed.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Db<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        match &*self.backend {
            Backend::Sqlite(store) => store.write(work).await,
            #[cfg(feature = "postgres")]
            Backend::Postgres(store) => store.write(work).await,
        }
    }

    /// A connection for reading what is committed.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when none can be had.
    pub async fn read(&self) -> Result<ReadConnection> {
        match &*self.backend {
            Backend::Sqlite(store) => store.read().await,
            #[cfg(feature = "postgres")]
            Backend::Postgres(store) => store.read().await,
        }
    }

    /// What other processes announce on a channel of the database. SQLite knows no channels: there every commit of another
    /// process is heard. Nothing for a database in memory, and behind a pooler in transaction mode.
    #[must_use]
    pub fn listener(&self, channel: &'static str) -> Option<Listener> {
        match &*self.backend {
            Backend::Sqlite(store) => {
                let _it_knows_no_channels = channel;
                store.listener().map(|listener| Listener(ListenerOf::Sqlite(listener)))
            }
            #[cfg(feature = "postgres")]
            Backend::Postgres(store) => store.listener(channel).map(|listener| Listener(ListenerOf::Postgres(listener))),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Those of a failed statement.
    pub async fn ping(&self) -> Result<()> {
        let mut connection = self.read().await?;
        let _one: i64 =
            super::on_db!(&mut connection.db(), conn => sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(conn).await)?;
        Ok(())
    }

    /// How far the schema is.
    ///
    /// # Errors
    /// Those of a failed statement.
    pub async fn migration_state(&self) -> Result<MigrationState> {
        let mut connection = self.read().await?;
        let applied: i64 =
            super::on_db!(&mut connection.db(), conn => sqlx::query_scalar(migrate::NEWEST_APPLIED).fetch_one(conn).await)?;
        Ok(MigrationState::new(applied))
    }

    /// Copies the database, as it is at one moment, into a new file.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the file exists, [`ErrorKind::Config`] on PostgreSQL, which has `pg_dump` for this.
    pub async fn backup(&self, to: PathBuf) -> Result<()> {
        match &*self.backend {
            Backend::Sqlite(store) => store.backup(to).await,
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => Err(Error::new(ErrorKind::Config, "back a PostgreSQL database up with pg_dump")),
        }
    }

    /// Finishes what is queued and closes every connection. Later calls fail as [`ErrorKind::StoreUnavailable`].
    pub async fn close(&self) {
        match &*self.backend {
            Backend::Sqlite(store) => store.close().await,
            #[cfg(feature = "postgres")]
            Backend::Postgres(store) => store.close().await,
        }
    }
}

#[cfg(feature = "postgres")]
async fn open_postgres(config: &StoreConfig) -> Result<Backend> {
    super::postgres::PostgresStore::open(config).await.map(Backend::Postgres)
}

#[cfg(not(feature = "postgres"))]
#[allow(clippy::unused_async, reason = "the twin with the feature waits")]
async fn open_postgres(_: &StoreConfig) -> Result<Backend> {
    Err(Error::new(ErrorKind::Config, "this build knows SQLite only: build with the feature `postgres`"))
}
