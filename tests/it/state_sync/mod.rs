//! State that two sides share: two databases, and HTTP between them.

mod faults;
mod jobs;
mod privacy;
mod rules;
mod runtimes;

use std::sync::Arc;

use everreach_core::events::EventLog;
use everreach_core::http::{HttpConfig, client};
use everreach_core::retry::RetryPolicy;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::sync::state::{CloudPeer, Recorded, StateChange, StateKind, StateSync, StateSyncParts};
use everreach_core::testing::ManualClock;
use everreach_core::{Mode, Result};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::listen::{self, Limits};
use everreach_server::state::AppState;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use url::Url;

const SEALING_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_SEALING_KEY: &str = "HxAPDg0MCwoJCAcGBQQDAgEAAAECAwQFBgcICQoLDA0=";
const CLOUD_KEY: &str = "er_live_test";

/// A cloud terminal that listens.
struct Cloud {
    runtime: Runtime,
    url: Url,
    serving: JoinHandle<()>,
    _data: TempDir,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Cloud {
    async fn start(database: &str, sealing_key: Option<&str>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig::default();
        config.data_dir = data.path().to_path_buf();
        config.store = StoreConfig::new(database);
        config.routing.mode = Mode::Cloud;
        config.routing.is_cloud_terminal = true;
        config.state.encryption_key = sealing_key.map(Into::into);
        let runtime = Runtime::builder(config).build().await.expect("a runtime");
        let access = Access::network(runtime.key_ring().clone()).with_key(&CLOUD_KEY.into());
        let listener = listen::bind("127.0.0.1:0".parse().expect("an address"), &access).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let hosts = AllowedHosts::new(address, [""; 0]).expect("no names");
        let state = AppState::new(runtime.clone(), access, hosts);
        let router = app(state.clone());
        let serving =
            tokio::spawn(async move { listen::serve(listener, router, &state, Limits::default(), std::future::pending()).await });
        let url = format!("http://{address}").parse().expect("a URL");
        Self { runtime, url, serving, _data: data }
    }

    fn state(&self) -> &StateSync {
        self.runtime.state_sync()
    }

    async fn record(&self, kind: StateKind, key: &str, payload: Value) -> Result<Recorded> {
        record(self.runtime.store(), self.state(), kind, key, payload).await
    }

    async fn says(&self, kind: StateKind, key: &str) -> Value {
        says(self.state(), kind, key).await
    }
}

/// The local side of a database; its clock is years behind the cloud's.
struct Local {
    store: Store,
    state: StateSync,
    clock: Arc<ManualClock>,
}

impl Local {
    async fn open(store: Store, cloud: &Url, sealing_key: Option<&str>) -> Self {
        Self::with(store, cloud, sealing_key, RetryPolicy::never()).await
    }

    async fn with(store: Store, cloud: &Url, sealing_key: Option<&str>, retry_policy: RetryPolicy) -> Self {
        let clock = Arc::new(ManualClock::at("2020-01-01T00:00:00Z".parse().expect("a time")));
        let mut parts = StateSyncParts::new(store.clone(), Arc::clone(&clock) as _, EventLog::start(store.clone()));
        parts.config.encryption_key = sealing_key.map(Into::into);
        parts.retry_policy = retry_policy;
        let http = client(&HttpConfig::default()).expect("a client");
        parts.cloud = Some(CloudPeer::new(http, cloud, &CLOUD_KEY.into()).expect("a peer"));
        Self { store, state: StateSync::open(parts).await.expect("state sync"), clock }
    }

    async fn record(&self, kind: StateKind, key: &str, payload: Value) -> Result<Recorded> {
        record(&self.store, &self.state, kind, key, payload).await
    }

    async fn says(&self, kind: StateKind, key: &str) -> Value {
        says(&self.state, kind, key).await
    }

    async fn pending(&self) -> u64 {
        self.state.status().await.expect("a status").pending
    }
}

async fn record(store: &Store, state: &StateSync, kind: StateKind, key: &str, payload: Value) -> Result<Recorded> {
    let (state, change) = (state.clone(), StateChange::new(kind, key.parse().expect("a key"), payload));
    store.write(move |mut db| Box::pin(async move { state.record(&mut db, &change).await })).await
}

async fn says(state: &StateSync, kind: StateKind, key: &str) -> Value {
    let view = state.get(kind, &key.parse().expect("a key")).await.expect("it is read");
    view.map_or(Value::Null, |view| view.payload)
}
