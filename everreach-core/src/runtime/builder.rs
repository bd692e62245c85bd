//! Building a runtime.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::CloudSource;
use super::copywriter::RoutedCopywriter;
use super::handle::RuntimeParts;
use super::safari::SafariParts;
use super::services::Sources;
use super::sides::{self, Local};
use super::{Runtime, RuntimeConfig, Safari, background, relay, sync_actions};
use crate::access::AccessKeys;
use crate::approval::Approvals;
use crate::breaker::{BreakerConfig, CircuitSet};
use crate::cost::{CostGuard, SqlCostGuard};
use crate::events::EventLog;
use crate::failover::{ConnectivityView, FailoverControl, Reachability};
use crate::lease::Leadership;
use crate::ledger::Ledger;
use crate::notify::{LogNotifier, Notifier, TelegramNotifier};
use crate::retry::{BudgetConfig, RetryBudget, RetryPolicy};
use crate::routing::{
    Classifier, Executor, HttpExecutor, LocalExecutorBuilder, OfflineCache, Orchestrator, OrchestratorParts, SharedRouteTable,
};
use crate::safari::SafariDispatcher;
use crate::safari::worker::DenyListFile;
use crate::schedule::{Schedule, ScheduleParts};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::sync::bus::{OutboxBus, SyncBus};
use crate::sync::state::{StateSync, StateSyncParts};
use crate::{
    Id, Result, SharedClock, Side, SystemClock,
    http::{self, HttpConfig},
};

/// Wires a runtime together; whatever is not given is made from the settings.
#[must_use]
pub struct RuntimeBuilder {
    config: RuntimeConfig,
    clock: Option<SharedClock>,
    store: Option<Store>,
    local: Local,
    cloud: Option<Arc<dyn Executor>>,
    classifier: Option<Arc<dyn Classifier>>,
    cost: Option<Arc<dyn CostGuard>>,
    notifier: Option<Arc<dyn Notifier>>,
    safari: Option<Arc<dyn SafariDispatcher>>,
    leadership: Option<Leadership>,
    bus: Option<Arc<dyn SyncBus>>,
    retry_policy: RetryPolicy,
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

    /// Uses a database that is open already; [`RuntimeConfig::store`] is then not looked at. [`Runtime::shutdown`] closes it.
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

    /// Replaces the cost guard that routing reserves from. [`Runtime::daily_report`] still reads the database's cost log.
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

    /// Replaces the bus: by default the one over the database, with Redis when the settings name one. [`Runtime::shutdown`] leaves a bus
    /// that was given as it is.
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

