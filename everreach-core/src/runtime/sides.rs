//! The two sides on which calls run, made from the settings or from what an embedder gives.

use std::sync::Arc;

use super::RuntimeConfig;
use super::services::{self, Sources};
use crate::failover::ConnectivityView;
use crate::routing::{CloudExecutor, Executor, LocalExecutorBuilder, LocalSide};
use crate::safari::inbox::Inbox;
use crate::safari::{HttpSafariDispatcher, SafariDispatcher};
use crate::store::Store;
use crate::sync::state::{CloudPeer, StateSyncParts};
use crate::{Error, ErrorKind, Result, SharedClock, Side};

pub(super) type AddHandlers = Box<dyn FnOnce(LocalExecutorBuilder) -> LocalExecutorBuilder + Send>;

/// What an embedder says about this machine's side.
#[derive(Default)]
pub(super) struct Local {
    /// In place of everything else.
    pub(super) executor: Option<Arc<dyn Executor>>,
    /// Asked before everything else.
    pub(super) registry: Option<Arc<dyn Executor>>,
    /// Beside the actions of this process.
    pub(super) handlers: Vec<AddHandlers>,
}

impl Local {
    /// Whether what was given goes together.
    pub(super) fn check(&self) -> Result<()> {
        if self.executor.is_none() || (self.registry.is_none() && self.handlers.is_empty()) {
            return Ok(());
        }
        let refusal =
            "an executor of one's own replaces this machine's side: put handlers and registries into it, or leave it out";
        Err(Error::new(ErrorKind::Config, refusal).with_operation("build a runtime"))
    }

    /// The actions of this process, those of an embedder among them, and the worker beside it.
    pub(super) fn build(self, sources: &Sources) -> Result<Arc<dyn Executor>> {
        if let Some(executor) = self.executor {
            return Ok(executor);
        }
        let registry = self.handlers.into_iter().fold(services::registry(sources), |registry, add| add(registry)).build()?;
        let mut side = LocalSide::new(registry, Arc::clone(&sources.clock));
        if let Some(worker) = &sources.worker {
            side = side.with_worker(Arc::clone(worker));
        }
        if let Some(first) = self.registry {
            side = side.with_first(first);
        }
        Ok(Arc::new(side))
    }
}

/// The cloud terminal of the settings, where they have one for this process.
pub(super) fn cloud(config: &RuntimeConfig, client: &reqwest::Client, clock: &SharedClock) -> Result<Option<Arc<dyn Executor>>> {
    let Some(remote) = config.cloud_remote()? else { return Ok(None) };
    Ok(Some(Arc::new(CloudExecutor::new(remote, client.clone(), Arc::clone(clock))?)))
}

/// What state sync works with: which side this is, and the cloud where there is one.
pub(super) fn state_sync(
    mut parts: StateSyncParts,
    config: &RuntimeConfig,
    client: &reqwest::Client,
    connectivity: ConnectivityView,
) -> Result<StateSyncParts> {
    parts.config = config.state.clone();
    if config.routing.is_cloud_terminal {
        parts.side = Side::Cloud;
        return Ok(parts);
    }
    // An embedder's own cloud may need no endpoint; state goes over HTTP only.
    if let Some(remote) = &config.cloud
        && let Some(key) = &remote.key
    {
        parts.cloud = Some(CloudPeer::new(client.clone(), &remote.endpoint, key)?.unless(move || connectivity.is_offline()));
    }
    Ok(parts)
}

/// What carries Safari's commands out, before the database is open.
pub(super) enum SafariSide {
    Given(Arc<dyn SafariDispatcher>),
    Http(Box<HttpSafariDispatcher>),
}

impl SafariSide {
    /// What carries the commands out, and where replies are looked for: one that an embedder brings sees no inbox.
    pub(super) fn over(self, store: &Store) -> (Arc<dyn SafariDispatcher>, Option<Arc<dyn Inbox>>) {
        match self {
            Self::Given(dispatcher) => (dispatcher, None),
            Self::Http(http) => {
                let http = Arc::new(http.sharing(store));
                (Arc::<HttpSafariDispatcher>::clone(&http), Some(http))
            }
        }
    }
}

/// Checks the settings of the services.
pub(super) fn safari(
    given: Option<Arc<dyn SafariDispatcher>>,
    config: &RuntimeConfig,
    clock: &SharedClock,
) -> Result<SafariSide> {
    match given {
        Some(dispatcher) => Ok(SafariSide::Given(dispatcher)),
        None => Ok(SafariSide::Http(Box::new(HttpSafariDispatcher::new(&config.safari, Arc::clone(clock))?))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Runtime;
    use super::*;
    use crate::testing::ScriptedExecutor;

    #[tokio::test]
    async fn an_executor_of_ones_own_and_handlers_beside_it_are_refused_before_anything_is_opened() {
        let executor = Arc::new(ScriptedExecutor::new([]));
        let builder = Runtime::builder(RuntimeConfig::default()).with_executor(executor).with_handlers(|registry| registry);
        let error = builder.build().await.expect_err("they do not go together");
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
