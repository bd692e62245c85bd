//! What a runtime is built from.

use std::sync::Arc;

use super::RuntimeConfig;
use super::sides::Local;
use crate::SharedClock;
use crate::cost::CostGuard;
use crate::lease::Leadership;
use crate::notify::Notifier;
use crate::retry::RetryPolicy;
use crate::routing::{Classifier, Executor, LocalExecutorBuilder};
use crate::safari::SafariDispatcher;
use crate::store::Store;
use crate::sync::bus::SyncBus;

/// Wires a runtime together; whatever is not given is made from the settings.
#[must_use]
pub struct RuntimeBuilder {
    pub(super) config: RuntimeConfig,
    pub(super) clock: Option<SharedClock>,
    pub(super) store: Option<Store>,
    pub(super) local: Local,
    pub(super) cloud: Option<Arc<dyn Executor>>,
    pub(super) classifier: Option<Arc<dyn Classifier>>,
    pub(super) cost: Option<Arc<dyn CostGuard>>,
    pub(super) notifier: Option<Arc<dyn Notifier>>,
    pub(super) safari: Option<Arc<dyn SafariDispatcher>>,
    pub(super) leadership: Option<Leadership>,
    pub(super) bus: Option<Arc<dyn SyncBus>>,
    pub(super) retry_policy: RetryPolicy,
}

impl std::fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl RuntimeBuilder {
    pub(super) fn new(config: RuntimeConfig) -> Self {
        Self {
            config,
            clock: None,
            store: None,
            local: Local::default(),
            cloud: None,
            classifier: None,
            cost: None,
            notifier: None,
            safari: None,
            leadership: None,
            bus: None,
            retry_policy: RetryPolicy::default(),
        }
    }

    /// Uses this clock instead of the machine's, for whatever the runtime decides by time: months, leases, circuits, caches.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// let builder = Runtime::builder(RuntimeConfig::default()).with_clock(everreach_core::SystemClock::shared());
    /// ```
    pub fn with_clock(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Uses a database that is open already; [`RuntimeConfig::store`] is then not looked at.
    /// [`Runtime::shutdown`](super::Runtime::shutdown) closes it.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::store::{Store, StoreConfig};
    /// # async fn run() -> everreach_core::Result<()> {
    /// let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
    /// let runtime = Runtime::builder(RuntimeConfig::default()).with_store(store).build().await?;
    /// # runtime.shutdown(std::time::Duration::from_secs(5)).await;
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
    /// ```
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Replaces the executor of this machine: by default the `system.*` actions and handlers of this process, then the worker at
    /// `LOCAL_ENDPOINT`. It cannot be given together with
    /// [`RuntimeBuilder::with_handlers`] or [`RuntimeBuilder::with_registry`], which add to the default one.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::routing::LocalExecutor;
    /// let executor = LocalExecutor::builder()
    ///     .handler("reports.ping", "answers", |params, _| async move { Ok(params.into()) })
    ///     .build()?;
    /// let builder = Runtime::builder(RuntimeConfig::default()).with_executor(std::sync::Arc::new(executor));
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn with_executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.local.executor = Some(executor);
        self
    }

    /// Adds actions of the embedder's own to this process, beside the `system.*` ones.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// let builder = Runtime::builder(RuntimeConfig::default())
    ///     .with_handlers(|registry| registry.handler("reports.ping", "answers", |params, _| async move { Ok(params.into()) }));
    /// ```
    pub fn with_handlers(mut self, add: impl FnOnce(LocalExecutorBuilder) -> LocalExecutorBuilder + Send + 'static) -> Self {
        self.local.handlers.push(Box::new(add));
        self
    }

    /// Asks a registry of the embedder's own before anything else on this machine; what it does not know goes on to the handlers of
    /// this process and the worker. Usually a [`DispatchExecutor`](crate::routing::DispatchExecutor).
    pub fn with_registry(mut self, registry: Arc<dyn Executor>) -> Self {
        self.local.registry = Some(registry);
        self
    }

    /// Replaces the executor of the cloud; [`RuntimeConfig::cloud`] then only says where to probe.
    pub fn with_cloud(mut self, executor: Arc<dyn Executor>) -> Self {
        self.cloud = Some(executor);
        self
    }

    /// Replaces the route table as the one that says what kind of work an action is. Its other columns stay in force.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::ActionName;
    /// use everreach_core::routing::{ActionClass, Classification, Classifier};
    /// struct Everything(ActionClass);
    /// impl Classifier for Everything {
    ///     fn classify(&self, _: &ActionName) -> Classification {
    ///         Classification::new(self.0, "everything is alike")
    ///     }
    /// }
    /// let classifier = std::sync::Arc::new(Everything(ActionClass::Compute));
    /// let builder = Runtime::builder(RuntimeConfig::default()).with_classifier(classifier);
    /// ```
    pub fn with_classifier(mut self, classifier: Arc<dyn Classifier>) -> Self {
        self.classifier = Some(classifier);
        self
    }

    /// Replaces the cost guard that routing reserves from. [`Runtime::daily_report`](super::Runtime::daily_report) still reads the
    /// database's cost log.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::SystemClock;
    /// use everreach_core::cost::MemoryCostGuard;
    /// let config = RuntimeConfig::default();
    /// let guard = MemoryCostGuard::new(config.cost.clone(), SystemClock::shared())?;
    /// let builder = Runtime::builder(config).with_cost_guard(std::sync::Arc::new(guard));
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn with_cost_guard(mut self, guard: Arc<dyn CostGuard>) -> Self {
        self.cost = Some(guard);
        self
    }

    /// Replaces where notices go: by default Telegram when it is configured, else the log.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeConfig};
    /// use everreach_core::notify::LogNotifier;
    /// let builder = Runtime::builder(RuntimeConfig::default()).with_notifier(std::sync::Arc::new(LogNotifier::default()));
    /// ```
    pub fn with_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Replaces what carries Safari's commands out: by default HTTP to the services of the settings.
    pub fn with_safari_dispatcher(mut self, dispatcher: Arc<dyn SafariDispatcher>) -> Self {
        self.safari = Some(dispatcher);
        self
    }

    /// Says whether this process may fire the jobs that only one side may, in place of what failover finds.
    pub fn with_leadership(mut self, leadership: Leadership) -> Self {
        self.leadership = Some(leadership);
        self
    }

    /// Replaces the bus: by default the one over the database, with Redis when the settings name one.
    /// [`Runtime::shutdown`](super::Runtime::shutdown) leaves a bus that was given as it is.
    ///
    /// ```
    /// # use everreach_core::runtime::{Runtime, RuntimeBuilder};
    /// use everreach_core::sync::bus::SyncBus;
    /// fn over(builder: RuntimeBuilder, bus: std::sync::Arc<dyn SyncBus>) -> RuntimeBuilder {
    ///     builder.with_sync_bus(bus)
    /// }
    /// ```
    pub fn with_sync_bus(mut self, bus: Arc<dyn SyncBus>) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Replaces the waits between tries in the cloud: 1, 3 and 9 s.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }
}
