//! Safari, as a runtime drives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::events::EventLog;
use crate::safari::decision::Conditions;
use crate::safari::limits::Limit;
use crate::safari::queue::{QueueConfig, SafariQueue};
use crate::safari::{SafariConfig, SafariDispatcher, Service, ServiceHealth, health_all};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{Result, SharedClock};

/// How long a look at the services is good for when somebody asks why a command waits: two services leak a little with each look.
const LOOK: Duration = Duration::from_secs(60);
/// How long one service may take to say its limits here, where a person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Safari's queue, what carries its commands out, and the conditions of the moment; cheap to clone.
///
/// ```
/// use everreach_core::runtime::{Runtime, RuntimeConfig};
/// use everreach_core::safari::queue::NewCommand;
/// use everreach_core::safari::{Command, Verb};
/// # async fn run() -> everreach_core::Result<()> {
/// # let mut config = RuntimeConfig::default();
/// # config.store.url = "sqlite::memory:".to_owned();
/// # config.data_dir = std::env::temp_dir().join("everreach-doc");
/// let runtime = Runtime::builder(config).build().await?;
/// let queue = runtime.safari().queue();
/// let written = queue.enqueue(vec![NewCommand::new(Command::new(Verb::Score, runtime.clock().now()))]).await?;
/// let detail = queue.get(written[0].id, &runtime.safari().settings_only()).await?.expect("it is there");
/// assert_eq!(detail.entry.attempts, 0);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Clone)]
pub struct Safari {
    queue: SafariQueue,
    dispatcher: Arc<dyn SafariDispatcher>,
    config: Arc<SafariConfig>,
    clock: SharedClock,
    stop: StopSwitch,
    looked: Arc<Mutex<Option<Look>>>,
}

/// What the services said when they were last looked at.
#[derive(Debug, Clone)]
struct Look {
    at: Duration,
    health: Vec<ServiceHealth>,
    limits: BTreeMap<Service, Limit>,
}

impl std::fmt::Debug for Safari {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Safari").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Safari {
    pub(super) fn new(
        store: &Store,
        clock: &SharedClock,
        events: &EventLog,
        stop: &StopSwitch,
        config: SafariConfig,
        dispatcher: Arc<dyn SafariDispatcher>,
    ) -> Self {
        let mut queue = QueueConfig::default();
        queue.lease = config.lease;
        Self {
            queue: SafariQueue::new(store.clone(), Arc::clone(clock), events.clone(), queue),
            dispatcher,
            config: Arc::new(config),
            clock: Arc::clone(clock),
            stop: stop.clone(),
            looked: Arc::default(),
        }
    }

    /// The queue.
    #[must_use]
    pub const fn queue(&self) -> &SafariQueue {
        &self.queue
    }

    /// What carries commands out.
    #[must_use]
    pub const fn dispatcher(&self) -> &Arc<dyn SafariDispatcher> {
        &self.dispatcher
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SafariConfig {
        &self.config
    }

    /// The conditions that the settings make, before anything was looked at.
    #[must_use]
    pub fn settings_only(&self) -> Conditions {
        let mut conditions = Conditions::new(self.config.zone);
        conditions.limits = self.config.limits.clone();
        conditions.active_hours = self.config.active_hours;
        conditions.pacing = self.config.pacing;
        conditions
    }

    /// The conditions of the moment beside the database's: the settings, the stop switch, and what the services said, at most a minute
    /// ago, of their health and their limits. Within 9 s, even when all nine hang.
    ///
    /// # Errors
    /// The store's.
    pub async fn conditions(&self) -> Result<Conditions> {
        let mut conditions = self.settings_only();
        conditions.is_stopped = self.stop.check_now().await?.stopped;
        let look = self.look(LOOK).await;
        conditions.health = look.health.into_iter().map(|health| (health.service, health)).collect();
        conditions.service_limits = look.limits;
        Ok(conditions)
    }

    /// How all nine services are, asked now, side by side; in the order of [`Service::ALL`].
    pub async fn health(&self) -> Vec<ServiceHealth> {
        health_all(&*self.dispatcher, &*self.clock).await
    }

    /// The last look at the services when it is young enough, else a new one; callers at the same time share it.
    async fn look(&self, good_for: Duration) -> Look {
        let mut looked = self.looked.lock().await;
        let now = self.clock.monotonic();
        if let Some(look) = looked.as_ref().filter(|look| now.saturating_sub(look.at) < good_for) {
            return look.clone();
        }
        let health = self.health().await;
        let limits = self.limits_of(&health).await;
        looked.insert(Look { at: self.clock.monotonic(), health, limits }).clone()
    }

    /// What the services that are up say of their own limits; the contract's stand for the others.
    async fn limits_of(&self, health: &[ServiceHealth]) -> BTreeMap<Service, Limit> {
        let sends = |health: &&ServiceHealth| health.is_healthy() && health.service.profile().action.is_some();
        let ask = async |service: Service| {
            let limit = timeout(PATIENCE, self.dispatcher.limits(service)).await.ok()?.ok()??;
            Some((service, limit))
        };
        join_all(health.iter().filter(sends).map(|health| ask(health.service))).await.into_iter().flatten().collect()
    }
}
