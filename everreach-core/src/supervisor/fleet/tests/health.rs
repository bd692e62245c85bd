//! Agents that live and are not well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::world;
use crate::ErrorKind;
use crate::supervisor::{AgentStatus, Band, Incarnation, Reason, TaskRequest};

const SLEEPS: &str = "while :; do sleep 0.1; done";

/// A health endpoint whose status can be set; 0 means that it never answers.
async fn endpoint() -> (String, Arc<AtomicU16>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/health", socket.local_addr().expect("an address"));
    let status = Arc::new(AtomicU16::new(200));
    let shown = status.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let status = shown.load(Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = [0; 1_024];
                let _request = stream.read(&mut request).await;
                if status == 0 {
                    std::future::pending::<()>().await;
                }
                let body = r#"{"status":"ok"}"#;
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    });
    (url, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_well_agent_scores_above_80_and_gets_tasks_and_a_sick_one_does_not() {
    let world = world().await;
    let (url, status) = endpoint().await;
    let agent = world.register("asked", SLEEPS, json!({"health_url": url, "capabilities": ["content.rewrite"]})).await;
    world.supervisor.spawn(&agent).await.expect("it starts");
    let view = world.until(&agent, |view| view.status == AgentStatus::Running && view.score.is_some()).await;
    assert!(view.score.is_some_and(|score| score > 80), "{view:?}");
    assert!(world.supervisor.check(&agent).await.expect("a look").is_good());
    let task = || TaskRequest::new("content.rewrite".parse().expect("a capability"));
    assert_eq!(world.supervisor.route(task()).await.expect("an answer").expect("an agent").agent_id, agent);

    status.store(503, Ordering::Relaxed);
    let beating = Incarnation::from_text(view.incarnation.expect("a run"));
    // It still shows that it lives.
    let supervisor = world.supervisor.clone();
    let beats = tokio::spawn({
        let agent = agent.clone();
        async move {
            while supervisor.heartbeat(&agent, &beating).await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    });
    let view = world.until(&agent, |view| view.status == AgentStatus::Degraded).await;
    assert!(world.supervisor.route(task()).await.expect("an answer").is_err());
    let seen = world.until(&agent, |view| view.score.is_some_and(|score| score <= 20)).await;
    assert_eq!((seen.pid, seen.restarts), (view.pid, 0), "bad health alone restarts nothing");
    status.store(200, Ordering::Relaxed);
    world.until(&agent, |view| view.status == AgentStatus::Running).await;
    beats.abort();
    world.supervisor.terminate(&agent).await.expect("it ends");
    assert!(!world.registry().health(&agent, 10).await.expect("the rows").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_no_more_and_shows_no_life_is_started_anew() {
    let world = world().await;
    let (url, status) = endpoint().await;
    let agent = world.register("hung", SLEEPS, json!({"health_url": url})).await;
    let first = world.supervisor.spawn(&agent).await.expect("it starts").pid;
    world.until(&agent, |view| view.status == AgentStatus::Running).await;
    status.store(0, Ordering::Relaxed);
    let view = world.until(&agent, |view| view.last_exit.is_some()).await;
    assert_eq!(view.last_exit.expect("an end").reason, Reason::Hung);
    status.store(200, Ordering::Relaxed);
    world.until(&agent, |view| view.status == AgentStatus::Running && view.pid != first).await;
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_of_a_run_that_is_over_is_refused_and_silence_after_heartbeats_is_a_hang() {
    let world = world().await;
    let agent = world.register("beating", SLEEPS, json!({})).await;
    let view = world.supervisor.spawn(&agent).await.expect("it starts");
    let run = Incarnation::from_text(view.incarnation.expect("a run"));
    let stale = world.supervisor.heartbeat(&agent, &Incarnation::random()).await.expect_err("another run");
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    world.supervisor.heartbeat(&agent, &run).await.expect("it counts");
    let after = world.until(&agent, |view| view.last_exit.is_some()).await;
    assert_eq!(after.last_exit.expect("an end").reason, Reason::Hung);
    assert_eq!(world.supervisor.heartbeat(&agent, &run).await.expect_err("it is over").kind(), ErrorKind::Conflict);
    world.supervisor.terminate(&agent).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_gets_ready_is_ended_at_its_deadline_and_has_no_score_before() {
    let world = world().await;
    let (url, status) = endpoint().await;
    status.store(503, Ordering::Relaxed);
    let agent = world.register("slow", SLEEPS, json!({"health_url": url, "start_timeout_s": 1})).await;
    let view = world.supervisor.spawn(&agent).await.expect("its process is there");
    assert_eq!((view.status, view.score), (AgentStatus::Starting, None));
    let view = world.until(&agent, |view| view.last_exit.is_some()).await;
    assert_eq!(view.last_exit.expect("an end").reason, Reason::StartTimeout);
    world.supervisor.terminate(&agent).await.expect("it ends");
    let report = world.supervisor.report().await.expect("a report");
    let entry = report.iter().find(|entry| entry.agent_id == agent).expect("it is in the report");
    assert_eq!((entry.score, entry.band), (Some(0), Some(Band::Unhealthy)));
}
