use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::super::super::Params;
use super::*;
use crate::testing::ExecutorConformance;
use crate::{Effect, Error, ErrorKind};

fn call(action: &str, effect: Effect) -> Call {
    Call::new(action.parse().expect("a name"), Params::new()).with_effect(effect)
}

fn seen(execution: &Execution) -> (Outcome, Option<ErrorKind>) {
    (execution.outcome, execution.result.as_ref().err().map(Error::kind))
}

fn failing_with(kind: ErrorKind) -> LocalExecutor {
    LocalExecutor::builder()
        .handler("dm.send", "", move |_, _| async move { Err(Error::new(kind, "it went wrong")) })
        .build()
        .expect("a registry")
}

fn heartbeat() -> LocalExecutorBuilder {
    LocalExecutor::builder().handler("system.heartbeat", "", |_, _| async { Ok(json!(true)) })
}

#[tokio::test(start_paused = true)]
async fn the_registry_keeps_the_law_of_executors() {
    let local = heartbeat()
        .handler("system.fail", "", |_, _| async { Err(Error::new(ErrorKind::Internal, "broken")) })
        .handler("system.hang", "", |_, _| pending::<Result<Value>>())
        .build()
        .expect("a registry");
    let name = |text: &str| text.parse().expect("a name");
    let suite = ExecutorConformance::new(name("system.heartbeat"));
    suite.with_failing(name("system.fail")).with_hanging(name("system.hang")).check(&local).await.expect("conforms");
}

#[tokio::test]
async fn a_handler_gets_parameters_and_context() {
    let local = LocalExecutor::builder()
        .handler("dm.echo", "", |params, context| async move { Ok(json!({"params": params, "key": context.idempotency_key})) })
        .build()
        .expect("a registry");
    let mut call = call("dm.echo", Effect::Read).with_idempotency_key("k1");
    call.params.insert("n".into(), json!(1));
    assert_eq!(local.execute(&call).await.result.expect("a result"), json!({"params": {"n": 1}, "key": "k1"}));
}

#[tokio::test]
async fn an_unknown_action_brings_the_three_nearest_names() {
    let names = ["dm.send", "dm.stats", "dm.sync", "telegram.send", "cost.report"];
    let registry = names.iter().fold(LocalExecutor::builder(), |registry, name| registry.handler(name, "", |_, _| pending()));
    let execution = registry.build().expect("a registry").execute(&call("dm.sendd", Effect::Outward)).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::UnknownAction)));
    assert_eq!((execution.suggestions.len(), execution.suggestions[0].as_str()), (3, "dm.send"));
}

#[tokio::test]
async fn a_handlers_error_says_what_became_of_the_call() {
    for (kind, expected) in [
        (ErrorKind::Internal, (Outcome::Executed, Some(ErrorKind::HandlerError))),
        (ErrorKind::Unreachable, (Outcome::Executed, Some(ErrorKind::HandlerError))),
        (ErrorKind::InvalidParams, (Outcome::NotExecuted, Some(ErrorKind::InvalidParams))),
        (ErrorKind::RequiresLocal, (Outcome::NotExecuted, Some(ErrorKind::RequiresLocal))),
        (ErrorKind::OutcomeUnknown, (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown))),
        (ErrorKind::Timeout, (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown))),
        (ErrorKind::IdempotencyConflict, (Outcome::Unknown, Some(ErrorKind::IdempotencyConflict))),
    ] {
        assert_eq!(seen(&failing_with(kind).execute(&call("dm.send", Effect::Outward)).await), expected, "{kind}");
    }
    let execution = failing_with(ErrorKind::Internal).execute(&call("dm.send", Effect::Read)).await;
    assert_eq!(execution.result.expect_err("a failure").to_string(), "it went wrong");
}

#[tokio::test]
async fn a_result_that_says_success_false_is_not_done() {
    let local = LocalExecutor::builder()
        .handler("dm.send", "", |_, _| async { Ok(json!({"success": false, "message": "logged out"})) })
        .build()
        .expect("a registry");
    let execution = local.execute(&call("dm.send", Effect::Outward)).await;
    assert_eq!(seen(&execution), (Outcome::Executed, Some(ErrorKind::HandlerError)));
    assert_eq!(execution.result.expect_err("a failure").message(), "logged out");
}

#[tokio::test]
async fn a_panic_is_caught_before_and_after_the_first_await() {
    async fn late() -> Result<Value> {
        tokio::task::yield_now().await;
        panic!("late")
    }
    let local = LocalExecutor::builder()
        .handler("dm.early", "", |params, _| {
            assert!(!params.is_empty(), "early");
            pending()
        })
        .handler("dm.late", "", |_, _| late())
        .build()
        .expect("a registry");
    for action in ["dm.early", "dm.late"] {
        let outward = local.execute(&call(action, Effect::Outward)).await;
        assert_eq!(seen(&outward), (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown)), "{action}");
        let read = local.execute(&call(action, Effect::Read)).await;
        assert_eq!(seen(&read), (Outcome::Executed, Some(ErrorKind::HandlerError)), "{action}");
    }
}

#[tokio::test]
async fn the_initialisation_runs_once_and_concurrent_first_calls_wait_for_it() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, opened) = (runs.clone(), gate.clone());
    let init = move || {
        let (counted, opened) = (counted.clone(), opened.clone());
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            opened.notified().await;
            Ok(())
        }
    };
    let local = heartbeat().init(init).build().expect("a registry");
    let call = call("system.heartbeat", Effect::Read);
    let mut calls = Box::pin(join_all((0..8).map(|_| local.execute(&call))));
    assert!(calls.as_mut().now_or_never().is_none(), "a call overtook the initialisation");
    gate.notify_one();
    assert!(calls.await.iter().all(|execution| execution.outcome == Outcome::Executed));
    local.execute(&call).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_initialisation_fails_the_call_as_not_executed_and_is_tried_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let init = move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match run {
                0 => Err(Error::new(ErrorKind::Store, "the disk is away")),
                1 => panic!("a bad day"),
                _ => Ok(()),
            }
        }
    };
    let local = heartbeat().init(init).build().expect("a registry");
    let call = call("system.heartbeat", Effect::Outward);
    let first = local.execute(&call).await;
    assert_eq!(first.outcome, Outcome::NotExecuted);
    assert!(first.result.expect_err("a failure").to_string().contains("the disk is away"));
    assert_eq!(local.execute(&call).await.outcome, Outcome::NotExecuted);
    assert_eq!(local.execute(&call).await.outcome, Outcome::Executed);
}

#[tokio::test(start_paused = true)]
async fn an_initialisation_that_outlasts_the_first_call_goes_on_and_is_not_begun_twice() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let init = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        }
    };
    let local = heartbeat().init(init).build().expect("a registry");
    let early = local.execute(&call("system.heartbeat", Effect::Outward).with_timeout(Duration::from_secs(2))).await;
    assert_eq!(early.outcome, Outcome::NotExecuted);
    assert_eq!(local.execute(&call("system.heartbeat", Effect::Outward)).await.outcome, Outcome::Executed);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn ill_formed_and_repeated_names_are_refused_when_the_registry_is_built() {
    for (one, other) in [("DM.send", "dm.stats"), ("dm.send", "dm.send")] {
        let registry = LocalExecutor::builder().handler(one, "", |_, _| pending()).handler(other, "", |_, _| pending());
        let error = registry.build().expect_err("a bad name");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(one));
    }
}
