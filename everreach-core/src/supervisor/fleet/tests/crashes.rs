//! Agents that end, and what is done about it.

use std::time::Duration;

use serde_json::json;

use super::world::{id, is_there, kill, wait_for, world, world_with};
use crate::breaker::CircuitState;
use crate::store::Db;
use crate::supervisor::{AgentStatus, Reason};
use crate::{ErrorKind, Result};

const SLEEPS: &str = "while :; do sleep 0.1; done";

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_killed_is_back_and_its_recovery_is_verified() {
    let world = world().await;
    let agent = world.register("killed", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process");
    kill(first);
    let begun = tokio::time::Instant::now();
    let second = world.until(&agent, |view| view.pid.is_some_and(|pid| pid != first)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(second.last_exit.as_ref().map(|exit| exit.reason), Some(Reason::Killed));
    wait_for("it is verified", || async { world.kinds(&agent).await.iter().any(|kind| kind == "agent.recovery_verified") }).await;
    let restarts = world.registry().restarts(&agent, 10).await.expect("the rows");
    assert_eq!(restarts.len(), 1);
    assert_eq!(
        (restarts[0].success, restarts[0].reason.as_deref(), restarts[0].pid_before, restarts[0].pid_after),
        (Some(true), Some("killed"), Some(i64::from(first)), second.pid.map(i64::from))
    );
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_crashes_opens_the_circuit_which_the_next_supervisor_does_not_forgive() {
    let mut world = world().await;
    let agent = world.register("looping", "echo going down; exit 1", json!({})).await;
    drop(world.supervisor.spawn(&agent).await);
    let view = world.until(&agent, |view| view.status == AgentStatus::Open).await;
    assert_eq!((view.circuit.state, view.circuit.failures), ("OPEN", 5));
    assert_eq!(world.supervisor.spawn(&agent).await.expect_err("it rests").kind(), ErrorKind::CircuitOpen);
    assert!(world.supervisor.flush(Duration::from_secs(10)).await);
    assert_eq!(world.registry().circuit(&agent).await.expect("a row").state, CircuitState::Open);
    let restarts = world.registry().restarts(&agent, 10).await.expect("the rows");
    assert_eq!(
        restarts.iter().map(|row| row.success).collect::<Vec<_>>(),
        [Some(false); 4],
        "four of the five starts were restarts"
    );
    let alerts = alerts(&world.store).await.expect("the outbox");
    assert!(alerts.iter().any(|text| text.contains("looping") && text.contains("5 times")), "{alerts:?}");

    world.next_supervisor().await;
    let view = world.until(&agent, |view| view.status == AgentStatus::Open).await;
    assert_eq!(view.circuit.failures, 5);
    std::fs::write(world.path("looping.sh"), SLEEPS).expect("it is mended");
    world.supervisor.reset_circuit(&agent).await.expect("it is reset");
    world.until(&agent, |view| view.status == AgentStatus::Running).await;
    world.supervisor.terminate(&agent).await.expect("it ends");
}

async fn alerts(store: &crate::store::Store) -> Result<Vec<String>> {
    let mut connection = store.read().await?;
    let Db::Sqlite(conn) = connection.db() else { panic!("SQLite") };
    Ok(sqlx::query_scalar("SELECT message FROM everreach_outbox").fetch_all(conn).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_end_is_no_failure_and_a_finished_job_stays_finished() {
    let world = world().await;
    let always = world.register("always", "sleep 0.2; exit 0", json!({})).await;
    let job = world.register("job", "exit 3", json!({"restart_policy": "on_failure", "success_exit_codes": [3]})).await;
    drop(world.supervisor.spawn(&job).await);
    drop(world.supervisor.spawn(&always).await);
    let view = world.until(&always, |view| view.restarts >= 3).await;
    assert_eq!(view.circuit.failures, 0);
    let view = world.until(&job, |view| view.status == AgentStatus::Stopped).await;
    assert_eq!((view.restarts, view.last_exit.expect("an end").reason), (0, Reason::CleanExit));
    world.supervisor.terminate(&always).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_set_up_is_not_tried_again_at_once() {
    let world = world().await;
    let agent = world.register("wrong", "echo \"ModuleNotFoundError: No module named 'x'\"; exit 1", json!({})).await;
    drop(world.supervisor.spawn(&agent).await);
    let view = world.until(&agent, |view| view.status == AgentStatus::Open).await;
    assert_eq!((view.restarts, view.last_exit.expect("an end").reason), (0, Reason::ConfigError));
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_lack_the_same_peer_are_held_and_follow_the_first_that_has_it_again() {
    let world = world_with(|config| config.hold.try_every = Duration::from_millis(300)).await;
    let script = "[ -e peer ] && while :; do sleep 0.1; done; echo 'connect ECONNREFUSED 127.0.0.1:6379' >&2; exit 1";
    let names = ["d1", "d2", "d3", "d4", "d5"];
    for name in names {
        world.register(name, script, json!({})).await;
    }
    for name in names {
        drop(world.supervisor.spawn(&id(name)).await);
    }
    let is_held = |name: &'static str| {
        let world = &world;
        async move { world.supervisor.agent(&id(name)).await.is_ok_and(|view| view.status == AgentStatus::Held) }
    };
    wait_for("one is held", || async {
        let held = futures_util::future::join_all(names.map(is_held)).await;
        held.into_iter().filter(|held| *held).count() >= 3
    })
    .await;
    let restarts = |view: crate::supervisor::AgentView| view.restarts;
    std::fs::write(world.path("peer"), "").expect("the peer is back");
    for name in names {
        let view = world.until(&id(name), |view| view.status == AgentStatus::Running).await;
        assert!(view.circuit.failures < 5, "{name} was held, not blamed");
        assert!(restarts(view) < 20);
    }
    world.supervisor.shutdown(crate::supervisor::Departure::StopAgents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_uses_more_memory_than_it_may_is_started_anew() {
    let world = world().await;
    let script = "head -c 60000000 /dev/zero | tail -c 60000000 | { sleep 300; cat > /dev/null; }";
    let agent = world.register("greedy", script, json!({"limits": {"memory_mb": 20}})).await;
    drop(world.supervisor.spawn(&agent).await);
    let view = world.until(&agent, |view| view.last_exit.is_some()).await;
    assert_eq!(view.last_exit.expect("an end").reason, Reason::MemoryLimit);
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_agents_that_die_at_once_all_come_back_apart() {
    let world = world().await;
    let mut pids = Vec::new();
    for number in 0..30 {
        let agent = world.register(&format!("m{number}"), "exec sleep 300", json!({})).await;
        pids.push((agent.clone(), world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process")));
    }
    for (_, pid) in &pids {
        kill(*pid);
    }
    for (agent, pid) in &pids {
        world.until(agent, |view| view.status == AgentStatus::Running && view.pid.is_some_and(|now| now != *pid)).await;
        assert!(!is_there(*pid));
    }
    world.supervisor.shutdown(crate::supervisor::Departure::StopAgents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_agents_are_started_again_all_the_same() {
    let world = world().await;
    let agent = world.register("unwritten", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process");
    world.store.close().await;
    kill(first);
    let second = world.until(&agent, |view| view.pid.is_some_and(|pid| pid != first)).await.pid.expect("a process");
    assert!(world.supervisor.spawn(&agent).await.is_err(), "what cannot be written down is not promised");
    world.supervisor.terminate(&agent).await.expect("but it can always be stopped");
    assert!(!is_there(second));
}
