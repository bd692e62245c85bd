//! SQLite: one file, one writer, several readers.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::error::is_busy;
use super::migrate::{NEWEST_APPLIED, explain, is_complete, migrator};
use super::sqlite_listener::SqliteListener;
use super::wal_watch::WalWatch;
use super::writer::Writer;
use super::{Db, Dialect, ReadConnection, StoreConfig, adopt};
use crate::{Error, ErrorKind, Result};

/// Older ones can lose committed writes of the write-ahead log when a checkpoint races (fixed in 3.51.3).
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an opening is tried while others hold the lock, each time for [`BUSY_TIMEOUT`].
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct SqliteStore {
    path: PathBuf,
    readers: SqlitePool,
    writer: Writer,
    write_timeout: Duration,
    /// Removes the file of a store that was asked for in memory.
    private_folder: Option<PrivateFolder>,
}

impl SqliteStore {
    pub(super) async fn open(config: &StoreConfig) -> Result<Self> {
        let private_folder = config.url.contains(":memory:").then(PrivateFolder::create).transpose()?;
        let options = match &private_folder {
            Some(folder) => SqliteConnectOptions::new().filename(folder.0.join("everreach.db")),
            None => SqliteConnectOptions::from_str(&config.url).map_err(|source| {
                Error::new(ErrorKind::Config, "a SQLite URL has the form sqlite://path/to/file.db").with_source(source)
            })?,
        };
        let path = options.get_filename().to_owned();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| cannot_open(&path).with_source(source))?;
        }
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("journal_size_limit", "67108864")
            // Only these make an fsync reach the platter on macOS; elsewhere they change nothing.
            .pragma("fullfsync", "1")
            .pragma("checkpoint_fullfsync", "1")
            // What a reader looks at is small.
            .pragma("cache_size", "-1024");
        // What a large transaction changes stays in memory until its commit, and is copied into the file less often.
        let writing = options.clone().pragma("cache_size", "-2048").pragma("wal_autocheckpoint", "4000");
        let mut connection = connect(&writing).await.map_err(|error| in_file(&path, error))?;
        check_version(&mut connection).await?;
        bring_up_to_date(&mut connection).await.map_err(|error| in_file(&path, error))?;
        check_writable(&mut connection).await.map_err(|error| in_file(&path, error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(config.connections)
            .min_connections(0)
            .acquire_timeout(config.write_timeout)
            .test_before_acquire(false)
            .connect_lazy_with(options.read_only(true).create_if_missing(false));
        let writer = Writer::start(connection, writing);
        Ok(Self { path, readers, writer, write_timeout: config.write_timeout, private_folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Db<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        tokio::time::timeout(self.write_timeout, self.writer.write(work)).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::StoreUnavailable, "another program holds the database's lock: close it, or wait")
                .with_operation("write"))
        })
    }

    pub(super) async fn read(&self) -> Result<ReadConnection> {
        Ok(ReadConnection::Sqlite(self.readers.acquire().await?))
    }

    /// What other processes commit; nothing where there are none, and where the folder cannot be watched.
    pub(super) fn listener(&self) -> Option<SqliteListener> {
        if self.private_folder.is_some() {
            return None;
        }
        match WalWatch::new(&self.path) {
            Ok(watch) => Some(SqliteListener::new(watch, self.writer.observer())),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log cannot be watched: what others write is found by looking");
                None
            }
        }
    }

    pub(super) async fn backup(&self, to: PathBuf) -> Result<()> {
        if to.exists() {
            return Err(Error::new(ErrorKind::Conflict, "the file exists already: name another").with("file", to.display()));
        }
        let mut connection = self.readers.acquire().await?;
        sqlx::query("VACUUM INTO $1").bind(to.display().to_string()).execute(&mut *connection).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

fn cannot_open(path: &Path) -> Error {
    Error::new(ErrorKind::StoreUnavailable, "the database file cannot be opened: check that its folder exists and may be written")
        .with("file", path.display())
}

/// Says which file it is about.
fn in_file(path: &Path, error: Error) -> Error {
    if error.kind() != ErrorKind::StoreUnavailable {
        return error.with("file", path.display());
    }
    let cause = error.context().find(|(name, _)| *name == "cause").map(|(_, cause)| cause.to_owned());
    cannot_open(path).with("cause", cause.unwrap_or_else(|| error.to_string())).with_source(error)
}

async fn check_version(connection: &mut SqliteConnection) -> Result<()> {
    let text: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    if is_safe_version(&text) {
        return Ok(());
    }
    let (major, minor, patch) = OLDEST_SAFE;
    Err(Error::new(ErrorKind::Store, "this SQLite can lose committed writes: link a newer one")
        .with("seen", text)
        .with("wanted", format!("{major}.{minor}.{patch} or newer")))
}

fn is_safe_version(text: &str) -> bool {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SAFE
}

/// Opens the file. Of several who make it at once all but one may find it locked for a moment.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let mut tries = 1;
    loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && tries < TRIES => tokio::time::sleep(PAUSE).await,
            outcome => return Ok(outcome?),
        }
        tries += 1;
    }
}

