use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Adoption, AgentProcess, Launch, LauncherConfig, NativeLauncher, ProcessLauncher, StopHow};
use crate::SystemClock;
use crate::supervisor::agent::AgentDefinition;
use crate::supervisor::diagnosis::{End, StartFailure};

const GRACE: Duration = Duration::from_secs(5);

struct Place {
    folder: tempfile::TempDir,
    launcher: NativeLauncher,
}

fn open(folder: &Path) -> NativeLauncher {
    let mut config = LauncherConfig::new(folder.join("state"), vec![folder.join("agents")]);
    config.programs.interpreters.push("sh".to_owned());
    NativeLauncher::open(config, SystemClock::shared()).expect("a launcher")
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("agents")).expect("a folder");
    let launcher = open(folder.path());
    Place { folder, launcher }
}

impl Place {
    /// An agent that is this shell script.
    fn agent(&self, id: &str, script: &str) -> AgentDefinition {
        fs::write(self.folder.path().join(format!("agents/{id}.sh")), script).expect("a script");
        let entry = serde_json::json!(["sh", format!("{id}.sh")]);
        AgentDefinition::from_json(serde_json::json!({"agent_id": id, "entry_point": entry})).expect("a definition")
    }

    async fn run(&self, id: &str, script: &str) -> Arc<dyn AgentProcess> {
        self.launcher.spawn(Launch::new(self.agent(id, script))).await.expect("it starts")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("agents").join(name)
    }
}

/// Waits for a file that an agent writes in one piece; its text.
async fn written(path: &Path) -> String {
    let begun = tokio::time::Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ if begun.elapsed() > Duration::from_secs(20) => panic!("{} was not written", path.display()),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn is_there(pid: &str) -> bool {
    super::platform::birth(pid.trim().parse().expect("a number")).is_some()
}

#[tokio::test]
async fn an_agent_runs_in_its_folder_with_an_environment_from_nothing() {
    let place = place();
    let process = place.run("env", "env | sort; pwd -P").await;
    assert_eq!(process.ended().await, End::Code(0));
    let incarnation = process.record().incarnation.clone();
    let log = place.launcher.log_tail(&process.record().agent_id, &incarnation, 10_000).await;
    let names: Vec<_> = log.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["EVERREACH_AGENT_ID", "EVERREACH_INCARNATION", "LANG", "PATH", "PWD"], "{log}");
    assert!(log.ends_with("agents\n"), "{log}");
}

#[tokio::test]
async fn each_way_to_end_is_seen() {
    let place = place();
    assert_eq!(place.run("code", "exit 7").await.ended().await, End::Code(7));
    assert_eq!(place.run("signal", "kill -11 $$").await.ended().await, End::Signal(11));
    assert!(!place.run("none", "exit 0").await.record().agent_id.as_str().is_empty());
}

