//! Running a call on a handler.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::verdict::{Doubt, in_doubt, judged, unknown_action};
use super::super::{Call, Execution, Executor, ServiceListing};
use super::builder::{CallContext, Entries, Handler, LocalExecutorBuilder};
use super::startup::Startup;
use crate::{ActionName, Effect, Error, ErrorKind, Outcome, Result, Retry};

const SUGGESTIONS: usize = 3;
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

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

    /// Waits for the initialisation and answers what is left of the time.
    async fn initialised(&self, limit: Duration) -> Result<Duration> {
        let deadline = Instant::now() + limit;
        let late =
            |_| Error::new(ErrorKind::StoreUnavailable, "the services are still being initialised; the call was not begun");
        timeout_at(deadline, self.startup.finish()).await.map_err(late)??;
        Ok(deadline.saturating_duration_since(Instant::now()))
    }

    async fn run(&self, handler: &Handler, call: &Call, limit: Duration) -> Execution {
        let context = CallContext::from(call);
        // The handler is called inside, so that one that panics before its first await is caught as well.
        let work = AssertUnwindSafe(async { handler(call.params.clone(), context).await }).catch_unwind();
        match timeout(limit, work).await {
            Ok(Ok(Ok(result))) => judged(result),
            Ok(Ok(Err(error))) => failed(call.effect, error),
            Ok(Err(_)) => panicked(call.effect),
            Err(_) => {
                let detail =
                    format!("the action did not end within {} ms and was given up; it may have taken effect", limit.as_millis());
                in_doubt(call.effect, Doubt::TimedOut, detail)
            }
        }
    }
}

#[async_trait]
impl Executor for LocalExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let Some((handler, _)) = self.entries.handlers.get(&call.action) else {
            return unknown_action("no handler is registered for the action".into(), self.nearest(&call.action));
        };
        let mut limit = call.timeout.min(FOREVER);
        if !self.startup.is_done() {
            limit = match self.initialised(limit).await {
                Ok(left) => left,
                Err(error) => return Execution::failed(Outcome::NotExecuted, error),
            };
        }
        self.run(handler, call, limit).await
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(self.entries.listing())
    }
}

impl fmt::Debug for LocalExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalExecutor").field("handlers", &self.entries.handlers.len()).finish_non_exhaustive()
    }
}

fn failed(effect: Effect, error: Error) -> Execution {
    match error.kind() {
        ErrorKind::OutcomeUnknown | ErrorKind::Timeout if !effect.is_repeatable() => {
            let held = Error::new(ErrorKind::OutcomeUnknown, error.to_string()).with_source(error);
            Execution::failed(Outcome::Unknown, held)
        }
        // Somebody else may be running it under the same key, so nobody may take over.
        ErrorKind::OutcomeUnknown | ErrorKind::Timeout | ErrorKind::IdempotencyConflict => {
            Execution::failed(Outcome::Unknown, error)
        }
        kind if is_refusal(kind) => Execution::failed(Outcome::NotExecuted, error),
        _ => {
            let failure = Error::new(ErrorKind::HandlerError, error.to_string()).with_retry(Retry::Never).with_source(error);
            Execution::failed(Outcome::Executed, failure)
        }
    }
}

fn panicked(effect: Effect) -> Execution {
    let detail = "the action's handler panicked";
    if effect.is_repeatable() {
        Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail))
    } else {
        in_doubt(effect, Doubt::Broken, format!("{detail}; it may have taken effect"))
    }
}

/// Kinds with which a handler says that it did not begin.
const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownAction
            | ErrorKind::InvalidParams
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::RateLimited
            | ErrorKind::RequiresLocal
            | ErrorKind::ApprovalRequired
            | ErrorKind::Stopped
            | ErrorKind::Offline
            | ErrorKind::CircuitOpen
            | ErrorKind::CostCapExceeded
            | ErrorKind::Unpriced
            | ErrorKind::IdempotencyMismatch
    )
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
