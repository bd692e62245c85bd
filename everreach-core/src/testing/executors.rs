//! Executors for tests: one that plays a script, one that writes down what passes through.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::routing::{Call, Execution, Executor, ServiceListing};
use crate::{Error, ErrorKind, Outcome, Result};

/// Plays executions in order and writes the calls down; a call past the script's end fails without having run.
///
/// ```
/// use everreach_core::routing::{Call, Execution, Executor, Params};
/// use everreach_core::testing::ScriptedExecutor;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let cloud = ScriptedExecutor::new([Execution::done(7.into())]);
/// let call = Call::new("dm.stats".parse()?, Params::new());
/// assert_eq!(cloud.execute(&call).await.result?, 7);
/// assert!(cloud.execute(&call).await.result.is_err());
/// assert_eq!(cloud.calls().len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct ScriptedExecutor {
    state: Mutex<Script>,
    services: Vec<ServiceListing>,
}

#[derive(Debug, Default)]
struct Script {
    executions: VecDeque<Execution>,
    calls: Vec<Call>,
}

impl ScriptedExecutor {
    /// An executor that answers with these, in order.
    #[must_use]
    pub fn new(executions: impl IntoIterator<Item = Execution>) -> Self {
        let script = Script { executions: executions.into_iter().collect(), calls: Vec::new() };
        Self { state: Mutex::new(script), services: Vec::new() }
    }

    /// Lets it list these services.
    #[must_use]
    pub fn with_services(mut self, services: Vec<ServiceListing>) -> Self {
        self.services = services;
        self
    }

    /// Adds one more answer at the end.
    pub fn push(&self, execution: Execution) {
        lock(&self.state).executions.push_back(execution);
    }

    /// The calls that came, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }
}

#[async_trait]
impl Executor for ScriptedExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let mut script = lock(&self.state);
        script.calls.push(call.clone());
        let ended =
            || Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::Internal, "the script of the double has ended"));
        script.executions.pop_front().unwrap_or_else(ended)
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(self.services.clone())
    }
}

/// Passes calls on and writes down each call with the outcome it got.
pub struct RecordingExecutor {
    inner: Arc<dyn Executor>,
    log: Mutex<Vec<(Call, Outcome)>>,
}

impl RecordingExecutor {
    /// Writes down what passes to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Executor>) -> Self {
        Self { inner, log: Mutex::default() }
    }

    /// The calls that were answered, with what became of them, in the order of the answers.
    #[must_use]
    pub fn log(&self) -> Vec<(Call, Outcome)> {
        lock(&self.log).clone()
    }
}

#[async_trait]
impl Executor for RecordingExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let execution = self.inner.execute(call).await;
        lock(&self.log).push((call.clone(), execution.outcome));
        execution
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        self.inner.services().await
    }
}

impl fmt::Debug for RecordingExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingExecutor").field("log", &self.log()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
