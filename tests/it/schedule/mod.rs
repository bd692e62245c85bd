//! The schedule over real databases: slots, runs, calls, and ninety days.

mod calls;
mod eventbridge;
mod loops;
mod ninety_days;
mod runs;
mod slots;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::lease::Leadership;
use everreach_core::notify::Notifier;
use everreach_core::routing::{Call, Execution, Executor, ServiceListing};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::schedule::{JobName, Jobs, SlotRecord};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use everreach_core::{Clock, Error, ErrorKind, Mode, Outcome, Side, Timestamp};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Runs what it is asked to and remembers it. `dm.limits` waits until it is let go.
#[derive(Debug)]
struct Worker {
    ran: Mutex<Vec<String>>,
    gate: Semaphore,
}

#[async_trait]
impl Executor for Worker {
    async fn execute(&self, call: &Call) -> Execution {
        self.ran.lock().expect("no test panicked meanwhile").push(call.action.to_string());
        match call.action.as_str() {
            "twitter.playbook" => {
                Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, "ValueError: no niche"))
            }
            "dm.limits" => {
                let permit = self.gate.acquire().await.expect("the gate stays");
                permit.forget();
                Execution::done(json!({ "left": 3 }))
            }
            _ => Execution::done(json!({ "echo": call.params })),
        }
    }

    async fn services(&self) -> everreach_core::Result<Vec<ServiceListing>> {
        Ok(Vec::new())
    }
}

/// Keeps what the operator was told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, message: &str) -> everreach_core::Result<()> {
        self.0.lock().expect("no test panicked meanwhile").push(message.to_owned());
        Ok(())
    }
}

/// A database, a clock and a worker that several processes share.
struct World {
    folder: TempDir,
    store: Store,
    clock: Arc<ManualClock>,
    worker: Arc<Worker>,
    told: Arc<Told>,
}

impl World {
    /// These jobs and no others, and the clock at this time.
    fn new(store: Store, now: &str, jobs: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all: Map<String, Value> = Map::new();
        for job in Jobs::builtin(chrono_tz::UTC).expect("the built-in schedule").iter() {
            all.insert(job.name.to_string(), json!({ "enabled": false }));
        }
        all.extend(jobs.as_object().expect("jobs").clone());
        let text = json!({ "version": 1, "jobs": all }).to_string();
        std::fs::write(folder.path().join("schedule.json"), text).expect("a file");
        let worker = Arc::new(Worker { ran: Mutex::default(), gate: Semaphore::new(0) });
        Self { folder, store, clock: Arc::new(ManualClock::at(at(now))), worker, told: Arc::default() }
    }

    /// A process of this side.
    async fn process(&self, side: Side, leadership: Leadership) -> Runtime {
        let mut config = RuntimeConfig::default();
        config.data_dir = self.folder.path().to_path_buf();
        if side == Side::Cloud {
            config.routing.mode = Mode::Cloud;
            config.routing.is_cloud_terminal = true;
        }
        config.schedule.file = Some(self.folder.path().join("schedule.json"));
        config.schedule.look_every = Duration::from_millis(20);
        let builder = Runtime::builder(config)
            .with_store(self.store.clone())
            .with_clock(Arc::clone(&self.clock) as _)
            .with_notifier(Arc::clone(&self.told) as _)
            .with_executor(Arc::clone(&self.worker) as _);
        builder.with_leadership(leadership).build().await.expect("a runtime")
    }

    async fn alone(&self) -> Runtime {
        self.process(Side::Local, Leadership::alone(Arc::clone(&self.clock) as _)).await
    }

    fn ran(&self) -> Vec<String> {
        self.worker.ran.lock().expect("no test panicked meanwhile").clone()
    }

    fn advance_to(&self, time: &str) {
        let by = (at(time) - self.clock.now()).to_std().expect("forward");
        self.clock.advance(by);
    }
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().expect("a time")
}

fn name(text: &str) -> JobName {
    text.parse().expect("a name")
}

/// The log of a job, oldest slot first, as `slot status`.
async fn log(runtime: &Runtime, job: &str) -> Vec<String> {
    let mut rows = rows(runtime, job).await;
    rows.sort_by_key(|row| row.slot);
    let line = |row: &SlotRecord| format!("{} {}", row.slot.expect("a slot").format("%dT%H:%M"), row.status);
    rows.iter().map(line).collect()
}

async fn rows(runtime: &Runtime, job: &str) -> Vec<SlotRecord> {
    runtime.schedule().history(Some(&name(job)), 1_000).await.expect("the log")
}

/// Waits for something that comes by itself.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what} did not come"));
}

fn heartbeat(schedule: &str) -> Value {
    json!({ "mine": { "schedule": schedule, "chain": ["dm.stats"] } })
}
