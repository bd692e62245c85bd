//! The services' double, a database, and daemons that work on it.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use everreach_core::events::EventLog;
use everreach_core::safari::decision::Conditions;
use everreach_core::safari::queue::{CommandDetail, NewCommand, QueueConfig, SafariQueue};
use everreach_core::safari::{Command, Platform, Service};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Clock as _, Id, SystemClock, Timestamp};
use everreach_server::demo::safari::{DoubleConfig, Ports, Press, SafariDouble};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout};

use crate::cli::program::{Ended, Place};
use crate::support::store::number;

/// Longer than anything that goes well takes.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);

/// One table, and one Mac.
pub(super) struct Scene {
    pub(super) double: SafariDouble,
    pub(super) store: Store,
    pub(super) queue: SafariQueue,
    place: Place,
}

/// A SQLite file of its own: several processes open it.
pub(super) fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/queue.db", folder.path().display())
}

impl Scene {
    /// All nine services, at any hour, over this database.
    pub(super) async fn at(url: &str) -> Self {
        let config = DoubleConfig::default().on(Ports::Ephemeral).at_any_hour();
        let double = SafariDouble::start(config).await.expect("ports are free");
        let store = Store::open(&StoreConfig::new(url)).await.expect("the database opens");
        let queue =
            SafariQueue::new(store.clone(), SystemClock::shared(), EventLog::start(store.clone()), QueueConfig::default());
        let settings = [
            ("DATABASE_URL", url),
            ("SAFARI_ACTIVE_HOURS", "0-24"),
            ("SAFARI_MIN_DELAY_MS", "0"),
            ("SAFARI_REST_AFTER_UNKNOWN_SEC", "0"),
            ("SAFARI_LEASE_SEC", "10"),
        ];
        let place = settings.into_iter().fold(Place::new(), |place, (name, value)| place.with(name, value));
        let place = double.settings().into_iter().fold(place, |place, (name, value)| place.with(name, &value));
        Self { double, store, queue, place }
    }

    /// Another setting for the programs that are started from now on.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.place = self.place.with(name, value);
        self
    }

    pub(super) async fn behave(&self, service: Service, scenario: &str) {
        self.double.set_scenario(service, scenario.parse().expect("a scenario")).await.expect("the service has it");
    }

    /// Writes messages, each in a request of its own: eleven at once would wait for a person.
    pub(super) async fn enqueue_dms<'a>(&self, platform: Platform, handles: impl IntoIterator<Item = &'a str>) -> Vec<Id> {
        let mut ids = Vec::new();
        for handle in handles {
            let new = NewCommand::new(Command::dm(platform, handle, "hello", SystemClock::new().now()));
            ids.push(self.queue.enqueue(vec![new]).await.expect("it is written")[0].id);
        }
        ids
    }

    pub(super) async fn daemon(&self) -> Daemon {
        Daemon::start(&self.place).await
    }

    /// Runs the program to its end.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ended {
        tokio::task::block_in_place(|| self.place.run(arguments))
    }

    pub(super) async fn get(&self, id: Id) -> CommandDetail {
        let conditions = Conditions::new(chrono_tz::UTC);
        self.queue.get(id, &conditions).await.expect("a look").expect("it is there")
    }

    /// Waits until so many presses of Send have happened.
    pub(super) async fn pressed(&self, times: usize) {
        until(&format!("{times} presses"), async || self.double.presses().len() >= times).await;
    }

    /// Waits until so many rows stand so.
    pub(super) async fn rows(&self, count: i64, filter: &str) {
        let statement = format!("SELECT COUNT(*) FROM safari_command_queue WHERE {filter}");
        until(&format!("{count} rows with {filter}"), async || number(&self.store, statement.clone()).await == count).await;
    }

    /// What was pressed: never twice for the same person, never two at a time, nothing that runs a command.
    pub(super) fn presses(&self) -> Vec<Press> {
        let presses = self.double.presses();
        let people: BTreeSet<_> = presses.iter().map(|press| (press.service, &press.target)).collect();
        assert_eq!(people.len(), presses.len(), "nobody twice: {presses:?}");
        assert!(self.double.most_at_once() <= 1, "one at a time drives Safari");
        assert_eq!(self.double.injections(), 0);
        presses
    }
}

/// Looks until it is so.
pub(super) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("in time: {what}"));
}

/// `everreach safari daemon`; killed when it is dropped.
pub(super) struct Daemon {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Daemon {
    async fn start(place: &Place) -> Self {
        let mut command = place.command(&["--json", "safari", "daemon", "--interval", "1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("stdout"));
        let mut ready = String::new();
        tokio::time::timeout(PATIENCE, output.read_line(&mut ready)).await.expect("in time").expect("a ready line");
        assert!(ready.contains("running"), "{ready:?}");
        Self { child, output }
    }

    /// Asks it to end, as a supervisor does; returns what it has come to.
    pub(super) async fn finish(mut self) -> Value {
        let id = self.child.id().expect("it was never restarted: it still runs").to_string();
        let asked = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
        assert!(asked.success());
        let mut rest = String::new();
        let ending = async { (self.output.read_to_string(&mut rest).await, self.child.wait().await) };
        let (read, status) = tokio::time::timeout(PATIENCE, ending).await.expect("it ends in time");
        read.expect("text");
        assert_eq!(status.expect("it ends").code(), Some(0), "{rest}");
        serde_json::from_str(&rest).unwrap_or_else(|_| panic!("a summary, not {rest:?}"))
    }
}

/// So many seconds later.
pub(super) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at + chrono::TimeDelta::seconds(seconds)
}
