//! Hot reload: looks at the table's file and takes a new one in.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{RouteTable, SharedRouteTable};
use crate::events::EventLog;
use crate::{Error, Event, SharedClock};

const POLL: Duration = Duration::from_millis(100);
const SHOWN_CHANGES: usize = 20;

impl SharedRouteTable {
    /// Reads the file again whenever it changes, until `stop` is cancelled.
    ///
    /// A good file replaces the table (event `route_table.reloaded`); a bad or missing one is refused (event
    /// `route_table.rejected`, with line and key) and the table in force stays. A file that is still being written is left
    /// alone until it has been the same for a tenth of a second.
    pub async fn watch(self, path: PathBuf, events: EventLog, clock: SharedClock, stop: CancellationToken) {
        let subject = path.display().to_string();
        let mut watcher = Watcher::new(self, path);
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = async {
                ticks.tick().await;
                // On the blocking pool, because the file may lie on a network drive that hangs.
                tokio::task::spawn_blocking(move || (watcher.look(), watcher)).await
            };
            let Some(Ok((change, after))) = stop.run_until_cancelled(look).await else { return };
            watcher = after;
            if let Some((kind, data)) = change {
                events.record(Event::new(clock.now(), kind, subject.as_str()).with_data(data));
            }
        }
    }
}

/// One look at a time, and what came of it.
struct Watcher {
    table: SharedRouteTable,
    path: PathBuf,
    settling: Settling,
    was_rejected: bool,
}

impl Watcher {
    fn new(table: SharedRouteTable, path: PathBuf) -> Self {
        Self { table, path, settling: Settling::default(), was_rejected: false }
    }

    /// The kind and the particulars of what changed, if anything did.
    fn look(&mut self) -> Option<(&'static str, Value)> {
        if !self.settling.is_due(Stamp::of(&self.path)) {
            return None;
        }
        match RouteTable::load(&self.path) {
            // Nothing new: the first look, or a file that was only touched.
            Ok(table) if table.digest() == self.table.current().digest() && !self.was_rejected => None,
            Ok(table) => {
                self.was_rejected = false;
                Some(self.take_in(table))
            }
            Err(error) => {
                self.was_rejected = true;
                Some(self.reject(&error))
            }
        }
    }

    fn take_in(&self, table: RouteTable) -> (&'static str, Value) {
        let before = self.table.current();
        self.table.replace(table);
        let now = self.table.current();
        let changed = now.changed_since(&before);
        tracing::info!(path = %self.path.display(), version = now.version(), changed = changed.len(), "route table reloaded");
        let shown = &changed[..changed.len().min(SHOWN_CHANGES)];
        let data = json!({"version": now.version(), "digest": now.digest(), "changed": changed.len(), "actions": shown});
        ("route_table.reloaded", data)
    }

    fn reject(&self, error: &Error) -> (&'static str, Value) {
        let version = self.table.current().version();
        tracing::warn!(%error, version, "route table rejected; the one in force stays");
        let context: Map<String, Value> = error.context().map(|(key, value)| (key.to_owned(), value.into())).collect();
        ("route_table.rejected", json!({"kept_version": version, "detail": error.message(), "context": context}))
    }
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Missing,
    File {
        modified: Option<SystemTime>,
        length: u64,
        /// Inode and the seconds and nanoseconds of its last change, which no tool can set back.
        identity: (u64, i64, i64),
    },
}

impl Stamp {
    fn of(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(metadata) => {
                Self::File { modified: metadata.modified().ok(), length: metadata.len(), identity: identity(&metadata) }
            }
            Err(_) => Self::Missing,
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
const fn identity(_metadata: &std::fs::Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

/// Decides when a file is worth reading: it differs from what was read, and two looks in a row found it the same.
#[derive(Debug, Clone, Copy, Default)]
struct Settling {
    looked_at: Option<Stamp>,
    read: Option<Stamp>,
}

impl Settling {
    fn is_due(&mut self, stamp: Stamp) -> bool {
        let is_still = self.looked_at.replace(stamp) == Some(stamp);
        let is_due = is_still && self.read != Some(stamp);
        if is_due {
            self.read = Some(stamp);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn file(length: u64) -> Stamp {
        Stamp::File { modified: None, length, identity: (1, 2, 3) }
    }

    #[test]
    fn a_file_is_read_once_it_has_stopped_changing() {
        let mut settling = Settling::default();
        let due = [file(1), file(2), file(3), file(3), file(3)].map(|stamp| settling.is_due(stamp));
        assert_eq!(due, [false, false, false, true, false]);
    }

    #[test]
    fn a_file_that_is_gone_for_one_look_only_is_not_missed() {
        let mut settling = Settling::default();
        let due = [file(1), file(1), Stamp::Missing, file(1), file(1)].map(|stamp| settling.is_due(stamp));
        assert_eq!(due, [false, true, false, false, false]);
    }

    #[test]
    fn only_a_file_that_says_something_else_is_news() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("routes.json");
        let put = |text: &str| {
            let beside = path.with_extension("new");
            std::fs::write(&beside, text).expect("written");
            std::fs::rename(beside, &path).expect("put in place");
        };
        put("{}");
        let table = SharedRouteTable::new(RouteTable::load(&path).expect("a table"));
        let mut watcher = Watcher::new(table, path.clone());
        let mut kind_after = |text: &str| {
            put(text);
            let looks = [watcher.look(), watcher.look(), watcher.look()];
            looks.map(|change| change.map(|(kind, _)| kind))
        };
        assert_eq!(kind_after("{}"), [None, None, None]);
        assert_eq!(kind_after("{}"), [None, None, None], "another file with the same text");
        assert_eq!(kind_after("{"), [None, Some("route_table.rejected"), None]);
        assert_eq!(kind_after("{}"), [None, Some("route_table.reloaded"), None], "mended");
        assert_eq!(kind_after("{} "), [None, Some("route_table.reloaded"), None]);
    }
}
