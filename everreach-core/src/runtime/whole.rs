//! STUB written by the lead (made just alive enough to test the HTTP side), replaced at merge: only the signatures count.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::must_use_candidate, clippy::exhaustive_structs, clippy::exhaustive_enums, clippy::return_self_not_must_use, missing_debug_implementations, clippy::cast_precision_loss)]
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use serde::Serialize;
use crate::cost::*;
use crate::events::EventLog;
use crate::notify::{LogNotifier, Notifier};
use crate::routing::*;
use crate::store::Store;
use crate::{ActionName, Envelope, Error, ErrorKind, Id, Mode, Outcome, Result, SharedClock, Source, SystemClock, Timestamp, Event};
use super::RuntimeConfig;

#[derive(Clone)]
pub struct Runtime { i: Arc<Inner> }
impl std::fmt::Debug for Runtime { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("Runtime") } }
struct Inner { config: RuntimeConfig, started: Timestamp, started_mono: Duration, clock: SharedClock, store: Store, events: EventLog, cost: Arc<dyn CostGuard>, notifier: Arc<dyn Notifier>, local: Option<Arc<dyn Executor>>,
  ledger: ledger::Ledger, approvals: approval::Approvals, stop: stop::StopSwitch, keys: access::AccessKeys, ring: access::KeyRing }
