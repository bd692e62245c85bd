//! The registry of agents and a supervisor over it, on both databases.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use everreach_core::breaker::CircuitState;
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::supervisor::{
    AgentCircuitConfig, AgentDefinition, AgentId, AgentRegistry, AgentStatus, Departure, LauncherConfig, NativeLauncher,
    Registration, Supervisor, SupervisorConfig, SupervisorParts, Wanted,
};
use everreach_core::{Clock, ErrorKind, SystemClock};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support;
use crate::support::store::{execute, number};

fn id(text: &str) -> AgentId {
    text.parse().expect("an id")
}

fn mailer() -> AgentDefinition {
    AgentDefinition::from_json(json!({
        "agent_id": "mailer", "entry_point": ["python3", "mailer.py", "--all"], "capabilities": ["mail.send"], "tags": ["night"],
        "health_url": "http://localhost:8101/health", "env": {"MODE": "fast"}, "secrets": {"KEY": "env:MAIL_KEY"},
        "limits": {"memory_mb": 256}, "restart_policy": "on_failure", "stop_grace_s": 20
    }))
    .expect("a definition")
}

async fn a_registry(store: Store) {
    let registry = AgentRegistry::new(store.clone(), SystemClock::shared());
    let seeds: Vec<_> = registry.agents().await.expect("a list").into_iter().map(|agent| agent.definition.agent_id).collect();
    assert_eq!(seeds, ["acquisition-agent", "content-agent", "orchestrator", "revenue-agent", "safari-automation"].map(id));
    let safari = registry.agent(&id("safari-automation")).await.expect("a row").expect("it is known").definition;
    assert!(safari.is_observed() && safari.health_url.is_some());
    let content = registry.agent(&id("content-agent")).await.expect("a row").expect("it is known").definition;
    assert_eq!(content.entry_point.expect("a script").argv(), ["python3", "content_generation_agent.py"]);

    assert_eq!(registry.register(mailer()).await.expect("it is registered"), Registration::New);
    assert_eq!(registry.register(mailer()).await.expect("it is the same"), Registration::Same);
    let mut changed = mailer();
    changed.name = "Mailer".to_owned();
    assert_eq!(registry.register(changed.clone()).await.expect("it is changed"), Registration::Changed);
    let row = registry.agent(&id("mailer")).await.expect("a row").expect("it is known");
    assert_eq!((row.definition, row.wanted, row.status), (changed, Wanted::Stopped, AgentStatus::Registered));
    registry.want(&id("mailer"), Wanted::Running).await.expect("it is wanted");
    assert_eq!(registry.agent(&id("mailer")).await.expect("a row").expect("it is known").wanted, Wanted::Running);
    let nobody = registry.want(&id("nobody"), Wanted::Running).await.expect_err("there is none");
    assert_eq!(nobody.kind(), ErrorKind::NotFound);

    let more: BTreeSet<_> = ["mail.send", "mail.read"].map(|name| name.parse().expect("a capability")).into();
    registry.set_capabilities(&id("mailer"), more).await.expect("it is written");
    let all = registry.capabilities().await.expect("a map");
    assert_eq!(all[&"mail.read".parse().expect("a capability")], [id("mailer")]);
    assert_eq!(all[&"content.generate".parse().expect("a capability")], [id("content-agent")]);

    execute(&store, "UPDATE actp_agent_registry SET needs_restart = TRUE WHERE agent_id = 'mailer'").await;
    assert!(registry.agent(&id("mailer")).await.expect("a row").expect("it is known").needs_restart);
    let taken = [registry.take_restart_signal(&id("mailer")).await, registry.take_restart_signal(&id("mailer")).await];
    assert_eq!(taken.map(|taken| taken.expect("an answer")), [true, false], "once");

    for failures in 1..=5 {
        let fail = |circuit: &mut everreach_core::supervisor::AgentCircuit, now, config: &AgentCircuitConfig| {
            circuit.failed(now, 0.5, config)
        };
        let circuit = registry.change_circuit(&id("mailer"), AgentCircuitConfig::default(), fail).await.expect("it is written");
        assert_eq!(circuit.failures, failures);
    }
    let circuit = registry.circuit(&id("mailer")).await.expect("a row");
    assert_eq!((circuit.state, circuit.failures, circuit.recent.len()), (CircuitState::Open, 5, 5));
    let left = circuit.next_try_at.expect("a trial") - SystemClock::new().now();
    assert!((290..=300).contains(&left.num_seconds()), "{left}");
    assert_eq!(registry.circuit(&id("content-agent")).await.expect("none is closed").state, CircuitState::Closed);

    assert!(registry.unregister(&id("mailer")).await.expect("it is removed"));
    assert!(!registry.unregister(&id("mailer")).await.expect("it is gone"));
    assert_eq!(registry.agent(&id("mailer")).await.expect("no row"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_registered_changed_and_forgotten_on_sqlite() {
    a_registry(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_registered_changed_and_forgotten_on_postgres() {
    a_registry(support::store::postgres().await).await;
}

const COLUMNS: &str = "agent_id, name, entry_point, capabilities, health_url, status";

/// What another program made is completed, its rows are read, and one that is no agent keeps nobody from the others.
async fn their_registry_is_adopted(store: Store) {
    let registry = AgentRegistry::new(store.clone(), SystemClock::shared());
    let theirs = registry.agent(&id("theirs")).await.expect("a row").expect("it is known").definition;
    assert_eq!(theirs.entry_point.expect("a script").argv(), ["python3", "theirs.py"]);
    assert_eq!(registry.agents().await.expect("a list").len(), 6, "theirs and the five");
    assert_eq!(registry.agent(&id("broken")).await.expect_err("it is no agent").kind(), ErrorKind::Store);
    registry.want(&id("theirs"), Wanted::Running).await.expect("it is written");
    assert_eq!(
        number(&store, "SELECT COUNT(*) FROM actp_agent_registry WHERE performance_score = 1.0").await,
        7,
        "their column stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_of_another_program_is_completed_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("theirs.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("a file");
    for statement in [
        "CREATE TABLE actp_agent_registry (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), agent_id TEXT NOT NULL, name TEXT, \
         entry_point TEXT, capabilities TEXT, health_url TEXT, status TEXT, last_seen TEXT, performance_score REAL DEFAULT 1.0)"
            .to_owned(),
        format!("INSERT INTO actp_agent_registry ({COLUMNS}) VALUES ('theirs', 'Theirs', 'theirs.py', '[\"a.b\"]', NULL, 'online')"),
        format!("INSERT INTO actp_agent_registry ({COLUMNS}) VALUES ('broken', 'Broken', 'rm -rf /', NULL, NULL, 'online')"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the other program's statement");
    }
    connection.close().await.expect("it closes");
    let store = Store::open(&StoreConfig::new(format!("sqlite://{}", file.display()))).await.expect("it opens");
    their_registry_is_adopted(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_of_another_program_is_completed_on_postgres() {
    let url = support::store::postgres_url().await;
    let mut connection = PgConnection::connect(&url).await.expect("it answers");
    for statement in [
        "CREATE TABLE actp_agent_registry (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), agent_id TEXT NOT NULL, name TEXT, \
         entry_point TEXT, capabilities JSONB, health_url TEXT, status TEXT, last_seen TIMESTAMPTZ, health JSONB, \
         performance_score DOUBLE PRECISION DEFAULT 1.0)"
            .to_owned(),
        format!("INSERT INTO actp_agent_registry ({COLUMNS}) VALUES ('theirs', 'Theirs', 'theirs.py', '[\"a.b\"]', NULL, 'online')"),
        format!("INSERT INTO actp_agent_registry ({COLUMNS}) VALUES ('broken', 'Broken', 'rm -rf /', NULL, NULL, 'online')"),
        "CREATE TABLE actp_agent_restarts (id BIGSERIAL PRIMARY KEY, agent_id TEXT, reason TEXT, pid_before INTEGER, pid_after INTEGER, \
         success BOOLEAN, restarted_at TIMESTAMPTZ DEFAULT now())"
            .to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the other program's statement");
    }
    let store = Store::open(&StoreConfig::new(url)).await.expect("it opens");
    their_registry_is_adopted(store.clone()).await;
    a_life(store).await;
}

/// An agent is started, killed, healed and stopped, and the tables tell.
async fn a_life(store: Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    fs::create_dir(folder.path().join("agents")).expect("a folder");
    fs::write(folder.path().join("agents/plain.sh"), "while :; do sleep 0.1; done").expect("a script");
    let clock = SystemClock::shared();
    let mut launcher = LauncherConfig::new(state.clone(), vec![folder.path().join("agents")]);
    launcher.programs.interpreters.push("sh".to_owned());
    let mut config = SupervisorConfig::new(state);
    config.lifecycle.verify_for = Duration::from_millis(300);
    let supervisor = Supervisor::open(SupervisorParts {
        config,
        launcher: Arc::new(NativeLauncher::open(launcher, clock.clone()).expect("a launcher")),
        events: EventLog::start(store.clone()),
        store: store.clone(),
        clock,
        stop: None,
    })
    .await
    .expect("a supervisor");
    let plain = AgentDefinition::new(id("plain"), r#"["sh", "plain.sh"]"#.parse().expect("an entry point"));
    supervisor.registry().register(plain).await.expect("it is registered");
    let first = supervisor.spawn(&id("plain")).await.expect("it starts").pid.expect("a process");
    kill(first);
    let begun = tokio::time::Instant::now();
    loop {
        let restarts = supervisor.registry().restarts(&id("plain"), 5).await.expect("the rows");
        if let [row] = restarts.as_slice()
            && row.success.is_some()
        {
            assert_eq!(
                (row.success, row.pid_before, row.reason.as_deref()),
                (Some(true), Some(i64::from(first)), Some("killed"))
            );
            assert!(row.recovered_ms.is_some_and(|millis| millis < 10_000));
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came back: {restarts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    supervisor.terminate(&id("plain")).await.expect("it ends");
    supervisor.shutdown(Departure::StopAgents).await;
    let row = supervisor.registry().agent(&id("plain")).await.expect("a row").expect("it is known");
    assert_eq!((row.status, row.wanted, row.owner, row.process), (AgentStatus::Stopped, Wanted::Stopped, None, None));
    let told = "SELECT COUNT(*) FROM everreach_events WHERE subject = 'plain' AND kind = 'agent.recovery_verified'";
    assert_eq!(number(&store, told).await, 1);
}

fn kill(pid: i32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("it is signalled");
    assert!(killed.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_killed_is_healed_and_the_tables_tell_on_sqlite() {
    a_life(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_killed_is_healed_and_the_tables_tell_on_postgres() {
    a_life(support::store::postgres().await).await;
}
