//! Which processes belong to which incarnation, looked up for many at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Incarnation;
use super::platform::{self, Watch};

/// What forks while it is ended is looked for again, this often.
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(1);

/// All processes by their incarnation, with the number of the last who asked before they were looked at.
type Snapshot = (u64, Arc<HashMap<String, Vec<i32>>>);

/// Processes by the incarnation that they carry. A look at all of them serves everybody who asked before it began.
#[derive(Debug, Default)]
pub(super) struct ProcessTable {
    asked: AtomicU64,
    newest: Mutex<Snapshot>,
}

impl ProcessTable {
    /// All of them, as they are now.
    pub(super) async fn all(&self) -> Arc<HashMap<String, Vec<i32>>> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut newest = self.newest.lock().await;
        if newest.0 < ticket {
            let serves = self.asked.load(Ordering::SeqCst);
            let found = tokio::task::spawn_blocking(platform::scan).await;
            let found = found.unwrap_or_else(|error| Err(std::io::Error::other(error))).unwrap_or_else(|error| {
                tracing::warn!(%error, "the processes of this machine cannot be listed");
                HashMap::new()
            });
            *newest = (serves, Arc::new(found));
        }
        Arc::clone(&newest.1)
    }

    /// Those that carry this incarnation.
    pub(super) async fn members(&self, incarnation: &Incarnation) -> Vec<i32> {
        self.all().await.get(incarnation.as_str()).cloned().unwrap_or_default()
    }

    /// Sends a signal to all that carry this incarnation.
    pub(super) async fn signal(&self, incarnation: &Incarnation, signal: Signal) {
        for watch in self.hold(incarnation).await {
            watch.signal(signal);
        }
    }

    /// Kills all that carry this incarnation, whatever group or session they fled to; says how many are left.
    pub(super) async fn clear(&self, incarnation: &Incarnation) -> usize {
        for _ in 0..ROUNDS {
            let held = self.hold(incarnation).await;
            if held.is_empty() {
                return 0;
            }
            for watch in &held {
                watch.signal(Signal::KILL);
            }
            let dead = futures_util::future::join_all(held.iter().map(Watch::dead));
            if timeout(PATIENCE, dead).await.is_err() {
                tracing::warn!(%incarnation, "a killed process is still there");
            }
        }
        self.hold(incarnation).await.len()
    }

    async fn hold(&self, incarnation: &Incarnation) -> Vec<Watch> {
        let members = self.members(incarnation).await;
        // Looked at again once it is held: before that the number could have become a stranger's.
        let is_one = |pid: &i32| platform::birth(*pid).is_some() && platform::carries(*pid, incarnation.as_str());
        members.into_iter().filter_map(|pid| Watch::open(pid).ok().filter(|_| is_one(&pid))).collect()
    }
}
