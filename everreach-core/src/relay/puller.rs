//! The local machine's half: taking rows of the workflow engine's tasks, running their calls here, and writing the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::RelayConfig;
use super::output::{End, end_of, refused};
use super::store::{self, Wanted};
use super::task::{Task, TaskCall, lapsed};
use crate::ledger::{self, CallState};
use crate::routing::{Orchestrator, RouteRequest};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{Envelope, Id, Outcome, Result, SharedClock, Side};

/// How long a row rests after a try that came too early.
const REST: Duration = Duration::from_secs(10);
/// Rows in one round of the daemon.
const ROUND: u32 = 100;

/// What the runtime lends it.
pub(crate) struct PullerParts {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) stop: StopSwitch,
    pub(crate) orchestrator: Orchestrator,
    pub(crate) config: RelayConfig,
    pub(crate) stopping: CancellationToken,
}

/// Runs the calls that a cloud terminal left for this machine; cheap to clone.
///
/// # Law
/// A row is claimed by one conditional write and ended by another, under a name that no other claim has. A row that comes twice is run
/// once: its call is taken up in the journal, under its own key.
///
/// ```
/// # use everreach_core::runtime::{Runtime, RuntimeConfig};
/// # async fn run() -> everreach_core::Result<()> {
/// # let mut config = RuntimeConfig::default();
/// # config.store.url = "sqlite::memory:".to_owned();
/// # config.data_dir = std::env::temp_dir().join("everreach-doc-puller");
/// config.failover.mode = Some(everreach_core::failover::TwoNodeMode::Shared);
/// let runtime = Runtime::builder(config).build().await?;
/// let puller = runtime.puller().expect("a local terminal with a shared database has one");
/// assert_eq!(puller.run_once(10).await?.pulled, 0);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Clone)]
pub struct Puller {
    parts: Arc<PullerParts>,
    /// Rows that are passed over, by their ids as texts, and until when on the monotonic clock.
    resting: Arc<Mutex<HashMap<String, Duration>>>,
}

/// What became of the rows of one round.
///
/// ```
/// assert_eq!(everreach_core::relay::PullSummary::default().pulled, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PullSummary {
    /// Rows that were claimed.
    pub pulled: u32,
    /// Those that were done.
    pub succeeded: u32,
    /// Those that failed, or were refused.
    pub failed: u32,
    /// Those that may have been done.
    pub unknown: u32,
    /// Those that were given back, or that somebody else has by now.
    pub released: u32,
}

impl std::fmt::Debug for Puller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puller").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

impl Puller {
    pub(crate) fn new(parts: PullerParts) -> Self {
        Self { parts: Arc::new(parts), resting: Arc::default() }
    }

    /// Pulls and runs what waits, `max` rows at most, one after the other: several of them might drive the one browser. Once the runtime
    /// stops it starts nothing more.
    ///
    /// # Errors
    /// The store's. A row that was claimed by then is pulled again once its time is over; its call is not run twice.
    pub async fn run_once(&self, max: u32) -> Result<PullSummary> {
        let mut summary = PullSummary::default();
        while summary.pulled < max && !self.parts.stopping.is_cancelled() && !self.parts.stop.check_now().await?.stopped {
            let holder = format!("everreach-{}", Id::new());
            let Some(task) = self.claim(&holder).await? else { break };
            summary.pulled += 1;
            let (end, outcome) = match task.call() {
                Ok(call) if self.is_late(&call).await? => (refused(&lapsed()), Outcome::NotExecuted),
                Ok(call) => match self.carry_out(&task, &holder, call).await? {
                    Some(envelope) => (end_of(&envelope), envelope.outcome),
                    None => (End::Release, Outcome::NotExecuted),
                },
                Err(error) => (refused(&error), Outcome::NotExecuted),
            };
            let is_good = matches!(&end, End::Over { error: None, .. });
            let is_over = self.write_end(&task, &holder, end).await?;
            match outcome {
                _ if !is_over => summary.released += 1,
                _ if is_good => summary.succeeded += 1,
                Outcome::Unknown => summary.unknown += 1,
                _ => summary.failed += 1,
            }
        }
        Ok(summary)
    }

    /// The daemon: looks for rows at the interval of the settings until the runtime stops; what runs then goes on to its end.
    pub(crate) async fn run(&self) {
        let stopping = &self.parts.stopping;
        while !stopping.is_cancelled() {
            if let Err(error) = self.run_once(ROUND).await {
                tracing::warn!(%error, "calls for this machine cannot be pulled; it is tried again");
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(self.parts.config.pull_interval) => {}
            }
        }
    }

