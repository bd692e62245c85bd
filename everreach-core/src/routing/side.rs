//! The local side as a whole: the registry in this process and, if there is one, the worker beside it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Call, Execution, Executor, HttpExecutor, LocalExecutor, ServiceListing};
use crate::{ActionName, Error, ErrorKind, Outcome, Result, SharedClock};

/// How long a call waits for the worker's list, at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs calls on this machine: on the worker what it lists or what the registry lacks, the rest in the registry. An embedder's own
/// executor, if there is one, comes before both.
///
/// ```
/// use everreach_core::routing::{LocalExecutor, LocalSide};
/// use everreach_core::SystemClock;
/// let registry = LocalExecutor::builder().build()?;
/// let side = LocalSide::new(registry, SystemClock::shared());
/// assert!(!side.has_worker());
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub struct LocalSide {
    registry: LocalExecutor,
    worker: Option<Arc<HttpExecutor>>,
    first: Option<Arc<dyn Executor>>,
    clock: SharedClock,
}

impl fmt::Debug for LocalSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSide").field("registry", &self.registry).field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl LocalSide {
    /// The registry alone.
    #[must_use]
    pub const fn new(registry: LocalExecutor, clock: SharedClock) -> Self {
        Self { registry, worker: None, first: None, clock }
    }

    /// Adds a worker.
    #[must_use]
    pub fn with_worker(mut self, worker: Arc<HttpExecutor>) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Asks this executor first; the others get what it does not know.
    #[must_use]
    pub fn with_first(mut self, executor: Arc<dyn Executor>) -> Self {
        self.first = Some(executor);
        self
    }

    /// Whether there is a worker beside the registry.
    #[must_use]
    pub const fn has_worker(&self) -> bool {
        self.worker.is_some()
    }
}

impl LocalSide {
    async fn execute_here(&self, call: &Call) -> Execution {
        let Some(worker) = &self.worker else { return self.registry.execute(call).await };
        if !self.registry.contains(&call.action) {
            return worker.execute(call).await;
        }
        let begun = self.clock.monotonic();
        let workers = worker.lists(&call.action, PATIENCE.min(call.timeout / 2)).await;
        let spent = self.clock.monotonic().saturating_sub(begun);
        let chosen: &dyn Executor = if workers { &**worker } else { &self.registry };
        if spent < Duration::from_millis(1) {
            return chosen.execute(call).await;
        }
        let left = call.clone().with_timeout(call.timeout.saturating_sub(spent));
        chosen.execute(&left).await
    }
}

#[async_trait]
impl Executor for LocalSide {
    async fn execute(&self, call: &Call) -> Execution {
        let Some(first) = &self.first else { return self.execute_here(call).await };
        let execution = first.execute(call).await;
        let is_unknown = |error: &Error| error.kind() == ErrorKind::UnknownAction;
        let is_known_here = self.worker.is_some() || self.registry.contains(&call.action);
        if is_known_here && execution.outcome == Outcome::NotExecuted && execution.result.as_ref().is_err_and(is_unknown) {
            return self.execute_here(call).await;
        }
        execution
    }

    fn knows(&self, action: &ActionName) -> bool {
        let by_embedder = self.first.as_ref().is_some_and(|first| first.knows(action));
        by_embedder || self.worker.is_some() || self.registry.contains(action)
    }

    /// All lists; where several have an action, the description of whoever is asked first. Whoever does not answer is left out.
    async fn services(&self) -> Result<Vec<ServiceListing>> {
        let worker = self.worker.as_deref().map(|worker| worker as &dyn Executor);
        let mut all: Vec<ServiceListing> = Vec::new();
        for source in [self.first.as_deref(), worker, Some(&self.registry)].into_iter().flatten() {
            let listed = source.services().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "an executor of this machine cannot be asked what it offers");
                Vec::new()
            });
            let taken: HashSet<_> = all.iter().map(|listing| listing.action.clone()).collect();
            all.extend(listed.into_iter().filter(|listing| !taken.contains(&listing.action)));
        }
        all.sort_by(|one, other| one.action.cmp(&other.action));
        Ok(all)
    }
}

#[cfg(test)]
#[path = "side_tests.rs"]
mod tests;
