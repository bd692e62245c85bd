//! STUB written by the lead, replaced at merge: only the signatures count.
#![allow(missing_docs, clippy::unimplemented, clippy::unused_async, unused_variables, clippy::must_use_candidate)]
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use serde::Serialize;
use crate::cost::CostGuard;
use crate::events::EventLog;
use crate::notify::Notifier;
use crate::routing::{Executor, Classifier, Explanation, RouteRequest, ServiceListing, Route};
use crate::store::Store;
use crate::{ActionName, Envelope, Id, Mode, Result, SharedClock, Timestamp};
use super::RuntimeConfig;

#[derive(Debug, Clone)]
pub struct Runtime;
#[derive(Debug)]
pub struct RuntimeBuilder;
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConnectivityState { pub online: bool, pub offline_mode: bool, pub since: Timestamp, pub failures: u32 }
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceEntry { pub route: Arc<Route>, pub description: String, pub is_known_to_table: bool }

impl Runtime {
    pub fn builder(config: RuntimeConfig) -> RuntimeBuilder { unimplemented!() }
    pub fn config(&self) -> &RuntimeConfig { unimplemented!() }
    pub fn mode(&self) -> Mode { unimplemented!() }
    pub fn started_at(&self) -> Timestamp { unimplemented!() }
    pub fn uptime(&self) -> Duration { unimplemented!() }
    pub fn clock(&self) -> &SharedClock { unimplemented!() }
    pub fn store(&self) -> &Store { unimplemented!() }
    pub fn events(&self) -> &EventLog { unimplemented!() }
    pub fn cost(&self) -> &Arc<dyn CostGuard> { unimplemented!() }
    pub fn notifier(&self) -> &Arc<dyn Notifier> { unimplemented!() }
    /// ledger(): crate::ledger::Ledger, approvals(): crate::approval::Approvals, stop_switch(): crate::stop::StopSwitch,
    /// access_keys(): crate::access::AccessKeys + key_ring(): crate::access::KeyRing exist on the real one (another helper writes these modules; see the brief in your task).
    pub fn connectivity(&self) -> ConnectivityState { unimplemented!() }
    pub fn calls_under_way(&self) -> usize { unimplemented!() }
    /// Runs one call. Never fails: every failure is an envelope. Safe to drop only for reads; journaled calls go on in a task of their own.
    pub async fn route(&self, request: RouteRequest) -> Envelope { unimplemented!() }
    /// `progress` hears the number finished.
    pub async fn batch(&self, requests: Vec<RouteRequest>, max_concurrent: NonZeroUsize, progress: Arc<dyn Fn(usize) + Send + Sync>) -> Vec<Envelope> { unimplemented!() }
    pub async fn explain(&self, request: &RouteRequest) -> Result<Explanation> { unimplemented!() }
    /// Everything that can be called here: the route table's exact rows and whatever the local executor lists, sorted by name.
    pub async fn services(&self) -> Vec<ServiceEntry> { unimplemented!() }
    /// A person agrees: the stored call runs now, once; the envelope is its answer.
    pub async fn approve(&self, id: Id) -> Result<Envelope> { unimplemented!() }
    pub async fn deny(&self, id: Id) -> Result<()> { unimplemented!() }
    /// Calls routed since midnight (UTC) by this process / database.
    pub async fn actions_routed_today(&self) -> Result<u64> { unimplemented!() }
    /// Stops taking calls, waits for those under way up to `grace`, flushes events, closes the store.
    pub async fn shutdown(&self, grace: Duration) { unimplemented!() }
}
impl RuntimeBuilder {
    #[must_use] pub fn with_clock(self, clock: SharedClock) -> Self { self }
    #[must_use] pub fn with_store(self, store: Store) -> Self { self }
    /// Replaces the local side (default: in-process registry with system.* actions + LOCAL_ENDPOINT worker).
    #[must_use] pub fn with_local(self, executor: Arc<dyn Executor>) -> Self { self }
    #[must_use] pub fn with_cloud(self, executor: Arc<dyn Executor>) -> Self { self }
    #[must_use] pub fn with_classifier(self, classifier: Arc<dyn Classifier>) -> Self { self }
    #[must_use] pub fn with_cost_guard(self, guard: Arc<dyn CostGuard>) -> Self { self }
    #[must_use] pub fn with_notifier(self, notifier: Arc<dyn Notifier>) -> Self { self }
    /// Opens the store, recovers what a crash left, starts the background tasks (probes, watchers, reconciler).
    pub async fn build(self) -> Result<Runtime> { unimplemented!() }
}