/// Takes the steps that are missing. While another process takes them, or writes, this one waits.
async fn bring_up_to_date(connection: &mut SqliteConnection) -> Result<()> {
    let mut tries = 1;
    loop {
        match take_steps(connection).await {
            Err(error) if error.kind() == ErrorKind::StoreUnavailable && tries < TRIES => {
                tracing::debug!(%error, tries, "the schema step did not go through, looking again");
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
        tries += 1;
    }
}

/// All or nothing; needs no lock when there is nothing to do.
async fn take_steps(connection: &mut SqliteConnection) -> Result<()> {
    let migrator = migrator(Dialect::Sqlite);
    if has_every_step(connection).await? && adopt::sqlite(connection).await?.is_empty() {
        return migrator.run_direct(None, connection, false).await.map_err(explain);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for statement in adopt::sqlite(&mut transaction).await? {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    migrator.run_direct(None, &mut *transaction, false).await.map_err(explain)?;
    transaction.commit().await?;
    Ok(())
}

async fn has_every_step(connection: &mut SqliteConnection) -> Result<bool> {
    let has_steps = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'everreach_migrations')";
    if !sqlx::query_scalar(has_steps).fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    is_complete(sqlx::query_scalar(NEWEST_APPLIED).fetch_one(connection).await?)
}

/// SQLite opens a file that may only be read without a word. This statement changes nothing and tells; whoever holds the lock
/// at this moment shows that the file can be written.
async fn check_writable(connection: &mut SqliteConnection) -> Result<()> {
    let wait = |patience: Duration| AssertSqlSafe(format!("PRAGMA busy_timeout = {}", patience.as_millis()));
    sqlx::query(wait(Duration::ZERO)).execute(&mut *connection).await?;
    let written = sqlx::query("DELETE FROM everreach_migrations WHERE FALSE").execute(&mut *connection).await;
    sqlx::query(wait(BUSY_TIMEOUT)).execute(&mut *connection).await?;
    match written {
        Err(error) if !is_busy(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// A folder of our own under the system's temporary one, removed with its content when dropped.
#[derive(Debug)]
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn create() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("everreach-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).map_err(|source| cannot_open(&folder).with_source(source))?;
        Ok(Self(folder))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _left_to_the_system = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_the_fix_are_refused() {
        assert!(is_safe_version("3.51.3") && is_safe_version("3.52.0") && is_safe_version("4.0"));
        assert!(!is_safe_version("3.51.2") && !is_safe_version("3.9.9") && !is_safe_version("garbage"));
    }

    #[tokio::test]
    async fn the_linked_sqlite_is_new_enough() {
        let store = SqliteStore::open(&StoreConfig::new("sqlite::memory:")).await.expect("it opens");
        assert!(store.path().exists());
    }
}
