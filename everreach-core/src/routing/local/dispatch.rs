//! A registry that exists already, called as it is.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Extensions;

use super::super::{Call, Execution, Executor, ServiceListing};
use super::startup::Startup;
use super::supervised::supervised;
use crate::{Outcome, Result};

type Dispatch = Box<dyn Fn(Call) -> BoxFuture<'static, Execution> + Send + Sync>;
type Listing = Box<dyn Fn() -> BoxFuture<'static, Result<Vec<ServiceListing>>> + Send + Sync>;

/// Hands every call to one function of the embedder's: the `dispatch` of its own registry.
///
/// Time limits, panics and the initialisation are taken care of here; what an answer or an error of the registry means is told by
/// [`registry_answer`](crate::routing::wire::registry_answer) and [`Execution::of_handler`].
///
/// ```
/// use everreach_core::routing::{Call, DispatchExecutor, Executor, Params, wire::registry_answer};
/// use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let registry = DispatchExecutor::new(|call| async move {
///     let answer = json!({"ok": true, "topic": call.action.as_str(), "result": call.params});
///     registry_answer(answer, call.effect)
/// });
/// let execution = registry.execute(&Call::new("dm.stats".parse()?, Params::new())).await;
/// assert_eq!(execution.result?, json!({}));
/// # Ok(()) }
/// ```
pub struct DispatchExecutor {
    dispatch: Dispatch,
    listing: Option<Listing>,
    startup: Startup,
}

impl DispatchExecutor {
    /// An executor over this function. It must not block its thread: time limits act where it awaits.
    pub fn new<F, R>(dispatch: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Execution> + Send + 'static,
    {
        Self { dispatch: Box::new(move |call| dispatch(call).boxed()), listing: None, startup: Startup::ready() }
    }

    /// What runs once before the first call; it is handed what came with that call. See
    /// [`LocalExecutorBuilder::init`](super::LocalExecutorBuilder::init) for what a failure means.
    #[must_use]
    pub fn with_init<F, R>(mut self, init: F) -> Self
    where
        F: Fn(Extensions) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        self.startup = Startup::with(move |extensions| init(extensions.clone()).boxed());
        self
    }

    /// How the registry lists its actions.
    #[must_use]
    pub fn with_listing<F, R>(mut self, listing: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<ServiceListing>>> + Send + 'static,
    {
        self.listing = Some(Box::new(move || listing().boxed()));
        self
    }
}

#[async_trait]
impl Executor for DispatchExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        match self.startup.finish_for(call).await {
            // Called inside, so that a function that panics before its first await is caught as well.
            Ok(limit) => supervised(async { (self.dispatch)(call.clone()).await }, call.effect, limit).await,
            Err(error) => Execution::failed(Outcome::NotExecuted, error),
        }
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        match &self.listing {
            Some(listing) => listing().await,
            None => Ok(Vec::new()),
        }
    }
}

impl fmt::Debug for DispatchExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchExecutor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use super::super::super::wire::registry_answer;
    use super::super::super::{Params, RouteRequest};
    use super::*;
    use crate::testing::ExecutorConformance;
    use crate::{ActionName, Effect, Error, ErrorKind};

    fn name(text: &str) -> ActionName {
        text.parse().expect("a name")
    }

    async fn registry(call: Call) -> Execution {
        let answer = match call.action.as_str() {
            "system.heartbeat" => json!({"ok": true, "topic": "system.heartbeat", "result": {}}),
            "system.fail" => return Execution::of_handler(Err(Error::new(ErrorKind::Internal, "broken")), call.effect),
            "system.panic" => panic!("a bad day"),
            "system.bare" => json!({"sent": 1}),
            "system.hang" => pending::<Value>().await,
            topic => json!({"ok": false, "error": format!("Unknown topic: {topic}"), "suggestions": ["system.heartbeat"]}),
        };
        registry_answer(answer, call.effect)
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_called_through_its_dispatch_keeps_the_law_of_executors() {
        let executor = DispatchExecutor::new(registry)
            .with_listing(|| async { Ok(vec![ServiceListing::new(name("system.heartbeat"), "lives")]) });
        let suite = ExecutorConformance::new(name("system.heartbeat"));
        suite.with_failing(name("system.fail")).with_hanging(name("system.hang")).check(&executor).await.expect("conforms");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_envelope_ran_and_failed_and_a_panic_is_caught() {
        let executor = DispatchExecutor::new(registry);
        let run = async |action: &str| executor.execute(&Call::new(name(action), Params::new())).await;
        let bare = run("system.bare").await;
        assert_eq!((bare.outcome, bare.result.expect_err("no envelope").kind()), (Outcome::Executed, ErrorKind::HandlerError));
        let panicked = run("system.panic").await;
        assert_eq!(panicked.outcome, Outcome::Unknown, "an outward call");
    }

    #[tokio::test]
    async fn the_initialisation_runs_once_with_what_came_with_the_first_call() {
        #[derive(Clone)]
        struct Loop(u32);
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let executor = DispatchExecutor::new(registry).with_init(move |extensions| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                assert_eq!(extensions.get::<Loop>().map(|of_call| of_call.0), Some(7));
                Ok(())
            }
        });
        let request = RouteRequest::new(name("system.heartbeat"), Params::new()).with_extension(Loop(7));
        let mut call = Call::new(request.action, request.params).with_effect(Effect::Read);
        call.extensions = request.extensions;
        for _ in 0..3 {
            assert_eq!(executor.execute(&call).await.outcome, Outcome::Executed);
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}
