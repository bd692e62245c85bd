//! Hot reload, watched from the outside: a file, the event log and the shared table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{RouteTable, SharedRouteTable, name};
use crate::events::{EventLog, RecordedEvent};
use crate::store::{Store, StoreConfig};
use crate::{Effect, SystemClock};

const PATIENCE: Duration = Duration::from_secs(30);
const ESSENTIAL: &str = r#"{"dm.bulk_send": {"essential": true}}"#;

/// A watched file, and everything that tells what became of it.
struct Watched {
    path: PathBuf,
    table: SharedRouteTable,
    log: EventLog,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    seen: i64,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("routes.json");
        std::fs::write(&path, text).expect("written");
        let table = SharedRouteTable::new(RouteTable::load(&path).expect("a table"));
        let log = EventLog::start(Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store"));
        let stop = CancellationToken::new();
        let task = tokio::spawn(table.clone().watch(path.clone(), log.clone(), SystemClock::shared(), stop.clone()));
        Self { path, table, log, stop, task, seen: 0, _folder: folder }
    }

    /// Puts a whole new file in place, as an editor does.
    fn put(&self, text: &str) {
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, text).expect("written");
        std::fs::rename(beside, &self.path).expect("put in place");
    }

    /// The next event of the watch.
    async fn next(&mut self) -> RecordedEvent {
        let mut written = self.log.written();
        let waiting = async {
            loop {
                if let Some(event) = self.log.read_after(self.seen, 1).await.expect("read").pop() {
                    break event;
                }
                written.changed().await.expect("the log runs");
            }
        };
        let event = tokio::time::timeout(PATIENCE, waiting).await.expect("an event in time");
        self.seen = event.seq;
        event
    }

    fn is_essential(&self) -> bool {
        self.table.resolve(&name("dm.bulk_send")).essential
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn a_changed_file_is_taken_in_and_told_of() {
    let mut watched = Watched::start("{}").await;
    assert!(!watched.is_essential());
    watched.put(ESSENTIAL);
    let event = watched.next().await.event;
    assert_eq!((event.kind.as_ref(), event.subject), ("route_table.reloaded", shown(&watched.path)));
    assert_eq!(event.data["version"], 2);
    assert_eq!(event.data["actions"], serde_json::json!(["dm.bulk_send"]));
    assert_eq!(event.data["digest"], watched.table.current().digest());
    assert!(watched.is_essential());
    assert_eq!(watched.table.resolve(&name("dm.bulk_send")).effect, Effect::Outward);
}

#[tokio::test]
async fn a_bad_file_is_refused_with_its_line_and_the_table_in_force_stays_until_it_is_mended() {
    let mut watched = Watched::start(ESSENTIAL).await;
    watched.put("{\n\"dm.bulk_send\": {\"preferred_env\": \"moon\"}}");
    let event = watched.next().await.event;
    assert_eq!(event.kind, "route_table.rejected");
    assert_eq!((&event.data["kept_version"], &event.data["context"]["line"]), (&1.into(), &"2".into()));
    assert_eq!(event.data["context"]["key"], "dm.bulk_send.preferred_env");
    assert!(watched.is_essential());
    assert_eq!(watched.table.current().version(), 1);

    watched.put(ESSENTIAL);
    assert_eq!(watched.next().await.event.kind, "route_table.reloaded");
    assert!(watched.is_essential());
}

#[tokio::test]
async fn a_file_that_goes_away_leaves_its_table_in_force() {
    let mut watched = Watched::start(ESSENTIAL).await;
    std::fs::remove_file(&watched.path).expect("removed");
    assert_eq!(watched.next().await.event.kind, "route_table.rejected");
    assert!(watched.is_essential());
    watched.put("{}");
    assert_eq!(watched.next().await.event.kind, "route_table.reloaded");
    assert!(!watched.is_essential());
}

#[tokio::test]
async fn the_watch_ends_when_it_is_told_to() {
    let watched = Watched::start("{}").await;
    watched.stop.cancel();
    tokio::time::timeout(PATIENCE, watched.task).await.expect("it ends in time").expect("it ends well");
}