#[derive(Default)]
pub struct RuntimeBuilder { config: RuntimeConfig, clock: Option<SharedClock>, store: Option<Store>, local: Option<Arc<dyn Executor>>, cost: Option<Arc<dyn CostGuard>>, notifier: Option<Arc<dyn Notifier>> }
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConnectivityState { pub online: bool, pub offline_mode: bool, pub since: Timestamp, pub failures: u32 }
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceEntry { pub route: Arc<Route>, pub description: String, pub is_known_to_table: bool }
struct NoCost;
#[async_trait::async_trait]
impl CostGuard for NoCost {
  async fn reserve(&self, r: CostRequest) -> Result<Reservation> { Ok(Reservation::new(Id::new(), "2026-11", &r)) }
  async fn settle(&self, _: &Reservation, _: crate::MicroUsd) -> Result<()> { Ok(()) }
  async fn release(&self, _: &Reservation) -> Result<()> { Ok(()) }
  async fn level(&self) -> Result<BudgetLevel> { Ok(BudgetLevel::Open) }
  async fn monthly_cost(&self) -> Result<MonthlyCost> { let z = crate::MicroUsd::ZERO; Ok(MonthlyCost { month: "2026-11".into(), total_usd: z, reserved_usd: z, essential_usd: z, remaining_usd: crate::MicroUsd::from_usd(400), cap_usd: crate::MicroUsd::from_usd(400), soft_cap_usd: crate::MicroUsd::from_usd(380), warning: false, exceeded: false, forecast_usd: z, by_service: vec![ServiceCost::new("dm", "dm.send", 1, crate::MicroUsd::from_micros(1000))] }) }
}
impl Runtime {
    pub fn builder(config: RuntimeConfig) -> RuntimeBuilder { RuntimeBuilder { config, ..Default::default() } }
    pub fn config(&self) -> &RuntimeConfig { &self.i.config }
    pub fn mode(&self) -> Mode { self.i.config.routing.mode }
    pub fn started_at(&self) -> Timestamp { self.i.started }
    pub fn uptime(&self) -> Duration { self.i.clock.monotonic() - self.i.started_mono }
    pub fn clock(&self) -> &SharedClock { &self.i.clock }
    pub fn store(&self) -> &Store { &self.i.store }
    pub fn events(&self) -> &EventLog { &self.i.events }
    pub fn cost(&self) -> &Arc<dyn CostGuard> { &self.i.cost }
    pub fn notifier(&self) -> &Arc<dyn Notifier> { &self.i.notifier }
    pub fn ledger(&self) -> &ledger::Ledger { &self.i.ledger }
    pub fn approvals(&self) -> &approval::Approvals { &self.i.approvals }
    pub fn stop_switch(&self) -> &stop::StopSwitch { &self.i.stop }
    pub fn access_keys(&self) -> &access::AccessKeys { &self.i.keys }
    pub fn key_ring(&self) -> &access::KeyRing { &self.i.ring }
    pub fn connectivity(&self) -> ConnectivityState { ConnectivityState { online: true, offline_mode: false, since: self.i.started, failures: 0 } }
    pub fn calls_under_way(&self) -> usize { 0 }
    /// Runs one call. Never fails: every failure is an envelope.
    pub async fn route(&self, request: RouteRequest) -> Envelope {
        let start = self.i.clock.monotonic();
        let mut e = Envelope::new(request.action.clone(), request.request_id);
        e.idempotency_key = request.idempotency_key.clone();
        let Some(local) = &self.i.local else { e.fail(&Error::new(ErrorKind::UnknownAction, "no executor knows the action")); return e; };
        let x = local.execute(&Call::new(request.action, request.params)).await;
        e.outcome = x.outcome; e.attempts = 1; e.suggestions = x.suggestions;
        match x.result { Ok(v) => { e.ok = true; e.result = Some(v); e.source = Some(Source::Local); } Err(error) => e.fail(&error) }
        e.duration_ms = (self.i.clock.monotonic() - start).as_secs_f64() * 1e3 + 0.001;
        self.i.events.record(Event::new(self.i.clock.now(), "call.finished", e.action.as_str()).with_request(e.request_id));
        e
    }
    /// `progress` hears the number finished.
    pub async fn batch(&self, requests: Vec<RouteRequest>, _max_concurrent: NonZeroUsize, progress: Arc<dyn Fn(usize) + Send + Sync>) -> Vec<Envelope> {
        let mut out = vec![]; for r in requests { out.push(self.route(r).await); progress(out.len()); } out
    }
    pub async fn explain(&self, request: &RouteRequest) -> Result<Explanation> {
        let mut route = Route::unlisted(request.action.clone()); route.matched = RouteMatch::Exact;
        let mut rules = vec![]; let c = Conditions::new(self.mode(), ActionClass::Api);
        let d = decide(&route, &c, &mut |rule, verdict, detail| rules.push(serde_json::json!({"rule": rule, "verdict": verdict, "detail": detail})));
        let env = match d.target { Target::Run(s) => Some(s), _ => None };
        Ok(serde_json::from_value(serde_json::json!({"action": request.action, "decision": {"env": env, "reason": d.rule, "rules": rules}, "effect": "outward", "class": "api", "cost_usd": 0, "would": "run here"})).unwrap())
    }
    pub async fn services(&self) -> Vec<ServiceEntry> {
        let Some(local) = &self.i.local else { return vec![] };
        local.services().await.unwrap_or_default().into_iter().map(|l| ServiceEntry { route: Arc::new(Route::unlisted(l.action)), description: l.description, is_known_to_table: false }).collect()
    }
    pub async fn approve(&self, _id: Id) -> Result<Envelope> { Err(Error::new(ErrorKind::NotFound, "no approval has this id")) }
    pub async fn deny(&self, _id: Id) -> Result<()> { Err(Error::new(ErrorKind::NotFound, "no approval has this id")) }
    pub async fn actions_routed_today(&self) -> Result<u64> { Ok(0) }
    pub async fn cost_today(&self) -> Result<crate::MicroUsd> { Ok(crate::MicroUsd::ZERO) }
    pub async fn shutdown(&self, _grace: Duration) { self.i.events.flush().await; self.i.store.close().await; }
}
impl RuntimeBuilder {
    #[must_use] pub fn with_clock(mut self, clock: SharedClock) -> Self { self.clock = Some(clock); self }
    #[must_use] pub fn with_store(mut self, store: Store) -> Self { self.store = Some(store); self }
    #[must_use] pub fn with_local(mut self, executor: Arc<dyn Executor>) -> Self { self.local = Some(executor); self }
    #[must_use] pub fn with_cloud(self, _executor: Arc<dyn Executor>) -> Self { self }
    #[must_use] pub fn with_classifier(self, _classifier: Arc<dyn Classifier>) -> Self { self }
    #[must_use] pub fn with_cost_guard(mut self, guard: Arc<dyn CostGuard>) -> Self { self.cost = Some(guard); self }
    #[must_use] pub fn with_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self { self.notifier = Some(notifier); self }
    pub async fn build(self) -> Result<Runtime> {
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let store = match self.store { Some(s) => s, None => Store::open(&self.config.store).await? };
        let ring = access::KeyRing::default();
        Ok(Runtime { i: Arc::new(Inner { started: clock.now(), started_mono: clock.monotonic(), events: EventLog::start(store.clone()), cost: self.cost.unwrap_or_else(|| Arc::new(NoCost)), notifier: self.notifier.unwrap_or_else(|| Arc::new(LogNotifier::default())), local: self.local,
          ledger: ledger::Ledger, approvals: approval::Approvals, stop: stop::StopSwitch::default(), keys: access::AccessKeys { ring: ring.clone() }, ring, config: self.config, clock, store }) })
    }
}
pub mod access { use super::*;
  #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)] #[serde(rename_all = "lowercase")] #[non_exhaustive] pub enum Scope { Read, Dispatch, Operate, Admin }
  #[derive(Debug, Clone)] #[non_exhaustive] pub struct KeyIdentity { pub id: Id, pub name: String, pub scopes: Vec<Scope> }
  #[derive(Debug, Clone, Serialize)] #[non_exhaustive] pub struct KeyInfo { pub id: Id, pub name: String, pub scopes: Vec<Scope> }
  #[derive(Debug, Clone, Serialize)] #[non_exhaustive] pub struct NewKey { pub id: Id, pub name: String, pub scopes: Vec<Scope>, pub key: String }
  #[derive(Debug, Clone, Default)] pub struct KeyRing { pub(super) keys: Arc<Mutex<Vec<NewKey>>> }
  impl KeyRing { pub fn verify(&self, k: &str) -> Option<KeyIdentity> { self.keys.lock().unwrap().iter().find(|n| n.key == k).map(|n| KeyIdentity { id: n.id, name: n.name.clone(), scopes: n.scopes.clone() }) } pub fn is_empty(&self) -> bool { self.keys.lock().unwrap().is_empty() } }
  #[derive(Debug)] pub struct AccessKeys { pub(super) ring: KeyRing }
  impl AccessKeys {
    pub async fn create(&self, name: &str, scopes: &[Scope]) -> Result<NewKey> { let k = NewKey { id: Id::new(), name: name.into(), scopes: scopes.to_vec(), key: format!("evr_{}", Id::new()) }; self.ring.keys.lock().unwrap().push(k.clone()); Ok(k) }
    pub async fn list(&self) -> Result<Vec<KeyInfo>> { Ok(self.ring.keys.lock().unwrap().iter().map(|n| KeyInfo { id: n.id, name: n.name.clone(), scopes: n.scopes.clone() }).collect()) }
    pub async fn revoke(&self, id: Id) -> Result<()> { let mut k = self.ring.keys.lock().unwrap(); let n = k.len(); k.retain(|x| x.id != id); if k.len() == n { return Err(Error::new(ErrorKind::NotFound, "no key has this id")); } Ok(()) }
  }
}
pub mod stop { use super::*;
  #[derive(Debug, Clone, Default, Serialize)] #[non_exhaustive] pub struct StopState { pub stopped: bool, pub since: Option<Timestamp>, pub reason: Option<String> }
  #[derive(Debug, Default)] pub struct StopSwitch { s: Mutex<StopState> }
  impl StopSwitch { pub async fn stop(&self, reason: Option<String>) -> Result<StopState> { let mut s = self.s.lock().unwrap(); *s = StopState { stopped: true, since: Some("2026-11-20T12:00:00Z".parse().unwrap()), reason }; Ok(s.clone()) }
    pub async fn resume(&self) -> Result<StopState> { *self.s.lock().unwrap() = StopState::default(); Ok(StopState::default()) }
    pub async fn state(&self) -> Result<StopState> { Ok(self.s.lock().unwrap().clone()) } }
}
pub mod approval { use super::*;
  #[derive(Debug, Clone, Serialize)] #[non_exhaustive] pub struct Approval { pub id: Id, pub state: String }
  #[derive(Debug)] pub struct Approvals;
  impl Approvals { pub async fn list(&self) -> Result<Vec<Approval>> { Ok(vec![]) } }
}
pub mod ledger { use super::*;
  #[derive(Debug, Clone, PartialEq, Eq, Hash)] pub struct IdempotencyKey(pub String);
  impl std::str::FromStr for IdempotencyKey { type Err = Error; fn from_str(t: &str) -> Result<Self> { if t.is_empty() || t.len() > 255 || t.chars().any(char::is_control) { Err(Error::new(ErrorKind::InvalidInput, "an idempotency key has 1 to 255 printable characters")) } else { Ok(Self(t.into())) } } }
  #[derive(Debug, Clone, Serialize)] pub struct CallRecord { pub idempotency_key: String }
  #[derive(Debug)] pub struct Ledger;
  impl Ledger { pub async fn get(&self, _k: &IdempotencyKey) -> Result<Option<CallRecord>> { Ok(None) } }
}
const _: Option<Outcome> = None;