#[tokio::test]
async fn one_that_ends_when_asked_is_not_killed_and_one_that_does_not_is() {
    let place = place();
    let polite = place.run("polite", "trap 'exit 0' TERM; echo ready > up; while :; do sleep 0.05; done").await;
    written(&place.path("up")).await;
    assert!(polite.is_alive());
    assert_eq!((polite.terminate(GRACE).await.how, polite.ended().await), (StopHow::Term, End::Code(0)));
    assert_eq!(polite.terminate(GRACE).await.how, StopHow::AlreadyDead);

    let deaf = place.run("deaf", "trap '' TERM; echo ready > deaf; while :; do sleep 0.05; done").await;
    written(&place.path("deaf")).await;
    let begun = tokio::time::Instant::now();
    let stopped = deaf.terminate(Duration::from_millis(300)).await;
    assert_eq!((stopped.how, stopped.survivors, deaf.ended().await), (StopHow::Kill, 0, End::Signal(9)));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_that_is_halted_is_stopped_all_the_same() {
    let place = place();
    let halted = place.run("halted", "echo $$ > pid; kill -STOP $$; sleep 60").await;
    let pid = written(&place.path("pid")).await;
    assert!(is_there(&pid));
    halted.terminate(GRACE).await;
    assert!(!is_there(&pid));
}

#[tokio::test]
async fn children_that_stay_behind_and_daemons_that_fled_end_with_it() {
    let place = place();
    let script = "sleep 300 & echo $! > child; setsid sh -c 'echo $$ > daemon; exec sleep 300' & wait_for=1; \
                  while [ ! -s daemon ]; do sleep 0.02; done; exit 3";
    let process = place.run("parent", script).await;
    let (child, daemon) = (written(&place.path("child")).await, written(&place.path("daemon")).await);
    assert_eq!(process.ended().await, End::Code(3), "the leader's own end");
    assert!(!is_there(&child) && !is_there(&daemon));

    let script = "setsid sh -c 'trap \"\" TERM; echo $$ > deaf-daemon; while :; do sleep 1; done' & wait";
    let process = place.run("parent2", script).await;
    let daemon = written(&place.path("deaf-daemon")).await;
    assert_eq!(process.terminate(GRACE).await.survivors, 0);
    assert!(!is_there(&daemon));
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_leaves_no_record() {
    let place = place();
    let mut missing = place.agent("missing", "");
    missing.entry_point = Some("sh_nowhere/run".parse().expect("an entry point"));
    let error = place.launcher.spawn(Launch::new(missing)).await.expect_err("it is not there");
    assert_eq!(error.failure, StartFailure::NotFound);

    let program = place.path("program");
    fs::write(&program, "no first line").expect("a file");
    let mut denied = place.agent("denied", "");
    denied.entry_point = Some("./program".parse().expect("an entry point"));
    let error = place.launcher.spawn(Launch::new(denied.clone())).await.expect_err("not executable");
    assert_eq!(error.failure, StartFailure::Denied);
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    fs::write(&program, "#!/nowhere/interpreter\n").expect("a file");
    let error = place.launcher.spawn(Launch::new(denied)).await.expect_err("no interpreter");
    assert_eq!(error.failure, StartFailure::NotFound);
    assert!(place.launcher.records().await.expect("records").is_empty());
}

#[tokio::test]
async fn a_secret_is_given_by_reference_and_one_that_others_can_read_is_refused() {
    let place = place();
    let key = place.folder.path().join("key");
    fs::write(&key, "s3cret\n").expect("a file");
    let mut agent = place.agent("keyed", "[ \"$KEY\" = s3cret ] && exit 5");
    let reference = format!("file:{}", key.display()).parse().expect("a reference");
    agent.secrets.insert("KEY".to_owned(), reference);
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("readable");
    let error = place.launcher.spawn(Launch::new(agent.clone())).await.expect_err("others can read it");
    assert_eq!(error.failure, StartFailure::Misconfigured);
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
    let process = place.launcher.spawn(Launch::new(agent)).await.expect("it starts");
    assert_eq!(process.ended().await, End::Code(5));
}

#[tokio::test]
async fn another_launcher_takes_over_what_runs_and_sees_its_end() {
    let place = place();
    let process = place.run("adopted", "echo ready > up; sleep 300").await;
    written(&place.path("up")).await;
    let next = open(place.folder.path());
    let records = next.records().await.expect("records");
    assert_eq!(records, [process.record().clone()]);
    let Adoption::Alive(adopted) = next.adopt(&records[0]).await else { panic!("it is alive") };
    let stopped = adopted.terminate(GRACE).await;
    assert_eq!((stopped.how, stopped.survivors, adopted.ended().await), (StopHow::Term, 0, End::Unseen));
    assert_eq!(process.ended().await, End::Signal(15), "its own parent still learns how");
    assert!(matches!(next.adopt(&records[0]).await, Adoption::Dead { is_after_reboot: false }));
    next.forget(&records[0]).await;
    assert!(next.records().await.expect("records").is_empty());
}

#[tokio::test]
async fn a_process_whose_record_was_never_completed_is_found_by_its_incarnation() {
    let place = place();
    let process = place.run("half", "echo ready > up; sleep 300").await;
    written(&place.path("up")).await;
    let mut half = process.record().clone();
    half.identity = None;
    let Adoption::Alive(found) = place.launcher.adopt(&half).await else { panic!("it is alive") };
    assert_eq!(
        found.record().identity.as_ref().map(|identity| identity.pid),
        process.record().identity.as_ref().map(|it| it.pid)
    );
    process.terminate(GRACE).await;
}

#[tokio::test]
async fn a_stranger_that_has_the_number_now_is_neither_taken_over_nor_signalled() {
    let place = place();
    let stranger = place.run("stranger", "echo ready > up; sleep 300").await;
    written(&place.path("up")).await;
    let theirs = stranger.record().identity.clone().expect("an identity");
    for change in ["birth", "handle", "boot"] {
        let mut record = stranger.record().clone();
        record.incarnation = super::Incarnation::random();
        let mut identity = theirs.clone();
        match change {
            "birth" => identity.birth = "1".to_owned(),
            "boot" => identity.boot = "another".to_owned(),
            _ => identity.handle = Some(1),
        }
        record.identity = Some(identity);
        let adoption = place.launcher.adopt(&record).await;
        assert!(matches!(adoption, Adoption::Dead { is_after_reboot } if is_after_reboot == (change == "boot")), "{change}");
    }
    assert!(stranger.is_alive());
    stranger.terminate(GRACE).await;
}

#[tokio::test]
async fn the_memory_of_a_run_is_that_of_all_its_processes() {
    let place = place();
    let process = place.run("family", "sh -c 'sleep 300' & sh -c 'sleep 300' & echo ready > up; wait").await;
    written(&place.path("up")).await;
    let memory = place.launcher.memory().await;
    assert!(memory.get(&process.record().incarnation).is_some_and(|bytes| *bytes > 500_000), "{memory:?}");
    process.terminate(GRACE).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn fifty_agents_that_end_at_once_are_all_seen_within_a_second() {
    let place = place();
    let mut processes = Vec::new();
    for number in 0..50 {
        processes.push(place.run(&format!("a{number}"), "exec sleep 300").await);
    }
    let begun = tokio::time::Instant::now();
    for process in &processes {
        let pid = process.record().identity.as_ref().map_or(0, |identity| identity.pid);
        let pid = rustix::process::Pid::from_raw(pid).expect("a number");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is signalled");
    }
    let ends = futures_util::future::join_all(processes.iter().map(|process| process.ended())).await;
    assert!(ends.iter().all(|end| *end == End::Signal(9)), "{ends:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
