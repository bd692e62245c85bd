//! The handle that batches events and serves them in order.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use super::store;
use crate::store::Store;
use crate::{Event, Result, Timestamp};

const QUEUE: usize = 8_192;
const BATCH: usize = 256;
const LINGER: Duration = Duration::from_millis(200);

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
        tokio::spawn(write_batches(store.clone(), messages, Arc::clone(&written)));
        Self { store, queue, written }
    }

    /// Takes an event in without waiting. When the database is so far behind that the queue is full, the event goes to the
    /// process log instead, as a warning.
    pub fn record(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(Message::Record(event)) | mpsc::error::TrySendError::Closed(Message::Record(event))) =
            self.queue.try_send(Message::Record(event))
        {
            tracing::warn!(kind = %event.kind, subject = %event.subject, data = %event.data, "event not stored: the log is full or closed");
        }
    }

    /// Returns once everything recorded before is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
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

async fn write_batches(store: Store, mut messages: mpsc::Receiver<Message>, written: Arc<watch::Sender<u64>>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while messages.recv_many(&mut waiting, BATCH).await > 0 {
        let is_flush = |message: &Message| matches!(message, Message::Flush(_));
        if waiting.len() < BATCH && !waiting.iter().any(is_flush) {
            gather(&mut messages, &mut waiting).await;
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

/// Waits a little for company, so that a trickle of events is one commit each fifth of a second.
async fn gather(messages: &mut mpsc::Receiver<Message>, waiting: &mut Vec<Message>) {
    let until = tokio::time::sleep(LINGER);
    tokio::pin!(until);
    while waiting.len() < BATCH {
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => {
                    let flush = matches!(message, Message::Flush(_));
                    waiting.push(message);
                    if flush {
                        return;
                    }
                }
                None => return,
            },
            () = &mut until => return,
        }
    }
}

async fn write(store: &Store, events: Vec<Event>) {
    let count = events.len();
    let outcome = store
        .write(move |mut db| {
            Box::pin(async move {
                for event in &events {
                    store::append(&mut db, event).await?;
                }
                Ok(())
            })
        })
        .await;
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
