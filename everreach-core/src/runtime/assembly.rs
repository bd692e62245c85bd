//! Building a runtime: each part from the settings, unless it was given, and after what it needs.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::CloudSource;
use super::copywriter::RoutedCopywriter;
use super::handle::RuntimeParts;
use super::safari::SafariParts;
use super::services::Sources;
use super::{Runtime, RuntimeBuilder, Safari, background, relay, sides, sync_actions};
use crate::access::AccessKeys;
use crate::approval::Approvals;
use crate::breaker::{BreakerConfig, CircuitSet};
use crate::cost::SqlCostGuard;
use crate::events::EventLog;
use crate::failover::{ConnectivityView, FailoverControl, Reachability};
use crate::ledger::Ledger;
use crate::notify::{LogNotifier, TelegramNotifier};
use crate::retry::{BudgetConfig, RetryBudget};
use crate::routing::{HttpExecutor, OfflineCache, Orchestrator, OrchestratorParts, SharedRouteTable};
use crate::safari::worker::DenyListFile;
use crate::schedule::{Schedule, ScheduleParts};
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::sync::bus::{OutboxBus, SyncBus};
use crate::sync::state::{StateSync, StateSyncParts};
use crate::{
    Id, Result, Side, SystemClock,
    http::{self, HttpConfig},
};

impl RuntimeBuilder {
    /// Checks the settings as [`RuntimeConfig::validate`](super::RuntimeConfig::validate) does, opens the database, settles what a
    /// crash left, and starts the background tasks.
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
