//! Running a call on a handler.

use std::fmt;

use async_trait::async_trait;

use super::super::verdict::unknown_action;
use super::super::{Call, Execution, Executor, ServiceListing};
use super::builder::{CallContext, Entries, LocalExecutorBuilder};
use super::startup::Startup;
use super::supervised::supervised;
use crate::{ActionName, Outcome, Result};

const SUGGESTIONS: usize = 3;

/// Runs calls on handlers in this process.
///
/// ```
/// use everreach_core::routing::{Call, CallContext, Executor, LocalExecutor, Params};
/// use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let local = LocalExecutor::builder()
///     .handler("system.heartbeat", "Say that it lives", |_: Params, _: CallContext| async { Ok(json!({"alive": true})) })
///     .init(|| async { Ok(()) })
///     .build()?;
/// let execution = local.execute(&Call::new("system.heartbeat".parse()?, Params::new())).await;
/// assert_eq!(execution.result?, json!({"alive": true}));
/// # Ok(()) }
/// ```
pub struct LocalExecutor {
    entries: Entries,
    startup: Startup,
}

impl LocalExecutor {
    /// Starts a registry.
    #[must_use]
    pub fn builder() -> LocalExecutorBuilder {
        LocalExecutorBuilder::new()
    }

    pub(super) const fn assemble(entries: Entries, startup: Startup) -> Self {
        Self { entries, startup }
    }

    /// Whether there is a handler for the action.
    #[must_use]
    pub fn contains(&self, action: &ActionName) -> bool {
        self.entries.handlers.contains_key(action)
    }

    /// Whether there is no handler at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.handlers.is_empty()
    }

    fn nearest(&self, action: &ActionName) -> Vec<String> {
        let distance = |name: &ActionName| strsim::damerau_levenshtein(action.as_str(), name.as_str());
        let mut names: Vec<_> = self.entries.handlers.keys().map(|name| (distance(name), name)).collect();
        names.sort();
        names.into_iter().take(SUGGESTIONS).map(|(_, name)| name.to_string()).collect()
    }
}

#[async_trait]
impl Executor for LocalExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let Some((handler, _)) = self.entries.handlers.get(&call.action) else {
            return unknown_action("no handler is registered for the action".into(), self.nearest(&call.action));
        };
        let limit = match self.startup.finish_for(call).await {
            Ok(left) => left,
            Err(error) => return Execution::failed(Outcome::NotExecuted, error),
        };
        let context = CallContext::from(call);
        // The handler is called inside, so that one that panics before its first await is caught as well.
        let work = async { Execution::of_handler(handler(call.params.clone(), context).await, call.effect) };
        supervised(work, call.effect, limit).await
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(self.entries.listing())
    }

    fn knows(&self, action: &ActionName) -> bool {
        self.contains(action)
    }
}

impl fmt::Debug for LocalExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalExecutor").field("handlers", &self.entries.handlers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
