//! PostgreSQL: a pool; each write is a transaction of its own.

use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::migrate::{NEWEST_APPLIED, explain, is_complete, migrator};
use super::{Db, Dialect, ReadConnection, StoreConfig, adopt};
use crate::{Error, ErrorKind, Result};

/// Names the lock of whoever changes the schema: "everreac" in ASCII.
const SCHEMA_LOCK: i64 = 0x6576_6572_7265_6163;

/// How long the first connection may take; a server that is not there should be said soon.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);
/// Between two tries to listen.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct PostgresStore {
    pool: PgPool,
    write_timeout: Duration,
    can_listen: bool,
}

impl PostgresStore {
    pub(super) async fn open(config: &StoreConfig) -> Result<Self> {
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(|source| {
                Error::new(ErrorKind::Config, "a PostgreSQL URL has the form postgres://user:password@host:port/database")
                    .with_source(source)
            })?
            .application_name("everreach");
        // A pooler in transaction mode hands each transaction to another backend: prepared statements do not survive there.
        let options = if config.transaction_pooler { options.statement_cache_capacity(0) } else { options };
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.max(2) * 4)
            .acquire_timeout(config.write_timeout)
            .connect_lazy_with(options);
        let first = tokio::time::timeout(FIRST_CONNECTION.min(config.write_timeout), pool.acquire()).await;
        let mut first = first.map_err(|_| {
            Error::new(ErrorKind::StoreUnavailable, "the database server does not answer: check DATABASE_URL, and that it runs")
        })??;
        bring_up_to_date(&mut first).await?;
        drop(first);
        Ok(Self { pool, write_timeout: config.write_timeout, can_listen: !config.transaction_pooler })
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> FnOnce(Db<'c>) -> BoxFuture<'c, Result<T>>,
    {
        let transaction = async {
            let mut connection = self.pool.acquire().await?;
            let mut transaction = connection.begin().await?;
            let value = work(Db::Postgres(&mut transaction)).await?;
            transaction.commit().await?;
            Ok(value)
        };
        tokio::time::timeout(self.write_timeout, transaction).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::StoreUnavailable, "the database did not commit in time").with_operation("write"))
        })
    }

    pub(super) async fn read(&self) -> Result<ReadConnection> {
        Ok(ReadConnection::Postgres(self.pool.acquire().await?))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// All or nothing, and one process at a time.
async fn bring_up_to_date(connection: &mut PgConnection) -> Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *transaction).await?;
    let has_steps = "SELECT to_regclass('everreach_migrations') IS NOT NULL";
    if sqlx::query_scalar(has_steps).fetch_one(&mut *transaction).await? {
        is_complete(sqlx::query_scalar(NEWEST_APPLIED).fetch_one(&mut *transaction).await?)?;
    }
    for statement in adopt::postgres(&mut transaction).await? {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    migrator(Dialect::Postgres).run_direct(None, &mut *transaction, false).await.map_err(explain)?;
    transaction.commit().await?;
    Ok(())
}

/// A connection of its own that listens on a channel, opened when it is first asked.
#[derive(Debug)]
pub(super) struct PostgresListener {
    pool: PgPool,
    channel: &'static str,
    listening: Option<PgListener>,
}

impl PostgresStore {
    /// A listener, unless statements go to another backend each time.
    pub(super) fn listener(&self, channel: &'static str) -> Option<PostgresListener> {
        self.can_listen.then(|| PostgresListener { pool: self.pool.clone(), channel, listening: None })
    }
}

impl PostgresListener {
    /// Waits for the next message; `false` once the store is closed. Messages sent while the connection was away are lost, so its
    /// return counts as one.
    pub(super) async fn heard(&mut self) -> bool {
        let mut closed = self.pool.close_event();
        tokio::select! {
            () = &mut closed => false,
            () = listen(&self.pool, self.channel, &mut self.listening) => true,
        }
    }
}

/// Waits for a message, or for the connection's return.
async fn listen(pool: &PgPool, channel: &'static str, listening: &mut Option<PgListener>) {
    loop {
        if let Some(listener) = listening {
            match listener.try_recv().await {
                Ok(Some(_)) => return,
                Ok(None) | Err(_) => *listening = None,
            }
        }
        match connect(pool, channel).await {
            Ok(listener) => {
                *listening = Some(listener);
                return;
            }
            Err(error) => tracing::debug!(%error, "the database does not listen, trying again"),
        }
        tokio::time::sleep(LISTEN_PAUSE).await;
    }
}

/// Beside the pool, which would be one connection short for ever.
async fn connect(pool: &PgPool, channel: &'static str) -> Result<PgListener, sqlx::Error> {
    let options = PgConnectOptions::clone(&pool.connect_options());
    let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(channel).await?;
    Ok(listener)
}