    /// Checks the settings as [`RuntimeConfig::validate`] does, opens the database, settles what a crash left, and starts the
    /// background tasks.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for settings that do not go together, or what the database says.
    pub async fn build(self) -> Result<Runtime> {
        let config = self.config;
        self.local.check()?;
        let source = if self.cloud.is_some() { CloudSource::Given } else { CloudSource::Settings };
        let (table, mut jobs) = config.check(source)?;
        let table = SharedRouteTable::new(table);
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let client = http::client(&HttpConfig::default())?;
        let safari = sides::safari(self.safari, &config, &clock)?;
        let deny_list = config.safari.deny_list_file.clone().map(DenyListFile::open).transpose()?.map(Arc::new);
        let cloud = match self.cloud {
            Some(cloud) => Some(cloud),
            None => sides::cloud(&config, &client, &clock)?,
        };
        let store = match self.store {
            Some(store) => store,
            None => Store::open(&config.store).await?,
        };
        let (dispatcher, inbox) = safari.over(&store);
        let events = EventLog::start(store.clone());
        let (bus, own_bus) = match self.bus {
            Some(bus) => (bus, None),
            None => {
                let own = OutboxBus::start(store.clone(), Arc::clone(&clock), events.clone(), config.bus.clone())?;
                (Arc::new(own.clone()) as Arc<dyn SyncBus>, Some(own))
            }
        };
        let notifier = self.notifier.unwrap_or_else(|| match &config.telegram {
            Some(telegram) => Arc::new(TelegramNotifier::new(telegram.clone(), client.clone())),
            None => Arc::new(LogNotifier::default()),
        });
        let sql_guard = SqlCostGuard::new(store.clone(), config.cost.clone(), Arc::clone(&clock), events.clone())?
            .with_notifier(Arc::clone(&notifier));
        let sql_guard = Arc::new(sql_guard);
        let cost = self.cost.unwrap_or_else(|| Arc::<SqlCostGuard>::clone(&sql_guard));
        let ledger = Ledger::new(store.clone(), Arc::clone(&clock), events.clone(), Id::new().to_string());
        let approvals = Approvals::new(store.clone(), Arc::clone(&clock), events.clone());
        let stop = StopSwitch::new(store.clone(), Arc::clone(&clock), events.clone(), config.data_dir.clone());
        let access_keys = AccessKeys::new(store.clone(), Arc::clone(&clock), events.clone());
        let key_ring = access_keys.ring().await?;
        let connectivity =
            ConnectivityView::new(if config.routing.offline { Reachability::Offline } else { Reachability::Online }, clock.now());
        let failover = FailoverControl::new(config.place(), &config.failover, &store, &clock, connectivity.clone()).await?;
        let mut state_parts = StateSyncParts::new(store.clone(), Arc::clone(&clock), events.clone());
        state_parts.retry_policy = self.retry_policy.clone();
        let state_sync = StateSync::open(sides::state_sync(state_parts, &config, &client, connectivity.clone())?).await?;
        if !config.routing.is_cloud_terminal {
            sync_actions::switch_off_where_idle(&mut jobs, &state_sync)?;
        }
        let calls = TaskTracker::new();

        let worker = config.worker.as_ref();
        let worker =
            worker.map(|worker| HttpExecutor::new(worker, client.clone(), Arc::clone(&clock)).map(Arc::new)).transpose()?;
        let sources = Sources {
            store: store.clone(),
            clock: Arc::clone(&clock),
            connectivity: connectivity.clone(),
            table: table.clone(),
            notifier: Arc::clone(&notifier),
            worker: worker.clone(),
            has_cloud: cloud.is_some(),
            cost_log: Arc::clone(&sql_guard),
            runtime: Arc::default(),
        };
        let local = self.local.build(&sources)?;
        let relay = relay::handing_over(&config, &store, &clock, &ledger, &events);
        let orchestrator = Orchestrator::new(OrchestratorParts {
            config: config.routing.clone(),
            clock: Arc::clone(&clock),
            classifier: self.classifier.unwrap_or_else(|| Arc::new(table.clone())),
            table: table.clone(),
            local,
            cloud,
            cost: Arc::clone(&cost),
            default_rate: config.cost.default_rate,
            ledger: ledger.clone(),
            approvals: approvals.clone(),
            stop: stop.clone(),
            events: events.clone(),
            cache: OfflineCache::new(store.clone(), Arc::clone(&clock)),
            circuits: CircuitSet::new(BreakerConfig::actions(), Arc::clone(&clock)),
            retry_policy: self.retry_policy,
            retry_budget: RetryBudget::new(Arc::clone(&clock), BudgetConfig::default()),
            connectivity: connectivity.clone(),
            relay: relay.clone().map(|relay| Arc::new(relay) as _),
            tasks: calls.clone(),
        });
        let (background, stopping) = (TaskTracker::new(), CancellationToken::new());
        let side = if config.routing.is_cloud_terminal { Side::Cloud } else { Side::Local };
        let safari = SafariParts {
            side,
            store: store.clone(),
            clock: Arc::clone(&clock),
            events: events.clone(),
            stop: stop.clone(),
            notifier: Arc::clone(&notifier),
            dispatcher,
            inbox,
            copywriter: Arc::new(RoutedCopywriter::new(orchestrator.clone())?),
            deny_list,
            background: background.clone(),
            stopping: stopping.child_token(),
        };
        let safari = Safari::new(config.safari.clone(), safari);
        let schedule = Schedule::new(ScheduleParts {
            jobs,
            config: config.schedule.clone(),
            side,
            leadership: self.leadership.unwrap_or_else(|| failover.leadership().clone()),
            runner: format!("everreach-{}", Id::new()),
            deadline: config.routing.deadline,
            store: store.clone(),
            clock: Arc::clone(&clock),
            events: events.clone(),
            notifier: Arc::clone(&notifier),
            orchestrator: orchestrator.clone(),
            stopping: stopping.child_token(),
        });
        failover.hand_over_with("schedule", Arc::new(schedule.clone()));
        let puller = relay::pulling(&config, &store, &clock, &stop, &orchestrator, &stopping);
        let runtime = Runtime {
            parts: Arc::new(RuntimeParts {
                started_at: clock.now(),
                started: clock.monotonic(),
                config,
                clock,
                store,
                events,
                notifier,
                cost,
                cost_log: Arc::clone(&sql_guard),
                ledger,
                approvals,
                stop,
                safari,
                schedule,
                bus,
                own_bus,
                state_sync,
                access_keys,
                key_ring,
                table,
                connectivity,
                failover,
                sources,
                orchestrator,
                relay,
                puller,
                routed_today: Mutex::default(),
                calls,
                background,
                stopping,
            }),
        };
        let _first = runtime.parts.sources.runtime.set(Arc::downgrade(&runtime.parts));
        background::start(&runtime, sql_guard, client).await?;
        Ok(runtime)
    }
}
