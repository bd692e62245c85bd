//! The one writer: writes that wait together are committed together.
//!
//! Many connections that fight for SQLite's lock are slower than one queue, and the lock is not fair: under load a write can
//! starve past any busy timeout. So a process has one writing connection. A write that finds it idle commits at once; those
//! that arrive during a commit share the next one, each behind a savepoint, so that one that fails takes nothing with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::Db;
use super::error::is_busy;
use super::hot::Hot;
use super::pending_write::{PendingWrite, Write};
use crate::{Error, ErrorKind, Result};

/// Writes in one commit at most, so that the first of them does not wait for ever.
const BATCH: usize = 128;
/// Writes that may wait; beyond it callers wait to be queued.
const QUEUE: usize = 1024;
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    alive: watch::Receiver<()>,
    transactions: Arc<AtomicU64>,
}

enum Message {
    Write(Box<dyn Write>),
    /// Asks for the number that every commit of another connection changes, and those of this one do not.
    Version(oneshot::Sender<i64>),
    Close(oneshot::Sender<()>),
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (living, alive) = watch::channel(());
        let transactions = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&transactions);
        tokio::spawn(WriteLoop { connection: Some(connection), options, messages, transactions: counted, _living: living }.run());
        Self { queue, alive, transactions }
    }

    pub(super) fn observer(&self) -> Observer {
        Observer {
            queue: self.queue.downgrade(),
            alive: self.alive.clone(),
            transactions: Arc::clone(&self.transactions),
            seen: 0,
        }
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Db<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(PendingWrite::new(work, reply));
        self.queue.send(Message::Write(write)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _already_closed = closed.await;
        }
    }
}

/// Looks at the writer without keeping it.
#[derive(Debug)]
pub(super) struct Observer {
    queue: mpsc::WeakSender<Message>,
    alive: watch::Receiver<()>,
    transactions: Arc<AtomicU64>,
    seen: u64,
}

impl Observer {
    /// The number that every commit of another process changes; nothing once the writer is closed.
    pub(super) async fn version(&self) -> Option<i64> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.upgrade()?;
        queue.send(Message::Version(reply)).await.ok()?;
        drop(queue);
        answer.await.ok()
    }

    /// Whether the writer has been in a transaction since this was asked the last time.
    pub(super) fn has_written(&mut self) -> bool {
        let transactions = self.transactions.load(Ordering::Acquire);
        let is_in_one = transactions % 2 == 1;
        std::mem::replace(&mut self.seen, transactions) != transactions || is_in_one
    }

    /// Returns once the writer is gone.
    pub(super) async fn closed(&mut self) {
        while self.alive.changed().await.is_ok() {}
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::StoreUnavailable, "the database is closed").with_operation("write")
}

/// Whether a write that is kept lies behind the open savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    Clean,
    Used,
}

struct WriteLoop {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    messages: mpsc::Receiver<Message>,
    /// Counted at the beginning and at the end of each: odd while there is one.
    transactions: Arc<AtomicU64>,
    /// Dropped when this ends.
    _living: watch::Sender<()>,
}

impl WriteLoop {
    async fn run(mut self) {
        let mut next = None;
        loop {
            let message = match next.take() {
                Some(message) => message,
                None => match self.messages.recv().await {
                    Some(message) => message,
                    None => return,
                },
            };
            match message {
                Message::Write(first) => {
                    self.transactions.fetch_add(1, Ordering::AcqRel);
                    next = self.commit_together(first).await;
                    self.transactions.fetch_add(1, Ordering::AcqRel);
                }
                Message::Version(reply) => {
                    let _nobody_waits = reply.send(self.version().await);
                }
                Message::Close(done) => {
                    self.messages.close();
                    if let Some(connection) = self.connection.take() {
                        let _best_effort = connection.close().await;
                    }
                    let _nobody_waits = done.send(());
                }
            }
        }
    }

    /// A connection that cannot answer is a new one next time, which counts from anew: that is heard as a change.
    async fn version(&mut self) -> i64 {
        let Ok(connection) = self.connection().await else { return 0 };
        sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await.unwrap_or_default()
    }

    /// One transaction: the first write and whatever else waits. Returns the message after them, if it is no write.
    async fn commit_together(&mut self, first: Box<dyn Write>) -> Option<Message> {
        let mut done = Vec::new();
        let mut after = None;
        let mut next = Some(first);
        let mut savepoint = Savepoint::Clean;
        let outcome = match self.begin(next.as_deref_mut()).await {
            Err(failure) => Err(failure),
            Ok(()) => loop {
                let Some(mut write) = next.take() else { break self.execute("COMMIT").await };
                let ran = if write.is_wanted() { self.run_one(&mut *write, &mut savepoint).await } else { Ok(()) };
                done.push(write);
                if let Err(failure) = ran {
                    break Err(failure);
                }
                if done.len() < BATCH {
                    match self.messages.try_recv() {
                        Ok(Message::Write(write)) => next = Some(write),
                        Ok(message) => after = Some(message),
                        Err(_) => {}
                    }
                }
            },
        };
        done.extend(next);
        if outcome.is_err() {
            self.reset().await;
        }
        for write in done {
            write.answer(outcome.as_ref().err());
        }
        after
    }

    /// Waits for the lock as long as somebody waits for the write. A connection that cannot even begin is given up.
    async fn begin(&mut self, first: Option<&mut (dyn Write + 'static)>) -> Result<()> {
        loop {
            let failure = match self.connection().await {
                Err(failure) => failure,
                Ok(connection) => match sqlx::query("BEGIN IMMEDIATE; SAVEPOINT one_write").execute(connection).await {
                    Ok(_) => return Ok(()),
                    Err(error) if is_busy(&error) => error.into(),
                    Err(error) => {
                        self.connection = None;
                        return Err(error.into());
                    }
                },
            };
            if !first.as_ref().is_some_and(|write| write.is_wanted()) {
                return Err(failure);
            }
            tokio::time::sleep(REOPEN_PAUSE).await;
        }
    }

    /// Every statement is a round trip to SQLite's own thread, so a savepoint is only renewed when something lies behind it.
    async fn run_one(&mut self, write: &mut dyn Write, savepoint: &mut Savepoint) -> Result<()> {
        if *savepoint == Savepoint::Used {
            self.execute("RELEASE one_write; SAVEPOINT one_write").await?;
        }
        let connection = self.connection().await?;
        *savepoint = if Hot::new(write.run(Db::Sqlite(connection))).await {
            Savepoint::Used
        } else {
            // Fails when SQLite itself ended the transaction (disk full, I/O error): then the whole batch is gone.
            self.execute("ROLLBACK TO one_write").await?;
            Savepoint::Clean
        };
        Ok(())
    }

    async fn execute(&mut self, statement: &'static str) -> Result<()> {
        let connection = self.connection().await?;
        Hot::new(Box::pin(sqlx::query(statement).execute(connection))).await?;
        Ok(())
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection> {
        match self.connection {
            Some(ref mut connection) => Ok(connection),
            None => Ok(self.connection.insert(self.options.connect().await?)),
        }
    }

    /// After a failure: end the transaction, or give the connection up when even that fails.
    async fn reset(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let ended = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        let no_transaction = |error: &sqlx::Error| error.to_string().contains("no transaction is active");
        if ended.as_ref().is_err_and(|error| !no_transaction(error)) {
            tracing::warn!("the writing connection is given up and opened anew");
            self.connection = None;
        }
    }
}
