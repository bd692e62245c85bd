//! What every executor must keep, as checks that can be run on any of them.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::law;
use crate::routing::{Call, Executor, Params};
use crate::{ActionName, Effect, Error, ErrorKind, Outcome, Result};

/// How much longer than its limit a call may take on a busy machine.
const SLACK: Duration = Duration::from_millis(750);

/// The law of [`Executor`] as a suite. Tell it which actions of the executor under test behave how; each one it is told of adds
/// checks.
///
/// ```
/// use everreach_core::routing::{CallContext, LocalExecutor, Params};
/// use everreach_core::testing::ExecutorConformance;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let local = LocalExecutor::builder()
///     .handler("system.heartbeat", "", |_: Params, _: CallContext| async { Ok(true.into()) })
///     .build()?;
/// ExecutorConformance::new("system.heartbeat".parse()?).check(&local).await
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExecutorConformance {
    /// An action that succeeds at once, whatever its parameters.
    pub working: ActionName,
    /// An action that fails at once.
    pub failing: Option<ActionName>,
    /// An action that takes 30 s or more.
    pub hanging: Option<ActionName>,
}

impl ExecutorConformance {
    /// The suite for an executor with this working action.
    #[must_use]
    pub const fn new(working: ActionName) -> Self {
        Self { working, failing: None, hanging: None }
    }

    /// Names an action that fails at once.
    #[must_use]
    pub fn with_failing(mut self, action: ActionName) -> Self {
        self.failing = Some(action);
        self
    }

    /// Names an action that takes 30 s or more.
    #[must_use]
    pub fn with_hanging(mut self, action: ActionName) -> Self {
        self.hanging = Some(action);
        self
    }

    /// Runs all checks.
    ///
    /// # Errors
    /// The first check that does not hold, with what was seen.
    pub async fn check(&self, executor: &dyn Executor) -> Result<()> {
        self.a_working_action_is_executed(executor).await?;
        an_unknown_action_is_not_executed(executor).await?;
        self.calls_run_side_by_side(executor).await?;
        self.a_failing_action_ran_and_failed(executor).await?;
        self.a_hanging_action_ends_in_time_with_an_unknown_outcome(executor).await?;
        self.an_abandoned_call_leaves_the_executor_usable(executor).await?;
        self.what_it_lists_it_knows(executor).await
    }

    async fn a_working_action_is_executed(&self, executor: &dyn Executor) -> Result<()> {
        for effect in [Effect::Read, Effect::Outward] {
            let execution = executor.execute(&call(&self.working, effect)).await;
            let held = execution.outcome == Outcome::Executed && execution.result.is_ok();
            hold(held, "a working action is executed and returns a result", &execution)?;
        }
        Ok(())
    }

    async fn calls_run_side_by_side(&self, executor: &dyn Executor) -> Result<()> {
        let calls: Vec<_> = (0..16).map(|_| call(&self.working, Effect::Read)).collect();
        let executions = join_all(calls.iter().map(|call| executor.execute(call))).await;
        let held = executions.iter().all(|execution| execution.outcome == Outcome::Executed && execution.result.is_ok());
        hold(held, "sixteen calls at once all work", &executions)
    }

    async fn a_failing_action_ran_and_failed(&self, executor: &dyn Executor) -> Result<()> {
        let Some(failing) = &self.failing else { return Ok(()) };
        let execution = executor.execute(&call(failing, Effect::Outward)).await;
        let kind = execution.result.as_ref().err().map(Error::kind);
        let held = execution.outcome == Outcome::Executed && kind == Some(ErrorKind::HandlerError);
        hold(held, "a failing action is executed with handler_error", &execution)
    }

    async fn a_hanging_action_ends_in_time_with_an_unknown_outcome(&self, executor: &dyn Executor) -> Result<()> {
        let Some(hanging) = &self.hanging else { return Ok(()) };
        let limit = Duration::from_millis(100);
        for (effect, kind) in [(Effect::Read, ErrorKind::Timeout), (Effect::Outward, ErrorKind::OutcomeUnknown)] {
            let begun = Instant::now();
            let execution = executor.execute(&call(hanging, effect).with_timeout(limit)).await;
            hold(begun.elapsed() < limit + SLACK, "a call ends within its limit", &begun.elapsed())?;
            hold(execution.outcome == Outcome::Unknown, "a call that ran out of time has an unknown outcome", &execution)?;
            let seen = execution.result.as_ref().err().map(Error::kind);
            hold(seen == Some(kind), "a read times out, an outward call is held", &execution)?;
        }
        Ok(())
    }

    async fn an_abandoned_call_leaves_the_executor_usable(&self, executor: &dyn Executor) -> Result<()> {
        if let Some(hanging) = &self.hanging {
            let abandoned = timeout(Duration::from_millis(20), executor.execute(&call(hanging, Effect::Read))).await;
            hold(abandoned.is_err(), "a hanging action hangs", &abandoned)?;
        }
        self.a_working_action_is_executed(executor).await
    }

    async fn what_it_lists_it_knows(&self, executor: &dyn Executor) -> Result<()> {
        let services = executor.services().await?;
        let held = services.is_empty() || services.iter().any(|listing| listing.action == self.working);
        hold(held, "a list of services has the working action", &services)
    }
}

async fn an_unknown_action_is_not_executed(executor: &dyn Executor) -> Result<()> {
    let nobody: ActionName = "no_such_service.no_such_topic".parse()?;
    let execution = executor.execute(&call(&nobody, Effect::Outward)).await;
    let kind = execution.result.as_ref().err().map(Error::kind);
    let held = execution.outcome == Outcome::NotExecuted && kind == Some(ErrorKind::UnknownAction);
    hold(held, "an unknown action is not executed, with unknown_action", &execution)
}

fn call(action: &ActionName, effect: Effect) -> Call {
    Call::new(action.clone(), Params::new()).with_effect(effect)
}

fn hold(held: bool, law: &'static str, seen: &dyn std::fmt::Debug) -> Result<()> {
    law::hold(held, "the executor breaks its law", law, seen)
}
