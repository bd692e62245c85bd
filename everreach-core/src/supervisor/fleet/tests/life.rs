//! Starting, stopping, and changes of definitions.

use std::time::Duration;

use serde_json::json;

use super::world::{id, is_there, wait_for, world};
use crate::ErrorKind;
use crate::supervisor::{AgentStatus, StopHow, Wanted};

const SLEEPS: &str = "while :; do sleep 0.1; done";

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_spawned_runs_and_one_that_was_terminated_does_not() {
    let world = world().await;
    let agent = world.register("plain", SLEEPS, json!({})).await;
    let view = world.supervisor.spawn(&agent).await.expect("it starts");
    assert_eq!((view.status, view.wanted), (AgentStatus::Running, Wanted::Running));
    let pid = view.pid.expect("a process");
    assert!(is_there(pid));
    assert_eq!(world.supervisor.spawn(&agent).await.expect("it runs").pid, Some(pid), "once");
    let stopped = world.supervisor.terminate(&agent).await.expect("it ends");
    assert_eq!((stopped.how, stopped.survivors, is_there(pid)), (StopHow::Term, 0, false));
    world.until(&agent, |view| view.status == AgentStatus::Stopped && view.pid.is_none()).await;
    let mut kinds = world.kinds(&agent).await;
    // The end itself and the answer to whoever asked for it come from two tasks.
    kinds[3..].sort();
    assert_eq!(kinds, ["agent.registered", "agent.started", "agent.stopping", "agent.ended", "agent.stopped"]);
    assert_eq!(world.registry().restart_count(&agent).await.expect("a count"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_brings_another_process_and_leaves_none_of_the_first() {
    let world = world().await;
    let agent = world.register("again", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process");
    let second = world.supervisor.restart(&agent).await.expect("it starts again").pid.expect("a process");
    assert!(first != second && !is_there(first) && is_there(second));
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_a_typed_error_at_once() {
    let world = world().await;
    let agent = world.register("missing", "", json!({"entry_point": ["sh", "nowhere.sh"]})).await;
    // The registry is read first; the refusal itself is what is timed.
    wait_for("it is known", || async { world.supervisor.agent(&agent).await.is_ok() }).await;
    let begun = tokio::time::Instant::now();
    let error = world.supervisor.spawn(&agent).await.expect_err("it is not there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let view = world.until(&agent, |view| view.last_exit.is_some()).await;
    assert_eq!(view.last_exit.expect("an end").reason.as_str(), "exec_not_found");
    world.supervisor.terminate(&agent).await.expect("no further start");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_comes_between_two_starts_cancels_the_next() {
    let world = world().await;
    let agent = world.register("failing", "exit 1", json!({})).await;
    drop(world.supervisor.spawn(&agent).await);
    world.until(&agent, |view| view.status == AgentStatus::Backoff).await;
    let stopped = world.supervisor.terminate(&agent).await.expect("it is stopped");
    assert!(matches!(stopped.how, StopHow::AlreadyDead | StopHow::Term));
    let view = world.until(&agent, |view| view.status == AgentStatus::Stopped).await;
    assert_eq!(view.wanted, Wanted::Stopped);
    let registered = || async { world.registry().agent(&agent).await.expect("a row").expect("it is known") };
    wait_for("it is written down", || async { registered().await.wanted == Wanted::Stopped }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_into_the_registry_is_carried_out() {
    let world = world().await;
    let agent = world.register("told", SLEEPS, json!({})).await;
    world.registry().want(&agent, Wanted::Running).await.expect("it is written");
    let first = world.until(&agent, |view| view.status == AgentStatus::Running).await.pid.expect("a process");

    let mut changed = world.registry().agent(&agent).await.expect("a row").expect("it is known").definition;
    changed.env.insert("MODE".to_owned(), "fast".to_owned());
    world.registry().register(changed).await.expect("it is changed");
    let second = world.until(&agent, |view| view.pid.is_some_and(|pid| pid != first)).await.pid.expect("a process");
    assert!(!is_there(first));

    assert!(world.registry().unregister(&agent).await.expect("it is removed"));
    wait_for("it is gone", || async { world.supervisor.agent(&agent).await.is_err() && !is_there(second) }).await;
    assert!(world.kinds(&agent).await.iter().any(|kind| kind == "agent.redefined"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signal_of_another_program_restarts_an_agent_once() {
    let world = world().await;
    let agent = world.register("signalled", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid;
    world
        .store
        .write(|mut db| {
            Box::pin(async move {
                let crate::store::Db::Sqlite(conn) = &mut db else { panic!("SQLite") };
                sqlx::query("UPDATE actp_agent_registry SET needs_restart = TRUE WHERE agent_id = 'signalled'")
                    .execute(&mut **conn)
                    .await?;
                Ok(())
            })
        })
        .await
        .expect("it is written");
    let view = world.until(&agent, |view| view.pid.is_some() && view.pid != first).await;
    assert_eq!(view.restarts, 1);
    assert!(!world.registry().agent(&agent).await.expect("a row").expect("it is known").needs_restart);
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_only_looked_at_is_never_started_or_stopped() {
    let world = world().await;
    let safari = id("safari-automation");
    assert_eq!(world.supervisor.agent(&safari).await.expect("it is known").status, AgentStatus::Observed);
    assert_eq!(world.supervisor.spawn(&safari).await.expect_err("refused").kind(), ErrorKind::Conflict);
    assert_eq!(world.supervisor.terminate(&safari).await.expect_err("refused").kind(), ErrorKind::Conflict);
    world.registry().want(&safari, Wanted::Running).await.expect("whatever somebody writes");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.supervisor.agent(&safari).await.expect("it is known").pid, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_everything_is_stopped_nothing_is_started() {
    let world = world().await;
    let agent = world.register("held-back", SLEEPS, json!({})).await;
    world.stop.stop(Some("maintenance")).await.expect("it stops");
    assert_eq!(world.supervisor.spawn(&agent).await.expect_err("refused").kind(), ErrorKind::Stopped);
    world.stop.resume().await.expect("it goes on");
    world.until(&agent, |view| view.status == AgentStatus::Running).await;
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_spawned_by_their_tags() {
    let world = world().await;
    for (name, tags) in [("a", vec!["night", "mail"]), ("b", vec!["night"]), ("c", vec!["mail"])] {
        world.register(name, SLEEPS, json!({"tags": tags})).await;
    }
    wait_for("they are known", || async { world.supervisor.agent(&id("c")).await.is_ok() }).await;
    let spawned = world.supervisor.spawn_all(&["night".parse().expect("a tag")]).await.expect("an answer");
    assert!(spawned.iter().all(|(_, outcome)| outcome.is_ok()), "{spawned:?}");
    assert_eq!(spawned.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(world.supervisor.agent(&id("c")).await.expect("it is known").status, AgentStatus::Registered);
    world.supervisor.shutdown(crate::supervisor::Departure::StopAgents).await;
    for (_, outcome) in spawned {
        assert!(!is_there(outcome.expect("it started").pid.expect("a process")));
    }
}
