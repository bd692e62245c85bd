//! A supervisor over real processes, with waits short enough for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::events::{EventLog, RecordedEvent};
use crate::stop::StopSwitch;
use crate::store::{Store, StoreConfig};
use crate::supervisor::{
    AgentDefinition, AgentId, AgentRegistry, AgentView, Departure, LauncherConfig, NativeLauncher, Supervisor, SupervisorConfig,
    SupervisorParts,
};
use crate::{Result, SystemClock};

/// What no wait in a test may take longer than.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) supervisor: Supervisor,
    pub(super) stop: StopSwitch,
}

pub(super) fn id(text: &str) -> AgentId {
    text.parse().expect("an id")
}

pub(super) fn quick(state: PathBuf) -> SupervisorConfig {
    let mut config = SupervisorConfig::new(state);
    config.look_every = Duration::from_millis(100);
    config.measure_every = Duration::from_millis(200);
    config.lifecycle.verify_for = Duration::from_millis(300);
    config.lifecycle.backoff.base = Duration::from_millis(100);
    config.health.interval = Duration::from_millis(100);
    config.health.start_interval = Duration::from_millis(50);
    config.health.timeout = Duration::from_millis(300);
    config.health.heartbeat = Duration::from_millis(200);
    // On a machine that is busy with other tests every turn may be late.
    config.health.own_lag = Duration::from_secs(5);
    config
}

pub(super) async fn open_in(
    folder: &Path,
    state: &str,
    store: &Store,
    change: impl FnOnce(&mut SupervisorConfig),
) -> Result<Supervisor> {
    let clock = SystemClock::shared();
    let state = folder.join(state);
    fs::create_dir_all(folder.join("agents")).expect("a folder");
    let mut launcher = LauncherConfig::new(state.clone(), vec![folder.join("agents")]);
    launcher.programs.interpreters.push("sh".to_owned());
    let launcher = NativeLauncher::open(launcher, clock.clone())?;
    let mut config = quick(state);
    change(&mut config);
    let events = EventLog::start(store.clone());
    let stop = StopSwitch::new(store.clone(), clock.clone(), events.clone(), folder.to_owned());
    let parts = SupervisorParts { config, launcher: Arc::new(launcher), store: store.clone(), clock, events, stop: Some(stop) };
    Supervisor::open(parts).await
}

pub(super) async fn world() -> World {
    world_with(|_| {}).await
}

pub(super) async fn world_with(change: impl FnOnce(&mut SupervisorConfig)) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
    let supervisor = open_in(folder.path(), "state", &store, change).await.expect("a supervisor");
    let events = EventLog::start(store.clone());
    let stop = StopSwitch::new(store.clone(), SystemClock::shared(), events, folder.path().to_owned());
    World { folder, store, supervisor, stop }
}

impl World {
    pub(super) fn registry(&self) -> &AgentRegistry {
        self.supervisor.registry()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("agents").join(name)
    }

    /// Registers an agent that is this shell script, with these fields beside it.
    pub(super) async fn register(&self, name: &str, script: &str, fields: Value) -> AgentId {
        fs::write(self.path(&format!("{name}.sh")), script).expect("a script");
        let mut definition = json!({"agent_id": name, "entry_point": ["sh", format!("{name}.sh")], "stop_grace_s": 5});
        for (field, value) in fields.as_object().into_iter().flatten() {
            definition[field] = value.clone();
        }
        let definition = AgentDefinition::from_json(definition).expect("a definition");
        self.registry().register(definition).await.expect("it is registered");
        id(name)
    }

    /// Ends this supervisor as a crash would, but for the lock, and begins the next one on the same directory.
    pub(super) async fn next_supervisor(&mut self) {
        self.supervisor.shutdown(Departure::LeaveAgents).await;
        self.supervisor = open_in(self.folder.path(), "state", &self.store, |_| {}).await.expect("a supervisor");
    }

    /// Waits until an agent is as wanted; how it is then.
    pub(super) async fn until(&self, id: &AgentId, wanted: impl Fn(&AgentView) -> bool) -> AgentView {
        until(&self.supervisor, id, wanted).await
    }

    /// Every event of this agent so far.
    pub(super) async fn events(&self, id: &AgentId) -> Vec<RecordedEvent> {
        assert!(self.supervisor.flush(PATIENCE).await, "the journal is written");
        let log = EventLog::start(self.store.clone());
        let events = log.read_after(0, 10_000).await.expect("the events");
        events.into_iter().filter(|event| event.event.subject == id.as_str()).collect()
    }

    pub(super) async fn kinds(&self, id: &AgentId) -> Vec<String> {
        self.events(id).await.into_iter().map(|event| event.event.kind.into_owned()).collect()
    }
}

pub(super) async fn until(supervisor: &Supervisor, id: &AgentId, wanted: impl Fn(&AgentView) -> bool) -> AgentView {
    let begun = tokio::time::Instant::now();
    loop {
        let view = supervisor.agent(id).await;
        match view {
            Ok(view) if wanted(&view) => return view,
            seen if begun.elapsed() > PATIENCE => panic!("{id} never got there: {seen:#?}"),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Waits for a condition.
pub(super) async fn wait_for<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let begun = tokio::time::Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "it never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(super) fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a number");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is signalled");
}

pub(super) fn is_there(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
