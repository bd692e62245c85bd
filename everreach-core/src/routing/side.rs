//! The local side as a whole: the registry in this process and, if there is one, the worker beside it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Call, Execution, Executor, HttpExecutor, LocalExecutor, ServiceListing};
use crate::{Result, SharedClock};

/// How long a call waits for the worker's list, at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs calls on this machine: on the worker what it lists or what the registry lacks, the rest in the registry.
///
/// ```
/// use everreach_core::routing::{LocalExecutor, LocalSide};
/// use everreach_core::SystemClock;
/// let registry = LocalExecutor::builder().build()?;
/// let side = LocalSide::new(registry, SystemClock::shared());
/// assert!(!side.has_worker());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug)]
pub struct LocalSide {
    registry: LocalExecutor,
    worker: Option<Arc<HttpExecutor>>,
    clock: SharedClock,
}

impl LocalSide {
    /// The registry alone.
    #[must_use]
    pub const fn new(registry: LocalExecutor, clock: SharedClock) -> Self {
        Self { registry, worker: None, clock }
    }

    /// Adds a worker.
    #[must_use]
    pub fn with_worker(mut self, worker: Arc<HttpExecutor>) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Whether there is a worker beside the registry.
    #[must_use]
    pub const fn has_worker(&self) -> bool {
        self.worker.is_some()
    }
}

#[async_trait]
impl Executor for LocalSide {
    async fn execute(&self, call: &Call) -> Execution {
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

    /// Both lists; where both have an action, the worker's description. A worker that does not answer is left out.
    async fn services(&self) -> Result<Vec<ServiceListing>> {
        let mut all = match &self.worker {
            Some(worker) => worker.services().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the worker cannot be asked what it offers");
                Vec::new()
            }),
            None => Vec::new(),
        };
        let taken: std::collections::HashSet<_> = all.iter().map(|listing| listing.action.clone()).collect();
        all.extend(self.registry.services().await?.into_iter().filter(|listing| !taken.contains(&listing.action)));
        all.sort_by(|one, other| one.action.cmp(&other.action));
        Ok(all)
    }
}

#[cfg(test)]
#[path = "side_tests.rs"]
mod tests;
