//! The tasks that carry out what waits, one command after the other.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::SafariWorker;
use crate::Id;
use crate::safari::DispatchOutcome;
use crate::safari::queue::Claimed;

/// A command that ran, and what became of it; nothing when the dispatcher panicked.
pub(super) type Carried = (Claimed, Option<DispatchOutcome>);

/// What was claimed and has not started.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Commands>);

#[derive(Debug, Default)]
struct Commands {
    commands: VecDeque<Claimed>,
    /// Until when they may start, on the clock's own count.
    until: Duration,
}

impl Commands {
    fn may_start(&self, worker: &SafariWorker) -> bool {
        !worker.parts.stop.is_stopped() && worker.parts.clock.monotonic() < self.until
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Commands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, claimed: Vec<Claimed>, until: Duration) {
        let mut waiting = self.lock();
        waiting.until = until;
        waiting.commands.extend(claimed);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().commands.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().commands.is_empty()
    }

    /// Whether nothing was stopped, and the look on which they were claimed is not old.
    pub(super) fn may_start(&self, worker: &SafariWorker) -> bool {
        self.lock().may_start(worker)
    }

    pub(super) fn take_all(&self) -> VecDeque<Claimed> {
        std::mem::take(&mut self.lock().commands)
    }

    /// Takes these out.
    pub(super) fn remove(&self, ids: &HashSet<Id>) -> VecDeque<Claimed> {
        let mut waiting = self.lock();
        let (gone, kept) = std::mem::take(&mut waiting.commands).into_iter().partition(|one| ids.contains(&one.command().id));
        waiting.commands = kept;
        gone
    }

    fn next(&self, worker: &SafariWorker) -> Option<Claimed> {
        let mut waiting = self.lock();
        if waiting.may_start(worker) { waiting.commands.pop_front() } else { None }
    }
}

/// Carries out what waits until nothing does. What has started goes on to its end also when the run was given up.
pub(super) async fn carry_out_waiting(worker: SafariWorker, waiting: Arc<Waiting>, carried: mpsc::Sender<Carried>) {
    while let Some(claimed) = waiting.next(&worker) {
        let trying = AssertUnwindSafe(worker.parts.dispatcher.dispatch(claimed.dispatchable())).catch_unwind();
        let outcome = trying.await.ok();
        if let Err(refused) = carried.send((claimed, outcome)).await {
            worker.write_ends(vec![refused.0]).await;
        }
    }
}
