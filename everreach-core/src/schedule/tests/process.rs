//! One process with a database of its own, a clock that is moved by hand, and a standing that is set by hand.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::lease::{Leadership, LeadershipSetter};
use crate::runtime::{Runtime, RuntimeConfig};
use crate::schedule::{JobName, Jobs, Schedule};
use crate::store::{Store, on_db};
use crate::testing::ManualClock;
use crate::{Clock as _, Mode, Side, Timestamp};

pub(super) struct Process {
    pub(super) runtime: Runtime,
    pub(super) clock: Arc<ManualClock>,
    pub(super) stands: LeadershipSetter,
    _folder: TempDir,
}

impl Process {
    /// Of this side, with these jobs and no others, at this time of 2026-11.
    pub(super) async fn start(side: Side, now: &str, jobs: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let builtin = Jobs::builtin(chrono_tz::UTC).expect("the built-in schedule");
        let mut all: Map<_, _> = builtin.iter().map(|job| (job.name.to_string(), json!({ "enabled": false }))).collect();
        all.extend(jobs.as_object().expect("jobs").clone());
        let file = folder.path().join("schedule.json");
        std::fs::write(&file, json!({ "version": 1, "jobs": all }).to_string()).expect("a file");
        let mut config = RuntimeConfig { data_dir: folder.path().to_path_buf(), ..RuntimeConfig::default() };
        config.store.url = "sqlite::memory:".to_owned();
        config.schedule.file = Some(file);
        if side == Side::Cloud {
            config.routing.mode = Mode::Cloud;
            config.routing.is_cloud_terminal = true;
        }
        let clock = Arc::new(ManualClock::at(at(now)));
        let (stands, leadership) = Leadership::followed(Arc::clone(&clock) as _);
        let builder = Runtime::builder(config).with_clock(Arc::clone(&clock) as _).with_leadership(leadership);
        let runtime = builder.build().await.expect("a runtime");
        Self { runtime, clock, stands, _folder: folder }
    }

    pub(super) fn schedule(&self) -> &Schedule {
        self.runtime.schedule()
    }

    pub(super) fn advance_to(&self, time: &str) {
        self.clock.advance((at(time) - self.clock.now()).to_std().expect("forward"));
    }

    /// Looks until there is nothing more to do at this time, and lets the runs end.
    pub(super) async fn look(&self) {
        for _ in 0..3 {
            self.schedule().round().await.expect("a round");
        }
        self.schedule().finish().await;
    }

    /// The log of a job, oldest slot first, as `slot status`.
    pub(super) async fn log(&self, job: &str) -> Vec<String> {
        let mut rows = self.schedule().history(Some(&name(job)), 1_000).await.expect("the log");
        rows.sort_by_key(|row| row.slot);
        rows.iter().map(|row| format!("{} {}", row.slot.expect("a slot").format("%dT%H:%M"), row.status)).collect()
    }
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().expect("a time")
}

pub(super) fn name(text: &str) -> JobName {
    text.parse().expect("a name")
}

pub(super) async fn execute(store: &Store, statement: &'static str) {
    let done = store.write(move |mut db| {
        Box::pin(async move { Ok(on_db!(&mut db, conn => sqlx::query(statement).execute(conn).await.map(drop))?) })
    });
    done.await.expect("it is a statement");
}

/// Waits for something that comes by itself.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come"));
}
