//! The actions that this process answers itself.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use super::handle::RuntimeParts;
use super::{job_actions, sync_actions};
use crate::cost::SqlCostGuard;
use crate::failover::ConnectivityView;
use crate::notify::Notifier;
use crate::routing::{Executor, HttpExecutor, LocalExecutor, LocalExecutorBuilder, Params, SharedRouteTable};
use crate::store::Store;
use crate::{Error, ErrorKind, Result, SharedClock};

/// How long a heartbeat waits for the worker.
const WORKER_PATIENCE: Duration = Duration::from_secs(1);

/// What the actions look at.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) connectivity: ConnectivityView,
    pub(super) table: SharedRouteTable,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) worker: Option<Arc<HttpExecutor>>,
    pub(super) has_cloud: bool,
    pub(super) cost_log: Arc<SqlCostGuard>,
    /// The whole, which is made after its actions and holds them.
    pub(super) runtime: Arc<OnceLock<Weak<RuntimeParts>>>,
}

impl Sources {
    /// The whole, as long as there is one.
    pub(super) fn whole(&self) -> Result<Arc<RuntimeParts>> {
        let runtime = self.runtime.get().and_then(Weak::upgrade);
        runtime.ok_or_else(|| Error::new(ErrorKind::Internal, "the process is starting or ending"))
    }
}

pub(super) fn registry(sources: &Sources) -> LocalExecutorBuilder {
    let (heartbeat, self_test, listing, notify) = (sources.clone(), sources.clone(), sources.clone(), sources.clone());
    let registry = LocalExecutor::builder()
        .handler("system.heartbeat", "health of what this terminal is connected to", move |_, _| {
            let sources = heartbeat.clone();
            async move { Ok(json!({"at": sources.clock.now(), "services": health(&sources).await})) }
        })
        .handler("system.self_test", "run the internal checks", move |_, _| {
            let sources = self_test.clone();
            async move { Ok(check(&sources).await) }
        })
        .handler("system.list_services", "the actions of the route table", move |_, _| {
            let table = listing.table.current();
            async move {
                let services: Params =
                    table.routes().map(|route| (route.action.to_string(), Value::from(route.description.as_str()))).collect();
                Ok(Value::Object(services))
            }
        })
        .handler("telegram.send", "a notice to the operator", move |params, _| {
            let notifier = Arc::clone(&notify.notifier);
            async move { send_notice(&*notifier, &params).await }
        });
    sync_actions::add(job_actions::add(registry, sources), sources)
}

/// Each part this process is connected to, in one word.
pub(super) async fn health(sources: &Sources) -> Params {
    let database = word(sources.store.ping().await.is_ok());
    let worker = match &sources.worker {
        None => "not configured",
        Some(worker) => word(tokio::time::timeout(WORKER_PATIENCE, worker.services()).await.is_ok_and(|listed| listed.is_ok())),
    };
    let cloud = match (sources.has_cloud, sources.connectivity.is_offline()) {
        (false, _) => "not configured",
        (true, true) => "offline",
        (true, false) => "online",
    };
    [("database", database), ("worker", worker), ("cloud", cloud)]
        .map(|(part, word)| (part.to_owned(), word.into()))
        .into_iter()
        .collect()
}

async fn check(sources: &Sources) -> Value {
    let schema = sources.store.migration_state().await;
    let table = sources.table.current();
    json!({"components": [
        {"name": "database", "ok": sources.store.ping().await.is_ok()},
        {"name": "schema", "ok": schema.as_ref().is_ok_and(|state| state.applied == state.known)},
        {"name": "route_table", "ok": true, "routes": table.routes().count(), "digest": table.digest()},
    ]})
}

async fn send_notice(notifier: &dyn Notifier, params: &Params) -> Result<Value> {
    let Some(message) = params.get("message").and_then(Value::as_str).filter(|message| !message.trim().is_empty()) else {
        return Err(Error::new(ErrorKind::InvalidParams, "telegram.send takes {\"message\": \"…\"}"));
    };
    notifier.notify(message).await?;
    Ok(json!({"success": true}))
}

const fn word(is_good: bool) -> &'static str {
    if is_good { "ok" } else { "down" }
}
