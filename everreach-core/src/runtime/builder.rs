//! Building a runtime.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::copywriter::RoutedCopywriter;
use super::handle::RuntimeParts;
use super::safari::SafariParts;
use super::services::{self, Sources};
use super::{Runtime, RuntimeConfig, Safari, background};
use crate::access::AccessKeys;
use crate::approval::Approvals;
use crate::breaker::{BreakerConfig, CircuitSet};
use crate::cost::{CostGuard, SqlCostGuard};
use crate::events::EventLog;
use crate::ledger::Ledger;
use crate::notify::{LogNotifier, Notifier, TelegramNotifier};
use crate::retry::{BudgetConfig, RetryBudget, RetryPolicy};
use crate::routing::{
    Classifier, CloudExecutor, ConnectivityView, Executor, HttpExecutor, LocalExecutorBuilder, LocalSide, OfflineCache,
    Orchestrator, OrchestratorParts, RouteTable, SharedRouteTable,
};
use crate::safari::inbox::Inbox;
use crate::safari::{HttpSafariDispatcher, SafariDispatcher};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::{
    Error, ErrorKind, Id, Mode, Result, SharedClock, SystemClock,
    http::{self, HttpConfig},
};

type AddHandlers = Box<dyn FnOnce(LocalExecutorBuilder) -> LocalExecutorBuilder + Send>;

/// Wires a runtime together; whatever is not given is made from the settings.
#[must_use]
pub struct RuntimeBuilder {
    config: RuntimeConfig,
    clock: Option<SharedClock>,
    store: Option<Store>,
    local: Option<Arc<dyn Executor>>,
    handlers: Vec<AddHandlers>,
    cloud: Option<Arc<dyn Executor>>,
    classifier: Option<Arc<dyn Classifier>>,
    cost: Option<Arc<dyn CostGuard>>,
    notifier: Option<Arc<dyn Notifier>>,
    safari: Option<Arc<dyn SafariDispatcher>>,
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
            local: None,
            handlers: Vec::new(),
            cloud: None,
            classifier: None,
            cost: None,
            notifier: None,
            safari: None,
            retry_policy: RetryPolicy::default(),
        }
    }

    /// Uses this clock.
    pub fn with_clock(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Uses a database that is open already.
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Replaces the local side: by default the `system.*` actions of this process and the worker at `LOCAL_ENDPOINT`.
    pub fn with_local(mut self, executor: Arc<dyn Executor>) -> Self {
        self.local = Some(executor);
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
        self.handlers.push(Box::new(add));
        self
    }

    /// Replaces the cloud side.
    pub fn with_cloud(mut self, executor: Arc<dyn Executor>) -> Self {
        self.cloud = Some(executor);
        self
    }

    /// Replaces the route table's classes.
    pub fn with_classifier(mut self, classifier: Arc<dyn Classifier>) -> Self {
        self.classifier = Some(classifier);
        self
    }

    /// Replaces the cost guard.
    pub fn with_cost_guard(mut self, guard: Arc<dyn CostGuard>) -> Self {
        self.cost = Some(guard);
        self
    }

    /// Replaces where notices go.
    pub fn with_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Replaces what carries Safari's commands out: by default HTTP to the services of the settings.
    pub fn with_safari_dispatcher(mut self, dispatcher: Arc<dyn SafariDispatcher>) -> Self {
        self.safari = Some(dispatcher);
        self
    }

    /// Replaces the waits between tries in the cloud: 1, 3 and 9 s.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Opens the database, settles what a crash left, and starts the background tasks.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for settings that do not go together, or what the database says.
    pub async fn build(self) -> Result<Runtime> {
        let config = self.config;
        config.cost.validate()?;
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let table = match &config.routing.table {
            Some(path) => RouteTable::load(path)?,
            None => RouteTable::builtin(),
        };
        let table = SharedRouteTable::new(table);
        let client = http::client(&HttpConfig::default())?;
        let goes_there = config.routing.mode != Mode::Local && !config.routing.is_cloud_terminal;
        let cloud_use = if goes_there { CloudUse::Needed } else { CloudUse::Optional };
        let (dispatcher, inbox) = safari_side(self.safari, &config, &clock)?;
        let cloud = cloud_side(self.cloud, &config, cloud_use, &client, &clock)?;
        let store = match self.store {
            Some(store) => store,
            None => Store::open(&config.store).await?,
        };
        let events = EventLog::start(store.clone());
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
        let connectivity = ConnectivityView::new(&config.routing, clock.now());
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
        };
        let local = match self.local {
            Some(local) => local,
            None => local_side(&sources, self.handlers)?,
        };
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
            tasks: calls.clone(),
        });
        let (background, stopping) = (TaskTracker::new(), CancellationToken::new());
        let safari = SafariParts {
            store: store.clone(),
            clock: Arc::clone(&clock),
            events: events.clone(),
            stop: stop.clone(),
            notifier: Arc::clone(&notifier),
            dispatcher,
            inbox,
            copywriter: Arc::new(RoutedCopywriter::new(orchestrator.clone())?),
            background: background.clone(),
            stopping: stopping.child_token(),
        };
        let safari = Safari::new(config.safari.clone(), safari);
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
                access_keys,
                key_ring,
                table,
                connectivity,
                sources,
                orchestrator,
                routed_today: Mutex::default(),
                calls,
                background,
                stopping,
            }),
        };
        background::start(&runtime, sql_guard, client).await?;
        Ok(runtime)
    }
}

type SafariSide = (Arc<dyn SafariDispatcher>, Option<Arc<dyn Inbox>>);

/// What carries Safari's commands out, and where replies are looked for: one that an embedder brings sees no inbox.
fn safari_side(given: Option<Arc<dyn SafariDispatcher>>, config: &RuntimeConfig, clock: &SharedClock) -> Result<SafariSide> {
    if let Some(dispatcher) = given {
        return Ok((dispatcher, None));
    }
    let http = Arc::new(HttpSafariDispatcher::new(&config.safari, Arc::clone(clock))?);
    Ok((Arc::<HttpSafariDispatcher>::clone(&http), Some(http)))
}

/// Whether this process sends calls to the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CloudUse {
    Needed,
    Optional,
}

fn cloud_side(
    given: Option<Arc<dyn Executor>>,
    config: &RuntimeConfig,
    cloud_use: CloudUse,
    client: &reqwest::Client,
    clock: &SharedClock,
) -> Result<Option<Arc<dyn Executor>>> {
    match (given, &config.cloud) {
        (Some(cloud), _) => Ok(Some(cloud)),
        (None, None) if cloud_use == CloudUse::Needed => {
            Err(Error::new(ErrorKind::Config, "cloud and hybrid need CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY")
                .with("EVERREACH_ENV", config.routing.mode))
        }
        (None, None) => Ok(None),
        // An endpoint without its key is no reason not to start where nothing goes to the cloud.
        (None, Some(remote)) if cloud_use == CloudUse::Optional && remote.key.is_none() => Ok(None),
        (None, Some(remote)) => Ok(Some(Arc::new(CloudExecutor::new(remote, client.clone(), Arc::clone(clock))?))),
    }
}

/// The actions of this process, those of an embedder among them, and the worker beside it.
fn local_side(sources: &Sources, handlers: Vec<AddHandlers>) -> Result<Arc<dyn Executor>> {
    let registry = handlers.into_iter().fold(services::registry(sources), |registry, add| add(registry)).build()?;
    let side = LocalSide::new(registry, Arc::clone(&sources.clock));
    Ok(Arc::new(match &sources.worker {
        Some(worker) => side.with_worker(Arc::clone(worker)),
        None => side,
    }))
}
