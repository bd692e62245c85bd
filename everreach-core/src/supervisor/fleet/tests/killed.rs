//! Supervisors that are killed, in processes of their own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::world::{id, kill, open_in};
use crate::SystemClock;
use crate::store::{Store, StoreConfig};
use crate::supervisor::{AgentDefinition, AgentRegistry, Departure, LogConfig, LogFiles, Wanted};

const AGENTS: u32 = 5;
const KILLS: u64 = 4;
const FOLDER: &str = "EVERREACH_TEST_FOLDER";
const COUNTS: &str = "n=0; while :; do n=$((n+1)); echo \"line $n\"; done";

async fn store(folder: &Path) -> Store {
    let url = format!("sqlite://{}", folder.join("everreach.db").display());
    Store::open(&StoreConfig::new(url)).await.expect("a store")
}

/// The supervisor that is killed: this test binary once more, with this test alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is started by the test below"]
async fn a_supervisor_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("it is started by the test below");
    let folder = Path::new(&folder);
    let supervisor = open_in(folder, "state", &store(folder).await, |_| {}).await.expect("a supervisor");
    println!("open");
    loop {
        let agents = supervisor.agents().await.expect("a list");
        if agents.iter().filter(|agent| agent.pid.is_some()).count() == AGENTS as usize {
            println!("all");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn start(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "supervisor::fleet::tests::killed::a_supervisor_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let has_all = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with("all"));
    assert!(has_all, "it ended before all agents ran");
    // What it says from now on is read by nobody, and must not stop it.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    child
}

/// The processes of the agents, as their records have them.
fn pids(folder: &Path) -> BTreeMap<String, i64> {
    let mut pids = BTreeMap::new();
    for entry in fs::read_dir(folder.join("state/runs")).expect("the records") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let record: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a record")).expect("json");
            let pid = record["identity"]["pid"].as_i64().unwrap_or_else(|| panic!("no process: {record}"));
            pids.insert(record["agent_id"].as_str().expect("an id").to_owned(), pid);
        }
    }
    pids
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn agents_live_through_the_kills_of_their_supervisor_and_no_line_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::create_dir(path.join("agents")).expect("a folder");
    fs::write(path.join("agents/count.sh"), COUNTS).expect("a script");
    let store = store(path).await;
    let registry = AgentRegistry::new(store.clone(), SystemClock::shared());
    for number in 0..AGENTS {
        let definition = json!({"agent_id": format!("k{number}"), "entry_point": ["sh", "count.sh"]});
        registry.register(AgentDefinition::from_json(definition).expect("a definition")).await.expect("it is registered");
        registry.want(&id(&format!("k{number}")), Wanted::Running).await.expect("it is wanted");
    }
    let mut before = BTreeMap::new();
    for round in 0..KILLS {
        let mut supervisor = start(path);
        let now = pids(path);
        assert_eq!(now.len(), AGENTS as usize);
        assert!(before.is_empty() || before == now, "the same processes, round {round}");
        before = now;
        tokio::time::sleep(Duration::from_millis(37 * (round + 1))).await;
        kill(i32::try_from(supervisor.id()).expect("a number"));
        supervisor.wait().expect("it ended");
    }
    let begun = tokio::time::Instant::now();
    let last = open_in(path, "state", &store, |_| {}).await.expect("a supervisor");
    let took = begun.elapsed();
    let agents = last.agents().await.expect("a list");
    let running: BTreeMap<_, _> =
        agents.iter().filter_map(|agent| Some((agent.agent_id.to_string(), i64::from(agent.pid?)))).collect();
    assert_eq!((running, agents.iter().map(|agent| agent.restarts).sum::<u64>()), (before, 0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    last.shutdown(Departure::StopAgents).await;
    let logs = LogFiles::new(path.join("state/logs"), LogConfig::default());
    for number in 0..AGENTS {
        let agent = id(&format!("k{number}"));
        let text = String::from_utf8(logs.tail(&agent, usize::MAX).expect("its log")).expect("text");
        let lines: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect();
        assert!(lines.len() > 100, "{agent} wrote {}", lines.len());
        assert!(lines.windows(2).all(|pair| pair[1] == pair[0] + 1), "{agent}: a line is missing, torn or doubled");
    }
}
