//! The handle that batches events and serves them in order.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::store;
use crate::store::Store;
use crate::{Event, Result, Timestamp};

const QUEUE: usize = 8_192;
const BATCH: usize = 1_024;
/// How long a batch gathers. While it does, nothing wakes its task: a wake-up for each event would cost the calls more than
/// the event itself.
const LINGER: Duration = Duration::from_millis(30);

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// Its number; later events have greater ones.
    pub seq: i64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl RecordedEvent {
    pub(super) const fn new(seq: i64, event: Event) -> Self {
        Self { seq, event }
    }
}

/// A cheap-to-clone handle on the event log.
#[derive(Debug, Clone)]
pub struct EventLog {
    store: Store,
    queue: mpsc::Sender<Message>,
    /// Ends the gathering of a batch early.
    hurry: Arc<Notify>,
    /// Moves whenever a batch was written, so that readers who wait look again.
    written: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
enum Message {
    Record(Event),
    Flush(oneshot::Sender<()>),
}

impl EventLog {
    /// Starts the task that writes batches. Must be called inside a Tokio runtime.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let written = Arc::new(watch::Sender::new(0));
        let hurry = Arc::new(Notify::new());
        tokio::spawn(write_batches(store.clone(), messages, Arc::clone(&hurry), Arc::clone(&written)));
        Self { store, queue, hurry, written }
    }

    /// Takes an event in without waiting. When the database is so far behind that the queue is full, the event goes to the
    /// process log instead.
    pub fn record(&self, event: Event) {
        if let Err(refused) = self.queue.try_send(Message::Record(event)) {
            let (mpsc::error::TrySendError::Full(message) | mpsc::error::TrySendError::Closed(message)) = refused;
            tracing::warn!(?message, "event not stored: the log is full or closed");
        }
    }

    /// Returns once everything recorded before is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            self.hurry.notify_one();
            let _writer_gone = flushed.await;
        }
    }

    /// The events after this number, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_after(&self, seq: i64, limit: u32) -> Result<Vec<RecordedEvent>> {
        let mut connection = self.store.read().await?;
        store::read_after(&mut connection.db(), seq, limit).await
    }

    /// The newest number, 0 when the log is empty.
    ///
    /// # Errors
    /// The store's.
    pub async fn newest(&self) -> Result<i64> {
        let mut connection = self.store.read().await?;
        store::newest(&mut connection.db()).await
    }

    /// How many events of this kind there are since `since` with a number above `seq`, and the newest number among them, so that
    /// a next count can go on from there.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_since(&self, kind: &str, since: Timestamp, seq: i64) -> Result<(u64, i64)> {
        let mut connection = self.store.read().await?;
        let (count, newest) = store::count(&mut connection.db(), kind, since, seq).await?;
        Ok((u64::try_from(count).unwrap_or(0), newest))
    }

    /// Removes events older than this; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self, before: Timestamp) -> Result<u64> {
        self.store.write(move |mut db| Box::pin(async move { store::prune(&mut db, before).await })).await
    }

    /// Tells readers who wait that events were written by [`append`](super::append), once that transaction is committed.
    pub fn announce(&self) {
        self.written.send_modify(|batch| *batch += 1);
    }

    /// A receiver that changes whenever this process wrote a batch.
    #[must_use]
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }
}

async fn write_batches(
    store: Store,
    mut messages: mpsc::Receiver<Message>,
    hurry: Arc<Notify>,
    written: Arc<watch::Sender<u64>>,
) {
    let mut waiting = Vec::with_capacity(BATCH);
    while messages.recv_many(&mut waiting, BATCH).await > 0 {
        if waiting.len() < BATCH && !waiting.iter().any(|message| matches!(message, Message::Flush(_))) {
            let _whichever_is_first = tokio::time::timeout(LINGER, hurry.notified()).await;
            while waiting.len() < BATCH
                && let Ok(message) = messages.try_recv()
            {
                waiting.push(message);
            }
        }
        let mut events = Vec::new();
        let mut flushes = Vec::new();
        for message in waiting.drain(..) {
            match message {
                Message::Record(event) => events.push(event),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if !events.is_empty() {
            write(&store, events).await;
            written.send_modify(|batch| *batch += 1);
        }
        for done in flushes {
            let _nobody_waits = done.send(());
        }
    }
}

async fn write(store: &Store, events: Vec<Event>) {
    let count = events.len();
    let outcome = store.write(move |mut db| Box::pin(async move { store::append_many(&mut db, &events).await })).await;
    if let Err(error) = outcome {
        tracing::warn!(%error, count, "events not stored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreConfig;

    #[tokio::test]
    async fn recorded_events_are_read_back_in_order_after_a_flush() {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let log = EventLog::start(store);
        let now: Timestamp = "2026-11-20T12:00:00.123456Z".parse().expect("a time");
        for number in 0..300 {
            log.record(Event::new(now, "test.counted", number.to_string()));
        }
        log.flush().await;
        let events = log.read_after(0, 1_000).await.expect("they are read");
        assert_eq!(events.len(), 300);
        assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert_eq!((events[299].event.subject.as_str(), events[299].event.at), ("299", now));
        assert_eq!(log.prune(now + Duration::from_secs(1)).await.expect("they are removed"), 300);
    }
}
