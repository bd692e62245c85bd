//! The job of a process that routes outward calls until it is killed.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use everreach_core::routing::{Params, RemoteConfig, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{MicroUsd, Mode, Timestamp};
use serde::{Deserialize, Serialize};

use super::child::{Report, report};
use super::clock;
use crate::support::store::number;

/// Calls under way at once.
const CONCURRENT: usize = 8;
/// The lease of a call is a minute more than this.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);
/// What each call costs, in [`TABLE`] too.
pub(super) const PRICE: MicroUsd = MicroUsd::from_micros(10_000);
/// What the cloud wants.
pub(super) const KEY: &str = "er_test_key";
/// Sending is essential as a rule; here the cap is to bite.
const TABLE: &str = r#"{"dm.send": {"essential": false, "cost_usd": 0.01}}"#;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    pub(crate) cloud: String,
    pub(crate) now: Timestamp,
    pub(crate) cap: MicroUsd,
    /// Calls of earlier processes that were never answered.
    pub(crate) again: VecDeque<u64>,
    /// The first new call.
    pub(crate) first: u64,
}

/// What the process before left in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leavings {
    /// Running calls of which a try has left.
    pub(crate) dispatched: i64,
    /// Running calls of which none has.
    pub(crate) undispatched: i64,
    /// Money held for running calls: killed between reserve and settle.
    pub(crate) held: i64,
}

impl Leavings {
    async fn look(store: &Store) -> Self {
        let running = "SELECT COUNT(*) FROM everreach_calls WHERE state = 'running' AND dispatched_at IS";
        Self {
            dispatched: number(store, format!("{running} NOT NULL")).await,
            undispatched: number(store, format!("{running} NULL")).await,
            held: number(
                store,
                "SELECT COUNT(*) FROM everreach_cost_reservations r JOIN everreach_calls c ON c.idempotency_key = r.call_key \
                 WHERE r.state = 'held' AND c.state = 'running'",
            )
            .await,
        }
    }
}

/// The request of a call; the same in every process.
pub(super) fn request(call: u64) -> RouteRequest {
    let params = [("platform", "instagram".to_owned()), ("text", format!("hello {call}"))];
    let params: Params = params.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let request = RouteRequest::new("dm.send".parse().expect("a name"), params);
    request.with_idempotency_key(key(call)).with_timeout(TIMEOUT)
}

pub(super) fn key(call: u64) -> String {
    format!("call-{call}")
}

/// A runtime as every process of the test has it.
pub(super) async fn runtime(plan: &Plan, store: Store) -> Runtime {
    let table = plan.folder.join("routes.json");
    std::fs::write(&table, TABLE).expect("the table is written");
    let mut config = RuntimeConfig::default();
    config.data_dir.clone_from(&plan.folder);
    config.routing.mode = Mode::Hybrid;
    config.routing.table = Some(table);
    config.cloud = Some(RemoteConfig::new(plan.cloud.parse().expect("a URL")).with_key(KEY));
    (config.cost.cap, config.cost.soft_cap) = (plan.cap, plan.cap);
    Runtime::builder(config).with_store(store).with_clock(clock::from(plan.now)).build().await.expect("the runtime starts")
}

pub(super) async fn run(plan: Plan) {
    let store = Store::open(&StoreConfig::new(&plan.url)).await.expect("the database opens");
    report(&Report::Found(Leavings::look(&store).await));
    let runtime = runtime(&plan, store).await;
    report(&Report::Ready);
    let waiting = Arc::new(Mutex::new((plan.again, plan.first)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENT {
        let (runtime, waiting) = (runtime.clone(), Arc::clone(&waiting));
        tasks.spawn(async move {
            // Until it is killed.
            loop {
                let call = next(&mut waiting.lock().expect("nobody panicked"));
                report(&Report::Asked(call));
                let envelope = runtime.route(request(call)).await;
                report(&Report::Answered(call, serde_json::to_value(envelope).expect("an envelope is JSON")));
            }
        });
    }
    tasks.join_next().await.expect("there are tasks").expect("no task panics");
}

fn next((again, first): &mut (VecDeque<u64>, u64)) -> u64 {
    again.pop_front().unwrap_or_else(|| {
        *first += 1;
        *first - 1
    })
}
