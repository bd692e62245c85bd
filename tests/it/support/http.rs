//! The application over a runtime of its own, called in-process.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use everreach_core::failover::Duty;
use everreach_core::notify::Notifier;
use everreach_core::routing::{Call, Execution, Executor, ServiceListing};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::StoreConfig;
use everreach_core::{Error, ErrorKind, Mode, Outcome};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::safari::Services;

/// A local side with three actions: one that looks, one that fails, one that computes.
#[derive(Debug)]
struct Worker;

#[async_trait]
impl Executor for Worker {
    async fn execute(&self, call: &Call) -> Execution {
        match call.action.as_str() {
            "dm.stats" | "system.heartbeat" => Execution::done(json!({ "echo": call.params })),
            "twitter.playbook" => {
                Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, "ValueError: no niche"))
            }
            _ => Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::UnknownAction, "nobody here knows the action"))
                .with_suggestions(vec!["dm.stats".to_owned()]),
        }
    }

    async fn services(&self) -> everreach_core::Result<Vec<ServiceListing>> {
        let names = ["dm.stats", "system.heartbeat", "twitter.playbook"];
        Ok(names.into_iter().map(|name| ServiceListing::new(name.parse().expect("a name"), "for tests")).collect())
    }
}

/// Keeps what the operator was told.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Vec<String>>);

impl Notices {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no test panicked meanwhile").clone()
    }
}

#[async_trait]
impl Notifier for Notices {
    async fn notify(&self, message: &str) -> everreach_core::Result<()> {
        self.0.lock().expect("no test panicked meanwhile").push(message.to_owned());
        Ok(())
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// One server.
pub(crate) struct Server {
    pub(crate) state: AppState,
    pub(crate) notices: Arc<Notices>,
    _data: TempDir,
}

impl Server {
    pub(crate) async fn start(mode: Mode, lock: impl FnOnce(Access) -> Access) -> Self {
        Self::start_with(Arc::new(Worker), mode, lock).await
    }

    /// A local server that nobody made a key for, and that runs its calls on this.
    pub(crate) async fn open_with(local: Arc<dyn Executor>) -> Self {
        Self::start_with(local, Mode::Local, |access| access).await
    }

    /// The same on this database.
    pub(crate) async fn open_at(url: &str) -> Self {
        Self::start_at(url, Arc::new(Worker), Mode::Local, |access| access).await
    }

    async fn start_with(local: Arc<dyn Executor>, mode: Mode, lock: impl FnOnce(Access) -> Access) -> Self {
        Self::start_at("sqlite::memory:", local, mode, lock).await
    }

    async fn start_at(url: &str, local: Arc<dyn Executor>, mode: Mode, lock: impl FnOnce(Access) -> Access) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig::default();
        config.data_dir = data.path().to_path_buf();
        config.store = StoreConfig::new(url);
        config.routing.mode = mode;
        config.routing.is_cloud_terminal = mode == Mode::Cloud;
        // As `serve` does.
        config.failover.duty = Duty::TakePart;
        let notices = Arc::new(Notices::default());
        let builder = Runtime::builder(config).with_executor(local).with_notifier(Arc::clone(&notices) as Arc<dyn Notifier>);
        let builder = builder.with_safari_dispatcher(Arc::new(Services));
        let runtime = builder.build().await.expect("a runtime");
        let access = lock(Access::loopback(runtime.key_ring().clone()));
        let hosts = AllowedHosts::new("127.0.0.1:8080".parse().expect("an address"), [""; 0]).expect("no names");
        Self { state: AppState::new(runtime, access, hosts), notices, _data: data }
    }

    /// A local server that nobody made a key for.
    pub(crate) async fn open() -> Self {
        Self::start(Mode::Local, |access| access).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], Body::from(body.to_string())).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = app(self.state.clone()).oneshot(request.body(body).expect("a request")).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.expect("a body");
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    /// The answer's body, once the status is found to be this.
    pub(crate) fn with(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status.as_u16(), "{}", self.body);
        self.body
    }
}