    async fn claim(&self, holder: &str) -> Result<Option<Task>> {
        let parts = &*self.parts;
        let mut wanted = Wanted { now: parts.clock.now(), types: parts.config.types_pulled(), resting: self.resting() };
        let mut connection = parts.store.read().await?;
        loop {
            let Some(id) = store::probe(&mut connection.db(), &wanted).await? else { return Ok(None) };
            if id.parse::<Id>().is_ok_and(|read| read.to_string() == id) {
                break;
            }
            tracing::warn!(task = id, "this task is passed over: its id is not a UUID in lowercase with hyphens");
            self.rest(id, Duration::MAX);
            wanted.resting = self.resting();
        }
        drop(connection);
        let holder = holder.to_owned();
        parts.store.write(move |mut db| Box::pin(async move { store::claim(&mut db, &wanted, &holder).await })).await
    }

    /// Whether the call's time is over and nobody has begun with it. One that somebody began with ends as the journal says.
    async fn is_late(&self, call: &TaskCall) -> Result<bool> {
        let now = self.parts.clock.now();
        if call.not_after.is_none_or(|not_after| now <= not_after) {
            return Ok(false);
        }
        let key = call.key.clone();
        let record =
            self.parts.store.write(move |mut db| Box::pin(async move { ledger::call_within(&mut db, &key).await })).await?;
        Ok(record.is_none_or(|record| matches!(record.state, CallState::Queued | CallState::NotExecuted)))
    }

    /// The answer of the row's call; nothing when somebody else has the row by now.
    async fn carry_out(&self, task: &Task, holder: &str, call: TaskCall) -> Result<Option<Envelope>> {
        // Whoever stops waits for the calls that it knows of: none may begin behind its back.
        if !self.renew(task.id, holder).await? || self.parts.stopping.is_cancelled() {
            return Ok(None);
        }
        let request = RouteRequest::new(call.action, call.params).with_idempotency_key(call.key.as_str()).forced_to(Side::Local);
        let orchestrator = &self.parts.orchestrator;
        let run =
            async { if call.is_journaled { orchestrator.run_queued(request).await } else { orchestrator.route(request).await } };
        tokio::pin!(run);
        loop {
            tokio::select! {
                envelope = &mut run => return Ok(Some(envelope)),
                () = tokio::time::sleep(self.parts.config.heartbeat) => match self.renew(task.id, holder).await {
                    Ok(true) => {}
                    Ok(false) => tracing::warn!(task = %task.id, "somebody else has this task now; its call goes on under its key"),
                    Err(error) => tracing::warn!(%error, task = %task.id, "no sign of life could be written for this task"),
                },
            }
        }
    }

    async fn renew(&self, id: Id, holder: &str) -> Result<bool> {
        let (holder, now) = (holder.to_owned(), self.parts.clock.now());
        self.parts.store.write(move |mut db| Box::pin(async move { store::renew(&mut db, id, &holder, now).await })).await
    }

    /// Writes the end of a row; says whether it is over, and by us.
    async fn write_end(&self, task: &Task, holder: &str, end: End) -> Result<bool> {
        let (id, name, now) = (task.id, holder.to_owned(), self.parts.clock.now());
        let End::Over { status, output, error } = end else {
            self.release(task, holder).await?;
            return Ok(false);
        };
        let ended = self.parts.store.write(move |mut db| {
            Box::pin(async move { store::finish(&mut db, id, &name, (status, &output, error.as_deref()), now).await })
        });
        let is_ours = ended.await?;
        if !is_ours {
            tracing::warn!(task = %id, "this task was ended or taken by somebody else; its call's result is in the journal");
        }
        Ok(is_ours)
    }

    async fn release(&self, task: &Task, holder: &str) -> Result<()> {
        self.rest(task.id.to_string(), self.parts.clock.monotonic() + REST);
        let (id, name) = (task.id, holder.to_owned());
        self.parts.store.write(move |mut db| Box::pin(async move { store::release(&mut db, id, &name).await })).await.map(drop)
    }

    fn rest(&self, id: String, until: Duration) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, until);
    }

    fn resting(&self) -> Vec<String> {
        let now = self.parts.clock.monotonic();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, until| *until > now);
        resting.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
