//! An executor of your own: actions are programs that read their parameters from stdin and write their result to stdout.
//! Run it with `cargo run --example own_executor`; it runs the conformance suite on itself first. Needs a Unix shell.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::prelude::*;
use everreach_core::routing::ServiceListing;
use everreach_core::testing::ExecutorConformance;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs each action as a shell command.
struct ProgramExecutor {
    programs: HashMap<ActionName, &'static str>,
}

impl ProgramExecutor {
    fn new<const N: usize>(programs: [(&str, &'static str); N]) -> Result<Self> {
        let programs = programs.into_iter().map(|(action, command)| Ok((action.parse()?, command)));
        Ok(Self { programs: programs.collect::<Result<_>>()? })
    }
}

#[async_trait]
impl Executor for ProgramExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let Some(command) = self.programs.get(&call.action) else {
            let error = Error::new(ErrorKind::UnknownAction, "no program is known for the action").with("action", &call.action);
            return Execution::failed(Outcome::NotExecuted, error);
        };
        // Dropping the child kills it: when the time is up, and when whoever called goes away.
        let mut program = Command::new("sh");
        program.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = match program.spawn() {
            Ok(child) => child,
            // Nothing was started: provably not executed, so another try or side may take over.
            Err(source) => {
                let error = Error::new(ErrorKind::Unreachable, "the program cannot be started").with_source(source);
                return Execution::failed(Outcome::NotExecuted, error);
            }
        };
        let params = Value::from(call.params.clone()).to_string();
        let stdin = child.stdin.take();
        let hand_over = async {
            if let Some(mut stdin) = stdin {
                // A program that does not read its parameters is none the worse for it.
                drop(stdin.write_all(params.as_bytes()).await);
            }
        };
        let answered = async { tokio::join!(hand_over, child.wait_with_output()).1 };
        match tokio::time::timeout(call.timeout, answered).await {
            Ok(Ok(output)) if output.status.success() => {
                let text = || Value::from(String::from_utf8_lossy(&output.stdout));
                Execution::done(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| text()))
            }
            Ok(Ok(output)) => {
                let error = Error::new(ErrorKind::HandlerError, "the program failed").with("status", output.status);
                Execution::failed(Outcome::Executed, error)
            }
            // From here on it may have done its work, and nobody can tell.
            Ok(Err(source)) => {
                in_doubt(call, Error::new(ErrorKind::Unreachable, "the program's answer was lost").with_source(source))
            }
            Err(_) => in_doubt(call, Error::new(ErrorKind::Timeout, "the program did not end in time; it was killed")),
        }
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(self.programs.iter().map(|(action, command)| ServiceListing::new(action.clone(), *command)).collect())
    }
}

/// Unknown: held, unless a repeat does no harm.
fn in_doubt(call: &Call, error: Error) -> Execution {
    if call.effect.is_repeatable() {
        return Execution::failed(Outcome::Unknown, error);
    }
    let held = Error::new(ErrorKind::OutcomeUnknown, "the program may have done its work").with_source(error);
    Execution::failed(Outcome::Unknown, held)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor =
        ProgramExecutor::new([("reports.echo", "cat"), ("reports.fail", "exit 3"), ("reports.hang", "exec sleep 60")])?;
    ExecutorConformance::new("reports.echo".parse()?)
        .with_failing("reports.fail".parse()?)
        .with_hanging("reports.hang".parse()?)
        .check(&executor)
        .await?;

    let mut config = RuntimeConfig::default();
    config.store.url = "sqlite::memory:".to_owned();
    let runtime = Runtime::builder(config).with_executor(Arc::new(executor)).build().await?;
    let params: Params = [("week".to_owned(), json!(47))].into_iter().collect();
    let envelope = runtime.route(RouteRequest::new("reports.echo".parse()?, params)).await;
    assert_eq!(envelope.result, Some(json!({"week": 47})));

    // Nobody said that this action only reads, so it counts as outward: what ran out of time is held, not repeated.
    let slow = RouteRequest::new("reports.hang".parse()?, Params::new()).with_timeout(Duration::from_millis(200));
    let held = runtime.route(slow).await;
    assert_eq!((held.error, held.outcome), (Some(ErrorKind::OutcomeUnknown), Outcome::Unknown));
    #[allow(clippy::print_stdout, reason = "an example shows something")]
    {
        println!("the executor keeps the law; {} answered in {} ms", envelope.action, envelope.duration_ms);
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
