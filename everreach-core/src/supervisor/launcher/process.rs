//! One process, held from its start or taken over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::platform::Watch;
use super::table::ProcessTable;
use super::{AgentProcess, Incarnation, RunRecord, StopHow, Stopped};
use crate::supervisor::diagnosis::End;

/// How long a killed process may take to be gone.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Whose child a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    This,
    Other,
}

/// One process and all that came of it.
#[derive(Debug)]
pub(super) struct NativeProcess {
    record: RunRecord,
    watch: Watch,
    group: Option<Pid>,
    /// Whether the number of a child of ours is still taken by it, dead or alive: only then its group is surely its own.
    is_held: Mutex<bool>,
    end: OnceCell<(End, usize)>,
    table: Arc<ProcessTable>,
}

impl NativeProcess {
    pub(super) fn new(record: RunRecord, watch: Watch, parent: Parent, table: Arc<ProcessTable>) -> Self {
        let group = record.identity.as_ref().and_then(|identity| Pid::from_raw(identity.pid));
        Self { record, watch, group, is_held: Mutex::new(parent == Parent::This), end: OnceCell::new(), table }
    }

    const fn incarnation(&self) -> &Incarnation {
        &self.record.incarnation
    }

    /// Ends what the leader left behind, and only then lets its number go.
    async fn settle(&self) -> (End, usize) {
        let is_child = *self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if is_child { self.watch.peek() } else { End::Unseen };
        self.signal_group(Signal::KILL);
        let survivors = self.table.clear(self.incarnation()).await;
        let mut is_held = self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_held {
            self.watch.reap();
            *is_held = false;
        }
        (end, survivors)
    }

    /// Says whether the group was still surely its own.
    fn signal_group(&self, signal: Signal) -> bool {
        let is_held = self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(group)) = (*is_held, self.group) {
            // A group that is gone already is what was wanted.
            let _gone = kill_process_group(group, signal);
        }
        *is_held
    }

    async fn signal(&self, signal: Signal) {
        if !self.signal_group(signal) {
            self.watch.signal(signal);
            self.table.signal(self.incarnation(), signal).await;
        }
    }

    async fn outcome(&self) -> (End, usize) {
        self.watch.dead().await;
        *self.end.get_or_init(|| self.settle()).await
    }
}

#[async_trait]
impl AgentProcess for NativeProcess {
    fn record(&self) -> &RunRecord {
        &self.record
    }

    async fn ended(&self) -> End {
        self.outcome().await.0
    }

    async fn terminate(&self, grace: Duration) -> Stopped {
        if self.watch.is_dead() {
            return Stopped::new(StopHow::AlreadyDead, self.outcome().await.1);
        }
        self.signal(Signal::TERM).await;
        // One that was halted hears nothing before it goes on.
        self.signal(Signal::CONT).await;
        if let Ok((_, survivors)) = timeout(grace, self.outcome()).await {
            return Stopped::new(StopHow::Term, survivors);
        }
        if !self.watch.is_dead() {
            self.signal(Signal::KILL).await;
        }
        match timeout(LAST_WAIT, self.outcome()).await {
            Ok((_, survivors)) => Stopped::new(StopHow::Kill, survivors),
            Err(_) => Stopped::new(StopHow::Kill, 1),
        }
    }

    fn is_alive(&self) -> bool {
        !self.watch.is_dead()
    }
}
