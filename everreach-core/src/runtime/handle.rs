//! The handle on everything.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveTime;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::services::{self, Sources};
use super::{RuntimeBuilder, RuntimeConfig, Safari};
use crate::access::{AccessKeys, KeyRing};
use crate::approval::Approvals;
use crate::cost::{CostGuard, DailyReport, SqlCostGuard};
use crate::events::EventLog;
use crate::failover::{ConnectivityState, ConnectivityView, FailoverControl};
use crate::lease::Leadership;
use crate::ledger::Ledger;
use crate::notify::Notifier;
use crate::relay::{Puller, Relay};
use crate::routing::{Explanation, Orchestrator, Route, RouteRequest, SharedRouteTable};
use crate::schedule::Schedule;
use crate::stop::StopSwitch;
use crate::store::Store;
use crate::sync::bus::{OutboxBus, SyncBus};
use crate::sync::state::StateSync;
use crate::{Envelope, Id, Mode, Result, SharedClock, Timestamp};

/// One running EverReach, cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) parts: Arc<RuntimeParts>,
}

pub(super) struct RuntimeParts {
    pub(super) config: RuntimeConfig,
    pub(super) clock: SharedClock,
    pub(super) store: Store,
    pub(super) events: EventLog,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) cost: Arc<dyn CostGuard>,
    pub(super) cost_log: Arc<SqlCostGuard>,
    pub(super) ledger: Ledger,
    pub(super) approvals: Approvals,
    pub(super) stop: StopSwitch,
    pub(super) safari: Safari,
    pub(super) schedule: Schedule,
    pub(super) bus: Arc<dyn SyncBus>,
    /// The one that was made here and ends with the runtime.
    pub(super) own_bus: Option<OutboxBus>,
    pub(super) state_sync: StateSync,
    pub(super) access_keys: AccessKeys,
    pub(super) key_ring: KeyRing,
    pub(super) table: SharedRouteTable,
    pub(super) connectivity: ConnectivityView,
    pub(super) failover: FailoverControl,
    pub(super) sources: Sources,
    pub(super) orchestrator: Orchestrator,
    pub(super) relay: Option<Relay>,
    pub(super) puller: Option<Puller>,
    pub(super) started_at: Timestamp,
    pub(super) started: Duration,
    pub(super) routed_today: Mutex<RoutedToday>,
    /// Calls under way.
    pub(super) calls: TaskTracker,
    /// Probes, watchers and housekeeping.
    pub(super) background: TaskTracker,
    pub(super) stopping: CancellationToken,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("mode", &self.mode()).field("store", &self.parts.store).finish_non_exhaustive()
    }
}

/// How far today's calls are counted, so that the next count only looks at what came since.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RoutedToday {
    since: Timestamp,
    count: u64,
    newest: i64,
}

/// An action that can be called here.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceEntry {
    /// What the route table says of it.
    pub route: Arc<Route>,
    /// What it does, in a few words.
    pub description: String,
}

impl Runtime {
    /// A builder with the defaults that the settings ask for.
    pub fn builder(config: RuntimeConfig) -> RuntimeBuilder {
        RuntimeBuilder::new(config)
    }

    /// The settings it runs with.
    #[must_use]
    pub fn config(&self) -> &RuntimeConfig {
        &self.parts.config
    }

