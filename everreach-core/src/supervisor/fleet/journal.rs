//! Writing down what happened, without keeping the agents waiting for the database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::store::insert_alert;
use crate::events::{self, EventLog};
use crate::store::{Db, Store};
use crate::supervisor::agent::{AgentId, AgentStatus};
use crate::supervisor::circuit::StoredCircuit;
use crate::supervisor::lifecycle::Wanted;
use crate::supervisor::registry::{
    HealthRecord, ProcessNote, RestartNote, insert_health, insert_restart, note_process, save_circuit, set_status,
    settle_restart, want,
};
use crate::{Event, Result, Timestamp};

/// How many notes wait at most while the database is away.
const MOST: usize = 10_000;
const BATCH: usize = 512;
const RETRY: Duration = Duration::from_secs(1);

/// Something to be written down.
#[derive(Debug, Clone)]
pub(super) enum Note {
    Event(Event),
    Status(AgentId, AgentStatus, Timestamp),
    Wanted(AgentId, Wanted, Timestamp),
    Process(AgentId, Option<ProcessNote>),
    Circuit(AgentId, StoredCircuit),
    Health(HealthRecord),
    Restart(RestartNote),
    /// Whether the start of that moment brought the agent back, and after how many milliseconds.
    Settled(AgentId, Timestamp, bool, Option<i64>),
    /// The occasion, and what to say.
    Alert(String, String, Timestamp),
}

impl Note {
    /// Whether an older one of the same kind and agent says nothing any more.
    fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Status(id, ..), Self::Status(other, ..))
            | (Self::Wanted(id, ..), Self::Wanted(other, ..))
            | (Self::Process(id, _), Self::Process(other, _))
            | (Self::Circuit(id, _), Self::Circuit(other, _)) => id == other,
            _ => false,
        }
    }

    /// Whether it may be lost when there is no room.
    const fn is_minor(&self) -> bool {
        matches!(self, Self::Health(_) | Self::Event(_))
    }
}

/// A cheap-to-clone handle: notes go in at once and are written in order by a task of their own.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Notify,
    written: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notes: VecDeque<Note>,
    /// How many are being written.
    busy: usize,
    lost: u64,
}

impl Journal {
    /// Starts the task that writes.
    pub(super) fn start(store: Store, events: EventLog) -> Self {
        let journal =
            Self { shared: Arc::new(Shared { waiting: Mutex::default(), more: Notify::new(), written: Notify::new() }) };
        tokio::spawn(write_all(Arc::clone(&journal.shared), store, events));
        journal
    }

    /// Takes a note in. When ten thousand wait, the oldest of what may be lost goes, and is counted.
    pub(super) fn note(&self, note: Note) {
        let mut waiting = self.shared.lock();
        let busy = waiting.busy;
        // Only what nobody is writing may be replaced. Few of a kind wait unless the database is away.
        if let Some(at) = waiting.notes.iter().skip(busy).position(|other| note.replaces(other)) {
            waiting.notes.remove(busy + at);
        }
        if waiting.notes.len() >= MOST {
            let minor = waiting.notes.iter().skip(busy).position(Note::is_minor);
            waiting.notes.remove(busy + minor.unwrap_or(0));
            waiting.lost += 1;
        }
        waiting.notes.push_back(note);
        drop(waiting);
        self.shared.more.notify_one();
    }

    /// Waits until all is written, at most for so long; says whether it is.
    pub(super) async fn flush(&self, patience: Duration) -> bool {
        let empty = async {
            loop {
                let written = self.shared.written.notified();
                if self.shared.lock().notes.is_empty() {
                    return;
                }
                written.await;
            }
        };
        tokio::time::timeout(patience, empty).await.is_ok()
    }
}

impl Shared {
    /// The oldest notes, which stay until they are written.
    fn take(&self) -> Vec<Note> {
        let mut waiting = self.lock();
        let batch: Vec<Note> = waiting.notes.iter().take(BATCH).cloned().collect();
        waiting.busy = batch.len();
        batch
    }

    /// So many of them are written; says how many were lost since it was last asked for after a success.
    fn settle(&self, written: usize) -> u64 {
        let mut waiting = self.lock();
        waiting.busy = 0;
        waiting.notes.drain(..written);
        if written > 0 { std::mem::take(&mut waiting.lost) } else { 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_all(shared: Arc<Shared>, store: Store, events: EventLog) {
    let mut is_away = false;
    loop {
        let batch = shared.take();
        if batch.is_empty() {
            shared.written.notify_waiters();
            if Arc::strong_count(&shared) == 1 {
                // Nobody can add anything any more.
                return;
            }
            let more = tokio::time::timeout(RETRY, shared.more.notified());
            let _looked_again = more.await;
            continue;
        }
        let count = batch.len();
        let written = store.write(move |mut db| Box::pin(async move { write(&mut db, &batch).await })).await;
        let lost = shared.settle(if written.is_ok() { count } else { 0 });
        if let Err(error) = written {
            if !std::mem::replace(&mut is_away, true) {
                tracing::warn!(%error, "what happens to agents cannot be written down; they are looked after all the same");
            }
            tokio::time::sleep(RETRY).await;
            continue;
        }
        events.announce();
        if std::mem::take(&mut is_away) {
            tracing::warn!(lost, "what happened to agents while the database was away is written");
        }
    }
}

async fn write(db: &mut Db<'_>, notes: &[Note]) -> Result<()> {
    for note in notes {
        match note {
            Note::Event(event) => events::append(db, event).await?,
            Note::Status(id, status, at) => set_status(db, id, *status, *at).await?,
            Note::Wanted(id, wanted, at) => want(db, id, *wanted, *at).await.map(drop)?,
            Note::Process(id, process) => note_process(db, id, process.as_ref()).await?,
            Note::Circuit(id, circuit) => save_circuit(db, id, circuit).await?,
            Note::Health(record) => insert_health(db, record).await?,
            Note::Restart(restart) => insert_restart(db, restart).await?,
            Note::Settled(id, at, success, after) => settle_restart(db, id, *at, *success, *after).await?,
            Note::Alert(edge, message, at) => insert_alert(db, edge, message, *at).await?,
        }
    }
    Ok(())
}
