//! Routing as a whole: a runtime on a real database, with executors that do as they are told.

mod approvals;
mod batch;
mod budget;
mod cuts;
mod events;
mod explain;
mod fallback;
mod forwarded;
mod forwarded_crashes;
mod forwarded_program;
mod idempotency;
mod local_calls;
mod local_calls_crashes;
mod local_calls_tables;
mod modes;
mod offline;
mod proof;
mod retry;
mod shared_pair;
mod stop;
mod terminal;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::http::{self, HttpConfig};
use everreach_core::retry::RetryPolicy;
use everreach_core::routing::{Call, CloudExecutor, Execution, Executor, Params, RemoteConfig, RouteRequest, ServiceListing};
use everreach_core::runtime::{Runtime, RuntimeBuilder, RuntimeConfig};
use everreach_core::testing::{FaultServer, ManualClock};
use everreach_core::{Envelope, Error, ErrorKind, Mode, Outcome, Result, Source, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support;

/// A database, a folder and a clock that outlive the runtimes started on them.
struct Bench {
    folder: TempDir,
    url: String,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("everreach.db").display());
        Self::new(folder, url)
    }

    async fn postgres() -> Self {
        Self::new(tempfile::tempdir().expect("a folder"), support::store::postgres_url().await)
    }

    fn new(folder: TempDir, url: String) -> Self {
        Self { folder, url, clock: Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time"))) }
    }

    fn config(&self, mode: Mode) -> RuntimeConfig {
        let mut config = RuntimeConfig::default();
        config.data_dir = self.folder.path().to_path_buf();
        config.store.url.clone_from(&self.url);
        config.routing.mode = mode;
        config
    }

    /// A builder with the bench's clock and waits of a millisecond between tries.
    fn builder(&self, mode: Mode) -> RuntimeBuilder {
        self.with(self.config(mode))
    }

    fn with(&self, config: RuntimeConfig) -> RuntimeBuilder {
        let mut policy = RetryPolicy::default();
        (policy.waits, policy.jitter) = (vec![Duration::from_millis(1); 3], 0.0);
        Runtime::builder(config).with_clock(Arc::clone(&self.clock) as _).with_retry_policy(policy)
    }

    /// A runtime with these two sides.
    async fn start(&self, mode: Mode, local: &Arc<Hand>, cloud: &Arc<Hand>) -> Runtime {
        let builder = self.builder(mode).with_executor(Arc::clone(local) as _).with_cloud(Arc::clone(cloud) as _);
        builder.build().await.expect("a runtime")
    }

    /// A runtime whose cloud is this server, reached over HTTP.
    async fn over_http(&self, mode: Mode, local: &Arc<Hand>, url: &url::Url) -> Runtime {
        let client = http::client(&HttpConfig::default()).expect("a client");
        let remote = RemoteConfig::new(url.clone()).with_key("er_live_test");
        let cloud = CloudExecutor::new(&remote, client, SystemClock::shared()).expect("an executor");
        let builder = self.builder(mode).with_executor(Arc::clone(local) as _).with_cloud(Arc::new(cloud));
        builder.build().await.expect("a runtime")
    }
}

type Does = dyn Fn(&Call) -> Execution + Send + Sync;
type Recalls = dyn Fn(&str) -> Option<Execution> + Send + Sync;

/// An executor that does as it is told, writes down what it was asked, and can be made to wait.
struct Hand {
    does: Box<Does>,
    recalls: Mutex<Option<Box<Recalls>>>,
    calls: Mutex<Vec<Call>>,
    services: Vec<ServiceListing>,
    /// While closed, calls that began wait here.
    gate: tokio::sync::watch::Sender<bool>,
    begun: tokio::sync::watch::Sender<usize>,
    /// The most calls that were inside at once.
    crowd: Mutex<(usize, usize)>,
}