    /// Which sides it uses.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.parts.config.routing.mode
    }

    /// When it started.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.parts.started_at
    }

    /// How long it has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.parts.clock.monotonic().saturating_sub(self.parts.started)
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.parts.clock
    }

    /// Its database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    /// Its event log.
    #[must_use]
    pub fn events(&self) -> &EventLog {
        &self.parts.events
    }

    /// Where notices to the operator go.
    #[must_use]
    pub fn notifier(&self) -> &Arc<dyn Notifier> {
        &self.parts.notifier
    }

    /// The monthly cap's keeper.
    #[must_use]
    pub fn cost(&self) -> &Arc<dyn CostGuard> {
        &self.parts.cost
    }

    /// What was spent today, in the zone whose months count, and where the month stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn daily_report(&self) -> Result<DailyReport> {
        self.parts.cost_log.daily_report(self.parts.cost_log.today()).await
    }

    /// The journal of calls.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.parts.ledger
    }

    /// What waits for a person.
    #[must_use]
    pub fn approvals(&self) -> &Approvals {
        &self.parts.approvals
    }

    /// The stop switch.
    #[must_use]
    pub fn stop_switch(&self) -> &StopSwitch {
        &self.parts.stop
    }

    /// Safari's queue, and what carries its commands out.
    #[must_use]
    pub fn safari(&self) -> &Safari {
        &self.parts.safari
    }

    /// The jobs, and what fires them.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.parts.schedule
    }

    /// Messages between processes and machines.
    #[must_use]
    pub fn bus(&self) -> &Arc<dyn SyncBus> {
        &self.parts.bus
    }

    /// State that both sides share: recording changes, pushing and pulling them.
    #[must_use]
    pub fn state_sync(&self) -> &StateSync {
        &self.parts.state_sync
    }

    /// The bearer keys, for whoever manages them.
    #[must_use]
    pub fn access_keys(&self) -> &AccessKeys {
        &self.parts.access_keys
    }

    /// The bearer keys, for whoever checks them.
    #[must_use]
    pub fn key_ring(&self) -> &KeyRing {
        &self.parts.key_ring
    }

    /// The route table in force.
    #[must_use]
    pub fn route_table(&self) -> &SharedRouteTable {
        &self.parts.table
    }

    /// Whether the cloud is reachable, as far as the probes know.
    #[must_use]
    pub fn connectivity(&self) -> ConnectivityState {
        self.parts.connectivity.state()
    }

    /// The failover between this process and the other side.
    #[must_use]
    pub fn failover(&self) -> &FailoverControl {
        &self.parts.failover
    }

    /// Whether this process may do what only one of both sides may do.
    #[must_use]
    pub fn leadership(&self) -> &Leadership {
        self.parts.failover.leadership()
    }

    /// Each part this process is connected to, in one word: `ok`, `down`, `online`, `offline` or `not configured`.
    pub async fn health(&self) -> Map<String, Value> {
        services::health(&self.parts.sources).await
    }

    /// How many journaled calls are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.parts.calls.len()
    }

    /// Runs one call. Every failure is an envelope.
    pub async fn route(&self, request: RouteRequest) -> Envelope {
        self.parts.orchestrator.route(request).await
    }

    /// Runs the calls, at most `max_concurrent` at a time, and answers in their order; `progress` hears how many are finished.
    pub async fn batch(
        &self,
        requests: Vec<RouteRequest>,
        max_concurrent: NonZeroUsize,
        progress: Arc<dyn Fn(usize) + Send + Sync>,
    ) -> Vec<Envelope> {
        self.parts.orchestrator.batch(requests, max_concurrent, progress).await
    }

    /// The decision for this request as it would fall now, with every rule that was weighed. Runs nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn explain(&self, request: &RouteRequest) -> Result<Explanation> {
        self.parts.orchestrator.explain(request).await
    }

    /// Everything that can be called here, sorted by name: the route table's rows and whatever the local side lists besides.
    pub async fn services(&self) -> Vec<ServiceEntry> {
        let table = self.parts.table.current();
        let listed = self.parts.orchestrator.local_services().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the worker's services cannot be listed");
            Vec::new()
        });
        let mut entries: Vec<_> = table
            .routes()
            .map(|route| ServiceEntry { route: Arc::clone(route), description: route.description.clone() })
            .collect();
        for service in listed {
            let route = table.resolve(&service.action);
            if !entries.iter().any(|entry| entry.route.action == route.action) {
                entries.push(ServiceEntry { route, description: service.description });
            }
        }
        entries.sort_by(|a, b| a.route.action.cmp(&b.route.action));
        entries
    }

    /// A person agrees: the stored call runs now, once, and the envelope is its answer. `None` from a process that has not got the
    /// action: it leaves the call to one that has, which runs it within a minute, or when it is sent again.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for an unknown id, [`Conflict`](crate::ErrorKind::Conflict) when it is decided or
    /// expired, [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is not about a routed call; or the store's.
    pub async fn approve(&self, id: Id) -> Result<Option<Envelope>> {
        self.parts.orchestrator.approve(id).await
    }

    /// A person refuses: the waiting call is closed.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for an unknown id, [`Conflict`](crate::ErrorKind::Conflict) when it is decided or
    /// expired; or the store's.
    pub async fn deny(&self, id: Id) -> Result<()> {
        self.parts.orchestrator.deny(id).await
    }

    /// How many calls this database has seen since midnight UTC.
    ///
    /// # Errors
    /// The store's.
    pub async fn actions_routed_today(&self) -> Result<u64> {
        let midnight = self.parts.clock.now().date_naive().and_time(NaiveTime::MIN).and_utc();
        let counted = *self.parts.routed_today.lock().unwrap_or_else(PoisonError::into_inner);
        let mut today =
            if counted.since == midnight { counted } else { RoutedToday { since: midnight, ..RoutedToday::default() } };
        let (more, newest) = self.parts.events.count_since("call.finished", midnight, today.newest).await?;
        (today.count, today.newest) = (today.count + more, newest);
        *self.parts.routed_today.lock().unwrap_or_else(PoisonError::into_inner) = today;
        Ok(today.count)
    }

    /// Takes no more calls, waits for those under way for at most `grace`, writes what is pending and closes the database.
    pub async fn shutdown(&self, grace: Duration) {
        self.parts.stopping.cancel();
        self.parts.calls.close();
        self.parts.background.close();
        if tokio::time::timeout(grace, self.parts.calls.wait()).await.is_err() {
            tracing::warn!(
                under_way = self.parts.calls.len(),
                "calls were still under way: their leases decide what becomes of them"
            );
        }
        let _cut_off = tokio::time::timeout(Duration::from_secs(1), self.parts.schedule.finish()).await;
        let _stragglers = tokio::time::timeout(Duration::from_secs(1), self.parts.background.wait()).await;
        if let Some(bus) = &self.parts.own_bus {
            bus.stop().await;
        }
        self.parts.events.flush().await;
        self.parts.store.close().await;
    }
}
