//! Supervisors that end, and several of them.

use std::collections::BTreeSet;

use serde_json::json;

use super::world::{id, is_there, kill, open_in, until, wait_for, world};
use crate::ErrorKind;
use crate::supervisor::{AgentStatus, Departure, Reason};

const SLEEPS: &str = "while :; do sleep 0.1; done";

#[tokio::test(flavor = "multi_thread")]
async fn the_next_supervisor_takes_over_what_runs_and_counts_no_restart() {
    let mut world = world().await;
    let mut pids = Vec::new();
    for number in 0..10 {
        let agent = world.register(&format!("s{number}"), SLEEPS, json!({})).await;
        pids.push((agent.clone(), world.supervisor.spawn(&agent).await.expect("it starts").pid));
    }
    world.next_supervisor().await;
    for (agent, pid) in &pids {
        let view = world.supervisor.agent(agent).await.expect("it is known");
        assert_eq!((view.pid, view.status, view.restarts), (*pid, AgentStatus::Running, 0));
    }
    kill(pids[0].1.expect("a process"));
    let view = world.until(&pids[0].0, |view| view.pid.is_some() && view.pid != pids[0].1).await;
    assert_eq!(view.restarts, 1, "and it is looked after like any other");
    world.supervisor.shutdown(Departure::StopAgents).await;
    for (_, pid) in pids {
        assert!(!is_there(pid.expect("a process")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_died_while_no_supervisor_ran_is_started_again_once() {
    let mut world = world().await;
    let agent = world.register("lost", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid;
    world.supervisor.shutdown(Departure::LeaveAgents).await;
    kill(first.expect("a process"));
    wait_for("it is dead", || async { !is_there(first.expect("a process")) }).await;
    world.supervisor = open_in(world.folder.path(), "state", &world.store, |_| {}).await.expect("a supervisor");
    let view = world.until(&agent, |view| view.status == AgentStatus::Running).await;
    assert_ne!(view.pid, first);
    assert_eq!(view.last_exit.expect("an end").reason, Reason::Unknown);
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_to_die_with_its_supervisor_is_started_anew_by_the_next() {
    let mut world = world().await;
    let agent = world.register("mortal", SLEEPS, json!({"on_supervisor_death": "kill"})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process");
    world.next_supervisor().await;
    assert!(!is_there(first));
    world.until(&agent, |view| view.status == AgentStatus::Running).await;
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_definition_changed_meanwhile_is_replaced_once() {
    let mut world = world().await;
    let agent = world.register("changed", SLEEPS, json!({})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid;
    world.supervisor.shutdown(Departure::LeaveAgents).await;
    let mut changed = world.registry().agent(&agent).await.expect("a row").expect("it is known").definition;
    changed.env.insert("MODE".to_owned(), "fast".to_owned());
    world.registry().register(changed).await.expect("it is changed");
    world.supervisor = open_in(world.folder.path(), "state", &world.store, |_| {}).await.expect("a supervisor");
    let view = world.until(&agent, |view| view.pid.is_some() && view.pid != first).await;
    assert_eq!((view.restarts, view.last_exit.expect("an end").reason), (1, Reason::Outdated));
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_an_agent_that_nobody_knows_any_more_is_ended() {
    let mut world = world().await;
    let agent = world.register("forgotten", SLEEPS, json!({})).await;
    let pid = world.supervisor.spawn(&agent).await.expect("it starts").pid.expect("a process");
    world.supervisor.shutdown(Departure::LeaveAgents).await;
    world.registry().unregister(&agent).await.expect("it is removed");
    world.supervisor = open_in(world.folder.path(), "state", &world.store, |_| {}).await.expect("a supervisor");
    assert!(!is_there(pid));
    assert!(world.kinds(&agent).await.iter().any(|kind| kind == "agent.stray_killed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_supervisor_of_one_directory_is_refused() {
    let world = world().await;
    let refused = open_in(world.folder.path(), "state", &world.store, |_| {}).await.expect_err("it is taken");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_supervisors_on_one_database_never_run_an_agent_twice_and_take_over_what_is_given_back() {
    let world = world().await;
    let names: Vec<String> = (0..12).map(|number| format!("shared-{number}")).collect();
    let second = open_in(world.folder.path(), "other-state", &world.store, |_| {}).await.expect("another directory");
    for name in &names {
        world.register(name, SLEEPS, json!({})).await;
        world.registry().want(&id(name), crate::supervisor::Wanted::Running).await.expect("it is wanted");
    }
    let of = |supervisor: crate::supervisor::Supervisor| async move {
        let agents = supervisor.agents().await.expect("a list");
        agents.into_iter().filter(|agent| agent.pid.is_some()).map(|agent| agent.agent_id.to_string()).collect::<BTreeSet<_>>()
    };
    wait_for("all run", || async { of(world.supervisor.clone()).await.len() + of(second.clone()).await.len() == names.len() })
        .await;
    let (ours, theirs) = (of(world.supervisor.clone()).await, of(second.clone()).await);
    assert!(ours.is_disjoint(&theirs), "{ours:?} and {theirs:?}");
    second.shutdown(Departure::StopAgents).await;
    for name in &theirs {
        until(&world.supervisor, &id(name), |view| view.status == AgentStatus::Running).await;
    }
    world.supervisor.shutdown(Departure::StopAgents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_that_opened_with_one_supervisor_stays_open_with_the_one_that_takes_the_agent() {
    let world = world().await;
    let agent = world.register("wandering", "exit 1", json!({})).await;
    drop(world.supervisor.spawn(&agent).await);
    world.until(&agent, |view| view.status == AgentStatus::Open).await;
    let second = open_in(world.folder.path(), "other-state", &world.store, |_| {}).await.expect("another directory");
    assert!(second.agent(&agent).await.is_err(), "it is the first one's");
    world.supervisor.shutdown(Departure::StopAgents).await;
    let view = until(&second, &agent, |_| true).await;
    assert_eq!((view.status, view.circuit.failures), (AgentStatus::Open, 5));
    second.shutdown(Departure::StopAgents).await;
}