impl Hand {
    fn new(does: impl Fn(&Call) -> Execution + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self::plain(does))
    }

    fn plain(does: impl Fn(&Call) -> Execution + Send + Sync + 'static) -> Self {
        Self {
            does: Box::new(does),
            recalls: Mutex::default(),
            calls: Mutex::default(),
            services: Vec::new(),
            gate: tokio::sync::watch::Sender::new(true),
            begun: tokio::sync::watch::Sender::new(0),
            crowd: Mutex::default(),
        }
    }

    /// One that succeeds and says who it is.
    fn working(name: &'static str) -> Arc<Self> {
        Self::new(move |_| Execution::done(json!({"success": true, "by": name})))
    }

    /// One that fails like this, always.
    fn failing(outcome: Outcome, kind: ErrorKind) -> Arc<Self> {
        Self::new(move |_| Execution::failed(outcome, Error::new(kind, "as told")))
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("nobody panicked").clone()
    }

    fn count(&self) -> usize {
        self.calls().len()
    }

    fn most_at_once(&self) -> usize {
        self.crowd.lock().expect("nobody panicked").1
    }

    fn recalling(&self, recalls: impl Fn(&str) -> Option<Execution> + Send + Sync + 'static) {
        *self.recalls.lock().expect("nobody panicked") = Some(Box::new(recalls));
    }

    fn close_gate(&self) {
        self.gate.send_replace(false);
    }

    fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until this many calls have begun.
    async fn begun(&self, count: usize) {
        self.begun.subscribe().wait_for(|begun| *begun >= count).await.expect("the hand lives");
    }
}

#[async_trait]
impl Executor for Hand {
    async fn execute(&self, call: &Call) -> Execution {
        self.calls.lock().expect("nobody panicked").push(call.clone());
        {
            let mut crowd = self.crowd.lock().expect("nobody panicked");
            crowd.0 += 1;
            crowd.1 = crowd.1.max(crowd.0);
        }
        self.begun.send_modify(|begun| *begun += 1);
        self.gate.subscribe().wait_for(|is_open| *is_open).await.expect("the hand lives");
        // Lets others begin, so that what may overlap does.
        tokio::task::yield_now().await;
        self.crowd.lock().expect("nobody panicked").0 -= 1;
        (self.does)(call)
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(self.services.clone())
    }

    async fn recall(&self, key: &str) -> Result<Option<Execution>> {
        let known = self.recalls.lock().expect("nobody panicked").as_ref().and_then(|recalls| recalls(key));
        // Unless told otherwise, it speaks of the last request that came in.
        let last = self.calls().last().map(|call| call.request_id);
        Ok(known.map(|mut known| {
            known.request_id = known.request_id.or(last);
            known
        }))
    }
}

fn params(value: Value) -> Params {
    let Value::Object(params) = value else { panic!("parameters are an object") };
    params
}

fn call(action: &str, value: Value) -> RouteRequest {
    RouteRequest::new(action.parse().expect("a name"), params(value))
}

fn dm(text: &str) -> RouteRequest {
    call("dm.send", json!({"platform": "instagram", "username": "ada", "text": text}))
}

fn stats() -> RouteRequest {
    call("dm.stats", json!({"days": 7}))
}

fn success() -> Value {
    json!({"ok": true, "topic": "dm.send", "result": {"success": true, "id": 7}, "duration_ms": 3})
}

/// Source, outcome, error word and tries: what an answer says at a glance.
type Glance = (Option<Source>, Outcome, Option<ErrorKind>, u32);

fn glance(envelope: &Envelope) -> Glance {
    assert_eq!(envelope.ok, envelope.error.is_none(), "{envelope:?}");
    assert_eq!(envelope.error.is_some(), envelope.detail.is_some(), "{envelope:?}");
    assert!(envelope.ok || envelope.result.is_none(), "{envelope:?}");
    (envelope.source, envelope.outcome, envelope.error, envelope.attempts)
}

/// The whole requests with this key that reached the server's actions.
fn posts(server: &FaultServer, key: &str) -> usize {
    let is_ours = |request: &everreach_core::testing::ReceivedRequest| {
        request.complete && request.target().starts_with("POST") && request.header("Idempotency-Key").as_deref() == Some(key)
    };
    server.received().iter().filter(|request| is_ours(request)).count()
}

/// The kinds of all events so far, in order.
async fn told(runtime: &Runtime) -> Vec<String> {
    runtime.events().flush().await;
    let events = runtime.events().read_after(0, 10_000).await.expect("events");
    events.into_iter().map(|event| event.event.kind.into_owned()).collect()
}

async fn stop(runtime: Runtime) {
    runtime.shutdown(Duration::from_secs(10)).await;
}
