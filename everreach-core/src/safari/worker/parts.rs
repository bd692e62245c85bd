//! The worker's handle and what it works with.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{ServiceWatch, WorkerConfig};
use crate::safari::SafariDispatcher;
use crate::safari::alert::{Alert, AlertOutbox};
use crate::safari::campaign::{Campaigns, unsendable};
use crate::safari::decision::Conditions;
use crate::safari::queue::SafariQueue;
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{Result, SharedClock};

/// What a worker works with. The queue, the outbox, the stop switch and the store are of one database.
#[allow(clippy::exhaustive_structs, reason = "all of its parts are needed to make one")]
pub struct WorkerParts {
    /// The database.
    pub store: Store,
    /// The queue.
    pub queue: SafariQueue,
    /// Carries commands to the services.
    pub dispatcher: Arc<dyn SafariDispatcher>,
    /// Tells the time.
    pub clock: SharedClock,
    /// Stops everything outward.
    pub stop: StopSwitch,
    /// Where alerts go.
    pub alerts: AlertOutbox,
    /// The campaigns that it moves on; none leaves them to others.
    pub campaigns: Option<Campaigns>,
}

impl fmt::Debug for WorkerParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerParts").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// A cheap-to-clone handle on a worker.
///
/// ```
/// # #[cfg(feature = "mock")] {
/// # use std::sync::Arc;
/// # use everreach_core::{SystemClock, events::EventLog, stop::StopSwitch, store::{Store, StoreConfig}};
/// use everreach_core::safari::alert::AlertOutbox;
/// use everreach_core::safari::queue::{NewCommand, QueueConfig, SafariQueue};
/// use everreach_core::safari::worker::{SafariWorker, WorkerConfig, WorkerParts};
/// use everreach_core::safari::{Command, DispatchOutcome, SafariConfig, Verb};
/// use everreach_core::testing::ScriptedDispatcher;
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let clock = SystemClock::shared();
/// # let events = EventLog::start(store.clone());
/// # let folder = std::env::temp_dir().join("everreach-worker-example");
/// let queue = SafariQueue::new(store.clone(), clock.clone(), events.clone(), QueueConfig::default());
/// queue.enqueue(vec![NewCommand::new(Command::new(Verb::Score, clock.now()))]).await?;
/// let parts = WorkerParts {
///     alerts: AlertOutbox::new(store.clone(), clock.clone()),
///     stop: StopSwitch::new(store.clone(), clock.clone(), events, folder),
///     dispatcher: Arc::new(ScriptedDispatcher::new([DispatchOutcome::done("scored")])),
///     campaigns: None, store, queue, clock,
/// };
/// let worker = SafariWorker::new(parts, WorkerConfig::new("mac-1", &SafariConfig::default()));
/// assert_eq!(worker.run_once(10).await?.completed, 1);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SafariWorker {
    pub(super) parts: Arc<WorkerParts>,
    pub(super) config: Arc<WorkerConfig>,
    services: Arc<ServiceWatch>,
    /// When it was last asked whether there is progress.
    pub(super) progress: Arc<Mutex<Option<Duration>>>,
}

impl SafariWorker {
    /// A worker; nothing runs yet.
    #[must_use]
    pub fn new(parts: WorkerParts, config: WorkerConfig) -> Self {
        let services = ServiceWatch::new(
            parts.store.clone(),
            Arc::clone(&parts.dispatcher),
            parts.clock.clone(),
            parts.alerts.clone(),
            config.look_every,
        );
        Self { parts: Arc::new(parts), config: Arc::new(config), services: Arc::new(services), progress: Arc::default() }
    }

    /// What it knows of the services.
    ///
    /// ```
    /// use everreach_core::safari::worker::SafariWorker;
    /// fn seen(worker: &SafariWorker) -> usize {
    ///     worker.services().seen().len()
    /// }
    /// ```
    #[must_use]
    pub fn services(&self) -> &ServiceWatch {
        &self.services
    }

    /// The conditions of the moment, as far as the queue's tables do not tell them: settings, the deny list's file, what the last look found of the services
    /// and their own limits, and the stop switch read afresh.
    ///
    /// # Errors
    /// The store's: whether it is safe to send is then unknown.
    pub async fn conditions(&self) -> Result<Conditions> {
        let mut conditions = self.config.conditions.clone();
        let (stop, unsendable) = tokio::try_join!(self.parts.stop.check_now(), unsendable(&self.parts.store))?;
        conditions.is_stopped = stop.stopped;
        conditions.health = self.services.seen();
        conditions.service_limits = self.services.limits();
        conditions.paused_campaigns.extend(unsendable);
        if let Some(file) = &self.config.deny_list {
            conditions.deny_list.extend(&file.list());
            if let Some(trouble) = file.trouble(self.parts.clock.monotonic()) {
                tracing::warn!(trouble, "the deny list cannot be used as it is now; the one that was read last holds");
                self.raise(Alert::DenyListUnusable { detail: trouble }).await;
            }
        }
        Ok(conditions)
    }
}
