//! The handle on the schedule.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::holdings::Holdings;
use super::store::{self, Listed};
use super::{Job, JobName, Jobs, Part, ScheduleConfig, SlotRecord};
use crate::events::EventLog;
use crate::lease::Leadership;
use crate::notify::Notifier;
use crate::routing::Orchestrator;
use crate::store::Store;
use crate::{Result, SharedClock, Side, Timestamp};

/// The jobs, the log of their slots, and what fires them; cheap to clone.
///
/// ```
/// use everreach_core::runtime::{Runtime, RuntimeConfig};
/// use everreach_core::schedule::Trigger;
/// # async fn run() -> everreach_core::Result<()> {
/// # let mut config = RuntimeConfig::default();
/// # config.store.url = "sqlite::memory:".to_owned();
/// # config.data_dir = std::env::temp_dir().join("everreach-doc");
/// let runtime = Runtime::builder(config).build().await?;
/// let job = "cost_report".parse()?;
/// let answer = runtime.schedule().trigger(&job, Trigger::forced()).await?.expect("there is such a job");
/// assert!(answer.fired);
/// runtime.schedule().finish().await;
/// assert_eq!(runtime.schedule().history(Some(&job), 10).await?[0].ok, Some(true));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Clone)]
pub struct Schedule {
    pub(super) inner: Arc<Inner>,
}

/// What the schedule is lent.
#[allow(clippy::exhaustive_structs, reason = "built by naming every part")]
pub struct ScheduleParts {
    /// The jobs.
    pub jobs: Jobs,
    /// The settings.
    pub config: ScheduleConfig,
    /// Which side this process is.
    pub side: Side,
    /// Whether it may fire what only one side may.
    pub leadership: Leadership,
    /// The name of this process, unlike that of any other and of earlier runs.
    pub runner: String,
    /// How long a step may take where it does not say.
    pub deadline: Duration,
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// The event log.
    pub events: EventLog,
    /// Where alerts go.
    pub notifier: Arc<dyn Notifier>,
    /// What runs the steps.
    pub orchestrator: Orchestrator,
    /// Cancelled when the process ends: no further step is started.
    pub stopping: CancellationToken,
}

impl std::fmt::Debug for ScheduleParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScheduleParts").field("side", &self.side).field("config", &self.config).finish_non_exhaustive()
    }
}

pub(super) struct Inner {
    pub(super) jobs: Jobs,
    pub(super) config: ScheduleConfig,
    pub(super) side: Side,
    pub(super) leadership: Leadership,
    pub(super) runner: String,
    pub(super) deadline: Duration,
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) orchestrator: Orchestrator,
    pub(super) stopping: CancellationToken,
    /// Cancelled when nothing is to be fired by itself any more.
    pub(super) closing: CancellationToken,
    pub(super) runs: TaskTracker,
    pub(super) holdings: Holdings,
    pub(super) looks: Mutex<HashMap<JobName, Look>>,
    /// Whether [`Schedule::run`] is at work.
    pub(super) firing: AtomicBool,
}

/// What the last look at a job found, so that nothing is read while nothing can have become due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) part: Part,
    pub(super) at: Timestamp,
    pub(super) again: Option<Timestamp>,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule").field("side", &self.inner.side).field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// A job with its last and its next firing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobOverview {
    /// The job.
    #[serde(skip)]
    pub job: Job,
    /// Its next slot; none while it is not enabled.
    pub next: Option<Timestamp>,
    /// The newest row of a run.
    pub last: Option<SlotRecord>,
}

/// The schedule in a few figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScheduleState {
    /// How many jobs there are.
    pub jobs: usize,
    /// How many of them fire by themselves.
    pub enabled: usize,
    /// How many slots are being run.
    pub running: i64,
    /// Whether this process fires them: `serve` does.
    pub fires_here: bool,
    /// The next job that fires, if any.
    pub next: Option<NextSlot>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NextSlot {
    /// The job.
    pub job: JobName,
    /// Its slot.
    pub slot: Timestamp,
}

impl Schedule {
    /// A schedule over these parts. It fires nothing by itself before [`Schedule::run`].
    #[must_use]
    pub fn new(parts: ScheduleParts) -> Self {
        let ScheduleParts {
            jobs,
            config,
            side,
            leadership,
            runner,
            deadline,
            store,
            clock,
            events,
            notifier,
            orchestrator,
            stopping,
        } = parts;
        let closing = stopping.child_token();
        let (runs, looks, firing) = (TaskTracker::new(), Mutex::default(), AtomicBool::new(false));
        let inner = Inner {
            jobs,
            config,
            side,
            leadership,
            runner,
            deadline,
            store,
            clock,
            events,
            notifier,
            orchestrator,
            stopping,
            closing,
            runs,
            holdings: Holdings::default(),
            looks,
            firing,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The jobs.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }

    /// Every job with its last and its next firing, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn overview(&self) -> Result<Vec<JobOverview>> {
        let now = self.inner.clock.now();
        let mut connection = self.inner.store.read().await?;
        let mut overview = Vec::new();
        for job in self.inner.jobs.iter() {
            let last = store::history(&mut connection.db(), Some(&job.name), Listed::Fired, 1).await?.pop();
            let next = job.timing.after(now).filter(|_| job.enabled);
            overview.push(JobOverview { job: job.clone(), next, last });
        }
        Ok(overview)
    }

    /// The newest rows of the log, of one job or of all, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn history(&self, job: Option<&JobName>, limit: u16) -> Result<Vec<SlotRecord>> {
        let mut connection = self.inner.store.read().await?;
        store::history(&mut connection.db(), job, Listed::All, limit).await
    }

    /// The row of one slot.
    ///
    /// # Errors
    /// The store's.
    pub async fn slot(&self, job: &JobName, slot: Timestamp) -> Result<Option<SlotRecord>> {
        let mut connection = self.inner.store.read().await?;
        store::find(&mut connection.db(), job, slot).await
    }

    /// The schedule in a few figures.
    ///
    /// # Errors
    /// The store's.
    pub async fn state(&self) -> Result<ScheduleState> {
        let now = self.inner.clock.now();
        let enabled: Vec<_> = self.inner.jobs.iter().filter(|job| job.enabled).collect();
        let slots = enabled.iter().filter_map(|job| Some(NextSlot { job: job.name.clone(), slot: job.timing.after(now)? }));
        let running = store::count_running(&mut self.inner.store.read().await?.db()).await?;
        Ok(ScheduleState {
            jobs: self.inner.jobs.iter().count(),
            enabled: enabled.len(),
            running,
            fires_here: self.inner.firing.load(Ordering::Relaxed),
            next: slots.min_by_key(|next| next.slot),
        })
    }

    /// Removes rows of slots before this moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self, before: Timestamp) -> Result<u64> {
        self.inner.store.write(move |mut db| Box::pin(async move { store::prune(&mut db, before).await })).await
    }

    /// Ends [`Schedule::run`]: nothing is fired by itself any more. What runs goes on.
    pub fn close(&self) {
        self.inner.closing.cancel();
    }

    /// Waits for the runs of this process to end; once the process is stopping, each ends with the step it is at.
    pub async fn finish(&self) {
        self.inner.runs.close();
        self.inner.runs.wait().await;
        self.inner.runs.reopen();
    }
}
